"""`torch.autograd.graph`: what nodes keep for the backward, and places in the graph.

`saved_tensors_hooks(pack, unpack)` replaces what is kept: every tensor that an operation saves in the `with` block goes through `pack`,
and what that gave goes through `unpack` when the backward asks for it.
"""

from __future__ import annotations

import contextlib
import threading

from .end import end_of
from .record import ANSWER, NEVER, Operation, OpNode, Variable, edge_of, wrap
from .tensor import GradientEdge, Tensor
from .walk import Node, mode, rare

__getattr__ = end_of("torch.autograd.graph")
__all__ = ["GradientEdge", "Node"]


def get_gradient_edge(tensor):
    """Where the gradient of `tensor` arrives: an edge that can take its place in `autograd.grad` and `backward`."""
    if not tensor.requires_grad:
        raise RuntimeError("It is not possible to get the gradient edge for a Tensor that does not require gradients")
    node, nr = edge_of(tensor)
    return GradientEdge(node._named(), nr)


def increment_version(tensor):
    """Count a write that autograd has not seen."""
    for x in (tensor,) if isinstance(tensor, Tensor) else tensor:
        x._counter[0] += 1


@contextlib.contextmanager
def preserve_version(tensors):
    """Let writes in this block go uncounted."""
    tensors = (tensors,) if isinstance(tensors, Tensor) else tuple(tensors)
    before = [x._counter[0] for x in tensors]
    try:
        yield
    finally:
        for x, version in zip(tensors, before, strict=True):
            x._counter[0] = version


# ---- what is kept ----------------------------------------------------------------------------------------------------


class Hooks(threading.local):
    """The hooks in force in this thread: pairs (pack, unpack), and why there may be none."""

    refusal = None

    def __init__(self):
        self.stack = []


hooks = Hooks()
leave_plainly = Operation.leave_node


class saved_tensors_hooks:
    """In this block, keep `pack(tensor)` instead of each tensor that is saved for backward; `unpack` of it must give the tensor back.

    Raises TypeError in the backward if `unpack` gives something else.
    """

    def __init__(self, pack_hook, unpack_hook):
        self.pack_hook, self.unpack_hook = pack_hook, unpack_hook

    def __enter__(self):
        if hooks.refusal:
            raise RuntimeError(hooks.refusal)
        hooks.stack.append((self.pack_hook, self.unpack_hook))
        rare[:] = [True]  # unpacking may look at what the walk has done so far
        # Operations do not look for hooks of their own accord: that would slow them all down. While there are some, nodes are made otherwise.
        Operation.leave_node = leave_packed

    def __exit__(self, *exception):
        hooks.stack.pop()
        if not hooks.stack:
            Operation.leave_node = leave_plainly


class Packed:
    """What `pack` gave for one saved tensor, whose history and version are remembered beside it."""

    def __init__(self, tensor):
        pack, self.unpack = hooks.stack[-1]
        with_history = mode.grad
        mode.grad = False
        try:
            self.content = pack(tensor.detach() if tensor._edge is None else tensor)
        finally:
            mode.grad = with_history
        self.edge, self.is_leaf = edge_of(tensor), tensor._edge is None
        self._counter = tensor._counter

    def get(self):
        tensor = self.unpack(self.content)
        if not isinstance(tensor, Tensor):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of type {type(tensor).__name__}"
            )
        found = wrap(tensor._array)
        node, nr = self.edge
        if node is not None:
            found._requires_grad = True
            if self.is_leaf:
                found._leaf_node = lambda: node
            else:
                found._edge = node, nr
        return found


def packed(value):
    """A tensor as it is to be kept: packed, if there are hooks."""
    return Packed(value) if hooks.stack and isinstance(value, Variable) else value


def leave_packed(op, *args):
    """`Operation.leave_node`, whose node then packs what it has saved."""
    node = leave_plainly(op, *args)
    if node.plan[0]:
        node.saved = [pack_entry(*entry) for entry in node.saved]
        node.kept_values = lambda recording: unpacked(node, recording)
    return node


def pack_entry(tensor, array, counter, version):
    """An entry of `OpNode.saved`, packed if it is a tensor or one result."""
    if tensor is ANSWER and type(array) is not tuple:
        return ANSWER, Packed(wrap(array)), NEVER, 0
    return (Packed(tensor), None, NEVER, 0) if isinstance(tensor, Variable) else (tensor, array, counter, version)


def unpack_entry(tensor, array, counter, version):
    if isinstance(array, Packed):
        return ANSWER, array.get()._array, counter, version
    if isinstance(tensor, Packed):
        tensor = tensor.get()
        return tensor, None, tensor._counter, 0
    return tensor, array, counter, version


def unpacked(node, recording):
    """`OpNode.kept_values` of a node that keeps its values packed."""
    saved = node.saved
    try:
        node.saved = saved and [unpack_entry(*entry) for entry in saved]
        return OpNode.kept_values(node, recording)
    finally:
        node.saved = saved


def save_on_cpu(pin_memory=False, device_type="cuda"):
    """Keep what is saved in the computer's main memory, where it is anyway."""
    return saved_tensors_hooks(lambda x: x.clone(), lambda x: x)


@contextlib.contextmanager
def disable_saved_tensors_hooks(error_message):
    """In this block, using `saved_tensors_hooks` is an error with this message."""
    before, hooks.refusal = hooks.refusal, error_message
    try:
        yield
    finally:
        hooks.refusal = before
