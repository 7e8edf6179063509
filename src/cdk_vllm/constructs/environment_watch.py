"""What an environment's services share that may go wrong: Spot notices and money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_budgets as budgets
from constructs import Construct

from cdk_vllm.constructs.event_rule import tell

if TYPE_CHECKING:
    from cdk_vllm.constructs.alarm_topics import AlarmTopics


class EnvironmentWatch(Construct):
    """A ticket for each Spot interruption, and for a month that costs more than its budget.

    `usd_per_month` of None means no budget. AWS knows costs hours later, and its forecast days
    before the month ends; both make a ticket. Spot notices name no service, only an instance.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        topics: AlarmTopics,
        usd_per_month: float | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        tell(
            self,
            "Spot",
            {
                "source": ["aws.ec2"],
                "detail-type": ["EC2 Spot Instance Interruption Warning"],
            },
            topics.ticket,
            sentence="AWS takes Spot instance <instance> back in two minutes. Its tasks drain; "
            "if this is frequent, plan with another type or without Spot.",
            paths={"instance": "$.detail.instance-id"},
        )
        if usd_per_month is not None:
            self._budget(topics, usd_per_month)

    def _budget(self, topics: AlarmTopics, usd_per_month: float) -> None:
        kind = budgets.CfnBudget
        stack = Stack.of(self)
        subscriber = kind.SubscriberProperty(
            subscription_type="SNS", address=topics.ticket.topic_arn
        )
        kind(
            self,
            "Budget",
            budget=kind.BudgetDataProperty(
                budget_type="COST",
                time_unit="MONTHLY",
                budget_limit=kind.SpendProperty(amount=usd_per_month, unit="USD"),
            ),
            notifications_with_subscribers=[
                kind.NotificationWithSubscribersProperty(
                    notification=kind.NotificationProperty(
                        notification_type=notification,
                        comparison_operator="GREATER_THAN",
                        threshold=threshold,
                        threshold_type="PERCENTAGE",
                    ),
                    subscribers=[subscriber],
                )
                for notification, threshold in (("ACTUAL", 80), ("FORECASTED", 100))
            ],
        )
        account = f"arn:{stack.partition}:budgets::{stack.account}:*"
        topics.let_publish("budgets.amazonaws.com", source_arn=account)
