"""Making tensors: from data, or filled by a rule. All are leaves."""

from __future__ import annotations

import builtins
import math

import numpy as np

from . import dtypes
from .dtypes import asked_for
from .methods import need_tensor
from .record import Variable, wrap
from .tensor import TO_SCALAR, Tensor, warn, warn_once

COPY_CONSTRUCT = (
    "To copy construct from a tensor, it is recommended to use sourceTensor.detach().clone() or "
    "sourceTensor.detach().clone().requires_grad_(True), rather than torch.tensor(sourceTensor)."
)


def leaf(array, dtype=None, requires_grad=False):
    """A new tensor that owns `array`, in the type wanted."""
    if dtype is not None and array.dtype is not dtype.numpy:
        array = array.astype(dtype.numpy)
    made = wrap(array)
    if requires_grad:
        if array.dtype.kind != "f":
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made._requires_grad = True
    return made


@asked_for
def tensor(data, *, dtype=None, device=None, requires_grad=False, pin_memory=False) -> Tensor:
    """A tensor with a copy of `data`: a number, nested lists, an array or a tensor. It does not remember where the data came from."""
    if isinstance(data, Variable):
        warn(COPY_CONSTRUCT)
        return leaf(data._array.copy(), dtype, requires_grad)
    return leaf(array_from(data, dtype), dtype, requires_grad)


def array_from(data, dtype=None):
    """A new array of nested data, with the type that PyTorch infers."""
    if isinstance(data, np.ndarray):
        return np.array(dtypes.native(data), order="C")
    first = data
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    if isinstance(first, str) and first is not data:
        raise ValueError("too many dimensions 'str'")
    kinds = set()
    plain = without_tensors(data, kinds)
    if dtype is not None:
        numpy = dtype.numpy
    else:
        numpy = dtypes.get_default_dtype().numpy if not kinds else None
        for kind in kinds:
            numpy = kind.numpy if numpy is None else dtypes.promote_types(dtypes.FROM_NUMPY[numpy], kind).numpy
    try:
        if numpy.kind in "iu" and any(kind.is_floating_point for kind in kinds):
            return np.asarray(plain, np.float64).astype(numpy)
        return np.array(plain, dtype=numpy)
    except (ValueError, TypeError) as error:
        raise ragged(plain) or error from None
    except OverflowError:
        whole = np.atleast_1d(np.array(plain, dtype=object))
        if (abs(whole) >= 2**63).any():
            raise ValueError("Overflow when unpacking long long") from None
        if numpy.kind == "u" and (abs(whole) <= np.iinfo(numpy).max).all():
            return np.array(plain, np.int64).astype(numpy)  # a negative number counts back from the largest
        raise RuntimeError(f"value cannot be converted to type {numpy} without overflow") from None


def without_tensors(data, kinds):
    """Nested data with every tensor and NumPy number replaced by what it holds; the types met are added to `kinds`."""
    if isinstance(data, (list, tuple)) or (
        hasattr(data, "__getitem__")
        and hasattr(data, "__len__")
        and not isinstance(data, (str, bytes, dict, Variable, np.generic, np.ndarray))
    ):
        return [without_tensors(item, kinds) for item in data]
    if isinstance(data, Variable):
        if data._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        if data.requires_grad:
            warn_once(TO_SCALAR)
        kinds.add(data.dtype)
        return data._array.item()
    if isinstance(data, np.ndarray):
        kinds.add(dtypes.from_numpy_dtype(data.dtype))
        return data
    if isinstance(data, np.generic):
        kinds.add(dtypes.from_numpy_dtype(data.dtype) if not isinstance(data, float) else dtypes.float64)
        return data.item()
    if isinstance(data, (bool, int, float, complex)):
        kinds.add(dtypes.scalar_dtype(data))
        return data
    if isinstance(data, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(data).__name__}'")
    raise RuntimeError(f"Could not infer dtype of {type(data).__name__}")


def ragged(data, dim=0):
    """The error for lists of different lengths at one depth, if that is what is wrong."""
    if not isinstance(data, list) or not data:
        return None
    first = data[0]
    for item in data[1:]:
        if isinstance(first, list) and isinstance(item, list) and len(item) != len(first):
            return ValueError(f"expected sequence of length {len(first)} at dim {dim + 1} (got {len(item)})")
        if isinstance(first, list) != isinstance(item, list):
            if isinstance(first, list):
                return TypeError("not a sequence")
            whole = isinstance(first, int) and isinstance(item, list)
            return TypeError(
                "'list' object cannot be interpreted as an integer"
                if whole
                else f"must be real number, not {type(item).__name__}"
            )
    return next(filter(None, (ragged(item, dim + 1) for item in data)), None)


@asked_for
def as_tensor(data, dtype=None, device=None) -> Tensor:
    """The data as a tensor: a tensor itself, an array's own memory, else a copy."""
    if isinstance(data, Variable):
        return data if dtype is None or data.dtype is dtype else data.to(dtype)
    if isinstance(data, np.ndarray) and (dtype is None or dtype.numpy == data.dtype):
        return from_numpy(data)
    return leaf(array_from(data, dtype), dtype)


