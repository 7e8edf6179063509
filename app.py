"""Deploys the environments of this checkout: `cdk deploy 'dev/*'`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import aws_cdk as cdk

from cdk_vllm import environment_file, plan_file
from cdk_vllm.errors import CdkVllmError
from stacks import FoundationStack, service_stack

if TYPE_CHECKING:
    from pathlib import Path


def add_environment(app: cdk.App, path: Path) -> None:
    """Add the stage of one environment file: its foundation, and one stack for each service."""
    environment = environment_file.load(path)
    plans = plan_file.read(environment)
    account_and_region = cdk.Environment(account=environment.account, region=environment.region)
    stage = cdk.Stage(app, environment.name, env=account_and_region)
    foundation = FoundationStack(stage, "foundation", environment=environment)
    for name, service in environment.services.items():
        stack = service_stack(service.backend)
        stack(stage, name, service=service, plan=plans[name], foundation=foundation)


if __name__ == "__main__":
    app = cdk.App()
    try:
        for path in environment_file.find(app.node.try_get_context("environments")):
            add_environment(app, path)
    except CdkVllmError as error:
        sys.exit(f"Error: {error}")
    app.synth()
