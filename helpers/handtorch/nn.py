"""`torch.nn`: layers, activations and losses as modules.

What a module is, `module.py` says; the arithmetic is in `functional.py`, the first values of parameters in `init.py`.
"""

from __future__ import annotations

import math

from . import dtypes, init
from . import functional as F
from .autograd import no_grad
from .creation import empty, ones, zeros
from .end import end_of
from .module import (  # noqa: F401 (torch.nn's names)
    Buffer,
    Module,
    ModuleDict,
    ModuleList,
    Parameter,
    ParameterDict,
    ParameterList,
    Sequential,
    _IncompatibleKeys,
    register_module_forward_hook,
    register_module_forward_pre_hook,
    register_module_full_backward_hook,
)
from .tensor import Tensor

# ---- layers ----------------------------------------------------------------------------------------------------------


class Identity(Module):
    """Gives back its input."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class Linear(Module):
    """input @ weight.T + bias, with weight (out_features, in_features).

    Both start uniform within 1 / sqrt(in_features) of 0.
    """

    @dtypes.asked_for
    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty((out_features, in_features), dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new first values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        own = self._parameters
        if "weight" in own and "bias" in own:  # a look here saves the long way by `__getattr__`
            return F.linear(input, own["weight"], own["bias"])
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """x1 A x2 + b."""

    @dtypes.asked_for
    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(empty(out_features, in1_features, in2_features, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        bound = 1 / math.sqrt(in1_features)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def forward(self, input1, input2):
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Embedding(Module):
    """A table of rows, looked up by position; the rows start normal."""

    @dtypes.asked_for
    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
        _weight=None,
        _freeze=False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise AssertionError("Padding_idx must be within num_embeddings")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is not None:
            self.weight = Parameter(_weight, requires_grad=not _freeze)
            return
        self.weight = Parameter(empty(num_embeddings, embedding_dim, dtype=dtype), requires_grad=not _freeze)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new first values."""
        init.normal_(self.weight)
        if self.padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, padding_idx=None, **options):
        """A table of given rows, not trained unless freeze=False."""
        return cls(*embeddings.shape, padding_idx, _weight=embeddings, _freeze=freeze, **options)

    def forward(self, input):
        options = (self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)
        return F.embedding(input, self.weight, *options)

    def extra_repr(self):
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, usual in (("padding_idx", None), ("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False)):
            value = getattr(self, name)
            text += f", {name}={value}" if value != usual else ""
        return text + (", sparse=True" if self.sparse else "")


class Flatten(Module):
    """Dimensions start_dim … end_dim joined into one."""

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input):
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self):
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dimension split into several."""

    def __init__(self, dim, unflattened_size):
        super().__init__()
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Dropout(Module):
    """In training, zeros with probability p and the rest divided by 1 - p."""

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class LayerNorm(Module):
    """Normalized over the last dimensions, with a weight and a bias of its own."""

    @dtypes.asked_for
    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter(
            "weight", Parameter(ones(self.normalized_shape, dtype=dtype)) if elementwise_affine else None
        )
        self.register_parameter(
            "bias", Parameter(zeros(self.normalized_shape, dtype=dtype)) if elementwise_affine and bias else None
        )

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        bias = self.bias is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={bias}"


class GroupNorm(Module):
    """Normalized over the channels of each group, with a weight and a bias per channel."""

    @dtypes.asked_for
    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.register_parameter("weight", Parameter(ones(num_channels, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels, dtype=dtype)) if affine and bias else None)

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


class RMSNorm(Module):
    """Divided by the root of the mean square over the last dimensions, with a weight of its own."""

    @dtypes.asked_for
    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        weight = Parameter(ones(self.normalized_shape, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)

    def forward(self, input):
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class RunningNorm(Module):
    """What batch and instance normalization share: weight and bias per channel, and running statistics."""

    _version = 2

    ranks: tuple

    @dtypes.asked_for
    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", Parameter(ones(num_features, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features, dtype=dtype)) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=dtypes.int64) if track_running_stats else None)

    def check_rank(self, input):
        if input.ndim not in self.ranks:
            raise ValueError(f"expected {' or '.join(f'{n}D' for n in self.ranks)} input (got {input.ndim}D input)")

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, *rest):
        """Files older than the count of batches come without it."""
        if local_metadata.get("version", 1) < 2 and self.track_running_stats:
            state_dict.setdefault(prefix + "num_batches_tracked", self.num_batches_tracked)
        super()._load_from_state_dict(state_dict, prefix, local_metadata, *rest)

    def reset_running_stats(self):
        """Forget the running statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(RunningNorm):
    """Normalized over the batch in training, by running statistics in evaluation; (N, C) or (N, C, L).

    momentum=None: the running statistics are plain means of all batches.
    """

    ranks = (2, 3)

    def forward(self, input):
        self.check_rank(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1.0 / self.num_batches_tracked.item()
        by_batch = self.training or self.running_mean is None
        kept = self.track_running_stats or not self.training
        mean, var = (self.running_mean, self.running_var) if kept else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, by_batch, momentum, self.eps)


