"""The explorations without a browser: every picture can be drawn, tells the truth, and meets odd input with a sentence."""

import importlib
import itertools
import random
import re
import time
import warnings
from xml.etree import ElementTree

import numpy as np
import pytest
import torch

from helpers import engine, explore, sea, thermometer
from helpers.explore.widget import Exploration, slider
from helpers.value import Value


def a_loss():
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    loss = thermometer.loss_fn(thermometer.model(thermometer.t_u, *params), thermometer.t_c)
    return explore.backward(loss, params=params)


def a_value():
    x, y = Value(2.0), Value(3.0)
    return explore.backward((x * y - x) * y, x=x, y=y)


def losses(epochs=300, seed=0):
    """Losses that fall and tremble, and a validation that turns in the middle."""
    generator, epoch = np.random.default_rng(seed), np.arange(1, epochs + 1)
    train = 100 / epoch + 0.1 * generator.random(epochs)
    return train, train + 1 + 4 * (epoch / epochs) ** 2


def of_values():
    """A function of the reader's own on the engine of chapter 2."""
    return explore.jacobian(lambda x: [x[0] * x[1], x[0] ** 2 - 3 * x[1], x[1]], [Value(2.0), Value(3.0)])


def of_engine():
    """The same on the engine of chapter 10."""
    weights = engine.Tensor([[1.0, 0.5, 1.0], [-2.0, 3.0, 0.0]], requires_grad=True)
    return explore.jacobian(lambda x: (x @ weights + 1.0).relu(), engine.Tensor([[1.0, 2.0]]))


MAKERS = {
    "secant": explore.secant,
    "descent": explore.descent,
    "descent toy": lambda: explore.descent("toy"),
    "descent schedules": lambda: explore.descent("schedules"),
    "descent updates": lambda: explore.descent("updates"),
    "descent at 1e3": lambda: explore.descent(lr=1e3),
    "backward": explore.backward,
    "backward broken": lambda: explore.backward("broken"),
    "backward of a loss": a_loss,
    "backward of a value": a_value,
    "accumulation": explore.accumulation,
    "accumulation forget": lambda: explore.accumulation("forget"),
    "accumulation chunks": lambda: explore.accumulation("chunks"),
    "leaves": explore.leaves,
    "leaves boxes": lambda: explore.leaves("boxes"),
    "leaves updates": lambda: explore.leaves("updates"),
    "jacobian": explore.jacobian,
    "jacobian of values": of_values,
    "jacobian of an engine": of_engine,
    "optimizers": explore.optimizers,
    "optimizers at 1e3": lambda: explore.optimizers(lr=1e3),
    "curves": explore.curves,
    "curves sea": lambda: explore.curves("sea"),
    "curves of one run": lambda: explore.curves(*losses(), floor=1),
    "curves of runs": lambda: explore.curves({"long": losses(70_000), "short": losses(2), "one": ([1], [0.0])}),
    "curves of zeros": lambda: explore.curves([0.0, 0.0], [0.0, 0.0]),
    "curves below zero": lambda: explore.curves([3.0, 0.0, -5.0], [3.0, 1.0, -4.0]),
    "curves that leave": lambda: explore.curves([1.0, 1e200, float("inf")], [1.0, 1e250, float("nan")]),
}


def module(name):
    """The module of an exploration: the package's attribute of that name is the function."""
    return importlib.import_module(f"helpers.explore.{name}")


def settings(exploration: Exploration) -> list[list]:
    """The start, corners and random settings of an exploration, at most some hundred."""
    draw = random.Random(3)
    choices = []
    for control in exploration.table:
        last = len(control.options) - 1
        if control.kind == "presses":
            long = [[draw.randint(0, last) for _ in range(control.most)] for _ in range(20)]
            choices.append([[], *([k] for k in range(last + 1)), *long])
        else:
            choices.append([0, last] if control.kind == "slider" else list(range(last + 1)))
    corners = list(itertools.product(*choices))
    draw.shuffle(corners)
    anywhere = [
        [draw.choice(choice) if c.kind == "presses" else draw.randrange(len(c.options)) for c, choice in pairs]
        for pairs in [list(zip(exploration.table, choices, strict=True))] * 30
    ]
    return [exploration.start, *map(list, corners[:50]), *anywhere]


