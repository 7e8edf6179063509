"""An image built in AWS for one stack."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from cdk_vllm.constructs.image.base_image import DEFAULT_BASE_IMAGE, check_base_image
from cdk_vllm.constructs.image.container_directory import LEFT_OUT, container_directory
from cdk_vllm.constructs.image.pull import grant_ecr_pull
from cdk_vllm.constructs.image.request import check_directory, check_target
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Collection
    from pathlib import Path

    from aws_cdk import aws_iam as iam

    from cdk_vllm.constructs.image.builder import ImageBuilder


class BuiltImage(Construct):
    """A request to an `ImageBuilder`, in the stack that uses the image.

    An equal directory, base image and target is built once for the whole environment. A change
    makes a new image while the running one stays, and no value that another stack imports ever
    changes.
    `image_uri`, `image_digest` and `base_image_digest` are known while deploying; `image_uri` is
    `REPOSITORY@sha256:...`.

    Args:
        scope: the construct this one belongs to.
        construct_id: its id.
        builder: the environment's builder, usually in another stack.
        target: the stage of the `Dockerfile` to build; `ecs` or `sagemaker` in the default one.
        directory: the Docker context, with a `Dockerfile`; default the one this package ships.
        base_image: what the build argument `BASE_IMAGE` names; see `check_base_image`.
        accept_advisories: ids of advisories against its vLLM that are accepted.

    Raises:
        InputError: no such directory or target, an unsafe `base_image`, or this stack's assets go
            to a bucket the builder may not read.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        builder: ImageBuilder,
        target: str,
        directory: Path | None = None,
        base_image: str = DEFAULT_BASE_IMAGE,
        accept_advisories: Collection[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        context = check_directory(directory or container_directory())
        asset = s3_assets.Asset(self, "Context", path=str(context), exclude=LEFT_OUT)
        self._check_bucket(asset, builder)
        self._builder = builder
        self._build = cdk.CustomResource(
            self,
            "Build",
            resource_type="Custom::VllmImageBuild",
            service_token=builder.service_token,
            # CloudFormation's limit; Lambda's of 15 minutes does not apply, the build answers.
            service_timeout=cdk.Duration.hours(1),
            properties={
                "BaseImage": check_base_image(base_image, accept_advisories),
                "ContextHash": asset.asset_hash,
                "ProjectName": builder.project.project_name,
                "RepositoryName": builder.repository.repository_name,
                "RepositoryUri": builder.repository.repository_uri,
                "SourceBucket": asset.s3_bucket_name,
                "SourceKey": asset.s3_object_key,
                "Target": check_target(target, context),
            },
        )
        self.image_uri = self._build.get_att_string("ImageUri")
        self.image_digest = self._build.get_att_string("ImageDigest")
        self.base_image_digest = self._build.get_att_string("BaseImageDigest")

    def _check_bucket(self, asset: s3_assets.Asset, builder: ImageBuilder) -> None:
        ours = cdk.Stack.of(self).resolve(asset.s3_bucket_name)
        readable = cdk.Stack.of(builder).resolve(builder.context_bucket_name)
        if ours != readable:
            raise InputError(
                f"The assets of stack {cdk.Stack.of(self).stack_name} go to {ours}, and its image "
                f"builder reads {readable}; give both stacks one synthesizer, account and region."
            )

    def grant_pull(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` pull from the builder's repository."""
        return grant_ecr_pull(grantee, self._builder.repository.repository_arn)

    def ecs_container_image(self) -> cdk.aws_ecs.ContainerImage:
        """Return the image for an ECS container; `grant_pull` its execution role beside it."""
        return cdk.aws_ecs.ContainerImage.from_registry(self.image_uri)
