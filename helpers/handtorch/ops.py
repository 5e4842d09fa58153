"""The table: every operation with its derivative beside it.

An entry reads `name = Operation("PyTorch's name", forward on arrays, x=rule for input x, …)`; a rule takes `g`, the gradient of
the result, and gives the gradient of its input (`record.py` says how its other arguments are found). Broadcasting needs no mention: what
was repeated is summed up afterwards. The same rule serves arrays and tensors, so it uses only operators, methods that
both have, and entries of this table. The formulas are those of any calculus text; where a choice must be made (ties, kinks,
the order of a product, which is seen in the last bit), it is PyTorch's.

Arguments have been tidied before they come here: `dim` is a tuple or a non-negative number, shapes are tuples.
"""

from __future__ import annotations

import math

import numpy as np

from .dtypes import number_in
from .kernels import (
    DIVIDE,
    added_at,
    along,
    arithmetic_mean,
    at,
    bessel_i,
    block,
    blocks,
    chosen_elements,
    clip,
    clip_between,
    clip_to,
    corner,
    count,
    cut,
    digamma_of,
    each_number,
    expanded,
    fill_diagonal,
    floor_div,
    fold_windows,
    gathered,
    in_corner,
    interpolate,
    inverse_erf,
    joined,
    kept_where,
    log_gamma,
    log_gammas,
    log_softmax_of,
    log_sum_exp,
    logistic,
    modulus,
    multiplied,
    multiplied_and_added,
    norm_of,
    on_a_diagonal,
    placed,
    polygamma_of,
    product,
    product_and_bias,
    put_at,
    raise_to,
    reduced_at,
    replace_nan,
    rounded_once,
    scaled_down,
    sign_of,
    softmax_of,
    softplus_of,
    squeezed,
    stacked,
    strided,
    two_rounded_once,
    unbound,
    unless_whole,
    variance,
    weighted,
    whole,
    windows,
    writable_diagonal,
    x_log_y,
    zero_like,
)
from .record import Operation, Variable, broadcast, spread_out, sum_to, wrap
from .sums import softmax_sum, torch_sum

PI = math.pi


def entry(name, forward, **rules):
    """A function of one real number: integers become floating, and small arrays are rounded only once."""
    return Operation(name, rounded_once(forward), mix="float", **rules)


def refuse(what):
    """Raise PyTorch's error for what it has no derivative of at all."""
    raise RuntimeError(f"derivative for {what} is not implemented")


def without_derivative(op, name, what):
    """The same operation with rules that raise PyTorch's error."""

    def fail(g):
        raise RuntimeError(f"the derivative for '{what}' is not implemented.")

    twin = op.called(name)
    twin.rules, twin.plans = dict.fromkeys(op.rules, fail), {}
    return twin


def nothing(g):
    """The rule of a step function: zero wherever it has a derivative."""
    return zeros_like(g)


# ---- arithmetic ------------------------------------------------------------------------------------------------------

add = Operation("Add", np.add, x=lambda g: g, y=lambda g: g)
sub = Operation("Sub", np.subtract, x=lambda g: g, y=lambda g: -g)
mul = Operation("Mul", np.multiply, x=lambda g, y: g * y, y=lambda g, x: g * x)
div = Operation("Div", np.true_divide, mix="float", x=lambda g, y: g / y, y=lambda g, x, y: -g * ((x / y) / y))
neg = Operation("Neg", np.negative, mix="none", x=lambda g: -g)
reciprocal = Operation("Reciprocal", np.reciprocal, mix="float", x=lambda g, ans: -g * (ans * ans))
rsub = Operation("RsubBackward1", lambda x, *, other: other - x, mix="none", x=lambda g: -g)
add_scaled = Operation(
    "Add", lambda x, y, *, alpha: multiplied_and_added(x, alpha, y), x=lambda g: g, y=lambda g, alpha: g * alpha
)
# With a number on the right PyTorch's own composites leave a node with one input.
add_number = Operation("AddBackward1", lambda x, *, by: x + by, mix="none", x=lambda g: g)
mul_number = Operation("MulBackward1", lambda x, *, by: x * by, mix="none", x=lambda g, by: g * by)
div_number = Operation("DivBackward1", lambda x, *, by: x / by, mix="none", x=lambda g, by: g / by)
rsub_by = Operation(
    "Rsub", lambda x, y, *, alpha: multiplied_and_added(y, -alpha, x), x=lambda g, alpha: -(g * alpha), y=lambda g: g
)
sub_scaled = Operation(
    "Sub", lambda x, y, *, alpha: multiplied_and_added(x, -alpha, y), x=lambda g: g, y=lambda g, alpha: -(g * alpha)
)
rounding_div = Operation("DivBackward2", lambda x, y, *, how: DIVIDE[how](x, y), x=nothing, y=nothing)
floor_divide = Operation(
    "NotImplemented", lambda x, y: floor_div(x, y), **dict.fromkeys("xy", lambda g: refuse("aten::floor_divide"))
)
floor_divide.node_type.__name__ = "NotImplemented"
fmod = Operation(
    "FmodBackward1", lambda x, y: modulus(np.fmod, x, y), x=lambda g: g, y=lambda g, x, y: -g * trunc(x / y)
)
remainder = Operation(
    "RemainderBackward1",
    lambda x, y: modulus(np.remainder, x, y),
    x=lambda g: g,
    y=lambda g, x, y: -g * rounding_div(x, y, how="floor"),
)
addcmul = Operation(
    "Addcmul",
    lambda x, y, z, *, value=1: multiplied_and_added(
        x, (value if y.dtype.kind == "f" else number_in(value, y.dtype)) * y if value != 1 else y, z
    ),
    x=lambda g: g,
    y=lambda g, z, value: g * (z * value),
    z=lambda g, y, value: g * (y * value),
)
addcdiv = Operation(
    "Addcdiv",
    lambda x, y, z, *, value=1: x + value * y / z,
    x=lambda g: g,
    y=lambda g, z, value: g * (value / z),
    z=lambda g, y, z, value: -g * (value * y / (z * z)),
)
lerp = Operation(
    "LerpBackward1",
    lambda x, y, w: interpolate(x, y, w),
    x=lambda g, w: g * (1 - w),
    y=lambda g, w: g * w,
    w=lambda g, x, y: g * (y - x),
)

lerp_by = Operation(
    "Lerp",
    lambda x, y, *, weight: interpolate(x, y, weight),
    x=lambda g, weight: g * (1 - weight),
    y=lambda g, weight: g * weight,
)
power = Operation(
    "Pow", lambda x, *, exponent: raise_to(x, exponent), mix="none", x=lambda g, x, exponent: power_rule(g, x, exponent)
)
power_of = Operation(
    "PowBackward1",
    lambda x, y: raise_to(x, y),
    x=lambda g, x, y: where(y == 0, 0.0, g * (y * x ** (y - 1))),
    y=lambda g, x, y, ans: g * where((x == 0) & (y >= 0), 0.0, ans * log(x)),
)
power_from = Operation(
    "PowBackward2",
    lambda y, *, base: raise_to(np.asarray(base, y.dtype), y),
    mix="none",
    y=lambda g, y, ans, base: g * (ans * logarithm(base) if base else where(y >= 0, 0.0, ans * -math.inf)),
)

# ---- functions of one number -----------------------------------------------------------------------------------------

