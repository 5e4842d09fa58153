"""`torch.optim.swa_utils`: a model whose parameters are averages of those of another, along its way (Izmailov et al., 2018)."""

from __future__ import annotations

import math
from copy import deepcopy

from .autograd import no_grad
from .creation import tensor
from .dtypes import int64
from .end import end_of
from .lr_scheduler import LRScheduler
from .module import Module
from .nn import BatchNorm1d
from .tensor import Tensor

__getattr__ = end_of("torch.optim.swa_utils")


def get_ema_avg_fn(decay=0.999):
    """averaged ← decay * averaged + (1 - decay) * current"""
    check_decay(decay)
    return lambda averaged, current, count: decay * averaged + (1 - decay) * current


def get_swa_avg_fn():
    """averaged ← the mean of all so far"""
    return lambda averaged, current, count: averaged + (current - averaged) / (count + 1)


def get_ema_multi_avg_fn(decay=0.999):
    """`get_ema_avg_fn` on lists of tensors, in place."""
    check_decay(decay)

    def update(averaged, current, count):
        for a, c in zip(averaged, current, strict=True):
            a.lerp_(c, 1 - decay)

    return update


def get_swa_multi_avg_fn():
    """`get_swa_avg_fn` on lists of tensors, in place."""

    def update(averaged, current, count):
        for a, c in zip(averaged, current, strict=True):
            a.lerp_(c, 1 / (float(count) + 1))

    return update


def check_decay(decay):
    if not 0.0 <= decay <= 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


class AveragedModel(Module):
    """A copy of `model` that becomes the average of its values: call `update_parameters(model)` after each step.

    avg_fn(averaged, current, count): the new average of one tensor, by default the mean. multi_avg_fn: the same for lists, in place.
    use_buffers: average the buffers as well, instead of copying them.
    """

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", tensor(0, dtype=int64))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def update_parameters(self, model):
        """Take the present values of `model` into the average."""
        pairs = list(zip(self.averaged(self.module), self.averaged(model), strict=True))
        with no_grad():
            if int(self.n_averaged) == 0:
                for averaged, current in pairs:
                    averaged.copy_(current.detach())
            elif self.avg_fn is not None:
                for averaged, current in pairs:
                    averaged.copy_(self.avg_fn(averaged.detach(), current.detach(), self.n_averaged))
            else:
                update = self.multi_avg_fn or get_swa_multi_avg_fn()
                update([a for a, _ in pairs], [c.detach() for _, c in pairs], self.n_averaged)
            if not self.use_buffers:
                for averaged, current in zip(self.module.buffers(), model.buffers(), strict=True):
                    averaged.copy_(current)
            self.n_averaged += 1

    def averaged(self, model):
        return [*model.parameters(), *(model.buffers() if self.use_buffers else ())]


def update_bn(loader, model, device=None):
    """Let the batch normalisations of `model` see all the batches of `loader` once, and keep the mean of their statistics."""
    layers = {layer: layer.momentum for layer in model.modules() if isinstance(layer, BatchNorm1d)}
    if not layers:
        return
    was_training = model.training
    model.train()
    for layer in layers:
        layer.reset_running_stats()
        layer.momentum = None
    with no_grad():
        for batch in loader:
            model(batch if isinstance(batch, Tensor) else batch[0])
    for layer, momentum in layers.items():
        layer.momentum = momentum
    model.train(was_training)


class SWALR(LRScheduler):
    """Brings the learning rates to `swa_lr` in `anneal_epochs` steps, along half a cosine or a line, and leaves them there."""

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        rates = swa_lr if isinstance(swa_lr, (list, tuple)) else [swa_lr] * len(optimizer.param_groups)
        if len(rates) != len(optimizer.param_groups):
            raise ValueError(
                "swa_lr must have the same length as optimizer.param_groups: swa_lr has "
                f"{len(rates)}, optimizer.param_groups has {len(optimizer.param_groups)}"
            )
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self.swa_lrs, self.anneal_epochs, self.anneal_strategy = rates, anneal_epochs, anneal_strategy
        for rate, group in zip(rates, optimizer.param_groups, strict=True):
            group["swa_lr"] = rate
        super().__init__(optimizer, last_epoch)

    def share(self, t):
        """How much of the way to `swa_lr` is done when the part t of the time has passed."""
        return (1 - math.cos(math.pi * t)) / 2 if self.anneal_strategy == "cos" else t

    def get_lr(self):
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before = self.share(max(0, min(1, (step - 1) / max(1, self.anneal_epochs))))
        now = self.share(max(0, min(1, step / max(1, self.anneal_epochs))))
        rates = []
        for group in self.optimizer.param_groups:
            # Where the rate would be had it started from the first one: undo the last step's share, then take this one's.
            start = group["lr"] if before == 1 else (group["lr"] - before * group["swa_lr"]) / (1 - before)
            rates.append(group["swa_lr"] * now + start * (1 - now))
        return rates