@asked_for
def asarray(obj, *, dtype=None, device=None, copy=None, requires_grad=False) -> Tensor:
    """Like `as_tensor`; copy=True always copies."""
    made = as_tensor(obj, dtype)
    if copy:
        made = made.clone()
    return made.requires_grad_() if requires_grad else made


def from_numpy(ndarray) -> Tensor:
    """A tensor on the array's own memory: writing to one writes to the other."""
    if not isinstance(ndarray, np.ndarray):
        raise TypeError(f"expected np.ndarray (got {type(ndarray).__name__})")
    array = dtypes.native(ndarray)
    if any(stride < 0 for stride in ndarray.strides):
        raise ValueError(
            "At least one stride in the given numpy array is negative, and tensors with negative strides are not currently "
            "supported. (You can probably work around this by making a copy of your array  with array.copy().) "
        )
    return wrap(array)


@asked_for
def scalar_tensor(s, *, dtype=None, device=None, layout=None, requires_grad=False, pin_memory=False) -> Tensor:
    """A tensor without dimensions; its type is the default one unless given."""
    return leaf(np.asarray(s, (dtype or dtypes.get_default_dtype()).numpy), dtype, requires_grad)


def shape_of(size, name="empty"):
    """A shape from `f(2, 3)`, `f((2, 3))` or `f(size=…)`, where f is the function `name`."""
    if len(size) == 1 and isinstance(size[0], (tuple, list)):
        size = size[0]
    elif len(size) == 1 and not is_length(size[0]):
        kind = type(size[0]).__name__
        raise TypeError(f"{name}(): argument 'size' (position 1) must be tuple of ints, not {kind}")
    elif size and not is_length(size[0]):
        raise TypeError(f"{name}() takes 1 positional argument but {len(size)} were given")
    for place, n in enumerate(size, 1):
        if not is_length(n) and place == 1:
            raise TypeError(
                f"{name}(): argument 'size' (position 1) must be tuple of ints, but found element of type {type(n).__name__} at pos 0"
            )
        if not is_length(n):
            raise TypeError(
                f"{name}(): argument 'size' failed to unpack the object at pos {place} with error \"type must be tuple of "
                f'ints,but got {type(n).__name__}"'
            )
    shape = tuple(int(n) for n in size)
    if any(n < 0 for n in shape):
        if name == "zeros":
            raise RuntimeError("zeros: Dimension size must be non-negative.")
        raise RuntimeError(f"Trying to create tensor with negative dimension {min(shape)}: {list(shape)}")
    return shape


def is_length(n):
    if isinstance(n, Variable):
        return n._array.dtype.kind in "iu"
    return hasattr(n, "__index__") and not isinstance(n, bool)


