"""Chapter 3: asking PyTorch for gradients, and reading what a tensor remembers."""

import torch

from .exercise import Exercise, Wrong
from .record import close, numbers, show_arguments, trial
from .symptoms import COARSE, CUT, DEEP, GRAPH, SUM, TOUCHED, TWICE, TWO, raises, when

# --- 3.1 ---------------------------------------------------------------------------------------------------------


def gradient_of(f, x):
    leaf = x.detach().clone().requires_grad_()
    f(leaf).backward()
    return leaf.grad


FAMILY = {
    "(x**3).sum()": lambda x: (x**3).sum(),
    "(x.sin() * x).sum()": lambda x: (x.sin() * x).sum(),
    "(x**2).mean() + x.sum()": lambda x: (x**2).mean() + x.sum(),
}


def _probe_gradient_of(answer, draw):
    """Plain tensors, tensors that ask for a gradient, and tensors with an old one, of no to two dimensions."""
    for text, f in FAMILY.items():
        for shape in ((), (4,), (2, 3)):
            x = draw.tensor(*shape)
            for state in ("plain", "asks", "old"):
                own = x.clone().requires_grad_(state != "plain")
                if state == "old":
                    own.grad = draw.tensor(*shape)
                tried = f"f = {text}, {show_arguments((own,), ['x'])}"
                tried += {"plain": "", "asks": ", x.requires_grad True", "old": ", x.grad full of old numbers"}[state]
                watch = _Watched(f)
                record = trial(tried, answer, watch, own, after=lambda watch=watch: watch.ever_asked)
                yield {**record, "notes": watch.report(own)}
                yield {**trial(tried, answer, f, own), "call": "again"}
    pair = draw.tensor(2)
    yield trial("f(x) = x * 2, which is two numbers and no loss", lambda: answer(lambda x: x * 2, pair))


class _Watched:
    """f, its value, and what its argument looked like: with a flag when f was called, with a flag that came later, or a misspelt one."""

    def __init__(self, f):
        self.f, self.x, self.asked, self.value, self.ever_asked = f, None, None, None, False

    def __call__(self, x):
        self.x, self.asked = x, x.requires_grad
        self.ever_asked |= x.requires_grad
        out = self.f(x)
        self.value = out.item()
        return out

    def report(self, own):
        x = self.x
        return {
            "value": self.value,
            "own": x is own,
            "asked": self.asked,
            "later": getattr(x, "requires_grad", None),
            "misspelt": hasattr(x, "require_grad"),
            "leaf": getattr(x, "is_leaf", None),
            "walked": bool(getattr(x, "is_leaf", False)) and x.grad is not None,
        }


def _noted(**due):
    """The first trial failed, and f's argument looked like this."""
    return lambda facts: facts.kinds[0] is not None and all(facts.seen[0]["notes"][k] == v for k, v in due.items())


def _returns_the_value(facts):
    came, value = numbers(facts.seen[0]["value"]), facts.seen[0]["notes"]["value"]
    return facts.kinds[0] is not None and len(came) == 1 and close(came[0], value, 1e-6, 1e-9)


def _with_graph(f, x):
    leaf = x.detach().clone().requires_grad_()
    return torch.autograd.grad(f(leaf), leaf, create_graph=True)[0]


def _sums(f, x):
    leaf = x.detach().clone().requires_grad_()
    f(leaf).sum().backward()
    return leaf.grad


def _on_the_callers(f, x):
    x.requires_grad_()
    f(x).backward()
    return x.grad


def _all_but_the_vector_agree(facts):
    return all(k is None for k in facts.kinds[:-1]) and facts.kinds[-1] == "raised"


def _old_gradient_grows(facts):
    """Right for plain input; where `x.grad` held something, that is in the answer."""
    wrong = [k for k, kind in enumerate(facts.kinds) if kind]
    came_back = not any(facts.seen[k]["raised"] or facts.seen[k]["value"] is None for k in wrong)
    return bool(wrong) and came_back and all(_not_plain(facts.due[k]["tried"]) for k in wrong)


def _not_plain(tried):
    return "requires_grad True" in tried or "old numbers" in tried


MEASURED = "Right, and measured: no tensor that asks for a gradient ever went through `f`. Let PyTorch walk back."
CLONE = "`clone` is recorded where x asks for a gradient, so the copy is no leaf: start from `x.detach()`."

