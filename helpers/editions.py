"""From one source to every edition: `python -m helpers.editions` (`make editions`).

    solutions/NN_slug.md  ->  solutions/NN_slug.ipynb  executed, outputs kept
                          ->  notebooks/NN_slug.ipynb  solution regions become stubs, outputs cleared
                          ->  build/slides/NN_slug.html and .pdf

Whatever can be derived is derived here and not written by hand: cell ids, nbgrader's metadata (an exercise is the cell
with a solution region, its check the cell that calls `check`), slide types. Running it twice changes nothing; a notebook
is executed again only when its code has changed, or with --execute.
"""

import argparse
import hashlib
import os
import re
import sys
from pathlib import Path

import jupytext
import nbformat

from .checks import exercises

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "solutions"
STUDENTS = ROOT / "notebooks"
SLIDES = ROOT / "build" / "slides"

REGION = re.compile(r"^([ \t]*)### BEGIN SOLUTION\n(.*?)^[ \t]*### END SOLUTION[ \t]*\n?", re.S | re.M)
STUB = re.compile(r"^[ \t]*### BEGIN STUB\n(.*?)^[ \t]*### END STUB[ \t]*\n?", re.S | re.M)
CHECK = re.compile(r"^check\(\"(\d+\.\d+)\"", re.M)
HINT = re.compile(r"^hint\(\"(\d+\.\d+)\"\)", re.M)
ASSIGNED = re.compile(r"^([A-Za-z_]\w*(?:, *[A-Za-z_]\w*)*) *=(?!=)", re.M)

METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


class EditionError(Exception):
    """A source that no edition can be made from; the message names the file, the cell and the mend."""


# --- source to solution notebook -----------------------------------------------------------------------------


def read_source(path: Path) -> nbformat.NotebookNode:
    """The notebook that a MyST source describes, with every derived id and metadata, not executed.

    Raises EditionError for a region that is not closed or an exercise that no check module has.
    """
    notebook = jupytext.reads(path.read_text(encoding="utf-8"), fmt="md:myst")
    notebook.metadata = nbformat.from_dict({**METADATA, "title": _title(notebook, path)})
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for cell in notebook.cells:
        cell.source = cell.source.rstrip()
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    _mark_exercises(notebook.cells, path)
    _mark_slides(notebook.cells)
    _give_ids(notebook.cells)
    nbformat.validate(notebook)
    return notebook


def _title(notebook, path):
    match = re.match(r"# (.+)", notebook.cells[0].source) if notebook.cells else None
    if not match:
        raise EditionError(f"{path.name}: the first cell is the title: it starts with `# `")
    return match[1].strip()


def _mark_exercises(cells, path):
    """nbgrader's metadata: the last cell with a solution region before a check is what that check grades."""
    known = {e.id: e for e in exercises()}
    open_cell = None
    for cell in cells:
        if cell.cell_type != "code":
            continue
        if cell.source.count("### BEGIN SOLUTION") != len(REGION.findall(cell.source + "\n")):
            raise EditionError(f"{path.name}: a solution region is not closed: {cell.source[:60]!r}")
        if "### BEGIN SOLUTION" in cell.source:
            open_cell = cell
        elif check := CHECK.search(cell.source):
            id = check[1]
            if id not in known:
                raise EditionError(f"{path.name}: no exercise {id} in helpers/checks")
            if open_cell is not None:
                _grade_metadata(open_cell, f"exercise-{id.replace('.', '-')}", solution=True)
                open_cell = None
                _grade_metadata(cell, f"check-{id.replace('.', '-')}", points=known[id].points)
                cell.metadata.update(editable=False, deletable=False)


def _grade_metadata(cell, grade_id, solution=False, points=None):
    cell.metadata["nbgrader"] = {
        "grade": points is not None,
        "grade_id": grade_id,
        "locked": not solution,
        "schema_version": 3,
        "solution": solution,
        "task": False,
    }
    if points is not None:
        cell.metadata["nbgrader"]["points"] = points
    cell.metadata["deletable"] = False


