"""Chapter 4: gradients add up, on purpose and by accident."""

import contextlib
import dataclasses
import warnings
from functools import partial
from unittest import mock

import torch

from ..thermometer import loss_fn, model, t_c, t_un
from .exercise import Exercise, Wrong
from .guard import load_optimizers
from .record import close, numbers, show_arguments, trial
from .symptoms import GRAPH, TOUCHED, TWICE, raises, when

# --- 4.1 ---------------------------------------------------------------------------------------------------------


def _gradient_at_the_start():
    from ..thermometer import t_u

    params = torch.tensor([1.0, 0.0], requires_grad=True)
    return torch.autograd.grad(loss_fn(model(t_u, *params), t_c), params)[0].tolist()


def _times(k, entry=1):
    return lambda: k * _gradient_at_the_start()[entry]


EXERCISE_1 = Exercise(
    id="4.1",
    title="After three",
    reference=_times(3),
    hints=(
        "Section 4.1 shows what one call gives, and what two give.",
        "Three times 82.6: each call adds the same number.",
    ),
    wrong=(
        Wrong("That is one call: backward adds.", "M28", _times(1)),
        Wrong("Two calls.", "M28", _times(2)),
        Wrong("That is four calls.", "M28", _times(4)),
        Wrong("Multiplied, not added: each call adds 82.6 once.", None, _times(9)),
        Wrong("First entry: that is the slope for w; the second is asked for.", None, _times(3, entry=0)),
        Wrong("First entry, and after one call.", None, _times(1, entry=0)),
        Wrong("Nobody cleared.", "M29", 0.0),
        Wrong("No average is taken.", None, _times(1 / 3)),
        Wrong("None is what stands there before the first call.", "M38", None),
    ),
)

# --- 4.2 ---------------------------------------------------------------------------------------------------------


def fresh_gradient(loss_fn_of, params):
    before = params.grad
    params.grad = None
    loss_fn_of(params).backward()
    now = params.grad
    params.grad = before
    return now


def _thermometer_loss(params):
    return loss_fn(model(t_un.double(), *params), t_c.double())


LOSSES = {
    "the loss of the thermometer": _thermometer_loss,
    "(params**2).sum()": lambda p: (p**2).sum(),
    "(params.sin() * params).mean()": lambda p: (p.sin() * p).mean(),
}


def _probe_fresh_gradient(answer, draw):
    """At the start and at random points; `.grad` None, zeros or old numbers; twice; and a later backward of somebody else."""
    for text, f in LOSSES.items():
        for at in ("start", "random"):
            for state in ("None", "zeros", "old numbers"):
                p = torch.tensor([1.0, 0.0], dtype=torch.float64) if at == "start" else draw.tensor(2)
                p.requires_grad_()
                p.grad = {"None": None, "zeros": torch.zeros_like(p), "old numbers": draw.tensor(2)}[state]
                tried = f"loss_fn_of = {text}, {show_arguments((p,), ['params'])}, params.grad {state}"
                place = {"at": at, "state": state, "f": text}
                left = lambda p=p: None if p.grad is None else p.grad.clone()
                yield {**_warned_trial(tried, answer, f, p, after=left), **place}
                yield {**_warned_trial(tried, answer, f, p, after=left), **place, "call": "again"}
                yield {
                    **trial(tried + "; then somebody else calls backward", _later, answer, f, p),
                    **place,
                    "later": True,
                }


