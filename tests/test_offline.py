"""Nothing is loaded from the network at run time. `make test` runs everything with the network cut off (tests/offline);
this test holds the cut to its promise, and the sources to naming no address that a browser would load."""

import os
import re
import subprocess
import sys

import pytest

from helpers.editions import ROOT

OFFLINE = str(ROOT / "tests" / "offline")


@pytest.mark.parametrize(
    "attempt",
    [
        "import socket; socket.create_connection(('192.0.2.1', 80), 1)",
        "import urllib.request; urllib.request.urlopen('http://example.org', timeout=1)",
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(('192.0.2.1', 53))",
    ],
)
def test_the_cut_refuses_what_lies_outside(attempt):
    done = subprocess.run(
        [sys.executable, "-c", attempt], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": OFFLINE}
    )
    assert "the network is cut off" in done.stderr


def test_the_cut_lets_this_machine_through():
    code = "import socket; a = socket.socket(); a.bind(('127.0.0.1', 0)); a.listen(); socket.create_connection(a.getsockname(), 1); print('through')"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": OFFLINE}
    )
    assert done.stdout == "through\n"


def test_no_notebook_and_no_script_of_ours_loads_from_an_address():
    files = [
        *(ROOT / "solutions").glob("*.ipynb"),
        *(ROOT / "helpers").rglob("*.js"),
        *(ROOT / "helpers").rglob("*.css"),
        *(ROOT / "helpers").rglob("*.html"),
    ]
    for path in files:
        text = path.read_text(encoding="utf-8")
        found = re.findall(
            r"(?:src|href)=\\?[\"']https?://[^\"'\\]+|@import[^;]*https?:[^;]*|import\(?[\"']https?:[^\"']*|url\(https?:[^)]*",
            text,
        )
        assert not [f for f in found if "href" not in f], (path, found)
