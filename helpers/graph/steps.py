"""The backward pass, one node at a time, without touching anything.

`backward_steps(loss)` does what `loss.backward()` does and writes down every move: which node fires, what has arrived
there, the local derivative of each input, the product that is sent on, and how the sums grow where paths meet. No
`.grad` changes and nothing is freed, so a student can look first and call `backward()` afterwards.

The derivatives are the engine's own: PyTorch's and handtorch's nodes are called one by one with the upstream gradient.
For a student's scalar engine they come from the table below, by the operation's sign; for any other value, from its
`vjp(upstream)` (one gradient for each parent) or its `push()` (adds to the parents' `.grad`, which is put back).
Hooks are not run.
"""

from collections import Counter
from dataclasses import dataclass, field
from html import escape
from math import log, prod
from typing import Any

from helpers.graph import labels
from helpers.graph.draw import Drawing
from helpers.graph.numbers import shape_of, short
from helpers.graph.read import Graph, Node, Reader, inputs_of, is_leaf, outputs_of, plain

# Local derivatives of scalar operations in each input, from the inputs' values.
SCALAR = {
    "+": lambda a, b: (1.0, 1.0),
    "−": lambda a, b: (1.0, -1.0),
    "×": lambda a, b: (b, a),
    "÷": lambda a, b: (1 / b, -a / b**2),
    "aᵇ": lambda a, b: (b * a ** (b - 1), a**b * log(a) if a > 0 else float("nan")),
    "−a": lambda a: (-1.0,),
}


@dataclass(frozen=True)
class Send:
    """What a node sends to one of its inputs."""

    target: int  # the receiving node's id
    output: int  # which of the receiver's outputs the gradient is for
    input: int  # which of the sender's inputs that is
    local: str  # the local derivative in symbols
    number: str  # the same as a number, where sender and receiver are scalars; else ""
    product: Any  # upstream times local derivative
    first: bool  # nothing had arrived there before
    total: Any  # the receiver's sum after this
    waiting: int  # how many more sums the receiver waits for


@dataclass(frozen=True)
class Step:
    """One node fires. At a leaf nothing is sent: `before` is its `.grad`, `after` what backward would leave there."""

    node: Node
    upstream: Any
    sends: list[Send] = field(default_factory=list)
    before: Any = None
    after: Any = None
    text: str = ""


class Steps:
    """The steps in the order in which they fire, and one picture that fills in: `steps.svg(k)` after k steps."""

    def __init__(self, graph: Graph, steps: list[Step], direction: str = "LR"):
        self.graph, self.steps = graph, steps
        self.states = gradient_texts(graph, steps)
        texts: dict[int, list[str]] = {}
        for state in self.states:
            for number, text in state.items():
                texts.setdefault(number, []).append(text)
        self.drawing = Drawing(graph, gradients=texts, direction=direction)

    def __len__(self) -> int:
        return len(self.steps)

    def __getitem__(self, k: int) -> Step:
        return self.steps[k]

    def svg(self, k: int) -> str:
        """The picture after `k` steps, 0 to len(steps): gradients so far, the node that fired last, what it sent."""
        if not 0 <= k <= len(self):
            raise IndexError(f"there are {len(self)} steps: k is {k} and must be from 0 to {len(self)}")
        last = self.steps[k - 1] if k else None
        return self.drawing.svg(
            gradients=self.states[k],
            firing=last.node.id if last else None,
            used={(send.target, last.node.id, send.input) for send in last.sends} if last else (),
            done={step.node.id for step in self.steps[:k]},
            alt=f"Backward pass after step {k} of {len(self)}. {self.text(k)}",
        )

    def text(self, k: int) -> str:
        """What happened in step `k`, in a sentence or two; for 0, where the walk begins."""
        if k == 0:
            return f"The walk begins at the result, with {short(self.steps[0].upstream)}."
        return self.steps[k - 1].text

    def __repr__(self) -> str:
        return "\n".join(f"{k}. {self.text(k)}" for k in range(1, len(self) + 1))

    def _repr_html_(self) -> str:
        items = "".join(f"<li>{escape(step.text)}</li>" for step in self.steps)
        return f'<figure style="margin:0.5em 0;overflow-x:auto">{self.svg(len(self))}</figure><ol>{items}</ol>'


