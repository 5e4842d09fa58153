"""Answers to chapter 3's exercises, right and wrong."""

import math

import numpy as np
import torch

from helpers.checks.symptoms import COARSE, CUT, DEEP, GRAPH, NONE, SUM, TOUCHED, TWO

# --- 3.1 Gradient of anything --------------------------------------------------------------------------------


def with_autograd_grad(f, x):
    copy = x.clone().detach()
    copy.requires_grad = True
    (g,) = torch.autograd.grad(f(copy), copy)
    return g


def with_tensor(f, x):
    z = torch.tensor(x.tolist(), dtype=x.dtype, requires_grad=True)
    y = f(z)
    y.backward()
    return z.grad.clone()


def with_parameter(f, x):
    p = torch.nn.Parameter(x.detach().clone())
    f(p).backward()
    return p.grad.detach()


def flags_the_callers(f, x):
    x.requires_grad_(True)
    f(x).backward()
    return x.grad


def flags_a_clone(f, x):
    v = x.clone().requires_grad_()
    f(v).backward()
    return v.grad


def calls_f_on_x(f, x):
    v = x.detach().clone().requires_grad_()
    f(x).backward()
    return v.grad


def returns_the_value(f, x):
    v = x.detach().clone().requires_grad_()
    return f(v)


def walks_and_returns_the_value(f, x):
    v = x.detach().clone().requires_grad_()
    y = f(v)
    y.backward()
    return y.item()


def keeps_on_x(f, x):
    if not x.requires_grad:
        x = x.clone().requires_grad_()
    f(x).backward()
    return x.grad


def flag_after(f, x):
    z = x.detach().clone()
    y = f(z)
    z.requires_grad = True
    y.backward()
    return z.grad


def asks_a_result(f, x):
    z = x.detach().clone().requires_grad_() * 1.0
    f(z).backward()
    return z.grad


def names_backward(f, x):
    z = x.detach().clone().requires_grad_()
    y = f(z)
    y.backward
    return z.grad


def through_item(f, x):
    z = x.detach().clone().requires_grad_()
    torch.tensor(f(z).item()).backward()
    return z.grad


def misspells(f, x):
    z = x.detach().clone()
    z.require_grad = True
    f(z).backward()
    return z.grad


def forward_difference(f, x):
    g = torch.zeros_like(x)
    flat, out = x.detach().clone().reshape(-1), g.reshape(-1)
    h = 1e-4
    with torch.no_grad():
        for i in range(flat.numel()):
            moved = flat.clone()
            moved[i] += h
            out[i] = (f(moved.reshape(x.shape)) - f(flat.reshape(x.shape))) / h
    return g.detach()


def in_float32(f, x):
    z = x.detach().float().requires_grad_()
    f(z).backward()
    return z.grad.double()


def keeps_a_graph(f, x):
    z = x.detach().clone().requires_grad_()
    y = f(z)
    y.backward(create_graph=True)
    return z.grad


def adds_up(f, x):
    z = x.detach().clone().requires_grad_()
    f(z).sum().backward()
    return z.grad


def clones_a_watched_one(f, x):
    y = x.clone()
    y.requires_grad = True
    f(y).backward()
    return y.grad


def returns_the_leaf(f, x):
    y = x.detach().clone()
    y.requires_grad = True
    f(y).backward()
    return y


def only_prints(f, x):
    z = x.detach().clone().requires_grad_()
    f(z).backward()
    print(z.grad)


# --- 3.3 Read the graph --------------------------------------------------------------------------------------


def trace_for(t):
    names = []
    f = t.grad_fn
    while f:
        names += [f.name()]
        nexts = [n[0] for n in f.next_functions if n[0]]
        f = nexts[0] if nexts else None
    return names


def trace_walrus(t):
    f, out = t.grad_fn, []
    while f is not None:
        out.append(f.name())
        for g, _ in f.next_functions:
            if g is not None:
                f = g
                break
        else:
            f = None
    return out


def trace_tuple(t):
    return tuple(trace_for(t))


def trace_by_str(t):
    out, f = [], t.grad_fn
    while f is not None:
        out.append(str(f))
        f = next((g for g, _ in f.next_functions if g is not None), None)
    return out


