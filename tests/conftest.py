"""What tests share: the checkout's two environments synthesized once, and plans written by hand."""

from __future__ import annotations

import json
import os
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.sizing import (
    MemoryPerGpu,
    ModelShape,
    PriceSource,
    ServingPlan,
    ServingRequest,
    Workload,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk

ROOT = Path(__file__).parents[1]

# The CDK reads it once, when it starts: a test that validates must not be silenced by a shell.
os.environ.pop("CDK_VALIDATION", None)

Template = dict[str, Any]


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Template]:
    """Return the templates of all committed environments by stack name, such as `dev-chat`."""
    return _templates(_synthesize(tmp_path_factory.mktemp("assembly")))


@pytest.fixture(scope="session")
def synthesize() -> Callable[..., Path]:
    """Return what synthesizes all committed environments into a folder, with plugins if given."""
    return _synthesize


@pytest.fixture(scope="session")
def read_templates() -> Callable[[Path], dict[str, Template]]:
    """Return what reads the templates of a cloud assembly by stack name."""
    return _templates


@pytest.fixture
def app() -> cdk.App:
    """Return an app with this checkout's own context, which validates nothing."""
    return _app()


@pytest.fixture
def validating_app(tmp_path: Path) -> cdk.App:
    """Return an app whose `synth` raises where CloudFormation's own rules find an error."""
    return _app(tmp_path, validate=True)


@pytest.fixture
def stack(app: cdk.App) -> cdk.Stack:
    """Return an empty stack in a region, of no account."""
    import aws_cdk as cdk

    return cdk.Stack(app, "Stack", env=cdk.Environment(region="us-east-1"))


def _app(outdir: Path | None = None, *, validate: bool = False) -> cdk.App:
    import aws_cdk as cdk

    context = json.loads((ROOT / "cdk.json").read_text())["context"]
    if validate:
        context |= {"@aws-cdk/core:validateAgainstDefaultRules": True}
    return cdk.App(
        outdir=str(outdir) if outdir else None,
        context=context,
        builtin_cloud_formation_validation=validate,
    )


def _synthesize(outdir: Path, *plugins: Any, validate: bool = False) -> Path:
    import aws_cdk as cdk

    from app import add_environment

    app = _app(outdir, validate=validate)
    if plugins:
        cdk.Validations.of(app).add_plugins(*plugins)
    for path in sorted((ROOT / "environments").glob("*.toml")):
        add_environment(app, path)
    app.synth()
    return outdir


def _templates(assembly: Path) -> dict[str, Template]:
    found = {}
    for manifest in assembly.glob("assembly-*/manifest.json"):
        for artifact in json.loads(manifest.read_text())["artifacts"].values():
            if artifact["type"] == "aws:cloudformation:stack":
                file = manifest.with_name(artifact["properties"]["templateFile"])
                found[artifact["properties"]["stackName"]] = json.loads(file.read_text())
    return dict(sorted(found.items()))


@cache
def _plan(backend: str) -> ServingPlan:
    """Return a plan written by hand: Qwen3-8B on one L40S, whatever the rules would choose."""
    shape = ModelShape(
        architecture="Qwen3ForCausalLM",
        num_hidden_layers=36,
        hidden_size=4096,
        intermediate_size=12288,
        num_attention_heads=32,
        num_key_value_heads=8,
        head_dim=128,
        vocab_size=151936,
        max_position_embeddings=40960,
        tie_word_embeddings=False,
        qk_norm=True,
    )
    request = ServingRequest(
        service="chat",
        backend="ecs" if backend == "ecs" else "sagemaker",
        region="us-east-1",
        model="Qwen/Qwen3-8B",
        revision="main",
        shape=shape,
        workload=Workload(
            max_model_len=16384, prompt_tokens=2000, output_tokens=500, concurrent_requests=32
        ),
        max_replicas=4,
        max_request_seconds=300 if backend == "ecs" else 60,
    )
    return ServingPlan(
        request=request,
        instance_type="g6e.2xlarge" if backend == "ecs" else "ml.g6e.2xlarge",
        gpu="L40S",
        gpus=1,
        gpus_per_replica=1,
        replicas_per_instance=1,
        tensor_parallel_size=1,
        vcpus=8,
        host_memory_gib=64.0,
        local_nvme_gb=450,
        engine_args={
            "served_model_name": "Qwen/Qwen3-8B",
            "tensor_parallel_size": 1,
            "max_model_len": 16384,
            "max_num_seqs": 36,
            "max_num_batched_tokens": 2048,
            "gpu_memory_utilization": 0.92,
            "dtype": "bfloat16",
        },
        memory=MemoryPerGpu(
            total_gib=44.4,
            usable_gib=40.8,
            weights_gib=15.3,
            activation_gib=1.0,
            non_torch_gib=0.5,
            cuda_graphs_gib=0.5,
            kv_cache_gib=23.5,
            kv_cache_needed_gib=11.0,
        ),
        kv_cache_tokens=171000,
        max_concurrency=10.4,
        typical_concurrency=68.4,
        weights_total_gib=15.3,
        startup_seconds=420,
        load="stream" if backend == "ecs" else "disk",
        usd_per_hour=2.24,
        usd_per_month=1635.2,
        ranked_usd_per_hour=2.24,
        price_source=PriceSource(basis="listed", as_of="2026-11-01", ranked_by_region="us-east-1"),
    )


@pytest.fixture(scope="session")
def ecs_plan() -> ServingPlan:
    """Return a plan for ECS, written by hand."""
    return _plan("ecs")


@pytest.fixture
def sagemaker_plan() -> ServingPlan:
    """Return a plan for SageMaker, written by hand."""
    return _plan("sagemaker")
