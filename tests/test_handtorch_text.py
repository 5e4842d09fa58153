"""The text of tensors, held to PyTorch's own `repr` on random tensors of every kind that the course can print."""

import itertools
import math

import numpy as np
import pytest
import torch

from helpers.handtorch import text

FLOATS = ["float32", "float64", "float16"]
INTEGERS = ["int64", "int32", "int16", "int8", "uint8", "bool"]
OPTIONS = {
    "precision": [None, 0, 1, 2, 4, 8],
    "threshold": [None, 0, 5, 20, math.inf],
    "edgeitems": [None, 0, 1, 2, 5],
    "linewidth": [None, 20, 40, 79, 81, 120],
    "profile": [None, None, "default", "short", "full"],
    "sci_mode": [None, True, False],
}


@pytest.fixture(autouse=True)
def default_options():
    yield
    torch.set_printoptions(profile="default")
    text.set_printoptions(profile="default")


def values(rng: np.random.Generator, dtype: str, shape: tuple[int, ...]) -> np.ndarray:
    """Random values of many magnitudes, whole or not, with the awkward ones sprinkled in."""
    if dtype == "bool":
        return rng.random(shape) < 0.5
    if dtype in INTEGERS:
        low, high = (0, 250) if dtype == "uint8" else (-120, 120)
        return rng.integers(low, high, shape).astype(dtype)
    kind = rng.integers(6)
    spread = [1.0, 100.0, 1e-3, 1e4, 1.0, 1.0][kind]
    array = rng.standard_normal(shape) * spread
    if kind == 4:
        array = np.round(array * 10.0 ** rng.integers(0, 10))
    elif kind == 5:
        array = array * 10.0 ** rng.integers(-12, 12, shape)
    awkward = np.array([0.0, -0.0, math.inf, -math.inf, math.nan, 1e-4, 1000.0, 1e8, 1.0])
    mask = rng.random(shape) < rng.choice([0.0, 0.0, 0.2, 1.0])
    with np.errstate(over="ignore"):
        return np.where(mask, rng.choice(awkward, shape), array).astype(dtype)


def random_shape(rng: np.random.Generator) -> tuple[int, ...]:
    longest = [40, 12, 5, 4, 3][ndim - 1] if (ndim := int(rng.integers(0, 5))) else 0
    return tuple(int(n) for n in rng.integers(rng.integers(0, 2), longest + 1, ndim))


class Named(torch.autograd.Function):
    """The identity, whose node can be given any name: PyTorch prints the name of the class."""

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, g):
        return g


NAMED = {
    name: type(name.removesuffix("Backward"), (Named,), {}) for name in ["MyBackward", "AVeryLongFunctionNameBackward"]
}


def both(rng: np.random.Generator, array: np.ndarray) -> tuple[str, str]:
    """PyTorch's text and ours, of this array as a constant, as a leaf or as a result with a grad_fn."""
    tensor = torch.from_numpy(array.copy()) if array.ndim else torch.tensor(array)
    kind = rng.integers(4) if array.dtype.kind == "f" else 0
    if kind == 1:
        return repr(tensor.requires_grad_()), text.tensor_text(array, requires_grad=True)
    if kind == 2:
        return repr(tensor.requires_grad_().clone()), text.tensor_text(array, grad_fn="CloneBackward0")
    if kind == 3:
        name = str(rng.choice(list(NAMED)))
        return repr(NAMED[name].apply(tensor.requires_grad_())), text.tensor_text(array, grad_fn=name)
    return repr(tensor), text.tensor_text(array)


@pytest.mark.parametrize("seed", range(6))
def test_random_tensors(seed):
    rng = np.random.default_rng(seed)
    for _ in range(1000):
        array = values(rng, str(rng.choice(FLOATS * 3 + INTEGERS)), random_shape(rng))
        expected, ours = both(rng, array)
        assert ours == expected, array


@pytest.mark.parametrize("seed", range(3))
def test_random_options(seed):
    rng = np.random.default_rng(1000 + seed)
    for _ in range(1000):
        options = {name: choices[rng.integers(len(choices))] for name, choices in OPTIONS.items() if rng.random() < 0.4}
        torch.set_printoptions(profile="default")
        text.set_printoptions(profile="default")
        torch.set_printoptions(**options)
        text.set_printoptions(**options)
        array = values(rng, str(rng.choice(FLOATS * 2 + INTEGERS)), random_shape(rng))
        expected, ours = both(rng, array)
        assert ours == expected, (options, array)


@pytest.mark.parametrize(
    "shape", [(1000,), (1001,), (7, 200), (200, 7), (12, 12, 12), (6, 170), (170, 6), (2, 3, 200), (5, 5, 5, 9)]
)
@pytest.mark.parametrize("dtype", ["float32", "float64", "int64", "bool"])
def test_summaries(shape, dtype):
    rng = np.random.default_rng(math.prod(shape))
    for _ in range(4):
        array = values(rng, dtype, shape)
        expected, ours = both(rng, array)
        assert ours == expected


def test_every_length_around_the_line_breaks():
    for length, value in itertools.product(range(1, 45), [1.5, 10.25, 3.0]):
        array = np.full(length, value, np.float32)
        leaf = torch.from_numpy(array).requires_grad_()
        assert text.tensor_text(array, requires_grad=True) == repr(leaf)
        assert text.tensor_text(array, grad_fn="MulBackward0") == repr(leaf * 1)
        assert text.tensor_text(array.astype(np.float64), grad_fn="AddBackward0") == repr(leaf.double() + 0)


def test_magnitudes_around_the_switch_to_scientific():
    edges = [1e-4, 1e8, 1000.0, 1001.0, 1.0, 0.1, 100.0, 101.0, 99999999.0, 0.5, 1e-5, 3e38, 1e-45]
    for pair in itertools.product(edges, repeat=2):
        for dtype, nudge in itertools.product([np.float32, np.float64], [0, 1, -1]):
            array = np.array(pair, dtype)
            if nudge:
                array = np.nextafter(array, dtype(math.inf * nudge), dtype=dtype)
            assert text.tensor_text(array) == repr(torch.from_numpy(array))


def test_default_dtype_and_names():
    array = np.array([1.5, 2.0])
    torch.set_default_dtype(torch.float64)
    try:
        assert text.tensor_text(array, default_dtype="float64") == repr(torch.from_numpy(array))
        assert text.tensor_text(array.astype(np.float32), default_dtype="float64") == repr(
            torch.from_numpy(array).float()
        )
    finally:
        torch.set_default_dtype(torch.float32)
    assert text.tensor_text(array, dtype="bfloat16") == "tensor([1.5000, 2.0000], dtype=torch.bfloat16)"

    class Reading(torch.Tensor):
        pass

    expected = repr(torch.arange(30.0).as_subclass(Reading))
    assert text.tensor_text(np.arange(30, dtype=np.float32), name="Reading") == expected


def test_options_are_kept_and_restored_as_in_pytorch():
    for module in (torch, text):
        module.set_printoptions(precision=2, sci_mode=True)
    assert text.get_printoptions() == torch._tensor_str.get_printoptions()
    with text.printoptions(precision=7, profile="short"):
        assert text.get_printoptions()["precision"] == 7
        assert text.get_printoptions()["edgeitems"] == 2
        assert text.get_printoptions()["sci_mode"] is None
    assert text.get_printoptions() == torch._tensor_str.get_printoptions()
    for module in (torch, text):
        module.set_printoptions(threshold=7)  # sci_mode is not given, so it is forgotten
    assert text.get_printoptions() == torch._tensor_str.get_printoptions()
