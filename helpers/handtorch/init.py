"""`torch.nn.init`: the first values of parameters, written in place; what is drawn is never recorded."""

from __future__ import annotations

import math

import numpy as np

from .autograd import no_grad
from .creation import empty_like
from .end import end_of
from .random import randn, randperm
from .tensor import warn

__getattr__ = end_of("torch.nn.init")


def calculate_gain(nonlinearity, param=None):
    """By how much an activation shrinks what passes through it, to be made up for."""
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        if param is not None and (isinstance(param, bool) or not isinstance(param, (int, float))):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity in ("linear", "sigmoid", *(f"conv{t}{n}d" for t in ("", "_transpose") for n in (1, 2, 3))):
        return 1
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def _calculate_fan_in_and_fan_out(tensor):
    """The numbers of inputs and outputs of a weight (out, in, …)."""
    shape = tensor._array.shape
    if len(shape) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def _calculate_correct_fan(tensor, mode):
    if mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode.lower()} not supported, please use one of ['fan_in', 'fan_out']")
    return _calculate_fan_in_and_fan_out(tensor)[mode.lower() == "fan_out"]


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform between a and b."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with that mean and standard deviation."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


def trunc_normal_(tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator=None):
    """Normal, but between a and b: what falls outside is drawn again.

    Where less than 0.3 of the distribution lies between a and b, candidates are drawn evenly from there instead, and each is taken with the
    chance that its density has beside the largest one. Source of both: rejection sampling, in PyTorch's order of draws.
    """
    if mean < a - 2 * std or mean > b + 2 * std:
        warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of values may be incorrect."
        )
    chance = lambda x: (1.0 + math.erf(x / math.sqrt(2.0))) / 2.0
    with no_grad():
        if chance((b - mean) / std) - chance((a - mean) / std) > 0.3:
            redrawn = lambda like: like.normal_(mean, std, generator=generator)
            low, high = (tensor._array.dtype.type(limit) for limit in (a, b))
            redrawn(tensor)
            while (outside := (tensor._array < low) | (tensor._array > high)).any():
                tensor._array[outside] = redrawn(empty_like(tensor))._array[outside]
            return tensor
        peak = -0.5 * ((max(a, min(mean, b)) - mean) / std) ** 2
        pending = np.ones(tensor.shape, bool)
        while pending.any():
            candidates = empty_like(tensor).uniform_(a, b, generator=generator)
            tensor._array[pending] = candidates._array[pending]
            log_density = candidates.sub_(mean).div_(std).pow_(2).mul_(-0.5).sub_(peak)
            luck = empty_like(tensor).uniform_(generator=generator).log_()
            pending &= (luck > log_density)._array
        return tensor


def constant_(tensor, val):
    """One number everywhere."""
    with no_grad():
        return tensor.fill_(val)


def ones_(tensor):
    """Ones everywhere."""
    return constant_(tensor, 1.0)


def zeros_(tensor):
    """Zeros everywhere."""
    return constant_(tensor, 0.0)


def eye_(tensor):
    """The identity matrix."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    with no_grad():
        tensor._array[...] = np.eye(*tensor._array.shape)
        return tensor


def dirac_(tensor, groups=1):
    """A convolution that passes its input through: one in the middle of the window, from channel i to channel i."""
    if tensor.ndim not in (3, 4, 5):
        raise ValueError("Only tensors with 3, 4, or 5 dimensions are supported")
    if tensor.shape[0] % groups:
        raise ValueError("dim 0 must be divisible by groups")
    each = tensor.shape[0] // groups
    middle = tuple(n // 2 for n in tensor.shape[2:])
    with no_grad():
        tensor.zero_()
        for group in range(groups):
            for i in range(min(each, tensor.shape[1])):
                tensor._array[(group * each + i, i, *middle)] = 1
        return tensor


def nothing_to_fill(tensor):
    """Whether the tensor is empty, which is worth a warning."""
    if 0 in tensor.shape:
        warn("Initializing zero-element tensors is a no-op")
        return True
    return False


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform, with a spread between those for forward and backward (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3.0) * (gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal, with a spread between those for forward and backward (Glorot and Bengio, 2010)."""
    return normal_(tensor, 0.0, gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor))), generator)


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform, with the spread that keeps the size of what passes through (He et al., 2015)."""
    if nothing_to_fill(tensor):
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    bound = math.sqrt(3.0) * (calculate_gain(nonlinearity, a) / math.sqrt(fan))
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal, with the spread that keeps the size of what passes through (He et al., 2015)."""
    if nothing_to_fill(tensor):
        return tensor
    fan = _calculate_correct_fan(tensor, mode)
    return normal_(tensor, 0, calculate_gain(nonlinearity, a) / math.sqrt(fan), generator)


def orthogonal_(tensor, gain=1, generator=None):
    """Rows (or columns, if there are more rows) at right angles to each other, each of length `gain` (Saxe et al., 2013)."""
    if tensor.ndim < 2:
        raise ValueError("Only tensors with 2 or more dimensions are supported")
    if not tensor.numel():
        return tensor
    rows = tensor.shape[0]
    drawn = randn(rows, tensor.numel() // rows, dtype=tensor.dtype, generator=generator)._array
    q, r = np.linalg.qr(drawn.T if drawn.shape[0] < drawn.shape[1] else drawn)
    q *= np.sign(np.diagonal(r))  # makes the choice of signs uniform
    with no_grad():
        tensor._array[...] = (q.T if drawn.shape[0] < drawn.shape[1] else q).reshape(tensor.shape)
        return tensor.mul_(gain)


def sparse_(tensor, sparsity, std=0.01, generator=None):
    """Normal, with a share of zeros in each column at random places (Martens, 2010)."""
    if tensor.ndim != 2:
        raise ValueError("Only tensors with 2 dimensions are supported")
    rows, columns = tensor.shape
    zeros = math.ceil(sparsity * rows)
    with no_grad():
        tensor.normal_(0, std, generator=generator)
        for column in range(columns):
            tensor[randperm(rows)[:zeros], column] = 0
        return tensor


def renamed(function):
    """The function under its first name, without the underscore: it works, and warns."""

    def old(*args, **kwargs):
        name = function.__name__
        warn(
            f"`nn.init.{name[:-1]}` is now deprecated in favor of `nn.init.{name}`.",
            FutureWarning,
        )
        return function(*args, **kwargs)

    old.__name__ = old.__qualname__ = function.__name__[:-1]
    return old


uniform, normal, constant, eye, dirac = map(renamed, (uniform_, normal_, constant_, eye_, dirac_))
xavier_uniform, xavier_normal = renamed(xavier_uniform_), renamed(xavier_normal_)
kaiming_uniform, kaiming_normal = renamed(kaiming_uniform_), renamed(kaiming_normal_)
orthogonal, sparse = renamed(orthogonal_), renamed(sparse_)
