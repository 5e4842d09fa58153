"""Show a warning as PyTorch words it, every time and without the paths that it carries: for cells that warn on purpose."""

import warnings

import torch


def warned(action):
    """Call `action()`, print the kind and first sentence of each warning that it gives, and return its result.

    If it raises, the warnings are printed first.

    PyTorch gives some warnings once a process only; here they come each time, and the setting is restored.
    """
    before, caught = torch.is_warn_always_enabled(), []
    torch.set_warn_always(True)
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = action()
            if not caught:
                print("no warning")
            return result
    finally:  # what was warned of often explains the error that follows
        torch.set_warn_always(before)
        for warning in caught:
            sentence = str(warning.message).split("\n")[0].split(". ")[0].rstrip(".")
            print(f"{warning.category.__name__}: {sentence}.")
