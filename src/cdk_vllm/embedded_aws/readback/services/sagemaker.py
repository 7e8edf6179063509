"""Reads SageMaker back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, optional, tail

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _tags(client: ClientFactory, arn: str) -> Any:
    return optional(client("sagemaker").list_tags, ResourceArn=arn).get("Tags")


def _model(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    model = client("sagemaker").describe_model(ModelName=tail(physical_id))
    return {
        **listed(
            model,
            "Containers",
            "EnableNetworkIsolation",
            "ExecutionRoleArn",
            "InferenceExecutionConfig",
            "ModelName",
            "PrimaryContainer",
            "VpcConfig",
        ),
        "Tags": _tags(client, model["ModelArn"]),
    }


def _endpoint_config(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    config = client("sagemaker").describe_endpoint_config(EndpointConfigName=tail(physical_id))
    return {
        **listed(
            config,
            "AsyncInferenceConfig",
            "DataCaptureConfig",
            "EnableNetworkIsolation",
            "EndpointConfigName",
            "ExecutionRoleArn",
            "ExplainerConfig",
            "KmsKeyId",
            "ProductionVariants",
            "ShadowProductionVariants",
            "VpcConfig",
        ),
        "Tags": _tags(client, config["EndpointConfigArn"]),
    }


def _endpoint(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    endpoint = client("sagemaker").describe_endpoint(EndpointName=tail(physical_id))
    return {
        **listed(endpoint, "EndpointConfigName", "EndpointName"),
        "DeploymentConfig": endpoint.get("LastDeploymentConfig"),
        "Tags": _tags(client, endpoint["EndpointArn"]),
    }


def _inference_component(
    client: ClientFactory, physical_id: str, _: Mapping[str, Any]
) -> dict[str, Any]:
    component = client("sagemaker").describe_inference_component(
        InferenceComponentName=tail(physical_id)
    )
    runtime = component.get("RuntimeConfig", {})
    return {
        **listed(
            component,
            "EndpointName",
            "InferenceComponentArn",
            "InferenceComponentName",
            "Specification",
            "VariantName",
        ),
        "RuntimeConfig": {"CopyCount": runtime.get("DesiredCopyCount")},
        "Tags": _tags(client, component["InferenceComponentArn"]),
    }


READERS: Mapping[str, Reader] = {
    "AWS::SageMaker::Endpoint": _endpoint,
    "AWS::SageMaker::EndpointConfig": _endpoint_config,
    "AWS::SageMaker::InferenceComponent": _inference_component,
    "AWS::SageMaker::Model": _model,
}
