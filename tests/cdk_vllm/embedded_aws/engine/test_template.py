from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.engine.scope import Scope, TemplateError
from cdk_vllm.embedded_aws.engine.template import live_resources


def scope(template: dict[str, Any]) -> Scope:
    return Scope(
        names={"AWS::Region": "us-east-1"},
        parameters={"Stage": "dev"},
        template=template,
        resources={},
        import_value=str,
        dynamic_value=str,
        zones=lambda _: [],
    )


def order(resources: dict[str, Any], **template: Any) -> list[str]:
    whole = {"Resources": resources, **template}
    return list(live_resources(whole, scope(whole)))


def needing(*values: Any, **more: Any) -> dict[str, Any]:
    return {"Type": "T", "Properties": {"Values": list(values)}, **more}


@pytest.mark.parametrize(
    "value",
    [
        {"Ref": "B"},
        {"Fn::GetAtt": ["B", "Arn"]},
        {"Fn::GetAtt": "B.Arn"},
        {"Fn::Sub": "x ${B.Arn} ${Stage}"},
        {"Fn::Sub": ["${X}", {"X": {"Ref": "B"}}]},
        {"Fn::Join": ["", [{"Ref": "B"}]]},
    ],
)
def test_what_is_needed_comes_first(value: Any) -> None:
    assert order({"A": needing(value), "B": needing()}) == ["B", "A"]


def test_depends_on_is_a_need() -> None:
    assert order({"A": needing(DependsOn="B"), "B": needing(DependsOn=["C"]), "C": needing()}) == [
        "C",
        "B",
        "A",
    ]


def test_only_the_chosen_branch_is_a_need() -> None:
    conditions = {"Never": {"Fn::Equals": ["a", "b"]}}
    chosen = {"Fn::If": ["Never", {"Ref": "B"}, {"Ref": "AWS::NoValue"}]}
    assert order({"A": needing(chosen), "B": needing({"Ref": "A"})}, Conditions=conditions) == [
        "A",
        "B",
    ]


def test_an_unknown_name_is_refused() -> None:
    with pytest.raises(TemplateError, match=r"\['Nothing'\].*resource A"):
        order({"A": needing({"Ref": "Nothing"})})
