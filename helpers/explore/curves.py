"""Training and validation curves, and what their shape says (chapter 8).

`curves()` fits polynomials to made-up readings; every picture is computed when it is asked for. `curves("sea")` shows
networks trained on the sea temperatures: their runs take minutes, so `python -m helpers.explore.curves` has made them
beforehand and `sea.npz` keeps the losses. `curves(train, validation)` shows losses of the reader's own: see `losses.py`.
"""

import functools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch

from .. import data
from .drawing import BLUE, INK, ORANGE, PAPER, RED, Axes, number, picture, text
from .losses import guess_menu, key, lines, loss_text, named, own
from .widget import Exploration, box, menu, slider


def curves(
    train: str | Mapping | Sequence[float] = "polynomial",
    validation: Sequence[float] | None = None,
    floor: float | None = None,
) -> Exploration:
    """Both curves of a fit, to name their shape; `curves("sea")` does so for networks on the sea temperatures.

    `curves(train, validation)` shows losses of your own, one of each for every epoch from 1 on: lists, arrays or tensors of
    shape (N,). `curves({name: (train, validation)})` shows several runs. `floor` is the loss that the noise leaves to any
    model, in the same unit; with it the shapes A and C can be told apart.
    """
    if floor is not None and not (isinstance(floor, (int, float)) and 0 < floor < math.inf):
        print(f"floor = {floor!r} is no floor: a positive number is due; here is none.")
        floor = None
    if not isinstance(train, str):
        return own(train, validation, floor)
    if train not in ("polynomial", "sea"):
        print(f'{train!r} is no form of curves: "polynomial" or "sea"; here is "polynomial".')
    guess = guess_menu()
    if train == "sea":
        alt = "Training and validation loss of a network on the sea temperatures over a thousand epochs."
        return Exploration(alt, [*(menu(*control) for control in _SEA), guess], _draw_sea)
    controls = [
        slider("degree", "degree", {str(k): k for k in range(11)}, "9"),
        slider("noise", "noise, in °C", {number(k / 2): k / 2 for k in range(13)}, "2"),
        slider("amount", "readings", {str(k): k for k in (6, 9, 12, 15, 18, 24, 30, 45, 60, 90)}, "15"),
        slider("seed", "split seed", {str(k): k for k in range(10)}, "0"),
        menu("held", "held out", _HELD),
        box("early", "stop early"),
        guess,
    ]
    alt = "Left, readings and the fitted polynomial; right, training and validation loss over the epochs."
    return Exploration(alt, controls, _draw_polynomial)


# --- polynomials -----------------------------------------------------------------------------------------------------

_HELD = {"a third": "shade", "a third, read in the sun": "sun"}
_SUN = 5.0  # °C that a thermometer in the sun shows too much
_MILESTONES = np.unique(np.geomspace(1, 1e5, 120).astype(int))  # epochs at which the losses are taken


