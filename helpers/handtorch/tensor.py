"""The tensor: an array that remembers how it was made.

A `Tensor` holds a NumPy array and what `record.Variable` describes: a version counter, the node that made it, and for a view the tensor whose
memory it shows. This module has its state and its rules: what is a leaf, what may be written in place, how views and their base
stay one, how a gradient arrives. `methods.py` adds the functions that are methods as well (`sum`, `exp`, …).
"""

from __future__ import annotations

import copy
import math
import numbers
import re
import sys
import warnings
import weakref
from typing import NamedTuple

import numpy as np

from . import dtypes, ops
from .dtypes import CPU, Size
from .indexing import get_item, set_item
from .record import Variable, edge_of, wrap
from .text import tensor_text
from .walk import Handle, Node, created, mode, rare, walk

NO_GRAD_VIEW = (
    "A view was created in no_grad mode and is being modified inplace with grad mode enabled. Given that this use case is "
    "ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either "
    "both inside the no_grad block (if you don't want the inplace to be tracked) or both outside (if you want the inplace "
    "to be tracked)."
)
MULTI_VIEW = (
    "Output {} of {} is a view and is being modified inplace. This view is the output of a function that returns multiple "
    "views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation "
    "by an out-of-place one."
)
INFERENCE_WRITE = (
    "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor "
    "before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details."
)
GRAD_OF_NON_LEAF = (
    "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its .grad attribute won't be populated "
    "during autograd.backward(). If you indeed want the .grad field to be populated for a non-leaf Tensor, use "
    ".retain_grad() on the non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you access the leaf "
    "Tensor instead. See github.com/pytorch/pytorch/pull/30531 for more information. (Triggered internally at "
    "/__w/pytorch/pytorch/build/aten/src/ATen/core/TensorBody.h:493.)"
)
FLAG_OF_NON_LEAF = (
    "you can only change requires_grad flags of leaf variables. If you want to use a computed variable in a subgraph that "
    "doesn't require differentiation use var_no_grad = var.detach()."
)
DETACH_VIEW = (
    "Can't detach views in-place. Use detach() instead. If you are using DistributedDataParallel (DDP) for training, and "
    "gradient_as_bucket_view is set as True, gradients are views of DDP buckets, and hence detach_() cannot be called on "
    "these gradients. To fix this error, please refer to the Optimizer.zero_grad() function in torch/optim/optimizer.py as "
    "the solution."
)
COPY_OF_NON_LEAF = (
    "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.  If you were "
    "attempting to deepcopy a module, this may be because of a torch.nn.utils.weight_norm usage, see "
    "https://github.com/pytorch/pytorch/pull/103001"
)
TO_SCALAR = (
    "Converting a tensor with requires_grad=True to a scalar may lead to unexpected behavior.\nConsider using "
    "tensor.detach() first. (Triggered internally at /__w/pytorch/pytorch/torch/csrc/autograd/generated/python_variable_methods.cpp:822.)"
)
NO_NUMPY = "Can't call numpy() on Tensor that requires grad. Use tensor.detach().numpy() instead."
CREATE_GRAPH = (
    "Using backward() with create_graph=True will create a reference cycle between the parameter and its gradient which "
    "can cause a memory leak. We recommend using autograd.grad when creating the graph to avoid this. If you have to use "
    "this function, make sure to reset the .grad fields of your parameters to None after use to break the cycle and avoid "
    "the leak. (Triggered internally at /__w/pytorch/pytorch/torch/csrc/autograd/engine.cpp:1307.)"
)


class Warned:
    """Which of the warnings that PyTorch gives once have been given; `always` gives them each time."""

    always = False
    seen: set = set()


def warn(message, category=UserWarning):
    """Warn at the line of the program, however deep in handtorch the cause lies."""
    level, frame = 1, sys._getframe()
    while frame.f_back is not None and frame.f_globals.get("__name__", "").startswith(__package__):
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)


def warn_once(message):
    if Warned.always or message not in Warned.seen:
        Warned.seen.add(message)
        warn(message)


def set_warn_always(b: bool) -> None:
    """Whether warnings that PyTorch gives once are given every time."""
    Warned.always = b


def is_warn_always_enabled() -> bool:
    return Warned.always


