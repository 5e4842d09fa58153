"""How an operation is recorded: from one line of the table to a node of the graph.

An `Operation` has a forward, on arrays, and one rule per input: its vector-Jacobian product. The names of a rule's arguments
say what it needs: `g`, the gradient of the result; `ans`, the result; the name of an input, its value; `x_shape`, the shape of
the input x; anything else, a keyword of the forward. So

    mul = Operation("Mul", lambda x, y: x * y, x=lambda g, y: g * y, y=lambda g, x: g * x)

keeps y only if x needs a gradient. Rules are written with operators and table entries, which take arrays as well as tensors: on
arrays they just compute; on tensors they are recorded in their turn, and that is all there is to a second derivative.
"""

from __future__ import annotations

import functools
import inspect
import itertools
import operator
import re

import numpy as np

from . import dtypes
from .sums import add_in_steps, steps_to, torch_sum
from .walk import SECOND_TIME, Node, created, mode, rare

ndarray, asarray, new = np.ndarray, np.asarray, object.__new__
FLOAT32, FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
METADATA = operator.attrgetter("shape", "dtype")

IN_INFERENCE = (
    "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation "
    "tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use "
    "`torch.no_grad()` instead of `torch.inference_mode()`."
)


HOW_TO_FIND = (
    "enable anomaly detection to find the operation that failed to compute its gradient, with "
    "torch.autograd.set_detect_anomaly(True, check_nan=False)."
)
FOUND_BY_ANOMALY = (
    "the backtrace further above shows the operation that failed to compute its gradient. The variable in question was "
    "changed in there or anywhere later. Good luck!"
)


class Variable:
    """What the graph knows of a tensor. `Tensor` adds everything else, and is the class of every result.

    `_counter` is a list of one integer, the version: each write in place moves it, and views of one memory share it. A result
    has an `_edge`, a pair: the node that made it, and which of its outputs it is; a leaf has a `_leaf_node` as soon as it is used. A view
    has `_base`, the tensor whose memory it shows, and `_seen`, the version that its `_edge` belongs to. `_inference`: made in inference
    mode. What every tensor has is in slots, which are made, and read, in half the time of other attributes.
    """

    __slots__ = (
        "_array", "_counter", "_requires_grad", "_edge", "_base", "_shows", "_seen", "_made_in_no_grad", "__dict__", "__weakref__",
    )  # fmt: skip
    _leaf_node = None
    _inference = False

    def __init_subclass__(cls):
        global tensor_type
        tensor_type = tensor_type or cls


tensor_type = None  # Tensor, as soon as there is one


def wrap(array, kind=None):
    """A new tensor, of the class `kind`, around an array that nobody else writes to."""
    tensor = new(kind or tensor_type)
    tensor._array = array
    tensor._counter = [0]
    tensor._requires_grad = False
    tensor._edge = tensor._base = None
    if rare and mode.inference:
        tensor._inference = True
    return tensor


def made_by(array, node, nr=0, counter=None):
    """A new tensor that is output `nr` of `node`."""
    tensor = new(tensor_type)
    tensor._array = array
    tensor._counter = counter or [0]
    tensor._requires_grad = True
    tensor._edge = node, nr
    tensor._base = None
    return tensor


def view_of(source, array, edge, op, params, nr=None):
    """A new tensor that shows memory of `source`: what the operation `op` gave for it, or output `nr` of several."""
    view, base = new(tensor_type), source._base
    view._array = array
    view._counter = counter = source._counter
    view._base = base = source if base is None else base
    view._shows = source, op, params, nr
    view._seen = counter[0]
    view._edge = edge
    view._requires_grad = edge is not None or base._requires_grad
    view._made_in_no_grad = edge is None and not mode.grad
    if rare and (mode.inference or source._inference):
        view._inference = True
    return view


def edge_of(x):
    """Where a gradient of this variable goes: `(node, output_nr)`; `(None, 0)` if it needs none."""
    if not x._requires_grad:
        return NO_EDGE
    if x._edge is not None:
        return x._edge
    node = x._leaf_node
    return (node and node()) or x._new_leaf_node(), 0


