"""The sea temperatures of chapter 8, ready for training: scaled data, a small network, the loop that returns both curves.

Chapter 8 builds the loop itself before it imports it from here. Losses are in °C², although the network works on scaled
temperatures: a student should read degrees.
"""

import torch

from .data import elnino

DEGREES = 2.25  # °C; the scaled temperature is (temperature - 23) / 2.25, so that its values lie around 0, within ±3
WARM = (1983, 1987, 1997, 1998)  # four years of El Niño, when the sea off Peru is warmer than in other years
SETTINGS = {
    # name: (layer sizes, input columns, name of the training part, lr, n_epochs)
    "line": ((1, 1), ["month"], "half", 0.01, 500),
    "year": ((1, 16, 1), ["year"], "half", 0.01, 500),
    "large": ((2, 64, 64, 1), ["month", "year"], "forty", 0.01, 1000),
    "month": ((1, 16, 1), ["month"], "half", 0.02, 1000),
    "warm": ((1, 16, 1), ["month"], "before 1975", 0.02, 1000),
}


def months():
    """All 732 months: {"month": , "year": , "temperature": }, float32 tensors of shape (732,), scaled to about ±1 (±3)."""
    year, month, temperature = elnino()
    return {
        "month": torch.tensor((month - 5.5) / 5.5, dtype=torch.float32),
        "year": torch.tensor((year - 1980) / 30, dtype=torch.float32),
        "temperature": torch.tensor((temperature - 23) / DEGREES, dtype=torch.float32),
    }


def halves(seed=2):
    """Two int64 tensors of 366 indices: half of the months to train on, and the other half for validation."""
    order = torch.randperm(732, generator=torch.Generator().manual_seed(seed))
    return order[:366], order[366:]


def part(indices, columns):
    """The inputs x of shape (N, number of columns) and the scaled temperatures y of shape (N, 1) of these months."""
    every = months()
    return torch.stack([every[name][indices] for name in columns], 1), every["temperature"][indices][:, None]


def network(*sizes, seed=2):
    """Linear layers of these sizes with tanh between them; the same seed gives the same first weights."""
    torch.manual_seed(seed)
    layers = []
    for n_in, n_out in zip(sizes, sizes[1:], strict=False):
        layers += [torch.nn.Linear(n_in, n_out), torch.nn.Tanh()]
    return torch.nn.Sequential(*layers[:-1])


def loss_in_degrees(model, x, y):
    """The mean squared difference in °C²: a 0-d tensor."""
    return DEGREES**2 * ((model(x) - y) ** 2).mean()


def both_curves(model, train, val, lr, n_epochs):
    """Train with Adam on `train` = (x, y); returns the training and the validation loss of each epoch, in °C² (floats)."""
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    train_losses, val_losses = [], []
    for _ in range(n_epochs):
        loss = loss_in_degrees(model, *train)
        with torch.no_grad():
            val_loss = loss_in_degrees(model, *val)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        train_losses.append(loss.item())
        val_losses.append(val_loss.item())
    return train_losses, val_losses


def parts(name, seed=2):
    """Indices of the training and the validation part: "half", "forty" (of the first half) or "before 1975"."""
    train, val = halves(seed)
    if name == "forty":
        return train[:40], val
    if name == "before 1975":
        year = elnino()[0]
        warm = sum(year == one for one in WARM)
        return torch.tensor((year < 1975).nonzero()[0]), torch.tensor(warm.nonzero()[0])
    return train, val


def run(setting, seed=2):
    """Both curves of one of the SETTINGS, its split and its first weights drawn with `seed`."""
    sizes, columns, name, lr, n_epochs = SETTINGS[setting]
    train, val = (part(indices, columns) for indices in parts(name, seed))
    return both_curves(network(*sizes, seed=seed), train, val, lr, n_epochs)


def four_runs():
    """The curves of Exercise 8.3: four runs with other splits and first weights than the chapter's, {title: (train, val)}."""
    order = ("warm", "year", "large", "month")
    return {f"Run {k}": run(setting, seed=0) for k, setting in enumerate(order, start=1)}
