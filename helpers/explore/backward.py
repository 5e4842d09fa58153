"""The backward pass over a live graph, one node at a time (sections 2.3, 2.8, 3.4, 9.9, 10.8)."""

import torch

from .. import graph, thermometer
from .widget import Exploration, menu, slider

# More nodes than an eye can follow; such a graph is shown at rest.
_MOST = 150


def backward(loss=None, gradient=None, **names) -> Exploration:
    """Step through `loss.backward(gradient)` without touching any `.grad`: forth, back, or play.

    `loss` is a tensor of PyTorch or handtorch, or a value of an engine of your own (with `data`, `grad`, `parents`);
    `names` name leaves and results, as in `graph.draw`. Without a loss there is a menu of small graphs, with "broken" in
    its place a menu of losses whose link to the parameters is broken.
    """
    alt = "A computation graph, inputs left and result right, with the gradients that the walk back has reached."
    if loss is None or (isinstance(loss, str) and loss == "broken"):
        cases = _EXAMPLES if loss is None else _BROKEN
        walks = {name: _Walk(*make()) for name, make in cases.items()}
        controls = [_steps(max(walk.length for walk in walks.values())), menu("case", "graph", walks)]
        return Exploration(alt, controls, lambda step, case: case.frame(step))
    walk = _Walk(loss, names, gradient)
    controls = [_steps(walk.length)] if walk.length else []
    return Exploration(alt, controls, lambda step=0: walk.frame(step))


def _steps(length: int):
    return slider("step", "step", {str(k): k for k in range(length + 1)}, "0", play=True)


class _Walk:
    """The frames of one graph's walk; a sentence and no picture where there is no graph to walk."""

    def __init__(self, root, names: dict, gradient=None, remark: str = ""):
        self.steps, self.still, self.remark = None, ("", ""), remark
        try:
            count = graph.count(root)
            if count > _MOST:
                drawing = graph.draw(root, **names)
                self.still = (
                    drawing.svg(),
                    (
                        f"This graph has {count} nodes, too many to step through by eye: the picture stands still. "
                        f"{drawing.note} Try a loss over fewer readings."
                    ),
                )
            else:
                self.steps = graph.backward_steps(root, gradient, **names)
        except Exception as error:  # whatever was handed over, the reader gets a sentence
            said = str(error)
            self.still = "", f"There is no walk to show: {said[:1].lower()}{said[1:]}. {remark}".strip()

    @property
    def length(self) -> int:
        return len(self.steps) if self.steps else 0

    def frame(self, step: int) -> tuple[str, str]:
        """Picture and words after so many steps; a shorter walk stays at its end."""
        if self.steps is None:
            return self.still
        step = min(step, self.length)
        over = " The walk is over." if step == self.length else ""
        words = f"Step {step} of {self.length}. {self.steps.text(step)}{over}"
        svg = self.steps.svg(step).replace("<svg ", f'<svg data-look="{self._look(step):.3f}" ', 1)
        return svg, f"{words} {self.remark}".strip()

    def _look(self, step: int) -> float:
        """Where the node that fires lies, as a share of the picture's width: a wide picture is scrolled there."""
        nodes = [node.id for node in self.steps.drawing.graph.nodes]
        layout = self.steps.drawing.layout
        firing = self.steps[step - 1].node.id if step else nodes[-1]
        return layout.centres[nodes.index(firing)][0] / layout.length


def _leaf(value) -> torch.Tensor:
    return torch.tensor(value, requires_grad=True)


def _quadratic():
    w1, w2, b = _leaf(1.0), _leaf(1.0), _leaf(1.0)
    x, target = 2.0, torch.tensor(4.0)
    y = w1 * x**2 + w2 * x + b
    return (y - target) ** 2, {"w1": w1, "w2": w2, "b": b, "y": y, "target": target}


def _fan_out():
    x = _leaf(3.0)
    y = x * x
    return y + y, {"x": x, "y": y}


def _diamond():
    x = _leaf(2.0)
    a = 3 * x
    c = a + x
    return a * c, {"x": x, "a": a, "c": c}


def _thermometer():
    params = _leaf([1.0, 0.0])
    t_p = thermometer.model(thermometer.t_u, *params)
    names = {"params": params, "t_p": t_p, "t_u": thermometer.t_u, "t_c": thermometer.t_c}
    return thermometer.loss_fn(t_p, thermometer.t_c), names


_EXAMPLES = {
    "quadratic: y = w1·x² + w2·x + b, then (y - target)²": _quadratic,
    "fan-out: y = x·x, then y + y": _fan_out,
    "diamond: a = 3x, c = a + x, then a·c": _diamond,
    "the thermometer's loss": _thermometer,
}


def _broken(make, remark: str):
    """A thermometer loss from w and b by `make(w, b)`, with what is to be noticed."""

    def case():
        w, b = _leaf(1.0), _leaf(0.0)
        loss = make(w, b)
        reached = {id(leaf) for leaf in graph.leaves(loss)} if loss.requires_grad else set()
        names = {name: leaf for name, leaf in (("w", w), ("b", b)) if id(leaf) in reached}
        names |= {"t_un": thermometer.t_un, "t_c": thermometer.t_c} if reached else {}
        return loss, names, None, remark

    return case


def _loss(w, b):
    return thermometer.loss_fn(thermometer.model(thermometer.t_un, w, b), thermometer.t_c)


def _half(w, b):
    gap = thermometer.model(thermometer.t_un, w, b) - thermometer.t_c
    return (gap * gap.detach()).mean()


def _unrecorded(w, b):
    with torch.no_grad():
        return _loss(w, b)


_BROKEN = {
    "whole": _broken(_loss, ""),
    "w.detach()": _broken(lambda w, b: _loss(w.detach(), b), "No edge leads to w: its .grad stays None."),
    "b.item()": _broken(lambda w, b: _loss(w, b.item()), "No edge leads to b, which went in as a plain number."),
    "torch.tensor([w.item(), b.item()])": _broken(
        lambda w, b: _loss(*torch.tensor([w.item(), b.item()])), "The numbers were copied, the history was not."
    ),
    "under no_grad": _broken(_unrecorded, "Nothing was recorded while the loss was made."),
    "gap * gap.detach()": _broken(_half, "Both leaves are reached, with half of the gradient."),
    "torch.round": _broken(
        lambda w, b: thermometer.loss_fn(torch.round(thermometer.model(thermometer.t_un, w, b)), thermometer.t_c),
        "The walk reaches both leaves and brings zeros: rounding is flat.",
    ),
}
