"""GPUs and the instance types that hold them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from cdk_vllm.catalog.toml_file import read

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One GPU model; `total_gib` is what torch sees, `None` where nobody has published it.

    `compute_capability` is (major, minor). `dense_tflops` are of 16-bit floats without sparsity.
    `dtypes` are native: `float16`, `bfloat16`, `float8`, `float4`. `interconnect` is `nvlink`
    (with `interconnect_gb_per_second` both ways) or `pcie`.
    """

    name: str
    total_gib: float | None
    compute_capability: tuple[int, int]
    memory_bandwidth_gb_per_second: int | None
    dense_tflops: float | None
    dtypes: frozenset[str]
    interconnect: str
    interconnect_gb_per_second: int | None
    source: str


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One EC2 instance type; `sagemaker` is its `ml.` name, `None` where SageMaker has none.

    `network_mbps` is the sustained bandwidth. `unsupported` says why vLLM cannot use the type; it
    is `None` for every type that a plan may name.
    """

    name: str
    gpu: str
    gpus: int
    vcpus: int
    memory_gib: float
    local_nvme_gb: int
    network_mbps: int
    arch: str
    sagemaker: str | None
    unsupported: str | None

    @property
    def family(self) -> str:
        """The part of the name before the dot."""
        return self.name.partition(".")[0]


@cache
def gpus() -> Mapping[str, Gpu]:
    """Return every GPU by name, such as `L40S`."""
    rows: dict[str, dict[str, Any]] = read("gpus.toml")["gpus"]
    return MappingProxyType({name: _gpu(name, row) for name, row in rows.items()})


def _gpu(name: str, row: dict[str, Any]) -> Gpu:
    major, minor = row["compute_capability"].split(".")
    return Gpu(
        name=name,
        total_gib=row.get("total_gib"),
        compute_capability=(int(major), int(minor)),
        memory_bandwidth_gb_per_second=row.get("memory_bandwidth_gb_per_second"),
        dense_tflops=row.get("dense_tflops"),
        dtypes=frozenset(row["dtypes"]),
        interconnect=row["interconnect"],
        interconnect_gb_per_second=row.get("interconnect_gb_per_second"),
        source=row["source"],
    )


@cache
def instances() -> Mapping[str, Instance]:
    """Return every instance type with NVIDIA GPUs by its EC2 name, the unsupported ones too."""
    rows: dict[str, dict[str, Any]] = read("instances.toml")["instances"]
    return MappingProxyType({name: _instance(name, row) for name, row in rows.items()})


def _instance(name: str, row: dict[str, Any]) -> Instance:
    optional = {"sagemaker": None, "unsupported": None}
    return Instance(name=name, **(optional | row))
