from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any
MODEL: dict[str, Any] = {
    "EnableNetworkIsolation": True,
    "ExecutionRoleArn": "arn:aws:iam::123456789012:role/model",
    "PrimaryContainer": {
        "Environment": {"SM_VLLM_MAX_MODEL_LEN": "16384"},
        "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:0",
        "ModelDataSource": {
            "S3DataSource": {
                "CompressionType": "None",
                "S3DataType": "S3Prefix",
                "S3Uri": "s3://models/qwen/",
            }
        },
    },
    "VpcConfig": {"SecurityGroupIds": ["sg-0"], "Subnets": ["subnet-0"]},
}
CONFIG = {
    "KmsKeyId": "arn:aws:kms:us-east-1:123456789012:key/k",
    "ProductionVariants": [
        {
            "ContainerStartupHealthCheckTimeoutInSeconds": 1800,
            "InitialInstanceCount": 1,
            "InitialVariantWeight": 1,
            "InstanceType": "ml.c5.xlarge",
            "ModelName": "qwen",
            "VariantName": "AllTraffic",
        }
    ],
}


@pytest.fixture
def sagemaker(client: Client) -> Any:
    client("sagemaker").create_model(ModelName="qwen", **MODEL)
    client("sagemaker").create_endpoint_config(EndpointConfigName="one", **CONFIG)
    return client("sagemaker")


def test_model(sagemaker: Any, client: Client, wrong: Wrong) -> None:
    arn = sagemaker.describe_model(ModelName="qwen")["ModelArn"]
    assert wrong("SageMaker::Model", arn, {**MODEL, "ModelName": "qwen"}) == []
    container = {**MODEL["PrimaryContainer"], "Environment": {}}
    assert wrong("SageMaker::Model", arn, {"PrimaryContainer": container}) == [
        'PrimaryContainer.Environment.SM_VLLM_MAX_MODEL_LEN should be null but is "16384"'
    ]
    sagemaker.delete_model(ModelName="qwen")
    assert not exists(client, "AWS::SageMaker::Model", arn)


def test_endpoint(sagemaker: Any, client: Client, wrong: Wrong) -> None:
    config = sagemaker.describe_endpoint_config(EndpointConfigName="one")["EndpointConfigArn"]
    assert wrong("SageMaker::EndpointConfig", config, {**CONFIG, "EndpointConfigName": "one"}) == []
    tags = [{"Key": "a", "Value": "b"}]
    endpoint = sagemaker.create_endpoint(EndpointName="chat", EndpointConfigName="one", Tags=tags)[
        "EndpointArn"
    ]
    written = {"EndpointConfigName": "one", "EndpointName": "chat", "Tags": tags}
    assert wrong("SageMaker::Endpoint", endpoint, written) == []
    sagemaker.create_endpoint_config(EndpointConfigName="two", **CONFIG)
    sagemaker.update_endpoint(EndpointName="chat", EndpointConfigName="two")
    assert wrong("SageMaker::Endpoint", endpoint, written) == [
        'EndpointConfigName should be "one" but is "two"'
    ]
    sagemaker.delete_endpoint(EndpointName="chat")
    assert not exists(client, "AWS::SageMaker::Endpoint", endpoint)


ROLE = "arn:aws:iam::123456789012:role/model"
NEEDS = {"NumberOfAcceleratorDevicesRequired": 1, "MinMemoryRequiredInMb": 1024}


def test_inference_component(sagemaker: Any, client: Client, wrong: Wrong) -> None:
    variant = {
        "InitialInstanceCount": 1,
        "InstanceType": "ml.g6e.12xlarge",
        "VariantName": "AllTraffic",
    }
    sagemaker.create_endpoint_config(
        EndpointConfigName="shared", ProductionVariants=[variant], ExecutionRoleArn=ROLE
    )
    sagemaker.create_endpoint(EndpointName="shared", EndpointConfigName="shared")
    written: dict[str, Any] = {
        "EndpointName": "shared",
        "InferenceComponentName": "chat",
        "RuntimeConfig": {"CopyCount": 2},
        "Specification": {
            "ComputeResourceRequirements": NEEDS,
            "Container": {"Environment": {"A": "1"}, "Image": "r@sha256:1"},
        },
        "VariantName": "AllTraffic",
    }
    arn = sagemaker.create_inference_component(**written)["InferenceComponentArn"]
    assert wrong("SageMaker::InferenceComponent", arn, written) == []
    other = {**written, "RuntimeConfig": {"CopyCount": 1}}
    assert wrong("SageMaker::InferenceComponent", arn, other) == [
        "RuntimeConfig.CopyCount should be 1 but is 2"
    ]
    container = {"Environment": {"A": "1"}, "Image": "r@sha256:2"}
    other = {**written, "Specification": {**written["Specification"], "Container": container}}
    assert wrong("SageMaker::InferenceComponent", arn, other) == [
        'Specification.Container.Image should be "r@sha256:2" but is "r@sha256:1"'
    ]
    sagemaker.delete_inference_component(InferenceComponentName="chat")
    assert not exists(client, "AWS::SageMaker::InferenceComponent", arn)