NO_EDGE = (None, 0)
NOTHING, NO_PARAMS = (), {}
NEVER = [0]  # the version counter of what is never written to
ANSWER = object()  # stands for the result among the tensors that a node keeps: it would hold its own node


class Operation:
    """An operation with its derivative: an entry of the table.

    name: the node is called name + "Backward0", unless it holds "Backward" itself. forward: takes arrays (or Python
    numbers) by position and options by keyword, returns an array or a tuple of arrays. mix: how inputs of several types meet:
    "promote" (to the common type), "float" (the same, and integers become floating), "none" (forward sees to it).
    rules: for each differentiable input its vector-Jacobian product; `each` is the rule of all inputs of a variadic forward
    and takes `i`, the input's position, right after g.
    """

    def __init__(self, name, forward, *, mix="promote", view=False, **rules):
        self.forward, self.mix, self.view, self.rules = forward, mix, view, rules
        signature = inspect.signature(forward) if not isinstance(forward, np.ufunc) else None
        if signature is None:
            self.inputs, self.defaults = ("x", "y")[: forward.nin], {}
        else:
            parameters = signature.parameters.values()
            self.inputs = tuple(p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD)
            self.defaults = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
        # Only an input that has a rule appears in next_functions.
        self.slots = None if "each" in rules else tuple(i for i, x in enumerate(self.inputs) if x in rules)
        if self.slots == tuple(range(len(self.inputs))):
            self.slots = None
        self.name_it(name)

    def name_it(self, name):
        self.node_type = type(name if "Backward" in name else name + "Backward0", (OpNode,), {})
        self.plans = {}

    def called(self, name):
        """The same operation under another name: PyTorch's names tell overloads apart."""
        twin = object.__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.name_it(name)
        return twin

    def __call__(self, *inputs, **params):
        """On arrays, the forward; if there is a tensor among the inputs, the forward on tensors, recorded."""
        if len(inputs) == 1 and type(inputs[0]) is ndarray and not params:
            return self.forward(inputs[0])  # what rules mostly ask for; Python is faster without the stars
        for x in inputs:
            if isinstance(x, Variable):
                return self.record(inputs, params)
        return self.forward(*inputs, **params)

    def record(self, inputs, params):
        """The operation on tensors (and numbers): compute on their arrays, and leave a node if a gradient is wanted."""
        recording = mode.grad
        arrays, edges, tracked, bit = [], [], 0, 1
        kind, mixed = None, False
        for x in inputs:
            edge = NO_EDGE
            if isinstance(x, Variable):
                if x._base is not None and x._seen != x._counter[0]:
                    x._refresh()
                if recording and x._requires_grad:
                    tracked += bit
                    edge = x._edge or edge_of(x)
                x = x._array
                if x.dtype is not kind:
                    mixed, kind = kind is not None, x.dtype
            arrays.append(x)
            edges.append(edge)
            bit += bit
        if (mixed or (kind is not FLOAT32 and kind is not FLOAT64)) and self.mix != "none":
            arrays = convert(arrays, self.mix)
        try:
            result = self.forward(*arrays, **params) if params else self.forward(*arrays)
        except ValueError as error:
            raise in_pytorchs_words(error, arrays) from None
        return self.outcome(result, tracked and bit + tracked, tuple(edges), inputs, params)

    def record_one(self, x, params=NO_PARAMS):
        """`record((x,), params)` written out for what a training loop does most: one tensor."""
        if x._base is not None and x._seen != x._counter[0]:
            x._refresh()
        array = x._array
        kind = array.dtype
        if kind is not FLOAT32 and kind is not FLOAT64 and self.mix != "none":
            (array,) = convert((array,), self.mix)
        try:
            result = self.forward(array, **params) if params else self.forward(array)
        except ValueError as error:
            raise in_pytorchs_words(error, (array,)) from None
        if x._requires_grad and mode.grad:
            return self.outcome(result, 3, (x._edge or edge_of(x),), (x,), params)
        return self.outcome(result, 0, NOTHING, (x,), params)

    def record_two(self, x, y):
        """`record((x, y), {})` written out, for two tensors of one floating type."""
        a, b = x._array, y._array
        kind = a.dtype
        if b.dtype is not kind or (kind is not FLOAT32 and kind is not FLOAT64):
            return self.record((x, y), NO_PARAMS)
        who, left, right = 4, NO_EDGE, NO_EDGE
        if x._base is not None and x._seen != x._counter[0]:
            x._refresh()
        if y._base is not None and y._seen != y._counter[0]:
            y._refresh()
        if mode.grad:
            if x._requires_grad:
                who, left = 5, x._edge or edge_of(x)
            if y._requires_grad:
                who, right = who + 2, y._edge or edge_of(y)
        try:
            result = self.forward(a, b)
        except ValueError as error:
            raise in_pytorchs_words(error, (a, b)) from None
        return self.outcome(result, who if who > 4 else 0, (left, right), (x, y), NO_PARAMS)

    def record_number(self, x, number, swapped):
        """`record` with a Python number on one side, for what it is mostly needed for: a tensor of a floating type that asks for no gradient."""
        array = x._array
        if x._requires_grad or (array.dtype is not FLOAT32 and array.dtype is not FLOAT64) or x._base is not None:
            return self.record((number, x) if swapped else (x, number), NO_PARAMS)
        return self.outcome(
            self.forward(number, array) if swapped else self.forward(array, number), 0, NOTHING, NOTHING, NO_PARAMS
        )

    def recorded(self, result, inputs, params=NO_PARAMS):
        """`record(inputs, params)` where the result is there already, and each input is a tensor or None."""
        edges, tracked, bit = [], 0, 1
        recording = mode.grad
        for x in inputs:
            if x is not None and x._base is not None and x._seen != x._counter[0]:
                x._refresh()
            if recording and x is not None and x._requires_grad:
                tracked += bit
                edges.append(x._edge or edge_of(x))
            else:
                edges.append(NO_EDGE)
            bit += bit
        return self.outcome(result, tracked and bit + tracked, tuple(edges), inputs, params)

    def record_view(self, x, array, params=NO_PARAMS):
        """`record((x,), params)` of an operation that shows x, where the array is there already."""
        if x._base is not None and x._seen != x._counter[0]:
            x._refresh()
        edge = None
        if x._requires_grad and mode.grad:
            edge = self.leave_node(3, (x._edge or edge_of(x),), (x,), params, array), 0
        return view_of(x, array, edge, self, params)

    def outcome(self, result, who, edges, inputs, params):
        """The tensors around the arrays that the forward gave. who, edges: as for `leave_node`; who is 0 if no gradient is wanted."""
        if type(result) is not ndarray:
            if type(result) is tuple:
                return self.several(result, who, edges, inputs, params)
            result = asarray(result)
        if self.view:
            edge = (self.leave_node(who, edges, inputs, params, result), 0) if who and self.rules else None
            return view_of(inputs[0], result, edge, self, params)
        output = new(tensor_type)  # from here to the node this is `wrap`, written out
        output._array = result
        output._counter = counter = [0]
        output._base = None
        if rare and mode.inference:
            output._inference = True
        if who and self.rules:
            output._requires_grad = True
            output._edge = self.leave_node(who, edges, inputs, params, result, counter), 0
        else:
            output._requires_grad = False
            output._edge = None
        return output

    def several(self, result, who, edges, inputs, params):
        """The outputs of an operation that has several; only floating ones can have a gradient."""
        result = tuple(map(asarray, result))
        node = self.leave_node(who, edges, inputs, params, result) if who and self.rules else None
        outputs = []
        for array in result:
            nr = len(outputs)
            edge = (node, nr) if node is not None and array.dtype.kind == "f" else None
            if self.view:
                output = view_of(inputs[0], array, edge, self, params, nr)
            else:
                output = wrap(array)
                output._requires_grad, output._edge = edge is not None, edge
            outputs.append(output)
        return outputs

    def leave_node(self, who, edges, inputs, params, result, result_counter=None):
        """The node of this call, with all that its rules will ask for.

        who: a number with a bit for each input, set if that needs a gradient, and above them one more bit. result_counter: the version
        counter of a result that is one array and is not written into an older tensor.
        """
        node = new(OpNode)
        node.plan = keep, plain, several, _, _ = self.plans.get(who) or self.plan(who, type(result) is tuple)
        node._sequence = next(created)
        node._edges = edges if self.slots is None else tuple(map(edges.__getitem__, self.slots))
        node._metadata = tuple(map(METADATA, result)) if several else ((result.shape, result.dtype),)
        if rare and mode.anomaly:
            node.remember_where()
        if keep:
            node.saved = saved = []
            for i in keep:
                x = inputs[i] if i >= 0 else ANSWER
                if isinstance(x, Variable):
                    if rare and x._inference:
                        raise RuntimeError(IN_INFERENCE)
                    counter = x._counter
                    saved.append((x, None, counter, counter[0]))
                elif x is ANSWER:
                    saved.append((ANSWER, result, result_counter or NEVER, 0))
                else:
                    saved.append((x, None, NEVER, 0))
        if plain:
            names, defaults, shapes = plain
            node.plain = values = list(map(params.get, names, defaults))
            for i, position in shapes:
                values[i] = inputs[position]._array.shape if position is not None else [x._array.shape for x in inputs]
        return node

    def plan(self, who, several=False):
        """What must be kept, and how each rule finds its arguments, when the inputs whose bits are set in `who` need a gradient.

        Returns the positions of the inputs to keep, and last -1 for the result; the plain values to keep: their names, their defaults, and
        for each that is a shape its place and the position of that input, or None for all inputs; whether there are several results; for
        each rule `(place among the edges, rule, its arguments)`: their indices among all that is kept, or one index, or NOTHING, or None
        for all; and the class under which the node is seen.
        """
        count = who.bit_length() - 1
        rules = []
        for i in range(count):
            rule = self.rules.get("each") or self.rules.get(self.inputs[i])
            if who >> i & 1 and rule is not None:
                wanted = list(inspect.signature(rule).parameters)[1:]
                if wanted[:1] == ["i"]:
                    rule, wanted = at_position(rule, i), wanted[1:]
                rules.append((i, rule, wanted))
        names = {name for _, _, wanted in rules for name in wanted}
        inputs = tuple(i for i, name in enumerate(self.inputs[:count]) if name in names)
        plain = sorted(names - set(self.inputs) - {"ans"})
        order = [self.inputs[i] for i in inputs] + ["ans"] * ("ans" in names) + plain
        found = []
        for i, rule, wanted in rules:
            place = i if self.slots is None else self.slots.index(i)
            arguments = tuple(map(order.index, wanted))
            if not arguments:
                arguments = NOTHING
            elif len(arguments) == 1:
                (arguments,) = arguments
            elif wanted == order and len(order) > 2:
                arguments = None
            found.append((place, rule, arguments))
        shape_of = {name + "_shape": i for i, name in enumerate(self.inputs)}
        if plain:
            shapes = [(i, shape_of.get(name)) for i, name in enumerate(plain) if name in shape_of or name == "shapes"]
            plain = plain, list(map(self.defaults.get, plain)), shapes
        keep = (*inputs, -1) if "ans" in names else inputs
        self.plans[who] = plan = keep, plain, several, found, self.node_type
        return plan

    def in_place(self, inputs, params):
        """Write the result into inputs[0], a tensor, and return it."""
        target, arrays, tracked, bit = inputs[0], [], 0, 1
        for x in inputs:
            if isinstance(x, Variable):
                if x.requires_grad:
                    tracked += bit
                x = x._array
            arrays.append(x)
            bit += bit
        recording = tracked and mode.grad
        if recording or (rare and target._inference):
            target._check_writable(recording)
        into = target._array
        kind = into.dtype
        if self.mix != "none":
            for array in arrays[1:]:
                if type(array) is ndarray and (into.base is not None or array.base is not None):
                    refuse_overlap(into, array)
            if not (len(arrays) == 2 and kind is FLOAT32 and getattr(arrays[1], "dtype", None) is kind):
                arrays = convert(arrays, self.mix)  # two arrays of the usual type are not worth the call
        try:
            if not recording and type(self.forward) is np.ufunc and arrays[0].dtype is kind:
                self.forward(*arrays, into)
                target._counter[0] += 1
                return target
            result = self.forward(*arrays, **params)
        except ValueError as error:
            raise in_pytorchs_words(error, arrays, into) from None
        if type(result) is not ndarray:
            result = np.asarray(result)
        if result.shape != into.shape:
            raise RuntimeError(
                f"output with shape {list(into.shape)} doesn't match the broadcast shape {list(result.shape)}"
            )
        if result.dtype is not kind:
            was, to = dtypes.FROM_NUMPY[result.dtype], dtypes.FROM_NUMPY[kind]
            if not dtypes.can_cast(was, to):
                raise RuntimeError(f"result type {was.letter} can't be cast to the desired output type {to.letter}")
        node = None
        if recording and kind.kind == "f":
            who = bit + tracked
            before = target._copy_of_itself() if 0 in (self.plans.get(who) or self.plan(who))[0] else target
            edges = tuple([edge_of(x) if isinstance(x, Variable) else NO_EDGE for x in inputs])
            node = self.leave_node(who, edges, (before, *inputs[1:]), params, into)
        try:
            into[...] = result
        except ValueError as error:
            raise in_pytorchs_words(error, arrays, into) from None
        target._counter[0] += 1
        if node is not None:
            node.answer_is_in(into, target._counter)
            target._was_made_by(node)
        return target


