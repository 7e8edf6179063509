"""A record that is missing, can be changed, or is read by nobody is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cdk_vllm import ecs_app
from tests.cdk_vllm.checks.changes import rules_after, saying, without

if TYPE_CHECKING:
    from collections.abc import Callable

TRAIL = "AWS::CloudTrail::Trail"
BUDGET = "AWS::Budgets::Budget"
SLACK = "AWS::Chatbot::SlackChannelConfiguration"


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("audit_is_on_and_signed", saying(TRAIL, "-audit", "-other")),
        ("audit_is_of_data", saying(TRAIL, "AWS::SageMaker::Endpoint", "AWS::Lambda::Function")),
        ("audit_is_of_data", saying(TRAIL, '"Data"', '"Management"')),
        ("audit_is_of_data", saying(TRAIL, '"resources.ARN"', '"readOnly"')),
        (
            "audit_is_kept_for_a_while",
            saying("AWS::S3::Bucket", '"ExpirationInDays": 400', '"Other": 400'),
        ),
        ("budgets_tell_somebody", saying(BUDGET, '"FORECASTED"', '"ACTUAL"')),
        ("chat_only_reads", saying(SLACK, "AWSDenyAll", "ReadOnlyAccess")),
        ("chat_shows_what_is_mailed", saying(SLACK, "TopicsPage", "Topics")),
        ("topics_take_messages", saying("AWS::SNS::TopicPolicy", "sns:Publish", "sns:Subscribe")),
        ("keys_do_what_services_need", saying("AWS::KMS::Key", '"kms:Decrypt"', '"kms:Verify"')),
        (
            "logs_are_begun_and_written",
            saying("AWS::IAM::Policy", '"logs:PutLogEvents"', '"logs:Get"'),
        ),
    ],
)
def test_what_would_not_be_written_or_read_is_found(
    rule: str, change: Callable[[Any], None]
) -> None:
    assert rule in rules_after(ecs_app.templates()["on-spot"], change)


def test_a_workspace_that_tells_nobody_is_found(templates: dict[str, Any]) -> None:
    silent = saying("AWS::APS::Workspace", "sns_configs", "webhook_configs")
    assert "workspaces_alert_topics" in rules_after(templates["prod-foundation"], silent)


def test_a_bucket_that_lost_its_trail_is_no_finding() -> None:
    assert rules_after(ecs_app.templates()["canary"], without(TRAIL)) == set()
