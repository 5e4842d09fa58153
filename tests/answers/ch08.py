"""Answers to chapter 8's exercises, right and wrong."""

import copy
import random

import numpy as np
import torch

from helpers.checks.symptoms import GRAPH, MODE, NONE
from helpers.thermometer import loss_fn

# --- 8.1 Split -----------------------------------------------------------------------------------------------


def split_rounded(n, fraction, seed):
    n_val = max(1, round(n * fraction))
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[n_val:], order[:n_val]


def split_lists(n, fraction, seed):
    order = list(range(n))
    random.Random(seed).shuffle(order)
    cut = max(1, int(n * fraction))
    return order[cut:], order[:cut]


def split_numpy(n, fraction, seed):
    order = np.random.default_rng(seed).permutation(n)
    n_val = int(fraction * n) or 1
    return torch.tensor(order[:-n_val]), torch.tensor(order[-n_val:])


def split_sorted(n, fraction, seed):
    g = torch.Generator()
    g.manual_seed(seed)
    perm = torch.randperm(n, generator=g)
    n_train = n - max(1, int(fraction * n))
    return perm[:n_train].sort().values, perm[n_train:].sort().values


def split_from_the_end(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    n_val = int(fraction * n)
    return order[:-n_val], order[-n_val:]


def split_none_held_out(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    n_val = int(fraction * n)
    return order[n_val:], order[:n_val]


def split_unshuffled(n, fraction, seed):
    n_val = max(1, int(fraction * n))
    return torch.arange(n - n_val), torch.arange(n - n_val, n)


def split_two_shuffles(n, fraction, seed):
    g = torch.Generator().manual_seed(seed)
    n_val = max(1, int(fraction * n))
    return torch.randperm(n, generator=g)[n_val:], torch.randperm(n, generator=g)[:n_val]


def split_global(n, fraction, seed):
    torch.manual_seed(seed)
    n_val = max(1, int(fraction * n))
    order = torch.randperm(n)
    return order[n_val:], order[:n_val]


def split_no_seed(n, fraction, seed):
    order = list(range(n))
    random.shuffle(order)
    n_val = max(1, int(fraction * n))
    return order[n_val:], order[:n_val]


def split_one_seed(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(0))
    n_val = max(1, int(fraction * n))
    return order[n_val:], order[:n_val]


def split_rounds_up(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    n_val = max(1, int(-(-fraction * n // 1)))
    return order[n_val:], order[:n_val]


def split_swapped(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    n_val = max(1, int(fraction * n))
    return order[:n_val], order[n_val:]


def split_floats(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)).float()
    n_val = max(1, int(fraction * n))
    return order[n_val:], order[:n_val]


def split_drops_one(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    n_val = max(1, int(fraction * n))
    return order[n_val + 1 :] if n > 2 else order[n_val:], order[:n_val]


def split_with_replacement(n, fraction, seed):
    order = torch.randint(0, n, (n,), generator=torch.Generator().manual_seed(seed))
    n_val = max(1, int(fraction * n))
    return order[n_val:], order[:n_val]


def split_always_a_fifth(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    n_val = max(1, int(0.2 * n))
    return order[n_val:], order[:n_val]


def split_from_one(n, fraction, seed):
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed)) + 1
    n_val = max(1, int(fraction * n))
    return order[n_val:], order[:n_val]


def split_returns_nothing(n, fraction, seed):
    torch.randperm(n)


# --- 8.2 Evaluate in batches ---------------------------------------------------------------------------------


@torch.no_grad()
def evaluate_decorated(model, x, y, batch_size):
    before = model.training
    model.eval()
    losses, sizes = [], []
    for x_b, y_b in zip(x.split(batch_size), y.split(batch_size), strict=True):
        losses.append(loss_fn(model(x_b).squeeze(1), y_b).item())
        sizes.append(len(y_b))
    model.train(before)
    return float(np.average(losses, weights=sizes))


def evaluate_inference(model, x, y, batch_size):
    before = model.training
    try:
        model.train(False)
        with torch.inference_mode():
            squares = [(model(c)[:, 0] - d) ** 2 for c, d in zip(x.split(batch_size), y.split(batch_size), strict=True)]
            return torch.cat(squares).mean().item()
    finally:
        model.train(before)


def evaluate_reshaped(model, x, y, batch_size):
    mode, model_mode = torch.is_grad_enabled(), model.training
    torch.set_grad_enabled(False)
    model.eval()
    total, lo = 0.0, 0
    while lo < len(y):
        y_b = y[lo : lo + batch_size].reshape(-1, 1)
        total += float(torch.nn.functional.mse_loss(model(x[lo : lo + batch_size]), y_b, reduction="sum"))
        lo += batch_size
    if model_mode:
        model.train()
    torch.set_grad_enabled(mode)
    return total / len(y)


def split_by_python(n, fraction, seed):
    random.seed(seed)
    order = random.sample(range(n), n)
    n_val = max(1, int(fraction * n))
    return torch.tensor(order[n_val:]), torch.tensor(order[:n_val])


def split_by_numpy(n, fraction, seed):
    np.random.seed(seed)
    order = torch.from_numpy(np.random.permutation(n))
    n_val = max(1, int(fraction * n))
    return order[n_val:], order[:n_val]


def evaluator(
    eval_=True,
    back=True,
    force_train=False,
    graph=False,
    column=True,
    how="weigh",
    switch=None,
    walks=False,
    whole=False,
):
    """Evaluates in one way or another wrongly."""

    def answer(model, x, y, batch_size):
        before = model.training
        if eval_:
            model.eval()
        if switch is not None:
            torch.set_grad_enabled(False)
        size = len(x) if whole else batch_size
        losses, sizes = [], []
        with torch.set_grad_enabled(graph and torch.is_grad_enabled()):
            for k in range(0, len(x), size):
                y_p = model(x[k : k + size])
                if column:
                    y_p = y_p[:, 0]
                loss = ((y_p - y[k : k + size]) ** 2).mean()
                if walks and loss.requires_grad:
                    loss.backward()
                losses.append(loss)
                sizes.append(len(y[k : k + size]))
        if switch is not None:
            torch.set_grad_enabled(switch)
        if back:
            model.train(True if force_train else before)
        if how == "tensor":
            return sum(v * n for v, n in zip(losses, sizes, strict=True)) / len(x)
        losses = [v.item() for v in losses]
        if how == "means":
            return sum(losses) / len(losses)
        if how == "drop":
            losses, sizes = losses[: len(x) // batch_size], sizes[: len(x) // batch_size]
            return sum(v * n for v, n in zip(losses, sizes, strict=True)) / max(sum(sizes), 1)
        if how == "sum":
            return sum(v * n for v, n in zip(losses, sizes, strict=True))
        return sum(v * n for v, n in zip(losses, sizes, strict=True)) / len(x)

    return answer


def evaluate_column_minus_row(model, x, y, batch_size):
    was = model.training
    model.eval()
    total = 0.0
    with torch.no_grad():
        for k in range(0, len(x), batch_size):
            total += ((model(x[k : k + batch_size]) - y[k : k + batch_size]) ** 2).sum().item()
    model.train(was)
    return total / len(x)


def evaluate_prints(model, x, y, batch_size):
    print(evaluate_decorated(model, x, y, batch_size))


def evaluate_returns_at_once(model, x, y, batch_size):
    before = model.training
    model.eval()
    with torch.no_grad():
        for k in range(0, len(x), batch_size):
            loss = ((model(x[k : k + batch_size])[:, 0] - y[k : k + batch_size]) ** 2).mean().item()
            model.train(before)
            return loss


# --- 8.4 Early stopping --------------------------------------------------------------------------------------


def stop_never_reset(val_losses, patience):
    best, best_epoch, count = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss < best:
            best, best_epoch = loss, epoch
        else:
            count += 1
        if count >= patience:
            return best_epoch, epoch
    return best_epoch, len(val_losses) - 1


def stop_argmin_of_nan(val_losses, patience):
    best = int(np.argmin(val_losses))
    return best, min(best + patience, len(val_losses) - 1)


def stop_counting(val_losses, patience):
    best_epoch, best, waited = 0, np.inf, 0
    for epoch in range(len(val_losses)):
        waited += 1
        if val_losses[epoch] < best:
            best, best_epoch, waited = val_losses[epoch], epoch, 0
        if waited >= patience and epoch - best_epoch >= patience:
            break
    return best_epoch, epoch


def stop_while(val_losses, patience):
    epoch, best_epoch = 0, 0
    clean = [v if v == v else float("inf") for v in val_losses]
    while epoch < len(clean) - 1:
        if clean[epoch] < clean[best_epoch]:
            best_epoch = epoch
        if epoch - best_epoch >= patience:
            return best_epoch, epoch
        epoch += 1
    if clean[epoch] < clean[best_epoch]:
        best_epoch = epoch
    return best_epoch, epoch


def stop_prefix(val_losses, patience):
    for epoch in range(len(val_losses)):
        seen = [v if v == v else np.inf for v in val_losses[: epoch + 1]]
        best_epoch = int(np.argmin(seen))
        if epoch - best_epoch >= patience:
            return [best_epoch, epoch]
    return [best_epoch, len(val_losses) - 1]


def stopper(
    ties=False,
    count_from_previous=False,
    extra=0,
    report="both",
    ending="last",
    counts_better=False,
    first_is_best=False,
):
    def answer(val_losses, patience):
        best = val_losses[0] if first_is_best else float("inf")
        best_epoch, bad, good = 0, 0, 0
        for k, v in enumerate(val_losses):
            falls = k == 0 or (v < val_losses[k - 1] if count_from_previous else v < best)
            if v < best or (ties and v == best):
                best, best_epoch = v, k
            if falls or (ties and v == best):
                bad, good = 0, good + 1
            else:
                bad += 1
            if (good if counts_better else bad) >= patience + extra:
                return (best_epoch, best_epoch) if report == "best" else (best_epoch, k)
        return (
            None if ending == "none" else (best_epoch, len(val_losses) if ending == "length" else len(val_losses) - 1)
        )

    return answer


def stop_argmin(val_losses, patience):
    best = int(np.nanargmin(val_losses))
    return best, min(best + patience, len(val_losses) - 1)


def stop_peeks(val_losses, patience):
    _, stop = stop_prefix(val_losses, patience)
    return int(np.nanargmin(val_losses)), stop


def stop_swapped(val_losses, patience):
    best, stop = stop_prefix(val_losses, patience)
    return stop, best


def stop_loss(val_losses, patience):
    best, stop = stop_prefix(val_losses, patience)
    return val_losses[best], stop


def stop_like_train_until(val_losses, patience):
    best_loss, best_epoch, epoch = float("inf"), 0, 0
    while epoch - best_epoch < patience and epoch < len(val_losses):
        if val_losses[epoch] < best_loss:
            best_loss, best_epoch = val_losses[epoch], epoch
        epoch += 1
    return best_epoch, epoch


def stop_before_looking(val_losses, patience):
    best_loss, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(val_losses):
        if epoch - best_epoch >= patience:
            return best_epoch, epoch
        if loss < best_loss:
            best_loss, best_epoch = loss, epoch
    return best_epoch, len(val_losses) - 1


def stop_never(val_losses, patience):
    return int(np.nanargmin(val_losses)), len(val_losses) - 1


# --- 8.5 The best model --------------------------------------------------------------------------------------


def fit_returns_the_model(model, data, n_epochs):
    fit_clones(model, data, n_epochs)
    return model


def fit_clones(model, data, n_epochs):
    x, y, val_x, val_y = data
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    lowest, best = None, None
    for _ in range(n_epochs):
        model.train()
        optimizer.zero_grad()
        ((model(x) - y) ** 2).mean().backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            v = ((model(val_x) - val_y) ** 2).mean()
        if lowest is None or v < lowest:
            lowest, best = v, {name: w.detach().clone() for name, w in model.state_dict().items()}
    return best


def fit_all_then_choose(model, data, n_epochs):
    x, y, val_x, val_y = data
    optimizer, history = torch.optim.SGD(model.parameters(), lr=0.1), []
    for _ in range(n_epochs):
        model.train()
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.inference_mode():
            history.append((loss_fn(model(val_x), val_y).item(), copy.deepcopy(model.state_dict())))
    return min(history, key=lambda pair: pair[0])[1]


def fit_set_grad(model, data, n_epochs):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    losses, best = [], None
    for _ in range(n_epochs):
        for is_train in (True, False):
            model.train(is_train)
            with torch.set_grad_enabled(is_train):
                loss = loss_fn(model(data[0 if is_train else 2]), data[1 if is_train else 3])
            if is_train:
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
        losses.append(loss.item())
        if losses[-1] == min(losses):
            best = copy.deepcopy(model.state_dict())
    return best


def fitter(keep=copy.deepcopy, sleep=True, wake=True, clear=True, val_back=False, judge="val", graph=False, end="best"):
    def answer(model, data, n_epochs):
        x, y, val_x, val_y = data
        opt = torch.optim.SGD(model.parameters(), lr=0.1)
        lowest, best = float("inf"), None
        model.train()
        for _ in range(n_epochs):
            if wake:
                model.train()
            if clear:
                opt.zero_grad()
            loss = loss_fn(model(x), y)
            if val_back == "sum":
                (loss + loss_fn(model(val_x), val_y)).backward()
            else:
                loss.backward()
            opt.step()
            if sleep:
                model.eval()
            with torch.set_grad_enabled(graph or val_back == "after"):
                val = loss_fn(model(val_x), val_y)
            if val_back == "after":
                val.backward()
                opt.step()
            score = {"val": val, "train": loss}[judge]
            if score < lowest:
                lowest, best = score, keep(model.state_dict())
        return (
            model.state_dict() if end == "last live" else copy.deepcopy(model.state_dict()) if end == "last" else best
        )

    return answer


def fit_copies_outputs(model, data, n_epochs):
    x, y, val_x, val_y = data
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    outputs = None
    for _ in range(n_epochs):
        opt.zero_grad()
        y_p = model(x)
        outputs = copy.deepcopy(y_p)
        loss_fn(y_p, y).backward()
        opt.step()
    return outputs


def fit_no_grad_backward(model, data, n_epochs):
    x, y, val_x, val_y = data
    opt = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(n_epochs):
        opt.zero_grad()
        loss_fn(model(x), y).backward()
        opt.step()
        with torch.no_grad():
            val_loss = loss_fn(model(val_x), val_y)
        val_loss.backward()
    return model.state_dict()


def fit_forgets_return(model, data, n_epochs):
    fitter()(model, data, n_epochs)


RIGHT = {
    "8.1": [split_lists, split_numpy, split_sorted],
    "8.2": [evaluate_decorated, evaluate_inference, evaluate_reshaped],
    "8.3": [list("DABC"), tuple("DABC"), ["D"] + ["A"] + ["B", "C"]],
    "8.4": [stop_counting, stop_while, stop_prefix],
    "8.5": [fit_clones, fit_all_then_choose, fit_set_grad],
    "8.6": [20.69831 / 1.047145, 19.77, torch.tensor(19.7664)],
}

WRONG = {
    "8.1": [
        (split_rounded, "you rounded up"),
        (split_by_python, "The caller's random numbers changed"),
        (split_by_numpy, "The caller's random numbers changed"),
        (split_from_the_end, "n = 4: the training set is empty"),
        (split_none_held_out, "n = 4: the validation set is empty"),
        (split_unshuffled, "are always held out"),
        (split_two_shuffles, "in both parts"),
        (split_global, "The caller's random numbers changed"),
        (split_no_seed, "Two calls with one seed differ."),
        (split_one_seed, "Every seed gives the same split."),
        (split_rounds_up, "you rounded up"),
        (split_swapped, "The large part came second"),
        (split_floats, "Indices must be whole numbers."),
        (split_drops_one, "a reading is dropped"),
        (split_with_replacement, "twice in one part"),
        (split_always_a_fifth, "has not int(fraction * n) readings"),
        (split_from_one, "from 0 to n - 1"),
        (split_returns_nothing, NONE),
        (lambda n, fraction, seed: torch.randperm(n), None),
    ],
    "8.2": [
        (evaluator(how="means"), "the last three count more"),
        (evaluator(eval_=False), "dropout is alive"),
        (evaluator(back=False), "no longer trains with dropout"),
        (evaluator(force_train=True), "It was in eval mode before."),
        (evaluator(graph=True), "recorded, and nobody walks that graph"),
        (evaluate_column_minus_row, "look at both shapes"),
        (evaluator(switch=False), MODE),
        (evaluator(switch=True), MODE),
        (evaluator(column=False), "large for a perfect model"),
        (evaluator(how="drop"), "Changing the last reading changes nothing"),
        (evaluator(how="tensor", graph=True), GRAPH),
        (evaluator(graph=True, walks=True), "gradients changed during an evaluation"),
        (evaluator(whole=True), "More than batch_size readings at once"),
        (evaluator(how="sum"), "A sum, not a mean"),
        (evaluate_prints, NONE),
        (evaluate_returns_at_once, "Only the first batch counts"),
    ],
    "8.3": [
        (list("DADC"), "Run 3: the validation curve turns"),
        (list("BABC"), "Run 1: the gap is there from the start"),
        (list("DCBC"), "Run 2: both stop far above"),
        (list("DABA"), "Run 4: training has come down"),
        (list("DABD"), "Run 4: the gap is a quarter"),
        (list("DDBC"), "Run 2: nothing falls"),
        (list("DACC"), "Run 3: training ends at 0.0"),
        (list("AABC"), "Run 1: training is down"),
        (["C"] * 4, "Four runs, four shapes."),
        (list("ABCD"), "4 of 4 items"),
        (list("DACB"), "Item 3"),
        ("DABC", None),
    ],
    "8.4": [
        (stop_never_reset, "begins anew at each new best"),
        (stop_argmin_of_nan, "you looked into the future"),
        (stopper(ties=True), "At a tie you report the later epoch."),
        (stopper(count_from_previous=True), "A slow rise after one dip"),
        (stopper(extra=1), "You stop one epoch late"),
        (stopper(extra=-1), "You stop one epoch early"),
        (stopper(report="best"), "only known patience epochs later"),
        (stopper(ending="none"), "ends at its last epoch"),
        (stopper(ending="length"), None),
        (stopper(counts_better=True), "The better it gets"),
        (stop_argmin, "you looked into the future"),
        (stop_peeks, "you looked into the future"),
        (stopper(first_is_best=True), "nan is smaller than nothing"),
        (stop_swapped, "The best epoch comes first"),
        (stop_loss, "not its loss"),
        (stop_never, None),
        (stop_like_train_until, "Like `train_until`"),
        (stop_before_looking, "Like `train_until`"),
    ],
    "8.5": [
        (fit_returns_the_model, "not the model"),
        (fitter(keep=lambda state: state), "'Best' equals the last"),
        (fitter(val_back="after"), "Validation data reached the optimizer"),
        (fitter(val_back="after", keep=lambda state: state), "Validation data reached the optimizer"),
        (fitter(val_back="sum"), "Validation data reached the optimizer"),
        (fitter(judge="train"), "learned the noise best"),
        (fitter(sleep=False), "Validating one model twice gives two losses"),
        (fitter(keep=lambda state: {**state}), "A new dictionary, the same tensors"),
        (fit_copies_outputs, "Only leaves can be deep-copied"),
        (fitter(clear=False), "Gradients of two epochs are added"),
        (fitter(wake=False), "the dropout sleeps"),
        (fitter(graph=True), "The weights are right. The validation loss was recorded"),
        (fitter(end="last"), "those of the last epoch"),
        (fit_no_grad_backward, "The validation loss has no graph"),
        (fitter(end="last live"), None),
        (fit_forgets_return, NONE),
    ],
    "8.6": [
        (20.698, "That is the largest loss itself."),
        (1.0471, "That is the smallest loss itself."),
        (19.651, "A difference"),
        (0.05059, "Upside down"),
        (1.9514, "the ratio of the training losses"),
        (4.4876, "That is the median."),
        (4.7118, "That is the mean."),
        (55, "That is the number of splits."),
        (20.70 / 1.05, "the printed ones are rounded"),
        (4.446, "The ratio in degrees"),
        (None, "None came"),
        ("19.77", "A text, not a number"),
    ],
}
