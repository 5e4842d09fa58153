"""Chapter 10: the parts of an engine over arrays, and a network trained with it."""

import contextlib
import math
from collections import Counter

import numpy as np

from .. import engine
from ..data import digits
from ..engine import Tensor, mode, unbroadcast
from .exercise import Exercise, Wrong
from .record import encode, numbers, trial
from .symptoms import DEEP, FROZEN, LEFT, MODE, ONES, SIGN, SUM, TOUCHED, raises, slow, when

FORGOTTEN = "M66"


def _array(draw, *shape):
    return np.asarray(draw.numpy.standard_normal(shape))


def _shapes(*arrays):
    return ", ".join("()" if not a.shape else "×".join(map(str, a.shape)) for a in arrays)


def _two(value):
    """The two gradients of a record, or None for each where the record has another form."""
    inside = value.get("tuple", value.get("list")) if isinstance(value, dict) else None
    return inside if inside and len(inside) == 2 else [None, None]


def _agree(a, b):
    """Two encoded arrays of one shape and the same numbers."""
    if not (isinstance(a, dict) and isinstance(b, dict)):
        return False
    x, y = numbers(a), numbers(b)
    return a.get("shape") == b.get("shape") and len(x) == len(y) and np.allclose(x, y, 1e-6, 1e-8)


def _left_only(facts):
    """Is every first gradient right, and some second one wrong?"""
    pairs = [(_two(s["value"]), _two(d["value"])) for s, d in zip(facts.seen, facts.due, strict=False)]
    return all(_agree(s[0], d[0]) for s, d in pairs) and not all(_agree(s[1], d[1]) for s, d in pairs)


def _with_ones(facts):
    """Is the answer right in every trial whose cotangent is ones, and in no other?"""
    ones = [k is None for k, d in zip(facts.kinds, facts.due, strict=False) if "g of ones" in d["tried"]]
    others = [k is None for k, d in zip(facts.kinds, facts.due, strict=False) if "g of ones" not in d["tried"]]
    return bool(ones) and all(ones) and not any(others)


def _touched(facts):
    return any(s["changed"] and not d["changed"] for s, d in zip(facts.seen, facts.due, strict=False))


def _shape_differs(facts):
    return facts.kind == "shape"


def _not_two(facts):
    """Did something else than two gradients come?"""
    return facts.kind in ("type", "shape", "none") and _two(facts.record["value"]) == [None, None]


# --- 10.1 --------------------------------------------------------------------------------------------------------

PAIRS = (
    ((3,), (3,)),
    ((2, 3), (2, 3)),
    ((3, 1), (4,)),
    ((4,), (2, 3, 4)),
    ((2, 3, 4), (3, 1)),
    ((), (2, 3)),
    ((2, 1, 4), ()),
)


def _probe_rows(answer, draw):
    for name, vjp in zip(("vjp_add", "vjp_mul"), answer, strict=True):
        for shape_a, shape_b in PAIRS:
            for ones in (False, True):
                a, b = _array(draw, *shape_a), _array(draw, *shape_b)
                wide = np.broadcast_shapes(shape_a, shape_b)
                g = np.ones(wide) if ones else _array(draw, *wide)
                tried = f"{name}: g of {'ones' if ones else 'random numbers'}, shapes {_shapes(g, a, b)}"
                kept = []

                def call(g, a, b, vjp=vjp, kept=kept):
                    result = vjp(g, a, b)
                    kept.append(result)
                    return tuple(np.asarray(each) for each in result) if isinstance(result, tuple | list) else result

                def shared(kept=kept):
                    one = kept and np.shares_memory(*kept[0])
                    return "one array for both" if one else "an array for each"

                yield trial(tried, call, g, a, b, after=shared)


def _kept_one(g, shape):
    """The first copy's gradient, where all copies' should be added."""
    g = np.asarray(g)
    while g.ndim > len(shape):
        g = g[0]
    for axis, size in enumerate(shape):
        if size == 1:
            g = np.take(g, [0], axis=axis)
    return g.copy()


def _wrong_axis(g, shape):
    g = np.asarray(g)
    while g.ndim > len(shape):
        g = g.sum(axis=-1)
    for axis, size in enumerate(shape):
        if size == 1:
            g = g.sum(axis=axis, keepdims=True)
    return g.copy()


def _rows(down):
    """Both answers of 10.1, with `down(g, shape)` in the place of unbroadcast."""
    return (
        lambda g, a, b: (down(g, a.shape), down(g, b.shape)),
        lambda g, a, b: (down(g * b, a.shape), down(g * a, b.shape)),
    )


def _twice_the_first(vjp):
    return lambda g, a, b: (vjp(g, a, b)[0], vjp(g, a, b)[0])


TWO_DUE = "Two gradients are due, one for a and one for b."
AVERAGED = "The gradients of the copies are added, not averaged."
SHARED = "Both gradients are one array: changing one changes the other."
OWN = "The slope of a·b in a is b."
ONE_COPY = "Copies send back one gradient each; you kept one."
OWN_SHAPE = (
    "Each gradient has its operand's shape: what was copied forward is added up backward, along the axes of the copies."
)
WHICH_AXIS = "Right for square operands only: which axis was copied?"

EXERCISE_1 = Exercise(
    id="10.1",
    title="Add and multiply",
    reference=(engine.vjp_add, engine.vjp_mul),
    points=2,
    hints=(
        "The slope of a sum is 1 for both; the slope of a·b in a is b.",
        "`g` has the shape of the result. `unbroadcast(gradient, a.shape)` brings a gradient to a's shape.",
        "For `*`: `unbroadcast(g * b, a.shape), unbroadcast(g * a, b.shape)`.",
    ),
    probe=_probe_rows,
    wrong=(
        Wrong(OWN_SHAPE, None, _rows(lambda g, shape: np.array(g))),
        Wrong(OWN_SHAPE, None, _rows(lambda g, shape: np.array(np.sum(g)))),
        Wrong(ONE_COPY, None, _rows(_kept_one)),
        Wrong(WHICH_AXIS, None, _rows(_wrong_axis)),
        Wrong(LEFT, None, (_twice_the_first(engine.vjp_add), _twice_the_first(engine.vjp_mul))),
        Wrong(ONES, FORGOTTEN, (
            lambda g, a, b: (unbroadcast(np.ones_like(g), a.shape), unbroadcast(np.ones_like(g), b.shape)),
            lambda g, a, b: (unbroadcast(np.ones_like(g) * b, a.shape), unbroadcast(np.ones_like(g) * a, b.shape)),
        )),
        Wrong(OWN, None, (
            engine.vjp_add,
            lambda g, a, b: (unbroadcast(g * a, a.shape), unbroadcast(g * b, b.shape)),
        )),
    ),
    symptoms=(
        when(_touched, TOUCHED.replace("tensor", "array"), "M49"),
        when(_not_two, TWO_DUE),
        raises("cannot reshape", ONE_COPY),
        when(lambda f: f.kind == "after", SHARED, "M41"),
        when(_with_ones, ONES, FORGOTTEN),
        when(lambda f: _averages(f), AVERAGED),
        when(lambda f: _left_only(f) and f.kind != "shape", LEFT),
        when(lambda f: f.first >= 2 * len(PAIRS) and _own_factor(f), OWN),
        when(lambda f: _forgets(f), ONES, FORGOTTEN),
        when(lambda f: _same_size_wrong_numbers(f), ONE_COPY),
        when(lambda f: _other_axis(f), WHICH_AXIS),
        when(_shape_differs, OWN_SHAPE),
        raises("operands could not be broadcast", WHICH_AXIS),
    ),
)  # fmt: skip


