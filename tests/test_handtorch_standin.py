"""Scripts, code, modules and notebooks whose `import torch` means handtorch, each in a process of its own."""

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}

# What a program may ask to be sure that it has not met PyTorch itself.
NO_PYTORCH = """
import sys
real = [name for name, module in list(sys.modules.items())
        if (getattr(module, "__file__", None) or "").replace("\\\\", "/").find("site-packages/torch/") >= 0]
assert not real, real
assert not any(name.startswith("torch._C") for name in sys.modules)
"""


def run(*arguments: str, cwd: Path = ROOT, text: str | None = None) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", "helpers.handtorch", *arguments]
    return subprocess.run(command, cwd=cwd, env=ENVIRONMENT, input=text, capture_output=True, text=True, timeout=120)


def script(folder: Path, source: str, name: str = "script.py") -> str:
    path = folder / name
    path.write_text(textwrap.dedent(source))
    return str(path)


TRAINING = """
import sys
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
import torch.optim as optim
from torch import nn as nn_again, optim as optim_again, Tensor
from torch.autograd import Function, Variable
from torch.nn.parameter import Parameter
from torch.optim import SGD
from torch.optim.lr_scheduler import StepLR
import torch.optim.lr_scheduler as schedulers
import torch.nn.init
from torch.autograd.functional import jacobian

assert nn is nn_again is torch.nn and optim is optim_again is torch.optim and F is torch.nn.functional
torch.manual_seed(3)
x = torch.linspace(-1, 1, 20).unsqueeze(1)
y = x ** 2 + 0.1 * torch.rand(x.size())
model = nn.Sequential(nn.Linear(1, 4), nn.Tanh(), nn.Linear(4, 1))
optimizer = SGD(model.parameters(), lr=0.1)
scheduler = StepLR(optimizer, step_size=5, gamma=0.5)
for epoch in range(10):
    loss = F.mse_loss(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(epoch, f"{loss.item():.4f}", scheduler.get_last_lr())
print(jacobian(lambda v: v ** 2, torch.tensor([1.0, 2.0])))
print(sys.argv[1:], __name__, __file__ == sys.argv[0])
"""


