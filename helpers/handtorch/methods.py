"""PyTorch's functions and methods: its names and keywords, over the table.

What is here tidies arguments (a negative `dim`, a shape in several forms), refuses what PyTorch refuses in PyTorch's words,
and calls an entry of `ops.py`, or several. Every function becomes a method of `Tensor`; where PyTorch has an in-place
form (`add_`), it is made from the function. A reader looking for a derivative can skip this module.
"""

from __future__ import annotations

import builtins
import math
from collections import namedtuple
from functools import wraps

import numpy as np

from . import dtypes, indexing, kernels, ops, walk
from .dtypes import Size
from .record import Variable, convert, in_type, refuse_overlap, size_mismatch, wrap
from .tensor import C_NAMES, OPERAND, Tensor, as_operand, warn, warn_once

FUNCTIONS: dict = {}  # what `torch.name` finds, filled below
IN_PLACE: dict = {}  # name_ of Tensor methods
SAME_ARGUMENT = {
    "input": "x",
    "self": "x",
    "axis": "dim",
    "keepdims": "keepdim",
    "axes": "dim",
    "x1": "x",
    "x2": "other",
}


OF_TWO = {
    "add",
    "sub",
    "subtract",
    "mul",
    "multiply",
    "div",
    "divide",
    "eq",
    "ne",
    "lt",
    "le",
    "gt",
    "ge",
    "fmod",
    "remainder",
}


# ---- how a function becomes PyTorch's --------------------------------------------------------------------------------


def public(function=None, *, names=(), in_place=False, method=True):
    """Offer a function as `torch.name` and `tensor.name`, with NumPy's words for its arguments and `out=`."""
    if function is None:
        return lambda function: public(function, names=names, in_place=in_place, method=method)

    @wraps(function)
    def call(*args, **kwargs):
        if kwargs:
            if "out" in kwargs:
                return into(kwargs.pop("out"), call, args, kwargs)
            kwargs = {SAME_ARGUMENT.get(name, name): value for name, value in kwargs.items()}
            if kwargs.get("dtype") is not None:
                kwargs["dtype"] = dtypes.wanted(kwargs["dtype"], function.__name__)
        try:
            return function(*args, **kwargs)
        except (AttributeError, TypeError) as error:
            if type(error) is not TypeError:  # from Python or NumPy, in their words
                need_operands(call.__name__, args)
            raise

    for name in names or (function.__name__.rstrip("_"),):
        FUNCTIONS[name] = call
        if method:
            setattr(Tensor, name, call)
        if in_place:
            offer_in_place(name, call)
    return function


def offer_in_place(name, function):
    def method(self, *args, **kwargs):
        return overwrite(self, function, args, kwargs)

    method.__name__, method.__doc__ = name + "_", f"`{name}`, written into the tensor itself."
    IN_PLACE[name + "_"] = method
    setattr(Tensor, name + "_", method)
    FUNCTIONS[name + "_"] = method


def into(out, call, args, kwargs):
    """`out=`: write the result into given tensors."""
    if out is None:
        return call(*args, **kwargs)
    given = [a for a in args if isinstance(a, Tensor)]
    outs = out if isinstance(out, (tuple, list)) else (out,)
    if builtins.any(t.requires_grad for t in (*given, *outs)):
        raise RuntimeError(
            f"{call.__name__}(): functions with out=... arguments don't support automatic differentiation, but one of the "
            "arguments requires grad."
        )
    results = call(*args, **kwargs)
    for target, result in zip(outs, results if isinstance(results, tuple) else (results,), strict=False):
        if not dtypes.can_cast(result.dtype, target.dtype):
            raise RuntimeError(
                f"result type {result.dtype.letter} can't be cast to the desired output type {target.dtype.letter}"
            )
        if target._array.shape == result._array.shape:
            target._array[...] = result._array
        else:
            target._array = result._array.astype(target._array.dtype)
        target._counter[0] += 1
    return out


def overwrite(self, function, args, kwargs):
    """Compute a function of this tensor, write the result into its memory and let it take over the history."""
    recording = walk.mode.grad and (
        self.requires_grad or builtins.any(isinstance(a, Tensor) and a.requires_grad for a in args)
    )
    self._check_writable(recording)
    for x in (*args, *kwargs.values()):
        if isinstance(x, Variable):
            refuse_overlap(self._array, x._array)
    result = function(self._copy_of_itself() if recording else self, *args, **kwargs)
    if result._array.shape != self._array.shape:
        raise RuntimeError(
            f"output with shape {list(self._array.shape)} doesn't match the broadcast shape {list(result._array.shape)}"
        )
    if not dtypes.can_cast(result.dtype, self.dtype):
        raise RuntimeError(
            f"result type {result.dtype.letter} can't be cast to the desired output type {self.dtype.letter}"
        )
    if result._edge is None or self._base is not None:
        return ops.copy.in_place((self, result), {})
    self._array[...] = result._array
    self._counter[0] += 1
    result.grad_fn.answer_is_in(self._array, self._counter, result._counter)
    self._edge, self._requires_grad = result._edge, True
    return self


def type_name(x):
    """As C calls a type: NumPy's by their full names, such as numpy.ndarray, others by the last part."""
    kind = builtins.type(x)
    return f"numpy.{kind.__name__}" if kind.__module__ == "numpy" else kind.__name__


def need_tensor(x, name, position=1, word="input"):
    if not isinstance(x, Tensor):
        raise TypeError(f"{name}(): argument '{word}' (position {position}) must be Tensor, not {type_name(x)}")


def need_operands(name, args):
    """Whether a call failed because of its first two arguments; raises PyTorch's complaint about them if so."""
    if args:
        need_tensor(args[0], name)
    if len(args) > 1 and isinstance(args[1], (str, dict, set)) and name in OF_TWO:
        need_tensor(args[1], name, 2, "other")


def dim_of(dim, ndim):
    """A dimension as a number from 0."""
    if isinstance(dim, Variable):
        dim = dim.item()
    low, high = (-ndim, ndim - 1) if ndim else (-1, 0)
    if not low <= dim <= high:
        raise IndexError(f"Dimension out of range (expected to be in range of [{low}, {high}], but got {dim})")
    return dim % ndim if ndim else 0


def dims_of(dim, ndim):
    """Dimensions as a tuple of numbers from 0; None, for all of them, stays None. Nothing can be counted in a 0-d tensor."""
    if dim is None:
        return None
    dims = tuple(dim_of(d, ndim) for d in ((dim,) if not isinstance(dim, (tuple, list)) else dim))
    if len(set(dims)) != len(dims):
        double = next(d for d in dims if dims.count(d) > 1)
        raise RuntimeError(f"dim {double} appears multiple times in the list of dims")
    return dims if ndim else None


def array(x):
    return x._array if isinstance(x, Variable) else x


def is_float(x):
    return x._array.dtype.kind == "f"


def as_float(x):
    """A tensor of whole numbers in the default floating type."""
    return x if is_float(x) else x.to(dtypes.get_default_dtype())


# ---- elementwise -----------------------------------------------------------------------------------------------------

ONE = {
    "abs": ops.absolute, "absolute": ops.absolute, "sign": ops.sign, "sgn": ops.sgn,
    "exp": ops.exp, "exp2": ops.exp2, "expm1": ops.expm1, "log": ops.log, "log2": ops.log2, "log10": ops.log10,
    "log1p": ops.log1p, "sqrt": ops.sqrt, "rsqrt": ops.rsqrt, "sin": ops.sin, "cos": ops.cos, "tan": ops.tan, "asin": ops.asin,
    "arcsin": ops.asin, "acos": ops.acos, "arccos": ops.acos, "atan": ops.atan, "arctan": ops.atan, "sinh": ops.sinh,
    "cosh": ops.cosh, "tanh": ops.tanh, "asinh": ops.asinh, "arcsinh": ops.asinh, "acosh": ops.acosh, "arccosh": ops.acosh,
    "atanh": ops.atanh, "arctanh": ops.atanh, "sigmoid": ops.sigmoid, "erf": ops.erf, "erfc": ops.erfc, "erfinv": ops.erfinv,
    "lgamma": ops.lgamma, "digamma": ops.digamma, "sinc": ops.sinc, "reciprocal": ops.reciprocal, "relu": ops.relu,
    "square": ops.square, "floor": ops.floor, "ceil": ops.ceil, "trunc": ops.trunc, "fix": ops.trunc, "frac": ops.frac,
    "rad2deg": ops.rad2deg, "deg2rad": ops.deg2rad,
}  # fmt: skip


def elementwise(name, op):
    def function(input):
        if not isinstance(input, Tensor):
            need_tensor(input, name)
        return op.record_one(input)

    def in_place(self):
        return op.in_place((self,), {})

    return function, in_place


for _name, _op in ONE.items():
    _function, _in_place = elementwise(_name, _op)
    _function.__name__ = _name
    public(_function, names=(_name,))
    setattr(Tensor, _name, _function)
    IN_PLACE[_name + "_"] = FUNCTIONS[_name + "_"] = _in_place
    setattr(Tensor, _name + "_", _in_place)


for _name in ("acosh", "asinh", "atanh"):  # PyTorch has no derivative of these
    _op = ops.without_derivative(ONE[_name], f"{_name.capitalize()}Backward1", f"inplace version of {_name}")
    for _alias in (_name, "arc" + _name[1:]):
        _in_place = elementwise(_alias, _op)[1]
        IN_PLACE[_alias + "_"] = FUNCTIONS[_alias + "_"] = _in_place
        setattr(Tensor, _alias + "_", _in_place)


@public(names=("neg", "negative"), in_place=True)
def negated(x):
    """-x."""
    need_tensor(x, "neg")
    return negative(x)


def negative(x):
    """-x, of tensors and of the arrays of a rule."""
    if ops.array_of(x).dtype.kind == "b":
        raise RuntimeError(
            "Negation, the `-` operator, on a bool tensor is not supported. If you are trying to invert a mask, use the `~` or "
            "`logical_not()` operator instead."
        )
    return ops.neg(x)


def both(op, x, other):
    """An operation on two operands, of which at least one is a tensor."""
    return op.record((as_operand(x), as_operand(other)), {})


TWO = {
    "mul": ops.mul, "multiply": ops.mul, "fmod": ops.fmod, "remainder": ops.remainder, "maximum": ops.maximum, "minimum": ops.minimum,
    "fmax": ops.fmax, "fmin": ops.fmin, "atan2": ops.atan2, "arctan2": ops.atan2, "hypot": ops.hypot, "logaddexp": ops.logaddexp,
    "logaddexp2": ops.logaddexp2, "xlogy": ops.xlogy, "floor_divide": ops.floor_divide,
    "true_divide": ops.div, "eq": ops.eq, "ne": ops.ne, "not_equal": ops.ne, "lt": ops.lt, "less": ops.lt, "le": ops.le,
    "less_equal": ops.le, "gt": ops.gt, "greater": ops.gt, "ge": ops.ge, "greater_equal": ops.ge,
}  # fmt: skip


# What takes two tensors and no number; and for the others how PyTorch lists what they take.
TENSORS_ONLY = {
    "maximum", "minimum", "fmax", "fmin", "atan2", "arctan2", "hypot", "logaddexp", "logaddexp2", "nextafter", "ldexp", "gcd", "lcm",
    "logical_and", "logical_or", "logical_xor", "heaviside", "isclose",
}  # fmt: skip
FORMS = {
    "number": "Tensor input, Number {}, *, Tensor out = None",
    "either": "Number self, Tensor {}, *, Tensor out = None",
    "silent": "Number self, Tensor {})\n      didn't match because some of the arguments have invalid types: (!int!, !int!",
}
EITHER = {
    "remainder": "silent",
    "bitwise_and": "silent",
    "bitwise_or": "silent",
    "bitwise_xor": "silent",
    "xlogy": "either",
}


def need_tensors(name, x, other, word="other"):
    """PyTorch's complaint about operands that are no tensors."""
    if name in TENSORS_ONLY:
        need_tensor(x, name)
        need_tensor(other, name, 2, "values" if name == "heaviside" else word)
        return
    if isinstance(x, Variable) or (name in EITHER and isinstance(other, Variable)):
        return
    forms = ["Tensor input, Tensor {}, *, Tensor out = None"]
    forms += [FORMS[EITHER[name]]] if name in EITHER else []
    given = ", ".join("Tensor" if isinstance(a, Variable) else type(a).__name__ for a in (x, other))
    listed = "".join(f" * ({form.format(word)})\n" for form in [*forms, FORMS["number"]])
    raise TypeError(
        f"{name}() received an invalid combination of arguments - got ({given}), but expected one of:\n{listed}"
    )


def binary(name, op):
    def function(x, other):
        x, other = as_operand(x), as_operand(other)
        if not (isinstance(x, Variable) and isinstance(other, Variable)):
            need_tensors(name, x, other)
        return op.record((x, other), {})

    def in_place(self, other):
        other = as_operand(other)
        if name in TENSORS_ONLY:
            need_tensor(other, name + "_", 1, "other")
        return op.in_place((self, other), {})

    return function, in_place


for _name, _op in TWO.items():
    _function, _in_place = binary(_name, _op)
    _function.__name__ = _name
    public(_function, names=(_name,))
    IN_PLACE[_name + "_"] = FUNCTIONS[_name + "_"] = _in_place
    setattr(Tensor, _name + "_", _in_place)


def no_bool_difference(x, other):
    left, right = (type(a) is builtins.bool or (isinstance(a, Variable) and a.dtype is dtypes.bool) for a in (x, other))
    if left or right:
        if left and right:
            raise RuntimeError(
                "Subtraction, the `-` operator, with two bool tensors is not supported. Use the `^` or `logical_xor()` "
                "operator instead."
            )
        raise RuntimeError(
            "Subtraction, the `-` operator, with a bool tensor is not supported. If you are trying to invert a mask, use the "
            "`~` or `logical_not()` operator instead."
        )


def expect_type(tensor, like):
    """Raise PyTorch's error if a tensor (or array) is not of the type of another."""
    found, expected = (dtypes.FROM_NUMPY[ops.array_of(t).dtype] for t in (tensor, like))
    if found is not expected:
        raise RuntimeError(f"Found dtype {found.letter} but expected {expected.letter}")


def writable_into(target, *operands, in_c=False):
    """Raise PyTorch's error if the common type of the operands is of a higher kind than that of `target`; in_c: as C names that."""
    kind = dtypes.result_dtype([x._array if isinstance(x, Variable) else x for x in operands if x is not None])
    if not dtypes.can_cast(kind, target.dtype):
        name = C_NAMES[target._array.dtype.name] if in_c else target.dtype.letter
        raise RuntimeError(f"result type {kind.letter} can't be cast to the desired output type {name}")


def multiple(x, other, alpha):
    """The inputs and options of an operation with a multiple of `other`; refuses an alpha of a type that PyTorch does not take."""
    kind = dtypes.result_dtype(a._array if isinstance(a, Variable) else a for a in (x, other))
    if type(alpha) is bool and kind is not dtypes.bool:
        raise RuntimeError("Boolean alpha only supported for Boolean results.")
    if isinstance(alpha, float) and not kind.is_floating_point:
        raise RuntimeError("For integral input tensors, argument alpha must not be a floating point number.")
    return (x, other), {"alpha": alpha}


@public
def add(x, other, *, alpha=1):
    """x + alpha * other."""
    x, other = as_operand(x), as_operand(other)
    if alpha == 1 and alpha is not True:
        return ops.add.record((x, other), {})
    return ops.add_scaled.record(*multiple(x, other, alpha))


@public(names=("sub", "subtract"))
def sub(x, other, *, alpha=1):
    """x - alpha * other."""
    x, other = as_operand(x), as_operand(other)
    no_bool_difference(x, other)
    if alpha == 1 and alpha is not True:
        return ops.sub.record((x, other), {})
    return ops.sub_scaled.record(*multiple(x, other, alpha))


def add_(self, other, *, alpha=1):
    """Add `alpha * other` to the tensor itself."""
    if (
        type(other) is Tensor and type(alpha) is float and not (walk.mode.grad or self._inference)
        and kernels.add_multiple(self._array, alpha, other._array)
    ):  # fmt: skip
        self._counter[0] += 1  # the step of an optimizer, written at once where it belongs
        return self
    other = other if type(other) is Tensor else as_operand(other)
    if alpha == 1 and alpha is not True:
        return ops.add.in_place((self, other), {})
    return ops.add_scaled.in_place(*multiple(self, other, alpha))


def sub_(self, other, *, alpha=1):
    """Subtract `alpha * other` from the tensor itself."""
    other = other if type(other) is Tensor else as_operand(other)
    if type(other) is not Tensor or other._array.dtype is not self._array.dtype or self._array.dtype.kind == "b":
        no_bool_difference(self, other)
    if alpha == 1 and alpha is not True:
        return ops.sub.in_place((self, other), {})
    return ops.sub_scaled.in_place(*multiple(self, other, alpha))


Tensor.add_, Tensor.sub_, Tensor.subtract_ = add_, sub_, sub_


@public(in_place=True)
def rsub(x, other, *, alpha=1):
    """other - alpha * x."""
    if isinstance(other, Variable):
        no_bool_difference(x, other)
        return ops.rsub_by.record((x, other), {"alpha": alpha})
    x = x if alpha == 1 else x * alpha
    no_bool_difference(x, other)
    kind = dtypes.result_dtype((x._array, other))
    return ops.rsub.record((x if x.dtype is kind else x.to(kind),), {"other": in_type(other, kind.numpy)})


@public(names=("div", "divide"))
def div(x, other, *, rounding_mode=None):
    """x / other; rounding_mode "trunc" or "floor" rounds it."""
    x, other = as_operand(x), as_operand(other)
    if rounding_mode is None:
        return ops.div.record((x, other), {})
    if rounding_mode not in ("trunc", "floor"):
        raise RuntimeError(
            f"div expected rounding_mode to be one of None, 'trunc', or 'floor' but found '{rounding_mode}'"
        )
    return ops.rounding_div.record((x, other), {"how": rounding_mode})


def div_(self, other, *, rounding_mode=None):
    """Divide the tensor itself."""
    other = as_operand(other)
    if rounding_mode is None:
        return ops.div.in_place((self, other), {})
    return ops.rounding_div.in_place((self, other), {"how": rounding_mode})


Tensor.div_ = Tensor.divide_ = div_


