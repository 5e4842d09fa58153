"""Random numbers, bit for bit as PyTorch's: every function over sizes and seeds, and the state of the generator after each."""

import math

import numpy as np
import pytest
import torch

import helpers.handtorch.random as random
from helpers.handtorch import dtypes
from helpers.handtorch.creation import leaf
from helpers.handtorch.twister import cos_sin_float32, log_float32

SEEDS = [0, 1, 42, 2**31 - 1, 2**40 + 7, -3]
SIZES = [*range(0, 36), 47, 48, 49, 63, 64, 65, 99, 100]
FLOATS = ["float32", "float64", "float16"]


def seed_both(seed: int):
    torch.manual_seed(seed)
    random.manual_seed(seed)


def assert_same(ours, expected: torch.Tensor):
    assert ours.dtype.name == str(expected.dtype).removeprefix("torch.")
    assert tuple(ours.shape) == tuple(expected.shape)
    assert ours._array.tobytes() == expected.detach().contiguous().numpy().tobytes()


def assert_same_state():
    assert random.get_rng_state()._array.tobytes() == torch.get_rng_state().numpy().tobytes()


def zeros(shape, dtype="float32"):
    """The same zeros for each side."""
    return leaf(np.zeros(shape, dtype)), torch.zeros(shape, dtype=getattr(torch, dtype))


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("dtype", FLOATS)
def test_real_numbers_of_every_size(seed, dtype):
    seed_both(seed)
    for size in SIZES:
        ours, theirs = {"dtype": getattr(dtypes, dtype)}, {"dtype": getattr(torch, dtype)}
        assert_same(random.rand(size, **ours), torch.rand(size, **theirs))
        assert_same(random.randn(size, **ours), torch.randn(size, **theirs))
        for method, args in [
            ("uniform_", (-0.3, 0.7)),
            ("normal_", (1.5, 0.3)),
            ("exponential_", (2.5,)),
            ("bernoulli_", (0.3,)),
        ]:
            mine, yours = zeros(size, dtype)
            assert_same(getattr(mine, method)(*args), getattr(yours, method)(*args))
        assert_same_state()


@pytest.mark.parametrize("seed", SEEDS)
def test_whole_numbers_of_every_size(seed):
    seed_both(seed)
    for size in SIZES:
        for low, high in [(0, 10), (-5, 3), (0, 1), (0, 2**28 - 1), (0, 2**28), (-(2**40), 2**50)]:
            assert_same(random.randint(low, high, (size,)), torch.randint(low, high, (size,)))
        assert_same(random.randperm(size), torch.randperm(size))
        assert_same_state()


@pytest.mark.parametrize("dtype", ["int64", "int32", "int16", "int8", "uint8", "bool", *FLOATS])
def test_whole_numbers_of_every_type(dtype):
    seed_both(7)
    ours, theirs = getattr(dtypes, dtype), getattr(torch, dtype)
    assert_same(random.randint(0, 2, (40,), dtype=ours), torch.randint(0, 2, (40,), dtype=theirs))
    mine, yours = zeros(40, dtype)
    assert_same(mine.random_(), yours.random_())
    assert_same(mine.random_(2), yours.random_(2))
    assert_same(mine.random_(0, 2), yours.random_(0, 2))
    assert_same(mine.bernoulli_(0.7), yours.bernoulli_(0.7))
    if dtype != "bool":
        assert_same(random.randperm(40, dtype=ours), torch.randperm(40, dtype=theirs))
        assert_same(random.randint_like(mine, 3, 9), torch.randint_like(yours, 3, 9))
    assert_same_state()


def test_large_float32_normals_are_exact():
    """Half a million numbers: the polynomials and their fused steps are the very same."""
    for seed in (0, 1):
        seed_both(seed)
        assert_same(random.randn(262144), torch.randn(262144))
        assert_same(random.randn(513, 77), torch.randn(513, 77))


def test_float32_logarithm_and_angles_are_accurate():
    """The functions behind them, held to float64: what makes the numbers normal, not only PyTorch's."""
    x = np.random.default_rng(0).random(100_000).astype(np.float32)[1:]
    np.testing.assert_allclose(log_float32(1 - x), np.log(1 - x.astype(np.float64)), rtol=3e-7, atol=1e-7)
    cosine, sine = cos_sin_float32(x * np.float32(2 * math.pi))
    np.testing.assert_allclose(cosine, np.cos(2 * math.pi * x.astype(np.float64)), atol=1e-6)
    np.testing.assert_allclose(sine, np.sin(2 * math.pi * x.astype(np.float64)), atol=1e-6)


