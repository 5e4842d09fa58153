"""Sums, products and norms in PyTorch's order, so that their last bits are PyTorch's too.

Floats do not add associatively: a sum is a definite number only once its order is fixed. NumPy halves a vector again
and again; PyTorch (on one thread of an x86 processor) adds in lanes, as a vector register does, and in a cascade:

- a contiguous row is read in vectors of 32 bytes (8 lanes of float32, 4 of float64), four vectors side by side;
- in each lane, runs of 16 or more numbers are added up, then runs of such runs, and so on (`_cascade`);
- the four vectors are added, and then, one by one, the numbers left over at the end of the row and the lanes;
- a sum down the columns of a matrix adds the same way, with every column as a lane.

Which way is taken depends on how the array lies in memory; `_plan` decides it as PyTorch's iterator does. The order was
found by experiment against PyTorch 2.13. From 32,768 elements on PyTorch may share the work among threads; this is the
order of one thread.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

try:
    from numpy._core._multiarray_umath import __cpu_features__
except ImportError:  # it is NumPy's own, and may move
    __cpu_features__ = {}

VECTOR_BYTES = 32
WIDEST_REGISTER = 64 if __cpu_features__.get("AVX512_SKX") else 32  # in bytes, on this processor
SIDE_BY_SIDE = 4
LEVELS = 4
accumulate, add_rows = np.add.accumulate, np.add.reduce
ZERO = {np.dtype(kind): np.zeros((), kind) for kind in (np.float32, np.float64)}


def torch_sum(array: np.ndarray, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> np.ndarray:
    """Sum over one axis, several, or all (None), bit for bit as `torch.sum` does for float32 and float64.

    Returns an array (or, when no axis is left, a number, as NumPy's own sums do) of the input's dtype; int64 for integers and booleans; float16 is added
    in float32 and rounded once. Axes count from 0 or, if negative, from the end; the caller has checked them.
    """
    dtype = array.dtype
    if array.ndim == 1 and dtype in SHORT_ORDERS and array.flags.c_contiguous:
        # What a training loop sums most: a short vector needs nothing but its elements in the right order. Adding 0.0
        # turns -0.0 into 0.0, because PyTorch starts from 0.0.
        order = SHORT_ORDERS[dtype].get(len(array))
        if order is not None:
            total = accumulate(array[order])[-1] + 0.0
            return total.reshape(1) if keepdims else total
    if dtype.kind != "f":
        return np.asarray(np.sum(array, axis=axis, keepdims=keepdims, dtype=np.int64))
    if dtype.itemsize == 2:
        return torch_sum(array.astype(np.float32), axis, keepdims).astype(dtype)
    axes = tuple(range(array.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    plan = _plan(array.shape, array.strides, axes, dtype.itemsize)
    result_shape = plan.shape_with_ones if keepdims else plan.kept_shape
    if array.size == 0:
        return np.zeros(result_shape, dtype)
    if plan.steps:
        array = add_in_steps(array, plan.steps)
        return array.reshape(result_shape) if keepdims else array
    sums = plan.way(array.transpose(plan.permutation).reshape(plan.merged_shape))
    if plan.reduced_left:
        sums = _one_by_one(sums.reshape(*sums.shape[: -plan.reduced_left], -1))
    sums = sums + ZERO[dtype]  # this, too, turns -0.0 into 0.0
    return sums.reshape(result_shape)


def add_in_steps(array: np.ndarray, steps: list[tuple[int, ...]]) -> np.ndarray:
    """Sum down the columns of a matrix in the `steps` of its plan."""
    for shape in steps:
        array = add_rows(array.reshape(shape), -2, None, None, False, 0.0)  # from 0.0, as in `torch_sum`
    return array


@functools.lru_cache(maxsize=1024)
def steps_to(
    shape: tuple[int, ...], wide: tuple[int, ...], strides: tuple[int, ...], dtype: np.dtype
) -> list[tuple[int, ...]]:
    """The steps in which a matrix adds up to one row, of the given shape; none if it is no such sum, or takes other ways."""
    if wide[1:] != shape or len(shape) != 1 or dtype not in ZERO:
        return []
    return _plan(wide, strides, (0,), dtype.itemsize).steps


def torch_norm(array: np.ndarray, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> np.ndarray:
    """The root of the sum of squares over one axis, several, or all, bit for bit as PyTorch's for whole arrays and rows.

    Contiguous rows are added in lanes without a cascade, the lanes one by one, then the numbers left over. float32 and
    float64; other floats and layouts follow the order of a sum.
    """
    axes = tuple(range(array.ndim)) if axis is None else axis if isinstance(axis, tuple) else (axis,)
    axes = sorted(a % array.ndim for a in axes)
    innermost = axes == list(range(array.ndim - len(axes), array.ndim))
    if not (innermost and axes and array.size and array.itemsize > 2 and array.flags.c_contiguous):
        return np.sqrt(torch_sum(array * array, tuple(axes), keepdims))
    kept = array.shape[: array.ndim - len(axes)]
    rows = array.reshape(*kept, -1)
    lanes, n = VECTOR_BYTES // rows.itemsize, rows.shape[-1]
    body = rows[..., : n // lanes * lanes].reshape(*kept, -1, lanes)
    total = (
        _one_by_one(np.add.accumulate(body * body, axis=-2)[..., -1, :]) if n >= lanes else np.zeros(kept, array.dtype)
    )
    # Of float32 left over, four at a time are squared before they are added; the last squares are not rounded.
    singles = n // SIDE_BY_SIDE * SIDE_BY_SIDE if array.itemsize == 4 else n // lanes * lanes
    for i in range(n // lanes * lanes, n):
        x = rows[..., i]
        total = total + x * x if i < singles else fused(x, x, total)
    return np.asarray(np.sqrt(total)).reshape(kept + (1,) * len(axes) if keepdims else kept)


def torch_prod(array: np.ndarray, axis: int | None = None, keepdims: bool = False) -> np.ndarray:
    """Product over one axis or all (None), bit for bit as `torch.prod`; int64 for integers and booleans."""
    if array.dtype.kind != "f" or array.size == 0 or array.ndim == 0:
        return np.asarray(
            np.prod(array, axis=axis, keepdims=keepdims, dtype=None if array.dtype.kind == "f" else np.int64)
        )
    rows = array.reshape(-1) if axis is None else np.moveaxis(array, axis, -1)
    together = SIDE_BY_SIDE * VECTOR_BYTES // rows.itemsize
    n = rows.shape[-1]
    whole = n // together * together if rows.strides[-1] == rows.itemsize else 0
    order = rows
    if whole:
        lanes = rows[..., :whole].reshape(*rows.shape[:-1], -1, SIDE_BY_SIDE, together // SIDE_BY_SIDE)
        lanes = np.multiply.accumulate(lanes, axis=-3)[..., -1, :, :]
        halves = lanes[..., 0::2, :] * lanes[..., 1::2, :]
        order = np.concatenate([halves[..., 0, :] * halves[..., 1, :], rows[..., whole:]], axis=-1)
    product = np.asarray(np.multiply.accumulate(order, axis=-1)[..., -1])
    if keepdims:
        return product.reshape((1,) * array.ndim) if axis is None else np.expand_dims(product, axis)
    return product


def softmax_sum(array: np.ndarray, axis: int) -> np.ndarray:
    """Sum over one axis, which is kept at length 1, in the order in which PyTorch's softmax and log_softmax add.

    Along the last axis that is in the lanes of the widest register, which are then added: of float32 in halves, of float64 one by one.
    Along others, and where a row does not fill the register, it is one by one.
    """
    if not array.ndim:
        return array
    if array.itemsize == 2:
        return softmax_sum(array.astype(np.float32), axis).astype(array.dtype)
    n, lanes = array.shape[axis], WIDEST_REGISTER // array.itemsize
    if array.ndim == 2 and axis == 1 and n < lanes <= len(array):
        return add_rows(array.T.copy(), 0)[:, None]  # NumPy is fastest with the rows side by side
    if axis != array.ndim - 1 or n < lanes:
        first = (slice(None),) * axis
        return accumulate(array, axis)[(*first, slice(n - 1, n))]
    whole = n // lanes * lanes
    total = add_rows(array[..., :whole].reshape(*array.shape[:-1], -1, lanes), -2)
    total[..., : n - whole] += array[..., whole:]
    if array.itemsize == 8:
        return _one_by_one(total)[..., None]
    while lanes > 1:
        lanes //= 2
        total = total[..., :lanes] + total[..., lanes:]
    return total


def _one_by_one(array: np.ndarray) -> np.ndarray:
    """Sum over the last axis, strictly from left to right (np.sum would halve it)."""
    return np.add.accumulate(array, axis=-1)[..., -1]


def _straight(rows: np.ndarray) -> np.ndarray:
    """Sum over the next-to-last axis, row after row: (..., n, w) to (..., w), where w is at least 4 or n at most 7."""
    if rows.shape[-2] == 2:
        return rows[..., 0, :] + rows[..., 1, :]
    # With the columns side by side in memory NumPy adds whole rows, which is the order that is wanted.
    return np.add.reduce(np.ascontiguousarray(rows), axis=-2)


def _cascade(rows: np.ndarray) -> np.ndarray:
    """Sum over the next-to-last axis in runs of `step` rows, then runs of `step` such sums, and so on, LEVELS deep."""
    *outer, n, w = rows.shape
    step = max(16, 1 << (n - 1).bit_length() // LEVELS)
    total = None
    for _ in range(LEVELS - 1):
        runs, left = divmod(n, step)
        if runs == 0:
            break
        if left:
            rest = _straight(rows[..., runs * step :, :])
            total = rest if total is None else total + rest
            rows = rows[..., : runs * step, :]
        rows, n = _straight(rows.reshape(*outer, runs, step, w)), runs
    return _straight(rows) if total is None else total + _straight(rows)


def _four_abreast(rows: np.ndarray) -> np.ndarray:
    """Sum over the next-to-last axis, four rows at a time in four separate cascades: (..., n, w) to (..., w)."""
    *outer, n, w = rows.shape
    if n < SIDE_BY_SIDE:
        return _straight(rows)
    whole = n // SIDE_BY_SIDE * SIDE_BY_SIDE
    together = rows[..., :whole, :].reshape(*outer, n // SIDE_BY_SIDE, SIDE_BY_SIDE * w)
    parts = _cascade(together).reshape(*outer, SIDE_BY_SIDE, w)
    for i in range(whole, n):
        parts[..., 0, :] += rows[..., i, :]
    return _straight(parts)


def _contiguous_rows(rows: np.ndarray) -> np.ndarray:
    """Sum each row of (..., rows, n) where the n numbers are neighbours in memory: lane by lane, then across."""
    lanes = VECTOR_BYTES // rows.itemsize
    vectors = rows.shape[-1] // lanes
    body, tail = rows[..., : vectors * lanes], rows[..., vectors * lanes :]
    across = _four_abreast(body.reshape(*rows.shape[:-1], vectors, lanes))
    return _one_by_one(np.concatenate([tail, across], axis=-1) if tail.size else across)


def _scattered_rows(rows: np.ndarray) -> np.ndarray:
    """Sum each row of (..., rows, n) where the numbers are not neighbours, or too few to fill a register."""
    return _four_abreast(rows.mT)


def _columns(rows: np.ndarray, abreast: int) -> np.ndarray:
    """Sum each row of (..., rows, n) where `abreast` rows are added at once in plain cascades; the rest as scattered ones."""
    columns = rows.mT
    whole = columns.shape[-1] // abreast * abreast
    if whole == 0:
        return _four_abreast(columns)
    if whole == columns.shape[-1]:
        return _cascade(columns)
    return np.concatenate([_cascade(columns[..., :whole]), _four_abreast(columns[..., whole:])], axis=-1)


def _contiguous_columns(rows: np.ndarray) -> np.ndarray:
    """Four registers of neighbouring columns are added at once."""
    return _columns(rows, SIDE_BY_SIDE * VECTOR_BYTES // rows.itemsize)


def _scattered_columns(rows: np.ndarray) -> np.ndarray:
    """Four columns are added at once."""
    return _columns(rows, SIDE_BY_SIDE)


class Plan(NamedTuple):
    """How to sum an array of one shape and layout."""

    permutation: tuple[int, ...]  # of the axes: those kept, then those reduced, the fastest in memory last
    merged_shape: tuple[int, ...]  # after the permutation, with neighbours in memory merged into one axis; at least 2-d
    way: Callable[[np.ndarray], np.ndarray]  # how the last axis is summed
    reduced_left: int  # how many axes at the end are then still to be reduced
    kept_shape: tuple[int, ...]
    shape_with_ones: tuple[int, ...]
    steps: list[tuple[int, ...]]  # the shapes in which adding row to row does the same, if it does


def _steps(n: int, w: int, abreast: int) -> list[tuple[int, ...]]:
    """How to add the n rows of a contiguous matrix of w columns, as `_columns` does, if at no step any row or column is left over.

    Each step is a shape: its next-to-last axis is added up, row after row. A bias's gradient is such a sum.
    """
    if w % abreast and w > abreast:
        return []
    four = [] if w % abreast == 0 else [(SIDE_BY_SIDE, w)]
    if four:
        n, left = divmod(n, SIDE_BY_SIDE)
        w *= SIDE_BY_SIDE
        if left or n == 0:
            return []
    step = max(16, 1 << (n - 1).bit_length() // LEVELS)
    steps = []
    for _ in range(LEVELS - 1):
        runs, left = divmod(n, step)
        if runs == 0:
            break
        if left:
            return []
        steps.append((runs, step, w))
        n = runs
    return [*steps, (n, w), *four]


@functools.lru_cache(maxsize=1024)
def _plan(shape: tuple[int, ...], strides: tuple[int, ...], axes: tuple[int, ...], itemsize: int) -> Plan:
    """Order and merge the axes as PyTorch's iterator does, and choose the way for the fastest two of them."""
    reduced = {axis % len(shape) for axis in axes}
    kept_shape = tuple(length for axis, length in enumerate(shape) if axis not in reduced)
    shape_with_ones = tuple(1 if axis in reduced else length for axis, length in enumerate(shape))

    # Fastest axis first: those to reduce, by their strides, then those kept, from the last to the first.
    order = _by_stride([a for a in reversed(range(len(shape))) if a in reduced], shape, strides)
    order += [a for a in reversed(range(len(shape))) if a not in reduced]

    merged: list[list] = []  # of each axis: length, stride, whether it is reduced
    for axis in order:
        length, stride, is_reduced = shape[axis], strides[axis], axis in reduced
        if length == 1:
            continue
        if merged and merged[-1][2] == is_reduced and merged[-1][0] * merged[-1][1] == stride:
            merged[-1][0] *= length
        else:
            merged.append([length, stride, is_reduced])
    if not merged or not merged[0][2]:
        merged.insert(0, [1, 0, True])
    if len(merged) == 1:
        merged.append([1, 0, False])

    (n0, stride0, _), (n1, stride1, _) = merged[:2]
    lanes = VECTOR_BYTES // itemsize
    if stride0 == itemsize and n0 >= lanes:
        way = _contiguous_rows
    elif stride1 == itemsize and n1 >= lanes:
        way = _contiguous_columns
    else:
        way = _scattered_rows if stride0 < stride1 else _scattered_columns
    reduced_left = sum(is_reduced for _, _, is_reduced in merged) - 1
    merged_shape = tuple(length for length, _, _ in reversed(merged))
    permutation = tuple(reversed(order))
    steps = []
    if (
        way is _contiguous_columns
        and len(merged) == 2
        and reduced == {0}
        and strides == (shape[1] * itemsize, itemsize)
    ):
        steps = _steps(*shape, SIDE_BY_SIDE * lanes)
    return Plan(permutation, merged_shape, way, reduced_left, kept_shape, shape_with_ones, steps)


def _by_stride(axes: list[int], shape: tuple[int, ...], strides: tuple[int, ...]) -> list[int]:
    """Sort axes by stride, then length. An expanded axis (stride 0) compares with none, hence an insertion sort."""
    for i in range(1, len(axes)):
        for j in reversed(range(i)):
            before, after = ((strides[axes[j]], shape[axes[j]]), (strides[axes[i]], shape[axes[i]]))
            if 0 in (before[0], after[0]) or before == after:
                continue
            if before < after:
                break
            axes[i], axes[j] = axes[j], axes[i]
            i = j
    return axes


def _short_order(n: int, lanes: int) -> np.ndarray:
    """The order in which a contiguous vector of fewer than two registers is added, as indices into it."""
    if n >= lanes:
        return np.r_[lanes:n, 0:lanes]
    if n >= SIDE_BY_SIDE:
        return np.r_[0, SIDE_BY_SIDE:n, 1:SIDE_BY_SIDE]
    return np.arange(n)


# Of each type and length; there is one such order for every n below twice the lanes.
SHORT_ORDERS = {
    kind: {n: _short_order(n, VECTOR_BYTES // kind.itemsize) for n in range(1, 2 * VECTOR_BYTES // kind.itemsize)}
    for kind in ZERO
}


def fused(x: np.ndarray, factor, term) -> np.ndarray:
    """x * factor + term, rounded once, as a processor's fused multiply-add does; all three float32, or all float64."""
    if x.dtype == np.float32:
        # A product of two float32 is exact in float64.
        return (x.astype(np.float64) * factor + term).astype(np.float32)
    product, product_error = _exact_product(x, factor)
    total = product + term
    carried = total - product
    total_error = (product - (total - carried)) + (term - carried)
    error = product_error + total_error
    # Of infinity and -0.0 the error says nothing.
    return np.where(np.isfinite(error) & (error != 0), total + error, total)


def _exact_product(x, y):
    """The rounded product of float64 numbers and its error, by splitting both factors in halves (Dekker 1971)."""
    product = x * y
    x_high, y_high = ((a * 134217729.0) - ((a * 134217729.0) - a) for a in (x, y))
    x_low, y_low = x - x_high, y - y_high
    return product, x_low * y_low - (((product - x_high * y_high) - x_low * y_high) - x_high * y_low)
