"""Chapter 8: two curves from one loop, and what they are worth."""

import copy
import random
from itertools import combinations

import numpy as np
import torch

from ..thermometer import loss_fn, model, t_c, t_un
from .exercise import Exercise, Wrong
from .guard import load_optimizers
from .record import calls, numbers, trial
from .symptoms import GRAPH, MODE, NONE, raises, when


def _left(facts, key):
    """Is there a call after which this key has not the value that is due?"""
    pairs = [
        (dict((k["text"], v) for k, v in r["after"]["dict"])[key] for r in both)
        for both in zip(facts.seen, facts.due, strict=False)
        if both[0].get("after") and not both[0]["raised"]
    ]
    return any(came != due for came, due in pairs)


def _differs(key):
    return lambda facts: _left(facts, key)


# --- 8.1 ---------------------------------------------------------------------------------------------------------


def split(n, fraction, seed):
    n_val = max(1, int(fraction * n))
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    return order[n_val:], order[:n_val]


def _complaint(train, val, n, fraction):
    """The first thing that is wrong with a split, as a text; an empty text where nothing is."""
    train, val = (p.tolist() if hasattr(p, "tolist") else list(p) for p in (train, val))
    both = train + val
    n_val = max(1, int(fraction * n))
    if not all(isinstance(k, int) for k in both):
        return f"no whole number: {next(k for k in both if not isinstance(k, int))}"
    if not train or not val:
        return f"empty: {'training' if not train else 'validation'}"
    for part in (train, val):
        if len(set(part)) < len(part):
            return f"twice in one part: {next(k for k in part if part.count(k) > 1)}"
    if set(train) & set(val):
        return f"in both parts: {min(set(train) & set(val))}"
    if not set(both) <= set(range(n)):
        return f"no index: {next(k for k in both if k not in range(n))}"
    if len(both) < n:
        return f"together: {len(both)} of {n}"
    if len(val) != n_val:
        return f"{'swapped' if len(train) == n_val else 'size'}: {len(train)} and {len(val)}"
    return ""


def _probe_split(answer, draw):
    cases = [(4, 0.2), (2, 0.9), (2, 0.0), (11, 0.2), (50, 0.3), (20, 0.5)]
    cases += [(draw.whole(2, 50), draw.number(0, 0.9)) for _ in range(30)]
    for n, fraction in cases:
        seed = draw.whole(0, 1000)
        kept = {}

        def call(n=n, fraction=fraction, seed=seed, kept=kept):
            _seed_all()
            train, val = answer(n, fraction, seed)
            kept["next"] = _next_numbers()
            return [_complaint(train, val, n, fraction)]

        def undisturbed(kept=kept):
            _seed_all()
            return kept.get("next") == _next_numbers()

        yield {
            **trial(f"n={n}, fraction={fraction:.2g}, seed={seed}", call, after=undisturbed),
            "n": n,
            "n_val": max(1, int(fraction * n)),
        }
    yield trial("n=50, fraction=0.2, two calls each with seeds 0 to 5", _drawn, answer)


def _seed_all():
    torch.manual_seed(99)
    np.random.seed(99)
    random.seed(99)


def _next_numbers():
    return [torch.rand(2).tolist(), np.random.rand(2).tolist(), random.random()]


def _drawn(answer):
    """Does one seed give one split, do seeds differ, and is the part held out more than the first or last indices?"""

    def held_out(seed):
        train, val = answer(50, 0.2, seed)
        return [list(map(int, part)) for part in (train, val)]

    pairs = [(held_out(seed), held_out(seed)) for seed in range(6)]
    parts = [frozenset(a[1]) for a, _ in pairs]
    ends = (frozenset(range(10)), frozenset(range(40, 50)))
    return [
        "the same" if all(a == b for a, b in pairs) else "not the same",
        "several" if len(set(parts)) > 1 else "the ends" if parts[0] in ends else "one",
    ]


def _texts(facts):
    return [
        [e["text"] for e in s["value"]["list"]] for s in facts.seen if isinstance(s["value"], dict) and not s["raised"]
    ]


def _complains(word):
    return lambda facts: any(len(t) == 1 and t[0].startswith(word) for t in _texts(facts))


def _drew(place, word):
    return lambda facts: any(len(t) == 2 and t[place] == word for t in _texts(facts))


