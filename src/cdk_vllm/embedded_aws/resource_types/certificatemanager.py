"""Certificate Manager: certificates, issued without waiting for a validation."""

from __future__ import annotations

from typing import Any

from .resource import Resource


class Certificate(Resource):
    """`AWS::CertificateManager::Certificate`; `Ref` is its ARN."""

    type_name = "AWS::CertificateManager::Certificate"
    fixed = frozenset(
        {
            "CertificateAuthorityArn",
            "CertificateExport",
            "DomainName",
            "DomainValidationOptions",
            "KeyAlgorithm",
            "SubjectAlternativeNames",
        }
    )

    def create(self, properties: dict[str, Any]) -> str:
        """Request the certificate."""
        spelled = dict(properties)
        spelled.pop("DomainValidationOptions", None)  # a hosted zone, which the API does not take
        in_options = {
            "CertificateExport": "Export",
            "CertificateTransparencyLoggingPreference": "CertificateTransparencyLoggingPreference",
        }
        options = {
            option: spelled.pop(name) for name, option in in_options.items() if name in spelled
        }
        if options:
            spelled["Options"] = options
        return str(self.call("acm.request_certificate", spelled)["CertificateArn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change the tags; everything else makes another certificate."""
        tags = {"CertificateArn": self.physical_id, "Tags": properties.get("Tags", [])}
        self.call("acm.add_tags_to_certificate", tags)

    def delete(self) -> None:
        """Delete the certificate."""
        self.client("acm").delete_certificate(CertificateArn=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `CertificateArn`."""
        return self.physical_id if name == "CertificateArn" else None


TYPES = (Certificate,)
