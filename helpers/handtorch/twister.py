"""PyTorch's random numbers on the CPU, as NumPy arrays: one stream of 32-bit words, and the rules that turn words into numbers.

Ground of handtorch, below tensors. The words come from the Mersenne Twister MT19937 (Matsumoto & Nishimura 1998), which NumPy
has too and seeds alike. What is peculiar to PyTorch is how many words a number takes and how it is made of them:

- uniform: the low 24 bits of one word (float32), or the low 53 bits of two (float64), over a power of two;
- normal: the Box-Muller transform (1958), in float64 for fewer than 16 numbers, else in blocks of 16 in the type itself, for
  float32 with the polynomials of the Cephes library, so that not even the last bit differs;
- whole numbers: a word modulo the length of the range;
- Bernoulli (hence dropout) and exponential numbers: from one float64 fraction each, whatever the type of the result.

The rules were found by comparing with PyTorch 2.13 and reading its public headers; PyTorch is the oracle of the tests.
"""

import math

import numpy as np

from .sums import fused

BLOCK = 16
WORDS = 624
STATE = np.dtype(
    [
        ("initial_seed", np.uint64),
        ("left", np.int32),
        ("seeded", np.int32),
        ("next", np.uint64),
        ("key", np.uint64, WORDS),
        ("normal_x", np.float64),
        ("normal", np.float64),
        ("normal_rho", np.float64),
        ("has_normal", np.int32),
        ("padding", np.int32),
        ("float_normal", np.float32),
        ("has_float_normal", np.int32),
    ]
)


class Twister:
    """The stream of one generator. Each drawing method takes a count and a float dtype, and returns a flat array."""

    def __init__(self, seed: int):
        self.seed(seed)

    def seed(self, seed: int) -> None:
        """Start again from a seed; only its low 32 bits matter to the numbers."""
        self.initial_seed = seed % 2**64
        self.source = np.random.RandomState(self.initial_seed & 0xFFFFFFFF)
        self.fresh = True
        self.spare = None  # Box-Muller makes normal numbers in pairs; an odd one waits here

    def get_state(self) -> np.ndarray:
        """The state as PyTorch lays it out: 5056 bytes."""
        _, key, position, _, _ = self.source.get_state()
        state = np.zeros((), STATE)
        state["initial_seed"], state["seeded"], state["key"] = self.initial_seed, 1, key
        state["next"] = 0 if self.fresh else position
        state["left"] = 1 if self.fresh else WORDS + 1 - position
        if self.spare is not None:
            state["normal"], state["has_normal"] = self.spare, 1
        return np.frombuffer(state.tobytes(), np.uint8).copy()

    def set_state(self, data: np.ndarray) -> None:
        """Take up a state that `get_state`, or PyTorch's, has given."""
        state = np.frombuffer(data.tobytes(), STATE)[0]
        self.initial_seed = int(state["initial_seed"])
        position = WORDS if state["left"] == 1 else int(state["next"])
        self.source.set_state(("MT19937", state["key"].astype(np.uint32), position))
        self.fresh = bool(state["left"] == 1 and state["next"] == 0)
        self.spare = float(state["normal"]) if state["has_normal"] else None

    # ---- words -------------------------------------------------------------------------------------------------------

    def words(self, count: int) -> np.ndarray:
        """The next words, as uint64 so that arithmetic on them does not wrap."""
        if count == 0:  # of which NumPy would make one
            return np.empty(0, np.uint64)
        self.fresh = False
        return np.frombuffer(self.source.bytes(4 * count), np.uint32).astype(np.uint64)

    def long_words(self, count: int) -> np.ndarray:
        """Words of 64 bits: of two short ones the first is the high half."""
        pairs = self.words(2 * count)
        return pairs[0::2] << np.uint64(32) | pairs[1::2]

    # ---- whole numbers -----------------------------------------------------------------------------------------------

    def integers(self, count: int, low: int, high: int) -> np.ndarray:
        """int64 from low up to, not including, high. Long ranges take two words, to stay near enough to uniform."""
        length = high - low
        words = self.long_words(count) if length >= 2**28 else self.words(count)
        return (words % np.uint64(length)).astype(np.int64) + low

    def permutation(self, n: int) -> np.ndarray:
        """0 … n-1 shuffled: each place in turn is swapped with one of those from it on (Fisher-Yates)."""
        order = list(range(n))
        for i, word in enumerate(self.words(max(n - 1, 0)).tolist()):
            j = i + word % (n - i)
            order[i], order[j] = order[j], order[i]
        return np.array(order, np.int64)

    # ---- real numbers ------------------------------------------------------------------------------------------------

    def uniform(self, count: int, low: float = 0.0, high: float = 1.0, dtype=np.float32) -> np.ndarray:
        """Uniform numbers from low up to, not including, high."""
        dtype = np.dtype(dtype)
        wide = np.promote_types(dtype, np.float32)
        fractions = self._fractions(count, wide)
        low, high = wide.type(low), wide.type(high)
        numbers = fused(fractions, high - low, low).astype(dtype)
        # Rounding may reach the end that does not belong to the range.
        return np.where(numbers == dtype.type(high), dtype.type(low), numbers)

    def _fractions(self, count: int, dtype: np.dtype) -> np.ndarray:
        """Numbers in [0, 1): as many low bits of a word as the type's significand holds."""
        if dtype == np.float64:
            return (self.long_words(count) & np.uint64(2**53 - 1)).astype(dtype) * 2.0**-53
        return (self.words(count) & np.uint64(2**24 - 1)).astype(dtype) * np.float32(2.0**-24)

    def normal(
        self, count: int, mean: float = 0.0, std: float = 1.0, dtype=np.float32, blocks: bool = True
    ) -> np.ndarray:
        """Normal numbers. `blocks` is False for memory that is not contiguous: PyTorch then draws them one by one."""
        dtype = np.dtype(dtype)
        if count < BLOCK or not blocks:
            singles = np.array([self._one_normal() for _ in range(count)], np.float64)
            return fused(singles, np.float64(std), np.float64(mean)).astype(dtype)
        wide = np.promote_types(dtype, np.float32)
        mean, std = wide.type(mean), wide.type(std)
        whole = count // BLOCK * BLOCK
        # float16 draws block by block; the wider types first fill everything, and the last, partial block is drawn again.
        fractions = self._fractions(whole if dtype == np.float16 else count, wide)[:whole]
        numbers = np.empty(count, dtype)
        numbers[:whole] = fused(box_muller_blocks(fractions), std, mean)
        if whole < count:
            numbers[-BLOCK:] = fused(box_muller_blocks(self._fractions(BLOCK, wide)), std, mean)
        return numbers

    def _one_normal(self) -> float:
        if self.spare is not None:
            spare, self.spare = self.spare, None
            return spare
        turn, fall = self._fractions(2, np.dtype(np.float64)).tolist()
        radius = math.sqrt(-2.0 * math.log1p(-fall))
        angle = 2.0 * math.pi * turn
        self.spare = radius * math.sin(angle)
        return radius * math.cos(angle)

    def bernoulli(self, p: np.ndarray | float, count: int = 0) -> np.ndarray:
        """Booleans that are True with probability p: an array's own probabilities, or one number for `count` of them."""
        if isinstance(p, np.ndarray):
            return self._fractions(p.size, np.promote_types(p.dtype, np.float32)) < p.ravel()
        return self._fractions(count, np.dtype(np.float64)) < p

    def exponential(self, count: int, rate: float = 1.0, dtype=np.float32) -> np.ndarray:
        """Waiting times between events that come at this rate."""
        fractions = self._fractions(count, np.dtype(np.float64))
        return np.array([-1.0 / rate * math.log1p(-u) for u in fractions.tolist()], np.float64).astype(dtype)


