"""The GPU instances an ECS service runs on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.checks.template import Finding, Template, as_list, mentions, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

LAUNCH_TEMPLATE = "AWS::EC2::LaunchTemplate"
MINIMUM_GIB = 200
MINIMUM_MIB_PER_SECOND = 500


def credentials_need_a_token(template: Template) -> Iterator[Finding]:
    """Without IMDSv2 one forged request from the server reads the instance's credentials."""
    for launch in template.of(LAUNCH_TEMPLATE):
        options = launch.get("LaunchTemplateData.MetadataOptions", {})
        if options.get("HttpTokens") != "required":
            yield report(credentials_need_a_token, launch, "HttpTokens is not required")
        if options.get("HttpPutResponseHopLimit") != 1:
            yield report(credentials_need_a_token, launch, "the hop limit is not 1")


def agent_is_configured(template: Template) -> Iterator[Finding]:
    """By default tasks reach the instance's credentials, and Spot notices are ignored."""
    for launch in template.of(LAUNCH_TEMPLATE):
        user_data = launch.get("LaunchTemplateData.UserData", "")
        if not mentions(user_data, "ECS_CLUSTER="):
            continue
        for line in ("ECS_AWSVPC_BLOCK_IMDS=true", "ECS_ENABLE_SPOT_INSTANCE_DRAINING=true"):
            if not mentions(user_data, line):
                yield report(agent_is_configured, launch, f"user data lacks {line}")


def root_volume_is_encrypted_and_fast(template: Template) -> Iterator[Finding]:
    """The image unpacks to 30 GB; gp3's own 125 MiB/s make every cold start minutes longer."""
    for launch in template.of(LAUNCH_TEMPLATE):
        mappings = as_list(launch.get("LaunchTemplateData.BlockDeviceMappings"))
        if not mappings:
            yield report(root_volume_is_encrypted_and_fast, launch, "the root volume is the AMI's")
        for ebs in (mapping.get("Ebs", {}) for mapping in mappings):
            wrong = {
                "the volume is not encrypted": ebs.get("Encrypted") is not True,
                "the volume is too small": number(ebs.get("VolumeSize")) < MINIMUM_GIB,
                "the volume is too slow": number(ebs.get("Throughput")) < MINIMUM_MIB_PER_SECOND,
            }
            for message in (text for text, is_wrong in wrong.items() if is_wrong):
                yield report(root_volume_is_encrypted_and_fast, launch, message)


def nobody_has_a_key_to_it(template: Template) -> Iterator[Finding]:
    """An SSH key outlives the people who had it."""
    for launch in template.of(LAUNCH_TEMPLATE):
        if launch.get("LaunchTemplateData.KeyName"):
            yield report(nobody_has_a_key_to_it, launch, "KeyName is set")


def instances_follow_tasks(template: Template) -> Iterator[Finding]:
    """Unmanaged, GPU instances run empty, or are stopped under running requests."""
    for provider in template.of("AWS::ECS::CapacityProvider"):
        settings = provider.get("AutoScalingGroupProvider", {})
        wrong = {
            "managed scaling is off": settings.get("ManagedScaling", {}).get("Status") != "ENABLED",
            "termination protection is off": settings.get("ManagedTerminationProtection")
            != "ENABLED",
            "draining is off": settings.get("ManagedDraining") != "ENABLED",
        }
        for message in (text for text, is_wrong in wrong.items() if settings and is_wrong):
            yield report(instances_follow_tasks, provider, message)


def new_instances_are_protected(template: Template) -> Iterator[Finding]:
    """Managed termination protection needs a group that protects its new instances."""
    for group in template.of("AWS::AutoScaling::AutoScalingGroup"):
        if group.get("NewInstancesProtectedFromScaleIn") is not True:
            yield report(new_instances_are_protected, group, "new instances are not protected")
        if group.get("CapacityRebalance") is True:
            yield report(new_instances_are_protected, group, "rebalancing stops without draining")


RULES = (
    credentials_need_a_token,
    agent_is_configured,
    root_volume_is_encrypted_and_fast,
    nobody_has_a_key_to_it,
    instances_follow_tasks,
    new_instances_are_protected,
)
