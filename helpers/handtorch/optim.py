"""The optimizers of `torch.optim`: how a gradient becomes a step.

Stands on the tensor. `Optimizer` keeps the books (parameter groups, state, `state_dict`); each optimizer below it is
one formula. Read `SGD.update` first: an optimizer is a few in-place operations on one parameter `p` and its gradient.
The order of these operations, and the fused forms (`addcmul_`, `addcdiv_`, `lerp_`), are PyTorch's, because the last
bit of every parameter depends on them. In the formulas below g is the gradient, t counts the steps from 1, products
and quotients are elementwise, and the left side of ← is overwritten.
"""

import math
from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterable
from copy import deepcopy
from functools import wraps
from itertools import chain
from typing import NamedTuple

import numpy as np

from .autograd import enable_grad, no_grad
from .creation import full_like, tensor, zeros_like
from .dtypes import finfo, float32, float64, get_default_dtype
from .end import end_of
from .methods import cat, typename
from .tensor import Tensor, warn, with_graph

__getattr__ = end_of("torch.optim")

# PyTorch's other ways to run the same formulas: on lists of tensors, inside a CUDA graph, recorded by autograd, in one kernel.
_OTHER_IMPLEMENTATIONS = ("foreach", "capturable", "differentiable", "fused")


class RemovableHandle:
    """What registering a hook returns: `remove()` takes the hook out again."""

    next_id = 0

    def __init__(self, hooks: dict):
        self._hooks = hooks
        self.id = RemovableHandle.next_id
        RemovableHandle.next_id += 1

    def remove(self) -> None:
        self._hooks.pop(self.id, None)


_BEFORE_EVERY_STEP, _AFTER_EVERY_STEP = OrderedDict(), OrderedDict()


