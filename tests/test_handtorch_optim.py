"""handtorch's optimizers against PyTorch's: the same gradients go in, the same parameters must come out, step for step.

The gradients are given, not computed, so that nothing but the optimizer is tested (LBFGS, which asks for the loss itself,
minimizes a function). float32 is held to the bit, unless a root is taken: PyTorch's root of a float32 is off by one unit in the
last place in 0.6 % of cases, NumPy's never is. In float64 many steps may add up the last places, hence 1e-12 relative.
"""

import copy
import inspect
import pickle
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import helpers.handtorch as hand

number = st.floats(0.0, 0.99)
flag = st.booleans()
betas = st.tuples(st.floats(0.0, 0.95), st.floats(0.5, 0.999))
adam = {"betas": betas, "eps": st.floats(1e-8, 1e-2), "weight_decay": number, "maximize": flag}
decoupled = {"decoupled_weight_decay": flag}
OPTIONS = {
    "SGD": {"momentum": number, "dampening": number, "weight_decay": number, "maximize": flag},
    "Adam": adam | decoupled | {"amsgrad": flag},
    "AdamW": adam | {"amsgrad": flag},
    "Adamax": adam,
    "NAdam": adam | decoupled | {"momentum_decay": number},
    "RAdam": adam | decoupled,
    "Adagrad": {
        "lr_decay": number,
        "weight_decay": number,
        "initial_accumulator_value": number,
        "eps": st.floats(1e-10, 1e-2),
        "maximize": flag,
    },
    "Adadelta": {"rho": number, "eps": st.floats(1e-6, 1e-2), "weight_decay": number, "maximize": flag},
    "RMSprop": {
        "alpha": number,
        "eps": st.floats(1e-8, 1e-2),
        "weight_decay": number,
        "momentum": number,
        "maximize": flag,
    },
    "Rprop": {
        "etas": st.tuples(st.floats(0.1, 0.9), st.floats(1.1, 3.0)),
        "step_sizes": st.tuples(st.floats(1e-6, 1e-3), st.floats(0.1, 50.0)),
        "maximize": flag,
    },
    "ASGD": {
        "lambd": number,
        "alpha": number,
        "t0": st.sampled_from([0.0, 3.0, 1e6]),
        "weight_decay": number,
        "maximize": flag,
    },
    "Adafactor": {
        "beta2_decay": st.floats(-1.0, 0.0),
        "eps": st.tuples(st.none() | st.floats(1e-6, 1e-2), st.floats(1e-4, 1e-1)),
        "d": st.floats(1.0, 3.0),
        "weight_decay": number,
        "maximize": flag,
    },
    "Muon": {
        "weight_decay": number,
        "momentum": number,
        "nesterov": flag,
        "ns_steps": st.integers(1, 6),
        "adjust_lr_fn": st.sampled_from([None, "original", "match_rms_adamw"]),
    },
}
ALL = [*OPTIONS, "LBFGS"]
# Relative tolerances in float32. A root may be off by 1.2e-7, ten of them by ten times that. Adafactor and Muon contain norms and
# products of matrices, which another library sums in another order; Muon works in 8 bits on top.
ROOT = 2e-5  # a unit in the last place of a root, grown by tens of steps with momentum and maximize
LOOSE = dict.fromkeys(["Adam", "AdamW", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop"], ROOT)
LOOSE |= {"Adafactor": 1e-5, "Muon": 4e-2}
SHAPES = st.lists(st.sampled_from([(), (1,), (5,), (3, 4), (2, 3, 2)]), min_size=1, max_size=3)
MATRICES = st.lists(st.sampled_from([(3, 4), (4, 3), (1, 5), (6, 6)]), min_size=1, max_size=3)


def plain(x):
    """Tensors of either library as arrays, all else as it is."""
    if isinstance(x, (torch.Tensor, hand.Tensor)):
        return x.detach().numpy().copy()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return type(x)(plain(v) for v in x)
    return x


def from_plain(T, x):
    """Arrays as tensors of the library T."""
    if isinstance(x, np.ndarray):
        return T.tensor(x.tolist(), dtype=getattr(T, x.dtype.name))
    if isinstance(x, dict):
        return {k: from_plain(T, v) for k, v in x.items()}
    if isinstance(x, list):
        return [from_plain(T, v) for v in x]
    return x


def both(action):
    """What `action` does with PyTorch, and with handtorch."""
    return action(torch), action(hand)


def tolerance(name, dtype):
    if dtype == "float64" and LOOSE.get(name, 0.0) <= ROOT:
        return 1e-12
    return LOOSE.get(name, 0.0)


def assert_same(a, b, rtol, what=""):
    """Nested dicts and lists of arrays are equal: to the bit if rtol is 0."""
    if isinstance(a, dict):
        assert a.keys() == b.keys(), what
        for k in a:
            assert_same(a[k], b[k], rtol, f"{what}[{k!r}]")
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b), what
        for i, (x, y) in enumerate(zip(a, b, strict=True)):
            assert_same(x, y, rtol, f"{what}[{i}]")
    elif isinstance(a, np.ndarray):
        assert (a.dtype, a.shape) == (b.dtype, b.shape), what
        if rtol == 0:
            np.testing.assert_array_equal(a, b, err_msg=what)
        else:
            # Where numbers cancel, the error is measured against the size of the whole tensor.
            scale = float(np.max(np.abs(a), initial=0.0))
            np.testing.assert_allclose(a, b, rtol=rtol, atol=rtol * max(scale, 1e-3), err_msg=what)
    elif isinstance(a, float):
        assert a == pytest.approx(b, rel=max(rtol, 1e-15)), what
    else:
        assert type(a) is type(b) and a == b, what


def make(T, name, arrays, split=1, dtype="float32", **options):
    """An optimizer of the library T on copies of `arrays`: two groups, unless `split` takes them all."""
    params = [T.tensor(a.tolist(), dtype=getattr(T, dtype), requires_grad=True) for a in arrays]
    groups = [{"params": params[:split]}]
    if params[split:]:
        groups.append({"params": params[split:], "lr": 0.05})
    return params, getattr(T.optim, name)(groups, **options)


def run(T, optimizer, params, dtype, gradients, new_lr=None):
    """The parameters and states after each step of given gradients; the rate changes midway."""
    trace = []
    for n, step in enumerate(gradients):
        for p, g in zip(params, step, strict=True):
            p.grad = None if g is None else T.tensor(g.tolist(), dtype=getattr(T, dtype))
        if new_lr is not None and n == len(gradients) // 2:
            optimizer.param_groups[0]["lr"] = new_lr
        assert optimizer.step() is None
        trace.append(plain([params, optimizer.state_dict()]))
    return trace


def draw_gradients(rng, arrays, steps, missing=0.2):
    return [
        [None if rng.random() < missing else np.asarray(rng.standard_normal(a.shape)) for a in arrays]
        for _ in range(steps)
    ]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", OPTIONS)
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_steps(name, dtype, data):
    options = data.draw(st.fixed_dictionaries({"lr": st.floats(1e-4, 0.5)}, optional=OPTIONS[name]), label="options")
    shapes = data.draw(MATRICES if name == "Muon" else SHAPES, label="shapes")
    rng = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1), label="seed"))
    if name == "SGD" and options.get("momentum") and not options.get("dampening"):
        options["nesterov"] = data.draw(flag, label="nesterov")
    arrays = [np.asarray(rng.standard_normal(shape)) for shape in shapes]
    gradients = draw_gradients(rng, arrays, 3 if name in ("Adafactor", "Muon") else 10)
    split, new_lr = data.draw(st.integers(1, len(shapes))), data.draw(st.none() | st.floats(1e-4, 0.5))

    def trace(T):
        params, optimizer = make(T, name, arrays, split, dtype, **options)
        return run(T, optimizer, params, dtype, gradients, new_lr)

    assert_same(*both(trace), tolerance(name, dtype))


