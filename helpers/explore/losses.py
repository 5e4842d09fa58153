"""The shape of a pair of loss curves, by its letter, and the curves of a reader's own runs (sections 8.9 and 10.7)."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from .drawing import BLUE, GREEN, INK, ORANGE, PAPER, Axes, number, picture, text, ticks
from .widget import Exploration, box, menu, slider

SHAPES = {"?": "", "A: training stays high": "A", "B: validation turns up": "B"}
SHAPES |= {"C: both come down together": "C", "D: a gap that stays": "D"}
_WINDOWS = (1, 3, 7, 15, 31, 63, 127)
_STOPS = 200  # places of the epoch slider, and pieces of a drawn line: more the eye does not tell apart


def guess_menu():
    """The menu in which the reader names the shape."""
    return menu("guess", "your name for the shape", SHAPES)


def shape(train: np.ndarray, validation: np.ndarray, floor: float | None, small: float = 0.05) -> tuple[str, str]:
    """The letter of a pair of curves and what it is seen by.

    `floor` is the loss that the noise leaves to any model; without it a low pair cannot be told from a high one, and the
    letter is "A or C". `small` is a difference that does not count, in the unit of the losses.
    """
    last, best, end = float(validation[-1]), float(validation.min()), float(train[-1])
    if floor is None:
        if end > 0.8 * train[0] and best > 0.8 * validation[0]:
            return "A", f"training goes from {loss_text(train[0])} to {loss_text(end)}, neither curve comes down"
    # A model that is too poor stays above the noise with both losses; a few readings it may still learn by heart.
    elif end > 1.5 * floor + 10 * small or (end > 1.2 * floor and 2 * floor < best < end + 1.5 * floor):
        return "A", (
            f"training ends at {loss_text(end)}, validation never comes below {loss_text(best)}; the noise alone leaves "
            f"{loss_text(floor)}"
        )
    if last > 1.25 * best + small:
        turned = f"validation had come down to {loss_text(best)} and has climbed to {loss_text(last)}"
        then = float(train[validation.argmin()])
        if best > 2 * max(then, floor or 0.0) + 10 * small:
            return "B and D", f"{turned}, and even at its best it lay {loss_text(best - then)} above training"
        return "B", turned
    if floor is not None and end < 0.3 * floor and last > floor:
        by_heart = f"less than the {loss_text(floor)} of the noise: it is learned by heart"
        return "B", f"training ends at {loss_text(end)}, {by_heart}"
    if last > 2 * max(end, floor or 0.0) + 10 * small:
        return "D", f"neither curve turns, and {loss_text(last - end)} stay between them"
    if floor is None:
        return "A or C", (
            "the two stay together; whether that is low, C, or still high, A, only a floor can tell: add floor=, the loss "
            "that the noise or a simple model leaves"
        )
    return "C", "both come down, and stay close to what the noise leaves"


def named(guess: str, train: np.ndarray, validation: np.ndarray, floor: float | None, small: float = 0.05) -> str:
    """The answer to the reader's guess."""
    if not guess:
        return "Which shape is it?"
    letter, reason = shape(train, validation, floor, small)
    return f"{letter} it is: {reason}." if guess in letter.split() else f"Not {guess}: {reason}."


def loss_text(value: float) -> str:
    """A loss with two decimals where they say something, below 1 with three digits."""
    if abs(value) < 1:
        return number(value, 3)
    return f"{value:.2f}" if abs(value) < 1e4 else f"{value:.1e}"


def lines(axes: Axes, epochs: np.ndarray, train: np.ndarray, validation: np.ndarray, floor: float | None) -> str:
    """Both curves, a ring around the lowest validation, and the floor: for the inside of the axes."""
    best = int(validation.argmin())
    level = [(x, floor) for x in axes.xlim] if floor else []
    return "".join(
        (
            axes.line(level, GREEN, 1.5, stroke_dasharray="2 4"),
            axes.line(thinned(epochs, train, axes.xlog), BLUE, 2.5),
            axes.line(thinned(epochs, validation, axes.xlog), ORANGE, 2.5, stroke_dasharray="7 4"),
            axes.dots([(epochs[best], validation[best])], "none", 8, stroke=ORANGE, stroke_width=2),
        )
    )


def key(axes: Axes, floor_name: str = "") -> str:
    """What the lines are, around the axes, where no curve can cross the words."""
    right, bottom = axes.x + axes.width, axes.y + axes.height
    words = text(right, axes.y - 26, "training (solid)", "end", fill=BLUE)
    words += text(right, axes.y - 8, "validation (dashed) ○ lowest", "end", fill=ORANGE)
    return words + (text(right, bottom + 36, f"{floor_name} (dotted)", "end", fill=GREEN) if floor_name else "")