def _warned_trial(*args, **kwargs):
    """A trial; its notes say so where somebody asked a result for `.grad`, which PyTorch warns about."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        record = trial(*args, **kwargs)
    asked = any("not a leaf Tensor" in str(w.message) for w in caught)
    return {**record, "notes": "a result was asked for .grad"} if asked else record


def _later(answer, f, p):
    result = answer(f, p)
    before = result.detach().clone()
    f(p).backward()
    return [before, result]


def _doubles_up(facts):
    """With nothing in `.grad` the first call is right and the second twice that: nobody cleared."""
    first, again = facts.seen[0], facts.seen[1]
    a, b = numbers(first["value"]), numbers(again["value"])
    right = facts.kinds[0] in (None, "changed", "after")
    return right and bool(a) and all(close(y, 2 * x, 1e-5, 1e-9) for x, y in zip(a, b, strict=True))


def _follows(facts):
    """The result of some call changed when somebody else called backward, and was no zero before."""
    for s in facts.seen:
        if s.get("later") and not s["raised"]:
            before, now = (numbers(v) for v in s["value"]["list"])
            if any(before) and before != now:
                return True
    return False


def _gone(facts):
    return facts.kind == "after" and facts.record["after"] is None or _left(facts, "zeros or new")


def _left(facts, what):
    """What `.grad` holds after the first call that found old numbers there: new ones, or zeros, instead of them."""
    for s, d in zip(facts.seen, facts.due, strict=False):
        if s["state"] == "old numbers" and not s.get("later") and not s["raised"]:
            left, old, new = numbers(s.get("after")), numbers(d["after"]), numbers(d["value"])
            if what == "sum":
                return bool(left) and all(close(x, a + b, 1e-6, 1e-9) for x, a, b in zip(left, old, new, strict=True))
            same = bool(left) and all(close(x, a, 1e-6, 1e-9) for x, a in zip(left, old, strict=True))
            return not same and (not any(left) or all(close(x, b, 1e-6, 1e-9) for x, b in zip(left, new, strict=True)))
    return False


def _values_right(facts):
    """Every plain call returned what is due."""
    pairs = [(s, d) for s, d in zip(facts.seen, facts.due, strict=False) if not s.get("later")]
    return bool(pairs) and all(
        not s["raised"]
        and len(numbers(s["value"])) == len(numbers(d["value"]))
        and all(close(a, b, 1e-6, 1e-9) for a, b in zip(numbers(s["value"]), numbers(d["value"]), strict=True))
        for s, d in pairs
    )


def _only_with_old_numbers(facts):
    wrong = [d["state"] for d, k in zip(facts.due, facts.kinds, strict=False) if k]
    return "value" in facts.kinds and set(wrong) == {"old numbers"}


def _right_at_the_start_only(facts):
    wrong = {(d["at"], d["f"]) for s, d, k in zip(facts.seen, facts.due, facts.kinds, strict=False) if k == "value"}
    return bool(wrong) and all(at == "random" for at, _ in wrong) and len(facts.seen) == len(facts.due)


def _any_tracked(facts):
    return any(isinstance(s["value"], dict) and s["value"].get("tracked") for s in facts.seen)


def _all_zero(facts):
    values = [numbers(s["value"]) for s in facts.seen if not s["raised"] and not s.get("later")]
    return bool(values) and all(v and not any(v) for v in values if v) and any(values)


GRAD_OF_A_RESULT = "What you return is `.grad` of a result, and that stays None: `clone` alone makes no leaf."

EXERCISE_2 = Exercise(
    id="4.2",
    title="A fresh gradient",
    reference=fresh_gradient,
    points=2,
    hints=(
        "Save what stands in `params.grad`, set it to None, call backward, take the result, put the old back.",
        "If you save a tensor and then call `zero_()`, the saved one is cleared too: it is the same tensor.",
        "`torch.autograd.grad(loss, params)` returns a tuple with the gradient instead of storing it.",
    ),
    probe=_probe_fresh_gradient,
    symptoms=(
        when(_any_tracked, GRAPH, "M63"),
        when(_doubles_up, TWICE, "M28"),
        when(lambda f: _left(f, "sum") and _values_right(f), TOUCHED, "M28"),
        when(lambda f: f.kind == "value" and _all_zero(f), "All zeros: you return the tensor that you clear.", "M41"),
        when(lambda f: _values_right(f) and _follows(f), "Your result changed with the next backward: you return `params.grad` itself. Return a copy, or put the old one back in its place.", "M41"),
        when(lambda f: _values_right(f) and _gone(f), "The gradient that was there before your call is gone.", None),
        when(_right_at_the_start_only, "Right at the start only.", None),
        raises("does not require grad", "The loss no longer knows params.", "M57"),
        when(lambda f: f.kind == "none" and "notes" in f.record, GRAD_OF_A_RESULT, "M14"),
        when(
            lambda f: f.kind == "none",
            "None came: the tensor that you ask took no part in the loss.",
            "M57",
        ),
        when(lambda f: _left(f, "sum"), "What stood in `.grad` before is part of your answer.", "M28"),
        when(_only_with_old_numbers, "What stood in `.grad` before is part of your answer.", "M28"),
        when(lambda f: f.kind in ("changed", "after"),
             "`params.grad` is not what it was before the call: the same tensor, the same numbers, or None.", "M28"),
    ),
)  # fmt: skip

# --- 4.3 ---------------------------------------------------------------------------------------------------------


def accumulate(params, t_u, t_c, batch_size):
    params.grad = None
    for lo in range(0, len(t_u), batch_size):
        chunk_u, chunk_c = t_u[lo : lo + batch_size], t_c[lo : lo + batch_size]
        loss = loss_fn(model(chunk_u, *params), chunk_c)
        (loss * len(chunk_u) / len(t_u)).backward()


try:
    from torch.overrides import TorchFunctionMode
except ImportError:
    # On handtorch nobody sees what is made and saved meanwhile: these two traits are not judged there.
    TorchFunctionMode = None


class _Sizes(TorchFunctionMode or contextlib.nullcontext):
    """How many entries the largest tensor of decimal numbers has that is made meanwhile; views of the data do not count."""

    def __init__(self, *data):
        super().__init__()
        self.largest, self.data = 0, {t.untyped_storage().data_ptr() for t in data if TorchFunctionMode}

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        for t in out if isinstance(out, (tuple, list)) else (out,):
            counts = isinstance(t, torch.Tensor) and t.is_floating_point()
            if counts and t.untyped_storage().data_ptr() not in self.data:
                self.largest = max(self.largest, t.numel())
        return out


class _Saved:
    """How many numbers the graphs hold at once for the walk back: at most now, and all in all."""

    def __init__(self):
        self.now = self.peak = self.total = 0

    def pack(self, tensor):
        size = tensor.numel() if tensor.dim() else 0
        self.now, self.total = self.now + size, self.total + size
        self.peak = max(self.peak, self.now)
        return _Held(self, tensor, size)


class _Held:
    def __init__(self, saved, tensor, size):
        self.saved, self.tensor, self.size = saved, tensor, size

    def __del__(self):
        self.saved.now -= self.size


def _probe_accumulate(answer, draw):
    """Eleven readings in fours first (the messages speak of them), then other numbers; twice each, with an old `.grad` or none."""
    # Every number of readings with a size of its own; the sizes that the messages speak of come first.
    cases = [(11, 4), (11, 3), (12, 3), (5, 7), (11, 11), (23, 1)]
    cases += [(n, draw.whole(1, n + 2)) for n in range(1, 24)]
    for n, size in cases:
        u, c = draw.tensor(n, scale=3.0), draw.tensor(n, scale=5.0)
        params = draw.tensor(2).requires_grad_()
        if n % 2 == 0:
            params.grad = draw.tensor(2)
        tried = show_arguments((params, u, c, size), ["params", "t_u", "t_c", "batch_size"])
        for call in (None, "again"):
            record = _in_pieces(tried, answer, params, u, c, size)
            yield {**record, "n": n, "batch": size, **({"call": call} if call else {})}


def _in_pieces(tried, answer, params, t_u, t_c, size):
    """The record of one call: the gradient that it leaves, and what was made and saved meanwhile."""
    sizes, saved, n = _Sizes(t_u, t_c), _Saved(), len(t_u)

    def walk():
        with _packing(saved), sizes:
            answer(params, t_u, t_c, size)
        return [params.grad]

    return trial(f"{tried} ({n} readings)", walk, size=n, after=lambda: _seen_of(sizes, saved, n, size))


def _packing(saved):
    if TorchFunctionMode is None:
        return contextlib.nullcontext()
    return torch.autograd.graph.saved_tensors_hooks(saved.pack, lambda held: held.tensor)


def _seen_of(sizes, saved, n, batch):
    pieces = -(-n // batch)
    # With equal pieces the peak is one piece's share of all that was saved, unless graphs outlive their walk.
    at_once = round(saved.peak * pieces / saved.total) if saved.total and n % batch == 0 else 1
    return {"too large": sizes.largest > max(batch, 2), "graphs at once": at_once}


def _pieces(t_u, t_c, size):
    return [(t_u[k : k + size], t_c[k : k + size]) for k in range(0, len(t_u), size)]


def _weighted(weight, clear=True, clear_inside=False, whole_only=False):
    """A wrong accumulate: each piece's loss is multiplied by weight(readings in it, in all, batch_size, number of pieces)."""

    def answer(params, t_u, t_c, batch_size):
        if clear:
            params.grad = None
        pieces = _pieces(t_u, t_c, batch_size)
        if whole_only:
            pieces = pieces[: len(t_u) // batch_size]
        for u, c in pieces:
            if clear_inside:
                params.grad = None
            (loss_fn(model(u, *params), c) * weight(len(u), len(t_u), batch_size, len(pieces))).backward()

    return answer


def _share(k, n, batch, pieces):
    return k / n


def _one(k, n, batch, pieces):
    return 1.0


def _of_pieces(k, n, batch, pieces):
    return 1 / pieces


def _of_batch(k, n, batch, pieces):
    return 1 / batch


UNDIVIDED = "Three chunks, about three times the gradient: each chunk's mean counts fully."
SHORT = "Right when chunks are equal, wrong with a short last one."
LAST = "Only the last chunk is in your gradient."
SMALL = "Too small: the chunk's mean has divided already."
EIGHT = "11 in chunks of 4: eight readings seen."


def _after(facts, name):
    """The first of what was seen besides the gradient that differs from the due: its value, or None."""
    for s, d in zip(facts.seen, facts.due, strict=False):
        if s["raised"] or s.get("after") is None:
            continue
        for (key, value), (_, due) in zip(s["after"]["dict"], d["after"]["dict"], strict=True):
            if key["text"] == name and value != due:
                return value
    return None


def _gradients_right(facts):
    return all(k in (None, "after", "changed") for k in facts.kinds) and len(facts.seen) == len(facts.due)


def _nobody_wrote(facts):
    return any(s["value"] == {"list": [None]} for s in facts.seen)


def _only_short_ones_wrong(facts):
    wrong = [d for d, k in zip(facts.due, facts.kinds, strict=False) if k == "value"]
    return bool(wrong) and all(d["n"] % d["batch"] for d in wrong)


def _only_old_wrong(facts):
    """Right at a first call that finds no gradient; wrong where one was there."""
    wrong = [d for d, k in zip(facts.due, facts.kinds, strict=False) if k == "value"]
    return bool(wrong) and all(d.get("call") == "again" or d["n"] % 2 == 0 for d in wrong)


EXERCISE_3 = Exercise(
    id="4.3",
    title="Micro-batches",
    reference=accumulate,
    points=2,
    hints=(
        "Each piece counts by its share: its number of readings over the number of all.",
        "Multiply the piece's loss by the share before you call backward. The last piece may be short.",
        "Clear once, before the loop; inside it `(loss * len(chunk_u) / len(t_u)).backward()`.",
    ),
    probe=_probe_accumulate,
    wrong=(
        Wrong(UNDIVIDED, "M42", _weighted(_one)),
        Wrong(UNDIVIDED, "M42", _weighted(_one, clear=False)),
        Wrong(SHORT, "M42", _weighted(_of_pieces)),
        Wrong(SMALL, "M42", _weighted(_of_batch)),
        Wrong(LAST, "M29", _weighted(_share, clear_inside=True)),
        Wrong(LAST, "M29", _weighted(_one, clear_inside=True)),
        Wrong(TWICE, "M28", _weighted(_share, clear=False)),
        Wrong(EIGHT, None, _weighted(_share, whole_only=True)),
        Wrong(EIGHT, None, _weighted(_of_pieces, whole_only=True)),
        Wrong(EIGHT, None, _weighted(lambda k, n, batch, pieces: batch / n, whole_only=True)),
        Wrong("The last chunk is counted as if it were full: weigh it by its own number of readings.", "M42",
              _weighted(lambda k, n, batch, pieces: batch / n)),
        Wrong("11 belongs to the thermometer: use `len(t_u)`.", "M42", _weighted(lambda k, n, batch, pieces: k / 11)),
        Wrong("Too small: divided by all readings, and the chunk's mean had divided already.", "M42",
              _weighted(lambda k, n, batch, pieces: 1 / n)),
    ),
    symptoms=(
        when(lambda f: _gradients_right(f) and _after(f, "too large"),
             "A tensor of 11 readings was made; 4 were allowed.", None),
        when(lambda f: _gradients_right(f) and (_after(f, "graphs at once") or {}).get("number") == 2,
             "Each graph is kept though walked once.", "M35"),
        when(lambda f: _gradients_right(f) and (_after(f, "graphs at once") or {}).get("number", 0) > 2,
             "All chunks' graphs were alive at once.", "M36"),
        raises("does not require grad", "The loss that you walk back from has no link to params.", "M22"),
        when(_nobody_wrote, "params.grad is None after your call: nothing was walked back to params.", "M22"),
        when(_only_old_wrong, TWICE, "M28"),
        when(_only_short_ones_wrong, SHORT, "M42"),
    ),
)  # fmt: skip

# --- 4.4 ---------------------------------------------------------------------------------------------------------


def train_line(n_epochs, lr, params, t_u, t_c):
    opt = torch.optim.SGD([params], lr=lr)
    losses = []
    for _ in range(n_epochs):
        opt.zero_grad()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


class _Counted:
    """A method of the optimizer that notes how often it is named, and how often called."""

    def __init__(self, method):
        self.method, self.named, self.called = method, 0, 0

    def __get__(self, opt, owner=None):
        if opt is None:
            return self.method
        self.named += 1

        def call(*args, **kwargs):
            self.called += 1
            return self.method(opt, *args, **kwargs)

        return call


@contextlib.contextmanager
def _watched_optimizer():
    """Inside, the methods of torch.optim.SGD are counted. Yields what has been counted so far, as a function."""
    zero, step = _Counted(torch.optim.SGD.zero_grad), _Counted(torch.optim.SGD.step)
    make, made = torch.optim.SGD.__init__, []

    def counted(self, *args, **kwargs):
        made.append(1)
        make(self, *args, **kwargs)

    patch = lambda name, new: mock.patch.object(torch.optim.SGD, name, new)
    with patch("zero_grad", zero), patch("step", step), patch("__init__", counted):
        yield lambda: {
            "made": len(made),
            "zero only named": zero.named > 0 and not zero.called,
            "step only named": step.named > 0 and not step.called,
        }


def _probe_train_line(answer, draw):
    cases = [(n, 1e-2, torch.tensor([1.0, 0.0], dtype=torch.float64), t_un.double(), t_c.double()) for n in (30, 1, 2)]
    for n in (3, 8):
        cases.append((n, 0.05, draw.tensor(2), draw.tensor(6), draw.tensor(6, scale=3.0)))
    for n, lr, point, u, c in cases:
        params = point.clone().requires_grad_()
        tried = show_arguments((n, lr, params, u, c), ["n_epochs", "lr", "params", "t_u", "t_c"])
        for call in (None, "again"):
            with _watched_optimizer() as counted:
                record = trial(tried, answer, n, lr, params, u, c, after=partial(_left_by, params, counted))
                record.update(counted(), n=n)
            # The gradient that the last epoch leaves is nobody's business; where the parameters are, is.
            record["changed"] = False
            yield {**record, **({"call": call} if call else {})}


def _left_by(params, counted):
    return {"params": params.detach().clone(), "a new optimizer in each epoch": counted()["made"] > 1}


def _where(record):
    """Where the parameters are after a call: two numbers."""
    return numbers(record["after"]["dict"][0][1])


def _constant(facts):
    """The lists of the trial with 30 epochs: all entries alike, and the first one right."""
    s, d = [(s, d) for s, d in zip(facts.seen, facts.due, strict=False) if d["n"] == 30][0]
    losses, due = numbers(s["value"]), numbers(d["value"])
    return len(losses) == 30 and len(set(losses)) == 1 and close(losses[0], due[0], 1e-6, 0)


def _stays(facts):
    s = [s for s in facts.seen if s["n"] == 30][0]
    return all(close(a, b, 1e-12, 1e-12) for a, b in zip(_where(s), (1.0, 0.0), strict=True))


def _noted(name):
    return lambda facts: any(s.get(name) is True for s in facts.seen)


def _lists_right(facts):
    return all(k in (None, "after") for k in facts.kinds)


def _made_many(facts):
    return _lists_right(facts) and any(s["made"] > 1 for s in facts.seen)


def _ahead(facts):
    """Each list is the due one without its first entry, and one more."""
    for s, d in zip(facts.seen, facts.due, strict=False):
        a, b = numbers(s["value"]), numbers(d["value"])
        if d["n"] < 3 or d.get("call"):
            continue
        if len(a) != len(b) or not all(close(x, y, 1e-6, 1e-9) for x, y in zip(a[:-1], b[1:], strict=True)):
            return False
    return True


def _steps_before_backward(params, lr, data, n, forward_first):
    opt = torch.optim.SGD([params], lr=lr)
    losses = []
    for _ in range(n):
        loss = loss_fn(model(data[0], *params), data[1]) if forward_first else None
        opt.step()
        opt.zero_grad()
        loss = loss_fn(model(data[0], *params), data[1]) if loss is None else loss
        loss.backward()
        losses.append(loss.item())
    return losses


def _behind(forward_first):
    return lambda n_epochs, lr, params, t_u, t_c: _steps_before_backward(
        params, lr, (t_u, t_c), n_epochs, forward_first
    )


def _never_zeroed(n_epochs, lr, params, t_u, t_c):
    opt = torch.optim.SGD([params], lr=lr)
    losses = []
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        opt.step()
        losses.append(loss.item())
    return losses


def _swings(facts):
    """The first two losses of 30 are right, the third is the pendulum's."""
    seen = [s for s in facts.seen if s["n"] == 30][0]
    swing = _never_zeroed(30, 1e-2, torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True),
                          t_un.double(), t_c.double())  # fmt: skip
    return all(close(a, b, 1e-6, 1e-9) for a, b in zip(numbers(seen["value"]), swing, strict=True))


