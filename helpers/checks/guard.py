"""Run a student's answer where it can do no harm: in a forked copy of this process that ends within seconds.

The copy has everything that the answer may need (its globals, the imported modules), and whatever the answer does to
it (changed variables, grad mode, random state, an endless loop, `sys.exit`) is gone when the copy ends. What the
answer did comes back as text (JSON), never as objects, so that nothing of the answer's runs in this process.
"""

import contextlib
import gc
import io
import json
import os
import select
import signal
import sys
import threading
import time
import warnings
from functools import cache

MEMORY = 2 * 2**30  # bytes that an answer may allocate on top of what the process has
PRINTED = 2000  # characters of what the answer printed that are kept

sealed = False  # True in the forked copy: the list of exercises, with its references, is closed there


def observe(probe, answer, seconds):
    """Run `probe(answer)`, a generator of records, in a forked copy for at most `seconds`.

    Returns `(records, end, printed)`: the records that came, how it ended ("done", "timeout", "died", or the text of
    an exception in the probe itself), and the text that the answer printed.
    """
    if not hasattr(os, "fork"):
        return _observe_in_process(probe, answer, seconds)
    readable, writable = os.pipe()
    sys.stdout.flush()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python 3.12 warns of threads; the copy uses none of the parent's
        pid = os.fork()
    if pid == 0:
        os.close(readable)
        _in_the_copy(probe, answer, writable)
    os.close(writable)
    try:
        text, timed_out = _read_until(readable, time.monotonic() + seconds)
    finally:
        os.close(readable)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    return _parse(text, "timeout" if timed_out else "died")


@cache
def load_cotangents():
    """PyTorch's first walk from a given gradient imports for half a second: once here, for exercises whose answers give one."""
    torch = sys.modules["torch"]
    x = torch.ones(1, requires_grad=True)
    with torch.enable_grad():
        torch.autograd.grad(x * 1, x, torch.ones(1))


@cache
def load_optimizers():
    """PyTorch's first optimizer imports for seconds: once here, for exercises whose answers make one."""
    torch = sys.modules["torch"]
    torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=1.0)


def _read_until(fd, deadline):
    """All bytes from `fd` until it is closed, and whether the deadline came first."""
    parts = []
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([fd], [], [], left)[0]:
            return b"".join(parts), True
        part = os.read(fd, 1 << 16)
        if not part:
            return b"".join(parts), False
        parts.append(part)


def _parse(text, end):
    records, printed = [], ""
    for line in text.splitlines():
        try:
            kind, value = json.loads(line)
        except ValueError:
            continue  # a line that the deadline cut
        if kind == "record":
            records.append(value)
        elif kind == "end":
            end, printed = value
    return records, end, printed


def _in_the_copy(probe, answer, fd):
    """Never returns. The answer runs in a fresh thread, whose stack holds none of the caller's frames."""
    global sealed
    sealed = True
    try:
        _limit_memory()
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        gc.disable()  # collecting would touch, and so copy, the parent's pages
        _one_thread()
        threading.stack_size(64 * 2**20)
        thread = threading.Thread(target=_report, args=(probe, answer, fd))
        thread.start()
        thread.join()
    finally:
        os._exit(0)


def _report(probe, answer, fd):
    write = os.write
    dumps = json.dumps

    def send(kind, value):
        data = (dumps([kind, value]) + "\n").encode()
        while data:
            data = data[write(fd, data) :]

    printed = io.StringIO()
    end = "done"
    with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for record in probe(answer):
                send("record", record)
        except BaseException as error:  # sys.exit and KeyboardInterrupt included: the copy must report them
            end = f"{type(error).__name__}: {error}"
    send("end", [end, printed.getvalue()[:PRINTED]])


def _limit_memory():
    try:
        import resource

        with open("/proc/self/statm") as f:
            used = int(f.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    except (ImportError, OSError, ValueError):
        pass  # no such limit on this system: the time limit still holds


def _one_thread():
    """A thread pool of the parent does not survive the fork: an operation that asks for it would wait for ever."""
    torch = sys.modules.get("torch")
    if torch is not None and hasattr(torch, "set_num_threads"):
        torch.set_num_threads(1)


def _observe_in_process(probe, answer, seconds):
    """Where there is no fork (Windows): a thread of this process, left behind when it does not end in time."""
    lines = []
    printed = io.StringIO()
    end = ["timeout"]

    def work():
        try:
            for record in probe(answer):
                lines.append(json.loads(json.dumps(record)))
            end[0] = "done"
        except BaseException as error:
            end[0] = f"{type(error).__name__}: {error}"

    torch = sys.modules.get("torch")
    state = torch.get_rng_state() if torch is not None else None
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        thread.join(seconds)
    if state is not None:
        torch.set_rng_state(state)
    return list(lines), end[0], printed.getvalue()[:PRINTED]
