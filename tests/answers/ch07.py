"""Answers to chapter 7's exercises, right and wrong."""

import math

import torch
from torch import nn

from helpers.checks.symptoms import CUT, NONE, REACH, TOUCHED

# --- 7.1 SGD with momentum -----------------------------------------------------------------------------------


class ByDictionary:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.m, self.state = [*params], lr, momentum, {}

    def zero_grad(self):
        for p in self.params:
            if p.grad is not None:
                p.grad.zero_()

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                old = self.state.get(id(p))
                self.state[id(p)] = p.grad.clone() if old is None else old.mul_(self.m).add_(p.grad)
                p.sub_(self.lr * self.state[id(p)])


class ByZeros:
    def __init__(self, params, lr, momentum=0.0):
        self.params, self.lr, self.momentum = list(params), lr, momentum
        self.buffers = [torch.zeros_like(p) for p in self.params]

    def zero_grad(self):
        for p in self.params:
            p.grad = None

    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                buf.mul_(self.momentum).add_(p.grad)
                p.detach().add_(buf, alpha=-self.lr)


class ByTorch:
    """PyTorch's own: the reference has to agree with it."""

    def __init__(self, params, lr, momentum=0.0):
        self.opt, self.lr = torch.optim.SGD(params, lr=lr, momentum=momentum), lr

    def zero_grad(self):
        self.opt.zero_grad()

    def step(self):
        self.opt.param_groups[0]["lr"] = self.lr
        self.opt.step()


class SharedBuffer(ByZeros):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, lr, momentum)
        self.shared = 0.0

    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                self.shared = self.momentum * self.shared + p.grad
                p -= self.lr * self.shared


class FirstScaled(ByZeros):
    @torch.no_grad()
    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                first = not buf.any()
                buf.copy_((1 - self.momentum) * p.grad if first else self.momentum * buf + p.grad)
                p -= self.lr * buf


class Averages(ByZeros):
    @torch.no_grad()
    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                buf.lerp_(p.grad, 1 - self.momentum)
                p -= self.lr * buf


class RateInside(ByZeros):
    @torch.no_grad()
    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                buf.mul_(self.momentum).add_(p.grad, alpha=self.lr)
                p -= buf


class Recorded(ByZeros):
    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                buf.mul_(self.momentum).add_(p.grad)
                p -= self.lr * buf


class Rebinds(ByZeros):
    def step(self):
        with torch.no_grad():
            for p, buf in zip(self.params, self.buffers, strict=True):
                if p.grad is not None:
                    buf.mul_(self.momentum).add_(p.grad)
                    p = p - self.lr * buf


class ReplacesInList(ByZeros):
    def step(self):
        for i, buf in enumerate(self.buffers):
            p = self.params[i]
            if p.grad is not None:
                buf.mul_(self.momentum).add_(p.grad)
                self.params[i] = (p - self.lr * buf).detach().requires_grad_()


class NoneNotSkipped(ByZeros):
    @torch.no_grad()
    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            buf.mul_(self.momentum).add_(p.grad)
            p -= self.lr * buf


class NoneTimes(ByZeros):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            self.buffers[i] = self.momentum * self.buffers[i] + p.grad
            p -= self.lr * self.buffers[i]


class Aliases(ByDictionary):
    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                old = self.state.get(id(p))
                self.state[id(p)] = p.grad if old is None else self.m * old + p.grad
                p.sub_(self.lr * self.state[id(p)])


class WritesIntoGrad(ByZeros):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is not None:
                p.grad.add_(self.buffers[i], alpha=self.momentum)
                self.buffers[i] = p.grad.clone()
                p -= self.lr * p.grad


class Clears(ByZeros):
    def step(self):
        super().step()
        self.zero_grad()


class ClearsInPlace(ByDictionary):
    def step(self):
        super().step()
        self.zero_grad()


class Nesterov(ByZeros):
    @torch.no_grad()
    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                buf.mul_(self.momentum).add_(p.grad)
                p -= self.lr * (p.grad + self.momentum * buf)


