from __future__ import annotations

import json
from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


def test_topic_its_policy_and_subscription(client: Client, wrong: Wrong) -> None:
    sns = client("sns")
    topic = sns.create_topic(
        Name="alarms",
        Attributes={"DisplayName": "Alarms", "KmsMasterKeyId": "alias/sns"},
        Tags=[{"Key": "a", "Value": "b"}],
    )["TopicArn"]
    subscription = sns.subscribe(
        TopicArn=topic, Protocol="email", Endpoint="on-call@example.com", ReturnSubscriptionArn=True
    )["SubscriptionArn"]
    written = {
        "DisplayName": "Alarms",
        "KmsMasterKeyId": "alias/sns",
        "Subscription": [{"Endpoint": "on-call@example.com", "Protocol": "email"}],
        "Tags": [{"Key": "a", "Value": "b"}],
        "TopicName": "alarms",
    }
    assert wrong("SNS::Topic", topic, written) == []
    endpoint = {"TopicArn": topic, "Protocol": "email", "Endpoint": "on-call@example.com"}
    assert wrong("SNS::Subscription", subscription, endpoint) == []

    document = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "cloudwatch.amazonaws.com"},
                "Action": "sns:Publish",
                "Resource": topic,
            }
        ],
    }
    policy = {"PolicyDocument": document, "Topics": [topic]}
    assert wrong("SNS::TopicPolicy", "Policy", policy)
    sns.set_topic_attributes(
        TopicArn=topic, AttributeName="Policy", AttributeValue=json.dumps(document)
    )
    assert wrong("SNS::TopicPolicy", "Policy", policy) == []
    other = sns.create_topic(Name="other")["TopicArn"]
    assert wrong("SNS::TopicPolicy", "Policy", {**policy, "Topics": [topic, other]})

    sns.delete_topic(TopicArn=topic)
    assert not exists(client, "AWS::SNS::Topic", topic)
    assert not exists(client, "AWS::SNS::TopicPolicy", "Policy", policy)
