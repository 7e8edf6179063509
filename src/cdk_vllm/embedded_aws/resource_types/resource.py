"""What CloudFormation's engine knows of a resource: create, update, delete, Ref and GetAtt."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from moto.cloudformation.utils import random_suffix

from .service_calls import parameters_for, service_client

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class Place:
    """Where a resource stands: its account, region, stack and logical id."""

    account_id: str
    region: str
    stack_id: str
    stack_name: str
    logical_id: str
    resource_type: str
    stack_tags: Mapping[str, str] = field(default_factory=dict)

    def arn(self, service: str, resource: str, *, region: str | None = None) -> str:
        """Return an ARN of this account; `region=""` for a global service."""
        where = self.region if region is None else region
        return f"arn:aws:{service}:{where}:{self.account_id}:{resource}"


class Resource:
    """One resource of one stack.

    `physical_id` is what `Ref` gives; `properties` are the resolved properties last applied.
    """

    type_name: ClassVar[str]
    name_property: ClassVar[str | None] = None
    """The property that names the resource; CloudFormation makes the name when it is absent."""
    name_limit: ClassVar[int] = 64
    name_lower: ClassVar[bool] = False
    fixed: ClassVar[frozenset[str]] = frozenset()
    """Properties whose change makes a new resource, beside the name."""
    defaults: ClassVar[Mapping[str, Any]] = {}
    """What CloudFormation, not the service, puts where the template is silent."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.physical_id = ""
        self.properties: dict[str, Any] = {}
        self.definition: dict[str, Any] = {}

    # The three below are what the stack's responses read of a resource.
    @property
    def logical_resource_id(self) -> str:
        """The id in the template."""
        return self.place.logical_id

    @property
    def physical_resource_id(self) -> str:
        """What `Ref` gives."""
        return self.physical_id

    @property
    def cf_resource_type(self) -> str:
        """The type in the template."""
        return self.place.resource_type

    def create(self, properties: dict[str, Any]) -> str:
        """Make the resource and return its physical id."""
        raise TypeError(f"{type(self).__name__} does not say how it is created: {properties}.")

    def update(self, properties: dict[str, Any]) -> None:
        """Change the resource in place; `self.properties` still holds what was applied before."""
        raise TypeError(f"{type(self).__name__} does not say how it is updated: {properties}.")

    def delete(self) -> None:
        """Remove the resource."""

    def attribute(self, name: str) -> Any:
        """Return `Fn::GetAtt`'s value, or None when the type has no such attribute."""
        return self.properties.get(name) if name == self.name_property else None

    def must_replace(self, properties: Mapping[str, Any]) -> bool:
        """Say whether these properties need a new resource rather than an update."""
        names = set(self.fixed)
        if self.name_property and self.name_property in properties:
            names.add(self.name_property)
        if type(self).update is Resource.update:
            return True
        return any(properties.get(name) != self.properties.get(name) for name in names)

    def completed(self, properties: Mapping[str, Any], *, fresh: bool) -> dict[str, Any]:
        """Return `properties` with the defaults and the name CloudFormation fills in."""
        filled = {**self.defaults, **properties}
        if self.name_property and self.name_property not in filled:
            kept = None if fresh else self.properties.get(self.name_property)
            filled[self.name_property] = kept or self.generated_name()
        return filled

    def generated_name(self) -> str:
        """Return `stack-logical-random`, cut to the service's limit as CloudFormation cuts it."""
        suffix = f"-{random_suffix()}"
        stem = f"{self.place.stack_name}-{self.place.logical_id}"
        name = stem[: self.name_limit - len(suffix)].rstrip("-") + suffix
        return name.lower() if self.name_lower else name

    def client(self, service: str) -> Any:
        """Return a client of `service` in the resource's account and region."""
        return service_client(service, self.place.region, self.place.account_id)

    def call(
        self,
        operation: str,
        properties: Mapping[str, Any],
        *,
        without: tuple[str, ...] = (),
        rename: Mapping[str, str] | None = None,
    ) -> Any:
        """Call `service.operation` with these properties, less `without`, some renamed."""
        service, method = operation.split(".")
        renamed = {
            (rename or {}).get(name, name): value
            for name, value in properties.items()
            if name not in without
        }
        client = self.client(service)
        return getattr(client, method)(**parameters_for(client, method, renamed))

    def changed(self, properties: Mapping[str, Any], *names: str) -> bool:
        """Say whether any of the named properties differs from what was applied."""
        return any(properties.get(name) != self.properties.get(name) for name in names)


def pairs(tags: Any) -> dict[str, str]:
    """Return a list of Key and Value, or a map, as a map."""
    if isinstance(tags, dict):
        return {key: str(value) for key, value in tags.items()}
    return {tag["Key"]: str(tag["Value"]) for tag in tags or ()}
