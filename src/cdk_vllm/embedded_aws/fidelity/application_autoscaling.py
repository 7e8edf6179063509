"""Application Auto Scaling: a policy that is changed stays the same policy."""

from __future__ import annotations

from typing import Any

from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    FakeApplicationAutoscalingPolicy,
)

_moto_put = ApplicationAutoscalingBackend.put_scaling_policy


def _put(self: Any, **options: Any) -> Any:
    """Moto gives a changed policy a new ARN, and leaves the alarms of the old one behind."""
    identity = ("service_namespace", "resource_id", "scalable_dimension", "policy_name")
    key = FakeApplicationAutoscalingPolicy.formulate_key(*(options[name] for name in identity))
    before = self.policies.get(key)
    if before is not None:
        before.delete_alarms(self.account_id, self.region_name)
    policy = _moto_put(self, **options)
    if before is not None:
        policy.policy_arn = before.policy_arn
    return policy


def install() -> None:
    """Apply the fix."""
    backend: Any = ApplicationAutoscalingBackend
    backend.put_scaling_policy = _put
