"""Answers to chapter 4's exercises, right and wrong."""

import numpy as np
import torch

from helpers.checks.ch04 import BEHIND, EIGHT, LAST, POSITIONS, REFUSED, SHORT, SMALL, SUMS, UNDIVIDED, ZERO_NAMED
from helpers.checks.symptoms import GRAPH, NONE, SIGN, TOUCHED, TWICE
from helpers.thermometer import loss_fn, model

# --- 4.2 A fresh gradient --------------------------------------------------------------------------------------


def returns_instead(loss_fn_of, params):
    return torch.autograd.grad(loss_fn_of(params), params)[0]


def own_leaf(loss_fn_of, params):
    p = params.clone().detach().requires_grad_(True)
    loss_fn_of(p).backward()
    return p.grad


def saves_and_restores(loss_fn_of, params):
    old = None if params.grad is None else params.grad.clone()
    if params.grad is not None:
        params.grad.zero_()
    loss_fn_of(params).backward()
    g = params.grad.clone()
    params.grad = old
    return g


def never_clears(loss_fn_of, params):
    loss_fn_of(params).backward()
    return params.grad


def never_clears_but_copies(loss_fn_of, params):
    loss_fn_of(params).backward()
    return params.grad.detach().clone()


def leaves_it_cleared(loss_fn_of, params):
    params.grad = None
    loss_fn_of(params).backward()
    g = params.grad.clone()
    params.grad = None
    return g


def leaves_zeros(loss_fn_of, params):
    if params.grad is not None:
        params.grad.zero_()
    loss_fn_of(params).backward()
    g = params.grad.clone()
    params.grad.zero_()
    return g


def returns_grad_itself(loss_fn_of, params):
    params.grad = None
    loss_fn_of(params).backward()
    return params.grad


def zeroes_nothing(loss_fn_of, params):
    old = params.grad
    params.grad.zero_()
    loss_fn_of(params).backward()
    g = params.grad.clone()
    params.grad = old
    return g


def assigns_a_number(loss_fn_of, params):
    old = params.grad
    params.grad = 0
    loss_fn_of(params).backward()
    g = params.grad
    params.grad = old
    return g


def returns_what_it_clears(loss_fn_of, params):
    params.grad = torch.zeros_like(params)
    loss_fn_of(params).backward()
    g = params.grad
    g.zero_()
    return g


def subtracts(loss_fn_of, params):
    old = torch.zeros_like(params) if params.grad is None else params.grad.clone()
    loss_fn_of(params).backward()
    return params.grad - old


def with_graph(loss_fn_of, params):
    (g,) = torch.autograd.grad(loss_fn_of(params), params, create_graph=True)
    return g


def detached(loss_fn_of, params):
    return torch.autograd.grad(loss_fn_of(params.detach()), params)[0]


def at_the_start(loss_fn_of, params):
    p = torch.tensor([1.0, 0.0], dtype=params.dtype, requires_grad=True)
    loss_fn_of(p).backward()
    return p.grad


def alias_of_old(loss_fn_of, params):
    old = params.grad
    loss_fn_of(params).backward()
    g = params.grad.clone()
    params.grad = old
    return g


def wrong_sign(loss_fn_of, params):
    return -torch.autograd.grad(loss_fn_of(params), params)[0]


def forgets_return(loss_fn_of, params):
    torch.autograd.grad(loss_fn_of(params), params)


def of_a_clone(loss_fn_of, params):
    p = params.clone()
    loss_fn_of(p).backward()
    return p.grad


def of_the_loss(loss_fn_of, params):
    loss = loss_fn_of(params)
    loss.backward()
    return loss.grad


# --- 4.3 Micro-batches -----------------------------------------------------------------------------------------


def by_split(params, t_u, t_c, batch_size):
    params.grad = torch.zeros_like(params)
    for u, c in zip(t_u.split(batch_size), t_c.split(batch_size), strict=True):
        (loss_fn(model(u, *params), c) * (len(u) / len(t_u))).backward()


def by_sum(params, t_u, t_c, batch_size):
    if params.grad is not None:
        params.grad.zero_()
    n = t_u.shape[0]
    k = 0
    while k < n:
        d = params[0] * t_u[k : k + batch_size] + params[1] - t_c[k : k + batch_size]
        (d.pow(2).sum() / n).backward()
        k += batch_size


def by_autograd_grad(params, t_u, t_c, batch_size):
    total = torch.zeros_like(params)
    for u, c in zip(torch.split(t_u, batch_size), torch.split(t_c, batch_size), strict=True):
        (g,) = torch.autograd.grad(loss_fn(model(u, *params), c), params)
        total += len(u) * g / len(t_u)
    params.grad = total.detach()


