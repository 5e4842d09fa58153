"""Types that PyTorch's kernels refuse, in its words: no mean squared error of whole numbers, no absolute value of booleans.

NumPy computes many of these without complaint. Each line of the tables is: the NumPy kinds that are refused (b for booleans, i and
u for whole numbers with and without sign), whose type counts, the words, and the functions; F. stands for `torch.nn.functional`.
The type is that of the first argument ("only": if there is no other; "filled": if it is not empty), the common type of all tensors,
or of all tensors and numbers.
"""

from functools import wraps

from . import dtypes, functional, linalg
from .record import Variable
from .tensor import Tensor

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


def refuse(torch):
    """Put the check before every function of the tables, wherever `torch`, a dictionary of names, and its tensors have it."""
    for *check, names in tables():
        for name in names:
            place, _, last = name.rpartition(".")
            found = {"": torch, "F": vars(functional), "linalg": vars(linalg)}[place]
            found[last] = refusing(found[last], *check)
            for method in (last, last + "_", OPERATORS.get(last)):
                if not place and method in Tensor.__dict__:
                    setattr(Tensor, method, refusing(Tensor.__dict__[method], *check))
