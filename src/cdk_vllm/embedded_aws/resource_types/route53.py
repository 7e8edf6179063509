"""Route 53: zones and records."""

from __future__ import annotations

from typing import Any

from moto.route53.models import route53_backends

from .resource import Resource


class HostedZone(Resource):
    """`AWS::Route53::HostedZone`; `Ref` is its id, without the `/hostedzone/` before it."""

    type_name = "AWS::Route53::HostedZone"
    fixed = frozenset({"Name"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the zone, private in the first of its VPCs, and associate the others."""
        first, *others = properties.get("VPCs") or [None]
        request = {
            "Name": properties["Name"],
            "CallerReference": self.generated_name(),
            "HostedZoneConfig": {
                **properties.get("HostedZoneConfig", {}),
                "PrivateZone": first is not None,
            },
        }
        if first:
            request["VPC"] = first
        zone = str(self.call("route53.create_hosted_zone", request)["HostedZone"]["Id"])
        self.physical_id = zone.removeprefix("/hostedzone/")
        for vpc in others:
            self.call(
                "route53.associate_vpc_with_hosted_zone",
                {"HostedZoneId": self.physical_id, "VPC": vpc},
            )
        self._tag(properties)
        return self.physical_id

    def _tag(self, properties: dict[str, Any]) -> None:
        tags = properties.get("HostedZoneTags")
        if tags:
            self.client("route53").change_tags_for_resource(
                ResourceType="hostedzone", ResourceId=self.physical_id, AddTags=tags
            )

    def update(self, properties: dict[str, Any]) -> None:
        """Change the comment and the tags."""
        comment = properties.get("HostedZoneConfig", {}).get("Comment", "")
        self.client("route53").update_hosted_zone_comment(Id=self.physical_id, Comment=comment)
        self._tag(properties)

    def delete(self) -> None:
        """Delete the zone, which Route 53 refuses while it holds records of its own."""
        self.client("route53").delete_hosted_zone(Id=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `Id` or `NameServers`."""
        if name == "Id":
            return self.physical_id
        if name != "NameServers":
            return None
        zone = self.client("route53").get_hosted_zone(Id=self.physical_id)
        return zone.get("DelegationSet", {}).get("NameServers")


class RecordSet(Resource):
    """`AWS::Route53::RecordSet`; `Ref` is the record's name."""

    type_name = "AWS::Route53::RecordSet"
    fixed = frozenset({"HostedZoneId", "HostedZoneName", "Name", "SetIdentifier", "Type"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the record."""
        self._change("CREATE", properties)
        return str(properties["Name"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change the record in place."""
        self._change("UPSERT", properties)

    def delete(self) -> None:
        """Delete the record."""
        self._change("DELETE", self.properties)

    def _change(self, action: str, properties: dict[str, Any]) -> None:
        record = dict(properties)
        for name in ("HostedZoneId", "HostedZoneName", "Comment"):
            record.pop(name, None)
        if "ResourceRecords" in record:
            record["ResourceRecords"] = [{"Value": item} for item in record["ResourceRecords"]]
        if "AliasTarget" in record:
            record["AliasTarget"] = {"EvaluateTargetHealth": False, **record["AliasTarget"]}
        self.call(
            "route53.change_resource_record_sets",
            {
                "HostedZoneId": self._zone(properties),
                "ChangeBatch": {"Changes": [{"Action": action, "ResourceRecordSet": record}]},
            },
        )

    def _zone(self, properties: dict[str, Any]) -> str:
        if "HostedZoneId" in properties:
            zone_id = str(properties["HostedZoneId"])
            self._stand_in(zone_id, str(properties["Name"]))
            return zone_id
        name = properties["HostedZoneName"]
        zones = self.client("route53").list_hosted_zones_by_name(DNSName=name)["HostedZones"]
        for zone in zones:
            if zone["Name"].rstrip(".") == name.rstrip("."):
                return str(zone["Id"])
        raise LookupError(f"no hosted zone is named {name}.")

    def _stand_in(self, zone_id: str, record: str) -> None:
        """Make a zone that the app expects to be there already, as an account would have it.

        A template names such a zone by its id alone, which moto does not let anyone choose.
        """
        backend: Any = route53_backends[self.place.account_id]["aws"]
        if zone_id in backend.zones:
            return
        _host, _, domain = record.rstrip(".").partition(".")
        made = backend.create_hosted_zone(f"{domain}.", private_zone=False)
        del backend.zones[made.resource_id]
        made.resource_id = zone_id
        backend.zones[zone_id] = made


TYPES = (HostedZone, RecordSet)
