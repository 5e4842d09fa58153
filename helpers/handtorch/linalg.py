"""`torch.linalg`: norms, products, decompositions, and what solves linear equations.

Decompositions are entries like those of `ops.py`; their derivatives are written with matrix products alone, so they hold for stacks of matrices
too. Sources: Giles (2008), An extended collection of matrix derivative results; Townsend (2016), Differentiating the singular value
decomposition; Walter and Lehmann (2018), Algorithmic differentiation of linear algebra functions (QR); Golub and Pereyra (1973),
The differentiation of pseudo-inverses. Complex eigenvalues (`eig`) are where handtorch ends.
"""

from __future__ import annotations

import math

import numpy as np

from . import kernels, methods, ops
from .end import end_of
from .kernels import singular_at
from .methods import det, inverse, matmul, matrix_power, need_matrix, public, returned, slogdet  # noqa: F401
from .methods import inverse as inv  # noqa: F401
from .ops import constant, tril, triu, where
from .ops import solve as solve_node
from .record import Operation, wrap

# ---- decompositions --------------------------------------------------------------------------------------------------


def unless_zero(numerator, denominator):
    """The quotient, and 0 where the numerator is 0: a part of the result that has no gradient does not divide by zero."""
    return where(numerator == 0, 0.0, numerator / denominator)


def differences(values):
    """E[i, j] = values[j] - values[i], with ones on the diagonal."""
    n = values.shape[-1]
    return values[..., None, :] - values[..., :, None] + constant(np.eye(n, dtype=ops.array_of(values).dtype), values)


def on_the_diagonal(values):
    n = values.shape[-1]
    return values[..., None, :] * constant(np.eye(n, dtype=ops.array_of(values).dtype), values)


def off_the_diagonal(x):
    return x * constant(1 - np.eye(x.shape[-1], dtype=ops.array_of(x).dtype), x)


def eigh_rule(g, ans):
    (g_values, g_vectors), (values, vectors) = g, ans
    turn = vectors.mT @ g_vectors
    inner = off_the_diagonal(unless_zero(turn - turn.mT, 2 * differences(values)))
    return vectors @ (inner + on_the_diagonal(g_values)) @ vectors.mT


def svd_rule(g, ans):
    (g_u, g_s, g_vh), (u, s, vh) = g, ans
    (m, n), k = (u.shape[-2], vh.shape[-1]), s.shape[-1]
    u, vh, g_u, g_vh = u[..., :k], vh[..., :k, :], g_u[..., :k], g_vh[..., :k, :]
    left, right = u.mT @ g_u, vh @ g_vh.mT
    squares = differences(s * s)
    inner = off_the_diagonal(unless_zero(left - left.mT, squares)) * s[..., None, :]
    inner = inner + s[..., :, None] * off_the_diagonal(unless_zero(right - right.mT, squares)) + on_the_diagonal(g_s)
    if m > k:
        outside = g_u / s[..., None, :]
        return (u @ inner + outside - u @ (u.mT @ outside)) @ vh
    if n > k:
        outside = g_vh / s[..., :, None]
        return u @ (inner @ vh + outside - (outside @ vh.mT) @ vh)
    return u @ inner @ vh


def qr_rule(g, ans):
    (g_q, g_r), (q, r) = g, ans
    m, n = q.shape[-2], r.shape[-1]
    if n <= m:
        return square_qr_rule(g_q, g_r, q, r)
    # The columns beyond the square part depend on Q alone: A2 = Q R2.
    right, g_right = r[..., m:], g_r[..., m:]
    g_left = square_qr_rule(g_q + q @ right @ g_right.mT, g_r[..., :m], q, r[..., :m])
    return ops.cat(g_left, q @ g_right, dim=len(r.shape) - 1)


def square_qr_rule(g_q, g_r, q, r):
    upper = triu(g_r @ r.mT - q.mT @ g_q, diagonal=0)
    return solve_node(r, (g_q + q @ (upper + tril(upper.mT, diagonal=-1))).mT).mT


