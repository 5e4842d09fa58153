"""handtorch's schedulers against PyTorch's. A rate is a Python number made by the same operations, so it is the same to the bit."""

import inspect
import math
import types
import warnings

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers.handtorch as hand

factor = st.floats(0.01, 1.0)
few = st.integers(1, 8)
MAKERS = {
    "LambdaLR": st.floats(0.5, 1.0).map(lambda x: lambda s, o: s.LambdaLR(o, [lambda n: x**n, lambda n: 1 / (n + x)])),
    "MultiplicativeLR": factor.map(lambda x: lambda s, o: s.MultiplicativeLR(o, lambda n: x)),
    "StepLR": st.tuples(few, factor).map(lambda x: lambda s, o: s.StepLR(o, *x)),
    "MultiStepLR": st.tuples(st.lists(few, max_size=4), factor).map(lambda x: lambda s, o: s.MultiStepLR(o, *x)),
    "ConstantLR": st.tuples(factor, few).map(lambda x: lambda s, o: s.ConstantLR(o, *x)),
    "LinearLR": st.tuples(factor, factor, few).map(lambda x: lambda s, o: s.LinearLR(o, *x)),
    "ExponentialLR": factor.map(lambda x: lambda s, o: s.ExponentialLR(o, x)),
    "PolynomialLR": st.tuples(few, st.floats(0.5, 3.0)).map(lambda x: lambda s, o: s.PolynomialLR(o, *x)),
    "CosineAnnealingLR": st.tuples(few, st.floats(0.0, 0.1)).map(lambda x: lambda s, o: s.CosineAnnealingLR(o, *x)),
    "CosineAnnealingWarmRestarts": st.tuples(few, st.integers(1, 3), st.floats(0.0, 0.1)).map(
        lambda x: lambda s, o: s.CosineAnnealingWarmRestarts(o, *x)
    ),
    "CyclicLR": st.tuples(
        few, few | st.none(), st.sampled_from(["triangular", "triangular2", "exp_range"]), factor, st.booleans()
    ).map(
        lambda x: (
            lambda s, o: s.CyclicLR(
                o, 0.01, [0.2, 0.3], x[0], x[1], mode=x[2], gamma=x[3], cycle_momentum=x[4], base_momentum=0.7
            )
        )
    ),
    "CyclicLR with a function": few.map(
        lambda x: lambda s, o: s.CyclicLR(o, 0.01, 0.2, x, scale_fn=lambda n: 1 / (1 + n), scale_mode="iterations")
    ),
    "OneCycleLR": st.tuples(st.sampled_from(["cos", "linear"]), st.booleans(), st.floats(0.2, 0.4), st.booleans()).map(
        lambda x: (
            lambda s, o: s.OneCycleLR(
                o, [0.5, 0.3], 30, anneal_strategy=x[0], three_phase=x[1], pct_start=x[2], cycle_momentum=x[3]
            )
        )
    ),
    "ChainedScheduler": st.tuples(factor, few, factor).map(
        lambda x: lambda s, o: s.ChainedScheduler([s.ConstantLR(o, *x[:2]), s.ExponentialLR(o, x[2])])
    ),
    "SequentialLR": st.tuples(factor, few, factor).map(
        lambda x: (
            lambda s, o: s.SequentialLR(
                o,
                [s.LinearLR(o, x[0], total_iters=4), s.CosineAnnealingLR(o, x[1] + 1), s.ExponentialLR(o, x[2])],
                [x[1], x[1] + 5],
            )
        )
    ),
}
CLASSES = [name for name in MAKERS if " " not in name] + ["ReduceLROnPlateau", "LRScheduler"]
CLOSED_FORM = ["StepLR", "MultiStepLR", "ConstantLR", "LinearLR", "ExponentialLR", "PolynomialLR", "CosineAnnealingLR"]


def both(action):
    """What `action` does with PyTorch, and with handtorch."""
    return action(torch), action(hand)


