"""`torch.autograd`: gradients on demand, functions with a derivative of your own, and checks of derivatives.

`grad` returns gradients instead of storing them; the grad modes say whether operations are recorded; `Function` is a node whose backward you
write; `functional` has Jacobians and their products; `gradcheck` compares a derivative with finite differences.
"""

from __future__ import annotations

import functools
import inspect
import types

import numpy as np

from . import dtypes, graph, ops
from .end import end_of
from .record import NO_EDGE, edge_of, made_by, modified_in_place, wrap
from .tensor import GradientEdge, Tensor, backward, checked_inputs, run_backward, warn, with_graph  # noqa: F401 (torch.autograd.backward)
from .walk import SECOND_TIME, Node, mode, rare

__getattr__ = end_of("torch.autograd")
_unsafe_preserve_version_counter = graph.preserve_version

# ---- grad modes ------------------------------------------------------------------------------------------------------

DECORATED_CLASS = (
    "Decorating classes is deprecated and will be disabled in future versions. You should only decorate functions or methods. "
    "To preserve the current behavior of class decoration, you can directly decorate the `__init__` method and nothing else."
)


class GradMode:
    """A context manager, and decorator, under which `mode.grad` has another value."""

    def __call__(self, function):
        if inspect.isclass(function):
            warn(DECORATED_CLASS, FutureWarning)

        @functools.wraps(function)
        def decorated(*args, **kwargs):
            with self.again():
                return function(*args, **kwargs)

        @functools.wraps(function)
        def decorated_generator(*args, **kwargs):
            return self.running(function(*args, **kwargs))

        return decorated_generator if inspect.isgeneratorfunction(function) else decorated

    def running(self, generator):
        """A generator whose own code runs under this mode, while whoever takes its values stays under theirs."""
        step, given = generator.send, None
        while True:
            try:
                with self.again():
                    value = step(given)
            except StopIteration as end:
                return end.value
            try:
                given = yield value
                step = generator.send
            except GeneratorExit:
                with self.again():
                    generator.close()
                raise
            except BaseException as error:
                step, given = generator.throw, error

    def again(self):
        return type(self)()

    def __enter__(self):
        self.before = mode.grad
        mode.grad = self.value

    def __exit__(self, *exception):
        mode.grad = self.before


def decorates_without_parentheses(cls):
    """Let `@no_grad` mean `@no_grad()`."""

    def new(cls, function=None):
        made = object.__new__(cls)
        return made if function is None else made(function)

    cls.__new__ = new
    return cls


@decorates_without_parentheses
class no_grad(GradMode):
    """Under it nothing is recorded."""

    value = False


@decorates_without_parentheses
class enable_grad(GradMode):
    """Under it operations are recorded, also inside `no_grad`."""

    value = True


class set_grad_enabled(GradMode):
    """Record or not, from this call on; as a context manager until the block ends."""

    def __init__(self, mode: bool):
        if not isinstance(mode, bool):
            raise TypeError(
                f"set_grad_enabled(): argument 'enabled' (position 1) must be bool, not {type(mode).__name__}"
            )
        self.before, self.value = is_grad_enabled(), mode
        set_mode(mode)

    def __repr__(self):
        return f"torch.autograd.grad_mode.set_grad_enabled(mode={self.value})"

    def again(self):
        return set_grad_enabled(self.value)

    def __call__(self, function):
        mode.grad = self.before
        return super().__call__(function)

    def __enter__(self):
        mode.grad = self.value


class inference_mode(GradMode):
    """Like `no_grad`, and its tensors can never take part in a graph."""

    def __new__(cls, mode=True):
        made = object.__new__(cls)
        if isinstance(mode, types.FunctionType):
            made.on = True
            return made(mode)
        return made

    def __init__(self, mode=True):
        self.on = mode

    def again(self):
        return inference_mode(self.on)

    def __enter__(self):
        rare[:] = [True]
        self.before = mode.grad, mode.inference
        mode.grad, mode.inference = not self.on, self.on

    def __exit__(self, *exception):
        mode.grad, mode.inference = self.before


def is_grad_enabled() -> bool:
    """Whether operations are recorded."""
    return mode.grad


def set_mode(recording: bool) -> None:
    mode.grad = recording


