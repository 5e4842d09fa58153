"""Chapter 9: the line to blame, what a walk reaches and brings, and the mends of ten broken scripts."""

import contextlib
import io
import math
import sys
import warnings

import torch

from .. import broken
from .exercise import Exercise, Wrong
from .facts import Symptom
from .guard import load_cotangents, load_optimizers
from .record import difference, numbers, show_arguments, trial
from .symptoms import DEEP, FLAT, TOUCHED, TWICE, slow, when


def ends(fragment, message, misconception=None):
    """The first trial that differs ended in an exception with this fragment in its text, or of this type.

    A later trial may end in one that has another cause: what the student reads belongs to the first.
    """

    def shows(facts):
        kind, text = facts.record["raised"]
        return facts.kind == "raised" and (fragment in text or fragment == kind)

    return Symptom(message, misconception, shows, of_error=True)


# --- 9.1 ---------------------------------------------------------------------------------------------------------

CULPRITS = [2, 6, 3, 2, 3]
APPEARS = "the message appears there; the cut is earlier."
LOST = "the prediction had already lost its `grad_fn`."
SLIPS = {  # (snippet, line): what is said to whoever names this line, and no other wrong one
    (1, 1): ("a leaf may be made without the flag, if it is set later: is it?", "M05"),
    (1, 3): ("print `requires_grad` right after the flag is set.", "M05"),
    (1, 4): (LOST, "M57"),
    (1, 5): (APPEARS, "M07"),
    (2, 1): ("the leaf is in order, for one epoch.", "M46"),
    (2, 3): ("the tensor was rebound inside no_grad before.", "M46"),
    (2, 4): (APPEARS, "M07"),
    (2, 5): ("the block is right; what is done inside it?", "M46"),
    (3, 1): ("this leaf asks for its gradient.", "M12"),
    (3, 2): ("this leaf asks for its gradient.", "M12"),
    (3, 4): ("numbers went in, a new leaf came out, one line up.", "M12"),
    (3, 5): (LOST, "M57"),
    (3, 6): (APPEARS, "M07"),
    (4, 1): ("the leaf is in order.", "M61"),
    (4, 3): ("a print changes nothing: is recording on there?", "M61"),
    (4, 4): ("the model is innocent: is recording on at all?", "M61"),
    (4, 5): (LOST, "M57"),
    (4, 6): (APPEARS, "M07"),
    (5, 1): ("the leaf is in order.", "M24"),
    (5, 2): ("the prediction still has its `grad_fn`.", "M24"),
    (5, 4): ("truth values have no slope; where do they first appear?", "M24"),
    (5, 5): ("truth values have no slope; where do they first appear?", "M24"),
    (5, 6): (APPEARS, "M07"),
}


def _with_slip(snippet, line):
    return [line if k == snippet else right for k, right in enumerate(CULPRITS, start=1)]


EXERCISE_1 = Exercise(
    id="9.1",
    title="Name the line",
    reference=lambda: list(CULPRITS),
    rtol=0,
    hints=(
        "Run a snippet without its last line and print `requires_grad` of each tensor.",
        "The first line after which it is False, and should be True, is to blame.",
        "In snippet 2 look at the second epoch; in snippet 4 the leaf says True, and nothing after it does.",
    ),
    wrong=(
        Wrong("Each of these lines only meets the message; the cut is earlier.", "M07", [5, 4, 6, 6, 6]),
        *(Wrong(f"Snippet {s}: {said}", id, _with_slip(s, line)) for (s, line), (said, id) in SLIPS.items()),
    ),
    items=(
        ("print `requires_grad` right after the flag is set.", "M05"),
        ("the tensor was rebound inside no_grad before.", "M46"),
        ("numbers went in, and a new leaf came out.", "M12"),
        ("is recording on at all?", "M61"),
        ("truth values have no slope; where do they first appear?", "M24"),
    ),
)

# --- 9.2 ---------------------------------------------------------------------------------------------------------


def reachable_leaves(t):
    leaves, stack, seen = [], [t.grad_fn], {None}
    while stack:
        function = stack.pop()
        if function in seen:
            continue
        seen.add(function)
        if hasattr(function, "variable"):
            leaves.append(function.variable)
        stack += [source for source, _ in function.next_functions]
    return leaves


def _graphs(draw):
    """(what it is, result, named tensors) for each graph that an answer is tried on."""

    def asks():
        return draw.tensor(3).requires_grad_()

    w, b, t = asks(), asks(), draw.tensor(3)
    yield "w * t_u + b", w * t + b, {"w": w, "b": b, "t_u": t}
    w, b = asks(), asks()
    w.grad = draw.tensor(3)
    yield "w * w + w * b, with an old w.grad", w * w + w * b, {"w": w, "b": b}
    w, b, t = asks(), asks(), draw.tensor(3)
    yield "((w.detach() * t_u + b)**2).mean()", ((w.detach() * t + b) ** 2).mean(), {"w": w, "b": b, "t_u": t}
    a, b, c = asks(), asks(), asks()
    yield "exp(a + b) * sin(b * c)", torch.exp(a + b) * torch.sin(b * c), {"a": a, "b": b, "c": c}
    x = asks()
    y = x
    for _ in range(3000):
        y = y + 1.0
    yield "a chain of 3000 additions to x", y, {"x": x}
    y = x = asks()
    for _ in range(40):
        y = y + y
    yield "y = x, then 40 times y = y + y", y, {"x": x}
    t = draw.tensor(3)
    yield "2 * t_u, without history", 2 * t, {"t_u": t}


