"""What PyTorch refuses, in its words: arguments of a wrong kind or missing, and types that its kernels do not take.

Wrong arguments fail here, too, but in Python's or NumPy's words; `ARGUMENTS` says what is due. Of the types, NumPy computes many without
complaint: the mean squared error of whole numbers, the absolute value of booleans. Each line of these tables is: the NumPy kinds that are refused (b for booleans, i and
u for whole numbers with and without sign), whose type counts, the words, and the functions; F. stands for `torch.nn.functional`.
The type is that of the first argument ("only": if there is no other; "filled": if it is not empty), the common type of all tensors,
or of all tensors and numbers.
"""

import re
from functools import wraps

import numpy as np

from . import dtypes, functional, linalg
from .methods import type_name
from .record import Variable
from .tensor import Tensor

# The arguments that must be given, `input` before them where no = stands, and the functions. A word alone is a tensor.
ARGUMENTS = """
-                             abs absolute neg negative acos arccos acosh arccosh asin arcsin asinh arcsinh atan arctan atanh arctanh \
                              ceil floor round trunc fix frac cos cosh sin sinh tan tanh deg2rad rad2deg digamma erf erfc erfinv exp \
                              exp2 expm1 lgamma log log10 log1p log2 relu sigmoid sign sgn signbit sinc sqrt rsqrt square reciprocal \
                              logit isfinite isinf isnan isneginf isposinf logical_not bitwise_not argmax argmin amax amin aminmax clone \
                              t tril triu trace diag diagonal diag_embed diagflat detach det logdet inverse pinverse cholesky \
                              count_nonzero cov corrcoef fliplr flipud numel is_floating_point is_tensor ravel \
                              rot90 sort squeeze sum mean prod median mode min max bernoulli selu celu rrelu positive nan_to_num \
                              nanmean nansum std_mean var_mean vander bincount histc combinations zeros_like ones_like rand_like randn_like empty_like
other                         allclose arctan2 atan2 cross dist equal fmax fmin gcd hypot inner isclose kron lcm ldexp logaddexp \
                              logaddexp2 logical_and logical_or logical_xor matmul maximum minimum nextafter vdot
other:operand                 mul multiply
dim:int                       cummax cummin cumprod cumsum log_softmax logcumsumexp softmax unsqueeze
dims:tuple                    flip permute tile
dim0:int dim1:int             swapdims transpose
axis0:int axis1:int           swapaxes
size:tuple                    broadcast_to
shape:tuple                   reshape
shifts:ints                   roll
dim:ints                      logsumexp
chunks:int                    chunk
dim:int index                 gather index_select
dim:int index source          index_add index_copy
dim:int index src             scatter_add
dim:int index:int             select
dim:int sizes:ints            unflatten
vec2                          outer ger
vec                           mv
tensor                        dot
values                        heaviside
mask                          masked_select
mask source                   masked_scatter
index                         take
indices                       take_along_dim
k:int                         kthvalue topk
n:int                         matrix_power
num_samples:int               multinomial
fill_value:number             full_like
= tensors:tensors             cat concat concatenate column_stack dstack hstack row_stack stack vstack
= row:int col:int             tril_indices triu_indices
= size:tuple fill_value:any   full
"""

# The same of functions that take arguments in several ways: PyTorch lists them all where not even the first is right.
OVERLOADED = """
-                             clamp
other:operand                 add sub subtract div divide true_divide fmod remainder eq ne gt ge lt le
exponent:any                  pow
mat2                          mm bmm
mask value:any                masked_fill
"""

INT = (int, np.integer, Tensor)
KINDS = {
    "": ("Tensor", Tensor),
    "int": ("int", INT),
    "ints": ("tuple of ints", (*INT, tuple, list)),
    "number": ("Number", (int, float, complex, np.number, Tensor)),
    "operand": ("Tensor", (Tensor, int, float, complex, np.number)),
    "any": ("Tensor", object),
    "tuple": ("tuple of ints", (tuple, list)),
    "tensors": ("tuple of Tensors", (tuple, list)),
}