# --- losses of the reader's own --------------------------------------------------------------------------------------


def own(train: Mapping | Sequence[float], validation: Sequence[float] | None, floor: float | None) -> Exploration:
    """Losses of one run, or {name: (training losses, validation losses)} of several, as `curves` describes them."""
    losses = train if isinstance(train, Mapping) else {"run": (train, validation)}
    runs = {str(name): _Run(both, floor) for name, both in losses.items()} or {"": _Run((), floor)}
    longest = max(runs.values(), key=lambda run: run.length)
    controls = [menu("run", "run", runs)] if len(runs) > 1 else []
    if longest.length:
        stops = np.unique(np.linspace(1, longest.length, _STOPS).astype(int)).tolist()
        places = sorted({*stops, *(run.best + 1 for run in runs.values() if run.length)})
        controls += [
            slider("epoch", "epoch", {str(k): k for k in places}, str(longest.best + 1), play=True),
            slider("window", "mean over epochs", {str(k): k for k in _WINDOWS if k <= longest.length}, "1"),
            box("ylog", "logarithmic losses", longest.spread > 20),
            box("xlog", "logarithmic epochs", False),
            guess_menu(),
        ]
    only = next(iter(runs.values()))
    alt = "Training and validation loss over the epochs, with a line at one epoch and a mark at the lowest validation."
    return Exploration(alt, controls, lambda run=only, **values: run.draw(**values))


class _Run:
    """One run: both losses up to the first that is no number, or a sentence that says why there is nothing to see."""

    def __init__(self, losses, floor: float | None):
        self.sentence, self.length, self.floor, self.left = "", 0, floor, ""
        try:
            train, validation = _read(losses)
        except ValueError as error:
            self.sentence = f"There are no curves to show: {error}."
            return
        # What is larger than this cannot be drawn, and has left the numbers soon after.
        fine = (np.abs(train) < 1e300) & (np.abs(validation) < 1e300)
        self.length = len(fine) if fine.all() else int(np.argmin(fine))
        if self.length < len(fine):
            self.left = f"In epoch {self.length + 1} the losses have left the numbers"
        if not self.length:
            self.sentence = f"{self.left}: there are no curves to show."
            return
        self.train, self.validation = train[: self.length], validation[: self.length]
        both = np.r_[self.train, self.validation]
        self.best, self.low, self.high = int(self.validation.argmin()), float(both.min()), float(both.max())
        self.spread = self.high / self.low if self.low > 0 else 0.0

    def draw(self, epoch=1, window=1, ylog=False, xlog=False, guess="") -> tuple[str, str]:
        if self.sentence:
            return "", self.sentence
        at = min(epoch, self.length) - 1
        train, validation = smoothed(self.train, window), smoothed(self.validation, window)
        best = int(validation.argmin())
        of = f" (this run ends before {epoch})" if epoch > self.length else ""
        of += f", means over {window} epochs" if window > 1 else ""
        words = [
            f"Epoch {at + 1} of {self.length}{of}: training loss {loss_text(train[at])}, validation loss "
            f"{loss_text(validation[at])}. Validation is lowest, {loss_text(validation[best])}, in epoch {best + 1}."
        ]
        if self.left:
            words.append(f"{self.left}: a smaller learning rate is the first thing to try.")
        if ylog and self.low <= 0:
            words.append("Losses of zero and below have no place on a logarithmic axis.")
        words.append(self._named(guess, train, validation))
        return self._picture(at, train, validation, ylog, xlog), " ".join(words)

    def _named(self, guess: str, train: np.ndarray, validation: np.ndarray) -> str:
        if self.low < 0:
            return "The four shapes are for losses that are never negative."
        if self.left or self.length < 5:
            return (
                "A run that leaves the numbers has no shape." if self.left else "The run is too short to have a shape."
            )
        # In proportion what it is in chapter 8, where the floor is 1.17 °C²; without a floor only rounding is small.
        small = 0.05 / 1.17 * self.floor if self.floor else 1e-9 * self.high
        return named(guess, train, validation, self.floor, small)

    def _picture(self, at: int, train, validation, ylog: bool, xlog: bool) -> str:
        axes, xticks, yticks = self._axes(ylog, xlog)
        epochs = np.arange(1.0, self.length + 1)
        parts = []
        if train is not self.train:
            for raw, colour in ((self.train, BLUE), (self.validation, ORANGE)):
                parts.append(axes.line(thinned(epochs, raw, xlog), colour, 1, stroke_opacity=0.4))
        parts.append(axes.line([(at + 1, y) for y in axes.ylim], INK, 1, stroke_opacity=0.5))
        parts.append(lines(axes, epochs, train, validation, self.floor))
        parts.append(axes.dots([(at + 1, train[at])], BLUE, 5, stroke=PAPER))
        parts.append(axes.dots([(at + 1, validation[at])], ORANGE, 5, stroke=PAPER))
        frame = axes.frame("both curves", "epoch", "loss", xticks, yticks)
        return picture(760, 370, frame, axes.inside(*parts), key(axes, "floor" if self.floor else ""))

    def _axes(self, ylog: bool, xlog: bool) -> tuple[Axes, list[float], list[float]]:
        last = float(max(self.length, 2))
        shown = np.r_[self.train, self.validation, [self.floor] if self.floor else []]
        if ylog:
            positive = shown[shown > 0]
            low, high = (float(positive.min()), float(positive.max())) if positive.size else (0.1, 1.0)
            ylim, yticks = (low / 1.3, high * 1.3), _decades(low / 1.3, high * 1.3)
        else:
            low, high = min(0.0, float(shown.min())), float(shown.max())
            margin = 0.06 * (high - low) or 1.0
            ylim = low - margin * (low < 0), high + margin
            yticks = ticks(*ylim)
        xticks = _decades(1.0, last) if xlog else [t for t in ticks(1.0, last, 8) if t == int(t)]
        return Axes(60, 52, 664, 270, (1.0, last), ylim, xlog, ylog), xticks, yticks


