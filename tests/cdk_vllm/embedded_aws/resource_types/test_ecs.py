from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]

TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"Service": "ecs-tasks.amazonaws.com"},
        }
    ],
}


def network() -> dict[str, Any]:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
        },
        "Group": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "GroupDescription": "tasks"},
        },
    }


def capacity() -> dict[str, Any]:
    data = {"ImageId": "ami-12345678", "InstanceType": "g5.2xlarge"}
    return {
        "Template": {
            "Type": "AWS::EC2::LaunchTemplate",
            "Properties": {"LaunchTemplateData": data},
        },
        "Instances": {
            "Type": "AWS::AutoScaling::AutoScalingGroup",
            "Properties": {
                "MinSize": "1",
                "MaxSize": "4",
                "VPCZoneIdentifier": [{"Ref": "Subnet"}],
                "NewInstancesProtectedFromScaleIn": True,
                "LaunchTemplate": {
                    "LaunchTemplateId": {"Ref": "Template"},
                    "Version": {"Fn::GetAtt": ["Template", "LatestVersionNumber"]},
                },
            },
        },
        "Provider": {
            "Type": "AWS::ECS::CapacityProvider",
            "Properties": {
                "AutoScalingGroupProvider": {
                    "AutoScalingGroupArn": {"Fn::GetAtt": ["Instances", "AutoScalingGroupARN"]},
                    "ManagedDraining": "ENABLED",
                    "ManagedScaling": {"Status": "ENABLED", "TargetCapacity": 100},
                    "ManagedTerminationProtection": "ENABLED",
                }
            },
        },
        "Cluster": {
            "Type": "AWS::ECS::Cluster",
            "Properties": {"ClusterSettings": [{"Name": "containerInsights", "Value": "enhanced"}]},
        },
        "Association": {
            "Type": "AWS::ECS::ClusterCapacityProviderAssociations",
            "Properties": {
                "Cluster": {"Ref": "Cluster"},
                "CapacityProviders": [{"Ref": "Provider"}],
                "DefaultCapacityProviderStrategy": [
                    {"CapacityProvider": {"Ref": "Provider"}, "Weight": 1}
                ],
            },
        },
    }


