"""Memory outside PyTorch's weights and activations: communication, workspaces, CUDA graphs.

All of it is estimated: no formula gives these terms. Non-torch memory is the class's largest value
in public logs of vLLM's V1 engine; CUDA graphs are a bound over most of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.units import GIB, MIB

if TYPE_CHECKING:
    from cdk_vllm.catalog import Gpu
    from cdk_vllm.sizing.plan import ModelShape

# GiB by ranks. NVLink: H100 TP2 0.54, H200 TP2 1.38 and TP8 1.74, GB200 TP4 0.95. PCIe: TP2 0.25 to
# 0.30, TP8 on L40S 0.21; TP4 has no log and is taken to be like them: above two GPUs without NVLink
# vLLM switches its own all-reduce, and its buffers, off.
NON_TORCH_GIB = {
    "nvlink": {1: 0.14, 2: 0.55, 4: 0.95, 8: 1.8},
    "pcie": {1: 0.14, 2: 0.3, 4: 0.3, 8: 0.3},
}
H200_TP2_NON_TORCH_GIB = 1.38

# vLLM's envs.py: VLLM_FLASHINFER_WORKSPACE_BUFFER_SIZE; FlashInfer is the attention backend where
# FlashAttention has no kernels.
FLASHINFER_WORKSPACE_BYTES = 394 * MIB

# vLLM's own estimates in public logs, by its profiler's log line: 0.35 GiB for 5 sizes and 0.52 to
# 0.83 GiB for 51 sizes of dense models of 7 to 9 billion parameters; 2.4 to 3.5 GiB for 51 sizes of
# mixtures of experts with 48 to 94 layers. The first capture takes most of a dense model's.
GRAPH_BYTES_FIXED = 2 * GIB // 5
GRAPH_BYTES_PER_LAYER_AND_SIZE = {"dense": MIB // 4, "mixture": MIB}


def non_torch_bytes(gpu: Gpu, ranks: int, vllm: tuple[int, int] = (0, 33)) -> int:
    """Return what the CUDA context, NCCL and attention workspaces take inside vLLM's budget.

    Ranks between the logged ones take the next larger figure, more than 8 that of 8.
    """
    table = NON_TORCH_GIB[gpu.interconnect]
    size_gib = table[min((size for size in table if size >= ranks), default=8)]
    if gpu.name == "H200" and ranks in (2, 4):
        size_gib = H200_TP2_NON_TORCH_GIB
    flash_attention = (8, 0) <= gpu.compute_capability < (10, 0)
    workspace = 0 if flash_attention or vllm < (0, 12) else FLASHINFER_WORKSPACE_BYTES
    return int(size_gib * GIB) + workspace


def capture_sizes(
    gpu: Gpu, max_num_seqs: int, max_num_batched_tokens: int, max_capture_size: int | None = None
) -> list[int]:
    """Return the batch sizes vLLM captures CUDA graphs for.

    Source: vLLM 0.33.0's config/vllm.py: 1, 2, 4, every 8 below 256, every 16 from 256, up to twice
    `max_num_seqs`, 512 (1024 on datacentre Blackwell) and `max_num_batched_tokens`.
    """
    ceiling = 1024 if gpu.compute_capability[0] == 10 else 512
    largest = min(2 * max_num_seqs, ceiling) if max_capture_size is None else max_capture_size
    largest = min(largest, max_num_batched_tokens)
    small = [size for size in (1, 2, 4) if size <= largest]
    return [*small, *range(8, min(largest + 1, 256), 8), *range(256, largest + 1, 16)]


def sampler_state_bytes(shape: ModelShape, max_num_seqs: int, bytes_per_logit: float) -> int:
    """Return what the second model runner keeps for penalties: a count a request and token."""
    return int(max_num_seqs * shape.vocab_size * bytes_per_logit)


def cuda_graph_bytes(shape: ModelShape, sizes: list[int]) -> int:
    """Return a bound on vLLM's estimate of its CUDA graphs, which it subtracts since 0.21."""
    if not sizes:
        return 0
    kind = "mixture" if shape.num_experts else "dense"
    per_size = shape.num_hidden_layers * GRAPH_BYTES_PER_LAYER_AND_SIZE[kind]
    return GRAPH_BYTES_FIXED + len(sizes) * per_size
