"""Adapters on the disk: whole, read-only, and never a pickle."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from cdk_vllm.model_store.adapter import Adapter
from cdk_vllm.model_store.adapter_config import AdapterConfig
from tests.container.pushed import Store, adapter_files, stored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.container.conftest import Said


def test_adapters_lie_under_name_and_version_and_cannot_be_written(
    said: Said, store: Store, tmp_path: Path
) -> None:
    pushed = {name: store.adapter(name, adapter_files(alpha=name)) for name in ("medical", "legal")}
    words = [f"--adapter={name}={adapter.uri}" for name, adapter in pushed.items()]
    assert said.prepare(*words, "--adapters-to", tmp_path) == 0
    assert len(said.out.splitlines()) == 2
    for name, adapter in pushed.items():
        folder = tmp_path / name / adapter.revision
        assert f"{folder}: adapter {name} verified" in said.out
        assert stored(folder) == adapter_files(alpha=name)
        assert folder.stat().st_mode & 0o777 == 0o555
        assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o444}
        assert [path.name for path in folder.parent.iterdir()] == [adapter.revision]


def test_a_version_is_fetched_once_and_beside_the_one_before(
    said: Said, store: Store, tmp_path: Path
) -> None:
    first = store.adapter("medical", adapter_files(alpha=1))
    second = store.adapter("medical", adapter_files(alpha=2))
    told = []
    for adapter in (first, first, second):
        words = (f"--adapter=medical={adapter.uri}", "--adapters-to", tmp_path)
        assert said.prepare(*words) == 0
        told.append("was there already" in said.out)
    assert told == [False, True, False]
    assert {path.name for path in (tmp_path / "medical").iterdir()} == {
        first.revision,
        second.revision,
    }


def test_a_damaged_adapter_is_brought_anew(said: Said, store: Store, tmp_path: Path) -> None:
    adapter = store.adapter("medical")
    words = (f"--adapter=medical={adapter.uri}", "--adapters-to", tmp_path)
    said.prepare(*words)
    weights = tmp_path / "medical" / adapter.revision / "adapter_model.safetensors"
    weights.chmod(0o644)
    weights.write_bytes(b"WEIGHTS")
    assert said.prepare(*words) == 0
    assert weights.read_bytes() == b"weights"
    assert [path.name for path in (tmp_path / "medical").iterdir()] == [adapter.revision]


@pytest.mark.parametrize("pickle", ["adapter_model.bin", "adapter_model.pt", "extra.pkl"])
def test_a_pickle_is_refused(said: Said, store: Store, tmp_path: Path, pickle: str) -> None:
    adapter = store.adapter("medical", adapter_files() | {pickle: b"\x80\x04."})
    told = said.refusal(f"--adapter=medical={adapter.uri}", "--adapters-to", tmp_path)
    assert f"{adapter.uri}{pickle} is a pickle, which can run code and is never loaded" in told
    assert not list(tmp_path.rglob("adapter*"))


@pytest.mark.parametrize("missing", ["adapter_config.json", "adapter_model.safetensors"])
def test_an_adapter_has_two_files_at_least(
    said: Said, store: Store, tmp_path: Path, missing: str
) -> None:
    files = adapter_files()
    del files[missing]
    adapter = store.adapter("medical", files)
    assert f"{adapter.uri} has no {missing}, so it is not a LoRA adapter" in said.refusal(
        f"--adapter=medical={adapter.uri}", "--adapters-to", tmp_path
    )


def test_an_adapter_is_the_one_its_address_says(said: Said, store: Store, tmp_path: Path) -> None:
    adapter = store.adapter("medical")
    assert f"holds medical {adapter.revision}, not legal {adapter.revision}" in said.refusal(
        f"--adapter=legal={adapter.uri}", "--adapters-to", tmp_path
    )


@pytest.mark.parametrize("name", ["..", "../medical", "Medical", "a..b", "", "-x", "a" * 64])
def test_a_name_is_no_path(said: Said, store: Store, tmp_path: Path, name: str) -> None:
    adapter = store.adapter("medical")
    assert "is not an adapter's name" in said.refusal(
        f"--adapter={name}={adapter.uri}", "--adapters-to", tmp_path
    )


def test_the_version_is_the_one_that_the_command_makes(store: Store, tmp_path: Path) -> None:
    for name, data in adapter_files().items():
        (tmp_path / name).write_bytes(data)
    config = AdapterConfig(rank=8, rank_pattern={}, target_modules=(), base_model=None)
    pushed = store.adapter("medical")
    assert Adapter(config, tuple(tmp_path.iterdir()), 0).version == pushed.revision


def test_a_version_is_a_pin_on_the_content(said: Said, store: Store, tmp_path: Path) -> None:
    pinned = store.adapter("medical", adapter_files(alpha=1))
    other = store.adapter("medical", adapter_files(alpha=2))
    # Whoever may write to the store may write a manifest that fits.
    pinned.push(adapter_files(alpha=2))
    assert f"{pinned.uri} holds files that make the version {other.revision}" in said.refusal(
        f"--adapter=medical={pinned.uri}", "--adapters-to", tmp_path
    )
    assert not list(tmp_path.rglob("adapter*"))


def test_a_version_has_a_form(said: Said, store: Store, tmp_path: Path) -> None:
    uri = f"s3://{store.bucket}/adapters/chat/medical/latest/"
    assert f"{uri} does not end in a version, 12 hexadecimal digits" in said.refusal(
        f"--adapter=medical={uri}", "--adapters-to", tmp_path
    )


def test_half_an_adapter_leaves_nothing(said: Said, store: Store, tmp_path: Path) -> None:
    adapter = store.adapter("medical")
    adapter.delete("adapter_model.safetensors")
    assert f"{adapter.uri} lacks adapter_model.safetensors" in said.refusal(
        f"--adapter=medical={adapter.uri}", "--adapters-to", tmp_path
    )
    assert list((tmp_path / "medical").iterdir()) == []
