"""Forwards that NumPy does not have, on arrays only; the table in `ops.py` names them.

Each is the plain definition of its function, in the order of operations that PyTorch's last bits show. Keys that pick elements
are built here too.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from .dtypes import number_in
from .sums import WIDEST_REGISTER, ZERO, accumulate, add_rows, fused, softmax_sum, torch_sum

FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)


def rounded_once(function, few=4096):
    """Compute float32 in double precision and round once: so PyTorch's own functions are nearly always right to the last bit.

    Where there are many elements, speed counts for more.
    """

    def compute(x):
        if x.size <= few and x.dtype == FLOAT32:
            return function(x.astype(FLOAT64)).astype(FLOAT32)
        return function(x)

    return compute


def two_rounded_once(function, few=4096):
    """The same for a function of two numbers."""

    def compute(x, y):
        if x.dtype == y.dtype == FLOAT32 and x.size <= few and y.size <= few:
            return np.asarray(function(x.astype(FLOAT64), y)).astype(FLOAT32)
        return function(x, y)

    return compute


def each_number(function, x):
    """Apply a function of Python floats to every element."""
    return np.asarray(np.frompyfunc(function, 1, 1)(x)).astype(x.dtype)


# ---- functions of one number ---------------------------------------------------------------------------------------


def sign_of(x):
    """1, 0 or -1; 0 for nan too, which is neither above 0 nor below."""
    if x.dtype.kind != "f":
        return x.copy() if x.dtype == bool else np.sign(x)
    return np.subtract(x > 0, x < 0, dtype=x.dtype)


def kept_where(mask, x):
    """x where the mask is True, and 0 elsewhere: 0 times the bits of x, because 0 times x may be nan or -0.0."""
    bits = BITS[x.itemsize]
    kept = mask.astype(bits)
    kept *= x.view(bits)
    return kept.view(x.dtype)


BITS = {n: np.dtype(f"i{n}") for n in (2, 4, 8)}


def zero_like(x):
    """Zero in the type of x, for which NumPy takes half as long as for a Python number."""
    return ZERO.get(x.dtype, 0)


def logistic(x):
    return 1 / (1 + np.exp(-x))


def clip_to(x, eps):
    """Move numbers into [eps, 1 - eps]; None leaves them."""
    return x if eps is None else np.clip(x, eps, 1 - eps)


def softplus_of(x, beta, threshold):
    scaled = x * beta
    return np.where(scaled > threshold, x, np.log1p(np.exp(np.minimum(scaled, threshold))) / beta)


def log_gamma(x):
    if x == math.inf or x == -math.inf or (x <= 0 and x == math.floor(x)):
        return math.inf
    return math.lgamma(x)


def log_gammas(x, p):
    """The logarithm of the multivariate gamma function of dimension p."""
    terms = each_number(log_gamma, x[..., None].astype(np.float64) - np.arange(p) / 2)
    return (terms.sum(-1) + p * (p - 1) / 4 * math.log(math.pi)).astype(x.dtype)


def digamma_of(x):
    """The derivative of lgamma: recurrence up to 10, then the asymptotic series (Abramowitz and Stegun 6.3.18)."""
    if x == 0:
        return -math.copysign(math.inf, x)
    if not math.isfinite(x):
        return x if x > 0 else math.nan
    if x < 0:
        if x == math.floor(x):
            return math.nan
        return digamma_of(1 - x) - math.pi / math.tan(math.pi * math.fmod(x, 1.0))
    result = 0.0
    while x < 10:
        result -= 1 / x
        x += 1
    z = 1 / (x * x)
    series = z * (1 / 12 - z * (1 / 120 - z * (1 / 252 - z * (1 / 240 - z * (1 / 132 - z * (691 / 32760 - z / 12))))))
    return result + math.log(x) - 0.5 / x - series


def polygamma_of(n, x):
    """The n-th derivative of digamma: (-1)^(n + 1) n! zeta(n + 1, x)."""
    if n == 0:
        return digamma_of(x)
    if n == 1 and x < 0.5:
        sine = math.sin(math.pi * x) if math.isfinite(x) else math.nan
        return (math.pi**2 / sine**2 if sine else math.inf) - polygamma_of(1, 1 - x)
    return (1 if n % 2 else -1) * math.factorial(n) * zeta_of(n + 1.0, x)


BERNOULLI = (1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6, -3617 / 510, 43867 / 798, -174611 / 330)


def zeta_of(s, q):
    """Hurwitz' zeta, the sum of (q + k)^-s: ten terms, then the Euler-Maclaurin series (Abramowitz and Stegun 23.1.30)."""
    if s == 1:
        return math.inf
    if s < 1 or math.isnan(q) or math.isnan(s):
        return math.nan
    if q <= 0:
        if q == math.floor(q):
            return math.inf
        if s != math.floor(s):
            return math.nan
    result = 0.0
    while q < 10 or (q <= 0):
        result += q**-s
        q += 1
    result += q ** (1 - s) / (s - 1) + q**-s / 2
    factor, power = s, q ** (-s - 1)
    for k, number in enumerate(BERNOULLI, 1):
        result += number / math.factorial(2 * k) * factor * power
        factor *= (s + 2 * k - 1) * (s + 2 * k)
        power /= q * q
    return result


