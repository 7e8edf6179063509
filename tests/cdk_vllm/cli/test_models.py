"""`cdk-vllm models`: what is in the store, said so that one can act on it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cdk_vllm.cli.models import command
from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.errors import InputError
from cdk_vllm.model_store import push

if TYPE_CHECKING:
    from pathlib import Path

    from click.testing import Result
    from mypy_boto3_s3 import S3Client

TEXT = """
region = "eu-central-1"
[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
revision = "abc"
max_model_len = 4096
insecure_http = true
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "dev.toml"
    found.write_text(TEXT, encoding="utf-8")
    return found


@pytest.fixture
def filled(store: S3Client, tmp_path: Path) -> S3Client:
    """Fill the store with a model in use, one that is not, and half of one."""
    source = write_tiny_model(tmp_path / "model")
    for revision in ("abc", "old"):
        push(store, bucket="models", model="Qwen/Qwen3-8B", revision=revision, directory=source)
    store.put_object(Bucket="models", Key="models/org/half/main/config.json", Body=b"{}")
    return store


def run(*words: str | Path, typed: str = "") -> Result:
    given = [str(word) for word in words]
    result = CliRunner().invoke(command, given, input=typed)
    if isinstance(result.exception, Exception):
        raise result.exception
    return result


def rows(*words: str | Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(run(*words, "--json").stdout)
    return found


def test_the_table_says_who_uses_what_and_what_is_incomplete(filled: S3Client, path: Path) -> None:
    lines = run(path).stdout.splitlines()
    assert lines[0].split() == [
        *("Model", "Revision", "Size", "Files", "Pushed", "(UTC)", "Used", "by", "State")
    ]
    assert [line.split()[:2] for line in lines[1:4]] == [
        ["Qwen/Qwen3-8B", "abc"],
        ["Qwen/Qwen3-8B", "old"],
        ["org/half", "main"],
    ]
    assert lines[1].split()[-2:] == ["chat", "complete"]
    assert lines[2].split()[-2:] == ["-", "complete"]
    assert lines[3].split()[-2:] == ["-", "FAULTY"]
    assert lines[4:] == ["org/half@main: incomplete: no manifest"]


def test_json_has_bytes_and_times(filled: S3Client, path: Path) -> None:
    first, _, half = rows(path)
    assert first["files"] == 2
    assert first["size_bytes"] > 1000
    assert first["pushed"].endswith("+00:00")
    assert first["used_by"] == ["chat"]
    assert half["pushed"] is None
    assert [row["revision"] for row in rows(path, "Qwen/Qwen3-8B@old")] == ["old"]


def test_an_empty_store_names_the_command_to_run(store: S3Client, path: Path) -> None:
    assert f"push one: cdk-vllm push {path}" in run(path).stdout
    assert rows(path) == []


def test_verifying_reads_every_byte_again(filled: S3Client, path: Path) -> None:
    done = run(path, "Qwen/Qwen3-8B", "--verify")
    assert done.exit_code == 0
    assert done.stdout.count("verified") == 2


def test_a_flipped_bit_of_the_same_size_is_found_and_named(filled: S3Client, path: Path) -> None:
    key = "models/Qwen/Qwen3-8B/abc/model.safetensors"
    content = filled.get_object(Bucket="models", Key=key)["Body"].read()
    filled.put_object(Bucket="models", Key=key, Body=content[:-1] + b"\x01")
    done = run(path, "Qwen/Qwen3-8B", "--verify")
    assert done.exit_code == 1
    assert "Qwen/Qwen3-8B@abc: model.safetensors has the SHA-256" in done.stdout


@pytest.mark.parametrize(
    ("key", "body", "fault"),
    [
        ("extra.safetensors", b"x", "extra.safetensors is not in the manifest"),
        ("config.json", b"{}", "config.json has 2 bytes, not"),
        ("model.safetensors", None, "incomplete: model.safetensors is missing"),
    ],
)
def test_what_is_not_as_the_manifest_says_is_seen_at_once(
    filled: S3Client, path: Path, key: str, body: bytes | None, fault: str
) -> None:
    whole = f"models/Qwen/Qwen3-8B/abc/{key}"
    if body is None:
        filled.delete_object(Bucket="models", Key=whole)
    else:
        filled.put_object(Bucket="models", Key=whole, Body=body)
    assert fault in rows(path)[0]["state"]
    assert run(path, "Qwen/Qwen3-8B@abc", "--verify").exit_code == 1


def test_deleting_asks_first(filled: S3Client, path: Path) -> None:
    refused = run(path, "--delete", "Qwen/Qwen3-8B@old", typed="n\n")
    assert refused.exit_code == 1
    assert len(rows(path)) == 3
    done = run(path, "--delete", "Qwen/Qwen3-8B@old", typed="y\n")
    assert "Qwen/Qwen3-8B@old is deleted (2 files" in done.stdout
    run(path, "--delete", "org/half@main", "--yes")
    assert [row["revision"] for row in rows(path)] == ["abc"]


def test_what_a_service_uses_is_not_deleted(filled: S3Client, path: Path) -> None:
    with pytest.raises(InputError, match=r"Qwen/Qwen3-8B@abc is used by chat in .*dev\.toml"):
        run(path, "--delete", "Qwen/Qwen3-8B@abc", "--yes")
    assert len(rows(path)) == 3


def test_a_wrong_name_is_told(filled: S3Client, path: Path) -> None:
    with pytest.raises(InputError, match=r'no Qwen/Qwen3-8b\. Did you mean "Qwen/Qwen3-8B"'):
        run(path, "Qwen/Qwen3-8b")
    with pytest.raises(InputError, match="names no revision"):
        run(path, "--delete", "Qwen/Qwen3-8B")
    with pytest.raises(InputError, match='Did you mean "Qwen/Qwen3-8B@old"'):
        run(path, "--delete", "Qwen/Qwen3-8B@odl")
