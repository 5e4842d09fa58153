"""`torch.testing`: `assert_close`, which says by how much two things differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from . import dtypes
from .dtypes import Size
from .end import end_of
from .tensor import Tensor

__getattr__ = end_of("torch.testing")
# How far apart is still close, by type: relative to what is expected, and absolute.
TOLERANCES = {"float16": (1e-3, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def assert_close(
    actual,
    expected,
    *,
    allow_subclasses=True,
    rtol=None,
    atol=None,
    equal_nan=False,
    check_device=True,
    check_dtype=True,
    check_layout=True,
    check_stride=False,
    msg=None,
):
    """Raise AssertionError, with PyTorch's account of the difference, unless |actual - expected| <= atol + rtol * |expected| everywhere.

    Compares tensors, arrays, numbers, and sequences and mappings of them. rtol, atol: both or none; else they follow from the type.
    """
    if (rtol is None) != (atol is None):
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {'atol' if atol is None else 'rtol'}."
        )
    problem = compare(actual, expected, (rtol, atol), equal_nan, check_dtype)
    if problem:
        raise AssertionError(problem if msg is None else msg(problem) if callable(msg) else msg)


def compare(actual, expected, tolerances, equal_nan, check_dtype):
    """What is wrong, in PyTorch's words, or None."""
    inside = (tolerances, equal_nan, check_dtype)
    if both(actual, expected, Mapping):
        return (
            compare_items(actual, expected, list(expected), inside)
            if actual.keys() == expected.keys()
            else (
                "The keys of the mappings do not match:\n"
                f"Missing keys in the actual mapping: {sorted(expected.keys() - actual.keys())}\n"
                f"Additional keys in the actual mapping: {sorted(actual.keys() - expected.keys())}"
            )
        )
    if both(actual, expected, Sequence) and not isinstance(actual, str):
        if len(actual) != len(expected):
            return f"The length of the sequences mismatch: {len(actual)} != {len(expected)}"
        return compare_items(actual, expected, range(len(actual)), inside)
    if actual is None and expected is None:
        return None
    if both(actual, expected, (bool, np.bool_)):
        return None if actual == expected else f"Booleans mismatch: {actual} is not {expected}"
    if both(actual, expected, (int, float)):
        if check_dtype and type(actual) is not type(expected):
            return f"The (d)types do not match: {type(actual)} != {type(expected)}."
        kind = "float64" if isinstance(expected, float) else "int64"
        return difference(np.asarray(actual), np.asarray(expected), kind, tolerances, equal_nan)
    if both(actual, expected, Tensor) or both(actual, expected, (np.ndarray, np.generic)):
        return compare_arrays(as_array(actual), as_array(expected), *inside)
    raise TypeError(f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}.")


def both(a, b, kind):
    return isinstance(a, kind) and isinstance(b, kind)


def as_array(x):
    return x._array if isinstance(x, Tensor) else np.asarray(x)


def compare_items(actual, expected, keys, inside):
    for key in keys:
        problem = compare(actual[key], expected[key], *inside)
        if problem:
            return problem + f"\n\nThe failure occurred for item [{key!r}]"
    return None


def compare_arrays(actual, expected, tolerances, equal_nan, check_dtype):
    if actual.shape != expected.shape:
        return f"The values for attribute 'shape' do not match: {Size(actual.shape)} != {Size(expected.shape)}."
    kinds = [dtypes.from_numpy_dtype(x.dtype) for x in (actual, expected)]
    if check_dtype and kinds[0] is not kinds[1]:
        return f"The values for attribute 'dtype' do not match: {kinds[0]} != {kinds[1]}."
    common = dtypes.promote_types(*kinds)
    # Of two types the looser tolerance counts.
    coarser = max((kind.name for kind in kinds), key=lambda name: TOLERANCES.get(name, (0, 0)))
    return difference(actual.astype(common.numpy), expected.astype(common.numpy), coarser, tolerances, equal_nan)


def difference(actual, expected, kind, tolerances, equal_nan):
    """PyTorch's account of how two arrays of one shape and type differ, or None if they are close."""
    rtol, atol = TOLERANCES.get(kind, (0.0, 0.0)) if tolerances[0] is None else tolerances
    with np.errstate(all="ignore"):
        close = np.isclose(actual, expected, rtol, atol, equal_nan)
        if close.all():
            return None
        if actual.dtype.kind in "bui":
            actual, expected = actual.astype(np.int64), expected.astype(np.int64)
        absolute = np.abs(actual - expected)
        whole = actual.dtype.kind == "i" and actual.ndim  # PyTorch divides tensors of whole numbers in float32
        relative = (absolute.astype(np.float32) if whole else absolute) / np.abs(
            expected.astype(np.float32) if whole else expected
        )
    exact = rtol == 0 and atol == 0
    allowed = ["" if exact else f" (up to {limit} allowed)" for limit in (atol, rtol)]
    verdict = f" are not {'equal' if exact else 'close'}!\n\n"
    if not actual.ndim:
        return (
            "Scalars"
            + verdict
            + (
                f"Expected {expected.item()} but got {actual.item()}.\n"
                f"Absolute difference: {absolute.item()}{allowed[0]}\nRelative difference: {relative.item()}{allowed[1]}"
            )
        )
    wrong = close.size - int(close.sum())
    lines = [f"Mismatched elements: {wrong} / {close.size} ({wrong / close.size:.1%})"]
    for what, amounts, limit in (("absolute", absolute, allowed[0]), ("relative", relative, allowed[1])):
        amounts = np.where(close, 0, amounts)
        place = np.unravel_index(np.argmax(amounts), amounts.shape)
        lines.append(f"Greatest {what} difference: {amounts[place].item()} at index {tuple(map(int, place))}{limit}")
    return "Tensor-likes" + verdict + "\n".join(lines)