def _list_of_graphs(facts):
    return any(isinstance(s["value"], dict) and any(isinstance(e, dict) and e.get("tracked") for e in s["value"].get("list", []))
               for s in facts.seen)  # fmt: skip


ZERO_NAMED = "From epoch 3 on a pendulum: `zero_grad` is named, not called. Add the parentheses."
BEHIND = "One step behind: the first does nothing."

EXERCISE_4 = Exercise(
    before=load_optimizers,
    id="4.4",
    title="Find the bug: the loop",
    reference=train_line,
    points=2,
    hints=(
        "What must be new in each epoch? The graph is good for one walk.",
        "What must survive until `step`? 4.3 lists four orders.",
        "In the loop: zero_grad, loss = …, backward, step, append.",
    ),
    probe=_probe_train_line,
    wrong=(Wrong(BEHIND, "M74", _behind(True)), Wrong(BEHIND, "M74", _behind(False))),
    symptoms=(
        when(_list_of_graphs, GRAPH, "M36"),
        raises("Trying to backward through the graph a second time",
               "The second epoch walks a graph that is gone: the forward pass has to be run anew for each backward.", "M33"),
        when(_noted("step only named"), "Parameters never move: `step` is named, not called. Add the parentheses.", "M74"),
        when(lambda f: _noted("zero only named")(f) and _swings(f), ZERO_NAMED, "M30"),
        when(lambda f: _constant(f) and not _stays(f),
             "No error now, but the loss list is constant: it is the first epoch's graph.", "M35"),
        when(lambda f: _constant(f) and _stays(f), "The loss never changes: step finds nothing.", "M29"),
        when(_swings, "Epochs 1 and 2 right, from 3 on a pendulum.", "M28"),
        when(_made_many, "Harmless for plain SGD, fatal with momentum: make it once.", "M79"),
        when(_ahead, "Your list is one epoch ahead.", None),
        when(lambda f: f.kind == "after", "The losses are right, the parameters are not where they should be.", "M74"),
    ),
)  # fmt: skip

