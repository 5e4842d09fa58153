"""`torch.utils`: the part of it that there is, which is `torch.utils.data`."""

from . import data  # noqa: F401
from .end import end_of

__getattr__ = end_of("torch.utils")
