"""Reads Route 53 and Certificate Manager back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only, optional, tail

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _dotted_as(found: str | None, wanted: Any) -> str | None:
    """Route 53 ends every name with a dot; a template need not."""
    if found is None or not isinstance(wanted, str) or wanted.endswith("."):
        return found
    return found.removesuffix(".")


def _hosted_zone(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    route53 = client("route53")
    answer = route53.get_hosted_zone(Id=physical_id)
    zone = answer["HostedZone"]
    tags = optional(
        route53.list_tags_for_resource, ResourceType="hostedzone", ResourceId=tail(physical_id)
    )
    vpcs = answer.get("VPCs", [])
    return {
        "HostedZoneConfig": listed(zone.get("Config", {}), "Comment"),
        "HostedZoneTags": tags.get("ResourceTagSet", {}).get("Tags"),
        "Id": tail(zone["Id"]),
        "Name": _dotted_as(zone["Name"], properties.get("Name")),
        "NameServers": answer.get("DelegationSet", {}).get("NameServers"),
        "VPCs": [listed(vpc, "VPCRegion") | {"VPCId": vpc.get("VPCId")} for vpc in vpcs],
    }


def _record_set(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    name = properties.get("Name", physical_id)
    record = only(
        {**record, "zone": zone, "zone_name": zone_name}
        for zone, zone_name in _zones(client, properties)
        for record in _records(client, zone)
        if record["Name"].removesuffix(".") == name.removesuffix(".")
        and record["Type"] == properties.get("Type", record["Type"])
        and record.get("SetIdentifier") == properties.get("SetIdentifier")
    )
    alias = record.get("AliasTarget")
    wanted = properties.get("AliasTarget", {}).get("DNSName")
    return {
        **listed(record, "Failover", "SetIdentifier", "TTL", "Type", "Weight"),
        "AliasTarget": alias and {**alias, "DNSName": _dotted_as(alias["DNSName"], wanted)},
        "HostedZoneId": record["zone"],
        "HostedZoneName": record["zone_name"],
        "Name": _dotted_as(record["Name"], name),
        "ResourceRecords": [item["Value"] for item in record.get("ResourceRecords", [])],
    }


def _zones(client: ClientFactory, properties: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the ids and names of the zones a record can be in."""
    if "HostedZoneId" in properties:
        yield properties["HostedZoneId"], ""
        return
    wanted = properties.get("HostedZoneName")
    for page in client("route53").get_paginator("list_hosted_zones").paginate():
        for zone in page["HostedZones"]:
            name = _dotted_as(zone["Name"], wanted)
            if name is not None and wanted in (None, name):
                yield tail(zone["Id"]), name


def _records(client: ClientFactory, zone: str) -> Iterator[dict[str, Any]]:
    pages = client("route53").get_paginator("list_resource_record_sets")
    for page in pages.paginate(HostedZoneId=zone):
        yield from page["ResourceRecordSets"]


def _certificate(
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    acm = client("acm")
    certificate = acm.describe_certificate(CertificateArn=physical_id)["Certificate"]
    domain = certificate["DomainName"]
    wanted = properties.get("SubjectAlternativeNames", [])
    # The service repeats the domain among its alternatives.
    alternatives = [
        name
        for name in certificate.get("SubjectAlternativeNames", [])
        if name != domain or domain in wanted
    ]
    options = certificate.get("DomainValidationOptions", [])
    methods = {option.get("ValidationMethod") for option in options}
    return {
        "DomainName": domain,
        "SubjectAlternativeNames": alternatives,
        "Tags": acm.list_tags_for_certificate(CertificateArn=physical_id)["Tags"],
        "ValidationMethod": methods.pop() if len(methods) == 1 else sorted(map(str, methods)),
    }


READERS: Mapping[str, Reader] = {
    "AWS::CertificateManager::Certificate": _certificate,
    "AWS::Route53::HostedZone": _hosted_zone,
    "AWS::Route53::RecordSet": _record_set,
}
