"""Chapter 6: products with the Jacobian, broadcasting and logits on the way back, second derivatives, a Function.

The probes note, beside what an answer gives, what well-known mistakes would give on the same input; `gives` compares.
"""

import inspect

import torch
import torch.nn.functional as F

from .exercise import Exercise, Wrong
from .guard import load_cotangents
from .record import calls, close, numbers, short, show_arguments, trial
from .symptoms import COARSE, GRAPH, ONES, SIGN, SUM, TOUCHED, TWICE, TWO, raises, when

EXACT = 1e-9  # float32 in between is seen


def gives(name, message, misconception=None):
    """The first answer that is not the one due is the one that a mistake gives, which the probe noted under this name."""

    def shows(facts):
        note, came = facts.record["notes"].get(name), numbers(facts.record["value"])
        return (
            facts.kind in ("value", "shape")
            and bool(note)
            and len(came) == len(note)
            and all(close(a, b, 1e-6, 1e-9) for a, b in zip(came, note, strict=True))
        )

    return when(shows, message, misconception)


def _listed(**tensors):
    return {name: t.flatten().tolist() for name, t in tensors.items() if t is not None}


def _again_doubles(facts):
    """A second call on the same input gives twice what the first gave, whatever else happened."""
    for before, seen in zip(facts.seen, facts.seen[1:], strict=False):
        if seen.get("call") == "again" and not seen["raised"]:
            a, b = numbers(before["value"]), numbers(seen["value"])
            if any(a) and len(a) == len(b) and all(close(y, 2 * x, 1e-6, 1e-9) for x, y in zip(a, b, strict=True)):
                return True
    return False


def _near(facts):
    """The first number that is wrong is right to five digits: rounding in float32, or a finite difference."""
    a, b = numbers(facts.record["value"]), numbers(facts.wanted["value"])
    return (
        facts.kind in ("value", "dtype")
        and len(a) == len(b) > 0
        and all(close(x, y, 1e-2, 1e-2) for x, y in zip(a, b, strict=True))
    )


def _in_float32(facts):
    """The right numbers, in float32 where float64 is due."""
    seen, due = facts.record["value"], facts.wanted["value"]
    if facts.kind not in ("value", "dtype") or not all(isinstance(x, dict) and "tensor" in x for x in (seen, due)):
        return False
    pairs = zip(numbers(seen), numbers(due), strict=False)
    return (seen["dtype"], due["dtype"]) == ("float32", "float64") and all(close(a, b, 1e-5, 1e-6) for a, b in pairs)


FLOAT32 = "Right, but in float32, and what comes in is float64: give the tensors that you make the input's type, with `dtype=`."


def _not_finite(facts):
    return facts.kind == "value" and not all(abs(n) < float("inf") for n in numbers(facts.record["value"]))


def _graph(facts):
    return facts.kind == "tracked" and bool(facts.record["value"]["tracked"] or facts.record["value"]["asks"])


# --- 6.1 ---------------------------------------------------------------------------------------------------------


def vjp(f, x, v):
    leaf = x.detach().clone().requires_grad_()
    (product,) = torch.autograd.grad(f(leaf), leaf, v)
    return product


# Each as (text, function, shape of x). The first has as many outputs as inputs, and its Jacobian is not symmetric.
SQUARE = ("stack([x0*x1, x0**2, sin(x2)*x1])", lambda x: torch.stack([x[0] * x[1], x[0] ** 2, x[2].sin() * x[1]]), (3,))
TALL = ("stack([x0*x1, x0**2, x1])", lambda x: torch.stack([x[0] * x[1], x[0] ** 2, x[1]]), (2,))
WIDE = ("stack([x0*x2 + x1, x0*x3])", lambda x: torch.stack([x[0] * x[2] + x[1], x[0] * x[3]]), (4,))
ELEMENTWISE = ("sin(x)", lambda x: x.sin(), (3,))
MATRIX = ("x[:, None] * x**2, a matrix", lambda x: x[:, None] * x**2, (3,))
COLUMNS = ("(x**2).sum(0) of a matrix x", lambda x: (x**2).sum(0), (2, 3))
NUMBER = ("(x**3).sum()", lambda x: (x**3).sum(), (4,))


