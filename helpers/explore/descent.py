"""Walk down a loss surface by gradient descent: learning rate, input scale, schedule, and ways to write the update.

For sections 0.5, 1.8, 5.11 and 7.7.
"""

import functools
import math

import numpy as np
import torch

from .. import thermometer
from .drawing import BLUE, GREEN, INK, ORANGE, PAPER, RED, Axes, number, picture, text, ticks
from .updates import LR, SILENT, UPDATES
from .updates import epochs as run_update
from .widget import Exploration, menu, slider

INPUTS = {"raw": "raw", "0.1 × raw": "0.1", "standardised": "standardised"}
_MANTISSAS = (1, 1.5, 2, 2.5, 3, 3.2, 3.3, 3.4, 3.5, 4, 5, 6, 7, 8, 9, 9.5)
_RATES = {number(float(f"{m}e{e}")): float(f"{m}e{e}") for e in range(-6, 1) for m in _MANTISSAS} | {"10": 10.0}
_EPOCHS = [*range(1, 11), 12, 15, 20, 30, 40, 50, 70, 100, 150, 200, 300, 400, 500, 700, 1000, 1500, 2000, 3000, 5000]

# Factors on the learning rate at epoch k, as torch.optim.lr_scheduler documents them.
SCHEDULES = {
    "constant": lambda k: np.ones(len(k)),
    "StepLR(100, 0.5)": lambda k: 0.5 ** (k // 100),
    "ExponentialLR(0.99)": lambda k: 0.99**k,
    "CosineAnnealingLR(500)": lambda k: (1 + np.cos(np.pi * k / 500)) / 2,
}
_ALT = "Three panels: the path over the loss surface of w and b, the fitted line, and the loss over the epochs."


def descent(form: str = "thermometer", lr: float | None = None) -> Exploration:
    """Gradient descent on the thermometer's loss; `lr` adds a learning rate of your own to the slider.

    `form` is "thermometer" (learning rate, input, epochs), "schedules" (the same with a menu of schedules), "updates"
    (ways to write the line that moves the parameters, at the chapters' rate) or "toy" (w² and one slider).
    """
    if form not in ("thermometer", "schedules", "updates", "toy"):
        print(f'{form!r} is no form of descent: "thermometer", "schedules", "updates" or "toy"; here is "thermometer".')
        form = "thermometer"
    if form == "updates":
        controls = [
            menu("update", "the update", UPDATES | SILENT),
            slider("epochs", "epochs", {str(n): n for n in _EPOCHS if n <= _UPDATE_EPOCHS}, "10", play=True),
        ]
        return Exploration(_ALT, controls, _draw_updates)
    rates, start = _with_own_rate(_TOY_RATES if form == "toy" else _RATES, lr, "0.05" if form == "toy" else "0.01")
    rate = slider("lr", "learning rate", rates, start)
    if form == "toy":
        return Exploration("The parabola w² with the steps of gradient descent from w = 3.", [rate], _draw_toy)
    controls = [
        rate,
        slider("epochs", "epochs", {str(n): n for n in _EPOCHS}, "10", play=True),
        menu("inputs", "input", INPUTS, "0.1 × raw"),
    ]
    if form == "schedules":
        controls.append(menu("schedule", "schedule", {name: name for name in SCHEDULES}))
    return Exploration(_ALT, controls, _draw)


def _with_own_rate(rates: dict[str, float], lr: float | None, start: str) -> tuple[dict[str, float], str]:
    """The slider's learning rates, `lr` among them at its place, and the one to start with."""
    if lr is None:
        return rates, start
    if not (isinstance(lr, (int, float)) and math.isfinite(lr) and lr > 0):
        print(f"lr = {lr!r} is no learning rate: a positive number is due; the slider starts at {start}.")
        return rates, start
    own = number(float(lr))
    return dict(sorted((rates | {own: float(lr)}).items(), key=lambda item: item[1])), own


def data(inputs: str) -> tuple[np.ndarray, np.ndarray]:
    """The readings in the chosen units and °C, float32 arrays of shape (11,)."""
    t_u, t_c = np.array(thermometer.t_u.tolist(), np.float32), np.array(thermometer.t_c.tolist(), np.float32)
    if inputs == "standardised":
        return (t_u - t_u.mean()) / t_u.std(ddof=1), t_c
    return (t_u * np.float32(0.1), t_c) if inputs == "0.1" else (t_u, t_c)


@functools.cache
def bowl(inputs: str) -> tuple[np.ndarray, np.ndarray, float]:
    """The loss is a parabola in (w, b): its lowest point (2,), its Hessian (2, 2), its lowest value."""
    x, t_c = (a.astype(np.float64) for a in data(inputs))
    hessian = 2 * np.array([[(x * x).mean(), x.mean()], [x.mean(), 1.0]])
    best = np.linalg.solve(hessian, 2 * np.array([(x * t_c).mean(), t_c.mean()]))
    return best, hessian, float(((best[0] * x + best[1] - t_c) ** 2).mean())


@functools.cache
def curvatures(inputs: str) -> tuple[float, float]:
    """The smallest and the largest eigenvalue of the Hessian; 2 over the largest is the largest stable rate."""
    low, high = np.linalg.eigvalsh(bowl(inputs)[1])
    return float(low), float(high)


@functools.lru_cache(maxsize=256)
def _run(inputs: str, lr: float, schedule: str, epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """The hand-written loop in float32, from w = 1, b = 0: params (epochs + 1, 2) and losses (epochs,).

    `losses[k]` is the loss that epoch k + 1 prints, `params[k + 1]` what its step leaves. Both end in nan where the
    loss has left the numbers.
    """
    x, t_c = data(inputs)
    rates = (lr * SCHEDULES[schedule](np.arange(epochs))).astype(np.float32)
    params, losses = np.full((epochs + 1, 2), np.nan, np.float32), np.full(epochs, np.nan, np.float32)
    params[0] = w, b = np.float32(1), np.float32(0)
    n = np.float32(len(x))
    with np.errstate(over="ignore", invalid="ignore"):
        for k, rate in enumerate(rates):
            diff = w * x + b - t_c
            losses[k] = np.dot(diff, diff) / n
            if not np.isfinite(losses[k]):
                break
            w, b = w - rate * 2 * np.dot(diff, x) / n, b - rate * 2 * diff.sum() / n
            params[k + 1] = w, b
    return params, losses


def run(inputs: str, lr: float, schedule: str, epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """The first `epochs` of a run. Runs are kept in four lengths, so that a slider over the epochs finds them ready."""
    length = next(n for n in (50, 500, 2000, 5000) if n >= epochs)
    params, losses = _run(inputs, lr, schedule, length)
    return params[: epochs + 1], losses[:epochs]


def _draw(lr: float, epochs: int, inputs: str, schedule: str = "constant") -> tuple[str, str]:
    params, losses = run(inputs, lr, schedule, epochs)
    return _panels(inputs, params, losses), _words(lr, epochs, inputs, schedule, params, losses)


def _panels(inputs: str, params: np.ndarray, losses: np.ndarray, *marks: str) -> str:
    return picture(
        760,
        370,
        surface(inputs, [(params, RED, "none")], 40, 240),
        _fit(inputs, params, 322),
        _loss_panel(losses, 566, inputs),
        *marks,
    )


def _words(lr: float, epochs: int, inputs: str, schedule: str, params: np.ndarray, losses: np.ndarray) -> str:
    name = {"raw": "raw input", "0.1": "input 0.1 × raw", "standardised": "standardised input"}[inputs]
    limit = 2 / curvatures(inputs)[1]
    said = f"{name.capitalize()}, learning rate {number(lr)}"
    said += f", {schedule}: " if schedule != "constant" else ": "
    finite = np.isfinite(losses)
    if not finite.all():
        said += f"in epoch {int(np.argmin(finite)) + 1} the loss is inf, it has left the numbers. "
    else:
        w, b = params[-1]
        said += f"epoch {epochs} has loss {_loss_text(losses[-1])}; its step goes to w {number(w)}, b {number(b)}. "
    return said + f"A constant rate is stable below {number(limit, 3)} here; the lowest loss is {bowl(inputs)[2]:.4f}."


def _loss_text(loss: float) -> str:
    return f"{loss:.4f}" if loss < 1e5 else f"{loss:.2e}"


def surface(inputs: str, paths: list[tuple[np.ndarray, str, str]], x: float, width: float) -> str:
    """The loss over w and b as level lines, the lowest point, and paths: (params of shape (n, 2), colour, dashes)."""
    best, _, _ = bowl(inputs)
    start = np.array([1.0, 0.0])
    reach = 1.15 * np.abs(start - best) + np.array([0.06 * abs(best[0]), 1.0])
    xlim, ylim = (best[0] - reach[0], best[0] + reach[0]), (best[1] - reach[1], best[1] + 1.15 * reach[1])
    axes = Axes(x, 52, width, 270, xlim, ylim)
    marks = []
    for params, colour, dashes in paths:
        path = _thinned(params, 4 * reach, best)
        marks.append(axes.line(path, colour, 1.8, stroke_opacity=0.85, stroke_dasharray=dashes))
        if dashes == "none":
            marks.append(axes.dots(path[:60], colour, 2.6))
        marks.append(axes.dots(path[-1:], colour, 6, stroke=PAPER))
    marks.append(axes.dots([(1, 0)], PAPER, 5, stroke=INK, stroke_width=2))
    cross = text(axes.px(best[0]), axes.py(best[1]) + 6, "+", "middle", font_size=22, font_weight="600")
    frame = axes.frame("loss surface and path", "w", "b, in °C", ticks(*xlim, width // 60), ticks(*ylim))
    return frame + axes.inside(_levels(axes, inputs, start), *marks, cross)


def _levels(axes: Axes, inputs: str, start: np.ndarray) -> str:
    """Lines of equal loss. In pixels each is the unit circle under an affine map: loss - lowest = dᵀ H d / 2."""
    best, hessian, _ = bowl(inputs)
    values, vectors = np.linalg.eigh(hessian)
    scale = np.array([axes.px(1) - axes.px(0), axes.py(1) - axes.py(0)])
    top = (start - best) @ hessian @ (start - best) / 2
    levels = []
    for share in (4, 2, 1, 0.4, 0.15, 0.05, 0.015, 0.004, 0.001):
        m = scale[:, None] * vectors * np.sqrt(2 * share * top / values)
        entries = " ".join(f"{v:.3f}" for v in (m[0, 0], m[1, 0], m[0, 1], m[1, 1], axes.px(best[0]), axes.py(best[1])))
        levels.append(
            f'<circle r="1" transform="matrix({entries})" fill="{BLUE}" fill-opacity="0.07" stroke="{BLUE}" '
            'stroke-opacity="0.55" vector-effect="non-scaling-stroke"/>'
        )
    return "".join(levels)


def _thinned(params: np.ndarray, reach: np.ndarray, best: np.ndarray) -> list[tuple[float, float]]:
    """At most some 200 points of a path, all of its first hundred among them, up to the first that is out of reach."""
    keep = np.unique(np.r_[np.arange(min(100, len(params))), np.geomspace(1, len(params), 100).astype(int) - 1])
    inside = (np.abs(params[keep] - best) < reach).all(1)
    end = len(keep) if inside.all() else int(np.argmin(inside)) + 1
    return [(float(w), float(b)) for w, b in params[keep[:end]] if np.isfinite(w) and np.isfinite(b)]


def _fit(inputs: str, params: np.ndarray, x: float) -> str:
    readings, t_c = data(inputs)
    low, high = float(readings.min()), float(readings.max())
    margin = 0.08 * (high - low)
    axes = Axes(x, 52, 180, 270, (low - margin, high + margin), (-12, 36))
    finite = np.isfinite(params).all(1)
    w, b = params[finite][-1].astype(np.float64)
    line = [(u, w * u + b) for u in axes.xlim]
    gone = all(y > axes.ylim[1] for _, y in line) or all(y < axes.ylim[0] for _, y in line)
    label = {"raw": "t_u, raw", "0.1": "t_un = 0.1 t_u", "standardised": "standardised t_u"}[inputs]
    frame = axes.frame("the line", label, "t_c, in °C", ticks(*axes.xlim, 3), (-10, 0, 10, 20, 30))
    return frame + axes.inside(
        axes.dots(list(zip(readings.tolist(), t_c.tolist(), strict=True)), BLUE, 4.5, stroke=PAPER),
        axes.line(line, RED, 2.5),
        text(90, 20, "the line is far outside", "middle", fill=RED, font_size=13) if gone else "",
    )


def _loss_panel(losses: np.ndarray, x: float, inputs: str) -> str:
    epochs = len(losses)
    axes = Axes(x, 52, 168, 270, (0, epochs), (1.0, 1e6), ylog=True)
    keep = np.unique(np.geomspace(1, len(losses), 150).astype(int) - 1)
    curve = [(k + 1.0, min(float(losses[k]), 1e30)) for k in keep if not np.isnan(losses[k])]
    lowest = bowl(inputs)[2]
    frame = axes.frame("the loss", "epoch", "in °C²", ticks(0, epochs, 3), [10.0**e for e in range(7)])
    return frame + axes.inside(
        axes.line([(0, lowest), (epochs, lowest)], GREEN, 1.5, stroke_dasharray="3 4"),
        text(162, axes.py(lowest) + 15, "lowest loss", "end", fill=GREEN, font_size=13),
        axes.line(curve, ORANGE, 2.5),
        axes.dots(curve if len(curve) < 30 else curve[-1:], ORANGE, 3.5),
    )


# --- updates ---------------------------------------------------------------------------------------------------------

_UPDATE_EPOCHS = 200


@functools.cache
def _run_of_update(update) -> tuple[np.ndarray, np.ndarray, int, str]:
    """What the loop did with this update: params (201, 2), losses (200,), epochs that ran to their end, the error."""
    params, losses = np.full((_UPDATE_EPOCHS + 1, 2), np.nan), np.full(_UPDATE_EPOCHS, np.nan)
    params[0], done, said = (1.0, 0.0), 0, ""
    for loss, p, error in run_update(update, torch.tensor([1.0, 0.0], requires_grad=True), _UPDATE_EPOCHS):
        losses[done], said = loss, error
        if p is not None:
            done += 1
            params[done] = p.tolist()
    return params, losses, done, said


def _draw_updates(update, epochs: int) -> tuple[str, str]:
    name = next(written for written, function in (UPDATES | SILENT).items() if function is update)
    params, losses, done, error = _run_of_update(update)
    w, b = params[min(epochs, done)]
    place = f"w {number(w)}, b {number(b)}"
    if done < epochs:
        mark = f"stops in epoch {done + 1}"
        words = f"Loud: epoch {done + 1} raises {error.rstrip('.')}. The point stands at {place}"
        words += ", where it began." if done == 0 else f", after {done} step{'s' if done > 1 else ''}."
    elif (w, b) == (1.0, 0.0):
        mark = "runs, does not move"
        words = f"Silent: {epochs} epochs, no error, and the point is still at {place}, where it began."
    else:
        same = np.allclose(params[: epochs + 1], run("0.1", LR, "constant", epochs)[0], rtol=1e-4)
        mark = "moves"
        words = f"{epochs} epochs lead to {place}, loss {_loss_text(losses[epochs - 1])}: "
        words += "the path of chapter 1, step by step." if same else "not the path of chapter 1."
    svg = _panels("0.1", params[: epochs + 1], losses[:epochs], text(48, 72, mark, fill=RED, font_weight="600"))
    return svg, f"{name}. {words}"


# --- toy -------------------------------------------------------------------------------------------------------------

_TOY_RATES = {number(k / 100): k / 100 for k in (*range(1, 11), *range(15, 91, 5), *range(91, 106), 110, 120)}


def _draw_toy(lr: float) -> tuple[str, str]:
    """Twenty steps on w², whose slope is 2w, from w = 3."""
    path = [3.0]
    for _ in range(20):
        path.append(path[-1] - lr * 2 * path[-1])
    axes = Axes(60, 52, 560, 270, (-4.0, 4.0), (-1.0, 16.0))
    curve = [(k / 10, k * k / 100) for k in range(-40, 41)]
    steps = [(w, w * w) for w in path]
    svg = picture(
        660,
        376,
        axes.frame("twenty steps downhill", "w", "w²", range(-4, 5), range(0, 17, 4)),
        axes.inside(
            axes.line(curve, BLUE, 2.5),
            axes.line(steps, RED, 1.5, stroke_opacity=0.7),
            axes.dots(steps, RED, 4, stroke=PAPER),
            axes.dots(steps[-1:], INK, 6.5, stroke=PAPER),
            text(axes.px(3) + 12, axes.py(9) + 4, "start", font_size=13),
        ),
    )
    if lr < 0.5:
        how = "each step goes part of the way down"
    elif lr == 0.5:
        how = "the first step lands in the lowest point"
    elif lr < 1:
        how = "each step overshoots, and still comes nearer"
    elif lr == 1:
        how = "it jumps from side to side for ever"
    else:
        how = "each step lands higher than the one before"
    return (
        svg,
        f"Learning rate {number(lr)}: after 20 steps w is {number(path[-1])}, w² is {number(path[-1] ** 2)}; {how}.",
    )