# NotImplementedError: "…" not implemented for 'Long'
KERNELS = """
b   all     abs_cpu                        abs absolute
b   first   ceil_vml_cpu                   ceil
b   first   floor_vml_cpu                  floor
b   first   round_vml_cpu                  round
b   first   trunc_vml_cpu                  trunc fix
biu first   frac_cpu                       frac
b   all     fmod_cpu                       fmod
b   all     remainder_cpu                  remainder
b   first   cross                          cross linalg.cross
biu tensors hypot_cpu                      hypot
biu tensors logaddexp_cpu                  logaddexp
biu tensors logaddexp2_cpu                 logaddexp2
biu tensors nextafter_cpu                  nextafter
b   tensors addcmul_cpu_out                addcmul
b   tensors gcd_cpu                        gcd
b   tensors lcm_cpu                        lcm
b   all     lshift_cpu                     bitwise_left_shift
b   all     rshift_cpu                     bitwise_right_shift
b   first   trace                          trace
b   filled  addmm_impl_cpu_                addmm addbmm
b   filled  addmv_impl_cpu                 addmv
b   filled  baddbmm                        baddbmm
b   filled  bmm                            bmm
b   first   slow_conv2d_cpu                F.conv1d F.conv2d
b   first   slow_conv3d_cpu                F.conv3d
bu  first   slow_conv_transpose2d_out_cpu  F.conv_transpose1d F.conv_transpose2d
bu  first   slow_conv_transpose3d_out_cpu  F.conv_transpose3d
bf  first   bincount_cpu                   bincount
b   first   kthvalue_cpu                   kthvalue
biu first   logcumsumexp_out_cpu           logcumsumexp
iu  first   histogram_cpu                  histc
b   first   searchsorted_out_cpu           bucketize
biu only    bernoulli_tensor_cpu_p_        bernoulli
biu filled  cholesky_cpu                   cholesky
biu filled  cholesky_inverse_out_cpu       cholesky_inverse
biu filled  cholesky_solve_cpu             cholesky_solve
biu filled  triangular_solve_cpu           triangular_solve
iub tensors mse_cpu                        F.mse_loss
iub tensors smooth_l1_cpu                  F.smooth_l1_loss
iub tensors huber_cpu                      F.huber_loss
biu first   log_sigmoid_cpu                F.logsigmoid F.multilabel_soft_margin_loss
biu first   elu_cpu                        F.elu F.celu F.selu celu selu
biu first   GeluKernelImpl                 F.gelu
biu first   glu_cpu                        F.glu
biu first   silu_cpu                       F.silu
biu first   mish_cpu                       F.mish
biu first   softplus_cpu                   F.softplus
biu first   leaky_relu_cpu                 F.leaky_relu
biu first   prelu_cpu                      F.prelu prelu
biu first   hardshrink_cpu                 F.hardshrink hardshrink
biu first   softshrink_check               F.softshrink
biu first   hardsigmoid_cpu                F.hardsigmoid
biu first   hardswish_cpu                  F.hardswish
b   first   threshold_cpu                  F.threshold threshold
biu first   LayerNormKernelImpl            F.layer_norm layer_norm
biu first   GroupNormKernelImpl            F.group_norm group_norm
biu first   batch_norm                     F.batch_norm F.instance_norm
biu first   rms_norm                       F.rms_norm rms_norm
bu  first   avg_pool2d                     F.avg_pool1d F.avg_pool2d
bu  first   avg_pool3d_out_frame           F.avg_pool3d
biu filled  adaptive_avg_pool2d            F.adaptive_avg_pool1d F.adaptive_avg_pool2d
biu filled  adaptive_avg_pool3d_cpu        F.adaptive_avg_pool3d
biu filled  adaptive_max_pool2d            F.adaptive_max_pool1d F.adaptive_max_pool2d
biu filled  adaptive_max_pool3d_cpu        F.adaptive_max_pool3d
biu first   max_unpool2d                   F.max_unpool1d F.max_unpool2d
biu first   max_unpool3d                   F.max_unpool3d
b   first   max_pool2d                     F.max_pool2d
b   first   max_pool3d                     F.max_pool3d
iu  first   im2col_out_cpu                 F.unfold
"""
# RuntimeError with these words; {} is the type.
SENTENCES = """
b   first   argmax(): does not support bool input | argmax
b   first   argmin(): does not support bool input | argmin
b   first   topk does not support bool dtypes on CPU | topk
b   first   Boolean inputs not supported for relu | relu F.relu
b   first   Bool inputs not supported for hardtanh | F.hardtanh F.relu6
b   first   cov(): bool dtype is not supported for input | cov corrcoef
b   first   trapezoid: received a bool input for `x` or `y`, but bool is not supported | trapezoid trapz
b   first   cumulative_trapezoid: received a bool input for `x` or `y`, but bool is not supported | cumulative_trapezoid
b   first   The input tensor may not be a boolean tensor. | mvlgamma
b   first   Unsupported input type encountered for isin(): {} | isin
b   first   linalg.vander supports floating point, complex, and integer tensors, but got {} | linalg.vander
biu first   nanmean(): expected input to have floating point or complex dtype but got {} | nanmean
biu first   std_mean only support floating point and complex dtypes | std_mean
biu first   var_mean only support floating point and complex dtypes | var_mean
biu first   cdist only supports floating-point dtypes, X1 got: {} | cdist
biu first   pdist only supports floating-point dtypes | F.pdist pdist
biu first   linalg.vector_norm: Expected a floating point or complex tensor as input. Got {} | renorm
biu first   linalg.vecdot: Expected a floating point or complex tensor as input. Got {} | linalg.vecdot
biu first   logdet: Expected a floating point or complex tensor as input. Got {} | logdet
iu  first   norm(): input dtype should be either floating point or complex. Got {} instead. | dist
"""