def is_inference_mode_enabled() -> bool:
    """Whether inference mode is on."""
    return mode.inference


class set_detect_anomaly:
    """Look for nan in every backward, and remember where each forward was; as a context manager until the block ends."""

    def __init__(self, mode_: bool = True, check_nan: bool = True):
        rare[:] = [True]
        self.before = mode.anomaly, mode.check_nan
        mode.anomaly, mode.check_nan = mode_, check_nan

    def __enter__(self):
        pass

    def __exit__(self, *exception):
        mode.anomaly, mode.check_nan = self.before


class detect_anomaly(set_detect_anomaly):
    """`set_detect_anomaly(True)` for a block, with a warning that it is slow."""

    def __init__(self, check_nan: bool = True):
        warn(
            "Anomaly Detection has been enabled. This mode will increase the runtime and should only be enabled for debugging."
        )
        self.wanted = check_nan

    def __enter__(self):
        super().__init__(True, self.wanted)


def is_anomaly_enabled() -> bool:
    """Whether anomaly detection is on."""
    return mode.anomaly


def is_anomaly_check_nan_enabled() -> bool:
    """Whether anomaly detection looks for nan."""
    return mode.check_nan


# ---- gradients of a former age ----------------------------------------------------------------------------------------


class VariableMeta(type):
    def __instancecheck__(cls, other):
        return isinstance(other, Tensor)


class Variable(metaclass=VariableMeta):
    """What tensors with a history were called before 2018: `Variable(data, requires_grad=False)` is a tensor over the same memory."""

    def __new__(cls, data=None, requires_grad=False, volatile=False):
        if not isinstance(data, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(data).__name__}")
        if volatile:
            warn("volatile was removed and now has no effect. Use `with torch.no_grad():` instead.")
        return data.detach().requires_grad_(requires_grad)


# ---- gradients on demand ---------------------------------------------------------------------------------------------


def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
):
    """The gradients of the sum of `outputs`, weighted by `grad_outputs`, with respect to `inputs`: a tuple, one for each.

    Nothing is added to any `.grad`. Raises RuntimeError if an input does not require grad, or was not used and neither
    `allow_unused` (then its gradient is None) nor `materialize_grads` (then zeros) is set.
    """
    outputs = (outputs,) if isinstance(outputs, (Tensor, GradientEdge)) else tuple(outputs)
    inputs = checked_inputs(inputs, "grad")
    if isinstance(grad_outputs, Tensor):
        grad_outputs = (grad_outputs,)
    if is_grads_batched:
        return batched_grad(outputs, inputs, grad_outputs, create_graph, allow_unused, materialize_grads)
    if allow_unused is False and materialize_grads:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: allow_unused=False."
        )
    grads = [None] * len(outputs) if grad_outputs is None else list(grad_outputs)
    results = run_backward(outputs, grads, retain_graph, create_graph, inputs)
    for i, result in enumerate(results):
        if result is None and not allow_unused and not materialize_grads:
            raise RuntimeError(
                f"The differentiated Tensor at index {i} appears to not have been used in the graph. Set allow_unused=True if "
                "this is the desired behavior."
            )
    if materialize_grads:
        if any(r is None and isinstance(x, GradientEdge) for x, r in zip(inputs, results, strict=True)):
            raise RuntimeError("materialize_grads cannot be used when the given input is a GradientEdge")
        results = [
            wrap(np.zeros_like(x._array)).requires_grad_(create_graph) if r is None else r
            for x, r in zip(inputs, results, strict=True)
        ]
    return tuple(results)


ROW_MISMATCH = (
    "If `is_grads_batched=True`, we interpret the first dimension of each grad_output as the batch dimension. The sizes of the "
    "remaining dimensions are expected to match the shape of corresponding output, but a mismatch was detected: "
    "grad_output[{}] has a shape of {} and output[{}] has a shape of {}. If you only want some tensors in `grad_output` to be "
    "considered batched, consider using vmap."
)


