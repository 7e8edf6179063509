from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.engine.intrinsics import resolve
from cdk_vllm.embedded_aws.engine.scope import Scope, TemplateError

TEMPLATE = {
    "Mappings": {"Sizes": {"small": {"Gpus": 1}}},
    "Conditions": {
        "IsProd": {"Fn::Equals": [{"Ref": "Stage"}, "prod"]},
        "IsNotProd": {"Fn::Not": [{"Condition": "IsProd"}]},
        "Either": {"Fn::Or": [{"Condition": "IsProd"}, {"Condition": "IsNotProd"}]},
        "Both": {"Fn::And": [{"Condition": "IsProd"}, {"Condition": "IsNotProd"}]},
    },
}


def scope() -> Scope:
    return Scope(
        names={"AWS::Region": "us-east-1"},
        parameters={"Stage": "dev", "Many": ["a", "b"]},
        template=TEMPLATE,
        resources={},
        import_value={"theirs": "shared"}.__getitem__,
        dynamic_value=lambda reference: f"<{reference}>",
        zones=lambda region: [f"{region}a", f"{region}b"],
    )


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ({"Ref": "Stage"}, "dev"),
        ({"Fn::Join": ["-", ["a", {"Ref": "AWS::Region"}]]}, "a-us-east-1"),
        ({"Fn::Split": [",", "a,b"]}, ["a", "b"]),
        ({"Fn::Select": ["1", {"Ref": "Many"}]}, "b"),
        ({"Fn::Sub": "${Stage} in ${AWS::Region}, ${!literal}"}, "dev in us-east-1, ${literal}"),
        ({"Fn::Sub": ["${Here}", {"Here": {"Ref": "Stage"}}]}, "dev"),
        ({"Fn::FindInMap": ["Sizes", "small", "Gpus"]}, 1),
        ({"Fn::FindInMap": ["Sizes", "huge", "Gpus", {"DefaultValue": 8}]}, 8),
        ({"Fn::If": ["IsProd", "yes", "no"]}, "no"),
        ({"Fn::If": ["Either", "yes", "no"]}, "yes"),
        ({"Fn::If": ["Both", "yes", "no"]}, "no"),
        ({"Fn::GetAZs": ""}, ["us-east-1a", "us-east-1b"]),
        ({"Fn::GetAZs": "eu-west-1"}, ["eu-west-1a", "eu-west-1b"]),
        ({"Fn::Base64": "hello"}, "aGVsbG8="),
        ({"Fn::Cidr": ["10.0.0.0/16", 2, 8]}, ["10.0.0.0/24", "10.0.1.0/24"]),
        ({"Fn::Length": {"Ref": "Many"}}, 2),
        ({"Fn::ToJsonString": {"stage": {"Ref": "Stage"}}}, '{"stage": "dev"}'),
        ({"Fn::ImportValue": "theirs"}, "shared"),
        ("{{resolve:ssm:/a/b}}", "<ssm:/a/b>"),
        ({"a": {"Ref": "AWS::NoValue"}, "b": 1}, {"b": 1}),
        ([{"Fn::If": ["IsProd", 1, {"Ref": "AWS::NoValue"}]}, 2], [2]),
    ],
)
def test_a_function_has_its_value(expression: Any, value: Any) -> None:
    assert resolve(expression, scope()) == value


@pytest.mark.parametrize(
    ("expression", "named"),
    [
        ({"Ref": "Nothing"}, r"\[Nothing\]"),
        ({"Fn::GetAtt": ["Nothing", "Arn"]}, r"\[Nothing\]"),
        ({"Fn::GetAtt": "Nothing.Arn"}, r"\[Nothing\]"),
        ({"Fn::Sub": "a ${Nothing} b"}, r"\[Nothing\]"),
        ({"Fn::FindInMap": ["Sizes", "huge", "Gpus"]}, "Sizes::huge::Gpus"),
        ({"Fn::Select": [5, ["a"]]}, "index 5"),
        ({"Fn::If": ["Unknown", 1, 2]}, "Unknown"),
        ({"Fn::Nonsense": []}, "Fn::Nonsense"),
    ],
)
def test_what_comes_to_nothing_is_named(expression: Any, named: str) -> None:
    with pytest.raises(TemplateError, match=named):
        resolve(expression, scope())
