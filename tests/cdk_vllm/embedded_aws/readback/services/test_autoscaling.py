from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


@pytest.fixture
def group(client: Client) -> dict[str, Any]:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/24")["Subnet"]["SubnetId"]
    template = ec2.create_launch_template(
        LaunchTemplateName="gpu", LaunchTemplateData={"InstanceType": "g6.xlarge"}
    )["LaunchTemplate"]["LaunchTemplateId"]
    common = {
        "AutoScalingGroupName": "gpus",
        "HealthCheckGracePeriod": 300,
        "LaunchTemplate": {"LaunchTemplateId": template, "Version": "1"},
        "NewInstancesProtectedFromScaleIn": True,
    }
    client("autoscaling").create_auto_scaling_group(
        MinSize=0, MaxSize=4, DesiredCapacity=0, VPCZoneIdentifier=subnet, **common
    )
    return {**common, "MinSize": "0", "MaxSize": "4", "VPCZoneIdentifier": [subnet]}


def test_group(client: Client, wrong: Wrong, group: dict[str, Any]) -> None:
    assert wrong("AutoScaling::AutoScalingGroup", "gpus", group) == []
    client("autoscaling").update_auto_scaling_group(AutoScalingGroupName="gpus", MaxSize=6)
    assert wrong("AutoScaling::AutoScalingGroup", "gpus", group) == [
        'MaxSize should be "4" but is 6'
    ]
    assert not exists(client, "AWS::AutoScaling::AutoScalingGroup", "others")


@pytest.mark.usefixtures("group")
def test_parts_of_a_group(client: Client, wrong: Wrong) -> None:
    autoscaling = client("autoscaling")
    in_group = {"AutoScalingGroupName": "gpus"}
    hook = {
        **in_group,
        "DefaultResult": "CONTINUE",
        "HeartbeatTimeout": 900,
        "LifecycleTransition": "autoscaling:EC2_INSTANCE_TERMINATING",
    }
    assert not exists(client, "AWS::AutoScaling::LifecycleHook", "drain")
    autoscaling.put_lifecycle_hook(LifecycleHookName="drain", **hook)
    assert wrong("AutoScaling::LifecycleHook", "drain", hook) == []
    assert exists(client, "AWS::AutoScaling::LifecycleHook", "drain")

    policy = {
        **in_group,
        "PolicyType": "TargetTrackingScaling",
        "TargetTrackingConfiguration": {
            "PredefinedMetricSpecification": {"PredefinedMetricType": "ASGAverageCPUUtilization"},
            "TargetValue": 50,
        },
    }
    autoscaling.put_scaling_policy(PolicyName="cpu", **policy)
    arn = autoscaling.describe_policies()["ScalingPolicies"][0]["PolicyARN"]
    assert wrong("AutoScaling::ScalingPolicy", arn, policy) == []

    action = {**in_group, "MinSize": 1, "Recurrence": "0 8 * * *", "TimeZone": "Europe/Berlin"}
    autoscaling.put_scheduled_update_group_action(ScheduledActionName="morning", **action)
    assert wrong("AutoScaling::ScheduledAction", "morning", action) == []

    pool = {**in_group, "MinSize": 1, "PoolState": "Stopped"}
    assert not exists(client, "AWS::AutoScaling::WarmPool", "gpus")
    autoscaling.put_warm_pool(**pool)
    assert wrong("AutoScaling::WarmPool", "gpus", pool) == []