def bessel_i(order, x):
    """The modified Bessel function of the first kind: its power series, or far out the asymptotic one (Abramowitz and Stegun 9.7.1)."""

    def one(value):
        size = abs(value)
        sign = -1.0 if order % 2 and value < 0 else 1.0
        if not math.isfinite(size):
            return math.nan  # PyTorch divides the infinite exponential by the infinite root
        term = result = 1.0
        if size < 30:
            term = result = (size / 2) ** order / math.factorial(order)
            k = 1
            while term > result * 1e-17:
                term *= size * size / 4 / (k * (k + order))
                result += term
                k += 1
            return sign * result
        for k in range(1, 20):
            term *= -(4 * order * order - (2 * k - 1) ** 2) / (k * 8 * size)
            result += term
        return sign * result * (math.exp(size) / math.sqrt(2 * math.pi * size) if size < 700 else math.inf)

    return each_number(one, x)


def inverse_erf(x):
    """Winitzki's approximation, then Newton steps on erf."""

    def one(value):
        if not -1 < value < 1:
            return math.copysign(math.inf, value) if abs(value) == 1 else math.nan
        log = math.log1p(-value * value)
        half = 2 / (math.pi * 0.147) + log / 2
        y = math.copysign(math.sqrt(math.sqrt(half * half - log / 0.147) - half), value)
        for _ in range(4):
            tail = (
                math.erf(y) - value
                if abs(value) < 0.5
                else math.copysign(1 - abs(value), value) - math.copysign(math.erfc(abs(y)), value)
            )
            y -= tail * math.sqrt(math.pi) / 2 * math.exp(y * y)
        return y

    return each_number(one, x)


def unless_whole(function, x):
    """Rounding of whole numbers changes nothing, and keeps their type."""
    return function(x) if x.dtype.kind == "f" else x.copy()


def replace_nan(x, nan, posinf, neginf):
    if x.dtype.kind != "f":
        return x.copy()
    return np.nan_to_num(x, nan=nan or 0.0, posinf=posinf, neginf=neginf)


# ---- two numbers -----------------------------------------------------------------------------------------------------


def raise_to(x, exponent):
    """x ** exponent, with the small powers as products, as PyTorch has them; integers wrap, and 1 / x is 0 unless x is 1 or -1."""
    if type(exponent) in (int, float) and x.dtype.kind == "f":
        if exponent == 2:
            return x * x
        if exponent == 3:
            return x * x * x
        if exponent == 1:
            return x.copy()
        if exponent == 0.5:
            return np.sqrt(x)
        if exponent == -0.5:
            return 1 / np.sqrt(x)
        if exponent == -1:
            return np.reciprocal(x)
        if exponent == -2:
            return 1 / (x * x)
        return rounded_once(lambda x: np.power(x, exponent))(x)
    if x.dtype.kind == "f":
        if x.dtype == np.float32 and x.size <= 4096:
            return np.power(x.astype(np.float64), exponent).astype(np.float32)
        return np.power(x, exponent)
    exponent = np.asarray(exponent)
    if exponent.dtype.kind == "b":
        exponent = exponent.astype(np.int64)
    size = np.power(x, np.where(exponent < 0, 0, exponent).astype(x.dtype if x.dtype != bool else np.int64))
    if not (exponent < 0).any():
        return size.astype(x.dtype)
    flipped = np.where(x == 1, 1, np.where(x == -1, np.where(exponent % 2 == 0, 1, -1), 0))
    return np.where(exponent < 0, flipped, size).astype(x.dtype)


