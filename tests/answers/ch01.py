"""Answers to chapter 1's exercises, right and wrong, as a first-year student might write them."""

import math

import numpy as np
import torch

from helpers import thermometer
from helpers.checks.symptoms import COARSE, NONE, SHAPE, SIGN, SUM, TOUCHED, TWO

T_U = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]
MEAN_OF_SQUARES = sum(u * u for u in T_U) / 11

# --- 1.1 ---


def loss_by_loop(t_p, t_c):
    total = 0.0
    for p, c in zip(t_p, t_c):
        total = total + (p - c) ** 2
    return total / len(t_p)


def loss_by_product(t_p, t_c):
    gap = t_c - t_p
    return torch.mean(gap * gap)


def loss_in_place(t_p, t_c):
    t_p -= t_c
    return (t_p**2).mean()


def loss_prints(t_p, t_c):
    print(((t_p - t_c) ** 2).mean())


def loss_of_one_day(t_p, t_c):
    for p, c in zip(t_p, t_c):
        return (p - c) ** 2


def loss_by_loop_over_a_list(t_p, t_c):
    s = 0.0
    for p, c in zip(t_p.tolist(), t_c.tolist()):
        s += (p - c) ** 2
    return torch.tensor(s / len(t_p))


# --- 1.2 ---


def slope_in_steps(f, x, h=1e-5):
    right = f(x + h)
    left = f(x - h)
    return (right - left) / (2 * h)


def slope_as_mean_of_two(f, x, h=1e-5):
    return (f(x + h) / h - f(x - h) / h) / 2


def slope_with_step_inside(f, x, h=1e-5):
    h = 1e-5
    return (f(x + h) - f(x - h)) / (2 * h)


def slope_with_tiny_step(f, x, h=1e-5):
    tiny = 1e-12
    return (f(x + tiny) - f(x - tiny)) / (2 * tiny)


def slope_in_float32(f, x, h=1e-5):
    x = torch.tensor(x)
    return (f((x + h).item()) - f((x - h).item())) / (2 * h)


def slope_from_four(f, x, h=1e-5):
    forward = (f(x + h) - f(x)) / h
    backward = (f(x) - f(x - h)) / h
    return (forward + backward) / 2


def slope_without_return(f, x, h=1e-5):
    slope = (f(x + h) - f(x - h)) / (2 * h)  # noqa: F841


# --- 1.3 ---


def gradient_with_torch_tensor(t_u, t_c, w, b):
    gap = w * t_u + b - t_c
    return torch.tensor([(2 * gap * t_u).mean(), (2 * gap).mean()])


def gradient_by_loop(t_u, t_c, w, b):
    dw = db = 0.0
    for u, c in zip(t_u, t_c):
        dw = dw + 2 * (w * u + b - c) * u / len(t_u)
        db = db + 2 * (w * u + b - c) / len(t_u)
    return torch.stack((dw, db))


def gradient_by_matrix(t_u, t_c, w, b):
    x = torch.stack([t_u, torch.ones_like(t_u)])
    return 2 * x @ (w * t_u + b - t_c) / t_u.numel()


def gradient_from_two(dw, db):
    def answer(t_u, t_c, w, b):
        t_p = t_u * w + b
        return torch.stack([dw(t_p, t_u, t_c), db(t_p, t_u, t_c)])

    return answer


def right_dw(p, u, c):
    return torch.mean(2 * (p - c) * u)


def right_db(p, u, c):
    return torch.mean(2 * (p - c))


def measured_gradient(t_u, t_c, w, b):
    h = 1e-3
    loss = lambda w, b: ((w * t_u.float() + b - t_c.float()) ** 2).mean()
    dw = (loss(w + h, b) - loss(w - h, b)) / (2 * h)
    db = (loss(w, b + h) - loss(w, b - h)) / (2 * h)
    return torch.stack([dw, db])


def measured_in_float64(t_u, t_c, w, b):
    h = 1e-5
    loss = lambda w, b: ((w * t_u + b - t_c) ** 2).mean()
    dw = (loss(w + h, b) - loss(w - h, b)) / (2 * h)
    db = (loss(w, b + h) - loss(w, b - h)) / (2 * h)
    return torch.stack([dw, db])


def gradient_of_the_course_data(t_u, t_c, w, b):
    return torch.tensor([4517.2964, 82.6])


