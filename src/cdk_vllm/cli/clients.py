"""boto3 clients of one region, each made once: botocore reads long descriptions for each."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import boto3

if TYPE_CHECKING:
    from collections.abc import Callable


def clients(region: str) -> Callable[[str], Any]:
    """Return a function from a service's name to its client."""
    make: Any = boto3.client
    return cache(lambda service: make(service, region_name=region))
