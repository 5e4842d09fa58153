"""Answers to chapter 6's exercises, right and wrong."""

import numpy as np
import torch
import torch.nn.functional as F

from helpers.checks.symptoms import COARSE, GRAPH, NONE, ONES, SIGN, SUM, TOUCHED, TWICE, TWO

# --- 6.1 A product, not a matrix -----------------------------------------------------------------------------


def by_backward(f, x, v):
    own = x.clone().detach()
    own.requires_grad = True
    f(own).backward(v)
    return own.grad


def by_weighed_sum(f, x, v):
    own = x.detach().clone().requires_grad_(True)
    (f(own) * v).sum().backward()
    return own.grad.detach()


def by_matrix(f, x, v):
    matrix = torch.autograd.functional.jacobian(f, x.detach())
    return (v.reshape(-1) @ matrix.reshape(v.numel(), x.numel())).reshape(x.shape)


def own_leaf(x):
    return x.detach().clone().requires_grad_()


def ones_for_v(f, x, v):
    z = own_leaf(x)
    y = f(z)
    y.backward(torch.ones_like(y))
    return z.grad


def like_the_input(f, x, v):
    z = own_leaf(x)
    f(z).backward(torch.ones_like(z))
    return z.grad


def cuts_v_to_the_input(f, x, v):
    z = own_leaf(x)
    return torch.autograd.grad(f(z), z, torch.zeros_like(z) + 2.0)[0]


def jacobian_times_v(f, x, v):
    matrix = torch.autograd.functional.jacobian(f, x.detach()).reshape(v.numel(), x.numel())
    return (matrix @ v.reshape(-1)).reshape(x.shape)


def the_whole_matrix(f, x, v):
    return torch.autograd.functional.jacobian(f, x.detach())


def sum_then_v(f, x, v):
    z = own_leaf(x)
    f(z).sum().backward()
    return z.grad * v if z.shape == v.shape else z.grad


def into_x(f, x, v):
    x.requires_grad_()
    f(x).backward(v)
    return x.grad


def flags_x(f, x, v):
    x.requires_grad_()
    return torch.autograd.grad(f(x), x, v)[0]


def keeps_the_graph(f, x, v):
    z = own_leaf(x)
    return torch.autograd.grad(f(z), z, v, create_graph=True)[0]


def a_float(f, x, v):
    z = own_leaf(x)
    f(z).backward(1.0)
    return z.grad


def averages(f, x, v):
    z = own_leaf(x)
    (f(z) * v).mean().backward()
    return z.grad


def bare_backward(f, x, v):
    z = own_leaf(x)
    f(z).backward()
    return z.grad


def in_single_precision(f, x, v):
    z = x.detach().float().requires_grad_()
    return torch.autograd.grad(f(z), z, v.float())[0].double()


def hands_back_nothing(f, x, v):
    z = own_leaf(x)
    f(z).backward(v)


def a_tuple(f, x, v):
    z = own_leaf(x)
    return torch.autograd.grad(f(z), z, v)


def a_clone_of_a_watched_one(f, x, v):
    p = x.clone().requires_grad_()
    f(p).backward(v)
    return p.grad


# --- 6.2 The Jacobian ----------------------------------------------------------------------------------------


def library(f, x):
    return torch.autograd.functional.jacobian(f, x.detach().clone())


def by_entries(f, x):
    z = own_leaf(x)
    return torch.stack([torch.autograd.grad(e, z, retain_graph=True)[0] for e in f(z)])


def a_pass_for_each(f, x):
    m = len(f(x.detach()))
    matrix = torch.zeros(m, len(x), dtype=x.dtype)
    for i in range(m):
        z = own_leaf(x)
        f(z)[i].backward()
        matrix[i] = z.grad
    return matrix


def turned(f, x):
    return a_pass_for_each(f, x).t().contiguous()


def columns_stacked(f, x):
    return torch.stack(list(by_entries(f, x)), dim=1)


