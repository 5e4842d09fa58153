"""Square brackets: `x[key]` and `x[key] = value`.

A key is taken apart as PyTorch does it. Integers, slices, None and Ellipsis each make a view, one after the other; what is left, masks and
integer arrays, picks elements in one step, and that is a copy.
"""

from __future__ import annotations

import numpy as np

from . import dtypes, ops
from .record import Variable, wrap

WRONG_KEY = "only integers, slices (`:`), ellipsis (`...`), None and long or byte Variables are valid indices (got {})"
OF_A_NUMBER = (
    "invalid index of a 0-dim tensor. Use `tensor.item()` in Python or `tensor.item<T>()` in C++ to convert a 0-dim "
    "tensor to a number"
)


def get_item(x, key):
    """`x[key]`: a view if the key is made of integers, slices, None and Ellipsis, else a copy."""
    shown, arrays = take_apart(x, key)
    if arrays is None:
        return ops.positive(x) if shown is x else shown
    try:
        return ops.pick(shown, arrays)
    except IndexError as error:
        raise index_error(error, arrays, shown) from None


def set_item(x, key, value):
    """`x[key] = value`: write into the view, or at the picked places."""
    if isinstance(value, np.ndarray):
        raise TypeError(f"can't assign a numpy.ndarray to a torch.{x.dtype.letter}Tensor")
    if isinstance(value, (list, tuple, str)) or value is None:
        raise TypeError(f"can't assign a {type(value).__name__} to a torch.{x.dtype.letter}Tensor")
    shown, arrays = take_apart(x, key)
    if arrays is None:
        if not isinstance(value, Variable):
            # As soon as it is recorded, a number is a tensor to PyTorch.
            shown.fill_(wrap(dtypes.number_in(value, shown._array.dtype)) if shown.requires_grad else value)
        elif value._array.shape == shown._array.shape:
            shown.copy_(value)
        elif not value._array.ndim:
            shown.fill_(value)
        else:
            value, shape = without_leading_ones(value), shown._array.shape
            shown.copy_(value if value._array.shape == shape else value.expand(shape))
        return
    if key is False:
        return
    if (
        isinstance(value, Variable)
        and value._array.size == 1
        and isinstance(key, Variable)
        and key.dtype is dtypes.bool
    ):
        value = value.to(shown.dtype)  # one number under a mask may be of any type
    if not isinstance(value, Variable):
        value = np.asarray(value, shown._array.dtype)
    ops.put.in_place((shown, fitting(value, shown, arrays), arrays), {})


def fitting(value, x, key):
    """The value, if it can be written to `x[key]`, a key of arrays; else PyTorch's complaint."""
    try:
        places = x._array[key].shape
    except IndexError as error:
        raise index_error(error, key, x) from None
    if isinstance(value, Variable):
        value = without_leading_ones(value)
    wide = tuple(value.shape)
    if len(wide) > len(places) or any(n not in (1, m) for n, m in zip(reversed(wide), reversed(places), strict=False)):
        raise RuntimeError(
            f"shape mismatch: value tensor of shape {list(wide)} cannot be broadcast to indexing result of shape {list(places)}"
        )
    if isinstance(value, Variable) and value.dtype is not x.dtype:
        raise RuntimeError(
            "Index put requires the source and destination dtypes match, got "
            f"{x.dtype.letter} for the destination and {value.dtype.letter} for the source."
        )
    return value


def without_leading_ones(value):
    """A value may have more dimensions than the place that takes it, if the first ones have length 1."""
    shape = tuple(value.shape)
    while shape and shape[0] == 1:
        shape = shape[1:]
    return value if shape == tuple(value.shape) else ops.view(value, shape=shape)


