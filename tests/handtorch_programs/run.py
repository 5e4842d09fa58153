"""Run the programs of this folder and print what each printed, as JSON: {"file: title": text}. Run by the test, once on each side.

A program begins with a line `# %% title`; it finds torch, nn, F, optim, np and math imported, the generator seeded, and `tell(function)`,
which prints what a call gives: its value, or its error, and the warnings.
"""

import contextlib
import io
import json
import math
import re
import sys
import warnings
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn, optim


def programs():
    for path in sorted(Path(__file__).parent.glob("*.txt")):
        for part in path.read_text().split("# %% ")[1:]:
            title, _, source = part.partition("\n")
            yield f"{path.stem}: {title}", source


def tell(function):
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        try:
            print(function())
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    for each in heard:
        print(each.category.__name__, str(each.message).splitlines()[0].split(" (Triggered internally")[0])


def output_of(source):
    if (
        "helpers.handtorch.walk" in sys.modules
    ):  # it walks with more care once hooks have been used: each program begins without
        sys.modules["helpers.handtorch.walk"].rare.clear()
    torch.manual_seed(0)
    torch.set_printoptions(profile="default")
    torch.set_default_dtype(torch.float32)
    names = {"torch": torch, "nn": nn, "F": F, "optim": optim, "np": np, "math": math, "__name__": "program"}
    names["tell"] = tell
    text = io.StringIO()
    with contextlib.redirect_stdout(text), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            exec(compile(source, "program", "exec"), names)
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
    return re.sub(r"0x[0-9a-f]+", "0x…", text.getvalue())


if __name__ == "__main__":
    wanted = sys.argv[1:]
    print(json.dumps({title: output_of(source) for title, source in programs() if not wanted or title in wanted}))
