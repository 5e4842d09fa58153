"""Write requirements.txt anew: `make lock`. Needs uv (`pip install uv`) and the network."""

import subprocess
import sys

from helpers.editions import ROOT

HEADER = """# Exact versions of everything, for Python 3.11 to 3.13 on Linux, macOS and Windows. Made by `make lock`.
# The CUDA packages of PyTorch are left out: torch asks for its own where it was built for a GPU.
"""
COMMAND = [sys.executable, "-m", "uv", "pip", "compile", "-q", "--universal", "--python-version", "3.11",
           "--no-header", "--no-annotate", "--no-emit-index-url", "pyproject.toml"]  # fmt: skip

if __name__ == "__main__":
    done = subprocess.run(COMMAND, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit("lock: uv could not resolve the dependencies: `pip install uv`, connect, and try again")
    lines = [line for line in done.stdout.splitlines() if not line.startswith(("nvidia-", "triton", "cuda-"))]
    (ROOT / "requirements.txt").write_text(HEADER + "\n".join(lines) + "\n")
