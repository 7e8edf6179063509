"""What `cdk-vllm memory` answers."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.one_gpu import Answer, answer, engine_defaults, gpu_named

NAMES = [
    "T4", "A10G", "L4", "L40S", "A100-40GB", "A100-80GB", "H100", "H200", "B200", "B300",
    "RTX-PRO-4500", "RTX-PRO-6000",
]  # fmt: skip


def ask(model: str = "Qwen/Qwen3-8B", gpu: str = "L40S", **options: Any) -> Answer:
    version = options.pop("version", "0.33.0")
    return answer(model_shape(model), gpu_named(gpu), options, version)


@pytest.mark.parametrize("name", NAMES)
def test_every_gpu_of_aws_is_known(name: str) -> None:
    assert (gpu_named(name).total_gib or 0) > 10


def test_any_other_gpu_needs_its_memory() -> None:
    gpu = gpu_named("RTX-4090", 23.64)
    assert (gpu.name, gpu.total_gib, gpu.compute_capability) == ("RTX-4090", 23.64, (8, 9))
    assert gpu_named("H100", 79.25).total_gib == 79.25
    with pytest.raises(InputError, match="--gpu-memory-gib"):
        gpu_named("RTX-4090")
    with pytest.raises(InputError, match="from 1 to 2048"):
        gpu_named("RTX-4090", -3)


@pytest.mark.parametrize(
    ("gpu", "seqs", "batched"),
    [("A10G", 256, 2048), ("A100-80GB", 256, 2048), ("H100", 1024, 8192), ("B200", 1024, 16384)],
)
def test_defaults_are_vllms_for_the_gpu(gpu: str, seqs: int, batched: int) -> None:
    found = engine_defaults(model_shape("Qwen/Qwen3-8B"), gpu_named(gpu), (0, 33))
    assert (found["max_num_seqs"], found["max_num_batched_tokens"]) == (seqs, batched)
    assert (found["max_model_len"], found["gpu_memory_utilization"]) == (40960, 0.92)


def test_the_figures_add_up_to_the_budget() -> None:
    found = ask()
    figures = found.to_dict()
    assert list(figures) == [
        "weights_gib", "activation_gib", "non_torch_gib", "cuda_graph_gib", "kv_cache_gib",
        "kv_cache_tokens", "max_concurrency", "fits", "why",
    ]  # fmt: skip
    terms = ("weights", "activation", "non_torch", "cuda_graph", "kv_cache")
    total = sum(float(str(figures[f"{term}_gib"])) for term in terms)
    assert total == pytest.approx(44.42 * 0.92, abs=0.01)
    assert figures["fits"] is True
    assert figures["why"] is None


def test_the_log_of_an_h100_is_met() -> None:
    found = ask("Qwen/Qwen3-32B", "H100", version="0.11.0", max_model_len=16000)
    assert found.memory.weights / 2**30 == pytest.approx(61.03, abs=0.01)
    assert found.memory.kv_cache / 2**30 == pytest.approx(4.45, abs=0.05)
    assert found.fits


def test_a_refusal_of_the_log_is_a_refusal_here() -> None:
    found = ask("meta-llama/Llama-3.3-70B-Instruct", "H100")
    assert not found.fits
    assert found.why is not None
    assert found.why.startswith("It needs 131.45 GiB of weights")
    assert found.to_dict()["kv_cache_tokens"] == 0


def test_too_long_a_request_says_what_it_needs() -> None:
    found = ask("meta-llama/Llama-3.1-8B-Instruct", "A10G", version="0.11.0")
    assert not found.fits
    assert found.why is not None
    assert "One request of 131072 tokens needs 16.0" in found.why


def test_a_fixed_cache_must_fit_the_gpu() -> None:
    assert ask(kv_cache_memory_bytes=10 * 2**30).fits
    assert "exceed" in str(ask(kv_cache_memory_bytes=40 * 2**30).why)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"max_model_len": 50000}, "above the 40960 tokens"),
        ({"gpu_memory_utilization": 1.2}, "at most 1"),
        ({"kv_cache_dtype": "fp9"}, 'kv-cache-dtype is "fp9"'),
        ({"block_size": 17}, "multiple of 16"),
        ({"tensor_parallel_size": 3}, "32 attention heads"),
        ({"pipeline_parallel_size": 99}, "36 layers"),
    ],
)
def test_a_wrong_option_is_refused(options: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        ask(**options)


def test_a_format_without_kernels_does_not_fit() -> None:
    assert "mxfp4 weights need 8.0" in str(ask("openai/gpt-oss-20b", "T4").why)
    assert "float8" in str(ask(gpu="A10G", kv_cache_dtype="fp8").why)


@given(
    model=st.sampled_from([*sorted(catalog.models()), *catalog.model_configs()]),
    gpu=st.sampled_from(NAMES),
    tensor=st.sampled_from([1, 2, 4, 8]),
    share=st.floats(0.05, 1.0),
)
def test_what_fits_holds_a_request(model: str, gpu: str, tensor: int, share: float) -> None:
    try:
        found = ask(model, gpu, tensor_parallel_size=tensor, gpu_memory_utilization=share)
    except InputError:
        return
    assert found.fits == (found.why is None)
    if found.fits:
        assert found.memory.kv_cache_tokens > 0
        assert found.memory.max_concurrency >= 1
