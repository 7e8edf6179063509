"""Host memory: what is left for containers, and how many replicas that is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing import host_memory


@pytest.mark.parametrize(
    ("memory_gib", "replicas", "each"), [(16, 1, 14), (32, 1, 29), (192, 4, 45), (64, 8, 7)]
)
def test_containers_share_what_the_system_leaves(
    memory_gib: float, replicas: int, each: int
) -> None:
    assert host_memory.container_memory_gib(memory_gib, replicas) == each


@given(st.floats(8, 4096), st.integers(1, 8))
def test_containers_never_take_it_all(memory_gib: float, replicas: int) -> None:
    assert host_memory.container_memory_gib(memory_gib, replicas) * replicas < memory_gib


def test_the_smallest_instances_hold_one_replica() -> None:
    assert host_memory.replicas_by_memory(catalog.instances()["g6.xlarge"], 1) == 1
    assert host_memory.replicas_by_memory(catalog.instances()["g6.12xlarge"], 1) >= 4


def test_too_little_memory_is_refused_with_numbers() -> None:
    refusal = host_memory.host_memory_refusal(catalog.instances()["g6.xlarge"], 2)
    assert "16 GiB" in str(refusal)
    assert host_memory.host_memory_refusal(catalog.instances()["g6.xlarge"], 1) is None
