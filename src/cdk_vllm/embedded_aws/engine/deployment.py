"""One pass over a stack's resources: create or change each in order, and undo on failure."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from cdk_vllm.embedded_aws.resource_types import make, serves
from cdk_vllm.embedded_aws.resource_types.resource import Place

from .intrinsics import resolve
from .scope import TemplateError
from .template import live_resources

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from cdk_vllm.embedded_aws.resource_types.resource import Resource

    from .scope import Scope
    from .stack import EngineStack


class DeploymentError(Exception):
    """A resource that could not be made, changed or removed; the message says why."""


class Deployment:
    """One attempt to bring a stack to a template."""

    def __init__(self, stack: EngineStack, scope: Scope) -> None:
        self.stack = stack
        self.scope = scope
        self.live = live_resources(scope.template, scope)
        self.before = dict(stack.resources)
        self.retired: list[Resource] = []
        self.undo: list[Callable[[], None]] = []
        scope.resources.update(self.before)

    def refuse_unserved(self) -> None:
        """Refuse a template that holds a type nothing handles; moto skips it with a warning.

        Raises:
            TemplateError: naming every such type and logical id.
        """
        unserved = [
            f"{definition['Type']} ({name})"
            for name, definition in self.live.items()
            if not serves(definition["Type"])
        ]
        if unserved:
            raise TemplateError(
                f"Template format error: Unrecognized resource types: [{', '.join(unserved)}]"
            )

    def apply(self) -> None:
        """Create and change what the template says, in order of dependency.

        Raises:
            DeploymentError: at the first resource that fails.
        """
        for name, definition in self.live.items():
            existing = self.before.get(name)
            try:
                if existing is None:
                    self._create(name, definition)
                else:
                    self._change(existing, definition)
            except DeploymentError:
                raise
            except Exception as error:
                self._failed(name, definition, error, created=existing is None)
        live = {name: self.scope.resources[name] for name in self.live}
        gone = [item for name, item in self.before.items() if name not in live]
        self.retired = gone + self.retired
        self.stack.resources = live

    def clean_up(self) -> None:
        """Remove what the template no longer has, last made first; a failure is only an event."""
        for resource in reversed(self.retired):
            replaced = resource.logical_resource_id in self.stack.resources
            policy = "UpdateReplacePolicy" if replaced else "DeletionPolicy"
            try:
                remove(self.stack, resource, policy)
            except DeploymentError:
                continue

    def roll_back(self) -> None:
        """Undo every step, last first.

        Raises:
            DeploymentError: when a step cannot be undone.
        """
        while self.undo:
            try:
                self.undo.pop()()
            except DeploymentError:
                raise
            except Exception as error:
                raise DeploymentError(reason_of(error)) from error
        self.stack.resources = self.before

    def _create(self, name: str, definition: dict[str, Any]) -> None:
        resource = make(self._place(name, definition))
        properties = resource.completed(self._resolved(definition), fresh=True)
        self.stack.record(resource, "CREATE_IN_PROGRESS")
        resource.physical_id = resource.create(properties)
        resource.properties, resource.definition = properties, definition
        self.scope.resources[name] = resource
        self.undo.append(lambda: remove(self.stack, resource, "DeletionPolicy"))
        self.stack.record(resource, "CREATE_COMPLETE")

    def _change(self, resource: Resource, definition: dict[str, Any]) -> None:
        name = resource.logical_resource_id
        if definition["Type"] != resource.cf_resource_type:
            raise DeploymentError(f"Update of resource type is not permitted ({name}).")
        properties = resource.completed(self._resolved(definition), fresh=False)
        if properties == resource.properties:
            resource.definition = definition
            return
        if resource.must_replace(properties):
            self.retired.append(resource)
            resource.definition = definition
            self._create(name, definition)
            return
        self.stack.record(resource, "UPDATE_IN_PROGRESS")
        old_properties, old_definition = resource.properties, resource.definition

        def restore() -> None:
            resource.update(old_properties)
            resource.properties, resource.definition = old_properties, old_definition
            self.stack.record(resource, "UPDATE_COMPLETE")

        self.undo.append(restore)
        resource.update(properties)
        resource.properties, resource.definition = properties, definition
        self.stack.record(resource, "UPDATE_COMPLETE")

    def _resolved(self, definition: dict[str, Any]) -> dict[str, Any]:
        resolved: dict[str, Any] = resolve(definition.get("Properties") or {}, self.scope)
        return resolved

    def _place(self, name: str, definition: dict[str, Any]) -> Place:
        stack = self.stack
        return Place(
            account_id=stack.account_id,
            region=stack.region_name,
            stack_id=stack.stack_id,
            stack_name=stack.name,
            logical_id=name,
            resource_type=definition["Type"],
            stack_tags=stack.tags,
        )

    def _failed(
        self, name: str, definition: dict[str, Any], error: Exception, *, created: bool
    ) -> None:
        reason = reason_of(error)
        self.stack.record_failure(
            name, definition["Type"], "CREATE_FAILED" if created else "UPDATE_FAILED", reason
        )
        raise DeploymentError(
            f"The following resource(s) failed to {'create' if created else 'update'}: [{name}]. "
            f"{definition['Type']}: {reason}"
        ) from error


def reason_of(error: Exception) -> str:
    """Return what an event says of an error: its words, and its kind where words are few."""
    if isinstance(error, ClientError):
        details = error.response.get("Error", {})
        return f"{details.get('Message')} ({error.operation_name}: {details.get('Code')})"
    if isinstance(error, TemplateError | BotoCoreError):
        return str(error)
    return f"{error} ({type(error).__name__})"


def remove(stack: EngineStack, resource: Resource, policy: str) -> None:
    """Delete one resource unless its policy retains it.

    Raises:
        DeploymentError: when the service refuses; what is gone already is no error.
    """
    kept = resource.definition.get(policy)
    if kept in ("Retain", "RetainExceptOnCreate"):
        stack.record(resource, "DELETE_SKIPPED")
        return
    stack.record(resource, "DELETE_IN_PROGRESS")
    try:
        resource.delete()
    except Exception as error:
        if not _is_gone(error):
            reason = reason_of(error)
            stack.record(resource, "DELETE_FAILED", reason)
            raise DeploymentError(
                f"{resource.logical_resource_id} ({resource.cf_resource_type}): {reason}"
            ) from error
    stack.record(resource, "DELETE_COMPLETE")


def remove_all(stack: EngineStack, resources: Iterable[Resource]) -> list[str]:
    """Delete resources, last made first, and return the failures' reasons.

    A service that makes objects of its own (a scaling group's instances) can hold a dependency
    for one pass, so what failed is tried once more, as CloudFormation retries.
    """
    left = list(resources)[::-1]
    failures: list[str] = []
    for _attempt in range(2):
        failures, failed = [], []
        for resource in left:
            try:
                remove(stack, resource, "DeletionPolicy")
            except DeploymentError as error:
                failures.append(str(error))
                failed.append(resource)
        left = failed
    return failures


def _is_gone(error: Exception) -> bool:
    code = getattr(error, "code", "")
    if isinstance(error, ClientError):
        code = error.response.get("Error", {}).get("Code", "")
    words = ("NotFound", "NoSuch", "DoesNotExist", "Nonexistent")
    return any(word.lower() in str(code).lower() for word in words)
