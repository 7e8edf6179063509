"""The CloudFormation requests whose parameters moto drops on the way to its backend."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlparse

from moto.cloudformation import responses as moto_responses
from moto.cloudformation.exceptions import ValidationError
from moto.cloudformation.responses import CloudFormationResponse
from moto.cloudformation.utils import get_stack_from_s3_url
from moto.core.responses import ActionResult, EmptyResult
from moto.s3.models import s3_backends

from .backend import ChangeSetNotFoundError, execute_change_set, find_change_set

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def template_at(template_url: str, account_id: str, partition: str) -> str:
    """Return the template at an S3 URL; moto takes only "localhost" for path style."""
    address = urlparse(template_url)
    if address.hostname not in _LOOPBACK:
        return get_stack_from_s3_url(template_url, account_id, partition)
    bucket, _, key = address.path.lstrip("/").partition("/")
    found = s3_backends[account_id][partition].get_object(bucket, key)
    if found is None:
        raise ValidationError(message=f"S3 error: The specified key does not exist. {key}")
    return str(found.value.decode("utf-8"))


def _named(self: Any) -> Any:
    return find_change_set(
        self.cloudformation_backend,
        self._get_param("ChangeSetName"),
        self._get_param("StackName"),
    )


def describe_change_set(self: Any) -> ActionResult:
    """DescribeChangeSet, by stack as well as by name."""
    return ActionResult(_named(self))


def delete_change_set(self: Any) -> ActionResult:
    """DeleteChangeSet; deleting one that is not there succeeds, where moto answers 500."""
    try:
        change_set = _named(self)
    except ChangeSetNotFoundError:
        return EmptyResult()
    del self.cloudformation_backend.change_sets[change_set.change_set_id]
    return EmptyResult()


def run_change_set(self: Any) -> ActionResult:
    """ExecuteChangeSet, with DisableRollback."""
    keep = self._get_bool_param("DisableRollback", if_none=False)
    execute_change_set(_named(self), roll_back=not keep)
    return EmptyResult()


def list_change_sets(self: Any) -> ActionResult:
    """ListChangeSets of one stack; moto lists every stack's."""
    name = self._get_param("StackName")
    listed = [
        change_set
        for change_set in self.cloudformation_backend.list_change_sets()
        if name in (change_set.stack_name, change_set.stack_id)
    ]
    return ActionResult({"Summaries": listed})


def update_termination_protection(self: Any) -> ActionResult:
    """UpdateTerminationProtection, which moto lacks and the CDK CLI calls."""
    stack = self.cloudformation_backend.get_stack(self._get_param("StackName"))
    stack.enable_termination_protection = self._get_bool_param("EnableTerminationProtection")
    return ActionResult({"StackId": stack.stack_id})


def list_imports(self: Any) -> ActionResult:
    """ListImports, which moto lacks."""
    name = self._get_param("ExportName")
    users = [
        stack.name
        for stack in self.cloudformation_backend.stacks.values()
        if name in getattr(stack, "imported", ())
    ]
    if not users:
        raise ValidationError(message=f"Export '{name}' is not imported by any stack.")
    return ActionResult({"Imports": users})


def refuse_empty_update(
    self: Any, incoming: list[dict[str, Any]] | None, body: str, stack: Any
) -> None:
    """UpdateStack refuses an update that changes nothing; a change set reports it instead.

    moto refuses the change set too, and compares SSM paths with what is stored there.
    """
    if self._get_action() != "UpdateStack":
        return
    given = self._get_param_values(incoming or [], stack.stack_parameters)
    if stack.template == body and {**stack.stack_parameters, **given} == stack.stack_parameters:
        raise ValidationError(stack.name, message="No updates are to be performed.")


def install() -> None:
    """Put these in place of moto's."""
    responses: Any = moto_responses
    responses.get_stack_from_s3_url = template_at
    for name, function in {
        "describe_change_set": describe_change_set,
        "delete_change_set": delete_change_set,
        "execute_change_set": run_change_set,
        "list_change_sets": list_change_sets,
        "update_termination_protection": update_termination_protection,
        "list_imports": list_imports,
        "_validate_different_update": refuse_empty_update,
    }.items():
        setattr(CloudFormationResponse, name, function)
