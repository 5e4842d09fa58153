"""Where handtorch ends: a name of PyTorch that it does not have raises one error, which says so."""


class EndOfHandtorch(NotImplementedError, AttributeError):
    """A name of torch that handtorch does not have; an AttributeError too, so that `hasattr` can ask."""


def end_of(place: str):
    """The `__getattr__` of a module that stands for PyTorch's module `place`."""

    def __getattr__(name):
        if name.startswith("__"):
            raise AttributeError(name)
        raise EndOfHandtorch(
            f"{place}.{name}: handtorch, the part of PyTorch that this course uses, ends before it; use PyTorch"
        )

    return __getattr__
