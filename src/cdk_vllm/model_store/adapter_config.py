"""Whether vLLM accepts an adapter's `adapter_config.json`, asked before it is stored.

Source: vLLM 0.33.0's lora/peft_helper.py (`PEFTHelper.validate_legal`) and config/lora.py
(`MaxLoRARanks`).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

CONFIG_NAME = "adapter_config.json"
# These set where training begins; all others change the base's weights.
_PLAIN_INITS = frozenset({"gaussian", "eva", "orthogonal", "mica", "lora_ga"})
_SAVED = frozenset({"classifier", "score"})
# Key -> what it is called; each means something to PEFT that vLLM does not do.
_NOT_SERVED = {
    "use_dora": "DoRA",
    "lora_bias": "biases beside the adapter's matrices (lora_bias)",
    "alora_invocation_tokens": "activated LoRA (alora_invocation_tokens)",
    "layer_replication": "layer_replication",
    "use_bdlora": "block-diagonal LoRA (use_bdlora)",
    "use_qalora": "QALoRA (use_qalora)",
}


@dataclass(frozen=True)
class AdapterConfig:
    """What matters of a LoRA adapter's configuration."""

    rank: int
    rank_pattern: Mapping[str, int]
    target_modules: tuple[str, ...] | str
    base_model: str | None

    @property
    def largest_rank(self) -> int:
        """The rank that has to fit into what the plan reserves."""
        return max(self.rank, *self.rank_pattern.values(), 0)

    def rank_of(self, module: str) -> int:
        """Return a module's own rank, by PEFT's rule for `rank_pattern`: the first key matches."""
        for key, rank in self.rank_pattern.items():
            if re.match(rf"(.*\.)?({key})$", module):
                return rank
        return self.rank


def read_config(path: Path) -> AdapterConfig:
    """Read and check an `adapter_config.json`; raises `InputError` for the first fault."""
    table = _table(path)
    kind = table.get("peft_type", "LORA")
    if kind != "LORA":
        raise InputError(f'{path}: peft_type is "{kind}"; vLLM serves adapters of type LORA only')
    _check_features(path, table)
    rank = _positive(path, "r", table.get("r"))
    if "lora_alpha" not in table:
        raise InputError(f"{path}: lora_alpha is missing; save the adapter with PEFT again")
    pattern = table.get("rank_pattern") or {}
    if not isinstance(pattern, dict):
        raise InputError(f"{path}: rank_pattern is {pattern!r}; it must be a table")
    return AdapterConfig(
        rank=rank,
        rank_pattern={
            key: _positive(path, f"rank_pattern.{key}", value) for key, value in pattern.items()
        },
        target_modules=_target_modules(path, table.get("target_modules")),
        base_model=table.get("base_model_name_or_path") or None,
    )


def _table(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise InputError(
            f"{path.parent} has no {CONFIG_NAME}, so it is not an adapter; give the folder that "
            "PEFT's save_pretrained wrote"
        ) from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path} is not JSON: {error}; save the adapter again") from None
    if not isinstance(table, dict):
        raise InputError(f"{path} is not a table; save the adapter again")
    return table


def _check_features(path: Path, table: Mapping[str, Any]) -> None:
    for key, name in _NOT_SERVED.items():
        if table.get(key):
            raise InputError(f"{path}: vLLM does not serve {name}; train a plain LoRA adapter")
    bias = table.get("bias", "none")
    if bias != "none":
        raise InputError(f'{path}: bias is "{bias}"; vLLM serves adapters with bias "none" only')
    saved = sorted(set(table.get("modules_to_save") or []) - _SAVED)
    if saved:
        raise InputError(
            f"{path}: modules_to_save has {', '.join(saved)}; vLLM takes only "
            f"{' and '.join(sorted(_SAVED))} beside the LoRA matrices: merge such an adapter into "
            "its base"
        )
    init = table.get("init_lora_weights", True)
    if isinstance(init, str) and init.lower() not in _PLAIN_INITS:
        raise InputError(
            f'{path}: init_lora_weights is "{init}", which changes the base\'s weights; convert '
            "the adapter with PEFT's path_initial_model_for_weight_conversion"
        )


def _target_modules(path: Path, value: Any) -> tuple[str, ...] | str:
    if isinstance(value, str) and value:
        if value != "all-linear":
            _check_pattern(path, value)
        return value
    if isinstance(value, list) and value and all(isinstance(name, str) for name in value):
        return tuple(value)
    raise InputError(
        f'{path}: target_modules is {value!r}; it must be a list of names, "all-linear" or a '
        "regular expression"
    )


def _check_pattern(path: Path, value: str) -> None:
    try:
        re.compile(value)
    except re.error as error:
        raise InputError(
            f'{path}: target_modules is "{value}", which is no regular expression: {error}'
        ) from None


def _positive(path: Path, key: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise InputError(f"{path}: {key} is {value!r}; it must be a whole number of at least 1")
    return value