class OpNode(Node):
    """The node that an operation of the table leaves.

    `plan` says what is kept. `saved` has `(tensor, None, version counter, version)` for each input that a rule asks for, and then
    `(ANSWER, array, version counter, version)`, if one asks for the result. `plain` has what else they ask for.

    Python is faster with objects of one class, so every node is of this one until somebody sees it; then it is what `type(node)` should be.
    """

    __slots__ = ("plan", "saved", "plain")

    def _named(self):
        if type(self) is OpNode:
            self.__class__ = self.plan[-1]
        return self

    def name(self):
        return self._named().name() if type(self) is OpNode else type(self).__name__

    def answer_is_in(self, array, counter, before=NEVER):
        """The result, whose version was counted by `before`, was written into another tensor's memory, which has a counter of its own."""
        if -1 in self.plan[0] and self.saved[-1][2] is before:
            self.saved[-1] = (ANSWER, array, counter, counter[0])

    def backward(self, grads):
        keep, plain, several, rules, _ = self.plan
        edges = self._edges
        results = [None] * len(edges)
        g = self.all_there(grads) if several else grads[0]
        if g is None:
            return results
        if keep:
            values = self.kept_values(isinstance(g[0] if several else g, Variable))
        elif plain:
            values = self.plain
        for i, rule, wanted in rules:
            try:
                if wanted is NOTHING:
                    grad = rule(g)
                elif type(wanted) is int:
                    grad = rule(g, values[wanted])
                elif wanted is None:
                    grad = rule(g, *values)
                elif len(wanted) == 2:
                    grad = rule(g, values[wanted[0]], values[wanted[1]])
                else:
                    grad = rule(g, *map(values.__getitem__, wanted))
            except ValueError as error:
                raise in_pytorchs_words(error, ()) from None
            if grad is not None:
                below, nr = edges[i]
                shape, kind = below._metadata[nr]
                if grad.dtype is not kind or grad.shape != shape:
                    grad = self.fit(grad, shape, kind, i)
                results[i] = grad
        return results

    def all_there(self, grads):
        """Zeros for the outputs that received no gradient; None if none did."""
        given = [g for g in grads if g is not None]
        if len(given) == len(grads) or not given:
            return given or None
        return [zeros_for(meta, given[0]) if g is None else g for meta, g in zip(self._metadata, grads, strict=True)]

    def kept_values(self, recording):
        """What the rules need: arrays, or tensors if the walk is recorded. Raises if it was freed or has changed since."""
        if self.saved is None:
            raise RuntimeError(SECOND_TIME)
        values = []
        for tensor, array, counter, version in self.saved:
            if tensor is ANSWER:
                if counter[0] != version:
                    raise modified_in_place(array, counter[0], version, self, 0)
                values.append(self.answer_as_tensors(array) if recording else array)
            elif counter[0] != version:
                raise modified_in_place(tensor._array, counter[0], version, tensor.grad_fn, tensor.output_nr)
            else:
                values.append(tensor if recording or counter is NEVER else tensor._array)
        if self.plan[1]:
            values.extend(self.plain)
        return values

    def answer_as_tensors(self, array):
        if type(array) is tuple:
            return [made_by(a, self, nr) if a.dtype.kind == "f" else wrap(a) for nr, a in enumerate(array)]
        return made_by(array, self)

    def fit(self, grad, shape, kind, i):
        """Undo the broadcasting of an input: sum over the axes along which it was repeated. And the conversion to another type."""
        try:
            if isinstance(grad, Variable):
                grad = sum_to(grad, shape=shape) if grad._array.shape != shape else grad
                return grad if grad._array.dtype is kind else grad.to(dtypes.FROM_NUMPY[kind])
            grad = add_up(np.asarray(grad), shape) if grad.shape != shape else grad
            return grad if grad.dtype is kind else grad.astype(kind)
        except ValueError:
            raise RuntimeError(
                f"Function {self.name()} returned an invalid gradient at index {i} - got {list(grad.shape)} but expected "
                f"shape compatible with {list(shape)}"
            ) from None

    def release(self):
        if self.plan[0]:
            self.saved = None

    def _as_tensor(self, grad):
        return grad if isinstance(grad, Variable) else wrap(np.asarray(grad))

    def _as_gradient(self, tensor, like):
        return tensor if isinstance(like, Variable) else tensor._array


