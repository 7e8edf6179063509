"""Alarms on percentiles, which CloudWatch's own metrics cannot give: they need the histograms."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_aps as aps
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions
from constructs import Construct

from cdk_vllm.observability.engine_alarms import latency_alarms
from cdk_vllm.observability.prometheus import rule_groups

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics
    from cdk_vllm.constructs.collector import Collector
    from cdk_vllm.observability import AlarmThresholds

EVALUATION = Duration.minutes(1)


class LatencyAlarms(Construct):
    """p95 of first token, token interval and whole request, where `collector` sends histograms to.

    In CloudWatch each is a PromQL alarm; in a workspace all are its alerting rules. Such a query
    returns nothing without traffic, and nothing is fine: silence is `EngineAlarms`' to tell.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        collector: Collector,
        topics: AlarmTopics,
        thresholds: AlarmThresholds,
    ) -> None:
        super().__init__(scope, construct_id)
        selector = f'{{service="{collector.metrics.name}"}}'
        if collector.workspace:
            alarms = latency_alarms(thresholds, selector)
            aps.CfnRuleGroupsNamespace(
                self,
                "Rules",
                name=collector.metrics.name,
                workspace=collector.workspace.workspace.attr_arn,
                data=json.dumps(rule_groups(alarms)),
            )
        elif collector.otlp:
            for wanted in latency_alarms(thresholds, selector, native=True):
                promql = cloudwatch.PromQLAlarm(
                    self,
                    wanted.name,
                    query=wanted.query,
                    evaluation_interval=EVALUATION,
                    pending_period=Duration.seconds(wanted.for_seconds),
                    recovery_period=Duration.seconds(wanted.for_seconds),
                    alarm_description=wanted.description,
                )
                promql.add_alarm_action(actions.SnsAction(topics.ticket))