def pinv_rule(g, x, ans):
    gt, at = g.mT, ans.mT
    if x.shape[-2] <= x.shape[-1]:
        k = gt @ ans
        kat = k @ at
        return kat - (ans @ k).mT - (x @ ans) @ kat + (at @ ans) @ (gt - k @ x)
    k = ans @ gt
    atk = at @ k
    return (gt - x @ k) @ ans @ at - (k @ ans).mT + atk - atk @ ans @ x


def exp_rule(g, x):
    """The corner of the exponential of [[x', g], [0, x']]."""
    n, last = x.shape[-1], len(x.shape) - 1
    top, bottom = ops.cat(x.mT, g, dim=last), ops.cat(ops.zeros_like(x), x.mT, dim=last)
    return exponential(ops.cat(top, bottom, dim=last - 1))[..., :n, n:]


def lstsq_rule(g, x, b, vector):
    """The gradients of A and B, through the solution pinv(A) B and through the residuals |A X - B|^2."""
    inverse = pinv_node(x, atol=0.0, rtol=None, hermitian=False)
    g_solution, g_residuals = column(g[0], vector), g[1]
    g_x, g_b = pinv_rule(g_solution @ b.mT, x, inverse), inverse.mT @ g_solution
    if math.prod(g_residuals.shape):
        slope = 2 * g_residuals[..., None, :] * (x @ (inverse @ b) - b)
        g_x, g_b = g_x + slope @ (inverse @ b).mT, g_b - slope
    return g_x, g_b


def triangle(x, upper, unit):
    """One triangle of x; `unit` leaves out the diagonal."""
    return triu(x, diagonal=int(unit)) if upper else tril(x, diagonal=-int(unit))


def triangular_of(a, b, upper, left, unit):
    a = triangle(a, upper, unit)
    a = a + np.eye(a.shape[-1], dtype=a.dtype) if unit else a
    return np.linalg.solve(a, b) if left else np.linalg.solve(a.mT, b.mT).mT


def triangular_rule(g, a, ans, upper, left, unit):
    """The gradient of the triangle; that of b alone is `solve_triangular` of the transpose."""
    g_b = triangular(a.mT, g, upper=not upper, left=left, unit=unit)
    return -triangle(g_b @ ans.mT if left else ans.mT @ g_b, upper, unit)


def pair_rule(g, b, a, upper, transpose, unit):
    solution = triangular(a.mT if transpose else a, b, upper=upper != transpose, left=True, unit=unit)
    g_a = triangular_rule(g, a.mT if transpose else a, solution, upper != transpose, True, unit)
    return g_a.mT if transpose else g_a


def chosen_triangle(a, upper):
    """The matrix that a triangle stands for, from that triangle alone."""
    return a.mT @ a if upper else a @ a.mT


def cholesky_solved(b, factor, upper):
    return np.linalg.solve(chosen_triangle(triangle(factor, upper, False), upper), b)


def factor_rule(common, factor, upper):
    common = common + common.mT
    return -(factor @ common) if upper else -(common @ factor)


