"""Answers to chapter 5's exercises, right and wrong."""

import torch

from helpers.checks.symptoms import CUT, FLAT, GRAPH, MODE, NONE, ONES, REACH, SUM, TOUCHED
from helpers.thermometer import loss_fn, model

# --- 5.1 One step in place -----------------------------------------------------------------------------------


@torch.no_grad()
def step_decorated(params, lr):
    for p in params:
        if p.grad is None:
            continue
        p.sub_(lr * p.grad)


def step_through_detach(params, lr):
    for p in params:
        if p.grad is not None:
            p.detach().add_(p.grad, alpha=-lr)


def step_set_grad(params, lr):
    with torch.set_grad_enabled(False):
        for i in range(len(params)):
            g = params[i].grad
            if g is not None:
                params[i].copy_(params[i] - lr * g)


def step_watched(params, lr):
    for p in params:
        if p.grad is not None:
            p -= lr * p.grad


def step_name_only(params, lr):
    for p in params:
        if p.grad is not None:
            p = p.detach() - lr * p.grad


def step_replaces(params, lr):
    for i in range(len(params)):
        if params[i].grad is not None:
            params[i] = (params[i] - lr * params[i].grad).detach().requires_grad_()


def step_data(params, lr):
    for p in params:
        if p.grad is not None:
            p.data.sub_(lr * p.grad)


def step_no_skip(params, lr):
    with torch.no_grad():
        for p in params:
            p -= lr * p.grad


def step_entry_by_entry(params, lr):
    with torch.no_grad():
        for p in params:
            for k in range(0 if p.grad is None else len(p)):
                p[k] -= lr * p.grad[k]


