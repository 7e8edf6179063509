"""Which version a service serves, and whether it is the one that its stack says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdk_vllm.live.stacks import ClientFactory, DeployedStack

STEADY = ("CREATE_COMPLETE", "UPDATE_COMPLETE", "IMPORT_COMPLETE")


@dataclass(frozen=True, kw_only=True)
class ServiceState:
    """One service now; `live` and `wanted` name its endpoint configuration or task definition.

    `running` of `desired` replicas run. `fault` is one sentence that says what is wrong, or
    nothing; `moving` tells that an update is on its way.
    """

    service: str
    backend: str
    stack_status: str
    status: str
    live: str
    wanted: str
    running: int
    desired: int
    images: tuple[str, ...] = ()
    moving: bool = False
    fault: str = ""


def service_state(client: ClientFactory, stack: DeployedStack, service: str) -> ServiceState:
    """Ask the service's own API what runs, and set it beside what the stack says."""
    if stack.only("AWS::SageMaker::Endpoint"):
        return _sagemaker(client, stack, service)
    return _ecs(client, stack, service)


def _sagemaker(client: ClientFactory, stack: DeployedStack, service: str) -> ServiceState:
    name = stack.only("AWS::SageMaker::Endpoint").rpartition("/")[2]
    endpoint = client("sagemaker").describe_endpoint(EndpointName=name)
    live, status = endpoint["EndpointConfigName"], endpoint["EndpointStatus"]
    wanted = stack.only("AWS::SageMaker::EndpointConfig").rpartition("/")[2]
    variants = endpoint.get("ProductionVariants", [])
    moving = status in ("Creating", "Updating", "SystemUpdating", "RollingBack")
    return ServiceState(
        service=service,
        backend="sagemaker",
        stack_status=stack.status,
        status=status,
        live=live,
        wanted=wanted,
        running=sum(v.get("CurrentInstanceCount", 0) for v in variants),
        desired=sum(v.get("DesiredInstanceCount", 0) for v in variants),
        images=tuple(
            image["ResolvedImage"]
            for variant in variants
            for image in variant.get("DeployedImages", [])
            if image.get("ResolvedImage")
        ),
        moving=moving,
        fault=_endpoint_fault(endpoint, live, wanted, moving=moving) or _stack_fault(stack),
    )


def _endpoint_fault(endpoint: dict[str, Any], live: str, wanted: str, *, moving: bool) -> str:
    status, reason = endpoint["EndpointStatus"], endpoint.get("FailureReason", "")
    if status == "RollingBack":
        return f"rolling back to {live}: an alarm fired during the update"
    if status in ("Failed", "OutOfService", "UpdateRollbackFailed"):
        return f"the endpoint is {status}: {reason or 'SageMaker gives no reason'}"
    if live != wanted and not moving:
        return (
            f"silent rollback: {live} serves, and the stack says {wanted}; an alarm undid the "
            "update. Read the endpoint's log and alarms, and deploy a mended version"
        )
    return ""


def _ecs(client: ClientFactory, stack: DeployedStack, service: str) -> ServiceState:
    arn = stack.only("AWS::ECS::Service")
    cluster = arn.split("/")[1]
    ecs = client("ecs")
    found = ecs.describe_services(cluster=cluster, services=[arn])["services"][0]
    live, wanted = found["taskDefinition"], stack.only("AWS::ECS::TaskDefinition")
    deployments = found.get("deployments", [])
    moving = len(deployments) > 1 or any(
        d.get("rolloutState") == "IN_PROGRESS" for d in deployments
    )
    task = ecs.describe_task_definition(taskDefinition=live)["taskDefinition"]
    return ServiceState(
        service=service,
        backend="ecs",
        stack_status=stack.status,
        status=_rollout(deployments) or found["status"],
        live=_short(live),
        wanted=_short(wanted),
        running=found.get("runningCount", 0),
        desired=found.get("desiredCount", 0),
        images=tuple(container["image"] for container in task["containerDefinitions"]),
        moving=moving,
        fault=_service_fault(found, wanted, moving=moving) or _stack_fault(stack),
    )


def _rollout(deployments: list[dict[str, Any]]) -> str:
    primary = next((d for d in deployments if d.get("status") == "PRIMARY"), {})
    return str(primary.get("rolloutState", ""))


def _service_fault(found: dict[str, Any], wanted: str, *, moving: bool) -> str:
    for deployment in found.get("deployments", []):
        if deployment.get("rolloutState") == "FAILED":
            reason = deployment.get("rolloutStateReason", "ECS gives no reason")
            return f"a deployment failed and was rolled back: {reason}"
    if found["status"] != "ACTIVE":
        return f"the service is {found['status']}"
    if found["taskDefinition"] != wanted and not moving:
        return (
            f"silent rollback: {_short(found['taskDefinition'])} runs, and the stack says "
            f"{_short(wanted)}; read the service's events, and deploy a mended version"
        )
    return ""


def _stack_fault(stack: DeployedStack) -> str:
    if stack.status in STEADY or stack.status.endswith("_IN_PROGRESS"):
        return ""
    return f"the stack {stack.name} is {stack.status}; its events say why"


def _short(arn: str) -> str:
    return arn.rpartition("/")[2]
