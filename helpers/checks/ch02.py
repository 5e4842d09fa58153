"""Chapter 2: local derivatives, a gradient by hand, the order of a walk, and the faults of a scalar engine."""

import math
import sys

from ..value import Value, topological_order
from .exercise import Exercise, Wrong
from .record import calls, close, numbers, trial
from .symptoms import DEEP, LEFT, SHAPE, SIGN, TWO, slow, when

# --- 2.1 and 2.3: the quadratic ------------------------------------------------------------------------------


def quadratic_gradient(x, y, w1, w2, b):
    slope = 2 * (w1 * x**2 + w2 * x + b - y)
    return slope * x**2, slope * x, slope


def _by_hand(x=2.0, y=4.0):
    return quadratic_gradient(x, y, 1.0, 1.0, 1.0)


def _scaled(k):
    return lambda: tuple(k * g for g in _by_hand())


def _quadratic_cases(draw):
    def point():
        return tuple(round(draw.number(-3, 3), 2) for _ in range(5))

    return [(2.0, 4.0, 1.0, 1.0, 1.0), point(), point(), point()]


def _with_slope(slope):
    """The three products with another slope of the loss in y."""

    def answer(x, y, w1, w2, b):
        s = slope(w1 * x**2 + w2 * x + b - y)
        return s * x**2, s * x, s

    return answer


def _parts_of(build):
    """Another triple from the right slope: build(slope, x) -> (d_w1, d_w2, d_b)."""
    return lambda x, y, w1, w2, b: build(2 * (w1 * x**2 + w2 * x + b - y), x)


def _times(slope, *factors):
    return tuple(slope * factor for factor in factors)


# --- 2.2 local derivatives -----------------------------------------------------------------------------------

LOCAL = {
    "+": lambda a, b: (1.0, 1.0),
    "-": lambda a, b: (1.0, -1.0),
    "*": lambda a, b: (b, a),
    "/": lambda a, b: (1 / b, -a / b**2),
    "**": lambda a, b: (b * a ** (b - 1), a**b * math.log(a)),
}


def local_derivatives(op, a, b):
    return LOCAL[op](a, b)


def _operations(answer, draw):
    """Every operation on three pairs of numbers; the record keeps the pair, so that a slip is found for each operation."""
    for op in LOCAL:
        for _ in range(3):
            a, b = round(draw.number(0.5, 3), 2), round(draw.number(0.5, 3), 2)
            yield {**trial(f"op={op!r}, a={a}, b={b}", answer, op, a, b), "notes": {"op": op, "a": a, "b": b}}


def _slip(op, slips, message, misconception=None):
    """The first operation that fails is `op`, and its numbers are what `slips(a, b)` gives."""

    def shows(facts):
        tried = [d["notes"] for d in facts.due if d["notes"]["op"] == op]
        came = [s for s in facts.seen if s["notes"]["op"] == op]
        return (
            facts.wanted["notes"]["op"] == op
            and len(came) == len(tried)
            and all(_same(numbers(s["value"]), slips(d["a"], d["b"])) for s, d in zip(came, tried, strict=True))
        )

    return when(shows, message, misconception)


def _no_branch(op):
    """Other operations give a result, and this one None."""

    def shows(facts):
        others = any(s["value"] is not None for s in facts.seen)
        return facts.kind == "none" and others and facts.wanted["notes"]["op"] == op

    return when(shows, f"Nothing is returned for `{op!r}`: is there a branch for it?")


def _same(came, due):
    return len(came) == len(due) and all(close(x, y, 1e-6, 1e-9) for x, y in zip(came, due, strict=True))


def _fails_with_a_pair(facts):
    """A pair of other numbers came: the exercise's own symptoms come before the general ones."""
    return facts.kind == "value" and len(numbers(facts.record["value"])) == 2


