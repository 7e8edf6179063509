"""A new VPC for an environment: private subnets for GPUs, a free way to S3, and flow logs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Fn, Tags
from aws_cdk import aws_ec2 as ec2
from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3


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
            # By position, so that a template fits every account: the names differ between them.
            availability_zones=[Fn.select(i, Fn.get_azs()) for i in range(zones_count)],
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
        self._flow_logs(log_bucket)

    def _flow_logs(self, log_bucket: s3.IBucket) -> None:
        flow_log = ec2.CfnFlowLog(
            self,
            "FlowLog",
            resource_id=self.vpc.vpc_id,
            resource_type="VPC",
            traffic_type="ALL",
            log_destination_type="s3",
            log_destination=log_bucket.arn_for_objects("vpc/"),
        )
        flow_log.node.add_dependency(log_bucket)
        Tags.of(flow_log).add("Name", self.node.path)
