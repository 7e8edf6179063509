"""Where alarms go: one topic that wakes somebody up, and one that waits for office hours."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct


class AlarmTopics(Construct):
    """`page` for what users notice now, `ticket` for what they will; `email` subscribes to both.

    Both are encrypted with a key that CloudWatch and EventBridge may use: with AWS's own SNS key
    an alarm changes its state and the message is silently lost.
    """

    def __init__(self, scope: Construct, construct_id: str, *, email: str | None = None) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts alarm messages",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        for statement in self._publishers(["kms:Decrypt", "kms:GenerateDataKey"], "*"):
            self.key.add_to_resource_policy(statement)
        self.page = self._topic("Page", email)
        self.ticket = self._topic("Ticket", email)

    def _topic(self, construct_id: str, email: str | None) -> sns.Topic:
        topic = sns.Topic(self, construct_id, master_key=self.key, enforce_ssl=True)
        for statement in self._publishers(["sns:Publish"], topic.topic_arn):
            topic.add_to_resource_policy(statement)
        if email:
            sns.CfnSubscription(
                topic, "Email", topic_arn=topic.topic_arn, protocol="email", endpoint=email
            )
        return topic

    def _publishers(self, actions: list[str], resource: str) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=actions,
                resources=[resource],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
            # EventBridge names no source account to SNS and KMS: with a condition, events are lost.
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=actions,
                resources=[resource],
            ),
        ]
