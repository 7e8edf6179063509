from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any
TARGET = {
    "ResourceId": "service/gpus/chat",
    "ScalableDimension": "ecs:service:DesiredCount",
    "ServiceNamespace": "ecs",
}
TARGET_ID = "service/gpus/chat|ecs:service:DesiredCount|ecs"


def test_target_and_policy(client: Client, wrong: Wrong) -> None:
    ecs = client("ecs")
    ecs.create_cluster(clusterName="gpus")
    ecs.register_task_definition(
        family="f", containerDefinitions=[{"name": "c", "image": "i", "memory": 100}]
    )
    ecs.create_service(cluster="gpus", serviceName="chat", taskDefinition="f", desiredCount=1)
    scaling = client("application-autoscaling")
    assert not exists(client, "AWS::ApplicationAutoScaling::ScalableTarget", TARGET_ID)
    scaling.register_scalable_target(**TARGET, MinCapacity=1, MaxCapacity=4)
    scaling.put_scheduled_action(
        **TARGET,
        ScheduledActionName="night",
        Schedule="cron(0 20 * * ? *)",
        ScalableTargetAction={"MinCapacity": 0, "MaxCapacity": 1},
    )
    written = {
        **TARGET,
        "MaxCapacity": 4,
        "MinCapacity": 1,
        "ScheduledActions": [
            {
                "ScheduledActionName": "night",
                "Schedule": "cron(0 20 * * ? *)",
                "ScalableTargetAction": {"MinCapacity": 0, "MaxCapacity": 1},
            }
        ],
    }
    assert wrong("ApplicationAutoScaling::ScalableTarget", TARGET_ID, written) == []

    tracking = {
        "PredefinedMetricSpecification": {
            "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
        },
        "ScaleInCooldown": 300,
        "ScaleOutCooldown": 60,
        "TargetValue": 16,
    }
    arn = scaling.put_scaling_policy(
        **TARGET,
        PolicyName="busy",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=tracking,
    )["PolicyARN"]
    policy = {
        "PolicyName": "busy",
        "PolicyType": "TargetTrackingScaling",
        "ScalingTargetId": TARGET_ID,
        "TargetTrackingScalingPolicyConfiguration": tracking,
    }
    assert wrong("ApplicationAutoScaling::ScalingPolicy", arn, policy) == []
    assert exists(client, "AWS::ApplicationAutoScaling::ScalingPolicy", arn)
    tracking["TargetValue"] = 20
    assert wrong("ApplicationAutoScaling::ScalingPolicy", arn, policy) == [
        "TargetTrackingScalingPolicyConfiguration.TargetValue should be 20 but is 16"
    ]
    scaling.delete_scaling_policy(**TARGET, PolicyName="busy")
    assert not exists(client, "AWS::ApplicationAutoScaling::ScalingPolicy", arn)
