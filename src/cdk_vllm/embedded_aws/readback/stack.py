"""Reads every resource of a deployed stack back and says what became of it."""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.comparison import differences
from cdk_vllm.embedded_aws.readback.outcome import Outcome, ResourceReadBack, StackReadBack
from cdk_vllm.embedded_aws.readback.resources import StackResources, read
from cdk_vllm.embedded_aws.readback.services import READERS
from cdk_vllm.embedded_aws.readback.template import DeployedStack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.comparison import Difference
    from cdk_vllm.embedded_aws.readback.reading import ClientFactory

_SHOWN_DIFFERENCES = 3


def reader_types() -> frozenset[str]:
    """Return the CloudFormation types that can be read back."""
    return frozenset(READERS)


def exists(
    client: ClientFactory,
    resource_type: str,
    physical_id: str,
    properties: Mapping[str, Any] | None = None,
) -> bool:
    """Say whether the type's own service still has a resource; False for a type without a reader.

    After a stack is deleted its retained resources exist and the others do not. Parts of another
    resource (an inline policy, a topic's policy) are found by the `properties` of their read-back.
    """
    found, _ = read(cache(client), resource_type, physical_id, properties or {})
    return found is not None


def read_back(client: ClientFactory, stack_name: str, recorded: Mapping[str, str]) -> StackReadBack:
    """Read every resource of a deployed stack through its own service's API.

    `client` makes a boto3 client by service name. `recorded` maps a type, or a pattern such as
    `Custom::*`, to the reason why it is not emulated. Raises botocore's ClientError for an unknown
    stack.
    """
    resources = StackResources(DeployedStack(cache(client), stack_name))
    return StackReadBack(
        stack_name=stack_name,
        resources=tuple(
            _read_back(resources, logical_id, recorded) for logical_id in resources.logical_ids()
        ),
    )


def _read_back(
    resources: StackResources, logical_id: str, recorded: Mapping[str, str]
) -> ResourceReadBack:
    resource_type = resources.type_of(logical_id)

    wanted: Mapping[str, Any] = {}

    def result(outcome: Outcome, said: str, checked: int = 0) -> ResourceReadBack:
        return ResourceReadBack(
            logical_id=logical_id,
            resource_type=resource_type,
            physical_id=resources.physical_id(logical_id),
            outcome=outcome,
            detail=f"{resource_type} {logical_id} {said}.",
            properties_checked=checked,
            properties=wanted,
        )

    reason = _reason(resource_type, recorded)
    if reason is not None:
        return result("recorded", f"is recorded: {reason.rstrip('.')}")
    found, why_not = resources.read(logical_id)
    if found is None:
        return result("skipped", why_not)
    wanted = resources.properties(logical_id)
    checked = [name for name in wanted if name in found]
    wrong = [d for name in checked for d in differences(wanted[name], found[name], (name,))]
    if wrong:
        return result("skipped", f"differs: {_said(wrong)}", len(checked))
    unlisted = [name for name in wanted if name not in found]
    return result("served", _agreement(checked, unlisted), len(checked))


def _reason(resource_type: str, recorded: Mapping[str, str]) -> str | None:
    matches = (recorded[pattern] for pattern in recorded if fnmatchcase(resource_type, pattern))
    return next(matches, None)


def _said(wrong: list[Difference]) -> str:
    shown = [str(difference) for difference in wrong[:_SHOWN_DIFFERENCES]]
    more = len(wrong) - len(shown)
    return "; ".join([*shown, f"and {more} more"] if more else shown)


def _agreement(checked: list[str], unlisted: list[str]) -> str:
    count = f"{len(checked)} listed {'property' if len(checked) == 1 else 'properties'}"
    said = f"was read back with its {count} as written" if checked else "was read back"
    return f"{said}; not listed: {', '.join(unlisted)}" if unlisted else said
