"""`torch.func`: derivatives as functions of functions, and functions mapped over a batch."""

from __future__ import annotations

from contextlib import contextmanager

import numpy as np

from . import autograd
from .autograd import enable_grad, jacobian
from .end import end_of
from .methods import stack
from .record import wrap
from .tensor import Tensor

__getattr__ = end_of("torch.func")


def each(function, tree, *others):
    """A nest of dicts, lists and tuples with `function` of each tensor in its place, and of those at the same place in the others."""
    if isinstance(tree, dict):
        return {key: each(function, part, *(o[key] for o in others)) for key, part in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)([each(function, *parts) for parts in zip(tree, *others, strict=True)])
    return function(tree, *others)


def tensors_in(tree):
    """The tensors of a nest, in order."""
    found = []
    each(found.append, tree)
    return found


def grad_and_value(func, argnums=0, has_aux=False):
    """A function that returns the gradient of `func` with respect to one argument, and its value.

    The argument is a tensor, or a nest of dicts, lists and tuples of tensors, such as `dict(model.named_parameters())`; its gradient
    has the same form.
    """

    def found(*args, **kwargs):
        places = argnums if isinstance(argnums, tuple) else (argnums,)
        args = list(args)
        recorded = any(x.requires_grad for i in places for x in tensors_in(args[i]))  # around this one
        for i in places:
            args[i] = each(lambda x: x.view_as(x) if recorded else x.detach().requires_grad_(), args[i])
        with enable_grad():
            output = func(*args, **kwargs)
            output, aux = output if has_aux else (output, None)
            if not isinstance(output, Tensor) or output._array.ndim:
                got = f"tensor with {output._array.ndim} dims" if isinstance(output, Tensor) else type(output).__name__
                raise RuntimeError(
                    f"grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got {got}. Maybe you wanted to use "
                    "the vjp or jacrev APIs instead?"
                )
            wanted = [x for i in places for x in tensors_in(args[i])]
            grads = autograd.grad(output, wanted, create_graph=True, materialize_grads=True)
        if not recorded:
            grads, output = tuple(g.detach() for g in grads), output.detach()
        of_place = iter(grads)
        grads = tuple(each(lambda x: next(of_place), args[i]) for i in places)
        result = grads if isinstance(argnums, tuple) else grads[0]
        return (result, (output, aux)) if has_aux else (result, output)

    return found


def grad(func, argnums=0, has_aux=False):
    """A function that returns the gradient of `func` with respect to one argument."""
    both = grad_and_value(func, argnums, has_aux)

    def found(*args, **kwargs):
        result, value = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return found


def jacrev(func, argnums=0, has_aux=False):
    """A function that returns the Jacobian of `func` with respect to one argument, or a tuple of Jacobians for several."""
    if has_aux:
        raise NotImplementedError("torch.func.jacrev(has_aux=True): handtorch ends before it; use PyTorch")
    places = argnums if isinstance(argnums, tuple) else (argnums,)

    def found(*args):
        def along(*chosen):
            full = list(args)
            for i, x in zip(places, chosen, strict=True):
                full[i] = x
            return func(*full)

        wanted = tuple(args[i] for i in places)
        if isinstance(argnums, tuple):
            return jacobian(along, wanted, create_graph=any(x.requires_grad for x in wanted))
        return jacobian(along, wanted[0], create_graph=wanted[0].requires_grad)

    return found


jacfwd = jacrev  # the same numbers, whichever way they are found


def hessian(func, argnums=0):
    """A function that returns all second derivatives of `func` with respect to one argument: the Jacobian of its Jacobian."""
    return jacrev(jacrev(func, argnums), argnums)


def vjp(func, *primals, has_aux=False):
    """`func(*primals)`, and a function from a cotangent to the gradients of the primals."""
    given = [x.view_as(x) if x.requires_grad else x.detach().requires_grad_() for x in primals]
    with enable_grad():
        output = func(*given)
        output, aux = output if has_aux else (output, None)
    outputs = output if isinstance(output, (tuple, list)) else (output,)

    def pull(cotangents):
        weights = cotangents if isinstance(cotangents, (tuple, list)) else (cotangents,)
        return autograd.grad(outputs, given, weights, retain_graph=True, allow_unused=True, materialize_grads=True)

    detached = tuple(x.detach() for x in outputs) if isinstance(output, (tuple, list)) else output.detach()
    return (detached, pull, aux) if has_aux else (detached, pull)


def jvp(func, primals, tangents):
    """`func(*primals)`, and its derivative in the direction of `tangents`."""
    return autograd.jvp(func, tuple(primals), tuple(tangents))


@contextmanager
def replaced(module, values):
    """In this block, `module` has other parameters and buffers, by their dotted names."""
    before = []
    for name, value in values.items():
        path, _, own = name.rpartition(".")
        owner = module.get_submodule(path)
        place = owner._parameters if own in owner._parameters else owner._buffers
        if own not in place:
            raise AttributeError(f"{type(owner).__name__} has no attribute `{own}`")
        before.append((place, own, place[own]))
        place[own] = value
    try:
        yield
    finally:
        for place, own, value in before:
            place[own] = value


def functional_call(module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False):
    """Call `module` with other parameters and buffers, which may be tensors with a history."""
    dicts = (
        parameter_and_buffer_dicts
        if isinstance(parameter_and_buffer_dicts, (tuple, list))
        else (parameter_and_buffer_dicts,)
    )
    args = args if isinstance(args, tuple) else () if args is None else (args,)
    with replaced(module, {name: value for d in dicts for name, value in d.items()}):
        return module(*args, **(kwargs or {}))


def vmap(func, in_dims=0, out_dims=0, randomness="error", *, chunk_size=None):
    """A function that calls `func` on each slice of its arguments along `in_dims` (None: the whole) and stacks the results."""

    def mapped(*args):
        dims = in_dims if isinstance(in_dims, (tuple, list)) else (in_dims,) * len(args)
        sizes = {x.shape[d] for x, d in zip(args, dims, strict=True) if d is not None and isinstance(x, Tensor)}
        if len(sizes) != 1:
            raise ValueError(
                f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes {sorted(sizes)} for the "
                "mapped dimension"
            )
        rows = [
            func(*(x if d is None else x.select(d, i) for x, d in zip(args, dims, strict=True)))
            for i in range(sizes.pop())
        ]
        return each(lambda *column: stack([as_tensor(x) for x in column], out_dims), *rows)

    return mapped


def as_tensor(x):
    return x if isinstance(x, Tensor) else wrap(np.asarray(x))