class Tensor(Variable):
    """An array of numbers of one type that can remember how it was computed."""

    _grad = None
    _retains_grad = False
    __array_priority__ = 1000
    __hash__ = object.__hash__

    def __new__(cls, *args, **kwargs):
        return legacy_constructor(cls, args, kwargs)

    # ---- what it is --------------------------------------------------------------------------------------------------

    @property
    def shape(self) -> Size:
        return Size(self._array.shape)

    @property
    def dtype(self) -> dtypes.dtype:
        return dtypes.FROM_NUMPY[self._array.dtype]

    device = property(lambda self: CPU)
    layout = property(lambda self: dtypes.strided)
    ndim = property(lambda self: self._array.ndim)
    itemsize = property(lambda self: self._array.itemsize)
    nbytes = property(lambda self: self._array.size * self._array.itemsize)
    is_sparse = is_quantized = is_cuda = is_meta = is_mps = is_nested = property(lambda self: False)
    is_cpu = property(lambda self: True)

    @property
    def requires_grad(self) -> bool:
        if self._base is not None:
            self._refresh()
            return self._requires_grad or self._base._requires_grad
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, flag):
        if not isinstance(flag, bool):
            raise RuntimeError("requires_grad must be a bool")
        if self.grad_fn is not None:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables." if flag else FLAG_OF_NON_LEAF
            )
        if flag and self._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point and complex dtype can require gradients")
        if flag and self._inference and not mode.inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor outside InferenceMode is not allowed.")
        self._requires_grad = bool(flag)

    @requires_grad.deleter
    def requires_grad(self):
        raise RuntimeError("requires_grad must be a bool")

    def requires_grad_(self, requires_grad: bool = True) -> Tensor:
        """Ask for (or refuse) gradients of this leaf, and return it."""
        if not isinstance(requires_grad, bool):
            raise TypeError(
                f"requires_grad_(): argument 'requires_grad' (position 1) must be bool, not {type(requires_grad).__name__}"
            )
        if requires_grad and self.grad_fn is None and self._array.dtype.kind != "f":
            raise RuntimeError("only Tensors of floating point dtype can require gradients")
        if not (requires_grad and self.grad_fn is not None):
            self.requires_grad = requires_grad
        return self

    @property
    def grad_fn(self) -> Node | None:
        if self._base is not None:
            self._refresh()
        return self._edge and self._edge[0]._named()

    @property
    def is_leaf(self) -> bool:
        return self.grad_fn is None

    @property
    def output_nr(self) -> int:
        return self._edge[1] if self._edge else 0

    @property
    def _version(self) -> int:
        if self._inference:
            raise RuntimeError("Inference tensors do not track version counter.")
        return self._counter[0]

    def is_inference(self) -> bool:
        """Whether it was made in inference mode."""
        return self._inference

    def _is_view(self) -> bool:
        return self._base is not None

    # ---- the gradient ------------------------------------------------------------------------------------------------

    @property
    def grad(self) -> Tensor | None:
        if self._grad is None and self._edge is not None and not self._retains_grad:
            warn(GRAD_OF_NON_LEAF)
        return self._grad

    @grad.setter
    def grad(self, value):
        if value is None:
            self._grad = None
            return
        if not isinstance(value, Tensor):
            raise TypeError(
                f"assigned grad expected to be a Tensor or None but got grad of type {type(value).__name__}"
            )
        if value is self:
            raise RuntimeError("can't assign Variable as its own grad")
        if value._array.dtype != self._array.dtype:
            raise RuntimeError(
                f"attempting to assign a gradient with dtype '{C_NAMES[value.dtype.name]}' to a tensor with grad_dtype "
                f"'{self.dtype.letter}'. The gradient must match the tensor's grad_dtype (defaults to the tensor's "
                "dtype). You can set the tensor's grad_dtype attribute with a specific dtype, or None to allow any dtype. "
                "Set grad_dtype with caution. Diverging the dtypes of a tensor and its gradient may break downstream "
                "systems that assume they match."
            )
        if value._array.shape != self._array.shape:
            raise RuntimeError(
                f"attempting to assign a gradient of size '{list(value._array.shape)}' to a tensor of size "
                f"'{list(self._array.shape)}'. Please ensure that the gradient and the tensor are the same size"
            )
        self._grad = value

    @grad.deleter
    def grad(self):
        self._grad = None

    retains_grad = property(lambda self: self._retains_grad)

    def retain_grad(self) -> None:
        """Keep the gradient of this result in `.grad`, as of a leaf."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self._edge is not None and not self._retains_grad:
            self._retains_grad = True
            self._keep_grad()

    def _keep_grad(self):
        """Let the node that made this tensor put its gradient into `.grad`."""
        owner = weakref.ref(self)

        def keep(grad):
            tensor = owner()
            if tensor is not None and grad is not None:
                grad = grad if isinstance(grad, Tensor) else wrap(np.array(grad))
                tensor._grad = grad if tensor._grad is None else tensor._grad + grad

        node, nr = self._edge
        node._retained = {**(node._retained or {}), nr: keep}
        rare[:] = [True]

    def backward(self, gradient=None, retain_graph=None, create_graph=False, inputs=None) -> None:
        """Add the gradient of this tensor with respect to each leaf below it to that leaf's `.grad`.

        gradient: the cotangent, of this tensor's shape; needed unless it has one element. retain_graph: keep the saved values for another
        call. create_graph: record the computation itself. inputs: only these tensors get a gradient.
        """
        if gradient is None and inputs is None and not create_graph:  # as nearly always
            run_backward((self,), (None,), retain_graph, False)
        else:
            backward((self,), (gradient,), retain_graph, create_graph, inputs)

    def register_hook(self, hook) -> Handle:
        """Call `hook(grad)` whenever this tensor's gradient is ready; what it returns, if not None, takes its place."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        node, nr = edge_of(self)
        if self._edge is None:
            self._hooked = node  # a leaf holds its node only weakly, but hooks must last

        def run(grads):
            recorded = isinstance(grads[nr], Tensor)
            given = grads[nr] if recorded or grads[nr] is None else wrap(np.asarray(grads[nr]))
            changed = hook(given)
            if changed is None:
                return grads
            if not isinstance(changed, Tensor):
                raise TypeError(f"expected Variable, but hook returned '{type(changed).__name__}'")
            name = getattr(hook, "__name__", "<unknown>")
            if given is not None and changed._array.shape != given._array.shape:
                raise RuntimeError(f"hook '{name}' has changed the size of value")
            if given is not None and changed._array.dtype is not given._array.dtype:
                raise RuntimeError(
                    f"hook '{name}' has changed the type of value (was torch.{given.dtype.letter}Tensor got "
                    f"torch.{changed.dtype.letter}Tensor)"
                )
            grads = list(grads)
            grads[nr] = changed if recorded else changed._array
            return grads

        return Handle(node, "_hooks", run)

    def register_post_accumulate_grad_hook(self, hook) -> Handle:
        """Call `hook(tensor)` after this leaf's `.grad` has taken its gradient."""
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self._edge is not None:
            raise RuntimeError("post accumulate grad hooks cannot be registered on non-leaf tensors")
        self._hooked, _ = edge_of(self)

        def run(results, grads):
            if hook(self) is not None:
                raise RuntimeError("Tensor post accumulate grad hooks should return None.")
            return results

        return Handle(self._hooked, "_after", run)

    def _new_leaf_node(self):
        node = AccumulateGrad(self)
        self._leaf_node = weakref.ref(node)
        return node

    # ---- views and writing in place ----------------------------------------------------------------------------------

    def _seen_through(self, root):
        """The part of `root` (the base's memory, or an array or tensor like it) that this view shows."""
        steps = []
        step = self
        while step is not self._base:
            source, op, params, nr = step._shows
            steps.append((op, params, nr))
            step = source
        for op, params, nr in reversed(steps):
            root = op(root, **params)
            if nr is not None:
                root = root[nr]
        return root

    def _refresh(self):
        """A view whose memory was written through another tensor has a new history: that of its base."""
        version = self._counter[0]
        if self._seen != version:
            self._seen = version
            if self._base._requires_grad:
                self._edge, self._requires_grad = (AsStridedBackward0(self), 0), True
                if self._retains_grad:
                    self._keep_grad()

    def _check_writable(self, recording):
        """Raise PyTorch's error if writing in place would confuse a derivative; `recording`: the write is part of a graph."""
        if rare and self._inference and not mode.inference:
            raise RuntimeError(INFERENCE_WRITE)
        if not recording:
            return
        if self._base is not None:
            _, op, _, nr = self._shows
            if self._made_in_no_grad:
                raise RuntimeError(NO_GRAD_VIEW)
            if nr is not None:
                raise RuntimeError(MULTI_VIEW.format(nr, re.sub("Backward[0-9]*$", "", op.node_type.__name__)))
            if self._base._requires_grad and self._base.is_leaf:
                raise RuntimeError(
                    "a view of a leaf Variable that requires grad is being used in an in-place operation."
                )
        elif self._requires_grad and self._edge is None:
            raise RuntimeError("a leaf Variable that requires grad is being used in an in-place operation.")

    def _copy_of_itself(self):
        """What an in-place operation keeps of the value that it overwrites: a copy with the same history."""
        twin = wrap(self._array.copy())
        twin._requires_grad, twin._edge = self._requires_grad, edge_of(self) if self._requires_grad else None
        return twin

    def _was_made_by(self, node):
        """Take a new history after a write in place; a view passes it on to its base."""
        changed = self
        if self._base is not None:
            changed, node = self._base, CopySlices(self, node)
        if changed._retains_grad:
            before, nr = changed._edge
            del before._retained[nr]
        changed._edge, changed._requires_grad = (node, 0), True
        if changed._retains_grad:
            changed._keep_grad()

    @property
    def data(self) -> Tensor:
        """The same memory as a tensor without history, whose writes no version counter sees."""
        return wrap(self._array)

    @data.setter
    def data(self, value):
        if not isinstance(value, Tensor):
            raise TypeError(f"Variable data has to be a tensor, but got {type(value).__name__}")
        if self._requires_grad and value._array.dtype.kind != "f":
            raise RuntimeError("data set to a tensor that requires gradients must be floating point or complex dtype")
        self._array = value._array
        if self._leaf_node and self._leaf_node():
            self._leaf_node()._metadata = [(self._array.shape, self._array.dtype)]

    @data.deleter
    def data(self):
        raise RuntimeError("Deleting tensor data is not allowed. Delete tensor instead!")

    def detach(self) -> Tensor:
        """The same memory as a tensor without history."""
        alias = wrap(self._array)
        alias._counter = self._counter
        if rare and self._inference:
            alias._inference = True
        return alias

    def detach_(self) -> Tensor:
        """Forget the history of this tensor: it becomes a leaf."""
        if self._base is not None:
            raise RuntimeError(DETACH_VIEW)
        self._edge, self._requires_grad = None, False
        return self

    # ---- out to Python and NumPy -------------------------------------------------------------------------------------

    def item(self):
        """The Python number in a tensor of one element."""
        if self._array.size != 1:
            raise RuntimeError(f"a Tensor with {self._array.size} elements cannot be converted to Scalar")
        return self._array.item()

    def tolist(self):
        """The values as nested lists of Python numbers."""
        return self._array.tolist()

    def numpy(self, *, force: bool = False) -> np.ndarray:
        """The array itself: writing to one writes to the other. force: detach first."""
        if self.requires_grad and not force:
            raise RuntimeError(NO_NUMPY)
        return self._array

    def __array__(self, dtype=None, copy=None):
        array = self.numpy()
        if dtype is not None and array.dtype != dtype:
            return array.astype(dtype)
        return array.copy() if copy else array

    def __array_wrap__(self, array, context=None, return_scalar=False):
        return wrap(np.asarray(array))

    def _one(self):
        if self._array.size != 1:
            raise ValueError("only one element tensors can be converted to Python scalars")
        return self._array.item()

    def __float__(self):
        if mode.grad and self.requires_grad and self._array.size == 1:
            warn_once(TO_SCALAR)
        return float(self._one())

    def __int__(self):
        return int(self._one())

    def __complex__(self):
        return complex(self._one())

    def __index__(self):
        if self._array.size != 1 or self._array.dtype.kind not in "iub":
            raise TypeError("only integer tensors of a single element can be converted to an index")
        return int(self._array.item())

    def __bool__(self):
        size = self._array.size
        if size != 1:
            how_many = "more than one value" if size else "no values"
            raise RuntimeError(f"Boolean value of Tensor with {how_many} is ambiguous")
        return bool(self._array.item())

    def is_nonzero(self) -> bool:
        """Whether the one element is not zero."""
        return bool(self)

    def __len__(self):
        if not self._array.ndim:
            raise TypeError("len() of a 0-d tensor")
        return self._array.shape[0]

    def __iter__(self):
        if not self._array.ndim:
            raise TypeError("iteration over a 0-d tensor")
        return iter(ops.unbind.record_one(self, {"dim": 0}))

    def __reversed__(self):
        return self if not self._array.ndim else self.flip(0)

    def __contains__(self, element):
        if not isinstance(element, (Tensor, numbers.Number)):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a {type(element)}."
            )
        return bool((self._array == (element._array if isinstance(element, Tensor) else element)).any())

    def __repr__(self, *, tensor_contents=None):
        node = self.grad_fn
        text = tensor_text(
            self._array,
            default_dtype=dtypes.get_default_dtype().name,
            grad_fn=node and type(node).__name__,
            requires_grad=self._requires_grad,
        )
        return text

    def __format__(self, spec):
        if not self._array.ndim:
            return self._array.item().__format__(spec)
        return object.__format__(self, spec)

    def __deepcopy__(self, memo):
        if self.grad_fn is not None:
            raise RuntimeError(COPY_OF_NON_LEAF)
        if id(self) in memo:
            return memo[id(self)]
        twin = wrap(self._array.copy(), type(self))
        memo[id(self)] = twin
        twin.__dict__.update({k: copy.deepcopy(v, memo) for k, v in self.__dict__.items() if k not in LIVING})
        twin._requires_grad = self._requires_grad
        twin._grad = copy.deepcopy(self._grad, memo)
        return twin

    def __reduce_ex__(self, protocol):
        return rebuild, (type(self), self._array.copy(), self._requires_grad)

    # ---- square brackets ---------------------------------------------------------------------------------------------

    def __getitem__(self, key):
        if type(key) is int and self._array.ndim:
            n = self._array.shape[0]
            if not -n <= key < n:
                raise IndexError(f"index {key} is out of bounds for dimension 0 with size {n}")
            return ops.select.record_one(self, {"dim": 0, "index": key + n if key < 0 else key})
        return get_item(self, key)

    def __setitem__(self, key, value):
        set_item(self, key, value)