def test_shapes_and_likes():
    seed_both(3)
    assert_same(random.rand(2, 3), torch.rand(2, 3))
    assert_same(random.rand((2, 3)), torch.rand((2, 3)))
    assert_same(random.rand(size=(4,)), torch.rand(size=(4,)))
    assert_same(random.rand(()), torch.rand(()))
    assert_same(random.rand(0, 3), torch.rand(0, 3))
    assert_same(random.randn([5, 5]), torch.randn([5, 5]))
    assert_same(random.randint(9, (2, 2)), torch.randint(9, (2, 2)))
    assert_same(random.randint(high=9, size=(2, 2)), torch.randint(high=9, size=(2, 2)))
    assert_same(random.randint(3, 9, size=(4,)), torch.randint(3, 9, size=(4,)))
    mine, yours = zeros((6, 7), "float64")
    assert_same(random.rand_like(mine), torch.rand_like(yours))
    assert_same(random.randn_like(mine), torch.randn_like(yours))
    assert_same(random.randn_like(mine, dtype=dtypes.float32), torch.randn_like(yours, dtype=torch.float32))
    assert random.rand(3, requires_grad=True).requires_grad
    assert random.randn_like(mine, requires_grad=True).is_leaf


def test_memory_that_is_not_contiguous_is_filled_in_its_order():
    seed_both(4)
    for method in ("uniform_", "normal_", "random_"):
        mine, yours = leaf(np.zeros((5, 8), np.float32).T), torch.zeros(5, 8).t()
        assert_same(getattr(mine, method)(), getattr(yours, method)())
        mine, yours = leaf(np.zeros((6, 8), np.float32)[::2, 1:]), torch.zeros(6, 8)[::2, 1:]
        assert_same(getattr(mine, method)(), getattr(yours, method)())
    mine, yours = leaf(np.zeros((5, 8), np.float32).T), torch.zeros(5, 8).t()
    assert_same(random.randn_like(mine), torch.randn_like(yours))
    assert_same_state()


def test_normal_about_tensors():
    seed_both(5)
    mean, std = np.linspace(-1, 1, 20, dtype=np.float32), np.linspace(0.1, 2, 20, dtype=np.float32)
    ours, theirs = (leaf(mean), leaf(std)), (torch.from_numpy(mean), torch.from_numpy(std))
    assert_same(random.normal(*ours), torch.normal(*theirs))
    assert_same(random.normal(ours[0], 0.5), torch.normal(theirs[0], 0.5))
    assert_same(random.normal(ours[0]), torch.normal(theirs[0]))
    assert_same(random.normal(2.0, ours[1]), torch.normal(2.0, theirs[1]))
    assert_same(random.normal(2.0, 3.0, (30,)), torch.normal(2.0, 3.0, (30,)))
    assert_same(random.normal(0, 1, size=(3,)), torch.normal(0, 1, size=(3,)))
    ours[0].requires_grad_(), theirs[0].requires_grad_()
    mine, yours = random.normal(*ours), torch.normal(*theirs)
    assert_same(mine, yours)
    assert type(mine.grad_fn).__name__ == type(yours.grad_fn).__name__


@pytest.mark.parametrize("dtype", FLOATS)
def test_bernoulli_of_a_tensor_of_probabilities(dtype):
    seed_both(6)
    p = np.random.default_rng(0).random((4, 30)).astype(dtype)
    ours, theirs = leaf(p), torch.from_numpy(p)
    assert_same(random.bernoulli(ours), torch.bernoulli(theirs))
    assert_same(random.bernoulli(ours, 0.25), torch.bernoulli(theirs, 0.25))
    assert_same(ours.bernoulli(), theirs.bernoulli())
    mine, yours = zeros((4, 30))
    assert_same(mine.bernoulli_(ours), yours.bernoulli_(theirs))
    mine, yours = zeros((4, 30), "int64")
    assert_same(mine.bernoulli_(ours[0]), yours.bernoulli_(theirs[0]))
    assert_same_state()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("seed", range(5))
def test_multinomial(dtype, seed):
    seed_both(seed)
    for shape in [(5,), (40,), (3, 7)]:
        weights = np.random.default_rng(seed).random(shape).astype(dtype)
        ours, theirs = leaf(weights), torch.from_numpy(weights)
        for count, replacement in [(1, False), (4, False), (1, True), (9, True)]:
            assert_same(random.multinomial(ours, count, replacement), torch.multinomial(theirs, count, replacement))
    assert_same_state()


def test_the_odd_normal_number_waits():
    seed_both(8)
    for size in (1, 3, 2, 5, 1, 20, 1, 17, 4):
        assert_same(random.randn(size), torch.randn(size))
        assert_same_state()
    seed_both(8)  # seeding forgets it
    assert_same(random.randn(3), torch.randn(3))


def test_state_moves_between_the_two():
    torch.manual_seed(9)
    for size in (0, 1, 5, 300, 700):
        torch.randn(size)
        state = torch.get_rng_state()
        random.set_rng_state(leaf(state.numpy()))
        assert_same_state()
        assert random.initial_seed() == torch.initial_seed()
        assert_same(random.randn(7), torch.randn(7))
        assert_same_state()
    saved = random.get_rng_state()
    first = random.rand(5)
    random.set_rng_state(saved)
    assert first.tolist() == random.rand(5).tolist()


