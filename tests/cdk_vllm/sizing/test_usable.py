"""What vLLM may use, and what must stay outside."""

from __future__ import annotations

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import usable

SIZED = sorted(name for name, gpu in catalog.gpus().items() if gpu.total_gib)


@pytest.mark.parametrize("name", SIZED)
def test_the_default_leaves_a_gib_outside(name: str) -> None:
    gpu = catalog.gpus()[name]
    assert usable.utilization_refusal(gpu, usable.default_utilization(gpu)) is None


@pytest.mark.parametrize(("name", "value"), [("T4", 0.85), ("L4", 0.92), ("H100", 0.92)])
def test_the_default_is_vllms_except_on_t4(name: str, value: float) -> None:
    assert usable.default_utilization(catalog.gpus()[name]) == value


def test_the_budget_is_rounded_up_as_vllm_does() -> None:
    assert usable.usable_bytes(1001, 0.5) == 501


@pytest.mark.parametrize(
    ("name", "value", "fine"),
    [("L4", 0.95, True), ("L4", 0.96, False), ("H100", 0.98, True), ("H100", 0.99, False)],
)
def test_too_high_a_share_is_refused_with_numbers(name: str, value: float, fine: bool) -> None:
    refusal = usable.utilization_refusal(catalog.gpus()[name], value)
    assert (refusal is None) == fine
    if refusal:
        assert f"{value:g}" in refusal
        assert "GiB" in refusal


def test_an_unpublished_gpu_has_no_memory() -> None:
    assert usable.total_bytes(catalog.gpus()["B300"]) == 0
