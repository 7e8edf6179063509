"""How much of a GPU vLLM may plan with.

Source: vLLM 0.33.0's v1/worker/utils.py: `ceil(total * gpu_memory_utilization)`, of what torch
sees.
"""

from __future__ import annotations

from math import ceil, floor
from typing import TYPE_CHECKING

from cdk_vllm.sizing.units import GIB

if TYPE_CHECKING:
    from cdk_vllm.catalog import Gpu

DEFAULT_UTILIZATION = 0.92  # vLLM's own default
T4_UTILIZATION = 0.85  # its context and its fp16 kernels' workspaces take more of a smaller GPU
OUTSIDE_GIB = 1.0  # the CUDA context, NCCL's buffers and fragmentation live outside the budget


def total_bytes(gpu: Gpu) -> int:
    """Return the memory torch sees; a GPU without a published figure has none."""
    return int((gpu.total_gib or 0.0) * GIB)


def default_utilization(gpu: Gpu) -> float:
    """Return the `gpu_memory_utilization` the plan sets, leaving 1 GiB outside the budget."""
    wanted = T4_UTILIZATION if gpu.name == "T4" else DEFAULT_UTILIZATION
    total_gib = gpu.total_gib or OUTSIDE_GIB
    return min(wanted, floor(100 * (total_gib - OUTSIDE_GIB) / total_gib) / 100)


def usable_bytes(total: int, gpu_memory_utilization: float) -> int:
    """Return vLLM's budget on one GPU."""
    return ceil(total * gpu_memory_utilization)


def utilization_refusal(gpu: Gpu, gpu_memory_utilization: float) -> str | None:
    """Say why a utilization leaves too little outside the budget, or return `None`."""
    outside_gib = (gpu.total_gib or 0.0) * (1 - gpu_memory_utilization)
    if outside_gib >= OUTSIDE_GIB - 1e-9:
        return None
    return (
        f"gpu_memory_utilization {gpu_memory_utilization:g} leaves {outside_gib:.2f} of its "
        f"{gpu.total_gib:.2f} GiB for the CUDA context and NCCL; {OUTSIDE_GIB:g} GiB must be left"
    )