def _empty(part, at_four=None):
    def shows(facts):
        text = _texts(facts)[facts.first][0]
        return text == f"empty: {part}" and (at_four is None or (facts.record["n"] == 4) == at_four)

    return shows


def _rounds_up(facts):
    """Wherever a split is wrong, the validation part has one reading too many."""
    too_many = 0
    for texts, record in zip(_texts(facts), facts.seen, strict=False):
        text = texts[0] if len(texts) == 1 else ""
        if text.startswith(("size", "swapped")):
            if int(text.rsplit(" ", 1)[1]) != record["n_val"] + 1:
                return False
            too_many += 1
        elif text and text != "empty: training":
            return False
    return too_many > 0


def _random_state(facts):
    return facts.kind == "after"


EXERCISE_1 = Exercise(
    id="8.1",
    title="Split",
    reference=split,
    hints=(
        "At least one for validation: `max(1, …)`.",
        "`torch.randperm(n, generator=g)` shuffles; `g = torch.Generator().manual_seed(seed)` is a generator of your own.",
        "Slice from the front: `order[:n_val]` and `order[n_val:]` work for every n_val, 0 included.",
    ),
    probe=_probe_split,
    symptoms=(
        raises("NoneType", NONE),
        when(_complains("no whole number"), "Indices must be whole numbers."),
        when(
            _rounds_up, "Too many to validate on: you rounded up where `fraction * n` is to be rounded down.", "M80"
        ),
        when(_empty("training", True), "n = 4: the training set is empty. `-0` is 0.", "M80"),
        when(_empty("validation", True), "n = 4: the validation set is empty. At least one reading belongs there.", "M80"),
        when(_empty("training"), "Nothing left to train.", "M80"),
        when(_empty("validation"), "Nothing to validate on: at least one reading belongs there.", "M80"),
        when(_complains("twice"), "An index is twice in one part: draw without putting back."),
        when(_complains("in both"), "An index is in both parts: shuffle once, then cut."),
        when(_complains("no index"), "The indices go from 0 to n - 1."),
        when(_complains("together"), "Together they are fewer than n: a reading is dropped."),
        when(_complains("size"), "The validation part has not int(fraction * n) readings."),
        when(_complains("swapped"), "The large part came second: training first, validation second."),
        when(_drew(0, "not the same"), "Two calls with one seed differ."),
        when(_random_state, "The caller's random numbers changed: draw from a generator of your own."),
        when(_drew(1, "the ends"), "The last (or first) readings are always held out: shuffle."),
        when(_drew(1, "one"), "Every seed gives the same split."),
    ),
)  # fmt: skip

# --- 8.2 ---------------------------------------------------------------------------------------------------------


def evaluate(model, x, y, batch_size):
    was_training = model.training
    model.eval()
    total = 0.0
    with torch.no_grad():
        for lo in range(0, len(x), batch_size):
            y_p = model(x[lo : lo + batch_size])[:, 0]
            total += ((y_p - y[lo : lo + batch_size]) ** 2).sum().item()
    model.train(was_training)
    return total / len(x)


def _dropout_net(draw, n_units=6):
    """A float64 network from one input to one output, with dropout, its weights from the draw."""
    net = torch.nn.Sequential(
        torch.nn.Linear(1, n_units), torch.nn.Tanh(), torch.nn.Dropout(0.4), torch.nn.Linear(n_units, 1)
    ).double()
    with torch.no_grad():
        for p in net.parameters():
            p.copy_(draw.tensor(*p.shape))
    return net


def _probe_evaluate(answer, draw):
    cases = ((11, 4, True, True), (11, 3, False, True), (8, 4, True, False), (5, 9, False, False), (6, 1, True, True))
    for n, size, training, mode in cases:
        for perfect in (False, True):
            net, x = _dropout_net(draw).train(training), draw.tensor(n, 1, scale=2.0)
            y = draw.tensor(n, scale=2.0)
            if perfect:
                with torch.no_grad():
                    y = net.eval()(x)[:, 0]
                net.train(training)
            tried = f"{n} readings, batch_size={size}, model.training={training}, recording {'on' if mode else 'off'}"
            notes = {"perfect": perfect, "n": min(n, size)}
            yield {**_evaluation(tried, answer, net, x, y, size, mode), **notes}
            yield {**_evaluation(tried, answer, net, x, y, size, mode), **notes, "call": "again"}


