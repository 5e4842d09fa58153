"""The course's pictures: one Matplotlib style, one way to show a figure with its description, and the chapters' figures.

A figure is shown with `show(fig, alt)`, never bare: JupyterLab and nbconvert drop the description that Matplotlib carries.
Colours are Okabe and Ito's, which survive colour-blindness and a projector.
"""

import base64
import io
from html import escape

import matplotlib
import matplotlib.pyplot as plt

BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#000000", "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip

STYLE = {
    "figure.figsize": (7.2, 3.8),
    "figure.facecolor": "white",
    "figure.constrained_layout.use": True,
    "font.size": 13,
    "axes.titlesize": 13,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": matplotlib.cycler(color=[BLUE, RED, GREEN, ORANGE, PURPLE, SKY, BLACK]),
    "axes.grid": True,
    "grid.color": "#dddddd",
    "grid.linewidth": 0.7,
    "axes.axisbelow": True,
    "lines.linewidth": 2.2,
    "lines.markersize": 7,
    "legend.frameon": False,
    "mathtext.fontset": "dejavusans",
    "svg.hashsalt": "autograd-by-hand",
}
DPI = 144


class Picture:
    """A finished figure and what there is to see in it: shown in HTML with its description, printed as the description."""

    def __init__(self, png: bytes, alt: str, width: int, caption: str | None = None):
        self.png, self.alt, self.width, self.caption = png, alt, width, caption

    def __repr__(self):
        return f"[picture] {self.alt}"

    def _repr_html_(self):
        data = base64.b64encode(self.png).decode()
        caption = f"<figcaption>{escape(self.caption)}</figcaption>" if self.caption else ""
        return (
            f'<figure style="margin:0"><img alt="{escape(self.alt, quote=True)}" width="{self.width}" '
            f'style="max-width:100%;height:auto;border-radius:6px" src="data:image/png;base64,{data}">{caption}</figure>'
        )


def show(fig, alt: str, caption: str | None = None) -> Picture:
    """A Matplotlib figure as the last line of a cell. alt: one or two sentences that say what to see in it.

    Raises ValueError where the description is missing. Closes the figure.
    """
    if not alt or not alt.strip():
        raise ValueError("a picture needs a description: show(fig, alt='what there is to see')")
    file = io.BytesIO()
    fig.savefig(file, format="png", dpi=DPI, metadata={"Software": None})
    width = round(fig.get_size_inches()[0] * 100)
    plt.close(fig)
    return Picture(file.getvalue(), alt, width, caption)


def axes(xlabel: str = "", ylabel: str = "", columns: int = 1, **options):
    """A figure and its axes in the course's style; labels carry units. options go to `plt.subplots`."""
    with matplotlib.rc_context(STYLE):
        fig, ax = plt.subplots(1, columns, **options)
    for one in fig.axes:
        one.set(xlabel=xlabel, ylabel=ylabel)
    return fig, ax


# --- chapter 1 ---------------------------------------------------------------------------------------------------


def readings(t_u, t_c, line=None, gaps: bool = False):
    """The readings as points, °C over the unknown unit; `line` = (w, b) adds the model, `gaps` its vertical distances.

    t_u, t_c: tensors of shape (N,). Returns the figure and its axes.
    """
    fig, ax = axes("reading (unknown unit)", "temperature (°C)")
    x, y = t_u.tolist(), t_c.tolist()
    if line is not None:
        w, b = (float(v) for v in line)
        ends = [min(x), max(x)]
        ax.plot(ends, [w * e + b for e in ends], color=RED)
        ax.annotate(f"w = {w:g}, b = {b:g}", (ends[1], w * ends[1] + b), ha="right", va="bottom", color=RED)
        if gaps:
            ax.vlines(x, y, [w * v + b for v in x], color=ORANGE, linewidth=1.5)
    ax.plot(x, y, "o", color=BLUE)
    return fig, ax
