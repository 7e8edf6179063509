"""SNS: topics, their policies and subscriptions."""

from __future__ import annotations

import json
from typing import Any

from .resource import Resource

_TOPIC_ATTRIBUTES = (
    "ArchivePolicy",
    "ContentBasedDeduplication",
    "DisplayName",
    "FifoThroughputScope",
    "FifoTopic",
    "KmsMasterKeyId",
    "SignatureVersion",
    "TracingConfig",
)
_SUBSCRIPTION_ATTRIBUTES = (
    "DeliveryPolicy",
    "FilterPolicy",
    "FilterPolicyScope",
    "RawMessageDelivery",
    "RedrivePolicy",
    "SubscriptionRoleArn",
)


def _texts(properties: dict[str, Any], names: tuple[str, ...]) -> dict[str, str]:
    """Return the attributes among the properties as the text SNS keeps."""
    texts = {}
    for name in names:
        value = properties.get(name)
        if isinstance(value, bool):
            texts[name] = str(value).lower()
        elif isinstance(value, dict):
            texts[name] = json.dumps(value)
        elif value is not None:
            texts[name] = str(value)
    return texts


class Topic(Resource):
    """`AWS::SNS::Topic`; `Ref` is its ARN."""

    type_name = "AWS::SNS::Topic"
    name_property = "TopicName"
    name_limit = 256
    fixed = frozenset({"FifoTopic"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the topic and its inline subscriptions."""
        attributes = _texts(properties, _TOPIC_ATTRIBUTES)
        topic = {"Name": properties["TopicName"], "Attributes": attributes}
        arn = str(
            self.call("sns.create_topic", {**topic, "Tags": properties.get("Tags", [])})["TopicArn"]
        )
        for subscription in properties.get("Subscription", []):
            self.call("sns.subscribe", {"TopicArn": arn, **subscription})
        return arn

    def update(self, properties: dict[str, Any]) -> None:
        """Set every attribute anew."""
        for name, value in _texts(properties, _TOPIC_ATTRIBUTES).items():
            self.client("sns").set_topic_attributes(
                TopicArn=self.physical_id, AttributeName=name, AttributeValue=value
            )
        if self.changed(properties, "Tags") and properties.get("Tags"):
            tagged = {"ResourceArn": self.physical_id, "Tags": properties["Tags"]}
            self.call("sns.tag_resource", tagged)

    def delete(self) -> None:
        """Delete the topic and its subscriptions."""
        self.client("sns").delete_topic(TopicArn=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `TopicArn` or `TopicName`."""
        return self.physical_id if name == "TopicArn" else super().attribute(name)


class TopicPolicy(Resource):
    """`AWS::SNS::TopicPolicy`: one policy for each of a list of topics."""

    type_name = "AWS::SNS::TopicPolicy"

    def create(self, properties: dict[str, Any]) -> str:
        """Put the policy on every topic."""
        self._put(properties)
        return self.generated_name()

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew."""
        self._put(properties)

    def _put(self, properties: dict[str, Any]) -> None:
        for topic in properties["Topics"]:
            self.client("sns").set_topic_attributes(
                TopicArn=topic,
                AttributeName="Policy",
                AttributeValue=json.dumps(properties["PolicyDocument"]),
            )

    def attribute(self, name: str) -> Any:
        """Return `Id`."""
        return self.physical_id if name == "Id" else None


class Subscription(Resource):
    """`AWS::SNS::Subscription`; `Ref` is its ARN."""

    type_name = "AWS::SNS::Subscription"
    fixed = frozenset({"Endpoint", "Protocol", "TopicArn"})

    def create(self, properties: dict[str, Any]) -> str:
        """Subscribe; moto confirms every protocol at once."""
        answer = self.call(
            "sns.subscribe",
            {
                **{name: properties[name] for name in self.fixed if name in properties},
                "Attributes": _texts(properties, _SUBSCRIPTION_ATTRIBUTES),
                "ReturnSubscriptionArn": True,
            },
        )
        return str(answer["SubscriptionArn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Set every attribute anew."""
        for name, value in _texts(properties, _SUBSCRIPTION_ATTRIBUTES).items():
            self.client("sns").set_subscription_attributes(
                SubscriptionArn=self.physical_id, AttributeName=name, AttributeValue=value
            )

    def delete(self) -> None:
        """Unsubscribe."""
        self.client("sns").unsubscribe(SubscriptionArn=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Arn`."""
        return self.physical_id if name == "Arn" else None


TYPES = (Subscription, Topic, TopicPolicy)
