# ruff: noqa: F401 (the names are for users)
"""handtorch: the part of PyTorch that this course uses, over NumPy, short enough to read.

`import helpers.handtorch as torch`, and every script and notebook of the course runs and prints the same. Read it from the
ground: `walk.py` (the graph and the walk back through it), `record.py` (how an operation is recorded), `ops.py` (the table
of operations, each with its derivative), `tensor.py` (the tensor). The rest is PyTorch's surface: `methods.py`,
`creation.py`, `autograd.py`, `linalg.py`, `spatial.py` (convolution and pooling), `functional.py`, `module.py`, `nn.py`, `optim.py`,
`lr_scheduler.py`, `random.py`, `data.py`, … and `refusals.py`, the arguments and types that it refuses. PyTorch itself is never imported.
"""

import math as _math

from . import autograd, dtypes, functional, linalg, methods, refusals
from .autograd import (
    enable_grad,
    inference_mode,
    is_anomaly_check_nan_enabled,
    is_anomaly_enabled,
    is_grad_enabled,
    is_inference_mode_enabled,
    no_grad,
    set_grad_enabled,
)
from .creation import *  # noqa: F403
from .dtypes import Size, can_cast, device, dtype, finfo, get_default_dtype, iinfo, promote_types, set_default_dtype
from .end import EndOfHandtorch, end_of
from .tensor import Tensor, is_warn_always_enabled, set_warn_always
from .text import set_printoptions

globals().update(methods.FUNCTIONS)
from . import data, environment, func, lr_scheduler, nn, nn_utils, optim, random, swa_utils, testing, utils  # noqa: E402
from .environment import *  # noqa: E402, F403
from .random import *  # noqa: E402, F403
from .storage import UntypedStorage, load, save  # noqa: E402

nn.utils, optim.lr_scheduler, optim.swa_utils = nn_utils, lr_scheduler, swa_utils
globals().update(environment.TYPED)
__version__ = environment.version.__version__
pi, e, inf, nan, newaxis, strided = _math.pi, _math.e, _math.inf, _math.nan, None, dtypes.strided
globals().update({kind.name: kind for kind in dtypes.ALL})
half, float, double = dtypes.half, dtypes.float, dtypes.double
is_inference, is_nonzero, vmap = Tensor.is_inference, Tensor.is_nonzero, func.vmap
short, int, long = dtypes.short, dtypes.int, dtypes.long
refusals.refuse(globals())
__getattr__ = end_of("torch")
