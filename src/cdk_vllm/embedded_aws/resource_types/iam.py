"""IAM: roles, policies and instance profiles."""

from __future__ import annotations

import json
from typing import Any

from .resource import Resource, pairs


def _texts(policies: list[dict[str, Any]] | None) -> dict[str, str]:
    return {item["PolicyName"]: json.dumps(item["PolicyDocument"]) for item in policies or ()}


class Role(Resource):
    """`AWS::IAM::Role`; `Ref` is its name."""

    type_name = "AWS::IAM::Role"
    name_property = "RoleName"
    fixed = frozenset({"Path"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the role with its inline and managed policies."""
        self.call("iam.create_role", properties, without=("ManagedPolicyArns", "Policies"))
        self.physical_id = str(properties["RoleName"])
        self._set_policies(properties, {})
        return self.physical_id

    def _set_policies(self, properties: dict[str, Any], before: dict[str, Any]) -> None:
        client, role = self.client("iam"), {"RoleName": self.physical_id}
        texts = _texts(properties.get("Policies"))
        for name in _texts(before.get("Policies")).keys() - texts.keys():
            client.delete_role_policy(**role, PolicyName=name)
        for name, text in texts.items():
            client.put_role_policy(**role, PolicyName=name, PolicyDocument=text)
        had = before.get("ManagedPolicyArns", [])
        wanted = properties.get("ManagedPolicyArns", [])
        for arn in [arn for arn in had if arn not in wanted]:
            client.detach_role_policy(**role, PolicyArn=arn)
        for arn in [arn for arn in wanted if arn not in had]:
            client.attach_role_policy(**role, PolicyArn=arn)

    def update(self, properties: dict[str, Any]) -> None:
        """Change trust, description, session length, policies, boundary and tags."""
        client, role = self.client("iam"), {"RoleName": self.physical_id}
        trust = json.dumps(properties["AssumeRolePolicyDocument"])
        client.update_assume_role_policy(**role, PolicyDocument=trust)
        described: dict[str, Any] = {
            k: properties[k] for k in ("Description", "MaxSessionDuration") if k in properties
        }
        if described:
            self.call("iam.update_role", {**role, **described})
        boundary = properties.get("PermissionsBoundary")
        if boundary:
            client.put_role_permissions_boundary(**role, PermissionsBoundary=boundary)
        elif "PermissionsBoundary" in self.properties:
            client.delete_role_permissions_boundary(**role)
        self._set_policies(properties, self.properties)
        if self.changed(properties, "Tags"):
            tags = pairs(properties.get("Tags"))
            gone = [key for key in pairs(self.properties.get("Tags")) if key not in tags]
            client.untag_role(**role, TagKeys=gone)
            client.tag_role(**role, Tags=[{"Key": k, "Value": v} for k, v in tags.items()])

    def delete(self) -> None:
        """Take every policy off, as CloudFormation does, and delete the role."""
        client, role = self.client("iam"), {"RoleName": self.physical_id}
        for name in client.list_role_policies(**role)["PolicyNames"]:
            client.delete_role_policy(**role, PolicyName=name)
        for policy in client.list_attached_role_policies(**role)["AttachedPolicies"]:
            client.detach_role_policy(**role, PolicyArn=policy["PolicyArn"])
        client.delete_role(**role)

    def attribute(self, name: str) -> Any:
        """Return `Arn` or `RoleId`."""
        if name not in ("Arn", "RoleId"):
            return None
        return self.client("iam").get_role(RoleName=self.physical_id)["Role"][name]


_HOLDERS = (
    ("Roles", "role", "RoleName"),
    ("Users", "user", "UserName"),
    ("Groups", "group", "GroupName"),
)


class Policy(Resource):
    """`AWS::IAM::Policy`: an inline policy of roles, users and groups."""

    type_name = "AWS::IAM::Policy"
    fixed = frozenset({"PolicyName"})

    def create(self, properties: dict[str, Any]) -> str:
        """Put the policy on every holder."""
        self._put(properties)
        return self.generated_name()

    def _put(self, properties: dict[str, Any]) -> None:
        text = json.dumps(properties["PolicyDocument"])
        for plural, single, key in _HOLDERS:
            put = getattr(self.client("iam"), f"put_{single}_policy")
            for holder in properties.get(plural, []):
                named = {key: holder, "PolicyName": properties["PolicyName"]}
                put(**named, PolicyDocument=text)

    def _remove(self, properties: dict[str, Any]) -> None:
        client = self.client("iam")
        for plural, single, key in _HOLDERS:
            for holder in self.properties.get(plural, []):
                if holder in properties.get(plural, []):
                    continue
                try:
                    getattr(client, f"delete_{single}_policy")(
                        **{key: holder, "PolicyName": self.properties["PolicyName"]}
                    )
                except client.exceptions.NoSuchEntityException:
                    continue

    def update(self, properties: dict[str, Any]) -> None:
        """Put it anew, and take it off holders that are gone."""
        self._remove(properties)
        self._put(properties)

    def delete(self) -> None:
        """Take it off every holder."""
        self._remove({})

    def attribute(self, name: str) -> Any:
        """Return `Id`."""
        return self.physical_id if name == "Id" else None


class ManagedPolicy(Resource):
    """`AWS::IAM::ManagedPolicy`; `Ref` is its ARN."""

    type_name = "AWS::IAM::ManagedPolicy"
    name_property = "ManagedPolicyName"
    name_limit = 128
    fixed = frozenset({"Description", "Path"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the policy and attach it."""
        answer = self.call(
            "iam.create_policy",
            properties,
            without=tuple(plural for plural, _, _ in _HOLDERS),
            rename={"ManagedPolicyName": "PolicyName"},
        )
        self.physical_id = str(answer["Policy"]["Arn"])
        self._attach("attach", properties, {})
        return self.physical_id

    def _attach(self, verb: str, to: dict[str, Any], less: dict[str, Any]) -> None:
        for plural, single, key in _HOLDERS:
            method = getattr(self.client("iam"), f"{verb}_{single}_policy")
            for holder in to.get(plural, []):
                if holder not in less.get(plural, []):
                    method(**{key: holder, "PolicyArn": self.physical_id})

    def update(self, properties: dict[str, Any]) -> None:
        """Make a new default version; attach and detach."""
        if self.changed(properties, "PolicyDocument"):
            self._drop_versions()
            self.client("iam").create_policy_version(
                PolicyArn=self.physical_id,
                PolicyDocument=json.dumps(properties["PolicyDocument"]),
                SetAsDefault=True,
            )
        self._attach("attach", properties, self.properties)
        self._attach("detach", self.properties, properties)

    def _drop_versions(self) -> None:
        client, policy = self.client("iam"), {"PolicyArn": self.physical_id}
        for version in client.list_policy_versions(**policy)["Versions"]:
            if not version["IsDefaultVersion"]:
                client.delete_policy_version(**policy, VersionId=version["VersionId"])

    def delete(self) -> None:
        """Detach the policy everywhere and delete it."""
        self._attach("detach", self.properties, {})
        self._drop_versions()
        self.client("iam").delete_policy(PolicyArn=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `PolicyArn`."""
        return self.physical_id if name == "PolicyArn" else None


class InstanceProfile(Resource):
    """`AWS::IAM::InstanceProfile`; `Ref` is its name."""

    type_name = "AWS::IAM::InstanceProfile"
    name_property = "InstanceProfileName"
    name_limit = 128
    fixed = frozenset({"Path"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the profile and add its role."""
        self.call("iam.create_instance_profile", properties, without=("Roles",))
        name = str(properties["InstanceProfileName"])
        self._add(name, properties)
        return name

    def _add(self, name: str, properties: dict[str, Any]) -> None:
        for role in properties["Roles"]:
            self.client("iam").add_role_to_instance_profile(InstanceProfileName=name, RoleName=role)

    def _empty(self) -> None:
        for role in self.properties["Roles"]:
            self.client("iam").remove_role_from_instance_profile(
                InstanceProfileName=self.physical_id, RoleName=role
            )

    def update(self, properties: dict[str, Any]) -> None:
        """Exchange the role."""
        self._empty()
        self._add(self.physical_id, properties)

    def delete(self) -> None:
        """Remove the role and delete the profile."""
        self._empty()
        self.client("iam").delete_instance_profile(InstanceProfileName=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Arn`."""
        if name != "Arn":
            return None
        answer = self.client("iam").get_instance_profile(InstanceProfileName=self.physical_id)
        return answer["InstanceProfile"]["Arn"]


TYPES = (InstanceProfile, ManagedPolicy, Policy, Role)