LIVING = ("_grad", "_leaf_node", "_hooked", "_inference")
C_NAMES = {
    "bool": "bool",
    "uint8": "unsigned char",
    "int8": "signed char",
    "int16": "short int",
    "int32": "int",
    "int64": "long int",
    "float16": "c10::Half",
    "float32": "float",
    "float64": "double",
}
OPERAND = (Variable, int, float, np.generic, np.ndarray)


def as_operand(other):
    """A number or a tensor, from anything that an operator accepts."""
    if isinstance(other, np.generic):
        return other.item()
    if isinstance(other, np.ndarray):
        return wrap(other)
    return other


def rebuild(cls, array, requires_grad):
    """Make a tensor from its pickled parts."""
    tensor = wrap(dtypes.native(array), cls)
    tensor._requires_grad = requires_grad
    return tensor


def legacy_constructor(cls, args, kwargs):
    """`torch.Tensor(2, 3)`: uninitialized memory of that shape; `torch.Tensor(data)`: the data in the default type."""
    if kwargs.keys() - {"device"}:
        got = [type(a).__name__ for a in args]
        got += [
            f"{name}={'torch.dtype' if isinstance(value, dtypes.dtype) else type(value).__name__}"
            for name, value in kwargs.items()
        ]
        raise TypeError(
            f"new() received an invalid combination of arguments - got ({', '.join(got)}), but expected one of:\n"
            " * (*, torch.device device = None)\n"
            f"      didn't match because some of the keywords were incorrect: {', '.join(kwargs)}\n"
            " * (torch.Storage storage)\n * (Tensor other)\n * (tuple of ints size, *, torch.device device = None)\n"
            " * (object data, *, torch.device device = None)\n"
        )
    kind = dtypes.get_default_dtype().numpy
    if len(args) == 1 and isinstance(args[0], Tensor):
        array = args[0]._array
    elif len(args) == 1 and isinstance(args[0], str):
        raise TypeError("new(): invalid data type 'str'")
    elif len(args) == 1 and isinstance(args[0], float):
        raise TypeError("new(): data must be a sequence (got float)")
    elif len(args) == 1 and not isinstance(args[0], (int, Size)):
        array = np.array(args[0], dtype=kind)
    else:
        array = np.zeros(args[0] if args and isinstance(args[0], Size) else args if args else 0, kind)
    return rebuild(cls, array, False)


