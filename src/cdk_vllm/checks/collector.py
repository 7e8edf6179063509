"""The collector that runs beside vLLM: it must not matter, must not open anything, must publish."""

from __future__ import annotations

import json
import re
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from cdk_vllm.catalog.metrics import metric_versions, unknown_series
from cdk_vllm.checks.ecs_container import Container, containers, everything_beside_servers
from cdk_vllm.checks.template import (
    Finding,
    Resource,
    Template,
    as_list,
    dig,
    joined,
    number,
    report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "AOT_CONFIG_CONTENT"
"""What AWS's distribution of the OpenTelemetry collector reads its configuration from."""
LOCAL = ("127.0.0.1", "localhost")
NAMING_SERIES = (
    "AWS::APS::RuleGroupsNamespace",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::Dashboard",
)
_MARK = re.compile(r"otel|collector", re.IGNORECASE)
_ENVIRONMENT = re.compile(r"\$\{env:(\w+)\}")


class Collector(NamedTuple):
    """A collector's container with its configuration; an unreadable one is empty."""

    container: Container
    configuration: dict[str, Any]

    @property
    def task(self) -> Resource:
        """The task it is in."""
        return self.container.task

    @property
    def service(self) -> str | None:
        """The value of the label that its metrics carry."""
        for scrape in self.scrapes:
            for target in as_list(scrape.get("static_configs")):
                return str(dig(target, "labels.service"))
        return None

    @property
    def scrapes(self) -> list[dict[str, Any]]:
        """What it reads."""
        receivers = (self.configuration.get("receivers") or {}).values()
        return [s for r in receivers for s in as_list(dig(r, "config.scrape_configs"))]

    def exporter(self, kind: str) -> dict[str, Any] | None:
        """Return an exporter's settings, if it has one of the kind."""
        found = (self.configuration.get("exporters") or {}).get(kind)
        return dict(found) if found is not None else None

    def publishes(self, metric: str) -> bool:
        """Tell whether a metric goes to CloudWatch, over the service as a whole."""
        declarations = as_list((self.exporter("awsemf") or {}).get("metric_declarations"))
        return any(
            re.search(selector, metric)
            for declaration in declarations
            if ["service"] in as_list(declaration.get("dimensions"))
            for selector in as_list(declaration.get("metric_name_selectors"))
        )


def collectors(template: Template) -> Iterator[Collector]:
    """Yield the collectors: what has such a configuration, or is named after what it is."""
    for container in everything_beside_servers(template):
        text = joined(container.environment.get(VARIABLE))
        name = f"{container.body.get('Name')} {joined(container.body.get('Image'))}"
        if text or _MARK.search(name):
            yield Collector(container, _parsed(text))


@cache
def _parsed(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def collector_may_fail(template: Template) -> Iterator[Finding]:
    """Whoever only watches must not end what is watched."""
    for collector in collectors(template):
        if collector.container.body.get("Essential") is not False:
            yield report(collector_may_fail, collector.task, "the task ends with its collector")


def collector_can_start(template: Template) -> Iterator[Finding]:
    """A collector with half a configuration ends at once, and nobody is told."""
    for collector in collectors(template):
        defined = collector.container.environment
        text = joined(defined.get(VARIABLE))
        region = defined.get("AWS_REGION")
        pipelines = (dig(collector.configuration, "service.pipelines") or {}).values()
        undefined = [
            name
            for pipeline in pipelines
            for kind in ("receivers", "processors", "exporters")
            for name in pipeline.get(kind, [])
            if name not in collector.configuration.get(kind, {})
        ]
        wrong = {
            f"{VARIABLE} holds no configuration": not pipelines,
            "a pipeline names what is not there": bool(undefined),
            "its configuration reads a variable that is not set": bool(
                set(_ENVIRONMENT.findall(text)) - defined.keys()
            ),
            "AWS_REGION is no region": isinstance(region, str) and "-" not in region,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(collector_can_start, collector.task, message)


def metrics_stay_in_their_task(template: Template) -> Iterator[Finding]:
    """They need no key, so they are read where nobody else listens, and are kept nowhere else."""
    ports = {
        number(mapping.get("ContainerPort"))
        for _, body in containers(template)
        for mapping in as_list(body.get("PortMappings"))
    }
    for collector in collectors(template):
        targets = [
            str(target).partition(":")
            for scrape in collector.scrapes
            for config in as_list(scrape.get("static_configs"))
            for target in as_list(config.get("targets"))
        ]
        receivers = collector.configuration.get("receivers") or {}
        wrong = {
            "it scrapes another address than its own": any(t[0] not in LOCAL for t in targets),
            "it scrapes another port than vLLM's": any(number(t[2]) not in ports for t in targets),
            "it listens": any(name.split("/")[0] != "prometheus" for name in receivers),
            "it has a port": bool(as_list(collector.container.body.get("PortMappings"))),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(metrics_stay_in_their_task, collector.task, message)


def series_are_vllms_own(template: Template) -> Iterator[Finding]:
    """A series that this vLLM does not show is an alarm that never fires and an empty panel."""
    for resource in template.of(*NAMING_SERIES):
        for name in _unknown(json.dumps(resource.properties)):
            message = f"vLLM {metric_versions()[-1]} shows no {name}"
            yield report(series_are_vllms_own, resource, message)


@cache
def _unknown(text: str) -> list[str]:
    return sorted(unknown_series(text, metric_versions()[-1]))


RULES = (
    collector_may_fail,
    collector_can_start,
    metrics_stay_in_their_task,
    series_are_vllms_own,
)
