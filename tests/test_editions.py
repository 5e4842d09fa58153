"""The chain of editions: what is committed is what the sources give, and the student edition tells no solution."""

import json
import re

import nbformat
import pytest

from helpers import editions
from helpers.checks import exercises
from helpers.editions import (
    ROOT,
    EditionError,
    chapters,
    read_source,
    same_code,
    solution_notebook,
    stub_of,
    student_notebook,
    take_outputs,
)

SOURCES = chapters()
NAMES = [p.stem for p in SOURCES]


def committed(source, folder):
    return nbformat.read(ROOT / folder / f"{source.stem}.ipynb", 4)


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_the_committed_editions_are_what_the_source_gives(source):
    template = read_source(source)
    solution, old = solution_notebook(template), committed(source, "solutions")
    assert same_code(solution, old), (
        f"{source.stem}: run `make editions`: the code has changed since the notebook was made"
    )
    take_outputs(solution, old)
    for folder, notebook in (("solutions", solution), ("notebooks", student_notebook(template))):
        text = (ROOT / folder / f"{source.stem}.ipynb").read_text(encoding="utf-8")
        assert text == nbformat.writes(notebook) + "\n", f"{folder}/{source.stem}.ipynb: run `make editions`"


def test_no_notebook_is_without_a_source():
    for folder in ("solutions", "notebooks"):
        assert sorted(p.stem for p in (ROOT / folder).glob("*.ipynb")) == NAMES


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_every_cell_of_the_solution_was_run_in_order(source):
    """nbval never compares a cell without a count: it would pass whatever it does."""
    notebook = committed(source, "solutions")
    counts = [c.execution_count for c in notebook.cells if c.cell_type == "code"]
    assert counts == list(range(1, len(counts) + 1))
    assert len({c.id for c in notebook.cells}) == len(notebook.cells)
    for cell in notebook.cells:
        raised = any(o.output_type == "error" for o in cell.get("outputs", []))
        assert raised == ("raises-exception" in cell.metadata.get("tags", [])), cell.source
        assert "attachments" not in cell


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_notebooks_hold_no_path_time_or_address_of_a_machine(source):
    for folder in ("solutions", "notebooks"):
        text = (ROOT / folder / f"{source.stem}.ipynb").read_text(encoding="utf-8")
        for pattern in (
            r"/home/\w+",
            r"/tmp/",
            r"site-packages",
            r"\b0x[0-9a-f]{6,}",
            r"20\d\d-\d\d-\d\dT\d\d:",
            r"/root/",
            str(ROOT),
        ):
            assert not re.search(pattern, text), f"{folder}/{source.stem}: {pattern}"


def solutions_of(source):
    """Every line that stands in a solution region and says something."""
    for cell in read_source(source).cells:
        for _, body in editions.REGION.findall(cell.source + "\n"):
            yield (
                cell.id,
                [
                    line.strip()
                    for line in body.splitlines()
                    if len(line.strip()) > 12 and not line.strip().startswith("#")
                ],
            )


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_the_student_edition_holds_no_trace_of_a_solution(source):
    path = ROOT / "notebooks" / f"{source.stem}.ipynb"
    text = path.read_text(encoding="utf-8")
    assert "SOLUTION" not in text and "BEGIN STUB" not in text
    cells = {c.id: c for c in committed(source, "notebooks").cells}
    assert not any(c.get("outputs") or c.get("execution_count") for c in cells.values())
    for id, lines in solutions_of(source):
        # A find-the-bug stub shares lines with its mended form, but not all of them in their order.
        stub = iter(line.strip() for line in cells[id].source.splitlines())
        assert not lines or not all(line in stub for line in lines), f"{id}: {lines}"
        assert "NotImplementedError" in cells[id].source or "= ..." in cells[id].source


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_every_exercise_of_the_chapter_has_its_cells_and_nbgrader_metadata(source):
    cells = {c.id: c for c in committed(source, "notebooks").cells}
    own = [e for e in exercises() if e.chapter == int(source.stem[:2])]
    for e in own:
        key = e.id.replace(".", "-")
        answer, check = cells[f"exercise-{key}"], cells[f"check-{key}"]
        assert answer.metadata.nbgrader.solution and not answer.metadata.nbgrader.grade
        assert check.metadata.nbgrader.grade and check.metadata.nbgrader.points == e.points
        assert f"hint-{key}" in cells
    graded = [c for c in cells.values() if c.metadata.get("nbgrader", {}).get("grade")]
    assert len(graded) == len(own)


