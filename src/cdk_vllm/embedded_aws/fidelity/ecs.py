"""ECS: what its calls take and moto does not keep, or wrongly refuses."""

from __future__ import annotations

from typing import Any

from moto.ecs.models import CapacityProvider, EC2ContainerServiceBackend
from moto.ecs.responses import EC2ContainerServiceResponse

from .keeping import keep, then

_SERVICE = (
    "availabilityZoneRebalancing",
    "capacityProviderStrategy",
    "deploymentConfiguration",
    "enableECSManagedTags",
    "enableExecuteCommand",
    "healthCheckGracePeriodSeconds",
    "placementConstraints",
    "placementStrategy",
    "propagateTags",
)
_IN_DEPLOYMENT = ("serviceConnectConfiguration", "volumeConfigurations", "vpcLatticeConfigurations")
_moto_validation = EC2ContainerServiceBackend._validate_container_defs
_moto_providers = EC2ContainerServiceBackend.describe_capacity_providers
_moto_prepare = CapacityProvider._prepare_asg_provider
_moto_update = CapacityProvider.update


def _validate_container_defs(
    memory: str | None,
    container_definitions: list[dict[str, Any]],
    requires_compatibilities: list[str] | None,
) -> None:
    """Moto asks for `memory` on EC2, where `memoryReservation` alone is enough."""
    others = [item for item in requires_compatibilities or () if item != "EC2"]
    _moto_validation(memory, container_definitions, others or None)


def _describe_capacity_providers(self: Any, names: list[str] | None) -> Any:
    """Moto answers 500 to a call that names none, which means all of them."""
    return _moto_providers(self, list(self.capacity_providers) if names is None else names)


def _prepare(self: Any, details: dict[str, Any] | None) -> dict[str, Any] | None:
    """Moto takes every provider for one of a scaling group; managed instances have none."""
    return None if details is None else _moto_prepare(self, details)


def _update(self: Any, details: dict[str, Any]) -> None:
    """Moto drops a change of managed draining."""
    if "managedDraining" in details:
        self.auto_scaling_group_provider["managedDraining"] = details["managedDraining"]
    _moto_update(self, details)


def _finish_service(response: Any, answer: Any) -> None:
    service = answer.result["service"]
    if response._get_param("capacityProviderStrategy"):
        # moto writes EC2 where the strategy takes the launch type's place.
        service.launch_type = None
    for deployment in service.deployments:
        deployment.update(
            {
                name: value
                for name in (*_IN_DEPLOYMENT, "capacityProviderStrategy", "taskDefinition")
                if (value := response._get_param(name)) is not None
            }
        )
        deployment["desiredCount"] = service.desired_count
        deployment["launchType"] = service.launch_type


def _finish_provider(response: Any, answer: Any) -> None:
    provider = answer.result["capacityProvider"]
    for name, attribute in (
        ("managedInstancesProvider", "managed_instances_provider"),
        ("cluster", "cluster"),
    ):
        value = response._get_param(name)
        if value is not None:
            setattr(provider, attribute, value)


def install() -> None:
    """Apply the fixes."""
    backend: Any = EC2ContainerServiceBackend
    backend._validate_container_defs = staticmethod(_validate_container_defs)
    backend.describe_capacity_providers = _describe_capacity_providers
    provider: Any = CapacityProvider
    provider._prepare_asg_provider = _prepare
    provider.update = _update
    then(EC2ContainerServiceResponse, "create_capacity_provider", _finish_provider)
    for action in ("create_service", "update_service"):
        keep(EC2ContainerServiceResponse, action, "service", _SERVICE)
        then(EC2ContainerServiceResponse, action, _finish_service)
    keep(
        EC2ContainerServiceResponse,
        "register_task_definition",
        "taskDefinition",
        ("enableFaultInjection",),
    )
