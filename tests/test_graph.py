"""The graph that is read is the one that backward walks: held against PyTorch, handtorch and a scalar engine.

What is drawn is measured: texts against their boxes with the widest usual font, edges against boxes by geometry.
"""

import importlib
import random
import re
import time
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch
from PIL import ImageFont

from helpers import graph

HANDTORCH = Path(graph.__file__).parents[1] / "handtorch" / "__init__.py"
ENGINES = ["torch"] + ["helpers.handtorch"] * HANDTORCH.exists()

T_U = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]
T_C = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]


@pytest.fixture(params=ENGINES)
def engine(request):
    return importlib.import_module(request.param)


class Value:
    """A scalar engine as a student writes it: no `op`, a `push` that adds to the parents' gradients."""

    def __init__(self, data, parents=()):
        self.data, self.grad, self.parents, self.push = data, 0.0, parents, lambda: None

    def __add__(self, other):
        out = Value(self.data + other.data, (self, other))

        def push():
            self.grad += out.grad
            other.grad += out.grad

        out.push = push
        return out

    def __mul__(self, other):
        out = Value(self.data * other.data, (self, other))

        def push():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out.push = push
        return out

    def __pow__(self, n):
        out = Value(self.data**n, (self,))

        def push():
            self.grad += n * self.data ** (n - 1) * out.grad

        out.push = push
        return out


# Each case: a function of an engine that returns (result, names). All names are leaves or tensors of the graph.


def thermometer(engine):
    params = engine.tensor([1.0, 0.0], requires_grad=True)
    t_u, t_c = engine.tensor(T_U), engine.tensor(T_C)
    w, b = params
    t_p = w * t_u + b
    return ((t_p - t_c) ** 2).mean(), {"params": params, "t_u": t_u, "t_c": t_c, "t_p": t_p}


def quadratic(engine):
    w1, w2, b = (engine.tensor(1.0, requires_grad=True) for _ in range(3))
    x = engine.tensor(2.0)
    y = w1 * x**2 + w2 * x + b
    return (y - 4) ** 2, {"w1": w1, "w2": w2, "b": b, "x": x, "y": y}


def fan_out(engine):
    x = engine.tensor(3.0, requires_grad=True)
    y = x * x
    return y + y, {"x": x}


def diamond(engine):
    x = engine.tensor(2.0, requires_grad=True)
    a = 3 * x
    c = a + x
    return a * c, {"x": x, "a": a, "c": c}


def residual(engine):
    x = engine.tensor([[0.5, -1.0], [2.0, 0.25]], requires_grad=True)
    w = engine.tensor([[1.0, 0.5], [-0.5, 1.0]], requires_grad=True)
    h = x
    for _ in range(3):
        h = h + (h @ w).tanh()
    return (h + x).sum(), {"x": x, "w": w}


def views(engine):
    x = engine.tensor([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], requires_grad=True)
    return (x.view(3, 2).t()[0] * x.reshape(6)[:3]).sum(), {"x": x}


def several_outputs(engine):
    x = engine.tensor([[1.0, 5.0], [4.0, 2.0]], requires_grad=True)
    top, bottom = x.unbind(0)
    maxima, indices = x.max(1)
    return (top * maxima).sum() + bottom[0], {"x": x, "maxima": maxima}


def custom_function(engine):
    class Cube(engine.autograd.Function):
        @staticmethod
        def forward(ctx, factor, x):
            ctx.save_for_backward(x)
            ctx.factor = factor
            return factor * x**3

        @staticmethod
        def backward(ctx, gradient):
            (x,) = ctx.saved_tensors
            return None, gradient * ctx.factor * 3 * x**2

    x = engine.tensor(2.0, requires_grad=True)
    return Cube.apply(5.0, x) * x, {"x": x}


def broadcast(engine):
    w = engine.tensor([[1.0], [2.0]], requires_grad=True)
    b = engine.tensor([0.5, -0.5, 1.5], requires_grad=True)
    return ((w + b) / (w * b).exp()).mean(), {"w": w, "b": b}


