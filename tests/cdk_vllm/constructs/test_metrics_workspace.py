"""The workspace: who may write to it, and where its alerts go."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Template

from cdk_vllm.constructs import AlarmTopics, Collector, MetricsWorkspace

if TYPE_CHECKING:
    import aws_cdk as cdk


def definition(stack: cdk.Stack) -> dict[str, Any]:
    """Return the alert manager's configuration; a topic's ARN is its logical id."""
    (found,) = Template.from_stack(stack).find_resources("AWS::APS::Workspace").values()
    parts = found["Properties"]["AlertManagerDefinition"]["Fn::Join"][1]
    text = "".join(part if isinstance(part, str) else part["Ref"] for part in parts)
    made: dict[str, Any] = json.loads(json.loads(text)["alertmanager_config"])
    return made


def test_an_alert_goes_where_its_severity_says(stack: cdk.Stack) -> None:
    topics = AlarmTopics(stack, "Topics")
    MetricsWorkspace(stack, "Workspace", topics=topics)
    made = definition(stack)
    targets = {r["name"]: r["sns_configs"][0]["topic_arn"] for r in made["receivers"]}
    assert targets == {
        "page": stack.resolve(topics.page.topic_arn)["Ref"],
        "ticket": stack.resolve(topics.ticket.topic_arn)["Ref"],
    }
    assert made["route"]["receiver"] == "ticket"
    assert made["route"]["routes"] == [{"receiver": "page", "match": {"severity": "page"}}]
    assert {r["sns_configs"][0]["sigv4"]["region"] for r in made["receivers"]} == {"us-east-1"}


def test_a_task_may_write_to_this_workspace_only(stack: cdk.Stack) -> None:
    workspace = MetricsWorkspace(stack, "Workspace", topics=AlarmTopics(stack, "Topics"))
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    Collector(stack, "C", name="dev-chat", workspace=workspace).grant_publish(role)
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    statements = [s for p in policies for s in p["Properties"]["PolicyDocument"]["Statement"]]
    (write,) = [s for s in statements if s["Action"] == "aps:RemoteWrite"]
    assert write["Resource"] == stack.resolve(workspace.workspace.attr_arn)
    assert not [s for s in statements if "cloudwatch:PutMetricData" in s["Action"]]


def test_the_collector_writes_to_its_address(stack: cdk.Stack) -> None:
    workspace = MetricsWorkspace(stack, "Workspace", topics=AlarmTopics(stack, "Topics"))
    collector = Collector(stack, "C", name="dev-chat", workspace=workspace)
    container = json.dumps(stack.resolve(collector.container_definition("logs")))
    assert "api/v1/remote_write" in container
    assert "prometheusremotewrite" in container
    assert "otlphttp" not in container
