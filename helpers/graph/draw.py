"""The picture of a graph as SVG text: no system binary, no ids, the same bytes for the same graph.

Kind is shown by colour (Okabe–Ito) and by shape: a leaf is a pill, an operation a rounded box, the result has a double
frame, a constant a dashed square box. The picture stands on a light card of its own, so a dark theme does not change it.
"""

from collections import Counter
from html import escape

from helpers.graph.layout import Layout, arrange
from helpers.graph.read import Graph, Node, read

LIMIT, PART = 500, 60  # a larger graph is drawn in part: so many nodes nearest the result

FRAME = {"leaf": "#007a59", "operation": "#0072B2", "result": "#B34700", "constant": "#6b6b6b"}
FILL = {"leaf": "#dcf3ea", "operation": "#e4f1fb", "result": "#fdeadd", "constant": "#f4f4f4"}
CARD, INK, EDGE, GRADIENT, ACTIVE = "#fdfdfb", "#1a1a1a", "#5f6368", "#9c3d00", "#D55E00"
FONT = "font-family=\"Helvetica, Arial, 'DejaVu Sans', sans-serif\""
SIZE, LINE, MARGIN = 13.0, 17.0, 14.0

# Widths in em of DejaVu Sans, the widest of the usual sans-serif fonts, rounded up; other characters take 0.66.
WIDTHS = (
    {c: 0.36 for c in "iljI|.,:;'!()[] "} | {c: 1.0 for c in "mMwW@%…√"} | {c: 0.86 for c in "×+−=÷<>∂·ᵇABCDGHKNOQRU"}
)


def text_width(text: str, bold: bool = False) -> float:
    """A generous estimate of the width of `text` in pixels, so that no label touches its box in any font."""
    return sum(WIDTHS.get(character, 0.66) for character in text) * SIZE * (1.12 if bold else 1.0)


