"""make lab and make test: what they say when something is missing, and that a student's work is never lost."""

import errno
import json
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from helpers import workshop
from helpers.workshop import Problem, lay_copies, take

ROOT = workshop.ROOT


def notebook(*cells):
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
        {"id": id, "cell_type": "code", "source": source, "outputs": [], "execution_count": None,
         "metadata": {"nbgrader": {"solution": True}} if id.startswith("exercise") else {}}
        for id, source in cells]}  # fmt: skip


@pytest.fixture
def course(tmp_path):
    """A course of two chapters, and a student's folder that does not exist yet."""
    notebooks, work = tmp_path / "notebooks", tmp_path / "work"
    notebooks.mkdir()
    for name in ("01_one", "02_two"):
        (notebooks / f"{name}.ipynb").write_text(json.dumps(notebook(("a", "1 + 1"), ("exercise-1-1", "x = ..."))))
    return notebooks, work


def test_working_copies_are_laid_once_and_never_overwritten(course):
    notebooks, work = course
    assert lay_copies(notebooks, work) == []
    mine = work / "01_one.ipynb"
    mine.write_text("my own work")
    assert lay_copies(notebooks, work) == []
    assert mine.read_text() == "my own work"


def test_a_deleted_copy_is_laid_again(course):
    notebooks, work = course
    lay_copies(notebooks, work)
    (work / "02_two.ipynb").unlink()
    lay_copies(notebooks, work)
    assert (work / "02_two.ipynb").exists()


def test_a_newer_edition_is_named_and_not_taken(course):
    notebooks, work = course
    lay_copies(notebooks, work)
    before = (work / "01_one.ipynb").read_bytes()
    (notebooks / "01_one.ipynb").write_text(json.dumps(notebook(("a", "2 + 2"))))
    assert lay_copies(notebooks, work) == ["01_one"]
    assert (work / "01_one.ipynb").read_bytes() == before


def test_taking_the_newer_edition_keeps_the_old_copy_and_carries_answers_over(course):
    notebooks, work = course
    lay_copies(notebooks, work)
    mine = json.dumps(notebook(("a", "1 + 1"), ("exercise-1-1", "x = 42"), ("own", "# my note")))
    (work / "01_one.ipynb").write_text(mine)
    (notebooks / "01_one.ipynb").write_text(json.dumps(notebook(("b", "new text"), ("exercise-1-1", "x = ..."))))
    kept = take("01", notebooks, work)
    assert kept.read_text() == mine
    new = {c["id"]: c["source"] for c in json.loads((work / "01_one.ipynb").read_text())["cells"]}
    assert new == {"b": "new text", "exercise-1-1": "x = 42"}
    assert lay_copies(notebooks, work) == []
    second = take("01", notebooks, work)
    assert second != kept and kept.read_text() == mine


def test_a_copy_that_is_no_notebook_any_more_is_set_aside_whole(course):
    notebooks, work = course
    lay_copies(notebooks, work)
    (work / "01_one.ipynb").write_text("{ broken")
    assert take("01", notebooks, work).read_text() == "{ broken"


@pytest.mark.parametrize("name", ["", "07", "0"])
def test_taking_needs_the_name_of_one_chapter(course, name):
    with pytest.raises(Problem, match="01_one, 02_two"):
        take(name, *course)


def test_progress_survives(course):
    notebooks, work = course
    lay_copies(notebooks, work)
    (work / ".progress.json").write_text('{"0.1": "passed"}')
    lay_copies(notebooks, work)
    assert json.loads((work / ".progress.json").read_text()) == {"0.1": "passed"}


def test_a_busy_port_is_named_with_the_mend():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        port = s.getsockname()[1]
        with pytest.raises(Problem, match=f"port {port} is in use: choose another, as in `make lab PORT="):
            workshop.free_port(str(port))
    assert workshop.free_port("") >= 8888


def test_a_python_that_is_too_old_is_named_with_the_mend(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 8, 1, "final", 0))
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(Problem, match="Python 3.8 is too old: install Python 3.11"):
        workshop.interpreter()


def test_another_python_on_the_path_is_taken(monkeypatch):
    monkeypatch.setattr(sys, "version_info", (3, 14, 0, "final", 0))
    monkeypatch.setattr(shutil, "which", lambda name: "/somewhere/python3.12" if name == "python3.12" else None)
    assert workshop.interpreter() == "/somewhere/python3.12"


def test_a_full_disk_is_named_before_anything_is_made(monkeypatch, tmp_path):
    monkeypatch.setattr(workshop, "ENVIRONMENT", tmp_path / ".venv")
    monkeypatch.delenv("CONDA_DEFAULT_ENV", raising=False)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**10, 10**10 - 10**9, 10**9))
    with pytest.raises(Problem, match="the disk is too full: 1.0 GB are free"):
        workshop.make_environment()
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize(
    "output, mend",
    [
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "make room"),
        (
            "NewConnectionError: Failed to establish a new connection\nERROR: No matching distribution found",
            "connect and run",
        ),
        ("ERROR: No matching distribution found for torch==9", "No matching distribution found for torch==9"),
        ("", "no reason given"),
    ],
)
def test_what_pip_says_becomes_one_line(output, mend):
    assert mend in workshop.reason(output) and "\n" not in workshop.reason(output)


def test_pip_without_network_ends_in_the_line_about_the_network(tmp_path, monkeypatch):
    """A real pip, sent to a port where nobody listens."""
    lock = tmp_path / "requirements.txt"
    lock.write_text("no-such-package-at-all==1.0\n")
    monkeypatch.setattr(workshop, "ROOT", tmp_path)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    with pytest.raises(Problem, match="no network"):
        workshop.install(Path(sys.executable))


def test_a_disk_that_fills_up_on_the_way_ends_in_one_line(monkeypatch, capsys):
    def fail(options):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(workshop, "lab", fail)
    assert workshop.main(["lab"]) == 1
    assert capsys.readouterr().err == "lab: the disk is full: make room and run the command again\n"


def test_the_file_is_read_by_an_old_python():
    """It has to run far enough to say that the Python is too old: no syntax after 3.6."""
    import ast

    for name in ("helpers/workshop.py", "helpers/__init__.py"):
        ast.parse((ROOT / name).read_text(encoding="utf-8"), feature_version=(3, 6))


def test_make_without_python_says_which_to_install():
    if not shutil.which("make"):
        pytest.skip("no make here")
    done = subprocess.run(["make", "lab", "PYTHON=no-such-python"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode and "no no-such-python here: install Python 3.11, 3.12 or 3.13" in done.stderr