@public(names=("pow",), in_place=True)
def power(x, exponent):
    """x to the power of `exponent`; either may be a number."""
    kind = type(exponent)
    if (kind is int or kind is float) and isinstance(x, Variable) and x._array.dtype.kind == "f":
        return ops.power.record_one(x, {"exponent": exponent})
    if isinstance(exponent, np.generic):
        exponent = exponent.item()
    if isinstance(exponent, Variable) and dtypes.result_dtype((array(x), exponent._array)) is dtypes.bool:
        raise NotImplementedError("\"pow\" not implemented for 'Bool'")
    if not isinstance(x, Variable):
        kind = dtypes.result_dtype((x, exponent._array))
        if not kind.is_floating_point and kind.category == 0:
            kind = dtypes.scalar_dtype(x)
        return ops.power_from.record((exponent if exponent.dtype is kind else exponent.to(kind),), {"base": x})
    if isinstance(exponent, Variable):
        return ops.power_of.record((x, exponent), {})
    kind = dtypes.result_dtype((x._array, exponent))
    if isinstance(exponent, int) and exponent < 0 and not kind.is_floating_point:
        raise RuntimeError("Integers to negative integer powers are not allowed.")
    if not kind.is_floating_point:
        dtypes.number_in(exponent, kind.numpy)  # complains if it does not fit
    return ops.power.record((x if x.dtype is kind else x.to(kind),), {"exponent": exponent})


@public
def float_power(x, exponent):
    """The power, computed in double precision."""
    if not isinstance(x, Variable) and not isinstance(exponent, Variable):
        need_tensors("float_power", x, exponent, "exponent")
    x, exponent = (a.to(dtypes.float64) if isinstance(a, Variable) else float(a) for a in (x, exponent))
    return power(x, exponent)


def float_power_(self, exponent):
    """Raise the tensor itself, of type float64, to a power."""
    if self.dtype is not dtypes.float64:
        raise RuntimeError(
            f"the base given to float_power_ has dtype {self.dtype.letter} but the operation's result requires dtype Double"
        )
    return overwrite(self, float_power, (exponent,), {})


Tensor.float_power_ = float_power_


@public(names=("clamp", "clip"))
def clamp(x, min=None, max=None):
    """x moved into [min, max]; the bounds are numbers, tensors or None."""
    if min is None and max is None:
        raise RuntimeError("torch.clamp: At least one of 'min' or 'max' must not be None")
    if isinstance(min, Variable) or isinstance(max, Variable):
        bounds = [a._array for a in (x, min, max) if isinstance(a, Variable)]
        if min is not None and max is not None and dtypes.result_dtype(bounds) is dtypes.bool:
            raise NotImplementedError("\"clamp_cpu\" not implemented for 'Bool'")
        return ops.clamp_by.record((x, min, max), {})
    return clamped(ops.clamp, x, min, max)


def clamped(op, x, low, high):
    """x between two numbers, in the type that they have in common."""
    kind = dtypes.result_dtype([a for a in (x._array, low, high) if a is not None])
    if kind is dtypes.bool:
        which = "_max_scalar" if low is None else "_min_scalar" if high is None else "_scalar"
        raise NotImplementedError(f"\"clamp{which}_cpu\" not implemented for 'Bool'")
    return op.record((x if x.dtype is kind else x.to(kind),), {"low": low, "high": high})


def clamp_(self, min=None, max=None):
    """Move the numbers of the tensor itself into [min, max]."""
    if isinstance(min, Variable) or isinstance(max, Variable):
        return overwrite(self, clamp, (min, max), {})
    writable_into(self, self, min, max, in_c=True)
    if self.dtype is dtypes.bool:
        return clamp(self, min, max)  # which is refused
    return ops.clamp.in_place((self,), {"low": min, "high": max})


Tensor.clamp_ = Tensor.clip_ = clamp_


@public(in_place=True)
def clamp_min(x, min):
    """x, or `min` where that is larger."""
    need_tensors("clamp_min", x, min, "min")
    if isinstance(min, Variable):
        return ops.clamp_min.record((x, min), {})
    return clamped(ops.clamp_least, x, min, None)


@public(in_place=True)
def clamp_max(x, max):
    """x, or `max` where that is smaller."""
    need_tensors("clamp_max", x, max, "max")
    if isinstance(max, Variable):
        return ops.clamp_max.record((x, max), {})
    return clamped(ops.clamp_most, x, None, max)


def with_a_bound_that_fits(in_place):
    @wraps(in_place)
    def method(self, *bound, **named):
        for number in (*bound, *named.values()):
            if not isinstance(number, Variable):
                writable_into(self, self, number, in_c=True)
        return in_place(self, *bound, **named)

    return method


Tensor.clamp_min_, Tensor.clamp_max_ = map(with_a_bound_that_fits, (Tensor.clamp_min_, Tensor.clamp_max_))


@public(in_place=True)
def round(x, *, decimals=None):
    """x rounded to the nearest, halves to the even one; to so many decimals."""
    return ops.round.record((x,), {}) if decimals is None else ops.round_to.record((x,), {"decimals": decimals})


@public(in_place=True)
def nan_to_num(x, nan=None, posinf=None, neginf=None):
    """x with nan and the infinities replaced: by 0 and the largest numbers unless given."""
    return ops.nan_to_num.record((x,), {"nan": nan, "posinf": posinf, "neginf": neginf})


@public(in_place=True)
def logit(x, eps=None):
    """log(x / (1 - x)); eps: x is clamped to [eps, 1 - eps] first."""
    return ops.logit.record((x,), {"eps": eps})


@public
def addcmul(x, tensor1, tensor2, *, value=1):
    """x + value * tensor1 * tensor2."""
    return ops.addcmul.record((x, tensor1, tensor2), {"value": value})


@public
def addcdiv(x, tensor1, tensor2, *, value=1):
    """x + value * tensor1 / tensor2."""
    if not (is_float(x) or is_float(tensor1) or is_float(tensor2)):
        raise RuntimeError(
            "Integer division with addcdiv is no longer supported, and in a future  release addcdiv will perform a true "
            "division of tensor1 and tensor2. The historic addcdiv behavior can be implemented as (input + value * "
            "torch.trunc(tensor1 / tensor2)).to(input.dtype) for integer inputs and as (input + value * tensor1 / tensor2) "
            "for float inputs. The future addcdiv behavior is just the latter implementation: (input + value * tensor1 / "
            "tensor2), for all dtypes."
        )
    return ops.addcdiv.record((x, tensor1, tensor2), {"value": value})


def check_lerp(x, end, weight):
    """Raise PyTorch's error for types that do not go together; a weight without dimensions may be of any floating type."""
    for name, value in (("end", end), ("weight", weight)):
        if (
            isinstance(value, Variable)
            and value._array.dtype != x._array.dtype
            and (name == "end" or value._array.ndim)
        ):
            kinds = [C_NAMES[v._array.dtype.name] for v in (x, value)]
            raise RuntimeError(f"expected dtype {kinds[0]} for `{name}` but got dtype {kinds[1]}")
    if not is_float(x) and not (isinstance(weight, Variable) and is_float(weight)):
        kernel = "lerp_kernel_tensor" if isinstance(weight, Variable) else "lerp_kernel_scalar"
        raise NotImplementedError(f"\"{kernel}\" not implemented for '{x.dtype.letter}'")


@public
def lerp(x, end, weight):
    """x + weight * (end - x)."""
    check_lerp(x, end, weight)
    if not isinstance(weight, Variable):
        return ops.lerp_by.record((x, end), {"weight": weight})
    return ops.lerp.record((x, end, weight), {})


def lerp_(self, end, weight):
    """Move the tensor itself towards `end`."""
    if type(weight) is not float or end._array.dtype is not self._array.dtype:
        check_lerp(self, end, weight)
    if not isinstance(weight, Variable):
        return ops.lerp_by.in_place((self, end), {"weight": weight})
    return ops.lerp.in_place((self, end, weight), {})


def addcmul_(self, tensor1, tensor2, *, value=1):
    """Add value * tensor1 * tensor2 to the tensor itself."""
    return ops.addcmul.in_place((self, tensor1, tensor2), {"value": value})


def addcdiv_(self, tensor1, tensor2, *, value=1):
    """Add value * tensor1 / tensor2 to the tensor itself."""
    return ops.addcdiv.in_place((self, tensor1, tensor2), {"value": value})


Tensor.lerp_, Tensor.addcmul_, Tensor.addcdiv_ = lerp_, addcmul_, addcdiv_


@public(in_place=True)
def copysign(x, other):
    """The size of x with the sign of other."""
    need_tensors("copysign", x, other)
    if isinstance(other, Variable):
        return ops.copysign.record((x, other), {})
    return ops.copysign_of.record((as_float(x),), {"other": other})


@public(names=("positive",))
def positive(x):
    """x itself."""
    if x.dtype is dtypes.bool:
        raise RuntimeError("The `+` operator, on a bool tensor is not supported.")
    return x


@public
def where(condition, x=None, other=None):
    """x where the condition holds, else other; with one argument, the positions where it holds."""
    if x is None and other is None:
        need_tensor(condition, "where", 1, "condition")
        return nonzero(condition, as_tuple=True)
    if condition.dtype is not dtypes.bool and condition.dtype is not dtypes.uint8:
        raise RuntimeError(
            "where expected condition to be a boolean tensor, but got a tensor with dtype " + condition.dtype.letter
        )
    kind = dtypes.result_dtype((array(as_operand(x)), array(as_operand(other))))
    x, other = (
        a
        if isinstance(a, Variable) and a.dtype is kind
        else a.to(kind)
        if isinstance(a, Variable)
        else dtypes.number_in(a, kind.numpy)
        for a in (as_operand(x), as_operand(other))
    )
    return ops.where.record((condition if condition.dtype is dtypes.bool else condition.bool(), x, other), {})


Tensor.where = lambda self, condition, other: where(condition, self, other)


def plain(name, function, method=True):
    """A function without a derivative, from one on arrays."""

    def call(input, *others):
        if others:
            need_tensors(name, input, *others)
        return wrap(np.asarray(function(*(array(a) for a in (input, *others)))))

    call.__name__ = name
    public(call, names=(name,), method=method)
    return call


def integers(function, name, kernel=None):
    """A function of whole numbers and booleans; `kernel` is its name in PyTorch's errors."""

    def call(x, y=None):
        if name != "bitwise_not":
            need_tensors(name, x, y)
        arrays = [array(as_operand(a)) for a in (x, y) if a is not None]
        kind = dtypes.result_dtype(arrays)
        if kind.is_floating_point:
            raise NotImplementedError(f"\"{kernel or name}_cpu\" not implemented for '{kind.letter}'")
        return wrap(np.asarray(function(*convert(arrays, "promote"))))

    call.__name__ = name
    public(call, names=(name,), in_place=True)
    return call


bitwise_and = integers(np.bitwise_and, "bitwise_and")
bitwise_or = integers(np.bitwise_or, "bitwise_or")
bitwise_xor = integers(np.bitwise_xor, "bitwise_xor")
bitwise_not = integers(np.invert, "bitwise_not")
bitwise_left_shift = integers(np.left_shift, "bitwise_left_shift", "lshift")
bitwise_right_shift = integers(np.right_shift, "bitwise_right_shift", "rshift")
gcd = integers(np.gcd, "gcd")
lcm = integers(np.lcm, "lcm")

for _name, _function in {
    "logical_and": np.logical_and, "logical_or": np.logical_or, "logical_xor": np.logical_xor, "logical_not": np.logical_not,
    "isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite, "signbit": np.signbit,
    "isposinf": np.isposinf, "isneginf": np.isneginf, "isreal": lambda a: np.ones(a.shape, bool),
}.items():  # fmt: skip
    plain(_name, _function)
for _name in ("logical_and", "logical_or", "logical_xor", "logical_not"):
    offer_in_place(_name, lambda self, *o, f=FUNCTIONS[_name]: f(self, *o).to(self.dtype))


@public(in_place=True)
def heaviside(x, values):
    """0 where x is negative, 1 where it is positive, and `values` where it is 0."""
    need_tensors("heaviside", x, values)
    if x.dtype is not values.dtype:
        raise RuntimeError("heaviside is not yet implemented for tensors with different dtypes.")
    return ops.heaviside.record((x, values), {})


@public
def isclose(x, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Where |x - other| <= atol + rtol * |other|."""
    need_tensors("isclose", x, other)
    for word, value in (("rtol", rtol), ("atol", atol)):
        if value < 0:
            raise RuntimeError(f"{word} must be greater than or equal to zero, but got {value:g}")
    if x.dtype is not other.dtype:
        raise RuntimeError(f"{x.dtype.letter} did not match {other.dtype.letter}")
    return wrap(np.asarray(np.isclose(x._array, other._array, rtol, atol, equal_nan)))


@public
def allclose(x, other, rtol=1e-05, atol=1e-08, equal_nan=False):
    """Whether all elements are close."""
    if x.dtype is not other.dtype:
        raise RuntimeError(f"{x.dtype.letter} did not match {other.dtype.letter}")
    return builtins.bool(np.isclose(x._array, other._array, rtol, atol, equal_nan).all())


@public
def equal(x, other):
    """Whether shapes and all elements are the same."""
    return x._array.shape == other._array.shape and builtins.bool((x._array == other._array).all())


# ---- types -----------------------------------------------------------------------------------------------------------


@public
def clone(x, *, memory_format=None):
    """A copy that the graph sees as such."""
    return ops.clone.record((x,), {})


@public
def to(x, *args, dtype=None, device=None, copy=False, non_blocking=False, memory_format=None):
    """x in another type: itself if it has that type already."""
    for arg in args:
        if isinstance(arg, (dtypes.dtype, type)):
            dtype = dtypes.wanted(arg, "to")
        elif isinstance(arg, Tensor):
            dtype = arg.dtype
        elif isinstance(arg, (str, dtypes.device, builtins.int)) and not isinstance(arg, builtins.bool):
            dtypes.must_be_here(arg)
    if device is not None:
        dtypes.must_be_here(device)
    if dtype is None or dtype is x.dtype:
        return clone(x) if copy else x
    if not dtype.is_floating_point:  # no gradient comes back through whole numbers
        return wrap(x._array.astype(dtype.numpy))
    return ops.cast.record((x,), {"to": dtype.numpy})


del FUNCTIONS["to"]
for _kind in dtypes.ALL:
    for _name in {_kind.name, _kind.letter.lower()} & {
        "bool",
        "byte",
        "char",
        "short",
        "int",
        "long",
        "half",
        "float",
        "double",
    }:
        setattr(Tensor, _name, lambda self, memory_format=None, kind=_kind: to(self, kind))
Tensor.type_as = lambda self, other: to(self, other.dtype)
Tensor.cpu = lambda self, memory_format=None: self
Tensor.cuda = lambda self, device=None, non_blocking=False, memory_format=None: to(self, "cuda")
Tensor.get_device = lambda self: -1
Tensor.is_floating_point = lambda self: is_float(self)
Tensor.is_complex = lambda self: False
Tensor.is_signed = lambda self: self.dtype.is_signed
Tensor.is_conj = Tensor.is_neg = lambda self: False
Tensor.conj = Tensor.resolve_conj = Tensor.resolve_neg = lambda self: self
Tensor.element_size = lambda self: self._array.itemsize
FUNCTIONS.update(
    is_floating_point=lambda input: is_float(input),
    is_complex=lambda input: False,
    result_type=lambda a, b: dtypes.result_dtype((array(a), array(b))),
    conj=lambda input: input,
    real=lambda input: input,
    clone=clone,
)
Tensor.real = property(lambda self: self)


def type_(self, dtype=None, non_blocking=False):
    """The name of the type, `torch.FloatTensor`; with an argument, the tensor in that type."""
    if dtype is None:
        return f"torch.{self.dtype.letter}Tensor"
    name = dtype if isinstance(dtype, str) else f"torch.{getattr(dtype, '__name__', '')}"
    for kind in dtypes.ALL:
        if name in (f"torch.{kind.letter}Tensor", str(kind)):
            dtype = kind
    if not isinstance(dtype, dtypes.dtype):
        raise ValueError(f"invalid type: '{dtype}'")
    return to(self, dtype)


Tensor.type = type_


def typename(obj):
    """What messages call the type of `obj`: torch.FloatTensor, or the Python name."""
    if isinstance(obj, Tensor):
        return obj.type()
    named = obj if hasattr(obj, "__qualname__") else builtins.type(obj)
    module, name = named.__module__ or "", named.__qualname__
    if module.startswith(__package__):  # what is ours goes by the name of its original
        place = "torch.nn.functional" if "functional" in module else "torch._VariableFunctionsClass"
        module, name = "torch" if isinstance(named, builtins.type) else place, named.__name__
    return name if module in ("", "builtins") else f"{module}.{name}"


FUNCTIONS["typename"] = typename


# ---- size and memory -------------------------------------------------------------------------------------------------


def size(self, dim=None):
    """The shape, or one length of it."""
    return self.shape if dim is None else self._array.shape[dim_of(dim, self._array.ndim)]


def stride(self, dim=None):
    """By how many elements one steps in memory along each dimension, or one."""
    steps = tuple(n // self._array.itemsize for n in self._array.strides)
    return steps if dim is None else steps[dim_of(dim, len(steps))]


def copy_(self, src, non_blocking=False):
    """Write another tensor's values here."""
    if isinstance(src, Variable):
        refuse_overlap(self._array, src._array)
    return ops.copy.in_place((self, as_operand(src)), {})


def fill_(self, value):
    """Write one number everywhere."""
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                f"fill_ only supports 0-dimension value tensor but got tensor with {value._array.ndim} dimensions."
            )
        return ops.fill_by.in_place((self, value), {})
    if not self._array.flags.writeable and not (walk.mode.grad and self.requires_grad):
        self._check_writable(False)
        everywhere(self._array)[...] = dtypes.number_in(value, self._array.dtype)
        self._counter[0] += 1
        return self
    return ops.fill_in_place.in_place((self,), {"value": value})


def everywhere(array):
    """An array that may be written to even if it shows one number in many places: the same number is to go everywhere."""
    array = array.view()
    array.flags.writeable = True
    return array


def filled(self, value):
    """A tensor of this one's shape and type with one number everywhere."""
    if isinstance(value, Variable):
        return ops.fill_by.called("FillBackward1").record((self, value), {})
    return ops.fill.record((self,), {"value": value})


def zero_(self):
    """Write zeros everywhere."""
    if walk.mode.grad and self.requires_grad:
        return ops.zeroing.in_place((self,), {})
    self._check_writable(False)
    (self._array if self._array.flags.writeable else everywhere(self._array)).fill(0)
    self._counter[0] += 1
    return self


def set_(self, source=None):
    """Become another name for the memory of `source`."""
    self._array, self._counter = source._array, source._counter
    return self


def share_memory_(self):
    """Nothing: there is one process."""
    return self


