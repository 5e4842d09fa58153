"""The text of a tensor, as PyTorch prints it: from an array and a few flags to `tensor([1., 2.], requires_grad=True)`.

Ground of handtorch: nothing here knows what a tensor is. One style is chosen for the whole tensor by looking at the
values that will be shown (`_cell_format`), every value becomes a cell of one width, cells are laid out in rows
(`_rows`), and what is not the default (dtype, `grad_fn`, …) follows as suffixes (`_with_suffixes`).
The rules were found by comparing with PyTorch 2.13, whose own printer is the oracle of the tests.
"""

import contextlib
import dataclasses
import math
from collections.abc import Callable, Iterator

import numpy as np


@dataclasses.dataclass
class PrintOptions:
    """How tensors are printed: the state behind `set_printoptions`, with PyTorch's defaults."""

    precision: int = 4
    threshold: float = 1000
    edgeitems: int = 3
    linewidth: int = 80
    sci_mode: bool | None = None


PRINT_OPTS = PrintOptions()
PROFILES = {
    "default": {"precision": 4, "threshold": 1000, "edgeitems": 3, "linewidth": 80},
    "short": {"precision": 2, "threshold": 1000, "edgeitems": 2, "linewidth": 80},
    "full": {"precision": 4, "threshold": math.inf, "edgeitems": 3, "linewidth": 80},
}


def set_printoptions(
    precision=None, threshold=None, edgeitems=None, linewidth=None, profile=None, sci_mode=None
) -> None:
    """Set how tensors are printed.

    precision: decimals of a float (4); threshold: more elements than this are summarized (1000); edgeitems: how many
    are shown at each end then (3); linewidth: characters of a line (80); profile: "default", "short" or "full" sets
    all of these; sci_mode: True or False forces or forbids scientific notation. What is None stays as it is, except
    sci_mode: each call sets it, so leaving it out gives the choice back to the printer, as in PyTorch.
    """
    given = {"precision": precision, "threshold": threshold, "edgeitems": edgeitems, "linewidth": linewidth}
    wanted = PROFILES.get(profile, {}) | {name: value for name, value in given.items() if value is not None}
    for name, value in wanted.items():
        setattr(PRINT_OPTS, name, value)
    PRINT_OPTS.sci_mode = sci_mode


def get_printoptions() -> dict:
    """The present options, as a dictionary that `set_printoptions(**options)` accepts."""
    return dataclasses.asdict(PRINT_OPTS)


@contextlib.contextmanager
def printoptions(**options) -> Iterator[None]:
    """Set print options for the length of a `with` block."""
    before = get_printoptions()
    set_printoptions(**options)
    try:
        yield
    finally:
        set_printoptions(**before)


def tensor_text(
    array: np.ndarray,
    *,
    dtype: str | None = None,
    default_dtype: str = "float32",
    grad_fn: str | None = None,
    requires_grad: bool = False,
    name: str = "tensor",
) -> str:
    """The text of a tensor.

    array: its values, any shape, of a boolean, integer or float dtype. dtype: its name without `torch.`, where it is not
    NumPy's name for the array's. default_dtype: the float dtype that needs no mention. grad_fn: the name of the node
    that made it (`"MulBackward0"`), or None. name: the word before the parenthesis, the class's where it is not Tensor.
    """
    dtype = dtype or array.dtype.name
    indent = len(name) + 1
    suffixes = []
    if array.size == 0:
        body = "[]"
        if array.ndim != 1:
            suffixes.append(f"size={array.shape}")
        known = (default_dtype,)
    else:
        body = _body(array, indent)
        if not PRINT_OPTS.edgeitems:
            suffixes.append(f"size={array.shape}")
        known = (default_dtype, "int64", "bool")
    if dtype not in known:
        suffixes.append(f"dtype=torch.{dtype}")
    if grad_fn is not None:
        suffixes.append(f"grad_fn=<{grad_fn}>")
    elif requires_grad:
        suffixes.append("requires_grad=True")
    return _with_suffixes(f"{name}({body}", suffixes, indent)


def _body(array: np.ndarray, indent: int) -> str:
    """The nested brackets of a non-empty array, or the bare number of a 0-d one."""
    edge = PRINT_OPTS.edgeitems
    cut = [array.size > PRINT_OPTS.threshold and length > 2 * edge for length in array.shape]
    shown = array
    for axis, is_cut in enumerate(cut):
        if is_cut:
            length = array.shape[axis]
            shown = np.take(shown, [*range(edge), *range(length - edge, length)], axis=axis)
    write, width = _cell_format(shown.reshape(-1).tolist(), array.dtype.kind == "f")
    if array.ndim == 0:
        return write(shown.item())
    return _rows(shown.tolist(), cut, write, width, indent)


def _cell_format(shown: list, is_float: bool) -> tuple[Callable[[float], str], int]:
    """The function that writes one value, and the width of a cell, both chosen once from all the values shown.

    Floats: `2.` when all are whole, else `2.5000`; `2.5000e+00` when they are too far apart, too large or too small.
    Zeros, nan and inf have no say in style or width.
    """
    deciding = [value for value in shown if math.isfinite(value) and value != 0] if is_float else shown
    if not is_float:
        write = str
    elif _scientific(deciding):
        write = f"{{:.{PRINT_OPTS.precision}e}}".format
    elif all(value == int(value) for value in deciding):
        write = lambda value: f"{value:.0f}." if math.isfinite(value) else f"{value:.0f}"
    else:
        write = f"{{:.{PRINT_OPTS.precision}f}}".format
    width = max((len(write(value)) for value in deciding), default=1)
    return write, width


def _scientific(deciding: list[float]) -> bool:
    """Whether these finite, non-zero values ask for scientific notation. Compared as stored: float32's 0.0001 is < 1e-4."""
    if not deciding:
        return False
    if PRINT_OPTS.sci_mode is not None:
        return PRINT_OPTS.sci_mode
    sizes = [abs(value) for value in deciding]
    return max(sizes) / min(sizes) > 1000.0 or max(sizes) > 1.0e8 or min(sizes) < 1.0e-4


def _rows(values: list, cut: list[bool], write: Callable[[float], str], width: int, indent: int) -> str:
    """Brackets around the values of one axis; `cut` says of this axis and each further one whether its middle is left out."""
    depth = len(cut)
    if depth == 1:
        parts = [write(value).rjust(width) for value in values]
    else:
        parts = [_rows(row, cut[1:], write, width, indent + 1) for row in values]
    if cut[0]:
        # Among cells the mark is padded by one space, and counts as a cell when lines are filled.
        parts.insert(PRINT_OPTS.edgeitems, " ..." if depth == 1 and parts else "...")
    if depth > 1:
        return "[" + ("," + "\n" * (depth - 1) + " " * (indent + 1)).join(parts) + "]"
    per_line = max(1, math.floor((PRINT_OPTS.linewidth - indent) / (width + 2)))
    lines = [", ".join(parts[start : start + per_line]) for start in range(0, len(parts), per_line)]
    return "[" + (",\n" + " " * (indent + 1)).join(lines) + "]"


def _with_suffixes(text: str, suffixes: list[str], indent: int) -> str:
    """Append each suffix to the line where it fits, else to a new one; close the parenthesis."""
    # The character that will follow each piece, a comma or the parenthesis, has to fit as well.
    used = len(text) - text.rfind("\n") + 1
    for suffix in suffixes:
        if used + len(suffix) + 2 > PRINT_OPTS.linewidth:
            text += ",\n" + " " * indent + suffix
            used = indent + len(suffix)
        else:
            text += ", " + suffix
            used += len(suffix) + 2
    return text + ")"
