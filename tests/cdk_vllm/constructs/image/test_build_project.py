"""The project that builds, and all that its role may do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from cdk_vllm.constructs.image.buildspec import buildspec

if TYPE_CHECKING:
    from collections.abc import Mapping


def project(template: dict[str, Any]) -> dict[str, Any]:
    (found,) = (
        r["Properties"]
        for r in template["Resources"].values()
        if r["Type"] == "AWS::CodeBuild::Project"
    )
    assert isinstance(found, dict)
    return found


def variables(template: dict[str, Any]) -> dict[str, Any]:
    listed = project(template)["Environment"]["EnvironmentVariables"]
    assert {variable["Type"] for variable in listed} == {"PLAINTEXT"}
    return {variable["Name"]: variable["Value"] for variable in listed}


def statements(template: dict[str, Any], role: str = "ImagesProjectRole") -> list[dict[str, Any]]:
    return [
        statement
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::IAM::Policy" and name.startswith(role)
        for statement in resource["Properties"]["PolicyDocument"]["Statement"]
    ]


def allowed(template: dict[str, Any]) -> dict[str, Any]:
    """Return the resources of every action, as JSON."""
    found: dict[str, list[str]] = {}
    for statement in statements(template):
        actions = statement["Action"]
        for action in [actions] if isinstance(actions, str) else actions:
            found.setdefault(action, []).append(json.dumps(statement["Resource"]))
    return found


def test_the_project_runs_docker_on_a_big_machine(templates: Mapping[str, dict[str, Any]]) -> None:
    environment = project(templates["foundation"])["Environment"]
    assert environment["PrivilegedMode"] is True
    assert environment["ComputeType"] == "BUILD_GENERAL1_LARGE"
    assert environment["Type"] == "LINUX_CONTAINER"


def test_the_project_runs_the_buildspec(templates: Mapping[str, dict[str, Any]]) -> None:
    source = project(templates["foundation"])["Source"]
    assert source["Type"] == "NO_SOURCE"
    assert json.loads(source["BuildSpec"]) == buildspec()


def test_layers_are_cached_and_logs_go_to_our_group(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    found = project(templates["foundation"])
    assert found["Cache"] == {"Type": "LOCAL", "Modes": ["LOCAL_DOCKER_LAYER_CACHE"]}
    assert found["LogsConfig"]["CloudWatchLogs"]["Status"] == "ENABLED"
    assert found["LogsConfig"]["CloudWatchLogs"]["GroupName"]["Ref"].startswith("ImagesLog")
    assert found["EncryptionKey"]["Fn::GetAtt"][0].startswith("ImagesKey")


def test_the_script_ends_before_codebuild_ends_it(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    for stack, minutes in (("foundation", 45), ("options", 20)):
        found = project(templates[stack])
        assert found["TimeoutInMinutes"] == minutes
        assert found["TimeoutInMinutes"] + found["QueuedTimeoutInMinutes"] < 60
        assert int(variables(templates[stack])["BUILD_SECONDS"]) == minutes * 60 - 120


def test_the_role_may_do_what_a_build_does_and_no_more(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    actions = allowed(templates["foundation"])
    assert set(actions) == {
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:DescribeImages",
        "ecr:GetAuthorizationToken",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
        "logs:CreateLogStream",
        "logs:PutLogEvents",
        "s3:GetObject",
    }
    everywhere = [action for action, where in actions.items() if '"*"' in where]
    assert everywhere == ["ecr:GetAuthorizationToken"]
    (push,) = actions["ecr:PutImage"]
    assert push.count("Fn::GetAtt") == 2


def test_the_role_reads_zipped_assets_of_this_account_only(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    (read,) = (s for s in statements(templates["foundation"]) if s["Action"] == "s3:GetObject")
    pieces = read["Resource"]["Fn::Join"][1]
    assert pieces[-2:] == [
        {"Fn::Sub": "cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}"},
        "/*.zip",
    ]
    assert read["Condition"] == {"StringEquals": {"aws:ResourceAccount": {"Ref": "AWS::AccountId"}}}


def test_without_a_secret_pulls_are_anonymous(templates: Mapping[str, dict[str, Any]]) -> None:
    assert variables(templates["foundation"])["DOCKER_HUB_SECRET_ARN"] == ""


def test_a_secret_is_readable_and_only_its_name_is_in_the_project(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    secret = variables(templates["options"])["DOCKER_HUB_SECRET_ARN"]
    assert secret["Ref"].startswith("DockerHub")
    assert allowed(templates["options"])["secretsmanager:GetSecretValue"] == [json.dumps(secret)]


def test_in_a_vpc_builds_reach_https_and_nothing_reaches_them(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    found = project(templates["options"])
    assert found["Environment"]["ComputeType"] == "BUILD_GENERAL1_MEDIUM"
    assert "Private" in json.dumps(found["VpcConfig"]["Subnets"])
    assert found["Cache"] == {"Type": "NO_CACHE"}, "CodeBuild has no local cache in a VPC"
    (group,) = (
        r["Properties"]
        for r in templates["options"]["Resources"].values()
        if r["Type"] == "AWS::EC2::SecurityGroup"
    )
    assert "SecurityGroupIngress" not in group
    (egress,) = group["SecurityGroupEgress"]
    assert (egress["IpProtocol"], egress["FromPort"], egress["ToPort"]) == ("tcp", 443, 443)
    actions = allowed(templates["options"])
    assert "ec2:CreateNetworkInterfacePermission" in actions
    assert not [action for action in actions if action.startswith("codebuild:")]
