"""Reads SNS back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _topic(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    sns = client("sns")
    attributes = sns.get_topic_attributes(TopicArn=physical_id)["Attributes"]
    subscriptions = sns.list_subscriptions_by_topic(TopicArn=physical_id)["Subscriptions"]
    return {
        **listed(
            attributes,
            "ContentBasedDeduplication",
            "DisplayName",
            "FifoTopic",
            "KmsMasterKeyId",
            "SignatureVersion",
            "TopicArn",
            "TracingConfig",
        ),
        "Subscription": [listed(item, "Endpoint", "Protocol") for item in subscriptions],
        "Tags": sns.list_tags_for_resource(ResourceArn=physical_id)["Tags"],
        "TopicName": tail(physical_id, ":"),
    }


def _topic_policy(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    topics = properties.get("Topics", [physical_id])
    policies = [
        client("sns").get_topic_attributes(TopicArn=topic)["Attributes"]["Policy"]
        for topic in topics
    ]
    same = all(policy == policies[0] for policy in policies)
    return {"PolicyDocument": policies[0] if same else policies, "Topics": topics}


def _subscription(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("sns").get_subscription_attributes(SubscriptionArn=physical_id)
    return {
        **listed(
            answer["Attributes"],
            "DeliveryPolicy",
            "Endpoint",
            "FilterPolicy",
            "FilterPolicyScope",
            "Protocol",
            "RawMessageDelivery",
            "RedrivePolicy",
            "SubscriptionRoleArn",
            "TopicArn",
        ),
        "Arn": physical_id,
    }


READERS: Mapping[str, Reader] = {
    "AWS::SNS::Subscription": _subscription,
    "AWS::SNS::Topic": _topic,
    "AWS::SNS::TopicPolicy": _topic_policy,
}
