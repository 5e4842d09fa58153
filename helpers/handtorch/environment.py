"""What a script asks of the installation before it computes: threads, other devices, versions, strictness. Here there is one processor.

Settings are kept and given back, and have no effect: one thread computes, and always the same numbers.
"""

from __future__ import annotations

import sys
import types
import warnings

import numpy as np

from . import dtypes
from .dtypes import CPU, get_default_dtype, set_default_dtype
from .end import end_of
from .tensor import Tensor, rebuild, warn_once
from .tensor import legacy_constructor as construct

# ---- NumPy's opinion of overflow, division by zero and nan -------------------------------------------------------------


def say_whose(kind: str, flag: int) -> None:
    """NumPy calls this when a result is not a finite number: silence if handtorch computed it, as in PyTorch, else NumPy's warning."""
    frame = sys._getframe(1)
    while frame is not None and frame.f_globals.get("__name__", "").split(".")[0] == "numpy":
        frame = frame.f_back
    place = "" if frame is None else frame.f_globals.get("__name__", "")
    if place != __package__ and not place.startswith(__package__ + "."):
        warnings.warn(f"{kind} encountered", RuntimeWarning, stacklevel=2)


# Asking for silence at each operation would cost a fifth of the time; this costs a microsecond, and only where there is something to say.
np.seterrcall(say_whose)
np.seterr(all="call", under="ignore")

# ---- settings --------------------------------------------------------------------------------------------------------

settings = {"threads": 1, "interop": 1, "deterministic": False, "precision": "highest"}


def count(name, place):
    """A pair of functions that keep and give a number of threads."""

    def give():
        return settings[place]

    def keep(n):
        if not isinstance(n, int) or isinstance(n, bool):
            raise RuntimeError(f"set_{name} expects an int, but got {type(n).__name__}")
        if n <= 0:
            raise RuntimeError(f"set_{name} expects a positive integer")
        settings[place] = n

    give.__name__, keep.__name__ = "get_" + name, "set_" + name
    give.__doc__, keep.__doc__ = "The number that was set.", "Keep a number of threads; one computes."
    return give, keep


get_num_threads, set_num_threads = count("num_threads", "threads")
get_num_interop_threads, set_num_interop_threads = count("num_interop_threads", "interop")


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Keep the wish that the same program gives the same numbers, which it does."""
    if not isinstance(mode, bool):
        raise TypeError(
            f"_set_deterministic_algorithms(): argument 'mode' (position 1) must be bool, not {type(mode).__name__}"
        )
    settings["deterministic"] = mode


def are_deterministic_algorithms_enabled() -> bool:
    """Whether that wish was uttered."""
    return settings["deterministic"]


def set_float32_matmul_precision(precision: str) -> None:
    """Keep a wish for faster products; they are computed in full."""
    settings["precision"] = precision


def get_float32_matmul_precision() -> str:
    """The wish that was kept."""
    return settings["precision"]


def set_flush_denormal(mode: bool) -> bool:
    """Numbers too small for full precision are never flushed to zero; False says so."""
    return False


def set_default_device(device) -> None:
    """The processor is the only device."""
    dtypes.must_be_here(device)


def get_default_device() -> dtypes.device:
    """The processor."""
    return CPU


def no_cuda(*args, **kwargs):
    raise AssertionError("Torch not compiled with CUDA enabled")


def no(*args, **kwargs) -> bool:
    """Whether there is such a device: there is not."""
    return False


def nothing(*args, **kwargs) -> None:
    """Nothing is to be done."""


def namespace(place, **names):
    """A module of PyTorch that is little more than an answer."""
    module = types.ModuleType(place)
    vars(module).update(names, __getattr__=end_of(place))
    return module


cuda = namespace(
    "torch.cuda", is_available=no, is_initialized=no, device_count=lambda: 0, manual_seed=nothing, manual_seed_all=nothing,
    empty_cache=nothing, synchronize=no_cuda, current_device=no_cuda, get_device_name=no_cuda, set_device=no_cuda,
)  # fmt: skip
mps = namespace("torch.mps", is_available=no, manual_seed=nothing, empty_cache=nothing)
accelerator = namespace("torch.accelerator", is_available=no, device_count=lambda: 0, current_accelerator=nothing)
cudnn = namespace("torch.backends.cudnn", is_available=no, deterministic=False, benchmark=False, enabled=True)
backends = namespace(
    "torch.backends", cudnn=cudnn, cuda=namespace("torch.backends.cuda", is_built=no),
    mps=namespace("torch.backends.mps", is_available=no, is_built=no),
)  # fmt: skip
version = namespace("torch.version", __version__="2.13.0+cpu", cuda=None, hip=None, debug=False)

# ---- tensors of one type ---------------------------------------------------------------------------------------------


class TypedMeta(type):
    """A tensor is an instance of the class that is named after its type."""

    def __instancecheck__(cls, other):
        return isinstance(other, Tensor) and other.dtype is cls.dtype


def typed(kind):
    """`torch.FloatTensor` and its like: what `torch.Tensor(…)` does, for one type."""

    def __new__(cls, *args):
        before = get_default_dtype()
        set_default_dtype(dtypes.float64)
        try:
            array = construct(Tensor, args, {})._array
        finally:
            set_default_dtype(before)
        return rebuild(Tensor, array.astype(kind.numpy), False)

    body = {"__new__": __new__, "dtype": kind, "__module__": "torch", "__doc__": f"Tensors of {kind.name}."}
    return TypedMeta(f"{kind.letter}Tensor", (), body)


TYPED = {f"{kind.letter}Tensor": typed(kind) for kind in dtypes.ALL}


def set_default_tensor_type(t) -> None:
    """The old way to say `set_default_dtype`: a class such as `torch.DoubleTensor`, or its name."""
    warn_once(
        "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1, please use torch.set_default_dtype() and "
        "torch.set_default_device() as alternatives."
    )
    name = t.removeprefix("torch.") if isinstance(t, str) else t.__name__
    if name not in TYPED:
        raise TypeError("invalid type object: only floating-point types are supported as the default type")
    set_default_dtype(TYPED[name].dtype)
