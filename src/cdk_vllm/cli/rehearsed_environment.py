"""What the rehearsal of one of our environments adds: a pushed model and one real change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import tomlkit

from cdk_vllm import environment_file, plan_file, planning
from cdk_vllm.embedded_aws import given
from cdk_vllm.embedded_aws.rehearsal import ClientFactory, Scenario
from cdk_vllm.embedded_aws.report import Check
from cdk_vllm.embedded_aws.server import ACCOUNT_ID
from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.model_store import MANIFEST_NAME, Manifest, push

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cdk_vllm.environment_file import EnvironmentFile, Service

# Two published builds of one vLLM: CUDA 13 and CUDA 12.9.
CUDA_12_SUFFIX = "-cu129"


@dataclass(frozen=True)
class RehearsedEnvironment:
    """An environment and the directory that its rehearsal may write to."""

    environment: EnvironmentFile
    directory: Path

    def scenario(self) -> Scenario:
        """Return what to do between the deployments, what to change, and what to look at."""
        return Scenario(
            account=self.environment.account or ACCOUNT_ID,
            synth_arguments=_context(self.environment.path),
            given=self.make_given,
            foundation=(f"{self.environment.name}/foundation",),
            after_foundation=self.push_models,
            edit=self.edit,
            observe=self.observe,
            changes=self.changes(),
        )

    def make_given(self, client: ClientFactory) -> None:
        """Make the network that the environment file names."""
        network = self.environment.network
        if network.vpc_id:
            zones = zip(network.private_subnet_ids, network.availability_zones, strict=True)
            given.vpc(client, network.vpc_id, dict(zones))

    def push_models(self, client: ClientFactory) -> list[Check]:
        """Push a tiny model for every service and read each manifest back."""
        stack = f"{self.environment.name}-foundation"
        outputs = client("cloudformation").describe_stacks(StackName=stack)["Stacks"][0]["Outputs"]
        bucket = {o["OutputKey"]: o["OutputValue"] for o in outputs}["ModelBucket"]
        source = write_tiny_model(self.directory / "model")
        checks = []
        for name, service in self.environment.services.items():
            result = push(
                client("s3"),
                bucket=bucket,
                model=service.model,
                revision=service.revision,
                directory=source,
            )
            stored = _stored_manifest(client, bucket, service)
            complete = stored == result.manifest and len(stored.files) > 1
            checks.append(Check(f"the model of {name} is in the store", complete, result.uri))
        return checks

    def edit(self, directory: Path) -> tuple[str, ...]:
        """Write an edited copy of the environment, planned anew, and return its synth arguments."""
        document: Any = tomlkit.parse(self.environment.path.read_text(encoding="utf-8"))
        for name, service in self.environment.services.items():
            _edit_service(document["services"][name], service, self.environment.path.parent)
        path = directory / "environments" / self.environment.path.name
        path.parent.mkdir(exist_ok=True)
        path.write_text(tomlkit.dumps(document), encoding="utf-8")
        edited = environment_file.load(path)
        plan_file.write(edited, planning.plan(edited))
        return _context(path)

    def changes(self) -> dict[str, str | None]:
        """Return the facts that the edited copy changes, with the values they must take."""
        expected: dict[str, str | None] = {}
        for name, service in self.environment.services.items():
            replicas = service.replicas
            expected[f"{name} image"] = None
            expected[f"{name} replicas"] = f"{replicas.min + 1} to {replicas.max + 1}"
            expected[f"{name} error alarm"] = f"{_doubled(service)}"
        return expected

    def observe(self, client: ClientFactory) -> Mapping[str, str]:
        """Read image, replicas and alarm of every service through the services' own APIs."""
        facts: dict[str, str] = {}
        for name, service in self.environment.services.items():
            ids = _physical_ids(client, f"{self.environment.name}-{name}")
            image = _ecs_image if service.backend == "ecs" else _sagemaker_image
            facts[f"{name} image"] = _short(image(client, ids))
            facts[f"{name} replicas"] = _replicas(client, ids)
            facts[f"{name} error alarm"] = _error_alarm(client, ids)
        return facts


