"""What a failed answer showed, and the traits by which a mistake is recognised."""

from collections.abc import Callable
from dataclasses import dataclass

from .record import close, numbers

SLIPS = {"NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError"}


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

    @property
    def crashed(self) -> bool:
        """Did the answer never get as far as a result, so that no behaviour can be told?

        PyTorch's RuntimeErrors are left out: they are behaviour, which symptoms tell apart by what led to them.
        """
        return self.kind == "raised" and all(s["raised"] and s["raised"][0] != "RuntimeError" for s in self.seen)

    @property
    def slipped(self) -> bool:
        """Did it stop at a word that Python does not know, which says nothing about the mathematics?"""
        return self.kind == "raised" and bool(self.record["raised"]) and self.record["raised"][0] in SLIPS

    def ratios(self) -> list[tuple[float, int]]:
        """(seen / due, size) for every record of the same form whose numbers all stand in one ratio; else an empty list."""
        out = []
        for s, d in zip(self.seen, self.due, strict=False):
            if s["raised"] and d["raised"]:
                continue
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


@dataclass(frozen=True)
class Symptom:
    """A mistake that is recognised by a trait of the record rather than by one particular wrong answer."""

    message: str
    misconception: str | None
    shows: Callable[["Facts"], bool]
    of_error: bool = False  # it is the exception that tells, so it may speak where nothing but exceptions came
    of_end: bool = False  # it is the end of the run that tells, so it may speak where every record that came is right

    def may_speak(self, facts: Facts) -> bool:
        """Has the answer shown enough for this symptom to look at?"""
        return (self.of_error or not facts.crashed) and (self.of_end or facts.kind != "missing")