def two_groups(T, kind="SGD", second_lr=0.3):
    """An optimizer whose two groups have the rates 0.1 and `second_lr`."""
    groups = [{"params": [T.ones(2, requires_grad=True)]}, {"params": [T.ones(3, requires_grad=True)], "lr": second_lr}]
    options = {"momentum": 0.9} if kind == "SGD" else {}
    return getattr(T.optim, kind)(groups, lr=0.1, **options)


def plain(x):
    """A state without tensors, functions and addresses, to be compared with ==."""
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    if isinstance(x, (torch.Tensor, hand.Tensor)):
        return ["tensor", x.item()]
    return "function" if callable(x) else x


def options_of(optimizer):
    return plain([{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups])


@pytest.mark.parametrize("kind", ["SGD", "Adam"])
@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_rates(name, kind, data):
    """Every rate, every option of every group, and the whole state, over 25 epochs."""
    make = data.draw(MAKERS[name])

    def record(T):
        optimizer = two_groups(T, kind)
        scheduler = make(T.optim.lr_scheduler, optimizer)
        trace = [scheduler.get_last_lr(), options_of(optimizer)]
        for _ in range(25):
            optimizer.step()
            scheduler.step()
            trace.append([scheduler.get_last_lr(), options_of(optimizer), plain(scheduler.state_dict())])
        return trace

    theirs, ours = both(record)
    assert theirs == ours


@pytest.mark.parametrize("name", CLOSED_FORM)
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_closed_form(name, data):
    """The deprecated step(epoch), with its warning; and that the two forms agree, as the formula says."""
    make = data.draw(MAKERS[name])

    def record(T):
        optimizer = two_groups(T)
        scheduler = make(T.optim.lr_scheduler, optimizer)
        trace = []
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            for epoch in (0, 3, 1, 12):
                optimizer.step()
                scheduler.step(epoch)
                trace.append(scheduler.get_last_lr())
        return trace, [(w.category, str(w.message)) for w in caught]

    theirs, ours = both(record)
    assert theirs == ours and ours[1]


@pytest.mark.parametrize("t_mult", [1, 2, 3])
def test_warm_restarts_at_fractions(t_mult):
    def record(T):
        scheduler = T.optim.lr_scheduler.CosineAnnealingWarmRestarts(two_groups(T), 3, t_mult)
        trace = []
        for epoch in (0, 0.5, 2.75, 3, 7.25, 40, 1):
            scheduler.step(epoch)
            trace.append([scheduler.get_last_lr(), scheduler.T_cur, scheduler.T_i, scheduler.last_epoch])
        return trace

    theirs, ours = both(record)
    assert theirs == ours


@settings(max_examples=50, deadline=None)
@given(
    metrics=st.lists(st.floats(-2, 2), min_size=1, max_size=40),
    options=st.fixed_dictionaries(
        {},
        optional={
            "mode": st.sampled_from(["min", "max"]),
            "factor": st.floats(0.1, 0.9),
            "patience": st.integers(0, 3),
            "threshold": st.floats(0, 0.5),
            "threshold_mode": st.sampled_from(["rel", "abs"]),
            "cooldown": st.integers(0, 3),
            "min_lr": st.sampled_from([0, 0.02, [0.05, 0.01]]),
            "eps": st.sampled_from([1e-8, 0.05]),
        },
    ),
)
def test_plateau(metrics, options):
    def record(T):
        optimizer = two_groups(T)
        scheduler = T.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **options)
        trace = [scheduler.get_last_lr()]
        for i, metric in enumerate(metrics):
            scheduler.step(T.tensor(metric, dtype=T.float64) if i % 2 else metric)
            trace.append([scheduler.get_last_lr(), plain(scheduler.state_dict()), scheduler.in_cooldown])
        return trace

    theirs, ours = both(record)
    assert theirs == ours


