from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(minutes: int) -> dict[str, Any]:
    return {
        "Builder": {
            "Type": "AWS::CodeBuild::Project",
            "Properties": {
                "Artifacts": {"Type": "NO_ARTIFACTS"},
                "ConcurrentBuildLimit": 1,
                "EncryptionKey": "alias/mine",
                "Environment": {
                    "ComputeType": "BUILD_GENERAL1_XLARGE",
                    "EnvironmentVariables": [{"Name": "A", "Value": "b"}],
                    "Image": "aws/codebuild/standard:7.0",
                    "PrivilegedMode": True,
                    "Type": "LINUX_CONTAINER",
                },
                "LogsConfig": {"CloudWatchLogs": {"Status": "ENABLED", "GroupName": "g"}},
                "ServiceRole": "arn:aws:iam::123456789012:role/builder",
                "Source": {"BuildSpec": "version: 0.2", "Type": "NO_SOURCE"},
                "TimeoutInMinutes": minutes,
            },
        }
    }


def test_a_project_is_read_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    codebuild, ids = client("codebuild"), deployed(**resources(120))
    (shown,) = codebuild.batch_get_projects(names=[ids["Builder"]])["projects"]
    assert shown["environment"]["computeType"] == "BUILD_GENERAL1_XLARGE"
    assert shown["environment"]["privilegedMode"] is True
    assert shown["source"] == {"type": "NO_SOURCE", "buildspec": "version: 0.2"}
    assert (shown["encryptionKey"], shown["concurrentBuildLimit"]) == ("alias/mine", 1)
    assert shown["logsConfig"]["cloudWatchLogs"]["groupName"] == "g"
    assert (shown["timeoutInMinutes"], shown["queuedTimeoutInMinutes"]) == (120, 480)
    assert deployed(**resources(60)) == ids
    (shown,) = codebuild.batch_get_projects(names=[ids["Builder"]])["projects"]
    assert shown["timeoutInMinutes"] == 60
    destroyed()
    assert not codebuild.list_projects()["projects"]
