"""Answers to chapter 2's exercises, right and wrong, as a first-year student might write them."""

import math

import numpy as np
import torch

from helpers.checks.symptoms import DEEP, LEFT, NONE, SHAPE, SIGN, TWO

# --- 2.2 -----------------------------------------------------------------------------------------------------


def by_cases(op, a, b):
    if op == "+":
        return 1.0, 1.0
    if op == "-":
        return 1.0, -1.0
    if op == "*":
        return b, a
    if op == "/":
        return 1 / b, -a / (b * b)
    return b * a ** (b - 1), math.log(a) * a**b


def by_match(op, a, b):
    match op:
        case "+":
            return [1, 1]
        case "-":
            return [1, -1]
        case "*":
            return [b, a]
        case "/":
            return [b**-1, -a * b**-2]
        case "**":
            y = math.exp(b * math.log(a))
            return [y * b / a, y * math.log(a)]


def by_autograd(op, a, b):
    a, b = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in (a, b))
    result = {"+": a + b, "-": a - b, "*": a * b, "/": a / b, "**": a**b}[op]
    return tuple(g.item() for g in torch.autograd.grad(result, (a, b)))


def with_slip(wrong_op, slip):
    def answer(op, a, b):
        return slip(a, b) if op == wrong_op else by_cases(op, a, b)

    return answer


def forward_difference(op, a, b, h=1e-6):
    f = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b,
        "**": lambda a, b: a**b,
    }[op]
    return (f(a + h, b) - f(a, b)) / h, (f(a, b + h) - f(a, b)) / h


def two_slips(op, a, b):
    if op == "-":
        return 1.0, 1.0
    if op == "**":
        return b * a ** (b - 1), 0.0
    return by_cases(op, a, b)


def forgets_power(op, a, b):
    return {"+": (1, 1), "-": (1, -1), "*": (b, a), "/": (1 / b, -a / b**2)}.get(op)


def forgets_sum(op, a, b):
    return {"-": (1, -1), "*": (b, a), "/": (1 / b, -a / b**2), "**": by_cases("**", a, b)}.get(op)


def asks_for_a_caret(op, a, b):
    if op == "^" or op != "**":
        return by_cases(op, a, b)


# --- 2.3 -----------------------------------------------------------------------------------------------------


def link_by_link(x, y, w1, w2, b):
    y_pred = w1 * x * x + w2 * x + b
    dy = 2 * (y_pred - y)
    return (dy * x * x, dy * x, dy)


def powers(x, y, w1, w2, b):
    slope = -2 * (y - b - w2 * x - w1 * x**2)
    return tuple(slope * x**k for k in (2, 1, 0))


def with_arrays(x, y, w1, w2, b):
    r = w1 * x**2 + w2 * x + b - y
    return (2 * r * np.array([x**2, x, 1.0])).tolist()


def residual(x, y, w1, w2, b):
    return w1 * x**2 + w2 * x + b - y


# --- 2.4 -----------------------------------------------------------------------------------------------------


def two_lists(root):
    """Reversed postorder turned back: children are put down after a walk with counts of users."""
    users = {root: 0}
    todo = [root]
    while todo:
        node = todo.pop()
        for parent in node.parents:
            if parent not in users:
                users[parent] = 0
                todo.append(parent)
            users[parent] += 1
    ready, backwards = [root], []
    while ready:
        node = ready.pop()
        backwards.append(node)
        for parent in node.parents:
            users[parent] -= 1
            if users[parent] == 0:
                ready.append(parent)
    return backwards[::-1]


def users_in_sets(root):
    """Who uses a node is kept in a set, and lowered once for each edge."""
    users, todo = {root: set()}, [root]
    while todo:
        node = todo.pop()
        for parent in node.parents:
            if parent not in users:
                users[parent] = set()
                todo.append(parent)
            users[parent].add(node)
    left = {node: len(used_by) for node, used_by in users.items()}
    ready, taken = [root], []
    while ready:
        node = ready.pop()
        taken.append(node)
        for parent in node.parents:
            left[parent] -= 1
            if left[parent] == 0:
                ready.append(parent)
    return taken[::-1]


def users_in_sets_first_in_first_out(root):
    """The same slip, with the ready nodes taken from the front."""
    users, todo = {root: set()}, [root]
    for node in todo:
        for parent in node.parents:
            if parent not in users:
                users[parent] = set()
                todo.append(parent)
            users[parent].add(node)
    left = {node: len(used_by) for node, used_by in users.items()}
    taken = [root]
    for node in taken:
        for parent in node.parents:
            left[parent] -= 1
            if left[parent] == 0:
                taken.append(parent)
    return taken[::-1]


