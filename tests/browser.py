"""A real JupyterLab and a real Chromium: fixtures for the tests that look at the course, and a tool for its authors.

The tests take the fixtures `chromium`, `page` and `lab` from `conftest.py`. Authors see what they made with

    python -m tests.browser shots NOTEBOOK [--theme dark] --out DIR
    python -m tests.browser deck DECK.html --out DIR

The first runs every cell in JupyterLab and photographs the notebook in pages of some 1100 pixels; the second photographs
every slide of a deck, and nine slides a sheet.
"""

import argparse
import contextlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page

from helpers.slides import open_chromium

REPOSITORY = Path(__file__).parents[1]
PANEL = ".jp-NotebookPanel:not(.lm-mod-hidden)"
# JupyterLab's own object for the notebook that is open; `expose_app_in_browser` puts `jupyterapp` on the page.
WIDGET = "[...jupyterapp.shell.widgets('main')].find(w => w.sessionContext && w.content?.model?.cells)"


@dataclass
class Lab:
    """A running JupyterLab: its address without a slash at the end, the token that opens it, and the folder it serves."""

    address: str
    token: str
    root: Path


def write_json(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value), encoding="utf-8")


@contextlib.contextmanager
def open_lab(root: Path, theme: str = "light", tracebacks: str = "Context") -> Iterator[Lab]:
    """Serve `root` in a JupyterLab that knows nothing of the user's settings, workspaces and open notebooks.

    tracebacks: IPython's `xmode`: "Context" as everywhere, "Minimal" for an error's last line alone.

    RuntimeError with the end of the server's log when it does not answer within a minute.
    """
    with tempfile.TemporaryDirectory(prefix="lab-") as home:
        home = Path(home)
        places = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR", "IPYTHONDIR")
        places += ("JUPYTERLAB_SETTINGS_DIR", "JUPYTERLAB_WORKSPACES_DIR")
        environment = os.environ | {name: str(home / name) for name in places} | {"OMP_NUM_THREADS": "1"}
        lab = Lab(f"http://127.0.0.1:{free_port()}", secrets.token_hex(16), root)
        write_json(home / "JUPYTER_CONFIG_DIR" / "jupyter_server_config.json", server_settings(lab))
        for name, value in lab_settings(theme).items():
            write_json(home / "JUPYTERLAB_SETTINGS_DIR" / "@jupyterlab" / f"{name}.jupyterlab-settings", value)
        profile = home / "IPYTHONDIR" / "profile_default" / "ipython_kernel_config.json"
        write_json(profile, {"InteractiveShell": {"xmode": tracebacks}})
        log = home / "log"
        with log.open("w") as out:
            command = [sys.executable, "-m", "jupyterlab"]
            server = subprocess.Popen(command, cwd=root, env=environment, stdout=out, stderr=subprocess.STDOUT)
        try:
            wait_until_answering(lab, server, log)
            yield lab
        finally:
            server.terminate()
            server.wait(timeout=30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def server_settings(lab: Lab) -> dict:
    return {
        "ServerApp": {
            "ip": "127.0.0.1",
            "port": urlsplit(lab.address).port,
            "port_retries": 0,
            "root_dir": str(lab.root),
            "open_browser": False,
            "allow_root": True,
        },
        "IdentityProvider": {"token": lab.token},
        "LabApp": {"expose_app_in_browser": True},
        # Through files: of two servers that look for free ports for their kernels at once both may find the same.
        "KernelManager": {"transport": "ipc" if sys.platform == "linux" else "tcp"},
    }


def lab_settings(theme: str) -> dict[str, dict]:
    return {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "apputils-extension/themes": {"theme": f"JupyterLab {theme.title()}"},
    }


def wait_until_answering(lab: Lab, server: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"{lab.address}/api/status?token={lab.token}", timeout=5).close()
            return
        time.sleep(0.2)
    tail = log.read_text(encoding="utf-8")[-2000:]
    raise RuntimeError(f"JupyterLab does not answer at {lab.address}; the end of its log:\n{tail}")


def open_notebook(page: Page, lab: Lab, path: str) -> None:
    """Open the notebook at `path` below the lab's root, and no other, and wait until its kernel is ready."""
    if page.url.startswith(lab.address):  # JupyterLab is there, and takes seconds to load anew
        page.evaluate(
            """async path => {
                [...jupyterapp.shell.widgets('main')].forEach(widget => widget.dispose());
                await jupyterapp.commands.execute('docmanager:open', { path });
            }""",
            path,
        )
    else:
        page.goto(f"{lab.address}/lab/tree/{path}?token={lab.token}&reset")
    page.wait_for_selector(f"{PANEL} .jp-Cell", timeout=60_000)
    page.evaluate(f"async () => {{ const w = {WIDGET}; await w.context.ready; await w.sessionContext.ready; }}")
    wait_until_idle(page, seconds=60)


def wait_until_idle(page: Page, seconds: float) -> None:
    kernel = f"({WIDGET}).sessionContext.session?.kernel?.status === 'idle'"
    page.wait_for_function(kernel, timeout=1000 * seconds)


def run_all(page: Page, seconds: float = 240) -> None:
    """Run every cell of the open notebook and wait until the last one is done and its outputs are laid out."""
    # By its name, for else the command goes to the notebook that has the focus. It returns at the first error, also at one
    # that a tag announces, while the kernel goes on: an empty request is answered when all before it are.
    page.evaluate(
        f"""() => {{
            const w = {WIDGET}, numbered = () => [...w.content.model.cells].filter(cell => cell.executionCount).length;
            window.ran = false;
            jupyterapp.commands.execute('notebook:run-all-cells', {{ semanticWidget: w.id }}).then(async () => {{
                let before;
                do {{
                    before = numbered();
                    await w.sessionContext.session.kernel.requestExecute({{ code: '', silent: true, stop_on_error: false }}).done;
                }} while (numbered() !== before);
                window.ran = true;
            }});
        }}"""
    )
    page.wait_for_function("window.ran", timeout=1000 * seconds, polling=500)
    wait_until_idle(page, seconds)
    page.wait_for_timeout(1000)


def cells(page: Page) -> list[dict]:
    """The cells of the open notebook as nbformat has them; of the outputs that stand there now only the errors."""
    only_errors = "outputs: (cell.outputs ?? []).filter(output => output.output_type === 'error')"
    return page.evaluate(f"() => ({WIDGET}).content.model.toJSON().cells.map(cell => ({{...cell, {only_errors}}}))")


def beyond_loopback(page: Page) -> list[str]:
    """A list that fills with the address of every request that leaves this machine, from now on."""
    strays: list[str] = []

    def note(address: str) -> None:
        parts = urlsplit(address)
        if parts.scheme in ("http", "https", "ws", "wss") and parts.hostname not in ("127.0.0.1", "localhost"):
            strays.append(address)

    page.on("request", lambda request: note(request.url))
    page.on("websocket", lambda socket: note(socket.url))
    return strays


def page_errors(page: Page) -> list[str]:
    """A list that fills with the exceptions that no script of the page catches, from now on."""
    seen: list[str] = []
    page.on("pageerror", lambda error: seen.append(f"{error}\n{error.stack or ''}"))
    return seen


def end_kernels(lab: Lab) -> None:
    """A kernel that has PyTorch in it holds a quarter of a gigabyte: none outlives its test."""
    with urllib.request.urlopen(f"{lab.address}/api/sessions?token={lab.token}") as answer:
        sessions = json.load(answer)
    for session in sessions:
        address = f"{lab.address}/api/sessions/{session['id']}?token={lab.token}"
        delete = urllib.request.Request(address, method="DELETE")  # takes seconds: nobody waits for it
        threading.Thread(target=lambda request=delete: urllib.request.urlopen(request).close()).start()


def photograph_notebook(page: Page, out: Path) -> list[Path]:
    """Pictures of the open notebook from top to bottom, some 1100 pixels each: `out/page_01.png` and so on."""
    page.set_viewport_size({"width": 1280, "height": 1220})
    page.evaluate("() => { if (!jupyterapp.shell.leftCollapsed) jupyterapp.shell.collapseLeft(); }")
    # Cells out of the window have no height yet, and would push the others away as they come.
    everything = f"{PANEL} .jp-WindowedPanel-outer {{ scrollbar-width: none }} .jp-Cell {{ content-visibility: visible !important }}"
    page.add_style_tag(content=everything)
    page.wait_for_timeout(500)
    scroller = page.locator(f"{PANEL} .jp-WindowedPanel-outer")
    height = scroller.evaluate("e => e.scrollHeight")
    paths = []
    box = scroller.bounding_box()
    seen = int(box["height"])
    for number, top in enumerate(range(0, height, seen), start=1):
        at = scroller.evaluate("(e, top) => { e.scrollTop = top; return e.scrollTop }", top)
        page.wait_for_timeout(200)
        cut = int(top - at)  # The last page cannot scroll so far: leave out what the page before has shown.
        clip = {"x": box["x"], "y": box["y"] + cut, "width": box["width"], "height": seen - cut}
        if clip["height"] > 0:
            paths.append(out / f"page_{number:02d}.png")
            page.screenshot(path=paths[-1], clip=clip)
    return paths


def open_deck(page: Page, deck: Path) -> None:
    """Open a deck from its file at 1280×720 and wait until it can be shown."""
    page.set_viewport_size({"width": 1280, "height": 720})
    page.goto(f"{deck.resolve().as_uri()}?transition=none&controls=false&viewDistance=1")
    page.wait_for_function("document.documentElement.dataset.ready === '1'", timeout=60_000)


def steps(page: Page) -> Iterator[tuple[int, int, int]]:
    """Walk through the open deck, slide by slide with all of its fragments shown: (h, v, fragments)."""
    places = page.evaluate(
        """() => Reveal.getSlides().map(slide => {
            const {h, v} = Reveal.getIndices(slide);
            return [h, v ?? 0, slide.querySelectorAll('.fragment').length];
        })"""
    )
    for h, v, fragments in places:
        page.evaluate("([h, v, f]) => Reveal.slide(h, v, f)", [h, v, fragments - 1])
        yield h, v, fragments


def photograph_deck(page: Page, out: Path) -> list[Path]:
    """One picture a slide, all fragments shown (`slide_01.png` …), and sheets of nine (`sheet_1.png` …)."""
    paths = []
    for number, _ in enumerate(steps(page), start=1):
        page.wait_for_timeout(300)  # until the last fragment has faded in
        paths.append(out / f"slide_{number:02d}.png")
        page.screenshot(path=paths[-1])
    for start in range(0, len(paths), 9):
        sheet = Image.new("RGB", (3 * 640 + 20, 3 * 360 + 20), "#888888")
        for place, path in enumerate(paths[start : start + 9]):
            with Image.open(path) as slide:
                sheet.paste(slide.resize((640, 360)), (place % 3 * 650, place // 3 * 370))
        sheet.save(out / f"sheet_{start // 9 + 1}.png")
    return paths


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """One Chromium for all tests; where there is none, CI fails and a reader's machine skips."""
    with contextlib.ExitStack() as stack:
        try:
            browser = stack.enter_context(open_chromium())
        except RuntimeError as missing:
            if os.environ.get("CI"):
                raise
            pytest.skip(f"NOT TESTED: {missing}")
        yield browser


@pytest.fixture(scope="session")
def window(chromium: Browser) -> Iterator[BrowserContext]:
    """One cache for all pages: JupyterLab's scripts are fetched and compiled once."""
    context = chromium.new_context()
    yield context
    context.close()


@pytest.fixture
def page(window: BrowserContext) -> Iterator[Page]:
    """A fresh page."""
    page = window.new_page()
    page.set_viewport_size({"width": 1280, "height": 720})
    yield page
    page.close()


@pytest.fixture(scope="session")
def desk(window: BrowserContext) -> Iterator[Page]:
    """One page in which notebook after notebook is opened, as a student does: loading JupyterLab takes ten seconds."""
    page = window.new_page()
    yield page
    page.close()


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """JupyterLab over a copy of what a student has: the notebooks and the pictures that they show.

    Tracebacks are short: no test looks at them, and to make the long ones takes a third of the kernels' time.
    """
    root = tmp_path_factory.mktemp("course")
    for folder in ("notebooks", "img"):
        shutil.copytree(REPOSITORY / folder, root / folder)
    with open_lab(root, tracebacks="Minimal") as server:
        yield server


def shots(notebook: Path, theme: str, out: Path) -> list[Path]:
    """Run `notebook` in JupyterLab, on a copy, and photograph it; what went wrong goes to stderr."""
    with tempfile.TemporaryDirectory(prefix="shots-") as root, open_chromium() as browser:
        place = Path(root) / notebook.parent.name
        place.mkdir()
        shutil.copy(notebook, place)
        shutil.copytree(REPOSITORY / "img", Path(root) / "img", dirs_exist_ok=True)
        with open_lab(Path(root), theme) as server:
            page = browser.new_page()
            page.on("pageerror", lambda error: print(f"page error: {str(error)[:200]}", file=sys.stderr))
            open_notebook(page, server, f"{place.name}/{notebook.name}")
            run_all(page)
            for number, cell in enumerate(cells(page)):
                for output in cell["outputs"]:
                    print(f"cell {number}: {output['ename']}: {output['evalue'][:200]}", file=sys.stderr)
            return photograph_notebook(page, out)


def deck_shots(deck: Path, out: Path) -> list[Path]:
    with open_chromium() as browser:
        page = browser.new_page()
        page.on("pageerror", lambda error: print(f"page error: {str(error)[:200]}", file=sys.stderr))
        open_deck(page, deck)
        return photograph_deck(page, out)


# What README shows: the file, the notebook, the cell that stands on top of the picture, and how often Forth is pressed.
README = (
    ("backward.png", "03_requires_grad", "explore.backward(loss", 3),
    ("verdict.png", "00_start_here", 'check("0.1", 28.0)', 0),
)


def readme_shots(out: Path) -> list[Path]:
    """Photograph JupyterLab's window at the places that README shows."""
    paths = []
    with tempfile.TemporaryDirectory(prefix="shots-") as root, open_chromium() as browser:
        for _, name, _, _ in README:
            shutil.copy(REPOSITORY / "notebooks" / f"{name}.ipynb", root)
        with open_lab(Path(root)) as server:
            for file, name, source, presses in README:
                page = browser.new_page(viewport={"width": 1560, "height": 800})
                open_notebook(page, server, f"{name}.ipynb")
                run_all(page)
                index = next(k for k, cell in enumerate(cells(page)) if source in cell["source"])
                page.evaluate(
                    f"async () => {{ const c = ({WIDGET}).content; c.activeCellIndex = {index}; await c.scrollToItem({index}, 'start'); }}"
                )
                for _ in range(presses):
                    page.locator(f"{PANEL} button", has_text="Forth").first.click()
                    page.wait_for_timeout(500)
                page.wait_for_timeout(1500)
                page.screenshot(path=out / file)
                paths.append(out / file)
                page.close()
    return paths


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.browser", description=__doc__.split("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    notebook = verbs.add_parser("shots", help="a notebook in JupyterLab, after running all cells")
    notebook.add_argument("source", type=Path, metavar="NOTEBOOK")
    notebook.add_argument("--theme", choices=("light", "dark"), default="light")
    deck = verbs.add_parser("deck", help="every slide of a deck")
    deck.add_argument("source", type=Path, metavar="DECK.html")
    readme = verbs.add_parser("readme", help="the screenshots that README shows, into img/")
    readme.set_defaults(out=REPOSITORY / "img")
    for verb in (notebook, deck):
        verb.add_argument("--out", type=Path, required=True, metavar="DIR")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    if asked.verb == "shots":
        paths = shots(asked.source, asked.theme, asked.out)
    elif asked.verb == "readme":
        paths = readme_shots(asked.out)
    else:
        paths = deck_shots(asked.source, asked.out)
    print(f"{len(paths)} pictures in {asked.out}")


if __name__ == "__main__":
    main()
