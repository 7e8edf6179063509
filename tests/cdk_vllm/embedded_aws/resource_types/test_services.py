from __future__ import annotations

from cfnlint.schema import PROVIDER_SCHEMA_MANAGER

from cdk_vllm.embedded_aws.resource_types.resource import Resource
from cdk_vllm.embedded_aws.resource_types.services import SERVED


def test_every_class_serves_one_type_and_says_how_it_is_created() -> None:
    assert len(SERVED) >= 65
    for name, resource in SERVED.items():
        assert name == resource.type_name
        assert resource.create is not Resource.create


def test_every_type_and_every_name_property_is_cloudformations_own() -> None:
    for name, resource in SERVED.items():
        if name.startswith("Custom::"):
            continue
        schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema("us-east-1", name).schema
        named = {resource.name_property} - {None}
        assert named | resource.fixed <= schema["properties"].keys(), name
