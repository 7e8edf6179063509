from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


@pytest.fixture
def zone(client: Client) -> str:
    answer = client("route53").create_hosted_zone(Name="example.com", CallerReference="1")
    return str(answer["HostedZone"]["Id"].rsplit("/", 1)[-1])


def test_hosted_zone(client: Client, wrong: Wrong, zone: str) -> None:
    for name in ("example.com", "example.com."):
        assert wrong("Route53::HostedZone", zone, {"Name": name}) == []
    assert not exists(client, "AWS::Route53::HostedZone", "ZNOWHERE")


def test_record_set(client: Client, wrong: Wrong, zone: str) -> None:
    alias = {
        "DNSName": "dualstack.chat.us-east-1.elb.amazonaws.com",
        "EvaluateTargetHealth": False,
        "HostedZoneId": "Z35SXDOTRQ7X7K",
    }
    text = {"Name": "example.com", "TTL": 300, "Type": "TXT", "ResourceRecords": [{"Value": '"a"'}]}
    record = {"Name": "chat.example.com", "Type": "A", "AliasTarget": alias}
    client("route53").change_resource_record_sets(
        HostedZoneId=zone,
        ChangeBatch={
            "Changes": [
                {"Action": "CREATE", "ResourceRecordSet": record},
                {"Action": "CREATE", "ResourceRecordSet": text},
            ]
        },
    )
    written = {
        "AliasTarget": {key: alias[key] for key in ("DNSName", "HostedZoneId")},
        "HostedZoneId": zone,
        "Name": "chat.example.com.",
        "Type": "A",
    }
    assert wrong("Route53::RecordSet", "chat.example.com", written) == []
    by_name = {
        "HostedZoneName": "example.com.",
        "Name": "example.com",
        "ResourceRecords": ['"a"'],
        "TTL": "300",
        "Type": "TXT",
    }
    assert wrong("Route53::RecordSet", "example.com", by_name) == []
    assert exists(client, "AWS::Route53::RecordSet", "chat.example.com")
    assert not exists(client, "AWS::Route53::RecordSet", "talk.example.com")


def test_certificate(client: Client, wrong: Wrong) -> None:
    arn = client("acm").request_certificate(
        DomainName="chat.example.com",
        SubjectAlternativeNames=["www.example.com"],
        Tags=[{"Key": "a", "Value": "b"}],
        ValidationMethod="DNS",
    )["CertificateArn"]
    written = {
        "DomainName": "chat.example.com",
        "SubjectAlternativeNames": ["www.example.com"],
        "Tags": [{"Key": "a", "Value": "b"}],
        "ValidationMethod": "DNS",
    }
    assert wrong("CertificateManager::Certificate", arn, written) == []
    client("acm").delete_certificate(CertificateArn=arn)
    assert not exists(client, "AWS::CertificateManager::Certificate", arn)
