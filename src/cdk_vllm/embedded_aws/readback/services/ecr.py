"""Reads ECR back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only, optional

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _repository(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    ecr = client("ecr")
    repository = only(ecr.describe_repositories(repositoryNames=[physical_id])["repositories"])
    lifecycle = optional(ecr.get_lifecycle_policy, repositoryName=physical_id)
    policy = optional(ecr.get_repository_policy, repositoryName=physical_id)
    arn = repository["repositoryArn"]
    return {
        **listed(
            repository,
            "EncryptionConfiguration",
            "ImageScanningConfiguration",
            "ImageTagMutability",
            "ImageTagMutabilityExclusionFilters",
            "RepositoryName",
            "RepositoryUri",
        ),
        "Arn": arn,
        "LifecyclePolicy": {"LifecyclePolicyText": lifecycle.get("lifecyclePolicyText")},
        "RepositoryPolicyText": policy.get("policyText"),
        "Tags": optional(ecr.list_tags_for_resource, resourceArn=arn).get("tags"),
    }


READERS: Mapping[str, Reader] = {"AWS::ECR::Repository": _repository}
