"""The profiles that guides for vLLM pass on, by name, with what each really does.

They set `gpu_memory_utilization` and a length that is assumed where none is given. Neither is a
degree of caution: the share decides how much of the GPU the KV cache may have, the length which
requests are refused. A plan does not need them; they are for those who come with one in mind.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.sizing.plan import EngineValue


@dataclass(frozen=True, kw_only=True)
class Profile:
    """vLLM options under the user's own, a length where none is given, and what they do."""

    name: str
    max_model_len: int
    does: str
    engine: Mapping[str, EngineValue] = field(default_factory=dict)


def _profile(
    name: str, utilization: float, max_model_len: int, does: str, **engine: EngineValue
) -> Profile:
    options = {"gpu_memory_utilization": utilization, **engine}
    return Profile(
        name=name, max_model_len=max_model_len, does=does, engine=MappingProxyType(options)
    )


_PROFILES = (
    _profile(
        "development", 0.7, 1024,
        "leaves three tenths of the GPU unused, which other processes may take; the KV cache is "
        "smaller by as much, nothing starts faster for it",
    ),
    _profile(
        "production", 0.9, 4096,
        "leaves a tenth of the GPU unused, where vLLM's own default leaves 0.08",
    ),
    _profile(
        "debugging", 0.6, 512,
        "runs without CUDA graphs, so that start-up is shorter, errors name their line, and every "
        "token is slower; leaves four tenths of the GPU unused",
        enforce_eager=True,
    ),
    _profile(
        "conservative", 0.8, 2048,
        "leaves a fifth of the GPU unused: fewer requests at once, or a larger GPU, for no safety "
        "that vLLM's own profiling at start-up does not give",
    ),
    _profile(
        "balanced", 0.85, 4096,
        "leaves 0.15 of the GPU unused, where vLLM's own default leaves 0.08",
    ),
    _profile(
        "aggressive", 0.95, 8192,
        "gives the KV cache nearly all that is left; refused where less than 1 GiB stays outside "
        "for the CUDA context and NCCL, as on a T4",
    ),
)  # fmt: skip


def profiles() -> Mapping[str, Profile]:
    """Return the profiles by name."""
    return MappingProxyType({profile.name: profile for profile in _PROFILES})


def profile_named(name: str) -> Profile:
    """Return a profile; raises `InputError` for another name."""
    known = profiles()
    if name not in known:
        raise InputError(
            f'There is no profile "{name}"; known are {", ".join(known)}.{nearest(name, known)}'
        )
    return known[name]
