"""The explorations in a real JupyterLab and a real Chromium: every control is moved once by keyboard alone."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

from tests.browser import PANEL, beyond_loopback, end_kernels, open_notebook, page_errors, run_all

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
def notebook(lab, desk):
    """The page with all explorations run, a cell each, and what went wrong on it so far."""
    write_notebook(lab.root / "explorations.ipynb", [SETUP, *CALLS])
    desk.set_viewport_size({"width": 1280, "height": 1000})
    errors, strays = page_errors(desk), beyond_loopback(desk)
    open_notebook(desk, lab, "explorations.ipynb")
    run_all(desk)
    yield desk, errors, strays
    end_kernels(lab)


SEEN = "root.querySelector('.lm-picture').innerHTML + root.querySelector('.lm-words').innerText"
# Whether picture or words become others, within three seconds, than those that FOCUS saw; they stay in the page, being long.
CHANGES = f"""root => new Promise(done => {{
    const start = Date.now();
    const look = () => {SEEN} !== before ? done(true) : Date.now() - start > 3000 ? done(false) : setTimeout(look, 30);
    look();
}})"""
# Takes the focus, remembers what is seen; says which key a keyboard user would press, and what is written on the control.
FOCUS = f"""control => {{
    control.focus();
    const root = control.closest('.lm-exploration');
    window.before = {SEEN};
    const atEnd = control.type === 'range' ? control.value === control.max : control.selectedIndex + 1 === control.options?.length;
    return {{
        key: {{range: atEnd ? 'ArrowLeft' : 'ArrowRight', 'select-one': atEnd ? 'ArrowUp' : 'ArrowDown'}}[control.type] || 'Space',
        name: control.labels?.[0]?.textContent || control.textContent,
        disabled: control.getAttribute('aria-disabled') === 'true',
        suppressed: control.getAttribute('data-lm-suppress-shortcuts') === 'true',
    }};
}}"""


def press(page, control) -> None:
    """Move a control by the key that a keyboard user would take."""
    page.keyboard.press(control.evaluate(FOCUS)["key"])


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
        seen = control.evaluate(FOCUS)
        name = seen["name"]
        assert name.strip(), f"control {k} has no label"
        assert seen["suppressed"]
        if name == "Back":
            press(page, root.locator("button", has_text="Forth"))
            page.wait_for_timeout(300)
            seen = control.evaluate(FOCUS)
        if seen["disabled"]:
            back = name in ("Undo", "Start again")
            press(page, root.locator(".lm-group button").first if back else root.get_by_text("Start again"))
            page.wait_for_timeout(300)
            seen = control.evaluate(FOCUS)
        page.keyboard.press(seen["key"])
        assert root.evaluate(CHANGES), f"{name!r} changes nothing"
        if name == "Play":
            press(page, control)
        assert len(status.inner_text()) > 20
        page.wait_for_timeout(150)
    assert errors == []
    assert strays == []