def ones_rows(f, x):
    z = own_leaf(x)
    y = f(z)
    return torch.stack([torch.autograd.grad(y, z, torch.ones_like(y), retain_graph=True)[0] for _ in y])


def one_row(f, x):
    z = own_leaf(x)
    f(z).sum().backward()
    return z.grad


def forgets_to_retain(f, x):
    z = own_leaf(x)
    y = f(z)
    return torch.stack([torch.autograd.grad(y, z, v)[0] for v in torch.eye(len(y), dtype=y.dtype)])


def keeps_adding(f, x):
    z = own_leaf(x)
    rows = []
    for e in f(z):
        e.backward(retain_graph=True)
        rows.append(z.grad.clone())
    return torch.stack(rows)


def one_tensor_in_the_list(f, x):
    z = own_leaf(x)
    rows = []
    for e in f(z):
        if z.grad is not None:
            z.grad.zero_()
        e.backward(retain_graph=True)
        rows.append(z.grad)
    return torch.stack(rows)


def only_the_diagonal(f, x):
    return torch.diag(library(f, x).diagonal())


def forward_nudges(f, x):
    with torch.no_grad():
        y = f(x.detach())
        columns = []
        for j in range(len(x)):
            moved = x.detach().clone()
            moved[j] += 1e-4
            columns.append((f(moved) - y) / 1e-4)
    return torch.stack(columns, 1)


def as_many_as_inputs(f, x):
    z = own_leaf(x)
    y = f(z)
    return torch.stack([torch.autograd.grad(y, z, v, retain_graph=True)[0] for v in torch.eye(len(x), dtype=x.dtype)])


def unrecorded(f, x):
    z = own_leaf(x)
    with torch.no_grad():
        y = f(z)
    return torch.stack([torch.autograd.grad(e, z, retain_graph=True)[0] for e in y])


def tracked_matrix(f, x):
    z = own_leaf(x)
    return torch.stack([torch.autograd.grad(e, z, create_graph=True)[0] for e in f(z * 1.0)])


def asks_on_x(f, x):
    x.requires_grad_()
    return torch.stack([torch.autograd.grad(e, x, retain_graph=True)[0] for e in f(x)])


def a_list_of_rows(f, x):
    return list(by_entries(f, x))


def filled_in_float32(f, x):
    leaf = own_leaf(x)
    y = f(leaf)
    table = torch.zeros(len(y), len(x))
    for i in range(len(y)):
        v = torch.zeros_like(y)
        v[i] = 1
        table[i] = torch.autograd.grad(y, leaf, v, retain_graph=True)[0]
    return table


# --- 6.3 Undo broadcasting -----------------------------------------------------------------------------------


def by_autograd(grad, shape):
    a = torch.zeros(shape, dtype=grad.dtype, requires_grad=True)
    a.expand(grad.shape).backward(grad)
    return a.grad


def by_axes(grad, shape):
    lead = grad.ndim - len(shape)
    axes = [*range(lead), *(lead + k for k, n in enumerate(shape) if n == 1 and grad.shape[lead + k] != 1)]
    out = grad
    for axis in axes:
        out = out.sum(axis, keepdim=True)
    return out.reshape(shape)


def by_padding(grad, shape):
    padded = (1,) * (grad.dim() - len(shape)) + tuple(shape)
    for k in range(grad.dim()):
        if padded[k] == 1:
            grad = grad.sum(k, keepdim=True)
    return grad.reshape(shape)


def sums_no_axes(grad, shape):
    """An empty list of axes is all of them to sum."""
    lead = grad.dim() - len(shape)
    axes = [k for k in range(grad.dim()) if k < lead or shape[k - lead] == 1]
    return grad.sum(axes).reshape(shape)


def sums_in_rows(grad, shape):
    return grad.reshape(-1, *shape).sum(0)


def in_a_float32_leaf(grad, shape):
    a = torch.zeros(shape, requires_grad=True)
    a.expand(grad.shape).backward(grad.float())
    return a.grad


