"""A prefix in a bucket, and the client that reads it."""

from __future__ import annotations

import json
import os
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .failure import PrepareError, StoreError, is_missing, sentence
from .manifest import MANIFEST_NAME, PICKLES, Manifest, ManifestFile, parse

if TYPE_CHECKING:
    from collections.abc import Callable

_URI = re.compile(r"s3://([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/((?:[^/\s]+/)*[^/\s]+)/?")
_AT_ONCE = 16


@dataclass(frozen=True)
class Location:
    """`s3://BUCKET/PREFIX/`."""

    bucket: str
    prefix: str

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    @property
    def last(self) -> str:
        """The last part of the prefix."""
        return self.prefix.rstrip("/").rpartition("/")[2]

    def below(self, *names: str) -> Location:
        """Return the location of a folder in this one."""
        return Location(self.bucket, self.prefix + "".join(f"{name}/" for name in names))


def location(uri: str) -> Location:
    """Read `s3://BUCKET/PREFIX/`, with its last slash or without; raises `PrepareError`."""
    match = _URI.fullmatch(uri)
    if match is None or ".." in uri.split("/"):
        raise PrepareError(f'"{uri}" is not an address of the form s3://BUCKET/PREFIX/')
    return Location(match[1], match[2] + "/")


def client(connections: int = 64, attempts: int = 5, connect_seconds: float = 5.0) -> Any:
    """Return a client of S3; raises `PrepareError` where there is no boto3 or no region.

    `connections` at once, each request tried `attempts` times.
    """
    try:
        import boto3
        from botocore.config import Config
    except ModuleNotFoundError as error:
        raise PrepareError(
            f"this image has no {error.name}; build it on vllm/vllm-openai, which has boto3"
        ) from None
    session = boto3.Session()
    # ECS tasks have the one, boto3 reads the other.
    region = session.region_name or os.environ.get("AWS_REGION")
    if not region:
        raise PrepareError("no AWS region is set; set AWS_REGION to the bucket's region")
    config = Config(
        max_pool_connections=connections,
        connect_timeout=connect_seconds,
        read_timeout=30,
        retries={"mode": "standard", "total_max_attempts": attempts},
    )
    return session.client("s3", region_name=region, config=config)