def floor_div(x, y):
    """The quotient rounded down; division by zero is inf or nan for floats, an error for integers."""
    kind = np.result_type(x, y)
    if kind.kind == "b":
        raise NotImplementedError("\"div_floor_cpu\" not implemented for 'Bool'")
    if kind.kind in "iu":
        refuse_zero(y)
        return np.floor_divide(x, y)
    quotient = np.floor_divide(x, y)
    return np.where(np.asarray(y) == 0, np.true_divide(x, y), quotient).astype(quotient.dtype)


def trunc_div(x, y):
    """The quotient rounded towards zero."""
    if np.result_type(x, y).kind in "iub":
        refuse_zero(y)
        x, y = np.asarray(x), np.asarray(y)
        down = np.floor_divide(x, y)
        return down + ((down < 0) & (down * y != x)).astype(down.dtype)
    return np.trunc(np.true_divide(x, y))


DIVIDE = {"floor": floor_div, "trunc": trunc_div}


def modulus(function, x, y):
    if np.result_type(x, y).kind in "iub":
        refuse_zero(y)
    elif function is np.remainder:  # NumPy gives a zero the sign of y
        rest = np.fmod(x, y)
        return rest + np.where((rest != 0) & ((y < 0) != (rest < 0)), y, rest * 0)
    return function(x, y)


def refuse_zero(divisor):
    if (np.asarray(divisor) == 0).any():
        raise RuntimeError("ZeroDivisionError")


def multiplied_and_added(x, factor, y, few=4096):
    """x + factor * y rounded once, as the processor's fused instruction does for PyTorch; large arrays are rounded twice."""
    if isinstance(x, np.ndarray) and x.dtype is FLOAT32 and x.size <= few:
        factor = factor if isinstance(factor, np.ndarray) else in_float32(factor)
        return (np.asarray(y, FLOAT64) * factor + x).astype(FLOAT32)
    if isinstance(x, np.ndarray) and x.dtype is FLOAT64 and x.size <= few:
        return fused(y, factor, x)
    if isinstance(x, np.ndarray) and x.dtype.kind == "b":
        return x | (y & bool(factor))
    if isinstance(x, np.ndarray) and x.dtype.kind in "iu" and not isinstance(factor, np.ndarray):
        factor = number_in(factor, x.dtype)
    return x + y * factor


@functools.lru_cache(maxsize=64)
def in_float32(number):
    """A number with the precision of float32, as the array for which NumPy is fastest."""
    return number_in(number, FLOAT32).astype(FLOAT64)


def add_multiple(x, factor, y, few=4096):
    """Write x + factor * y, rounded once, into x and return True, if they are few float32 of one shape, and no views."""
    if (
        x.dtype is not FLOAT32 or y.dtype is not FLOAT32 or x.size > few or x.shape != y.shape
        or x.base is not None or y.base is not None
    ):  # fmt: skip
        return False
    total = y.astype(FLOAT64)
    total *= in_float32(factor)
    total += x
    x[...] = total
    return True


def interpolate(x, y, weight):
    """x + weight (y - x), from the nearer end."""
    difference = y - x
    if isinstance(weight, np.ndarray):
        near, far = multiplied_and_added(x, weight, difference), multiplied_and_added(y, weight - 1, difference)
        return np.where(np.abs(weight) < 0.5, near, far)
    if abs(weight) < 0.5:
        return multiplied_and_added(x, weight, difference)
    return multiplied_and_added(y, -(x.dtype.type(1) - x.dtype.type(weight)), difference)