def _probe_vjp(answer, draw):
    for text, f, shape in (SQUARE, TALL, WIDE, MATRIX, COLUMNS, ELEMENTWISE, NUMBER):
        x = draw.tensor(*shape)
        v = draw.tensor(*f(x).shape)
        tried = f"f = {text}, {show_arguments((x, v), ['x', 'v'])}"
        J = torch.autograd.functional.jacobian(f, x).reshape(v.numel(), x.numel())
        notes = _listed(
            ones=J.sum(0),
            times=J.sum(0) * v.flatten() if v.numel() == x.numel() else None,
            from_the_right=J @ v.flatten() if v.numel() == x.numel() else None,
            jacobian=J if v.numel() > 1 else None,
            mean=v.flatten() @ J / v.numel(),
        )
        yield {**trial(tried, answer, f, x, v, size=v.numel()), "notes": notes}
        yield {**trial(tried, answer, f, x, v, size=v.numel()), "notes": notes, "call": "again"}
        yield {**trial(tried, answer, f, x.clone(), v, size=v.numel()), "notes": notes, "call": "copy"}
    for text, f, shape in (SQUARE, TALL):
        x = draw.tensor(*shape).requires_grad_()
        x.grad = draw.tensor(*shape)
        v = draw.tensor(*f(x).shape)
        tried = f"f = {text}, {show_arguments((x, v), ['x', 'v'])}, where x asks and x.grad is full of old numbers"
        yield {**trial(tried, answer, f, x, v), "notes": {}}


EXERCISE_1 = Exercise(
    id="6.1",
    before=load_cotangents,
    title="A product, not a matrix",
    reference=vjp,
    points=2,
    hints=(
        "`x` belongs to somebody else: make a leaf of your own with the same numbers.",
        "The walk starts at `f(leaf)`, and `v` is what it starts with.",
        "`torch.autograd.grad(f(leaf), leaf, v)` gives a tuple with one entry.",
    ),
    probe=_probe_vjp,
    rtol=EXACT,
    symptoms=(
        raises("Mismatch in shape", "Mismatch in shape: v belongs to the output.", "M09"),
        when(
            lambda f: f.kind == "type" and "tuple" in f.record["value"],
            "`autograd.grad` returns a tuple: take its first entry.",
            None,
        ),
        when(
            lambda f: f.kind == "none" and "old numbers" in f.wanted["tried"],
            "A clone of a watched tensor is a result, and its `.grad` stays None: `detach()` first.",
            "M14",
        ),
        gives("ones", ONES, "M11"),
        gives("times", ONES, "M11"),
        gives("from_the_right", "You multiplied from the other side: v has the output's shape.", None),
        gives("jacobian", "That is the whole Jacobian. One row is asked for: its rows, weighed by v and added.", "M11"),
        gives("mean", "Too small by the number of outputs.", "M02"),
        raises(
            "'float' object is not iterable",
            "'float' object is not iterable: the cotangent is a tensor of the output's shape.",
            "M10",
        ),
        raises("size mismatch", "You multiplied from the other side: v has the output's shape.", None),
        when(_again_doubles, TWICE, "M28"),
        when(lambda f: f.kind == "changed", TOUCHED, "M17"),
        when(lambda f: "old numbers" in f.wanted["tried"], TWICE, "M28"),
        when(_graph, GRAPH, "M63"),
        when(_in_float32, FLOAT32, None),
        when(_near, COARSE, "M01"),
    ),
)

# --- 6.2 ---------------------------------------------------------------------------------------------------------


def jacobian(f, x):
    leaf = x.detach().clone().requires_grad_()
    y = f(leaf)
    rows = []
    for v in torch.eye(len(y), dtype=y.dtype):
        (row,) = torch.autograd.grad(y, leaf, v, retain_graph=True)
        rows.append(row)
    return torch.stack(rows)


CONSTANT = ("stack([x0*x1, 3, x2])", lambda x: torch.stack([x[0] * x[1], torch.ones_like(x[0]) * 3, x[2]]), (3,))
ONE_IN = ("stack([x0, x0**2, x0**3])", lambda x: torch.stack([x[0], x[0] ** 2, x[0] ** 3]), (1,))
ONE_OUT = ("x[:1] * x[1:2] + x[2:]", lambda x: x[:1] * x[1:2] + x[2:], (3,))