class Bucket:
    """What is asked of S3, with one sentence for whatever it answers."""

    def __init__(self, s3: Any) -> None:
        self._s3 = s3

    def text(self, place: Location, name: str) -> bytes | None:
        """Return a small object, or `None` where there is none; raises `PrepareError`."""

        def get() -> Any:
            found = self._s3.get_object(Bucket=place.bucket, Key=place.prefix + name)
            return found["Body"].read()

        found: bytes | None = _asked(get, f"{place}{name}", none_if_missing=True)
        return found

    def sizes(self, place: Location) -> dict[str, int]:
        """Return the sizes of the objects under a prefix by their names below it."""

        def get() -> dict[str, int]:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=place.bucket, Prefix=place.prefix
            )
            return {
                entry["Key"][len(place.prefix) :]: int(entry["Size"])
                for page in pages
                for entry in page.get("Contents", ())
            }

        return dict(_asked(get, str(place)))

    def folders(self, place: Location) -> frozenset[str]:
        """Return the names of the folders right below a prefix."""

        def get() -> frozenset[str]:
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=place.bucket, Prefix=place.prefix, Delimiter="/"
            )
            return frozenset(
                entry["Prefix"][len(place.prefix) :].rstrip("/")
                for page in pages
                for entry in page.get("CommonPrefixes", ())
            )

        return frozenset(_asked(get, str(place)))

    def head(self, place: Location, name: str) -> dict[str, Any]:
        """Return what S3 keeps of an object, its checksum included."""

        def get() -> Any:
            return self._s3.head_object(
                Bucket=place.bucket, Key=place.prefix + name, ChecksumMode="ENABLED"
            )

        return dict(_asked(get, f"{place}{name}"))

    def body(self, place: Location, name: str, first: int, last: int) -> Any:
        """Return a stream of the bytes `first` to `last` of an object."""

        def get() -> Any:
            key = place.prefix + name
            found = self._s3.get_object(Bucket=place.bucket, Key=key, Range=f"bytes={first}-{last}")
            return found["Body"]

        found = _asked(get, f"{place}{name}", none_if_missing=True)
        if found is None:
            raise _lacks(place, name)
        return found

    def manifest(self, place: Location) -> Manifest:
        """Return the manifest of a prefix; raises `PrepareError` where it is not complete."""
        text = self.text(place, MANIFEST_NAME)
        if text is None:
            raise _incomplete(place, set(self.sizes(place)))
        return parse(text, str(place))

    def check(self, place: Location, manifest: Manifest) -> None:
        """Compare a manifest with the objects: names and sizes, then checksums and versions.

        Anything else under the prefix is a failure too: vLLM's streamer loads every
        `*.safetensors`, and fetches whatever is no pickle (vLLM 0.33, runai-model-streamer 0.17).
        """
        sizes = self.sizes(place)
        for file in manifest.files:
            _compare_size(place, file, sizes.get(file.name))
        strays = sizes.keys() - manifest.names - {MANIFEST_NAME}
        for name in sorted(name for name in strays if name and not name.endswith("/")):
            raise PrepareError(
                f"{place}{name} is not in the manifest, and vLLM would read it; delete it, or push "
                "again"
            )
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for _ in pool.map(lambda file: self._compare_kept(place, file), manifest.files):
                pass

    def _compare_kept(self, place: Location, file: ManifestFile) -> None:
        kept = self.head(place, file.name)
        checksum, version = kept.get("ChecksumSHA256"), kept.get("VersionId")
        if checksum is None:
            raise PrepareError(
                f"{place}{file.name} has no SHA-256 in S3, so it was not put there by cdk-vllm; "
                "push again"
            )
        if checksum != file.checksum_sha256:
            raise PrepareError(
                f"{place}{file.name} has other content than the manifest says (SHA-256 {checksum}, "
                f"expected {file.checksum_sha256}); push again"
            )
        if file.version_id is not None and version != file.version_id:
            raise PrepareError(
                f"{place}{file.name} was written again after the push (version {version}, expected "
                f"{file.version_id}); find out by whom, and push again"
            )


def registered_version(text: bytes, where: str) -> str:
    """Return the version that `registered.json` names; raises `PrepareError`."""
    try:
        version = json.loads(text)["version"]
    except (KeyError, TypeError, ValueError):
        version = None
    if not isinstance(version, str) or not re.fullmatch(r"[0-9a-f]{12}", version):
        raise PrepareError(f"{where} names no version; register the adapter again")
    return version


def _asked(get: Callable[[], Any], where: str, *, none_if_missing: bool = False) -> Any:
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        return get()
    except (BotoCoreError, ClientError) as error:
        if none_if_missing and is_missing(error):
            return None
        raise sentence(error, where) from None
    except OSError as error:
        raise StoreError(f"{where}: S3 cannot be reached ({error}); try again") from None


def _compare_size(place: Location, file: ManifestFile, size: int | None) -> None:
    if size is None:
        raise _lacks(place, file.name)
    if size != file.size_bytes:
        raise PrepareError(
            f"{place}{file.name} has {size} bytes and the manifest says {file.size_bytes}; push "
            "again"
        )


def _lacks(place: Location, name: str) -> PrepareError:
    return PrepareError(f"{place} lacks {name}, which its manifest names; push again")


def _incomplete(place: Location, names: set[str]) -> PrepareError:
    if not names:
        return PrepareError(f"{place} is empty; correct the prefix, or push first")
    weights = any(name.endswith(".safetensors") for name in names)
    pickles = sorted(name for name in names if name.endswith(PICKLES))
    if pickles and not weights:
        return PrepareError(
            f"{place} holds pickled weights only ({pickles[0]}), and those are never loaded; "
            "convert them to safetensors and push again"
        )
    return PrepareError(
        f"{place} has {len(names)} objects and no {MANIFEST_NAME}: the push was not finished, or "
        "this is not the prefix of a model; push again"
    )
