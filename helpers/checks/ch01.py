"""Chapter 1: the loss, the central difference, the gradient by hand, the limit of the rate, the loop, the way back to raw units."""

import math

import numpy as np
import torch

from ..thermometer import loss_fn, loss_gradient, t_u
from .exercise import Exercise, Wrong
from .record import calls, close, numbers, short, trial
from .symptoms import COARSE, SIGN, SUM, TOUCHED, TWO, factor, raises, when

# --- 1.1 the loss -----------------------------------------------------------------------------------------------


def _pairs(draw):
    """Predictions and temperatures of 1 to 12 days; one pair also exchanged, one also shifted, and one without any gap."""
    lengths = (3, 1, 11, draw.whole(2, 6), draw.whole(7, 12))
    cases = [(draw.tensor(n, scale=9), draw.tensor(n, scale=9)) for n in lengths]
    t_p, t_c = cases[0]
    watched = t_p.clone().requires_grad_()  # so that a result that was taken out of the calculation shows
    return [*cases, (t_c, t_p), (t_p + 1, t_c + 1), (t_c, t_c.clone()), (watched, t_c)]


THE_LOSS = Exercise(
    id="1.1",
    title="The loss",
    reference=loss_fn,
    hints=(
        "Three operations on whole tensors, no loop: the difference first.",
        "Square the difference with `** 2`; the mean comes last.",
        "`((t_p - t_c) ** 2).mean()`",
    ),
    probe=calls(_pairs, "t_p, t_c"),
    wrong=(
        Wrong(SUM, "M02", lambda p, c: ((p - c) ** 2).sum()),
        Wrong("Doubling every gap doubles your loss; it should quadruple.", None, lambda p, c: (p - c).abs().mean()),
        Wrong("Gaps of +1 and -1 cancel in your loss.", None, lambda p, c: (p - c).mean() ** 2),
        Wrong("Gaps of +1 and -1 cancel in your loss.", None, lambda p, c: (p - c).mean()),
        Wrong("Your value squared is the one due.", None, lambda p, c: ((p - c) ** 2).mean().sqrt()),
        Wrong(
            "Adding 1 to prediction and target alike changes your loss; it must not.",
            None,
            lambda p, c: (p**2 - c**2).mean(),
        ),
        Wrong(
            "Exactly half: some books put ½ in front, this course does not.",
            None,
            lambda p, c: ((p - c) ** 2).mean() / 2,
        ),
        Wrong("Right for eleven readings only.", "M02", lambda p, c: ((p - c) ** 2).sum() / 11),
        Wrong(
            "A Python number cannot be differentiated later: return the tensor.",
            "M22",
            lambda p, c: ((p - c) ** 2).mean().item(),
        ),
        Wrong(
            "You divide by one less than the number of readings.",
            None,
            lambda p, c: ((p - c) ** 2).sum() / (len(p) - 1),
        ),
        Wrong("The largest gap is not the only one that counts.", None, lambda p, c: ((p - c) ** 2).max()),
    ),
    symptoms=(
        when(lambda f: any(s["changed"] for s in f.seen), TOUCHED, "M49"),
        when(
            lambda f: f.kind == "type" and "number" in f.record["value"],
            "A Python number cannot be differentiated later: return the tensor.",
            "M22",
        ),
        when(
            lambda f: f.kind == "tracked",
            "Right, but taken out of the calculation (by `detach` or `torch.tensor`): it cannot be differentiated later.",
            "M12",
        ),
        when(
            lambda f: f.kind == "shape" and all(s["value"]["shape"] == [1] for s in f.seen),
            "One number in a list came: a loss is a number alone, without dimensions.",
        ),
        when(lambda f: f.kind == "shape", "A loss is one number; you returned N."),
        when(
            lambda f: f.kind == "dtype",
            "A float32 came, which keeps only 7 digits: take the mean of the tensor itself, without `torch.tensor(…)`.",
        ),
        when(
            lambda f: any(n < 0 for s in f.seen for n in numbers(s["value"])),
            "A squared gap is never negative, and your loss is.",
        ),
    ),
)


# --- 1.2 central difference -------------------------------------------------------------------------------------


def central_difference(f, x, h=1e-5):
    return (f(x + h) - f(x - h)) / (2 * h)


def cubic(x):
    return x * x * x - 2 * x


def falling(x):
    return math.exp(-x)


STEPS = (0.1, 0.01, 1e-3, 1e-5)


