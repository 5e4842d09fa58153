"""Answers to chapter 10's exercises, right and wrong."""

import gc
import math

import numpy as np
import torch

from helpers import engine
from helpers.checks.symptoms import DEEP, FROZEN, LEFT, MODE, ONES, SIGN, SUM, TOUCHED
from helpers.data import digits
from helpers.engine import Tensor, cross_entropy, mode, sgd_step, unbroadcast, zero_grad

# --- 10.1 Add and multiply ---------------------------------------------------------------------------------------


def down(g, shape):
    """Own unbroadcast, written with one sum over all axes."""
    lead = g.ndim - len(shape)
    axes = tuple(range(lead)) + tuple(lead + k for k, n in enumerate(shape) if n == 1)
    return g.sum(axis=axes, keepdims=True).reshape(shape) if axes else g.copy()


def add_loop(g, a, b):
    return tuple(down(g, each.shape) for each in (a, b))


def mul_loop(g, a, b):
    return [down(g * other, each.shape) for each, other in ((a, b), (b, a))]


def mul_by_add(g, a, b):
    first = unbroadcast(b * g, np.shape(a))
    second = unbroadcast(a * g, np.shape(b))
    return first, second


def add_plain(g, a, b):
    return g.copy(), g.copy()


def mul_plain(g, a, b):
    return g * b, g * a


def add_only_a(g, a, b):
    return unbroadcast(g, a.shape), g.copy()


def mul_only_a(g, a, b):
    return unbroadcast(g * b, a.shape), g * a


def add_no_g(g, a, b):
    one = np.ones(np.broadcast_shapes(a.shape, b.shape))
    return unbroadcast(one, a.shape), unbroadcast(one, b.shape)


def mul_no_g(g, a, b):
    wide = np.ones(np.broadcast_shapes(a.shape, b.shape))
    return unbroadcast(wide * b, a.shape), unbroadcast(wide * a, b.shape)


def mul_own(g, a, b):
    return unbroadcast(a * g, a.shape), unbroadcast(b * g, b.shape)


def add_reshape(g, a, b):
    return g.reshape(a.shape), g.reshape(b.shape)


def add_first_copy(g, a, b):
    def first(shape):
        part = g
        while part.ndim > len(shape):
            part = part[0]
        return part[tuple(slice(0, 1) if n == 1 else slice(None) for n in shape)].copy()

    return first(a.shape), first(b.shape)


def add_shared(g, a, b):
    if a.shape == b.shape:
        return g, g
    return unbroadcast(g, a.shape), unbroadcast(g, b.shape)


def mul_in_place(g, a, b):
    for_b = unbroadcast(g * a, b.shape)
    g *= b
    return unbroadcast(g, a.shape), for_b


def add_everything(g, a, b):
    return np.asarray(g.sum()), np.asarray(g.sum())


def add_last_axis(g, a, b):
    def last(shape):
        part = g
        while part.ndim > len(shape):
            part = part.sum(axis=-1)
        for axis, size in enumerate(shape):
            if size == 1:
                part = part.sum(axis=axis, keepdims=True)
        return part.copy()

    return last(a.shape), last(b.shape)


def mul_doubled(g, a, b):
    return 2 * unbroadcast(g * b, a.shape), unbroadcast(g * a, b.shape)


def averaged_add(g, a, b):
    return tuple(down(g, each.shape) * each.size / g.size for each in (a, b))


def averaged_mul(g, a, b):
    return tuple(down(g * other, each.shape) * each.size / g.size for each, other in ((a, b), (b, a)))


def unwritten(g, a, b):
    raise NotImplementedError


def for_ever(*arguments):
    while True:
        pass


def add_ones_only(g, a, b):
    """Sums where an operand has a 1, and keeps the axes that it has not."""

    def ones_down(shape):
        lead = g.ndim - len(shape)
        return g.sum(axis=tuple(lead + k for k, n in enumerate(shape) if n == 1), keepdims=True) + 0.0

    return ones_down(a.shape), ones_down(b.shape)


# --- 10.2 Matmul -------------------------------------------------------------------------------------------------


def matmul_einsum(g, a, b):
    return np.einsum("nm,km->nk", g, b), np.einsum("nk,nm->km", a, g)


def matmul_dot(g, a, b):
    return np.dot(g, b.transpose()), np.dot(a.transpose(), g)


def matmul_transposed(g, a, b):
    return [(b @ g.T).T, (g.T @ a).T]


