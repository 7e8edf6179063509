"""Measured runs of vLLM as the speed rules see them: a model's work, a GPU, a load, two times.

The CSV has one run a row: `model`, `gpu_system`, `gemm_quantization`, lengths in tokens,
`concurrency`, parallel sizes, `ttft_ms` and `tpot_ms`. Shapes are read from a folder of
`ORG__NAME.json` copies of Hugging Face's `config.json`.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, NamedTuple

from cdk_vllm import catalog
from cdk_vllm.sizing.blueprint import anatomy_of, quantization_of_shape
from cdk_vllm.sizing.quantization import MODELOPT, Quantization
from cdk_vllm.sizing.shape import shape_from_config
from cdk_vllm.sizing.speed.formats import formats_of
from cdk_vllm.sizing.speed.latency import Load, Steps, steps_of
from cdk_vllm.sizing.speed.work import Work, work_of

if TYPE_CHECKING:
    from pathlib import Path

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import ModelShape

GPUS = {
    "a100_sxm": "A100-80GB",
    "b200_sxm": "B200",
    "b300_sxm": "B300",
    "h100_sxm": "H100",
    "h200_sxm": "H200",
    "l40s": "L40S",
}
B300_GIB = 267.0  # no start-up log of one is public; its data sheet has 288 GB
# The runs' clients name the base model; the shape is its quantized copy's.
CONFIGS = {"nvidia/Llama-3.1-8B-Instruct-FP8": "meta-llama/Meta-Llama-3.1-8B",
           "meta-llama/Llama-3.1-70B": "meta-llama/Meta-Llama-3.1-70B"}  # fmt: skip


class Run(NamedTuple):
    """One measured run: what it asked of which GPU, and what was measured."""

    model: str
    kind: str
    gpu: Gpu
    load: Load
    steps: Steps
    tpot_seconds: float
    ttft_seconds: float


def gpu_named(system: str) -> Gpu:
    """Return the catalogue's GPU; B300's memory, which the catalogue lacks, from its data sheet."""
    gpu = catalog.gpus()[GPUS.get(system, system)]
    return gpu if gpu.total_gib else replace(gpu, total_gib=B300_GIB)


@cache
def shape_of(folder: Path, model: str, quantization: str) -> ModelShape:
    """Return the shape of the checkpoint that ran: NVIDIA's own where the format is theirs."""
    name = CONFIGS.get(model, model).replace("/", "__")
    theirs = f"nvidia__{model.partition('/')[2]}-NVFP4"
    if quantization == "nvfp4" and (folder / f"{theirs}.json").exists():
        name = theirs
    config = json.loads((folder / f"{name}.json").read_text("utf-8"))
    beside = folder / f"{name}.hf_quant_config.json"
    if beside.exists():
        config["quantization_config"] = json.loads(beside.read_text("utf-8"))
    return shape_from_config(config)


def quantization_of_run(shape: ModelShape, quantization: str) -> Quantization | None:
    """Return the checkpoint's quantization, or the run's format where no config of it is at hand.

    Such checkpoints were NVIDIA's, all linear modules quantized, with an FP8 KV cache.
    """
    known = quantization_of_shape(shape)
    scheme = MODELOPT.get(quantization.upper())
    if known is not None or scheme is None:
        return known
    return Quantization(method="modelopt", scheme=scheme, kv_cache_fp8=True)


def run_of(folder: Path, row: dict[str, str]) -> Run:
    """Return a row as a run; the KV cache bounds how many of its requests run at once."""
    model, quantization = row["model"], row["gemm_quantization"]
    shape = shape_of(folder, model, quantization)
    anatomy, checkpoint = anatomy_of(shape), quantization_of_run(shape, quantization)
    cache_bytes = 1 if checkpoint and checkpoint.kv_cache_fp8 else 2
    tp = int(row["tensor_parallel_size"])
    experts = int(row["moe_tensor_parallel_size"] or 1) * int(row["moe_expert_parallel_size"] or 1)
    mixture = any(getattr(mlp, "experts", 0) for layer in anatomy.layers for mlp in layer.mlps)
    ranks = experts if mixture else tp
    parallel = int(row["attention_data_parallel_size"] or 0) or max(1, ranks // tp)
    gpu = gpu_named(row["gpu_system"])
    work = work_of(anatomy, tp, formats_of(anatomy, checkpoint), cache_bytes, ranks)
    prompt, output = int(row["prompt_tokens"]), int(row["output_tokens"])
    asked = int(row["concurrency"]) / parallel
    sequences = min(asked, held(work, gpu, prompt, output))
    load = Load(sequences, prompt, output, 8192, parallel)
    return Run(
        model=model,
        kind="mixture" if mixture else "dense",
        gpu=gpu,
        load=load,
        steps=steps_of(work, gpu, load),
        tpot_seconds=float(row["tpot_ms"]) / 1000,
        ttft_seconds=float(row["ttft_ms"]) / 1000,
    )


def held(work: Work, gpu: Gpu, prompt: int, output: int) -> float:
    """Return how many requests the KV cache holds, three quarters through their answers."""
    free = 0.9 * (gpu.total_gib or 0) * 2**30 - 6e9
    free -= work.resident_bytes + work.expert_bytes + 2 * work.head_bytes
    length = prompt + 0.75 * output
    each = sum(read.bytes_per_token * min(length, read.window or length) for read in work.cache)
    return max(1.0, free / (each + work.state_bytes))


def runs_of(measurements: Path, folder: Path) -> list[Run]:
    """Return every row of the measurements as a run."""
    rows = csv.DictReader(measurements.read_text("utf-8").splitlines())
    return [run_of(folder, row) for row in rows]
