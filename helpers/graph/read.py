"""Read a live graph: every node that a result can reach, with what is still known of it.

Three kinds of graph are read, and none is imported; what an object offers decides:

- tensors of PyTorch or handtorch: `grad_fn`, `next_functions`, `name()`, and `variable` at a leaf;
- students' own engines: objects with `data`, `grad` and `parents` (what they were made from), optionally `op` ("+").

PyTorch does not keep the value of every node. It keeps what the derivatives will need (`_saved_self`, `_saved_result`,
…), and `backward()` frees that. So a value is shown where somebody still holds it: a leaf, the result, a saved tensor,
or a tensor that the caller named.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from helpers.graph import labels
from helpers.graph.numbers import shape_of, short

# Saved attributes that hold an input, and that input's place. Others (`result`, `dim`, …) describe the operation.
INPUT_PLACES = {"self": 0, "input": 0, "other": 1, "exponent": 1, "mat1": 1, "mat2": 1, "vec": 1, "tensor": 1}
SAVED = (*INPUT_PLACES, "result", "alpha", "dim", "index")

# What the first entries of `plain`, handtorch's list of an operation's options, mean.
PLAIN_OPTIONS = {"PowBackward0": ("exponent",), "SelectBackward0": ("dim", "index")}
PLAIN_OPTIONS |= {"AddBackward0": ("alpha",), "SubBackward0": ("alpha",)}

# An input without history has no node (`next_functions` holds None). For these operations None means a constant;
# elsewhere it may also mean an optional argument that was left out, so nothing is drawn.
KEEP_CONSTANTS = ("Mul", "Div", "Mm", "Mv", "Bmm", "Dot")
TAKE_CONSTANTS = (*KEEP_CONSTANTS, "Add", "Sub", "Pow", "Where", "Cat", "Stack")


@dataclass
class Node:
    """One box of the drawing. `value` and `grad` are short text, or None where nobody knows them."""

    id: int  # place in forward order, from 0
    kind: str  # "leaf", "operation", "result" or "constant"
    label: str  # "×", "a²", "log softmax"; for a leaf or constant its name
    op: str = ""  # the name of the grad_fn: "MulBackward0"
    name: str = ""  # the caller's name for this tensor
    value: str | None = None
    shape: tuple | None = None
    dtype: str = ""
    grad: str | None = None

    @property
    def heading(self) -> str:
        """What the box is called: the name, the operation, or both."""
        if self.kind in ("leaf", "constant"):
            return self.name or self.kind
        return f"{self.name} ({self.label})" if self.name else self.label


@dataclass(frozen=True)
class Edge:
    """From the node that made a value to the node that used it, as its input number `input`."""

    source: int
    target: int
    input: int
    output: int = 0  # which of the source's outputs


@dataclass
class Graph:
    """Nodes in forward order (inputs before users, the result last) and the edges between them."""

    nodes: list[Node]
    edges: list[Edge]
    freed: bool = False  # a backward pass has thrown the saved values away
    untold: list[str] = field(default_factory=list)  # names of constants that fit several boxes

    @property
    def count(self) -> int:
        """How many nodes autograd keeps: the boxes without the constants."""
        return sum(node.kind != "constant" for node in self.nodes)

    def __repr__(self) -> str:
        arriving: dict[int, list[Edge]] = {node.id: [] for node in self.nodes}
        for edge in sorted(self.edges, key=lambda edge: edge.input):
            arriving[edge.target].append(edge)
        short_names = {node.id: f"#{node.id} {node.name or node.label}" for node in self.nodes}
        lines = []
        for node in self.nodes:
            line = f"#{node.id} {node.heading}"
            if node.kind != "operation" and node.heading != node.kind:
                line += f" [{node.kind}]"
            if arriving[node.id]:
                line += " of " + " and ".join(short_names[edge.source] for edge in arriving[node.id])
            if node.value is not None:
                line += f" = {node.value}"
            elif node.shape:
                line += f", shape {node.shape}"
            if node.dtype not in ("", "float32") and node.kind != "constant":
                line += f", {node.dtype}"
            lines.append(line + (f", grad {node.grad}" if node.grad is not None else ""))
        return "\n".join(lines)


def count(root) -> int:
    """The number of nodes that a walk back from `root` can reach: operations, leaves, and root's own.

    Constants are not counted: autograd keeps no node for them. Raises as `read` does.
    """
    return len(forward_order(start(root)))


def leaves(root) -> list:
    """The leaves (tensors that asked for a gradient, or values without parents) below `root`, in forward order."""
    return [node for node in forward_order(start(root)) if is_leaf(node) and wants_gradient(node)]


def read(root, **names) -> Graph:
    """The graph behind `root`, a tensor with history or a value of a student's engine.

    `names` gives names to leaves, constants or intermediate tensors: `read(loss, w=w, t_p=t_p)`. A list gives
    `name[0]`, `name[1]`, …, a module gives its parameters' names. Nothing is changed, consumed or kept: the texts
    show the moment of reading. Raises TypeError for what is no tensor or value, ValueError for a tensor without
    history, and for a name that is not in the graph.
    """
    return Reader(root, names).graph


def start(root):
    """The node at which the walk back from `root` begins."""
    if hasattr(root, "parents"):
        return root
    if not hasattr(root, "grad_fn"):
        raise TypeError(
            f"a graph is read from a tensor or from a value with .parents, not from {type(root).__name__} {root!r:.40}: "
            "pass the loss itself, not loss.item()"
        )
    if root.grad_fn is not None:
        return root.grad_fn
    if root.requires_grad:
        return root
    raise ValueError(
        "this tensor has no history: nothing that it was made from requires a gradient (or it was made under no_grad, "
        "or detached). Set requires_grad=True on a leaf before the forward pass"
    )


def is_leaf(node) -> bool:
    """Whether `node` is where a walk ends: a leaf tensor, or a value that was made from nothing."""
    return not inputs_of(node)


def wants_gradient(leaf) -> bool:
    """Whether gradients are kept at this leaf; a student's engine may have no flag and keep them everywhere."""
    return getattr(leaf, "requires_grad", hasattr(leaf, "grad"))