Tensor.size, Tensor.stride, Tensor.copy_, Tensor.fill_, Tensor.zero_, Tensor.set_ = (
    size,
    stride,
    copy_,
    fill_,
    zero_,
    set_,
)
Tensor.share_memory_ = share_memory_
Tensor.dim = Tensor.ndimension = lambda self: self._array.ndim
Tensor.numel = Tensor.nelement = lambda self: self._array.size
Tensor.data_ptr = lambda self: self._array.__array_interface__["data"][0]
Tensor.is_contiguous = lambda self, memory_format=None: self._array.flags.c_contiguous
Tensor.storage_offset = lambda self: (
    0
    if self._base is None
    else (self._array.__array_interface__["data"][0] - self._base._array.__array_interface__["data"][0])
    // self._array.itemsize
)
Tensor.contiguous = lambda self, memory_format=None: (
    self if self._array.flags.c_contiguous else ops.contiguous.record((self,), {})
)
Tensor.is_same_size = lambda self, other: self._array.shape == other._array.shape
Tensor.is_set_to = lambda self, other: self._array.__array_interface__ == other._array.__array_interface__
FUNCTIONS.update(
    numel=lambda input: input._array.size, zero_=zero_, fill_=fill_, fill=lambda input, value: filled(input, value)
)
Tensor.fill = FUNCTIONS["fill"]


def new_filled(make):
    @dtypes.asked_for
    def method(self, *size, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False, **named):
        from .creation import leaf, shape_of

        return leaf(
            make(shape_of((named["size"],) if "size" in named else size), (dtype or self.dtype).numpy),
            None,
            requires_grad,
        )

    return method


Tensor.new_zeros, Tensor.new_ones, Tensor.new_empty = new_filled(np.zeros), new_filled(np.ones), new_filled(np.zeros)


