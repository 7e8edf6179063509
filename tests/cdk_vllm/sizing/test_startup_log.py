"""Lines as vLLM has written them over the years."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing.startup_log import parse_startup_log

NEW = """\
(APIServer pid=1) INFO 11-02 10:00:00 [utils.py:250] vLLM API server version 0.28.0
(APIServer pid=1) INFO [utils.py:250] non-default args: {'model_tag': 'Qwen/Qwen3-14B', \
'model': 'Qwen/Qwen3-14B', 'max_model_len': 40960, 'enforce_eager': True, \
'gpu_memory_utilization': 0.9, 'kv_transfer_config': KVTransferConfig(kv_rank=None)}
(Worker_TP0) INFO [gpu_model_runner.py:5187] Model loading took 27.52 GiB memory and 1.9 seconds
(Worker_TP1) INFO [gpu_model_runner.py:5187] Model loading took 27.60 GiB memory and 1.9 seconds
(Worker_TP0) INFO [gpu_model_runner.py:6517] Estimated CUDA graph memory: 0.94 GiB total
(Worker_TP0) INFO [gpu_worker.py:480] Available KV cache memory: 11.57 GiB
(Worker_TP1) INFO [gpu_worker.py:480] Available KV cache memory: 11.49 GiB
(EngineCore) INFO [kv_cache_utils.py:1744] GPU KV cache size: 75,824 tokens
(EngineCore) INFO [kv_cache_utils.py:1745] Maximum concurrency for 40,960 tokens per request: 1.85x
(Worker_TP0) INFO [gpu_model_runner.py:6243] Graph capturing finished in 2 secs, took -0.11 GiB
(Worker_TP0) INFO Free memory on device (91.64/94.97 GiB) on startup. Desired GPU memory \
utilization is (0.91, 86.42 GiB). Actual usage is 64.44 GiB for consumed memory (weights + \
non-torch), 4.19 GiB for peak activation, and 0.25 GiB for CUDAGraph memory.
"""

OLD = """\
INFO 12-22 Initializing an LLM engine (v0.6.5) with config: model='microsoft/phi-4', \
max_seq_len=2048, tensor_parallel_size=2, dtype=torch.float16, enforce_eager=True, \
kv_cache_dtype=fp8_e4m3
INFO Loading model weights took 8.5107 GB
INFO the current vLLM instance can use total_gpu_memory (79.25GiB) x gpu_memory_utilization \
(0.15) = 11.89GiB
model weights take 8.51GiB; non_torch_memory takes 0.26GiB; PyTorch activation peak memory takes \
0.94GiB; the rest of the memory reserved for KV Cache is 2.18GiB.
INFO # GPU blocks: 715, # CPU blocks: 1310
INFO Maximum concurrency for 2048 tokens per request: 5.59x
"""


def test_a_new_log_of_two_ranks() -> None:
    log = parse_startup_log(NEW)
    assert log.vllm_version == "0.28.0"
    assert log.model == "Qwen/Qwen3-14B"
    assert log.arguments["max_model_len"] == 40960
    assert log.arguments["enforce_eager"] is True
    assert log.arguments["gpu_memory_utilization"] == 0.9
    figures = log.figures
    assert (figures["weights_gib"], figures["kv_cache_gib"]) == (27.60, 11.49)
    assert (figures["kv_cache_tokens"], figures["max_concurrency"]) == (75824, 1.85)
    assert (figures["cuda_graph_gib"], figures["cuda_graph_actual_gib"]) == (0.94, -0.11)
    assert figures["activation_gib"] == 4.19
    assert figures["total_gib"] == 94.97
    assert figures["non_torch_gib"] == pytest.approx(64.44 - 27.60)


def test_an_old_log() -> None:
    log = parse_startup_log(OLD)
    assert (log.vllm_version, log.model) == ("0.6.5", "microsoft/phi-4")
    assert log.arguments == {"enforce_eager": True, "kv_cache_dtype": "fp8_e4m3"}
    assert log.figures == {
        "weights_gib": 8.5107,
        "activation_gib": 0.94,
        "non_torch_gib": 0.26,
        "kv_cache_gib": 2.18,
        "kv_cache_blocks": 715,
        "kv_cache_tokens": 11440,
        "max_concurrency": 5.59,
        "max_model_len": 2048,
        "total_gib": 79.25,
        "gpu_memory_utilization": 0.15,
        "tensor_parallel_size": 2,
    }


def test_no_log_at_all() -> None:
    log = parse_startup_log("hello")
    assert not log.figures
    assert log.model is None
