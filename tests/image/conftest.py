"""Images built once a session, on a network of the session's own, from a store in the checkout."""

from __future__ import annotations

import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.local.engine import Engine
from cdk_vllm.model_store.push import push
from tests.container.pushed import Store, stored
from tests.image import network
from tests.image.base_image import ENGINE, base_image
from tests.image.ecs import Machine, task_definition
from tests.image.network import CREDENTIALS
from tests.image.podman import ROOT, RUN, run, what_is_missing

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cdk_vllm.sizing import EngineValue, ServingPlan

BUCKET, MODEL, REVISION, REGION = "models", "tiny/llama", "1" * 40, "us-east-1"
ADAPTER = "medical"
TARGETS = ("ecs", "sagemaker")
SECONDS = pytest.StashKey[dict[str, float]]()
LLAMA = {
    "model_type": "llama",
    "num_hidden_layers": 2,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 32,
    "max_position_embeddings": 4096,
}
# Of a plan only the engine's options are changed: to what a CPU can do, and starts with quickly.
ON_CPU: dict[str, EngineValue] = {
    "served_model_name": MODEL,
    "max_model_len": 2048,
    "max_num_seqs": 4,
    "max_num_batched_tokens": 2048,
    "kv_cache_memory_bytes": 64 * 2**20,
    "enforce_eager": True,
    "dtype": "bfloat16",
}


@pytest.fixture(scope="session", autouse=True)
def own_network() -> Iterator[None]:
    missing = what_is_missing()
    if missing:
        pytest.exit(missing, returncode=1)
    network.leave_the_network()
    yield from network.credentials_of_the_task()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    for name, value in terminalreporter.config.stash.get(SECONDS, {}).items():
        terminalreporter.write_line(f"{value:7.2f} s  {name}")


@pytest.fixture(scope="session")
def seconds(request: pytest.FixtureRequest) -> dict[str, float]:
    """Return where measured seconds are put; they are printed at the end."""
    return request.config.stash.setdefault(SECONDS, {})


@pytest.fixture(scope="session")
def base(own_network: None, seconds: dict[str, float]) -> str:
    # What a session that was killed has left.
    run("podman", "rm", "--all", "--force", "--time", "0")
    begun = time.monotonic()
    name = base_image()
    seconds["base image"] = time.monotonic() - begun
    return name


@pytest.fixture(scope="session")
def images(base: str, seconds: dict[str, float]) -> Iterator[dict[str, str]]:
    """Return the name of each target's image."""
    names = {target: f"localhost/cdk-vllm/{target}" for target in TARGETS}
    for target, name in names.items():
        begun = time.monotonic()
        words = ["--isolation", "chroot", "--format", "docker", "--layers", "--target", target]
        words += ["--build-arg", f"BASE_IMAGE={base}", "--tag", name, str(ROOT / "container")]
        run("buildah", "bud", *words)
        seconds[f"build of {target}"] = time.monotonic() - begun
    run("podman", "image", "prune", "--force")
    yield names
    run("podman", "rm", "--all", "--force", "--time", "0")
    shutil.rmtree(RUN, ignore_errors=True)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a Llama of random weights, with an adapter for it beside."""
    directory = tmp_path_factory.mktemp("written") / "model"
    adapter = {"model": str(directory), "rank": 8, "seed": 1}
    Engine(ENGINE / "bin" / "python").write_models(
        [
            {"directory": str(directory), "config": LLAMA},
            {"directory": str(directory.with_name(ADAPTER)), "adapter": adapter},
        ]
    )
    return directory


@pytest.fixture(scope="session")
def aws(own_network: None, model: Path) -> Iterator[EmbeddedAws]:
    """Serve S3 with the model in it, put there by our own push."""
    with EmbeddedAws() as running:
        s3 = running.client("s3", REGION)
        s3.create_bucket(Bucket=BUCKET)
        enabled = {"Status": "Enabled"}
        s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration=enabled)
        push(s3, bucket=BUCKET, model=MODEL, revision=REVISION, directory=model)
        yield running


@pytest.fixture(scope="session")
def adapter(aws: EmbeddedAws, model: Path) -> Store:
    """Push the adapter for the service of the plans."""
    store = Store(aws.client("s3", REGION), BUCKET, "", "", "")
    return store.adapter(ADAPTER, stored(model.with_name(ADAPTER)))


@pytest.fixture(scope="session")
def downloaded(aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with what lies under the model's prefix, as SageMaker downloads it."""
    folder = tmp_path_factory.mktemp("downloaded")
    s3, prefix = aws.client("s3", REGION), f"models/{MODEL}/{REVISION}/"
    for found in s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]:
        s3.download_file(BUCKET, found["Key"], str(folder / found["Key"].removeprefix(prefix)))
    return folder


def for_cpu(plan: ServingPlan) -> ServingPlan:
    """Return a plan for the small model, with requests of at most 20 seconds."""
    request = replace(plan.request, model=MODEL, revision=REVISION, max_request_seconds=20)
    return replace(plan, request=request, engine_args=ON_CPU)


@pytest.fixture(scope="session")
def cpu_plans() -> dict[str, ServingPlan]:
    """Return the plans of both backends."""
    from tests.conftest import _plan

    return {backend: for_cpu(_plan(backend)) for backend in TARGETS}


@pytest.fixture(scope="session")
def task(cpu_plans: dict[str, ServingPlan]) -> dict[str, Any]:
    """Return the task definition that is deployed for the small model."""
    return task_definition(cpu_plans["ecs"], BUCKET)


@pytest.fixture(scope="session")
def task_on_disk(cpu_plans: dict[str, ServingPlan], adapter: Store) -> dict[str, Any]:
    """Return the one for the same model, read from the instance's disk, with a pinned adapter."""
    plan = cpu_plans["ecs"]
    pinned = {ADAPTER: adapter.revision}
    request = replace(plan.request, lora="static", adapters=pinned)
    arguments = ON_CPU | {"enable_lora": True, "max_loras": 1, "max_lora_rank": 16}
    changed = replace(plan, request=request, load="disk", engine_args=arguments)
    return task_definition(changed, BUCKET)


@pytest.fixture(scope="module")
def machine(
    images: dict[str, str], aws: EmbeddedAws, tmp_path_factory: pytest.TempPathFactory
) -> Machine:
    """Return a container instance that has just started, one a module."""
    of_ecs = {
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": CREDENTIALS,
        "AWS_ENDPOINT_URL": aws.endpoint_url,
        "RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0",
    }
    return Machine(tmp_path_factory.mktemp("machine"), images["ecs"], of_ecs)
