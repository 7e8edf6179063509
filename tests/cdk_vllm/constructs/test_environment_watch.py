"""What an environment is watched for: its budget here, Spot notices in `test_ecs_events`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import AlarmTopics, EnvironmentWatch

if TYPE_CHECKING:
    import aws_cdk as cdk


def test_a_budget_tells_before_it_is_spent(stack: cdk.Stack) -> None:
    topics = AlarmTopics(stack, "Topics")
    EnvironmentWatch(stack, "Watch", topics=topics, usd_per_month=5000)
    template = Template.from_stack(stack)
    (budget,) = template.find_resources("AWS::Budgets::Budget").values()
    properties = budget["Properties"]
    assert properties["Budget"] == {
        "BudgetLimit": {"Amount": 5000, "Unit": "USD"},
        "BudgetType": "COST",
        "TimeUnit": "MONTHLY",
    }
    ticket = stack.resolve(topics.ticket.topic_arn)
    told = {}
    for entry in properties["NotificationsWithSubscribers"]:
        notification = entry["Notification"]
        told[notification["NotificationType"]] = notification["Threshold"]
        assert entry["Subscribers"] == [{"Address": ticket, "SubscriptionType": "SNS"}]
    assert told == {"ACTUAL": 80, "FORECASTED": 100}
    template.has_resource_properties(
        "AWS::SNS::TopicPolicy",
        {
            "PolicyDocument": Match.object_like(
                {
                    "Statement": Match.array_with(
                        [
                            Match.object_like(
                                {
                                    "Principal": {"Service": "budgets.amazonaws.com"},
                                    "Condition": Match.any_value(),
                                }
                            )
                        ]
                    )
                }
            )
        },
    )


def test_without_a_budget_there_is_none(stack: cdk.Stack) -> None:
    EnvironmentWatch(stack, "Watch", topics=AlarmTopics(stack, "Topics"))
    Template.from_stack(stack).resource_count_is("AWS::Budgets::Budget", 0)
