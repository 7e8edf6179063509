from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def record(zone: Any, *values: str) -> dict[str, Any]:
    return {
        "Record": {
            "Type": "AWS::Route53::RecordSet",
            "Properties": {
                "HostedZoneId": zone,
                "Name": "chat.example.com.",
                "ResourceRecords": list(values),
                "TTL": "300",
                "Type": "A",
            },
        }
    }


def records(client: Client, zone: str) -> list[dict[str, Any]]:
    shown = client("route53").list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    return [item for item in shown if item["Type"] == "A"]


def test_zones_and_records_are_read_and_change(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    zone = {"Zone": {"Type": "AWS::Route53::HostedZone", "Properties": {"Name": "example.com."}}}
    ids = deployed(**zone, **record({"Ref": "Zone"}, "10.0.0.1"))
    (shown,) = records(client, ids["Zone"])
    assert (shown["Name"], shown["TTL"]) == ("chat.example.com.", 300)
    assert shown["ResourceRecords"] == [{"Value": "10.0.0.1"}]
    deployed(**zone, **record({"Ref": "Zone"}, "10.0.0.2", "10.0.0.3"))
    (shown,) = records(client, ids["Zone"])
    assert len(shown["ResourceRecords"]) == 2
    destroyed()
    assert not client("route53").list_hosted_zones()["HostedZones"]


def test_a_zone_that_an_app_expects_is_there(client: Client, deployed: Deployed) -> None:
    deployed(**record("Z0123456789ABCDEFGHIJ", "10.0.0.1"))
    (zone,) = client("route53").list_hosted_zones()["HostedZones"]
    assert zone["Id"] == "/hostedzone/Z0123456789ABCDEFGHIJ"
    assert zone["Name"] == "example.com."
    assert len(records(client, "Z0123456789ABCDEFGHIJ")) == 1
