"""The running example: eleven readings of a thermometer in an unknown unit, a line through them, and its training.

Chapters 1 to 9 build each of these themselves before they import it from here. Readings and loops carry the
numbers of "Deep Learning with PyTorch" (Stevens, Antiga, Viehmann, 2020, chapter 5).
"""

import torch

# Eleven readings, once in °C and once in the unknown unit; float32, shape (11,).
t_c = torch.tensor([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0])
t_u = torch.tensor([35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4])

# Dividing by ten brings the two slopes of the loss to a similar size (section 1.8).
t_un = 0.1 * t_u


def model(t_u, w, b):
    """A line: readings `t_u` of shape (N,) to predictions `t_p` in °C of shape (N,)."""
    return w * t_u + b


def loss_fn(t_p, t_c):
    """The mean of the squared differences, in °C²: a 0-d tensor."""
    squared_diffs = (t_p - t_c) ** 2
    return squared_diffs.mean()


def loss_gradient(t_u, t_c, w, b):
    """The gradient of the loss, derived on paper (section 1.5): tensor of shape (2,), dL/dw in °C² per unit and dL/db.

    With d = w·t_u + b - t_c:  dL/dw = mean(2·d·t_u)  and  dL/db = mean(2·d).
    """
    diff = model(t_u, w, b) - t_c
    return torch.stack([(2 * diff * t_u).mean(), (2 * diff).mean()])


def train_by_hand(n_epochs, lr, t_u, t_c, w=1.0, b=0.0):
    """Gradient descent with the hand-derived gradient; returns `params` of shape (2,) and the list of losses (floats)."""
    params = torch.tensor([w, b])
    losses = []
    for _ in range(n_epochs):
        losses.append(loss_fn(model(t_u, *params), t_c).item())
        params = params - lr * loss_gradient(t_u, t_c, *params)
    return params, losses


def train(n_epochs, lr, t_u, t_c, w=1.0, b=0.0):
    """Gradient descent with autograd's gradient, the parameters kept in place; returns `params` and the losses."""
    params = torch.tensor([w, b], requires_grad=True)
    losses = []
    for _ in range(n_epochs):
        if params.grad is not None:
            params.grad.zero_()
        loss = loss_fn(model(t_u, *params), t_c)
        loss.backward()
        with torch.no_grad():
            params -= lr * params.grad
        losses.append(loss.item())
    return params, losses