def test_rmsprop_centered():
    """Apart from the others: where v - a² is nearly 0, or a small negative number, its root shows any rounding."""
    rng = np.random.default_rng(0)
    arrays = [rng.standard_normal((3, 4)), rng.standard_normal(5)]
    gradients = draw_gradients(rng, arrays, 20)

    def trace(T):
        params, optimizer = make(T, "RMSprop", arrays, centered=True, momentum=0.5)
        return run(T, optimizer, params, "float32", gradients)

    assert_same(*both(trace), 10 * ROOT)


def rosenbrock(T, x, y):
    """A valley that bends; the minimum is at (1, …, 1)."""
    return ((1 - x) ** 2).sum() + 100 * ((y - x**2) ** 2).sum()


LBFGS_OPTIONS = [
    {},
    {"line_search_fn": "strong_wolfe"},
    {"line_search_fn": "strong_wolfe", "max_iter": 5, "history_size": 3},
    {"lr": 0.1, "history_size": 2, "max_eval": 7},
    {"line_search_fn": "strong_wolfe", "lr": 0.5, "tolerance_change": 1e-3, "tolerance_grad": 1e-3},
]


@pytest.mark.parametrize("options", LBFGS_OPTIONS)
def test_lbfgs(options):
    """A search for the minimum amplifies the last bit of its sums (to 1e-6 after 55 evaluations), hence float64 and two steps."""

    def record(T):
        x, y = (T.tensor(v, dtype=T.float64, requires_grad=True) for v in ([-1.2, 0.5], [1.0, -0.3]))
        optimizer = T.optim.LBFGS([x, y], **options)
        trace = []

        def closure():
            optimizer.zero_grad()
            loss = rosenbrock(T, x, y)
            loss.backward()
            trace.append(loss.item())
            return loss

        for _ in range(2):
            loss = optimizer.step(closure)
            assert isinstance(loss, T.Tensor) and loss.requires_grad
        state = optimizer.state_dict()["state"][0]
        return [trace, plain([x, y]), {k: state[k] for k in ("func_evals", "n_iter")}, sorted(state)]

    traces = both(record)
    assert_same(*traces, 1e-6)


