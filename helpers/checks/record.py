"""What a probe writes down: calls of an answer as plain records that JSON carries, and how two records differ.

A record says what was tried, what came back (or was raised), whether an argument or the grad mode was changed. Values are
encoded as plain numbers and text, so that an answer can hand back no object that pretends to be equal to everything.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

# --- drawing and recording ---------------------------------------------------------------------------------


class Draw:
    """Random input for a probe, the same for the same seed, from a generator of its own."""

    def __init__(self, seed: int):
        self.numpy = np.random.RandomState(seed)

    def tensor(self, *shape, dtype=torch.float64, scale=1.0, **kwargs):
        """A normal random tensor of this shape, float64 unless told."""
        return torch.tensor(np.asarray(scale * self.numpy.randn(*shape)).tolist(), dtype=dtype, **kwargs).reshape(shape)

    def whole(self, low, high):
        """A whole number from low to high, both included."""
        return int(self.numpy.randint(low, high + 1))

    def number(self, low=-2.0, high=2.0):
        return float(self.numpy.uniform(low, high))


def trial(tried: str, call: Callable, *args, size: int = 0, after: Callable | None = None) -> dict:
    """Call `call(*args)` and write down what is seen: value, exception, changed arguments, grad mode.

    tried: what the student reads as "tried". size: the N of the data, for messages that speak of it.
    after: a function of no arguments whose value is recorded too (what the call left behind).
    A probe may add "notes" to the record: they are not compared, and serve symptoms.
    """
    before = encode(args, state=True)
    mode = torch.is_grad_enabled()
    value = raised = None
    try:
        value = encode(call(*args))
    except BaseException as error:  # sys.exit included: it is one more way for an answer to fail
        raised = [type(error).__name__, str(error)[:400]]
    seen = {"tried": tried, "value": value, "raised": raised, "size": size}
    seen["mode"] = torch.is_grad_enabled() == mode
    torch.set_grad_enabled(mode)
    seen["changed"] = encode(args, state=True) != before
    if after is not None:
        try:
            seen["after"] = encode(after())
        except Exception as error:
            seen["after"] = {"object": type(error).__name__}
    return seen


def calls(cases: Callable[[Draw], list[tuple]], names: str = "") -> Callable:
    """The probe of a plain function: each case is called twice with the same arguments and once with copies.

    cases: from a Draw to a list of argument tuples. names: the arguments' names, for the text of a trial.
    """
    labels = [name.strip() for name in names.split(",")] if names else []

    def probe(answer, draw):
        for args in cases(draw):
            tried = show_arguments(args, labels)
            size = next((len(a) for a in args if isinstance(a, (torch.Tensor, list)) and _dimension(a)), 0)
            copies = tuple(_copy(a) for a in args)
            yield trial(tried, answer, *args, size=size)
            yield {**trial(tried, answer, *args, size=size), "call": "again"}
            yield {**trial(tried, answer, *copies, size=size), "call": "copy"}

    return probe


def _dimension(x):
    return x.dim() if isinstance(x, torch.Tensor) else 1


def _copy(x):
    if isinstance(x, torch.Tensor):
        return x.detach().clone().requires_grad_(x.requires_grad)
    return list(x) if isinstance(x, list) else x


def show_arguments(args, labels=()):
    """Arguments as short text: `t_u=[35.7, 55.9, …] (11), w=1`."""
    labels = list(labels) + [""] * (len(args) - len(labels))
    return ", ".join(f"{label}={short(a)}" if label else short(a) for label, a in zip(labels, args, strict=False))


def short(x) -> str:
    """A value as short text: four digits, the first entries of what is long."""
    if isinstance(x, torch.Tensor):
        return _short_data(x.detach().tolist())
    if callable(x):
        return getattr(x, "__name__", type(x).__name__)
    return _short_data(x)


def _short_data(x, digits=4):
    if isinstance(x, float):
        return f"{x:.{digits}g}"
    if isinstance(x, (list, tuple)):
        inside = ", ".join(_short_data(e, digits) for e in x[:6]) + (", …" if len(x) > 6 else "")
        return f"[{inside}]" if isinstance(x, list) else f"({inside})"
    text = str(x)
    return text if len(text) <= 80 else text[:79] + "…"


def encode(x: Any, state: bool = False, depth: int = 0) -> Any:
    """Any value as what JSON can carry. state=True: with what a call may leave on a tensor (its `.grad`)."""
    if x is None or isinstance(x, bool):
        return x
    if isinstance(x, np.bool_):
        return bool(x)
    if isinstance(x, (int, float, np.number)) and not isinstance(x, np.ndarray):
        return {"number": _plain(x)}
    if isinstance(x, str):
        return {"text": x[:2000]}
    if depth > 6:
        return {"object": type(x).__name__}
    if isinstance(x, torch.Tensor):
        return _encode_tensor(x, state)
    if isinstance(x, np.ndarray):
        return {"array": _nested(x.tolist()), "shape": list(x.shape), "dtype": str(x.dtype)}
    if isinstance(x, (tuple, list)):
        name = "tuple" if isinstance(x, tuple) else "list"
        return {name: [encode(e, state, depth + 1) for e in x[:5000]]}
    if isinstance(x, dict):
        return {"dict": [[encode(k), encode(v, state, depth + 1)] for k, v in list(x.items())[:500]]}
    return {"object": type(x).__name__}


def _encode_tensor(x, state):
    data = x.detach()
    out = {
        "tensor": _nested(data.tolist()) if data.numel() <= 100_000 else "large",
        "shape": list(x.shape),
        "dtype": str(x.dtype).removeprefix("torch."),
        "tracked": x.grad_fn is not None,
        "asks": bool(x.requires_grad and x.is_leaf),
    }
    if state:
        out["grad"] = None if not x.is_leaf or x.grad is None else encode(x.grad)
    return out


def _plain(x):
    try:
        return float(x) if not isinstance(x, int) or abs(x) > 2**53 else int(x)
    except OverflowError:
        return math.inf


def _nested(x):
    return [_nested(e) for e in x] if isinstance(x, list) else x


# --- comparing ---------------------------------------------------------------------------------------------


def numbers(x) -> list[float]:
    """All numbers of an encoded value, in order."""
    if isinstance(x, dict):
        if "number" in x:
            return [float(x["number"])]
        if "tensor" in x or "array" in x:
            return _flat(x.get("tensor", x.get("array")))
        inside = x.get("tuple", x.get("list"))
        if inside is not None:
            return [n for e in inside for n in numbers(e)]
        if "dict" in x:
            return [n for _, e in x["dict"] for n in numbers(e)]
    return []


def _flat(x):
    if isinstance(x, list):
        return [n for e in x for n in _flat(e)]
    return [float(x)] if isinstance(x, (int, float)) else []


def close(a: float, b: float, rtol: float, atol: float) -> bool:
    if math.isnan(a) or math.isnan(b):
        return math.isnan(a) and math.isnan(b)
    if math.isinf(a) or math.isinf(b):
        return a == b
    return abs(a - b) <= atol + rtol * abs(b)


def difference(seen: Any, due: Any, rtol: float, atol: float) -> str | None:
    """How an encoded value differs from the due one: None, or "none", "type", "shape", "dtype", "value", "tracked"."""
    if seen is None and due is not None:
        return "none"
    if isinstance(due, dict) and "number" in due:
        scalar = isinstance(seen, dict) and ("number" in seen or (seen.get("shape") == [] and not seen.get("tracked")))
        if not scalar:
            return "type"
        return None if close(numbers(seen)[0], float(due["number"]), rtol, atol) else "value"
    if not isinstance(due, dict) or not isinstance(seen, dict):
        return None if seen == due and type(seen) is type(due) else "value" if type(seen) is type(due) else "type"
    for kind in ("tensor", "array"):
        if kind in due:
            return _tensor_difference(seen, due, kind, rtol, atol)
    for kind in ("tuple", "list", "dict"):
        if kind in due:
            return _sequence_difference(seen, due, kind, rtol, atol)
    return None if seen == due else "value" if seen.keys() == due.keys() else "type"


def _tensor_difference(seen, due, kind, rtol, atol):
    if kind not in seen:
        return "type"
    if seen["shape"] != due["shape"]:
        return "shape"
    a, b = _flat(seen[kind]), _flat(due[kind])
    if len(a) != len(b) or not all(close(x, y, rtol, atol) for x, y in zip(a, b, strict=False)):
        return "value"
    if seen["dtype"] != due["dtype"]:
        return "dtype"
    return "tracked" if any(seen.get(k) != due.get(k) for k in ("tracked", "asks")) else None


def _sequence_difference(seen, due, kind, rtol, atol):
    if kind not in seen:
        # A list where a tuple is due (or the other way round) is no mistake that anybody should stumble over.
        other = {"tuple": "list", "list": "tuple"}.get(kind)
        if other not in seen:
            return "type"
        seen = {kind: seen[other]}
    if len(seen[kind]) != len(due[kind]):
        return "shape"
    for a, b in zip(seen[kind], due[kind], strict=True):
        if kind == "dict":
            if a[0] != b[0]:
                return "value"
            a, b = a[1], b[1]
        if found := difference(a, b, rtol, atol):
            return found
    return None


def record_difference(seen: dict, due: dict, rtol: float, atol: float) -> str | None:
    """How one record differs from another: None, "raised", "mode", "changed", "after", or as `difference` says."""
    if (seen["raised"] or due["raised"]) and (seen["raised"] or [None])[0] != (due["raised"] or [None])[0]:
        return "raised"
    if found := difference(seen["value"], due["value"], rtol, atol):
        return found
    if seen["mode"] != due["mode"]:
        return "mode"
    if seen["changed"] != due["changed"]:
        return "changed"
    if "after" in due and difference(seen.get("after"), due["after"], rtol, atol):
        return "after"
    return None


def show_encoded(x, digits=4) -> str:
    """An encoded value as short text, numbers with so many significant digits."""
    if not isinstance(x, dict):
        return str(x)
    if "number" in x:
        return _short_data(x["number"], digits)
    if "text" in x:
        return repr(x["text"])
    if "tensor" in x or "array" in x:
        extra = "" if x["dtype"] in ("float64", "int64", "bool") else f", {x['dtype']}"
        extra += ", with a grad_fn" if x.get("tracked") else ""
        shape = f", shape {tuple(x['shape'])}" if len(x["shape"]) > 1 else ""
        return f"{'tensor' if 'tensor' in x else 'array'}({_short_data(x.get('tensor', x.get('array')), digits)}{shape}{extra})"
    for name, form in (("tuple", "({})"), ("list", "[{}]")):
        if name in x:
            inside = ", ".join(show_encoded(e, digits) for e in x[name][:8]) + (", …" if len(x[name]) > 8 else "")
            return form.format(inside)
    if "dict" in x:
        return "{" + ", ".join(f"{show_encoded(k, digits)}: {show_encoded(v, digits)}" for k, v in x["dict"][:8]) + "}"
    return f"an object of type {x.get('object')}"
