"""`torch.nn`: parameters, modules that hold them, and layers, activations and losses as modules.

A `Module` is a dictionary of parameters and of other modules that can be walked, moved, saved and printed. What it computes, its subclass
says in `forward`; the arithmetic is in `functional.py`.
"""

from __future__ import annotations

import itertools
import math
import types
from collections import OrderedDict, namedtuple

import numpy as np

from . import dtypes
from . import functional as F
from .autograd import no_grad
from .creation import empty, ones, zeros
from .methods import typename
from .tensor import Tensor


class Parameter(Tensor):
    """A tensor that a module registers as its own, and that requires grad unless said otherwise."""

    def __new__(cls, data=None, requires_grad=True):
        data = zeros(0) if data is None else data
        made = object.__new__(cls)
        made._array, made._counter = data._array, data._counter
        made.requires_grad = requires_grad
        return made

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that a module keeps and saves, but does not train."""

    def __new__(cls, data=None, *, persistent=True):
        made = object.__new__(cls)
        made._array, made._counter, made.persistent = data._array, data._counter, persistent
        return made


MISMATCH = namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])


class IncompatibleKeys(MISMATCH):
    """What `load_state_dict` returns."""

    def __repr__(self):
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"


class Module:
    """The base of everything that has parameters. Subclasses call `super().__init__()` first and define `forward`."""

    def __init__(self, *args, **kwargs):
        if args or kwargs:
            raise TypeError(
                f"{type(self).__name__}.__init__() takes 1 positional argument but {len(args) + 1} were given"
            )
        for name in ("_parameters", "_buffers", "_modules"):
            object.__setattr__(self, name, {})
        object.__setattr__(self, "_transient", set())
        object.__setattr__(self, "_hooks", {"before": OrderedDict(), "after": OrderedDict()})
        object.__setattr__(self, "training", True)

    def forward(self, *input):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs):
        hooks = self._hooks
        for hook in hooks["before"].values():
            changed = hook(self, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
        result = self.forward(*args, **kwargs)
        for hook in hooks["after"].values():
            changed = hook(self, args, result)
            result = result if changed is None else changed
        return result

    # ---- attributes --------------------------------------------------------------------------------------------------

    def __setattr__(self, name, value):
        known = self.__dict__
        parameters, modules = known.get("_parameters"), known.get("_modules")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self.forget(name)
            parameters[name] = value
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            parameters[name] = None
        elif isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self.forget(name)
            modules[name] = value
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            modules[name] = None
        elif isinstance(value, Buffer) or (known.get("_buffers") is not None and name in known["_buffers"]):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)"
                )
            known["_buffers"][name] = value
        else:
            object.__setattr__(self, name, value)

    def forget(self, name):
        """Drop a name from wherever it is registered."""
        for place in (self.__dict__, self._parameters, self._buffers, self._modules):
            place.pop(name, None)

    def __getattr__(self, name):
        own = self.__dict__
        if "_parameters" in own:
            for place in (own["_parameters"], own["_modules"], own["_buffers"]):
                if name in place:
                    return place[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for place in (self._parameters, self._buffers, self._modules):
            if name in place:
                del place[name]
                return
        object.__delattr__(self, name)

    def __dir__(self):
        return sorted({*object.__dir__(self), *self._parameters, *self._buffers, *self._modules})

    def register_parameter(self, name, param):
        """Add a parameter under a name; None reserves the name."""
        if "_parameters" not in self.__dict__:
            raise AttributeError("cannot assign parameter before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"parameter name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError('parameter name can\'t contain "."')
        if name == "":
            raise KeyError('parameter name can\'t be empty string ""')
        if hasattr(self, name) and name not in self._parameters:
            raise KeyError(f"attribute '{name}' already exists")
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        """Add a tensor that is saved with the parameters (if persistent) but not trained."""
        if hasattr(self, name) and name not in self._buffers:
            raise KeyError(f"attribute '{name}' already exists")
        self._buffers[name] = tensor
        if not persistent:
            self._transient.add(name)

    def add_module(self, name, module):
        """Add a module under a name."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        if hasattr(self, name) and name not in self._modules:
            raise KeyError(f"attribute '{name}' already exists")
        self._modules[name] = module

    register_module = add_module

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call `hook(module, args, output)` after forward; what it returns replaces the output."""
        return ModuleHandle(self._hooks["after"], hook, prepend)

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call `hook(module, args)` before forward; what it returns replaces the arguments."""
        return ModuleHandle(self._hooks["before"], hook, prepend)

    # ---- walking -----------------------------------------------------------------------------------------------------

    def named_modules(self, memo=None, prefix="", remove_duplicate=True):
        """This module and all below it, with dotted names, each once."""
        memo = set() if memo is None else memo
        if self in memo:
            return
        if remove_duplicate:
            memo.add(self)
        yield prefix, self
        for name, module in self._modules.items():
            if module is not None:
                yield from module.named_modules(memo, prefix + ("." if prefix else "") + name, remove_duplicate)

    def modules(self):
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_children(self):
        """The modules directly below."""
        seen = set()
        for name, module in self._modules.items():
            if module is not None and module not in seen:
                seen.add(module)
                yield name, module

    def children(self):
        """The modules directly below."""
        return (module for _, module in self.named_children())

    def members(self, place, prefix, recurse, remove_duplicate=True):
        seen = set()
        for path, module in self.named_modules(prefix=prefix) if recurse else ((prefix, self),):
            for name, value in getattr(module, place).items():
                if value is None or (remove_duplicate and id(value) in seen):
                    continue
                seen.add(id(value))
                yield path + ("." if path else "") + name, value

    def named_parameters(self, prefix="", recurse=True, remove_duplicate=True):
        """All parameters with dotted names, each once."""
        return self.members("_parameters", prefix, recurse, remove_duplicate)

    def parameters(self, recurse=True):
        """All parameters, each once."""
        return (value for _, value in self.named_parameters(recurse=recurse))

    def named_buffers(self, prefix="", recurse=True, remove_duplicate=True):
        """All buffers with dotted names."""
        return self.members("_buffers", prefix, recurse, remove_duplicate)

    def buffers(self, recurse=True):
        """All buffers."""
        return (value for _, value in self.named_buffers(recurse=recurse))

    def get_submodule(self, target):
        """The module with a dotted name."""
        module = self
        for name in target.split(".") if target else ():
            if not hasattr(module, name):
                raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
            module = getattr(module, name)
        return module

    def get_parameter(self, target):
        """The parameter with a dotted name."""
        path, _, name = target.rpartition(".")
        return getattr(self.get_submodule(path), name)

    def apply(self, fn):
        """Call `fn(module)` on every module, the inner ones first."""
        for module in self.children():
            module.apply(fn)
        fn(self)
        return self

    # ---- changing all at once ----------------------------------------------------------------------------------------

    def train(self, mode=True):
        """Set training mode here and below: dropout drops."""
        if not isinstance(mode, bool):
            raise ValueError("training mode is expected to be boolean")
        object.__setattr__(self, "training", mode)
        for module in self.children():
            module.train(mode)
        return self

    def eval(self):
        """Set evaluation mode here and below. Operations are recorded all the same."""
        return self.train(False)

    def requires_grad_(self, requires_grad=True):
        """Ask for (or refuse) gradients of all parameters."""
        for p in self.parameters():
            p.requires_grad_(requires_grad)
        return self

    def zero_grad(self, set_to_none=True):
        """Forget all gradients, or fill them with zeros."""
        for p in self.parameters():
            if p.grad is not None:
                if set_to_none:
                    p.grad = None
                else:
                    p.grad = p.grad.detach().zero_()

    def _apply(self, fn):
        """Replace every parameter's memory, gradient and buffer by `fn` of it."""
        for module in self.modules():
            for p in module._parameters.values():
                if p is not None:
                    p.data = fn(p.data)
                    if p._grad is not None:
                        p._grad = fn(p._grad.detach())
            for name, buffer in module._buffers.items():
                if buffer is not None:
                    module._buffers[name] = fn(buffer)
        return self

    def to(self, *args, dtype=None, device=None, **_):
        """Parameters and buffers in another floating type."""
        for arg in args:
            dtype = arg if isinstance(arg, dtypes.dtype) else arg.dtype if isinstance(arg, Tensor) else dtype
        if dtype is None:
            return self
        if not dtype.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        return self._apply(lambda x: x.to(dtype) if x.is_floating_point() else x)

    def float(self):
        """In float32."""
        return self.to(dtypes.float32)

    def double(self):
        """In float64."""
        return self.to(dtypes.float64)

    def half(self):
        """In float16."""
        return self.to(dtypes.float16)

    def cpu(self):
        """Itself: there is no other device."""
        return self

    def share_memory(self):
        """Itself: there is one process."""
        return self

    # ---- saving ------------------------------------------------------------------------------------------------------

    def state_dict(self, *args, destination=None, prefix="", keep_vars=False):
        """All parameters and persistent buffers by name: the memory itself, not a copy."""
        found = OrderedDict() if destination is None else destination
        for path, module in self.named_modules(prefix=prefix.rstrip("."), remove_duplicate=False):
            start = path + "." if path else ""
            for name, value in itertools.chain(module._parameters.items(), module._buffers.items()):
                if value is not None and name not in module._transient:
                    found[start + name] = value if keep_vars else value.detach()
        return found

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy values saved by `state_dict` into the parameters and buffers. Raises RuntimeError for names or shapes that do not fit."""
        own = self.state_dict(keep_vars=True)
        missing = [name for name in own if name not in state_dict]
        unexpected = [name for name in state_dict if name not in own]
        errors = []
        if strict and unexpected:
            errors.append("Unexpected key(s) in state_dict: " + ", ".join(f'"{k}"' for k in unexpected) + ". ")
        if strict and missing:
            errors.append("Missing key(s) in state_dict: " + ", ".join(f'"{k}"' for k in missing) + ". ")
        for name, value in own.items():
            given = state_dict.get(name)
            if given is not None and given._array.shape != value._array.shape:
                errors.append(
                    f"size mismatch for {name}: copying a param with shape {given.shape} from checkpoint, the shape in current model "
                    f"is {value.shape}."
                )
            elif given is not None:
                with no_grad():
                    value.copy_(given)
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors))
        return IncompatibleKeys(missing, unexpected)

    # ---- text --------------------------------------------------------------------------------------------------------

    def extra_repr(self):
        """What stands between the parentheses of the printed module."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + indented(repr(module)) for name, module in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{type(self).__name__}({lines[0]})"
        if not lines and not children:
            return f"{type(self).__name__}()"
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines + children) + "\n)"


