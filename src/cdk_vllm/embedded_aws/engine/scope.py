"""What the names in a template stand for while one stack is deployed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from cdk_vllm.embedded_aws.resource_types.resource import Resource


class NoValue:
    """`AWS::NoValue`: the property or list item that holds it is left out."""


NO_VALUE = NoValue()


class TemplateError(Exception):
    """A name or function in a template that comes to nothing; the message says which."""


@dataclass
class Scope:
    """The stack's own names, its parameters, mappings, conditions and resources so far."""

    names: Mapping[str, Any]
    parameters: Mapping[str, Any]
    template: Mapping[str, Any]
    resources: dict[str, Resource]
    import_value: Callable[[str], Any]
    dynamic_value: Callable[[str], str]
    zones: Callable[[str], list[str]]
    absent: frozenset[str] = frozenset()
    conditions: dict[str, bool] = field(default_factory=dict)

    def named(self, name: str) -> Any:
        """Return `Ref`'s value.

        Raises:
            TemplateError: when nothing has that name, or it has no value.
        """
        if name == "AWS::NoValue":
            return NO_VALUE
        for values in (self.names, self.parameters):
            if name in values:
                return values[name]
        return self._resource(name, "Ref").physical_id

    def attribute(self, name: str, attribute: str) -> Any:
        """Return `Fn::GetAtt`'s value.

        Raises:
            TemplateError: when the resource is not there or has no such attribute.
        """
        resource = self._resource(name, "Fn::GetAtt")
        value = resource.attribute(attribute)
        if value is None:
            raise TemplateError(
                f"Template error: resource {name} of type {resource.cf_resource_type} does not "
                f"support attribute type {attribute} in Fn::GetAtt"
            )
        return value

    def _resource(self, name: str, function: str) -> Resource:
        resource = self.resources.get(name)
        if resource is None or not resource.physical_id:
            raise TemplateError(f"Unresolved resource dependencies [{name}] in a {function}")
        return resource
