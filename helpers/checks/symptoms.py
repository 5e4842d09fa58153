"""Symptoms that any exercise may show, and the sentences that all chapters share for them."""

from .facts import Facts, Symptom
from .record import close, numbers

NONE = "Your function returned None: the work is done, but nothing is handed back."
SUM = (
    "Your value is exactly N times the one due, with N the number of readings: look at what the mean does to each term."
)
TWO = "Exactly half of what is due: a factor that the square leaves behind when it is differentiated is missing."
SIGN = "Right size, opposite sign: look for a minus that is missing, or one too many."
TWICE = "The second call on the same input gives twice the first: what the first call left in `.grad` is still there."
TOUCHED = "Your function changed the tensor that it was given: compare the argument before and after the call."
CUT = "The value is right but it has no `grad_fn`: somewhere between the leaf and the result the tensor became a plain number."
GRAPH = "Your result still carries a graph (`grad_fn` is set): whoever stores it keeps every intermediate alive."
MODE = "After your call recording is off (or on) where it was not before: the grad mode was not given back."
ONES = "Right for a cotangent of ones, wrong for a random one: the incoming gradient does not reach your result."
LEFT = "The first operand's gradient is right, the second's is not: differentiate for each operand separately."
COARSE = "Close, but off: something on the way is rounded, or measured with a step instead of derived."
DEEP = "RecursionError on a chain of 3000 operations: Python's own stack is too short for a graph."
REACH = "Fails on a parameter whose `.grad` is None: not every parameter is reached by every loss."
FLAT = "Gradient exactly zero everywhere: one operation in between is flat."
FROZEN = "After your call the values are what they were: nothing reached the parameters."
SHAPE = "Right numbers, wrong shape: a gradient always has the shape of the tensor it belongs to."


def raises(fragment: str, message: str, misconception: str | None = None) -> Symptom:
    """The answer raised an exception with this fragment in its text, or of this type."""
    return Symptom(message, misconception, lambda facts: facts.raised(fragment), of_error=True)


def factor(number: float, message: str, misconception: str | None = None) -> Symptom:
    """Every value is this many times the due one."""
    return Symptom(message, misconception, lambda facts: facts.ratio_is(number))


def slow(message: str, misconception: str | None = None, tried: str = "") -> Symptom:
    """The answer did not end in time, in a trial whose name begins so."""

    def late(facts):
        return facts.end == "timeout" and facts.wanted["tried"].startswith(tried)

    return Symptom(message, misconception, late, of_end=True)


def when(shows, message: str, misconception: str | None = None) -> Symptom:
    """The exercise's own test on the facts."""
    return Symptom(message, misconception, shows)


def _times_size(facts: Facts) -> bool:
    ratios = facts.ratios()
    return any(n > 1 for _, n in ratios) and all(close(r, n or 1, 1e-4, 0) for r, n in ratios)


def _second_call_doubles(facts: Facts) -> bool:
    if facts.wanted.get("call") != "again" or facts.kind != "value":
        return False
    first, second = numbers(facts.seen[facts.first - 1]["value"]), numbers(facts.record["value"])
    return any(first) and all(close(b, 2 * a, 1e-5, 1e-9) for a, b in zip(first, second, strict=True))


def _tracked(facts: Facts, came: bool) -> bool:
    return facts.kind == "tracked" and any(t == came for t in _tracking(facts.record["value"]))


def _tracking(x):
    if isinstance(x, dict):
        if "tracked" in x:
            return [x["tracked"] or x["asks"]]
        return [t for e in x.get("tuple", x.get("list", [])) for t in _tracking(e)]
    return []


def _coarse(facts: Facts) -> bool:
    """Every number within a percent, and at least one not the same."""
    pairs = []
    for s, d in zip(facts.seen, facts.due, strict=False):
        if s["raised"] or len(numbers(s["value"])) != len(numbers(d["value"])):
            return False
        pairs += zip(numbers(s["value"]), numbers(d["value"]), strict=True)
    off = any(a != b for a, b in pairs)
    return off and facts.kind in ("value", "dtype") and all(close(a, b, 1e-2, 1e-2) for a, b in pairs)


def _same_numbers(facts: Facts) -> bool:
    a, b = numbers(facts.record["value"]), numbers(facts.wanted["value"])
    return (
        facts.kind == "shape" and len(a) == len(b) and all(close(x, y, 1e-6, 1e-9) for x, y in zip(a, b, strict=True))
    )


def _flat_zero(facts: Facts) -> bool:
    return (
        facts.kind == "value"
        and any(any(numbers(d["value"])) for d in facts.due)
        and all(not any(numbers(s["value"])) for s in facts.seen)
    )


