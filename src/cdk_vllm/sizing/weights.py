"""What a model's weights take on one GPU, tensor by tensor, as PyTorch's allocator holds them.

Sources: vLLM 0.33.0's vocab_parallel_embedding.py (vocabulary padded to 64), distributed/utils.py
(layers of a pipeline stage), the modules of modules.py and stored.py; PyTorch's
CUDACachingAllocator (rounding), which the log's "Model loading took" reads.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from cdk_vllm.sizing.blueprint import anatomy_of, quantization_of_shape
from cdk_vllm.sizing.modules import Matrix, Parallel, Tensor, layer_modules
from cdk_vllm.sizing.stored import Piece, Target, matrix_pieces, module_pieces, module_scheme
from cdk_vllm.sizing.units import MIB, round_up

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cdk_vllm.sizing.anatomy import Anatomy, Block, Layer, RopeTable
    from cdk_vllm.sizing.plan import ModelShape
    from cdk_vllm.sizing.quantization import Quantization, Scheme

    Schemes = tuple[Scheme | None, ...]

WEIGHT_BYTES = 2  # one element of bfloat16 or float16
VOCABULARY_PADDING = 64
DEFAULT_TARGET = Target()

# Models that build their embeddings on every pipeline stage, and those that build the head too.
HEAD_EVERYWHERE = frozenset(
    {
        "MixtralForCausalLM",
        "Qwen2MoeForCausalLM",
        "Qwen3MoeForCausalLM",
        "Phi3ForCausalLM",
        "GptOssForCausalLM",
        "Qwen3NextForCausalLM",
        "GraniteMoeForCausalLM",
        "GraniteMoeHybridForCausalLM",
        "JambaForCausalLM",
        "NemotronHForCausalLM",
        "OlmoeForCausalLM",
    }
)
EMBEDDINGS_EVERYWHERE = HEAD_EVERYWHERE | {
    "Qwen3_5ForCausalLM",
    "Qwen3_5MoeForCausalLM",
    "Qwen3_5ForConditionalGeneration",
    "Qwen3_5MoeForConditionalGeneration",
}


def kv_heads_per_rank(shape: ModelShape, tensor_parallel_size: int) -> int:
    """Return the KV heads on one rank: shared out, but never less than one."""
    return max(1, shape.num_key_value_heads // tensor_parallel_size)


def padded_vocab_size(shape: ModelShape) -> int:
    """Return the vocabulary as vLLM pads it, whatever the number of ranks."""
    return round_up(shape.vocab_size, VOCABULARY_PADDING)


def parameter_count(shape: ModelShape) -> int:
    """Return the number of 16-bit parameters as vLLM counts them on one GPU, padding included."""
    return parameter_bytes_per_rank(shape, 1) // WEIGHT_BYTES


@lru_cache(maxsize=256)
def checkpoint_bytes(shape: ModelShape) -> int:
    """Return the size of the checkpoint's tensors, which have no padding."""
    embeddings = 1 if shape.tie_word_embeddings else 2
    padding = (padded_vocab_size(shape) - shape.vocab_size) * shape.hidden_size * embeddings
    return parameter_bytes_per_rank(shape, 1) - padding * WEIGHT_BYTES


def parameter_bytes_per_rank(
    shape: ModelShape,
    tensor_parallel_size: int,
    parallel: Parallel | None = None,
    stage: int = 0,
    target: Target = DEFAULT_TARGET,
) -> int:
    """Return the bytes of one rank's parameters as created, before the allocator rounds them."""
    parallel = parallel or Parallel(tensor=tensor_parallel_size)
    anatomy, quantization = anatomy_of(shape), quantization_of_shape(shape)
    layers = _layers_bytes(shape, parallel, target, _created)
    indices = stage_layers(len(layers), parallel.pipeline, stage)
    outside = _created(_outside(anatomy, parallel, quantization, stage))
    return outside + sum(layers[index] for index in indices)


def weights_bytes_per_rank(
    shape: ModelShape,
    tensor_parallel_size: int,
    *,
    pipeline_parallel_size: int = 1,
    expert_parallel: bool = False,
    target: Target = DEFAULT_TARGET,
    max_num_batched_tokens: int = 2048,
) -> int:
    """Return what vLLM logs as "Model loading took" on the fullest rank, in bytes.

    It counts parameters after loading, tables of rotations, and the input buffer of per-layer
    embeddings, each as allocated.
    """
    parallel = Parallel(
        tensor=tensor_parallel_size, pipeline=pipeline_parallel_size, experts=expert_parallel
    )
    inputs = sum(layer.per_layer_input for layer in anatomy_of(shape).layers)
    buffer = allocated_bytes(inputs * max_num_batched_tokens * WEIGHT_BYTES)
    return buffer + _allocated_bytes(shape, parallel, _deciding(shape, target))


