"""How an update reaches a SageMaker endpoint: instance by instance, or a new fleet beside the old.

Source of the limits: Amazon SageMaker API Reference, `DeploymentConfig`.
"""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING, Literal

from aws_cdk import aws_sagemaker as sagemaker

from cdk_vllm.errors import InputError
from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan

Rollout = Literal["all_at_once", "canary", "linear", "rolling"]

BAKE_SECONDS = 600  # how long the alarms are watched before the next step
MAX_ROLLOUT_SECONDS = 28800
SCARCE_GPUS = 8  # a second fleet of whole p5 instances is seldom to be had
MIN_BATCH_PERCENT, MAX_BATCH_PERCENT = 5, 50

_Kind = sagemaker.CfnEndpoint


def rollout_for(plan: ServingPlan, rollout: Rollout | None) -> Rollout:
    """Return the way of an update: the one asked for, or what the plan allows.

    One instance is replaced at once, for there is no part of it to try first. More are tried on one
    instance first (`canary`), beside the old fleet; instances of eight GPUs are replaced in turns
    (`rolling`), which needs no second fleet.

    Raises:
        InputError: a part of one instance was asked for.
    """
    several = plan.request.min_replicas > 1
    if rollout is None:
        if not several:
            return "all_at_once"
        return "rolling" if plan.gpus >= SCARCE_GPUS else "canary"
    if rollout != "all_at_once" and not several:
        raise InputError(
            f'rollout "{rollout}" shifts a part of the instances, and replicas.min is 1; set '
            'replicas.min to 2 or more, or leave rollout out for "all_at_once"'
        )
    return rollout


def deployment_config(
    plan: ServingPlan, rollout: Rollout
) -> sagemaker.CfnEndpoint.DeploymentConfigProperty:
    """Return the deployment configuration; the alarms that roll back are added to it later."""
    if rollout == "rolling":
        return _Kind.DeploymentConfigProperty(rolling_update_policy=_rolling(plan))
    return _Kind.DeploymentConfigProperty(
        blue_green_update_policy=_Kind.BlueGreenUpdatePolicyProperty(
            traffic_routing_configuration=_routing(rollout),
            termination_wait_in_seconds=0,
            maximum_execution_timeout_in_seconds=_longest(plan, steps=_steps(plan, rollout)),
        )
    )


def _routing(rollout: Rollout) -> sagemaker.CfnEndpoint.TrafficRoutingConfigProperty:
    one = _Kind.CapacitySizeProperty(type="INSTANCE_COUNT", value=1)
    return _Kind.TrafficRoutingConfigProperty(
        type=rollout.upper(),
        wait_interval_in_seconds=BAKE_SECONDS,
        canary_size=one if rollout == "canary" else None,
        linear_step_size=one if rollout == "linear" else None,
    )


def _steps(plan: ServingPlan, rollout: Rollout) -> int:
    return {"all_at_once": 1, "canary": 2}.get(rollout, plan.request.max_replicas)


def _rolling(plan: ServingPlan) -> sagemaker.CfnEndpoint.RollingUpdatePolicyProperty:
    percent = ceil(100 / plan.request.min_replicas)
    percent = min(MAX_BATCH_PERCENT, max(MIN_BATCH_PERCENT, percent))
    return _Kind.RollingUpdatePolicyProperty(
        maximum_batch_size=_Kind.CapacitySizeProperty(type="CAPACITY_PERCENT", value=percent),
        wait_interval_in_seconds=BAKE_SECONDS,
        maximum_execution_timeout_in_seconds=_longest(plan, steps=ceil(100 / percent)),
    )


def _longest(plan: ServingPlan, *, steps: int) -> int:
    # Download and start may each take their whole time-out, for the first step and for the rest.
    startup = timeouts_for(plan).engine_ready_timeout_seconds
    return min(MAX_ROLLOUT_SECONDS, 4 * startup + (steps + 1) * BAKE_SECONDS)
