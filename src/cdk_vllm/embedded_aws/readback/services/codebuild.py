"""Reads CodeBuild back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _project(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    project = only(client("codebuild").batch_get_projects(names=[physical_id])["projects"])
    return listed(
        project,
        "Arn",
        "Artifacts",
        "Cache",
        "ConcurrentBuildLimit",
        "Description",
        "EncryptionKey",
        "Environment",
        "LogsConfig",
        "Name",
        "QueuedTimeoutInMinutes",
        "ServiceRole",
        "Source",
        "SourceVersion",
        "Tags",
        "TimeoutInMinutes",
        "VpcConfig",
    )


READERS: Mapping[str, Reader] = {"AWS::CodeBuild::Project": _project}
