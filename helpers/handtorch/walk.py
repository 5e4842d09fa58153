"""The graph and the walk back through it: what `backward` does, without any arithmetic.

Every recorded operation leaves a `Node`. A node knows the nodes that made its inputs (its edges), the values that
its derivative needs, and its place in the order of creation. The walk starts at the result, hands each node the
gradient of what it produced, and passes on what it returns, until the leaves take theirs into `.grad`. A gradient is a
NumPy array, or a tensor when the walk itself is to be recorded (`create_graph=True`); nothing here depends on which.
"""

from __future__ import annotations

import itertools
import operator
import threading
import traceback
import warnings
from heapq import heappop, heappush

SECOND_TIME = (
    "Trying to backward through the graph a second time (or directly access saved tensors after they have already been "
    "freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify "
    "retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors "
    "after calling backward."
)


class Mode(threading.local):
    """What holds in this thread: whether operations are recorded, and how carefully."""

    grad = True
    inference = False
    anomaly = False
    check_nan = True


mode = Mode()
rare = []  # as long as this is empty nobody has used inference mode, anomaly mode, a hook or a Function, and nobody need ask for them
created = itertools.count()


class Node:
    """One recorded operation.

    `_edges` has one `(node, output_nr)` per tensor input, with None for an input that needs no gradient; `next_functions` is what
    others see of it. `_metadata` has the `(shape, dtype)` of each output, `_sequence` the place in the order of creation.
    `backward(grads)` takes one gradient (or None) per output and returns one per edge. Most names begin with an underscore, because
    a node can be the `ctx` of a Function, on which everybody may put what they like.
    """

    __slots__ = ("_edges", "_metadata", "_sequence", "__dict__", "__weakref__")
    _hooks = ()  # a tensor's hooks on what arrives for it: functions of (grads) that may change the list
    _prehooks = ()  # the node's own, of the same kind; they run after the tensor's and after captures
    _after = ()  # run after backward: functions of (results, grads)
    _retained = None  # {output_nr: function of its gradient}, run after the hooks
    _made_at = None  # in anomaly mode, the stack of the forward

    def __init__(self, edges, metadata):
        self._edges = edges
        self._metadata = metadata
        self._sequence = next(created)
        if mode.anomaly:
            self.remember_where()

    def remember_where(self):
        """For anomaly mode: keep the stack of the forward."""
        self._made_at = traceback.format_stack()

    @property
    def next_functions(self):
        for node, _ in self._edges:
            if node is not None:
                node._named()
        return self._edges

    @property
    def metadata(self):
        """A dict in which others may keep what they like."""
        return self.__dict__.setdefault("metadata", {})

    def _named(self):
        """This node, as it is handed to others."""
        return self

    def name(self):
        return type(self).__name__

    def __repr__(self):
        return f"<{type(self._named()).__name__} object at {id(self):#x}>"

    def backward(self, grads):
        raise NotImplementedError

    def answer_is_in(self, array, counter, before):
        """The result was written into another tensor's memory: of interest to a node that keeps it."""

    def release(self):
        """Forget the saved values; another backward through this node will then fail."""

    def _sequence_nr(self):
        return self._sequence

    def register_prehook(self, hook):
        """Call `hook(grad_outputs)` before this node; what it returns replaces them."""
        return Handle(self, "_prehooks", wrap_node_hook(self, hook, before=True))

    def register_hook(self, hook):
        """Call `hook(grad_inputs, grad_outputs)` after this node; what it returns replaces grad_inputs."""
        return Handle(self, "_after", wrap_node_hook(self, hook, before=False))


def wrap_node_hook(node, hook, before):
    """Turn a hook on tensors into one on the walk's gradients; `node._as_tensor` and `node._as_gradient` translate."""

    def run(*groups):
        given = [tuple(None if g is None else node._as_tensor(g) for g in group) for group in groups]
        changed = hook(*given)
        if changed is None:
            return groups[0]
        if not isinstance(changed, tuple):
            changed = (changed,)
        like = next((g for group in groups for g in group if g is not None), None)
        return [None if c is None else node._as_gradient(c, like) for c in changed]

    return run


class Handle:
    """What registering a hook returns: `remove()` takes the hook away again."""

    _ids = itertools.count()

    def __init__(self, owner, slot, hook):
        self.owner, self.slot, self.id = owner, slot, next(Handle._ids)
        if not getattr(owner, slot):
            setattr(owner, slot, {})
            rare[:] = [True]
        getattr(owner, slot)[self.id] = hook

    def remove(self):
        hooks = getattr(self.owner, self.slot)
        if hooks:
            hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


def below(edges):
    """Every node below `edges`, and how many gradients each leaf among them waits for."""
    nodes, waiting, stack = set(), {}, [edges]
    for edges in stack:  # which grows meanwhile
        for node, _ in edges:
            if node is None:
                continue
            if not node._edges:
                waiting[node] = waiting.get(node, 0) + 1
            if node not in nodes:
                nodes.add(node)
                stack.append(node._edges)
    return nodes, waiting