def register_optimizer_step_pre_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` before each step of every optimizer."""
    return _register(_BEFORE_EVERY_STEP, hook)


def register_optimizer_step_post_hook(hook: Callable) -> RemovableHandle:
    """Call `hook(optimizer, args, kwargs)` after each step of every optimizer."""
    return _register(_AFTER_EVERY_STEP, hook)


def _with_step_hooks(step: Callable) -> Callable:
    """`step` between the hooks that were registered for before and after it."""

    @wraps(step)
    def hooked(self, *args, **kwargs):
        if not (
            self._optimizer_step_pre_hooks or self._optimizer_step_post_hooks or _BEFORE_EVERY_STEP or _AFTER_EVERY_STEP
        ):
            return step(self, *args, **kwargs)
        args = (self, *args)
        for hook in chain(_BEFORE_EVERY_STEP.values(), self._optimizer_step_pre_hooks.values()):
            changed = hook(self, args, kwargs)
            if changed is None:
                continue
            if not (isinstance(changed, tuple) and len(changed) == 2):
                raise RuntimeError(f"{step} must return None or a tuple of (new_args, new_kwargs), but got {changed}.")
            args, kwargs = changed
        result = step(*args, **kwargs)
        for hook in chain(self._optimizer_step_post_hooks.values(), _AFTER_EVERY_STEP.values()):
            hook(self, args, kwargs)
        return result

    return hooked


class Optimizer:
    """Holds parameters in groups, the options of each group, and a state for each parameter.

    params: tensors, or pairs (name, tensor), or dicts with the key "params" and options of that group alone.
    defaults: the options of groups that do not give their own.

    An optimizer of your own defines `update(p, grad, group)`, or overrides `step`.
    Raises TypeError or ValueError, in PyTorch's words, for anything that cannot be optimized.
    """

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "step" in vars(cls):
            cls.step = _with_step_hooks(cls.step)

    def __init__(self, params: Iterable, defaults: dict):
        self.defaults = defaults
        self._make_hooks()
        if isinstance(params, Tensor):
            raise TypeError(
                "params argument given to the optimizer should be an iterable of Tensors or dicts, "
                f"but got {typename(params)}"
            )
        self.state = defaultdict(dict)
        self.param_groups = []

        groups = list(params)
        if not groups:
            raise ValueError("optimizer got an empty parameter list")
        if not isinstance(groups[0], dict):
            groups = [{"params": groups}]
        for group in groups:
            self.add_param_group(group)

    def add_param_group(self, param_group: dict) -> None:
        """Optimize the tensors of `param_group["params"]` too, with the options that stand beside them in the dict."""
        if not isinstance(param_group, dict):
            raise TypeError(f"param_group must be a dict, but got {type(param_group)}")
        params, names = _tensors_and_names(param_group["params"])
        param_group["params"] = params
        if names:
            param_group["param_names"] = names

        for p in params:
            if not isinstance(p, Tensor):
                raise TypeError(f"optimizer can only optimize Tensors, but one of the params is {typename(p)}")
            if not (p.is_leaf or p.retains_grad):
                raise ValueError("can't optimize a non-leaf Tensor")
        for name, default in self.defaults.items():
            param_group.setdefault(name, default)
        for name in _OTHER_IMPLEMENTATIONS:
            if param_group.get(name):
                raise NotImplementedError(
                    f"handtorch ends here: {type(self).__name__}({name}=True) is another implementation of the same "
                    f"formula, leave {name} out"
                )

        if len(params) != len(set(params)):
            warn(
                "optimizer contains a parameter group with duplicate parameters; in future, this will cause an error; "
                "see github.com/pytorch/pytorch/issues/40967 for more information"
            )
        for group in self.param_groups:
            if ("param_names" in param_group) != ("param_names" in group):
                raise ValueError(
                    "all optimizer param groups should be with/without names. cannot add param group "
                    f"{'with' if names else 'without'} names to the optimizer"
                )
        if not {p for group in self.param_groups for p in group["params"]}.isdisjoint(params):
            raise ValueError("some parameters appear in more than one parameter group")
        self.param_groups.append(param_group)

    def step(self, closure: Callable | None = None):
        """Update every parameter that has a gradient. `closure`, if given, runs first (it calls `backward`); its value,
        the loss, is returned."""
        loss = None
        if closure is not None:
            with enable_grad():
                loss = closure()
        with_graph(False, self._update_all)
        return loss

    def _update_all(self):
        for group in self.param_groups:
            maximize = group.get("maximize", False)
            for p in group["params"]:
                grad = p._grad
                if grad is not None:
                    self.update(p, -grad if maximize else grad, group)

    def update(self, p: Tensor, grad: Tensor, group: dict) -> None:
        """Change `p` in place by one step against `grad`, with the options of its `group` and its memory `self.state[p]`."""
        raise NotImplementedError

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients: `p.grad` becomes None, or zeros if `set_to_none` is False."""
        for group in self.param_groups:
            for p in group["params"]:
                if set_to_none:
                    p._grad = None
                    continue
                if p.grad is None:
                    continue
                if p.grad.grad_fn is not None:
                    p.grad.detach_()
                else:
                    p.grad.requires_grad_(False)
                p.grad.zero_()

    def state_dict(self) -> dict:
        """Everything but the parameters, which appear as numbers 0, 1, 2, … in the order of the groups:
        `{"state": {0: {...}, ...}, "param_groups": [{..., "params": [0, ...]}, ...]}`. Tensors are shared, not copied."""
        for hook in self._optimizer_state_dict_pre_hooks.values():
            hook(self)
        number = {}
        for p in chain.from_iterable(group["params"] for group in self.param_groups):
            number.setdefault(p, len(number))
        groups = [
            {k: v for k, v in group.items() if k != "params"} | {"params": [number[p] for p in group["params"]]}
            for group in self.param_groups
        ]
        state = {number[k] if isinstance(k, Tensor) else k: v for k, v in self.state.items()}
        state_dict = {"state": state, "param_groups": groups}
        for hook in self._optimizer_state_dict_post_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed
        return state_dict

    def load_state_dict(self, state_dict: dict) -> None:
        """Continue from what `state_dict()` of an optimizer with groups of the same sizes gave."""
        state_dict = state_dict.copy()
        for hook in self._optimizer_load_state_dict_pre_hooks.values():
            changed = hook(self, state_dict)
            state_dict = state_dict if changed is None else changed

        saved_groups = deepcopy(state_dict["param_groups"])
        if len(self.param_groups) != len(saved_groups):
            raise ValueError("loaded state dict has a different number of parameter groups")
        pairs = list(zip(self.param_groups, saved_groups, strict=True))
        if any(len(group["params"]) != len(saved["params"]) for group, saved in pairs):
            raise ValueError(
                "loaded state dict contains a parameter group that doesn't match the size of optimizer's group"
            )

        parameter = {k: p for group, saved in pairs for k, p in zip(saved["params"], group["params"], strict=True)}
        state = defaultdict(dict)
        for k, v in state_dict["state"].items():
            if k in parameter:
                state[parameter[k]] = _as_dtype_of(parameter[k], v)
            else:
                state[k] = v
        for group, saved in pairs:
            saved["params"] = group["params"]
            if "param_names" in group:
                saved.setdefault("param_names", group["param_names"])
        self.__setstate__({"state": state, "param_groups": saved_groups})
        for hook in self._optimizer_load_state_dict_post_hooks.values():
            hook(self)

    def __getstate__(self) -> dict:
        return {"defaults": self.defaults, "state": self.state, "param_groups": self.param_groups}

    def __setstate__(self, state: dict) -> None:
        self.__dict__.update(state)
        if "_optimizer_step_pre_hooks" not in self.__dict__:
            self._make_hooks()
        for group in self.param_groups:
            for name in (
                "maximize",
                "nesterov",
                "amsgrad",
                "centered",
                "decoupled_weight_decay",
                *_OTHER_IMPLEMENTATIONS,
            ):
                if name in self.defaults:
                    group.setdefault(name, None if name in ("foreach", "fused") else False)
        # A state that came from a file of plain numbers counts its steps in a float; ours counts in a tensor.
        for memory in self.state.values():
            for name in ("step", "mu_product", "eta", "mu"):
                if isinstance(memory, dict) and isinstance(memory.get(name), (int, float)):
                    memory[name] = _counter(memory[name])

    def __repr__(self) -> str:
        text = type(self).__name__ + " ("
        for i, group in enumerate(self.param_groups):
            text += f"\nParameter Group {i}\n"
            text += "".join(f"    {name}: {group[name]}\n" for name in sorted(group) if name != "params")
        return text + ")"

    def _make_hooks(self) -> None:
        self._optimizer_step_pre_hooks = OrderedDict()
        self._optimizer_step_post_hooks = OrderedDict()
        self._optimizer_state_dict_pre_hooks = OrderedDict()
        self._optimizer_state_dict_post_hooks = OrderedDict()
        self._optimizer_load_state_dict_pre_hooks = OrderedDict()
        self._optimizer_load_state_dict_post_hooks = OrderedDict()

    def register_step_pre_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` before each step; it may return new `(args, kwargs)` for it."""
        return _register(self._optimizer_step_pre_hooks, hook)

    def register_step_post_hook(self, hook: Callable) -> RemovableHandle:
        """Call `hook(optimizer, args, kwargs)` after each step."""
        return _register(self._optimizer_step_post_hooks, hook)

    def register_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` before `state_dict` is made."""
        return _register(self._optimizer_state_dict_pre_hooks, hook, prepend)

    def register_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` on what `state_dict` made; it may return another dict."""
        return _register(self._optimizer_state_dict_post_hooks, hook, prepend)

    def register_load_state_dict_pre_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer, state_dict)` before loading; it may return another dict to load."""
        return _register(self._optimizer_load_state_dict_pre_hooks, hook, prepend)

    def register_load_state_dict_post_hook(self, hook: Callable, prepend: bool = False) -> RemovableHandle:
        """Call `hook(optimizer)` after loading."""
        return _register(self._optimizer_load_state_dict_post_hooks, hook, prepend)


Optimizer.step = _with_step_hooks(Optimizer.step)


def _register(hooks: OrderedDict, hook: Callable, prepend: bool = False) -> RemovableHandle:
    handle = RemovableHandle(hooks)
    hooks[handle.id] = hook
    if prepend:
        hooks.move_to_end(handle.id, last=False)
    return handle


def _tensors_and_names(params) -> tuple[list, list]:
    """The tensors of a group and their names, none if the group came without."""
    if isinstance(params, Tensor):
        return [params], []
    if isinstance(params, set):
        raise TypeError(
            "optimizer parameters need to be organized in ordered collections, but the ordering of tensors in sets "
            "will change between runs. Please use a list instead."
        )
    params = list(params)
    named = [param for param in params if isinstance(param, tuple)]
    if named and len(named) != len(params):
        raise ValueError("all optimizer params should be with/without names. Some param names are missing")
    return ([param[1] for param in named], [param[0] for param in named]) if named else (params, [])


def _as_dtype_of(p: Tensor, value, name=None):
    """A loaded state for the parameter `p`: its tensors get the dtype of `p`, except the count of steps."""
    if isinstance(value, Tensor):
        return value.to(dtype=p.dtype) if name != "step" and p.is_floating_point() else value
    if isinstance(value, dict):
        return {k: _as_dtype_of(p, v, k) for k, v in value.items()}
    if isinstance(value, Iterable):
        return type(value)(_as_dtype_of(p, v) for v in value)
    return value


def _counter(value: float) -> Tensor:
    """A number that the state keeps as a 0-d tensor, of the dtype that PyTorch gives it."""
    return tensor(float(value), dtype=float64 if get_default_dtype() == float64 else float32)


def _scalar(x):
    """A learning rate may be a tensor of one element; arithmetic wants it 0-d."""
    return x.squeeze() if isinstance(x, Tensor) and x.dim() != 0 else x


def _require(holds, message: str) -> None:
    if not holds:
        raise ValueError(message)


def _check_lr(lr) -> None:
    _require(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")
    _require(lr >= 0.0, f"Invalid learning rate: {lr}")


def _check_adam(lr, betas, eps, weight_decay) -> None:
    """The hyperparameters that Adam shares with its relatives."""
    _check_lr(lr)
    _require(eps >= 0.0, f"Invalid epsilon value: {eps}")
    _require(0.0 <= betas[0] < 1.0, f"Invalid beta parameter at index 0: {betas[0]}")
    _require(0.0 <= betas[1] < 1.0, f"Invalid beta parameter at index 1: {betas[1]}")
    _require(weight_decay >= 0.0, f"Invalid weight_decay value: {weight_decay}")


class SGD(Optimizer):
    """(Stochastic) gradient descent, with or without momentum.

        g ← g + weight_decay p
        b ← momentum b + (1 - dampening) g      (b ← g at the first step; without momentum there is no b)
        g ← g + momentum b  if nesterov, else b
        p ← p - lr g

    Source: Sutskever, Martens, Dahl, Hinton, "On the importance of initialization and momentum in deep learning"
    (ICML 2013); PyTorch multiplies by lr at the end, they put it into b.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        momentum=0,
        dampening=0,
        weight_decay=0,
        nesterov=False,
        *,
        maximize=False,
        foreach=None,
        differentiable=False,
        fused=None,
    ):
        _require(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")
        _require(not lr < 0.0, f"Invalid learning rate: {lr}")
        _require(not momentum < 0.0, f"Invalid momentum value: {momentum}")
        _require(not weight_decay < 0.0, f"Invalid weight_decay value: {weight_decay}")
        _require(
            not nesterov or (momentum > 0 and dampening == 0),
            "Nesterov momentum requires a momentum and zero dampening",
        )
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "dampening": dampening,
            "weight_decay": weight_decay,
            "nesterov": nesterov,
            "maximize": maximize,
            "foreach": foreach,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        momentum = group["momentum"]
        if group["weight_decay"] != 0:
            grad = grad.add(p, alpha=group["weight_decay"])
        if momentum != 0:
            state = self.state[p]
            buf = state.get("momentum_buffer")
            if buf is None:
                buf = state["momentum_buffer"] = grad.detach().clone()
            else:
                buf.mul_(momentum).add_(grad, alpha=1 - group["dampening"])
            grad = grad.add(buf, alpha=momentum) if group["nesterov"] else buf
        p.add_(grad, alpha=-_scalar(group["lr"]))


class Adam(Optimizer):
    """Momentum, divided by the size that the gradients have had lately.

        g ← g + weight_decay p      (or p ← p - lr weight_decay p, if decoupled_weight_decay)
        m ← β₁ m + (1 - β₁) g                        exp_avg, starts at 0
        v ← β₂ v + (1 - β₂) g²                       exp_avg_sq, starts at 0
        v̂ ← v, or the largest v so far if amsgrad
        p ← p - lr m / (1 - β₁ᵗ) / (√v̂ / √(1 - β₂ᵗ) + eps)

    The divisions by 1 - βᵗ correct the averages for having started at 0.
    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 1; amsgrad: Reddi, Kale,
    Kumar, "On the convergence of Adam and beyond" (ICLR 2018).
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        amsgrad=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
        fused=None,
        decoupled_weight_decay=False,
    ):
        _check_adam(lr, betas, eps, weight_decay)
        _require(
            all(isinstance(beta, float) for beta in betas[:2]) or all(isinstance(beta, Tensor) for beta in betas[:2]),
            "betas must be either both floats or both Tensors",
        )
        for i, beta in enumerate(betas):
            _require(not isinstance(beta, Tensor) or beta.numel() == 1, f"Tensor betas[{i}] must be 1-element")
        defaults = {
            "lr": lr,
            "betas": tuple(map(_scalar, betas)),
            "eps": eps,
            "weight_decay": weight_decay,
            "amsgrad": amsgrad,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
            "fused": fused,
            "decoupled_weight_decay": decoupled_weight_decay,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        if not state:
            state["step"] = _counter(0.0)
            state["exp_avg"] = zeros_like(p)
            state["exp_avg_sq"] = zeros_like(p)
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = zeros_like(p)
        lr = _scalar(group["lr"])
        beta1, beta2 = group["betas"]
        state["step"] += 1
        t = state["step"].item()

        grad = _decay_weights(p, grad, lr, group)
        exp_avg = state["exp_avg"].lerp_(grad, 1 - beta1)
        exp_avg_sq = state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        if group["amsgrad"]:
            exp_avg_sq = state["max_exp_avg_sq"].copy_(state["max_exp_avg_sq"].maximum(exp_avg_sq))
        denominator = (exp_avg_sq.sqrt() / (1 - beta2**t) ** 0.5).add_(group["eps"])
        p.addcdiv_(exp_avg, denominator, value=-(lr / (1 - beta1**t)))


def _decay_weights(p: Tensor, grad: Tensor, lr, group: dict) -> Tensor:
    """Pull `p` towards zero: through the gradient that is returned, or, decoupled from it, at once and in place.

    Source of the second: Loshchilov and Hutter, "Decoupled weight decay regularization" (ICLR 2019).
    """
    weight_decay = group["weight_decay"]
    if weight_decay == 0:
        return grad
    if group.get("decoupled_weight_decay"):
        p.mul_(1 - lr * weight_decay)
        return grad
    return grad.add(p, alpha=weight_decay)


class AdamW(Adam):
    """Adam with decoupled weight decay: p ← p - lr weight_decay p, and then Adam's step on the gradient as it is.

    Source: Loshchilov and Hutter, "Decoupled weight decay regularization" (ICLR 2019), algorithm 2.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=1e-2,
        amsgrad=False,
        *,
        maximize=False,
        foreach=None,
        capturable=False,
        differentiable=False,
        fused=None,
    ):
        super().__init__(
            params,
            lr,
            betas,
            eps,
            weight_decay,
            amsgrad,
            foreach=foreach,
            maximize=maximize,
            capturable=capturable,
            differentiable=differentiable,
            fused=fused,
            decoupled_weight_decay=True,
        )

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