def _probe_leaves(answer, draw):
    for text, result, named in _graphs(draw):

        def found(result=result, named=named):
            came = answer(result)
            if not isinstance(came, (list, tuple)):
                return came
            return sorted(_name(each, result, named) for each in came)

        def left(result=result, named=named):
            grads = [None if t.grad is None else t.grad.clone() for t in named.values()]
            try:
                if result.requires_grad:
                    torch.autograd.grad(result.sum(), [t for t in named.values() if t.requires_grad], allow_unused=True)
            except RuntimeError:
                return ["walked", grads]
            return ["whole", grads]

        yield trial(f"t = {text}", found, after=left)


def _name(each, result, named):
    if each is result:
        return "the result"
    for name, tensor in named.items():
        if each is tensor:
            return name
    for name, tensor in named.items():
        if isinstance(each, torch.Tensor) and each.shape == tensor.shape and bool((each == tensor).all()):
            return f"a copy of {name}"
    return "something else"


def _texts(encoded):
    return [e["text"] for e in encoded["list"]]


def _came(fragment):
    return lambda f: f.kind in ("value", "shape") and any(fragment in name for name in _texts(f.record["value"]))


def _doubled(facts):
    came = _texts(facts.record["value"])
    return facts.kind in ("value", "shape") and len(came) > len(set(came))


def _lacks(facts):
    came, due = _texts(facts.record["value"]), _texts(facts.wanted["value"])
    return set(came) < set(due)


def _first_path(t):
    function = t.grad_fn
    while function is not None:
        if hasattr(function, "variable"):
            return [function.variable]
        function = function.next_functions[0][0]
    return []


def _with_a_gradient(t):
    return [leaf for leaf in reachable_leaves(t) if leaf.grad is not None]


MISSING = "A leaf on a second branch is missing."
LAST_TIME = "`.grad` tells who was reached last time, not who can be reached now."

EXERCISE_2 = Exercise(
    id="9.2",
    title="Reachable leaves",
    reference=reachable_leaves,
    points=2,
    hints=(
        "Start at `t.grad_fn` and follow `next_functions`; skip what is None.",
        "A list as a stack of what is still to visit, a set of what has been visited.",
        "`hasattr(function, 'variable')` tells the end of a path; `function.variable` is the leaf.",
    ),
    probe=_probe_leaves,
    wrong=(
        Wrong(MISSING, None, _first_path),
        Wrong(LAST_TIME, "M15", _with_a_gradient),
    ),
    symptoms=(
        ends("RecursionError", DEEP),
        ends("backward through the graph a second time", "The graph is consumed.", "M26"),
        ends("does not require grad", "No walk is needed, and none is possible here: only look.", "M26"),
        ends(
            "'NoneType' object has no attribute",
            "An input without history has no function to visit: its place holds None.",
        ),
        when(_came("a copy of"), "Equal, but not the same object.", "M53"),
        when(
            lambda f: _came("the result")(f) and "without history" in f.wanted["tried"],
            "`2 * t_u` asks for no gradient: from there nothing can be reached, and the list is empty.",
            "M14",
        ),
        when(_came("the result"), "A recorded result is no leaf, even if it is all you were given.", "M14"),
        when(_came("t_u"), "`t_u` is a leaf, but no walk ever reaches it.", "M14"),
        when(_came("something else"), "What came is no leaf: `.variable` of the last function on a path is one."),
        when(_doubled, "A leaf that is used twice is listed twice."),
        when(lambda f: f.kind == "after" and f.record["after"]["list"][0] == {"text": "walked"},
             "The graph is consumed.", "M26"),
        when(lambda f: f.kind == "after", "A walk has left gradients behind: only look.", "M26"),
        when(_lacks, MISSING),
        slow("Too slow where a result is used twice, again and again: there are 2 ** 40 paths. Remember which functions were visited."),
    ),
)  # fmt: skip

# --- 9.3 ---------------------------------------------------------------------------------------------------------


def grad_report(named):
    report = {}
    for name, p in named.items():
        if p.grad is None:
            report[name] = "none"
        elif not torch.isfinite(p.grad).all():
            report[name] = "nan"
        else:
            report[name] = "ok" if (p.grad != 0).any() else "zero"
    return report


