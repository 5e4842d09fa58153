"""Sums, bit for bit as PyTorch's on one thread: every short length, long vectors, every layout and choice of axes."""

import collections

import numpy as np
import pytest
import torch

from helpers.handtorch import sums
from helpers.handtorch.kernels import multiplied, product_and_bias
from helpers.handtorch.sums import WIDEST_REGISTER, fused, softmax_sum, torch_norm, torch_prod, torch_sum

FLOATS = [np.float32, np.float64]


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def assert_same_bits(array: np.ndarray, axis=None, keepdims=False):
    tensor = torch.from_numpy(array)
    expected = (tensor.sum() if axis is None else tensor.sum(axis, keepdim=keepdims)).numpy()
    ours = torch_sum(array, axis, keepdims)
    assert isinstance(ours, np.ndarray | np.generic)
    assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
    assert ours.tobytes() == expected.tobytes(), (array.shape, array.strides, axis)


def random_axes(rng: np.random.Generator, ndim: int):
    axes = tuple(int(a) - ndim * int(rng.integers(2)) for a in rng.permutation(ndim)[: rng.integers(1, ndim + 1)])
    return [None, axes, axes[0]][rng.integers(3)]


@pytest.mark.parametrize("dtype", FLOATS)
def test_every_short_vector(dtype):
    rng = np.random.default_rng(1)
    for length in range(300):
        assert_same_bits(rng.standard_normal(length).astype(dtype))
        assert_same_bits(rng.standard_normal((length, 3)).astype(dtype)[:, 1])
        assert_same_bits(rng.standard_normal((2, length)).astype(dtype), axis=1)


@pytest.mark.parametrize("dtype", FLOATS)
def test_down_the_columns_of_every_short_matrix(dtype):
    rng = np.random.default_rng(7)
    for rows in [*range(1, 70), 96, 128, 256, 512, 1024]:
        for columns in [*range(1, 10), 12, 16, 17, 24, 31, 32, 33, 40, 64, 96]:
            array = rng.standard_normal((rows, columns)).astype(dtype)
            assert_same_bits(array, 0)
    assert_same_bits(array, 0, keepdims=True)
    assert_same_bits(np.full((32, 32), -0.0, dtype), 0)


@pytest.mark.parametrize("dtype", FLOATS)
def test_the_order_of_softmax(dtype):
    """The derivative is ans * (g - sum(g * ans)): where ans is 1 and the first g is 0, it shows the sum."""
    rng = np.random.default_rng(8)
    for width in [*range(1, 140), 200, 1000]:
        for axis, shape in ((1, (5, width)), (0, (width, 5)), (0, (width, 1)), (1, (2, width, 3))):
            g = rng.standard_normal(shape).astype(dtype)
            np.moveaxis(g, axis, 0)[0] = 0
            tensor = torch.from_numpy(g)
            shown = torch._softmax_backward_data(tensor, torch.ones_like(tensor), axis, tensor.dtype).numpy()
            expected = -np.moveaxis(shown, axis, 0)[:1]
            assert (np.moveaxis(softmax_sum(g, axis), axis, 0) == expected).all(), (shape, axis)


@pytest.mark.parametrize("dtype", FLOATS)
def test_long_vectors(dtype):
    rng = np.random.default_rng(2)
    for length in [1023, 1024, 4096, 16384, 16385, 32767, 32768, 100_003, 1_000_000, *rng.integers(300, 32768, 60)]:
        assert_same_bits(rng.standard_normal(length).astype(dtype))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("seed", range(4))
def test_any_shape_layout_and_axes(dtype, seed):
    rng = np.random.default_rng(seed)
    for _ in range(600):
        ndim = int(rng.integers(1, 5))
        array = rng.standard_normal(rng.integers(1, [300, 80, 20, 9][ndim - 1], ndim)).astype(dtype)
        if rng.random() < 0.4:
            array = array.transpose(rng.permutation(ndim))
        if rng.random() < 0.2:
            array = array[tuple(slice(rng.integers(2), None, rng.integers(1, 3)) for _ in range(ndim))]
        axis = random_axes(rng, ndim)
        assert_same_bits(array, axis, keepdims=axis is not None and bool(rng.integers(2)))


@pytest.mark.filterwarnings("ignore:The given NumPy array is not writable")
@pytest.mark.parametrize("dtype", FLOATS)
def test_expanded_arrays(dtype):
    rng = np.random.default_rng(3)
    for _ in range(400):
        shape = tuple(rng.integers(1, 20, rng.integers(1, 4)))
        array = np.broadcast_to(rng.standard_normal(shape).astype(dtype), (int(rng.integers(1, 20)), *shape))
        if rng.integers(2):
            array = np.moveaxis(array, 0, -1)
        assert_same_bits(array, random_axes(rng, array.ndim))


@pytest.mark.parametrize("dtype", FLOATS)
def test_long_matrices(dtype):
    rng = np.random.default_rng(4)
    for shape in [(2000, 37), (37, 2000), (513, 513), (50_000, 3), (3, 50_000), (1, 4000), (4000, 1)]:
        for axis in (0, 1, None):
            assert_same_bits(rng.standard_normal(shape).astype(dtype), axis)


