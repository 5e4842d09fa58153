"""pyproject.toml, environment.yml, requirements.txt and what is installed say the same."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import version

import pytest
from packaging.requirements import Requirement

from helpers.editions import ROOT

PYPI = {"pytorch": "torch"}  # conda's names


def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def lock():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def test_conda_gets_the_same_dependencies():
    lines = re.findall(
        r"^ *- ([a-z][\w-]*)(.*)$", (ROOT / "environment.yml").read_text().split("dependencies:")[1], re.M
    )
    conda = {PYPI.get(name, name): spec for name, spec in lines if name not in ("pip", "python")}
    here = {Requirement(d).name: str(Requirement(d).specifier) for d in project()["dependencies"]}
    assert conda == here
    assert f"python{project()['requires-python'].replace(',<', ',<')}" in (ROOT / "environment.yml").read_text()


def test_the_lock_names_every_dependency_exactly_and_without_an_address():
    text = (ROOT / "requirements.txt").read_text()
    assert "://" not in text and "--hash" not in text and "nvidia" not in text
    assert all(re.fullmatch(r"==[^,]+", str(r.specifier)) for r in lock())
    names = {r.name for r in lock()}
    assert {Requirement(d).name for d in project()["dependencies"]} <= names


@pytest.mark.parametrize(
    "requirement", [r for r in lock() if r.marker is None or r.marker.evaluate()], ids=lambda r: r.name
)
def test_what_is_installed_is_what_the_lock_says(requirement):
    assert requirement.specifier.contains(version(requirement.name).split("+")[0], prereleases=True)


def test_importing_the_package_imports_nothing_heavy():
    code = "import helpers, sys; print([m for m in ('torch', 'numpy', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT).stdout == "[]\n"


def test_imports_in_helpers_go_one_way():
    """explore and checks stand on graph, plots and thermometer; handtorch on nothing else; nobody on tests or notebooks."""
    for path in (ROOT / "helpers").rglob("*.py"):
        part = path.relative_to(ROOT / "helpers").parts[0].removesuffix(".py")
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(?:from|import) (?:tests|solutions|notebooks)\b", text, re.M), path
        if part == "handtorch":
            assert not re.search(r"^\s*(?:from|import) (?:torch|helpers\.(?!handtorch))", text, re.M), path
        if part in ("graph", "plots", "thermometer"):
            assert not re.search(r"(?:from|import) .*\b(?:explore|checks)\b", text), path
