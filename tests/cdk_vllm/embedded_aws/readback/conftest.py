from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from cdk_vllm.embedded_aws import install
from cdk_vllm.embedded_aws.readback.comparison import differences
from cdk_vllm.embedded_aws.readback.services import READERS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping


@pytest.fixture(scope="session")
def clients() -> Callable[[str], Any]:
    """Make each client once, because botocore reads long service descriptions for it."""
    session = boto3.Session(
        aws_access_key_id="testing", aws_secret_access_key="testing", region_name="us-east-1"
    )
    return cache(session.client)


@pytest.fixture
def client(clients: Callable[[str], Any]) -> Iterator[Callable[[str], Any]]:
    """Make clients of an empty embedded AWS inside the process."""
    install()
    with mock_aws():
        yield clients


@pytest.fixture
def wrong(client: Callable[[str], Any]) -> Callable[[str, str, Mapping[str, Any]], list[str]]:
    """Read a resource made through its own API and say what is not as a template would write it."""

    def what_differs(type_name: str, physical_id: str, written: Mapping[str, Any]) -> list[str]:
        found = READERS[f"AWS::{type_name}"](client, physical_id, written)
        unlisted = [f"{name} is not listed" for name in written if name not in found]
        return unlisted + [str(d) for d in differences(written, dict(found))]

    return what_differs