# ---- nodes that are not in the table ---------------------------------------------------------------------------------


class AccumulateGrad(Node):
    """The end of the walk: adds what arrives to the `.grad` of a leaf."""

    __slots__ = ("variable",)

    def __init__(self, variable):
        self.variable, self._edges = variable, ()
        self._metadata = [(variable._array.shape, variable._array.dtype)]
        self._sequence = 2**62 - next(created)  # ready leaves go first

    def name(self):
        return "torch::autograd::AccumulateGrad"

    def backward(self, grads):
        grad, variable = grads[0], self.variable
        if grad is None:
            return ()
        old = variable._grad
        if isinstance(grad, Tensor):
            grad = ops.copy(wrap(np.zeros_like(grad._array)), grad) if old is None else old + grad
            variable._grad = grad
        elif old is None:
            # The same array may be on its way to another leaf, so each takes a copy.
            variable._grad = wrap(grad.copy() if type(grad) is np.ndarray else np.array(grad))
        else:
            old._array += grad
            old._counter[0] += 1
        return ()

    _as_tensor = staticmethod(lambda grad: grad if isinstance(grad, Variable) else wrap(np.asarray(grad)))
    _as_gradient = staticmethod(lambda tensor, like: tensor if isinstance(like, Variable) else tensor._array)