@dtypes.asked_for
def new_full(self, size, fill_value, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """A tensor of that shape, filled with one number, in this tensor's type."""
    from .creation import leaf, shape_of

    value = dtypes.number_in(fill_value, (dtype or self.dtype).numpy)
    return leaf(np.full(shape_of((size,)), value), None, requires_grad)


@dtypes.asked_for
def new_tensor(self, data, *, dtype=None, device=None, requires_grad=False, layout=None, pin_memory=False):
    """A tensor with a copy of `data`, in this tensor's type."""
    from .creation import array_from, leaf

    source = data._array.copy() if isinstance(data, Variable) else array_from(data, dtype or self.dtype)
    return leaf(source, dtype or (None if isinstance(data, Variable) else self.dtype), requires_grad)


Tensor.new_full, Tensor.new_tensor, Tensor.new = new_full, new_tensor, lambda self, *a: Tensor(*a)


# ---- reductions ------------------------------------------------------------------------------------------------------


def in_dtype(x, dtype):
    return x if dtype is None or x.dtype is dtype else to(x, dtype)


def is_whole(dtype):
    """Whether a result is asked for in whole numbers of a certain size: sums and products of such numbers are int64 otherwise."""
    return dtype is not None and not dtype.is_floating_point


def no_bool(dtype, kernel):
    if dtype is dtypes.bool:
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")
    return dtype


@public(names=("sum",))
def sum(x, dim=None, keepdim=False, *, dtype=None):
    """The sum over `dim` (one, several, or all)."""
    if is_whole(dtype):
        return to(sum(in_dtype(x, dtype), dim, keepdim), dtype)
    x = in_dtype(x, dtype)
    if dim is None or dim == ():
        if not keepdim:
            return ops.total.record_one(x) if dim is None else ops.total_over.record((x,), {"dim": None})
        return ops.total_over.record((x,), {"dim": None, "keepdim": keepdim})
    return ops.total_over.record((x,), {"dim": dims_of(dim, x._array.ndim), "keepdim": keepdim})


@public
def mean(x, dim=None, keepdim=False, *, dtype=None):
    """The mean over `dim` (one, several, or all)."""
    x, whose = in_dtype(x, dtype), "Input" if dtype is None else "Optional"
    if not is_float(x):
        raise RuntimeError(
            f"mean(): could not infer output dtype. {whose} dtype must be either a floating point or complex dtype. Got: "
            + x.dtype.letter
        )
    if dim is None and not keepdim:
        return ops.mean.record_one(x)
    dims = None if dim is None or dim == () or dim == [] else dims_of(dim, x._array.ndim)
    return ops.mean_over.record((x,), {"dim": dims, "keepdim": keepdim})


@public
def prod(x, dim=None, keepdim=False, *, dtype=None):
    """The product over one dimension, or of all elements."""
    if is_whole(dtype):
        return to(prod(x if dtype is dtypes.bool else in_dtype(x, dtype), dim, keepdim), dtype)
    x = in_dtype(x, dtype)
    if dim is None:
        return ops.prod.record((x,), {})
    return ops.prod_over.record((x,), {"dim": dims_of(dim, x._array.ndim), "keepdim": keepdim})


@public
def nansum(x, dim=None, keepdim=False, *, dtype=None):
    """The sum without what is nan."""
    x = in_dtype(x, dtype)
    if not is_float(x):
        return sum(x, dim, keepdim, dtype=dtype)
    dims = None if dim is None or dim == () else dims_of(dim, x._array.ndim)
    return ops.nansum.record((x,), {"dim": dims, "keepdim": keepdim})


isnan = FUNCTIONS["isnan"]


@public
def nanmean(x, dim=None, keepdim=False, *, dtype=None):
    """The mean without what is nan."""
    return nansum(x, dim, keepdim, dtype=dtype) / sum(~isnan(x), dim, keepdim)


def spread_of(op):
    def function(x, dim=None, unbiased=None, keepdim=False, *, correction=None):
        if isinstance(dim, builtins.bool):
            dim, unbiased = None, dim
        if correction is None:
            correction = 1 if unbiased is None or unbiased else 0
        if not is_float(x):
            raise RuntimeError("std and var only support floating point and complex dtypes")
        dims = None if dim is None or dim == () or dim == [] else dims_of(dim, x._array.ndim)
        warn_about_freedom(x, dims, correction, function.__name__)
        return op.record((x,), {"dim": dims, "correction": correction, "keepdim": keepdim})

    return function


def warn_about_freedom(x, dims, correction, name):
    if not x._array.size or kernels.count(x._array.shape, dims) <= correction:
        warn(
            f"{name}(): degrees of freedom is <= 0. Correction should be strictly less than the reduction factor (input numel "
            "divided by output numel). (Triggered internally at /__w/pytorch/pytorch/aten/src/ATen/native/ReduceOps.cpp:1861.)"
        )


var, std = spread_of(ops.var), spread_of(ops.std)
var.__name__, std.__name__ = "var", "std"
var.__doc__, std.__doc__ = "The variance, with n - correction for n.", "The standard deviation."
public(var), public(std)


def spread_and_mean(name, op):
    def function(x, dim=None, unbiased=None, keepdim=False, *, correction=None):
        if isinstance(dim, builtins.bool):
            dim, unbiased = None, dim
        if correction is None:
            correction = 1 if unbiased is None or unbiased else 0
        dims = None if dim is None or dim == () or dim == [] else dims_of(dim, x._array.ndim)
        warn_about_freedom(x, dims, correction, name)
        return tuple(op.record((x,), {"dim": dims, "correction": correction, "keepdim": keepdim}))

    function.__name__ = name
    return public(function, method=False)


var_mean, std_mean = spread_and_mean("var_mean", ops.var_mean), spread_and_mean("std_mean", ops.std_mean)
var_mean.__doc__, std_mean.__doc__ = "Variance and mean.", "Standard deviation and mean."


@public
def logsumexp(x, dim, keepdim=False):
    """log(sum(exp(x))) over `dim`, without overflow."""
    return ops.logsumexp.record((x,), {"dim": dims_of(dim, x._array.ndim), "keepdim": keepdim})


@public
def all(x, dim=None, keepdim=False):
    """Whether all elements are not zero."""
    result = np.all(x._array != 0, axis=dims_of(dim, x._array.ndim), keepdims=keepdim)
    return wrap(np.asarray(result).astype(np.uint8 if x.dtype is dtypes.uint8 else bool))


@public
def any(x, dim=None, keepdim=False):
    """Whether any element is not zero."""
    result = np.any(x._array != 0, axis=dims_of(dim, x._array.ndim), keepdims=keepdim)
    return wrap(np.asarray(result).astype(np.uint8 if x.dtype is dtypes.uint8 else bool))


@public
def count_nonzero(x, dim=None):
    """How many elements are not zero."""
    return wrap(np.asarray(np.count_nonzero(x._array, axis=dims_of(dim, x._array.ndim)), np.int64))


def returned(name, *fields):
    """A named tuple that prints as PyTorch's: torch.return_types.max(values=…, indices=…)."""

    class Returned(namedtuple(name, fields)):
        __slots__ = ()

        def __repr__(self):
            return f"torch.return_types.{name}(\n" + ",\n".join(f"{f}={getattr(self, f)!r}" for f in fields) + ")"

    Returned.__name__ = Returned.__qualname__ = name
    return Returned


RETURNED = {
    name: returned(name, "values", "indices")
    for name in ("max", "min", "median", "nanmedian", "mode", "kthvalue", "sort", "topk", "cummax", "cummin")
}


def need_elements(x, dim, name):
    """An empty dimension has no largest element."""
    if x._array.size == 0 and (dim is None or x._array.shape[dim] == 0):
        if dim is None and name.startswith("arg"):
            raise IndexError(f"{name}(): Expected reduction dim to be specified for input.numel() == 0.")
        if dim is None:
            raise RuntimeError(
                f"{name}(): Expected reduction dim to be specified for input.numel() == 0. Specify the reduction dim with the "
                "'dim' argument."
            )
        raise IndexError(f"{name}(): Expected reduction dim {dim} to have non-zero size.")


def chosen(name, x, index, dim, keepdim):
    """The elements at `index` (kept dimensions) along `dim`, and the index, as a named pair."""
    values = ops.CHOSEN[name].record((x, wrap(index)), {"dim": dim, "keepdim": keepdim})
    if not keepdim and x._array.ndim:
        index = index.reshape(values._array.shape)
    return RETURNED[name](values, wrap(index))


def extreme(name, whole, find, pair):
    def function(x, dim=None, keepdim=False, *, other=None):
        if isinstance(dim, Variable):
            dim, other = None, dim
        if other is not None:
            return both(pair, x, other)
        if dim is None:
            need_elements(x, None, name)
            return whole.record((x,), {})
        dim = dim_of(dim, x._array.ndim)
        need_elements(x, dim, name)
        if not x._array.ndim:
            return chosen(name, x, np.zeros((), np.int64), 0, keepdim)
        return chosen(name, x, np.expand_dims(find(x._array, axis=dim), dim), dim, keepdim)

    function.__name__ = name
    function.__doc__ = f"The {name}imum of all; with `dim`, values and indices along it; with a tensor, elementwise."
    return public(function)


max = extreme("max", ops.largest, np.argmax, ops.maximum)
min = extreme("min", ops.smallest, np.argmin, ops.minimum)


def extreme_values(name, op):
    def function(x, dim=(), keepdim=False):
        dims = None if dim == () or dim == [] else dims_of(dim, x._array.ndim)
        if x._array.size == 0 and (dims is None or builtins.any(x._array.shape[d] == 0 for d in dims)):
            need_elements(x, None if dims is None else next(d for d in dims if x._array.shape[d] == 0), name)
        return op.record((x,), {"dim": dims, "keepdim": keepdim})

    function.__name__, function.__doc__ = name, f"The {name[1:]}imum over `dim`; ties share the gradient."
    return public(function)


amax, amin = extreme_values("amax", ops.amax), extreme_values("amin", ops.amin)


@public
def aminmax(x, *, dim=None, keepdim=False):
    """Smallest and largest."""
    dims = None if dim is None else (dim_of(dim, x._array.ndim),) if x._array.ndim else None
    need_elements(x, None if dims is None else dims[0], "aminmax")
    return AMINMAX(*ops.aminmax.record((x,), {"dim": dims, "keepdim": keepdim}))


AMINMAX = returned("aminmax", "min", "max")


def position(name, find):
    def function(x, dim=None, keepdim=False):
        if dim is None:
            need_elements(x, None, name)
            index = np.asarray(find(x._array))
            return wrap(index.reshape((1,) * x._array.ndim) if keepdim else index)
        dim = dim_of(dim, x._array.ndim)
        need_elements(x, dim, name)
        if not x._array.ndim:
            return wrap(np.zeros((), np.int64))
        index = find(x._array, axis=dim)
        return wrap(np.asarray(np.expand_dims(index, dim) if keepdim else index))

    function.__name__, function.__doc__ = name, f"The position of the {name[3:]}imum, the first of several."
    return public(function)


argmax, argmin = position("argmax", np.argmax), position("argmin", np.argmin)


def kth(name, x, dim, keepdim, place):
    """Values and indices of the element at `place(sorted length)` along `dim`."""
    dim = dim_of(-1 if dim is None else dim, x._array.ndim)
    if not x._array.ndim:
        return chosen(name, x, np.zeros((), np.int64), 0, keepdim)
    order = np.argsort(x._array, axis=dim, kind="stable")
    return chosen(name, x, place(order, dim), dim, keepdim)


def middle(x, dim):
    """Where the lower median stands in the sorted order, or the first nan."""

    def place(order, dim):
        k = (x._array.shape[dim] - 1) // 2
        index = np.take(order, [k], axis=dim)
        if is_float(x):
            bad = np.isnan(x._array)
            index = np.where(bad.any(axis=dim, keepdims=True), np.expand_dims(bad.argmax(axis=dim), dim), index)
        return index

    return place


@public
def nanmedian(x, dim=None, keepdim=False):
    """The middle element of those that are not nan."""
    bad = np.isnan(x._array) if is_float(x) else np.zeros(x._array.shape, bool)
    if dim is None:
        good = x._array[~bad]
        value = np.sort(good)[(good.size - 1) // 2] if good.size else np.asarray(math.nan, x._array.dtype)
        return ops.median_of_all.called("Nanmedian").record((x,), {"value": value})
    dim = dim_of(dim, x._array.ndim)
    if not x._array.ndim:
        return chosen("nanmedian", x, np.zeros((), np.int64), 0, keepdim)
    count = np.maximum((~bad).sum(dim, keepdims=True), 1)
    order = np.argsort(x._array, axis=dim, kind="stable")
    return chosen("nanmedian", x, np.take_along_axis(order, (count - 1) // 2, dim), dim, keepdim)


@public
def median(x, dim=None, keepdim=False):
    """The middle element of the sorted ones: the lower of two."""
    if dim is None:
        if not x._array.size:
            return wrap(np.asarray(math.nan, x._array.dtype))
        flat = x._array.reshape(-1)
        index = (
            np.isnan(flat).argmax() if is_float(x) and np.isnan(flat).any() else np.argsort(flat)[(flat.size - 1) // 2]
        )
        return ops.median_of_all.record((x,), {"value": flat[index]})
    return kth("median", x, dim, keepdim, middle(x, dim))


@public
def kthvalue(x, k, dim=-1, keepdim=False):
    """The k-th smallest element, from 1."""
    axis = dim_of(dim, x._array.ndim)
    if not 0 < k <= (x._array.shape[axis] if x._array.ndim else 1):
        raise RuntimeError(f"kthvalue(): selected number k out of range for dimension {axis}")

    def place(order, dim):
        index = np.apply_along_axis(kernels.selected, dim, x._array, k - 1)
        return np.expand_dims(index, dim)

    return kth("kthvalue", x, dim, keepdim, place)


@public
def mode(x, dim=-1, keepdim=False):
    """The most frequent value (the smallest of several), and where it last stands."""
    dim = dim_of(dim, x._array.ndim)
    if not x._array.ndim:
        return chosen("mode", x, np.zeros((), np.int64), 0, keepdim)

    def one(row):
        values, counts = np.unique(row, return_counts=True, equal_nan=False)
        found = values[counts.argmax()]
        return np.flatnonzero(row == found)[-1] if found == found else np.flatnonzero(row != row)[0]

    return chosen("mode", x, np.expand_dims(np.apply_along_axis(one, dim, x._array), dim), dim, keepdim)


def quantile_of(name, skip_nan):
    def function(x, q, dim=None, keepdim=False, *, interpolation="linear"):
        if not isinstance(q, Variable):
            if not 0 <= q <= 1:
                raise RuntimeError(f"quantile() q must be in the range [0, 1] but got {q:g}")
            q = wrap(np.asarray(q, x._array.dtype))
        check_quantile(name, x, q, interpolation)
        ndim, kind = x._array.ndim, x._array.dtype
        if dim is None or not ndim:
            rows = reshape(x, (*(1,) * (ndim if keepdim else 0), -1))
        else:
            axis = dim_of(dim, ndim)
            rows = transpose(unsqueeze(x, -1), axis, -1)
        rows = sort(rows, -1).values
        last = rows._array.shape[-1] - 1
        nan = np.isnan(rows._array)
        if skip_nan:
            rank = flatten(q) * wrap(np.maximum((~nan).sum(-1, keepdims=True) - 1, 0).astype(kind))
        else:  # one nan spoils a row; it stands at the end
            rank = where(wrap(nan.any(-1, keepdims=True)), float(last), flatten(q) * float(last))
        rank = expand(rank, np.broadcast_shapes(rank._array.shape, (*rows._array.shape[:-1], q._array.size)))
        ends = {"lower": (np.floor, np.floor), "higher": (np.ceil, np.ceil), "nearest": (np.round, np.round)}
        below, above = (end(rank._array).astype(np.int64) for end in ends.get(interpolation, (np.floor, np.ceil)))
        result = gather(rows, -1, wrap(below))
        if interpolation in ("linear", "midpoint"):
            half = wrap(np.full(below.shape, 0.5, kind))
            weight = rank - wrap(below.astype(kind)) if interpolation == "linear" else half
            result = lerp(result, gather(rows, -1, wrap(above)), weight)
        if dim is not None and ndim and not keepdim:
            result = squeeze(result, axis)
        if q._array.ndim:
            return movedim(result, -1, 0)
        return ops.squeeze_dim.called("SqueezeBackward4").record((result,), {"dim": (result._array.ndim - 1,)})

    function.__name__ = name
    return public(function)


def check_quantile(name, x, q, interpolation):
    if not x._array.size:
        raise RuntimeError(f"{name}() input tensor must be non-empty")
    if q._array.ndim > 1:
        raise RuntimeError(f"{name}() q must be a scalar or 1D tensor")
    if x.dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(f"{name}() input tensor must be either float or double dtype")
    if q.dtype is not x.dtype:
        raise RuntimeError(f"{name}() q tensor must be same dtype as the input tensor")
    if interpolation not in ("linear", "lower", "higher", "midpoint", "nearest"):
        raise RuntimeError(
            f"{name}() interpolation must be one of linear, lower, higher, midpoint or nearest, but got {interpolation}"
        )
    if ((q._array < 0) | (q._array > 1)).any():
        raise RuntimeError(f"{name}() q values must be in the range [0, 1]")


quantile, nanquantile = quantile_of("quantile", False), quantile_of("nanquantile", True)
quantile.__doc__ = "The q-quantile, between the sorted elements."
nanquantile.__doc__ = "The q-quantile of what is not nan."


@public
def sort(x, dim=-1, descending=False, stable=None):
    """The elements in order along `dim`, and where they came from."""
    dim = dim_of(dim, x._array.ndim)
    index = order_of(x._array, dim, descending)
    op = ops.sort if stable is None else ops.sort.called("SortBackward1")
    return RETURNED["sort"](op.record((x, wrap(index)), {"dim": dim}), wrap(index))


def order_of(array, dim, descending):
    """The positions in sorted order, equal elements in their old order."""
    if not array.ndim:
        return np.zeros((), np.int64)
    if not descending:
        return np.argsort(array, axis=dim, kind="stable")
    back = np.flip(array, dim)
    return array.shape[dim] - 1 - np.flip(np.argsort(back, axis=dim, kind="stable"), dim)


@public
def argsort(x, dim=-1, descending=False, stable=False):
    """Where the elements of the sorted tensor come from."""
    return wrap(order_of(x._array, dim_of(dim, x._array.ndim), descending))


@public
def msort(x):
    """Sorted along the first dimension."""
    return sort(x, 0).values


@public
def topk(x, k, dim=-1, largest=True, sorted=True):
    """The k largest (or smallest) elements along `dim`, and where they are."""
    dim = dim_of(dim, x._array.ndim)
    if k > (x._array.shape[dim] if x._array.ndim else 1):
        raise RuntimeError("selected index k out of range")
    index = order_of(x._array, dim, largest)
    if x._array.ndim:
        index = index[kernels.at(dim, slice(0, k))]
    return RETURNED["topk"](ops.topk.record((x, wrap(index)), {"dim": dim}), wrap(index))


@public
def unique(x, sorted=True, return_inverse=False, return_counts=False, dim=None):
    """The different elements, in order; on demand where each went and how often it was there."""
    values, inverse, counts = np.unique(x._array, return_inverse=True, return_counts=True, axis=dim, equal_nan=False)
    inverse = inverse.reshape(x._array.shape if dim is None else -1)
    result = [wrap(values)] + [wrap(inverse)] * return_inverse + [wrap(counts)] * return_counts
    return tuple(result) if len(result) > 1 else result[0]


@public
def unique_consecutive(x, return_inverse=False, return_counts=False, dim=None):
    """The elements without immediate repetitions."""
    rows = x._array.reshape(-1) if dim is None else np.moveaxis(x._array, dim_of(dim, x._array.ndim), 0)
    n = rows.shape[0]
    changes = (rows[1:] != rows[:-1]).any(tuple(range(1, rows.ndim)))
    first = np.append([True], changes)[:n]
    values = rows[first] if dim is None else np.moveaxis(rows[first], 0, dim)
    result = [wrap(np.ascontiguousarray(values))]
    if return_inverse:
        result.append(wrap((np.cumsum(first) - 1).reshape(x._array.shape if dim is None else n)))
    if return_counts:
        result.append(wrap(np.diff(np.append(np.flatnonzero(first), n))))
    return tuple(result) if len(result) > 1 else result[0]


@public
def bincount(x, weights=None, minlength=0):
    """How often each whole number occurs."""
    return wrap(np.bincount(x._array, None if weights is None else weights._array, minlength))


@public
def histc(x, bins=100, min=0, max=0):
    """How many elements fall in each of `bins` equal intervals."""
    low, high = (x._array.min(), x._array.max()) if min == max and x._array.size else (min, max)
    low, high = (low - 1, high + 1) if low == high else (low, high)
    return wrap(np.histogram(x._array, bins, (low, high))[0].astype(x._array.dtype))


@public(method=False)
def bucketize(x, boundaries, *, out_int32=False, right=False):
    """In which interval between the boundaries each element lies."""
    return searchsorted(boundaries, x, out_int32=out_int32, right=right)


@public(method=False)
def searchsorted(sorted_sequence, x, *, out_int32=False, right=False, side=None, sorter=None):
    """Where each element would have to be inserted to keep the order."""
    if side is not None and side not in ("left", "right"):
        raise RuntimeError(f"torch.searchsorted(): side can only be 'left' or 'right' but got {side}")
    rows, values = sorted_sequence._array, np.asarray(array(x))
    rows = rows if sorter is None else np.take_along_axis(rows, sorter._array, -1)
    side = "right" if right or side == "right" else "left"
    if rows.ndim == 1:
        place = np.searchsorted(rows, values, side)
    else:
        if values.shape[:-1] != rows.shape[:-1]:
            raise RuntimeError(
                "torch.searchsorted(): boundaries tensor should be 1 dimension or the first N-1 dimensions of boundaries tensor and "
                f"input value tensor must match, but we got boundaries tensor {list(rows.shape)} and input value tensor "
                f"{list(values.shape)}"
            )
        place = np.zeros(values.shape, np.int64)
        for row in np.ndindex(*rows.shape[:-1]):
            place[row] = np.searchsorted(rows[row], values[row], side)
    return wrap(np.asarray(place).astype(np.int32 if out_int32 else np.int64))


@public(in_place=True)
def cumsum(x, dim, *, dtype=None):
    """The running sum along `dim`."""
    if is_whole(dtype):
        return to(cumsum(in_dtype(x, no_bool(dtype, "cumsum_out_cpu")), dim), dtype)
    return ops.cumsum.record((in_dtype(x, dtype),), {"dim": dim_of(dim, x._array.ndim)})


@public(in_place=True)
def cumprod(x, dim, *, dtype=None):
    """The running product along `dim`."""
    if is_whole(dtype):
        return to(cumprod(in_dtype(x, no_bool(dtype, "cumprod_out_cpu")), dim), dtype)
    return ops.cumprod.record((in_dtype(x, dtype),), {"dim": dim_of(dim, x._array.ndim)})


@public
def logcumsumexp(x, dim):
    """log of the running sum of exp(x)."""
    return ops.logcumsumexp.record((x,), {"dim": dim_of(dim, x._array.ndim)})


def running(name, better):
    def function(x, dim):
        dim = dim_of(dim, x._array.ndim)
        best = better.accumulate(x._array, axis=dim) if x._array.ndim else x._array
        here = np.arange(best.shape[dim]).reshape([-1 if i == dim else 1 for i in range(best.ndim)]) if best.ndim else 0
        same = (x._array == best) | ((x._array != x._array) & (best != best))
        index = np.maximum.accumulate(np.where(same, here, 0), axis=dim) if best.ndim else np.zeros((), np.int64)
        return RETURNED[name](ops.CHOSEN[name].record((x, wrap(index)), {"dim": dim}), wrap(index))

    function.__name__, function.__doc__ = name, f"The running {name[3:]}imum along `dim`, and where it last stood."
    return public(function)


cummax, cummin = running("cummax", np.maximum), running("cummin", np.minimum)


@public
def diff(x, n=1, dim=-1, prepend=None, append=None):
    """Differences of neighbours along `dim`, n times."""
    parts = [t for t in (prepend, x, append) if t is not None]
    if not x._array.ndim:
        raise RuntimeError("diff expects input to be at least one-dimensional")
    if n < 0:
        raise RuntimeError(f"order must be non-negative but got {n}")
    if n == 0:
        return zeros_of(x).copy_(x)
    x = cat(parts, dim) if len(parts) > 1 else x
    for _ in range(builtins.min(n, x._array.shape[dim])):
        rest = builtins.max(x._array.shape[dim] - 1, 0)
        later, earlier = narrow(x, dim, x._array.shape[dim] - rest, rest), narrow(x, dim, 0, rest)
        x = bitwise_xor(later, earlier) if x.dtype is dtypes.bool else later - earlier
    return x


def zeros_of(x):
    return wrap(np.zeros(x._array.shape, x._array.dtype))


@public
def norm(x, p="fro", dim=None, keepdim=False, dtype=None):
    """The vector norm (sum |x|^p)^(1/p); "fro" is p=2. `linalg.py` adds "nuc"."""
    if not is_float(x):
        raise RuntimeError(
            "linalg.vector_norm: Expected a floating point or complex tensor as input. Got " + x.dtype.letter
        )
    if is_whole(dtype):
        raise RuntimeError(f"linalg.vector_norm: dtype should be floating point or complex, but got {dtype.letter}")
    if dtype is not None and dtype.itemsize < x.dtype.itemsize:
        raise RuntimeError(
            f"linalg.vector_norm: the dtype of the input ({x.dtype.letter}) should be convertible without narrowing to the specified "
            f"dtype ({dtype.letter})"
        )
    x = in_dtype(x, dtype)
    if isinstance(p, str) and p != "fro":
        raise RuntimeError(f"linalg.matrix_norm: Order {p} not supported.")
    p = 2.0 if p in ("fro", None) else float(p)
    return ops.vector_norm.record((x,), {"ord": p, "dim": dims_of(dim, x._array.ndim), "keepdim": keepdim})


@public
def dist(x, other, p=2):
    """The norm of the difference."""
    return ops.dist.record((x, other), {"p": float(p)})


@public(in_place=True)
def renorm(x, p, dim, maxnorm):
    """Each slice along `dim` scaled down to norm `maxnorm` at most."""
    if p <= 0:
        raise RuntimeError("renorm: non-positive-norm not supported")
    if x._array.ndim < 2:
        raise RuntimeError(f"renorm: input needs at least 2 dimensions, got {x._array.ndim} dimensions")
    if maxnorm < 0:
        raise RuntimeError(f"renorm: expected maxnorm to be >= 0 but got {maxnorm}")
    others = tuple(i for i in range(x._array.ndim) if i != dim_of(dim, x._array.ndim))
    return ops.renorm.record((x,), {"p": p, "dims": others, "maxnorm": maxnorm})


@public
def trace(x):
    """The sum of the diagonal."""
    if x._array.ndim != 2:
        raise RuntimeError(f"trace: expected a matrix, but got tensor with dim {x._array.ndim}")
    return ops.trace.record((x,), {})


@public
def cov(x, *, correction=1, fweights=None, aweights=None):
    """The covariance matrix of the rows."""
    if x._array.ndim > 2:
        raise RuntimeError(
            f"cov(): expected input to have two or fewer dimensions but got an input with {x._array.ndim} dimensions"
        )
    rows = as_float(x if x._array.ndim == 2 else x.reshape(1, -1))
    weight = aweights if fweights is None else fweights if aweights is None else fweights * aweights
    if weight is None:
        count, mean_ = rows._array.shape[1], sum(rows, 1) / rows._array.shape[1]
        norm_ = builtins.max(count - correction, 0)
    else:
        total = sum(weight)
        mean_ = sum(rows * weight, 1) / total
        squared = total if aweights is None or fweights is None and correction == 0 else sum(weight * aweights)
        norm_ = total - correction * (1 if aweights is None else squared / total)
        norm_ = clamp(norm_ if isinstance(norm_, Variable) else wrap(np.asarray(norm_)), min=0)
    rows = rows - unsqueeze(mean_, 1)
    return squeeze(mm(rows, t(rows if weight is None else rows * weight)) / norm_)


@public
def corrcoef(x):
    """The correlation matrix of the rows."""
    covariance = cov(x)
    if not covariance._array.ndim:
        return covariance / covariance
    deviation = diagonal(covariance).sqrt()
    return clamp(covariance / deviation[:, None] / deviation, -1, 1)


# ---- shapes ----------------------------------------------------------------------------------------------------------


def shape_from(shape):
    """A shape from f(2, 3) or f((2, 3))."""
    if len(shape) == 1 and isinstance(shape[0], (tuple, list)):
        shape = shape[0]
    return tuple(n.__index__() for n in shape)


def completed(shape, size):
    """A shape with its -1 replaced by what is left."""
    if -1 in shape:
        rest = math.prod(n for n in shape if n != -1)
        if shape.count(-1) > 1:
            raise RuntimeError("only one dimension can be inferred")
        if rest == 0 and size == 0:
            raise RuntimeError(
                f"cannot reshape tensor of 0 elements into shape {list(shape)} because the unspecified dimension size -1 can be "
                "any value and is ambiguous"
            )
        if rest and size % rest == 0:
            return tuple(size // rest if n == -1 else n for n in shape)
    if math.prod(shape) != size or -1 in shape:
        if builtins.any(n < -1 for n in shape):
            place = next(i for i, n in enumerate(shape) if n < -1)
            raise RuntimeError(f"invalid shape dimension {shape[place]} at index {place} of shape {list(shape)}")
        raise RuntimeError(f"shape '{list(shape)}' is invalid for input of size {size}")
    return shape


def view(self, *shape, dtype=None):
    """The same memory in another shape."""
    if len(shape) == 1 and isinstance(shape[0], dtypes.dtype):
        raise NotImplementedError("handtorch ends before views in another type; use .to(dtype)")
    shape = completed(shape_from(shape), self._array.size)
    try:
        return ops.view.record((self,), {"shape": shape})
    except ValueError:
        raise RuntimeError(
            "view size is not compatible with input tensor's size and stride (at least one dimension spans across two "
            "contiguous subspaces). Use .reshape(...) instead."
        ) from None


Tensor.view = view
Tensor.view_as = lambda self, other: view(self, other._array.shape)


def reshape(x, *shape):
    """The elements in another shape: the same memory if that is possible."""
    shape = completed(shape_from(shape), x._array.size)
    if (
        np.shares_memory(x._array, x._array.reshape(shape))
        if x._array.size and not x._array.flags.c_contiguous
        else True
    ):
        return ops.view.record((x,), {"shape": shape})
    return ops.reshape.record((x,), {"shape": shape})


Tensor.reshape = lambda self, *shape, **named: reshape(self, *(shape or (named["shape"],)))


def sum_to_size(self, *size):
    """Summed over what broadcasting from `size` would repeat."""
    size, shape = shape_from(size), self._array.shape
    extra = len(shape) - len(size)
    if extra < 0 or builtins.any(m not in (1, n) for m, n in zip(size, shape[extra:], strict=True)):
        raise RuntimeError(f"size {{{list(size)}}} is not expandable to size {{{list(shape)}}}.")
    if not size:
        return sum(self)
    if size == shape:
        return self
    ones = tuple(i for i in range(len(shape)) if i < extra or (size[i - extra] == 1 and shape[i] != 1))
    summed = sum(self, ones, True)
    return view(summed, size) if extra else summed


Tensor.sum_to_size = sum_to_size
Tensor.reshape_as = lambda self, other: reshape(self, other._array.shape)
FUNCTIONS["reshape"] = lambda input, shape: reshape(input, shape)


@public
def flatten(x, start_dim=0, end_dim=-1):
    """Several dimensions joined into one."""
    start, end = dim_of(start_dim, x._array.ndim), dim_of(end_dim, x._array.ndim)
    if start > end:
        raise RuntimeError("flatten() has invalid args: start_dim cannot come after end_dim")
    shape = x._array.shape
    if not shape:
        return reshape(x, 1)
    if start == end:
        return x
    return reshape(x, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))


@public
def ravel(x):
    """All elements in one dimension."""
    return view(x if x._array.flags.c_contiguous else x.contiguous(), -1)


@public
def unflatten(x, dim, sizes):
    """One dimension split into several."""
    dim = dim_of(dim, x._array.ndim)
    shape = x._array.shape
    sizes = tuple(sizes)
    if math.prod(sizes) != shape[dim] and -1 not in sizes:
        raise RuntimeError(
            f"unflatten: Provided sizes {list(sizes)} don't multiply up to the size of dim {dim} ({shape[dim]}) in the input tensor"
        )
    return view(x, (*shape[:dim], *completed(sizes, shape[dim]), *shape[dim + 1 :]))


@public
def squeeze(x, dim=None):
    """Without the dimensions of length 1, or without those of `dim` that have it."""
    if dim is None:
        return ops.squeeze.record((x,), {})
    op = ops.squeeze_dims if isinstance(dim, (tuple, list)) else ops.squeeze_dim
    return op.record((x,), {"dim": dims_of(dim, x._array.ndim) or ()})


@public
def unsqueeze(x, dim):
    """With a new dimension of length 1 at `dim`."""
    return ops.unsqueeze.record((x,), {"dim": dim_of(dim, x._array.ndim + 1)})


@public(names=("transpose", "swapaxes", "swapdims"))
def transpose(x, dim0, dim1):
    """Two dimensions exchanged."""
    return ops.transpose.record((x,), {"dim0": dim_of(dim0, x._array.ndim), "dim1": dim_of(dim1, x._array.ndim)})


@public
def t(x):
    """The transpose of a matrix; vectors and numbers stay."""
    if x._array.ndim > 2:
        raise RuntimeError(f"t() expects a tensor with <= 2 dimensions, but self is {x._array.ndim}D")
    return ops.t.record((x,), {})


SHAPES_CPP = "(Triggered internally at /__w/pytorch/pytorch/aten/src/ATen/native/TensorShape.cpp:"
T_OF_MANY = (
    "The use of `x.T` on tensors of dimension other than 2 to reverse their shape is deprecated and it will throw an error in "
    "a future release. Consider `x.mT` to transpose batches of matrices or `x.permute(*torch.arange(x.ndim - 1, -1, -1))` to "
    f"reverse the dimensions of a tensor. {SHAPES_CPP}4314.)"
)
OF_A_NUMBER = {  # what PyTorch says of tensors without dimensions, and the line that says it
    "T": ("This function is the identity in these cases.", 4321),
    "mT": ("This function is the identity in these cases.", 4373),
    "H": ("Consider using x.conj().", 4335),
    "mH": ("Consider using x.conj().", 4382),
}


def warn_of_a_number(name):
    advice, line = OF_A_NUMBER[name]
    warn_once(f"Tensor.{name} is deprecated on 0-D tensors. {advice} {SHAPES_CPP}{line}.)")


def reversed_dims(self):
    ndim = self._array.ndim
    if ndim == 0:
        warn_of_a_number("T")
    elif ndim != 2:
        warn_once(T_OF_MANY)
    return ops.permute.record((self,), {"dims": tuple(reversed(range(ndim)))})


def transposed(name):
    """The property mT, H or mH: the last two dimensions exchanged; H takes no batches."""

    def exchanged(self):
        ndim = self._array.ndim
        if ndim == 0:
            warn_of_a_number(name)
            return self
        if ndim == 1 or (name == "H" and ndim > 2):
            what = "matrices (2-D tensors)" if name == "H" else "matrices or batches of matrices"
            advice = " For batches of matrices, consider using tensor.mH" if ndim > 2 else ""
            raise RuntimeError(f"tensor.{name} is only supported on {what}. Got {ndim}-D tensor.{advice}")
        return transpose(self, -2, -1)

    return property(exchanged)


Tensor.T = property(reversed_dims)
Tensor.mT, Tensor.H, Tensor.mH = transposed("mT"), transposed("H"), transposed("mH")
FUNCTIONS["adjoint"] = Tensor.adjoint = lambda self: transpose(self, -2, -1)


def permute(x, *dims):
    """The dimensions in another order."""
    dims = shape_from(dims)
    if len(dims) != x._array.ndim:
        raise RuntimeError(
            "permute(sparse_coo): number of dimensions in the tensor input does not match the length of the desired ordering "
            f"of dimensions i.e. input.dim() = {x._array.ndim} is not equal to len(dims) = {len(dims)}"
        )
    order = tuple(dim_of(d, x._array.ndim) for d in dims)
    if len(set(order)) != len(order):
        raise RuntimeError("permute(): duplicate dims are not allowed.")
    return ops.permute.record((x,), {"dims": order})


Tensor.permute = lambda self, *dims, **named: permute(self, *(dims or (named["dims"],)))
FUNCTIONS["permute"] = lambda input, dims: permute(input, dims)


@public(names=("movedim", "moveaxis"))
def movedim(x, source, destination):
    """Dimensions moved to other places, the others in order."""
    ndim = x._array.ndim
    given = [list(d) if isinstance(d, (tuple, list)) else [d] for d in (source, destination)]
    if len(given[0]) != len(given[1]):
        raise RuntimeError(
            f"movedim: Invalid source or destination dims: source ({given[0]} dims) should contain the same number of dims as "
            f"destination ({given[1]} dims)"
        )
    source, destination = ([dim_of(d, ndim) for d in dims] for dims in given)
    for word, places, dims in (("source", source, given[0]), ("destination", destination, given[1])):
        if len(set(places)) < len(places):
            raise RuntimeError(f"movedim: repeated dim in `{word}` ({dims})")
    if not ndim:
        return ops.positive.record((x,), {})
    order = [d for d in range(ndim) if d not in source]
    for to_place, from_place in builtins.sorted(zip(destination, source, strict=True)):
        order.insert(to_place, from_place)
    return ops.permute.record((x,), {"dims": tuple(order)})


def expand(self, *sizes, implicit=False):
    """Dimensions of length 1 repeated without a copy; -1 keeps a length."""
    sizes, shape = shape_from(sizes), self._array.shape
    extra = len(sizes) - len(shape)
    if extra < 0:
        word = "CPUBoolType" if self.dtype is dtypes.bool else f"torch.{self.dtype.letter}Tensor"
        raise RuntimeError(
            f"expand({word}{{{list(shape)}}}, size={list(sizes)}): the number of sizes provided "
            f"({len(sizes)}) must be greater or equal to the number of dimensions in the tensor ({len(shape)})"
        )
    wanted = list(sizes)
    for i, n in enumerate(sizes[:extra]):
        if n < 0:
            raise RuntimeError(
                f"The expanded size of the tensor ({n}) isn't allowed in a leading, non-existing dimension {i}"
            )
    for i, n in reversed(list(enumerate(shape))):
        if wanted[extra + i] == -1:
            wanted[extra + i] = n
        elif n not in (1, wanted[extra + i]):
            raise RuntimeError(
                f"The expanded size of the tensor ({wanted[extra + i]}) must match the existing size ({n}) at non-singleton "
                f"dimension {extra + i}.  Target sizes: {list(sizes)}.  Tensor sizes: {list(shape)}"
            )
    return ops.expand.record((self,), {"shape": tuple(wanted)})


Tensor.expand = lambda self, *sizes, **named: expand(self, *(sizes or (named["size"],)))
Tensor.expand_as = lambda self, other: expand(self, other._array.shape)
FUNCTIONS["broadcast_to"] = lambda input, size: expand(input, size)
Tensor.broadcast_to = lambda self, size: expand(self, size)


def broadcast_shapes(*shapes):
    """The shape to which shapes broadcast."""
    shapes = [(s,) if isinstance(s, int) else tuple(s) for s in shapes]
    try:
        return Size(np.broadcast_shapes(*shapes))
    except ValueError:
        raise mismatch(shapes) from None


def mismatch(shapes):
    """PyTorch's complaint about the first shape that does not fit those before it, from the last dimension on."""
    common = [1] * builtins.max(len(shape) for shape in shapes)
    for at, shape in enumerate(shapes):
        for place in range(-1, -1 - len(shape), -1):
            if shape[place] != 1 and common[place] not in (1, shape[place]):
                return RuntimeError(
                    f"Attempting to broadcast a dimension of length {shape[place]} at {place}! Mismatching argument at index "
                    f"{at} had {shape}; but expected shape should be broadcastable to {common}"
                )
            common[place] = builtins.max(common[place], shape[place])


def broadcast_tensors(*tensors):
    """The tensors expanded to their common shape."""
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    shape = ()
    for x in tensors:
        mismatch = size_mismatch(shape, x._array.shape)
        if mismatch:
            raise RuntimeError(mismatch)
        shape = np.broadcast_shapes(shape, x._array.shape)
    return tuple(expand(x, shape) for x in tensors)


FUNCTIONS.update(broadcast_shapes=broadcast_shapes, broadcast_tensors=broadcast_tensors)


def repeat(self, *repeats):
    """Copies laid side by side along each dimension."""
    times = shape_from(repeats)
    if len(times) < self._array.ndim:
        raise RuntimeError("Number of dimensions of repeat dims can not be smaller than number of dimensions of tensor")
    return ops.repeat.record((self,), {"times": times})


Tensor.repeat = repeat


def tile(x, *dims):
    """Copies laid side by side; missing dimensions count as 1."""
    times = shape_from(dims)
    return ops.repeat.record((x,), {"times": (1,) * (x._array.ndim - len(times)) + times})


Tensor.tile = tile
FUNCTIONS["tile"] = lambda input, dims: tile(input, dims)


@public
def repeat_interleave(x, repeats=None, dim=None, *, output_size=None):
    """Each element (or slice along `dim`) several times in a row."""
    if repeats is None:
        return wrap(np.repeat(np.arange(x._array.size), x._array))
    if dim is None:
        x, dim = flatten(x), 0
    dim = dim_of(dim, x._array.ndim)
    index = np.repeat(np.arange(x._array.shape[dim]), array(repeats))
    return ops.index_select.record((x, wrap(index)), {"dim": dim})


@public
def flip(x, *dims):
    """The order of the elements turned round along `dims`."""
    return ops.flip.record((x,), {"dim": dims_of(shape_from(dims), x._array.ndim) or ()})


Tensor.flip = lambda self, *dims, **named: flip(self, *(dims or (named["dims"],)))
FUNCTIONS["flip"] = lambda input, dims: flip(input, dims)


@public
def fliplr(x):
    """Left and right exchanged."""
    if x._array.ndim < 2:
        raise RuntimeError("Input must be >= 2-d.")
    return flip(x, 1)


@public
def flipud(x):
    """Up and down exchanged."""
    if x._array.ndim < 1:
        raise RuntimeError("Input must be >= 1-d.")
    return flip(x, 0)


@public
def roll(x, shifts, dims=None):
    """Elements pushed along `dims`; what falls out comes in at the other end."""
    if isinstance(shifts, (tuple, list)) and not len(shifts):
        raise RuntimeError("`shifts` required")
    shifts = tuple(shifts) if isinstance(shifts, (tuple, list)) else (shifts,)
    dims = () if dims is None else tuple(dims) if isinstance(dims, (tuple, list)) else (dims,)
    if not dims and len(shifts) == 1:
        return ops.roll.record((x,), {"shifts": shifts[0], "dim": None})
    if len(shifts) != len(dims):
        raise RuntimeError(f"shifts and dimensions must align. shifts: {len(shifts)}, dims:{len(dims)}")
    return ops.roll.record((x,), {"shifts": shifts, "dim": tuple(dim_of(d, x._array.ndim) for d in dims)})


@public
def rot90(x, k=1, dims=(0, 1)):
    """Turned by k quarter turns in a plane."""
    if x._array.ndim < 2:
        raise RuntimeError(f"expected total dims >= 2, but got total dims = {x._array.ndim}")
    if len(dims) != 2:
        raise RuntimeError(f"expected total rotation dims == 2, but got dims = {len(dims)}")
    if dims[0] == dims[1] or builtins.abs(dims[0] - dims[1]) == x._array.ndim:
        raise RuntimeError(f"expected rotation dims to be different, but got dim0 = {dims[0]} and dim1 = {dims[1]}")
    places = tuple(dim_of(d, x._array.ndim) for d in dims)
    return ops.rot90.record((x,), {"k": k, "dims": places})


@public(in_place=True)
def tril(x, diagonal=0):
    """The lower triangle, zeros above."""
    if x._array.ndim < 2:
        raise RuntimeError("tril: input tensor must have at least 2 dimensions")
    return ops.tril.record((x,), {"diagonal": diagonal})


@public(in_place=True)
def triu(x, diagonal=0):
    """The upper triangle, zeros below."""
    if x._array.ndim < 2:
        raise RuntimeError("triu: input tensor must have at least 2 dimensions")
    return ops.triu.record((x,), {"diagonal": diagonal})


@public
def diagonal(x, offset=0, dim1=0, dim2=1):
    """The diagonal of two dimensions, as a view."""
    ndim = x._array.ndim
    dims = {"dim1": dim_of(dim1, ndim), "dim2": dim_of(dim2, ndim)}
    if dims["dim1"] == dims["dim2"]:
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    return ops.diagonal.record((x,), {"offset": offset, **dims})


def in_shape(name, function):
    """The in-place form of a change of shape: the tensor becomes its own view."""

    def method(self, *args):
        shown = function(self, *args)
        if shown.grad_fn is not None:
            shown.grad_fn.__class__ = IN_SHAPE[type(shown.grad_fn).__name__]
        self._array, self._edge = shown._array, shown._edge
        self._counter[0] += 1
        return self

    setattr(Tensor, name, method)


# PyTorch numbers the in-place forms on.
IN_SHAPE = {
    "SqueezeBackward0": "SqueezeBackward3", "SqueezeBackward1": "SqueezeBackward4", "SqueezeBackward2": "SqueezeBackward5",
    "UnsqueezeBackward0": "UnsqueezeBackward1", "TransposeBackward0": "TransposeBackward1", "TBackward0": "TBackward1",
}  # fmt: skip
IN_SHAPE = {old: ops.squeeze.called(new).node_type for old, new in IN_SHAPE.items()}
for _name, _function in {"t_": t, "squeeze_": squeeze, "unsqueeze_": unsqueeze, "transpose_": transpose}.items():
    in_shape(_name, _function)


@public
def diag_embed(x, offset=0, dim1=-2, dim2=-1):
    """A matrix with the last dimension on its diagonal."""
    ndim = x._array.ndim + 1
    n = x._array.shape[-1] + builtins.abs(offset)
    if dim_of(dim1, ndim) == dim_of(dim2, ndim):
        raise RuntimeError(f"diagonal dimensions cannot be identical {dim1}, {dim2}")
    dim1, dim2 = dim_of(dim1, ndim), dim_of(dim2, ndim)
    shape = list(x._array.shape[:-1])
    for d in builtins.sorted((dim1, dim2)):
        shape.insert(d, n)
    return ops.diag_embed.record((x,), {"shape": tuple(shape), "offset": offset, "dim1": dim1, "dim2": dim2})


@public
def diag(x, diagonal=0):
    """The diagonal of a matrix, or the matrix with that diagonal."""
    if x._array.ndim == 2:
        return ops.diag.record((x,), {"offset": diagonal})
    if x._array.ndim != 1:
        raise RuntimeError("diag(): Supports 1D or 2D tensors. Got " + f"{x._array.ndim}D")
    return diag_embed(x, diagonal)


@public
def diagflat(x, offset=0):
    """A matrix with all elements on its diagonal."""
    return diag_embed(flatten(x), offset)


def unfold(self, dimension, size, step):
    """All windows of that size along a dimension, as a view with one dimension more."""
    dim = dim_of(dimension, self._array.ndim)
    longest = self._array.shape[dim] if self._array.ndim else 1
    if size < 0:
        raise RuntimeError(f"size is {size} but must be >= 0")
    if size > longest:
        raise RuntimeError(f"maximum size for tensor at dimension {dim} is {longest} but size is {size}")
    if step <= 0:
        raise RuntimeError(f"step is {step} but must be > 0")
    return ops.unfold.record((self,), {"dim": dim, "size": size, "step": step})


Tensor.unfold = unfold


@public(names=("cat", "concat", "concatenate"), method=False)
def cat(tensors, dim=0):
    """Tensors joined along a dimension."""
    tensors = listed(tensors, "cat")
    if not tensors:
        raise ValueError("torch.cat(): expected a non-empty list of Tensors")
    for i, x in enumerate(tensors):
        if not x._array.ndim:
            raise RuntimeError(f"zero-dimensional tensor (at position {i}) cannot be concatenated")
    full = [x for x in tensors if x._array.shape != (0,)] or tensors
    dim = dim_of(dim, full[0]._array.ndim)
    for i, x in enumerate(tensors):
        a, b = full[0]._array.shape, x._array.shape
        if b == (0,):
            continue
        if len(a) != len(b):
            raise RuntimeError(f"Tensors must have same number of dimensions: got {len(a)} and {len(b)}")
        for d in range(len(a)):
            if d != dim and a[d] != b[d]:
                raise RuntimeError(
                    f"Sizes of tensors must match except in dimension {dim}. Expected size {a[d]} but got size {b[d]} for tensor "
                    f"number {i} in the list."
                )
    return ops.cat.record(tuple(tensors), {"dim": dim})


@public(method=False)
def stack(tensors, dim=0):
    """Tensors of one shape laid side by side along a new dimension."""
    tensors = listed(tensors, "stack")
    if not tensors:
        raise RuntimeError("stack expects a non-empty TensorList")
    first = tensors[0]._array.shape
    for i, x in enumerate(tensors):
        if x._array.shape != first:
            raise RuntimeError(
                f"stack expects each tensor to be equal size, but got {list(first)} at entry 0 and {list(x._array.shape)} at "
                f"entry {i}"
            )
    return ops.stack.record(tuple(tensors), {"dim": dim_of(dim, len(first) + 1)})


def listed(tensors, name):
    """A list of tensors, if that is what was given; else PyTorch's complaint."""
    if not isinstance(tensors, (list, tuple)):
        raise TypeError(
            f"{name}(): argument 'tensors' (position 1) must be tuple of Tensors, not {builtins.type(tensors).__name__}"
        )
    for i, x in enumerate(tensors):
        if not isinstance(x, Variable):
            raise TypeError(f"expected Tensor as element {i} in argument 0, but got {builtins.type(x).__name__}")
    return list(tensors)


def at_least(n):
    def function(*tensors):
        many = len(tensors) > 1 or isinstance(tensors[0], (tuple, list))
        tensors = tensors[0] if isinstance(tensors[0], (tuple, list)) else tensors
        result = tuple(grown(x, n) for x in tensors)
        return result if many else result[0]

    return function


def need_some(tensors, name):
    if not len(tensors):
        raise RuntimeError(f"{name} expects a non-empty TensorList")
    return True


def grown(x, n):
    if x._array.ndim >= n:
        return x
    shape = {1: (1,), 2: (1, -1)}.get(n, (1, -1, 1) if x._array.ndim < 2 else (*x._array.shape, 1))
    return (
        reshape(x, shape)
        if x._array.size
        else reshape(x, tuple(builtins.max(s, 0) if s != -1 else x._array.size for s in shape))
    )


atleast_1d, atleast_2d, atleast_3d = at_least(1), at_least(2), at_least(3)
FUNCTIONS.update(
    atleast_1d=atleast_1d, atleast_2d=atleast_2d, atleast_3d=atleast_3d,
    hstack=lambda tensors: need_some(listed(tensors, "hstack"), "hstack") and (lambda ts: cat(ts, 0 if ts[0]._array.ndim == 1 else 1))(atleast_1d(list(tensors))),
    vstack=lambda tensors: need_some(listed(tensors, "vstack"), "vstack") and cat(atleast_2d(list(tensors)), 0),
    row_stack=lambda tensors: cat(atleast_2d(list(tensors)), 0),
    dstack=lambda tensors: need_some(tensors, "dstack") and cat(atleast_3d(list(tensors)), 2),
    column_stack=lambda tensors: cat([x if x._array.ndim > 1 else reshape(x, -1, 1) for x in tensors], 1),
)  # fmt: skip


@public
def split(x, split_size_or_sections, dim=0):
    """Consecutive pieces of a length, or of several lengths."""
    dim = dim_of(dim, x._array.ndim)
    n = x._array.shape[dim]
    if isinstance(split_size_or_sections, int):
        size = split_size_or_sections
        if size < 0:
            raise RuntimeError(f"split expects split_size be non-negative, but got split_size={size}")
        if size == 0 and n:
            raise RuntimeError(f"split_size can only be 0 if dimension size is 0, but got dimension size of {n}")
        sizes = tuple(builtins.min(size, n - start) for start in range(0, n, size or 1)) or (0,)
        return tuple(ops.split.record((x,), {"sizes": sizes, "dim": dim}))
    sizes = tuple(split_size_or_sections)
    if builtins.sum(sizes) != n:
        raise RuntimeError(
            f"split_with_sizes expects split_sizes to sum exactly to {n} (input tensor's size at dimension {dim}), but got "
            f"split_sizes={list(sizes)}"
        )
    return tuple(ops.split_sizes.record((x,), {"sizes": sizes, "dim": dim}))


Tensor.split_with_sizes = FUNCTIONS["split_with_sizes"] = split


@public
def chunk(x, chunks, dim=0):
    """About equal pieces, `chunks` at most."""
    if chunks <= 0:
        raise RuntimeError(f"chunk expects `chunks` to be greater than 0, got: {chunks}")
    n = x._array.shape[dim_of(dim, x._array.ndim)]
    size = -(-n // chunks)
    return split(x, size, dim) if n else tuple(split(x, [0] * chunks, dim))


@public
def tensor_split(x, indices_or_sections, dim=0):
    """Pieces between given places, or that many pieces."""
    dim = dim_of(dim, x._array.ndim)
    n = x._array.shape[dim]
    places = indices_or_sections.tolist() if isinstance(indices_or_sections, Variable) else indices_or_sections
    if isinstance(places, int):
        sizes = [n // places + (i < n % places) for i in range(places)]
        ends = np.cumsum(sizes).tolist()
    else:
        ends = [*places, n]
    starts = [0, *ends[:-1]]
    return tuple(x[kernels.at(dim, slice(a, b))[:-1]] for a, b in zip(starts, ends, strict=True))


def split_along(name, dim_of_rank):
    least = "hvd".index(name[0]) + 1

    def function(x, indices_or_sections):
        ndim, sections = x._array.ndim, indices_or_sections
        if ndim < least:
            raise RuntimeError(
                f"torch.{name} requires a tensor with at least {least} dimension, but got a tensor with {ndim} dimensions!"
            )
        dim = dim_of_rank(ndim)
        if isinstance(sections, int) and (not sections or x._array.shape[dim] % sections):
            raise RuntimeError(
                f"torch.{name} attempted to split along dimension {dim}, but the size of the dimension {x._array.shape[dim]} is not "
                f"divisible by the split_size {sections}!"
            )
        return tensor_split(x, indices_or_sections, dim_of_rank(x._array.ndim))

    function.__name__, function.__doc__ = name, "Pieces along one direction."
    return public(function)


hsplit = split_along("hsplit", lambda ndim: 0 if ndim == 1 else 1)
vsplit = split_along("vsplit", lambda ndim: 0)
dsplit = split_along("dsplit", lambda ndim: 2)


@public
def unbind(x, dim=0):
    """The slices along a dimension, as a tuple of views."""
    if not x._array.ndim:
        raise IndexError("Dimension specified as 0 but tensor has no dimensions")
    return tuple(ops.unbind.record((x,), {"dim": dim_of(dim, x._array.ndim)}))


@public
def narrow(x, dim, start, length):
    """The stretch of that length along a dimension, as a view."""
    if not x._array.ndim:
        raise RuntimeError("narrow() cannot be applied to a 0-dim tensor.")
    if length < 0:
        raise RuntimeError("narrow(): length must be non-negative.")
    if isinstance(start, Variable) and (start._array.ndim or is_float(start)):
        raise RuntimeError("start must be an 0-dim integral Tensor.")
    dim = dim_of(dim, x._array.ndim)
    n = x._array.shape[dim]
    start = int(start)
    if not -n <= start <= n:
        raise IndexError(f"start out of range (expected to be in range of [{-n}, {n}], but got {start})")
    start = start + n if start < 0 else start
    if start + length > n:
        raise RuntimeError(f"start ({start}) + length ({length}) exceeds dimension size ({n}).")
    return ops.slicing.record((x,), {"dim": dim, "part": slice(start, start + length, 1)})


@public
def select(x, dim, index):
    """The slice at one place along a dimension, as a view."""
    if not x._array.ndim:
        raise IndexError("select() cannot be applied to a 0-dim tensor.")
    dim = dim_of(dim, x._array.ndim)
    n = x._array.shape[dim]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(x._array.shape)} at dimension {dim}"
        )
    return ops.select.record((x,), {"dim": dim, "index": int(index) % n})


MESHGRID = (
    f"torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument. {SHAPES_CPP}4215.)"
)


def meshgrid(*tensors, indexing=None):
    """Coordinates of a grid: one tensor per axis."""
    tensors = tensors[0] if len(tensors) == 1 and isinstance(tensors[0], (tuple, list)) else tensors
    if not tensors:
        raise RuntimeError("meshgrid expects a non-empty TensorList")
    if indexing is None:
        warn_once(MESHGRID)
    elif indexing not in ("ij", "xy"):
        raise RuntimeError(f'torch.meshgrid: indexing must be one of "xy" or "ij", but received: {indexing}')
    if builtins.any(x._array.ndim > 1 for x in tensors):
        raise RuntimeError("torch.meshgrid: Expected 0D or 1D tensor in the tensor list")
    places = list(range(len(tensors)))
    if indexing == "xy" and len(tensors) > 1:
        places[:2] = 1, 0
    lengths = dict(zip(places, (x._array.size for x in tensors), strict=True))
    shape = tuple(lengths[i] for i in range(len(tensors)))
    return tuple(
        expand(view(x, tuple(-1 if i == place else 1 for i in range(len(tensors)))), shape)
        for place, x in zip(places, tensors, strict=True)
    )


def cartesian_prod(*tensors):
    """All combinations of elements, as rows."""
    if len(tensors) == 1:
        return tensors[0]
    return stack([flatten(g) for g in meshgrid(*tensors, indexing="ij")], 1)


def block_diag(*tensors):
    """A matrix with the given ones along its diagonal."""
    return ops.block_diag.record(tensors, {})


FUNCTIONS.update(meshgrid=meshgrid, cartesian_prod=cartesian_prod, block_diag=block_diag)


# ---- picking and placing ---------------------------------------------------------------------------------------------


def need_index(index, words, error=RuntimeError):
    """An index holds whole numbers; {} in the words stands for its type."""
    if index.dtype not in (dtypes.int64, dtypes.int32) and index._array.size:
        raise error(words.format(index.dtype.letter))


@public
def nonzero(x, *, as_tuple=False):
    """The positions of what is not zero: a row each, or one tensor per dimension."""
    if as_tuple:
        return tuple(wrap(p) for p in np.nonzero(np.atleast_1d(x._array)))
    return wrap(np.argwhere(x._array))


@public
def argwhere(x):
    """The positions of what is not zero, a row each."""
    return wrap(np.argwhere(x._array))


@public
def gather(x, dim, index, *, sparse_grad=False):
    """result[i, j] = x[index[i, j], j] for dim 0."""
    need_index(index, "gather(): Expected dtype int32/int64 for index")
    dim = dim_of(dim, x._array.ndim)
    need_rank_of(index, x, "input")
    for d, n in enumerate(index._array.shape if index._array.size and x._array.ndim else ()):
        if d != dim and n > x._array.shape[d]:
            raise RuntimeError(
                f"Size does not match at dimension {d} expected index {list(index._array.shape)} to be no larger than self "
                f"{list(x._array.shape)} apart from dimension {dim}"
            )
    in_range(index._array, x._array.shape[dim] if x._array.ndim else 1, dim)
    return ops.gather.record((x, index), {"dim": dim})


def need_rank_of(index, x, word, name=None):
    """An index has as many dimensions as what it is used on; numbers count as vectors."""
    if index._array.size and builtins.max(index._array.ndim, 1) != builtins.max(x._array.ndim, 1):
        raise RuntimeError(f"Index tensor must have the same number of dimensions as {word} tensor")


def need_fit(x, dim, index, src, name):
    """What scattering asks for: one type, one rank, and an index that nowhere reaches beyond x or src."""
    if not index._array.size:
        return
    need_rank_of(index, x, "self")
    if isinstance(src, Variable):
        need_rank_of(index, src, "src")
        if x.dtype is not src.dtype:
            raise RuntimeError(f"{name}(): Expected self.dtype to be equal to src.dtype")
    i, a = index._array.shape, x._array.shape
    b = src._array.shape if isinstance(src, Variable) else i
    if builtins.any(d != dim and n > a[d] for d, n in enumerate(i)) or builtins.any(
        n > m for n, m in zip(i, b, strict=False)
    ):
        besides = f" and to be no larger size than src {list(b)}" if isinstance(src, Variable) else ""
        raise RuntimeError(
            f"Expected index {list(i)} to be no larger than self {list(a)} apart from dimension {dim}{besides}"
        )


def in_range(index, n, dim):
    wrong = index[(index < 0) | (index >= n)]
    if wrong.size:
        raise RuntimeError(f"index {wrong[0]} is out of bounds for dimension {dim} with size {n}")


@public
def take_along_dim(x, indices, dim=None):
    """`gather` with broadcasting; without dim, of all elements."""
    need_index(indices, "torch.take_along_dim(): dtype of indices should be Long but got {}")
    if dim is None:
        return gather(flatten(x), 0, flatten(indices))
    dim = dim_of(dim, x._array.ndim)
    common = [builtins.max(a, b) for a, b in zip(x._array.shape, indices._array.shape, strict=True)]
    wide = [n if i == dim else c for i, (n, c) in enumerate(zip(x._array.shape, common, strict=True))]
    index = [n if i == dim else c for i, (n, c) in enumerate(zip(indices._array.shape, common, strict=True))]
    n = x._array.shape[dim]
    return gather(
        expand(x, wide), dim, expand(wrap(np.where(indices._array < 0, indices._array + n, indices._array)), index)
    )


@public
def take(x, index):
    """The elements at those positions of the flattened tensor."""
    if index.dtype is not dtypes.int64:
        raise RuntimeError(f"take(): Expected a long tensor for index, but got {index.dtype.letter}")
    n = x._array.size
    wrong = index._array[(index._array < -n) | (index._array >= n)]
    if wrong.size:
        if not n:
            raise IndexError("take(): tried to take from an empty tensor")
        raise IndexError(f"out of range: tried to access index {wrong[0]} on a tensor of {n} elements.")
    return ops.take.record((x,), {"index": index._array})


@public(in_place=True)
def put(x, index, source, accumulate=False):
    """x with `source` written (or added) at those positions of its flattened elements."""
    need_index(index, "put_(): Expected a long tensor for index, but got {}")
    if x.dtype is not source.dtype:
        raise RuntimeError(
            f"put_(): self and source expected to have the same dtype, but got self.dtype = {x.dtype.letter} and source.dtype = "
            f"{source.dtype.letter}"
        )
    if source._array.size != index._array.size:
        raise IndexError(
            "put_(): Expected source and index to have the same number of elements, but got source.numel() = "
            f"{source._array.size}, index.numel() = {index._array.size}"
        )
    wrong = out_of(index._array, x._array.size)
    if wrong is not None:
        raise IndexError(f"out of range: tried to access index {wrong} on a tensor of {x._array.size} elements.")
    return ops.put_flat.record((x, source), {"index": index._array, "accumulate": accumulate})


@public
def index_select(x, dim, index):
    """The slices at those positions along a dimension."""
    if index._array.ndim > 1:
        raise IndexError("index_select(): Index is supposed to be a vector")
    need_index(index, "index_select(): Expected dtype int32 or int64 for index")
    dim = dim_of(dim, x._array.ndim)
    n = x._array.shape[dim] if x._array.ndim else 1
    if ((index._array < 0) | (index._array >= n)).any():
        raise IndexError("index out of range in self")
    return ops.index_select.record((x, index), {"dim": dim})


@public
def masked_select(x, mask):
    """The elements where the mask holds, in one dimension."""
    if mask.dtype is not dtypes.bool:
        raise RuntimeError("masked_select: expected BoolTensor for mask")
    if mask._array.shape != x._array.shape or not x._array.ndim:
        x, mask = broadcast_tensors(atleast_1d(x), atleast_1d(mask))
    return ops.masked_select.record((x, mask), {})


@public(in_place=True)
def masked_fill(x, mask, value):
    """The value where the mask holds, else x."""
    if mask.dtype is not dtypes.bool:
        raise RuntimeError(
            f"masked_fill_ only supports boolean masks, but got mask with dtype {mask.dtype.letter.lower()}"
        )
    if isinstance(value, Variable) and value._array.ndim:
        raise RuntimeError(
            f"masked_fill_ only supports a 0-dimensional value tensor, but got tensor with {value._array.ndim} dimension(s)."
        )
    if isinstance(value, Variable):
        return ops.masked_fill_by.record((x, mask, value), {})
    return ops.masked_fill.record((x, mask), {"value": value})


@public(in_place=True)
def masked_scatter(x, mask, source):
    """The elements of `source`, in order, where the mask holds."""
    if x.dtype is not source.dtype:
        raise RuntimeError(
            f"masked_scatter: expected self and source to have same dtypes but got {x.dtype.letter} and {source.dtype.letter}"
        )
    if mask.dtype is not dtypes.bool:
        raise RuntimeError(f"masked_scatter_ only supports boolean masks, but got mask with dtype {mask.dtype.letter}")
    if mask._array.shape != x._array.shape:
        x, mask = broadcast_tensors(x, mask)
    if mask._array.sum() > source._array.size:
        raise RuntimeError("Number of elements of source < number of ones in mask")
    return ops.masked_scatter.record((x, source), {"mask": mask._array})


@public(in_place=True)
def index_put(x, indices, values, accumulate=False):
    """x with values written (or added) at x[indices]."""
    if builtins.any(i is not None and is_float(i) for i in indices):
        raise IndexError("tensors used as indices must be long, int, byte or bool tensors")
    key = tuple(slice(None) if i is None else i._array for i in indices)
    if len(key) > x._array.ndim:
        raise IndexError(f"too many indices for tensor of dimension {x._array.ndim} (got {len(key)})")
    return ops.put.record((x, indexing.fitting(values, x, key), key), {"accumulate": accumulate})


def without(shape, dim):
    """A shape without one of its lengths."""
    return shape[:dim] + shape[dim + 1 :]


def out_of(index, n):
    """The first of some positions that does not lie in a dimension of length n, or None."""
    wrong = index[(index < -n) | (index >= n)]
    return int(wrong.flat[0]) if wrong.size else None


@public(in_place=True)
def index_add(x, dim, index, source, *, alpha=1):
    """x with slices of `source` added at those positions along a dimension."""
    need_index(index, "index_add_(): Expected dtype int32/int64 for index but got: {}")
    dim, mine, theirs = dim_of(dim, x._array.ndim), x._array.shape, source._array.shape
    if index._array.ndim > 1:
        raise IndexError(
            f"index_add_(): Index is supposed to be a vector, but got dim: {index._array.ndim} with type: {index.dtype.letter} "
            f"and size: {list(index._array.shape)}"
        )
    if x.dtype is not source.dtype:
        raise RuntimeError(
            f"index_add_(): self ({x.dtype.letter}) and source ({source.dtype.letter}) must have the same scalar type"
        )
    if dim and dim >= len(theirs):
        raise RuntimeError(
            f"index_add_(): Indexing dim {dim} is out of bounds of the source tensor with dim {len(theirs)}"
        )
    if index._array.size != (theirs[dim] if theirs else 1):
        if not theirs:
            raise IndexError("Dimension specified as 0 but tensor has no dimensions")
        raise RuntimeError(
            f"index_add_(): Number of indices ({index._array.size}) should be equal to source.size(dim): ({theirs[dim]}), for "
            f"dim: {dim}"
        )
    if mine != theirs and (len(mine) != len(theirs) or without(mine, dim) != without(theirs, dim)):
        raise RuntimeError(
            "source tensor shape must match self tensor shape, excluding the specified dimension. Got self.shape = "
            f"{list(mine)} source.shape = {list(theirs)}"
        )
    wrong = out_of(index._array, mine[dim] if mine else 1)
    if wrong is not None:
        if len(mine) < 2:
            raise IndexError("index out of range in self")
        raise RuntimeError(f"index {wrong} is out of bounds for dimension {dim} with size {mine[dim]}")
    key = kernels.at(dim, index._array.reshape(-1))
    if not is_float(x):
        alpha = dtypes.number_in(alpha, x._array.dtype)
    return ops.index_add.record((x, source), {"key": key if x._array.ndim else (), "alpha": alpha})


@public(in_place=True)
def index_copy(x, dim, index, source):
    """x with slices of `source` written at those positions along a dimension."""
    dim, mine, theirs = dim_of(dim, x._array.ndim), x._array.shape, source._array.shape
    if index._array.ndim > 1:
        raise IndexError(f"index_copy_(): Index should have dimension 1 or 0 (got {index._array.ndim})")
    if not theirs and index._array.size != 1:
        raise IndexError(
            f"index_copy_(): When source is scalar, index should have one element (got {index._array.size})"
        )
    if mine and theirs and len(mine) != len(theirs):
        raise IndexError(
            "index_copy_(): When source and destination are not scalars, their dimensionality must match. Source dimensionality "
            f"({len(theirs)}), destination dimensionality ({len(mine)})"
        )
    need_index(index, "index_copy_(): Expected a long tensor for index, but got {}")
    if x.dtype is not source.dtype:
        raise RuntimeError(
            f"index_copy_(): self and source expected to have the same dtype, but got (self) {x.dtype.letter} and (source) "
            f"{source.dtype.letter}"
        )
    if without(mine, dim) != without(theirs, dim):
        slices = (" ".join(map(str, without(shape, dim))) for shape in (mine, theirs))
        raise RuntimeError(
            "index_copy_(): Source/destination tensor must have same slice shapes. Destination slice shape: "
            f"{next(slices)} at dimension {dim} and source slice shape: {next(slices)} at dimension 0."
        )
    if theirs and index._array.size != theirs[dim]:
        raise IndexError(
            f"index_copy_(): Number of indices ({index._array.size}) should be equal to source.size(dim) ({theirs[dim]})"
        )
    n = mine[dim] if mine else 1
    wrong = out_of(index._array, n)
    if wrong is not None:
        raise IndexError(f"index_copy_(): index {wrong} is out of bounds for dimension {dim} with size {n}")
    key = kernels.at(dim, index._array.reshape(-1))
    return ops.put.called("IndexCopy").record((x, source, key if x._array.ndim else ()), {})


@public(in_place=True)
def index_fill(x, dim, index, value):
    """x with one number written at those positions along a dimension."""
    need_index(index, "index_fill_(): Expected dtype int64 for index.", IndexError)
    key = kernels.at(dim_of(dim, x._array.ndim), np.unique(index._array))
    key = key if x._array.ndim else ()
    if isinstance(value, Variable):
        if value._array.ndim:
            raise RuntimeError(
                f"index_fill_ only supports a 0-dimensional value tensor, but got tensor with {value._array.ndim} dimension(s)."
            )
        return ops.put.called("IndexFillBackward1").record((x, value, key), {})
    return ops.index_fill.record((x,), {"key": key, "value": dtypes.number_in(value, x._array.dtype)})


@public(in_place=True)
def scatter(x, dim, index, src=None, *, value=None, reduce=None):
    """x with src[i, j] written at x[index[i, j], j] for dim 0; reduce="add" adds instead."""
    need_index(index, "scatter(): Expected dtype int32/int64 for index")
    src = value if src is None else src
    dim = dim_of(dim, x._array.ndim)
    need_fit(x, dim, index, src, "scatter")
    in_range(index._array, x._array.shape[dim] if x._array.ndim else 1, dim)
    if reduce is not None:
        if reduce not in ("add", "multiply"):
            raise RuntimeError("reduce argument must be either add or multiply.")
        if not isinstance(src, Variable):
            src = wrap(np.full(index._array.shape, dtypes.number_in(src, x._array.dtype)))
        return scatter_add(x, dim, index, src) if reduce == "add" else scatter_reduce(x, dim, index, src, "prod")
    if not isinstance(src, Variable):
        if not index._array.size:
            src = wrap(np.zeros(index._array.shape, x._array.dtype))
        else:
            return ops.scatter_number.record((x, index), {"dim": dim, "value": dtypes.number_in(src, x._array.dtype)})
    return ops.scatter.record((x, index, src), {"dim": dim})


@public(in_place=True)
def scatter_reduce(x, dim, index, src, reduce, *, include_self=True):
    """x with src[i, j] reduced into x[index[i, j], j] for dim 0: "sum", "prod", "mean", "amax" or "amin"."""
    if reduce not in ("sum", "prod", "mean", "amax", "amin"):
        raise RuntimeError(f"reduce argument must be either sum, prod, mean, amax or amin, got {reduce}")
    dim = dim_of(dim, x._array.ndim)
    in_range(index._array, x._array.shape[dim] if x._array.ndim else 1, dim)
    options = {"dim": dim, "reduce": reduce, "include_self": include_self}
    return ops.scatter_reduce.record((x, index, src), options)


@public(in_place=True)
def index_reduce(x, dim, index, source, reduce, *, include_self=True):
    """x with slices of `source` reduced into those positions along a dimension: "prod", "mean", "amax" or "amin"."""
    if reduce not in ("prod", "mean", "amax", "amin"):
        raise RuntimeError(f"index_reduce(): Expected reduce to be one of prod, mean, amax or amin but got {reduce}.")
    dim = dim_of(dim, x._array.ndim)
    shape = [-1 if i == dim else 1 for i in range(x._array.ndim)]
    wide = (
        np.broadcast_to(index._array.reshape(shape or ()), source._array.shape) if source._array.size else index._array
    )
    options = {"dim": dim, "reduce": reduce, "include_self": include_self}
    return ops.scatter_reduce.called("IndexReduce").record((x, wrap(wide.copy()), source), options)


@public
def select_scatter(x, src, dim, index):
    """x with `src` in the place of one slice."""
    dim = dim_of(dim, x._array.ndim)
    n = x._array.shape[dim]
    if not -n <= index < n:
        raise IndexError(
            f"select(): index {index} out of range for tensor of size {list(x._array.shape)} at dimension {dim}"
        )
    need_shape_of(src, np.delete(x._array.shape, dim), "select_scatter")
    return ops.select_scatter.record((x, src), {"key": kernels.at(dim, index % n)})


@public
def slice_scatter(x, src, dim=0, start=None, end=None, step=1):
    """x with `src` in the place of a slice."""
    dim = dim_of(dim, x._array.ndim)
    key = kernels.at(dim, slice(start, end, step))
    need_shape_of(src, x._array[key].shape, "slice_scatter")
    return ops.slice_scatter.record((x, src), {"key": key})


@public
def diagonal_scatter(x, src, offset=0, dim1=0, dim2=1):
    """x with `src` on a diagonal."""
    dim1, dim2 = dim_of(dim1, x._array.ndim), dim_of(dim2, x._array.ndim)
    need_shape_of(src, x._array.diagonal(offset, dim1, dim2).shape, "diagonal_scatter")
    return ops.diagonal_scatter.record((x, src), {"offset": offset, "dim1": dim1, "dim2": dim2})


def need_shape_of(src, shape, name):
    if src._array.shape != tuple(shape):
        raise RuntimeError(
            "expected src to have a size equal to the slice of self. src size = "
            f"{list(src._array.shape)}, slice size = {[int(n) for n in shape]}"
        )


@public(in_place=True)
def scatter_add(x, dim, index, src):
    """x with src[i, j] added at x[index[i, j], j] for dim 0."""
    need_index(index, "scatter(): Expected dtype int32/int64 for index")
    dim = dim_of(dim, x._array.ndim)
    need_fit(x, dim, index, src, "scatter")
    in_range(index._array, x._array.shape[dim] if x._array.ndim else 1, dim)
    return ops.scatter_add.record((x, index, src), {"dim": dim})


@public
def isin(elements, test_elements, *, assume_unique=False, invert=False):
    """Where an element is one of `test_elements`."""
    return wrap(np.asarray(np.isin(array(elements), array(test_elements), invert=invert)))


# ---- matrices --------------------------------------------------------------------------------------------------------

C = {"Float": "float", "Double": "double", "Half": "c10::Half", "Long": "long", "Int": "int"}


def same_type(a, b):
    if a._array.dtype is not b._array.dtype:
        kinds = [C.get(x.dtype.letter, x.dtype.letter) for x in (a, b)]
        raise RuntimeError(f"expected m1 and m2 to have the same dtype, but got: {kinds[0]} != {kinds[1]}")


def need_numbers(x, kernel):
    if x._array.dtype.kind == "b" and x._array.size:
        raise NotImplementedError(f"\"{kernel}\" not implemented for 'Bool'")


@public
def mm(x, mat2):
    """The product of two matrices."""
    if x._array.ndim != 2:
        raise RuntimeError("self must be a matrix")
    if mat2._array.ndim != 2:
        raise RuntimeError("mat2 must be a matrix")
    (n, k), (k2, m) = x._array.shape, mat2._array.shape
    if k != k2:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{k} and {k2}x{m})")
    same_type(x, mat2)
    need_numbers(x, "addmm_impl_cpu_")
    return ops.mm.record((x, mat2), {})


@public
def mv(x, vec):
    """The product of a matrix and a vector."""
    if x._array.ndim != 2 or vec._array.ndim != 1:
        raise RuntimeError(f"vector + matrix @ vector expected, got 1, {x._array.ndim}, {vec._array.ndim}")
    n, k = x._array.shape
    if k != vec._array.shape[0]:
        raise RuntimeError(f"size mismatch, got input ({n}), mat ({n}x{k}), vec ({vec._array.shape[0]})")
    if x._array.dtype is not vec._array.dtype:
        a, b = x.dtype.letter, vec.dtype.letter
        raise RuntimeError(f"addmv input tensors must have the same dtype, but got {b}, {a}, and {b}")
    need_numbers(x, "addmv_impl_cpu")
    return ops.mv.record((x, vec), {})


@public
def dot(x, other, op=ops.dot):
    """The product of two vectors, a number."""
    if x._array.ndim != 1 or other._array.ndim != 1:
        raise RuntimeError(f"1D tensors expected, but got {x._array.ndim}D and {other._array.ndim}D tensors")
    if x._array.dtype is not other._array.dtype:
        raise RuntimeError(
            f"dot : expected both vectors to have same dtype, but found {x.dtype.letter} and {other.dtype.letter}"
        )
    n, m = x._array.size, other._array.size
    if n != m:
        raise RuntimeError(
            f"inconsistent tensor size, expected tensor [{n}] and src [{m}] to have the same number of elements, but got {n} and "
            f"{m} elements respectively"
        )
    need_numbers(x, "dot")
    return op.record((x, other), {})


@public
def vdot(x, other):
    """The product of two vectors, a number."""
    return dot(x, other, op=ops.vdot)


@public
def bmm(x, mat2):
    """Products of matrices, pair by pair along the first dimension."""
    a, b = x._array.shape, mat2._array.shape
    if len(a) != 3:
        raise RuntimeError("batch1 must be a 3D tensor")
    if len(b) != 3:
        raise RuntimeError("batch2 must be a 3D tensor")
    if a[0] != b[0] or a[2] != b[1]:
        raise RuntimeError(
            f"Expected size for first two dimensions of batch2 tensor to be: [{a[0]}, {a[2]}] but got: [{b[0]}, {b[1]}]."
        )
    return ops.bmm.record((x, mat2), {})


@public
def matmul(x, other):
    """The product by the ranks: vectors, matrices, or stacks of matrices that broadcast."""
    a, b = x._array.ndim, other._array.ndim
    if a == 0 or b == 0:
        raise RuntimeError(f"both arguments to matmul need to be at least 1D, but they are {a}D and {b}D")
    if a == 1 and b == 1:
        return dot(x, other)
    if a == 2 and b == 2:
        return mm(x, other)
    if a == 2 and b == 1:
        return mv(x, other)
    if a == 1 and b == 2:
        return ops.squeeze.called("SqueezeBackward4").record((mm(unsqueeze(x, 0), other),), {"dim": (0,)})
    return batched(x, other)


def batched(x, other):
    """Stacks of matrices, brought to the three dimensions of `bmm`; a vector counts as a matrix of one row or column."""
    left, right = x, other
    if x._array.ndim == 1:
        left = unsqueeze(x, 0)
    if other._array.ndim == 1:
        right = unsqueeze(other, 1)
    (*batch_a, n, k), (*batch_b, k2, m) = left._array.shape, right._array.shape
    if right._array.ndim == 2 and left._array.ndim > 2:
        folded = reshape(left, (math.prod(batch_a) * n, k))
        product = mv(folded, other) if other._array.ndim == 1 else mm(folded, right)
        batch = tuple(batch_a)
    else:
        mismatch = size_mismatch(tuple(batch_a), tuple(batch_b))
        if mismatch:
            raise RuntimeError(mismatch)
        batch = tuple(np.broadcast_shapes(tuple(batch_a), tuple(batch_b)))
        if k != k2:
            raise RuntimeError(
                f"Expected size for first two dimensions of batch2 tensor to be: [{math.prod(batch)}, {k}] but got: "
                f"[{math.prod(batch)}, {k2}]."
            )
        same_type(x, other)
        product = bmm(
            reshape(expand(left, (*batch, n, k)), (math.prod(batch), n, k)),
            reshape(expand(right, (*batch, k, m)), (math.prod(batch), k, m)),
        )
    rows = () if x._array.ndim == 1 else (n,)
    columns = () if other._array.ndim == 1 else (m,)
    return ops.reshape.record((product,), {"shape": (*batch, *rows, *columns)})


@public(names=("outer", "ger"))
def outer(x, vec2):
    """All products of two vectors' elements."""
    for name, vector in (("self", x), ("vec2", vec2)):
        if vector._array.ndim != 1:
            raise RuntimeError(f"outer: Expected 1-D argument {name}, but got {vector._array.ndim}-D")
    return unsqueeze(x, 1) * vec2


@public
def inner(x, other):
    """Sums of products along the last dimensions."""
    if not x._array.ndim or not other._array.ndim:
        return x * other
    if x._array.dtype != other._array.dtype:
        raise RuntimeError("both inputs should have same dtype")
    if x._array.ndim == other._array.ndim == 1:
        need_numbers(x, "dot")
    return tensordot(x, other, dims=([-1], [-1]))


@public(in_place=True)
def addmm(x, mat1, mat2, *, beta=1, alpha=1):
    """beta * x + alpha * (mat1 @ mat2)."""
    if mat1._array.dtype is not mat2._array.dtype:
        raise RuntimeError(
            f"mat1 and mat2 must have the same dtype, but got {mat1.dtype.letter} and {mat2.dtype.letter}"
        )
    (n, k), (k2, m) = mat1._array.shape, mat2._array.shape
    if k != k2:
        raise RuntimeError(f"mat1 and mat2 shapes cannot be multiplied ({n}x{k} and {k2}x{m})")
    if x._array.dtype is not mat1._array.dtype:
        raise RuntimeError(f"self and mat2 must have the same dtype, but got {x.dtype.letter} and {mat1.dtype.letter}")
    if x._array.shape != (n, m):
        expand(x, n, m)  # complains if it does not fit
    return ops.addmm.record((x, mat1, mat2), {"beta": beta, "alpha": alpha})


@public(in_place=True)
def addmv(x, mat, vec, *, beta=1, alpha=1):
    """beta * x + alpha * (mat @ vec)."""
    return ops.addmv.record((x, mat, vec), {"beta": beta, "alpha": alpha})


@public(in_place=True)
def addr(x, vec1, vec2, *, beta=1, alpha=1):
    """beta * x + alpha * outer(vec1, vec2)."""
    return ops.addr.record((x, vec1, vec2), {"beta": beta, "alpha": alpha})


@public(in_place=True)
def baddbmm(x, batch1, batch2, *, beta=1, alpha=1):
    """beta * x + alpha * bmm(batch1, batch2)."""
    return ops.baddbmm.record((x, batch1, batch2), {"beta": beta, "alpha": alpha})


@public(in_place=True)
def addbmm(x, batch1, batch2, *, beta=1, alpha=1):
    """beta * x + alpha * the sum of bmm(batch1, batch2) over the batch."""
    return ops.addbmm.record((x, batch1, batch2), {"beta": beta, "alpha": alpha})


def chain_matmul(*matrices):
    """The product of several matrices."""
    result = matrices[0]
    for matrix in matrices[1:]:
        result = result @ matrix
    return result


@public(method=False)
def tensordot(a, b, dims=2):
    """Sums of products over several dimensions at once."""
    if isinstance(dims, Variable):
        dims = dims.tolist()
    if isinstance(dims, int):
        left, right = list(range(a._array.ndim - dims, a._array.ndim)), list(range(dims))
    else:
        left, right = (
            [dim_of(d, x._array.ndim) for d in ([ds] if isinstance(ds, int) else ds)]
            for x, ds in zip((a, b), dims, strict=True)
        )
    for i, j in zip(left, right, strict=True):
        m, n = a._array.shape[i], b._array.shape[j]
        if m != n and 1 not in (m, n):
            raise RuntimeError(
                f"contracted dimensions need to match, but first has size {m} in dim {i} and second has size {n} in dim {j}"
            )
        if m != n and n == 1:
            a = sum(a, i, True, dtype=a.dtype)
        elif m != n:
            b = sum(b, j, True, dtype=b.dtype)
    keep_a = [d for d in range(a._array.ndim) if d not in left]
    keep_b = [d for d in range(b._array.ndim) if d not in right]
    n = math.prod(a._array.shape[d] for d in left)
    rows = reshape(permute(a, *keep_a, *left), (math.prod(a._array.shape[d] for d in keep_a), n))
    columns = reshape(permute(b, *right, *keep_b), (n, math.prod(b._array.shape[d] for d in keep_b)))
    shape = [a._array.shape[d] for d in keep_a] + [b._array.shape[d] for d in keep_b]
    return reshape(mm(rows, columns), tuple(shape))


def einsum(equation, *operands):
    """Einstein's summation: what appears on the left of the arrow but not on the right is summed over.

    Every operand is laid out over all letters, the product is taken, and the letters that the result lacks are summed.
    """
    if not isinstance(equation, str):
        equation, operands = in_letters((equation, *operands))
    operands = operands[0] if len(operands) == 1 and isinstance(operands[0], (tuple, list)) else operands
    left, arrow, right = equation.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(operands):
        raise RuntimeError(
            "einsum(): the number of operands specified in the equation was not matched by the operands given"
        )
    extra = builtins.max(
        (x._array.ndim - len(term.replace("...", "")) for term, x in zip(terms, operands, strict=True)), default=0
    )
    dots = [f"{i}" for i in range(extra)]
    for at, (term, x) in enumerate(zip(terms, operands, strict=True)):
        if "..." not in term and len(term) != x._array.ndim:
            raise RuntimeError(
                f"einsum(): the number of subscripts in the equation ({len(term)}) does not match the number of dimensions "
                f"({x._array.ndim}) for operand {at} and no ellipsis was given"
            )
    letters = [spelled(term, dots, x._array.ndim) for term, x in zip(terms, operands, strict=True)]
    if arrow:
        result = spelled(right, dots, None)
    else:
        flat = [c for term in terms for c in term if c.isalpha()]
        result = dots + builtins.sorted(c for c in set(flat) if flat.count(c) == 1)
    lengths = {}
    for at, (term, x) in enumerate(zip(letters, operands, strict=True)):
        for c, n in zip(term, x._array.shape, strict=True):
            if c.isalpha() and n != 1 and lengths.setdefault(c, n) != n:
                raise RuntimeError(
                    f"einsum(): subscript {c} has size {n} for operand {at} which does not broadcast with previously seen size "
                    f"{lengths[c]}"
                )
    everything = result + builtins.sorted({c for term in letters for c in term} - set(result))
    product = None
    for term, x in zip(letters, operands, strict=True):
        while len(set(term)) < len(term):
            c = next(c for c in term if term.count(c) > 1)
            i, j = (k for k, d in enumerate(term) if d == c and term[:k].count(c) < 2)
            x = diagonal(x, 0, i, j)
            term = [d for k, d in enumerate(term) if k not in (i, j)] + [c]
        order = builtins.sorted(range(len(term)), key=lambda k, term=term: everything.index(term[k]))
        x = permute(x, *order) if order else x
        key = tuple(slice(None) if c in term else None for c in everything)
        x = x[key] if None in key else x
        product = x if product is None else product * x
    rest = tuple(range(len(result), len(everything)))
    return sum(product, rest) if rest else product


def in_letters(arguments):
    """The equation and operands of `einsum(x, [0, 1], y, [1, 2], [0, 2])`, where numbers stand for letters."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    spell = lambda places: "".join("..." if p is Ellipsis else alphabet[p] for p in places)
    operands, places = arguments[0::2], arguments[1::2]
    if len(arguments) % 2:  # the last list is that of the result
        operands, right = operands[:-1], "->" + spell(arguments[-1])
    else:
        right = ""
    return ",".join(map(spell, places)) + right, operands


def spelled(term, dots, ndim):
    """The letters of a term, with `...` replaced by the names of the dimensions that it stands for."""
    if "..." not in term:
        return list(term)
    before, after = term.split("...")
    count = len(dots) if ndim is None else ndim - len(before) - len(after)
    return [*before, *dots[len(dots) - count :], *after]


FUNCTIONS.update(einsum=einsum, chain_matmul=chain_matmul)


@public(method=True)
def kron(x, other):
    """The Kronecker product."""
    n = builtins.max(x._array.ndim, other._array.ndim)
    a, b = ((1,) * (n - t._array.ndim) + t._array.shape for t in (x, other))
    wide = tuple(k for pair in zip(a, (1,) * n, strict=True) for k in pair)
    narrow_ = tuple(k for pair in zip((1,) * n, b, strict=True) for k in pair)
    return reshape(reshape(x, wide) * reshape(other, narrow_), tuple(p * q for p, q in zip(a, b, strict=True)))


@public(method=False)
def cdist(x1, x2, p=2.0, compute_mode=None):
    """The distance of each row of x to each row of x2."""
    for word, x in (("X1", x1), ("X2", x2)):
        if x._array.ndim < 2:
            raise RuntimeError(f"cdist only supports at least 2D tensors, {word} got: {x._array.ndim}D")
    if x1._array.shape[-1] != x2._array.shape[-1]:
        raise RuntimeError(
            f"X1 and X2 must have the same number of columns. X1: {x1._array.shape[-1]} X2: {x2._array.shape[-1]}"
        )
    if p < 0:
        raise RuntimeError("cdist only supports non-negative p values")
    return ops.cdist.record((x1, x2), {"p": float(p)})


FUNCTIONS["cdist"] = cdist


@public(method=True)
def matrix_power(x, n):
    """The product of n copies of a square matrix; of its inverse if n is negative."""
    need_matrix(x, "matrix_power", square=True)
    if n == 0:
        eye = np.broadcast_to(np.eye(x._array.shape[-1], dtype=x._array.dtype), x._array.shape)
        return clone(x).copy_(wrap(eye))
    square, n = (x, n) if n > 0 else (inverse(x), -n)
    if n == 1:
        return clone(square) if square is x else square
    if n == 3:
        return matmul(matmul(square, square), square)
    result = None
    while n:
        if n % 2:
            result = square if result is None else matmul(result, square)
        n //= 2
        square = matmul(square, square) if n else square
    return result


def singular_error(x, words):
    """The error for the first singular matrix of a stack; `words` has a place for which one, and maybe one for its zero pivot."""
    places = kernels.singular_at(x._array)
    first = np.flatnonzero(np.atleast_1d(places))
    which = f"(Batch element {first[0]}): " if places.ndim and first.size else ""
    return LinAlgError(words.format(which, np.atleast_1d(places)[first[0]] if first.size else 0))


class LinAlgError(RuntimeError):
    """What linear algebra raises for a matrix that it cannot take; torch.linalg.LinAlgError."""


LinAlgError.__name__ = LinAlgError.__qualname__ = "_LinAlgError"


def need_matrix(x, name, square=False):
    """PyTorch's complaints about what is no matrix, or not square, or not floating."""
    shape = x._array.shape
    if len(shape) < 2:
        raise RuntimeError(f"linalg.{name}: The input tensor A must have at least 2 dimensions.")
    if square and shape[-1] != shape[-2]:
        raise RuntimeError(
            f"linalg.{name}: A must be batches of square matrices, but they are {shape[-2]} by {shape[-1]} matrices"
        )
    if x._array.dtype.kind != "f":
        raise RuntimeError(f"linalg.{name}: Expected a floating point or complex tensor as input. Got {x.dtype.letter}")


@public(names=("inverse",))
def inverse(x):
    """The inverse of a square matrix."""
    need_matrix(x, "inv", square=True)
    try:
        return ops.inverse.record((x,), {})
    except np.linalg.LinAlgError:
        raise singular_error(
            x,
            "linalg.inv: {}The diagonal element {} is zero, the inversion could not be completed because the input matrix is "
            "singular.",
        ) from None


@public
def det(x):
    """The determinant."""
    need_matrix(x, "det", square=True)
    return ops.det.record((x,), {})


@public
def logdet(x):
    """The logarithm of the determinant."""
    sign_, log = ops.slogdet.record((x,), {})
    return where(sign_ < 0, math.nan, log)


SLOGDET = returned("slogdet", "sign", "logabsdet")


@public
def slogdet(x):
    """The sign of the determinant and the logarithm of its size."""
    need_matrix(x, "slogdet", square=True)
    return SLOGDET(*ops.slogdet.record((x,), {}))


def cholesky_factor(x, op, name, upper):
    """The lower or upper factor, or PyTorch's error for what is not positive definite."""
    try:
        return op.record((x,), {"upper": upper})
    except np.linalg.LinAlgError:
        array = x._array.reshape(-1, *x._array.shape[-2:])
        for i, matrix in enumerate(array):
            order = next((k for k in range(1, len(matrix) + 1) if np.linalg.eigvalsh(matrix[:k, :k])[0] <= 0), None)
            if order is not None:
                which = f"(Batch element {i}): " if x._array.ndim > 2 else ""
                raise LinAlgError(
                    f"{name}: {which}The factorization could not be completed because the input is not positive-definite (the "
                    f"leading minor of order {order} is not positive-definite)."
                ) from None
        raise


@public
def cholesky(x, upper=False):
    """The triangular factor of a positive definite matrix."""
    return cholesky_factor(x, ops.cholesky.called("Cholesky"), "cholesky", upper)


def trapezoid(y, x=None, *, dx=1.0, dim=-1):
    """The integral by the trapezoidal rule."""
    pairs = narrow(y, dim, 1, y._array.shape[dim] - 1) + narrow(y, dim, 0, y._array.shape[dim] - 1)
    if x is None:
        return with_number(ops.mul_number, sum(pairs, dim), dx / 2.0)
    return with_number(ops.div_number, sum(pairs * widths(x, y, dim), dim), 2.0)


def with_number(op, x, by):
    """One of the table's operations with a Python number on the right."""
    kind = dtypes.result_dtype((x._array, by))
    return op.record((in_dtype(x, kind),), {"by": by})


def widths(x, y, dim):
    """The distances between the points x, one line of them or one for each element of y."""
    if x._array.ndim > 1:
        return diff(x, dim=dim)
    return reshape(diff(x), [-1 if i == dim_of(dim, y._array.ndim) else 1 for i in range(y._array.ndim)])


def cumulative_trapezoid(y, x=None, *, dx=1.0, dim=-1):
    """The running integral by the trapezoidal rule."""
    pairs = narrow(y, dim, 1, y._array.shape[dim] - 1) + narrow(y, dim, 0, y._array.shape[dim] - 1)
    if x is None:
        return with_number(ops.mul_number, cumsum(pairs, dim), dx / 2.0)
    return with_number(ops.div_number, cumsum(pairs * widths(x, y, dim), dim), 2.0)


FUNCTIONS["cumulative_trapezoid"] = cumulative_trapezoid
FUNCTIONS.update(trapezoid=trapezoid, trapz=trapezoid)


# ---- odds and ends ---------------------------------------------------------------------------------------------------


@public(in_place=True)
def ldexp(x, other):
    """x * 2^other."""
    need_tensors("ldexp", x, other)
    return ops.ldexp.record((x, other), {})


@public
def frexp(x):
    """Mantissa between 1/2 and 1, and exponent: x = mantissa * 2^exponent."""
    if not is_float(x):
        raise RuntimeError("torch.frexp() only supports floating-point dtypes")
    exponent = np.frexp(x._array)[1]
    return FREXP(ops.frexp.record((x,), {"exponent": exponent}), wrap(np.asarray(exponent, np.int32)))


FREXP = returned("frexp", "mantissa", "exponent")


@public(in_place=True)
def nextafter(x, other):
    """The next number after x towards other."""
    need_tensors("nextafter", x, other)
    return ops.nextafter.record((x, other), {})


@public
def angle(x):
    """0, or pi where x is negative."""
    return ops.angle.record((x,), {})


@public(in_place=True)
def conj_physical(x):
    """x itself: real numbers are their own conjugates."""
    return x


@public(in_place=True)
def polygamma(n, x):
    """The n-th derivative of digamma."""
    if isinstance(n, Variable):
        n, x = x, n
    if n < 0:
        raise RuntimeError("polygamma(n, x) does not support negative n.")
    return ops.polygamma.record((x,), {"n": n})


@public(in_place=True)
def mvlgamma(x, p):
    """The logarithm of the multivariate gamma function of dimension p."""
    if p < 1:
        raise RuntimeError("p has to be greater than or equal to 1")
    return ops.mvlgamma.record((as_float(x),), {"p": p})


@public(in_place=True)
def i0(x):
    """The modified Bessel function of the first kind, of order 0."""
    return ops.i0.record((x,), {})


def combinations(input, r=2, with_replacement=False):
    """All r-element subsets of a vector's elements, a row each."""
    import itertools

    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = np.array(list(choose(range(input._array.size), r)), np.int64).reshape(-1, r)
    return stack([index_select(input, 0, wrap(column.copy())) for column in places.T], 1) if r else input.new_empty(0)


def gradient(input, *, spacing=None, dim=None, edge_order=1):
    """Slopes of a sampled function along each dimension: central differences inside, one-sided ones at the edges."""
    ndim = input._array.ndim
    dims = range(ndim) if dim is None else [dim_of(d, ndim) for d in ((dim,) if isinstance(dim, int) else dim)]
    spacing = 1 if spacing is None else spacing
    several = isinstance(spacing, (tuple, list))
    if edge_order not in (1, 2):
        raise RuntimeError("torch.gradient only supports edge_order=1 and edge_order=2.")
    result = []
    for place, d in enumerate(dims):
        step = spacing[place] if several else spacing
        n = input._array.shape[d]
        if n <= edge_order:
            raise RuntimeError("torch.gradient expected each dimension size to be at least edge_order+1")
        x = array(step) if isinstance(step, Variable) else np.arange(n) * float(step)
        result.append(slope_along(input, d, x.astype(np.float64), edge_order))
    return result


def slope_along(x, d, points, edge_order):
    """The slope at each point of a parabola through it and its neighbours, or of a line at the edges."""
    n = x._array.shape[d]
    width = np.diff(points)
    rows = np.zeros((n, n))
    for i in range(1, n - 1):
        a, b = width[i - 1], width[i]
        rows[i, i - 1 : i + 2] = -b / (a * (a + b)), (b - a) / (a * b), a / (b * (a + b))
    if edge_order == 1:
        rows[0, :2] = -1 / width[0], 1 / width[0]
        rows[-1, -2:] = -1 / width[-1], 1 / width[-1]
    else:
        a, b = width[0], width[1]
        rows[0, :3] = -(2 * a + b) / (a * (a + b)), (a + b) / (a * b), -a / (b * (a + b))
        a, b = width[-2], width[-1]
        rows[-1, -3:] = b / (a * (a + b)), -(a + b) / (a * b), (a + 2 * b) / (b * (a + b))
    x = as_float(x)
    return movedim(tensordot(wrap(rows.astype(x._array.dtype)), x, dims=([1], [d])), 0, d)


@public
def unsafe_split(x, split_size, dim=0):
    """`split`, as copies in PyTorch's eyes."""
    dim = dim_of(dim, x._array.ndim)
    n, size = x._array.shape[dim], split_size
    sizes = tuple(builtins.min(size, n - start) for start in range(0, n, size or 1)) or (0,)
    return tuple(ops.unsafe_split.record((x,), {"sizes": sizes, "dim": dim}))


@public
def unsafe_chunk(x, chunks, dim=0):
    """`chunk`, as copies in PyTorch's eyes."""
    return unsafe_split(x, builtins.max(-(-x._array.shape[dim_of(dim, x._array.ndim)] // chunks), 1), dim)


def unravel_index(indices, shape):
    """For positions in the flattened tensor, those along each dimension."""
    shape = (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)
    return tuple(wrap(np.asarray(i, np.int64)) for i in np.unravel_index(indices._array, shape))


def resize_(self, *size):
    """The tensor itself in another shape: the first elements in memory stay, new ones mean nothing."""
    if self.requires_grad:
        raise RuntimeError("cannot resize variables that require grad")
    size = shape_from(size)
    flat = np.zeros(math.prod(size), self._array.dtype)
    kept = self._array.reshape(-1)[: flat.size]
    flat[: kept.size] = kept
    self._array = flat.reshape(size)
    return self


Tensor.resize_ = lambda self, *size, memory_format=None: resize_(self, *size)
Tensor.resize_as_ = lambda self, other, memory_format=None: resize_(self, other._array.shape)


def fill_diagonal_(self, fill_value, wrap=False):
    """Write one number on the diagonal; in a tall matrix with wrap=True on and on, a row apart."""
    if self._array.ndim < 2:
        raise RuntimeError("dimensions must larger than 1")
    rows, columns = self._array.shape[:2]
    if self._array.ndim == 2 and not (wrap and rows > columns):
        diagonal(self).fill_(fill_value)
        return self
    if self._array.ndim == 2:
        key = np.unravel_index(np.arange(0, self._array.size, columns + 1), self._array.shape)
    else:
        key = (np.arange(builtins.min(self._array.shape)),) * self._array.ndim
    return ops.index_fill.called("FillDiagonal").in_place((self,), {"key": key, "value": fill_value})


Tensor.fill_diagonal_ = fill_diagonal_


@public
def as_strided(x, size, stride, storage_offset=None):
    """A view of the memory by shape, steps and start, all counted in elements; here only of a tensor that is no view itself."""
    owner = x._array.base
    part = isinstance(owner, np.ndarray) and owner.size != x._array.size
    if x._base is not None or part or not x._array.flags.c_contiguous:
        ops.the_end("torch.as_strided of a view")
    size, stride, offset = tuple(size), tuple(stride), storage_offset or 0
    if len(size) != len(stride):
        raise RuntimeError("mismatch in length of strides and shape")
    needed = offset + 1 + builtins.sum((n - 1) * s for n, s in zip(size, stride, strict=True))
    if 0 not in size and needed > x._array.size:
        width = x._array.itemsize
        raise RuntimeError(
            f"setStorage: sizes {list(size)}, strides {list(stride)}, storage offset {offset}, and itemsize {width} requiring a "
            f"storage size of {needed * width} are out of bounds for storage of size {x._array.nbytes}"
        )
    return ops.as_strided.record((x,), {"size": size, "stride": stride, "offset": offset})


for _name in ("swapaxes_", "swapdims_"):
    setattr(Tensor, _name, Tensor.transpose_)
FUNCTIONS.update(
    detach=lambda input: input.detach(), detach_=lambda input: input.detach_(), get_device=lambda input: -1,
    is_conj=lambda input: False, is_neg=lambda input: False, is_inference=lambda input: input.is_inference(),
    is_nonzero=lambda input: builtins.bool(input), is_same_size=lambda input, other: input.is_same_size(other),
    is_signed=lambda input: input.is_signed(), clamp_=clamp_, clip_=clamp_, get_num_threads=lambda: 1,
    set_num_threads=lambda n: None, combinations=combinations, gradient=gradient, unravel_index=unravel_index,
    resize_as_=Tensor.resize_as_, resolve_conj=lambda input: input, resolve_neg=lambda input: input,
    alias_copy=lambda input: clone(input), detach_copy=lambda input: clone(input.detach()),
)  # fmt: skip


def copy_of(shown):
    """A copy of a view, under the name that PyTorch gives to both steps in one."""
    name = "Clone" if shown.grad_fn is None else type(shown.grad_fn).__name__ + "_copy"
    return ops.contiguous.called(name).record((shown,), {})


def copied(name):
    """`name_copy`: what the view `name` shows, in memory of its own."""

    def function(input, *args, **kwargs):
        shown = getattr(input, name)(*args, **kwargs)
        return tuple(map(copy_of, shown)) if isinstance(shown, tuple) else copy_of(shown)

    function.__name__ = name + "_copy"
    public(function, method=name == "narrow")


for _name in (
    "expand", "diagonal", "narrow", "permute", "split", "split_with_sizes", "squeeze", "t", "transpose", "unbind", "unfold",
    "unsqueeze", "view", "select",
):  # fmt: skip
    copied(_name)


# ---- softmax ---------------------------------------------------------------------------------------------------------


@public
def softmax(x, dim, dtype=None):
    """exp(x) over its sum along `dim`."""
    x = in_dtype(x, dtype)
    return ops.softmax.record_one(need_float(x, "softmax", dim), {"dim": dim_of(dim, x._array.ndim)})


@public
def log_softmax(x, dim, dtype=None):
    """The logarithm of the softmax."""
    x = in_dtype(x, dtype)
    return ops.log_softmax.record_one(need_float(x, "log_softmax", dim), {"dim": dim_of(dim, x._array.ndim)})


def need_float(x, name, dim):
    if not is_float(x):
        place = "_lastdim" if dim_of(dim, x._array.ndim) >= x._array.ndim - 1 else ""
        raise NotImplementedError(f"\"{name}{place}_kernel_impl\" not implemented for '{x.dtype.letter}'")
    return x


# ---- operators -------------------------------------------------------------------------------------------------------


def operator(op, swapped=False):
    """A binary operator from an entry of the table; PyTorch's numbers and arrays may stand on the other side."""

    def method(self, other):
        kind = type(other)
        if kind is Tensor and not swapped:
            return op.record_two(self, other)
        if kind is float or kind is int:
            return op.record_number(self, other, swapped)
        if not isinstance(other, OPERAND):
            return NotImplemented
        return op.record((as_operand(other), self) if swapped else (self, as_operand(other)), {})

    return method


def careful(function, swapped=False):
    """An operator from a function above."""

    def method(self, other):
        kind = type(other)
        if kind is not Tensor and kind is not float and kind is not int:
            if not isinstance(other, OPERAND):
                return NotImplemented
            other = as_operand(other)
        return function(other, self) if swapped else function(self, other)

    return method


def augmented(function):
    def method(self, other):
        if type(other) is not Tensor and not isinstance(other, OPERAND):
            return NotImplemented
        return function(self, other)

    return method


Tensor.__add__, Tensor.__radd__ = operator(ops.add), operator(ops.add)
Tensor.__mul__, Tensor.__rmul__ = operator(ops.mul), operator(ops.mul)
straight_minus, careful_minus, BOOL = operator(ops.sub), careful(sub), np.dtype(bool)


def minus(self, other):
    """x - other; booleans have no difference."""
    if self._array.dtype is BOOL or type(other) is bool or (type(other) is Tensor and other._array.dtype is BOOL):
        return careful_minus(self, other)
    return straight_minus(self, other)


Tensor.__sub__, Tensor.__rsub__ = minus, careful(rsub)
Tensor.__truediv__ = operator(ops.div)
Tensor.__rtruediv__ = careful(lambda self, other: ops.reciprocal.record((self,), {}) * other)
Tensor.__pow__, Tensor.__rpow__ = careful(power), careful(power, swapped=True)
Tensor.__floordiv__, Tensor.__rfloordiv__ = operator(ops.floor_divide), operator(ops.floor_divide, swapped=True)
Tensor.__mod__, Tensor.__rmod__ = operator(ops.remainder), operator(ops.remainder, swapped=True)
Tensor.__eq__, Tensor.__ne__ = operator(ops.eq), operator(ops.ne)
Tensor.__lt__, Tensor.__le__, Tensor.__gt__, Tensor.__ge__ = map(operator, (ops.lt, ops.le, ops.gt, ops.ge))


def inverted(self):
    if is_float(self):
        raise TypeError("~ (operator.invert) is only implemented on integer and Boolean-type tensors")
    return bitwise_not(self)


Tensor.__and__ = Tensor.__rand__ = careful(bitwise_and)
Tensor.__or__ = Tensor.__ror__ = careful(bitwise_or)
Tensor.__xor__ = Tensor.__rxor__ = careful(bitwise_xor)
Tensor.__lshift__, Tensor.__rshift__ = careful(bitwise_left_shift), careful(bitwise_right_shift)
Tensor.__invert__ = inverted
Tensor.__pos__ = lambda self: positive(self)
Tensor.__abs__ = Tensor.abs
Tensor.__iadd__, Tensor.__isub__ = augmented(add_), augmented(sub_)
Tensor.__imul__, Tensor.__itruediv__ = augmented(IN_PLACE["mul_"]), augmented(div_)
Tensor.__ifloordiv__, Tensor.__imod__ = augmented(IN_PLACE["floor_divide_"]), augmented(IN_PLACE["remainder_"])
Tensor.__ipow__ = augmented(IN_PLACE["pow_"])
Tensor.__iand__, Tensor.__ior__, Tensor.__ixor__ = (augmented(IN_PLACE[f"bitwise_{n}_"]) for n in ("and", "or", "xor"))


Tensor.__neg__ = negated


def matmul_operator(self, other):
    return matmul(self, other) if isinstance(other, Variable) else NotImplemented


Tensor.__matmul__ = matmul_operator


def read_only(name, attribute):
    """A property that refuses to be set in PyTorch's words."""

    def refuse(self, value):
        raise AttributeError(f"attribute '{name}' of 'torch._C.TensorBase' objects is not writable")

    return attribute.setter(refuse)


for _name, _attribute in list(vars(Tensor).items()):
    if isinstance(_attribute, property) and _attribute.fset is None:
        setattr(Tensor, _name, read_only(_name, _attribute))
