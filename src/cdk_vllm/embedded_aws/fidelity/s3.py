"""S3: bucket policies with conditions, access logs, and the checksum of an object in parts.

moto denies whatever a matching Deny statement names, whether its Condition holds or not: the usual
"deny without TLS" statement then refuses every PutObject. On loopback a request counts as made over
TLS 1.2, and a statement whose condition rests on anything else is left out.
"""

from __future__ import annotations

import functools
import json
from typing import TYPE_CHECKING, Any

from moto.iam.access_control import IAMPolicy, PermissionResult
from moto.s3.models import FakeBucket
from moto.s3.responses import S3Response

if TYPE_CHECKING:
    from collections.abc import Callable

_REQUEST = {"aws:securetransport": "true", "s3:tlsversion": "1.2"}


def _compares(operator: str, actual: str, wanted: str) -> bool | None:
    """Return the comparison's result, or None for an operator that is not known here."""
    match operator.removesuffix("IfExists"):
        case "Bool" | "StringEquals":
            return actual == wanted.lower()
        case "StringNotEquals":
            return actual != wanted.lower()
        case "NumericLessThan":
            return float(actual) < float(wanted)
        case "NumericGreaterThanEquals":
            return float(actual) >= float(wanted)
    return None


def applies(statement: dict[str, Any]) -> bool:
    """Say whether a statement's condition is known to hold for a request on loopback."""
    for operator, keys in statement.get("Condition", {}).items():
        for key, wanted in keys.items():
            actual = _REQUEST.get(key.lower())
            if actual is None:
                return False
            choices = wanted if isinstance(wanted, list) else [wanted]
            if not any(_compares(operator, actual, str(choice)) for choice in choices):
                return False
    return True


def _get_permission(self: Any, action: str, resource: str) -> Any:
    if self.policy is None:
        return PermissionResult.NEUTRAL
    policy = json.loads(self.policy)
    statements = policy["Statement"]
    listed = statements if isinstance(statements, list) else [statements]
    # What is left has no condition to be asked about again.
    kept = [
        {name: part for name, part in statement.items() if name != "Condition"}
        for statement in listed
        if applies(statement)
    ]
    if not kept:
        return PermissionResult.NEUTRAL
    return IAMPolicy(json.dumps({**policy, "Statement": kept})).is_action_permitted(
        action, resource
    )


def _may_log(self: Any, target_bucket: Any, target_prefix: str | None) -> bool:
    """S3 looks for the delivery's permission when it delivers; moto, when logging is turned on.

    CDK's templates rightly add the policy after the bucket that logs.
    """
    del self, target_bucket, target_prefix
    return True


def _with_parts(original: Callable[..., Any]) -> Callable[..., Any]:
    """HeadObject says of how many parts a composite checksum is; moto's GetObject does, too.

    Source: Amazon S3 API Reference, HeadObject: the checksum of the parts' checksums, then "-" and
    the parts' number, which the ETag also ends in.
    """

    @functools.wraps(original)
    def head_object(self: Any, *arguments: Any, **named: Any) -> Any:
        status, headers, body = original(self, *arguments, **named)
        _, dash, parts = headers.get("ETag", "").strip('"').partition("-")
        for name in ("x-amz-checksum-sha1", "x-amz-checksum-sha256"):
            if dash and name in headers:
                headers[name] = f"{headers[name]}-{parts}"
                headers["x-amz-checksum-type"] = "COMPOSITE"
        return status, headers, body

    return head_object


def install() -> None:
    """Apply the fixes."""
    response: Any = S3Response
    response.head_object = _with_parts(response.head_object)
    bucket: Any = FakeBucket
    bucket._log_permissions_enabled_policy = _may_log
    bucket.get_permission = _get_permission
