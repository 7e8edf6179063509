from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]

METADATA = {"HttpTokens": "required", "HttpPutResponseHopLimit": 1}


def group(**properties: Any) -> dict[str, Any]:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
        },
        "Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {
                "LaunchTemplateData": {
                    "ImageId": "ami-12345678",
                    "InstanceType": "g5.2xlarge",
                    "MetadataOptions": METADATA,
                    "Monitoring": {"Enabled": True},
                }
            },
        },
        "Group": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {
                "MinSize": "1",
                "MaxSize": "4",
                "VPCZoneIdentifier": [{"Ref": "Subnet"}],
                "LaunchTemplate": {
                    "LaunchTemplateId": {"Ref": "Template"},
                    "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]},
                },
                "Tags": [{"Key": "team", "Value": "ml", "PropagateAtLaunch": True}],
                **properties,
            },
        },
    }


def around() -> dict[str, Any]:
    return {
        "Hook": {
            "Type": "AWS::AutoScaling::LifecycleHook",
            "Properties": {
                "AutoScalingGroupName": {"Ref": "Group"},
                "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
                "HeartbeatTimeout": 300,
                "DefaultResult": "CONTINUE",
            },
        },
        "Policy": {
            "Type": "AWS::AutoScaling::ScalingPolicy",
            "Properties": {
                "AutoScalingGroupName": {"Ref": "Group"},
                "PolicyType": "TargetTrackingScaling",
                "TargetTrackingConfiguration": {
                    "PredefinedMetricSpecification": {
                        "PredefinedMetricType": "ASGAverageCPUUtilization"
                    },
                    "TargetValue": 50,
                },
            },
        },
        "Schedule": {
            "Type": "AWS::AutoScaling::ScheduledAction",
            "Properties": {
                "AutoScalingGroupName": {"Ref": "Group"},
                "MinSize": 2,
                "Recurrence": "0 8 * * *",
            },
        },
        "Warm": {
            "Type": "AWS::AutoScaling::WarmPool",
            "Properties": {"AutoScalingGroupName": {"Ref": "Group"}, "MinSize": 1},
        },
    }


def described(client: Client) -> dict[str, Any]:
    (shown,) = client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    return dict(shown)


def test_a_group_is_read_as_the_template_says(client: Client, deployed: Deployed) -> None:
    ids = deployed(
        **group(
            NewInstancesProtectedFromScaleIn=True,
            MaxInstanceLifetime=604800,
            DefaultInstanceWarmup=120,
            Cooldown="60",
            TerminationPolicies=["OldestInstance"],
            MetricsCollection=[{"Granularity": "1Minute"}],
        )
    )
    shown = described(client)
    assert shown["AutoScalingGroupName"] == ids["Group"]
    assert (shown["MinSize"], shown["MaxSize"], shown["DesiredCapacity"]) == (1, 4, 1)
    assert shown["VPCZoneIdentifier"] == ids["Subnet"]
    assert shown["NewInstancesProtectedFromScaleIn"] is True
    assert shown["MaxInstanceLifetime"] == 604800
    assert shown["DefaultInstanceWarmup"] == 120
    assert shown["DefaultCooldown"] == 60
    assert shown["TerminationPolicies"] == ["OldestInstance"]
    assert {"Metric": "GroupDesiredCapacity", "Granularity": "1Minute"} in shown["EnabledMetrics"]
    tags = {tag["Key"]: (tag["Value"], tag["PropagateAtLaunch"]) for tag in shown["Tags"]}
    assert tags["team"] == ("ml", True)


def test_an_instance_is_what_its_launch_template_says(client: Client, deployed: Deployed) -> None:
    deployed(**group())
    (reservation,) = client("ec2").describe_instances()["Reservations"]
    (instance,) = reservation["Instances"]
    assert instance["MetadataOptions"]["HttpTokens"] == "required"
    assert instance["Monitoring"]["State"] == "enabled"
    assert instance["InstanceType"] == "g5.2xlarge"


def test_what_stands_around_a_group_is_read(client: Client, deployed: Deployed) -> None:
    ids = deployed(**group(), **around())
    autoscaling = client("autoscaling")
    (hook,) = autoscaling.describe_lifecycle_hooks(AutoScalingGroupName=ids["Group"])[
        "LifecycleHooks"
    ]
    assert (hook["LifecycleHookName"], hook["HeartbeatTimeout"]) == (ids["Hook"], 300)
    (policy,) = autoscaling.describe_policies()["ScalingPolicies"]
    assert policy["PolicyARN"] == ids["Policy"]
    assert policy["TargetTrackingConfiguration"]["TargetValue"] == 50
    (schedule,) = autoscaling.describe_scheduled_actions()["ScheduledUpdateGroupActions"]
    assert (schedule["ScheduledActionName"], schedule["MinSize"]) == (ids["Schedule"], 2)
    pool = autoscaling.describe_warm_pool(AutoScalingGroupName=ids["Group"])
    assert pool["WarmPoolConfiguration"]["MinSize"] == 1


def test_an_update_reaches_the_group(client: Client, deployed: Deployed) -> None:
    before = deployed(**group(), **around())
    changed = {**group(MaxSize="6", Tags=[]), **around()}
    changed["Hook"]["Properties"]["HeartbeatTimeout"] = 600
    data = changed["Template"]["Properties"]["LaunchTemplateData"]
    data["InstanceType"] = "g6.2xlarge"
    after = deployed(**changed)
    assert after == before
    shown = described(client)
    assert shown["MaxSize"] == 6
    assert shown["LaunchTemplate"]["Version"] == "2"
    assert "team" not in [tag["Key"] for tag in shown["Tags"]]
    (hook,) = client("autoscaling").describe_lifecycle_hooks(AutoScalingGroupName=after["Group"])[
        "LifecycleHooks"
    ]
    assert hook["HeartbeatTimeout"] == 600


@pytest.mark.parametrize("protected", [True, False])
def test_deleting_terminates_the_instances(
    client: Client, deployed: Deployed, destroyed: Callable[[], None], protected: bool
) -> None:
    deployed(**group(NewInstancesProtectedFromScaleIn=protected), **around())
    destroyed()
    states = [
        instance["State"]["Name"]
        for reservation in client("ec2").describe_instances()["Reservations"]
        for instance in reservation["Instances"]
    ]
    assert states == ["terminated"]
