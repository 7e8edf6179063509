"""What a model's weights take on one GPU, tensor by tensor, as PyTorch's allocator holds them.

Sources: vLLM 0.33.0's vocab_parallel_embedding.py (vocabulary padded to 64), linear.py
(QKVParallelLinear replicates KV heads when there are fewer than ranks), fused_moe (two tensors hold
all experts of a layer), rotary_embedding (one table of cosines and sines); PyTorch's
CUDACachingAllocator (rounding).
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

from cdk_vllm.sizing.units import MIB, round_up

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.sizing.plan import ModelShape

WEIGHT_BYTES = 2  # bfloat16 and float16, the only weights the rules cover
VOCABULARY_PADDING = 64


def kv_heads_per_rank(shape: ModelShape, tensor_parallel_size: int) -> int:
    """Return the KV heads on one rank: shared out, but never less than one."""
    return max(1, shape.num_key_value_heads // tensor_parallel_size)


def padded_vocab_size(shape: ModelShape) -> int:
    """Return the vocabulary as vLLM pads it, whatever the number of ranks."""
    return round_up(shape.vocab_size, VOCABULARY_PADDING)


def parameter_count(shape: ModelShape) -> int:
    """Return the number of parameters as vLLM counts them on one GPU, padding included."""
    layer = sum(prod(tensor) for tensor in _layer_tensors(shape, 1))
    outside = sum(prod(tensor) for tensor in _outside_tensors(shape, 1))
    return layer * shape.num_hidden_layers + outside


def checkpoint_bytes(shape: ModelShape) -> int:
    """Return the size of the checkpoint's tensors, which have no padding."""
    embeddings = 1 if shape.tie_word_embeddings else 2
    padding = (padded_vocab_size(shape) - shape.vocab_size) * shape.hidden_size * embeddings
    return (parameter_count(shape) - padding) * WEIGHT_BYTES


def parameter_bytes_per_rank(shape: ModelShape, tensor_parallel_size: int) -> int:
    """Return the bytes of one rank's parameters, before the allocator rounds them."""
    layer = sum(prod(tensor) for tensor in _layer_tensors(shape, tensor_parallel_size))
    outside = sum(prod(tensor) for tensor in _outside_tensors(shape, tensor_parallel_size))
    return (layer * shape.num_hidden_layers + outside) * WEIGHT_BYTES


def weights_bytes_per_rank(shape: ModelShape, tensor_parallel_size: int) -> int:
    """Return what vLLM logs as "Model loading took": parameters and rope table, as allocated."""
    layer = sum(_allocated(tensor) for tensor in _layer_tensors(shape, tensor_parallel_size))
    outside = sum(_allocated(tensor) for tensor in _outside_tensors(shape, tensor_parallel_size))
    rope_table = _allocated((shape.max_position_embeddings, shape.head_dim))
    return layer * shape.num_hidden_layers + outside + rope_table


def allocated_bytes(size_bytes: int) -> int:
    """Return what PyTorch's caching allocator takes for a tensor.

    Sizes are rounded up to 512 B. From 10 MiB on, a block is rounded up to 2 MiB, and split back to
    the tensor's own size if that leaves more than 1 MiB unused.
    """
    size = round_up(size_bytes, 512)
    if size < 10 * MIB:
        return size
    block = round_up(size, 2 * MIB)
    return size if block - size > MIB else block


def _allocated(tensor: tuple[int, ...]) -> int:
    return allocated_bytes(prod(tensor) * WEIGHT_BYTES)


def _outside_tensors(shape: ModelShape, tp: int) -> Iterator[tuple[int, ...]]:
    rows = padded_vocab_size(shape) // tp
    yield (rows, shape.hidden_size)
    if not shape.tie_word_embeddings:
        yield (rows, shape.hidden_size)
    yield (shape.hidden_size,)


def _layer_tensors(shape: ModelShape, tp: int) -> Iterator[tuple[int, ...]]:
    yield from _attention_tensors(shape, tp)
    yield from _mlp_tensors(shape, tp)
    yield (shape.hidden_size,)
    yield (shape.hidden_size,)


def _attention_tensors(shape: ModelShape, tp: int) -> Iterator[tuple[int, ...]]:
    query = shape.num_attention_heads // tp * shape.head_dim
    fused = query + 2 * kv_heads_per_rank(shape, tp) * shape.head_dim
    yield (fused, shape.hidden_size)
    yield (shape.hidden_size, query)
    if shape.attention_bias:
        yield (fused,)
        if shape.architecture != "Qwen2ForCausalLM":  # its output projection has no bias
            yield (shape.hidden_size,)
    if shape.qk_norm:
        yield (shape.head_dim,)
        yield (shape.head_dim,)


def _mlp_tensors(shape: ModelShape, tp: int) -> Iterator[tuple[int, ...]]:
    hidden = shape.hidden_size
    if not shape.num_experts:
        yield (2 * shape.intermediate_size // tp, hidden)
        yield (hidden, shape.intermediate_size // tp)
        return
    inner = shape.moe_intermediate_size // tp
    yield (shape.num_experts, 2 * inner, hidden)
    yield (shape.num_experts, hidden, inner)
    yield (shape.num_experts, hidden)  # the router, on every rank
