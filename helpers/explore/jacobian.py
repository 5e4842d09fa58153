"""One walk backwards gives one weighted sum of the Jacobian's rows (chapter 6)."""

import copy
import math
from collections.abc import Callable

import numpy as np
import torch

from .. import graph
from .drawing import BLUE, GREEN, INK, RED, picture, rect, segment, text
from .widget import Exploration, menu, slider

_MATRIX = torch.tensor([[1.0, 2.0, 0.0, -1.0], [0.5, -1.0, 3.0, 0.0], [2.0, 0.0, 1.0, 1.0]])
_X = torch.tensor([1.0, 2.0, -1.0, 0.5])
_FUNCTIONS = {
    "elementwise: x²": lambda x: x**2,
    "matmul: A @ x": lambda x: _MATRIX @ x,
    "sum: x.sum()": lambda x: x.sum(),
    "cumulative sum: x.cumsum(0)": lambda x: torch.cumsum(x, 0),
}
_MOST = 8  # rows and columns of a Jacobian that can still be read


def jacobian(f=None, x=None) -> Exploration:
    """Choose a cotangent v and see vᵀJ, the one row that `y.backward(v)` brings back.

    Without arguments there is a menu of four functions; `jacobian(f, x)` shows a function of yours at x: a tensor, of PyTorch
    or of an engine of your own, or a list of values of such an engine. f returns one of the kind that it takes; several
    single numbers may come in a list. Up to 8 numbers in and out can be shown, those of a table row by row.
    """
    functions = _FUNCTIONS if f is None else {getattr(f, "__name__", "f"): f}
    table = {name: _Jacobian(function, _X if x is None else x) for name, function in functions.items()}
    cotangents = _cotangents(min(_MOST, max(each.rows for each in table.values())))
    controls = [slider("v", "cotangent v", cotangents, next(iter(cotangents)))]
    controls += [menu("function", "function", table)] if len(table) > 1 else []
    only = next(iter(table.values()))
    alt = "The Jacobian as a table of coloured numbers, the cotangent v at its left, the row vᵀJ below it."
    if len(table) == 1 and only.sentence:
        controls = []
    return Exploration(alt, controls, lambda v=(), function=only: function.draw(v))


def _cotangents(rows: int) -> dict[str, tuple[float, ...]]:
    """One-hot vectors, then ones, then random ones."""
    generator = torch.Generator().manual_seed(0)
    table = {f"e{k}": tuple(float(i == k) for i in range(_MOST)) for k in range(rows)}
    table["ones"] = (1.0,) * _MOST
    for k in range(1, 7):
        table[f"random {k}"] = tuple(round(v, 1) for v in torch.randn(_MOST, generator=generator).tolist())
    return table


class _Jacobian:
    """A function at a point: its Jacobian, row by row, and its walks; or a sentence where there is none."""

    def __init__(self, f, x):
        self.sentence, self.rows = "", 0
        try:
            shapes, self.walk, self.how = (_own_engine if _is_own(x) else _pytorch)(f, x)
            self.rows, self.columns = (math.prod(shape) for shape in reversed(shapes))
            if max(self.rows, self.columns) > _MOST or min(self.rows, self.columns) < 1:
                self.sentence = f"1 to {_MOST} numbers in and out can be shown, not shape {shapes[0]} to {shapes[1]}."
            else:
                self.matrix = [self.walk([float(i == k) for i in range(self.rows)]) for k in range(self.rows)]
        except _NoHistory as error:
            self.sentence = str(error)
        except Exception as error:  # a function of the reader's own may fail in any way
            self.sentence = f"f cannot be followed: {type(error).__name__}: {error}"

    def draw(self, v) -> tuple[str, str]:
        if self.sentence:
            return "", self.sentence
        v = list(v[: self.rows])
        row = self.walk(v)
        words = (
            f"J has {self.rows} row{'s' if self.rows > 1 else ''} (outputs) and {self.columns} "
            f"column{'s' if self.columns > 1 else ''} (inputs), "
            f"{sum(entry != 0 for line in self.matrix for entry in line)} of {self.rows * self.columns} entries not "
            f"zero. With v = {_listed(v)} {self.how} {_listed(row)}"
        )
        return self._picture(v, row), words + f"{_meaning(v)}."

    def _picture(self, v: list[float], row: list[float]) -> str:
        cell_w, cell_h = 66, 38
        left, top = 250, 56
        below = top + self.rows * cell_h + 44
        scale = max((abs(entry) for line in self.matrix for entry in line), default=1.0) or 1.0
        parts = [text(90, top - 32, "v", "middle", font_weight="600"), text(left, top - 32, "J", font_weight="600")]
        for j in range(self.columns):
            parts.append(text(left + cell_w * (j + 0.5), top - 10, f"x{j}", "middle", font_size=13))
        for i, line in enumerate(self.matrix):
            y = top + i * cell_h
            used = v[i] != 0
            parts += _cell(57, y, cell_w, cell_h, v[i], max(map(abs, v)) or 1.0, True)
            parts.append(text(left - 10, y + 24, f"y{i}", "end", font_size=13))
            if used:
                parts.append(segment(127, y + 19, left - 42, y + 19, INK, stroke_opacity=0.5, stroke_dasharray="3 4"))
                parts.append(text(180, y + 14, f"× {_short(v[i])}", "middle", font_size=13))
            for j, entry in enumerate(line):
                parts += _cell(left + j * cell_w, y, cell_w, cell_h, entry, scale, used)
        parts.append(text(left - 10, below + 24, "vᵀJ", "end", font_weight="600"))
        for j, entry in enumerate(row):
            parts += _cell(left + j * cell_w, below, cell_w, cell_h, entry, max(map(abs, row)) or 1.0, True)
        parts.append(text(left, below - 14, "sum of the rows, each times its v", font_size=13))
        # As tall as four rows at least, so that the page keeps still when another function is chosen.
        return picture(
            max(540, left + cell_w * self.columns + 16), max(below + cell_h + 12, top + 4 * cell_h + 94), *parts
        )