def _own_factor(facts):
    """In the first trial of vjp_mul (equal shapes): are the two gradients exchanged?"""
    return _agree(_two(facts.record["value"])[0], _two(facts.wanted["value"])[1])


def _forgets(facts):
    """Wrong at the first random cotangent of a trial, right at the ones that follow it."""
    k = facts.first
    return facts.kind == "value" and "random" in facts.wanted["tried"] and facts.kinds[k + 1] is None


def _other_axis(facts):
    """A gradient that was summed down to as many dimensions as are due, and has another length."""
    came, due = _two(facts.record["value"]), _two(facts.wanted["value"])
    longest = max(len(numbers(d)) for d in due)
    return facts.kind == "shape" and any(
        len(c["shape"]) == len(d["shape"]) and c["shape"] != d["shape"] and len(numbers(c)) <= longest
        for c, d in zip(came, due, strict=True)
    )


def _averages(facts):
    """Is each gradient the due one, or that over the number of copies, wherever the shapes were right?"""
    over = 0
    for s, d in zip(facts.seen, facts.due, strict=False):
        due = [np.array(numbers(part)).reshape(part["shape"]) for part in _two(d["value"])]
        size = np.broadcast(*due).size
        for part, wanted in zip(_two(s["value"]), due, strict=True):
            came, copies = np.array(numbers(part)).reshape(part["shape"]), size // wanted.size
            if came.shape != wanted.shape or not np.allclose(came * copies, wanted):
                return False
            over += copies > 1
    return over > 0


def _same_size_wrong_numbers(facts):
    """Right shapes, and right wherever nothing was copied."""
    equal = [
        k for k, d in zip(facts.kinds, facts.due, strict=False) if d["tried"].endswith(("3, 3, 3", "2×3, 2×3, 2×3"))
    ]
    return facts.kind == "value" and not any(equal)


# --- 10.2 --------------------------------------------------------------------------------------------------------


SQUARE = 8  # the first trial with square operands: random, then ones, then symmetric


def _probe_matmul(answer, draw):
    # Unequal sizes first: a verdict shows the first trial that fails, and squares hide what is wrong.
    sizes = ((3, 4, 2), (1, 5, 3), (4, 1, 2), (2, 3, 1), (2, 2, 2), (3, 3, 3))
    for n, k, m in sizes:
        for kind in ("random", "ones", "symmetric") if n == k == m else ("random", "ones"):
            a, b = _array(draw, n, k), _array(draw, k, m)
            if kind == "symmetric":
                a, b = a + a.T, b + b.T
            g = np.ones((n, m)) if kind == "ones" else _array(draw, n, m)
            tried = f"g {'of ones' if kind == 'ones' else 'random'}, {'symmetric ' if kind == 'symmetric' else ''}"
            yield trial(f"{tried}shapes {_shapes(g, a, b)}", answer, g, a, b)


NO_TRANSPOSE = "These shapes cannot meet: g is (n, m), a (n, k) and b (k, m). Which of them has to be transposed?"
WRONG_SIDE = "Right shape for square inputs only."
SWAPPED = "Yours for a has b's shape."
HIDES = "Square inputs hide it."
ENTRIES = "`*` multiplies entry by entry; a matrix product is due: `@`."
OPERAND = "The gradient for a has the shape (n, k) of a, the one for b the shape (k, m) of b."
SYMMETRIC = "Right when b is symmetric: whose transpose is missing?"

EXERCISE_2 = Exercise(
    id="10.2",
    title="Matmul",
    reference=engine.vjp_matmul,
    hints=(
        "`g` has shape (n, m), `b` has (k, m), and (n, k) is wanted: only one arrangement of the two fits.",
        "`g @ b.T` for a. For b, the same with a, from the left.",
    ),
    probe=_probe_matmul,
    wrong=(
        Wrong(NO_TRANSPOSE, None, lambda g, a, b: (g @ b, a @ g)),
        Wrong(WRONG_SIDE, None, lambda g, a, b: (b.T @ g, g @ a.T)),
        Wrong(SWAPPED, None, lambda g, a, b: (a.T @ g, g @ b.T)),
        Wrong(ENTRIES, None, lambda g, a, b: (g * b, a * g)),
        Wrong(ENTRIES, None, lambda g, a, b: (g * b.T, a.T * g)),
        Wrong(ONES, "M11", lambda g, a, b: (np.ones_like(g) @ b.T, a.T @ np.ones_like(g))),
        Wrong(SYMMETRIC, None, lambda g, a, b: (g @ b, a.T @ g)),
        Wrong(LEFT, None, lambda g, a, b: (g @ b.T, a @ g)),
        Wrong(LEFT, None, lambda g, a, b: (g @ b.T, g.T @ a)),
    ),
    symptoms=(
        when(_touched, TOUCHED.replace("tensor", "array"), "M49"),
        when(_not_two, TWO_DUE),
        when(_with_ones, ONES, FORGOTTEN),
        when(lambda f: _agree(_two(f.record["value"])[0], _two(f.wanted["value"])[1]), SWAPPED),
        when(lambda f: not any(f.kinds[SQUARE:]), HIDES),
        when(lambda f: _left_only_where_defined(f), LEFT),
        when(lambda f: f.kinds[SQUARE + 2] is None and f.kinds[SQUARE] == "value", SYMMETRIC),
        when(lambda f: f.kinds[SQUARE + 1] is None and f.kinds[SQUARE] == "value", ONES, FORGOTTEN),
        when(lambda f: f.raised("matmul") and f.kinds[SQUARE] == "value", NO_TRANSPOSE),
        raises("operands could not be broadcast", ENTRIES),
        when(_shape_differs, OPERAND),
    ),
)  # fmt: skip


