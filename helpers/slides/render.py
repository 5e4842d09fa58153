"""From cells to pages: what a slide shows, as blocks of HTML, and how blocks are spread so that none overflows.

Heights are estimates in pixels at the smallest sizes that the back row can read; `deck.js` then measures in the
browser and sets code, text and pictures as large as the page allows.
"""

import base64
import html
import io
import math
import mimetypes
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin
from PIL import Image
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from helpers.slides.rules import EXERCISE, PREDICT, SHOWN, heading_level

MAX_WORDS = 60  # of prose on one slide below its title; the rest is said
LEAD_WORDS = 30  # of a section's first paragraph, as many sentences are shown as stay within this
TASK_WORDS = 45  # the same for an exercise
INTRODUCTION_WORDS = 15  # and so is the sentence that introduces a list, a table or a formula
PAGE_HEIGHT, GAP = 654, 16
TITLE_COLUMNS = 50
PROSE_LINE, PROSE_WORDS = 36, 13
CODE_LINE, CODE_COLUMNS, CODE_LINES = 26, 92, 18
OUTPUT_HEAD, OUTPUT_TAIL = 12, 4  # lines that are kept of a longer output
HTML, FORMULA_ROW, TABLE_ROW = 150, 64, 44
# A picture's size in a notebook, in pixels, is what its makers chose; a slide shows it larger where there is room.
PICTURE_SCALE, PICTURE_WIDTH, PICTURE_HEIGHT = 1.15, 1130, 500

ANSI = re.compile(r"\x1b\[[0-9;]*m")
SVG_TAG = re.compile(r"<svg\b|</svg>")
IMG = re.compile(r"<img\b[^>]*>")
ATTRIBUTE = re.compile(r'([\w-]+)="([^"]*)"')
NOT_PROSE = re.compile(r"<math\b.*?</math>|<[^>]*>", re.DOTALL)
SIZE = re.compile(r'<img class="picture" width="(\d+)" height="(\d+)"')
ALT = re.compile(r'\balt=(\s*f?"[^"\n]*")+')
SENTENCE_END = re.compile(r"(?<=[.?:])\s+(?=[A-Z`*$])")
SUMMARY = re.compile(r"<summary>(.*?)</summary>", re.DOTALL)
WARNING_PLACE = re.compile(r"^\S+\.py:\d+: (?=\w*Warning: )", re.MULTILINE)
WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass(frozen=True)
class Block:
    """One thing on a slide: its HTML, its estimated height in pixels, its words of prose (code and output have none).

    A fragment appears at a key press; a glued block stays with the one before it where a page can hold both.
    """

    html: str
    height: int
    words: int = 0
    fragment: bool = False
    glued: bool = False


@dataclass
class Page:
    """One slide: its title, the title's level (0: repeated from the slide before), blocks, and the speaker's notes."""

    title: str
    level: int
    blocks: list[Block] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def heading(self) -> Block:
        tag = f"h{min(self.level, 3) or 2}"
        again = "" if self.level else ' class="again"'
        lines = 1 if self.level == 0 else math.ceil(len(self.title) / TITLE_COLUMNS)
        height = {0: 32, 1: 100, 2: 51}.get(self.level, 44) * lines
        return Block(f"<{tag}{again}>{self.title}</{tag}>", height)

    def html(self) -> str:
        shown = [self.heading, *self.blocks]
        body = "\n".join(as_fragment(block.html) if block.fragment else block.html for block in shown)
        kind = "page opening" if self.level == 1 else "page"
        notes = "\n".join(self.notes)
        return f'<section>\n<div class="{kind}">\n{body}\n</div>\n<aside class="notes">\n{notes}</aside>\n</section>'


def as_fragment(block: str) -> str:
    return re.sub(r'^<(\w+)(?: class="([^"]*)")?', r'<\1 class="fragment \2"', block, count=1)


def count_words(fragment: str) -> int:
    return len(NOT_PROSE.sub(" ", fragment).split())


# Cells to pages


