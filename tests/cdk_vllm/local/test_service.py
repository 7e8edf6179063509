"""A deployed service on this machine, with an engine that tells how it was called."""

from __future__ import annotations

import json
from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm import environment_file
from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.errors import RehearsalError
from cdk_vllm.local.service import LocalService
from cdk_vllm.model_store import push
from cdk_vllm.planning import request_for

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cdk_vllm.local.engine import Engine

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
"""
MODEL = "s3://models-of-a-test/models/Qwen/Qwen3-8B/main/"
ECS = """
Resources:
  Key:
    Type: AWS::SecretsManager::Secret
    Properties: {SecretString: the-key}
  Cluster: {Type: AWS::ECS::Cluster}
  Task:
    Type: AWS::ECS::TaskDefinition
    Properties:
      Family: chat
      Volumes: [{Name: cache, Host: {SourcePath: /mnt/cache}}]
      ContainerDefinitions:
        - Name: vllm
          Image: vllm
          Memory: 512
          EntryPoint: [vllm, serve]
          Command: ["%(model)s", --max-model-len, "16384", --chat-template, /var/cache/vllm/a]
          DependsOn: [{ContainerName: prepare, Condition: SUCCESS}]
          Environment: [{Name: HOME, Value: /var/cache/vllm}]
          Secrets: [{Name: VLLM_API_KEY, ValueFrom: !Ref Key}]
          MountPoints: [{SourceVolume: cache, ContainerPath: /var/cache/vllm}]
        - Name: prepare
          Image: vllm
          Memory: 64
          Essential: false
          EntryPoint: [python3, /opt/cdk-vllm/%(prepare)s]
          Command: [%(words)s]
  Service:
    Type: AWS::ECS::Service
    Properties: {Cluster: !Ref Cluster, TaskDefinition: !Ref Task, DesiredCount: 0}
"""
SAGEMAKER = """
Resources:
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}}
  Model:
    Type: AWS::SageMaker::Model
    Properties:
      ExecutionRoleArn: !GetAtt Role.Arn
      PrimaryContainer:
        Image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm
        Environment: {SM_VLLM_MAX_MODEL_LEN: "16384"}
        ModelDataSource:
          S3DataSource: {S3Uri: "%(model)s", S3DataType: S3Prefix, CompressionType: None}
"""
# A script of the image that needs nothing but Python, in place of the check.
SUCCEEDS = {"model": MODEL, "prepare": "array_words.py", "words": 'NAME, "[]"'}
FAILS = {"model": MODEL, "prepare": "array_words.py", "words": 'NAME, "["'}


@pytest.fixture(scope="module")
def aws() -> Iterator[EmbeddedAws]:
    with EmbeddedAws() as found:
        yield found


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    folder = tmp_path / "local"
    folder.mkdir()
    return folder


def local_service(name: str, engine: Engine, directory: Path) -> LocalService:
    """Return a service of an environment called like the test's folder, whose stacks are free."""
    path = directory.parent / f"{directory.parent.name[:20].replace('_', '-')}.toml"
    path.write_text(ENVIRONMENT, "utf-8")
    environment = environment_file.load(path)
    return LocalService(
        environment=environment,
        name=name,
        shape=request_for(environment, name).shape,
        engine=engine,
        directory=directory,
        step=lambda _: nullcontext(),
    )


def deploy(aws: EmbeddedAws, local: LocalService, template: str) -> None:
    name = f"{local.environment.name}-{local.name}"
    aws.client("cloudformation", REGION).create_stack(StackName=name, TemplateBody=template)


def told(aws: EmbeddedAws, local: LocalService) -> dict[str, Any]:
    """Serve, ask once, and return how the engine was called, and for what."""
    with local.serving(aws, lambda _: None) as found:
        said: dict[str, Any] = json.loads(found.call.make())
    assert found.server.process.poll() is not None
    return said


def test_an_ecs_service_runs_its_tasks_words(
    aws: EmbeddedAws, engine: Engine, directory: Path
) -> None:
    local = local_service("chat", engine, directory)
    deploy(aws, local, ECS % SUCCEEDS)
    said = told(aws, local)
    cache = directory / "machine" / "var/cache/vllm"
    assert said["words"][:2] == ["serve", MODEL]
    assert said["words"][2:6] == ["--max-model-len", "4096", "--chat-template", f"{cache}/a"]
    assert said["path"] == "/v1/chat/completions"
    assert said["key"] == "Bearer the-key"
    assert json.loads(said["asked"])["model"] == "Qwen/Qwen3-8B"
    variables = said["environment"]
    assert variables["HOME"] == str(cache)
    assert variables["AWS_ENDPOINT_URL"] == aws.endpoint_url
    assert variables["HF_HUB_OFFLINE"] == "1", "from the image"


def test_what_comes_before_vllm_must_succeed(
    aws: EmbeddedAws, engine: Engine, directory: Path
) -> None:
    local = local_service("chat", engine, directory)
    deploy(aws, local, ECS % FAILS)
    with pytest.raises(RehearsalError, match=r"container prepare ended with 1: cdk-vllm: NAME"):
        told(aws, local)


def test_an_endpoint_runs_its_entry_point_on_a_copied_model(
    aws: EmbeddedAws, engine: Engine, directory: Path
) -> None:
    local = local_service("summaries", engine, directory)
    source = directory.parent / "source"
    source.mkdir()
    (source / "config.json").write_text("{}")
    (source / "model.safetensors").write_bytes(b"weights")
    s3 = aws.client("s3", REGION)
    s3.create_bucket(Bucket="models-of-a-test")
    push(s3, bucket="models-of-a-test", model="Qwen/Qwen3-8B", revision="main", directory=source)
    deploy(aws, local, SAGEMAKER % SUCCEEDS)
    said = told(aws, local)
    model = directory / "machine" / "opt/ml/model"
    assert said["words"][:2] == ["serve", str(model)]
    assert said["words"][2:4] == ["--max-model-len", "4096"]
    assert "0.0.0.0" not in " ".join(said["words"])
    assert said["path"] == "/invocations"
    assert said["key"] is None
    assert (model / "model.safetensors").read_bytes() == b"weights"


def test_ones_own_model_gets_a_larger_cache_and_is_not_copied(
    aws: EmbeddedAws, engine: Engine, directory: Path
) -> None:
    local = local_service("chat", engine, directory)
    own = directory.parent / "own"
    local = type(local)(**{**vars(local), "model_directory": own})
    assert local.make_model() == own
    deploy(aws, local, ECS % SUCCEEDS)
    words = told(aws, local)["words"]
    assert int(words[words.index("--kv-cache-memory-bytes") + 1]) >= 2**30
