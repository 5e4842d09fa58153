"""Gradients add up: press the loop's four calls in any order, forget to clear, add up chunks (chapter 4)."""

import functools

import torch

from .. import thermometer
from .drawing import BLUE, GREEN, INK, ORANGE, PAPER, RED, Axes, arrow, number, picture, rect, segment, text
from .widget import Exploration, menu, presses, slider


def accumulation(form: str = "buttons") -> Exploration:
    """Press forward, backward, zero_grad and step in any order, and watch data, grad and graph.

    `accumulation("forget")` compares a loop that clears too seldom with momentum; `accumulation("chunks")` adds the
    gradients of micro-batches as arrows.
    """
    if form not in ("buttons", "forget", "chunks"):
        print(f'{form!r} is no form of accumulation: "buttons", "forget" or "chunks"; here is "buttons".')
        form = "buttons"
    if form == "forget":
        controls = [
            slider("every", "zero_grad every … epochs", _EVERY, "never"),
            slider("momentum", "momentum, cleared every epoch", _MOMENTA, "0.9"),
        ]
        alt = "The loss over 150 epochs, twice: a loop that clears .grad only now and then, and one with momentum."
        return Exploration(alt, controls, _draw_forget)
    if form == "chunks":
        controls = [
            slider("size", "readings in a piece", {str(n): n for n in range(1, 12)}, "4"),
            menu("weight", "each piece's gradient", _WEIGHTS),
            menu("order", "order of the readings", _ORDERS),
        ]
        alt = "The gradients of the pieces as arrows, one at the tip of the other, beside the gradient of all readings."
        return Exploration(alt, controls, _draw_chunks)
    alt = "Three boxes, data, grad and graph, and a tape with what stood in .grad after each call."
    return Exploration(alt, [presses("calls", "call", _CALLS, 10, (0, 1))], _draw_buttons)


# --- buttons ---------------------------------------------------------------------------------------------------------

_CALLS = {"forward": "forward", "loss.backward()": "backward", "opt.zero_grad()": "zero_grad", "opt.step()": "step"}


def _draw_buttons(calls) -> tuple[str, str]:
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    opt = torch.optim.SGD([params], lr=1e-2)
    loss, graph, tape, said = None, "none yet", [("start", _pair(params), _pair(params.grad))], "nothing has happened"
    for call in calls:
        if call == "forward":
            loss = thermometer.loss_fn(thermometer.model(thermometer.t_un, *params), thermometer.t_c)
            graph, said = "recorded", f"the loss is {loss.item():.4f}"
        elif call == "backward" and loss is None:
            said = "there is no loss yet: call forward first"
        elif call == "backward":
            before = params.grad is not None and bool((params.grad != 0).any())
            graph, said = _walk(loss, graph, before)
        elif call == "zero_grad":
            opt.zero_grad()
            said = ".grad is None, as before the first backward"
        else:
            said = "nothing moves, .grad is None" if params.grad is None else "params moved by -lr times .grad"
            opt.step()
        tape.append((call, _pair(params), _pair(params.grad)))
    words = f"After {tape[-1][0]}: {said}. params {tape[-1][1]}, grad {tape[-1][2]}, graph {graph}."
    return _desk(tape, graph, None if loss is None else loss.item()), words


def _walk(loss, graph: str, before: bool) -> tuple[str, str]:
    try:
        loss.backward()
    except RuntimeError as caught:
        return graph, f"RuntimeError: {str(caught).split(' (or')[0]}"
    return "walked and freed", "added to what stood in .grad" if before else "written into .grad"


def _pair(values) -> str:
    return "None" if values is None else "[" + ", ".join(f"{v:.4f}" for v in values.tolist()) + "]"


def _desk(tape: list, graph: str, loss: float | None) -> str:
    _, data, grad = tape[-1]
    parts = []
    of = "" if loss is None else f", {loss:.4f}"
    boxes = (("params", data, BLUE), ("params.grad", grad, RED), (f"graph of the loss{of}", graph, GREEN))
    for k, (name, words, colour) in enumerate(boxes):
        x = 10 + 252 * k
        parts.append(text(x + 4, 22, name, font_weight="600"))
        dash = "5 4" if words in ("None", "none yet", "walked and freed") else "none"
        frame = {"fill": PAPER, "stroke": colour, "stroke_width": 2, "stroke_dasharray": dash}
        parts += [rect(x, 32, 236, 44, rx=6, **frame), text(x + 118, 59, words, "middle")]
    columns = {"call": 12, "params after it": 190, "params.grad after it": 430}
    parts += [text(x, 108, name, font_weight="600") for name, x in columns.items()]
    for k, row in enumerate(tape):
        y = 134 + 24 * k
        if k == len(tape) - 1:
            parts.append(rect(6, y - 17, 748, 24, fill=ORANGE, fill_opacity=0.16))
        parts.append(segment(6, y - 17, 754, y - 17, stroke_opacity=0.15))
        for column, (x, said) in enumerate(zip(columns.values(), row, strict=True)):
            changed = column and k and said != tape[k - 1][column]
            parts.append(text(x, y, said + (" ←" if changed else ""), font_weight="600" if changed else "400"))
    return picture(760, 126 + 24 * max(len(tape), 5), *parts)


# --- forget ----------------------------------------------------------------------------------------------------------

_EVERY = {str(k): k for k in (1, 2, 3, 4, 5, 7, 10, 15, 20, 30, 50)} | {"never": 0}
_MOMENTA = {number(k / 20): k / 20 for k in range(19)} | {"0.95": 0.95, "0.98": 0.98, "0.99": 0.99, "1": 1.0}
_EPOCHS = 150


