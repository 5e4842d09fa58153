"""Which cell begins a slide, which is said instead of shown: rules that read a cell's text and tags, nothing else.

An author's own `slideshow.slide_type` always wins. Otherwise

- a heading of level 1 or 2 begins a slide, one of level 3 a slide below it;
- a prediction, a formula on its own line, a table or a picture is shown; other prose is for the speaker's notes;
- a code cell is shown with its heading; where the slide has one already, it gets a slide below;
- the set-up before the first section, exercise stubs, checks and hints are left out.
"""

import re
from collections.abc import Sequence

HEADING = re.compile(r"^(#{1,6})\s+\S", re.MULTILINE)
PREDICT = re.compile(r"^\*\*Predict\b", re.MULTILINE)
SHOWN = re.compile(r"^\$\$|^\|.*\|$|!\[[^\]]+\]\(|^\\begin\{|<img\b", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.MULTILINE | re.DOTALL)
COURSE_CALL = re.compile(r"^\s*(check|hint|progress)\(", re.MULTILINE)
FOR_STUDENTS_ONLY = {"exercise", "solution", "check", "hint"}


def slide_types(cells: Sequence[dict]) -> list[str | None]:
    """For each nbformat cell: "slide", "subslide", "fragment", "notes", "skip", or None to continue the slide."""
    types: list[str | None] = []
    in_section, has_code, has_prose = False, False, False
    for cell in cells:
        kind = cell["metadata"].get("slideshow", {}).get("slide_type")
        if kind in (None, "", "-"):
            kind = of_cell(cell, in_section, has_code, has_prose)
        types.append(kind)
        if kind in ("slide", "subslide"):
            has_code = has_prose = False
        if kind not in ("notes", "skip"):
            has_code |= cell["cell_type"] == "code"
            has_prose |= cell["cell_type"] == "markdown" and not heading_level(cell)
        in_section |= heading_level(cell) == 2
    return types


def of_cell(cell: dict, in_section: bool, has_code: bool, has_prose: bool) -> str | None:
    """The rule for one cell, given whether a section has begun and what the slide before it holds."""
    source = cell["source"]
    if cell["cell_type"] == "raw" or not source.strip() or for_students_only(cell):
        return "skip"
    if cell["cell_type"] == "code":
        if not in_section:
            return "skip"
        return "subslide" if has_code else None
    if level := heading_level(cell):
        return "slide" if level <= 2 else "subslide"
    if PREDICT.search(source) or SHOWN.search(FENCE.sub("", source)):
        return "subslide" if has_code or has_prose else None
    return "notes"


def for_students_only(cell: dict) -> bool:
    """Whether a cell belongs to the work on an exercise: its stub, its check, a hint."""
    if "nbgrader" in cell["metadata"] or FOR_STUDENTS_ONLY & set(cell["metadata"].get("tags", [])):
        return cell["cell_type"] == "code" or not heading_level(cell)
    if cell["cell_type"] == "code":
        return bool(COURSE_CALL.search(cell["source"])) or "### BEGIN SOLUTION" in cell["source"]
    return bool(re.match(r"<details>\s*<summary>\s*Hint", cell["source"]))


def heading_level(cell: dict) -> int:
    """The level of the highest heading in a Markdown cell; 0 without one, and for code."""
    if cell["cell_type"] != "markdown":
        return 0
    return min((len(found[1]) for found in HEADING.finditer(FENCE.sub("", cell["source"]))), default=0)