def batched_grad(outputs, inputs, grad_outputs, create_graph, allow_unused, materialize_grads):
    """One backward for each row of the cotangents, stacked."""
    for i, (output, g) in enumerate(zip(outputs, grad_outputs, strict=True)):
        if g._array.shape[1:] != output._array.shape:
            raise RuntimeError(ROW_MISMATCH.format(i, dtypes.Size(g._array.shape[2:]), i, output.shape))
    count = grad_outputs[0]._array.shape[0]
    rows = [
        grad(outputs, inputs, [g[i] for g in grad_outputs], True, create_graph, allow_unused, False, materialize_grads)
        for i in range(count)
    ]
    return tuple(None if column[0] is None else ops.stack(*column, dim=0) for column in zip(*rows, strict=True))


# ---- functions of your own -------------------------------------------------------------------------------------------


class FunctionNode(Node):
    """The node of a custom Function, which is also the `ctx` that its forward and backward receive."""

    saved = ()
    _materialize = True
    _dirty = ()
    _non_differentiable = ()
    needs_input_grad = ()

    def __init__(self, function):
        self._function = function
        rare[:] = [True]  # its backward may look at what the walk has done so far

    def __repr__(self):
        return f"<torch.autograd.function.{type(self).__name__} object at {id(self):#x}>"

    def save_for_backward(self, *tensors):
        """Keep tensors for backward; changing them in place until then is found out."""
        self.to_save = tensors

    def mark_dirty(self, *tensors):
        """Say which inputs forward has changed in place."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors):
        """Say which outputs have no gradient."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value):
        """Whether a missing gradient comes to backward as zeros (True) or as None."""
        self._materialize = value

    @property
    def saved_tensors(self):
        if self._saved is None:
            raise RuntimeError(SECOND_TIME)
        found = []
        for tensor, version, of_output in self._saved:
            if tensor is not None and tensor._counter[0] != version:
                raise modified_in_place(tensor._array, tensor._counter[0], version, tensor.grad_fn, tensor.output_nr)
            if isinstance(tensor, graph.Packed):
                tensor = tensor.get()
            elif of_output is not None:
                array, counter, nr = of_output
                tensor = made_by(array, self, nr)
                tensor._counter = counter
            found.append(tensor)
        return tuple(found)

    @property
    def saved_variables(self):
        warn("'saved_variables' is deprecated; use 'saved_tensors'", DeprecationWarning)
        return self.saved_tensors

    def _keep(self, outputs):
        """Turn what was given to save_for_backward into saved values: an output is kept without its history, which leads here."""
        saved = []
        for tensor in getattr(self, "to_save", ()):
            nr = next((i for i, o in enumerate(outputs) if o is tensor), None)
            if tensor is None:
                saved.append((None, 0, None))
            elif not isinstance(tensor, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but argument {len(saved)} is of type {type(tensor).__name__}"
                )
            elif nr is not None and tensor.grad_fn is self:
                alias = wrap(tensor._array)
                alias._counter = tensor._counter
                saved.append((graph.packed(alias), tensor._counter[0], (tensor._array, tensor._counter, nr)))
            else:
                saved.append((graph.packed(tensor), tensor._counter[0], None))
        self._saved = saved
        self.to_save = ()

    def backward(self, grads):
        recording = any(isinstance(g, Tensor) for g in grads)
        given = []
        for grad, metadata in zip(grads, self._metadata, strict=True):
            if grad is None:
                given.append(wrap(np.zeros(*metadata)) if self._materialize and metadata else None)
            else:
                given.append(grad if recording else wrap(np.asarray(grad)))
        rule = self._function.backward if self._function.backward is not Function.backward else self._function.vjp
        results = with_graph(recording, rule, self, *given)
        results = list(results) if isinstance(results, (tuple, list)) else [results]
        expected = len(self._places)
        if len(results) > expected and all(r is None for r in results[expected:]):
            results = results[:expected]
        if len(results) != expected:
            raise RuntimeError(
                f"function {self.name()} returned an incorrect number of gradients (expected {expected}, got {len(results)})"
            )
        fitting = []
        for i, is_tensor in enumerate(self._places):
            if not is_tensor:
                if results[i] is not None:
                    raise RuntimeError(
                        f"function {self.name()} returned a gradient different than None at position {i + 1}, but the "
                        "corresponding forward input was not a Variable"
                    )
                continue
            fitting.append(results[i])
        return [self._fit(i, grad, recording) for i, grad in enumerate(fitting)]

    def _fit(self, i, grad, recording):
        """A returned gradient in the shape and type of its input."""
        below, nr = self._edges[i]
        if grad is None or below is None:
            return None
        if not isinstance(grad, Tensor):
            raise RuntimeError(f"expected Variable or None (got {type(grad).__name__})")
        shape, kind = below._metadata[nr]
        if grad._array.shape != shape:
            try:
                grad = ops.sum_to(grad, shape=shape)
            except ValueError:
                raise RuntimeError(
                    f"Function {self.name()} returned an invalid gradient at index {i} - got {list(grad._array.shape)} but "
                    f"expected shape compatible with {list(shape)}"
                ) from None
        if grad._array.dtype != kind:
            grad = grad.to(dtypes.FROM_NUMPY[kind])
        return grad if recording else grad._array

    def release(self):
        if self._saved:
            self._saved = None

    _as_tensor = staticmethod(lambda grad: grad if isinstance(grad, Tensor) else wrap(np.asarray(grad)))
    _as_gradient = staticmethod(lambda tensor, like: tensor if isinstance(like, Tensor) else tensor._array)


