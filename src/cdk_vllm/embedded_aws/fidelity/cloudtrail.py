"""CloudTrail: the call the CDK CLI makes when a deployment has failed."""

from __future__ import annotations

import json
from typing import Any

from moto.cloudtrail.responses import CloudTrailResponse


def _lookup_events(self: Any) -> str:
    """LookupEvents, which moto answers with 500 and the CLI then tries again and again."""
    del self
    return json.dumps({"Events": []})


def install() -> None:
    """Apply the fix."""
    response: Any = CloudTrailResponse
    response.lookup_events = _lookup_events