class CopySlices(Node):
    """The history of a tensor after a write through one of its views: elsewhere the old one, in the view that of the write."""

    def __init__(self, view, written):
        base = view._base
        self.view, self.written = view._seen_through, written
        super().__init__((edge_of(base), *written._edges[1:]), [(base._array.shape, base._array.dtype)])

    def name(self):
        return "torch::autograd::CopySlices"

    def backward(self, grads):
        if grads[0] is None:
            return [None] * len(self._edges)
        whole = grads[0].clone() if isinstance(grads[0], Tensor) else np.array(grads[0])
        part = self.view(whole)
        results = self.written.backward([part.clone() if isinstance(part, Tensor) else part.copy()])
        below = results[0] if results[0] is not None else 0.0
        if isinstance(part, Tensor):
            part.copy_(below) if isinstance(below, Tensor) else part.fill_(below)
        else:
            part[...] = below
        return [whole if self._edges[0][0] is not None else None, *results[1:]]

    def release(self):
        self.written.release()


class AsStridedBackward0(Node):
    """The history of a view whose memory was written by others: its gradient goes to its place in the base."""

    def __init__(self, view):
        base = view._base
        self.view, self.base = view._seen_through, (base._array.shape, base._array.dtype)
        super().__init__((edge_of(base),), [(view._array.shape, view._array.dtype)])

    def backward(self, grads):
        if grads[0] is None:
            return [None]
        zeros = np.zeros(*self.base)
        if isinstance(grads[0], Tensor):
            zeros = wrap(zeros)
            self.view(zeros).add_(grads[0])
        else:
            part = self.view(zeros)
            part += grads[0]
        return [zeros]


