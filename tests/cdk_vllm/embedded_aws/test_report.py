"""A report passes only if nothing was skipped and every check did."""

from __future__ import annotations

import pytest

from cdk_vllm.embedded_aws.readback import ResourceReadBack, StackReadBack
from cdk_vllm.embedded_aws.report import Check, RehearsalReport


def stack(outcome: str) -> StackReadBack:
    resource = ResourceReadBack(
        logical_id="Alarm",
        resource_type="AWS::CloudWatch::Alarm",
        physical_id="alarm",
        outcome=outcome,  # type: ignore[arg-type]
        detail="AWS::CloudWatch::Alarm Alarm: no reader",
        properties_checked=0,
    )
    return StackReadBack(stack_name="dev-chat", resources=(resource,))


@pytest.mark.parametrize("outcome", ["served", "recorded"])
def test_all_well_passes(outcome: str) -> None:
    report = RehearsalReport((stack(outcome),), (Check("a", passed=True),), 1.0)
    assert report.passed
    assert report.failures == ()


def test_a_skipped_resource_fails_it_by_name() -> None:
    report = RehearsalReport((stack("skipped"),), (), 1.0)
    assert not report.passed
    assert report.failures == ("dev-chat: AWS::CloudWatch::Alarm Alarm: no reader",)


def test_a_failed_check_fails_it_by_name() -> None:
    report = RehearsalReport(
        (stack("served"),), (Check("the bucket", passed=False, detail="is gone"),), 1.0
    )
    assert report.failures == ("the bucket: is gone",)
