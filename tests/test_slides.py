"""Every deck in Chromium at 1280×720: nothing overflows, nothing comes from the network, nobody faces a wall of prose.

Besides the chapters' decks there is one of a notebook that tries to break the rules: endless code, output and prose,
tall pictures, wide tables.
"""

import base64
import html
import io
import re
import zlib
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell
from PIL import Image

from helpers import slides
from tests.browser import REPOSITORY, open_deck

CHAPTERS = sorted((REPOSITORY / "solutions").glob("*.ipynb"))
MAX_WORDS = 60

# Everything on the slide that is shown, with where it is and how large its text is.
MEASURE = """() => {
    const page = Reveal.getCurrentSlide().querySelector('.page');
    const shown = [page, ...page.querySelectorAll('*')].filter(e => e.getClientRects().length);
    const name = e => `${e.tagName.toLowerCase()}.${e.className?.baseVal ?? e.className}: ${e.textContent.slice(0, 40)}`;
    const overflowing = shown.filter(e => {
        const r = e.getBoundingClientRect();
        const cut = e.matches('pre, .html, .page') && (e.scrollWidth > e.clientWidth + 1 || e.scrollHeight > e.clientHeight + 1);
        const bottom = e === page ? 720 : 700;
        return cut || r.left < -1 || r.top < -1 || r.right > 1281 || r.bottom > bottom + 1;
    });
    const size = e => parseFloat(getComputedStyle(e).fontSize);
    const inside = e => e.closest('.html, h1, h2, h3, pre, math');
    const small = [...shown.filter(e => e.matches('pre') && size(e) < 20),
                   ...shown.filter(e => e.matches('p, li') && !inside(e) && size(e) < 26)];
    // A picture keeps nearly half of the size that it has in a notebook, unless it fills the slide.
    const faint = shown.filter(e => e.matches('img') && e.clientHeight < 0.45 * e.getAttribute('height')
        && e.clientHeight < 450 && e.clientWidth < 1000);
    const prose = page.cloneNode(true);
    prose.querySelectorAll('h1, h2, h3, pre, .html, math').forEach(e => e.remove());
    // Blocks end words even where no space stands between them.
    prose.querySelectorAll('p, li, td, th').forEach(e => e.append(' '));
    const unnamed = [...page.querySelectorAll('img')].filter(e => !e.alt.trim())
        .concat([...page.querySelectorAll('svg:not(svg svg)')].filter(e => !e.getAttribute('aria-label')));
    return {
        overflowing: overflowing.map(name), small: small.map(name), faint: faint.map(name),
        unpainted: shown.filter(e => e.matches('img') && !e.naturalWidth).map(name),
        unnamed: unnamed.map(e => e.outerHTML.slice(0, 80)),
        words: prose.textContent.split(/\\s+/).filter(Boolean).length,
        notes: Reveal.getCurrentSlide().querySelector('aside.notes').textContent.trim(),
        text: page.innerText,
    };
}"""


@pytest.fixture(scope="session")
def decks(tmp_path_factory):
    """Builds a deck from a notebook, once: `decks(path)` is the path of the HTML."""
    out, made = tmp_path_factory.mktemp("decks"), {}

    def deck(notebook: Path) -> Path:
        if notebook not in made:
            made[notebook] = slides.build(notebook, out)
        return made[notebook]

    return deck


