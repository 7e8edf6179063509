"""Run the sizing rules over public start-up logs of vLLM, beside the formulas that came before.

    python tools/accuracy.py            # the table of docs/sizing.md
    python tools/accuracy.py --points   # every point with its errors
    python tools/accuracy.py --write    # puts the table into docs/sizing.md

The logs are tests/cdk_vllm/sizing/measurements.json. The older formulas are those of the documents
that preceded the project: weights are parameters times bytes, a token's cache is
`2 * layers * hidden * 2` bytes, and a fifth of the weights is overhead.
"""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.lookup import model_shape
from cdk_vllm.sizing.memory import MemoryBytes, memory_bytes
from cdk_vllm.sizing.one_gpu import engine_defaults, gpu_named
from cdk_vllm.sizing.plan import Workload
from cdk_vllm.sizing.shape import shape_from_config
from cdk_vllm.sizing.stored import Target
from cdk_vllm.sizing.units import GIB
from cdk_vllm.sizing.weights import parameter_bytes_per_rank, weights_bytes_per_rank

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ModelShape

ROOT = Path(__file__).resolve().parent.parent
DOCUMENT = ROOT / "docs/sizing.md"
MARKS = ("<!-- accuracy -->", "<!-- /accuracy -->")
MEASUREMENTS = ROOT / "tests/cdk_vllm/sizing/measurements.json"

FP8_DYNAMIC = {
    "quant_method": "compressed-tensors",
    "format": "float-quantized",
    "ignore": ["lm_head"],
    "config_groups": {"0": {"targets": ["Linear"], "weights": {
        "num_bits": 8, "type": "float", "strategy": "channel"}}},
}  # fmt: skip
META_FP8 = {
    "quant_method": "fbgemm_fp8",
    "modules_to_not_convert": [
        *(f"model.layers.{i}.self_attn.{p}_proj" for i in range(126) for p in "qkvo"),
        *(f"model.layers.{i}.mlp.{p}_proj" for i in (0, 125) for p in ("gate", "up", "down")),
    ],
}
GPTQ = {"quant_method": "gptq", "bits": 4, "group_size": 128, "sym": True, "desc_act": False}

# What a checkpoint's own config says of its quantization, where the log names another checkpoint.
CHECKPOINTS: dict[str, dict[str, Any]] = {
    "RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic": FP8_DYNAMIC,
    "Llama-3.1-405B-Instruct-FP8": META_FP8,
    "microsoft/phi-4 (GPTQ 4-bit)": GPTQ,
}

# What a note beside a log corrects: the utilization that its figures add up to, and the 16 KV heads
# that the first release of the 405B checkpoint had.
UTILIZATION = {"openai/gpt-oss-120b": 0.95}
KV_HEADS = {"Llama-3.1-405B-Instruct-FP8": 16}
CATALOGUE_NAMES = {"meta-llama/Meta-Llama-3.1-405B": "meta-llama/Llama-3.1-405B"}

# A V0 engine without a version is of the last one that had it.
VERSIONS = {"V0": "0.8.5", "V1": "0.11.0"}


@dataclass(frozen=True, kw_only=True)
class Point:
    """One log beside the prediction, in GiB and tokens; `None` where the log is silent."""

    name: str
    fitted: bool
    weights: tuple[float, float, float] | None = None
    tokens: tuple[float, float, float] | None = None
    pool: tuple[float, float, float] | None = None
    refused: tuple[bool, bool] | None = None


def points() -> list[dict[str, Any]]:
    """Return the logs."""
    found: list[dict[str, Any]] = json.loads(MEASUREMENTS.read_text("utf-8"))["points"]
    return found


def shape_of(point: dict[str, Any]) -> ModelShape | None:
    """Return a log's model, or `None` where the log does not say enough about it."""
    if "hf_config" not in point or "tp" not in point:
        return None
    name = point["hf_config"].removesuffix(".json").replace("__", "/", 1)
    try:
        shape = model_shape(CATALOGUE_NAMES.get(name, name))
    except InputError:  # a model the rules do not know is no point of theirs
        return None
    if "bitsandbytes" in str(point.get("quantization")):
        return replace(shape, quantization="online:bitsandbytes")
    table = CHECKPOINTS.get(point["model"])
    if table is None:
        return shape
    from cdk_vllm.sizing.blueprint import config_of  # noqa: PLC0415

    config = dict(config_of(shape)) | {"quantization_config": table}
    if point["model"] in KV_HEADS:
        config["num_key_value_heads"] = KV_HEADS[point["model"]]
    return shape_from_config(config)