def test_a_script_prints_what_it_prints_under_pytorch(tmp_path):
    path = script(tmp_path, TRAINING)
    real = subprocess.run(
        [sys.executable, path, "a", "--b"], env=ENVIRONMENT, cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    ours = run(path, "a", "--b")
    assert real.returncode == 0, real.stderr
    assert ours.stderr == ""
    assert ours.stdout == real.stdout
    assert len(ours.stdout.splitlines()) == 13


def test_pytorch_is_never_imported(tmp_path):
    done = run(script(tmp_path, TRAINING + NO_PYTORCH + "print('none of PyTorch')"))
    assert done.stdout.endswith("none of PyTorch\n"), done.stderr


def test_the_helpers_share_it(tmp_path):
    source = "import torch, helpers.handtorch\nassert torch is helpers.handtorch\nfrom helpers import thermometer\n"
    (tmp_path / "here").mkdir()
    done = run(script(tmp_path, source + NO_PYTORCH), cwd=tmp_path / "here")
    if not (ROOT / "helpers" / "thermometer.py").exists():
        pytest.skip("helpers/thermometer.py is not there yet")
    assert done.returncode == 0, done.stderr


def test_a_script_imports_its_neighbours(tmp_path):
    script(tmp_path, "import torch\nvalue = torch.ones(2)\n", "neighbour.py")
    done = run(script(tmp_path, "from neighbour import value\nprint(value)\n"))
    assert done.stdout == "tensor([1., 1.])\n", done.stderr


def test_code_standard_input_and_modules(tmp_path):
    code = "import sys, torch; print(torch.arange(3), sys.argv)"
    assert run("-c", code, "x").stdout == "tensor([0, 1, 2]) ['-c', 'x']\n"
    assert run("-", "x", text=code).stdout == "tensor([0, 1, 2]) ['-', 'x']\n"
    script(tmp_path, code, "program.py")
    done = run("-m", "program", "x", cwd=tmp_path)
    assert done.stdout.startswith("tensor([0, 1, 2]) ["), done.stderr
    assert done.stdout.endswith("program.py', 'x']\n")


def test_warnings_and_tracebacks_name_the_lines_of_the_script(tmp_path):
    source = """
    import torch

    x = torch.tensor([1.0, 2.0], requires_grad=True)
    loss = (x * x).sum()
    float(loss)
    loss.grad
    torch.tensor(x.detach())
    x.T
    torch.std(torch.ones(1))
    layer = torch.nn.Linear(2, 1)
    layer.register_full_backward_hook(lambda *of_layer: None)
    layer(torch.ones(2)).sum().backward()

    def halve(x):
        return x / undefined

    halve(torch.ones(2))
    """
    name = Path(script(tmp_path, source)).name
    command = [sys.executable, name]
    python = subprocess.run(command, env=ENVIRONMENT, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    ours = run(name, cwd=tmp_path)
    assert ours.returncode == python.returncode == 1
    assert python.stderr.count("Warning: ") == 6
    assert ours.stderr == python.stderr


def test_errors_and_exits_reach_the_shell(tmp_path):
    backward_twice = """
    import torch
    x = torch.tensor(2.0, requires_grad=True)
    y = x ** 2
    y.backward()
    y.backward()
    """
    done = run(script(tmp_path, backward_twice))
    assert done.returncode == 1
    lines = done.stderr.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1].endswith("line 6, in <module>")
    assert lines[-1].startswith("RuntimeError: Trying to backward through the graph a second time")
    assert run(script(tmp_path, "import sys\nsys.exit(3)\n")).returncode == 3
    broken = run(script(tmp_path, "import torch\nprint(1\n"))
    assert broken.returncode == 1
    assert broken.stderr.splitlines()[-1] == "SyntaxError: '(' was never closed"
    missing = run(str(tmp_path / "absent.py"))
    assert missing.returncode == 1 and "can't open file" in missing.stderr


def test_where_handtorch_ends_it_says_so(tmp_path):
    source = """
    import torch
    for name in ("torch.jit", "torch.nn.quantized", "torch.distributed"):
        try:
            __import__(name)
        except ModuleNotFoundError as error:
            assert error.name == name
            print(error)
    try:
        torch.stft
    except NotImplementedError as error:
        print(error)
    print(hasattr(torch, "stft"))
    """
    done = run(script(tmp_path, source))
    lines = done.stdout.splitlines()
    assert len(lines) == 5, done.stderr
    assert lines[0].startswith("No module named 'torch.jit': ") and "handtorch" in lines[0]
    assert "stft" in lines[3] and "handtorch" in lines[3]
    assert lines[4] == "False"


def test_it_leaves_numpys_warnings_to_the_user(tmp_path):
    source = """
    import warnings

    import numpy as np
    import torch

    x = torch.zeros(2, requires_grad=True)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        x.sqrt().sum().backward()
        print(x.grad.tolist(), (x / 0).tolist(), torch.exp(torch.tensor(1000.0)).item(), len(heard))
        np.log(np.zeros(1))
        np.zeros(1) / np.zeros(1)
        print([(str(each.message)[:14], each.filename[-9:]) for each in heard])
    with np.errstate(divide="ignore"), warnings.catch_warnings(record=True) as heard:
        np.log(np.zeros(1))
        print(len(heard))
    """
    done = run(script(tmp_path, source))
    assert done.stdout.splitlines() == [
        "[inf, inf] [nan, nan] inf 0",
        "[('divide by zero', 'script.py'), ('invalid value ', 'script.py')]",
        "0",
    ], done.stderr


def test_it_refuses_to_replace_pytorch():
    code = (
        "import torch, helpers.handtorch.standin as standin\ntry: standin.install()\nexcept RuntimeError as e: print(e)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True)
    assert done.stdout.startswith("PyTorch is already imported here"), done.stderr


def test_the_command_line_explains_itself():
    assert "--install-kernel" in run("--help").stdout
    assert run().stdout == run("--help").stdout
    assert run("--no-such-option").returncode == 1
    assert run("-c").returncode == 1


# ---- the kernel ----------------------------------------------------------------------------------------------------------

CELLS = [
    "import torch\nfrom torch import nn\nt = torch.tensor([1.0, 2.0], requires_grad=True)\nt",
    "%matplotlib inline\nimport matplotlib.pyplot as plt\n"
    "plt.plot(torch.arange(3), (t.detach() * 2).tolist() + [5.0]); plt.scatter(t.detach(), t.detach())\nplt.show()",
    "import ipywidgets\n"
    "def show(x):\n    print(torch.tensor(x) * 2)\n"
    "ipywidgets.interactive(show, x=(0.0, 4.0)).children[0].value",
    NO_PYTORCH + "import helpers.handtorch\ntorch is helpers.handtorch",
    "(t ** 2).sum().backward()\nt.grad",
    "t.sum().backward(torch.ones(3))",
]


@pytest.fixture(scope="module")
def kernel_outputs(tmp_path_factory):
    """Install the kernel into an empty prefix, start it, run the cells; the outputs of each, as Jupyter's messages."""
    prefix = tmp_path_factory.mktemp("prefix")
    done = run("--install-kernel", str(prefix))
    assert done.returncode == 0, done.stderr
    manager = KernelManager(kernel_name="handtorch")
    manager.kernel_spec_manager = KernelSpecManager(kernel_dirs=[str(prefix / "share" / "jupyter" / "kernels")])
    outputs = []
    manager.start_kernel(cwd=str(tmp_path_factory.mktemp("work")), env=ENVIRONMENT | {"MPLBACKEND": ""})
    client = manager.client()
    try:
        client.start_channels()
        client.wait_for_ready(timeout=120)
        for cell in CELLS:
            collected = []
            client.execute_interactive(cell, output_hook=collected.append, timeout=120)
            outputs.append([message for message in collected if message["msg_type"] != "status"])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return outputs


def text_of(messages: list[dict]) -> str:
    results = [m["content"]["data"]["text/plain"] for m in messages if m["msg_type"] == "execute_result"]
    return "\n".join(results)


def test_the_kernel_shows_tensors(kernel_outputs):
    assert text_of(kernel_outputs[0]) == "tensor([1., 2.], requires_grad=True)"
    assert text_of(kernel_outputs[4]) == "tensor([2., 4.])"


def test_the_kernel_plots_tensors(kernel_outputs):
    pictures = [m for m in kernel_outputs[1] if "image/png" in m["content"].get("data", {})]
    assert len(pictures) == 1, kernel_outputs[1]


def test_the_kernel_has_widgets(kernel_outputs):
    assert text_of(kernel_outputs[2]) == "2.0", kernel_outputs[2]


def test_the_kernel_never_imports_pytorch(kernel_outputs):
    assert text_of(kernel_outputs[3]) == "True", kernel_outputs[3]


def test_the_kernel_reports_errors(kernel_outputs):
    errors = [m["content"] for m in kernel_outputs[5] if m["msg_type"] == "error"]
    assert errors and errors[0]["ename"] == "RuntimeError"


def test_the_kernelspec_is_written_where_it_is_told(tmp_path):
    assert run("--install-kernel", str(tmp_path)).returncode == 0
    assert run("--install-kernel", str(tmp_path)).returncode == 0
    written = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()]
    assert written == ["share/jupyter/kernels/handtorch/kernel.json"]
    spec = json.loads((tmp_path / written[0]).read_text())
    assert spec["argv"][0] == sys.executable
    assert spec["language"] == "python"
