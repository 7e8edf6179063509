"""Whether policies say what they are meant to: of roles, keys, buckets and topics."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from cdk_vllm.checks.template import (
    Finding,
    Resource,
    Template,
    as_list,
    dig,
    mentions,
    report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = "2012-10-17"
# Where each type keeps its policy; those of the second group name who they are for.
DOCUMENTS = {
    "AWS::IAM::Policy": "PolicyDocument",
    "AWS::IAM::ManagedPolicy": "PolicyDocument",
    "AWS::IAM::Role": "AssumeRolePolicyDocument",
    "AWS::KMS::Key": "KeyPolicy",
    "AWS::S3::BucketPolicy": "PolicyDocument",
    "AWS::SNS::TopicPolicy": "PolicyDocument",
    "AWS::SQS::QueuePolicy": "PolicyDocument",
}
HAVE_NO_PRINCIPAL = ("AWS::IAM::Policy", "AWS::IAM::ManagedPolicy")
HAVE_NO_RESOURCE = ("AWS::IAM::Role",)
# Actions that AWS lets name no resource. Source: Service Authorization Reference.
WITHOUT_RESOURCE = (
    "cloudwatch:PutMetricData",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:Describe",
    "ecr:GetAuthorizationToken",
    "ecs:DiscoverPollEndpoint",
    "xray:Put",
)
SECURE = "aws:SecureTransport"
OLDEST_TLS = 1.2


class Statement(NamedTuple):
    """One statement of a resource's policy."""

    resource: Resource
    body: dict[str, Any]

    @property
    def actions(self) -> list[str]:
        """What it is about."""
        return [str(action) for action in as_list(self.body.get("Action"))]

    @property
    def denies(self) -> bool:
        """Whether it takes something away."""
        return self.body.get("Effect") == "Deny"


def statements(template: Template) -> Iterator[Statement]:
    """Yield every statement of every policy document."""
    for resource in template.of(*DOCUMENTS):
        document = resource.get(DOCUMENTS[resource.type])
        yield from (Statement(resource, body) for body in as_list(dig(document, "Statement")))