def _context(path: Path) -> tuple[str, ...]:
    return ("--context", f"environments={path.resolve()}")


def _doubled(service: Service) -> float:
    return min(2 * service.alarms.error_ratio, 0.5)


def _edit_service(table: Any, service: Service, directory: Path) -> None:
    replicas = service.replicas
    table["replicas"] = {"min": replicas.min + 1, "max": replicas.max + 1}
    table.setdefault("alarms", tomlkit.table())["error_ratio"] = _doubled(service)
    image = table.setdefault("image", tomlkit.table())
    if service.image.uri:
        image["uri"] = f"{service.image.uri.split('@')[0]}@sha256:{'0' * 64}"
    else:
        base = f"vllm/vllm-openai:v{planning.vllm_version(service)}"
        image["base_image"] = (service.image.base_image or base) + CUDA_12_SUFFIX
    if service.model_config_file:
        table["model_config"] = str((directory / service.model_config_file).resolve())


def _stored_manifest(client: ClientFactory, bucket: str, service: Service) -> Manifest:
    key = model_prefix(service.model, service.revision) + MANIFEST_NAME
    body = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return Manifest.from_json(body)


def _physical_ids(client: ClientFactory, stack: str) -> dict[str, dict[str, str]]:
    """Return type -> logical id -> physical id of a stack's resources."""
    pages = client("cloudformation").get_paginator("list_stack_resources")
    ids: dict[str, dict[str, str]] = {}
    for page in pages.paginate(StackName=stack):
        for resource in page["StackResourceSummaries"]:
            of_type = ids.setdefault(resource["ResourceType"], {})
            of_type[resource["LogicalResourceId"]] = resource.get("PhysicalResourceId", "")
    return ids


def _only(ids: dict[str, dict[str, str]], resource_type: str) -> str:
    return next(iter(ids[resource_type].values()))


def _ecs_image(client: ClientFactory, ids: dict[str, dict[str, str]]) -> str:
    service_arn = _only(ids, "AWS::ECS::Service")
    cluster = service_arn.split("/")[1]
    ecs = client("ecs")
    found = ecs.describe_services(cluster=cluster, services=[service_arn])["services"][0]
    task = ecs.describe_task_definition(taskDefinition=found["taskDefinition"])["taskDefinition"]
    return str(task["containerDefinitions"][0]["image"])


def _sagemaker_image(client: ClientFactory, ids: dict[str, dict[str, str]]) -> str:
    name = _only(ids, "AWS::SageMaker::Endpoint").rpartition("/")[2]
    sagemaker = client("sagemaker")
    endpoint = sagemaker.describe_endpoint(EndpointName=name)
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    model = sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
    return str(model["PrimaryContainer"]["Image"])


def _short(image_uri: str) -> str:
    """Return an image's digest, as people compare it: its first twelve hexadecimal digits."""
    return image_uri.rpartition("@")[2][: len("sha256:") + 12]


def _replicas(client: ClientFactory, ids: dict[str, dict[str, str]]) -> str:
    namespace = "ecs" if "AWS::ECS::Service" in ids else "sagemaker"
    targets = client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace=namespace
    )["ScalableTargets"]
    marks = [p.rpartition("/")[2] for of_type in ids.values() for p in of_type.values()]
    for target in targets:
        if any(mark and mark in target["ResourceId"] for mark in marks):
            return f"{target['MinCapacity']} to {target['MaxCapacity']}"
    return "no scalable target"


def _error_alarm(client: ClientFactory, ids: dict[str, dict[str, str]]) -> str:
    alarms = ids["AWS::CloudWatch::Alarm"]
    name = next(p for logical, p in alarms.items() if "ErrorRatio" in logical)
    found = client("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"]
    return str(found[0]["Threshold"]) if found else "no alarm"
