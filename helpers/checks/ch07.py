"""Chapter 7: what an optimizer does in a step, and what it is given."""

import math

import torch
from torch import nn

from .exercise import Exercise, Wrong
from .guard import load_optimizers
from .record import calls, close, numbers, trial
from .symptoms import CUT, REACH, TOUCHED, raises, when

# --- 7.1 ---------------------------------------------------------------------------------------------------------


class HandSGD:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [None] * len(self.params)

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.params):
                if p.grad is not None:
                    self.buffers[i] = self._next(i, p.grad)
                    p -= self.lr * self.direction(i, p.grad)

    def _next(self, i, g):
        return g.clone() if self.buffers[i] is None else self.momentum * self.buffers[i] + g

    def direction(self, i, g):
        return self.buffers[i]


def _drive(
    answer, draw, n_steps, momentum, n_params=2, missing=None, since=0, new_lr=None, clear="method", generator=False
):
    """A function that runs one optimizer on random gradients and hands back every value on the way, and what is left.

    missing: the index of a parameter that gets no gradient from the step `since` on. new_lr: the rate from half of
    the steps on. clear: "method" calls zero_grad, "in place" fills the gradients with zeros, "None" takes them away.
    """
    starts = [draw.tensor(draw.whole(1, 3)) for _ in range(n_params)]
    grads = [[draw.tensor(*s.shape) for s in starts] for _ in range(n_steps)]
    lr = draw.number(0.05, 0.2)

    def run():
        params = [s.clone().requires_grad_() for s in starts]
        opt = answer(iter(params) if generator else params, lr=lr, momentum=momentum)
        values, kept = [], []
        for step in range(n_steps):
            if new_lr and step == n_steps // 2:
                opt.lr = new_lr
            _clear(opt, params, clear)
            for i, (p, g) in enumerate(zip(params, grads[step], strict=True)):
                if i != missing or step < since:
                    p.grad = g.clone() if p.grad is None else p.grad.add_(g)
            opt.step()
            values.append([p.detach().clone() for p in params])
            kept.append([None if p.grad is None else p.grad.clone() for p in params])
        leaves = all(p.is_leaf and p.requires_grad for p in params)
        return {"values": values, "grads after step": kept, "still leaves": leaves}

    return run


def _clear(opt, params, how):
    if how == "method":
        opt.zero_grad()
        return
    for p in params:
        if how == "None":
            p.grad = None
        elif p.grad is not None:
            p.grad.zero_()


def _cleared(answer, draw):
    """What zero_grad leaves: nothing or zeros, for a parameter with a gradient and for one without."""

    def run():
        params = [draw.tensor(2).requires_grad_() for _ in range(2)]
        params[0].grad = draw.tensor(2)
        answer(params, lr=0.1).zero_grad()
        return [p.grad is None or not bool(p.grad.any()) for p in params]

    return run


def _probe_sgd(answer, draw):
    yield trial("one parameter, one step, no momentum", _drive(answer, draw, 1, 0.0, 1))
    yield trial("two parameters, one step, momentum=0.9", _drive(answer, draw, 1, 0.9))
    yield trial("two parameters, three steps, momentum=0.9", _drive(answer, draw, 3, 0.9))
    yield trial("gradients cleared in place with zero_()", _drive(answer, draw, 3, 0.8, clear="in place"))
    yield trial("the second of three has .grad None, momentum=0.7", _drive(answer, draw, 20, 0.7, 3, missing=1))
    yield trial("opt.lr changed after step 3 of 6, momentum=0.9", _drive(answer, draw, 6, 0.9, new_lr=0.02))
    yield trial("params from a generator, momentum=0.5", _drive(answer, draw, 3, 0.5, generator=True))
    yield trial("the second of two has .grad None from step 3 of 5 on, momentum=0.9",
                _drive(answer, draw, 5, 0.9, missing=1, since=2, clear="None"))  # fmt: skip
    yield trial("zero_grad with one .grad None", _cleared(answer, draw))


def _variant(**methods):
    return type("Variant", (HandSGD,), methods)


def _step_with(update):
    """A class whose step calls update(self, i, p, g) for each parameter that has a gradient."""

    def step(self):
        with torch.no_grad():
            for i, p in enumerate(self.params):
                if p.grad is not None:
                    update(self, i, p, p.grad)

    return _variant(step=step)


def _short_first(self, i, g):
    old = torch.zeros_like(g) if self.buffers[i] is None else self.buffers[i]
    return self.momentum * old + (1 - self.momentum) * (g if self.buffers[i] is None else g / (1 - self.momentum))


def _averaged(self, i, g):
    return (1 - self.momentum) * g + (0 if self.buffers[i] is None else self.momentum * self.buffers[i])


def _average_after_first(self, i, g):
    return g.clone() if self.buffers[i] is None else self.momentum * self.buffers[i] + (1 - self.momentum) * g


def _rate_inside(self, i, p, g):
    old = 0 if self.buffers[i] is None else self.momentum * self.buffers[i]
    self.buffers[i] = old + self.lr * g
    p -= self.buffers[i]