def test_zeros_infinities_and_empty_arrays():
    for values in [[-0.0], [-0.0] * 5, [-0.0] * 40, [np.inf, -np.inf], [np.nan, 1.0], [1e38, 1e38, 1e38, 1e38]]:
        assert_same_bits(np.array(values, np.float32))
    for shape in [(0,), (0, 3), (3, 0), (2, 0, 4)]:
        for axis in (None, 0, -1):
            assert_same_bits(np.zeros(shape, np.float32), axis)
            assert_same_bits(np.zeros(shape, np.float64), axis, keepdims=axis is not None)
    assert_same_bits(np.array(-0.0, np.float32))
    for shape in [(32, 32), (32, 10), (40, 8), (64, 64), (3, 5)]:
        for axis in (None, 0, 1):
            assert_same_bits(np.full(shape, -0.0, np.float32), axis)
    assert_same_bits(np.zeros((5, 1), np.float32), axis=1)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int8, np.uint8, np.bool_])
def test_integers_and_booleans_give_int64(dtype):
    array = np.random.default_rng(5).integers(0, 2 if dtype == np.bool_ else 100, (7, 9)).astype(dtype)
    for axis in (None, 0, (0, 1)):
        assert_same_bits(array, axis)


def test_float16_is_added_in_float32():
    array = np.random.default_rng(6).standard_normal(40).astype(np.float16)
    # One unit in the last place: PyTorch reads float16 sixteen at a time.
    np.testing.assert_array_almost_equal_nulp(torch_sum(array), torch.from_numpy(array).sum().numpy(), 1)


def test_plain_numpy_sums_would_differ():
    """The reason for the module: np.sum gives other bits for eleven readings in most trials."""
    rng = np.random.default_rng(7)
    outcomes = collections.Counter()
    for _ in range(300):
        array = rng.standard_normal(11).astype(np.float32)
        outcomes[np.sum(array) == torch_sum(array)] += 1
    assert outcomes[False] > 100


def test_order_matters_to_these_tests(monkeypatch):
    """Sixteen lanes in place of eight must be noticed."""
    monkeypatch.setattr(sums, "VECTOR_BYTES", 64)
    sums._plan.cache_clear()
    try:
        with pytest.raises(AssertionError):
            test_every_short_vector(np.float32)
    finally:
        sums._plan.cache_clear()


@pytest.mark.parametrize("dtype", FLOATS)
def test_norms(dtype):
    rng = np.random.default_rng(8)
    for n in [*range(0, 70), 143, 500, 4097]:
        for shape in [(n,), (n, 7), (3, n), (2, 3, n)]:
            array = rng.standard_normal(shape).astype(dtype)
            tensor = torch.from_numpy(array)
            for axis in [None, *([-1] if n else [])]:
                expected = torch.linalg.vector_norm(tensor, dim=axis).numpy()
                ours = torch_norm(array, axis)
                assert (ours.dtype, ours.shape) == (expected.dtype, expected.shape)
                assert ours.tobytes() == expected.tobytes(), (shape, axis)
        assert torch_norm(array, (1, 2), keepdims=True).shape == (2, 1, 1)


@pytest.mark.parametrize("dtype", FLOATS)
def test_products(dtype):
    rng = np.random.default_rng(9)
    for n in [*range(0, 140), 500]:
        array = rng.standard_normal(n).astype(dtype)
        assert torch_prod(array).tobytes() == torch.from_numpy(array).prod().numpy().tobytes(), n
        array = rng.standard_normal((n, 5)).astype(dtype)
        for axis in (0, 1):
            expected = torch.from_numpy(array).prod(axis, keepdim=True).numpy()
            assert torch_prod(array, axis, keepdims=True).shape == expected.shape
            assert torch_prod(array, axis, keepdims=True).tobytes() == expected.tobytes(), (n, axis)
    assert torch_prod(np.array([2, 3], np.int32)).dtype == np.int64


def test_fused_multiply_add_rounds_once():
    """Held to exact fractions."""
    from fractions import Fraction

    rng = np.random.default_rng(10)
    for dtype in FLOATS:
        x, y, z = rng.standard_normal((3, 3000)).astype(dtype)
        z[::2] = -(x * y)[::2]  # the case that shows the difference
        exact = [Fraction(float(a)) * Fraction(float(b)) + Fraction(float(c)) for a, b, c in zip(x, y, z, strict=True)]
        assert fused(x, y, z).tolist() == [float(dtype(float(value))) for value in exact]


def test_a_layer_with_one_input_rounds_as_often_as_pytorch():
    """To the last bit in a size and on processors (with AVX-512) that were looked at; others may round once more or less."""
    rng = np.random.default_rng(17)
    for n, m in ((30, 16), (5, 2), (200, 64), (1, 13)):
        looked_at = (n, m) == (30, 16) and WIDEST_REGISTER == 64
        x, weight, bias = (rng.standard_normal(size).astype(np.float32) for size in ((n, 1), (m, 1), m))
        theirs = torch.nn.functional.linear(*map(torch.from_numpy, (x, weight, bias))).numpy()
        ours = product_and_bias(bias, x, weight.T)
        np.testing.assert_allclose(ours, theirs, rtol=0 if looked_at else 1e-6, atol=0 if looked_at else 1e-6)


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_product_is_the_same_however_its_second_factor_lies_in_memory(dtype):
    """A layer multiplies by a transposed weight; NumPy by itself would add in another order, on some processors."""
    rng = np.random.default_rng(16)
    for n, k, m in ((32, 64, 32), (32, 32, 10), (100, 20, 20), (11, 3, 5), (7, 200, 30)):
        a, weight = rng.standard_normal((n, k)).astype(dtype), rng.standard_normal((m, k)).astype(dtype)
        np.testing.assert_array_equal(multiplied(a, weight.T), a @ np.ascontiguousarray(weight.T))
