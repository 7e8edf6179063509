from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(domain: str) -> dict[str, Any]:
    return {
        "Certificate": {
            "Type": "AWS::CertificateManager::Certificate",
            "Properties": {
                "CertificateTransparencyLoggingPreference": "ENABLED",
                "DomainName": domain,
                "DomainValidationOptions": [{"DomainName": domain, "HostedZoneId": "Z1"}],
                "SubjectAlternativeNames": [f"www.{domain}"],
                "ValidationMethod": "DNS",
            },
        }
    }


def test_a_certificate_is_read_and_replaced(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    acm, ids = client("acm"), deployed(**resources("a.example.com"))
    shown = acm.describe_certificate(CertificateArn=ids["Certificate"])["Certificate"]
    assert shown["DomainName"] == "a.example.com"
    assert "www.a.example.com" in shown["SubjectAlternativeNames"]
    after = deployed(**resources("b.example.com"))
    assert after != ids
    (left,) = acm.list_certificates()["CertificateSummaryList"]
    assert (left["CertificateArn"], left["DomainName"]) == (after["Certificate"], "b.example.com")
    destroyed()
    assert not acm.list_certificates()["CertificateSummaryList"]
