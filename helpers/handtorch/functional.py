"""`torch.nn.functional`: layers, activations and losses as plain functions.

A loss has a `reduction`: "mean", "sum" or "none". Losses that are one node in PyTorch are one entry here, with their derivative; the
others are written with tensor operations, as their formulas are.
"""

from __future__ import annotations

import math

import numpy as np

from . import dtypes, kernels, methods, ops
from . import random as random  # gives tensors the bernoulli_ of dropout
from .end import end_of
from .methods import broadcast_tensors, dim_of
from .ops import log, sign, where
from .record import FLOAT32, Operation, Variable, sum_to, wrap
from .spatial import (  # noqa: F401 (most names are for users)
    adaptive_avg_pool1d,
    adaptive_avg_pool2d,
    adaptive_avg_pool3d,
    adaptive_max_pool1d,
    adaptive_max_pool2d,
    adaptive_max_pool3d,
    avg_pool1d,
    avg_pool2d,
    avg_pool3d,
    channel_shuffle,
    conv1d,
    conv2d,
    conv3d,
    conv_transpose1d,
    conv_transpose2d,
    conv_transpose3d,
    fold,
    interpolate,
    lp_pool1d,
    lp_pool2d,
    lp_pool3d,
    max_pool1d,
    max_pool2d,
    max_pool3d,
    max_unpool1d,
    max_unpool2d,
    max_unpool3d,
    pad,
    pixel_shuffle,
    pixel_unshuffle,
    unfold,
    upsample,
    upsample_bilinear,
    upsample_nearest,
)  # fmt: skip
from .sums import torch_sum
from .tensor import Tensor, warn
from .walk import mode

# ---- losses that are one node ----------------------------------------------------------------------------------------


def reduced(x, reduction):
    """All elements, or their sum or mean."""
    if reduction == "none":
        return x
    return torch_sum(x) if reduction == "sum" else torch_sum(x) / x.dtype.type(x.size)


def each(g, shape, reduction):
    """The gradient of every element, from that of the reduced loss."""
    return g / math.prod(shape) if reduction == "mean" else g


mse = Operation(
    "MseLoss",
    lambda x, y, *, reduction: reduced((x - y) * (x - y), reduction),
    x=lambda g, x, y, reduction: each(g, x.shape, reduction) * (2.0 * (x - y)),
    y=lambda g, x, y, reduction: each(g, x.shape, reduction) * (2.0 * (y - x)),
)
smooth_l1 = Operation(
    "SmoothL1Loss",
    lambda x, y, *, beta, reduction: reduced(kernels.smooth_absolute(x - y, beta), reduction),
    x=lambda g, x, y, beta, reduction: each(g, x.shape, reduction) * smooth_slope(x - y, beta),
    y=lambda g, x, y, beta, reduction: each(g, x.shape, reduction) * smooth_slope(y - x, beta),
)
huber = Operation(
    "HuberLoss",
    lambda x, y, *, delta, reduction: reduced(
        kernels.smooth_absolute(x - y, delta).astype(x.dtype, copy=False) * x.dtype.type(delta), reduction
    ),
    mix="none",
    x=lambda g, x, y, delta, reduction: huber_rule(g, x, y, delta, reduction),
    y=lambda g, x, y, delta, reduction: huber_rule(g, y, x, delta, reduction),
)
bce = Operation(
    "BinaryCrossEntropy",
    lambda x, y, w, *, reduction: reduced(kernels.cross_entropy_of_probability(x, y) * w, reduction),
    x=lambda g, x, y, w, reduction: each(g, x.shape, reduction) * w * (x - y) / ops.maximum((1 - x) * x, 1e-12),
    y=lambda g, x, w, reduction: each(g, x.shape, reduction) * w * (log(1 - x) - log(x)),
)
bce_logits = Operation(
    "BinaryCrossEntropyWithLogits",
    # In PyTorch the loss grows in the memory of 1 - y, and so has the type of the target.
    lambda x, y, w, p, *, reduction: reduced(
        (kernels.cross_entropy_of_logit(x, y, p) * w).astype(y.dtype, copy=False), reduction
    ),
    mix="none",
    x=lambda g, x, y, w, p, reduction: (
        each(g, x.shape, reduction)
        * w
        * (ops.sigmoid(x) - y if p is None else (p * y + 1 - y) * ops.sigmoid(x) - p * y)
    ),
    y=lambda g, x, w, p, reduction: (
        each(g, x.shape, reduction) * w * (-x if p is None else ops.log_sigmoid(-x) - p * ops.log_sigmoid(x))
    ),
)
soft_margin = Operation(
    "SoftMarginLoss",
    lambda x, y, *, reduction: reduced(np.log1p(np.exp((-x * y).astype(x.dtype, copy=False))), reduction),
    mix="none",
    x=lambda g, x, y, reduction: each(g, x.shape, reduction) * -(y * ops.sigmoid(methods.negative(y) * x)),
)
nll = Operation(
    "NllLoss",
    lambda x, target, weight, *, ignore_index, reduction: kernels.picked_loss(
        x, target, weight, ignore_index, reduction
    ),
    mix="none",
    x=lambda g, x, target, weight, ignore_index, reduction: place_loss(g, x, target, weight, ignore_index, reduction),
)
nll_images = nll.called("NllLoss2D")


def huber_rule(g, x, y, delta, reduction):
    methods.expect_type(y, x)
    return each(g, x.shape, reduction) * smooth_slope(x - y, delta) * delta


def smooth_slope(d, beta):
    return sign(d) if beta == 0 else where(ops.absolute(d) >= beta, sign(d), d / beta)


def place_loss(g, x, target, weight, ignore_index, reduction):
    """Minus the weight of its class, at each target's place."""
    recording = isinstance(g, Variable)
    if not recording and weight is None and ignore_index is None and x.ndim == 2:
        return kernels.placed_in_rows(-(g / len(x) if reduction == "mean" else g), x.shape, target)
    labels = ops.array_of(target)
    key, weights = kernels.picked(ops.array_of(x), labels, ops.array_of(weight), ignore_index)
    if reduction == "mean":
        g = g / (labels.size if weights is None else float(weights.sum()) if recording else weights.sum())
    values = -g if weights is None else -g * (wrap(weights) if recording else weights)
    placed = ops.place(values, shape=tuple(x.shape), key=key, unique=True)
    return placed + ops.flat(x) if recording else placed


# ---- losses ----------------------------------------------------------------------------------------------------------


def how(size_average, reduce, reduction):
    """The reduction, from PyTorch's present argument or its two old ones."""
    if size_average is None and reduce is None:
        if reduction not in ("none", "mean", "sum"):
            raise ValueError(f"{reduction} is not a valid value for reduction")
        return reduction
    size_average, reduce = size_average is None or size_average, reduce is None or reduce
    chosen = ("mean" if size_average else "sum") if reduce else "none"
    warn(f"size_average and reduce args will be deprecated, please use reduction='{chosen}' instead.")
    return chosen


def reduce_tensor(x, reduction):
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"{reduction} is not a valid value for reduction")
    return x if reduction == "none" else x.mean() if reduction == "mean" else x.sum()


def same_size(input, target):
    """Warn about sizes that broadcast, and broadcast them."""
    target.size(), input.size()  # whoever hands over a number gets Python's complaint about it
    if target._array.shape != input._array.shape:
        warn(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}). This will likely lead "
            "to incorrect results due to broadcasting. Please ensure they have the same size."
        )
    return broadcast_tensors(input, target) if target._array.shape != input._array.shape else (input, target)


def mse_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None) -> Tensor:
    """(input - target)^2, reduced."""
    reduction = how(size_average, reduce, reduction)
    input, target = same_size(input, target)
    if weight is not None:
        squares = weight * mse_loss(input, target, reduction="none")
        return squares.sum() / weight.sum() if reduction == "mean" else reduce_tensor(squares, reduction)
    return mse.record((input, target), {"reduction": reduction})