def chunks(t_u, t_c, size):
    return zip(t_u.split(size), t_c.split(size), strict=True)


def of_eleven(params, t_u, t_c, batch_size):
    params.grad = None
    for u, c in zip(t_u.split(batch_size), t_c.split(batch_size)):
        (loss_fn(model(u, *params), c) * len(u) / 11).backward()


def undivided(params, t_u, t_c, batch_size):
    params.grad = None
    for u, c in chunks(t_u, t_c, batch_size):
        ((params[0] * u + params[1] - c) ** 2).mean().backward()


def by_number_of_chunks(params, t_u, t_c, batch_size):
    params.grad = None
    k = -(-len(t_u) // batch_size)
    for u, c in chunks(t_u, t_c, batch_size):
        (((params[0] * u + params[1] - c) ** 2).mean() / k).backward()


def afterwards_by_chunks(params, t_u, t_c, batch_size):
    params.grad = None
    k = 0
    for u, c in chunks(t_u, t_c, batch_size):
        loss_fn(model(u, *params), c).backward()
        k += 1
    params.grad /= k


def clears_inside(params, t_u, t_c, batch_size):
    for u, c in chunks(t_u, t_c, batch_size):
        params.grad = None
        (loss_fn(model(u, *params), c) * len(u) / len(t_u)).backward()


def no_clear(params, t_u, t_c, batch_size):
    for u, c in chunks(t_u, t_c, batch_size):
        (len(u) / len(t_u) * loss_fn(model(u, *params), c)).backward()


def drops_last(params, t_u, t_c, batch_size):
    params.grad = None
    for k in range(len(t_u) // batch_size):
        u, c = t_u[k * batch_size : (k + 1) * batch_size], t_c[k * batch_size : (k + 1) * batch_size]
        (loss_fn(model(u, *params), c) * batch_size / len(t_u)).backward()


def by_batch_size(params, t_u, t_c, batch_size):
    params.grad = None
    for u, c in chunks(t_u, t_c, batch_size):
        (loss_fn(model(u, *params), c) / batch_size).backward()


def one_backward(params, t_u, t_c, batch_size):
    params.grad = None
    total = 0.0
    for u, c in chunks(t_u, t_c, batch_size):
        total = total + loss_fn(model(u, *params), c) * len(u) / len(t_u)
    total.backward()


def all_at_once(params, t_u, t_c, batch_size):
    params.grad = None
    loss_fn(model(t_u, *params), t_c).backward()


def retains(params, t_u, t_c, batch_size):
    params.grad = None
    for u, c in chunks(t_u, t_c, batch_size):
        loss = loss_fn(model(u, *params), c) * len(u) / len(t_u)
        loss.backward(retain_graph=True)


def scales_a_number(params, t_u, t_c, batch_size):
    params.grad = None
    for u, c in chunks(t_u, t_c, batch_size):
        (loss_fn(model(u, *params), c).item() * len(u) / len(t_u)).backward()


def new_tensor_of_a_number(params, t_u, t_c, batch_size):
    params.grad = None
    for u, c in chunks(t_u, t_c, batch_size):
        torch.tensor(loss_fn(model(u, *params), c).item() * len(u) / len(t_u), requires_grad=True).backward()


def full_share_for_the_last(params, t_u, t_c, batch_size):
    params.grad = None
    for u, c in chunks(t_u, t_c, batch_size):
        (loss_fn(model(u, *params), c) * batch_size / len(t_u)).backward()


def first_chunk_only(params, t_u, t_c, batch_size):
    params.grad = None
    loss_fn(model(t_u[:batch_size], *params), t_c[:batch_size]).backward()


# --- 4.4 The loop ----------------------------------------------------------------------------------------------


def clears_last(n_epochs, lr, params, t_u, t_c):
    opt = torch.optim.SGD([params], lr=lr)
    out = []
    for _ in range(n_epochs):
        loss = loss_fn(model(t_u, *params), t_c)
        out.append(loss.item())
        loss.backward()
        opt.step()
        opt.zero_grad()
    return out


def clears_before_backward(n_epochs, lr, params, t_u, t_c):
    opt = torch.optim.SGD(params=[params], lr=lr)
    out = []
    for _ in range(n_epochs):
        loss = ((params[0] * t_u + params[1] - t_c) ** 2).mean()
        opt.zero_grad(set_to_none=False)
        loss.backward()
        opt.step()
        out += [loss.tolist()]
    return out


def detaches_losses(n_epochs, lr, params, t_u, t_c):
    optimizer = torch.optim.SGD([params], lr)
    history = []
    while len(history) < n_epochs:
        optimizer.zero_grad()
        loss = loss_fn(model(t_u, params[0], params[1]), t_c)
        loss.backward()
        optimizer.step()
        history.append(loss.detach())
    return history


def loop(*, forward_first=False, order="zfbsa", retain=False, item=True, new=False, named=()):
    """A training loop from parts: z zero_grad, f forward, b backward, s step, a append."""

    def answer(n_epochs, lr, params, t_u, t_c):
        opt = torch.optim.SGD([params], lr=lr)
        losses = []
        loss = loss_fn(model(t_u, *params), t_c) if forward_first else None
        for _ in range(n_epochs):
            if new:
                opt = torch.optim.SGD([params], lr=lr)
            for letter in order:
                if letter == "z":
                    opt.zero_grad if "z" in named else opt.zero_grad()
                elif letter == "f":
                    loss = loss_fn(model(t_u, *params), t_c)
                elif letter == "b":
                    loss.backward(retain_graph=retain)
                elif letter == "s":
                    opt.step if "s" in named else opt.step()
                else:
                    losses.append(loss.item() if item else loss)
        return losses

    return answer


def measures_after(n_epochs, lr, params, t_u, t_c):
    opt = torch.optim.SGD([params], lr=lr)
    losses = []
    for _ in range(n_epochs):
        opt.zero_grad()
        loss_fn(model(t_u, *params), t_c).backward()
        opt.step()
        losses.append(loss_fn(model(t_u, *params), t_c).item())
    return losses


# --- 4.5 A history ---------------------------------------------------------------------------------------------


def history_by_grad(params, t_u, t_c, lr, n):
    p = params.detach().clone()
    out = []
    for _ in range(n):
        q = p.clone().requires_grad_()
        out += torch.autograd.grad(loss_fn(model(t_u, *q), t_c), q)
        p = p - lr * out[-1]
    return out


def history_by_sgd(params, t_u, t_c, lr, n):
    own = torch.nn.Parameter(params.detach().clone())
    opt = torch.optim.SGD([own], lr=lr)
    out = []
    for _ in range(n):
        opt.zero_grad(set_to_none=False)
        loss_fn(model(t_u, *own), t_c).backward()
        out.append(own.grad.detach().clone())
        opt.step()
    return out


def history_by_none(params, t_u, t_c, lr, n):
    p = params.clone().detach().requires_grad_()
    out = []
    for _ in range(n):
        p.grad = None
        loss_fn(model(t_u, *p), t_c).backward()
        out.append(p.grad)
        p = (p - lr * p.grad).detach().requires_grad_()
    return out


def history(keep=lambda g: g.clone(), early=False, clear="start", own=True, update="no_grad"):
    """A training loop from parts, with one buffer for the gradient."""

    def answer(params, t_u, t_c, lr, n):
        p = params.detach().clone().requires_grad_() if own else params
        p.grad = torch.zeros_like(p)
        out = []
        for _ in range(n):
            if early:
                out.append(keep(p.grad))
            if clear == "start":
                p.grad.zero_()
            loss_fn(model(t_u, *p), t_c).backward()
            if not early:
                out.append(keep(p.grad))
            if update == "watched":
                p -= lr * p.grad
            elif update == "rebound":
                p = p - lr * p.grad
            elif update == "no_grad":
                with torch.no_grad():
                    p -= lr * p.grad
            elif update == "uphill":
                with torch.no_grad():
                    p += lr * p.grad
            if clear == "end":
                p.grad.zero_()
        return out

    return answer


def positions(params, t_u, t_c, lr, n):
    p = params.detach().clone()
    out = []
    for g in history_by_grad(params, t_u, t_c, lr, n):
        out.append(p.clone())
        p -= lr * g
    return out


def stacked(params, t_u, t_c, lr, n):
    return torch.stack(history_by_grad(params, t_u, t_c, lr, n))


def with_graphs(params, t_u, t_c, lr, n):
    p, out = params.detach().clone(), []
    for _ in range(n):
        q = p.clone().requires_grad_()
        out += torch.autograd.grad(loss_fn(model(t_u, *q), t_c), q, create_graph=True)
        p = (p - lr * out[-1]).detach()
    return out


RIGHT = {
    "4.1": [247.8, torch.tensor(247.8), np.float32(247.80003), 82.6 * 3],
    "4.2": [returns_instead, own_leaf, saves_and_restores],
    "4.3": [by_split, by_sum, by_autograd_grad],
    "4.4": [clears_last, clears_before_backward, detaches_losses],
    "4.5": [history_by_grad, history_by_sgd, history_by_none],
    "4.6": [1, 1.0, torch.tensor(1.0)],
}

WRONG = {
    "4.1": [
        (82.6, "That is one call"),
        (165.2, "Two calls."),
        (330.4, "four calls"),
        (743.4, "Multiplied, not added"),
        (13551.89, "First entry"),
        (4517.2969, "First entry, and after one call"),
        (0, "Nobody cleared."),
        (27.5333, "No average is taken."),
        (None, "None is what stands there"),
        ("247.8", "A text, not a number"),
        (-247.8, None),
    ],
    "4.2": [
        (never_clears, TWICE),
        (never_clears_but_copies, TWICE),
        (leaves_it_cleared, "The gradient that was there before your call is gone."),
        (leaves_zeros, "The gradient that was there before your call is gone."),
        (returns_grad_itself, "you return `params.grad` itself"),
        (zeroes_nothing, "Fails on a parameter that has never seen backward"),
        (assigns_a_number, "A gradient is a tensor or None"),
        (returns_what_it_clears, "All zeros"),
        (subtracts, TOUCHED),
        (with_graph, GRAPH),
        (detached, "The loss no longer knows params."),
        (at_the_start, "Right at the start only."),
        (alias_of_old, "What stood in `.grad` before is part of your answer."),
        (wrong_sign, SIGN),
        (forgets_return, NONE),
        (of_a_clone, "`.grad` of a result, and that stays None"),
        (of_the_loss, "`.grad` of a result, and that stays None"),
        (lambda loss_fn_of, params: params.grad, None),
        (lambda loss_fn_of, params: torch.tensor([-77.61, -10.64]).double(), None),
    ],
    "4.3": [
        (undivided, UNDIVIDED),
        (by_number_of_chunks, SHORT),
        (afterwards_by_chunks, SHORT),
        (clears_inside, LAST),
        (no_clear, TWICE),
        (drops_last, EIGHT),
        (by_batch_size, SMALL),
        (one_backward, "All chunks' graphs were alive at once."),
        (all_at_once, "A tensor of 11 readings was made"),
        (retains, "Each graph is kept though walked once."),
        (scales_a_number, "A Python number has no `backward`"),
        (new_tensor_of_a_number, "params.grad is None after your call"),
        (full_share_for_the_last, "The last chunk is counted as if it were full"),
        (of_eleven, "11 belongs to the thermometer"),
        (first_chunk_only, None),
        (lambda params, t_u, t_c, batch_size: None, "params.grad is None after your call"),
    ],
    "4.4": [
        (loop(order="fbzsa"), "The loss never changes: step finds nothing."),
        (loop(order="fbsa"), "Epochs 1 and 2 right, from 3 on a pendulum."),
        (loop(named="z"), ZERO_NAMED),
        (loop(forward_first=True, order="zbsa"), "walks a graph that is gone"),
        (loop(forward_first=True, order="zbsa", retain=True), "it is the first epoch's graph"),
        (loop(forward_first=True, order="bzsa"), "walks a graph that is gone"),
        (loop(order="fszba"), BEHIND),
        (loop(order="szfba"), BEHIND),
        (loop(order="zfsba"), "The loss never changes"),
        (loop(named="s"), "Parameters never move"),
        (loop(item=False), GRAPH),
        (loop(new=True), "make it once"),
        (measures_after, "Your list is one epoch ahead."),
        (loop(order="zfbs"), None),
        (lambda *arguments: loop()(*arguments)[-1], None),
    ],
    "4.5": [
        (history(keep=lambda g: g), "All n entries are the last one"),
        (history(keep=lambda g: g.detach()), "All n entries are the last one"),
        (history(keep=lambda g: g, clear="end"), "All n entries are zero"),
        (history(early=True), "One behind"),
        (positions, POSITIONS),
        (history(clear="never"), SUMS),
        (history(keep=lambda g: g.tolist()), "as Python lists"),
        (history(update="watched"), "a leaf Variable … in-place"),
        (history(update="rebound"), "None in the second step"),
        (history(keep=lambda g: g, clear="never", update="rebound"), "None in the second step"),
        (history(update="uphill"), "You step uphill"),
        (history(own=False), TOUCHED),
        (stacked, "One tensor came"),
        (with_graphs, GRAPH),
        (lambda *arguments: history_by_grad(*arguments[:4], arguments[4] + 1)[1:], "One ahead"),
        (history(update="none"), "or nothing was updated"),
        (lambda params, t_u, t_c, lr, n: [torch.zeros_like(params)] * n, None),
    ],
    "4.6": [
        (0, "Loss at epoch 10 is then 29.03"),
        (0.9, "Friction is left"),
        (0.5, "Half of each old gradient"),
        (0.99, "Nearly: after 1000 epochs"),
        (2, "inf before epoch 100"),
        (-1, REFUSED),
        (-0.5, REFUSED),
        (0.01, "That is the learning rate"),
        (float("inf"), "An infinite weight"),
        (0.7, "With your value the loss at epoch 10 is"),
        ("1", "A text, not a number"),
    ],
}