def inputs_of(node) -> list[tuple[Any, int]]:
    """(node, which of its outputs) for every input; None in place of the node for an input without history."""
    if hasattr(node, "next_functions"):
        return [(leaf_or_self(source), output) for source, output in node.next_functions]
    return [(parent, 0) for parent in getattr(node, "parents", ())]


def leaf_or_self(grad_fn):
    """The tensor into which an AccumulateGrad node adds, since that is what a student calls the leaf."""
    if grad_fn is not None and grad_fn.name().endswith("AccumulateGrad"):
        return grad_fn.variable
    return grad_fn


def forward_order(root) -> list:
    """Every node once, inputs before users, `root` last. A stack of our own, since a graph may be 3000 deep."""
    order, seen, stack = [], {id(root)}, [(root, iter(inputs_of(root)))]
    while stack:
        node, rest = stack[-1]
        for source, _ in rest:
            if source is not None and id(source) not in seen:
                seen.add(id(source))
                stack.append((source, iter(inputs_of(source))))
                break
        else:
            order.append(node)
            stack.pop()
    return order


class Reader:
    """One reading: collects what is known, then makes the nodes in forward order."""

    def __init__(self, root, names: dict):
        self.root, self.order = root, forward_order(start(root))
        self.freed = False
        self.saved = {id(node): self._saved(node) for node in self.order}
        self.names: dict[tuple, str] = {}  # (id of node, output) -> the caller's name
        self.tensors: dict[tuple, Any] = {}  # (id of node, output) -> a tensor that holds its value
        self.constants: dict[int, tuple] = {}  # id of a tensor without history -> (it, name), until it is found
        self._collect(names)
        self.numbers: dict[int, int] = {}  # id of a live node or constant -> number of its box
        self.graph = self._graph()

    def _saved(self, node) -> dict:
        """What the node still holds of its operation, by the names that PyTorch uses, without `_saved_`."""
        found: dict[str, Any] = {}
        if not hasattr(node, "next_functions"):
            return found
        for name in (*(f"_saved_{name}" for name in SAVED), "saved_tensors"):
            try:
                value = getattr(node, name, None)
            except RuntimeError as error:  # freed by backward, or changed in place since the forward pass
                self.freed |= "second time" in str(error)
                continue
            if name == "saved_tensors":  # of a custom Function; which input each one is, only its author knows
                found.update({f"kept {k}": tensor for k, tensor in enumerate(value or ())})
            elif value is not None:
                found[name.removeprefix("_saved_")] = value
        if hasattr(node, "plan"):
            self.freed |= getattr(node, "saved", ()) is None
            found.update(kept_by_handtorch(node))
        return found

    def _collect(self, names: dict) -> None:
        present = {id(node) for node in self.order}
        for saved in self.saved.values():
            for tensor in saved.values():
                if getattr(tensor, "grad_fn", None) is not None:
                    self.tensors[id(tensor.grad_fn), getattr(tensor, "output_nr", 0)] = tensor
        self.tensors[self.place(self.root)] = self.root
        for name, tensor in flatten(names):
            place = self.place(tensor)
            if place[0] in present:
                self.names[place], self.tensors[place] = name, tensor
            elif hasattr(tensor, "grad_fn") and not tensor.requires_grad:
                self.constants[id(tensor)] = (tensor, name)
            elif not hasattr(tensor, "grad"):
                raise ValueError(
                    f"{name} is a plain {type(tensor).__name__}, and a graph knows tensors: leave out {name}="
                )
            else:
                raise ValueError(
                    f"{name} is not in this graph: no path leads from the result back to it. Was it detached or made "
                    f"anew since? Leave out {name}=, or draw the tensor that was used"
                )

    @staticmethod
    def place(tensor) -> tuple:
        """The key under which this tensor's value, name and gradient are kept: its node and which output it is."""
        grad_fn = getattr(tensor, "grad_fn", None)
        return (id(tensor), 0) if grad_fn is None else (id(grad_fn), getattr(tensor, "output_nr", 0))

    def _graph(self) -> Graph:
        graph = Graph([], [], self.freed)
        numbers = self.numbers
        for node in self.order:
            sources = []
            for position, (source, output) in enumerate(inputs_of(node)):
                if source is not None:
                    sources.append((numbers[id(source)], position, output))
                elif (constant := self._constant(graph, node, position)) is not None:
                    sources.append((constant, position, 0))
            numbers[id(node)] = len(graph.nodes)
            graph.edges += [Edge(number, len(graph.nodes), position, output) for number, position, output in sources]
            graph.nodes.append(self._node(len(graph.nodes), node))
        self._place_unseen_constants(graph)
        return graph

    def _constant(self, graph: Graph, node, position: int) -> int | None:
        """The box of an input without history: found in what the node saved, or known to be there but not kept."""
        places = INPUT_PLACES | ({"mat2": 2} if node.name().startswith("Addmm") else {})
        saved = self.saved[id(node)].items()
        held = next((value for name, value in saved if places.get(name) == position), None)
        if held is None and node.name().startswith(KEEP_CONSTANTS):  # the one thing kept that has no history
            kept = [value for name, value in saved if name.startswith("kept") and not has_history(value)]
            held = kept[0] if len(kept) == 1 else None
        if held is None and not node.name().startswith(TAKE_CONSTANTS) and node.name()[-1].isdigit():
            return None
        if held is None or id(held) not in self.numbers:
            name = self.constants.pop(id(held), (None, ""))[1]
            if held is not None:
                self.numbers[id(held)] = len(graph.nodes)
            graph.nodes.append(describe(Node(len(graph.nodes), "constant", name or "constant", name=name), held))
            return len(graph.nodes) - 1
        return self.numbers[id(held)]

    def _node(self, number: int, node) -> Node:
        if is_leaf(node):
            wanted = wants_gradient(node)
            kind, name = "leaf" if wanted else "constant", self.names.get((id(node), 0), "")
            box = describe(Node(number, kind, name or kind, name=name), node)
            box.grad = short(node.grad) if wanted else None
            return box
        kind = "result" if node is self.order[-1] else "operation"
        if not hasattr(node, "next_functions"):
            box = Node(number, kind, labels.of_value(node), name=self.names.get((id(node), 0), ""))
            box.grad = None if node.grad is None else short(node.grad)
            return describe(box, node)
        outputs = outputs_of(node)
        box = Node(number, kind, labels.of_grad_fn(node, self.saved[id(node)]), op=node.name())
        known = {nr: self.tensors[id(node), nr] for nr in range(max(1, len(outputs))) if (id(node), nr) in self.tensors}
        box.name = ", ".join(self.names[id(node), nr] for nr in range(99) if (id(node), nr) in self.names)
        return describe_outputs(box, outputs, known, self.saved[id(node)].get("result"))

    def _place_unseen_constants(self, graph: Graph) -> None:
        """A sum or difference keeps no copy of its constant. A name goes to the one such box that its shape fits."""
        for tensor, name in self.constants.values():
            shape = shape_of(tensor)
            free = [
                node
                for node in graph.nodes
                if node.kind == "constant" and node.value is None and not node.name and self._fits(graph, node, shape)
            ]
            if not free:
                raise ValueError(
                    f"{name} is not seen in this graph: it has no history, and no operation has an unknown constant of "
                    f"its shape {shape}. Leave out {name}="
                )
            if len(free) > 1:
                graph.untold.append(name)
                continue
            free[0].name = free[0].label = name
            describe(free[0], tensor)

    @staticmethod
    def _fits(graph: Graph, constant: Node, shape: tuple) -> bool:
        """Whether a constant of this shape broadcasts to the results that `constant` went into."""
        users = [graph.nodes[edge.target].shape or () for edge in graph.edges if edge.source == constant.id]
        return all(
            len(shape) <= len(user) and all(n in (1, m) for n, m in zip(shape[::-1], user[::-1], strict=False))
            for user in users
        )


