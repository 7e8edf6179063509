"""The memory vLLM reserves for LoRA adapters, whatever the adapters at hand are.

Source: vLLM 0.33.0's lora/layers: for every linear module, and each part of a fused one,
`max_loras` pairs of matrices of `max_lora_rank`, in 16 bits, sized by the module's own part on the
rank; and in some models (`embedding_modules`) such pairs for the embedding and the output
projection, whose vocabulary no rank shares out, tied or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.anatomy import Recurrent
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.modules import Experts, Matrix, Parallel, Tensor, layer_modules

if TYPE_CHECKING:
    from cdk_vllm.sizing.anatomy import Layer
    from cdk_vllm.sizing.modules import Module
    from cdk_vllm.sizing.plan import ModelShape

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


# What takes adapters to its embedding, and to its output projection beside it, by vLLM's class;
# others, Qwen2 and Mistral among them, take neither.
BOTH = frozenset({
    "LlamaForCausalLM", "LLaMAForCausalLM", "InternLM3ForCausalLM", "Phi3ForCausalLM",
    "Ernie4_5ForCausalLM", "Llama4ForCausalLM", "Llama4ForConditionalGeneration",
    "Qwen3ForCausalLM", "Qwen3MoeForCausalLM", "Qwen3VLForConditionalGeneration",
    "Qwen3VLMoeForConditionalGeneration", "Qwen3_5ForCausalLM", "Qwen3_5MoeForCausalLM",
    "Qwen3_5ForConditionalGeneration", "Qwen3_5MoeForConditionalGeneration",
    "MixtralForCausalLM", "GraniteForCausalLM", "GraniteMoeForCausalLM",
    "GraniteMoeHybridForCausalLM", "Exaone4ForCausalLM", "JambaForCausalLM", "NemotronHForCausalLM",
})  # fmt: skip
EMBEDDING = frozenset({
    "CohereForCausalLM", "Cohere2ForCausalLM", "GlmForCausalLM", "Olmo2ForCausalLM",
    "SeedOssForCausalLM", "SmolLM3ForCausalLM",
})  # fmt: skip


def adapter_bytes(
    shape: ModelShape,
    parallel: Parallel,
    max_loras: int = 1,
    max_lora_rank: int = 16,
    *,
    fully_sharded: bool = False,
) -> int:
    """Return the bytes of all slots for adapters on one rank.

    >>> from cdk_vllm.sizing import model_shape
    >>> from cdk_vllm.sizing.modules import Parallel
    >>> adapter_bytes(model_shape("meta-llama/Llama-3.1-8B"), Parallel())
    92356608
    """
    anatomy = anatomy_of(shape)
    sharing = parallel.tensor if fully_sharded else 1
    per_rank = 0
    for index, layer in enumerate(anatomy.layers):
        parts = layer_modules(layer, index, anatomy.hidden, parallel)
        wholes = layer_modules(layer, index, anatomy.hidden, Parallel())
        for part, whole in zip(parts, wholes, strict=True):
            per_rank += _slot_elements(part, whole, sharing)
        if isinstance(layer.mixer, Recurrent):
            per_rank += _convolution_elements(layer, anatomy.hidden, parallel)
    tables = (shape.architecture in EMBEDDING) + 2 * (shape.architecture in BOTH)
    per_rank += tables * (anatomy.vocab + anatomy.hidden)
    return per_rank * max_loras * max_lora_rank * 2


def _slot_elements(part: Module, whole: Module, sharing: int) -> int:
    """Return a slot's elements for each of the adapter's ranks, on one GPU.

    Fully sharded, GPUs share out what else each has whole: the first matrix's ranks where a module
    is split by rows, the second matrix's rows where it is split by columns.
    """
    if isinstance(part, Experts):
        first, second = part.hidden // sharing, part.inner
        return part.count * (part.gates * (first + second) + part.inner + part.hidden // sharing)
    if not isinstance(part, Matrix) or not isinstance(whole, Matrix):
        return 0
    first, second = len(part.rows) * part.columns, sum(part.rows)
    if part.rows != whole.rows:
        first //= sharing
    elif part.columns != whole.columns:
        second //= sharing
    return first + second


def _convolution_elements(layer: Layer, hidden: int, parallel: Parallel) -> int:
    """Return a slot's elements for a recurrent layer's convolution, a linear module to vLLM."""
    modules = layer_modules(layer, 0, hidden, parallel)
    kernel = layer.mixer.kernel if isinstance(layer.mixer, Recurrent) else 0
    weights = next((module.elements for module in modules if isinstance(module, Tensor)), 0)
    return kernel + weights // kernel if kernel else 0
