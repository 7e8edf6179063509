"""Everything is read from an account as moto has it, and what moto lacks is unknown, not ok."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import NoCredentialsError
from botocore.stub import Stubber

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.preflight import PlannedService, Unknown
from cdk_vllm.preflight.reader import Place, caller_account, read

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingPlan

    ClientFactory = Callable[[str], Any]

PLACE = Place(foundation_stack="dev-foundation", own_stacks="dev-")
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm"
MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
DIGEST = "sha256:" + "0" * 64


def service(plan: ServingPlan, image: str = "vllm/vllm-openai:v0.33.0") -> PlannedService:
    return PlannedService(plan=plan, image=image)


def image_fact(client: ClientFactory, plan: ServingPlan, image: str) -> bool | Unknown:
    return read(client, [service(plan, image)], PLACE).images[image]


def test_the_caller_is_who_the_credentials_say(client: ClientFactory) -> None:
    assert caller_account(client) == "123456789012"


def test_no_credentials_are_one_sentence() -> None:
    def without(_: str) -> Any:
        raise NoCredentialsError

    with pytest.raises(CdkVllmError, match="no AWS credentials") as refused:
        caller_account(without)
    assert refused.value.exit_code == 1


def test_expired_credentials_are_one_sentence(client: ClientFactory) -> None:
    sts = client("sts")
    with Stubber(sts) as stubber:
        stubber.add_client_error("get_caller_identity", "ExpiredToken", http_status_code=403)
        with pytest.raises(CdkVllmError, match=r"does not accept .*ExpiredToken.*; renew them"):
            caller_account(lambda _: sts)


def test_zones_of_a_new_network_are_the_region_s_first(
    client: ClientFactory, ecs_plan: ServingPlan
) -> None:
    facts = read(client, [service(ecs_plan)], replace(PLACE, zones_count=3))
    assert facts.planned_zones == ("us-east-1a", "us-east-1b", "us-east-1c")
    offered = facts.zones["g6e.2xlarge"]
    assert not isinstance(offered, Unknown)
    assert set(offered) <= {f"us-east-1{letter}" for letter in "abcdef"}
    assert offered


def test_zones_of_an_existing_network_are_its_subnets(
    client: ClientFactory, ecs_plan: ServingPlan
) -> None:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    for number, zone in enumerate("db"):
        ec2.create_subnet(
            VpcId=vpc, CidrBlock=f"10.0.{number}.0/24", AvailabilityZone=f"us-east-1{zone}"
        )
    facts = read(client, [service(ecs_plan)], replace(PLACE, vpc_id=vpc))
    assert facts.planned_zones == ("us-east-1b", "us-east-1d")
    named = read(client, [service(ecs_plan)], replace(PLACE, vpc_id=vpc, zones=("us-east-1f",)))
    assert named.planned_zones == ("us-east-1f",)


def test_a_type_that_exists_nowhere_is_offered_nowhere(
    client: ClientFactory, ecs_plan: ServingPlan
) -> None:
    nowhere = PlannedService(plan=ecs_plan, fallback_types=("p5e.48xlarge",))
    facts = read(client, [nowhere], PLACE)
    assert facts.zones["p5e.48xlarge"] == ()


def test_sagemaker_alone_asks_for_no_zones(
    client: ClientFactory, sagemaker_plan: ServingPlan
) -> None:
    facts = read(client, [service(sagemaker_plan)], PLACE)
    assert (facts.zones, facts.planned_zones) == ({}, ())


def test_before_the_foundation_there_is_no_store(
    client: ClientFactory, ecs_plan: ServingPlan
) -> None:
    fact = read(client, [service(ecs_plan)], PLACE).models["chat"]
    assert isinstance(fact, Unknown)
    assert "dev-foundation is not deployed yet" in fact.reason


@pytest.mark.parametrize("output", ["ModelBucket", "Another"])
def test_the_store_is_an_output_of_the_foundation(
    client: ClientFactory, ecs_plan: ServingPlan, output: str
) -> None:
    bucket = {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "models"}}
    template = {"Resources": {"B": bucket}, "Outputs": {output: {"Value": {"Ref": "B"}}}}
    client("cloudformation").create_stack(
        StackName="dev-foundation", TemplateBody=json.dumps(template)
    )
    fact = read(client, [service(ecs_plan)], PLACE).models["chat"]
    if output == "ModelBucket":
        assert not isinstance(fact, Unknown)
        assert fact.uri == "s3://models/models/Qwen/Qwen3-8B/main/"
        assert fact.faults
    else:
        assert fact == Unknown("the stack dev-foundation has no output ModelBucket")


def test_an_image_in_ecr_is_looked_up(client: ClientFactory, ecs_plan: ServingPlan) -> None:
    ecr = client("ecr")
    ecr.create_repository(repositoryName="vllm")
    config = {"mediaType": "application/json", "digest": DIGEST, "size": 1}
    manifest = {"schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": config, "layers": []}
    pushed = ecr.put_image(
        repositoryName="vllm", imageManifest=json.dumps(manifest), imageTag="v0.33.0"
    )
    digest = pushed["image"]["imageId"]["imageDigest"]
    assert image_fact(client, ecs_plan, f"{REPOSITORY}@{digest}") is True
    assert image_fact(client, ecs_plan, f"{REPOSITORY}:v0.33.0") is True
    assert image_fact(client, ecs_plan, f"{REPOSITORY}:v0.34.0") is False
    assert image_fact(client, ecs_plan, f"{REPOSITORY}@{DIGEST}") is False
    assert image_fact(client, ecs_plan, f"{REPOSITORY}-other:v1") is False


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("vllm/vllm-openai:v0.33.0", "not in ECR"),
        ("public.ecr.aws/x/vllm:v1", "not in ECR"),
        (REPOSITORY, "neither a tag nor a digest"),
        (REPOSITORY.replace("us-east-1", "eu-west-1") + ":v1", "only us-east-1 is asked"),
    ],
)
def test_an_image_elsewhere_is_not_checked(
    client: ClientFactory, ecs_plan: ServingPlan, image: str, why: str
) -> None:
    fact = image_fact(client, ecs_plan, image)
    assert isinstance(fact, Unknown)
    assert why in fact.reason


def test_a_refused_quota_leaves_the_rest_read(client: ClientFactory, ecs_plan: ServingPlan) -> None:
    facts = read(client, [service(ecs_plan)], PLACE)
    (quota,) = facts.quotas.values()
    assert quota == Unknown("AWS answered GetServiceQuota with AccessDeniedException")
    assert facts.zones["g6e.2xlarge"]
