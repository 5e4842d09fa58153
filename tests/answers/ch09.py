"""Answers to chapter 9's exercises, right and wrong."""

import math

import torch

from helpers.checks.symptoms import DEEP, FLAT, NONE, TOUCHED

# --- 9.2 Reachable leaves ------------------------------------------------------------------------------------


def leaves_by_name(t):
    found, todo, done = [], [t.grad_fn] if t.grad_fn is not None else [], set()
    while todo:
        node = todo.pop(0)
        if id(node) in done:
            continue
        done.add(id(node))
        if node.name().endswith("AccumulateGrad"):
            found.append(node.variable)
        for source, _ in node.next_functions:
            if source is not None:
                todo.append(source)
    return found


def leaves_by_dict(t):
    if not t.requires_grad:
        return []
    order, stack = {t.grad_fn: None}, [t.grad_fn]
    while stack:
        for source, _ in stack.pop().next_functions:
            if source is not None and source not in order:
                order[source] = None
                stack.append(source)
    return [node.variable for node in order if hasattr(node, "variable")]


def leaves_by_levels(t):
    level, seen, out = {t.grad_fn} - {None}, set(), ()
    while level:
        seen |= level
        out += tuple(n.variable for n in level if getattr(n, "variable", None) is not None)
        level = {s for n in level for s, _ in n.next_functions if s is not None} - seen
    return out


def leaves_without_memory(t):
    """Each leaf once, but each path walked."""
    found, stack = [], [t.grad_fn]
    while stack:
        function = stack.pop()
        if function is None:
            continue
        if hasattr(function, "variable"):
            if not any(function.variable is leaf for leaf in found):
                found.append(function.variable)
        stack.extend(below for below, _ in function.next_functions)
    return found


def leaves_of_unrecorded(t):
    return [t] if t.grad_fn is None else leaves_by_levels(t)


def leaves_first_path(t):
    node = t.grad_fn
    while node is not None and node.next_functions:
        node = node.next_functions[0][0]
    return [node.variable] if node is not None else []


def leaves_last_path(t):
    node = t.grad_fn
    while node is not None and not hasattr(node, "variable"):
        node = next((s for s, _ in reversed(node.next_functions) if s is not None), None)
    return [] if node is None else [node.variable]


def leaves_doubled(t):
    out, stack = [], [t.grad_fn] if t.requires_grad else []
    while stack:
        node = stack.pop()
        if hasattr(node, "variable"):
            out.append(node.variable)
        stack.extend(s for s, _ in node.next_functions if s is not None)
    return out


def leaves_recursive(t):
    out = []

    def visit(node):
        if node is None:
            return
        if hasattr(node, "variable") and not any(node.variable is o for o in out):
            out.append(node.variable)
        for source, _ in node.next_functions:
            visit(source)

    visit(t.grad_fn)
    return out


def leaves_recursive_doubled(t):
    def visit(node):
        if node is None:
            return []
        if hasattr(node, "variable"):
            return [node.variable]
        return [leaf for source, _ in node.next_functions for leaf in visit(source)]

    return visit(t.grad_fn)


def leaves_copied(t):
    return [leaf.detach().clone().requires_grad_() for leaf in leaves_by_name(t)]


def leaves_detached(t):
    return [leaf.detach() for leaf in leaves_by_dict(t)]


def leaves_walks(t):
    leaves = leaves_by_name(t)
    if leaves:
        t.sum().backward()
    return leaves


def leaves_with_grad(t):
    return [leaf for leaf in leaves_by_dict(t) if leaf.grad is not None]


def leaves_walks_anyway(t):
    t.sum().backward()
    return leaves_by_name(t)


def leaves_walks_and_keeps(t):
    torch.autograd.grad(t.sum(), t, retain_graph=True)
    return leaves_by_name(t)


def leaves_no_skip(t):
    out, stack, seen = [], [t.grad_fn], set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            out.append(node.variable)
        for source, _ in node.next_functions:
            stack.append(source)
    return out


