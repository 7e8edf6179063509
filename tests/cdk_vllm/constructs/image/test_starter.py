"""The function CloudFormation calls, as it is deployed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


def function(template: dict[str, Any]) -> dict[str, Any]:
    (found,) = (
        r["Properties"]
        for r in template["Resources"].values()
        if r["Type"] == "AWS::Lambda::Function"
    )
    assert isinstance(found, dict)
    return found


def test_its_code_fits_into_the_template(templates: Mapping[str, dict[str, Any]]) -> None:
    found = function(templates["foundation"])
    code = found["Code"]["ZipFile"]
    assert len(code) <= 4096, "the most that Lambda takes inline"
    compile(code, "index.py", "exec")
    assert found["Handler"] == "index.handler"
    assert "def handler(" in code
    assert found["Runtime"] == "python3.14"
    assert found["Timeout"] == 60
    assert found["LoggingConfig"]["LogGroup"]["Ref"].startswith("ImagesStarterLog")


def test_it_may_start_builds_of_one_project_and_write_one_log(
    templates: Mapping[str, dict[str, Any]],
) -> None:
    resources = templates["foundation"]["Resources"]
    (policy,) = (r for name, r in resources.items() if name.startswith("ImagesStarterRoleDefault"))
    log, start = policy["Properties"]["PolicyDocument"]["Statement"]
    assert start["Action"] == "codebuild:StartBuild"
    assert start["Resource"]["Fn::GetAtt"][0].startswith("ImagesProject")
    assert log["Action"] == ["logs:CreateLogStream", "logs:PutLogEvents"]
    assert log["Resource"]["Fn::GetAtt"][0].startswith("ImagesStarterLog")
    (role,) = (
        r["Properties"]
        for name, r in resources.items()
        if name.startswith("ImagesStarterRole") and r["Type"] == "AWS::IAM::Role"
    )
    assert "ManagedPolicyArns" not in role