eigh_node = Operation(
    "LinalgEigh",
    lambda x, *, UPLO="L": tuple(np.linalg.eigh(x, UPLO)),
    mix="none",
    x=lambda g, x, UPLO: eigh_rule(g, eigh_node(x, UPLO=UPLO)),
)
svd_node = Operation(
    "LinalgSvd",
    lambda x, *, full_matrices: tuple(np.linalg.svd(x, full_matrices)),
    mix="none",
    x=lambda g, x, full_matrices: svd_rule(g, svd_node(x, full_matrices=full_matrices)),
)
qr_node = Operation(
    "LinalgQr",
    lambda x, *, mode: tuple(np.linalg.qr(x, mode)),
    mix="none",
    x=lambda g, x, mode: qr_rule(g, qr_node(x, mode=mode)),
)
pinv_node = Operation(
    "LinalgPinv",
    lambda x, *, atol, rtol, hermitian: kernels.pseudo_inverse(x, atol, rtol, hermitian),
    mix="none",
    x=lambda g, x, ans: pinv_rule(g, x, ans),
)
lstsq_node = Operation(
    "LinalgLstsq",
    lambda x, b, *, rtol, driver, vector: least_squares(x, b, rtol, driver, vector),
    mix="none",
    x=lambda g, x, b, vector: lstsq_rule(g, x, column(b, vector), vector)[0],
    b=lambda g, x, b, b_shape, vector: ops.reshape(lstsq_rule(g, x, column(b, vector), vector)[1], shape=b_shape),
)
exponential = Operation(
    "LinalgMatrixExp", lambda x: kernels.matrix_exponential(x), mix="none", x=lambda g, x: exp_rule(g, x)
)
triangular = Operation(
    "LinalgSolveTriangular",
    lambda a, b, *, upper, left, unit: triangular_of(a, b, upper, left, unit),
    mix="none",
    a=lambda g, a, ans, upper, left, unit: triangular_rule(g, a, ans, upper, left, unit),
    b=lambda g, a, upper, left, unit: triangular(a.mT, g, upper=not upper, left=left, unit=unit),
)
triangular_pair = Operation(
    "TriangularSolve",
    lambda b, a, *, upper, transpose, unit: (
        triangular_of(a.mT if transpose else a, b, upper != transpose, True, unit),
        a.copy(),
    ),
    mix="none",
    b=lambda g, a, upper, transpose, unit: triangular(
        a if transpose else a.mT, g[0], upper=upper == transpose, left=True, unit=unit
    ),
    a=lambda g, b, a, upper, transpose, unit: g[1] + pair_rule(g[0], b, a, upper, transpose, unit),
)
cholesky_solve_node = Operation(
    "CholeskySolve",
    lambda b, factor, *, upper: cholesky_solved(b, factor, upper),
    mix="none",
    b=lambda g, factor, upper: cholesky_solve_node(g, factor, upper=upper),
    factor=lambda g, factor, ans, upper: factor_rule(
        cholesky_solve_node(g, factor, upper=upper) @ ans.mT, factor, upper
    ),
)
cholesky_inverse_node = Operation(
    "CholeskyInverse",
    lambda factor, *, upper: np.linalg.inv(chosen_triangle(triangle(factor, upper, False), upper)),
    mix="none",
    factor=lambda g, factor, ans, upper: factor_rule(ans @ g @ ans, factor, upper),
)
cross_node = Operation(
    "LinalgCross",
    lambda x, y, *, dim: np.cross(*np.broadcast_arrays(x, y), axis=dim),
    x=lambda g, y, dim: cross_node(y, g, dim=dim),
    y=lambda g, x, dim: cross_node(g, x, dim=dim),
)

# ---- the functions ---------------------------------------------------------------------------------------------------


EIGH, SVD, QR = (
    returned("linalg_eigh", "eigenvalues", "eigenvectors"),
    returned("linalg_svd", "U", "S", "Vh"),
    returned("linalg_qr", "Q", "R"),
)
LSTSQ = returned("linalg_lstsq", "solution", "residuals", "rank", "singular_values")
OLD_SVD, OLD_QR = returned("svd", "U", "S", "V"), returned("qr", "Q", "R")
INV_EX, CHOLESKY_EX = returned("linalg_inv_ex", "inverse", "info"), returned("linalg_cholesky_ex", "L", "info")
SOLVE_EX, SLOGDET = returned("linalg_solve_ex", "result", "info"), returned("linalg_slogdet", "sign", "logabsdet")
TRIANGULAR = returned("triangular_solve", "solution", "cloned_coefficient")


def eigh(A, UPLO="L", *, out=None):
    """Eigenvalues, from the smallest, and eigenvectors (columns) of a symmetric matrix, of which one triangle is read."""
    need_matrix(A, "eigh", square=True)
    if UPLO not in ("L", "U", "l", "u"):
        raise RuntimeError(f"Expected UPLO argument to be 'L' or 'U', but got {UPLO}")
    return EIGH(*eigh_node.record((A,), {"UPLO": UPLO}))


