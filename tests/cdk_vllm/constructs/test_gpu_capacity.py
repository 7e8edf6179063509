"""GPU capacity: enough instances for a rollout, and none for nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Match, Template

from cdk_vllm.constructs import GpuCapacity
from cdk_vllm.constructs.gpu_capacity import max_instances

if TYPE_CHECKING:
    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan


@pytest.mark.parametrize(
    ("replicas", "per_instance", "instances"), [(1, 1, 2), (4, 1, 8), (3, 4, 2), (6, 8, 2)]
)
def test_instances_are_enough_for_old_and_new_replicas_at_once(
    ecs_plan: ServingPlan, replicas: int, per_instance: int, instances: int
) -> None:
    request = replace(ecs_plan.request, max_replicas=replicas)
    plan = replace(ecs_plan, request=request, replicas_per_instance=per_instance)
    assert max_instances(plan) == instances


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