def version_of(point: dict[str, Any]) -> str:
    """Return the vLLM version of a log; where it is silent, the last of its engine."""
    text = str(point.get("vllm_version") or "")
    parts = text.split(".")
    known = len(parts) > 1 and parts[0] == "0" and parts[1][:1].isdigit()
    return text if known else VERSIONS.get(str(point.get("engine"))[:2], "0.33.0")


def gpu_of(point: dict[str, Any]) -> Gpu:
    """Return a log's GPU, with the memory the log says torch saw of it."""
    name = str(point.get("gpu") or "H100").split(" ")[0].split("/")[0]
    if str(point.get("gpu", "")).startswith("RTX"):
        name = "".join(str(point["gpu"]).split(" ")[:2])
    name = {"A100": "A100-80GB", "H100-80GB": "H100"}.get(name, name)
    known = {"L40S": 44.42, "H100": 79.18}
    return gpu_named(name, point.get("gpu_total_gib") or known.get(name, 24.0))


def compare(point: dict[str, Any]) -> Point | None:
    """Return a log beside the rules, or `None` where the rules cannot know the model."""
    shape = shape_of(point)
    if shape is None:
        return None
    memory = _memory(shape, point)
    name = f"{point['model']} on {point['tp']} x {point.get('gpu', '?')}"
    return Point(
        name=name,
        fitted=bool(point.get("used_to_fit_activation_k")),
        weights=_weights(shape, point),
        tokens=_tokens(shape, memory, point),
        pool=_pool(shape, memory, point),
        refused=_refused(memory, point),
    )


KEYS = (
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
    "block_size",
    "gpu_memory_utilization",
    "enforce_eager",
)


def arguments_of(shape: ModelShape, point: dict[str, Any], gpu: Gpu) -> dict[str, EngineValue]:
    """Return the engine arguments of a log, with vLLM's defaults where it is silent."""
    arguments: dict[str, EngineValue] = engine_defaults(shape, gpu, (0, 11))
    arguments["tensor_parallel_size"] = point["tp"]
    arguments |= {key: point[key] for key in KEYS if key in point}
    if int(arguments.get("block_size", 16)) == 128 or "Next" in str(point["model"]):
        del arguments["block_size"]  # the log's is that of another platform, or the hybrid's own
    if point["model"] in UTILIZATION:
        arguments["gpu_memory_utilization"] = UTILIZATION[point["model"]]
    if point.get("ep"):
        arguments["enable_expert_parallel"] = True
    if "eagle" in str(point.get("speculative")):
        arguments["speculative_config"] = '{"method": "eagle", "num_speculative_tokens": 3}'
    return arguments


def _memory(shape: ModelShape, point: dict[str, Any]) -> MemoryBytes:
    gpu = gpu_of(point)
    arguments = arguments_of(shape, point, gpu)
    length = int(arguments["max_model_len"])
    if point.get("engine") == "V0" and "max_num_batched_tokens" not in point:
        # It ran whole prompts, and chunks of 2,048 tokens where a prompt could pass 32,768.
        arguments["max_num_batched_tokens"] = length if length <= 32768 else 2048
    load = Workload(
        max_model_len=length, prompt_tokens=length, output_tokens=0, concurrent_requests=1
    )
    return memory_bytes(shape, load, gpu, arguments, version_of(point))


def _weights(shape: ModelShape, point: dict[str, Any]) -> tuple[float, float, float] | None:
    if "weights_gib" not in point:
        return None
    gpu = gpu_of(point)
    version = tuple(int(part) for part in version_of(point).split(".")[:2])
    target = Target(capability=gpu.compute_capability, vllm=(version[0], version[1]))
    ours = weights_bytes_per_rank(
        shape, point["tp"], expert_parallel=bool(point.get("ep")), target=target
    )
    return point["weights_gib"], ours / GIB, _seed_weights(shape, point)