@pytest.fixture(scope="session")
def nasty(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("nasty") / "nasty.ipynb"
    nbformat.write(nasty_notebook(), path)
    return path


@pytest.fixture(params=[*CHAPTERS, None], ids=lambda path: path.stem if path else "nasty")
def notebook(request, nasty) -> Path:
    return request.param or nasty


def measured(page, deck: Path) -> list[dict]:
    """What MEASURE sees on every slide at every fragment, with the slide's place."""
    open_deck(page, deck)
    return page.evaluate(
        f"""() => Reveal.getSlides().flatMap(slide => {{
            const {{h, v = 0}} = Reveal.getIndices(slide);
            return [-1, ...slide.querySelectorAll('.fragment').keys()].map(f => {{
                Reveal.slide(h, v, f);
                return {{slide: [h, v, f], ...({MEASURE})()}};
            }});
        }})"""
    )


def test_every_slide_fits_and_can_be_read(notebook, decks, page):
    requests = []
    page.on("request", lambda request: requests.append(request.url))
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    seen = measured(page, decks(notebook))
    for fault in ("overflowing", "small", "faint", "unpainted", "unnamed"):
        assert {str(one["slide"]): one[fault] for one in seen if one[fault]} == {}, fault
    walls = {str(one["slide"]): one["text"] for one in seen if one["words"] > MAX_WORDS}
    assert walls == {}
    assert not errors
    assert [url for url in requests if not url.startswith(("file:", "data:", "blob:"))] == []
    assert any(one["notes"] for one in seen)
    assert all(one["text"].strip() for one in seen)


def test_what_is_not_shown_is_said(notebook, decks):
    """Every paragraph of the chapter is on a slide or in the speaker's notes, but for exercises' hints."""
    notes = re.findall(r'<aside class="notes">(.*?)</aside>', decks(notebook).read_text("utf-8"), re.DOTALL)
    said = html.unescape(re.sub(r"<[^>]*>", " ", " ".join(notes)))
    said = set(re.findall(r"[A-Za-z]+", said))
    cells = nbformat.read(notebook, 4).cells
    for cell, kind in zip(cells, slides.slide_types(cells), strict=True):
        if cell.cell_type == "markdown" and kind != "skip":
            prose = re.sub(r"\$\$.*?\$\$|\$.*?\$|!\[.*?\]\(.*?\)|<.*?>|\]\(.*?\)", " ", cell.source, flags=re.DOTALL)
            missing = set(re.findall(r"[A-Za-z]+", prose)) - said
            assert not {word for word in missing if len(word) > 3}, cell.source[:80]


def test_measuring_notices_a_slide_that_overflows(nasty, tmp_path, page):
    deck = slides.build(nasty, tmp_path)
    text = deck.read_text("utf-8").replace("</style>", ".page pre { font-size: 60px !important }</style>", 1)
    deck.write_text(text, "utf-8")
    assert any(one["overflowing"] for one in measured(page, deck))


# One chapter of drawings, one of plots, and the deck that tries to break the rules: printing takes as long as measuring.
@pytest.mark.parametrize(
    "notebook", [CHAPTERS[2], CHAPTERS[8], None], ids=["drawings", "plots", "nasty"], indirect=True
)
def test_pdf_has_every_slide(notebook, decks, chromium):
    deck = decks(notebook)
    printed = slides.pdf(deck, chromium)
    inked = [len(re.findall(rb"\bT[jJ]\b|\bDo\b", content)) for content in pdf_pages(printed.read_bytes())]
    assert len(inked) >= deck.read_text("utf-8").count('<aside class="notes">')
    assert all(inked), f"blank pages: {[place for place, marks in enumerate(inked, 1) if not marks]}"


def pdf_pages(pdf: bytes) -> list[bytes]:
    """The drawing commands of each page of a PDF that Chromium wrote."""
    objects = {int(n): body for n, body in re.findall(rb"^(\d+) 0 obj\b(.*?)^endobj", pdf, re.DOTALL | re.MULTILINE)}
    contents = [
        re.search(rb"/Contents (\d+) 0 R", body) for body in objects.values() if re.search(rb"/Type /Page\b", body)
    ]
    streams = [re.search(rb"stream\r?\n(.*?)endstream", objects[int(found[1])], re.DOTALL) for found in contents]
    # A decompressor stops by itself: the end of a stream may look like the line break that follows it.
    return [zlib.decompressobj().decompress(stream[1]) for stream in streams]


def test_the_speaker_sees_the_notes(nasty, decks, page):
    strays = []  # of this page and the speaker's: the context is shared with JupyterLab's page
    page.context.on("request", lambda request: strays.append(request.url))
    open_deck(page, decks(nasty))
    with page.expect_popup() as opened:
        page.keyboard.press("s")
    speaker = opened.value
    speaker.wait_for_selector(".speaker-controls-notes:not(.hidden) .value >> text=spoken", timeout=20_000)
    assert [url for url in strays if url.startswith("http") and "//127.0.0.1:" not in url] == []


def test_a_prediction_comes_before_its_result(nasty, decks, page):
    open_deck(page, decks(nasty))
    output = page.locator("pre.text", has_text="the result to predict")
    slide = page.locator("section:not(.stack)", has=page.locator(".predict"))
    h, v = slide.first.evaluate("e => { const i = Reveal.getIndices(e); return [i.h, i.v] }")
    page.evaluate("([h, v]) => Reveal.slide(h, v, -1)", [h, v])
    assert page.locator(".predict").is_visible()
    assert page.locator("pre.code", has_text="to_predict()").is_visible()
    assert output.evaluate("e => getComputedStyle(e).visibility") == "hidden"
    page.keyboard.press("Space")
    output.wait_for(state="visible", timeout=5000)


def test_what_a_deck_shows_and_what_not(nasty, decks, page):
    text = "\n".join(one["text"] for one in measured(page, decks(nasty)))
    for shown in ("ValueError: the last line", "After this chapter", "What is a leaf?", "Exercise 9.1", "more lines"):
        assert shown in text
    for hidden in ("Traceback", "\x1b", "HBox(", "SECRET", "Think of", "A tensor that no operation made", "hint("):
        assert hidden not in text
    # A module of sixty lines goes on from slide to slide, and no line is lost.
    assert [n for n in range(60) if f"line_{n:02d} =" not in text] == []
    assert page.locator("math mtable mtr").count() >= 2


def cell(source: str, **metadata) -> nbformat.NotebookNode:
    return new_code_cell(source, metadata=metadata)


@pytest.mark.parametrize(
    "cells, expected",
    [
        (
            [new_markdown_cell("# 1 Title"), cell("import torch"), new_markdown_cell("## 1.1 A")],
            ["slide", "skip", "slide"],
        ),
        (
            [new_markdown_cell("## A"), cell("x"), cell("y"), new_markdown_cell("Words.")],
            ["slide", None, "subslide", "notes"],
        ),
        (
            [new_markdown_cell("## A"), cell("def f():\n    return 1"), cell("x = 1"), cell("x")],
            ["slide", None, None, None],
        ),
        ([new_markdown_cell("## A"), cell("x = 1\n" * 9), cell("x")], ["slide", None, "subslide"]),
        (
            [new_markdown_cell("## A"), cell("x = 1"), new_markdown_cell("**Predict.** x?"), cell("x")],
            ["slide", None, "subslide", None],
        ),
        ([new_markdown_cell("## A"), new_markdown_cell("**Predict.** What?"), cell("x")], ["slide", None, None]),
        (
            [new_markdown_cell("## A"), cell("x"), new_markdown_cell("**Predict.** y?"), cell("y")],
            ["slide", None, "subslide", None],
        ),
        ([new_markdown_cell("## A"), cell("x"), new_markdown_cell("So:\n\n$$\nx\n$$")], ["slide", None, "subslide"]),
        ([new_markdown_cell("## A"), new_markdown_cell("```\n## no heading\n```")], ["slide", "notes"]),
        (
            [new_markdown_cell("### Exercise 1.1 B"), cell("### BEGIN SOLUTION\nx\n### END SOLUTION")],
            ["subslide", "skip"],
        ),
        (
            [new_markdown_cell("### Exercise 1.1 B"), cell('check("1.1", x)'), cell('hint("1.1")')],
            ["subslide", "skip", "skip"],
        ),
        ([new_markdown_cell("## A"), cell('check("1.1", 28)')], ["slide", None]),
        ([new_markdown_cell("## A"), cell("x", nbgrader={"grade": False})], ["slide", "skip"]),
        ([new_markdown_cell("## A"), cell("x", slideshow={"slide_type": "skip"}), cell("y")], ["slide", "skip", None]),
        ([new_markdown_cell("Words.", metadata={"slideshow": {"slide_type": "fragment"}})], ["fragment"]),
        ([new_raw_cell("raw"), new_markdown_cell(" ")], ["skip", "skip"]),
    ],
)
def test_slide_types(cells, expected):
    assert slides.slide_types(cells) == expected


def png(width: int, height: int) -> str:
    file = io.BytesIO()
    Image.new("RGB", (width, height), "#56b4e9").save(file, "png")
    return base64.b64encode(file.getvalue()).decode()


def nasty_notebook() -> nbformat.NotebookNode:
    def text(data: str):
        return new_output("execute_result", {"text/plain": data})

    def shown(mime: str, data: str, **metadata):
        return new_output("display_data", {mime: data, "text/plain": "<object>"}, metadata=metadata)

    prose = "This is spoken, not shown, and it goes on for as long as the author likes. " * 20
    module = "\n".join(f"line_{n:02d} = {n}" if n % 7 else f"\nline_{n:02d} = {n}" for n in range(60))
    table = "<table>" + "".join(f"<tr>{'<td>12345.678</td>' * 14}</tr>" for _ in range(12)) + "</table>"
    arrow = (
        '<svg role="img" aria-label="An arrow" viewBox="0 0 2400 300"><defs><marker id="tip"><path d="M0 0L9 3L0 6z"/></marker>'
        '</defs><line x1="0" y1="150" x2="2300" y2="150" stroke="black" marker-end="url(#tip)"/></svg>'
    )
    figure = f'<figure><img alt="A blue field" width="720" src="data:image/png;base64,{png(1037, 547)}"></figure>'
    formulas = r"""The same in formulas, with words that lead to them:

$$
L = \frac{1}{n}\sum_{i=1}^{n}\left(w\,t_{u,i} + b - t_{c,i}\right)^2, \qquad \overline{x} = \frac{1}{n}\sum_i x_i
$$

$$
\begin{aligned}\frac{\partial L}{\partial w} &= \frac{2}{n}\sum_i (t_{p,i}-t_{c,i})\,t_{u,i} \\ \frac{\partial L}{\partial b} &= 0\end{aligned}
$$"""
    cells = [
        new_markdown_cell(
            "# 9 A chapter that tries everything\n\n"
            + prose
            + "\n\nAfter this chapter you can:\n\n- overflow;\n- shrink."
        ),
        cell("import torch"),
        new_markdown_cell(
            prose + "\n\n## 9.1 A heading after prose, long enough that it needs two lines of a slide\n\n" + prose
        ),
        cell(module),
        cell("print(log)"),
        cell("deep()", tags=["raises-exception"]),
        cell("tall()"),
        cell("wide"),
        cell("table"),
        cell("'x' * 400"),
        new_markdown_cell("## 9.2 A prediction\n\nShort."),
        new_markdown_cell(prose + "\n\n**Predict.** What does the next cell print?"),
        cell("to_predict()"),
        new_markdown_cell(formulas),
        cell("slider"),
        new_markdown_cell(
            "## 9.3 A long list\n\n"
            + "\n".join(f"{n}. Item number {n} of a list that never ends." for n in range(1, 15))
        ),
        new_markdown_cell("| name | what it is |\n|---|---|\n" + "| `w` | a weight that training may change |\n" * 5),
        cell("plot(" + ",\n     ".join(f"option_{n}={n}" for n in range(12)) + ")"),
        new_markdown_cell("### Exercise 9.1 Mend it\n\n" + prose),
        cell("answer = 'SECRET'", nbgrader={"grade": False, "solution": True}),
        cell('hint("9.1")'),
        new_markdown_cell("<details><summary>Hint 1</summary>\n\nThink of it.\n\n</details>"),
        new_markdown_cell(
            "## Recap\n\n**Recall.**\n\n<details><summary>What is a leaf?</summary>A tensor that no operation made.</details>\n\n"
            "<details><summary>And the second question?</summary>\n\nA tensor that no operation made.\n\n</details>"
        ),
    ]
    notebook = new_notebook(cells=cells)
    outputs = {
        "print(log)": [new_output("stream", text="".join(f"epoch {n}, loss {1 / (n + 1):.4f}\n" for n in range(300)))],
        "deep()": [
            new_output(
                "error",
                ename="ValueError",
                evalue="the last line " + "is long " * 40,
                traceback=["\x1b[31mTraceback (most recent call last)\x1b[0m"] * 40,
            )
        ],
        "tall()": [shown("image/png", png(400, 1600), **{"image/png": {"alt": "A tall blue field"}})],
        "wide": [shown("text/html", arrow)],
        "table": [shown("text/html", table)],
        "'x' * 400": [text("x" * 400)],
        "to_predict()": [text("the result to predict")],
        "slider": [
            new_output(
                "display_data", {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "HBox(children=())"}
            ),
            shown("text/html", figure),
        ],
    }
    for one in cells:
        if one.source.startswith("plot("):
            one.outputs = [shown("text/html", figure)]
        elif one.source in outputs:
            one.outputs = outputs[one.source]
    return notebook