def eigvalsh(A, UPLO="L", *, out=None):
    """The eigenvalues of a symmetric matrix, from the smallest."""
    need_matrix(A, "eigvalsh" if A._array.ndim < 2 else "eigh", square=True)
    return eigh_node.record((A,), {"UPLO": UPLO})[0]


def svd(A, full_matrices=True, *, driver=None, out=None):
    """U, S, Vh with A = U diag(S) Vh, S from the largest; full_matrices=False leaves out what A does not need."""
    need_matrix(A, "svd")
    return SVD(*svd_node.record((A,), {"full_matrices": full_matrices}))


def svdvals(A, *, driver=None, out=None):
    """The singular values, from the largest."""
    need_matrix(A, "svdvals" if A._array.ndim < 2 else "svd")
    return svd_node.record((A,), {"full_matrices": False})[1]


def qr(A, mode="reduced", *, out=None):
    """Q with orthonormal columns and R upper triangular, A = Q R. mode: "reduced", "complete" or "r" (R alone)."""
    need_matrix(A, "qr")
    if mode not in ("reduced", "complete", "r"):
        raise RuntimeError(
            f"qr received unrecognized mode '{mode}' but expected one of 'reduced' (default), 'r', or 'complete'"
        )
    if mode == "r":
        return QR(wrap(np.zeros(0, A._array.dtype)), no_derivative(A, np.linalg.qr(A._array, "r"), NO_Q))
    m, n = A._array.shape[-2:]
    if mode == "complete" and m > n:
        q, r = np.linalg.qr(A._array, "complete")
        return QR(no_derivative(A, q, COMPLETE), no_derivative(A, r, COMPLETE))
    return QR(*qr_node.record((A,), {"mode": mode}))


NO_Q = (
    "The derivative of linalg.qr depends on Q, which is not computed when mode='r'. Please use linalg.qr(A, mode='reduced') if you "
    "are going to require gradients"
)
COMPLETE = "The QR decomposition is not differentiable when mode='complete' and nrows > ncols"


def no_derivative(x, array, why):
    """A result whose backward fails with PyTorch's reason."""

    def fail(g):
        raise RuntimeError(why)

    return Operation("LinalgQr", lambda x: array, mix="none", x=fail).record((x,), {})


@public(names=("svd",))
def old_svd(x, some=True, compute_uv=True):
    """U, S, V with x = U diag(S) V'; compute_uv=False gives zeros for U and V."""
    if compute_uv:
        u, s, vh = svd(x, full_matrices=not some)
        return OLD_SVD(u, s, vh.mT)
    m, n = x._array.shape[-2:]
    zeros = (wrap(np.zeros((*x._array.shape[:-2], k, k), x._array.dtype)) for k in (m, n))
    return OLD_SVD(next(zeros), svdvals(x), next(zeros))


@public(names=("qr",))
def old_qr(x, some=True):
    """Q and R."""
    return OLD_QR(*qr(x, "reduced" if some else "complete"))


def pinv(A, rcond=None, hermitian=False, *, atol=None, rtol=None, out=None):
    """The pseudo-inverse: singular values up to max(atol, rtol * the largest) count as zero; rtol is max(m, n) * eps unless given."""
    need_matrix(A, "pinv", square=hermitian)
    rtol = rcond if rtol is None else rtol
    atol, rtol = (methods.array(t) if t is not None else None for t in (atol, rtol))
    options = {"atol": 0.0 if atol is None else atol, "rtol": rtol, "hermitian": hermitian}
    if atol is not None and rtol is None and np.any(np.asarray(atol) > 0):
        options["rtol"] = 0.0
    return pinv_node.record((A,), options)


@public(names=("pinverse",))
def pinverse(x, rcond=1e-15):
    """The pseudo-inverse."""
    return pinv(x, rcond=rcond)


