"""Fixtures for all tests, and which tests have to stay together when two processes share the work."""

import pytest
from hypothesis import settings

from tests.browser import chromium, desk, lab, page, window

__all__ = ["chromium", "desk", "lab", "page", "window"]

# The same examples in every run: a run that is red stays red, and one that is green stays green.
settings.register_profile("course", derandomize=True, deadline=None)
settings.load_profile("course")


# Tests that share what takes long to make: JupyterLab's page, a database, the output of all programs, a kernel's answers …
TOGETHER = {
    "test_explore_browser": "jupyterlab",
    "test_lab": "jupyterlab",
    "test_handtorch_opinfo": "opinfo",
    "test_handtorch_programs": "programs",
    "test_handtorch_standin": "standin",
}
# … and for each exercise its answers, for each chapter its deck.
TOGETHER_FOR_EACH = {"test_answers", "test_slides"}


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items):
    """Keep together what shares; what takes longest goes first, so that the two processes end at the same time."""
    for item in items:
        file = item.path.stem
        if file in TOGETHER:
            item.add_marker(pytest.mark.xdist_group(TOGETHER[file]))
        elif file in TOGETHER_FOR_EACH and hasattr(item, "callspec"):
            item.add_marker(pytest.mark.xdist_group(f"{file} {item.callspec.id.split('-')[0]}"))
    items.sort(key=lambda item: TOGETHER.get(item.path.stem) != "jupyterlab")