def _left_only_where_defined(facts):
    """As `_left_only`, in the trials that end with a result."""
    pairs = [
        (_two(s["value"]), _two(d["value"])) for s, d in zip(facts.seen, facts.due, strict=False) if not s["raised"]
    ]
    return bool(pairs) and all(_agree(s[0], d[0]) for s, d in pairs) and not all(_agree(s[1], d[1]) for s, d in pairs)


# --- 10.3 --------------------------------------------------------------------------------------------------------


def _bare_add(a, b):
    """a + b with a vjp that sends one array to both: right, and a trap for whoever adds in place."""
    out = a + b
    out.vjp = lambda g: (g, g)
    return out


def _random_graph(draw, length):
    """A graph of + and * over three leaves, the last of which asks for no gradient: (root, leaves)."""
    leaves = [Tensor(_array(draw, 3), requires_grad=k < 2) for k in range(3)]
    made = [*leaves, leaves[0] * leaves[1]]
    for _ in range(length):
        a, b = made[draw.whole(0, len(made) - 1)], made[draw.whole(max(0, len(made) - 3), len(made) - 1)]
        made.append(a * b * 0.5 if draw.whole(0, 1) else a + b)
    total = made[-1]
    for one in made[3:-1]:
        total = total + one
    return total, leaves


def _walks(tried, answer, root, leaves, *gradient, times=2):
    """The records of so many walks over one graph, with the leaves' gradients after each."""
    for k in range(times):

        def call():
            answer(root, *gradient)
            return [None if leaf.grad is None else np.array(leaf.grad) for leaf in leaves]

        yield trial(f"{tried}, walk {k + 1}", call)


@contextlib.contextmanager
def _own_walk():
    """While it lasts the engine's walk refuses: the answer has to walk by itself."""
    ready_made = engine.backward

    def refuse(*args, **kwargs):
        raise RuntimeError(CALLED)

    engine.backward = refuse
    try:
        yield
    finally:
        engine.backward = ready_made


def _counted(t, calls):
    """The same tensor, whose vjp notes each of its calls."""
    rule = t.vjp

    def vjp(g):
        calls[t.order] += 1
        return rule(g)

    t.vjp = vjp
    return t


def _probe_walk(answer, draw):
    with _own_walk():
        yield from _graphs(answer, draw)


def _graphs(answer, draw):
    x = Tensor(3.0, requires_grad=True)
    yield from _walks("x*x at 3", answer, x * x, [x])
    x = Tensor(3.0, requires_grad=True)
    y = x * x
    yield from _walks("(x²)² at 3", answer, y * y, [x])
    x = Tensor(2.0, requires_grad=True)
    y = x * x
    yield from _walks("x² · (x² · x) at 2, where paths have different lengths", answer, y * (y * x), [x])
    x = Tensor(2.0, requires_grad=True)
    y = x * x
    yield from _walks("(x² · x) · x² at 2", answer, (y * x) * y, [x])
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
    yield from _walks("a + b, whose vjp sends one array to both", answer, _bare_add(a, b), [a, b], np.array([2.0, 5.0]))
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
    c = _bare_add(a, b)
    yield from _walks(
        "a + b + a, two sums of one array", answer, _bare_add(_bare_add(c, a), a), [a, b], np.array([2.0, 5.0])
    )
    for length in (3, 6, 9):
        root, leaves = _random_graph(draw, length)
        yield from _walks(f"a random graph of {length} operations", answer, root, leaves, _array(draw, 3))
    x, w = Tensor(_array(draw, 4, 3)), Tensor(_array(draw, 3, 2), requires_grad=True)
    yield from _walks("(x @ w).relu(), x asks for nothing", answer, (x @ w).relu(), [x, w], _array(draw, 4, 2))
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y + x
    yield from _walks("a chain of 3000 sums", answer, y, [x], times=1)
    x = Tensor(1.0, requires_grad=True)
    y = x
    for _ in range(26):  # 18 would end in time, even path by path
        y = y + y
    yield from _walks("26 doublings", answer, y, [x], times=1)
    for first in "y", "y·1":  # whoever takes the last that came meets its limit in one of the two
        x, one, calls = Tensor(1.0, requires_grad=True), Tensor(1.0), Counter()
        y = x
        for _ in range(12):
            longer = _counted(y * one, calls)
            y = _counted(y + longer if first == "y" else longer + y, calls)

        def often(calls=calls):
            most = max(calls.values(), default=0)  # twice is no fault: once for each parent
            return "every tensor sent on once" if most <= 2 else f"one tensor sent on {most} times"

        second = {"y": "y·1", "y·1": "y"}[first]
        [record] = _walks(f"12 times {first} + {second}, where paths have different lengths", answer, y, [x], times=1)
        yield {**record, "after": encode(often())}
    a, b = Tensor([1.0, 2.0], requires_grad=True), Tensor([3.0, 4.0], requires_grad=True)
    middle, sent = _bare_add(a, b), np.array([2.0, 5.0])

    def left():
        kept = [leaf.grad for leaf in (a, b) if isinstance(leaf.grad, np.ndarray)]
        own = len(kept) == 2 and not np.shares_memory(*kept) and not any(np.shares_memory(g, sent) for g in kept)
        own = own and all(g.flags.writeable for g in kept)
        return ["an array for each leaf" if own else SHARES, "" if middle.grad is None else BETWEEN]

    [record] = _walks("(a + b) · 1, for the array [2, 5]", answer, middle * Tensor(1.0), [a, b], sent, times=1)
    yield {**record, "after": encode(left())}


def _grads(facts, tried):
    """The numbers of the leaves' gradients after the trial that begins so, or None where it raised."""
    found = next(s for s in facts.seen if s["tried"].startswith(tried))
    return None if found["raised"] else numbers(found["value"])


def _set_though_not_asked(facts):
    return any(
        not s["raised"] and any(a is not None and b is None for a, b in zip(s["value"]["list"], d["value"]["list"], strict=True))
        for s, d in zip(facts.seen, facts.due, strict=False)
    )  # fmt: skip


def _left(facts):
    """The texts of what a walk left behind."""
    return [each["text"] for each in facts.record["after"].get("list", [])]