class Stateless(ByZeros):
    @torch.no_grad()
    def step(self):
        for p in self.params:
            if p.grad is not None:
                buf = torch.zeros_like(p)
                buf = self.momentum * buf + p.grad
                p -= self.lr * buf


class Uphill(ByZeros):
    @torch.no_grad()
    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                p += self.lr * buf.mul_(self.momentum).add_(p.grad)


class RollsOn(ByZeros):
    @torch.no_grad()
    def step(self):
        for i, p in enumerate(self.params):
            if p.grad is None:
                p -= self.lr * self.momentum * self.buffers[i]
                continue
            self.buffers[i] = self.momentum * self.buffers[i] + p.grad
            p -= self.lr * self.buffers[i]


class KeepsGenerator(ByDictionary):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__([], lr, momentum)
        self.params = params


class ForgetsToClear(ByZeros):
    def zero_grad(self):
        pass


class FixedRate(ByZeros):
    def __init__(self, params, lr, momentum=0.0):
        super().__init__(params, lr, momentum)
        self.rate = lr

    @torch.no_grad()
    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                p -= self.rate * buf.mul_(self.momentum).add_(p.grad)


class ThroughData(ByZeros):
    """Past the watch, and from the wrong end: the buffer is shrunk after the gradient was added."""

    def step(self):
        for p, buf in zip(self.params, self.buffers, strict=True):
            if p.grad is not None:
                buf.add_(p.grad).mul_(self.momentum)
                p.data -= self.lr * buf


# --- 7.2 Adam ------------------------------------------------------------------------------------------------


def adam_other_order(p, g, m, v, t, lr, beta1, beta2, eps):
    p, m, v = adam_words(p, g, m, v, t, lr, beta1, beta2, eps)
    return p, v, m


def adam_words(p, g, m, v, t, lr, beta1, beta2, eps):
    new_m = m * beta1 + g * (1 - beta1)
    new_v = v * beta2 + g * g * (1 - beta2)
    ratio = (new_m / (1 - beta1**t)) / (torch.sqrt(new_v / (1 - beta2**t)) + eps)
    return p - lr * ratio, new_m, new_v


