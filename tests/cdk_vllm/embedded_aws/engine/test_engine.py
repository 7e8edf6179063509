"""The engine as a whole: what `install` puts in moto's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from moto.cloudformation import models as moto_models

from cdk_vllm.embedded_aws import install
from cdk_vllm.embedded_aws.engine.stack import EngineStack

if TYPE_CHECKING:
    from collections.abc import Callable

    Stack = Callable[..., dict[str, Any]]

TEMPLATE = {
    "Resources": {
        "P": {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    }
}


def test_installing_twice_is_installing_once() -> None:
    install()
    before = moto_models.CloudFormationBackend.create_stack
    install()
    assert moto_models.CloudFormationBackend.create_stack is before
    assert moto_models.Stack is EngineStack


def test_a_stack_is_created_once(create: Stack) -> None:
    create(TEMPLATE)
    with pytest.raises(ClientError, match="already exists"):
        create(TEMPLATE)


def test_an_update_that_changes_nothing_is_refused(create: Stack, update: Stack) -> None:
    create(TEMPLATE)
    with pytest.raises(ClientError, match="No updates are to be performed"):
        update(TEMPLATE)


def test_a_bootstrap_version_rule_and_a_parameter_are_accepted(
    create: Stack, client: Callable[[str], Any]
) -> None:
    client("ssm").put_parameter(Name="/cdk-bootstrap/x/version", Value="31", Type="String")
    rule = {"Assert": {"Fn::Not": [{"Fn::Contains": [["1"], {"Ref": "BootstrapVersion"}]}]}}
    stack = create(
        {
            **TEMPLATE,
            "Parameters": {
                "BootstrapVersion": {
                    "Type": "AWS::SSM::Parameter::Value<String>",
                    "Default": "/cdk-bootstrap/x/version",
                }
            },
            "Rules": {"CheckBootstrapVersion": {"Assertions": [rule]}},
        }
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE"
    (shown,) = stack["Parameters"]
    assert shown["ParameterValue"] == "/cdk-bootstrap/x/version"
    assert shown["ResolvedValue"] == "31"


def test_a_parameter_path_that_is_empty_is_named(create: Stack) -> None:
    declared = {"V": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/none"}}
    with pytest.raises(ClientError, match="/none"):
        create({**TEMPLATE, "Parameters": declared})
