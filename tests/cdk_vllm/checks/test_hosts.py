"""A broken GPU that goes unnoticed, or keeps its tasks, is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cdk_vllm import ecs_app
from tests.cdk_vllm.checks.changes import rules_after, saying, without

if TYPE_CHECKING:
    from collections.abc import Callable

LAUNCH = "AWS::EC2::LaunchTemplate"
FILTER = "AWS::Logs::MetricFilter"
ALARM = "AWS::CloudWatch::Alarm"


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("broken_gpus_are_noticed", without(FILTER)),
        ("broken_gpus_are_noticed", without(ALARM, "gpu_hardware_errors")),
        ("broken_gpus_are_noticed", saying(FILTER, "): 79,", "): 13,")),
        ("broken_gpus_are_noticed", saying(LAUNCH, "Xid", "Other")),
        ("broken_gpus_are_noticed", saying(LAUNCH, "DRAINING", "ACTIVE")),
        (
            "broken_gpus_are_noticed",
            saying("AWS::IAM::Policy", "ecs:UpdateContainerInstancesState", "ecs:Poll"),
        ),
        ("full_hosts_are_noticed", without(ALARM, "mem_used_percent")),
        ("full_hosts_are_noticed", without(ALARM, "disk_used_percent")),
        ("metrics_are_published", saying(LAUNCH, "utilization_gpu", "power_draw")),
    ],
)
def test_a_broken_or_full_host_that_nobody_sees_is_found(
    rule: str, change: Callable[[Any], None]
) -> None:
    assert rule in rules_after(ecs_app.templates()["on-spot"], change)