@functools.cache
def _readings(amount: int, noise: float, seed: int, held: str) -> tuple[np.ndarray, ...]:
    """Made-up readings: t_u, t_c of the training part, then of the part held out; °C = (°F - 32) / 1.8, and noise."""
    generator = np.random.default_rng(7)
    t_u, gaps = generator.uniform(20, 85, 90)[:amount], generator.standard_normal(90)[:amount]
    t_c = (t_u - 32) / 1.8 + noise * gaps
    count = max(2, amount // 3)
    order = np.random.default_rng(seed).permutation(amount)
    out, rest = order[:count], order[count:]
    return t_u[rest], t_c[rest], t_u[out], t_c[out] + (_SUN if held == "sun" else 0.0)


def _features(t_u: np.ndarray, degree: int) -> np.ndarray:
    """Legendre polynomials up to `degree` of t_u, its range from 20 to 85 mapped to -1 to 1."""
    return np.polynomial.legendre.legvander((t_u - 52.5) / 32.5, degree)


def descend(x: np.ndarray, y: np.ndarray, epochs: np.ndarray) -> np.ndarray:
    """Gradient descent from zero on mean((x @ p - y)²): p after each number of epochs, shape (len(epochs), x.shape[1]).

    In the basis of the Hessian's eigenvectors every entry goes its own way, so a hundred thousand epochs need no loop:
    p_k = (1 - (1 - lr·λ)^k) / λ · (that entry of 2 xᵀy / n). The rate is 1 over the largest λ.
    """
    values, vectors = np.linalg.eigh(2 * x.T @ x / len(x))
    values = np.maximum(values, 1e-13 * values[-1])
    rate = 1 / values[-1]
    pull = vectors.T @ (2 * x.T @ y / len(x))
    done = -np.expm1(np.outer(epochs, np.log1p(-np.minimum(rate * values, 1 - 1e-12))))
    return (done / values * pull) @ vectors.T


@functools.lru_cache(maxsize=512)
def _fit(degree: int, noise: float, amount: int, seed: int, held: str) -> tuple[np.ndarray, ...]:
    """Parameters at the milestones, training losses, validation losses."""
    t_u, t_c, out_u, out_c = _readings(amount, noise, seed, held)
    params = descend(_features(t_u, degree), t_c, _MILESTONES)
    train = ((params @ _features(t_u, degree).T - t_c) ** 2).mean(1)
    return params, train, ((params @ _features(out_u, degree).T - out_c) ** 2).mean(1)


def _draw_polynomial(degree, noise, amount, seed, held, early, guess) -> tuple[str, str]:
    params, train, validation = _fit(degree, noise, amount, seed, held)
    best = int(validation.argmin())
    end = best if early else len(_MILESTONES) - 1
    _, _, out_u, _ = readings = _readings(amount, noise, seed, held)
    floor = noise**2, "noise"
    stop = _MILESTONES[best] if early else None
    curve_panel = _curve_panel(440, 300, _MILESTONES, train, validation, floor, 1e3, stop)
    words = (
        f"Degree {degree}, {amount - len(out_u)} readings to train on, {len(out_u)} held out: in epoch {_MILESTONES[end]} "
        f"training loss {loss_text(train[end])}, validation loss {loss_text(validation[end])}. "
        f"Validation was best, {loss_text(validation[best])}, in epoch {_MILESTONES[best]}. "
    )
    words += "Stopped there, the run keeps the weights that did best. " if early else ""
    svg = picture(760, 370, _fit_panel(readings, params[end], degree), curve_panel)
    return svg, words + named(guess, train, validation, noise**2)


def _fit_panel(readings: tuple[np.ndarray, ...], params: np.ndarray, degree: int) -> str:
    t_u, t_c, out_u, out_c = readings
    axes = Axes(40, 52, 320, 270, (18, 87), (-15, 40))
    grid = np.linspace(20, 85, 131)
    frame = axes.frame("readings and fit", "t_u", "t_c, in °C", range(20, 90, 20), range(-10, 41, 10))
    names = text(360, 26, "● to train on", "end", fill=BLUE) + text(360, 44, "○ held out", "end", fill=ORANGE)
    return (
        frame
        + names
        + axes.inside(
            axes.line(list(zip(grid, _features(grid, degree) @ params, strict=True)), RED, 2.5),
            axes.dots(list(zip(t_u, t_c, strict=True)), BLUE, 4.5, stroke=PAPER),
            axes.dots(list(zip(out_u, out_c, strict=True)), PAPER, 4.5, stroke=ORANGE, stroke_width=2.5),
        )
    )


def _curve_panel(
    x: float, width: float, epochs, train, validation, floor: tuple[float, str], top: float, stop=None
) -> str:
    """Both curves over logarithmic axes up to `top` at least; `floor` is a loss and its name, `stop` an epoch."""
    low = min(0.1, max(1e-6, float(min(train.min(), validation.min())) / 2))
    top = max(top, float(max(train.max(), validation.max())))
    ylim = 10.0 ** math.floor(math.log10(low)), 10.0 ** math.ceil(math.log10(top))
    axes = Axes(x, 52, width, 270, (1, float(epochs[-1])), ylim, xlog=True, ylog=True)
    decades = [10.0**e for e in range(-8, 20)]
    every = 1 if ylim[1] / ylim[0] < 1e7 else 3
    frame = axes.frame("both curves", "epoch", "loss, in °C²", decades, decades[8 % every :: every])
    mark = axes.line([(float(stop), y) for y in ylim], INK, 1.5, stroke_opacity=0.6) if stop else ""
    level, name = floor
    return frame + key(axes, name if level else "") + axes.inside(mark, lines(axes, epochs, train, validation, level))


# --- the sea ---------------------------------------------------------------------------------------------------------

_RUNS = Path(__file__).with_name("sea.npz")
_SEA_EPOCHS = np.unique(np.geomspace(1, 1000, 90).astype(int))
_WARM = (1983, 1987, 1997, 1998)  # four years of El Niño
_SEA = (
    ("amount", "readings to train on", {"40": 40, "80": 80, "160": 160, "all (366, or 300 before 1975)": 366}),
    ("width", "model", {"line": (), "16": (16,), "64, 64": (64, 64)}, "64, 64"),
    ("inputs", "input", {"month": ("month",), "year": ("year",), "both": ("month", "year")}, "both"),
    ("lr", "Adam's rate", {"0.01": 0.01, "0.001": 0.001}),
    ("split", "split", {"seed 0": 0, "seed 1": 1, "seed 2": 2, "before 1975 | El Niño years": "warm"}),
)


def sea_run(amount: int, width: tuple, inputs: tuple, lr: float, split: int | str) -> tuple[np.ndarray, np.ndarray]:
    """Train a tanh network with Adam for 1000 epochs: training and validation losses in °C² at `_SEA_EPOCHS`.

    Half of the 732 months are held out; with split "warm" the four years of El Niño are, and the rest is before 1975.
    Inputs and target are standardised by the training part.
    """
    year, month, temperature = data.elnino()
    generator = torch.Generator().manual_seed(0 if split == "warm" else split)
    if split == "warm":
        early = np.flatnonzero(year < 1975)
        rest, out = early[torch.randperm(len(early), generator=generator).numpy()], np.isin(year, _WARM).nonzero()[0]
    else:
        order = torch.randperm(732, generator=generator).numpy()
        rest, out = order[:366], order[366:]
    rest = rest[:amount]
    columns = [{"month": month, "year": year}[name] for name in inputs]
    x = torch.tensor(np.stack(columns, 1), dtype=torch.float32)
    y = torch.tensor(temperature, dtype=torch.float32)[:, None]
    x, scale = (x - x[rest].mean(0)) / x[rest].std(0), y[rest].std()
    y = (y - y[rest].mean()) / scale
    torch.manual_seed(0)
    sizes = (x.shape[1], *width)
    layers = [
        layer for a, b in zip(sizes, sizes[1:], strict=False) for layer in (torch.nn.Linear(a, b), torch.nn.Tanh())
    ]
    model = torch.nn.Sequential(*layers, torch.nn.Linear(sizes[-1], 1))
    return _sea_losses(model, torch.optim.Adam(model.parameters(), lr=lr), x[rest], y[rest], x[out], y[out], scale**2)


def _sea_losses(model, opt, x, y, out_x, out_y, unit) -> tuple[np.ndarray, np.ndarray]:
    milestones, train, validation = set(_SEA_EPOCHS.tolist()), [], []
    for epoch in range(1, 1001):
        opt.zero_grad()
        loss = ((model(x) - y) ** 2).mean()
        loss.backward()
        if epoch in milestones:
            with torch.no_grad():
                validation.append((((model(out_x) - out_y) ** 2).mean() * unit).item())
            train.append((loss.detach() * unit).item())
        opt.step()
    return np.array(train), np.array(validation)


def _sea_key(*setting) -> str:
    return " ".join(str(part) for part in setting)


@functools.cache
def _sea_runs() -> dict[str, np.ndarray]:
    with np.load(_RUNS) as file:
        return dict(zip(file["keys"].tolist(), file["losses"].astype(float), strict=True))


@functools.cache
def _months_leave() -> float:
    """What the months' own means leave of the temperature's variance, in °C²: no model of the month does much better."""
    _, month, temperature = data.elnino()
    return float(np.mean([(temperature[month == m] - temperature[month == m].mean()) ** 2 for m in range(12)]))


def _draw_sea(amount, width, inputs, lr, split, guess) -> tuple[str, str]:
    train, validation = _sea_runs()[_sea_key(amount, width, inputs, lr, split)]
    best, floor = int(validation.argmin()), _months_leave()
    panel = _curve_panel(60, 660, _SEA_EPOCHS, train, validation, (floor, "the months' means"), 1e2)
    words = (
        f"In epoch 1000 training loss {loss_text(train[-1])}, validation loss {loss_text(validation[-1])}. Validation was best, "
        f"{loss_text(validation[best])}, in epoch {_SEA_EPOCHS[best]}. The months' means leave {loss_text(floor)}. "
    )
    return picture(760, 370, panel), words + named(guess, train, validation, floor)


def main() -> None:
    """Train all networks that `curves("sea")` shows and keep their losses; some ten minutes."""
    settings = [()]
    for _, _, options, *_ in _SEA:
        settings = [(*setting, value) for setting in settings for value in options.values()]
    losses = []
    for count, setting in enumerate(settings, start=1):
        losses.append(sea_run(*setting))
        print(f"\r{count} of {len(settings)} runs", end="", flush=True)
    temporary = _RUNS.with_suffix(".part.npz")
    np.savez_compressed(temporary, keys=[_sea_key(*s) for s in settings], losses=np.array(losses, np.float32))
    temporary.replace(_RUNS)
    print(f"\nwritten: {_RUNS}")


if __name__ == "__main__":
    main()
