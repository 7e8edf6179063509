"""What a model takes of one GPU under vLLM's own defaults for that GPU: `cdk-vllm memory`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.errors import InputError, nearest
from cdk_vllm.sizing.dtypes import KV_CACHE_BYTES
from cdk_vllm.sizing.engine_args import default_batched_tokens
from cdk_vllm.sizing.engine_version import parse_version
from cdk_vllm.sizing.families.parts import longest_context
from cdk_vllm.sizing.legality import split_refusal
from cdk_vllm.sizing.memory import MemoryBytes, memory_bytes, parallel_of
from cdk_vllm.sizing.plan import Workload
from cdk_vllm.sizing.refusals import gpu_refusal
from cdk_vllm.sizing.units import GIB, gib

if TYPE_CHECKING:
    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import EngineValue, ModelShape

# Where nobody has published what torch sees: a log of a B300, and for the RTX PRO 4500 the same
# share of 32 GB as the RTX PRO 6000's of 96.
ESTIMATED_TOTAL_GIB = {"B300": 276.62, "RTX PRO 4500": 31.3}

# Compute capabilities of GPUs that AWS does not rent; others count as Ampere.
CAPABILITIES = {
    "V100": (7, 0), "RTX2060": (7, 5), "RTX2080TI": (7, 5), "A10": (8, 6), "A40": (8, 6),
    "A6000": (8, 6), "RTX3090": (8, 6), "RTX4090": (8, 9), "RTX6000ADA": (8, 9), "H20": (9, 0),
    "GH200": (9, 0), "GB200": (10, 0), "GB300": (10, 3), "RTX5090": (12, 0),
}  # fmt: skip
LEAST_GIB, MOST_GIB = 1.0, 2048.0


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One GPU's memory, whether vLLM starts so, and in one sentence why not."""

    memory: MemoryBytes
    engine_args: dict[str, EngineValue]
    fits: bool
    why: str | None

    def to_dict(self) -> dict[str, object]:
        """Return the figures under the names of `cdk-vllm memory --json`, GiB on one GPU."""
        memory = self.memory
        return {
            "weights_gib": gib(memory.weights),
            "activation_gib": gib(memory.activation),
            "non_torch_gib": gib(memory.non_torch),
            "cuda_graph_gib": gib(memory.cuda_graphs),
            "kv_cache_gib": gib(memory.kv_cache),
            "kv_cache_tokens": memory.kv_cache_tokens,
            "max_concurrency": round(memory.max_concurrency, 2),
            "fits": self.fits,
            "why": self.why,
        }


def gpu_named(name: str, memory_gib: float | None = None) -> Gpu:
    """Return a GPU by name, with `memory_gib` as what torch sees of it where that is given.

    Names are AWS's GPUs', with a hyphen or a space; any other name needs `memory_gib`. Raises
    `InputError`.
    """
    if memory_gib is not None and not LEAST_GIB <= memory_gib <= MOST_GIB:
        raise InputError(
            f"--gpu-memory-gib is {memory_gib:g}; give what torch sees of one GPU, from "
            f"{LEAST_GIB:g} to {MOST_GIB:g} GiB."
        )
    known = {_plain(each): gpu for each, gpu in catalog.gpus().items()}
    gpu = known.get(_plain(name))
    if gpu is None:
        return _unlisted(name, memory_gib, list(catalog.gpus()))
    total = memory_gib or gpu.total_gib or ESTIMATED_TOTAL_GIB.get(gpu.name)
    if total is None:
        raise InputError(
            f"Nobody has published how much of a {gpu.name} torch sees; give --gpu-memory-gib."
        )
    return replace(gpu, total_gib=total)


def _unlisted(name: str, memory_gib: float | None, known: list[str]) -> Gpu:
    names = [each.replace(" ", "-") for each in known]
    if memory_gib is None:
        raise InputError(
            f'--gpu is "{name}", which is not one of {", ".join(names)}; for another GPU give '
            f"--gpu-memory-gib too.{nearest(name, names)}"
        )
    capability = CAPABILITIES.get(_plain(name), (8, 0))
    template = catalog.gpus()["A10G"]
    return replace(template, name=name, total_gib=memory_gib, compute_capability=capability)


