"""What an engine suffers from and nobody would hear of is found."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.cdk_vllm import ecs_app
from tests.cdk_vllm.checks.changes import rules_after, saying, without

if TYPE_CHECKING:
    from collections.abc import Callable

ALARM = "AWS::CloudWatch::Alarm"
COMPOSITE = "AWS::CloudWatch::CompositeAlarm"


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("engines_are_watched", without(ALARM, '"requests_without_tokens"')),
        ("engines_are_watched", without(ALARM, "vllm:num_requests_waiting")),
        ("engines_are_watched", without(ALARM, "vllm:kv_cache_usage_perc")),
        ("engines_are_watched", without(ALARM, "vllm:num_preemptions_total")),
        ("engines_are_watched", without(ALARM, "vllm:admission_rejections_total")),
        ("stalls_and_silence_page", saying(COMPOSITE, "AlarmsEngineStall", "AlarmsOther")),
        ("stalls_and_silence_page", saying(COMPOSITE, "AlarmsEngineNoMetrics", "AlarmsOther")),
        ("stalls_and_silence_page", saying(ALARM, '"notBreaching"', '"breaching"')),
        ("percentiles_come_from_histograms", without(ALARM, "vllm:time_to_first_token_seconds")),
        ("percentiles_come_from_histograms", without(ALARM, "vllm:inter_token_latency_seconds")),
        ("percentiles_come_from_histograms", without(ALARM, "vllm:e2e_request_latency_seconds")),
        (
            "percentiles_come_from_histograms",
            saying(ALARM, '"Statistic": "Maximum"', '"Statistic": "p95"'),
        ),
        ("queries_fire_and_rest", saying(ALARM, '[5m]))) > 2"', '[5m])))"')),
        ("memory_is_no_alarm", saying(ALARM, "mem_used_percent", "nvidia_smi_utilization_memory")),
    ],
)
def test_a_fault_that_nobody_hears_of_is_found(rule: str, change: Callable[[Any], None]) -> None:
    assert rule in rules_after(ecs_app.templates()["on-spot"], change)


def test_percentiles_in_a_workspace_need_its_alerting_rules(templates: dict[str, Any]) -> None:
    prod = templates["prod-chat"]
    gone = without("AWS::APS::RuleGroupsNamespace")
    assert "percentiles_come_from_histograms" in rules_after(prod, gone)
