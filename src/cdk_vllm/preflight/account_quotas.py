"""Reads quotas, and what others use of them: EC2 counts vCPUs by family, SageMaker instances."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cdk_vllm import catalog
from cdk_vllm.catalog.quotas import Quota, ec2_quota
from cdk_vllm.preflight.facts import QuotaFact, Unknown
from cdk_vllm.preflight.known import known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

UNSEEN_USE = Unknown("what other endpoints use of it is not subtracted")
RUNNING = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
STACK_TAG = "aws:cloudformation:stack-name"


def quota_facts(
    client: Callable[[str], Any], quotas: Iterable[Quota], *, own_stacks: str
) -> dict[str, QuotaFact | Unknown]:
    """Return each quota's value by its name, and what is used outside of the caller's own stacks.

    `own_stacks` is how the names of the environment's stacks begin: their instances are part of
    what is needed, not of what others use.
    """
    asked = list(quotas)
    facts: dict[str, QuotaFact | Unknown] = {}
    if any(quota.code for quota in asked):
        used = known(lambda: vcpus_in_use(client("ec2"), own_stacks))
        facts |= {q.name: _ec2_fact(client, q, used) for q in asked if q.code}
    by_name = [quota for quota in asked if not quota.code]
    if by_name:
        values = known(lambda: _values_by_name(client("service-quotas"), by_name))
        facts |= {q.name: _named_fact(q, values) for q in by_name}
    return facts


def _ec2_fact(
    client: Callable[[str], Any], quota: Quota, used: dict[str, float] | Unknown
) -> QuotaFact | Unknown:
    value = known(lambda: _value(client("service-quotas"), quota))
    if isinstance(value, Unknown):
        return value
    in_use = used if isinstance(used, Unknown) else used.get(str(quota.code), 0.0)
    return QuotaFact(value=value, code=str(quota.code), in_use=in_use)


def _value(service_quotas: Any, quota: Quota) -> float:
    """Return the account's own value, or AWS's default where it has none."""
    asked = {"ServiceCode": quota.service_code, "QuotaCode": quota.code}
    try:
        return float(service_quotas.get_service_quota(**asked)["Quota"]["Value"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchResourceException":
            raise
    return float(service_quotas.get_aws_default_service_quota(**asked)["Quota"]["Value"])


def _named_fact(
    quota: Quota, values: dict[str, tuple[float, str]] | Unknown
) -> QuotaFact | Unknown:
    if isinstance(values, Unknown):
        return values
    if quota.name not in values:
        return Unknown("Service Quotas has no quota of this name in the region")
    value, code = values[quota.name]
    return QuotaFact(value=value, code=code, in_use=UNSEEN_USE)


def _values_by_name(service_quotas: Any, quotas: list[Quota]) -> dict[str, tuple[float, str]]:
    """Return value and code by name: the account's own first, AWS's defaults for the rest."""
    wanted, found = {quota.name for quota in quotas}, dict[str, tuple[float, str]]()
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        if wanted <= found.keys():
            break
        for quota in _listed(service_quotas, operation, quotas[0].service_code):
            if quota["QuotaName"] in wanted:
                found.setdefault(quota["QuotaName"], (float(quota["Value"]), quota["QuotaCode"]))
    return found


def _listed(service_quotas: Any, operation: str, service_code: str) -> Iterator[dict[str, Any]]:
    for page in service_quotas.get_paginator(operation).paginate(ServiceCode=service_code):
        yield from page["Quotas"]


def vcpus_in_use(ec2: Any, own_stacks: str) -> dict[str, float]:
    """Return the vCPUs of running GPU instances by quota code, without the caller's own stacks."""
    used: dict[str, float] = {}
    for page in ec2.get_paginator("describe_instances").paginate(Filters=RUNNING):
        for instance in (i for r in page["Reservations"] for i in r["Instances"]):
            spot = instance.get("InstanceLifecycle") == "spot"
            quota = ec2_quota(instance["InstanceType"], spot=spot)
            tags = {tag["Key"]: tag["Value"] for tag in instance.get("Tags", [])}
            if quota and not tags.get(STACK_TAG, "").startswith(own_stacks):
                used[str(quota.code)] = used.get(str(quota.code), 0.0) + _vcpus(instance)
    return used


def _vcpus(instance: dict[str, Any]) -> int:
    planned = catalog.instances().get(instance["InstanceType"])
    if planned:
        return planned.vcpus
    cpu = instance.get("CpuOptions", {})
    return int(cpu.get("CoreCount", 0)) * int(cpu.get("ThreadsPerCore", 1))
