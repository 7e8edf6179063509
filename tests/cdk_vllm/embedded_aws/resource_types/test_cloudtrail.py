from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]


def resources(prefix: str, *, logs: bool = True) -> dict[str, Any]:
    selector = {
        "Name": "Models",
        "FieldSelectors": [
            {"Field": "eventCategory", "Equals": ["Data"]},
            {"Field": "resources.ARN", "StartsWith": [f"arn:aws:s3:::models/{prefix}"]},
        ],
    }
    return {
        "Bucket": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "audit"}},
        "Trail": {
            "Type": "AWS::CloudTrail::Trail",
            "Properties": {
                "TrailName": "who",
                "S3BucketName": {"Ref": "Bucket"},
                "KMSKeyId": "arn:aws:kms:us-east-1:123456789012:key/k",
                "IsLogging": logs,
                "IsMultiRegionTrail": False,
                "EnableLogFileValidation": True,
                "AdvancedEventSelectors": [selector],
                "Tags": [{"Key": "a", "Value": "b"}],
            },
        },
    }


def test_a_trail_selects_logs_changes_and_goes(
    client: Client, deployed: Deployed, destroyed: Callable[[], None]
) -> None:
    cloudtrail = client("cloudtrail")
    ids = deployed(**resources("a"))
    trail = cloudtrail.get_trail(Name=ids["Trail"])["Trail"]
    assert (trail["S3BucketName"], trail["LogFileValidationEnabled"]) == ("audit", True)
    assert trail["KmsKeyId"].endswith("key/k")
    assert cloudtrail.get_trail_status(Name="who")["IsLogging"] is True
    assert deployed(**resources("b", logs=False)) == ids
    (selector,) = cloudtrail.get_event_selectors(TrailName="who")["AdvancedEventSelectors"]
    assert selector["FieldSelectors"][1]["StartsWith"] == ["arn:aws:s3:::models/b"]
    assert cloudtrail.get_trail_status(Name="who")["IsLogging"] is False
    destroyed()
    assert cloudtrail.list_trails()["Trails"] == []