exp = entry("Exp", np.exp, x=lambda g, ans: g * ans)
exp2 = entry("Exp2", np.exp2, x=lambda g, ans: g * ans * math.log(2))
expm1 = entry("Expm1", np.expm1, x=lambda g, ans: g * (ans + 1))
log = entry("Log", np.log, x=lambda g, x: g / x)
log2 = entry("Log2", np.log2, x=lambda g, x: g / (x * math.log(2)))
log10 = entry("Log10", np.log10, x=lambda g, x: g / (x * math.log(10)))
log1p = entry("Log1P", np.log1p, x=lambda g, x: g / (x + 1))
sqrt = entry("Sqrt", np.sqrt, x=lambda g, ans: g / (2 * ans))
rsqrt = entry("Rsqrt", lambda x: 1 / np.sqrt(x), x=lambda g, ans: -0.5 * g * ans**3)
sin = entry("Sin", np.sin, x=lambda g, x: g * cos(x))
cos = entry("Cos", np.cos, x=lambda g, x: g * -sin(x))
tan = entry("Tan", np.tan, x=lambda g, ans: g * (1 + ans**2))
asin = entry("Asin", np.arcsin, x=lambda g, x: g * rsqrt(-x * x + 1))
acos = entry("Acos", np.arccos, x=lambda g, x: g * -rsqrt(-x * x + 1))
atan = entry("Atan", np.arctan, x=lambda g, x: g / (x * x + 1))
sinh = entry("Sinh", np.sinh, x=lambda g, x: g * cosh(x))
cosh = entry("Cosh", np.cosh, x=lambda g, x: g * sinh(x))
tanh = entry("Tanh", np.tanh, x=lambda g, ans: g * (1 - ans * ans))
asinh = entry("Asinh", np.arcsinh, x=lambda g, x: g * rsqrt(x**2 + 1))
acosh = entry("Acosh", np.arccosh, x=lambda g, x: g * rsqrt(x**2 - 1))
atanh = entry("Atanh", np.arctanh, x=lambda g, x: g * 1 / (1 - x**2))
sigmoid = entry("Sigmoid", lambda x: logistic(x), x=lambda g, ans: g * (1 - ans) * ans)
logit = Operation(
    "Logit",
    lambda x, *, eps: np.log(clip_to(x, eps) / (1 - clip_to(x, eps))),
    mix="float",
    x=lambda g, x, eps: where(
        (x < (eps or 0)) | (x > 1 - (eps or 0)), math.nan if eps is None else 0.0, g / absolute(x * (1 - x))
    ),
)
erf = entry("Erf", lambda x: each_number(math.erf, x), x=lambda g, x: 2 / math.sqrt(PI) * exp(-(x**2)) * g)
erfc = entry("Erfc", lambda x: each_number(math.erfc, x), x=lambda g, x: -2 / math.sqrt(PI) * exp(-(x**2)) * g)
erfinv = entry("Erfinv", lambda x: inverse_erf(x), x=lambda g, ans: math.sqrt(PI) / 2 * exp(ans**2) * g)
lgamma = entry("Lgamma", lambda x: each_number(log_gamma, x), x=lambda g, x: g * digamma(x))
digamma = entry("Digamma", lambda x: each_number(digamma_of, x), x=lambda g, x: g * polygamma(x, n=1))
polygamma = Operation(
    "Polygamma",
    lambda x, *, n: each_number(lambda value: polygamma_of(n, value), x),
    mix="float",
    x=lambda g, x, n: g * polygamma(x, n=n + 1),
)
mvlgamma = Operation(
    "Mvlgamma",
    lambda x, *, p: log_gammas(x, p),
    mix="float",
    x=lambda g, x, p: g * digamma(x[..., None] - constant(np.arange(p) / 2, x)).sum(-1),
)
sinc = Operation(
    "Sinc",
    lambda x: np.where(x == 0, 1, np.sin(PI * x) / (PI * x)).astype(x.dtype),
    mix="float",
    x=lambda g, x: where(x * x == 0, 0.0, g * ((cos(PI * x) * PI * x - sin(PI * x)) / (PI * x * x))),
)
square = Operation("Pow", lambda x: x * x if x.dtype != bool else x.astype(np.int64), x=lambda g, x: g * twice(x))
absolute = Operation("Abs", np.absolute, mix="none", x=lambda g, x: g * sign(x))
sign = Operation("Sign", lambda x: sign_of(x), mix="none", x=nothing)
floor = Operation("Floor", lambda x: unless_whole(np.floor, x), mix="none", x=nothing)
ceil = Operation("Ceil", lambda x: unless_whole(np.ceil, x), mix="none", x=nothing)
trunc = Operation("Trunc", lambda x: unless_whole(np.trunc, x), mix="none", x=nothing)
round = Operation(
    "Round", lambda x, *, decimals=0: unless_whole(lambda x: np.round(x, decimals), x), mix="none", x=nothing
)
sgn, round_to = sign.called("Sgn"), round.called("RoundBackward1")
frac = Operation("Frac", lambda x: x - np.trunc(x), mix="none", x=lambda g: g)
rad2deg = Operation("Rad2Deg", lambda x: x * (180 / PI), mix="float", x=lambda g: g * (180 / PI))
deg2rad = Operation("Deg2Rad", lambda x: x * (PI / 180), mix="float", x=lambda g: g * (PI / 180))
frexp = Operation(
    "Frexp",
    lambda x, *, exponent: np.frexp(x)[0],
    mix="none",
    x=lambda g, exponent: g * constant(0.5 ** exponent.astype(np.float64), g),
)
ldexp = Operation(
    "Ldexp",
    lambda x, y: x * np.exp2(y).astype(x.dtype),
    mix="float",
    x=lambda g, y: g * exp2(y),
    y=lambda g, ans: g * ans * math.log(2),
)
angle = Operation(
    "Angle", lambda x: np.where(x != x, x, np.where(x < 0, PI, 0)).astype(x.dtype), mix="float", x=nothing
)
nextafter = Operation("Nextafter", np.nextafter, x=lambda g, x, y: where(x != y, g, 0.0), y=nothing)
heaviside = Operation("Heaviside", lambda x, y: np.where(x == 0, y, x > 0).astype(x.dtype), mix="none")
i0 = entry("I0", lambda x: bessel_i(0, x), x=lambda g, x: g * i1(x))
i1 = entry("SpecialI1", lambda x: bessel_i(1, x), x=lambda g, x, ans: g * (i0(x) - where(x == 0, 0.5, ans / x)))
nan_to_num = Operation(
    "NanToNum",
    lambda x, *, nan, posinf, neginf: replace_nan(x, nan, posinf, neginf),
    mix="none",
    x=lambda g, x: g * (x - x == 0),
)
positive = Operation("Alias", lambda x: x[...], mix="none", view=True, x=lambda g: g)
clone = Operation("Clone", lambda x: x.copy(order="K"), mix="none", x=lambda g: g)
contiguous = Operation("Clone", lambda x: x.copy(), mix="none", x=lambda g: g)
zeros_like = Operation("ZerosLike", lambda x: np.zeros_like(x), mix="none")
cast = Operation(
    "ToCopy", lambda x, *, to: x.astype(to), mix="none", x=lambda g: g
)  # the walk gives each gradient the type of its input

# ---- comparing and choosing ------------------------------------------------------------------------------------------

eq = Operation("Eq", np.equal)
ne = Operation("Ne", np.not_equal)
lt = Operation("Lt", np.less)
le = Operation("Le", np.less_equal)
gt = Operation("Gt", np.greater)
ge = Operation("Ge", np.greater_equal)

