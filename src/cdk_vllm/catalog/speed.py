"""The coefficients of the roofline that predicts speed, fitted on public measurements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from cdk_vllm.catalog.toml_file import read

if TYPE_CHECKING:
    from collections.abc import Mapping


class Spread(NamedTuple):
    """Measured over predicted: the tenth and the ninetieth percentile of the measurements."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class SpeedCoefficients:
    """What the roofline multiplies; see speed.toml for what each is and where it comes from."""

    bandwidth_efficiency: float
    compute_efficiency: float
    compute_efficiency_16_bit: float
    kernel_seconds: float
    sequence_seconds: float
    all_reduce_seconds: Mapping[str, float]
    queue_factor: float
    queue_exponent: float


@cache
def speed_coefficients() -> SpeedCoefficients:
    """Return the fitted coefficients, and those that are assumed."""
    table = read("speed.toml")
    values = table["fitted"] | table["assumed"]
    links = {"nvlink": values.pop("all_reduce_seconds"), "pcie": values.pop("pcie_seconds")}
    return SpeedCoefficients(all_reduce_seconds=MappingProxyType(links), **values)


@cache
def speed_spread(kind: str, quantity: str) -> Spread:
    """Return the spread of `dense` or `mixture` models' `tpot` or `ttft`, or `uncalibrated` ones'.

    Every prediction behind it is of a model that the fit had not seen.
    """
    row = read("speed.toml")["spread"][kind]
    return Spread(row[f"{quantity}_low"], row[f"{quantity}_high"])


@cache
def measured_gpus() -> frozenset[str]:
    """Return the GPUs whose speed was measured; any other's is uncalibrated."""
    return frozenset(read("speed.toml")["measured_gpus"])


@cache
def measured_formats() -> frozenset[str]:
    """Return the kinds of quantized weights whose speed was measured."""
    return frozenset(read("speed.toml")["measured_formats"])