class Drawing:
    """A graph with the places of its boxes: shown by a notebook as an inline SVG, elsewhere as text.

    `gradients` gives further gradient texts that a box must have room for (the steps of a backward pass).
    """

    def __init__(self, graph: Graph, *, values=True, grads=True, title=None, direction="LR", gradients=None):
        if direction not in ("LR", "TB"):
            raise ValueError(f"direction is {direction!r}: it must be 'LR' (left to right) or 'TB' (top to bottom)")
        self.whole, self.graph = graph, nearest(graph)
        self.values, self.grads, self.title, self.direction = values, grads, title, direction
        self.lines = {node.id: self._lines(node) for node in self.graph.nodes}
        self.sizes = [self._size(node, (gradients or {}).get(node.id, ())) for node in self.graph.nodes]
        number = {node.id: k for k, node in enumerate(self.graph.nodes)}
        pairs = [(number[edge.source], number[edge.target]) for edge in self.graph.edges]
        turned = self.sizes if direction == "LR" else [(height, width) for width, height in self.sizes]
        self.layout: Layout = arrange(turned, pairs)

    def _lines(self, node: Node) -> list[str]:
        """The texts of a box above its gradient."""
        if node.kind == "constant" and self.values and not node.name and node.shape == ():
            return [node.value]
        lines = [node.heading]
        if self.values and node.value is not None:
            lines.append(node.value)
        elif node.shape and isinstance(node.shape[0], int):
            lines.append(f"shape {node.shape}")
        return lines

    def _size(self, node: Node, gradients) -> tuple[float, float]:
        shown = list(gradients) or ([node.grad] if self.grads and node.grad is not None else [])
        texts = [text_width(line, bold=k == 0) for k, line in enumerate(self.lines[node.id])]
        width = max(texts + [text_width(f"grad {text}") for text in shown])
        side = 26.0 if node.kind == "leaf" else 18.0  # a pill's ends are round
        return max(width + side, 40.0), LINE * (len(texts) + bool(shown)) + 12.0

    def svg(
        self, *, gradients: dict[int, str] | None = None, firing: int | None = None, used=(), done=(), alt=""
    ) -> str:
        """The picture. For a step of the backward pass: the gradients so far by node id, the node that fires, the
        edges (source, target, input) over which it sends, the ids of nodes that have fired, and the step in words."""
        length, breadth = self.layout.length + 2 * MARGIN, self.layout.breadth + 2 * MARGIN
        width, height = (length, breadth) if self.direction == "LR" else (breadth, length)
        width, height = max(width, 60.0), height + (LINE + 4 if self.title else 0)
        parts = [
            f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{escape(alt or self.alt, quote=True)}" '
            f'viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}" {FONT} '
            f'font-size="{SIZE:g}" style="max-width:100%;height:auto;min-width:{0.7 * width:.0f}px">',
            f'<rect width="{width:.0f}" height="{height:.0f}" rx="8" fill="{CARD}"/>',
        ]
        if self.title:
            parts.append(f'<text x="{MARGIN:g}" y="22" font-weight="bold" fill="{INK}">{escape(self.title)}</text>')
            parts.append(f'<g transform="translate(0 {LINE + 4:g})">')
        for edge, path in zip(self.graph.edges, self.layout.paths, strict=True):
            parts.append(self._edge(path, (edge.source, edge.target, edge.input) in used))
        for node, size, centre in zip(self.graph.nodes, self.sizes, self.layout.centres, strict=True):
            grad = (node.grad if self.grads else None) if gradients is None else gradients.get(node.id)
            faded = node.id in done and node.id != firing
            parts.append(self._box(node, size, self._point(centre), grad, node.id == firing, faded))
        return "\n".join([*parts, *["</g>"] * bool(self.title), "</svg>"])

    def _point(self, place: tuple[float, float]) -> tuple[float, float]:
        along, across = place[0] + MARGIN, place[1] + MARGIN
        return (along, across) if self.direction == "LR" else (across, along)

    def _edge(self, path, active: bool) -> str:
        colour, width = (ACTIVE, 2.6) if active else (EDGE, 1.3)
        if active:  # a gradient travels from the user back to the input
            (tip, level), turn = path[0], -1
            points = [self._point(place) for place in ((tip + 5, level), *path[1:])]
        else:
            (tip, level), turn = path[-1], 1
            points = [self._point(place) for place in (*path[:-1], (tip - 5, level))]
        corners = [(tip - 8 * turn, level - 4), (tip, level), (tip - 8 * turn, level + 4)]
        head = " ".join("{:.1f},{:.1f}".format(*self._point(corner)) for corner in corners)
        parts = ["M{:.1f},{:.1f}".format(*points[0])]
        for k in range(1, len(points)):
            (x0, y0), (x1, y1) = points[k - 1], points[k]
            if k % 2:  # straight within a layer
                parts.append(f"L{x1:.1f},{y1:.1f}")
            elif self.direction == "LR":
                parts.append(f"C{(x0 + x1) / 2:.1f},{y0:.1f} {(x0 + x1) / 2:.1f},{y1:.1f} {x1:.1f},{y1:.1f}")
            else:
                parts.append(f"C{x0:.1f},{(y0 + y1) / 2:.1f} {x1:.1f},{(y0 + y1) / 2:.1f} {x1:.1f},{y1:.1f}")
        return (
            f'<path d="{"".join(parts)}" fill="none" stroke="{colour}" stroke-width="{width}"/>'
            f'<polygon points="{head}" fill="{colour}"/>'
        )

    def _box(self, node: Node, size, centre, grad: str | None, firing: bool, fired: bool) -> str:
        (width, height), (x, y) = size, centre
        left, top = x - width / 2, y - height / 2
        radius = {"leaf": min(height / 2, 20.0), "operation": 7.0, "result": 7.0, "constant": 0.0}[node.kind]
        frame = f'stroke="{ACTIVE if firing else FRAME[node.kind]}" stroke-width="{3.2 if firing else 1.4}"'
        if fired:
            frame += ' opacity="0.5"'
        if node.kind == "constant":
            frame += ' stroke-dasharray="4 3"'
        parts = [
            f'<rect x="{left:.1f}" y="{top:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{radius:g}" '
            f'fill="{"#fff3c4" if firing else FILL[node.kind]}" {frame}/>'
        ]
        if node.kind == "result":
            parts.append(
                f'<rect x="{left + 3:.1f}" y="{top + 3:.1f}" width="{width - 6:.1f}" height="{height - 6:.1f}" rx="5" '
                f'fill="none" stroke="{FRAME["result"]}"/>'
            )
        lines = self.lines[node.id] + ([f"grad {grad}"] if grad is not None else [])
        first = y - (len(lines) - 1) * LINE / 2 + SIZE * 0.36
        for k, line in enumerate(lines):
            colour = GRADIENT if grad is not None and k == len(lines) - 1 else INK
            weight = ' font-weight="bold"' if k == 0 else ""
            parts.append(
                f'<text x="{x:.1f}" y="{first + k * LINE:.1f}" text-anchor="middle"{weight} fill="{colour}">'
                f"{escape(line)}</text>"
            )
        return "<g>" + "".join(parts) + "</g>"

    @property
    def note(self) -> str:
        """What the reader must know beyond the picture: that it is a part, or that values have been freed."""
        notes = []
        if len(self.graph.nodes) < len(self.whole.nodes):
            notes.append(
                f"This graph has {self.whole.count} nodes; only the {self.graph.count} nearest the result are drawn."
            )
        if self.whole.untold:
            notes.append(f"The graph keeps no copy from which to tell where {', '.join(self.whole.untold)} went in.")
        if self.whole.freed:
            notes.append("A backward pass has freed the values that the operations had saved.")
        return " ".join(notes)

    @property
    def alt(self) -> str:
        """The picture in words: every leaf, then the nodes in forward order, or their kinds where they are many."""
        nodes = self.whole.nodes
        named = [node.heading for node in nodes if node.kind == "leaf"]
        counted = Counter(named)
        listed = ", ".join(f"{times} × {name}" if times > 1 else name for name, times in counted.items())
        text = (
            f"{self.title or 'Computation graph'}: {self.whole.count} nodes, {len(named)} of them leaves ({listed}). "
        )
        if len(nodes) <= 30:
            text += "; ".join(repr(self.whole).split("\n")) + "."
        else:
            kinds = Counter(node.label for node in nodes if node.kind in ("operation", "result"))
            text += "Operations: " + ", ".join(f"{times} × {label}" for label, times in kinds.most_common()) + "."
        return f"{text} {self.note}".strip()

    def _repr_html_(self) -> str:
        note = f"<figcaption>{escape(self.note)}</figcaption>" if self.note else ""
        return f'<figure style="margin:0.5em 0;overflow-x:auto">{self.svg()}{note}</figure>'

    def __repr__(self) -> str:
        return "\n".join(filter(None, [self.title, repr(self.graph), self.note]))