def lstsq(A, B, rcond=None, *, driver=None):
    """The X that makes |A X - B| smallest, with residuals, rank and singular values as far as the driver has them."""
    if driver not in (None, "gels", "gelsy", "gelsd", "gelss"):
        raise RuntimeError(
            f"torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss), got {driver}"
        )
    need_matrix(A, "lstsq")
    vector = B._array.ndim == A._array.ndim - 1
    options = {"rtol": rcond, "driver": "gelsy" if driver is None else driver, "vector": vector}
    *found, values = lstsq_node.record((A, B), options)
    return LSTSQ(*found, values.detach())


def column(b, vector):
    return b[..., None] if vector else b


def least_squares(a, b, rtol, driver, vector):
    """Solution, residuals, rank and singular values; empty is what LAPACK's driver does not tell."""
    m, n = a.shape[-2:]
    rtol = np.finfo(a.dtype).eps * max(m, n) if rtol is None else rtol
    b = column(b, vector)
    solution = kernels.pseudo_inverse(a, 0.0, rtol, False) @ b
    values = np.linalg.svd(a, compute_uv=False)
    rank = (values > rtol * values.max(-1, keepdims=True, initial=0)).sum(-1)
    told = m > n and driver != "gelsy" and (rank == n).all()
    residuals = np.square(a @ solution - b).sum(-2) if told else np.zeros(0, a.dtype)
    rank = np.zeros(0, np.int64) if driver == "gels" else np.asarray(rank, np.int64)
    solution = solution[..., 0] if vector else solution
    return solution, residuals, rank, values if driver in ("gelsd", "gelss") else np.zeros(0, a.dtype)


@public(names=("matrix_exp",))
def matrix_exp(x):
    """The exponential of a square matrix: 1 + x + x x / 2 + …"""
    need_matrix(x, "matrix_exp", square=True)
    return exponential.record((x,), {})


def matrix_rank(A, tol=None, hermitian=False, *, atol=None, rtol=None, out=None):
    """How many singular values are larger than max(atol, rtol * the largest); rtol is max(m, n) * eps unless given."""
    need_matrix(A, "matrix_rank", square=hermitian)
    atol = tol if atol is None else atol
    values = np.abs(np.linalg.eigvalsh(A._array)) if hermitian else np.linalg.svd(A._array, compute_uv=False)
    a = 0.0 if atol is None else methods.array(atol)
    default = np.finfo(A._array.dtype).eps * max(A._array.shape[-2:])
    r = np.where(np.asarray(a) > 0, 0.0, default) if rtol is None else methods.array(rtol)
    least = np.maximum(a, r * values.max(-1, initial=0))
    return wrap(np.asarray((values > np.asarray(least)[..., None]).sum(-1), np.int64))


def cond(A, p=None, *, out=None):
    """The condition number: the largest over the smallest singular value, or norm(A) * norm(inv(A)) for other norms."""
    need_matrix(A, "cond")
    if p in (None, 2, -2):
        values = svdvals(A)
        first, last = values[..., 0], values[..., -1]
        return last / first if p == -2 else first / last
    return matrix_norm(A, p) * matrix_norm(inverse(A), p)


def check_ex(A, name):
    """For each matrix the number of the first zero pivot, from 1; 0 if there is none."""
    need_matrix(A, name, square=True)
    return wrap(np.asarray(singular_at(A._array), np.int32))


def inv_ex(A, *, check_errors=False, out=None):
    """The inverse, and where it failed."""
    info = check_ex(A, "inv")
    return INV_EX(inverse(A), info)


def solve_ex(A, B, *, left=True, check_errors=False, out=None):
    """The solution, and where it failed."""
    return SOLVE_EX(solve(A, B, left=left), check_ex(A, "solve"))


def cholesky_ex(A, *, upper=False, check_errors=False, out=None):
    """The Cholesky factor, and where it failed."""
    return CHOLESKY_EX(cholesky(A, upper=upper), wrap(np.zeros(A._array.shape[:-2], np.int32)))


def cholesky(A, *, upper=False, out=None):
    """The triangular factor L of a positive definite matrix, A = L L'; `upper` gives L'."""
    need_matrix(A, "cholesky", square=True)
    return methods.cholesky_factor(A, ops.cholesky, "linalg.cholesky", upper)


