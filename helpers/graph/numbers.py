"""Numbers as short text: four significant digits, long arrays abbreviated, the same on every machine.

Works on tensors of PyTorch and handtorch, on NumPy arrays and on plain numbers: whatever has `shape` and `reshape`.
"""

from math import prod


def short(value) -> str:
    """`4517`, `[1, 2]`, `[35.7, … 68.4] (11)` or `[−0.42, … 0.7] (4×3)`; "None" for None."""
    shape = shape_of(value)
    if value is None or not hasattr(value, "reshape"):
        return scalar(value)
    value = value.detach() if hasattr(value, "detach") else value
    size = prod(shape)
    if shape == ():
        return scalar(value.tolist())
    flat = value.reshape(-1)
    if size <= 3:
        text = f"[{', '.join(scalar(number) for number in flat.tolist())}]"
        return text if len(shape) == 1 else f"{text} ({times(shape)})"
    return f"[{scalar(flat[0].tolist())}, … {scalar(flat[-1].tolist())}] ({times(shape)})"


def scalar(number) -> str:
    """Four significant digits of a float, everything of an int, a bool or another thing that is not a number."""
    if isinstance(number, bool) or not isinstance(number, int | float):
        return str(number)
    text = str(number) if isinstance(number, int) else f"{number:.4g}"
    return text.replace("-", "−") if text != "-0" else "0"


def shape_of(value) -> tuple:
    """The shape as a tuple of ints; () for a plain number."""
    return tuple(int(size) for size in getattr(value, "shape", ()))


def times(shape: tuple) -> str:
    """`11` or `4×3`."""
    return "×".join(str(size) for size in shape)