def gradient_at_the_start(t_u, t_c, w, b):
    diff = t_u - t_c
    return torch.stack([(2 * diff * t_u).mean(), (2 * diff).mean()])


def gradient_as_tuple(t_u, t_c, w, b):
    diff = w * t_u + b - t_c
    return (2 * diff * t_u).mean(), (2 * diff).mean()


def gradient_per_reading(t_u, t_c, w, b):
    diff = w * t_u + b - t_c
    return torch.stack([2 * diff * t_u, 2 * diff])


def gradient_changes_t_u(t_u, t_c, w, b):
    diff = w * t_u + b - t_c
    db = (2 * diff).mean()
    t_u *= 2 * diff
    return torch.stack([t_u.mean(), db])


# --- 1.5 ---


def trains_with_tensor(n_epochs, lr, w, b, t_u, t_c):
    params = torch.tensor([w, b], dtype=t_u.dtype)
    for _ in range(n_epochs):
        diff = params[0] * t_u + params[1] - t_c
        params = params - lr * torch.stack([(2 * diff * t_u).mean(), (2 * diff).mean()])
    return params


def trains_in_place(n_epochs, lr, w, b, t_u, t_c):
    epoch = 0
    while epoch < n_epochs:
        diff = t_c - (w * t_u + b)
        w, b = w + lr * 2 * (diff * t_u).mean(), b + lr * 2 * diff.mean()
        epoch += 1
    return [w, b]


