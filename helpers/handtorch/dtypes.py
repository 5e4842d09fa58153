"""The ground: number types with PyTorch's names and promotion, sizes and devices.

NumPy has the same number types as PyTorch but mixes them by other rules: `int64 + float32` is float64 in NumPy and float32
in PyTorch, where only the *category* (bool < integer < floating) of an operand with few dimensions can change the result.
"""

from __future__ import annotations

import builtins
from functools import wraps

import numpy as np


class dtype:
    """A number type, such as `torch.float32`; two are equal only if they are the same object."""

    def __init__(self, name: str, category: int, letter: str):
        self.name, self.category, self.letter = name, category, letter
        self.numpy = np.dtype(name)
        self.itemsize = self.numpy.itemsize
        self.is_floating_point = category == 2
        self.is_complex = False
        self.is_signed = self.numpy.kind in "if"

    def __repr__(self):
        return "torch." + self.name

    def __reduce__(self):
        return self.name


# Category 0 is bool, 1 integer, 2 floating. The word is the one that error messages use: torch.FloatTensor.
bool = dtype("bool", 0, "Bool")
uint8 = dtype("uint8", 1, "Byte")
int8 = dtype("int8", 1, "Char")
int16 = short = dtype("int16", 1, "Short")
int32 = int = dtype("int32", 1, "Int")
int64 = long = dtype("int64", 1, "Long")
float16 = half = dtype("float16", 2, "Half")
float32 = float = dtype("float32", 2, "Float")
float64 = double = dtype("float64", 2, "Double")

ALL = (bool, uint8, int8, int16, int32, int64, float16, float32, float64)
FROM_NUMPY = {kind.numpy: kind for kind in ALL}
_default = float32


# Python's own types, which may be asked for as well.
FROM_PYTHON = {builtins.bool: bool, builtins.int: int64, builtins.float: float64}


def wanted(given, name: str) -> dtype:
    """The type that a caller of the function `name` asks for by `dtype=`; TypeError where that is no type."""
    if isinstance(given, dtype):
        return given
    if given is complex:
        raise NotImplementedError("handtorch ends before complex numbers; use PyTorch for them")
    try:
        return FROM_PYTHON[given]
    except (KeyError, TypeError):
        raise TypeError(f"{name}(): argument 'dtype' must be torch.dtype, not {type(given).__name__}") from None


def get_default_dtype() -> dtype:
    """The type of `tensor(1.0)` and of what integers become when they are divided."""
    return _default


def set_default_dtype(d: dtype) -> None:
    """Change the default floating type; raises TypeError for anything that is not floating."""
    global _default
    if not (isinstance(d, dtype) and d.is_floating_point):
        invalid = "" if isinstance(d, dtype) else "invalid dtype object: "
        raise TypeError(invalid + "only floating-point types are supported as the default type")
    _default = d


def from_numpy_dtype(numpy_dtype: np.dtype) -> dtype:
    """The torch type of a NumPy type; raises TypeError, in PyTorch's words, if there is none."""
    try:
        return FROM_NUMPY[numpy_dtype]
    except KeyError:
        if numpy_dtype.kind == "c":
            raise NotImplementedError("handtorch ends before complex numbers; use PyTorch for them") from None
        raise TypeError(
            f"can't convert np.ndarray of type numpy.{numpy_dtype.type.__name__}. The only supported types are: float64, "
            "float32, float16, complex64, complex128, int64, int32, int16, int8, uint64, uint32, uint16, uint8, and bool."
        ) from None


def native(array: np.ndarray) -> np.ndarray:
    """The same memory in NumPy's own object for its type: an unpickled array's type is equal to it and another object,
    while handtorch compares types by `is`. TypeError if PyTorch has no such type.
    """
    own = from_numpy_dtype(array.dtype).numpy
    return array if array.dtype is own else array.view(own)


def promote_types(type1: dtype, type2: dtype) -> dtype:
    """The smallest type that holds both, by PyTorch's table: a floating type absorbs every integer."""
    if type1.category != type2.category:
        return type1 if type1.category > type2.category else type2
    return FROM_NUMPY[np.promote_types(type1.numpy, type2.numpy)]


def scalar_dtype(value) -> dtype:
    """What a Python number weighs in a promotion: only its category counts against tensors."""
    if isinstance(value, (builtins.bool, np.bool_)):
        return bool
    if isinstance(value, (builtins.int, np.integer)):
        return int64
    if isinstance(value, complex):
        raise NotImplementedError("handtorch ends before complex numbers; use PyTorch for them")
    return _default


def result_dtype(operands) -> dtype:
    """The common type of arrays and Python numbers.

    Arrays with dimensions decide; arrays without, and then Python numbers, matter only if their category is higher.
    """
    by_rank: list = [None, None, None]
    for operand in operands:
        if isinstance(operand, (np.ndarray, np.generic)):
            rank, kind = (0 if operand.ndim else 1), FROM_NUMPY[operand.dtype]
        else:
            rank, kind = 2, scalar_dtype(operand)
        by_rank[rank] = kind if by_rank[rank] is None else promote_types(by_rank[rank], kind)
    result = None
    for kind in by_rank:
        if kind is not None and (result is None or kind.category > result.category):
            result = kind if result is None else promote_types(result, kind)
    return result


def can_cast(from_: dtype, to: dtype) -> builtins.bool:
    """Whether a result of one type may be written into a tensor of the other: never down a category."""
    return from_.category <= to.category