def test_lbfgs_finds_the_minimum():
    x, y = (hand.tensor(v, dtype=hand.float64, requires_grad=True) for v in ([-1.2], [1.0]))
    optimizer = hand.optim.LBFGS([x, y], line_search_fn="strong_wolfe")

    def closure():
        optimizer.zero_grad()
        loss = rosenbrock(hand, x, y)
        loss.backward()
        return loss

    for _ in range(5):
        optimizer.step(closure)
    assert x.item() == pytest.approx(1.0, abs=1e-3) and y.item() == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", ALL)
def test_signature(name):
    """The same arguments, in the same order, of the same kind, with the same defaults."""

    def signature(T):
        parameters = inspect.signature(getattr(T.optim, name)).parameters.values()
        return [(p.name, p.kind, p.default) for p in parameters]

    theirs, ours = both(signature)
    assert theirs == ours


@pytest.mark.parametrize("name", ALL)
def test_text(name):
    def record(T):
        params = [T.zeros(2, 3, requires_grad=True), T.zeros(3, 3, requires_grad=True)]
        groups = (
            [{"params": params}] if name == "LBFGS" else [{"params": params[:1]}, {"params": params[1:], "lr": 0.5}]
        )
        optimizer = getattr(T.optim, name)(groups)
        return [repr(optimizer), str(optimizer.state_dict()["param_groups"]), str(optimizer.defaults)]

    texts = both(record)
    assert texts[0] == texts[1]


def one(T):
    return T.zeros(2, 2, requires_grad=True)


def one_with_gradient(T):
    p = one(T)
    p.grad = T.ones(2, 2)
    return p


def two_groups(T):
    return [{"params": [one(T)]}, {"params": [one(T)]}]