def _probe_report(answer, draw):
    nan, inf = math.nan, math.inf
    cases = [
        ("numbers", [draw.number(), draw.number()]),
        ("None", None),
        ("zeros", [0.0, 0.0, 0.0]),
        ("all nan", [nan, nan]),
        ("one nan, not the first", [1.0, 2.0, nan]),
        ("nan and zeros", [nan, 0.0]),
        ("one infinite", [1.0, inf]),
        ("minus infinite", [-inf, 1.0]),
        ("entries that cancel", [1.0, -1.0]),
        ("one zero among numbers", [0.0, 2.0]),
        ("one zero at the end", [2.0, 0.0]),
        ("tiny", [1e-30, 0.0]),
        ("negative", [-1.0, -2.0]),
    ]
    for text, grad in cases:
        p = _leaf_with(grad, draw)
        record = trial(f"a leaf whose .grad is {grad}", answer, {"w": p}, after=lambda p=p: p.grad)
        yield {**record, "case": text}
    several = {name: _leaf_with(cases[k][1], draw) for name, k in (("w", 0), ("b", 1), ("scale", 2), ("shift", 4))}
    several["point"] = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    several["point"].grad = torch.tensor(0.5, dtype=torch.float64)
    record = trial("five leaves: numbers, None, zeros, nan, a single number", answer, several)
    yield {**record, "case": "several"}


def _leaf_with(grad, draw):
    p = draw.tensor(len(grad or [0, 0])).requires_grad_()
    p.grad = None if grad is None else torch.tensor(grad, dtype=torch.float64)
    return p


def _touched(facts):
    """Is the gradient another one than before the call?"""
    return not facts.record["raised"] and difference(facts.record["after"], facts.wanted["after"], 1e-6, 1e-9)


def _says(case, word):
    """The first failing trial is this one, and the report has this word."""

    def shows(facts):
        said = [value.get("text") for _, value in facts.record["value"]["dict"]]
        return facts.wanted["case"] in case and said == [word]

    return shows


EXERCISE_3 = Exercise(
    id="9.3",
    title="Report",
    reference=grad_report,
    hints=(
        "Ask for None first, then for nan and infinity, then for zeros.",
        "`torch.isfinite(p.grad).all()` is false where an entry is nan or infinite.",
        "`(p.grad != 0).any()` is true where an entry is not exactly zero.",
    ),
    probe=_probe_report,
    symptoms=(
        when(_touched, TOUCHED),
        ends("is ambiguous", "Boolean value … ambiguous: a gradient of several numbers is neither true nor false.",
               "M23"),
        ends("NoneType", "One `.grad` is None: ask for that first.", "M38"),
        ends("'bool' object has no attribute", "None == 0 is one truth value and no tensor: ask for None first.", "M38"),
        when(_says(["None"], "zero"), "None: never reached. Zero: reached by a flat function.", "M38"),
        when(_says(["zeros"], "none"), "None: never reached. Zero: reached by a flat function.", "M38"),
        when(_says(["zeros"], "ok"), "Every link is there and nothing gets through: that is 'zero'.", "M38"),
        when(_says(["all nan", "nan and zeros"], "ok"),
             "Every comparison with nan is false: ask for it by name.", "M70"),
        when(_says(["all nan", "nan and zeros"], "zero"),
             "Every comparison with nan is false: ask for it by name.", "M70"),
        when(_says(["one nan, not the first"], "ok"), "Entry 3 is nan; the first is not.", "M70"),
        when(_says(["one infinite", "minus infinite"], "ok"), "inf is no gradient either: report it with nan.", None),
        when(_says(["entries that cancel"], "zero"), "[1, -1] is not zero.", None),
        when(_says(["negative"], "zero"), "A negative slope is a slope.", None),
        when(_says(["one zero among numbers", "one zero at the end"], "zero"),
             "One entry is zero, the other is not: that is a gradient.", None),
        when(_says(["tiny"], "zero"), "1e-30 is small, not zero: allclose hides it.", None),
        when(lambda f: f.wanted["case"] == "several", "Right for one leaf, not for several at once.", None),
    ),
)  # fmt: skip

# --- 9.4 ---------------------------------------------------------------------------------------------------------


def safe_norm(x):
    squares = (x**2).sum(dim=1)
    empty = squares == 0
    safe = torch.where(empty, torch.ones_like(squares), squares)
    return torch.where(empty, torch.zeros_like(squares), torch.sqrt(safe))