def at_position(rule, i):
    """The rule of all inputs of a variadic forward as that of input i."""
    return lambda g, *values: rule(g, i, *values)


def zeros_for(metadata, like):
    zeros = np.zeros(*metadata)
    return wrap(zeros) if isinstance(like, Variable) else zeros


def spread_out(array, shape):
    """A broadcast array; written out, because NumPy takes longer for the view."""
    result = np.empty(shape, array.dtype)
    result[...] = array
    return result


def add_up(array, shape):
    """Sum an array over the axes that broadcasting from `shape` made or stretched."""
    if not shape:
        return torch_sum(array)
    steps = steps_to(shape, array.shape, array.strides, array.dtype)
    if steps:  # the gradient of a bias, mostly
        return add_in_steps(array, steps)
    axes = stretched(array.shape, shape)
    return torch_sum(array, axes).reshape(shape) if axes else array.reshape(shape)


@functools.lru_cache(maxsize=1024)
def stretched(wide, shape):
    """The axes of `wide` that broadcasting from `shape` made or stretched."""
    extra = len(wide) - len(shape)
    if extra < 0 or any(want not in (1, have) for want, have in zip(shape, wide[extra:], strict=True)):
        raise ValueError("not a broadcast")
    return (*range(extra), *(extra + i for i, n in enumerate(shape) if n == 1 and wide[extra + i] != 1))