BAD_OPTIONS = [
    *[(name, {"lr": -0.1}) for name in ALL],
    *[(name, {"lr": float("nan")}) for name in ALL if name not in ("SGD", "LBFGS")],
    *[(name, {"weight_decay": -1}) for name in ALL if name not in ("Rprop", "LBFGS")],
    *[
        (name, {"eps": -1e-3})
        for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam", "Adagrad", "Adadelta", "RMSprop")
    ],
    *[(name, {"betas": (1.0, 0.9)}) for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")],
    *[(name, {"betas": (0.9, -0.5)}) for name in ("Adam", "AdamW", "Adamax", "NAdam", "RAdam")],
    ("Adam", {"betas": (0, 0.9)}),
    ("SGD", {"momentum": -0.5}),
    ("SGD", {"nesterov": True}),
    ("SGD", {"nesterov": True, "momentum": 0.9, "dampening": 0.1}),
    ("NAdam", {"momentum_decay": -1}),
    ("Adagrad", {"lr_decay": -1}),
    ("Adagrad", {"initial_accumulator_value": -1}),
    ("Adadelta", {"rho": 1.5}),
    ("RMSprop", {"momentum": -1}),
    ("RMSprop", {"alpha": -1}),
    ("Rprop", {"etas": (1.5, 1.2)}),
    ("Adafactor", {"beta2_decay": 0.5}),
    ("Adafactor", {"eps": (-1.0, 1e-3)}),
    ("Adafactor", {"eps": (None, -1.0)}),
    ("Adafactor", {"d": 0.5}),
    ("Muon", {"momentum": -1}),
    ("Muon", {"adjust_lr_fn": "other"}),
    ("SGD", {"learning_rate": 0.1}),
]


def refusal(action):
    with pytest.raises(Exception) as caught:  # noqa: B017 (its type is compared)
        action()
    return type(caught.value), str(caught.value).replace("helpers.handtorch.optim", "torch.optim")


@pytest.mark.parametrize(("name", "options"), BAD_OPTIONS, ids=lambda x: str(x))
def test_refused_options(name, options):
    refusals = both(lambda T: refusal(lambda: getattr(T.optim, name)([one(T)], **options)))
    assert refusals[0] == refusals[1]


@pytest.mark.parametrize("name", ALL)
def test_tensor_lr_of_two(name):
    refusals = both(lambda T: refusal(lambda: getattr(T.optim, name)([one(T)], lr=T.ones(2))))
    assert refusals[0] == refusals[1]


BAD_PARAMETERS = {
    "one tensor": lambda T: T.optim.SGD(one(T)),
    "nothing": lambda T: T.optim.SGD([]),
    "numbers": lambda T: T.optim.SGD([1.0, 2.0]),
    "strings": lambda T: T.optim.SGD({"w": one(T)}),
    "a set": lambda T: T.optim.SGD([{"params": {one(T)}}]),
    "not a leaf": lambda T: T.optim.SGD([one(T) * 2]),
    "twice": lambda T: T.optim.SGD([{"params": [p := one(T)]}, {"params": [p]}]),
    "group is no dict": lambda T: T.optim.SGD([one(T)]).add_param_group([one(T)]),
    "group without params": lambda T: T.optim.SGD([one(T)]).add_param_group({"lr": 0.1}),
    "some names": lambda T: T.optim.SGD([("a", one(T)), one(T)]),
    "names missing": lambda T: T.optim.SGD([("a", one(T))]).add_param_group({"params": [one(T)]}),
    "names added": lambda T: T.optim.SGD([one(T)]).add_param_group({"params": [("a", one(T))]}),
    "lbfgs groups": lambda T: T.optim.LBFGS(two_groups(T)),
    "lbfgs closure": lambda T: T.optim.LBFGS([one(T)]).step(),
    "muon vector": lambda T: T.optim.Muon([T.zeros(3, requires_grad=True)]),
    "fewer groups": lambda T: T.optim.SGD(two_groups(T)).load_state_dict(T.optim.SGD([one(T)]).state_dict()),
    "longer group": lambda T: T.optim.SGD([one(T), one(T)]).load_state_dict(T.optim.SGD([one(T)]).state_dict()),
    "no formula": lambda T: T.optim.Optimizer([one_with_gradient(T)], {}).step(),
}


@pytest.mark.parametrize("case", BAD_PARAMETERS)
def test_refused_parameters(case):
    refusals = both(lambda T: refusal(lambda: BAD_PARAMETERS[case](T)))
    assert refusals[0] == refusals[1]


def test_line_search_of_another_name():
    def action(T):
        x = T.ones(2, requires_grad=True)
        optimizer = T.optim.LBFGS([x], line_search_fn="other")

        def closure():
            loss = (x * x).sum()
            loss.backward()
            return loss

        optimizer.step(closure)

    refusals = both(lambda T: refusal(lambda: action(T)))
    assert refusals[0] == refusals[1]


def test_duplicates_warn():
    def record(T):
        p = one(T)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            T.optim.SGD([p, p])
        return [(w.category, str(w.message)) for w in caught]

    texts = both(record)
    assert texts[0] == texts[1] and len(texts[0]) == 1


@pytest.mark.parametrize("option", ["foreach", "capturable", "differentiable", "fused"])
@pytest.mark.parametrize("name", [name for name in ALL if name not in ("LBFGS", "Muon")])
def test_where_handtorch_ends(name, option):
    cls = getattr(hand.optim, name)
    if option in inspect.signature(getattr(torch.optim, name)).parameters:
        cls([one(hand)], **{option: False})
        with pytest.raises(NotImplementedError, match=rf"handtorch ends here: {name}\({option}=True\)"):
            cls([one(hand)], **{option: True})
    else:
        with pytest.raises(TypeError, match="unexpected keyword argument"):
            cls([one(hand)], **{option: True})


@pytest.mark.parametrize("name", OPTIONS)
def test_state_travels(name):
    """PyTorch's state, as plain numbers, loaded into handtorch: the steps go on as PyTorch's do. And handtorch's own."""
    rng = np.random.default_rng(1)
    arrays = [rng.standard_normal((3, 4)), rng.standard_normal((4, 2))]
    gradients = draw_gradients(rng, arrays, 4, missing=0)
    extra = {"momentum": 0.9} if name in ("SGD", "RMSprop") else {}
    theirs, optimizer = make(torch, name, arrays, **extra)
    run(torch, optimizer, theirs, "float32", gradients)
    middle, saved = plain(theirs), plain(optimizer.state_dict())

    resumed = []
    params, other = make(hand, name, middle, **extra)
    other.load_state_dict(from_plain(hand, saved))
    resumed.append(run(hand, other, params, "float32", gradients))
    params, again = make(hand, name, middle, **extra)
    again.load_state_dict(copy.deepcopy(from_plain(hand, saved)))
    resumed.append(run(hand, again, params, "float32", gradients))
    expected = run(torch, optimizer, theirs, "float32", gradients)
    for trace in resumed:
        assert_same(expected, trace, tolerance(name, "float32"))


def test_state_of_plain_floats():
    """Old files count the steps in a float; PyTorch makes a tensor of it."""

    def record(T):
        p = one(T)
        optimizer = T.optim.Adam([p])
        p.grad = T.ones(2, 2)
        optimizer.step()
        state = optimizer.state_dict()
        state["state"][0]["step"] = 7.0
        del state["param_groups"][0]["amsgrad"]
        optimizer.load_state_dict(state)
        optimizer.step()
        return plain([p, optimizer.state_dict()])

    counts = both(record)
    assert_same(*counts, ROOT)


def test_loaded_state_takes_the_dtype_of_the_parameter():
    def record(T):
        wide, narrow = T.zeros(2, dtype=T.float64, requires_grad=True), T.zeros(2, requires_grad=True)
        wide.grad = T.ones(2, dtype=T.float64)
        first, second = T.optim.Adam([wide]), T.optim.Adam([narrow])
        first.step()
        second.load_state_dict(first.state_dict())
        return {k: str(v.dtype) for k, v in second.state[narrow].items()}

    dtypes = both(record)
    assert dtypes[0] == dtypes[1]


@pytest.mark.parametrize("remake", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))], ids=["deepcopy", "pickle"])
def test_copy(remake):
    p = hand.ones(3, requires_grad=True)
    optimizer = hand.optim.Adam([p], lr=0.1)
    p.grad = hand.ones(3)
    optimizer.step()
    p2, optimizer2 = remake((p, optimizer))
    for q, o in ((p, optimizer), (p2, optimizer2)):
        q.grad = hand.tensor([1.0, 2.0, 3.0])
        o.step()
    assert p2 is not p and p2.tolist() == p.tolist()
    assert repr(optimizer2) == repr(optimizer)


