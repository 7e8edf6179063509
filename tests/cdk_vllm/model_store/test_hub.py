"""A hub's model goes into the store as it is there, and again after whatever went wrong."""

from __future__ import annotations

import hashlib
import shutil
import time
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.errors import CdkVllmError, InputError
from cdk_vllm.model_store import MANIFEST_NAME, Prefix, PushResult, push_files
from cdk_vllm.model_store.hub import resolve
from tests.cdk_vllm.loopback_hub import COMMIT, TOKEN

if TYPE_CHECKING:
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

    from tests.cdk_vllm.loopback_hub import Hub, Repository

MODEL = "org/name"
NEEDED = [
    "config.json",
    "model-1.safetensors",
    "model-2.safetensors",
    "model.safetensors.index.json",
    "tokenizer.json",
]


@pytest.fixture
def place(s3: S3Client) -> Prefix:
    return Prefix(s3, "models", f"models/{MODEL}/{COMMIT}/")


def pushed(place: Prefix, directory: Path | None = None, revision: str = "main") -> PushResult:
    found = resolve(MODEL, revision, directory)
    return push_files(place, found.source_files(), model=MODEL, revision=found.commit)


def test_a_branch_becomes_a_commit_and_only_what_the_engine_needs_is_fetched(
    place: Prefix, hub: Hub, repository: Repository
) -> None:
    result = pushed(place)
    assert result.manifest.revision == COMMIT
    assert sorted(place.sizes()) == sorted([*NEEDED, MANIFEST_NAME])
    for file in result.manifest.files:
        assert file.sha256 == hashlib.sha256(repository.files[file.name]).hexdigest()
        assert file.version_id
    fetched = {path.rpartition("/")[2] for method, path, _ in hub.requests if method == "GET"}
    assert fetched == {*NEEDED, "main"}


def test_a_second_push_fetches_no_weights_even_without_cache_and_manifest(
    place: Prefix, hub: Hub, repository: Repository, tmp_path: Path
) -> None:
    pushed(place, tmp_path / "first")
    place.delete([MANIFEST_NAME])
    hub.requests.clear()
    result = pushed(place, tmp_path / "second")
    assert result.sent == ()
    assert place.manifest() == result.manifest
    assert not hub.downloads(".safetensors/") + hub.downloads("model-1.safetensors")


def test_with_a_directory_nothing_stays_on_the_disk(
    place: Prefix, hub: Hub, repository: Repository, tmp_path: Path
) -> None:
    pushed(place, tmp_path / "work")
    left = [path.name for path in (tmp_path / "work").iterdir() if path.is_file()]
    assert left == []


def test_a_download_that_is_cut_goes_on_where_it_was(
    place: Prefix, hub: Hub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 2**16)
    hub.cut_after_bytes, hub.cuts_left = 300_000, 1
    result = pushed(place)
    asked = hub.downloads("model-1.safetensors")
    assert asked[0] == ""
    assert int(asked[1].removeprefix("bytes=").removesuffix("-")) >= 2**16
    assert MANIFEST_NAME in place.sizes()
    assert result.sent == tuple(NEEDED)


def test_a_connection_that_stays_broken_leaves_no_manifest_and_the_next_push_goes_on(
    place: Prefix, hub: Hub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    hub.cut_after_bytes, hub.cuts_left = 0, 1000
    with pytest.raises(CdkVllmError, match="push again, where it goes on") as caught:
        pushed(place)
    assert "\n" not in str(caught.value)
    assert MANIFEST_NAME not in place.sizes()
    hub.cuts_left = 0
    pushed(place)
    assert MANIFEST_NAME in place.sizes()


def test_a_busy_hub_is_asked_again_as_late_as_it_wants(
    place: Prefix, hub: Hub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    hub.busy_answers, hub.retry_after = 3, "7"
    assert pushed(place).sent
    assert [seconds for seconds in waited if seconds >= 7] == [7, 7, 7]


def test_a_hub_that_stays_busy_is_one_sentence(
    place: Prefix, hub: Hub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(time, "sleep", lambda _: None)
    hub.busy_answers = 1000
    with pytest.raises(CdkVllmError, match=r"no more requests from here for now \(429\)"):
        pushed(place)


def test_a_wait_of_an_hour_is_not_waited(
    place: Prefix, hub: Hub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    hub.busy_answers, hub.retry_after = 1, "3600"
    with pytest.raises(CdkVllmError, match="429"):
        pushed(place)
    assert waited == []


@pytest.mark.parametrize(
    ("token", "licensed", "sentence"),
    [
        ("", True, r"access to org/name needs a token: accept its licence .* `hf auth login`"),
        (TOKEN, False, r"the Hugging Face account in use has no access to org/name; ask for it"),
        ("hf_wrong", True, r"refused the token for org/name"),
    ],
)
def test_a_gated_model_says_what_it_asks_for(
    place: Prefix,
    hub: Hub,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
    token: str,
    licensed: bool,
    sentence: str,
) -> None:
    repository.is_gated, repository.licensed = True, licensed
    if token:
        monkeypatch.setenv("HF_TOKEN", token)
    with pytest.raises(InputError, match=sentence) as caught:
        pushed(place)
    assert not token or token not in str(caught.value)


def test_a_gated_model_is_pushed_with_a_token(
    place: Prefix, hub: Hub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository.is_gated = True
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    assert pushed(place).sent == tuple(NEEDED)


def test_a_typo_in_the_name_or_the_revision_is_told(place: Prefix, hub: Hub) -> None:
    hub.repositories.clear()
    with pytest.raises(InputError, match="has no model org/name, or a private one"):
        pushed(place)


def test_an_unknown_revision_is_told(place: Prefix, repository: Repository) -> None:
    with pytest.raises(InputError, match=r'has no revision "mian".*Did you mean "main"'):
        pushed(place, revision="mian")


def test_a_hub_out_of_reach_is_one_sentence(
    place: Prefix, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(CdkVllmError, match=r"the connection to http://127\.0\.0\.1:9 broke"):
        pushed(place)


@pytest.mark.parametrize("name", ["model-2.safetensors", "tokenizer.json"])
def test_a_file_that_is_not_what_the_hub_promises_is_refused_and_forgotten(
    place: Prefix, hub: Hub, repository: Repository, name: str
) -> None:
    hub.corrupt.add(name)
    with pytest.raises(CdkVllmError, match="it was deleted here: push again"):
        pushed(place)
    assert MANIFEST_NAME not in place.sizes()
    hub.corrupt.clear()
    assert name in pushed(place).sent


def test_a_full_disk_is_told_beforehand(
    place: Prefix, hub: Hub, repository: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 1000})
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(InputError, match=r"needs 0\.0 GiB more in .*add --remote"):
        pushed(place)
