"""The plan file: the whole plan of an environment, written once, committed, and verified at synth.

Synth never chooses. It reads `NAME.plan.json`, checks that every plan still answers its service
and still fits by today's rules, and otherwise refuses with the command to run.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from cdk_vllm.errors import PlanError
from cdk_vllm.planning import request_for
from cdk_vllm.sizing import ServingPlan, fits, from_dict, to_dict

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from cdk_vllm.environment_file import EnvironmentFile

SCHEMA_VERSION = 1


def path_for(environment: EnvironmentFile) -> Path:
    """Return where the plan of an environment file lies: beside it."""
    return environment.path.with_name(f"{environment.name}.plan.json")


def to_json(environment: EnvironmentFile, plans: Mapping[str, ServingPlan]) -> str:
    """Return the plan file's text: stable, so that a changed plan is a readable diff."""
    document = {
        "schema_version": SCHEMA_VERSION,
        "environment": environment.name,
        "services": {name: to_dict(plan) for name, plan in sorted(plans.items())},
    }
    return json.dumps(document, indent=2) + "\n"


def write(environment: EnvironmentFile, plans: Mapping[str, ServingPlan]) -> Path:
    """Write the plan file at once, or leave the old one as it was."""
    path = path_for(environment)
    new = path.with_suffix(".json.new")
    new.write_text(to_json(environment, plans), encoding="utf-8")
    new.replace(path)
    return path


def read(environment: EnvironmentFile) -> dict[str, ServingPlan]:
    """Return the committed plans by service; raises `PlanError` if one is missing or stale."""
    path = path_for(environment)
    plans = _parse(path, environment)
    _same_services(path, set(plans), environment)
    for name, plan in plans.items():
        _still_answers(path, environment, name, plan)
        reason = fits(plan)
        if reason:
            raise PlanError(
                f"{path}: services.{name} no longer fits: {reason}; {_fix(environment)}"
            )
    return plans


def _fix(environment: EnvironmentFile) -> str:
    return f"run: cdk-vllm plan {environment.path} --write"


def _parse(path: Path, environment: EnvironmentFile) -> dict[str, ServingPlan]:
    try:
        return _plans(json.loads(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise PlanError(f"{path} is missing; {_fix(environment)}") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise PlanError(f"{path} is not a plan file: {error}; {_fix(environment)}") from None


def _plans(document: dict[str, Any]) -> dict[str, ServingPlan]:
    version = document["schema_version"]
    if version != SCHEMA_VERSION:
        raise ValueError(f"its schema_version is {version}, this package reads {SCHEMA_VERSION}")
    return {name: from_dict(ServingPlan, plan) for name, plan in document["services"].items()}


def _same_services(path: Path, planned: set[str], environment: EnvironmentFile) -> None:
    for name in sorted(environment.services.keys() - planned):
        raise PlanError(f"{path} has no plan for services.{name}; {_fix(environment)}")
    for name in sorted(planned - environment.services.keys()):
        raise PlanError(
            f"{path} plans services.{name}, which {environment.path} does not have; "
            f"{_fix(environment)}"
        )


def _still_answers(path: Path, environment: EnvironmentFile, name: str, plan: ServingPlan) -> None:
    asked = request_for(environment, name, shape=plan.request.shape)
    service = environment.services[name]
    if not (service.image.base_image or service.image.uri):
        # The package's default vLLM may have moved on; what is deployed moves with a new plan only.
        asked = replace(asked, vllm_version=plan.request.vllm_version)
    for key, new, old in _differences(to_dict(asked), to_dict(plan.request)):
        raise PlanError(
            f"{path} is stale: services.{name}.{key} is {new!r} in {environment.path} and {old!r} "
            f"in the plan; {_fix(environment)}"
        )


def _differences(
    new: Mapping[str, Any], old: Mapping[str, Any], prefix: str = ""
) -> Iterator[tuple[str, Any, Any]]:
    for key in sorted(new.keys() | old.keys()):
        left, right = new.get(key), old.get(key)
        if isinstance(left, dict) and isinstance(right, dict):
            yield from _differences(left, right, f"{prefix}{key}.")
        elif left != right:
            yield f"{prefix}{key}", left, right