def box_muller_blocks(fractions: np.ndarray) -> np.ndarray:
    """Blocks of 16 uniform numbers to blocks of 16 normal ones: eight radii and eight angles to eight cosines and eight sines."""
    blocks = fractions.reshape(-1, 2, BLOCK // 2)
    falls, turns = 1 - blocks[:, 0], blocks[:, 1]
    if fractions.dtype == np.float32:
        radius = np.sqrt(np.float32(-2) * log_float32(falls))
        cosine, sine = cos_sin_float32(np.float32(2 * math.pi) * turns)
    else:
        # The C library's functions, as PyTorch's; NumPy's own differ in the last bit.
        angle = 2 * math.pi * turns
        log, cosine, sine = (
            np.array([f(value) for value in values.ravel().tolist()]).reshape(values.shape)
            for f, values in ((math.log, falls), (math.cos, angle), (math.sin, angle))
        )
        radius = np.sqrt(-2.0 * log)
    return np.stack([radius * cosine, radius * sine], axis=1).reshape(-1)


# ---- logarithm, cosine and sine in float32: range reduction and polynomials of S. Moshier's Cephes library -------------

LOG = np.array(
    [
        7.0376836292e-2,
        -1.1514610310e-1,
        1.1676998740e-1,
        -1.2420140846e-1,
        1.4249322787e-1,
        -1.6668057665e-1,
        2.0000714765e-1,
        -2.4999993993e-1,
        3.3333331174e-1,
    ],
    np.float32,
)
SINE = np.array([-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1], np.float32)
COSINE = np.array([2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2], np.float32)
QUARTER_PI = np.array([0.78515625, 2.4187564849853515625e-4, 3.77489497744594108e-8], np.float32)


def polynomial(coefficients: np.ndarray, x: np.ndarray) -> np.ndarray:
    """Horner's scheme, every step a fused multiply-add."""
    total = np.broadcast_to(coefficients[0], x.shape).astype(np.float32)
    for coefficient in coefficients[1:]:
        total = fused(total, x, coefficient)
    return total


def log_float32(x: np.ndarray) -> np.ndarray:
    """log x for float32 x in (0, 1]: x = m 2**e with m in [sqrt(1/2), sqrt 2), and a polynomial in m - 1."""
    m, e = np.frexp(x)
    small = m < np.float32(math.sqrt(0.5))
    e = (e - small).astype(np.float32)
    m = np.where(small, m + m, m) - np.float32(1)
    square = m * m
    y = fused(polynomial(LOG, m) * m, square, e * np.float32(-2.12194440e-4))
    y = y - square * np.float32(0.5)
    return fused(e, np.float32(0.693359375), m + y)


def cos_sin_float32(angle: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """cos and sin of float32 angles in [0, 2 pi]: subtract the nearest even multiple of pi/4, then one polynomial each."""
    octant = (angle * np.float32(4 / math.pi)).astype(np.int32) + 1 & ~1
    multiple = octant.astype(np.float32)
    x = angle
    for part in QUARTER_PI:
        x = fused(multiple, -part, x)
    square = x * x
    cosine = fused(polynomial(COSINE, square) * square, square, square * np.float32(-0.5)) + np.float32(1)
    sine = fused(polynomial(SINE, square) * square, x, x)
    swapped = octant & 2 != 0
    cosine, sine = np.where(swapped, sine, cosine), np.where(swapped, cosine, sine)
    return np.where(octant - 2 & 4 == 0, -cosine, cosine), np.where(octant & 4 != 0, -sine, sine)
