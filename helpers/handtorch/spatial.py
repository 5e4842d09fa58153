"""Layers that look at neighbourhoods: convolution, pooling, resizing and padding of signals, images and volumes.

Sizes are (N, C, *size) with one, two or three dimensions of size; N may be missing. Two ideas carry all of it. A convolution lays the
windows of its input out as columns of a matrix, so that one matrix product does the rest; its two derivatives are two
more products with the same columns, and each is the derivative of the other two. Everything that only averages or
interpolates picks, along each dimension, a few neighbours with fixed weights ("taps"), and goes back the same way.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from . import dtypes, kernels, ops
from .record import Operation, wrap
from .tensor import C_NAMES, Tensor


class How(NamedTuple):
    """How a kernel moves over its input: one number per dimension, and the number of groups of channels."""

    stride: tuple
    padding: tuple
    dilation: tuple
    groups: int


# ---- convolution, on arrays ------------------------------------------------------------------------------------------


def places_of(size, kernel, how):
    """At how many places the kernel fits along each dimension."""
    options = zip(size, kernel, how.stride, how.padding, how.dilation, strict=True)
    return [(n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in options]


def columns(x, kernel, how):
    """Every window of x, (N, C, *size), as a view or copy (N, C, *kernel, *places)."""
    if any(how.padding):
        x = np.pad(x, ((0, 0), (0, 0), *((p, p) for p in how.padding)))
    steps = x.strides[2:]
    places = places_of(x.shape[2:], kernel, how._replace(padding=(0,) * len(kernel)))
    return np.lib.stride_tricks.as_strided(
        x,
        (*x.shape[:2], *kernel, *places),
        (*x.strides[:2], *np.multiply(steps, how.dilation).tolist(), *np.multiply(steps, how.stride).tolist()),
        writeable=False,
    )


def columns_back(windows, size, kernel, how):
    """Add windows (N, C, *kernel, *places) up at their places in (N, C, *size): the transpose of `columns`."""
    result = np.zeros((*windows.shape[:2], *(n + 2 * p for n, p in zip(size, how.padding, strict=True))), windows.dtype)
    places = windows.shape[2 + len(kernel) :]
    for offset in np.ndindex(*kernel):
        starts = np.multiply(offset, how.dilation).tolist()
        where = tuple(slice(a, a + s * (n - 1) + 1, s) for a, n, s in zip(starts, places, how.stride, strict=True))
        result[(..., *where)] += windows[(slice(None), slice(None), *offset)]
    return result[(..., *(slice(p, p + n) for p, n in zip(how.padding, size, strict=True)))]


def correlate(x, w, how):
    """y[n, o, p] = sum of x[n, c, p * stride + k * dilation - padding] w[o, c, k] over c and k; w is (out, C / groups, *kernel)."""
    (n, channels), (out, _, *kernel) = x.shape[:2], w.shape
    found = columns(x, kernel, how)
    places = found.shape[2 + len(kernel) :]
    rows = channels // how.groups * math.prod(kernel)
    found = found.reshape(n, how.groups, rows, math.prod(places))
    return (w.reshape(how.groups, out // how.groups, rows) @ found).reshape(n, out, *places)


def correlate_back(y, w, size, how):
    """The transpose of `correlate` in x: from y to something of x's shape, (N, C, *size)."""
    n, (out, narrow, *kernel), places = y.shape[0], w.shape, y.shape[2:]
    y = y.reshape(n, how.groups, out // how.groups, math.prod(places))
    w = w.reshape(how.groups, out // how.groups, narrow * math.prod(kernel))
    windows = (w.swapaxes(-1, -2) @ y).reshape(n, narrow * how.groups, *kernel, *places)
    return columns_back(windows, size, kernel, how)


def correlate_weight(x, y, kernel, how):
    """The transpose of `correlate` in w."""
    (n, channels), out = x.shape[:2], y.shape[1]
    narrow, count = channels // how.groups, math.prod(y.shape[2:])
    found = columns(x, kernel, how)[(..., *map(slice, y.shape[2:]))]
    found = found.reshape(n, how.groups, narrow * math.prod(kernel), count)
    y = y.reshape(n, how.groups, out // how.groups, count)
    return (y @ found.swapaxes(-1, -2)).sum(0).reshape(out, narrow, *kernel)


def cropped(y, shape):
    """y without the places at its far end that `shape` lacks: a transposed convolution may have been made larger."""
    return y if tuple(y.shape) == tuple(shape) else ops.pick(y, tuple(map(slice, shape)))


def plus(y, b):
    """A bias per channel."""
    return y if b is None else y + b.reshape(-1, *(1,) * (y.ndim - 2))


def per_channel(g):
    """The gradient of a bias per channel."""
    return ops.total(g, dim=(0, *range(2, g.ndim)), keepdim=False)


# ---- convolution: the entries ----------------------------------------------------------------------------------------

convolution = Operation(
    "Convolution",
    lambda x, w, b, *, how: plus(correlate(x, w, how), b),
    mix="none",
    x=lambda g, w, x_shape, how: convolution_back(g, w, size=x_shape[2:], how=how),
    w=lambda g, x, w_shape, how: convolution_weight(x, g, kernel=w_shape[2:], how=how),
    b=lambda g: per_channel(g),
)
# The transposed convolution is the derivative of the convolution in its input.
transposed_convolution = Operation(
    "Convolution",
    lambda x, w, b, *, size, how: plus(correlate_back(x, w, size, how), b),
    mix="none",
    x=lambda g, w, x_shape, how: cropped(convolution(g, w, None, how=how), x_shape),
    w=lambda g, x, w_shape, how: convolution_weight(g, x, kernel=w_shape[2:], how=how),
    b=lambda g: per_channel(g),
)
convolution_back = Operation(
    "ConvolutionBackward",
    lambda y, w, *, size, how: correlate_back(y, w, size, how),
    mix="none",
    y=lambda g, w, y_shape, how: cropped(convolution(g, w, None, how=how), y_shape),
    w=lambda g, y, w_shape, how: convolution_weight(g, y, kernel=w_shape[2:], how=how),
)
convolution_weight = Operation(
    "ConvolutionBackward",
    lambda x, y, *, kernel, how: correlate_weight(x, y, kernel, how),
    mix="none",
    x=lambda g, y, x_shape, how: convolution_back(y, g, size=x_shape[2:], how=how),
    y=lambda g, x, y_shape, how: cropped(convolution(x, g, None, how=how), y_shape),
)
im2col = Operation(
    "Im2Col",
    lambda x, *, kernel, how: columns(x, kernel, how).reshape(
        x.shape[0], x.shape[1] * math.prod(kernel), math.prod(places_of(x.shape[2:], kernel, how))
    ),
    mix="none",
    x=lambda g, x_shape, kernel, how: col2im(g, size=x_shape[2:], kernel=kernel, how=how),
)
col2im = Operation(
    "Col2Im",
    lambda x, *, size, kernel, how: columns_back(
        x.reshape(len(x), x.shape[1] // math.prod(kernel), *kernel, *places_of(size, kernel, how)), size, kernel, how
    ),
    mix="none",
    x=lambda g, kernel, how: im2col(g, kernel=kernel, how=how),
)

# ---- taps: a few neighbours along each dimension, with weights -------------------------------------------------------


def tapped(x, taps):
    """Along each of the last dimensions the sum of weight[i, t] * x[index[i, t]] over t; taps has (index, weight) for each."""
    if x.dtype.kind != "f":  # means of whole numbers are cut off towards zero
        return np.trunc(np.round(tapped(x.astype(np.float64), taps), 9)).astype(x.dtype)
    for dim, (index, weight) in enumerate(taps, x.ndim - len(taps)):
        weight = weight.astype(x.dtype).reshape(*weight.shape, *(1,) * (x.ndim - 1 - dim))
        parts = [np.take(x, index[:, t], dim) * weight[:, t] for t in range(index.shape[1])]
        x = sum(parts[1:], parts[0])
    return x


def tapped_back(g, taps, size):
    """The transpose of `tapped`: back to the last dimensions `size`."""
    for dim, (index, weight), n in zip(range(g.ndim - len(taps), g.ndim), taps, size, strict=True):
        weight = weight.astype(g.dtype).reshape(*weight.shape, *(1,) * (g.ndim - 1 - dim))
        result = np.zeros((*g.shape[:dim], n, *g.shape[dim + 1 :]), g.dtype)
        for t in range(index.shape[1]):
            np.add.at(result, kernels.at(dim, index[:, t]), g * weight[:, t])
        g = result
    return g


resample = Operation(
    "Upsample",
    lambda x, *, taps: tapped(x, taps),
    mix="none",
    x=lambda g, x_shape, taps: resample_back(g, taps=taps, size=x_shape[len(x_shape) - len(taps) :]),
)
# Pooling, and padding with what is inside, are functions of x even to their second derivative: it is zero.
pooling = Operation(
    "AvgPool2D",
    lambda x, *, taps: tapped(x, taps),
    mix="none",
    x=lambda g, x, taps: ops.still(resample_back(g, taps=taps, size=tuple(x.shape)[len(x.shape) - len(taps) :]), x),
)
resample_back = Operation(
    "AvgPool2DBackward",
    lambda g, *, taps, size: tapped_back(g, taps, size),
    mix="none",
    g=lambda g, taps: resample(g, taps=taps),
)

# ---- pooling ---------------------------------------------------------------------------------------------------------


def windows(n, kernel, stride, padding, dilation, ceil_mode):
    """The windows of pooling along a dimension of length n: positions (places, kernel), and which are inside."""
    index = np.arange(places_along(n, kernel, stride, padding, dilation, ceil_mode))[:, None] * stride - padding
    index = index + np.arange(kernel) * dilation
    return np.clip(index, 0, n - 1), (index >= 0) & (index < n)


def places_along(n, kernel, stride, padding, dilation, ceil_mode):
    """At how many places a window fits; ceil_mode counts one that only starts inside."""
    span = n + 2 * padding - dilation * (kernel - 1) - 1
    count = (span + (stride - 1 if ceil_mode else 0)) // stride + 1
    if ceil_mode and (count - 1) * stride >= n + padding:
        count -= 1
    return count


def adaptive_windows(n, out):
    """`out` windows that cover a length n evenly; the shorter ones are filled up with positions that do not count."""
    starts = np.arange(out) * n // out
    ends = -(-(np.arange(1, out + 1) * n) // out)
    index = starts[:, None] + np.arange(int((ends - starts).max()) if out else 1)
    return np.minimum(index, ends[:, None] - 1), index < ends[:, None]


def largest_of(x, windows):
    """The position in its flattened plane of the largest element of each window: (N, C, *places); the first of several."""
    d = len(windows)
    size = x.shape[x.ndim - d :]
    key, inside, plane = [], True, 0
    for i, (index, within) in enumerate(windows):
        shape = [1] * (2 * d)
        shape[i], shape[d + i] = index.shape
        key.append(index.reshape(shape))
        inside = inside & within.reshape(shape)
        plane = plane * size[i] + index.reshape(shape)
    found = x[(..., *key)]
    if x.dtype.kind == "f":
        found = np.where(inside, found, -np.inf)
    else:
        found = np.where(inside, found, np.iinfo(x.dtype).min)
    within = tuple(range(found.ndim - d, found.ndim))
    best = (found == found.max(within, keepdims=True)) | (found != found)
    best = np.broadcast_to(best & inside, found.shape).reshape(*found.shape[: found.ndim - d], -1)
    plane = np.broadcast_to(plane, found.shape).reshape(best.shape)
    return np.take_along_axis(plane, best.argmax(-1)[..., None], -1)[..., 0]


def from_plane(x, index, dims):
    """The elements of each plane (the last `dims` dimensions) at `index`, positions in the flattened plane."""
    lead = x.shape[: x.ndim - dims]
    flat = x.reshape(*lead, math.prod(x.shape[x.ndim - dims :]))
    return np.take_along_axis(flat, index.reshape(*lead, math.prod(index.shape[len(lead) :])), -1).reshape(index.shape)


def into_plane(g, index, shape, dims, add):
    """Zeros of `shape` with g written or added at `index`, positions in the flattened plane."""
    lead = math.prod(shape[: len(shape) - dims])
    result = np.zeros((lead, math.prod(shape[len(shape) - dims :])), g.dtype)
    key = np.arange(lead)[:, None], index.reshape(lead, math.prod(index.shape[len(shape) - dims :]))
    if add:
        np.add.at(result, key, g.reshape(key[1].shape))
    else:
        result[key] = g.reshape(key[1].shape)
    return result.reshape(shape)


max_pool = Operation(
    "MaxPool2DWithIndices",
    lambda x, index, *, dims: from_plane(x, index, dims),
    mix="none",
    x=lambda g, x, index, dims: ops.still(unpool(g, index, shape=tuple(x.shape), dims=dims, add=True), x),
)
unpool = Operation(
    "MaxUnpool2D",
    lambda x, index, *, shape, dims, add=False: into_plane(x, ops.array_of(index), shape, dims, add),
    mix="none",
    x=lambda g, index, dims: max_pool(g, index, dims=dims),
)

# ---- padding and rearranging -----------------------------------------------------------------------------------------


def padded(x, widths, value):
    """Each dimension lengthened by (before, after) with `value`; a negative width cuts."""
    x = x[tuple(slice(max(-a, 0), n - max(-b, 0)) for n, (a, b) in zip(x.shape, widths, strict=True))]
    if not any(a > 0 or b > 0 for a, b in widths):
        return x.copy()
    return np.pad(x, [(max(a, 0), max(b, 0)) for a, b in widths], constant_values=np.asarray(value).astype(x.dtype))


constant_pad = Operation(
    "ConstantPadNd",
    lambda x, *, widths, value=0: padded(x, widths, value),
    mix="none",
    x=lambda g, widths: constant_pad(g, widths=[(-a, -b) for a, b in widths]),
)


def shuffled(x, r):
    """r * r channels laid out as r by r pixels."""
    *lead, channels, h, w = x.shape
    x = x.reshape(*lead, channels // (r * r), r, r, h, w)
    k = len(lead)
    x = x.transpose(*range(k), k, k + 3, k + 1, k + 4, k + 2)
    return x.reshape(*lead, channels // (r * r), h * r, w * r)


def unshuffled(x, r):
    """The inverse of `shuffled`."""
    *lead, channels, h, w = x.shape
    k = len(lead)
    x = x.reshape(*lead, channels, h // r, r, w // r, r).transpose(*range(k), k, k + 2, k + 4, k + 1, k + 3)
    return x.reshape(*lead, channels * r * r, h // r, w // r)


pixel_shuffle_node = Operation(
    "PixelShuffle", lambda x, *, r: shuffled(x, r), mix="none", x=lambda g, r: pixel_unshuffle_node(g, r=r)
)
pixel_unshuffle_node = Operation(
    "PixelUnshuffle", lambda x, *, r: unshuffled(x, r), mix="none", x=lambda g, r: pixel_shuffle_node(g, r=r)
)

# ---- PyTorch's functions: convolution --------------------------------------------------------------------------------


def each(value, dims, name):
    """An option as one number per dimension."""
    values = tuple(value) if isinstance(value, (tuple, list)) else (value,)
    if len(values) == 1:
        values *= dims
    if len(values) != dims:
        raise RuntimeError(
            f"expected {name} to be a single integer value or a list of {dims} values to match the convolution dimensions, "
            f"but got {name}={list(values)}"
        )
    return values


def in_batch(function, x, dims):
    """Apply a function of (N, C, *size) to an input that may lack N."""
    return function(x) if x._array.ndim == dims + 2 else function(x.unsqueeze(0)).squeeze(0)


def need_rank(input, dims, name):
    if input._array.ndim not in (dims + 1, dims + 2):
        raise RuntimeError(
            f"Expected {dims + 1}D (unbatched) or {dims + 2}D (batched) input to {name}, but got input of size: "
            f"{list(input._array.shape)}"
        )


def check_types(input, weight, bias):
    for word, other in (("weight", weight), ("bias", bias)):
        if other is not None and other.dtype is not input.dtype:
            kinds = (C_NAMES[t.dtype.name] for t in (input, other))
            raise RuntimeError(f"Input type ({next(kinds)}) and {word} type ({next(kinds)}) should be the same")


def check_channels(shape, weight, bias, groups, transposed):
    """PyTorch's complaints about channels; `shape` is the input's, with N."""
    if weight._array.ndim < 3:
        raise RuntimeError("weight should have at least three dimensions")
    if weight._array.ndim != len(shape):
        n = weight._array.ndim
        raise RuntimeError(
            f"Expected {n}-dimensional input for {n}-dimensional weight{list(weight._array.shape)}, but got {len(shape)}-dimensional "
            f"input of size {list(shape)} instead"
        )
    (out, narrow), wide = weight._array.shape[:2], list(weight._array.shape)
    expected = out if transposed else narrow * groups
    if groups <= 0:
        raise RuntimeError("non-positive groups is not supported")
    if not transposed and out < groups or out % groups:
        raise RuntimeError(
            f"Given groups={groups}, expected weight to be at least {groups} at dimension 0, but got weight of size {wide} instead"
            if out < groups
            else f"Given groups={groups}, expected weight to be divisible by {groups} at dimension 0, but got weight of size "
            f"{wide} instead"
        )
    if shape[1] != expected:
        word = "transposed=1, " if transposed else f"groups={groups}, "
        raise RuntimeError(
            f"Given {word}weight of size {wide}, expected input{list(shape)} to have {expected} channels, but got {shape[1]} "
            "channels instead"
        )
    size = narrow * groups if transposed else out
    if bias is not None and bias._array.shape != (size,):
        word = "transposed=1, " if transposed else ""
        raise RuntimeError(
            f"Given {word}weight of size {wide}, expected bias to be 1-dimensional with {size} elements, but got bias of size "
            f"{list(bias._array.shape)} instead"
        )


def convolved(dims):
    def function(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) -> Tensor:
        need_rank(input, dims, f"conv{dims}d")
        stride, dilation = each(stride, dims, "stride"), each(dilation, dims, "dilation")
        return in_batch(lambda x: convolve(x, weight, bias, stride, padding, dilation, groups, dims), input, dims)

    function.__name__ = f"conv{dims}d"
    function.__doc__ = "Each output channel is the input correlated with a kernel of its own, plus a bias: weight (out, C / groups, *kernel)."
    return function


def convolve(x, weight, bias, stride, padding, dilation, groups, dims):
    """Complaints first, then the entry of the table."""
    check_types(x, weight, bias)
    if any(s <= 0 for s in stride):
        raise RuntimeError("non-positive stride is not supported")
    if not isinstance(padding, str) and any(p < 0 for p in each(padding, dims, "padding")):
        raise RuntimeError("negative padding is not supported")
    if any(d <= 0 for d in dilation):
        raise RuntimeError("dilation should be greater than zero")
    check_channels(x._array.shape, weight, bias, groups, False)
    size, kernel = x._array.shape[2:], weight._array.shape[2:]
    if padding == "same":
        if any(s != 1 for s in stride):
            raise RuntimeError("padding='same' is not supported for strided convolutions")
        whole = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        if any(n % 2 for n in whole):
            x = constant_pad.record((x,), {"widths": [(0, 0), (0, 0), *((0, n % 2) for n in whole)]})
        padding = tuple(n // 2 for n in whole)
    elif isinstance(padding, str):
        if padding != "valid":
            raise RuntimeError(f"Invalid padding string: '{padding}'")
        padding = 0
    padding = each(padding, dims, "padding")
    full = [n + 2 * p for n, p in zip(size, padding, strict=True)]
    reach = [d * (k - 1) + 1 for d, k in zip(dilation, kernel, strict=True)]
    if any(n < r for n, r in zip(full, reach, strict=True)):
        raise RuntimeError(
            f"Calculated padded input size per channel: ({' x '.join(map(str, full))}). Kernel size: "
            f"({' x '.join(map(str, reach))}). Kernel size can't be greater than actual input size"
        )
    return convolution.record((x, weight, bias), {"how": How(stride, padding, dilation, groups)})


def transposed_of(dims):
    def function(input, weight, bias=None, stride=1, padding=0, output_padding=0, groups=1, dilation=1) -> Tensor:
        need_rank(input, dims, f"conv_transpose{dims}d")
        how = How(
            each(stride, dims, "stride"), each(padding, dims, "padding"), each(dilation, dims, "dilation"), groups
        )
        more = each(output_padding, dims, "output_padding")
        if any(m >= s and m >= d for m, s, d in zip(more, how.stride, how.dilation, strict=True)):
            raise RuntimeError(
                "output padding must be smaller than either stride or dilation, but got output_padding_height: "
                f"{more[0]} output_padding_width: {more[-1]} stride_height: {how.stride[0]} stride_width: {how.stride[-1]} "
                f"dilation_height: {how.dilation[0]} dilation_width: {how.dilation[-1]}"
            )
        kernel = weight._array.shape[2:]

        def function_of_batch(x):
            check_channels(x._array.shape, weight, bias, groups, True)
            check_types(x, weight, bias)
            options = zip(x._array.shape[2:], how.stride, how.padding, how.dilation, kernel, more, strict=True)
            size = tuple((n - 1) * s - 2 * p + d * (k - 1) + m + 1 for n, s, p, d, k, m in options)
            return transposed_convolution.record((x, weight, bias), {"size": size, "how": how})

        return in_batch(function_of_batch, input, dims)

    function.__name__ = f"conv_transpose{dims}d"
    function.__doc__ = (
        "The transpose of a convolution: each input number spreads a kernel, weight (C, out / groups, *kernel)."
    )
    return function


conv1d, conv2d, conv3d = convolved(1), convolved(2), convolved(3)
conv_transpose1d, conv_transpose2d, conv_transpose3d = transposed_of(1), transposed_of(2), transposed_of(3)


def unfold(input, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """Every window of (N, C, H, W) as a column: (N, C * kernel, places)."""
    how = How(each(stride, 2, "stride"), each(padding, 2, "padding"), each(dilation, 2, "dilation"), 1)
    options = {"kernel": each(kernel_size, 2, "kernel_size"), "how": how}
    if input._array.ndim == 3:
        return im2col.record((input.unsqueeze(0),), options).squeeze(0)
    return im2col.record((input,), options)


def fold(input, output_size, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """Columns added up at their places: the transpose of `unfold`."""
    how = How(each(stride, 2, "stride"), each(padding, 2, "padding"), each(dilation, 2, "dilation"), 1)
    options = {"size": each(output_size, 2, "output_size"), "kernel": each(kernel_size, 2, "kernel_size"), "how": how}
    if input._array.ndim == 2:
        return col2im.record((input.unsqueeze(0),), options).squeeze(0)
    return col2im.record((input,), options)


# ---- PyTorch's functions: pooling ------------------------------------------------------------------------------------


def pool_options(kernel_size, stride, padding, dims):
    kernel = each(kernel_size, dims, "kernel_size")
    stride = kernel if stride is None or stride == [] or stride == () else each(stride, dims, "stride")
    return kernel, stride, each(padding, dims, "padding")


def check_pool(input, kernel, stride, padding, dilation, dims, name):
    """PyTorch's complaints about windows and about the rank of what they move over."""
    shape = input._array.shape
    if len(shape) not in (dims + 1, dims + 2) or 0 in shape[len(shape) - dims - 1 :]:
        name = "" if dims == 2 and len(shape) in (3, 4) else f"{name}: "
        raise RuntimeError(
            f"{name}Expected {dims + 1}D or {dims + 2}D (batch mode) tensor with optional 0 dim batch size for input, but got:"
            f"{list(shape)}"
        )
    for word, values in (("kernel_size", kernel), ("stride", stride), ("dilation", dilation)):
        for n in values:
            if n <= 0:
                raise RuntimeError(
                    f"max_pool1d() {word} must be greater than zero, but got {n}"
                    if name == "max_pool1d"
                    else f"{word.split('_')[0]} should be greater than zero, but got {word}: {n}"
                )
    for k, p, d in zip(kernel, padding, dilation, strict=True):
        if p < 0:
            raise RuntimeError(f"pad must be non-negative, but got pad: {p}")
        if p > ((k - 1) * d + 1) // 2:
            raise RuntimeError(
                f"pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={d}"
            )


def max_pooled(dims):
    node = max_pool.called("MaxPool3DWithIndices") if dims == 3 else max_pool

    def function(
        input, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
    ) -> Tensor:
        kernel, stride, padding = pool_options(kernel_size, stride, padding, dims)
        dilation = each(dilation, dims, "dilation")
        check_pool(input, kernel, stride, padding, dilation, dims, f"max_pool{dims}d")
        size = input._array.shape[-dims:]
        options = zip(size, kernel, stride, padding, dilation, strict=True)
        found = [windows(*each_dim, ceil_mode) for each_dim in options]
        if any(len(index) < 1 for index, _ in found):
            raise RuntimeError(too_small(input, found))
        index = wrap(largest_of(input._array, found))
        if dims == 1:  # a row is an image of height 1 to PyTorch
            high, index = input.unsqueeze(-2), index.unsqueeze(-2)
            values = node.record((high, index), {"dims": 2}).squeeze(-2)
            index = index.squeeze(-2)
        else:
            values = node.record((input, index), {"dims": dims})
        return (values, index) if return_indices else values

    function.__name__ = f"max_pool{dims}d"
    function.__doc__ = (
        "The largest number of each window; with return_indices, also where it stands in its flattened plane."
    )
    return function


def too_small(input, found):
    shape = input._array.shape
    channels = shape[-len(found) - 1]
    before = "x".join(map(str, (channels, *((1,) if len(found) == 1 else ()), *shape[-len(found) :])))
    after = "x".join(map(str, (channels, *((1,) if len(found) == 1 else ()), *(len(i) for i, _ in found))))
    return f"Given input size: ({before}). Calculated output size: ({after}). Output size is too small"


max_pool1d, max_pool2d, max_pool3d = max_pooled(1), max_pooled(2), max_pooled(3)


def max_unpooled(dims):
    node = unpool.called(f"MaxUnpool{max(dims, 2)}D")

    def function(input, indices, kernel_size, stride=None, padding=0, output_size=None) -> Tensor:
        kernel, stride, padding = pool_options(kernel_size, stride, padding, dims)
        if indices._array.shape != input._array.shape:
            raise RuntimeError(
                f"Expected shape of indices to be same as that of the input tensor ({list(input._array.shape)}) but got indices "
                f"tensor with shape: {list(indices._array.shape)}"
            )
        size = input._array.shape[-dims:]
        options = zip(size, kernel, stride, padding, strict=True)
        natural = tuple((n - 1) * s - 2 * p + k for n, k, s, p in options)
        size = natural if output_size is None else tuple(output_size)[-dims:]
        for i, (n, m, s) in enumerate(zip(size, natural, stride, strict=True)):
            if not m - s < n < m + s:
                raise ValueError(f'invalid output_size "{list(size)}" (dim {i} must be between {m - s} and {m + s})')
        if dims == 1:
            shape = (*input._array.shape[:-1], 1, *size)
            return node.record((input.unsqueeze(-2), indices.unsqueeze(-2)), {"shape": shape, "dims": 2}).squeeze(-2)
        shape = (*input._array.shape[:-dims], *size)
        return node.record((input, indices), {"shape": shape, "dims": dims})

    function.__name__ = f"max_unpool{dims}d"
    function.__doc__ = "What max pooling found, back at its places among zeros."
    return function


max_unpool1d, max_unpool2d, max_unpool3d = max_unpooled(1), max_unpooled(2), max_unpooled(3)


def average_taps(n, kernel, stride, padding, ceil_mode, count_include_pad, divide):
    """The windows of average pooling along a dimension, with the weight of each element."""
    index, inside = windows(n, kernel, stride, padding, 1, ceil_mode)
    if not divide:
        return index, inside.astype(np.float64)
    first = np.arange(len(index)) * stride - padding
    count = np.minimum(first + kernel, n + padding) - first if count_include_pad else inside.sum(1)
    return index, inside / count[:, None]


def average_pooled(dims):
    node = pooling.called(f"AvgPool{max(dims, 2)}D")

    def function(
        input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
    ) -> Tensor:
        kernel, stride, padding = pool_options(kernel_size, stride, padding, dims)
        check_pool(input, kernel, stride, padding, (1,) * dims, dims, f"avg_pool{dims}d")
        if divisor_override == 0:
            raise RuntimeError("divisor must be not zero")
        options = zip(input._array.shape[-dims:], kernel, stride, padding, strict=True)
        taps = [average_taps(*each_dim, ceil_mode, count_include_pad, divisor_override is None) for each_dim in options]
        if any(len(index) < 1 for index, _ in taps):
            raise RuntimeError(too_small(input, taps))
        if divisor_override is not None:
            taps[0] = taps[0][0], taps[0][1] / divisor_override
        if dims == 1:
            only = (np.zeros((1, 1), np.int64), np.ones((1, 1)))
            return node.record((input.unsqueeze(-2),), {"taps": [only, *taps]}).squeeze(-2)
        return node.record((input,), {"taps": taps})

    function.__name__ = f"avg_pool{dims}d"
    function.__doc__ = "The mean of each window; divisor_override divides by another number."
    return function


avg_pool1d, avg_pool2d, avg_pool3d = average_pooled(1), average_pooled(2), average_pooled(3)


def adaptive_size(input, output_size, dims):
    wanted = each(output_size, dims, "output_size")
    return [m if n is None else n for n, m in zip(wanted, input._array.shape[-dims:], strict=True)]


def adaptive_averaged(dims):
    node = pooling.called(f"AdaptiveAvgPool{max(dims, 2)}D")

    def function(input, output_size) -> Tensor:
        size = adaptive_size(input, output_size, dims)
        if dims > 1 and all(n == 1 for n in size):
            return input.mean(tuple(range(-dims, 0)), keepdim=True)
        found = [adaptive_windows(n, m) for n, m in zip(input._array.shape[-dims:], size, strict=True)]
        taps = [(index, inside / inside.sum(1, keepdims=True)) for index, inside in found]
        if dims == 1:
            only = (np.zeros((1, 1), np.int64), np.ones((1, 1)))
            if size == [1]:
                return input.unsqueeze(-2).mean((-1, -2), keepdim=True).squeeze(-2)
            return node.record((input.unsqueeze(-2),), {"taps": [only, *taps]}).squeeze(-2)
        return node.record((input,), {"taps": taps})

    function.__name__ = f"adaptive_avg_pool{dims}d"
    function.__doc__ = "The means of windows that cover the input evenly, as many as output_size says."
    return function


def adaptive_maximal(dims):
    node = max_pool.called(f"AdaptiveMaxPool{max(dims, 2)}D")

    def function(input, output_size, return_indices=False) -> Tensor:
        size = adaptive_size(input, output_size, dims)
        found = [adaptive_windows(n, m) for n, m in zip(input._array.shape[-dims:], size, strict=True)]
        index = wrap(largest_of(input._array, found))
        if dims == 1:
            values = node.record((input.unsqueeze(-2), index.unsqueeze(-2)), {"dims": 2}).squeeze(-2)
        else:
            values = node.record((input, index), {"dims": dims})
        return (values, index) if return_indices else values

    function.__name__ = f"adaptive_max_pool{dims}d"
    function.__doc__ = "The largest numbers of windows that cover the input evenly, as many as output_size says."
    return function


adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d = map(adaptive_averaged, (1, 2, 3))
adaptive_max_pool1d, adaptive_max_pool2d, adaptive_max_pool3d = map(adaptive_maximal, (1, 2, 3))


def power_pooled(dims):
    average = (avg_pool1d, avg_pool2d, avg_pool3d)[dims - 1]

    def function(input, norm_type, kernel_size, stride=None, ceil_mode=False) -> Tensor:
        kernel = each(kernel_size, dims, "kernel_size")
        mean = average(input.pow(norm_type), kernel, stride, 0, ceil_mode)
        return (mean.sign() * mean.abs().relu()).mul(math.prod(kernel)).pow(1.0 / norm_type)

    function.__name__ = f"lp_pool{dims}d"
    function.__doc__ = "The p-norm of each window."
    return function


lp_pool1d, lp_pool2d, lp_pool3d = power_pooled(1), power_pooled(2), power_pooled(3)

# ---- PyTorch's functions: resizing -----------------------------------------------------------------------------------


def cubic(t):
    """The four weights of Keys' kernel with a = -0.75 for a point t of the way from the second to the third neighbour."""
    a = -0.75
    near = lambda t: ((a + 2) * t - (a + 3)) * t * t + 1
    far = lambda t: ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
    return np.stack([far(t + 1), near(t), near(1 - t), far(2 - t)], 1)


def resize_taps(n, out, scale, kind, align_corners):
    """Where along a dimension of length n each of `out` points looks, and with what weights."""
    i = np.arange(out, dtype=np.float64)
    step = n / out if scale is None else 1 / scale
    if kind in ("nearest", "nearest-exact"):
        step = np.float32(step)
        place = np.floor((i.astype(np.float32) + np.float32(0.5 if kind == "nearest-exact" else 0)) * step)
        return np.minimum(place.astype(np.int64), n - 1)[:, None], np.ones((out, 1))
    if align_corners:
        place = i * ((n - 1) / (out - 1) if out > 1 else 0.0)
    else:
        place = (i + 0.5) * step - 0.5
    if kind == "bicubic":
        first = np.floor(place)
        index = first.astype(np.int64)[:, None] + np.arange(-1, 3)
        return np.clip(index, 0, n - 1), cubic(place - first)
    place = np.maximum(place, 0)
    first = np.minimum(place.astype(np.int64), n - 1)
    weight = place - first
    return np.stack([first, np.minimum(first + 1, n - 1)], 1), np.stack([1 - weight, weight], 1)


RESIZE = {
    ("nearest", 1): "UpsampleNearest1D", ("nearest", 2): "UpsampleNearest2D", ("nearest", 3): "UpsampleNearest3D",
    ("nearest-exact", 1): "UpsampleNearestExact1D", ("nearest-exact", 2): "UpsampleNearestExact2D",
    ("nearest-exact", 3): "UpsampleNearestExact3D", ("linear", 1): "UpsampleLinear1D", ("bilinear", 2): "UpsampleBilinear2D",
    ("trilinear", 3): "UpsampleTrilinear3D", ("bicubic", 2): "UpsampleBicubic2D",
}  # fmt: skip
RESIZE = {key: resample.called(name + "Backward0") for key, name in RESIZE.items()}


def interpolate(
    input,
    size=None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
) -> Tensor:
    """(N, C, *size) resized: by the nearest point, linear or cubic interpolation, or means of areas."""
    dims = input._array.ndim - 2
    if mode in ("nearest", "area", "nearest-exact") and align_corners is not None:
        raise ValueError(
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        )
    if size is not None and scale_factor is not None:
        raise ValueError("only one of size or scale_factor should be defined")
    if size is None and scale_factor is None:
        raise ValueError("either size or scale_factor should be defined")
    if antialias:
        ops.the_end("interpolate with antialias=True")
    given = size if scale_factor is None else scale_factor
    given = tuple(given) if isinstance(given, (tuple, list)) else (given,) * dims
    if len(given) != dims:
        words = list(input._array.shape[2:])
        raise ValueError(
            f"Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {words} "
            f"and output size of {size}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and output size in "
            "(o1, o2, ...,oK) format."
            if scale_factor is None
            else f"Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions "
            f"of {words} and scale_factor of shape {scale_factor}. Please provide input tensor in (N, C, d1, d2, ...,dK) format "
            "and scale_factor in (s1, s2, ...,sK) format."
        )
    lengths = input._array.shape[2:]
    out = given if scale_factor is None else tuple(int(math.floor(n * s)) for n, s in zip(lengths, given, strict=True))
    scales = (None,) * dims if scale_factor is None or recompute_scale_factor or mode == "area" else given
    if mode == "area" and 1 <= dims <= 3:
        return (adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d)[dims - 1](input, out)
    if (mode, dims) not in RESIZE:
        if mode not in {key for key, _ in RESIZE}:
            raise NotImplementedError(
                "Input Error: Only 3D, 4D and 5D input Tensors supported (got "
                f"{dims + 2}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact "
                f"(got {mode})"
            )
        raise NotImplementedError(
            f"Got {dims + 2}D input, but {mode} mode needs {NEEDS.get(mode, '3D, 4D or 5D')} input"
        )
    options = zip(lengths, out, scales, strict=True)
    taps = [resize_taps(n, m, s, mode, bool(align_corners)) for n, m, s in options]
    return RESIZE[mode, dims].record((input,), {"taps": taps})


NEEDS = {"linear": "3D", "bilinear": "4D", "bicubic": "4D", "trilinear": "5D"}


def upsample(input, size=None, scale_factor=None, mode="nearest", align_corners=None) -> Tensor:
    """`interpolate` under its old name."""
    return interpolate(input, size, scale_factor, mode, align_corners)


def upsample_nearest(input, size=None, scale_factor=None) -> Tensor:
    """`interpolate` by the nearest point."""
    return interpolate(input, size, scale_factor, "nearest")


def upsample_bilinear(input, size=None, scale_factor=None) -> Tensor:
    """`interpolate` bilinearly, corners aligned."""
    return interpolate(input, size, scale_factor, "bilinear", True)


# ---- PyTorch's functions: padding ------------------------------------------------------------------------------------


def pad(input, pad, mode="constant", value=None) -> Tensor:
    """Each dimension, from the last, lengthened by (before, after): with one value, or with what is inside.

    mode: "constant", "reflect" (mirrored at the edge), "replicate" (the edge again) or "circular" (from the other end). Negative
    numbers cut.
    """
    ndim = input._array.ndim
    pairs = list(zip(pad[0::2], pad[1::2], strict=False))
    if len(pad) % 2:
        raise RuntimeError("Padding length must be divisible by 2")
    if len(pairs) > ndim:
        raise RuntimeError(
            f"Padding length should be less than or equal to two times the input dimension but got padding length {len(pad)} and "
            f"input of dimension {ndim}"
        )
    if mode == "constant":
        widths = [(0, 0)] * (ndim - len(pairs)) + pairs[::-1]
        if any(n + a + b < 0 for n, (a, b) in zip(input._array.shape, widths, strict=True)):
            at = next(i for i, (n, (a, b)) in enumerate(zip(input._array.shape, widths, strict=True)) if n + a + b < 0)
            n, (a, b) = input._array.shape[at], widths[at]
            raise RuntimeError(
                f"The input size {n}, plus negative padding {a} and {b} resulted in a negative output size, which is invalid. "
                f"Check dimension {at} of your input."
            )
        value = dtypes.number_in(float(value or 0), input._array.dtype)
        return constant_pad.record((input,), {"widths": widths, "value": value})
    if value:
        raise ValueError(f'Padding mode "{mode}" doesn\'t take in value argument')
    if mode not in EDGES:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if ndim - len(pairs) not in (1, 2):
        raise NotImplementedError("Only 2D, 3D, 4D, 5D padding with non-constant padding are supported for now")
    taps = []
    for dim, (before, after) in enumerate(reversed(pairs), ndim - len(pairs)):
        n = input._array.shape[dim]
        EDGES[mode](n, before, after, dim - ndim + len(pairs) + 2, list(input._array.shape))
        index = edge_index(mode, n, before, after)
        taps.append((index[:, None], np.ones((len(index), 1))))
    return PADS[mode, len(pairs)].record((input,), {"taps": taps})


def edge_index(mode, n, before, after):
    """Which element of a dimension of length n stands where, from `before` places ahead of it to `after` places behind."""
    index = np.arange(-before, n + after)
    if mode == "reflect":
        return (n - 1) - np.abs((n - 1) - np.abs(index))
    if mode == "replicate":
        return np.clip(index, 0, n - 1)
    first, last = max(-before, 0), n - max(-after, 0)
    return first + (np.arange(-max(before, 0), last - first + max(after, 0)) % max(last - first, 1))


PADS = {
    (mode, dims): (resample if mode == "circular" else pooling).called(name.format(dims))
    for mode, name in (("reflect", "ReflectionPad{}D"), ("replicate", "ReplicationPad{}D"), ("circular", "PadCircular"))
    for dims in (1, 2, 3)
}


def may_reflect(n, before, after, dim, shape):
    if before >= n or after >= n:
        raise RuntimeError(
            "Argument #4: Padding size should be less than the corresponding input dimension, but got: padding "
            f"({before}, {after}) at dimension {dim} of input {shape}"
        )


def may_wrap(n, before, after, dim, shape):
    if before > n or after > n:
        raise RuntimeError("Padding value causes wrapping around more than once.")


EDGES = {"reflect": may_reflect, "replicate": lambda *_: None, "circular": may_wrap}


# ---- PyTorch's functions: rearranging --------------------------------------------------------------------------------


def pixel_shuffle(input, upscale_factor) -> Tensor:
    """(…, C r^2, H, W) as (…, C, H r, W r)."""
    shape, r = input._array.shape, upscale_factor
    if len(shape) < 3:
        raise RuntimeError(
            f"pixel_shuffle expects input to have at least 3 dimensions, but got input with {len(shape)} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_shuffle expects a positive upscale_factor, but got {r}")
    if shape[-3] % (r * r):
        raise RuntimeError(
            "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but "
            f"input.size(-3)={shape[-3]} is not divisible by {r * r}"
        )
    return pixel_shuffle_node.record((input,), {"r": r})


def pixel_unshuffle(input, downscale_factor) -> Tensor:
    """(…, C, H r, W r) as (…, C r^2, H, W)."""
    shape, r = input._array.shape, downscale_factor
    if len(shape) < 3:
        raise RuntimeError(
            f"pixel_unshuffle expects input to have at least 3 dimensions, but got input with {len(shape)} dimension(s)"
        )
    if r <= 0:
        raise RuntimeError(f"pixel_unshuffle expects a positive downscale_factor, but got {r}")
    for word, n, place in (("height", shape[-2], -2), ("width", shape[-1], -1)):
        if n % r:
            raise RuntimeError(
                f"pixel_unshuffle expects {word} to be divisible by downscale_factor, but input.size({place})={n} is not "
                f"divisible by {r}"
            )
    return pixel_unshuffle_node.record((input,), {"r": r})


def channel_shuffle(input, groups) -> Tensor:
    """Channels dealt out in turn: group after group becomes one of each group after another."""
    n, c, *size = input._array.shape
    return input.reshape(n, groups, c // groups, *size).transpose(1, 2).reshape(n, c, *size)