def mixed_types(engine):
    w = engine.tensor([1.0, 2.0], requires_grad=True)
    return (2**w * engine.tensor([0.5, 0.25], dtype=engine.float64) * w.to(engine.float64)).sum(), {"w": w}


def unused_output(engine):
    class Both(engine.autograd.Function):
        @staticmethod
        def forward(ctx, a, b):
            ctx.save_for_backward(a, b)
            return a * b, a + b

        @staticmethod
        def backward(ctx, of_product, of_sum):
            a, b = ctx.saved_tensors
            return of_product * b + of_sum, of_product * a + of_sum

    a, b = (engine.tensor(number, requires_grad=True) for number in (2.0, 5.0))
    product, _ = Both.apply(a, b)
    return product * a, {"a": a, "b": b}


CASES = [thermometer, quadratic, fan_out, diamond, residual, views, several_outputs, custom_function, broadcast]
CASES += [mixed_types, unused_output]


def scalar_thermometer():
    w, b, total = Value(1.0), Value(0.0), None
    for reading, target in zip(T_U, T_C, strict=True):
        square = (w * Value(reading) + b + Value(-target)) ** 2
        total = square if total is None else total + square
    return total * Value(1 / 11), {"w": w, "b": b}


def random_values(seed):
    """A random graph of a student's engine, with fan-out and long edges."""
    choose = random.Random(seed)
    values = [Value(choose.uniform(-1, 1)) for _ in range(4)]
    for _ in range(choose.randrange(5, 40)):
        left, right = choose.choice(values), choose.choice(values[-6:])
        values.append(left + right if choose.random() < 0.5 else left * right)
    return values[-1]


# ---- reading ---------------------------------------------------------------------------------------------------------


def test_the_thermometers_graph_word_for_word(engine):
    loss, names = thermometer(engine)
    assert repr(graph.read(loss, **names)).split("\n") == [
        "#0 params [leaf] = [1, 0], grad None",
        "#1 unbind of #0 params, shape ((), ())",
        "#2 t_u [constant] = [35.7, … 68.4] (11)",
        "#3 × of #1 unbind and #2 t_u, shape (11,)",
        "#4 t_p (+) of #3 × and #1 unbind = [35.7, … 68.4] (11)",
        "#5 t_c [constant] = [0.5, … 21] (11)",
        "#6 − of #4 t_p and #5 t_c = [35.2, … 47.4] (11)",
        "#7 a² of #6 −, shape (11,)",
        "#8 mean [result] of #7 a² = 1764",
    ]


@pytest.mark.parametrize("case", CASES)
def test_reading_agrees_between_engines(engine, case):
    (result, names), (expected, expected_names) = case(engine), case(torch)
    here, there = graph.read(result, **names), graph.read(expected, **expected_names)
    assert [(edge.source, edge.target, edge.input, edge.output) for edge in here.edges] == [
        (edge.source, edge.target, edge.input, edge.output) for edge in there.edges
    ]
    for ours, theirs in zip(here.nodes, there.nodes, strict=True):
        assert (ours.kind, ours.label, ours.name, ours.shape) == (theirs.kind, theirs.label, theirs.name, theirs.shape)
        assert ours.value == theirs.value or None in (ours.value, theirs.value)


def test_values_come_from_what_is_saved_named_or_retained(engine):
    loss, names = quadratic(engine)
    names["y"].retain_grad()
    loss.backward(retain_graph=True)
    boxes = {node.heading: node for node in graph.read(loss, **names).nodes}
    assert (boxes["y (+)"].value, boxes["y (+)"].grad) == ("7", "6")
    assert (boxes["−"].value, boxes["−"].grad) == ("3", None)  # saved by the square
    assert (boxes["×"].value, boxes["+"].value) == (None, None)  # nobody holds them
    assert [boxes[name].grad for name in ("w1", "w2", "b")] == ["24", "12", "6"]
    assert (boxes["x"].kind, boxes["x"].value) == ("constant", "2")


def test_reading_a_freed_graph_shows_the_structure_and_says_so(engine):
    loss, names = thermometer(engine)
    loss.backward()
    drawing = graph.draw(loss, **names)
    assert drawing.graph.freed and "freed" in drawing.note and "t_u, t_c" in drawing.note
    assert "grad [4517, 82.6]" in repr(drawing)


