"""Compares what is needed with what there is: facts in, one sentence a check out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.preflight.facts import Facts, ModelFact, QuotaFact, Result, Unknown
from cdk_vllm.preflight.needs import QuotaNeed, quota_needs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cdk_vllm.catalog.quotas import Quota
    from cdk_vllm.preflight.needs import PlannedService

_GB = 10**9


def findings(services: Sequence[PlannedService], facts: Facts) -> list[Result]:
    """Return every check with its result: quotas, then zones, models and images by service."""
    results = [_quota(need, facts) for need in quota_needs(services)]
    for service in services:
        results += _zones(service, facts)
        results.append(_model(service, facts))
        results.append(_image(service, facts))
    return results


def _quota(need: QuotaNeed, facts: Facts) -> Result:
    parts = "; ".join(need.parts)
    if need.quota is None:
        return Result(
            "quota", "not checked", f"no quota is published for {parts}; ask AWS for {need.amount}"
        )
    fact = facts.quotas.get(need.quota.name, Unknown("it was not asked for"))
    if isinstance(fact, Unknown):
        sentence = f'"{need.quota.name}" must be {need.amount} {need.quota.unit} ({parts})'
        return Result("quota", "not checked", f"{sentence}: {fact.reason}")
    return _compared(need, need.quota, fact, parts)


def _compared(need: QuotaNeed, quota: Quota, fact: QuotaFact, parts: str) -> Result:
    used = 0.0 if isinstance(fact.in_use, Unknown) else fact.in_use
    wanted = need.amount + used
    others = f", of which others use {used:g}" if used else ""
    sentence = (
        f'"{quota.name}" ({fact.code}) is {fact.value:g} {quota.unit}{others}, and a deployment '
        f"at its peak needs {need.amount} ({parts})"
    )
    if fact.value >= wanted:
        unsure = isinstance(fact.in_use, Unknown) and f"; {fact.in_use.reason}"
        return Result("quota", "ok", sentence + (unsure or ""))
    return Result("quota", "short", f"{sentence}; ask Service Quotas for {wanted:g} or more")


def _zones(service: PlannedService, facts: Facts) -> Iterator[Result]:
    about = f"zones of {service.name}"
    if service.on_sagemaker:
        why = f"{service.plan.instance_type}: SageMaker does not say which zones have it"
        yield Result(about, "not checked", why)
        return
    name, planned = service.plan.instance_type, facts.planned_zones
    offered = facts.zones.get(name, Unknown("it was not asked for"))
    if isinstance(planned, Unknown):
        yield Result(about, "not checked", f"{name}: {planned.reason}")
    elif isinstance(offered, Unknown):
        yield Result(about, "not checked", f"{name}: {offered.reason}")
    else:
        yield _offered(about, name, planned, offered)
        if service.fallback_types:
            yield _stand_ins(service, planned, facts)


def _stand_ins(service: PlannedService, planned: Sequence[str], facts: Facts) -> Result:
    """Types that nobody needs as long as the planned one is there; so none of them is short."""
    about = f"stand-ins of {service.name}"
    there = []
    for name in service.fallback_types:
        offered = facts.zones.get(name, Unknown("it was not asked for"))
        if isinstance(offered, Unknown):
            return Result(about, "not checked", f"{name}: {offered.reason}")
        if set(offered) & set(planned):
            there.append(name)
    missing = [name for name in service.fallback_types if name not in there]
    sentence = f"offered: {', '.join(there) or 'none'}"
    return Result(
        about, "ok", sentence + (f"; not offered: {', '.join(missing)}" if missing else "")
    )


def _offered(about: str, name: str, planned: Sequence[str], offered: Sequence[str]) -> Result:
    there = [zone for zone in planned if zone in offered]
    missing = [zone for zone in planned if zone not in offered]
    if not there:
        elsewhere = f"; offered in {', '.join(offered)}" if offered else "; the region has none"
        return Result(about, "short", f"{name} is not offered in {', '.join(planned)}{elsewhere}")
    sentence = f"{name} is offered in {', '.join(there)}"
    if missing:
        sentence += f", and not in {', '.join(missing)}, which cannot take over"
    return Result(about, "ok", sentence)


def _model(service: PlannedService, facts: Facts) -> Result:
    about = f"model of {service.name}"
    request = service.plan.request
    fact = facts.models.get(service.name, Unknown("it was not asked for"))
    if isinstance(fact, Unknown):
        return Result(about, "not checked", f"{request.model}: {fact.reason}")
    if fact.faults:
        return Result(about, "short", f"{fact.uri}: {_faults(fact)}; run: cdk-vllm push")
    files = "1 file" if fact.files == 1 else f"{fact.files} files"
    size = f"{files}, {fact.size_bytes / _GB:,.1f} GB"
    return Result(about, "ok", f"{fact.uri} is complete ({size})")


def _faults(fact: ModelFact) -> str:
    first, *others = fact.faults
    return f"{first}, and {len(others)} more" if others else first


def _image(service: PlannedService, facts: Facts) -> Result:
    about = f"image of {service.name}"
    fact = facts.images.get(service.image, Unknown("it was not asked for"))
    if isinstance(fact, Unknown):
        return Result(about, "not checked", f"{service.image}: {fact.reason}")
    if not fact:
        sentence = f"{service.image} is not in its ECR repository; push it, or name another image"
        return Result(about, "short", sentence)
    return Result(about, "ok", f"{service.image} is in its ECR repository")
