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
            "MetricsConfig",
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
    client: ClientFactory, physical_id: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    component = client("sagemaker").describe_inference_component(
        InferenceComponentName=tail(physical_id)
    )
    read = {
        **listed(
            component,
            "EndpointArn",
            "EndpointName",
            "InferenceComponentArn",
            "InferenceComponentName",
            "InferenceComponentStatus",
            "VariantName",
        ),
        "Specification": _as_specified(component.get("Specification")),
        "Specifications": [_as_specified(item) for item in component.get("Specifications", [])]
        or None,
        "Tags": _tags(client, component["InferenceComponentArn"]),
    }
    if "RuntimeConfig" in properties:
        # How many copies there are is Application Auto Scaling's to say, after the first.
        count = component.get("RuntimeConfig", {}).get("DesiredCopyCount")
        read["RuntimeConfig"] = {"CopyCount": count}
    # A deployment configuration belongs to an update, and is not shown before the first one.
    if component.get("LastDeploymentConfig"):
        read["DeploymentConfig"] = component["LastDeploymentConfig"]
    return read


def _as_specified(specification: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Undo what an answer makes of the image: the one specified, and the one deployed."""
    if specification is None:
        return None
    container = dict(specification.get("Container", {}))
    deployed = container.pop("DeployedImage", None)
    if deployed:
        container["Image"] = deployed.get("SpecifiedImage")
    return {**specification, **({"Container": container} if container else {})}


READERS: Mapping[str, Reader] = {
    "AWS::SageMaker::Endpoint": _endpoint,
    "AWS::SageMaker::EndpointConfig": _endpoint_config,
    "AWS::SageMaker::InferenceComponent": _inference_component,
    "AWS::SageMaker::Model": _model,
}
