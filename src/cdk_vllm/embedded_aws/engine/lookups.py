"""Values a template takes from outside itself: Parameter Store, Secrets Manager, zones."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from cdk_vllm.embedded_aws.resource_types.service_calls import service_client

from .scope import TemplateError


class Lookups:
    """Reads on behalf of one stack, in its account and region."""

    def __init__(self, account_id: str, region: str) -> None:
        self.account_id = account_id
        self.region = region

    def _client(self, service: str, region: str | None = None) -> Any:
        return service_client(service, region or self.region, self.account_id)

    def stored(self, path: str) -> str:
        """Return what Parameter Store holds at `path`.

        Raises:
            TemplateError: when it holds nothing there.
        """
        try:
            answer = self._client("ssm").get_parameter(Name=path, WithDecryption=True)
        except ClientError:
            raise TemplateError(
                f"Unable to fetch parameters [{path}] from parameter store for this account."
            ) from None
        return str(answer["Parameter"]["Value"])

    def zones(self, region: str) -> list[str]:
        """Return the region's availability zones; moto's engine gives four to every region."""
        answer = self._client("ec2", region).describe_availability_zones()
        return sorted(zone["ZoneName"] for zone in answer["AvailabilityZones"])

    def dynamic_value(self, reference: str) -> str:
        """Return what `{{resolve:...}}` stands for.

        Raises:
            TemplateError: when the parameter, secret or key does not exist.
        """
        service, _, rest = reference.partition(":")
        if service in ("ssm", "ssm-secure"):
            return self.stored(rest)
        if service == "secretsmanager":
            return self._secret(rest)
        raise TemplateError(f"Dynamic reference to an unknown service: {reference}")

    def _secret(self, reference: str) -> str:
        identity, _, tail = reference.partition(":SecretString")
        key = tail.lstrip(":").split(":")[0]
        try:
            text = self._client("secretsmanager").get_secret_value(SecretId=identity)
            value = text["SecretString"]
            return str(json.loads(value)[key]) if key else str(value)
        except (ClientError, KeyError, ValueError):
            raise TemplateError(f"Could not resolve the secret {reference}") from None
