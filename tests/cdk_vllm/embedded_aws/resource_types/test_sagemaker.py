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
