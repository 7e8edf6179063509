"""What ECS may do while it moves a service's traffic from one set of tasks to another."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

_READS = ("DescribeListeners", "DescribeRules", "DescribeTargetGroups", "DescribeTargetHealth")


def deployment_role(
    scope: Construct,
    construct_id: str,
    *,
    target_group_arns: Sequence[str],
    listener_arns: Sequence[str],
) -> iam.Role:
    """Return the role under which ECS moves targets and weights of one service's load balancer.

    As AWS's policy `AmazonECSInfrastructureRolePolicyForLoadBalancers` for an application load
    balancer, held to these target groups and these listeners and rules. Source: Amazon ECS
    Developer Guide, "Amazon ECS infrastructure IAM role for load balancers".
    """
    account = Stack.of(scope).account
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(
            "ecs.amazonaws.com", conditions={"StringEquals": {"aws:SourceAccount": account}}
        ),
    )
    for actions, resources in (
        (_READS, ["*"]),
        (("DeregisterTargets", "RegisterTargets"), target_group_arns),
        (("ModifyListener", "ModifyRule"), listener_arns),
    ):
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[f"elasticloadbalancing:{action}" for action in actions],
                resources=list(resources),
            )
        )
    return role
