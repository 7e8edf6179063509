"""Brings a service of an environment up on this machine: AWS embedded, the engine on the CPU."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import RehearsalError
from cdk_vllm.local import containers, image
from cdk_vllm.local.call import Call
from cdk_vllm.local.processes import Machine
from cdk_vllm.local.stand_in import stand_in_for
from cdk_vllm.model_store import push

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from cdk_vllm.embedded_aws.rehearsal import Rehearsal, Step
    from cdk_vllm.embedded_aws.server import EmbeddedAws
    from cdk_vllm.environment_file import EnvironmentFile
    from cdk_vllm.local.containers import Container
    from cdk_vllm.local.engine import Engine
    from cdk_vllm.local.processes import Server
    from cdk_vllm.sizing import ModelShape

PREPARE_SECONDS = 300.0
OWN_MODEL_KV_CACHE_BYTES = 2 * 1024**3
CHAT_PATHS = {"ecs": "/v1/chat/completions", "sagemaker": "/invocations"}


@dataclass(frozen=True, kw_only=True)
class LocalService:
    """A service to be served here: which, with what, from where, and how progress is shown."""

    environment: EnvironmentFile
    name: str
    shape: ModelShape
    engine: Engine
    directory: Path
    step: Step
    model_directory: Path | None = None

    def make_model(self) -> Path:
        """Return the user's own model, or write the stand-in and return it."""
        if self.model_directory is not None:
            return self.model_directory
        architecture, config = stand_in_for(self.shape)
        with self.step(f"make a small {architecture} with random weights"):
            folder = self.directory / "stand-in"
            self.engine.write_models([{"directory": str(folder), "config": config}])
        return folder

    def deploy(self, run: Rehearsal, synth_arguments: tuple[str, ...], model: Path) -> None:
        """Deploy the foundation, push the model, and deploy the service's own stack."""
        output = run.synth("local", synth_arguments)
        run.bootstrap()
        run.deploy(output, [f"{self.environment.name}/foundation"])
        told, client = self.environment.services[self.name], run.client(self.environment.region)
        with self.step(f"push the model as {told.model}"):
            push(
                client("s3"),
                bucket=_model_bucket(client("cloudformation"), self.environment.name),
                model=told.model,
                revision=told.revision,
                directory=model,
            )
        run.deploy(output, [f"{self.environment.name}/{self.name}"])

    @contextmanager
    def serving(self, aws: EmbeddedAws, on_line: Callable[[str], None]) -> Iterator[Serving]:
        """Run what the deployed stack says, on this machine's CPU, until the block ends."""
        told = self.environment.services[self.name]
        read = containers.of_ecs if told.backend == "ecs" else containers.of_sagemaker
        stack = f"{self.environment.name}-{self.name}"
        found = read(partial(aws.client, region=self.environment.region), stack)
        machine = self._machine(aws, found)
        for each in found[:-1]:
            with self.step(f"run the container {each.name}"):
                _run(machine, each)
        vllm = found[-1]
        if vllm.model_uri:
            with self.step("copy the model, as SageMaker does"):
                s3 = aws.client("s3", self.environment.region)
                _download(s3, vllm.model_uri, machine.mounts[containers.MODEL_DIRECTORY])
        server = machine.start(list(vllm.words), of_image() | vllm.environment)
        try:
            with self.step("start vLLM on the CPU"):
                server.wait(on_line=on_line)
            key = vllm.environment.get("VLLM_API_KEY")
            yield Serving(server, Call(server.url, CHAT_PATHS[told.backend], told.model, key))
        finally:
            server.stop()

    def _machine(self, aws: EmbeddedAws, found: list[Container]) -> Machine:
        root = self.directory / "machine"
        inside = {image.FILES, *(path for each in found for path in each.mounts)}
        mounts = {path: root / path.strip("/") for path in inside}
        for folder in mounts.values():
            folder.mkdir(parents=True)
        given = aws.environment(self.environment.region)
        machine = Machine(
            self.engine, root, mounts, given | {"RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0"}
        )
        image.unpack(mounts[image.FILES], machine.moved)
        if self.model_directory is not None:
            machine = replace(machine, kv_cache_bytes=OWN_MODEL_KV_CACHE_BYTES)
        return machine


@dataclass(frozen=True)
class Serving:
    """A service that serves, and how it is called."""

    server: Server
    call: Call


def of_image() -> dict[str, str]:
    """Return the variables of the image."""
    return image.variables((image.container_directory() / "Dockerfile").read_text("utf-8"))


def _run(machine: Machine, container: Container) -> None:
    done = machine.run(list(container.words), of_image() | container.environment, PREPARE_SECONDS)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise RehearsalError(f"the container {container.name} ended with {done.returncode}: {last}")


def _download(s3: Any, uri: str, into: Path) -> None:
    bucket, prefix = uri.removeprefix("s3://").split("/", 1)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for listed in page.get("Contents", ()):
            target = into / listed["Key"].removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            s3.download_file(bucket, listed["Key"], str(target))


def _model_bucket(cloudformation: Any, environment: str) -> str:
    stack = cloudformation.describe_stacks(StackName=f"{environment}-foundation")["Stacks"][0]
    return {o["OutputKey"]: str(o["OutputValue"]) for o in stack["Outputs"]}["ModelBucket"]
