"""What one replica carries on a GPU."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing.on_gpu import on_gpu

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]

L40S = catalog.gpus()["L40S"]


def test_without_a_peak_a_replica_carries_what_is_asked(ask: Ask) -> None:
    found = on_gpu(ask(), L40S, 1)
    assert found.fits
    assert found.workload.concurrent_requests == 32


def test_a_peak_fills_a_replica_and_is_shared_evenly(ask: Ask) -> None:
    found = on_gpu(ask(peak_concurrent_requests=100), L40S, 1)
    each = found.workload.concurrent_requests
    assert each == 50  # two replicas of at most about 65
    assert found.fits
    fuller = replace(found.workload, concurrent_requests=80)
    assert not on_gpu(ask(concurrent_requests=fuller.concurrent_requests), L40S, 1).fits


def test_a_target_leaves_room(ask: Ask) -> None:
    free = on_gpu(ask(peak_concurrent_requests=1000), L40S, 1)
    quick = on_gpu(ask(peak_concurrent_requests=1000, tpot_seconds=0.06), L40S, 1)
    assert quick.workload.concurrent_requests < free.workload.concurrent_requests
    assert quick.speed is not None
    assert quick.speed.tpot.high <= 0.06


def test_the_engines_own_limit_is_kept(ask: Ask) -> None:
    request = ask(peak_concurrent_requests=100, engine={"max_num_seqs": 8}, concurrent_requests=1)
    assert on_gpu(request, L40S, 1).workload.concurrent_requests <= 8


def test_what_does_not_fit_alone_is_not_shared(ask: Ask) -> None:
    found = on_gpu(ask("Qwen/Qwen3-32B", peak_concurrent_requests=100), L40S, 1)
    assert not found.fits
    assert found.workload.concurrent_requests == 1


@settings(max_examples=25, deadline=None)
@given(concurrent=st.integers(1, 200), more=st.integers(1, 200))
def test_more_concurrency_never_needs_less_memory(ask: Ask, concurrent: int, more: int) -> None:
    few = on_gpu(ask(concurrent_requests=concurrent), L40S, 1).memory
    many = on_gpu(ask(concurrent_requests=concurrent + more), L40S, 1).memory
    assert many.kv_cache_needed >= few.kv_cache_needed
    assert many.kv_cache <= few.kv_cache