def test_a_value_changed_in_place_since_is_not_shown(engine):
    x = engine.tensor(2.0, requires_grad=True)
    y = x * 3
    loss = y**2
    with engine.no_grad():
        y += 1
    assert graph.read(loss).nodes[2].value is None


def test_a_module_gives_its_parameters_names():
    model = torch.nn.Linear(2, 1)
    assert "model.weight" in graph.draw(model(torch.ones(3, 2)).sum(), model=model).alt


def test_count_and_leaves(engine):
    loss, names = thermometer(engine)
    assert graph.count(loss) == 7  # params, unbind, ×, +, −, square, mean
    (leaf,) = graph.leaves(loss)
    assert leaf is names["params"]
    assert graph.count(scalar_thermometer()[0]) == 80
    assert graph.count(engine.tensor(1.0, requires_grad=True)) == 1


def test_a_chain_of_three_thousand(engine):
    x = engine.tensor(1.0, requires_grad=True)
    y = x
    for _ in range(3000):
        y = y * 1.0001
    assert graph.count(y) == 3001
    drawing = graph.draw(y, x=x)
    assert "3001 nodes" in drawing.note and len(drawing.graph.nodes) < 100
    assert "3001 nodes" in drawing.alt and "3000 × ×" in drawing.alt and repr(drawing).count("\n") < 100
    assert graph.backward_steps(y, x=x)[-1].after.item() == pytest.approx(1.0001**3000, rel=1e-3)  # float32 products


def test_a_value_that_was_not_recorded_is_a_constant(engine):
    x = engine.tensor(2.0, requires_grad=True)
    with engine.no_grad():
        frozen = x * 5
    kinds = {node.heading: node.kind for node in graph.read(x * frozen, x=x, frozen=frozen).nodes}
    assert kinds == {"x": "leaf", "frozen": "constant", "×": "result"}


def test_a_constant_that_is_used_twice_is_one_box(engine):
    w, c = engine.tensor(2.0, requires_grad=True), engine.tensor(5.0)
    boxes = [node for node in graph.read(w * c + w * c, c=c).nodes if node.kind == "constant"]
    assert [box.name for box in boxes] == ["c"]


def test_an_unseen_constant_gets_its_name_where_only_one_box_fits(engine):
    w = engine.tensor([[1.0, 2.0]], requires_grad=True)
    row, column = engine.tensor([[3.0, 4.0]]), engine.tensor([[5.0], [6.0]])
    drawing = graph.draw(w - row, w=w, row=row)
    assert "row [constant] = [3, 4] (1×2)" in repr(drawing) and not drawing.note
    drawing = graph.draw(w - row - column, column=column)
    assert "column [constant] = [5, 6] (2×1)" in repr(drawing)  # the first difference is too small for it
    drawing = graph.draw(w - row - row * 2, row=row)
    assert "row went in" in drawing.note


# ---- errors ----------------------------------------------------------------------------------------------------------


def test_errors_name_the_thing_and_the_mend(engine):
    w = engine.tensor(1.0, requires_grad=True)
    with pytest.raises(ValueError, match="no history.*requires_grad=True"):
        graph.draw(engine.tensor(1.0))
    with pytest.raises(TypeError, match=r"float 3\.0.*not loss\.item\(\)"):
        graph.draw(3.0)
    with pytest.raises(ValueError, match=r"other is not in this graph.*Leave out other="):
        graph.draw(w * 2, other=engine.tensor(1.0, requires_grad=True))
    with pytest.raises(ValueError, match=r"c is not seen in this graph.*shape \(2,\)"):
        graph.draw(w * 2, c=engine.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match="k is a plain float"):
        graph.draw(w * 2, k=2.0)
    with pytest.raises(TypeError, match="values= is an option.*under another name"):
        graph.draw(w * 2, values=w)
    with pytest.raises(ValueError, match="'LR'.*'TB'"):
        graph.draw(w * 2, direction="up")
    with pytest.raises(ValueError, match=r"shape \(2,\).*pass gradient="):
        graph.backward_steps(w * engine.tensor([1.0, 2.0]))
    with pytest.raises(ValueError, match=r"gradient has shape \(3,\), the result \(2,\)"):
        graph.backward_steps(w * engine.tensor([1.0, 2.0]), engine.tensor([1.0, 2.0, 3.0]))
    loss = w**2
    loss.backward()
    with pytest.raises(RuntimeError, match="freed: run the forward pass again"):
        graph.backward_steps(loss)


