"""A real Prometheus, and a real vLLM to scrape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.engine.metrics.prometheus import Prometheus, with_recordings
from tests.engine.serving.conftest import cloud, engine, models, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.engine.serving.replica import Replica, Serving

__all__ = ["cloud", "engine", "models", "serving"]


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """Return a server that holds every recording, each as a service of its own."""
    with with_recordings(tmp_path_factory.mktemp("prometheus")) as server:
        yield server


@pytest.fixture(scope="module")
def replica(serving: Serving) -> Iterator[Replica]:
    """Return a vLLM started with the words and variables of the ECS stack."""
    with serving.serve("chat") as served:
        served.complete(max_tokens=4)
        yield served
