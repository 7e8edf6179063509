"""Read the figures and the settings that vLLM writes to its log while it starts.

The lines of vLLM 0.6 to 0.33 are known: weights after loading, the split of the budget, the KV
cache in GiB and tokens, the concurrency, CUDA graphs, and the arguments that are not defaults. A
log of several ranks counts as its fullest: the most weights, the least KV cache.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_vllm.sizing.plan import EngineValue

NUMBER = r"(-?[\d.,]*\d)"
BLOCK_TOKENS = 16


class _Line(NamedTuple):
    """A figure's name, how vLLM has written it, and whether the most of several ranks counts."""

    name: str
    patterns: tuple[str, ...]
    most: bool


LINES = (
    _Line("weights_gib", (
        rf"Model loading took {NUMBER} ?Gi?B", rf"Loading model weights took {NUMBER} ?Gi?B",
        rf"model weights take {NUMBER} ?GiB", rf"{NUMBER} GiB for weight\b",
    ), most=True),
    _Line("activation_gib", (
        rf"activation peak memory takes {NUMBER} ?GiB", rf"{NUMBER} GiB for peak activation",
    ), most=True),
    _Line("non_torch_gib", (
        rf"non_torch_memory takes {NUMBER} ?GiB", rf"{NUMBER} GiB for non-torch memory",
    ), most=True),
    _Line("consumed_gib", (rf"{NUMBER} GiB for consumed memory",), most=True),
    _Line("cuda_graph_gib", (rf"Estimated CUDA graph memory: {NUMBER} GiB",), most=True),
    _Line("cuda_graph_actual_gib", (
        rf"Graph capturing finished in [\d.]+ secs?, took {NUMBER} GiB",
        rf"{NUMBER} GiB for CUDAGraph memory",
    ), most=True),
    _Line("kv_cache_gib", (
        rf"Available KV cache memory: {NUMBER} GiB",
        rf"(?:reserved for )?KV Cache is {NUMBER} ?GiB",
    ), most=False),
    _Line("kv_cache_tokens", (rf"GPU KV cache size: {NUMBER} tokens",), most=False),
    _Line("kv_cache_blocks", (rf"# (?:GPU|cuda|CUDA) blocks: {NUMBER}",), most=False),
    _Line("max_concurrency", (
        rf"Maximum concurrency for [\d,]+ tokens per request: {NUMBER}x",
    ), most=False),
    _Line("max_model_len", (
        rf"Maximum concurrency for {NUMBER} tokens per request", rf"max_seq_len={NUMBER}",
        rf"Using max model len {NUMBER}",
    ), most=False),
    _Line("total_gib", (
        rf"total_gpu_memory \({NUMBER} ?GiB\)", rf"Free memory on device \([\d.]+/{NUMBER} GiB\)",
    ), most=False),
    _Line("gpu_memory_utilization", (
        rf"gpu_memory_utilization \({NUMBER}\)", rf"Desired GPU memory utilization is \({NUMBER},",
        rf"current --gpu-memory-utilization={NUMBER} is",
    ), most=False),
    _Line("max_num_batched_tokens", (rf"max_num_batched_tokens={NUMBER}",), most=False),
    _Line("tensor_parallel_size", (rf"tensor_parallel_size={NUMBER}",), most=True),
)  # fmt: skip
VERSIONS = (r"LLM engine \(v([\w.+]+)\)", r"vLLM (?:API server )?version:? v?(\d[\w.+]*)")
ARGUMENT = re.compile(r"'(\w+)': ('[^']*'|\"[^\"]*\"|-?[\d.]+|True|False)")
CONFIG = re.compile(r"\b(enforce_eager|kv_cache_dtype|enable_prefix_caching)=('[^']*'|\w+)")
MODEL = re.compile(r"\bmodel='([^']+)'")


@dataclass(frozen=True, kw_only=True)
class StartupLog:
    """What a log says: figures by name, the arguments that are not defaults, model and version."""

    figures: Mapping[str, float]
    arguments: Mapping[str, EngineValue] = field(default_factory=dict)
    model: str | None = None
    vllm_version: str | None = None


def parse_startup_log(text: str) -> StartupLog:
    """Return what a start-up log says; figures that it lacks are absent."""
    figures: dict[str, float] = {}
    for line in LINES:
        found = list(_numbers(line.patterns, text))
        if found:
            figures[line.name] = max(found) if line.most else min(found)
    _complete(figures)
    arguments = dict(_arguments(text))
    model = MODEL.search(text)
    named = arguments.get("model") or (model[1] if model else None)
    version = next((m[1] for p in VERSIONS if (m := re.search(p, text))), None)
    return StartupLog(
        figures=figures,
        arguments=arguments,
        model=None if named is None else str(named),
        vllm_version=version,
    )


def _numbers(patterns: tuple[str, ...], text: str) -> Iterator[float]:
    """Yield the numbers of the first way of writing that the text has."""
    for pattern in patterns:
        found = re.findall(pattern, text)
        if found:
            yield from (float(number.replace(",", "")) for number in found)
            return


def _complete(figures: dict[str, float]) -> None:
    """Work out what older and newer logs give in other terms."""
    if "consumed_gib" in figures and "weights_gib" in figures:
        rest = figures["consumed_gib"] - figures["weights_gib"]
        figures.setdefault("non_torch_gib", round(rest, 4))
    if "kv_cache_blocks" in figures:
        figures.setdefault("kv_cache_tokens", figures["kv_cache_blocks"] * BLOCK_TOKENS)


def _arguments(text: str) -> Iterator[tuple[str, EngineValue]]:
    """Yield the engine's settings, then over them the arguments that are not defaults."""
    settings = re.search(r"LLM engine .* with config: (.*)", text)
    line = re.search(r"non-default args: (\{.*\})", text)
    yield from _plain(CONFIG.findall(settings[1] if settings else ""))
    yield from _plain(ARGUMENT.findall(line[1] if line else ""))


def _plain(pairs: list[tuple[str, str]]) -> Iterator[tuple[str, EngineValue]]:
    for name, value in pairs:
        if value in ("True", "False"):
            yield name, value == "True"
        elif re.fullmatch(r"-?\d+", value):
            yield name, int(value)
        elif re.fullmatch(r"-?\d*\.\d+", value):
            yield name, float(value)
        else:
            yield name, value.strip("'\"")
