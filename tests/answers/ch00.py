"""Answers to chapter 0's exercises, right and wrong, as a first-year student might write them."""

import numpy as np
import torch

from helpers.checks.symptoms import NONE, TOUCHED


def by_loop(readings):
    total = 0.0
    for reading in readings:
        total += reading
    return total / len(readings)


def prints(readings):
    print(sum(readings) / len(readings))


def sorts_first(readings):
    readings.sort()
    return sum(readings) / len(readings)


def returns_early(readings):
    total = 0.0
    for reading in readings:
        total += reading
        return total / len(readings)


def over_count_minus_one(readings):
    n = len(readings) - 1
    return sum(readings) / n


def calls_itself(readings):
    return calls_itself(readings)


RIGHT = {
    "0.1": [-4.0, -4, torch.tensor(-4.0), np.float64(-4.0), np.float32(-4.0)],
    "0.2": [
        by_loop,
        lambda readings: float(np.mean(readings)),
        lambda r: torch.tensor(r, dtype=torch.float64).mean().item(),
        lambda r: sum(x / len(r) for x in r),
        lambda r: torch.tensor(r).mean().item(),
    ],
}

WRONG = {
    "0.1": [
        (28.0, "That is the warmest."),
        (21.8, "not °C"),
        (4.0, "The sign is lost."),
        (0.5, "the first reading"),
        (7, "where it stands"),
        ("-4.0", "A text, not a number"),
        ([0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0], "one is asked for"),
        (10.5, "That is the mean."),
        (None, "None came"),
        (115.5, "That is the sum."),
        (11, "how many there are"),
        (True, None),
    ],
    "0.2": [
        (sum, "a mean does not grow"),
        (lambda r: sum(r) / 11, "wrong for three"),
        (over_count_minus_one, "one less than the number"),
        (
            lambda r: (
                sorted(r)[len(r) // 2] if len(r) % 2 else (sorted(r)[len(r) // 2 - 1] + sorted(r)[len(r) // 2]) / 2
            ),
            "the extremes",
        ),
        (lambda r: (max(r) + min(r)) / 2.0, "Only two readings"),
        (lambda r: sum(r) // len(r), "The fraction is gone."),
        (lambda r: int(sum(r) / len(r)), "The fraction is gone."),
        (sorts_first, TOUCHED.replace("tensor", "list")),
        (prints, NONE),
        (lambda r: sum(abs(x) for x in r) / len(r), "Negative readings"),
        (returns_early, "is `return` inside the loop?"),
        (lambda r: sum(set(r)) / len(set(r)), "counts twice"),
        (lambda r: sum(r) / (len(r) + 1), "one more than the number"),
        (lambda r: sum(r[k] for k in range(1, len(r))) / len(r), "indices start at 0"),
        (lambda r: sum(r[k] for k in range(len(r) - 1)) / len(r), "ends at n - 1"),
        (calls_itself, "calls itself without an end"),
        (lambda r: 10.5, "The same answer for every list"),
    ],
}