def test_plateau_after_a_new_group():
    def record(T):
        optimizer = two_groups(T)
        scheduler = T.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0, min_lr=0.01)
        optimizer.add_param_group({"params": [T.ones(1, requires_grad=True)]})
        for _ in range(3):
            scheduler.step(1.0)
        return scheduler.get_last_lr()

    theirs, ours = both(record)
    assert theirs == ours and len(ours) == 3


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=3, deadline=None)
@given(data=st.data())
def test_state_travels(name, data):
    """PyTorch's scheduler and optimizer, halfway, loaded into handtorch: the same rates follow."""
    make = data.draw(MAKERS[name])
    theirs = two_groups(torch)
    scheduler = make(torch.optim.lr_scheduler, theirs)
    ours = two_groups(hand)
    other = make(hand.optim.lr_scheduler, ours)
    for _ in range(5):
        theirs.step()
        scheduler.step()
    saved = scheduler.state_dict()
    keys = set(saved)
    other.load_state_dict(saved)
    ours.load_state_dict(theirs.state_dict())
    assert set(saved) == keys, "loading must leave the saved state as it was"
    for _ in range(10):
        rates = []
        for optimizer, s in ((theirs, scheduler), (ours, other)):
            optimizer.step()
            s.step()
            rates.append(s.get_last_lr())
        assert rates[0] == rates[1]


class Decay:
    """A callable object, whose attributes a scheduler saves."""

    def __init__(self, rate):
        self.rate = rate

    def __call__(self, n):
        return self.rate**n


@pytest.mark.parametrize("name", ["LambdaLR", "MultiplicativeLR"])
def test_callable_objects_are_saved(name):
    def record(T):
        cls = getattr(T.optim.lr_scheduler, name)
        saved = cls(two_groups(T), [Decay(0.5), lambda n: 1.0]).state_dict()
        other = cls(two_groups(T), [Decay(0.9), lambda n: 1.0])
        other.load_state_dict(saved)
        other.step()
        return saved["lr_lambdas"], other.get_last_lr(), other.lr_lambdas[0].rate

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs, ours = both(record)
    assert theirs == ours and ours[2] == 0.5


def test_cyclic_callable_object_is_saved():
    def record(T):
        cls = T.optim.lr_scheduler.CyclicLR
        saved = cls(two_groups(T), 0.1, 1.0, scale_fn=Decay(0.5)).state_dict()
        before = plain(saved)
        other = cls(two_groups(T), 0.1, 1.0, scale_fn=Decay(0.9))
        other.load_state_dict(saved)
        return before, other.scale_fn(2)

    theirs, ours = both(record)
    assert theirs == ours and ours[1] == 0.25


@pytest.mark.parametrize("name", MAKERS)
@settings(max_examples=2, deadline=None)
@given(data=st.data())
def test_rate_in_a_tensor(name, data):
    """A tensor of a group stays the same tensor; its rate is float32. Not all schedulers of PyTorch allow it."""
    make = data.draw(MAKERS[name])

    def record(T):
        lr = T.tensor(0.3)
        optimizer = two_groups(T, second_lr=lr)
        scheduler = make(T.optim.lr_scheduler, optimizer)
        trace = []
        for _ in range(5):
            optimizer.step()
            scheduler.step()
            trace.append([float(x) for x in scheduler.get_last_lr()])
        return trace, optimizer.param_groups[1]["lr"] is lr, options_of(optimizer)

    theirs, ours = both(record)
    assert theirs == ours


def test_resume():
    def record(T):
        optimizer = two_groups(T)
        for group in optimizer.param_groups:
            group["initial_lr"] = 1.0
        return [
            make(T.optim.lr_scheduler, optimizer).get_last_lr()
            for make in (
                lambda s, o: s.StepLR(o, 2, last_epoch=3),
                lambda s, o: s.CosineAnnealingLR(o, 7, last_epoch=3),
                lambda s, o: s.LinearLR(o, last_epoch=1),
                lambda s, o: s.LambdaLR(o, lambda n: n, last_epoch=3),
            )
        ]

    theirs, ours = both(record)
    assert theirs == ours