def pages(cells: Sequence[dict], types: Sequence[str | None], folder: Path) -> list[list[Page]]:
    """The deck as stacks of pages: a stack a section, from left to right, a page a slide, from top to bottom.

    `folder` is where the notebook lies: pictures that its prose names are looked for from there.
    """
    prose = Prose(folder)
    stacks: list[list[Page]] = []
    section, predicted = "", False
    for kind, cell in pieces(cells, types):
        level = heading_level(cell)
        title = prose.title(cell["source"]) if level else section
        if kind == "slide" or not stacks:
            stacks.append([Page(title, level)])
        elif kind == "subslide":
            stacks[-1].append(Page(title, level))
        section = title if 0 < level <= 2 else section
        page = stacks[-1][-1]
        if cell["cell_type"] == "code":
            blocks = code_blocks(cell, predicted)
        else:
            blocks = prose.blocks(cell["source"])
            page.notes.append(prose.render(cell["source"]))
        if kind == "fragment":
            blocks = [replace(block, fragment=True) for block in blocks]
        if kind != "notes":
            page.blocks += blocks
            predicted = cell["cell_type"] == "markdown" and bool(PREDICT.search(cell["source"]))
    return [[sheet for page in stack for sheet in spread(page)] for stack in stacks]


def pieces(cells: Sequence[dict], types: Sequence[str | None]) -> Iterator[tuple[str | None, dict]]:
    """The cells that are shown or said, a Markdown cell with a heading in its midst taken apart before each heading."""
    for cell, kind in zip(cells, types, strict=True):
        if kind == "skip":
            continue
        parts = split_at_headings(cell["source"]) if cell["cell_type"] == "markdown" else [cell["source"]]
        if len(parts) == 1 or kind == "notes":
            yield kind, cell
            continue
        for part in parts:
            piece = {"cell_type": "markdown", "source": part, "metadata": {}}
            if level := heading_level(piece):
                yield "slide" if level <= 2 else "subslide", piece
            else:
                yield "subslide" if PREDICT.search(part) or SHOWN.search(part) else "notes", piece


def split_at_headings(source: str) -> list[str]:
    starts = [token.map[0] for token in MarkdownIt().parse(source) if token.type == "heading_open" and token.tag < "h4"]
    lines = source.split("\n")
    cuts = sorted({0, *starts, len(lines)})
    parts = ["\n".join(lines[start:end]).strip() for start, end in zip(cuts, cuts[1:], strict=False)]
    return [part for part in parts if part]


def spread(page: Page) -> Iterator[Page]:
    """Cut a page into as many as its blocks need; each keeps the title and the notes."""
    sheet = replace(page, blocks=[])
    for run in runs(page.blocks):
        if sheet.blocks and not fits(sheet, run):
            yield sheet
            sheet = replace(page, level=0, blocks=[])
        for block in run:
            if sheet.blocks and not fits(sheet, [block]):
                yield sheet
                sheet = replace(page, level=0, blocks=[])
            sheet.blocks.append(block)
    yield sheet


def runs(blocks: list[Block]) -> list[list[Block]]:
    groups: list[list[Block]] = []
    for block in blocks:
        if block.glued and groups:
            groups[-1].append(block)
        else:
            groups.append([block])
    return groups


def fits(sheet: Page, blocks: list[Block]) -> bool:
    together = [sheet.heading, *sheet.blocks, *blocks]
    height = sum(block.height + GAP for block in together) - GAP
    return height <= PAGE_HEIGHT and sum(block.words for block in together) <= MAX_WORDS


# Prose


