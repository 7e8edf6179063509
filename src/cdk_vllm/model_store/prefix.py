"""One prefix of a bucket: what lies there, and how files are put there with their checksums."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm.model_store.manifest import MANIFEST_NAME, Manifest

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

_MISSING = frozenset({"NoSuchKey", "404", "NotFound"})
_DELETED_AT_ONCE = 1000


@dataclass(frozen=True)
class StoredObject:
    """An object as S3 describes it; `sha256` is what its push noted, in hex."""

    size_bytes: int
    checksum_sha256: str | None
    sha256: str | None
    version_id: str | None
    modified: datetime


@dataclass(frozen=True)
class Prefix:
    """A place in a bucket; `prefix` ends in a slash, names are relative to it."""

    s3: S3Client
    bucket: str
    prefix: str

    @property
    def uri(self) -> str:
        """`s3://BUCKET/PREFIX`, with the slash at the end."""
        return f"s3://{self.bucket}/{self.prefix}"

    def sizes(self) -> dict[str, int]:
        """Return the sizes of all objects by name."""
        pages = self.s3.get_paginator("list_objects_v2").paginate(
            Bucket=self.bucket, Prefix=self.prefix
        )
        return {
            entry["Key"].removeprefix(self.prefix): entry["Size"]
            for page in pages
            for entry in page.get("Contents", [])
        }

    def head(self, name: str) -> StoredObject | None:
        """Return an object's description, or `None` where there is none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - the command starts fast

        try:
            found = self.s3.head_object(
                Bucket=self.bucket, Key=self.prefix + name, ChecksumMode="ENABLED"
            )
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise
        version = found.get("VersionId")
        return StoredObject(
            size_bytes=found["ContentLength"],
            checksum_sha256=found.get("ChecksumSHA256"),
            sha256=found["Metadata"].get("sha256"),
            version_id=None if version == "null" else version,
            modified=found["LastModified"],
        )

    def text(self, name: str) -> bytes | None:
        """Return a small object's content, or `None` where there is none."""
        from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

        try:
            found = self.s3.get_object(Bucket=self.bucket, Key=self.prefix + name)
            return found["Body"].read()
        except ClientError as error:
            if error.response["Error"]["Code"] in _MISSING:
                return None
            raise

    def manifest(self) -> Manifest | None:
        """Return the manifest, or `None` where there is none that can be read."""
        text = self.text(MANIFEST_NAME)
        try:
            return None if text is None else Manifest.from_json(text)
        except ValueError:
            return None

    def put_manifest(self, manifest: Manifest) -> None:
        """Write the manifest: from now on the prefix is a model."""
        self.put_text(MANIFEST_NAME, manifest.to_json())

    def put_text(self, name: str, text: str) -> None:
        """Write a small JSON object, with its checksum."""
        self.s3.put_object(
            Bucket=self.bucket,
            Key=self.prefix + name,
            Body=text.encode(),
            ChecksumAlgorithm="SHA256",
            ContentType="application/json",
        )

    def delete(self, names: Iterable[str]) -> None:
        """Delete objects; in a bucket with versions they can be brought back until they expire."""
        keys = [self.prefix + name for name in names]
        for start in range(0, len(keys), _DELETED_AT_ONCE):
            batch = keys[start : start + _DELETED_AT_ONCE]
            self.s3.delete_objects(
                Bucket=self.bucket, Delete={"Objects": [{"Key": key} for key in batch]}
            )