# --- following f -----------------------------------------------------------------------------------------------------


class _NoHistory(Exception):
    """Nothing leads from f(x) back to x, in words."""


_ONE = "one walk brings back"
_PLAIN = "f(x) has no history: somewhere in f the tensor became a plain number."


def _pytorch(f, x) -> tuple[list[tuple], Callable, str]:
    """f at a copy of x: the shapes of input and output, `walk(v)`, which gives vᵀJ, and how it does, in words."""
    x = torch.as_tensor(x).detach().clone()
    x = (x if x.is_floating_point() else x.float()).requires_grad_()
    y = f(x)
    if isinstance(y, (list, tuple)):
        y = torch.stack(list(y))
    if not isinstance(y, torch.Tensor) or not y.requires_grad:
        raise _NoHistory(_PLAIN if isinstance(y, torch.Tensor) else f"f(x) is no tensor but {y!r:.60}.")

    def walk(v: list[float]) -> list[float]:
        cotangent = torch.tensor(v, dtype=y.dtype).view(y.shape)
        (row,) = torch.autograd.grad(y, x, cotangent, retain_graph=True, allow_unused=True)
        return [0.0] * x.numel() if row is None else row.reshape(-1).tolist()  # zeros where y does not depend on x

    return [tuple(x.shape), tuple(y.shape)], walk, _ONE


def _is_own(x) -> bool:
    """Whether x is made of values of a reader's own engine, as `helpers.graph` knows them."""
    values = x if isinstance(x, (list, tuple)) and x else [x]
    return all(hasattr(each, "parents") for each in values)


def _own_engine(f, x) -> tuple[list[tuple], Callable, str]:
    """The same for a tensor of an engine of the reader's own, or a list of its values. No `.grad` is touched."""
    several = isinstance(x, (list, tuple))
    leaves = [_leaf(each) for each in (x if several else [x])]
    y = f(leaves if several else leaves[0])
    outputs = list(y) if isinstance(y, (list, tuple)) else [y]
    reached = [_reached(each, leaves) if hasattr(each, "parents") else {} for each in outputs]
    if not any(reached):
        raise _NoHistory(_PLAIN)

    def walk(v: list[float]) -> list[float]:
        row = [np.zeros(np.shape(leaf.data)) for leaf in leaves]
        for each, names, cotangent in zip(outputs, reached, v if outputs[0] is not y else [v], strict=True):
            if names and np.any(cotangent):
                steps = graph.backward_steps(each, np.reshape(cotangent, np.shape(each.data)), **names)
                for step in steps:
                    if step.node.name in names:
                        k = int(step.node.name[1:])
                        row[k] = row[k] + step.upstream
        return np.concatenate([part.ravel() for part in row]).tolist()

    shapes = [(len(each),) if isinstance(each, (list, tuple)) else np.shape(each.data) for each in (x, y)]
    return shapes, walk, _ONE if outputs[0] is y else "the outputs' walks together bring back"


def _leaf(value):
    """A copy of a value of the reader's own engine that was made from nothing and asks for its gradient."""
    leaf = copy.copy(value)
    leaf.parents = ()
    if hasattr(leaf, "requires_grad"):
        leaf.requires_grad = True
    return leaf


def _reached(y, leaves: list) -> dict:
    """Those of the leaves that a walk from y comes to, by the names x0, x1, …"""
    found = {id(leaf) for leaf in graph.leaves(y)}
    return {f"x{k}": leaf for k, leaf in enumerate(leaves) if id(leaf) in found}


# --- drawing ---------------------------------------------------------------------------------------------------------


def _cell(x: float, y: float, width: float, height: float, value: float, scale: float, lit: bool) -> list[str]:
    """A box with its number, the deeper the larger: blue for positive, orange-red for negative, empty for zero."""
    share = min(abs(value) / scale, 1.0) if value == value else 0.0
    frame = {"stroke": INK if lit else GREEN, "stroke_opacity": 0.9 if lit else 0.35}
    fill = {"fill": BLUE if value > 0 else RED, "fill_opacity": round(0.45 * share * (1.0 if lit else 0.45), 3)}
    shown = text(x + width / 2, y + height / 2 + 5, _short(value), "middle", fill_opacity=1 if lit else 0.75)
    return [rect(x + 1, y + 1, width - 2, height - 2, **fill, **frame), shown]


def _meaning(v: list[float]) -> str:
    if sum(entry != 0 for entry in v) == 1 and 1.0 in v:
        return f", row {v.index(1.0)} of J"
    if all(entry == 1 for entry in v):
        return ", the sum of all rows: not J"
    return ", the sum of the rows, each times its entry of v" if any(v) else ": v picks no row"


def _short(value: float) -> str:
    return f"{value + 0.0:.4g}".replace("-", "−")  # + 0.0 turns -0 into 0


def _listed(values: list[float]) -> str:
    return "[" + ", ".join(_short(v) for v in values) + "]"