def x_log_y(x, y):
    return np.where((x == 0) & ~np.isnan(y), 0, x * np.log(y)).astype(np.result_type(x, y))


def product_and_bias(x, a, b):
    """x + a @ b. With one column in a, PyTorch rounds once on a processor with AVX-512; on one without, seen on an AMD, twice."""
    if WIDEST_REGISTER == 64 and a.ndim == 2 and a.shape[1] == 1 and b.shape[1] > 1:
        return multiplied_and_added(x, b, a)
    product = multiplied(a, b)
    product += x
    return product


def multiplied(a, b):
    """a @ b, of matrices. A small b is copied: if it is transposed, NumPy would add in another order than PyTorch."""
    if a.size * b.shape[-1] <= 10**6:
        b = b.copy()
    return product(a, b)


def product(a, b):
    """a @ b, of arrays or tensors. Of two matrices NumPy's `dot` is the same, and of small ones it takes half the time."""
    return a.dot(b) if type(a) is np.ndarray and a.ndim == b.ndim == 2 else a @ b


def weighted(x, beta, product, alpha):
    """beta x + alpha product; what beta = 0 multiplies is not looked at."""
    if alpha != 1:
        product = product * product.dtype.type(alpha)
    if beta == 0:
        return product
    return (x if beta == 1 else x * x.dtype.type(beta)) + product


# ---- choosing --------------------------------------------------------------------------------------------------------


def clip(x, low, high):
    """Between two numbers; where they cross, the upper one counts."""
    as_bound = number_in if x.dtype.kind == "u" else np.asarray  # an unsigned bound of -1 is the largest number
    if low is not None:
        x = np.maximum(as_bound(low, x.dtype), x)  # in this order -0.0 stays what it is
    if high is not None:
        x = np.minimum(as_bound(high, x.dtype), x)
    return np.array(x) if low is None and high is None else x


def clip_between(x, low, high):
    """The same between two arrays; None is no bound."""
    x = x if low is None else np.maximum(x, low)
    return x if high is None else np.minimum(x, high)


# ---- reductions ------------------------------------------------------------------------------------------------------


def count(shape, dim):
    """How many elements go into one result."""
    return math.prod(shape if dim is None else (shape[i] for i in dim)) if shape else 1


def arithmetic_mean(x, dim, keepdim):
    # [()] makes a number of an array without dimensions: NumPy divides numbers many times faster.
    return torch_sum(x, dim, keepdim)[()] / (x.size if dim is None else count(x.shape, dim))


def variance(x, dim, correction, keepdim):
    """The mean square deviation, with n - correction for n, computed in double precision."""
    wide = x.astype(np.float64)
    deviation = wide - wide.mean(axis=dim, keepdims=True) if x.size else wide
    squares = np.sum(deviation * deviation, axis=dim, keepdims=keepdim)
    return np.asarray(squares / max(count(x.shape, dim) - correction, 0)).astype(x.dtype)


def log_sum_exp(x, dim, keepdim):
    if x.size == 0:
        return np.log(np.sum(np.exp(x), axis=dim, keepdims=keepdim))
    top = np.max(x, axis=dim, keepdims=True)
    top = np.where(np.isfinite(top), top, 0).astype(x.dtype)
    result = np.log(torch_sum(np.exp(x - top), dim, True)) + top
    return result if keepdim else result.reshape(np.sum(x, axis=dim).shape)


def norm_of(x, ord, dim, keepdim):
    """The vector norm: (sum |x|^ord)^(1/ord), with its limits at 0 and at infinity."""
    size = np.abs(x)
    if ord == math.inf:
        return np.max(size, axis=dim, keepdims=keepdim)
    if ord == -math.inf:
        return np.min(size, axis=dim, keepdims=keepdim)
    if ord == 0:
        return torch_sum((x != 0).astype(x.dtype), dim, keepdim)
    if ord == 1:
        return torch_sum(size, dim, keepdim)
    if ord == 2:
        return np.sqrt(torch_sum(x * x, dim, keepdim))
    return torch_sum(size**ord, dim, keepdim) ** (1.0 / ord)


