"""Which cell begins a slide, which is said instead of shown: rules that read a cell's text and tags, nothing else.

An author's own `slideshow.slide_type` always wins. Otherwise

- a heading of level 1 or 2 begins a slide, one of level 3 a slide below it;
- a prediction, a formula on its own line, a table, a picture or a question with a folded answer is shown; other prose
  is for the speaker's notes;
- a code cell is shown with its heading; where the slide has one already that shows a result, it gets a slide below;
- set-up, hints, and the cells in which an exercise is solved and checked are left out.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

HEADING = re.compile(r"^(#{1,6})\s+\S", re.MULTILINE)
PREDICT = re.compile(r"^\*\*Predict\b", re.MULTILINE)
SHOWN = re.compile(r"^\$\$|^\|.*\|$|!\[[^\]]+\]\(|^\\begin\{|<img\b|<summary>", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
EXERCISE = re.compile(r"^#+ Exercise\b", re.MULTILINE)
CHECK = re.compile(r"^check\(", re.MULTILINE)
IMPORTS_ONLY = re.compile(r"(\s*((import|from)\s.*|#.*)?\n)*\Z")
# The last line of a cell that prints nothing: of a body, an assignment, an import.
SILENT = re.compile(r"\s+\S|[\w., \[\]*]+ = |import |from ")
MAX_SILENT_LINES = 8
HINT = re.compile(r"^hint\(|<summary>\s*Hint\b", re.MULTILINE)


def slide_types(cells: Sequence[dict]) -> list[str | None]:
    """For each nbformat cell: "slide", "subslide", "fragment", "notes", "skip", or None to continue the slide."""
    types: list[str | None] = []
    place = Place()
    for cell in cells:
        kind = cell["metadata"].get("slideshow", {}).get("slide_type")
        if heading_level(cell):
            place.in_section |= heading_level(cell) >= 2
            place.in_exercise = bool(EXERCISE.search(cell["source"]))
        if kind in (None, "", "-"):
            kind = of_cell(cell, place)
        types.append(kind)
        if kind in ("slide", "subslide"):
            place.is_full, place.code_lines = False, 0
        if kind not in ("notes", "skip"):
            place.add(cell)
    return types


@dataclass
class Place:
    """Where in a chapter a cell stands, as far as the rules ask."""

    in_section: bool = False
    in_exercise: bool = False
    is_full: bool = False  # whether the slide holds a result, a formula, a table or a picture already
    code_lines: int = 0

    def add(self, cell: dict) -> None:
        source = cell["source"].rstrip()
        if cell["cell_type"] == "code":
            self.code_lines += source.count("\n") + 1
            self.is_full = not SILENT.match(source.split("\n")[-1]) or self.code_lines > MAX_SILENT_LINES
        else:
            self.is_full |= bool(SHOWN.search(source))


def of_cell(cell: dict, place: Place) -> str | None:
    source = cell["source"]
    if cell["cell_type"] == "raw" or not source.strip() or HINT.search(source):
        return "skip"
    if cell["cell_type"] == "code":
        solved_here = "nbgrader" in cell["metadata"] or (place.in_exercise and CHECK.search(source))
        is_set_up = not place.in_section or IMPORTS_ONLY.match(source + "\n")
        if solved_here or "### BEGIN SOLUTION" in source or is_set_up:
            return "skip"
        return "subslide" if place.is_full else None
    if level := heading_level(cell):
        return "slide" if level <= 2 else "subslide"
    if PREDICT.search(source) or SHOWN.search(FENCE.sub("", source)):
        return "subslide" if place.is_full or place.code_lines else None
    return "notes"


def heading_level(cell: dict) -> int:
    """The level of the highest heading in a Markdown cell; 0 without one, and for code."""
    if cell["cell_type"] != "markdown":
        return 0
    return min((len(found[1]) for found in HEADING.finditer(FENCE.sub("", cell["source"]))), default=0)