# ---- steps -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("case", CASES)
def test_the_steps_end_where_backward_ends_and_disturb_nothing(engine, case):
    result, names = case(engine)
    for leaf in graph.leaves(result):
        leaf.grad = engine.ones_like(leaf)  # so that old and new are seen to be added
    steps = graph.backward_steps(result, **names)
    leaves = [node for node in graph.read(result).nodes if node.kind == "leaf"]
    assert all((leaf.grad == 1).all() for leaf in graph.leaves(result))
    result.backward()  # the graph is still whole
    after = {step.node.id: step.after for step in steps if step.node.kind == "leaf"}
    assert after.keys() == {box.id for box in leaves}
    for box, leaf in zip(leaves, graph.leaves(result), strict=True):
        # The products are the engine's own; only the order of a sum may differ.
        assert float(abs(after[box.id] - leaf.grad).max()) <= 1e-6 * (1 + float(abs(leaf.grad).max()))


def test_every_node_fires_after_all_its_users(engine):
    for case in CASES:
        steps = graph.backward_steps(case(engine)[0])
        place = {step.node.id: k for k, step in enumerate(steps)}
        for edge in steps.graph.edges:
            if edge.source in place and edge.target in place:
                assert place[edge.target] < place[edge.source]


def test_a_given_gradient_is_the_start(engine):
    w = engine.tensor([1.0, 2.0], requires_grad=True)
    steps = graph.backward_steps(w * w, engine.tensor([10.0, 100.0]), w=w)
    assert steps[-1].after.tolist() == [20.0, 400.0]


def test_the_diamond_in_words(engine):
    loss, names = diamond(engine)
    assert repr(graph.backward_steps(loss, **names)).split("\n") == [
        "1. × fires with upstream gradient 1. To a (×): ∂(a·b)/∂a = b = 8, sends 1 · 8 = 8 (1 more to come). "
        "To c (+): ∂(a·b)/∂b = a = 6, sends 1 · 6 = 6.",
        "2. c (+) fires with upstream gradient 6. To a (×): ∂(a + b)/∂a = 1, sends 6 · 1 = 6, which makes 14 there. "
        "To x: ∂(a + b)/∂b = 1, sends 6 · 1 = 6 (1 more to come).",
        "3. a (×) fires with upstream gradient 14. To x: ∂(a·b)/∂a = b = 3, sends 14 · 3 = 42, which makes 48 there.",
        "4. x is a leaf: its .grad was None and becomes 48.",
    ]


def test_what_hooks_have_packed_is_read_as_it_was(engine):
    def powers():
        x = engine.tensor([1.0, 2.0], requires_grad=True)
        return (x.exp() * x**2).sum()

    with engine.autograd.graph.saved_tensors_hooks(lambda x: x.tolist(), engine.tensor):
        packed = powers()
    plain = powers()
    assert graph.read(packed) == graph.read(plain)
    assert repr(graph.backward_steps(packed)) == repr(graph.backward_steps(plain))


def test_a_students_engine_is_walked_and_left_alone():
    loss, names = scalar_thermometer()
    steps = graph.backward_steps(loss, **names)
    ends = {step.node.name: step.after for step in steps if step.node.name}
    assert ends == pytest.approx({"w": 4517.2966, "b": 82.6}, rel=1e-6)  # chapter 1's gradient, in double precision
    assert all(value.grad == 0.0 for value in graph.leaves(loss)) and loss.grad == 0.0


def test_an_engine_may_offer_vjp_instead_of_push():
    x = Value(3.0)
    y = Value(9.0, (x,))
    y.op, y.vjp = "my square", lambda upstream: (upstream * 6.0,)
    (first, _) = graph.backward_steps(y, x=x)
    assert first.sends[0].product == 6.0 and first.sends[0].local == "vector-Jacobian product of my square"


