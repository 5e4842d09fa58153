"""Ten training scripts with one broken line each, for exercise 9.7, and the means to read, run and mend them.

    broken.show(3)                       print script 3 with numbered lines
    broken.run(3)                        run it on the thermometer; returns the trained parameters
    broken.run(3, 8, "loss.backward()")  run it with line 8 replaced; the indentation is kept

The first six end in an error, the last four do not. Mended, each trains the line w * t_un + b from w = 1, b = 0 for
100 epochs of plain gradient descent at lr = 1e-2 on the mean squared error, and nothing else.
"""

# ruff: noqa: B018

import inspect
from collections.abc import Callable

import torch

from .thermometer import loss_fn, model, t_c, t_un


def script_1(t_un, t_c):
    params = torch.tensor([1.0, 0.0])
    params.require_grad = True
    for _ in range(100):
        params.grad = None
        loss = loss_fn(model(t_un, *params), t_c)
        loss.backward()
        with torch.no_grad():
            params -= 1e-2 * params.grad
    return params


def script_2(t_un, t_c):
    w = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.SGD([w, b], lr=1e-2)
    for _ in range(100):
        params = torch.tensor([w.item(), b.item()])
        loss = loss_fn(model(t_un, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return w, b


def script_3(t_un, t_c):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    for _ in range(100):
        params.grad = None
        loss = loss_fn(model(t_un, *params), t_c)
        loss.backward()
        with torch.no_grad():
            params = params - 1e-2 * params.grad
    return params


def script_4(t_un, t_c):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    loss = 0.0
    for _ in range(100):
        loss = loss + loss_fn(model(t_un, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


def script_5(t_un, t_c):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    for epoch in range(100):
        gap = model(t_un, *params) - t_c
        loss = (gap**2).mean()
        gap -= gap.mean()
        if epoch == 99:
            print("largest gap around their mean:", round(gap.max().item(), 2))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


def script_6(t_un, t_c):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    for _ in range(100):
        loss = loss_fn(model(t_un, *params), t_c).item()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


def script_7(t_un, t_c):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    for _ in range(100):
        loss = loss_fn(model(t_un, *params), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step
    return params


def script_8(t_un, t_c):
    w = torch.tensor(1.0, requires_grad=True)
    b = torch.tensor(0.0, requires_grad=True)
    optimizer = torch.optim.SGD([w], lr=1e-2)
    for _ in range(100):
        loss = loss_fn(model(t_un, w, b), t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return w, b


def script_9(t_un, t_c):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    for _ in range(100):
        t_p = model(t_un.reshape(-1, 1), *params)
        loss = loss_fn(t_p, t_c)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


def script_10(t_un, t_c):
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    optimizer = torch.optim.SGD([params], lr=1e-2)
    for _ in range(100):
        gap = model(t_un, *params) - t_c
        loss = (gap * gap.detach()).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return params


SCRIPTS = (
    script_1,
    script_2,
    script_3,
    script_4,
    script_5,
    script_6,
    script_7,
    script_8,
    script_9,
    script_10,
)


def lines(number: int) -> list[str]:
    """The lines of a script; line 1 is its `def`. Raises ValueError where there is no such script."""
    if number not in range(1, len(SCRIPTS) + 1):
        raise ValueError(f"there is no script {number!r}: they are numbered 1 to {len(SCRIPTS)}")
    return inspect.getsource(SCRIPTS[number - 1]).splitlines()


def mended(number: int, line: int, text: str) -> Callable:
    """The script as a function `(t_un, t_c) -> parameters`, with one line replaced; its indentation is kept.

    Raises ValueError for a line that the script does not have, SyntaxError for a text that is no Python.
    """
    source = lines(number)
    if line not in range(1, len(source) + 1):
        raise ValueError(f"script {number} has no line {line!r}: its lines are numbered 1 to {len(source)}")
    old = source[line - 1]
    source[line - 1] = old[: len(old) - len(old.lstrip())] + text.strip()
    names = {"torch": torch, "loss_fn": loss_fn, "model": model}
    exec("\n".join(source), names)
    return names[SCRIPTS[number - 1].__name__]


def show(number: int) -> None:
    """Print a script with numbered lines."""
    for k, text in enumerate(lines(number), start=1):
        print(f"{k:2}  {text}")


def run(number: int, line: int | None = None, text: str = ""):
    """Run a script on the thermometer, as it is or with one line replaced; returns the parameters that it trained."""
    script = SCRIPTS[number - 1] if line is None else mended(number, line, text)
    return script(t_un, t_c)
