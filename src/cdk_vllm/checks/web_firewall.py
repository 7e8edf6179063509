"""The web firewall: it must stop floods and must not stop prompts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.template import Finding, Template, as_list, dig, number, report

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
    "AWSManagedRulesKnownBadInputsRuleSet": ("Log4JRCE_BODY", "JavaDeserializationRCE_BODY"),
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


RULES = (one_client_has_a_limit, prompts_are_not_blocked, firewall_logs_hold_no_keys)