def test_named_parameters():
    def record(T):
        w, b = one(T), T.zeros(2, requires_grad=True)
        optimizer = T.optim.SGD([("w", w), ("b", b)], lr=0.1)
        state = optimizer.state_dict()
        optimizer.load_state_dict({k: v for k, v in state.items()})
        unnamed = T.optim.SGD([one(T), T.zeros(2)], lr=0.2)
        unnamed.load_state_dict(state)
        named = T.optim.SGD([("x", one(T)), ("y", T.zeros(2))])
        named.load_state_dict(T.optim.SGD([one(T), T.zeros(2)], lr=0.2).state_dict())
        return [str(state), repr(optimizer), repr(unnamed), repr(named)]

    seen = both(record)
    assert seen[0] == seen[1]


@pytest.mark.parametrize("T", [torch, hand], ids=["torch", "handtorch"])
@pytest.mark.parametrize("set_to_none", [True, False])
def test_zero_grad(T, set_to_none):
    p, q = one(T), one(T)
    optimizer = T.optim.SGD([p, q], lr=0.1)
    (p * p).sum().backward(create_graph=True)
    before = p.grad
    optimizer.zero_grad(set_to_none=set_to_none)
    assert q.grad is None
    if set_to_none:
        assert p.grad is None
    else:
        assert p.grad is before and p.grad.grad_fn is None and p.grad.tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_step_is_in_place():
    """The tensor stays the same object, no graph is recorded, and a graph made before the step knows that it is stale."""

    def record(T):
        p = T.tensor([1.0, 2.0], requires_grad=True)
        loss = (p * p).sum()
        loss.backward(retain_graph=True)
        version = p._version
        T.optim.Adam([p], lr=0.1).step()
        assert p.is_leaf and p.requires_grad and p.grad_fn is None and p._version > version
        return refusal(loss.backward)

    messages = both(record)
    assert messages[0] == messages[1]