def warned(action):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        action()
    return [(w.category, str(w.message)) for w in caught], [w.filename == __file__ for w in caught]


def wrong_order(T):
    scheduler = T.optim.lr_scheduler.StepLR(two_groups(T), 2)
    scheduler.step()
    scheduler.step()


def right_order(T):
    optimizer = two_groups(T)
    scheduler = T.optim.lr_scheduler.StepLR(optimizer, 2)
    optimizer.step()
    scheduler.step()


def overridden_step(T):
    optimizer = two_groups(T)
    scheduler = T.optim.lr_scheduler.StepLR(optimizer, 2)
    optimizer.step = types.MethodType(lambda self: None, optimizer)
    optimizer.step()
    scheduler.step()


def get_lr_outside(T):
    T.optim.lr_scheduler.ExponentialLR(two_groups(T), 0.9).get_lr()


@pytest.mark.parametrize("action", [wrong_order, right_order, overridden_step, get_lr_outside])
def test_warnings(action):
    (theirs, _), (ours, points_here) = both(lambda T: warned(lambda: action(T)))
    assert theirs == ours and all(points_here)
    assert len(ours) == (action is not right_order)


def refusal(action):
    with pytest.raises(Exception) as caught:  # noqa: B017 (its type is compared)
        action()
    return type(caught.value), str(caught.value).replace("helpers.handtorch", "torch")


def beyond_the_end(s, o):
    scheduler = s.OneCycleLR(o, 0.1, total_steps=2)
    for _ in range(4):
        scheduler.step()


def plateau_with_new_group(s, o, ones):
    scheduler = s.ReduceLROnPlateau(o, patience=0, min_lr=[0.1, 0.1])
    o.add_param_group({"params": [ones(1, requires_grad=True)]})
    for _ in range(3):
        scheduler.step(1.0)


