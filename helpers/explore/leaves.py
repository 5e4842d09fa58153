"""What a tensor is: its three flags, its three boxes, and seven ways to update it (sections 3.5, 5.1, 5.4, 5.5).

Every row shows what a real tensor answers, and every error is the one that was caught.
"""

import warnings

import numpy as np
import torch

from .. import thermometer
from .drawing import BLUE, GREEN, INK, PAPER, RED, picture, rect, segment, text
from .updates import LR, UPDATES, epochs
from .widget import Exploration, box, menu, presses


def leaves(form: str = "flags") -> Exploration:
    """Build an expression and see its flags; `leaves("boxes")` shows what two names share, `leaves("updates")` a loop."""
    if form not in ("flags", "boxes", "updates"):
        print(f'{form!r} is no form of leaves: "flags", "boxes" or "updates"; here is "flags".')
        form = "flags"
    if form == "boxes":
        alt = "Two names, v and w, with arrows to the storage, the graph and the version counter that each has."
        return Exploration(alt, [presses("acts", "press", _ACTS, 6, (0,))], _draw_boxes)
    if form == "updates":
        alt = "A training loop of two epochs: after each, the parameters, their flags, or the error that came."
        return Exploration(alt, [menu("line", "the update", UPDATES)], _draw_updates)
    controls = [
        menu("start", "x =", _STARTS, "torch.ones(2, requires_grad=True)"),
        presses("acts", "then", _STEPS, 6, (0,)),
        box("unrecorded", "under torch.no_grad()"),
    ]
    alt = "A table, a row for each tensor of the expression: is_leaf, requires_grad, grad_fn, and what backward does."
    return Exploration(alt, controls, _draw_flags)


# --- flags -----------------------------------------------------------------------------------------------------------

_STARTS = {
    "torch.ones(2, requires_grad=True)": lambda: torch.ones(2, requires_grad=True),
    "torch.ones(2)": lambda: torch.ones(2),
    "torch.tensor([1, 2])": lambda: torch.tensor([1, 2]),
}
_STEPS = {
    "* 2": ("{} * 2", lambda t: t * 2),
    ".detach()": ("{}.detach()", lambda t: t.detach()),
    ".view(2)": ("{}.view(2)", lambda t: t.view(2)),
    ".clone()": ("{}.clone()", lambda t: t.clone()),
    ".double()": ("{}.double()", lambda t: t.double()),
    ".float()": ("{}.float()", lambda t: t.float()),
    ".mul_(2)": ("{}.mul_(2)", lambda t: t.mul_(2)),
    ".requires_grad_()": ("{}.requires_grad_()", lambda t: t.requires_grad_()),
}


def _draw_flags(start, acts, unrecorded: bool) -> tuple[str, str]:
    name = next(text for text, make in _STARTS.items() if make is start)
    x = tensor = start()
    rows, error = [_flags("x", x, None)], ""
    for expression, act in acts:
        before, written = tensor, expression.format("xyzuvst"[len(rows) - 1])
        try:
            with torch.set_grad_enabled(not unrecorded):
                tensor = act(tensor)
        except RuntimeError as caught:
            error = f"{written} raises {type(caught).__name__}: {caught}"
            rows.append({"made": written, "error": error})
            break
        # An in-place operation, and a conversion that has nothing to do, return the tensor that they were given.
        rows.append(_flags(f"{'xyzuvst'[len(rows)]} = {written}", tensor, before))
    outcome = error or _backward(tensor, x, "xyzuvst"[len(rows) - 1])
    mode = ", the rest under torch.no_grad()" if unrecorded else ""
    return _table(f"x = {name}{mode}", rows), _flag_words(rows, outcome) + (" Recording was off." if unrecorded else "")


def _flags(made: str, tensor, before) -> dict:
    return {
        "made": made,
        "is_leaf": str(tensor.is_leaf),
        "requires_grad": str(tensor.requires_grad),
        "grad_fn": tensor.grad_fn.name() if tensor.grad_fn is not None else "None",
        "same": tensor is before,
    }