# --- 4.5 ---------------------------------------------------------------------------------------------------------


def gradient_history(params, t_u, t_c, lr, n):
    p = params.detach().clone().requires_grad_()
    history = []
    for _ in range(n):
        p.grad = None
        loss_fn(model(t_u, *p), t_c).backward()
        history.append(p.grad.clone())
        with torch.no_grad():
            p -= lr * p.grad
    return history


def _probe_gradient_history(answer, draw):
    for n in (3, 1, 2, 7, 12):
        u, c, params = draw.tensor(5), draw.tensor(5, scale=3.0), draw.tensor(2).requires_grad_()
        if n == 7:
            params.grad = draw.tensor(2)
        arguments = (params, u, c, 0.05, n)
        tried = show_arguments(arguments, ["params", "t_u", "t_c", "lr", "n"])
        yield {**trial(tried, answer, *arguments), "n": n}
        yield {**trial(tried, answer, *arguments), "n": n, "call": "again"}
        other = (draw.tensor(2).requires_grad_(), u, c, 0.05, n)
        yield {**trial(tried + ", looked at after another call", _two_calls, answer, arguments, other), "n": n}


def _two_calls(answer, arguments, other):
    first = answer(*arguments)
    answer(*other)
    return first


def _entries(facts, n=3):
    """What came and what is due for the first trial of n epochs: lists of lists of numbers."""
    s, d = [(s, d) for s, d in zip(facts.seen, facts.due, strict=False) if d["n"] == n][0]
    value = s["value"]
    came = [numbers(e) for e in value.get("list", value.get("tuple", []))] if isinstance(value, dict) else []
    return came, [numbers(e) for e in d["value"]["list"]]


