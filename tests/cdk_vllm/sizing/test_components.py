"""Models that share instances: what fits on one, and what a share costs."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.errors import PlanError
from cdk_vllm.sizing import components
from tests.conftest import _plan

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan


def sharing(size: int, gpus: int = 4) -> ServingPlan:
    """Return a plan for some of the GPUs of an instance that costs eight dollars."""
    return replace(
        _plan("sagemaker"),
        gpus=gpus,
        tensor_parallel_size=size,
        host_memory_gib=384.0,
        usd_per_hour=8.0,
    )


def test_a_copy_takes_and_pays_its_share() -> None:
    assert [components.copies_per_instance(sharing(size)) for size in (1, 2, 3, 4)] == [4, 2, 1, 1]
    assert components.usd_per_hour(sharing(1)) == 2.0
    assert components.usd_per_hour(sharing(4)) == 8.0
    assert components.usd_per_hour(replace(sharing(1), usd_per_hour=None)) is None
    # 384 GiB on four GPUs, of which a fifth is not the models'.
    assert components.host_memory_mib(sharing(1)) == 78643
    assert components.host_memory_mib(sharing(4)) <= 384 * 1024 * 0.8


@pytest.mark.parametrize(
    ("copies", "instances"),
    [
        ([(1, 4)], 1),
        ([(1, 5)], 2),
        ([(2, 1), (1, 2)], 1),
        ([(3, 2), (1, 2)], 2),
        ([(1, 1), (4, 1)], 2),
        ([], 0),
    ],
)
def test_copies_are_laid_on_as_few_instances_as_hold_them(
    copies: list[tuple[int, int]], instances: int
) -> None:
    assert components.instances_for([(sharing(size), n) for size, n in copies]) == instances


@given(st.lists(st.tuples(st.sampled_from([1, 2, 4, 8]), st.integers(0, 5)), max_size=5))
def test_no_instance_holds_more_than_its_gpus(copies: list[tuple[int, int]]) -> None:
    needed = components.instances_for([(sharing(size, 8), n) for size, n in copies])
    gpus = sum(size * n for size, n in copies)
    assert needed >= -(-gpus // 8)
    # Powers of two, the largest first, leave no gap but on the last instance.
    assert needed == -(-gpus // 8)


def test_models_share_one_type_only() -> None:
    other = replace(sharing(1), instance_type="ml.g5.12xlarge")
    with pytest.raises(PlanError, match=r"ml\.g5\.12xlarge and ml\.g6e\.2xlarge"):
        components.instances_for([(sharing(1), 1), (other, 1)])
