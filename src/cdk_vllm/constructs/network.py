"""New VPCs for an environment, with a way out or without one, and what every user of a VPC asks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Fn, Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aws_cdk import aws_s3 as s3

# What an instance or a task calls by name where no route leads out. Images' layers come through
# S3's gateway. Sources: Amazon ECS Developer Guide, "Amazon ECS interface VPC endpoints"; Amazon
# ECR User Guide, "Interface VPC endpoints"; Systems Manager User Guide, "Create VPC endpoints".
COMMON_SERVICES = ("ecr.api", "ecr.dkr", "kms", "logs", "monitoring", "sts")
ECS_SERVICES = (
    *COMMON_SERVICES,
    "autoscaling",
    "ec2messages",
    "ecs",
    "ecs-agent",
    "ecs-telemetry",
    "secretsmanager",
    "ssm",
    "ssmmessages",
)
SAGEMAKER_SERVICES = (*COMMON_SERVICES, "sagemaker.api", "sagemaker.runtime")


class Network(Construct):
    """A VPC with one public and one private subnet in each of `zones_count` availability zones.

    Only NAT gateways live in the public subnets. Model weights come through the S3 gateway
    endpoint, which costs nothing, while a NAT gateway bills every GB. Fewer `nat_gateways` than
    zones save money and make the other zones depend on the first. An existing VPC needs no
    `Network`: every construct takes an `ec2.IVpc`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_bucket: s3.IBucket,
        zones_count: int = 2,
        nat_gateways: int = 1,
    ) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            availability_zones=_zones(zones_count),
            nat_gateways=nat_gateways,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Public",
                    subnet_type=ec2.SubnetType.PUBLIC,
                    cidr_mask=24,
                    map_public_ip_on_launch=False,
                ),
                ec2.SubnetConfiguration(
                    name="Private", subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS, cidr_mask=20
                ),
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
        )
        _flow_logs(self, self.vpc, log_bucket)


class IsolatedNetwork(Construct):
    """A VPC that no packet leaves: no internet gateway, no NAT, and an endpoint for each service.

    `services` are AWS's short names, such as those of `ECS_SERVICES`; each endpoint bills by the
    hour in each zone. What is not an AWS service cannot be reached: images come from ECR, models
    from S3.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_bucket: s3.IBucket,
        services: Iterable[str],
        zones_count: int = 2,
    ) -> None:
        super().__init__(scope, construct_id)
        self.vpc = ec2.Vpc(
            self,
            "Vpc",
            availability_zones=_zones(zones_count),
            nat_gateways=0,
            subnet_configuration=[
                ec2.SubnetConfiguration(
                    name="Isolated", subnet_type=ec2.SubnetType.PRIVATE_ISOLATED, cidr_mask=20
                )
            ],
            gateway_endpoints={
                "S3": ec2.GatewayVpcEndpointOptions(service=ec2.GatewayVpcEndpointAwsService.S3)
            },
        )
        self.security_group = ec2.SecurityGroup(
            self,
            "Endpoints",
            vpc=self.vpc,
            description="VPC endpoints: from the VPC, nothing out",
            allow_all_outbound=False,
        )
        inside = ec2.Peer.ipv4(ec2.Vpc.DEFAULT_CIDR_RANGE)
        self.security_group.add_ingress_rule(inside, ec2.Port.tcp(443), "AWS's services")
        for service in sorted(set(services)):
            self._endpoint(service)
        _flow_logs(self, self.vpc, log_bucket)

    def _endpoint(self, service: str) -> None:
        ec2.InterfaceVpcEndpoint(
            self,
            service.title().replace(".", "").replace("-", ""),
            vpc=self.vpc,
            service=ec2.InterfaceVpcEndpointAwsService(service),
            private_dns_enabled=True,
            open=False,
            security_groups=[self.security_group],
            subnets=ec2.SubnetSelection(subnets=self.vpc.isolated_subnets),
        )


def inner_subnets(vpc: ec2.IVpc) -> list[ec2.ISubnet]:
    """Return the subnets without public addresses: those with a way out, or else the isolated."""
    return vpc.private_subnets or vpc.isolated_subnets


def is_isolated(vpc: ec2.IVpc) -> bool:
    """Tell whether a VPC has inner subnets, and none of them a way out."""
    return bool(vpc.isolated_subnets) and not vpc.private_subnets


def aws_services(vpc: ec2.IVpc) -> ec2.IPeer:
    """Return where AWS's services are, S3 apart: inside an isolated VPC, else behind any address.

    The services' public addresses have no name in a template; TLS is all that is left.
    """
    return ec2.Peer.ipv4(vpc.vpc_cidr_block) if is_isolated(vpc) else ec2.Peer.any_ipv4()


def _zones(count: int) -> list[str]:
    # By position, so that a template fits every account: the names differ between them.
    return [Fn.select(position, Fn.get_azs()) for position in range(count)]


def _flow_logs(scope: Construct, vpc: ec2.Vpc, log_bucket: s3.IBucket) -> None:
    flow_log = ec2.CfnFlowLog(
        scope,
        "FlowLog",
        resource_id=vpc.vpc_id,
        resource_type="VPC",
        traffic_type="ALL",
        log_destination_type="s3",
        log_destination=log_bucket.arn_for_objects("vpc/"),
    )
    flow_log.node.add_dependency(log_bucket)
    Tags.of(flow_log).add("Name", scope.node.path)
