"""All services of an environment side by side: which one is it?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_vllm.constructs.alarm import unavailable_name
from cdk_vllm.constructs.dashboard_widgets import graph, group
from cdk_vllm.constructs.engine_metrics import EngineMetrics

if TYPE_CHECKING:
    from collections.abc import Sequence


class EnvironmentDashboard(Construct):
    """Which services page, and of those with a collector the requests, queues and tokens.

    `stacks` are the names of all service stacks, `collected` those with a collector. They are names
    because the services are deployed later than what they share.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        stacks: Sequence[str],
        collected: Sequence[str] = (),
    ) -> None:
        super().__init__(scope, construct_id)
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=Stack.of(self).stack_name,
            default_interval=Duration.hours(12),
        )
        group(self.dashboard, "Services that page", self._alarms(stacks))
        if collected:
            self._compare([EngineMetrics(name) for name in collected])

    def _alarms(self, stacks: Sequence[str]) -> cloudwatch.AlarmStatusWidget:
        alarms = [
            cloudwatch.Alarm.from_alarm_name(self, name, unavailable_name(name)) for name in stacks
        ]
        return cloudwatch.AlarmStatusWidget(title="Unavailable", alarms=alarms, width=24, height=3)

    def _compare(self, services: Sequence[EngineMetrics]) -> None:
        def of_each(name: str, statistic: str) -> list[cloudwatch.IMetric]:
            return [s.metric(name, statistic, minutes=5, label=s.name) for s in services]

        group(
            self.dashboard,
            "Load",
            graph("Requests running per replica", of_each("vllm:num_requests_running", "Average")),
            graph("Requests waiting per replica", of_each("vllm:num_requests_waiting", "Average")),
        )
        group(
            self.dashboard,
            "Work",
            graph("Generated tokens in 5 minutes", of_each("vllm:generation_tokens_total", "Sum")),
            graph("KV cache, the fullest", of_each("vllm:kv_cache_usage_perc", "Maximum")),
        )
        group(
            self.dashboard,
            "Trouble",
            graph("Rejected requests", of_each("vllm:admission_rejections_total", "Sum")),
            graph("Preemptions", of_each("vllm:num_preemptions_total", "Sum")),
        )
