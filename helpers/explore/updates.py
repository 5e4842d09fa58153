"""The line of the training loop that moves the parameters, as it is found in programs: right, loud and silent (chapter 5).

The loop that runs a line is here as well, so that every exploration shows what PyTorch did with it, not what is said of it.
"""

import warnings
from collections.abc import Callable, Iterator

import torch

from .. import thermometer

LR = 1e-2  # stable on `t_un`


def _in_place_unrecorded(p, lr):
    with torch.no_grad():
        p -= lr * p.grad
    return p


def _new_leaf(p, lr):
    return (p - lr * p.grad).detach().requires_grad_()


def _through_detach(p, lr):
    p.detach().sub_(lr * p.grad)
    return p


def _through_data(p, lr):
    p.data -= lr * p.grad
    return p


def _in_place_recorded(p, lr):
    p -= lr * p.grad
    return p


def _rebound(p, lr):
    return p - lr * p.grad


def _rebound_unrecorded(p, lr):
    with torch.no_grad():
        return p - lr * p.grad


def _name_in_a_loop(p, lr):
    for q in [p]:
        q = q - lr * q.grad  # noqa: F841, PLW2901 - the mistake that is shown
    return p


# Four that are right, three that raise.
UPDATES = {
    "with torch.no_grad(): p -= lr * p.grad": _in_place_unrecorded,
    "p = (p - lr * p.grad).detach().requires_grad_()": _new_leaf,
    "p.detach().sub_(lr * p.grad)": _through_detach,
    "p.data -= lr * p.grad": _through_data,
    "p -= lr * p.grad": _in_place_recorded,
    "p = p - lr * p.grad": _rebound,
    "with torch.no_grad(): p = p - lr * p.grad": _rebound_unrecorded,
}
SILENT = {"for q in [p]: q = q - lr * q.grad": _name_in_a_loop}


def epochs(update: Callable, p: torch.Tensor, count: int) -> Iterator[tuple[float, torch.Tensor | None, str]]:
    """Run the loop on `t_un` from the leaf p of shape (2,): for each epoch its loss, p after `update(p, LR)`, and "".

    Where an epoch raises, its loss comes with None and the error's text, and nothing after it.
    """
    for _ in range(count):
        loss = thermometer.loss_fn(thermometer.model(thermometer.t_un, *p), thermometer.t_c)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # `.grad` of a result warns; what follows from it is shown
                if p.grad is not None:
                    p.grad.zero_()
                loss.backward()
                p = update(p, LR)
        except (RuntimeError, TypeError) as caught:
            yield loss.item(), None, f"{type(caught).__name__}: {caught}"
            return
        yield loss.item(), p, ""