EXERCISE_1 = Exercise(
    id="3.1",
    title="Gradient of anything",
    reference=gradient_of,
    points=2,
    hints=(
        "`x` belongs to somebody else: make a leaf of your own with the same numbers.",
        "Then three steps: call `f`, walk back, read the gradient.",
        "`leaf = x.detach().clone().requires_grad_()`, then `f(leaf).backward()`.",
    ),
    probe=_probe_gradient_of,
    wrong=(
        Wrong("Right here, but a vector-valued f should be refused.", "M08", _sums),
        Wrong(GRAPH, "M63", _with_graph),
        Wrong(TOUCHED, "M17", _on_the_callers),
    ),
    symptoms=(
        when(
            lambda f: f.kind == "none" and _noted(leaf=False)(f),
            "None: you asked a tensor that is the result of an operation.",
            "M14",
        ),
        when(
            lambda f: f.kind == "none" and _noted(asked=True, leaf=True, walked=False)(f),
            "grad is None: backward is named but not called, or it is not there at all.",
            "M25",
        ),
        when(
            lambda f: f.kind == "none" and _noted(own=False, walked=True)(f) and any(s["value"] for s in f.seen),
            "That is the gradient of `x`; the walk filled the one of your leaf.",
            "M13",
        ),
        when(lambda f: f.kind == "after", MEASURED, "M01"),
        raises("you can only change requires_grad flags", CLONE, "M18"),
        when(lambda f: f.kind == "none" and not f.kinds[0] and not f.record["notes"]["leaf"], CLONE, "M14"),
        when(_returns_the_value, "That is the value of f: walk back, and return `.grad`."),
        when(
            lambda f: f.seen[0]["value"]["asks"] and f.seen[0]["value"]["shape"] == [],
            "You returned the leaf: its gradient is in `.grad`.",
            None,
        ),
        when(_noted(asked=False, later=True), "The flag came after the forward pass, nothing was recorded.", "M17"),
        when(_noted(asked=False, misspelt=True), "The flag that you set has another name.", "M05"),
        when(
            lambda f: _noted(asked=False, own=True)(f) and f.raised("does not require grad"),
            "You called `f` on `x`, not on a leaf of your own.",
            "M07",
        ),
        when(
            lambda f: _noted(asked=False)(f) and f.raised("does not require grad"),
            "Nobody asked for the gradient of x: a leaf of your own needs the flag.",
            "M07",
        ),
        when(_all_but_the_vector_agree, "Right here, but a vector-valued f should be refused.", "M08"),
        when(lambda f: f.kind == "changed", TOUCHED, "M17"),
        when(_old_gradient_grows, TWICE, "M28"),
        raises("unexpected keyword argument 'require_grad'", "The keyword is `requires_grad`, with an s.", "M05"),
        when(lambda f: f.kind in ("value", "dtype") and _nearly(f), COARSE, "M01"),
    ),
)


def _nearly(facts):
    """Every number of every answer within two hundredths of the due one: a finite difference, not a derivative."""
    pairs = []
    for s, d in zip(facts.seen[:-1], facts.due[:-1], strict=False):
        a, b = numbers(s["value"]), numbers(d["value"])
        if s["raised"] or len(a) != len(b):
            return False
        pairs += zip(a, b, strict=True)
    return bool(pairs) and all(close(a, b, 2e-2, 2e-2) for a, b in pairs)


# --- 3.2 ---------------------------------------------------------------------------------------------------------


def _leaves():
    v = torch.ones(3, requires_grad=True)
    eight = [
        v.clone(), torch.arange(3.0), v.double(), torch.nn.Parameter(v.detach()),
        v[1], v.float(), v.view(3, 1), (v * 3).detach(),
    ]  # fmt: skip
    return [t.is_leaf for t in eight]


EXERCISE_2 = Exercise(
    id="3.2",
    title="Leaf or not",
    reference=_leaves,
    hints=(
        "Made by you, or by an operation on something that requires a gradient?",
        "`.float()` of a float tensor does nothing: it returns the tensor itself.",
    ),
    wrong=(
        Wrong("Write `True` and `False` without quotes.", None, lambda: [str(v) for v in _leaves()]),
        Wrong("Write `True` and `False`, not 1 and 0.", None, lambda: [int(v) for v in _leaves()]),
        Wrong("All alike: there are both kinds.", None, [True] * 8),
        Wrong("All alike: there are both kinds.", None, [False] * 8),
        Wrong(
            "Exactly the other way round: a leaf is what no recorded operation made.",
            "M14",
            lambda: [not v for v in _leaves()],
        ),
    ),
    items=(
        ("clone is an operation; it keeps the link.", "M53"),
        ("a tensor that needs no gradient is a leaf too.", "M14"),
        ("a conversion to another dtype makes a new tensor, and that is recorded.", "M14"),
        ("made by you, not by an operation.", "M55"),
        ("indexing is an operation, and it is recorded.", "M16"),
        ("a float32 tensor is already float: nothing was made.", "M14"),
        ("a view of a watched tensor is a result.", "M16"),
        ("it has no history; who has none is a leaf.", "M53"),
    ),
)