def _probe_norm(answer, draw):
    random, mixed = draw.tensor(3, 2), draw.tensor(4, 3)
    mixed[1] = 0.0
    mixed[3] = 0.0
    cases = (
        ("random rows", random),
        ("one row of zeros", torch.zeros(1, 2, dtype=torch.float64)),
        ("rows 2 and 4 are zeros", mixed),
        ("the row (3, 4)", torch.tensor([[3.0, 4.0]], dtype=torch.float64)),
        ("rows with one zero", torch.tensor([[0.0, 3.0], [-2.0, 0.0]], dtype=torch.float64)),
        ("a tiny row", 1e-6 * draw.tensor(1, 2)),
        ("a nan that comes from the loss", draw.tensor(2, 2)),
    )
    for text, x in cases:
        x = x.clone().requires_grad_()
        v = draw.tensor(len(x))
        if "nan" in text:
            v[0] = math.nan

        def slope(x=x, v=v):
            leaf = x.detach().clone().requires_grad_()
            answer(leaf).backward(v)
            return leaf.grad

        yield {**trial(f"{text}: x={show_arguments((x,))}", answer, x), "case": text, "what": "value"}
        yield {**trial(f"{text}: gradient for v={show_arguments((v,))}", slope), "case": text, "what": "slope"}

    def watched(x=mixed):
        with warnings.catch_warnings(), torch.autograd.set_detect_anomaly(True):
            warnings.simplefilter("ignore")
            leaf = x.detach().clone().requires_grad_()
            answer(leaf).sum().backward()
        return leaf.grad

    yield {**trial("rows 2 and 4 are zeros, in anomaly mode", watched), "case": "anomaly mode", "what": "slope"}


def _where_after(x):
    squares = (x**2).sum(dim=1)
    return torch.where(squares > 0, torch.sqrt(squares), torch.zeros_like(squares))


def _fails(what, *cases):
    return lambda f: f.wanted["what"] == what and f.wanted["case"] in cases and f.kind != "raised"


def _is_nan(facts):
    return any(math.isnan(n) for n in numbers(facts.record["value"]))


def _first_value(facts):
    return numbers(facts.record["value"])[0]


NAN = "nan: what is not chosen still multiplies inf by 0. The value was never nan; the slope is."

EXERCISE_4 = Exercise(
    id="9.4",
    before=load_cotangents,
    title="Find the bug: nan",
    reference=safe_norm,
    points=2,
    hints=(
        "Which of the two branches makes the nan, and what does it get as its input?",
        "Guard the input of the root, then choose the result.",
        "`safe = torch.where(squares == 0, torch.ones_like(squares), squares)`, and the root of `safe`.",
    ),
    probe=_probe_norm,
    wrong=(Wrong(NAN, "M70", _where_after),),
    symptoms=(
        ends("is ambiguous", "Boolean value … ambiguous: several rows, one if.", "M23"),
        ends("does not require grad", "Other rows lose their gradient, or this one its graph.", "M59"),
        ends(
            "returned nan values",
            "A nan arises on the way and does not get through; anomaly mode sees it. Guard what goes into the root, with a number above 0.",
            "M70",
        ),
        when(
            _fails("value", "rows with one zero"),
            "A row may hold one zero and not be empty: guard the sum of its squares, not its entries.",
            None,
        ),
        when(
            lambda f: _fails("slope", "a nan that comes from the loss")(f) and not _is_nan(f),
            "Real nans would be hidden too: let none arise instead of clearing it away.",
            "M70",
        ),
        when(
            lambda f: _fails("value", "one row of zeros")(f) and f.kind == "tracked",
            "Right value, no graph: a row of zeros shall still be on the way back.",
            "M59",
        ),
        when(lambda f: f.kind == "tracked", "Other rows lose their gradient.", "M59"),
        when(
            lambda f: _fails("slope", "one row of zeros")(f) and _is_nan(f),
            NAN,
            "M70",
        ),
        when(
            lambda f: _fails("slope", "rows 2 and 4 are zeros")(f) and not _is_nan(f),
            "Other rows lose their gradient.",
            "M59",
        ),
        when(
            lambda f: _fails("value", "one row of zeros")(f) and _first_value(f) > 0 and _even_elsewhere(f),
            "Value at 0 is not 0: a kink was moved, not removed.",
            "M71",
        ),
        when(
            lambda f: f.wanted["what"] == "value" and _same_as(f, lambda row: sum(abs(n) for n in row)),
            "Value wrong for (3, 4): 7, the sum of absolute values.",
        ),
        when(
            lambda f: f.wanted["what"] == "value" and _same_as(f, lambda row: sum(n * n for n in row)),
            "The root is missing: (3, 4) has the length 5.",
        ),
        when(
            lambda f: all(n == round(n) for n in numbers(f.record["value"])) and f.wanted["what"] == "value",
            FLAT,
            "M24",
        ),
        when(
            lambda f: f.wanted["what"] == "value" and f.kind == "value",
            "Value at 0 is not 0, or the others moved with it: nothing shall be added.",
            "M71",
        ),
        when(lambda f: f.kind == "shape", "One length for each row is asked for: shape (n,)."),
        when(
            lambda f: _fails("slope", "a tiny row")(f),
            "A tiny row is no row of zeros: its gradient has the length of v.",
            "M71",
        ),
    ),
)


def _even_elsewhere(facts):
    """Was everything before this trial right to the check's own tolerance?"""
    return all(kind is None for kind in facts.kinds[: facts.first])