def task(image: str) -> dict[str, Any]:
    return {
        "Role": {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": TRUST}},
        "Task": {
            "Type": "AWS::ECS::TaskDefinition",
            "Properties": {
                "NetworkMode": "awsvpc",
                "RequiresCompatibilities": ["EC2"],
                "TaskRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ExecutionRoleArn": {"Fn::GetAtt": ["Role", "Arn"]},
                "ContainerDefinitions": [
                    {
                        "Name": "vllm",
                        "Image": image,
                        "MemoryReservation": 24576,
                        "ReadonlyRootFilesystem": True,
                        "StopTimeout": 120,
                        "LinuxParameters": {"InitProcessEnabled": True, "SharedMemorySize": 8192},
                        "ResourceRequirements": [{"Type": "GPU", "Value": "1"}],
                        "Secrets": [{"Name": "VLLM_API_KEY", "ValueFrom": "arn:aws:x"}],
                    }
                ],
            },
        },
    }


def service(count: int) -> dict[str, Any]:
    deployment = {
        "MinimumHealthyPercent": 100,
        "MaximumPercent": 200,
        "DeploymentCircuitBreaker": {"Enable": True, "Rollback": True},
        "Alarms": {"AlarmNames": ["a"], "Enable": True, "Rollback": True},
    }
    return {
        "Service": {
            "Type": "AWS::ECS::Service",
            "DependsOn": "Association",
            "Properties": {
                "Cluster": {"Ref": "Cluster"},
                "TaskDefinition": {"Ref": "Task"},
                "DesiredCount": count,
                "AvailabilityZoneRebalancing": "ENABLED",
                "CapacityProviderStrategy": [
                    {"CapacityProvider": {"Ref": "Provider"}, "Weight": 1}
                ],
                "DeploymentConfiguration": deployment,
                "EnableECSManagedTags": True,
                "HealthCheckGracePeriodSeconds": 900,
                "LoadBalancers": [
                    {
                        "ContainerName": "vllm",
                        "ContainerPort": 8000,
                        "TargetGroupArn": "arn:aws:elasticloadbalancing:target",
                    }
                ],
                "NetworkConfiguration": {
                    "AwsvpcConfiguration": {
                        "Subnets": [{"Ref": "Subnet"}],
                        "SecurityGroups": [{"Fn::GetAtt": ["Group", "GroupId"]}],
                    }
                },
                "PlacementStrategies": [{"Type": "spread", "Field": "instanceId"}],
                "PropagateTags": "SERVICE",
            },
        }
    }


def everything(image: str = "vllm:1", count: int = 1) -> dict[str, Any]:
    return {**network(), **capacity(), **task(image), **service(count)}


@pytest.fixture
def ids(deployed: Deployed) -> dict[str, str]:
    return deployed(**everything())


def test_a_service_is_read_as_the_template_says(client: Client, ids: dict[str, str]) -> None:
    (shown,) = client("ecs").describe_services(cluster=ids["Cluster"], services=[ids["Service"]])[
        "services"
    ]
    assert shown["serviceArn"] == ids["Service"]
    assert shown["capacityProviderStrategy"] == [{"capacityProvider": ids["Provider"], "weight": 1}]
    assert "launchType" not in shown
    assert shown["deploymentConfiguration"] == {
        "minimumHealthyPercent": 100,
        "maximumPercent": 200,
        "deploymentCircuitBreaker": {"enable": True, "rollback": True},
        "alarms": {"alarmNames": ["a"], "enable": True, "rollback": True},
    }
    assert shown["loadBalancers"][0]["containerPort"] == 8000
    assert shown["networkConfiguration"]["awsvpcConfiguration"]["subnets"] == [ids["Subnet"]]
    assert shown["healthCheckGracePeriodSeconds"] == 900
    assert shown["availabilityZoneRebalancing"] == "ENABLED"
    assert shown["enableECSManagedTags"] is True
    assert shown["propagateTags"] == "SERVICE"
    assert shown["placementStrategy"] == [{"type": "spread", "field": "instanceId"}]
    assert shown["desiredCount"] == 1


def test_a_task_definition_is_read_as_the_template_says(
    client: Client, ids: dict[str, str]
) -> None:
    shown = client("ecs").describe_task_definition(taskDefinition=ids["Task"])["taskDefinition"]
    assert shown["networkMode"] == "awsvpc"
    assert shown["taskRoleArn"].endswith(ids["Role"])
    (container,) = shown["containerDefinitions"]
    assert container["memoryReservation"] == 24576
    assert container["resourceRequirements"] == [{"type": "GPU", "value": "1"}]
    assert container["linuxParameters"] == {"initProcessEnabled": True, "sharedMemorySize": 8192}
    assert container["stopTimeout"] == 120


def test_capacity_is_read_as_the_template_says(client: Client, ids: dict[str, str]) -> None:
    ecs = client("ecs")
    every = ecs.describe_capacity_providers()["capacityProviders"]
    assert [provider["name"] for provider in every] == [ids["Provider"]]
    provider = every[0]["autoScalingGroupProvider"]
    assert provider["managedDraining"] == "ENABLED"
    assert provider["managedTerminationProtection"] == "ENABLED"
    assert provider["managedScaling"]["status"] == "ENABLED"
    assert ids["Instances"] in provider["autoScalingGroupArn"]
    (cluster,) = ecs.describe_clusters(clusters=[ids["Cluster"]], include=["SETTINGS"])["clusters"]
    assert cluster["settings"] == [{"name": "containerInsights", "value": "enhanced"}]
    assert cluster["capacityProviders"] == [ids["Provider"]]
    assert cluster["defaultCapacityProviderStrategy"][0]["capacityProvider"] == ids["Provider"]


def test_an_update_reaches_the_service(
    client: Client, ids: dict[str, str], deployed: Deployed
) -> None:
    changed = everything("vllm:2", 3)
    provider = changed["Provider"]["Properties"]["AutoScalingGroupProvider"]
    provider["ManagedScaling"] = {"Status": "ENABLED", "TargetCapacity": 80}
    after = deployed(**changed)
    assert after["Service"] == ids["Service"]
    assert after["Task"] == ids["Task"].removesuffix(":1") + ":2"
    ecs = client("ecs")
    (shown,) = ecs.describe_services(cluster=ids["Cluster"], services=[ids["Service"]])["services"]
    assert (shown["desiredCount"], shown["taskDefinition"]) == (3, after["Task"])
    definition = ecs.describe_task_definition(taskDefinition=after["Task"])["taskDefinition"]
    assert definition["containerDefinitions"][0]["image"] == "vllm:2"
    assert ecs.list_task_definitions()["taskDefinitionArns"] == [after["Task"]]
    (shown,) = ecs.describe_capacity_providers()["capacityProviders"]
    assert shown["autoScalingGroupProvider"]["managedScaling"]["targetCapacity"] == 80


def test_deleting_leaves_nothing(
    client: Client, ids: dict[str, str], destroyed: Callable[[], None]
) -> None:
    destroyed()
    assert not client("ecs").describe_capacity_providers()["capacityProviders"]
    assert not client("ecs").list_task_definitions()["taskDefinitionArns"]
    assert not client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"]
    vpcs = client("ec2").describe_vpcs()["Vpcs"]
    assert ids["Vpc"] not in [vpc["VpcId"] for vpc in vpcs]


def test_a_provider_of_managed_instances_needs_no_group(client: Client, deployed: Deployed) -> None:
    provider = {
        "InfrastructureRoleArn": "arn:aws:iam::123456789012:role/r",
        "InstanceLaunchTemplate": {
            "Ec2InstanceProfileArn": "arn:aws:iam::123456789012:instance-profile/p",
            "NetworkConfiguration": {"Subnets": ["subnet-1"], "SecurityGroups": ["sg-1"]},
        },
    }
    ids = deployed(
        Cluster={"Type": "AWS::ECS::Cluster"},
        Provider={
            "Type": "AWS::ECS::CapacityProvider",
            "Properties": {"ClusterName": {"Ref": "Cluster"}, "ManagedInstancesProvider": provider},
        },
    )
    (shown,) = client("ecs").describe_capacity_providers()["capacityProviders"]
    assert shown["cluster"] == ids["Cluster"]
    assert shown["managedInstancesProvider"]["infrastructureRoleArn"].endswith("role/r")
