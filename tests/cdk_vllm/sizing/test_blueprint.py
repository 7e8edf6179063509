"""Every figure vLLM itself gave for a model, against the rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cdk_vllm import catalog
from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.blueprint import anatomy_of, config_of, quantization_of_shape
from cdk_vllm.sizing.kv_groups import pool
from cdk_vllm.sizing.kv_specs import CacheOptions
from cdk_vllm.sizing.modules import Parallel
from cdk_vllm.sizing.stored import Target
from cdk_vllm.sizing.weights import parameter_bytes_per_rank

FIGURES = json.loads(Path(__file__).with_name("engine_figures.json").read_text("utf-8"))
ROWS = [dict(zip(FIGURES["columns"], row, strict=True)) for row in FIGURES["rows"]]
MODELS = sorted({row["model"] for row in ROWS})


def parallel_of(row: dict[str, Any]) -> Parallel:
    return Parallel(tensor=row["tensor"], pipeline=row["pipeline"], experts=row["experts"])


def test_the_figures_cover_the_families() -> None:
    assert len(MODELS) >= 60
    architectures = {model_shape(model).architecture for model in MODELS}
    assert len(architectures) >= 15


@pytest.mark.parametrize("model", MODELS)
def test_parameter_bytes_are_vllms(model: str) -> None:
    shape = model_shape(model)
    for row in (row for row in ROWS if row["model"] == model):
        target = Target(capability=catalog.gpus()[row["gpu"]].compute_capability)
        parallel = parallel_of(row)
        found = parameter_bytes_per_rank(shape, 1, parallel, row["stage"], target)
        assert found == pytest.approx(row["parameter_bytes"], rel=0.001), row


@pytest.mark.parametrize("model", MODELS)
def test_blocks_and_tokens_are_vllms(model: str) -> None:
    shape = model_shape(model)
    for row in (row for row in ROWS if row["model"] == model and row["pipeline"] == 1):
        options = CacheOptions(
            max_model_len=row["max_model_len"],
            max_num_batched_tokens=row["max_num_batched_tokens"],
            element_bytes=1 if row["fp8"] else 2,
            prefix_caching=row["prefix_caching"],
        )
        target = Target(capability=catalog.gpus()[row["gpu"]].compute_capability)
        cache = pool(shape, parallel_of(row), options, target)
        blocks = cache.blocks(row["pool_bytes"])
        assert (blocks, cache.logged_tokens(blocks)) == (row["blocks"], row["tokens"]), row


def test_plain_fields_stand_for_a_config() -> None:
    shape = model_shape("Qwen/Qwen3-8B")
    assert not shape.config
    assert config_of(shape)["num_hidden_layers"] == 36
    assert len(anatomy_of(shape).layers) == 36
    assert quantization_of_shape(shape) is None