def reshapes(grad, shape):
    return grad.reshape(tuple(shape))


def views(grad, shape):
    return grad.view(shape)


def leaves_leading(grad, shape):
    for k in range(1, len(shape) + 1):
        if shape[-k] == 1:
            grad = grad.sum(-k, keepdim=True)
    return grad


def leaves_stretched(grad, shape):
    for _ in range(grad.dim() - len(shape)):
        grad = grad.sum(dim=0)
    return grad


def drops_the_axis(grad, shape):
    for _ in range(grad.dim() - len(shape)):
        grad = grad.sum(0)
    for k in range(len(shape) - 1, -1, -1):
        if shape[k] == 1:
            grad = grad.sum(k)
    return grad


def takes_the_mean(grad, shape):
    for _ in range(grad.dim() - len(shape)):
        grad = grad.mean(0)
    for k, n in enumerate(shape):
        if n == 1:
            grad = grad.mean(k, keepdim=True)
    return grad


def takes_the_first(grad, shape):
    while grad.dim() > len(shape):
        grad = grad[0]
    for k, n in enumerate(shape):
        if n == 1:
            grad = grad.narrow(k, 0, 1)
    return grad


def total(grad, shape):
    return torch.sum(grad)


def from_behind(grad, shape):
    while grad.ndim > len(shape):
        grad = grad.sum(grad.ndim - 1)
    for k, n in enumerate(shape):
        if n == 1:
            grad = grad.sum(k, keepdim=True)
    return grad


def squeezes(grad, shape):
    return by_axes(grad, shape).squeeze()


def sums_what_fits(grad, shape):
    for _ in range(grad.dim() - len(shape)):
        grad = grad.sum(0)
    for k, n in enumerate(shape):
        if grad.shape[k] == n:
            grad = grad.sum(k, keepdim=True)
    return grad


def one_leading_axis_only(grad, shape):
    return leaves_leading(grad.sum(0) if grad.dim() > len(shape) else grad, shape)


# --- 6.4 The gradient at the logits --------------------------------------------------------------------------


def by_library_softmax(logits, target):
    p = torch.softmax(logits, dim=1)
    p[torch.arange(len(p)), target] -= 1
    return p / len(p)


def by_logsumexp(logits, target):
    n, c = logits.shape
    p = (logits - torch.logsumexp(logits, 1, keepdim=True)).exp()
    hot = (torch.arange(c) == target[:, None]).to(p.dtype)
    return (p - hot).div(n)


def by_rows(logits, target):
    rows = []
    for z, t in zip(logits, target.tolist()):
        p = torch.softmax(z, 0)
        p[t] = p[t] - 1
        rows.append(p / logits.shape[0])
    return torch.stack(rows)


def hot(logits, target):
    return torch.eye(logits.shape[1], dtype=logits.dtype)[target]


def not_averaged(logits, target):
    return torch.softmax(logits, 1) - hot(logits, target)


def turned_round(logits, target):
    return (hot(logits, target) - torch.softmax(logits, 1)) / len(logits)


def one_maximum(logits, target):
    e = (logits - logits.max()).exp()
    return (e / e.sum(1, keepdim=True) - hot(logits, target)) / len(logits)


def by_walk(logits, target):
    leaf = logits.clone().requires_grad_()
    F.cross_entropy(leaf, target).backward()
    return leaf.grad


def by_walk_of_its_own(logits, target):
    with torch.enable_grad():
        return by_walk(logits, target)


def whole_columns(logits, target):
    p = torch.softmax(logits, 1)
    p[:, target] -= 1
    return p / len(logits)


def whole_rows(logits, target):
    o = torch.zeros_like(logits)
    o[target] = 1
    return (torch.softmax(logits, 1) - o) / len(logits)


def naive_softmax(logits, target):
    e = logits.exp()
    return (e / e.sum(1, keepdim=True) - hot(logits, target)) / len(logits)


