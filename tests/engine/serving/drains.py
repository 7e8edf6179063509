"""Ten stops under load, of ten replicas, one after the other: `make test-drains`.

`CDK_VLLM_DRAINS` says how many. It prints a line a stop and the sum.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from typing import TYPE_CHECKING

from cdk_vllm.sizing import timeouts_for
from tests.engine.serving.load import Drained, Load, drain

if TYPE_CHECKING:
    import pytest

    from tests.engine.serving.cloud import Cloud
    from tests.engine.serving.replica import Serving

DRAINS = int(os.environ.get("CDK_VLLM_DRAINS", "10"))
LOAD = Load(at_once=32, tokens=1500)


def test_no_request_is_lost(
    serving: Serving, cloud: Cloud, capsys: pytest.CaptureFixture[str]
) -> None:
    stop_timeout = timeouts_for(cloud.plans["chat"]).stop_timeout_seconds
    found: list[Drained] = []
    for number in range(DRAINS):
        with serving.serve("chat") as replica:
            found.append(drain(replica, partial(replica.server.stop, stop_timeout), LOAD))
        with capsys.disabled():
            tell(f"stop {number + 1}: {told(found[-1:])}")
    with capsys.disabled():
        tell(f"{len(found)} stops: {told(found)}")
    assert [why for each in found for why in each.lost] == []
    assert {each.status for each in found} == {0}
    assert sum(each.in_flight for each in found) >= 20 * DRAINS


def told(found: list[Drained]) -> str:
    """Return one line about some stops."""
    lost = sum(len(each.lost) for each in found)
    in_flight = sum(each.in_flight for each in found)
    slowest = max(each.seconds for each in found)
    return f"{lost} of {in_flight} requests in flight lost; {slowest:.1f} s at most"


def tell(line: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"\n{line}")
    sys.stdout.flush()