# ---- backward --------------------------------------------------------------------------------------------------------


class GradientEdge(NamedTuple):
    """A place in the graph where a gradient arrives: output `output_nr` of `node`. It may stand for a tensor in `grad` and `backward`."""

    node: Node
    output_nr: int
    ownership_token: Node | None = None


def edge_and_kind(x):
    """The edge of a tensor or GradientEdge, and the shape and type of the gradient there."""
    if type(x) is GradientEdge:
        return (x.node, x.output_nr), x.node._metadata[x.output_nr]
    return edge_of(x), (x._array.shape, x._array.dtype)


ONE = {kind: kind.type(1) for kind in map(np.dtype, (np.float16, np.float32, np.float64))}


def roots_of(tensors, grads, recording):
    """The edges at which a walk starts, and what it starts with: ones, or the given cotangents, checked."""
    if len(tensors) != len(grads):
        raise RuntimeError(f"got {len(tensors)} tensors and {len(grads)} gradients")
    edges, values = [], []
    for i, tensor in enumerate(tensors):
        grad = grads[i]
        edge, (shape, kind) = edge_and_kind(tensor)
        if edge[0] is None and (grad is None or grad._array.shape == shape):
            raise RuntimeError(f"element {i} of tensors does not require grad and does not have a grad_fn")
        if grad is None:
            if shape and math.prod(shape) != 1:
                raise RuntimeError("grad can be implicitly created only for scalar outputs")
            grad = np.ones(shape, kind) if shape or recording else ONE[kind]  # NumPy is faster at numbers
            values.append(wrap(grad) if recording else grad)
        elif not isinstance(grad, Tensor):
            raise TypeError(f"gradients can be either Tensors or None, but got {type(grad).__name__}")
        elif grad._array.shape != shape:
            raise RuntimeError(
                f"Mismatch in shape: grad_output[{i}] has a shape of {grad.shape} and output[{i}] has a shape of {Size(shape)}."
            )
        else:
            values.append(grad if recording else grad._array)
        edges.append(edge)
    return edges, values


