"""What is written down about access and money, and whether anybody can change or miss it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.checks.template import Finding, Template, as_list, dig, joined, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.checks.template import Resource

TRAIL = "AWS::CloudTrail::Trail"
AUDITED = {"AWS::S3::Object", "AWS::SageMaker::Endpoint"}
"""Who read a model, and who asked an endpoint; neither event holds a word of what was asked."""


def audit_is_on_and_signed(template: Template) -> Iterator[Finding]:
    """A trail that is off, or can be rewritten, is no evidence."""
    for trail in template.of(TRAIL):
        wrong = {
            "it is off": trail.get("IsLogging") is not True,
            "its files are not signed": trail.get("EnableLogFileValidation") is not True,
            "its key is AWS's own": not trail.get("KMSKeyId"),
            "it has no bucket": not trail.get("S3BucketName"),
            "its bucket does not take its files": not _is_let_in(template, trail),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(audit_is_on_and_signed, trail, message)


def _is_let_in(template: Template, trail: Resource) -> bool:
    """Tell whether the bucket's policy names the trail, which it does by a text."""
    name = f":trail/{trail.get('TrailName')}"
    policies = [
        joined(value)
        for policy in template.of("AWS::S3::BucketPolicy")
        if policy.get("Bucket") == trail.get("S3BucketName")
        for statement in as_list(policy.get("PolicyDocument.Statement"))
        for table in (statement.get("Condition") or {}).values()
        for value in table.values()
    ]
    return any(text.endswith(name) for text in policies)


def audit_is_kept_for_a_while(template: Template) -> Iterator[Finding]:
    """What happened is asked for months later, and not for ever."""
    for trail in template.of(TRAIL):
        for bucket in template.of("AWS::S3::Bucket"):
            if trail.get("S3BucketName") != {"Ref": bucket.logical_id}:
                continue
            rules = as_list(bucket.get("LifecycleConfiguration.Rules"))
            ends = [number(rule.get("ExpirationInDays")) for rule in rules]
            if not any(days >= 1 for days in ends):
                message = "its files are kept for ever, or not at all"
                yield report(audit_is_kept_for_a_while, bucket, message)


def audit_is_of_data(template: Template) -> Iterator[Finding]:
    """Management events are the account's business; who read what, only data events tell."""
    for trail in template.of(TRAIL):
        selectors = [
            dict(_fields(selector)) for selector in as_list(trail.get("AdvancedEventSelectors"))
        ]
        kinds = {kind for fields in selectors for kind in fields.get("resources.type=", [])}
        places = [
            place
            for fields in selectors
            if "AWS::S3::Object" in fields.get("resources.type=", [])
            for place in fields.get("resources.ARN^", [""])
        ]
        wrong = {
            "it records other events than those of data": any(
                fields.get("eventCategory=") != ["Data"] for fields in selectors
            ),
            "models or endpoints are left out": not kinds >= AUDITED,
            "it records what is no data event of ours": bool(kinds - AUDITED),
            "it records every bucket of the account": not all(places),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(audit_is_of_data, trail, message)


def _fields(selector: dict[str, object]) -> Iterator[tuple[str, list[str]]]:
    for field in as_list(selector.get("FieldSelectors")):
        for operator, sign in (("Equals", "="), ("StartsWith", "^")):
            if operator in field:
                yield f"{field.get('Field')}{sign}", [joined(v) for v in as_list(field[operator])]


def budgets_tell_somebody(template: Template) -> Iterator[Finding]:
    """A month's bill comes when the month is over; a budget tells before."""
    for budget in template.of("AWS::Budgets::Budget"):
        notices = as_list(budget.get("NotificationsWithSubscribers"))
        kinds = {dig(notice, "Notification.NotificationType") for notice in notices}
        wrong = {
            "it has no limit": number(budget.get("Budget.BudgetLimit.Amount")) <= 0,
            "its limit is not in USD": budget.get("Budget.BudgetLimit.Unit") != "USD",
            "it is not about the costs of a month": (
                budget.get("Budget.BudgetType"),
                budget.get("Budget.TimeUnit"),
            )
            != ("COST", "MONTHLY"),
            "nobody hears of the forecast and of the costs": kinds != {"ACTUAL", "FORECASTED"},
            "a notice goes to nobody, or never": any(not _is_heard(n) for n in notices),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(budgets_tell_somebody, budget, message)


def _is_heard(notice: dict[str, object]) -> bool:
    threshold = number(dig(notice, "Notification.Threshold"))
    kind = dig(notice, "Notification.ThresholdType")
    above = dig(notice, "Notification.ComparisonOperator") == "GREATER_THAN"
    people = as_list(dig(notice, "Subscribers"))
    named = all(p.get("Address") and p.get("SubscriptionType") == "SNS" for p in people)
    return bool(people) and named and above and 1 <= threshold <= 200 and kind == "PERCENTAGE"


def workspaces_alert_topics(template: Template) -> Iterator[Finding]:
    """A workspace without an alert manager evaluates its rules and tells nobody."""
    for workspace in template.of("AWS::APS::Workspace"):
        manager = joined(workspace.get("AlertManagerDefinition"))
        for word in ("sns_configs", "severity", "send_resolved"):
            if word not in manager:
                yield report(workspaces_alert_topics, workspace, f"its alerts have no {word}")
    for rules in template.of("AWS::APS::RuleGroupsNamespace"):
        if not rules.get("Workspace"):
            yield report(workspaces_alert_topics, rules, "its rules are in no workspace")


def chat_only_reads(template: Template) -> Iterator[Finding]:
    """Whoever may write in a channel could otherwise act on AWS through it."""
    for channel in template.of("AWS::Chatbot::SlackChannelConfiguration"):
        if not _denies_all(channel):
            yield report(chat_only_reads, channel, "its guardrail is not AWSDenyAll")
        if channel.get("LoggingLevel") not in ("ERROR", "INFO"):
            yield report(chat_only_reads, channel, "nobody sees why it shows nothing")


def chat_shows_what_is_mailed(template: Template) -> Iterator[Finding]:
    """A channel that lacks one of two topics looks as if all were well."""
    mailed = [
        joined(subscription.get("TopicArn"))
        for subscription in template.of("AWS::SNS::Subscription")
        if subscription.get("Protocol") == "email"
    ]
    for channel in template.of("AWS::Chatbot::SlackChannelConfiguration"):
        shown = [joined(arn) for arn in as_list(channel.get("SnsTopicArns"))]
        if not shown or set(mailed) - set(shown):
            yield report(chat_shows_what_is_mailed, channel, "a topic is missing")


def _denies_all(channel: Resource) -> bool:
    policies = [joined(policy) for policy in as_list(channel.get("GuardrailPolicies"))]
    return bool(policies) and all(policy.endswith("/AWSDenyAll") for policy in policies)


RULES = (
    audit_is_on_and_signed,
    audit_is_kept_for_a_while,
    audit_is_of_data,
    budgets_tell_somebody,
    workspaces_alert_topics,
    chat_only_reads,
    chat_shows_what_is_mailed,
)
