"""What the engine's environment lacks beside its packages, in an environment of the test's own."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from tools.complete_engine import HOOK, complete

if TYPE_CHECKING:
    from pathlib import Path

SAY = """
import site, sys
site.addsitedir(sys.argv[1])
from importlib.metadata import version
import torchvision
print(version("vllm"), *torchvision.found)
"""
# They tell what was declared when torchvision was imported.
TORCH = """
__version__ = {build!r}
class version:
    cuda = "13.0"  # as where a GPU is pretended
declared = []
class library:
    class Library:
        def __init__(self, name, kind):
            declared.append(name)
        def define(self, what):
            declared.append(what.split("(")[0])
"""
TORCHVISION = "import torch\nfound = list(torch.declared)\n"


def said(packages: Path, build: str) -> list[str]:
    complete(packages, "0.32.0+cpu")
    (packages / "torch.py").write_text(TORCH.format(build=build))
    (packages / "torchvision.py").write_text(TORCHVISION)
    run = subprocess.run(
        [sys.executable, "-c", SAY, str(packages)], capture_output=True, text=True, check=True
    )
    return run.stdout.split()


def test_torchvisions_operators_are_declared_before_it_loads(tmp_path: Path) -> None:
    assert said(tmp_path, "2.13.0+cpu") == ["0.32.0+cpu", "torchvision", "nms", "qnms"]


def test_beside_a_build_for_cuda_nothing_is_declared(tmp_path: Path) -> None:
    assert said(tmp_path, "2.13.0") == ["0.32.0+cpu"]


def test_the_hook_loads_nothing_by_itself() -> None:
    program = "import sys; import tests.engine.without_cuda; print('torch' in sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=HOOK.parents[2],
    )
    assert run.stdout.strip() == "False"