def matmul_in_place(g, a, b):
    first = g @ b.T
    g *= 0
    return first, a.T @ g


# --- 10.3 The walk -----------------------------------------------------------------------------------------------


def nodes_of(root):
    seen, stack = {root}, [root]
    while stack:
        for parent in stack.pop().parents:
            if parent not in seen and parent.requires_grad:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=lambda t: t.order, reverse=True)


def walk_sorted(root, g=1.0):
    got = {id(root): np.ones(root.data.shape) * g}
    for t in nodes_of(root):
        mine = got[id(t)]
        if t.parents:
            for parent, part in zip(t.parents, t.vjp(mine), strict=True):
                if parent.requires_grad:
                    got[id(parent)] = got.get(id(parent), 0) + part
        else:
            t.grad = mine.copy() if t.grad is None else t.grad + mine


def walk_heap(root, g=1.0):
    import heapq

    got, heap = {root: np.asarray(g) + np.zeros(root.data.shape)}, [(-root.order, root)]
    while heap:
        _, t = heapq.heappop(heap)
        mine = got[t]
        if not t.parents:
            t.grad = (0 if t.grad is None else t.grad) + mine
            continue
        for parent, part in zip(t.parents, t.vjp(mine), strict=True):
            if not parent.requires_grad:
                continue
            if parent in got:
                got[parent] = got[parent] + part
            else:
                got[parent] = part
                heapq.heappush(heap, (-parent.order, parent))


def walk_lists(root, g=1.0):
    waiting = [(root, np.array(np.broadcast_to(g, root.data.shape)))]
    while waiting:
        waiting.sort(key=lambda pair: pair[0].order)
        t = waiting[-1][0]
        total = sum(part for each, part in waiting if each is t)
        waiting = [pair for pair in waiting if pair[0] is not t]
        if t.parents:
            waiting += [(p, s) for p, s in zip(t.parents, t.vjp(total), strict=True) if p.requires_grad]
        elif t.grad is None:
            t.grad = total + 0.0
        else:
            t.grad = t.grad + total


def changed_walk(at_leaf=None, meet=None, wanted=True, clear=False, first=None):
    def walk(root, g=1.0):
        if clear:
            for t in nodes_of(root):
                if not t.parents:
                    t.grad = None
        got = {root: first(root) if first else np.ones(root.data.shape) * g}
        while got:
            t = sorted(got, key=lambda t: t.order)[-1]
            mine = got.pop(t)
            if not t.parents:
                if at_leaf:
                    at_leaf(t, mine)
                elif t.grad is None:
                    t.grad = np.array(mine)
                else:
                    t.grad = t.grad + mine
                continue
            for parent, part in zip(t.parents, t.vjp(mine), strict=True):
                if parent.requires_grad or not wanted:
                    if parent not in got:
                        got[parent] = part
                    else:
                        got[parent] = meet(got[parent], part) if meet else got[parent] + part

    return walk


def set_leaf(t, mine):
    t.grad = mine + 0.0


def keep_g(t, mine):
    if t.grad is None:
        t.grad = mine
    else:
        t.grad += mine


def meet_in_place(old, part):
    old += part
    return old


def walk_middle(root, g=1.0):
    root.grad = np.ones(root.data.shape) * g
    for t in nodes_of(root):
        if t.parents:
            for parent, part in zip(t.parents, t.vjp(t.grad), strict=True):
                if parent.requires_grad:
                    parent.grad = part.copy() if parent.grad is None else parent.grad + part


def walk_middle_and_root(root, g=1.0):
    root.grad = (0 if root.grad is None else root.grad) + np.ones(root.data.shape) * g
    for t in nodes_of(root):
        if t.parents:
            for parent, part in zip(t.parents, t.vjp(t.grad), strict=True):
                if parent.requires_grad:
                    parent.grad = part.copy() if parent.grad is None else parent.grad + part


def walk_depth_first(root, g=1.0):
    """Each tensor once, its own parents first: a node may send before all has arrived."""
    got, stack, done = {root: np.ones(root.data.shape) * g}, [root], set()
    while stack:
        t = stack.pop()
        if t in done:
            continue
        done.add(t)
        if not t.parents:
            continue
        for parent, part in zip(t.parents, t.vjp(got[t]), strict=True):
            if parent.requires_grad:
                got[parent] = got[parent] + part if parent in got else part
                stack.append(parent)
    for t, mine in got.items():
        if not t.parents:
            t.grad = np.array(mine) if t.grad is None else t.grad + mine