def take_apart(x, key):
    """Apply the parts of a key that make views; return the view and, if there are any, the arrays as a key for NumPy."""
    if type(key) is slice and x._array.ndim:
        return slice_along(x, 0, key), None
    if isinstance(key, tuple) and type(key) is not dtypes.Size:
        parts = list(key)
    else:
        parts = [key]
    parts = [as_part(part) for part in parts]
    named = sum(
        part.ndim if is_mask(part) else 1
        for part in parts
        if part is not None and part is not Ellipsis and part is not True and part is not False
    )
    if named > len(x.shape):
        if not len(x.shape) and len(parts) == 1 and not isinstance(parts[0], np.ndarray):
            if isinstance(parts[0], slice):
                raise IndexError("slice() cannot be applied to a 0-dim tensor.")
            raise IndexError(OF_A_NUMBER)
        raise IndexError(f"too many indices for tensor of dimension {len(x.shape)}")
    dim, arrays, place = 0, {}, 0  # `place` counts the dimensions of the tensor itself
    for part in parts:
        if part is None:
            x = ops.unsqueeze(x, dim=dim)
            dim += 1
        elif part is Ellipsis:
            skipped = len(x._array.shape) - dim - remaining(parts, part)
            dim += skipped
            place += skipped
        elif part is True or part is False:
            x = ops.unsqueeze(x, dim=dim)
            arrays[dim] = np.array([0] if part else [], np.int64)
            dim += 1
        elif isinstance(part, int):
            n = x._array.shape[dim]
            if not -n <= part < n:
                raise IndexError(f"index {part} is out of bounds for dimension {place} with size {n}")
            x = ops.select(x, dim=dim, index=part % n)
            place += 1
        elif isinstance(part, slice):
            x = slice_along(x, dim, part)
            dim += 1
            place += 1
        else:
            if is_mask(part) and part.shape != x._array.shape[dim : dim + part.ndim]:
                at = next(i for i in range(part.ndim) if part.shape[i] != x._array.shape[dim + i])
                raise IndexError(
                    f"The shape of the mask {list(part.shape)} at index {at} does not match the shape of the indexed tensor "
                    f"{list(x._array.shape)} at index {dim + at}"
                )
            if is_mask(part) and part.ndim == 0:
                x = ops.unsqueeze(x, dim=dim)
                part = np.zeros(int(part), np.int64)
            for positions in part.nonzero() if is_mask(part) else (part,):
                arrays[dim] = positions
                dim += 1
                place += 1
    if not arrays:
        return x, None
    return x, tuple(arrays.get(i, slice(None)) for i in range(max(arrays) + 1))


def as_part(part):
    """One part of a key: an int, a slice, None, Ellipsis, a bool, or an array of integers or booleans."""
    if part is None or part is Ellipsis or part is True or part is False or isinstance(part, (int, slice)):
        return part
    if isinstance(part, Variable):
        array = part._array
        if array.dtype.kind == "f":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        if not array.ndim and array.dtype.kind == "i":
            return int(array)
        return array.astype(bool) if array.dtype == np.uint8 else array
    if isinstance(part, (str, bytes)):
        raise TypeError(f"new(): invalid data type '{type(part).__name__}'")
    if isinstance(part, (list, tuple, range, np.ndarray)):
        if isinstance(part, (list, tuple)):
            if any(isinstance(p, str) for p in part):
                raise TypeError("new(): invalid data type 'str'")
            part = [p._array if isinstance(p, Variable) else p for p in part]
        array = np.asarray(part)
        if array.size == 0 and array.dtype.kind == "f":
            array = array.astype(np.int64)
        if array.dtype.kind not in "iub":
            raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
        return array
    if hasattr(part, "__index__"):
        return part.__index__()
    raise IndexError(WRONG_KEY.format(type(part).__name__))


def is_mask(part):
    return isinstance(part, np.ndarray) and part.dtype == bool


def remaining(parts, ellipsis):
    """How many dimensions the parts after the Ellipsis name."""
    after = parts[next(i for i, part in enumerate(parts) if part is ellipsis) + 1 :]
    return sum(
        part.ndim if is_mask(part) else 1
        for part in after
        if part is not None and part is not True and part is not False
    )


def slice_along(x, dim, part):
    """x with one dimension cut to `part`; the whole of it is x itself."""
    array = x._array
    n = array.shape[dim]
    start, stop, step = part.indices(n)
    if step <= 0:
        raise ValueError("step must be greater than zero")
    if start == 0 and stop == n and step == 1:
        return x
    part = slice(start, stop if stop > start else start, step)
    return ops.slicing.record_view(x, ops.slicing.forward(array, dim=dim, part=part), {"dim": dim, "part": part})


def index_error(error, arrays, x):
    """An index out of range, in PyTorch's words."""
    for dim, array in enumerate(arrays):
        if isinstance(array, np.ndarray):
            n = x._array.shape[dim]
            wrong = array[(array < -n) | (array >= n)]
            if wrong.size:
                return IndexError(f"index {wrong[0]} is out of bounds for dimension {dim} with size {n}")
    if "broadcast" in str(error):
        shapes = ", ".join(str(list(a.shape)) for a in arrays if isinstance(a, np.ndarray))
        return IndexError(f"shape mismatch: indexing tensors could not be broadcast together with shapes {shapes}")
    return error


def wrap_index(array):
    """Positions as a tensor."""
    return wrap(np.asarray(array, np.int64))
