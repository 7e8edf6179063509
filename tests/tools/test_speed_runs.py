"""Measured runs, as the speed rules see them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import speed_runs

MEASURED = Path(__file__).parent / "measured"
CONFIGS = MEASURED / "configs"
ROW = {
    "model": "MiniMaxAI/MiniMax-M2.5",
    "gpu_system": "h200_sxm",
    "gemm_quantization": "fp8",
    "prompt_tokens": "1024",
    "output_tokens": "1024",
    "concurrency": "64",
    "tensor_parallel_size": "4",
    "attention_data_parallel_size": "1",
    "moe_tensor_parallel_size": "4",
    "moe_expert_parallel_size": "1",
    "ttft_ms": "200",
    "tpot_ms": "20",
}


def test_a_row() -> None:
    run = speed_runs.run_of(CONFIGS, ROW)
    assert (run.kind, run.gpu.name, run.load.sequences) == ("mixture", "H200", 64)
    assert (run.tpot_seconds, run.ttft_seconds) == (0.02, 0.2)


def test_every_row_is_a_run() -> None:
    runs = speed_runs.runs_of(MEASURED / "latency.csv", CONFIGS)
    assert len(runs) == 1007
    assert {run.gpu.name for run in runs} == {"H100", "H200", "B200", "B300"}
    assert {run.model for run in runs if run.kind == "dense"} == {
        "meta-llama/Llama-3.1-70B",
        "nvidia/Llama-3.1-8B-Instruct-FP8",
    }


def test_data_parallel_ranks_share_the_requests() -> None:
    row = ROW | {"attention_data_parallel_size": "4", "moe_expert_parallel_size": "4"}
    assert speed_runs.run_of(CONFIGS, row).load.sequences == 16


def test_the_kv_cache_bounds_the_requests_at_once() -> None:
    row = ROW | {"gpu_system": "h100_sxm", "concurrency": "2000", "prompt_tokens": "8192"}
    assert 1 <= speed_runs.run_of(CONFIGS, row).load.sequences < 500


@pytest.mark.parametrize(
    ("model", "quantization", "expected"),
    [
        ("MiniMaxAI/MiniMax-M2.5", "fp8", (1.0, 1.0)),
        ("MiniMaxAI/MiniMax-M2.5", "nvfp4", (2.0, 0.5625)),
        ("moonshotai/Kimi-K2.5", "int4_wo", (2.0, 0.578125)),
        ("meta-llama/Llama-3.1-70B", "nvfp4", (0.5625, 2.0)),
    ],
)
def test_exclude_lists_are_honoured(
    model: str, quantization: str, expected: tuple[float, float]
) -> None:
    from cdk_vllm.sizing.blueprint import anatomy_of
    from cdk_vllm.sizing.speed.formats import formats_of

    shape = speed_runs.shape_of(CONFIGS, model, quantization)
    formats = formats_of(anatomy_of(shape), speed_runs.quantization_of_run(shape, quantization))
    assert (formats.mixer.bytes_per_weight, formats.experts.bytes_per_weight) == expected


def test_a_dense_row_may_leave_the_experts_out() -> None:
    row = ROW | {
        "model": "meta-llama/Llama-3.1-70B",
        "gemm_quantization": "bf16",
        "attention_data_parallel_size": "",
        "moe_tensor_parallel_size": "",
        "moe_expert_parallel_size": "",
    }
    run = speed_runs.run_of(CONFIGS, row)
    assert (run.kind, run.load.data_parallel_size) == ("dense", 1)
    assert run.steps.decode.math_seconds_narrow == 0