def _evaluation(tried, answer, net, x, y, size, mode):
    """One call, and what the model saw meanwhile: a hook writes down each forward pass."""
    training, passes = net.training, []
    for p in net.parameters():
        p.grad = torch.ones_like(p)
    weights = [p.detach().clone() for p in net.parameters()]
    hook = net.register_forward_hook(lambda m, inputs, out: passes.append((m.training, out.requires_grad, len(out))))

    def left():
        return {
            "dropout": any(awake for awake, _, _ in passes),
            "graph": any(recorded for _, recorded, _ in passes),
            "too many at once": any(rows > size for _, _, rows in passes),
            "mode kept": net.training == training,
            "now training": net.training if net.training != training else None,
            "gradients kept": all(p.grad is not None and bool((p.grad == 1).all()) for p in net.parameters()),
            "weights kept": all(bool((p == w).all()) for p, w in zip(net.parameters(), weights, strict=True)),
        }

    with torch.set_grad_enabled(mode):
        record = trial(tried, answer, net, x, y, size, after=left)
    hook.remove()
    net.train(training)
    return record


def _now(value):
    def shows(facts):
        pairs = [dict((k["text"], v) for k, v in s["after"]["dict"]) for s in facts.seen if s.get("after")]
        return any(p["now training"] is value for p in pairs)

    return shows


def _weighed(total):
    """A wrong evaluate whose mean is made by total(losses of the batches, their sizes, N, batch_size)."""

    def answer(model, x, y, batch_size):
        was_training = model.training
        model.eval()
        losses, sizes = [], []
        with torch.no_grad():
            for lo in range(0, len(x), batch_size):
                y_b = y[lo : lo + batch_size]
                losses.append(((model(x[lo : lo + batch_size])[:, 0] - y_b) ** 2).mean().item())
                sizes.append(len(y_b))
        model.train(was_training)
        return total(losses, sizes, len(x), batch_size)

    return answer


def _of_batches(losses, sizes, n, batch_size):
    return sum(losses) / len(losses)


def _sum(losses, sizes, n, batch_size):
    return sum(loss * k for loss, k in zip(losses, sizes, strict=True))


def _all_full(losses, sizes, n, batch_size):
    return sum(loss * batch_size for loss in losses) / n


def _last_dropped(losses, sizes, n, batch_size):
    full = [loss for loss, k in zip(losses, sizes, strict=True) if k == batch_size]
    return sum(full) / len(full) if full else 0.0


def _last_dropped_over_all(losses, sizes, n, batch_size):
    return sum(loss * k for loss, k in zip(losses, sizes, strict=True) if k == batch_size) / n


def _sum_of_means(losses, sizes, n, batch_size):
    return sum(losses)


def _root(losses, sizes, n, batch_size):
    return (_sum(losses, sizes, n, batch_size) / n) ** 0.5


def _first_batch(losses, sizes, n, batch_size):
    return losses[0]


def _last_batch(losses, sizes, n, batch_size):
    return losses[-1]


def _broadcast(model, x, y, batch_size):
    was_training = model.training
    model.eval()
    total = 0.0
    with torch.no_grad():
        for lo in range(0, len(x), batch_size):
            y_b = y[lo : lo + batch_size]
            total += ((model(x[lo : lo + batch_size]) - y_b) ** 2).mean().item() * len(y_b)
    model.train(was_training)
    return total / len(x)


NO_GRAPH = "The validation loss was recorded, and nobody walks that graph: compute it under `torch.no_grad()`."
LAST_READING = "Changing the last reading changes nothing: the last batch is dropped."
SHAPES = "Your loss is large for a perfect model: look at both shapes."
DROPPED_MODE = "After your call the model no longer trains with dropout."


def _large_when_perfect(facts):
    values = [numbers(s["value"])[0] for s in facts.seen if s["perfect"] and s["n"] > 1 and s["value"]]
    return bool(values) and all(v > 1e-6 for v in values)


