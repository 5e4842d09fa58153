"""Slides from an executed chapter: one HTML file that needs no network, and a PDF of it.

`build` makes the deck, `pdf` prints it, `slide_types` says which cell begins a slide; that last one also marks the
notebooks, so that JupyterLab presents the same cells live. `rules` decides what is shown and what is said, `render`
turns cells into HTML, `deck.css` and `deck.js` draw it and fit every slide to 1280×720 on top of reveal.js.
"""

import base64
import contextlib
import html
import importlib.util
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from string import Template

import nbformat

from helpers.slides.render import pages
from helpers.slides.rules import slide_types

__all__ = ["build", "open_chromium", "pdf", "slide_types"]

HERE = Path(__file__).parent
FLAGS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-sync"]

DECK = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>$title</title>
<style>$style</style>
</head>
<body>
<div class="reveal"><div class="slides">
$slides
</div></div>
$scripts
</body>
</html>
""")


def build(notebook: Path, out_dir: Path) -> Path:
    """Make `out_dir/<name>.html`, the deck of an executed notebook, and return its path.

    The file holds everything: reveal.js with its speaker view (key S), fonts, pictures, and formulas as MathML, which
    browsers draw and screen readers read. Running prose becomes the speaker's notes.
    """
    notebook = Path(notebook)
    cells = nbformat.read(notebook, as_version=4).cells
    stacks = pages(cells, slide_types(cells), notebook.parent)
    columns = ["\n".join(page.html() for page in stack) for stack in stacks]
    slides = "\n".join(f"<section>\n{column}\n</section>" for column in columns)
    title = stacks[0][0].title if stacks else notebook.stem
    scripts = [reveal("dist/reveal.js"), reveal("dist/plugin/notes.js"), (HERE / "deck.js").read_text("utf-8")]
    # A script that holds the text "</script" would end its own element.
    scripts = ["<script>" + text.replace("</script", "<\\/script") + "</script>" for text in scripts]
    styles = [reveal("dist/reset.css"), reveal("dist/reveal.css"), fonts(), (HERE / "deck.css").read_text("utf-8")]
    deck = DECK.substitute(title=html.escape(title), style="\n".join(styles), slides=slides, scripts="\n".join(scripts))
    path = Path(out_dir) / f"{notebook.stem}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, deck.encode("utf-8"))
    return path


def pdf(deck: Path, browser=None) -> Path:
    """Print a deck beside itself, one slide a page, all fragments shown.

    browser: a playwright `Browser`; without one a Chromium is started, and RuntimeError raised where it is missing.
    """
    deck = Path(deck)
    with contextlib.nullcontext(browser) if browser else open_chromium() as chromium:
        page = chromium.new_page()
        page.goto(f"{deck.resolve().as_uri()}?print-pdf")
        page.wait_for_function("document.documentElement.dataset.ready === '1'", timeout=60_000)
        page.wait_for_selector(".pdf-page")
        printed = page.pdf(prefer_css_page_size=True, print_background=True)
        page.close()
    path = deck.with_suffix(".pdf")
    write_whole(path, printed)
    return path


@contextlib.contextmanager
def open_chromium() -> Iterator:
    """A headless Chromium as a playwright `Browser`: `$CHROMIUM`, else the first of the usual names on the PATH.

    RuntimeError with the mend where none is installed.
    """
    from playwright.sync_api import sync_playwright

    names = [os.environ.get("CHROMIUM"), "chromium", "google-chrome", "chromium-browser", "chrome"]
    path = next((found for name in names if name and (found := shutil.which(name))), None)
    if path is None:
        raise RuntimeError("no Chromium found: run `apt-get install chromium`, or name one in the variable CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield browser
        finally:
            browser.close()


def package_file(package: str, path: str) -> Path:
    """A file that an installed package carries, without importing the package."""
    spec = importlib.util.find_spec(package)
    if spec is None:
        raise RuntimeError(f"the package {package} is missing: run `make lab` or `pip install {package}`")
    return Path(spec.submodule_search_locations[0]) / path


def reveal(path: str) -> str:
    return package_file("pyreveal", f"revealjs/{path}").read_text("utf-8")


def fonts() -> str:
    """The deck's own fonts, so that what fits a slide here fits it on every machine.

    Source Sans comes with reveal.js, DejaVu Sans Mono with Matplotlib, STIX Two Math, which draws formulas, with ziamath.
    """
    sans = "revealjs/css/theme/fonts/source-sans-pro/source-sans-pro-"
    mono = "mpl-data/fonts/ttf/DejaVuSansMono.ttf"
    faces = [
        ("Course Sans", 400, "normal", package_file("pyreveal", f"{sans}regular.woff")),
        ("Course Sans", 400, "italic", package_file("pyreveal", f"{sans}italic.woff")),
        ("Course Sans", 600, "normal", package_file("pyreveal", f"{sans}semibold.woff")),
        ("Course Mono", 400, "normal", package_file("matplotlib", mono)),
        ("Course Math", 400, "normal", package_file("ziamath", "fonts/STIXTwoMath-Regular.ttf")),
    ]
    return "\n".join(
        f"@font-face {{ font-family: '{family}'; font-weight: {weight}; font-style: {style}; "
        f"src: url(data:font/{path.suffix[1:]};base64,{base64.b64encode(path.read_bytes()).decode()}) }}"
        for family, weight, style, path in faces
    )


def write_whole(path: Path, content: bytes) -> None:
    """Put `content` at `path` in one step: a reader never sees half a file."""
    part = path.with_name(path.name + ".part")
    part.write_bytes(content)
    os.replace(part, path)
