"""The speed coefficients, as the rules read them."""

from __future__ import annotations

from cdk_vllm import catalog
from cdk_vllm.catalog.toml_file import read


def test_coefficients_are_fitted_and_assumed_ones_together() -> None:
    found, table = catalog.speed_coefficients(), read("speed.toml")
    assert found.kernel_seconds == table["fitted"]["kernel_seconds"]
    assert found.compute_efficiency_16_bit == table["assumed"]["compute_efficiency_16_bit"]
    assert found.all_reduce_seconds == {
        "nvlink": table["fitted"]["all_reduce_seconds"],
        "pcie": table["assumed"]["pcie_seconds"],
    }


def test_a_spread_stands_around_one_and_uncalibrated_is_the_widest() -> None:
    for quantity in ("tpot", "ttft"):
        widest = catalog.speed_spread("uncalibrated", quantity)
        assert widest.low < 1 < widest.high
    for kind in ("dense", "mixture"):
        spread = catalog.speed_spread(kind, "tpot")
        guess = catalog.speed_spread("uncalibrated", "tpot")
        assert guess.low < spread.low < 1 < spread.high < guess.high


def test_measured_gpus_are_in_the_catalogue() -> None:
    assert catalog.measured_gpus() <= set(catalog.gpus())
    assert "fp8" in catalog.measured_formats()