def solve(A, B, *, left=True, out=None):
    """x with A x = B (or x A = B), for a matrix or a vector B."""
    need_matrix(A, "solve", square=True)
    vector = B._array.ndim == 1 or (B._array.ndim == A._array.ndim - 1 and B._array.shape == A._array.shape[:-1])
    a, b = A._array.shape, (*B._array.shape, 1) if vector else B._array.shape
    if a[-1] != b[-2 if left or vector else -1]:
        way = "AX = B" if left else "XA = B"
        raise RuntimeError(
            f"linalg.solve: Incompatible shapes of A and B for the equation {way} ({a[-2]}x{a[-1]} and {b[-2]}x{b[-1]})"
        )
    if not left:
        return solve(A.mT, B if vector else B.mT) if vector else solve(A.mT, B.mT).mT
    try:
        return (ops.solve_vector if vector else ops.solve).record((A, B), {})
    except np.linalg.LinAlgError:
        raise methods.singular_error(
            A, "torch.linalg.solve: {}The solver failed because the input matrix is singular."
        ) from None


def solve_triangular(A, B, *, upper, left=True, unitriangular=False, out=None):
    """x with A x = B (or x A = B), where only one triangle of A is read."""
    need_matrix(A, "solve_triangular", square=True)
    return triangular.record((A, B), {"upper": upper, "left": left, "unit": unitriangular})


@public(names=("triangular_solve",))
def triangular_solve(x, A, upper=True, transpose=False, unitriangular=False):
    """The solution of A y = x, and A."""
    options = {"upper": upper, "transpose": transpose, "unit": unitriangular}
    return TRIANGULAR(*triangular_pair.record((x, A), options))


@public
def cholesky_solve(x, L, upper=False):
    """y with L L' y = x."""
    return cholesky_solve_node.record((x, L), {"upper": upper})


@public
def cholesky_inverse(x, upper=False):
    """The inverse of x x'."""
    return cholesky_inverse_node.record((x,), {"upper": upper})


# ---- norms and products ----------------------------------------------------------------------------------------------


def vector_norm(x, ord=2, dim=None, keepdim=False, *, dtype=None, out=None):
    """(sum |x|^ord)^(1/ord) over `dim`."""
    if isinstance(ord, str):
        raise TypeError("linalg_vector_norm(): argument 'ord' (position 2) must be Number, not str")
    return methods.norm(x, ord, dim, keepdim, dtype)


def matrix_norm(A, ord="fro", dim=(-2, -1), keepdim=False, *, dtype=None, out=None):
    """The norm of matrices: "fro"; the largest sum of a row (inf) or a column (1), or the smallest (-inf, -1); the largest (2), smallest
    (-2) or the sum ("nuc") of the singular values.
    """
    A = methods.in_dtype(A, dtype)
    if A._array.ndim < 2:
        raise RuntimeError("linalg.matrix_norm: The input tensor A must have at least 2 dimensions.")
    if ord == "fro":
        return methods.norm(A, 2, dim, keepdim)
    row, column = (methods.dim_of(d, A._array.ndim) for d in dim)
    if ord in (1, -1, math.inf, -math.inf):
        first, then = (row, column) if abs(ord) == 1 else (column, row)
        sums = methods.norm(A, 1, first, keepdim)
        then -= not keepdim and then > first
        return sums.amax(then, keepdim) if ord > 0 else sums.amin(then, keepdim)
    if ord not in (2, -2, "nuc"):
        raise RuntimeError(f"linalg.matrix_norm: Order {ord} not supported.")
    values = svdvals(methods.movedim(A, (row, column), (-2, -1)))
    result = (
        values.sum(-1, keepdim) if ord == "nuc" else values.amax(-1, keepdim) if ord == 2 else values.amin(-1, keepdim)
    )
    if not keepdim:
        return result
    return methods.movedim(result.unsqueeze(-1), (-2, -1), (row, column))