REFUSALS = {
    "no optimizer": lambda s, o, T: s.StepLR("sgd", 2),
    "no optimizer for plateau": lambda s, o, T: s.ReduceLROnPlateau(3),
    "no optimizer for cyclic": lambda s, o, T: s.CyclicLR(3, 0.1, 0.2),
    "no optimizer for one cycle": lambda s, o, T: s.OneCycleLR(3, 0.1),
    "resume without initial_lr": lambda s, o, T: s.StepLR(o, 2, last_epoch=3),
    "no formula": lambda s, o, T: s.LRScheduler(o),
    "lambdas": lambda s, o, T: s.LambdaLR(o, [abs]),
    "multiplicative lambdas": lambda s, o, T: s.MultiplicativeLR(o, [abs]),
    "no function": lambda s, o, T: s.MultiplicativeLR(o, 0.5),
    "constant": lambda s, o, T: s.ConstantLR(o, 1.5),
    "linear start": lambda s, o, T: s.LinearLR(o, 0.0),
    "linear end": lambda s, o, T: s.LinearLR(o, 0.5, -0.1),
    "T_0": lambda s, o, T: s.CosineAnnealingWarmRestarts(o, 0),
    "T_0 float": lambda s, o, T: s.CosineAnnealingWarmRestarts(o, 1.5),
    "T_mult": lambda s, o, T: s.CosineAnnealingWarmRestarts(o, 2, 0),
    "eta_min": lambda s, o, T: s.CosineAnnealingWarmRestarts(o, 2, 1, "0"),
    "negative epoch": lambda s, o, T: s.CosineAnnealingWarmRestarts(o, 2).step(-1),
    "empty chain": lambda s, o, T: s.ChainedScheduler([]),
    "empty sequence": lambda s, o, T: s.SequentialLR(o, [], []),
    "chain of numbers": lambda s, o, T: s.ChainedScheduler([s.StepLR(o, 2), 3]),
    "sequence of numbers": lambda s, o, T: s.SequentialLR(o, [s.StepLR(o, 2), 3], [1]),
    "chain of plateau": lambda s, o, T: s.ChainedScheduler([s.ReduceLROnPlateau(o)]),
    "sequence of plateau": lambda s, o, T: s.SequentialLR(o, [s.ReduceLROnPlateau(o)], []),
    "chain of two optimizers": lambda s, o, T: s.ChainedScheduler([s.StepLR(o, 2), s.StepLR(two_groups(T), 2)]),
    "sequence of two optimizers": lambda s, o, T: s.SequentialLR(o, [s.StepLR(o, 2), s.StepLR(two_groups(T), 2)], [1]),
    "milestones": lambda s, o, T: s.SequentialLR(o, [s.StepLR(o, 2)], [1, 2]),
    "plateau factor": lambda s, o, T: s.ReduceLROnPlateau(o, factor=1.0),
    "plateau mode": lambda s, o, T: s.ReduceLROnPlateau(o, "up"),
    "plateau threshold": lambda s, o, T: s.ReduceLROnPlateau(o, threshold_mode="up"),
    "plateau min_lr": lambda s, o, T: s.ReduceLROnPlateau(o, min_lr=[0.1]),
    "plateau new group": lambda s, o, T: plateau_with_new_group(s, o, T.ones),
    "cyclic rates": lambda s, o, T: s.CyclicLR(o, [0.1], 0.2),
    "cyclic mode": lambda s, o, T: s.CyclicLR(o, 0.1, 0.2, mode="square"),
    "cyclic momentum": lambda s, o, T: s.CyclicLR(T.optim.Adagrad([T.ones(1, requires_grad=True)]), 0.1, 0.2),
    "total_steps": lambda s, o, T: s.OneCycleLR(o, 0.1, 0),
    "epochs": lambda s, o, T: s.OneCycleLR(o, 0.1, epochs=0, steps_per_epoch=3),
    "steps_per_epoch": lambda s, o, T: s.OneCycleLR(o, 0.1, epochs=3, steps_per_epoch=1.5),
    "neither": lambda s, o, T: s.OneCycleLR(o, 0.1, epochs=3),
    "pct_start": lambda s, o, T: s.OneCycleLR(o, 0.1, 10, pct_start=2),
    "anneal_strategy": lambda s, o, T: s.OneCycleLR(o, 0.1, 10, anneal_strategy="steep"),
    "max_lr": lambda s, o, T: s.OneCycleLR(o, [0.1], 10),
    "beyond the end": lambda s, o, T: beyond_the_end(s, o),
}


@pytest.mark.parametrize("case", REFUSALS)
@pytest.mark.filterwarnings("ignore")
def test_refusals(case):
    theirs, ours = both(lambda T: refusal(lambda: REFUSALS[case](T.optim.lr_scheduler, two_groups(T), T)))
    assert theirs == ours


@pytest.mark.parametrize("name", CLASSES)
def test_signature(name):
    def signature(T):
        cls = getattr(T.optim.lr_scheduler, name)
        parameters = [*inspect.signature(cls).parameters.values(), *inspect.signature(cls.step).parameters.values()]
        return [(p.name, p.kind, p.default) for p in parameters]

    theirs, ours = both(signature)
    assert theirs == ours


def test_a_scheduler_of_your_own():
    def record(T):
        class Halve(T.optim.lr_scheduler.LRScheduler):
            def get_lr(self):
                return [base_lr / 2**self.last_epoch for base_lr in self.base_lrs]

        optimizer = two_groups(T)
        scheduler = Halve(optimizer)
        for _ in range(3):
            optimizer.step()
            scheduler.step()
        return scheduler.get_last_lr(), plain(scheduler.state_dict())

    theirs, ours = both(record)
    assert theirs == ours and math.isclose(ours[0][0], 0.1 / 8)