def _probe_jacobian(answer, draw):
    for text, f, shape in (SQUARE, TALL, WIDE, CONSTANT, ONE_IN, ONE_OUT, ELEMENTWISE):
        x = draw.tensor(*shape)
        J = torch.autograd.functional.jacobian(f, x)
        m, n = J.shape
        notes = {
            **_listed(
                transposed=J.T,
                sums=J.sum(0).expand(m, n),
                sum=J.sum(0),
                running=J.cumsum(0),
                total=J.sum(0).expand(m, n),
                last=J[-1].expand(m, n),
                diagonal=J.diagonal(),
                only_diagonal=torch.diag(J.diagonal()) if m == n else None,
            ),
            "square": m == n,
        }
        tried = f"f = {text}, {show_arguments((x,), ['x'])}"
        yield {**trial(tried, answer, f, x), "notes": notes}
        yield {**trial(tried, answer, f, x), "notes": notes, "call": "again"}
        yield {**trial(tried, answer, f, x.clone()), "notes": notes, "call": "copy"}
    x = draw.tensor(3).requires_grad_()
    x.grad = draw.tensor(3)
    tried = f"f = {SQUARE[0]}, {show_arguments((x,), ['x'])}, where x asks and x.grad is full of old numbers"
    yield {**trial(tried, answer, SQUARE[1], x), "notes": {"square": True}}


def _only_square(facts):
    """Right where there are as many outputs as inputs, wrong where there are more."""
    right = [kind is None for kind in facts.kinds]
    square = [s["notes"]["square"] for s in facts.seen]
    return all(r for r, s in zip(right, square, strict=True) if s) and not any(right[3:6])


EXERCISE_2 = Exercise(
    id="6.2",
    before=load_cotangents,
    title="The Jacobian, row by row",
    reference=jacobian,
    points=2,
    hints=(
        "Row i comes back when `v` is 1 at output i and 0 elsewhere: the rows of `torch.eye(m)`.",
        "One forward pass is enough, if each walk leaves the graph as it is: `retain_graph=True`.",
        "Collect what `torch.autograd.grad(y, leaf, v, retain_graph=True)` gives, and `torch.stack` the rows.",
    ),
    probe=_probe_jacobian,
    rtol=EXACT,
    symptoms=(
        gives("sums", "All rows equal: the sum of the right ones. A cotangent of ones adds rows up.", "M11"),
        gives("sum", "One row: the sum of all. A cotangent of ones adds rows up.", "M11"),
        gives("last", "All rows equal the last: the list holds one and the same tensor.", "M41"),
        gives("running", "Row k is the sum of the rows up to k: what came back for the rows before is still there.", "M28"),
        gives("transposed", "Your matrix is (n, m): a row belongs to an output.", "M11"),
        gives("diagonal", "The diagonal only: right for elementwise f only.", None),
        gives("only_diagonal", "The diagonal only: right for elementwise f only.", None),
        raises(
            "Trying to backward through the graph",
            "The second row walks a graph that is gone: each row walks the same graph, so it has to be kept.",
            "M31",
        ),
        raises(
            "does not require grad",
            "f(x) has no history. Was f called on a leaf that asks, with recording on?",
            "M57",
        ),
        when(_only_square, "Right for as many outputs as inputs only: there is one row for each output.", None),
        when(lambda f: f.kind == "changed", TOUCHED, "M17"),
        when(_graph, GRAPH, "M63"),
        when(_in_float32, FLOAT32, None),
        when(_near, COARSE, "M01"),
    ),
)  # fmt: skip

# --- 6.3 ---------------------------------------------------------------------------------------------------------


def unbroadcast(grad, shape):
    while grad.dim() > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


def _broadcast_pairs(draw):
    """Gradients and the shapes that they came from; the first has a leading axis and a copied one, all sizes different."""
    pairs = [
        ((2, 3, 4), (3, 1)), ((3, 4), (3, 1)), ((3, 4), (4,)), ((3, 4), (1, 4)), ((3, 4), (1, 1)), ((3, 4), ()), ((4,), (1,)),
        ((2, 3, 4, 5), (3, 1, 5)), ((2, 3), (2, 3)), ((1, 3), (3,)), ((3, 1), (1, 1)), ((3, 1), (3, 1)),
        ((0, 3), (1, 3)), ((3, 0), (0,)), ((), ()), ((3, 3), (3,)), ((3, 3), (3, 1)),
    ]  # fmt: skip
    for _ in range(4):
        full = tuple(draw.whole(1, 4) for _ in range(draw.whole(1, 4)))
        part = tuple(1 if draw.whole(0, 1) else size for size in full)[draw.whole(0, len(full)) :]
        pairs.append((full, part))
    return [(draw.tensor(*full), part) for full, part in pairs]


def _axes(grad, shape):
    """The axes of grad that broadcasting made or stretched."""
    extra = grad.dim() - len(shape)
    stretched = [k + extra for k, size in enumerate(shape) if size == 1]
    return list(range(extra)), stretched