def indented(text):
    return text.replace("\n", "\n  ")


class ModuleHandle:
    """Takes a module's hook away again."""

    def __init__(self, hooks, hook, prepend):
        self.hooks, self.key = hooks, object()
        hooks[self.key] = hook
        if prepend:
            hooks.move_to_end(self.key, last=False)

    def remove(self):
        self.hooks.pop(self.key, None)


# ---- containers ------------------------------------------------------------------------------------------------------


class Sequential(Module):
    """Modules in a row, each fed with the result of the one before."""

    def __init__(self, *args):
        super().__init__()
        named = args[0].items() if len(args) == 1 and isinstance(args[0], OrderedDict) else enumerate(args)
        for name, module in named:
            self.add_module(str(name), module)

    def forward(self, input):
        for module in self._modules.values():
            input = module(input)
        return input

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def __getitem__(self, key):
        items = list(self._modules.items())
        if isinstance(key, slice):
            return type(self)(OrderedDict(items[key]))
        if not -len(items) <= key < len(items):
            raise IndexError(f"index {key} is out of range")
        return items[key][1]

    def __setitem__(self, key, module):
        setattr(self, list(self._modules)[key], module)

    def __delitem__(self, key):
        keys = list(self._modules)[key]
        for name in keys if isinstance(key, slice) else [keys]:
            del self._modules[name]
        renumber(self)

    def append(self, module):
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def extend(self, modules):
        """Add several modules at the end."""
        for module in modules:
            self.append(module)
        return self

    def insert(self, index, module):
        """Add a module before the one at `index`."""
        insert(self, index, module)
        return self


