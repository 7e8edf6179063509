"""Where alarms go: one topic that wakes somebody up, and one that waits for office hours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_chatbot as chatbot
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_sns as sns
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

_USES = ("kms:Decrypt", "kms:GenerateDataKey")


class AlarmTopics(Construct):
    """`page` for what users notice now, `ticket` for what they will.

    `email` subscribes to both. `webhook`, an https address such as a pager's, hears pages.
    `slack_workspace_id` and `slack_channel_id` show both in a channel, through AWS Chatbot, which
    somebody must have let into the workspace once, in its console.

    Both are encrypted with a key that CloudWatch and EventBridge may use: with AWS's own SNS key
    an alarm changes its state and the message is silently lost.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        email: str | None = None,
        webhook: str | None = None,
        slack_workspace_id: str | None = None,
        slack_channel_id: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts alarm messages",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        for statement in self._publishers(_USES, "*"):
            self.key.add_to_resource_policy(statement)
        self.page = self._topic("Page", email)
        self.ticket = self._topic("Ticket", email)
        if webhook:
            self._subscribe(self.page, "Webhook", "https", webhook)
        if slack_workspace_id and slack_channel_id:
            self._slack(slack_workspace_id, slack_channel_id)

    def let_publish(self, service: str, *, source_arn: str) -> None:
        """Let one more AWS service publish to both topics, on behalf of one resource only."""
        condition = {"ArnLike": {"aws:SourceArn": source_arn}}
        principals: list[iam.IPrincipal] = [iam.ServicePrincipal(service)]
        self.key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=principals, actions=list(_USES), resources=["*"], conditions=condition
            )
        )
        for topic in (self.page, self.ticket):
            topic.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=principals,
                    actions=["sns:Publish", "sns:GetTopicAttributes"],
                    resources=[topic.topic_arn],
                    conditions=condition,
                )
            )

    def _topic(self, construct_id: str, email: str | None) -> sns.Topic:
        topic = sns.Topic(self, construct_id, master_key=self.key, enforce_ssl=True)
        for statement in self._publishers(("sns:Publish",), topic.topic_arn):
            topic.add_to_resource_policy(statement)
        if email:
            self._subscribe(topic, "Email", "email", email)
        return topic

    def _subscribe(self, topic: sns.Topic, construct_id: str, protocol: str, endpoint: str) -> None:
        sns.CfnSubscription(
            topic, construct_id, topic_arn=topic.topic_arn, protocol=protocol, endpoint=endpoint
        )

    def _slack(self, workspace_id: str, channel_id: str) -> None:
        """A channel that shows messages; nobody can act on AWS from it."""
        role = iam.Role(self, "SlackRole", assumed_by=iam.ServicePrincipal("chatbot.amazonaws.com"))
        chatbot.CfnSlackChannelConfiguration(
            self,
            "Slack",
            configuration_name=f"{Stack.of(self).stack_name}-alarms",
            iam_role_arn=role.role_arn,
            slack_workspace_id=workspace_id,
            slack_channel_id=channel_id,
            sns_topic_arns=[self.page.topic_arn, self.ticket.topic_arn],
            guardrail_policies=[
                f"arn:{Stack.of(self).partition}:iam::aws:policy/AWSDenyAll",
            ],
            logging_level="ERROR",
        )

    def _publishers(self, actions: Sequence[str], resource: str) -> list[iam.PolicyStatement]:
        return [
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudwatch.amazonaws.com")],
                actions=list(actions),
                resources=[resource],
                conditions={"StringEquals": {"aws:SourceAccount": Stack.of(self).account}},
            ),
            # EventBridge names no source account to SNS and KMS: with a condition, events are lost.
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("events.amazonaws.com")],
                actions=list(actions),
                resources=[resource],
            ),
        ]
