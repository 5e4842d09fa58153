"""What every chapter promises its reader: true numbers, described pictures, the shape of a chapter, each misconception met."""

import re
from functools import cache
from html.parser import HTMLParser

import nbformat
import pytest

from helpers.checks import exercises
from helpers.editions import ROOT, chapters

SOURCES = chapters()
NAMES = [p.stem for p in SOURCES]
TEACHING = [p for p in SOURCES if not p.stem.startswith("11_")]


def notebook(source):
    return nbformat.read(ROOT / "solutions" / f"{source.stem}.ipynb", 4)


def output_text(cell):
    for output in cell.get("outputs", []):
        yield output.get("text", "")
        data = output.get("data", {})
        yield data.get("text/plain", "")
        yield re.sub(r"base64,[A-Za-z0-9+/=]+", "", data.get("text/html", ""))
        yield output.get("evalue", "")


# --- numbers -------------------------------------------------------------------------------------------------

NUMBER = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?:e[+-]?\d+)?(?![\w]|\.\d)")
PLACES = {e.id for e in exercises()}
SMALL = 13  # whole numbers below are counting words: "the three links", "ten epochs"


def places():
    """What looks like a number and is the name of a place: sections, exercises, chapters."""
    found = set(PLACES)
    for source in SOURCES:
        found |= set(re.findall(r"^#+ (?:Exercise )?(\d+\.\d+)", source.read_text(encoding="utf-8"), re.M))
    return found


def plain(prose):
    """Prose without code, links and places; formulas stay, with their numbers in plain text."""
    prose = re.sub(r"`[^`]*`|\(https?:[^)]*\)|<[^>]*>", " ", prose)
    prose = re.sub(r"\\times\s*10\^\{?(-?\d+)\}?", r"e\1", prose).replace("{,}", "").replace("−", "-")
    prose = re.sub(r"(?<=\d) (?=\d{3}\b)|(?<=\d),(?=\d{3}\b)", "", prose)
    prose = re.sub(r"[Cc]hapters? \d+(?:(?:,| to| and) \d+)*", " ", prose)
    return re.sub(r"(?<![\w.])(\d+\.\d+)\b", lambda m: " " if m[1] in places() else m[0], prose)


def spoken(prose):
    """The numbers in prose that have to be shown: decimals, and whole numbers that nobody counts on fingers."""
    for match in NUMBER.finditer(plain(prose)):
        text = match[0]
        if "." in text or "e" in text or abs(int(text)) >= SMALL:
            yield text


def shown_numbers(book):
    text = "\n".join(t for c in book.cells if c.cell_type == "code" for t in (c.source, *output_text(c)))
    text = re.sub(r"(?<=\d)[, _](?=\d{3}\b)", "", text).replace("−", "-")
    return [float(m) for m in re.findall(r"-?\d+\.?\d*(?:e[+-]?\d+)?", text)]


def agrees(text, numbers):
    """Is this number among those shown, to the digits that it is written with (as a percentage, too)?"""
    value = float(text)
    mantissa, _, exponent = text.partition("e")
    half = 0.5 * 10 ** ((int(exponent) if exponent else 0) - len(mantissa.partition(".")[2])) * 1.0001
    return any(abs(abs(value) - abs(n) * scale) <= half for n in numbers for scale in (1, 100))


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_every_number_in_prose_is_one_that_the_chapter_shows(source):
    book = notebook(source)
    numbers = shown_numbers(book)
    missing = []
    for cell in book.cells:
        if cell.cell_type == "markdown" and not cell.source.startswith("# "):
            missing += [f"{n} in: {cell.source[:70]!r}" for n in spoken(cell.source) if not agrees(n, numbers)]
    assert not missing, "\n".join(missing)


def test_a_number_that_no_cell_shows_would_be_noticed():
    assert list(spoken("the loss is 3.14159 after 500 epochs, see 0.1 and chapter 12, or `9.99`")) == ["3.14159", "500"]
    assert (
        agrees("4517.30", [4517.2966])
        and not agrees("4517.3", [4518.0])
        and agrees("95", [0.951])
        and agrees("1.94e10", [1.9432e10])
    )


# --- pictures ------------------------------------------------------------------------------------------------