@pytest.mark.parametrize("T", [torch, hand], ids=["torch", "handtorch"])
def test_closure(T):
    p = T.tensor([1.0, 2.0], requires_grad=True)
    optimizer = T.optim.SGD([p], lr=0.1)

    def closure():
        loss = (p * p).sum()
        loss.backward()
        return loss

    with T.no_grad():
        loss = optimizer.step(closure)
    assert loss.item() == 5.0 and loss.requires_grad
    assert p.tolist() == pytest.approx([0.8, 1.6])


def test_hooks():
    def record(T):
        log, p = [], one(T)
        p.grad = T.ones(2, 2)
        optimizer = T.optim.SGD([p], lr=1.0)
        handles = [
            optimizer.register_step_pre_hook(lambda o, args, kwargs: log.append(("before", len(args), kwargs))),
            optimizer.register_step_post_hook(lambda o, args, kwargs: log.append(("after", len(args), kwargs))),
            optimizer.register_state_dict_pre_hook(lambda o: log.append("saving")),
            optimizer.register_state_dict_post_hook(lambda o, d: d | {"more": 1}),
            optimizer.register_state_dict_post_hook(lambda o, d: log.append(sorted(d)), prepend=True),
            optimizer.register_load_state_dict_pre_hook(lambda o, d: log.append(sorted(d))),
            optimizer.register_load_state_dict_post_hook(lambda o: log.append("loaded")),
        ]
        for _ in range(2):
            optimizer.step()
            optimizer.load_state_dict(optimizer.state_dict())
            for handle in handles:
                handle.remove()
        optimizer.register_step_pre_hook(lambda o, args, kwargs: ((o,), {"closure": lambda: 3.0}))
        result = [log, optimizer.step(), p.tolist()]
        optimizer.register_step_pre_hook(lambda o, args, kwargs: "nonsense")
        with pytest.raises(
            RuntimeError, match=r"must return None or a tuple of \(new_args, new_kwargs\), but got nonsense"
        ):
            optimizer.step()
        return result

    logs = both(record)
    assert logs[0] == logs[1]