def has_history(value) -> bool:
    """Whether a gradient can go into `value`."""
    return getattr(value, "requires_grad", False)


def kept_by_handtorch(node) -> dict:
    """What a node of handtorch holds: `saved` has (input, or a mark, the result, a version counter, the version then), `plain` options."""
    found = {}
    for k, (value, result, counter, version) in enumerate(getattr(node, "saved", None) or ()):
        if result is not None:
            found["result"] = unpacked(result)
        elif counter[0] == version:  # else it has been changed in place: not what was saved
            found[f"kept {k}"] = unpacked(value)
    if node.name() == "PowBackward0":
        found["exponent"] = 2  # torch.square has no other
    found.update(zip(PLAIN_OPTIONS.get(node.name(), ()), getattr(node, "plain", ()), strict=False))
    return found


def unpacked(value):
    """What `saved_tensors_hooks` have packed, as it was."""
    return value.get() if hasattr(value, "unpack") else value


def flatten(names: dict) -> Iterator[tuple[str, Any]]:
    """(name, tensor) for every tensor in the caller's names: alone, in a list, or a module's parameters."""
    for name, thing in names.items():
        if isinstance(thing, list | tuple):
            yield from ((f"{name}[{k}]", each) for k, each in enumerate(thing))
        elif hasattr(thing, "named_parameters"):
            yield from ((f"{name}.{inner}", each) for inner, each in thing.named_parameters())
        else:
            yield name, thing


