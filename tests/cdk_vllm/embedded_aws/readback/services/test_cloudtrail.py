from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


def test_trail(client: Client, wrong: Wrong) -> None:
    client("s3").create_bucket(Bucket="audit")
    cloudtrail = client("cloudtrail")
    cloudtrail.create_trail(Name="who", S3BucketName="audit", EnableLogFileValidation=True)
    fields = [{"Field": "eventCategory", "Equals": ["Data"]}]
    selectors = [{"Name": "Models", "FieldSelectors": fields}]
    cloudtrail.put_event_selectors(TrailName="who", AdvancedEventSelectors=selectors)
    cloudtrail.start_logging(Name="who")
    written = {
        "AdvancedEventSelectors": selectors,
        "EnableLogFileValidation": True,
        "IsLogging": True,
        "S3BucketName": "audit",
        "TrailName": "who",
    }
    assert wrong("CloudTrail::Trail", "who", written) == []
    cloudtrail.stop_logging(Name="who")
    (difference,) = wrong("CloudTrail::Trail", "who", written)
    assert difference == "IsLogging should be true but is false"
    assert not exists(client, "AWS::CloudTrail::Trail", "nobody")
