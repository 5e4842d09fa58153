"""Fixtures for all tests, and which tests have to stay together when two processes share the work."""

import pytest
from hypothesis import settings

from tests.browser import chromium, lab, page

__all__ = ["chromium", "lab", "page"]

# The same examples in every run: a run that is red stays red, and one that is green stays green.
settings.register_profile("course", derandomize=True, deadline=None)
settings.load_profile("course")


def pytest_collection_modifyitems(items):
    """One JupyterLab and one Chromium for all who use them; one process for all answers to an exercise, which it remembers."""
    for item in items:
        used = set(getattr(item, "fixturenames", ()))
        if "lab" in used:
            group = "lab"
        elif used & {"chromium", "page"}:
            group = "browser"
        elif item.path.name == "test_answers.py" and hasattr(item, "callspec"):
            group = item.callspec.id.split("-")[0]
        else:
            continue
        item.add_marker(pytest.mark.xdist_group(group))
