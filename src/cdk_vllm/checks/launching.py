"""What an instance starts as, where, and who may start and stop it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm import catalog
from cdk_vllm.checks.template import Finding, Resource, Template, as_list, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

LAUNCH_TEMPLATE = "AWS::EC2::LaunchTemplate"
GROUP = "AWS::AutoScaling::AutoScalingGroup"
PROVIDER = "AWS::ECS::CapacityProvider"
MANAGED = "AmazonECSManaged"
LEAST_IOPS = 3000
LEAST_WARMUP_SECONDS = 300
MOST_WARMUP_SECONDS = 10_000


def instances_are_what_was_planned(template: Template) -> Iterator[Finding]:
    """What a launch template leaves out comes from the AMI, the account or nowhere."""
    for launch in template.of(LAUNCH_TEMPLATE):
        data = "LaunchTemplateData."
        name = launch.get(data + "InstanceType")
        wrong = {
            "no AMI": not launch.get(data + "ImageId"),
            "no role": not launch.get(data + "IamInstanceProfile.Arn")
            and not launch.get(data + "IamInstanceProfile.Name"),
            "no security group": not as_list(launch.get(data + "SecurityGroupIds")),
            "no user data": not launch.get(data + "UserData"),
            f"{name} is no instance type": isinstance(name, str)
            and name not in catalog.instances(),
            "no instance type": name is None
            and not any(_overrides(group) for group in template.of(GROUP)),
            "not monitored by the minute": launch.get(data + "Monitoring.Enabled") is not True,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(instances_are_what_was_planned, launch, message)


def _overrides(group: Resource) -> list[object]:
    return as_list(group.get("MixedInstancesPolicy.LaunchTemplate.Overrides"))


def root_volume_is_gp3_and_goes_with_it(template: Template) -> Iterator[Finding]:
    """A volume that stays after its instance is paid for and forgotten, with what was on it."""
    for launch in template.of(LAUNCH_TEMPLATE):
        for mapping in as_list(launch.get("LaunchTemplateData.BlockDeviceMappings")):
            ebs = mapping.get("Ebs", {})
            wrong = {
                "the volume is not gp3": ebs.get("VolumeType") != "gp3",
                "the volume stays": ebs.get("DeleteOnTermination") is not True,
                "the volume is too slow": number(ebs.get("Iops")) < LEAST_IOPS,
                "the device has no name": not str(mapping.get("DeviceName")).startswith("/dev/"),
            }
            for message in (text for text, is_wrong in wrong.items() if is_wrong):
                yield report(root_volume_is_gp3_and_goes_with_it, launch, message)


def groups_can_be_managed(template: Template) -> Iterator[Finding]:
    """A capacity provider manages groups that carry its tag, and starts what they name."""
    for group in template.of(GROUP):
        tags = {tag.get("Key"): tag for tag in as_list(group.get("Tags"))}
        launch = group.get("LaunchTemplate") or group.get(
            "MixedInstancesPolicy.LaunchTemplate.LaunchTemplateSpecification", {}
        )
        sizes = number(group.get("MinSize")), number(group.get("MaxSize"))
        wrong = {
            f"no tag {MANAGED}": any(template.of(PROVIDER)) and MANAGED not in tags,
            "a tag stays behind": any(
                t.get("PropagateAtLaunch") is not True for t in tags.values()
            ),
            "no launch template": not launch.get("LaunchTemplateId"),
            "no version of the launch template": not launch.get("Version"),
            "no subnet": not as_list(group.get("VPCZoneIdentifier")),
            "MaxSize is below MinSize": sizes[1] < max(1.0, sizes[0]),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(groups_can_be_managed, group, message)


def spot_takes_what_is_there(template: Template) -> Iterator[Finding]:
    """The cheapest pool is the first to be taken back; a fallback must hold the same tasks."""
    for group in template.of(GROUP):
        distribution = group.get("MixedInstancesPolicy.InstancesDistribution", {})
        names = [str(entry.get("InstanceType")) for entry in _overrides(group)]  # type: ignore[attr-defined]
        known = [catalog.instances()[name] for name in names if name in catalog.instances()]
        strategy = distribution.get("SpotAllocationStrategy", "capacity-optimized-prioritized")
        order = distribution.get("OnDemandAllocationStrategy")
        wrong = {
            "an override is no instance type": len(known) < len(names),
            "the overrides differ in GPUs": len({instance.gpus for instance in known}) > 1,
            f"on demand, types are tried by {order}": bool(names) and order != "prioritized",
            f"Spot is allocated by {strategy}": strategy != "capacity-optimized-prioritized",
            "there is no base on demand": "SpotAllocationStrategy" in distribution
            and number(distribution.get("OnDemandBaseCapacity")) < 0,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(spot_takes_what_is_there, group, message)


def new_instances_get_time(template: Template) -> Iterator[Finding]:
    """Until its image is pulled an instance holds no task; counted at once, more are started."""
    for provider in template.of(PROVIDER):
        path = "AutoScalingGroupProvider.ManagedScaling.InstanceWarmupPeriod"
        if not LEAST_WARMUP_SECONDS <= number(provider.get(path)) <= MOST_WARMUP_SECONDS:
            message = f"InstanceWarmupPeriod is not {LEAST_WARMUP_SECONDS} to 10000"
            yield report(new_instances_get_time, provider, message)
    for association in template.of("AWS::ECS::ClusterCapacityProviderAssociations"):
        strategy = as_list(association.get("DefaultCapacityProviderStrategy"))
        has_weight = all(number(item.get("Weight")) >= 1 for item in strategy)
        if not as_list(association.get("CapacityProviders")) or not has_weight:
            yield report(new_instances_get_time, association, "no capacity provider has a weight")


RULES = (
    instances_are_what_was_planned,
    root_volume_is_gp3_and_goes_with_it,
    groups_can_be_managed,
    spot_takes_what_is_there,
    new_instances_get_time,
)