def _rate_inside_minus(self, i, p, g):
    old = 0 if self.buffers[i] is None else self.momentum * self.buffers[i]
    self.buffers[i] = old - self.lr * g
    p += self.buffers[i]


def _rebind(self, i, p, g):
    self.buffers[i] = self._next(i, g)
    p = p - self.lr * self.buffers[i]


def _up(self, i, p, g):
    self.buffers[i] = self._next(i, g)
    p += self.lr * self.buffers[i]


def _alias(self, i, p, g):
    self.buffers[i] = g if self.buffers[i] is None else self.buffers[i].mul_(self.momentum).add_(g)
    p -= self.lr * self.buffers[i]


def _alias_new(self, i, p, g):
    self.buffers[i] = g if self.buffers[i] is None else self.momentum * self.buffers[i] + g
    p -= self.lr * self.buffers[i]


class _AliasOfZeros(HandSGD):
    """The gradient itself for a buffer, and gradients cleared in place."""

    def zero_grad(self):
        _clear(self, self.params, "in place")

    def _next(self, i, g):
        return g if self.buffers[i] is None else self.momentum * self.buffers[i] + g


def _plain(self, i, p, g):
    p -= self.lr * g


def _clears(self, i, p, g):
    self.buffers[i] = self._next(i, g)
    p -= self.lr * self.buffers[i]
    p.grad = None


def _look_ahead(self, i, g):
    return g + self.momentum * self.buffers[i]


def _last_gradient_only(self, i, p, g):
    p -= self.lr * (g if self.buffers[i] is None else self.momentum * self.buffers[i] + g)
    self.buffers[i] = g.clone()


class _FixedRate(HandSGD):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, lr, momentum)
        self.first = lr

    def step(self):
        self.lr = self.first
        super().step()


def _part(facts, key):
    """What the first failing trial handed back under this key, and what was due; (None, None) where it raised."""
    if facts.record["value"] is None:
        return None, None
    seen, due = (dict((k["text"], v) for k, v in r["value"]["dict"]) for r in (facts.record, facts.wanted))
    return seen[key], due[key]


def _grads_differ(facts):
    seen, due = _part(facts, "grads after step")
    return seen != due


def _grads_gone(facts):
    """A gradient of the first step is gone (None) or filled with zeros after it."""
    seen, due = _part(facts, "grads after step")
    pairs = zip(seen["list"][0]["list"], due["list"][0]["list"], strict=True)
    return any(d is not None and (s is None or not any(numbers(s))) for s, d in pairs)


def _nothing_moves(facts):
    """In several steps of the first parameters nothing changes."""
    seen, _ = _part(facts, "values")
    steps = [numbers(step) for step in seen["list"]]
    return len(steps) > 1 and all(s == steps[0] for s in steps)


def _only_in(text):
    """The first trial that failed is the one whose text has these words."""
    return lambda facts: text in facts.wanted["tried"]


def _leaves_old_gradients(facts):
    return any(
        "zero_grad with one" in d["tried"] and k == "value" for d, k in zip(facts.due, facts.kinds, strict=False)
    )


UPHILL = "You step uphill: subtract."
ALIAS = "After zero_grad your buffer is gone: it was the gradient itself, not a copy."
GONE = "After step `.grad` is gone: whoever wanted to log it finds None."
STATELESS = "Step 2 on: momentum has no effect."
NO_MOVE = "Nothing moves: the name got a new tensor, the parameter kept its numbers."
RATE_INSIDE = "Differs once lr changes: the rate belongs to the step, not into the buffer."
WALKED = "parameters() can be walked once: keep the parameters in a list of your own."