def _equal(a, b):
    return len(a) == len(b) and all(close(x, y, 1e-6, 1e-9) for x, y in zip(a, b, strict=True))


def _all_the_last(facts):
    came, due = _entries(facts)
    return len(came) == len(due) and all(_equal(e, due[-1]) for e in came)


def _all_alike(facts):
    came, due = _entries(facts)
    return len(came) == len(due) and all(_equal(e, came[0]) for e in came)


def _shifted(facts):
    came, due = _entries(facts)
    return len(came) == len(due) and all(_equal(a, b) for a, b in zip(came[1:], due[:-1], strict=True))


def _one_epoch_ahead(facts):
    came, due = _entries(facts)
    return len(came) == len(due) and all(_equal(a, b) for a, b in zip(came[:-1], due[1:], strict=True))


def _positions(before):
    def answer(params, t_u, t_c, lr, n):
        p, path = params.detach().clone(), []
        for g in gradient_history(params, t_u, t_c, lr, n):
            if before:
                path.append(p.clone())
            p = p - lr * g
            if not before:
                path.append(p.clone())
        return path

    return answer


def _sums(update_too):
    """No clearing: the update goes along the sum as well, or a list of running sums of the right gradients."""

    def answer(params, t_u, t_c, lr, n):
        p, total, history = params.detach().clone().requires_grad_(), torch.zeros_like(params), []
        for _ in range(n):
            g = torch.autograd.grad(loss_fn(model(t_u, *p), t_c), p)[0]
            total = total + g
            history.append(total.detach().clone())
            with torch.no_grad():
                p -= lr * (total if update_too else g)
        return history

    return answer


