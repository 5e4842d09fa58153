"""Set the course up and start it: `make lab` and `make test` are `python -m helpers.workshop lab` and `... test`.

The environment lies in .venv/ and is made where it is missing or where requirements.txt has changed. A working copy of each
student notebook is laid into work/ and never overwritten. Runs on any Python 3 far enough to say which one is needed,
so this file uses the standard library and old syntax only.
"""

import argparse
import hashlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
WORK = ROOT / "work"
NOTEBOOKS = ROOT / "notebooks"
VERSIONS = ".versions.json"  # in work/: which edition each working copy was laid from
OLDEST, NEWEST = (3, 11), (3, 13)
SPACE = 4 * 10**9  # bytes: the environment and what pip needs while it makes it


class Problem(Exception):
    """Something that the reader has to mend; the message is one line and says how."""


# --- the environment -----------------------------------------------------------------------------------------


def interpreter():
    """A Python that the course runs on: this one, or another on the PATH. Raises Problem where there is none."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which("python3.%d" % minor)
        if found:
            return found
    raise Problem(
        "Python %d.%d is too %s: install Python 3.11, 3.12 or 3.13 and run `make lab PYTHON=python3.12` with its name"
        % (sys.version_info[0], sys.version_info[1], "old" if sys.version_info[:2] < OLDEST else "new")
    )


def environment_python():
    """Where the environment's Python is, or will be. An active conda environment of the course serves as it is."""
    if os.environ.get("CONDA_DEFAULT_ENV") == "autograd-by-hand":
        return Path(sys.executable)
    return ENVIRONMENT / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def fingerprint():
    """What the environment has to be made anew for: the lock, and this file's way of making it."""
    return hashlib.sha256((ROOT / "requirements.txt").read_bytes()).hexdigest()