def trace_without_the_leaf(t):
    return [n for n in trace_for(t) if "Accumulate" not in n]


def trace_with_none(t):
    out, f = [], t.grad_fn
    while f is not None:
        out.append(f.name())
        for g, _ in f.next_functions:
            if g is None:
                out.append(None)
        f = next((g for g, _ in f.next_functions if g is not None), None)
    return out


def trace_first_only(t):
    out, f = [], t.grad_fn
    while f is not None:
        out.append(f.name())
        f = f.next_functions[0][0] if f.next_functions else None
    return out


def trace_skips_own(t):
    return trace_for(t)[1:]


def trace_type_names(t):
    out, f = [], t.grad_fn
    while f is not None:
        out.append(type(f).__name__)
        f = next((g for g, _ in f.next_functions if g is not None), None)
    return out


def trace_cut_names(t):
    return [n.removesuffix("Backward0") for n in trace_for(t)]


def trace_last_entry(t):
    out, f = [], t.grad_fn
    while f is not None:
        out.append(f.name())
        nexts = [g for g, _ in f.next_functions if g is not None]
        f = nexts[-1] if nexts else None
    return out


def trace_all_branches(t):
    out, seen, stack = [], set(), [t.grad_fn]
    while stack:
        f = stack.pop()
        if f is not None and f not in seen:
            seen.add(f)
            out.append(f.name())
            stack += [g for g, _ in f.next_functions]
    return out


def trace_one_step(t):
    if t.grad_fn is None:
        return []
    return [t.grad_fn.name()] + [f.name() for f, _ in t.grad_fn.next_functions if f is not None]


def trace_own_only(t):
    return [t.grad_fn.name()] if t.grad_fn is not None else []


def trace_backwards(t):
    return trace_for(t)[::-1]


def trace_recursive(t):
    def walk(f):
        if f is None:
            return []
        return [f.name()] + walk(next((g for g, _ in f.next_functions if g is not None), None))

    return walk(t.grad_fn)


def trace_after_backward(t):
    if t.requires_grad:
        t.sum().backward()
    return trace_for(t)


def trace_type(t):
    return [type(t).__name__]


def trace_named_not_called(t):
    out, f = [], t.grad_fn
    while f is not None:
        out.append(f.name)
        f = next((g for g, _ in f.next_functions if g is not None), None)
    return out


def trace_index_zero(t):
    out, f = [], t.grad_fn
    while f is not None:
        out.append(f.name())
        f = f.next_functions[0][0]
    return out


def trace_no_leaf_guard(t):
    out, f = [t.grad_fn.name()], t.grad_fn
    while f.next_functions:
        f = next(g for g, _ in f.next_functions if g is not None)
        out.append(f.name())
    return out


# --- 3.4 The lost link ---------------------------------------------------------------------------------------


def linked_by_index(params, t_u, t_c):
    t_p = params[0] * t_u + params[1]
    return (t_p - t_c).pow(2).mean()


def linked_by_model(params, t_u, t_c):
    from helpers.thermometer import loss_fn, model

    return loss_fn(model(t_u, *params), t_c)


def linked_by_stack(params, t_u, t_c):
    p = torch.stack([params[0], params[1]])
    gaps = p[0] * t_u + p[1] - t_c
    return (gaps * gaps).sum() / len(gaps)


def still_tensor(params, t_u, t_c):
    p = torch.tensor([params[0], params[1]], dtype=t_u.dtype)
    return ((p[0] * t_u + p[1] - t_c) ** 2).mean()


def flag_on_the_loss(params, t_u, t_c):
    p = torch.tensor([params[0], params[1]], dtype=t_u.dtype)
    return ((p[0] * t_u + p[1] - t_c) ** 2).mean().requires_grad_()


def flag_on_the_copy(params, t_u, t_c):
    p = torch.tensor([params[0], params[1]], dtype=t_u.dtype).requires_grad_()
    return ((p[0] * t_u + p[1] - t_c) ** 2).mean()


def by_data(params, t_u, t_c):
    w, b = params.data
    return ((w * t_u + b - t_c) ** 2).mean()


