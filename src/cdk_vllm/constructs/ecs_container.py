"""The one container of an ECS task: what it may use, and what it may not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_ecs as ecs

from cdk_vllm.constructs.image import CACHE_DIRECTORY
from cdk_vllm.constructs.instance_user_data import CACHE_ON_HOST
from cdk_vllm.constructs.vllm_container import PORT, ecs_command, ecs_environment
from cdk_vllm.sizing import container_memory_gib, timeouts_for

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

CONTAINER = "vllm"
_CACHE_VOLUME = "cache"
_MIB_PER_GIB = 1024


def volumes() -> list[ecs.CfnTaskDefinition.VolumeProperty]:
    """Return the task's volumes: the instance's own directory for compiled kernels."""
    host = ecs.CfnTaskDefinition.HostVolumePropertiesProperty(source_path=CACHE_ON_HOST)
    return [ecs.CfnTaskDefinition.VolumeProperty(name=_CACHE_VOLUME, host=host)]


def container_definition(
    plan: ServingPlan,
    *,
    image_uri: str,
    model_uri: str,
    api_key_arn: str,
    log_group_name: str,
    region: str,
) -> ecs.CfnTaskDefinition.ContainerDefinitionProperty:
    """Return the container: vLLM as an ordinary user on a read-only root file system.

    There is no container health check: its start period ends after 300 s, before a large model is
    loaded, so the load balancer alone decides. Source: ECS API Reference, `HealthCheck`.
    """
    kind = ecs.CfnTaskDefinition
    return kind.ContainerDefinitionProperty(
        name=CONTAINER,
        image=image_uri,
        essential=True,
        version_consistency="enabled",
        # Words, not a shell: a shell as process 1 would swallow SIGTERM and drop what runs.
        entry_point=["vllm", "serve"],
        command=ecs_command(plan, model_uri),
        environment=_environment(plan),
        secrets=[kind.SecretProperty(name="VLLM_API_KEY", value_from=api_key_arn)],
        port_mappings=[kind.PortMappingProperty(container_port=PORT, protocol="tcp")],
        memory=_memory_mib(plan),
        resource_requirements=[
            kind.ResourceRequirementProperty(type="GPU", value=str(plan.gpus_per_replica))
        ],
        linux_parameters=_linux_parameters(plan),
        ulimits=_ulimits({"memlock": -1, "nofile": 65536, "stack": 64 * 1024 * 1024}),
        mount_points=[
            kind.MountPointProperty(
                source_volume=_CACHE_VOLUME, container_path=CACHE_DIRECTORY, read_only=False
            )
        ],
        user="2000:0",
        privileged=False,
        readonly_root_filesystem=True,
        docker_security_options=["no-new-privileges"],
        stop_timeout=timeouts_for(plan).stop_timeout_seconds,
        log_configuration=_log_configuration(log_group_name, region),
    )


def _linux_parameters(plan: ServingPlan) -> ecs.CfnTaskDefinition.LinuxParametersProperty:
    kind = ecs.CfnTaskDefinition
    return kind.LinuxParametersProperty(
        init_process_enabled=True,
        capabilities=kind.KernelCapabilitiesProperty(drop=["ALL"]),
        # Ranks exchange tensors through /dev/shm; Docker's 64 MiB kill vLLM at start.
        shared_memory_size=_shared_memory_mib(plan.tensor_parallel_size),
        tmpfs=[kind.TmpfsProperty(container_path="/tmp", size=_MIB_PER_GIB)],  # noqa: S108
    )


def _shared_memory_mib(tensor_parallel_size: int) -> int:
    if tensor_parallel_size == 1:
        return _MIB_PER_GIB
    return max(8, tensor_parallel_size) * _MIB_PER_GIB


def _memory_mib(plan: ServingPlan) -> int:
    return _MIB_PER_GIB * container_memory_gib(plan.host_memory_gib, plan.replicas_per_instance)


def _environment(plan: ServingPlan) -> list[ecs.CfnTaskDefinition.KeyValuePairProperty]:
    variables = sorted(ecs_environment(plan).items())
    pair = ecs.CfnTaskDefinition.KeyValuePairProperty
    return [pair(name=name, value=value) for name, value in variables]


def _ulimits(limits: dict[str, int]) -> list[ecs.CfnTaskDefinition.UlimitProperty]:
    limit = ecs.CfnTaskDefinition.UlimitProperty
    return [limit(name=name, soft_limit=value, hard_limit=value) for name, value in limits.items()]


def _log_configuration(
    log_group_name: str, region: str
) -> ecs.CfnTaskDefinition.LogConfigurationProperty:
    return ecs.CfnTaskDefinition.LogConfigurationProperty(
        log_driver="awslogs",
        options={
            "awslogs-group": log_group_name,
            "awslogs-region": region,
            "awslogs-stream-prefix": CONTAINER,
            # A full buffer drops lines instead of stopping the server.
            "mode": "non-blocking",
            "max-buffer-size": "4m",
        },
    )
