"""WAF: web ACLs, what they guard, and where they log."""

from __future__ import annotations

from typing import Any

from .resource import Resource, pairs


class WebAcl(Resource):
    """`AWS::WAFv2::WebACL`; `Ref` is `name|id|scope`."""

    type_name = "AWS::WAFv2::WebACL"
    name_property = "Name"
    name_limit = 128
    fixed = frozenset({"Scope"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the web ACL."""
        summary = self.call("wafv2.create_web_acl", properties)["Summary"]
        return f"{summary['Name']}|{summary['Id']}|{properties['Scope']}"

    def _identity(self) -> dict[str, str]:
        name, identity, scope = self.physical_id.split("|")
        return {"Name": name, "Id": identity, "Scope": scope}

    def update(self, properties: dict[str, Any]) -> None:
        """Change rules, default action and tags."""
        client = self.client("wafv2")
        token = client.get_web_acl(**self._identity())["LockToken"]
        self.call(
            "wafv2.update_web_acl",
            {**properties, **self._identity(), "LockToken": token},
            without=("Tags",),
        )
        if self.changed(properties, "Tags"):
            arn, wanted = self.attribute("Arn"), pairs(properties.get("Tags"))
            gone = [key for key in pairs(self.properties.get("Tags")) if key not in wanted]
            if gone:
                client.untag_resource(ResourceARN=arn, TagKeys=gone)
            tags = [{"Key": key, "Value": value} for key, value in wanted.items()]
            client.tag_resource(ResourceARN=arn, Tags=tags)

    def delete(self) -> None:
        """Delete the web ACL."""
        client, identity = self.client("wafv2"), self._identity()
        token = client.get_web_acl(**identity)["LockToken"]
        client.delete_web_acl(**identity, LockToken=token)

    def attribute(self, name: str) -> Any:
        """Return `Arn`, `Id`, `Capacity` or `LabelNamespace`."""
        shown = self.client("wafv2").get_web_acl(**self._identity())["WebACL"]
        return shown.get("ARN" if name == "Arn" else name)


class WebAclAssociation(Resource):
    """`AWS::WAFv2::WebACLAssociation`; `Ref` is the guarded resource and the web ACL."""

    type_name = "AWS::WAFv2::WebACLAssociation"

    def create(self, properties: dict[str, Any]) -> str:
        """Put the web ACL before the resource."""
        self.call("wafv2.associate_web_acl", properties)
        return f"{properties['ResourceArn']}|{properties['WebACLArn']}"

    def delete(self) -> None:
        """Take the web ACL away from the resource."""
        arn = self.physical_id.split("|")[0]
        self.client("wafv2").disassociate_web_acl(ResourceArn=arn)


class LoggingConfiguration(Resource):
    """`AWS::WAFv2::LoggingConfiguration`; `Ref` is the web ACL's ARN."""

    type_name = "AWS::WAFv2::LoggingConfiguration"
    fixed = frozenset({"ResourceArn"})

    def _put(self, properties: dict[str, Any]) -> None:
        self.call("wafv2.put_logging_configuration", {"LoggingConfiguration": properties})

    def create(self, properties: dict[str, Any]) -> str:
        """Start logging."""
        self._put(properties)
        return str(properties["ResourceArn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Log elsewhere, or leave other fields out."""
        self._put(properties)

    def delete(self) -> None:
        """Stop logging."""
        self.client("wafv2").delete_logging_configuration(ResourceArn=self.physical_id)


TYPES = (LoggingConfiguration, WebAcl, WebAclAssociation)