def l1_loss(input, target, size_average=None, reduce=None, reduction="mean", weight=None) -> Tensor:
    """|input - target|, reduced."""
    reduction = how(size_average, reduce, reduction)
    input, target = same_size(input, target)
    distances = (input - target).abs()
    if weight is not None:
        distances = weight * distances
        return distances.sum() / weight.sum() if reduction == "mean" else reduce_tensor(distances, reduction)
    return reduce_tensor(distances, reduction)


def smooth_l1_loss(input, target, size_average=None, reduce=None, reduction="mean", beta=1.0) -> Tensor:
    """d^2 / (2 beta) where |d| < beta, else |d| - beta / 2, for d = input - target."""
    reduction = how(size_average, reduce, reduction)
    if beta < 0:
        raise ValueError(f"Expected beta >= 0, but got {beta}")
    input, target = same_size(input, target)
    if beta == 0:
        return l1_loss(input, target, reduction=reduction)
    return smooth_l1.record((input, target), {"beta": beta, "reduction": reduction})


def huber_loss(input, target, reduction="mean", delta=1.0, weight=None) -> Tensor:
    """d^2 / 2 where |d| < delta, else delta (|d| - delta / 2)."""
    how(None, None, reduction)
    if delta <= 0:
        raise RuntimeError("huber_loss does not support non-positive values for delta.")
    input, target = same_size(input, target)
    if weight is not None:
        losses = weight * huber_loss(input, target, "none", delta)
        return losses.sum() / weight.sum() if reduction == "mean" else reduce_tensor(losses, reduction)
    methods.writable_into(input, input, target)
    return huber.record((input, target), {"delta": delta, "reduction": reduction})


