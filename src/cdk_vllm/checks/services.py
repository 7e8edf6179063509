"""What AWS's services may do with our keys, topics and metrics: all they need, for us alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.collector import collectors
from cdk_vllm.checks.policies import statements, tables
from cdk_vllm.checks.template import Finding, Template, as_list, dig, joined, mentions, report

if TYPE_CHECKING:
    from collections.abc import Iterator

# Services that name no account in what they ask for: rules are the account's own, and a load
# balancer's log goes to a key that names the account. Sources: Amazon EventBridge User Guide,
# Elastic Load Balancing User Guide, "Access logs".
SEND_NO_ACCOUNT = ("events.amazonaws.com", "logdelivery.elasticloadbalancing.amazonaws.com")
# Who publishes to topics, which takes both to encrypt a message.
PUBLISHERS = ("aps.", "budgets.", "cloudwatch.", "events.")


def metrics_are_held_to_namespaces(template: Template) -> Iterator[Finding]:
    """Whoever may write any metric can silence any alarm of the account.

    Metrics sent by OTLP have no namespace, so the role of a task that does is spared.
    """
    spared = [
        str(c.task.get("TaskRoleArn")) for c in collectors(template) if c.exporter("otlphttp")
    ]
    for statement in statements(template):
        if "cloudwatch:PutMetricData" not in statement.actions or statement.denies:
            continue
        roles = [role.get("Ref") for role in as_list(statement.resource.get("Roles"))]
        if any(f"'{role}'" in arn for role in roles for arn in spared):
            continue
        names = [
            name
            for table in tables(statement)
            for name in as_list(table.get("cloudwatch:namespace"))
        ]
        if not names or any(isinstance(name, str) and "/" not in name for name in names):
            message = "metrics of every namespace may be written"
            yield report(metrics_are_held_to_namespaces, statement.resource, message)


def services_act_for_this_account(template: Template) -> Iterator[Finding]:
    """Without it another account could make the same service use our key, topic or bucket."""
    for statement in statements(template):
        service = dig(statement.body.get("Principal"), "Service")
        if statement.resource.type == "AWS::IAM::Role" or not service:
            continue
        bound = ("aws:SourceAccount", "aws:SourceArn", "kms:EncryptionContext")
        has_bound = any(mentions(statement.body.get("Condition"), word) for word in bound)
        if statement.denies:
            message = f"{service} is denied what it is there for"
            yield report(services_act_for_this_account, statement.resource, message)
        elif not has_bound and not _speaks_for_itself(service):
            message = f"{service} acts for any account"
            yield report(services_act_for_this_account, statement.resource, message)


def _speaks_for_itself(service: Any) -> bool:
    return service in SEND_NO_ACCOUNT


def topics_take_messages(template: Template) -> Iterator[Finding]:
    """A service that may not publish loses its message, and tells nobody.

    Amazon Managed Prometheus also looks at a topic first. Source: its User Guide, "Giving Amazon
    Managed Service for Prometheus permission to send alert messages".
    """
    for statement in statements(template):
        service = dig(statement.body.get("Principal"), "Service")
        if statement.resource.type != "AWS::SNS::TopicPolicy" or not service:
            continue
        needed = {"sns:Publish"}
        if service == "aps.amazonaws.com":
            needed |= {"sns:GetTopicAttributes"}
        for action in sorted(needed - set(statement.actions)):
            message = f"{service} may not {action}"
            yield report(topics_take_messages, statement.resource, message)


def keys_do_what_services_need(template: Template) -> Iterator[Finding]:
    """A service that may half use a key loses what it was to encrypt, mostly without a word."""
    for statement in statements(template):
        service = joined(dig(statement.body.get("Principal"), "Service"))
        if statement.resource.type != "AWS::KMS::Key" or not service or statement.denies:
            continue
        allowed = {action.rstrip("*") for action in statement.actions}
        for action in sorted(_needed(service) - allowed):
            message = f"{service} may not {action}"
            yield report(keys_do_what_services_need, statement.resource, message)


def _needed(service: str) -> set[str]:
    """Return what a service does with a key.

    Sources: Amazon SNS Developer Guide, "Key management"; CloudWatch Logs User Guide, "Encrypt log
    data"; AWS CloudTrail User Guide, "Configure AWS KMS key policies for CloudTrail".
    """
    if service.startswith("logs."):
        return {"kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt", "kms:GenerateDataKey"}
    if service.startswith("cloudtrail."):
        return {"kms:GenerateDataKey", "kms:DescribeKey"}
    return {"kms:GenerateDataKey", "kms:Decrypt"} if service.startswith(PUBLISHERS) else set()


def logs_are_begun_and_written(template: Template) -> Iterator[Finding]:
    """A stream that may be made and not written to, or the other way round, stays empty."""
    pair = {"logs:CreateLogStream", "logs:PutLogEvents"}
    for statement in statements(template):
        if len(pair & set(statement.actions)) == 1 or (
            pair & set(statement.actions) and statement.denies
        ):
            message = "a log stream is made without writing, or the other way round"
            yield report(logs_are_begun_and_written, statement.resource, message)


RULES = (
    metrics_are_held_to_namespaces,
    services_act_for_this_account,
    topics_take_messages,
    keys_do_what_services_need,
    logs_are_begun_and_written,
)
