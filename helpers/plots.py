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
    ax.text(0.99, 0.97, "never cleared", transform=ax.transAxes, ha="right", va="top", color=RED, fontsize=13)
    ax.text(0.99, 0.88, "cleared every epoch", transform=ax.transAxes, ha="right", va="top", color=BLUE, fontsize=13)
    return show(
        fig,
        alt=f"The loss over {len(clean)} epochs. Cleared every epoch it falls at once to {clean[4]:.0f} and then slowly "
        f"to {clean[-1]:.0f}. Never cleared it swings all the time between {min(forgotten):.0f} and "
        f"{max(forgotten):.0f}, and the swings do not become smaller.",
    )


# --- chapter 6 ---------------------------------------------------------------------------------------------------


def jacobian_map(rows) -> Picture:
    """A large Jacobian as a grid of dots, one for each entry that is not zero; rows: list of lists of float."""
    table = np.array(rows)
    fig, ax = axes("input", "output", figsize=(4.6, 4.6))
    i, j = np.nonzero(table)
    ax.scatter(j, i, c=[BLUE if v > 2 else SKY for v in table[i, j]], s=52, marker="s")
    ax.set(xlim=(-0.5, table.shape[1] - 0.5), ylim=(table.shape[0] - 0.5, -0.5), aspect="equal")
    ax.set_xticks(range(0, table.shape[1], 5))
    ax.set_yticks(range(0, table.shape[0], 4))
    ax.tick_params(length=0)
    return show(
        fig,
        alt=f"A grid of {table.shape[0]} rows and {table.shape[1]} columns with {len(i)} squares on it, one in each row "
        "and one in each column, in slanting stripes; dark where the slope is 4, light where it is 2. The rest is empty.",
    )


def newton_step(t, t_c, lr: float, n_steps: int, start=(1.0, 0.0)) -> Picture:
    """The loss over (w, b) from above: the path of gradient descent, and Newton's single step, from the same start."""
    x, y = np.array(t.tolist()), np.array(t_c.tolist())
    design = np.stack([x, np.ones_like(x)], 1)
    lowest = np.linalg.lstsq(design, y, rcond=None)[0]
    w, b = np.meshgrid(np.linspace(-1, 8, 361), np.linspace(-20, 4, 241))
    loss = ((w[..., None] * x + b[..., None] - y) ** 2).mean(-1)
    path = np.empty((n_steps + 1, 2))
    path[0] = start
    for k in range(n_steps):
        path[k + 1] = path[k] - lr * 2 * design.T @ (design @ path[k] - y) / len(x)
    fig, ax = axes("w (°C for ten units)", "b (°C)")
    ax.contour(w, b, loss, levels=[4, 10, 30, 100, 300, 1000], colors=[SKY], linewidths=1)
    ax.plot(*path.T, color=RED)
    ax.annotate(
        "", lowest, start, arrowprops={"arrowstyle": "->", "color": BLUE, "lw": 2.2, "shrinkA": 6, "shrinkB": 6}
    )
    ax.plot(*start, "o", color=BLACK)
    ax.plot(*lowest, "x", color=BLACK, markersize=10, markeredgewidth=2.2)
    ax.text(start[0] - 0.15, start[1], "start", ha="right", va="bottom", fontsize=13)
    ax.text(4.4, -9.0, f"gradient descent\n{n_steps} steps", color=RED, fontsize=13)
    ax.text(2.6, -12.0, "Newton\n1 step", color=BLUE, ha="right", fontsize=13)
    ax.grid(False)
    return show(
        fig,
        alt="Level lines of the loss over w and b: a long, narrow, slanting valley. Gradient descent jumps from the start to "
        "the floor of the valley and follows it to the lowest point; Newton's step is a straight arrow from the start to "
        "the same point.",
    )


# --- chapter 7 ---------------------------------------------------------------------------------------------------