def trains_as_floats(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        old_w = w
        w -= lr * (2 * (old_w * t_u + b - t_c) * t_u).mean().item()
        b -= lr * (2 * (old_w * t_u + b - t_c)).mean().item()
    return w, b


def untouched_bug(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        dw = (2 * (w * t_u + b - t_c) * t_u).mean()
        w = w + lr * dw
        db = (2 * (w * t_u + b - t_c)).mean()
        b = b + lr * db
    return w, b


def only_the_sign_mended(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        w = w - lr * (2 * (w * t_u + b - t_c) * t_u).mean()
        b = b - lr * (2 * (w * t_u + b - t_c)).mean()
    return w, b


def only_the_order_mended(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w = w + lr * (2 * diff * t_u).mean()
        b = b + lr * (2 * diff).mean()
    return w, b


def gradient_before_the_loop(n_epochs, lr, w, b, t_u, t_c):
    diff = w * t_u + b - t_c
    for _ in range(n_epochs):
        w = w - lr * (2 * diff * t_u).mean()
        b = b - lr * (2 * diff).mean()
    return w, b


def own_rate(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w = w - 0.01 * (2 * diff * t_u).mean()
        b = b - 0.01 * (2 * diff).mean()
    return w, b


def one_too_many(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs + 1):
        diff = w * t_u + b - t_c
        w = w - lr * (2 * diff * t_u).mean()
        b = b - lr * (2 * diff).mean()
    return w, b


def stops_after_one(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w = w - lr * (2 * diff * t_u).mean()
        b = b - lr * (2 * diff).mean()
        break
    return w, b


def return_inside(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w = w - lr * (2 * diff * t_u).mean()
        b = b - lr * (2 * diff).mean()
        return w, b


def only_w(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        w = w - lr * (2 * (w * t_u + b - t_c) * t_u).mean()
    return w, b


def returns_loss(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w, b = w - lr * (2 * diff * t_u).mean(), b - lr * (2 * diff).mean()
    return ((w * t_u + b - t_c) ** 2).mean()


def divides_again(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w = w - lr * (2 * diff * t_u).mean() / len(t_u)
        b = b - lr * (2 * diff).mean() / len(t_u)
    return w, b


def sums(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w, b = w - lr * (2 * diff * t_u).sum(), b - lr * (2 * diff).sum()
    return w, b


def without_two(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w, b = w - lr * (diff * t_u).mean(), b - lr * diff.mean()
    return w, b


def forgets_to_assign(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w - lr * (2 * diff * t_u).mean()
        b - lr * (2 * diff).mean()
    return w, b


# --- 1.6 ---


def raw_by_two_points(w_z, b_z, mean, std):
    at_zero = w_z * (0 - mean) / std + b_z
    at_one = w_z * (1 - mean) / std + b_z
    return at_one - at_zero, at_zero


def raw_as_list(w_z, b_z, mean, std):
    return [w_z / std, -(mean / std) * w_z + b_z]


def raw_as_tensor(w_z, b_z, mean, std):
    w = torch.tensor(w_z, dtype=torch.float64) / std
    return torch.stack([w, b_z - w * mean])


def measured_from_both_sides(t_u, t_c, w, b, h=0.1):
    def loss(w, b):
        return ((w * t_u + b - t_c) ** 2).mean()

    return torch.stack([(loss(w + h, b) - loss(w - h, b)) / (2 * h), (loss(w, b + h) - loss(w, b - h)) / (2 * h)])


def only_one_sign_mended(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        w = w - lr * (2 * (w * t_u + b - t_c) * t_u).mean()
        b = b + lr * (2 * (w * t_u + b - t_c)).mean()
    return w, b


def trains_without_mean(n_epochs, lr, w, b, t_u, t_c):
    for _ in range(n_epochs):
        diff = w * t_u + b - t_c
        w, b = w - lr * 2 * diff * t_u, b - lr * 2 * diff
    return w, b


def trains_for_ever(n_epochs, lr, w, b, t_u, t_c):
    while n_epochs > -1:
        w = w - 0 * lr
    return w, b


RIGHT = {
    "1.1": [
        loss_by_loop,
        loss_by_product,
        torch.nn.functional.mse_loss,
        lambda t_p, t_c: (t_p - t_c).pow(2).sum() / t_p.numel(),
    ],
    "1.2": [slope_in_steps, slope_as_mean_of_two, lambda f, x, h=1e-5: 0.5 * (f(x + h) - f(x - h)) / h],
    "1.3": [gradient_with_torch_tensor, gradient_by_loop, gradient_by_matrix],
    "1.4": [1 / MEAN_OF_SQUARES, 3.4e-4, torch.tensor(3.4004e-4), np.float64(0.00034)],
    "1.5": [trains_with_tensor, trains_in_place, trains_as_floats],
    "1.6": [raw_by_two_points, raw_as_list, raw_as_tensor, lambda *a: np.array(raw_as_list(*a))],
}

WRONG = {
    "1.1": [
        (lambda t_p, t_c: torch.sum((t_p - t_c) ** 2), SUM),
        (lambda t_p, t_c: torch.abs(t_p - t_c).mean(), "it should quadruple"),
        (lambda t_p, t_c: (t_p - t_c).mean().pow(2), "cancel in your loss"),
        (lambda t_p, t_c: (t_p - t_c).mean(), "cancel in your loss"),
        (lambda t_p, t_c: torch.sqrt(((t_p - t_c) ** 2).mean()), "Your value squared"),
        (lambda t_p, t_c: (t_p * t_p).mean() - (t_c * t_c).mean(), "Adding 1 to prediction and target"),
        (lambda t_p, t_c: 0.5 * torch.mean((t_p - t_c) ** 2), "Exactly half"),
        (lambda t_p, t_c: (t_p - t_c) ** 2, "A loss is one number"),
        (lambda t_p, t_c: sum((p - c) ** 2 for p, c in zip(t_p, t_c)) / 11, "Right for eleven readings only"),
        (lambda t_p, t_c: float(((t_p - t_c) ** 2).mean()), "A Python number cannot be differentiated later"),
        (loss_by_loop_over_a_list, "take the mean of the tensor itself"),
        (loss_in_place, TOUCHED),
        (loss_prints, NONE),
        (loss_of_one_day, None),
        (lambda t_p, t_c: torch.tensor(1763.8848), None),
        (lambda t_p, t_c: ((t_p - t_c) ** 2).mean().detach(), "taken out of the calculation"),
        (lambda t_p, t_c: ((t_p - t_c) ** 2).mean(dim=0, keepdim=True), "a number alone"),
        (lambda t_p, t_c: -((t_p - t_c) ** 2).mean(), "never negative"),
    ],
    "1.2": [
        (lambda f, x, h=1e-5: f(x + h) / h - f(x) / h, "you only look to one side"),
        (lambda f, x, h=1e-5: (f(x + h) - f(x - h)) / h, "how far apart are your two points"),
        (lambda f, x, h=1e-5: -(f(x - h) - f(x)) / h, "One side only, the left one"),
        (lambda f, x, h=1e-5: (f(x - h) - f(x + h)) / (2 * h), "You subtract right from left."),
        (lambda f, x, h=1e-5: (f(1 + h) - f(1 - h)) / (2 * h), "x is not used"),
        (lambda f, x, h=1e-5: (f(h) - f(-h)) / (2 * h), "x is not used"),
        (lambda f, x, h=1e-5: (f(x + h) + f(x - h)) / (2 * h), "A rise is a difference"),
        (lambda f, x, h=1e-5: f(x + h) - f(x - h), "a rise, not a slope"),
        (slope_with_step_inside, "the argument is not used"),
        (slope_with_tiny_step, "divided by your tiny h"),
        (lambda f, x, h=1e-5: math.fabs(f(x + h) - f(x - h)) / (2 * h), "A falling function"),
        (slope_in_float32, COARSE),
        (lambda f, x, h=1e-5: (f(x + h) - f(x - h)) / 2 * h, "in parentheses"),
        (lambda f, x, h=1e-5: f(x + h) - f(x - h) / (2 * h), "put the difference in parentheses"),
        (slope_from_four, "evaluated twice"),
        (slope_without_return, NONE),
        (lambda f, x, h=1e-5: math.cos(x), "evaluated twice"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h), "`h` needs its default"),
        (lambda f, x: (f(x + 1e-5) - f(x - 1e-5)) / 2e-5, "The step is the third argument"),
        (lambda f, x, h=1e-3: (f(x + h) - f(x - h)) / (2 * h), "the default is to be 1e-5"),
        (lambda f, x, h=1e-5: (f(x + 2 * h) - f(x - 2 * h)) / (4 * h), "asks for other points"),
        (lambda f, x, h=1e-5: torch.tensor((f(x + h) - f(x - h)) / (2 * h)), "keeps 7 digits only"),
        (lambda f, x, h=1e-5: (f(x + h / 2) - f(x - h / 2)) / h, "points h/2 away"),
    ],
    "1.3": [
        (gradient_from_two(lambda p, u, c: (2 * (p - c) * u).sum(), lambda p, u, c: (2 * (p - c)).sum()), SUM),
        (gradient_from_two(lambda p, u, c: ((p - c) * u).mean(), lambda p, u, c: (p - c).mean()), TWO),
        (gradient_from_two(lambda p, u, c: (2 * (c - p) * u).mean(), lambda p, u, c: (2 * (c - p)).mean()), SIGN),
        (gradient_from_two(right_db, right_db), "where does `t_u` enter"),
        (gradient_from_two(right_dw, right_dw), "b is not"),
        (gradient_from_two(right_db, right_dw), "exchanged"),
        (gradient_from_two(lambda p, u, c: (2 * (p - c)).mean() * u.mean(), right_db), "A product of means"),
        (gradient_from_two(lambda p, u, c: (2 * (p - c) * c).mean(), right_db), "is not t_c"),
        (measured_gradient, COARSE),
        (measured_in_float64, COARSE),
        (gradient_at_the_start, "Right at the start point only"),
        (gradient_of_the_course_data, "The same answer for every input"),
        (gradient_as_tuple, "torch.stack"),
        (lambda *a: gradient_by_matrix(*a).numpy(), "torch.stack"),
        (lambda *a: gradient_by_matrix(*a).reshape(2, 1), SHAPE),
        (measured_from_both_sides, COARSE),
        (gradient_per_reading, "One slope for each reading"),
        (gradient_changes_t_u, TOUCHED),
        (gradient_from_two(right_dw, lambda p, u, c: (2 * (p - c)).sum()), "the mean belongs to both"),
        (gradient_from_two(right_dw, lambda p, u, c: (p - c).mean()), "dL/db is half of what is due"),
        (gradient_from_two(lambda p, u, c: ((p - c) * u).mean(), right_db), "dL/dw is half of what is due"),
        (gradient_from_two(right_dw, lambda p, u, c: (2 * (p - c)).mean() + 1), "dL/dw is right, dL/db is not"),
        (
            gradient_from_two(lambda p, u, c: (2 * (p - c) ** 2 * u).mean(), lambda p, u, c: (2 * (p - c) ** 2).mean()),
            "quadratic in the error",
        ),
        (gradient_from_two(lambda p, u, c: (2 * (p - c) ** 2 * u).mean(), right_db), "quadratic in the error"),
        (gradient_from_two(lambda p, u, c: (2 * (p - c) * u**2).mean(), right_db), "dL/db is right, dL/dw is not"),
        (
            gradient_from_two(lambda p, u, c: (2 * (p - c) * u).sum() / 11, lambda p, u, c: (2 * (p - c)).sum() / 11),
            "eleven",
        ),
        (lambda t_u, t_c, w, b: ((w * t_u + b - t_c) ** 2).mean(), "one entry for each parameter"),
    ],
    "1.4": [
        (1.70e-4, "the step that lands in the minimum"),
        (0.0340, "That is for `t_un`"),
        (0.019305, "not of their squares"),
        (3.7268e-4, "loses the spread"),
        (1e-2, "inf in epoch 11"),
        (1.0, "standardised"),
        (3.0913e-5, "the loss is a mean"),
        (torch.tensor(5881.5967), "k itself"),
        (4.4274e-4, "the gradient at the start"),
        (MEAN_OF_SQUARES, "half of k"),
        (6.8009e-4, "Twice the limit"),
        (3.5e-4, "the steps grow already"),
        ("3.4e-4", "A text"),
        (None, "None came"),
        (0.5, None),
    ],
    "1.5": [
        (untouched_bug, "you walk uphill"),
        (only_the_order_mended, "you walk uphill"),
        (only_the_sign_mended, "b saw the new w"),
        (only_one_sign_mended, "w walks downhill, b uphill. And b saw the new w."),
        (trains_without_mean, "is the mean missing?"),
        (trains_for_ever, "a loop that never ends"),
        (gradient_before_the_loop, "you repeat the first step"),
        (own_rate, "lr = 0 still moves"),
        (one_too_many, "n_epochs = 0 must return"),
        (stops_after_one, "More epochs change nothing"),
        (return_inside, "More epochs change nothing"),
        (only_w, "b never moves"),
        (returns_loss, "you return the loss"),
        (lambda *a: trains_as_floats(*a)[0], "and one came"),
        (divides_again, "N times too short"),
        (sums, "N times too long"),
        (without_two, "half as long"),
        (forgets_to_assign, "not kept"),
        (lambda n_epochs, lr, w, b, t_u, t_c: trains_as_floats(n_epochs, lr, w, b, t_u, t_c)[::-1], "w first"),
        (lambda n_epochs, lr, w, b, t_u, t_c: trains_as_floats(n_epochs, lr, 1.0, 0.0, t_u, t_c), None),
    ],
    "1.6": [
        (lambda w_z, b_z, mean, std: (w_z / std, b_z), "at t_u = mean your line is off"),
        (lambda w_z, b_z, mean, std: (w_z * std, b_z - w_z * std * mean), "std the wrong way round"),
        (lambda w_z, b_z, mean, std: (w_z * std, b_z + mean), "std the wrong way round"),
        (lambda w_z, b_z, mean, std: (w_z * std, b_z - mean), "std the wrong way round"),
        (lambda w_z, b_z, mean, std: (w_z * std, b_z - w_z / std * mean), "std the wrong way round"),
        (lambda w_z, b_z, mean, std: (w_z / std, b_z + w_z * mean / std), "The shift has the wrong sign"),
        (lambda w_z, b_z, mean, std: (w_z / std, b_z - w_z * mean), "slope of the normalised line"),
        (lambda w_z, b_z, mean, std: (w_z, b_z - w_z * mean / std), "Slope per standard deviation"),
        (lambda w_z, b_z, mean, std: (0.1 * w_z, b_z), "That is the `t_un` case"),
        (lambda w_z, b_z, mean, std: raw_as_list(w_z, b_z, mean, std)[::-1], "w first"),
        (lambda w_z, b_z, mean, std: (w_z / std, (b_z - w_z * mean / std) / std), "already in °C"),
        (lambda w_z, b_z, mean, std: (w_z / std, b_z / std), "already in °C"),
        (lambda w_z, b_z, mean, std: w_z / std, "Two numbers are due"),
        (lambda w_z, b_z, mean, std: (0.5368, -17.3048), "The same answer for every input"),
        (lambda w_z, b_z, mean, std: (w_z / std, b_z - mean), "multiply the mean by the slope"),
        (lambda w_z, b_z, mean, std: (w_z / std, 0.0), "w is right, b is not"),
        (lambda w_z, b_z, mean, std: print(w_z / std, b_z - w_z / std * mean), NONE),
        (lambda w_z, b_z, mean, std: thermometer.train(5000, 1e-2, thermometer.t_un, thermometer.t_c)[0], None),
    ],
}
