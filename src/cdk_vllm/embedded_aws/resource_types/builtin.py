"""The types moto's own models serve, behind the same four words as ours."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.cloudformation.parsing import generate_resource_name, get_model_map
from moto.ec2.models import ec2_backends
from moto.ec2.models.core import TaggedEC2Resource

from .attributes import supplied_attribute
from .resource import Resource

if TYPE_CHECKING:
    from collections.abc import Mapping

    from moto.core.common_models import CloudFormationModel

    from .resource import Place


def moto_has(type_name: str) -> bool:
    """Say whether moto has a model of this type."""
    return type_name in get_model_map()


class BuiltIn(Resource):
    """A resource that moto's model of its type creates, updates and deletes."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.model_class: type[CloudFormationModel] = get_model_map()[place.resource_type]
        self.model: Any = None

    def _name(self, properties: Mapping[str, Any]) -> str:
        # The name depends on the properties only where the type has a name property.
        named = self.model_class.cloudformation_name_type()
        generated = generate_resource_name(
            self.place.resource_type, self.place.stack_name, self.place.logical_id
        )
        return str(properties.get(named) or generated) if named else generated

    def _json(self, properties: Mapping[str, Any]) -> dict[str, Any]:
        return {"Type": self.place.resource_type, "Properties": dict(properties)}

    def _adopt(self, model: Any) -> str:
        self.model = model
        if isinstance(model, TaggedEC2Resource):
            tags = {
                **self.place.stack_tags,
                "aws:cloudformation:stack-name": self.place.stack_name,
                "aws:cloudformation:stack-id": self.place.stack_id,
                "aws:cloudformation:logical-id": self.place.logical_id,
            }
            backend = ec2_backends[self.place.account_id][self.place.region]
            backend.create_tags([self._id(model)], tags)
        return self._id(model)

    def _id(self, model: Any) -> str:
        return str(getattr(model, "physical_resource_id", "") or self.place.logical_id)

    def create(self, properties: dict[str, Any]) -> str:
        """Let moto's model create itself."""
        return self._adopt(
            self.model_class.create_from_cloudformation_json(
                self._name(properties),
                self._json(properties),
                self.place.account_id,
                self.place.region,
                LogicalId=self.place.logical_id,
                StackId=self.place.stack_id,
                ResourceType=self.place.resource_type,
            )
        )

    def must_replace(self, properties: Mapping[str, Any]) -> bool:
        """A model without an update of its own can only be replaced."""
        del properties
        update = self.model_class.update_from_cloudformation_json
        return hasattr(update, "__isabstractmethod__")

    def update(self, properties: dict[str, Any]) -> None:
        """Let moto's model update itself; some make a new model and a new physical id."""
        named = self.model_class.cloudformation_name_type()
        name = str(properties.get(named) or self.physical_id) if named else self.physical_id
        self.physical_id = self._adopt(
            self.model_class.update_from_cloudformation_json(
                original_resource=self.model,
                new_resource_name=name,
                cloudformation_json=self._json(properties),
                account_id=self.place.account_id,
                region_name=self.place.region,
            )
        )

    def delete(self) -> None:
        """Let moto's model delete itself, by whichever of its two ways it has."""
        by_json = self.model_class.delete_from_cloudformation_json
        if not hasattr(by_json, "__isabstractmethod__"):
            by_json(
                self.physical_id,
                self._json(self.properties),
                self.place.account_id,
                self.place.region,
            )
        elif hasattr(self.model, "delete"):
            self.model.delete(self.place.account_id, self.place.region)

    def attribute(self, name: str) -> Any:
        """Ask the model, then the table of attributes that moto's models lack."""
        supplied = supplied_attribute(self, name)
        if supplied is not None:
            return supplied
        try:
            return self.model.get_cfn_attribute(name)
        except (AttributeError, KeyError, NotImplementedError):
            return None
        except Exception as error:
            if type(error).__name__ == "UnformattedGetAttTemplateException":
                return None
            raise


class EmptyShell(Resource):
    """A resource that claims to be there and creates nothing: what a rehearsal must catch."""

    def create(self, properties: dict[str, Any]) -> str:
        """Return a name and do nothing else."""
        del properties
        return self.generated_name()

    def update(self, properties: dict[str, Any]) -> None:
        """Do nothing."""

    def attribute(self, name: str) -> Any:
        """Return something that looks like an attribute."""
        return f"{self.physical_id}-{name}"


class Recorded(Resource):
    """A resource of a type that is accepted but not emulated; `GetAtt` on it fails by name.

    moto would invoke a custom resource's function in Docker, and without Docker leave the stack
    CREATE_IN_PROGRESS for ever.
    """

    def create(self, properties: dict[str, Any]) -> str:
        """Return a generated name, as CloudFormation does when a handler gives none."""
        del properties
        return self.generated_name()

    def update(self, properties: dict[str, Any]) -> None:
        """Accept the change."""
