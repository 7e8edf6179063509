"""A Prometheus of AWS's for the histograms, in regions where CloudWatch does not take them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_aps as aps
from aws_cdk import aws_iam as iam
from constructs import Construct

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics


class MetricsWorkspace(Construct):
    """An Amazon Managed Prometheus workspace whose alerts go to `topics` by their severity."""

    def __init__(self, scope: Construct, construct_id: str, *, topics: AlarmTopics) -> None:
        super().__init__(scope, construct_id)
        self.workspace = aps.CfnWorkspace(
            self,
            "Workspace",
            alias=f"{Stack.of(self).stack_name}-vllm",
            alert_manager_definition=_alert_manager(topics, Stack.of(self).region),
        )
        # Not this workspace's own ARN: it names the topics, and their policies would name it.
        stack = Stack.of(self)
        workspaces = f"arn:{stack.partition}:aps:{stack.region}:{stack.account}:workspace/*"
        topics.let_publish("aps.amazonaws.com", source_arn=workspaces)

    @property
    def remote_write_url(self) -> str:
        """Where the collector writes to."""
        return f"{self.workspace.attr_prometheus_endpoint}api/v1/remote_write"

    def grant_write(self, grantee: iam.IGrantable) -> iam.Grant:
        """Let `grantee` write series."""
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["aps:RemoteWrite"],
            resource_arns=[self.workspace.attr_arn],
        )


def _alert_manager(topics: AlarmTopics, region: str) -> str:
    """Return the alert manager's definition; JSON is YAML too."""
    receivers = [
        {
            "name": name,
            "sns_configs": [
                {"topic_arn": topic.topic_arn, "sigv4": {"region": region}, "send_resolved": True}
            ],
        }
        for name, topic in (("ticket", topics.ticket), ("page", topics.page))
    ]
    route = {
        "receiver": "ticket",
        "group_by": ["service", "alertname"],
        "routes": [{"receiver": "page", "match": {"severity": "page"}}],
    }
    return json.dumps({"alertmanager_config": json.dumps({"route": route, "receivers": receivers})})