def _differences(answer, draw):
    """Four functions at random points, each with four steps and with none given; how often f is called is recorded."""
    for f in (math.sin, math.exp, cubic, falling):
        x = round(draw.number(0.5, 2.5), 3)
        for step in (*STEPS, None):
            count = []

            def counted(x, f=f, count=count):
                count.append(x)
                return f(x)

            args = (counted, x) if step is None else (counted, x, step)
            tried = f"f={f.__name__}, x={x:g}" + ("" if step is None else f", h={step:g}")
            kinds = []

            def call(*args, kinds=kinds):
                result = answer(*args)
                kinds.append(getattr(result, "dtype", None))
                return _number(result)

            seen = trial(tried, call, *args, after=lambda count=count: len(count))
            at = [v for v in map(_number, count) if isinstance(v, float)]
            wide = 1e-5 if step is None else step
            yield {**seen, "notes": {"at": at, "due at": [x - wide, x + wide], "short": kinds == [torch.float32]}}


def _number(x):
    return float(x) if isinstance(x, torch.Tensor) and x.dim() == 0 or isinstance(x, np.number) else x


def _same_place(facts):
    """With one step, all four functions are evaluated at the same points, though x differs."""
    places = [s["notes"]["at"] for s in facts.seen[::5]]
    return bool(places[0]) and all(place == places[0] for place in places)


def _only_the_default(facts):
    """Right wherever h is given, which is in four trials of five."""
    return all(kind is None or k % 5 == 4 for k, kind in enumerate(facts.kinds))


def _elsewhere(facts):
    """Is f asked for a value that is neither at x + h nor at x - h?"""
    return any(
        not any(close(at, due, 1e-6, 1e-6) for due in s["notes"]["due at"])
        for s in facts.seen
        for at in s["notes"]["at"]
    )


def _same_for_all_steps(facts):
    return facts.kind == "value" and all(
        len({numbers(s["value"])[0] for s in facts.seen[k : k + 4]}) == 1 for k in range(0, len(facts.seen), 5)
    )


def _noisy(facts):
    """Is even the slope that should be best (h = 1e-5) off by more than a good step explains?"""
    return any(
        not close(numbers(facts.seen[k]["value"])[0], numbers(facts.due[k]["value"])[0], 1e-6, 1e-7)
        for k in range(3, len(facts.seen), 5)
    )


def _float32(f, x, h=1e-5):
    x, h = np.float32(x), np.float32(h)
    return (f(x + h) - f(x - h)) / (2 * h)


def _right_but_for_the_smallest(facts):
    """Good to three digits for large steps, and not for h = 1e-5."""
    pairs = [(numbers(s["value"])[0], numbers(d["value"])[0]) for s, d in zip(facts.seen, facts.due, strict=True)]
    return all(close(a, b, 1e-3, 1e-3) for k in range(0, len(pairs), 5) for a, b in pairs[k : k + 2]) and _noisy(facts)


