"""Over how many GPUs a model's tensors can be split.

Source: vLLM 0.33.0's config/model.py (attention heads), linear.py (KV heads) and the dimensions of
the sharded matrices; 3, 5, 6 and 7 divide no model's heads on these instance types.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdk_vllm.sizing.plan import ModelShape

SIZES = (1, 2, 4, 8)


def legal_tensor_parallel_sizes(shape: ModelShape) -> tuple[int, ...]:
    """Return the sizes out of 1, 2, 4 and 8 that vLLM accepts for the shape."""
    return tuple(size for size in SIZES if not tensor_parallel_refusal(shape, size))


def tensor_parallel_refusal(shape: ModelShape, size: int) -> str | None:
    """Say why a model cannot be split over `size` GPUs, or return `None`."""
    if size not in SIZES:
        return f"tensor_parallel_size {size} is not one of 1, 2, 4 and 8"
    kv_heads = shape.num_key_value_heads
    inner = shape.moe_intermediate_size or shape.intermediate_size
    for name, value in (("attention heads", shape.num_attention_heads), ("MLP columns", inner)):
        if value % size:
            return f"{value} {name} do not divide by tensor_parallel_size {size}"
    if kv_heads % size and size % kv_heads:
        return f"{kv_heads} KV heads and tensor_parallel_size {size} do not divide one another"
    return None
