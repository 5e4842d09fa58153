"""Is this machine well? `report()` answers for the first chapter, with the one thing to mend where it is not."""

import platform
import sys
from importlib.metadata import PackageNotFoundError, version

import helpers

TORCH = "2.13.0"


def problems() -> list[str]:
    """What stands in the way of the course here, the gravest first; each says its mend."""
    found = []
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        found.append(
            f"Python {platform.python_version()} runs here; the course needs 3.11 to 3.13: `make lab` makes the environment anew."
        )
    try:
        torch = version("torch").split("+")[0]
        if torch != TORCH:
            found.append(
                f"PyTorch {torch} is installed; outputs were recorded with {TORCH}: `pip install torch=={TORCH}`."
            )
    except PackageNotFoundError:
        found.append(f"PyTorch is not installed here: `pip install torch=={TORCH}`, or start with `make lab`.")
    for package in ("matplotlib", "ipywidgets", "anywidget"):
        try:
            version(package)
        except PackageNotFoundError:
            found.append(f"{package} is not installed here: `pip install {package}`, or start with `make lab`.")
    return found


def report() -> None:
    """Print the versions, and "all is well" or the first thing to mend."""
    import torch

    print(f"Python {platform.python_version()}, torch {torch.__version__}, course {helpers.__version__}")
    found = problems()
    print(found[0] if found else "all is well")
