"""What roles may do, and that no secret stands in a template."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.template import Finding, Resource, Template, as_list, dig, mentions, report

if TYPE_CHECKING:
    from collections.abc import Iterator

SECRETS = re.compile(r"\b(hf_[A-Za-z0-9]{30,}|sk-[A-Za-z0-9_-]{20,}|AKIA[0-9A-Z]{16})\b")
MARKS = ("hf_", "sk-", "AKIA")
SERVING_PRINCIPALS = ("ecs-tasks.amazonaws.com", "sagemaker.amazonaws.com")
# Where SageMaker leaves what users asked and were told: below no model's prefix.
ANSWERS = ("/answers/*", "/captured/*")
S3_WRITES = ("s3:Put", "s3:Delete", "s3:Abort", "s3:*")


def _statements(template: Template) -> Iterator[tuple[Resource, dict[str, Any]]]:
    """Yield what is allowed, with the resource that says so."""
    for resource in template.of("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy", "AWS::IAM::Role"):
        documents = [resource.get("PolicyDocument"), *_inline(resource)]
        for statement in (s for d in documents for s in as_list(dig(d, "Statement"))):
            if statement.get("Effect") == "Allow":
                yield resource, statement


def _inline(role: Resource) -> list[Any]:
    return [policy.get("PolicyDocument") for policy in as_list(role.get("Policies"))]


def actions_are_named(template: Template) -> Iterator[Finding]:
    """`s3:*` and `s3:Get*` allow what nobody meant to allow."""
    for resource, statement in _statements(template):
        for action in as_list(statement.get("Action")):
            if "*" in action:
                yield report(actions_are_named, resource, f"allows {action}")


def roles_have_no_full_access(template: Template) -> Iterator[Finding]:
    """AmazonSageMakerFullAccess and its like reach every model, bucket and log of the account."""
    for role in template.of("AWS::IAM::Role"):
        if mentions(role.get("ManagedPolicyArns"), "FullAccess"):
            yield report(roles_have_no_full_access, role, "a FullAccess policy is attached")


def servers_write_no_weights(template: Template) -> Iterator[Finding]:
    """A server that can write where its weights lie can change what all others load."""
    servers = {
        role.logical_id
        for role in template.of("AWS::IAM::Role")
        if any(mentions(role.get("AssumeRolePolicyDocument"), p) for p in SERVING_PRINCIPALS)
    }
    for policy, statement in _statements(template):
        roles = {reference.get("Ref") for reference in as_list(policy.get("Roles"))}
        if not servers & (roles | {policy.logical_id}):
            continue
        if all(str(_last(place)).endswith(ANSWERS) for place in as_list(statement.get("Resource"))):
            continue
        for action in as_list(statement.get("Action")):
            if action.startswith(S3_WRITES):
                yield report(servers_write_no_weights, policy, f"allows {action}")


def _last(place: Any) -> Any:
    """Return the end of an ARN, which a template may join from parts."""
    parts = dig(place, "Fn::Join")
    return parts[1][-1] if parts else place


def servers_list_their_prefix_only(template: Template) -> Iterator[Finding]:
    """Listing a whole bucket tells one service which models all others run."""
    for policy, statement in _statements(template):
        if "s3:ListBucket" in as_list(statement.get("Action")) and not mentions(
            statement.get("Condition"), "s3:prefix"
        ):
            yield report(servers_list_their_prefix_only, policy, "lists a whole bucket")


def service_roles_know_their_account(template: Template) -> Iterator[Finding]:
    """Without the condition another account's service could be made to take the role."""
    for role in template.of("AWS::IAM::Role"):
        trust = role.get("AssumeRolePolicyDocument")
        is_server = any(mentions(trust, principal) for principal in SERVING_PRINCIPALS)
        if is_server and not mentions(trust, "aws:SourceAccount"):
            message = "trust has no condition on aws:SourceAccount"
            yield report(service_roles_know_their_account, role, message)


def no_secret_is_written_down(template: Template) -> Iterator[Finding]:
    """Templates lie in buckets, logs and version control."""
    for resource in template.everything():
        text = str(resource.properties)
        found = any(mark in text for mark in MARKS) and SECRETS.search(text)
        if found:
            message = f"holds what looks like a secret: {found[0][:6]}..."
            yield report(no_secret_is_written_down, resource, message)
    for secret in template.of("AWS::SecretsManager::Secret"):
        if secret.get("SecretString"):
            yield report(no_secret_is_written_down, secret, "SecretString is in the template")


RULES = (
    actions_are_named,
    roles_have_no_full_access,
    servers_write_no_weights,
    servers_list_their_prefix_only,
    service_roles_know_their_account,
    no_secret_is_written_down,
)
