"""New VPCs: one with a way out, one without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cdk_vllm.constructs import IsolatedNetwork, LogBucket, Network
from cdk_vllm.constructs.network import (
    ECS_SERVICES,
    SAGEMAKER_SERVICES,
    aws_services,
    inner_subnets,
)

if TYPE_CHECKING:
    import aws_cdk as cdk


def isolated(stack: cdk.Stack, **options: Any) -> IsolatedNetwork:
    bucket = LogBucket(stack, "Logs").bucket
    return IsolatedNetwork(stack, "Network", log_bucket=bucket, **options)


def paths(subnets: list[ec2.ISubnet]) -> list[str]:
    return [subnet.node.path for subnet in subnets]


def test_nothing_leads_out_of_an_isolated_network(stack: cdk.Stack) -> None:
    isolated(stack, services=ECS_SERVICES)
    template = Template.from_stack(stack)
    for kind in ("InternetGateway", "NatGateway", "VPCGatewayAttachment", "Route", "EIP"):
        template.resource_count_is(f"AWS::EC2::{kind}", 0)


def test_every_service_has_an_endpoint_under_its_public_name(stack: cdk.Stack) -> None:
    isolated(stack, services=(*ECS_SERVICES, *SAGEMAKER_SERVICES))
    endpoints = Template.from_stack(stack).find_resources("AWS::EC2::VPCEndpoint").values()
    properties = [endpoint["Properties"] for endpoint in endpoints]
    private = {
        item["ServiceName"].split(".", 3)[3]: item["PrivateDnsEnabled"]
        for item in properties
        if item["VpcEndpointType"] == "Interface"
    }
    assert private == dict.fromkeys({*ECS_SERVICES, *SAGEMAKER_SERVICES}, True)
    gateways = [item for item in properties if item["VpcEndpointType"] == "Gateway"]
    assert len(gateways) == 1
    assert len(gateways[0]["RouteTableIds"]) == 2


def test_endpoints_answer_the_vpc_alone_and_call_nobody(stack: cdk.Stack) -> None:
    isolated(stack, services=("ecs",))
    (group,) = Template.from_stack(stack).find_resources("AWS::EC2::SecurityGroup").values()
    (rule,) = group["Properties"]["SecurityGroupIngress"]
    assert (rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == (443, 443, "tcp")
    (vpc,) = Template.from_stack(stack).find_resources("AWS::EC2::VPC").values()
    assert rule["CidrIp"] == vpc["Properties"]["CidrBlock"]
    assert [rule["CidrIp"] for rule in group["Properties"]["SecurityGroupEgress"]] == [
        "255.255.255.255/32"  # the CDK's way to say nowhere
    ]


def test_where_the_inner_subnets_and_the_services_are(stack: cdk.Stack) -> None:
    bucket = LogBucket(stack, "Logs").bucket
    open_vpc = Network(stack, "Open", log_bucket=bucket).vpc
    closed_vpc = IsolatedNetwork(stack, "Closed", log_bucket=bucket, services=()).vpc
    assert paths(inner_subnets(open_vpc)) == paths(open_vpc.private_subnets)
    assert paths(inner_subnets(closed_vpc)) == paths(closed_vpc.isolated_subnets)
    assert aws_services(open_vpc).unique_id == ec2.Peer.any_ipv4().unique_id
    assert aws_services(closed_vpc).unique_id == closed_vpc.vpc_cidr_block
