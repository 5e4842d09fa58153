"""`torch.linalg`: norms, products, and what solves linear equations. Decompositions are where handtorch ends."""

from __future__ import annotations

import numpy as np

from . import methods, ops
from .methods import cholesky, cross, det, diagonal, inverse, matmul, matrix_power, slogdet  # noqa: F401
from .methods import inverse as inv  # noqa: F401


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    """(sum |x|^ord)^(1/ord) over `dim`."""
    return methods.norm(x, ord, dim, keepdim, dtype)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    """The norm of matrices: "fro", or the largest sum of a row (inf) or a column (1), or the smallest (-inf, -1)."""
    if ord == "fro":
        return methods.norm(A, 2, dim, keepdim, dtype)
    if ord in (1, -1, np.inf, -np.inf):
        row, column = (d % A.ndim for d in dim)
        first, then = (row, column) if abs(ord) == 1 else (column, row)
        sums = A.abs().sum(first, keepdim=True)
        extreme = sums.amax(then, keepdim=True) if ord > 0 else sums.amin(then, keepdim=True)
        return extreme if keepdim else extreme.squeeze((first, then))
    raise NotImplementedError(
        f"torch.linalg.matrix_norm with ord={ord!r}: handtorch ends before singular values; use PyTorch"
    )


def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    """The vector norm, or the matrix norm where two dimensions and an order are given."""
    if (
        ord is None
        or (dim is None and A.ndim == 1)
        or isinstance(dim, int)
        or (isinstance(dim, (tuple, list)) and len(dim) == 1)
    ):
        return methods.norm(A, 2 if ord is None else ord, dim, keepdim, dtype)
    return matrix_norm(A, ord, dim or (-2, -1), keepdim, dtype=dtype)


def solve(A, B, *, left=True, out=None):
    """x with A x = B, for a matrix or a vector B."""
    vector = B.ndim == 1 or (B.ndim == A.ndim - 1 and B.shape == A.shape[:-1])
    if not left:
        return solve(A.mT, B.mT).mT
    try:
        result = ops.solve(A, B.unsqueeze(-1) if vector else B)
    except np.linalg.LinAlgError:
        raise RuntimeError("torch.linalg.solve: The solver failed because the input matrix is singular.") from None
    return result.squeeze(-1) if vector else result


def multi_dot(tensors, *, out=None):
    """The product of several matrices."""
    result = tensors[0]
    for x in tensors[1:]:
        result = result @ x
    return result


def vecdot(x, y, *, dim=-1, out=None):
    """Sums of products along a dimension."""
    return (x * y).sum(dim)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise NotImplementedError(
        f"torch.linalg.{name}: handtorch, the part of PyTorch that this course uses, ends before it; use PyTorch"
    )