# Errors in PyTorch's own words, and what they say about the answer. The first that fits speaks.
POWER = "In Python a power is written `**`; `^` is something else."
ERRORS = (
    raises("unsupported operand type(s) for ^", POWER),
    raises("bitwise_xor", POWER),
    raises(
        "does not require grad and does not have a grad_fn",
        "The tensor that you call backward on has no history. Print `requires_grad` after each line: the first False is the cut.",
        "M07",
    ),
    raises(
        "Trying to backward through the graph a second time",
        "One graph is good for one walk; this one had been walked before. Build the loss anew for each backward.",
        "M31",
    ),
    raises(
        "modified by an inplace operation",
        "A value that backward needs was changed after it had been saved.",
        "M49",
    ),
    raises(
        "a leaf Variable that requires grad is being used in an in-place operation",
        "a leaf Variable … in-place: the update itself was being watched. Do it under `torch.no_grad()`.",
        "M44",
    ),
    raises(
        "a view of a leaf Variable",
        "a view of a leaf Variable … in-place: the update itself was being watched. Do it under `torch.no_grad()`.",
        "M44",
    ),
    raises(
        "grad can be implicitly created only for scalar outputs",
        "backward on a tensor of several numbers needs a cotangent: `backward(v)` with `v` of the same shape.",
        "M08",
    ),
    raises(
        "Mismatch in shape: grad_output",
        "Mismatch in shape: the cotangent belongs to the output and has the output's shape.",
        "M09",
    ),
    raises(
        "Can't call numpy() on Tensor that requires grad",
        "NumPy cannot see a graph: stay with torch's functions, or take the numbers out with `.detach()`.",
        "M20",
    ),
    raises(
        "'float' object has no attribute 'backward'",
        "A Python number has no `backward`: `.item()` or a function of `math` came too early.",
        "M22",
    ),
    raises(
        "'NoneType' object has no attribute 'zero_'",
        "Fails on a parameter that has never seen backward: its `.grad` is None, and None has no `zero_`.",
        "M37",
    ),
    raises(
        "has no attribute 'zero_grad'",
        "A tensor has no `zero_grad`: an optimizer has; a tensor's gradient is cleared with `.grad = None`.",
        "M39",
    ),
    raises(
        "assigned grad expected to be a Tensor or None", "A gradient is a tensor or None; a number is refused.", "M40"
    ),
    raises(
        "you can only change requires_grad flags of leaf variables",
        "The flag of a result cannot be switched off: `.detach()` gives a tensor without history.",
        "M18",
    ),
    raises(
        "does not support the context manager protocol",
        "TypeError: the class stands there, not a context made from it. Add the parentheses.",
        "M60",
    ),
    raises(
        "Inference tensors cannot be saved for backward",
        "A tensor made in inference mode may never enter a training graph.",
        "M62",
    ),
    raises(
        "appears to not have been used in the graph",
        "An input that the result does not depend on has no path: ask with `allow_unused=True`; its derivative is zero.",
        "M64",
    ),
    raises("only Tensors of floating point", "Only floating-point tensors can require a gradient.", "M04"),
    raises("Only Tensors of floating point", "Only floating-point tensors can require a gradient.", "M04"),
    raises("unexpected keyword argument 'require_grad'", "The keyword is `requires_grad`, with an s.", "M05"),
    raises(
        "Boolean value of Tensor",
        "Boolean value … ambiguous: a tensor of several numbers is neither true nor false.",
        "M23",
    ),
    raises("cannot be converted to Scalar", "Only a tensor of one number can become a Python number.", "M23"),
    raises(
        "unsupported operand type(s) for *: 'float' and 'NoneType'",
        "`.grad` is None in the second step: the parameter had been replaced by a result, which keeps no gradient.",
        "M45",
    ),
    raises(
        "RecursionError",
        "RecursionError: your function calls itself without an end, or once for each of very many steps: then a list is the better stack.",
        None,
    ),
)


def _nothing(facts: Facts) -> bool:
    return facts.kind == "none" and facts.record["value"] is None


# Tried before an exercise's own symptoms, except where its probe took notes that tell one None from another.
NOTHING = Symptom(NONE, None, lambda facts: _nothing(facts) and "notes" not in facts.record)

GENERIC = (
    Symptom(NONE, None, _nothing),
    *ERRORS,
    Symptom(TOUCHED, None, lambda facts: facts.kind == "changed" and facts.record["changed"]),
    Symptom(MODE, "M61", lambda facts: facts.kind == "mode"),
    Symptom(TWICE, "M28", _second_call_doubles),
    Symptom(GRAPH, "M36", lambda facts: _tracked(facts, True)),
    Symptom(CUT, "M57", lambda facts: _tracked(facts, False)),
    Symptom(SUM, "M02", _times_size),
    factor(0.5, TWO),
    factor(-1.0, SIGN),
    Symptom(FLAT, "M24", _flat_zero),
    Symptom(SHAPE, None, _same_numbers),
    Symptom(COARSE, "M01", _coarse),
)


def fallback(facts: Facts) -> str:
    """What is said where nothing in the catalogue fits: what was seen, in words."""
    if facts.end == "timeout":
        return "Your answer had not finished when its time was up: is there a loop that never ends?"
    if facts.record is None:
        if facts.end in ("died", "done"):
            return "Your answer ended the process before it handed anything back."
        return f"The trial broke on your answer: {facts.end}"
    if facts.record["raised"] and facts.kind == "raised":
        kind, text = facts.record["raised"]
        if kind == "SystemExit":
            return "Your answer calls `sys.exit`: a function hands its result back with `return`."
        if kind == "MemoryError" or "can't allocate memory" in text:
            return "Your answer asked for more memory than a check allows (2 GB)."
        if (kind, text) == ("NotImplementedError", ""):
            return "A part of your answer is still to be written: `raise NotImplementedError` stands in its place."
        return f"Your function raised {kind} where a result is due: {text}"
    if facts.wanted["raised"]:
        return f"{facts.wanted['raised'][0]} is due for this input, and your function returned a result."
    if facts.kind == "type":
        return "Another kind of thing is due: compare what came with what is due."
    if facts.kind == "shape":
        return "The shape is not the one due."
    if facts.kind == "dtype":
        return "Right numbers, wrong dtype: the result has the dtype of the input."
    if facts.kind == "after":
        return "What your call left behind is not what is due."
    if facts.kind == "changed":
        return "Your function should change its argument in place, and it did not."
    agreeing = sum(kind is None for kind in facts.kinds)
    if agreeing:
        return f"Right in {agreeing} of {len(facts.due)} trials; this is the first that is not."
    return "Not the value that is due."