def _same_as(facts, of_row):
    x = {"the row (3, 4)": [3.0, 4.0]}
    for s in facts.seen:
        if s["what"] == "value" and s["case"] in x:
            return abs(numbers(s["value"])[0] - of_row(x[s["case"]])) < 1e-6
    return False


# --- 9.5 ---------------------------------------------------------------------------------------------------------


def gradient_ok(f, x):
    leaf = x.detach().clone().requires_grad_()
    y = f(leaf)
    v, u = torch.randn_like(y), torch.randn_like(leaf)
    if not y.requires_grad:
        y = y + 0 * leaf.sum()
    (g,) = torch.autograd.grad(y, leaf, v, allow_unused=True)
    by_walk = 0.0 if g is None else (g * u).sum().item()
    h = 1e-6
    with torch.no_grad():
        change = (f(leaf + h * u) - f(leaf - h * u)) / (2 * h)
    measured = (v * change).sum().item()
    return abs(by_walk - measured) <= 1e-5 * abs(measured)


def _function(value, rule):
    """A function whose value is `value(x)` and whose backward is `rule(x, grad_output)`."""

    class Rule(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return value(x)

        @staticmethod
        def backward(ctx, grad_output):
            (x,) = ctx.saved_tensors
            return rule(x, grad_output)

    return Rule.apply


def _functions(draw):
    """(what it is, f, shape of x, whether its gradient is right)."""
    A, c = draw.tensor(4, 3), draw.tensor(3, scale=2.0)
    S, W = draw.tensor(3, 3), draw.tensor(3).requires_grad_()

    def second_doubled(x, g):
        factor = torch.ones_like(x)
        factor[1] = 2.0
        return 2 * x * g * factor

    return (
        ("x**2", lambda x: x**2, (3,), True),
        ("(x**2).sum()", lambda x: (x**2).sum(), (4,), True),
        ("exp(x) * c", lambda x: torch.exp(x) * c, (3,), True),
        ("A @ x", lambda x: A @ x, (3,), True),
        ("100 * sin(3 * x)", lambda x: 100 * torch.sin(3 * x), (2,), True),
        ("x * x.sum(), x of shape (2, 3)", lambda x: x * x.sum(), (2, 3), True),
        ("x[0] * x[1]", lambda x: x[0] * x[1], (3,), True),
        ("x.mean() * 1e-2", lambda x: x.mean() * 1e-2, (5,), True),
        ("x**3, a Function", _function(lambda x: x**3, lambda x, g: 3 * x**2 * g), (3,), True),
        ("a scalar x cubed", lambda x: x**3, (), True),
        ("x**2, a Function that ignores grad_output", _function(lambda x: x**2, lambda x, g: 2 * x), (3,), False),
        ("exp(x), a Function that ignores grad_output", _function(torch.exp, lambda x, g: torch.exp(x)), (2, 3), False),
        ("sin(x), a Function with the wrong sign", _function(torch.sin, lambda x, g: -torch.cos(x) * g), (3,), False),
        ("S @ x, a Function without the transpose", _function(lambda x: S @ x, lambda x, g: S @ g), (3,), False),
        ("x * x.detach()", lambda x: x * x.detach(), (3,), False),
        ("(x * x.detach()).sum()", lambda x: (x * x.detach()).sum(), (3,), False),
        ("x**2, a Function with the factor 2 missing", _function(lambda x: x**2, lambda x, g: x * g), (3,), False),
        ("x**2, a Function twice too large", _function(lambda x: x**2, lambda x, g: 4 * x * g), (3,), False),
        ("x**2, a Function wrong in the second entry", _function(lambda x: x**2, second_doubled), (3,), False),
        ("x.sum() * x.detach()[0]", lambda x: x.sum() * x.detach()[0], (3,), False),
        ("x**2, all detached", lambda x: (x**2).detach(), (3,), False),
        (
            "x**2, a Function that returns its entries in reverse order",
            _function(lambda x: x**2, lambda x, g: (2 * x * g).flip(-1)),
            (3,),
            False,
        ),
        ("2e-6 * x * x.detach()", lambda x: 2e-6 * x * x.detach(), (3,), False),
        ("x**2, a Function a thousandth too large", _function(lambda x: x**2, lambda x, g: 2.002 * x * g), (3,), False),
        (
            "W * ones(3), with a graph that x is not part of",
            lambda x: W * torch.ones(3, dtype=torch.float64),
            (3,),
            True,
        ),
    )


class _Spied:
    """f, and where it was evaluated: what tells one rejection of a right function from another."""

    def __init__(self, f, x):
        self.f, self.x, self.seen, self.by_gradcheck = f, x.detach().clone(), [], False

    def __call__(self, x):
        self.by_gradcheck |= _called_by_gradcheck(sys._getframe(1))
        if isinstance(x, torch.Tensor) and len(self.seen) < 200:
            gap = x.detach().double() - self.x if x.shape == self.x.shape else self.x * math.nan
            self.seen.append((str(x.dtype).removeprefix("torch."), gap.flatten().tolist()))
        return self.f(x)

    def notes(self):
        gaps = [gap for _, gap in self.seen if any(gap)]
        sizes = [max(abs(n) for n in gap) for gap in gaps]
        return {
            "float32": any(dtype == "float32" for dtype, _ in self.seen),
            "elsewhere": len(gaps),
            "h": min(sizes, default=0.0),
            "both sides": any(_opposite(a, b) for a in gaps for b in gaps),
        }


def _called_by_gradcheck(frame):
    """Is PyTorch's own gradcheck (or handtorch's) among the callers? The frames know, under whatever name it was imported."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__"))
        if frame.f_code.co_name == "gradcheck" and module.startswith(("torch.", "helpers.")):
            return True
        frame = frame.f_back
    return False


def _opposite(a, b):
    size = max(abs(n) for n in a)
    return all(abs(m + n) <= 1e-3 * size for m, n in zip(a, b, strict=True))


def _probe_gradient_ok(answer, draw):
    torch.manual_seed(draw.whole(0, 10**6))
    for k, (text, f, shape, right) in enumerate(_functions(draw)):
        x = draw.tensor(*shape) + 0.5
        if k % 2:  # every other x asks for its gradient and holds an old one
            x.requires_grad_()
            x.grad = draw.tensor(*shape)
        spied = _Spied(f, x)

        def call(spied=spied, x=x):
            verdict = answer(spied, x)
            if isinstance(verdict, torch.Tensor) and verdict.numel() == 1:
                return bool(verdict)
            return bool(verdict) if type(verdict).__name__ in ("bool", "bool_") else verdict

        def left(x=x, spied=spied):
            compared = "by gradcheck" if spied.by_gradcheck else "by yourself"
            return {
                "x moved by": x.detach() - spied.x,
                "x asks": x.requires_grad,
                "x.grad": x.grad,
                "compared": compared,
            }

        tried = f"f = {text}, x of shape {tuple(shape)}"
        record = trial(tried, call, after=left)
        yield {**record, "text": text, "right": right, "notes": spied.notes()}


def _passed(fragment):
    """A wrong function with this in its text is the first that was passed."""
    return lambda f: not f.wanted["right"] and f.record["value"] is True and fragment in f.wanted["text"]


def _rejected(test):
    """A right function was rejected, and the evaluations show this."""

    def shows(facts):
        return (facts.kind == "value" and facts.wanted["right"] and facts.record["value"] is False) and test(
            facts.record["notes"]
        )

    return shows


def _left(k):
    """What the call left behind differs in its k-th entry."""
    return lambda f: f.kind == "after" and f.record["after"]["dict"][k] != f.wanted["after"]["dict"][k]


def _never_elsewhere(facts):
    return not any(s["notes"]["elsewhere"] for s in facts.seen)


EXERCISE_5 = Exercise(
    id="9.5",
    before=load_cotangents,
    title="Check a gradient",
    reference=gradient_ok,
    points=3,
    hints=(
        "Work on a copy: `leaf = x.detach().clone().requires_grad_()`.",
        "`torch.autograd.grad(y, leaf, v, allow_unused=True)` gives v times the Jacobian, or None; `(g * u).sum()` is the first number.",
        "The second number is `(v * (f(x + h*u) - f(x - h*u))).sum() / (2*h)` with h = 1e-6; allow a relative error of 1e-5.",
    ),
    probe=_probe_gradient_ok,
    symptoms=(
        ends("grad can be implicitly created only for scalar", "Refused a vector-valued f: give `grad` a cotangent.",
               "M08"),
        ends("Converted to Scalar", "Refused a vector-valued f.", "M08"),
        ends("a Tensor with", "Refused a vector-valued f: it is no single number.", "M08"),
        ends("does not require grad", "The function that is all detached has no graph: its gradient counts as 0.",
               "M57"),
        ends("not have been used in the graph",
               "A result that x cannot be reached from has the gradient 0: with `allow_unused=True` None comes for it.", "M64"),
        when(_left(3), "Do not call `gradcheck`: compare two numbers of your own.", None),
        when(_left(0), TOUCHED, "M17"),
        when(_left(1), "x asks for its gradient now, and did not before: work on a copy.", "M17"),
        when(_left(2), "`x.grad` is not what it was: work on a copy.", "M28"),
        when(lambda f: f.kind == "value" and _never_elsewhere(f) and not f.wanted["right"],
             "Passed everything: f was never evaluated beside x, so nothing was compared.", None),
        when(_rejected(lambda n: n["float32"]), "Rejected a right one: float32 rounds the difference away.", "M69"),
        when(_rejected(lambda n: 0 < n["h"] < 3e-9), "Rejected a right one: rounding divided by a tiny h.", "M01"),
        when(_rejected(lambda n: n["elsewhere"] and not n["both sides"]),
             "Rejected a right one: your error falls with h only. Measure on both sides.", "M01"),
        when(_rejected(lambda n: n["h"] > 1e-3), "Rejected a right one: h is too large for a curved f.", "M01"),
        when(lambda f: _rejected(lambda n: n["both sides"])(f) and _all_rejected(f) and _takes_half(f),
             "Rejected right ones, and passed one that is off by a factor of 2: the two points lie 2h apart.", "M01"),
        when(lambda f: _rejected(lambda n: n["elsewhere"])(f) and _all_rejected(f),
             "Rejected a right one: two right numbers differ in the last places; compare with a tolerance.", "M03"),
        when(lambda f: _rejected(lambda n: True)(f) and _only_with_old_gradients(f), TWICE, "M28"),
        when(_passed("ignores grad_output"), "Passed a function that ignores grad_output.", "M66"),
        when(_passed("without the transpose"), "Passed a rule without the transpose: draw v at random.", "M66"),
        when(_passed("twice too large"), "Passed a function that is off by a factor of 2.", None),
        when(_passed("reverse order"), "Passed a gradient whose entries are in the wrong order: draw the direction u at random.", "M11"),
        when(_passed("second entry"), "Passed a function that is wrong in the second entry.", "M11"),
        when(_passed("wrong sign"), "Passed a wrong sign: compare the numbers, not their sizes.", None),
        when(_passed("factor 2"), "Passed a function that is off by a factor of 2.", None),
        when(_passed("2e-6"),
             "Passed a tiny gradient that lacks its half: the tolerance shall be relative to the number measured.", "M59"),
        when(_passed("thousandth"), "Passed a gradient that is a thousandth too large: the tolerance is too wide.", None),
        when(_passed("detach"), "Passed a function whose gradient lacks a part.", "M59"),
    ),
)  # fmt: skip


def _takes_half(facts):
    """A gradient that is twice what it should be was passed: both numbers of the answer are doubled."""
    return any(s["value"] is True for s in facts.seen if "twice too large" in s["text"])


def _all_rejected(facts):
    """Were nearly all right functions rejected?"""
    right = [s["value"] for s in facts.seen if s["right"]]
    return sum(v is False for v in right) > 0.7 * len(right)


def _only_with_old_gradients(facts):
    wrong = [k for k, kind in enumerate(facts.kinds) if kind]
    return bool(wrong) and all(k % 2 for k in wrong)


# --- 9.6 ---------------------------------------------------------------------------------------------------------


def _ratio():
    x = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    r = x**2 - 5
    (cut,) = torch.autograd.grad((r.detach() * r * r).sum(), x, retain_graph=True)
    (whole,) = torch.autograd.grad((r * r * r).sum(), x)
    return (cut / whole)[0].item()


EXERCISE_6 = Exercise(
    id="9.6",
    title="Explain with a number",
    reference=_ratio,
    hints=(
        "The product rule has three terms, one for each factor.",
        "One of the three factors counts as a constant. Which terms survive?",
    ),
    wrong=(
        Wrong("Detaching one factor leaves two.", "M57", 0.0),
        Wrong("The value is the same, the gradient is not.", "M59", 1.0),
        Wrong("Upside down: the gradient with the cut is the smaller one.", None, 1.5),
        Wrong("The cut takes one term and leaves the others.", "M59", 1 / 3),
        Wrong("Three factors stand here, not two.", None, 0.5),
        Wrong("How many terms has the product rule here, and how many survive?", None, 2.0),
        Wrong("How many terms has the product rule here, and how many survive?", None, 3.0),
        Wrong("Close: write it as a fraction.", None, 0.67),
        Wrong("Close: write it as a fraction.", None, 0.66),
        Wrong("Close: write it as a fraction.", None, 0.7),
        Wrong("All terms of the product rule have one sign.", None, -2 / 3),
        Wrong("The other factors still lead to the parameters.", "M58", None),
    ),
)

# --- 9.7 ---------------------------------------------------------------------------------------------------------

MENDS = {
    1: (3, "params.requires_grad = True"),
    2: (6, "params = torch.stack([w, b])"),
    3: (8, "params -= 1e-2 * params.grad"),
    4: (6, "loss = loss_fn(model(t_un, *params), t_c)"),
    5: (7, "gap = gap - gap.mean()"),
    6: (5, "loss = loss_fn(model(t_un, *params), t_c)"),
    7: (8, "optimizer.step()"),
    8: (4, "optimizer = torch.optim.SGD([w, b], lr=1e-2)"),
    9: (5, "t_p = model(t_un, *params)"),
    10: (6, "loss = (gap * gap).mean()"),
}


def mend(script):
    return MENDS[script]


def _probe_mends(answer, draw):
    """Each mended script trains on readings of its own: the parameters are compared, for script 10 the gradient as well."""
    for script in MENDS:
        t_un, t_c = draw.tensor(7, dtype=torch.float32), draw.tensor(7, dtype=torch.float32, scale=5.0)

        def call(script=script, t_un=t_un, t_c=t_c):
            line, text = answer(script)
            train = broken.mended(script, line, text)
            with contextlib.redirect_stdout(io.StringIO()):  # script 5 prints, whichever script is to be mended
                trained = train(t_un, t_c)
            parameters = [p.item() for p in trained]
            return parameters + trained.grad.tolist() if script == 10 else parameters

        record = trial(f"script {script}, mended, on seven readings of the check's own", call)
        yield {**record, "script": script, "notes": [t_un.tolist(), t_c.tolist()]}


def _as_if(script, line, text):
    """The parameters are those that this wrong mend gives on the same readings."""

    def shows(facts):
        if not _at(script)(facts):
            return False
        readings = (torch.tensor(values) for values in facts.wanted["notes"])
        with contextlib.redirect_stdout(io.StringIO()):
            trained = broken.mended(script, line, text)(*readings)
        came = numbers(facts.record["value"])
        return all(abs(a - p.item()) < 1e-2 * (1 + abs(a)) for a, p in zip(came, trained, strict=True))

    return shows


CLUES = {
    1: ("question 1: which tensor asks first, and does it?", "M05"),
    2: ("question 2: can a walk from the loss reach w and b?", "M12"),
    3: ("question 1, in the second epoch: does the new params ask?", "M46"),
    4: ("each epoch's loss holds the graphs of all those before it.", "M34"),
    5: ("something that the walk needs is changed before the walk.", "M49"),
    6: ("what is `loss` before `backward` is called on it?", "M22"),
    7: ("question 5: does anything move?", "M74"),
    8: ("question 5: do both parameters move?", "M73"),
    9: ("no tool sees this one: what is the shape of the difference?", "M75"),
    10: ("question 4: compare a gradient with a finite difference.", "M59"),
}


def _at(script):
    return lambda f: f.wanted["script"] == script


def _rate_instead(facts):
    """Script 10 ends at the right parameters with half of the right gradient."""
    came, due = numbers(facts.record["value"]), numbers(facts.wanted["value"])
    right = all(abs(a - b) < 1e-4 * (1 + abs(b)) for a, b in zip(came[:2], due[:2], strict=True))
    return _at(10)(facts) and right and all(abs(2 * a - b) < 1e-3 for a, b in zip(came[2:], due[2:], strict=True))


def _still(script, message, misconception):
    """The script runs, and its parameters are those of the start."""

    def shows(facts):
        return _at(script)(facts) and numbers(facts.record["value"])[:2] == [1.0, 0.0]

    return when(shows, f"Script {script}: {message}", misconception)


EXERCISE_7 = Exercise(
    before=load_optimizers,
    id="9.7",
    title="Ten broken scripts",
    reference=mend,
    points=5,
    rtol=1e-3,
    atol=1e-4,
    hints=(
        "Ask the five questions in their order. Scripts 1 to 6 raise; in 7 to 10 start with question 5.",
        "The line where the error appears is rarely the one to blame: print `requires_grad` above it.",
        "For 9 print the shape of the difference, for 10 use gradcheck on the loss.",
    ),
    probe=_probe_mends,
    symptoms=(
        when(
            lambda f: f.record["raised"] and f.record["raised"][0] in ("SyntaxError", "IndentationError"),
            "The new text is no Python: is a bracket or a quote missing?",
        ),
        ends("has no line", "A line number is outside its script: line 1 is the `def`."),
        ends("cannot unpack", "A pair is asked for: (number of the line, its new text)."),
        ends("values to unpack", "A pair is asked for: (number of the line, its new text)."),
        ends("KeyError", "One of the ten scripts has no mend yet."),
        when(_rate_instead, "Script 10: the right curve, and half of the right gradient: the rate was mended.", "M59"),
        when(
            _as_if(4, 8, "loss.backward(retain_graph=True)"),
            "Script 4: kept graphs add up: each epoch now walks through all those before it.",
            "M35",
        ),
        when(
            _as_if(5, 7, "gap.data -= gap.data.mean()"),
            "Script 5: silent now, and wrong: `.data` hides the change, and the walk uses the changed numbers.",
            "M51",
        ),
        _still(1, "it is silent now, and nothing moves: the loss itself became a leaf.", "M58"),
        _still(2, "a new leaf each time: the optimizer's w and b get nothing.", "M12"),
        _still(3, "it is silent now, and nothing moves.", "M58"),
        _still(6, "a number became a new leaf: the walk ends where it starts.", "M58"),
        *(when(_at(k), f"Script {k}: {clue}", id) for k, (clue, id) in CLUES.items()),
    ),
)

EXERCISES = [EXERCISE_1, EXERCISE_2, EXERCISE_3, EXERCISE_4, EXERCISE_5, EXERCISE_6, EXERCISE_7]