def walk_recursive(root, g=1.0):
    g = np.ones(root.data.shape) * g
    if not root.parents:
        root.grad = g if root.grad is None else root.grad + g
        return
    for parent, part in zip(root.parents, root.vjp(g), strict=True):
        if parent.requires_grad:
            walk_recursive(parent, part)


def walk_per_path(root, g=1.0):
    stack = [(root, np.ones(root.data.shape) * g)]
    while stack:
        t, mine = stack.pop()
        if not t.parents:
            t.grad = mine + 0.0 if t.grad is None else t.grad + mine
            continue
        for parent, part in zip(t.parents, t.vjp(mine), strict=True):
            if parent.requires_grad:
                stack.append((parent, part))


def walk_taking(take):
    """Right numbers on every graph; who is not the youngest is sent on once per path wherever paths differ in length.

    take(waiting): removes and returns a tensor and what has arrived there.
    """

    def walk(root, g=1.0):
        waiting = {root: np.ones(root.data.shape) * g}
        while waiting:
            t, mine = take(waiting)
            if not t.parents:
                t.grad = mine + 0.0 if t.grad is None else t.grad + mine
                continue
            for parent, part in zip(t.parents, t.vjp(mine), strict=True):
                if parent.requires_grad:
                    waiting[parent] = waiting[parent] + part if parent in waiting else part

    return walk


def the_oldest(waiting):
    t = min(waiting, key=lambda t: t.order)
    return t, waiting.pop(t)


def walk_keeps_what_came(root, g=1.0):
    walk = changed_walk(at_leaf=keep_or_add, first=lambda root: np.broadcast_to(g, root.data.shape))
    walk(root, g)


def keep_or_add(t, mine):
    t.grad = mine if t.grad is None else t.grad + mine


def walk_sets_all(root, g=1.0):
    """Every tensor gets a `.grad`, and what is sent on is right nevertheless."""
    got = {root: np.ones(root.data.shape) * g}
    while got:
        t = max(got, key=lambda t: t.order)
        mine = got.pop(t)
        t.grad = np.array(mine) if t.grad is None else t.grad + mine
        for parent, part in zip(t.parents, t.vjp(mine) if t.parents else (), strict=True):
            if parent.requires_grad:
                got[parent] = got.get(parent, 0.0) + part


def walk_without_g(root):
    walk_sorted(root)


def set_leaf_if_false(t, mine):
    if not t.grad:
        t.grad = mine + 0.0
    else:
        t.grad = t.grad + mine


def walk_first_parent(root, g=1.0):
    t = root
    while t.parents:
        g, t = t.vjp(g)[0], t.parents[0]
    t.grad = g if t.grad is None else t.grad + g


def walk_for_ever(root, g=1.0):
    got = {root: g}
    while got:
        t = max(got, key=lambda t: t.order)
        for parent, part in zip(t.parents, t.vjp(got[t]) if t.parents else (), strict=True):
            got[parent] = got.get(parent, 0.0) + part


def walk_two_calls(root, g=1.0):
    """Asks a vjp once for each parent."""
    got = {root: np.ones(root.data.shape) * g}
    while got:
        t = sorted(got, key=lambda t: t.order)[-1]
        mine = got.pop(t)
        if not t.parents:
            t.grad = mine + 0.0 if t.grad is None else t.grad + mine
        for k, parent in enumerate(t.parents):
            if parent.requires_grad:
                got[parent] = got.get(parent, 0.0) + t.vjp(mine)[k]


def walk_of_the_engine(root, g=1.0):
    root.backward(np.ones(root.data.shape) * g, retain_graph=True)


# --- 10.4 Cross-entropy ------------------------------------------------------------------------------------------


def ce_logsumexp(logits, y):
    top = logits.max(1)
    lse = top + np.log(np.exp(logits - top[:, None]).sum(1))
    n = len(logits)
    loss = (lse - logits[np.arange(n), y]).sum() / n

    def vjp(g):
        p = np.exp(logits - lse[:, None])
        return (g / n * (p - np.eye(logits.shape[1])[y]),)

    return loss, vjp


def ce_one_hot(logits, y):
    hot = np.zeros_like(logits)
    hot[range(len(y)), y] = 1
    z = logits - np.max(logits, axis=-1)[:, np.newaxis]
    e = np.exp(z)
    total = e.sum(axis=-1, keepdims=True)
    loss = -((z - np.log(total)) * hot).sum(axis=1).mean()
    return loss, lambda g: (g * (e / total - hot) / logits.shape[0],)


