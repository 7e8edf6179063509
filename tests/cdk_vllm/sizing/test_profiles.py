"""Profiles by name, and that what they say is so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cdk_vllm import catalog
from cdk_vllm.errors import InputError
from cdk_vllm.sizing.on_gpu import on_gpu
from cdk_vllm.sizing.options import validate_engine_options
from cdk_vllm.sizing.profiles import profile_named, profiles

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]

NAMES = ["development", "production", "debugging", "conservative", "balanced", "aggressive"]


def test_the_names() -> None:
    assert list(profiles()) == NAMES
    with pytest.raises(InputError, match='Did you mean "production"'):
        profile_named("prod")


@pytest.mark.parametrize("name", NAMES)
def test_options_are_vllms(name: str) -> None:
    profile = profile_named(name)
    validate_engine_options(profile.engine)
    assert profile.max_model_len >= 512
    assert profile.does[0].islower()


def test_a_higher_share_is_a_larger_kv_cache(ask: Ask) -> None:
    gpu = catalog.gpus()["L40S"]
    sized = {
        name: on_gpu(replace(ask(), engine=dict(profile_named(name).engine)), gpu, 1).memory
        for name in NAMES
    }
    by_share = sorted(NAMES, key=lambda n: float(profile_named(n).engine["gpu_memory_utilization"]))
    caches = [sized[name].kv_cache for name in by_share]
    assert caches == sorted(caches)
    assert sized["debugging"].cuda_graphs == 0


def test_aggressive_is_refused_on_a_t4(ask: Ask) -> None:
    engine = {**profile_named("aggressive").engine, "dtype": "half"}
    request = ask("Qwen/Qwen3-0.6B", engine=engine, concurrent_requests=1)
    assert "must be left" in str(on_gpu(request, catalog.gpus()["T4"], 1).illegal)


def test_the_docs_tell_each_profile_as_it_is() -> None:
    page = (Path(__file__).parents[3] / "docs" / "speed-and-price.md").read_text("utf-8")
    for name, profile in profiles().items():
        share = profile.engine["gpu_memory_utilization"]
        assert f"| {name} | {share} | {profile.max_model_len:,} |" in page
