"""Every student notebook in a real JupyterLab, as a student opens it: run to the last cell, look at what is there."""

import io
import json

import numpy as np
import pytest
from PIL import Image

from tests.browser import PANEL, REPOSITORY, beyond_loopback, cells, end_kernels, open_notebook, page_errors, run_all

NOTEBOOKS = sorted((REPOSITORY / "notebooks").glob("*.ipynb"))

# Pictures in outputs and prose that are not painted, have no description, or are wider than their place.
PICTURES = f"""async () => {{
    const places = [...document.querySelectorAll('{PANEL} .jp-OutputArea-output, {PANEL} .jp-RenderedMarkdown')];
    const images = places.flatMap(e => [...e.querySelectorAll('img')]);
    await Promise.all(images.map(image => image.decode().catch(() => 0)));
    const drawings = places.flatMap(e => [...e.querySelectorAll('svg:not(svg svg)')]);
    const tiny = e => {{ const r = e.getBoundingClientRect(); return r.width < 20 || r.height < 20; }};
    const folded = e => e.closest('details:not([open])');  // has no size until it is opened
    const name = e => e.outerHTML.slice(0, 100);
    const described = e => e.getAttribute('aria-label') || e.getAttribute('aria-hidden') || e.querySelector('title');
    return {{
        unpainted: [...images.filter(e => !folded(e) && (!e.naturalWidth || tiny(e))),
                    ...drawings.filter(e => !folded(e) && (!e.firstElementChild || tiny(e)))].map(name),
        unnamed: [...images.filter(e => !e.alt.trim() || e.alt === 'Image'),
                  ...drawings.filter(e => !described(e))].map(name),
        wide: places.filter(e => e.scrollWidth > e.clientWidth + 2 && e.querySelector('img, svg')).map(name),
    }};
}}"""

# Where the words of a drawing stand, relative to the drawing. A wide one scrolls in its figure: what lies outside is not painted,
# so none of its words are judged.
WORDS = """drawing => {
    const figure = drawing.closest('figure') || drawing.parentElement;
    if (figure.scrollWidth > figure.clientWidth + 4) return [];
    const origin = drawing.getBoundingClientRect();
    return [...drawing.querySelectorAll('text')].filter(e => e.textContent.trim()).map(e => {
        const r = e.getBoundingClientRect();
        return [e.textContent, r.left - origin.left, r.top - origin.top, r.right - origin.left, r.bottom - origin.top];
    });
}"""

# Whether a drawing stands on paper of its own and has no colour of the page: then it looks the same in every theme.
OWN_PAPER = """drawing => {
    const paper = drawing.firstElementChild, [, , width, height] = (drawing.getAttribute('viewBox') ?? '').split(' ');
    return paper.matches('rect[fill^="#"]:not([fill-opacity], [opacity])')
        && paper.getAttribute('width') === width && paper.getAttribute('height') === height
        && !/currentColor|var\\(/.test(drawing.outerHTML);
}"""


@pytest.fixture(autouse=True)
def no_kernel_is_left(lab):
    yield
    end_kernels(lab)


def errors(page) -> list[str]:
    """Error outputs of the open notebook that no tag announces, and announced errors that did not come."""
    wrong = []
    for cell in cells(page):
        raised = [f"{output['ename']}: {output['evalue']}" for output in cell["outputs"]]
        announced = "raises-exception" in cell["metadata"].get("tags", [])
        if bool(raised) != announced:
            wrong.append(f"{cell['source'][:80]!r}: {raised or 'raised nothing'}")
    return wrong


def unreadable(page, *, themed: bool = False) -> list[str]:
    """Words in the open notebook's drawings that do not stand out from what is behind them, as painted now.

    themed: only in drawings that change with the page's theme.

    The bound, 3 to 1, is what WCAG 2.2 (1.4.11) asks of graphics; the contrast is that of the lightest and the darkest
    pixel of each word's box.
    """
    faint = []
    for drawing in page.locator(f"{PANEL} .jp-OutputArea-output svg:not(svg svg)").all():
        if not drawing.is_visible() or (themed and drawing.evaluate(OWN_PAPER)):
            continue
        drawing.scroll_into_view_if_needed()  # what is out of the window is not laid out
        words = drawing.evaluate(WORDS)
        if not words:
            continue
        # To hide the caret Playwright would add a style, and Chromium style the whole page anew.
        lights = luminance(np.asarray(Image.open(io.BytesIO(drawing.screenshot(caret="initial"))).convert("RGB")))
        height, width = lights.shape
        for text, *box in words:
            if not (box[0] >= 0 and box[2] <= width and box[1] >= 0 and box[3] <= height):
                continue  # scrolled out of its figure
            left, top, right, bottom = map(round, box)
            there = lights[top:bottom, left:right]
            if not there.size or (there.max() + 0.05) / (there.min() + 0.05) < 3:
                faint.append(text)
    return faint