def by_item(params, t_u, t_c):
    w, b = params[0].item(), params[1].item()
    return ((w * t_u + b - t_c) ** 2).mean()


def still_rounds(params, t_u, t_c):
    w, b = params
    return ((torch.round(w * t_u + b) - t_c) ** 2).mean()


def by_numpy(params, t_u, t_c):
    w, b = params
    t_p = torch.tensor(np.round(np.asarray(w * t_u + b)))
    return ((t_p - t_c) ** 2).mean()


def by_math(params, t_u, t_c):
    w, b = params
    t_p = torch.tensor([math.fsum([w * u, b]) for u in t_u], dtype=t_u.dtype)
    return ((t_p - t_c) ** 2).mean()


def detaches_b(params, t_u, t_c):
    w, b = params
    return ((w * t_u + b.detach() - t_c) ** 2).mean()


def detaches_w(params, t_u, t_c):
    return ((params[0].item() * t_u + params[1] - t_c) ** 2).mean()


def unrecorded(params, t_u, t_c):
    with torch.no_grad():
        w, b = params
        return ((w * t_u + b - t_c) ** 2).mean()


def unsquared(params, t_u, t_c):
    w, b = params
    return (w * t_u + b - t_c).mean()


def summed(params, t_u, t_c):
    w, b = params
    return torch.sum((w * t_u + b - t_c) ** 2)


def never_walks(f, x):
    leaf = x.detach().clone().requires_grad_()
    f(leaf)
    return leaf.grad


def reads_x(f, x):
    f(x.detach().clone().requires_grad_()).backward()
    return x.grad


def central_difference(f, x, h=1e-5):
    flat = x.detach().clone().reshape(-1)
    slopes = torch.empty_like(flat)
    for k in range(len(flat)):
        step = torch.zeros_like(flat)
        step[k] = h
        slopes[k] = (f((flat + step).reshape(x.shape)) - f((flat - step).reshape(x.shape))) / (2 * h)
    return slopes.reshape(x.shape)


def trace_bare_next(t):
    names, step = [], t.grad_fn
    while step is not None:
        names.append(step.name())
        step = next(f for f, _ in step.next_functions if f is not None)
    return names


def trace_pair(t):
    names, step = [], t.grad_fn
    while step:
        names.append(step.name())
        step = step.next_functions[0] if step.next_functions else None
    return names


def trace_grad_fn_again(t):
    if t is None or t.grad_fn is None:
        return []
    return [t.grad_fn.name()] + trace_grad_fn_again(t.grad_fn)


def trace_for_ever(t):
    names, step = [], t.grad_fn
    while step is not None:
        names = [step.name()]
    return names


def not_averaged(params, t_u, t_c):
    w, b = params
    return (w * t_u + b - t_c) ** 2


RIGHT = {
    "3.1": [with_autograd_grad, with_tensor, with_parameter],
    "3.2": [
        [False, True, False, True, False, True, False, True],
        (False, True, False, True, False, True, False, True),
        [k % 2 == 1 for k in range(8)],
        torch.arange(8) % 2 == 1,
        np.arange(8) % 2 == 1,
        list(np.arange(8) % 2 == 1),
    ],
    "3.3": [trace_for, trace_walrus, trace_tuple],
    "3.4": [linked_by_index, linked_by_model, linked_by_stack],
    "3.5": [9.8, 9.8000001, torch.tensor(9.8), 2 * 53.9 / 11, np.float32(9.8), torch.tensor([9.8])],
}

F, T = False, True

