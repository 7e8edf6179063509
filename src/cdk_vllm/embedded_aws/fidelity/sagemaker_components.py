"""SageMaker's inference components, which moto lacks: models and copies that share instances."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace
from typing import Any

from moto.applicationautoscaling import models as scaling_models
from moto.applicationautoscaling import responses as scaling_responses
from moto.core.responses import ActionResult, EmptyResult
from moto.core.utils import utcnow
from moto.ec2.models.instance_types import INSTANCE_TYPES
from moto.sagemaker.exceptions import ResourceInUseException, ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

COPY_COUNT = "sagemaker:inference-component:DesiredCopyCount"


@dataclass
class Component:
    """One inference component, as it was last created or updated."""

    name: str
    arn: str
    endpoint_name: str
    variant_name: str
    specification: dict[str, Any] | None
    specifications: list[dict[str, Any]] | None
    copies: int
    tags: list[dict[str, str]]
    deployment_config: dict[str, Any] | None = None
    creation_time: Any = field(default_factory=utcnow)
    last_modified_time: Any = field(default_factory=utcnow)

    @property
    def accelerators(self) -> int:
        """How many GPUs one copy takes; an adapter takes none of its own."""
        needs = (self.specification or {}).get("ComputeResourceRequirements", {})
        return int(needs.get("NumberOfAcceleratorDevicesRequired", 0))

    @property
    def base_component(self) -> str | None:
        """The component that an adapter is an adapter of."""
        name: str | None = (self.specification or {}).get("BaseInferenceComponentName")
        return name


def components_of(backend: Any) -> dict[str, Component]:
    """Return the components of one account and region by name; a reset forgets them."""
    components: dict[str, Component] = backend.__dict__.setdefault("inference_components", {})
    return components


def _find(response: Any) -> Component:
    name = response._get_param("InferenceComponentName")
    found = components_of(response.sagemaker_backend).get(name)
    if found is None:
        raise ValidationError(message=f"Could not find inference component '{name}'.")
    return found


def _create(self: Any) -> ActionResult:
    """CreateInferenceComponent: it is in service at once, or refused."""
    backend, name = self.sagemaker_backend, self._get_param("InferenceComponentName")
    known = components_of(backend)
    if name in known:
        raise ValidationError(message=f"Cannot create already existing component '{name}'.")
    variant = _variant(backend, self._get_param("EndpointName"), self._get_param("VariantName"))
    runtime = self._get_param("RuntimeConfig") or {}
    where = f"{self.region}:{self.current_account}"
    component = Component(
        name=name,
        arn=f"arn:aws:sagemaker:{where}:inference-component/{name}",
        endpoint_name=self._get_param("EndpointName"),
        variant_name=variant["VariantName"],
        specification=self._get_param("Specification"),
        specifications=self._get_param("Specifications"),
        copies=runtime.get("CopyCount", 0),
        tags=self._get_param("Tags") or [],
    )
    _refuse_what_cannot_run(backend, component, variant)
    known[name] = component
    return ActionResult({"InferenceComponentArn": component.arn})


def _variant(backend: Any, endpoint_name: str, variant_name: str | None) -> dict[str, Any]:
    """An endpoint for components has variants without a model of their own."""
    endpoint = backend.endpoints.get(endpoint_name)
    if endpoint is None:
        raise ValidationError(message=f"Could not find endpoint '{endpoint_name}'.")
    configuration = backend.endpoint_configs[endpoint.endpoint_config_name]
    for variant in configuration.production_variants:
        if variant_name in (None, variant["VariantName"]):
            if variant.get("ModelName"):
                raise ValidationError(
                    message=f"Endpoint '{endpoint_name}' has a model of its own, and takes no "
                    "inference components."
                )
            return dict(variant)
    raise ValidationError(message=f"Endpoint '{endpoint_name}' has no variant '{variant_name}'.")


def _refuse_what_cannot_run(backend: Any, component: Component, variant: dict[str, Any]) -> None:
    specification = component.specification or {}
    base, needs = component.base_component, specification.get("ComputeResourceRequirements")
    if base is not None:
        if base not in components_of(backend):
            raise ValidationError(message=f"Could not find inference component '{base}'.")
        if needs is not None:
            raise ValidationError(message="An adapter has no ComputeResourceRequirements.")
        return
    if not needs and not component.specifications:
        raise ValidationError(message="Specification needs ComputeResourceRequirements.")
    model = specification.get("ModelName")
    if model is not None and model not in backend._models:
        raise ValidationError(message=f"Could not find model '{model}'.")
    others = [
        other
        for other in components_of(backend).values()
        if other.endpoint_name == component.endpoint_name and other.name != component.name
    ]
    _refuse_what_finds_no_room([*others, component], variant)


def _refuse_what_finds_no_room(components: list[Component], variant: dict[str, Any]) -> None:
    """Copies are laid on instances first come, first served; each lies on one instance whole."""
    gpus = min(map(_gpus, _types(variant)), default=0)
    if gpus == 0:
        return
    scaling = variant.get("ManagedInstanceScaling", {})
    most = scaling.get("MaxInstanceCount", variant.get("InitialInstanceCount", 1))
    free = [gpus] * most
    for component in components:
        for _ in range(component.copies):
            place = next((i for i, left in enumerate(free) if left >= component.accelerators), None)
            if place is None:
                raise ValidationError(
                    message=f"Insufficient capacity: {component.name} needs "
                    f"{component.accelerators} accelerators on one of {most} instances with {gpus}."
                )
            free[place] -= component.accelerators


def _types(variant: dict[str, Any]) -> list[str]:
    pools = variant.get("InstancePools", [])
    return [entry["InstanceType"] for entry in (variant, *pools) if "InstanceType" in entry]


@cache
def _gpus(instance_type: str) -> int:
    known: dict[str, Any] = INSTANCE_TYPES
    shape = known.get(instance_type.removeprefix("ml."), {})
    return sum(gpu["Count"] for gpu in shape.get("GpuInfo", {}).get("Gpus", []))


def _update(self: Any) -> ActionResult:
    """UpdateInferenceComponent: what the request leaves out stays."""
    changed = deepcopy(_find(self))
    runtime = self._get_param("RuntimeConfig") or {}
    changed.specification = self._get_param("Specification") or changed.specification
    changed.specifications = self._get_param("Specifications") or changed.specifications
    changed.deployment_config = self._get_param("DeploymentConfig") or changed.deployment_config
    changed.copies = runtime.get("CopyCount", changed.copies)
    return _put(self, changed)


def _update_runtime(self: Any) -> ActionResult:
    """UpdateInferenceComponentRuntimeConfig: the number of copies."""
    changed = deepcopy(_find(self))
    changed.copies = self._get_param("DesiredRuntimeConfig")["CopyCount"]
    return _put(self, changed)


def _put(response: Any, component: Component) -> ActionResult:
    backend = response.sagemaker_backend
    variant = _variant(backend, component.endpoint_name, component.variant_name)
    _refuse_what_cannot_run(backend, component, variant)
    component.last_modified_time = utcnow()
    components_of(backend)[component.name] = component
    return ActionResult({"InferenceComponentArn": component.arn})


def _describe(self: Any) -> ActionResult:
    """DescribeInferenceComponent."""
    component = _find(self)
    many = component.specifications
    return ActionResult(
        {
            **_summary(self, component),
            "Specification": _shown(component.specification),
            "Specifications": None if many is None else [_shown(item) for item in many],
            "LastDeploymentConfig": component.deployment_config,
            "RuntimeConfig": {
                "DesiredCopyCount": component.copies,
                "CurrentCopyCount": component.copies,
            },
        }
    )


def _shown(specification: dict[str, Any] | None) -> dict[str, Any] | None:
    """An answer says which image was specified, and which one that was."""
    container = (specification or {}).get("Container")
    if specification is None or not container:
        return specification
    image = container.get("Image")
    deployed = {"DeployedImage": {"SpecifiedImage": image, "ResolvedImage": image}} if image else {}
    rest = {name: value for name, value in container.items() if name != "Image"}
    return {**specification, "Container": {**rest, **deployed}}


def _summary(response: Any, component: Component) -> dict[str, Any]:
    endpoint = response.sagemaker_backend.endpoints.get(component.endpoint_name)
    return {
        "InferenceComponentName": component.name,
        "InferenceComponentArn": component.arn,
        "EndpointName": component.endpoint_name,
        "EndpointArn": endpoint.arn if endpoint else "",
        "VariantName": component.variant_name,
        "InferenceComponentStatus": "InService",
        "CreationTime": component.creation_time,
        "LastModifiedTime": component.last_modified_time,
    }


def _list(self: Any) -> ActionResult:
    """ListInferenceComponents, by endpoint, by variant, or all."""
    wanted = {
        "endpoint_name": self._get_param("EndpointNameEquals"),
        "variant_name": self._get_param("VariantNameEquals"),
    }
    part = self._get_param("NameContains") or ""
    found = [
        component
        for component in components_of(self.sagemaker_backend).values()
        if part in component.name
        and all(value in (None, getattr(component, name)) for name, value in wanted.items())
    ]
    return ActionResult({"InferenceComponents": [_summary(self, item) for item in found]})


def _delete(self: Any) -> EmptyResult:
    """DeleteInferenceComponent; adapters go before what they adapt."""
    component = _find(self)
    known = components_of(self.sagemaker_backend)
    if any(other.base_component == component.name for other in known.values()):
        raise ResourceInUseException(message=f"'{component.name}' still has adapters.")
    del known[component.name]
    return EmptyResult()


_moto_delete_endpoint = SageMakerModelBackend.delete_endpoint
_moto_resource = SageMakerModelBackend._get_resource_from_arn


def _delete_endpoint(self: Any, endpoint_name: str) -> None:
    if any(item.endpoint_name == endpoint_name for item in components_of(self).values()):
        raise ResourceInUseException(
            message=f"Endpoint '{endpoint_name}' still has inference components."
        )
    _moto_delete_endpoint(self, endpoint_name)


def _resource(self: Any, arn: str) -> Any:
    kind, _, name = arn.rpartition(":")[2].partition("/")
    if kind != "inference-component":
        return _moto_resource(self, arn)
    if name not in components_of(self):
        raise ValidationError(message=f"Could not find inference component '{name}'.")
    return components_of(self)[name]


def install() -> None:
    """Put the operations beside moto's, and let their copies be scaled."""
    response: Any = SageMakerResponse
    response.create_inference_component = _create
    response.describe_inference_component = _describe
    response.list_inference_components = _list
    response.update_inference_component = _update
    response.update_inference_component_runtime_config = _update_runtime
    response.delete_inference_component = _delete
    backend: Any = SageMakerModelBackend
    backend.delete_endpoint = _delete_endpoint
    backend._get_resource_from_arn = _resource
    _let_copies_scale()


def _let_copies_scale() -> None:
    """Application Auto Scaling's list of dimensions in moto ends before components."""
    modules: tuple[Any, ...] = (scaling_models, scaling_responses)
    for module in modules:
        module.ScalableDimensionValueSet = [
            *module.ScalableDimensionValueSet,
            SimpleNamespace(value=COPY_COUNT),
        ]