def _reduced(how):
    def undo(grad, shape):
        leading, stretched = _axes(grad, shape)
        for axis in stretched:
            grad = how(grad, axis, True)
        for _ in leading:
            grad = how(grad, 0, False)
        return grad

    return undo


def _reshaped(grad, shape):
    return grad.reshape(shape)


def _without_leading(grad, shape):
    _, stretched = _axes(grad, shape)
    for axis in stretched:
        grad = grad.sum(axis, keepdim=True)
    return grad


def _without_keepdim(grad, shape):
    leading, stretched = _axes(grad, shape)
    axes = leading + stretched
    return grad.sum(axes) if axes else grad


def _without_stretched(grad, shape):
    while grad.dim() > len(shape):
        grad = grad.sum(0)
    return grad


def _from_the_end(grad, shape):
    while grad.dim() > len(shape):
        grad = grad.sum(-1)
    for axis, size in enumerate(shape):
        if size == 1:
            grad = grad.sum(axis, keepdim=True)
    return grad


def _squeezed(grad, shape):
    return unbroadcast(grad, shape).squeeze()


def _kept_axes_summed(grad, shape):
    while grad.dim() > len(shape):
        grad = grad.sum(0)
    for axis, size in enumerate(shape):
        if size == grad.shape[axis]:
            grad = grad.sum(axis, keepdim=True)
    return grad


def _one_number(grad, shape):
    return grad.sum()


def _shape_differs(facts):
    """The right numbers, summed over the right axes, in a shape that is not the one asked for."""
    a, b = numbers(facts.record["value"]), numbers(facts.wanted["value"])
    return (
        facts.kind == "shape" and len(a) == len(b) and all(close(x, y, 1e-6, 1e-9) for x, y in zip(a, b, strict=True))
    )


_SHAPE_3 = "Right numbers, wrong shape: an axis of size 1 is summed over and stays, a leading axis goes."
_LEADING = "Too many axes are left: those that `shape` does not have stand in front, and are summed away."
_STRETCHED = "An axis of size 1 in `shape` was stretched, and its copies have not been summed."
_EVERYTHING = "Right total, one number: only the axes that broadcasting made or stretched are summed."
_KEPT = "An axis that was never broadcast has been summed."
_RESHAPED = "Works only when nothing was copied: reshaping moves numbers, and copies have to be added."

_RESHAPED_LATE = (
    "The reshape at the end met another number of elements than `shape` has: the sum ran over other axes than those that were "
    "copied. Mind `grad.sum([])`, which sums everything."
)

EXERCISE_3 = Exercise(
    id="6.3",
    before=load_cotangents,
    title="Undo broadcasting",
    reference=unbroadcast,
    points=2,
    hints=(
        "What was copied forward is summed backward. Which axes did broadcasting make, and which did it stretch?",
        "First the axes that `shape` does not have: they stand in front. Sum over axis 0 until the number of axes fits.",
        "Then each axis where `shape` says 1: `grad.sum(axis, keepdim=True)`.",
    ),
    probe=calls(_broadcast_pairs, "grad, shape"),
    wrong=(
        Wrong(_RESHAPED, None, _reshaped),
        Wrong(_LEADING, None, _without_leading),
        Wrong(_STRETCHED, None, _without_stretched),
        Wrong(_SHAPE_3, None, _without_keepdim),
        Wrong(_SHAPE_3, None, _squeezed),
        Wrong("Too small by the number of copies.", "M02", _reduced(lambda g, axis, keep: g.mean(axis, keepdim=keep))),
        Wrong(
            "Each copy sends its own gradient back: taking the first forgets the others.",
            None,
            _reduced(lambda g, axis, keep: g.narrow(axis, 0, 1) if keep else g[0]),
        ),
        Wrong(_EVERYTHING, None, _one_number),
        Wrong("Right for square cases only: missing axes stand in front, not at the end.", None, _from_the_end),
        Wrong(_KEPT, None, _kept_axes_summed),
    ),
    symptoms=(
        raises("is invalid for input of size", _RESHAPED_LATE, None),
        raises("cannot reshape tensor of 0 elements", _RESHAPED_LATE, None),
        when(_in_float32, FLOAT32, None),
        when(lambda f: _means(f), "Too small by the number of copies.", "M02"),
        when(lambda f: all(len(numbers(s["value"])) == 1 and not s["raised"] for s in f.seen), _EVERYTHING, None),
        when(_shape_differs, _SHAPE_3, None),
        when(lambda f: f.kind == "shape" and _ndim(f.record) > _ndim(f.wanted), _LEADING, None),
        when(lambda f: f.kind == "shape" and _ndim(f.record) == _ndim(f.wanted)
             and len(numbers(f.record["value"])) > len(numbers(f.wanted["value"])), _STRETCHED, None),
        when(lambda f: f.kind == "shape" and len(numbers(f.record["value"])) < len(numbers(f.wanted["value"])), _KEPT, None),
    ),
)  # fmt: skip


