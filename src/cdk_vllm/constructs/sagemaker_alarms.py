"""The alarms of one SageMaker endpoint: what its users notice pages, the rest is a ticket."""

from __future__ import annotations

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
from cdk_vllm.constructs.event_rule import tell
from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.observability.engine_alarms import WAITING_FIRST, WAITING_MEANS

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.sagemaker_endpoint import VllmSageMakerEndpoint

INSTANCES = "/aws/sagemaker/Endpoints"
_MICROSECONDS = 1_000_000
_PERCENT = 100


class SageMakerAlarms(Construct):
    """Alarms on errors, speed, presence and hardware; updates roll back on the error ratio.

    Of the thresholds, those on vLLM's own series do not apply: SageMaker shows them to PromQL in
    its detailed observability, and scales on requests at once itself.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: VllmSageMakerEndpoint,
        topics: AlarmTopics,
        thresholds: AlarmThresholds | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint, self._ticket = endpoint, topics.ticket
        self._limits = thresholds or AlarmThresholds()
        self.error_ratio = self._error_ratio()
        self.no_instance = self._no_instance()
        self.no_answers = self._no_answers()
        self._slow_responses()
        self._slow_overhead()
        self._waiting()
        self._hardware()
        self._gpu_idle()
        if endpoint.plan.request.max_replicas > endpoint.plan.request.min_replicas:
            self._at_maximum()
        self.pages = [self.error_ratio, self.no_instance, self.no_answers]
        self.unavailable = page_when_any(
            self,
            "Unavailable",
            self.pages,
            description="Users get errors or nothing: look at the alarms this one is made of.",
            topic=topics.page,
        )
        self._failures()
        endpoint.roll_back_on([self.error_ratio])

    def _error_ratio(self) -> cloudwatch.Alarm:
        five = Duration.minutes(5)
        minimum = self._limits.minimum_requests
        ratio = cloudwatch.MathExpression(
            expression=f"IF(requests >= {minimum}, FILL(errors, 0) / requests, 0)",
            using_metrics={
                "requests": self._endpoint.metric("Invocations", "Sum", period=five),
                "errors": self._endpoint.metric("Invocation5XXErrors", "Sum", period=five),
            },
            label="Errors per request",
            period=five,
        )
        return alarm(
            self,
            "ErrorRatio",
            ratio,
            fires=(ABOVE, self._limits.error_ratio),
            periods=(2, 3),
            missing=NO_DATA_IS_FINE,
            description=(
                "Too many invocations fail. 503 at once: the queue is full, raise replicas.max. "
                "Otherwise read the endpoint's log for an engine that died."
            ),
            topic=self._ticket,
        )

    def _no_instance(self) -> cloudwatch.Alarm:
        # Every instance reports its CPU once a minute; how much does not matter here.
        return alarm(
            self,
            "NoInstance",
            self._instance_metric("CPUUtilization", "SampleCount"),
            fires=(BELOW, 1),
            periods=(2, 2),
            missing=NO_DATA_IS_BAD,
            description=(
                "No instance serves. Expected until the endpoint is first in service; otherwise "
                "look at the endpoint's failure reason, quota and capacity."
            ),
            topic=self._ticket,
        )

    def _no_answers(self) -> cloudwatch.Alarm:
        """A stalled engine still passes /ping; its requests time out, which are model errors."""
        five = Duration.minutes(5)
        answers = cloudwatch.MathExpression(
            expression="IF(requests > 0 AND FILL(errors, 0) >= requests, 1, 0)",
            using_metrics={
                "requests": self._endpoint.metric("Invocations", "Sum", period=five),
                "errors": self._endpoint.metric("InvocationModelErrors", "Sum", period=five),
            },
            label="Every request failed",
            period=five,
        )
        return alarm(
            self,
            "NoAnswers",
            answers,
            fires=(AT_LEAST, 1),
            periods=(2, 2),
            missing=NO_DATA_IS_FINE,
            description=(
                "Every invocation of ten minutes failed or timed out: an engine that hangs, as "
                "/ping still passes. Update the endpoint to replace its instances; read its log."
            ),
            topic=self._ticket,
        )

    def _slow_responses(self) -> None:
        for construct_id, name, seconds, what in (
            (
                "SlowFirstToken",
                "FirstChunkLatency",
                self._limits.ttft_seconds_p95,
                "stream's start",
            ),
            ("SlowResponses", "ModelLatency", self._limits.e2e_seconds_p95, "whole answer"),
        ):
            alarm(
                self,
                construct_id,
                self._endpoint.metric(name, "p95", period=Duration.minutes(5)),
                fires=(ABOVE, seconds * _MICROSECONDS),
                periods=(3, 3),
                missing=NO_DATA_IS_FINE,
                description=(
                    f"One {what} in twenty takes too long. Raise replicas.max if all replicas run, "
                    "or plan a faster instance."
                ),
                topic=self._ticket,
            )

    def _slow_overhead(self) -> None:
        alarm(
            self,
            "SlowOverhead",
            self._endpoint.metric("OverheadLatency", "p95", period=Duration.minutes(5)),
            fires=(ABOVE, 1 * _MICROSECONDS),
            periods=(3, 3),
            missing=NO_DATA_IS_FINE,
            description=(
                "SageMaker itself adds a second to requests: they wait for a free instance. Raise "
                "replicas.max, or lower the requests a replica is planned for."
            ),
            topic=self._ticket,
        )

    def _waiting(self) -> None:
        """What is beyond the batch waits: SageMaker counts both, and only vLLM tells them apart."""
        batch = int(self._endpoint.plan.engine_args["max_num_seqs"])
        alarm(
            self,
            "WaitingPerReplica",
            self._endpoint.metric(
                "ConcurrentRequestsPerModel", "Average", period=Duration.minutes(1)
            ),
            fires=(ABOVE, batch + self._limits.waiting_requests_per_replica),
            periods=(4, 5),
            missing=NO_DATA_IS_FINE,
            description=f"{WAITING_MEANS} {WAITING_FIRST}",
            topic=self._ticket,
        )

    def _gpu_idle(self) -> None:
        hour = Duration.hours(1)
        used = cloudwatch.MathExpression(
            expression=f"IF(FILL(requests, 0) > 0, used, {_PERCENT})",
            using_metrics={
                "requests": self._endpoint.metric("Invocations", "Sum", period=hour),
                "used": self._endpoint.metric(
                    "GPUUtilizationNormalized", "Average", namespace=INSTANCES, period=hour
                ),
            },
            label="GPU in use while requests run, %",
            period=hour,
        )
        alarm(
            self,
            "GpuIdle",
            used,
            fires=(BELOW, self._limits.gpu_utilization * _PERCENT),
            periods=(1, 1),
            missing=NO_DATA_IS_FINE,
            description=(
                "GPUs idle although requests run: the instance is larger than the load. Lower "
                "replicas.min, or plan with fewer concurrent_requests."
            ),
            topic=self._ticket,
        )

    def _hardware(self) -> None:
        for construct_id, name, share in (
            ("HostMemory", "MemoryUtilization", self._limits.host_memory),
            ("HostDisk", "DiskUtilization", self._limits.host_disk),
        ):
            alarm(
                self,
                construct_id,
                self._instance_metric(name, "Maximum"),
                fires=(ABOVE, share * _PERCENT),
                periods=(5, 5),
                missing=NO_DATA_IS_FINE,
                description=(
                    f"{name} of an instance is high: soon the container is stopped. Plan with "
                    "more host memory, or look in the log for what fills the disk."
                ),
                topic=self._ticket,
            )

    def _at_maximum(self) -> None:
        alarm(
            self,
            "AtMaximum",
            self._instance_metric("CPUUtilization", "SampleCount"),
            fires=(AT_LEAST, self._endpoint.plan.request.max_replicas),
            periods=(60, 60),
            missing=NO_DATA_IS_FINE,
            description="All replicas have been running for an hour: raise replicas.max in time.",
            topic=self._ticket,
        )

    def _instance_metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return self._endpoint.metric(
            name, statistic, namespace=INSTANCES, period=Duration.minutes(1)
        )

    def _failures(self) -> None:
        tell(
            self,
            "EndpointEvents",
            {
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Endpoint State Change"],
                "detail": {
                    "EndpointName": [self._endpoint.endpoint_name],
                    "EndpointStatus": ["FAILED", "ROLLING_BACK", "UPDATE_ROLLBACK_FAILED"],
                },
            },
            self._ticket,
            sentence="Endpoint <endpoint> is <status>: read its failure reason; a fresh one has "
            "no capacity or quota, an updated one keeps serving its former model.",
            paths={"endpoint": "$.detail.EndpointName", "status": "$.detail.EndpointStatus"},
        )
