from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.recorded import is_recorded, recorded_types

if TYPE_CHECKING:
    from collections.abc import Callable


def test_the_list_is_short_and_every_entry_has_a_reason() -> None:
    assert len(recorded_types()) <= 10
    assert all(len(reason) >= 20 and reason.endswith(".") for reason in recorded_types().values())


def test_patterns_match() -> None:
    assert is_recorded("Custom::Anything")
    assert is_recorded("AWS::CDK::Metadata")
    assert not is_recorded("AWS::S3::Bucket")


def test_a_recorded_resource_neither_hangs_nor_has_attributes(
    create: Callable[..., dict[str, Any]],
) -> None:
    custom = {"Type": "Custom::Thing", "Properties": {"ServiceToken": "arn:aws:lambda:x"}}
    assert create({"Resources": {"Mine": custom}})["StackStatus"] == "CREATE_COMPLETE"
    outputs = {"Out": {"Value": {"Fn::GetAtt": ["Mine", "Colour"]}}}
    stack = create({"Resources": {"Mine": custom}, "Outputs": outputs}, "other")
    assert stack["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "resource Mine of type Custom::Thing does not support" in stack["StackStatusReason"]
