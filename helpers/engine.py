"""The engine of chapter 10: tensors over NumPy arrays that remember how they were made, and the walk back.

Three things, read from top to bottom: the table of operations, each beside its vector-Jacobian product; the Tensor, which
keeps the Tensors that it was made from; and `backward`, which walks from the youngest to the oldest. helpers.value is
the same idea for single numbers, helpers.handtorch the same idea with everything that the course uses of PyTorch.
"""

import functools
import itertools

import numpy as np

# The words are PyTorch's.
SECOND_TIME = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)
WHOLE_NUMBERS = "Only Tensors of floating point and complex dtype can require gradients"
NO_HISTORY = "element 0 of tensors does not require grad and does not have a grad_fn"
NOT_SCALAR = "grad can be implicitly created only for scalar outputs"

# --- the table ---------------------------------------------------------------------------------------------------
# A row takes arrays and returns the result and its vjp. A vjp takes g, the gradient of the result, and returns a tuple:
# one gradient for each array, of that array's shape.


def unbroadcast(g, shape):
    """`g` summed down to `shape`: what broadcasting copied forward is added up backward. Always a new array.

    Raises ValueError where an array of `shape` cannot have been copied into one of g's shape.
    """
    out = np.array(g)
    leading = out.ndim - len(shape)
    if leading < 0 or any(n not in (1, m) for n, m in zip(shape, out.shape[leading:], strict=True)):
        raise ValueError(f"a gradient of shape {out.shape} does not belong to a broadcast array of shape {shape}")
    for _ in range(leading):
        out = out.sum(axis=0)
    for axis, size in enumerate(shape):
        if size == 1:
            out = out.sum(axis=axis, keepdims=True)
    return out


def vjp_add(g, a, b):
    return unbroadcast(g, a.shape), unbroadcast(g, b.shape)


def vjp_mul(g, a, b):
    return unbroadcast(g * b, a.shape), unbroadcast(g * a, b.shape)


def vjp_matmul(g, a, b):
    """For a of shape (n, k), b of shape (k, m) and g of shape (n, m)."""
    return g @ b.T, a.T @ g


def relu(a):
    return np.maximum(a, 0), lambda g: (g * (a > 0),)


def cross_entropy_row(logits, y):
    """The mean over n rows of minus the log-softmax at the label: logits of shape (n, c), labels y of shape (n,)."""
    rows = np.arange(len(y))
    shifted = logits - logits.max(axis=1, keepdims=True)  # exp of a large logit would overflow
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def vjp(g):
        slope = np.exp(log_p)
        slope[rows, y] -= 1
        return (g * slope / len(y),)

    return -log_p[rows, y].mean(), vjp


TABLE = {
    "+": lambda a, b: (a + b, lambda g: vjp_add(g, a, b)),
    "*": lambda a, b: (a * b, lambda g: vjp_mul(g, a, b)),
    "@": lambda a, b: (a @ b, lambda g: vjp_matmul(g, a, b)),
    "relu": relu,
    "sum": lambda a: (a.sum(), lambda g: (np.full(a.shape, g),)),
    "cross_entropy": cross_entropy_row,
}
NEEDS_NO_VALUES = ("+", "sum")  # their vjps ask for shapes only, so there is nothing to free


# --- the tensor --------------------------------------------------------------------------------------------------


class Mode:
    """Whether operations are recorded."""

    grad = True


mode = Mode()
created = itertools.count()


class Tensor:
    """An array that remembers: `parents` and `op` say how it was made, `vjp` how a gradient passes it.

    data: a number, a list or an array. grad: None, or an array of data's shape; backward fills it at leaves. order: the
    place in the order of creation. Raises RuntimeError where whole numbers are to require a gradient.
    """

    __array_ufunc__ = None  # NumPy then leaves `array * tensor` to the tensor

    def __init__(self, data, requires_grad=False):
        self.data = np.asarray(data)
        if requires_grad and self.data.dtype.kind != "f":
            raise RuntimeError(WHOLE_NUMBERS)
        self.requires_grad = requires_grad
        self.grad = None
        self.parents, self.op, self.vjp = (), "", None
        self.order = next(created)

    def __repr__(self):
        return f"Tensor({self.data}{', requires_grad=True' if self.requires_grad else ''})"

    def __add__(self, other):
        return apply("+", self, other)

    def __mul__(self, other):
        return apply("*", self, other)

    def __matmul__(self, other):
        return apply("@", self, other)

    __radd__, __rmul__ = __add__, __mul__  # for a number on the left: 2 * w

    def relu(self):
        return apply("relu", self)

    def sum(self):
        return apply("sum", self)

    def backward(self, g=None, retain_graph=False):
        """Add to every leaf's grad the derivative of this tensor, weighted by g (of its shape; 1 for a single number)."""
        if g is None and self.data.size != 1:
            raise RuntimeError(NOT_SCALAR)
        backward(self, 1.0 if g is None else g, retain_graph)


def apply(op, *inputs, **options):
    """Compute a row of the table; record it if an input asks for a gradient."""
    inputs = tuple(x if isinstance(x, Tensor) else Tensor(x) for x in inputs)
    result, vjp = TABLE[op](*(x.data for x in inputs), **options)
    out = Tensor(result)
    if mode.grad and any(x.requires_grad for x in inputs):
        out.requires_grad = True
        out.parents, out.op, out.vjp = inputs, op, vjp
    return out


def cross_entropy(logits, y):
    """The loss of a classifier, a Tensor of one number: logits a Tensor (n, c), y an array of n labels 0 to c-1."""
    return apply("cross_entropy", logits, y=y)


# --- the walk ----------------------------------------------------------------------------------------------------


def backward(root, g=1.0, retain_graph=False):
    """Walk from `root` to the leaves, youngest first, and add to each leaf's grad what arrives there.

    A tensor is younger than all its parents, so when its turn comes, everybody who used it has sent. Gradients of the
    middle live in `arrived`, for this walk only. Raises RuntimeError, in PyTorch's words, for a root without history and
    for a graph whose values are freed.
    """
    if not root.requires_grad:
        raise RuntimeError(NO_HISTORY)
    arrived = {root: np.broadcast_to(g, root.data.shape)}
    while arrived:
        node = max(arrived, key=lambda tensor: tensor.order)
        g = arrived.pop(node)
        if not node.parents:
            node.grad = np.array(g) if node.grad is None else node.grad + g
            continue
        for parent, sent in zip(node.parents, node.vjp(g), strict=True):
            if parent.requires_grad:
                arrived[parent] = arrived[parent] + sent if parent in arrived else sent
        if not retain_graph and node.op not in NEEDS_NO_VALUES:
            node.vjp = freed


def freed(g):
    raise RuntimeError(SECOND_TIME)


# --- around it ---------------------------------------------------------------------------------------------------


class no_grad:
    """`with no_grad():` or `@no_grad()`: nothing is recorded inside; afterwards the mode is what it was before."""

    def __init__(self):
        self.before = []  # a list, so that one object can be entered twice

    def __enter__(self):
        self.before.append(mode.grad)
        mode.grad = False

    def __exit__(self, *exception):
        mode.grad = self.before.pop()

    def __call__(self, function):
        @functools.wraps(function)
        def unrecorded(*args, **kwargs):
            with self:
                return function(*args, **kwargs)

        return unrecorded


def sgd_step(params, lr):
    """Move every leaf of `params` by -lr times its grad, in place; one whose grad is None stays."""
    for p in params:
        if p.grad is not None:
            p.data -= lr * p.grad


def zero_grad(params):
    for p in params:
        p.grad = None
