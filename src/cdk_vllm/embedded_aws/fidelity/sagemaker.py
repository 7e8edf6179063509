"""SageMaker: today's instance types, variants whole, and endpoints that can be updated."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore import xform_name
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model, utcnow
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import FakeEndpoint, FakeEndpointConfig
from moto.sagemaker.responses import SageMakerResponse

from .keeping import then

_CONFIGURATION = (
    "EnableNetworkIsolation",
    "ExecutionRoleArn",
    "ExplainerConfig",
    "MetricsConfig",
    "ShadowProductionVariants",
    "VpcConfig",
)


@cache
def _instance_types() -> frozenset[str]:
    shape: Any = get_service_model("sagemaker").shape_for("ProductionVariantInstanceType")
    return frozenset(shape.enum)


def _validate_instance_type(self: Any, instance_type: str) -> None:
    """Moto's list ends with g4dn; botocore's is SageMaker's own."""
    del self
    if instance_type not in _instance_types():
        raise ValidationError(
            message=f"Value '{instance_type}' at 'instanceType' failed to satisfy constraint: "
            "Member must satisfy enum value set"
        )


def _validate_variants(self: Any, variants: list[dict[str, Any]]) -> None:
    """Moto knows variants of one instance type or serverless ones, but no instance pools."""
    for variant in variants:
        pools = variant.get("InstancePools", [])
        types = [pool["InstanceType"] for pool in pools]
        if "InstanceType" in variant:
            types.append(variant["InstanceType"])
        for instance_type in types:
            self.validate_instance_type(instance_type)
        if "ServerlessConfig" in variant:
            self.validate_serverless_config(variant["ServerlessConfig"])
        elif not types and "ModelName" in variant:
            raise ValidationError(
                message=f"Variant {variant['VariantName']} needs an InstanceType, InstancePools "
                "or a ServerlessConfig"
            )


def _variants(self: Any, variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """DescribeEndpoint shows a variant's scaling, routing and pools; moto shows counts only."""
    shown = _moto_variants(self, variants)
    summary: Any = get_service_model("sagemaker").shape_for("ProductionVariantSummary")
    for given, made in zip(variants, shown, strict=True):
        for name in ("ManagedInstanceScaling", "RoutingConfig"):
            if name in given and name in summary.members:
                made[name] = given[name]
    return shown


_moto_variants = FakeEndpoint._process_production_variants


def _keep_model(response: Any, answer: Any) -> None:
    del answer
    model = response.sagemaker_backend.describe_model(response._get_param("ModelName"))
    _set(response, model, ("EnableNetworkIsolation", "InferenceExecutionConfig"))


def _keep_configuration(response: Any, answer: Any) -> None:
    del answer
    name = response._get_param("EndpointConfigName")
    _set(response, response.sagemaker_backend.endpoint_configs[name], _CONFIGURATION)


def _keep_endpoint(response: Any, answer: Any) -> None:
    """Moto drops the deployment configuration, whose alarms roll an update back."""
    del answer
    endpoint = response.sagemaker_backend.endpoints[response._get_param("EndpointName")]
    endpoint.last_deployment_config = response._get_param("DeploymentConfig")


def _set(response: Any, model: Any, names: tuple[str, ...]) -> None:
    for name in names:
        value = response._get_param(name)
        if value is not None:
            setattr(model, xform_name(name), value)


def _update_endpoint(self: Any) -> ActionResult:
    """UpdateEndpoint, which moto lacks: the endpoint takes another configuration at once."""
    backend, name = self.sagemaker_backend, self._get_param("EndpointName")
    endpoint = backend.endpoints.get(name)
    if endpoint is None:
        raise ValidationError(message=f"Could not find endpoint '{name}'.")
    wanted = self._get_param("EndpointConfigName")
    if wanted not in backend.endpoint_configs:
        raise ValidationError(message=f"Could not find endpoint_config '{wanted}'.")
    configuration = backend.endpoint_configs[wanted]
    endpoint.endpoint_config_name = wanted
    endpoint.production_variants = _variants(endpoint, configuration.production_variants)
    endpoint.data_capture_config = configuration.data_capture_config
    endpoint.last_deployment_config = self._get_param("DeploymentConfig")
    endpoint.last_modified_time = utcnow()
    return ActionResult({"EndpointArn": endpoint.arn})


def install() -> None:
    """Apply the fixes."""
    configuration: Any = FakeEndpointConfig
    configuration.validate_instance_type = _validate_instance_type
    configuration.validate_production_variants = _validate_variants
    endpoint: Any = FakeEndpoint
    endpoint._process_production_variants = _variants
    response: Any = SageMakerResponse
    response.update_endpoint = _update_endpoint
    then(response, "create_model", _keep_model)
    then(response, "create_endpoint_config", _keep_configuration)
    then(response, "create_endpoint", _keep_endpoint)