def step_if_grad(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad:
                p -= lr * p.grad


def step_up(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p.add_(lr * p.grad)


def step_clears(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= lr * p.grad
                p.grad = None


def step_zeroes(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= lr * p.grad
                p.grad.zero_()


def step_leaves_off(params, lr):
    torch.set_grad_enabled(False)
    for p in params:
        if p.grad is not None:
            p -= lr * p.grad


def step_turns_on(params, lr):
    torch.set_grad_enabled(False)
    for p in params:
        if p.grad is not None:
            p -= lr * p.grad
    torch.set_grad_enabled(True)


def step_fixed_rate(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is not None:
                p -= 0.01 * p.grad


def step_stops_asking(params, lr):
    for p in params:
        if p.grad is not None:
            p.requires_grad_(False)
            p -= lr * p.grad


def step_fills_in(params, lr):
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                p.grad = torch.zeros_like(p)
            p -= lr * p.grad


def step_first_only(params, lr):
    with torch.no_grad():
        params[0] -= 0
        p = params[0]
        p -= lr * p.grad


# --- 5.2 Evaluate --------------------------------------------------------------------------------------------


@torch.no_grad()
def evaluate_decorated(params, t_u, t_c):
    return float(loss_fn(model(t_u, *params), t_c))


def evaluate_set(params, t_u, t_c):
    with torch.set_grad_enabled(False):
        w, b = params
        return ((w * t_u + b - t_c) ** 2).mean().item()


def evaluate_inference(params, t_u, t_c):
    with torch.inference_mode():
        return loss_fn(model(t_u, *params), t_c).item()


def evaluate_strictly(params, t_u, t_c):
    w, b = params.tolist()
    return sum((w * u + b - c) ** 2 for u, c in zip(t_u.tolist(), t_c.tolist(), strict=True)) / len(t_u)


def evaluate_sum(params, t_u, t_c):
    with torch.no_grad():
        return ((model(t_u, *params) - t_c) ** 2).sum().item()


def evaluate_bare(params, t_u, t_c):
    torch.no_grad()
    return loss_fn(model(t_u, *params), t_c).item()


def evaluate_by_hand(params, t_u, t_c):
    torch.set_grad_enabled(False)
    value = loss_fn(model(t_u, *params), t_c).item()
    torch.set_grad_enabled(True)
    return value


def evaluate_restores_but_not_after_errors(params, t_u, t_c):
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(False)
    value = loss_fn(model(t_u, *params), t_c).item()
    torch.set_grad_enabled(before)
    return value


def evaluate_tensor(params, t_u, t_c):
    return loss_fn(model(t_u, *params), t_c)


def evaluate_detached(params, t_u, t_c):
    return loss_fn(model(t_u, *params), t_c).detach().item()


def evaluate_class(params, t_u, t_c):
    with torch.no_grad:
        return loss_fn(model(t_u, *params), t_c).item()


def evaluate_flag_off(params, t_u, t_c):
    params.requires_grad_(False)
    return loss_fn(model(t_u, *params), t_c).item()


def evaluate_walks(params, t_u, t_c):
    loss = loss_fn(model(t_u, *params), t_c)
    if torch.is_grad_enabled():
        loss.backward()
    return loss.item()


def evaluate_zeroes(params, t_u, t_c):
    with torch.no_grad():
        params.grad.zero_()
        return loss_fn(model(t_u, *params), t_c).item()


def evaluate_inference_tensor(params, t_u, t_c):
    with torch.inference_mode():
        return loss_fn(model(t_u, *params), t_c)


def evaluate_prints(params, t_u, t_c):
    with torch.no_grad():
        print(loss_fn(model(t_u, *params), t_c).item())


# --- 5.4 calc_forward ----------------------------------------------------------------------------------------


def forward_if(params, t_u, t_c, is_train):
    if is_train:
        with torch.enable_grad():
            return loss_fn(model(t_u, *params), t_c)
    with torch.no_grad():
        return loss_fn(model(t_u, *params), t_c)


def forward_try(params, t_u, t_c, is_train):
    before = torch.is_grad_enabled()
    try:
        torch.set_grad_enabled(is_train)
        return loss_fn(model(t_u, *params), t_c)
    finally:
        torch.set_grad_enabled(before)


def forward_formula(params, t_u, t_c, is_train):
    with torch.set_grad_enabled(is_train):
        w, b = params
        t_p = w * t_u + b
        gaps = t_p - t_c
        loss = (gaps**2).mean()
    return loss


def forward_condition(params, t_u, t_c, is_train):
    with torch.no_grad(is_train):
        return loss_fn(model(t_u, *params), t_c)


def forward_sum(params, t_u, t_c, is_train):
    with torch.set_grad_enabled(is_train):
        return ((model(t_u, *params) - t_c) ** 2).sum()


def forward_bare(params, t_u, t_c, is_train):
    torch.set_grad_enabled(is_train)
    t_p = model(t_u, *params)
    return loss_fn(t_p, t_c)


def forward_turns_on(params, t_u, t_c, is_train):
    torch.set_grad_enabled(is_train)
    loss = loss_fn(model(t_u, *params), t_c)
    torch.set_grad_enabled(True)
    return loss


def forward_restores_but_not_after_errors(params, t_u, t_c, is_train):
    before = torch.is_grad_enabled()
    torch.set_grad_enabled(is_train)
    loss = loss_fn(model(t_u, *params), t_c)
    torch.set_grad_enabled(before)
    return loss


def forward_detaches(params, t_u, t_c, is_train):
    with torch.enable_grad():
        loss = loss_fn(model(t_u, *params), t_c)
    return loss if is_train else loss.detach()


def forward_never(params, t_u, t_c, is_train):
    with torch.no_grad():
        return loss_fn(model(t_u, *params), t_c)


def forward_leaves_it(params, t_u, t_c, is_train):
    if is_train:
        return loss_fn(model(t_u, *params), t_c)
    with torch.no_grad():
        return loss_fn(model(t_u, *params), t_c)


def forward_detaches_only(params, t_u, t_c, is_train):
    loss = loss_fn(model(t_u, *params), t_c)
    return loss if is_train else loss.detach()


def forward_always(params, t_u, t_c, is_train):
    with torch.enable_grad():
        return loss_fn(model(t_u, *params), t_c)


def forward_ignores(params, t_u, t_c, is_train):
    return loss_fn(model(t_u, *params), t_c)


def forward_inverted(params, t_u, t_c, is_train):
    with torch.set_grad_enabled(not is_train):
        return loss_fn(model(t_u, *params), t_c)


def forward_item(params, t_u, t_c, is_train):
    with torch.set_grad_enabled(is_train):
        loss = loss_fn(model(t_u, *params), t_c)
        return loss if is_train else loss.item()


def forward_inference(params, t_u, t_c, is_train):
    if is_train:
        with torch.enable_grad():
            return loss_fn(model(t_u, *params), t_c)
    with torch.inference_mode():
        return loss_fn(model(t_u, *params), t_c)


def forward_flag(params, t_u, t_c, is_train):
    with torch.no_grad():
        loss = loss_fn(model(t_u, *params), t_c)
    loss.requires_grad_(is_train)
    return loss


# --- 5.6 Straight through ------------------------------------------------------------------------------------


def straight_no_grad(x):
    with torch.no_grad():
        gap = x.round() - x
    return x + gap


def straight_function(x):
    class Round(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.round()

        @staticmethod
        def backward(ctx, g):
            return g

    return Round.apply(x)


def straight_minus(x):
    return x - (x - torch.round(x)).detach()


def straight_rounds(x):
    return x.round()


def straight_data(x):
    x.data.round_()
    return x * 1.0


def straight_all_detached(x):
    return (x + (torch.round(x) - x)).detach()


def straight_no_detach(x):
    return x + (torch.round(x) - x)


def straight_half_detach(x):
    return x + torch.round(x.detach()) - x


def straight_new_leaf(x):
    return torch.round(x.detach()).requires_grad_()


def straight_in_place(x):
    with torch.no_grad():
        x.round_()
    return x * 1.0


def straight_floor(x):
    return x + (x.floor() - x).detach()


def straight_identity(x):
    return x * 1.0


def straight_ones(x):
    class Round(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x.round()

        @staticmethod
        def backward(ctx, g):
            return torch.ones_like(g)

    return Round.apply(x)


def straight_from_own_leaf(x):
    x = x.detach().clone().requires_grad_() if x.requires_grad else x
    return x + (torch.round(x) - x).detach()


def straight_for_ever(x):
    while True:
        pass


RIGHT = {
    "5.1": [step_decorated, step_through_detach, step_set_grad, step_entry_by_entry],
    "5.2": [evaluate_decorated, evaluate_set, evaluate_inference, evaluate_strictly],
    "5.3": [list("RLLRLRSSS"), tuple("RLLRLRSSS"), list("rllrlrsss")],
    "5.4": [forward_if, forward_try, forward_formula],
    "5.5": [300.0, 300, torch.tensor(300.0), torch.tensor([300.0])],
    "5.6": [straight_no_grad, straight_function, straight_minus],
}

WRONG = {
    "5.1": [
        (step_watched, "in-place"),
        (step_name_only, "only the name p did"),
        (step_replaces, "The list holds new tensors"),
        (step_data, "behind autograd's back: see section 5.5"),
        (step_no_skip, REACH),
        (step_up, "You step uphill"),
        (step_clears, "`.grad` is gone after your step"),
        (step_zeroes, "changed `.grad` itself"),
        (step_if_grad, "ask `p.grad is not None`"),
        (step_fills_in, "`.grad` was None and is zeros now"),
        (step_leaves_off, MODE),
        (step_turns_on, MODE),
        (step_fixed_rate, None),
        (step_stops_asking, "The next forward pass will not be recorded"),
        (step_first_only, None),
        (lambda params, lr: None, "only the name p did"),
    ],
    "5.2": [
        (evaluate_bare, "A graph was built"),
        (evaluate_by_hand, MODE),
        (evaluate_restores_but_not_after_errors, MODE),
        (evaluate_tensor, GRAPH),
        (evaluate_detached, "A graph was built"),
        (evaluate_class, "the class stands there"),
        (evaluate_flag_off, TOUCHED),
        (evaluate_walks, "params.grad changed during an evaluation"),
        (evaluate_zeroes, TOUCHED),
        (evaluate_inference_tensor, "your tensor may never enter"),
        (evaluate_sum, SUM),
        (evaluate_prints, NONE),
    ],
    "5.3": [
        (list("LLLRLRSSS"), "Item 1: nothing is hidden"),
        (list("RRLRLRSSS"), "Item 2: raises at once"),
        (list("RLSRLRSSS"), "Item 3: run a second epoch"),
        (list("RLLSLRSSS"), "Item 4: is the loop of 5.2"),
        (list("RLLRSRSSS"), "Item 5: raises in the second epoch"),
        (list("RLLRLLSSS"), "Item 6: raises nothing"),
        (list("RLLRLRRSS"), "Item 7: compare the list"),
        (list("RLLRLRSRS"), "Item 8: runs, and"),
        (list("RLLRLRSSR"), "Item 9: the optimizer steps"),
        (["R"] * 9, "All alike"),
        (list("LRRLRLRRR"), "9 of 9 items"),
        ("RLLRLRSSS", "A list of nine letters is due"),
    ],
    "5.4": [
        (forward_bare, MODE),
        (forward_turns_on, MODE),
        (forward_restores_but_not_after_errors, MODE),
        (forward_detaches, "Built, then detached."),
        (forward_never, "Nothing is recorded, though `is_train` is True"),
        (forward_leaves_it, "Recording was off, and you did not switch it on"),
        (forward_detaches_only, "Built, then detached."),
        (forward_always, GRAPH),
        (forward_ignores, GRAPH),
        (forward_inverted, "Training has no graph"),
        (forward_item, "A tensor is due in both cases."),
        (forward_inference, "Your result cannot take part"),
        (forward_condition, "`no_grad` takes no condition"),
        (forward_sum, SUM),
        (forward_flag, "The flag is on, the link to params is not."),
    ],
    "5.5": [
        (12, "That is the truth"),
        (1000, "a slope is asked for"),
        (8.0, "the value that was computed"),
        (30, "The square was lost"),
        (3000, "One power too many"),
        (100.0, "The factor 3 is missing"),
        ("error", "nothing is noticed"),
        ("an error", "nothing is noticed"),
        (None, "The link is whole"),
        (200, "the square of 5.5's section"),
        (20, "The factor 2"),
    ],
    "5.6": [
        (straight_rounds, "Gradient exactly zero."),
        (straight_data, TOUCHED),
        (straight_all_detached, CUT),
        (straight_no_detach, "slopes cancel the first"),
        (straight_half_detach, "once with plus, once with minus"),
        (straight_new_leaf, "The result is a leaf"),
        (straight_in_place, TOUCHED),
        (straight_floor, "2.7 became 2."),
        (straight_identity, "Gradient right, value unrounded."),
        (straight_ones, ONES),
        (lambda x: torch.round(x) + x * 0.0, FLAT),
        (lambda x: x + (torch.floor(x + 0.5) - x).detach(), "the even neighbour"),
        (lambda x: x.detach() + (torch.round(x) - x), "The slope is reversed"),
        (lambda x: x + (torch.ceil(x) - x).detach(), "not the nearest ones"),
        (straight_from_own_leaf, "a leaf of your own"),
        (lambda x: x.detach().round_(), TOUCHED),
        (straight_for_ever, "a loop that never ends"),
    ],
}
