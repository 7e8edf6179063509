from __future__ import annotations

import pytest

from cdk_vllm.embedded_aws import resource_types
from cdk_vllm.embedded_aws.resource_types.builtin import BuiltIn, EmptyShell, Recorded
from cdk_vllm.embedded_aws.resource_types.resource import Place
from cdk_vllm.embedded_aws.resource_types.services import SERVED


def place(type_name: str) -> Place:
    return Place("123456789012", "us-east-1", "arn:stack", "app", "Mine", type_name)


@pytest.mark.parametrize(
    ("type_name", "resource"),
    [
        ("AWS::CloudWatch::Alarm", SERVED["AWS::CloudWatch::Alarm"]),
        ("AWS::SQS::Queue", BuiltIn),
        ("Custom::Anything", Recorded),
        ("Custom::VllmImageBuild", SERVED["Custom::VllmImageBuild"]),
        ("AWS::CDK::Metadata", Recorded),
    ],
)
def test_a_type_has_its_class(type_name: str, resource: type) -> None:
    assert type(resource_types.make(place(type_name))) is resource


def test_a_type_that_nothing_serves_is_named() -> None:
    assert not resource_types.serves("AWS::Nowhere::Thing")
    with pytest.raises(LookupError, match=r"AWS::Nowhere::Thing \(Mine\)"):
        resource_types.make(place("AWS::Nowhere::Thing"))


def test_a_type_can_be_taken_away_and_emptied_for_a_while() -> None:
    alarm = "AWS::CloudWatch::Alarm"
    with resource_types.unregister(alarm):
        assert not resource_types.serves(alarm)
    with resource_types.empty_shell(alarm):
        assert type(resource_types.make(place(alarm))) is EmptyShell
    assert type(resource_types.make(place(alarm))) is SERVED[alarm]
