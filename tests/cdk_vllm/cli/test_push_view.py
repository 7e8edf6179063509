"""A push shows how far it is on standard error, and what to do next on standard output."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm import environment_file
from cdk_vllm.cli.push_view import bars, say_pin
from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.model_store import directory_files

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(("is_local", "first"), [(True, "hash"), (False, "fetch")])
def test_both_bars_reach_their_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_local: bool, first: str
) -> None:
    files = directory_files(write_tiny_model(tmp_path))
    total = sum(file.size_bytes for file in files)
    with bars("org/name", files, is_local=is_local) as progress:
        (progress.on_hashed if is_local else progress.on_fetched)(total)
        progress.on_stored(total)
    shown = capsys.readouterr()
    assert shown.out == ""
    lines = shown.err.splitlines()
    assert any(f"org/name {first}" in line for line in lines)
    assert any("org/name store" in line for line in lines)


def test_a_service_that_reads_the_commit_needs_no_word(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dev.toml"
    path.write_text(
        'region = "us-east-1"\n[services.chat]\nbackend = "sagemaker"\nmodel = "a/b"\n'
        'revision = "abc"\nmax_model_len = 100\n',
        encoding="utf-8",
    )
    loaded = environment_file.load(path)
    say_pin(loaded, ["chat"], "abc")
    assert capsys.readouterr().out == ""
    say_pin(loaded, ["chat"], "def")
    assert 'says revision = "abc" and would read models/a/b/abc/' in capsys.readouterr().out
