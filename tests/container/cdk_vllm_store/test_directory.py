"""A model on the disk: brought once, and checked where SageMaker brought it."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from cdk_vllm_store.directory import check
from cdk_vllm_store.failure import PrepareError
from tests.container.pushed import Store, big_files, model_files, stored

if TYPE_CHECKING:
    from pathlib import Path

    from tests.container.between import Between
    from tests.container.conftest import Said


def test_a_model_comes_whole(said: Said, big_model: Store, tmp_path: Path) -> None:
    target = tmp_path / "deep" / "model"
    assert said.prepare("--model", big_model.uri, "--download-to", target) == 0
    found = stored(target)
    assert json.loads(found.pop("manifest.json"))["revision"] == "c0ffee"
    assert found == big_files()
    assert f"{target}: 11.3 MB verified, 11.3 MB of it fetched in " in said.out
    assert {path.stat().st_mode & 0o777 for path in target.glob("*.safetensors")} == {0o444}
    assert not list(target.glob(".incoming"))


def test_a_second_start_only_checks(
    said: Said, model: Store, tmp_path: Path, between: Between
) -> None:
    said.prepare("--model", model.uri, "--download-to", tmp_path)
    before = {path: path.stat().st_ino for path in tmp_path.iterdir()}
    between.requests.clear()
    assert said.prepare("--model", model.uri, "--download-to", tmp_path) == 0
    assert f"{tmp_path}: 0.0 MB was there already" in said.out
    assert {path: path.stat().st_ino for path in tmp_path.iterdir()} == before
    assert between.count("^GET .*safetensors") == 0


def test_a_file_changed_on_the_disk_comes_again(said: Said, model: Store, tmp_path: Path) -> None:
    said.prepare("--model", model.uri, "--download-to", tmp_path)
    damaged = tmp_path / "model-00002-of-00002.safetensors"
    damaged.chmod(0o644)
    damaged.write_bytes(b"THE REST")
    assert said.prepare("--model", model.uri, "--download-to", tmp_path) == 0
    assert damaged.read_bytes() == b"the rest"
    assert "verified, 0.0 MB of it fetched" in said.out


def test_after_a_boot_the_files_are_hashed_once(said: Said, model: Store, tmp_path: Path) -> None:
    said.prepare("--model", model.uri, "--download-to", tmp_path)
    state = tmp_path / ".complete.json"
    after_boot = json.loads(state.read_text()) | {"boot": "another"}
    state.write_text(json.dumps(after_boot))
    damaged = tmp_path / "config.json"
    before = damaged.stat()
    damaged.chmod(0o644)
    damaged.write_bytes(b"\0" * before.st_size)
    os.utime(damaged, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert said.prepare("--model", model.uri, "--download-to", tmp_path) == 0
    assert damaged.read_bytes() == model_files()["config.json"]


def test_another_revision_replaces_the_first(said: Said, model: Store, tmp_path: Path) -> None:
    said.prepare("--model", model.uri, "--download-to", tmp_path)
    later = model.at("models/org/name/decaf/", "org/name", "decaf")
    files = {"config.json": b"{}", "model.safetensors": b"in one piece now"}
    later.push(files)
    assert said.prepare("--model", later.uri, "--download-to", tmp_path) == 0
    found = stored(tmp_path)
    assert json.loads(found.pop("manifest.json"))["revision"] == "decaf"
    assert found == files


def test_a_directory_of_somebody_else_is_left_alone(
    said: Said, model: Store, tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("the only copy")
    assert said.refusal("--model", model.uri, "--download-to", tmp_path) == (
        f"{tmp_path} holds thesis.txt, which belongs to no model; give a directory of its own"
    )
    assert list(stored(tmp_path)) == ["thesis.txt"]


def test_a_directory_that_cannot_be_written(said: Said, model: Store, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    told = said.refusal("--model", model.uri, "--download-to", tmp_path / "file" / "model")
    assert told == f"{tmp_path}/file/model: Not a directory"


@pytest.fixture
def mounted(tmp_path: Path, model: Store) -> Path:
    """A model as SageMaker puts it on the disk."""
    for listed in model.s3.list_objects_v2(Bucket=model.bucket)["Contents"]:
        name = listed["Key"].removeprefix(model.prefix)
        model.s3.download_file(model.bucket, listed["Key"], str(tmp_path / name))
    return tmp_path


def refusal(directory: Path) -> str:
    with pytest.raises(PrepareError) as caught:
        check(directory)
    return str(caught.value)


def test_sagemakers_copy_is_whole(mounted: Path) -> None:
    assert check(mounted).names == model_files().keys()


def test_sagemakers_copy_without_a_manifest_is_half_a_push(mounted: Path) -> None:
    (mounted / "manifest.json").unlink()
    assert refusal(mounted) == (
        f"{mounted} has 4 files and no manifest.json: the push was not finished, or the S3 address "
        "is not that of a model; push again"
    )


def test_sagemakers_copy_may_lack_a_shard(mounted: Path) -> None:
    (mounted / "model-00002-of-00002.safetensors").unlink()
    assert refusal(mounted) == (
        f"{mounted} lacks model-00002-of-00002.safetensors, which its manifest names; push again"
    )


def test_sagemakers_copy_may_be_cut_short(mounted: Path) -> None:
    (mounted / "config.json").write_bytes(b"{}")
    assert refusal(mounted) == (
        f"{mounted}/config.json has 2 bytes and the manifest says 39; push again"
    )


def test_sagemakers_copy_may_hold_other_weights(mounted: Path) -> None:
    (mounted / "consolidated.safetensors").write_bytes(b"stray")
    assert refusal(mounted).startswith(f"{mounted}/consolidated.safetensors is not in the manifest")


def test_sagemakers_copy_may_be_pickles(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"\x80\x04.")
    assert refusal(tmp_path).startswith(
        f"{tmp_path} holds pickled weights only (pytorch_model.bin), and those are never loaded"
    )


def test_sagemaker_may_bring_nothing(tmp_path: Path) -> None:
    assert refusal(tmp_path / "model") == (
        f"{tmp_path}/model does not exist; give the endpoint a ModelDataSource"
    )
