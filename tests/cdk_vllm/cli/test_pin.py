"""A commit is written into an environment file, and nothing else changes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm import environment_file
from cdk_vllm.cli.pin import pin
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TEXT = """# ours
region = "eu-central-1"

[services.chat]
backend = "sagemaker"   # why
model = "Qwen/Qwen3-8B"
revision = "main"  # a branch
max_model_len = 4096

[services.talk]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
"""


def test_comments_and_order_stay(tmp_path: Path) -> None:
    path = tmp_path / "dev.toml"
    path.write_text(TEXT, encoding="utf-8")
    assert pin(environment_file.load(path), ["chat"], COMMIT) == ["chat"]
    assert path.read_text(encoding="utf-8") == TEXT.replace('"main"', f'"{COMMIT}"')


def test_a_revision_that_was_left_out_is_added(tmp_path: Path) -> None:
    path = tmp_path / "dev.toml"
    path.write_text(TEXT, encoding="utf-8")
    pin(environment_file.load(path), ["talk", "chat"], COMMIT)
    found = environment_file.load(path)
    assert {service.revision for service in found.services.values()} == {COMMIT}
    assert pin(found, ["talk", "chat"], COMMIT) == []


def test_a_file_that_went_away_is_told_with_the_line(tmp_path: Path) -> None:
    path = tmp_path / "dev.toml"
    path.write_text(TEXT, encoding="utf-8")
    loaded = environment_file.load(path)
    path.unlink()
    with pytest.raises(InputError, match=f'cannot be written .* write revision = "{COMMIT}"'):
        pin(loaded, ["chat"], COMMIT)