@pytest.mark.parametrize("name", MAKERS)
def test_every_setting_can_be_drawn(name):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        exploration = MAKERS[name]()
        for setting in settings(exploration):
            frame = exploration.frame(setting)
            assert len(frame["words"]) > 20, setting
            assert "Traceback" not in frame["words"], setting
            if not frame["svg"]:
                assert "no walk to show" in frame["words"], setting
                continue
            for element in ElementTree.fromstring(frame["svg"]).iter():
                for attribute, value in element.attrib.items():
                    if attribute not in ("aria-label", "font-family"):
                        assert not re.search(r"\b(nan|inf|None)\b", value), (setting, attribute, value)


@pytest.mark.parametrize("name", MAKERS)
def test_two_starts_display_the_same(name):
    bundles = [MAKERS[name]()._repr_mimebundle_()[0] for _ in range(2)]
    for kind in ("text/plain", "text/html"):
        assert bundles[0][kind] == bundles[1][kind]
    assert "application/vnd.jupyter.widget-view+json" in bundles[0]
    assert re.match(r"<figure[^>]*><svg [^>]*aria-label=\"[^\"]{20,}", bundles[0]["text/html"])
    assert " at 0x" not in bundles[0]["text/html"]


@pytest.mark.parametrize("name", MAKERS)
def test_every_control_has_a_label_of_its_own(name):
    labels = [control["label"] for control in MAKERS[name]().controls]
    assert all(labels) and len(set(labels)) == len(labels)


def test_an_answer_brings_what_was_asked_first_and_stops_in_time():
    def draw(k):
        calls.append(k)
        if k == 2:
            raise ValueError("no two")
        return "<svg/>", f"this is {k}"

    calls, sent = [], []
    exploration = Exploration("numbers", [slider("k", "number", {str(k): k for k in range(2000)}, "0")], draw)
    exploration.send = sent.append
    exploration._answer(exploration, {"ask": [[7], [2]]}, [])
    assert sent[0]["settings"] == [[7], [2]]
    assert sent[0]["frames"][0]["words"] == "this is 7"
    assert sent[0]["frames"][1]["words"] == "This cannot be shown: ValueError: no two"
    exploration.draw = lambda k: time.sleep(0.02) or ("", "slow")
    exploration._answer(exploration, {"ask": [[k] for k in range(12)]}, [])
    assert 1 <= len(sent[1]["frames"]) <= 3


# --- the numbers of the chapters -------------------------------------------------------------------------------------


def words(exploration, **values) -> str:
    """What an exploration says with these values, the others as at its start."""
    start = {c.name: c.value(i) for c, i in zip(exploration.table, exploration.start, strict=True)}
    return exploration.draw(**start | values)[1]


def test_secant_has_the_chapters_numbers():
    loss = "thermometer loss in w at 1"
    exploration = explore.secant()
    for h, kind, dtype, due in (
        (1.0, "forward", "float64", "7458.0949"),
        (0.1, "forward", "float64", "4811.3764"),
        (0.001, "forward", "float64", "4520.2374"),
        (1.0, "central", "float64", "4517.2966"),
        (1e-4, "forward", "float32", "4519.043"),
        (1e-6, "forward", "float32", "4272.4609"),
        (1e-8, "forward", "float32", "= 0."),
    ):
        assert due in words(exploration, function=loss, h=h, kind=kind, dtype=dtype)
    assert "rounds to x" in words(exploration, function="sin(x) at 1", h=1e-9, dtype="float32")


def test_secant_draws_a_v():
    error = lambda kind, h: abs(module("secant")._estimate("sin(x) at 1", kind, "float64", h) - np.cos(1.0))
    for kind, best in (("forward", 1e-8), ("central", 1e-5)):
        assert error(kind, best) < 0.01 * min(error(kind, 0.1), error(kind, 1e-12))


@pytest.mark.parametrize(("inputs", "edge"), [("raw", 3.400e-4), ("0.1", 0.03298), ("standardised", 1.0)])
def test_descent_turns_at_the_edge(inputs, edge):
    run, curvatures = module("descent").run, module("descent").curvatures
    assert 2 / curvatures(inputs)[1] == pytest.approx(edge, rel=1e-3)
    below, above = (run(inputs, factor * edge, "constant", 2000)[1] for factor in (0.98, 1.02))
    assert below[-1] < 100
    assert not above[-1] < 1e4


