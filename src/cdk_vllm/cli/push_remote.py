"""`cdk-vllm push --remote`: starts the push inside AWS, shows its log, and can be left alone."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import click

from cdk_vllm.cli.foundation import output
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from cdk_vllm.cli.push_target import Target
    from cdk_vllm.environment_file import EnvironmentFile
    from cdk_vllm.model_store.remote import Line

_COMMIT = re.compile(r"cdk-vllm: s3://\S+/([0-9a-f]{40})/: .*")


def push_remotely(environment: EnvironmentFile, target: Target) -> str:
    """Push a hub's model by the foundation's job and return the commit that is in the store."""
    import boto3  # noqa: PLC0415 - the command starts fast

    from cdk_vllm.model_store import remote  # noqa: PLC0415 - as above

    if target.directory is not None:
        raise InputError(
            f"{target.directory} is on this machine, where AWS cannot reach it; push it without "
            "--remote, or name a model"
        )
    project = output(environment, "PushProject")
    codebuild = boto3.client("codebuild", region_name=environment.region)
    build_id = remote.start(codebuild, project, target.model, target.revision)
    click.echo(f"{target.model}: build {build_id}", err=True)
    return _follow(environment, target, build_id)


def follow_again(environment: EnvironmentFile, build_id: str) -> str:
    """Follow a build that was started before and return the commit that is in the store."""
    return _follow(environment, None, build_id)


def _follow(environment: EnvironmentFile, target: Target | None, build_id: str) -> str:
    import boto3  # noqa: PLC0415 - as above
    from rich.console import Console  # noqa: PLC0415 - as above

    from cdk_vllm.model_store import remote  # noqa: PLC0415 - as above

    codebuild = boto3.client("codebuild", region_name=environment.region)
    logs = boto3.client("logs", region_name=environment.region)
    console = Console(stderr=True)
    commit = ""
    name = target.model if target else build_id
    try:
        with console.status(f"{name}: starting") as status:
            for line in remote.follow(codebuild, logs, build_id):
                _show(console, status, name, line)
                found = _COMMIT.fullmatch(line.text)
                commit = found[1] if found else commit
    except KeyboardInterrupt:
        click.echo(_left_alone(environment, build_id), err=True)
        raise
    return commit


def _show(console: Console, status: Status, name: str, line: Line) -> None:
    status.update(f"{name}: {line.phase}")
    if line.text:
        console.print(line.text, markup=False, highlight=False, soft_wrap=True)


def _left_alone(environment: EnvironmentFile, build_id: str) -> str:
    return (
        f"The push goes on in AWS. To follow it: cdk-vllm push {environment.path} --follow "
        f"{build_id}; to stop it: aws codebuild stop-build --region {environment.region} "
        f"--id {build_id}"
    )