class Pictures(HTMLParser):
    """The pictures of an HTML text, with what they say of themselves."""

    def __init__(self, html):
        super().__init__()
        self.found, self.inside = [], 0
        self.feed(html)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "img":
            self.found.append(attributes.get("alt"))
        elif tag == "svg":
            self.inside += 1
            if self.inside == 1 and "aria-hidden" not in attributes:
                self.found.append(attributes.get("aria-label") or attributes.get("aria-labelledby"))

    def handle_endtag(self, tag):
        self.inside -= tag == "svg"


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_every_picture_says_what_there_is_to_see(source):
    for cell in notebook(source).cells:
        if cell.cell_type == "markdown":
            assert "![](" not in cell.source
            assert all(Pictures(cell.source).found)
        for output in cell.get("outputs", []):
            data = output.get("data", {})
            assert "image/png" not in data and "image/svg+xml" not in data, f"show it with plots.show: {cell.source}"
            for description in Pictures(data.get("text/html", "")).found:
                assert description and len(description) > 15, cell.source


def test_every_picture_of_the_readme_says_what_there_is_to_see():
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text(encoding="utf-8")
        for alt, path in re.findall(r"!\[([^\]]*)\]\(([^)\s]+)\)", text):
            assert len(alt) > 15 and (ROOT / path).exists(), path
        assert all(Pictures(text).found)


# --- the shape of a chapter ----------------------------------------------------------------------------------


@pytest.mark.parametrize("source", TEACHING, ids=[p.stem for p in TEACHING])
def test_a_chapter_has_the_shape_that_readers_rely_on(source):
    book = notebook(source)
    text = "\n\n".join(c.source for c in book.cells if c.cell_type == "markdown")
    number = int(source.stem[:2])
    assert book.cells[0].source.startswith(f"# {number} ")
    for phrase in ("After this chapter you can", "**Time**", "**Needs**", "## Recap", "**Predict.**"):
        assert phrase in text, phrase
    assert text.count("<details>") >= 3, "three recall questions with their answers folded away"
    sections = [int(k) for k in re.findall(rf"^## {number}\.(\d+) ", text, re.M)]
    assert sections == list(range(1, len(sections) + 1)), sections
    own = [e.id for e in exercises() if e.chapter == number]
    assert re.findall(r"^### Exercise (\d+\.\d+) ", text, re.M) == own


@pytest.mark.parametrize("source", SOURCES, ids=NAMES)
def test_prose_keeps_the_style(source):
    text = source.read_text(encoding="utf-8")
    for phrase in (
        "let's dive",
        "dive in",
        "simply ",
        "as we all know",
        "it should be noted",
        "delve",
        "obviously",
        "of course,",
    ):
        assert phrase not in text.lower(), phrase
    prose = re.sub(r"```.*?```|\$[^$]*\$|`[^`]*`|<!--.*?-->", "", text, flags=re.S)
    assert not re.search(r"[A-Za-z]!(?:\s|$)", prose), "no exclamation marks"
    assert not re.search("[\U0001f300-\U0001faff]", prose), "no emoji"


# --- misconceptions ------------------------------------------------------------------------------------------

