"""What an operation is called, and what its derivative looks like in symbols.

PyTorch names a node of the graph after the operation's C++ function and the overload that was used: `MulBackward0`,
`PowBackward0`, `SumBackward1`. The tables below turn the common ones into what a student would write on paper. A name
that is not in a table is still shown, in words ("log softmax"), and its derivative is called what it is: a
vector-Jacobian product. The derivatives are those of any calculus book; a and b stand for the first and second input,
y for the output.
"""

import re

SYMBOLS = {
    "Add": "+",
    "Sub": "−",
    "Mul": "×",
    "Div": "÷",
    "Neg": "−a",
    "Rsub": "b − a",
    "Reciprocal": "1 ÷ a",
    "Sqrt": "√a",
    "Abs": "|a|",
    "Mm": "@",
    "Mv": "@",
    "Bmm": "@",
    "Dot": "@",
    "Addmm": "a + b @ c",
    "T": "transpose",
    "Permute": "permute",
    "UnsafeView": "view",
    "ReshapeAlias": "reshape",
    "AsStrided": "as_strided",
}

# Derivative of the output in each input, by the symbol of the operation.
DERIVATIVES = {
    "+": ("∂(a + b)/∂a = 1", "∂(a + b)/∂b = 1"),
    "−": ("∂(a − b)/∂a = 1", "∂(a − b)/∂b = −1"),
    "×": ("∂(a·b)/∂a = b", "∂(a·b)/∂b = a"),
    "÷": ("∂(a/b)/∂a = 1/b", "∂(a/b)/∂b = −a/b²"),
    "−a": ("∂(−a)/∂a = −1",),
    "b − a": ("∂(b − a)/∂a = −1",),
    "1 ÷ a": ("∂(1/a)/∂a = −1/a²",),
    "aᵇ": ("∂(aᵇ)/∂a = b·aᵇ⁻¹", "∂(aᵇ)/∂b = aᵇ·ln a"),
    "cᵃ": ("∂(cᵃ)/∂a = cᵃ·ln c",),
    "√a": ("∂√a/∂a = 1/(2·√a)",),
    "|a|": ("∂|a|/∂a = sign of a",),
    "exp": ("∂exp(a)/∂a = exp(a)",),
    "log": ("∂ln(a)/∂a = 1/a",),
    "sin": ("∂sin(a)/∂a = cos(a)",),
    "cos": ("∂cos(a)/∂a = −sin(a)",),
    "tanh": ("∂tanh(a)/∂a = 1 − y²",),
    "sigmoid": ("∂y/∂a = y·(1 − y)",),
    "relu": ("∂relu(a)/∂a = 1 where a > 0, else 0",),
    "sum": ("∂sum(a)/∂aᵢ = 1",),
    "mean": ("∂mean(a)/∂aᵢ = 1/N",),
    "clone": ("∂a/∂a = 1",),
    "@": ("upstream @ bᵀ", "aᵀ @ upstream"),
    "a + b @ c": ("upstream, summed over what was copied", "upstream @ cᵀ", "bᵀ @ upstream"),
    "transpose": ("upstream, transposed back",),
    "view": ("upstream, in the input's shape",),
    "reshape": ("upstream, in the input's shape",),
    "expand": ("upstream, summed over what was copied",),
    "unbind": ("each upstream gradient at its own place",),
    "log softmax": ("upstream − softmax(a)·sum of upstream",),
    "nll loss": ("∂y/∂aᵢⱼ = −1/N at the target class, else 0",),
}

# Signs that the students' own engines may carry in `.op`, or that their methods' names reveal.
SIGNS = {"+": "+", "-": "−", "*": "×", "/": "÷", "@": "@", "neg": "−a", "sqrt": "√a", "abs": "|a|"}
METHODS = {"add": "+", "sub": "−", "mul": "×", "truediv": "÷", "matmul": "@", "pow": "aᵇ", "neg": "−a", "abs": "|a|"}

SUPERSCRIPT = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
NORMAL = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")


def power(exponent) -> str:
    """`a²` for a small whole exponent, `a^2.5` for another number."""
    if float(exponent).is_integer() and abs(exponent) < 100:
        return "a" + str(int(exponent)).translate(SUPERSCRIPT)
    return f"a^{float(exponent):.4g}"


def of_grad_fn(grad_fn, saved: dict) -> str:
    """The label of a node of PyTorch's or handtorch's graph; `saved` holds what `_saved_…` attributes still tell."""
    name = grad_fn.name().split("::")[-1]
    overload = re.fullmatch(r"(.+)Backward\d+", name)
    if overload is None:  # a custom Function: the name that its author gave it
        return name.removesuffix("Backward")
    base = overload[1]
    if name == "PowBackward2":  # a number to the power of a tensor
        return "cᵃ"
    if base == "Pow":
        exponent = saved.get("exponent")
        return power(exponent) if isinstance(exponent, int | float) else "aᵇ"
    if base in ("Add", "Sub") and saved.get("alpha", 1) != 1:
        return f"{SYMBOLS[base]} {saved['alpha']}·"
    if base == "Select" and isinstance(saved.get("index"), int):
        return f"[{saved['index']}]" if saved.get("dim") == 0 else f"select {saved['index']}"
    return SYMBOLS.get(base) or re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", base).lower()


def of_value(value) -> str:
    """The label of a node of a student's engine: its `.op`, or the method in which its `.push` was written."""
    op = str(getattr(value, "op", None) or "").strip()
    if match := re.fullmatch(r"\*\*\s*(-?[\d.]+)", op):
        return power(float(match[1]))
    if op:
        return SIGNS.get(op) or METHODS.get(op.strip("_")) or ("aᵇ" if op == "**" else op)
    method = re.search(r"__r?(\w+?)__\.<locals>", getattr(getattr(value, "push", None), "__qualname__", ""))
    return METHODS.get(method[1], method[1]) if method else "operation"


def exponent(label: str) -> float | None:
    """The exponent that `power` wrote into a label; None for another label."""
    match = re.fullmatch(r"a(?:\^([-.\de+]+)|([⁰¹²³⁴⁵⁶⁷⁸⁹⁻]+))", label)
    return float(match[1] or match[2].translate(NORMAL)) if match else None


def derivative(label: str, position: int, op: str = "") -> str:
    """The local derivative of the operation in the input at `position`, in symbols."""
    if (n := exponent(label)) is not None:
        return f"∂({label})/∂a = {n:.4g}·{'a' if n == 2 else power(n - 1)}"
    known = DERIVATIVES.get(label, ())
    return known[position] if position < len(known) else f"vector-Jacobian product of {op or label}"