def down_the_columns(logits, target):
    return (logits.softmax(0) - hot(logits, target)) / len(logits)


def probabilities_only(logits, target):
    return logits.softmax(1) / len(logits)


def once_more(logits, target):
    p = logits.softmax(1)
    return (p - hot(logits, target)) * p * (1 - p) / len(logits)


def right_class_only(logits, target):
    g = torch.zeros_like(logits)
    p = logits.softmax(1)
    for i, t in enumerate(target):
        g[i, t] = (p[i, t] - 1) / len(logits)
    return g


def over_all_entries(logits, target):
    return (logits.softmax(1) - hot(logits, target)) / logits.numel()


def in_place(logits, target):
    logits -= logits.max(1, keepdim=True).values
    return (logits.softmax(1) - hot(logits, target)) / len(logits)


def the_winner(logits, target):
    return (logits.softmax(1) - hot(logits, logits.argmax(1))) / len(logits)


def each_a_sigmoid(logits, target):
    return (logits.sigmoid() - hot(logits, target)) / len(logits)


def the_loss(logits, target):
    return F.cross_entropy(logits, target)


def classes_that_occur(logits, target):
    return (torch.softmax(logits, 1) - F.one_hot(target)) / len(logits)


# --- 6.5 The Hessian -----------------------------------------------------------------------------------------


def library_hessian(f, x):
    return torch.autograd.functional.hessian(f, x.detach())


def twice_backward(f, x):
    n = len(x)
    table = torch.zeros(n, n, dtype=x.dtype)
    for i in range(n):
        z = own_leaf(x)
        (g,) = torch.autograd.grad(f(z), z, create_graph=True)
        if g.requires_grad:
            g[i].backward()
            table[i] = z.grad
    return table


def entries_apart(f, x):
    parts = [e.clone().requires_grad_() for e in x.detach()]
    slopes = torch.autograd.grad(f(torch.stack(parts)), parts, create_graph=True)
    rows = []
    for s in slopes:
        if not s.requires_grad:
            rows.append(torch.zeros(len(parts), dtype=x.dtype))
            continue
        row = torch.autograd.grad(s, parts, retain_graph=True, allow_unused=True)
        rows.append(torch.stack([torch.zeros_like(p) if r is None else r for r, p in zip(row, parts)]).detach())
    return torch.stack(rows)


def first_walk_unrecorded(f, x):
    z = own_leaf(x)
    (g,) = torch.autograd.grad(f(z), z)
    return torch.stack([torch.autograd.grad(e, z, retain_graph=True)[0] for e in g])


def second_walk_once(f, x):
    z = own_leaf(x)
    (g,) = torch.autograd.grad(f(z), z, create_graph=True)
    if not g.requires_grad:
        return torch.zeros(len(x), len(x), dtype=x.dtype)
    return torch.stack([torch.autograd.grad(g, z, v)[0] for v in torch.eye(len(g), dtype=g.dtype)])


def through_x_grad(f, x):
    rows = []
    for i in range(len(x)):
        z = own_leaf(x)
        f(z).backward(create_graph=True)
        if z.grad.requires_grad:
            z.grad[i].backward(retain_graph=True)
        rows.append(z.grad.detach().clone())
    return torch.stack(rows)


def through_x_grad_at_once(f, x):
    z = own_leaf(x)
    f(z).backward(create_graph=True)
    g = z.grad.clone()
    rows = []
    for e in g:
        e.backward(retain_graph=True)
        rows.append(z.grad.detach().clone())
    return torch.stack(rows)


def sums_on_the_diagonal(f, x):
    leaf = x.clone().requires_grad_()
    (slope,) = torch.autograd.grad(f(leaf), leaf, create_graph=True)
    (d,) = torch.autograd.grad(slope.sum(), leaf)
    return torch.diag(d)


def diagonal_table(f, x):
    return torch.diag(library_hessian(f, x).diagonal())


