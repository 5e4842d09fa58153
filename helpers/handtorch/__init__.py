# ruff: noqa: F401 (the names are for users)
"""handtorch: the part of PyTorch that this course uses, over NumPy, short enough to read.

`import helpers.handtorch as torch`, and every script and notebook of the course runs and prints the same. Read it from the
ground: `walk.py` (the graph and the walk back through it), `record.py` (how an operation is recorded), `ops.py` (the table
of operations, each with its derivative), `tensor.py` (the tensor). The rest is PyTorch's surface: `methods.py`,
`creation.py`, `autograd.py`, `linalg.py`, `spatial.py` (convolution and pooling), `functional.py`, `nn.py`, `optim.py`,
`lr_scheduler.py`, `random.py`. PyTorch itself is never imported.
"""

import math as _math

from . import autograd, dtypes, functional, linalg, methods
from .autograd import (
    enable_grad,
    inference_mode,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .creation import *  # noqa: F403
from .dtypes import Size, can_cast, device, dtype, finfo, get_default_dtype, iinfo, promote_types, set_default_dtype
from .tensor import Tensor, is_warn_always_enabled, set_warn_always
from .text import set_printoptions

globals().update(methods.FUNCTIONS)
from . import lr_scheduler, nn, nn_utils, optim, random  # noqa: E402
from .random import *  # noqa: E402, F403

nn.utils, optim.lr_scheduler, func = nn_utils, lr_scheduler, autograd.func
__version__ = "2.13.0"
pi, e, inf, nan, newaxis, strided = _math.pi, _math.e, _math.inf, _math.nan, None, "torch.strided"
globals().update({kind.name: kind for kind in dtypes.ALL})
half, float, double = dtypes.half, dtypes.float, dtypes.double
short, int, long = dtypes.short, dtypes.int, dtypes.long


class EndOfHandtorch(NotImplementedError, AttributeError):
    """A name of torch that handtorch does not have; an AttributeError too, so that `hasattr` can ask."""


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise EndOfHandtorch(
        f"torch.{name}: handtorch, the part of PyTorch that this course uses, ends before it; use PyTorch"
    )