where = Operation(
    "Where",
    lambda condition, x, y: np.where(condition, x, y),
    mix="none",
    x=lambda g, condition: where(condition, g, 0.0),
    y=lambda g, condition: where(condition, 0.0, g),
)
maximum = Operation(
    "Maximum", np.maximum, x=lambda g, x, y: share(g, x < y, x == y), y=lambda g, x, y: share(g, y < x, x == y)
)
minimum = Operation(
    "Minimum", np.minimum, x=lambda g, x, y: share(g, x > y, x == y), y=lambda g, x, y: share(g, y > x, x == y)
)
fmax = Operation(
    "Fmax",
    np.fmax,
    x=lambda g, x, y: where((x >= y) | (y != y), g, 0.0),
    y=lambda g, x, y: where((x >= y) | (y != y), 0.0, g),
)
fmin = Operation(
    "Fmin",
    np.fmin,
    x=lambda g, x, y: where((x <= y) | (y != y), g, 0.0),
    y=lambda g, x, y: where((x <= y) | (y != y), 0.0, g),
)
clamp = Operation(
    "ClampBackward1",
    lambda x, *, low, high: clip(x, low, high),
    x=lambda g, x, low, high: where(within(x, low, high), g, 0.0),
)
clamp_least, clamp_most = clamp.called("ClampMin"), clamp.called("ClampMax")
clamp_by = Operation(
    "Clamp",
    lambda x, low, high: clip_between(x, low, high),
    x=lambda g, x, low, high: where(within(x, low, high), g, 0.0),
    low=lambda g, x, low, high: where((x < low) if high is None else (x < low) & (low < high), g, 0.0),
    high=lambda g, x, low, high: where((x > high) if low is None else (x > high) | (high < low), g, 0.0),
)
clamp_min = Operation(
    "ClampMinBackward1",
    np.maximum,
    x=lambda g, x, y: where(x >= y, g, 0.0),
    y=lambda g, x, y: where(x < y, g, 0.0),
)
clamp_max = Operation(
    "ClampMaxBackward1",
    np.minimum,
    x=lambda g, x, y: where(x <= y, g, 0.0),
    y=lambda g, x, y: where(x > y, g, 0.0),
)
copysign = Operation(
    "Copysign", np.copysign, mix="float", x=lambda g, x, ans: g * where(x == 0, 0.0, ans / x), y=lambda g: zeros_like(g)
)
copysign_of = Operation(
    "CopysignBackward1",
    lambda x, *, other: np.copysign(x, other),
    mix="float",
    x=lambda g, x, ans: g * where(x == 0, 0.0, ans / x),
)
atan2 = Operation(
    "Atan2",
    two_rounded_once(np.arctan2),
    mix="float",
    x=lambda g, x, y: g * y * inverse_square(x, y),
    y=lambda g, x, y: g * -x * inverse_square(x, y),
)
hypot = Operation("Hypot", np.hypot, mix="float", x=lambda g, x, ans: g * (x / ans), y=lambda g, y, ans: g * (y / ans))
logaddexp = Operation(
    "Logaddexp",
    np.logaddexp,
    mix="float",
    x=lambda g, x, y: g / (1 + exp(y - x)),
    y=lambda g, x, y: g / (1 + exp(x - y)),
)
logaddexp2 = Operation(
    "Logaddexp2",
    np.logaddexp2,
    mix="float",
    x=lambda g, x, y: g / (1 + exp2(y - x)),
    y=lambda g, x, y: g / (1 + exp2(x - y)),
)
xlogy = Operation(
    "Xlogy",
    x_log_y,
    mix="float",
    x=lambda g, x, y: where((x == 0) & (y <= 0), 0.0, xlogy(g, y)),
    y=lambda g, x, y: g * x / y,
)

# ---- sums and other reductions: `dim` is a tuple of axes, or None for all --------------------------------------------

total = Operation(
    "Sum",
    lambda x, *, dim=None, keepdim=False: torch_sum(x, dim, keepdim),
    mix="none",
    x=lambda g, x_shape, dim, keepdim: spread(g, x_shape, dim, keepdim),
)
total_over = total.called("SumBackward1")
nansum = Operation(
    "Nansum",
    lambda x, *, dim=None, keepdim=False: torch_sum(np.where(x == x, x, 0).astype(x.dtype), dim, keepdim),
    mix="none",
    x=lambda g, x, dim, keepdim: spread(g, x.shape, dim, keepdim) * (x == x),
)
mean = Operation(
    "Mean",
    lambda x, *, dim=None, keepdim=False: arithmetic_mean(x, dim, keepdim),
    mix="none",
    x=lambda g, x_shape, dim, keepdim: spread(g / count(x_shape, dim), x_shape, dim, keepdim),
)
mean_over = mean.called("MeanBackward1")
prod = Operation(
    "Prod",
    lambda x, *, dim=None, keepdim=False: np.prod(x, axis=dim, keepdims=keepdim, dtype=whole(x)),
    mix="none",
    x=lambda g, x, ans, dim, keepdim: prod_rule(g, x, ans, dim, keepdim),
)
prod_over = prod.called("ProdBackward1")
var = Operation(
    "Var",
    lambda x, *, dim, correction, keepdim: variance(x, dim, correction, keepdim),
    mix="none",
    x=lambda g, x, dim, correction, keepdim: variance_rule(g, x, dim, correction, keepdim),
)
std = Operation(
    "Std",
    lambda x, *, dim, correction, keepdim: np.sqrt(variance(x, dim, correction, keepdim)),
    mix="none",
    x=lambda g, x, ans, dim, correction, keepdim: std_rule(g, x, ans, dim, correction, keepdim),
)
var_mean = Operation(
    "VarMean",
    lambda x, *, dim, correction, keepdim: (
        np.asarray(variance(x, dim, correction, keepdim)),
        np.asarray(arithmetic_mean(x, dim, keepdim)),
    ),
    mix="none",
    x=lambda g, x, dim, correction, keepdim: (
        variance_rule(g[0], x, dim, correction, keepdim) + spread(g[1] / count(x.shape, dim), x.shape, dim, keepdim)
    ),
)
std_mean = Operation(
    "StdMean",
    lambda x, *, dim, correction, keepdim: (
        np.sqrt(variance(x, dim, correction, keepdim)),
        np.asarray(arithmetic_mean(x, dim, keepdim)),
    ),
    mix="none",
    x=lambda g, x, dim, correction, keepdim: (
        std_rule(g[0], x, std(x, dim=dim, correction=correction, keepdim=keepdim), dim, correction, keepdim)
        + spread(g[1] / count(x.shape, dim), x.shape, dim, keepdim)
    ),
)
logsumexp = Operation(
    "Logsumexp",
    lambda x, *, dim, keepdim: log_sum_exp(x, dim, keepdim),
    mix="float",
    x=lambda g, x, ans, dim, keepdim: (
        unreduce(g, x.shape, dim, keepdim) * exp(x - unreduce(ans, x.shape, dim, keepdim))
    ),
)
# Of several largest elements each gets an equal share; max over a dim (below, with picking) chooses one of them.
largest = Operation(
    "MaxBackward1",
    lambda x: np.max(x),
    mix="none",
    x=lambda g, x, ans: where(same(x, ans), g / same(x, ans).sum(), 0.0),
)
smallest = Operation(
    "MinBackward1",
    lambda x: np.min(x),
    mix="none",
    x=lambda g, x, ans: where(same(x, ans), g / same(x, ans).sum(), 0.0),
)
amax = Operation(
    "Amax",
    lambda x, *, dim, keepdim: np.max(x, axis=dim, keepdims=keepdim),
    mix="none",
    x=lambda g, x, ans, dim, keepdim: shared(g, x, ans, dim, keepdim),
)
amin = Operation(
    "Amin",
    lambda x, *, dim, keepdim: np.min(x, axis=dim, keepdims=keepdim),
    mix="none",
    x=lambda g, x, ans, dim, keepdim: shared(g, x, ans, dim, keepdim),
)
vector_norm = Operation(
    "LinalgVectorNorm",
    lambda x, *, ord, dim, keepdim: norm_of(x, ord, dim, keepdim),
    mix="float",
    x=lambda g, x, ans, ord, dim, keepdim: norm_rule(
        unreduce(g, x.shape, dim, keepdim), x, unreduce(ans, x.shape, dim, keepdim), ord, dim
    ),
)
aminmax = Operation(
    "Aminmax",
    lambda x, *, dim, keepdim: (
        np.asarray(np.min(x, axis=dim, keepdims=keepdim)),
        np.asarray(np.max(x, axis=dim, keepdims=keepdim)),
    ),
    mix="none",
    x=lambda g, x, dim, keepdim: (
        shared(g[0], x, amin(x, dim=dim, keepdim=keepdim), dim, keepdim)
        + shared(g[1], x, amax(x, dim=dim, keepdim=keepdim), dim, keepdim)
    ),
)
dist = Operation(
    "Dist",
    lambda x, y, *, p: norm_of(x - y, p, None, False),
    mix="float",
    x=lambda g, x, y, ans, p: norm_rule(g, x - y, ans, p, None),
    y=lambda g, x, y, ans, p: norm_rule(-g, x - y, ans, p, None),
)
cdist = Operation(
    "Cdist",
    lambda x, y, *, p: norm_of(x[..., :, None, :] - y[..., None, :, :], p, (-1,), False),
    x=lambda g, x, y, ans, p: distance_rule(g, x[..., :, None, :] - y[..., None, :, :], ans, p).sum(-2),
    y=lambda g, x, y, ans, p: distance_rule(-g, x[..., :, None, :] - y[..., None, :, :], ans, p).sum(-3),
)
pdist = Operation(
    "Pdist",
    lambda x, *, p, pairs: norm_of(x[pairs[0]] - x[pairs[1]], p, (-1,), False),
    mix="none",
    x=lambda g, x, ans, p, pairs: pairs_rule(g, x, ans, p, pairs),
)
renorm = Operation(
    "Renorm",
    lambda x, *, p, dims, maxnorm: scaled_down(x, p, dims, maxnorm),
    mix="none",
    x=lambda g, x, p, dims, maxnorm: renorm_rule(g, x, p, dims, maxnorm),
)
cumsum = Operation(
    "Cumsum",
    lambda x, *, dim: running(np.cumsum, x, dim) + 0 if x.ndim else x.copy(),  # + 0 turns -0.0 into 0.0
    mix="none",
    x=lambda g, dim: cumsum_rule(g, dim) if g.ndim else g,
)
cumprod = Operation(
    "Cumprod",
    lambda x, *, dim: running(np.cumprod, x, dim) if x.ndim else x.copy(),
    mix="none",
    x=lambda g, x, ans, dim: cumprod_rule(g, x, ans, dim),
)
logcumsumexp = Operation(
    "Logcumsumexp",
    lambda x, *, dim: np.logaddexp.accumulate(x, axis=dim) if x.ndim else x.copy(),
    mix="float",
    x=lambda g, x, ans, dim: logcumsumexp_rule(g, x, ans, dim) if x.ndim else g,
)

