"""Whether somebody hears of a fault."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.checks.measuring import ALARM, metric_alarms
from cdk_vllm.checks.template import Finding, Template, as_list, mentions, report

if TYPE_CHECKING:
    from collections.abc import Iterator

COMPOSITE = "AWS::CloudWatch::CompositeAlarm"
SERVICES = ("AWS::ECS::Service", "AWS::SageMaker::Endpoint")


def alarms_tell_somebody(template: Template) -> Iterator[Finding]:
    """An alarm without an action is red in a console nobody looks at."""
    for alarm in template.of(ALARM, COMPOSITE):
        if not as_list(alarm.get("AlarmActions")) or alarm.get("ActionsEnabled") is False:
            yield report(alarms_tell_somebody, alarm, "no action")


def alarms_decide_about_silence(template: Template) -> Iterator[Finding]:
    """No data may mean no traffic or no server; CloudWatch's default is to keep the last state.

    A PromQL query without data returns nothing, and is quiet.
    """
    for alarm in metric_alarms(template):
        if alarm.get("TreatMissingData") not in ("breaching", "notBreaching", "ignore"):
            yield report(alarms_decide_about_silence, alarm, "TreatMissingData is not set")


def alarms_say_what_to_do(template: Template) -> Iterator[Finding]:
    """At night nobody remembers what a metric's name means."""
    for alarm in template.of(ALARM, COMPOSITE):
        if len(str(alarm.get("AlarmDescription", ""))) < 20:
            yield report(alarms_say_what_to_do, alarm, "no description")


def services_are_watched(template: Template) -> Iterator[Finding]:
    """Errors and absence are what users notice; each service has an alarm for both."""
    alarms = [alarm.properties for alarm in template.of(ALARM)]
    for service in template.of(*SERVICES):
        if not mentions(alarms, "5XX"):
            yield report(services_are_watched, service, "no alarm on errors")
        if not any(alarm.get("TreatMissingData") == "breaching" for alarm in alarms):
            yield report(services_are_watched, service, "no alarm when nothing answers")


def memory_is_no_alarm(template: Template) -> Iterator[Finding]:
    """The engine takes its share of GPU memory at start: such an alarm is always on."""
    for alarm in template.of(ALARM):
        if mentions(alarm.properties, "GPUMemoryUtilization") or mentions(
            alarm.properties, "utilization_memory"
        ):
            yield report(memory_is_no_alarm, alarm, "an alarm on GPU memory")


RULES = (
    alarms_tell_somebody,
    alarms_decide_about_silence,
    alarms_say_what_to_do,
    services_are_watched,
    memory_is_no_alarm,
)
