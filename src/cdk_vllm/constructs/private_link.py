"""PrivateLink: other accounts reach a front door without a route between the networks."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_iam as iam
    from aws_cdk import aws_s3 as s3

    from cdk_vllm.constructs.front_door import FrontDoor


class PrivateLink(Construct):
    """An endpoint service that `principals` may connect to; each connection is accepted by hand.

    An endpoint service takes network load balancers only, so one stands before the front door. It
    passes TLS through: callers see the front door's certificate, and need its name to resolve to
    their endpoint. The front door has to let the network load balancer's addresses in, which are
    private ones, as its security group does.

    Raises:
        ValueError: `principals` is empty.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        front_door: FrontDoor,
        vpc: ec2.IVpc,
        log_bucket: s3.IBucket,
        principals: Sequence[iam.ArnPrincipal],
    ) -> None:
        super().__init__(scope, construct_id)
        if not principals:
            raise ValueError("principals is empty; name the accounts that may connect")
        self._front_door, self._vpc = front_door, vpc
        self.security_group = self._security_group()
        self.load_balancer = self._load_balancer(log_bucket)
        self.target_group = self._target_group()
        self.listener = self._listener()
        self.service = ec2.CfnVPCEndpointService(
            self,
            "Service",
            acceptance_required=True,
            network_load_balancer_arns=[self.load_balancer.ref],
        )
        self.permissions = ec2.CfnVPCEndpointServicePermissions(
            self,
            "Permissions",
            service_id=self.service.ref,
            allowed_principals=[principal.arn for principal in principals],
        )

    def _security_group(self) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=self._vpc,
            description="PrivateLink: from endpoints, to the load balancer",
            allow_all_outbound=False,
        )
        self._front_door.security_group.connections.allow_from(
            group, ec2.Port.tcp(self._front_door.port), "PrivateLink"
        )
        return group

    def _load_balancer(self, log_bucket: s3.IBucket) -> elbv2.CfnLoadBalancer:
        attributes = {
            "load_balancing.cross_zone.enabled": "true",
            "access_logs.s3.enabled": "true",
            "access_logs.s3.bucket": log_bucket.bucket_name,
            "access_logs.s3.prefix": "nlb",
        }
        load_balancer = elbv2.CfnLoadBalancer(
            self,
            "LoadBalancer",
            type="network",
            scheme="internal",
            subnets=self._front_door.subnet_ids,
            security_groups=[self.security_group.security_group_id],
            # Who may connect is decided by the service; its callers' addresses mean nothing here.
            enforce_security_group_inbound_rules_on_private_link_traffic="off",
            load_balancer_attributes=[{"key": k, "value": v} for k, v in attributes.items()],
        )
        load_balancer.node.add_dependency(log_bucket)
        return load_balancer

    def _target_group(self) -> elbv2.CfnTargetGroup:
        door = self._front_door
        # The front door answers strangers with 404, which is healthy.
        group = elbv2.CfnTargetGroup(
            self,
            "TargetGroup",
            vpc_id=self._vpc.vpc_id,
            target_type="alb",
            protocol="TCP",
            port=door.port,
            targets=[
                elbv2.CfnTargetGroup.TargetDescriptionProperty(
                    id=door.load_balancer.ref, port=door.port
                )
            ],
            health_check_protocol="HTTPS" if door.encrypted else "HTTP",
            health_check_path="/",
            matcher=elbv2.CfnTargetGroup.MatcherProperty(http_code="404"),
        )
        group.node.add_dependency(door.listener)
        return group

    def _listener(self) -> elbv2.CfnListener:
        return elbv2.CfnListener(
            self,
            "Listener",
            load_balancer_arn=self.load_balancer.ref,
            port=self._front_door.port,
            protocol="TCP",
            default_actions=[
                elbv2.CfnListener.ActionProperty(
                    type="forward", target_group_arn=self.target_group.ref
                )
            ],
        )