def luminance(picture: np.ndarray) -> np.ndarray:
    """The relative luminance, from 0 to 1, of each pixel of an sRGB picture (height, width, 3) in uint8, as WCAG 2.2 defines it."""
    parts = np.arange(256) / 255
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return linear[picture] @ [0.2126, 0.7152, 0.0722]


def theme(page) -> str:
    return "light" if page.evaluate("document.body.dataset.jpThemeLight") == "true" else "dark"


def change_theme(page) -> None:
    """From light to dark or back; it lasts, so the next notebook is opened in the new one."""
    other = {"light": "dark", "dark": "light"}[theme(page)]
    page.evaluate(f"jupyterapp.commands.execute('apputils:change-theme', {{ theme: 'JupyterLab {other.title()}' }})")
    page.wait_for_function(f"document.body.dataset.jpThemeLight === '{str(other == 'light').lower()}'")
    page.wait_for_timeout(500)


def transparent(page) -> list[str]:
    """Pictures whose background is not their own, so that the page's theme shows through."""
    return page.evaluate(
        f"""() => [...document.querySelectorAll('{PANEL} .jp-OutputArea-output img')].filter(image => {{
            const canvas = document.createElement('canvas');
            [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
            const context = canvas.getContext('2d');
            context.drawImage(image, 0, 0);
            return canvas.width && context.getImageData(2, 2, 1, 1).data[3] < 255;
        }}).map(image => image.alt.slice(0, 80))"""
    )


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_student_runs_every_cell(notebook, lab, desk):
    page = desk
    strays, uncaught = beyond_loopback(page), page_errors(page)
    page.set_viewport_size({"width": 1280, "height": 900})
    open_notebook(page, lab, f"notebooks/{notebook.name}")
    run_all(page)
    after = cells(page)
    assert errors(page) == []
    assert [cell["source"] for cell in after if cell["cell_type"] == "code" and not cell["execution_count"]] == []
    assert {fault: found for fault, found in page.evaluate(PICTURES).items() if found} == {}
    assert transparent(page) == []
    assert unreadable(page) == [], f"in the {theme(page)} theme"
    change_theme(page)
    assert unreadable(page, themed=True) == [], f"in the {theme(page)} theme"
    assert strays == []
    assert uncaught == []


def test_the_keyboard_runs_a_notebook(lab, desk):
    """Escape, Ctrl+A, Ctrl+Enter: what a student without a mouse does."""
    page = desk
    open_notebook(page, lab, f"notebooks/{NOTEBOOKS[0].name}")
    page.click(f"{PANEL} .jp-Cell .jp-InputPrompt")
    for key in ("Escape", "Control+a", "Control+Enter"):
        page.keyboard.press(key)
    page.wait_for_function(
        f"""() => [...document.querySelectorAll('{PANEL} .jp-CodeCell .jp-InputPrompt')]
            .every(prompt => /\\[\\d+\\]/.test(prompt.textContent))""",
        timeout=120_000,
    )
    assert errors(page) == []


def test_jupyterlab_presents_a_notebook(lab, desk):
    """The same cells as slides, live: the title alone, then the first section, whose cells can be run."""
    page = desk
    uncaught = page_errors(page)
    open_notebook(page, lab, f"notebooks/{NOTEBOOKS[1].name}")
    page.evaluate("jupyterapp.commands.execute('deck:start')")
    page.wait_for_selector(".jp-Deck", timeout=30_000)
    page.wait_for_timeout(1000)
    assert shown_headings(page) == [title_of(NOTEBOOKS[1], 0)]
    page.evaluate("jupyterapp.commands.execute('deck:forward')")
    page.wait_for_timeout(1000)
    assert shown_headings(page) == [title_of(NOTEBOOKS[1], 1)]
    page.evaluate("jupyterapp.commands.execute('deck:stop')")
    page.wait_for_selector(".jp-Deck", state="detached")
    assert uncaught == []


def shown_headings(page) -> list[str]:
    """The headings of level 1 and 2 that are painted in the window, without the anchors' signs."""
    texts = page.evaluate(
        f"""() => [...document.querySelectorAll('{PANEL} .jp-Cell h1, {PANEL} .jp-Cell h2')].filter(e => {{
            const r = e.getBoundingClientRect();
            return e.contains(document.elementFromPoint(r.left + 2, (r.top + r.bottom) / 2));
        }}).map(e => e.textContent)"""
    )
    return [text.rstrip("¶") for text in texts]


def title_of(notebook, number: int) -> str:
    """The heading of a notebook's slide, as plain text."""
    found = [
        cell["source"].split("\n")[0].lstrip("# ")
        for cell in json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        for cell in [cell | {"source": "".join(cell["source"])}]
        if cell["metadata"].get("slideshow", {}).get("slide_type") == "slide"
    ]
    return found[number]