def renumber(container):
    modules = list(container._modules.values())
    container._modules.clear()
    container._modules.update({str(i): m for i, m in enumerate(modules)})


def insert(container, index, module):
    modules = list(container._modules.values())
    modules.insert(index, module)
    container._modules.clear()
    container._modules.update({str(i): m for i, m in enumerate(modules)})


class ModuleList(Module):
    """A list of modules whose parameters are found."""

    def __init__(self, modules=None):
        super().__init__()
        self.extend(modules or ())

    __len__, __iter__, __setitem__, __delitem__ = (
        Sequential.__len__, Sequential.__iter__, Sequential.__setitem__, Sequential.__delitem__,
    )  # fmt: skip

    def __getitem__(self, key):
        modules = list(self._modules.values())
        if isinstance(key, slice):
            return type(self)(modules[key])
        if not -len(modules) <= key < len(modules):
            raise IndexError(f"index {key} is out of range")
        return modules[key]

    append, extend = Sequential.append, Sequential.extend

    def insert(self, index, module):
        """Add a module before the one at `index`."""
        insert(self, index, module)

    def __repr__(self):
        texts = [repr(m) for m in self]
        if not texts:
            return "ModuleList()"
        lines, start = [], 0
        for text, group in itertools.groupby(texts):
            count = len(list(group))
            name = f"({start})" if count == 1 else f"({start}-{start + count - 1})"
            lines.append(f"{name}: " + ("" if count == 1 else f"{count} x ") + indented(text))
            start += count
        return f"{type(self).__name__}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules whose parameters are found."""

    def __init__(self, modules=None):
        super().__init__()
        self.update(modules or {})

    def update(self, modules):
        """Add modules from a dictionary or pairs."""
        for name, module in modules.items() if hasattr(modules, "items") else modules:
            self.add_module(name, module)

    def __getitem__(self, key):
        return self._modules[key]

    def __setitem__(self, key, module):
        self.add_module(key, module)

    def __delitem__(self, key):
        del self._modules[key]

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules)

    def __contains__(self, key):
        return key in self._modules

    keys = lambda self: self._modules.keys()
    values = lambda self: self._modules.values()
    items = lambda self: self._modules.items()


class ParameterList(Module):
    """A list of parameters that are found."""

    def __init__(self, values=None):
        super().__init__()
        for value in values or ():
            self.append(value)

    def append(self, value):
        """Add a parameter, or a tensor made into one."""
        if isinstance(value, Tensor) and not isinstance(value, Parameter):
            value = Parameter(value)
        setattr(self, str(len(self)), value)
        return self

    def extend(self, values):
        """Add several parameters."""
        for value in values:
            self.append(value)
        return self

    def __len__(self):
        return len(self._parameters)

    def __iter__(self):
        return iter(self._parameters.values())

    def __getitem__(self, key):
        values = list(self._parameters.values())
        return type(self)(values[key]) if isinstance(key, slice) else values[key]

    def __setitem__(self, key, value):
        setattr(self, str(key % len(self)), value if isinstance(value, Parameter) else Parameter(value))

    def __repr__(self):
        lines = [
            f"  ({i}): Parameter containing: [torch.{p.dtype.name.replace('32', '')} of size {'x'.join(map(str, p.shape))}]"
            for i, p in enumerate(self)
        ]
        return "ParameterList(\n" + "\n".join(lines) + "\n)" if lines else "ParameterList()"


class ParameterDict(Module):
    """A dictionary of parameters that are found."""

    def __init__(self, parameters=None):
        super().__init__()
        for name, value in (parameters or {}).items():
            self[name] = value

    def __setitem__(self, key, value):
        setattr(self, key, value if isinstance(value, Parameter) else Parameter(value))

    def __getitem__(self, key):
        return self._parameters[key]

    def __len__(self):
        return len(self._parameters)

    def __iter__(self):
        return iter(self._parameters)

    def __contains__(self, key):
        return key in self._parameters

    keys = lambda self: self._parameters.keys()
    values = lambda self: self._parameters.values()
    items = lambda self: self._parameters.items()


# ---- layers ----------------------------------------------------------------------------------------------------------


class Identity(Module):
    """Gives back its input."""

    def __init__(self, *args, **kwargs):
        super().__init__()

    def forward(self, input):
        return input