def test_descent_prints_the_loop_of_the_chapter():
    exploration = explore.descent()
    for epochs, due in ((500, 7.8601), (1000, 3.8285), (2000, 2.9577), (5000, 2.9276)):
        said = words(exploration, lr=1e-2, inputs="0.1", epochs=epochs)
        assert float(re.search(r"has loss ([\d.]+)", said)[1]) == pytest.approx(due, abs=2e-4)
    params, losses = thermometer.train_by_hand(100, 1e-4, thermometer.t_u, thermometer.t_c)
    path, mine = module("descent").run("raw", 1e-4, "constant", 100)
    assert path[-1] == pytest.approx(params.numpy(), rel=1e-4)
    assert mine == pytest.approx(losses, rel=1e-4)
    assert "in epoch 11 the loss is inf" in words(exploration, lr=1e-2, inputs="raw", epochs=100)


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("StepLR(100, 0.5)", lambda opt: torch.optim.lr_scheduler.StepLR(opt, 100, 0.5)),
        ("ExponentialLR(0.99)", lambda opt: torch.optim.lr_scheduler.ExponentialLR(opt, 0.99)),
        ("CosineAnnealingLR(500)", lambda opt: torch.optim.lr_scheduler.CosineAnnealingLR(opt, 500)),
    ],
)
def test_schedules_are_pytorchs(name, make):
    opt = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    scheduler, rates = make(opt), []
    for _ in range(700):
        rates.append(opt.param_groups[0]["lr"])
        opt.step()
        scheduler.step()
    assert module("descent").SCHEDULES[name](np.arange(700)) == pytest.approx(rates, abs=1e-9)


def test_backward_of_a_live_loss_ends_in_its_gradient_and_touches_nothing():
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    loss = thermometer.loss_fn(thermometer.model(thermometer.t_u, *params), thermometer.t_c)
    exploration = explore.backward(loss, params=params)
    last = len(exploration.controls[0]["options"]) - 1
    assert "[4517, 82.6]. The walk is over." in words(exploration, step=last)
    assert params.grad is None
    loss.backward()
    assert params.grad.tolist() == pytest.approx([4517.2969, 82.6], rel=1e-6)


def test_half_detached_product_still_reaches_both_leaves():
    exploration = explore.backward("broken")
    cases = exploration.table[1].options
    whole, half, cut = (
        " ".join(exploration.draw(step=k, case=cases[name])[1] for k in range(9))
        for name in ("whole", "gap * gap.detach()", "w.detach()")
    )
    assert "becomes −77.61" in whole and "becomes −10.64" in whole
    assert "becomes −38.81" in half and "becomes −5.32" in half
    assert "becomes −10.64" in cut and "77.61" not in cut


def test_accumulation_adds_up_and_repeats_pytorchs_refusal():
    exploration = explore.accumulation()
    twice = words(exploration, calls=["forward", "backward", "forward", "backward"])
    assert "grad [-155.2281, -21.2800]" in twice and "added to what stood" in twice
    assert "Trying to backward through the graph a second time" in words(
        exploration, calls=["forward", "backward", "backward"]
    )
    assert "no loss yet" in words(exploration, calls=["backward"])
    assert "nothing moves" in words(exploration, calls=["step"])
    assert "[1.7761, 0.1064]" in words(exploration, calls=["forward", "backward", "step"])


def test_forgetting_is_momentum_one():
    exploration = explore.accumulation("forget")
    assert "They are one curve." in words(exploration, every=0, momentum=1.0)
    assert "differ" in words(exploration, every=0, momentum=0.99)
    assert module("accumulation").losses(0, 0.0)[:5] == pytest.approx([80.3643, 37.57, 39.87, 82.15, 76.85], abs=0.01)


def test_chunks_weighted_by_size_land_on_the_gradient_in_any_order():
    exploration = explore.accumulation("chunks")
    assert "[13782.11, 250.02]" in words(exploration, size=4, weight="sum", order=None)
    assert "[4594.04, 83.34]" in words(exploration, size=4, weight="mean", order=None)
    for size, order in itertools.product(range(1, 12), (None, "rising", "shuffled")):
        assert words(exploration, size=size, weight="share", order=order).endswith(": the same.")


