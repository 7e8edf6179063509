"""Reads a stored model again, byte by byte, and compares it with its manifest."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.model_store.hashing import hash_stream
from cdk_vllm.model_store.prefix import Prefix

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_s3 import S3Client

    from cdk_vllm.model_store.listing import StoredModel
    from cdk_vllm.model_store.manifest import ManifestFile

_FILES_AT_ONCE = 4


def verify(
    s3: S3Client,
    bucket: str,
    stored: StoredModel,
    on_bytes: Callable[[int], None] = lambda _: None,
) -> list[str]:
    """Return what is wrong with a model, one sentence each; nothing where all is well.

    Every file is streamed and hashed; memory stays flat. `on_bytes` is called from several threads.
    """
    if stored.fault or stored.manifest is None:
        return [stored.fault]
    place = Prefix(s3, bucket, model_prefix(stored.model, stored.revision))
    part_size_bytes = stored.manifest.part_size_bytes

    def fault_of(file: ManifestFile) -> str:
        body = s3.get_object(Bucket=bucket, Key=place.prefix + file.name)["Body"]
        found = hash_stream(body, part_size_bytes, on_bytes).sha256
        same = found == file.sha256
        return "" if same else f"{file.name} has the SHA-256 {found}, not {file.sha256}"

    with ThreadPoolExecutor(_FILES_AT_ONCE) as pool:
        return [fault for fault in pool.map(fault_of, stored.manifest.files) if fault]
