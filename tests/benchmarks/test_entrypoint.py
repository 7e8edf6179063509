"""What the SageMaker image's entry point adds before vLLM: the check of a model, and the options.

A `vllm` that ends at once stands in, so the whole process is the overhead, the shell included.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SECONDS = 0.2
ROUNDS = 15
# As many files as the largest models in the catalogue have, and twice the options of a plan.
SHARDS = 200
OPTIONS = 40
ADAPTERS = 16


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """A container's variables, with a `vllm` first on the path."""
    program = tmp_path / "vllm"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    adapters = [{"name": f"a{n}", "path": f"/adapters/a{n}"} for n in range(ADAPTERS)]
    options = {f"SM_VLLM_OPTION_{n}": str(n) for n in range(OPTIONS)}
    return {
        "PATH": os.pathsep.join([str(tmp_path), str(Path(sys.executable).parent), os.defpath]),
        "SM_VLLM_LORA_MODULES": json.dumps(adapters),
        **options,
    }


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The image's files, looking for the model beside them."""
    files, model = tmp_path / "cdk-vllm", tmp_path / "model"
    model.mkdir()
    entries = []
    for number in range(SHARDS):
        name = f"model-{number:05}-of-{SHARDS:05}.safetensors"
        (model / name).write_bytes(b"weights")
        digests = {"sha256": "0" * 64, "checksum_sha256": "A" * 43 + "="}
        entries.append({"name": name, "size_bytes": 7, "version_id": None, **digests})
    manifest = {"model": "m", "revision": "r", "part_size_bytes": 2**26, "files": entries}
    (model / "manifest.json").write_text(json.dumps(manifest))
    for path in (ROOT / "container").rglob("*"):
        if path.suffix in {".py", ".sh"}:
            target = files / path.relative_to(ROOT / "container")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(path.read_text().replace("/opt/ml/model", str(model)))
    return files / "entrypoint.sh"


@pytest.mark.benchmark(group="before vLLM starts")
def test_entrypoint(benchmark: Any, script: Path, environment: dict[str, str]) -> None:
    def start() -> int:
        return subprocess.run(
            ["/bin/bash", script, "serve"], env=environment, check=False
        ).returncode

    assert benchmark.pedantic(start, rounds=ROUNDS) == 7, "vLLM's own exit status"
    assert benchmark.stats.stats.median < SECONDS
