"""What plans need of quotas: peaks of deployments, summed over services that share a quota."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.preflight.needs import PlannedService, QuotaNeed, quota_needs

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan


def only(*services: PlannedService) -> QuotaNeed:
    (need,) = quota_needs(services)
    return need


def on_spot(plan: ServingPlan) -> ServingPlan:
    return replace(plan, request=replace(plan.request, spot=True))


@pytest.mark.parametrize(
    ("strategy", "most", "instances"),
    [("surge", None, 8), ("surge", 8, 8), ("in_place", None, 4), ("blue_green", None, 8)],
)
def test_a_deployment_at_its_peak_is_what_counts(
    ecs_plan: ServingPlan, strategy: str, most: int | None, instances: int
) -> None:
    service = PlannedService(plan=ecs_plan, strategy=strategy, maximum_instances=most)
    need = only(service)
    assert need.quota is not None
    assert need.quota.code == "L-DB2E81BA"
    assert need.amount == instances * 8
    assert need.parts == (f"chat: {instances} x g6e.2xlarge of 8 vCPUs",)


def test_services_of_one_family_share_its_quota(ecs_plan: ServingPlan) -> None:
    other = replace(
        ecs_plan, instance_type="g5.xlarge", request=replace(ecs_plan.request, service="talk")
    )
    need = only(PlannedService(plan=ecs_plan), PlannedService(plan=other))
    assert need.amount == 8 * 8 + 8 * 4
    assert [part.partition(":")[0] for part in need.parts] == ["chat", "talk"]


def test_families_have_quotas_of_their_own(ecs_plan: ServingPlan) -> None:
    other = replace(ecs_plan, instance_type="p4d.24xlarge")
    needs = quota_needs([PlannedService(plan=ecs_plan), PlannedService(plan=other)])
    assert [need.quota.code if need.quota else None for need in needs] == [
        "L-DB2E81BA",
        "L-417A185B",
    ]


def test_spot_has_its_own_quota_beside_the_on_demand_base(ecs_plan: ServingPlan) -> None:
    service = PlannedService(plan=on_spot(ecs_plan), on_demand_base=2)
    on_demand, spot = quota_needs([service])
    assert on_demand.amount == 2 * 8
    assert spot.amount == 6 * 8
    assert spot.quota is not None
    assert spot.quota.name == "All G and VT Spot Instance Requests"
    assert "6 x Spot g6e.2xlarge" in spot.parts[0]


def test_stand_ins_are_not_counted_beside_the_planned_type(ecs_plan: ServingPlan) -> None:
    service = PlannedService(plan=ecs_plan, fallback_types=("g6e.4xlarge", "p4d.24xlarge"))
    assert only(service).amount == 8 * 8
    assert service.instance_types == ("g6e.2xlarge", "g6e.4xlarge", "p4d.24xlarge")


def test_a_quota_nobody_published_is_a_need_all_the_same(ecs_plan: ServingPlan) -> None:
    need = only(PlannedService(plan=on_spot(replace(ecs_plan, instance_type="p6-b200.48xlarge"))))
    assert need.quota is None
    assert need.amount == 8 * 192


def test_an_endpoint_is_updated_beside_itself(sagemaker_plan: ServingPlan) -> None:
    need = only(PlannedService(plan=sagemaker_plan))
    assert need.amount == 8
    assert need.quota is not None
    assert need.quota.name == "ml.g6e.2xlarge for endpoint usage"