def scaled_down(x, p, dims, maxnorm):
    """Slices with the p-norm `maxnorm` at most."""
    size = norm_of(x, p, dims, True)
    return x * np.where(size > maxnorm, maxnorm / (size + 1e-7), 1.0).astype(x.dtype)


def softmax_of(x, dim):
    if x.size == 0:
        return x.copy()
    if not x.ndim:
        return x - x + 1
    if x.itemsize == 2:
        return softmax_of(x.astype(FLOAT32), dim).astype(x.dtype)
    up = exp_once(x - np.maximum.reduce(x, axis=dim, keepdims=True))
    total = softmax_sum(up, dim)
    return up * (1 / total) if dim == x.ndim - 1 else up / total  # as PyTorch has it


def log_softmax_of(x, dim):
    if x.size == 0:
        return x.copy()
    if not x.ndim:
        return x - x
    if x.itemsize == 2:
        return log_softmax_of(x.astype(FLOAT32), dim).astype(x.dtype)
    if x.ndim == 2 and dim == 1 and x.shape[1] < WIDEST_REGISTER // x.itemsize <= x.shape[0]:
        # A batch of few classes: with the examples side by side NumPy does the same, in the same order, in less time.
        x = x.T.copy()
        x -= np.maximum.reduce(x, 0)
        x -= log_once(add_rows(exp_once(x), 0))
        return x.T.copy()
    below = x - np.maximum.reduce(x, axis=dim, keepdims=True)
    return below - log_once(softmax_sum(exp_once(below), dim))


exp_once, log_once = rounded_once(np.exp), rounded_once(np.log)


def whole(x):
    """The type of sums and products of whole numbers."""
    return None if x.dtype.kind == "f" else np.int64


# ---- shapes and keys -------------------------------------------------------------------------------------------------


def at(dim, index):
    """The key that applies `index` to one dimension and keeps the others."""
    return (slice(None),) * dim + (index, Ellipsis)


def along(index, dim):
    """The key that picks, along `dim`, by an array of positions: element [i, j] of the result is x[index[i, j], j] for dim 0."""
    key = list(np.ogrid[tuple(slice(n) for n in index.shape)]) or [index]  # a number picks from a vector
    key[dim] = index
    return tuple(key)


def squeezed(shape, dim):
    """The shape without its dimensions of length 1: all of them, or those of `dim`."""
    return tuple(n for i, n in enumerate(shape) if n != 1 or (dim is not None and i not in dim))


def expanded(x, shape):
    return x[...] if x.shape == shape else np.broadcast_to(x, shape)


def strided(x, size, stride, offset):
    """The elements of a contiguous array by shape, steps and start, as a view."""
    steps = [s * x.itemsize for s in stride]
    return np.lib.stride_tricks.as_strided(x.reshape(-1)[offset:], size, steps)


def windows(x, dim, size, step):
    if not x.ndim:
        return x.reshape((size,))
    return np.moveaxis(np.lib.stride_tricks.sliding_window_view(x, size, dim, writeable=True), -1, -1)[
        at(dim, slice(None, None, step))
    ]


def fold_windows(g, shape, dim, size, step):
    result = np.zeros(shape, g.dtype)
    for i in range(g.shape[dim] if shape else 0):
        result[at(dim, slice(i * step, i * step + size))] += np.moveaxis(g[at(dim, i)], -1, dim)
    return result if shape else g.reshape(())


def fill_diagonal(g, shape, offset, dim1, dim2):
    result = np.zeros(shape, g.dtype)
    diagonal = result.diagonal(offset, dim1, dim2)
    diagonal.flags.writeable = True
    diagonal[...] = g
    return result


def writable_diagonal(x, offset, dim1, dim2):
    diagonal = x.diagonal(offset, dim1, dim2)
    diagonal.flags.writeable = x.flags.writeable
    return diagonal


def stacked(arrays, dim):
    first = arrays[0]
    if not first.ndim:
        return np.array(arrays)
    result = np.empty((*first.shape[:dim], len(arrays), *first.shape[dim:]), first.dtype)
    before = (slice(None),) * dim
    for i, array in enumerate(arrays):
        result[(*before, i)] = array
    return result


