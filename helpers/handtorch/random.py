"""Random tensors: generators, the functions that make them (`rand`, `randn`, …) and the methods that fill them (`uniform_`, …).

`twister.py` makes the numbers; here they become tensors. Every function takes `generator`, and without it draws from the one
that `manual_seed` seeds. Filling a tensor in place is an operation like any other: its derivative is zero.
"""

from __future__ import annotations

import contextlib
import secrets

import numpy as np

from . import dtypes
from .creation import leaf, shape_of
from .dtypes import asked_for
from .methods import need_tensor
from .ops import nothing
from .record import Operation, Variable
from .tensor import C_NAMES, Tensor
from .twister import Twister

# What `torch` itself offers of this module.
__all__ = [
    "Generator",
    "bernoulli",
    "default_generator",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "multinomial",
    "normal",
    "rand",
    "rand_like",
    "randint",
    "randint_like",
    "randn",
    "randn_like",
    "randperm",
    "seed",
    "set_rng_state",
]

FRESH_SEED = 67280421310721


class Generator:
    """A stream of random numbers of its own, started by `manual_seed`."""

    device = dtypes.CPU

    def __init__(self, device="cpu"):
        self.stream = Twister(FRESH_SEED)

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`, which may be negative; returns the generator."""
        seed = int(seed)
        if not -(2**63) <= seed < 2**64:
            raise ValueError("Overflow when unpacking long long")
        self.stream.seed(seed)
        return self

    def seed(self) -> int:
        """Start again from a number that nobody chose, and return it."""
        self.manual_seed(secrets.randbits(64))
        return self.initial_seed()

    def initial_seed(self) -> int:
        """The seed that this stream started from."""
        return self.stream.initial_seed

    def get_state(self) -> Tensor:
        """All that the numbers to come depend on: 5056 bytes, uint8, laid out as PyTorch's."""
        return leaf(self.stream.get_state())

    def set_state(self, new_state: Tensor) -> Generator:
        """Go on from a state that `get_state` gave."""
        if new_state.dtype is not dtypes.uint8:
            raise TypeError("RNG state must be a torch.ByteTensor")
        size = new_state._array.size
        if size != self.stream.get_state().size:
            raise RuntimeError(
                f"Expected a CPUGeneratorImplState of size 5056 but found the input RNG state size to be {size}"
            )
        self.stream.set_state(new_state._array)
        return self

    def clone_state(self) -> Generator:
        """Another generator in the same state."""
        return Generator().set_state(self.get_state())


default_generator = Generator()
default_generator.seed()


def manual_seed(seed: int) -> Generator:
    """Seed the generator that is used when none is named; returns it."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed it with a number that nobody chose; returns the number."""
    return default_generator.seed()


def initial_seed() -> int:
    """The seed last given."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the generator that is used when none is named."""
    return default_generator.get_state()


def set_rng_state(new_state: Tensor) -> None:
    """Go back to a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices=None, enabled: bool = True, **unused):
    """Draw what you like in this `with` block (or decorated function): afterwards the generator is where it was."""
    before = get_rng_state()
    try:
        yield
    finally:
        if enabled:
            set_rng_state(before)


def stream_of(generator: Generator | None) -> Twister:
    return (generator or default_generator).stream


# ---- filling in place: draws are written in the order of memory --------------------------------------------------------


def written(x: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """An array like x that holds the numbers in the order in which x lies in memory."""
    order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
    result = np.empty_like(x, subok=False)
    result.transpose(order)[...] = numbers.reshape([x.shape[axis] for axis in order])
    return result


def filling(name, draw):
    """An operation that forgets its input and fills its place with what `draw(x, stream, …)` gives."""
    return Operation(name, lambda x, **how: written(x, draw(x, **how)), mix="none", x=lambda g: nothing(g))


fill_uniform = filling("Uniform", lambda x, stream, low, high: stream.uniform(x.size, low, high, x.dtype))
fill_normal = filling(
    "Normal", lambda x, stream, mean, std: stream.normal(x.size, mean, std, x.dtype, blocks=x.flags.c_contiguous)
)
fill_exponential = filling("Exponential", lambda x, stream, rate: stream.exponential(x.size, rate, x.dtype))
fill_bernoulli = filling("BernoulliBackward2", lambda x, stream, p: stream.bernoulli(p, x.size))
fill_bernoulli_each = filling("BernoulliBackward1", lambda x, stream, p: stream.bernoulli(p))
fill_integers = filling("Random", lambda x, stream, low, high: stream.integers(x.size, low, high))
fill_integers_below = fill_integers.called("RandomBackward1")
fill_any_integers = filling("RandomBackward2", lambda x, stream: any_integers(x, stream))


def any_integers(x, stream):
    """Whole numbers over all that the type holds: up to its largest, or for a float as far as every whole number is exact."""
    if x.dtype.kind == "b":
        return stream.words(x.size) & np.uint64(1)
    if x.dtype.kind == "f":
        choices = 2 ** (np.finfo(x.dtype).nmant + 1) + 1
    else:
        choices = np.iinfo(x.dtype).max + 1
    words = stream.long_words(x.size) if x.itemsize == 8 else stream.words(x.size)
    return words % np.uint64(choices)


def needs_floats(x: np.ndarray, what: str) -> None:
    if x.dtype.kind != "f":
        letter = dtypes.FROM_NUMPY[x.dtype].letter
        raise NotImplementedError(f"\"{what}\" not implemented for '{letter}'")


def uniform_(self, from_=0, to=1, *, generator=None, **named) -> Tensor:
    """Fill with numbers from `from` up to, not including, `to`."""
    from_ = named.pop("from", from_)
    needs_floats(self._array, "check_uniform_bounds")
    if from_ > to:
        raise RuntimeError(
            f"uniform_ expects to return a [from, to) range, but found from={number(from_)} > to={number(to)}"
        )
    return fill_uniform.in_place((self,), {"stream": stream_of(generator), "low": float(from_), "high": float(to)})


def normal_(self, mean=0, std=1, *, generator=None) -> Tensor:
    """Fill with normally distributed numbers."""
    if std < 0:
        raise RuntimeError(f"normal expects std >= 0.0, but found std {number(std)}")
    needs_floats(self._array, "normal_kernel_cpu")
    return fill_normal.in_place((self,), {"stream": stream_of(generator), "mean": float(mean), "std": float(std)})


def exponential_(self, lambd=1, *, generator=None) -> Tensor:
    """Fill with the waiting times of events that come `lambd` times in a unit of time."""
    if lambd <= 0:
        raise RuntimeError(f"exponential_ expects lambda > 0.0, but found lambda={number(lambd)}")
    needs_floats(self._array, "exponential_cpu")
    return fill_exponential.in_place((self,), {"stream": stream_of(generator), "rate": float(lambd)})


def bernoulli_(self, p=0.5, *, generator=None) -> Tensor:
    """Fill with ones, each with probability `p` (a number, or a tensor of probabilities), and zeros."""
    how = {"stream": stream_of(generator)}
    if isinstance(p, Variable):
        chances = checked_chances(p._array)
        return fill_bernoulli_each.in_place((self,), how | {"p": np.broadcast_to(chances, self.shape)})
    if not 0 <= p <= 1:
        raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={number(p)}")
    return fill_bernoulli.in_place((self,), how | {"p": float(p)})


def random_(self, from_=None, to=None, *, generator=None, **named) -> Tensor:
    """Fill with whole numbers: `random_(to)` below to, `random_(from, to)`, or `random_()` over all that the type holds."""
    from_ = named.pop("from", from_)
    how = {"stream": stream_of(generator)}
    if from_ is None and to is None:
        return fill_any_integers.in_place((self,), how)
    if to is None:
        from_, to, fill = 0, from_, fill_integers_below
    else:
        from_, fill = from_ or 0, fill_integers
    check_range(self._array.dtype, from_, to)
    return fill.in_place((self,), how | {"low": int(from_), "high": int(to)})


def number(value) -> str:
    """A number as PyTorch's C++ writes it in messages: six digits, no `.0`."""
    return f"{value:g}"


def check_range(kind: np.dtype, low: int, high: int) -> None:
    """Raise PyTorch's error unless there is a whole number from low to below high, and the type holds them all."""
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', but got from={low} >= to={high}")
    if kind.kind == "f":
        least, most = -np.finfo(kind).max, np.finfo(kind).max
    else:
        least, most = (0, 1) if kind.kind == "b" else (np.iinfo(kind).min, np.iinfo(kind).max)
    for name, value in (("from", low), ("to - 1", high - 1)):
        if not least <= value <= most:
            raise RuntimeError(f"{name} is out of bounds for {C_NAMES[kind.name]}")


def checked_chances(p: np.ndarray) -> np.ndarray:
    if not ((p >= 0) & (p <= 1)).all():
        raise RuntimeError(
            "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, "
            "please report an enhancement request to PyTorch.)"
        )
    return p


# ---- making ------------------------------------------------------------------------------------------------------------


def maker(name, fill, sentence):
    """A function of a shape and its companion of a tensor, such as `rand(2, 3)` and `rand_like(x)`."""

    def function(
        *size, generator=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, **named
    ):
        if named.keys() - {"size"}:
            raise TypeError(f"{name}() got an unexpected keyword argument '{next(iter(named))}'")
        shape = shape_of((named["size"],) if named else size, name)
        made = leaf(np.empty(shape, (dtype or dtypes.get_default_dtype()).numpy))
        return fill(made, generator=generator).requires_grad_(requires_grad)

    def like(input, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, memory_format=None):
        need_tensor(input, name + "_like")
        made = leaf(np.empty_like(input._array, dtype=(dtype or input.dtype).numpy))
        return fill(made, generator=generator).requires_grad_(requires_grad)

    function.__name__ = function.__qualname__ = name
    like.__name__ = like.__qualname__ = name + "_like"
    function.__doc__ = f"A tensor of {sentence}. dtype: the default floating type unless given."
    like.__doc__ = f"A tensor of {sentence}, with the shape and type of `input`."
    return asked_for(function), asked_for(like)


rand, rand_like = maker("rand", uniform_, "numbers spread evenly from 0 up to, not including, 1")
randn, randn_like = maker("randn", normal_, "normally distributed numbers, mean 0, standard deviation 1")


@asked_for
def randint(
    *args, generator=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False, **named
):
    """Whole numbers from `low` (0) up to, not including, `high`: `randint(high, size)` or `randint(low, high, size)`."""
    given = list(args)
    size = named.pop("size", None)
    if size is None:
        size = given.pop() if given else ()
    high = named.pop("high", None)
    if high is None:
        high = given.pop()
    low = named.pop("low", given.pop() if given else 0)
    if not isinstance(size, (tuple, list)):
        raise TypeError(
            f"randint(): argument 'size' (position {len(args)}) must be tuple of ints, not {type(size).__name__}"
        )
    made = leaf(np.empty(shape_of((size,)), (dtype or dtypes.int64).numpy), None, requires_grad)
    return filled_with_integers(made, low, high, generator)


@asked_for
def randint_like(
    input,
    low,
    high=None,
    *,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    memory_format=None,
):
    """Whole numbers from `low` (0) up to, not including, `high`, with the shape and type of `input`."""
    low, high = (0, low) if high is None else (low, high)
    made = leaf(np.empty_like(input._array, dtype=(dtype or input.dtype).numpy), None, requires_grad)
    return filled_with_integers(made, low, high, generator)


def filled_with_integers(made, low, high, generator):
    requires_grad, made._requires_grad = made._requires_grad, False
    return random_(made, int(low), int(high), generator=generator).requires_grad_(requires_grad)


@asked_for
def randperm(
    n, *, generator=None, dtype=None, layout=None, device=None, requires_grad=False, pin_memory=False
) -> Tensor:
    """The numbers 0 … n-1 in random order."""
    (n,) = shape_of((n,))
    return leaf(stream_of(generator).permutation(n), dtype or dtypes.int64, requires_grad)


@asked_for
def normal(
    mean,
    std=1.0,
    size=None,
    *,
    generator=None,
    dtype=None,
    layout=None,
    device=None,
    requires_grad=False,
    pin_memory=False,
):
    """Normal numbers: of a given mean and std and size, or one for each element of a tensor of means, of stds, or both."""
    if size is not None:
        made = leaf(np.empty(shape_of((size,)), (dtype or dtypes.get_default_dtype()).numpy))
        return normal_(made, mean, std, generator=generator).requires_grad_(requires_grad)
    if isinstance(std, Variable):
        if (std._array < 0).any():
            raise RuntimeError("normal expects all elements of std >= 0.0")
        shape = np.broadcast_shapes(std.shape, mean.shape if isinstance(mean, Variable) else ())
        noise = normal_(leaf(np.empty(shape, std._array.dtype)), generator=generator)._array * std._array
    elif isinstance(mean, Variable):
        noise = normal_(leaf(np.empty(mean.shape, mean._array.dtype)), 0, std, generator=generator)._array
    else:
        raise TypeError(
            f"normal() received an invalid combination of arguments - got ({type(mean).__name__}, {type(std).__name__}); "
            "give a tensor of means or stds, or a size"
        )
    drawn = noise + (mean._array if isinstance(mean, Variable) else noise.dtype.type(mean))
    if not isinstance(std, Variable):
        return normal_of_means(mean, std, drawn=drawn)
    return (normal_of_both if isinstance(mean, Variable) else normal_of_stds)(mean, std, drawn=drawn)


def placing(name, **rules):
    """An operation that gives what has been drawn for its inputs; it has a derivative, which is zero."""
    return Operation(name, lambda mean, std, *, drawn: drawn, mix="none", **rules)


normal_of_means = placing("NormalBackward1", mean=lambda g: nothing(g))
normal_of_stds = placing("NormalBackward2", std=lambda g: nothing(g))
normal_of_both = placing("NormalBackward3", mean=lambda g: nothing(g), std=lambda g: nothing(g))


def bernoulli(input, p=None, *, generator=None) -> Tensor:
    """Ones, each with the probability that `input` has there (or all with probability `p`), and zeros; of input's type."""
    if p is not None:
        return bernoulli_(leaf(np.empty_like(input._array)), p, generator=generator)
    checked_chances(input._array)
    return sample_bernoulli(input, stream=stream_of(generator))


sample_bernoulli = Operation(
    "Bernoulli",
    lambda x, *, stream: stream.bernoulli(x).reshape(x.shape).astype(x.dtype),
    mix="none",
    x=lambda g: nothing(g),
)


def multinomial(input, num_samples, replacement=False, *, generator=None) -> Tensor:
    """`num_samples` positions in each row of `input`, drawn with weights that the row gives, int64."""
    weights = input._array
    check_weights(weights, num_samples, replacement)
    stream = stream_of(generator)
    if replacement and num_samples > 1:
        rows = weights.reshape(-1, weights.shape[-1])
        picks = [pick_with_replacement(row, num_samples, stream) for row in rows]
        return leaf(np.array(picks, np.int64).reshape(*weights.shape[:-1], num_samples))
    # Of exponential waiting times with these rates the k-th to end is a draw without replacement.
    urgency = weights / stream.exponential(weights.size, 1.0, weights.dtype).reshape(weights.shape)
    order = np.argsort(-urgency, axis=-1, kind="stable")
    return leaf(order[..., :num_samples].astype(np.int64))


def check_weights(weights, num_samples, replacement):
    if weights.dtype.kind != "f":
        letter = dtypes.FROM_NUMPY[weights.dtype].letter
        raise RuntimeError(f"multinomial only supports floating-point dtypes for input, got: {letter}")
    if num_samples <= 0:
        raise RuntimeError("cannot sample n_sample <= 0 samples")
    if not replacement and num_samples > weights.shape[-1]:
        raise RuntimeError("cannot sample n_sample > prob_dist.size(-1) samples without replacement")
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise RuntimeError("probability tensor contains either `inf`, `nan` or element < 0")
    if (weights.sum(axis=-1) <= 0).any():
        raise RuntimeError("invalid multinomial distribution (sum of probabilities <= 0)")


def pick_with_replacement(weights, num_samples, stream):
    """Where uniform numbers fall among the running sums of the weights."""
    running = np.add.accumulate(weights)
    running = running / running[-1]
    running[-1] = 1
    return np.searchsorted(running, stream.uniform(num_samples, dtype=np.float64), side="left")


for method in (uniform_, normal_, exponential_, bernoulli_, random_, bernoulli, multinomial):
    setattr(Tensor, method.__name__, method)
