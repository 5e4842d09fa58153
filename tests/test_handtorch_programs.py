"""Small programs in the style of PyTorch's tutorials print the same under PyTorch and with handtorch standing in for it.

The programs are in `handtorch_programs/*.txt`, each under a line `# %% title`; `run.py` there runs them all in one process per
side. What is compared is everything they print, addresses aside, messages of errors included.
"""

import difflib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RUN = ROOT / "tests" / "handtorch_programs" / "run.py"


def titles() -> list[str]:
    return [
        f"{path.stem}: {line.removeprefix('# %% ')}"
        for path in sorted(RUN.parent.glob("*.txt"))
        for line in path.read_text().splitlines()
        if line.startswith("# %% ")
    ]


def outputs(*python: str) -> dict[str, str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    done = subprocess.run([*python, str(RUN)], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture(scope="module")
def printed():
    return outputs(sys.executable), outputs(sys.executable, "-m", "helpers.handtorch")


def test_there_are_many_programs_and_all_print(printed):
    assert len(titles()) == len(set(titles())) == len(printed[0]) >= 60
    silent = [title for title, text in printed[0].items() if not text.strip()]
    assert silent == []


@pytest.mark.parametrize("title", titles())
def test_program(printed, title):
    expected, ours = printed[0][title], printed[1][title]
    difference = difflib.unified_diff(expected.splitlines(), ours.splitlines(), "PyTorch", "handtorch", lineterm="")
    assert ours == expected, "\n" + "\n".join(difference)
