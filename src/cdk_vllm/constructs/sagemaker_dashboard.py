"""What an on-call engineer looks at first: one SageMaker endpoint on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_vllm.constructs.dashboard_widgets import graph, group, percentiles, text
from cdk_vllm.constructs.sagemaker_alarms import INSTANCES

if TYPE_CHECKING:
    from cdk_vllm.constructs.sagemaker_alarms import SageMakerAlarms
    from cdk_vllm.constructs.sagemaker_endpoint import VllmSageMakerEndpoint

_ENGINE = """\
vLLM's own series (KV cache, preemptions, tokens) are in the endpoint's detailed observability:
PromQL in CloudWatch's Query Studio, label `aws.sagemaker.endpoint.name`, such as
```
vllm:kv_cache_usage_perc
```
"""


class SageMakerDashboard(Construct):
    """Eight groups, as `EcsDashboard` has them; vLLM's own series are named where they are."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: VllmSageMakerEndpoint,
        alarms: SageMakerAlarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint = endpoint
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=Stack.of(self).stack_name,
            default_interval=Duration.hours(3),
        )
        pages = [alarms.unavailable, *alarms.pages]
        status = cloudwatch.AlarmStatusWidget(title="What pages", alarms=pages, width=24, height=3)
        group(self.dashboard, "Alarms", status)
        group(self.dashboard, "Traffic and errors", *self._traffic())
        group(self.dashboard, "Latency", *self._latency())
        group(self.dashboard, "Requests running and waiting", *self._requests())
        group(self.dashboard, "KV cache and preemptions", text(_ENGINE, width=24))
        group(self.dashboard, "Tokens and money", *self._money())
        group(self.dashboard, "GPUs and hosts", *self._hosts())
        group(self.dashboard, "Replicas", graph("Instances", [self._instances()], width=24))

    def _traffic(self) -> list[cloudwatch.IWidget]:
        errors = [
            self._metric(name, "Sum", label)
            for name, label in (
                ("Invocation4XXErrors", "4xx"),
                ("Invocation5XXErrors", "5xx"),
                ("InvocationModelErrors", "model errors"),
            )
        ]
        return [
            graph("Requests", [self._metric("Invocations", "Sum", "requests")]),
            graph("Errors", errors),
        ]

    def _latency(self) -> list[cloudwatch.IWidget]:
        return [
            graph(title, percentiles(self._metric(name, "p50")), unit="microseconds", width=8)
            for title, name in (
                ("Until the first part of a stream", "FirstChunkLatency"),
                ("Whole answers, the model", "ModelLatency"),
                ("SageMaker itself", "OverheadLatency"),
            )
        ]

    def _requests(self) -> list[cloudwatch.IWidget]:
        at_once = "ConcurrentRequestsPerModel"
        return [
            graph("At once, an instance's mean", [self._metric(at_once, "Average", "requests")]),
            graph("At once, the most", [self._metric(at_once, "Maximum", "requests")]),
        ]

    def _money(self) -> list[cloudwatch.IWidget]:
        usd_per_hour = self._endpoint.plan.usd_per_hour
        if usd_per_hour is None:
            return [text("The plan knows no price.", width=24)]
        cost = cloudwatch.MathExpression(
            expression=f"instances * {usd_per_hour:.6g}",
            using_metrics={"instances": self._instances()},
            label="USD per hour, at the plan's price",
        )
        return [graph("Money", [cost]), text(_ENGINE)]

    def _hosts(self) -> list[cloudwatch.IWidget]:
        return [
            graph(title, [self._host(name, label) for name, label in metrics])
            for title, metrics in (
                (
                    "GPUs",
                    (("GPUUtilization", "GPU, %"), ("GPUMemoryUtilization", "GPU memory, %")),
                ),
                ("Hosts", (("MemoryUtilization", "memory, %"), ("DiskUtilization", "disk, %"))),
            )
        ]

    def _instances(self) -> cloudwatch.Metric:
        return self._endpoint.metric(
            "CPUUtilization",
            "SampleCount",
            namespace=INSTANCES,
            period=Duration.minutes(1),
            label="instances",
        )

    def _host(self, name: str, label: str) -> cloudwatch.Metric:
        return self._endpoint.metric(name, "Maximum", namespace=INSTANCES, label=label)

    def _metric(self, name: str, statistic: str, label: str | None = None) -> cloudwatch.Metric:
        return self._endpoint.metric(name, statistic, period=Duration.minutes(5), label=label)