def _plain(name: str) -> str:
    return name.upper().replace(" ", "").replace("-", "").replace("_", "")


def engine_defaults(shape: ModelShape, gpu: Gpu, vllm: tuple[int, int]) -> dict[str, EngineValue]:
    """Return what vLLM's server takes where an option is left out.

    Source: vLLM 0.33.0's engine/arg_utils.py, `get_batch_defaults`, and config/cache.py.
    """
    small = (gpu.total_gib or 0) < 70 or gpu.name.startswith("A100")
    return {
        "tensor_parallel_size": 1,
        "max_model_len": longest_context(shape),
        "max_num_seqs": 256 if small else 1024,
        "max_num_batched_tokens": default_batched_tokens(gpu),
        "gpu_memory_utilization": 0.92 if vllm >= (0, 21) else 0.9,
    }


def answer(
    shape: ModelShape, gpu: Gpu, options: dict[str, EngineValue], vllm_version: str
) -> Answer:
    """Return a GPU's memory under options over vLLM's defaults; raises `InputError`."""
    vllm = parse_version(vllm_version)
    arguments = engine_defaults(shape, gpu, vllm) | options
    _check(shape, arguments)
    length = int(arguments["max_model_len"])
    workload = Workload(
        max_model_len=length, prompt_tokens=length, output_tokens=0, concurrent_requests=1
    )
    memory = memory_bytes(shape, workload, gpu, arguments, vllm_version)
    why = gpu_refusal(shape, gpu, arguments, vllm) or _short(memory, length, gpu)
    return Answer(memory=memory, engine_args=arguments, fits=why is None, why=_sentence(why))


def _sentence(why: str | None) -> str | None:
    return f"{why[0].upper()}{why[1:]}." if why else None


def _check(shape: ModelShape, arguments: dict[str, EngineValue]) -> None:
    utilization = float(arguments["gpu_memory_utilization"])
    if not 0 < utilization <= 1:
        raise InputError(
            f"--gpu-memory-utilization is {utilization:g}; it must be above 0 and at most 1."
        )
    dtype = str(arguments.get("kv_cache_dtype", "auto"))
    if dtype not in KV_CACHE_BYTES:
        raise InputError(
            f'--kv-cache-dtype is "{dtype}"; allowed: {", ".join(KV_CACHE_BYTES)}.'
            f"{nearest(dtype, KV_CACHE_BYTES)}"
        )
    block = int(arguments.get("block_size", 16))
    if block % 16 or not 16 <= block <= 8192:
        raise InputError(f"--block-size is {block}; it must be a multiple of 16, up to 8192.")
    longest = longest_context(shape)
    if int(arguments["max_model_len"]) > longest:
        raise InputError(
            f"--max-model-len is {arguments['max_model_len']}, above the {longest} tokens that the "
            f"model was made for; lower it to {longest}."
        )
    if why := split_refusal(shape, parallel_of(arguments)):
        raise InputError(f"The model cannot be split so: {why}; give another size.")


def _short(memory: MemoryBytes, length: int, gpu: Gpu) -> str | None:
    """Say by how much the memory is too small for vLLM to start, or return `None`."""
    taken = memory.weights + memory.activation + memory.non_torch + memory.cuda_graphs
    if memory.kv_cache_fixed is not None and taken + memory.kv_cache_fixed > memory.total:
        return (
            f"the KV cache of {gib(memory.kv_cache_fixed):.2f} GiB and the other "
            f"{gib(taken):.2f} exceed the {gib(memory.total):.2f} GiB of one {gpu.name}"
        )
    if memory.starts:
        return None
    if memory.weights > memory.usable:
        return (
            f"it needs {gib(memory.weights):.2f} GiB of weights, and {gib(memory.usable):.2f} GiB "
            f"are usable on one {gpu.name}"
        )
    needed = memory.pool.request_bytes / GIB
    return (
        f"one request of {length} tokens needs {needed:.2f} GiB of KV cache, and "
        f"{memory.kv_cache / GIB:.2f} GiB are left of {gib(memory.usable):.2f} usable on one "
        f"{gpu.name}; lower max_model_len or max_num_seqs, or split over more GPUs"
    )