def adam_lerp(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = torch.lerp(m, g, 1 - beta1), torch.lerp(v, g.square(), 1 - beta2)
    step = lr / (1 - beta1**t)
    return p - step * m / ((v.sqrt() / (1 - beta2**t) ** 0.5) + eps), m, v


def adam_by_torch(p, g, m, v, t, lr, beta1, beta2, eps):
    """PyTorch's own: the reference has to agree with it."""
    leaf = p.clone().requires_grad_()
    leaf.grad = g.clone()
    opt = torch.optim.Adam([leaf], lr=lr, betas=(beta1, beta2), eps=eps)
    opt.state[leaf] = {"step": torch.tensor(float(t - 1)), "exp_avg": m.clone(), "exp_avg_sq": v.clone()}
    opt.step()
    return leaf.detach(), opt.state[leaf]["exp_avg"], opt.state[leaf]["exp_avg_sq"]


def adam_bare(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g * g
    return p - lr * m / (v**0.5 + eps), m, v


def adam_from_zero(p, g, m, v, t, lr, beta1, beta2, eps):
    t = t - 1
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return p - lr * m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + eps), m, v


def adam_eps_inside(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return p - lr * m / (1 - beta1**t) / torch.sqrt(v / (1 - beta2**t) + eps), m, v


def adam_m_only(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return p - lr * m / (1 - beta1**t) / (v.sqrt() + eps), m, v


def adam_v_only(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return p - lr * m / ((v / (1 - beta2**t)).sqrt() + eps), m, v


def adam_no_square(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g
    return p - lr * m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + eps), m, v


def adam_swapped(p, g, m, v, t, lr, beta1, beta2, eps):
    return adam_words(p, g, m, v, t, lr, beta2, beta1, eps)


def adam_times_t(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return p - lr * (m / (1 - beta1 * t)) / ((v / (1 - beta2 * t)).sqrt() + eps), m, v


def adam_swapped_averages(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = beta2 * m + (1 - beta2) * g, beta1 * v + (1 - beta1) * g**2
    return p - lr * (m / (1 - beta1**t)) / ((v / (1 - beta2**t)).sqrt() + eps), m, v


def adam_swapped_corrections(p, g, m, v, t, lr, beta1, beta2, eps):
    m, v = beta1 * m + (1 - beta1) * g, beta2 * v + (1 - beta2) * g**2
    return p - lr * (m / (1 - beta2**t)) / ((v / (1 - beta1**t)).sqrt() + eps), m, v


def adam_no_root(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return p - lr * m / (1 - beta1**t) / (v / (1 - beta2**t) + eps), m, v


def adam_corrected(p, g, m, v, t, lr, beta1, beta2, eps):
    m = (beta1 * m + (1 - beta1) * g) / (1 - beta1**t)
    v = (beta2 * v + (1 - beta2) * g**2) / (1 - beta2**t)
    return p - lr * m / (v.sqrt() + eps), m, v


def adam_up(p, g, m, v, t, lr, beta1, beta2, eps):
    new, m2, v2 = adam_words(p, g, m, v, t, lr, beta1, beta2, eps)
    return 2 * p - new, m2, v2


def adam_decays(p, g, m, v, t, lr, beta1, beta2, eps):
    return adam_words(p - lr * 0.01 * p, g, m, v, t, lr, beta1, beta2, eps)


def adam_in_place(p, g, m, v, t, lr, beta1, beta2, eps):
    m.mul_(beta1).add_(g, alpha=1 - beta1)
    v.mul_(beta2).addcmul_(g, g, value=1 - beta2)
    p.sub_(lr * m / (1 - beta1**t) / ((v / (1 - beta2**t)).sqrt() + eps))
    return p, m, v


def adam_only_p(p, g, m, v, t, lr, beta1, beta2, eps):
    return adam_words(p, g, m, v, t, lr, beta1, beta2, eps)[0]


def adam_math(p, g, m, v, t, lr, beta1, beta2, eps):
    m = beta1 * m + (1 - beta1) * g
    v = beta2 * v + (1 - beta2) * g**2
    return p - lr * m / (1 - beta1**t) / (math.sqrt(v / (1 - beta2**t)) + eps), m, v


def adam_returns_nothing(p, g, m, v, t, lr, beta1, beta2, eps):
    adam_words(p, g, m, v, t, lr, beta1, beta2, eps)


def adam_usual_betas(p, g, m, v, t, lr, beta1, beta2, eps):
    return adam_words(p, g, m, v, t, lr, 0.9, 0.999, 1e-8)


# --- 7.4 A schedule ------------------------------------------------------------------------------------------


def step_by_loop(epoch, lr0, step_size, gamma):
    lr = lr0
    for k in range(1, epoch + 1):
        if k % step_size == 0:
            lr *= gamma
    return lr


def _by_torch(make, epoch, lr0):
    p = torch.zeros(1, requires_grad=True)
    opt = torch.optim.SGD([p], lr=lr0)
    scheduler = make(opt)
    for _ in range(epoch):
        opt.step()
        scheduler.step()
    return opt.param_groups[0]["lr"]


def step_by_torch(epoch, lr0, step_size, gamma):
    return _by_torch(lambda o: torch.optim.lr_scheduler.StepLR(o, step_size, gamma), epoch, lr0)


def cosine_by_torch(epoch, lr0, T):
    return _by_torch(lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, T), epoch, lr0)


def step_floor(epoch, lr0, step_size, gamma):
    return lr0 * math.pow(gamma, math.floor(epoch / step_size))


def cosine_squared(epoch, lr0, T):
    return lr0 * math.cos(math.pi * epoch / (2 * T)) ** 2


def cosine_plain(epoch, lr0, T):
    return lr0 / 2 + lr0 / 2 * math.cos(epoch * math.pi / T)


def step_every(epoch, lr0, step_size, gamma):
    return lr0 * gamma**epoch


def step_early(epoch, lr0, step_size, gamma):
    return lr0 * gamma ** ((epoch + 1) // step_size)


def step_linear(epoch, lr0, step_size, gamma):
    return lr0 - lr0 * (1 - gamma) * (epoch // step_size)


def step_times(epoch, lr0, step_size, gamma):
    n = epoch // step_size
    return lr0 * gamma * n if n else lr0


def step_smooth(epoch, lr0, step_size, gamma):
    return lr0 * gamma ** (epoch / step_size)


def step_once(epoch, lr0, step_size, gamma):
    return lr0 if epoch < step_size else lr0 * gamma


def step_no_start(epoch, lr0, step_size, gamma):
    return gamma ** (epoch // step_size)


def step_late(epoch, lr0, step_size, gamma):
    return lr0 * gamma ** ((epoch - 1) // step_size) if epoch else lr0


def cosine_full(epoch, lr0, T):
    return lr0 * 0.5 * (1 + math.cos(2 * math.pi * epoch / T))


def cosine_sine(epoch, lr0, T):
    return lr0 * math.sin(epoch / T * math.pi)


def cosine_no_start(epoch, lr0, T):
    return 0.5 + 0.5 * math.cos(math.pi * epoch / T)


def cosine_quarter(epoch, lr0, T):
    return lr0 * math.cos(epoch / T * math.pi / 2)


def cosine_unlifted(epoch, lr0, T):
    return lr0 * math.cos(epoch / T * math.pi)


def cosine_clamped(epoch, lr0, T):
    return cosine_plain(min(epoch, T), lr0, T)


def cosine_double(epoch, lr0, T):
    return lr0 * (1 + math.cos(math.pi * epoch / T))


def cosine_unwritten(epoch, lr0, T):
    raise NotImplementedError


def cosine_degrees(epoch, lr0, T):
    return lr0 * (1 + math.cos(180 * epoch / T)) / 2


# --- 7.5 Find the bug: 77.14 ---------------------------------------------------------------------------------


def _fit(lin, optimizer, x, y, n_epochs, clear=True, loss=lambda p, y: ((p - y) ** 2).mean()):
    for _ in range(n_epochs):
        value = loss(lin(x), y)
        if clear:
            optimizer.zero_grad()
        value.backward()
        optimizer.step()
    return lin


def _line(t_u):
    return nn.Linear(1, 1, dtype=t_u.dtype)


def fit_view(t_u, t_c, n_epochs, lr):
    lin = nn.Linear(1, 1).to(t_u.dtype)
    return _fit(lin, torch.optim.SGD(list(lin.parameters()), lr=lr), t_u.view(-1, 1), t_c.view(-1, 1), n_epochs)


def fit_squeeze(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    opt = torch.optim.SGD([lin.weight, lin.bias], lr=lr)
    loss = nn.MSELoss()
    return _fit(lin, opt, t_u[:, None], t_c, n_epochs, loss=lambda p, y: loss(p.squeeze(1), y))


def fit_filled(t_u, t_c, n_epochs, lr):
    lin = nn.Linear(1, 1)
    if t_u.dtype == torch.float64:
        lin = lin.double()
    with torch.no_grad():
        lin.weight.fill_(1.0)
        lin.bias.zero_()
    opt = torch.optim.SGD(lin.parameters(), lr=lr)
    return _fit(lin, opt, t_u.reshape(-1, 1), t_c.reshape(-1, 1), n_epochs)


def fit_shape_left(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    return _fit(lin, torch.optim.SGD(lin.parameters(), lr=lr), t_u.unsqueeze(1), t_c, n_epochs)


def fit_row(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    return _fit(lin, torch.optim.SGD(lin.parameters(), lr=lr), t_u.unsqueeze(1), t_c.view(1, -1), n_epochs)


def fit_summed(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    opt = torch.optim.SGD(lin.parameters(), lr=lr)
    return _fit(lin, opt, t_u.unsqueeze(1), t_c, n_epochs, loss=lambda p, y: ((p.sum() - y) ** 2).mean())


def fit_early(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    opt = torch.optim.SGD(lin.parameters(), lr=lr)
    return _fit(_line(t_u), opt, t_u.unsqueeze(1), t_c.unsqueeze(1), n_epochs)


def fit_as_given(t_u, t_c, n_epochs, lr):
    lin = nn.Linear(1, 1)
    opt = torch.optim.SGD(lin.parameters(), lr=lr)
    return _fit(_line(t_u), opt, t_u.unsqueeze(1), t_c, n_epochs)


def fit_generator(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    parameters = lin.parameters()
    print(len(list(parameters)))
    return _fit(lin, torch.optim.SGD(parameters, lr=lr), t_u.unsqueeze(1), t_c.unsqueeze(1), n_epochs)


def fit_assigns(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    lin.weight = torch.ones(1, 1, dtype=t_u.dtype, requires_grad=True)
    return _fit(lin, torch.optim.SGD(lin.parameters(), lr=lr), t_u.unsqueeze(1), t_c.unsqueeze(1), n_epochs)


def fit_float32(t_u, t_c, n_epochs, lr):
    lin = nn.Linear(1, 1)
    return _fit(lin, torch.optim.SGD(lin.parameters(), lr=lr), t_u.unsqueeze(1), t_c.unsqueeze(1), n_epochs)


def fit_down_to_float32(t_u, t_c, n_epochs, lr):
    return fit_float32(t_u.float(), t_c.float(), n_epochs, lr)


def fit_never_clears(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    opt = torch.optim.SGD(lin.parameters(), lr=lr)
    return _fit(lin, opt, t_u.unsqueeze(1), t_c.unsqueeze(1), n_epochs, clear=False)


def fit_sum_of_squares(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    opt = torch.optim.SGD(lin.parameters(), lr=lr)
    return _fit(lin, opt, t_u.unsqueeze(1), t_c.unsqueeze(1), n_epochs, loss=lambda p, y: ((p - y) ** 2).sum())


def fit_detached(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    opt = torch.optim.SGD(lin.parameters(), lr=lr)
    x, y = t_u.unsqueeze(1), t_c.unsqueeze(1)
    return _fit(lin, opt, x, y, n_epochs, loss=lambda p, y: ((p.detach() - y) ** 2).mean())


def fit_anew(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    for _ in range(n_epochs):
        opt = torch.optim.Adam(lin.parameters(), lr=lr)
        _fit(lin, opt, t_u.unsqueeze(1), t_c.unsqueeze(1), 1)
    return lin


def fit_no_table(t_u, t_c, n_epochs, lr):
    lin = _line(t_u)
    return _fit(lin, torch.optim.SGD(lin.parameters(), lr=lr), t_u, t_c, n_epochs)


def fit_returns_predictions(t_u, t_c, n_epochs, lr):
    return fit_view(t_u, t_c, n_epochs, lr)(t_u.unsqueeze(1))


def fit_returns_inside(t_u, t_c, n_epochs, lr):
    lin = nn.Linear(1, 1).to(t_u.dtype)
    opt = torch.optim.SGD(lin.parameters(), lr=lr)
    for _ in range(n_epochs):
        return _fit(lin, opt, t_u.unsqueeze(1), t_c.unsqueeze(1), 1)


# --- 7.6 Standardise honestly --------------------------------------------------------------------------------


def z_copies(train, other):
    std = train.std(0)
    std[std == 0] = 1
    mean = train.sum(0) / len(train)
    return (train - mean) / std, (other - mean) / std


def z_formula(train, other):
    gaps = train - train.mean(dim=0, keepdim=True)
    std = ((gaps**2).sum(dim=0) / (len(train) - 1)).sqrt()
    std = std + (std == 0)
    return gaps / std, (other - train.mean(dim=0)) / std


def z_columns(train, other):
    out = []
    for t, o in zip(train.T, other.T, strict=True):
        s = t.std().item() or 1.0
        out.append(((t - t.mean()) / s, (o - t.mean()) / s))
    return torch.stack([t for t, _ in out], 1), torch.stack([o for _, o in out], 1)


def _z(x, mean, std):
    return (x - mean) / torch.where(std > 0, std, torch.ones_like(std))


def z_each(train, other):
    spread = other.std(0) if len(other) > 1 else torch.full_like(other[0], math.nan)
    return _z(train, train.mean(0), train.std(0)), _z(other, other.mean(0), spread)


def z_joined(train, other):
    both = torch.vstack([train, other])
    return tuple(_z(x, both.mean(0), both.std(0)) for x in (train, other))


def z_nan_to_num(train, other):
    mean, std = train.mean(0), train.std(0)
    return torch.nan_to_num((train - mean) / std), torch.nan_to_num((other - mean) / std)


def z_of_rows(train, other):
    mean, std = train.mean(1), train.std(1)
    return (train - mean) / std, (other - mean) / std


def z_variance(train, other):
    return tuple(_z(x, train.mean(0), train.std(0) ** 2) for x in (train, other))


def z_centred(train, other):
    mean = train.mean(0)
    return train - mean, other - mean


def z_wrong_order(train, other):
    mean, std = train.mean(0), train.std(0)
    std = torch.where(std > 0, std, torch.ones_like(std))
    return train / std - mean, other / std - mean


def z_in_place(train, other):
    mean, std = train.mean(0), train.std(0)
    std = torch.where(std > 0, std, torch.ones_like(std))
    train -= mean
    other -= mean
    return train.div_(std), other.div_(std)


def z_nan(train, other):
    return (train - train.mean(0)) / train.std(0), (other - train.mean(0)) / train.std(0)


def z_eps(train, other):
    std = train.std(0) + 1e-8
    return (train - train.mean(0)) / std, (other - train.mean(0)) / std


def z_one_mean(train, other):
    mean, std = train.mean(), train.std()
    return (train - mean) / std, (other - mean) / std


def z_min_max(train, other):
    low, high = train.amin(0), train.amax(0)
    return tuple(_z(x, low, high - low) for x in (train, other))


def z_population(train, other):
    std = ((train - train.mean(0)) ** 2).mean(0).sqrt()
    return tuple(_z(x, train.mean(0), std) for x in (train, other))


def z_train_only(train, other):
    return _z(train, train.mean(0), train.std(0)), other


def z_swapped(train, other):
    mean, std = train.mean(0), train.std(0)
    return _z(other, mean, std), _z(train, mean, std)


RIGHT = {
    "7.1": [ByDictionary, ByZeros, ByTorch],
    "7.2": [adam_words, adam_lerp, adam_by_torch],
    "7.3": [0.1, torch.tensor(0.1), 0.1 * 82.6 / 82.6],
    "7.4": [(step_by_loop, cosine_squared), (step_by_torch, cosine_by_torch), (step_floor, cosine_plain)],
    "7.5": [fit_view, fit_squeeze, fit_filled],
    "7.6": [z_copies, z_formula, z_columns],
}

WRONG = {
    "7.1": [
        (SharedBuffer, "Two parameters influence each other"),
        (FirstScaled, "First step too short"),
        (Averages, "An average: PyTorch's buffer is a sum."),
        (RateInside, "Differs once lr changes"),
        (Recorded, "a leaf Variable … in-place"),
        (Rebinds, "Nothing moves"),
        (ReplacesInList, "Nothing moves"),
        (NoneNotSkipped, REACH),
        (NoneTimes, REACH),
        (Aliases, "After zero_grad your buffer is gone"),
        (WritesIntoGrad, "Your step changes `.grad`"),
        (Clears, "After step `.grad` is gone"),
        (ClearsInPlace, "After step `.grad` is gone"),
        (Nesterov, "From step 1 on you look ahead"),
        (Stateless, "momentum has no effect"),
        (Uphill, "You step uphill"),
        (RollsOn, "yours rolls on"),
        (KeepsGenerator, "can be walked once"),
        (ForgetsToClear, "zero_grad leaves the old gradient"),
        (FixedRate, "A rate that is changed on the way"),
        (ThroughData, None),
    ],
    "7.2": [
        (adam_bare, "3.16 times lr"),
        (adam_from_zero, "Division by zero"),
        (adam_eps_inside, "Differs for tiny gradients only"),
        (adam_m_only, "31.6 times lr"),
        (adam_v_only, "a tenth of lr"),
        (adam_no_square, "Negative gradients give nan"),
        (adam_swapped, "m follows too slowly"),
        (adam_no_root, "Step size grows"),
        (adam_times_t, "beta to the power t"),
        (adam_swapped_averages, "betas of the averages are swapped"),
        (adam_swapped_corrections, "betas of their corrections are swapped"),
        (adam_corrected, "Wrong from step 2 on"),
        (adam_up, "You step uphill"),
        (adam_other_order, "m and v are swapped: the order is p, m, v."),
        (adam_decays, "With g = 0 the parameter moves."),
        (adam_in_place, TOUCHED),
        (adam_only_p, "Three things are due"),
        (adam_math, "math takes plain numbers"),
        (adam_returns_nothing, NONE),
        (adam_usual_betas, None),
    ],
    "7.3": [
        (8.26, "That is SGD"),
        (0.316, "Uncorrected"),
        (1.0, "RMSprop"),
        (451.7, "w's gradient"),
        (0.0018, None),
        (82.6 / 4517.3 * 0.1, "Adam scales each parameter by itself"),
        (0.01, "m̂ is not corrected"),
        (3.1623, "v̂ is not corrected"),
        (82.6, "The gradient itself"),
        (0, "Something moves"),
        (0.2, "after two steps"),
        (-0.1, "A distance is asked for"),
        (None, "None came"),
        ("0.1", "A text, not a number"),
    ],
    "7.4": [
        ((step_every, cosine_plain), "step_size is not used"),
        ((step_every, cosine_full), "step_size is not used"),
        ((step_early, cosine_plain), "one epoch early"),
        ((step_late, cosine_plain), "one epoch late"),
        ((step_linear, cosine_plain), "Equal differences"),
        ((step_times, cosine_plain), "wrong after the second"),
        ((step_smooth, cosine_plain), "inside a stage"),
        ((step_once, cosine_plain), "One decay only"),
        ((step_no_start, cosine_plain), "Doubling lr0 changes nothing"),
        ((step_floor, cosine_full), "back at lr0"),
        ((step_floor, cosine_sine), "At epoch 0 your rate is not lr0"),
        ((step_floor, cosine_no_start), "Doubling lr0 changes nothing"),
        ((step_floor, cosine_quarter), "A quarter of a period, not lifted"),
        ((step_floor, cosine_unlifted), "negative from T/2 on"),
        ((step_floor, cosine_clamped), "stands still"),
        ((step_floor, cosine_double), "twice lr0"),
        ((step_floor, cosine_unwritten), "`cosine_lr` is not written yet"),
        ((step_floor, cosine_degrees), "takes radians"),
    ],
    "7.5": [
        (fit_shape_left, "Your line is flat at the mean"),
        (fit_row, "Your line is flat at the mean"),
        (fit_summed, "One number against N targets"),
        (fit_early, "was never in the optimizer"),
        (fit_as_given, "was never in the optimizer"),
        (fit_generator, "can be walked once"),
        (fit_assigns, "A plain tensor cannot replace a Parameter."),
        (fit_float32, "Double and Float met"),
        (fit_down_to_float32, "another dtype than the readings"),
        (fit_never_clears, "swings instead of falling"),
        (fit_sum_of_squares, "Your loss is a sum"),
        (fit_detached, CUT),
        (fit_anew, "Its memory starts empty"),
        (fit_no_table, None),
        (fit_returns_predictions, "The layer itself is due"),
        (fit_returns_inside, "one epoch only"),
    ],
    "7.6": [
        (z_each, None),
        (z_joined, "changes when the other set does"),
        (z_nan_to_num, "zero spread"),
        (z_of_rows, "Row by row"),
        (z_variance, "is not 1"),
        (z_centred, "Centred, but"),
        (z_wrong_order, "Spread 1, but not centred"),
        (z_in_place, TOUCHED),
        (z_nan, "zero spread"),
        (z_eps, "almost nothing"),
        (z_one_mean, "Columns in different units"),
        (z_min_max, "from 0 to 1"),
        (z_population, "You divide by N"),
        (z_train_only, "handed back as it came"),
        (z_swapped, "in the order train, other"),
    ],
}
