"""One alarm: every one says what to do, treats missing data on purpose, and tells somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_cloudwatch as cloudwatch
from aws_cdk import aws_cloudwatch_actions as actions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_sns as sns
    from constructs import Construct

ABOVE = cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD
AT_LEAST = cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD
BELOW = cloudwatch.ComparisonOperator.LESS_THAN_THRESHOLD

NO_DATA_IS_FINE = cloudwatch.TreatMissingData.NOT_BREACHING
NO_DATA_IS_BAD = cloudwatch.TreatMissingData.BREACHING


def alarm(
    scope: Construct,
    construct_id: str,
    metric: cloudwatch.IMetric,
    *,
    fires: tuple[cloudwatch.ComparisonOperator, float],
    periods: tuple[int, int],
    missing: cloudwatch.TreatMissingData,
    description: str,
    topic: sns.ITopic,
) -> cloudwatch.Alarm:
    """Return an alarm that fires when `periods[0]` of the last `periods[1]` values do."""
    result = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        comparison_operator=fires[0],
        threshold=fires[1],
        datapoints_to_alarm=periods[0],
        evaluation_periods=periods[1],
        treat_missing_data=missing,
        alarm_description=description,
    )
    result.add_alarm_action(actions.SnsAction(topic))
    return result


def unavailable_name(stack_name: str) -> str:
    """Return the name of the one alarm that pages for the service of a stack."""
    return f"{stack_name}-unavailable"


def page_when_any(
    scope: Construct,
    construct_id: str,
    alarms: Sequence[cloudwatch.IAlarm],
    *,
    description: str,
    topic: sns.ITopic,
) -> cloudwatch.CompositeAlarm:
    """Return the one alarm that wakes somebody up, and tells when it is over.

    For a stack's own `Alarms` its name is the stack's and `unavailable`, so that an environment's
    dashboard can show it; others have a generated one, for a stack may hold several.
    """
    stack = Stack.of(scope)
    own = scope.node.path == f"{stack.node.path}/Alarms"
    composite = cloudwatch.CompositeAlarm(
        scope,
        construct_id,
        composite_alarm_name=unavailable_name(stack.stack_name) if own else None,
        alarm_rule=cloudwatch.AlarmRule.any_of(
            *[
                cloudwatch.AlarmRule.from_alarm(alarm, cloudwatch.AlarmState.ALARM)
                for alarm in alarms
            ]
        ),
        alarm_description=description,
    )
    composite.add_alarm_action(actions.SnsAction(topic))
    composite.add_ok_action(actions.SnsAction(topic))
    return composite