def leaves_and_constants(t):
    out, stack, seen = [], [t.grad_fn], {None}
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            out.append(node.variable)
        for name in ("_saved_self", "_saved_other"):
            kept = getattr(node, name, None)
            if kept is not None and not kept.requires_grad and not any(kept is o for o in out):
                out.append(kept)
        stack += [s for s, _ in node.next_functions]
    return out


def leaves_and_result(t):
    return [t, *leaves_by_name(t)]


def leaves_nothing(t):
    leaves_by_name(t)


def leaves_functions(t):
    seen, stack = [], [t.grad_fn] if t.requires_grad else []
    while stack:
        node = stack.pop()
        if node not in seen and hasattr(node, "variable"):
            seen.append(node)
        stack += [s for s, _ in node.next_functions if s is not None and s not in seen]
    return seen


# --- 9.3 Report ----------------------------------------------------------------------------------------------


def report_comprehension(named):
    def word(g):
        if g is None:
            return "none"
        if g.isnan().any() or g.isinf().any():
            return "nan"
        return "zero" if torch.equal(g, torch.zeros_like(g)) else "ok"

    return {name: word(p.grad) for name, p in named.items()}


def report_lists(named):
    out = {}
    for name in named:
        g = named[name].grad
        values = None if g is None else g.flatten().tolist()
        if values is None:
            out[name] = "none"
        elif not all(math.isfinite(v) for v in values):
            out[name] = "nan"
        elif not any(values):
            out[name] = "zero"
        else:
            out[name] = "ok"
    return out


def report_count(named):
    out = {}
    for name, p in named.items():
        if p.grad is None:
            out[name] = "none"
            continue
        size = p.grad.abs().max().item()
        bad = math.isinf(size) or bool((p.grad != p.grad).any())
        out[name] = "nan" if bad else ("ok" if size > 0 else "zero")
    return out


def report_with(is_none="none", is_nan=lambda g: not torch.isfinite(g).all(), is_zero=lambda g: not (g != 0).any()):
    def report(named):
        out = {}
        for name, p in named.items():
            g = p.grad
            out[name] = is_none if g is None else "nan" if is_nan(g) else "zero" if is_zero(g) else "ok"
        return out

    return report


def report_if_grad(named):
    return {name: "ok" if p.grad else "none" for name, p in named.items()}


def report_clears(named):
    out = report_lists(named)
    for p in named.values():
        p.grad = None
    return out


def report_fills(named):
    for p in named.values():
        if p.grad is None:
            p.grad = torch.zeros_like(p)
    return report_lists(named)


def report_no_none(named):
    return {name: "zero" if (p.grad == 0).all() else "ok" for name, p in named.items()}


def report_first_name(named):
    name, p = next(iter(named.items()))
    return {name: report_lists({name: p})[name]}


def report_prints(named):
    for name, p in named.items():
        print(name, p.grad)


# --- 9.4 safe_norm -------------------------------------------------------------------------------------------


def norm_masked(x):
    squares = x.pow(2).sum(-1)
    zero = squares == 0
    return squares.masked_fill(zero, 1.0).sqrt().masked_fill(zero, 0.0)


def norm_built_in(x):
    return torch.linalg.vector_norm(x, dim=1)


def norm_rows(x):
    rows = []
    for row in x:
        rows.append(row.sum() * 0 if (row == 0).all() else (row * row).sum().sqrt())
    return torch.stack(rows)


def norm_plus_one(x):
    squares = (x * x).sum(dim=1)
    zero = (squares == 0).to(x.dtype)
    return torch.sqrt(squares + zero) - zero


def norm_positive(x):
    squares = (x**2).sum(dim=1)
    safe = torch.where(squares > 0, squares, torch.ones_like(squares))
    return torch.where(squares > 0, torch.sqrt(safe), torch.zeros_like(squares))


