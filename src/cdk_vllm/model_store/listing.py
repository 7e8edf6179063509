"""What the store holds: complete models, incomplete ones, and deleting either."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cdk_vllm.model_prefix import MODELS, model_prefix
from cdk_vllm.model_store.manifest import MANIFEST_NAME
from cdk_vllm.model_store.prefix import Prefix

if TYPE_CHECKING:
    from datetime import datetime

    from mypy_boto3_s3 import S3Client

    from cdk_vllm.model_store.manifest import Manifest

_MANIFESTS_AT_ONCE = 8


@dataclass(frozen=True)
class StoredModel:
    """A revision of a model as it lies in the store.

    `sizes` are its objects' without the manifest, `pushed` is when the manifest was written.
    """

    model: str
    revision: str
    sizes: dict[str, int]
    manifest: Manifest | None
    pushed: datetime | None

    @property
    def size_bytes(self) -> int:
        """The sum of the objects' sizes."""
        return sum(self.sizes.values())

    @property
    def fault(self) -> str:
        """Why it cannot be deployed, or nothing: no manifest, or files that are not as it says."""
        if self.manifest is None:
            return "incomplete: no manifest"
        named = {file.name: file.size_bytes for file in self.manifest.files}
        for name in sorted(named.keys() | self.sizes.keys()):
            if name not in self.sizes:
                return f"incomplete: {name} is missing"
            if name not in named:
                return f"{name} is not in the manifest"
            if named[name] != self.sizes[name]:
                return f"{name} has {self.sizes[name]} bytes, not {named[name]}"
        return ""


def stored_models(s3: S3Client, bucket: str) -> list[StoredModel]:
    """Return all models in the store, by name and revision."""
    sizes: dict[tuple[str, str], dict[str, int]] = {}
    pushed: dict[tuple[str, str], datetime] = {}
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=MODELS)
    for entry in (entry for page in pages for entry in page.get("Contents", [])):
        parts = entry["Key"].removeprefix(MODELS).split("/", 3)
        if len(parts) < 4:
            continue
        key, name = ("/".join(parts[:2]), parts[2]), parts[3]
        files = sizes.setdefault(key, {})
        if name == MANIFEST_NAME:
            pushed[key] = entry["LastModified"]
        else:
            files[name] = entry["Size"]

    def described(key: tuple[str, str]) -> StoredModel:
        place = Prefix(s3, bucket, model_prefix(*key))
        manifest = place.manifest() if key in pushed else None
        return StoredModel(*key, sizes[key], manifest, pushed.get(key))

    with ThreadPoolExecutor(_MANIFESTS_AT_ONCE) as pool:
        return list(pool.map(described, sorted(sizes)))


def delete_model(s3: S3Client, bucket: str, stored: StoredModel) -> None:
    """Delete a model, its manifest first: what is left of a cut is no model."""
    place = Prefix(s3, bucket, model_prefix(stored.model, stored.revision))
    place.delete([MANIFEST_NAME])
    place.delete(sorted(stored.sizes))
