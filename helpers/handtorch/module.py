"""`torch.nn`'s ground: parameters, the modules that hold them, and containers of modules.

A `Module` is a dictionary of parameters, buffers and other modules that can be walked, moved, saved and printed. What it computes, its
subclass says in `forward`; the layers themselves are in `nn.py`.
"""

from __future__ import annotations

import itertools
import operator
from collections import OrderedDict, namedtuple

from . import dtypes
from .autograd import Function, no_grad
from .creation import empty_like, zeros
from .methods import typename
from .record import wrap
from .tensor import Tensor, warn
from .walk import mode


class Parameter(Tensor):
    """A tensor that a module registers as its own, and that requires grad unless said otherwise."""

    def __new__(cls, data=None, requires_grad=True):
        data = zeros(0) if data is None else data.detach()
        if requires_grad and not data.is_floating_point():
            raise RuntimeError("Only Tensors of floating point and complex dtype can require gradients")
        made = wrap(data._array, cls)
        made._counter = data._counter
        made.requires_grad = requires_grad
        return made

    def __deepcopy__(self, memo):
        """A copy without the gradient: a tensor's copy has it, a parameter's has not."""
        if id(self) not in memo:
            memo[id(self)] = type(self)(self.detach().clone(), self.requires_grad)
        return memo[id(self)]

    def __repr__(self):
        return "Parameter containing:\n" + super().__repr__()


class Buffer(Tensor):
    """A tensor that a module keeps and saves, but does not train."""

    def __new__(cls, data=None, *, persistent=True):
        data = zeros(0) if data is None else data
        made = wrap(data._array, cls)
        made._counter, made.persistent = data._counter, persistent
        return made


class _IncompatibleKeys(namedtuple("IncompatibleKeys", ["missing_keys", "unexpected_keys"])):
    """What `load_state_dict` returns."""

    __slots__ = ()

    def __repr__(self):
        return super().__repr__() if self.missing_keys or self.unexpected_keys else "<All keys matched successfully>"


class ModuleHandle:
    """Takes a module's hook away again."""

    _ids = itertools.count()

    def __init__(self, hooks, hook, prepend=False):
        self.hooks, self.id = hooks, next(ModuleHandle._ids)
        hooks[self.id] = hook
        if any(EVERYWHERE.values()):
            used_everywhere[:] = [True]
        if prepend:
            hooks.move_to_end(self.id, last=False)

    def remove(self):
        self.hooks.pop(self.id, None)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.remove()


# The hooks of a module, and those of all modules, by the moment at which they are called.
HOOKS = (
    "_forward_pre_hooks", "_forward_hooks", "_backward_pre_hooks", "_backward_hooks",
    "_state_dict_pre_hooks", "_state_dict_hooks", "_load_state_dict_pre_hooks", "_load_state_dict_post_hooks",
)  # fmt: skip
EVERYWHERE = {name: OrderedDict() for name in HOOKS[:4]}
used_everywhere = []  # as long as this is empty nobody has hooked all modules


def register_module_forward_pre_hook(hook):
    """Call `hook(module, args)` before every module's forward."""
    return ModuleHandle(EVERYWHERE["_forward_pre_hooks"], (hook, False, False))


def register_module_forward_hook(hook, *, with_kwargs=False, always_call=False):
    """Call `hook(module, args, output)` after every module's forward."""
    return ModuleHandle(EVERYWHERE["_forward_hooks"], (hook, with_kwargs, always_call))


def register_module_full_backward_hook(hook):
    """Call `hook(module, grad_input, grad_output)` after every module's backward."""
    return ModuleHandle(EVERYWHERE["_backward_hooks"], hook)


