"""A deployed stack as CloudFormation tells it: template, parameters, physical ids, exports."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml  # type: ignore[import-untyped]
from botocore.exceptions import ClientError

from cdk_vllm.embedded_aws.readback.comparison import WILDCARD


class _TemplateLoader(yaml.BaseLoader):  # type: ignore[misc]
    """Reads every scalar as text, so that a version date stays the text it is."""


def _short_form(loader: Any, suffix: str, node: Any) -> dict[str, Any]:
    name = suffix if suffix in ("Ref", "Condition") else f"Fn::{suffix}"
    if isinstance(node, yaml.ScalarNode):
        return {name: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {name: loader.construct_sequence(node, deep=True)}
    return {name: loader.construct_mapping(node, deep=True)}


_TemplateLoader.add_multi_constructor("!", _short_form)


def parse_template(body: Any) -> Mapping[str, Any]:
    """Read a template that is JSON text, YAML text with short forms, or data already."""
    if isinstance(body, Mapping):
        return body
    try:
        parsed = json.loads(body)
    except ValueError:
        parsed = yaml.load(body, Loader=_TemplateLoader)  # noqa: S506 - a BaseLoader, text only
    return parsed if isinstance(parsed, Mapping) else {}


@dataclass(frozen=True)
class DeployedStack:
    """What CloudFormation says of a stack; raises botocore's ClientError for an unknown name."""

    client: Callable[[str], Any]
    name: str

    @cached_property
    def body(self) -> Mapping[str, Any]:
        """The template as it was given, before transforms."""
        answer = self.client("cloudformation").get_template(
            StackName=self.name, TemplateStage="Original"
        )
        return parse_template(answer["TemplateBody"])

    @cached_property
    def physical_ids(self) -> Mapping[str, str]:
        """Logical id to physical id, of the resources that have one."""
        pages = self.client("cloudformation").get_paginator("list_stack_resources")
        return {
            resource["LogicalResourceId"]: resource["PhysicalResourceId"]
            for page in pages.paginate(StackName=self.name)
            for resource in page["StackResourceSummaries"]
            if resource.get("PhysicalResourceId")
        }

    @cached_property
    def stack_id(self) -> str:
        """The stack's ARN."""
        return str(self._description["StackId"])

    @cached_property
    def parameters(self) -> Mapping[str, Any]:
        """Parameter name to value: lists split, Systems Manager names looked up, secrets hidden."""
        declared = self.body.get("Parameters", {})
        given = {p["ParameterKey"]: p for p in self._description.get("Parameters", [])}
        return {
            name: self._parameter(declaration, given.get(name, {}))
            for name, declaration in declared.items()
        }

    @cached_property
    def exports(self) -> Mapping[str, str]:
        """Every export of the account and region, by name."""
        pages = self.client("cloudformation").get_paginator("list_exports").paginate()
        return {export["Name"]: export["Value"] for page in pages for export in page["Exports"]}

    @cached_property
    def account(self) -> str:
        """The account id that the client's credentials belong to."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @cached_property
    def region(self) -> str:
        """The region the client talks to."""
        return str(self.client("cloudformation").meta.region_name)

    @cached_property
    def _description(self) -> Mapping[str, Any]:
        answer = self.client("cloudformation").describe_stacks(StackName=self.name)
        return dict(answer["Stacks"][0])

    def _parameter(self, declaration: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        if str(declaration.get("NoEcho", "")).lower() == "true":
            return WILDCARD
        kind = str(declaration.get("Type", "String"))
        value = given.get("ParameterValue", declaration.get("Default", ""))
        if kind.startswith("AWS::SSM::Parameter::Value<"):
            value = given.get("ResolvedValue") or self._looked_up(value)
        is_list = kind == "CommaDelimitedList" or "List<" in kind
        return value.split(",") if is_list and isinstance(value, str) else value

    def _looked_up(self, name: str) -> Any:
        try:
            return self.client("ssm").get_parameter(Name=name)["Parameter"]["Value"]
        except ClientError:
            return name