def four_moments(before, loss: float, grad, after) -> Picture:
    """One step of an optimizer in four panels: it holds the parameters; the loss; backward fills `.grad`; the step.

    before, grad, after: the two numbers of `params`, of its gradient, and of `params` after the step.
    """
    fig, panels = axes(columns=4, figsize=(10.4, 3.9))
    titles = ("A  it holds params", "B  forward: a loss", "C  backward: .grad", "D  step: new params")
    for k, (ax, title) in enumerate(zip(panels, titles, strict=True)):
        ax.set(xlim=(0, 1), ylim=(0, 1))
        ax.axis("off")
        ax.set_title(title, fontsize=12.5)
        _box(ax, 0.92, "optimizer", ORANGE, [])
        shown = [f"{v:.4g}" for v in (after if k == 3 else before)]
        grads = [f"{v:.4g}" for v in grad] if k >= 2 else ["None"]
        _box(ax, 0.51, "params", BLUE, [", ".join(shown), "grad: " + ", ".join(grads)])
        _arrow(ax, 0.5, 0.85, 0.66, ORANGE, 2.6 if k == 3 else 1.4)
        if k in (1, 2):
            _box(ax, 0.12, "loss", GREEN, [f"{loss:.6g}"])
            _arrow(ax, 0.5, *((0.36, 0.235) if k == 1 else (0.235, 0.36)), GREEN if k == 1 else RED, 2.6)
    return show(
        fig,
        alt="Four panels. A: an arrow leads from the optimizer to params, whose grad is None. B: an arrow leads from params down "
        "to the loss. C: an arrow leads from the loss back up, and grad now holds two numbers. D: the optimizer's arrow is "
        "thick, and params holds two new numbers; grad is still there.",
    )


def _box(ax, y, name, colour, lines):
    """A named box around height y of a panel, its lines of numbers below the name."""
    high = 0.14 + 0.075 * len(lines)
    ax.add_patch(plt.Rectangle((0.04, y - high / 2), 0.92, high, facecolor="white", edgecolor=colour, linewidth=2))
    text = "\n".join([name, *lines])
    ax.text(0.5, y, text, ha="center", va="center", fontsize=11.5, linespacing=1.4, color=BLACK)


def _arrow(ax, x, tail, head, colour, width):
    ax.annotate(
        "", (x, head), (x, tail), arrowprops={"arrowstyle": "-|>", "color": colour, "lw": width, "mutation_scale": 16}
    )


def races(inputs, t_c, paths) -> Picture:
    """Paths of several optimizers over level lines of the loss, one panel an input.

    inputs: {name: tensor of shape (N,)}; paths: for each input {optimizer: list of (w, b)}. The axes are not to scale.
    """
    fig, panels = axes("w", "", columns=len(inputs), figsize=(10.4, 4.6))
    panels[0].set_ylabel("b (°C)")
    y = np.array(t_c.tolist())
    for ax, (name, t) in zip(panels, inputs.items(), strict=True):
        x = np.array(t.tolist())
        ones = np.ones_like(x)
        lowest = np.linalg.lstsq(np.stack([x, ones], 1), y, rcond=None)[0]
        every = np.concatenate([np.array(path) for path in paths[name].values()] + [lowest[None]])
        (w0, b0), (w1, b1) = every.min(0), every.max(0)
        edge = 0.08 * (w1 - w0), 0.08 * (b1 - b0)
        w, b = np.meshgrid(np.linspace(w0 - edge[0], w1 + edge[0], 161), np.linspace(b0 - edge[1], b1 + edge[1], 81))
        loss = ((w[..., None] * x + b[..., None] - y) ** 2).mean(-1)
        ax.contour(w, b, loss, levels=[4, 10, 30, 100, 300, 1000], colors=["#aaaaaa"], linewidths=0.9)
        colours = (BLACK, BLUE, SKY, GREEN, ORANGE, RED, PURPLE)
        for (optimizer, path), colour in zip(paths[name].items(), colours, strict=True):
            # Paths that begin alike lie on one another: each of a pair is dashed, and the later ones are thinner.
            dashes = "--" if optimizer in ("Nesterov", "RMSprop", "AdamW") else "-"
            thin = 2.8 if dashes == "-" else 1.8
            ax.plot(*np.array(path).T, dashes, color=colour, linewidth=thin, label=optimizer)
            ax.plot(*path[-1], "o", color=colour, markersize=6)
        ax.plot(*lowest, "x", color=BLACK, markersize=9, markeredgewidth=2.2)
        ax.set_title(name)
        ax.grid(False)
    panels[-1].legend(loc="center left", bbox_to_anchor=(1.0, 0.5), fontsize=11, frameon=False)
    return show(
        fig,
        alt="Level lines of the loss over w and b with the paths of seven optimizers from the same start. Raw readings: a narrow "
        "valley; SGD, momentum and Nesterov jump into it along w and stay there at b = 0, the other four begin to move down "
        "along it. Standardised: round lines; SGD goes straight to the lowest point, momentum overshoots it and comes back; "
        "the other four begin with equal steps in w and b.",
    )


