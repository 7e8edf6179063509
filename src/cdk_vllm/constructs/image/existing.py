"""An image that somebody else built."""

from __future__ import annotations

import re

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_vllm.constructs.image.pull import grant_ecr_pull
from cdk_vllm.errors import InputError

_BY_DIGEST = re.compile(r"(?P<repository>[^@\s]+)@(?P<digest>sha256:[0-9a-f]{64})")
_PRIVATE_ECR = re.compile(
    r"(?P<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?P<region>[a-z0-9-]+)\."
    r"(?:amazonaws\.com(?:\.cn)?|on\.aws)/(?P<name>[a-z0-9._/-]+?)(?::[\w.-]+)?"
)


class ExistingImage(Construct):
    """An image given by its digest, for example one your own pipeline pushed to ECR.

    `uri` is `REPOSITORY@sha256:` and 64 hexadecimal digits. A tag alone is refused: it can
    be moved, and then two replicas of one service run different code.

    Raises:
        InputError: `uri` has no digest.
    """

    def __init__(self, scope: Construct, construct_id: str, *, uri: str) -> None:
        super().__init__(scope, construct_id)
        match = check_image_uri(uri)
        self.image_uri = uri
        self.image_digest = match["digest"]
        self._private_ecr = _PRIVATE_ECR.fullmatch(match["repository"])

    def grant_pull(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` pull from the image's repository, where that is a private ECR one."""
        ecr = self._private_ecr
        if ecr is None:
            return iam.Grant.drop(grantee, f"{self.image_uri} is not in a private ECR repository")
        partition = cdk.Stack.of(self).partition
        arn = f"arn:{partition}:ecr:{ecr['region']}:{ecr['account']}:repository/{ecr['name']}"
        return grant_ecr_pull(grantee, arn)

    def ecs_container_image(self) -> cdk.aws_ecs.ContainerImage:
        """Return the image for an ECS container; `grant_pull` its execution role beside it."""
        return cdk.aws_ecs.ContainerImage.from_registry(self.image_uri)


def check_image_uri(uri: str) -> re.Match[str]:
    """Return the `repository` and `digest` of `uri`; without a digest raise `InputError`."""
    match = _BY_DIGEST.fullmatch(uri)
    if match is not None:
        return match
    mistake = "does not name its bytes by a digest"
    if uri.endswith(":latest"):
        mistake = "ends in :latest, which can be another image at every start"
    raise InputError(
        f'uri "{uri}" {mistake}; allowed: REPOSITORY@sha256:<64 hex digits>, which '
        "`aws ecr describe-images` shows as imageDigest."
    )
