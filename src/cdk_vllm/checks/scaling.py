"""What a service scales on, and how fast."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cdk_vllm.checks.template import Finding, Template, number, report

if TYPE_CHECKING:
    from collections.abc import Iterator

POLICY = "AWS::ApplicationAutoScaling::ScalingPolicy"
STEPS = "StepScalingPolicyConfiguration"
TRACKING = "TargetTrackingScalingPolicyConfiguration"
MINIMUM_COOLDOWN_SECONDS = 300


def scales_on_requests(template: Template) -> Iterator[Finding]:
    """The CPU idles while the GPU is full, and one request keeps a GPU as busy as a hundred."""
    for policy in template.of(POLICY, "AWS::AutoScaling::ScalingPolicy"):
        text = json.dumps(policy.properties).lower()
        for word in (
            "cpuutilization",
            "gpuutilization",
            "memoryutilization",
            "invocationsperinstance",
        ):
            if word in text:
                yield report(scales_on_requests, policy, f"scales on {word}")


def waits_for_what_it_started(template: Template) -> Iterator[Finding]:
    """A replica takes minutes to start; sooner, scaling orders the same replica again."""
    for policy in template.of(POLICY):
        scale_out = number(policy.get(f"{TRACKING}.ScaleOutCooldown"))
        scale_in = number(policy.get(f"{TRACKING}.ScaleInCooldown"))
        if policy.get(TRACKING) and scale_out < MINIMUM_COOLDOWN_SECONDS:
            yield report(waits_for_what_it_started, policy, "ScaleOutCooldown is below 300 s")
        if policy.get(TRACKING) and scale_in < 2 * scale_out:
            message = "ScaleInCooldown is below twice ScaleOutCooldown"
            yield report(waits_for_what_it_started, policy, message)


def keeps_a_replica(template: Template) -> Iterator[Finding]:
    """From none, the first request waits for a whole cold start, and fails before.

    What has a step policy sleeps on purpose: `what_sleeps_is_woken` sees that it wakes.
    """
    woken = [p.get("ScalingTargetId") for p in template.of(POLICY) if p.get(STEPS)]
    for target in template.of("AWS::ApplicationAutoScaling::ScalableTarget"):
        sleeps = {"Ref": target.logical_id} in woken
        if number(target.get("MinCapacity")) < 1 and not sleeps:
            yield report(keeps_a_replica, target, "MinCapacity is below 1")


RULES = (scales_on_requests, waits_for_what_it_started, keeps_a_replica)