class Module:
    """The base of everything that has parameters. Subclasses call `super().__init__()` first and define `forward`."""

    _version = 1
    dump_patches = call_super_init = False
    training: bool

    def __init__(self, *args, **kwargs):
        name = type(self).__name__
        if kwargs:
            raise TypeError(f"{name}.__init__() got an unexpected keyword argument '{next(iter(kwargs))}'")
        if args:
            raise TypeError(f"{name}.__init__() takes 1 positional argument but {len(args) + 1} were given")
        own = self.__dict__
        own["training"] = True
        own["_parameters"], own["_buffers"], own["_modules"] = {}, {}, {}
        own["_non_persistent_buffers_set"] = set()
        for name in HOOKS:
            own[name] = OrderedDict()

    def forward(self, *input):
        raise NotImplementedError(f'Module [{type(self).__name__}] is missing the required "forward" function')

    def __call__(self, *args, **kwargs):
        own = self.__dict__  # Python is several times faster here than at the attributes of what has a `__getattr__`
        if (
            own.get("_backward_hooks", True) or own["_backward_pre_hooks"] or own["_forward_hooks"] or own["_forward_pre_hooks"]
            or used_everywhere
        ):  # fmt: skip
            return call_with_hooks(self, args, kwargs)
        if not kwargs:  # as nearly always; Python is faster without the stars
            if len(args) == 1:
                return self.forward(args[0])
            if len(args) == 2:
                return self.forward(args[0], args[1])
        return self.forward(*args, **kwargs)

    # ---- attributes --------------------------------------------------------------------------------------------------

    def __setattr__(self, name, value):
        own = self.__dict__
        parameters, modules, buffers = own.get("_parameters"), own.get("_modules"), own.get("_buffers")
        if isinstance(value, Parameter):
            if parameters is None:
                raise AttributeError("cannot assign parameters before Module.__init__() call")
            self.forget(name, parameters)
            self.register_parameter(name, value)
        elif parameters is not None and name in parameters:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as parameter '{name}' (torch.nn.Parameter or None expected)"
                )
            self.register_parameter(name, None)
        elif isinstance(value, Module):
            if modules is None:
                raise AttributeError("cannot assign module before Module.__init__() call")
            self.forget(name, modules)
            modules[name] = value
        elif modules is not None and name in modules:
            if value is not None:
                raise TypeError(
                    f"cannot assign '{typename(value)}' as child module '{name}' (torch.nn.Module or None expected)"
                )
            modules[name] = None
        elif isinstance(value, Buffer) or (buffers is not None and name in buffers):
            if value is not None and not isinstance(value, Tensor):
                raise TypeError(
                    f"cannot assign '{typename(value)}' as buffer '{name}' (torch.nn.Buffer, torch.Tensor or None expected)"
                )
            if isinstance(value, Buffer):
                self.forget(name, buffers)
                self.register_buffer(name, value, value.persistent)
            else:
                buffers[name] = value
        else:
            object.__setattr__(self, name, value)

    def forget(self, name, kept):
        """Drop a name from wherever it is registered but in `kept`, where it keeps its position."""
        for place in (self.__dict__, self._parameters, self._buffers, self._modules):
            if place is not kept:
                place.pop(name, None)

    def __getattr__(self, name):
        own = self.__dict__
        if "_parameters" in own:
            if name in own["_parameters"]:
                return own["_parameters"][name]
            for place in (own["_buffers"], own["_modules"]):
                if name in place:
                    return place[name]
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __delattr__(self, name):
        for place in (self._parameters, self._buffers, self._modules):
            if name in place:
                del place[name]
                self._non_persistent_buffers_set.discard(name)
                return
        object.__delattr__(self, name)

    def __dir__(self):
        names = {*object.__dir__(self), *self._parameters, *self._buffers, *self._modules}
        return sorted(name for name in names if not name[:1].isdigit())

    def check_name(self, place, what, name):
        """Raise PyTorch's error for a name under which nothing can be registered in `place`."""
        if place not in self.__dict__:
            raise AttributeError(f"cannot assign {what} before Module.__init__() call")
        if not isinstance(name, str):
            raise TypeError(f"{what} name should be a string. Got {typename(name)}")
        if "." in name:
            raise KeyError(f'{what} name can\'t contain "."' + (f", got: {name}" if what == "module" else ""))
        if name == "":
            raise KeyError(f'{what} name can\'t be empty string ""')
        if hasattr(self, name) and name not in self.__dict__[place]:
            raise KeyError(f"attribute '{name}' already exists")

    def register_parameter(self, name, param):
        """Add a parameter under a name; None reserves the name."""
        self.check_name("_parameters", "parameter", name)
        if param is not None and not isinstance(param, Parameter):
            raise TypeError(
                f"cannot assign '{typename(param)}' object to parameter '{name}' (torch.nn.Parameter or None required)"
            )
        if param is not None and param.grad_fn is not None:
            raise ValueError(
                f"Cannot assign non-leaf Tensor to parameter '{name}'. Model parameters must be created explicitly. To express "
                f"'{name}' as a function of another Tensor, compute the value in the forward() method."
            )
        self._parameters[name] = param

    def register_buffer(self, name, tensor, persistent=True):
        """Add a tensor that is saved with the parameters (if persistent) but not trained."""
        self.check_name("_buffers", "buffer", name)
        if tensor is not None and not isinstance(tensor, Tensor):
            raise TypeError(
                f"cannot assign '{typename(tensor)}' object to buffer '{name}' (torch Tensor or None required)"
            )
        self._buffers[name] = tensor
        (self._non_persistent_buffers_set.discard if persistent else self._non_persistent_buffers_set.add)(name)

    def add_module(self, name, module):
        """Add a module under a name."""
        if not isinstance(module, Module) and module is not None:
            raise TypeError(f"{typename(module)} is not a Module subclass")
        self.check_name("_modules", "module", name)
        self._modules[name] = module

    register_module = add_module

    # ---- hooks -------------------------------------------------------------------------------------------------------

    def register_forward_pre_hook(self, hook, *, prepend=False, with_kwargs=False):
        """Call `hook(module, args)` before forward; what it returns replaces the arguments. with_kwargs: (module, args, kwargs)."""
        return ModuleHandle(self._forward_pre_hooks, (hook, with_kwargs, False), prepend)

    def register_forward_hook(self, hook, *, prepend=False, with_kwargs=False, always_call=False):
        """Call `hook(module, args, output)` after forward; what it returns replaces the output."""
        return ModuleHandle(self._forward_hooks, (hook, with_kwargs, always_call), prepend)

    def register_full_backward_hook(self, hook, prepend=False):
        """Call `hook(module, grad_input, grad_output)` after the module's backward; what it returns replaces grad_input."""
        return ModuleHandle(self._backward_hooks, hook, prepend)

    def register_full_backward_pre_hook(self, hook, prepend=False):
        """Call `hook(module, grad_output)` before the module's backward; what it returns replaces grad_output."""
        return ModuleHandle(self._backward_pre_hooks, hook, prepend)

    def register_backward_hook(self, hook):
        """PyTorch's first kind, whose grad_input is that of the last operation alone."""
        raise NotImplementedError("Module.register_backward_hook: use register_full_backward_hook, which replaced it")

    def register_state_dict_pre_hook(self, hook):
        """Call `hook(module, prefix, keep_vars)` before `state_dict` looks at the module."""
        return ModuleHandle(self._state_dict_pre_hooks, hook)

    def register_state_dict_post_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata)` after `state_dict` has looked at the module."""
        return ModuleHandle(self._state_dict_hooks, hook)

    def register_load_state_dict_pre_hook(self, hook):
        """Call `hook(module, state_dict, prefix, local_metadata, strict, missing, unexpected, errors)` before loading."""
        return ModuleHandle(self._load_state_dict_pre_hooks, hook)

    def register_load_state_dict_post_hook(self, hook):
        """Call `hook(module, incompatible_keys)` after loading."""
        return ModuleHandle(self._load_state_dict_post_hooks, hook)

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
        modules = self.named_modules(prefix=prefix, remove_duplicate=remove_duplicate) if recurse else ((prefix, self),)
        for path, module in modules:
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
            if not isinstance(module, Module):
                raise AttributeError(f"`{name}` is not an nn.Module")
        return module

    def set_submodule(self, target, module, strict=False):
        """Put another module in the place with a dotted name."""
        path, _, name = target.rpartition(".")
        setattr(self.get_submodule(path), name, module)

    def named_member(self, target, place, what):
        path, _, name = target.rpartition(".")
        module = self.get_submodule(path)
        if not hasattr(module, name):
            raise AttributeError(f"{type(module).__name__} has no attribute `{name}`")
        if name not in getattr(module, place):
            raise AttributeError(f"`{name}` is not {what}")
        return getattr(module, name)

    def get_parameter(self, target):
        """The parameter with a dotted name."""
        return self.named_member(target, "_parameters", "an nn.Parameter")

    def get_buffer(self, target):
        """The buffer with a dotted name."""
        return self.named_member(target, "_buffers", "a buffer")

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
        self.training = mode
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

    def to(self, *args, dtype=None, device=None, non_blocking=False, copy=False, memory_format=None):
        """Parameters and buffers in another floating type."""
        for arg in args:
            if isinstance(arg, Tensor):
                dtype = arg.dtype
            elif isinstance(arg, dtypes.dtype):
                dtype = arg
            elif isinstance(arg, (str, dtypes.device)):
                device = arg
        dtypes.must_be_here(device)
        if dtype is None:
            return self
        if not dtype.is_floating_point:
            raise TypeError(
                f"nn.Module.to only accepts floating point or complex dtypes, but got desired dtype={dtype}"
            )
        return self._apply(lambda x: x.to(dtype) if x.is_floating_point() else x)

    def type(self, dst_type):
        """All parameters and buffers in a type."""
        return self._apply(lambda x: x.type(dst_type))

    def float(self):
        """In float32."""
        return self.to(dtypes.float32)

    def double(self):
        """In float64."""
        return self.to(dtypes.float64)

    def half(self):
        """In float16."""
        return self.to(dtypes.float16)

    def bfloat16(self):
        """There is no such type here."""
        raise NotImplementedError("torch.bfloat16: handtorch ends before it; use PyTorch")

    def cpu(self):
        """Itself: there is no other device."""
        return self

    def cuda(self, device=None):
        """There is no other device: raises what PyTorch raises then."""
        raise AssertionError("Torch not compiled with CUDA enabled")

    def to_empty(self, *, device, recurse=True):
        """The same parameters with new, unset memory."""
        return self._apply(empty_like)

    def share_memory(self):
        """Itself: there is one process."""
        return self

    # ---- saving ------------------------------------------------------------------------------------------------------

    def get_extra_state(self):
        """What else `state_dict` should save, in a subclass that defines it together with `set_extra_state(state)`."""
        raise RuntimeError("Reached a code path in Module.get_extra_state() that should never be called.")

    def set_extra_state(self, state):
        """Take back what `get_extra_state` gave."""
        raise RuntimeError("Reached a code path in Module.set_extra_state() that should never be called.")

    def state_dict(self, *, destination=None, prefix="", keep_vars=False):
        """All parameters and persistent buffers by name: the memory itself, not a copy."""
        if destination is None:
            destination = OrderedDict()
            destination._metadata = OrderedDict()
        local_metadata = {"version": self._version}
        if hasattr(destination, "_metadata"):
            destination._metadata[prefix[:-1]] = local_metadata
        for hook in self._state_dict_pre_hooks.values():
            hook(self, prefix, keep_vars)
        self._save_to_state_dict(destination, prefix, keep_vars)
        for name, module in self._modules.items():
            if module is not None:
                module.state_dict(destination=destination, prefix=prefix + name + ".", keep_vars=keep_vars)
        for hook in self._state_dict_hooks.values():
            hook(self, destination, prefix, local_metadata)
        return destination

    def _save_to_state_dict(self, destination, prefix, keep_vars):
        """Put this module's own values into `destination`."""
        for name, value in self.own_state():
            if value is not None:
                destination[prefix + name] = value if keep_vars else value.detach()
        if type(self).get_extra_state is not Module.get_extra_state:
            destination[prefix + "_extra_state"] = self.get_extra_state()

    def own_state(self):
        """This module's own parameters and persistent buffers, with names."""
        kept = ((k, v) for k, v in self._buffers.items() if k not in self._non_persistent_buffers_set)
        return itertools.chain(self._parameters.items(), kept)

    def load_state_dict(self, state_dict, strict=True, assign=False):
        """Copy values saved by `state_dict` into the parameters and buffers. Raises RuntimeError for names or shapes that do not fit.

        strict: names that are missing or unexpected are errors. assign: take the tensors themselves.
        """
        if not hasattr(state_dict, "keys"):
            raise TypeError(f"Expected state_dict to be dict-like, got {type(state_dict)}.")
        missing, unexpected, errors = [], [], []
        metadata = getattr(state_dict, "_metadata", None)
        given = OrderedDict(state_dict)

        def load(module, prefix):
            local_metadata = {} if metadata is None else metadata.get(prefix[:-1], {})
            if assign:
                local_metadata["assign_to_params_buffers"] = True
            details = given, prefix, local_metadata, True, missing, unexpected, errors
            for hook in module._load_state_dict_pre_hooks.values():
                hook(module, *details)
            module._load_from_state_dict(*details)
            for name, child in module._modules.items():
                if child is not None:
                    load(child, prefix + name + ".")
            incompatible = _IncompatibleKeys(missing, unexpected)
            for hook in module._load_state_dict_post_hooks.values():
                hook(module, incompatible)

        load(self, "")
        if strict:
            for names, what in ((unexpected, "Unexpected"), (missing, "Missing")):
                if names:
                    errors.insert(0, f"{what} key(s) in state_dict: " + ", ".join(f'"{k}"' for k in names) + ". ")
        if errors:
            raise RuntimeError(f"Error(s) in loading state_dict for {type(self).__name__}:\n\t" + "\n\t".join(errors))
        return _IncompatibleKeys(missing, unexpected)

    def _load_from_state_dict(self, state_dict, prefix, local_metadata, strict, missing, unexpected, errors):
        """Take this module's own values from `state_dict`; add what is wrong to the three lists."""
        own = {name: value for name, value in self.own_state() if value is not None}
        for name, value in own.items():
            if prefix + name in state_dict:
                problem = self.take_value(name, value, state_dict[prefix + name], prefix + name, local_metadata)
                if problem:
                    errors.append(problem)
            else:
                missing.append(prefix + name)
        has_extra = type(self).set_extra_state is not Module.set_extra_state
        if has_extra and prefix + "_extra_state" in state_dict:
            self.set_extra_state(state_dict[prefix + "_extra_state"])
        for key in state_dict:
            first, *rest = key.removeprefix(prefix).split(".", 1)
            known = first in self._modules if rest else first in own or (has_extra and first == "_extra_state")
            if key.startswith(prefix) and not known:
                unexpected.append(key)

    def take_value(self, name, value, given, key, local_metadata):
        """Copy `given` into the parameter or buffer `value`, or say in PyTorch's words why that cannot be."""
        if not isinstance(given, Tensor):
            return (
                f'While copying the parameter named "{key}", expected torch.Tensor or Tensor-like object from checkpoint '
                f"but received {type(given)}"
            )
        if given.shape != value.shape:
            return (
                f"size mismatch for {key}: copying a param with shape {given.shape} from checkpoint, the shape in current model "
                f"is {value.shape}."
            )
        if local_metadata.get("assign_to_params_buffers"):
            is_new = isinstance(value, Parameter) and not isinstance(given, Parameter)
            setattr(self, name, Parameter(given, value.requires_grad) if is_new else given)
        else:
            with no_grad():
                value.copy_(given)
        return None

    # ---- text --------------------------------------------------------------------------------------------------------

    def _get_name(self):
        return type(self).__name__

    def extra_repr(self):
        """What stands between the parentheses of the printed module."""
        return ""

    def __repr__(self):
        extra = self.extra_repr()
        lines = extra.split("\n") if extra else []
        children = [f"({name}): " + indented(repr(module)) for name, module in self._modules.items()]
        if len(lines) == 1 and not children:
            return f"{self._get_name()}({lines[0]})"
        if not lines and not children:
            return f"{self._get_name()}()"
        return f"{self._get_name()}(\n  " + "\n  ".join(lines + children) + "\n)"


def indented(text):
    return text.replace("\n", "\n  ")


# ---- calling with hooks ----------------------------------------------------------------------------------------------


def call_with_hooks(module, args, kwargs):
    """Call a module's forward with the hooks around it: those of all modules first, then its own."""
    _ = module._backward_hooks  # which PyTorch misses first in a module without `super().__init__()`
    before, after = (
        [*EVERYWHERE[n].values(), *getattr(module, n).values()] for n in ("_forward_pre_hooks", "_forward_hooks")
    )
    backward_pre, backward = (
        [*EVERYWHERE[n].values(), *getattr(module, n).values()] for n in ("_backward_pre_hooks", "_backward_hooks")
    )
    for hook, with_kwargs, _ in before:
        if with_kwargs:
            changed = hook(module, args, kwargs)
            if changed is not None:
                if not (isinstance(changed, tuple) and len(changed) == 2):
                    raise RuntimeError(
                        f"forward pre-hook must return None or a tuple of (new_args, new_kwargs), but got {changed}."
                    )
                args, kwargs = changed
        else:
            changed = hook(module, args)
            if changed is not None:
                args = changed if isinstance(changed, tuple) else (changed,)
    watch = WatchedBackward(module, backward_pre, backward) if backward_pre or backward else None
    if watch:
        args = watch.at_input(args)
    result = module.forward(*args, **kwargs)
    for hook, with_kwargs, _ in after:
        changed = hook(module, args, kwargs, result) if with_kwargs else hook(module, args, result)
        result = result if changed is None else changed
    return watch.at_output(result) if watch else result


class BackwardHookFunction(Function):
    """The identity: a node before or after a module for its backward hooks to hang on."""

    @staticmethod
    def forward(ctx, *tensors):
        ctx.mark_non_differentiable(*[x for x in tensors if not x.requires_grad])
        return tensors

    @staticmethod
    def backward(ctx, *grads):
        return grads


class WatchedBackward:
    """The backward of one call of a module, between two identities: the gradients of its outputs and of its inputs are seen there."""

    def __init__(self, module, before, after):
        self.module, self.before, self.after = module, before, after
        self.grad_outputs = None
        self.inputs, self.places = 0, None  # how many arguments; which of them have a gradient to be seen

    def at_input(self, args):
        self.inputs = len(args)
        args, node, self.places = through_identity(args)
        if node is not None:
            node.register_hook(self.after_backward)
        return args

    def at_output(self, result):
        single = not isinstance(result, tuple)
        outputs, node, places = through_identity((result,) if single else result)
        if node is not None:

            def before_backward(grads):
                grads = spread(grads, places, len(outputs))
                for hook in self.before:
                    changed = hook(self.module, grads)
                    if changed is not None:
                        grads = changed if isinstance(changed, tuple) else (changed,)
                self.grad_outputs = grads
                if self.places is None:
                    warn_of_missing_input()
                    for hook in self.after:
                        hook(self.module, (None,) * self.inputs, grads)
                return tuple(grads[i] for i in places)

            node.register_prehook(before_backward)
        return outputs[0] if single else outputs

    def after_backward(self, grads, _):
        grads = spread(grads, self.places, self.inputs)
        for hook in self.after:
            changed = hook(self.module, grads, self.grad_outputs)
            if changed is not None:
                grads = changed if isinstance(changed, tuple) else (changed,)
        return tuple(grads[i] for i in self.places)


def through_identity(values):
    """`values` with the tensors among them sent through an identity; its node, and their positions (None: nothing is recorded)."""
    places = [i for i, x in enumerate(values) if isinstance(x, Tensor)]
    if not (mode.grad and any(values[i].requires_grad for i in places)):
        return values, None, None
    values = list(values)
    for i, x in zip(places, BackwardHookFunction.apply(*[values[i] for i in places]), strict=True):
        values[i] = x
    return tuple(values), next(values[i].grad_fn for i in places if values[i].grad_fn is not None), places


def spread(grads, places, count):
    """Gradients at their positions among `count`, with None elsewhere."""
    found = [None] * count
    for i, grad in zip(places, grads, strict=True):
        found[i] = grad
    return tuple(found)


def warn_of_missing_input():
    warn(
        "Full backward hook is firing when gradients are computed with respect to module outputs since no inputs require "
        "gradients. See https://docs.pytorch.org/docs/main/generated/torch.nn.Module.html#torch.nn.Module.register_full_backward_hook "
        "for more details."
    )


# ---- containers ------------------------------------------------------------------------------------------------------


class Numbered(Module):
    """What Sequential and ModuleList share: modules named "0", "1", …"""

    def __len__(self):
        return len(self._modules)

    def __iter__(self):
        return iter(self._modules.values())

    def name_at(self, index):
        index, count = operator.index(index), len(self)
        if not -count <= index < count:
            raise IndexError(f"index {index} is out of range")
        return list(self._modules)[index]

    def __setitem__(self, index, module):
        setattr(self, self.name_at(index), module)

    def __delitem__(self, index):
        names = list(self._modules)[index] if isinstance(index, slice) else [self.name_at(index)]
        for name in names:
            del self._modules[name]
        self.renumber(list(self._modules.values()))

    def renumber(self, modules):
        self._modules.clear()
        self._modules.update({str(i): module for i, module in enumerate(modules)})

    def pop(self, index):
        """Take out a module and return it."""
        module = self[index]
        del self[index]
        return module

    def append(self, module):
        """Add a module at the end."""
        self.add_module(str(len(self)), module)
        return self

    def __iadd__(self, other):
        return self.extend(other)


class Sequential(Numbered):
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

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(OrderedDict(list(self._modules.items())[index]))
        return self._modules[self.name_at(index)]

    def extend(self, sequential):
        """Add several modules at the end."""
        for module in sequential:
            self.append(module)
        return self

    def insert(self, index, module):
        """Add a module before the one at `index`."""
        if not isinstance(module, Module):
            raise AssertionError(f"module should be of type: {Module}")
        if not -len(self) <= index <= len(self):
            raise IndexError(f"Index out of range: {index}")
        if index < 0:
            index += len(self)
        # By number, as PyTorch does: a KeyError where modules have other names.
        for place in range(len(self), index, -1):
            self._modules[str(place)] = self._modules[str(place - 1)]
        self._modules[str(index)] = module
        return self

    def __add__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return Sequential(*self, *other)

    def __iadd__(self, other):
        if not isinstance(other, Sequential):
            raise ValueError(f"add operator supports only objects of Sequential class, but {type(other)} is given.")
        return self.extend(list(other))

    def __mul__(self, other):
        return Sequential(*list(self) * self.times(other))

    __rmul__ = __mul__

    def __imul__(self, other):
        return self.extend(list(self) * (self.times(other) - 1))

    def times(self, other):
        """The factor of a repetition, checked."""
        if not isinstance(other, int):
            raise TypeError(f"unsupported operand type(s) for *: {type(self)} and {type(other)}")
        if other <= 0:
            raise ValueError(f"Non-positive multiplication factor {other} for {type(self)}")
        return other


class ModuleList(Numbered):
    """A list of modules whose parameters are found."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.extend(modules)

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)(list(self)[index])
        return self._modules[self.name_at(index)]

    def __add__(self, other):
        return type(self)([*self, *other])

    def extend(self, modules):
        """Add several modules at the end."""
        if not hasattr(modules, "__iter__"):
            raise TypeError(f"ModuleList.extend should be called with an iterable, but got {type(modules).__name__}")
        for module in modules:
            self.append(module)
        return self

    def insert(self, index, module):
        """Add a module before the one at `index`."""
        modules = list(self)
        modules.insert(index, module)
        self.renumber(modules)

    def __repr__(self):
        texts = [repr(m) for m in self]
        if not texts:
            return self._get_name() + "()"
        lines, start = [], 0
        for text, group in itertools.groupby(texts):
            count = len(list(group))
            name = f"({start})" if count == 1 else f"({start}-{start + count - 1})"
            lines.append(f"{name}: " + ("" if count == 1 else f"{count} x ") + indented(text))
            start += count
        return f"{self._get_name()}(\n  " + "\n  ".join(lines) + "\n)"


class ModuleDict(Module):
    """A dictionary of modules whose parameters are found."""

    def __init__(self, modules=None):
        super().__init__()
        if modules is not None:
            self.update(modules)

    def update(self, modules):
        """Add modules from a dictionary or pairs."""
        if not hasattr(modules, "__iter__"):
            raise TypeError(
                f"ModuleDict.update should be called with an iterable of key/value pairs, but got {type(modules).__name__}"
            )
        if not hasattr(modules, "items"):
            for i, pair in enumerate(modules):
                if not hasattr(pair, "__iter__"):
                    raise TypeError(
                        f"ModuleDict update sequence element #{i} should be Iterable; is{type(pair).__name__}"
                    )
                if len(pair) != 2:
                    raise ValueError(f"ModuleDict update sequence element #{i} has length {len(pair)}; 2 is required")
        for name, module in modules.items() if hasattr(modules, "items") else modules:
            self[name] = module

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
    clear = lambda self: self._modules.clear()

    def pop(self, key):
        """Take out a module and return it."""
        return self._modules.pop(key)


def as_parameter(value):
    """A tensor as a parameter; anything else as it is."""
    return Parameter(value) if isinstance(value, Tensor) and not isinstance(value, Parameter) else value


def described(value, kind):
    """One value of a list or dictionary of parameters, as it is printed; `kind` gives the word for a tensor's type."""
    if not isinstance(value, Tensor):
        return f"Object of type: {type(value).__name__}"
    what = "Parameter" if isinstance(value, Parameter) else "Tensor"
    return f"{what} containing: [{kind(value)} of size {'x'.join(map(str, value.shape))}]"


class ParameterList(Module):
    """A list of parameters that are found; tensors become parameters."""

    def __init__(self, values=None):
        super().__init__()
        self._size = 0
        self.extend(values or ())

    def name_at(self, index):
        index = operator.index(index)
        if not -self._size <= index < self._size:
            raise IndexError(f"index {index} is out of range")
        return str(index % self._size)

    def append(self, value):
        """Add a parameter, or a tensor made into one."""
        self._size += 1
        self[-1] = value
        return self

    def extend(self, values):
        """Add several parameters."""
        if not hasattr(values, "__iter__") or isinstance(values, Tensor):
            raise TypeError(f"ParameterList.extend should be called with an iterable, but got {type(values).__name__}")
        for value in values:
            self.append(value)
        return self

    __iadd__ = extend

    def __len__(self):
        return self._size

    def __iter__(self):
        return iter(self[i] for i in range(self._size))

    def __getitem__(self, index):
        if isinstance(index, slice):
            return type(self)([self[i] for i in range(*index.indices(self._size))])
        return getattr(self, self.name_at(index))

    def __setitem__(self, index, value):
        setattr(self, self.name_at(index), as_parameter(value))

    def __call__(self, *args, **kwargs):
        raise RuntimeError("ParameterList should not be called.")

    def extra_repr(self):
        return "\n".join(f"  ({i}): {described(p, lambda p: p.dtype)}" for i, p in enumerate(self))


class ParameterDict(Module):
    """A dictionary of parameters that are found; tensors become parameters."""

    def __init__(self, parameters=None):
        super().__init__()
        self._keys = {}
        if parameters is not None:
            self.update(parameters)

    def update(self, parameters):
        """Add parameters from a dictionary or pairs."""
        for name, value in parameters.items() if hasattr(parameters, "items") else parameters:
            self[name] = value

    def __setitem__(self, key, value):
        self._keys[key] = None
        setattr(self, str(key), as_parameter(value))

    def __getitem__(self, key):
        return getattr(self, str(key))

    def __delitem__(self, key):
        del self._keys[key]
        delattr(self, str(key))

    def __len__(self):
        return len(self._keys)

    def __iter__(self):
        return iter(self._keys)

    def __contains__(self, key):
        return key in self._keys

    keys = lambda self: self._keys.keys()
    values = lambda self: (self[key] for key in self._keys)
    items = lambda self: ((key, self[key]) for key in self._keys)

    def get(self, key, default=None):
        """The parameter of that name, or `default`."""
        return getattr(self, str(key)) if key in self._keys else default

    def setdefault(self, key, default=None):
        """The parameter of that name, which is `default` from now on if there was none."""
        if key not in self:
            self[key] = default
        return self[key]

    def pop(self, key):
        """Take out a parameter and return it."""
        value = self[key]
        del self[key]
        return value

    def clear(self):
        """Take out all."""
        for key in list(self._keys):
            del self[key]

    def copy(self):
        """Another dictionary of the same parameters."""
        return ParameterDict(OrderedDict(self.items()))

    def __or__(self, other):
        copied = self.copy()
        copied.update(other)
        return copied

    def __call__(self, *args, **kwargs):
        raise RuntimeError("ParameterDict should not be called.")

    def extra_repr(self):
        return "\n".join(f"  ({key}): {described(p, typename)}" for key, p in self.items())
