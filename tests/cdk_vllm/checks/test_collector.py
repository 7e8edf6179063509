"""The collector beside vLLM: what it must not read, open or leave out is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cdk_vllm import ecs_app
from tests.cdk_vllm.checks.changes import container, rules_after, saying, without_container

if TYPE_CHECKING:
    from collections.abc import Callable

TASK = "AWS::ECS::TaskDefinition"
ALARM = "AWS::CloudWatch::Alarm"
DASHBOARD = "AWS::CloudWatch::Dashboard"
LOCAL = "metrics_stay_in_their_task"
PORT = {"ContainerPort": 4317, "Protocol": "tcp"}


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("collector_may_fail", container("collector", lambda b: b.update(Essential=True))),
        ("collector_can_start", container("collector", lambda b: b.update(Environment=[]))),
        (
            "collector_can_start",
            saying(TASK, '\\"exporters\\":[\\"awsemf\\"]', '\\"exporters\\":[\\"x\\"]'),
        ),
        (LOCAL, saying(TASK, "127.0.0.1:8000", "10.0.0.7:8000")),
        (LOCAL, saying(TASK, "127.0.0.1:8000", "127.0.0.1:9000")),
        (LOCAL, saying(TASK, '\\"prometheus/minutely\\"', '\\"otlp\\"')),
        (LOCAL, container("collector", lambda b: b.update(PortMappings=[PORT]))),
        ("companions_can_start", container("collector", lambda b: b.update(Image="otel:latest"))),
        ("runs_without_privileges", container("collector", lambda b: b.update(Privileged=True))),
        ("metrics_are_published", saying(TASK, "^vllm:kv_cache_usage_perc$", "^vllm:other$")),
        (
            "metrics_are_published",
            saying(TASK, '\\"service\\":\\"on-spot\\"', '\\"service\\":\\"x\\"'),
        ),
        ("metrics_are_published", without_container("collector")),
        ("series_are_vllms_own", saying(ALARM, "vllm:kv_cache_usage", "vllm:gpu_cache_usage")),
        ("series_are_vllms_own", saying(DASHBOARD, "vllm:num_preemptions", "vllm:preemptions")),
    ],
)
def test_what_a_collector_must_not_do_is_found(rule: str, change: Callable[[Any], None]) -> None:
    assert rule in rules_after(ecs_app.templates()["on-spot"], change)


def test_only_the_task_that_sends_by_otlp_may_write_metrics_of_any_namespace() -> None:
    rule, policy = "metrics_are_held_to_namespaces", "AWS::IAM::Policy"
    hosts = saying(policy, '"cloudwatch:namespace"', '"aws:RequestedRegion"')
    assert rule in rules_after(ecs_app.templates()["on-spot"], hosts)
    without_otlp = saying(TASK, "otlphttp", "other")
    assert rule in rules_after(ecs_app.templates()["on-spot"], without_otlp)