# ---- shapes: most show the same memory -------------------------------------------------------------------------------

view = Operation(
    "View",
    lambda x, *, shape: x.reshape(shape, copy=False),
    mix="none",
    view=True,
    x=lambda g, x_shape: reshape(g, shape=x_shape),
)
reshape = Operation(
    "UnsafeView", lambda x, *, shape: x.reshape(shape), mix="none", x=lambda g, x_shape: reshape(g, shape=x_shape)
)
expand = Operation(
    "Expand",
    lambda x, *, shape: expanded(x, shape),
    mix="none",
    view=True,
    x=lambda g, x_shape: sum_to(g, shape=x_shape),
)
as_strided = Operation(
    "AsStrided",
    lambda x, *, size, stride, offset: strided(x, size, stride, offset),
    mix="none",
    view=True,
    x=lambda g, x_shape, size, stride, offset: reshape(
        place(g, shape=(math.prod(x_shape),), key=(strided(np.arange(math.prod(x_shape)), size, stride, offset),)),
        shape=x_shape,
    ),
)
permute = Operation(
    "Permute",
    lambda x, *, dims: x.transpose(dims),
    mix="none",
    view=True,
    x=lambda g, dims: permute(g, dims=tuple(np.argsort(dims))),
)
transpose = Operation(
    "Transpose", lambda x, *, dim0, dim1: x.swapaxes(dim0, dim1) if x.ndim else x[...], mix="none", view=True,
    x=lambda g, dim0, dim1: transpose(g, dim0=dim0, dim1=dim1),
)  # fmt: skip
t = Operation("T", lambda x: x.T, mix="none", view=True, x=lambda g: t(g))
squeeze = Operation(
    "Squeeze", lambda x, *, dim=None: x.reshape(squeezed(x.shape, dim), copy=False), mix="none", view=True,
    x=lambda g, x_shape: reshape(g, shape=x_shape),
)  # fmt: skip
squeeze_dim, squeeze_dims = squeeze.called("SqueezeBackward1"), squeeze.called("SqueezeBackward2")
unsqueeze = Operation(
    "Unsqueeze",
    lambda x, *, dim: np.expand_dims(x, dim),
    mix="none",
    view=True,
    x=lambda g, x_shape: reshape(g, shape=x_shape),
)
select = Operation(
    "Select", lambda x, *, dim, index: x[at(dim, index)], mix="none", view=True,
    x=lambda g, x_shape, dim, index: place(g, shape=x_shape, key=at(dim, index)),
)  # fmt: skip
slicing = Operation(
    "Slice", lambda x, *, dim, part: x[at(dim, part)], mix="none", view=True,
    x=lambda g, x_shape, dim, part: place(g, shape=x_shape, key=at(dim, part)),
)  # fmt: skip
diagonal = Operation(
    "Diagonal", lambda x, *, offset, dim1, dim2: writable_diagonal(x, offset, dim1, dim2), mix="none", view=True,
    x=lambda g, x_shape, offset, dim1, dim2: on_diagonal(g, shape=x_shape, offset=offset, dim1=dim1, dim2=dim2),
)  # fmt: skip
on_diagonal = Operation(
    "DiagonalBackward", lambda x, *, shape, offset, dim1, dim2: fill_diagonal(x, shape, offset, dim1, dim2), mix="none",
    x=lambda g, offset, dim1, dim2: diagonal(g, offset=offset, dim1=dim1, dim2=dim2),
)  # fmt: skip
diag = Operation(
    "DiagonalBackward0_copy",
    lambda x, *, offset: x.diagonal(offset).copy(),
    mix="none",
    x=lambda g, x_shape, offset: on_diagonal(g, shape=x_shape, offset=offset, dim1=0, dim2=1),
)
diag_embed = on_diagonal.called("DiagEmbed")
trace = Operation(
    "Trace",
    lambda x: torch_sum(x.diagonal()),
    mix="none",
    x=lambda g, x_shape: on_diagonal(broadcast(g, shape=(min(x_shape),)), shape=x_shape, offset=0, dim1=0, dim2=1),
)
unfold = Operation(
    "Unfold", lambda x, *, dim, size, step: windows(x, dim, size, step), mix="none", view=True,
    x=lambda g, x_shape, dim, size, step: fold(g, shape=x_shape, dim=dim, size=size, step=step),
)  # fmt: skip
fold = Operation(
    "UnfoldBackward", lambda x, *, shape, dim, size, step: fold_windows(x, shape, dim, size, step), mix="none",
    x=lambda g, dim, size, step: unfold(g, dim=dim, size=size, step=step),
)  # fmt: skip
unbind = Operation(
    "Unbind", lambda x, *, dim: unbound(x, dim), mix="none", view=True,
    x=lambda g, dim: stack(*g, dim=dim),
)  # fmt: skip
split = Operation(
    "Split", lambda x, *, sizes, dim: cut(x, sizes, dim), mix="none", view=True, x=lambda g, dim: cat(*g, dim=dim)
)
unsafe_split = Operation(
    "UnsafeSplit",
    lambda x, *, sizes, dim: tuple([part.copy() for part in cut(x, sizes, dim)]),
    mix="none",
    x=lambda g, dim: cat(*g, dim=dim),
)
split_sizes = split.called("SplitWithSizes")
flip = Operation("Flip", lambda x, *, dim: np.flip(x, dim).copy(), mix="none", x=lambda g, dim: flip(g, dim=dim))
roll = Operation(
    "Roll",
    lambda x, *, shifts, dim: np.roll(x, shifts, dim),
    mix="none",
    x=lambda g, shifts, dim: roll(g, shifts=-shifts if dim is None else tuple(-s for s in shifts), dim=dim),
)
rot90 = Operation(
    "Rot90",
    lambda x, *, k, dims: np.rot90(x, k, dims).copy(),
    mix="none",
    x=lambda g, k, dims: rot90(g, k=-k, dims=dims),
)
block_diag = Operation(
    "BlockDiag", lambda *x: blocks(x), each=lambda g, i, shapes: reshape(pick(g, block(shapes, i)), shape=shapes[i])
)
repeat = Operation(
    "Repeat", lambda x, *, times: np.tile(x, times), mix="none", x=lambda g, x_shape, times: unrepeat(g, x_shape, times)
)
tril = Operation(
    "Tril", lambda x, *, diagonal: np.tril(x, diagonal), mix="none", x=lambda g, diagonal: tril(g, diagonal=diagonal)
)
triu = Operation(
    "Triu", lambda x, *, diagonal: np.triu(x, diagonal), mix="none", x=lambda g, diagonal: triu(g, diagonal=diagonal)
)
cat = Operation("Cat", lambda *x, dim: joined(x, dim), each=lambda g, i, shapes, dim: cat_part(g, i, shapes, dim))
stack = Operation("Stack", lambda *x, dim: stacked(x, dim), each=lambda g, i, dim: select(g, dim=dim, index=i))

