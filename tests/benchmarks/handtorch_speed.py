"""How fast handtorch is, beside PyTorch: `python tests/benchmarks/handtorch_speed.py` prints a table.

Both sides run pinned to one thread, in turns within one process, so that whatever else the machine does hits both; the
ratio is the median of the turns. A process that starts elsewhere in memory may be a tenth faster or slower on either side,
so five are asked, and the median of their ratios counts. `--quick` asks one, for a tenth of the epochs; `--once` prints what
this process finds. The exit status is 1 if a target is missed.
"""

import os

os.environ["OPENBLAS_NUM_THREADS"] = os.environ["OMP_NUM_THREADS"] = os.environ["MKL_NUM_THREADS"] = "1"

import gc  # noqa: E402 (the number of threads is read when NumPy is imported)
import json  # noqa: E402
import statistics  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import time  # noqa: E402
import tracemalloc  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402

import helpers.handtorch as hand  # noqa: E402

torch.set_num_threads(1)

TURNS, PROCESSES = 7, 5
# The running example of the course: degrees Celsius, and what the thermometer showed for them.
CELSIUS = [0.5, 14.0, 15.0, 28.0, 11.0, 8.0, 3.0, -4.0, 6.0, 13.0, 21.0]
UNKNOWN = [35.7, 55.9, 58.2, 81.9, 56.3, 48.9, 33.9, 21.8, 48.4, 60.4, 68.4]


def thermometer(T, epochs, make_optimizer=None):
    """The training loop of the course, by hand or with an optimizer; returns the parameters."""
    t_c, t_u = T.tensor(CELSIUS), 0.1 * T.tensor(UNKNOWN)
    params = T.tensor([1.0, 0.0], requires_grad=True)
    optimizer = make_optimizer(T, params) if make_optimizer else None
    for _ in range(epochs):
        if optimizer is not None:
            optimizer.zero_grad()
        elif params.grad is not None:
            params.grad.zero_()
        w, b = params
        loss = ((w * t_u + b - t_c) ** 2).mean()
        loss.backward()
        if optimizer is not None:
            optimizer.step()
        else:
            with T.no_grad():
                params -= 1e-2 * params.grad
    return params


def adam(T, params):
    return T.optim.Adam([params], lr=0.1)


def sgd(T, params):
    return T.optim.SGD([params], lr=1e-2)


def classifier(T, batches):
    """A 64-32-10 network of the course's size, in batches of 32; returns its first weights."""
    rng = np.random.default_rng(0)
    x = T.tensor(rng.random((32 * 50, 64)).astype(np.float32))
    y = T.tensor(rng.integers(0, 10, 32 * 50))
    T.manual_seed(0)
    model = T.nn.Sequential(T.nn.Linear(64, 32), T.nn.ReLU(), T.nn.Linear(32, 10))
    loss_fn = T.nn.CrossEntropyLoss()
    optimizer = T.optim.SGD(model.parameters(), lr=0.1)
    for i in range(batches):
        part = slice(32 * (i % 50), 32 * (i % 50 + 1))
        loss = loss_fn(model(x[part]), y[part])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model[0].weight


def chain(T, times):
    """Fifty operations on a million numbers, forward and backward; returns the gradient."""
    x = T.tensor(np.random.default_rng(0).random((1000, 1000)).astype(np.float32), requires_grad=True)
    for _ in range(times):
        x.grad = None
        y = x
        for _ in range(10):
            y = (((y * x) + x).relu() - 0.1) / 1.1
        y.sum().backward()
    return x.grad


CASES = [
    ("thermometer loop, by hand", 500, 0.8, thermometer),
    ("thermometer loop, SGD", 500, 0.8, lambda T, n: thermometer(T, n, sgd)),
    ("thermometer loop, Adam", 500, 0.8, lambda T, n: thermometer(T, n, adam)),
    ("64-32-10 classifier, batches of 32", 100, 0.8, classifier),
    ("50 operations on 1000 x 1000", 1, 1.5, chain),
]


def seconds(run, T, n):
    gc.collect()
    start = time.perf_counter()
    run(T, n)
    return time.perf_counter() - start


def compare(run, n):
    """The medians of the two times, PyTorch's first, and the median of the ratios turn by turn."""
    for T in (torch, hand):
        np.testing.assert_allclose(run(T, n).tolist(), run(torch, n).tolist(), rtol=1e-2, atol=1e-3)
    turns = [(seconds(run, torch, n), seconds(run, hand, n)) for _ in range(TURNS)]
    theirs, ours = (statistics.median(times) for times in zip(*turns, strict=True))
    return theirs, ours, statistics.median(b / a for a, b in turns)


def growth(epochs):
    """By how many bytes the memory that Python holds grows from the first tenth of a loop to its end."""
    thermometer(hand, 50, adam)
    sizes = []
    tracemalloc.start()
    t_c, t_u = hand.tensor(CELSIUS), 0.1 * hand.tensor(UNKNOWN)
    params = hand.tensor([1.0, 0.0], requires_grad=True)
    optimizer = adam(hand, params)
    for epoch in range(epochs):
        optimizer.zero_grad()
        loss = ((params[0] * t_u + params[1] - t_c) ** 2).mean()
        loss.backward()
        optimizer.step()
        if epoch in (epochs // 10, epochs - 1):
            sizes.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    return sizes[1] - sizes[0]


def measure(scale):
    """The times and the ratio of each case, in milliseconds, and the growth of memory, as this process finds them."""
    cases = [compare(run, max(1, int(n * scale))) for _, n, _, run in CASES]
    return {
        "cases": [(1e3 * theirs, 1e3 * ours, ratio) for theirs, ours, ratio in cases],
        "growth": growth(int(5000 * scale)),
    }


def main() -> int:
    scale = 0.1 if "--quick" in sys.argv else 1
    if "--once" in sys.argv:
        print(json.dumps(measure(scale)))
        return 0
    found, processes = [], 1 if scale < 1 else PROCESSES
    for number in range(processes):
        print(f"process {number + 1} of {processes}", file=sys.stderr)
        command = [sys.executable, __file__, "--once", *sys.argv[1:]]
        found.append(json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout))
    missed = 0
    print(f"{'one thread each':<36} {'PyTorch':>10} {'handtorch':>10} {'ratio':>7} {'from':>6} {'to':>6} {'target':>7}")
    for i, (name, _, target, _) in enumerate(CASES):
        theirs, ours, ratios = zip(*(one["cases"][i] for one in found), strict=True)
        ratio = statistics.median(ratios)
        missed += ratio > target
        print(
            f"{name:<36} {statistics.median(theirs):>7.1f} ms {statistics.median(ours):>7.1f} ms {ratio:>7.2f} "
            f"{min(ratios):>6.2f} {max(ratios):>6.2f} {'<= ' + str(target):>7}"
        )
    grown = max(one["growth"] for one in found)
    missed += grown > 10_000
    print(f"memory of a loop of {int(5000 * scale)} epochs grows by {grown} bytes (target: no more than 10000)")
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main())