sum_to = Operation(
    "SumTo", lambda x, *, shape: add_up(x, shape), mix="none", x=lambda g, x_shape: broadcast(g, shape=x_shape)
)
broadcast = Operation(
    "Expand", lambda x, *, shape: spread_out(x, shape), mix="none", x=lambda g, x_shape: sum_to(g, shape=x_shape)
)


def convert(arrays, mix):
    """Bring the inputs of an operation to one type: PyTorch's promotion, without work in the usual case of one floating type."""
    kind = None
    for a in arrays:
        if isinstance(a, ndarray):
            if kind is None:
                kind = a.dtype
            elif a.dtype is not kind:
                break
        elif type(a) is not float and type(a) is not int:
            break
    else:
        if kind is not None and kind.kind == "f":
            return arrays
    common = dtypes.result_dtype(a for a in arrays if a is not None)
    if mix == "float" and common.category < 2:
        common = dtypes.get_default_dtype()
    return [a if a is None else in_type(a, common.numpy) for a in arrays]


def in_type(value, kind):
    """A value in another number type, wrapping where it does not fit, as C does; numbers stay without dimensions."""
    if isinstance(value, ndarray):
        return value if value.dtype is kind else value.astype(kind)
    if kind.kind in "iu":
        return np.asarray(int(value) if not isinstance(value, float) else value, np.int64).astype(kind)
    return np.asarray(value, kind)