def filler(name, make, sentence):
    """A creation function of a shape, such as `zeros(2, 3, dtype=…)`."""

    def function(
        *size,
        out=None,
        dtype=None,
        layout=None,
        device=None,
        requires_grad=False,
        pin_memory=False,
        memory_format=None,
        **named,
    ):
        if "size" in named:
            size = (named.pop("size"),)
        if named:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(named))}'")
        made = leaf(make(shape_of(size, name), (dtype or dtypes.get_default_dtype()).numpy), None, requires_grad)
        return made if out is None else out.set_to(made)

    def like(input, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
        need_tensor(input, name + "_like")
        return leaf(make(input._array.shape, (dtype or input.dtype).numpy), None, requires_grad)

    function.__name__, function.__doc__ = name, f"A tensor {sentence}. dtype: the default type unless given."
    like.__name__, like.__doc__ = name + "_like", f"A tensor {sentence}, with the shape and type of `input`."
    return asked_for(function), asked_for(like)


zeros, zeros_like = filler("zeros", np.zeros, "of zeros")
ones, ones_like = filler("ones", np.ones, "of ones")
empty, empty_like = filler("empty", np.zeros, "of numbers that mean nothing (here: zeros)")


@asked_for
def full(size, fill_value, *, out=None, dtype=None, layout=None, device=None, requires_grad=False) -> Tensor:
    """A tensor of that shape in which every element is `fill_value`."""
    value = fill_value.item() if isinstance(fill_value, Variable) else fill_value
    if not isinstance(size, (tuple, list)):
        raise TypeError(f"full(): argument 'size' (position 1) must be tuple of ints, not {type(size).__name__}")
    if isinstance(value, str):
        raise TypeError("full(): argument 'fill_value' (position 2) must be Number, not str")
    value = dtypes.number_in(value, (dtype or dtypes.scalar_dtype(value)).numpy)
    return leaf(np.full(shape_of((size,), "full"), value), None, requires_grad)


@asked_for
def full_like(input, fill_value, *, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
    """A tensor of `input`'s shape and type in which every element is `fill_value`."""
    value = fill_value.item() if isinstance(fill_value, Variable) else fill_value
    array = np.full(input._array.shape, dtypes.number_in(value, (dtype or input.dtype).numpy))
    return leaf(array, None, requires_grad)


@asked_for
def eye(n, m=None, *, out=None, dtype=None, layout=None, device=None, requires_grad=False) -> Tensor:
    """The identity matrix, n by m."""
    for word, length in (("n", n), ("m", m)):
        if length is not None and not is_length(length):
            raise TypeError(f"eye(): argument '{word}' must be int, not {type(length).__name__}")
        if length is not None and length < 0:
            raise RuntimeError(f"{word} must be greater or equal to 0, got {length}")
    return leaf(np.eye(n, m, dtype=(dtype or dtypes.get_default_dtype()).numpy), None, requires_grad)


@asked_for
def arange(
    *args,
    start=None,
    end=None,
    step=None,
    out=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
):
    """Numbers from `start` (0) up to, but without, `end`, `step` (1) apart; whole numbers if all three are."""
    args = [a.item() if isinstance(a, (Variable, np.generic)) else a for a in args]
    if len(args) == 1 and end is not None:
        start = args[0]
    elif len(args) == 1:
        end = args[0]
    elif args:
        start, end = args[:2]
        step = args[2] if len(args) > 2 else step
    start, step = 0 if start is None else start, 1 if step is None else step
    if step == 0:
        raise RuntimeError("step must be nonzero")
    if not (math.isfinite(start) and math.isfinite(end)):
        raise RuntimeError(f"unsupported range: {start} -> {end}")
    if (end - start) * step < 0:
        raise RuntimeError("upper bound and lower bound inconsistent with step sign")
    if dtype is None:
        whole = all(isinstance(n, int) for n in (start, end, step))
        dtype = dtypes.int64 if whole else dtypes.get_default_dtype()
    if not dtype.is_floating_point:
        start, end, step = int(start), int(end), int(step)
    count = math.ceil((end - start) / step)
    if dtype.is_floating_point:
        array = steps_of(start, step, count, dtype.numpy)
    else:
        array = (int(start) + np.arange(count) * int(step)).astype(dtype.numpy)
    return leaf(array, None, requires_grad)


def steps_of(start, step, count, kind):
    """start, start + step, …, rounded as PyTorch does it.

    Its processor takes 32 bytes at a time: the first number of a group is rounded, and the others are counted from there, as long as there
    are two groups more. It multiplies and adds in one step, rounded once: as if in a wider type.
    """
    wide = np.longdouble if kind == np.float64 else np.float64
    start, step, together = wide(start), wide(step), 32 // kind.itemsize
    grouped = count - count % (2 * together)
    first = (start + step * np.arange(0, grouped, together)).astype(kind)
    groups = first[:, None].astype(wide) + step * np.arange(together)
    return np.concatenate([groups.ravel(), start + step * np.arange(grouped, count)]).astype(kind)


@asked_for
def linspace(start, end, steps, *, out=None, dtype=None, layout=None, device=None, requires_grad=False) -> Tensor:
    """`steps` numbers from `start` to `end`, both included, evenly spaced; counted from the nearer end, so that both are exact."""
    start, end = (n.item() if isinstance(n, Variable) else n for n in (start, end))
    if steps < 0:
        raise RuntimeError("number of steps must be non-negative")
    dtype = dtype or dtypes.get_default_dtype()
    kind = dtype.numpy if dtype.is_floating_point else np.dtype(np.float64)
    if not dtype.is_floating_point:
        start, end = int(start), int(end)
    first, last = kind.type(start), kind.type(end)
    if steps < 2:
        return leaf(np.full(steps, first, kind), dtype, requires_grad)
    step = (last - first) / kind.type(steps - 1)
    # PyTorch's processor multiplies and adds in one step, rounded once: as if in a wider type.
    wide = np.float64 if kind == np.float32 else np.longdouble
    index, step = np.arange(steps), wide(step)
    array = np.where(index < steps // 2, wide(first) + step * index, wide(last) - step * (steps - 1 - index))
    return leaf(array.astype(kind), dtype, requires_grad)


@asked_for
def logspace(
    start, end, steps, base=10.0, *, out=None, dtype=None, layout=None, device=None, requires_grad=False
) -> Tensor:
    """Powers of `base`, with exponents from `start` to `end` evenly spaced."""
    dtype = dtype or dtypes.get_default_dtype()
    if not dtype.is_floating_point:
        start, end = int(start), int(end)
    exponents = linspace(start, end, steps, dtype=dtypes.float64)._array
    return leaf(np.power(float(base), exponents), dtype, requires_grad)


@asked_for
def tril_indices(row, col, offset=0, *, dtype=dtypes.int64, device=None, layout=None) -> Tensor:
    """The positions of the lower triangle of a matrix: a row of row numbers, a row of column numbers."""
    return leaf(np.stack(np.tril_indices(row, offset, col)), dtype)


@asked_for
def triu_indices(row, col, offset=0, *, dtype=dtypes.int64, device=None, layout=None) -> Tensor:
    """The positions of the upper triangle of a matrix."""
    return leaf(np.stack(np.triu_indices(row, offset, col)), dtype)


def is_tensor(obj) -> builtins.bool:
    """Whether `obj` is a tensor."""
    return isinstance(obj, Variable)