def _second_only(facts):
    if not _fails_with_a_pair(facts):
        return False
    first, second = zip(numbers(facts.record["value"]), numbers(facts.wanted["value"]), strict=True)
    return close(*first, 1e-6, 1e-9) and not close(*second, 1e-2, 1e-2)


def _first_only(facts):
    if not _fails_with_a_pair(facts):
        return False
    first, second = zip(numbers(facts.record["value"]), numbers(facts.wanted["value"]), strict=True)
    return close(*second, 1e-6, 1e-9) and not close(*first, 1e-2, 1e-2)


# --- 2.4 topological order -----------------------------------------------------------------------------------

SQUARE = "x·x"
RIGHT_ORDER = "each node once, parents first, the root last"


def _node(data, *parents):
    return Value(data, parents, "+")


def _chain(length, start=2.0):
    node = _node(start)
    for k in range(length):
        node = _node(start + k + 1, node)
    return node


def _diamond():
    """A short and a long path from the same leaf to the root."""
    x = _node(2.0)
    a = _node(6.0, _node(3.0), x)
    return _node(48.0, a, _node(8.0, a, x))


def _long_way_round(root_first):
    """x is a parent of the root and also its grandparent's parent; the two orders of the root's parents."""
    x = _node(1.5)
    late = _node(4.5, _node(3.5, _node(2.5, x)))
    return _node(9.0, x, late) if root_first else _node(9.0, late, x)


def _used_twice(square_first, steps):
    """x·x beside x + 1 (+ 1): x is used three times, by two nodes; the two orders of the root's parents."""
    x = more = _node(3.0)
    square = _node(9.0, x, x)
    for k in range(steps):
        more = _node(4.5 + k, more, _node(1.25 + k))
    return _node(13.0, square, more) if square_first else _node(13.0, more, square)


def _random_graph(draw, size=12):
    nodes = [_node(float(k) + 0.25) for k in range(3)]
    for k in range(3, size):
        nodes.append(_node(float(k) + 0.25, nodes[-1], nodes[draw.whole(0, len(nodes) - 1)]))
    return nodes[-1]


def _equal_values():
    return _node(8.0, _node(4.0, _node(2.0), _node(2.0)), _node(4.0, _node(2.0), _node(2.0)))


def _doublings(n):
    node = _node(1.0)
    for _ in range(n):
        node = _node(2 * node.data, node, node)
    return node


def _orders(answer, draw):
    graphs = [
        ("a chain of 3 operations", _chain(3)),
        ("d = a·c, c = a + x, a = 3·x", _diamond()),
        ("a root with a near and a far way to x", _long_way_round(True)),
        ("a root with a far and a near way to x", _long_way_round(False)),
        (f"(x + 1) + {SQUARE}", _used_twice(False, 1)),
        (f"{SQUARE} + (x + 1)", _used_twice(True, 1)),
        (f"{SQUARE} + ((x + 1) + 1)", _used_twice(True, 2)),
        *((f"a random graph of 12 nodes, number {k + 1}", _random_graph(draw)) for k in range(3)),
        ("one node", _node(5.0)),
    ]
    for tried, root in graphs:
        yield trial(tried, lambda root=root: _described(answer(root), root))
        yield {**trial(tried, lambda root=root: _described(answer(root), root)), "call": "again"}
    yield trial(
        "a graph with equal values in different nodes", lambda: _described(answer(root := _equal_values()), root)
    )
    yield trial("40 doublings", lambda: _described(answer(root := _doublings(40)), root))
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(min(limit, 1000))  # the limit differs from one notebook server to another
    try:
        yield trial("a chain of 3000 operations", lambda: _described(answer(root := _chain(3000)), root))
    finally:
        sys.setrecursionlimit(limit)


