"""The shape of a reader, and the few moves every reader makes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeAlias

from botocore.exceptions import ClientError

ClientFactory: TypeAlias = Callable[[str], Any]

# A reader takes a client factory, the physical id and the resolved template properties (empty when
# only existence is asked for) and returns what the resource's own service says of it, under the
# template's property names and attribute names. A name it returns is a listed property, whatever
# its value; a name it leaves out cannot be read. It raises LookupError or botocore's ClientError
# where there is no such resource.
Reader: TypeAlias = Callable[[ClientFactory, str, Mapping[str, Any]], Mapping[str, Any]]


def listed(answer: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """Take these properties from a service's answer; what the answer leaves out is None."""
    return {name: answer.get(name, answer.get(name[0].lower() + name[1:])) for name in names}


def only(items: Iterable[Any]) -> Any:
    """Return the first of what a service found; LookupError when it found nothing."""
    for item in items:
        return item
    raise LookupError


def optional(call: Callable[..., Any], **arguments: Any) -> Mapping[str, Any]:
    """Call an operation that answers with an error where a part was never configured."""
    try:
        answer: Mapping[str, Any] = call(**arguments)
    except ClientError:
        return {}
    return answer


def tag_list(tags: Mapping[str, str] | None) -> list[dict[str, str]]:
    """Write a mapping of tags the way most templates do."""
    return [{"Key": key, "Value": value} for key, value in (tags or {}).items()]


def tail(arn: str, separator: str = "/") -> str:
    """Return the last part of an ARN."""
    return arn.rsplit(separator, 1)[-1]


def as_written(found: str | None, wanted: Any) -> str | None:
    """Return an ARN's name where the template gives the name; a template may give either."""
    if not found or not isinstance(wanted, str) or wanted.startswith("arn:"):
        return found
    return tail(found) if found.startswith("arn:") else found
