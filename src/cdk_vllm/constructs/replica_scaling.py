"""What scaling has in common wherever replicas run: bounds by the clock, and the way from zero."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_applicationautoscaling as appscaling
from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from constructs import Construct

KEEP_MINIMUM = "keep-minimum"
"""The action that brings a new service to its minimum; it would undo what a schedule sets."""

_Target = appscaling.CfnScalableTarget
_Policy = appscaling.CfnScalingPolicy


def add_schedule(
    target: _Target, name: str, *, schedule: str, replicas: tuple[int, int], timezone: str
) -> None:
    """Let other bounds hold from a time on: `schedule` is `cron(0 8 ? * MON-FRI *)`, say."""
    fewest, most = replicas
    action = _Target.ScheduledActionProperty(
        scheduled_action_name=name,
        schedule=schedule,
        timezone=timezone,
        scalable_target_action=_Target.ScalableTargetActionProperty(
            min_capacity=fewest, max_capacity=most
        ),
    )
    actions = target.scheduled_actions
    known = actions if isinstance(actions, list) else []
    kept = [each for each in known if getattr(each, "scheduled_action_name", "") != KEEP_MINIMUM]
    target.scheduled_actions = [*kept, action]


def wake_from_zero(
    scope: Construct, target: _Target, metric: cloudwatch.Metric
) -> cloudwatch.CfnAlarm:
    """Start the first replica where none is: tracking cannot, for zero replicas report nothing.

    `metric` counts, by its own statistic and period, the requests that found no replica. Sources:
    Amazon SageMaker AI Developer Guide, "Scale an endpoint to zero instances"; Application Auto
    Scaling User Guide, "Step scaling policies".
    """
    policy = _Policy(
        scope,
        "FromZero",
        policy_name="from-zero",
        policy_type="StepScaling",
        scaling_target_id=target.ref,
        step_scaling_policy_configuration=_Policy.StepScalingPolicyConfigurationProperty(
            adjustment_type="ChangeInCapacity",
            metric_aggregation_type="Maximum",
            cooldown=60,
            step_adjustments=[
                _Policy.StepAdjustmentProperty(metric_interval_lower_bound=0, scaling_adjustment=1)
            ],
        ),
    )
    dimensions = [
        cloudwatch.CfnAlarm.DimensionProperty(name=name, value=str(value))
        for name, value in (metric.dimensions or {}).items()
    ]
    return cloudwatch.CfnAlarm(
        scope,
        "Wake",
        alarm_description="Requests come and no replica runs; this alarm's action starts one.",
        namespace=metric.namespace,
        metric_name=metric.metric_name,
        dimensions=dimensions,
        statistic=metric.statistic,
        period=int(metric.period.to_seconds()),
        evaluation_periods=1,
        datapoints_to_alarm=1,
        threshold=1,
        comparison_operator="GreaterThanOrEqualToThreshold",
        treat_missing_data="notBreaching",
        alarm_actions=[policy.ref],
    )
