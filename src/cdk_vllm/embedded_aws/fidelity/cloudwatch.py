"""CloudWatch: composite alarms, and what moto's metric alarms drop."""

from __future__ import annotations

from typing import Any

from botocore import xform_name
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.utils import get_service_model

from .keeping import then


def _put_composite_alarm(self: Any) -> Any:
    """PutCompositeAlarm: moto's models hold such alarms, and no request makes one."""
    return self.put_metric_alarm()


def _keep(response: Any, answer: Any) -> None:
    """Keep what describes an alarm under the same name and is not on moto's model."""
    del answer
    alarm = response.cloudwatch_backend.alarms[response._get_param("AlarmName")]
    shapes: Any = [
        get_service_model("cloudwatch").shape_for(s) for s in ("MetricAlarm", "CompositeAlarm")
    ]
    for name in {*shapes[0].members, *shapes[1].members}:
        value = response._get_param(name)
        attribute = xform_name(name)
        if value is not None and not hasattr(alarm, attribute) and name not in _ALIASED:
            setattr(alarm, attribute, value)


_ALIASED = ("AlarmName", "AlarmDescription", "AlarmRule", "Metrics", "OKActions", "Dimensions")
"""What moto's model holds under another name."""


def install() -> None:
    """Apply the fixes."""
    response: Any = CloudWatchResponse
    then(response, "put_metric_alarm", _keep)
    response.put_composite_alarm = _put_composite_alarm
