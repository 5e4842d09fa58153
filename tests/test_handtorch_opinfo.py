"""PyTorch's own samples: for every operation that both have, handtorch agrees on values, types and gradients.

PyTorch keeps a database of its operations with sample inputs, for its own tests. A few samples of each, in float64, go through both
libraries. Values and gradients (for a random cotangent) are compared to 1e-7: another BLAS, another order in a few sums. Where
handtorch does not have an operation, it must say so by name; `ENDS` and `DIFFERS` list, with reasons, what is not compared.
"""

import importlib.util
import random
import sys
import types
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import islice

import numpy as np
import pytest
import torch

import helpers.handtorch as handtorch

AMONG, STEP = 18, 6  # samples of each operation: every sixth of the first eighteen
TOLERANCE = 1e-7
PARTS = 20  # tests, each with its share of the operations

# Families outside handtorch: other tensors, other numbers, other tools.
FAMILIES = ("_", "fft.", "jiterator", "masked.", "ops.", "signal.", "sparse.", "special.", "torch.")
RANDOM = "the result is random"
COMPLEX = "the result is complex"
SIGN = "eigenvectors and singular vectors are determined up to their sign, which is the linear algebra library's choice"
CALLED = "the database calls it through a function of its own, with other arguments"
DIFFERS = {
    "bernoulli": RANDOM, "cauchy": RANDOM, "empty": RANDOM, "empty_like": RANDOM, "empty_permuted": RANDOM, "empty_strided": RANDOM,
    "exponential": RANDOM, "geometric": RANDOM, "linalg.eig": COMPLEX, "linalg.eigh": SIGN, "linalg.eigvals": COMPLEX,
    "linalg.lstsq grad_oriented": CALLED, "linalg.pinv singular": CALLED, "linalg.svd": SIGN, "log_normal": RANDOM,
    "multinomial": RANDOM, "native_dropout_backward": RANDOM, "new_empty": RANDOM, "new_empty_strided": RANDOM,
    "nn.functional.alpha_dropout": RANDOM, "nn.functional.batch_norm": "samples of one dimension are not accepted",
    "nn.functional.dropout": RANDOM, "nn.functional.dropout2d": RANDOM, "nn.functional.dropout3d": RANDOM,
    "nn.functional.embedding": CALLED, "nn.functional.triplet_margin_with_distance_loss": CALLED, "nn.functional.feature_alpha_dropout": RANDOM, "nn.functional.fractional_max_pool2d": RANDOM,
    "nn.functional.fractional_max_pool3d": RANDOM, "nn.functional.rrelu": RANDOM, "nn.functional.scaled_dot_product_attention": RANDOM,
    "normal": RANDOM, "pca_lowrank": RANDOM, "rand_like": RANDOM, "randint": RANDOM, "randint_like": RANDOM, "randn": RANDOM,
    "randn_like": RANDOM, "svd": SIGN, "svd_lowrank": RANDOM, "uniform": RANDOM, "where": CALLED, "zero_": CALLED, "einsum": CALLED,
    "bool": CALLED, "double": CALLED, "float": CALLED, "half": CALLED, "int": CALLED, "long": CALLED, "short": CALLED,
}  # fmt: skip
# Where handtorch ends: asking for one of these raises NotImplementedError. A name that it grows must leave this list.
ENDS = [
    "as_strided_copy", "as_strided_scatter", "bfloat16", "byte", "cdouble", "cfloat", "chalf", "char",
    "complex", "geqrf", "grid_sampler_2d", "grid_sampler_3d", "hash_tensor", "histogram", "histogramdd", "igamma",
    "igammac", "linalg.eig", "linalg.eigvals", "linalg.householder_product", "linalg.ldl_factor",
    "linalg.ldl_factor_ex", "linalg.ldl_solve", "linalg.lu", "linalg.lu_factor", "linalg.lu_factor_ex",
    "linalg.lu_solve", "lu", "lu_solve", "lu_unpack", "max_pool2d_with_indices_backward", "native_batch_norm",
    "native_group_norm", "native_layer_norm", "nn.functional.ctc_loss", "nn.functional.embedding_bag",
    "nn.functional.fractional_max_pool2d", "nn.functional.fractional_max_pool3d", "nn.functional.grid_sample",
    "nn.functional.linear_cross_entropy", "nn.functional.multi_head_attention_forward", "nonzero_static", "ormqr",
    "pca_lowrank", "polar", "stft", "svd_lowrank", "to_sparse", "view_as_complex",
]  # fmt: skip
OUTSIDE = (torch.complex64, torch.complex128, torch.bfloat16)


def named(op):
    return f"{op.name} {op.variant_test_name}".strip()


def resolve(name):
    """handtorch's function of that name, or None if it is a method only."""
    found = handtorch
    for part in name.split("."):
        found = getattr(found, part)
    return found


