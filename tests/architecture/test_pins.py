"""Everything is pinned, with hashes, and no lock file records where anything is downloaded."""

from __future__ import annotations

import json
import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_python_packages_are_pinned_with_hashes_and_without_addresses() -> None:
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    names = re.findall(r"^([a-z0-9][\w.-]*)==\S+", text, flags=re.MULTILINE | re.IGNORECASE)
    assert len(names) > 50
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