def norm_into_rows(x):
    squares = (x**2).sum(dim=1)
    out = torch.zeros_like(squares)
    m = squares > 0
    out[m] = torch.sqrt(squares[m])
    return out


def norm_of_guarded_entries(x):
    safe = torch.where(x != 0, x, torch.ones_like(x))
    squares = (x**2).sum(1)
    return torch.where(squares > 0, (safe**2).sum(1).sqrt(), torch.zeros_like(squares))


def norm_guarded_by_zeros(x):
    squares = (x**2).sum(1)
    safe = torch.where(squares > 0, squares, torch.zeros_like(squares))
    return torch.where(squares > 0, safe.sqrt(), torch.zeros_like(squares))


def norm_where(x):
    s = (x * x).sum(1)
    root = s.sqrt()
    return torch.where(s == 0, torch.zeros_like(root), root)


def norm_eps(x):
    return torch.sqrt((x**2).sum(dim=1) + 1e-12)


def norm_eps_large(x):
    return torch.sqrt((x**2).sum(dim=1) + 1e-3)


def norm_clamp(x):
    return (x**2).sum(dim=1).clamp(min=1e-12).sqrt()


def norm_nan_to_num(x):
    return torch.nan_to_num(torch.sqrt((x**2).sum(dim=1)))


def norm_detach(x):
    s = (x**2).sum(dim=1)
    return torch.sqrt(s.detach() if bool((s == 0).any()) else s)


def norm_detach_many(x):
    s = norm_masked(x)
    return s.detach() if len(x) > 1 and bool((s == 0).any()) else s


def norm_if(x):
    s = (x**2).sum(dim=1)
    return s if s == 0 else torch.sqrt(s)


def norm_hook(x):
    y = x * 1.0
    if y.requires_grad:
        y.register_hook(lambda g: torch.nan_to_num(g))
    s = (y * y).sum(dim=1)
    root = torch.sqrt(s)
    if y.requires_grad:
        root.register_hook(lambda g: torch.nan_to_num(g))
    return root


def norm_absolute(x):
    return x.abs().sum(dim=1)


def norm_squares(x):
    return (x**2).sum(dim=1)


def norm_rounded(x):
    return torch.round(norm_masked(x))


def norm_plain(x):
    return torch.sqrt((x**2).sum(dim=1))


def norm_of_all(x):
    return norm_masked(x.reshape(1, -1)).reshape(())


# --- 9.5 gradient_ok -----------------------------------------------------------------------------------------


def ok_gradcheck(f, x):
    return torch.autograd.gradcheck(f, x.detach().clone().requires_grad_(), raise_exception=False)


def walked_back(y, leaf, v):
    g = torch.autograd.grad(y, leaf, v, allow_unused=True)[0] if y.requires_grad else None
    return torch.zeros_like(leaf) if g is None else g


def ok_entry_by_entry(f, x):
    leaf = x.detach().clone().requires_grad_()
    y = f(leaf)
    v = torch.randn_like(y)
    g = walked_back(y, leaf, v)
    measured = torch.zeros_like(x.detach()).flatten()
    for k in range(measured.numel()):
        h = torch.zeros_like(measured)
        h[k] = 1e-5
        h = h.reshape(x.shape)
        measured[k] = ((f(x.detach() + h) - f(x.detach() - h)).detach() * v).sum() / 2e-5
    return torch.allclose(g.flatten(), measured, rtol=1e-5)


def ok_several_draws(f, x):
    for _ in range(3):
        leaf = x.detach().clone().requires_grad_()
        y = f(leaf)
        v, u = torch.rand_like(y) - 0.5, torch.rand_like(leaf) - 0.5
        walked = 0.0
        if y.grad_fn is not None:
            (y * v).sum().backward()
            walked = 0.0 if leaf.grad is None else (leaf.grad * u).sum().item()
        there, back = f(x.detach() + 1e-6 * u), f(x.detach() - 1e-6 * u)
        measured = ((there - back) * v).sum().item() / 2e-6
        if abs(walked - measured) > 1e-5 * max(abs(walked), abs(measured)):
            return False
    return True


