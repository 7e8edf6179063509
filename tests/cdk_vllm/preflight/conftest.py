"""An account that is moto's, and what is asked of it."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.stub import Stubber
from moto import mock_aws

if TYPE_CHECKING:
    from collections.abc import Iterator

REGION = "us-east-1"
ClientFactory = Callable[[str], Any]


@cache
def _session() -> Any:
    return boto3.session.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name=REGION
    )


@cache
def make_client(name: str) -> Any:
    client = _session().client(name)
    if name == "service-quotas":
        client.meta.events.register_first("before-call.service-quotas", _denied)
    return client


def _denied(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
    """Answer for Service Quotas, of which moto knows the VPC's alone and refuses the rest."""
    error = {"Code": "AccessDeniedException", "Message": "not authorized"}
    return AWSResponse("", 400, HTTPHeaders(), None), {"Error": error, "ResponseMetadata": {}}


@pytest.fixture
def client() -> Iterator[ClientFactory]:
    """Return what makes clients of an empty account."""
    with mock_aws():
        yield make_client


@pytest.fixture
def service_quotas() -> Iterator[tuple[Any, Stubber]]:
    """Return a Service Quotas client that answers as it is told: moto knows the VPC's quotas only.

    Questions and answers are held to the API's own model.
    """
    quotas = _session().client("service-quotas")
    with Stubber(quotas) as stubber:
        yield quotas, stubber
        stubber.assert_no_pending_responses()
