"""Puts a model's directory into the store; the manifest goes last, so half a model is no model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from boto3.s3.transfer import TransferConfig
from botocore.exceptions import ClientError

from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.model_store.manifest import MANIFEST_NAME, Manifest
from cdk_vllm.model_store.selection import engine_files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from mypy_boto3_s3 import S3Client

# 64 MiB parts keep a 100 GB shard far below S3's limit of 10,000 parts.
TRANSFER = TransferConfig(multipart_chunksize=64 * 2**20, multipart_threshold=64 * 2**20)


@dataclass(frozen=True)
class PushResult:
    """What a push did: the manifest, where it lies, and the names sent and kept."""

    uri: str
    manifest: Manifest
    sent: tuple[str, ...]
    kept: tuple[str, ...]


def push(
    s3: S3Client,
    *,
    bucket: str,
    model: str,
    revision: str,
    directory: Path,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> PushResult:
    """Put the files of `directory` under the model's prefix of `bucket`.

    A file that the last manifest holds with the same hash is kept. `on_bytes` is called with the
    bytes of every part sent or kept. Raises `InputError` for a directory that is not a model.
    """
    paths = {path.name: path for path in engine_files(directory) if path.name != MANIFEST_NAME}
    manifest = Manifest.of_files(model, revision, paths.values())
    prefix = model_prefix(model, revision)
    before = _manifest_in_store(s3, bucket, prefix)
    known = {file.name: file.sha256 for file in before.files} if before else {}
    if before not in (None, manifest):
        # Until the new manifest is there, nobody may take the mixture for a model.
        s3.delete_object(Bucket=bucket, Key=prefix + MANIFEST_NAME)
    sent, kept = [], []
    for file in manifest.files:
        if known.get(file.name) == file.sha256:
            kept.append(file.name)
            on_bytes(file.size_bytes)
            continue
        key = prefix + file.name
        s3.upload_file(str(paths[file.name]), bucket, key, Callback=on_bytes, Config=TRANSFER)
        sent.append(file.name)
    _delete_strays(s3, bucket, prefix, known.keys() - paths.keys())
    if before != manifest:
        body = manifest.to_json().encode()
        s3.put_object(Bucket=bucket, Key=prefix + MANIFEST_NAME, Body=body)
    return PushResult(f"s3://{bucket}/{prefix}", manifest, tuple(sent), tuple(kept))


def _delete_strays(s3: S3Client, bucket: str, prefix: str, names: set[str]) -> None:
    # A shard of an earlier push would be streamed into the engine together with the new ones.
    for name in sorted(names):
        s3.delete_object(Bucket=bucket, Key=prefix + name)


def _manifest_in_store(s3: S3Client, bucket: str, prefix: str) -> Manifest | None:
    try:
        body = s3.get_object(Bucket=bucket, Key=prefix + MANIFEST_NAME)["Body"].read()
        return Manifest.from_json(body)
    except ClientError as error:
        if error.response["Error"]["Code"] in ("NoSuchKey", "404"):
            return None
        raise
    except (ValueError, KeyError, TypeError):
        return None
