"""The report of a rehearsal: counts a stack, a mark a check, a reason for what is only recorded."""

from __future__ import annotations

import json

import pytest

from cdk_vllm.cli import rehearsal_view
from cdk_vllm.embedded_aws.readback import Outcome, ResourceReadBack, StackReadBack
from cdk_vllm.embedded_aws.report import Check, RehearsalReport


def resource(resource_type: str, outcome: Outcome, detail: str = "") -> ResourceReadBack:
    return ResourceReadBack(
        logical_id="Id",
        resource_type=resource_type,
        physical_id="id",
        outcome=outcome,
        detail=detail,
        properties_checked=3,
    )


def report(*resources: ResourceReadBack, passed: bool = True) -> RehearsalReport:
    checks = (Check("the image changed", passed=passed, detail="a -> b"),)
    return RehearsalReport((StackReadBack("dev-chat", resources),), checks, 12.34)


SERVED = resource("AWS::S3::Bucket", "served")
RECORDED = resource("Custom::VllmImageBuild", "recorded")
SKIPPED = resource("AWS::EC2::VPC", "skipped", "AWS::EC2::VPC Id: not found")


def test_a_good_report_counts_and_gives_reasons(capsys: pytest.CaptureFixture[str]) -> None:
    rehearsal_view.show(report(SERVED, SERVED, RECORDED))
    printed = capsys.readouterr().out
    assert "2 served, 1 recorded, 0 skipped; 1 of 1 checks passed; 12 s" in printed
    assert "recorded: Custom::VllmImageBuild: no image is built" in printed
    assert "✓ the image changed  a -> b" in printed


def test_a_bad_report_names_each_fault(capsys: pytest.CaptureFixture[str]) -> None:
    rehearsal_view.show(report(SKIPPED, passed=False))
    printed = capsys.readouterr().out
    assert "fault: dev-chat: AWS::EC2::VPC Id: not found" in printed
    assert "fault: the image changed: a -> b" in printed
    assert "✗ the image changed" in printed


@pytest.mark.parametrize(("resources", "passed"), [((SERVED, RECORDED), True), ((SKIPPED,), False)])
def test_json_says_the_same(resources: tuple[ResourceReadBack, ...], passed: bool) -> None:
    document = json.loads(rehearsal_view.to_json(report(*resources)))
    assert document["passed"] is passed
    stack = document["stacks"]["dev-chat"]
    assert stack["served"] + stack["recorded"] + stack["skipped"] == len(resources)
    assert document["seconds"] == 12.3