def joined(arrays, dim):
    """Arrays end to end; empty vectors fit everywhere."""
    return np.concatenate([a for a in arrays if a.shape != (0,)] or arrays, axis=dim)


def unbound(x, dim):
    """The slices along a dimension, as views even where they are single numbers."""
    if dim:
        x = np.moveaxis(x, dim, 0)
    return tuple([x[i, ...] for i in range(x.shape[0])])


def cut(x, sizes, dim):
    """Consecutive parts of the given lengths."""
    parts, start = [], 0
    for size in sizes:
        parts.append(x[at(dim, slice(start, start + size))])
        start += size
    return tuple(parts)


def placed(g, shape, key, unique=False):
    """Zeros of that shape with `g` added at `key`; a place that the key names twice receives both."""
    result = np.zeros(shape, g.dtype)
    if unique or is_basic(key):
        result[key] = g
    else:
        np.add.at(result, key, g)
    return result


def placed_in_rows(values, shape, columns):
    """Zeros of a matrix's shape with one value in each row, at the given columns."""
    result = np.zeros(shape, values.dtype)
    result[row_numbers(shape[0]), columns] = values
    return result


def is_basic(key):
    """Whether a key has no array in it, so that each element is named once."""
    return not any(isinstance(k, (np.ndarray, list)) for k in (key if isinstance(key, tuple) else (key,)))


def put_at(x, y, key, accumulate):
    """A copy of x with y written, or added, at the key."""
    result = np.array(x)
    if not result.ndim and key:  # a number is a vector of one
        return put_at(result.reshape(1), y, key, accumulate).reshape(())
    if accumulate:
        np.add.at(result, key, y)
    else:
        result[key] = y
    return result


def corner(index):
    """The key of the part of an array that an index of smaller shape covers."""
    return tuple(slice(n) for n in index.shape)


def in_corner(g, shape):
    """Zeros of that shape with g in the first corner."""
    result = np.zeros(shape, g.dtype)
    result[tuple(slice(n) for n in g.shape)] = g
    return result


def chosen_elements(x, index, dim, keepdim):
    """The elements at `index`, which has length 1 along `dim`."""
    if not x.ndim:
        return x.copy()
    values = x[along(index, dim)]
    return values if keepdim else values.squeeze(dim)


def gathered(x, index, dim):
    """x[index[i, j], j] for dim 0, in the shape of `index`."""
    if not index.size:
        return np.empty(index.shape, x.dtype)
    return x[along(index, dim)] if x.ndim else np.broadcast_to(x, index.shape).copy()


def added_at(x, index, y, dim):
    """x with y[i, j] added at [index[i, j], j] for dim 0."""
    if not index.size:
        return x.copy()
    if not x.ndim:
        return x + y[corner(index)].sum(dtype=x.dtype)
    return put_at(x, y[corner(index)], along(index, dim), True)


REDUCE = {"prod": np.multiply, "amax": np.maximum, "amin": np.minimum, "sum": np.add, "mean": np.add}
NEUTRAL = {"prod": 1, "sum": 0, "mean": 0}


def reduced_at(x, index, y, dim, reduce, include_self):
    """x with y[i, j] multiplied, averaged, … into [index[i, j], j] for dim 0; include_self=False forgets what was there."""
    if not index.size:
        return x.copy()
    if not x.ndim:  # a number is a vector of one
        index, y = (a.reshape(-1) for a in (index, y))
    result = x.copy() if x.ndim else x.reshape(1).copy()
    key = along(index, dim)
    if not include_self:
        limits = np.finfo(x.dtype) if x.dtype.kind == "f" else np.iinfo(x.dtype) if x.dtype.kind != "b" else None
        low, high = (limits.min, limits.max) if limits else (False, True)
        if x.dtype.kind == "f":
            low, high = -np.inf, np.inf
        result[key] = {"amax": low, "amin": high}.get(reduce, NEUTRAL.get(reduce))
    REDUCE[reduce].at(result, key, y[corner(index)])
    if reduce == "mean":
        n = np.full(result.shape, 1 if include_self else 0)
        np.add.at(n, key, 1)
        n = np.maximum(n, 1)
        result = result / n if x.dtype.kind == "f" else np.floor_divide(result, n)
    return result.astype(x.dtype).reshape(x.shape)