def policies_are_whole(template: Template) -> Iterator[Finding]:
    """AWS refuses a policy with a part missing, when everything before it is deployed."""
    for resource in template.of(*DOCUMENTS):
        # KMS writes a policy of its own for a key that comes without.
        document = resource.get(DOCUMENTS[resource.type], {"Version": VERSION})
        if dig(document, "Version") != VERSION:
            yield report(policies_are_whole, resource, f"Version is not {VERSION}")
    for statement in statements(template):
        kind = statement.resource.type
        wrong = {
            "no effect": statement.body.get("Effect") not in ("Allow", "Deny"),
            "no action": not statement.actions,
            "an action names no service": any(
                ":" not in action and action != "*" for action in statement.actions
            ),
            "no resource": kind not in HAVE_NO_RESOURCE and not statement.body.get("Resource"),
            "a resource is no ARN": not _are_arns(statement.body.get("Resource")),
            "no principal": kind not in HAVE_NO_PRINCIPAL
            and not _principals(statement.body.get("Principal")),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(policies_are_whole, statement.resource, message)


def _are_arns(resources: Any) -> bool:
    words = [item for item in as_list(resources) if isinstance(item, str)]
    return all(word == "*" or word.startswith("arn:") for word in words)


def _principals(principal: Any) -> list[Any]:
    if isinstance(principal, dict):
        found = [item for items in principal.values() for item in as_list(items)]
        services = as_list(principal.get("Service"))
        named = all(not isinstance(name, str) or ".amazonaws.com" in name for name in services)
        return found if named else []
    return [principal] if principal == "*" else []


def wildcards_are_held_by_a_condition(template: Template) -> Iterator[Finding]:
    """On every resource, an action reaches what others own, unless a condition holds it."""
    for statement in statements(template):
        if statement.resource.type not in HAVE_NO_PRINCIPAL or statement.denies:
            continue
        if "*" not in as_list(statement.body.get("Resource")) or _conditions(statement):
            continue
        for action in statement.actions:
            if not action.startswith(WITHOUT_RESOURCE) and not _only_looks(action):
                message = f"{action} is allowed on everything"
                yield report(wildcards_are_held_by_a_condition, statement.resource, message)


def _only_looks(action: str) -> bool:
    return action.partition(":")[2].startswith(("List", "Describe"))


def tables(statement: Statement) -> list[Any]:
    """Return the conditions of a statement by their operators."""
    return list((statement.body.get("Condition") or {}).values())


def _conditions(statement: Statement) -> list[Any]:
    values = (value for table in tables(statement) for value in table.values())
    return [value for value in values if value not in (None, [], "")]


def _is_aws(service: Any) -> bool:
    return not isinstance(service, str) or ".amazonaws.com" in service


def keys_open_through_their_service_only(template: Template) -> Iterator[Finding]:
    """A key that decrypts whatever its role holds also decrypts what was carried away."""
    for statement in statements(template):
        decrypts = any(action in ("kms:Decrypt", "kms:*") for action in statement.actions)
        principal = statement.body.get("Principal")
        owner = _is_account(principal) and statement.actions == ["kms:*"]
        if statement.denies or not decrypts or owner or _is_service(principal):
            continue
        services = [dig(table, "kms:ViaService") for table in tables(statement)]
        if not any(_is_aws(service) for service in services if service):
            message = "decrypts without kms:ViaService"
            yield report(keys_open_through_their_service_only, statement.resource, message)


def _is_account(principal: Any) -> bool:
    return ":root" in str(principal)


def _is_service(principal: Any) -> bool:
    return isinstance(principal, dict) and bool(principal.get("Service"))


def plain_http_is_denied(template: Template) -> Iterator[Finding]:
    """A statement that is there and denies nothing looks like protection, and is none."""
    for statement in statements(template):
        condition = statement.body.get("Condition") or {}
        if not mentions(condition, SECURE) and not mentions(condition, "s3:TlsVersion"):
            continue
        secure = dig(condition, f"Bool.{SECURE}", "false")
        oldest = dig(condition, "NumericLessThan.s3:TlsVersion", OLDEST_TLS)
        wide = "s3:*" in statement.actions or statement.actions == ["sns:Publish"]
        wrong = {
            "it does not deny": not statement.denies,
            "it is not about everybody": "*" not in _principals(statement.body.get("Principal")),
            "it is not about everything": not wide,
            "it asks for plain HTTP": str(secure).lower() != "false",
            "it allows TLS below 1.2": float(oldest) < OLDEST_TLS,
            "half of the bucket is left": statement.resource.type == "AWS::S3::BucketPolicy"
            and len(as_list(statement.body.get("Resource"))) < 2,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(plain_http_is_denied, statement.resource, message)


def listing_is_held_to_folders(template: Template) -> Iterator[Finding]:
    """A prefix that is no folder also matches the folders whose names begin alike."""
    for statement in statements(template):
        found = [p for table in tables(statement) for p in as_list(table.get("s3:prefix"))]
        lists = "s3:ListBucket" in statement.actions and not statement.denies
        if lists and not found and not _is_service(statement.body.get("Principal")):
            yield report(listing_is_held_to_folders, statement.resource, "lists a whole bucket")
        for prefix in found:
            if isinstance(prefix, str) and "/" not in prefix:
                message = f"s3:prefix {prefix} is no folder"
                yield report(listing_is_held_to_folders, statement.resource, message)


def policies_belong_to_somebody(template: Template) -> Iterator[Finding]:
    """A policy on no role gives nothing to anybody; a role nobody may take is no role."""
    for policy in template.of("AWS::IAM::Policy"):
        if not any(policy.get(name) for name in ("Roles", "Users", "Groups")):
            yield report(policies_belong_to_somebody, policy, "it is on no role")
    for statement in statements(template):
        trusts = statement.resource.type == "AWS::IAM::Role"
        if trusts and (statement.denies or "sts:AssumeRole" not in " ".join(statement.actions)):
            yield report(policies_belong_to_somebody, statement.resource, "nobody may take it")


def accounts_keep_their_keys(template: Template) -> Iterator[Finding]:
    """A key whose policy leaves its own account out can never be changed again."""
    for key in template.of("AWS::KMS::Key"):
        # Without any policy KMS writes one that lets the account in.
        if not key.get("KeyPolicy"):
            continue
        owners = [
            s
            for s in as_list(key.get("KeyPolicy.Statement"))
            if s.get("Effect") == "Allow"
            and as_list(s.get("Action")) == ["kms:*"]
            and _is_account(s.get("Principal"))
        ]
        if not owners:
            yield report(accounts_keep_their_keys, key, "its account may not manage it")


RULES = (
    policies_are_whole,
    wildcards_are_held_by_a_condition,
    keys_open_through_their_service_only,
    plain_http_is_denied,
    listing_is_held_to_folders,
    policies_belong_to_somebody,
    accounts_keep_their_keys,
)
