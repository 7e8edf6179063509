"""GPU instances for ECS: a cluster, what an instance is, and who starts and stops them."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from aws_cdk import Aws, Fn
from aws_cdk import aws_autoscaling as autoscaling
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from constructs import Construct

from cdk_vllm.constructs.instance_user_data import instance_user_data
from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

ROOT_VOLUME_GIB = 200
ROOT_VOLUME_IOPS = 6000
ROOT_VOLUME_MIB_PER_SECOND = 750


class GpuCapacity(Construct):
    """A cluster whose instances come and go with the tasks that need them.

    All instances are the plan's `instance_type`. There may be as many as a deployment needs that
    starts every new replica before it stops an old one. Running instances keep their AMI and
    launch template until they are replaced.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, plan: ServingPlan, vpc: ec2.IVpc
    ) -> None:
        super().__init__(scope, construct_id)
        self.max_instances = max_instances(plan)
        self._plan, self._vpc = plan, vpc
        self.cluster = ecs.Cluster(
            self, "Cluster", vpc=vpc, container_insights_v2=ecs.ContainerInsights.ENABLED
        )
        self.security_group = self._security_group()
        self.role = self._role()
        self.auto_scaling_group = self._auto_scaling_group(self._launch_template())
        self.capacity_provider = self._capacity_provider()
        self.association = self._association()

    def _security_group(self) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=self._vpc,
            description="GPU instances: to AWS endpoints, nothing in",
            allow_all_outbound=False,
        )
        group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "ECS, ECR, CloudWatch Logs")
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
        return role

    def _launch_template(self) -> ec2.CfnLaunchTemplate:
        profile = iam.CfnInstanceProfile(self, "Profile", roles=[self.role.role_name])
        image = ecs.EcsOptimizedImage.amazon_linux2023(ecs.AmiHardwareType.GPU).get_image(self)
        template = ec2.CfnLaunchTemplate
        data = template.LaunchTemplateDataProperty(
            image_id=image.image_id,
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
        )
        return template(self, "LaunchTemplate", launch_template_data=data)

    def _user_data(self) -> str:
        return instance_user_data(
            cluster_name=self.cluster.cluster_name,
            stop_timeout_seconds=timeouts_for(self._plan).stop_timeout_seconds,
            has_nvme=self._plan.local_nvme_gb > 0,
        )

    def _auto_scaling_group(
        self, launch_template: ec2.CfnLaunchTemplate
    ) -> autoscaling.CfnAutoScalingGroup:
        group = autoscaling.CfnAutoScalingGroup
        resource = group(
            self,
            "Instances",
            min_size="0",
            max_size=str(self.max_instances),
            vpc_zone_identifier=self._vpc.select_subnets(
                subnet_type=ec2.SubnetType.PRIVATE_WITH_EGRESS
            ).subnet_ids,
            launch_template=group.LaunchTemplateSpecificationProperty(
                launch_template_id=launch_template.ref,
                version=launch_template.attr_latest_version_number,
            ),
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


def max_instances(plan: ServingPlan) -> int:
    """Return how many instances a rollout needs that starts all new replicas before it stops any.

    With fewer, a deployment waits for ever for a GPU that only the old replicas could free.
    """
    return ceil(2 * plan.request.max_replicas / plan.replicas_per_instance)


def _tag(key: str, value: str) -> autoscaling.CfnAutoScalingGroup.TagPropertyProperty:
    return autoscaling.CfnAutoScalingGroup.TagPropertyProperty(
        key=key, value=value, propagate_at_launch=True
    )