@functools.cache
def losses(every: int, momentum: float) -> tuple[float, ...]:
    """The losses of 150 epochs of torch.optim.SGD on `t_un` with lr 1e-2; .grad is cleared each `every` epochs."""
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    opt = torch.optim.SGD([params], lr=1e-2, momentum=momentum)
    seen = []
    for epoch in range(_EPOCHS):
        if every and epoch % every == 0:
            opt.zero_grad()
        loss = thermometer.loss_fn(thermometer.model(thermometer.t_un, *params), thermometer.t_c)
        loss.backward()
        opt.step()
        seen.append(loss.item())
    return tuple(seen)


def _draw_forget(every: int, momentum: float) -> tuple[str, str]:
    forgotten, moving = losses(every, 0.0), losses(1, momentum)
    axes = Axes(56, 52, 680, 250, (0, _EPOCHS), (0, 120))
    svg = picture(
        760,
        352,
        axes.frame("two loops, one learning rate", "epoch", "loss, in °C²", range(0, 151, 25), range(0, 121, 20)),
        axes.inside(
            axes.line([(k + 1, v) for k, v in enumerate(forgotten)], RED, 2.5),
            axes.line([(k + 1, v) for k, v in enumerate(moving)], BLUE, 2.5, stroke_dasharray="7 5"),
            text(668, 22, f"{_often(every)} (solid)", "end", fill=RED),
            text(668, 42, f"momentum {number(momentum)} (dashed)", "end", fill=BLUE),
        ),
    )
    apart = max(abs(a - b) for a, b in zip(forgotten, moving, strict=True))
    together = "They are one curve" if apart == 0 else f"They differ by up to {number(apart, 3)}"
    return svg, (
        f"{_often(every).capitalize()}: loss {forgotten[-1]:.2f} in epoch {_EPOCHS}. Cleared every epoch, momentum "
        f"{number(momentum)}: loss {moving[-1]:.2f}. {together}."
    )


def _often(every: int) -> str:
    return {0: "never cleared", 1: "cleared every epoch"}.get(every, f"cleared every {every} epochs")


# --- chunks ----------------------------------------------------------------------------------------------------------

_WEIGHTS = {"as it is": "sum", "divided by the number of pieces": "mean", "times its share n / 11": "share"}
_ORDERS = {"as measured": None, "coldest first": "rising", "shuffled": "shuffled"}


def _chunk_gradients(size: int, weight: str, order: str | None) -> list[tuple[float, float]]:
    """The weighted gradients of the chunks at w = 1, b = 0 on raw readings, in the order in which they are seen."""
    index = list(range(11))
    if order == "rising":
        index = torch.argsort(thermometer.t_u).tolist()
    elif order == "shuffled":
        index = [7, 3, 2, 9, 4, 1, 0, 8, 10, 5, 6]
    chunks = [index[k : k + size] for k in range(0, 11, size)]
    arrows = []
    for chunk in chunks:
        params = torch.tensor([1.0, 0.0], requires_grad=True)
        thermometer.loss_fn(thermometer.model(thermometer.t_u[chunk], *params), thermometer.t_c[chunk]).backward()
        factor = {"sum": 1.0, "mean": 1 / len(chunks), "share": len(chunk) / 11}[weight]
        dw, db = params.grad.tolist()
        arrows.append((factor * dw, factor * db))
    return arrows


def _draw_chunks(size: int, weight: str, order: str | None) -> tuple[str, str]:
    arrows = _chunk_gradients(size, weight, order)
    full = _chunk_gradients(11, "sum", None)[0]
    tips = [(0.0, 0.0)]
    for dw, db in arrows:
        tips.append((tips[-1][0] + dw, tips[-1][1] + db))
    # The two slopes differ fifty-fold: each axis has its own scale, around what is shown.
    reach = 1.12 * max(tips[-1][0] / full[0], 1.0)
    axes = Axes(70, 52, 660, 250, (0.0, reach * full[0]), (0.0, reach * full[1] * 1.15))
    place = lambda tip: (axes.px(tip[0]), axes.py(tip[1]))
    parts = [arrow(*place((0, 0)), *place(full), GREEN, 7, 18)]
    for k, (tail, tip) in enumerate(zip(tips, tips[1:], strict=False)):
        parts.append(arrow(*place(tail), *place(tip), RED if k % 2 == 0 else BLUE, 2.5, 10))
    parts.append(axes.dots(tips[-1:], INK, 5, stroke=PAPER))
    parts.append(text(16, 24, "all eleven readings at once (thick)", fill=GREEN))
    parts.append(text(16, 44, "pieces, one at the tip of the other", fill=RED))
    xticks = [2000 * k for k in range(30)] if reach < 4.5 else [10000 * k for k in range(8)]
    yticks = [50 * k for k in range(20)] if reach < 4.5 else [200 * k for k in range(8)]
    svg = picture(760, 352, axes.frame("gradients at w = 1, b = 0", "dL/dw", "dL/db", xticks, yticks))
    svg = svg.replace("</svg>", axes.inside(*parts) + "</svg>")
    (w, b), count = tips[-1], len(arrows)
    lands = "the same" if abs(w / full[0] - 1) < 1e-5 and abs(b / full[1] - 1) < 1e-5 else "not the same"
    return svg, (
        f"{count} piece{'s' if count > 1 else ''} of up to {size}: together [{w:.2f}, {b:.2f}]; "
        f"all readings at once [{full[0]:.2f}, {full[1]:.2f}]: {lands}."
    )