class Prose:
    """Markdown as JupyterLab reads it, with formulas as MathML and pictures inside the page."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
        self.markdown.use(dollarmath_plugin, allow_digits=False, renderer=mathml)
        self.markdown.add_render_rule("image", self.image)

    def render(self, source: str) -> str:
        return self.markdown.render(source)

    def title(self, source: str) -> str:
        """The first heading of `source`, as HTML without its element."""
        tokens = self.markdown.parse(source)
        place = next(i for i, token in enumerate(tokens) if token.type == "heading_open")
        return self.markdown.renderInline(tokens[place + 1].content)

    def image(self, renderer, tokens: Sequence[Token], index: int, options, env) -> str:
        address, alt = tokens[index].attrs["src"], tokens[index].content
        path = self.folder / address
        kind = mimetypes.guess_type(path)[0] or "image/png"
        return picture(path.read_bytes(), kind, alt)

    def blocks(self, source: str) -> list[Block]:
        """What a slide shows of a Markdown cell below its title: predictions, lists, formulas, tables, pictures,
        questions whose answers are folded, the first sentences of a section, and what introduces a list."""
        groups = list(top_level(self.markdown.parse(source)))
        has_title = bool(groups) and groups[0][0].type == "heading_open"
        blocks: list[Block] = []
        for number, group in enumerate(groups[1:] if has_title else groups):
            following = groups[number + 1 + has_title][0].type if number + 1 + has_title < len(groups) else ""
            if group[0].type == "paragraph_open":
                leads = (TASK_WORDS if EXERCISE.search(source) else LEAD_WORDS) if has_title and number == 0 else 0
                blocks += self.paragraph(group[1].content, leads, following)
            elif group[0].type in ("bullet_list_open", "ordered_list_open"):
                blocks += self.items(group, glued=bool(blocks))
            else:
                blocks += self.other(group)
        return blocks

    def paragraph(self, text: str, leads: int, following: str) -> list[Block]:
        """A prediction, the first sentences up to `leads` words, or the last one where it introduces what follows."""
        shown = self.markdown.renderInline(text)
        if PREDICT.match(text):
            return [prose_block(f'<p class="predict">{shown}</p>')]
        if IMG.search(shown):
            return [html_block("".join(IMG.findall(shown)))]
        sentences = SENTENCE_END.split(text)
        if leads:
            leading = (self.markdown.renderInline(" ".join(sentences[:n])) for n in range(len(sentences), 0, -1))
            if shown := next((text for text in leading if count_words(text) <= leads), None):
                return [prose_block(f"<p>{shown}</p>")]
        last = self.markdown.renderInline(sentences[-1])
        introduces = following in ("bullet_list_open", "ordered_list_open", "table_open", "math_block")
        if introduces and count_words(last) <= INTRODUCTION_WORDS:
            return [prose_block(f"<p>{last}</p>")]
        return []

    def items(self, group: list[Token], glued: bool) -> Iterator[Block]:
        """A block for each item of a list, so that a long list can go on on the next page."""
        tag, number = group[0].tag, group[0].attrs.get("start", 1)
        for place, item in enumerate(top_level(group[1:-1])):
            start = f' start="{number + place}"' if tag == "ol" else ""
            shown = f"<{tag}{start}>{self.markdown.renderer.render(item, self.markdown.options, {})}</{tag}>"
            yield replace(prose_block(shown), glued=glued or place > 0)

    def other(self, group: list[Token]) -> list[Block]:
        shown = self.markdown.renderer.render(group, self.markdown.options, {})
        kind, content = group[0].type, group[0].content
        if kind in ("math_block", "math_block_label"):
            return [Block(shown.strip(), FORMULA_ROW * (1 + content.count(r"\\")), glued=True)]
        if kind == "table_open":
            return [Block(shown, TABLE_ROW * shown.count("<tr>"), count_words(shown))]
        if kind == "fence":
            lines = content.rstrip().split("\n")
            return list(pre_blocks("code hl", color(content), lines))
        if kind == "blockquote_open":
            return [prose_block(shown)]
        if kind == "html_block" and (question := SUMMARY.search(content)):
            return [prose_block(f'<p class="question">{question[1].strip()}</p>')]
        if kind == "html_block" and IMG.search(content):
            return [html_block(content)]
        return []


def top_level(tokens: Sequence[Token]) -> Iterator[list[Token]]:
    """The tokens of one block after another; what a `<details>` folds away belongs to it."""
    group: list[Token] = []
    depth = folded = 0
    for token in tokens:
        depth += token.nesting
        if token.type == "html_block":
            folded += token.content.count("<details") - token.content.count("</details")
        group.append(token)
        if depth == 0 and folded <= 0:
            yield group
            group = []
    if group:
        yield group


def prose_block(shown: str) -> Block:
    words = count_words(shown)
    lines = max(1, math.ceil(words / PROSE_WORDS)) + shown.count("<math")
    return Block(shown, PROSE_LINE * lines + 8, words)


def mathml(tex: str, options: dict) -> str:
    """A formula as MathML. ValueError for one with an environment that the converter does not know."""
    # The converter knows `aligned` by the name of its twin.
    tex = tex.strip().replace("{aligned}", "{split}")
    shown = convert(tex, display="block" if options["display_mode"] else "inline")
    if "<mi>&</mi>" in shown or "<mi>\\" in shown:
        raise ValueError(f"no MathML for the formula {tex!r}: use aligned, cases or matrix for what stands in rows")
    return shown


# Code and output


def code_blocks(cell: dict, predicted: bool) -> list[Block]:
    """A code cell's source and its outputs; the outputs of what was to be predicted appear at a key press."""
    source = for_a_slide(cell["source"])
    shown = list(pre_blocks("code hl", color(source), source.split("\n")))
    shown[0] = replace(shown[0], glued=predicted)
    outputs = [replace(block, fragment=predicted) for block in output_blocks(cell.get("outputs", []))]
    return shown + outputs


