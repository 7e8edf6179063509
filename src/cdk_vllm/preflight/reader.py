"""Asks AWS for the facts, with the caller's own credentials; reads only, and changes nothing."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.preflight.account_quotas import quota_facts
from cdk_vllm.preflight.facts import Facts, ModelFact, Unknown
from cdk_vllm.preflight.known import known
from cdk_vllm.preflight.needs import PlannedService, quota_needs
from cdk_vllm.preflight.stored_model import stored_model

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    ClientFactory = Callable[[str], Any]

ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<repository>[^:@]+)(?::(?P<tag>[^@]+))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?$"
)


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where an environment is, or will be.

    `zones` are named by the environment file; else those of the VPC's subnets, or, for a new VPC,
    the first `zones_count` of the region. `foundation_stack` has the model store's bucket among its
    outputs, and the names of all the environment's stacks begin with `own_stacks`.
    """

    foundation_stack: str
    own_stacks: str
    vpc_id: str | None = None
    zones: tuple[str, ...] = ()
    zones_count: int = 2


def caller_account(client: ClientFactory) -> str:
    """Return the account of the credentials; raises `CdkVllmError` in one sentence without any."""
    try:
        return str(client("sts").get_caller_identity()["Account"])
    except ClientError as error:
        code = error.response["Error"]["Code"]
        raise CdkVllmError(
            f"AWS does not accept the credentials ({code}), so nothing was checked; renew them"
        ) from None
    except BotoCoreError as error:
        raise CdkVllmError(
            f"there are no AWS credentials to check with ({_plain(error)}); give them in the "
            "environment or in AWS_PROFILE"
        ) from None


def read(client: ClientFactory, services: Sequence[PlannedService], place: Place) -> Facts:
    """Return what AWS says about everything that some services need.

    `client` makes a boto3 client of a service in the environment's region. Whatever may not be
    read, or does not exist yet, is `Unknown` with its reason.
    """
    quotas = [need.quota for need in quota_needs(services) if need.quota]
    on_ec2 = [service for service in services if not service.on_sagemaker]
    types = sorted({name for service in on_ec2 for name in service.instance_types})
    return Facts(
        quotas=quota_facts(client, quotas, own_stacks=place.own_stacks),
        planned_zones=known(lambda: _planned_zones(client("ec2"), place)) if types else (),
        zones=_zones_of(client, types),
        models=_models(client, services, place.foundation_stack),
        images={s.image: known(partial(_image, client, s.image)) for s in services},
    )


def _planned_zones(ec2: Any, place: Place) -> tuple[str, ...]:
    if place.zones:
        return tuple(sorted(set(place.zones)))
    if place.vpc_id:
        filters = [{"Name": "vpc-id", "Values": [place.vpc_id]}]
        pages = ec2.get_paginator("describe_subnets").paginate(Filters=filters)
        found = {subnet["AvailabilityZone"] for page in pages for subnet in page["Subnets"]}
        return tuple(sorted(found))
    filters = [{"Name": "zone-type", "Values": ["availability-zone"]}]
    zones = ec2.describe_availability_zones(Filters=filters)["AvailabilityZones"]
    return tuple(sorted(zone["ZoneName"] for zone in zones)[: place.zones_count])


def _zones_of(client: ClientFactory, types: list[str]) -> dict[str, tuple[str, ...] | Unknown]:
    """Return where each type is offered, asked for all at once."""
    if not types:
        return {}
    offered = known(lambda: _offerings(client("ec2"), types))
    if isinstance(offered, Unknown):
        return dict.fromkeys(types, offered)
    return {name: tuple(sorted(offered.get(name, ()))) for name in types}


def _offerings(ec2: Any, types: list[str]) -> dict[str, set[str]]:
    pages = ec2.get_paginator("describe_instance_type_offerings").paginate(
        LocationType="availability-zone", Filters=[{"Name": "instance-type", "Values": types}]
    )
    found: dict[str, set[str]] = {}
    for offering in (o for page in pages for o in page["InstanceTypeOfferings"]):
        found.setdefault(offering["InstanceType"], set()).add(offering["Location"])
    return found


def _models(
    client: ClientFactory, services: Sequence[PlannedService], stack: str
) -> dict[str, ModelFact | Unknown]:
    bucket = known(lambda: _bucket(client("cloudformation"), stack))
    if isinstance(bucket, Unknown):
        return {service.name: bucket for service in services}
    facts = {}
    for service in services:
        model, revision = service.plan.request.model, service.plan.request.revision
        ask = partial(stored_model, bucket=bucket, model=model, revision=revision)
        facts[service.name] = known(partial(ask, client("s3")))
    return facts


def _bucket(cloudformation: Any, stack: str) -> str | Unknown:
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        return Unknown(f"the stack {stack} is not deployed yet, and it brings the model store")
    outputs = {o["OutputKey"]: o["OutputValue"] for o in found.get("Outputs", [])}
    return outputs.get("ModelBucket") or Unknown(f"the stack {stack} has no output ModelBucket")


def _image(client: ClientFactory, uri: str) -> bool | Unknown:
    found = ECR_IMAGE.match(uri)
    if not found:
        return Unknown("it is not in ECR, and no other registry is asked")
    wanted = {"imageDigest": found["digest"]} if found["digest"] else {"imageTag": found["tag"]}
    if None in wanted.values():
        return Unknown("it names neither a tag nor a digest")
    ecr = client("ecr")
    if found["region"] != ecr.meta.region_name:
        return Unknown(f"it is in {found['region']}, and only {ecr.meta.region_name} is asked")
    try:
        ecr.describe_images(
            registryId=found["account"], repositoryName=found["repository"], imageIds=[wanted]
        )
    except ClientError as error:
        missing = ("ImageNotFoundException", "RepositoryNotFoundException")
        if error.response["Error"]["Code"] not in missing:
            raise
        return False
    return True


def _plain(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")
