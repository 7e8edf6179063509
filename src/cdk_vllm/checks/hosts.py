"""What GPU instances report of themselves: a broken GPU must be noticed, and left alone."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any

from cdk_vllm.checks.measuring import metric_alarms, metrics_of
from cdk_vllm.checks.template import Finding, Resource, Template, as_list, joined, mentions, report

if TYPE_CHECKING:
    from collections.abc import Iterator

LAUNCH_TEMPLATE = "AWS::EC2::LaunchTemplate"
FILTER = "AWS::Logs::MetricFilter"
BROKEN = ("48", "79", "95")
"""Xids of a GPU that is broken whatever ran on it: uncorrectable memory, off the bus, uncontained.
Source: NVIDIA, "XID Errors"."""
FIRST = ("GreaterThanThreshold", 0)
FULL = ("mem_used_percent", "disk_used_percent")
_AGENT = re.compile(r"<<'AGENT'\n(.*?)\nAGENT\n", re.DOTALL)


def user_data(launch: Resource) -> str:
    """Return what an instance runs when it starts."""
    return joined(launch.get("LaunchTemplateData.UserData"))


def agents(template: Template) -> Iterator[dict[str, Any]]:
    """Yield the configurations of CloudWatch's agent in the instances' user data."""
    for launch in template.of(LAUNCH_TEMPLATE):
        for text in _AGENT.findall(user_data(launch)):
            yield _parsed(text)


@cache
def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def broken_gpus_are_noticed(template: Template) -> Iterator[Finding]:
    """A GPU that fell off the bus looks free: each task that is placed on it dies, for ever.

    The driver's line in the log is counted, the count alarms, and the instance drains itself.
    """
    watched = [launch for launch in template.of(LAUNCH_TEMPLATE) if "Xid" in user_data(launch)]
    filters = list(template.of(FILTER))
    for launch in watched:
        text = user_data(launch)
        wrong = {
            "the instance does not drain": "DRAINING" not in text,
            "it may not drain itself": not _may_drain(template),
            "its agent reports no log": not any("logs" in agent for agent in agents(template)),
            "no filter counts the driver's errors": not any(
                joined(f.get("LogGroupName")) in text for f in filters
            ),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(broken_gpus_are_noticed, launch, message)
    for metric_filter in filters:
        yield from _filter_faults(template, metric_filter, is_written=bool(watched))


def _filter_faults(
    template: Template, metric_filter: Resource, *, is_written: bool
) -> Iterator[Finding]:
    names = {
        (change.get("MetricNamespace"), change.get("MetricName"))
        for change in as_list(metric_filter.get("MetricTransformations"))
        if str(change.get("MetricValue")) == "1"
    }
    alarmed = {
        (metric.get("Namespace"), metric.get("MetricName"))
        for alarm in metric_alarms(template)
        for metric in metrics_of(alarm)
        # One error is one GPU.
        if (alarm.get("ComparisonOperator"), alarm.get("Threshold")) == FIRST
    }
    pattern = str(metric_filter.get("FilterPattern"))
    wrong = {
        "no instance writes what it counts": not is_written,
        "it misses errors of broken GPUs": any(f"): {xid}," not in pattern for xid in BROKEN),
        "no alarm is on its metric": not names & alarmed,
    }
    for message in (text for text, is_wrong in wrong.items() if is_wrong):
        yield report(broken_gpus_are_noticed, metric_filter, message)


def _may_drain(template: Template) -> bool:
    policies = [p.properties for p in template.of("AWS::IAM::Policy")]
    return mentions(policies, "ecs:UpdateContainerInstancesState")


def full_hosts_are_noticed(template: Template) -> Iterator[Finding]:
    """A host out of memory kills vLLM, one out of disk pulls no image: both are seen coming."""
    alarmed = {
        metric.get("MetricName")
        for alarm in metric_alarms(template)
        for metric in metrics_of(alarm)
    }
    if not any("metrics" in agent for agent in agents(template)):
        return
    for launch in template.of(LAUNCH_TEMPLATE):
        for name in FULL:
            if name not in alarmed:
                yield report(full_hosts_are_noticed, launch, f"no alarm on {name}")


RULES = (broken_gpus_are_noticed, full_hosts_are_noticed)
