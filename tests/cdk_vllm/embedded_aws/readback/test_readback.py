"""Every type that can be read back, deployed once to the embedded AWS, read back and deleted."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.embedded_aws.readback import exists, read_back, reader_types
from cdk_vllm.embedded_aws.readback.template import parse_template
from cdk_vllm.embedded_aws.server import EmbeddedAws

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from cdk_vllm.embedded_aws.readback import ResourceReadBack, StackReadBack

TEMPLATE = Path(__file__).with_name("every_type.yaml").read_text(encoding="utf-8")
RESOURCES = parse_template(TEMPLATE)["Resources"]
# moto has no service, or no call, behind these.
NOT_EMULATED = {
    "AWS::Logs::QueryDefinition",
}
# CloudFormation makes these in no stack of ours; their readers have tests of their own.
NOT_DEPLOYED = {
    "AWS::ElasticLoadBalancingV2::ListenerCertificate",
    "AWS::Lambda::Version",
    "AWS::Logs::ResourcePolicy",
    "AWS::Logs::SubscriptionFilter",
}


@pytest.fixture(scope="module")
def client() -> Iterator[Callable[[str], Any]]:
    with EmbeddedAws() as aws:
        yield cache(lambda service: aws.client(service, "us-east-1"))


@pytest.fixture(scope="module")
def deployed(client: Callable[[str], Any]) -> StackReadBack:
    client("cloudformation").create_stack(
        StackName="every", TemplateBody=TEMPLATE, Capabilities=["CAPABILITY_NAMED_IAM"]
    )
    return read_back(client, "every", {})


def of(result: StackReadBack, logical_id: str) -> ResourceReadBack:
    return next(r for r in result.resources if r.logical_id == logical_id)


def test_the_template_has_every_type_with_a_reader() -> None:
    deployed_types = {resource["Type"] for resource in RESOURCES.values()}
    assert deployed_types | NOT_EMULATED | NOT_DEPLOYED == reader_types()
    assert not deployed_types & (NOT_EMULATED | NOT_DEPLOYED)


@pytest.mark.parametrize("logical_id", RESOURCES)
def test_a_type_is_served(deployed: StackReadBack, logical_id: str) -> None:
    resource = of(deployed, logical_id)
    assert resource.outcome == "served", resource.detail
    assert resource.properties_checked > 0 or not RESOURCES[logical_id].get("Properties")


def test_deletion_leaves_what_is_retained_and_nothing_else(
    client: Callable[[str], Any], deployed: StackReadBack
) -> None:
    client("cloudformation").delete_stack(StackName="every")
    left = {
        r.logical_id
        for r in deployed.resources
        if exists(client, r.resource_type, r.physical_id, r.properties)
    }
    assert left == {name for name in RESOURCES if "DeletionPolicy" in RESOURCES[name]}