# --- 3.3 ---------------------------------------------------------------------------------------------------------


def trace(t):
    names = []
    step = t.grad_fn
    while step is not None:
        names.append(step.name())
        step = next((f for f, _ in step.next_functions if f is not None), None)
    return names


def _probe_trace(answer, draw):
    from ..thermometer import loss_fn, model, t_c, t_u

    params = torch.tensor([1.0, 0.0], requires_grad=True)
    loss = loss_fn(model(t_u, *params), t_c)
    yield trial("the loss of the thermometer", answer, loss)
    yield {**trial("the loss of the thermometer", answer, loss), "call": "again"}
    w = torch.tensor(2.0, requires_grad=True)
    yield trial("a leaf", answer, w)
    yield trial("a tensor that nobody watches", answer, torch.ones(2))
    yield trial("1 - w * 3", answer, 1 - w * 3)
    # The first operand has no history, the second has one.
    yield trial("torch.ones(2) * w", answer, torch.ones(2) * w)
    yield trial("torch.ones(2) - (w.exp() + 1)", answer, torch.ones(2) - (w.exp() + 1))
    steps = [lambda x: x.sin(), lambda x: x * 2, lambda x: x**2, lambda x: -x, lambda x: x.exp()]
    for _ in range(3):
        y = w
        for _ in range(draw.whole(1, 6)):
            y = steps[draw.whole(0, len(steps) - 1)](y)
        yield trial("a chain of operations on w", answer, y)
    y = w
    for _ in range(3000):
        y = y + 1
    yield trial("a chain of 3000 additions", lambda t: (lambda r: [len(r), r[-1]])(answer(t)), y)
    kept = (w * w).exp()
    yield trial("exp(w * w), and backward afterwards", answer, kept, after=lambda: _still_walks(kept))


def _still_walks(t):
    try:
        t.backward()
        return "the graph is there"
    except RuntimeError:
        return "the graph is gone"


def _holds(text):
    """Any answer of any trial is a list with a text that has this in it."""
    return lambda facts: any(text in str(s["value"]) for s in facts.seen)


def _name_lists(facts):
    """(what came, what is due) of every trial that lists names, as plain texts."""
    for s, d in zip(facts.seen, facts.due, strict=False):
        if "3000" not in d["tried"]:
            yield tuple([e["text"] for e in r["value"].get("list", r["value"].get("tuple"))] for r in (s, d))


def _other_names(facts):
    """As many names as are due, and some that no operation of these graphs has."""
    known = {name for _, due in _name_lists(facts) for name in due}
    return all(len(came) == len(due) for came, due in _name_lists(facts)) and any(
        name not in known for came, _ in _name_lists(facts) for name in came
    )


def _one_step(facts):
    """Each list begins as it should, and ends after one or two names."""
    return all(came == due[: len(came)] and (1 <= len(came) <= 2 or not due) for came, due in _name_lists(facts))


def _other_way(facts):
    """Right on chains; where the way forks, names of the graph, and not those due."""
    chains = [k for s, k in zip(facts.seen, facts.kinds, strict=True) if "chain of operations" in s["tried"]]
    known = {name for _, due in _name_lists(facts) for name in due}
    return (
        facts.kinds[0] is not None
        and not any(chains)
        and all(name in known for came, _ in _name_lists(facts) for name in came)
    )


def _one_short_at_the_end(facts):
    return _shifted(facts, lambda due: due[:-1])


def _shifted(facts, change):
    for s, d in zip(facts.seen, facts.due, strict=False):
        if "3000" in s["tried"]:
            continue
        if s["raised"] or not isinstance(s["value"], dict):
            return False
        if s["value"].get("list", s["value"].get("tuple")) != change(d["value"]["list"]):
            return False
    return any(k for k in facts.kinds)


