"""A race of two optimizers over the thermometer's loss surface (section 7.5)."""

import functools
import math

import numpy as np
import torch

from .descent import INPUTS, bowl, data, surface
from .drawing import BLUE, GREEN, RED, Axes, number, picture, text, ticks
from .widget import Exploration, menu, slider

# How each is made, and what its slider "momentum" sets; None: it has none.
_MAKERS = {
    "SGD": (lambda p, lr, m: torch.optim.SGD(p, lr=lr), None),
    "SGD with momentum": (lambda p, lr, m: torch.optim.SGD(p, lr=lr, momentum=m), "momentum"),
    "Nesterov": (lambda p, lr, m: torch.optim.SGD(p, lr=lr, momentum=max(m, 1e-6), nesterov=True), "momentum"),
    "Adagrad": (lambda p, lr, m: torch.optim.Adagrad(p, lr=lr), None),
    "RMSprop": (lambda p, lr, m: torch.optim.RMSprop(p, lr=lr), None),
    "Adam": (lambda p, lr, m: torch.optim.Adam(p, lr=lr, betas=(m, 0.999)), "beta1"),
    "AdamW": (lambda p, lr, m: torch.optim.AdamW(p, lr=lr, betas=(m, 0.999)), "beta1"),
}
_RATES = {number(float(f"{m}e{e}")): float(f"{m}e{e}") for e in range(-5, 1) for m in (1, 1.5, 2, 3, 5, 7)}
_RATES |= {"10": 10.0}
_MOMENTA = {number(m): m for m in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.93, 0.95, 0.97, 0.99)}
_EPOCHS = (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 40, 50, 70, 100, 150, 200)


def optimizers(lr: float | None = None) -> Exploration:
    """Two optimizers from the same start, one learning rate each; `lr` starts both with a rate of your own."""
    rates, start = dict(_RATES), "0.01"
    if lr is not None and not (isinstance(lr, (int, float)) and math.isfinite(lr) and lr > 0):
        print(f"lr = {lr!r} is no learning rate: a positive number is due; the slider starts at {start}.")
    elif lr is not None:
        start = number(float(lr))
        rates = dict(sorted((rates | {start: float(lr)}).items(), key=lambda item: item[1]))
    names = {name: name for name in _MAKERS}
    controls = [
        menu("first", "optimizer (solid)", names, "SGD"),
        slider("lr", "rate (solid)", rates, start),
        menu("second", "optimizer (dashed)", names, "Adam"),
        slider("other_lr", "rate (dashed)", rates, start if lr is not None else "0.5"),
        slider("momentum", "momentum, beta1", _MOMENTA, "0.9"),
        slider("epochs", "epochs", {str(n): n for n in _EPOCHS}, "50", play=True),
        menu("inputs", "input", INPUTS, "0.1 × raw"),
    ]
    alt = "Left, two optimizers' paths over the loss surface of w and b; right, both losses over the epochs."
    return Exploration(alt, controls, _draw)


@functools.lru_cache(maxsize=512)
def run(name: str, lr: float, momentum: float, inputs: str, epochs: int) -> tuple[np.ndarray, np.ndarray]:
    """The path (epochs + 1, 2) and losses (epochs,) of the real optimizer from w = 1, b = 0, in float32.

    The gradient is the hand-derived one of section 1.5, which agrees with autograd's. nan after the loss has left the
    numbers.
    """
    x, t_c = (torch.tensor(a.tolist()) for a in data(inputs))
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    opt = _MAKERS[name][0]([params], lr, momentum)
    design = torch.stack([x, torch.ones(11)], 1)
    path, losses = np.full((epochs + 1, 2), np.nan), np.full(epochs, np.nan)
    path[0] = 1.0, 0.0
    for k in range(epochs):
        with torch.no_grad():
            gap = design @ params - t_c
            params.grad = 2 * (gap @ design) / 11
            losses[k] = (gap @ gap).item() / 11
        if not math.isfinite(losses[k]):
            break
        opt.step()
        path[k + 1] = params.tolist()
    return path, losses


def _draw(first, lr, second, other_lr, momentum, epochs, inputs) -> tuple[str, str]:
    racers = []
    for name, rate, colour, dashes in ((first, lr, RED, "none"), (second, other_lr, BLUE, "6 4")):
        # Runs are kept in three lengths, so that the slider over the epochs finds them ready.
        length = next(n for n in (50, 100, 200) if n >= epochs)
        path, losses = run(name, rate, momentum if _MAKERS[name][1] else 0.0, inputs, length)
        racers.append((name, rate, path[: epochs + 1], losses[:epochs], colour, dashes))
    paths = [(path, colour, dashes) for _, _, path, _, colour, dashes in racers]
    svg = picture(760, 370, surface(inputs, paths, 40, 340), _losses(racers, inputs))
    words = " ".join(_said(*racer[:4], momentum) for racer in racers)
    return svg, f"{words} The lowest loss is {bowl(inputs)[2]:.2f}."


def _said(name: str, rate: float, path: np.ndarray, losses: np.ndarray, momentum: float) -> str:
    what = _MAKERS[name][1]
    said = f"{name}, rate {number(rate)}" + (f", {what} {number(momentum)}" if what else "")
    if not np.isfinite(losses).all():
        return f"{said}: in epoch {int(np.argmin(np.isfinite(losses))) + 1} the loss has left the numbers."
    step = path[1] - path[0]
    loss = f"{losses[-1]:.2f}" if losses[-1] < 1e5 else number(losses[-1])
    return f"{said}: loss {loss} in epoch {len(losses)}, first step ({number(step[0], 4)}, {number(step[1], 4)})."


def _losses(racers: list, inputs: str) -> str:
    epochs, lowest = len(racers[0][3]), bowl(inputs)[2]
    axes = Axes(446, 52, 296, 270, (0, epochs), (1.0, 1e6), ylog=True)
    parts = [
        axes.line([(0, lowest), (epochs, lowest)], GREEN, 1.5, stroke_dasharray="2 4"),
        text(288, axes.py(lowest) + 16, "lowest loss", "end", fill=GREEN, font_size=13),
    ]
    for row, (name, _, _, losses, colour, dashes) in enumerate(racers):
        curve = [(k + 1.0, min(float(loss), 1e30)) for k, loss in enumerate(losses) if np.isfinite(loss)]
        parts.append(axes.line(curve, colour, 2.2, stroke_dasharray=dashes) + axes.dots(curve[-1:], colour, 4))
        parts.append(text(288, 20 + 19 * row, f"{name} ({'dashed' if row else 'solid'})", "end", fill=colour))
    return axes.frame("the losses", "epoch", "in °C²", ticks(0, epochs, 4), [10.0**e for e in range(7)]) + axes.inside(
        *parts
    )