class Array:
    """An engine on arrays, with a flag for what wants a gradient."""

    def __init__(self, data, parents=(), requires_grad=True, op="", push=None):
        self.data, self.parents, self.requires_grad, self.op = np.array(data), parents, requires_grad, op
        self.grad, self.push = None, push

    def receive(self, gradient):
        self.grad = gradient if self.grad is None else self.grad + gradient

    def __mul__(self, other):
        out = Array(self.data * other.data, (self, other), op="*")
        out.push = lambda: (self.receive(out.grad * other.data), other.receive(out.grad * self.data))
        return out

    def sum(self):
        out = Array(self.data.sum(), (self,), op="sum")
        out.push = lambda: self.receive(out.grad * np.ones_like(self.data))
        return out


def test_an_engine_on_arrays_with_constants():
    w, x = Array([1.0, 2.0, 3.0]), Array([4.0, 5.0, 6.0], requires_grad=False)
    w.grad = np.array([1.0, 1.0, 1.0])
    loss = (w * x * w).sum()
    drawing = graph.draw(loss, w=w, x=x)
    assert "x [constant] = [4, 5, 6]" in repr(drawing) and "#4 sum [result] of #3 × = 78" in repr(drawing)
    steps = graph.backward_steps(loss, w=w, x=x)
    assert steps[-1].after.tolist() == [9.0, 21.0, 37.0]  # 1 + 2wx
    assert (w.grad == 1).all() and x.grad is None and loss.grad is None
    assert all(step.node.name != "x" for step in steps)


def test_a_picture_of_each_step(engine):
    loss, names = diamond(engine)
    steps = graph.backward_steps(loss, **names)
    pictures = [steps.svg(k) for k in range(len(steps) + 1)]
    assert len(set(pictures)) == len(pictures)
    frames = {re.search(r'viewBox="[^"]*"', picture)[0] for picture in pictures}
    assert len(frames) == 1  # nothing moves while the gradients fill in
    assert "grad 8 …" in pictures[1] and "grad 14" in pictures[2] and "grad 48" in pictures[4]
    with pytest.raises(IndexError, match="from 0 to 4"):
        steps.svg(5)
    loss, names = thermometer(engine)
    steps = graph.backward_steps(loss, **names)
    assert "grad 82.6 …" in steps.svg(4) and "grad 4517 and 82.6<" in steps.svg(5)  # one for each output of unbind


