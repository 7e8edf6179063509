"""Reads IAM back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only, optional, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _role(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    iam = client("iam")
    role = iam.get_role(RoleName=physical_id)["Role"]
    attached = iam.get_paginator("list_attached_role_policies").paginate(RoleName=physical_id)
    boundary = role.get("PermissionsBoundary", {})
    return {
        **listed(
            role,
            "Arn",
            "AssumeRolePolicyDocument",
            "Description",
            "MaxSessionDuration",
            "Path",
            "RoleId",
            "RoleName",
            "Tags",
        ),
        "ManagedPolicyArns": [
            policy["PolicyArn"] for page in attached for policy in page["AttachedPolicies"]
        ],
        "PermissionsBoundary": boundary.get("PermissionsBoundaryArn"),
        "Policies": _inline_policies(iam, physical_id),
    }


def _inline_policies(iam: Any, role: str) -> list[dict[str, Any]]:
    pages = iam.get_paginator("list_role_policies").paginate(RoleName=role)
    return [
        listed(iam.get_role_policy(RoleName=role, PolicyName=name), "PolicyDocument", "PolicyName")
        for page in pages
        for name in page["PolicyNames"]
    ]


def _policy(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    """Read an inline policy from each principal that the template attaches it to."""
    iam = client("iam")
    name = properties.get("PolicyName", physical_id)
    principals = {kind: properties.get(kind, []) for kind in ("Roles", "Users", "Groups")}
    if not properties:
        principals["Roles"] = _role_names(iam)
    calls = {
        "Roles": ("RoleName", iam.get_role_policy),
        "Users": ("UserName", iam.get_user_policy),
        "Groups": ("GroupName", iam.get_group_policy),
    }
    found = {
        (kind, principal): answer["PolicyDocument"]
        for kind, (argument, call) in calls.items()
        for principal in principals[kind]
        if (answer := optional(call, **{argument: principal, "PolicyName": name}))
    }
    documents = list(found.values())
    same = all(document == documents[0] for document in documents)
    return {
        **{kind: [who for at, who in found if at == kind] for kind in calls},
        "PolicyDocument": only(documents) if same else documents,
        "PolicyName": name,
    }


def _role_names(iam: Any) -> list[str]:
    pages = iam.get_paginator("list_roles").paginate()
    return [role["RoleName"] for page in pages for role in page["Roles"]]


def _managed_policy(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    iam = client("iam")
    policy = iam.get_policy(PolicyArn=physical_id)["Policy"]
    version = iam.get_policy_version(PolicyArn=physical_id, VersionId=policy["DefaultVersionId"])
    entities = iam.list_entities_for_policy(PolicyArn=physical_id)
    return {
        **listed(policy, "Description", "Path"),
        "Groups": [item["GroupName"] for item in entities["PolicyGroups"]],
        "ManagedPolicyName": policy["PolicyName"],
        "PolicyArn": policy["Arn"],
        "PolicyDocument": version["PolicyVersion"]["Document"],
        "Roles": [item["RoleName"] for item in entities["PolicyRoles"]],
        "Users": [item["UserName"] for item in entities["PolicyUsers"]],
    }


def _instance_profile(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    answer = client("iam").get_instance_profile(InstanceProfileName=tail(physical_id))
    profile = answer["InstanceProfile"]
    return {
        **listed(profile, "Arn", "InstanceProfileName", "Path"),
        "Roles": [role["RoleName"] for role in profile["Roles"]],
    }


READERS: Mapping[str, Reader] = {
    "AWS::IAM::InstanceProfile": _instance_profile,
    "AWS::IAM::ManagedPolicy": _managed_policy,
    "AWS::IAM::Policy": _policy,
    "AWS::IAM::Role": _role,
}
