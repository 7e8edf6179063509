"""IAM: AWS's managed policies, which moto knows and keeps to itself.

moto can load all of them, some 1,500, into every IAM backend; that takes a fifth of a second each
time. One that is named is loaded when it is.
"""

from __future__ import annotations

import functools
import json
from functools import cache
from typing import Any

from moto.iam.aws_managed_policies import aws_managed_policies_data
from moto.iam.models import AWSManagedPolicy, IAMBackend

_PREFIX = "arn:aws:iam::aws:policy/"


@cache
def _known() -> dict[str, Any]:
    known: dict[str, Any] = json.loads(aws_managed_policies_data)
    return known


def _load(backend: Any, arn: str) -> None:
    name = arn.rsplit("/", 1)[-1]
    if arn in backend.managed_policies or not arn.startswith(_PREFIX) or name not in _known():
        return
    policy = AWSManagedPolicy.from_data(
        name, backend.account_id, backend.region_name, _known()[name]
    )
    backend.aws_managed_policies.append(policy)
    backend.managed_policies[policy.arn] = policy


def _loading(name: str) -> None:
    original = getattr(IAMBackend, name)

    @functools.wraps(original)
    def wrapped(self: Any, policy_arn: str, *args: Any, **options: Any) -> Any:
        _load(self, policy_arn)
        return original(self, policy_arn, *args, **options)

    setattr(IAMBackend, name, wrapped)


def install() -> None:
    """Load AWS's policies as they are named; without them AttachRolePolicy refuses them."""
    for name in ("attach_role_policy", "attach_user_policy", "attach_group_policy", "get_policy"):
        _loading(name)
