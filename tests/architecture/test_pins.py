"""Everything is pinned, with hashes, and no lock file records where anything is downloaded."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


PINNED = {
    "requirements.txt": 50,
    "requirements-engine.txt": 100,
    "tests/engine/torch-cpu.txt": 1,
    "tests/engine/torch-cuda.txt": 10,
    "tests/engine/vllm-for-gpus.txt": 1,
}


@pytest.mark.parametrize(("file", "at_least"), PINNED.items())
def test_python_packages_are_pinned_with_hashes_and_without_addresses(
    file: str, at_least: int
) -> None:
    text = (ROOT / file).read_text(encoding="utf-8")
    names = re.findall(r"^([a-z0-9][\w.-]*)==\S+", text, flags=re.MULTILINE | re.IGNORECASE)
    assert len(names) >= at_least
    assert "://" not in text
    for block in re.split(r"\n(?=\S)", text):
        if "==" in block.splitlines()[0]:
            assert "--hash=sha256:" in block, block.splitlines()[0]


def test_the_cdk_cli_is_pinned_with_a_hash_and_without_an_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    cli = lock["packages"]["node_modules/aws-cdk"]
    assert cli["integrity"].startswith("sha512-")
    assert "resolved" not in cli
    assert tuple(map(int, cli["version"].split("."))) >= (2, 1147, 0)
