"""What an on-call engineer looks at first: one ECS service on one screen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_vllm.constructs.dashboard_widgets import graph, group, percentiles, text
from cdk_vllm.constructs.host_agent import GROUP_DIMENSION
from cdk_vllm.constructs.host_agent import NAMESPACE as HOSTS
from cdk_vllm.observability import LATENCIES, quantile

if TYPE_CHECKING:
    from cdk_vllm.constructs.collector import Collector
    from cdk_vllm.constructs.ecs_alarms import EcsAlarms
    from cdk_vllm.constructs.ecs_service import VllmEcsService

MINUTES = 5


class EcsDashboard(Construct):
    """Eight groups: alarms, traffic, latency, requests, KV cache, tokens and money, GPUs, replicas.

    CloudWatch's own metrics hold no percentiles of the engine's histograms: means are drawn, and
    the queries for p50, p95 and p99 stand beside them for its PromQL editor, or Grafana.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: VllmEcsService,
        collector: Collector,
        alarms: EcsAlarms,
    ) -> None:
        super().__init__(scope, construct_id)
        self._service, self._collector = service, collector
        self._metrics = collector.metrics
        self.dashboard = cloudwatch.Dashboard(
            self,
            "Dashboard",
            dashboard_name=Stack.of(self).stack_name,
            default_interval=Duration.hours(3),
        )
        group(self.dashboard, "Alarms", self._alarms(alarms))
        group(self.dashboard, "Traffic and errors", *self._traffic())
        group(self.dashboard, "Latency", *self._latency())
        group(self.dashboard, "Requests running and waiting", *self._requests())
        group(self.dashboard, "KV cache and preemptions", *self._kv_cache())
        group(self.dashboard, "Tokens and money", *self._tokens())
        group(self.dashboard, "GPUs and hosts", *self._hosts())
        group(self.dashboard, "Replicas, instances, pending", *self._replicas())

    def _alarms(self, alarms: EcsAlarms) -> cloudwatch.AlarmStatusWidget:
        return cloudwatch.AlarmStatusWidget(
            title="What pages", alarms=[alarms.unavailable, *alarms.pages], width=24, height=3
        )

    def _traffic(self) -> list[cloudwatch.IWidget]:
        codes = [
            self._balancer(f"HTTPCode_{source}_Count", "Sum", label=label)
            for source, label in (
                ("Target_2XX", "2xx"),
                ("Target_4XX", "4xx"),
                ("Target_5XX", "5xx of vLLM"),
                ("ELB_5XX", "5xx of the load balancer"),
            )
        ]
        rejected = self._engine("vllm:admission_rejections_total", "Sum", "rejected, queue full")
        return [
            graph("Requests", [self._balancer("RequestCount", "Sum", label="requests")]),
            graph("Answers", [*codes, rejected]),
        ]

    def _latency(self) -> list[cloudwatch.IWidget]:
        selector = f'{{service="{self._metrics.name}"}}'
        queries = "\n".join(
            f"{latency.title}, p{round(share * 100)}:\n```\n"
            + quantile(share, latency.histogram, selector, native=self._collector.otlp)
            + "\n```"
            for latency in LATENCIES
            for share in (0.5, 0.95, 0.99)
        )
        means = [self._engine(latency.histogram, "Average", latency.title) for latency in LATENCIES]
        goals = {
            f"{latency.title}: the goal": latency.goal_seconds
            for latency in LATENCIES
            if latency.goal_seconds is not None
        }
        response = self._balancer("TargetResponseTime", "p50")
        return [
            graph("Means", means, unit="seconds", goals=goals, width=8),
            graph("Until the response begins", percentiles(response), unit="seconds", width=8),
            text(queries, width=8),
        ]

    def _requests(self) -> list[cloudwatch.IWidget]:
        running, waiting = "vllm:num_requests_running", "vllm:num_requests_waiting"
        return [
            graph(
                "Service",
                [
                    self._metrics.total(running, label="running"),
                    self._metrics.total(waiting, label="waiting"),
                ],
            ),
            graph(
                "Replica",
                [
                    self._metrics.requests_per_replica(),
                    self._metrics.metric(waiting, "Maximum", label="waiting, the worst"),
                ],
            ),
        ]

    def _kv_cache(self) -> list[cloudwatch.IWidget]:
        usage = "vllm:kv_cache_usage_perc"
        hits = cloudwatch.MathExpression(
            expression="IF(queries > 0, hits / queries, 0)",
            using_metrics={
                "hits": self._engine("vllm:prefix_cache_hits_total", "Sum"),
                "queries": self._engine("vllm:prefix_cache_queries_total", "Sum"),
            },
            label="prefix cache hits, share",
        )
        return [
            graph(
                "KV cache in use",
                [
                    self._metrics.metric(usage, "Average", label="mean"),
                    self._metrics.metric(usage, "Maximum", label="the fullest"),
                    hits,
                ],
                unit="share of one",
            ),
            graph("Preemptions", [self._engine("vllm:num_preemptions_total", "Sum", "preempted")]),
        ]

    def _tokens(self) -> list[cloudwatch.IWidget]:
        generated = self._engine("vllm:generation_tokens_total", "Sum")
        prompt = self._engine("vllm:prompt_tokens_total", "Sum")
        seconds = MINUTES * 60
        rates: list[cloudwatch.IMetric] = [
            cloudwatch.MathExpression(
                expression=f"{name} / {seconds}", using_metrics={name: metric}, label=label
            )
            for name, metric, label in (
                ("generated", generated, "generated per second"),
                ("prompt", prompt, "read per second"),
            )
        ]
        return [graph("Tokens", rates), self._cost(generated, seconds)]

    def _cost(self, generated: cloudwatch.Metric, seconds: int) -> cloudwatch.IWidget:
        usd_per_hour = self._service.plan.usd_per_hour
        if usd_per_hour is None:
            return text("The plan knows no price, so there is no cost of a token.")
        cost = cloudwatch.MathExpression(
            # Without a token there is no cost of one: a division by zero draws nothing.
            expression=f"replicas * {usd_per_hour * seconds / 3600 * 1_000_000:.6g} / tokens",
            using_metrics={
                "tokens": generated,
                "replicas": self._service.metric_running_tasks(),
            },
            label="USD per million generated tokens",
        )
        return graph("Cost of a million tokens, at the plan's price", [cost], unit="USD")

    def _hosts(self) -> list[cloudwatch.IWidget]:
        return [
            graph(
                "GPUs",
                [
                    self._host("nvidia_smi_utilization_gpu", "Average", "utilisation, %"),
                    self._host("nvidia_smi_temperature_gpu", "Maximum", "the hottest, °C"),
                ],
            ),
            graph(
                "Hosts",
                [
                    self._host("mem_used_percent", "Maximum", "memory, %"),
                    self._host("disk_used_percent", "Maximum", "the fullest disk, %"),
                ],
            ),
        ]

    def _replicas(self) -> list[cloudwatch.IWidget]:
        group_name = self._service.capacity.auto_scaling_group.ref
        instances = cloudwatch.Metric(
            namespace="AWS/AutoScaling",
            metric_name="GroupInServiceInstances",
            dimensions_map={"AutoScalingGroupName": group_name},
            statistic="Average",
            label="instances",
        )
        tasks: list[cloudwatch.IMetric] = [
            cloudwatch.Metric(
                namespace="ECS/ContainerInsights",
                metric_name=name,
                dimensions_map={
                    "ClusterName": self._service.capacity.cluster.cluster_name,
                    "ServiceName": self._service.service.attr_name,
                },
                statistic="Average",
                label=label,
            )
            for name, label in (
                ("DesiredTaskCount", "replicas wanted"),
                ("RunningTaskCount", "replicas running"),
                ("PendingTaskCount", "replicas pending"),
            )
        ]
        return [graph("Replicas and instances", [*tasks, instances], width=24)]

    def _engine(self, name: str, statistic: str, label: str | None = None) -> cloudwatch.Metric:
        return self._metrics.metric(name, statistic, minutes=MINUTES, label=label)

    def _host(self, name: str, statistic: str, label: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace=HOSTS,
            metric_name=name,
            dimensions_map={GROUP_DIMENSION: self._service.capacity.auto_scaling_group.ref},
            statistic=statistic,
            label=label,
        )

    def _balancer(
        self, name: str, statistic: str, *, label: str | None = None
    ) -> cloudwatch.Metric:
        load_balancer = self._service.front_door.load_balancer
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=name,
            dimensions_map={"LoadBalancer": load_balancer.attr_load_balancer_full_name},
            statistic=statistic,
            period=Duration.minutes(MINUTES),
            label=label,
        )
