"""Standing in for PyTorch: after `install()`, every `import torch` of this process means handtorch.

Python looks an import up in `sys.modules` first. So it is enough to enter handtorch there under PyTorch's names: the package as
`torch`, its module `nn` as `torch.nn`, and so on down; and to answer for every other name that begins with `torch.` that handtorch ends
before it. PyTorch itself is never looked for. `run_*` run a program this way, `start_kernel` a Jupyter kernel; `__main__.py` is
the command line.
"""

import importlib
import json
import os
import runpy
import sys
import tempfile
import traceback
import types
from pathlib import Path

import helpers.handtorch as handtorch

PACKAGE = handtorch.__name__
KERNEL_NAME = "handtorch"
# PyTorch's modules, and what of handtorch holds their names: a module, or a namespace in one.
MODULES = {
    "torch": "",
    "torch._tensor_str": "text",
    "torch.autograd": "autograd",
    "torch.autograd.function": "autograd",
    "torch.autograd.functional": "autograd.functional",
    "torch.autograd.grad_mode": "autograd",
    "torch.autograd.gradcheck": "autograd",
    "torch.autograd.graph": "graph",
    "torch.linalg": "linalg",
    "torch.nn": "nn",
    "torch.nn.functional": "functional",
    "torch.nn.init": "init",
    "torch.nn.modules": "nn",
    "torch.nn.modules.module": "module",
    "torch.nn.parameter": "module",
    "torch.nn.utils": "nn_utils",
    "torch.optim": "optim",
    "torch.optim.lr_scheduler": "lr_scheduler",
    "torch.optim.optimizer": "optim",
    "torch.random": "random",
}
# The classes whose full names programs print, by the module that they say they come from.
CLASSES = {
    "torch": ("Tensor", "Size", "dtype", "device", "finfo", "iinfo"),
    "torch.nn.parameter": ("Parameter", "Buffer"),
}


def install() -> None:
    """Make `torch` mean handtorch for the rest of this process. Raises RuntimeError if PyTorch is already imported."""
    present = sys.modules.get("torch")
    if present is handtorch:
        return
    if present is not None:
        raise RuntimeError(
            f"PyTorch is already imported here ({present.__file__}); handtorch can stand in for it only in a process "
            "that has not imported it: python -m helpers.handtorch SCRIPT"
        )
    for name, place in MODULES.items():
        module = find(place)
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent and child not in vars(sys.modules[parent]):
            setattr(sys.modules[parent], child, module)  # where `import torch.nn.parameter as p` looks
        if "__path__" not in vars(module):
            module.__path__ = []  # so that a module below it is asked for, and refused in our words
    for name, classes in CLASSES.items():
        for each in classes:
            getattr(sys.modules[name], each).__module__ = name
    sys.meta_path.insert(0, EndOfHandtorch())


def find(place: str) -> object:
    """The module of handtorch, or the namespace in it, at a dotted place below the package."""
    found = handtorch
    for part in place.split(".") if place else []:
        if found is handtorch and part not in vars(found):
            importlib.import_module(f"{PACKAGE}.{part}")
        found = getattr(found, part)
    return found


class EndOfHandtorch:
    """The finder that is asked first for a module that is not in `sys.modules`: of `torch.…` there is no more."""

    def find_spec(self, fullname, path=None, target=None):
        if fullname.split(".")[0] == "torch":
            raise ModuleNotFoundError(
                f"No module named '{fullname}': this program runs on handtorch, which ends before it; run it with PyTorch",
                name=fullname,
            )
        return None


# ---- programs ----------------------------------------------------------------------------------------------------------


def run_file(path: str) -> None:
    """Run a script as `python SCRIPT` would, with handtorch as its torch."""
    sys.path.insert(0, str(Path(path).resolve().parent))
    run_code(Path(path).read_bytes(), path)


def run_code(source: str | bytes, name: str) -> None:
    """Run source text as the main program; its exceptions are shown without the frames of this runner, and end the process."""
    install()
    main = types.ModuleType("__main__")
    if name != "<string>":
        main.__file__ = name
    sys.modules["__main__"] = main
    try:
        exec(compile(source, name, "exec", dont_inherit=True), main.__dict__)
    except Exception as error:
        show(error)
        sys.exit(1)


def run_module(name: str) -> None:
    """Run a module as `python -m NAME` would, with handtorch as its torch."""
    install()
    runpy.run_module(name, run_name="__main__", alter_sys=True)


def show(error: Exception) -> None:
    """Print the traceback from the program's own first frame on, as Python does."""
    frames = error.__traceback__
    while frames is not None and frames.tb_frame.f_code.co_filename == __file__:
        frames = frames.tb_next
    sys.stdout.flush()
    hook = sys.excepthook
    if hook is sys.__excepthook__:
        traceback.print_exception(type(error), error, frames)
    else:
        hook(type(error), error, frames)


# ---- the Jupyter kernel --------------------------------------------------------------------------------------------------


def start_kernel(arguments: list[str]) -> None:
    """Run the Python kernel for Jupyter with handtorch in PyTorch's place before any cell; `arguments` are ipykernel's."""
    install()
    # `python -m` puts the notebook's folder first, where a file of the reader's could hide a module that the kernel needs.
    if sys.path[0] in ("", os.getcwd()):
        del sys.path[0]
    from ipykernel import kernelapp

    kernelapp.launch_new_instance(argv=arguments)


def install_kernel(prefix: str | os.PathLike | None = None) -> Path:
    """Write the kernelspec `handtorch` under `prefix` (the running environment unless given) and return its folder.

    Jupyter then offers a kernel that runs notebooks, unmodified, on handtorch. Nothing is written to the user's home.
    """
    folder = Path(prefix or sys.prefix) / "share" / "jupyter" / "kernels" / KERNEL_NAME
    folder.mkdir(parents=True, exist_ok=True)
    spec = {
        "argv": [sys.executable, "-m", PACKAGE, "--kernel", "-f", "{connection_file}"],
        "display_name": "handtorch (torch over NumPy)",
        "language": "python",
        "metadata": {"debugger": True},
    }
    with tempfile.NamedTemporaryFile("w", dir=folder, suffix=".json", delete=False, encoding="utf-8") as file:
        json.dump(spec, file, indent=1)
    os.chmod(file.name, 0o644)
    os.replace(file.name, folder / "kernel.json")
    return folder
