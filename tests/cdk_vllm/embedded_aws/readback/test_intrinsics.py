from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.embedded_aws.readback.comparison import WILDCARD
from cdk_vllm.embedded_aws.readback.intrinsics import holds, resolve

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Stack:
    """A stack of one bucket, without a service."""

    mappings: Mapping[str, Any] = field(default_factory=lambda: {"Sizes": {"prod": {"count": 3}}})
    conditions: Mapping[str, Any] = field(
        default_factory=lambda: {
            "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
            "IsDev": {"Fn::Not": [{"Condition": "IsProd"}]},
        }
    )

    def reference(self, name: str) -> Any:
        return {"Stage": "prod", "Bucket": "bucket-1", "Zones": ["a", "b"]}.get(name, WILDCARD)

    def attribute(self, logical_id: str, name: str) -> Any:
        known = {("Bucket", "Arn"): "arn:aws:s3:::bucket-1", ("A", "B.C"): "nested"}
        return known.get((logical_id, name), WILDCARD)

    def imported(self, name: str) -> Any:
        return {"net-vpc": "vpc-1"}.get(name, WILDCARD)

    def zones(self) -> list[str]:
        return ["us-east-1a", "us-east-1b"]


STACK = Stack()


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ({"Ref": "Bucket"}, "bucket-1"),
        ({"Fn::GetAtt": ["Bucket", "Arn"]}, "arn:aws:s3:::bucket-1"),
        ({"Fn::GetAtt": "Bucket.Arn"}, "arn:aws:s3:::bucket-1"),
        ({"Fn::GetAtt": "A.B.C"}, "nested"),
        ({"Fn::GetAtt": ["Custom", "ImageUri"]}, WILDCARD),
        (
            {"Fn::Join": ["/", ["a", {"Ref": "Bucket"}, {"Fn::GetAtt": ["X", "Y"]}]]},
            f"a/bucket-1/{WILDCARD}",
        ),
        ({"Fn::Join": [",", {"Ref": "Zones"}]}, "a,b"),
        ({"Fn::Join": [",", {"Fn::GetAtt": ["X", "Y"]}]}, WILDCARD),
        (
            {"Fn::Sub": "${Bucket}/${Bucket.Arn}/${!Literal}"},
            "bucket-1/arn:aws:s3:::bucket-1/${Literal}",
        ),
        ({"Fn::Sub": ["${Name}-${Stage}", {"Name": {"Ref": "Bucket"}}]}, "bucket-1-prod"),
        ({"Fn::Split": ["-", {"Ref": "Bucket"}]}, ["bucket", "1"]),
        ({"Fn::Select": [1, {"Fn::GetAZs": ""}]}, "us-east-1b"),
        ({"Fn::Select": ["1", {"Fn::Split": [":", "a:b"]}]}, "b"),
        ({"Fn::Select": [0, {"Fn::GetAtt": ["X", "Y"]}]}, WILDCARD),
        ({"Fn::FindInMap": ["Sizes", {"Ref": "Stage"}, "count"]}, 3),
        ({"Fn::ImportValue": {"Fn::Sub": "net-vpc"}}, "vpc-1"),
        ({"Fn::ImportValue": "unknown"}, WILDCARD),
        ({"Fn::If": ["IsProd", {"Ref": "Bucket"}, "no"]}, "bucket-1"),
        ({"Fn::If": ["IsDev", 1, 2]}, 2),
        ({"Fn::Base64": "hello"}, base64.b64encode(b"hello").decode()),
        ({"Fn::Base64": {"Fn::Sub": "echo ${Unknown}"}}, WILDCARD),
        ({"Fn::ToJsonString": {"a": {"Ref": "Bucket"}}}, '{"a": "bucket-1"}'),
        ({"Fn::Cidr": ["10.0.0.0/16", 6, 8]}, WILDCARD),
        ("{{resolve:secretsmanager:token:SecretString}}", WILDCARD),
    ],
)
def test_a_function_comes_to_its_value(written: Any, value: Any) -> None:
    assert resolve(written, STACK) == value


def test_no_value_takes_its_property_and_its_element_away() -> None:
    nothing = {"Ref": "AWS::NoValue"}
    written = {"A": nothing, "B": [1, nothing], "C": {"Fn::If": ["IsDev", {"D": 1}, nothing]}}
    assert resolve(written, STACK) == {"B": [1]}


def test_conditions_combine() -> None:
    is_prod, is_dev = {"Condition": "IsProd"}, {"Condition": "IsDev"}
    assert holds("IsProd", STACK)
    assert not holds("IsDev", STACK)
    assert holds({"Fn::Or": [is_dev, is_prod]}, STACK)
    assert not holds({"Fn::And": [is_dev, is_prod]}, STACK)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text("abc{}$ ", max_size=8),
        lambda inner: st.lists(inner) | st.dictionaries(st.text("abc"), inner),
    )
)
def test_what_holds_no_function_is_left_alone(value: Any) -> None:
    assert resolve(value, STACK) == value
