"""A running vLLM as its clients see it, and how one is started as the stacks say."""

from __future__ import annotations

import json
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import urllib3

from cdk_vllm.constructs.ecs_container import TaskContext, container_definition, prepare_definition
from cdk_vllm.constructs.vllm_container import sagemaker_environment
from cdk_vllm.local import image
from cdk_vllm.local.processes import Machine, Server
from cdk_vllm.model_prefix import ADAPTERS, adapter_prefix, model_prefix
from tests.engine.serving.cloud import REGION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from aws_cdk.aws_ecs import CfnTaskDefinition

    from cdk_vllm.constructs import ModelStore
    from cdk_vllm.local.engine import Engine
    from tests.engine.serving.cloud import Cloud

    Definition = CfnTaskDefinition.ContainerDefinitionProperty

API_KEY = "the-tests-own-key"
ON_HOST = ("/var/cache/vllm", "/models", "/adapters")
ENTRYPOINT = ["/bin/bash", f"{image.FILES}/entrypoint.sh", "serve"]
PREPARE = ["python3", f"{image.FILES}/prepare.py"]
PREPARE_SECONDS = 60.0
MODEL_DIRECTORY = "/opt/ml/model"
REQUEST_SECONDS = 120.0


@dataclass(frozen=True)
class Replica:
    """One vLLM that serves; `model` is the name that requests give."""

    server: Server
    model: str

    def request(
        self, method: str, path: str, body: object = None, key: str | None = API_KEY, **headers: str
    ) -> urllib3.BaseHTTPResponse:
        """Send one request, on a connection of its own, and return the answer, whole."""
        with urllib3.PoolManager(retries=False, timeout=REQUEST_SECONDS) as pool:
            sent = {"Authorization": f"Bearer {key}"} if key else {}
            return pool.request(method, self.server.url + path, json=body, headers=sent | headers)

    def post(self, path: str, **body: object) -> Any:
        """Post a body with the model's name in it and return the answer's JSON; 200 or it fails."""
        answer = self.request("POST", path, {"model": self.model, **body})
        assert answer.status == 200, answer.data
        return answer.json()

    def chat(self, text: str = "What does a load balancer do?", **options: object) -> Any:
        """Return the answer to one message."""
        messages = [{"role": "user", "content": text}]
        return self.post(
            "/v1/chat/completions", **{"messages": messages, "max_tokens": 16} | options
        )

    def complete(self, prompt: str = "The quick brown", **options: object) -> str:
        """Return a greedy completion's text."""
        asked = {"prompt": prompt, "max_tokens": 16, "temperature": 0} | options
        return str(self.post("/v1/completions", **asked)["choices"][0]["text"])

    def stream(self, path: str, **body: object) -> list[Any]:
        """Return the events of a streamed answer, which must end with `[DONE]`."""
        answer = self.request("POST", path, {"model": self.model, "stream": True, **body})
        assert answer.status == 200, answer.data
        assert answer.headers["content-type"].startswith("text/event-stream")
        return events(answer.data)

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that carry the labels; 0 where there are none."""
        text = self.request("GET", "/metrics").data.decode()
        found = re.findall(rf"^{re.escape(name)}(?:\{{(.*)\}})? (\S+)$", text, flags=re.MULTILINE)
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(float(value) for seen, value in found if all(w in seen for w in wanted))


def events(data: bytes) -> list[Any]:
    """Return the events of an answer made of server-sent events."""
    lines = [line.removeprefix("data: ") for line in data.decode().splitlines()]
    told = [line for line in lines if line and not line.startswith(":")]
    assert told[-1] == "[DONE]"
    return [json.loads(line) for line in told[:-1]]


@dataclass(frozen=True)
class Serving:
    """Starts replicas of the cloud's services, each with files and variables as in its image.

    Only what `cdk_vllm.local.on_cpu` names is replaced.
    """

    engine: Engine
    cloud: Cloud
    directory: Path

    @contextmanager
    def serve(
        self,
        service: str = "chat",
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Iterator[Replica]:
        """Serve a pushed service; stop it at the end, killing what is left after 30 s.

        `options` follow the plan's own words (ECS alone) and `environment` goes over the plan's.
        Raises `RehearsalError` where it does not start; the message holds vLLM's last error.
        """
        machine = self.machine()
        self.prepare(machine, service)
        server = self.start(machine, service, options, environment)
        try:
            server.wait()
            yield Replica(server, str(self.cloud.plans[service].engine_args["served_model_name"]))
        finally:
            server.stop()

    def machine(self) -> Machine:
        """Return a machine of its own for one task, with the image's files unpacked."""
        number = sum(1 for _ in self.directory.iterdir())
        root = self.directory / str(number)
        folders = {path: root / path.strip("/") for path in (image.FILES, MODEL_DIRECTORY, "/tmp")}
        # What was looked up or fetched once stays on the instance, for the next task.
        folders |= {path: self.directory / Path(path).name for path in ON_HOST}
        for folder in folders.values():
            folder.mkdir(parents=True, exist_ok=True)
        machine = Machine(self.engine, root, folders, self.cloud.variables)
        image.unpack(folders[image.FILES], machine.moved)
        return machine

    def prepare(self, machine: Machine, service: str) -> str:
        """Run the init container, or download as SageMaker does, and return what it said."""
        if self.cloud.plans[service].request.backend != "ecs":
            uri = self.cloud.model_uri(service)
            return str(self.cloud.download(uri, machine.mounts[MODEL_DIRECTORY]))
        first, _ = self.containers(service)
        words, variables = words_of(first), self.of_image() | variables_of(first)
        done = machine.run(words, variables, PREPARE_SECONDS)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(
        self,
        machine: Machine,
        service: str,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Server:
        """Start a service's container and return at once; the caller stops it."""
        plan = self.cloud.plans[service]
        if plan.request.backend == "ecs":
            _, vllm = self.containers(service)
            words = [*words_of(vllm), *options]
            own = variables_of(vllm) | {"VLLM_API_KEY": API_KEY}
        else:
            words, own = ENTRYPOINT, sagemaker_environment(plan)
        return machine.start(words, self.of_image() | own | dict(environment or {}))

    def containers(self, service: str) -> tuple[Definition, Definition]:
        """Return the two containers of an ECS service's task, as its construct defines them."""
        plan = self.cloud.plans[service]
        context = TaskContext(
            image_uri="vllm",
            models=cast("ModelStore", Addresses(self.cloud.bucket)),
            api_key_arn=None,
            log_group_name="vllm",
            region=REGION,
        )
        return prepare_definition(plan, context), container_definition(plan, context)

    def of_image(self) -> dict[str, str]:
        """Return the variables of the image."""
        return image.variables((image.container_directory() / "Dockerfile").read_text("utf-8"))


@dataclass(frozen=True)
class Addresses:
    """Where things lie in the store: all that a task's containers ask the construct for."""

    bucket: str

    def model_uri(self, model: str, revision: str) -> str:
        """Return a model's address."""
        return f"s3://{self.bucket}/{model_prefix(model, revision)}"

    def adapter_uri(self, service: str, name: str, version: str) -> str:
        """Return an adapter's address."""
        return f"s3://{self.bucket}/{adapter_prefix(service, name, version)}"

    def adapters_uri(self, service: str) -> str:
        """Return the address of all adapters of a service."""
        return f"s3://{self.bucket}/{ADAPTERS}{service}/"


def words_of(container: Definition) -> list[str]:
    """Return a container's words."""
    return [*(container.entry_point or ()), *(container.command or ())]


def variables_of(container: Definition) -> dict[str, str]:
    """Return a container's variables."""
    pairs: Any = container.environment or ()
    return {str(pair.name): str(pair.value) for pair in pairs}