class Function:
    """A function whose derivative you write: subclass with static methods `forward(ctx, …)` and `backward(ctx, *grads)`, call `apply`.

    `backward` takes one gradient per output and returns one per argument of forward, None for what is no tensor.
    With `setup_context(ctx, inputs, output)` forward takes no ctx.
    """

    generate_vmap_rule = False

    def __init__(self, *args, **kwargs):
        warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all static, so you should invoke them "
            "on the class itself. Instantiating an autograd function will raise an error in a future version of PyTorch.",
            DeprecationWarning,
        )

    def __call__(self, *args, **kwargs):
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use new-style autograd function with "
            "static forward method. (Example: https://pytorch.org/docs/stable/autograd.html#torch.autograd.Function)"
        )

    @staticmethod
    def forward(*args, **kwargs):
        raise NotImplementedError("You must implement the forward function for custom autograd.Function.")

    @staticmethod
    def setup_context(ctx, inputs, output):
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx, *grad_outputs):
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom autograd.Function to use it with backward "
            "mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx, *grad_inputs):
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with forward mode AD."
        )

    @staticmethod
    def vmap(info, in_dims, *args):
        raise NotImplementedError("To use autograd.Function with vmap, you must either override the vmap staticmethod.")

    @classmethod
    def apply(cls, *args, **kwargs):
        """Compute forward and record this function as one node."""
        if kwargs:
            args = positional(cls, args, kwargs)
        node = cls.new_node()
        node._places = [isinstance(a, Tensor) for a in args]
        node.needs_input_grad = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        recording = mode.grad and any(node.needs_input_grad)
        edges = tuple(edge_of(a) if recording else NO_EDGE for a in args if isinstance(a, Tensor))
        Node.__init__(node, edges, [])
        if cls.setup_context is Function.setup_context:
            result = with_graph(False, cls.forward, node, *args)
        else:
            result = with_graph(False, cls.forward, *args)
            with_graph(False, cls.setup_context, node, args, result)
        outputs = result if isinstance(result, (tuple, list)) else (result,)
        outputs = [cls.output(node, o, nr, args, recording) for nr, o in enumerate(outputs)]
        node._metadata = [(o._array.shape, o._array.dtype) if isinstance(o, Tensor) else None for o in outputs]
        if recording:
            originals = result if isinstance(result, (tuple, list)) else (result,)
            node.to_save = tuple(
                next((o for o, old in zip(outputs, originals, strict=True) if old is t), t)
                for t in getattr(node, "to_save", ())
            )
            node._keep(outputs)
        return tuple(outputs) if isinstance(result, (tuple, list)) else outputs[0]

    @classmethod
    def new_node(cls):
        if "node_type" not in cls.__dict__:
            cls.node_type = type(cls.__name__ + "Backward", (FunctionNode,), {"_forward_cls": cls})
        return cls.node_type(cls)

    @staticmethod
    def output(node, tensor, nr, args, recording):
        """Attach an output of forward to the node."""
        if not isinstance(tensor, Tensor):
            return tensor
        dirty = any(tensor is d for d in node._dirty)
        if dirty and recording:
            if tensor._requires_grad and tensor._edge is None and tensor._base is None:
                raise RuntimeError("a leaf Variable that requires grad has been used in an in-place operation.")
            tensor._check_writable(True)
            tensor._counter[0] += 1
            tensor._edge, tensor._requires_grad = (node, nr), True
            return tensor
        if any(tensor is a for a in args):
            tensor = tensor.detach()
        differentiable = tensor._array.dtype.kind == "f" and not any(tensor is n for n in node._non_differentiable)
        if recording and differentiable:
            tensor._edge, tensor._requires_grad, tensor._base = (node, nr), True, None
        return tensor