def _mark_slides(cells):
    from .slides import slide_types

    for cell, kind in zip(cells, slide_types(cells), strict=True):
        if "slideshow" not in cell.metadata and kind:
            cell.metadata["slideshow"] = {"slide_type": kind}


def _give_ids(cells):
    """An exercise's cells are called after it; any other cell after its text, so that an insertion moves no id."""
    seen = {}
    for cell in cells:
        if "nbgrader" in cell.metadata:
            cell["id"] = cell.metadata["nbgrader"]["grade_id"]
        elif cell.cell_type == "code" and (found := HINT.search(cell.source)):
            cell["id"] = f"hint-{found[1].replace('.', '-')}"
        else:
            digest = hashlib.sha1(f"{cell.cell_type}\n{cell.source}".encode()).hexdigest()[:10]
            seen[digest] = seen.get(digest, 0) + 1
            cell["id"] = digest if seen[digest] == 1 else f"{digest}-{seen[digest]}"


def solution_notebook(source: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The solution edition: as the source, without the text that only the student's stub needs."""
    notebook = nbformat.from_dict(source)
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = STUB.sub("", cell.source + "\n").rstrip()
    return notebook


# --- executing -----------------------------------------------------------------------------------------------


def same_code(a: nbformat.NotebookNode, b: nbformat.NotebookNode) -> bool:
    """Would both notebooks run the same code?"""

    def code(notebook):
        return [
            (c.source, "raises-exception" in c.metadata.get("tags", []))
            for c in notebook.cells
            if c.cell_type == "code"
        ]

    return code(a) == code(b)


def take_outputs(notebook, executed):
    """The outputs and counts of an executed notebook with the same code."""
    pairs = zip(
        (c for c in notebook.cells if c.cell_type == "code"),
        (c for c in executed.cells if c.cell_type == "code"),
        strict=True,
    )
    for cell, old in pairs:
        cell.outputs, cell.execution_count = old.outputs, old.execution_count


def execute(notebook: nbformat.NotebookNode, name: str, kernel: str = "python3") -> None:
    """Run every cell, in order, in a fresh kernel. Raises EditionError for an error that no tag announces, or the reverse."""
    import tempfile

    from nbclient import NotebookClient

    os.environ["OMP_NUM_THREADS"] = "1"  # sums over many numbers depend on the number of threads
    with tempfile.TemporaryDirectory() as folder:
        client = NotebookClient(
            notebook,
            timeout=120,
            kernel_name=kernel,
            allow_errors=True,
            record_timing=False,
            store_widget_state=False,
            resources={"metadata": {"path": folder}},
        )
        client.execute()
    notebook.metadata.pop("widgets", None)
    notebook.metadata["language_info"] = dict(METADATA["language_info"])
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.metadata.pop("execution", None)
            cell.outputs = _joined([_clean(output) for output in cell.outputs])
            _compare_with_tag(cell, name)


def _clean(output):
    """An output without what differs from run to run or names this machine: model ids, paths, tracebacks."""
    if output.output_type == "error":
        output.traceback = [f"{output.ename}: {output.evalue}"]
    if "data" in output:
        output.data.pop("application/vnd.jupyter.widget-view+json", None)
    return output


def _joined(outputs):
    """What a cell printed in several pieces as one: where the pieces end differs from run to run."""
    joined = []
    for output in outputs:
        if joined and output.output_type == "stream" and joined[-1].get("name") == output.name:
            joined[-1].text += output.text
        else:
            joined.append(output)
    return joined


def _compare_with_tag(cell, name):
    raised = next((o for o in cell.outputs if o.output_type == "error"), None)
    announced = "raises-exception" in cell.metadata.get("tags", [])
    if raised and not announced:
        raise EditionError(f"{name}: {raised.ename}: {raised.evalue}\n    in the cell\n{cell.source}")
    if announced and not raised:
        raise EditionError(f"{name}: a cell tagged raises-exception raised nothing:\n{cell.source}")


# --- the student edition -------------------------------------------------------------------------------------


def student_notebook(source: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The student edition: stubs for solution regions, nothing executed, no cell that is the instructor's alone."""
    notebook = nbformat.from_dict(source)
    notebook.cells = [c for c in notebook.cells if "instructor" not in c.metadata.get("tags", [])]
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.source = stub_of(cell.source)
            cell.outputs, cell.execution_count = [], None
    nbformat.validate(notebook)
    return notebook


def stub_of(code: str) -> str:
    """The student's version of a cell: an own stub where the cell brings one, else `name = ...` or NotImplementedError."""
    code += "\n"
    own = STUB.search(code)
    code = STUB.sub("", code)
    if own:
        if len(REGION.findall(code)) != 1:
            raise EditionError(f"a cell with a stub of its own needs exactly one solution region: {code[:60]!r}")
        lines = [re.sub(r"^([ \t]*)# ?", r"\1", line) for line in own[1].splitlines()]
        return REGION.sub(lambda _: "\n".join(lines) + "\n", code, count=1).rstrip()

    def stub(match):
        indent, body = match[1], match[2]
        names = [name for line in ASSIGNED.findall(body) for name in line.replace(" ", "").split(",")]
        if indent or not names:
            return f"{indent}raise NotImplementedError  # your code here\n"
        return "".join(f"{name} = ...\n" for name in dict.fromkeys(names))

    return REGION.sub(stub, code).rstrip()


# --- all of it -----------------------------------------------------------------------------------------------


def write_whole(path: Path, notebook: nbformat.NotebookNode) -> bool:
    """Write a notebook whole or not at all; says whether anything changed."""
    text = nbformat.writes(notebook) + "\n"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)
    return True


def build(source: Path, again: bool = False) -> list[Path]:
    """Make the solution and the student notebook of one chapter; returns the files that changed."""
    template = read_source(source)
    solution = solution_notebook(template)
    target = source.with_suffix(".ipynb")
    old = nbformat.read(target, 4) if target.exists() else None
    if old is not None and not again and same_code(solution, old):
        take_outputs(solution, old)
    else:
        print(f"  {source.stem}: running", flush=True)
        execute(solution, source.name)
    changed = [target] if write_whole(target, solution) else []
    student = STUDENTS / target.name
    return changed + ([student] if write_whole(student, student_notebook(template)) else [])


def chapters(names=()) -> list[Path]:
    """The sources, all or those whose name starts with one of `names`. Raises EditionError for a name that fits none."""
    found = sorted(SOURCES.glob("[0-9][0-9]_*.md"))
    for name in names:
        if not any(p.stem.startswith(name) for p in found):
            raise EditionError(f"no chapter starts with {name!r}: there are {', '.join(p.stem for p in found)}")
    return [p for p in found if not names or any(p.stem.startswith(n) for n in names)]


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(prog="python -m helpers.editions", description=__doc__.split("\n")[0])
    parser.add_argument("chapter", nargs="*", help="a chapter's number or name; all chapters where none is given")
    parser.add_argument("--execute", action="store_true", help="run the notebooks again even where no code has changed")
    parser.add_argument("--no-slides", action="store_true", help="notebooks only")
    options = parser.parse_args(arguments)
    from . import slides

    try:
        for source in chapters(options.chapter):
            changed = build(source, options.execute)
            print(
                f"  {source.stem}: " + (", ".join(str(p.relative_to(ROOT)) for p in changed) or "up to date"),
                flush=True,
            )
            if not options.no_slides:
                deck = slides.build(source.with_suffix(".ipynb"), SLIDES)
                print(f"  {source.stem}: {deck.relative_to(ROOT)}", flush=True)
                slides.pdf(deck)
    except EditionError as error:
        print(f"editions: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