def test_an_optimizer_of_your_own():
    def record(T):
        class SignDescent(T.optim.Optimizer):
            def __init__(self, params, lr):
                super().__init__(params, {"lr": lr})

            def step(self, closure=None):
                with T.no_grad():
                    for group in self.param_groups:
                        for p in group["params"]:
                            p -= group["lr"] * p.grad.sign()

        p = T.tensor([1.0, -2.0], requires_grad=True)
        optimizer, log = SignDescent([p], lr=0.5), []
        optimizer.register_step_post_hook(lambda o, a, k: log.append("stepped"))
        (p * p).sum().backward()
        optimizer.step()
        return [p.tolist(), log, repr(optimizer)]

    results = both(record)
    assert results[0] == results[1]


@pytest.mark.parametrize("name", [name for name in OPTIONS if name != "Muon"])
def test_rate_in_a_tensor(name):
    rng = np.random.default_rng(2)
    arrays = [rng.standard_normal(4)]
    gradients = draw_gradients(rng, arrays, 5, missing=0)

    def trace(T):
        params, optimizer = make(T, name, arrays, lr=T.tensor([0.01]))
        return run(T, optimizer, params, "float32", gradients)

    assert_same(*both(trace), tolerance(name, "float32"))


class TestClipping:
    @pytest.mark.parametrize("norm_type", [1, 2.0, float("inf"), 3])
    @pytest.mark.parametrize(("size", "max_norm"), [(1.0, 0.5), (1.0, 1e3), (1e-5, 1e-5)])
    def test_norm(self, norm_type, size, max_norm):
        """Norms sum in another order: float32, a few units in the last place. Tiny gradients show the 1e-6 in the factor."""

        def record(T):
            params = [T.zeros(3, requires_grad=True), T.zeros(2, 2, requires_grad=True), one(T)]
            params[0].grad, params[1].grad = (
                size * T.tensor(values) for values in ([1.0, -2.0, 3.0], [[4.0, 5.0], [6.0, -7.0]])
            )
            norm = T.nn.utils.clip_grad_norm_(params, max_norm, norm_type)
            result = plain([norm, params[0].grad, params[1].grad])
            assert params[2].grad is None
            return result

        results = both(record)
        assert_same(*results, 1e-6)

    def test_value(self):
        def record(T):
            p = T.zeros(3, requires_grad=True)
            p.grad = T.tensor([0.1, -2.0, 3.0])
            assert T.nn.utils.clip_grad_value_(p, 1) is None
            return plain([p.grad])

        results = both(record)
        assert_same(*results, 0)

    def test_not_finite(self):
        def action(T):
            p = T.zeros(2, requires_grad=True)
            p.grad = T.tensor([float("inf"), 1.0])
            T.nn.utils.clip_grad_norm_([p], 1.0, error_if_nonfinite=True)

        refusals = both(lambda T: refusal(lambda: action(T)))
        assert refusals[0] == refusals[1]

    def test_nothing_to_clip(self):
        def record(T):
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                norm = T.nn.utils.clip_grad_norm_((p for p in []), 1.0)
            return [norm.item(), [str(w.message) for w in caught]]

        results = both(record)
        assert results[0] == results[1]

    def test_vector_of_parameters(self):
        def record(T):
            params = [T.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True), T.tensor([5.0], requires_grad=True)]
            vector = T.nn.utils.parameters_to_vector(params)
            assert vector.requires_grad
            T.nn.utils.vector_to_parameters(vector.detach() * 2, params)
            assert all(p.is_leaf and p.requires_grad for p in params)
            result = plain([vector, *params])
            with pytest.raises(TypeError, match="expected torch.Tensor, but got: list"):
                T.nn.utils.vector_to_parameters([1.0], params)
            return result

        results = both(record)
        assert_same(*results, 0)
