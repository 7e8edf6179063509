"""ECR: image repositories."""

from __future__ import annotations

import json
from typing import Any

from .resource import Resource


class Repository(Resource):
    """`AWS::ECR::Repository`; `Ref` is its name."""

    type_name = "AWS::ECR::Repository"
    name_property = "RepositoryName"
    name_limit = 256
    name_lower = True
    fixed = frozenset({"EncryptionConfiguration"})

    _APART = (
        "EmptyOnDelete",
        "ImageTagMutabilityExclusionFilters",
        "LifecyclePolicy",
        "RepositoryPolicyText",
    )

    def create(self, properties: dict[str, Any]) -> str:
        """Create the repository with its policies."""
        self.call("ecr.create_repository", properties, without=self._APART)
        self._set_policies(properties)
        return str(properties["RepositoryName"])

    def _set_policies(self, properties: dict[str, Any]) -> None:
        client, name = self.client("ecr"), {"repositoryName": properties["RepositoryName"]}
        lifecycle = properties.get("LifecyclePolicy", {}).get("LifecyclePolicyText")
        if lifecycle:
            client.put_lifecycle_policy(**name, lifecyclePolicyText=lifecycle)
        policy = properties.get("RepositoryPolicyText")
        if policy:
            text = policy if isinstance(policy, str) else json.dumps(policy)
            client.set_repository_policy(**name, policyText=text)

    def update(self, properties: dict[str, Any]) -> None:
        """Change mutability, scanning, policies and tags."""
        client, name = self.client("ecr"), {"repositoryName": self.physical_id}
        if "ImageTagMutability" in properties:
            client.put_image_tag_mutability(
                **name, imageTagMutability=properties["ImageTagMutability"]
            )
        if "ImageScanningConfiguration" in properties:
            scanning = {
                **name,
                "imageScanningConfiguration": properties["ImageScanningConfiguration"],
            }
            self.call("ecr.put_image_scanning_configuration", scanning)
        if "LifecyclePolicy" in self.properties and "LifecyclePolicy" not in properties:
            client.delete_lifecycle_policy(**name)
        if "RepositoryPolicyText" in self.properties and "RepositoryPolicyText" not in properties:
            client.delete_repository_policy(**name)
        self._set_policies(properties)
        if self.changed(properties, "Tags") and properties.get("Tags"):
            arn = self.attribute("Arn")
            self.call("ecr.tag_resource", {"resourceArn": arn, "tags": properties["Tags"]})

    def delete(self) -> None:
        """Delete the repository; with images in it, only where the template allows that."""
        force = str(self.properties.get("EmptyOnDelete", "false")).lower() == "true"
        self.client("ecr").delete_repository(repositoryName=self.physical_id, force=force)

    def attribute(self, name: str) -> Any:
        """Return `Arn` or `RepositoryUri`."""
        place = self.place
        uri = f"{place.account_id}.dkr.ecr.{place.region}.amazonaws.com/{self.physical_id}"
        return {
            "Arn": place.arn("ecr", f"repository/{self.physical_id}"),
            "RepositoryUri": uri,
        }.get(name)


TYPES = (Repository,)
