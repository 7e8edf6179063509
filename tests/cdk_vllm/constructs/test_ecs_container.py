"""The container's room: it fits the instance, and ranks can talk to each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.constructs import LogBucket, ModelStore
from cdk_vllm.constructs.ecs_container import (
    TaskContext,
    container_definition,
    prepare_definition,
    volumes,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

    Define = Callable[[ServingPlan], dict[str, Any]]

ADAPTERS = {"medical": "3f2a91c0d4e5", "legal": "0a1b2c3d4e5f"}


@pytest.fixture
def context(stack: cdk.Stack) -> TaskContext:
    models = ModelStore(stack, "Models", log_bucket=LogBucket(stack, "Logs").bucket)
    return TaskContext(
        image_uri="image",
        models=models,
        api_key_arn="arn",
        log_group_name="group",
        region="us-east-1",
    )


@pytest.fixture
def define(stack: cdk.Stack, context: TaskContext) -> Callable[[ServingPlan], dict[str, Any]]:
    return lambda plan: dict(stack.resolve(container_definition(plan, context)))


@pytest.fixture
def prepare(stack: cdk.Stack, context: TaskContext) -> Callable[[ServingPlan], dict[str, Any]]:
    return lambda plan: dict(stack.resolve(prepare_definition(plan, context)))


def with_request(plan: ServingPlan, **changes: Any) -> ServingPlan:
    return replace(plan, request=replace(plan.request, **changes))


def mounts(container: dict[str, Any]) -> dict[str, bool]:
    return {mount["containerPath"]: mount["readOnly"] for mount in container.get("mountPoints", [])}


@pytest.mark.parametrize(
    ("ranks", "shared_mib"), [(1, 1024), (2, 8192), (4, 8192), (8, 8192), (16, 16384)]
)
def test_shared_memory_grows_with_the_ranks(
    define: Define, ecs_plan: ServingPlan, ranks: int, shared_mib: int
) -> None:
    plan = replace(ecs_plan, tensor_parallel_size=ranks)
    assert define(plan)["linuxParameters"]["sharedMemorySize"] == shared_mib


@pytest.mark.parametrize("replicas", [1, 2, 4])
def test_all_replicas_of_an_instance_fit_its_memory(
    define: Define, ecs_plan: ServingPlan, replicas: int
) -> None:
    plan = replace(ecs_plan, host_memory_gib=192.0, replicas_per_instance=replicas)
    memory_mib = define(plan)["memory"]
    assert replicas * memory_mib < 192 * 1024 * 0.96
    assert replicas * memory_mib > 192 * 1024 * 0.85


def test_it_reserves_the_gpus_of_one_replica(define: Define, ecs_plan: ServingPlan) -> None:
    plan = replace(ecs_plan, gpus=8, gpus_per_replica=4)
    assert define(plan)["resourceRequirements"] == [{"type": "GPU", "value": "4"}]


def test_the_key_comes_by_reference_and_stands_nowhere_else(
    define: Define, ecs_plan: ServingPlan
) -> None:
    container = define(ecs_plan)
    assert container["secrets"] == [{"name": "VLLM_API_KEY", "valueFrom": "arn"}]
    assert "VLLM_API_KEY" not in str([container["environment"], container["command"]])


def test_tokens_of_an_issuer_need_no_key(
    stack: cdk.Stack, context: TaskContext, ecs_plan: ServingPlan
) -> None:
    container = stack.resolve(container_definition(ecs_plan, replace(context, api_key_arn=None)))
    assert "secrets" not in container


def test_vllm_waits_for_what_must_be_right(
    define: Define, prepare: Define, ecs_plan: ServingPlan
) -> None:
    assert define(ecs_plan)["dependsOn"] == [{"containerName": "prepare", "condition": "SUCCESS"}]
    first = prepare(ecs_plan)
    assert (first["name"], first["essential"]) == ("prepare", False)
    assert first["entryPoint"] == ["python3", "/opt/cdk-vllm/prepare.py"]
    assert first["image"] == "image"
    flag, uri = first["command"]
    assert flag == "--model"
    assert uri["Fn::Join"][1][-1] == "/models/Qwen/Qwen3-8B/main/"


def test_what_runs_first_may_do_as_little(prepare: Define, ecs_plan: ServingPlan) -> None:
    first = prepare(ecs_plan)
    assert first["user"] == "2000:0"
    assert first["readonlyRootFilesystem"] is True
    assert first["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert first["dockerSecurityOptions"] == ["no-new-privileges"]
    assert "secrets" not in first
    assert mounts(first) == {}


def test_pinned_adapters_are_fetched_first_and_only_read_then(
    define: Define, prepare: Define, ecs_plan: ServingPlan
) -> None:
    plan = with_request(ecs_plan, lora="static", adapters=ADAPTERS)
    words = prepare(plan)["command"]
    pins = [words[i + 1]["Fn::Join"][1] for i, word in enumerate(words) if word == "--adapter"]
    assert [(pin[0], pin[-1]) for pin in pins] == [
        ("legal=s3://", "/adapters/chat/legal/0a1b2c3d4e5f/"),
        ("medical=s3://", "/adapters/chat/medical/3f2a91c0d4e5/"),
    ]
    assert words[-2:] == ["--adapters-to", "/adapters"]
    assert mounts(prepare(plan)) == {"/adapters": False}
    serving = define(plan)
    assert mounts(serving) == {"/var/cache/vllm": False, "/adapters": True}
    at = serving["command"].index("--lora-modules")
    assert serving["command"][at + 1 : at + 3] == [
        '{"name":"legal","path":"/adapters/legal/0a1b2c3d4e5f"}',
        '{"name":"medical","path":"/adapters/medical/3f2a91c0d4e5"}',
    ]
    assert [volume.name for volume in volumes(plan)] == ["cache", "adapters"]


def test_weights_that_come_over_the_disk_are_fetched_first(
    define: Define, prepare: Define, ecs_plan: ServingPlan
) -> None:
    plan = replace(ecs_plan, load="disk")
    folder = "/models/Qwen/Qwen3-8B/main/"
    assert prepare(plan)["command"][-2:] == ["--download-to", folder]
    assert mounts(prepare(plan)) == {"/models": False}
    serving = define(plan)
    assert serving["command"][0] == folder
    assert mounts(serving)["/models"] is True
    at = serving["command"].index("--load-format")
    assert serving["command"][at + 1] == "safetensors"


def test_no_plugin_is_loaded_unless_adapters_are_dynamic(
    define: Define, ecs_plan: ServingPlan
) -> None:
    def variables(plan: ServingPlan) -> dict[str, Any]:
        return {pair["name"]: pair["value"] for pair in define(plan)["environment"]}

    plain = variables(ecs_plan)
    assert plain["VLLM_PLUGINS"] == ""
    assert "VLLM_ALLOW_RUNTIME_LORA_UPDATING" not in plain
    dynamic = with_request(ecs_plan, lora="dynamic")
    told = variables(dynamic)
    assert told["VLLM_PLUGINS"] == "cdk_vllm_adapters"
    assert told["VLLM_ALLOW_RUNTIME_LORA_UPDATING"] == "True"
    assert told["CDK_VLLM_ADAPTERS_URI"]["Fn::Join"][1][-1] == "/adapters/chat/"
    assert define(dynamic)["command"][-2:] == ["--middleware", "cdk_vllm_adapters.AllowList"]
