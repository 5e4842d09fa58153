"""Chapter 5: changing what is being watched, and not recording."""

import dataclasses

import torch

from ..thermometer import loss_fn, model
from .exercise import Exercise, Wrong
from .guard import load_cotangents
from .record import encode, numbers, show_arguments, trial
from .symptoms import CUT, FLAT, GRAPH, MODE, ONES, REACH, TOUCHED, raises, when

# --- 5.1 ---------------------------------------------------------------------------------------------------------


def sgd_step_(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= lr * p.grad


def _leaves(draw, grads):
    params = []
    for has_grad in grads:
        p = draw.tensor(draw.whole(1, 3)).requires_grad_()
        p.grad = draw.tensor(*p.shape) if has_grad else None
        params.append(p)
    return params


def _probe_step(answer, draw):
    for grads, mode in (((True,), True), ((True, True), True), ((True, False, True), True), ((True, True), False)):
        params = _leaves(draw, grads)
        same, lr = list(params), draw.number(0.05, 0.5)
        versions = [p._version for p in params]
        tried = f"{len(params)} leaves, lr={lr:.3g}" + ("" if all(grads) else ", the second with .grad None")
        tried += "" if mode else ", recording off"

        def left(params=params, same=same, versions=versions):
            return {
                "the list holds the tensors that it held": all(a is b for a, b in zip(params, same, strict=True)),
                "leaves that require grad": [p.is_leaf and p.requires_grad for p in params],
                "grad": [p.grad for p in params],
                "moved": [p._version > v for p, v in zip(params, versions, strict=True)],
                "values": [p.detach() for p in params],
                "values before": [p.detach() for p in same],
            }

        with torch.set_grad_enabled(mode):
            yield trial(tried, answer, params, lr, after=left)
    still = _leaves(draw, (True,))
    yield trial("lr=0", answer, still, 0.0, after=lambda: [p.detach() for p in still])


def _left(facts, key):
    """What the first failing call left behind under this key, and what was due."""
    record = facts.record
    come = dict((k["text"], v) for k, v in record["after"]["dict"])[key]
    due = dict((k["text"], v) for k, v in facts.wanted["after"]["dict"])[key]
    return come, due


def _differs(key):
    return lambda facts: _left(facts, key)[0] != _left(facts, key)[1]


def _filled_in(facts):
    """A `.grad` that was None is a tensor after the call."""
    came, due = _left(facts, "grad")
    return any(d is None and c is not None for c, d in zip(came["list"], due["list"], strict=True))


def _grad_gone(facts):
    came, due = _left(facts, "grad")
    return any(c is None and d is not None for c, d in zip(came["list"], due["list"], strict=True))


def _plus(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p += lr * p.grad


def _rebinds(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p = p - lr * p.grad  # noqa: PLW2901


def _replaces(params, lr):
    with torch.no_grad():
        for k, p in enumerate(params):
            if p.grad is not None:
                params[k] = (p - lr * p.grad).requires_grad_()


def _by_data(params, lr):
    for p in params:
        if p.grad is not None:
            p.data -= lr * p.grad


def _by_new_data(params, lr):
    for p in params:
        if p.grad is not None:
            p.data = p.data - lr * p.grad


def _without_rate(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= p.grad


PLAIN_NAME = "Nothing changed: only the name p did."
NEW_TENSORS = "The list holds new tensors; whoever held the old ones sees no step."
DATA = "`.data` (or NumPy) changes the numbers behind autograd's back: see section 5.5."

EXERCISE_1 = Exercise(
    id="5.1",
    title="One step in place",
    reference=sgd_step_,
    points=2,
    hints=(
        "Which block lets a leaf be changed in place?",
        "Skip a tensor whose `.grad` is None; change the others in place.",
        "`with torch.no_grad():`, then `p -= lr * p.grad` for each.",
    ),
    probe=_probe_step,
    wrong=(
        Wrong(PLAIN_NAME, "M47", _rebinds),
        Wrong(NEW_TENSORS, "M48", _replaces),
        Wrong(DATA, "M51", _by_data),
        Wrong(DATA, "M51", _by_new_data),
        Wrong("You step uphill: subtract.", "M76", _plus),
        Wrong("lr = 0 still moves the parameters.", None, _without_rate),
    ),
    symptoms=(
        raises("unsupported operand type(s) for *: 'float' and 'NoneType'", REACH, "M37"),
        raises("'NoneType' object", REACH, "M37"),
        raises("other must be a Tensor", REACH, "M37"),
        raises(
            "Boolean value of Tensor",
            "A gradient of several numbers is neither true nor false: ask `p.grad is not None`.",
            "M23",
        ),
        raises("NoneType", REACH, "M37"),
        raises(
            "leaf Variable that requires grad is being",
            "a leaf Variable … in-place: the update itself was being watched.",
            "M44",
        ),
        when(lambda f: f.kind == "mode", MODE, "M61"),
        when(_differs("the list holds the tensors that it held"), NEW_TENSORS, "M48"),
        when(_filled_in, "`.grad` was None and is zeros now: leave it as it is.", None),
        when(_grad_gone, "`.grad` is gone after your step: that is another function's job.", None),
        when(_differs("grad"), "Your step changed `.grad` itself: read it, and leave it as it is.", None),
        when(_differs("leaves that require grad"), "The next forward pass will not be recorded.", "M46"),
        when(lambda f: _differs("moved")(f) and not _differs("values")(f), DATA, "M51"),
        when(lambda f: f.kind == "changed", PLAIN_NAME, "M47"),
        when(lambda f: f.wanted["tried"] == "lr=0", "lr = 0 still moves the parameters.", None),
        when(_differs("values"), "The values are not those of one step: p - lr·grad for each.", None),
    ),
)

# --- 5.2 ---------------------------------------------------------------------------------------------------------


def evaluate(params, t_u, t_c):
    with torch.no_grad():
        return loss_fn(model(t_u, *params), t_c).item()


class _Recorded:
    """Counts what autograd saves while a function runs: nothing is saved where nothing is recorded."""

    def __init__(self, answer):
        self.answer, self.saved, self.number = answer, 0, None

    def __call__(self, *args):
        hooks = getattr(getattr(torch.autograd, "graph", None), "saved_tensors_hooks", None)
        if hooks is None:
            return self.answer(*args)  # handtorch has no such hooks: value and mode are all that can be seen

        def pack(tensor):
            self.saved += 1
            return tensor

        with hooks(pack, lambda tensor: tensor):
            result = self.answer(*args)
        self.number = isinstance(result, float)
        return result

    def seen(self):
        return {"a graph was built": self.saved > 0, "the result is a float": self.number}


def _probe_evaluate(answer, draw):
    for n, mode in ((1, True), (3, True), (11, True), (4, False)):
        t_u, t_c = draw.tensor(n, scale=3.0), draw.tensor(n, scale=3.0)
        params = draw.tensor(2).requires_grad_()
        params.grad = draw.tensor(2)
        tried = show_arguments((params, t_u, t_c), ["params", "t_u", "t_c"]) + ("" if mode else ", recording off")
        watched = _Recorded(answer)
        with torch.set_grad_enabled(mode):
            yield trial(tried, watched, params, t_u, t_c, size=n, after=lambda w=watched: w.seen())
    params = draw.tensor(2).requires_grad_()
    for mode in (True, False):
        with torch.set_grad_enabled(mode):
            tried = "readings of two lengths, which raises an error" + ("" if mode else ", recording off")
            yield trial(tried, _any_error(answer), params, draw.tensor(11), draw.tensor(2))


def _any_error(answer):
    """The same function; whatever error it ends with counts as PyTorch's."""

    def call(*args):
        try:
            return answer(*args)
        except NotImplementedError:
            raise
        except Exception as error:
            raise RuntimeError(str(error)) from error

    return call


def _switch_by_hand(params, t_u, t_c):
    torch.set_grad_enabled(False)
    value = loss_fn(model(t_u, *params), t_c).item()
    torch.set_grad_enabled(True)
    return value


def _built(facts):
    return facts.record["after"]["dict"][0][1]


def _grad_changed(facts):
    return facts.kind == "changed"


EXERCISE_2 = Exercise(
    id="5.2",
    title="Evaluate",
    reference=evaluate,
    hints=(
        "A block with `with` gives the mode back whatever happens inside.",
        "`with torch.no_grad():`, and `.item()` for the number.",
    ),
    probe=_probe_evaluate,
    wrong=(Wrong(MODE, "M61", _switch_by_hand),),
    symptoms=(
        raises(
            "does not support the context manager",
            "TypeError: the class stands there, not a context made from it.",
            "M60",
        ),
        raises("does not require grad", "backward has no place in an evaluation: nothing is to be walked.", "M81"),
        when(lambda f: f.kind == "mode", MODE, "M61"),
        when(
            lambda f: f.kind == "type" and "tensor" in f.record["value"] and f.record["value"]["tracked"],
            GRAPH,
            "M36",
        ),
        when(
            lambda f: f.kind in ("type", "after") and "tensor" in f.record["value"],
            "A number is due: `.item()`. If it was made in inference mode, your tensor may never enter a training graph.",
            "M62",
        ),
        when(
            lambda f: f.kind == "changed" and _built(f),
            "params.grad changed during an evaluation.",
            "M81",
        ),
        when(_grad_changed, TOUCHED, "M18"),
        when(
            lambda f: f.kind == "after" and _built(f),
            "A graph was built during your call, and then thrown away.",
            "M81",
        ),
    ),
)

# --- 5.3 ---------------------------------------------------------------------------------------------------------

LETTERS = ["R", "L", "L", "R", "L", "R", "S", "S", "S"]


class Letters(Exercise):
    """Small letters are as good as capitals, and all nine are shown."""

    def grade(self, answer, seed=0):
        if isinstance(answer, str):
            came = {"came": repr(answer[:80])}
            return self._verdict(False, 'A list of nine letters is due: `["R", …]`.', None, came)
        if not isinstance(answer, (list, tuple)):
            return super().grade(answer, seed)
        letters = [e.upper() if isinstance(e, str) else e for e in answer]
        verdict = super().grade(letters, seed)
        if "came" not in verdict.evidence:
            return verdict
        return dataclasses.replace(verdict, evidence={"came": " ".join(str(e)[:8] for e in letters[:20])})


EXERCISE_3 = Letters(
    id="5.3",
    title="Right, loud, silent",
    reference=lambda: list(LETTERS),
    points=2,
    hints=(
        "Look at the second epoch: who is a leaf there, and whose `.grad` is read?",
        "Loops 7 to 9 raise nothing. Does anything move in them?",
    ),
    wrong=(
        Wrong("All alike: each of the three letters occurs.", None, ["R"] * 9),
        Wrong("All alike: each of the three letters occurs.", None, ["L"] * 9),
        Wrong("All alike: each of the three letters occurs.", None, ["S"] * 9),
    ),
    items=(
        ("nothing is hidden here; losses agree with the reference.", "M44"),
        ("raises at once: the leaf is being watched.", "M44"),
        ("run a second epoch; whose `.grad` do you read then?", "M45"),
        ("is the loop of 5.2 that makes a new leaf: its losses fall as they should.", "M45"),
        ("raises in the second epoch: the new tensor asks for nothing.", "M46"),
        ("raises nothing, and here its numbers are right.", "M51"),
        ("compare the list before and after.", "M47"),
        ("runs, and `params.grad` is None.", "M58"),
        ("the optimizer steps a tensor that nobody uses.", "M48"),
    ),
)

# --- 5.4 ---------------------------------------------------------------------------------------------------------


def calc_forward(params, t_u, t_c, is_train):
    with torch.set_grad_enabled(is_train):
        return loss_fn(model(t_u, *params), t_c)


def _probe_forward(answer, draw):
    for mode in (True, False):
        for is_train in (True, False):
            t_u, t_c = draw.tensor(4, scale=3.0), draw.tensor(4, scale=3.0)
            params = draw.tensor(2).requires_grad_()
            tried = f"is_train={is_train}, recording {'on' if mode else 'off'} outside"
            watched = _Recorded(answer)
            with torch.set_grad_enabled(mode):
                record = trial(
                    tried,
                    watched,
                    params,
                    t_u,
                    t_c,
                    is_train,
                    size=4,
                    after=lambda w=watched: {"a graph was built": w.saved > 0},
                )
                yield {**record, "notes": is_train}
                yield trial(tried + ", then with ones", _scaled(answer), params, t_u, t_c, is_train, size=4)
                tried += ", readings of two lengths, which raises an error"
                yield trial(tried, answer, params, draw.tensor(4), draw.tensor(3), is_train)


def _scaled(answer):
    """Does the result take part in later training?"""

    def call(params, t_u, t_c, is_train):
        own = params.detach().clone().requires_grad_()
        value = answer(own, t_u, t_c, is_train)
        with torch.enable_grad():
            factor = torch.ones((), dtype=value.dtype, requires_grad=True)
            (factor * value).backward()
        return [factor.grad, own.grad]

    return call


def _bare(params, t_u, t_c, is_train):
    torch.set_grad_enabled(is_train)
    return loss_fn(model(t_u, *params), t_c)


def _back_to_true(params, t_u, t_c, is_train):
    torch.set_grad_enabled(is_train)
    loss = loss_fn(model(t_u, *params), t_c)
    torch.set_grad_enabled(True)
    return loss


def _inverted(params, t_u, t_c, is_train):
    with torch.set_grad_enabled(not is_train):
        return loss_fn(model(t_u, *params), t_c)


def _never(params, t_u, t_c, is_train):
    with torch.no_grad():
        return loss_fn(model(t_u, *params), t_c)


def _always(params, t_u, t_c, is_train):
    with torch.enable_grad():
        return loss_fn(model(t_u, *params), t_c)


def _as_it_is(params, t_u, t_c, is_train):
    return loss_fn(model(t_u, *params), t_c)


def _flag_on_the_loss(params, t_u, t_c, is_train):
    with torch.no_grad():
        return loss_fn(model(t_u, *params), t_c).requires_grad_(is_train)


def _detached_later(params, t_u, t_c, is_train):
    loss = loss_fn(model(t_u, *params), t_c)
    return loss if is_train else loss.detach()


def _not_switched_on(facts):
    """The first thing that is missing is the graph of a call with is_train=True, made where recording was off."""
    value = facts.record["value"]
    off = facts.wanted["tried"].startswith("is_train=True, recording off")
    return off and facts.kind == "tracked" and not value["tracked"] and not value["asks"]


EXERCISE_4 = Exercise(
    id="5.4",
    title="Find the bug: calc_forward",
    reference=calc_forward,
    points=2,
    hints=(
        "What is `torch.is_grad_enabled()` before the call, and after it?",
        "`with`: the context gives the mode back, after an error too.",
    ),
    probe=_probe_forward,
    wrong=(
        Wrong(MODE, "M61", _bare),
        Wrong(MODE, "M61", _back_to_true),
        Wrong("Training has no graph, evaluation has one.", None, _inverted),
        Wrong("Nothing is recorded, though `is_train` is True.", "M57", _never),
        Wrong(GRAPH, "M81", _always),
        Wrong(GRAPH, "M81", _as_it_is),
        Wrong("The flag is on, the link to params is not.", "M58", _flag_on_the_loss),
        Wrong("Built, then detached.", "M81", _detached_later),
    ),
    symptoms=(
        raises(
            "'function' object does not support the context manager",
            "`no_grad` takes no condition; `set_grad_enabled` does.",
            "M60",
        ),
        raises("Inference tensors", "Your result cannot take part in later training.", "M62"),
        when(lambda f: f.kind == "mode", MODE, "M61"),
        when(
            lambda f: f.kind in ("type", "raised") and f.record.get("notes") is False,
            "A tensor is due in both cases.",
            None,
        ),
        when(_not_switched_on, "Recording was off, and you did not switch it on.", "M57"),
        when(
            lambda f: f.kind == "tracked" and f.record["value"]["asks"],
            "The flag is on, the link to params is not.",
            "M58",
        ),
        when(lambda f: f.kind == "tracked" and f.record["value"]["tracked"], GRAPH, "M81"),
        when(lambda f: f.kind == "after" and _built(f), "Built, then detached.", "M81"),
    ),
)

# --- 5.5 ---------------------------------------------------------------------------------------------------------


def _reported():
    w = torch.tensor(2.0, requires_grad=True)
    y = w**3
    w.data.fill_(10.0)
    y.backward()
    return w.grad.item()


EXERCISE_5 = Exercise(
    id="5.5",
    title="Explain with a number",
    reference=_reported,
    hints=(
        "backward reads `w` when it runs, not when `y` was made.",
        "3·w², at which w?",
    ),
    wrong=(
        Wrong("That is the truth, not what is reported.", "M51", 12.0),
        Wrong("That is the value of w**3 now; a slope is asked for.", "M51", 1000.0),
        Wrong("That is the value that was computed.", "M51", 8.0),
        Wrong("The square was lost: 3·w², with w read when backward runs.", "M51", 30.0),
        Wrong("One power too many.", "M51", 3000.0),
        Wrong("The factor 3 is missing.", "M51", 100.0),
        Wrong("`.data` moves no version counter: nothing is noticed.", "M51", "error"),
        *(Wrong("`.data` moves no version counter: nothing is noticed.", "M51", word)
          for word in ("RuntimeError", "Error", "an error", "raises", "an error is raised")),
        Wrong("The link is whole; only the saved value has changed.", "M51", None),
        Wrong("That was the square of 5.5's section; here it is a cube.", "M51", 200.0),
        Wrong("The factor 2 is that of a square: here it is a cube.", "M51", 20.0),
        Wrong("The link is whole, and the slope is not zero.", "M51", 0.0),
    ),
)  # fmt: skip

# --- 5.6 ---------------------------------------------------------------------------------------------------------


def straight_through(x):
    return x + (torch.round(x) - x).detach()


def _probe_straight(answer, draw):
    for shape in ((3,), (5,), (2, 3), ()):
        x, v = draw.tensor(*shape, scale=3.0).requires_grad_(), draw.tensor(*shape)

        def walk(x=x, v=v):
            x.grad = None
            answer(x).backward(v)
            return None if x.grad is None else x.grad.clone()

        yield {**trial(show_arguments((x,), ["x"]), answer, x), "notes": _operations(answer, x)}
        yield {**trial(f"{show_arguments((x, v), ['x', 'v'])}, y.backward(v), x.grad", walk), "notes": encode(v)}
    halves = torch.tensor([0.5, 1.5, 2.5, -0.5, -1.5], dtype=torch.float64).requires_grad_()
    yield trial(show_arguments((halves,), ["x"]), answer, halves)
    plain = draw.tensor(4, scale=3.0)
    yield trial(show_arguments((plain,), ["x"]) + ", which requires no gradient", answer, plain)


def _operations(answer, x):
    """The names of the operations behind the answer, the last first: what tells one zero gradient from another."""
    try:
        steps, names = [answer(x.detach().clone().requires_grad_()).grad_fn], []
    except Exception:
        return []
    while steps:
        step = steps.pop(0)
        if step is not None and len(names) < 50:
            names.append(step.name())
            steps += [f for f, _ in step.next_functions]
    return names


def _zero_by(*names, without=()):
    def shows(facts):
        made_by = facts.seen[0]["notes"]
        found = made_by[: len(names)] == list(names) and not any(n in made_by for n in without)
        return found and _values_right(facts) and all(not any(a) for a, _ in _walks(facts))

    return shows


def _walks(facts):
    """Pairs of the numbers that came and were due after each walk."""
    return [
        (numbers(s["value"]), numbers(d["value"]))
        for s, d in zip(facts.seen, facts.due, strict=False)
        if "backward" in s["tried"] and not s["raised"]
    ]


def _values_right(facts):
    return all(
        k in (None, "tracked") for k, s in zip(facts.kinds, facts.seen, strict=False) if "backward" not in s["tried"]
    )


def _floored(facts):
    """Whole numbers, none above the rounded one and some below."""
    came, due = (numbers(r["value"]) for r in (facts.record, facts.wanted))
    return all(c == round(c) and 0 <= d - c <= 1 for c, d in zip(came, due, strict=True))


EXERCISE_6 = Exercise(
    id="5.6",
    before=load_cotangents,
    title="Straight through",
    reference=straight_through,
    hints=(
        "Which number has to be added to `x` so that the sum is `torch.round(x)`?",
        "`x` plus something that has the value `torch.round(x) - x` and no history.",
    ),
    probe=_probe_straight,
    symptoms=(
        when(lambda f: any(s["changed"] for s in f.seen), TOUCHED, "M49"),
        raises("in-place operation", TOUCHED, "M49"),
        when(lambda f: f.wanted["tried"].startswith("x=") and "0.5, 1.5, 2.5" in f.wanted["tried"],
             "Right but for halves: `torch.round` takes the even neighbour, 2.5 becomes 2.", None),
        when(lambda f: f.kind == "value" and _values_right(f) and all(a == [-n for n in b] for a, b in _walks(f)),
             "The slope is reversed: it is the other term that is not to be watched.", "M59"),
        when(
            lambda f: f.kind == "tracked" and not f.record["value"]["tracked"] and f.record["value"]["asks"],
            "The result is a leaf; x gets nothing.",
            "M58",
        ),
        when(lambda f: f.kind == "tracked" and f.record["value"]["tracked"] and "no gradient" in f.wanted["tried"],
             "A plain x gives a plain result: nothing needs a graph there.", None),
        when(lambda f: f.kind == "tracked", CUT, "M57"),
        raises("does not require grad", CUT, "M57"),
        when(lambda f: f.kind == "none" and _values_right(f),
             "After the walk `x.grad` is None: it went to a leaf of your own.", "M13"),
        when(_zero_by("RoundBackward0"), "Gradient exactly zero.", "M24"),
        when(_zero_by("SubBackward0", without=["RoundBackward0"]),
             "Zero: x enters once with plus, once with minus, both watched.", "M59"),
        when(_zero_by("SubBackward0"), "Zero: the last two terms' slopes cancel the first.", "M59"),
        when(_zero_by("AddBackward0", "torch::autograd::AccumulateGrad", "SubBackward0"),
             "Zero: the last two terms' slopes cancel the first.", "M59"),
        when(
            lambda f: _values_right(f) and all(not any(a) for a, _ in _walks(f)),
            FLAT,
            "M24",
        ),
        when(
            lambda f: _values_right(f) and all(all(abs(n - 1) < 1e-9 for n in a) for a, _ in _walks(f)),
            ONES,
            "M66",
        ),
        when(lambda f: f.kind == "value" and _floored(f), "2.7 became 2.", None),
        when(lambda f: f.kind == "value" and all(n == round(n) for n in numbers(f.record["value"])),
             "Whole numbers, but not the nearest ones.", None),
        when(
            lambda f: f.kind == "value" and all(close_pair(a, b) for a, b in _walks(f)),
            "Gradient right, value unrounded.",
            None,
        ),
    ),
)  # fmt: skip


def close_pair(a, b):
    return len(a) == len(b) and all(abs(x - y) < 1e-9 for x, y in zip(a, b, strict=True))


EXERCISES = [EXERCISE_1, EXERCISE_2, EXERCISE_3, EXERCISE_4, EXERCISE_5, EXERCISE_6]
