"""img/ holds what the code draws, and nothing else."""

import io
import re

import numpy as np
import pytest
from PIL import Image

from helpers import pictures
from helpers.editions import ROOT
from tests.browser import README
from tests.nbval_plugin import difference

SCREENSHOTS = {name for name, *_ in README}


def grey(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("L"), float)


@pytest.mark.parametrize("name", pictures.PICTURES)
def test_a_drawn_picture_is_what_the_code_draws(name):
    drawn, kept = pictures.PICTURES[name](), (pictures.IMG / name).read_bytes()
    if name.endswith(".svg"):
        assert drawn.encode() == kept, f"img/{name}: run `make img`"
    else:
        assert difference(grey(drawn), grey(kept)) is None, f"img/{name}: run `make img`"


def test_no_picture_is_without_its_code_and_none_is_unused():
    assert {p.name for p in pictures.IMG.iterdir()} == set(pictures.PICTURES) | SCREENSHOTS
    texts = "".join(p.read_text(encoding="utf-8") for p in [ROOT / "README.md", *(ROOT / "solutions").glob("*.md")])
    assert set(re.findall(r"img/([\w.-]+)", texts)) == {p.name for p in pictures.IMG.iterdir()}


@pytest.mark.parametrize("name", sorted(SCREENSHOTS))
def test_a_screenshot_is_a_picture_of_a_window(name):
    picture = grey((pictures.IMG / name).read_bytes())
    assert picture.shape == (800, 1560) and picture.std() > 10