class InplaceFunction(Function):
    """An old name: a Function whose forward may write in place; `mark_dirty` is what counts."""

    def __init__(self, inplace=False):
        self.inplace = inplace


FunctionCtx = FunctionNode


def positional(cls, args, kwargs):
    """The arguments of `apply` in the order of forward's parameters."""
    before = (None,) if cls.setup_context is Function.setup_context else ()
    return inspect.signature(cls.forward).bind(*before, *args, **kwargs).args[len(before) :]


class Error(Node):
    """A node whose backward is an error: the history of what must not be differentiated again."""

    def __init__(self, message, next_functions, metadata):
        self.message = message
        super().__init__(next_functions, metadata)

    def backward(self, grads):
        raise RuntimeError(self.message)


def once_differentiable(function):
    """Decorate a backward that cannot itself be differentiated: a second derivative through it is an error, not a wrong number."""

    @functools.wraps(function)
    def once(ctx, *grads):
        results = with_graph(False, function, ctx, *grads)
        if not (mode.grad and any(isinstance(g, Tensor) and g.requires_grad for g in grads)):
            return results
        found, many = as_tuple(results)
        leaves = [None if x is None else x.detach().requires_grad_() for x in found]
        node = Error(
            "trying to differentiate twice a function that was marked with @once_differentiable",
            tuple(NO_EDGE if x is None else edge_of(x) for x in leaves),
            [None if x is None else (x._array.shape, x._array.dtype) for x in leaves],
        )
        marked = tuple(None if x is None else made_by(x._array, node, nr) for nr, x in enumerate(leaves))
        return marked if many else marked[0]

    return once


# ---- Jacobians -------------------------------------------------------------------------------------------------------


def as_tuple(x):
    return (tuple(x), True) if isinstance(x, (tuple, list)) else ((x,), False)


def checked(x, what, word):
    """`x` as a tuple, if it is a tensor or a tuple of tensors; and whether it was a tuple. what: its name in the error."""
    if not isinstance(x, (tuple, Tensor)):
        raise TypeError(
            f"The {what} given to {word} must be either a Tensor or a tuple of Tensors but the given {what} has type {type(x)}."
        )
    values, many = (x, True) if isinstance(x, tuple) else ((x,), False)
    for i, value in enumerate(values):
        if not isinstance(value, Tensor):
            raise TypeError(
                f"The {what} given to {word} must be either a Tensor or a tuple of Tensors but the value at index {i} has type "
                f"{type(value)}."
            )
    return values, many


def fresh(inputs, create_graph):
    """Inputs that can be differentiated, apart from the caller's graph unless that is to continue."""
    return tuple(x.view_as(x) if create_graph and x.requires_grad else x.detach().requires_grad_() for x in inputs)


def zeros_if_none(grads, inputs):
    return tuple(wrap(np.zeros_like(x._array)) if g is None else g for g, x in zip(grads, inputs, strict=True))


def outputs_of(func, inputs, word, strict=False):
    values, many = checked(func(*inputs), OUTPUTS, word)
    for i, value in enumerate(values):
        if strict and not value.requires_grad:
            raise RuntimeError(STRICT.format(i))
    return values, many


OUTPUTS = "outputs of the user-provided function"
STRICT = (
    "Output {} of the user-provided function does not require gradients. The outputs must be computed in a differentiable "
    "manner from the input when running in strict mode."
)