def for_a_slide(source: str) -> str:
    """Code without what only fills a slide: a picture's description, which the picture keeps, and second blank lines."""
    return re.sub(r"\n{3,}", "\n\n", ALT.sub('alt="…"', source.strip("\n")))


def color(source: str) -> str:
    return highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n")


def pre_blocks(kind: str, shown: str, lines: list[str]) -> Iterator[Block]:
    """Preformatted text, in pages of at most CODE_LINES lines that end at a blank line where there is one.

    `shown` is the text as HTML, line for line the same as `lines`.
    """
    rows = [max(1, math.ceil(len(line) / CODE_COLUMNS)) for line in lines]
    pretty = shown.split("\n")
    start = 0
    while start < len(lines):
        end = page_end(lines, rows, start)
        body = "\n".join(pretty[start:end])
        yield Block(f'<pre class="{kind}">{body}</pre>', CODE_LINE * sum(rows[start:end]) + 20)
        start = end
        while start < len(lines) and not lines[start].strip():
            start += 1


def page_end(lines: list[str], rows: list[int], start: int) -> int:
    """Where to end a page of code that begins at line `start`: before a definition, else at a blank line, else full."""
    end, used = start, 0
    while end < len(lines) and used + rows[end] <= CODE_LINES:
        used += rows[end]
        end += 1
    if end in (start, len(lines)):
        return max(end, start + 1)
    blanks = [place for place in range(start + 1, end) if not lines[place].strip()]
    before_definition = [place for place in blanks if place + 1 < len(lines) and lines[place + 1][:1].strip()]
    return (before_definition or blanks or [end])[-1]


def output_blocks(outputs: Sequence[dict]) -> Iterator[Block]:
    texts: list[str] = []
    for output in [*outputs, None]:
        if output is not None and output["output_type"] == "stream":
            texts.append(output["text"])
            continue
        if texts:
            yield text_block("".join(texts))
            texts = []
        if output is None:
            return
        if output["output_type"] == "error":
            yield text_block(f"{output['ename']}: {output['evalue']}", "error")
        else:
            yield from bundle_blocks(output["data"], output.get("metadata", {}))


def bundle_blocks(data: dict, metadata: dict) -> Iterator[Block]:
    """The best that a static page can show of one output; of a widget, its static fallback."""
    if "text/html" in data or "image/svg+xml" in data:
        yield replace(html_block(data.get("text/html") or data["image/svg+xml"]), glued=True)
    elif "image/png" in data:
        described = metadata.get("image/png", {}).get("alt")
        yield replace(html_block(picture(base64.b64decode(data["image/png"]), "image/png", described)), glued=True)
    elif "text/latex" in data:
        yield Block(mathml(data["text/latex"].strip("$ \n"), {"display_mode": True}), FORMULA_ROW, glued=True)
    elif "text/plain" in data and WIDGET not in data:
        yield text_block(data["text/plain"])