def run_backward(tensors, grads, retain_graph, create_graph, inputs=None):
    """Walk back from `tensors`; with `inputs`, return the gradients of those instead of adding them to leaves."""
    edges, values = roots_of(tensors, grads, create_graph)
    captures = places = None
    if inputs is not None:
        captures = {}
        for i, x in enumerate(inputs):
            edge = edge_and_kind(x)[0]
            if edge[0] is None:
                raise RuntimeError("One of the differentiated Tensors does not require grad")
            captures.setdefault(edge, []).append(i)
        places = {edge: edge for edge in captures}
    before, mode.grad = mode.grad, bool(create_graph)
    try:
        keep = create_graph if retain_graph is None else retain_graph
        found = walk(edges, values, keep_graph=keep, captures=places)
    finally:
        mode.grad = before
    if inputs is None:
        return None
    results = [None] * len(inputs)
    for edge, places in captures.items():
        grad = found.get(edge)
        for i in places:
            if grad is not None:
                results[i] = grad if isinstance(grad, Tensor) else wrap(np.asarray(grad))
    return results


def checked_inputs(inputs, function):
    """The `inputs` of `grad` or `backward` as a tuple of tensors (or edges of the graph)."""
    inputs = (inputs,) if isinstance(inputs, (Tensor, GradientEdge)) else tuple(inputs)
    if not inputs:
        raise RuntimeError(f"`inputs` argument to `{function}()` cannot be empty.")
    for x in inputs:
        if not isinstance(x, (Tensor, GradientEdge)):
            raise RuntimeError(f"all inputs have to be Tensors or GradientEdges, but got {type(x).__name__}")
    return inputs


def backward(tensors, grad_tensors=None, retain_graph=None, create_graph=False, inputs=None) -> None:
    """Add the gradients of the sum of `tensors` (weighted by `grad_tensors`) to the `.grad` of the leaves, or of `inputs`."""
    if type(tensors) is not tuple:
        tensors = (tensors,) if isinstance(tensors, (Tensor, GradientEdge)) else tuple(tensors)
    if isinstance(grad_tensors, Tensor):
        grad_tensors = (grad_tensors,)
    grads = [None] * len(tensors) if grad_tensors is None else list(grad_tensors)
    if len(grads) == 1 and grads[0] is not None and not isinstance(grads[0], Tensor):
        grads = list(grads[0])  # PyTorch takes anything that is not a tensor for a sequence of tensors
    if inputs is not None:
        inputs = checked_inputs(inputs, "backward")
        if any(isinstance(x, Tensor) and not x.requires_grad for x in inputs):
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
    if create_graph:
        warn_once(CREATE_GRAPH)
    found = run_backward(tensors, grads, retain_graph, create_graph, inputs)
    if inputs is None:
        return
    for x, grad in zip(inputs, found, strict=True):
        if grad is not None:
            with_graph(create_graph, accumulate, x, grad if create_graph else grad._array)


def accumulate(x, grad):
    """Add a gradient to the `.grad` of a tensor that `backward` was asked for, with the hooks of its node if it is a leaf."""
    node = x.node if isinstance(x, GradientEdge) else edge_of(x)[0]
    if not isinstance(node, AccumulateGrad):
        if isinstance(x, Tensor):
            AccumulateGrad(x).backward([grad])
        return
    grads = [grad]
    for hook in tuple(node._prehooks.values()) if node._prehooks else ():
        grads = hook(grads)
    results = node.backward(grads)
    for hook in tuple(node._after.values()) if node._after else ():
        results = hook(results, grads)


def with_graph(enabled, function, *args):
    before, mode.grad = mode.grad, enabled
    try:
        return function(*args)
    finally:
        mode.grad = before
