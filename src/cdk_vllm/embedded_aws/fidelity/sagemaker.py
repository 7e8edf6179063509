"""SageMaker: today's instance types, variants whole, and endpoints that can be updated."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore import xform_name
from moto.cloudwatch.models import cloudwatch_backends
from moto.core.responses import ActionResult
from moto.core.utils import get_service_model, utcnow
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import FakeEndpoint, FakeEndpointConfig, SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from . import sagemaker_components, sagemaker_openai, sagemaker_runtime
from .keeping import then

_CONFIGURATION = (
    "EnableNetworkIsolation",
    "ExecutionRoleArn",
    "ExplainerConfig",
    "MetricsConfig",
    "ShadowProductionVariants",
    "VpcConfig",
)
_MOST_POOLS = 5


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
        types = _types(variant)
        for instance_type in types:
            self.validate_instance_type(instance_type)
        if "ServerlessConfig" in variant:
            self.validate_serverless_config(variant["ServerlessConfig"])
        elif not types and "ModelName" in variant:
            raise ValidationError(
                message=f"Variant {variant['VariantName']} needs an InstanceType, InstancePools "
                "or a ServerlessConfig"
            )
        _refuse_wrong_pools(variant)
        _refuse_a_volume_beside_disks(variant, types)


def _types(variant: dict[str, Any]) -> list[str]:
    pools = [pool["InstanceType"] for pool in variant.get("InstancePools", [])]
    return [variant["InstanceType"], *pools] if "InstanceType" in variant else pools


def _refuse_wrong_pools(variant: dict[str, Any]) -> None:
    """Pools stand in the instance type's place: one to five, each type once, first to last."""
    pools = variant.get("InstancePools")
    if pools is None:
        return
    name, types = variant["VariantName"], [pool["InstanceType"] for pool in pools]
    if "InstanceType" in variant:
        raise ValidationError(message=f"Variant {name} has both InstanceType and InstancePools")
    if not 1 <= len(pools) <= _MOST_POOLS or len(set(types)) < len(types):
        raise ValidationError(
            message=f"Variant {name} needs one to {_MOST_POOLS} InstancePools of distinct types"
        )
    if any(not 1 <= pool["Priority"] <= _MOST_POOLS for pool in pools):
        raise ValidationError(message=f"Variant {name} has a Priority that is not 1 to 5")


def _refuse_a_volume_beside_disks(variant: dict[str, Any], types: list[str]) -> None:
    for instance_type in types:
        if "VolumeSizeInGB" in variant and _has_disks(instance_type):
            raise ValidationError(
                message=f"VolumeSizeInGB cannot be given for {instance_type}, which has local disks"
            )


def _has_disks(instance_type: str) -> bool:
    known: dict[str, Any] = INSTANCE_TYPES
    shape = known.get(instance_type.removeprefix("ml."), {})
    return bool(shape.get("InstanceStorageSupported"))


def _refuse_a_key_beside_disks(response: Any) -> None:
    """Instances with NVMe disks encrypt those with a key of the hardware, and refuse another."""
    if not response._get_param("KmsKeyId"):
        return
    for variant in response._get_param("ProductionVariants") or []:
        for instance_type in _types(variant):
            if _has_disks(instance_type):
                raise ValidationError(
                    message=f"KmsKeyId cannot be given for {instance_type}, which has local disks"
                )


def _validate_models(self: Any, variants: list[dict[str, Any]]) -> None:
    """A variant without a model is one for inference components; a pool may bring its own."""
    for variant in variants:
        pools = variant.get("InstancePools", [])
        for owner in (variant, *pools):
            name = owner.get("ModelName") or owner.get("ModelNameOverride")
            if name is not None and name not in self._models:
                raise ValidationError(message=f"Could not find model '{name}'.")