def test_building_twice_changes_nothing(tmp_path, monkeypatch):
    source = tmp_path / "solutions" / "99_trial.md"
    source.parent.mkdir()
    source.write_text(TRIAL)
    monkeypatch.setattr(editions, "STUDENTS", tmp_path / "notebooks")
    assert len(editions.build(source)) == 2
    first = {p: p.read_bytes() for p in tmp_path.rglob("*.ipynb")}
    assert editions.build(source) == []
    assert editions.build(source, again=True) == []  # executed again, from nothing
    assert {p: p.read_bytes() for p in tmp_path.rglob("*.ipynb")} == first


TRIAL = """---
kernelspec: {name: python3, display_name: Python 3}
---

# 99 Trial

+++

## 99.1 A figure and an error

```{code-cell} ipython3
from helpers import plots
fig, ax = plots.axes("x", "y")
ax.plot([1, 2], [3, 5])
plots.show(fig, alt="a line that rises")
```

```{code-cell} ipython3
:tags: [raises-exception]

1 / 0
```

```{code-cell} ipython3
### BEGIN SOLUTION
coldest = 2
### END SOLUTION
```

```{code-cell} ipython3
from helpers.checks import check
check("0.1", coldest)
```
"""


# An error alone: a figure and an exercise import for seconds.
SHORT = """---
kernelspec: {name: python3, display_name: Python 3}
---

# 99 Trial

```{code-cell} ipython3
:tags: [raises-exception]

1 / 0
```
"""


def test_an_error_that_no_tag_announces_stops_the_edition(tmp_path, monkeypatch):
    monkeypatch.setattr(editions, "STUDENTS", tmp_path)
    source = tmp_path / "99_trial.md"
    source.write_text(SHORT.replace(":tags: [raises-exception]\n", ""))
    with pytest.raises(EditionError, match="ZeroDivisionError"):
        editions.build(source)


def test_an_announced_error_that_does_not_come_stops_the_edition(tmp_path, monkeypatch):
    monkeypatch.setattr(editions, "STUDENTS", tmp_path)
    source = tmp_path / "99_trial.md"
    source.write_text(SHORT.replace("1 / 0", "1 / 1"))
    with pytest.raises(EditionError, match="raised nothing"):
        editions.build(source)


def test_an_open_region_is_refused(tmp_path):
    source = tmp_path / "99_trial.md"
    source.write_text(TRIAL.replace("### END SOLUTION\n", ""))
    with pytest.raises(EditionError, match="not closed"):
        read_source(source)


@pytest.mark.parametrize(
    "code, stub",
    [
        ("### BEGIN SOLUTION\na = 1\nb = a + 1\n### END SOLUTION", "a = ...\nb = ..."),
        (
            "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION",
            "def f(x):\n    raise NotImplementedError  # your code here",
        ),
        (
            "def f(x):\n    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n    ### BEGIN STUB\n    # for y in x:\n    #     return y\n    ### END STUB",
            "def f(x):\n    for y in x:\n        return y",
        ),
        ("x = 1", "x = 1"),
    ],
)
def test_stubs(code, stub):
    assert stub_of(code) == stub


def test_a_stub_of_its_own_goes_with_one_region():
    """With two, the second solution would stay in the student's cell."""
    region = "    ### BEGIN SOLUTION\n    return x\n    ### END SOLUTION\n"
    with pytest.raises(EditionError, match="exactly one solution region"):
        stub_of("def f(x):\n" + 2 * region + "    ### BEGIN STUB\n    # pass\n    ### END STUB")


def test_a_student_notebook_is_valid_json_with_one_line_at_the_end():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        assert json.loads(text)["nbformat"] == 4 and text.endswith("}\n")
