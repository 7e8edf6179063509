"""A push is complete or not at all, and sends nothing twice."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.errors import CdkVllmError
from cdk_vllm.model_store import (
    MANIFEST_NAME,
    Manifest,
    Prefix,
    Progress,
    PushResult,
    SourceFile,
    directory_files,
    push,
    push_files,
)
from cdk_vllm.model_store.push import Stopped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

BUCKET, PREFIX = "models", "models/a/b/main/"


def pushed(s3: S3Client, directory: Path) -> PushResult:
    return push(s3, bucket=BUCKET, model="a/b", revision="main", directory=directory)


@contextmanager
def before_put(s3: S3Client, handler: Callable[..., None]) -> Iterator[None]:
    """Call `handler` before every PutObject is sent."""
    s3.meta.events.register("before-call.s3.PutObject", handler)
    try:
        yield
    finally:
        s3.meta.events.unregister("before-call.s3.PutObject", handler)


def stored(s3: S3Client) -> set[str]:
    return set(Prefix(s3, BUCKET, PREFIX).sizes())


def test_every_file_arrives_as_the_manifest_says(s3: S3Client, tmp_path: Path) -> None:
    result = pushed(s3, write_tiny_model(tmp_path))
    body = s3.get_object(Bucket=BUCKET, Key=PREFIX + MANIFEST_NAME)["Body"].read()
    assert result.uri == f"s3://{BUCKET}/{PREFIX}"
    assert Manifest.from_json(body) == result.manifest
    assert stored(s3) == {"config.json", "model.safetensors", MANIFEST_NAME}
    for file in result.manifest.files:
        found = s3.get_object(Bucket=BUCKET, Key=PREFIX + file.name, ChecksumMode="ENABLED")
        assert len(found["Body"].read()) == file.size_bytes
        assert found["ChecksumSHA256"] == file.checksum_sha256
        assert found["VersionId"] == file.version_id
        assert found["Metadata"] == {"sha256": file.sha256}


def test_a_second_push_sends_only_what_changed(s3: S3Client, tmp_path: Path) -> None:
    first = pushed(s3, write_tiny_model(tmp_path))
    again = pushed(s3, tmp_path)
    assert again.sent == ()
    assert again.manifest == first.manifest
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    third = pushed(s3, tmp_path)
    assert third.sent == ("tokenizer.json",)
    assert third.kept == ("config.json", "model.safetensors")


def test_a_push_that_changes_nothing_writes_nothing(s3: S3Client, tmp_path: Path) -> None:
    pushed(s3, write_tiny_model(tmp_path))
    before = s3.list_object_versions(Bucket=BUCKET)
    pushed(s3, tmp_path)
    after = s3.list_object_versions(Bucket=BUCKET)
    assert [v["VersionId"] for v in after["Versions"]] == [
        v["VersionId"] for v in before["Versions"]
    ]


def test_a_change_of_the_same_size_is_sent(s3: S3Client, tmp_path: Path) -> None:
    pushed(s3, write_tiny_model(tmp_path))
    weights = tmp_path / "model.safetensors"
    content = weights.read_bytes()
    weights.write_bytes(content[:-1] + b"\x01")
    assert pushed(s3, tmp_path).sent == ("model.safetensors",)


def test_a_file_that_is_gone_leaves_the_store(s3: S3Client, tmp_path: Path) -> None:
    (tmp_path / "extra.safetensors").write_bytes(b"x")
    pushed(s3, write_tiny_model(tmp_path))
    (tmp_path / "extra.safetensors").unlink()
    pushed(s3, tmp_path)
    assert "extra.safetensors" not in stored(s3)


def test_a_stray_of_a_push_without_manifest_leaves_the_store(s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=PREFIX + "stray.safetensors", Body=b"x")
    s3.put_object(Bucket=BUCKET, Key="models/a/b/main2/config.json", Body=b"x")
    pushed(s3, write_tiny_model(tmp_path))
    assert stored(s3) == {"config.json", "model.safetensors", MANIFEST_NAME}
    assert Prefix(s3, BUCKET, "models/a/b/main2/").sizes() == {"config.json": 1}


def test_a_push_that_breaks_off_leaves_no_manifest_and_the_next_one_goes_on(
    s3: S3Client, tmp_path: Path
) -> None:
    pushed(s3, write_tiny_model(tmp_path))
    (tmp_path / "tokenizer.json").write_text("{}", encoding="utf-8")
    (tmp_path / "merges.txt").write_text("a b", encoding="utf-8")

    def cut(params: Any, **_: object) -> None:
        if params["url_path"].endswith("merges.txt"):
            raise ClientError({"Error": {"Code": "SlowDown", "Message": "cut"}}, "PutObject")

    with before_put(s3, cut), pytest.raises(ClientError, match="cut"):
        pushed(s3, tmp_path)
    assert MANIFEST_NAME not in stored(s3)
    assert set(pushed(s3, tmp_path).kept) >= {"config.json", "model.safetensors"}
    assert MANIFEST_NAME in stored(s3)


def test_a_file_that_changes_while_it_is_pushed_is_refused_and_taken_back(
    s3: S3Client, tmp_path: Path
) -> None:
    write_tiny_model(tmp_path)
    config = tmp_path / "config.json"
    hashed = config.stat().st_size

    def written_meanwhile(count: int) -> None:
        if count == hashed:
            config.write_text(config.read_text(encoding="utf-8").upper(), encoding="utf-8")

    place, files = Prefix(s3, BUCKET, PREFIX), directory_files(tmp_path)
    progress = Progress(on_hashed=written_meanwhile)
    with pytest.raises(CdkVllmError, match=r"config\.json is not in the store as it was read"):
        push_files(place, files, model="a/b", revision="main", progress=progress)
    assert not {"config.json", MANIFEST_NAME} & stored(s3)


def test_a_failure_stops_the_other_files(s3: S3Client, tmp_path: Path) -> None:
    is_waiting, has_failed = threading.Event(), threading.Event()
    weights = tmp_path / "w.safetensors"
    weights.write_bytes(bytes(1000))
    stopped: list[str] = []

    def slow(on_bytes: Callable[[int], None]) -> Path:
        is_waiting.set()
        assert has_failed.wait(10)
        try:
            for _ in range(1000):
                on_bytes(1)
                threading.Event().wait(0.01)
        except Stopped:
            stopped.append("slow")
            raise
        return weights

    def failing(on_bytes: Callable[[int], None]) -> Path:
        assert is_waiting.wait(10)
        has_failed.set()
        raise CdkVllmError("the hub is gone")

    files = [SourceFile("a.safetensors", 1000, slow), SourceFile("b.safetensors", 1, failing)]
    with pytest.raises(CdkVllmError, match="the hub is gone"):
        push_files(Prefix(s3, BUCKET, PREFIX), files, model="a/b", revision="main")
    assert stopped == ["slow"]
    assert stored(s3) == set()


def test_a_broken_manifest_in_the_store_is_replaced(s3: S3Client, tmp_path: Path) -> None:
    s3.put_object(Bucket=BUCKET, Key=PREFIX + MANIFEST_NAME, Body=b"{")
    result = pushed(s3, write_tiny_model(tmp_path))
    assert len(result.sent) == 2
    assert Prefix(s3, BUCKET, PREFIX).manifest() == result.manifest


def test_progress_adds_up_to_the_size(s3: S3Client, tmp_path: Path) -> None:
    hashed, kept = [0], [0]
    files: list[tuple[str, bool]] = []

    def add(total: list[int]) -> Callable[[int], None]:
        def count(size: int) -> None:
            total[0] += size

        return count

    progress = Progress(
        on_hashed=add(hashed),
        on_stored=add(kept),
        on_file=lambda name, sent: files.append((name, sent)),
    )
    result = push_files(
        Prefix(s3, BUCKET, PREFIX),
        directory_files(write_tiny_model(tmp_path)),
        model="a/b",
        revision="main",
        progress=progress,
    )
    assert hashed[0] == kept[0] == result.manifest.size_bytes
    assert sorted(files) == [("config.json", True), ("model.safetensors", True)]
