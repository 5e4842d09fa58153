"""The explorations in a real JupyterLab and a real Chromium: every control is moved once by keyboard alone."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.browser import PANEL, beyond_loopback, open_lab, open_notebook, run_all

pytest_plugins = ["tests.browser"]

CALLS = [
    "explore.secant()",
    "explore.descent()",
    'explore.descent("toy")',
    'explore.descent("schedules")',
    'explore.descent("updates")',
    "explore.backward()",
    'explore.backward("broken")',
    "explore.backward(loss, params=params)",
    "explore.accumulation()",
    'explore.accumulation("forget")',
    'explore.accumulation("chunks")',
    "explore.leaves()",
    'explore.leaves("boxes")',
    'explore.leaves("updates")',
    "explore.jacobian()",
    "explore.jacobian(lambda x: [x[0] * x[1], x[0] + x[1]], [Value(2.0), Value(3.0)])",
    "explore.optimizers()",
    "explore.curves()",
    'explore.curves("sea")',
    "explore.curves(train, validation)",
    'explore.curves({"long": (train, validation), "short": (train[:50], validation[:50])}, floor=0.5)',
]
SETUP = """import torch
from helpers import explore
from helpers.thermometer import loss_fn, model, t_c, t_u
from helpers.value import Value
params = torch.tensor([1.0, 0.0], requires_grad=True)
loss = loss_fn(model(t_u, *params), t_c)
train = [100 / k + k % 2 for k in range(1, 3001)]
validation = [t + k / 500 for k, t in enumerate(train)]"""


def write_notebook(path: Path, sources: list[str]) -> None:
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    cells = [new_code_cell(source) for source in sources]
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": kernel}), path)


@pytest.fixture(scope="module")
def notebook(chromium, tmp_path_factory):
    """The page with all explorations run, a cell each, and what went wrong on it so far."""
    root = tmp_path_factory.mktemp("explorations")
    write_notebook(root / "all.ipynb", [SETUP, *CALLS])
    with open_lab(root) as lab:
        page = chromium.new_page(viewport={"width": 1280, "height": 1000})
        errors = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        strays = beyond_loopback(page)
        open_notebook(page, lab, "all.ipynb")
        run_all(page)
        yield page, errors, strays
        page.close()


def seen(root) -> str:
    return root.locator(".lm-picture").inner_html() + root.locator(".lm-words").inner_text()


def wait_for_change(page, root, before: str) -> bool:
    """Whether picture or words become others within three seconds."""
    for _ in range(60):
        if seen(root) != before:
            return True
        page.wait_for_timeout(50)
    return False


def press(page, control) -> None:
    """Move a control by the key that a keyboard user would take."""
    control.focus()
    kind = control.evaluate("e => e.type")
    if kind == "range":
        at_end = control.evaluate("e => e.value === e.max")
        page.keyboard.press("ArrowLeft" if at_end else "ArrowRight")
    elif kind == "select-one":
        at_end = control.evaluate("e => e.selectedIndex === e.options.length - 1")
        page.keyboard.press("ArrowUp" if at_end else "ArrowDown")
    else:
        page.keyboard.press("Space")


@pytest.mark.parametrize("call", CALLS)
def test_every_control_moves_the_picture_by_keyboard(notebook, call):
    page, errors, strays = notebook
    root = page.locator(f"{PANEL} .jp-Cell").nth(1 + CALLS.index(call)).locator(".lm-exploration")
    assert root.count() == 1, "JupyterLab shows no widget: the still figure has taken its place"
    assert root.locator("svg[role=img][aria-label]").count() == 1
    status = root.locator("[role=status][aria-live=polite]")
    controls = root.locator("input, select, button")
    for k in range(controls.count()):
        control = controls.nth(k)
        name = control.evaluate("e => e.labels?.[0]?.textContent || e.textContent")
        assert name.strip(), f"control {k} has no label"
        assert control.get_attribute("data-lm-suppress-shortcuts") == "true"
        if name == "Back":
            press(page, root.locator("button", has_text="Forth"))
            page.wait_for_timeout(300)
        if control.get_attribute("aria-disabled") == "true":
            back = name in ("Undo", "Start again")
            press(page, root.locator(".lm-group button").first if back else root.get_by_text("Start again"))
            page.wait_for_timeout(300)
        before = seen(root)
        press(page, control)
        assert wait_for_change(page, root, before), f"{name!r} changes nothing"
        if name == "Play":
            press(page, control)
        assert len(status.inner_text()) > 20
        page.wait_for_timeout(150)
    assert errors == []
    assert strays == []
