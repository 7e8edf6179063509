"""An image that the CDK CLI builds with the Docker of whoever deploys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_ecr_assets as ecr_assets
from constructs import Construct

from cdk_vllm.constructs.image.base_image import DEFAULT_BASE_IMAGE, check_base_image
from cdk_vllm.constructs.image.container_directory import LEFT_OUT, container_directory
from cdk_vllm.constructs.image.pull import grant_ecr_pull
from cdk_vllm.constructs.image.request import check_directory, check_target

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from aws_cdk import aws_iam as iam


class LocallyBuiltImage(Construct):
    """An image built and pushed from this machine; it needs Docker and 40 GB of disk.

    `image_uri` ends in the content hash CDK gives the image, not in a digest: the digest is unknown
    until the build. The repository is the CDK bootstrap's, whose tags are immutable, so that the
    hash names the bytes as well as a digest would.

    Raises:
        InputError: no `Dockerfile` in `directory`, or an unsafe `base_image`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        target: str,
        directory: Path | None = None,
        base_image: str = DEFAULT_BASE_IMAGE,
        accept_advisories: Collection[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        context = check_directory(directory or container_directory())
        self._asset = ecr_assets.DockerImageAsset(
            self,
            "Asset",
            directory=str(context),
            exclude=LEFT_OUT,
            target=check_target(target, context),
            build_args={"BASE_IMAGE": check_base_image(base_image, accept_advisories)},
            platform=ecr_assets.Platform.LINUX_AMD64,
        )
        self.image_uri = self._asset.image_uri

    def grant_pull(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` pull from the CDK bootstrap's image repository."""
        return grant_ecr_pull(grantee, self._asset.repository.repository_arn)

    def ecs_container_image(self) -> cdk.aws_ecs.ContainerImage:
        """Return the image for an ECS container; `grant_pull` its execution role beside it."""
        return cdk.aws_ecs.ContainerImage.from_registry(self.image_uri)