def test_fork_rng():
    random.manual_seed(10)
    before = random.get_rng_state().tolist()
    with random.fork_rng():
        random.rand(3)
        assert random.get_rng_state().tolist() != before
    assert random.get_rng_state().tolist() == before
    with random.fork_rng(enabled=False):
        random.rand(3)
    assert random.get_rng_state().tolist() != before


def test_generators():
    ours, theirs = random.Generator().manual_seed(11), torch.Generator().manual_seed(11)
    seed_both(12)
    assert_same(random.rand(5, generator=ours), torch.rand(5, generator=theirs))
    assert_same(random.randperm(5, generator=ours), torch.randperm(5, generator=theirs))
    assert_same(ours.get_state(), theirs.get_state())
    assert_same_state()  # the common one has not moved
    assert random.Generator().initial_seed() == torch.Generator().initial_seed()
    assert_same(random.rand(2, generator=random.Generator()), torch.rand(2, generator=torch.Generator()))
    assert ours.seed() == ours.initial_seed()
    twin = ours.clone_state()
    assert random.rand(3, generator=twin).tolist() == random.rand(3, generator=ours).tolist()
    assert random.manual_seed(1) is random.default_generator
    assert random.seed() == random.initial_seed()
    for seed in (-5, 3.7, "12"):
        torch.manual_seed(int(seed) if isinstance(seed, str) else seed)
        random.manual_seed(seed)
        assert random.initial_seed() == torch.initial_seed()


def test_in_place_filling_is_recorded():
    for method, args in [
        ("uniform_", ()),
        ("normal_", ()),
        ("bernoulli_", (0.5,)),
        ("random_", (5,)),
        ("exponential_", ()),
    ]:
        names, grads = [], []
        for x in (leaf(np.ones(3, np.float32)), torch.ones(3)):
            y = x.requires_grad_() * 2
            version = y._version
            getattr(y, method)(*args)
            assert y._version == version + 1
            names.append(type(y.grad_fn).__name__)
            y.backward(y.detach() * 0 + 1)
            grads.append(x.grad.tolist())
        assert names[0] == names[1]
        assert grads[0] == grads[1] == [0.0, 0.0, 0.0]


BAD = {
    "uniform_ of a leaf": lambda t, z, g: z(3).requires_grad_().uniform_(),
    "uniform_ of integers": lambda t, z, g: z(3, "int64").uniform_(),
    "uniform_ of an empty range": lambda t, z, g: z(3).uniform_(2, 1),
    "normal_ of integers": lambda t, z, g: z(3, "int64").normal_(),
    "normal_ with std < 0": lambda t, z, g: z(3).normal_(0, -1),
    "bernoulli_ beyond 1": lambda t, z, g: z(3).bernoulli_(1.5),
    "bernoulli of a bad tensor": lambda t, z, g: t.bernoulli(z(3) + 2),
    "exponential_ of a negative rate": lambda t, z, g: z(3).exponential_(-1),
    "randint of an empty range": lambda t, z, g: t.randint(5, 3, (2,)),
    "randint without a size": lambda t, z, g: t.randint(0, 5),
    "randint beyond the type": lambda t, z, g: t.randint(300, (2,), dtype=g.uint8),
    "randint below the type": lambda t, z, g: t.randint(-300, 2, (2,), dtype=g.int8),
    "rand of integers": lambda t, z, g: t.rand(2, dtype=g.int64),
    "rand of a negative size": lambda t, z, g: t.randn(-1),
    "randperm of a negative size": lambda t, z, g: t.randperm(-1),
    "randint with a gradient": lambda t, z, g: t.randint(3, (2,), requires_grad=True),
    "normal with a negative std": lambda t, z, g: t.normal(z(2), z(2) - 1),
    "multinomial of zeros": lambda t, z, g: t.multinomial(z(2), 1),
    "multinomial of too many": lambda t, z, g: t.multinomial(z(2) + 1, 3),
    "a seed too large": lambda t, z, g: t.manual_seed(2**64),
    "a seed that is no number": lambda t, z, g: t.manual_seed("a"),
    "a state of the wrong size": lambda t, z, g: t.set_rng_state(z(3, "uint8")),
}


@pytest.mark.parametrize("case", BAD)
def test_refusals_in_pytorchs_words(case):
    raised = []
    for module, zero, types in ((random, lambda *a: zeros(*a)[0], dtypes), (torch, lambda *a: zeros(*a)[1], torch)):
        with pytest.raises(Exception) as caught:  # noqa: B017 (which exception it is, is what is compared)
            BAD[case](module, zero, types)
        raised.append((caught.type, str(caught.value)))
    assert raised[0] == raised[1]
