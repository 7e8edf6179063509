"""CloudFormation's calls on stacks and change sets, in place of moto's."""

from __future__ import annotations

import threading
from typing import Any

from moto.cloudformation import models as moto_models
from moto.cloudformation.exceptions import (
    AlreadyExistsException,
    CloudFormationError,
    ValidationError,
)
from moto.cloudformation.utils import generate_changeset_id, generate_stack_id

from .change_set import EngineChangeSet
from .stack import EngineStack

_ONE_AT_A_TIME = threading.RLock()
"""Moto's backends are not written for threads; the CLI deploys stacks in parallel on request."""


class ChangeSetNotFoundError(CloudFormationError):
    """The code CloudFormation answers with; moto answers ValidationError."""

    code = "ChangeSetNotFound"

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] does not exist")


def _stack_named(backend: Any, name: str) -> EngineStack | None:
    for stack in backend.stacks.values():
        if name in (stack.name, stack.stack_id):
            found: EngineStack = stack
            return found
    return None


def _new_stack(backend: Any, name: str, template: Any, options: dict[str, Any]) -> EngineStack:
    return EngineStack(
        stack_id=generate_stack_id(name, backend.region_name, backend.account_id),
        name=name,
        template=template,
        parameters=options.pop("parameters", None) or {},
        account_id=backend.account_id,
        region_name=backend.region_name,
        **options,
    )


def create_stack(
    self: Any, name: str, template: str, parameters: dict[str, Any], **options: Any
) -> EngineStack:
    """CreateStack: refuse a wrong template, else deploy and let the status tell."""
    with _ONE_AT_A_TIME:
        if _stack_named(self, name):
            raise AlreadyExistsException(f"Stack [{name}] already exists")
        stack = _new_stack(self, name, template, {"parameters": parameters, **options})
        stack.checked(stack.template_dict, parameters)
        self.stacks[stack.stack_id] = stack
        stack.template_dict = {"Resources": {}}
        stack.deploy(template, parameters, action="CREATE")
        return stack


def update_stack(
    self: Any,
    *,
    name: str,
    template: str,
    role_arn: str | None,
    parameters: list[dict[str, Any]],
    tags: dict[str, str] | None,
) -> EngineStack:
    """UpdateStack; moto loses the path behind an SSM parameter and does not roll back."""
    with _ONE_AT_A_TIME:
        stack: EngineStack = self.get_stack(name)
        previous = stack.stack_parameters
        given = {
            item["ParameterKey"]: previous[item["ParameterKey"]]
            if item.get("UsePreviousValue")
            else item["ParameterValue"]
            for item in parameters
        }
        stack.role_arn = role_arn
        if tags is not None:
            stack.tags = tags
        stack.deploy(template, given, action="UPDATE")
        return stack


def delete_stack(self: Any, name_or_stack_id: str) -> None:
    """DeleteStack; moto forgets the stack before it has removed its resources."""
    with _ONE_AT_A_TIME:
        stack = _stack_named(self, name_or_stack_id)
        if stack is None:
            return
        if stack.enable_termination_protection:
            raise ValidationError(
                message=f"Stack [{stack.name}] cannot be deleted while TerminationProtection is "
                "enabled"
            )
        stack.delete()
        if stack.status == "DELETE_COMPLETE":
            self.deleted_stacks[stack.stack_id] = self.stacks.pop(stack.stack_id)
            for key in [k for k, item in self.change_sets.items() if item.stack is stack]:
                del self.change_sets[key]


def create_change_set(
    self: Any,
    *,
    stack_name: str,
    change_set_name: str,
    template: str,
    parameters: dict[str, str],
    description: str,
    change_set_type: str,
    notification_arns: list[str] | None = None,
    tags: dict[str, str] | None = None,
    role_arn: str | None = None,
) -> tuple[str, str]:
    """CreateChangeSet; moto makes a second stack when the first was only under review."""
    with _ONE_AT_A_TIME:
        stack = _stack_named(self, stack_name)
        fresh = stack is None
        if change_set_type == "UPDATE":
            if stack is None:
                raise ValidationError(stack_name)
        elif stack is None:
            options = {"notification_arns": notification_arns, "tags": tags, "role_arn": role_arn}
            stack = _new_stack(self, stack_name, {}, options)
        elif stack.status != "REVIEW_IN_PROGRESS":
            raise ValidationError(
                message=f"Stack [{stack_name}] already exists and cannot be created again with "
                f"the changeSet [{change_set_name}]."
            )
        change_set = EngineChangeSet(
            change_set_type=change_set_type,
            change_set_id=generate_changeset_id(change_set_name, self.region_name, self.account_id),
            change_set_name=change_set_name,
            stack=stack,
            template=template,
            parameters=parameters,
            description=description,
            notification_arns=notification_arns,
            tags=tags,
            role_arn=role_arn,
        )
        if fresh:
            self.stacks[stack.stack_id] = stack
            stack._enter("REVIEW_IN_PROGRESS", "User Initiated")
        self.change_sets[change_set.change_set_id] = change_set
        return change_set.change_set_id, stack.stack_id


def find_change_set(self: Any, change_set_name: str, stack_name: str | None) -> EngineChangeSet:
    """Return a change set by ARN, or by name within its stack.

    moto looks by name alone, and the CDK CLI gives every stack's the same name.

    Raises:
        ChangeSetNotFoundError: when the stack has none of that name.
    """
    by_id: EngineChangeSet | None = self.change_sets.get(change_set_name)
    if by_id is not None:
        return by_id
    for change_set in reversed(self.change_sets.values()):
        where = (change_set.stack_name, change_set.stack_id)
        if change_set.change_set_name == change_set_name and stack_name in (None, *where):
            found: EngineChangeSet = change_set
            return found
    raise ChangeSetNotFoundError(change_set_name)


def execute_change_set(change_set: EngineChangeSet, *, roll_back: bool = True) -> None:
    """ExecuteChangeSet: deploy; a failure shows in the stack's status and events."""
    with _ONE_AT_A_TIME:
        if change_set.execution_status != "AVAILABLE":
            raise ValidationError(
                message=f"ChangeSet [{change_set.change_set_id}] cannot be executed in its "
                f"current execution status of [{change_set.execution_status}]"
            )
        stack = change_set.stack
        if change_set.tags is not None:
            stack.tags = change_set.tags
        stack.role_arn = change_set.role_arn
        stack.deploy(
            change_set.template,
            change_set.parameters,
            action=change_set.change_set_type,
            roll_back=roll_back,
        )
        failed = "FAILED" in stack.status or "ROLLBACK" in stack.status
        change_set.execution_status = "EXECUTE_FAILED" if failed else "EXECUTE_COMPLETE"


def install() -> None:
    """Put these in place of moto's."""
    models: Any = moto_models
    models.Stack = EngineStack
    backend = moto_models.CloudFormationBackend
    for function in (create_stack, update_stack, delete_stack, create_change_set):
        setattr(backend, function.__name__, function)