WRONG = {
    "3.1": [
        (flags_the_callers, TOUCHED),
        (keeps_on_x, TOUCHED),
        (flag_after, "came after the forward pass"),
        (asks_a_result, "you asked a tensor that is the result"),
        (never_walks, "named but not called"),
        (reads_x, "That is the gradient of `x`"),
        (central_difference, "Right, and measured"),
        (names_backward, "named but not called"),
        (through_item, "has no history"),
        (misspells, "that you set has another name"),
        (forward_difference, COARSE),
        (in_float32, COARSE),
        (keeps_a_graph, GRAPH),
        (adds_up, "a vector-valued f should be refused"),
        (only_prints, NONE),
        (clones_a_watched_one, "start from `x.detach()`"),
        (returns_the_leaf, "You returned the leaf"),
        (flags_a_clone, "start from `x.detach()`"),
        (calls_f_on_x, "You called `f` on `x`"),
        (returns_the_value, "That is the value of f"),
        (walks_and_returns_the_value, "That is the value of f"),
        (lambda f, x: x.grad, None),
        (lambda f, x: torch.ones_like(x), None),
    ],
    "3.2": [
        ([T, T, F, T, F, T, F, T], "Item 1: clone is an operation"),
        ([F, F, F, T, F, T, F, T], "Item 2: a tensor that needs no gradient"),
        ([F, T, T, T, F, T, F, T], "Item 3: a conversion to another dtype"),
        ([F, T, F, F, F, T, F, T], "Item 4: made by you"),
        ([F, T, F, T, T, T, F, T], "Item 5: indexing is an operation"),
        ([F, T, F, T, F, F, F, T], "Item 6: a float32 tensor is already float"),
        ([F, T, F, T, F, T, T, T], "Item 7: a view of a watched tensor"),
        ([F, T, F, T, F, T, F, F], "Item 8: it has no history"),
        ([str(k % 2 == 1) for k in range(8)], "without quotes"),
        ([k % 2 for k in range(8)], "not 1 and 0"),
        ([T] * 8, "All alike"),
        ([F] * 8, "All alike"),
        ([T, F, T, F, T, F, T, F], "the other way round"),
        ([T, T, T, F, T, F, T, T], "6 of 8 items"),
        ([F, T, F], "8 items are asked for"),
    ],
    "3.3": [
        (trace_by_str, "The address is in your text"),
        (trace_without_the_leaf, "The last station"),
        (trace_with_none, "None is no function"),
        (trace_first_only, "Where the first input has no history you stop"),
        (trace_type_names, "A name is what `name()` gives"),
        (trace_cut_names, "A name is what `name()` gives"),
        (trace_last_entry, "another entry than the first"),
        (trace_all_branches, "another entry than the first"),
        (trace_one_step, "You stopped after one step"),
        (trace_own_only, "You stopped after one step"),
        (trace_backwards, "Start at the loss"),
        (trace_skips_own, "The first name is missing"),
        (trace_recursive, DEEP),
        (trace_after_backward, "your call has consumed it"),
        (trace_type, "not tensors"),
        (trace_no_leaf_guard, "None is no function"),
        (trace_named_not_called, "named, not called"),
        (trace_index_zero, "take the first that is not"),
        (trace_bare_next, "give `next` something"),
        (trace_pair, "is a pair of a function and a number"),
        (trace_grad_fn_again, "A function has no `grad_fn`"),
        (trace_for_ever, "a loop that never ends"),
        (lambda t: [], "Not the names that are due"),
        (lambda t: print(trace_for(t)), NONE),
    ],
    "3.4": [
        (still_tensor, CUT),
        (flag_on_the_loss, "the link above the loss is still cut"),
        (flag_on_the_copy, "The copy gets the gradient"),
        (by_data, CUT),
        (by_item, CUT),
        (still_rounds, "Gradient exactly zero"),
        (by_numpy, "NumPy cannot see a graph"),
        (by_math, CUT),
        (detaches_b, "dL/dw is right, dL/db is missing"),
        (detaches_w, "dL/db is right, dL/dw is missing"),
        (unrecorded, CUT),
        (not_averaged, "The mean is missing"),
        (lambda params, t_u, t_c: 1.5, "neither a graph nor the right value"),
        (unsquared, "Value wrong"),
        (summed, SUM),
        (lambda params, t_u, t_c: params.sum(), None),
    ],
    "3.5": [
        (107.8, SUM),
        (4.9, TWO),
        (-9.8, "The gap is prediction minus temperature."),
        (53.9, "That is the gap."),
        (9.8909, "over a whole degree"),
        (802.62, "its share of dL/dw"),
        (6.4, "That is the first reading."),
        (264.11, "its share of the loss"),
        (None, "A non-leaf keeps no gradient"),
        (82.6, "All eleven together."),
        (2905.21, "squared gap"),
        ("9.8", "A text, not a number"),
        (0.890909, "Divided by 11 twice"),
    ],
}
