"""Alarms on what the engines report: stalled, silent, overloaded, slow."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

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
)
from cdk_vllm.constructs.engine_metrics import STALLED
from cdk_vllm.observability import engine_alarms as known

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.engine_metrics import EngineMetrics
    from cdk_vllm.observability import AlarmThresholds


class Sleep(NamedTuple):
    """Of a service that may run no replica: how many are wanted, and how long one takes to wake."""

    wanted: cloudwatch.IMetric
    minutes: int


class EngineAlarms(Construct):
    """Alarms on one service's `metrics`; `pages` are those that the service's composite shows.

    A silent service is the business of `NoMetrics` alone, so that one fault is one alarm: the
    others take missing data for fine. `may_be_silent` says when that is none.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        metrics: EngineMetrics,
        topics: AlarmTopics,
        thresholds: AlarmThresholds,
        may_be_silent: Sleep | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._metrics, self._ticket, self._limits = metrics, topics.ticket, thresholds
        self.stall = self._stall()
        self.no_metrics = self._no_metrics(may_be_silent)
        self.overloaded = self._overloaded()
        self.pages = [self.stall, self.no_metrics, self.overloaded]
        self._waiting()
        self._kv_cache_full()
        self._counts(
            "Preemptions",
            "vllm:num_preemptions_total",
            f"{known.PREEMPTIONS_MEANS} {known.PREEMPTIONS_FIRST}",
            (5, 5),
        )
        self._counts(
            "Rejections",
            "vllm:admission_rejections_total",
            f"{known.REJECTIONS_MEANS} {known.REJECTIONS_FIRST}",
            (1, 1),
        )

    def _stall(self) -> cloudwatch.Alarm:
        return alarm(
            self,
            "Stall",
            self._metrics.metric(STALLED, "Maximum"),
            fires=(AT_LEAST, 1),
            periods=(3, 3),
            missing=NO_DATA_IS_FINE,
            description=f"{known.STALL_MEANS} {known.STALL_FIRST}",
            topic=self._ticket,
        )

    def _no_metrics(self, sleep: Sleep | None) -> cloudwatch.Alarm:
        shown: cloudwatch.IMetric = self._metrics.metric("vllm:num_requests_running", "SampleCount")
        minutes = 5
        if sleep:
            shown = cloudwatch.MathExpression(
                expression="IF(FILL(wanted, 1) > 0, FILL(shown, 0), 1)",
                using_metrics={"wanted": sleep.wanted, "shown": shown},
                label="Scrapes, or none is wanted",
                period=Duration.minutes(1),
            )
            minutes += sleep.minutes
        return alarm(
            self,
            "NoMetrics",
            shown,
            fires=(BELOW, 1),
            periods=(minutes, minutes),
            missing=NO_DATA_IS_BAD,
            description=f"{known.NO_METRICS_MEANS} {known.NO_METRICS_FIRST}",
            topic=self._ticket,
        )

    def _overloaded(self) -> cloudwatch.Alarm:
        metrics = {
            "rejected": self._metrics.metric("vllm:admission_rejections_total", "Sum", minutes=5),
            "served": self._metrics.metric("vllm:request_success_total", "Sum", minutes=5),
        }
        minimum = self._limits.minimum_requests
        ratio = cloudwatch.MathExpression(
            expression=f"IF(rejected + served >= {minimum}, rejected / (rejected + served), 0)",
            using_metrics=dict(metrics),
            label="Rejected requests per request",
            period=Duration.minutes(5),
        )
        return alarm(
            self,
            "Overloaded",
            ratio,
            fires=(ABOVE, self._limits.rejected_ratio),
            periods=(1, 1),
            missing=NO_DATA_IS_FINE,
            description=f"{known.REJECTIONS_MEANS} {known.REJECTIONS_FIRST}",
            topic=self._ticket,
        )

    def _waiting(self) -> None:
        waiting = "vllm:num_requests_waiting"
        replica = self._metrics.metric(waiting, "Average")
        for construct_id, metric, limit in (
            (
                "Waiting",
                self._metrics.total(waiting, label="Requests waiting"),
                self._limits.waiting_requests,
            ),
            ("WaitingPerReplica", replica, self._limits.waiting_requests_per_replica),
        ):
            alarm(
                self,
                construct_id,
                metric,
                fires=(ABOVE, limit),
                periods=(4, 5),
                missing=NO_DATA_IS_FINE,
                description=f"{known.WAITING_MEANS} {known.WAITING_FIRST}",
                topic=self._ticket,
            )

    def _kv_cache_full(self) -> None:
        alarm(
            self,
            "KvCacheFull",
            self._metrics.metric("vllm:kv_cache_usage_perc", "Maximum"),
            fires=(ABOVE, self._limits.kv_cache_usage),
            periods=(4, 5),
            missing=NO_DATA_IS_FINE,
            description=f"{known.KV_MEANS} {known.KV_FIRST}",
            topic=self._ticket,
        )

    def _counts(
        self, construct_id: str, name: str, description: str, periods: tuple[int, int]
    ) -> None:
        alarm(
            self,
            construct_id,
            self._metrics.metric(name, "Sum"),
            fires=(ABOVE, 0),
            periods=periods,
            missing=NO_DATA_IS_FINE,
            description=description,
            topic=self._ticket,
        )