def _described(order, root):
    """What is right or wrong with an order, in words; None for None."""
    if order is None:
        return None
    if not isinstance(order, list | tuple):
        return f"no list: {type(order).__name__}"
    nodes = topological_order(root)
    known = {id(node) for node in nodes}
    strangers = [node for node in order if id(node) not in known]
    if strangers:
        return f"not a node of this graph: {type(strangers[0]).__name__}"
    count = {id(node): 0 for node in nodes}
    for node in order:
        count[id(node)] += 1
    if not count[id(root)]:
        return "the root is missing"
    missing = [node for node in nodes if not count[id(node)]]
    if missing:
        leaves = {id(node) for node in nodes if not node.parents}
        what = "all nodes without parents" if {id(node) for node in missing} == leaves else "some nodes"
        return f"missing: {what}; {len(missing)} of {len(nodes)}"
    often = next((node for node in nodes if count[id(node)] > 1), None)
    if often is not None:
        return f"the node with data={often.data:g} appears {count[id(often)]} times"
    pair = _early_child(order)
    if pair is None:
        return RIGHT_ORDER
    if len(order) > 1 and _early_child(order[::-1]) is None:
        return "exactly backwards"
    child, parent = pair
    return f"the node with data={child.data:g} stands before its parent with data={parent.data:g}"


def _early_child(order):
    place = {id(node): k for k, node in enumerate(order)}
    return next(((n, p) for n in order for p in n.parents if place[id(p)] > place[id(n)]), None)


def _texts(facts):
    """What was said of each order, where one came."""
    return [(s["value"] or {}).get("text", "") for s in facts.seen]


def _says(fragment):
    return lambda facts: fragment in (facts.record["value"] or {}).get("text", "")


def _only_on_equal_values(facts):
    failed = [s["tried"] for s, k in zip(facts.seen, facts.kinds, strict=False) if k]
    return bool(failed) and "equal values" in failed[0]


def _backwards(facts):
    failed = [t for t, k in zip(_texts(facts), facts.kinds, strict=False) if k]
    return set(failed) == {"exactly backwards"}


def _chains_are_right(facts):
    return "stands before" in _texts(facts)[facts.first] and not facts.kinds[0]  # the first trial is a chain


# --- 2.5 push_mul --------------------------------------------------------------------------------------------


def push_mul(self, other, out):
    self.grad += other.data * out.grad
    other.grad += self.data * out.grad


def _pushes(answer, draw):
    """Each trial multiplies, lets `answer` push, and hands back the gradients of the operands."""

    def product(a, b, upstream):
        out = Value(a.data * b.data, (a, b), "*")
        out.grad = upstream
        answer(a, b, out)

    def leaf(grad=0.0):
        node = Value(round(draw.number(0.5, 4), 2))
        node.grad = grad
        return node

    for upstream in (1.0, round(draw.number(2, 5), 2)):
        a, b = leaf(), leaf()
        tried = f"{a.data:g} * {b.data:g}, out.grad = {upstream:g}"
        yield trial(tried, lambda a=a, b=b, u=upstream: [product(a, b, u), a.grad, b.grad][1:])
    three = Value(3.0)
    yield {**trial("x * x at 3, out.grad = 1", lambda: [product(three, three, 1.0), three.grad][1:]), "same": True}
    one, other = Value(3.0), Value(3.0)
    yield trial("3 * 3, two nodes of equal value", lambda: [product(one, other, 1.0), one.grad, other.grad][1:])
    a, b = leaf(2.5), leaf(-1.5)
    yield trial("grads that are 2.5 and -1.5 before", lambda: [product(a, b, 2.0), a.grad, b.grad][1:])
    x, factors = leaf(), [leaf() for _ in range(3)]
    yield trial("x in three products", lambda: [*(product(x, f, 1.5) for f in factors), x.grad][3:])
    y, factors2 = leaf(), [leaf() for _ in range(3)]
    yield trial("x as second operand of three products", lambda: [*(product(f, y, 1.5) for f in factors2), y.grad][3:])


def _mul(first, second):
    """push_mul with other summands: first(self, other, out) and second(self, other, out)."""

    def push(self, other, out):
        a, b = first(self, other, out), second(self, other, out)
        self.grad += a
        other.grad += b

    return push