def _second_walk(facts, times):
    """Is every first walk right, and every second one this many times the first?"""
    pairs = [
        (s, f)
        for f, s, d in zip(facts.seen, facts.seen[1:], facts.due[1:], strict=False)
        if d["tried"].endswith("walk 2")
    ]
    right = [k is None for k, d in zip(facts.kinds, facts.due, strict=False) if d["tried"].endswith("walk 1")]
    return all(right) and all(
        not s["raised"] and np.allclose(numbers(s["value"]), times * np.array(numbers(f["value"]))) for s, f in pairs
    )


def _walk(leaf=None, middle=None, pick=None, start=None):
    """A walk with one of its parts replaced: what happens at a leaf, where gradients meet, who is next, what is sent first."""

    def backward(root, g=1.0):
        arrived = {root: np.array(np.broadcast_to(g, root.data.shape)) if start is None else start(root)}
        while arrived:
            t = max(arrived, key=lambda t: t.order) if pick is None else pick(arrived)
            g = arrived.pop(t)
            if not t.parents:
                if leaf is None:
                    t.grad = np.array(g) if t.grad is None else t.grad + g
                else:
                    leaf(t, g)
                continue
            for parent, sent in zip(t.parents, t.vjp(g), strict=True):
                if parent.requires_grad:
                    if parent not in arrived or middle == "overwrite":
                        arrived[parent] = sent
                    elif middle == "in place":
                        arrived[parent] += sent
                    else:
                        arrived[parent] = arrived[parent] + sent

    return backward


def _overwrites(t, g):
    t.grad = np.array(g)


def _keeps_g(t, g):
    if t.grad is None:
        t.grad = g
    else:
        t.grad += g


def _middle_remembers(root, g=1.0):
    """As chapter 2's engine: every tensor keeps its `.grad`, and sends all of it on."""
    nodes, stack = set(), [root]
    while stack:
        t = stack.pop()
        if t not in nodes and t.requires_grad:
            nodes.add(t)
            stack += t.parents
    root.grad = np.array(np.broadcast_to(g, root.data.shape))
    for t in sorted(nodes, key=lambda t: -t.order):
        for parent, sent in zip(t.parents, t.vjp(t.grad) if t.parents else (), strict=True):
            if parent.requires_grad:
                parent.grad = np.array(sent) if parent.grad is None else parent.grad + sent


OVERWRITTEN = "Second call: PyTorch holds twice."
MIDDLE = "216 due, 324 came: the middle remembered the first call."
FAN_OUT = "x*x gives 3."
TOO_EARLY = "Too early, as in 72 for 48: a node passed its gradient on before all of it had arrived."
PER_PATH = "26 doublings took too long: a node is visited once per path, not once."
ONE_ARRAY = "Two leaves share one array: the second call changed both."
NOT_ASKED = "A leaf such as `t_c` has a gradient now; it does not require one: ask `parent.requires_grad`."
CALLED = "the ready-made walk was called"
READY_MADE = "That is the engine's own walk: write the loop yourself, with `t.vjp` and `t.parents`."
SHARES, BETWEEN = "an array that is another's, too", "a tensor between has a `.grad`"
COPY = "A leaf keeps the very array that it was sent, and another has it, too: `np.array(g)` makes a copy."
LEAVES = "The tensors between have a `.grad` now: only leaves keep one, the others pass it on."
TOO_OFTEN = "A tensor is sent on before all who used it have sent, and so again and again. Take the youngest first."
CLEARED = "Second call equals the first; PyTorch adds."

EXERCISE_3 = Exercise(
    id="10.3",
    title="The walk",
    reference=lambda root, g=1.0, walk=engine.backward: walk(root, g, retain_graph=True),
    points=3,
    hints=(
        "A dictionary from tensor to the gradient that has arrived there so far; it starts with `root` and `g`.",
        "`max(arrived, key=lambda t: t.order)` is the youngest: `pop` its gradient, and send `t.vjp(g)` to its parents.",
        "Parents that require a gradient: add to what is in the dictionary. Leaves: `np.array(g)`, a copy, or `t.grad + g`.",
    ),
    probe=_probe_walk,
    wrong=(
        Wrong(OVERWRITTEN, "M28", _walk(leaf=_overwrites)),
        Wrong(MIDDLE, "M31", _middle_remembers),
        Wrong(FAN_OUT, None, _walk(middle="overwrite")),
        Wrong(ONE_ARRAY, "M41", _walk(leaf=_keeps_g)),
        Wrong(ONE_ARRAY, "M41", _walk(middle="in place")),
        Wrong(ONES, FORGOTTEN, _walk(start=lambda root: np.ones(root.data.shape))),
    ),
    symptoms=(
        raises(CALLED, READY_MADE),
        raises("RecursionError", DEEP),
        raises("positional argument", "The walk takes two arguments, the root and `g`: what is sent to the root, 1 if nothing is said."),
        raises("truth value of an array", "An array of several numbers is neither true nor false: ask `t.grad is None`."),
        raises("only 0-dimensional", "A gradient is an array of its tensor's shape; `float` takes one number."),
        when(lambda f: _grads(f, "x*x") == [3.0], FAN_OUT),
        when(lambda f: _grads(f, "x² · (x² · x)") == [32.0] and _grads(f, "x*x") != [6.0], FAN_OUT),
        when(_set_though_not_asked, NOT_ASKED, "M07"),
        when(lambda f: _second_walk(f, 1), CLEARED, "M29"),
        when(lambda f: _grads(f, "x*x at 3, walk 2") == [18.0], MIDDLE, "M31"),
        when(lambda f: f.first == 3 and numbers(f.record["value"])[0] > 216, MIDDLE, "M31"),
        slow(PER_PATH, tried="26 doublings"),
        when(lambda f: f.kind == "after" and SHARES in _left(f), COPY, "M41"),
        when(lambda f: f.kind == "after" and BETWEEN in _left(f), LEAVES),
        when(lambda f: f.kind == "after", TOO_OFTEN),
        when(lambda f: f.first in (2, 4, 5, 6, 7) and f.kind == "value", TOO_EARLY),
        when(lambda f: f.raised("read-only") or f.kind == "value" and f.first in (8, 9, 10, 11), ONE_ARRAY, "M41"),
        when(lambda f: f.kind == "value" and f.first >= 8, ONES, FORGOTTEN),
    ),
)  # fmt: skip

# --- 10.4 --------------------------------------------------------------------------------------------------------


