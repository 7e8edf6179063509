from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


def test_project(client: Client, wrong: Wrong) -> None:
    written = {
        "Artifacts": {"Type": "NO_ARTIFACTS"},
        "Environment": {
            "ComputeType": "BUILD_GENERAL1_LARGE",
            "EnvironmentVariables": [{"Name": "TARGET", "Type": "PLAINTEXT", "Value": "ecs"}],
            "Image": "aws/codebuild/standard:7.0",
            "PrivilegedMode": True,
            "Type": "LINUX_CONTAINER",
        },
        "Name": "image",
        "ServiceRole": "arn:aws:iam::123456789012:role/service-role/build",
        "Source": {"BuildSpec": "version: 0.2", "Location": "bucket/key.zip", "Type": "S3"},
        "TimeoutInMinutes": 60,
    }
    client("codebuild").create_project(
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "computeType": "BUILD_GENERAL1_LARGE",
            "environmentVariables": [{"name": "TARGET", "type": "PLAINTEXT", "value": "ecs"}],
            "image": "aws/codebuild/standard:7.0",
            "privilegedMode": True,
            "type": "LINUX_CONTAINER",
        },
        name="image",
        serviceRole=written["ServiceRole"],
        source={"buildspec": "version: 0.2", "location": "bucket/key.zip", "type": "S3"},
        timeoutInMinutes=60,
    )
    assert wrong("CodeBuild::Project", "image", written) == []
    written["Source"] = {"BuildSpec": "version: 0.1", "Type": "S3"}
    assert wrong("CodeBuild::Project", "image", written) == [
        'Source.BuildSpec should be "version: 0.1" but is "version: 0.2"'
    ]
    assert not exists(client, "AWS::CodeBuild::Project", "other")