CENTRAL_DIFFERENCE = Exercise(
    id="1.2",
    title="Central difference",
    reference=central_difference,
    hints=(
        "One step to the right, `f(x + h)`, and one to the left, `f(x - h)`.",
        "The two points are `2 * h` apart: the rise from left to right is divided by that, in parentheses.",
        "`(f(x + h) - f(x - h)) / (2 * h)`",
    ),
    probe=_differences,
    rtol=1e-8,
    atol=1e-8,
    wrong=(
        Wrong(
            "Your error shrinks with h, not with h²: you only look to one side.",
            "M01",
            lambda f, x, h=1e-5: (f(x + h) - f(x)) / h,
        ),
        Wrong(
            "Twice the slope: how far apart are your two points?", None, lambda f, x, h=1e-5: (f(x + h) - f(x - h)) / h
        ),
        Wrong("One side only, the left one.", "M01", lambda f, x, h=1e-5: (f(x) - f(x - h)) / h),
        Wrong("You subtract right from left.", None, lambda f, x, h=1e-5: (f(x - h) - f(x + h)) / (2 * h)),
        Wrong(
            "A rise is a difference: subtract the two values.",
            None,
            lambda f, x, h=1e-5: (f(x + h) + f(x - h)) / (2 * h),
        ),
        Wrong("Your value shrinks with h: it is a rise, not a slope.", None, lambda f, x, h=1e-5: f(x + h) - f(x - h)),
        Wrong("Your value shrinks with h: it is a rise, not a slope.", None, lambda f, x, h=1e-5: f(x + h) - f(x)),
        Wrong(
            "Your value shrinks with h: it is a rise, not a slope.",
            None,
            lambda f, x, h=1e-5: (f(x + h) - f(x - h)) / 2,
        ),
        Wrong(
            "`/ 2 * h` divides by 2 and multiplies by h: put `2 * h` in parentheses.",
            None,
            lambda f, x, h=1e-5: (f(x + h) - f(x - h)) / 2 * h,
        ),
        Wrong(
            "Only the second value is divided: put the difference in parentheses.",
            None,
            lambda f, x, h=1e-5: f(x + h) - f(x - h) / (2 * h),
        ),
        Wrong(
            "A falling function must give a negative slope.",
            None,
            lambda f, x, h=1e-5: abs(f(x + h) - f(x - h)) / (2 * h),
        ),
        Wrong(
            "Half of the slope: both of your points lie on one side, h apart.",
            None,
            lambda f, x, h=1e-5: (f(x + h) - f(x)) / (2 * h),
        ),
        Wrong(
            "Twice the distance: your points lie h/2 from x, or your divisor is not how far apart they are.",
            None,
            lambda f, x, h=1e-5: (f(x + h / 2) - f(x - h / 2)) / (2 * h),
        ),
        Wrong(
            "A good slope, from points h/2 away: `h` is the distance to each side.",
            None,
            lambda f, x, h=1e-5: (f(x + h / 2) - f(x - h / 2)) / h,
        ),
        Wrong(COARSE, "M01", _float32),
    ),
    symptoms=(
        raises("required positional argument", "`h` needs its default: `h=1e-5`."),
        raises("takes 2 positional arguments but 3", "The step is the third argument: `h=1e-5`."),
        when(
            lambda f: all(s["notes"]["short"] for s in f.seen),
            "`torch.tensor` keeps 7 digits only: return the number itself.",
        ),
        when(_only_the_default, "Right where `h` is given; the default is to be 1e-5."),
        when(_same_place, "x is not used: you measure at the same place whatever x is."),
        when(
            lambda f: f.kind == "after" or {s["after"].get("number") for s in f.seen} - {2},
            "f is to be evaluated twice, at x + h and at x - h.",
        ),
        when(
            lambda f: _same_for_all_steps(f) and _noisy(f),
            "The rounding of f is divided by your tiny h.",
            "M01",
        ),
        when(_same_for_all_steps, "Changing h changes nothing: the argument is not used."),
        when(_elsewhere, "f is to be evaluated at x + h and at x - h; yours asks for other points."),
        factor(2.0, "Twice the slope: how far apart are your two points?"),
        when(_right_but_for_the_smallest, COARSE, "M01"),
    ),
)


# --- 1.3 the gradient by hand -----------------------------------------------------------------------------------


def _lines(draw):
    """Random readings (N = 1 to 12) about 3, temperatures, and a line; the start of the course among them.

    The last temperatures are so large that of a rise measured with a small step nothing is left, in float64 as well.
    """
    lengths = (5, 1, 11, draw.whole(2, 6), draw.whole(7, 12))
    data = [(draw.tensor(n) + 3, draw.tensor(n, scale=5)) for n in lengths]
    large = (draw.tensor(4) + 3, draw.tensor(4, scale=1e9), 1.0, 0.0)
    return [(*data[0], 1.0, 0.0), *((*pair, draw.number(), draw.number(-5, 5)) for pair in data), large]


def _gradients(answer, draw):
    """As `calls`, but a float32 result is read as float64: `torch.tensor([dw, db])` is as good as `torch.stack`."""

    def double(*args):
        out = answer(*args)
        return out.double() if isinstance(out, torch.Tensor) and out.dtype == torch.float32 else out

    yield from calls(_lines, "t_u, t_c, w, b")(double, draw)


def _of(dw, db=lambda d, x, y: (2 * d).mean()):
    """A wrong gradient from the formulas of its two entries, in d = t_p - t_c, x = t_u and y = t_c."""

    def answer(t_u, t_c, w, b):
        d = w * t_u + b - t_c
        return torch.stack([dw(d, t_u, t_c), db(d, t_u, t_c)])

    return answer


def _right_dw(d, x, y):
    return (2 * d * x).mean()