EXERCISE_1 = Exercise(
    id="7.1",
    title="SGD with momentum",
    before=load_optimizers,
    reference=HandSGD,
    points=2,
    hints=(
        "What has to outlive a step? Make room for it in `__init__`, one place for each parameter.",
        "The first buffer is a copy of the gradient; from then on `momentum * buf + p.grad`.",
        "In `step`: under `no_grad`, skip where `.grad` is None, renew the buffer, then `p -= self.lr * buf`.",
    ),
    probe=_probe_sgd,
    wrong=(
        Wrong("First step too short by (1-momentum).", None, _variant(_next=_short_first)),
        Wrong("An average: PyTorch's buffer is a sum.", None, _variant(_next=_averaged)),
        Wrong("An average: PyTorch's buffer is a sum.", None, _variant(_next=_average_after_first)),
        Wrong(RATE_INSIDE, None, _step_with(_rate_inside)),
        Wrong(RATE_INSIDE, None, _step_with(_rate_inside_minus)),
        Wrong("From step 1 on you look ahead; that is another option.", None, _variant(direction=_look_ahead)),
        Wrong(STATELESS, "M79", _step_with(_plain)),
        Wrong(
            "Your buffer holds the last gradient only; it is to hold the last buffer, shrunk.",
            "M79",
            _step_with(_last_gradient_only),
        ),
        Wrong(ALIAS, "M41", _step_with(_alias)),
        Wrong(ALIAS, "M41", _step_with(_alias_new)),
        Wrong(ALIAS, "M41", _AliasOfZeros),
        Wrong(GONE, "M29", _step_with(_clears)),
        Wrong(NO_MOVE, "M47", _step_with(_rebind)),
        Wrong(UPHILL, "M76", _step_with(_up)),
        Wrong("A rate that is changed on the way is not noticed: read `self.lr` in each step.", "M78", _FixedRate),
    ),
    symptoms=(
        raises(
            "a leaf Variable that requires grad",
            "a leaf Variable … in-place: the update itself was being watched.",
            "M44",
        ),
        raises("NoneType", REACH, "M38"),
        raises("must be Tensor, not None", REACH, "M38"),
        raises("object is not subscriptable", WALKED, "M73"),
        raises("has no len()", WALKED, "M73"),
        raises(
            "must match the size",
            "Two parameters influence each other: each needs a buffer of its own.",
            None,
        ),
        when(_leaves_old_gradients, "zero_grad leaves the old gradient: the next backward adds to it.", "M28"),
        when(_only_in("None from step 3"), "Without a gradient a parameter rests: yours rolls on.", None),
        when(_only_in("from a generator"), WALKED, "M73"),
        when(lambda f: _grads_differ(f) and _grads_gone(f), GONE, "M29"),
        when(_grads_differ, "Your step changes `.grad`: it should only read it.", "M41"),
        when(
            lambda f: _part(f, "still leaves")[0] is False, "The parameters no longer ask for gradients afterwards.", "M46"
        ),
        when(_nothing_moves, NO_MOVE, "M47"),
        when(_only_in("cleared in place"), ALIAS, "M41"),
        when(_only_in("opt.lr changed"), RATE_INSIDE, "M78"),
        when(
            lambda f: f.kind == "value" and f.first == 0 and close(_moved(f), 0, 1e-9, 1e-12),
            NO_MOVE,
            "M47",
        ),
        when(
            lambda f: f.kind == "value" and f.first in (1, 2) and _first_right(f),
            "The first step is right, the second is not: look at what becomes of the buffer.",
            None,
        ),
    ),
)  # fmt: skip


def _moved(facts):
    """How much of the due first step the failing trial took: 0 where it stayed at its start.

    A rate is drawn anew for each trial, so the start is found from the two steps: it is not in the record.
    """
    seen, due = _part(facts, "values")
    g = numbers(_part(facts, "grads after step")[1])
    s, d = numbers(seen), numbers(due)
    # Due is p - lr g. An answer that stays gives p: the gaps are lr g with one positive rate for all.
    rates = [(a - b) / k for a, b, k in zip(s, d, g, strict=True)]
    return 0.0 if all(0.05 <= r <= 0.2 and close(r, rates[0], 1e-6, 0) for r in rates) else 1.0


def _first_right(facts):
    """Does the first step of this trial agree?"""
    seen, due = _part(facts, "values")
    a, b = numbers(seen["list"][0]), numbers(due["list"][0])
    return all(close(x, y, 1e-6, 1e-9) for x, y in zip(a, b, strict=True))


# --- 7.2 ---------------------------------------------------------------------------------------------------------


def adam_step(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
    return p - lr * m_hat / (v_hat.sqrt() + eps), m, v


def _adam_cases(draw):
    usual = (0.9, 0.999, 1e-8)
    zeros = torch.zeros(3, dtype=torch.float64)
    p, g = draw.tensor(3), draw.tensor(3, scale=2.0)
    cases = [(p, g, zeros, zeros.clone(), 1, 0.1, *usual)]  # two tensors: an answer may write into m
    m, v = zeros, zeros.clone()
    for t in range(1, 6):
        cases.append((p, g, m, v, t, 0.05, *usual))
        p, m, v = adam_step(p, g, m, v, t, 0.05, *usual)
        g = draw.tensor(3, scale=2.0)
    for g in (torch.zeros(2, dtype=torch.float64), draw.tensor(2, scale=1e-9), draw.tensor(2, scale=1e9)):
        cases.append((draw.tensor(2), g, zeros[:2].clone(), zeros[:2].clone(), 1, 0.1, *usual))
    cases.append(
        (draw.tensor(2, 2), draw.tensor(2, 2), draw.tensor(2, 2), draw.tensor(2, 2) ** 2, 4, 0.2, 0.8, 0.9, 1e-3)
    )
    return cases


def _adam(m_hat=None, v_hat=None, square=True, root=True, inside=False, sign=-1, swap=None, corrected=False, decay=0.0):
    """Adam with one slip."""
    m_hat = m_hat or (lambda m, b, t: m / (1 - b**t))
    v_hat = v_hat or (lambda v, b, t: v / (1 - b**t))

    def step(p, g, m, v, t, lr, beta1, beta2, eps):
        g = g + decay * p
        if swap in ("both", "averages"):
            beta1, beta2 = beta2, beta1
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * (g**2 if square else g)
        if swap in ("averages", "corrections"):
            beta1, beta2 = beta2, beta1
        top, below = m_hat(m, beta1, t), v_hat(v, beta2, t)
        scale = (below + eps).sqrt() if inside else (below.sqrt() if root else below) + eps
        new = p + sign * lr * top / scale
        return (new, top, below) if corrected is True else (new, top, v) if corrected == "m" else (new, m, v)

    return step


def _as_it_is(average, beta, t):
    return average


def _late(average, beta, t):
    return average / (1 - beta ** (t - 1)) if t > 1 else average / 0.0


def _one_late(average, beta, t):
    return average / (1 - beta ** (t + 1))


def _only_first_power(average, beta, t):
    return average / (1 - beta)


def _times_t(average, beta, t):
    return average / (1 - beta * t) if beta * t != 1 else average / 0.0


def _weight_order(p, g, m, v, t, lr, beta1, beta2, eps):
    m = (1 - beta1) * m + beta1 * g
    v = (1 - beta2) * v + beta2 * g**2
    return p - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps), m, v


