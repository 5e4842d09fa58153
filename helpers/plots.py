"""The course's pictures: one Matplotlib style, one way to show a figure with its description, and the chapters' figures.

A figure is shown with `show(fig, alt)`, never bare: JupyterLab and nbconvert drop the description that Matplotlib carries.
Colours are Okabe and Ito's, which survive colour-blindness and a projector.
"""

import base64
import io
import math
from html import escape

import matplotlib
import matplotlib.pyplot as plt
import numpy as np

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip

STYLE = {
    "figure.figsize": (7.2, 3.8),
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 13,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": matplotlib.cycler(color=[BLUE, RED, GREEN, ORANGE, PURPLE, SKY, BLACK]),
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.linewidth": 2.2,
    "lines.markersize": 7,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
    "svg.hashsalt": "autograd-by-hand",
}
DPI = 144


class Picture:
    """A finished figure and what there is to see in it: shown in HTML with its description, printed as the description."""

    def __init__(self, png: bytes, alt: str, width: int, caption: str | None = None):
        self.png, self.alt, self.width, self.caption = png, alt, width, caption

    def __repr__(self):
        return f"[picture] {self.alt}"

    def _repr_html_(self):
        data = base64.b64encode(self.png).decode()
        caption = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure style="margin:0"><img alt="{escape(self.alt, quote=True)}" width="{self.width}" '
            f'style="max-width:100%;height:auto;border-radius:6px" src="data:image/png;base64,{data}">{caption}</figure>'
        )


def show(fig, alt: str, caption: str | None = None) -> Picture:
    """A Matplotlib figure as the last line of a cell. alt: one or two sentences that say what to see in it.

    Raises ValueError where the description is missing. Closes the figure.
    """
    if not alt or not alt.strip():
        raise ValueError("a picture needs a description: show(fig, alt='what there is to see')")
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    width = round(fig.get_size_inches()[0] * 100)
    plt.close(fig)
    return Picture(file.getvalue(), alt, width, caption)


def axes(xlabel: str = "", ylabel: str = "", columns: int = 1, **options):
    """A figure and its axes in the course's style; labels carry units. options go to `plt.subplots`."""
    with matplotlib.rc_context(STYLE):
        fig, ax = plt.subplots(1, columns, **options)
    for one in fig.axes:
        one.set(xlabel=xlabel, ylabel=ylabel)
    return fig, ax


# --- chapter 1 ---------------------------------------------------------------------------------------------------


def readings(t_u, t_c, line=None, gaps: bool = False):
    """The readings as points, °C over the unknown unit; `line` = (w, b) adds the model, `gaps` its vertical distances.

    t_u, t_c: tensors of shape (N,). Returns the figure and its axes.
    """
    fig, ax = axes("reading (unknown unit)", "temperature (°C)")
    x, y = t_u.tolist(), t_c.tolist()
    if line is not None:
        w, b = (float(v) for v in line)
        ends = [min(x), max(x)]
        ax.plot(ends, [w * e + b for e in ends], color=RED)
        ax.text(0.03, 0.93, f"w = {w:.4g}, b = {b:.4g}", transform=ax.transAxes, va="top", color=RED)
        if gaps:
            ax.vlines(x, y, [w * v + b for v in x], color=ORANGE, linewidth=1.5)
    ax.plot(x, y, "o", color=BLUE)
    return fig, ax


def chords(f, at: float, steps, low: float, high: float) -> Picture:
    """The loss `f` over w from low to high, the line through `at` and `at + h` for both h of `steps`, and the tangent.

    f: from a float to a float. Each line carries its slope.
    """
    fig, ax = axes("w", "loss (°C²)", figsize=(8.4, 3.8))
    grid = [low + (high - low) * k / 100 for k in range(101)]
    ax.plot(grid, [f(w) for w in grid], color=BLUE)
    near = (high - low) * 1e-4
    tangent = (f(at + near) - f(at - near)) / (2 * near)
    slopes = [(f"h = {h:g}", (f(at + h) - f(at)) / h, colour) for h, colour in zip(steps, (RED, ORANGE), strict=False)]
    for name, slope, colour in (*slopes, ("tangent", tangent, BLACK)):
        ax.plot([low, high], [f(at) + slope * (low - at), f(at) + slope * (high - at)], color=colour, linewidth=1.6)
        ax.text(high, f(at) + slope * (high - at), f" {name}: slope {slope:.0f}", color=colour, va="center")
    for h, colour in zip(steps, (RED, ORANGE), strict=False):
        ax.plot(at + h, f(at + h), "o", color=colour)
    ax.plot(at, f(at), "o", color=BLACK)
    first, second = steps
    return show(
        fig,
        alt=f"The loss over w is a parabola. The line through w = {at:g} and {at + first:g} is too steep, the line "
        f"through {at:g} and {at + second:g} less so; the tangent, which touches the curve at {at:g} only, is the flattest.",
    )


def difference_errors(f, at: float, slope: float) -> Picture:
    """How far one-sided and two-sided differences of `f` are off, for h from 1 to 1e-12, in float64 and float32.

    f: a function of NumPy scalars that keeps their dtype; slope: its derivative at `at`.
    """
    fig, (left, right) = axes("step size h", "", columns=2, figsize=(9.6, 3.9), sharey=True)
    left.set_ylabel("error of the slope")
    steps = [10 ** (-k / 4) for k in range(49)]
    for ax, dtype in ((left, np.float64), (right, np.float32)):
        x = dtype(at)
        one = [abs(float((f(x + dtype(h)) - f(x)) / dtype(h)) - slope) for h in steps]
        both = [abs(float((f(x + dtype(h)) - f(x - dtype(h))) / dtype(2 * h)) - slope) for h in steps]
        # An error of exactly zero has no place on a logarithmic axis.
        ax.loglog(steps, [e or math.nan for e in one], color=RED)
        ax.loglog(steps, [e or math.nan for e in both], color=BLUE)
        ax.set_title("16 digits (float64)" if dtype is np.float64 else "7 digits (float32)")
        ax.set_xticks([1e-12, 1e-9, 1e-6, 1e-3, 1])
    left.text(3e-4, 3e-2, "one side", color=RED, ha="right")
    left.text(2e-3, 1e-9, "both sides", color=BLUE)
    return show(
        fig,
        alt="The error of the slope over the step size h, both axes logarithmic, has the shape of a V: as h shrinks it falls, "
        "then rises again. With 16 digits the V reaches much deeper than with 7; from both sides deeper than from one side.",
    )


