"""The public surface: short sorted lists, every name of which can be imported."""

from __future__ import annotations

from importlib import import_module

import pytest

PACKAGES = (
    "cdk_vllm.catalog",
    "cdk_vllm.checks",
    "cdk_vllm.constructs",
    "cdk_vllm.embedded_aws",
    "cdk_vllm.embedded_aws.readback",
    "cdk_vllm.model_store",
    "cdk_vllm.sizing",
)


@pytest.mark.parametrize("package", PACKAGES)
def test_all_is_sorted_and_whole(package: str) -> None:
    module = import_module(package)
    names = module.__all__
    assert sorted(names) == list(names)
    assert len(set(names)) == len(names)
    for name in names:
        assert getattr(module, name) is not None
        assert not name.startswith("_")