def _stale(p, g, m, v, t, lr, beta1, beta2, eps):
    top, below = m / (1 - beta1**t), v / (1 - beta2**t)
    new = p - lr * top / (below.sqrt() + eps)
    return new, beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2


def _other_order(*args):
    p, m, v = adam_step(*args)
    return p, v, m


def _still_moves(facts):
    """With a gradient of zero and empty averages the parameter moves."""
    pairs = zip(facts.due, facts.kinds, strict=False)
    return any("g=[0, 0]" in due["tried"] and kind == "value" for due, kind in pairs)


def _wrong_from_second(facts):
    """The new parameter is right and an average is not."""
    seen, due = (r["value"]["tuple"] for r in (facts.record, facts.wanted))
    return numbers(seen[0]) == numbers(due[0]) and seen[1:] != due[1:]


ZERO = "Division by zero at the first step: t counts from 1."
UNCORRECTED = "Your first step is 3.16 times lr; it should be lr."
HALF = "Your first step is 31.6 times lr: v starts at zero too."

EXERCISE_2 = Exercise(
    id="7.2",
    title="Adam",
    before=load_optimizers,
    reference=adam_step,
    points=2,
    hints=(
        "Two averages first: of `g` with beta1, of `g**2` with beta2.",
        "Correct copies of both by `1 - beta**t`; return the averages uncorrected.",
        "Root of the corrected v first, then plus eps; the step is minus lr times the ratio.",
    ),
    probe=calls(_adam_cases, "p, g, m, v, t, lr, beta1, beta2, eps"),
    wrong=(
        Wrong(UNCORRECTED, None, _adam(_as_it_is, _as_it_is)),
        Wrong(ZERO, None, _adam(_late, _late)),
        Wrong("t counts from 1 and is 1 in the first step: you correct for one step too many.", None,
              _adam(_one_late, _one_late)),
        Wrong("The power t is missing: the correction fades, and yours does not.", None,
              _adam(_only_first_power, _only_first_power)),
        Wrong("You correct by 1 - beta * t, where 1 - beta ** t is due: beta to the power t.", None, _adam(_times_t, _times_t)),
        Wrong("m follows too slowly, v too fast: the betas of the averages are swapped.", None, _adam(swap="averages")),
        Wrong("The averages are right, the betas of their corrections are swapped.", None, _adam(swap="corrections")),
        Wrong("Differs for tiny gradients only: eps stands outside the root.", None, _adam(inside=True)),
        Wrong(HALF, None, _adam(v_hat=_as_it_is)),
        Wrong("Your first step is a tenth of lr: m starts at zero too.", None, _adam(m_hat=_as_it_is)),
        Wrong("Negative gradients give nan: v is an average of squares.", None, _adam(square=False)),
        Wrong("m follows too slowly, v too fast: the betas are swapped.", None, _adam(swap="both")),
        Wrong("m follows too slowly, v too fast: the betas are swapped.", None, _weight_order),
        Wrong("Step size grows as the gradient shrinks: the root is missing.", None, _adam(root=False)),
        Wrong("Wrong from step 2 on: return m and v uncorrected.", None, _adam(corrected=True)),
        Wrong("Wrong from step 2 on: return m and v uncorrected.", None, _adam(corrected="m")),
        Wrong("The step uses the averages of the step before: renew them first.", None, _stale),
        Wrong(UPHILL, "M76", _adam(sign=1)),
        Wrong("m and v are swapped: the order is p, m, v.", None, _other_order),
        Wrong("With g = 0 the parameter moves.", None, _adam(decay=0.01)),
    ),
    symptoms=(
        raises("ZeroDivisionError", ZERO, None),
        when(lambda f: f.record["changed"], TOUCHED, "M18"),
        when(_still_moves, "With g = 0 the parameter moves.", None),
        when(_wrong_from_second, "Wrong from step 2 on: return m and v uncorrected.", None),
        raises("only Tensors", "math takes plain numbers: `.sqrt()` works on tensors.", "M21"),
        raises("can be converted to Python scalars", "math takes plain numbers: `.sqrt()` works on tensors.", "M21"),
        raises("cannot be converted to Scalar", "math takes plain numbers: `.sqrt()` works on tensors.", "M21"),
        when(lambda f: f.kind in ("type", "shape"), "Three things are due, in this order: p, m, v.", None),
    ),
)  # fmt: skip

# --- 7.3 ---------------------------------------------------------------------------------------------------------

START_GRADIENT = (4517.2969, 82.6)