def binary_cross_entropy(input, target, weight=None, size_average=None, reduce=None, reduction="mean") -> Tensor:
    """-(y log x + (1 - y) log(1 - x)) for probabilities x; logarithms are -100 at least."""
    reduction = how(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(
            f"Using a target size ({target.shape}) that is different to the input size ({input.shape}) is deprecated. Please "
            "ensure they have the same size."
        )
    methods.expect_type(target, input)
    if not methods.is_float(input):
        raise NotImplementedError(f"\"binary_cross_entropy\" not implemented for '{input.dtype.letter}'")
    if ((input._array < 0) | (input._array > 1)).any():
        raise RuntimeError("all elements of input should be between 0 and 1")
    return bce.record((input, target, 1.0 if weight is None else weight), {"reduction": reduction})


def binary_cross_entropy_with_logits(
    input, target, weight=None, size_average=None, reduce=None, reduction="mean", pos_weight=None
) -> Tensor:
    """Binary cross-entropy of sigmoid(input), without overflow; pos_weight weighs the term of y = 1."""
    reduction = how(size_average, reduce, reduction)
    if target.size() != input.size():
        raise ValueError(f"Target size ({target.shape}) must be the same as input size ({input.shape})")
    if not methods.is_float(input):
        raise NotImplementedError(f"\"log_sigmoid_cpu\" not implemented for '{input.dtype.letter}'")
    if target._array.dtype.kind == "b":
        methods.no_bool_difference(target, target)
    methods.writable_into(target, input)
    weight = 1.0 if weight is None else weight
    return bce_logits.record((input, target, weight, pos_weight), {"reduction": reduction})


INT64 = np.dtype(np.int64)
UNSIGNED = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


def need_tensors(name, input, target, weight):
    methods.need_tensor(input, name)
    methods.need_tensor(target, name, 2, "target")
    if weight is not None:
        methods.need_tensor(weight, name, 3, "weight")


def fitting(input, target, weight):
    """The target, if it has a class for each example and no more, and what else the class losses need; else PyTorch's complaint.

    One example may have its class in a tensor of shape (1,): it comes back as a number.
    """
    shape, given = input._array.shape, target._array.shape
    if not shape:
        raise ValueError("Expected 1 or more dimensions (got 0)")
    if len(shape) == 1 and len(given) == 1:
        labels_of_classes(target)
        if given != (1,):
            raise ValueError(f"For 1D input, 1D target must have size 1, but got target size: {given[0]}")
        target, given = target.reshape(()), ()
    wanted = (shape[0], *shape[2:]) if len(shape) > 1 else ()
    if wanted and wanted[0] != (given[0] if given else 0):
        count = given[0] if given else 0
        raise ValueError(f"Expected input batch_size ({shape[0]}) to match target batch_size ({count}).")
    if len(shape) <= 2 and given != wanted:
        raise RuntimeError("0D or 1D target tensor expected, multi-target not supported")
    if len(shape) == 4 and len(given) != 3:
        raise RuntimeError(
            f"only batches of spatial targets supported (3D tensors) but got targets of dimension: {len(given)}"
        )
    if len(shape) != 4 and given != wanted:
        raise RuntimeError(f"Expected target size {list(wanted)}, got {list(given)}")
    labels_of_classes(target)
    if given != wanted:
        raise RuntimeError(f"size mismatch (got input: {list(shape)} , target: {list(given)}")
    classes = shape[1] if wanted else shape[0]
    if weight is not None and weight._array.shape != (classes,):
        if len(shape) > 2:
            raise RuntimeError("weight tensor should be defined either for all or no classes")
        raise RuntimeError(no_weight_for_each(classes, weight))
    if not methods.is_float(input):
        raise NotImplementedError(f"\"nll_loss_out_frame\" not implemented for '{input.dtype.letter}'")
    if weight is not None and weight.dtype is not input.dtype:
        raise RuntimeError(f"expected scalar type {input.dtype.letter} but found {weight.dtype.letter}")
    return target


def labels_of_classes(target):
    if target.dtype not in (dtypes.int64, dtypes.uint8):
        raise RuntimeError(f"expected target dtype to be Long or Byte, but got {target.dtype.letter}")


def no_weight_for_each(classes, weight):
    return (
        f"weight tensor should be defined either for all {classes} classes or no classes but got weight tensor of shape: "
        f"{list(weight._array.shape)}"
    )


def nll_loss(input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean") -> Tensor:
    """Minus the log-probability of each target class; input (N, C) or (C,) or (N, C, d1, …), target of classes without C.

    "mean" divides by the sum of the targets' weights. Raises IndexError for a class outside 0 … C - 1.
    """
    reduction = how(size_average, reduce, reduction)
    need_tensors("nll_loss_nd", input, target, weight)
    return class_loss(input, target, weight, ignore_index, reduction)


def class_loss(input, target, weight, ignore_index, reduction):
    """`nll_loss`, once it is clear that its arguments are tensors and how it is to be reduced."""
    labels, shape = target._array, input._array.shape
    ndim = len(shape)
    # In the usual case there is nothing to look for.
    if (
        ndim != 2
        or labels.shape != shape[:1]
        or labels.dtype is not INT64
        or weight is not None
        or not methods.is_float(input)
    ):
        target = fitting(input, target, weight)
        labels = target._array
    classes = shape[1] if ndim > 1 else shape[0]
    unsigned = labels.view(UNSIGNED[labels.itemsize])  # without a sign, -1 is larger than any class
    if labels.size and unsigned.item(unsigned.argmax()) >= classes:
        wrong = labels[(labels != ignore_index) & ((labels < 0) | (labels >= classes))]
        if wrong.size:
            raise IndexError(f"Target {wrong[0]} is out of bounds.")
    elif not 0 <= ignore_index < classes:
        ignore_index = None
    op = nll if ndim < 3 else nll_images
    weights = None if weight is None else weight._array
    loss = op.forward(input._array, labels, weights, ignore_index=ignore_index, reduction=reduction)
    return op.recorded(loss, (input, target, weight), {"ignore_index": ignore_index, "reduction": reduction})


def cross_entropy(
    input, target, weight=None, size_average=None, ignore_index=-100, reduce=None, reduction="mean", label_smoothing=0.0
) -> Tensor:
    """Minus the log of the softmax of `input` at each target; input as for `nll_loss`, target of classes or of probabilities."""
    reduction = how(size_average, reduce, reduction)
    need_tensors("cross_entropy_loss", input, target, weight)
    dim = 0 if input._array.ndim == 1 else 1
    probabilities = target._array.shape == input._array.shape
    if probabilities and target._array.dtype.kind != "f":
        raise RuntimeError(
            f"Expected floating point type for target with class probabilities, got {target.dtype.letter}"
        )
    if not input._array.ndim:
        raise IndexError("Dimension specified as 1 but tensor has no dimensions")
    if label_smoothing > 1:
        raise RuntimeError(f"label_smoothing must be between 0.0 and 1.0. Got: {label_smoothing:g}")
    methods.need_float(input, "log_softmax", dim)
    log_p = ops.log_softmax.recorded(ops.log_softmax.forward(input._array, dim=dim), (input,), {"dim": dim})
    if probabilities:
        if ignore_index >= 0:
            raise RuntimeError("ignore_index is not supported for floating point target")
        classes = input._array.shape[dim]
        if weight is not None and weight._array.shape != (classes,):
            raise RuntimeError("cross_entropy: " + no_weight_for_each(classes, weight))
        return with_probabilities(log_p, target, weight, reduction, label_smoothing, dim)
    loss = class_loss(log_p, target, weight, ignore_index, reduction)
    if not label_smoothing:
        return loss
    return smoothed(log_p, loss, target, weight, ignore_index, reduction, label_smoothing, dim)


def with_probabilities(log_p, target, weight, reduction, label_smoothing, dim):
    classes = log_p._array.shape[dim]
    if label_smoothing:
        target = target * (1 - label_smoothing) + label_smoothing / classes
    if weight is not None:
        weight = weight.view([-1 if i == dim else 1 for i in range(log_p._array.ndim)])
        log_p = log_p * weight
    weighted = log_p * target
    total = -(weighted.sum(dim) if reduction == "none" else weighted.sum())
    if reduction == "mean":
        return methods.with_number(ops.div_number, total, log_p._array.size // classes)
    return total


def smoothed(log_p, loss, target, weight, ignore_index, reduction, label_smoothing, dim):
    """A share of the loss goes to all classes alike."""
    classes = log_p._array.shape[dim]
    weighted = (
        log_p if weight is None else log_p * weight.view([-1 if i == dim else 1 for i in range(log_p._array.ndim)])
    )
    everywhere = -weighted.sum(dim)
    ignored = target == ignore_index
    everywhere = everywhere.masked_fill(ignored, 0.0)
    if reduction == "mean":
        if weight is None:
            everywhere = everywhere.sum() / (~ignored).sum()
        else:
            everywhere = everywhere.sum() / weight[target.masked_fill(ignored, 0)].masked_fill(ignored, 0.0).sum()
    elif reduction == "sum":
        everywhere = everywhere.sum()
    return (1 - label_smoothing) * loss + label_smoothing / classes * everywhere


def kl_div(input, target, size_average=None, reduce=None, reduction="mean", log_target=False) -> Tensor:
    """target (log target - input), for log-probabilities `input`; "batchmean" divides by the length of the first dimension."""
    if reduction == "mean":
        warn(
            "reduction: 'mean' divides the total loss by both the batch size and the support size.'batchmean' divides only by the "
            "batch size, and aligns with the KL div math definition.'mean' will be changed to behave the same as 'batchmean' in "
            "the next major release."
        )
    methods.need_tensor(input, "kl_div")
    methods.need_tensor(target, "kl_div", 2, "target")
    if not (methods.is_float(input) and methods.is_float(target)):
        raise RuntimeError("kl_div: Integral inputs not supported.")
    terms = (
        target.exp() * (target - input) if log_target else methods.FUNCTIONS["xlogy"](target, target) - target * input
    )
    if reduction == "batchmean":
        return terms.sum() / (input._array.shape[0] if input._array.ndim else 1)
    return reduce_tensor(terms, how(size_average, reduce, reduction))


def poisson_nll_loss(
    input, target, log_input=True, full=False, size_average=None, eps=1e-8, reduce=None, reduction="mean"
) -> Tensor:
    """exp(input) - target * input, or without log_input, input - target * log(input + eps)."""
    loss = input.exp() - target * input if log_input else input - target * (input + eps).log()
    if full:
        stirling = target * target.log() - target + 0.5 * (2 * math.pi * target).log()
        loss = loss + stirling.masked_fill(target <= 1, 0)
    return reduce_tensor(loss, reduction)


def gaussian_nll_loss(input, target, var, full=False, eps=1e-6, reduction="mean") -> Tensor:
    """(log var + (input - target)^2 / var) / 2, with var clamped to eps; a number stands for a variance everywhere."""
    if not isinstance(var, Variable):
        var = input.new_full(input._array.shape, var)
    elif var._array.shape != input._array.shape:
        if input._array.shape[:-1] == var._array.shape:
            var = var.unsqueeze(-1)
        elif not (input._array.shape[:-1] == var._array.shape[:-1] and var._array.shape[-1] == 1):
            raise ValueError("var is of incorrect size")
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(reduction + " is not valid")
    if (var._array < 0).any():
        raise ValueError("var has negative entry/entries")
    clamped = var.clone()
    clamped.data.clamp_(min=eps)
    loss = 0.5 * (clamped.log() + (input - target) ** 2 / clamped)
    if full:
        loss = loss + 0.5 * math.log(2 * math.pi)
    return reduce_tensor(loss, reduction)


def hinge_embedding_loss(input, target, margin=1.0, size_average=None, reduce=None, reduction="mean") -> Tensor:
    """input where the target is 1, max(0, margin - input) where it is -1."""
    zero = wrap(np.zeros((), input._array.dtype))
    gap = wrap(np.full(input._array.shape, margin, input._array.dtype)) - input
    loss = where(target != 1, gap.clamp_min(0), zero) + where(target != -1, input, zero)
    return reduce_tensor(loss, how(size_average, reduce, reduction))


def soft_margin_loss(input, target, size_average=None, reduce=None, reduction="mean") -> Tensor:
    """log(1 + exp(-target * input))."""
    if input._array.dtype.kind == "b":
        return -input  # which is where PyTorch stops
    methods.writable_into(input, input, target)
    if not methods.is_float(input):
        raise RuntimeError(f"result type Float can't be cast to the desired output type {input.dtype.letter}")
    if target._requires_grad and mode.grad:
        raise RuntimeError(
            "The function 'soft_margin_loss' is not differentiable with respect to argument 'target'. This input cannot have "
            "requires_grad True."
        )
    return soft_margin.record((input, target), {"reduction": how(size_average, reduce, reduction)})


def margin_ranking_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean") -> Tensor:
    """max(0, -target * (input1 - input2) + margin)."""
    if not input1._array.ndim == input2._array.ndim == target._array.ndim:
        raise RuntimeError(
            "margin_ranking_loss : All input tensors should have same dimension but got sizes: "
            f"input1: {input1.shape}, input2: {input2.shape}, target: {target.shape} "
        )
    loss = methods.with_number(ops.add_number, -target * (input1 - input2), margin).clamp_min(0)
    return reduce_tensor(loss, how(size_average, reduce, reduction))


def cosine_embedding_loss(input1, input2, target, margin=0, size_average=None, reduce=None, reduction="mean") -> Tensor:
    """1 - cos where the target is 1, max(0, cos - margin) where it is -1."""
    epsilon = 1e-12
    dim = target._array.ndim
    product = (input1 * input2).sum(dim)
    cosine = product / (((input1 * input1).sum(dim) + epsilon) * ((input2 * input2).sum(dim) + epsilon)).sqrt()
    zero = wrap(np.zeros((), cosine._array.dtype))
    loss = where(target == 1, 1 - cosine, zero) + where(target == -1, (cosine - margin).clamp_min(0), zero)
    return reduce_tensor(loss, how(size_average, reduce, reduction))


def check_triplet(margin, anchor, positive, negative):
    if margin <= 0:
        raise ValueError(f"margin must be greater than 0, got {margin}")
    a, p, n = (x._array.ndim for x in (anchor, positive, negative))
    if not a == p == n:
        raise RuntimeError(
            "The anchor, positive, and negative tensors are expected to have the same number of dimensions, but got: "
            f"anchor {a}D, positive {p}D, and negative {n}D inputs"
        )


def triplet_margin_loss(
    anchor, positive, negative, margin=1.0, p=2, eps=1e-6, swap=False, size_average=None, reduce=None, reduction="mean"
) -> Tensor:
    """max(0, d(anchor, positive) - d(anchor, negative) + margin)."""
    check_triplet(margin, anchor, positive, negative)
    near, far = pairwise_distance(anchor, positive, p, eps), pairwise_distance(anchor, negative, p, eps)
    if swap:
        far = methods.FUNCTIONS["minimum"](far, pairwise_distance(positive, negative, p, eps))
    return reduce_tensor((margin + near - far).clamp_min(0), how(size_average, reduce, reduction))


def triplet_margin_with_distance_loss(
    anchor, positive, negative, *, distance_function=None, margin=1.0, swap=False, reduction="mean"
) -> Tensor:
    """The triplet loss with a distance of your own."""
    check_triplet(margin, anchor, positive, negative)
    distance = pairwise_distance if distance_function is None else distance_function
    near, far = distance(anchor, positive), distance(anchor, negative)
    if swap:
        far = methods.FUNCTIONS["minimum"](far, distance(positive, negative))
    return reduce_tensor((margin + near - far).clamp_min(0), reduction)


def multilabel_soft_margin_loss(input, target, weight=None, size_average=None, reduce=None, reduction="mean") -> Tensor:
    """Binary cross-entropy with logits, averaged over classes."""
    loss = -(target * logsigmoid(input) + (1 - target) * logsigmoid(-input))
    loss = loss if weight is None else loss * weight
    return reduce_tensor(loss.sum(input._array.ndim - 1) / input._array.shape[-1], how(size_average, reduce, reduction))


def multi_margin_loss(
    input, target, p=1, margin=1.0, weight=None, size_average=None, reduce=None, reduction="mean"
) -> Tensor:
    """The mean over the wrong classes of max(0, margin - x[target] + x[class])^p."""
    reduction = how(size_average, reduce, reduction)
    if p not in (1, 2):
        raise ValueError("only p == 1 and p == 2 supported")
    shape, classes = list(input._array.shape), input._array.shape[-1] if input._array.ndim else 1
    if not classes:
        raise RuntimeError(f"Expected non-empty vector or matrix with optional 0-dim batch size, but got: {shape}")
    batch = input._array.shape[0] if input._array.ndim == 2 else 1
    if weight is not None and weight._array.ndim != 1:
        raise ValueError("weight must be one-dimensional")
    if weight is not None and weight._array.size != classes:
        raise RuntimeError(f"inconsistent weight size, expected {classes} but got {list(weight._array.shape)}")
    if target._array.ndim > 1 or target._array.size != batch:
        raise RuntimeError(
            "multi_margin_loss: target tensor should be 1-D with size equal to the number of input samples (batch size). "
            f"Expected target size [{batch}], but got {list(target._array.shape)}. Input has shape {shape}."
        )
    margins_of_type(input, target, "multi_margin_loss_cpu_kernel")
    options = {"target": target._array.reshape(-1, 1), "weight": None if weight is None else weight._array}
    return multi_margin.record((input,), {**options, "p": p, "margin": margin, "reduction": reduction})


def margins(x, target, weight, p, margin):
    """For each sample and class how far it comes within the margin, and the weight of that, 0 for the target's own class."""
    classes = x.shape[-1] if x.ndim else 1
    rows = ops.reshape(x, shape=(-1, classes))
    place = np.arange(len(target))[:, None]
    share = (np.arange(classes) != target) * (1 if weight is None else weight[target]) / classes
    share = share.astype(ops.array_of(x).dtype)
    distance = margin - ops.pick(rows, (place, target)) + rows
    return ops.maximum(distance, 0.0), ops.constant(share, x)


def multi_margin_of(x, target, weight, p, margin, reduction):
    distance, share = margins(x, target, weight, p, margin)
    losses = (distance**p * share).sum(1)
    return reduced(losses if x.ndim == 2 or reduction != "none" else losses.reshape(()), reduction)


def multi_margin_rule(g, x, target, weight, p, margin, reduction):
    distance, share = margins(x, target, weight, p, margin)
    slope = (distance > 0) * share if p == 1 else 2 * distance * share
    own = np.zeros(tuple(share.shape), ops.array_of(x).dtype)
    own[np.arange(len(target))[:, None], target] = 1
    slope = slope - ops.constant(own, x) * slope.sum(1)[:, None]
    g = each(g, (len(target),), reduction)
    return ops.reshape((g if reduction != "none" else ops.reshape(g, shape=(-1, 1))) * slope, shape=tuple(x.shape))


multi_margin = Operation(
    "MultiMarginLoss",
    lambda x, *, target, weight, p, margin, reduction: multi_margin_of(x, target, weight, p, margin, reduction),
    mix="none",
    x=lambda g, x, target, weight, p, margin, reduction: multi_margin_rule(g, x, target, weight, p, margin, reduction),
)


def multilabel_margin_loss(input, target, size_average=None, reduce=None, reduction="mean") -> Tensor:
    """The mean over pairs of a class named in `target` (up to the first -1) and one that is not of max(0, 1 - x[named] + x[other])."""
    reduction = how(size_average, reduce, reduction)
    if target._array.shape != input._array.shape:
        raise RuntimeError(
            f"inconsistent target size: {list(target._array.shape)} for input of size: {list(input._array.shape)}"
        )
    margins_of_type(input, target, "multilabel_margin_loss_forward_out_frame")
    labels = np.atleast_2d(target._array)
    named = np.zeros((*labels.shape, labels.shape[1]), input._array.dtype)  # sample, place in the target, class
    for i, row in enumerate(labels):
        for j, label in enumerate(row):
            if label < 0:
                break
            named[i, j, label] = 1
    other = 1 - named.max(1, keepdims=True) if named.size else named
    return multilabel_margin.record((input,), {"named": named, "other": other, "reduction": reduction})


def margins_of_type(input, target, kernel):
    """Complain of the types that the margin losses do not take."""
    if input._array.dtype not in (np.float32, np.float64):
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{input.dtype.letter}'")
    if target._array.dtype != np.int64:
        raise RuntimeError(f"expected scalar type Long but found {target.dtype.letter}")


def label_margins(x, named, other):
    """(sample, place in the target, class): how far a class that is not named comes within 1 of one that is."""
    rows = ops.reshape(x, shape=(named.shape[0], 1, named.shape[2]))
    chosen, other = (ops.constant(a, x) for a in (named, named.sum(2, keepdims=True) * other))
    return ops.maximum(1 - (chosen * rows).sum(2)[..., None] + rows, 0.0), other


def multilabel_margin_of(x, named, other, reduction):
    distance, share = label_margins(x, named, other)
    losses = (distance * share).sum((1, 2)) / x.dtype.type(x.shape[-1] if x.ndim else 1)
    return reduced(losses if x.ndim == 2 or reduction != "none" else losses.reshape(()), reduction)


def multilabel_margin_rule(g, x, named, other, reduction):
    distance, share = label_margins(x, named, other)
    slope = (distance > 0) * share
    named = ops.constant(named, x)
    slope = (slope - named * slope.sum(2)[..., None]).sum(1) / named.shape[2]
    g = each(g, (named.shape[0],), reduction)
    return ops.reshape((g if reduction != "none" else ops.reshape(g, shape=(-1, 1))) * slope, shape=tuple(x.shape))


multilabel_margin = Operation(
    "MultilabelMarginLoss",
    lambda x, *, named, other, reduction: multilabel_margin_of(x, named, other, reduction),
    mix="none",
    x=lambda g, x, named, other, reduction: multilabel_margin_rule(g, x, named, other, reduction),
)


# ---- distances -------------------------------------------------------------------------------------------------------


def pairwise_distance(x1, x2, p=2.0, eps=1e-6, keepdim=False) -> Tensor:
    """The p-norm of x1 - x2 + eps along the last dimension."""
    difference = methods.with_number(ops.add_number, x1 - x2, eps)
    dim = (difference._array.ndim - 1,) if difference._array.ndim else None
    return norm_node.record((difference,), {"ord": float(p), "dim": dim, "keepdim": keepdim})


norm_node = ops.vector_norm.called("NormBackward1")


def cosine_similarity(x1, x2, dim=1, eps=1e-8) -> Tensor:
    """x1 . x2 / (|x1| |x2|), with norms clamped to eps."""
    x1, x2 = broadcast_tensors(x1, x2)
    size1, size2 = (methods.norm(x, 2, dim, True).clamp_min(eps) for x in (x1, x2))
    return ((x1 / size1) * (x2 / size2)).sum(dim)


def normalize(input, p=2.0, dim=1, eps=1e-12, out=None) -> Tensor:
    """Divided by its p-norm along `dim`, clamped to eps."""
    return input / methods.norm(input, p, dim, True).clamp_min(eps).expand_as(input)


def pdist(input, p=2.0) -> Tensor:
    """The distances of all pairs of rows."""
    n = input._array.shape[0]
    if p < 0:
        raise RuntimeError("pdist only supports non-negative p values")
    if input._array.ndim != 2:
        raise RuntimeError(f"pdist only supports 2D tensors, got: {input._array.ndim}D")
    return ops.pdist.record((input,), {"p": float(p), "pairs": np.triu_indices(n, 1)})


# ---- layers ----------------------------------------------------------------------------------------------------------


def linear(input, weight, bias=None) -> Tensor:
    """input @ weight.T + bias; input (…, in), weight (out, in), bias (out,)."""
    if not isinstance(input, Variable):
        methods.need_tensor(input, "linear")
    array, matrix = input._array, weight._array
    if array.dtype is not matrix.dtype:
        if bias is None:
            methods.same_type(input, weight)
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {input.dtype.letter} and {weight.dtype.letter}"
        )
    if bias is not None and bias._array.dtype is not matrix.dtype:
        raise RuntimeError(
            f"self and mat2 must have the same dtype, but got {bias.dtype.letter} and {weight.dtype.letter}"
        )
    if matrix.ndim == 1:
        if array.ndim == 2 and bias is not None:
            raise RuntimeError("mat2 must be a matrix, got 1-D tensor")
        product = methods.matmul(input, weight)
        return product if bias is None else product + bias
    if array.dtype is not FLOAT32:
        methods.need_numbers(input, "addmm_impl_cpu_")
    transposed = ops.t.record_view(weight, ops.t.forward(matrix))
    if array.ndim == 2:
        (n, k), (outputs, inputs) = array.shape, matrix.shape
        if k != inputs:
            raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{k} and {inputs}x{outputs})")
        if bias is None:
            return ops.mm.record((input, transposed), {})
        if bias._array.shape != (outputs,):
            methods.expand(bias, n, outputs)  # complains if it does not fit
        product = ops.affine.forward(bias._array, array, transposed._array)
        return ops.affine.recorded(product, (bias, input, transposed))
    if not array.ndim:
        raise RuntimeError(f"both arguments to linear need to be at least 1D, but they are 0D and {matrix.ndim}D")
    if bias is None:
        return methods.matmul(input, transposed)
    rows = (
        input.reshape(-1, array.shape[-1])
        if array.size
        else input.reshape(math.prod(array.shape[:-1]), array.shape[-1])
    )
    return linear(rows, weight, bias).view(*array.shape[:-1], matrix.shape[0])


def bilinear(input1, input2, weight, bias=None) -> Tensor:
    """x1 A_k x2 + b_k for each output k; weight (out, in1, in2)."""
    left = methods.tensordot(input1, weight, dims=([-1], [1]))
    result = (left * input2.unsqueeze(-2)).sum(-1)
    return result if bias is None else result + bias


def embedding(input, weight, padding_idx=None, max_norm=None, norm_type=2.0, scale_grad_by_freq=False, sparse=False):
    """The rows of `weight` at the positions `input`; the row padding_idx gets no gradient.

    max_norm: rows that are looked up are first shortened, in place, to that norm. scale_grad_by_freq: a row's gradient is divided by
    how often it was looked up.
    """
    if weight._array.ndim != 2:
        raise RuntimeError("'weight' must be 2-D")
    count = weight._array.shape[0]
    if padding_idx is not None and not -count <= padding_idx < count:
        raise AssertionError("Padding_idx must be within num_embeddings")
    if sparse:
        ops.the_end("torch.nn.functional.embedding with sparse=True")
    index = input._array
    if index.dtype.kind != "i":
        raise RuntimeError(
            "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got "
            f"torch.{input.dtype.letter}Tensor instead (while checking arguments for embedding)"
        )
    if ((index < 0) | (index >= count)).any():
        raise IndexError("index out of range in self")
    if max_norm is not None:
        shorten(weight, np.unique(index), max_norm, norm_type)
    padding = None if padding_idx is None else padding_idx % count
    return rows.record((weight, input), {"padding": padding, "by_frequency": scale_grad_by_freq})


def shorten(weight, index, max_norm, norm_type):
    """Scale those rows down, in place and unrecorded, to a norm of `max_norm` at most."""
    found = weight._array[index]
    size = kernels.norm_of(found, norm_type, (1,), True)
    weight._array[index] = np.where(size > max_norm, found * (max_norm / (size + 1e-7)), found)
    weight._counter[0] += 1


rows = Operation(
    "Embedding",
    lambda x, index, *, padding, by_frequency: x[index],
    mix="none",
    x=lambda g, x_shape, index, padding, by_frequency: ops.place(
        looked_up(g, ops.array_of(index), padding, by_frequency), shape=x_shape, key=(ops.array_of(index),)
    ),
)


def looked_up(g, index, padding, by_frequency):
    """The gradient of each looked-up row: none for the padding, a share for rows that were looked up several times."""
    if padding is None and not by_frequency:
        return g
    share = np.ones(index.shape)
    if by_frequency:
        _, inverse, counts = np.unique(index, return_inverse=True, return_counts=True)
        share = 1.0 / counts[inverse.reshape(index.shape)]
    if padding is not None:
        share = share * (index != padding)
    share = share[..., None].astype(ops.array_of(g).dtype)
    return g * ops.constant(share, g)


def one_hot(tensor, num_classes=-1) -> Tensor:
    """Rows of zeros with a 1 at each class."""
    index = tensor._array
    if index.dtype != np.int64:
        raise RuntimeError("one_hot is only applicable to index tensor of type LongTensor.")
    if index.size and index.min() < 0:
        raise RuntimeError("Class values must be non-negative.")
    classes = num_classes if num_classes >= 0 else int(index.max()) + 1
    if index.size and index.max() >= classes:
        raise RuntimeError("Class values must be smaller than num_classes.")
    return wrap((index[..., None] == np.arange(classes)).astype(np.int64))


def without_chance(input, p, training):
    """What dropout gives where nothing is left to chance, else None; ValueError where p is no probability."""
    if not 0.0 <= p <= 1.0:
        raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
    if not training or p == 0 or not input._array.size:
        return input
    return input * wrap(np.zeros_like(input._array)) if p == 1 else None


def dropout(input, p=0.5, training=True, inplace=False) -> Tensor:
    """In training, zeros with probability p and the rest divided by 1 - p."""
    certain = without_chance(input, p, training)
    if certain is not None:
        return certain
    mask = wrap(np.zeros_like(input._array)).bernoulli_(1 - p)._array / input._array.dtype.type(1 - p)
    return input.mul_(wrap(mask)) if inplace else input * wrap(mask)


def standard(x, shape, dims, eps):
    """x, seen in another shape, with mean 0 and variance 1 over `dims`; and the factor 1 / sqrt(var + eps)."""
    x = ops.reshape(x, shape=shape)
    x = x - ops.mean(x, dim=dims, keepdim=True)
    scale = ops.rsqrt(ops.mean(x * x, dim=dims, keepdim=True) + eps)
    return x * scale, scale


def standard_rule(g, x, shape, dims, eps):
    """Of the gradient, what is neither a shift of x nor a stretch."""
    h, scale = standard(x, shape, dims, eps)
    g = ops.reshape(g, shape=shape)
    inner = g - ops.mean(g, dim=dims, keepdim=True) - h * ops.mean(g * h, dim=dims, keepdim=True)
    return ops.reshape(inner * scale, shape=tuple(x.shape))


def weighed(y, w, b, across):
    """y * w + b on arrays, with w and b in the shape `across`."""
    y = y if w is None else y * w.reshape(across)
    return y if b is None else y + b.reshape(across)


def times(g, w, across):
    return g if w is None else g * ops.reshape(w, shape=across)


def into(g, across, shape):
    """The gradient of a weight or bias: summed over all else."""
    return ops.reshape(sum_to(g, shape=across), shape=shape)


# Statistics are taken over `dims` of the input in the shape `shape`; weight and bias have the shape `across` against the input.
normalization = Operation(
    "NativeLayerNorm",
    lambda x, w, b, *, shape, dims, across, eps: weighed(
        standard(x.astype(np.float64), shape, dims, eps)[0].reshape(x.shape), w, b, across
    ).astype(x.dtype),
    mix="none",
    x=lambda g, x, w, shape, dims, across, eps: standard_rule(times(g, w, across), x, shape, dims, eps),
    w=lambda g, x, w_shape, shape, dims, across, eps: into(
        g * ops.reshape(standard(x, shape, dims, eps)[0], shape=tuple(x.shape)), across, w_shape
    ),
    b=lambda g, b_shape, across: into(g, across, b_shape),
)
batch_normalization = normalization.called("NativeBatchNorm")
group_normalization = normalization.called("NativeGroupNorm")
# In evaluation mean and variance are given, and constant.
known_normalization = Operation(
    "NativeBatchNorm",
    lambda x, w, b, mean, var, *, across, eps: weighed(
        (x - mean.reshape(across)) / np.sqrt(var.reshape(across) + eps), w, b, across
    ).astype(x.dtype),
    mix="none",
    x=lambda g, w, var, across, eps: times(g, w, across) * ops.rsqrt(ops.reshape(var, shape=across) + eps),
    w=lambda g, x, mean, var, w_shape, across, eps: into(
        g * (x - ops.reshape(mean, shape=across)) * ops.rsqrt(ops.reshape(var, shape=across) + eps), across, w_shape
    ),
    b=lambda g, b_shape, across: into(g, across, b_shape),
)


def layer_norm(input, normalized_shape, weight=None, bias=None, eps=1e-5) -> Tensor:
    """(x - mean) / sqrt(var + eps) over the last dimensions, times weight plus bias."""
    shape, wanted = input._array.shape, tuple(normalized_shape)
    for word, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._array.shape != wanted:
            raise RuntimeError(
                f"Expected {word} to be of same shape as normalized_shape, but got {word} of shape {list(t._array.shape)} and "
                f"normalized_shape = {list(wanted)}"
            )
    if not wanted:
        raise RuntimeError(
            "Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one element, but got "
            "normalized_shape = []"
        )
    if shape[len(shape) - len(wanted) :] != wanted:
        raise RuntimeError(
            f"Given normalized_shape={list(wanted)}, expected input with shape [*, {', '.join(map(str, wanted))}], but got input "
            f"of size{list(shape)}"
        )
    dims = tuple(range(len(shape) - len(wanted), len(shape)))
    options = {"shape": shape, "dims": dims, "across": wanted, "eps": eps}
    return normalization.record((input, weight, bias), options)


def rms_norm(input, normalized_shape, weight=None, eps=None) -> Tensor:
    """x / sqrt(mean(x^2) + eps) over the last dimensions, times weight."""
    eps = np.finfo(input._array.dtype).eps.item() if eps is None else eps
    dims = tuple(range(-len(normalized_shape), 0))
    result = input * methods.with_number(ops.add_number, input.square().mean(dims, keepdim=True), eps).rsqrt()
    return result if weight is None else result * weight


def verify_values_per_channel(size):
    if math.prod(size) // max(size[1], 1) == 1:
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")


def batch_norm(
    input, running_mean, running_var, weight=None, bias=None, training=False, momentum=0.1, eps=1e-5
) -> Tensor:
    """(x - mean) / sqrt(var + eps) over all dimensions but the second; in training the running statistics move by `momentum`."""
    shape = input._array.shape
    if training:
        verify_values_per_channel(input.shape)
        if eps <= 0.0:
            raise ValueError(f"batch_norm eps must be positive during training, but got {eps}")
    elif eps < 0.0:
        raise ValueError(f"batch_norm eps must be non-negative, but got {eps}")
    for word, t in (("running_mean", running_mean), ("running_var", running_var), ("weight", weight), ("bias", bias)):
        if t is not None and t._array.size != shape[1]:
            raise RuntimeError(f"{word} should contain {shape[1]} elements not {t._array.size}")
    dims = tuple(i for i in range(len(shape)) if i != 1)
    across = (1, -1) + (1,) * (len(shape) - 2)
    options = {"across": (1, shape[1]) + across[2:], "eps": eps}
    if not training:
        if running_mean is None or running_var is None:
            raise RuntimeError("running_mean and running_var must be defined in evaluation mode")
        return known_normalization.record((input, weight, bias, running_mean, running_var), options)
    if running_mean is not None:
        wide = input._array.astype(np.float64)
        follow(running_mean, wide.mean(dims), momentum)
        follow(running_var, wide.var(dims, ddof=1), momentum)
    return batch_normalization.record((input, weight, bias), {"shape": shape, "dims": dims, **options})


def follow(running, new, momentum):
    """Move a running statistic towards a new value."""
    running._array[...] = momentum * new + (1 - momentum) * running._array.astype(np.float64)
    running._counter[0] += 1


def group_norm(input, num_groups, weight=None, bias=None, eps=1e-5) -> Tensor:
    """Normalized over the channels of each group and all positions, for each sample; weight and bias per channel."""
    shape = input._array.shape
    if len(shape) < 2:
        raise RuntimeError(f"Expected at least 2 dimensions for input tensor but received {len(shape)}")
    if math.prod((shape[0] * shape[1] // num_groups, *shape[2:])) == 1:
        size = [shape[0] * shape[1] // num_groups, num_groups, *shape[2:]]
        raise ValueError(f"Expected more than 1 value per channel when training, got input size {size}")
    if shape[1] % num_groups:
        raise RuntimeError(
            "Expected number of channels in input to be divisible by num_groups, but got input of shape "
            f"{list(shape)} and num_groups={num_groups}"
        )
    for word, t in (("weight", weight), ("bias", bias)):
        if t is not None and t._array.shape != (shape[1],):
            raise RuntimeError(
                f"Expected {word} to be a vector of size equal to the number of channels in input, but got {word} of shape "
                f"{list(t._array.shape)} and input of shape {list(shape)}"
            )
    seen = (shape[0], num_groups, math.prod(shape[1:]) // num_groups)
    across = (1, shape[1]) + (1,) * (len(shape) - 2)
    return group_normalization.record(
        (input, weight, bias), {"shape": seen, "dims": (2,), "across": across, "eps": eps}
    )


def instance_norm(
    input, running_mean=None, running_var=None, weight=None, bias=None, use_input_stats=True, momentum=0.1, eps=1e-5
) -> Tensor:
    """Normalized over all positions, for each sample and channel."""
    n, c, *size = input._array.shape
    if use_input_stats and math.prod(size) == 1:
        raise ValueError(f"Expected more than 1 spatial element when training, got input size {input.shape}")
    repeated = [None if t is None else t.repeat(n) for t in (running_mean, running_var, weight, bias)]
    flat = input.contiguous().view(1, n * c, *size)
    result = batch_norm(flat, *repeated, use_input_stats, momentum, eps).view(n, c, *size)
    for t, moved in zip((running_mean, running_var), repeated, strict=False):
        if t is not None and use_input_stats:
            t._array[...] = moved._array.reshape(n, c).mean(0)
            t._counter[0] += 1
    return result


def local_response_norm(input, size, alpha=1e-4, beta=0.75, k=1.0) -> Tensor:
    """x / (k + alpha * mean of x^2 over neighbouring channels)^beta."""
    dims = input._array.ndim
    if dims < 3:
        raise ValueError(f"Expected 3D or higher dimensionality                          input (got {dims} dimensions)")
    if not input._array.size:
        return input
    squares = input.mul(input)
    if dims == 3:
        squares = pad(squares.unsqueeze(1), (0, 0, size // 2, (size - 1) // 2))
        mean = avg_pool2d(squares, (size, 1), stride=1).squeeze(1)
    else:
        n, c, h = input._array.shape[:3]
        squares = pad(squares.view(n, 1, c, h, -1), (0, 0, 0, 0, size // 2, (size - 1) // 2))
        mean = avg_pool3d(squares, (size, 1, 1), stride=1).squeeze(1).view(input._array.shape)
    return input / mean.mul(alpha).add(k).pow(beta)


def feature_dropout(dims):
    def function(input, p=0.5, training=True, inplace=False) -> Tensor:
        if not 0.0 <= p <= 1.0:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        x = input if input._array.ndim != dims + 1 or dims > 1 and input._array.ndim != dims + 1 else input.unsqueeze(0)
        if not training or p == 0 or not input._array.size:
            dropped = x
        else:
            shape = (*x._array.shape[:2], *(1,) * (x._array.ndim - 2))
            keep = wrap(np.zeros(shape, x._array.dtype)).bernoulli_(1 - p)._array / x._array.dtype.type(1 - p)
            dropped = x * wrap(keep) if p < 1 else x * wrap(np.zeros(shape, x._array.dtype))
        return dropped if x is input else dropped.squeeze(0)

    function.__name__ = f"dropout{dims}d"
    function.__doc__ = "In training, whole channels of zeros with probability p and the rest divided by 1 - p."
    return function


dropout1d, dropout2d, dropout3d = feature_dropout(1), feature_dropout(2), feature_dropout(3)


def alpha_dropout(input, p=0.5, training=False, inplace=False) -> Tensor:
    """Dropout to the negative end of SELU, then scaled and shifted so that mean 0 and variance 1 remain (Klambauer et al., 2017)."""
    certain = without_chance(input, p, training)
    if certain is not None:
        return certain
    alpha, kind = 1.7580993408473766, input._array.dtype.type
    scale = 1.0 / math.sqrt((alpha * alpha * p + 1) * (1 - p))
    keep = wrap(np.zeros_like(input._array)).bernoulli_(1 - p)._array
    shift = (keep - kind(1)) * kind(alpha * scale) + kind(alpha * scale * p)
    return input * wrap(keep * kind(scale)) + wrap(shift)


def scaled_dot_product_attention(
    query, key, value, attn_mask=None, dropout_p=0.0, is_causal=False, scale=None, enable_gqa=False
) -> Tensor:
    """softmax(query key^T scale) value, over the last two dimensions; scale is 1 / sqrt(features) unless given.

    attn_mask: added to the scores, or where it is False the score is -inf. is_causal: no position sees a later one.
    """
    if enable_gqa:
        repeats = query._array.shape[-3] // key._array.shape[-3]
        key, value = key.repeat_interleave(repeats, -3), value.repeat_interleave(repeats, -3)
    scale = 1 / math.sqrt(query._array.shape[-1]) if scale is None else scale
    if is_causal:
        if attn_mask is not None:
            raise RuntimeError("Explicit attn_mask should not be set when is_causal=True")
        n, m = query._array.shape[-2], key._array.shape[-2]
        attn_mask = wrap(np.tril(np.ones((n, m), bool)))
    root = math.sqrt(abs(scale))
    scores = methods.with_number(ops.mul_number, query, root) @ methods.with_number(
        ops.mul_number, key.mT, math.copysign(root, scale)
    )
    if attn_mask is not None and attn_mask._array.dtype == bool:
        scores = scores + wrap(np.where(attn_mask._array, 0, -np.inf).astype(scores._array.dtype))
    elif attn_mask is not None:
        scores = scores + attn_mask
    return dropout(safe_softmax.record((scores,), {"dim": scores._array.ndim - 1}), dropout_p) @ value


safe_softmax = Operation(
    "SafeSoftmax",
    lambda x, *, dim: np.nan_to_num(kernels.softmax_of(x, dim), nan=0.0),
    mix="none",
    x=ops.softmax.rules["x"],
)  # a row of which nothing is seen is zero


# ---- activations -----------------------------------------------------------------------------------------------------


def activation(op, **defaults):
    """An activation with `inplace=`."""

    name = op.node_type.__name__.removesuffix("Backward0").lower()

    def function(input, inplace=False):
        if not isinstance(input, Variable):
            methods.need_tensor(input, name)
        return op.in_place((input,), defaults) if inplace else op.record_one(input, defaults)

    function.__name__ = name
    return function


relu = activation(ops.relu)
relu_ = lambda input: ops.relu.in_place((input,), {})
silu = activation(ops.silu)
mish = activation(ops.mish)
hardsigmoid = activation(ops.hardsigmoid)
hardswish = activation(ops.hardswish)
relu6 = activation(ops.hardtanh, low=0.0, high=6.0)
selu = activation(ops.elu, alpha=1.6732632423543772848170429916717, scale=1.0507009873554804934193349852946)


def leaky_relu(input, negative_slope=0.01, inplace=False) -> Tensor:
    """x, or negative_slope * x where x is negative."""
    return (ops.leaky_relu.in_place if inplace else ops.leaky_relu.record)((input,), {"slope": negative_slope})


def elu(input, alpha=1.0, inplace=False) -> Tensor:
    """x, or alpha (exp(x) - 1) where x is negative."""
    return (ops.elu.in_place if inplace else ops.elu.record)((input,), {"alpha": alpha})


def celu(input, alpha=1.0, inplace=False) -> Tensor:
    """x, or alpha (exp(x / alpha) - 1) where x is negative."""
    return (ops.celu.in_place if inplace else ops.celu.record)((input,), {"alpha": alpha, "input_scale": 1.0 / alpha})


def hardtanh(input, min_val=-1.0, max_val=1.0, inplace=False) -> Tensor:
    """x between min_val and max_val."""
    if min_val > max_val:
        raise ValueError("min_val cannot be greater than max_val")
    return (ops.hardtanh.in_place if inplace else ops.hardtanh.record)((input,), {"low": min_val, "high": max_val})


def threshold(input, threshold, value, inplace=False) -> Tensor:
    """x where it is above the threshold, else `value`."""
    params = {"limit": threshold, "value": value}
    return (ops.threshold.in_place if inplace else ops.threshold.record)((input,), params)


def inplace_form(function, name):
    def form(input, *args, **kwargs):
        return function(input, *args, **kwargs, inplace=True)

    form.__name__, form.__doc__ = name, f"`{name[:-1]}`, written into the tensor itself."
    return form


leaky_relu_, elu_, celu_, selu_ = (
    inplace_form(f, n) for f, n in ((leaky_relu, "leaky_relu_"), (elu, "elu_"), (celu, "celu_"), (selu, "selu_"))
)
hardtanh_, threshold_ = inplace_form(hardtanh, "hardtanh_"), inplace_form(threshold, "threshold_")


def rrelu(input, lower=1.0 / 8, upper=1.0 / 3, training=False, inplace=False) -> Tensor:
    """In evaluation x, or x times the mean of lower and upper where x is negative; in training the slope would be random."""
    if training:
        ops.the_end("torch.nn.functional.rrelu with training=True")
    slope = {"slope": (lower + upper) / 2}
    return (rrelu_node.in_place if inplace else rrelu_node.record)((input,), slope)


rrelu_node = ops.leaky_relu.called("RreluWithNoise")
rrelu_ = inplace_form(rrelu, "rrelu_")


def gelu(input, approximate="none") -> Tensor:
    """x times the normal distribution function of x; approximate="tanh" uses tanh for it."""
    if approximate not in ("none", "tanh"):
        raise RuntimeError("approximate argument must be either none or tanh.")
    return (ops.gelu_tanh if approximate == "tanh" else ops.gelu).record((input,), {})


def softplus(input, beta=1.0, threshold=20.0) -> Tensor:
    """log(1 + exp(beta x)) / beta; x itself where beta x is above the threshold."""
    return ops.softplus.record((input,), {"beta": beta, "threshold": threshold})


def logsigmoid(input) -> Tensor:
    """log(sigmoid(x)), without overflow."""
    return ops.log_sigmoid.record((input,), {})


def sigmoid(input) -> Tensor:
    """1 / (1 + exp(-x))."""
    return input.sigmoid()


def tanh(input) -> Tensor:
    """The hyperbolic tangent."""
    return input.tanh()


def softsign(input) -> Tensor:
    """x / (1 + |x|)."""
    return input / (input.abs() + 1)


def tanhshrink(input) -> Tensor:
    """x - tanh(x)."""
    return input - input.tanh()


def softshrink(input, lambd=0.5) -> Tensor:
    """x moved towards 0 by lambd, and 0 if it would pass."""
    if lambd < 0:
        largest = float(np.finfo(input._array.dtype).max)
        raise RuntimeError(
            f"lambda must be in range [0, {largest:g}] for input dtype {input.dtype.letter}, but found {lambd:g}"
        )
    return ops.softshrink.record((input,), {"lambd": lambd})


def hardshrink(input, lambd=0.5) -> Tensor:
    """x, or 0 within lambd of 0."""
    return ops.hardshrink.record((input,), {"lambd": lambd})


def prelu(input, weight) -> Tensor:
    """x, or weight * x where x is negative; one weight, or one for each index of dimension 1."""
    if weight._array.ndim > 1:
        raise RuntimeError(
            f"prelu: Expected `weight` to be a scalar or 1D tensor, but got: ndim = {weight._array.ndim}"
        )
    if weight._array.size > 1:
        if not input._array.ndim:
            raise RuntimeError("Not allow zero-dim input tensor.")
        channels = input._array.shape[1] if input._array.ndim > 1 else 1
        if channels != weight._array.size:
            raise RuntimeError(
                "Mismatch of parameter numbers and input channel size. Found parameter numbers = "
                f"{weight._array.size} and channel size = {channels}."
            )
    if weight.dtype is not input.dtype:
        raise RuntimeError(f"prelu: Type promoting not supported. Got {input.dtype.letter} and {weight.dtype.letter}")
    if weight._array.size > 1 and input._array.ndim > 1:
        weight = weight.reshape([-1 if i == 1 else 1 for i in range(input._array.ndim)])
    elif weight._array.ndim and not input._array.ndim:
        weight = weight.reshape(())
    return prelu_node.record((input, weight), {})


prelu_node = Operation(
    "PreluKernel",
    lambda x, w: np.where(x > 0, x, x * w),
    mix="none",
    x=lambda g, x, w: where(x > 0, g, g * w) + ops.flat(x),
    w=lambda g, x: where(x > 0, 0.0, g * x),
)


def glu(input, dim=-1) -> Tensor:
    """The first half times the sigmoid of the second."""
    if input._array.shape[dim] % 2:
        raise RuntimeError(
            f"Halving dimension must be even, but dimension {dim_of(dim, input._array.ndim)} is size {input._array.shape[dim]}"
        )
    return glu_node.record((input,), {"dim": dim_of(dim, input._array.ndim)})


def halves(x, dim):
    """The two halves of an array or tensor along `dim`."""
    n = x.shape[dim] // 2
    return ops.pick(x, kernels.at(dim, slice(0, n))), ops.pick(x, kernels.at(dim, slice(n, 2 * n)))


def glu_rule(g, x, dim):
    first, second = halves(x, dim)
    gate = ops.sigmoid(second)
    return ops.cat(g * gate, g * first * gate * (1 - gate), dim=dim)


def gated(x, dim):
    first, second = halves(x, dim)
    return first * kernels.logistic(second)


glu_node = Operation("Glu", lambda x, *, dim: gated(x, dim), mix="none", x=lambda g, x, dim: glu_rule(g, x, dim))


def legacy_dim(name, dim, ndim):
    """The dimension that a softmax without one means, with PyTorch's warning."""
    if dim is not None:
        return dim
    warn(f"Implicit dimension choice for {name} has been deprecated. Change the call to include dim=X as an argument.")
    return 0 if ndim in (0, 1, 3) else 1


def softmax(input, dim=None, _stacklevel=3, dtype=None) -> Tensor:
    """exp(x) over its sum along `dim`."""
    return methods.softmax(input, legacy_dim("softmax", dim, input._array.ndim), dtype)


def log_softmax(input, dim=None, _stacklevel=3, dtype=None) -> Tensor:
    """The logarithm of the softmax."""
    return methods.log_softmax(input, legacy_dim("log_softmax", dim, input._array.ndim), dtype)


def softmin(input, dim=None, _stacklevel=3, dtype=None) -> Tensor:
    """The softmax of -x."""
    return methods.softmax(-input, legacy_dim("softmin", dim, input._array.ndim), dtype)


# What `torch` itself offers of this module.
methods.FUNCTIONS.update(
    (f.__name__, f)
    for f in (
        adaptive_avg_pool1d, avg_pool1d, bilinear, celu, celu_, channel_shuffle, conv1d, conv2d, conv3d, conv_transpose1d,
        conv_transpose2d, conv_transpose3d, cosine_similarity, dropout, group_norm, hardshrink, layer_norm, max_pool1d,
        max_pool2d, max_pool3d, pairwise_distance, pdist, pixel_shuffle, pixel_unshuffle, prelu, rms_norm, rrelu, selu_,
        threshold, threshold_,
    )
)  # fmt: skip
methods.FUNCTIONS.update(
    selu=selu,
    constant_pad_nd=lambda input, pad_, value=0: pad(input, pad_, "constant", value),
    embedding=lambda weight, indices, padding_idx=-1, scale_grad_by_freq=False, sparse=False: embedding(
        indices, weight, None if padding_idx == -1 else padding_idx, None, 2.0, scale_grad_by_freq, sparse
    ),
)
Tensor.prelu, Tensor.hardshrink = prelu, hardshrink
__getattr__ = end_of("torch.nn.functional")
