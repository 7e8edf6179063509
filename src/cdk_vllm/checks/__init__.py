"""Hardening rules over a CloudFormation template, for our tests and for yours.

>>> from cdk_vllm.checks import findings
>>> template = {"Resources": {"Key": {"Type": "AWS::KMS::Key", "Properties": {}}}}
>>> [finding.rule for finding in findings(template)]
['keys_rotate']
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.checks import (
    alarm_definitions,
    alarms,
    audit,
    builds,
    collector,
    components,
    dashboards,
    ecs_container,
    ecs_prepare,
    ecs_rollout,
    ecs_service,
    ecs_task,
    endpoint,
    engine_alarms,
    hosts,
    identity,
    instances,
    launching,
    load_balancer,
    metric_names,
    network,
    policies,
    sagemaker,
    scaling,
    server_settings,
    services,
    storage,
    stores,
    tagging,
    traffic,
    web_firewall,
)
from cdk_vllm.checks.template import Finding, Template

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Rule = Callable[[Template], Iterator[Finding]]

__all__ = ["Finding", "Template", "findings"]

RULES: dict[str, Rule] = {
    rule.__name__: rule
    for module in (
        alarm_definitions,
        alarms,
        audit,
        builds,
        collector,
        components,
        dashboards,
        ecs_container,
        ecs_prepare,
        ecs_rollout,
        ecs_service,
        ecs_task,
        endpoint,
        engine_alarms,
        hosts,
        identity,
        instances,
        launching,
        load_balancer,
        metric_names,
        network,
        policies,
        sagemaker,
        scaling,
        server_settings,
        services,
        storage,
        stores,
        tagging,
        traffic,
        web_firewall,
    )
    for rule in module.RULES
}
"""Every rule by its name; its docstring says why."""


def findings(template: Mapping[str, Any]) -> list[Finding]:
    """Return what the rules find in one stack's template, in the rules' order.

    `template` is a template as CloudFormation takes it, as a dict: what
    `Template.from_stack(stack).to_json()` returns, or a file of a cloud assembly.
    """
    view = Template(template)
    return [finding for rule in RULES.values() for finding in rule(view)]
