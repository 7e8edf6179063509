"""What differs between the versions of vLLM whose logs are known, in one place.

Sources: vLLM 0.33.0's and 0.11.0's source, and public start-up logs of the versions between them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from cdk_vllm.errors import InputError

NEWEST = "0.33.0"


@dataclass(frozen=True, kw_only=True)
class Profiling:
    """How a version measures its own memory before it sizes the KV cache.

    `sampler_bytes_per_logit` is the peak of sampling: 38.3 while PyTorch sorted all logits (fitted
    on 12 public logs), 28.5 since it accumulates in place, and 14 since FlashInfer samples by
    default: the logits in 16 bits, in float32, masked, and as probabilities.
    `state_bytes_per_logit` are kept: since the second model runner, counts of output tokens (4) and
    a mask of prompt tokens (1/8).
    `subtracts_graphs`: whether an estimate of CUDA graphs is taken off the KV cache.
    """

    sampler_bytes_per_logit: float
    state_bytes_per_logit: float
    subtracts_graphs: bool


def profiling(vllm: tuple[int, int]) -> Profiling:
    """Return how a vLLM version, as (major, minor), measures its memory."""
    in_place = 28.5 if vllm < (0, 21) else 14.0
    return Profiling(
        sampler_bytes_per_logit=38.3 if vllm < (0, 12) else in_place,
        state_bytes_per_logit=4.125 if vllm >= (0, 28) else 0.0,
        subtracts_graphs=vllm >= (0, 21),
    )


def parse_version(text: str) -> tuple[int, int]:
    """Return `0.33.0` as (0, 33); raises `InputError` for what is no version of vLLM."""
    found = re.match(r"v?(\d{1,3})\.(\d{1,3})(?:\D|$)", text)
    if found is None:
        raise InputError(f'"{text}" is not a version of vLLM; give one such as {NEWEST}.')
    return int(found[1]), int(found[2])
