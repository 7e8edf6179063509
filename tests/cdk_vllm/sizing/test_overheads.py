"""Overheads are no less than what public logs show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape, overheads
from cdk_vllm.sizing.units import GIB, MIB


@pytest.mark.parametrize(
    ("gpu", "ranks", "logged_gib"),
    [
        ("H100", 1, 0.14),
        ("H100", 2, 0.54),
        ("H200", 2, 1.38),
        ("H200", 8, 1.74),
        ("L40S", 2, 0.30),
        ("L40S", 8, 0.21),
        ("A10G", 1, 0.05),
    ],
)
def test_non_torch_memory_covers_the_logs(gpu: str, ranks: int, logged_gib: float) -> None:
    assert overheads.non_torch_bytes(catalog.gpus()[gpu], ranks) / GIB >= logged_gib - 0.001


@pytest.mark.parametrize(
    ("gpu", "workspace"),
    [("T4", True), ("A10G", False), ("L40S", False), ("H100", False), ("B200", True)],
)
def test_flashinfer_has_a_workspace_where_flash_attention_has_no_kernels(
    gpu: str, workspace: bool
) -> None:
    size = overheads.non_torch_bytes(catalog.gpus()[gpu], 1) - int(0.14 * GIB)
    assert size == (394 * MIB if workspace else 0)


@pytest.mark.parametrize("interconnect", ["nvlink", "pcie"])
def test_more_ranks_never_take_less(interconnect: str) -> None:
    sizes = [overheads.NON_TORCH_GIB[interconnect][ranks] for ranks in (1, 2, 4, 8)]
    assert sizes == sorted(sizes)


def test_capture_sizes_are_vllms() -> None:
    l40s = catalog.gpus()["L40S"]
    assert overheads.capture_sizes(l40s, 8, 2048) == [1, 2, 4, 8, 16]
    assert overheads.capture_sizes(l40s, 1, 2048) == [1, 2]
    full = overheads.capture_sizes(l40s, 256, 2048)
    assert (len(full), full[-1]) == (51, 512)  # vLLM logs PIECEWISE=51 (largest=512)
    assert overheads.capture_sizes(l40s, 1024, 2048) == full
    assert overheads.capture_sizes(l40s, 1024, 2048, 64)[-1] == 64
    assert overheads.capture_sizes(catalog.gpus()["B200"], 1024, 16384)[-1] == 1024


@pytest.mark.parametrize(
    ("model", "sizes", "logged_gib"),
    [
        ("Qwen/Qwen3-8B", 51, 0.52),
        ("Qwen/Qwen2.5-7B-Instruct", 51, 0.53),
        ("Qwen/Qwen2.5-7B-Instruct", 5, 0.35),  # the log names a 7B model without its name
        ("Qwen/Qwen3-235B-A22B", 51, 3.45),
    ],
)
def test_graphs_cover_the_logs(model: str, sizes: int, logged_gib: float) -> None:
    size = overheads.cuda_graph_bytes(model_shape(model), list(range(sizes))) / GIB
    assert logged_gib <= size <= 3 * logged_gib


def test_no_graphs_take_nothing() -> None:
    assert overheads.cuda_graph_bytes(model_shape("Qwen/Qwen3-8B"), []) == 0


@given(st.integers(1, 1024), st.integers(0, 1024))
def test_more_requests_never_capture_fewer_sizes(seqs: int, more: int) -> None:
    h100 = catalog.gpus()["H100"]
    small = overheads.capture_sizes(h100, seqs, 8192)
    assert set(small) <= set(overheads.capture_sizes(h100, seqs + more, 8192))
