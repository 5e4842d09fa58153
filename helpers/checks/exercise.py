"""An exercise, and how its verdict is found.

One idea carries every check: a *probe* is an experiment that calls an answer and writes down what it sees, and it is run
on the student's answer and on the reference alike. Where the two records agree, the answer passes. Where they
do not, the probe is run on the wrong answers that the exercise knows; the first whose record agrees with the
student's names the mistake. Symptoms (a value twice too large, an argument that was changed) name what is left.
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from . import guard
from .verdict import Verdict

SECONDS = 3.0  # what an answer may take; the verdict on it comes before 5 s


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that the catalogue knows: what it says to the student, its misconception (or None), and the answer."""

    message: str
    misconception: str | None
    answer: Any


@dataclass(frozen=True)
class Symptom:
    """A mistake that is recognised by a trait of the record rather than by one particular wrong answer."""

    message: str
    misconception: str | None
    shows: Callable[["Facts"], bool]


@dataclass(frozen=True)
class Exercise:
    """One exercise: a function (or several, or a class) that a probe tries, or a value.

    reference: an answer that passes. For a value exercise, the value itself, or a function without arguments that computes it.
    probe: generator function `probe(answer, draw)` of records (see `trial`); None for a value exercise.
    wrong, symptoms: the catalogue, in the order in which it is tried.
    items: for a value that is a list or tuple, one (message, misconception) per item, for the item that fails.
    rtol, atol: how far numbers may differ.
    """

    id: str
    title: str
    reference: Any
    hints: tuple[str, ...]
    probe: Callable[[Any, "Draw"], Iterator[dict]] | None = None
    wrong: tuple[Wrong, ...] = ()
    symptoms: tuple[Symptom, ...] = ()
    items: tuple[tuple[str, str | None], ...] = ()
    points: int = 1
    rtol: float = 1e-6
    atol: float = 1e-8
    seconds: float = SECONDS
    _records: dict = field(default_factory=dict, repr=False, compare=False)

    @property
    def chapter(self) -> int:
        return int(self.id.split(".")[0])

    def grade(self, answer: Any, seed: int = 0) -> Verdict:
        """The verdict on an answer. Never raises, ends within 5 s, and leaves this process as it was."""
        if answer is ...:
            return self._verdict(False, "Not attempted yet.", attempted=False)
        if self.probe is None:
            return _grade_value(self, answer)
        return _grade_behaviour(self, answer, seed)

    def _verdict(self, passed, message, misconception=None, evidence=None, attempted=True):
        return Verdict(passed, message, misconception, evidence or {}, attempted, self.id)

    def _due(self, seed):
        """The reference's record for this seed; the due value of a value exercise."""
        if self.probe is None:
            return self.reference() if callable(self.reference) else self.reference
        if ("due", seed) not in self._records:
            records, end, _ = guard.observe(lambda a: self.probe(a, Draw(seed)), self.reference, 4 * self.seconds)
            if end != "done":
                raise RuntimeError(f"the reference of exercise {self.id} ended with {end!r}: {records[-1:]}")
            self._records["due", seed] = records
        return self._records["due", seed]

    def _wrong_record(self, k, seed):
        if (k, seed) not in self._records:
            self._records[k, seed] = guard.observe(lambda a: self.probe(a, Draw(seed)), self.wrong[k].answer, 1.0)[:2]
        return self._records[k, seed]


# --- drawing and recording ---------------------------------------------------------------------------------


class Draw:
    """Random input for a probe, the same for the same seed, from a generator of its own."""

    def __init__(self, seed: int):
        self.numpy = np.random.RandomState(seed)

    def tensor(self, *shape, dtype=torch.float64, scale=1.0, **kwargs):
        """A normal random tensor of this shape, float64 unless told."""
        return torch.tensor((scale * self.numpy.randn(*shape)).tolist(), dtype=dtype, **kwargs).reshape(shape)

    def whole(self, low, high):
        """A whole number from low to high, both included."""
        return int(self.numpy.randint(low, high + 1))

    def number(self, low=-2.0, high=2.0):
        return float(self.numpy.uniform(low, high))