FAR_BELOW = "logits [[1000, 0], [0, 0]]"


def _probe_cross_entropy(answer, draw):
    cases = [(n, c, 1.0, f"{n} images, {c} classes") for n, c in ((1, 3), (2, 5), (4, 4), (8, 10), (5, 3))]
    cases += [(3, 4, 0.0, "equal logits"), (2, 3, 1000.0, "logits of 1000 and -1000")]
    cases += [(2, 2, 1000.0, FAR_BELOW)]
    for n, c, scale, name in cases:
        logits, y = scale * _array(draw, n, c), draw.numpy.randint(0, c, n)
        if scale == 1000.0:
            logits = np.array([[1000.0, 0.0, -1000.0], [-1000.0, 1000.0, 0.0]])
            y = np.array([2, 1])
        if name == FAR_BELOW:
            logits, y = np.array([[1000.0, 0.0], [0.0, 0.0]]), np.array([0, 0])
        for g in (1.0, 3.0):
            sent = []

            def call(logits, y, g=g, sent=sent):
                loss, vjp = answer(logits, y)
                sent += [vjp(g)]
                sent += [np.array(_only(sent[0])), vjp(g)]
                return [float(loss), sent[1], np.array(_only(sent[2]))]

            def form(sent=sent):
                one = bool(sent) and isinstance(sent[0], tuple | list) and len(sent[0]) == 1
                return "a tuple with one gradient" if one else "no tuple with one gradient"

            yield {**trial(f"{name}, g = {g:g}", call, logits, y, size=n, after=form), "notes": c}


def _only(sent):
    """The gradient itself, whether it came alone or in a tuple."""
    return sent[0] if isinstance(sent, tuple | list) else sent


def _losses_right(facts):
    return all(
        not s["raised"] and np.isclose(numbers(s["value"])[0], numbers(d["value"])[0])
        for s, d in zip(facts.seen, facts.due, strict=False)
    )


def _slopes(facts, part=1):
    """Pairs of arrays (came, due): the gradients of the trials that ended with finite numbers."""
    pairs = []
    for s, d in zip(facts.seen, facts.due, strict=False):
        if not s["raised"] and "1000" not in d["tried"]:
            pairs.append([np.array(numbers(r["value"]["list"][part])) for r in (s, d)])
    return [(a, b) for a, b in pairs if a.shape == b.shape]


def _ratio(facts, factor):
    """Is every gradient this many times the due one? factor: a function of a record."""
    due = [factor(d) for d in facts.due if "1000" not in d["tried"]]
    return all(np.allclose(a, f * b) for (a, b), f in zip(_slopes(facts), due, strict=True))


def _row(axis=1, safe=True, over_classes=False, of_prediction=False, log_of_p=True):
    """A row with parts replaced; with log_of_p, it takes the logarithm of a p that may be 0."""

    def row(logits, y):
        rows = np.arange(len(y))
        z = logits - logits.max(axis=axis, keepdims=True) if safe else logits
        total = np.exp(z).sum(axis=axis, keepdims=True)
        p = np.exp(z) / total
        log_p = np.log(p) if log_of_p else z - np.log(total)

        def vjp(g):
            slope = p.copy()
            slope[rows, p.argmax(axis=1) if of_prediction else y] -= 1
            return (g * slope / (logits.shape[1] if over_classes else len(y)),)

        return -log_p[rows, y].mean(), vjp

    return row


OVERFLOW = "nan at a logit of 1000."
CLASSES = "Too small by the number of classes."
PREDICTION = "Zero pull whenever the model is sure, right or not."
OVER_ROWS = "Columns sum to 1, rows should."
EDITED = "The second call on the same row differs."
CAPPED = "A small number inside the logarithm caps the loss: take the logarithm of a sum, not of p."
ONE_MAXIMUM = "The maximum of the whole table leaves nothing of a row that lies far below it: take each row's own."
NO_TUPLE = "The vjp has to return a tuple with one gradient: `(gradient,)`, with the comma."
NOT_HOT = "An image's slopes have to add up to 0: from the softmax, 1 is taken away at the label."
HOPELESS = "inf at a hopeless logit."

EXERCISE_4 = Exercise(
    id="10.4",
    title="Find the bug: cross-entropy",
    reference=engine.cross_entropy_row,
    points=2,
    hints=(
        "Softmax does not change when the same number is taken from all logits of a row. Which number keeps exp small?",
        "log p = shifted - log(sum(exp(shifted))), never the log of a p that may be 0; the mean is over the N images.",
        "The gradient is softmax minus one-hot, times g, over `len(y)`.",
    ),
    probe=_probe_cross_entropy,
    wrong=(
        Wrong(OVERFLOW, "M70", _row(safe=False)),
        Wrong(CLASSES, "M02", _row(safe=False, over_classes=True)),
        Wrong(PREDICTION, "M24", _row(of_prediction=True)),
        Wrong(PREDICTION, "M24", _row(of_prediction=True, log_of_p=False)),
        Wrong(OVER_ROWS, None, _row(axis=0)),
        Wrong(HOPELESS, "M70", _row()),
    ),
    symptoms=(
        when(_touched, "Your function changed the logits that it was given: take the maximum off into a new array.", "M49"),
        when(
            lambda f: bool(_slopes(f)) and any(not np.allclose(a, b) for (a, _), (b, _) in zip(_slopes(f), _slopes(f, 2), strict=True)),
            EDITED,
            "M49",
        ),
        when(lambda f: _ratio(f, lambda d: 1 / 3 if d["tried"].endswith("g = 3") else 1.0), ONES, FORGOTTEN),
        when(lambda f: _ratio(f, lambda d: d["size"] / d["notes"]) and bool(_slopes(f)), CLASSES, "M02"),
        when(lambda f: _ratio(f, lambda d: 1 / d["notes"]), CLASSES, "M02"),
        when(lambda f: _ratio(f, lambda d: d["size"]), SUM.replace("readings", "images"), "M02"),
        when(lambda f: _ratio(f, lambda d: -1.0), SIGN),
        raises("only 0-dimensional", "One loss for each image came; their mean is due."),
        raises("could not be broadcast", "A row's maximum, or its sum, has to stand beside its row: `keepdims=True`."),
        when(lambda f: _losses_right(f) and any(abs(a.sum()) > 1e-9 for a, _ in _slopes(f)), NOT_HOT),
        when(
            lambda f: f.first >= 12 and not f.record["raised"] and any(math.isnan(n) for n in numbers(f.record["value"])),
            OVERFLOW,
            "M70",
        ),
        when(lambda f: f.kind == "after", NO_TUPLE),
        when(lambda f: f.wanted["tried"].startswith(FAR_BELOW) and f.kind == "value", ONE_MAXIMUM, "M70"),
        when(lambda f: f.first >= 12 and math.isfinite(numbers(f.record["value"])[0]) and not _losses_right(f), CAPPED, "M70"),
        when(lambda f: f.first >= 12 and not f.record["raised"], HOPELESS, "M70"),
        when(lambda f: not _losses_right(f), "The loss itself is not the mean of minus log p at the labels.", None),
        when(lambda f: f.raised("unpack"), "Two things are due: the loss, and the function vjp.", None),
    ),
)  # fmt: skip

