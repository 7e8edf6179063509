"""The alarms of one SageMaker endpoint: what its users notice pages, the rest is a ticket."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_events as events
from constructs import Construct

from cdk_vllm.constructs.alarm import (
    ABOVE,
    BELOW,
    NO_DATA_IS_BAD,
    NO_DATA_IS_FINE,
    alarm,
    page_when_any,
)

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.sagemaker_endpoint import VllmSageMakerEndpoint

MINIMUM_REQUESTS = 100  # in five minutes; below, one error would be a high ratio
_MICROSECONDS = 1_000_000


class SageMakerAlarms(Construct):
    """Alarms on errors, speed and presence; updates roll back on the error ratio.

    `error_ratio` is a part of all invocations, `response_seconds_p95` the time the model takes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        endpoint: VllmSageMakerEndpoint,
        topics: AlarmTopics,
        error_ratio: float = 0.001,
        response_seconds_p95: float = 60.0,
    ) -> None:
        super().__init__(scope, construct_id)
        self._endpoint, self._ticket = endpoint, topics.ticket
        self.error_ratio = self._error_ratio(error_ratio)
        self.no_instance = self._no_instance()
        self._slow_responses(response_seconds_p95)
        self._slow_overhead()
        self.unavailable = page_when_any(
            self,
            "Unavailable",
            [self.error_ratio, self.no_instance],
            description="Users get errors or nothing: look at the alarms this one is made of.",
            topic=topics.page,
        )
        self._failures()
        endpoint.roll_back_on([self.error_ratio])

    def _error_ratio(self, threshold: float) -> cloudwatch.Alarm:
        five = Duration.minutes(5)
        ratio = cloudwatch.MathExpression(
            expression=f"IF(requests >= {MINIMUM_REQUESTS}, errors / requests, 0)",
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
            fires=(ABOVE, threshold),
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
        reports = self._endpoint.metric(
            "CPUUtilization", "SampleCount", namespace="/aws/sagemaker/Endpoints"
        )
        return alarm(
            self,
            "NoInstance",
            reports,
            fires=(BELOW, 1),
            periods=(2, 2),
            missing=NO_DATA_IS_BAD,
            description=(
                "No instance serves. Expected until the endpoint is first in service; otherwise "
                "look at the endpoint's failure reason, quota and capacity."
            ),
            topic=self._ticket,
        )

    def _slow_responses(self, threshold: float) -> None:
        alarm(
            self,
            "SlowResponses",
            self._endpoint.metric("ModelLatency", "p95", period=Duration.minutes(5)),
            fires=(ABOVE, threshold * _MICROSECONDS),
            periods=(3, 3),
            missing=NO_DATA_IS_FINE,
            description=(
                "One request in twenty takes too long. Raise replicas.max if all replicas run, or "
                "plan a faster instance."
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

    def _failures(self) -> None:
        events.CfnRule(
            self,
            "EndpointEvents",
            event_pattern={
                "source": ["aws.sagemaker"],
                "detail-type": ["SageMaker Endpoint State Change"],
                "detail": {
                    "EndpointName": [self._endpoint.endpoint_name],
                    "EndpointStatus": ["FAILED", "ROLLING_BACK", "UPDATE_ROLLBACK_FAILED"],
                },
            },
            targets=[events.CfnRule.TargetProperty(id="Ticket", arn=self._ticket.topic_arn)],
        )