def text_block(text: str, kind: str = "text") -> Block:
    """Text as the kernel printed it; of a long output, the first and the last lines."""
    lines = WARNING_PLACE.sub("", ANSI.sub("", text)).rstrip("\n").split("\n")
    shown = [html.escape(line, quote=False) for line in lines]
    left_out = len(lines) - OUTPUT_HEAD - OUTPUT_TAIL
    if left_out > 1:
        shown[OUTPUT_HEAD:-OUTPUT_TAIL] = [f'<span class="more">… {left_out} more lines</span>']
        lines[OUTPUT_HEAD:-OUTPUT_TAIL] = ["…"]
    rows = sum(max(1, math.ceil(len(line) / CODE_COLUMNS)) for line in lines)
    body = "\n".join(shown)
    return Block(f'<pre class="{kind}">{body}</pre>', CODE_LINE * rows + 16, glued=True)


# Pictures


def html_block(shown: str) -> Block:
    """HTML as a block; every picture in it becomes one that the deck can scale."""
    shown = with_drawings(IMG.sub(lambda found: scalable(found[0]), shown))
    sizes = [(int(found[1]), int(found[2])) for found in SIZE.finditer(shown)]
    scales = [min(PICTURE_SCALE, PICTURE_WIDTH / width, PICTURE_HEIGHT / height) for width, height in sizes]
    pictures = sum(height * scale for (_, height), scale in zip(sizes, scales, strict=True))
    captions = 44 * shown.count("<figcaption")
    height = round(pictures) + captions if sizes else max(HTML, TABLE_ROW * shown.count("<tr"))
    return Block(f'<div class="html">{shown}</div>', height)


def scalable(img: str) -> str:
    attributes = dict(ATTRIBUTE.findall(img))
    kind, comma, data = attributes.get("src", "").partition(";base64,")
    if attributes.get("class") == "picture" or not comma:
        return img
    width = int(attributes["width"]) if attributes.get("width", "").isdigit() else None
    return picture(base64.b64decode(data), kind.removeprefix("data:"), html.unescape(attributes.get("alt", "")), width)


def with_drawings(shown: str) -> str:
    """HTML with every outermost `<svg>` replaced by an image."""
    parts, depth, start, end = [], 0, 0, 0
    for tag in SVG_TAG.finditer(shown):
        if tag[0] == "<svg":
            start = tag.start() if depth == 0 else start
            depth += 1
        elif depth == 1:
            parts += [shown[end:start], drawing(shown[start : tag.end()])]
            depth, end = 0, tag.end()
        else:
            depth -= 1
    return "".join(parts) + shown[end:]


def drawing(svg: str) -> str:
    """An SVG as an image of its own.

    Two drawings in one page may use one id twice, and a browser then takes an arrow head from a slide that is hidden,
    where it is not drawn; inside an image, ids are private.
    """
    if " xmlns=" not in svg.split(">")[0]:
        svg = svg.replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    try:
        root = ElementTree.fromstring(svg)
    except ElementTree.ParseError:
        return svg
    title = root.find("{*}title")
    alt = root.get("aria-label") or (title.text if title is not None else None)
    if (box := root.get("viewBox")) is not None:
        # Without a size of its own an image is 300×150, whatever its viewBox says.
        opening, rest = svg.split(">", 1)
        width, height = box.replace(",", " ").split()[2:]
        opening = re.sub(r'\s(?:width|height|style)="[^"]*"', "", opening) + f' width="{width}" height="{height}"'
        svg = f"{opening}>{rest}"
    return picture(svg.encode(), "image/svg+xml", alt)


def picture(content: bytes, kind: str, alt: str | None, width: int | None = None) -> str:
    """An `<img>` that carries its content and its size in a notebook; `width` where that is not the file's own."""
    if kind == "image/svg+xml":
        root = ElementTree.fromstring(content)
        size = [float(re.match(r"[\d.]+", root.get(name, "300"))[0]) for name in ("width", "height")]
    else:
        size = Image.open(io.BytesIO(content)).size
    width = width or round(size[0])
    described = f' alt="{html.escape(alt)}"' if alt else ""
    data = base64.b64encode(content).decode()
    height = round(width * size[1] / size[0])
    return f'<img class="picture" width="{width}" height="{height}"{described} src="data:{kind};base64,{data}">'
