"""What a deployment runs, read back from the embedded AWS: words, variables, secrets, in order."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import RehearsalError
from cdk_vllm.local.image import FILES

if TYPE_CHECKING:
    from cdk_vllm.embedded_aws.rehearsal import ClientFactory

MODEL_DIRECTORY = "/opt/ml/model"
# The SageMaker image's own, and SageMaker's one argument.
SAGEMAKER_WORDS = ("/bin/bash", f"{FILES}/entrypoint.sh", "serve")


@dataclass(frozen=True)
class Container:
    """One container: its words, its variables with secrets among them, the paths it mounts.

    `model_uri` is where the platform itself copies a model from, into `/opt/ml/model`.
    """

    name: str
    words: tuple[str, ...]
    environment: dict[str, str] = field(repr=False)
    mounts: tuple[str, ...] = ()
    model_uri: str | None = None


def of_ecs(client: ClientFactory, stack: str) -> list[Container]:
    """Return the containers of a stack's task, those that vLLM waits for first."""
    arn = _physical_id(client, stack, "AWS::ECS::Service")
    ecs = client("ecs")
    found = ecs.describe_services(cluster=arn.split("/")[1], services=[arn])["services"][0]
    task = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    told = {each["name"]: each for each in task["containerDefinitions"]}
    serving = [name for name, each in told.items() if each.get("entryPoint") == ["vllm", "serve"]]
    if len(serving) != 1:
        raise RehearsalError(f"the task of {stack} has no container that runs vllm serve")
    return [_of_task(client, told[name]) for name in in_order(told, serving[0])]


def in_order(told: dict[str, dict[str, Any]], last: str) -> list[str]:
    """Return the names of the containers that `last` waits for to succeed, and `last`."""
    before = [
        each["containerName"]
        for each in told[last].get("dependsOn", [])
        if each["condition"] == "SUCCESS"
    ]
    names = [name for each in before for name in in_order(told, each)]
    return [*dict.fromkeys(names), last]


def of_sagemaker(client: ClientFactory, stack: str) -> list[Container]:
    """Return the one container of a stack's endpoint."""
    name = _physical_id(client, stack, "AWS::SageMaker::Model").rpartition("/")[2]
    told = client("sagemaker").describe_model(ModelName=name)["PrimaryContainer"]
    source = told["ModelDataSource"]["S3DataSource"]["S3Uri"]
    return [Container("vllm", SAGEMAKER_WORDS, told["Environment"], (MODEL_DIRECTORY,), source)]


def _of_task(client: ClientFactory, told: dict[str, Any]) -> Container:
    environment = {each["name"]: each["value"] for each in told.get("environment", [])}
    secrets = client("secretsmanager") if told.get("secrets") else None
    for each in told.get("secrets", []):
        value = secrets.get_secret_value(SecretId=each["valueFrom"])  # type: ignore[union-attr]
        environment[each["name"]] = value["SecretString"]
    tmpfs = told.get("linuxParameters", {}).get("tmpfs", [])
    paths = [each["containerPath"] for each in [*told.get("mountPoints", []), *tmpfs]]
    return Container(
        name=told["name"],
        words=(*told.get("entryPoint", []), *told.get("command", [])),
        environment=environment,
        mounts=tuple(str(PurePosixPath(path)) for path in paths),
    )


def _physical_id(client: ClientFactory, stack: str, resource_type: str) -> str:
    pages = client("cloudformation").get_paginator("list_stack_resources")
    for page in pages.paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            if resource["ResourceType"] == resource_type:
                return str(resource["PhysicalResourceId"])
    raise RehearsalError(f"the stack {stack} has no {resource_type}")
