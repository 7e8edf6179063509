"""The linear modules of a base model, as an adapter's tensors name them, with their sizes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from cdk_vllm.sizing.adapters import BOTH, EMBEDDING
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.modules import Experts, Matrix, Parallel, layer_modules

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.sizing import ModelShape

_IN_A_LAYER = re.compile(r"(?:^|\.)(layers\.\d+\..+)")
# Checkpoints of routed experts: gate, up and down, by either of their names.
_WAYS_IN, _WAYS_OUT = ("gate_proj", "up_proj", "w1", "w3"), ("down_proj", "w2")

Sizes = tuple[int | None, int | None]
"""Elements in and out of a module; `None` where they are not compared."""


def base_modules(shape: ModelShape) -> dict[str, Sizes]:
    """Return name -> sizes of what an adapter may change, without what stands before `layers`.

    Fused modules appear under the names of their parts, under which most checkpoints have them.
    """
    anatomy = anatomy_of(shape)
    found: dict[str, Sizes] = {}
    for index, layer in enumerate(anatomy.layers):
        for module in layer_modules(layer, index, anatomy.hidden, Parallel()):
            if isinstance(module, Matrix):
                found |= dict(_of_matrix(module))
            elif isinstance(module, Experts):
                found |= dict(_of_experts(module))
    if shape.architecture in BOTH | EMBEDDING:
        found["embed_tokens"] = (None, None)
    if shape.architecture in BOTH:
        found["lm_head"] = (None, None)
    return found


def short_name(module: str) -> str:
    """Return a module's name from `layers` on; models differ in what they write before.

    >>> short_name("base_model.model.model.language_model.layers.3.mlp.up_proj")
    'layers.3.mlp.up_proj'
    """
    found = _IN_A_LAYER.search(module)
    return found[1] if found else module.rpartition(".")[2]


def _of_matrix(matrix: Matrix) -> Iterator[tuple[str, Sizes]]:
    place, _, own = matrix.name.rpartition(".")
    # Some checkpoints, Phi-3's among them, have the module fused as vLLM has it.
    yield short_name(f"{place}.{own}"), (matrix.columns, sum(matrix.rows))
    is_even = len(matrix.parts) == len(matrix.rows)
    for i, part in enumerate(matrix.parts):
        yield short_name(f"{place}.{part}"), (matrix.columns, matrix.rows[i] if is_even else None)


def _of_experts(experts: Experts) -> Iterator[tuple[str, Sizes]]:
    name = short_name(experts.name)
    # All experts in one tensor, as some checkpoints have them.
    yield name, (None, None)
    yield f"{name}.base_layer", (None, None)
    for index in range(experts.count):
        for way in _WAYS_IN:
            yield f"{name}.{index}.{way}", (experts.hidden, experts.inner)
        for way in _WAYS_OUT:
            yield f"{name}.{index}.{way}", (experts.inner, experts.hidden)
