"""The alarms of one ECS service: what its users notice pages, what they will notice is a ticket."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from cdk_vllm.constructs.alarm import (
    ABOVE,
    AT_LEAST,
    BELOW,
    NO_DATA_IS_BAD,
    NO_DATA_IS_FINE,
    alarm,
    page_when_any,
)
from cdk_vllm.constructs.ecs_events import EcsEvents
from cdk_vllm.constructs.engine_alarms import EngineAlarms, Sleep
from cdk_vllm.constructs.latency_alarms import LatencyAlarms
from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from aws_cdk import aws_elasticloadbalancingv2 as elbv2

    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.collector import Collector
    from cdk_vllm.constructs.ecs_service import VllmEcsService


class EcsAlarms(Construct):
    """Alarms on errors, speed, health and capacity; deployments roll back on the error ratio.

    With `collector`, also on what the engines report, and requests that were turned away because
    the queue was full are no errors but `Overloaded`: a deployment is not undone for a rush. CPU,
    GPU utilisation and GPU memory raise no page: vLLM takes all memory at start, and a busy GPU is
    what it is paid for. `response_seconds` is the time until response headers (of a stream) or the
    whole answer, of the slowest of twenty.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: VllmEcsService,
        topics: AlarmTopics,
        thresholds: AlarmThresholds | None = None,
        collector: Collector | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._service, self._ticket = service, topics.ticket
        self._limits = thresholds or AlarmThresholds()
        self._metrics = collector.metrics if collector else None
        # A starting task is unhealthy for its whole cold start, and that is not a fault.
        self._cold_start_minutes = ceil(timeouts_for(service.plan).health_check_grace_seconds / 60)
        # One that wakes from none answers nobody for as long, and that is not one either.
        sleeps = service.plan.request.min_replicas == 0
        self._waking_minutes = self._cold_start_minutes if sleeps else 0
        self.error_ratio = self._error_ratio()
        self.no_healthy_task = self._no_healthy_task()
        self.pages = [self.error_ratio, self.no_healthy_task]
        self._unhealthy_tasks()
        self._slow_responses()
        self._missing_tasks()
        self._waiting_tasks()
        if service.plan.request.max_replicas > service.plan.request.min_replicas:
            self._at_maximum()
        if collector:
            self._engine(collector, topics)
        self.unavailable = page_when_any(
            self,
            "Unavailable",
            self.pages,
            description="Users get errors or nothing: look at the alarms this one is made of.",
            topic=topics.page,
        )
        EcsEvents(self, "Events", service=service, topic=topics.ticket)
        service.roll_back_on([self.error_ratio])

    def _engine(self, collector: Collector, topics: AlarmTopics) -> None:
        self.engine = EngineAlarms(
            self,
            "Engine",
            metrics=collector.metrics,
            topics=topics,
            thresholds=self._limits,
            may_be_silent=self._sleep(),
        )
        self.pages += self.engine.pages
        LatencyAlarms(self, "Latency", collector=collector, topics=topics, thresholds=self._limits)

    def _error_ratio(self) -> cloudwatch.Alarm:
        metrics = {
            "requests": self._balancer_metric("RequestCount", "Sum"),
            "target": self._balancer_metric("HTTPCode_Target_5XX_Count", "Sum"),
            "balancer": self._balancer_metric("HTTPCode_ELB_5XX_Count", "Sum"),
        }
        # The load balancer reports no count of errors where there are none.
        failed = "FILL(target, 0) + FILL(balancer, 0)"
        if self._metrics:
            metrics["rejected"] = self._metrics.metric("vllm:admission_rejections_total", "Sum")
            # Twice: both are counted by the minute, but their minutes do not begin together.
            failed += " - 2 * FILL(rejected, 0)"
        enough = ceil(self._limits.minimum_requests / 5)
        ratio = cloudwatch.MathExpression(
            expression=f"IF(requests >= {enough}, ({failed}) / requests, 0)",
            using_metrics=dict(metrics),
            label="Errors per request",
            period=Duration.minutes(1),
        )
        return alarm(
            self,
            "ErrorRatio",
            ratio,
            fires=(ABOVE, self._limits.error_ratio),
            periods=(3, 5),
            missing=NO_DATA_IS_FINE,
            description=(
                "Too many requests fail. 503 with short response times: the queue is full, raise "
                "replicas.max. 502 and 504: read the service's log for an engine that died."
            ),
            topic=self._ticket,
        )

    def _no_healthy_task(self) -> cloudwatch.Alarm:
        return alarm(
            self,
            "NoHealthyTask",
            self._healthy_tasks(),
            fires=(BELOW, 1),
            periods=(3 + self._waking_minutes, 3 + self._waking_minutes),
            missing=NO_DATA_IS_BAD,
            description=(
                "No task answers /health, so every request fails. Expected until the first "
                "deployment has loaded the model; otherwise read the service's events and log."
            ),
            topic=self._ticket,
        )

    def _healthy_tasks(self) -> cloudwatch.IMetric:
        """How many tasks are healthy; of a service that may sleep, one while none is wanted."""
        healthy = self._tasks("HealthyHostCount", "Maximum")
        if self._service.plan.request.min_replicas:
            return healthy
        desired = self._service.metric_desired_tasks()
        return cloudwatch.MathExpression(
            expression="IF(FILL(desired, 1) > 0, FILL(healthy, 0), 1)",
            using_metrics={"desired": desired, "healthy": healthy},
            label="Healthy tasks, or none is wanted",
            period=Duration.minutes(1),
        )

    def _sleep(self) -> Sleep | None:
        """When the engines may be silent: while none is wanted, and as long as one wakes."""
        if not self._waking_minutes:
            return None
        return Sleep(self._service.metric_desired_tasks(), self._waking_minutes)

    def _unhealthy_tasks(self) -> None:
        minutes = self._cold_start_minutes + 5
        alarm(
            self,
            "UnhealthyTasks",
            self._tasks("UnHealthyHostCount", "Minimum"),
            fires=(AT_LEAST, 1),
            periods=(minutes, minutes),
            missing=NO_DATA_IS_FINE,
            description=(
                "A task has been unhealthy for longer than a cold start takes. Read its log; stop "
                "it, and ECS starts another."
            ),
            topic=self._ticket,
        )

    def _slow_responses(self) -> None:
        alarm(
            self,
            "SlowResponses",
            self._balancer_metric("TargetResponseTime", "p95", minutes=5),
            fires=(ABOVE, self._limits.e2e_seconds_p95),
            periods=(3, 3),
            missing=NO_DATA_IS_FINE,
            description=(
                "One request in twenty takes too long. Raise replicas.max if all replicas run, or "
                "plan a faster instance."
            ),
            topic=self._ticket,
        )

    def _missing_tasks(self) -> None:
        minutes = self._cold_start_minutes
        missing = cloudwatch.MathExpression(
            expression="desired - running",
            using_metrics={
                "desired": self._service.metric_desired_tasks(),
                "running": self._service.metric_running_tasks(),
            },
            label="Missing tasks",
            period=Duration.minutes(1),
        )
        alarm(
            self,
            "MissingTasks",
            missing,
            fires=(AT_LEAST, 1),
            periods=(minutes, minutes),
            missing=NO_DATA_IS_FINE,
            description=(
                "Fewer tasks run than should. Look at the Auto Scaling group's activity for "
                "missing capacity or quota, and at the service's events for what stops tasks."
            ),
            topic=self._ticket,
        )

    def _waiting_tasks(self) -> None:
        minutes = self._cold_start_minutes
        alarm(
            self,
            "WaitingTasks",
            self._task_metric("PendingTaskCount"),
            fires=(AT_LEAST, 1),
            periods=(minutes, minutes),
            missing=NO_DATA_IS_FINE,
            description=(
                "A task has waited for an instance, or loaded, for longer than a cold start takes. "
                "Look at the Auto Scaling group's activity, then at the task's log."
            ),
            topic=self._ticket,
        )

    def _at_maximum(self) -> None:
        alarm(
            self,
            "AtMaximum",
            self._service.metric_desired_tasks(),
            fires=(AT_LEAST, self._service.plan.request.max_replicas),
            periods=(60, 60),
            missing=NO_DATA_IS_FINE,
            description="All replicas have been running for an hour: raise replicas.max in time.",
            topic=self._ticket,
        )

    def _task_metric(self, name: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="ECS/ContainerInsights",
            metric_name=name,
            dimensions_map={
                "ClusterName": self._service.capacity.cluster.cluster_name,
                "ServiceName": self._service.service.attr_name,
            },
            statistic="Minimum",
            period=Duration.minutes(1),
        )

    def _balancer_metric(self, name: str, statistic: str, minutes: int = 1) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=name,
            dimensions_map={
                "LoadBalancer": self._service.front_door.load_balancer.attr_load_balancer_full_name
            },
            statistic=statistic,
            period=Duration.minutes(minutes),
        )

    def _tasks(self, name: str, statistic: str) -> cloudwatch.IMetric:
        """How many tasks are in a state, in both target groups where deployments run two sets."""
        first, *others = (
            self._target_metric(group, name, statistic)
            for group in self._service.front_door.target_groups
        )
        if not others:
            return first
        return cloudwatch.MathExpression(
            expression="FILL(first, 0) + FILL(second, 0)",
            using_metrics={"first": first, "second": others[0]},
            label=name,
            period=Duration.minutes(1),
        )

    def _target_metric(
        self, group: elbv2.CfnTargetGroup, name: str, statistic: str
    ) -> cloudwatch.Metric:
        door = self._service.front_door
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=name,
            dimensions_map={
                "LoadBalancer": door.load_balancer.attr_load_balancer_full_name,
                "TargetGroup": group.attr_target_group_full_name,
            },
            statistic=statistic,
            period=Duration.minutes(1),
        )