# Where the course meets each of the 82 misconceptions: "s" a tagged cell of the chapter, "e" an exercise whose check names it.
MET = """
M01 s1 e1.2 e3.1 e9.5
M02 s1 e1.1 e1.3 e6.4
M03 s3 s9 e9.5
M04 s3 s10
M05 s3 s9 e3.1 e9.1
M06 s3
M07 s3 s9 e9.1
M08 s3 s6 e3.1
M09 s6 e6.1
M10 s6 e6.1
M11 s6 e6.1 e6.2
M12 s3 e3.4 e9.1
M13 s3 e3.4
M14 s3 e3.1 e3.2 e9.2
M15 s3 s9 e3.5 e9.2
M16 s3 e3.2
M17 s3 s9 e3.1
M18 s3 e5.2
M19 s3 s9
M20 s3 s8 e3.4
M21 s3 e3.4
M22 s3 e1.1 e3.4 e4.3
M23 s3 e9.3 e9.4
M24 s9 e3.4 e5.6 e6.4 e10.6
M25 s3 e3.1
M26 s2 s3 s5 e3.3 e9.2
M27 s8 e8.5
M28 s4 e2.5 e4.1 e4.2 e4.6
M29 s4 e4.3 e4.4 e10.3
M30 s4 e4.4
M31 s4 s2 e6.2 e10.3
M32 s4 s10
M33 s4 e1.5 e4.4
M34 s5 s9
M35 s5 s9 e4.3 e4.4
M36 s4 s5 e4.4 e5.2 e8.2
M37 s4 e4.2 e5.1
M38 s4 e7.1 e9.3
M39 s4
M40 s4 e4.2
M41 s4 e4.2 e4.5 e6.2 e7.1 e10.1
M42 s4 e4.3
M43 s4
M44 s5 e5.1 e5.3 e7.1
M45 s5 e4.5 e5.3
M46 s5 s9 e5.1 e5.3 e9.1
M47 s5 e5.1 e5.3 e7.1
M48 s5 s7 e5.1 e5.3 e7.5
M49 s5 s9 e5.6 e10.1
M50 s5 s9
M51 s5 s9 e5.1 e5.5
M52 s5 s9
M53 s5 e3.2 e9.2
M54 s5
M55 s7 e3.2 e7.5
M56 s5 s8 e8.2 e8.5
M57 s5 e3.4 e5.6 e9.1
M58 s5 s9 e3.4 e5.3
M59 s5 s9 e3.4 e5.6 e9.6
M60 s5 e5.2
M61 s5 e5.2 e5.4 e8.2 e10.5
M62 s5 e5.2 e5.4
M63 s6 e6.1 e6.5 e6.6
M64 s6 e6.5
M65 s6 e6.5
M66 s6 e2.5 e6.6 e9.5 e10.1
M67 s6 e6.6
M68 s6 e6.6
M69 s6 s9 e6.6 e9.5
M70 s6 s9 e9.3 e9.4
M71 s6 s9 e9.4
M72 s7
M73 s7 s9 e7.5
M74 s7 s9 e4.4
M75 s7 s9 e7.5 e8.2
M76 s1 e1.4 e1.5 e5.1 e10.6
M77 s7 e7.5
M78 s7 e7.4
M79 s7 e4.4 e7.1 e7.5
M80 s8 e8.1
M81 s8 e5.2 e8.2 e8.5
M82 s8 e8.2 e8.5
"""


@cache
def tagged():
    """Chapter number and misconception of every tagged cell."""
    found = set()
    for source in SOURCES:
        for cell in notebook(source).cells:
            found |= {(int(source.stem[:2]), t) for t in cell.metadata.get("tags", []) if re.fullmatch(r"M\d\d", t)}
    return found


@cache
def named():
    """Exercise and misconception of every entry of the catalogues."""
    generic = __import__("helpers.checks.symptoms", fromlist=["GENERIC"]).GENERIC
    found = set()
    for e in exercises():
        entries = [(w.misconception) for w in (*e.wrong, *e.symptoms)] + [m for _, m in e.items]
        if e.probe is not None:
            entries += [s.misconception for s in generic]
        found |= {(e.id, m) for m in entries if m}
    return found


@pytest.mark.parametrize("line", MET.split("\n")[1:-1], ids=lambda line: line.split()[0])
def test_each_misconception_is_met(line):
    """In the chapters that exist; a misconception none of whose places exists yet is met nowhere, and that is a failure."""
    id, *where = line.split()
    chapters_here = {int(p.stem[:2]) for p in SOURCES}
    cells, entries = tagged(), named()
    for place in where:
        chapter = int(place[1:].split(".")[0])
        if chapter not in chapters_here:
            continue
        if place[0] == "s":
            assert (chapter, id) in cells, f"{id}: no cell of chapter {chapter} carries the tag"
        else:
            assert (place[1:], id) in entries, f"{id}: no entry of exercise {place[1:]} names it"


def test_the_list_of_misconceptions_is_whole():
    ids = [line.split()[0] for line in MET.split("\n")[1:-1]]
    assert ids == [f"M{k:02d}" for k in range(1, 83)]


def test_a_guided_reading_names_what_is_there():
    """`walk.py`: … `name` …: each name in such a paragraph is a word of that file, or of the chapter's own code."""
    found = 0
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        code = " ".join(re.findall(r"```\{code-cell\}.*?```", text, re.S))
        for file, words in re.findall(r"^- `(\w+\.py)`: (.*(?:\n  .*)*)", text, re.M):
            [path] = (ROOT / "helpers").rglob(f"handtorch/{file}")
            known = set(re.findall(r"\w+", path.read_text(encoding="utf-8") + code))
            names = [part for name in re.findall(r"`([\w.]+)`", words) for part in name.split(".")]
            assert set(names) <= known, f"{source.stem}, {file}: {sorted(set(names) - known)}"
            found += len(names)
    assert found > 10