def test_a_step_is_drawn_in_under_five_milliseconds():
    loss, names = quadratic(torch)
    steps = graph.backward_steps(loss, **names)
    times = []
    for k in [*range(len(steps) + 1)] * 3:
        begin = time.perf_counter()
        steps.svg(k)
        times.append(time.perf_counter() - begin)
    assert sorted(times)[len(times) // 2] < 5e-3


# ---- drawing ---------------------------------------------------------------------------------------------------------


def all_drawings():
    for direction in ("LR", "TB"):
        for case in CASES:
            result, names = case(torch)
            yield case.__name__, graph.draw(result, direction=direction, title=case.__name__, **names).svg()
            steps = graph.backward_steps(result, direction=direction, **names)
            yield from ((f"{case.__name__} step {k}", steps.svg(k)) for k in range(len(steps) + 1))
        yield "scalar thermometer", graph.draw(scalar_thermometer()[0], direction=direction).svg()
        for seed in range(12):
            yield f"random {seed}", graph.draw(random_values(seed), direction=direction).svg()


def boxes_of(svg):
    """[(left, top, width, height, lines of text)], without the card and the result's inner frame."""
    found = []
    for group in re.findall(r"<g>(.*?)</g>", svg, re.S):
        numbers = re.search(r'<rect x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)" height="([\d.]+)"', group).groups()
        texts = re.findall(r'<text x="[-\d.]+" y="([-\d.]+)"[^>]*?( font-weight="bold")?[^>]*>([^<]*)</text>', group)
        found.append((*map(float, numbers), texts))
    assert found and all(texts for *_, texts in found)
    return found


def curve_points(path):
    """Points along a path of M, L and C commands."""
    points, here = [], None
    for command, text in re.findall(r"([MLC])([-\d., ]+)", path):
        numbers = [float(number) for number in re.findall(r"-?[\d.]+", text)]
        pairs = [here, *zip(numbers[::2], numbers[1::2], strict=True)]
        for k in range(21):
            t = k / 20
            if command == "C":
                weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
            else:
                weights = (1 - t, t)
            if command != "M":
                points.append(tuple(sum(w * p[i] for w, p in zip(weights, pairs, strict=True)) for i in (0, 1)))
        here = pairs[-1]
    return points


def test_no_edge_runs_through_a_box_and_no_boxes_overlap():
    for name, svg in all_drawings():
        boxes = boxes_of(svg)
        for k, (left, top, width, height, _) in enumerate(boxes):
            for other, wide, broad, tall, _ in boxes[:k]:
                apart = left >= other + broad + 2 or other >= left + width + 2
                assert apart or top >= wide + tall + 2 or wide >= top + height + 2, name
        for path in re.findall(r'<path d="([^"]+)"', svg):
            for x, y in curve_points(path):
                for left, top, width, height, _ in boxes:
                    assert not (left + 1 < x < left + width - 1 and top + 1 < y < top + height - 1), name


def test_every_label_fits_its_box_in_a_wide_font():
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    normal, bold = (ImageFont.truetype(str(fonts / f"DejaVuSans{kind}.ttf"), 130) for kind in ("", "-Bold"))
    for name, svg in all_drawings():
        for _, top, width, height, texts in boxes_of(svg):
            for baseline, weight, text in texts:
                text = text.replace("&gt;", ">").replace("&lt;", "<").replace("&amp;", "&")
                taken = (bold if weight else normal).getlength(text) / 10
                assert taken + 8 <= width, f"{name}: {text!r} takes {taken:.0f} of {width}"
                assert top + 11 <= float(baseline) <= top + height - 4, f"{name}: {text!r}"
        view = [float(number) for number in re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', svg).groups()]
        assert all(left >= 0 and left + width <= view[0] + 1 for left, _, width, _, _ in boxes_of(svg)), name


def test_the_picture_is_the_same_each_time_and_names_no_address(engine):
    for case in CASES:
        first, second = (graph.draw(result, **names)._repr_html_() for result, names in (case(engine), case(engine)))
        assert first == second
        assert "0x" not in first and " id=" not in first


def test_the_alternative_text_names_every_leaf(engine):
    for case in CASES:
        result, names = case(engine)
        label = re.search(r'aria-label="([^"]*)"', graph.draw(result, **names)._repr_html_())[1]
        for leaf in graph.leaves(result):
            assert next(name for name, tensor in names.items() if tensor is leaf) in label
    loss, names = scalar_thermometer()
    assert "25 of them leaves (w, 23 × leaf, b)" in graph.draw(loss, **names).alt


def test_kinds_differ_in_shape_and_colour():
    svg = graph.draw(*quadratic(torch)[:1]).svg()
    kinds = {re.search(r'rx="([\d.]+)" fill="([^"]+)" stroke="([^"]+)"', box).groups() for box in svg.split("<g>")[1:]}
    assert len({colour for _, colour, _ in kinds}) == len({stroke for _, _, stroke in kinds}) == 4
    assert "stroke-dasharray" in svg  # the constants


def test_values_and_gradients_can_be_left_out():
    loss, names = quadratic(torch)
    loss.backward()
    plain = graph.draw(loss, values=False, grads=False, **names).svg()
    assert ">grad" not in plain and ">7<" not in plain and ">w1<" in plain


def test_numbers_are_short():
    from helpers.graph.numbers import short

    assert [short(value) for value in (4517.2966, -0.0, 1e-5, float("nan"), 3, True, None)] == [
        "4517", "0", "1e−05", "nan", "3", "True", "None",
    ]  # fmt: skip
    assert short(torch.arange(4)) == "[0, … 3] (4)" and short(torch.zeros(0)) == "[]"
    assert short(torch.tensor([[1.0, 2.0]])) == "[1, 2] (1×2)"