def make_environment():
    """The path of a Python with everything installed; makes the environment first where that is needed."""
    python = environment_python()
    stamp = ENVIRONMENT / "ready"
    if python.parent != ENVIRONMENT / "bin" and os.name != "nt":
        connect(python)
        return python
    if python.exists() and stamp.exists() and stamp.read_text() == fingerprint():
        return python
    base = interpreter()
    free = shutil.disk_usage(str(ROOT)).free
    if free < SPACE:
        raise Problem(
            "the disk is too full: %.1f GB are free here and the environment needs %.0f: make room and run the command again"
            % (free / 1e9, SPACE / 1e9)
        )
    if not python.exists():
        say("making the environment in .venv/ (once, some minutes)")
        made = subprocess.run([base, "-m", "venv", str(ENVIRONMENT)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if made.returncode:
            shutil.rmtree(str(ENVIRONMENT), ignore_errors=True)
            hint = (
                "on Debian and Ubuntu: apt-get install python3-venv"
                if b"ensurepip" in made.stdout
                else last_line(made.stdout)
            )
            raise Problem("Python cannot make an environment (%s)" % hint)
    install(python)
    connect(python)
    stamp.write_text(fingerprint())
    return python


def install(python):
    """pip install of the lock, with a line of progress. Raises Problem with the mend where it fails."""
    lock = ROOT / "requirements.txt"
    total = sum(1 for line in lock.read_text().splitlines() if "==" in line)
    command = [str(python), "-m", "pip", "install", "--disable-pip-version-check", "--no-input", "-r", str(lock)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, universal_newlines=True)
    lines, count, shown = [], 0, 0.0
    for line in process.stdout:
        lines.append(line)
        name = re.match(r"(?:Collecting|Requirement already satisfied:) ([A-Za-z0-9._-]+)", line)
        if name:
            count += 1
            if time.time() - shown > 2:
                shown = time.time()
                say("  %3d of about %d: %s" % (count, total, name.group(1)))
        elif line.startswith("Installing collected"):
            say("  unpacking %d packages" % count)
    if process.wait():
        raise Problem(reason("".join(lines)))


def reason(output):
    """What a failed pip says, in one line with its mend."""
    if "No space left" in output or "Errno 28" in output:
        return "the disk is full: make room (about %.0f GB) and run the command again" % (SPACE / 1e9)
    # pip that reaches no index may say no more than that it knows no version at all of what the lock pins.
    if re.search(r"NewConnectionError|Failed to establish|ConnectTimeout|name resolution|from versions: none", output):
        return "no network: the first run downloads the environment (about 1 GB): connect and run the command again"
    errors = [line for line in output.splitlines() if line.startswith("ERROR")]
    return "pip could not install the environment: %s" % (errors[0] if errors else last_line(output.encode()))


def last_line(output):
    lines = [line for line in output.decode(errors="replace").splitlines() if line.strip()]
    return lines[-1].strip() if lines else "no reason given"


def connect(python):
    """Let the environment find this checkout, and know the kernel `handtorch`; nothing lands in the user's home."""
    where = subprocess.run(
        [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib')); import sys; print(sys.prefix)"],
        stdout=subprocess.PIPE,
        universal_newlines=True,
    ).stdout.splitlines()
    (Path(where[0]) / "autograd_by_hand.pth").write_text(str(ROOT) + "\n")
    settings = Path(where[1]) / "share" / "jupyter" / "lab" / "settings"
    settings.mkdir(parents=True, exist_ok=True)
    quiet = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    (settings / "overrides.json").write_text(json.dumps(quiet, indent=1) + "\n")
    subprocess.run(
        [str(python), "-m", "helpers.handtorch", "--install-kernel"],
        cwd=str(ROOT),
        check=True,
        stdout=subprocess.DEVNULL,
    )


# --- the working copies --------------------------------------------------------------------------------------


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def laid(work):
    try:
        versions = json.loads((work / VERSIONS).read_text())
        return versions if isinstance(versions, dict) else {}
    except (OSError, ValueError):
        return {}


def write_whole(path, text):
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def lay_copies(notebooks=NOTEBOOKS, work=WORK):
    """Lay a copy of each notebook that work/ does not have; returns the names of those that exist in a newer edition."""
    work.mkdir(exist_ok=True)
    versions = laid(work)
    newer = []
    for source in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")):
        copy = work / source.name
        if not copy.exists():
            write_whole(copy, source.read_text(encoding="utf-8"))
            versions[source.name] = digest(source)
        elif versions.get(source.name) != digest(source):
            newer.append(source.stem)
    write_whole(work / VERSIONS, json.dumps(versions, indent=1, sort_keys=True))
    if not (work / ".progress.json").exists():
        write_whole(work / ".progress.json", "{}")
    return newer


def take(name, notebooks=NOTEBOOKS, work=WORK):
    """Take the newer edition of a chapter: the old copy is set aside whole, answers are carried over by cell.

    Returns the path that the old copy now has. Raises Problem for a name that no chapter has.
    """
    found = [p for p in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")) if p.stem.startswith(name)]
    if not name or len(found) != 1:
        known = ", ".join(p.stem for p in sorted(notebooks.glob("[0-9][0-9]_*.ipynb")))
        raise Problem("CHAPTER=%s names no single chapter: there are %s" % (name, known))
    source, copy = found[0], work / found[0].name
    new = json.loads(source.read_text(encoding="utf-8"))
    kept = None
    if copy.exists():
        try:
            carry_over(json.loads(copy.read_text(encoding="utf-8")), new)
        except ValueError:
            pass  # not a notebook any more: it is set aside as it is
        kept = aside(copy)
        copy.rename(kept)
    write_whole(copy, json.dumps(new, indent=1, ensure_ascii=False) + "\n")
    versions = laid(work)
    versions[source.name] = digest(source)
    write_whole(work / VERSIONS, json.dumps(versions, indent=1, sort_keys=True))
    return kept


def aside(copy):
    for k in range(1, 10000):
        path = copy.with_name("%s_mine_%d.ipynb" % (copy.stem, k))
        if not path.exists():
            return path
    raise Problem("work/ holds too many old copies of %s: delete some" % copy.stem)


def carry_over(old, new):
    """Put the student's answers into the new edition: the cells with nbgrader's mark for a solution, by their id."""
    answers = {cell.get("id"): cell.get("source") for cell in old.get("cells", [])}
    for cell in new["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("solution") and answers.get(cell["id"]) is not None:
            cell["source"] = answers[cell["id"]]


# --- the verbs -----------------------------------------------------------------------------------------------


def say(text):
    print(text, flush=True)


def free_port(wanted):
    """The port to serve on: the wanted one, else the next free one from 8888. Raises Problem where the wanted one is busy."""
    for port in [int(wanted)] if wanted else range(8888, 8988):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise Problem("port %s is in use: choose another, as in `make lab PORT=8900`" % (wanted or "8888 to 8987"))


def has_screen():
    return (
        os.name == "nt"
        or sys.platform == "darwin"
        or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    )


def lab(options):
    port = free_port(options.port)
    python = make_environment()
    newer = lay_copies()
    if newer:
        say("newer editions exist of: " + ", ".join(newer))
        say(
            "  yours stay as they are; `make take CHAPTER=%s` sets yours aside and carries your answers over" % newer[0]
        )
    token = os.urandom(16).hex()
    command = [str(python), "-m", "jupyterlab", "--ServerApp.ip=127.0.0.1", "--ServerApp.port=%d" % port, "--ServerApp.port_retries=0",
               "--IdentityProvider.token=%s" % token, "--LabApp.news_url=None", "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
               "--LabApp.extension_manager=readonly", "--ServerApp.root_dir=%s" % WORK, "--Application.log_level=ERROR"]  # fmt: skip
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    if not has_screen():
        command.append("--no-browser")
    start = "00_start_here.ipynb"
    say("JupyterLab: http://127.0.0.1:%d/lab/tree/%s?token=%s" % (port, start, token))
    say("  your notebooks are in work/; stop with Ctrl+C")
    if has_screen():
        command.append("--LabApp.default_url=/lab/tree/%s" % start)
    try:
        return subprocess.run(command, cwd=str(WORK)).returncode
    except KeyboardInterrupt:
        return 0


def test(options):
    python = make_environment()
    environment = dict(
        os.environ,
        OMP_NUM_THREADS="1",
        OPENBLAS_NUM_THREADS="1",
        PYTHONPATH=os.pathsep.join([str(ROOT / "tests" / "offline"), str(ROOT)]),
    )
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # some two hundred processes would compile the same modules
    nbval = [
        "-p",
        "tests.nbval_plugin",
        "--nbval",
        "--nbval-cell-timeout=60",
        "--nbval-sanitize-with=tests/sanitize.cfg",
    ]
    two = ["-n", "2", "--dist"]  # loadfile: the cells of a notebook stay together; loadgroup: see tests/conftest.py
    # Student notebooks have no outputs to compare; that they run is seen in JupyterLab, or here if there is no browser.
    students = [] if shutil.which("chromium") or shutil.which("google-chrome") else ["notebooks"]
    references = sorted(p for p in (ROOT / "solutions").glob("*.ipynb") if not p.name.startswith("11_"))
    runs = [
        ("the package, the editions, the checks and the browser", two + ["loadgroup", "tests"]),
        (
            "every output of every notebook",
            two + ["loadfile"] + nbval + ["--nbval-current-env", "solutions"] + students,
        ),
        (
            "the same outputs on the kernel handtorch",
            two + ["loadfile"] + nbval + ["--nbval-kernel-name=handtorch"] + [str(p) for p in references],
        ),
    ]
    failed = []
    for name, arguments in runs:
        say("\n=== %s" % name)
        start = time.time()
        if subprocess.run([str(python), "-m", "pytest"] + arguments, cwd=str(ROOT), env=environment).returncode:
            failed.append(name)
        say("    %d s" % (time.time() - start))
    if failed:
        raise Problem("failed: " + "; ".join(failed))
    say("\nall is well")
    return 0


def take_verb(options):
    kept = take(options.chapter)
    say("took the newer edition; " + ("yours is kept as work/%s" % kept.name if kept else "there was no copy of yours"))
    return 0


def main(arguments=None):
    parser = argparse.ArgumentParser(prog="python -m helpers.workshop", description="Set the course up and start it.")
    parser.add_argument("verb", choices=["lab", "test", "take", "setup"])
    parser.add_argument("--chapter", default="", help="take: the chapter's number or name")
    parser.add_argument("--port", default="", help="lab: the port to serve on")
    options = parser.parse_args(arguments)
    try:
        if options.verb == "setup":
            make_environment()
            return 0
        return {"lab": lab, "test": test, "take": take_verb}[options.verb](options)
    except Problem as problem:
        print("%s: %s" % (options.verb, problem), file=sys.stderr)
        return 1
    except OSError as error:
        if error.errno == 28:
            print("%s: the disk is full: make room and run the command again" % options.verb, file=sys.stderr)
            return 1
        raise


if __name__ == "__main__":
    sys.exit(main())