def on_a_diagonal(x, y, offset, dim1, dim2):
    """A copy of x with y on a diagonal."""
    result = x.copy()
    writable_diagonal(result, offset, dim1, dim2)[...] = y
    return result


def block(shapes, i):
    """Where block i stands in the matrix with all blocks along its diagonal."""
    sizes = [(1, *shape)[-2:] if shape else (1, 1) for shape in shapes]
    (top, left), (h, w) = np.sum([(0, 0), *sizes[:i]], axis=0).tolist(), sizes[i]
    return slice(top, top + h), slice(left, left + w)


def blocks(arrays):
    """Matrices along the diagonal of a larger one, zeros elsewhere."""
    shapes = [a.shape for a in arrays]
    (rows, columns) = block(shapes, len(arrays) - 1)
    result = np.zeros((rows.stop, columns.stop), np.result_type(*arrays))
    for i, a in enumerate(arrays):
        result[block(shapes, i)] = a
    return result


# ---- losses ----------------------------------------------------------------------------------------------------------


def smooth_absolute(d, beta):
    """|d|, rounded off within beta of 0."""
    size = np.abs(d)
    return np.where(size < beta, 0.5 * size * size / beta, size - 0.5 * beta).astype(d.dtype)


def cross_entropy_of_probability(x, y):
    """-(y log x + (1 - y) log(1 - x)), with logarithms of -100 at least."""
    return (y - 1) * np.maximum(np.log1p(-x), -100) - y * np.maximum(np.log(x), -100)


def cross_entropy_of_logit(x, y, positive_weight):
    """The same for x = sigmoid(logit), without overflow; the term of y = 1 has a weight."""
    log_weight = 1 if positive_weight is None else (positive_weight - 1) * y + 1
    return (1 - y) * x - log_weight * (np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))))


def picked(x, target, weight, ignore_index):
    """The key of each target's place in x, (N, C, …), and the weight of its class, 0 if it is to be ignored; None if all are 1.

    ignore_index is None if no target is to be ignored.
    """
    if x.ndim == 2 and weight is None and (ignore_index is None or ignore_index not in target):
        return (row_numbers(target.size), target), None
    ignored = np.zeros(target.shape, bool) if ignore_index is None else target == ignore_index
    classes = np.where(ignored, 0, target)
    weight = np.ones(x.shape[x.ndim > 1], x.dtype) if weight is None else weight
    weights = np.where(ignored, 0, weight[classes]).astype(x.dtype)
    if x.ndim == 1:
        return (classes,), weights
    grid = np.ogrid[tuple(slice(n) for n in target.shape)]
    return (grid[0], classes, *grid[1:]), weights


@functools.lru_cache(maxsize=64)
def row_numbers(n):
    """The index of each of n rows."""
    return np.arange(n)


def picked_loss(x, target, weight, ignore_index, reduction):
    """Minus the weighted log-probability of each target."""
    key, weights = picked(x, target, weight, ignore_index)
    losses = -x[key] if weights is None else -x[key] * weights
    if reduction == "none":
        return losses
    loss = sixteen_by_sixteen(losses if losses.ndim == 1 else losses.reshape(-1))
    if reduction == "sum":
        return loss
    return loss / (target.size if weights is None else weights.sum())


def sixteen_by_sixteen(x):
    """The sum in the order of PyTorch's class losses: runs of sixteen, then runs of sixteen such sums, and so on.

    Added to 0 are what the shortest runs left over, what the longer ones left over, and last the first number of all.
    """
    if 17 < x.size < 33:  # a batch of usual size: some left over, and one run
        return accumulate(x[17:])[-1] + accumulate(x[1:17])[-1] + x[0]
    total, rows = x.dtype.type(0), x[1:]
    while rows.size:
        whole = rows.size // 16 * 16
        if whole < rows.size:
            total = total + accumulate(rows[whole:])[-1]
        rows = accumulate(rows[:whole].reshape(-1, 16), 1)[:, -1] if whole else rows[:0]
    return total + x[0] if x.size else total