def first_step():
    """Adam's formula at t = 1 for b's gradient."""
    p = torch.zeros(1, dtype=torch.float64)
    g = torch.full((1,), START_GRADIENT[1], dtype=torch.float64)
    return -adam_step(p, g, p, p, 1, 0.1, 0.9, 0.999, 1e-8)[0].item()


EXERCISE_3 = Exercise(
    id="7.3",
    title="Explain with a number",
    reference=first_step,
    hints=(
        "Write m̂ and v̂ for t = 1: both averages start at zero, and both are corrected.",
        "What is left of the gradient in m̂/√v̂?",
    ),
    wrong=(
        Wrong("That is SGD: the rate times the gradient.", None, 8.26),
        Wrong("Uncorrected: both averages start at zero.", None, 0.1 * 0.1 / math.sqrt(0.001)),
        Wrong("RMSprop's first step, or m̂/√v̂ without the rate.", None, 1.0),
        Wrong("That is lr times w's gradient: SGD, and w.", None, 451.73),
        Wrong("Adam scales each parameter by itself.", None, 0.1 * START_GRADIENT[1] / START_GRADIENT[0]),
        Wrong("m̂ is not corrected: divide m by 1 - β₁.", None, 0.01),
        Wrong("v̂ is not corrected: divide v by 1 - β₂.", None, 0.1 / math.sqrt(0.001)),
        Wrong("The gradient itself.", None, 82.6),
        Wrong("Something moves: both parameters do.", "M74", 0),
        Wrong("That is after two steps.", None, 0.2),
        Wrong("A distance is asked for: the step is downward, its length is positive.", None, -0.1),
        Wrong("That is SGD at the rate of 7.1.", None, 82.6e-5),
    ),
)

# --- 7.4 ---------------------------------------------------------------------------------------------------------