# ---- picking by index; what picks forward places backward, and the other way round -----------------------------------

pick = Operation("Index", lambda x, key: x[key], mix="none", x=lambda g, x_shape, key: place(g, shape=x_shape, key=key))
place = Operation(
    "IndexPutImpl",
    lambda x, *, shape, key, unique=False: placed(x, shape, key, unique),
    mix="none",
    x=lambda g, key: pick(g, key),
)
put = Operation(
    "IndexPut", lambda x, y, key, *, accumulate=False: put_at(x, y, key, accumulate), mix="none",
    x=lambda g, key, accumulate: g if accumulate else erase(g, key), y=lambda g, key: pick(g, key),
)  # fmt: skip
take = Operation(
    "Take", lambda x, *, index: x.reshape(-1)[index], mix="none",
    x=lambda g, x_shape, index: reshape(place(g, shape=(math.prod(x_shape),), key=(index,)), shape=x_shape),
)  # fmt: skip
put_flat = Operation(
    "Put", lambda x, y, *, index, accumulate: put_at(x.reshape(-1), y.reshape(index.shape), (index,), accumulate).reshape(x.shape), mix="none",
    x=lambda g, x_shape, index, accumulate: g if accumulate else reshape(erase(reshape(g, shape=(math.prod(x_shape),)), (index,)), shape=x_shape),
    y=lambda g, y_shape, index: reshape(take(g, index=index), shape=y_shape),
)  # fmt: skip
gather = Operation(
    "Gather", lambda x, index, *, dim: gathered(x, index, dim), mix="none",
    x=lambda g, x_shape, index, dim: scatter_add(zeros(x_shape, g), index, g, dim=dim),
)  # fmt: skip
scatter_add = Operation(
    "ScatterAdd", lambda x, index, y, *, dim: added_at(x, index, y, dim), mix="none",
    x=lambda g: g, y=lambda g, index, y_shape, dim: in_first_corner(gather(g, index, dim=dim), y_shape),
)  # fmt: skip
scatter_number = Operation(
    "ScatterBackward1", lambda x, index, *, dim, value: put_at(x, value, along(index, dim), False), mix="none",
    x=lambda g, index, dim: erase(g, along(array_of(index), dim)),
)  # fmt: skip
scatter_reduce = Operation(
    "ScatterReduce", lambda x, index, y, *, dim, reduce, include_self: reduced_at(x, index, y, dim, reduce, include_self), mix="none",
    x=lambda g, x, index, y, ans, dim, reduce, include_self: scatter_rule(g, x, index, y, ans, dim, reduce, include_self)[0],
    y=lambda g, x, index, y, ans, dim, reduce, include_self: scatter_rule(g, x, index, y, ans, dim, reduce, include_self)[1],
)  # fmt: skip
scatter = Operation(
    "Scatter", lambda x, index, y, *, dim: put_at(x, y[corner(index)], along(index, dim), False), mix="none",
    x=lambda g, index, dim: erase(g, along(array_of(index), dim)), y=lambda g, index, y_shape, dim: in_first_corner(gather(g, index, dim=dim), y_shape),
)  # fmt: skip
index_select = Operation(
    "IndexSelect", lambda x, index, *, dim: np.take(x, index.reshape(-1), axis=dim) if x.ndim else x.copy(), mix="none",
    x=lambda g, x_shape, index, dim: (
        place(g, shape=x_shape, key=at(dim, array_of(index).reshape(-1))) if x_shape else g
    ),
)  # fmt: skip
index_add = Operation(
    "IndexAdd", lambda x, y, *, key, alpha: put_at(x, y if alpha == 1 else y * y.dtype.type(alpha), key, True), mix="none",
    x=lambda g: g, y=lambda g, key, alpha: times(pick(g, key), alpha),
)  # fmt: skip
index_fill = Operation(
    "IndexFill", lambda x, *, key, value: put_at(x, value, key, False), mix="none", x=lambda g, key: erase(g, key)
)
select_scatter = Operation(
    "SelectScatter", lambda x, y, *, key: put_at(x, y, key, False), mix="none",
    x=lambda g, key: erase(g, key), y=lambda g, key: pick(g, key),
)  # fmt: skip
slice_scatter = select_scatter.called("SliceScatter")
diagonal_scatter = Operation(
    "DiagonalScatter",
    lambda x, y, *, offset, dim1, dim2: on_a_diagonal(x, y, offset, dim1, dim2),
    mix="none",
    x=lambda g, offset, dim1, dim2: diagonal_scatter(
        g, zeros_like(diagonal(g, offset=offset, dim1=dim1, dim2=dim2)), offset=offset, dim1=dim1, dim2=dim2
    ),
    y=lambda g, offset, dim1, dim2: diagonal(g, offset=offset, dim1=dim1, dim2=dim2),
)
masked_fill = Operation(
    "MaskedFill", lambda x, mask, *, value: np.where(mask, number_in(value, x.dtype), x), mix="none",
    x=lambda g, mask: where(mask, 0.0, g),
)  # fmt: skip
masked_fill_by = Operation(
    "MaskedFillBackward1", lambda x, mask, value: np.where(mask, value.astype(x.dtype), x), mix="none",
    x=lambda g, mask: where(mask, 0.0, g), value=lambda g, mask: where(mask, g, 0.0).sum(),
)  # fmt: skip
copy = Operation(
    "CopyBackwards",
    lambda x, y: np.array(np.broadcast_to(y, x.shape), x.dtype, order="C"),
    mix="none",
    x=nothing,
    y=lambda g: g,
)
copy.node_type.name = lambda self: "torch::autograd::CopyBackwards"
fill = Operation("Fill", lambda x, *, value: np.full_like(x, number_in(value, x.dtype)), mix="none", x=nothing)
fill_in_place = fill.called("FillBackward2")

masked_scatter = Operation(
    "MaskedScatter",
    lambda x, y, *, mask: put_at(x, y.reshape(-1)[: mask.sum()], (mask,), False),
    mix="none",
    x=lambda g, mask: where(constant(mask, g), 0.0, g),
    y=lambda g, y_shape, mask: reshape(
        place(pick(g, (mask,)), shape=(math.prod(y_shape),), key=(slice(int(mask.sum())),)), shape=y_shape
    ),
)
fill_by = Operation(
    "FillBackward3",
    lambda x, y: np.full_like(x, y),
    mix="none",
    x=nothing,
    y=lambda g: total(g, dim=None, keepdim=False),
)
zeroing = Operation("Zero", lambda x: np.zeros_like(x), mix="none", x=nothing)
masked_select = Operation(
    "MaskedSelect",
    lambda x, mask: x[mask],
    mix="none",
    x=lambda g, x_shape, mask: place(g, shape=x_shape, key=(array_of(mask),)),
)
median_of_all = Operation(
    "Median",
    lambda x, *, value: np.asarray(value),
    mix="none",
    x=lambda g, x, ans: where(same(x, ans), g / same(x, ans).sum(), 0.0),
)
sort, topk = gather.called("Sort"), gather.called("Topk")
# A reduction that chooses one element along `dim`: index has a 1 there.
choose = Operation(
    "Max",
    lambda x, index, *, dim, keepdim=True: chosen_elements(x, index, dim, keepdim),
    mix="none",
    x=lambda g, x_shape, index, dim, keepdim: scatter_add(
        zeros(x_shape, g), index, unreduce(g, x_shape, (dim,), keepdim), dim=dim
    ),
)
CHOSEN = {
    name: choose.called(name.capitalize() + ("Backward1" if "median" in name else "Backward0"))
    for name in ("max", "min", "median", "nanmedian", "mode", "kthvalue")
}
CHOSEN |= {name: gather.called(name.capitalize()) for name in ("cummax", "cummin")}

# ---- matrices --------------------------------------------------------------------------------------------------------