# --- 10.5 --------------------------------------------------------------------------------------------------------


OFF = ", recording off before"
DECORATED = "a decorated function"


def _probe_no_grad(answer, draw):
    leaf = Tensor(2.0, requires_grad=True)

    def recorded():
        return [mode.grad, (leaf * leaf).requires_grad]

    def around(action):
        """The call `action(answer)`, with the mode before and after it, whatever it leaves."""

        def call(before=True):
            mode.grad = before
            try:
                value = action(answer)
                return [value, mode.grad, leaf.requires_grad]
            finally:
                mode.grad = True

        return call

    def block(make):
        with make():
            return recorded()

    def value_of_as(make):
        """What no_grad() gives to the block is nobody's business; that the block runs is."""
        seen = []
        with make():
            seen.append(recorded())
        seen.append(recorded())
        return seen

    def nested(make):
        seen = []
        with make():
            with make():
                seen.append(mode.grad)
            seen.append(mode.grad)
        return [*seen, mode.grad]

    def raising(make):
        try:
            with make():
                raise ValueError("inside")
        except ValueError as error:
            return ["caught", str(error), mode.grad]
        return ["vanished", mode.grad]

    def reused(make):
        one, seen = make(), []
        for _ in range(2):
            with one:
                seen.append(mode.grad)
            seen.append(mode.grad)
        return seen

    def reentered(make):
        one, seen = make(), []
        with one:
            with one:
                seen.append(mode.grad)
            seen.append(mode.grad)
        return [*seen, mode.grad]

    def made(make):
        make()
        return recorded()

    stage = {}

    def decorated(make):
        seen = []
        stage["called"] = False

        @make()
        def function(a, b=0):
            seen.append("ran")
            return [a, b, *recorded()]

        stage["called"] = True  # what fails from here on fails at a call, not at the decoration
        early, switched = list(seen), mode.grad
        plain = function(3)  # before the call by keyword, which who hands nothing on could not take either
        return [early, switched, function(1, b=2), mode.grad, plain, list(seen)]

    def decorated_raises(make):
        @make()
        def function():
            raise ValueError("inside")

        try:
            function()
        except ValueError as error:
            return ["caught", str(error), mode.grad]
        return ["vanished", mode.grad]

    for name, action in (
        ("a block", value_of_as),
        ("a return from inside a block", block),
        ("an object is made, and never entered", made),
        ("a block in a block", nested),
        ("an error inside the block", raising),
        ("one object, entered twice in a row", reused),
        ("one object, entered inside its own block", reentered),
        (DECORATED, decorated),
        ("a decorated function that raises an error", decorated_raises),
    ):
        for tried, *before in (name,), (name + OFF, False):
            record = trial(tried, around(action), *before)
            yield {**record, "notes": stage["called"]} if action is decorated else record


def _value(facts, tried):
    found = next(s for s in facts.seen if s["tried"] == tried)
    return found["value"]["list"][0] if found["value"] else None


def _fails(facts, tried):
    return any(k for k, d in zip(facts.kinds, facts.due, strict=False) if d["tried"] == tried)


VANISHED = "The error inside the block has vanished."
INNER = "Nested blocks: the inner one gave back the wrong mode."
INSIDE = "Inside the block recording is still on: `__enter__` has to set `mode.grad` to False."
BY_ITSELF = "no_grad() alone already switched recording off."
AT_ONCE = "The function was called when it was decorated."
ONCE = "The second `with` on the same object failed."
AT_DECORATION = "The mode was off while you decorated, not while the function ran."
KEYWORDS = "Pass keyword arguments on, too: `**kwargs`."
ARGUMENTS = "Pass the arguments on: the new function takes `*args, **kwargs` and calls the old one with them."
RESULT = "The decorated function returns None: hand its result on."
NO_FUNCTION = "`__call__` returned None: it has to return the function that stands in the old one's place."
NO_DECORATOR = "As a decorator it fails: give the class a `__call__` that takes a function and returns one."

EXERCISE_5 = Exercise(
    id="10.5",
    title="no_grad",
    reference=engine.no_grad,
    points=2,
    hints=(
        "`__enter__` remembers the mode and switches recording off; `__exit__` sets what was remembered.",
        "One object may be entered twice: remember in a list, `append` and `pop`. `__exit__` takes three arguments and returns nothing.",
        "`__call__(self, function)` returns a new function whose body is `with self:` and then the call.",
    ),
    probe=_probe_no_grad,
    symptoms=(
        when(lambda f: any(s["value"] and s["value"]["list"][2] is False for s in f.seen),
             "Your class changed a tensor's flag: compare `requires_grad` before and after; only the mode is yours.", "M18"),
        raises("__exit__() takes", "`__exit__` is called with three arguments after self: the error's type, the error, its trace."),
        when(lambda f: _fails(f, "an object is made, and never entered"), BY_ITSELF, "M61"),
        when(lambda f: _value(f, "an error inside the block") == encode(["vanished", True]), VANISHED),
        when(lambda f: _value(f, "a block")["list"][0]["list"][1] is True, INSIDE, "M57"),
        when(lambda f: _value(f, "a block")["list"][1]["list"][0] is False, MODE, "M61"),
        when(lambda f: not _fails(f, "a block") and _fails(f, "an error inside the block"), MODE, "M61"),
        when(lambda f: not _fails(f, "a block") and _fails(f, "a block" + OFF) and _fails(f, "a block in a block"), MODE, "M61"),
        when(lambda f: not _fails(f, "a block") and _fails(f, "one object, entered twice in a row"), ONCE),
        when(lambda f: _fails(f, "a block in a block"), INNER, "M61"),
        when(lambda f: _fails(f, "one object, entered inside its own block"), INNER, "M61"),
        when(lambda f: _at_the_call(f, "unexpected keyword"), KEYWORDS),
        when(lambda f: _at_the_call(f, "argument"), ARGUMENTS),
        when(lambda f: _ran_early(f), AT_ONCE, "M61"),
        when(lambda f: _value(f, DECORATED)["list"][2] is None, RESULT),
        when(lambda f: _value(f, DECORATED)["list"][2]["list"][2:] == [True, True], AT_DECORATION, "M61"),
        raises("'NoneType' object is not callable", NO_FUNCTION),
        raises("object is not callable", NO_DECORATOR),
        when(lambda f: _fails(f, "a block") and not f.record["raised"], MODE, "M61"),
        when(lambda f: _fails(f, DECORATED + OFF) and not _fails(f, DECORATED), MODE, "M61"),
        when(lambda f: f.wanted["tried"].startswith("a decorated function that raises"), MODE, "M61"),
    ),
)  # fmt: skip