def lr_at(epoch, lr0, step_size, gamma):
    return lr0 * gamma ** (epoch // step_size)


def cosine_lr(epoch, lr0, T):
    return lr0 * (1 + math.cos(math.pi * epoch / T)) / 2


def _probe_schedules(answers, draw):
    lr_at, cosine_lr = answers
    for step_size in (2, 3):
        lr0, gamma = draw.number(0.1, 2.0), draw.number(0.2, 0.9)
        for epoch in range(3 * step_size + 1):
            args = (epoch, lr0, step_size, gamma)
            tried = f"lr_at({epoch}, {lr0:.3g}, step_size={step_size}, gamma={gamma:.3g})"
            yield {**trial(tried, lr_at, *args), "notes": ["step", *args]}
    for T in (4, 5):
        lr0 = draw.number(0.1, 2.0)
        for epoch in range(3 * T + 1):
            tried = f"cosine_lr({epoch}, {lr0:.3g}, T={T})"
            yield {**trial(tried, cosine_lr, epoch, lr0, T), "notes": ["cosine", epoch, lr0, T]}


def _like(which, wrong):
    """All of this function's records are those of a known wrong answer, whatever the other function does."""

    def shows(facts):
        records = [s for s in facts.seen if s["notes"][0] == which]
        mine = [k for s, k in zip(facts.seen, facts.kinds, strict=False) if s["notes"][0] == which]
        return (
            any(mine)
            and not any(s["raised"] for s in records)
            and all(close(numbers(s["value"])[0], wrong(*s["notes"][1:]), 1e-6, 1e-9) for s in records)
        )

    return shows


def _fails_in(which):
    return lambda facts: facts.wanted["notes"][0] == which


EVERY = "Your rate falls at every epoch; step_size is not used."
EARLY = "The first decay comes one epoch early."
LATE = "The first decay comes one epoch late: epochs count from 0."

EXERCISE_4 = Exercise(
    id="7.4",
    title="A schedule",
    before=load_optimizers,
    reference=(lr_at, cosine_lr),
    hints=(
        "How often has the rate been multiplied by `gamma` before this epoch? A whole number.",
        "`epoch // step_size` counts it. For the cosine: half a period runs over the angles 0 to π.",
        "(1 + cos(π·epoch/T)) / 2 is 1 at the start and 0 at T.",
    ),
    probe=_probe_schedules,
    symptoms=(
        when(_like("step", lambda e, r, s, g: r * g**e), EVERY, None),
        when(_like("step", lambda e, r, s, g: r * g ** ((e + 1) // s)), EARLY, "M78"),
        when(_like("step", lambda e, r, s, g: r * g ** (max(e - 1, 0) // s)), LATE, "M78"),
        when(_like("step", lambda e, r, s, g: r * g ** (-(-e // s))), EARLY, "M78"),
        when(_like("step", lambda e, r, s, g: r * g ** (e // s + 1)), EARLY, "M78"),
        when(
            _like("step", lambda e, r, s, g: r * (1 - (1 - g) * (e // s))),
            "Equal differences; equal ratios are asked for.",
            None,
        ),
        when(
            _like("step", lambda e, r, s, g: r - g * (e // s)), "Equal differences; equal ratios are asked for.", None
        ),
        when(
            _like("step", lambda e, r, s, g: r * g * (e // s) if e >= s else r),
            "Right after the first decay, wrong after the second.",
            None,
        ),
        when(
            _like("step", lambda e, r, s, g: r * (g if e >= s else 1)),
            "One decay only: the rate falls again after every step_size epochs.",
            None,
        ),
        when(
            _like("step", lambda e, r, s, g: r * g ** (e / s)),
            "Your rate changes inside a stage (epoch 1); it should stand still there.",
            None,
        ),
        when(_like("step", lambda e, r, s, g: g ** (e // s)), "Doubling lr0 changes nothing.", None),
        when(
            _like("cosine", lambda e, r, t: r * (1 + math.cos(2 * math.pi * e / t)) / 2),
            "At T your rate is back at lr0: half a period is asked for.",
            None,
        ),
        when(
            _like("cosine", lambda e, r, t: r * math.sin(math.pi * e / t)), "At epoch 0 your rate is not lr0.", None
        ),
        when(
            _like("cosine", lambda e, r, t: r * (1 + math.sin(math.pi * e / t)) / 2),
            "At epoch 0 your rate is not lr0.",
            None,
        ),
        when(_like("cosine", lambda e, r, t: (1 + math.cos(math.pi * e / t)) / 2), "Doubling lr0 changes nothing.", None),
        when(
            _like("cosine", lambda e, r, t: r * (1 + math.cos(math.pi * e / t))), "At epoch 0 your rate is twice lr0.", None
        ),
        when(
            _like("cosine", lambda e, r, t: r * math.cos(math.pi * e / (2 * t))),
            "A quarter of a period, not lifted: past T your rate is negative. Half a period is due, from lr0 down to 0.",
            None,
        ),
        when(
            _like("cosine", lambda e, r, t: r * math.cos(math.pi * e / t)),
            "Your rate is negative from T/2 on: the cosine is to be lifted by 1 and halved.",
            None,
        ),
        when(
            _like("cosine", lambda e, r, t: r * (1 + math.cos(math.pi * min(e, t) / t)) / 2),
            "Past T your rate stands still; the cosine comes back up from 0.",
            None,
        ),
        when(
            _like("cosine", lambda e, r, t: r * (1 + math.cos(180 * e / t)) / 2),
            "`math.cos` takes radians: half a period is π, not 180.",
            None,
        ),
        when(
            lambda f: _fails_in("cosine")(f) and f.raised("NotImplementedError"),
            "`lr_at` is right so far; `cosine_lr` is not written yet.",
            None,
        ),
        when(
            _like("cosine", lambda e, r, t: r * (1 + math.cos(e / t)) / 2),
            "The angle at T is to be π: half a period.",
            None,
        ),
        when(lambda f: f.kind == "type", "A number is due.", None),
        when(
            lambda f: _fails_in("step")(f) and f.kind == "value" and f.wanted["notes"][1] == 0,
            "At epoch 0 the rate is lr0.",
            None,
        ),
    ),
)  # fmt: skip

# --- 7.5 ---------------------------------------------------------------------------------------------------------


def fit_linear(t_u, t_c, n_epochs, lr):
    lin = nn.Linear(1, 1, dtype=t_u.dtype)
    optimizer = torch.optim.SGD(lin.parameters(), lr=lr)
    for _ in range(n_epochs):
        _epoch(lin, optimizer, t_u.unsqueeze(1), t_c.unsqueeze(1))
    return lin


def _epoch(lin, optimizer, x, y):
    loss = ((lin(x) - y) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class _Watched:
    """Fits with an answer, from the same random start each time, and counts the optimizers that it makes."""

    def __init__(self, answer):
        self.answer, self.made = answer, 0

    def __call__(self, t_u, t_c, n_epochs, lr):
        made = torch.optim.Optimizer.__init__

        def counted(optimizer, *args, **kwargs):
            self.made += 1
            return made(optimizer, *args, **kwargs)

        torch.manual_seed(0)
        torch.optim.Optimizer.__init__ = counted
        try:
            lin = self.answer(t_u, t_c, n_epochs, lr)
        finally:
            torch.optim.Optimizer.__init__ = made
        if not isinstance(lin, nn.Linear):
            return lin
        return [lin.weight.detach(), lin.bias.detach()]


EPOCHS = 40


def _probe_fit(answer, draw):
    for n, dtype in ((3, torch.float64), (8, torch.float64), (20, torch.float32)):
        # Inputs of spread 1 around 0.3: the bowl is nearly round, and 40 epochs reach its bottom.
        x = torch.linspace(-1, 1, n, dtype=torch.float64)
        x = x / x.std(correction=0) + 0.3
        y = draw.number() * x + draw.number(1.0, 3.0) + 0.2 * draw.tensor(n)
        x, y = x.to(dtype), y.to(dtype)
        watched = _Watched(answer)
        after_none, after_one = (trial("", _Watched(answer), x, y, k, 0.35)["value"] for k in (0, 1))
        tried = f"{n} readings, {str(dtype).removeprefix('torch.')}, {EPOCHS} epochs, lr=0.35"
        record = trial(tried, watched, x, y, EPOCHS, 0.35, size=n)
        yield {**record, "notes": [after_one, watched.made, y.mean().item(), after_none]}


def _still(facts):
    """Forty epochs end where one epoch ended: nothing that is returned was trained."""
    return facts.kind == "value" and facts.record["notes"][0] == facts.record["value"]


def _flat_line(facts):
    """In every trial with float64 the line is flat at the mean of the targets."""
    records = [s for s in facts.seen if s["value"] is not None][:2]
    return bool(records) and all(
        abs(w) < 1e-4 and abs(b - s["notes"][2]) < 1e-4 for s in records for w, b in [numbers(s["value"])]
    )


def _explodes(facts):
    return any(not math.isfinite(n) or abs(n) > 100 for s in facts.seen for n in numbers(s["value"]))


def _first_step(facts):
    """The first failing fit's first step over the due one: 1 where only later steps are wrong. None where unknown."""
    after_one, after_none = (numbers(facts.record["notes"][k]) for k in (0, 3))
    due_one, due_none = (numbers(facts.wanted["notes"][k]) for k in (0, 3))
    ratios = [
        (a - b) / (c - d)
        for a, b, c, d in zip(after_one, after_none, due_one, due_none, strict=True)
        if abs(c - d) > 1e-9
    ]
    return ratios[0] if ratios and all(close(r, ratios[0], 1e-4, 0) for r in ratios) else None


def _summed(facts):
    ratio = _first_step(facts)
    return facts.kind == "value" and ratio is not None and close(ratio, facts.record["size"], 1e-4, 0)


def _no_clear(t_u, t_c, n_epochs, lr):
    lin = nn.Linear(1, 1, dtype=t_u.dtype)
    optimizer = torch.optim.SGD(lin.parameters(), lr=lr)
    for _ in range(n_epochs):
        ((lin(t_u.unsqueeze(1)) - t_c.unsqueeze(1)) ** 2).mean().backward()
        optimizer.step()
    return lin


def _one_sum(t_u, t_c, n_epochs, lr):
    lin = nn.Linear(1, 1, dtype=t_u.dtype)
    optimizer = torch.optim.SGD(lin.parameters(), lr=lr)
    for _ in range(n_epochs):
        loss = ((lin(t_u.unsqueeze(1)).sum() - t_c) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return lin


FLAT_LINE = "Your line is flat at the mean of the targets: every prediction is compared with every target."
EARLY_OPTIMIZER = "The layer that you return was never in the optimizer."
ONE_NUMBER = "One number against N targets: keep one prediction for each reading."
PRECISIONS = "Double and Float met in the layer: give the layer the readings' dtype."
NOT_CLEARED = "Your loss swings instead of falling: the gradient is never cleared."
STARTS_EMPTY = (
    "Its memory starts empty each epoch: with momentum you train as without. Make one optimizer, before the loop."
)

EXERCISE_5 = Exercise(
    id="7.5",
    title="Find the bug: 77.14",
    before=load_optimizers,
    reference=fit_linear,
    points=2,
    rtol=1e-4,  # one trial in three is in float32
    atol=1e-5,
    hints=(
        "Print the shapes of prediction and target. Compare the loss with the variance of the target.",
        "Which layer did the optimizer get, and which one is returned?",
        "`t_c.unsqueeze(1)`, and one layer, made before the optimizer.",
    ),
    probe=_probe_fit,
    wrong=(
        Wrong(NOT_CLEARED, "M28", _no_clear),
        Wrong(ONE_NUMBER, None, _one_sum),
    ),
    symptoms=(
        raises("cannot assign 'torch", "A plain tensor cannot replace a Parameter.", "M55"),
        raises(
            "empty parameter list", "optimizer got an empty parameter list: parameters() can be walked once.", "M73"
        ),
        raises("must have the same dtype", PRECISIONS, "M77"),
        raises("Found dtype", PRECISIONS, "M77"),
        raises("does not require grad", CUT, "M57"),
        raises("shapes cannot be multiplied", "The layer wants a table, one row a reading: `t_u.unsqueeze(1)`.", "M75"),
        when(lambda f: f.kind == "changed", TOUCHED, None),
        when(
            lambda f: f.kind == "type",
            "The layer itself is due: return the `nn.Linear`, not what it predicts.",
            None,
        ),
        when(lambda f: f.kind == "dtype", "The layer has another dtype than the readings.", "M77"),
        when(lambda f: f.kind == "value" and f.record["notes"][1] >= EPOCHS, STARTS_EMPTY, "M79"),
        when(
            lambda f: _still(f) and f.record["notes"][3] is None,
            "You train for one epoch only: the `return` stands inside the loop.",
            None,
        ),
        when(_still, EARLY_OPTIMIZER, "M48"),
        when(_flat_line, FLAT_LINE, "M75"),
        when(_summed, "Your loss is a sum: the step is N times too large.", "M02"),
        when(lambda f: _explodes(f) and close(_first_step(f) or 0, 1, 1e-4, 0), NOT_CLEARED, "M28"),
    ),
)

# --- 7.6 ---------------------------------------------------------------------------------------------------------


def standardise(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0)
    std = torch.where(std == 0, torch.ones_like(std), std)
    return (train - mean) / std, (other - mean) / std


def _tables(draw):
    cases = []
    for n, m, d in ((5, 3, 1), (8, 4, 2), (11, 1, 3)):
        scales, places = 10.0 ** draw.tensor(d), 20 * draw.tensor(d)
        cases.append((draw.tensor(n, d) * scales + places, draw.tensor(m, d) * scales + places + scales))
    constant = draw.tensor(6, 2) * 3 + 1
    constant[:, 1] = 2.5
    cases.append((constant, draw.tensor(3, 2)))
    return cases


def _spread(x, of=torch.std):
    s = of(x, dim=0)
    return torch.where(s == 0, torch.ones_like(s), s)


def _each_by_itself(train, other):
    return standardise(train, other)[0], standardise(other, other)[0]


def _both_joined(train, other):
    both = torch.cat([train, other])
    return standardise(both, train)[1], standardise(both, other)[1]


def _by_variance(train, other):
    s = _spread(train, torch.var)
    return (train - train.mean(dim=0)) / s, (other - train.mean(dim=0)) / s


def _centred(train, other):
    return train - train.mean(dim=0), other - train.mean(dim=0)


def _divided_first(train, other):
    s, mean = _spread(train), train.mean(dim=0)
    return train / s - mean, other / s - mean


def _scaled_only(train, other):
    return train / _spread(train), other / _spread(train)


def _constant_nan(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0)
    return (train - mean) / std, (other - mean) / std


def _with_eps(train, other):
    mean, std = train.mean(dim=0), train.std(dim=0) + 1e-8
    return (train - mean) / std, (other - mean) / std


def _one_for_all(train, other):
    return (train - train.mean()) / train.std(), (other - train.mean()) / train.std()


def _min_max(train, other):
    low, high = train.min(dim=0).values, train.max(dim=0).values
    s = torch.where(high == low, torch.ones_like(low), high - low)
    return (train - low) / s, (other - low) / s


def _by_n(train, other):
    s = _spread(train, lambda x, dim: x.std(dim=dim, correction=0))
    return (train - train.mean(dim=0)) / s, (other - train.mean(dim=0)) / s


def _rows(train, other):
    mean, std = train.mean(dim=1, keepdim=True), train.std(dim=1, keepdim=True)
    return (train - mean) / std, (other - other.mean(dim=1, keepdim=True)) / other.std(dim=1, keepdim=True)


def _train_only(train, other):
    return standardise(train, other)[0], other


ITSELF = "The second set is centred on itself: its mean must not vanish."
ZERO_SPREAD = "Division by a zero spread: a constant column gives nan or inf. Divide it by 1."
COLUMNS = "Columns in different units share your mean."

EXERCISE_6 = Exercise(
    id="7.6",
    title="Standardise honestly",
    reference=standardise,
    hints=(
        "Which set may speak about the mean? The one that you will predict for is not known yet.",
        "`dim=0` goes down the rows and leaves one number for each column.",
        "`torch.where(std == 0, torch.ones_like(std), std)` replaces the zeros.",
    ),
    probe=calls(_tables, "train, other"),
    wrong=(
        Wrong(ITSELF, None, _each_by_itself),
        Wrong("The training set changes when the other set does.", None, _both_joined),
        Wrong("The spread of your training set is not 1 (unless it was).", None, _by_variance),
        Wrong("Centred, but the spread is what it was.", None, _centred),
        Wrong("Spread 1, but not centred: the mean was in other units.", None, _divided_first),
        Wrong("Spread 1, but not centred: the mean is not subtracted.", None, _scaled_only),
        Wrong(ZERO_SPREAD, None, _constant_nan),
        Wrong("A constant column is divided by almost nothing: its other readings explode. Divide it by 1.", None,
              _with_eps),
        Wrong(COLUMNS, None, _one_for_all),
        Wrong("Your result runs from 0 to 1.", None, _min_max),
        Wrong("You divide by N inside the root; `std` divides by N - 1.", None, _by_n),
        Wrong("Row by row: a column is what has one unit, and `dim=0` goes down it.", None, _rows),
        Wrong("The second set is handed back as it came.", None, _train_only),
        Wrong("The two tables are due in the order train, other.", None, lambda a, b: standardise(a, b)[::-1]),
    ),
    symptoms=(
        when(lambda f: f.record["changed"] and not f.wanted["changed"], TOUCHED, "M18"),
        when(
            lambda f: f.kind == "value" and any(not math.isfinite(n) for n in numbers(f.record["value"])),
            ZERO_SPREAD,
            None,
        ),
        when(
            lambda f: f.kind == "value" and any(abs(n) > 1e100 for n in numbers(f.record["value"])),
            ZERO_SPREAD,
            None,
        ),
        raises("must match the size of tensor", "Row by row: a column is what has one unit, and `dim=0` goes down it.", None),
        when(
            lambda f: f.kind == "value" and numbers(f.record["value"]["tuple"][0]) == numbers(f.wanted["value"]["tuple"][0]),
            "The training set is right, the other is not: it gets the training set's mean and spread.",
            None,
        ),
        when(lambda f: f.kind in ("type", "shape"), "Two tables are due, of the shapes that came in.", None),
    ),
)  # fmt: skip

EXERCISES = [EXERCISE_1, EXERCISE_2, EXERCISE_3, EXERCISE_4, EXERCISE_5, EXERCISE_6]
