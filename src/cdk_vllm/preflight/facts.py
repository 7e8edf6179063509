"""What an account says about itself, as far as it may be asked; plain values and no AWS."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Status = Literal["ok", "short", "not checked"]


@dataclass(frozen=True)
class Unknown:
    """A fact nobody could give, and why, in words that follow a colon."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class QuotaFact:
    """A quota's value in its own unit, and what of it others use; of SageMaker nobody says."""

    value: float
    code: str
    in_use: float | Unknown


@dataclass(frozen=True, kw_only=True)
class ModelFact:
    """A model's place in the store: files and bytes of its manifest, and what is wrong with it."""

    uri: str
    files: int
    size_bytes: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Facts:
    """All that was read: quotas by name, zones by instance type, models by service, images by URI.

    `planned_zones` are where the network is, or will be.
    """

    quotas: Mapping[str, QuotaFact | Unknown] = field(default_factory=dict)
    planned_zones: tuple[str, ...] | Unknown = ()
    zones: Mapping[str, tuple[str, ...] | Unknown] = field(default_factory=dict)
    models: Mapping[str, ModelFact | Unknown] = field(default_factory=dict)
    images: Mapping[str, bool | Unknown] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """One check: what it is about, how it went, and one sentence with the figures."""

    about: str
    status: Status
    sentence: str
