"""A change set: what a template would change, and whether anything would."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from moto.cloudformation import models as moto_models

from .intrinsics import resolve
from .scope import TemplateError

if TYPE_CHECKING:
    from .stack import EngineStack

_NOTHING = (
    "The submitted information didn't contain changes. "
    "Submit different information to create a change set."
)


class EngineChangeSet(moto_models.ChangeSet):
    """A change set that compares resolved properties; moto compares the templates' text."""

    stack: EngineStack

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.execution_status = "AVAILABLE"
        self.status = "CREATE_COMPLETE"
        if self.change_set_type == "UPDATE" and self._changes_nothing():
            self.execution_status = "UNAVAILABLE"
            self.status = "FAILED"
            self.status_reason = _NOTHING

    @property
    def parameter_list(self) -> dict[str, str]:
        """The parameters as given."""
        return self.parameters

    def _changes_nothing(self) -> bool:
        stack = self.stack
        same_tags = self.tags is None or dict(self.tags) == dict(stack.tags or {})
        same_outputs = self.template_dict.get("Outputs") == stack.template_dict.get("Outputs")
        same_rest = not self.changes
        return same_rest and same_outputs and same_tags

    def diff(self) -> list[moto_models.Change]:
        """Return one change for each resource added, removed or resolved differently."""
        deployment = self.stack.checked(self.template_dict, self.parameters)
        before = deployment.before
        changes = []
        for name, definition in deployment.live.items():
            if name not in before:
                changes.append(moto_models.Change("Add", name, definition["Type"]))
            elif self._differs(deployment, name):
                changes.append(moto_models.Change("Modify", name, definition["Type"]))
        changes.extend(
            moto_models.Change("Remove", name, resource.cf_resource_type)
            for name, resource in before.items()
            if name not in deployment.live
        )
        return changes

    @staticmethod
    def _differs(deployment: Any, name: str) -> bool:
        definition, resource = deployment.live[name], deployment.before[name]
        if definition != resource.definition:
            return True
        try:
            properties = resolve(definition.get("Properties") or {}, deployment.scope)
        except TemplateError:
            return True
        return bool(resource.completed(properties, fresh=False) != resource.properties)
