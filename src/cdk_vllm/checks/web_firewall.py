"""The web firewall: it must stop floods and must not stop prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.template import Finding, Template, as_list, dig, joined, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.checks.template import Resource

WEB_ACL = "AWS::WAFv2::WebACL"
LOGGING = "AWS::WAFv2::LoggingConfiguration"
# Rules of AWS's groups that read bodies; a prompt of 9 KB, or about HTML, is blocked by them.
# Source: AWS WAF Developer Guide, "Baseline rule groups".
BODY_RULES = {
    "AWSManagedRulesCommonRuleSet": (
        "SizeRestrictions_BODY",
        "CrossSiteScripting_BODY",
        "GenericLFI_BODY",
        "GenericRFI_BODY",
        "EC2MetaDataSSRF_BODY",
    ),
    "AWSManagedRulesKnownBadInputsRuleSet": (
        "Log4JRCE_BODY",
        "JavaDeserializationRCE_BODY",
        "ReactJSRCE_BODY",
    ),
}


def one_client_has_a_limit(template: Template) -> Iterator[Finding]:
    """One client in a loop would take every GPU."""
    for acl in template.of(WEB_ACL):
        limits = [
            rule
            for rule in as_list(acl.get("Rules"))
            if number(dig(rule, "Statement.RateBasedStatement.Limit")) > 0
            and dig(rule, "Action.Block") is not None
        ]
        if not limits:
            yield report(one_client_has_a_limit, acl, "no rule limits a client")


def limits_are_by_the_minute(template: Template) -> Iterator[Finding]:
    """A limit counts over five minutes unless it says otherwise: a fifth of what it looks like."""
    for acl in template.of(WEB_ACL):
        for rule in as_list(acl.get("Rules")):
            limit = dig(rule, "Statement.RateBasedStatement")
            if limit is not None and not limit.get("EvaluationWindowSec"):
                yield report(limits_are_by_the_minute, acl, "EvaluationWindowSec is not set")


def firewall_decides(template: Template) -> Iterator[Finding]:
    """Each rule is tried once, in an order, and is AWS's own or the team's; the rest is let in."""
    for acl in template.of(WEB_ACL):
        rules = as_list(acl.get("Rules"))
        order = [number(rule.get("Priority")) for rule in rules]
        groups = [g for r in rules if (g := dig(r, "Statement.ManagedRuleGroupStatement"))]
        wrong = {
            "what no rule is about is neither allowed nor blocked": not acl.get("DefaultAction"),
            "two rules have one place": len(set(order)) < len(order),
            "a rule group is not AWS's": any(
                g.get("VendorName") != "AWS" or not str(g.get("Name")).startswith("AWSManagedRules")
                for g in groups
            ),
            "a rule says not what it does": any(
                not rule.get("Action") and not rule.get("OverrideAction") for rule in rules
            ),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(firewall_decides, acl, message)


def firewall_counts_and_keeps_nothing(template: Template) -> Iterator[Finding]:
    """Samples hold whole headers, and one of them is the client's key; counts are enough."""
    for acl in template.of(WEB_ACL):
        for part in (acl.properties, *as_list(acl.get("Rules"))):
            shown = dig(part, "VisibilityConfig", {})
            wrong = {
                "requests are not counted": shown.get("CloudWatchMetricsEnabled") is not True,
                "requests are sampled": shown.get("SampledRequestsEnabled") is not False,
            }
            for message in (text for text, is_wrong in wrong.items() if is_wrong):
                yield report(firewall_counts_and_keeps_nothing, acl, message)


def firewall_finds_its_log(template: Template) -> Iterator[Finding]:
    """WAF writes only to a log group that is there, and whose name begins with aws-waf-logs-."""
    names = {str(group.get("LogGroupName")) for group in template.of("AWS::Logs::LogGroup")}
    for logging in template.of(LOGGING):
        for place in as_list(logging.get("LogDestinationConfigs")):
            _, found, name = joined(place).partition(":log-group:")
            if found and (name not in names or not name.startswith("aws-waf-logs-")):
                yield report(firewall_finds_its_log, logging, f"it logs to {name}")


def prompts_are_not_blocked(template: Template) -> Iterator[Finding]:
    """WAF reads 8 KB of a body and takes what is longer, or quotes HTML, for an attack."""
    for acl in template.of(WEB_ACL):
        for rule in as_list(acl.get("Rules")):
            for name in _blocking(rule):
                yield report(prompts_are_not_blocked, acl, f"{name} blocks")


def _blocking(rule: dict[str, Any]) -> Iterator[str]:
    group = dig(rule, "Statement.ManagedRuleGroupStatement", {})
    counted = {
        override.get("Name")
        for override in as_list(group.get("RuleActionOverrides"))
        if "Count" in override.get("ActionToUse", {})
    }
    if "Count" not in rule.get("OverrideAction", {}):
        for name in BODY_RULES.get(group.get("Name"), ()):
            if name not in counted:
                yield name
    if dig(rule, "Action.Block") is not None and _matches_oversized(rule.get("Statement")):
        yield f"{rule.get('Name')} for bodies above 8 KB"


def _matches_oversized(statement: Any) -> bool:
    if isinstance(statement, list):
        return any(_matches_oversized(item) for item in statement)
    if not isinstance(statement, dict):
        return False
    if dig(statement, "FieldToMatch.Body.OversizeHandling") == "MATCH":
        return True
    return any(_matches_oversized(item) for item in statement.values())


def firewall_logs_hold_no_keys(template: Template) -> Iterator[Finding]:
    """WAF logs all headers, and one of them is the client's key."""
    logged = {str(item.get("ResourceArn")): item for item in template.of(LOGGING)}
    for acl in template.of(WEB_ACL):
        found = [item for arn, item in logged.items() if f"'{acl.logical_id}'" in arn]
        if not found:
            yield report(firewall_logs_hold_no_keys, acl, "nothing is logged")
        for item in found:
            if "authorization" not in _redacted(item):
                yield report(firewall_logs_hold_no_keys, item, "the key is logged")


def _redacted(item: Resource) -> list[str]:
    fields = as_list(item.get("RedactedFields"))
    return [str(dig(field, "SingleHeader.Name", "")).lower() for field in fields]


RULES = (
    one_client_has_a_limit,
    limits_are_by_the_minute,
    firewall_decides,
    firewall_counts_and_keeps_nothing,
    firewall_finds_its_log,
    prompts_are_not_blocked,
    firewall_logs_hold_no_keys,
)
