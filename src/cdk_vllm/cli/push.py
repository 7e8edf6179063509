"""`cdk-vllm push`: a model's directory into the environment's store."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import boto3
import click
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from cdk_vllm import environment_file
from cdk_vllm.errors import CdkVllmError, InputError, nearest
from cdk_vllm.model_store import PushResult, engine_files, push

if TYPE_CHECKING:
    from cdk_vllm.environment_file import EnvironmentFile, Service


@click.command("push")
@click.argument("environment", type=click.Path(path_type=Path))
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--service", help="The service whose model this is; needed where there are several.")
def command(environment: Path, directory: Path, service: str | None) -> None:
    """Put the model in DIRECTORY into the store of ENVIRONMENT, complete or not at all."""
    loaded = environment_file.load(environment)
    name = _service_name(loaded, service)
    try:
        result = push_service(loaded, loaded.services[name], directory)
    except (BotoCoreError, ClientError) as error:
        raise CdkVllmError(f"AWS refused the push to {loaded.name}: {error}") from None
    click.echo(f"{result.uri}: {len(result.sent)} files sent, {len(result.kept)} kept")


def _service_name(environment: EnvironmentFile, service: str | None) -> str:
    names = list(environment.services)
    if service in names:
        return str(service)
    known = ", ".join(names)
    if service is not None:
        hint = nearest(service, names)
        raise InputError(f'{environment.path} has no service "{service}"; known: {known}.{hint}')
    if len(names) > 1:
        raise InputError(f"{environment.path} has several services; add --service, one of: {known}")
    return names[0]


def push_service(environment: EnvironmentFile, service: Service, directory: Path) -> PushResult:
    """Push a directory as a service's model, with a progress bar on standard error."""
    total = sum(path.stat().st_size for path in engine_files(directory))
    bucket = model_bucket(environment)
    columns = (TextColumn(service.model), BarColumn(), DownloadColumn(), TransferSpeedColumn())

    with Progress(*columns, console=Console(stderr=True)) as progress:
        task = progress.add_task("push", total=total)
        return push(
            boto3.client("s3", region_name=environment.region),
            bucket=bucket,
            model=service.model,
            revision=service.revision,
            directory=directory,
            on_bytes=lambda count: progress.advance(task, count),
        )


def model_bucket(environment: EnvironmentFile) -> str:
    """Return the bucket's name, from the outputs of the environment's foundation stack."""
    stack = f"{environment.name}-foundation"
    cloudformation = boto3.client("cloudformation", region_name=environment.region)
    try:
        outputs = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise InputError(
            f"the stack {stack} does not exist in {environment.region}; "
            f"deploy it first: cdk deploy '{environment.name}/foundation'"
        ) from None
    values = {output["OutputKey"]: output["OutputValue"] for output in outputs}
    if "ModelBucket" not in values:
        raise InputError(f"the stack {stack} has no output ModelBucket; deploy it again")
    return values["ModelBucket"]
