"""The engine of chapter 10 does what PyTorch does: on random graphs, for every row of its table, walk after walk."""

import numpy as np
import pytest
import torch

from helpers import engine
from helpers.engine import Tensor, cross_entropy, no_grad, sgd_step, unbroadcast


def twins(rng, *shape):
    """A leaf of the engine and PyTorch's of the same numbers."""
    data = rng.standard_normal(shape)
    return Tensor(data.copy(), requires_grad=True), torch.tensor(data, requires_grad=True)


def agree(mine, theirs):
    assert (mine.grad is None) == (theirs.grad is None)
    if mine.grad is not None:
        assert mine.grad.shape == tuple(theirs.grad.shape)
        np.testing.assert_allclose(mine.grad, theirs.grad.numpy(), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("seed", range(20))
def test_random_graphs_over_several_walks(seed):
    """Sums, products and relus of broadcast shapes, values used more than once, two walks on one graph."""
    rng = np.random.default_rng(seed)
    leaves = [twins(rng, *shape) for shape in ((3, 4), (4,), (3, 1), (), (1, 4))]
    made = list(leaves)
    for _ in range(12):
        (a, ta), (b, tb) = (made[rng.integers(len(made))] for _ in range(2))
        kind = rng.integers(3)
        if kind == 0:
            made.append((a + b, ta + tb))
        elif kind == 1:
            made.append((a * b * 0.5, ta * tb * 0.5))
        else:
            made.append((a.relu(), ta.relu()))
    root, other = sum((m for m, _ in made[5:]), Tensor(0.0)), sum(t for _, t in made[5:])
    g = rng.standard_normal(root.data.shape)
    for _ in range(2):
        root.backward(g, retain_graph=True)
        other.backward(torch.tensor(g), retain_graph=True)
        for mine, theirs in leaves:
            agree(mine, theirs)


def test_a_network_and_its_loss():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((17, 6)), rng.integers(0, 4, 17)
    params = [twins(rng, *shape) for shape in ((6, 5), (5,), (5, 4), (4,))]
    a, b, c, d = (m for m, _ in params)
    loss = cross_entropy((Tensor(x) @ a + b).relu() @ c + d, y)
    loss.backward(3.0)
    a, b, c, d = (t for _, t in params)
    other = torch.nn.functional.cross_entropy((torch.tensor(x) @ a + b).relu() @ c + d, torch.tensor(y))
    other.backward(torch.tensor(3.0, dtype=torch.float64))
    assert abs(float(loss.data) - other.item()) < 1e-14
    for mine, theirs in params:
        agree(mine, theirs)
    before = [m.data.copy() for m, _ in params]
    sgd_step([m for m, _ in params], 0.1)
    assert all(np.array_equal(m.data, b - 0.1 * m.grad) for (m, _), b in zip(params, before, strict=True))


def words(action):
    with pytest.raises(RuntimeError) as error:
        action()
    return str(error.value)


def test_the_errors_have_pytorchs_words():
    def twice(w):
        loss = (w * w).sum()
        loss.backward()
        loss.backward()

    for make in (lambda f: f(Tensor), lambda f: f(torch.tensor)):
        assert words(lambda make=make: make(lambda t: twice(t([1.0, 2.0], requires_grad=True)))) == engine.SECOND_TIME
        assert words(lambda make=make: make(lambda t: t([1, 2], requires_grad=True))) == engine.WHOLE_NUMBERS
        assert words(lambda make=make: make(lambda t: t([1.0]).backward())) == engine.NO_HISTORY
        asks = lambda t: (t([1.0, 2.0], requires_grad=True) * 2.0).backward()  # noqa: E731
        assert words(lambda make=make, asks=asks: make(asks)) == engine.NOT_SCALAR


def test_nothing_is_recorded_under_no_grad_and_the_mode_comes_back():
    w = Tensor(2.0, requires_grad=True)
    context = no_grad()
    with pytest.raises(KeyError), context, context:
        assert not (w * w).requires_grad and (w * w).parents == ()
        raise KeyError
    assert engine.mode.grad and context(lambda: (w * w).requires_grad)() is False and (w * w).requires_grad


def test_a_gradient_that_cannot_belong_is_refused_and_a_result_is_never_shared():
    for g, shape in (((32,), (32, 1)), ((3,), (4,)), ((2, 3), (2, 4)), ((), (2,))):
        with pytest.raises(ValueError, match="does not belong"):
            unbroadcast(np.ones(g), shape)
    g = np.ones((2, 3))
    assert not np.shares_memory(unbroadcast(g, (2, 3)), g)