def with_iterators(root):
    order, seen, stack = [], {id(root)}, [(root, iter(root.parents))]
    while stack:
        node, parents = stack[-1]
        parent = next((p for p in parents if id(p) not in seen), None)
        if parent is None:
            order.append(node)
            stack.pop()
        else:
            seen.add(id(parent))
            stack.append((parent, iter(parent.parents)))
    return order


def waits_for_parents(root):
    order, done, stack = [], set(), [root]
    while stack:
        node = stack[-1]
        waiting = [p for p in node.parents if p not in done]
        if waiting:
            stack.extend(waiting)
        else:
            stack.pop()
            if node not in done:
                done.add(node)
                order.append(node)
    return order


def recursive(root):
    order, seen = [], set()

    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for parent in node.parents:
            visit(parent)
        order.append(node)

    visit(root)
    return order


def preorder(root):
    order, stack = [], [root]
    while stack:
        node = stack.pop()
        if node not in order:
            order.append(node)
            stack += list(node.parents)[::-1]
    return order


def preorder_turned(root):
    return preorder(root)[::-1]


def breadth_first(root):
    order = [root]
    for node in order:
        for parent in node.parents:
            if parent not in order:
                order.append(parent)
    return order[::-1]


def with_duplicates(root):
    order = []

    def visit(node):
        for parent in node.parents:
            visit(parent)
        order.append(node)

    visit(root)
    return order


def without_leaves(root):
    return [node for node in two_lists(root) if node.parents]


def without_root(root):
    return two_lists(root)[:-1]


def backwards(root):
    return two_lists(root)[::-1]


def by_value(root):
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node.data not in seen:
            seen.add(node.data)
            stack.append((node, True))
            stack.extend((p, False) for p in node.parents)
    return order


def once_per_path(root):
    order = []

    def visit(node):
        for parent in node.parents:
            visit(parent)
        if node not in order:
            order.append(node)

    visit(root)
    return order


