"""Over how many GPUs a model's tensors can be split.

Source: vLLM 0.33.0's config/model.py (attention heads), linear.py (KV heads) and the dimensions of
the sharded matrices; 3, 5, 6 and 7 divide no model's heads on these instance types.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from cdk_vllm.sizing.legality import split_refusal
from cdk_vllm.sizing.modules import Parallel

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ModelShape

SIZES = (1, 2, 4, 8)


def legal_tensor_parallel_sizes(shape: ModelShape) -> tuple[int, ...]:
    """Return the sizes out of 1, 2, 4 and 8 that vLLM accepts for the shape."""
    return tuple(size for size in SIZES if not tensor_parallel_refusal(shape, size))


@lru_cache(maxsize=512)
def tensor_parallel_refusal(shape: ModelShape, size: int) -> str | None:
    """Say why a model cannot be split over `size` GPUs, or return `None`."""
    if size not in SIZES:
        return f"tensor_parallel_size {size} is not one of 1, 2, 4 and 8"
    return split_refusal(shape, Parallel(tensor=size))