def test_leaves_says_what_a_real_tensor_says():
    exploration = explore.leaves()
    start, steps = exploration.table[0].options, exploration.table[1].options
    watched = start["torch.ones(2, requires_grad=True)"]
    said = lambda *names, make=watched: words(exploration, start=make, acts=[steps[name] for name in names])
    assert "is_leaf False, requires_grad True, grad_fn MulBackward0" in said("* 2")
    assert "(the same tensor as before)" in said(".float()")
    assert "x.grad is None" in said("* 2", ".detach()", ".requires_grad_()")
    assert "a leaf Variable that requires grad" in said(".mul_(2)")
    assert "element 0 of tensors does not require grad" in said(".detach()")
    whole = start["torch.tensor([1, 2])"]
    assert "floating point" in said(".requires_grad_()", make=whole)


def test_boxes_show_which_edits_the_version_counter_misses():
    exploration = explore.leaves("boxes")
    acts = exploration.table[0].options
    said = {name: words(exploration, acts=[act]) for name, act in acts.items()}
    for loud in ("no_grad: w += 1", "w.detach().add_(1)"):
        assert "version 1" in said[loud] and "modified by an inplace operation" in said[loud]
    for silent in ("w.data.add_(1)", "w.detach().numpy() += 1"):
        assert "version 0" in said[silent] and "reports [4, 6]: wrong" in said[silent]
    assert "its storage is the same" in said["v = w.detach()"]
    assert "its storage is its own" in said["v = w.detach().clone()"]


def test_updates_are_right_or_raise():
    exploration = explore.leaves("updates")
    said = [words(exploration, line=line) for line in exploration.table[0].options.values()]
    assert ["[2.0848, 0.1303], as it should be" in each for each in said] == [True] * 4 + [False] * 3
    for each, due in zip(said[4:], ("epoch 1 raises RuntimeError: a leaf", "TypeError", "element 0"), strict=True):
        assert due in each


def test_updates_move_stop_or_stay_on_the_surface():
    exploration = explore.descent("updates")
    updates = exploration.table[0].options
    said = {name: words(exploration, update=update, epochs=10) for name, update in updates.items()}
    kinds = ["path of chapter 1, step by step"] * 4 + ["Loud: epoch 1", "Loud: epoch 2", "Loud: epoch 2", "Silent: 10"]
    for (name, each), kind in zip(said.items(), kinds, strict=True):
        assert kind in each and ".." not in each, name
    assert "unsupported operand" in said["p = p - lr * p.grad"] and "after 1 step." in said["p = p - lr * p.grad"]
    params, past = thermometer.train_by_hand(10, 1e-2, thermometer.t_un, thermometer.t_c)
    path, kept, done, error = module("descent")._run_of_update(next(iter(updates.values())))
    assert path[10] == pytest.approx(params.numpy(), rel=1e-4)
    assert kept[:10] == pytest.approx(past, rel=1e-4)
    assert (done, error) == (200, "")


def test_update_table_shows_each_epochs_own_numbers():
    first = explore.leaves("updates").first["svg"]
    assert re.findall(r"\[\d\.\d{4}, \d\.\d{4}\]", first) == [
        "[1.0000, 0.0000]",
        "[1.7761, 0.1064]",
        "[2.0848, 0.1303]",
    ]


def test_jacobian_rows_are_torchs_and_ones_are_not_the_jacobian():
    exploration = explore.jacobian()
    for name, function in module("jacobian")._FUNCTIONS.items():
        ours = exploration.table[1].options[name]
        due = torch.autograd.functional.jacobian(function, module("jacobian")._X).reshape(ours.rows, -1)
        assert np.array(ours.matrix) == pytest.approx(due.numpy())
        v = [0.5, -1.0, 2.0, 3.0][: ours.rows]
        assert ours.walk(v) == pytest.approx((torch.tensor(v) @ due).tolist())
    f = lambda x: torch.stack([x[0] * x[1], x[0] ** 2, x[1]])
    own = explore.jacobian(f, torch.tensor([1.0, 2.0]))
    assert "[4, 2], the sum of all rows: not J" in words(own, v=(1.0,) * 8)


