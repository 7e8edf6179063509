"""Who hears of alarms, and that nobody else can."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import AlarmTopics, MetricsWorkspace

if TYPE_CHECKING:
    import aws_cdk as cdk


def test_email_hears_both_and_a_pager_only_pages(stack: cdk.Stack) -> None:
    topics = AlarmTopics(stack, "Topics", email="a@example.com", webhook="https://pager.example")
    template = Template.from_stack(stack)
    template.resource_count_is("AWS::SNS::Subscription", 3)
    template.has_resource_properties(
        "AWS::SNS::Subscription",
        {
            "Protocol": "https",
            "Endpoint": "https://pager.example",
            "TopicArn": stack.resolve(topics.page.topic_arn),
        },
    )


def test_a_channel_shows_both_topics_and_may_do_nothing(stack: cdk.Stack) -> None:
    topics = AlarmTopics(stack, "Topics", slack_workspace_id="T0", slack_channel_id="C0")
    Template.from_stack(stack).has_resource_properties(
        "AWS::Chatbot::SlackChannelConfiguration",
        {
            "SnsTopicArns": [
                stack.resolve(topics.page.topic_arn),
                stack.resolve(topics.ticket.topic_arn),
            ],
            "GuardrailPolicies": [
                {"Fn::Join": ["", ["arn:", Match.any_value(), ":iam::aws:policy/AWSDenyAll"]]}
            ],
        },
    )


def test_topics_are_encrypted_and_speak_tls_only(stack: cdk.Stack) -> None:
    AlarmTopics(stack, "Topics")
    template = Template.from_stack(stack)
    for topic in template.find_resources("AWS::SNS::Topic").values():
        assert topic["Properties"]["KmsMasterKeyId"]
    for policy in template.find_resources("AWS::SNS::TopicPolicy").values():
        statements = policy["Properties"]["PolicyDocument"]["Statement"]
        assert any(
            s["Effect"] == "Deny" and s["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
            for s in statements
        )


def test_prometheus_publishes_to_both_through_the_key(stack: cdk.Stack) -> None:
    MetricsWorkspace(stack, "Workspace", topics=AlarmTopics(stack, "Topics"))
    template = Template.from_stack(stack)
    allowed = {"Principal": {"Service": "aps.amazonaws.com"}, "Condition": Match.any_value()}
    allowed_statement = Match.object_like(allowed)
    for kind, document in (("SNS::TopicPolicy", "PolicyDocument"), ("KMS::Key", "KeyPolicy")):
        template.has_resource_properties(
            f"AWS::{kind}",
            {document: Match.object_like({"Statement": Match.array_with([allowed_statement])})},
        )
    template.has_resource_properties(
        "AWS::APS::Workspace", {"AlertManagerDefinition": Match.any_value()}
    )