mm = Operation("Mm", multiplied, mix="none", a=lambda g, b: mm(g, b.mT), b=lambda g, a: mm(a.mT, g))
bmm = Operation("Bmm", multiplied, mix="none", a=lambda g, b: g @ b.mT, b=lambda g, a: a.mT @ g)
mv = Operation("Mv", np.matmul, mix="none", x=lambda g, y: g[:, None] * y, y=lambda g, x: x.T @ g)
vdot = Operation("Vdot", np.matmul, mix="none", x=lambda g, y: g * y, y=lambda g, x: g * x)
dot = Operation("Dot", np.matmul, mix="none", x=lambda g, y: g * y, y=lambda g, x: g * x)
addmm = Operation(
    "Addmm",
    lambda x, a, b, *, beta=1, alpha=1: (
        product_and_bias(x, a, b) if beta == alpha == 1 else weighted(x, beta, multiplied(a, b), alpha)
    ),
    mix="none",
    x=lambda g, beta: times(g, beta),
    a=lambda g, b, alpha: times(g @ b.mT, alpha),
    b=lambda g, a, alpha: times(a.mT @ g, alpha),
)
baddbmm = addmm.called("Baddbmm")
# What a layer does: the same with both factors 1. Here b is a transposed weight, and so is, in memory, its gradient.
affine = Operation(
    "Addmm",
    product_and_bias,
    mix="none",
    x=lambda g: g,
    a=lambda g, b: product(g, b.mT),
    b=lambda g, a: product(g.mT, a).mT,
)
addmv = Operation(
    "Addmv",
    lambda x, a, b, *, beta=1, alpha=1: weighted(x, beta, a @ b, alpha),
    mix="none",
    x=lambda g, beta: times(g, beta),
    a=lambda g, b, alpha: times(g[:, None] * b, alpha),
    b=lambda g, a, alpha: times(a.T @ g, alpha),
)
addr = Operation(
    "Addr",
    lambda x, a, b, *, beta=1, alpha=1: weighted(x, beta, np.multiply.outer(a, b), alpha),
    x=lambda g, beta: times(g, beta),
    a=lambda g, b, alpha: times(g @ b, alpha),
    b=lambda g, a, alpha: times(g.mT @ a, alpha),
)
addbmm = Operation(
    "Addbmm",
    lambda x, a, b, *, beta=1, alpha=1: weighted(x, beta, (a @ b).sum(0, dtype=a.dtype), alpha),
    mix="none",
    x=lambda g, beta: times(g, beta),
    a=lambda g, b, alpha: times(g @ b.mT, alpha),
    b=lambda g, a, alpha: times(a.mT @ g, alpha),
)
inverse = Operation("LinalgInvEx", lambda x: np.linalg.inv(x), mix="none", x=lambda g, ans: -(ans.mT @ g @ ans.mT))
solve = Operation(
    "LinalgSolveEx",
    lambda a, b: np.linalg.solve(a, b),
    mix="none",
    a=lambda g, a, ans: -(solve(a.mT, g) @ ans.mT),
    b=lambda g, a: solve(a.mT, g),
)
solve_vector = Operation(
    "LinalgSolveEx",
    lambda a, b: np.linalg.solve(a, b[..., None])[..., 0],
    mix="none",
    a=lambda g, a, ans: -(solve_vector(a.mT, g)[..., None] * ans[..., None, :]),
    b=lambda g, a: solve_vector(a.mT, g),
)
det = Operation("LinalgDet", lambda x: np.linalg.det(x), mix="none", x=lambda g, x, ans: det_rule(g, x, ans))
slogdet = Operation(
    "LinalgSlogdet",
    lambda x: tuple(np.linalg.slogdet(x)),
    mix="none",
    x=lambda g, x: g[1][..., None, None] * inverse(x).mT,
)
cholesky = Operation(
    "LinalgCholeskyEx",
    lambda x, *, upper: np.linalg.cholesky(x, upper=upper),
    mix="none",
    x=lambda g, ans, upper: cholesky_rule(g.mT, ans.mT) if upper else cholesky_rule(g, ans),
)

# ---- neural networks -------------------------------------------------------------------------------------------------

# A slope that does not change is still a function of x to the second derivative: zero, but there.
flat = Operation("Flat", lambda x: np.zeros_like(x), mix="none", x=nothing)
still = lambda grad, x: grad + flat(x) if isinstance(grad, Variable) else grad
gate = Operation(
    "ThresholdBackwardBackward0",
    lambda y, x, *, open: kept_where(open, y),
    mix="none",
    y=lambda g, x, open: gated(g, x, open),
    x=nothing,
)
gate_of_tanh, gate_of_softshrink, gate_of_hardshrink = (
    gate.called(f"{name}BackwardBackward0") for name in ("Hardtanh", "Softshrink", "Hardshrink")
)
relu = Operation(
    "Relu",
    lambda x: np.maximum(zero_like(x), x),  # in this order -0.0 stays what it is
    mix="none",
    x=lambda g, ans: gated(g, ans, array_of(ans) != zero_like(g)),
)
leaky_relu = Operation(
    "LeakyRelu",
    lambda x, *, slope: np.where(x > 0, x, x * slope),
    mix="none",
    x=lambda g, x, slope: where(x > 0, g, g * slope) + flat(x),
)
elu = Operation(
    "Elu",
    lambda x, *, alpha, scale=1.0, input_scale=1.0: np.where(
        x > 0, x * scale, np.expm1(x * input_scale) * (alpha * scale)
    ),
    mix="none",
    x=lambda g, x, alpha, scale, input_scale: where(
        x <= 0, g * (alpha * scale * input_scale) * exp(minimum(x, 0.0) * input_scale), g * scale
    ),
)
celu = elu.called("Celu")
softplus = Operation(
    "Softplus",
    lambda x, *, beta, threshold: softplus_of(x, beta, threshold),
    mix="none",
    x=lambda g, x, beta, threshold: where(x * beta > threshold, g, g * sigmoid(x * beta)),
)
log_sigmoid = Operation(
    "LogSigmoid", lambda x: np.minimum(x, 0) - np.log1p(np.exp(-np.abs(x))), mix="none", x=lambda g, x: g * sigmoid(-x)
)
silu = Operation(
    "Silu", lambda x: x * logistic(x), mix="none", x=lambda g, x: g * sigmoid(x) * (1 + x * (1 - sigmoid(x)))
)
mish = Operation(
    "Mish",
    lambda x: x * np.tanh(np.logaddexp(x, 0)),
    mix="none",
    x=lambda g, x: g * (tanh(log_of_one_plus_exp(x)) + x * sigmoid(x) * (1 - tanh(log_of_one_plus_exp(x)) ** 2)),
)
gelu = Operation(
    "Gelu",
    lambda x: x * 0.5 * (1 + each_number(math.erf, x * math.sqrt(0.5))),
    mix="none",
    x=lambda g, x: g * (0.5 * (1 + erf(x * math.sqrt(0.5))) + x * (exp(x * x * -0.5) / math.sqrt(2 * PI))),
)
gelu_tanh = Operation(
    "Gelu",
    lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / PI) * (x + 0.044715 * x * x * x))),
    mix="none",
    x=lambda g, x: g * gelu_tanh_slope(x),
)
hardtanh = Operation(
    "Hardtanh",
    lambda x, *, low, high: clip(x, low, high),
    mix="none",
    x=lambda g, x, low, high: gated(g, x, ~((array_of(x) <= low) | (array_of(x) >= high)), gate_of_tanh),
)
hardsigmoid = Operation(
    "Hardsigmoid", lambda x: np.clip(x + 3, 0, 6) / 6, mix="none", x=lambda g, x: where((x > -3) & (x < 3), g / 6, 0.0)
)
hardswish = Operation(
    "Hardswish",
    lambda x: x * np.clip(x + 3, 0, 6) / 6,
    mix="none",
    x=lambda g, x: where(x <= -3, 0.0, where(x < 3, g * (x / 3 + 0.5), g)),
)
threshold = Operation(
    "Threshold",
    lambda x, *, limit, value: np.where(x <= limit, np.asarray(value, x.dtype), x),
    mix="none",
    x=lambda g, x, limit: gated(g, x, ~(array_of(x) <= limit)),
)
softshrink = Operation(
    "Softshrink",
    lambda x, *, lambd: np.where(x > lambd, x - lambd, np.where(x < -lambd, x + lambd, x * 0)),
    mix="none",
    x=lambda g, x, lambd: gated(g, x, ~(np.abs(array_of(x)) <= lambd), gate_of_softshrink),
)
hardshrink = Operation(
    "Hardshrink",
    lambda x, *, lambd: np.where((x >= -lambd) & (x <= lambd), 0, x).astype(x.dtype),
    mix="none",
    x=lambda g, x, lambd: gated(g, x, ~(np.abs(array_of(x)) <= lambd), gate_of_hardshrink),
)
softmax = Operation(
    "Softmax", lambda x, *, dim: softmax_of(x, dim), mix="none",
    x=lambda g, ans, dim: ans * (g - sum_along(g * ans, dim)),
)  # fmt: skip
log_softmax = Operation(
    "LogSoftmax", lambda x, *, dim: log_softmax_of(x, dim), mix="none",
    x=lambda g, ans, dim: g - exp(ans) * sum_along(g, dim),
)  # fmt: skip

