from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(shown: str) -> dict[str, Any]:
    statement = {
        "Effect": "Deny",
        "Principal": "*",
        "Action": "sns:Publish",
        "Resource": {"Ref": "Topic"},
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }
    return {
        "Topic": {
            "Type": "AWS::SNS::Topic",
            "Properties": {"DisplayName": shown, "KmsMasterKeyId": "alias/aws/sns"},
        },
        "Policy": {
            "Type": "AWS::SNS::TopicPolicy",
            "Properties": {
                "Topics": [{"Ref": "Topic"}],
                "PolicyDocument": {"Version": "2012-10-17", "Statement": [statement]},
            },
        },
        "Mail": {
            "Type": "AWS::SNS::Subscription",
            "Properties": {
                "TopicArn": {"Ref": "Topic"},
                "Protocol": "email",
                "Endpoint": "on-call@example.com",
                "FilterPolicy": {"severity": ["high"]},
            },
        },
    }


def test_a_topic_is_read_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    sns, ids = client("sns"), deployed(**resources("one"))
    shown = sns.get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]
    assert (shown["DisplayName"], shown["KmsMasterKeyId"]) == ("one", "alias/aws/sns")
    assert "aws:SecureTransport" in shown["Policy"]
    (subscription,) = sns.list_subscriptions_by_topic(TopicArn=ids["Topic"])["Subscriptions"]
    assert subscription["SubscriptionArn"] == ids["Mail"]
    assert (subscription["Protocol"], subscription["Endpoint"]) == ("email", "on-call@example.com")
    attributes = sns.get_subscription_attributes(SubscriptionArn=ids["Mail"])["Attributes"]
    assert attributes["FilterPolicy"] == '{"severity": ["high"]}'
    assert deployed(**resources("two")) == ids
    assert sns.get_topic_attributes(TopicArn=ids["Topic"])["Attributes"]["DisplayName"] == "two"
    destroyed()
    assert not sns.list_topics()["Topics"]
    assert not sns.list_subscriptions()["Subscriptions"]