def jacobian(func, inputs, create_graph=False, strict=False, vectorize=False, strategy="reverse-mode"):
    """All first derivatives: of shape output.shape + input.shape, nested in tuples as outputs and inputs are.

    One backward for each element of the output, with a cotangent that is 1 there and 0 elsewhere.
    """
    if strategy == "forward-mode" and not vectorize:
        raise NotImplementedError(
            "Computing Jacobian using forward-AD or forward-over-reverse Hessian isonly implemented for `vectorize=True`."
        )
    if strict and vectorize:
        raise RuntimeError(
            "torch.autograd.functional.jacobian: `strict=True` and `vectorized=True` are not supported together. Please either "
            "set `strict=False` or `vectorize=False`."
        )
    inputs, many_in = checked(inputs, "inputs", "jacobian")
    with enable_grad():
        given = fresh(inputs, create_graph)
        outputs, many_out = outputs_of(func, given, "jacobian", strict)
        result = []
        for nr, output in enumerate(outputs):
            rows = []
            for i in range(output._array.size):
                if not output.requires_grad:
                    rows.append(zeros_if_none([None] * len(given), given))
                    continue
                cotangent = np.zeros(output._array.size, output._array.dtype)
                cotangent[i] = 1
                cotangent = wrap(cotangent.reshape(output._array.shape))
                found = grad((output,), given, (cotangent,), True, create_graph, allow_unused=True)
                if strict:
                    check_dependence(found, nr, create_graph)
                rows.append(zeros_if_none(found, given))
            shape = output._array.shape
            columns = [
                ops.view(ops.stack(*(row[k] for row in rows), dim=0), shape=shape + given[k]._array.shape)
                if rows
                else wrap(np.zeros(shape + given[k]._array.shape, given[k]._array.dtype))
                for k in range(len(given))
            ]
            result.append(tuple(columns) if many_in else columns[0])
    return tuple(result) if many_out else result[0]


def check_dependence(found, nr, create_graph):
    """Raise PyTorch's error, in strict mode, for a derivative that is zero because nothing depends on the input."""
    for k, grad_k in enumerate(found):
        if grad_k is None:
            raise RuntimeError(
                f"Output {nr} of the user-provided function is independent of input {k}. This is not allowed in strict mode."
            )
        if create_graph and not grad_k.requires_grad:
            raise RuntimeError(
                f"The jacobian of the user-provided function is independent of input {k}. This is not allowed in strict mode "
                "when create_graph=True."
            )


def check_curvature(found):
    """Raise PyTorch's error, in strict mode, for a gradient that does not depend on the input: a second derivative that is zero."""
    for k, grad_k in enumerate(found):
        if not grad_k.requires_grad:
            raise RuntimeError(
                f"While computing the hessian, found that the jacobian of the user-provided function with respect to input {k} is "
                "independent of the input. This is not allowed in strict mode. You should ensure that your function is twice "
                "differentiable and that the jacobian depends on the inputs (this would be violated by a linear function for "
                "example)."
            )


def scalar_output(func, word, strict=False):
    def single(*inputs):
        outputs, many = outputs_of(func, inputs, word, strict)
        if many:
            raise RuntimeError(f"The function given to {word} should return a single Tensor")
        output = outputs[0]
        if output._array.size != 1:
            raise RuntimeError(f"The Tensor returned by the function given to {word} should contain a single element")
        return output.reshape(()) if output._array.ndim else output

    return single


def hessian(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy="reverse-mode"):
    """All second derivatives of a function with one number as output: the Jacobian of its gradient."""
    inputs, many = checked(inputs, "inputs", "hessian")
    func = scalar_output(func, "hessian", strict)

    def gradient(*given):
        found = jacobian(func, given if many else given[0], create_graph=True)
        if strict:
            check_curvature(found if many else (found,))
        return found

    return jacobian(gradient, inputs if many else inputs[0], create_graph=create_graph)


