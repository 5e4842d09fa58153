"""Memory and files: the storage that tensors share, and `torch.save` and `torch.load`.

A file is a pickle that only handtorch reads. As in PyTorch, `load` makes nothing but tensors and plain collections of them unless it is told to
trust the file: a pickle can run any code.
"""

from __future__ import annotations

import io
import os
import pickle
import zipfile

import numpy as np

from .tensor import Tensor, rebuild, warn

MARK = b"handtorch 1\n"
# What a file may hold if it is not trusted: the names that the pickle of tensors and collections uses.
SAFE = {
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("collections", "Counter"), ("builtins", "set"), ("builtins", "complex"),
    ("numpy._core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "scalar"), ("numpy._core.numeric", "_frombuffer"),
    ("numpy", "ndarray"), ("numpy", "dtype"),
}  # fmt: skip


class UntypedStorage:
    """The memory that a tensor and its views share, in bytes."""

    def __init__(self, tensor):
        root = tensor._array
        while isinstance(root.base, np.ndarray):
            root = root.base
        self.memory = root

    def data_ptr(self) -> int:
        """Its address: the same for all tensors that share it."""
        return self.memory.ctypes.data

    def nbytes(self) -> int:
        """Its length."""
        return self.memory.nbytes

    size = __len__ = nbytes


class TypedStorage(UntypedStorage):
    """The memory as numbers of the tensor's type."""

    def size(self) -> int:
        """How many numbers."""
        return self.memory.size

    __len__ = size

    def tolist(self):
        """The numbers in the order of memory."""
        return self.memory.ravel(order="K").tolist()

    def __getitem__(self, index):
        return self.tolist()[index]

    def __iter__(self):
        return iter(self.tolist())

    def __repr__(self):
        return "\n".join(f" {value}" for value in self.tolist()) + (
            f"\n[torch.storage.TypedStorage(dtype=torch.{self.memory.dtype.name}, device=cpu) of size {self.size()}]"
        )


def storage(self) -> TypedStorage:
    """The memory that this tensor shares with its views, as numbers."""
    warn(
        "TypedStorage is deprecated. It will be removed in the future and UntypedStorage will be the only storage class. This "
        "should only matter to you if you are using storages directly.  To access UntypedStorage directly, use "
        "tensor.untyped_storage() instead of tensor.storage()"
    )
    return TypedStorage(self)


Tensor.untyped_storage = lambda self: UntypedStorage(self)
Tensor.storage = storage
Tensor.is_shared = lambda self: False

# ---- files -----------------------------------------------------------------------------------------------------------


def save(obj, f, pickle_module=pickle, pickle_protocol=4, _use_new_zipfile_serialization=True) -> None:
    """Write tensors, dictionaries of them, or whole objects to a path or an open file. A path gets the whole file or nothing."""
    content = MARK + pickle.dumps(obj, pickle_protocol)
    if hasattr(f, "write"):
        f.write(content)
        return
    path = os.fspath(f)
    folder = os.path.dirname(path)
    if folder and not os.path.isdir(folder):
        raise RuntimeError(f"Parent directory {folder} does not exist.")
    with open(path + ".part", "wb") as file:
        file.write(content)
    os.replace(path + ".part", path)


class Careful(pickle.Unpickler):
    """Reads tensors and plain collections only."""

    def find_class(self, module, name):
        found = (module, name) in SAFE or module.split(".")[0] in ("torch", __package__.split(".")[0])
        value = super().find_class(module, name) if found else None
        if (
            (module, name) in SAFE
            or value is rebuild
            or (isinstance(value, type) and issubclass(value, (Tensor, tuple)))
        ):
            return value
        raise pickle.UnpicklingError(
            "Weights only load failed. This file can still be loaded, to do so you have two options, do those steps only if you "
            "trust the source of the checkpoint.\n\t(1) In PyTorch 2.6, we changed the default value of the `weights_only` "
            "argument in `torch.load` from `False` to `True`. Re-running `torch.load` with `weights_only` set to `False` will "
            "likely succeed, but it can result in arbitrary code execution. Do it only if you got the file from a trusted source."
            f"\n\tWeightsUnpickler error: Unsupported global: GLOBAL {module}.{name} was not an allowed global by default."
        )


def load(f, map_location=None, pickle_module=None, *, weights_only=None, mmap=None, **pickle_load_args):
    """What `save` wrote. weights_only (True unless said otherwise): nothing but tensors and plain collections."""
    if hasattr(f, "read"):
        content = f.read()
    else:
        with open(f, "rb") as file:
            content = file.read()
    if zipfile.is_zipfile(io.BytesIO(content)):
        raise NotImplementedError("torch.load: handtorch reads only files that it wrote; this one is PyTorch's")
    if not content:
        raise EOFError("Ran out of input")
    stream = io.BytesIO(content.removeprefix(MARK))
    return pickle.load(stream) if weights_only is False else Careful(stream).load()
