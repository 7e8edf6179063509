"""The custom resources whose effect other resources need: done here, without their handlers."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from typing import Any

from .resource import Resource

_MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"


class ImageBuild(Resource):
    """`Custom::VllmImageBuild`: the image is a manifest derived from the build's properties.

    The same properties give the same digest, a changed one a new digest, and old images stay, as
    with a real build. The repository then answers `describe_images` for it.
    """

    type_name = "Custom::VllmImageBuild"

    def create(self, properties: dict[str, Any]) -> str:
        """Put the manifest into the repository and return the image's digest."""
        content = json.dumps(
            {name: value for name, value in properties.items() if name != "ServiceToken"},
            sort_keys=True,
        ).encode()
        config = {"mediaType": _CONFIG_TYPE, "size": len(content), "digest": _digest(content)}
        manifest = json.dumps(
            {"schemaVersion": 2, "mediaType": _MANIFEST_TYPE, "config": config, "layers": []}
        )
        digest = _digest(manifest.encode())
        ecr = self.client("ecr")
        repository = properties["RepositoryName"]
        # The same image again is no error: the build was asked for twice.
        with suppress(ecr.exceptions.ImageAlreadyExistsException):
            ecr.put_image(
                repositoryName=repository,
                imageManifest=manifest,
                imageManifestMediaType=_MANIFEST_TYPE,
                imageTag=digest.removeprefix("sha256:")[:16],
                imageDigest=digest,
            )
        return digest

    def update(self, properties: dict[str, Any]) -> None:
        """Build again; the digest, and so the physical id, follows the properties."""
        self.physical_id = self.create(properties)

    def attribute(self, name: str) -> Any:
        """Return `ImageUri` (by digest) or `ImageDigest`."""
        if name == "ImageDigest":
            return self.physical_id
        if name == "ImageUri":
            return f"{self.properties['RepositoryUri']}@{self.physical_id}"
        return None


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


class AutoDeleteObjects(Resource):
    """`Custom::S3AutoDeleteObjects`, CDK's own: without it, its bucket could not be deleted."""

    type_name = "Custom::S3AutoDeleteObjects"
    fixed = frozenset({"BucketName"})

    def create(self, properties: dict[str, Any]) -> str:
        """Do nothing until the end."""
        del properties
        return self.generated_name()

    def update(self, properties: dict[str, Any]) -> None:
        """Do nothing until the end."""

    def delete(self) -> None:
        """Delete every version of every object."""
        s3, bucket = self.client("s3"), {"Bucket": self.properties["BucketName"]}
        pages = s3.get_paginator("list_object_versions").paginate(**bucket)
        for page in pages:
            for item in [*page.get("Versions", []), *page.get("DeleteMarkers", [])]:
                s3.delete_object(**bucket, Key=item["Key"], VersionId=item["VersionId"])


TYPES = (AutoDeleteObjects, ImageBuild)