EXERCISE_3 = Exercise(
    id="3.3",
    title="Read the graph",
    reference=trace,
    points=2,
    hints=(
        "`t.grad_fn.name()` is the first name; a tensor without a history has no `grad_fn`.",
        "`step.next_functions` is a tuple of pairs; the first of each pair is the function, or None.",
        "`step = next((f for f, _ in step.next_functions if f is not None), None)` in a while loop.",
    ),
    probe=_probe_trace,
    symptoms=(
        when(lambda f: f.kind == "after", "The graph was there before; your call has consumed it.", "M26"),
        raises("Trying to backward through the graph", "The graph was there before; your call has consumed it.", "M26"),
        when(_holds("builtin_function_or_method"), "The method is named, not called: `name()`.", "M25"),
        raises(
            "tuple index out of range",
            "At the end of the chain `next_functions` is empty, and an entry may be None: take the first that is not.",
        ),
        when(_holds(" object at 0x"), "The address is in your text: it changes with every run.", None),
        when(lambda f: f.raised("RecursionError"), DEEP),
        raises("StopIteration", "At the end there is no next function: give `next` something to return then, `None`."),
        raises("'tuple' object has no attribute", "An entry of `next_functions` is a pair of a function and a number: take the first of the two."),
        raises("has no attribute 'grad_fn'", "A function has no `grad_fn`: what comes before it stands in `next_functions`."),
        when(lambda f: any("None" in str((s["value"] or {}).get("list", "") if isinstance(s["value"], dict) else "") for s in f.seen),
             "None is no function: it says that this input has no history.", None),
        when(lambda f: _shifted(f, lambda due: due[::-1]), "Start at the loss, end at the leaf.", None),
        when(lambda f: _shifted(f, lambda due: due[1:]), "The first name is missing: the tensor's own `grad_fn`.", None),
        when(_one_short_at_the_end, "The last station, the leaf's, is missing.", None),
        when(lambda f: f.raised("NoneType"), "None is no function: it says that this input has no history.", None),
        when(lambda f: "torch.ones" in f.wanted["tried"], "Where the first input has no history you stop; the second has.", None),
        when(_holds("Tensor"), "Functions are asked for, not tensors.", None),
        when(_other_names, "A name is what `name()` gives, unchanged; you listed something else.", None),
        when(_one_step, "You stopped after one step: go on until there is no next function.", None),
        when(_other_way, "You took another entry than the first that is not None.", None),
        when(lambda f: f.kind in ("value", "shape"), "Not the names that are due: compare the two lists.", None),
    ),
)  # fmt: skip

# --- 3.4 ---------------------------------------------------------------------------------------------------------


def linked_loss(params, t_u, t_c):
    w, b = params
    t_p = w * t_u + b
    return ((t_p - t_c) ** 2).mean()


def _probe_linked_loss(answer, draw):
    for n in (1, 3, 11):
        t_u, t_c = draw.tensor(n, scale=5.0), draw.tensor(n, scale=5.0)
        params = draw.tensor(2).requires_grad_()
        tried = show_arguments((params, t_u, t_c), ["params", "t_u", "t_c"])

        def walk(params=params, t_u=t_u, t_c=t_c):
            params.grad = None
            loss = answer(params, t_u, t_c)
            before = [loss.detach().clone(), loss.grad_fn is not None]
            loss.backward()
            return [*before, None if params.grad is None else params.grad.clone()]

        yield trial(tried, answer, params, t_u, t_c, size=n)
        yield trial(tried + ", then loss.backward() and params.grad", walk, size=n)
        yield {**trial(tried + ", then loss.backward() and params.grad", walk, size=n), "call": "again"}


def _walked(facts):
    """(value right, has a history, gradient or None) of the first walk that came back."""
    for s, d in zip(facts.seen, facts.due, strict=False):
        if "backward" in s["tried"] and not s["raised"] and isinstance(s["value"], dict):
            loss, linked, grad = s["value"]["list"]
            due = d["value"]["list"]
            return close(numbers(loss)[0], numbers(due[0])[0], 1e-6, 1e-9), linked, grad, due[2]
    return None


def _gets(shows):
    def test(facts):
        walked = _walked(facts)
        return walked is not None and shows(*walked)

    return test


def _only_w(right, linked, grad, due):
    a, b = numbers(grad), numbers(due)
    return right and len(a) == 2 and close(a[0], b[0], 1e-6, 1e-9) and a[1] == 0


def _only_b(right, linked, grad, due):
    a, b = numbers(grad), numbers(due)
    return right and len(a) == 2 and close(a[1], b[1], 1e-6, 1e-9) and a[0] == 0


def _value_right(facts):
    return (
        facts.seen
        and not facts.seen[0]["raised"]
        and all(
            close(a, b, 1e-5, 1e-8)
            for a, b in zip(numbers(facts.seen[0]["value"]), numbers(facts.due[0]["value"]), strict=True)
        )
    )


def _rounded(params, t_u, t_c):
    w, b = params
    return ((torch.round(w * t_u + b) - t_c) ** 2).mean()


def _sum_of_squares(params, t_u, t_c):
    w, b = params
    return ((w * t_u + b - t_c) ** 2).sum()


