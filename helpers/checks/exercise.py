"""An exercise, and how its verdict is found.

One idea carries every check: a *probe* is an experiment that calls an answer and writes down what it sees, and it is run
on the student's answer and on the reference alike. Where the two records agree, the answer passes. Where they
do not, the probe is run on the wrong answers that the exercise knows; the first whose record agrees with the
student's names the mistake. Symptoms (a value twice too large, an argument that was changed) name what is left.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import repeat
from typing import Any

from . import guard
from .facts import Facts, Symptom
from .record import Draw, difference, encode, record_difference, show_encoded
from .symptoms import GENERIC, NOTHING, fallback
from .verdict import Verdict

SECONDS, VERDICT_SECONDS = 3.8, 4.7  # what an answer may take, and what its verdict may take in all
RTOL, VALUE_RTOL = 1e-6, 1e-3  # behaviour is compared in float64; a value is read off a page


@dataclass(frozen=True)
class Wrong:
    """A wrong answer that the catalogue knows: what it says to the student, its misconception (or None), and the answer."""

    message: str
    misconception: str | None
    answer: Any


@dataclass(frozen=True)
class Exercise:
    """One exercise: a function (or several, or a class) that a probe tries, or a value.

    reference: an answer that passes. For a value exercise, the value itself, or a function without arguments that computes it.
    probe: generator function `probe(answer, draw)` of records (see `trial`); None for a value exercise.
    wrong, symptoms: the catalogue, in the order in which it is tried.
    items: for a value that is a list or tuple, one (message, misconception) per item, for the item that fails.
    before: called once, before the clock starts: what each forked copy would otherwise import anew.
    rtol, atol: how far numbers may differ; a value may be off by a thousandth unless it is a count (rtol=0).
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
    rtol: float | None = None
    atol: float = 1e-8
    seconds: float = SECONDS
    before: Callable[[], Any] | None = None
    _records: dict = field(default_factory=dict, repr=False, compare=False)

    def __post_init__(self):
        if self.rtol is None:
            object.__setattr__(self, "rtol", VALUE_RTOL if self.probe is None else RTOL)

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

    def _wrong_records(self, seed, seconds):
        """The record of every wrong answer, in the catalogue's order, all from one forked copy; what time allows."""
        if ("wrong", seed) not in self._records:

            def all_of_them(answers):
                for k, answer in enumerate(answers):
                    for record in self.probe(answer, Draw(seed)):
                        yield [k, record]

            found, end, _ = guard.observe(all_of_them, [w.answer for w in self.wrong], seconds)
            records = [[r for n, r in found if n == k] for k in range(len(self.wrong))]
            if end == "timeout":
                return records  # a busy machine: the next call may get further
            self._records["wrong", seed] = records
        return self._records["wrong", seed]


# --- the verdict on behaviour ------------------------------------------------------------------------------


def _grade_behaviour(exercise, answer, seed):
    """Each part of an answer that a probe can try is a function or a class."""
    parts = tuple(answer) if isinstance(answer, (tuple, list)) else (answer,)
    if any(part is ... for part in parts):
        return exercise._verdict(False, "Not attempted yet.", attempted=False)
    count = len(exercise.reference) if isinstance(exercise.reference, tuple) else 1
    if len(parts) != count or not all(callable(part) for part in parts):
        came = ", ".join(type(part).__name__ for part in parts)
        wanted = "A function is asked for" if count == 1 else f"{count} functions are asked for"
        return exercise._verdict(False, f"{wanted}: hand over the name without parentheses.", None, {"came": came})
    if exercise.before is not None:
        exercise.before()
    deadline = time.monotonic() + VERDICT_SECONDS
    seen, end, printed = guard.observe(lambda a: exercise.probe(a, Draw(seed)), answer, exercise.seconds)
    due = exercise._due(seed)
    kinds = [record_difference(s, d, exercise.rtol, exercise.atol) for s, d in zip(seen, due, strict=False)]
    unwritten = any(s["raised"] and tuple(s["raised"]) == ("NotImplementedError", "") for s in seen)
    if unwritten and not any(kind is None and not s["raised"] for s, kind in zip(seen, kinds, strict=False)):
        return exercise._verdict(False, "Not attempted yet.", attempted=False)
    if end == "done" and len(seen) == len(due) and not any(kinds):
        tried = len(due)
        return exercise._verdict(True, f"Right: agrees with the reference in all {tried} trials.")
    first = next((i for i, kind in enumerate(kinds) if kind), min(len(seen), len(due) - 1))
    facts = Facts(seen, due, end, kinds, first, exercise.rtol)
    message, misconception, shown = _diagnose(exercise, facts, seed, deadline - time.monotonic())
    evidence = _evidence(replace(facts, first=shown))
    if printed.strip():
        evidence["printed"] = printed.strip()[:300]
    return exercise._verdict(False, message, misconception, evidence)


