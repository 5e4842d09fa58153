"""Exercises, verdicts, hints and progress: `from helpers.checks import check, hint, progress`.

`check("1.3", loss_gradient)` shows a verdict in the notebook, `grade` returns it. How a verdict is found stands in
`exercise`, how an answer is kept from doing harm in `guard`, and the exercises in one module a chapter (`ch01`, …).
"""

import importlib
import os
import pkgutil
from functools import cache
from html import escape
from typing import Any

from . import guard
from .exercise import Exercise
from .progress import Progress
from .verdict import Verdict

__all__ = ["check", "exercises", "grade", "hint", "progress", "Exercise", "Verdict"]

_progress = Progress()


@cache
def _catalogue() -> dict[str, Exercise]:
    names = sorted(m.name for m in pkgutil.iter_modules(__path__) if m.name.startswith("ch"))
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {e.id: e for module in modules for e in module.EXERCISES}


def exercises() -> list[Exercise]:
    """Every exercise of the course, in order, with `id`, `title`, `chapter`, `points` and `reference`.

    Raises RuntimeError while an answer runs: an answer is not to borrow the reference.
    """
    if guard.sealed:
        raise RuntimeError("the list of exercises is closed while an answer runs")
    return list(_catalogue().values())


def _find(id: str) -> Exercise:
    try:
        return _catalogue()[str(id)]
    except KeyError:
        near = [e for e in _catalogue() if e.split(".")[0] == str(id).split(".")[0]]
        known = f"chapter {near[0].split('.')[0]} has {', '.join(near)}" if near else 'ids look like "1.3"'
        raise KeyError(f"there is no exercise {id!r}: {known}") from None


def grade(id: str, answer: Any) -> Verdict:
    """The verdict on an answer to exercise `id`, in at most 5 s whatever the answer does.

    answer: what the exercise asks for: a function, a class, a value, or a tuple of them in the order of the task.
    Raises KeyError for an id that no exercise has.
    """
    return _find(id).grade(answer)


def check(id: str, answer: Any) -> Verdict:
    """The verdict, for a notebook to show; it is written down for `progress()`.

    Under nbgrader's autograder an answer that does not pass raises AssertionError, which is how nbgrader counts points.
    """
    verdict = grade(id, answer)
    _progress.note(verdict)
    if os.environ.get("NBGRADER_EXECUTION") and not verdict.passed:
        raise AssertionError(verdict.message)
    return verdict


class Hints:
    """Hints that open one by one, each inside the one before."""

    def __init__(self, exercise: Exercise):
        self.exercise = exercise

    def __repr__(self):
        return f"{len(self.exercise.hints)} hints for exercise {self.exercise.id}, to be opened one by one"

    def _repr_html_(self):
        html = f"<p>The worked answer stands in <code>solutions/</code>, exercise {self.exercise.id}.</p>"
        html = f"<details><summary>Still stuck?</summary>{html}</details>"
        for k in range(len(self.exercise.hints), 0, -1):
            text = _markup(self.exercise.hints[k - 1])
            html = f"<details><summary>Hint {k} of {len(self.exercise.hints)}</summary><p>{text}</p>{html}</details>"
        return html


def _markup(text):
    """Backquotes become code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if k % 2 else part for k, part in enumerate(parts))


def hint(id: str) -> Hints:
    """The hints of exercise `id`, folded; each opens the next. Raises KeyError for an id that no exercise has."""
    return Hints(_find(id))


def progress() -> Progress:
    """What has been checked so far, chapter by chapter."""
    return _progress.of(exercises())
