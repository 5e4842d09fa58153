"""Pictures that move: one line in a notebook, such as `explore.secant()`, starts one.

Every exploration works from the keyboard, says in words what it shows, and leaves a still figure with alt text where no
kernel runs. The shared widget is in `widget.py`, the drawing in `drawing.py`; each exploration is one module.
"""

from .accumulation import accumulation
from .backward import backward
from .curves import curves
from .descent import descent
from .jacobian import jacobian
from .leaves import leaves
from .optimizers import optimizers
from .secant import secant

__all__ = ["accumulation", "backward", "curves", "descent", "jacobian", "leaves", "optimizers", "secant"]
