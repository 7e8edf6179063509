from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(image: str, instance: str = "ml.g6e.2xlarge") -> dict[str, Any]:
    return {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "EnableNetworkIsolation": True,
                "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r",
                "PrimaryContainer": {
                    "Environment": {"SM_VLLM_MODEL": "/opt/ml/model"},
                    "Image": image,
                    "ModelDataSource": {
                        "S3DataSource": {
                            "CompressionType": "None",
                            "S3DataType": "S3Prefix",
                            "S3Uri": "s3://bucket/model/",
                        }
                    },
                },
                "VpcConfig": {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]},
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        "ContainerStartupHealthCheckTimeoutInSeconds": 1800,
                        "InferenceAmiVersion": "al2023-ami-sagemaker-inference-gpu-4-1",
                        "InitialInstanceCount": 1,
                        "InstancePools": [
                            {"InstanceType": instance, "Priority": 1},
                            {"InstanceType": "ml.g5.12xlarge", "Priority": 2},
                        ],
                        "ModelDataDownloadTimeoutInSeconds": 1200,
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "RoutingConfig": {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"},
                        "VariantName": "main",
                    }
                ],
                "Tags": [{"Key": "team", "Value": "ml"}],
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "DeploymentConfig": {
                    "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]},
                    "RollingUpdatePolicy": {
                        "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": 1},
                        "WaitIntervalInSeconds": 60,
                    },
                },
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                "EndpointName": "chat",
            },
        },
    }


def test_an_endpoint_is_read_as_the_template_says(client: Client, deployed: Deployed) -> None:
    sagemaker, ids = client("sagemaker"), deployed(**resources("repository@sha256:1"))
    (model,) = sagemaker.list_models()["Models"]
    shown = sagemaker.describe_model(ModelName=model["ModelName"])
    assert (shown["ModelArn"], shown["EnableNetworkIsolation"]) == (ids["Model"], True)
    assert shown["VpcConfig"]["Subnets"] == ["subnet-1"]
    source = shown["PrimaryContainer"]["ModelDataSource"]["S3DataSource"]
    assert source["S3Uri"] == "s3://bucket/model/"
    endpoint = sagemaker.describe_endpoint(EndpointName="chat")
    assert (endpoint["EndpointArn"], endpoint["EndpointStatus"]) == (ids["Endpoint"], "InService")
    rollback = endpoint["LastDeploymentConfig"]["AutoRollbackConfiguration"]
    assert rollback == {"Alarms": [{"AlarmName": "a"}]}
    config = sagemaker.describe_endpoint_config(EndpointConfigName=endpoint["EndpointConfigName"])
    (variant,) = config["ProductionVariants"]
    assert variant["InferenceAmiVersion"] == "al2023-ami-sagemaker-inference-gpu-4-1"
    assert variant["RoutingConfig"] == {"RoutingStrategy": "LEAST_OUTSTANDING_REQUESTS"}
    assert [pool["InstanceType"] for pool in variant["InstancePools"]] == [
        "ml.g6e.2xlarge",
        "ml.g5.12xlarge",
    ]
    assert variant["ContainerStartupHealthCheckTimeoutInSeconds"] == 1800
    tags = sagemaker.list_tags(ResourceArn=ids["Config"])["Tags"]
    assert {"Key": "team", "Value": "ml"} in tags


def test_another_image_is_deployed_to_the_same_endpoint(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    sagemaker, before = client("sagemaker"), deployed(**resources("repository@sha256:1"))
    old = sagemaker.describe_endpoint(EndpointName="chat")["EndpointConfigName"]
    after = deployed(**resources("repository@sha256:2"))
    assert after["Endpoint"] == before["Endpoint"]
    assert after["Model"] != before["Model"]
    new = sagemaker.describe_endpoint(EndpointName="chat")["EndpointConfigName"]
    assert new != old
    (config,) = sagemaker.list_endpoint_configs()["EndpointConfigs"]
    assert config["EndpointConfigName"] == new
    (model,) = sagemaker.list_models()["Models"]
    shown = sagemaker.describe_model(ModelName=model["ModelName"])
    assert shown["PrimaryContainer"]["Image"] == "repository@sha256:2"
    destroyed()
    assert not sagemaker.list_endpoints()["Endpoints"]
    assert not sagemaker.list_models()["Models"]


def test_an_instance_type_that_does_not_exist_is_refused(
    create: Callable[..., dict[str, Any]],
) -> None:
    stack = create({"Resources": resources("image", "ml.g9.xlarge")})
    assert "ml.g9.xlarge" in stack["StackStatusReason"]


def shared(copies: int, image: str = "r@sha256:1", gpus: int = 2) -> dict[str, Any]:
    """Return a shared endpoint of one instance with four GPUs, a component, and an adapter."""
    variant = {
        "VariantName": "main",
        "InstanceType": "ml.g6e.12xlarge",
        "InitialInstanceCount": 1,
        "ManagedInstanceScaling": {
            "Status": "ENABLED",
            "MinInstanceCount": 1,
            "MaxInstanceCount": 1,
        },
    }
    needs = {"NumberOfAcceleratorDevicesRequired": gpus, "MinMemoryRequiredInMb": 1024}
    return {
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ExecutionRoleArn": "arn:aws:iam::123456789012:role/r",
                "ProductionVariants": [variant],
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
                "EndpointName": "shared",
            },
        },
        "Chat": {
            "Type": "AWS::SageMaker::InferenceComponent",
            "Properties": {
                "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                "InferenceComponentName": "chat",
                "VariantName": "main",
                "RuntimeConfig": {"CopyCount": copies},
                "Specification": {
                    "ComputeResourceRequirements": needs,
                    "Container": {"Image": image},
                },
                "Tags": [{"Key": "team", "Value": "ml"}],
            },
        },
        "Medical": {
            "Type": "AWS::SageMaker::InferenceComponent",
            "DependsOn": "Chat",
            "Properties": {
                "EndpointName": {"Fn::GetAtt": ["Endpoint", "EndpointName"]},
                "Specification": {
                    "BaseInferenceComponentName": "chat",
                    "Container": {"ArtifactUrl": "s3://b/medical.tar.gz"},
                },
            },
        },
    }


def test_components_are_made_changed_and_gone(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    sagemaker, before = client("sagemaker"), deployed(**shared(1))
    assert before["Chat"].endswith(":inference-component/chat")
    assert "app-Medical-" in before["Medical"]
    tags = sagemaker.list_tags(ResourceArn=before["Chat"])["Tags"]
    assert {"Key": "team", "Value": "ml"} in tags
    after = deployed(**shared(2, "r@sha256:2"))
    assert after["Chat"] == before["Chat"]
    shown = sagemaker.describe_inference_component(InferenceComponentName="chat")
    assert shown["RuntimeConfig"] == {"DesiredCopyCount": 2, "CurrentCopyCount": 2}
    image = shown["Specification"]["Container"]["DeployedImage"]
    assert image["SpecifiedImage"] == "r@sha256:2"
    destroyed()
    assert not sagemaker.list_inference_components()["InferenceComponents"]


def test_copies_without_room_are_refused(create: Callable[..., dict[str, Any]]) -> None:
    stack = create({"Resources": shared(3)})
    assert "Insufficient capacity: chat needs 2 accelerators" in stack["StackStatusReason"]


def test_a_copy_larger_than_an_instance_is_refused(
    create: Callable[..., dict[str, Any]],
) -> None:
    assert "Insufficient capacity" in create({"Resources": shared(1, gpus=8)})["StackStatusReason"]
