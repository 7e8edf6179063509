"""Reads Secrets Manager and Systems Manager parameters back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _secret(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Read everything but the value, which must exist where the template makes one."""
    secret = client("secretsmanager").describe_secret(SecretId=physical_id)
    if "DeletedDate" in secret:
        raise LookupError
    if {"GenerateSecretString", "SecretString"} & set(properties):
        only(s for s in secret.get("VersionIdsToStages", {}).values() if "AWSCURRENT" in s)
    return {**listed(secret, "Description", "KmsKeyId", "Name", "Tags"), "Id": secret["ARN"]}


def _parameter(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    ssm = client("ssm")
    parameter = ssm.get_parameter(Name=physical_id)["Parameter"]
    described = only(
        ssm.describe_parameters(
            ParameterFilters=[{"Key": "Name", "Option": "Equals", "Values": [physical_id]}]
        )["Parameters"]
    )
    tags = ssm.list_tags_for_resource(ResourceType="Parameter", ResourceId=physical_id)
    return {
        **listed(parameter, "DataType", "Name", "Type", "Value"),
        **listed(described, "AllowedPattern", "Description", "Tier"),
        "Tags": {tag["Key"]: tag["Value"] for tag in tags["TagList"]},
    }


READERS: Mapping[str, Reader] = {
    "AWS::SSM::Parameter": _parameter,
    "AWS::SecretsManager::Secret": _secret,
}