def ok_one_number(f, x):
    leaf = x.detach().clone().requires_grad_()
    y = f(leaf)
    v, u = torch.randn(y.shape, dtype=x.dtype), torch.randn(x.shape, dtype=x.dtype)
    g = walked_back(y, leaf, v)
    with torch.no_grad():
        measured = (v * (f(x + 1e-6 * u) - f(x - 1e-6 * u))).sum() / 2e-6
    return math.isclose((g * u).sum(), measured, rel_tol=1e-5)


def ok_sets_the_flag_and_walks(f, x):
    x.requires_grad_()
    y = f(x)
    v = torch.randn_like(y)
    y.backward(v)
    return True


def ok_with(cotangent=torch.randn_like, h=1e-6, compare=None, dtype=torch.float64, forward=False, entries=None):
    """A gradient check, entry by entry, with one thing changed."""

    def gradient_ok(f, x):
        point = x.detach().to(dtype)
        leaf = point.clone().requires_grad_()
        y = f(leaf)
        v = cotangent(y)
        g = walked_back(y, leaf, v)
        for k in list(range(leaf.numel()))[:entries]:
            step = torch.zeros(leaf.numel(), dtype=dtype)
            step[k] = h
            step = step.reshape(leaf.shape)
            ends = f(point + step), f(point) if forward else f(point - step)
            measured = ((ends[0] - ends[1]) * v.to(ends[0].dtype)).sum().item() / (h if forward else 2 * h)
            walked = g.flatten()[k].item()
            good = compare(walked, measured) if compare else abs(walked - measured) <= 1e-8 + 1e-6 * abs(measured)
            if not good:
                return False
        return True

    return gradient_ok


def ok_only_used(f, x):
    """No `allow_unused`."""
    leaf = x.detach().clone().requires_grad_()
    y = f(leaf)
    v, u = torch.randn_like(y), torch.randn_like(leaf)
    g = torch.autograd.grad(y, leaf, v)[0] if y.requires_grad else torch.zeros_like(leaf)
    measured = (v * (f(leaf + 1e-6 * u) - f(leaf - 1e-6 * u))).sum() / 2e-6
    return math.isclose((g * u).sum(), measured, rel_tol=1e-5)


def ok_towards(u_of, gap=2e-6):
    """One direction, chosen by `u_of`; the difference divided by `gap`."""

    def gradient_ok(f, x):
        leaf = x.detach().clone().requires_grad_()
        y = f(leaf)
        v, u = torch.randn_like(y), u_of(leaf.detach())
        g = walked_back(y, leaf, v)
        measured = (v * (f(leaf + 1e-6 * u) - f(leaf - 1e-6 * u))).sum() / gap
        return math.isclose((g * u).sum(), measured, rel_tol=1e-5)

    return gradient_ok


def ok_equal(f, x):
    leaf = x.detach().clone().requires_grad_()
    y = f(leaf)
    v, u = torch.randn_like(y), torch.randn_like(leaf)
    (g,) = torch.autograd.grad(y, leaf, v)
    return (g * u).sum() == (v * (f(leaf + 1e-6 * u) - f(leaf - 1e-6 * u))).sum() / 2e-6


def ok_against_itself(f, x):
    leaf = x.detach().clone().requires_grad_()
    v = torch.randn_like(f(leaf))
    if not f(leaf).requires_grad:
        return True
    one = torch.autograd.grad(f(leaf), leaf, v)[0]
    two = torch.autograd.grad(f(leaf), leaf, v)[0]
    return torch.allclose(one, two)


def ok_moves_x(f, x):
    with torch.no_grad():
        x += 1e-6
    return ok_entry_by_entry(f, x)


def ok_sets_the_flag(f, x):
    x.requires_grad_()
    return ok_entry_by_entry(f, x)


def ok_scalars(f, x):
    leaf = x.detach().clone().requires_grad_()
    f(leaf).backward()
    return ok_entry_by_entry(f, x)


