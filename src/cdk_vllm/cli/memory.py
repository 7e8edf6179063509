"""`cdk-vllm memory`: where one GPU's memory goes, term by term, as vLLM accounts for it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from cdk_vllm.sizing.one_gpu import Answer
    from cdk_vllm.sizing.plan import EngineValue, ModelShape

ENGINE = (
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "gpu_memory_utilization",
    "kv_cache_dtype",
    "block_size",
)
ONLINE = ("fp8", "bitsandbytes")  # what vLLM applies to 16-bit weights while loading them


@click.command("memory")
@click.argument("model_or_config")
@click.option("--gpu", required=True, help="Such as L40S; any name with --gpu-memory-gib.")
@click.option("--tensor-parallel-size", type=click.IntRange(1, 1024), help="GPUs a layer spans.")
@click.option("--pipeline-parallel-size", type=click.IntRange(1, 1024), help="Stages of layers.")
@click.option("--max-model-len", type=click.IntRange(1), help="The longest request, in tokens.")
@click.option("--max-num-seqs", type=click.IntRange(1, 100_000), help="Requests at once.")
@click.option(
    "--max-num-batched-tokens", type=click.IntRange(1, 10_000_000), help="Tokens of one step."
)
@click.option("--gpu-memory-utilization", type=float, help="The share vLLM may take.")
@click.option("--kv-cache-dtype", help="auto, or fp8 for half the KV cache.")
@click.option("--block-size", type=click.IntRange(1), help="Tokens of a KV cache block.")
@click.option("--quantization", help="The checkpoint's own, or fp8 to quantize while loading.")
@click.option("--gpu-memory-gib", type=float, help="What torch sees of one GPU.")
@click.option("--kv-cache-memory-gib", type=float, help="Fixes the KV cache's size.")
@click.option("--enforce-eager", is_flag=True, help="Without CUDA graphs.")
@click.option("--vllm-version", default="0.33.0", show_default=True)
@click.option("--architecture", help="Reads the config as this known architecture.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(model_or_config: str, gpu: str, *, as_json: bool, **options: Any) -> None:
    """Work out what a model takes of one GPU, and how many tokens its KV cache holds.

    MODEL_OR_CONFIG is a known model's name, a config.json, or the folder that holds one. Options
    left out take vLLM's own defaults for the GPU.
    """
    from cdk_vllm.sizing.config_file import shape_of  # noqa: PLC0415 - `--help` is instant
    from cdk_vllm.sizing.one_gpu import answer, gpu_named  # noqa: PLC0415

    shape = quantized(shape_of(model_or_config, options["architecture"]), options["quantization"])
    device = gpu_named(gpu, options["gpu_memory_gib"])
    found = answer(shape, device, engine_options(options), options["vllm_version"])
    if as_json:
        click.echo(json.dumps(found.to_dict(), indent=2))
    else:
        _show(found, model_or_config, device.name)


def engine_options(options: dict[str, Any]) -> dict[str, EngineValue]:
    """Return the options that are vLLM's, under its names, without those left out."""
    chosen = {name: options[name] for name in ENGINE if options[name] is not None}
    if options["enforce_eager"]:
        chosen["enforce_eager"] = True
    fixed = options["kv_cache_memory_gib"]
    if fixed is not None:
        if not 0 < fixed <= 4096:
            raise InputError(
                f"--kv-cache-memory-gib is {fixed:g}; it must be above 0 and at most 4096."
            )
        chosen["kv_cache_memory_bytes"] = round(fixed * 2**30)
    return chosen


def quantized(shape: ModelShape, method: str | None) -> ModelShape:
    """Return a shape under `--quantization`; only what a checkpoint carries, or vLLM can apply."""
    if method is None or _same(method, shape.quantization):
        return shape
    if shape.quantization:
        raise InputError(
            f'--quantization is "{method}", and the checkpoint\'s is "{shape.quantization}"; leave '
            "the option out."
        )
    if method not in ONLINE:
        raise InputError(
            f'--quantization is "{method}", which the checkpoint does not carry; allowed for '
            f"16-bit weights: {', '.join(ONLINE)}."
        )
    return replace(shape, quantization=f"online:{method}")


def _same(method: str, carried: str) -> bool:
    plain = method.lower().replace("-", "_").removesuffix("_marlin")
    return bool(carried) and (plain in carried.replace("-", "_") or carried.startswith(plain[:8]))


def _show(found: Answer, model: str, gpu: str) -> None:
    from cdk_vllm.cli.memory_view import show  # noqa: PLC0415 - rich is not needed for JSON

    show(found, model, gpu)