EXERCISE_2 = Exercise(
    id="8.2",
    title="Evaluate in batches",
    reference=evaluate,
    points=2,
    hints=(
        "Weigh each batch's mean by its size, or add up squares and divide by N once.",
        "Remember `model.training` before you call `model.eval()`, and give it back with `model.train(before)`.",
        "`model(x_batch)[:, 0]` has the shape of `y_batch`; `.item()` makes a number.",
    ),
    probe=_probe_evaluate,
    wrong=(
        Wrong("11 in fours: the last three count more.", "M82", _weighed(_of_batches)),
        Wrong("A sum, not a mean: divide by the number of readings once.", None, _weighed(_sum)),
        Wrong("The last batch is smaller than batch_size: weigh it by its own size.", "M82", _weighed(_all_full)),
        Wrong(LAST_READING, None, _weighed(_last_dropped)),
        Wrong(LAST_READING, None, _weighed(_last_dropped_over_all)),
        Wrong("The means of the batches are added and never divided.", None, _weighed(_sum_of_means)),
        Wrong("That is the root: the loss is in squared units.", None, _weighed(_root)),
        Wrong("Only the first batch counts: `return` stands inside the loop.", None, _weighed(_first_batch)),
        Wrong("Only the last batch counts: each one overwrites the sum.", None, _weighed(_last_batch)),
        Wrong(SHAPES, "M75", _broadcast),
    ),
    symptoms=(
        raises("does not require grad", "backward has no place in an evaluation.", "M81"),
        when(lambda f: f.kind == "mode" or any(k == "mode" for k in f.kinds), MODE, "M61"),
        when(_differs("gradients kept"), "The model's gradients changed during an evaluation.", "M81"),
        when(_differs("weights kept"), "The model's weights changed during an evaluation.", "M81"),
        when(lambda f: _left(f, "dropout"), "Two calls differ: dropout is alive.", "M56"),
        when(lambda f: f.kind in ("type", "tracked") and f.record["value"].get("tracked"), GRAPH, "M36"),
        when(_differs("graph"), NO_GRAPH, "M81"),
        when(_now(False), DROPPED_MODE, "M82"),
        when(_now(True), "It was in eval mode before.", "M82"),
        when(lambda f: f.kind == "value" and _large_when_perfect(f), SHAPES, "M75"),
        when(_differs("too many at once"), "More than batch_size readings at once: that is what batches are there to avoid."),
    ),
)  # fmt: skip

# --- 8.3 ---------------------------------------------------------------------------------------------------------

SHAPES_DUE = ["D", "A", "B", "C"]
INSTEAD = {
    ("D", "A"): "training is down at about 1, what the months' means leave.",
    ("D", "B"): "the gap is there from the start and stays; validation wobbles, and ends near its lowest.",
    ("D", "C"): "validation stays sevenfold above training.",
    ("A", "B"): "training never comes down: nothing is learned by heart here.",
    ("A", "C"): "both stop far above 1.17, what the months' means leave.",
    ("A", "D"): "nothing falls after epoch 10.",
    ("B", "A"): "training goes to 0.",
    ("B", "C"): "training ends at 0.0, and validation turns and climbs.",
    ("B", "D"): "the validation curve turns and climbs; a constant gap does not.",
    ("C", "A"): "training has come down to what the months' means leave.",
    ("C", "B"): "validation does not climb.",
    ("C", "D"): "the gap is a quarter of the loss, not sevenfold.",
}


def _one_wrong():
    for k, due in enumerate(SHAPES_DUE):
        for letter in "ABCD":
            if letter != due:
                answer = SHAPES_DUE[:k] + [letter] + SHAPES_DUE[k + 1 :]
                yield Wrong(f"Run {k + 1}: {INSTEAD[due, letter]}", None, answer)


EXERCISE_3 = Exercise(
    id="8.3",
    title="Which shape?",
    reference=lambda: list(SHAPES_DUE),
    points=2,
    hints=(
        "Three questions for each run: does training fall? Does validation turn? Is the gap constant?",
        "Compare both ends with the dotted line at 1.17.",
    ),
    wrong=(
        *(Wrong("Four runs, four shapes.", None, [letter] * 4) for letter in "ABCD"),
        *_one_wrong(),
    ),
    items=(
        ("the gap is there from the start and stays; validation wobbles, and ends near its lowest.", None),
        ("nothing falls after epoch 10.", None),
        ("training goes far below the dotted line, and validation turns.", None),
        ("both come down to what the months' means leave.", None),
    ),
)

# --- 8.4 ---------------------------------------------------------------------------------------------------------