def _ndim(record):
    return len(record["value"]["shape"])


def _means(facts):
    ratios = [r for r, _ in facts.ratios()]
    return bool(ratios) and all(r <= 1.0001 for r in ratios) and any(r < 0.99 for r in ratios)


# --- 6.4 ---------------------------------------------------------------------------------------------------------


def logits_gradient(logits, target):
    shifted = logits - logits.max(1, keepdim=True).values
    powers = torch.exp(shifted)
    probabilities = powers / powers.sum(1, keepdim=True)
    n, classes = logits.shape
    return (probabilities - F.one_hot(target, classes)) / n


def _probe_logits(answer, draw):
    """Plain logits first, then the sizes at the edge, then scores of a thousand."""
    cases = [(draw.tensor(n, c), n, c) for n, c in ((3, 4), (1, 3), (2, 2), (8, 5), (5, 3))]
    large = torch.tensor([[1000.0, 0.0, -1000.0], [-1000.0, 1000.0, 999.0]], dtype=torch.float64)
    apart = torch.tensor([[1000.0, 0.0], [0.0, 1.0]], dtype=torch.float64)  # one maximum for all is too large for row 1
    cases += [(large, 2, 3), (large - 1500, 2, 3), (apart, 2, 2)]
    for logits, n, c in cases:
        target = torch.tensor([draw.whole(0, c - 1) for _ in range(n)])
        if abs(logits).max() < 100:
            target[0] = logits[0].argmin()  # the prediction is another class than the target, at least once
        tried = show_arguments((logits, target), ["logits", "target"])
        notes = _notes_on_logits(logits, target)
        yield {**trial(tried, answer, logits, target, size=n), "notes": notes}
        yield {**trial(tried, answer, logits, target, size=n), "notes": notes, "call": "again"}
        yield {**trial(tried, answer, logits.clone(), target.clone(), size=n), "notes": notes, "call": "copy"}
    with torch.inference_mode():  # unlike no_grad, no enable_grad inside ends it
        yield {**trial(tried + ", recording off", answer, logits, target, size=n), "notes": notes}


def _notes_on_logits(logits, target):
    n, c = logits.shape
    p, hot = torch.softmax(logits, 1), F.one_hot(target, c)
    own = (p - hot) / n
    rows = torch.zeros_like(p)
    rows[target[target < n]] = 1
    return _listed(
        total=own * n,
        opposite=-own,
        down=(torch.softmax(logits, 0) - hot) / n,
        all_of_it=(torch.softmax(logits, 0) - hot) / n if n == 1 else None,
        bare=p / n,
        bare_total=p,
        scaled=own * p * (1 - p),
        scaled_total=own * n * p * (1 - p),
        target_only=own * hot,
        entries=own / c,
        predicted=(p - F.one_hot(logits.argmax(1), c)) / n,
        sigmoid=(torch.sigmoid(logits) - hot) / n,
        columns=(p - hot.amax(0)) / n,
        rows=(p - rows) / n,
    )


_ONE_ENTRY = "1 is subtracted at one entry in each row: `p[range(N), target]`."

EXERCISE_4 = Exercise(
    id="6.4",
    title="The gradient at the logits",
    reference=logits_gradient,
    points=2,
    hints=(
        "The formula is in 6.5: probabilities minus one-hot. The mean over N examples divides by N.",
        "Softmax runs along a row, `dim` 1. `F.one_hot(target, C)` makes the rows with a single 1.",
        "Subtract each row's maximum before `exp`: the probabilities stay the same, and nothing overflows.",
    ),
    probe=_probe_logits,
    symptoms=(
        gives("total", SUM, "M02"),
        gives("opposite", SIGN, None),
        gives("down", "Columns sum to 1, rows should: softmax runs along dim 1.", None),
        gives("bare", "Rows sum to 1/N instead of 0: minus one-hot is missing.", None),
        gives("bare_total", "Rows sum to 1 instead of 0: minus one-hot is missing, and the N of the mean.", None),
        gives("scaled", "You multiplied by p(1-p) once more: the logarithm has cancelled it.", None),
        gives("scaled_total", "You multiplied by p(1-p) once more: the logarithm has cancelled it.", None),
        gives("target_only", "Wrong classes get gradient too: their probability is pushed down.", None),
        gives("entries", "Too small by the number of classes: the mean runs over rows only.", "M02"),
        gives("predicted", "You used the predicted class, not the target.", "M24"),
        gives("columns", _ONE_ENTRY, None),
        gives("rows", _ONE_ENTRY, None),
        raises("out of bounds", _ONE_ENTRY, None),
        raises(
            "must match the size of tensor",
            "Not every class is a target here: `F.one_hot(target)` makes only as many columns as it meets; `F.one_hot(target, C)` makes C.",
            None,
        ),
        raises("does not require grad", "The formula alone is asked for, without a walk back.", None),
        gives("sigmoid", "The rows do not sum to 0: sigmoid is for one score, softmax for several.", None),
        when(_not_finite, "nan at a logit of 1000: subtract each row's maximum before `exp`.", None),
        when(lambda f: f.kind == "changed", TOUCHED, None),
    ),
)

