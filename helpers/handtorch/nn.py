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

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty(out_features, in_features, dtype=dtype))
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
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """x1 A x2 + b."""

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

    def __init__(self, num_embeddings, embedding_dim, padding_idx=None, device=None, dtype=None):
        super().__init__()
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx if padding_idx is None else padding_idx % num_embeddings
        self.weight = Parameter(empty(num_embeddings, embedding_dim, dtype=dtype))
        init.normal_(self.weight)
        if padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    def forward(self, input):
        return F.embedding(input, self.weight, self.padding_idx)

    def extra_repr(self):
        return f"{self.num_embeddings}, {self.embedding_dim}" + (
            f", padding_idx={self.padding_idx}" if self.padding_idx is not None else ""
        )


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


class BatchNorm1d(Module):
    """Normalized over the batch in training, by running statistics in evaluation."""

    def __init__(
        self, num_features, eps=1e-5, momentum=0.1, affine=True, track_running_stats=True, device=None, dtype=None
    ):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", Parameter(ones(num_features, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features, dtype=dtype)) if affine else None)
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=dtypes.int64) if track_running_stats else None)

    def forward(self, input):
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
        by_batch = self.training or self.running_mean is None
        return F.batch_norm(
            input, self.running_mean, self.running_var, self.weight, self.bias, by_batch, self.momentum, self.eps
        )

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


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
        if "size_average" in defaults:
            self.reduction = F.how(values.pop("size_average"), values.pop("reduce"), values.pop("reduction"))
        for key, value in values.items():
            if isinstance(value, Tensor):
                self.register_buffer(key, value)
            else:
                setattr(self, key, value)

    def forward(self, *inputs):
        kept = {key: getattr(self, key) for key in defaults if key not in ("size_average", "reduce")}
        return function(*inputs, **kept)

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
    ("MultiMarginLoss", F.multi_margin_loss, {"p": 1, "margin": 1.0, "weight": None, **_OLD}),
):  # fmt: skip
    module_of(_name, _function, _defaults)


class PReLU(Module):
    """x, or weight * x where x is negative; the weight is learned."""

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
