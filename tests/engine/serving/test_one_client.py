"""One environment with one model on both backends: deployed, served here, and asked by one client.

Only base URL and key differ between the two. SageMaker is also asked by its own clients. One vLLM
at a time serves these tests: first as ECS starts it, then as SageMaker does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from ast import literal_eval
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from cdk_vllm import environment_file, planning
from cdk_vllm.embedded_aws.sagemaker_engine import engine_behind
from cdk_vllm.live.bearer_token import bearer_token
from tests.conftest import _app, _templates
from tests.engine.serving.cloud import REGION, Cloud
from tests.engine.serving.replica import Serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from cdk_vllm.local.engine import Engine
    from tests.engine.serving.models import Models

ROOT = Path(__file__).parents[3]
SERVICE = """
[services.{backend}]
backend = "{backend}"
model = "Qwen/Qwen3-8B"
revision = "0123456789abcdef0123456789abcdef01234567"
max_model_len = 16384
prompt_tokens = 2000
output_tokens = 500
concurrent_requests = 32
max_request_seconds = 60
"""
ENVIRONMENT = (
    f'region = "{REGION}"\n'
    + SERVICE.format(backend="ecs")
    + "insecure_http = true\n"
    + SERVICE.format(backend="sagemaker")
)
# What a user writes once; BASE_URL and API_KEY are all that the backends differ in.
CLIENT = """
import os, openai
client = openai.OpenAI(base_url=os.environ["BASE_URL"], api_key=os.environ["API_KEY"])
ask = {"model": "Qwen/Qwen3-8B", "max_tokens": 16, "seed": 7}
ask["messages"] = [{"role": "user", "content": "What does an endpoint do?"}]
whole = client.chat.completions.create(**ask).choices[0].message.content
parts = [c.choices[0].delta.content for c in client.chat.completions.create(stream=True, **ask)]
assert len(parts) > 3, parts
print(repr((whole, "".join(part or "" for part in parts))))
"""
# SageMaker's SDK reads an answer's stream as if it were a table, and fails at every one, AWS's own
# too. So its reader is put aside for that call, and its result is given what was sent, as it is.
SDK_CLIENT = """
import json, os, sys
from sagemaker.core import resources
endpoint = resources.Endpoint.get(os.environ["ENDPOINT"])
assert endpoint.endpoint_status == "InService"
ask = {"model": "Qwen/Qwen3-8B", "max_tokens": 16, "seed": 7}
ask["messages"] = [{"role": "user", "content": "What does an endpoint do?"}]
json_type = {"content_type": "application/json"}
answer = json.loads(endpoint.invoke(json.dumps(ask), **json_type).body.read())
whole = answer["choices"][0]["message"]["content"]
streamed = json.dumps({**ask, "stream": True})
try:
    endpoint.invoke_with_response_stream(streamed, **json_type)
except AttributeError as error:
    assert "EventStream" in str(error)
def read(response, shape):
    events = b"".join(event["PayloadPart"]["Bytes"] for event in response["Body"])
    return {"body": {"payload_part": {"bytes": events}}, "content_type": response["ContentType"]}
resources.transform = read
events = endpoint.invoke_with_response_stream(streamed, **json_type).body.payload_part.bytes
lines = events.decode().split("\\n\\n")
assert lines[-2] == "data: [DONE]", lines[-2:]
chunks = [json.loads(line.removeprefix("data: ")) for line in lines[:-2]]
parts = [c["choices"][0]["delta"].get("content") or "" for c in chunks if c["choices"]]
print(repr((whole, "".join(parts))))
"""


@dataclass(frozen=True)
class Served:
    """A backend whose model is served here, and how OpenAI clients reach it."""

    backend: str
    base_url: str
    key: str
    endpoint: str = ""


@pytest.fixture(scope="module")
def both(cloud: Cloud, models: Models, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    """Deploy the environment to the embedded AWS that is there, and push its model."""
    path = tmp_path_factory.mktemp("both") / "both.toml"
    path.write_text(ENVIRONMENT, "utf-8")
    cloud.cdk_vllm("plan", str(path), "--write")
    environment = environment_file.load(path)
    bucket = _deploy(cloud, path)["both-foundation"]["ModelBucket"]
    made = Cloud(cloud.aws, bucket, environment, planning.plan(environment), {})
    made.push("ecs", models.qwen3)
    return made


def _deploy(cloud: Cloud, path: Path) -> dict[str, dict[str, str]]:
    """Create the stacks that the app synthesizes, and return their outputs."""
    from app import add_environment

    outdir = path.with_name("assembly")
    app = _app(outdir)
    add_environment(app, path)
    app.synth()
    templates = _templates(outdir)
    cloudformation = cloud.aws.client("cloudformation", REGION)
    parameter = "/cdk-bootstrap/hnb659fds/version"
    cloud.aws.client("ssm", REGION).put_parameter(Name=parameter, Value="30", Type="String")
    for name in ("both-foundation", "both-ecs", "both-sagemaker"):
        cloudformation.create_stack(
            StackName=name,
            TemplateBody=json.dumps(templates[name]),
            Capabilities=["CAPABILITY_NAMED_IAM"],
        )
    return {name: _outputs(cloud, name) for name in templates}


def _outputs(cloud: Cloud, stack: str) -> dict[str, str]:
    cloudformation = cloud.aws.client("cloudformation", REGION)
    (found,) = cloudformation.describe_stacks(StackName=stack)["Stacks"]
    assert found["StackStatus"] == "CREATE_COMPLETE"
    return {output["OutputKey"]: output["OutputValue"] for output in found["Outputs"]}


@pytest.fixture(scope="module", params=["ecs", "sagemaker"])
def served(
    request: pytest.FixtureRequest,
    engine: Engine,
    both: Cloud,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Served]:
    serving = Serving(engine, both, tmp_path_factory.mktemp("machines"))
    start = {"ecs": _on_ecs, "sagemaker": _on_sagemaker}[request.param]
    with start(serving, both) as found:
        yield found


@contextmanager
def _on_ecs(serving: Serving, both: Cloud) -> Iterator[Served]:
    """Serve with the key that the stack made, as its load balancer's clients know it."""
    secret = _outputs(both, "both-ecs")["ApiKeySecret"]
    secrets = both.aws.client("secretsmanager", REGION)
    key = secrets.get_secret_value(SecretId=secret)["SecretString"]
    with serving.serve("ecs", environment={"VLLM_API_KEY": key}) as replica:
        yield Served("ecs", f"{replica.server.url}/v1", key)


