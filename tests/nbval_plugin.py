"""nbval, made stricter where it is blind: `pytest -p tests.nbval_plugin --nbval solutions`.

- Pictures are compared as pictures: the ink in blocks of 8 by 8 pixels may move by a tenth, so that antialiasing and fonts
  pass and a blank, missing or different curve does not.
- The points of a drawn line may differ by one step of their rounding, a tenth of a pixel.
- A trailing `;` silences a cell as it does in Jupyter (nbval runs cells in a way that ignores it).
- A kernel that dies at its start is started again, twice at most: two processes that look for free ports at once may find the same.
- Tracebacks, which are not compared, are made short: the long ones take up to a third of a kernel's time.
- Warnings of the debugger and of TCP kernels, which tell of the machine and not of the notebook, stay out.
"""

import base64
import io
import os
import re

import nbval.kernel
import nbval.plugin
import numpy as np
from nbval.kernel import RunningKernel
from PIL import Image

os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

INK_MOVED = 0.10
SIZE = 8  # pixels: fonts move the edge of a figure
ROUNDING = 0.11  # pixels
LINE = re.compile(r'<polyline points="([^"]*)"')
EMBEDDED = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")


def pictures(outputs):
    """Every PNG of a cell's outputs, as grey values: those of image/png and those embedded in HTML."""
    for output in outputs:
        data = output.get("data") or {}
        found = [data["image/png"]] if "image/png" in data else []
        found += EMBEDDED.findall("".join(data.get("text/html", "")))
        for text in found:
            yield np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("L"), float)


def lines(outputs):
    """Every drawn line of a cell's HTML, as its points' numbers."""
    for output in outputs:
        for points in LINE.findall("".join((output.get("data") or {}).get("text/html", ""))):
            yield np.array(re.findall(r"-?[\d.]+", points), float)


def moved(a, b):
    """How two drawn lines differ, in words; None where they are the same line."""
    if a.shape != b.shape:
        return f"{a.size // 2} points instead of {b.size // 2}"
    gap = np.abs(a - b).max(initial=0)
    return f"a point moved by {gap:.1f} pixels" if gap > ROUNDING else None


def ink(picture, block=8):
    h, w = (n // block * block for n in picture.shape)
    return (255 - picture[:h, :w]).reshape(h // block, block, w // block, block).mean((1, 3))


def difference(a, b):
    """How two pictures differ, in words; None where they are the same picture."""
    if max(abs(m - n) for m, n in zip(a.shape, b.shape, strict=True)) > SIZE:
        return f"size {a.shape[::-1]} instead of {b.shape[::-1]}"
    if a.std() < 1:
        return "blank"
    h, w = (min(m, n) for m, n in zip(a.shape, b.shape, strict=True))
    one, other = ink(a[:h, :w]), ink(b[:h, :w])
    moved = np.abs(one - other).sum() / max((one + other).sum(), 1)
    return f"{moved:.0%} of the ink moved (limit {INK_MOVED:.0%})" if moved > INK_MOVED else None


_compare = nbval.plugin.IPyNbCell.compare_outputs


def compare_outputs(self, test, ref, skip_compare=None):
    if not _compare(self, test, ref, skip_compare):
        return False
    for kind, find, judge in (("picture", pictures, difference), ("line", lines, moved)):
        came, due = list(find(test)), list(find(ref))
        if len(came) != len(due):
            self.comparison_traceback.append(f"{len(came)} {kind}s instead of {len(due)}")
            return False
        for k, (a, b) in enumerate(zip(came, due, strict=True)):
            if found := judge(a, b):
                self.comparison_traceback.append(f"{kind} {k}: {found}")
                return False
    return True


def execute_cell_input(self, cell_input, allow_stdin=None):
    return self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)


_start_new_kernel = nbval.kernel.start_new_kernel


def start_new_kernel(*args, **kwargs):
    for attempt in range(3):
        try:
            manager, client = _start_new_kernel(*args, **kwargs)
            break
        except RuntimeError as died:
            if "died" not in str(died) or attempt == 2:
                raise
    client.execute("get_ipython().InteractiveTB.set_mode('Minimal')", silent=True)
    return manager, client


nbval.kernel.start_new_kernel = start_new_kernel
nbval.plugin.IPyNbCell.compare_outputs = compare_outputs
RunningKernel.execute_cell_input = execute_cell_input