def vjp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, v @ Jacobian): one backward with the cotangent v."""
    inputs, many = checked(inputs, "inputs", "vjp")
    with enable_grad():
        given = fresh(inputs, create_graph)
        outputs, many_out = outputs_of(func, given, "vjp", strict)
        v = check_vector(v, outputs, "vjp", "output")
        found = grad(outputs, given, v, create_graph=create_graph, allow_unused=True)
    found = zeros_if_none(found, given)
    outputs = tuple(outputs if create_graph else (o.detach() for o in outputs))
    return (outputs if many_out else outputs[0]), (found if many else found[0])


def check_vector(v, like, word, what):
    if v is None:
        if len(like) != 1 or like[0]._array.size != 1:
            raise RuntimeError(
                "The vector v can only be None if the user-provided function returns a single Tensor with a single element."
                if what == "output"
                else "The vector v can only be None if the input to the user-provided function is a single Tensor with a single "
                "element."
            )
        return (wrap(np.ones_like(like[0]._array)),)
    v, many = checked(v, "v", word)
    if len(v) != len(like):
        if len(like) == 1:
            raise RuntimeError("The given v should contain a single Tensor.")
        raise RuntimeError(f"v is a tuple of invalid length: should be {len(like)} but got {len(v)}.")
    for i, (a, b) in enumerate(zip(v, like, strict=True)):
        if a._array.shape != b._array.shape:
            if len(like) > 1:
                raise RuntimeError(f"Entry {i} in v has invalid size: should be {b.shape} but got {a.shape}.")
            raise RuntimeError(f"v has invalid size: should be {b.shape} but got {a.shape}.")
    return v


def jvp(func, inputs, v=None, create_graph=False, strict=False):
    """(outputs, Jacobian @ v), by differentiating the vjp, which is linear in its cotangent, with respect to that cotangent."""
    inputs, many = checked(inputs, "inputs", "jvp")
    with enable_grad():
        given = fresh(inputs, create_graph)
        v = check_vector(v, given, "jvp", "input")
        outputs, many_out = outputs_of(func, given, "jvp", strict)
        cotangents = tuple(wrap(np.zeros_like(o._array)).requires_grad_() for o in outputs)
        back = zeros_if_none(grad(outputs, given, cotangents, create_graph=True, allow_unused=True), given)
        linear = [(b, w) for b, w in zip(back, v, strict=True) if b.requires_grad]
        found = [None] * len(outputs)
        if linear:
            found = grad(
                [b for b, _ in linear], cotangents, [w for _, w in linear], create_graph=create_graph, allow_unused=True
            )
    found = zeros_if_none(found, outputs)
    outputs = tuple(outputs if create_graph else (o.detach() for o in outputs))
    return (outputs if many_out else outputs[0]), (found if many_out else found[0])


def vhp(func, inputs, v=None, create_graph=False, strict=False, word="vhp"):
    """(output, v @ Hessian) of a function with one number as output."""
    inputs, many = checked(inputs, "inputs", word)
    func = scalar_output(func, word, strict)
    with enable_grad():
        given = fresh(inputs, create_graph)
        v = check_vector(v, given, word, "input")
        output = func(*given)
        first = zeros_if_none(grad((output,), given, create_graph=True, allow_unused=True), given)
        if strict:
            check_curvature(first)
        linear = [(b, w) for b, w in zip(first, v, strict=True) if b.requires_grad]
        found = [None] * len(given)
        if linear:
            found = grad(
                [b for b, _ in linear], given, [w for _, w in linear], create_graph=create_graph, allow_unused=True
            )
    found = zeros_if_none(found, given)
    return (output if create_graph else output.detach()), (found if many else found[0])


def hvp(func, inputs, v=None, create_graph=False, strict=False):
    """(output, Hessian @ v), which is v @ Hessian: the Hessian is symmetric."""
    return vhp(func, inputs, v, create_graph, strict, "hvp")


functional = types.SimpleNamespace(jacobian=jacobian, hessian=hessian, vjp=vjp, jvp=jvp, vhp=vhp, hvp=hvp)


# ---- checks ----------------------------------------------------------------------------------------------------------


class GradcheckError(RuntimeError):
    """What `gradcheck` raises: the two Jacobians that should agree."""


def numerical_jacobian(func, inputs, k, eps):
    """By central differences: one column for each element of input k, as matrices (input elements, output elements), one per output."""
    x = inputs[k]._array.reshape(-1)
    if not np.shares_memory(x, inputs[k]._array):
        raise NotImplementedError("handtorch's gradcheck ends at contiguous inputs; call .contiguous() first")
    columns = []
    for i in range(x.size):
        old = x[i]
        x[i] = old + eps
        above = [o._array.astype(np.float64) for o in outputs_for_check(func, inputs)]
        x[i] = old - eps
        below = [o._array.astype(np.float64) for o in outputs_for_check(func, inputs)]
        x[i] = old
        columns.append([(a - b).reshape(-1) / (2 * eps) for a, b in zip(above, below, strict=True)])
    count = len(outputs_for_check(func, inputs))
    return [np.array([column[j] for column in columns]) for j in range(count)]


def outputs_for_check(func, inputs):
    outputs, _ = as_tuple(func(*inputs))
    return [o.detach().clone() for o in outputs if isinstance(o, Tensor) and o._array.dtype.kind == "f"]


def gradcheck(
    func,
    inputs,
    *,
    eps=1e-6,
    atol=1e-5,
    rtol=1e-3,
    raise_exception=True,
    nondet_tol=0.0,
    check_undefined_grad=True,
    check_grad_dtypes=False,
    check_batched_grad=False,
    check_batched_forward_grad=False,
    check_forward_ad=False,
    check_backward_ad=True,
    fast_mode=False,
    masked=None,
):
    """Compare the Jacobian by backward with the one by central differences, element by element; True if they agree.

    Inputs should be float64. Raises GradcheckError with both Jacobians if they differ by more than atol + rtol * |numerical|.
    """
    inputs, _ = as_tuple(inputs)
    checked = [k for k, x in enumerate(inputs) if isinstance(x, Tensor) and x.requires_grad]
    if not checked:
        raise ValueError(
            "gradcheck expects at least one input tensor to require gradient, but none of them have requires_grad=True."
        )
    for k in checked:
        if inputs[k].dtype is not dtypes.float64:
            warn(
                f"Input #{k} requires gradient and is not a double precision floating point or complex. This check will likely "
                "fail if all the inputs are not of double precision floating point or complex. "
            )
    try:
        compare_jacobians(func, inputs, checked, eps, atol, rtol)
    except GradcheckError:
        if raise_exception:
            raise
        return False
    return True


def compare_jacobians(func, inputs, checked, eps, atol, rtol):
    outputs, _ = as_tuple(func(*inputs))
    outputs = [o for o in outputs if isinstance(o, Tensor) and o.requires_grad]
    for k in checked:
        numerical = with_graph(False, numerical_jacobian, func, inputs, k, eps)
        if not outputs and any(column.any() for column in numerical):
            raise GradcheckError("Numerical gradient for function expected to be zero")
        for j, output in enumerate(outputs):
            analytical = np.zeros((inputs[k]._array.size, output._array.size), inputs[k]._array.dtype)
            for i in range(output._array.size):
                cotangent = np.zeros(output._array.size, output._array.dtype)
                cotangent[i] = 1
                found = grad(
                    (output,),
                    (inputs[k],),
                    (wrap(cotangent.reshape(output._array.shape)),),
                    retain_graph=True,
                    allow_unused=True,
                )[0]
                if found is not None:
                    analytical[:, i] = found._array.reshape(-1)
            expected = numerical[j].astype(output._array.dtype)
            if not np.allclose(analytical, expected, rtol, atol):
                raise GradcheckError(
                    f"Jacobian mismatch for output {j} with respect to input {k},\n"
                    f"numerical:{wrap(expected)}\nanalytical:{wrap(analytical)}\n"
                )


def gradgradcheck(func, inputs, grad_outputs=None, *, eps=1e-6, atol=1e-5, rtol=1e-3, raise_exception=True, **_):
    """`gradcheck` of the gradient: the second derivatives against central differences of the first."""
    inputs, _ = as_tuple(inputs)
    outputs, _ = as_tuple(func(*inputs))
    outputs = [o for o in outputs if isinstance(o, Tensor) and o.requires_grad]
    if grad_outputs is None:
        cotangents = [wrap(np.empty_like(o._array)).uniform_(-1, 1).requires_grad_() for o in outputs]
    else:
        cotangents = list(as_tuple(grad_outputs)[0])

    def gradient(*args):
        given, weights = args[: len(inputs)], args[len(inputs) :]
        found, _ = as_tuple(func(*given))
        found = [o for o in found if isinstance(o, Tensor) and o.requires_grad]
        wanted = [x for x in given if isinstance(x, Tensor) and x.requires_grad]
        with enable_grad():
            return grad(found, wanted, weights, create_graph=True, allow_unused=True, materialize_grads=True)

    recorded = lambda *args: with_graph(True, gradient, *args)
    return gradcheck(recorded, (*inputs, *cotangents), eps=eps, atol=atol, rtol=rtol, raise_exception=raise_exception)
