"""Where percentiles are watched: in CloudWatch, in a workspace, or nowhere."""

from __future__ import annotations

import json

import aws_cdk as cdk
from aws_cdk.assertions import Template

from cdk_vllm.constructs import AlarmTopics, Collector, MetricsWorkspace
from cdk_vllm.constructs.latency_alarms import LatencyAlarms
from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.observability.engine_alarms import latency_alarms
from cdk_vllm.observability.prometheus import rule_groups

LIMITS = AlarmThresholds(ttft_seconds_p95=7, itl_seconds_p95=0.3, e2e_seconds_p95=70)
SELECTOR = '{service="dev-chat"}'


def watched(region: str, *, workspace: bool = False) -> tuple[cdk.Stack, AlarmTopics]:
    stack = cdk.Stack(cdk.App(), "dev-chat", env=cdk.Environment(region=region))
    topics = AlarmTopics(stack, "Topics")
    made = MetricsWorkspace(stack, "Workspace", topics=topics) if workspace else None
    collector = Collector(stack, "Collector", name="dev-chat", workspace=made)
    LatencyAlarms(stack, "Latency", collector=collector, topics=topics, thresholds=LIMITS)
    return stack, topics


def test_in_cloudwatch_each_percentile_is_an_alarm_of_its_own() -> None:
    stack, topics = watched("us-east-1")
    found = Template.from_stack(stack).find_resources("AWS::CloudWatch::Alarm").values()
    bodies = [body["Properties"] for body in found]
    queries = {b["EvaluationCriteria"]["PromQLCriteria"]["Query"]: b for b in bodies}
    expected = latency_alarms(LIMITS, SELECTOR, native=True)
    assert set(queries) == {alarm.query for alarm in expected}
    for alarm in expected:
        body = queries[alarm.query]
        assert body["AlarmDescription"] == alarm.description
        assert body["AlarmActions"] == [stack.resolve(topics.ticket.topic_arn)]
        assert body["EvaluationCriteria"]["PromQLCriteria"]["PendingPeriod"] == 300


def test_in_a_workspace_they_are_rules() -> None:
    stack, _ = watched("eu-central-1", workspace=True)
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::CloudWatch::Alarm", 0)
    (rules,) = template.find_resources("AWS::APS::RuleGroupsNamespace").values()
    assert json.loads(rules["Properties"]["Data"]) == rule_groups(latency_alarms(LIMITS, SELECTOR))


def test_a_workspace_is_preferred_where_both_could_be() -> None:
    stack, _ = watched("us-east-1", workspace=True)
    Template.from_stack(stack).resource_count_is("AWS::CloudWatch::Alarm", 0)


def test_without_either_nothing_is_watched_that_nobody_would_fill() -> None:
    stack, _ = watched("eu-central-1")
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::CloudWatch::Alarm", 0)
    template.resource_count_is("AWS::APS::RuleGroupsNamespace", 0)
