"""GPU instances for ECS: a cluster, what an instance is, and who starts and stops them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Aws, Fn
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_vllm.constructs.instance_user_data import ON_HOST, instance_user_data
from cdk_vllm.constructs.network import aws_services, inner_subnets, is_isolated
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import fallback_instance_types, fleet_of, rollout_for, timeouts_for

if TYPE_CHECKING:
    from cdk_vllm.constructs.host_alarms import HostLog
    from cdk_vllm.sizing import Rollout, ServingPlan

ROOT_VOLUME_GIB = 200
ROOT_VOLUME_IOPS = 6000
ROOT_VOLUME_MIB_PER_SECOND = 750


@dataclass(frozen=True, kw_only=True)
class Purchase:
    """How instances are bought; the default is on demand.

    With `spot`, all but the first `on_demand_base` instances are Spot's. A reservation
    (`capacity_reservation_id`) is used up first, or, as a `capacity_block` for machine learning,
    is all there is: it lies in one zone, whose subnet is `subnet_id`. `warm_instances` are stopped
    ones that have pulled the image: they start in a minute or two and cost their disks.

    Raises:
        InputError: a capacity block without a reservation or a subnet, or what excludes each
            other: Spot, a reservation, and warm instances of Spot or of a block.
    """

    spot: bool = False
    on_demand_base: int = 1
    capacity_reservation_id: str | None = None
    capacity_block: bool = False
    subnet_id: str | None = None
    warm_instances: int = 0

    def __post_init__(self) -> None:
        if self.capacity_block and not (self.capacity_reservation_id and self.subnet_id):
            raise InputError(
                "a capacity block needs capacity_reservation_id, and subnet_id in the block's zone"
            )
        if self.subnet_id and not self.capacity_block:
            raise InputError("subnet_id is a capacity block's; set capacity_block or leave it out")
        if self.capacity_reservation_id and self.spot:
            raise InputError("capacity_reservation_id contradicts spot; what is reserved is paid")
        if self.warm_instances and (self.spot or self.capacity_block):
            raise InputError(
                f"warm_instances is {self.warm_instances}; EC2 keeps no warm pool of Spot "
                "instances or of a capacity block; leave it out"
            )


class GpuCapacity(Construct):
    """A cluster whose instances come and go with the tasks that need them.

    Instances are of the plan's `instance_type`, and where that has no capacity of the plan's
    alternatives that take the same tasks. There are as many as `rollout` needs at its peak
    (default: every new replica starts before an old one stops). EC2 keeps no warm instances of
    several types, so they rule the fallbacks out. Without `ami_id` the AMI is the newest at each
    deployment. Running instances keep their AMI until they are replaced. `s3` is where S3 is, AWS's
    prefix list of it; images come from there, so an isolated VPC needs it. With `host_log`
    instances report their memory, disks, GPUs and hardware errors.

    Raises:
        InputError: an isolated VPC without `s3`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: ServingPlan,
        vpc: ec2.IVpc,
        rollout: Rollout | None = None,
        purchase: Purchase | None = None,
        ami_id: str | None = None,
        s3: ec2.IPeer | None = None,
        host_log: HostLog | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._plan, self._vpc, self._ami_id, self._host_log = plan, vpc, ami_id, host_log
        self.purchase = purchase or Purchase(spot=plan.request.spot)
        self.rollout = rollout or rollout_for(fleet_of(plan))
        self.max_instances = self.rollout.maximum_instances
        alone = self.purchase.warm_instances or self.purchase.capacity_reservation_id
        self.instance_types = (plan.instance_type,) if alone else fallback_instance_types(plan)
        self.cluster = ecs.Cluster(
            self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self.security_group = self._security_group(s3)
        self.role = self._role()
        self.auto_scaling_group = self._auto_scaling_group(self._launch_template())
        if self.purchase.warm_instances:
            self._warm_pool(self.purchase.warm_instances)
        self.capacity_provider = self._capacity_provider()
        self.association = self._association()

    def _security_group(self, s3: ec2.IPeer | None) -> ec2.SecurityGroup:
        services = aws_services(self._vpc)
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=self._vpc,
            description="GPU instances: to AWS endpoints, nothing in",
            allow_all_outbound=False,
        )
        group.add_egress_rule(services, ec2.Port.tcp(443), "ECS, ECR, CloudWatch Logs")
        if is_isolated(self._vpc):
            if s3 is None:
                raise InputError("an isolated VPC needs s3, AWS's prefix list of S3's addresses")
            group.add_egress_rule(s3, ec2.Port.tcp(443), "Layers of images")
        return group

    def _role(self) -> iam.Role:
        """What the ECS agent needs on this cluster; tasks pull and log under their own roles."""
        role = iam.Role(self, "Role", assumed_by=iam.ServicePrincipal("ec2.amazonaws.com"))
        cluster_arn = self.cluster.cluster_arn
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ecs:DeregisterContainerInstance",
                    "ecs:RegisterContainerInstance",
                    "ecs:SubmitAttachmentStateChanges",
                    "ecs:SubmitContainerStateChange",
                    "ecs:SubmitTaskStateChange",
                ],
                resources=[cluster_arn],
            )
        )
        # An instance's own ARN is unknown before it registers; the condition names its cluster.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=[
                    "ecs:Poll",
                    "ecs:StartTelemetrySession",
                    "ecs:UpdateContainerInstancesState",
                ],
                resources=["*"],
                conditions={"ArnEquals": {"ecs:cluster": cluster_arn}},
            )
        )
        # Has no narrower resource.
        role.add_to_policy(
            iam.PolicyStatement(actions=["ecs:DiscoverPollEndpoint"], resources=["*"])
        )
        if self._host_log:
            self._host_log.grant_report(role)
        return role

    def _launch_template(self) -> ec2.CfnLaunchTemplate:
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[self.role.role_name])
        template = ec2.CfnLaunchTemplate
        data = template.LaunchTemplateDataProperty(
            image_id=self._ami_id or self._newest_ami(),
            instance_type=self._plan.instance_type,
            iam_instance_profile=template.IamInstanceProfileProperty(arn=profile.attr_arn),
            security_group_ids=[self.security_group.security_group_id],
            user_data=Fn.base64(self._user_data()),
            monitoring=template.MonitoringProperty(enabled=True),
            metadata_options=template.MetadataOptionsProperty(
                http_tokens="required", http_put_response_hop_limit=1
            ),
            # The image unpacks to 30 GB; at gp3's own 125 MiB/s that alone takes minutes.
            block_device_mappings=[
                template.BlockDeviceMappingProperty(
                    device_name="/dev/xvda",
                    ebs=template.EbsProperty(
                        encrypted=True,
                        volume_type="gp3",
                        volume_size=ROOT_VOLUME_GIB,
                        iops=ROOT_VOLUME_IOPS,
                        throughput=ROOT_VOLUME_MIB_PER_SECOND,
                        delete_on_termination=True,
                    ),
                )
            ],
            **self._block(),  # type: ignore[arg-type]
        )
        return template(self, "LaunchTemplate", launch_template_data=data)

    def _newest_ami(self) -> str:
        image = ecs.EcsOptimizedImage.amazon_linux2023(ecs.AmiHardwareType.GPU)
        return image.get_image(self).image_id

    def _block(self) -> dict[str, object]:
        """A capacity block is a market of its own, and its reservation must be named."""
        if not self.purchase.capacity_block:
            return {}
        kind = ec2.CfnLaunchTemplate
        return {
            "instance_market_options": kind.InstanceMarketOptionsProperty(
                market_type="capacity-block"
            ),
            "capacity_reservation_specification": kind.CapacityReservationSpecificationProperty(
                capacity_reservation_target=kind.CapacityReservationTargetProperty(
                    capacity_reservation_id=self.purchase.capacity_reservation_id
                )
            ),
        }

    def _user_data(self) -> str:
        script = instance_user_data(
            cluster_name=self.cluster.cluster_name,
            stop_timeout_seconds=timeouts_for(self._plan).stop_timeout_seconds,
            has_nvme=self._plan.local_nvme_gb > 0,
        )
        if self.purchase.warm_instances:
            # Otherwise the agent registers an instance that is about to be stopped.
            script += "echo ECS_WARM_POOLS_CHECK=true >> /etc/ecs/ecs.config\n"
        if self._host_log:
            script += self._host_log.user_data(disk=ON_HOST)
        return script

    def _auto_scaling_group(
        self, launch_template: ec2.CfnLaunchTemplate
    ) -> autoscaling.CfnAutoScalingGroup:
        group = autoscaling.CfnAutoScalingGroup
        resource = group(
            self,
            "Instances",
            min_size="0",
            max_size=str(self.max_instances),
            vpc_zone_identifier=self.subnet_ids,
            capacity_reservation_specification=self._reservation(),
            **self._what_to_launch(launch_template),  # type: ignore[arg-type]
            new_instances_protected_from_scale_in=True,
            metrics_collection=[group.MetricsCollectionProperty(granularity="1Minute")],
            tags=[
                # ECS adds the first one itself; unless it is here too, the stack drifts.
                _tag("AmazonECSManaged", "true"),
                _tag("Name", f"{Aws.STACK_NAME} GPU"),
            ],
        )
        resource.node.add_dependency(self.role)
        return resource

    @property
    def subnet_ids(self) -> list[str]:
        """Where instances, and so their tasks, are: the VPC's inner subnets, or a block's one."""
        if self.purchase.subnet_id:
            return [self.purchase.subnet_id]
        return [subnet.subnet_id for subnet in inner_subnets(self._vpc)]

    def _what_to_launch(self, launch_template: ec2.CfnLaunchTemplate) -> dict[str, object]:
        group, purchase = autoscaling.CfnAutoScalingGroup, self.purchase
        specification = group.LaunchTemplateSpecificationProperty(
            launch_template_id=launch_template.ref,
            version=launch_template.attr_latest_version_number,
        )
        if len(self.instance_types) == 1 and not purchase.spot:
            return {"launch_template": specification}
        policy = group.MixedInstancesPolicyProperty(
            launch_template=group.LaunchTemplateProperty(
                launch_template_specification=specification,
                overrides=[
                    group.LaunchTemplateOverridesProperty(instance_type=name)
                    for name in self.instance_types
                ],
            ),
            instances_distribution=group.InstancesDistributionProperty(
                on_demand_allocation_strategy="prioritized",
                on_demand_base_capacity=purchase.on_demand_base if purchase.spot else 0,
                on_demand_percentage_above_base_capacity=0 if purchase.spot else 100,
                # Of the pools with the most spare instances, the one that comes first here.
                spot_allocation_strategy="capacity-optimized-prioritized",
            ),
        )
        return {"mixed_instances_policy": policy}

    def _reservation(
        self,
    ) -> autoscaling.CfnAutoScalingGroup.CapacityReservationSpecificationProperty | None:
        identity = self.purchase.capacity_reservation_id
        if identity is None or self.purchase.capacity_block:
            return None
        group = autoscaling.CfnAutoScalingGroup
        return group.CapacityReservationSpecificationProperty(
            capacity_reservation_preference="capacity-reservations-first",
            capacity_reservation_target=group.CapacityReservationTargetProperty(
                capacity_reservation_ids=[identity]
            ),
        )

    def _warm_pool(self, warm_instances: int) -> None:
        kind = autoscaling.CfnWarmPool
        kind(
            self,
            "WarmPool",
            auto_scaling_group_name=self.auto_scaling_group.ref,
            min_size=warm_instances,
            max_group_prepared_capacity=max(warm_instances, self.max_instances),
            pool_state="Stopped",
            instance_reuse_policy=kind.InstanceReusePolicyProperty(reuse_on_scale_in=True),
        )

    def _capacity_provider(self) -> ecs.CfnCapacityProvider:
        provider = ecs.CfnCapacityProvider
        return provider(
            self,
            "Provider",
            auto_scaling_group_provider=provider.AutoScalingGroupProviderProperty(
                auto_scaling_group_arn=self.auto_scaling_group.ref,
                managed_scaling=provider.ManagedScalingProperty(
                    status="ENABLED", target_capacity=100, instance_warmup_period=300
                ),
                managed_termination_protection="ENABLED",
                managed_draining="ENABLED",
            ),
        )

    def _association(self) -> ecs.CfnClusterCapacityProviderAssociations:
        associations = ecs.CfnClusterCapacityProviderAssociations
        return associations(
            self,
            "Association",
            cluster=self.cluster.cluster_name,
            capacity_providers=[self.capacity_provider.ref],
            default_capacity_provider_strategy=[
                associations.CapacityProviderStrategyProperty(
                    capacity_provider=self.capacity_provider.ref, weight=1
                )
            ],
        )


def _tag(key: str, value: str) -> autoscaling.CfnAutoScalingGroup.TagPropertyProperty:
    return autoscaling.CfnAutoScalingGroup.TagPropertyProperty(
        key=key, value=value, propagate_at_launch=True
    )
