"""GPU capacity: enough instances for a rollout, and none for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import GpuCapacity, HostLog, IsolatedNetwork, LogBucket
from cdk_vllm.constructs.gpu_capacity import Purchase
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import Alternative

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan


GROUP = "AWS::AutoScaling::AutoScalingGroup"
TYPES = ("g6e.4xlarge", "g6e.8xlarge", "g6e.12xlarge", "g6.2xlarge")


def with_alternatives(plan: ServingPlan) -> ServingPlan:
    """Add two that take the same tasks, one with more GPUs, one with less host memory."""
    names = [(name, 1) for name in TYPES]
    alternatives = tuple(
        Alternative(
            instance_type=name,
            tensor_parallel_size=size,
            usd_per_hour=3.0,
            ranked_usd_per_hour=3.0,
            kv_cache_tokens=100_000,
        )
        for name, size in [*names, ("g7e.4xlarge", 2), ("g6.xlarge", 1)]
    )
    return replace(plan, alternatives=alternatives)


def make(stack: cdk.Stack, plan: ServingPlan, **options: Any) -> dict[str, Any]:
    GpuCapacity(stack, "Capacity", plan=plan, vpc=ec2.Vpc(stack, "Vpc"), **options)
    (group,) = Template.from_stack(stack).find_resources(GROUP).values()
    return dict(group["Properties"])


@pytest.mark.parametrize(
    ("replicas", "per_instance", "gpus", "instances"),
    [(1, 1, 1, 2), (4, 1, 1, 8), (3, 4, 4, 2), (6, 8, 8, 2)],
)
def test_instances_are_enough_for_old_and_new_replicas_at_once(
    stack: cdk.Stack,
    ecs_plan: ServingPlan,
    replicas: int,
    per_instance: int,
    gpus: int,
    instances: int,
) -> None:
    request = replace(ecs_plan.request, max_replicas=replicas)
    plan = replace(ecs_plan, request=request, replicas_per_instance=per_instance, gpus=gpus)
    assert make(stack, plan)["MaxSize"] == str(instances)


def test_a_type_without_capacity_gives_way_to_those_that_take_its_tasks(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    policy = make(stack, with_alternatives(ecs_plan))["MixedInstancesPolicy"]
    types = [item["InstanceType"] for item in policy["LaunchTemplate"]["Overrides"]]
    assert types == ["g6e.2xlarge", "g6e.4xlarge", "g6e.8xlarge"]
    distribution = policy["InstancesDistribution"]
    assert distribution["OnDemandAllocationStrategy"] == "prioritized"
    assert distribution["OnDemandPercentageAboveBaseCapacity"] == 100


def test_spot_has_an_on_demand_base_and_never_rebalances(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    purchase = Purchase(spot=True, on_demand_base=2)
    group = make(stack, with_alternatives(ecs_plan), purchase=purchase)
    distribution = group["MixedInstancesPolicy"]["InstancesDistribution"]
    assert distribution == {
        "OnDemandAllocationStrategy": "prioritized",
        "OnDemandBaseCapacity": 2,
        "OnDemandPercentageAboveBaseCapacity": 0,
        "SpotAllocationStrategy": "capacity-optimized-prioritized",
    }
    # ECS would hear nothing of the instance that goes.
    assert "CapacityRebalance" not in group


def test_a_reservation_is_used_up_first_and_fixes_the_type(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    purchase = Purchase(capacity_reservation_id="cr-0a1b2c3d")
    group = make(stack, with_alternatives(ecs_plan), purchase=purchase)
    assert "MixedInstancesPolicy" not in group
    assert group["CapacityReservationSpecification"] == {
        "CapacityReservationPreference": "capacity-reservations-first",
        "CapacityReservationTarget": {"CapacityReservationIds": ["cr-0a1b2c3d"]},
    }


def test_a_capacity_block_is_a_market_of_its_own_in_one_zone(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    purchase = Purchase(
        capacity_reservation_id="cr-0a1b2c3d", capacity_block=True, subnet_id="subnet-0a1b2c3d"
    )
    assert make(stack, ecs_plan, purchase=purchase)["VPCZoneIdentifier"] == ["subnet-0a1b2c3d"]
    data = {
        "InstanceMarketOptions": {"MarketType": "capacity-block"},
        "CapacityReservationSpecification": {
            "CapacityReservationTarget": {"CapacityReservationId": "cr-0a1b2c3d"}
        },
    }
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::LaunchTemplate", {"LaunchTemplateData": Match.object_like(data)}
    )


def test_warm_instances_are_stopped_and_wait_to_be_registered(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    group = make(stack, with_alternatives(ecs_plan), purchase=Purchase(warm_instances=2))
    assert "MixedInstancesPolicy" not in group
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::AutoScaling::WarmPool",
        {
            "MinSize": 2,
            "PoolState": "Stopped",
            "InstanceReusePolicy": {"ReuseOnScaleIn": True},
        },
    )
    (launch,) = template.find_resources("AWS::EC2::LaunchTemplate").values()
    assert "ECS_WARM_POOLS_CHECK=true" in str(launch)


def test_an_ami_can_be_pinned(stack: cdk.Stack, ecs_plan: ServingPlan) -> None:
    make(stack, ecs_plan, ami_id="ami-0a1b2c3d")
    Template.from_stack(stack).has_resource_properties(
        "AWS::EC2::LaunchTemplate",
        {"LaunchTemplateData": Match.object_like({"ImageId": "ami-0a1b2c3d"})},
    )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"capacity_block": True}, "capacity block needs"),
        ({"capacity_block": True, "capacity_reservation_id": "cr-0"}, "subnet_id"),
        ({"spot": True, "capacity_reservation_id": "cr-0"}, "contradicts spot"),
    ],
)
def test_contradictory_purchases_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Purchase(**options)


def test_no_warm_pool_of_spot_instances() -> None:
    with pytest.raises(InputError, match="warm_instances is 1"):
        Purchase(spot=True, warm_instances=1)


def test_with_a_log_instances_report_and_may_do_nothing_else_with_it(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    make(stack, ecs_plan, host_log=HostLog(stack, "Hosts"))
    template = Template.from_stack(stack)
    (launch,) = template.find_resources("AWS::EC2::LaunchTemplate").values()
    script = str(launch)
    assert "amazon-cloudwatch-agent" in script
    assert "/var/lib/vllm" in script
    assert script.index("ECS_CLUSTER") < script.index("amazon-cloudwatch-agent")
    template.has_resource_properties(
        "AWS::IAM::Policy",
        {
            "PolicyDocument": {
                "Statement": Match.array_with(
                    [
                        Match.object_like(
                            {
                                "Action": "cloudwatch:PutMetricData",
                                "Condition": {
                                    "StringEquals": {"cloudwatch:namespace": "vLLM/Hosts"}
                                },
                            }
                        )
                    ]
                )
            }
        },
    )


def isolated_vpc(stack: cdk.Stack) -> ec2.Vpc:
    bucket = LogBucket(stack, "Logs").bucket
    return IsolatedNetwork(stack, "Network", log_bucket=bucket, services=()).vpc


def test_an_isolated_network_leads_to_its_endpoints_and_to_s3_alone(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    s3 = ec2.Peer.prefix_list("pl-63a5400a")
    GpuCapacity(stack, "Capacity", plan=ecs_plan, vpc=isolated_vpc(stack), s3=s3)
    template = Template.from_stack(stack)
    assert "0.0.0.0/0" not in str(template.to_json())
    template.has_resource_properties(
        "AWS::EC2::SecurityGroupEgress",
        {"DestinationPrefixListId": "pl-63a5400a", "FromPort": 443, "ToPort": 443},
    )


def test_an_isolated_network_needs_to_know_where_s3_is(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    with pytest.raises(InputError, match="isolated VPC needs s3"):
        GpuCapacity(stack, "Capacity", plan=ecs_plan, vpc=isolated_vpc(stack))


def test_the_agent_needs_no_managed_policy_and_no_wildcard_action(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    GpuCapacity(stack, "Capacity", plan=ecs_plan, vpc=ec2.Vpc(stack, "Vpc"))
    template = Template.from_stack(stack)
    template.has_resource_properties("AWS::IAM::Role", {"ManagedPolicyArns": Match.absent()})
    (policy,) = template.find_resources("AWS::IAM::Policy").values()
    for statement in policy["Properties"]["PolicyDocument"]["Statement"]:
        assert "*" not in str(statement["Action"])
    template.resource_count_is("AWS::Lambda::Function", 0)


def test_instances_are_of_the_plan_with_the_gpu_image(
    stack: cdk.Stack, ecs_plan: ServingPlan
) -> None:
    GpuCapacity(stack, "Capacity", plan=ecs_plan, vpc=ec2.Vpc(stack, "Vpc"))
    template = Template.from_stack(stack)
    template.has_resource_properties(
        "AWS::EC2::LaunchTemplate",
        {"LaunchTemplateData": Match.object_like({"InstanceType": "g6e.2xlarge"})},
    )
    defaults = [p.get("Default", "") for p in template.to_json()["Parameters"].values()]
    assert any("amazon-linux-2023/gpu/recommended/image_id" in value for value in defaults)