def _assigns(self, other, out):
    self.grad = other.data * out.grad
    other.grad = self.data * out.grad


def _assigns_twice_the_first(self, other, out):
    self.grad = other.data * out.grad
    other.grad = self.grad


def _copies(self, other, out):
    self.grad += other.data * out.grad
    other.grad = self.grad


def _resets(self, other, out):
    self.grad = other.grad = 0.0
    push_mul(self, other, out)


def _doubles(self, other, out):
    push_mul(self, other, out)
    if self is other:
        self.grad *= 2


def _doubles_by_factor(self, other, out):
    twice = 2 if self is other else 1
    self.grad += twice * other.data * out.grad
    other.grad += twice * self.data * out.grad


def _twice_where_equal(self, other, out):
    if self.data == other.data:
        self.grad += 2 * self.data * out.grad
    else:
        self.grad += other.data * out.grad
        other.grad += self.data * out.grad


def _at_once(self, other, out):
    self.grad, other.grad = self.grad + other.data * out.grad, other.grad + self.data * out.grad


def _first_assigned(self, other, out):
    self.grad = other.data * out.grad
    other.grad += self.data * out.grad


def _second_assigned(self, other, out):
    self.grad += other.data * out.grad
    other.grad = self.data * out.grad


def _second_copies_first(self, other, out):
    self.grad += other.data * out.grad
    other.grad += self.grad


OVERWRITES = "x*x at 3 gives 3, not 6: the second operand overwrites the first."
DOUBLED = "x*x now gives 12: both lines already fire."
LOST = "What had been there before is lost."


def _nothing_written(facts):
    return facts.kind == "value" and not any(n for s in facts.seen[:3] for n in numbers(s["value"]))


def _holds_a_value(facts):
    return any(e.get("object") == "Value" for s in facts.seen for e in (s["value"] or {}).get("list", []))


def _right_for_one(facts):
    """The trials with out.grad = 1 agree; where the grads of two operands are looked at and it is not 1, neither does."""
    return [kind is None for kind in facts.kinds[:5]] == [True, False, True, True, False]


# --- 2.6 a count ---------------------------------------------------------------------------------------------


NEARLY = "Nearly: one more doubling visits twice as many nodes, plus the new root."
AT_3 = "There are numbers of the reading 3 in it: use the arguments."

# --- the exercises -------------------------------------------------------------------------------------------

