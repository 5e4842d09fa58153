"""What a check answers: the verdict, and how it looks in a notebook."""

from dataclasses import dataclass, field
from html import escape


@dataclass(frozen=True)
class Verdict:
    """The answer of a check.

    passed: the answer's behaviour agrees with the reference in every trial.
    message: one or two sentences for the student.
    misconception: the id in the catalogue ("M28") that the behaviour shows, or None.
    evidence: "tried", "came", "due" as short texts, and "printed" where the answer printed something.
    attempted: False while the stub is untouched.
    """

    passed: bool
    message: str
    misconception: str | None = None
    evidence: dict = field(default_factory=dict)
    attempted: bool = True
    exercise: str = ""

    @property
    def _mark(self):
        if not self.attempted:
            return "○"
        return "✓" if self.passed else "✗"

    def __repr__(self):
        lines = [f"{self._mark} {self.exercise}  {self.message}"]
        lines += [f"    {name}: {text}" for name, text in self.evidence.items()]
        return "\n".join(lines)

    def _repr_html_(self):
        colour = "#56B4E9" if not self.attempted else "#009E73" if self.passed else "#D55E00"
        rows = "".join(
            f'<div style="display:flex;gap:.8em"><span style="min-width:4.5em;opacity:.75">{escape(name)}</span>'
            f'<code style="white-space:pre-wrap;background:none">{escape(text)}</code></div>'
            for name, text in self.evidence.items()
        )
        return (
            f'<div role="status" style="border-left:5px solid {colour};padding:.35em .9em;margin:.2em 0">'
            f"<b>{self._mark} {escape(self.exercise)}</b>&ensp;{escape(self.message)}{rows}</div>"
        )