def norm(A, ord=None, dim=None, keepdim=False, *, out=None, dtype=None):
    """The vector norm, or the matrix norm where two dimensions and an order are given."""
    several = isinstance(dim, (tuple, list)) and len(dim) != 1
    if ord is None or (dim is None and A.ndim == 1) or (dim is not None and not several):
        return methods.norm(A, 2 if ord is None else ord, dim, keepdim, dtype)
    return matrix_norm(A, ord, dim or (-2, -1), keepdim, dtype=dtype)


def multi_dot(tensors, *, out=None):
    """The product of several matrices; the first and the last may be vectors."""
    result = tensors[0]
    for x in tensors[1:]:
        result = result @ x
    return result


def vecdot(x, y, *, dim=-1, out=None):
    """Sums of products along a dimension."""
    if x._array.ndim == y._array.ndim == 1:
        return methods.vdot(x, y)
    return (x * y).sum(dim)


def cross(input, other, *, dim=-1, out=None):
    """The cross product of vectors in space."""
    if input._array.ndim != other._array.ndim:
        raise RuntimeError("linalg.cross: inputs must have the same number of dimensions.")
    if input._array.shape[dim] != 3 or other._array.shape[dim] != 3:
        raise RuntimeError(
            f"linalg.cross: inputs dimension {dim} must have length 3. Got {input._array.shape[dim]} and {other._array.shape[dim]}"
        )
    return cross_node.record((input, other), {"dim": methods.dim_of(dim, input._array.ndim)})


def vander(x, N=None):
    """Rows 1, x, x^2, …, x^(N - 1) for each element."""
    if not x._array.ndim:
        x = x.unsqueeze(0)
    n = x._array.shape[-1] if N is None else N
    ones = x.unsqueeze(-1).expand(*x._array.shape, n - 1)
    one = wrap(np.ones((*x._array.shape, 1), ones._array.dtype))
    return methods.cat([one, methods.cumprod(ones, -1)], -1)


def diagonal(A, *, offset=0, dim1=-2, dim2=-1):
    """The diagonal of the last two dimensions, as a view."""
    return methods.diagonal(A, offset, dim1, dim2)


def tensorinv(A, ind=2, *, out=None):
    """The inverse under `tensordot(…, ind)`."""
    shape = A._array.shape[ind:] + A._array.shape[:ind]
    n = math.prod(A._array.shape[ind:])
    if n != math.prod(A._array.shape[:ind]):
        raise RuntimeError(
            f"Expected self to satisfy the requirement prod(self.shape[ind:]) == prod(self.shape[:ind]), but got {n} != "
            f"{math.prod(A._array.shape[:ind])}"
        )
    return inverse(A.reshape(n, n)).reshape(shape)


def tensorsolve(A, B, dims=None, *, out=None):
    """x with tensordot(A, x, x.ndim) == B."""
    if dims is not None:
        A = methods.movedim(A, dims, tuple(range(A._array.ndim - len(dims), A._array.ndim)))
    rest = A._array.shape[B._array.ndim :]
    return solve(A.reshape(-1, math.prod(rest)), B.flatten()).reshape(rest)


# ---- the same under PyTorch's older names ----------------------------------------------------------------------------


@public(names=("norm",))
def old_norm(x, p="fro", dim=None, keepdim=False, dtype=None):
    """The vector norm (sum |x|^p)^(1/p); "fro" is p=2, and "nuc" the sum of a matrix's singular values."""
    if p != "nuc":
        return methods.norm(x, p, dim, keepdim, dtype)
    return matrix_norm(x, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype=dtype)


@public(names=("cross",))
def old_cross(x, other, dim=None):
    """The cross product along `dim`, or along the first dimension of length 3."""
    return cross(x, other, dim=x._array.shape.index(3) if dim is None else dim)


def old_vander(x, N=None, increasing=False):
    """Rows x^(N - 1), …, x, 1 for each element of a vector; increasing turns them round."""
    if x._array.ndim != 1:
        raise RuntimeError("x must be a one-dimensional tensor.")
    rows = vander(x, N)
    return rows if increasing else methods.flip(rows, 1)


methods.FUNCTIONS["vander"] = old_vander


__getattr__ = end_of("torch.linalg")