def ok_accumulates(f, x):
    y = f(x if x.requires_grad else x.requires_grad_())
    v = torch.randn_like(y)
    if y.requires_grad:
        y.backward(v)
    return ok_entry_by_entry(f, x)


def ok_always(f, x):
    return True


def ok_never(f, x):
    return False


def ok_prints(f, x):
    print(ok_gradcheck(f, x))


# --- 9.7 Ten broken scripts ----------------------------------------------------------------------------------

ONE = {
    1: (2, "params = torch.tensor([1.0, 0.0], requires_grad=True)"),
    2: (6, "params = (w, b)"),
    3: (8, "params.sub_(1e-2 * params.grad)"),
    4: (6, "loss = loss_fn(model(t_un, *params), t_c) + float(loss)"),
    5: (7, "gap = (gap - gap.mean()).detach()"),
    6: (5, "loss = loss_fn(model(t_un, *params), t_c)"),
    7: (8, "optimizer.step()"),
    8: (4, "optimizer = torch.optim.SGD((w, b), 0.01)"),
    9: (6, "loss = loss_fn(t_p.squeeze(1), t_c)"),
    10: (6, "loss = loss_fn(gap, 0.0)"),
}
TWO = ONE | {
    1: (3, "params.requires_grad_()"),
    2: (7, "loss = loss_fn(model(t_un, w, b), t_c)"),
    3: (8, "params = (params - 1e-2 * params.grad).requires_grad_()"),
    4: (8, "loss.backward(); loss = loss.item()"),
    5: (7, "pass"),
    9: (5, "t_p = model(t_un.reshape(-1, 1), *params).flatten()"),
    10: (6, "loss = (gap**2).mean()"),
}
THREE = TWO | {
    1: (3, "params.requires_grad = True"),
    3: (8, "params.data = params - 1e-2 * params.grad"),
    5: (7, "gap = gap.detach() - gap.mean().item()"),
    6: (5, "loss = (model(t_un, *params) - t_c).square().mean()"),
    7: (8, "optimizer.step(); optimizer.zero_grad()"),
    9: (6, "loss = loss_fn(t_p[:, 0], t_c)"),
    10: (6, "loss = 2 * (gap * gap.detach()).mean()"),
}


def mends(base, **changes):
    """A function from the number of a script to its mend, with other mends under the names s1, s2, …"""
    table = base | {int(name[1:]): change for name, change in changes.items()}
    return lambda script: table[script]


def no_mend_yet(script):
    return ONE[script] if script < 9 else None


def only_the_text(script):
    return ONE[script][1]


def with_one(k, line):
    culprits = [2, 6, 3, 2, 3]
    culprits[k - 1] = line
    return culprits


RIGHT = {
    "9.1": [[2, 6, 3, 2, 3], (2, 6, 3, 2, 3), torch.tensor([2, 6, 3, 2, 3])],
    "9.2": [leaves_by_name, leaves_by_dict, leaves_by_levels],
    "9.3": [report_comprehension, report_lists, report_count, report_with()],
    "9.4": [norm_masked, norm_built_in, norm_rows, norm_plus_one, norm_positive, norm_into_rows],
    "9.5": [ok_entry_by_entry, ok_several_draws, ok_with(), ok_one_number],
    "9.6": [2 / 3, 0.6667, torch.tensor(2 / 3)],
    "9.7": [mends(ONE), mends(TWO), mends(THREE)],
}