def _uphill(params, t_u, t_c, lr, n):
    return gradient_history(params, t_u, t_c, -lr, n)


def _lost_in_the_second_step(facts):
    """One epoch goes well; with more, somebody meets None."""
    alone = [s for s in facts.seen if s["n"] == 1]
    return facts.raised("NoneType") and bool(alone) and not alone[0]["raised"]


def _as_numbers(facts):
    value = facts.seen[0]["value"]
    inside = value.get("list", []) if isinstance(value, dict) else []
    came, due = _entries(facts)
    return (
        bool(inside) and all("list" in e for e in inside) and all(_equal(a, b) for a, b in zip(came, due, strict=True))
    )


POSITIONS = "These are positions; slopes are asked for."
SUMS = "Entry k is the sum of the first k: the gradient is not cleared."

EXERCISE_5 = Exercise(
    before=load_optimizers,
    id="4.5",
    title="A history that stays",
    reference=gradient_history,
    points=2,
    hints=(
        "Train a leaf of your own: `params.detach().clone().requires_grad_()`.",
        "There is one tensor, `p.grad`, and it is reused in each epoch: what do you put into the list?",
        "`history.append(p.grad.clone())` after backward and before the update.",
    ),
    probe=_probe_gradient_history,
    wrong=(
        Wrong(POSITIONS, None, _positions(True)),
        Wrong(POSITIONS, None, _positions(False)),
        Wrong(SUMS, "M28", _sums(True)),
        Wrong(SUMS, "M28", _sums(False)),
        Wrong("You step uphill: subtract.", "M76", _uphill),
    ),
    symptoms=(
        raises("a leaf Variable that requires grad is being used in an in-place operation",
               "a leaf Variable … in-place: the update itself was being watched. Do it under `torch.no_grad()`.", "M44"),
        when(_lost_in_the_second_step, "None in the second step: the parameter had become a result, which keeps no gradient.", "M45"),
        when(lambda f: f.seen[0]["changed"], TOUCHED, None),
        when(lambda f: any(s["changed"] and d["n"] == 7 for s, d in zip(f.seen, f.due, strict=False)), TOUCHED, None),
        when(_list_of_graphs, GRAPH, "M36"),
        when(lambda f: _all_alike(f) and not any(_entries(f)[0][0]),
             "All n entries are zero: you keep the tensor that you clear.", "M41"),
        when(_all_the_last, "All n entries are the last one: the list holds one tensor n times.", "M41"),
        when(_all_alike, "All n entries are alike: the list holds one tensor n times, or nothing was updated.", "M41"),
        when(_as_numbers, "The right numbers, as Python lists: tensors are asked for.", None),
        when(lambda f: "tensor" in f.seen[0]["value"], "One tensor came: a list of n tensors is asked for.", None),
        when(_shifted, "One behind: entry k is the gradient of the epoch before.", None),
        when(_one_epoch_ahead, "One ahead: the gradient at the start is missing.", None),
    ),
)  # fmt: skip

