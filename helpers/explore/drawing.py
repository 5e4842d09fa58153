"""Pieces of SVG for the explorations: a picture, text, and axes that place data in a rectangle.

Ink is `currentColor`, so that a picture takes the page's own text colour; data take the Okabe-Ito colours, which the
widget's style sheet makes lighter on a dark page. Nothing here needs an id, so pictures never disturb each other.
"""

import html
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

# Each with the fallback for pages without the style sheet: the colours of the Okabe-Ito palette, two of them darkened
# so that small text keeps its contrast on white.
BLUE = "var(--lm-blue, #0072b2)"
ORANGE = "var(--lm-orange, #b86f00)"
GREEN = "var(--lm-green, #00805d)"
RED = "var(--lm-red, #c04f00)"
PURPLE = "var(--lm-purple, #a8507f)"
PAPER = "var(--lm-paper, #fff)"
INK = "currentColor"


def picture(width: int, height: int, *parts: str) -> str:
    """A whole SVG that fills its page, up to a third more than its own width (for slides)."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'style="width:100%;max-width:{width * 4 // 3}px" font-family="system-ui, sans-serif" font-size="14" '
        f'fill="{INK}">' + "".join(parts) + "</svg>"
    )


def text(x: float, y: float, words: str, anchor: str = "start", **style: str | float) -> str:
    """Words with their baseline at (x, y); `style` holds SVG attributes, `_` standing for `-`."""
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{_attributes(style)}>{html.escape(words)}</text>'


def rect(x: float, y: float, width: float, height: float, **style: str | float) -> str:
    """A rectangle with its upper left corner at (x, y)."""
    return f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"{_attributes(style)}/>'


def segment(x1: float, y1: float, x2: float, y2: float, stroke: str = INK, **style: str | float) -> str:
    """A straight line from (x1, y1) to (x2, y2)."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{stroke}"{_attributes(style)}/>'


def arrow(x1: float, y1: float, x2: float, y2: float, stroke: str = INK, width: float = 2, head: float = 8) -> str:
    """A straight line with a head at (x2, y2)."""
    angle = math.atan2(y2 - y1, x2 - x1)
    wings = " ".join(
        f"{x2 - head * math.cos(angle + turn):.1f},{y2 - head * math.sin(angle + turn):.1f}" for turn in (0.45, -0.45)
    )
    short_x, short_y = x2 - 0.7 * head * math.cos(angle), y2 - 0.7 * head * math.sin(angle)
    line = segment(x1, y1, short_x, short_y, stroke, stroke_width=width)
    return line + f'<polygon points="{x2:.1f},{y2:.1f} {wings}" fill="{stroke}"/>'


def number(value: float, digits: int = 5) -> str:
    """A number as a reader writes it: few digits, a power of ten only where it helps."""
    if math.isnan(value):
        return "nan"
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    if value and (abs(value) >= 1e5 or abs(value) < 1e-4):
        mantissa, exponent = f"{value:.{max(digits - 3, 1)}e}".split("e")
        return f"{mantissa.rstrip('0').rstrip('.')}e{int(exponent)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(value)))) if value else 0
    rounded = f"{value:.{min(decimals, 6)}f}"
    return rounded.rstrip("0").rstrip(".") if "." in rounded else rounded


def ticks(low: float, high: float, most: int = 5) -> list[float]:
    """Round numbers between low and high, at most `most` + 1 of them."""
    rough = (high - low) / most
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * m for m in (1, 2, 5, 10) if power * m >= rough)
    return [k * step for k in range(math.ceil(low / step), math.floor(high / step) + 1)]


@dataclass(frozen=True)
class Axes:
    """A rectangle at (`x`, `y`) in the picture that shows data between `xlim` and `ylim`, linear or logarithmic."""

    x: float
    y: float
    width: float
    height: float
    xlim: tuple[float, float]
    ylim: tuple[float, float]
    xlog: bool = False
    ylog: bool = False

    def px(self, value: float) -> float:
        """Where a value of the horizontal axis lies, from the left edge of the rectangle."""
        return self.width * _share(value, *self.xlim, self.xlog)

    def py(self, value: float) -> float:
        """Where a value of the vertical axis lies, from the upper edge of the rectangle."""
        return self.height * (1 - _share(value, *self.ylim, self.ylog))

    def inside(self, *parts: str) -> str:
        """Parts drawn in coordinates of the rectangle and cut off at its edges."""
        box = f'x="{self.x}" y="{self.y}" width="{self.width}" height="{self.height}"'
        return f'<svg {box} overflow="hidden">' + "".join(parts) + "</svg>"

    def frame(self, title: str, xlabel: str, ylabel: str, xticks: Sequence[float], yticks: Sequence[float]) -> str:
        """Title, axis labels, grid lines with their numbers; ticks outside the limits are left out."""
        x, y, right, bottom = self.x, self.y, self.x + self.width, self.y + self.height
        parts = [rect(x, y, self.width, self.height, fill="none", stroke=INK, stroke_opacity=0.45)]
        for tick in (t for t in xticks if self.xlim[0] <= t <= self.xlim[1]):
            at = x + self.px(tick)
            parts += [segment(at, y, at, bottom, stroke_opacity=0.12)]
            parts += [text(at, bottom + 17, number(tick, 3), "middle", font_size=13)]
        for tick in (t for t in yticks if self.ylim[0] <= t <= self.ylim[1]):
            at = y + self.py(tick)
            parts += [segment(x, at, right, at, stroke_opacity=0.12)]
            parts += [text(x - 6, at + 4, number(tick, 3), "end", font_size=13)]
        # The label of the vertical axis stands upright at its upper end: a reader need not turn the head.
        parts.append(text(x, y - (26 if ylabel else 10), title, font_weight="600"))
        parts.append(text(x, y - 8, ylabel, font_size=13) if ylabel else "")
        parts.append(text((x + right) / 2, bottom + 36, xlabel, "middle"))
        return "".join(parts)

    def line(self, points: Iterable[tuple[float, float]], stroke: str, width: float = 2, **style: str | float) -> str:
        """A line through the points; it ends at a point that is no number."""
        places = []
        for a, b in points:
            if not (math.isfinite(a) and math.isfinite(b)):
                break
            places.append(f"{_near(self.px(a)):.1f},{_near(self.py(b)):.1f}")
        kept = [place for place, before in zip(places, [None, *places], strict=False) if place != before]
        return (
            f'<polyline points="{" ".join(kept)}" fill="none" stroke="{stroke}" stroke-width="{width}" '
            f'stroke-linejoin="round"{_attributes(style)}/>'
        )

    def dots(self, points: Iterable[tuple[float, float]], fill: str, radius: float = 4, **style: str | float) -> str:
        """A dot at each point that is a number."""
        return "".join(
            f'<circle cx="{_near(self.px(a)):.1f}" cy="{_near(self.py(b)):.1f}" r="{radius}" fill="{fill}"'
            f"{_attributes(style)}/>"
            for a, b in points
            if math.isfinite(a) and math.isfinite(b)
        )


def _attributes(style: dict[str, str | float]) -> str:
    return "".join(f' {name.replace("_", "-")}="{value}"' for name, value in style.items())


def _share(value: float, low: float, high: float, log: bool) -> float:
    if log:
        # What is not positive has no place on a logarithmic axis: far below its lower end.
        value, low, high = math.log10(value) if value > 0 else -400.0, math.log10(low), math.log10(high)
    return (value - low) / (high - low)


def _near(place: float) -> float:
    """Keep a far place within what a renderer can draw."""
    return max(-9e3, min(9e3, place))
