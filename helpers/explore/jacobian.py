"""One walk backwards gives one weighted sum of the Jacobian's rows (chapter 6)."""

import torch

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

    Without arguments there is a menu of four functions; `jacobian(f, x)` shows a function of yours at the 1-d tensor x.
    """
    if f is None:
        table = {name: _Jacobian(function, _X) for name, function in _FUNCTIONS.items()}
    else:
        table = {getattr(f, "__name__", "f"): _Jacobian(f, _X if x is None else x)}
    cotangents = _cotangents(max(each.rows for each in table.values()))
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
            self.x = torch.as_tensor(x).detach().clone().to(torch.float32).requires_grad_()
            self.y = f(self.x)
            self.rows, self.columns = self.y.numel(), self.x.numel()
            if self.x.dim() != 1 or self.y.dim() > 1:
                self.sentence = f"f takes a 1-d tensor to a 1-d tensor or a number here, not {_shapes(self.x, self.y)}."
            elif max(self.rows, self.columns) > _MOST or min(self.rows, self.columns) < 1:
                self.sentence = f"1 to {_MOST} numbers in and out can be shown, not {_shapes(self.x, self.y)}."
            elif not self.y.requires_grad:
                self.sentence = "f(x) has no history: somewhere in f the tensor became a plain number."
        except Exception as error:  # a function of the reader's own may fail in any way
            self.sentence = f"f cannot be followed: {type(error).__name__}: {error}"
        if not self.sentence:
            self.matrix = [self.walk([float(i == k) for i in range(self.rows)]) for k in range(self.rows)]

    def walk(self, v: list[float]) -> list[float]:
        """vᵀJ by one backward walk; zeros where y does not depend on x."""
        cotangent = torch.tensor(v, dtype=self.y.dtype).view(self.y.shape)
        (row,) = torch.autograd.grad(self.y, self.x, cotangent, retain_graph=True, allow_unused=True)
        return [0.0] * self.columns if row is None else row.tolist()

    def draw(self, v) -> tuple[str, str]:
        if self.sentence:
            return "", self.sentence
        v = list(v[: self.rows])
        row = self.walk(v)
        words = (
            f"J has {self.rows} row{'s' if self.rows > 1 else ''} (outputs) and {self.columns} columns (inputs), "
            f"{sum(entry != 0 for line in self.matrix for entry in line)} of {self.rows * self.columns} entries not "
            f"zero. With v = {_listed(v)} one walk brings back {_listed(row)}"
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


def _shapes(x, y) -> str:
    return f"shape {tuple(x.shape)} to {tuple(y.shape)}"