# --- 6.5 ---------------------------------------------------------------------------------------------------------


def hessian(f, x):
    leaf = x.detach().clone().requires_grad_()
    (slope,) = torch.autograd.grad(f(leaf), leaf, create_graph=True)
    if not slope.requires_grad:
        return torch.zeros(len(x), len(x), dtype=x.dtype)
    rows = []
    for entry in slope:
        (row,) = torch.autograd.grad(entry, leaf, retain_graph=True)
        rows.append(row)
    return torch.stack(rows)


HILLS = (
    ("x0**2 * x1 + x1**3 * x2 + x2**2", lambda x: x[0] ** 2 * x[1] + x[1] ** 3 * x[2] + x[2] ** 2, 3),
    ("x0**3 + 4*x1, straight in x1", lambda x: x[0] ** 3 + 4 * x[1], 2),
    ("(x.sin().sum())**2", lambda x: x.sin().sum() ** 2, 4),
    ("x[0]**4", lambda x: x[0] ** 4, 1),
    ("3*x0 - 2*x1, straight everywhere", lambda x: 3 * x[0] - 2 * x[1], 2),
)


def _probe_hessian(answer, draw):
    for text, f, n in HILLS:
        x = draw.tensor(n)
        H = torch.autograd.functional.hessian(f, x)
        g = torch.autograd.functional.jacobian(f, x)
        notes = _listed(
            with_slope=H + g,
            running_with_slope=H.cumsum(0) + g,
            total_with_slope=(H.sum(0) + g).expand(n, n),
            one_with_slope=H.sum(0) + g,
            running=H.cumsum(0),
            diagonal=H.diagonal(),
            only_diagonal=torch.diag(H.diagonal()),
            sums_on_diagonal=torch.diag(H.sum(0)),
            sum=H.sum(0),
            sums=H.sum(0).expand(n, n),
            outer=g[:, None] * g,
            slope=g,
            half=H / 2 + torch.diag(H.diagonal()) / 2,
            triangle=H.triu(),
        )
        tried = f"f = {text}, {show_arguments((x,), ['x'])}"
        yield {**trial(tried, answer, f, x), "notes": notes}
        yield {**trial(tried, answer, f, x), "notes": notes, "call": "again"}
        yield {**trial(tried, answer, f, x.clone()), "notes": notes, "call": "copy"}


def _straight(facts):
    """Right but where the whole function is straight."""
    return "straight everywhere" in facts.wanted["tried"] and facts.kind in ("raised", "type", "none", "shape")


_FIRST_INSIDE = "Your numbers contain the first derivative as well: 24 = 12 + 12."

