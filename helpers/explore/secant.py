"""The step size of a finite difference: from a chord to a tangent to noise (section 1.4)."""

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

from .. import thermometer
from .drawing import BLUE, GREEN, INK, PAPER, RED, Axes, number, picture, text
from .widget import Exploration, menu, slider

# A quarter of a decade apart; whole powers of ten are hit exactly, as in the chapter.
_STEPS = {
    number(float(f"{mantissa}e-{decade}")): float(f"{mantissa}e-{decade}")
    for decade in range(13)
    for mantissa in (("1",) if decade == 0 else ("5.6", "3.2", "1.8", "1"))
}


@dataclass(frozen=True)
class _Case:
    name: str
    f: Callable
    x: float
    slope: float  # the derivative at x, from its formula
    xlim: tuple[float, float]
    ylim: tuple[float, float]


def _loss(w):
    """The thermometer's loss on raw readings as a function of w, b = 0, in the dtype of w."""
    t_u, t_c = thermometer.t_u.to(w.dtype), thermometer.t_c.to(w.dtype)
    return thermometer.loss_fn(thermometer.model(t_u, w, 0.0), t_c)


_LOSS_SLOPE = thermometer.loss_gradient(thermometer.t_u.double(), thermometer.t_c.double(), 1.0, 0.0)[0].item()
# Powers first: their start is the same to the bit on every machine and engine, which sin in float32 is not.
_CASES = {
    "x³ at 2": _Case("x³", lambda x: x * x * x, 2.0, 12.0, (-0.5, 3.6), (-6.0, 34.0)),
    "x² at 3": _Case("x²", lambda x: x * x, 3.0, 6.0, (-0.5, 5.5), (-4.0, 26.0)),
    "sin(x) at 1": _Case("sin", torch.sin, 1.0, math.cos(1.0), (-0.6, 3.4), (-0.8, 1.7)),
    "thermometer loss in w at 1": _Case("loss", _loss, 1.0, _LOSS_SLOPE, (-0.2, 2.2), (-1500.0, 9000.0)),
}


def secant() -> Exploration:
    """Drag the step size h from 1 to 1e-12: the chord, the number that it measures, and its error."""
    controls = [
        slider("h", "step size h", _STEPS, "1"),
        menu("function", "function", {name: name for name in _CASES}),
        menu("kind", "difference", {"forward": "forward", "central": "central"}),
        menu("dtype", "numbers", {"float64": "float64", "float32": "float32"}),
    ]
    alt = "Left, a curve with the line whose slope was measured; right, the error against the step size h, a V."
    return Exploration(alt, controls, _draw)


@functools.cache
def _estimate(function: str, kind: str, dtype: str, h: float) -> float:
    """The finite difference as a program would compute it: x, h and f in `dtype`."""
    case = _CASES[function]
    x, step = (torch.tensor(v, dtype=getattr(torch, dtype)) for v in (case.x, h))
    if kind == "forward":
        return ((case.f(x + step) - case.f(x)).double() / h).item()
    return ((case.f(x + step) - case.f(x - step)).double() / (2 * h)).item()


@functools.cache
def _curve(function: str) -> tuple[tuple[float, float], ...]:
    case = _CASES[function]
    xs = torch.linspace(*case.xlim, 61, dtype=torch.float64)
    return tuple((x.item(), case.f(x).item()) for x in xs)


def _draw(h: float, function: str, kind: str, dtype: str) -> tuple[str, str]:
    case = _CASES[function]
    slope = _estimate(function, kind, dtype, h)
    error = abs(slope - case.slope)
    formula = "(f(x + h) - f(x)) / h" if kind == "forward" else "(f(x + h) - f(x - h)) / 2h"
    words = (
        f"{function}, h = {number(h)}, {kind}, {dtype}: {formula} = {number(slope, 8)}. "
        f"The derivative is {number(case.slope, 8)}; the difference is off by {number(error, 3) if error else '0'}."
    )
    if slope == 0:
        words += " Zero, because x + h rounds to x: the two evaluations are one."
    return picture(760, 360, _chord(case, function, kind, dtype, h, slope), _errors(function, kind, dtype, h)), words


def _chord(case: _Case, function: str, kind: str, dtype: str, h: float, slope: float) -> str:
    axes = Axes(46, 36, 300, 270, case.xlim, case.ylim)
    f = lambda x: case.f(torch.tensor(x, dtype=torch.float64)).item()
    ends = [case.x - h if kind == "central" else case.x, case.x + h]
    through_x, through_y = ends[0], f(ends[0])
    line = [(x, through_y + slope * (x - through_x)) for x in case.xlim]
    tangent = [(x, f(case.x) + case.slope * (x - case.x)) for x in case.xlim]
    span = case.ylim[1] - case.ylim[0]
    step = 10 ** math.floor(math.log10(span / 2))
    yticks = [step * k for k in range(math.floor(case.ylim[0] / step), math.ceil(case.ylim[1] / step) + 1)]
    return axes.frame(
        f"f = {function}", "w" if case.name == "loss" else "x", "", range(-1, 6), yticks[:: max(1, len(yticks) // 6)]
    ) + axes.inside(
        axes.line(_curve(function), INK, 2, stroke_opacity=0.75),
        axes.line(tangent, GREEN, 2, stroke_dasharray="3 4"),
        axes.line(line, RED, 2.5),
        axes.dots([(x, f(x)) for x in ends], RED, 5, stroke=PAPER, stroke_width=1.5),
        text(12, 18, "curve", font_size=13, fill_opacity=0.8),
        text(12, 36, "tangent (dotted)", fill=GREEN, font_size=13),
        text(12, 54, "measured slope", fill=RED, font_size=13),
    )


def _errors(function: str, kind: str, dtype: str, h: float) -> str:
    floor, top = (1e-14, 1e2) if function != "thermometer loss in w at 1" else (1e-10, 1e5)
    axes = Axes(440, 36, 300, 270, (1e-12, 1.0), (floor, top), xlog=True, ylog=True)
    case = _CASES[function]

    def error(kind, dtype, h):
        return max(abs(_estimate(function, kind, dtype, h) - case.slope), floor)

    parts = []
    for k, d in (("forward", "float64"), ("central", "float64"), ("forward", "float32"), ("central", "float32")):
        curve = [(step, error(k, d, step)) for step in _STEPS.values()]
        chosen = (k, d) == (kind, dtype)
        dash = "6 4" if d == "float32" else "none"
        colour = BLUE if chosen else INK
        parts.append(axes.line(curve, colour, 3 if chosen else 1, stroke_opacity=1 if chosen else 0.35)[:-2])
        parts[-1] += f' stroke-dasharray="{dash}"/>'
    parts.append(axes.dots([(h, error(kind, dtype, h))], RED, 6, stroke=PAPER, stroke_width=2))
    ticks = [10.0**e for e in range(round(math.log10(floor)), round(math.log10(top)) + 1, 4)]
    name = f"error, {kind}, {dtype} (thick)"
    return axes.frame(name, "step size h", "", [10.0**e for e in range(-12, 1, 3)], ticks) + axes.inside(*parts)