def in_handtorch(value):
    """A sample's argument for handtorch; raises TypeError for what it does not have."""
    if isinstance(value, torch.Tensor):
        if value.dtype in OUTSIDE or value.layout != torch.strided:
            raise TypeError(value.dtype)
        array = np.array(value.detach(), order="K")
        return handtorch.from_numpy(array).requires_grad_(value.requires_grad)
    if isinstance(value, torch.Size):
        return handtorch.Size(value)
    if isinstance(value, (list, tuple)):
        return type(value)(in_handtorch(item) for item in value)
    if isinstance(value, dict):
        return {key: in_handtorch(item) for key, item in value.items()}
    if isinstance(value, torch.dtype) and value not in OUTSIDE:
        return getattr(handtorch, str(value).removeprefix("torch."))
    if isinstance(value, (torch.dtype, torch.memory_format, torch.layout, torch.device, complex)) or callable(value):
        raise TypeError(value)
    return value


def tensors(value):
    if isinstance(value, (torch.Tensor, handtorch.Tensor)):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for item in value for t in tensors(item)] if isinstance(value, (list, tuple)) else []


def same(a, b):
    if a is None or b is None:
        assert a is None and b is None
        return
    assert tuple(a.shape) == tuple(b.shape)
    assert str(a.dtype) == str(b.dtype)
    np.testing.assert_allclose(a.numpy(force=True), b.numpy(force=True), TOLERANCE, TOLERANCE)


def compare(op, function, sample):
    """One sample on both sides: the outputs, and the gradient of each input that requires one."""
    try:
        ours = in_handtorch([sample.input, list(sample.args), sample.kwargs])
    except TypeError:
        return False
    expected = tensors(op.op(sample.input, *sample.args, **sample.kwargs))
    found = tensors(function(ours[0], *ours[1], **ours[2]))
    if any(t.is_complex() or t.dtype in OUTSIDE for t in expected):
        return False
    assert len(expected) == len(found)
    for a, b in zip(expected, found, strict=True):
        assert a.requires_grad == b.requires_grad
        same(a, b)
    pairs = [(a, b) for a, b in zip(expected, found, strict=True) if a.requires_grad]
    if pairs:
        cotangents = [torch.randn_like(a) for a, _ in pairs]
        wanted = [
            [t for t in tensors(side) if t.requires_grad]
            for side in ([sample.input, list(sample.args), sample.kwargs], ours)
        ]
        a = torch.autograd.grad([a for a, _ in pairs], wanted[0], cotangents, allow_unused=True)
        b = handtorch.autograd.grad([b for _, b in pairs], wanted[1], in_handtorch(cotangents), allow_unused=True)
        for x, y in zip(a, b, strict=True):
            same(x, y)
    return True


def has(name):
    try:
        return resolve(name) is not None
    except (NotImplementedError, AttributeError):
        return False


@pytest.fixture(scope="module")
def compared():
    """The entries of the database for what both have. Loading it takes seconds and 100 MB: once, and only here."""
    if importlib.util.find_spec("expecttest") is None:  # the database imports it, for tests that are not run here
        stub = types.ModuleType("expecttest")
        stub.TestCase, stub.assert_expected_inline = type("TestCase", (), {}), lambda *_, **__: None
        sys.modules["expecttest"] = stub
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from torch.testing._internal.common_methods_invocations import op_db

    return [
        op
        for op in op_db
        if torch.float64 in op.dtypes
        and not op.name.startswith(FAMILIES)
        and named(op) not in DIFFERS
        and op.name not in DIFFERS
        and has(op.name)
    ]


def disagreement(op):
    """What is wrong with handtorch's operation on PyTorch's samples, in words; None where nothing is."""
    for generator in (torch.manual_seed, random.seed, np.random.seed):
        generator(0)
    samples = islice(op.sample_inputs("cpu", torch.float64, requires_grad=op.supports_autograd), 0, AMONG, STEP)
    try:
        if not any([compare(op, resolve(op.name), sample) for sample in samples]):
            return "no sample could be compared"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("part", range(PARTS))
def test_samples(part, compared):
    # In a thread of its own: the database notes the stack at each sample, and pytest's is so deep that this takes ten times as long.
    with ThreadPoolExecutor(1) as thread:
        faults = thread.map(disagreement, compared[part::PARTS])
    assert {named(op): fault for op, fault in zip(compared[part::PARTS], faults, strict=True) if fault} == {}


def test_there_are_many(compared):
    assert len({op.name for op in compared}) >= 350


@pytest.mark.parametrize("name", ENDS)
def test_where_it_ends_it_says_so(name):
    with pytest.raises(NotImplementedError, match=name.split(".")[-1]):
        resolve(name)
