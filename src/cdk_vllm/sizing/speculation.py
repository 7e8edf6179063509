"""What speculative decoding adds: a draft's weights, and its layers in the same KV cache.

Source: vLLM 0.33.0's config/speculative.py (methods) and models llama_eagle*.py, deepseek_mtp.py,
qwen3_next_mtp.py: one more decoder layer, a projection of what it is fed, and norms; embeddings and
head are the target's own, except EAGLE-3's head, which is built for its own vocabulary.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.blueprint import anatomy_of, quantization_of_shape
from cdk_vllm.sizing.modules import Parallel, layer_modules
from cdk_vllm.sizing.stored import Target, module_pieces
from cdk_vllm.sizing.weights import allocated_bytes, weights_bytes_per_rank

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.sizing.plan import EngineValue, ModelShape

METHODS = ("ngram", "eagle", "eagle3", "mtp", "draft_model")
FED = {"eagle": 2, "eagle3": 3, "mtp": 2}  # hidden states side by side at the draft's input

FED_IN_PARTS = ("Qwen3Next", "Qwen3_5", "NemotronH")  # whose MTP ranks share out that input's rows


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A draft beside the target: `tokens` guessed a step, `cache_layers` in the target's cache."""

    shape: ModelShape
    method: str = ""
    tokens: int = 0
    cache_layers: int = 0
    model: ModelShape | None = None

    def weight_bytes(self, parallel: Parallel) -> int:
        """Return the draft's weights on one rank; none for n-grams."""
        if self.model is not None:
            return weights_bytes_per_rank(self.model, parallel.tensor)
        return _layer_bytes(self, parallel) if self.cache_layers else 0


def draft_of(shape: ModelShape, engine_args: Mapping[str, EngineValue]) -> Draft:
    """Return the draft that engine arguments ask for; raises `InputError` for an unknown one."""
    text = engine_args.get("speculative_config")
    if not text:
        return Draft(shape=shape)
    table = _table(text)
    method = str(table.get("method") or ("draft_model" if table.get("model") else ""))
    method = "mtp" if method.endswith("_mtp") else method
    tokens = table.get("num_speculative_tokens")
    if method not in METHODS:
        raise InputError(
            f'speculative_config\'s method is "{method}"; the rules size {", ".join(METHODS)}.'
        )
    if type(tokens) is not int or not 1 <= tokens <= 64:
        raise InputError(
            "speculative_config's num_speculative_tokens must be a whole number from 1 to 64, "
            f"not {tokens!r}."
        )
    if method == "ngram":
        return Draft(shape=shape, method=method, tokens=tokens)
    if method == "draft_model":
        model = _model(table)
        layers = len(anatomy_of(model).layers)
        return Draft(shape=shape, method=method, tokens=tokens, cache_layers=layers, model=model)
    return Draft(shape=shape, method=method, tokens=tokens, cache_layers=1)


def _table(value: object) -> dict[str, Any]:
    try:
        found = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InputError(
            'speculative_config must be JSON such as {"method": "ngram", '
            f'"num_speculative_tokens": 3}}, not {value!r:.60}.'
        )
    return found


def _model(table: Mapping[str, Any]) -> ModelShape:
    from cdk_vllm.sizing.config_file import shape_of  # noqa: PLC0415 - it reads files

    model = table.get("model")
    if not isinstance(model, str) or not model:
        raise InputError("speculative_config's model must name the draft model.")
    return shape_of(model)


def _layer_bytes(draft: Draft, parallel: Parallel) -> int:
    """Return one more layer like the target's last, the projection into it, and its norms."""
    anatomy = anatomy_of(draft.shape)
    last = len(anatomy.layers) - 1
    quantization = quantization_of_shape(draft.shape) if draft.method == "mtp" else None
    target = Target()
    layer = sum(
        allocated_bytes(piece.size_bytes)
        for module in layer_modules(anatomy.layers[last], last + 1, anatomy.hidden, parallel)
        for piece in module_pieces(module, quantization, target)
        if piece.kept
    )
    shared = draft.method == "mtp" and draft.shape.architecture.startswith(FED_IN_PARTS)
    rows = anatomy.hidden // (parallel.tensor if shared else 1)
    fed = FED[draft.method] * anatomy.hidden * rows * 2
    head = anatomy.vocab // parallel.tensor * anatomy.hidden * 2 if draft.method == "eagle3" else 0
    return layer + allocated_bytes(fed) + allocated_bytes(head)
