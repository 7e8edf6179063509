"""The memory vLLM reserves for LoRA adapters, whatever the adapters at hand are.

Source: vLLM 0.33.0's lora/layers: for every linear module, and each part of a fused one,
`max_loras` pairs of matrices of `max_lora_rank`, in 16 bits, sized by the module's own part on the
rank.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.modules import Experts, Matrix, layer_modules

if TYPE_CHECKING:
    from cdk_vllm.sizing.modules import Parallel
    from cdk_vllm.sizing.plan import ModelShape

RANKS = (1, 8, 16, 32, 64, 128, 256, 320, 512)


def adapter_bytes(
    shape: ModelShape, parallel: Parallel, max_loras: int = 1, max_lora_rank: int = 16
) -> int:
    """Return the bytes of all slots for adapters on one rank.

    >>> from cdk_vllm.sizing import model_shape
    >>> from cdk_vllm.sizing.modules import Parallel
    >>> adapter_bytes(model_shape("meta-llama/Llama-3.1-8B"), Parallel()) / 2**20
    80.0
    """
    anatomy = anatomy_of(shape)
    elements = 0
    for index, layer in enumerate(anatomy.layers):
        for module in layer_modules(layer, index, anatomy.hidden, parallel):
            if isinstance(module, Matrix) and not module.plain:
                elements += len(module.rows) * module.columns + sum(module.rows)
            elif isinstance(module, Experts):
                pair = module.inner + module.hidden
                elements += module.count * (module.gates + 1) * pair
    return elements * max_loras * max_lora_rank * 2