class Linear(Module):
    """input @ weight.T + bias, with weight (out_features, in_features).

    Both start uniform within 1 / sqrt(in_features) of 0.
    """

    def __init__(self, in_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in_features, self.out_features = in_features, out_features
        self.weight = Parameter(empty(out_features, in_features, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        self.reset_parameters()

    def reset_parameters(self):
        """Draw new first values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            bound = 1 / math.sqrt(self.in_features) if self.in_features > 0 else 0
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input):
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self):
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """x1 A x2 + b."""

    def __init__(self, in1_features, in2_features, out_features, bias=True, device=None, dtype=None):
        super().__init__()
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = Parameter(empty(out_features, in1_features, in2_features, dtype=dtype))
        if bias:
            self.bias = Parameter(empty(out_features, dtype=dtype))
        else:
            self.register_parameter("bias", None)
        bound = 1 / math.sqrt(in1_features)
        for p in self.parameters():
            init.uniform_(p, -bound, bound)

    def forward(self, input1, input2):
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self):
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Embedding(Module):
    """A table of rows, looked up by position; the rows start normal."""

    def __init__(
        self,
        num_embeddings,
        embedding_dim,
        padding_idx=None,
        max_norm=None,
        norm_type=2.0,
        scale_grad_by_freq=False,
        sparse=False,
        _weight=None,
        _freeze=False,
        device=None,
        dtype=None,
    ):
        super().__init__()
        if padding_idx is not None and not -num_embeddings <= padding_idx < num_embeddings:
            raise AssertionError("Padding_idx must be within num_embeddings")
        self.num_embeddings, self.embedding_dim = num_embeddings, embedding_dim
        self.padding_idx = padding_idx if padding_idx is None else padding_idx % num_embeddings
        self.max_norm, self.norm_type = max_norm, norm_type
        self.scale_grad_by_freq, self.sparse = scale_grad_by_freq, sparse
        if _weight is not None:
            self.weight = Parameter(_weight, requires_grad=not _freeze)
            return
        self.weight = Parameter(empty(num_embeddings, embedding_dim, dtype=dtype), requires_grad=not _freeze)
        init.normal_(self.weight)
        if padding_idx is not None:
            with no_grad():
                self.weight[self.padding_idx].fill_(0)

    @classmethod
    def from_pretrained(cls, embeddings, freeze=True, padding_idx=None, **options):
        """A table of given rows, not trained unless freeze=False."""
        return cls(*embeddings.shape, padding_idx, _weight=embeddings, _freeze=freeze, **options)

    def forward(self, input):
        options = (self.padding_idx, self.max_norm, self.norm_type, self.scale_grad_by_freq, self.sparse)
        return F.embedding(input, self.weight, *options)

    def extra_repr(self):
        text = f"{self.num_embeddings}, {self.embedding_dim}"
        for name, usual in (("padding_idx", None), ("max_norm", None), ("norm_type", 2), ("scale_grad_by_freq", False)):
            value = getattr(self, name)
            text += f", {name}={value}" if value != usual else ""
        return text + (", sparse=True" if self.sparse else "")


class Flatten(Module):
    """Dimensions start_dim … end_dim joined into one."""

    def __init__(self, start_dim=1, end_dim=-1):
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input):
        return input.flatten(self.start_dim, self.end_dim)

    def extra_repr(self):
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One dimension split into several."""

    def __init__(self, dim, unflattened_size):
        super().__init__()
        self.dim, self.unflattened_size = dim, unflattened_size

    def forward(self, input):
        return input.unflatten(self.dim, self.unflattened_size)

    def extra_repr(self):
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"


class Dropout(Module):
    """In training, zeros with probability p and the rest divided by 1 - p."""

    def __init__(self, p=0.5, inplace=False):
        super().__init__()
        if p < 0 or p > 1:
            raise ValueError(f"dropout probability has to be between 0 and 1, but got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input):
        return F.dropout(input, self.p, self.training, self.inplace)

    def extra_repr(self):
        return f"p={self.p}, inplace={self.inplace}"


class LayerNorm(Module):
    """Normalized over the last dimensions, with a weight and a bias of its own."""

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        self.register_parameter(
            "weight", Parameter(ones(self.normalized_shape, dtype=dtype)) if elementwise_affine else None
        )
        self.register_parameter(
            "bias", Parameter(zeros(self.normalized_shape, dtype=dtype)) if elementwise_affine and bias else None
        )

    def forward(self, input):
        return F.layer_norm(input, self.normalized_shape, self.weight, self.bias, self.eps)

    def extra_repr(self):
        bias = self.bias is not None
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}, bias={bias}"


class GroupNorm(Module):
    """Normalized over the channels of each group, with a weight and a bias per channel."""

    def __init__(self, num_groups, num_channels, eps=1e-5, affine=True, device=None, dtype=None, *, bias=True):
        super().__init__()
        if num_channels % num_groups:
            raise ValueError(f"num_channels ({num_channels}) must be divisible by num_groups ({num_groups})")
        self.num_groups, self.num_channels, self.eps, self.affine = num_groups, num_channels, eps, affine
        self.register_parameter("weight", Parameter(ones(num_channels, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_channels, dtype=dtype)) if affine and bias else None)

    def forward(self, input):
        return F.group_norm(input, self.num_groups, self.weight, self.bias, self.eps)

    def extra_repr(self):
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}, affine={self.affine}, bias={self.bias is not None}"


class RMSNorm(Module):
    """Divided by the root of the mean square over the last dimensions, with a weight of its own."""

    def __init__(self, normalized_shape, eps=None, elementwise_affine=True, device=None, dtype=None):
        super().__init__()
        self.normalized_shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
        self.eps, self.elementwise_affine = eps, elementwise_affine
        weight = Parameter(ones(self.normalized_shape, dtype=dtype)) if elementwise_affine else None
        self.register_parameter("weight", weight)

    def forward(self, input):
        return F.rms_norm(input, self.normalized_shape, self.weight, self.eps)

    def extra_repr(self):
        return f"{self.normalized_shape}, eps={self.eps}, elementwise_affine={self.elementwise_affine}"


class RunningNorm(Module):
    """What batch and instance normalization share: weight and bias per channel, and running statistics."""

    ranks: tuple

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=True,
        track_running_stats=True,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__()
        self.num_features, self.eps, self.momentum = num_features, eps, momentum
        self.affine, self.track_running_stats = affine, track_running_stats
        self.register_parameter("weight", Parameter(ones(num_features, dtype=dtype)) if affine else None)
        self.register_parameter("bias", Parameter(zeros(num_features, dtype=dtype)) if affine and bias else None)
        self.register_buffer("running_mean", zeros(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("running_var", ones(num_features, dtype=dtype) if track_running_stats else None)
        self.register_buffer("num_batches_tracked", zeros((), dtype=dtypes.int64) if track_running_stats else None)

    def check_rank(self, input):
        if input.ndim not in self.ranks:
            raise ValueError(f"expected {' or '.join(f'{n}D' for n in self.ranks)} input (got {input.ndim}D input)")

    def reset_running_stats(self):
        """Forget the running statistics."""
        if self.track_running_stats:
            self.running_mean.zero_()
            self.running_var.fill_(1)
            self.num_batches_tracked.zero_()

    def extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={self.affine}, "
            f"bias={self.bias is not None}, track_running_stats={self.track_running_stats}"
        )


class BatchNorm1d(RunningNorm):
    """Normalized over the batch in training, by running statistics in evaluation; (N, C) or (N, C, L).

    momentum=None: the running statistics are plain means of all batches.
    """

    ranks = (2, 3)

    def forward(self, input):
        self.check_rank(input)
        momentum = 0.0 if self.momentum is None else self.momentum
        if self.training and self.track_running_stats:
            self.num_batches_tracked.add_(1)
            if self.momentum is None:
                momentum = 1.0 / self.num_batches_tracked.item()
        by_batch = self.training or self.running_mean is None
        kept = self.track_running_stats or not self.training
        mean, var = (self.running_mean, self.running_var) if kept else (None, None)
        return F.batch_norm(input, mean, var, self.weight, self.bias, by_batch, momentum, self.eps)


class BatchNorm2d(BatchNorm1d):
    """Batch normalization of images (N, C, H, W)."""

    ranks = (4,)


class BatchNorm3d(BatchNorm1d):
    """Batch normalization of volumes (N, C, D, H, W)."""

    ranks = (5,)


class InstanceNorm1d(RunningNorm):
    """Normalized over the positions of each sample and channel; (C, L) or (N, C, L)."""

    ranks = (2, 3)

    def __init__(
        self,
        num_features,
        eps=1e-5,
        momentum=0.1,
        affine=False,
        track_running_stats=False,
        device=None,
        dtype=None,
        *,
        bias=True,
    ):
        super().__init__(num_features, eps, momentum, affine, track_running_stats, device, dtype, bias=bias)

    def forward(self, input):
        self.check_rank(input)
        by_sample = self.training or not self.track_running_stats
        options = (
            self.running_mean,
            self.running_var,
            self.weight,
            self.bias,
            by_sample,
            self.momentum or 0.0,
            self.eps,
        )
        if input.ndim == self.ranks[0]:
            return F.instance_norm(input.unsqueeze(0), *options).squeeze(0)
        return F.instance_norm(input, *options)


class InstanceNorm2d(InstanceNorm1d):
    """Instance normalization of images."""

    ranks = (3, 4)


class InstanceNorm3d(InstanceNorm1d):
    """Instance normalization of volumes."""

    ranks = (4, 5)


# ---- layers that look at neighbourhoods ------------------------------------------------------------------------------


class Convolution(Module):
    """What the convolutions share; `dims` and `function` tell them apart.

    weight: (out_channels, in_channels / groups, *kernel_size), bias: (out_channels,), both uniform within
    sqrt(groups / (in_channels * prod(kernel_size))) of 0 at first.
    """

    dims: int
    function = None
    transposed = False

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        padding_mode="zeros",
        device=None,
        dtype=None,
        *,
        output_padding=0,
    ):
        super().__init__()
        if groups <= 0:
            raise ValueError("groups must be a positive integer")
        if in_channels % groups:
            raise ValueError("in_channels must be divisible by groups")
        if out_channels % groups:
            raise ValueError("out_channels must be divisible by groups")
        if isinstance(padding, str) and padding not in ("same", "valid"):
            raise ValueError(f"Invalid padding string {padding!r}, should be one of {{'valid', 'same'}}")
        self.in_channels, self.out_channels, self.groups, self.padding_mode = (
            in_channels,
            out_channels,
            groups,
            padding_mode,
        )
        self.kernel_size, self.stride, self.dilation = map(self.per_dim, (kernel_size, stride, dilation))
        self.padding, self.output_padding = self.per_dim(padding), self.per_dim(output_padding)
        channels = (in_channels, out_channels // groups) if self.transposed else (out_channels, in_channels // groups)
        self.weight = Parameter(empty(*channels, *self.kernel_size, dtype=dtype))
        self.register_parameter("bias", Parameter(empty(out_channels, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def per_dim(self, value):
        return (
            value
            if isinstance(value, str)
            else tuple(value)
            if isinstance(value, (tuple, list))
            else (value,) * self.dims
        )

    def reset_parameters(self):
        """Draw new first values."""
        init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if self.bias is not None:
            fan_in, _ = fans(self.weight)
            if fan_in:
                init.uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))

    def forward(self, input):
        padding = self.padding
        if self.padding_mode != "zeros":
            widths = [w for p in reversed(padding) for w in (p, p)]
            input, padding = F.pad(input, widths, mode=self.padding_mode), 0
        function = type(self).function
        return function(input, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)

    def extra_repr(self):
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, usual in (("padding", 0), ("dilation", 1), ("output_padding", 0)):
            value = getattr(self, name)
            text += f", {name}={value}" if value != (usual,) * len(value) else ""
        text += f", groups={self.groups}" if self.groups != 1 else ""
        text += ", bias=False" if self.bias is None else ""
        return text + (f", padding_mode={self.padding_mode}" if self.padding_mode != "zeros" else "")


class Conv1d(Convolution):
    """Convolution of signals (N, C, L)."""

    dims, function = 1, F.conv1d


class Conv2d(Convolution):
    """Convolution of images (N, C, H, W)."""

    dims, function = 2, F.conv2d


class Conv3d(Convolution):
    """Convolution of volumes (N, C, D, H, W)."""

    dims, function = 3, F.conv3d


class ConvTranspose1d(Convolution):
    """The transpose of a convolution of signals; weight: (in_channels, out_channels / groups, *kernel_size)."""

    dims, function, transposed = 1, F.conv_transpose1d, True

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        output_padding=0,
        groups=1,
        bias=True,
        dilation=1,
        padding_mode="zeros",
        device=None,
        dtype=None,
    ):
        if padding_mode != "zeros":
            raise ValueError(f'Only "zeros" padding mode is supported for {type(self).__name__}')
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, padding_mode, device, dtype,
            output_padding=output_padding,
        )  # fmt: skip

    def forward(self, input):
        function = type(self).function
        options = (self.stride, self.padding, self.output_padding, self.groups, self.dilation)
        return function(input, self.weight, self.bias, *options)


class ConvTranspose2d(ConvTranspose1d):
    """The transpose of a convolution of images."""

    dims, function = 2, F.conv_transpose2d


class ConvTranspose3d(ConvTranspose1d):
    """The transpose of a convolution of volumes."""

    dims, function = 3, F.conv_transpose3d


# ---- activations and losses ------------------------------------------------------------------------------------------


def module_of(name, function, defaults, shown=None, doc=None):
    """A module around a function of `functional`: its arguments beyond the tensors are kept, and those in `shown` are printed."""

    def __init__(self, *args, **kwargs):
        Module.__init__(self)
        values = dict(defaults)
        if len(args) > len(defaults):
            raise TypeError(
                f"{name}.__init__() takes from 1 to {len(defaults) + 1} positional arguments but {len(args) + 1} were given"
            )
        values.update(zip(defaults, args, strict=False))
        for key in kwargs:
            if key not in defaults:
                raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{key}'")
        values.update(kwargs)
        if "kernel_size" in values and values.get("stride", 0) is None and "norm_type" not in values:
            values["stride"] = values["kernel_size"]  # windows side by side
        if "size_average" in defaults:
            self.reduction = F.how(values.pop("size_average"), values.pop("reduce"), values.pop("reduction"))
        for key, value in values.items():
            if isinstance(value, Tensor):
                self.register_buffer(key, value)
            else:
                setattr(self, key, value)

    def forward(self, *inputs):
        kept = {key: getattr(self, key) for key in defaults if key not in ("size_average", "reduce")}
        return function(*inputs, **kept)

    def extra_repr(self):
        return shown(self) if shown else ""

    doc = doc or (function.__doc__ or name).splitlines()[0]
    body = {"__init__": __init__, "forward": forward, "extra_repr": extra_repr, "__doc__": doc, "__module__": __name__}
    globals()[name] = type(name, (Module,), body)


def words(*names):
    return lambda self: ", ".join(f"{name}={getattr(self, name)}" for name in names)


def inplace_word(*names):
    def text(self):
        parts = [f"{name}={getattr(self, name)}" for name in names]
        return ", ".join(parts + ["inplace=True"] * bool(self.inplace))

    return text


for _name, _function, _defaults, _shown in (
    ("ReLU", F.relu, {"inplace": False}, inplace_word()),
    ("ReLU6", F.relu6, {"inplace": False}, inplace_word()),
    ("LeakyReLU", F.leaky_relu, {"negative_slope": 0.01, "inplace": False}, inplace_word("negative_slope")),
    ("ELU", F.elu, {"alpha": 1.0, "inplace": False}, inplace_word("alpha")),
    ("CELU", F.celu, {"alpha": 1.0, "inplace": False}, inplace_word("alpha")),
    ("SELU", F.selu, {"inplace": False}, inplace_word()),
    ("SiLU", F.silu, {"inplace": False}, inplace_word()),
    ("Mish", F.mish, {"inplace": False}, inplace_word()),
    ("Hardtanh", F.hardtanh, {"min_val": -1.0, "max_val": 1.0, "inplace": False}, inplace_word("min_val", "max_val")),
    ("Hardsigmoid", F.hardsigmoid, {"inplace": False}, None),
    ("Hardswish", F.hardswish, {"inplace": False}, None),
    ("GELU", F.gelu, {"approximate": "none"}, lambda self: f"approximate={self.approximate!r}"),
    ("Softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}, words("beta", "threshold")),
    ("Sigmoid", F.sigmoid, {}, None),
    ("Tanh", F.tanh, {}, None),
    ("LogSigmoid", F.logsigmoid, {}, None),
    ("Softsign", F.softsign, {}, None),
    ("Tanhshrink", F.tanhshrink, {}, None),
    ("Softshrink", F.softshrink, {"lambd": 0.5}, lambda self: str(self.lambd)),
    ("Hardshrink", F.hardshrink, {"lambd": 0.5}, lambda self: str(self.lambd)),
    ("GLU", F.glu, {"dim": -1}, words("dim")),
    ("Softmax", F.softmax, {"dim": None}, words("dim")),
    ("LogSoftmax", F.log_softmax, {"dim": None}, words("dim")),
    ("Softmin", F.softmin, {"dim": None}, words("dim")),
    ("CosineSimilarity", F.cosine_similarity, {"dim": 1, "eps": 1e-8}, None),
):  # fmt: skip
    module_of(_name, _function, _defaults, _shown)
module_of(
    "Threshold", F.threshold, {"threshold": None, "value": None, "inplace": False}, inplace_word("threshold", "value")
)
module_of(
    "PairwiseDistance", lambda a, b, norm, eps, keepdim: F.pairwise_distance(a, b, norm, eps, keepdim),
    {"norm": 2.0, "eps": 1e-6, "keepdim": False}, doc="The norm of the difference of two rows.",
)  # fmt: skip

_MAX = {"kernel_size": None, "stride": None, "padding": 0, "dilation": 1, "return_indices": False, "ceil_mode": False}
_AVG = {"kernel_size": None, "stride": None, "padding": 0, "ceil_mode": False, "count_include_pad": True}
for _n in (1, 2, 3):
    module_of(
        f"MaxPool{_n}d",
        getattr(F, f"max_pool{_n}d"),
        _MAX,
        words("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    )
    module_of(
        f"MaxUnpool{_n}d",
        getattr(F, f"max_unpool{_n}d"),
        {"kernel_size": None, "stride": None, "padding": 0},
        words("kernel_size", "stride", "padding"),
    )
    module_of(
        f"LPPool{_n}d",
        getattr(F, f"lp_pool{_n}d"),
        {"norm_type": None, "kernel_size": None, "stride": None, "ceil_mode": False},
        words("norm_type", "kernel_size", "stride", "ceil_mode"),
    )
    module_of(
        f"AdaptiveAvgPool{_n}d", getattr(F, f"adaptive_avg_pool{_n}d"), {"output_size": None}, words("output_size")
    )
    module_of(
        f"AdaptiveMaxPool{_n}d",
        getattr(F, f"adaptive_max_pool{_n}d"),
        {"output_size": None, "return_indices": False},
        words("output_size"),
    )
for _n in (2, 3):
    module_of(
        f"AvgPool{_n}d",
        getattr(F, f"avg_pool{_n}d"),
        {**_AVG, "divisor_override": None},
        words("kernel_size", "stride", "padding"),
    )
module_of(
    "AvgPool1d",
    F.avg_pool1d,
    _AVG,
    lambda self: f"kernel_size=({self.kernel_size},), stride=({self.stride},), padding=({self.padding},)",
)
for _name, _function, _defaults, _shown in (
    ("Upsample", F.interpolate, {"size": None, "scale_factor": None, "mode": "nearest", "align_corners": None, "recompute_scale_factor": None},
     lambda self: (f"size={self.size!r}" if self.scale_factor is None else f"scale_factor={as_floats(self.scale_factor)!r}") + f", mode={self.mode!r}"),
    ("PixelShuffle", F.pixel_shuffle, {"upscale_factor": None}, words("upscale_factor")),
    ("PixelUnshuffle", F.pixel_unshuffle, {"downscale_factor": None}, words("downscale_factor")),
    ("Unfold", F.unfold, {"kernel_size": None, "dilation": 1, "padding": 0, "stride": 1}, words("kernel_size", "dilation", "padding", "stride")),
    ("Fold", F.fold, {"output_size": None, "kernel_size": None, "dilation": 1, "padding": 0, "stride": 1}, words("output_size", "kernel_size", "dilation", "padding", "stride")),
    ("LocalResponseNorm", F.local_response_norm, {"size": None, "alpha": 1e-4, "beta": 0.75, "k": 1.0}, lambda self: f"{self.size}, alpha={self.alpha}, beta={self.beta}, k={self.k}"),
    ("ChannelShuffle", F.channel_shuffle, {"groups": None}, words("groups")),
    ("Softmax2d", lambda input: F.softmax(input, -3), {}, None),
):  # fmt: skip
    module_of(_name, _function, _defaults, _shown, doc=(_function.__doc__ or "The softmax over the channels."))


def as_floats(factor):
    return tuple(map(float, factor)) if isinstance(factor, (tuple, list)) else float(factor)


def padding_module(name, mode, dims, shown):
    """A module that pads `dims` dimensions, by one width or by a pair for each."""

    def __init__(self, padding, value=0.0):
        Module.__init__(self)
        self.padding = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * (2 * dims)
        self.value = value

    def forward(self, input):
        return F.pad(input, self.padding, mode, self.value if mode == "constant" else None)

    body = {
        "__init__": __init__,
        "forward": forward,
        "extra_repr": shown,
        "__doc__": f"{mode} padding.",
        "__module__": __name__,
    }
    globals()[name] = type(name, (Module,), body)


for _n in (1, 2, 3):
    for _name, _mode in (
        ("Zero", "constant"),
        ("Reflection", "reflect"),
        ("Replication", "replicate"),
        ("Circular", "circular"),
    ):
        padding_module(f"{_name}Pad{_n}d", _mode, _n, lambda self: f"{self.padding}")
    padding_module(f"ConstantPad{_n}d", "constant", _n, lambda self: f"padding={self.padding}, value={self.value}")


class Dropout1d(Dropout):
    """In training, whole channels of zeros with probability p."""

    function = staticmethod(F.dropout1d)

    def forward(self, input):
        return self.function(input, self.p, self.training, self.inplace)


class Dropout2d(Dropout1d):
    """Channel dropout of images."""

    function = staticmethod(F.dropout2d)


class Dropout3d(Dropout1d):
    """Channel dropout of volumes."""

    function = staticmethod(F.dropout3d)


class AlphaDropout(Dropout1d):
    """Dropout that keeps mean 0 and variance 1 after SELU."""

    function = staticmethod(F.alpha_dropout)


_OLD = {"size_average": None, "reduce": None, "reduction": "mean"}
for _name, _function, _defaults in (
    ("MSELoss", F.mse_loss, _OLD),
    ("L1Loss", F.l1_loss, _OLD),
    ("SmoothL1Loss", F.smooth_l1_loss, {**_OLD, "beta": 1.0}),
    ("HuberLoss", F.huber_loss, {"reduction": "mean", "delta": 1.0}),
    ("BCELoss", F.binary_cross_entropy, {"weight": None, **_OLD}),
    ("BCEWithLogitsLoss", F.binary_cross_entropy_with_logits, {"weight": None, **_OLD, "pos_weight": None}),
    ("NLLLoss", F.nll_loss, {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None, "reduction": "mean"}),
    ("CrossEntropyLoss", F.cross_entropy, {"weight": None, "size_average": None, "ignore_index": -100, "reduce": None, "reduction": "mean", "label_smoothing": 0.0}),
    ("KLDivLoss", F.kl_div, {**_OLD, "log_target": False}),
    ("PoissonNLLLoss", F.poisson_nll_loss, {"log_input": True, "full": False, "size_average": None, "eps": 1e-8, "reduce": None, "reduction": "mean"}),
    ("GaussianNLLLoss", F.gaussian_nll_loss, {"full": False, "eps": 1e-6, "reduction": "mean"}),
    ("HingeEmbeddingLoss", F.hinge_embedding_loss, {"margin": 1.0, **_OLD}),
    ("SoftMarginLoss", F.soft_margin_loss, _OLD),
    ("MarginRankingLoss", F.margin_ranking_loss, {"margin": 0.0, **_OLD}),
    ("CosineEmbeddingLoss", F.cosine_embedding_loss, {"margin": 0.0, **_OLD}),
    ("TripletMarginLoss", F.triplet_margin_loss, {"margin": 1.0, "p": 2.0, "eps": 1e-6, "swap": False, **_OLD}),
    ("MultiLabelSoftMarginLoss", F.multilabel_soft_margin_loss, {"weight": None, **_OLD}),
    ("MultiLabelMarginLoss", F.multilabel_margin_loss, _OLD),
    ("MultiMarginLoss", F.multi_margin_loss, {"p": 1, "margin": 1.0, "weight": None, **_OLD}),
):  # fmt: skip
    module_of(_name, _function, _defaults)


class PReLU(Module):
    """x, or weight * x where x is negative; the weight is learned."""

    def __init__(self, num_parameters=1, init=0.25, device=None, dtype=None):
        super().__init__()
        self.num_parameters = num_parameters
        self.weight = Parameter(empty(num_parameters, dtype=dtype).fill_(init))

    def forward(self, input):
        return F.prelu(input, self.weight)

    def extra_repr(self):
        return f"num_parameters={self.num_parameters}"


functional = F

# ---- first values ----------------------------------------------------------------------------------------------------


def fans(tensor):
    """The numbers of inputs and outputs of a weight (out, in, …)."""
    shape = tensor._array.shape
    if len(shape) < 2:
        raise ValueError("Fan in and fan out can not be computed for tensor with fewer than 2 dimensions")
    field = math.prod(shape[2:])
    return shape[1] * field, shape[0] * field


def calculate_gain(nonlinearity, param=None):
    """By how much an activation shrinks what passes through it, to be made up for."""
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + (0.01 if param is None else param) ** 2))
    if nonlinearity == "selu":
        return 3.0 / 4
    if nonlinearity in ("linear", "sigmoid", "conv1d", "conv2d", "conv3d"):
        return 1
    raise ValueError(f"Unsupported nonlinearity {nonlinearity}")


def xavier(tensor, gain):
    return gain * math.sqrt(2.0 / sum(fans(tensor)))


def kaiming(tensor, a, mode, nonlinearity):
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Mode {mode} not supported, please use one of ['fan_in', 'fan_out']")
    return calculate_gain(nonlinearity, a) / math.sqrt(fans(tensor)[mode == "fan_out"])


def kaiming_uniform_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Uniform, with the spread that keeps the size of what passes through (He et al., 2015)."""
    bound = math.sqrt(3.0) * kaiming(tensor, a, mode, nonlinearity)
    with no_grad():
        return tensor.uniform_(-bound, bound, generator=generator)


def kaiming_normal_(tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Normal, with the spread that keeps the size of what passes through (He et al., 2015)."""
    with no_grad():
        return tensor.normal_(0, kaiming(tensor, a, mode, nonlinearity), generator=generator)


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Uniform, with a spread between those for forward and backward (Glorot and Bengio, 2010)."""
    bound = math.sqrt(3.0) * xavier(tensor, gain)
    with no_grad():
        return tensor.uniform_(-bound, bound, generator=generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Normal, with a spread between those for forward and backward (Glorot and Bengio, 2010)."""
    with no_grad():
        return tensor.normal_(0, xavier(tensor, gain), generator=generator)


def constant_(tensor, val):
    """One number everywhere."""
    with no_grad():
        return tensor.fill_(val)


def zeros_(tensor):
    """Zeros everywhere."""
    return constant_(tensor, 0.0)


def ones_(tensor):
    """Ones everywhere."""
    return constant_(tensor, 1.0)


def eye_(tensor):
    """The identity matrix."""
    with no_grad():
        tensor._array[...] = np.eye(*tensor._array.shape)
        return tensor


def uniform_(tensor, a=0.0, b=1.0, generator=None):
    """Uniform between a and b."""
    with no_grad():
        return tensor.uniform_(a, b, generator=generator)


def normal_(tensor, mean=0.0, std=1.0, generator=None):
    """Normal with that mean and standard deviation."""
    with no_grad():
        return tensor.normal_(mean, std, generator=generator)


init = types.SimpleNamespace(
    uniform_=uniform_, normal_=normal_, constant_=constant_, eye_=eye_, calculate_gain=calculate_gain,
    zeros_=zeros_, ones_=ones_,
    kaiming_uniform_=kaiming_uniform_, kaiming_normal_=kaiming_normal_, xavier_uniform_=xavier_uniform_,
    xavier_normal_=xavier_normal_, _calculate_fan_in_and_fan_out=fans,
)  # fmt: skip
parameter = types.SimpleNamespace(Parameter=Parameter, Buffer=Buffer)
modules = types.SimpleNamespace(Module=Module)


def __getattr__(name):
    if name.startswith("__"):
        raise AttributeError(name)
    raise NotImplementedError(
        f"torch.nn.{name}: handtorch, the part of PyTorch that this course uses, ends before it; use PyTorch"
    )
