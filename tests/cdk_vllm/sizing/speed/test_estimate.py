"""The ranges people see, against runs that the fit has never seen."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing.engine_args import engine_args
from cdk_vllm.sizing.shape import shape_from_config
from cdk_vllm.sizing.speed.estimate import Speed, speed

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]

FP8 = {"quant_method": "fp8", "weight_block_size": [128, 128], "modules_to_not_convert": []}


def on(request: ServingRequest, name: str, ranks: int = 1) -> Speed:
    gpu = catalog.gpus()[name]
    found = speed(request.shape, request.workload, gpu, engine_args(request, gpu, ranks))
    assert found is not None
    return found


# Public runs on L40S: vLLM's own benchmark of Qwen3-8B at one request and more, of Qwen3-14B.
@pytest.mark.parametrize(
    ("model", "concurrent", "measured"),
    [
        ("Qwen/Qwen3-8B", 1, 0.02285),
        ("Qwen/Qwen3-14B", 10, 0.0431),
    ],
)
def test_l40s_runs_lie_within_the_range(
    ask: Ask, model: str, concurrent: int, measured: float
) -> None:
    found = on(
        ask(model, concurrent_requests=concurrent, prompt_tokens=200, output_tokens=200), "L40S"
    )
    assert found.tpot.low < measured < found.tpot.high
    assert found.tpot.likely == pytest.approx(measured, rel=0.15)


@pytest.mark.parametrize(("concurrent", "measured"), [(1, 0.0258), (8, 0.0435), (32, 0.0826)])
def test_eight_l40s_over_pcie_lie_within_the_range(
    ask: Ask, concurrent: int, measured: float
) -> None:
    request = ask(
        "Qwen/Qwen3-235B-A22B",
        concurrent_requests=concurrent, prompt_tokens=200, output_tokens=200,
    )  # fmt: skip
    shape = replace(request.shape, quantization="online:fp8")
    found = on(replace(request, shape=shape), "L40S", 8)
    assert found.tpot.low < measured < found.tpot.high


@pytest.mark.parametrize(
    ("gpu", "quantized", "basis"),
    [
        ("H100", True, "calibrated"),
        ("H100", False, "uncalibrated: no measured run with 16-bit weights is known"),
        ("L4", True, "uncalibrated: no measured run on L4 is known"),
    ],
)
def test_the_basis_is_told(ask: Ask, gpu: str, quantized: bool, basis: str) -> None:
    request = ask()
    if quantized:
        request = replace(request, shape=replace(request.shape, quantization="online:fp8"))
    found = on(request, gpu)
    assert found.basis == basis
    assert found.tpot.low < found.tpot.likely < found.tpot.high


def test_speculation_is_uncalibrated(ask: Ask) -> None:
    request = ask(engine={"speculative_config": '{"method": "ngram", "num_speculative_tokens": 3}'})
    request = replace(request, shape=replace(request.shape, quantization="online:fp8"))
    assert "speculative" in on(request, "H100").basis


def test_throughput_counts_the_wait_for_the_first_token(ask: Ask) -> None:
    found = on(ask(), "H100")
    each = found.ttft.likely + 500 * found.tpot.likely
    assert found.output_tokens_per_second == pytest.approx(32 * 500 / each, rel=0.01)


def test_a_gpu_without_bandwidth_has_no_speed(ask: Ask) -> None:
    gpu = catalog.gpus()["RTX PRO 4500"]
    assert gpu.memory_bandwidth_gb_per_second is None
    request = ask()
    assert speed(request.shape, request.workload, gpu, engine_args(request, gpu, 1)) is None


def test_eight_bit_weights_are_faster(ask: Ask) -> None:
    config: dict[str, Any] = {
        "architectures": ["Qwen3ForCausalLM"], "num_hidden_layers": 36, "hidden_size": 4096,
        "intermediate_size": 12288, "num_attention_heads": 32, "num_key_value_heads": 8,
        "head_dim": 128, "vocab_size": 151936, "max_position_embeddings": 40960,
        "torch_dtype": "bfloat16", "quantization_config": FP8,
    }  # fmt: skip
    half = on(ask(shape=shape_from_config(config), concurrent_requests=1), "H100")
    assert half.tpot.likely < 0.75 * on(ask(concurrent_requests=1), "H100").tpot.likely