def _at_the_call(facts, fragment):
    """Did a call of the decorated function, not the decoration, end in a TypeError that speaks of this?"""
    found = next(s for s in facts.seen if s["tried"] == DECORATED)
    return bool(found["raised"]) and found["notes"] and fragment in found["raised"][1]


def _ran_early(facts):
    found = next(s for s in facts.seen if s["tried"] == DECORATED)
    if found["raised"]:
        return not found["notes"] and "argument" in found["raised"][1]
    return bool(_value(facts, DECORATED)["list"][0]["list"])


# --- 10.6 --------------------------------------------------------------------------------------------------------

NEEDED = 0.92


def train_digits(x, y):
    rng, params = np.random.RandomState(0), []
    for n, m in ((64, 32), (32, 10)):
        params.append(Tensor(rng.standard_normal((n, m)) * np.sqrt(2 / n), requires_grad=True))
        params.append(Tensor(np.zeros(m), requires_grad=True))

    def scores(x):
        w1, b1, w2, b2 = params
        return (Tensor(x / 16) @ w1 + b1).relu() @ w2 + b2

    for _ in range(10):
        order = rng.permutation(len(x))
        for batch in np.split(order, range(32, len(x), 32)):
            engine.zero_grad(params)
            engine.cross_entropy(scores(x[batch]), y[batch]).backward()
            engine.sgd_step(params, 0.1)

    def predict(x):
        with engine.no_grad():
            return scores(x).data.argmax(axis=1)

    return predict


CLOSELY = 80  # walks; two epochs tell what kind of training it is, and watching takes time


class Watched:
    """What a training does to the engine, seen from outside: its losses, its leaves, its images and labels.

    While `with Watched(x, y) as seen:` lasts, the cross-entropy's row and Tensor.backward report here.
    """

    def __init__(self, x, y):
        self.labels_of = {row.tobytes(): int(label) for row, label in zip(x, y, strict=True)}
        self.losses, self.sizes, self.dirty, self.ascents, self.moves = [], [], 0, 0, 0
        self.largest = self.first_weights = 0.0
        self.mismatched = self.pairs = self.walks = self.sent = 0
        self.before = None

    def __enter__(self):
        self.row, self.backward = engine.TABLE["cross_entropy"], Tensor.backward
        engine.TABLE["cross_entropy"] = self.watch_row
        Tensor.backward = lambda root, *args, **kwargs: self.watch_walk(root, *args, **kwargs)
        return self

    def __exit__(self, *exception):
        engine.TABLE["cross_entropy"], Tensor.backward = self.row, self.backward

    def watch_row(self, logits, y):
        loss, vjp = self.row(logits, y)
        self.losses.append(float(loss))
        self.last_labels = y

        def counted(g):
            self.sent += 1  # a walk of the student's own does not come by Tensor.backward
            return vjp(g)

        return loss, counted

    def watch_walk(self, root, *args, **kwargs):
        self.walks += 1
        if self.walks > CLOSELY:
            return self.backward(root, *args, **kwargs)
        nodes, leaves, inputs, stack = {root}, [], [], [root]
        while stack and len(nodes) < 500:
            t = stack.pop()
            if not t.parents:
                (leaves if t.requires_grad else inputs).append(t)
            for parent in t.parents:
                if parent not in nodes:
                    nodes.add(parent)
                    stack.append(parent)
        leaves.sort(key=lambda t: t.order)
        self.sizes.append(len(nodes))
        if self.walks == 1:
            self.first_weights = max((float(np.abs(t.data).max()) for t in leaves), default=0.0)
        if self.walks > 1:
            self.dirty += any(t.grad is not None and np.any(t.grad) for t in leaves)
        self.look_at_the_step(leaves)
        self.look_at_the_images(inputs)
        result = self.backward(root, *args, **kwargs)
        self.before = [(t, t.data.copy(), t.grad.copy()) for t in leaves if t.grad is not None]
        return result

    def look_at_the_step(self, leaves):
        """Did the last step go against the gradient that the last walk left?"""
        for t, data, grad in self.before or ():
            if any(t is leaf for leaf in leaves) and np.abs(grad).max() > 1e-9:
                along = float(((t.data - data) * grad).sum())
                self.moves += along != 0
                self.ascents += along > 0

    def look_at_the_images(self, inputs):
        for t in inputs:
            if t.data.ndim == 2 and t.data.shape[1] == 64:
                self.largest = max(self.largest, float(t.data.max()))
                for row, label in zip(t.data[:4], getattr(self, "last_labels", ())[:4], strict=False):
                    for scale in (1, 16):
                        known = self.labels_of.get(np.round(row * scale).tobytes())
                        if known is not None:
                            self.pairs += 1
                            self.mismatched += known != int(label)
                            break

    def notes(self):
        return {
            "walks": self.walks + self.sent,
            "dirty": self.dirty > min(self.walks, CLOSELY) / 2,
            "ascent": self.ascents > self.moves / 2,
            "frozen": self.walks > 1 and self.moves == 0,
            "growing": len(self.sizes) > 3 and self.sizes[3] > self.sizes[2] > self.sizes[1],
            "largest": self.largest,
            "zeros": self.first_weights == 0.0 and self.walks > 0,
            "apart": self.mismatched > self.pairs / 2,
            "worst loss": max(self.losses, default=0.0),
            "last loss": float(np.mean(self.losses[-20:])) if self.losses else 0.0,
        }


