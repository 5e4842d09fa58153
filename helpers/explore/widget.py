"""The one widget behind every exploration: controls from a list, a picture, a line of words.

An exploration is a list of controls, each with finitely many options, and a function `draw(**values)` without memory
that returns the picture of a setting (SVG text) and the sentence that says what it shows. Python draws every picture;
`widget.js` only shows them. It asks for one setting at a time, keeps what it was given, and asks for the neighbouring
settings while the reader looks, so that most moves of a slider never wait for the kernel.
"""

import html
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import anywidget
import traitlets

_HERE = Path(__file__).parent


@dataclass(frozen=True)
class Control:
    """One control: what `draw` calls it, what the reader sees, and its options as {text: value}, in order."""

    kind: str  # "slider", "menu", "box" or "presses"
    name: str
    label: str
    options: Mapping[str, Any]
    start: int | tuple[int, ...]  # the option chosen at first; for "presses" the row of options pressed so far
    play: bool = False  # a slider with buttons to go back, forth, and to play
    most: int = 0  # "presses": how many are kept

    def value(self, choice: int | list[int]) -> Any:
        """The value of an option, or the list of values of the options pressed."""
        values = list(self.options.values())
        if self.kind == "presses":
            return [values[i] for i in choice[: self.most]]
        return values[choice]


def slider(name: str, label: str, options: Mapping[str, Any], start: str, play: bool = False) -> Control:
    """A slider over the options, which need not be evenly spaced."""
    return Control("slider", name, label, options, list(options).index(start), play)


def menu(name: str, label: str, options: Mapping[str, Any], start: str | None = None) -> Control:
    """A drop-down menu; the first option is the start unless another is named."""
    return Control("menu", name, label, options, list(options).index(start) if start else 0)


def box(name: str, label: str, start: bool = False) -> Control:
    """A tick box: False or True."""
    return Control("box", name, label, {"off": False, "on": True}, int(start))


def presses(name: str, label: str, options: Mapping[str, Any], most: int, start: tuple[int, ...] = ()) -> Control:
    """A row of buttons; the value is the list of what was pressed, with buttons to take one back and to start again."""
    return Control("presses", name, label, options, start, most=most)


class Exploration(anywidget.AnyWidget):
    """An interactive picture. In a page without a kernel its start stands as a still figure with alt text.

    `alt` says what the picture is; `draw(**values)` takes one value a control and returns `(svg, words)`.
    """

    _esm = (_HERE / "widget.js").read_text(encoding="utf-8")
    _css = (_HERE / "widget.css").read_text(encoding="utf-8")
    alt = traitlets.Unicode().tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    first = traitlets.Dict().tag(sync=True)

    def __init__(self, alt: str, controls: list[Control], draw: Callable[..., tuple[str, str]]):
        self.table = controls
        self.draw = draw
        self.start = [c.start for c in controls]
        super().__init__(
            alt=alt,
            first=self.frame(self.start),
            controls=[
                {"kind": c.kind, "label": c.label, "options": list(c.options), "start": c.start}
                | {"play": c.play, "most": c.most}
                for c in controls
            ],
        )
        self.on_msg(self._answer)

    def frame(self, setting: list) -> dict[str, str]:
        """Picture and words of one setting: an option's position for each control, in the order of the controls."""
        svg, words = self.draw(**{c.name: c.value(i) for c, i in zip(self.table, setting, strict=True)})
        return {"svg": svg, "words": words}

    def _answer(self, _, message: dict, _buffers) -> None:
        """Answer a list of settings, as many as 30 ms allow and at least one: the first is what the reader waits for."""
        end = time.perf_counter() + 0.03
        frames = []
        for setting in message["ask"]:
            try:
                frames.append(self.frame(setting))
            except Exception as error:  # a graph of the reader's own may fail in any way; the page must go on
                frames.append({"svg": "", "words": f"This cannot be shown: {type(error).__name__}: {error}"})
            if time.perf_counter() > end:
                break
        self.send({"settings": message["ask"][: len(frames)], "frames": frames})

    def __repr__(self) -> str:
        return self.first["words"]

    def _repr_mimebundle_(self, **kwargs) -> tuple[dict, dict]:
        """The live widget and, beside it, the still figure that pages without a kernel show instead."""
        data, metadata = super()._repr_mimebundle_(**kwargs)
        words = self.first["words"]
        svg = re.sub(r";min-width:\d+px", "", self.first["svg"])  # on paper nothing can be scrolled: a wide one shrinks
        if 'role="img"' not in svg:  # the pictures of `graph` say themselves what they show
            svg = svg.replace("<svg ", f'<svg role="img" aria-label="{html.escape(self.alt)}" ', 1)
        caption = f"<figcaption>{html.escape(words)}</figcaption>"
        data["text/html"] = f'<figure style="margin:0.5em 0;overflow-x:auto">{svg}{caption}</figure>'
        data["text/plain"] = words
        return data, metadata
