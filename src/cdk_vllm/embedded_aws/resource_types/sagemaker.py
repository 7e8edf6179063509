"""SageMaker: models, endpoint configurations, endpoints and inference components."""

from __future__ import annotations

from typing import Any

from .resource import Resource


class Model(Resource):
    """`AWS::SageMaker::Model`; `Ref` is its ARN, and every change makes another."""

    type_name = "AWS::SageMaker::Model"
    name_property = "ModelName"
    name_limit = 63

    def create(self, properties: dict[str, Any]) -> str:
        """Create the model."""
        return str(self.call("sagemaker.create_model", properties)["ModelArn"])

    def delete(self) -> None:
        """Delete the model."""
        self.client("sagemaker").delete_model(ModelName=self.properties["ModelName"])

    def attribute(self, name: str) -> Any:
        """Return `ModelName` or `ModelArn`."""
        return self.physical_id if name == "ModelArn" else super().attribute(name)


class EndpointConfig(Resource):
    """`AWS::SageMaker::EndpointConfig`; `Ref` is its ARN, and every change makes another."""

    type_name = "AWS::SageMaker::EndpointConfig"
    name_property = "EndpointConfigName"
    name_limit = 63

    def create(self, properties: dict[str, Any]) -> str:
        """Create the configuration."""
        answer = self.call("sagemaker.create_endpoint_config", properties)
        return str(answer["EndpointConfigArn"])

    def delete(self) -> None:
        """Delete the configuration."""
        name = self.properties["EndpointConfigName"]
        self.client("sagemaker").delete_endpoint_config(EndpointConfigName=name)

    def attribute(self, name: str) -> Any:
        """Return `EndpointConfigName` or `EndpointConfigArn`."""
        return self.physical_id if name == "EndpointConfigArn" else super().attribute(name)


class Endpoint(Resource):
    """`AWS::SageMaker::Endpoint`; `Ref` is its ARN."""

    type_name = "AWS::SageMaker::Endpoint"
    name_property = "EndpointName"
    name_limit = 63

    _AT_UPDATE = (
        "ExcludeRetainedVariantProperties",
        "RetainAllVariantProperties",
        "RetainDeploymentConfig",
    )

    def create(self, properties: dict[str, Any]) -> str:
        """Create the endpoint."""
        answer = self.call("sagemaker.create_endpoint", properties, without=self._AT_UPDATE)
        return str(answer["EndpointArn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Deploy another configuration to the endpoint."""
        self.call("sagemaker.update_endpoint", properties, without=("Tags",))
        if self.changed(properties, "Tags") and properties.get("Tags"):
            tagged = {"ResourceArn": self.physical_id, "Tags": properties["Tags"]}
            self.call("sagemaker.add_tags", tagged)

    def delete(self) -> None:
        """Delete the endpoint."""
        self.client("sagemaker").delete_endpoint(EndpointName=self.properties["EndpointName"])

    def attribute(self, name: str) -> Any:
        """Return `EndpointName` or `EndpointArn`."""
        return self.physical_id if name == "EndpointArn" else super().attribute(name)


class InferenceComponent(Resource):
    """`AWS::SageMaker::InferenceComponent`; `Ref` is its ARN."""

    type_name = "AWS::SageMaker::InferenceComponent"
    name_property = "InferenceComponentName"
    name_limit = 63
    fixed = frozenset({"EndpointName", "VariantName"})

    _AT_CREATION = ("EndpointName", "Tags", "VariantName")

    def create(self, properties: dict[str, Any]) -> str:
        """Create the component."""
        answer = self.call(
            "sagemaker.create_inference_component",
            properties,
            without=("DeploymentConfig", "EndpointArn"),
        )
        return str(answer["InferenceComponentArn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Roll what the component runs out, copy by copy."""
        without = (*self._AT_CREATION, "EndpointArn")
        self.call("sagemaker.update_inference_component", properties, without=without)
        if self.changed(properties, "Tags") and properties.get("Tags"):
            tagged = {"ResourceArn": self.physical_id, "Tags": properties["Tags"]}
            self.call("sagemaker.add_tags", tagged)

    def delete(self) -> None:
        """Delete the component."""
        name = self.properties["InferenceComponentName"]
        self.client("sagemaker").delete_inference_component(InferenceComponentName=name)

    def attribute(self, name: str) -> Any:
        """Return a name, an ARN, or what the component is doing."""
        if name == "InferenceComponentArn":
            return self.physical_id
        if name == "InferenceComponentStatus":
            shown = self.client("sagemaker").describe_inference_component(
                InferenceComponentName=self.properties["InferenceComponentName"]
            )
            return shown[name]
        return super().attribute(name)


TYPES = (Endpoint, EndpointConfig, InferenceComponent, Model)