def ce_tensor_free(logits, y):
    losses, slopes = [], []
    for row, label in zip(logits, y, strict=True):
        z = row - max(row)
        log_p = z - math.log(sum(math.exp(v) for v in z))
        losses.append(-log_p[label])
        slope = np.exp(log_p)
        slope[label] -= 1
        slopes.append(slope)
    return sum(losses) / len(losses), lambda g: [g * np.array(slopes) / len(losses)]


def ce_no_tuple(logits, y):
    loss, vjp = ce_logsumexp(logits, y)
    return loss, lambda g: vjp(g)[0]


def ce_one_maximum(logits, y):
    """The maximum of the whole table in the place of each row's."""
    rows = np.arange(len(y))
    z = logits - logits.max()
    log_p = z - np.log(np.exp(z).sum(axis=1, keepdims=True))

    def vjp(g):
        slope = np.exp(log_p)
        slope[rows, y] -= 1
        return (g * slope / len(y),)

    return -log_p[rows, y].mean(), vjp


def ce(p_of=None, over=None, sign=1, hot=None, with_g=True, loss_of=None):
    def row(logits, y):
        n, rows = len(y), range(len(y))
        log_p = logits - logits.max(1, keepdims=True)
        log_p = log_p - np.log(np.exp(log_p).sum(1, keepdims=True))
        p = p_of(logits) if p_of else np.exp(log_p)

        def vjp(g):
            out = np.array(p)
            out[rows, hot(p, y) if hot else y] -= 1
            return (sign * out * (g if with_g else 1) / (over(logits) if over else n),)

        return (loss_of(p, rows, y) if loss_of else -log_p[rows, y].mean()), vjp

    return row


def ce_without_one_hot(logits, y):
    return ce_logsumexp(logits, y)[0], lambda g: (g * softmax_safe(logits) / len(y),)


def ce_without_keepdims(logits, y):
    return ce_logsumexp(logits - logits.max(axis=1), y)


def softmax_naive(logits):
    return np.exp(logits) / np.exp(logits).sum(1, keepdims=True)


