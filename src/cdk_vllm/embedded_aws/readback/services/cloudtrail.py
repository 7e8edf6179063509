"""Reads CloudTrail back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _trail(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    cloudtrail = client("cloudtrail")
    trail = cloudtrail.get_trail(Name=physical_id)["Trail"]
    selectors = cloudtrail.get_event_selectors(TrailName=physical_id)
    tags = cloudtrail.list_tags(ResourceIdList=[trail["TrailARN"]])["ResourceTagList"]
    return {
        **listed(
            trail,
            "CloudWatchLogsLogGroupArn",
            "CloudWatchLogsRoleArn",
            "IncludeGlobalServiceEvents",
            "IsMultiRegionTrail",
            "S3BucketName",
            "S3KeyPrefix",
        ),
        "AdvancedEventSelectors": selectors.get("AdvancedEventSelectors"),
        "Arn": trail["TrailARN"],
        "EnableLogFileValidation": trail["LogFileValidationEnabled"],
        "IsLogging": cloudtrail.get_trail_status(Name=physical_id)["IsLogging"],
        "KMSKeyId": trail.get("KmsKeyId"),
        "Tags": [tag for resource in tags for tag in resource["TagsList"]],
        "TrailName": trail["Name"],
    }


READERS: Mapping[str, Reader] = {"AWS::CloudTrail::Trail": _trail}