def nearest(graph: Graph) -> Graph:
    """The graph itself, or the part nearest the result where the whole is too large to be seen."""
    if len(graph.nodes) <= LIMIT:
        return graph
    sources: dict[int, list[int]] = {}
    for edge in graph.edges:
        sources.setdefault(edge.target, []).append(edge.source)
    kept = [graph.nodes[-1].id]
    for node in kept:  # grows while it is walked: breadth first
        kept += [source for source in dict.fromkeys(sources.get(node, ())) if source not in kept][: PART - len(kept)]
    part = set(kept)
    nodes = [node for node in graph.nodes if node.id in part]
    edges = [edge for edge in graph.edges if edge.source in part and edge.target in part]
    return Graph(nodes, edges, graph.freed)


def draw(root, *, values=True, grads=True, title=None, direction="LR", **names) -> Drawing:
    """Draw the live graph behind `root`: `graph.draw(loss, w=w, t_p=t_p)`.

    `root` is a tensor of PyTorch or handtorch with history, or a value of a student's own engine; `names` are the
    caller's names for leaves, constants and intermediate tensors. `values=False` and `grads=False` leave those lines
    out; `direction="TB"` runs from top to bottom. Raises TypeError and ValueError as `read` does.
    """
    for option, given, kind in (("values", values, bool), ("grads", grads, bool), ("title", title, str | None)):
        if not isinstance(given, kind):
            raise TypeError(
                f"{option}= is an option of the drawing, not {type(given).__name__}: pass the tensor under another name"
            )
    return Drawing(read(root, **names), values=values, grads=grads, title=title, direction=direction)