def test_jacobian_of_engines_is_torchs_and_touches_no_grad():
    for make, f, x in (
        (of_values, lambda x: torch.stack([x[0] * x[1], x[0] ** 2 - 3 * x[1], x[1]]), [2.0, 3.0]),
        (of_engine, lambda x: (torch.tensor([[1.0, -2.0], [0.5, 3.0], [1.0, 0.0]]) @ x + 1).relu(), [1.0, 2.0]),
    ):
        exploration = make()
        due = torch.autograd.functional.jacobian(f, torch.tensor(x))
        for k in range(3):
            row = ", ".join(module("jacobian")._short(value) for value in due[k].tolist())
            assert f"[{row}], row {k} of J" in words(exploration, v=tuple(float(i == k) for i in range(8)))
        ones = ", ".join(module("jacobian")._short(value) for value in due.sum(0).tolist())
        assert f"[{ones}], the sum of all rows" in words(exploration, v=(1.0,) * 8)
    other, x = Value(5.0), Value(2.0)
    assert "brings back [20], row 0" in repr(explore.jacobian(lambda x: x * x * other, x))
    assert (other.grad, x.grad) == (0.0, 0.0)
    weights = engine.Tensor([1.0, 2.0], requires_grad=True)
    explore.jacobian(lambda x: (x * weights).sum(), engine.Tensor([3.0, 4.0], requires_grad=True))
    assert weights.grad is None
    assert "[0, 1], row 0" in repr(explore.jacobian(lambda x: [x[1]], [Value(2.0), Value(3.0)]))
    middle, quiet = x * x, engine.Tensor([1.0, 2.0])
    explore.jacobian(lambda x: x * x, middle)
    explore.jacobian(lambda x: x * x, quiet)
    assert middle.parents == (x, x) and not quiet.requires_grad


def test_jacobian_keeps_double_precision_and_stacks_a_list():
    matrix = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    assert "brings back [1, 2]" in repr(explore.jacobian(lambda x: matrix @ x, torch.ones(2, dtype=torch.float64)))
    assert "brings back [1, 2]" in repr(explore.jacobian(lambda x: matrix @ x, np.ones(2)))
    assert "brings back [3, 2]" in repr(explore.jacobian(lambda x: [x[0] * x[1], x[0]], [2, 3]))


def test_race_is_run_by_torchs_optimizers():
    for name, rate, due in (("SGD", 1e-2, 22.15), ("SGD with momentum", 1e-2, 3.63), ("Adam", 0.1, 18.73)):
        _, losses = module("optimizers").run(name, rate, 0.9, "0.1", 200)
        assert losses[99] == pytest.approx(due, abs=0.01)
    path, _ = module("optimizers").run("Adam", 0.1, 0.9, "raw", 50)
    assert path[1] == pytest.approx([0.9, -0.1], abs=1e-5)


def test_descend_in_closed_form_is_the_loop():
    x, y = np.random.default_rng(0).standard_normal((2, 12, 4))
    p, rate = np.zeros(4), 1 / np.linalg.eigvalsh(2 * x.T @ x / 12)[-1]
    for _ in range(60):
        p = p - rate * 2 * x.T @ (x @ p - y[:, 0]) / 12
    # float64 and sixty epochs: only rounding may differ
    assert module("curves").descend(x, y[:, 0], np.array([60]))[0] == pytest.approx(p, rel=1e-9)


def test_shapes_are_named():
    low, high = np.linspace(100, 1, 50), np.linspace(100, 60, 50)
    turned = np.r_[np.linspace(100, 3, 25), np.linspace(3, 9, 25)]
    name = lambda train, validation, floor=1.0: module("losses").shape(train, validation, floor)[0]
    assert [name(high, high), name(low, turned), name(low, low + 0.2), name(low, low + 6)] == list("ABCD")
    exploration = explore.curves()
    assert "A it is" in words(exploration, degree=0, guess="A")
    assert "B it is" in words(exploration, degree=10, amount=15, guess="B")
    assert "C it is" in words(exploration, degree=1, amount=90, guess="C")
    assert "D it is" in words(exploration, degree=1, amount=90, held="sun", guess="D")
    assert "Not C" in words(exploration, degree=0, guess="C")