def _variants(self: Any, variants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """DescribeEndpoint shows a variant's scaling, routing and pools; moto shows counts only."""
    shown = _moto_variants(self, variants)
    for given, made in zip(variants, shown, strict=True):
        for name in ("CapacityReservationConfig", "ManagedInstanceScaling", "RoutingConfig"):
            if name in given:
                made[name] = given[name]
        if "InstancePools" in given:
            made["InstancePools"] = _filled(given)
    return shown


_moto_variants = FakeEndpoint._process_production_variants


def _filled(variant: dict[str, Any]) -> list[dict[str, Any]]:
    """Capacity never runs out here: every instance comes from the pool that goes first."""
    pools = sorted(variant["InstancePools"], key=lambda pool: pool["Priority"])
    counts = [variant.get("InitialInstanceCount", 0)] + [0] * (len(pools) - 1)
    return [
        {"InstanceType": pool["InstanceType"], "CurrentInstanceCount": count}
        for pool, count in zip(pools, counts, strict=True)
    ]


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
    _serve(response.sagemaker_backend, endpoint, endpoint.endpoint_config_name)


def _set(response: Any, model: Any, names: tuple[str, ...]) -> None:
    for name in names:
        value = response._get_param(name)
        if value is not None:
            setattr(model, xform_name(name), value)


def _update_endpoint(self: Any) -> ActionResult:
    """UpdateEndpoint, which moto lacks: the endpoint takes another configuration at once.

    While an alarm of the automatic roll-back fires, it goes on serving what it served, in service
    as before, and the caller is told nothing: as SageMaker does it.
    """
    backend, name = self.sagemaker_backend, self._get_param("EndpointName")
    endpoint = backend.endpoints.get(name)
    if endpoint is None:
        raise ValidationError(message=f"Could not find endpoint '{name}'.")
    wanted = self._get_param("EndpointConfigName")
    if wanted not in backend.endpoint_configs:
        raise ValidationError(message=f"Could not find endpoint_config '{wanted}'.")
    if not (self._get_param("RetainDeploymentConfig") and endpoint.last_deployment_config):
        endpoint.last_deployment_config = self._get_param("DeploymentConfig")
    if not _is_rolled_back(self, endpoint.last_deployment_config or {}):
        _serve(backend, endpoint, wanted)
    endpoint.last_modified_time = utcnow()
    return ActionResult({"EndpointArn": endpoint.arn})


def _is_rolled_back(response: Any, deployment: dict[str, Any]) -> bool:
    alarms = cloudwatch_backends[response.current_account][response.region].alarms
    watched = deployment.get("AutoRollbackConfiguration", {}).get("Alarms", [])
    named = [alarms.get(alarm["AlarmName"]) for alarm in watched]
    return any(alarm is not None and alarm.state_value == "ALARM" for alarm in named)


def _serve(backend: Any, endpoint: Any, configuration_name: str) -> None:
    configuration = backend.endpoint_configs[configuration_name]
    endpoint.endpoint_config_name = configuration_name
    endpoint.production_variants = _variants(endpoint, configuration.production_variants)
    endpoint.async_inference_config = configuration.async_inference_config
    endpoint.data_capture_config = _capture(configuration.data_capture_config)
    endpoint.metrics_config = getattr(configuration, "metrics_config", None)
    for given, made in zip(
        configuration.production_variants, endpoint.production_variants, strict=True
    ):
        made["DeployedImages"] = _images(backend, given)


def _capture(given: dict[str, Any] | None) -> dict[str, Any] | None:
    """An endpoint tells whether it captures, where the configuration says anything of it."""
    if not given:
        return None
    return {
        "EnableCapture": given.get("EnableCapture", True),
        "CaptureStatus": "Started" if given.get("EnableCapture", True) else "Stopped",
        "CurrentSamplingPercentage": given["InitialSamplingPercentage"],
        "DestinationS3Uri": given["DestinationS3Uri"],
        "KmsKeyId": given.get("KmsKeyId", ""),
    }


def _images(backend: Any, variant: dict[str, Any]) -> list[dict[str, Any]]:
    model = backend._models.get(variant.get("ModelName"))
    image = (model.primary_container or {}).get("Image") if model else None
    return [{"SpecifiedImage": image, "ResolvedImage": image}] if image else []


def install() -> None:
    """Apply the fixes."""
    configuration: Any = FakeEndpointConfig
    configuration.validate_instance_type = _validate_instance_type
    configuration.validate_production_variants = _validate_variants
    endpoint: Any = FakeEndpoint
    endpoint._process_production_variants = _variants
    backend: Any = SageMakerModelBackend
    backend.validate_production_variants = _validate_models
    response: Any = SageMakerResponse
    response.update_endpoint = _update_endpoint
    _first(response, "create_endpoint_config", _refuse_a_key_beside_disks)
    then(response, "create_model", _keep_model)
    then(response, "create_endpoint_config", _keep_configuration)
    then(response, "create_endpoint", _keep_endpoint)
    sagemaker_components.install()
    sagemaker_runtime.install()
    sagemaker_openai.install()


def _first(response_class: Any, action: str, before: Any) -> None:
    """Make `action` call `before(response)`, which may refuse the request."""
    original = getattr(response_class, action)

    def wrapped(self: Any) -> Any:
        before(self)
        return original(self)

    setattr(response_class, action, wrapped)