def selected(row, k):
    """Where the k-th smallest number (from 0) of a vector is; of several equal ones the one that PyTorch's quickselect ends at.

    Hoare's partition around the median of three (Sedgewick, "Implementing quicksort programs", 1978); nan counts as largest.
    """
    order = np.argsort(row, kind="stable")
    if np.count_nonzero(row == row[order[k]]) == 1:
        return order[k]
    rank = np.empty(len(row), np.int64)  # equal numbers have equal ranks
    rank[order] = np.searchsorted(row[order], row[order])
    rank, place = rank.tolist(), list(range(len(row)))

    def swap_if(i, j, wrong=lambda a, b: a > b):
        if wrong(rank[i], rank[j]):
            rank[i], rank[j] = rank[j], rank[i]
            place[i], place[j] = place[j], place[i]

    left, right = 0, len(row) - 1
    while right > left + 1:
        swap_if((left + right) // 2, left + 1, lambda a, b: True)
        swap_if(left + 1, right)
        swap_if(left, right)
        swap_if(left + 1, left)
        pivot, i, j = rank[left], left + 1, right
        while True:
            i += 1
            while rank[i] < pivot:
                i += 1
            j -= 1
            while rank[j] > pivot:
                j -= 1
            if j < i:
                break
            swap_if(i, j, lambda a, b: True)
        swap_if(left, j, lambda a, b: True)
        left, right = (i if j <= k else left), (j - 1 if j >= k else right)
    if right == left + 1:
        swap_if(left, right)
    return place[k]


# ---- matrices --------------------------------------------------------------------------------------------------------


def lu_of(matrix):
    """P, L and U of one matrix in place, by rows exchanged for the largest pivot: (LU in one, row exchanged with each, from 1)."""
    lu = np.array(matrix)
    m, n = lu.shape
    pivots = np.arange(1, min(m, n) + 1, dtype=np.int32)
    for k in range(min(m, n)):
        p = k + int(np.argmax(np.abs(lu[k:, k])))
        pivots[k] = p + 1
        lu[[k, p]] = lu[[p, k]]
        if lu[k, k] != 0:
            lu[k + 1 :, k] /= lu[k, k]
            lu[k + 1 :, k + 1 :] -= np.outer(lu[k + 1 :, k], lu[k, k + 1 :])
    return lu, pivots


def singular_at(a):
    """For each matrix of a stack the number of its first zero pivot, from 1; 0 if there is none."""
    found = np.zeros(a.shape[:-2], np.int64)
    for place in np.ndindex(*a.shape[:-2]):
        zero = np.flatnonzero(np.diagonal(lu_of(a[place])[0]) == 0)
        found[place] = zero[0] + 1 if zero.size else 0
    return found


def pseudo_inverse(x, atol, rtol, hermitian):
    """V diag(1 / s) U' with the small s left out: those up to max(atol, rtol * the largest)."""
    if hermitian:
        values, u = np.linalg.eigh(x)
        vh, s = u.mT, np.abs(values)
        u = u * np.sign(values)[..., None, :]
    else:
        u, s, vh = np.linalg.svd(x, full_matrices=False)
    rtol = np.finfo(x.dtype).eps * max(x.shape[-2:]) if rtol is None else rtol
    least = np.maximum(atol, rtol * s.max(-1, initial=0))
    kept = s > np.asarray(least)[..., None]
    inverse = np.where(kept, 1 / np.where(kept, s, 1), 0).astype(x.dtype)
    return (vh.mT * inverse[..., None, :]) @ u.mT


def matrix_exponential(x):
    """Scaled down by a power of two until the Taylor series is short, then squared as often."""
    size = np.abs(x).sum(-2).max(initial=0)
    times = max(0, int(np.ceil(np.log2(size))) + 2) if 0 < size < math.inf else 0
    scaled = x.astype(np.float64) / 2.0**times
    term = result = np.broadcast_to(np.eye(x.shape[-1]), x.shape).copy()
    for k in range(1, 19):
        term = term @ scaled / k
        result = result + term
    for _ in range(times):
        result = result @ result
    return result.astype(x.dtype)