def slope_times_slope(f, x):
    z = own_leaf(x)
    (g,) = torch.autograd.grad(f(z), z)
    return torch.outer(g, g)


def unguarded(f, x):
    z = own_leaf(x)
    (g,) = torch.autograd.grad(f(z), z, create_graph=True)
    return torch.stack([torch.autograd.grad(e, z, retain_graph=True)[0] for e in g])


def unguarded_entries(f, x):
    parts = [e.clone().requires_grad_() for e in x.detach()]
    slopes = torch.autograd.grad(f(torch.stack(parts)), parts, create_graph=True)
    rows = [torch.autograd.grad(s, parts, retain_graph=True, allow_unused=True) for s in slopes]
    return torch.stack([torch.stack(row) for row in rows]).detach()


def one_for_all(f, x):
    z = own_leaf(x)
    (g,) = torch.autograd.grad(f(z), z, create_graph=True)
    if not g.requires_grad:
        return torch.zeros_like(x)
    return torch.autograd.grad(g.sum(), z)[0]


def nudged_gradient(f, x):
    columns = []
    for j in range(len(x)):
        up = x.detach().clone()
        up[j] += 1e-3
        a, b = own_leaf(up), own_leaf(x)
        columns.append((torch.autograd.grad(f(a), a)[0] - torch.autograd.grad(f(b), b)[0]) / 1e-3)
    return torch.stack(columns, 1)


def half_symmetrised(f, x):
    upper = torch.triu(library_hessian(f, x))
    return (upper + upper.T) / 2


def upper_half(f, x):
    return torch.triu(library_hessian(f, x))


def tracked_table(f, x):
    z = own_leaf(x)
    (g,) = torch.autograd.grad(f(z), z, create_graph=True)
    if not g.requires_grad:
        return torch.zeros(len(x), len(x), dtype=x.dtype)
    return torch.stack([torch.autograd.grad(e, z, create_graph=True)[0] for e in g])


def only_the_slope(f, x):
    z = own_leaf(x)
    return torch.autograd.grad(f(z), z)[0]


# --- 6.6 A Function ------------------------------------------------------------------------------------------