def describe(box: Node, tensor) -> Node:
    """Fill in value, shape and dtype from a tensor, a value of a student's engine, or a plain number."""
    if tensor is not None:
        value = tensor.data if hasattr(tensor, "parents") else tensor
        box.value, box.shape = short(value), shape_of(value)
        box.dtype = plain(getattr(value, "dtype", ""))
    return box


def outputs_of(node) -> list[tuple[tuple, Any]]:
    """(shape, dtype) of each output of an operation, where its engine keeps that."""
    if (metadata := getattr(node, "_input_metadata", None)) is not None:  # PyTorch
        return [(shape_of(output), output.dtype) for output in metadata]
    if hasattr(node, "next_functions"):  # handtorch
        return [(tuple(shape), dtype) for shape, dtype in node._metadata]
    return []


def plain(dtype) -> str:
    """`float32` for `torch.float32`."""
    return str(dtype).removeprefix("torch.")


def describe_outputs(box: Node, outputs: list, known: dict, result) -> Node:
    """Fill in what is known of an operation: `outputs` as from `outputs_of`, `known` tensors by output number."""
    if len(outputs) > 1:
        box.value = "; ".join(f"{nr}: {short(tensor)}" for nr, tensor in sorted(known.items())) or None
        box.shape = tuple(shape for shape, _ in outputs)
        return box
    tensor = known.get(0, result)
    describe(box, tensor)
    if tensor is None and outputs:
        box.shape, box.dtype = outputs[0][0], plain(outputs[0][1])
    if getattr(tensor, "retains_grad", False):
        box.grad = short(tensor.grad)
    return box