def _mean_gap(params, t_u, t_c):
    w, b = params
    return (w * t_u + b - t_c).mean()


EXERCISE_4 = Exercise(
    id="3.4",
    title="Find the bug: the lost link",
    reference=linked_loss,
    points=2,
    hints=(
        "Print `grad_fn` after each line. Which line prints None first?",
        "`torch.tensor` takes the numbers out. How did `model(t_u, *params)` take `params` apart?",
        "`w, b = params`. And what slope has a function that rounds?",
    ),
    probe=_probe_linked_loss,
    wrong=(
        Wrong("Gradient exactly zero: one operation is flat everywhere.", "M24", _rounded),
        Wrong(SUM, "M02", _sum_of_squares),
        Wrong("Value wrong: the gaps are not squared, so they cancel.", None, _mean_gap),
    ),
    symptoms=(
        when(_gets(lambda right, linked, grad, due: right and grad is None and linked),
             "The copy gets the gradient, params nothing.", "M13"),
        when(_gets(lambda right, linked, grad, due: right and grad is None),
             "backward runs, but params.grad is None: the link above the loss is still cut.", "M58"),
        when(_gets(_only_w), "dL/dw is right, dL/db is missing.", "M59"),
        when(_gets(_only_b), "dL/db is right, dL/dw is missing.", "M59"),
        when(_gets(lambda right, linked, grad, due: grad is not None and linked and not any(numbers(grad))),
             "Gradient exactly zero: one operation is flat everywhere.", "M24"),
        raises("Can't call numpy()", "NumPy cannot see a graph: stay with torch's functions.", "M20"),
        raises("must be real number, not Tensor", "A function of `math` wants one number: stay with torch's functions.", "M21"),
        raises("can be converted to Python scalars", "A function of `math` wants one number: stay with torch's functions.", "M21"),
        when(lambda f: f.raised("does not require grad") and _value_right(f), CUT, "M12"),
        when(lambda f: f.raised("does not require grad") and f.kinds[0] == "value",
             "The link is cut, and the value is not that of predictions that are not rounded.", "M24"),
        raises("implicitly created only for scalar", "The mean is missing: a loss is one number."),
        when(lambda f: (f.raised("has no attribute 'backward'") or f.raised("has no attribute 'detach'")) and _value_right(f), CUT, "M22"),
        when(lambda f: f.raised("has no attribute 'backward'") or f.raised("has no attribute 'detach'"),
             "A tensor is due, and what came has neither a graph nor the right value.", "M22"),
        when(lambda f: f.kind == "value", "Value wrong: compare with the mean of (w·t_u + b - t_c)², nothing rounded.", None),
    ),
)  # fmt: skip

# --- 3.5 ---------------------------------------------------------------------------------------------------------


def _pulls():
    from ..thermometer import t_c, t_u

    return [2 * (u - c) / len(t_u) for u, c in zip(t_u.tolist(), t_c.tolist(), strict=True)]


def _hottest():
    return max(_pulls())


def _gap():
    return _hottest() * 11 / 2


EXERCISE_5 = Exercise(
    id="3.5",
    title="Explain with a number",
    reference=_hottest,
    hints=(
        "Section 3.6 printed eleven numbers of this kind. Which entry belongs to the hottest reading?",
        "The formula is 2·(t_p - t_c)/11, with a prediction of 81.9 and a target of 28.",
    ),
    wrong=(
        Wrong(SUM, "M02", lambda: 11 * _hottest()),
        Wrong(TWO, None, lambda: _hottest() / 2),
        Wrong("Right size, opposite sign. The gap is prediction minus temperature.", None, lambda: -_hottest()),
        Wrong("That is the gap.", None, _gap),
        Wrong(
            "That is the growth over a whole degree; the slope at this prediction is asked for.",
            "M01",
            lambda: _hottest() + 1 / 11,
        ),
        Wrong("Multiplied by t_u: that is its share of dL/dw.", None, lambda: 81.9 * _hottest()),
        Wrong("That is the first reading.", None, lambda: _pulls()[0]),
        Wrong("That is its share of the loss.", None, lambda: _gap() ** 2 / 11),
        Wrong("That is its squared gap, not yet divided and not a slope.", None, lambda: _gap() ** 2),
        Wrong("A non-leaf keeps no gradient unless asked.", "M15", None),
        Wrong("All eleven together.", None, lambda: sum(_pulls())),
        Wrong("Divided by 11 twice.", "M02", lambda: _hottest() / 11),
    ),
)

EXERCISES = [EXERCISE_1, EXERCISE_2, EXERCISE_3, EXERCISE_4, EXERCISE_5]