EXERCISE_5 = Exercise(
    id="6.5",
    before=load_cotangents,
    title="The Hessian",
    reference=hessian,
    points=2,
    hints=(
        "First the gradient, with `create_graph=True`, so that it has a graph of its own.",
        "Then one row for each entry of the gradient: `torch.autograd.grad(entry, leaf, retain_graph=True)`.",
        "Where f is straight the gradient has no graph (`requires_grad` is False) or the row is None: zeros.",
    ),
    probe=_probe_hessian,
    rtol=EXACT,
    symptoms=(
        when(_straight, "An entry that does not depend on x came as None or without a graph: its derivative is zero.", "M64"),
        gives("with_slope", _FIRST_INSIDE, "M65"),
        gives("running_with_slope", _FIRST_INSIDE, "M65"),
        gives("total_with_slope", _FIRST_INSIDE, "M65"),
        gives("one_with_slope", _FIRST_INSIDE, "M65"),
        gives("running", "Row k is the sum of the rows up to k: what came back for the rows before is still there.", "M28"),
        gives("sums_on_diagonal", "A cotangent of ones adds the rows up; you put their sum on the diagonal.", "M11"),
        gives("only_diagonal", "Cross terms are zero in yours.", None),
        gives("diagonal", "Cross terms are missing in yours: a table is asked for.", None),
        gives("sum", "One row: the sum of all. A cotangent of ones adds rows up.", "M11"),
        gives("sums", "All rows equal: the sum of the right ones. A cotangent of ones adds rows up.", "M11"),
        gives("outer", "That is the slope times itself: the Hessian is the slope's derivative.", None),
        gives("slope", "That is the first derivative.", None),
        gives("half", "Off-diagonal entries are half.", None),
        gives("triangle", "The half below the diagonal is zero in yours: the Hessian is symmetric.", None),
        raises("Trying to backward through the graph",
               "The second row walks a graph that is gone: the gradient's graph is walked once per row.", "M31"),
        raises("does not require grad", "The first row finds no history: the walk that made the gradient was not recorded.", "M63"),
        when(lambda f: f.kind == "changed", TOUCHED, "M17"),
        when(_graph, GRAPH, "M63"),
        when(_in_float32, FLOAT32, None),
        when(_near, COARSE, "M01"),
    ),
)  # fmt: skip

# --- 6.6 ---------------------------------------------------------------------------------------------------------