EXERCISES = [
    Exercise(
        id="2.1",
        title="By hand",
        reference=_by_hand,
        hints=(
            "`y` is 7, and the loss is the square of `y - 4`.",
            "The slope of the loss in y is 2·(7 - 4).",
            "Multiply that slope by x² for w1, by x for w2, by 1 for b.",
        ),
        items=(
            ("w1's edge carries x².", None),
            ("w2's edge carries x.", None),
            ("b's edge carries 1: what arrives at y arrives at b.", None),
        ),
        wrong=(
            Wrong(TWO, None, _scaled(0.5)),
            Wrong("Right size, opposite sign: the gap `y - y_t` is 3, not -3.", None, _scaled(-1)),
            Wrong("Texts came: take the quotes away.", None, ("24", "12", "6")),
            Wrong("Texts came: take the quotes away.", None, ("24.0", "12.0", "6.0")),
            Wrong("Order: w1, w2, b.", None, lambda: _by_hand()[::-1]),
            Wrong("w2's edge carries x, not x².", None, (24.0, 24.0, 6.0)),
            Wrong("w1's edge carries x².", None, (12.0, 12.0, 6.0)),
            Wrong("You multiplied by the loss, not by its slope.", None, (36.0, 18.0, 9.0)),
            Wrong("You multiplied by the loss, not by its slope.", None, (72.0, 36.0, 18.0)),
            Wrong("Along an edge multiply; add only where paths meet.", None, (10.0, 8.0, 6.0)),
            Wrong("Along an edge multiply; add only where paths meet.", None, (10.0, 8.0, 7.0)),
            Wrong("That is x=3, target 6.", None, lambda: _by_hand(3.0, 6.0)),
            Wrong("The target has not been subtracted.", None, lambda: _by_hand(2.0, 0.0)),
            Wrong("Those are the slopes of y: the loss is its square, so one link is missing.", None, (4.0, 2.0, 1.0)),
        ),
    ),
    Exercise(
        id="2.2",
        title="Local derivatives",
        reference=local_derivatives,
        hints=(
            "Hold the other number still: then it is a constant, as in school.",
            "`a/b` is `a·b⁻¹`, and `a**b` as a function of a is an ordinary power.",
            "`a**b` is `exp(b·ln a)`: its slope in b is `a**b * math.log(a)`.",
        ),
        probe=_operations,
        rtol=1e-12,
        atol=1e-12,
        symptoms=(
            _slip("-", lambda a, b: (1, 1), LEFT),
            _slip("*", lambda a, b: (a, b), "Swapped: the slope of a·b in a is b."),
            _slip("*", lambda a, b: (1, 1), "The slope of a product depends on the other factor."),
            _slip("/", lambda a, b: (1 / b, 1 / b), LEFT),
            _slip("/", lambda a, b: (1 / b, a / b**2), "Of `a/b` the slope in b is negative."),
            _slip("/", lambda a, b: (1 / b, -a / b), "One power of b short."),
            _slip("/", lambda a, b: (1 / b, -1 / b**2), "The numerator is missing in the slope for b."),
            _slip(
                "**",
                lambda a, b: (b * a**b - 1, a**b * math.log(a)),
                "`a**b-1` is `(a**b)-1`: put `b-1` in parentheses.",
            ),
            _slip("**", lambda a, b: (b * a ** (b - 1), 0), "The exponent is a variable too."),
            _slip("**", lambda a, b: (b * a**b, a**b * math.log(a)), "The power must go down by one."),
            _slip(
                "**",
                lambda a, b: (b * a ** (b - 1), a**b),
                "The factor ln a is missing: the slope of a**b in b is a**b·ln a.",
            ),
            _slip(
                "**",
                lambda a, b: (b * a ** (b - 1), a**b * math.log(b)),
                "The logarithm is of a, the number that is raised.",
            ),
            _slip(
                "**",
                lambda a, b: (a ** (b - 1), a**b * math.log(a)),
                "The factor b is missing: the slope of a**b in a is b·a**(b-1).",
            ),
            _slip("+", lambda a, b: (a, b), "The slope of a sum does not depend on the summands."),
            _slip("+", lambda a, b: (b, a), "The slope of a sum does not depend on the summands."),
            when(_second_only, LEFT),
            when(_first_only, "The slope in b is right, the slope in a is not."),
            *(_no_branch(op) for op in LOCAL),
        ),
    ),
    Exercise(
        id="2.3",
        title="The quadratic's gradient",
        reference=quadratic_gradient,
        hints=(
            "Give the difference y - y_t a name.",
            "Three products: each is twice the difference, times what stands beside the parameter.",
        ),
        probe=calls(_quadratic_cases, "x, y_t, w1, w2, b"),
        wrong=(
            Wrong(TWO, None, _with_slope(lambda r: r)),
            Wrong(SIGN, None, _with_slope(lambda r: -2 * r)),
            Wrong("Your value is quadratic in the error, it should be linear.", None, _with_slope(lambda r: r**2)),
            Wrong("Your value is quadratic in the error, it should be linear.", None, _with_slope(lambda r: 2 * r**2)),
            Wrong("The sign of the error is lost: a slope can be negative.", None, _with_slope(lambda r: 2 * abs(r))),
            Wrong(
                "That is d(x²)/dx: the derivative asked for is in w1.",
                None,
                _parts_of(lambda s, x: (s * 2 * x, s * x, s)),
            ),
            Wrong("w1 multiplies x², not x.", None, _parts_of(lambda s, x: (s * x, s * x, s))),
            Wrong("w2 multiplies x, not x².", None, _parts_of(lambda s, x: (s * x**2, s * x**2, s))),
            Wrong("b does not see the loss.", None, _parts_of(lambda s, x: (s * x**2, s * x, 1.0))),
            Wrong("Order: w1, w2, b.", None, _parts_of(lambda s, x: (s, s * x, s * x**2))),
            Wrong("Right only for w1 = w2 = b = 1.", None, lambda x, y, w1, w2, b: quadratic_gradient(x, y, 1, 1, 1)),
            Wrong(
                "b is missing in the forward pass.", None, lambda x, y, w1, w2, b: quadratic_gradient(x, y, w1, w2, 0)
            ),
            Wrong(
                "The target is missing: the loss is about y - y_t.",
                None,
                lambda x, y, w1, w2, b: quadratic_gradient(x, 0, w1, w2, b),
            ),
            Wrong(
                "Those are the slopes of y: the square on top is one link more.",
                None,
                _parts_of(lambda s, x: (x**2, x, 1.0)),
            ),
            Wrong(
                "Those are the slopes in x² and x: multiply by x² and x, not by w1 and w2.",
                None,
                lambda x, y, w1, w2, b: _times(2 * (w1 * x**2 + w2 * x + b - y), w1, w2, 1.0),
            ),
            Wrong(AT_3, None, lambda *args: _by_hand(3.0, 6.0)),
            Wrong(AT_3, None, lambda x, *rest: _times(14.0, x**2, x, 1.0)),
            Wrong(AT_3, None, _parts_of(lambda s, x: (9 * s, 3 * s, s))),
            Wrong(SHAPE, None, lambda *args: sum(quadratic_gradient(*args))),
        ),
        symptoms=(
            when(lambda f: f.kind == "type" and "number" in f.record["value"], SHAPE),
            when(
                lambda f: len({str(s["value"]) for s in f.seen}) == 1,
                "The same answer for every input: the arguments are not used.",
            ),
        ),
    ),
    Exercise(
        id="2.4",
        title="Topological order",
        reference=topological_order,
        hints=(
            "First count. Keep a list of nodes still to be looked at, at first `[root]`, and a dictionary `users`, at first `{root: 0}`. Each look adds 1 to every parent's count; a parent met for the first time joins the list.",
            "Then take. At first only the root is ready. Take a ready node, and lower the count of each of its parents by 1: a parent whose count reaches 0 is ready.",
            "You took children before parents: hand back the list turned round, `taken[::-1]`.",
        ),
        probe=_orders,
        symptoms=(
            when(lambda f: f.raised("RecursionError") and not any(k for k in f.kinds[: f.first]), DEEP),
            when(
                lambda f: f.wanted.get("call") == "again" and f.kind is not None and not f.kinds[f.first - 1],
                "Right the first time only: something that the first call left (on the nodes, or in a default argument) is still there.",
            ),
            when(_only_on_equal_values, "Two nodes of equal value are taken for one."),
            when(_says("the root is missing"), "The root itself is missing."),
            when(_says("all nodes without parents"), "Nodes without parents are missing."),
            when(_says("missing: some"), "Not every node is reached: follow every parent."),
            when(_says("times"), "A node appears more than once: remember whom you have seen."),
            slow("Too slow on 40 doublings: a node is visited once per path."),
            when(_says("no list"), "A list of nodes is due."),
            when(
                _says("not a node"),
                "The list holds something that is no node of this graph: append the nodes themselves, not their data.",
            ),
            when(_backwards, "Exactly backwards."),
            when(
                lambda f: SQUARE in f.wanted["tried"] and _says("stands before")(f),
                "Count how many times a node is used, not by how many: in `x * x` that is two.",
            ),
            when(
                _chains_are_right,
                "Right on chains, wrong where two paths have different lengths: a child stands before its parent.",
            ),
            when(lambda f: any("stands before" in t for t in _texts(f)), "A child stands before its parent."),
        ),
    ),
    Exercise(
        id="2.5",
        title="Find the bug: mul",
        reference=push_mul,
        hints=("Try x*x: which of the two lines has the last word?", "What was in `self.grad` before?"),
        probe=_pushes,
        wrong=(
            Wrong(OVERWRITES, "M28", _assigns),
            Wrong(OVERWRITES, "M28", _second_assigned),
            Wrong("The first operand's gradient is assigned: " + LOST.lower(), "M28", _first_assigned),
            Wrong(LOST, "M28", _resets),
            Wrong("d(ab)/da is b.", None, _mul(lambda a, b, o: a.data * o.grad, lambda a, b, o: b.data * o.grad)),
            Wrong(
                "`out.data` is the product itself: multiply by `out.grad`.",
                "M66",
                _mul(lambda a, b, o: b.data * o.data, lambda a, b, o: a.data * o.data),
            ),
            Wrong(LEFT, None, _mul(lambda a, b, o: b.data * o.grad, lambda a, b, o: 0.0)),
            Wrong(LEFT, None, _mul(lambda a, b, o: b.data * o.grad, lambda a, b, o: b.data * o.grad)),
            Wrong(LEFT, None, _second_copies_first),
            Wrong(LEFT, None, _assigns_twice_the_first),
            Wrong(LEFT, None, _copies),
            Wrong(
                "The second operand's gradient is right, the first's is not: one line for each.",
                None,
                _mul(lambda a, b, o: 0.0, lambda a, b, o: a.data * o.grad),
            ),
            Wrong(
                "That is the rule of a sum: in a product the other factor comes in.",
                None,
                _mul(lambda a, b, o: o.grad, lambda a, b, o: o.grad),
            ),
            Wrong(SIGN, None, _mul(lambda a, b, o: -b.data * o.grad, lambda a, b, o: -a.data * o.grad)),
            Wrong(DOUBLED, None, _doubles),
            Wrong(DOUBLED, None, _doubles_by_factor),
            Wrong("Two nodes may hold the same number and be two: their gradients are two.", None, _twice_where_equal),
            Wrong(
                "For x*x both right sides are read before either is stored: one of the two is lost.", "M28", _at_once
            ),
        ),
        symptoms=(
            when(_nothing_written, "The grads did not change."),
            when(_holds_a_value, "A Value came: use `.data` and `out.grad`."),
            when(_right_for_one, "Right where `out.grad` is 1, wrong elsewhere: multiply by `out.grad`.", "M66"),
        ),
    ),
    Exercise(
        id="2.6",
        rtol=0,
        title="Explain with a number",
        reference=lambda: 2**21 - 1,
        hints=(
            "One doubling: 3 visits. Two: 7. Three: 15.",
            "Each level doubles what there was and adds the root: after n doublings 2ⁿ⁺¹ - 1.",
        ),
        wrong=(
            Wrong("One visit per doubling would be the topological walk, less the leaf.", None, 20),
            Wrong("That is the topological count.", None, 21),
            Wrong(
                "That is the number of paths, the last level only: every node on every path is visited.", None, 2**20
            ),
            Wrong("n²: the visits double with each level, they do not add up evenly.", None, 400),
            Wrong("Paths share their beginnings: each visit leads to two more, not to a whole path.", None, 21 * 2**20),
            Wrong("That is for 19 doublings.", None, 2**20 - 1),
            Wrong("One too many: the root is visited once.", None, 2**21),
            Wrong("Two per level: but each of the two is visited by every visit above.", None, 40),
            Wrong("That is for 18 doublings.", None, 2**19 - 1),
            Wrong("That is for 21 doublings.", None, 2**22 - 1),
            *(Wrong(NEARLY, None, near) for near in (2**20 - 2, 2**21 - 4, 2**21 - 3, 2**21 - 2)),
        ),
    ),
]