def test_shapes_without_a_floor_are_named_as_far_as_they_can_be():
    low, high = np.linspace(100, 1, 50), np.linspace(100, 90, 50)
    name = lambda train, validation: module("losses").shape(train, validation, None)[0]
    turned = np.r_[np.linspace(100, 3, 25), np.linspace(3, 9, 25)]
    assert [name(high, high), name(low, turned), name(low, low + 0.2), name(low, low + 6)] == ["A", "B", "A or C", "D"]
    assert name(np.r_[low[::2], np.ones(25)], turned + 20) == "B and D"
    own = explore.curves(low, low + 0.1)
    assert "A or C it is" in words(own, guess="A") and "A or C it is" in words(own, guess="C")
    assert "Not B" in words(own, guess="B")


def test_shapes_of_the_chapters_runs_and_of_its_exercise():
    letters = {"line": "A", "year": "A", "large": "B", "month": "C", "warm": "D"}
    runs = {f"{letter} {name}": sea.run(name) for name, letter in letters.items()}
    runs |= {f"{letter} again": run for letter, run in zip("DABC", sea.four_runs().values(), strict=True)}
    exploration = explore.curves(runs, floor=1.17)
    for name, run in exploration.table[0].options.items():
        assert f"{name[0]} it is" in words(exploration, run=run, guess=name[0])


def test_own_losses_are_read_from_any_row_of_numbers():
    train, validation = losses(40)
    due = explore.curves(train, validation).first
    tensor = torch.tensor(train, requires_grad=True)
    for one, other in (
        (train.tolist(), tuple(validation)),
        (tensor, torch.tensor(validation)),
        (list(tensor), [np.float64(v) for v in validation]),
    ):
        assert explore.curves(one, other).first == due
    assert explore.curves({"run": (train, validation)}).first == due
    best = int(validation.argmin()) + 1
    assert (
        f"Epoch {best} of 40:" in due["words"] and f"lowest, {validation.min():.2f}, in epoch {best}." in due["words"]
    )


def test_smoothing_is_a_mean_around_each_epoch():
    smoothed, values = module("losses").smoothed, np.random.default_rng(0).random(50) * 10.0 ** np.arange(0, -50, -1)
    assert smoothed(values, 1) is values
    for window in (3, 7, 15):
        half = window // 2
        due = [values[max(0, k - half) : k + half + 1].mean() for k in range(50)]
        # float64: only rounding may differ, and it must be small beside each mean, not beside the largest loss
        assert smoothed(values, window) == pytest.approx(due, rel=1e-12)
    assert smoothed(values[:4], 127) == pytest.approx(
        [values[:2].mean(), values[:3].mean(), *smoothed(values[:4], 3)[2:]]
    )


def test_a_peak_in_a_long_run_is_drawn():
    values = np.ones(70_000)
    values[12_345] = 50.0
    for xlog in (False, True):
        points = module("losses").thinned(np.arange(1.0, 70_001), values, xlog)
        assert (12_346.0, 50.0) in points and len(points) < 900


@pytest.mark.parametrize("setting", [(40, (), ("month",), 0.01, 0), (80, (16,), ("month",), 0.01, "warm")])
def test_kept_runs_of_the_sea_are_what_the_code_gives(setting):
    train, validation = module("curves").sea_run(*setting)
    kept = module("curves")._sea_runs()[module("curves")._sea_key(*setting)]
    # tanh and Adam differ in the last place between machines, which a thousand epochs enlarge
    assert train == pytest.approx(kept[0], rel=0.05)
    assert validation == pytest.approx(kept[1], rel=0.05)


# --- odd input -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lr", [float("nan"), float("inf"), 0, -1.0, "fast", None])
def test_a_rate_that_is_none_is_said_to_be(lr, capsys):
    for make in (explore.descent, explore.optimizers):
        make(lr=lr)
        assert ("no learning rate" in capsys.readouterr().out) == (lr is not None)


def test_a_rate_of_a_thousand_leaves_the_numbers():
    assert "in epoch 5 the loss is inf" in repr(explore.descent(lr=1e3))
    assert "the loss has left the numbers" in repr(explore.optimizers(lr=1e3))