def early_stop(val_losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(val_losses):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return best_epoch, epoch
    return best_epoch, len(val_losses) - 1


NAN = float("nan")


def _series(draw):
    """A fixed series for each trap first, then random walks; every loss a multiple of 0.25, so that ties occur."""
    fixed = [
        ([5.0, 4.0, 3.0, 2.0, 1.0], 2),
        ([5.0, 3.0, 4.0, 5.0, 6.0, 7.0], 2),
        ([5.0, 3.0, 3.0, 3.0, 6.0, 7.0], 2),
        ([5.0, 2.0, 4.0, 3.5, 3.0, 2.5, 2.25, 2.0, 1.0], 3),
        ([5.0, 2.0, 4.0, 5.0, 1.0, 0.5], 2),
        ([NAN, 5.0, 3.0, 4.0, 5.0, 6.0], 3),
        ([5.0, 3.0, NAN, 2.0, NAN, NAN, NAN, NAN, 1.0], 3),
        ([5.0, 4.0, 4.5, 3.0, 3.5, 2.0, 2.5, 1.0, 2.0, 3.0, 0.5], 2),
        ([4.0], 1),
        ([4.0, 5.0], 5),
        ([4.0, 3.0, 3.5], 1),
    ]
    walks = []
    for _ in range(8):
        level, walk = 20.0, []
        for _ in range(draw.whole(5, 40)):
            level += 0.25 * draw.whole(-5, 4)
            walk.append(level)
        walks.append((walk, draw.whole(1, 6)))
    return fixed + walks


def _with(better=None, against="best", late=0, stop_is_best=False, counts_good=False, never_anew=False):
    """A wrong early_stop: another comparison, another count, another way to report."""

    def answer(val_losses, patience):
        best, best_epoch, count = float("inf"), 0, 0
        for epoch, loss in enumerate(val_losses):
            bar = best if against == "best" or epoch == 0 else val_losses[epoch - 1]
            if (better or (lambda a, b: a < b))(loss, bar):
                if loss <= best or against != "best":
                    best, best_epoch = min(best, loss), epoch
                count = count + 1 if counts_good else count if never_anew else 0
            else:
                count = count if counts_good else count + 1
            if count >= patience + late:
                return best_epoch, best_epoch if stop_is_best else epoch
        return best_epoch, len(val_losses) - 1

    return answer


def _peeks(val_losses, patience):
    best = min((v, k) for k, v in enumerate(val_losses) if v == v)[1]
    return best, early_stop(val_losses, patience)[1]


def _peeks_plus(val_losses, patience):
    best = min((v, k) for k, v in enumerate(val_losses) if v == v)[1]
    return best, min(best + patience, len(val_losses) - 1)


def _nan_first(val_losses, patience):
    best, best_epoch = val_losses[0], 0
    for epoch, loss in enumerate(val_losses):
        if loss < best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return best_epoch, epoch
    return best_epoch, len(val_losses) - 1


def _nan_wins(val_losses, patience):
    best, best_epoch = float("inf"), 0
    for epoch, loss in enumerate(val_losses):
        if not loss >= best:
            best, best_epoch = loss, epoch
        elif epoch - best_epoch >= patience:
            return best_epoch, epoch
    return best_epoch, len(val_losses) - 1


def _pauses_at_nan(val_losses, patience):
    """A nan is skipped, and the epoch is not counted either."""
    best, best_epoch, waited = float("inf"), 0, 0
    for epoch, loss in enumerate(val_losses):
        if loss != loss:
            continue
        if loss < best:
            best, best_epoch, waited = loss, epoch, 0
        else:
            waited += 1
            if waited >= patience:
                return best_epoch, epoch
    return best_epoch, len(val_losses) - 1


def _stops_before_looking(val_losses, patience):
    """What the loop of `train_until` does: the loss of the epoch in which it stops is never seen."""
    best, best_epoch, epoch = float("inf"), 0, 0
    while epoch - best_epoch < patience and epoch < len(val_losses):
        if val_losses[epoch] < best:
            best, best_epoch = val_losses[epoch], epoch
        epoch += 1
    return best_epoch, epoch


def _stops_before_looking_at_the_end_too(val_losses, patience):
    best, stop = _stops_before_looking(val_losses, patience)
    return best, min(stop, len(val_losses) - 1)


def _swapped_pair(val_losses, patience):
    return early_stop(val_losses, patience)[::-1]


def _from_one(val_losses, patience):
    best, stop = early_stop(val_losses, patience)
    return best + 1, stop + 1


def _loss_for_epoch(val_losses, patience):
    best, stop = early_stop(val_losses, patience)
    return val_losses[best], stop


def _previous(val_losses, patience):
    """The usual way to compare with the epoch before: the count starts anew whenever the loss falls."""
    best_epoch, count = 0, 0
    for epoch in range(1, len(val_losses)):
        if val_losses[epoch] < val_losses[best_epoch]:
            best_epoch = epoch
        count = 0 if val_losses[epoch] < val_losses[epoch - 1] else count + 1
        if count >= patience:
            return best_epoch, epoch
    return best_epoch, len(val_losses) - 1


def _argmin_of_all(val_losses, patience):
    """The best of all epochs, and a stop counted from there; NumPy takes nan for the smallest."""
    best = int(np.argmin(val_losses))
    return best, min(best + patience, len(val_losses) - 1)


def _no_end(val_losses, patience):
    best, stop = early_stop(val_losses, patience)
    stopped = stop - best >= patience
    return (best, stop) if stopped else None


def _none_at_the_end(val_losses, patience):
    best, stop = early_stop(val_losses, patience)
    return (best, stop) if stop - best >= patience else (best, None)


def _length_at_the_end(val_losses, patience):
    best, stop = early_stop(val_losses, patience)
    return (best, stop) if stop - best >= patience else (best, len(val_losses))


TIE = "At a tie you report the later epoch."
RISE = "A slow rise after one dip is not noticed: compare with the best, not with the epoch before."
LATE = "You stop one epoch late (series shown)."
STOP_IS_BEST = "The best is only known patience epochs later."
KEEPS_FALLING = "A series that keeps falling ends at its last epoch."
FUTURE = "The best lies after your stop: you looked into the future."
UNSEEN = "Like `train_until` you stop before looking at the loss of that epoch; here it is looked at first."
NAN_BEST = "nan is smaller than nothing and larger than nothing: skip it."


def _pair(record):
    """(best_epoch, stop_epoch) as numbers."""
    return tuple(numbers(record["value"]))


def _only_with_nan(facts):
    failed = [d["tried"] for d, k in zip(facts.due, facts.kinds, strict=False) if k]
    return bool(failed) and all("nan" in text for text in failed)


EXERCISE_4 = Exercise(
    id="8.4",
    title="Early stopping",
    reference=early_stop,
    points=2,
    hints=(
        "Keep two things: the best loss so far and its epoch. Start with `float('inf')`.",
        "Count the epochs since the best: `epoch - best_epoch`. When they reach the patience, return.",
        "`<` keeps the first of equals, and is False for nan on either side.",
    ),
    probe=calls(_series, "val_losses, patience"),
    wrong=(
        Wrong(TIE, None, _with(better=lambda a, b: a <= b)),
        Wrong(RISE, None, _previous),
        Wrong(RISE, None, _with(against="previous")),
        Wrong(LATE, None, _with(late=1)),
        Wrong("You stop one epoch early (series shown).", None, _with(late=-1)),
        Wrong(STOP_IS_BEST, None, _with(stop_is_best=True)),
        Wrong(KEEPS_FALLING, None, _no_end),
        Wrong(KEEPS_FALLING, None, _none_at_the_end),
        Wrong(KEEPS_FALLING, None, _length_at_the_end),
        Wrong("The better it gets, the sooner you stop.", None, _with(counts_good=True)),
        Wrong("The count of epochs without a new best begins anew at each new best.", None, _with(never_anew=True)),
        Wrong(FUTURE, None, _argmin_of_all),
        Wrong(FUTURE, None, _peeks),
        Wrong(FUTURE, None, _peeks_plus),
        Wrong(NAN_BEST, None, _nan_first),
        Wrong(NAN_BEST, None, _nan_wins),
        Wrong("An epoch with nan is an epoch without a better loss: count it.", None, _pauses_at_nan),
        Wrong(UNSEEN, None, _stops_before_looking),
        Wrong(UNSEEN, None, _stops_before_looking_at_the_end_too),
        Wrong("The best epoch comes first, the stop second.", None, _swapped_pair),
        Wrong("Epochs are counted from 0.", None, _from_one),
        Wrong("The epoch of the best is asked for, not its loss.", None, _loss_for_epoch),
    ),
    symptoms=(
        when(lambda f: f.kind == "none", KEEPS_FALLING),
        when(lambda f: any(best > stop for best, stop in map(_pair, f.seen)), FUTURE),
        when(
            lambda f: f.first == 0 and _pair(f.record)[1] < _pair(f.wanted)[1],
            "The better it gets, the sooner you stop.",
        ),
        when(lambda f: "4, 3.5, 3" in f.wanted["tried"] and _pair(f.record)[1] > _pair(f.wanted)[1], RISE),
        when(_only_with_nan, NAN_BEST),
    ),
)


# --- 8.5 ---------------------------------------------------------------------------------------------------------


def fit(model, data, n_epochs):
    x, y, val_x, val_y = data
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    best_loss, best = float("inf"), None
    for _ in range(n_epochs):
        model.train()
        loss = loss_fn(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        model.eval()
        with torch.no_grad():
            val_loss = loss_fn(model(val_x), val_y).item()
        if val_loss < best_loss:
            best_loss, best = val_loss, copy.deepcopy(model.state_dict())
    return best


def _probe_fit(answer, draw):
    """Forty readings of one line and thirty of a flatter one: on its way to the first, training passes the second."""
    for n_epochs, flatter in ((25, 0.4), (18, 0.6), (6, 3.0)):
        net, x, val_x = _dropout_net(draw), draw.tensor(40, 1), draw.tensor(30, 1)
        with torch.no_grad():
            for p in net.parameters():
                p.mul_(0.3)
        y, val_y = 1.5 * x + 0.2 * draw.tensor(40, 1), 1.5 * flatter * val_x + 0.2 * draw.tensor(30, 1)
        passes, kind = [], []

        def call(answer=answer, net=net, data=(x, y, val_x, val_y), n_epochs=n_epochs, passes=passes, kind=kind):
            torch.manual_seed(7)
            hook = net.register_forward_hook(lambda m, i, out: passes.append((len(out), m.training, out.requires_grad)))
            try:
                weights = answer(net, data, n_epochs)
            finally:
                hook.remove()
            if weights is None:
                return None
            kind.append(type(weights).__name__)
            before = {name: w.detach().clone() for name, w in weights.items()}
            with torch.no_grad():
                for p in net.parameters():
                    p += 1.0  # training goes on
            same = all(bool((weights[name] == w).all()) for name, w in before.items())
            return [sorted(before.items()), same]

        def seen(passes=passes):
            return {
                "awake in training": all(awake for rows, awake, _ in passes if rows == 40),
                "asleep in validation": not any(awake for rows, awake, _ in passes if rows == 30),
                "graph of validation": any(recorded for rows, _, recorded in passes if rows == 30),
            }

        record = trial(f"40 readings to train on, 30 held out, {n_epochs} epochs", call, after=seen)
        yield {**record, "notes": kind}


def _fit_with(clear=True, back=False, by_train=False, keep=copy.deepcopy, last=False, put_to_sleep=True, wake=True):
    def answer(model, data, n_epochs):
        x, y, val_x, val_y = data
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        best_loss, best = float("inf"), None
        for _ in range(n_epochs):
            if wake:
                model.train()
            loss = loss_fn(model(x), y)
            if clear:
                optimizer.zero_grad()
            loss.backward()
            if back == "with":
                loss_fn(model(val_x), val_y).backward()
            optimizer.step()
            if put_to_sleep:
                model.eval()
            with torch.set_grad_enabled(back == "after"):
                val_loss = loss_fn(model(val_x), val_y)
            if back == "after":
                val_loss.backward()
            if back in ("after", "step"):
                optimizer.step()
            judged = loss if by_train else val_loss
            if judged.item() < best_loss:
                best_loss, best = judged.item(), keep(model.state_dict())
        return copy.deepcopy(model.state_dict()) if last else best

    return answer


def _moves(facts):
    """The weights that were handed back change when the model's do."""
    return any(s["value"]["list"][1] is False for s in facts.seen if s["value"] and not s["raised"])


VALIDATION_TRAINS = "Validation data reached the optimizer: only the training loss may call `backward`."
LIVE = "'Best' equals the last, and moves on with the model: `state_dict()` holds references. Copy deeply."


EXERCISE_5 = Exercise(
    before=load_optimizers,
    id="8.5",
    title="Find the bug: the best model",
    reference=fit,
    points=2,
    hints=(
        "Which of the two losses may call `backward`?",
        "What does `state_dict()` return: numbers, or references to the model's own tensors?",
        "Validate under `torch.no_grad()`, without backward and step; keep `copy.deepcopy(model.state_dict())`.",
    ),
    probe=_probe_fit,
    wrong=(
        Wrong(VALIDATION_TRAINS, "M81", _fit_with(back="after")),
        Wrong(VALIDATION_TRAINS, "M81", _fit_with(back="after", keep=lambda state: state)),
        Wrong(VALIDATION_TRAINS, "M81", _fit_with(back="with")),
        Wrong("You kept the epoch that had learned the noise best: compare validation losses.", None, _fit_with(by_train=True)),
        Wrong("Gradients of two epochs are added: nobody clears them.", "M28", _fit_with(clear=False)),
        Wrong("Two steps with one gradient: the second `step` has to go as well.", None, _fit_with(back="step")),
        Wrong("The weights that you return are those of the last epoch, not those with the best loss.", None, _fit_with(last=True)),
    ),
    symptoms=(
        raises("Only Tensors created explicitly", "Only leaves can be deep-copied; the weights are asked for.", "M27"),
        raises("has no attribute 'items'", "The weights are asked for, as `state_dict()` gives them, not the model.", None),
        raises("does not require grad", "The validation loss has no graph, and needs none: no `backward` on it.", "M81"),
        when(lambda f: _left(f, "asleep in validation"), "Validating one model twice gives two losses: dropout is awake.", "M56"),
        when(lambda f: _left(f, "awake in training"), "From the second epoch on the dropout sleeps: `model.train()` belongs into the loop.", "M82"),
        when(lambda f: _moves(f) and f.seen[0]["notes"] == ["dict"], "A new dictionary, the same tensors: 'best' still moves.", "M82"),
        when(_moves, LIVE, "M82"),
        when(lambda f: f.kind == "after" and _left(f, "graph of validation"), f"The weights are right. {NO_GRAPH}", "M36"),
        when(lambda f: _left(f, "graph of validation"), NO_GRAPH, "M36"),
    ),
)  # fmt: skip

# --- 8.6 ---------------------------------------------------------------------------------------------------------


def _losses_of_all_splits():
    """(training, validation) losses of the least-squares line for the 55 ways to hold out two readings."""
    found = []
    for pair in combinations(range(11), 2):
        rest = [k for k in range(11) if k not in pair]
        gaps = t_un[rest] - t_un[rest].mean()
        w = (gaps * (t_c[rest] - t_c[rest].mean())).sum() / (gaps**2).sum()
        b = t_c[rest].mean() - w * t_un[rest].mean()
        found.append([loss_fn(model(t_un[part], w, b), t_c[part]).item() for part in (rest, list(pair))])
    return [list(part) for part in zip(*found, strict=True)]


def _of(function, part=1):
    return lambda: function(sorted(_losses_of_all_splits()[part]))


EXERCISE_6 = Exercise(
    id="8.6",
    title="Explain with a number",
    reference=_of(lambda v: v[-1] / v[0]),
    hints=("`max` and `min` of the list.", "A ratio has no unit: `max(val_55) / min(val_55)`."),
    wrong=(
        Wrong("That is the largest loss itself.", None, _of(lambda v: v[-1])),
        Wrong("That is the smallest loss itself.", None, _of(lambda v: v[0])),
        Wrong("A difference, in °C²; a ratio is asked for.", None, _of(lambda v: v[-1] - v[0])),
        Wrong("Upside down: the largest divided by the smallest.", None, _of(lambda v: v[0] / v[-1])),
        Wrong("That is the ratio of the training losses: they hardly differ.", None, _of(lambda v: v[-1] / v[0], part=0)),
        Wrong("That is the median.", None, _of(lambda v: v[27])),
        Wrong("That is the mean.", None, _of(lambda v: sum(v) / 55)),
        Wrong("Close: take both numbers from `val_55`, the printed ones are rounded.", None, 20.70 / 1.05),
        Wrong("Close: take both numbers from `val_55`, the printed ones are rounded.", None, 19.8),
        Wrong("That is the number of splits.", None, 55),
        Wrong("The ratio in degrees: the loss is a square, and losses are asked for.", None, _of(lambda v: (v[-1] / v[0]) ** 0.5)),
    ),
)  # fmt: skip

EXERCISES = [EXERCISE_1, EXERCISE_2, EXERCISE_3, EXERCISE_4, EXERCISE_5, EXERCISE_6]
