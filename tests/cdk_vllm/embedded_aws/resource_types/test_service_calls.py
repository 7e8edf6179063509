from __future__ import annotations

import pytest

from cdk_vllm.embedded_aws.resource_types.service_calls import (
    UnknownPropertyError,
    parameters_for,
    service_client,
)


def client(service: str) -> object:
    return service_client(service, "us-east-1", "123456789012")


def test_names_and_kinds_become_the_services() -> None:
    properties = {
        "Family": "f",
        "ContainerDefinitions": [
            {
                "Name": "c",
                "Memory": "1024",
                "Essential": "true",
                "DockerLabels": {"a": 1},
                "ResourceRequirements": [{"Type": "GPU", "Value": 1}],
            }
        ],
    }
    assert parameters_for(client("ecs"), "register_task_definition", properties) == {
        "family": "f",
        "containerDefinitions": [
            {
                "name": "c",
                "memory": 1024,
                "essential": True,
                "dockerLabels": {"a": "1"},
                "resourceRequirements": [{"type": "GPU", "value": "1"}],
            }
        ],
    }


def test_tags_become_a_map_and_documents_become_text() -> None:
    group = {"LogGroupName": "g", "Tags": [{"Key": "a", "Value": "b"}]}
    assert parameters_for(client("logs"), "create_log_group", group)["tags"] == {"a": "b"}
    role = {"RoleName": "r", "AssumeRolePolicyDocument": {"Version": "x"}}
    spelled = parameters_for(client("iam"), "create_role", role)
    assert spelled["AssumeRolePolicyDocument"] == '{"Version": "x"}'


def test_a_property_without_a_place_is_named() -> None:
    container = {"ContainerDefinitions": [{"Name": "c", "Colour": "red"}]}
    with pytest.raises(UnknownPropertyError, match=r"ContainerDefinitions\.Colour"):
        parameters_for(client("ecs"), "register_task_definition", container)