class Softplus(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        return grad_output * torch.sigmoid(x)


def _probe_softplus(answer, draw):
    """Values and gradients for a few shapes, then second derivatives, then large input, then the form of the class."""

    def apply(x):
        return answer.apply(x) if hasattr(answer, "apply") else answer(x)

    def slope(leaf, v):
        return torch.autograd.grad(apply(leaf), leaf, v)[0]

    def bend(leaf, v, u):
        (first,) = torch.autograd.grad(apply(leaf), leaf, v, create_graph=True)
        return torch.autograd.grad(first, leaf, u)[0]

    xs = [draw.tensor(4, scale=2.0), draw.tensor(2, 3), torch.tensor([0.001, -0.001, 0.0], dtype=torch.float64)]
    for x in [*xs, draw.tensor()]:
        leaf, v = x.clone().requires_grad_(), draw.tensor(*x.shape)
        text = f"x={short(x)}"
        yield {**trial(f"Softplus.apply(x), {text}", apply, x), "notes": {}}
        for cotangent, call in ((torch.ones_like(x), ""), (v, ""), (v, "again")):
            notes = _listed(
                forgotten=torch.sigmoid(x),
                relu=cotangent * (x > 0),
                squashed=cotangent * torch.sigmoid(x) * torch.sigmoid(-x),
            )
            tried = f"gradient at {text}, cotangent {short(cotangent)}"
            yield {**trial(tried, slope, leaf, cotangent), "notes": notes, "call": call}
    for x in xs[:2]:
        leaf, v, u = x.clone().requires_grad_(), draw.tensor(*x.shape), draw.tensor(*x.shape)
        yield {**trial(f"second derivative at x={short(x)}", bend, leaf, v, u), "notes": {"second": True}}
    x = torch.tensor([1000.0, -1000.0], dtype=torch.float64)
    v = draw.tensor(2)
    yield {**trial("Softplus.apply(x), x=[1000, -1000]", apply, x), "notes": {}}
    yield {**trial("gradient at x=[1000, -1000]", slope, x.clone().requires_grad_(), v), "notes": {}}
    yield {
        **trial("a class made from torch.autograd.Function, with static methods", lambda: _form(answer)),
        "notes": {},
    }


def _form(answer):
    """Is it a Function, and are forward and backward static?"""
    if not (isinstance(answer, type) and issubclass(answer, torch.autograd.Function)):
        return [False, False, False]
    return [True] + [isinstance(inspect.getattr_static(answer, name), staticmethod) for name in ("forward", "backward")]


def _formed(facts):
    """The list that `_form` gave, where the trial before it all went well."""
    return facts.record["value"]["list"] if "static methods" in facts.wanted["tried"] else [None] * 3


_STATIC = "forward received itself as ctx: `@staticmethod` is missing above a method."
_CALLED = "The class is never instantiated: apply is how it is called."

EXERCISE_6 = Exercise(
    id="6.6",
    before=load_cotangents,
    title="Find the bug: a Function",
    reference=Softplus,
    points=2,
    hints=(
        "What arrives in `backward` as `grad_output`, and where does it go?",
        "Can the backward itself be differentiated? A detached tensor has no path to x; `ctx.save_for_backward(x)` keeps it.",
        "log(1 + e^x) is max(x, 0) + log(1 + e^-|x|): `x.clamp(min=0) + torch.log1p(torch.exp(-x.abs()))`.",
    ),
    probe=_probe_softplus,
    rtol=EXACT,
    symptoms=(
        gives("forgotten", ONES, "M66"),
        gives("relu", "Right far from 0, wrong near it: that is relu's slope.", None),
        gives("squashed", "That is the slope of the sigmoid; softplus has the sigmoid itself as its slope.", None),
        raises("incorrect number of gradients", "One input, three gradients: backward answers input by input.", "M67"),
        raises("invalid gradient at index", "Wrong shape: a gradient has the shape of its input, and nothing is summed.", "M67"),
        raises("Legacy autograd function", _CALLED, "M68"),
        raises("missing 1 required positional argument", _STATIC, "M68"),
        raises("appears to not have been used", "x.grad is None: backward hands nothing back.", None),
        when(lambda f: f.record["notes"].get("second") and f.raised("does not require grad"),
             "First derivative right; the second finds no history: what backward uses has no path to x.", "M63"),
        when(lambda f: bool(f.record["notes"].get("second")) and f.kind == "value",
             "First derivative right, second wrong: what backward uses has no path to x.", "M63"),
        when(_not_finite, "inf or nan at x = 1000: e^x overflows there.", None),
        when(lambda f: f.kind == "changed", TOUCHED, "M49"),
        when(lambda f: _formed(f)[0] is False, "A class made from `torch.autograd.Function` is asked for: hand over its name.", None),
        when(lambda f: False in _formed(f)[1:], _STATIC, "M68"),
        when(_near, COARSE, "M69"),
    ),
)  # fmt: skip

# --- 6.7 ---------------------------------------------------------------------------------------------------------


def _loss(t, w, b):
    from ..thermometer import loss_fn, model, t_c

    return loss_fn(model(t, w, b), t_c).item()


def _newton_loss():
    """The bowl is a parabola, so one Newton step lands at the least-squares line."""
    import numpy as np

    from ..thermometer import t_c, t_un

    x, y = np.array(t_un.tolist()), np.array(t_c.tolist())
    design = np.stack([x, np.ones_like(x)], 1)
    return float(((design @ np.linalg.lstsq(design, y, rcond=None)[0] - y) ** 2).mean())


def _raw():
    from ..thermometer import t_u

    return t_u


def _tenth():
    from ..thermometer import t_un

    return t_un


def _after(n_epochs):
    """The loss after so many steps of plain descent at a rate of 1e-2."""
    from ..thermometer import t_c, t_un, train_by_hand

    return train_by_hand(n_epochs + 1, 1e-2, t_un, t_c)[1][-1]


EXERCISE_7 = Exercise(
    id="6.7",
    title="Explain with a number",
    reference=_newton_loss,
    hints=(
        "The step lands at `landed`, printed in 6.8. The loss there is asked for.",
        "`loss_at(landed)` is the number; the loss is a parabola, so one Newton step is exact.",
    ),
    wrong=(
        Wrong("Before the step: that is the loss at the start.", None, lambda: _loss(_tenth(), 1.0, 0.0)),
        Wrong("Eleven noisy readings do not lie on a line: the lowest loss is not zero.", None, 0.0),
        Wrong("A hundred epochs of SGD: Newton's step goes further.", None, lambda: _after(99)),
        Wrong("A hundred epochs of SGD: Newton's step goes further.", None, lambda: _after(100)),
        Wrong(TWO, None, lambda: _newton_loss() / 2),
        Wrong("One SGD step: the slope was not divided by the bend.", None, lambda: _after(1)),
        Wrong(SUM, "M02", lambda: 11 * _newton_loss()),
        Wrong("Raw readings, at the start.", None, lambda: _loss(_raw(), 1.0, 0.0)),
        Wrong("The textbook line from Fahrenheit; the data have another.", None, lambda: _loss(_tenth(), 50 / 9, -160 / 9)),
        Wrong("That is the root of it: an error in degrees, not the loss.", None, lambda: _newton_loss() ** 0.5),
        Wrong(SIGN, None, lambda: -_newton_loss()),
    ),
)  # fmt: skip

EXERCISES = [EXERCISE_1, EXERCISE_2, EXERCISE_3, EXERCISE_4, EXERCISE_5, EXERCISE_6, EXERCISE_7]