@pytest.mark.parametrize(
    ("train", "validation", "due"),
    [
        ([1.0, 2.0], None, "validation is no list of losses"),
        (3.0, [1.0], "train is no list of losses"),
        (torch.tensor(3.0), [1.0], "train is no list of losses"),
        ([1.0, 2.0], [1.0], "2 training losses and 1 validation losses"),
        ([], [], "0 training losses and 0 validation losses"),
        ([(1.0, 0.5)], [1.0], "train[0] is (1.0, 0.5), and a number is due"),
        (torch.ones(3, 2), torch.ones(3), "train[0] is [1.0, 1.0], and a number is due"),
        ([1.0], ["low"], "validation[0] is 'low', and a number is due"),
        ([1.0], [None], "validation[0] is None"),
        ([1.0], [10**400], "validation[0] is 1000"),
        ([float("nan")], [1.0], "In epoch 1 the losses have left the numbers"),
        ({}, None, "a run is a pair"),
        ({"a": [1.0, 2.0, 3.0]}, None, "a run is a pair"),
        ({"a": 3}, None, "a run is a pair"),
    ],
)
def test_losses_that_cannot_be_drawn_get_a_sentence(train, validation, due):
    exploration = explore.curves(train, validation)
    assert due in repr(exploration)
    assert exploration.controls == [] and exploration.first["svg"] == ""


@pytest.mark.parametrize("floor", [0, -1.0, float("nan"), float("inf"), "low"])
def test_a_floor_that_is_none_is_said_to_be(floor, capsys):
    assert repr(explore.curves([3.0] * 9, [3.0] * 9, floor=floor)) == repr(explore.curves([3.0] * 9, [3.0] * 9))
    assert "is no floor" in capsys.readouterr().out


def test_losses_that_leave_the_numbers_and_losses_below_zero_are_said_to():
    assert "In epoch 3 the losses have left the numbers" in words(MAKERS["curves that leave"]())
    below = MAKERS["curves below zero"]()
    assert "never negative" in words(below)
    assert "no place on a logarithmic axis" in words(below, ylog=True)


def test_unknown_forms_are_said_to_be(capsys):
    for make in (explore.descent, explore.leaves, explore.accumulation, explore.curves):
        assert len(repr(make("nonsense"))) > 20
        assert "'nonsense' is no form of" in capsys.readouterr().out


@pytest.mark.parametrize("odd", [3.0, [], "loss", thermometer.t_c, object(), torch.ones(3, requires_grad=True) * 2])
def test_what_has_no_walk_gets_a_sentence(odd):
    exploration = explore.backward(odd)
    assert repr(exploration).startswith("There is no walk to show: ")
    assert exploration.controls == []


def test_a_freed_graph_gets_a_sentence():
    x = torch.tensor(2.0, requires_grad=True)
    loss = (x**2).sin()
    loss.backward()
    assert "no walk to show: this graph has been walked" in repr(explore.backward(loss))


def test_a_graph_of_500_nodes_stands_still_and_says_so():
    y = torch.tensor(1.0, requires_grad=True)
    for _ in range(499):
        y = y * 1.001
    exploration = explore.backward(y)
    assert "This graph has 500 nodes" in repr(exploration) and "stands still" in repr(exploration)
    assert exploration.controls == [] and "<svg" in exploration.first["svg"]


def test_a_nan_goes_through():
    x = torch.tensor(float("nan"), requires_grad=True)
    exploration = explore.backward(x * 2, x=x)
    assert "The walk is over" in words(exploration, step=2)


@pytest.mark.parametrize(
    ("f", "x", "due"),
    [
        (lambda x: x.item(), None, "cannot be followed"),
        (lambda x: x.detach(), None, "has no history"),
        (lambda x: x[:, None] * x, None, "1 to 8 numbers"),
        (lambda x: x, torch.ones(50), "1 to 8 numbers"),
        (lambda x: x, torch.ones(0), "1 to 8 numbers"),
        (lambda x: x, "text", "cannot be followed"),
        (3, None, "cannot be followed"),
        (lambda x: x * float("nan"), None, "nan"),
        (lambda x: 3.0, None, "f(x) is no tensor but 3.0"),
        (lambda x: x.data, Value(2.0), "has no history"),
        (lambda x: Value(x.data), Value(2.0), "has no history"),
        (lambda x: [], [Value(2.0)], "has no history"),
        (lambda x: x.sin(), Value(2.0), "cannot be followed: AttributeError"),
        (lambda x: x[0], [Value(2.0), 3.0], "cannot be followed"),
        (lambda x: x, engine.Tensor(np.ones(9)), "1 to 8 numbers"),
    ],
)
def test_a_function_that_cannot_be_shown_gets_a_sentence(f, x, due):
    assert due in repr(explore.jacobian(f, x))