def _seed_weights(shape: ModelShape, point: dict[str, Any]) -> float:
    """Return parameters in billions times bytes a parameter, by the ranks; a GB counts as a GiB."""
    plain = replace(shape, quantization="", config={
        key: value for key, value in shape.config.items() if key != "quantization_config"
    })  # fmt: skip
    billions = parameter_bytes_per_rank(plain, 1) / 2 / 1e9
    method = f"{point.get('quantization')} {shape.quantization}"
    each = 1.0 if "fp8" in method else 0.5 if shape.quantization else 2.0
    return billions * each / float(point["tp"])


def _tokens(
    shape: ModelShape, memory: MemoryBytes, point: dict[str, Any]
) -> tuple[float, float, float] | None:
    """Return the tokens of the KV cache that the log's own pool holds."""
    if "kv_tokens" not in point or "kv_cache_gib" not in point:
        return None
    fixed = replace(memory, kv_cache_fixed=int(point["kv_cache_gib"] * GIB))
    each = 2 * shape.num_hidden_layers * shape.hidden_size * 2 / float(point["tp"])
    seed = point["kv_cache_gib"] * GIB / each
    return float(point["kv_tokens"]), float(fixed.kv_cache_tokens), seed


def _pool(
    shape: ModelShape, memory: MemoryBytes, point: dict[str, Any]
) -> tuple[float, float, float] | None:
    """Return the KV cache's GiB where the log gives the whole budget."""
    if not {"kv_cache_gib", "gpu_total_gib", "gpu_memory_utilization"} <= set(point):
        return None
    weights = _seed_weights(shape, point)
    seed = point["gpu_total_gib"] * point["gpu_memory_utilization"] - 1.2 * weights
    return float(point["kv_cache_gib"]), memory.kv_cache / GIB, seed


def _refused(memory: MemoryBytes, point: dict[str, Any]) -> tuple[bool, bool] | None:
    if "gpu_total_gib" not in point or "gpu_memory_utilization" not in point:
        return None
    return point["outcome"] != "ok", not memory.starts


def relative(pair: tuple[float, float, float], which: int) -> float:
    """Return the relative error of ours (1) or the older formula (2)."""
    return abs(pair[which] - pair[0]) / abs(pair[0])


def table(found: Iterable[Point]) -> str:
    """Return the accuracy table in Markdown."""
    known = list(found)
    lines = [
        "| | logs | ours: median error | ours: within 0.5 % | older formulas: median error |",
        "|---|---|---|---|---|",
    ]
    for title, pairs in (
        ("weights on one rank", [p.weights for p in known if p.weights]),
        ("KV tokens of a given pool", [p.tokens for p in known if p.tokens]),
    ):
        ours = [relative(pair, 1) for pair in pairs]
        older = [relative(pair, 2) for pair in pairs]
        within = sum(error <= 0.005 for error in ours)
        lines.append(
            f"| {title} | {len(pairs)} | {100 * median(ours):.2f} % | {within} of {len(pairs)} | "
            f"{100 * median(older):.1f} % |"
        )
    pools = [p.pool for p in known if p.pool]
    ours_gib = [abs(pair[1] - pair[0]) for pair in pools]
    older_gib = [abs(pair[2] - pair[0]) for pair in pools]
    allowed = [max(0.2, 0.01 * abs(pair[0])) for pair in pools]
    within = sum(error <= most for error, most in zip(ours_gib, allowed, strict=True))
    lines.append(
        f"| KV cache of the whole budget | {len(pools)} | {median(ours_gib):.2f} GiB | {within} of "
        f"{len(pools)} within 0.2 GiB or 1 % | {median(older_gib):.2f} GiB |"
    )
    refusals = [p.refused for p in known if p.refused and p.refused[0]]
    caught = sum(said for _, said in refusals)
    lines.append(f"| vLLM refused to start | {len(refusals)} | we refuse {caught} | | |")
    return "\n".join(lines)


def with_table(text: str, lines: str) -> str:
    """Return a document with the table between its two marks."""
    before, _, rest = text.partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n{lines}\n{MARKS[1]}{after}"


def main(arguments: list[str]) -> None:
    """Print the table, or every point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", action="store_true")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args(arguments)
    found = [point for point in map(compare, points()) if point is not None]
    if options.points:
        for point in found:
            print(point)
    if options.write:
        DOCUMENT.write_text(with_table(DOCUMENT.read_text("utf-8"), table(found)), "utf-8")
    print(table(found))


if __name__ == "__main__":
    main(sys.argv[1:])