class ByLibrary(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return torch.logaddexp(x, torch.zeros_like(x))

    @staticmethod
    def backward(ctx, g):
        return ctx.saved_tensors[0].sigmoid().mul(g)


class KeptOnCtx(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x
        return x.clamp(min=0) + (-x.abs()).exp().log1p()

    @staticmethod
    def backward(ctx, g):
        return g / (1 + torch.exp(-ctx.x))


class WithWhere(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        small = torch.where(x > 0, -x, x)
        return torch.where(x > 0, x, torch.zeros_like(x)) + torch.log1p(small.exp())

    @staticmethod
    def backward(ctx, grad_output):
        (x,) = ctx.saved_tensors
        s = torch.sigmoid(x)
        return s * grad_output


def stable(x):
    return torch.relu(x) + torch.log1p(torch.exp(-abs(x)))


class AsGiven(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.x = x.detach()
        return torch.log(1 + torch.exp(x))

    @staticmethod
    def backward(ctx, grad_output):
        return torch.sigmoid(ctx.x)


class Base(torch.autograd.Function):
    """Right, and varied below by one method each."""

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return stable(x)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.saved_tensors[0].sigmoid()


class Forgets(Base):
    @staticmethod
    def backward(ctx, g):
        return ctx.saved_tensors[0].sigmoid()


class SavesDetached(Base):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x.detach())
        return stable(x)


class SavesTheSlope(Base):
    @staticmethod
    def forward(ctx, x):
        ctx.slope = torch.sigmoid(x)
        return stable(x)

    @staticmethod
    def backward(ctx, g):
        return g * ctx.slope


class Overflows(Base):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return (1 + x.exp()).log()


class SlopeOverflows(Base):
    @staticmethod
    def backward(ctx, g):
        e = ctx.saved_tensors[0].exp()
        return g * e / (1 + e)


class ThreeBack(Base):
    @staticmethod
    def backward(ctx, g):
        s = g * ctx.saved_tensors[0].sigmoid()
        return s, s, s


class SumsUp(Base):
    @staticmethod
    def backward(ctx, g):
        return (g * ctx.saved_tensors[0].sigmoid()).sum()


def instantiated(x):
    return Base()(x)


class NotStatic(torch.autograd.Function):
    def forward(self, ctx, x):
        ctx.save_for_backward(x)
        return stable(x)

    def backward(self, ctx, g):
        return g * ctx.saved_tensors[0].sigmoid()


class NotStaticButWorks(torch.autograd.Function):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return stable(x)

    def backward(ctx, g):
        return g * ctx.saved_tensors[0].sigmoid()


class Single(Base):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return stable(x.float()).double()


class LikeRelu(Base):
    @staticmethod
    def backward(ctx, g):
        return g * (ctx.saved_tensors[0] > 0)


class InPlace(Base):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * x.sigmoid_()


class SlopeOfTheSlope(Base):
    @staticmethod
    def backward(ctx, g):
        s = ctx.saved_tensors[0].sigmoid()
        return g * s * (1 - s)


class GivesNone(Base):
    @staticmethod
    def backward(ctx, g):
        return None


def no_class(x):
    return F.softplus(x, threshold=1e9) if x.abs().max() < 100 else torch.logaddexp(x, torch.zeros_like(x))


RIGHT = {
    "6.1": [by_backward, by_weighed_sum, by_matrix],
    "6.2": [library, by_entries, a_pass_for_each],
    "6.3": [by_autograd, by_axes, by_padding],
    "6.4": [by_library_softmax, by_logsumexp, by_rows],
    "6.5": [library_hessian, twice_backward, entries_apart],
    "6.6": [ByLibrary, KeptOnCtx, WithWhere, Base],
    "6.7": [2.9276, 2.93, torch.tensor(2.927646), np.float32(2.9276)],
}

WRONG = {
    "6.1": [
        (ones_for_v, ONES),
        (like_the_input, "Mismatch in shape: v belongs to the output"),
        (cuts_v_to_the_input, "Mismatch in shape: v belongs to the output"),
        (jacobian_times_v, "from the other side"),
        (the_whole_matrix, "the whole Jacobian"),
        (sum_then_v, ONES),
        (into_x, TWICE),
        (flags_x, TOUCHED),
        (keeps_the_graph, GRAPH),
        (a_float, "the cotangent is a tensor of the output's shape"),
        (averages, "Too small by the number of outputs"),
        (bare_backward, "needs a cotangent"),
        (in_single_precision, COARSE),
        (hands_back_nothing, NONE),
        (a_tuple, "returns a tuple: take its first entry"),
        (a_clone_of_a_watched_one, "A clone of a watched tensor is a result"),
        (lambda f, x, v: v * 0.5, None),
    ],
    "6.2": [
        (turned, "Your matrix is (n, m)"),
        (columns_stacked, "Your matrix is (n, m)"),
        (ones_rows, "All rows equal: the sum of the right ones"),
        (one_row, "One row: the sum of all"),
        (forgets_to_retain, "walks a graph that is gone"),
        (keeps_adding, "Row k is the sum of the rows up to k"),
        (one_tensor_in_the_list, "All rows equal the last"),
        (only_the_diagonal, "right for elementwise f only"),
        (forward_nudges, COARSE),
        (filled_in_float32, "Right, but in float32"),
        (as_many_as_inputs, "Right for as many outputs as inputs only"),
        (unrecorded, "f(x) has no history"),
        (tracked_matrix, GRAPH),
        (asks_on_x, TOUCHED),
        (a_list_of_rows, None),
    ],
    "6.3": [
        (reshapes, "Works only when nothing was copied"),
        (views, "Works only when nothing was copied"),
        (sums_no_axes, "`grad.sum([])`, which sums everything"),
        (sums_in_rows, "The reshape at the end"),
        (in_a_float32_leaf, "Right, but in float32"),
        (leaves_leading, "Too many axes are left"),
        (leaves_stretched, "its copies have not been summed"),
        (drops_the_axis, "Right numbers, wrong shape"),
        (takes_the_mean, "Too small by the number of copies"),
        (takes_the_first, "Each copy sends its own gradient back"),
        (total, "Right total, one number"),
        (from_behind, "Right for square cases only"),
        (squeezes, "Right numbers, wrong shape"),
        (sums_what_fits, "never broadcast has been summed"),
        (lambda grad, shape: torch.ones(shape, dtype=grad.dtype), None),
        (lambda grad, shape: print(grad), NONE),
    ],
    "6.4": [
        (not_averaged, SUM),
        (turned_round, SIGN),
        (naive_softmax, "nan at a logit of 1000"),
        (one_maximum, "subtract each row's maximum"),
        (by_walk, "without a walk"),
        (by_walk_of_its_own, "without a walk"),
        (whole_columns, "one entry in each row"),
        (whole_rows, "one entry in each row"),
        (down_the_columns, "Columns sum to 1"),
        (classes_that_occur, "`F.one_hot(target, C)` makes C"),
        (probabilities_only, "Rows sum to 1/N instead of 0"),
        (once_more, "the logarithm has cancelled it"),
        (right_class_only, "Wrong classes get gradient too"),
        (over_all_entries, "Too small by the number of classes"),
        (in_place, TOUCHED),
        (the_winner, "You used the predicted class"),
        (each_a_sigmoid, "sigmoid is for one score"),
        (the_loss, None),
    ],
    "6.5": [
        (first_walk_unrecorded, "The first row finds no history"),
        (second_walk_once, "walks a graph that is gone"),
        (through_x_grad, "24 = 12 + 12"),
        (through_x_grad_at_once, "24 = 12 + 12"),
        (diagonal_table, "Cross terms are zero"),
        (sums_on_the_diagonal, "you put their sum on the diagonal"),
        (slope_times_slope, "the slope times itself"),
        (unguarded, "its derivative is zero"),
        (unguarded_entries, "its derivative is zero"),
        (one_for_all, "One row: the sum of all"),
        (nudged_gradient, COARSE),
        (half_symmetrised, "Off-diagonal entries are half"),
        (upper_half, "below the diagonal"),
        (tracked_table, GRAPH),
        (only_the_slope, "That is the first derivative"),
        (lambda f, x: torch.eye(len(x), dtype=x.dtype), None),
    ],
    "6.6": [
        (AsGiven, ONES),
        (Forgets, ONES),
        (SavesDetached, "First derivative right"),
        (SavesTheSlope, "First derivative right"),
        (Overflows, "e^x overflows"),
        (SlopeOverflows, "e^x overflows"),
        (ThreeBack, "One input, three gradients"),
        (SumsUp, "Wrong shape: a gradient has the shape of its input"),
        (instantiated, "The class is never instantiated"),
        (NotStatic, "forward received itself as ctx"),
        (NotStaticButWorks, "`@staticmethod` is missing"),
        (Single, COARSE),
        (LikeRelu, "Right far from 0"),
        (InPlace, TOUCHED),
        (SlopeOfTheSlope, "slope of the sigmoid"),
        (GivesNone, "backward hands nothing back"),
        (no_class, "A class made from"),
    ],
    "6.7": [
        (80.364, "Before the step"),
        (0, "do not lie on a line"),
        (22.15, "A hundred epochs"),
        (1.4638, TWO),
        (37.57, "One SGD step"),
        (32.2, SUM),
        (1763.88, "Raw readings"),
        (3.27, "textbook line"),
        (1.711, "an error in degrees"),
        (-2.9276, SIGN),
        ("2.9276", "A text, not a number"),
        (5.0, None),
    ],
}
