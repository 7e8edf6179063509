"""The role a SageMaker endpoint runs under, without any managed policy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from constructs import Construct

    from cdk_vllm.constructs.service_logs import ServiceLogs

# Network interfaces in the VPC's subnets. EC2's describing actions know no resource, and the
# interfaces have no name before they exist. Source: Amazon SageMaker AI Developer Guide,
# "How to use SageMaker AI execution roles", CreateModel with a VPC.
_NETWORK_ACTIONS = [
    "ec2:CreateNetworkInterface",
    "ec2:CreateNetworkInterfacePermission",
    "ec2:DeleteNetworkInterface",
    "ec2:DeleteNetworkInterfacePermission",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
]
_LOG_ACTIONS = [
    "logs:CreateLogGroup",
    "logs:CreateLogStream",
    "logs:DescribeLogStreams",
    "logs:PutLogEvents",
]


def execution_role(scope: Construct, construct_id: str, *, logs: ServiceLogs) -> iam.Role:
    """Return a role that only SageMaker in this account may take, to log, measure and connect."""
    account = Stack.of(scope).account
    role = iam.Role(
        scope,
        construct_id,
        assumed_by=iam.ServicePrincipal(
            "sagemaker.amazonaws.com",
            conditions={"StringEquals": {"aws:SourceAccount": account}},
        ),
    )
    group = logs.log_group.log_group_arn
    role.add_to_policy(iam.PolicyStatement(actions=_LOG_ACTIONS, resources=[group]))
    role.add_to_policy(
        iam.PolicyStatement(
            actions=["cloudwatch:PutMetricData"],
            resources=["*"],
            conditions={
                "StringLike": {"cloudwatch:namespace": ["/aws/sagemaker/*", "AWS/SageMaker"]}
            },
        )
    )
    role.add_to_policy(iam.PolicyStatement(actions=_NETWORK_ACTIONS, resources=["*"]))
    return role