def steps_in_w(f, start: float, rates, n_steps: int = 5) -> Picture:
    """Gradient descent on a loss over `w` alone: one panel a learning rate, with the first steps from `start`.

    f: from a float to a float, a parabola: its slope is taken as a central difference, which is exact there (section 1.3).
    rates: one that goes down one side, one that jumps and comes down, one that runs away.
    """
    fig, panels = axes("w", "", columns=len(rates), figsize=(9.6, 3.6), sharey=True)
    panels[0].set_ylabel("loss (°C²)")
    for ax, lr in zip(panels, rates, strict=True):
        path = [start]
        for _ in range(n_steps):
            path.append(path[-1] - lr * (f(path[-1] + 1) - f(path[-1] - 1)) / 2)
        grid = [-1.5 + 3.4 * k / 100 for k in range(101)]
        ax.plot(grid, [f(w) for w in grid], color=BLUE)
        ax.plot(path, [f(w) for w in path], "o-", color=RED, linewidth=1.3, markersize=5, clip_on=True)
        ax.plot(start, f(start), "o", color=BLACK)
        ax.set(title=f"lr = {lr:g}", xlim=(-1.5, 1.9), ylim=(-300, 8300))
    small, middle, large = rates
    return show(
        fig,
        alt=f"Three parabolas with steps that start at w = {start:g}. Rate {small:g}: the steps go down one side. Rate {middle:g}: "
        f"they jump from side to side and still come down. Rate {large:g}: each jump lands higher than the one before.",
    )


def bowls(inputs, t_c, runs, start=(1.0, 0.0)) -> Picture:
    """The loss over (w, b) from above, one panel an input: level lines, the lowest point, and a path of descent.

    inputs: {name: tensor of shape (N,)}, raw, a tenth of it and standardised; runs: for each its (lr, number of steps).
    A unit is as long on one axis as on the other.
    """
    fig, panels = axes("w", "", columns=len(inputs), figsize=(9.6, 4.2), sharey=True)
    panels[0].set_ylabel("b (°C)")
    y = np.array(t_c.tolist())
    for ax, (name, t), (lr, n_steps) in zip(panels, inputs.items(), runs, strict=True):
        x = np.array(t.tolist())
        ones = np.ones_like(x)
        lowest = np.linalg.lstsq(np.stack([x, ones], 1), y, rcond=None)[0]
        # A valley is narrow in w: hence the fine grid there.
        w, b = np.meshgrid(np.linspace(-12, 20, 1281), np.linspace(-20, 12, 65))
        loss = ((w[..., None] * x + b[..., None] - y) ** 2).mean(-1)
        levels = [4, 10, 30, 100, 300, 1000]
        ax.contour(w, b, loss, levels=levels, colors=[BLUE], linewidths=1)
        path = np.empty((n_steps + 1, 2))
        path[0] = start
        for k in range(n_steps):
            diff = path[k, 0] * x + path[k, 1] - y
            path[k + 1] = path[k] - lr * 2 * np.array([(diff * x).mean(), diff.mean()])
        ax.plot(*path.T, color=RED, linewidth=1.8)
        ax.plot(*start, "o", color=BLACK, markersize=6)
        ax.plot(*path[-1], "o", color=RED, markersize=7)
        ax.plot(*lowest, "x", color=BLACK, markersize=9, markeredgewidth=2.2)
        ax.set_title(f"{name}\nlr = {lr:g}, {n_steps} steps", fontsize=12)
        ax.set_aspect("equal")
        ax.grid(False)
    return show(
        fig,
        alt="Level lines of the loss over w and b. Raw readings: a crack so narrow that its lines run into one, and a path that "
        "ends far above the lowest point. A tenth of them: a narrow valley, and a path that turns and follows it to the end. "
        "Standardised: circles, and a short path, nearly straight.",
    )


# --- chapter 4 ---------------------------------------------------------------------------------------------------


def pendulum(forgotten, clean) -> Picture:
    """The losses (°C², one an epoch) of a loop that never clears its gradient, over those of one that does."""
    fig, ax = axes("epoch", "loss (°C²)")
    ax.plot(range(1, len(forgotten) + 1), forgotten, color=RED, linewidth=1.8)
    ax.plot(range(1, len(clean) + 1), clean, color=BLUE)
    ax.set_ylim(0, 1.25 * max(forgotten))
    ax.text(0.99, 0.97, "never cleared", transform=ax.transAxes, ha="right", va="top", color=RED)
    ax.text(0.99, 0.88, "cleared every epoch", transform=ax.transAxes, ha="right", va="top", color=BLUE)
    return show(
        fig,
        alt=f"The loss over {len(clean)} epochs. Cleared every epoch it falls at once to {clean[4]:.0f} and then slowly "
        f"to {clean[-1]:.0f}. Never cleared it swings all the time between {min(forgotten):.0f} and "
        f"{max(forgotten):.0f}, and the swings do not become smaller.",
    )
