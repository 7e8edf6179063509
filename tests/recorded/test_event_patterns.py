"""The matcher itself, on the examples of EventBridge's own guide."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recorded.event_patterns import matches

EVENT: dict[str, Any] = {
    "source": "aws.ec2",
    "detail-type": "EC2 Instance State-change Notification",
    "resources": ["arn:aws:ec2:us-west-1:123456789012:instance/i-1", "arn:other"],
    "detail": {"state": "terminated", "code": 3},
}


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ({"source": ["aws.ec2"]}, True),
        ({"source": ["aws.ec2", "aws.fargate"]}, True),
        ({"source": ["aws.ecs"]}, False),
        ({"detail": {"state": ["terminated"]}}, True),
        ({"detail": {"state": ["running"]}}, False),
        ({"detail": {"state": ["terminated"], "missing": ["x"]}}, False),
        ({"resources": ["arn:other"]}, True),
        ({"resources": ["arn:nobody"]}, False),
        ({"detail": {"code": ["3"]}}, False),
        ({"detail": {"code": [3]}}, True),
        ({"detail": {"state": [{"prefix": "term"}]}}, True),
        ({"detail": {"state": [{"anything-but": ["terminated"]}]}}, False),
        ({"detail": {"reason": [{"exists": False}]}}, True),
        ({"detail": {"state": [{"exists": False}]}}, False),
    ],
)
def test_patterns(pattern: dict[str, Any], expected: bool) -> None:
    assert matches(pattern, EVENT) is expected
