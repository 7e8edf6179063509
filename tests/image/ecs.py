"""The ECS service as its construct writes it, and its task on this machine."""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cdk_vllm.constructs import ExistingImage, FrontDoor, LogBucket, ModelStore, VllmEcsService
from cdk_vllm.constructs.instance_user_data import ADAPTERS_ON_HOST, CACHE_ON_HOST, MODELS_ON_HOST
from tests.image.container import Container, container
from tests.image.task import Platform, Properties, resolve, words_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cdk_vllm.sizing import ServingPlan

API_KEY = "the-tests-own-key"
PORT = 8000
IMAGE = "public.ecr.aws/x/vllm@sha256:" + "a" * 64


def task_definition(plan: ServingPlan, bucket: str) -> Properties:
    """Return the properties of the task definition that a service of `plan` gets."""
    stack = Stack(App(), "Stack", env=Environment(region="us-east-1"))
    vpc = ec2.Vpc(stack, "Vpc")
    logs = LogBucket(stack, "Logs").bucket
    models = ModelStore(stack, "Models", log_bucket=logs)
    VllmEcsService(
        stack,
        "Chat",
        plan=plan,
        vpc=vpc,
        models=models,
        image=ExistingImage(stack, "Image", uri=IMAGE),
        front_door=FrontDoor(
            stack, "Door", plan=plan, vpc=vpc, log_bucket=logs, insecure_http=True
        ),
    )
    template = Template.from_stack(stack)
    (task,) = template.find_resources("AWS::ECS::TaskDefinition").values()
    (own,) = (
        name
        for name, found in template.find_resources("AWS::S3::Bucket").items()
        if name.startswith("Models") and found["Type"]
    )
    found: Any = resolve(task["Properties"], {own: bucket})
    return dict(found)


@dataclass
class Machine:
    """A container instance after its first boot, and the tasks it runs, one after the other."""

    folder: Path
    image: str
    variables: Mapping[str, str]
    started: int = field(default=0)

    def __post_init__(self) -> None:
        """Make the private directories as the instance's user data does."""
        for name in map(self.place, (CACHE_ON_HOST, MODELS_ON_HOST, ADAPTERS_ON_HOST)):
            name.mkdir(mode=0o700)
            os.chown(name, 2000, 0)

    @contextmanager
    def run(self, task: Properties) -> Iterator[Container]:
        """Run a task: its containers that end, in turn, and then the one that stays."""
        self.started += 1
        volumes = {
            each["Name"]: str(self.place(each["Host"]["SourcePath"]))
            for each in task.get("Volumes", [])
        }
        platform = Platform(volumes, {"VLLM_API_KEY": API_KEY}, self.variables)
        containers = task["ContainerDefinitions"]
        assert {each["Image"] for each in containers} == {IMAGE}
        for each in containers:
            if not each["Essential"]:
                with self._container(each, platform) as first:
                    status = first.process.wait(timeout=120)
                    assert status == 0, first.end_of_log()
        (stays,) = (each for each in containers if each["Essential"])
        with self._container(stays, platform) as running:
            yield running

    @contextmanager
    def _container(self, definition: Properties, platform: Platform) -> Iterator[Container]:
        name = f"{definition['Name']}-{self.started}"
        words = [*words_of(definition, platform), self.image, *definition["Command"]]
        with container(name, words, self.folder / f"{name}.log", port=PORT) as running:
            running.headers["Authorization"] = f"Bearer {API_KEY}"
            yield running

    def place(self, on_host: str) -> Path:
        """Return where a directory of the instance lies here."""
        return self.folder / PurePosixPath(on_host).name