# --- chapter 10 --------------------------------------------------------------------------------------------------


def digits(images, labels, said=None) -> Picture:
    """Images (N, 8, 8) in rows of ten, each with its label; with `said`, what a model took it for instead."""
    rows = -(-len(images) // 10)
    with matplotlib.rc_context(STYLE):
        fig, grid = plt.subplots(rows, 10, figsize=(8.4, 1.1 * rows + (0.1 if said is None else 0.2)), squeeze=False)
    for ax in grid.flat:
        ax.axis("off")
    for k, (ax, image, label) in enumerate(zip(grid.flat, images, labels, strict=False)):
        ax.imshow(image, cmap="gray_r")
        ax.set_title(f"{label}" if said is None else f"{label}\nread as {said[k]}", fontsize=11, loc="center")
    if said is None:
        alt = f"{len(images)} small grey images of handwritten digits, each under its label: {', '.join(map(str, labels))}."
    else:
        pairs = ", ".join(f"{label} read as {other}" for label, other in zip(labels, said, strict=True))
        alt = f"{len(images)} handwritten digits that were read wrongly: {pairs}."
    return show(fig, alt=alt)


def learning(accuracies, baselines) -> Picture:
    """Held-out accuracy (0 to 1) after each epoch, over dashed lines for `baselines`, pairs of a name and an accuracy."""
    fig, ax = axes("epoch", "read rightly, held out")
    ax.plot(range(1, len(accuracies) + 1), accuracies, color=BLUE)
    for (name, height), color in zip(baselines, (RED, GREEN, ORANGE), strict=False):
        ax.axhline(height, color=color, linewidth=1.5, linestyle="--")
        ax.text(len(accuracies), height - 0.008, name, color=color, ha="right", va="top")
    ax.set_ylim(0.5, 1.0)
    lines = ", ".join(f"{name} {height:.2f}" for name, height in baselines)
    return show(
        fig,
        alt=f"The accuracy on held-out images over {len(accuracies)} epochs. It rises from {accuracies[0]:.2f} steeply, "
        f"then slowly to {accuracies[-1]:.2f}, and crosses the lines of both baselines: {lines}.",
    )


# --- chapter 8 ---------------------------------------------------------------------------------------------------


def loss_curves(runs, floor: float | None = None, top: float = 9.0) -> Picture:
    """Training and validation losses over the epochs, a panel a run; floor: the loss that the noise leaves to any model.

    runs: {title: (training losses, validation losses)}, in °C². Losses above `top` lie outside the picture.
    """
    columns = 1 if len(runs) == 1 else 2
    rows = math.ceil(len(runs) / columns)
    with matplotlib.rc_context(STYLE):
        fig, panels = plt.subplots(rows, columns, squeeze=False, figsize=(5.2 * columns + 2 / columns, 1 + 2.6 * rows))
    for ax, (title, (train, val)) in zip(panels.flat, runs.items(), strict=True):
        ax.set(xscale="log", xlim=(1, len(train)), ylim=(0, top))
        ax.set_title(title, loc="left")
        ax.xaxis.set_major_formatter(matplotlib.ticker.FuncFormatter(lambda epoch, _: f"{epoch:g}"))
        if floor:
            ax.axhline(floor, color=GREEN, linestyle=":", linewidth=1.8)
            if top < 10:
                ax.text(1.1, floor / 2, "the months' means", color=GREEN, fontsize=11, va="center")
        # Few of the many epochs, evenly over the logarithmic axis: dashes do not show on a line that trembles.
        chosen = np.unique(np.geomspace(1, len(train), 120).astype(int)) - 1
        ax.plot(chosen + 1, np.array(train)[chosen], color=BLUE)
        ax.plot(chosen + 1, np.array(val)[chosen], color=RED, linestyle="--")
        _name_ends(ax, train[-1], val[-1], len(train), top)
    for ax in panels[-1]:
        ax.set_xlabel("epoch")
    for ax in panels[:, 0]:
        ax.set_ylabel("loss (°C²)")
    alt = " ".join(
        f"{title.rstrip('.')}: training from {train[0]:.0f} to {train[-1]:.0f}, validation (dashed) from {val[0]:.0f} to "
        f"{val[-1]:.0f}, its lowest {min(val):.0f}."
        for title, (train, val) in runs.items()
    )
    alt += f" A dotted line at {floor} marks what the months' means leave." if floor else ""
    return show(fig, alt=f"Losses over the epochs, which are drawn on a logarithmic scale. {alt}")


def _name_ends(ax, train, val, last, top):
    """The names of both curves at their right ends: on the sides that face away from each other, if there is room beneath."""
    line = 0.1 * top
    (low, low_name, low_colour), (high, high_name, high_colour) = sorted(
        [(train, "training", BLUE), (val, "validation", RED)]
    )
    place = high + 0.03 * top
    if low >= line:
        beneath = low - line
    elif high - low >= 1.4 * line:
        beneath = low + 0.03 * top
    else:
        beneath, place = place, place + line
    for y, name, colour in ((beneath, low_name, low_colour), (place, high_name, high_colour)):
        ax.text(last * 0.93, min(y, 0.91 * top), name, color=colour, fontsize=12, ha="right")


def split_histogram(losses) -> Picture:
    """How often a validation loss (°C²) comes out when the readings that are held out change."""
    fig, ax = axes("validation loss (°C²)", "splits")
    counts, *_ = ax.hist(losses, bins=range(0, math.ceil(max(losses)) + 1), color=SKY, edgecolor="white")
    middle = float(np.median(losses))
    ax.axvline(middle, color=BLACK, linewidth=1.8)
    ax.text(middle + 0.25, 0.97, f"median {middle:.2f}", transform=ax.get_xaxis_transform(), va="top", fontsize=12)
    for value, name in ((min(losses), "smallest"), (max(losses), "largest")):
        ax.text(
            value, counts.max() * (0.15 if name == "largest" else 0.5), f"{name}\n{value:.2f}", ha="center", color=RED
        )
    return show(
        fig,
        alt=f"A histogram of {len(losses)} validation losses. Most lie between 1 and 8, the median is {middle:.2f}; a few "
        f"lie far to the right, the last at {max(losses):.2f}.",
    )


def sea_by_month(month, temperature, marked=None) -> Picture:
    """Temperatures (°C) over the months 0 to 11, each a dot; `marked`: a mask of readings to show in orange."""
    fig, ax = axes("", "temperature (°C)")
    marked = np.zeros(len(month), bool) if marked is None else marked
    beside = np.arange(len(month)) // 12 / (len(month) / 12) - 0.5  # the years side by side within their month
    for chosen, colour, size in ((~marked, BLUE, 9), (marked, RED, 22)):
        ax.scatter((month + 0.7 * beside)[chosen], temperature[chosen], s=size, color=colour, alpha=0.75, linewidths=0)
    ax.set_xticks(range(12), list("JFMAMJJASOND"))
    seen = (
        "One dot for each month of each year. The dots form a wave, high in March and low in September, and a few lie "
    )
    seen += "far above it."
    if marked.any():
        ax.text(0.99, 0.97, "years of El Niño", transform=ax.transAxes, ha="right", va="top", color=RED)
        seen += " The years of El Niño, in orange, lie mostly above the others."
    return show(fig, alt=seen)