def _backward(tensor, x, name: str) -> str:
    """What `name.sum().backward()` does, in words."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tensor.sum().backward()
    except RuntimeError as caught:
        return f"{name}.sum().backward() raises {type(caught).__name__}: {caught}"
    if x.grad is None:
        return f"{name}.sum().backward() runs, and x.grad is None: no walk leads from {name} to x."
    return f"{name}.sum().backward() puts {_values(x.grad)} into x.grad."


def _values(tensor) -> str:
    return "[" + ", ".join(f"{v:g}" for v in tensor.tolist()) + "]"


def _flag_words(rows: list[dict], outcome: str) -> str:
    last = next(row for row in reversed(rows) if "error" not in row)
    flags = f"is_leaf {last['is_leaf']}, requires_grad {last['requires_grad']}, grad_fn {last['grad_fn']}"
    return f"{last['made']}: {flags}{' (the same tensor as before)' if last['same'] else ''}. {outcome}"


def _table(title: str, rows: list[dict]) -> str:
    columns = {"made": 12, "is_leaf": 250, "requires_grad": 345, "grad_fn": 480}
    parts = [text(12, 24, title, font_weight="600")]
    parts += [text(x, 52, name, fill_opacity=0.8) for name, x in columns.items() if name != "made"]
    for k, row in enumerate(rows):
        y = 80 + 27 * k
        parts.append(segment(8, y - 18, 752, y - 18, stroke_opacity=0.2))
        parts.append(text(12, y, row["made"], font_family="monospace"))
        if "error" in row:
            parts.append(text(columns["is_leaf"], y, "raises an error", fill=RED))
            continue
        before = rows[k - 1] if k else row
        for name in ("is_leaf", "requires_grad", "grad_fn"):
            changed = row[name] != before[name]
            style = {"fill": RED, "font_weight": "600"} if changed else {}
            parts.append(text(columns[name], y, row[name] + (" ←" if changed else ""), **style))
        if row["same"]:
            parts.append(text(752, y, "same tensor", "end", fill=BLUE))
    return picture(760, 92 + 27 * max(len(rows) - 1, 3), *parts)


# --- boxes -----------------------------------------------------------------------------------------------------------


def _edit_unrecorded(state: dict) -> None:
    with torch.no_grad():
        state["w"] += 1


def _edit_numpy(state: dict) -> None:
    array = state["w"].detach().numpy()
    array += 1


_ACTS = {
    "v = w.detach()": lambda state: state.update(v=state["w"].detach()),
    "v = w.clone()": lambda state: state.update(v=state["w"].clone()),
    "v = w.detach().clone()": lambda state: state.update(v=state["w"].detach().clone()),
    "v = w.data": lambda state: state.update(v=state["w"].data),
    "no_grad: w += 1": _edit_unrecorded,
    "w.detach().add_(1)": lambda state: state["w"].detach().add_(1),
    "w.data.add_(1)": lambda state: state["w"].data.add_(1),
    "w.detach().numpy() += 1": _edit_numpy,
}


def _draw_boxes(acts) -> tuple[str, str]:
    w = torch.tensor([1.0, 2.0], requires_grad=True)
    state = {"w": w, "v": None}
    y = (w**2).sum()
    names = {act: name for name, act in _ACTS.items()}
    program = ["w = torch.tensor([1.0, 2.0], requires_grad=True)", "y = (w**2).sum()"]
    for act in acts:
        act(state)
        program.append(names[act])
    v = state["v"]
    shared = v is not None and np.shares_memory(w.detach().numpy(), v.detach().numpy())
    told = _told(y, w)
    words = [f"After {program[-1]}: w is {_values(w)}, version {w._version}."]
    if v is not None:
        words.append(f"v is {_values(v)}, version {v._version}; its storage is {'the same' if shared else 'its own'}")
        words[-1] += ", it is linked to w by a graph." if v.grad_fn is not None else ", it has no graph."
    return _boxes(w, v, shared, program), " ".join([*words, told])


def _told(y, w) -> str:
    """What backward says about y = (w**2).sum(), made when w was [1, 2]: the true gradient is [2, 4]."""
    try:
        y.backward()
    except RuntimeError as caught:
        said = str(caught).split(". Hint")[0]
        return f"y = (w**2).sum() was made at the start; y.backward() raises {type(caught).__name__}: {said}"
    verdict = "right" if w.grad.tolist() == [2.0, 4.0] else "wrong, it was [2, 4], and nobody complains"
    return f"y = (w**2).sum() was made at the start; y.backward() reports {_values(w.grad)}: {verdict}."


def _boxes(w, v, shared: bool, program: list[str]) -> str:
    heads = {"storage": 300, "graph": 510, "version": 675}
    parts = [text(x, 26, name, "middle", font_weight="600") for name, x in heads.items()]
    for k, (name, tensor) in enumerate((("w", w), ("v", v))):
        y = 70 + 90 * k
        parts.append(text(30, y + 5, name, font_weight="600", font_size=20, font_family="monospace"))
        if tensor is None:
            parts.append(text(70, y + 5, "not made yet", fill_opacity=0.8))
            continue
        parts.append(text(60, y + 5, f"requires_grad {tensor.requires_grad}", font_size=13))
        own = not (shared and k)
        stored_y = y if own else 70
        parts.append(segment(190, y, 226, stored_y, BLUE, stroke_width=2.5))
        if own:
            parts += _card(228, y - 24, 144, 48, BLUE, _values(tensor))
        graph = tensor.grad_fn.name() if tensor.grad_fn is not None else ("leaf" if tensor.requires_grad else "none")
        parts += _card(425, y - 20, 170, 40, GREEN, graph, "5 4" if graph == "none" else "none")
        parts += _card(640, y - 20, 70, 40, RED, str(tensor._version))
    if shared:
        parts.append(text(300, 126, "one storage for both", "middle", fill=BLUE))
        if v._version == w._version and w._version:
            parts.append(text(675, 120, "moves along", "middle", fill=RED, font_size=13))
    lines = [text(30, 222 + 19 * k, line, font_family="monospace", font_size=13) for k, line in enumerate(program)]
    return picture(760, 216 + 19 * max(len(lines), 5), *parts, *lines)


def _card(x: float, y: float, width: float, height: float, colour: str, words: str, dash: str = "none") -> list[str]:
    frame = rect(x, y, width, height, rx=6, fill=PAPER, stroke=colour, stroke_width=2, stroke_dasharray=dash)
    return [frame, text(x + width / 2, y + height / 2 + 5, words, "middle", fill=INK)]


# --- updates ---------------------------------------------------------------------------------------------------------


def _draw_updates(line) -> tuple[str, str]:
    name = next(written for written, update in UPDATES.items() if update is line)
    first = torch.tensor([1.0, 0.0], requires_grad=True)
    rows = [_update_row("start", first, first)]
    for epoch, (_, p, error) in enumerate(epochs(line, first, 2), start=1):
        if error:
            return _update_table(name, rows, error), f"{name}: epoch {epoch} raises {error}"
        # Written down at once: the next epoch may change the numbers in place.
        rows.append(_update_row(f"epoch {epoch}", p, first))
    due, _ = thermometer.train_by_hand(2, LR, thermometer.t_un, thermometer.t_c)
    verdict = "as it should be" if torch.allclose(p.detach(), due) else "not what is due"
    kept = "the same tensor, changed in place" if p is first else "a new tensor every epoch"
    words = f"{name}: after two epochs p is {rows[-1][1]}, {verdict}; is_leaf {p.is_leaf}, {kept}."
    return _update_table(name, rows), words


def _update_row(label: str, p, first) -> tuple[str, ...]:
    values = "[" + ", ".join(f"{v:.4f}" for v in p.tolist()) + "]"
    return label, values, str(p.is_leaf), str(p.requires_grad), "the first one" if p is first else "a new one"


def _update_table(name: str, rows: list[tuple[str, ...]], error: str = "") -> str:
    columns = {"": 12, "p": 110, "is_leaf": 270, "requires_grad": 360, "which tensor": 500}
    parts = [text(12, 24, name, font_weight="600", font_family="monospace")]
    parts += [text(x, 54, head, fill_opacity=0.8) for head, x in columns.items()]
    for k, row in enumerate(rows):
        y = 84 + 30 * k
        parts.append(segment(8, y - 20, 752, y - 20, stroke_opacity=0.2))
        parts += [
            text(x, y, said, fill=RED if said == "False" else INK)
            for x, said in zip(columns.values(), row, strict=True)
        ]
    if error:
        y = 84 + 30 * len(rows)
        parts += [segment(8, y - 20, 752, y - 20, stroke_opacity=0.2), text(12, y, f"epoch {len(rows)}")]
        parts.append(text(columns["p"], y, f"raises {error.split(':')[0]}", fill=RED))
    return picture(760, 160, *parts)