def softmax_safe(logits):
    e = np.exp(logits - logits.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def minus_log(p, rows, y):
    return -np.log(p[rows, y]).mean()


def ce_edits_saved(logits, y):
    p = softmax_safe(logits)
    loss = engine.cross_entropy_row(logits, y)[0]

    def vjp(g):
        p[range(len(y)), y] -= 1
        return (g * p / len(y),)

    return loss, vjp


def ce_edits_logits(logits, y):
    logits -= logits.max(1, keepdims=True)
    return engine.cross_entropy_row(logits, y)


# --- 10.5 no_grad ------------------------------------------------------------------------------------------------


class with_stack:
    def __init__(self):
        self.old = []

    def __enter__(self):
        self.old += [mode.grad]
        mode.grad = False
        return self

    def __exit__(self, *error):
        mode.grad = self.old.pop()
        return False

    def __call__(self, function):
        def inside(*a, **k):
            with type(self)():
                return function(*a, **k)

        return inside


class with_linked:
    before = None

    def __enter__(self):
        self.before = (mode.grad, self.before)
        mode.grad = False

    def __exit__(self, kind, value, trace):
        mode.grad, self.before = self.before

    def __call__(self, function):
        def inside(*a, **k):
            self.__enter__()
            try:
                return function(*a, **k)
            finally:
                self.__exit__(None, None, None)

        return inside


def with_contextlib():
    from contextlib import ContextDecorator

    class Context(ContextDecorator):
        def __init__(self):
            self.modes = []

        def __enter__(self):
            self.modes.append(mode.grad)
            mode.grad = False

        def __exit__(self, *_):
            mode.grad = self.modes.pop()

    return Context()


class sets_true(with_stack):
    def __exit__(self, *error):
        mode.grad = True


class swallows(with_stack):
    def __exit__(self, *error):
        mode.grad = self.old.pop()
        return True


class one_mode(with_stack):
    saved = True

    def __enter__(self):
        one_mode.saved = mode.grad
        mode.grad = False

    def __exit__(self, *error):
        mode.grad = one_mode.saved


class one_slot(with_stack):
    def __enter__(self):
        self.saved = mode.grad
        mode.grad = False

    def __exit__(self, *error):
        mode.grad = self.saved


class at_once(with_stack):
    def __init__(self):
        self.saved = mode.grad
        mode.grad = False

    def __enter__(self):
        return self

    def __exit__(self, *error):
        mode.grad = self.saved


class only_without_error(with_stack):
    def __exit__(self, kind, error, trace):
        old = self.old.pop()
        if kind is None:
            mode.grad = old


class runs_at_definition(with_stack):
    def __call__(self, function):
        with self:
            return function()


class returns_the_result(with_stack):
    def __call__(self, function):
        with self:
            result = function(1, b=2)
        return lambda *a, **k: result


class switches_flags(with_stack):
    def __enter__(self):
        self.old.append([t for t in gc.get_objects() if isinstance(t, Tensor) and t.requires_grad])
        for t in self.old[-1]:
            t.requires_grad = False

    def __exit__(self, *error):
        self.old.pop()


class does_nothing(with_stack):
    def __enter__(self):
        self.old.append(mode.grad)


class once(with_stack):
    def __exit__(self, *error):
        mode.grad = self.old[0]
        del self.old


class no_arguments(with_stack):
    def __exit__(self):
        mode.grad = self.old.pop()


class decorates_in_vain(with_stack):
    def __call__(self, function):
        with self:
            return function


class restores_nothing(with_stack):
    def __exit__(self, *error):
        pass


class hands_nothing_on(with_stack):
    def __call__(self, function):
        def inside():
            with self:
                return function()

        return inside


class decorator_leaves_true(with_stack):
    def __call__(self, function):
        def inside(*a, **k):
            mode.grad = False
            try:
                return function(*a, **k)
            finally:
                mode.grad = True

        return inside


def engine_of_torch():
    return torch.no_grad()


class no_keywords(with_stack):
    def __call__(self, function):
        def inside(*a):
            with self:
                return function(*a)

        return inside


class no_arguments_passed(with_stack):
    def __call__(self, function):
        def inside(*a, **k):
            with self:
                return function()

        return inside


class no_result(with_stack):
    def __call__(self, function):
        def inside(*a, **k):
            with self:
                function(*a, **k)

        return inside


class no_function(with_stack):
    def __call__(self, function):
        def inside(*a, **k):
            with self:
                return function(*a, **k)


class no_decorator:
    def __init__(self):
        self.old = []

    __enter__, __exit__ = with_stack.__enter__, with_stack.__exit__


# --- 10.6 Train --------------------------------------------------------------------------------------------------


def made(
    x,
    y,
    lr=0.1,
    epochs=10,
    width=32,
    spread=None,
    scale=16.0,
    zero=True,
    step=None,
    labels=None,
    loss_of=None,
    say=None,
):
    """A training with its parts replaced."""
    rng = np.random.RandomState(3)
    sizes = ((64, width), (width, 10))
    params = []
    for n, m in sizes:
        params += [rng.randn(n, m) * (np.sqrt(2 / n) if spread is None else spread), np.zeros(m)]
    params = [Tensor(p, requires_grad=True) for p in params]

    def net(images):
        h = (Tensor(images / scale) @ params[0] + params[1]).relu()
        return h @ params[2] + params[3]

    if labels is not None:
        y = labels(rng, y)
    for _ in range(epochs):
        perm = rng.permutation(len(y))
        for k in range(0, len(y), 32):
            part = perm[k : k + 32]
            if zero:
                zero_grad(params)
            out = net(x[part])
            loss = cross_entropy(out, y[part]) if loss_of is None else loss_of(out, y[part])
            loss.backward()
            if step is None:
                sgd_step(params, lr)
            else:
                step(params, lr)
    if say is not None:
        return say(net, x, y)

    def predict(images):
        with engine.no_grad():
            return net(images).data.argmax(1)

    return predict


def train_softmax_long(x, y):
    """No hidden layer, and enough epochs: 92 % needs no more."""
    rng = np.random.RandomState(1)
    W, b = Tensor(np.zeros((64, 10)), requires_grad=True), Tensor(np.zeros(10), requires_grad=True)
    for _ in range(20):
        perm = rng.permutation(len(y))
        for k in range(0, len(y), 32):
            part = perm[k : k + 32]
            W.grad = b.grad = None
            cross_entropy(Tensor(x[part]) * (1 / 16) @ W + b, y[part]).backward()
            sgd_step([W, b], 0.1)
    return lambda images: np.argmax(images @ W.data / 16 + b.data, axis=1)


def train_wide(x, y):
    return made(x, y, width=48, lr=0.2, epochs=8)


def train_raw_slowly(x, y):
    return made(x, y, scale=1.0, lr=0.005, epochs=12)


def train_own_walk(x, y):
    """The walk of Exercise 10.3 in the place of the tensor's own."""
    W, b = Tensor(np.zeros((64, 10)), requires_grad=True), Tensor(np.zeros(10), requires_grad=True)
    for epoch in range(25):
        for k in range(0, len(y), 32):
            zero_grad([W, b])
            walk_sorted(cross_entropy(Tensor(x[k : k + 32] / 16) @ W + b, y[k : k + 32]))
            sgd_step([W, b], 0.1)
    return lambda images: np.argmax(images @ W.data / 16 + b.data, axis=1)


def trained_before():
    """A training that never looks at the x and y that it is given: on all images, with their own labels."""
    images, labels = digits()
    images, predict = images.reshape(-1, 64) * 1.0, []

    def train(x, y):
        if not predict:
            predict.append(made(images, labels.astype(int), epochs=5))
        return predict[0]

    return train


def trained_elsewhere(x, y):
    """Trains, and on other arrays than those that it is given."""
    images, labels = digits()
    return made(images.reshape(-1, 64) * 1.0, labels.astype(int), epochs=5)


def nearest(x, y):
    return lambda images: y[[((x - one) ** 2).sum(1).argmin() for one in images]]


def up(params, lr):
    sgd_step(params, -lr)


def rebind(params, lr):
    for p in params:
        p = Tensor(p.data - lr * p.grad, requires_grad=True)


def argmax_loss(out, y):
    return Tensor((out.data.argmax(1) != y).mean() * 1.0)


def train_unrecorded(x, y):
    with engine.no_grad():
        return made(x, y)


def one_for_all(net, x, y):
    return lambda images: np.full(len(images), net(images).data.argmax() % 10)


def train_recorded(x, y):
    """Every step with the engine's own operations: the graph of one step holds all steps before it."""
    rng = np.random.RandomState(0)
    first = [Tensor(rng.randn(64, 10) * 0.1, requires_grad=True), Tensor(np.zeros(10), requires_grad=True)]
    now = list(first)
    for k in range(0, 32 * 30, 32):
        for p in first:
            p.grad = None
        cross_entropy(Tensor(x[k : k + 32] / 16) @ now[0] + now[1], y[k : k + 32]).backward()
        now = [p + -0.1 * f.grad for p, f in zip(now, first, strict=True)]
    return lambda images: (images / 16 @ now[0].data + now[1].data).argmax(1)


def shuffled(rng, y):
    return rng.permutation(y)


def remembers(net, x, y):
    return lambda images: np.resize(y, len(images))


def inverted_predict(net, x, y):
    return lambda images: net(16.0 - images).data.argmax(1)


def scores_not_labels(net, x, y):
    return lambda images: net(images).data


# --- the lists ---------------------------------------------------------------------------------------------------

RIGHT = {
    "10.1": [(engine.vjp_add, engine.vjp_mul), (add_loop, mul_loop), (engine.vjp_add, mul_by_add)],
    "10.2": [matmul_einsum, matmul_dot, matmul_transposed],
    "10.3": [walk_sorted, walk_heap, walk_lists, walk_two_calls],
    "10.4": [ce_logsumexp, ce_one_hot, ce_tensor_free],
    "10.5": [with_stack, with_linked, with_contextlib],
    "10.6": [train_softmax_long, train_wide, train_raw_slowly, train_own_walk],
    "10.7": [math.log(26), -math.log(1 / 26), 3.258, 3.26, np.log(26.0)],
}

WRONG = {
    "10.1": [
        ((add_plain, mul_plain), "Each gradient has its operand's shape"),
        ((add_only_a, mul_only_a), "Each gradient has its operand's shape"),
        ((engine.vjp_add, mul_only_a), "Each gradient has its operand's shape"),
        ((add_no_g, mul_no_g), ONES),
        ((engine.vjp_add, mul_no_g), ONES),
        ((engine.vjp_add, mul_own), "The slope of a·b in a is b."),
        ((add_reshape, engine.vjp_mul), "Copies send back one gradient each"),
        ((add_first_copy, engine.vjp_mul), "Copies send back one gradient each"),
        ((add_shared, engine.vjp_mul), "Both gradients are one array"),
        ((engine.vjp_add, mul_in_place), TOUCHED.replace("tensor", "array")),
        ((add_everything, engine.vjp_mul), "Each gradient has its operand's shape"),
        ((add_ones_only, engine.vjp_mul), "Each gradient has its operand's shape"),
        ((add_last_axis, engine.vjp_mul), "which axis was copied?"),
        ((engine.vjp_add, mul_doubled), None),
        (
            (engine.vjp_add, lambda g, a, b: (engine.unbroadcast(g * b, a.shape), g * a)),
            "Each gradient has its operand's shape",
        ),
        ((averaged_add, averaged_mul), "added, not averaged"),
        ((lambda g, a, b: engine.unbroadcast(g, a.shape), engine.vjp_mul), "Two gradients are due"),
        ((engine.vjp_add, unwritten), "still to be written"),
        ((unwritten, engine.vjp_mul), "still to be written"),
    ],
    "10.2": [
        (lambda g, a, b: (g @ b, a @ g), "shapes cannot meet"),
        (lambda g, a, b: (np.matmul(b.T, g), np.matmul(g, a.T)), "Right shape for square inputs only."),
        (lambda g, a, b: (a.T @ g, g @ b.T), "Yours for a has b's shape."),
        (lambda g, a, b: (g @ b.T, a.T @ g) if g.size == a.size == b.size else (g, g), "Square inputs hide it."),
        (lambda g, a, b: (np.ones(g.shape) @ b.T, a.T @ np.ones(g.shape)), ONES),
        (lambda g, a, b: (g * b, a * g), "`*` multiplies entry by entry"),
        (lambda g, a, b: (g * b, g * a), "`*` multiplies entry by entry"),
        (lambda g, a, b: (g @ b, a.T @ g), "whose transpose is missing?"),
        (lambda g, a, b: (g @ b.T, a @ g), LEFT),
        (lambda g, a, b: (g @ b.T, np.ones(b.shape)), LEFT),
        (lambda g, a, b: (np.tile(b.sum(1), (len(a), 1)), np.tile(a.sum(0), (b.shape[1], 1)).T), ONES),
        (matmul_in_place, TOUCHED.replace("tensor", "array")),
        (lambda g, a, b: g @ b.T, "Two gradients are due"),
        (lambda g, a, b: (b.T @ g, a.T @ g), "shapes cannot meet"),
        (for_ever, "a loop that never ends"),
    ],
    "10.3": [
        (changed_walk(at_leaf=set_leaf), "Second call: PyTorch holds twice."),
        (walk_middle, "216 due, 324 came"),
        (walk_middle_and_root, "the middle remembered the first call"),
        (changed_walk(meet=lambda old, part: part), "x*x gives 3."),
        (walk_depth_first, "72 for 48"),
        (walk_taking(dict.popitem), "before all who used it have sent"),
        (walk_keeps_what_came, "makes a copy"),
        (walk_sets_all, "only leaves keep one"),
        (walk_without_g, "The walk takes two arguments"),
        (changed_walk(at_leaf=set_leaf_if_false), "ask `t.grad is None`"),
        (walk_first_parent, "x*x gives 3."),
        (walk_for_ever, "a loop that never ends"),
        (walk_recursive, DEEP),
        (walk_per_path, "a node is visited once per path"),
        (changed_walk(first=lambda root: np.ones(root.data.shape)), ONES),
        (changed_walk(at_leaf=keep_g), "Two leaves share one array"),
        (changed_walk(meet=meet_in_place), "Two leaves share one array"),
        (changed_walk(wanted=False), "it does not require one"),
        (changed_walk(clear=True), "PyTorch"),
        (walk_taking(the_oldest), "before all who used it have sent"),
        (walk_of_the_engine, "the engine's own walk"),
        (lambda root, g=1.0: engine.backward(root, g, True), "the engine's own walk"),
    ],
    "10.4": [
        (ce(p_of=softmax_naive, loss_of=minus_log), "nan at a logit of 1000."),
        (ce(p_of=softmax_naive, over=lambda z: z.shape[1], loss_of=minus_log), "Too small by the number of classes."),
        (ce(over=lambda z: z.shape[1]), "Too small by the number of classes."),
        (ce(over=lambda z: z.size), "Too small by the number of classes."),
        (ce(over=lambda z: 1), SUM.replace("readings", "images")),
        (ce(with_g=False), ONES),
        (ce(hot=lambda p, y: p.argmax(1)), "Zero pull whenever the model is sure"),
        (
            ce(p_of=lambda z: np.exp(z - z.max(0)) / np.exp(z - z.max(0)).sum(0), loss_of=minus_log),
            "Columns sum to 1, rows should.",
        ),
        (ce_edits_saved, "The second call on the same row differs."),
        (ce_edits_logits, "changed the logits"),
        (ce(loss_of=lambda p, rows, y: -np.log(p[rows, y])), "their mean is due"),
        (ce_without_keepdims, "`keepdims=True`"),
        (ce_without_one_hot, "1 is taken away at the label"),
        (ce(p_of=softmax_safe, loss_of=minus_log), "inf at a hopeless logit."),
        (ce(sign=-1), SIGN),
        (ce(loss_of=lambda p, rows, y: -np.log(p[rows, y] + 1e-30).sum()), "The loss itself"),
        (ce(loss_of=lambda p, rows, y: -np.log(p[rows, y] + 1e-12).mean()), "A small number inside the logarithm"),
        (ce(loss_of=lambda p, rows, y: -np.log(np.clip(p[rows, y], 1e-9, 1)).mean()), "A small number inside"),
        (ce_one_maximum, "take each row's own"),
        (ce_no_tuple, "a tuple with one gradient"),
    ],
    "10.5": [
        (sets_true, MODE),
        (swallows, "The error inside the block has vanished."),
        (one_mode, "the inner one gave back the wrong mode"),
        (one_slot, "the inner one gave back the wrong mode"),
        (at_once, "no_grad() alone already switched recording off."),
        (only_without_error, MODE),
        (runs_at_definition, "The function was called when it was decorated."),
        (returns_the_result, "The function was called when it was decorated."),
        (switches_flags, "Your class changed a tensor's flag"),
        (does_nothing, "Inside the block recording is still on"),
        (once, "The second `with` on the same object failed."),
        (no_arguments, "three arguments"),
        (no_decorator, "As a decorator it fails"),
        (decorates_in_vain, "while you decorated, not while the function ran"),
        (no_keywords, "Pass keyword arguments on, too"),
        (no_arguments_passed, "Pass the arguments on"),
        (no_result, "hand its result on"),
        (no_function, "`__call__` returned None"),
        (restores_nothing, MODE),
        (hands_nothing_on, "Pass the arguments on"),
        (decorator_leaves_true, MODE),
        (engine_of_torch, "Inside the block recording is still on"),
    ],
    "10.6": [
        (lambda x, y: made(x, y, spread=0.0), "About 8 %"),
        (lambda x, y: made(x, y, lr=10.0), "Near chance"),
        (lambda x, y: made(x, y, zero=False), "Your loss swings"),
        (lambda x, y: made(x, y, step=up, epochs=2), SIGN),
        (lambda x, y: made(x, y, scale=1.0), "The images run from 0 to 16"),
        (lambda x, y: made(x, y, loss_of=argmax_loss), "as `argmax` is"),
        (train_recorded, "Each step slower than the last."),
        (lambda x, y: made(x, y, epochs=1, say=remembers), "Same answers for any images"),
        (lambda x, y: made(x, y, labels=shuffled), "10 %: chance."),
        (lambda x, y: made(x, y, step=rebind, epochs=2), FROZEN),
        (lambda x, y: made(x, y, epochs=1), "It learns, and stays below 92 %"),
        (lambda x, y: made(x, y, say=inverted_predict), "does predict scale its images"),
        (lambda x, y: made(x, y, say=one_for_all), "the same label for all images"),
        (train_unrecorded, "recording is off"),
        (lambda x, y: made(x, y, epochs=1, say=scores_not_labels), "one label for each image"),
        (lambda x, y: lambda images: np.zeros(len(images), int), "never asked to walk back"),
        (nearest, "never asked to walk back"),
        (trained_before(), "not trained on the `x` and `y`"),
        (trained_elsewhere, "not trained on the `x` and `y`"),
    ],
    "10.7": [
        (0.03846, "That is the probability."),
        (26, "That is the number of classes."),
        (1.415, "the base of the logarithm is ten"),
        (4.7004, "In bits."),
        (-3.2581, SIGN),
        (0.9615, "That is the error rate."),
        (84.71, "Summed over classes"),
        (0.0, "That is certainty"),
        (2.3026, "That is the loss of ten"),
        (0.1253, "Over the number of classes"),
        (3.2189, "one of the 26"),
        (3.3, "four digits"),
        (3.25, "four digits"),
        ("3.2581", "A text"),
    ],
}
