"""The predicted cold start covers the published ones."""

from __future__ import annotations

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.startup import startup_seconds
from cdk_vllm.sizing.weights import checkpoint_bytes

INSTANCES = catalog.instances()
QWEN = checkpoint_bytes(model_shape("Qwen/Qwen3-8B"))


def test_it_covers_a_published_cold_start() -> None:
    # Qwen3-8B on ml.g6.2xlarge: 525 s in all.
    assert 525 <= startup_seconds(INSTANCES["g6.2xlarge"], QWEN) <= 2 * 525


def test_a_slower_network_and_a_larger_model_take_longer() -> None:
    fast = startup_seconds(INSTANCES["g6.2xlarge"], QWEN)
    assert startup_seconds(INSTANCES["g6.xlarge"], QWEN) > fast
    assert startup_seconds(INSTANCES["g6.2xlarge"], 2 * QWEN) > fast


def test_the_largest_model_starts_within_sagemakers_hour() -> None:
    size = checkpoint_bytes(model_shape("meta-llama/Llama-3.1-405B"))
    assert startup_seconds(INSTANCES["p5en.48xlarge"], size) < 3600