@contextmanager
def _on_sagemaker(serving: Serving, both: Cloud) -> Iterator[Served]:
    """Serve behind the deployed endpoint: its clients speak with SageMaker."""
    endpoint = _outputs(both, "both-sagemaker")["EndpointName"]
    credentials: Any = boto3.Session("testing", "testing").get_credentials()
    with serving.serve("sagemaker") as replica, engine_behind(replica.server.url, endpoint):
        url = f"{both.aws.endpoint_url}/endpoints/{endpoint}/openai/v1"
        yield Served("sagemaker", url, bearer_token(credentials, REGION), endpoint)


@pytest.fixture(scope="module")
def answers() -> dict[str, str]:
    """What the client got, by backend."""
    return {}


def run(engine: Engine, program: str, variables: Mapping[str, str]) -> str:
    """Run a client's program in an interpreter that has the clients, and return what it prints."""
    done = subprocess.run(
        [engine.python, "-c", program],
        env=os.environ | dict(variables),
        capture_output=True,
        text=True,
        check=False,
        timeout=180,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_one_client_works_with_both(
    served: Served, engine: Engine, answers: dict[str, str]
) -> None:
    said = run(engine, CLIENT, {"BASE_URL": served.base_url, "API_KEY": served.key})
    whole, streamed = literal_eval(said)
    assert whole.strip()
    assert whole == streamed
    answers[served.backend] = said
    # The same weights and the same question: it is the same model, wherever it runs.
    assert set(answers.values()) == {said}


def test_a_key_is_needed(served: Served, engine: Engine) -> None:
    with pytest.raises(AssertionError, match=r"AuthenticationError|PermissionDeniedError"):
        run(engine, CLIENT, {"BASE_URL": served.base_url, "API_KEY": "another"})


def test_the_smoke_test_passes(served: Served, both: Cloud) -> None:
    file = str(both.environment.path)
    printed = [both.cdk_vllm("smoke", file, served.backend, "--base-url", served.base_url)]
    if served.endpoint:
        printed.append(both.cdk_vllm("smoke", file, served.backend))
    for text in printed:
        assert text.startswith(f'{served.backend}: "')
        assert "stream: first token 0." in text


def test_sagemakers_own_client_gets_the_same_answer(
    served: Served, both: Cloud, engine: Engine, answers: dict[str, str]
) -> None:
    if not served.endpoint:  # it calls SageMaker, and nothing else
        return
    sdk = engine.python.parents[1] / "sagemaker"
    variables = both.aws.environment(REGION) | {"PYTHONPATH": str(sdk), "ENDPOINT": served.endpoint}
    assert run(engine, SDK_CLIENT, variables) == answers["sagemaker"]


def test_the_state_of_both_is_told(both: Cloud) -> None:
    told = both.cdk_vllm("status", str(both.environment.path))
    assert "sagemaker  sagemaker, InService, stack CREATE_COMPLETE: as deployed" in told
    assert "ecs  ecs, " in told


def test_the_environment_rehearses(both: Cloud) -> None:
    command = [sys.executable, "-m", "cdk_vllm", "rehearse", str(both.environment.path)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stderr
    assert ", 0 skipped; " in done.stdout
