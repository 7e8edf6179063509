"""Calls to the services' own APIs, answered by moto in this process.

CloudFormation's properties are turned into the calls' parameters by the services' own models.
"""

from __future__ import annotations

import json
import os
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore.awsrequest import AWSResponse
from botocore.config import Config
from botocore.session import Session
from moto.core.botocore_stubber import BotocoreStubber, MockRawResponse
from moto.core.models import botocore_stubber

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from botocore.awsrequest import AWSPreparedRequest


class UnknownPropertyError(ValueError):
    """A property that the service's call has no parameter for."""


def _answer(request: AWSPreparedRequest, **_event: object) -> AWSResponse:
    answer = BotocoreStubber().process_request(request)
    if answer is None:
        raise ConnectionError(f"the embedded AWS has no service at {request.url}.")
    status, headers, body = answer
    kept: Any = headers
    return AWSResponse(request.url, status, kept, MockRawResponse(body))


_OPTIONS: dict[str, Any] = {
    "ignore_configured_endpoint_urls": True,
    "retries": {"total_max_attempts": 1},
}
_CONFIG = Config(**_OPTIONS)


@cache
def service_client(service: str, region: str, account_id: str) -> Any:
    """Return a boto3 client whose requests never leave this process.

    It reads no configuration file, no credentials and no endpoint variable of the user's.
    """
    session = Session()
    for source in ("config_file", "credentials_file"):
        session.set_config_variable(source, os.devnull)
    # Within `mock_aws` moto answers every client's requests, and would answer ours a second time.
    stubber: Any = botocore_stubber
    session.unregister("before-send", stubber)
    maker: Any = boto3.Session(botocore_session=session)
    client: Any = maker.client(
        service,
        region_name=region,
        aws_access_key_id="embedded",
        aws_secret_access_key="embedded",  # noqa: S106
        config=_CONFIG,
    )

    def name_account(request: Any, **_event: object) -> None:
        request.headers["x-moto-account-id"] = account_id

    client.meta.events.register("before-sign.*", name_account)
    client.meta.events.register("before-send.*", _answer)
    return client


def parameters_for(client: Any, operation: str, properties: Mapping[str, Any]) -> dict[str, Any]:
    """Return `properties` spelled, typed and nested as `operation` (snake_case) wants them.

    CloudFormation and the services name most things alike, up to the case of a letter.

    Raises:
        UnknownPropertyError: when the operation has no such parameter.
    """
    api_name = client.meta.method_to_api_mapping[operation]
    shape = client.meta.service_model.operation_model(api_name).input_shape
    converted: dict[str, Any] = _structure(properties, shape, "")
    return converted


def _structure(value: Mapping[str, Any], shape: Any, path: str) -> dict[str, Any]:
    members = {name.lower(): name for name in shape.members}
    converted = {}
    for key, item in value.items():
        name = members.get(key.lower())
        if name is None:
            raise UnknownPropertyError(f"property {path}{key} has no place in {shape.name}.")
        converted[name] = _converted(item, shape.members[name], f"{path}{key}.")
    return converted


def _converted(value: Any, shape: Any, path: str) -> Any:
    match shape.type_name:
        case "structure" if isinstance(value, dict):
            return _structure(value, shape, path)
        case "map" if isinstance(value, dict):
            return {key: _converted(item, shape.value, path) for key, item in value.items()}
        case "map" if isinstance(value, list):  # CloudFormation's list of Key and Value
            return {tag["Key"]: str(tag["Value"]) for tag in value}
        case "list" if isinstance(value, list):
            return [_converted(item, shape.member, path) for item in value]
        case "list":
            return [_converted(value, shape.member, path)]
    return _scalar(value, shape.type_name)


def _scalar(value: Any, type_name: str) -> Any:
    """Templates write numbers and booleans as strings now and then; the services do not."""
    if type_name == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    return _SCALARS.get(type_name, lambda same: same)(value)


def _string(value: Any) -> str:
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value).lower() if isinstance(value, bool) else str(value)


_SCALARS: dict[str, Callable[[Any], Any]] = {
    "double": float,
    "float": float,
    "integer": int,
    "long": int,
    "string": _string,
}