def _read(losses) -> tuple[np.ndarray, np.ndarray]:
    """Training and validation losses of one run, of equal length; ValueError, in words, for what is no run."""
    try:
        train, validation = losses
    except (TypeError, ValueError):
        raise ValueError(f"a run is a pair (training losses, validation losses), not {_brief(losses)}") from None
    train, validation = _numbers(train, "train"), _numbers(validation, "validation")
    if len(train) != len(validation) or not len(train):
        came = f"{len(train)} training losses and {len(validation)} validation losses came"
        raise ValueError(f"{came}, and one of each is due for every epoch")
    return train, validation


def _numbers(values, name: str) -> np.ndarray:
    """Losses of any kind as float64 numbers of shape (N,); ValueError, in words, for what is no row of numbers."""
    if hasattr(values, "detach"):
        values = values.detach()
    try:
        values = values.tolist() if hasattr(values, "tolist") else list(values)
    except TypeError:
        values = None
    if not isinstance(values, list):
        raise ValueError(f"{name} is no list of losses, one for each epoch")
    losses = []
    for k, value in enumerate(values):
        try:
            losses.append(float(value.item() if hasattr(value, "item") else value))
        except (TypeError, ValueError, RuntimeError, OverflowError) as error:
            raise ValueError(f"{name}[{k}] is {_brief(value)}, and a number is due for each epoch") from error
    return np.array(losses)


def _brief(value) -> str:
    written = repr(value)
    return written if len(written) < 60 else written[:57] + "..."


def smoothed(losses: np.ndarray, window: int) -> np.ndarray:
    """The mean over `window` epochs around each one, over fewer near the ends; the losses themselves for one epoch."""
    window = min(window, len(losses) - 1 + len(losses) % 2)  # an odd number of epochs has a middle
    if window <= 1:
        return losses
    ones = np.ones(window)
    return np.convolve(losses, ones, "same") / np.convolve(np.ones(len(losses)), ones, "same")


def thinned(epochs: np.ndarray, losses: np.ndarray, xlog: bool) -> list[tuple[float, float]]:
    """The points of a line; from a long one the lowest and the highest of each piece, so that no peak is lost."""
    if len(losses) <= 2 * _STOPS:
        return list(zip(epochs, losses, strict=True))
    spaced = np.geomspace if xlog else np.linspace
    starts = np.unique(spaced(1, len(losses), _STOPS).astype(int)) - 1
    pieces = np.split(np.arange(len(losses)), starts[1:])
    kept = {int(piece[pick(losses[piece])]) for piece in pieces for pick in (np.argmin, np.argmax)}
    return [(epochs[k], losses[k]) for k in sorted(kept | {len(losses) - 1})]


def _decades(low: float, high: float) -> list[float]:
    """Ticks of a logarithmic axis: even steps over less than a decade, then 1, 2 and 5 of each, then powers of ten."""
    if high < 10 * low:
        return ticks(low, high)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    if last - first <= 3:
        return [m * 10.0**e for e in range(first, last + 1) for m in (1, 2, 5)]
    return [10.0**e for e in range(first, last + 1, max(1, (last - first) // 6))]
