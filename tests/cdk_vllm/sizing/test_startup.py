"""The predicted cold start covers the published ones."""

from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.startup import disk_refusal, load_of, startup_seconds
from cdk_vllm.sizing.weights import checkpoint_bytes

INSTANCES = catalog.instances()
QWEN = checkpoint_bytes(model_shape("Qwen/Qwen3-8B"))


def cold(name: str, size: int, **options: Any) -> int:
    return startup_seconds(load_of(INSTANCES[name], size, backend="ecs", **options))


def test_it_covers_a_published_cold_start() -> None:
    # Qwen3-8B on ml.g6.2xlarge: 525 s in all.
    assert 525 <= cold("g6.2xlarge", QWEN) <= 2 * 525


def test_a_slower_network_and_a_larger_model_take_longer() -> None:
    fast = cold("g6.2xlarge", QWEN)
    assert cold("g6.xlarge", QWEN) > fast
    assert cold("g6.2xlarge", 2 * QWEN) > fast


def test_the_largest_model_starts_within_sagemakers_hour() -> None:
    size = checkpoint_bytes(model_shape("meta-llama/Llama-3.1-405B"))
    load = load_of(INSTANCES["p5en.48xlarge"], size, backend="sagemaker")
    assert startup_seconds(load) < 3600


def test_ranks_share_what_streams() -> None:
    size, instance = 140 * 10**9, INSTANCES["p5.48xlarge"]
    alone = load_of(instance, size, backend="ecs")
    together = load_of(instance, size, backend="ecs", ranks=8)
    assert (alone.path, together.path) == ("stream", "stream")
    assert together.seconds == pytest.approx(alone.seconds / 8, rel=0.01)


def test_many_replicas_on_an_instance_bring_the_weights_once() -> None:
    instance = INSTANCES["g6.12xlarge"]  # 40 Gbit/s for four GPUs
    one = load_of(instance, QWEN, backend="ecs")
    four = load_of(instance, QWEN, backend="ecs", replicas=4)
    streamed = load_of(instance, QWEN, backend="ecs", replicas=4, wanted="stream")
    assert one.path == "stream"
    assert four.seconds <= streamed.seconds


@pytest.mark.parametrize("name", sorted(INSTANCES))
def test_the_chosen_way_is_the_faster_that_the_instance_has(name: str) -> None:
    instance = INSTANCES[name]
    for replicas in (1, 2, 4, 8):
        ways = [
            load_of(instance, QWEN, backend="ecs", replicas=replicas, wanted=way)
            for way in ("stream", "disk")
            if way == "stream" or disk_refusal(instance, QWEN) is None
        ]
        chosen = load_of(instance, QWEN, backend="ecs", replicas=replicas)
        assert chosen == min(ways, key=lambda way: way.seconds)


def test_a_disk_that_is_not_there_or_too_small_is_refused() -> None:
    assert disk_refusal(INSTANCES["g6e.12xlarge"], QWEN) is None
    assert "a fifth stays free" in str(disk_refusal(INSTANCES["g6.xlarge"], 240 * 10**9))