def _diagnose(exercise, facts, seed, seconds):
    if facts.end == "done":
        for wrong, records in zip(exercise.wrong, exercise._wrong_records(seed, seconds), strict=True):
            if len(records) == len(facts.seen) and all(map(_agree, facts.seen, records, repeat(exercise))):
                return wrong.message, wrong.misconception, facts.first
    if facts.slipped:
        return fallback(facts), None, facts.first
    for symptom in (NOTHING, *exercise.symptoms, *GENERIC):
        try:
            if symptom.may_speak(facts) and symptom.shows(facts):
                return symptom.message, symptom.misconception, _trial_that_shows(symptom, facts)
        except Exception:
            continue  # the record has not the form that this symptom looks for
    return fallback(facts), None, facts.first


def _trial_that_shows(symptom, facts):
    """The first trial that shows the symptom by itself; where only several together do, the first that differs."""
    for place, kind in enumerate(facts.kinds):
        alone = Facts([facts.seen[place]], [facts.due[place]], facts.end, [kind], 0, facts.rtol)
        with suppress(Exception):
            if kind and symptom.shows(alone):
                return place
    return facts.first


def _agree(one, other, exercise):
    """Do two records show the same behaviour, whichever of them is taken for the due one?"""
    rtol, atol = 10 * exercise.rtol, exercise.atol
    return not record_difference(one, other, rtol, atol) and not record_difference(other, one, rtol, atol)


def _evidence(facts):
    due = facts.wanted
    tried = due["tried"] + (" (called a second time)" if due.get("call") == "again" else "")
    evidence = {"tried": tried} if tried else {}
    if facts.record is None:
        evidence["came"] = "nothing" if facts.end == "timeout" else f"the run ended: {facts.end}"
    elif facts.record["raised"]:
        evidence["came"] = ": ".join(facts.record["raised"])
    elif facts.kind == "after":
        return evidence | _side_by_side(facts.record.get("after"), due["after"])
    elif facts.kind in ("mode", "changed"):
        return evidence
    elif not due["raised"]:
        return evidence | _side_by_side(facts.record["value"], due["value"])
    else:
        evidence["came"] = show_encoded(facts.record["value"])
    evidence["due"] = ": ".join(due["raised"]) if due["raised"] else show_encoded(due["value"])
    return evidence


def _side_by_side(came, due):
    """What came and what is due as text; of two dictionaries with the same keys only the entries that differ."""
    if all(isinstance(x, dict) and "dict" in x for x in (came, due)):
        one, other = came["dict"], due["dict"]
        if one != other and [key for key, _ in one] == [key for key, _ in other]:
            came = {"dict": [entry for entry in one if entry not in other]}
            due = {"dict": [entry for entry in other if entry not in one]}
    texts = [{"came": show_encoded(came, digits), "due": show_encoded(due, digits)} for digits in (4, 8, 16)]
    return next((text for text in texts if text["came"] != text["due"]), texts[0])


# --- the verdict on a value --------------------------------------------------------------------------------


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
        if isinstance(seen, dict) and ("tensor" in seen or "array" in seen) and len(seen["shape"]) == 1:
            inside = seen.get("tensor", seen.get("array"))
            seen = {"list": [v if isinstance(v, bool) else {"number": v} for v in inside]}
        if _value_agrees(seen, due, exercise.rtol):
            return exercise._verdict(True, f"Right: all {len(as_tuple)} items.")
        return _grade_items(exercise, seen, as_tuple, evidence)
    if _value_agrees(seen, due, exercise.rtol):
        return exercise._verdict(True, "Right.")
    for wrong in exercise.wrong:
        if _value_agrees(seen, encode(wrong.answer() if callable(wrong.answer) else wrong.answer), exercise.rtol):
            return exercise._verdict(False, wrong.message, wrong.misconception, evidence)
    return exercise._verdict(False, _wrong_form(seen, due) or "Not the value that is due.", None, evidence)


def _value_agrees(seen, due, rtol):
    if (
        isinstance(due, dict)
        and isinstance(seen, dict)
        and "tensor" in seen
        and seen["shape"] in ([], [1])
        and "number" in due
    ):
        seen = {"number": seen["tensor"][0] if seen["shape"] else seen["tensor"]}
    return difference(seen, due, rtol, 1e-9) is None and isinstance(seen, bool) == isinstance(due, bool)


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
        if _value_agrees(seen, encode(wrong.answer() if callable(wrong.answer) else wrong.answer), exercise.rtol):
            return exercise._verdict(False, wrong.message, wrong.misconception, evidence)
    items = seen.get("list", seen.get("tuple")) if isinstance(seen, dict) else None
    if items is None or len(items) != len(due):
        return exercise._verdict(False, f"{len(due)} items are asked for, in order.", None, evidence)
    failed = [k for k, (s, d) in enumerate(zip(items, due, strict=True)) if not _value_agrees(s, d, exercise.rtol)]
    if 2 * len(failed) > len(due):
        return exercise._verdict(False, f"{len(failed)} of {len(due)} items are not right yet.", None, evidence)
    message, misconception = exercise.items[failed[0]] if exercise.items else ("Not right yet.", None)
    return exercise._verdict(False, f"Item {failed[0] + 1}: {message}", misconception, evidence)
