"""What a student has solved so far: a small file beside the student's notebooks, and nothing anywhere else."""

import json
import os
from html import escape
from pathlib import Path

FILE = ".progress.json"  # `make lab` lays it beside the working copies; without it progress lasts as long as the kernel


class Progress:
    """Verdicts by exercise: `note` writes one down, `of` gives a view on a list of exercises that a notebook can show."""

    def __init__(self, exercises=(), seen=None):
        self.exercises = list(exercises)
        self.seen = {} if seen is None else seen

    def note(self, verdict):
        """Once passed, an exercise stays passed; an untouched stub is no attempt."""
        if not verdict.attempted:
            return
        self._load()
        if self.seen.get(verdict.exercise) != "passed":
            self.seen[verdict.exercise] = "passed" if verdict.passed else "tried"
        self._save()

    def of(self, exercises):
        self._load()
        return Progress(exercises, self.seen)

    def _load(self):
        try:
            stored = json.loads(Path(FILE).read_text())
        except (OSError, ValueError):
            return  # no file: this kernel's memory is all there is
        for id, state in stored.items() if isinstance(stored, dict) else ():
            if self.seen.get(id) != "passed" and state in ("passed", "tried"):
                self.seen[id] = state

    def _save(self):
        path = Path(FILE)
        if path.exists():
            whole = path.with_suffix(f".{os.getpid()}.tmp")
            whole.write_text(json.dumps(self.seen, indent=1, sort_keys=True))
            whole.replace(path)  # all or nothing

    def _rows(self):
        for chapter in sorted({e.chapter for e in self.exercises}):
            own = [e for e in self.exercises if e.chapter == chapter]
            yield chapter, [(e, self.seen.get(e.id)) for e in own]

    def __repr__(self):
        lines = []
        for chapter, row in self._rows():
            marks = " ".join({"passed": "✓", "tried": "✗"}.get(state, "·") for _, state in row)
            lines.append(f"chapter {chapter:>2}  {marks}")
        return "\n".join(lines)

    def _repr_html_(self):
        rows = ""
        for chapter, row in self._rows():
            cells = "".join(_cell(e, state) for e, state in row)
            rows += (
                f'<tr><th style="text-align:left">Chapter {chapter}</th><td style="text-align:left">{cells}</td></tr>'
            )
        return f"<p>Your progress: ✓ solved, ✗ tried, · open</p><table>{rows}</table>"


def _cell(exercise, state):
    mark = {"passed": "✓", "tried": "✗"}.get(state, "·")
    colour = {"passed": "#009E73", "tried": "#D55E00"}.get(state, "inherit")
    return (
        f'<span title="{escape(exercise.id + " " + exercise.title)}" '
        f'style="color:{colour};margin-right:.9em;white-space:nowrap">{mark}&thinsp;{escape(exercise.id)}</span>'
    )