# --- 4.6 ---------------------------------------------------------------------------------------------------------


def _loss_at_ten(momentum, clear=True):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    opt = torch.optim.SGD([params], lr=1e-2, momentum=momentum)
    for _ in range(10):
        if clear:
            opt.zero_grad()
        loss = loss_fn(model(t_un, *params), t_c)
        loss.backward()
        opt.step()
    return loss.item()


class TriedOut(Exercise):
    """A number that no entry of the catalogue knows is run: the message says what it leads to."""

    def grade(self, answer, seed=0):
        verdict = super().grade(answer, seed)
        if verdict.passed or verdict.message != "Not the value that is due.":
            return verdict
        momentum = float(answer)
        if not momentum >= 0:
            return dataclasses.replace(verdict, misconception="M28", message=REFUSED)
        message = (
            f"With your value the loss at epoch 10 is {_loss_at_ten(momentum):.2f}; "
            f"forgotten zeroing gives {_loss_at_ten(0.0, clear=False):.2f}."
        )
        return dataclasses.replace(verdict, misconception="M28", message=message)


REFUSED = "PyTorch refuses it (Invalid momentum value): old gradients would be subtracted."

EXERCISE_6 = TriedOut(
    id="4.6",
    title="Explain with a number",
    reference=1.0,
    hints=(
        "The buffer becomes m · buffer + grad. What does `.grad` become if nobody clears it?",
        "`.grad` becomes 1 · .grad + the new gradient.",
    ),
    wrong=(
        Wrong("Loss at epoch 10 is then 29.03; forgetting gives 29.71: without momentum nothing is remembered.",
              "M28", 0.0),
        Wrong("Friction is left: your pendulum comes to rest, the other one does not.", "M28", 0.9),
        Wrong("Half of each old gradient is forgotten; `.grad` forgets nothing.", "M28", 0.5),
        Wrong("Nearly: after 1000 epochs yours has lost its swing.", "M28", 0.99),
        Wrong("Old gradients would count double each epoch: inf before epoch 100.", "M28", 2.0),
        Wrong(REFUSED, "M28", -1.0),
        Wrong("That is the learning rate, not the memory.", "M28", 0.01),
        Wrong("An infinite weight leaves nothing of the new gradient: nan in the third epoch.", "M28", float("inf")),
    ),
)  # fmt: skip

EXERCISES = [EXERCISE_1, EXERCISE_2, EXERCISE_3, EXERCISE_4, EXERCISE_5, EXERCISE_6]
