from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from cdk_vllm.embedded_aws.readback.comparison import WILDCARD
from cdk_vllm.embedded_aws.readback.template import DeployedStack, parse_template

if TYPE_CHECKING:
    from collections.abc import Callable

YAML = """
AWSTemplateFormatVersion: 2010-09-09
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
Resources:
  Bucket:
    Type: AWS::S3::Bucket
    Condition: IsProd
    Properties:
      BucketName: !Sub "${AWS::StackName}-data"
      VersioningConfiguration: {Status: Enabled}
Outputs:
  Arn: {Value: !GetAtt Bucket.Arn}
  First: {Value: !Select [0, !Split [",", !ImportValue zones]]}
"""


def test_yaml_short_forms_are_read_as_functions() -> None:
    template = parse_template(YAML)
    assert template["AWSTemplateFormatVersion"] == "2010-09-09"
    assert template["Conditions"]["IsProd"] == {"Fn::Equals": [{"Ref": "Stage"}, "prod"]}
    bucket = template["Resources"]["Bucket"]["Properties"]
    assert bucket["BucketName"] == {"Fn::Sub": "${AWS::StackName}-data"}
    assert template["Outputs"]["Arn"]["Value"] == {"Fn::GetAtt": "Bucket.Arn"}
    assert template["Outputs"]["First"]["Value"] == {
        "Fn::Select": ["0", {"Fn::Split": [",", {"Fn::ImportValue": "zones"}]}]
    }


def test_json_and_data_are_read_alike() -> None:
    data = {"Resources": {"B": {"Type": "AWS::S3::Bucket"}}}
    assert parse_template(json.dumps(data)) == parse_template(data) == data
    assert parse_template("") == {}


def deploy(client: Callable[[str], Any], template: dict[str, Any], **parameters: str) -> None:
    client("cloudformation").create_stack(
        StackName="one",
        TemplateBody=json.dumps(template),
        Parameters=[
            {"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()
        ],
    )


def test_a_stack_tells_its_ids_parameters_and_exports(client: Callable[[str], Any]) -> None:
    client("ssm").put_parameter(Name="/ami", Type="String", Value="ami-0123456789abcdef0")
    template = {
        "Parameters": {
            "Ami": {"Type": "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", "Default": "/ami"},
            "Zones": {"Type": "CommaDelimitedList"},
            "Token": {"Type": "String", "NoEcho": True},
            "Stage": {"Type": "String", "Default": "dev"},
        },
        "Resources": {"Logs": {"Type": "AWS::Logs::LogGroup"}},
        "Outputs": {"Logs": {"Value": {"Ref": "Logs"}, "Export": {"Name": "logs"}}},
    }
    deploy(client, template, Zones="a,b", Token="hunter2", Stage="prod")
    stack = DeployedStack(client, "one")
    assert stack.parameters == {
        "Ami": "ami-0123456789abcdef0",
        "Zones": ["a", "b"],
        "Token": WILDCARD,
        "Stage": "prod",
    }
    assert stack.body["Resources"] == template["Resources"]
    assert stack.exports == {"logs": stack.physical_ids["Logs"]}
    assert stack.stack_id.startswith("arn:aws:cloudformation:us-east-1:123456789012:stack/one/")
    assert (stack.account, stack.region) == ("123456789012", "us-east-1")


def test_an_unknown_stack_is_the_services_error(client: Callable[[str], Any]) -> None:
    with pytest.raises(ClientError, match="does not exist"):
        _ = DeployedStack(client, "nowhere").body
