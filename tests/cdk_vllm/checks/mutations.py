"""Deletes or flips, one at a time, every leaf of the resources that are to be hardened.

A leaf is a value that is no table and no list; a reference or a function of CloudFormation is a
leaf as a whole. A mutant is made in place and undone, because thousands are made.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

Template = dict[str, Any]

HARDENED = (
    "AWS::APS::RuleGroupsNamespace",
    "AWS::APS::Workspace",
    "AWS::ApplicationAutoScaling::ScalableTarget",
    "AWS::ApplicationAutoScaling::ScalingPolicy",
    "AWS::AutoScaling::AutoScalingGroup",
    "AWS::Budgets::Budget",
    "AWS::Chatbot::SlackChannelConfiguration",
    "AWS::CloudTrail::Trail",
    "AWS::CloudWatch::Alarm",
    "AWS::CloudWatch::CompositeAlarm",
    "AWS::CloudWatch::Dashboard",
    "AWS::CodeBuild::Project",
    "AWS::EC2::FlowLog",
    "AWS::EC2::LaunchTemplate",
    "AWS::EC2::SecurityGroup",
    "AWS::EC2::SecurityGroupEgress",
    "AWS::EC2::SecurityGroupIngress",
    "AWS::EC2::VPCEndpoint",
    "AWS::ECR::Repository",
    "AWS::ECS::CapacityProvider",
    "AWS::ECS::Cluster",
    "AWS::ECS::ClusterCapacityProviderAssociations",
    "AWS::ECS::Service",
    "AWS::ECS::TaskDefinition",
    "AWS::ElasticLoadBalancingV2::Listener",
    "AWS::ElasticLoadBalancingV2::ListenerRule",
    "AWS::ElasticLoadBalancingV2::LoadBalancer",
    "AWS::ElasticLoadBalancingV2::TargetGroup",
    "AWS::Events::Rule",
    "AWS::IAM::Policy",
    "AWS::IAM::Role",
    "AWS::KMS::Key",
    "AWS::Logs::LogGroup",
    "AWS::Logs::MetricFilter",
    "AWS::S3::Bucket",
    "AWS::S3::BucketPolicy",
    "AWS::SNS::Topic",
    "AWS::SNS::TopicPolicy",
    "AWS::SageMaker::Endpoint",
    "AWS::SageMaker::EndpointConfig",
    "AWS::SageMaker::InferenceComponent",
    "AWS::SageMaker::Model",
    "AWS::SecretsManager::Secret",
    "AWS::WAFv2::WebACL",
)
"""Types whose properties protect something; the others only wire a network together."""

OPPOSITES = {
    "true": "false",
    "ENABLED": "DISABLED",
    "Enabled": "Suspended",
    "enabled": "disabled",
    "enhanced": "disabled",
    "Allow": "Deny",
    "IMMUTABLE": "MUTABLE",
    "required": "optional",
    "internal": "internet-facing",
    "HTTPS": "HTTP",
    "None": "Gzip",
    "KMS": "AES256",
}
OPPOSITES |= {there: here for here, there in OPPOSITES.items() if there != "disabled"}
LABELS = ("Key", "Name", "Type", "Field", "Id", "Sid", "ContainerName")


class Mutant(NamedTuple):
    """One change: `deleted` or `flipped`, and where, with list entries by their label."""

    stack: str
    type: str
    logical_id: str
    path: str
    change: str
    value: str

    @property
    def place(self) -> str:
        """Where the change is, as the list of allowed mutants names it."""
        return f"{self.type} {self.path}"


class Leaf(NamedTuple):
    """A value with what holds it: a table and a name, or a list and a number."""

    holder: Any
    key: Any
    path: str


def leaves(value: Any, holder: Any = None, key: Any = None, path: str = "") -> Iterator[Leaf]:
    """Yield the leaves of a value, with their dotted paths."""
    if isinstance(value, dict) and value and not _is_function(value):
        for name in list(value):
            yield from leaves(value[name], value, name, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list) and value:
        for number in range(len(value)):
            label = _label(value, number)
            yield from leaves(value[number], value, number, f"{path}[{label}]")
    elif holder is not None:
        yield Leaf(holder, key, path)


def _is_function(value: dict[str, Any]) -> bool:
    name = next(iter(value))
    return len(value) == 1 and (name == "Ref" or name.startswith("Fn::"))


def _label(items: list[Any], number: int) -> str:
    """Return a name that stays when the list grows: the entry's own, or the word before it."""
    item = items[number]
    if isinstance(item, dict):
        return next((str(item[name]) for name in LABELS if isinstance(item.get(name), str)), "")
    before = items[number - 1] if number else None
    return before if isinstance(before, str) and before.startswith("--") else ""


def flipped(value: Any) -> Any:
    """Return the opposite of a value, or something that it is not."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return 0 if value else 1
    if isinstance(value, str) and value in OPPOSITES:
        return OPPOSITES[value]
    if isinstance(value, str) and value.lstrip("-").isdigit():
        return "0" if value != "0" else "1"
    return "mutated"


@contextmanager
def deleted_from(leaf: Leaf) -> Iterator[None]:
    """Take a leaf away while the block runs; tables keep the order of their names."""
    holder, key = leaf.holder, leaf.key
    before = holder.copy()
    del holder[key]
    try:
        yield
    finally:
        holder.clear()
        holder.extend(before) if isinstance(holder, list) else holder.update(before)


@contextmanager
def flipped_in(leaf: Leaf) -> Iterator[None]:
    """Flip a leaf while the block runs."""
    before = leaf.holder[leaf.key]
    leaf.holder[leaf.key] = flipped(before)
    try:
        yield
    finally:
        leaf.holder[leaf.key] = before


def mutants(templates: dict[str, Template]) -> Iterator[tuple[Mutant, Template]]:
    """Yield every mutant with its template, which is changed only until the next one is asked for.

    Two environments share most of their stacks; a mutant that was made of one is not made of the
    other.
    """
    seen = set()
    for stack, template in templates.items():
        for logical_id, body in template["Resources"].items():
            if body["Type"] not in HARDENED:
                continue
            for leaf in list(leaves(body.get("Properties", {}))):
                value = json.dumps(leaf.holder[leaf.key])
                if (mark := (body["Type"], logical_id, leaf.path, value)) in seen:
                    continue
                seen.add(mark)
                for change, made in _changes(leaf):
                    with made(leaf):
                        mutant = Mutant(stack, body["Type"], logical_id, leaf.path, change, value)
                        yield mutant, template


def _changes(leaf: Leaf) -> Iterator[tuple[str, Callable[[Leaf], AbstractContextManager[None]]]]:
    """Yield what can be done to a leaf; a reference has no opposite, so it is only deleted."""
    yield "deleted", deleted_from
    if not isinstance(leaf.holder[leaf.key], dict | list):
        yield "flipped", flipped_in
