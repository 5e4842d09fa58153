"""How long from a key on a control to the new picture, in Chromium on a real JupyterLab, beside plain `interact`.

    python -m tests.benchmarks.explore_latency

prints a table. A move is timed from `keydown` until the second animation frame after the picture has changed, which is
after the paint. "settled": 30 moves, 120 ms apart, a second and a half after the control was focused, as when a reader
looks before moving. "rushed": the first ten moves at the same pace from the moment of focus. "burst": 30 keys with no
pause; the time from the last key until the last change. `interact` with an inline Matplotlib figure runs in the same page.
"""

import statistics
import tempfile
from pathlib import Path

from playwright.sync_api import Page

from tests.browser import PANEL, open_chromium, open_lab, open_notebook, run_all
from tests.test_explore_browser import SETUP, write_notebook

INTERACT = """%matplotlib inline
import ipywidgets, matplotlib.pyplot as plt, numpy as np
x = np.linspace(-3, 3, 200)
@ipywidgets.interact(w=ipywidgets.FloatSlider(min=-3, max=3, step=0.1, value=-3.0))
def show(w):
    fig, ax = plt.subplots(figsize=(5, 3))
    ax.plot(x, (x * w - 1) ** 2)
    ax.set_ylim(0, 20)
    plt.show()"""

# What is run, what is focused, and what shows the picture.
RANGE, BUTTON, SELECT, SHOWN = "input[type=range]", ".lm-group button", "select", ".lm-picture"
WAYS = [
    ("interact + inline Matplotlib", INTERACT, "[role=slider]", ".widget-output"),
    ("secant", "explore.secant()", RANGE, SHOWN),
    ("descent", "explore.descent()", RANGE, SHOWN),
    ("descent, updates", 'explore.descent("updates")', RANGE, SHOWN),
    ("backward", "explore.backward(loss, params=params)", RANGE, SHOWN),
    ("accumulation, buttons", "explore.accumulation()", BUTTON, SHOWN),
    ("accumulation, forget", 'explore.accumulation("forget")', RANGE, SHOWN),
    ("leaves, buttons", "explore.leaves()", BUTTON, SHOWN),
    ("leaves, updates", 'explore.leaves("updates")', SELECT, SHOWN),
    ("jacobian", "explore.jacobian()", RANGE, SHOWN),
    (
        "jacobian, own engine",
        "explore.jacobian(lambda x: [x[0] * x[1], x[0] + x[1]], [Value(2.0), Value(3.0)])",
        RANGE,
        SHOWN,
    ),
    ("optimizers", "explore.optimizers()", RANGE, SHOWN),
    ("curves", "explore.curves()", RANGE, SHOWN),
    ("curves, sea", 'explore.curves("sea")', SELECT, SHOWN),
    ("curves, own losses", "explore.curves(train, validation)", RANGE, SHOWN),
]

WATCH = """(shown) => {
    const picture = () => [...shown.querySelectorAll('img, svg')].map(e => e.src ?? e.innerHTML).join();
    window.last = performance.now();
    let before = picture();
    new MutationObserver(() => {
        const now = picture();
        if (now === before || !now) return;
        before = now;
        window.last = performance.now();
        requestAnimationFrame(() => requestAnimationFrame(() => { window.took ??= performance.now() - window.began; }));
    }).observe(shown, {childList: true, subtree: true, attributes: true});
    shown.getRootNode().addEventListener('keydown', () => { window.began = performance.now(); window.took = null; }, true);
}"""


def keys(control) -> list[str]:
    """The keys of 32 moves, three forth and one back, turning round at the ends of the control."""
    if control.evaluate("e => e.matches('button')"):
        return ["Space"] * 32
    place, last = control.evaluate(
        "e => [e.selectedIndex ?? Number(e.value ?? 0), Number(e.max ?? (e.length ?? 61) - 1)]"
    )
    forth, plan = 1, []
    for k in range(32):
        step = -forth if k % 4 == 3 else forth
        if not 0 <= place + step <= last:
            forth, step = -forth, -step
        place += step
        plan.append("ArrowRight" if step > 0 else "ArrowLeft")
    return plan


def move(page: Page, cell, control, key: str) -> float | None:
    """Press the key and wait for the picture: milliseconds, or None when none came in three seconds."""
    if key == "Space" and control.get_attribute("aria-disabled") == "true":
        cell.get_by_text("Start again").click()
        page.wait_for_timeout(400)
        control.focus()
    page.evaluate("() => { window.took = null; window.began = Infinity; }")
    page.keyboard.press(key)
    try:
        page.wait_for_function("() => window.took !== null && window.took > 0", timeout=3000, polling=20)
    except Exception:  # playwright's own TimeoutError; the table counts what was missed
        return None
    return page.evaluate("window.took")


def measure(page: Page, cell, focus: str, shown: str) -> dict:
    control = cell.locator(focus).first
    control.scroll_into_view_if_needed()
    cell.locator(shown).first.evaluate(WATCH)
    control.focus()
    times = {"rushed": [], "settled": []}
    for kind, count in (("rushed", 10), ("settled", 32)):
        for key in keys(control)[:count]:
            times[kind].append(move(page, cell, control, key))
            page.wait_for_timeout(120)
        page.wait_for_timeout(1500)
    for key in ("ArrowRight",) * 15 + ("ArrowLeft",) * 15:
        page.keyboard.press("Space" if focus == BUTTON else key)
    ended = page.evaluate("performance.now()")
    page.wait_for_timeout(1500)
    settled, rushed = times["settled"][2:], times["rushed"]
    taken = sorted(t for t in settled if t is not None)
    return {
        "n": len(taken),
        "missed": times["settled"].count(None) + rushed.count(None),
        "p50": statistics.median(taken),
        "p95": taken[int(0.95 * (len(taken) - 1))],
        "max": taken[-1],
        "rushed": max(t for t in rushed if t is not None),
        "burst": max(0.0, page.evaluate("window.last") - ended),
    }


def main() -> None:
    head = f"{'':30s} {'n':>3s} {'missed':>6s} {'p50':>5s} {'p95':>5s} {'max':>5s} {'rushed max':>10s} {'burst quiet':>11s}"
    print(head + "   (ms)")
    with tempfile.TemporaryDirectory() as root, open_chromium() as browser:
        write_notebook(Path(root) / "all.ipynb", [SETUP, *(source for _, source, _, _ in WAYS)])
        with open_lab(Path(root)) as lab:
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            open_notebook(page, lab, "all.ipynb")
            run_all(page)
            for number, (name, _, focus, shown) in enumerate(WAYS, start=1):
                r = measure(page, page.locator(f"{PANEL} .jp-Cell").nth(number), focus, shown)
                print(
                    f"{name:30s} {r['n']:3d} {r['missed']:6d} {r['p50']:5.0f} {r['p95']:5.0f} {r['max']:5.0f} "
                    f"{r['rushed']:10.0f} {r['burst']:11.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