class Size(tuple):
    """A tensor's shape: a tuple that prints as `torch.Size([2, 3])`."""

    def __new__(cls, lengths=()):
        made = tuple.__new__(cls, lengths)
        for i, length in enumerate(made):
            if not hasattr(length, "__index__"):
                raise TypeError(f"torch.Size() takes an iterable of 'int' (item {i} is '{type(length).__name__}')")
        return made

    def __repr__(self):
        return f"torch.Size([{', '.join(map(str, self))}])"

    def numel(self):
        """The number of elements."""
        product = 1
        for length in self:
            product *= length
        return product

    def __getitem__(self, index):
        item = tuple.__getitem__(self, index)
        return Size(item) if isinstance(index, slice) else item

    def __add__(self, other):
        return Size(tuple.__add__(self, tuple(other)))

    def __mul__(self, times):
        return Size(tuple.__mul__(self, times))

    __rmul__ = __mul__


KINDS_OF_DEVICE = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia", "xla", "lazy", "vulkan", "mps", "meta",
    "hpu", "mtia", "privateuseone",
)  # fmt: skip


class device:
    """Where a tensor lives. Others than the CPU can be named, but nothing can be put there."""

    def __init__(self, type, index=None):
        if isinstance(type, device):
            type, index = type.type, type.index
        name, _, number = str(type).partition(":")
        if name not in KINDS_OF_DEVICE:
            raise RuntimeError(
                f"Expected one of {', '.join(KINDS_OF_DEVICE)} device type at start of device string: {name}"
            )
        self.type, self.index = name, index if not number else np.dtype("int64").type(number).item()

    def __repr__(self):
        return f"device(type='{self.type}'" + (f", index={self.index})" if self.index is not None else ")")

    def __str__(self):
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other):
        return isinstance(other, device) and (self.type, self.index) == (other.type, other.index)

    def __hash__(self):
        return hash((self.type, self.index))


CPU = device("cpu")


def must_be_here(wanted: device | str | builtins.int | None) -> None:
    """Raise PyTorch's error for a device that this installation does not have."""
    if wanted is None:
        return
    if isinstance(wanted, builtins.int):
        raise RuntimeError("Cannot access accelerator device when none is available.")
    kind = device(wanted).type
    if kind == "mps":
        raise RuntimeError("PyTorch is not linked with support for mps devices")
    if kind == "meta":
        raise NotImplementedError("tensors without numbers (device='meta'): handtorch ends before them; use PyTorch")
    if kind != "cpu":
        raise AssertionError(f"Torch not compiled with {'XPU' if kind == 'xpu' else 'CUDA'} enabled")


def asked_for(function):
    """Look at the `dtype` and the `device` that a new tensor is to have before it is made."""

    @wraps(function)
    def call(*args, **kwargs):
        if "dtype" in kwargs and kwargs["dtype"] is not None:
            kwargs["dtype"] = wanted(kwargs["dtype"], function.__name__)
        if "device" in kwargs:
            must_be_here(kwargs["device"])
        return function(*args, **kwargs)

    return call


class layout:
    """How a tensor lies in memory. Here that is always strided."""

    def __repr__(self):
        return "torch.strided"


strided = layout()


class finfo:
    """The limits of a floating type: `eps`, `max`, `min`, `tiny`, `smallest_normal`, `resolution`, `bits`."""

    def __init__(self, type: dtype | None = None):
        type = type or _default
        if not type.is_floating_point:
            raise TypeError(
                "torch.finfo() requires a floating point input type. Use torch.iinfo to handle 'torch.finfo'"
            )
        numpy = np.finfo(type.numpy)
        for name in ("eps", "max", "min", "tiny", "smallest_normal", "resolution"):
            setattr(self, name, getattr(numpy, name).item())
        self.bits, self.dtype = numpy.bits, type.name

    def __repr__(self):
        words = ", ".join(f"{name}={getattr(self, name):g}" for name in ("resolution", "min", "max", "eps"))
        return f"finfo({words}, smallest_normal={self.tiny:g}, tiny={self.tiny:g}, dtype={self.dtype})"


class iinfo:
    """The limits of an integer type: `min`, `max`, `bits`."""

    def __init__(self, type: dtype):
        if type.category != 1:
            raise TypeError("torch.iinfo() requires an integer input type. Use torch.finfo to handle 'torch.iinfo'")
        numpy = np.iinfo(type.numpy)
        self.min, self.max, self.bits, self.dtype = numpy.min, numpy.max, numpy.bits, type.name

    def __repr__(self):
        return f"iinfo(min={self.min:g}, max={self.max:g}, dtype={self.dtype})"


IN_C = {"float64": "double", "float32": "float", "float16": "c10::Half", "int32": "int"} | {
    name: name + "_t" for name in ("int64", "int16", "int8", "uint8")
}


def number_in(value, kind: np.dtype) -> np.ndarray:
    """A Python number in a NumPy type, as PyTorch converts it: fractions are cut off, and a negative number counts back from the largest
    of an unsigned type. Raises RuntimeError, in PyTorch's words, for what does not fit."""
    if kind.kind == "b":
        return np.asarray(builtins.bool(value))
    if kind.kind == "f":
        if value - value == 0 and abs(value) > builtins.float(np.finfo(kind).max):
            raise RuntimeError(f"value cannot be converted to type {IN_C[kind.name]} without overflow")
        return np.asarray(value, kind)
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    if kind.kind == "u" and not isinstance(value, builtins.float):
        low = -high
    if not low <= value <= high:  # so is nan
        raise RuntimeError(f"value cannot be converted to type {IN_C[kind.name]} without overflow")
    return np.asarray(builtins.int(value), np.int64).astype(kind)