def keeps_seen(root, seen=set()):  # noqa: B006
    order, stack = [], [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack.extend((p, False) for p in node.parents)
    return order


def marks_nodes(root):
    order, stack = [], [(root, False)]
    while stack:
        node, ready = stack.pop()
        if ready:
            order.append(node)
        elif not hasattr(node, "visited"):
            node.visited = True
            stack.append((node, True))
            stack.extend((p, False) for p in node.parents)
    return order


def data_only(root):
    return [node.data for node in two_lists(root)]


def first_parents_only(root):
    order = [root]
    while order[-1].parents:
        order.append(order[-1].parents[0])
    return order[::-1]


def prints_order(root):
    print(two_lists(root))


# --- 2.5 -----------------------------------------------------------------------------------------------------


def plus_equals(self, other, out):
    self.grad += out.grad * other.data
    other.grad += out.grad * self.data


def spelled_out(self, other, out):
    upstream = out.grad
    self.grad = self.grad + upstream * other.data
    other.grad = other.grad + upstream * self.data


def by_loop(self, other, out):
    for node, factor in ((self, other.data), (other, self.data)):
        node.grad += factor * out.grad


def overwrites(self, other, out):
    self.grad = other.data * out.grad
    other.grad = self.data * out.grad


def second_overwrites(self, other, out):
    self.grad += other.data * out.grad
    other.grad = self.data * out.grad


def first_overwrites(self, other, out):
    self.grad = other.data * out.grad
    other.grad += self.data * out.grad


def own_data(self, other, out):
    self.grad += self.data * out.grad
    other.grad += other.data * out.grad


def out_data(self, other, out):
    self.grad += other.data * out.data
    other.grad += self.data * out.data


def no_upstream(self, other, out):
    self.grad += other.data
    other.grad += self.data


def no_upstream_for_self(self, other, out):
    self.grad += other.data
    other.grad += self.data * out.grad


def whole_values(self, other, out):
    self.grad += other * out.grad
    other.grad += self * out.grad


def whole_value_for_other(self, other, out):
    self.grad += other.data * out.grad
    other.grad += self * out.grad


def only_self(self, other, out):
    self.grad += other.data * out.grad


def copies(self, other, out):
    self.grad += other.data * out.grad
    other.grad = self.grad


def resets(self, other, out):
    self.grad = 0.0
    other.grad = 0.0
    self.grad += other.data * out.grad
    other.grad += self.data * out.grad


def doubles(self, other, out):
    self.grad += other.data * out.grad
    other.grad += self.data * out.grad
    if self is other:
        self.grad = 2 * self.grad


def returns(self, other, out):
    return self.grad + other.data * out.grad, other.grad + self.data * out.grad


def local_names(self, other, out):
    grad = self.grad
    grad += other.data * out.grad


def as_sum(self, other, out):
    self.grad += out.grad
    other.grad += out.grad


def minus(self, other, out):
    self.grad -= other.data * out.grad
    other.grad -= self.data * out.grad


RIGHT = {
    "2.1": [(24, 12, 6), [24.0, 12.0, 6.0], torch.tensor([24.0, 12.0, 6.0]), (np.float64(24), 12, torch.tensor(6.0))],
    "2.2": [by_cases, by_match, by_autograd],
    "2.3": [link_by_link, powers, with_arrays],
    "2.4": [two_lists, with_iterators, waits_for_parents],
    "2.5": [plus_equals, spelled_out, by_loop],
    "2.6": [2097151, 2**21 - 1, sum(2**k for k in range(21)), 2097151.0],
}


def mul_twice_where_equal(self, other, out):
    if self.data == other.data:
        self.grad += 2 * self.data * out.grad
    else:
        self.grad += other.data * out.grad
        other.grad += self.data * out.grad


def mul_at_once(self, other, out):
    self.grad, other.grad = self.grad + other.data * out.grad, other.grad + self.data * out.grad


WRONG = {
    "2.1": [
        ((12, 6, 3), TWO),
        ((-24, -12, -6), "the gap `y - y_t` is 3"),
        (("24", "12", "6"), "quotes"),
        (["24.0", "12.0", "6.0"], "quotes"),
        ((10, 8, 6), "Along an edge multiply"),
        ((10, 8, 7), "Along an edge multiply"),
        ((6, 12, 24), "Order: w1, w2, b."),
        ((24, 24, 6), "w2's edge carries x, not x²."),
        ((12, 12, 6), "w1's edge carries x²."),
        ((36, 18, 9), "not by its slope"),
        ((126, 42, 14), "That is x=3, target 6."),
        ((56, 28, 14), "The target has not been subtracted."),
        ((4, 2, 1), "one link is missing"),
        (24.0, "3 items are asked for"),
        ((24, 12, 1), "Item 3: b's edge carries 1"),
        ((24, 6, 6), "Item 2: w2's edge"),
        ((9, 7, 3), "3 of 3 items"),
        (None, "3 items are asked for"),
    ],
    "2.2": [
        (with_slip("-", lambda a, b: (1, 1)), LEFT),
        (with_slip("*", lambda a, b: (a, b)), "Swapped"),
        (with_slip("/", lambda a, b: (1 / b, 1 / b)), LEFT),
        (with_slip("/", lambda a, b: (1 / b, a / b**2)), "Of `a/b` the slope in b is negative."),
        (with_slip("/", lambda a, b: (1 / b, -a / b)), "One power of b short."),
        (with_slip("/", lambda a, b: (1 / b, -1 / b**2)), "The numerator is missing"),
        (with_slip("**", lambda a, b: (b * a ** (b - 1), 0)), "The exponent is a variable too."),
        (with_slip("**", lambda a, b: (b * a**b, a**b * math.log(a))), "The power must go down by one."),
        (with_slip("**", lambda a, b: (b * a ** (b - 1), a**b)), "ln a is missing"),
        (with_slip("**", lambda a, b: (b * a ** (b - 1), a**b * math.log(b))), "The logarithm is of a"),
        (with_slip("+", lambda a, b: (a, b)), "does not depend on the summands"),
        (with_slip("*", lambda a, b: (1, 1)), "depends on the other factor"),
        (two_slips, LEFT),
        (forward_difference, "Close, but off"),
        (forgets_power, "Nothing is returned for `'**'`"),
        (with_slip("**", lambda a, b: (b * a ^ (b - 1), a**b * math.log(a))), "^"),
        (asks_for_a_caret, "Nothing is returned for `'**'`"),
        (forgets_sum, "Nothing is returned for `'+'`"),
        (with_slip("/", lambda a, b: (b, -a / b**2)), "The slope in b is right, the slope in a is not."),
        (with_slip("*", lambda a, b: (2 * a, a)), "The slope in b is right, the slope in a is not."),
        (with_slip("**", lambda a, b: (b * a**b - 1, a**b * math.log(a))), "put `b-1` in parentheses"),
        (lambda op, a, b: (1.0, 1.0), LEFT),
        (lambda op, a, b: by_cases(op, a, b)[0], None),
        (lambda op, a, b: print(by_cases(op, a, b)), NONE),
    ],
    "2.3": [
        (lambda *v: tuple(residual(*v) * v[0] ** k for k in (2, 1, 0)), TWO),
        (lambda x, y, w1, w2, b: tuple(2 * (y - (w1 * x**2 + w2 * x + b)) * x**k for k in (2, 1, 0)), SIGN),
        (lambda *v: (2 * residual(*v) * 2 * v[0], 2 * residual(*v) * v[0], 2 * residual(*v)), "That is d(x²)/dx"),
        (lambda *v: (2 * residual(*v) * v[0], 2 * residual(*v) * v[0], 2 * residual(*v)), "w1 multiplies x², not x."),
        (lambda *v: (2 * residual(*v) * v[0] ** 2, 2 * residual(*v) * v[0] ** 2, 2 * residual(*v)), "w2 multiplies x"),
        (lambda *v: (2 * residual(*v) * v[0] ** 2, 2 * residual(*v) * v[0], 1), "b does not see the loss."),
        (lambda *v: tuple(residual(*v) ** 2 * v[0] ** k for k in (2, 1, 0)), "quadratic in the error"),
        (lambda x, y, *w: link_by_link(x, y, 1, 1, 1), "Right only for w1 = w2 = b = 1."),
        (
            lambda x, y, w1, w2, b: tuple(2 * (w1 * x * x + w2 * x - y) * f for f in (x * x, x, 1)),
            "b is missing in the forward pass.",
        ),
        (
            lambda x, y, w1, w2, b: tuple(2 * (w1 * x * x + w2 * x + b) * f for f in (x * x, x, 1)),
            "The target is missing",
        ),
        (lambda *v: sum(link_by_link(*v)), SHAPE),
        (lambda *v: link_by_link(*v)[::-1], "Order: w1, w2, b."),
        (lambda *v: (24.0, 12.0, 6.0), "The same answer for every input"),
        (lambda *v: (126.0, 42.0, 14.0), "numbers of the reading 3"),
        (lambda x, *rest: (x * x * 14, x * 14, 14), "numbers of the reading 3"),
        (lambda *v: tuple(2 * residual(*v) * f for f in (9, 3, 1)), "numbers of the reading 3"),
        (lambda x, y, w1, w2, b: (x**2, x, 1.0), "one link more"),
        (lambda *v: tuple(2 * abs(residual(*v)) * f for f in (v[0] ** 2, v[0], 1)), "The sign of the error is lost"),
        (lambda *v: print(link_by_link(*v)), NONE),
        (lambda *v: link_by_link(*v)[:2], None),
        (lambda x, y, w1, w2, b: tuple(2 * residual(x, y, w1, w2, b) * f for f in (w1, w2, 1)), "not by w1 and w2"),
    ],
    "2.4": [
        (preorder, "A child stands before its parent."),
        (preorder_turned, "Right on chains"),
        (breadth_first, "Right on chains"),
        (with_duplicates, "A node appears more than once"),
        (without_leaves, "Nodes without parents are missing."),
        (without_root, "The root itself is missing."),
        (backwards, "Exactly backwards."),
        (recursive, DEEP),
        (by_value, "Two nodes of equal value"),
        (once_per_path, "a node is visited once per path"),
        (keeps_seen, "Right the first time only"),
        (marks_nodes, "Right the first time only"),
        (users_in_sets, "in `x * x` that is two"),
        (users_in_sets_first_in_first_out, "in `x * x` that is two"),
        (data_only, "append the nodes themselves"),
        (first_parents_only, "Not every node is reached"),
        (prints_order, NONE),
        (lambda root: set(two_lists(root)), "A list of nodes is due."),
        (lambda root: [root], "Not every node is reached"),
    ],
    "2.5": [
        (mul_twice_where_equal, "Two nodes may hold the same number"),
        (mul_at_once, "both right sides are read"),
        (overwrites, "x*x at 3 gives 3, not 6"),
        (second_overwrites, "x*x at 3 gives 3, not 6"),
        (first_overwrites, "what had been there before is lost"),
        (own_data, "d(ab)/da is b."),
        (out_data, "`out.data` is the product"),
        (no_upstream, "Right where `out.grad` is 1"),
        (no_upstream_for_self, "Right where `out.grad` is 1"),
        (whole_values, "A Value came"),
        (whole_value_for_other, "A Value came"),
        (only_self, LEFT),
        (copies, LEFT),
        (resets, "What had been there before is lost."),
        (doubles, "both lines already fire"),
        (returns, "The grads did not change."),
        (local_names, "The grads did not change."),
        (as_sum, "That is the rule of a sum"),
        (minus, SIGN),
    ],
    "2.6": [
        (20, "less the leaf"),
        (21, "That is the topological count."),
        (1048576, "That is the number of paths"),
        (400, "n²"),
        (21 * 2**20, "Paths share their beginnings"),
        (1048575, "That is for 19 doublings."),
        (2097152, "the root is visited once"),
        (40, "Two per level"),
        (524287, "That is for 18 doublings."),
        (2 * 524287, "plus the new root"),
        (4 * 524287, "plus the new root"),
        (2097149, "plus the new root"),
        (2097150, "plus the new root"),
        (2097000, "Not the value"),
        (4194303, "That is for 21 doublings."),
        ("2097151", "A text, not a number"),
        (None, "None came"),
    ],
}