def _deciding(shape: ModelShape, target: Target) -> Target:
    """Return a target without what does not matter to the shape, so that GPUs share one count."""
    quantization = quantization_of_shape(shape)
    padded = quantization is not None and quantization.method == "mxfp4"
    hopper = not padded or target.capability[0] == 9
    return replace(target, capability=(9, 0) if hopper else (8, 0))


@lru_cache(maxsize=512)
def _allocated_bytes(shape: ModelShape, parallel: Parallel, target: Target) -> int:
    anatomy = anatomy_of(shape)
    ropes = sum(allocated_bytes(_table_bytes(table, target)) for table in anatomy.ropes)
    quantization = quantization_of_shape(shape)
    layers = _layers_bytes(shape, parallel, target, _kept)
    return ropes + max(
        _kept(_outside(anatomy, parallel, quantization, stage))
        + sum(layers[index] for index in stage_layers(len(layers), parallel.pipeline, stage))
        for stage in range(parallel.pipeline)
    )


def _created(pieces: Iterator[Piece]) -> int:
    return sum(piece.size_bytes for piece in pieces if piece.created)


def _kept(pieces: Iterator[Piece]) -> int:
    return sum(allocated_bytes(piece.size_bytes) for piece in pieces if piece.kept)


def _layers_bytes(
    shape: ModelShape,
    parallel: Parallel,
    target: Target,
    measure: Callable[[Iterator[Piece]], int],
) -> list[int]:
    """Return each layer's bytes; equal layers with equally stored modules are counted once."""
    anatomy, quantization = anatomy_of(shape), quantization_of_shape(shape)
    known: dict[tuple[Layer, Schemes], int] = {}
    sizes: list[int] = []
    for index, (layer, schemes) in enumerate(
        zip(anatomy.layers, _schemes_by_layer(shape), strict=True)
    ):
        key = (layer, schemes)
        if key not in known:
            modules = layer_modules(layer, index, anatomy.hidden, parallel)
            known[key] = sum(measure(module_pieces(each, quantization, target)) for each in modules)
        sizes.append(known[key])
    return sizes


@lru_cache(maxsize=256)
def _schemes_by_layer(shape: ModelShape) -> tuple[Schemes, ...]:
    """Return how each layer's modules are stored, in their order; no split changes that."""
    anatomy, quantization = anatomy_of(shape), quantization_of_shape(shape)
    if quantization is None:
        return ((),) * len(anatomy.layers)
    return tuple(
        tuple(
            module_scheme(module, quantization)
            for module in layer_modules(layer, index, anatomy.hidden, Parallel())
        )
        for index, layer in enumerate(anatomy.layers)
    )


def _table_bytes(table: RopeTable, target: Target) -> int:
    rows = 4 * table.rows if table.stretched and target.vllm < (0, 32) else table.rows
    return rows * table.columns * table.element_bytes


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


def stage_layers(layers: int, stages: int, stage: int) -> range:
    """Return the layers of a pipeline stage; a remainder goes to the stages before the last.

    Source: vLLM 0.33.0's distributed/utils.py, `get_pp_indices`.
    """
    sizes = [layers // stages] * stages
    for place in range(2, layers % stages + 2):
        sizes[-place] += 1
    start = sum(sizes[:stage])
    return range(start, start + sizes[stage])


def _outside(
    anatomy: Anatomy, parallel: Parallel, quantization: Quantization | None, stage: int
) -> Iterator[Piece]:
    """Yield embeddings and towers on the first stage, the final norm and the head on the last."""
    rows = round_up(anatomy.vocab, VOCABULARY_PADDING) // parallel.tensor
    last = stage == parallel.pipeline - 1
    everywhere = anatomy.architecture in EMBEDDINGS_EVERYWHERE
    if stage == 0 or everywhere or anatomy.tied:
        yield Piece(rows * anatomy.hidden * WEIGHT_BYTES)
    if stage == 0:
        for block in (*anatomy.embeddings, *anatomy.towers):
            elements = _block_elements(block, parallel)
            yield Piece(elements * block.element_bytes, created=not block.buffer)
    if last:
        for width in anatomy.final_norms:
            yield from module_pieces(Tensor(elements=width), None, DEFAULT_TARGET)
    if not anatomy.tied and (last or anatomy.architecture in HEAD_EVERYWHERE):
        yield from _head(anatomy, rows, quantization)


def _head(anatomy: Anatomy, rows: int, quantization: Quantization | None) -> Iterator[Piece]:
    scheme = quantization.scheme_of_head() if quantization else None
    head = Matrix(name="lm_head", rows=(rows,), columns=anatomy.hidden)
    yield from matrix_pieces(head, scheme)


def _block_elements(block: Block, parallel: Parallel) -> int:
    rows = -(-block.rows // parallel.tensor) if block.split else block.rows
    return rows * block.columns
