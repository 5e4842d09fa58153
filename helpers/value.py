"""The scalar engine of chapter 2: numbers that remember how they were made, and the walk back that differentiates.

An operation makes a new Value that keeps its parents and `push`, the function that hands the gradient that has arrived
on to the parents, times the local derivatives. `backward` lets every node push once, each after all its users.
"""


class Value:
    """One number; the Values that it was made from; and `grad`, the derivative of the result in this number."""

    def __init__(self, data, parents=(), op=""):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents
        self.op = op  # for drawings
        self.push = lambda: None  # a leaf has nobody to hand its gradient to

    def __repr__(self):
        return f"Value({self.data:.6g}, grad={self.grad:.6g})"

    def __add__(self, other):
        other = as_value(other)
        out = Value(self.data + other.data, (self, other), "+")

        def push():
            self.grad += out.grad
            other.grad += out.grad

        out.push = push
        return out

    def __sub__(self, other):
        other = as_value(other)
        out = Value(self.data - other.data, (self, other), "-")

        def push():
            self.grad += out.grad
            other.grad -= out.grad

        out.push = push
        return out

    def __mul__(self, other):
        other = as_value(other)
        out = Value(self.data * other.data, (self, other), "*")

        def push():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.push = push
        return out

    def __pow__(self, exponent):
        """self to the power of a plain number."""
        out = Value(self.data**exponent, (self,), f"**{exponent}")

        def push():
            self.grad += exponent * self.data ** (exponent - 1) * out.grad

        out.push = push
        return out

    __radd__, __rmul__ = __add__, __mul__  # for a number on the left: 2 * w

    def backward(self):
        """Add the derivative of this Value in each node to that node's grad."""
        self.grad = 1.0
        for node in reversed(topological_order(self)):
            node.push()


def as_value(x):
    """A Value as it is, a number as a new leaf; TypeError for anything else."""
    if isinstance(x, Value):
        return x
    if isinstance(x, int | float):
        return Value(x)
    raise TypeError(
        f"a Value calculates with Values and numbers, {x!r} is a {type(x).__name__}: convert it with float()"
    )


def topological_order(root):
    """Every node that `root` was made from and root itself: each once, parents before children.

    A list serves as stack, so that a chain may be longer than Python's own stack.
    """
    order, seen, stack = [], set(), [(root, False)]
    while stack:
        node, parents_are_done = stack.pop()
        if parents_are_done:
            order.append(node)
        elif node not in seen:
            seen.add(node)
            stack.append((node, True))
            stack += [(parent, False) for parent in node.parents]
    return order
