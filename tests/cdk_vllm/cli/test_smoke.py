"""`cdk-vllm smoke` against deployed stacks of both backends, with an engine's API behind them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from click.testing import CliRunner

from cdk_vllm.cli.smoke import command
from cdk_vllm.embedded_aws.sagemaker_engine import engine_behind
from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.errors import CdkVllmError, InputError
from cdk_vllm.live.port_forwarding import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

REGION = "us-east-1"
ENVIRONMENT = """
region = "us-east-1"
[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
insecure_http = true
[services.summaries]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
max_request_seconds = 60
[services.reports]
backend = "sagemaker"
model = "Qwen/Qwen3-8B"
max_model_len = 4096
max_request_seconds = 3600
asynchronous = true
"""
VARIANT = {
    "VariantName": "vllm",
    "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
    "InstanceType": "ml.g6e.2xlarge",
    "InitialInstanceCount": 1,
}


ANSWERS = {"OutputConfig": {"S3OutputPath": "s3://answers/answers/"}}


def endpoint_template(name: str, **config: Any) -> str:
    """Return a stack as SageMakerStack leaves one, as far as the command looks."""
    role = "arn:aws:iam::123456789012:role/r"
    model = {"ExecutionRoleArn": role, "PrimaryContainer": {"Image": "i"}}
    config_name = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
    endpoint = {"EndpointConfigName": config_name, "EndpointName": name}
    resources = {
        "Model": ("Model", model),
        "Config": ("EndpointConfig", {"ProductionVariants": [VARIANT], **config}),
        "Endpoint": ("Endpoint", endpoint),
    }
    template = {
        "Resources": {
            logical: {"Type": f"AWS::SageMaker::{kind}", "Properties": properties}
            for logical, (kind, properties) in resources.items()
        },
        "Outputs": {"EndpointName": {"Value": {"Fn::GetAtt": ["Endpoint", "EndpointName"]}}},
    }
    return json.dumps(template)


def chat_template(base_url: str) -> dict[str, Any]:
    return {
        "Resources": {
            "Key": {
                "Type": "AWS::SecretsManager::Secret",
                "Properties": {"Name": "key", "SecretString": "sesame"},
            }
        },
        "Outputs": {"BaseUrl": {"Value": base_url}, "ApiKeySecret": {"Value": {"Ref": "Key"}}},
    }


@pytest.fixture(scope="module")
def running() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as aws:
        create = aws.client("cloudformation", REGION).create_stack
        create(StackName="dev-summaries", TemplateBody=endpoint_template("summaries"))
        reports = endpoint_template("reports", AsyncInferenceConfig=ANSWERS)
        create(StackName="dev-reports", TemplateBody=reports)
        aws.client("s3", REGION).create_bucket(Bucket="answers")
        nowhere = f"http://127.0.0.1:{free_port()}/v1"
        create(StackName="dev-chat", TemplateBody=json.dumps(chat_template(nowhere)))
        yield aws


@pytest.fixture
def aws(running: EmbeddedAws, monkeypatch: pytest.MonkeyPatch) -> EmbeddedAws:
    for name, value in running.environment(REGION).items():
        monkeypatch.setenv(name, value)
    return running


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    path = tmp_path / "dev.toml"
    path.write_text(ENVIRONMENT, encoding="utf-8")
    return path


def smoke(*arguments: object) -> str:
    words = [str(argument) for argument in arguments]
    return CliRunner().invoke(command, words, catch_exceptions=False).output


def test_both_backends_answer(aws: EmbeddedAws, environment: Path, chat_api: Any) -> None:
    chat_api.key = "sesame"
    said = smoke(environment, "chat", "--base-url", f"{chat_api.url}/v1")
    assert 'chat: "The capital is Paris."' in said
    assert "first token 0." in said
    assert [path for path, _, _ in chat_api.seen] == ["/v1/chat/completions"] * 2
    chat_api.key = ""
    with engine_behind(chat_api.url, "summaries"):
        said = smoke(environment, "summaries")
    assert 'summaries: "The capital is Paris."' in said
    assert [path for path, _, _ in chat_api.seen[2:]] == ["/invocations"] * 2
    assert [body["stream"] for _, _, body in chat_api.seen] == [False, True] * 2
    assert {body["model"] for _, _, body in chat_api.seen} == {"Qwen/Qwen3-8B"}


def test_sagemaker_is_asked_as_openai_clients_do(
    aws: EmbeddedAws, environment: Path, chat_api: Any
) -> None:
    url = f"{aws.endpoint_url}/endpoints/summaries/openai/v1"
    with engine_behind(chat_api.url, "summaries"):
        said = smoke(environment, "summaries", "--base-url", url)
    assert 'summaries: "The capital is Paris."' in said
    assert "first token 0." in said
    assert [path for path, _, _ in chat_api.seen] == ["/v1/chat/completions"] * 2
    # What AWS checks at its door never reaches the container.
    assert not any("authorization" in headers for _, headers, _ in chat_api.seen)
    with pytest.raises(InputError, match="no OpenAI route"):
        smoke(environment, "reports", "--openai")


def test_an_asynchronous_service_is_asked_through_s3(
    aws: EmbeddedAws, environment: Path, chat_api: Any
) -> None:
    with engine_behind(chat_api.url, "reports"):
        said = smoke(environment, "reports")
    assert 'reports: "The capital is Paris."' in said
    assert "5 tokens, through S3" in said


def test_where_an_issuers_tokens_are_taken_the_caller_brings_one(
    aws: EmbeddedAws, environment: Path, chat_api: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = environment.rename(environment.with_name("tokens.toml"))
    outputs = {"BaseUrl": {"Value": f"{chat_api.url}/v1"}}
    topic = {"Type": "AWS::SNS::Topic"}
    template = json.dumps({"Resources": {"Topic": topic}, "Outputs": outputs})
    create = aws.client("cloudformation", REGION).create_stack
    create(StackName="tokens-chat", TemplateBody=template)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="put one into OPENAI_API_KEY"):
        smoke(other, "chat")
    monkeypatch.setenv("OPENAI_API_KEY", "a-token")
    chat_api.key = "a-token"
    assert "Paris" in smoke(other, "chat")


def test_an_internal_load_balancer_is_offered_a_way(aws: EmbeddedAws, environment: Path) -> None:
    with pytest.raises(CdkVllmError) as caught:
        smoke(environment, "chat", "--through", "i-0123456789abcdef0")
    said = str(caught.value)
    assert "add --open" in said
    assert "aws ssm start-session --region us-east-1 --target i-0123456789abcdef0" in said
    assert "localPortNumber=8000" in said


def test_a_slow_first_token_fails(aws: EmbeddedAws, environment: Path, chat_api: Any) -> None:
    with (
        engine_behind(chat_api.url),
        pytest.raises(CdkVllmError, match=r"first token took 0\.\d+ s, above 0.001"),
    ):
        smoke(environment, "summaries", "--first-token-seconds", "0.001")


def test_an_engine_that_fails_fails_the_test(
    aws: EmbeddedAws, environment: Path, chat_api: Any
) -> None:
    chat_api.status = 500
    with engine_behind(chat_api.url), pytest.raises(CdkVllmError, match="ModelError"):
        smoke(environment, "summaries")


def test_wrong_words_are_refused(aws: EmbeddedAws, environment: Path) -> None:
    with pytest.raises(InputError, match=r'no service "chatt".*Did you mean "chat"'):
        smoke(environment, "chatt")
    with pytest.raises(InputError, match="--base-url is one service's"):
        smoke(environment, "--base-url", "http://127.0.0.1/v1")


def test_a_service_that_is_not_deployed_says_so(aws: EmbeddedAws, environment: Path) -> None:
    other = environment.rename(environment.with_name("prod.toml"))
    with pytest.raises(InputError, match="prod-chat does not exist"):
        smoke(other, "chat")