OPERATORS = {
    "abs": "__abs__",
    "remainder": "__mod__",
    "bitwise_left_shift": "__lshift__",
    "bitwise_right_shift": "__rshift__",
}


def tables():
    """Each line as (kinds, whose type, error, words, names)."""
    for line in KERNELS.strip().splitlines():
        kinds, whose, kernel, *names = line.split()
        yield kinds, whose, NotImplementedError, f"\"{kernel}\" not implemented for '{{}}'", names
    for line in SENTENCES.strip().splitlines():
        head, names = line.split(" | ")
        kinds, whose, words = head.split(maxsplit=2)
        yield kinds, whose, RuntimeError, words, names.split()


def refusing(function, kinds, whose, error, words):
    """The function, after a look at the type of what it gets."""

    @wraps(function)
    def checked(*args, **kwargs):
        values = (*args, *kwargs.values())
        x = values[0] if values else None
        if isinstance(x, Variable) and x._array.dtype.kind in kinds:
            if (whose == "only" and len(values) > 1) or (whose in ("only", "filled") and not x._array.size):
                return function(*args, **kwargs)
            kind = common_type(whose, values)
            if kind.numpy.kind in kinds:
                raise error(words.format(kind.letter))
        return function(*args, **kwargs)

    return checked


def common_type(whose, values):
    if whose in ("first", "only", "filled"):
        return values[0].dtype
    numbers = (bool, int, float) if whose == "all" else ()
    return dtypes.result_dtype(
        [v._array if isinstance(v, Variable) else v for v in values if isinstance(v, (Variable, *numbers))]
    )


def signatures(table):
    """Each line of a table as ([(name, kind), …], functions)."""
    for line in table.replace("\\\n", "").strip().splitlines():
        words, functions = re.split("  +", line, maxsplit=1)
        due = [word.partition(":")[::2] for word in words.split() if word not in "-="]
        first = [] if words.startswith("=") else [("input", "")]
        yield [*first, *due], functions.split()


def explaining(function, name, due, of_tensor=0, overloaded=False):
    """The function, or (of_tensor=1) a tensor's method; if its arguments make it fail, the error says so in PyTorch's words."""

    @wraps(function)
    def checked(*args, **kwargs):
        try:
            return function(*args, **kwargs)
        except Exception as error:
            if complaint := wrong_arguments(name, due, args[of_tensor:], kwargs, error, overloaded):
                raise TypeError(complaint) from None
            raise

    return checked


def wrong_arguments(name, due, args, kwargs, error, overloaded):
    """PyTorch's sentence about the first argument that is not what is due, or about those that are missing."""
    if "(): argument '" in str(error) or "invalid combination" in str(error):
        return None  # said already
    first = args[0] if args else kwargs.get("input")
    if overloaded and (len(args) + len(kwargs) < len(due) or len(due) == 1 and not isinstance(first, Tensor)):
        got = [type_name(a) for a in args] + [f"{word}={type_name(a)}" for word, a in kwargs.items()]
        return f"{name}() received an invalid combination of arguments - got ({', '.join(got)})"
    if "positional argument" in str(error) and "given" in str(error):
        return name + str(error)[str(error).index("()") :]  # Python calls it by the name that it was made with
    missing = []
    for place, (word, kind) in enumerate(due):
        if place < len(args):
            value, where = args[place], f" (position {place + 1})"
        elif word in kwargs:
            value, where = kwargs[word], ""
        else:
            missing.append(f'"{word}"')
            continue
        wanted, types = KINDS[kind]
        if not isinstance(value, types):
            return f"{name}(): argument '{word}'{where} must be {wanted}, not {type_name(value)}"
    if missing and isinstance(error, TypeError) and "required positional argument" in str(error):
        plural = "s" if len(missing) == 1 else ""  # as PyTorch has it
        return f"{name}() missing {len(missing)} required positional argument{plural}: {', '.join(missing)}"
    return None


def refuse(torch):
    """Put the checks before every function of the tables, wherever `torch`, a dictionary of names, and its tensors have it."""
    for due, names in signatures(OVERLOADED):
        for name in names:
            torch[name] = explaining(torch[name], name, due, overloaded=True)
    for due, names in signatures(ARGUMENTS):
        for name in names:
            torch[name] = explaining(torch[name], name, due)
            if len(due) > 1 and due[1][1] != "tuple" and name in Tensor.__dict__:
                setattr(Tensor, name, explaining(Tensor.__dict__[name], name, due[1:], of_tensor=1))
    for *check, names in tables():
        for name in names:
            place, _, last = name.rpartition(".")
            found = {"": torch, "F": vars(functional), "linalg": vars(linalg)}[place]
            found[last] = refusing(found[last], *check)
            for method in (last, last + "_", OPERATORS.get(last)):
                if not place and method in Tensor.__dict__:
                    setattr(Tensor, method, refusing(Tensor.__dict__[method], *check))
