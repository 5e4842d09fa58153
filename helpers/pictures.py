"""The pictures that README needs: `python -m helpers.pictures` (`make img`) draws them all into img/.

A graph and a backward pass come from live tensors; the screenshots are of the real JupyterLab, driven by the tests' own
browser. A test draws the first kind again and compares.
"""

import sys
from pathlib import Path

import torch

from . import graph, plots
from .thermometer import loss_fn, model, t_c, t_u

IMG = Path(__file__).resolve().parent.parent / "img"


def loss_graph() -> str:
    """The graph of the thermometer's loss as SVG text, with the gradient that its backward pass leaves."""
    params = torch.tensor([1.0, 0.0], requires_grad=True)
    t_p = model(t_u, *params)
    loss = loss_fn(t_p, t_c)
    loss.backward(retain_graph=True)
    return graph.draw(loss, params=params, t_p=t_p, t_c=t_c).svg()


def readings() -> bytes:
    """The eleven readings and the line that training finds, as a PNG."""
    fig, _ = plots.readings(t_u, t_c, line=(0.5367, -17.30))
    return plots.show(fig, alt="eleven readings and the line through them").png


PICTURES = {"loss_graph.svg": loss_graph, "readings.png": readings}


def main() -> int:
    IMG.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        drawn = draw()
        data = drawn if isinstance(drawn, bytes) else drawn.encode()
        path = IMG / name
        if not path.exists() or path.read_bytes() != data:
            path.write_bytes(data)
            print(f"  img/{name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