def trial(tried: str, call: Callable, *args, size: int = 0, after: Callable | None = None) -> dict:
    """Call `call(*args)` and write down what is seen: value, exception, changed arguments, grad mode.

    tried: what the student reads as "tried". size: the N of the data, for messages that speak of it.
    after: a function of no arguments whose value is recorded too (what the call left behind).
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


def _short_data(x):
    if isinstance(x, float):
        return f"{x:.4g}"
    if isinstance(x, (list, tuple)):
        inside = ", ".join(_short_data(e) for e in x[:6]) + (", …" if len(x) > 6 else "")
        return f"[{inside}]" if isinstance(x, list) else f"({inside})"
    text = str(x)
    return text if len(text) <= 80 else text[:79] + "…"


def encode(x: Any, state: bool = False, depth: int = 0) -> Any:
    """Any value as what JSON can carry. state=True: with what a call may leave on a tensor (its `.grad`)."""
    if x is None or isinstance(x, bool):
        return x
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


# --- the verdict on behaviour ------------------------------------------------------------------------------


@dataclass(frozen=True)
class Facts:
    """What a failed answer showed, for symptoms to look at.

    seen, due: the records of answer and reference. end: how the answer's run ended. kinds: for each record how it
    differs from the due one (None where it agrees). first: the index of the first that differs.
    """

    seen: list
    due: list
    end: str
    kinds: list
    first: int
    rtol: float

    @property
    def kind(self):
        return self.kinds[self.first] if self.first < len(self.kinds) else "missing"

    @property
    def record(self):
        return self.seen[self.first] if self.first < len(self.seen) else None

    @property
    def wanted(self):
        return self.due[self.first]

    def raised(self, fragment: str) -> bool:
        """Did a trial that should not end with an exception whose text (or type) has this fragment?"""
        return any(
            s["raised"] and k == "raised" and (fragment in s["raised"][1] or fragment == s["raised"][0])
            for s, k in zip(self.seen, self.kinds, strict=False)
        )

    def ratios(self) -> list[tuple[float, int]]:
        """(seen / due, size) for every record of the same form whose numbers all stand in one ratio; else an empty list."""
        out = []
        for s, d in zip(self.seen, self.due, strict=False):
            a, b = numbers(s["value"]), numbers(d["value"])
            if s["raised"] or not a or len(a) != len(b):
                return []
            pairs = [(x, y) for x, y in zip(a, b, strict=True) if abs(y) > 1e-9]
            if not pairs:
                continue
            ratio = pairs[0][0] / pairs[0][1]
            if not all(close(x, ratio * y, 1e-5, 1e-9) for x, y in pairs):
                return []
            out.append((ratio, s["size"]))
        return out

    def ratio_is(self, factor: float) -> bool:
        """Is every value that differs this many times the due one?"""
        found = self.ratios()
        return bool(found) and all(close(r, factor, 1e-4, 0) for r, _ in found)


def _grade_behaviour(exercise, answer, seed):
    """Each part of an answer that a probe can try is a function or a class."""
    parts = answer if isinstance(answer, tuple) else (answer,)
    if any(part is ... for part in parts):
        return exercise._verdict(False, "Not attempted yet.", attempted=False)
    count = len(exercise.reference) if isinstance(exercise.reference, tuple) else 1
    if len(parts) != count or not all(callable(part) for part in parts):
        came = ", ".join(type(part).__name__ for part in parts)
        wanted = "A function is asked for" if count == 1 else f"{count} functions are asked for"
        return exercise._verdict(False, f"{wanted}: hand over the name without parentheses.", None, {"came": came})
    seen, end, printed = guard.observe(lambda a: exercise.probe(a, Draw(seed)), answer, exercise.seconds)
    if seen and seen[0]["raised"] and seen[0]["raised"][0] == "NotImplementedError":
        return exercise._verdict(False, "Not attempted yet.", attempted=False)
    due = exercise._due(seed)
    kinds = [record_difference(s, d, exercise.rtol, exercise.atol) for s, d in zip(seen, due, strict=False)]
    if end == "done" and len(seen) == len(due) and not any(kinds):
        tried = len(due)
        return exercise._verdict(True, f"Right: agrees with the reference in all {tried} trials.")
    first = next((i for i, kind in enumerate(kinds) if kind), min(len(seen), len(due) - 1))
    facts = Facts(seen, due, end, kinds, first, exercise.rtol)
    message, misconception = _diagnose(exercise, facts, seed)
    evidence = _evidence(facts)
    if printed.strip():
        evidence["printed"] = printed.strip()[:300]
    return exercise._verdict(False, message, misconception, evidence)


def _diagnose(exercise, facts, seed):
    from .symptoms import GENERIC, NOTHING, fallback

    for k, wrong in enumerate(exercise.wrong):
        records, end = exercise._wrong_record(k, seed)
        if (
            end == facts.end
            and len(records) == len(facts.seen)
            and not any(
                record_difference(s, w, 10 * exercise.rtol, exercise.atol)
                or record_difference(w, s, 10 * exercise.rtol, exercise.atol)
                for s, w in zip(facts.seen, records, strict=True)
            )
        ):
            return wrong.message, wrong.misconception
    for symptom in (NOTHING, *exercise.symptoms, *GENERIC):
        try:
            if symptom.shows(facts):
                return symptom.message, symptom.misconception
        except (TypeError, ValueError, KeyError, IndexError, ZeroDivisionError, OverflowError):
            continue  # the record has not the form that this symptom looks for
    return fallback(facts), None


def _evidence(facts):
    due = facts.wanted
    tried = due["tried"] + (" (called a second time)" if due.get("call") == "again" else "")
    evidence = {"tried": tried} if tried else {}
    if facts.record is None:
        evidence["came"] = "nothing" if facts.end == "timeout" else f"the run ended: {facts.end}"
    elif facts.record["raised"]:
        evidence["came"] = ": ".join(facts.record["raised"])
    elif facts.kind == "after":
        evidence["came"] = show_encoded(facts.record.get("after"))
        evidence["due"] = show_encoded(due["after"])
        return evidence
    elif facts.kind in ("mode", "changed"):
        return evidence
    else:
        evidence["came"] = show_encoded(facts.record["value"])
    evidence["due"] = ": ".join(due["raised"]) if due["raised"] else show_encoded(due["value"])
    return evidence


def show_encoded(x) -> str:
    """An encoded value as short text."""
    if not isinstance(x, dict):
        return str(x)
    if "number" in x:
        return _short_data(x["number"])
    if "text" in x:
        return repr(x["text"])
    if "tensor" in x or "array" in x:
        extra = "" if x["dtype"] in ("float64", "int64", "bool") else f", {x['dtype']}"
        extra += ", with a grad_fn" if x.get("tracked") else ""
        shape = f", shape {tuple(x['shape'])}" if len(x["shape"]) > 1 else ""
        return f"tensor({_short_data(x.get('tensor', x.get('array')))}{shape}{extra})"
    for name, form in (("tuple", "({})"), ("list", "[{}]")):
        if name in x:
            inside = ", ".join(show_encoded(e) for e in x[name][:8]) + (", …" if len(x[name]) > 8 else "")
            return form.format(inside)
    if "dict" in x:
        return "{" + ", ".join(f"{show_encoded(k)}: {show_encoded(v)}" for k, v in x["dict"][:8]) + "}"
    return f"an object of type {x.get('object')}"


# --- the verdict on a value --------------------------------------------------------------------------------

VALUE_RTOL = 1e-3


def _grade_value(exercise, answer):
    due = encode(exercise._due(0))
    try:
        seen = encode(answer)
    except Exception:
        seen = {"object": type(answer).__name__}
    inside = seen.get("list", seen.get("tuple", [])) if isinstance(seen, dict) else []
    if any(isinstance(e, dict) and e.get("object") == "ellipsis" for e in inside):
        return exercise._verdict(False, "Not attempted yet.", attempted=False)
    evidence = {"came": show_encoded(seen)}
    if isinstance(due, dict) and ("list" in due or "tuple" in due):
        as_tuple = due.get("list", due.get("tuple"))
        if isinstance(seen, dict) and "tensor" in seen and len(seen["shape"]) == 1:
            seen = {"list": [{"number": v} for v in seen["tensor"]]}
        if _value_agrees(seen, due):
            return exercise._verdict(True, f"Right: all {len(as_tuple)} items.")
        return _grade_items(exercise, seen, as_tuple, evidence)
    if _value_agrees(seen, due):
        return exercise._verdict(True, "Right.")
    for wrong in exercise.wrong:
        if _value_agrees(seen, encode(wrong.answer() if callable(wrong.answer) else wrong.answer)):
            return exercise._verdict(False, wrong.message, wrong.misconception, evidence)
    return exercise._verdict(False, _wrong_form(seen, due) or "Not the value that is due.", None, evidence)


def _value_agrees(seen, due):
    if (
        isinstance(due, dict)
        and isinstance(seen, dict)
        and "tensor" in seen
        and seen["shape"] == []
        and "number" in due
    ):
        seen = {"number": seen["tensor"]}
    return difference(seen, due, VALUE_RTOL, 1e-9) is None and isinstance(seen, bool) == isinstance(due, bool)


def _wrong_form(seen, due):
    if seen is None:
        return "None came: did you assign the result of a function that returns nothing?"
    if isinstance(due, dict) and "number" in due:
        if isinstance(seen, dict) and "text" in seen:
            return "A text, not a number: take the quotes away."
        if not (isinstance(seen, dict) and ("number" in seen or seen.get("shape") == [])):
            return "One number is asked for, and something else came."
    return None


def _grade_items(exercise, seen, due, evidence):
    for wrong in exercise.wrong:
        if _value_agrees(seen, encode(wrong.answer() if callable(wrong.answer) else wrong.answer)):
            return exercise._verdict(False, wrong.message, wrong.misconception, evidence)
    items = seen.get("list", seen.get("tuple")) if isinstance(seen, dict) else None
    if items is None or len(items) != len(due):
        return exercise._verdict(False, f"{len(due)} items are asked for, in order.", None, evidence)
    failed = [k for k, (s, d) in enumerate(zip(items, due, strict=True)) if not _value_agrees(s, d)]
    if 2 * len(failed) > len(due):
        return exercise._verdict(False, f"{len(failed)} of {len(due)} items are not right yet.", None, evidence)
    message, misconception = exercise.items[failed[0]] if exercise.items else ("Not right yet.", None)
    return exercise._verdict(False, f"Item {failed[0] + 1}: {message}", misconception, evidence)