def _in_float32(t_u, t_c, w, b, h=1e-3):
    t_u, t_c = t_u.float(), t_c.float()

    def at(w, b):
        return loss_fn(w * t_u + b, t_c)

    return torch.stack([(at(w + h, b) - at(w, b)) / h, (at(w, b + h) - at(w, b)) / h]).double()


def _entry_agrees(facts, entry):
    return all(
        close(numbers(s["value"])[entry], numbers(d["value"])[entry], 1e-6, 1e-8)
        for s, d in zip(facts.seen, facts.due, strict=True)
    )


def _entries_coarse(facts):
    """A finite difference: within a few percent of the size of the gradient but for the large temperatures."""
    return facts.kind == "value" and all(
        abs(a - b) <= 0.03 * (1 + max(map(abs, numbers(d["value"]))))
        for s, d in list(zip(facts.seen, facts.due, strict=True))[:-3]
        for a, b in zip(numbers(s["value"]), numbers(d["value"]), strict=True)
    )


def _only_the_large(facts):
    """Right but for the large temperatures, which leave nothing of a small step."""
    return facts.kind == "value" and not any(facts.kinds[:-3])


def _only_at_the_start(facts):
    """The first case, w = 1 and b = 0, and none of the others."""
    return not any(facts.kinds[:3]) and facts.kinds[3] == "value"


HALF = "dL/d{} is half of what is due."
QUADRATIC = "Your value is quadratic in the error, it should be linear."

GRADIENT_BY_HAND = Exercise(
    id="1.3",
    title="The gradient by hand",
    reference=loss_gradient,
    hints=(
        "Begin with `diff`, the prediction minus `t_c`. Each of the two slopes is one line.",
        "Three links for `w`: the square gives `2 * diff`, the difference gives 1, the line gives `t_u`. For `b` the line gives 1.",
        "The mean comes last, once for each slope; `torch.stack([dw, db])` makes one tensor of both.",
    ),
    probe=_gradients,
    wrong=(
        Wrong(SUM, "M02", _of(lambda d, x, y: (2 * d * x).sum(), lambda d, x, y: (2 * d).sum())),
        Wrong(TWO, None, _of(lambda d, x, y: (d * x).mean(), lambda d, x, y: d.mean())),
        Wrong(SIGN, None, _of(lambda d, x, y: (-2 * d * x).mean(), lambda d, x, y: (-2 * d).mean())),
        Wrong(HALF.format("w"), None, _of(lambda d, x, y: (d * x).mean())),
        Wrong(HALF.format("b"), None, _of(_right_dw, lambda d, x, y: d.mean())),
        Wrong(QUADRATIC, None, _of(lambda d, x, y: (2 * d**2 * x).mean(), lambda d, x, y: (2 * d**2).mean())),
        Wrong(QUADRATIC, None, _of(lambda d, x, y: (d**2 * x).mean(), lambda d, x, y: (d**2).mean())),
        Wrong(QUADRATIC, None, _of(lambda d, x, y: (2 * d**2 * x).mean())),
        Wrong(
            "Your two entries are equal: where does `t_u` enter the slope for w?",
            None,
            _of(lambda d, x, y: (2 * d).mean()),
        ),
        Wrong("dL/db is multiplied by `t_u`: b is not.", None, _of(_right_dw, _right_dw)),
        Wrong("The two entries are exchanged: w first.", None, _of(lambda d, x, y: (2 * d).mean(), _right_dw)),
        Wrong(
            "A product of means is not the mean of products: multiply first.",
            None,
            _of(lambda d, x, y: 2 * d.mean() * x.mean()),
        ),
        Wrong("The inner derivative of w·t_u is not t_c.", None, _of(lambda d, x, y: (2 * d * y).mean())),
        Wrong(
            "The line's slope in w is t_u, not the prediction.",
            None,
            lambda t_u, t_c, w, b: (
                loss_gradient(t_u, t_c, w, b) * torch.tensor([0.0, 1.0], dtype=t_u.dtype)
                + torch.stack([(2 * (w * t_u + b - t_c) * (w * t_u + b)).mean(), 0 * t_u.mean()])
            ),
        ),
        Wrong(
            "The line's slope in w is t_u: the w itself is gone.",
            None,
            lambda t_u, t_c, w, b: loss_gradient(t_u, t_c, w, b) * torch.tensor([w, 1.0], dtype=t_u.dtype),
        ),
        Wrong(COARSE, "M01", _in_float32),
        Wrong(
            "Right at the start point only: w and b are not used.",
            None,
            lambda t_u, t_c, w, b: loss_gradient(t_u, t_c, 1.0, 0.0),
        ),
        Wrong("b is missing from your prediction.", None, lambda t_u, t_c, w, b: loss_gradient(t_u, t_c, w, 0.0)),
        Wrong(
            "Right for eleven readings only: take the mean over as many as there are.",
            "M02",
            _of(lambda d, x, y: (2 * d * x).sum() / 11, lambda d, x, y: (2 * d).sum() / 11),
        ),
        Wrong(
            "dL/dw is N times what is due, dL/db is right: the mean belongs to both.",
            "M02",
            _of(lambda d, x, y: (2 * d * x).sum()),
        ),
        Wrong(
            "dL/db is N times what is due, dL/dw is right: the mean belongs to both.",
            "M02",
            _of(_right_dw, lambda d, x, y: (2 * d).sum()),
        ),
        Wrong(
            "These are the slopes of one reading: take the mean over all.",
            None,
            _of(lambda d, x, y: 2 * d[0] * x[0], lambda d, x, y: 2 * d[0]),
        ),
    ),
    symptoms=(
        when(
            lambda f: f.kind == "type" and {"tuple", "list"} & f.record["value"].keys(),
            "Two separate numbers: make one tensor of them with `torch.stack([dw, db])`.",
        ),
        when(
            lambda f: f.kind == "shape" and f.wanted["size"] in f.record["value"]["shape"] and f.wanted["size"] != 2,
            "One slope for each reading came: the loss is a mean, so take the mean over the readings.",
            "M02",
        ),
        when(
            lambda f: f.kind == "shape" and f.record["value"]["shape"] == [],
            "One number came: a gradient has one entry for each parameter.",
        ),
        when(
            lambda f: f.kind == "value" and len({str(s["value"]) for s in f.seen}) == 1,
            "The same answer for every input: use the arguments.",
        ),
        when(lambda f: f.kind == "type", "A tensor is due: make one of both slopes with `torch.stack([dw, db])`."),
        when(_only_the_large, COARSE, "M01"),
        when(_only_at_the_start, "Right at the start point only: w and b are not used."),
        when(lambda f: not _entry_agrees(f, 0) and _entries_coarse(f), COARSE, "M01"),
        when(
            lambda f: f.kind == "value" and _entry_agrees(f, 1),
            "dL/db is right, dL/dw is not: follow the three links of w once more.",
        ),
        when(
            lambda f: f.kind == "value" and _entry_agrees(f, 0),
            "dL/dw is right, dL/db is not: the line's slope in b is 1.",
        ),
    ),
)