def nodes_on_the_way(nodes, targets):
    """Of each node whether its backward must run so that a gradient reaches one of `targets`: whether a target lies below it."""
    reaches = {}
    for node in sorted(nodes, key=operator.attrgetter("_sequence")):
        reaches[node] = any(
            further is not None and (further in targets or reaches.get(further)) for further, _ in node._edges
        )
    return reaches


def walk(roots, grads, *, keep_graph, captures=None):
    """Carry `grads`, one for each `(node, output_nr)` of `roots`, back through the graph.

    The youngest node runs first: what hands it gradients is younger still, so all of them have arrived. The leaves run last. There is no
    recursion: a chain of any length works. `captures` maps `(node, output_nr)` to a place: then nothing reaches a leaf's `.grad`, and
    the captured gradients are returned as a dict from place to gradient.
    """
    wanted = needed = captured = waiting = None
    careful = captures is not None or rare
    if careful:  # somebody could see when a leaf runs: in PyTorch as soon as it has its last gradient
        nodes, waiting = below(roots)
    if captures is not None:
        captured, wanted = {}, {}
        for (node, nr), place in captures.items():
            wanted.setdefault(node, []).append((nr, place))
        needed = nodes_on_the_way(nodes, wanted)
    slots, queue, leaves = {}, [], []
    edges, results = roots, grads
    try:
        while True:
            i = -1
            for grad in results:  # counted by hand: zip alone would cost several percent
                i += 1
                node, nr = edges[i]
                if node is None:
                    continue
                if node in slots:
                    arrived = slots[node]
                    if arrived[nr] is None:
                        arrived[nr] = grad
                    elif grad is not None:
                        arrived[nr] = arrived[nr] + grad
                else:
                    slots[node] = arrived = [None] * len(node._metadata)
                    arrived[nr] = grad
                    if node._edges:
                        heappush(queue, (-node._sequence, node))
                    elif not careful:
                        leaves.append(node)
                if careful and node in waiting:
                    waiting[node] -= 1
                    if not waiting[node]:
                        heappush(queue, (-node._sequence, node))
            if not queue:
                return captured
            _, node = heappop(queue)
            edges = node._edges
            if careful:
                results = backward_with_care(node, slots.pop(node), captured, wanted, needed)
                if results is None:
                    results = ()
                    continue
            else:
                results = node.backward(slots.pop(node))
            if not keep_graph:
                node.release()
    except BaseException:
        # In PyTorch, where leaves do not wait for the end, those that have all their gradients ran before the node that failed.
        _, waiting = below([*edges, *itertools.chain.from_iterable(node._edges for _, node in queue)])
        leaves = [leaf for leaf in leaves if leaf not in waiting]
        raise
    finally:
        for leaf in leaves:
            leaf.backward(slots.pop(leaf))


def backward_with_care(node, grads, captured, wanted, needed):
    """A node's backward with all that few walks ask for: hooks, captures, anomaly mode. None if no gradient is needed below."""
    arrived = grads
    if node._hooks or node._retained:
        grads = run_hooks(node, grads)
    if captured is not None:
        for nr, place in wanted.get(node, ()):
            # PyTorch captures before a tensor's hooks where the walk goes on below, and after them where it ends.
            captured[place] = (arrived if needed[node] else grads)[nr]
        if not needed[node]:
            return None
    for hook in tuple(node._prehooks.values()) if node._prehooks else ():
        grads = hook(grads)
    results = backward_under_watch(node, grads) if mode.anomaly else node.backward(grads)
    for hook in tuple(node._after.values()) if node._after else ():
        results = hook(results, grads)
    return results


def run_hooks(node, grads):
    """Let the hooks of a node see, and change, the gradients that arrived; then let those that retain them have theirs."""
    for hook in tuple(node._hooks.values()) if node._hooks else ():
        grads = hook(grads)
    for nr, keep in (node._retained or {}).items():
        keep(grads[nr])
    return grads


def backward_under_watch(node, grads):
    """A node's backward in anomaly mode: where it fails or makes a nan, say which operation it was and where it was called."""
    try:
        results = node.backward(grads)
    except RuntimeError:
        say_where(node)
        raise
    for i, grad in enumerate(results if mode.check_nan else ()):
        if grad is not None and bool((grad != grad).any()):
            say_where(node)
            raise RuntimeError(f"Function '{node.name()}' returned nan values in its {i}th output.")
    return results


def say_where(node):
    """PyTorch's warning with the line of the forward pass that recorded this node."""
    if node._made_at is None:
        where = (
            "No forward pass information available. Enable detect anomaly during forward pass for more information."
            " (Triggered internally at /__w/pytorch/pytorch/torch/csrc/autograd/python_anomaly_mode.cpp:115.)"
        )
    else:
        stack = "".join(line for line in node._made_at if "handtorch" not in line.split(",")[0])
        where = (
            f"Traceback of forward call that caused the error:\n{stack} "
            "(Triggered internally at /__w/pytorch/pytorch/torch/csrc/autograd/python_anomaly_mode.cpp:122.)"
        )
    warnings.warn(f"Error detected in {node.name()}. {where}", stacklevel=3)