def refuse_overlap(into, array):
    """Raise PyTorch's error if part of the memory that is written to would be read as well: then the order of writing would count.

    It looks only at dense memory, without gaps; to read just what is written is fine.
    """
    if array is into or not (into.size and array.size and is_dense(into) and is_dense(array)):
        return
    start, other = (a.__array_interface__["data"][0] for a in (into, array))
    if start == other and into.nbytes == array.nbytes and into.strides == array.strides:
        return
    if start < other + array.nbytes and other < start + into.nbytes:
        raise RuntimeError(
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory "
            "location. Please clone() the tensor before performing the operation."
        )


def is_dense(array):
    """Whether an array fills a piece of memory, in whatever order of its axes."""
    expected = array.itemsize
    for stride, length in sorted(zip(array.strides, array.shape, strict=True)):
        if length != 1:
            if stride != expected:
                return False
            expected *= length
    return True


def modified_in_place(array, version, expected, node, nr):
    """The error of a backward that finds a value changed since it was saved."""
    word = dtypes.FROM_NUMPY[array.dtype].letter
    origin = ""
    if node is not None:
        origin = f", which is output {nr} of {re.sub('Backward[0-9]*$', '', node.name())},"
    return RuntimeError(
        "one of the variables needed for gradient computation has been modified by an inplace operation: "
        f"[torch.{word}Tensor {list(array.shape)}]{origin} is at version {version}; expected version {expected} instead. Hint: "
        + (FOUND_BY_ANOMALY if mode.anomaly else HOW_TO_FIND)
    )