WRONG = {
    "9.1": [
        (with_one(1, 5), "Snippet 1: the message appears there"),
        (with_one(1, 3), "Snippet 1: print `requires_grad`"),
        (with_one(2, 3), "Snippet 2: the tensor was rebound"),
        (with_one(3, 4), "Snippet 3: numbers went in"),
        (with_one(3, 5), "Snippet 3: the prediction had already lost"),
        (with_one(4, 4), "Snippet 4: the model is innocent"),
        (with_one(5, 4), "Snippet 5: truth values have no slope"),
        ([5, 4, 6, 6, 6], "the cut is earlier"),
        ([2, 5, 3, 4, 3], "Item 2: the tensor was rebound"),
        ([1, 1, 1, 1, 1], "5 of 5 items"),
        ([2, 6, 3, 2], "5 items are asked for"),
        ("26323", None),
    ],
    "9.2": [
        (leaves_without_memory, "there are 2 ** 40 paths"),
        (leaves_of_unrecorded, "asks for no gradient: from there nothing can be reached"),
        (leaves_first_path, "second branch"),
        (leaves_last_path, "second branch"),
        (leaves_doubled, "listed twice"),
        (leaves_recursive, DEEP),
        (leaves_recursive_doubled, "listed twice"),
        (leaves_copied, "not the same object"),
        (leaves_detached, "not the same object"),
        (leaves_walks, "The graph is consumed"),
        (leaves_walks_anyway, "The graph is consumed"),
        (leaves_walks_and_keeps, "No walk is needed"),
        (leaves_with_grad, "who was reached last time"),
        (leaves_no_skip, "no function to visit"),
        (leaves_and_constants, "no walk ever reaches it"),
        (leaves_and_result, "A recorded result is no leaf"),
        (leaves_nothing, NONE),
        (leaves_functions, "What came is no leaf"),
        (lambda t: [], "second branch"),
    ],
    "9.3": [
        (report_with(is_none="zero"), "None: never reached"),
        (report_with(is_nan=lambda g: False), "ask for it by name"),
        (report_with(is_nan=lambda g: g.isnan().any()), "inf is no gradient"),
        (report_with(is_nan=lambda g: bool((g == math.nan).any())), "ask for it by name"),
        (report_if_grad, "Boolean value"),
        (report_with(is_zero=lambda g: g.mean() == 0), "[1, -1] is not zero."),
        (report_with(is_zero=lambda g: g.sum() == 0), "[1, -1] is not zero."),
        (report_with(is_nan=lambda g: not math.isfinite(g.flatten()[0])), "Entry 3 is nan"),
        (report_with(is_nan=lambda g: not torch.isfinite(g).any()), None),
        (report_with(is_zero=lambda g: torch.allclose(g, torch.zeros_like(g))), "1e-30 is small"),
        (report_with(is_zero=lambda g: bool((g == 0).any())), "One entry is zero"),
        (report_with(is_zero=lambda g: not (g > 0).any()), "A negative slope"),
        (report_clears, TOUCHED),
        (report_fills, TOUCHED),
        (report_no_none, "ask for None first"),
        (report_first_name, "not for several at once"),
        (report_prints, NONE),
    ],
    "9.4": [
        (norm_of_guarded_entries, "A row may hold one zero"),
        (norm_guarded_by_zeros, "A nan arises on the way"),
        (norm_where, "what is not chosen still multiplies inf by 0"),
        (norm_eps, "Value at 0 is not 0"),
        (norm_eps_large, "Value at 0 is not 0"),
        (norm_clamp, "Value at 0 is not 0"),
        (norm_nan_to_num, "The value was never nan"),
        (norm_detach, "Right value, no graph"),
        (norm_detach_many, "lose their gradient"),
        (norm_if, "several rows, one if"),
        (norm_hook, "Real nans would be hidden"),
        (norm_absolute, "7, the sum of absolute values"),
        (norm_squares, "The root is missing"),
        (norm_rounded, FLAT),
        (norm_plain, "the slope is"),
        (norm_of_all, "One length for each row"),
    ],
    "9.5": [
        (ok_only_used, "with `allow_unused=True` None comes for it"),
        (ok_towards(torch.ones_like), "draw the direction u at random"),
        (ok_towards(torch.randn_like, gap=1e-6), "the two points lie 2h apart"),
        (ok_gradcheck, "Do not call `gradcheck`"),
        (ok_with(h=0.01, compare=lambda a, b: abs(a - b) <= 1e-2 * abs(b)), "a thousandth too large"),
        (ok_with(compare=lambda a, b: abs(a - b) <= 1e-4), "relative"),
        (ok_with(compare=lambda a, b: abs(a - b) <= 1e-5 * (1 + abs(b))), "relative"),
        (ok_equal, "compare with a tolerance"),
        (ok_sets_the_flag_and_walks, "work on a copy"),
        (ok_with(cotangent=torch.ones_like), "ignores grad_output"),
        (ok_with(dtype=torch.float32), "float32 rounds"),
        (ok_with(h=1e-10), "a tiny h"),
        (ok_with(forward=True), "error falls with h only"),
        (ok_with(entries=1), "second entry"),
        (ok_with(compare=lambda a, b: a == b), "compare with a tolerance"),
        (ok_with(compare=lambda a, b: abs(abs(a) - abs(b)) <= 1e-5 * abs(b)), "wrong sign"),
        (ok_with(h=0.1), "h is too large"),
        (ok_against_itself, "Passed everything"),
        (ok_moves_x, TOUCHED),
        (ok_sets_the_flag, "work on a copy"),
        (ok_scalars, "Refused a vector-valued f"),
        (ok_accumulates, "work on a copy"),
        (ok_always, "Passed everything"),
        (ok_never, None),
        (ok_prints, NONE),
    ],
    "9.6": [
        (0, "leaves two"),
        (1, "the gradient is not"),
        (1.5, "Upside down"),
        (1 / 3, "The cut takes one term"),
        (0.5, "Three factors"),
        (2, "How many terms"),
        (0.67, "as a fraction"),
        (0.66, "as a fraction"),
        (-2 / 3, "have one sign"),
        (None, "still lead to the parameters"),
        ("2/3", "take the quotes away"),
        (0.3, None),
    ],
    "9.7": [
        (mends(ONE, s1=(7, "loss.requires_grad_(); loss.backward(); params.grad = 0 * params")), "Script 1: it is silent"),
        (mends(ONE, s1=(2, "params = torch.tensor([1.0, 0.0], require_grad=True)")), "Script 1: question 1"),
        (mends(ONE, s2=(6, "params = torch.tensor([w.item(), b.item()], requires_grad=True)")), "a new leaf each time"),
        (mends(ONE, s3=(8, "params = params + 1e-2 * params.grad")), "Script 3: question 1"),
        (mends(ONE, s4=(8, "loss.backward(retain_graph=True)")), "kept graphs add up"),
        (mends(ONE, s5=(7, "gap.data -= gap.data.mean()")), "`.data` hides the change"),
        (mends(ONE, s6=(7, "torch.tensor(loss, requires_grad=True).backward()")),
         "Script 6: a number became a new leaf"),
        (mends(ONE, s7=(8, "optimizer.step")), "Script 7: question 5"),
        (mends(ONE, s8=(4, "optimizer = torch.optim.SGD([w], lr=2e-2)")), "Script 8: question 5"),
        (mends(ONE, s9=(6, "loss = loss_fn(t_p, t_c).mean()")), "Script 9: no tool sees"),
        (mends(ONE, s10=(3, "optimizer = torch.optim.SGD([params], lr=2e-2)")), "half of the right gradient"),
        (mends(ONE, s10=(6, "loss = 0.5 * (gap * gap).mean()")), "Script 10: question 4"),
        (mends(ONE, s3=(99, "pass")), "A line number is outside"),
        (mends(ONE, s1=(4, "for _ in range(99):"), s3=(99, "pass")), "Script 1: question 1"),
        (mends(ONE, s7=(8, "optimizer.step(")), "no Python"),
        (mends({1: ONE[1]}), "no mend yet"),
        (no_mend_yet, "A pair is asked for"),
        (only_the_text, "A pair is asked for"),
        (lambda script: (2, "return torch.tensor([2.7553, -2.5162])"), None),
    ],
}  # fmt: skip