# ---- what the rules above say in a word: helpers for arrays and tensors alike ----------------------------------------


def the_end(what):
    raise NotImplementedError(
        f"{what}: handtorch, the part of PyTorch that this course uses, ends before it; use PyTorch"
    )


def array_of(x):
    return x._array if isinstance(x, Variable) else x


def constant(array, like):
    """An array as a rule needs it: a tensor if its other arguments are tensors."""
    return wrap(array) if isinstance(like, Variable) else array


def times(g, factor):
    return g if factor == 1 else g * factor


def logarithm(base):
    return math.log(base) if base > 0 else math.nan


def gated(g, x, open, op=None):
    """The gradient through a function that is x itself where `open` (a nan counts as open), and something fixed elsewhere."""
    return kept_where(open, g) if isinstance(g, np.ndarray) else (op or gate)(g, x, open=open)


def inverse_square(x, y):
    """One over the square of the distance to the origin; 0 there."""
    square_of_both = x * x + y * y
    return where(square_of_both == 0, 0.0, 1 / square_of_both)


def share(g, lost, tied):
    """The gradient for one of two; half of it where they tie. Beside a nan both have the whole."""
    return where(tied, g / 2, where(lost, 0.0, g))


def within(x, low, high):
    """Where a clamp left the number as it was."""
    inside = x == x
    if low is not None:
        inside = inside & (x >= low)
    if high is not None:
        inside = inside & (x <= high)
    return inside


def same(x, best):
    """Where x is the best value; if that is nan, where x is nan."""
    return (x == best) | ((x != x) & (best != best))


def scatter_rule(g, x, index, y, ans, dim, reduce, include_self):
    """The gradients of what is reduced and of what is added to it."""
    if reduce == "sum":
        g_x, g_y = g, gather(g, index, dim=dim)
    elif reduce == "mean":
        like = zeros_like(g)
        start = like + 1 if include_self else scatter_number(like + 1, index, dim=dim, value=0)
        n = scatter_add(start, index, zeros_like(y) + 1, dim=dim)
        n = where(n == 0, 1.0, n)
        g_x, g_y = g / n, gather(g / n, index, dim=dim)
    elif reduce == "prod":
        g_x, g_y = product_at_rule(g, x, index, y, ans, dim, include_self)
    else:
        mine, theirs = x == ans, in_corner_of(y, index) == gather(ans, index, dim=dim)
        mine, theirs = mine * (zeros_like(x) + 1), theirs * (zeros_like(in_corner_of(y, index)) + 1)
        if not include_self:
            mine = scatter_number(mine, index, dim=dim, value=0)
        n = scatter_add(mine, index, theirs, dim=dim)
        shared_out = g / where(n == 0, 1.0, n)
        g_x, g_y = shared_out * mine, gather(shared_out, index, dim=dim) * theirs
    if not include_self:
        g_x = scatter_number(g_x, index, dim=dim, value=0)
    return g_x, in_first_corner(g_y, y.shape)


def product_at_rule(g, x, index, y, ans, dim, include_self):
    """Each factor's gradient is the product of the others: the whole product over it, or the product without it if it alone is zero."""
    y = in_corner_of(y, index)
    options = {"dim": dim, "reduce": "prod", "include_self": include_self}
    mine = where(x == 0, 1.0, x)
    g_x = g * scatter_reduce(mine, index, y, **options) / mine
    zero = y == 0
    zeros_at = gather(scatter_add(zeros_like(x), index, zero * (zeros_like(y) + 1), dim=dim), index, dim=dim)
    alone = zero & (zeros_at == 1)
    without = scatter_reduce(x, index, where(alone, 1.0, y), **options)
    g_y = where(alone, gather(g * without, index, dim=dim), gather(g * ans, index, dim=dim) / where(zero, 1.0, y))
    return g_x, g_y


def in_corner_of(y, index):
    """The part of y that an index of smaller shape uses."""
    return y if tuple(y.shape) == tuple(index.shape) else pick(y, corner(array_of(index)))


def twice(x):
    """The derivative of the square; on tensors in the two steps that PyTorch records."""
    return x + x if isinstance(x, np.ndarray) else x**1 * 2


def power_rule(g, x, exponent):
    if exponent == 2:
        return g * twice(x)
    return zeros_like(g) if exponent == 0 else g * (exponent * power(x, exponent=exponent - 1))


def sum_along(g, dim):
    """The sum along one dimension, which is kept."""
    return softmax_sum(g, dim) if isinstance(g, np.ndarray) else g.sum(dim, keepdims=True)


def with_ones(shape, dim):
    """A reduced shape with its axes put back, at length 1."""
    return tuple(1 if dim is None or i in dim else n for i, n in enumerate(shape))


def unreduce(g, shape, dim, keepdim):
    """Put reduced axes back, at length 1."""
    return g if keepdim or dim is None or not shape else reshape(g, shape=with_ones(shape, dim))


def spread(g, shape, dim, keepdim):
    """Give every element that went into a sum the gradient of the sum."""
    if dim is None and not isinstance(g, Variable):
        return spread_out(g, shape)
    return broadcast(unreduce(g, shape, dim, keepdim), shape=shape)


def shared(g, x, ans, dim, keepdim):
    """Share a gradient equally among all elements that attain the extreme value."""
    if not len(x.shape):
        return g
    ties = x == unreduce(ans, x.shape, dim, keepdim)
    return unreduce(g, x.shape, dim, keepdim) * ties / total(ties, dim=dim, keepdim=True)


def variance_rule(g, x, dim, correction, keepdim):
    if not x.ndim:
        return (2.0 / (1 - correction) if correction != 1 else math.nan) * g * (x - x)
    n = count(x.shape, dim) - correction
    deviation = x - mean(x, dim=dim, keepdim=True)
    return (2.0 / n if n > 0 else math.inf) * unreduce(g, x.shape, dim, keepdim) * deviation


def std_rule(g, x, ans, dim, correction, keepdim):
    return variance_rule(where(ans == 0, 0.0, g / (ans * 2)), x, dim, correction, keepdim)


def distance_rule(g, difference, ans, p):
    """The gradient of a difference, of whose last dimension `ans` is the p-norm; 0 at the origin, whole for every largest element."""
    g, ans = g[..., None], ans[..., None]
    if p == math.inf:
        return g * sign(difference) * (absolute(difference) == ans)
    return zeros_like(difference) if p == 0 else norm_rule(g, difference, ans, p, None)


def pairs_rule(g, x, ans, p, pairs):
    difference = pick(x, (pairs[0],)) - pick(x, (pairs[1],))
    part = distance_rule(g, difference, ans, p)
    shape = tuple(x.shape)
    return place(part, shape=shape, key=(pairs[0],)) - place(part, shape=shape, key=(pairs[1],))


def renorm_rule(g, x, p, dims, maxnorm):
    """Where a slice was scaled to norm `maxnorm`, its gradient is scaled as well, and loses what would have changed the norm."""
    size = vector_norm(x, ord=p, dim=dims, keepdim=True)
    scale = maxnorm / (size + 1e-7)
    inner = total(g * x, dim=dims, keepdim=True) * scale / (size + 1e-7)
    return where(size > maxnorm, g * scale - norm_rule(inner, x, size, p, dims), g)