def backward_steps(root, gradient=None, *, direction="LR", **names) -> Steps:
    """The steps of `root.backward(gradient)`, in an order in which every node fires after all its users.

    `root` and `names` are as in `read`, `direction` as in `draw`; `gradient` is the gradient of the result, of its shape; without it the result
    must be a scalar, and it is 1. Raises RuntimeError where the saved values are freed already or were changed in
    place since, ValueError where a gradient is missing or has another shape, and what `read` raises.
    """
    reader = Reader(root, names)
    if reader.freed:
        raise RuntimeError(
            "this graph has been walked and its saved values are freed: run the forward pass again, or call "
            "backward(retain_graph=True) where it was walked"
        )
    arrived = {reader.place(root): first_gradient(root, gradient)}
    waiting = Counter(id(source) for node in reader.order for source, _ in inputs_of(node))
    steps = []
    for node in reversed(reader.order):
        box = reader.graph.nodes[reader.numbers[id(node)]]
        upstreams = [arrived.get((id(node), output)) for output in range(max(1, len(outputs_of(node))))]
        if all(upstream is None for upstream in upstreams):  # such as the other half of an unbind, never used
            for source, _ in inputs_of(node):
                waiting[id(source)] -= 1
            continue
        upstream = upstreams[0] if len(upstreams) == 1 else upstreams
        if is_leaf(node):
            if box.kind == "leaf":
                steps.append(leaf_step(node, box, upstream))
            continue
        sends = []
        for position, sent, number in gradients(node, box, upstreams):
            source, output = inputs_of(node)[position]
            waiting[id(source)] -= 1
            target = reader.graph.nodes[reader.numbers[id(source)]]
            if sent is None or target.kind == "constant":
                continue
            place = (id(source), output)
            first = place not in arrived
            arrived[place] = sent if first else arrived[place] + sent
            local = labels.derivative(box.label, position, box.op)
            target = reader.numbers[id(source)]
            sends.append(
                Send(target, output, position, local, number, sent, first, arrived[place], waiting[id(source)])
            )
        steps.append(Step(box, upstream, sends, text=sentence(reader.graph, box, upstream, sends)))
    return Steps(reader.graph, steps, direction)


def first_gradient(root, gradient):
    """The gradient of the result: 1 for a scalar, else the caller's, in the result's own kind of number."""
    one = filled(root if hasattr(root, "grad_fn") else root.data, 1)
    shape = shape_of(one)
    if gradient is None:
        if prod(shape) != 1:
            raise ValueError(
                f"the result has shape {shape}, and only a scalar has a single derivative: pass gradient=, a tensor of "
                "that shape"
            )
        return one
    if shape_of(gradient) != shape:
        raise ValueError(f"gradient has shape {shape_of(gradient)}, the result {shape}: they must be the same")
    return one * (gradient.detach() if hasattr(gradient, "detach") else gradient)


def filled(like, number: int):
    """A tensor, an array or a number like `like`, with `number` everywhere."""
    if hasattr(like, "detach"):
        return like.detach().clone().zero_() + number
    if shape_of(like) == ():
        return float(number)
    array = like.copy()
    array[...] = number
    return array


def gradients(node, box: Node, upstreams: list) -> list[tuple[int, Any, str]]:
    """(input's place, gradient to send, local derivative as a number or "") for every input that has a node."""
    sources = inputs_of(node)
    if hasattr(node, "next_functions"):
        sent = call(node, upstreams)
        scalars = len(upstreams) == 1 and prod(shape_of(upstreams[0])) == 1
        numbers = call(node, [filled(upstreams[0], 1)]) if scalars else [None] * len(sent)
        return [
            (place, fit(sent[place], source, output), short(number) if is_number(number) else "")
            for place, ((source, output), number) in enumerate(zip(sources, numbers, strict=True))
            if source is not None
        ]
    local = scalar_derivatives(node, box.label)
    if local is not None:
        return [(place, upstreams[0] * slope, short(slope)) for place, slope in enumerate(local)]
    if hasattr(node, "vjp"):
        return [(place, sent, "") for place, sent in enumerate(node.vjp(upstreams[0]))]
    if hasattr(node, "push"):
        return [(place, sent, "") for place, sent in enumerate(pushed(node, upstreams[0]))]
    raise ValueError(
        f"the node {box.label!r} tells no derivative: give it .op ('+', '*', …), .vjp(upstream) or .push()"
    )


def is_number(value) -> bool:
    """Whether there is one element in it."""
    return value is not None and prod(shape_of(value)) == 1


def call(grad_fn, upstreams: list) -> list:
    """What the node's own derivative makes of the upstream gradients: one gradient, or None, for each edge."""
    if callable(grad_fn):  # PyTorch's own
        sent = grad_fn(*upstreams)
    elif hasattr(grad_fn, "backward"):  # handtorch's
        sent = grad_fn.backward(list(upstreams))
    else:  # a custom Function of PyTorch: its author's backward, which may change what it is given
        given = [None if upstream is None else upstream.clone() for upstream in upstreams]
        some = next(upstream for upstream in given if upstream is not None)
        shapes = [shape for shape, _ in outputs_of(grad_fn)]
        given = [some.new_zeros(shape) if g is None else g for g, shape in zip(given, shapes, strict=True)]
        sent = grad_fn.apply(*given)
    sent = list(sent) if isinstance(sent, tuple | list) else [sent]
    if len(sent) > len(grad_fn.next_functions):  # a custom Function also answers for inputs that are no tensors
        tensors = iter([g for g, needed in zip(sent, grad_fn.needs_input_grad, strict=True) if needed])
        sent = [None if source is None else next(tensors) for source, _ in grad_fn.next_functions]
    return [gradient.detach() if hasattr(gradient, "detach") else gradient for gradient in sent]


