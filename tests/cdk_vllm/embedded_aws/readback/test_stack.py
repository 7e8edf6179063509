from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.readback import exists, read_back, reader_types

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.embedded_aws.readback import ResourceReadBack

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "lambda.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
RESOURCES = {
    "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": {"Ref": "Cidr"}}},
    "Subnet": {
        "Type": "AWS::EC2::Subnet",
        "Properties": {
            "AvailabilityZone": {"Fn::Select": [0, {"Fn::GetAZs": ""}]},
            "CidrBlock": "10.0.0.0/24",
            "VpcId": {"Ref": "Vpc"},
        },
    },
    "Logs": {"Type": "AWS::Logs::LogGroup", "Properties": {"RetentionInDays": 30}},
    "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
    "Policy": {
        "Type": "AWS::IAM::Policy",
        "Properties": {
            "PolicyName": "Writes",
            "Roles": [{"Ref": "Role"}],
            "PolicyDocument": {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": ["logs:PutLogEvents", "logs:CreateLogStream"],
                        "Resource": {"Fn::GetAtt": ["Logs", "Arn"]},
                    }
                ],
            },
        },
    },
    "Function": {
        "Type": "AWS::Lambda::Function",
        "Properties": {
            "Code": {"ZipFile": "def handler(event, context): return event"},
            "Environment": {"Variables": {"GROUP": {"Ref": "Logs"}}},
            "Handler": "index.handler",
            "MemorySize": 256,
            "Role": {"Fn::GetAtt": ["Role", "Arn"]},
            "Runtime": "python3.13",
        },
    },
    "Model": {
        "Type": "AWS::SageMaker::Model",
        "Properties": {
            "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
            "PrimaryContainer": {
                "Image": {"Fn::Sub": "${AWS::AccountId}.dkr.ecr.${AWS::Region}.amazonaws.com/vllm"},
                "Environment": {"MODEL": "qwen"},
            },
        },
    },
    "Never": {"Type": "AWS::Logs::LogGroup", "Condition": "IsProd"},
    "Queue": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "jobs"}},
}


@pytest.fixture
def deployed(client: Callable[[str], Any]) -> Callable[[str], Any]:
    template = {
        "Parameters": {"Cidr": {"Type": "String", "Default": "10.0.0.0/16"}},
        "Conditions": {"IsProd": {"Fn::Equals": [{"Ref": "AWS::StackName"}, "prod"]}},
        "Resources": RESOURCES,
    }
    client("cloudformation").create_stack(
        StackName="one", TemplateBody=json.dumps(template), Capabilities=["CAPABILITY_IAM"]
    )
    return client


def found(client: Callable[[str], Any], logical_id: str, **recorded: str) -> ResourceReadBack:
    resources = {r.logical_id: r for r in read_back(client, "one", recorded).resources}
    return resources[logical_id]


def test_what_is_deployed_as_written_is_served(deployed: Callable[[str], Any]) -> None:
    result = read_back(deployed, "one", {"AWS::SQS::*": "a queue of no interest."})
    assert [r.detail for r in result.of("skipped")] == []
    assert (result.stack_name, result.served, result.recorded, result.skipped) == ("one", 7, 1, 0)
    function = found(deployed, "Function")
    assert function.outcome == "served"
    assert function.properties_checked == 5
    assert function.detail == (
        "AWS::Lambda::Function Function was read back with its 5 listed properties as written; "
        "not listed: Code."
    )


def test_a_resource_whose_condition_fails_is_not_counted(deployed: Callable[[str], Any]) -> None:
    names = [resource.logical_id for resource in read_back(deployed, "one", {}).resources]
    assert names == [name for name in RESOURCES if name != "Never"]


def test_a_recorded_type_gives_its_reason(deployed: Callable[[str], Any]) -> None:
    recorded = {"Custom::*": "ours.", "AWS::SQS::Queue": "no one reads it."}
    queue = read_back(deployed, "one", recorded).of("recorded")
    assert [r.detail for r in queue] == ["AWS::SQS::Queue Queue is recorded: no one reads it."]


def test_a_type_without_a_reader_is_skipped(deployed: Callable[[str], Any]) -> None:
    queue = found(deployed, "Queue")
    assert (queue.outcome, queue.properties_checked) == ("skipped", 0)
    assert queue.detail == "AWS::SQS::Queue Queue has no reader."


def test_a_changed_property_is_skipped_with_both_values(deployed: Callable[[str], Any]) -> None:
    logs = found(deployed, "Logs")
    assert logs.outcome == "served"
    deployed("logs").put_retention_policy(logGroupName=logs.physical_id, retentionInDays=7)
    logs = found(deployed, "Logs")
    assert logs.outcome == "skipped"
    assert logs.detail == (
        "AWS::Logs::LogGroup Logs differs: RetentionInDays should be 30 but is 7."
    )


def test_many_changes_are_counted(deployed: Callable[[str], Any]) -> None:
    function = found(deployed, "Function").physical_id
    deployed("lambda").update_function_configuration(
        FunctionName=function,
        Handler="other.handler",
        MemorySize=512,
        Runtime="python3.12",
        Environment={"Variables": {"GROUP": "other"}},
    )
    detail = found(deployed, "Function").detail
    assert detail.endswith("; and 1 more.")
    assert detail.count(" should be ") == 3


def test_a_missing_resource_is_skipped(deployed: Callable[[str], Any]) -> None:
    logs = found(deployed, "Logs").physical_id
    deployed("logs").delete_log_group(logGroupName=logs)
    assert found(deployed, "Logs").outcome == "skipped"
    assert found(deployed, "Logs").detail == (f"AWS::Logs::LogGroup Logs was not found as {logs}.")
    # An attribute of what is gone can still be any value, but the policy's own value stands.
    assert found(deployed, "Policy").outcome == "served"


def test_a_services_error_is_named(deployed: Callable[[str], Any]) -> None:
    model = found(deployed, "Model").physical_id
    deployed("sagemaker").delete_model(ModelName=model.rsplit("/", 1)[-1])
    assert found(deployed, "Model").detail == (
        f"AWS::SageMaker::Model Model was not found as {model} (ValidationException)."
    )


def there(client: Callable[[str], Any], resource: ResourceReadBack) -> bool:
    return exists(client, resource.resource_type, resource.physical_id, resource.properties)


def test_existence_follows_the_service(deployed: Callable[[str], Any]) -> None:
    resources = read_back(deployed, "one", {}).of("served")
    assert [r.logical_id for r in resources if not there(deployed, r)] == []
    deployed("cloudformation").delete_stack(StackName="one")
    assert [r.logical_id for r in resources if there(deployed, r)] == []
    assert not exists(deployed, "AWS::SQS::Queue", "jobs")


def test_the_properties_stay_out_of_every_text(deployed: Callable[[str], Any]) -> None:
    model = found(deployed, "Model")
    assert model.properties["PrimaryContainer"]["Environment"] == {"MODEL": "qwen"}
    assert "qwen" not in repr(model)


def test_every_type_is_a_cloudformation_name() -> None:
    assert all(name.startswith("AWS::") and name.count("::") == 2 for name in reader_types())