# --- 1.4 explain a blow-up with a number ------------------------------------------------------------------------


def _mean_square(readings):
    return (readings.double() ** 2).mean().item()


RATE_LIMIT = Exercise(
    id="1.4",
    title="Explain a blow-up with a number",
    reference=lambda: 1 / _mean_square(t_u),
    hints=(
        "In the slope mean(2·(w·t_u - t_c)·t_u), only w·t_u depends on w. What is multiplied by w?",
        "k is twice the mean of `t_u**2`: square each reading first, then take the mean.",
        "`2 / (2 * (t_u**2).mean())`",
    ),
    wrong=(
        Wrong(
            "That is 1/k: the step that lands in the minimum. The limit is twice that.",
            None,
            lambda: 0.5 / _mean_square(t_u),
        ),
        Wrong(
            "Twice the limit: k is twice the mean of the squares, the square leaves a factor 2.",
            None,
            lambda: 2 / _mean_square(t_u),
        ),
        Wrong("That is for `t_un`.", None, lambda: 100 / _mean_square(t_u)),
        Wrong("The mean of the readings, not of their squares.", None, lambda: 1 / t_u.mean().item()),
        Wrong("Squaring after averaging loses the spread.", None, lambda: 1 / t_u.mean().item() ** 2),
        Wrong("With this one the loss was inf in epoch 11.", "M76", 1e-2),
        Wrong("That holds for standardised readings.", None, 1.0),
        Wrong("Too small by N: the loss is a mean.", "M02", lambda: 1 / _mean_square(t_u) / 11),
        Wrong("That is k itself.", None, lambda: 2 * _mean_square(t_u)),
        Wrong("That is the mean of the squares, half of k: the limit is 2 / k.", None, lambda: _mean_square(t_u)),
        Wrong(
            "You used the gradient at the start; the limit depends on how the gradient changes.",
            None,
            lambda: 2 / 4517.2966,
        ),
        Wrong("A learning rate is positive: the sign is lost.", None, lambda: -1 / _mean_square(t_u)),
        Wrong("This one is stable, and a larger one still is: the edge is asked for.", None, 3e-4),
        Wrong("This one is stable, and a larger one still is: the edge is asked for.", None, 1e-4),
        Wrong("With this one the steps grow already.", "M76", 4e-4),
        Wrong("With this one the steps grow already.", "M76", 3.5e-4),
    ),
)


