"""What runs is read back from the deployed stack: words, variables, secrets, what comes first."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.errors import RehearsalError
from cdk_vllm.local import containers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from cdk_vllm.embedded_aws.rehearsal import ClientFactory

REGION = "us-east-1"
TEMPLATE = """
Resources:
  Key:
    Type: AWS::SecretsManager::Secret
    Properties: {GenerateSecretString: {PasswordLength: 48, ExcludePunctuation: true}}
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
          Command: ["s3://bucket/models/a/", "--seed", "1"]
          DependsOn:
            - {ContainerName: prepare, Condition: SUCCESS}
            - {ContainerName: sidecar, Condition: START}
          Environment: [{Name: HOME, Value: /var/cache/vllm}]
          Secrets: [{Name: VLLM_API_KEY, ValueFrom: !Ref Key}]
          MountPoints: [{SourceVolume: cache, ContainerPath: /var/cache/vllm/}]
          LinuxParameters: {Tmpfs: [{ContainerPath: /tmp, Size: 64}]}
        - Name: sidecar
          Image: agent
          Memory: 64
          Essential: false
        - Name: prepare
          Image: vllm
          Memory: 64
          Essential: false
          EntryPoint: [python3, /opt/cdk-vllm/prepare.py]
          Command: [--model, "s3://bucket/models/a/"]
  Service:
    Type: AWS::ECS::Service
    Properties: {Cluster: !Ref Cluster, TaskDefinition: !Ref Task, DesiredCount: 0}
  Role:
    Type: AWS::IAM::Role
    Properties: {AssumeRolePolicyDocument: {Version: "2012-10-17", Statement: []}}
  Model:
    Type: AWS::SageMaker::Model
    Properties:
      ExecutionRoleArn: !GetAtt Role.Arn
      PrimaryContainer:
        Image: 123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm
        Environment: {SM_VLLM_SEED: "1"}
        ModelDataSource:
          S3DataSource:
            {S3Uri: "s3://bucket/models/a/", S3DataType: S3Prefix, CompressionType: None}
"""


@pytest.fixture(scope="module")
def client() -> Iterator[ClientFactory]:
    with EmbeddedAws() as aws:
        clients: dict[str, Any] = {}

        def factory(service: str) -> Any:
            return clients.setdefault(service, aws.client(service, REGION))

        factory("cloudformation").create_stack(StackName="dev-chat", TemplateBody=TEMPLATE)
        yield factory


def test_vllms_container_comes_last_after_what_it_waits_for(client: ClientFactory) -> None:
    found = containers.of_ecs(client, "dev-chat")
    assert [each.name for each in found] == ["prepare", "vllm"]
    assert found[0].words == (
        *("python3", "/opt/cdk-vllm/prepare.py"),
        *("--model", "s3://bucket/models/a/"),
    )


def test_words_mounts_and_secrets_are_the_tasks(client: ClientFactory) -> None:
    vllm = containers.of_ecs(client, "dev-chat")[-1]
    assert vllm.words == ("vllm", "serve", "s3://bucket/models/a/", "--seed", "1")
    assert set(vllm.mounts) == {"/var/cache/vllm", "/tmp"}
    assert vllm.environment["HOME"] == "/var/cache/vllm"
    assert len(vllm.environment["VLLM_API_KEY"]) == 48
    assert vllm.environment["VLLM_API_KEY"] not in repr(vllm)
    assert vllm.model_uri is None


def test_an_endpoints_model_is_copied_by_the_platform(client: ClientFactory) -> None:
    (vllm,) = containers.of_sagemaker(client, "dev-chat")
    assert vllm.words == ("/bin/bash", "/opt/cdk-vllm/entrypoint.sh", "serve")
    assert vllm.environment == {"SM_VLLM_SEED": "1"}
    assert vllm.model_uri == "s3://bucket/models/a/"
    assert containers.MODEL_DIRECTORY in vllm.mounts


def test_containers_wait_for_each_other_in_turn() -> None:
    success = "SUCCESS"
    told: dict[str, dict[str, Any]] = {
        "a": {},
        "b": {"dependsOn": [{"containerName": "a", "condition": success}]},
        "c": {
            "dependsOn": [
                {"containerName": "b", "condition": success},
                {"containerName": "a", "condition": success},
            ]
        },
    }
    assert containers.in_order(told, "c") == ["a", "b", "c"]


def test_a_stack_without_a_service_is_named(client: ClientFactory) -> None:
    template = "Resources: {Cluster: {Type: AWS::ECS::Cluster}}"
    client("cloudformation").create_stack(StackName="dev-none", TemplateBody=template)
    with pytest.raises(RehearsalError, match="dev-none has no AWS::ECS::Service"):
        containers.of_ecs(client, "dev-none")
