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
    "torch.accelerator": "environment.accelerator",
    "torch.autograd": "autograd",
    "torch.autograd.functional": "autograd.functional",
    "torch.autograd.graph": "graph",
    "torch.backends": "environment.backends",
    "torch.backends.cudnn": "environment.cudnn",
    "torch.cuda": "environment.cuda",
    "torch.func": "func",
    "torch.linalg": "linalg",
    "torch.nn": "nn",
    "torch.nn.functional": "functional",
    "torch.nn.init": "init",
    "torch.nn.modules": "nn",
    "torch.nn.parameter": "module",
    "torch.nn.utils": "nn_utils",
    "torch.nn.utils.clip_grad": "nn_utils",
    "torch.nn.utils.convert_parameters": "nn_utils",
    "torch.optim": "optim",
    "torch.optim.lr_scheduler": "lr_scheduler",
    "torch.optim.swa_utils": "swa_utils",
    "torch.random": "random",
    "torch.serialization": "storage",
    "torch.storage": "storage",
    "torch.testing": "testing",
    "torch.utils": "utils",
    "torch.utils.data": "data",
    "torch.version": "environment.version",
}
OPTIMIZERS = (
    "ASGD", "Adadelta", "Adagrad", "Adam", "AdamW", "Adamax", "LBFGS", "NAdam", "Optimizer", "RAdam", "RMSprop", "Rprop", "SGD",
)  # fmt: skip
# The classes whose full names programs print or import, by the module that they say they come from, and what of handtorch holds them.
CLASSES = {
    "torch": ("", "Tensor Size dtype device layout finfo iinfo"),
    "torch.autograd.anomaly_mode": ("autograd", "detect_anomaly set_detect_anomaly"),
    "torch.autograd.function": ("autograd", "Function"),
    "torch.autograd.grad_mode": ("autograd", "no_grad enable_grad set_grad_enabled inference_mode"),
    "torch.autograd.gradcheck": ("autograd", "GradcheckError"),
    "torch.autograd.variable": ("autograd", "Variable"),
    "torch.nn.parameter": ("module", "Parameter Buffer"),
    "torch.nn.modules.module": ("module", "Module _IncompatibleKeys"),
    "torch.nn.modules.activation": (
        "nn",
        "CELU ELU GELU GLU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid LogSoftmax Mish "
        "PReLU ReLU ReLU6 SELU SiLU Sigmoid Softmax Softmax2d Softmin Softplus Softshrink Softsign Tanh "
        "Tanhshrink Threshold",
    ),
    "torch.nn.modules.batchnorm": ("nn", "BatchNorm1d BatchNorm2d BatchNorm3d"),
    "torch.nn.modules.container": ("module", "ModuleDict ModuleList ParameterDict ParameterList Sequential"),
    "torch.nn.modules.conv": ("nn", "Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d"),
    "torch.nn.modules.distance": ("nn", "CosineSimilarity PairwiseDistance"),
    "torch.nn.modules.dropout": ("nn", "AlphaDropout Dropout Dropout1d Dropout2d Dropout3d"),
    "torch.nn.modules.flatten": ("nn", "Flatten Unflatten"),
    "torch.nn.modules.fold": ("nn", "Fold Unfold"),
    "torch.nn.modules.instancenorm": ("nn", "InstanceNorm1d InstanceNorm2d InstanceNorm3d"),
    "torch.nn.modules.linear": ("nn", "Bilinear Identity Linear"),
    "torch.nn.modules.loss": (
        "nn",
        "BCELoss BCEWithLogitsLoss CosineEmbeddingLoss CrossEntropyLoss GaussianNLLLoss HingeEmbeddingLoss "
        "HuberLoss KLDivLoss L1Loss MSELoss MarginRankingLoss MultiLabelMarginLoss MultiLabelSoftMarginLoss "
        "MultiMarginLoss NLLLoss PoissonNLLLoss SmoothL1Loss SoftMarginLoss TripletMarginLoss",
    ),
    "torch.nn.modules.normalization": ("nn", "GroupNorm LayerNorm LocalResponseNorm RMSNorm"),
    "torch.nn.modules.padding": (
        "nn",
        "CircularPad1d CircularPad2d CircularPad3d ConstantPad1d ConstantPad2d ConstantPad3d ReflectionPad1d "
        "ReflectionPad2d ReflectionPad3d ReplicationPad1d ReplicationPad2d ReplicationPad3d ZeroPad1d "
        "ZeroPad2d ZeroPad3d",
    ),
    "torch.nn.modules.pixelshuffle": ("nn", "PixelShuffle PixelUnshuffle"),
    "torch.nn.modules.pooling": (
        "nn",
        "AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d "
        "AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d LPPool1d LPPool2d LPPool3d MaxPool1d MaxPool2d "
        "MaxPool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d",
    ),
    "torch.nn.modules.sparse": ("nn", "Embedding"),
    "torch.nn.modules.upsampling": ("nn", "Upsample"),
    "torch.optim": ("optim", "Adafactor Muon"),
    **{f"torch.optim.{name.lower()}": ("optim", name) for name in OPTIMIZERS},
    "torch.optim.lr_scheduler": (
        "lr_scheduler",
        "ChainedScheduler ConstantLR CosineAnnealingLR CosineAnnealingWarmRestarts CyclicLR ExponentialLR LRScheduler LambdaLR LinearLR "
        "MultiStepLR MultiplicativeLR OneCycleLR PolynomialLR ReduceLROnPlateau SequentialLR StepLR _LRScheduler",
    ),
    "torch.utils.data.dataloader": ("data", "DataLoader"),
    "torch.utils.data.dataset": (
        "data",
        "ChainDataset ConcatDataset Dataset IterableDataset StackDataset Subset TensorDataset",
    ),
    "torch.utils.data.sampler": (
        "data",
        "BatchSampler RandomSampler Sampler SequentialSampler SubsetRandomSampler WeightedRandomSampler",
    ),
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
    for name, place in sorted(({name: place for name, (place, _) in CLASSES.items()} | MODULES).items()):
        module = find(place)
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent and child not in vars(sys.modules[parent]):
            setattr(sys.modules[parent], child, module)  # where `import torch.nn.parameter as p` looks
        if "__path__" not in vars(module):
            module.__path__ = []  # so that a module below it is asked for, and refused in our words
    for name, (place, classes) in CLASSES.items():
        for each in classes.split():
            if each in vars(find(place)):
                vars(find(place))[each].__module__ = name
    handtorch.Generator.__module__ = "torch._C"  # which nobody imports
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
    run_code(Path(path).read_bytes(), os.path.abspath(path))


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
