"""The rehearsal, with the real CDK CLI: passes on what is right, fails by name on what is not.

The app under test writes its cloud assembly itself, as any program in any language may, so that
each rehearsal costs the CLI's seconds and not the CDK's.
"""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.rehearsal import Rehearsal, Scenario, rehearse
from cdk_vllm.embedded_aws.resource_types import empty_shell, unregister
from cdk_vllm.errors import RehearsalError

if TYPE_CHECKING:
    from cdk_vllm.embedded_aws.report import RehearsalReport

ROOT = Path(__file__).parents[3]

APP = """
import json, os, pathlib, sys
out = pathlib.Path(os.environ["CDK_OUTDIR"])
here = pathlib.Path(__file__).parent
context = json.loads(os.environ.get("CDK_CONTEXT_JSON", "{}"))
template = context.get("template", "template.json")
(out / "App.template.json").write_text((here / template).read_text())
stack = {
    "type": "aws:cloudformation:stack",
    "environment": "aws://unknown-account/unknown-region",
    "displayName": "App",
    "properties": {"templateFile": "App.template.json"},
}
manifest = {"version": "36.0.0", "artifacts": {"App": stack}}
(out / "manifest.json").write_text(json.dumps(manifest))
"""

TEMPLATE: dict[str, Any] = {
    "Resources": {
        "Topic": {"Type": "AWS::SNS::Topic", "Properties": {"DisplayName": "first"}},
        "Kept": {
            "Type": "AWS::S3::Bucket",
            "DeletionPolicy": "Retain",
            "Properties": {"VersioningConfiguration": {"Status": "Enabled"}},
        },
        "Alarm": {
            "Type": "AWS::CloudWatch::Alarm",
            "Properties": {
                "MetricName": "Errors",
                "Namespace": "App",
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "Period": 60,
                "Statistic": "Sum",
                "Threshold": 5,
                "AlarmActions": [{"Ref": "Topic"}],
            },
        },
    }
}


@pytest.fixture
def app(tmp_path: Path) -> Path:
    folder = tmp_path / "app"
    folder.mkdir()
    (folder / "app.py").write_text(APP, encoding="utf-8")
    (folder / "cdk.json").write_text('{"app": "python3 app.py"}', encoding="utf-8")
    (folder / "node_modules").symlink_to(ROOT / "node_modules")
    write(folder, "template.json", TEMPLATE)
    return folder


def write(folder: Path, name: str, template: dict[str, Any]) -> None:
    (folder / name).write_text(json.dumps(template), encoding="utf-8")


def rehearsed(app: Path, scenario: Scenario | None = None) -> RehearsalReport:
    directory = app.parent / "work"
    directory.mkdir()
    return rehearse(app, directory, scenario)


def test_an_app_that_is_not_ours_is_deployed_read_back_and_destroyed(app: Path) -> None:
    report = rehearsed(app)
    assert report.failures == ()
    (stack,) = report.stacks
    assert (stack.served, stack.recorded, stack.skipped) == (3, 0, 0)
    assert [check.name for check in report.checks] == [
        "a second deployment changes nothing",
        "what must be retained was retained",
        "everything else is gone",
    ]


def test_a_type_that_nothing_handles_fails_by_name(app: Path) -> None:
    with unregister("AWS::CloudWatch::Alarm"), pytest.raises(RehearsalError) as caught:
        rehearsed(app)
    assert "AWS::CloudWatch::Alarm" in str(caught.value)


def test_a_type_that_is_only_an_empty_shell_fails_by_name(app: Path) -> None:
    with empty_shell("AWS::CloudWatch::Alarm"):
        report = rehearsed(app)
    assert not report.passed
    assert "AWS::CloudWatch::Alarm" in report.failures[0]


def alarm_threshold(client: Any) -> dict[str, str]:
    (alarm,) = client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {"threshold": str(alarm["Threshold"])}


def edited(threshold: int, wanted: str | None) -> Scenario:
    def edit(_: Path) -> tuple[str, ...]:
        return ("--context", f"template=edited-{threshold}.json")

    return Scenario(edit=edit, observe=alarm_threshold, changes={"threshold": wanted})


def changed(app: Path, threshold: int) -> None:
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Alarm"]["Properties"]["Threshold"] = threshold
    write(app, f"edited-{threshold}.json", template)


def test_a_change_is_seen_through_the_services_own_api(app: Path) -> None:
    changed(app, 7)
    report = rehearsed(app, edited(7, "7.0"))
    assert report.failures == ()
    assert report.checks[0].name == "the change took effect: threshold"
    assert report.checks[0].detail == "5.0 -> 7.0"


def test_a_change_that_is_not_the_one_expected_fails(app: Path) -> None:
    changed(app, 7)
    report = rehearsed(app, edited(7, "8.0"))
    assert report.failures == ("the change took effect: threshold: 5.0 -> 7.0, expected 8.0",)


def test_a_deployment_that_fails_half_way_says_why_and_leaves_nothing(app: Path) -> None:
    template = json.loads(json.dumps(TEMPLATE))
    template["Resources"]["Subnet"] = {
        "Type": "AWS::EC2::Subnet",
        "DependsOn": "Topic",
        "Properties": {"VpcId": "vpc-0123456789abcdef0", "CidrBlock": "10.0.0.0/24"},
    }
    write(app, "template.json", template)
    threads = threading.active_count()
    with pytest.raises(RehearsalError, match="cdk deploy failed") as caught:
        rehearsed(app)
    assert "AWS::EC2::Subnet" in str(caught.value)
    assert "vpc-0123456789abcdef0" in str(caught.value)
    assert threading.active_count() == threads


def test_kept_the_embedded_aws_still_answers(app: Path) -> None:
    directory = app.parent / "work"
    directory.mkdir()
    seen: list[str] = []

    def keep(run: Rehearsal, report: RehearsalReport) -> None:
        assert report.passed
        stacks = run.client(None)("cloudformation").describe_stacks()["Stacks"]
        seen.extend(stack["StackName"] for stack in stacks)

    rehearse(app, directory, keep=keep)
    assert "App" in seen


def test_an_app_fixed_to_another_account_names_the_option(app: Path) -> None:
    program = APP.replace("unknown-account", "111122223333")
    (app / "app.py").write_text(program, encoding="utf-8")
    with pytest.raises(RehearsalError, match="--account 111122223333"):
        rehearsed(app)


def test_an_app_is_rehearsed_in_the_account_it_is_fixed_to(app: Path) -> None:
    program = APP.replace("unknown-account", "111122223333").replace("unknown-region", "eu-west-1")
    (app / "app.py").write_text(program, encoding="utf-8")
    report = rehearsed(app, Scenario(account="111122223333"))
    assert report.failures == ()
    topics = [r for r in report.stacks[0].resources if r.resource_type == "AWS::SNS::Topic"]
    assert topics[0].physical_id.startswith("arn:aws:sns:eu-west-1:111122223333:")


def test_an_app_without_stacks_is_refused(app: Path) -> None:
    program = APP.replace('{"App": stack}', "{}")
    (app / "app.py").write_text(program, encoding="utf-8")
    with pytest.raises(RehearsalError):
        rehearsed(app)
