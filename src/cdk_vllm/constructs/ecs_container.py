"""The containers of an ECS task: what each may use, and what it may not do.

`prepare` runs first and must succeed: it holds the model in S3 against its manifest, and fetches
what vLLM reads from the disk. Then `vllm` serves.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import aws_ecs as ecs

from cdk_vllm.constructs.image import CACHE_DIRECTORY
from cdk_vllm.constructs.instance_user_data import ADAPTERS_ON_HOST, CACHE_ON_HOST, MODELS_ON_HOST
from cdk_vllm.constructs.vllm_container import (
    ADAPTERS_DIRECTORY,
    MODEL_DIRECTORY,
    PORT,
    ecs_command,
    ecs_environment,
    model_directory,
)
from cdk_vllm.sizing import container_memory_gib, timeouts_for

if TYPE_CHECKING:
    from cdk_vllm.constructs.model_store import ModelStore
    from cdk_vllm.sizing import ServingPlan

CONTAINER = "vllm"
PREPARE = "prepare"
PREPARE_MEMORY_MIB = 1024
PREPARE_RESERVED_MIB = 128  # what counts while vLLM is placed: it has ended by then
_MIB_PER_GIB = 1024
_Kind = ecs.CfnTaskDefinition


@dataclass(frozen=True, kw_only=True)
class TaskContext:
    """What the containers of a task need of what stands around them."""

    image_uri: str
    models: ModelStore
    api_key_arn: str | None
    log_group_name: str
    region: str


def volumes(plan: ServingPlan) -> list[ecs.CfnTaskDefinition.VolumeProperty]:
    """Return the task's volumes: private directories of the instance, each only where it is used.

    Compiled kernels and verified weights outlive a task, so that the next one starts faster.
    """
    return [
        _Kind.VolumeProperty(name=name, host=_Kind.HostVolumePropertiesProperty(source_path=path))
        for name, path, _ in _directories(plan)
    ]


def _directories(plan: ServingPlan) -> list[tuple[str, str, str]]:
    """Return name, place on the instance, and place in the containers."""
    found = [("cache", CACHE_ON_HOST, CACHE_DIRECTORY)]
    if plan.load == "disk":
        found.append(("models", MODELS_ON_HOST, MODEL_DIRECTORY))
    if plan.request.adapters:
        found.append(("adapters", ADAPTERS_ON_HOST, ADAPTERS_DIRECTORY))
    return found


def prepare_definition(
    plan: ServingPlan, context: TaskContext
) -> ecs.CfnTaskDefinition.ContainerDefinitionProperty:
    """Return the container that runs first; a wrong hash or a missing shard ends the task here.

    The image has to be built from `container/`, which brings the program.
    """
    return _Kind.ContainerDefinitionProperty(
        name=PREPARE,
        image=context.image_uri,
        essential=False,
        version_consistency="enabled",
        entry_point=["python3", "/opt/cdk-vllm/prepare.py"],
        command=_prepare_command(plan, context.models),
        environment=_pairs({"AWS_REGION": context.region, "HOME": "/tmp", "TMPDIR": "/tmp"}),  # noqa: S108
        memory=PREPARE_MEMORY_MIB,
        memory_reservation=PREPARE_RESERVED_MIB,
        linux_parameters=_Kind.LinuxParametersProperty(
            init_process_enabled=True, capabilities=_no_capabilities(), tmpfs=[_temporary()]
        ),
        mount_points=[
            _Kind.MountPointProperty(source_volume=name, container_path=path, read_only=False)
            for name, _, path in _directories(plan)
            if name != "cache"
        ],
        user="2000:0",
        privileged=False,
        readonly_root_filesystem=True,
        docker_security_options=["no-new-privileges"],
        log_configuration=_log_configuration(PREPARE, context),
    )


def _prepare_command(plan: ServingPlan, models: ModelStore) -> list[str]:
    request = plan.request
    words = ["--model", models.model_uri(request.model, request.revision)]
    if plan.load == "disk":
        words += ["--download-to", model_directory(plan)]
    for name, version in sorted(request.adapters.items()):
        words += ["--adapter", f"{name}={models.adapter_uri(request.service, name, version)}"]
    if request.adapters:
        words += ["--adapters-to", ADAPTERS_DIRECTORY]
    return words


def container_definition(
    plan: ServingPlan, context: TaskContext
) -> ecs.CfnTaskDefinition.ContainerDefinitionProperty:
    """Return the container that serves: vLLM as an ordinary user on a read-only root file system.

    There is no container health check: its start period ends after 300 s, before a large model is
    loaded, so the load balancer alone decides. Source: ECS API Reference, `HealthCheck`.
    """
    request, key = plan.request, context.api_key_arn
    return _Kind.ContainerDefinitionProperty(
        name=CONTAINER,
        image=context.image_uri,
        essential=True,
        version_consistency="enabled",
        depends_on=[_Kind.ContainerDependencyProperty(container_name=PREPARE, condition="SUCCESS")],
        # Words, not a shell: a shell as process 1 would swallow SIGTERM and drop what runs.
        entry_point=["vllm", "serve"],
        command=ecs_command(plan, context.models.model_uri(request.model, request.revision)),
        environment=_pairs(
            ecs_environment(plan, context.models.adapters_uri(request.service))
            | {"AWS_REGION": context.region}
        ),
        secrets=[_Kind.SecretProperty(name="VLLM_API_KEY", value_from=key)] if key else None,
        port_mappings=[_Kind.PortMappingProperty(container_port=PORT, protocol="tcp")],
        memory=_memory_mib(plan),
        resource_requirements=[
            _Kind.ResourceRequirementProperty(type="GPU", value=str(plan.gpus_per_replica))
        ],
        linux_parameters=_linux_parameters(plan),
        ulimits=_ulimits({"memlock": -1, "nofile": 65536, "stack": 64 * 1024 * 1024}),
        mount_points=[
            _Kind.MountPointProperty(
                source_volume=name, container_path=path, read_only=name != "cache"
            )
            for name, _, path in _directories(plan)
        ],
        user="2000:0",
        privileged=False,
        readonly_root_filesystem=True,
        docker_security_options=["no-new-privileges"],
        stop_timeout=timeouts_for(plan).stop_timeout_seconds,
        log_configuration=_log_configuration(CONTAINER, context),
    )


def _no_capabilities() -> ecs.CfnTaskDefinition.KernelCapabilitiesProperty:
    return _Kind.KernelCapabilitiesProperty(drop=["ALL"])


def _temporary() -> ecs.CfnTaskDefinition.TmpfsProperty:
    return _Kind.TmpfsProperty(container_path="/tmp", size=_MIB_PER_GIB)  # noqa: S108


def _linux_parameters(plan: ServingPlan) -> ecs.CfnTaskDefinition.LinuxParametersProperty:
    return _Kind.LinuxParametersProperty(
        init_process_enabled=True,
        capabilities=_no_capabilities(),
        # Ranks exchange tensors through /dev/shm; Docker's 64 MiB kill vLLM at start.
        shared_memory_size=_shared_memory_mib(plan.tensor_parallel_size),
        tmpfs=[_temporary()],
    )


def _shared_memory_mib(tensor_parallel_size: int) -> int:
    if tensor_parallel_size == 1:
        return _MIB_PER_GIB
    return max(8, tensor_parallel_size) * _MIB_PER_GIB


def _memory_mib(plan: ServingPlan) -> int:
    return _MIB_PER_GIB * container_memory_gib(plan.host_memory_gib, plan.replicas_per_instance)


def _pairs(variables: dict[str, str]) -> list[ecs.CfnTaskDefinition.KeyValuePairProperty]:
    pair = _Kind.KeyValuePairProperty
    return [pair(name=name, value=value) for name, value in sorted(variables.items())]


def _ulimits(limits: dict[str, int]) -> list[ecs.CfnTaskDefinition.UlimitProperty]:
    limit = _Kind.UlimitProperty
    return [limit(name=name, soft_limit=value, hard_limit=value) for name, value in limits.items()]


def _log_configuration(
    stream: str, context: TaskContext
) -> ecs.CfnTaskDefinition.LogConfigurationProperty:
    return _Kind.LogConfigurationProperty(
        log_driver="awslogs",
        options={
            "awslogs-group": context.log_group_name,
            "awslogs-region": context.region,
            "awslogs-stream-prefix": stream,
            # A full buffer drops lines instead of stopping the server.
            "mode": "non-blocking",
            "max-buffer-size": "4m",
        },
    )
