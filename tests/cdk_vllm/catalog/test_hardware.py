"""GPUs and instance types."""

from __future__ import annotations

from typing import Any

import botocore.session
import pytest

from cdk_vllm import catalog


@pytest.mark.parametrize(
    ("name", "capability", "total_gib", "interconnect"),
    [
        ("T4", (7, 5), 14.56, "pcie"),
        ("L4", (8, 9), 22.06, "pcie"),
        ("L40S", (8, 9), 44.42, "pcie"),
        ("H100", (9, 0), 79.18, "nvlink"),
        ("RTX PRO 6000", (12, 0), 94.97, "pcie"),
    ],
)
def test_gpus(name: str, capability: tuple[int, int], total_gib: float, interconnect: str) -> None:
    gpu = catalog.gpus()[name]
    assert gpu.compute_capability == capability
    assert gpu.total_gib == total_gib
    assert gpu.interconnect == interconnect


def test_bfloat16_is_native_from_8_0() -> None:
    for gpu in catalog.gpus().values():
        assert ("bfloat16" in gpu.dtypes) == (gpu.compute_capability >= (8, 0))


def test_an_instance() -> None:
    instance = catalog.instances()["g6.12xlarge"]
    assert (instance.gpu, instance.gpus, instance.vcpus) == ("L4", 4, 48)
    assert (instance.memory_gib, instance.local_nvme_gb) == (192.0, 3760)
    assert (instance.family, instance.sagemaker) == ("g6", "ml.g6.12xlarge")


@pytest.mark.parametrize("name", ["g6f.xlarge", "g5g.xlarge", "p3dn.24xlarge", "g7.2xlarge"])
def test_what_vllm_cannot_use_says_why(name: str) -> None:
    assert len(str(catalog.instances()[name].unsupported)) > 20


def names_in_the_api(service: str, shape: str) -> set[str]:
    model: Any = botocore.session.get_session().get_service_model(service)
    return set(model.shape_for(shape).enum)


def test_the_apis_know_every_name() -> None:
    ec2 = names_in_the_api("ec2", "InstanceType")
    sagemaker = names_in_the_api("sagemaker", "ProductionVariantInstanceType")
    for instance in catalog.instances().values():
        assert instance.name in ec2
        if instance.sagemaker:
            assert instance.sagemaker in sagemaker


def test_facts_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        catalog.gpus()["T4"] = catalog.gpus()["L4"]  # type: ignore[index]
    with pytest.raises(AttributeError):
        catalog.gpus()["T4"].total_gib = 16.0  # type: ignore[misc]