class Adamax(Optimizer):
    """Adam with the largest recent gradient in place of the root of the mean square.

        g ← g + weight_decay p
        m ← β₁ m + (1 - β₁) g                        exp_avg, starts at 0
        u ← max(β₂ u, |g| + eps)                     exp_inf, starts at 0
        p ← p - lr m / (1 - β₁ᵗ) / u

    Source: Kingma and Ba, "Adam: a method for stochastic optimization" (ICLR 2015), algorithm 2.
    """

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        _check_adam(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        if not state:
            state["step"] = _counter(0.0)
            state["exp_avg"] = zeros_like(p)
            state["exp_inf"] = zeros_like(p)
        lr = _scalar(group["lr"])
        beta1, beta2 = group["betas"]
        state["step"] += 1
        t = state["step"].item()

        grad = _decay_weights(p, grad, lr, group)
        exp_avg = state["exp_avg"].lerp_(grad, 1 - beta1)
        exp_inf = state["exp_inf"].mul_(beta2)
        exp_inf.copy_(exp_inf.maximum(grad.abs().add_(group["eps"])))
        p.addcdiv_(exp_avg, exp_inf, value=-(lr / (1 - beta1**t)))


class NAdam(Optimizer):
    """Adam with Nesterov's look ahead.

        g ← g + weight_decay p      (or p ← p - lr weight_decay p, if decoupled_weight_decay)
        μ = β₁ (1 - ½ 0.96^(t momentum_decay)),  μ' the same for t + 1
        P ← P μ                                      mu_product, starts at 1
        m ← β₁ m + (1 - β₁) g                        exp_avg, starts at 0
        v ← β₂ v + (1 - β₂) g²                       exp_avg_sq, starts at 0
        d = √(v / (1 - β₂ᵗ)) + eps
        p ← p - lr (1 - μ) / (1 - P) g / d
        p ← p - lr μ' / (1 - P μ') m / d

    Source: Dozat, "Incorporating Nesterov momentum into Adam" (ICLR workshop 2016).
    """

    def __init__(
        self,
        params,
        lr=2e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        momentum_decay=4e-3,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        _check_adam(lr, betas, eps, weight_decay)
        _require(momentum_decay >= 0.0, f"Invalid momentum_decay value: {momentum_decay}")
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "momentum_decay": momentum_decay,
            "decoupled_weight_decay": decoupled_weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        if not state:
            state["step"] = _counter(0.0)
            state["mu_product"] = _counter(1.0)
            state["exp_avg"] = zeros_like(p)
            state["exp_avg_sq"] = zeros_like(p)
        lr = _scalar(group["lr"])
        beta1, beta2 = group["betas"]
        state["step"] += 1
        t = state["step"].item()

        grad = _decay_weights(p, grad, lr, group)
        mu = beta1 * (1.0 - 0.5 * 0.96 ** (t * group["momentum_decay"]))
        mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((t + 1) * group["momentum_decay"]))
        state["mu_product"] *= mu
        mu_product = state["mu_product"].item()
        exp_avg = state["exp_avg"].lerp_(grad, 1 - beta1)
        exp_avg_sq = state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        denominator = exp_avg_sq.div(1 - beta2**t).sqrt().add_(group["eps"])
        p.addcdiv_(grad, denominator, value=-lr * (1.0 - mu) / (1.0 - mu_product))
        p.addcdiv_(exp_avg, denominator, value=-lr * mu_next / (1.0 - mu_product * mu_next))


class RAdam(Optimizer):
    """Adam that waits with the division until its denominator can be trusted.

        g ← g + weight_decay p      (or p ← p - lr weight_decay p, if decoupled_weight_decay)
        m ← β₁ m + (1 - β₁) g                        exp_avg, starts at 0
        v ← β₂ v + (1 - β₂) g²                       exp_avg_sq, starts at 0
        ρ∞ = 2 / (1 - β₂) - 1,   ρ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ)
        r = √((ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ))
        p ← p - lr m / (1 - β₁ᵗ) · √(1 - β₂ᵗ) / (√v + eps) · r    if ρ > 5, else
        p ← p - lr m / (1 - β₁ᵗ)

    Source: Liu et al., "On the variance of the adaptive learning rate and beyond" (ICLR 2020), algorithm 2.
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        betas=(0.9, 0.999),
        eps=1e-8,
        weight_decay=0,
        decoupled_weight_decay=False,
        *,
        foreach=None,
        maximize=False,
        capturable=False,
        differentiable=False,
    ):
        _check_adam(lr, betas, eps, weight_decay)
        defaults = {
            "lr": lr,
            "betas": betas,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "foreach": foreach,
            "capturable": capturable,
            "decoupled_weight_decay": decoupled_weight_decay,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        if not state:
            state["step"] = _counter(0.0)
            state["exp_avg"] = zeros_like(p)
            state["exp_avg_sq"] = zeros_like(p)
        lr = _scalar(group["lr"])
        beta1, beta2 = group["betas"]
        state["step"] += 1
        t = state["step"].item()

        grad = _decay_weights(p, grad, lr, group)
        exp_avg = state["exp_avg"].lerp_(grad, 1 - beta1)
        exp_avg_sq = state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
        correction2 = 1 - beta2**t
        step = exp_avg / (1 - beta1**t) * lr
        rho_inf = 2 / (1 - beta2) - 1
        rho = rho_inf - 2 * t * beta2**t / correction2
        if rho > 5.0:
            rectification = ((rho - 4) * (rho - 2) * rho_inf / ((rho_inf - 4) * (rho_inf - 2) * rho)) ** 0.5
            step = step * (correction2**0.5 / exp_avg_sq.sqrt().add_(group["eps"])) * rectification
        p.add_(step, alpha=-1.0)


class Adagrad(Optimizer):
    """Gradient descent, each coordinate divided by the size of all its gradients so far.

        g ← g + weight_decay p
        s ← s + g²                                   sum, starts at initial_accumulator_value
        p ← p - lr / (1 + (t - 1) lr_decay) g / (√s + eps)

    Source: Duchi, Hazan, Singer, "Adaptive subgradient methods for online learning and stochastic optimization" (JMLR 2011).
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lr_decay=0,
        weight_decay=0,
        initial_accumulator_value=0,
        eps=1e-10,
        foreach=None,
        *,
        maximize=False,
        differentiable=False,
        fused=None,
    ):
        _check_lr(lr)
        _require(lr_decay >= 0.0, f"Invalid lr_decay value: {lr_decay}")
        _require(weight_decay >= 0.0, f"Invalid weight_decay value: {weight_decay}")
        _require(
            initial_accumulator_value >= 0.0, f"Invalid initial_accumulator_value value: {initial_accumulator_value}"
        )
        _require(eps >= 0.0, f"Invalid epsilon value: {eps}")
        defaults = {
            "lr": lr,
            "lr_decay": lr_decay,
            "eps": eps,
            "weight_decay": weight_decay,
            "initial_accumulator_value": initial_accumulator_value,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "fused": fused,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self._start(p)

    def _start(self, p: Tensor) -> None:
        self.state[p]["step"] = _counter(0.0)
        self.state[p]["sum"] = full_like(p, self.defaults["initial_accumulator_value"], requires_grad=False)

    def update(self, p, grad, group):
        if not self.state[p]:
            self._start(p)
        state = self.state[p]
        lr = _scalar(group["lr"])
        state["step"] += 1
        t = state["step"].item()

        grad = _decay_weights(p, grad, lr, group)
        state["sum"].addcmul_(grad, grad, value=1)
        denominator = state["sum"].sqrt().add_(group["eps"])
        p.addcdiv_(grad, denominator, value=-(lr / (1 + (t - 1) * group["lr_decay"])))


class Adadelta(Optimizer):
    """Steps measured in the units of the parameter: the size of recent steps over the size of recent gradients.

        g ← g + weight_decay p
        v ← ρ v + (1 - ρ) g²                         square_avg, starts at 0
        Δ = √(u + eps) / √(v + eps) g
        u ← ρ u + (1 - ρ) Δ²                         acc_delta, starts at 0
        p ← p - lr Δ

    Source: Zeiler, "ADADELTA: an adaptive learning rate method" (arXiv:1212.5701), algorithm 1.
    """

    def __init__(
        self,
        params,
        lr=1.0,
        rho=0.9,
        eps=1e-6,
        weight_decay=0,
        foreach=None,
        *,
        capturable=False,
        maximize=False,
        differentiable=False,
    ):
        _check_lr(lr)
        _require(0.0 <= rho <= 1.0, f"Invalid rho value: {rho}")
        _require(eps >= 0.0, f"Invalid epsilon value: {eps}")
        _require(weight_decay >= 0.0, f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "rho": rho,
            "eps": eps,
            "weight_decay": weight_decay,
            "maximize": maximize,
            "capturable": capturable,
            "foreach": foreach,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        if not state:
            state["step"] = _counter(0.0)
            state["square_avg"] = zeros_like(p)
            state["acc_delta"] = zeros_like(p)
        lr, rho, eps = _scalar(group["lr"]), group["rho"], group["eps"]
        state["step"] += 1

        grad = _decay_weights(p, grad, lr, group)
        square_avg = state["square_avg"].mul_(rho).addcmul_(grad, grad, value=1 - rho)
        delta = state["acc_delta"].add(eps).sqrt_().div_(square_avg.add(eps).sqrt_()).mul_(grad)
        state["acc_delta"].mul_(rho).addcmul_(delta, delta, value=1 - rho)
        p.add_(delta, alpha=-lr)


class RMSprop(Optimizer):
    """Gradient descent, divided by the root of the mean square of recent gradients.

        g ← g + weight_decay p
        v ← α v + (1 - α) g²                         square_avg, starts at 0
        a ← α a + (1 - α) g                          grad_avg, starts at 0, only if centered
        d = √v + eps, or √(v - a²) + eps if centered
        b ← momentum b + g / d                       momentum_buffer, starts at 0
        p ← p - lr b                                 (without momentum, p ← p - lr g / d)

    Source: Hinton, Srivastava, Swersky, "Neural networks for machine learning", lecture 6a (Coursera 2012); centered:
    Graves, "Generating sequences with recurrent neural networks" (arXiv:1308.0850).
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        alpha=0.99,
        eps=1e-8,
        weight_decay=0,
        momentum=0,
        centered=False,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        _check_lr(lr)
        _require(eps >= 0.0, f"Invalid epsilon value: {eps}")
        _require(momentum >= 0.0, f"Invalid momentum value: {momentum}")
        _require(weight_decay >= 0.0, f"Invalid weight_decay value: {weight_decay}")
        _require(alpha >= 0.0, f"Invalid alpha value: {alpha}")
        defaults = {
            "lr": lr,
            "momentum": momentum,
            "alpha": alpha,
            "eps": eps,
            "centered": centered,
            "weight_decay": weight_decay,
            "capturable": capturable,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        if not state:
            state["step"] = _counter(0.0)
            state["square_avg"] = zeros_like(p)
            if group["momentum"] > 0:
                state["momentum_buffer"] = zeros_like(p)
            if group["centered"]:
                state["grad_avg"] = zeros_like(p)
        lr, alpha = _scalar(group["lr"]), group["alpha"]
        state["step"] += 1

        grad = _decay_weights(p, grad, lr, group)
        square_avg = state["square_avg"].mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
        if group["centered"]:
            grad_avg = state["grad_avg"].lerp_(grad, 1 - alpha)
            square_avg = square_avg.addcmul(grad_avg, grad_avg, value=-1)
        denominator = square_avg.sqrt().add_(group["eps"])
        if group["momentum"] > 0:
            buf = state["momentum_buffer"].mul_(group["momentum"]).addcdiv_(grad, denominator)
            p.add_(buf, alpha=-lr)
        else:
            p.addcdiv_(grad, denominator, value=-lr)


class Rprop(Optimizer):
    """Only the sign of the gradient counts; each coordinate has a step size of its own.

        s ← η₊ s where g keeps its sign, η₋ s where it changes it    step_size, starts at lr
        s ← s, at least step_sizes[0] and at most step_sizes[1]
        g ← 0 where it changed its sign
        p ← p - sign(g) s,  and g is remembered as prev, which starts at 0

    with η₋, η₊ = etas. For gradients of whole data sets, not of batches.
    Source: Riedmiller and Braun, "A direct adaptive method for faster backpropagation learning: the RPROP algorithm"
    (IEEE ICNN 1993).
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        etas=(0.5, 1.2),
        step_sizes=(1e-6, 50),
        *,
        capturable=False,
        foreach=None,
        maximize=False,
        differentiable=False,
    ):
        _check_lr(lr)
        _require(0.0 < etas[0] < 1.0 < etas[1], f"Invalid eta values: {etas[0]}, {etas[1]}")
        defaults = {
            "lr": lr,
            "etas": etas,
            "step_sizes": step_sizes,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        if not state:
            state["step"] = _counter(0.0)
            state["prev"] = zeros_like(p)
            state["step_size"] = full_like(grad, _scalar(group["lr"]))
        eta_minus, eta_plus = group["etas"]
        state["step"] += 1

        factor = grad.mul(state["prev"]).sign()
        factor[factor.gt(0)] = eta_plus
        factor[factor.lt(0)] = eta_minus
        factor[factor.eq(0)] = 1
        step_size = state["step_size"].mul_(factor).clamp_(*group["step_sizes"])
        grad = grad.clone()
        grad[factor.eq(eta_minus)] = 0
        p.addcmul_(grad.sign(), step_size, value=-1)
        state["prev"].copy_(grad)


class ASGD(Optimizer):
    """Gradient descent with a shrinking rate, which also keeps the average of the parameters, in state[p]["ax"].

        g ← g + weight_decay p
        p ← (1 - lambd η) p - η g                    η starts at lr
        a ← a + μ (p - a)                            μ starts at 1, so that a starts as p
        η ← lr / (1 + lambd lr t)^alpha
        μ ← 1 / max(1, t - t0)

    Source: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging" (SIAM J. Control Optim. 1992);
    the rates are those of Bottou, "Stochastic gradient descent tricks" (2012).
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        lambd=1e-4,
        alpha=0.75,
        t0=1e6,
        weight_decay=0,
        foreach=None,
        maximize=False,
        differentiable=False,
        capturable=False,
    ):
        _check_lr(lr)
        _require(weight_decay >= 0.0, f"Invalid weight_decay value: {weight_decay}")
        defaults = {
            "lr": lr,
            "lambd": lambd,
            "alpha": alpha,
            "t0": t0,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
            "differentiable": differentiable,
            "capturable": capturable,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        lr, lambd = _scalar(group["lr"]), group["lambd"]
        if not state:
            state["step"] = _counter(0.0)
            state["eta"] = _counter(lr)
            state["mu"] = _counter(1.0)
            state["ax"] = zeros_like(p)
        state["step"] += 1
        t = state["step"].item()

        grad = _decay_weights(p, grad, lr, group)
        eta = state["eta"].item()
        p.mul_(1 - lambd * eta).add_(grad, alpha=-eta)
        if state["mu"].item() != 1:
            state["ax"].add_(p.sub(state["ax"]).mul_(state["mu"]))
        else:
            state["ax"].copy_(p)
        state["eta"].fill_(lr / (1 + lambd * lr * t) ** group["alpha"])
        state["mu"].fill_(1 / max(1, t - group["t0"]))


class Adafactor(Optimizer):
    """Adam's division with little memory: of a matrix of squared gradients only the row and column means are kept.

        lr_t = max(eps₂, rms(p)) min(lr, 1 / √t),   rms(x) = |x| / √numel
        p ← p - lr weight_decay p
        R ← the mean of g² over columns, C ← over rows, as running averages with weight w = t^beta2_decay for the new
        v = R C / mean(R)                            (of a vector: v ← (1 - w) v + w g²)
        u = g / √max(v, eps₁²)
        p ← p - lr_t u / max(1, rms(u) / d)

    with eps₁, eps₂ = eps; eps₁ None is the smallest number ε with 1 + ε > 1 in the dtype of p.
    Source: Shazeer and Stern, "Adafactor: adaptive learning rates with sublinear memory cost" (ICML 2018), algorithm 5.
    """

    def __init__(
        self,
        params,
        lr=1e-2,
        beta2_decay=-0.8,
        eps=(None, 1e-3),
        d=1.0,
        weight_decay=0.0,
        *,
        foreach=None,
        maximize=False,
    ):
        _require(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")
        _require(lr >= 0.0, f"Learning rate should be >= 0 but is: {lr}")
        _require(beta2_decay <= 0.0, f"beta2_decay should be <= 0 but is: {beta2_decay}")
        _require(eps[0] is None or eps[0] >= 0.0, f"epsilon1 should be >= 0 but is: {eps[0]}")
        _require(eps[1] >= 0.0, f"epsilon2 should be >= 0 but is: {eps[1]}")
        _require(d >= 1.0, f"Clipping threshold d should be >= 1 but is: {d}")
        _require(weight_decay >= 0.0, f"weight_decay should be >= 0 but is: {weight_decay}")
        defaults = {
            "lr": lr,
            "beta2_decay": beta2_decay,
            "eps": eps,
            "d": d,
            "weight_decay": weight_decay,
            "foreach": foreach,
            "maximize": maximize,
        }
        super().__init__(params, defaults)

    def update(self, p, grad, group):
        state = self.state[p]
        if not state:
            state["step"] = _counter(0.0)
            if grad.dim() > 1:
                state["row_var"] = grad.new_zeros([*grad.shape[:-1], 1])
                state["col_var"] = grad.new_zeros([*grad.shape[:-2], 1, grad.shape[-1]])
            else:
                state["variance"] = zeros_like(grad)
        lr = _scalar(group["lr"])
        eps1 = finfo(p.dtype).eps if group["eps"][0] is None else group["eps"][0]
        state["step"] += 1
        t = state["step"].item()

        weight = t ** group["beta2_decay"]
        lr_t = max(group["eps"][1], _root_mean_square(p)) * min(lr, 1 / t**0.5)
        if group["weight_decay"] != 0:
            p.mul_(1 - lr * group["weight_decay"])
        if grad.dim() > 1:
            row_var = state["row_var"].lerp_(grad.norm(dim=-1, keepdim=True).square_().div_(grad.size(-1)), weight)
            col_var = state["col_var"].lerp_(grad.norm(dim=-2, keepdim=True).square_().div_(grad.size(-2)), weight)
            variance = (row_var @ col_var).div_(row_var.mean(dim=-2, keepdim=True).clamp_(min=eps1))
        else:
            variance = state["variance"].lerp_(grad * grad, weight).clone()
        step = variance.clamp_(min=eps1 * eps1).rsqrt_().mul_(grad)
        p.add_(step, alpha=-lr_t / max(1.0, step.norm(2).item() / (step.numel() ** 0.5 * group["d"])))


def _root_mean_square(x: Tensor) -> float:
    return x.norm(2).item() / x.numel() ** 0.5


class Muon(Optimizer):
    """Momentum whose step is made orthogonal: all singular values become about 1. For matrices only.

        b ← momentum b + (1 - momentum) g            momentum_buffer, starts at 0
        u = momentum b + (1 - momentum) g  if nesterov, else b
        p ← (1 - lr weight_decay) p
        p ← p - lr_adjusted orthogonal(u)

    lr_adjusted is lr √max(1, rows / columns), or lr 0.2 √max(rows, columns) if adjust_lr_fn="match_rms_adamw".
    Source: Jordan et al., "Muon: an optimizer for hidden layers in neural networks" (2024); "match_rms_adamw": Liu et al.,
    "Muon is scalable for LLM training" (arXiv:2502.16982).
    """

    def __init__(
        self,
        params,
        lr=1e-3,
        weight_decay=0.1,
        momentum=0.95,
        nesterov=True,
        ns_coefficients=(3.4445, -4.7750, 2.0315),
        eps=1e-7,
        ns_steps=5,
        adjust_lr_fn=None,
    ):
        _require(not isinstance(lr, Tensor) or lr.numel() == 1, "Tensor lr must be 1-element")
        _require(lr >= 0.0, f"Learning rate should be >= 0 but is: {lr}")
        _require(momentum >= 0.0, f"momentum should be >= 0 but is: {momentum}")
        _require(weight_decay >= 0.0, f"weight decay should be >= 0 but is: {weight_decay}")
        _require(
            adjust_lr_fn in (None, "original", "match_rms_adamw"),
            f"Adjust learning rate function {adjust_lr_fn} is not supported",
        )
        defaults = {
            "lr": lr,
            "weight_decay": weight_decay,
            "momentum": momentum,
            "nesterov": nesterov,
            "ns_coefficients": ns_coefficients,
            "eps": eps,
            "ns_steps": ns_steps,
            "adjust_lr_fn": adjust_lr_fn,
        }
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                _require(
                    p.ndim == 2,
                    f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}",
                )

    def update(self, p, grad, group):
        lr, momentum = _scalar(group["lr"]), group["momentum"]
        state = self.state[p]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = zeros_like(grad)
        buf = state["momentum_buffer"].lerp_(grad, 1 - momentum)
        step = grad.lerp(buf, momentum) if group["nesterov"] else buf
        step = orthogonal(step, group["ns_coefficients"], group["ns_steps"], group["eps"])
        rows, columns = p.shape
        if group["adjust_lr_fn"] == "match_rms_adamw":
            adjusted = lr * (0.2 * math.sqrt(max(rows, columns)))
        else:
            adjusted = lr * math.sqrt(max(1, rows / columns))
        p.mul_(1 - lr * group["weight_decay"])
        p.add_(step, alpha=-adjusted)


def orthogonal(matrix: Tensor, coefficients: tuple, steps: int, eps: float) -> Tensor:
    """About U Vᵀ, where U S Vᵀ is the singular value decomposition of `matrix`: float32, of the same shape.

    Newton and Schulz's iteration X ← a X + (b X Xᵀ + c (X Xᵀ)²) X drives the singular values, scaled below 1, to about
    1. PyTorch runs it in bfloat16, which has 8 bits, on purpose: so every result here is rounded to 8 bits, too.
    Raises ValueError in PyTorch's words. Source: Jordan et al., as for Muon.
    """
    _require(steps < 100, "Number of steps must be less than 100 for computational efficiency")
    _require(matrix.dim() == 2, "Input tensor gradient must be a 2D matrix")
    _require(len(coefficients) == 3, "Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    x = _bfloat16(matrix.detach().numpy())
    tall = x.shape[0] > x.shape[1]
    x = x.T if tall else x
    x = _bfloat16(x / max(_bfloat16(np.linalg.norm(x)), _bfloat16(eps)))
    for _ in range(steps):
        gram = _bfloat16(x @ x.T)
        x = _bfloat16(a * x + _bfloat16(b * gram + c * (gram @ gram)) @ x)
    return tensor(x.T if tall else x)


def _bfloat16(x: np.ndarray) -> np.ndarray:
    """`x` as float32, rounded to the nearest number of 8 significant bits, ties to even."""
    bits = np.asarray(x, dtype=np.float32).view(np.uint32)
    return ((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32)


class LBFGS(Optimizer):
    """Newton's method with a Hessian guessed from the last `history_size` steps s and changes of the gradient y.

        d = -H g, H from the pairs (s, y)            the two loops of `_direction`
        p ← p + t d,  t = lr, or what a line search finds

    One `step(closure)` makes up to `max_iter` such updates and calls `closure` up to `max_eval` times. One group only;
    the whole state is that of the first parameter.
    Source: Nocedal and Wright, "Numerical optimization" (2nd edition, 2006), algorithms 7.4 and 7.5.
    """

    def __init__(
        self,
        params,
        lr=1,
        max_iter=20,
        max_eval=None,
        tolerance_grad=1e-7,
        tolerance_change=1e-9,
        history_size=100,
        line_search_fn=None,
    ):
        _check_lr(lr)
        defaults = {
            "lr": lr,
            "max_iter": max_iter,
            "max_eval": max_iter * 5 // 4 if max_eval is None else max_eval,
            "tolerance_grad": tolerance_grad,
            "tolerance_change": tolerance_change,
            "history_size": history_size,
            "line_search_fn": line_search_fn,
        }
        super().__init__(params, defaults)
        _require(len(self.param_groups) == 1, "LBFGS doesn't support per-parameter options (parameter groups)")

    def step(self, closure):
        """Updates until one of the limits or tolerances is met; returns the loss that `closure` gave first."""
        group = self.param_groups[0]
        lr, max_iter, max_eval = _scalar(group["lr"]), group["max_iter"], group["max_eval"]
        state = self.state[group["params"][0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        with no_grad():
            first_loss = _with_grad(closure)
            loss, gradient, evaluations = float(first_loss), self._gradient(), 1
            state["func_evals"] += 1
            if gradient.abs().max() <= group["tolerance_grad"]:
                return first_loss
            for n in range(1, max_iter + 1):
                state["n_iter"] += 1
                direction = state["d"] = self._direction(state, gradient, group["history_size"])
                state["prev_flat_grad"], state["prev_loss"] = gradient, loss
                # Before there is a history, the length of the gradient says nothing about the length of a good step.
                t = state["t"] = min(1.0, 1.0 / gradient.abs().sum()) * lr if state["n_iter"] == 1 else lr
                slope = gradient.dot(direction)
                if slope > -group["tolerance_change"]:
                    break
                used = 0
                if group["line_search_fn"] is not None:
                    if group["line_search_fn"] != "strong_wolfe":
                        raise RuntimeError("only 'strong_wolfe' is supported")
                    start = _Trial(0, loss, gradient, slope)
                    evaluate = self._line(closure, direction)
                    best, used = _strong_wolfe(evaluate, start, t, direction.abs().max(), max_eval - evaluations)
                    t, loss, gradient, _ = best
                    state["t"] = t
                    self._move(t, direction)
                else:
                    self._move(t, direction)
                    if n != max_iter:
                        loss, gradient, used = float(_with_grad(closure)), self._gradient(), 1
                evaluations += used
                state["func_evals"] += used
                if (
                    n == max_iter
                    or evaluations >= max_eval
                    or gradient.abs().max() <= group["tolerance_grad"]
                    or direction.mul(t).abs().max() <= group["tolerance_change"]
                    or abs(loss - state["prev_loss"]) < group["tolerance_change"]
                ):
                    break
        return first_loss

    def _gradient(self) -> Tensor:
        """The gradients of all parameters, end to end, as one vector."""
        params = self.param_groups[0]["params"]
        return cat([(zeros_like(p) if p.grad is None else p.grad).reshape(-1) for p in params], 0)

    def _move(self, t, direction: Tensor) -> None:
        """p ← p + t d, each parameter with its part of the vector d."""
        offset = 0
        for p in self.param_groups[0]["params"]:
            p.add_(direction[offset : offset + p.numel()].view_as(p), alpha=t)
            offset += p.numel()

    def _line(self, closure: Callable, direction: Tensor) -> Callable:
        """The function of t that looks at p + t d, and leaves p as it was."""
        params = self.param_groups[0]["params"]
        here = [p.clone() for p in params]

        def evaluate(t) -> "_Trial":
            self._move(t, direction)
            loss, gradient = float(_with_grad(closure)), self._gradient()
            for p, value in zip(params, here, strict=True):
                p.copy_(value)
            return _Trial(t, loss, gradient, gradient.dot(direction))

        return evaluate

    @staticmethod
    def _direction(state: dict, gradient: Tensor, history_size: int) -> Tensor:
        """-H g by the two loops (algorithm 7.4), after the newest pair (s, y) has joined the history."""
        if state["n_iter"] == 1:
            state["old_dirs"], state["old_stps"], state["ro"], state["H_diag"] = [], [], [], 1
            return gradient.neg()
        ys, steps, ro = state["old_dirs"], state["old_stps"], state["ro"]
        y = gradient.sub(state["prev_flat_grad"])
        s = state["d"].mul(state["t"])
        curvature = y.dot(s)
        if curvature > 1e-10:
            if len(ys) == history_size:
                for history in (ys, steps, ro):
                    history.pop(0)
            ys.append(y)
            steps.append(s)
            ro.append(1.0 / curvature)
            state["H_diag"] = curvature / y.dot(y)

        al = state.setdefault("al", [None] * history_size)
        q = gradient.neg()
        for i in reversed(range(len(ys))):
            al[i] = steps[i].dot(q) * ro[i]
            q.add_(ys[i], alpha=-al[i])
        r = q.mul(state["H_diag"])
        for i in range(len(ys)):
            r.add_(steps[i], alpha=al[i] - ys[i].dot(r) * ro[i])
        return r


def _with_grad(closure: Callable):
    with enable_grad():
        return closure()


class _Trial(NamedTuple):
    """A point of the line p + t d: the loss there, its gradient, and its slope along d."""

    t: float
    loss: float
    gradient: Tensor
    slope: Tensor


def _strong_wolfe(evaluate, start, t, d_max, max_iter, c1=1e-4, c2=0.9, tolerance_change=1e-9) -> tuple[_Trial, int]:
    """A trial whose loss has fallen enough and whose slope is flat enough (the strong Wolfe conditions), or the best
    one found within `max_iter` trials after the first; and the number of trials.

    First steps grow until such a trial lies between two of them, then this bracket shrinks.
    Source: Nocedal and Wright (2006), algorithms 3.5 and 3.6, with Schmidt's safeguards (minFunc, 2005).
    """

    def too_high(trial):
        return trial.loss > start.loss + c1 * trial.t * start.slope

    def flat(trial):
        return abs(trial.slope) <= -c2 * start.slope

    previous, trial, n = start, evaluate(t), 0
    while n < max_iter:
        if too_high(trial) or (n > 1 and trial.loss >= previous.loss):
            break
        if flat(trial):
            return trial, n + 1
        if trial.slope >= 0:
            break
        bounds = trial.t + 0.01 * (trial.t - previous.t), trial.t * 10
        previous, trial = trial, evaluate(_cubic_minimum(previous, trial, bounds))
        n += 1
    bracket = [start if n == max_iter else previous, trial]

    low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
    stuck_at_edge = False
    while n < max_iter:
        left, right = sorted((bracket[0].t, bracket[1].t))
        if (right - left) * d_max < tolerance_change:
            break
        t = _cubic_minimum(*bracket, (left, right))
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:
            if stuck_at_edge or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck_at_edge = False
            else:
                stuck_at_edge = True
        else:
            stuck_at_edge = False
        trial = evaluate(t)
        n += 1
        if too_high(trial) or trial.loss >= bracket[low].loss:
            bracket[high] = trial
            low, high = (0, 1) if bracket[0].loss <= bracket[1].loss else (1, 0)
            continue
        if flat(trial):
            return trial, n + 1
        if trial.slope * (bracket[high].t - bracket[low].t) >= 0:
            bracket[high] = bracket[low]
        bracket[low] = trial
    return bracket[low], n + 1


def _cubic_minimum(a: _Trial, b: _Trial, bounds: tuple):
    """Where the cubic through the losses and slopes of two trials is lowest, within bounds; else their middle.

    Source: Nocedal and Wright (2006), equation 3.59.
    """
    left, right = bounds
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1**2 - a.slope * b.slope
    if not square >= 0:
        return (left + right) / 2.0
    d2 = square.sqrt()
    if a.t <= b.t:
        t = b.t - (b.t - a.t) * ((b.slope + d2 - d1) / (b.slope - a.slope + 2 * d2))
    else:
        t = a.t - (a.t - b.t) * ((a.slope + d2 - d1) / (a.slope - b.slope + 2 * d2))
    return min(max(t, left), right)