class BatchNorm2d(BatchNorm1d):
    """Batch normalization of images (N, C, H, W)."""

    ranks = (4,)


class BatchNorm3d(BatchNorm1d):
    """Batch normalization of volumes (N, C, D, H, W)."""

    ranks = (5,)


class InstanceNorm1d(RunningNorm):
    """Normalized over the positions of each sample and channel; (C, L) or (N, C, L)."""

    ranks = (2, 3)

    @dtypes.asked_for
    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input):
        self.check_rank(input)
        by_sample = self.training or not self.track_running_stats
        options = (
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            by_sample,
            self.momentum or 0.0,
            self.eps,
        )
        if input.ndim == self.ranks[0]:
            return F.instance_norm(input.unsqueeze(0), *options).squeeze(0)
        return F.instance_norm(input, *options)


class InstanceNorm2d(InstanceNorm1d):
    """Instance normalization of images."""

    ranks = (3, 4)


class InstanceNorm3d(InstanceNorm1d):
    """Instance normalization of volumes."""

    ranks = (4, 5)


# ---- layers that look at neighbourhoods ------------------------------------------------------------------------------


class Convolution(Module):
    """What the convolutions share; `dims` and `function` tell them apart.

    weight: (out_channels, in_channels / groups, *kernel_size), bias: (out_channels,), both uniform within
    sqrt(groups / (in_channels * prod(kernel_size))) of 0 at first.
    """

    dims: int
    function = None
    transposed = False

    @dtypes.asked_for
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
        *,
        output_padding=0,
    ):
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'valid', 'same'}}")
        self.in_channels, self.out_channels, self.groups, self.padding_mode = (
            in_channels,
            out_channels,
            groups,
            padding_mode,
        )
        self.kernel_size, self.stride, self.dilation = map(self.per_dim, (kernel_size, stride, dilation))
        self.padding, self.output_padding = self.per_dim(padding), self.per_dim(output_padding)
        channels = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty(*channels, *self.kernel_size, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def per_dim(self, value):
        return (
            value
            if isinstance(value, str)
            else tuple(value)
            if isinstance(value, (tuple, list))
            else (value,) * self.dims
        )

    def reset_parameters(self):
        """Draw new first values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = init._calculate_fan_in_and_fan_out(self.weight)
            if fan_in:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def forward(self, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            widths = [w for p in reversed(padding) for w in (p, p)]
            input, padding = F.pad(input, widths, mode=self.padding_mode), 0
        function = type(self).function
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            text += f", {name}={value}" if value != (usual,) * len(value) else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        text += ", bias=False" if self.bias is None else ""
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class Conv1d(Convolution):
    """Convolution of signals (N, C, L)."""

    dims, function = 1, F.conv1d


class Conv2d(Convolution):
    """Convolution of images (N, C, H, W)."""

    dims, function = 2, F.conv2d


class Conv3d(Convolution):
    """Convolution of volumes (N, C, D, H, W)."""

    dims, function = 3, F.conv3d


class ConvTranspose1d(Convolution):
    """The transpose of a convolution of signals; weight: (in_channels, out_channels / groups, *kernel_size)."""

    dims, function, transposed = 1, F.conv_transpose1d, True

    @dtypes.asked_for
    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype,
            output_padding=output_padding,
        )  # fmt: skip

    def forward(self, input):
        function = type(self).function
        options = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return function(input, self.weight, self.bias, *options)


class ConvTranspose2d(ConvTranspose1d):
    """The transpose of a convolution of images."""

    dims, function = 2, F.conv_transpose2d


class ConvTranspose3d(ConvTranspose1d):
    """The transpose of a convolution of volumes."""

    dims, function = 3, F.conv_transpose3d


# ---- activations and losses ------------------------------------------------------------------------------------------


def module_of(name, function, defaults, shown=None, doc=None):
    """A module around a function of `functional`: its arguments beyond the tensors are kept, and those in `shown` are printed."""

    def __init__(self, *args, **kwargs):
        Module.__init__(self)
        values = dict(defaults)
        if len(args) > len(defaults):
            raise TypeError(
                f"{name}.__init__() takes from 1 to {len(defaults) + 1} positional arguments but {len(args) + 1} were given"
            )
        values.update(zip(defaults, args, strict=False))
        for key in kwargs:
            if key not in defaults:
                raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{key}'")
        values.update(kwargs)
        if "kernel_size" in values and values.get("stride", 0) is None and "norm_type" not in values:
            values["stride"] = values["kernel_size"]  # windows side by side
        if "size_average" in defaults:
            self.reduction = F.how(values.pop("size_average"), values.pop("reduce"), values.pop("reduction"))
        for key, value in values.items():
            if isinstance(value, Tensor):
                self.register_buffer(key, value)
            else:
                setattr(self, key, value)

    options = [key for key in defaults if key not in ("size_average", "reduce")]

    def forward(self, *inputs):
        own = self.__dict__  # a look here saves the one at the class
        given = {}
        for key in options:
            given[key] = own[key] if key in own else getattr(self, key)
        return function(*inputs, **given)

    def extra_repr(self):
        return shown(self) if shown else ""

    doc = doc or (function.__doc__ or name).splitlines()[0]
    body = {"__init__": __init__, "forward": forward, "extra_repr": extra_repr, "__doc__": doc, "__module__": __name__}
    globals()[name] = type(name, (Module,), body)


def words(*names):
    return lambda self: ", ".join(f"{name}={getattr(self, name)}" for name in names)


def inplace_word(*names):
    def text(self):
        parts = [f"{name}={getattr(self, name)}" for name in names]
        return ", ".join(parts + ["inplace=True"] * bool(self.inplace))

    return text


for _name, _function, _defaults, _shown in (
    ("ReLU", F.relu, {"inplace": False}, inplace_word()),
    ("ReLU6", F.relu6, {"inplace": False}, inplace_word()),
    ("LeakyReLU", F.leaky_relu, {"negative_slope": 0.01, "inplace": False}, inplace_word("negative_slope")),
    ("ELU", F.elu, {"alpha": 1.0, "inplace": False}, inplace_word("alpha")),
    ("CELU", F.celu, {"alpha": 1.0, "inplace": False}, inplace_word("alpha")),
    ("SELU", F.selu, {"inplace": False}, inplace_word()),
    ("SiLU", F.silu, {"inplace": False}, inplace_word()),
    ("Mish", F.mish, {"inplace": False}, inplace_word()),
    ("Hardtanh", F.hardtanh, {"min_val": -1.0, "max_val": 1.0, "inplace": False}, inplace_word("min_val", "max_val")),
    ("Hardsigmoid", F.hardsigmoid, {"inplace": False}, None),
    ("Hardswish", F.hardswish, {"inplace": False}, None),
    ("GELU", F.gelu, {"approximate": "none"}, lambda self: f"approximate={self.approximate!r}"),
    ("Softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}, words("beta", "threshold")),
    ("Sigmoid", F.sigmoid, {}, None),
    ("Tanh", F.tanh, {}, None),
    ("LogSigmoid", F.logsigmoid, {}, None),
    ("Softsign", F.softsign, {}, None),
    ("Tanhshrink", F.tanhshrink, {}, None),
    ("Softshrink", F.softshrink, {"lambd": 0.5}, lambda self: str(self.lambd)),
    ("Hardshrink", F.hardshrink, {"lambd": 0.5}, lambda self: str(self.lambd)),
    ("GLU", F.glu, {"dim": -1}, words("dim")),
    ("Softmax", F.softmax, {"dim": None}, words("dim")),
    ("LogSoftmax", F.log_softmax, {"dim": None}, words("dim")),
    ("Softmin", F.softmin, {"dim": None}, words("dim")),
    ("CosineSimilarity", F.cosine_similarity, {"dim": 1, "eps": 1e-8}, None),
):  # fmt: skip
    module_of(_name, _function, _defaults, _shown)
module_of(
    "Threshold", F.threshold, {"threshold": None, "value": None, "inplace": False}, inplace_word("threshold", "value")
)
module_of(
    "PairwiseDistance", lambda a, b, norm, eps, keepdim: F.pairwise_distance(a, b, norm, eps, keepdim),
    {"norm": 2.0, "eps": 1e-6, "keepdim": False}, doc="The norm of the difference of two rows.",
)  # fmt: skip

_MAX = {"kernel_size": None, "stride": None, "padding": 0, "dilation": 1, "return_indices": False, "ceil_mode": False}
_AVG = {"kernel_size": None, "stride": None, "padding": 0, "ceil_mode": False, "count_include_pad": True}
for _n in (1, 2, 3):
    module_of(
        f"MaxPool{_n}d",
        getattr(F, f"max_pool{_n}d"),
        _MAX,
        words("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    )
    module_of(
        f"MaxUnpool{_n}d",
        getattr(F, f"max_unpool{_n}d"),
        {"kernel_size": None, "stride": None, "padding": 0},
        words("kernel_size", "stride", "padding"),
    )
    module_of(
        f"LPPool{_n}d",
        getattr(F, f"lp_pool{_n}d"),
        {"norm_type": None, "kernel_size": None, "stride": None, "ceil_mode": False},
        words("norm_type", "kernel_size", "stride", "ceil_mode"),
    )
    module_of(
        f"AdaptiveAvgPool{_n}d", getattr(F, f"adaptive_avg_pool{_n}d"), {"output_size": None}, words("output_size")
    )
    module_of(
        f"AdaptiveMaxPool{_n}d",
        getattr(F, f"adaptive_max_pool{_n}d"),
        {"output_size": None, "return_indices": False},
        words("output_size"),
    )
for _n in (2, 3):
    module_of(
        f"AvgPool{_n}d",
        getattr(F, f"avg_pool{_n}d"),
        {**_AVG, "divisor_override": None},
        words("kernel_size", "stride", "padding"),
    )
module_of(
    "AvgPool1d",
    F.avg_pool1d,
    _AVG,
    lambda self: f"kernel_size=({self.kernel_size},), stride=({self.stride},), padding=({self.padding},)",
)
for _name, _function, _defaults, _shown in (
    ("Upsample", F.interpolate, {"size": None, "scale_factor": None, "mode": "nearest", "align_corners": None, "recompute_scale_factor": None},
     lambda self: (f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={as_floats(self.scale_factor)!r}") + f", mode={self.mode!r}"),
    ("PixelShuffle", F.pixel_shuffle, {"upscale_factor": None}, words("upscale_factor")),
    ("PixelUnshuffle", F.pixel_unshuffle, {"downscale_factor": None}, words("downscale_factor")),
    ("Unfold", F.unfold, {"kernel_size": None, "dilation": 1, "padding": 0, "stride": 1}, words("kernel_size", "dilation", "padding", "stride")),
    ("Fold", F.fold, {"output_size": None, "kernel_size": None, "dilation": 1, "padding": 0, "stride": 1}, words("output_size", "kernel_size", "dilation", "padding", "stride")),
    ("LocalResponseNorm", F.local_response_norm, {"size": None, "alpha": 1e-4, "beta": 0.75, "k": 1.0}, lambda self: f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"),
    ("ChannelShuffle", F.channel_shuffle, {"groups": None}, words("groups")),
    ("Softmax2d", lambda input: F.softmax(input, -3), {}, None),
):  # fmt: skip
    module_of(_name, _function, _defaults, _shown, doc=(_function.__doc__ or "The softmax over the channels."))


def as_floats(factor):
    return tuple(map(float, factor)) if isinstance(factor, (tuple, list)) else float(factor)


def padding_module(name, mode, dims, shown):
    """A module that pads `dims` dimensions, by one width or by a pair for each."""

    def __init__(self, padding, value=0.0):
        Module.__init__(self)
        self.padding = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * (2 * dims)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, mode, self.value if mode == "constant" else None)

    body = {
        "__init__": __init__,
        "forward": forward,
        "extra_repr": shown,
        "__doc__": f"{mode} padding.",
        "__module__": __name__,
    }
    globals()[name] = type(name, (Module,), body)


for _n in (1, 2, 3):
    for _name, _mode in (
        ("Zero", "constant"),
        ("Reflection", "reflect"),
        ("Replication", "replicate"),
        ("Circular", "circular"),
    ):
        padding_module(f"{_name}Pad{_n}d", _mode, _n, lambda self: f"{self.padding}")
    padding_module(f"ConstantPad{_n}d", "constant", _n, lambda self: f"padding={self.padding}, value={self.value}")


class Dropout1d(Dropout):
    """In training, whole channels of zeros with probability p."""

    function = staticmethod(F.dropout1d)

    def forward(self, input):
        return self.function(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout1d):
    """Channel dropout of images."""

    function = staticmethod(F.dropout2d)


class Dropout3d(Dropout1d):
    """Channel dropout of volumes."""

    function = staticmethod(F.dropout3d)


class AlphaDropout(Dropout1d):
    """Dropout that keeps mean 0 and variance 1 after SELU."""

    function = staticmethod(F.alpha_dropout)


_OLD = {"size_average": None, "reduce": None, "reduction": "mean"}
for _name, _function, _defaults in (
    ("MSELoss", F.mse_loss, _OLD),
    ("L1Loss", F.l1_loss, _OLD),
    ("SmoothL1Loss", F.smooth_l1_loss, {**_OLD, "beta": 1.0}),
    ("HuberLoss", F.huber_loss, {"reduction": "mean", "delta": 1.0}),
    ("BCELoss", F.binary_cross_entropy, {"weight": None, **_OLD}),
    ("BCEWithLogitsLoss", F.binary_cross_entropy_with_logits, {"weight": None, **_OLD, "pos_weight": None}),
    ("NLLLoss", F.nll_loss, {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None, "reduction": "mean"}),
    ("CrossEntropyLoss", F.cross_entropy, {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None, "reduction": "mean", "label_smoothing": 0.0}),
    ("KLDivLoss", F.kl_div, {**_OLD, "log_target": False}),
    ("PoissonNLLLoss", F.poisson_nll_loss, {"log_input": True, "full": False, "size_average": None, "eps": 1e-8, "reduce": None, "reduction": "mean"}),
    ("GaussianNLLLoss", F.gaussian_nll_loss, {"full": False, "eps": 1e-6, "reduction": "mean"}),
    ("HingeEmbeddingLoss", F.hinge_embedding_loss, {"margin": 1.0, **_OLD}),
    ("SoftMarginLoss", F.soft_margin_loss, _OLD),
    ("MarginRankingLoss", F.margin_ranking_loss, {"margin": 0.0, **_OLD}),
    ("CosineEmbeddingLoss", F.cosine_embedding_loss, {"margin": 0.0, **_OLD}),
    ("TripletMarginLoss", F.triplet_margin_loss, {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False, **_OLD}),
    ("MultiLabelSoftMarginLoss", F.multilabel_soft_margin_loss, {"weight": None, **_OLD}),
    ("MultiLabelMarginLoss", F.multilabel_margin_loss, _OLD),
    ("MultiMarginLoss", F.multi_margin_loss, {"p": 1, "margin": 1.0, "weight": None, **_OLD}),
):  # fmt: skip
    module_of(_name, _function, _defaults)


class PReLU(Module):
    """x, or weight * x where x is negative; the weight is learned."""

    @dtypes.asked_for
    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(empty(num_parameters, dtype=dtype).fill_(init))

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


functional = F
__getattr__ = end_of("torch.nn")