# --- 1.5 find the bug: the loop ---------------------------------------------------------------------------------


def train(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        dw, db = loss_gradient(t_u, t_c, w, b)
        w, b = w - lr * dw, b - lr * db
    return w, b


def _two_numbers(out):
    """Two numbers however they are held: floats, 0-d tensors, a list, a tensor of two."""
    if isinstance(out, torch.Tensor | np.ndarray) and out.shape == (2,):
        out = tuple(out)
    if isinstance(out, (tuple, list)):
        return tuple(_number(x) for x in out)
    return out


def _runs(answer, draw):
    """Two data sets, each with 1, 2, 50, 0 epochs and with a rate of zero."""
    for n in (draw.whole(4, 7), draw.whole(8, 12)):
        t_u, t_c = draw.tensor(n) + 0.5, draw.tensor(n, scale=3) + 1
        w, b = round(draw.number(1.0, 2.0), 2), round(draw.number(-1.0, 1.0), 2)
        for n_epochs, lr in ((1, 0.1), (2, 0.1), (50, 0.1), (3, 0.0), (0, 0.1)):
            args = (n_epochs, lr, w, b, t_u, t_c)
            names = ("n_epochs", "lr", "w", "b", "t_u", "t_c")
            tried = ", ".join(f"{name}={short(a)}" for name, a in zip(names, args, strict=True))
            yield trial(tried, lambda *a: _two_numbers(answer(*a)), *args, size=n)


def _loop(step, gradient=loss_gradient, epochs=range):
    """A wrong loop from its parts: `step(w, b, dw, db, lr, n)` to the next (w, b)."""

    def answer(n_epochs, lr, w, b, t_u, t_c):
        for _ in epochs(n_epochs):
            w, b = step(w, b, *gradient(t_u, t_c, w, b), lr, len(t_u))
        return w, b

    return answer


def _step(w, b, dw, db, lr, n):
    return w - lr * dw, b - lr * db


def _b_sees_the_new_w(sign, sign_b=None):
    def answer(n_epochs, lr, w, b, t_u, t_c):
        for _ in range(n_epochs):
            w = w + sign * lr * loss_gradient(t_u, t_c, w, b)[0]
            b = b + (sign if sign_b is None else sign_b) * lr * loss_gradient(t_u, t_c, w, b)[1]
        return w, b

    return answer


def _gradient_once(n_epochs, lr, w, b, t_u, t_c):
    dw, db = loss_gradient(t_u, t_c, w, b)
    for _ in range(n_epochs):
        w, b = w - lr * dw, b - lr * db
    return w, b


def _returns_at_once(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        dw, db = loss_gradient(t_u, t_c, w, b)
        return w - lr * dw, b - lr * db


def _moves_without_rate(facts):
    return any(facts.kinds[k] == "value" for k in (3, 8))


def _one_of_two(facts):
    """A single number, which is one of the two parameters after no epoch at all."""
    came, due = numbers(facts.seen[4]["value"]), numbers(facts.due[4]["value"])
    return facts.kind == "type" and len(came) == 1 and any(close(came[0], part, 1e-9, 1e-12) for part in due)


def _stands_still(facts):
    """After any number of epochs the same as after none."""
    return all(s["value"] == facts.due[4 + k - k % 5]["value"] for k, s in enumerate(facts.seen))


def _same_after_one(facts):
    """Two and fifty epochs give what one gives."""
    return all(
        close(a, c, 1e-9, 1e-12)
        for k in (0, 5)
        for later in (1, 2)
        for a, c in zip(numbers(facts.seen[k + later]["value"]), numbers(facts.seen[k]["value"]), strict=True)
    )


def _one_step_right_for(facts, entry):
    return all(
        close(numbers(facts.seen[k]["value"])[entry], numbers(facts.due[k]["value"])[entry], 1e-6, 1e-8) for k in (0, 5)
    )


UPHILL = "The loss grows from the first step: you walk uphill."
NEW_W = "One step: w right, b not. b saw the new w."

TRAIN = Exercise(
    id="1.5",
    title="Find the bug: the loop",
    reference=train,
    hints=(
        "Run one epoch on paper: in which direction does each parameter move, and is that downhill?",
        "Both slopes belong to the same line. Which `w` does the gradient of `b` see?",
        "Compute `dw` and `db` first; only then change `w` and `b`, each with `- lr *`.",
    ),
    probe=_runs,
    wrong=(
        Wrong(UPHILL, "M76", _b_sees_the_new_w(+1)),
        Wrong(UPHILL, "M76", _loop(lambda w, b, dw, db, lr, n: (w + lr * dw, b + lr * db))),
        Wrong("w walks downhill, b uphill.", "M76", _loop(lambda w, b, dw, db, lr, n: (w - lr * dw, b + lr * db))),
        Wrong("b walks downhill, w uphill.", "M76", _loop(lambda w, b, dw, db, lr, n: (w + lr * dw, b - lr * db))),
        Wrong(NEW_W, None, _b_sees_the_new_w(-1)),
        Wrong("w walks downhill, b uphill. And b saw the new w.", "M76", _b_sees_the_new_w(-1, +1)),
        Wrong("b walks downhill, w uphill. And b saw the new w.", "M76", _b_sees_the_new_w(+1, -1)),
        Wrong("From the second epoch on you repeat the first step.", "M33", _gradient_once),
        Wrong("n_epochs = 0 must return what came in.", None, _loop(_step, epochs=lambda n: range(n + 1))),
        Wrong(
            "One epoch too few: after n_epochs = 1 nothing has moved.", None, _loop(_step, epochs=lambda n: range(1, n))
        ),
        Wrong("More epochs change nothing.", None, _returns_at_once),
        Wrong("b never moves.", None, _loop(lambda w, b, dw, db, lr, n: (w - lr * dw, b))),
        Wrong("w never moves.", None, _loop(lambda w, b, dw, db, lr, n: (w, b - lr * db))),
        Wrong(
            "Your step is N times too short.",
            "M02",
            _loop(lambda w, b, dw, db, lr, n: (w - lr * dw / n, b - lr * db / n)),
        ),
        Wrong(
            "Your step is N times too long: the loss is a mean.",
            "M02",
            _loop(lambda w, b, dw, db, lr, n: (w - lr * dw * n, b - lr * db * n)),
        ),
        Wrong(
            "Your step is half as long as it should be: the square's factor 2 is missing.",
            None,
            _loop(lambda w, b, dw, db, lr, n: (w - lr * dw / 2, b - lr * db / 2)),
        ),
        Wrong("The two are exchanged: w first.", None, lambda *a: train(*a)[::-1]),
        Wrong(
            "You return the last gradient; the parameters are due.",
            None,
            lambda n, lr, w, b, u, c: tuple(loss_gradient(u, c, *train(n, lr, w, b, u, c))),
        ),
    ),
    symptoms=(
        raises("UnboundLocalError", "A variable is used before it has a value: what is there when n_epochs is 0?"),
        when(_one_of_two, "Two parameters are due, and one came: `return w, b`."),
        when(
            lambda f: (
                f.kind == "type" and ({"number"} & f.record["value"].keys() or f.record["value"].get("shape") == [])
            ),
            "Two parameters are due, you return the loss.",
        ),
        when(
            lambda f: f.kind in ("type", "shape") and all("tensor" in part for part in f.record["value"]["tuple"]),
            "Each parameter is one number, and yours are as long as the data: is the mean missing?",
            "M02",
        ),
        when(lambda f: f.kind in ("type", "shape"), "Two parameters are due: `return w, b`."),
        when(_moves_without_rate, "lr = 0 still moves the parameters."),
        when(_stands_still, "The parameters are what they were: the new values are not kept."),
        when(_same_after_one, "More epochs change nothing."),
        when(lambda f: _one_step_right_for(f, 0) and not _one_step_right_for(f, 1), "One step: w right, b not."),
        when(
            lambda f: _one_step_right_for(f, 1) and not _one_step_right_for(f, 0),
            "One step: b right, w not. Both slopes belong to the same line.",
        ),
    ),
)


# --- 1.6 back to raw units --------------------------------------------------------------------------------------


def raw_params(w_z, b_z, mean, std):
    return w_z / std, b_z - w_z / std * mean


def _standardised(answer, draw):
    cases = [(9.0349, 10.5, 51.8, 16.8319)]
    cases += [tuple(round(draw.number(*ends), 2) for ends in ((-6, 9), (-9, 9), (-20, 60), (0.3, 9))) for _ in range(4)]
    for args in cases:
        tried = ", ".join(f"{name}={short(a)}" for name, a in zip(("w_z", "b_z", "mean", "std"), args, strict=True))
        record = trial(tried, lambda *a: _two_numbers(answer(*a)), *args)
        yield {**record, "notes": args[0] * args[3]}


def _std_multiplies(facts):
    """The slope is w_z * std (the probe's note) in every trial, whatever b is."""
    return all(close(numbers(s["value"])[0], s["notes"], 1e-6, 1e-8) for s in facts.seen)


PER_STD = "Slope per standard deviation, not per unit."
IN_DEGREES = "b is already in °C."

RAW_PARAMS = Exercise(
    id="1.6",
    title="Back to raw units",
    reference=raw_params,
    hints=(
        "Insert the standardised reading into the line: w_z · (t_u - mean) / std + b_z.",
        "Multiply out and collect: what multiplies `t_u` is `w`, everything else is `b`.",
        "`w` is `w_z / std`; from `b_z`, take away `w * mean`.",
    ),
    probe=_standardised,
    wrong=(
        Wrong("Right slope; at t_u = mean your line is off by w·mean.", None, lambda w, b, m, s: (w / s, b)),
        Wrong("The shift has the wrong sign.", None, lambda w, b, m, s: (w / s, b + w / s * m)),
        Wrong("The shift uses the slope of the normalised line.", None, lambda w, b, m, s: (w / s, b - w * m)),
        Wrong(
            "The shift is in units of the reading: multiply the mean by the slope.",
            None,
            lambda w, b, m, s: (w / s, b - m),
        ),
        Wrong(
            "The shift is in units of the reading: multiply the mean by the slope.",
            None,
            lambda w, b, m, s: (w / s, b - m / s),
        ),
        Wrong(PER_STD, None, lambda w, b, m, s: (w, b)),
        Wrong(PER_STD, None, lambda w, b, m, s: (w, b - w * m)),
        Wrong(PER_STD, None, lambda w, b, m, s: (w, b - w * m / s)),
        Wrong("That is the `t_un` case.", None, lambda w, b, m, s: (0.1 * w, b)),
        Wrong("That is the `t_un` case.", None, lambda w, b, m, s: (w / 10, b - w / 10 * m)),
        Wrong("The two are exchanged: w first.", None, lambda w, b, m, s: (b - w / s * m, w / s)),
        Wrong(IN_DEGREES, None, lambda w, b, m, s: (w / s, b / s)),
        Wrong(IN_DEGREES, None, lambda w, b, m, s: (w / s, b / s - w / s * m)),
        Wrong(IN_DEGREES, None, lambda w, b, m, s: (w / s, (b - w * m) / s)),
        Wrong(IN_DEGREES, None, lambda w, b, m, s: (w / s, (b - w / s * m) / s)),
        Wrong(
            "You standardised the parameters; the reading is what was standardised.",
            None,
            lambda w, b, m, s: ((w - m) / s, (b - m) / s),
        ),
        Wrong(
            "This goes the other way: from raw parameters to standardised ones.",
            None,
            lambda w, b, m, s: (w * s, b + w * m),
        ),
    ),
    symptoms=(
        when(
            lambda f: f.kind == "value" and len({str(s["value"]) for s in f.seen}) == 1,
            "The same answer for every input: use the arguments.",
        ),
        when(lambda f: f.kind in ("type", "shape"), "Two numbers are due: `return w, b`."),
        when(_std_multiplies, "Your slope has the std the wrong way round."),
        when(lambda f: _entry_agrees(f, 0), "w is right, b is not: at t_u = mean both lines must say b_z."),
        when(lambda f: _entry_agrees(f, 1), "b is right, w is not: one unit of t_u is 1 / std standardised units."),
    ),
)

EXERCISES = [THE_LOSS, CENTRAL_DIFFERENCE, GRADIENT_BY_HAND, RATE_LIMIT, TRAIN, RAW_PARAMS]