def norm_rule(g, x, ans, ord, dim):
    """The gradient of (sum |x|^ord)^(1/ord), 0 at the origin."""
    if ord == 0:
        return None
    if ord == 1:
        return g * sign(x)
    if ord == 2:
        return g * where(ans == 0, 0.0, x / ans)
    if abs(ord) == math.inf:
        ties = same(absolute(x), ans)
        return sign(x) * (ties * (g / total(ties, dim=dim, keepdim=True))) if x.ndim else sign(x) * g
    if ord < 1:
        slope = sign(x) * where(x == 0, 0.0, absolute(x) ** (ord - 1))
        return slope * g * ans ** (1 - ord)
    if ord < 2:
        slope = sign(x) * absolute(x) ** (ord - 1)
        return slope * where(ans == 0, 0.0, g / ans ** (ord - 1))
    return x * absolute(x) ** (ord - 2) * where(ans == 0, 0.0, g / ans ** (ord - 1))


def prod_rule(g, x, ans, dim, keepdim):
    """Each element's gradient is the product of the others: the whole product over it, unless something is zero."""
    if not len(x.shape):
        return g
    if not isinstance(x, Variable) and not (x == 0).any():
        return unreduce(g * ans, x.shape, dim, keepdim) / x
    if dim is None and not isinstance(x, Variable) and np.count_nonzero(x == 0) > 1:
        return zeros_like(x)  # whatever g and the other factors are, even nan
    if dim is None:
        return reshape(g * product_of_others(reshape(x, shape=(math.prod(x.shape),)), 0), shape=tuple(x.shape))
    return unreduce(g, x.shape, dim, keepdim) * product_of_others(x, dim[0])


def product_of_others(x, dim):
    """For each element the product of all before it times the product of all after it."""
    n = x.shape[dim]
    if not n:
        return x
    one = zeros_like(pick(x, at(dim, slice(0, 1)))) + 1
    before = cumprod(cat(one, pick(x, at(dim, slice(0, n - 1))), dim=dim), dim=dim)
    back = flip(pick(x, at(dim, slice(1, n))), dim=(dim,))
    return before * flip(cumprod(cat(one, back, dim=dim), dim=dim), dim=(dim,))


def cumprod_rule(g, x, ans, dim):
    if not len(x.shape):
        return g
    if not isinstance(x, Variable) and not (x == 0).any():
        return cumsum_rule(g * ans, dim) / x
    if not isinstance(x, Variable):
        return cumprod_around_zeros(g, x, ans, dim)
    # Element k is a factor of results k, k+1, …: drop it from each and add up. Slow, but it can be recorded.
    parts = []
    n = x.shape[dim]
    for k in range(n):
        one = zeros_like(pick(x, at(dim, slice(0, 1)))) + 1
        upto = pick(cumprod(cat(one, x, dim=dim), dim=dim), at(dim, slice(k, k + 1)))
        after = cumprod(cat(one, pick(x, at(dim, slice(k + 1, n))), dim=dim), dim=dim)
        parts.append((pick(g, at(dim, slice(k, n))) * upto * after).sum(dim, keepdims=True))
    return cat(*parts, dim=dim) if parts else zeros_like(x)


def cumprod_around_zeros(g, x, ans, dim):
    """The same on arrays with a zero in them.

    Before the first zero of a row the results behind it count for nothing. For the zero itself count the results up to the second one,
    with the zero left out; and behind it every product keeps a zero, whichever factor is left out.
    """
    zeros_so_far = cumsum((x == 0).astype(np.int64), dim=dim)
    before, first = zeros_so_far == 0, (zeros_so_far == 1) & (x == 0)
    between = (zeros_so_far == 1) & ~first
    result = np.where(before, cumsum_rule(np.where(before, g * ans, 0), dim) / x, 0)
    after = cumprod(np.where(between, x, 1), dim=dim) * np.where(zeros_so_far == 1, g, 0)
    upto = cumprod(np.where(before, x, 1), dim=dim)
    return np.where(first, after.sum(dim, keepdims=True) * upto, result)


def cumsum_rule(g, dim):
    """The sum of all that come later, and of the element itself."""
    return flip(cumsum(flip(g, dim=(dim,)), dim=dim), dim=(dim,))


def running(accumulate, x, dim):
    """A running sum or product as PyTorch makes it: floats in float64, each result rounded once; integers in int64."""
    wide = np.float64 if x.dtype.kind == "f" else np.int64
    return accumulate(x, axis=dim, dtype=wide).astype(x.dtype if x.dtype.kind == "f" else wide, copy=False)


def logcumsumexp_rule(g, x, ans, dim):
    """Reverse sums of g exp(x - ans), in logarithms, for positive and negative g apart; recorded, without logarithms."""
    if isinstance(g, Variable):
        top = wrap(np.max(x._array, axis=dim, keepdims=True)) if x._array.size else x
        back = flip(cumsum(flip(g * exp(top - ans), dim=(dim,)), dim=dim), dim=(dim,))
        return exp(x - top) * back

    def part(sign_):
        size = log(where(g * sign_ > 0, g * sign_, 0.0)) - ans
        return exp(flip(logcumsumexp(flip(size, dim=(dim,)), dim=dim), dim=(dim,)) + x)

    return part(1) - part(-1)


def cat_part(g, i, shapes, dim):
    """The stretch of the joined gradient that belongs to input i; empty vectors fit everywhere."""
    if shapes[i] == (0,):
        return zeros((0,), g)
    start = sum(shape[dim] for shape in shapes[:i] if shape != (0,))
    return pick(g, at(dim, slice(start, start + shapes[i][dim])))


def unrepeat(g, shape, times):
    """Add up the copies that `repeat` made: each axis is split into (copies, length) and summed over the copies."""
    extra = len(times) - len(shape)
    lengths = (1,) * extra + tuple(shape)
    split_up = tuple(n for pair in zip(times, lengths, strict=True) for n in pair)
    copies = total(reshape(g, shape=split_up), dim=tuple(range(0, len(split_up), 2)), keepdim=False)
    return reshape(copies, shape=tuple(shape))


def zeros(shape, like):
    """Zeros of that shape, of the type and kind (array or tensor) of `like`."""
    return blank(like, shape=tuple(shape))


blank = Operation("Zeros", lambda x, *, shape: np.zeros(shape, x.dtype), mix="none")


def erase(g, key):
    """The gradient with zeros where the key wrote something else."""
    kept = np.ones(tuple(g.shape), bool)
    kept[key if kept.ndim else ()] = False
    return where(kept, g, 0.0)


def in_first_corner(g, shape):
    return padded_from_corner(g, shape=tuple(shape)) if tuple(g.shape) != tuple(shape) else g


padded_from_corner = Operation(
    "Pad",
    lambda x, *, shape: in_corner(x, shape),
    mix="none",
    x=lambda g, x_shape: pick(g, tuple(slice(n) for n in x_shape)),
)


def log_of_one_plus_exp(x):
    return softplus(x, beta=1.0, threshold=20.0)


def gelu_tanh_slope(x):
    inner = tanh(math.sqrt(2 / PI) * (x + 0.044715 * x**3))
    return 0.5 * (1 + inner) + 0.5 * x * (1 - inner * inner) * math.sqrt(2 / PI) * (1 + 3 * 0.044715 * x**2)


def det_rule(g, x, ans):
    """det times the transposed inverse; of a singular matrix it is 0 to PyTorch, which is right only if two pivots are zero."""
    singular = array_of(ans) == 0
    if singular.any() and isinstance(g, Variable):
        the_end("a recorded derivative of the determinant of a singular matrix")
    if singular.any():
        x = x + np.eye(x.shape[-1]) * (singular[..., None, None] * (1 + np.abs(x).sum()))
    return (g * ans)[..., None, None] * inverse(x).mT


def cholesky_rule(g, factor):
    """Murray (2016), Differentiation of the Cholesky decomposition, eq. 10."""
    half = 1 - 0.5 * np.eye(factor.shape[-1], dtype=array_of(factor).dtype)
    phi = tril(factor.mT @ g, diagonal=0) * constant(half, g)
    left = inverse(factor)
    middle = left.mT @ phi @ left
    return (middle + middle.mT) / 2
