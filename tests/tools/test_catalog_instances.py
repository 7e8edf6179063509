"""What the maintainers' CSV becomes."""

from __future__ import annotations

import pytest

from tools.catalog_instances import gpu_row, instance_row, spot_samples

ROW = {
    "instance_type": "g6.xlarge", "family": "g6", "accelerator": "NVIDIA L4",
    "accelerator_count": "1", "fractional_gpu": "", "gpu_mem_gib_seen_by_torch": "22.06",
    "compute_capability": "8.9", "mem_bw_gb_s": "300", "fp16_dense_tflops": "121",
    "bf16_native": "yes", "fp8_native": "yes", "fp4_native": "no", "gpu_interconnect": "PCIe only",
    "vcpu": "4", "cpu_arch": "x86_64", "ram_mib": "16384", "network_mbps": "2500",
    "local_nvme_gb": "250", "sagemaker_name": "ml.g6.xlarge", "spot_region": "us-east-1",
    "spot_usd_h_samples": "0.5|0.4",
}  # fmt: skip


def test_a_gpu() -> None:
    gpu = gpu_row(ROW)
    assert (gpu["total_gib"], gpu["memory_bandwidth_gb_per_second"]) == (22.06, 300)
    assert gpu["dtypes"] == ["float16", "bfloat16", "float8"]
    assert gpu["interconnect"] == "pcie"
    linked = gpu_row(ROW | {"gpu_interconnect": "NVLink/NVSwitch 900 GB/s"})
    assert linked["interconnect_gb_per_second"] == 900


def test_an_instance() -> None:
    assert instance_row(ROW)["sagemaker"] == "ml.g6.xlarge"
    assert "fraction" in instance_row(ROW | {"fractional_gpu": "1/8"})["unsupported"]


@pytest.mark.parametrize("region", ["", "region not recorded"])
def test_a_spot_price_without_a_region_is_left_out(region: str) -> None:
    other = ROW | {"spot_region": region, "instance_type": "g6.2xlarge"}
    assert spot_samples([ROW, other]) == {"us-east-1": {"g6.xlarge": [0.4, 0.5]}}