def _probe_train(answer, draw):
    images, labels = digits()
    images, labels = images.reshape(-1, 64).astype(float), labels.astype(int)
    for split in range(3):
        order = np.random.RandomState(split).permutation(len(labels))
        names = (np.arange(10) + 3 * (split == 1)) % 10  # only what learned from this y knows its names
        x, y = images[order[:1297]], names[labels[order[:1297]]]
        x_held, y_held = images[order[1297:]], names[labels[order[1297:]]]
        notes = {}

        def call(x=x, y=y, x_held=x_held, y_held=y_held, notes=notes, order=order, names=names):
            with Watched(x, y) as seen, np.errstate(all="ignore"):
                try:
                    predict = answer(x, y)
                finally:
                    notes.update(seen.notes())
            said = np.asarray(predict(x_held))
            if said.shape != y_held.shape:
                return f"predict gave shape {said.shape}"
            notes["touched"] = not (
                np.array_equal(x, images[order[:1297]]) and np.array_equal(y, names[labels[order[:1297]]])
            )
            notes["right"] = float((said == y_held).mean())
            notes["untaught"] = notes["right"] < NEEDED / 2 < float((said == labels[order[1297:]]).mean())
            notes["ignores"] = bool((np.asarray(predict(x_held[::-1])) == said).all()) and len(set(said.tolist())) > 1
            notes["kinds"] = len(set(said.tolist()))
            if notes["touched"]:
                return "the images or labels were changed"
            if notes["right"] < NEEDED:
                return "less than 92 %"
            return "92 % or more" if notes["walks"] else "92 % or more, and no walk back"

        renamed = "" if split != 1 else ", each digit with the label of the third one after it"
        record = trial(f"split {split}: {len(y)} images to learn from, {len(y_held)} held out{renamed}", call)
        yield {**record, "notes": notes}


def _noted(name):
    return lambda facts: bool(facts.record["notes"].get(name))


NO_HISTORY = "Your loss has nothing to walk back: an operation on the way is flat, as `argmax` is, or recording is off."
ZEROS = "About 8 %: every hidden unit is the same."
THROWN = "Near chance, and the loss stays above ln 10: the first steps threw every unit off."
SWINGS = "Your loss swings: every batch carries all before it."
UNSCALED = (
    "The images run from 0 to 16, and a rate of 0.1 was meant for 0 to 1: divide them by 16, or take a smaller one."
)
LONGER = "Each step slower than the last."
UNTAUGHT = "Here each digit has another label, and yours still gives the old one: it was not trained on the `x` and `y` that it is given."
NO_WALK = "The engine was never asked to walk back: nothing here was learned from a gradient."
BLIND = "Same answers for any images: the labels that you saw are not these."
CHANCE = "10 %: chance. The labels no longer belong to their images: shuffle both with one permutation."

EXERCISE_6 = Exercise(
    id="10.6",
    title="Train",
    reference=train_digits,
    points=3,
    seconds=4.0,
    hints=(
        "The settings of 10.7: 64-32-10, pixels divided by 16, batches of 32, lr 0.1, ten epochs.",
        "For each batch, in this order: `zero_grad`, the loss, `backward`, `sgd_step`.",
        "`predict` scales its images in the same way, and takes the `argmax` of the scores in each row.",
    ),
    probe=_probe_train,
    symptoms=(
        raises("does not require grad", NO_HISTORY, "M24"),
        when(lambda f: f.record["raised"] is None and "shape" in f.record["value"]["text"],
             "predict should give one label for each image: `argmax(axis=1)`.", None),
        when(_noted("touched"), TOUCHED.replace("tensor", "array")),
        when(_noted("ignores"), BLIND, "M81"),
        when(_noted("untaught"), UNTAUGHT),
        when(lambda f: f.record["notes"].get("growing"), LONGER, "M44"),
        when(_noted("zeros"), ZEROS),
        when(_noted("apart"), CHANCE),
        when(_noted("frozen"), FROZEN, "M47"),
        when(_noted("ascent"), SIGN, "M76"),
        when(_noted("dirty"), SWINGS, "M28"),
        when(lambda f: f.record["notes"].get("largest", 0) > 1.5, UNSCALED, "M76"),
        when(lambda f: f.record["notes"].get("worst loss", 0) > 10 and "last loss" in f.record["notes"], THROWN, "M76"),
        when(lambda f: f.record["notes"].get("walks") == 0, NO_WALK),
        when(lambda f: f.record["notes"].get("last loss", 9) < 0.25 and f.record["notes"].get("kinds") == 1,
             "`predict` gives the same label for all images: does it take the `argmax` of each row, of images scaled as in training?", None),
        when(lambda f: f.record["notes"].get("last loss", 9) < 0.25 and f.record["notes"].get("right", 1) < 0.5,
             "Learned well and read badly: does predict scale its images as the training did?", "M81"),
        when(lambda f: "right" in f.record["notes"], "It learns, and stays below 92 %: more epochs, a larger lr, or more hidden units.", None),
    ),
)  # fmt: skip

# --- 10.7 --------------------------------------------------------------------------------------------------------

EXERCISE_7 = Exercise(
    id="10.7",
    title="Explain with a number",
    reference=lambda: math.log(26),
    hints=("The probability of the label is 1/26, whichever letter it is.", "Minus its natural logarithm."),
    wrong=(
        Wrong("That is the probability.", None, 1 / 26),
        Wrong("That is the number of classes.", None, 26.0),
        Wrong("Right only if the base of the logarithm is ten; `np.log` has the base e.", None, lambda: math.log10(26)),
        Wrong("In bits.", None, lambda: math.log2(26)),
        Wrong(SIGN, None, lambda: -math.log(26)),
        Wrong("That is the error rate.", None, 25 / 26),
        Wrong("Summed over classes: only the target's counts.", "M02", lambda: 26 * math.log(26)),
        Wrong("That is certainty, and right.", None, 0.0),
        Wrong("That is the loss of ten equal chances; here are 26 letters.", None, lambda: math.log(10)),
        Wrong("That is the loss at 1/25: the label itself is one of the 26.", None, lambda: math.log(25)),
        Wrong("Over the number of classes: the loss is not divided by them.", "M02", lambda: math.log(26) / 26),
        Wrong("That is the loss at 25/26: the label's own chance counts.", None, lambda: -math.log(25 / 26)),
        *(Wrong("Right so far: give four digits.", None, rounded) for rounded in (3.0, 3.2, 3.25, 3.3)),
    ),
)

EXERCISES = [EXERCISE_1, EXERCISE_2, EXERCISE_3, EXERCISE_4, EXERCISE_5, EXERCISE_6, EXERCISE_7]