def fit(gradient, source, output: int):
    """The gradient in the shape and dtype of the input that receives it: broadcast copies send back their sum."""
    if gradient is None:
        return None
    outputs = outputs_of(source)
    shape, dtype = outputs[output] if outputs else (shape_of(source), source.dtype)
    while len(gradient.shape) > len(shape):
        gradient = gradient.sum(0)
    for axis, size in enumerate(shape):
        if size == 1 and gradient.shape[axis] != 1:
            gradient = gradient.sum(axis, keepdim=True)
    return gradient if plain(gradient.dtype) == plain(dtype) else gradient.to(dtype)


def scalar_derivatives(value, label: str) -> tuple | None:
    """The local derivatives of a scalar operation that the table knows, or None."""
    numbers = [getattr(parent, "data", parent) for parent in value.parents]
    if not all(shape_of(number) == () for number in numbers):
        return None
    exponent = labels.exponent(label)
    if exponent is not None and numbers:
        return (exponent * numbers[0] ** (exponent - 1),) + (0.0,) * (len(numbers) - 1)
    derivative = SCALAR.get(label)
    return derivative(*numbers) if derivative and len(numbers) == derivative.__code__.co_argcount else None


def pushed(value, upstream) -> list:
    """What `value.push()` adds to each parent's `.grad`; every `.grad` is put back afterwards.

    Where both operands are the same object their sum is sent once, over the first edge.
    """
    parents = list({id(parent): parent for parent in value.parents if hasattr(parent, "grad")}.values())
    before = [(each, each.grad) for each in (value, *parents)]
    try:
        value.grad = upstream
        for parent in parents:
            parent.grad = None if parent.grad is None else filled(parent.grad, 0)
        value.push()
        sent = {id(parent): parent.grad for parent in parents}
    finally:
        for each, grad in before:
            each.grad = grad
    return [sent.pop(id(parent), None) for parent in value.parents]


def leaf_step(leaf, box: Node, total) -> Step:
    """The end of a path: what has arrived is added to what `.grad` held before."""
    before = getattr(leaf, "grad", None)
    before = before.detach().clone() if hasattr(before, "detach") else before
    after = total if before is None else before + total
    added = f"{short(before)} + {short(total)} = " if before is not None else ""
    text = f"{box.name} is a leaf: its" if box.name else "A leaf: its"
    text += f" .grad was {short(before)} and becomes {added}{short(after)}."
    return Step(box, total, before=before, after=after, text=text)


def sentence(graph: Graph, box: Node, upstream, sends: list[Send]) -> str:
    """A step in words."""
    arrived = " and ".join(short(each) for each in (upstream if isinstance(upstream, list) else [upstream]))
    parts = [f"{box.heading} fires with upstream gradient {arrived}."]
    for send in sends:
        local = send.local
        if send.number and not local.endswith(f"= {send.number}"):
            local += f" = {send.number}"
        sent = f"{arrived} · {send.number} = {short(send.product)}" if send.number else short(send.product)
        parts.append(f"To {graph.nodes[send.target].heading}: {local}, sends {sent}")
        if not send.first:
            parts[-1] += f", which makes {short(send.total)} there"
        parts[-1] += f" ({send.waiting} more to come)." if send.waiting else "."
    return " ".join(parts if sends else [*parts, "None of its inputs wants a gradient."])


def gradient_texts(graph: Graph, steps: list[Step]) -> list[dict[int, str]]:
    """For 0, 1, … steps: the gradient text in each box. "…" after a sum says that more is to come."""
    old = {node.id: node.grad for node in graph.nodes if node.kind == "leaf" and node.grad not in (None, "None")}
    state = {**old, steps[0].node.id: short(steps[0].upstream)}
    sums: dict[int, dict[int, str]] = {}  # by node and output: an unbind collects one gradient for each output
    states = [dict(state)]
    for step in steps:
        for send in step.sends:
            sums.setdefault(send.target, {})[send.output] = short(send.total)
            held = f"{old[send.target]} + " if send.target in old else ""
            arrived = " and ".join(text for _, text in sorted(sums[send.target].items()))
            state[send.target] = held + arrived + (" …" if send.waiting else "")
        if step.node.kind == "leaf":
            state[step.node.id] = short(step.after)
        states.append(dict(state))
    return states
