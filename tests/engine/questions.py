"""What the engine is asked: which model, split how, on which GPU, with which options.

A model is a file of `configs/`. `gpu` is one that `pretended_gpu.py` pretends, or "cpu" for vLLM's
CPU build as it is. Every question names a pool of bytes for the KV cache and a longest request.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

CONFIGS = Path(__file__).with_name("configs")
GIB = 1024**3


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question to vLLM."""

    model: str
    gpu: str = "H100"
    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    stage: int = 0
    max_model_len: int = 8192
    kv_cache_bytes: int = 16 * GIB
    engine: dict[str, Any] = field(default_factory=dict)

    @property
    def config(self) -> dict[str, Any]:
        """The model's config.json."""
        return config_of(self.model)

    def asked(self) -> dict[str, Any]:
        """Return what the oracle reads."""
        return asdict(self) | {"config": self.config}

    def __str__(self) -> str:
        split = f"tp{self.tensor_parallel_size}"
        if self.pipeline_parallel_size > 1:
            split += f"-pp{self.pipeline_parallel_size}.{self.stage}"
        options = [
            "mtp" if name == "speculative_config" else f"{name}={value}"
            for name, value in self.engine.items()
        ]
        name = self.model.split("__")[1]
        return "-".join([name, self.gpu, split, str(self.max_model_len), *options])


@cache
def config_of(model: str) -> dict[str, Any]:
    """Return the config.json of a model."""
    read: dict[str, Any] = json.loads((CONFIGS / f"{model}.json").read_text("utf-8"))
    return read


MODELS = sorted(path.stem for path in CONFIGS.glob("*.json"))
SHORT = {"microsoft__Phi-3-mini-4k-instruct": 4096}
BIG = 40 * GIB

# The longest requests are where windows, chunks and recurrent states tell.
LONG = {
    "meta-llama__Meta-Llama-3.1-8B": 131072,
    "google__gemma-3-27b-it": 131072,
    "google__gemma-4-26B-A4B": 131072,
    "openai__gpt-oss-20b": 131072,
    "mistralai__Mistral-7B-v0.1": 32768,
    "deepseek-ai__DeepSeek-V3": 131072,
    "Qwen__Qwen3-Next-80B-A3B-Instruct": 262144,
    "Qwen__Qwen3.5-35B-A3B": 131072,
    "ibm-granite__granite-4.0-h-small": 131072,
    "ai21labs__AI21-Jamba-Mini-1.6": 131072,
    "nvidia__NVIDIA-Nemotron-3-Nano-30B-A3B-BF16": 131072,
    "meta-llama__Llama-4-Scout-17B-16E-Instruct": 524288,
}
WITH_EXPERTS = (
    "Qwen__Qwen3-30B-A3B",
    "Qwen__Qwen3-30B-A3B-FP8",
    "mistralai__Mixtral-8x7B-v0.1",
    "deepseek-ai__DeepSeek-V3",
)
MTP = {"method": "mtp", "num_speculative_tokens": 2}
# Checkpoints that carry layers to predict more than one token.
WITH_DRAFTS = (
    "deepseek-ai__DeepSeek-V3",
    "Qwen__Qwen3-Next-80B-A3B-Instruct",
    "Qwen__Qwen3.5-27B",
)
# Weights repacked for the GPU's own kernels, block sizes by attention backend.
BY_GPU = (
    "meta-llama__Meta-Llama-3.1-8B",
    "Qwen__Qwen3-30B-A3B-FP8",
    "openai__gpt-oss-20b",
    "deepseek-ai__DeepSeek-V2-Lite",
    "google__gemma-3-27b-it",
    "Qwen__Qwen3-Next-80B-A3B-Instruct",
    "Qwen__Qwen2.5-7B-Instruct-AWQ",
)
# 16-bit weights, which vLLM's CPU build has kernels for.
ON_THE_CPU = (
    "meta-llama__Meta-Llama-3.1-8B",
    "Qwen__Qwen2.5-7B-Instruct",
    "Qwen__Qwen3-8B",
    "Qwen__Qwen3-30B-A3B",
    "mistralai__Mixtral-8x7B-v0.1",
    "mistralai__Mistral-7B-v0.1",
    "microsoft__Phi-3-mini-4k-instruct",
    "google__gemma-2-9b-it",
    "google__gemma-3-27b-it",
    "google__gemma-4-26B-A4B",
    "deepseek-ai__DeepSeek-V2-Lite",
    "Qwen__Qwen3-Next-80B-A3B-Instruct",
    "Qwen__Qwen3.5-27B",
    "nvidia__Nemotron-H-56B-Base-8K",
    "ibm-granite__granite-4.0-h-small",
    "ai21labs__AI21-Jamba-Mini-1.6",
    "meta-llama__Llama-4-Scout-17B-16E-Instruct",
    "mistralai__Mistral-Small-3.2-24B-Instruct-2506",
    "Qwen__Qwen2.5-VL-7B-Instruct",
    "Qwen__Qwen3-VL-8B-Instruct",
)


def _of(model: str, **rest: Any) -> Question:
    return Question(model=model, max_model_len=SHORT.get(model, 8192), **rest)


def questions() -> list[Question]:
    """Return all questions, by GPU, so that each is pretended once."""
    asked = [_of(model, tensor_parallel_size=size) for model in MODELS for size in (1, 2, 4, 8)]
    for model, length in LONG.items():
        long = Question(model=model, max_model_len=length, kv_cache_bytes=BIG)
        asked += [
            long,
            replace(long, tensor_parallel_size=2),
            replace(long, engine={"max_num_batched_tokens": 2048}),
            replace(long, engine={"enable_prefix_caching": False}),
            replace(long, engine={"kv_cache_dtype": "fp8"}),
        ]
    asked += [
        _of(model, tensor_parallel_size=size, engine={"enable_expert_parallel": True})
        for model in WITH_EXPERTS
        for size in (2, 8)
    ]
    asked += [
        _of(model, pipeline_parallel_size=2, stage=stage)
        for model in ("Qwen__Qwen3-8B", "google__gemma-3-27b-it", "deepseek-ai__DeepSeek-V3")
        for stage in (0, 1)
    ]
    asked += [
        _of(model, tensor_parallel_size=size, engine={"speculative_config": MTP})
        for model in WITH_DRAFTS
        for size in (1, 8)
    ]
    asked += [_of(model, gpu=gpu) for gpu in ("A10G", "L40S", "A100-80GB") for model in BY_GPU]
    asked += [
        _of(model, gpu="cpu", tensor_parallel_size=size) for model in ON_THE_CPU for size in (1, 2)
    ]
    return asked
