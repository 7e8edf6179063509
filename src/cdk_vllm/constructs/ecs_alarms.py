"""The alarms of one ECS service: what its users notice pages, what they will notice is a ticket."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
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
from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.ecs_service import VllmEcsService

MINIMUM_REQUESTS = 100  # in five minutes; below, one error would be a high ratio


class EcsAlarms(Construct):
    """Alarms on errors, speed, health and capacity; deployments roll back on the error ratio.

    `error_ratio` is a part of all requests, `response_seconds_p95` the time until response headers
    (of a stream) or the whole answer. CPU, GPU utilisation and GPU memory raise no alarm: vLLM
    takes all memory at start, and a busy GPU is what it is paid for.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: VllmEcsService,
        topics: AlarmTopics,
        error_ratio: float = 0.001,
        response_seconds_p95: float = 60.0,
    ) -> None:
        super().__init__(scope, construct_id)
        self._service, self._ticket = service, topics.ticket
        # A starting task is unhealthy for its whole cold start, and that is not a fault.
        self._cold_start_minutes = ceil(timeouts_for(service.plan).health_check_grace_seconds / 60)
        self.error_ratio = self._error_ratio(error_ratio)
        self.no_healthy_task = self._no_healthy_task()
        self._unhealthy_tasks()
        self._slow_responses(response_seconds_p95)
        self._missing_tasks()
        if service.plan.request.max_replicas > service.plan.request.min_replicas:
            self._at_maximum()
        self.unavailable = page_when_any(
            self,
            "Unavailable",
            [self.error_ratio, self.no_healthy_task],
            description="Users get errors or nothing: look at the alarms this one is made of.",
            topic=topics.page,
        )
        self._failures()
        service.roll_back_on([self.error_ratio])

    def _error_ratio(self, threshold: float) -> cloudwatch.Alarm:
        ratio = cloudwatch.MathExpression(
            expression=f"IF(requests >= {MINIMUM_REQUESTS}, (target + balancer) / requests, 0)",
            using_metrics={
                "requests": self._balancer_metric("RequestCount", "Sum"),
                "target": self._balancer_metric("HTTPCode_Target_5XX_Count", "Sum"),
                "balancer": self._balancer_metric("HTTPCode_ELB_5XX_Count", "Sum"),
            },
            label="Errors per request",
            period=Duration.minutes(5),
        )
        return alarm(
            self,
            "ErrorRatio",
            ratio,
            fires=(ABOVE, threshold),
            periods=(2, 3),
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
            self._target_metric("HealthyHostCount", "Maximum"),
            fires=(BELOW, 1),
            periods=(3, 3),
            missing=NO_DATA_IS_BAD,
            description=(
                "No task answers /health, so every request fails. Expected until the first "
                "deployment has loaded the model; otherwise read the service's events and log."
            ),
            topic=self._ticket,
        )

    def _unhealthy_tasks(self) -> None:
        minutes = self._cold_start_minutes + 5
        alarm(
            self,
            "UnhealthyTasks",
            self._target_metric("UnHealthyHostCount", "Minimum"),
            fires=(AT_LEAST, 1),
            periods=(minutes, minutes),
            missing=NO_DATA_IS_FINE,
            description=(
                "A task has been unhealthy for longer than a cold start takes. Read its log; stop "
                "it, and ECS starts another."
            ),
            topic=self._ticket,
        )

    def _slow_responses(self, threshold: float) -> None:
        alarm(
            self,
            "SlowResponses",
            self._target_metric("TargetResponseTime", "p95", minutes=5),
            fires=(ABOVE, threshold),
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

    def _failures(self) -> None:
        self._event(
            "ServiceEvents",
            {
                "source": ["aws.ecs"],
                "detail-type": ["ECS Deployment State Change", "ECS Service Action"],
                "resources": [self._service.service.ref],
                "detail": {
                    "eventName": [
                        "SERVICE_DEPLOYMENT_FAILED",
                        "SERVICE_TASK_PLACEMENT_FAILURE",
                        "SERVICE_TASK_START_IMPAIRED",
                    ]
                },
            },
        )
        self._event(
            "LaunchFailures",
            {
                "source": ["aws.autoscaling"],
                "detail-type": ["EC2 Instance Launch Unsuccessful"],
                "detail": {"AutoScalingGroupName": [self._service.capacity.auto_scaling_group.ref]},
            },
        )

    def _event(self, construct_id: str, pattern: dict[str, object]) -> None:
        target = events.CfnRule.TargetProperty(id="Ticket", arn=self._ticket.topic_arn)
        events.CfnRule(self, construct_id, event_pattern=pattern, targets=[target])

    def _balancer_metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=name,
            dimensions_map={
                "LoadBalancer": self._service.front_door.load_balancer.attr_load_balancer_full_name
            },
            statistic=statistic,
            period=Duration.minutes(5),
        )

    def _target_metric(self, name: str, statistic: str, minutes: int = 1) -> cloudwatch.Metric:
        door = self._service.front_door
        return cloudwatch.Metric(
            namespace="AWS/ApplicationELB",
            metric_name=name,
            dimensions_map={
                "LoadBalancer": door.load_balancer.attr_load_balancer_full_name,
                "TargetGroup": door.target_group.attr_target_group_full_name,
            },
            statistic=statistic,
            period=Duration.minutes(minutes),
        )
