"""Downloads that break off, go on, and are whole or not there."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

from cdk_vllm_store.bucket import Bucket
from tests.container.pushed import Store, big_files, stored

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

    from tests.container.between import Between
    from tests.container.conftest import Said


def test_a_download_that_breaks_off_goes_on(
    said: Said, big_model: Store, tmp_path: Path, between: Between
) -> None:
    between.cut("model-00001-of-00002.safetensors", 3)
    assert said.prepare("--model", big_model.uri, "--download-to", tmp_path) == 0
    assert stored(tmp_path).items() >= big_files().items()
    assert between.count("^GET .*model-00001-of-00002") == 3 + 3


def test_a_start_after_a_failed_one_brings_the_rest_only(
    said: Said, big_model: Store, tmp_path: Path, between: Between
) -> None:
    between.refuse("^GET .*model-00002-of-00002", 403, "AccessDenied")
    assert "denied" in said.refusal("--model", big_model.uri, "--download-to", tmp_path)
    assert "manifest.json" not in stored(tmp_path)
    came = between.count("^GET .*model-00001-of-00002")
    assert came > 0
    between.allow()
    between.requests.clear()
    assert said.prepare("--model", big_model.uri, "--download-to", tmp_path) == 0
    assert stored(tmp_path).items() >= big_files().items()
    assert between.count("^GET .*model-00001-of-00002") == 3 - came


def test_what_is_left_of_a_failed_start_is_hashed(
    said: Said, big_model: Store, tmp_path: Path, between: Between
) -> None:
    between.refuse("^GET .*model-00002-of-00002", 403, "AccessDenied")
    said.refusal("--model", big_model.uri, "--download-to", tmp_path)
    for path in (tmp_path / ".incoming").iterdir():
        if path.suffix != ".parts" and path.stat().st_size > 1000:
            path.write_bytes(bytes(path.stat().st_size))
    between.allow()
    assert said.prepare("--model", big_model.uri, "--download-to", tmp_path) == 0
    assert stored(tmp_path).items() >= big_files().items()


def test_a_download_that_always_breaks_off_ends(
    said: Said, big_model: Store, tmp_path: Path, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    between.cut("model-00002-of-00002.safetensors", 99)
    told = said.refusal("--model", big_model.uri, "--download-to", tmp_path)
    assert "model-00002-of-00002.safetensors: the download broke off 5 times (" in told


def test_a_full_disk_is_named_before_anything_comes(
    said: Said, big_model: Store, tmp_path: Path, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: SimpleNamespace(free=70 * 2**20))
    told = said.refusal("--model", big_model.uri, "--download-to", tmp_path)
    assert told == (
        f"{tmp_path} has 0.0 GB free and 0.0 GB are to come; give it a larger disk, or empty it"
    )
    assert between.count("^GET .*safetensors") == 0


def test_what_changes_in_s3_meanwhile_is_not_delivered(
    said: Said, big_model: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As if it were overwritten between the check and the download.
    monkeypatch.setattr(Bucket, "check", lambda *_: None)
    big_model.put("model-00002-of-00002.safetensors", b"THE REST")
    told = said.refusal("--model", big_model.uri, "--download-to", tmp_path)
    assert told == (
        f"{big_model.uri}model-00002-of-00002.safetensors has other content than the manifest "
        "says; push again"
    )
    assert "manifest.json" not in stored(tmp_path)
    assert "model-00002-of-00002.safetensors" not in stored(tmp_path)
