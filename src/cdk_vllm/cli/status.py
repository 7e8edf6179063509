"""`cdk-vllm status`: which version of each service is live, and whether it is the deployed one."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cdk_vllm.errors import CdkVllmError

if TYPE_CHECKING:
    from cdk_vllm.live.state import ServiceState


@click.command("status")
@click.argument("environment", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print what is found as JSON.")
def command(environment: Path, *, as_json: bool) -> None:
    """Tell which version of each service of ENVIRONMENT is live.

    An update that SageMaker or ECS undid by itself is called a silent rollback: CloudFormation says
    it succeeded, and the old version serves. Exits with 1 where anything is wrong.
    """
    from cdk_vllm import environment_file  # noqa: PLC0415 - the command starts fast
    from cdk_vllm.cli.clients import clients  # noqa: PLC0415 - as above
    from cdk_vllm.cli.foundation import aws_errors  # noqa: PLC0415 - as above
    from cdk_vllm.live.stacks import deployed_stack  # noqa: PLC0415 - as above
    from cdk_vllm.live.state import service_state  # noqa: PLC0415 - as above

    loaded = environment_file.load(environment)
    with aws_errors(f"the status of {loaded.name}"):
        client = clients(loaded.region)
        states = [
            service_state(client, deployed_stack(client, loaded.name, name), name)
            for name in loaded.services
        ]
    if as_json:
        click.echo(json.dumps([asdict(state) for state in states], indent=2))
    else:
        for state in states:
            click.echo(_shown(state))
    wrong = [state for state in states if state.fault]
    if wrong:
        raise CdkVllmError(f"{wrong[0].service}: {wrong[0].fault}.")


def _shown(state: ServiceState) -> str:
    word = state.fault.partition(":")[0] or ("moving" if state.moving else "as deployed")
    noun = "configuration" if state.backend == "sagemaker" else "task definition"
    lines = [
        f"{state.service}  {state.backend}, {state.status}, stack {state.stack_status}: {word}",
        f"  live {noun}  {state.live}  ({state.running} of {state.desired} replicas)",
    ]
    if state.live != state.wanted:
        lines.append(f"  the stack's {noun}  {state.wanted}")
    lines += [f"  image  {image}" for image in state.images[:1]]
    return "\n".join(lines)