def size_mismatch(a, b):
    """PyTorch's words for two shapes that do not broadcast, or None if they do."""
    length = max(len(a), len(b))
    for i in range(1, min(len(a), len(b)) + 1):
        if a[-i] != b[-i] and 1 not in (a[-i], b[-i]):
            return (
                f"The size of tensor a ({a[-i]}) must match the size of tensor b ({b[-i]}) at non-singleton dimension "
                f"{length - i}"
            )
    return None


def in_pytorchs_words(error, arrays, out=None):
    """Translate NumPy's error about shapes into PyTorch's."""
    text = str(error)
    shapes = [a.shape for a in arrays if isinstance(a, ndarray)]
    if not shapes:
        shapes = [tuple(map(int, re.findall(r"\d+", s))) for s in re.findall(r"\(([\d,]*)\)", text)]
    for a, b in itertools.pairwise(shapes):
        words = size_mismatch(a, b)
        if words:
            return RuntimeError(words)
    if "read-only" in text:
        return RuntimeError(
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. "
            "Please clone() the tensor before performing the operation."
        )
    if out is not None and "broadcast" in text:
        wide = np.broadcast_shapes(*shapes)
        return RuntimeError(f"output with shape {list(out.shape)} doesn't match the broadcast shape {list(wide)}")
    return error
