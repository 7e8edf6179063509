"""An anatomy is plain values: equal layers are equal, and count as one."""

from __future__ import annotations

from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.anatomy import RopeTable
from cdk_vllm.sizing.blueprint import anatomy_of


def test_equal_layers_are_one() -> None:
    assert len(set(anatomy_of(model_shape("Qwen/Qwen3-32B")).layers)) == 1
    assert len(set(anatomy_of(model_shape("google/gemma-3-27b-it")).layers)) == 2


def test_tables_of_one_size_and_different_bases_are_two() -> None:
    local, wide = anatomy_of(model_shape("google/gemma-3-27b-it")).ropes
    assert (local.rows, local.columns) == (wide.rows, wide.columns)
    assert local != wide
    assert RopeTable(rows=1, columns=1) == RopeTable(rows=1, columns=1)
