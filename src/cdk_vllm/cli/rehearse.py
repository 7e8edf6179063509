"""`cdk-vllm rehearse`: deploy a CDK app to an embedded AWS on loopback, and look at everything."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from rich.console import Console

from cdk_vllm.errors import InputError, RehearsalError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from cdk_vllm.embedded_aws.rehearsal import Rehearsal, Scenario
    from cdk_vllm.embedded_aws.report import RehearsalReport

MAXIMUM_KEEP_SECONDS = 8 * 3600


@click.command("rehearse")
@click.argument("environment", required=False)
@click.option("--app", default=".", type=click.Path(path_type=Path), help="Folder with cdk.json.")
@click.option("--account", help="The account an app without ENVIRONMENT is fixed to.")
@click.option("--keep", is_flag=True, help="Leave the embedded AWS up until Ctrl-C.")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="Default: a free port.")
@click.option("--json", "as_json", is_flag=True, help="Print the report as JSON.")
def command(environment: str | None, app: Path, as_json: bool, **options: Any) -> None:
    """Rehearse a deployment on an embedded AWS: no account, no Docker, nothing leaves this machine.

    ENVIRONMENT is a name such as dev or a file such as environments/dev.toml. Without it every
    stack of the CDK app in the current folder is rehearsed as it is.
    """
    signal.signal(signal.SIGTERM, _interrupt)
    directory = Path(tempfile.mkdtemp(prefix="cdk-vllm-rehearsal-"))
    report = None
    try:
        report = _rehearse(environment, app, directory, **options)
    finally:
        # The log is worth keeping where something was run and not found right.
        if (report is not None and report.passed) or not (directory / "cdk.log").is_file():
            shutil.rmtree(directory, ignore_errors=True)
    _show(report, as_json=as_json)
    if not report.passed:
        raise RehearsalError(
            f"the rehearsal found {len(report.failures)} faults, the first: {report.failures[0]} "
            f"(the CDK CLI's log is in {directory})"
        )


def _show(report: RehearsalReport, *, as_json: bool) -> None:
    from cdk_vllm.cli import rehearsal_view  # noqa: PLC0415 - a failed run needs no tables

    if as_json:
        click.echo(rehearsal_view.to_json(report))
    else:
        rehearsal_view.show(report)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _rehearse(
    environment: str | None,
    app: Path,
    directory: Path,
    *,
    account: str | None,
    keep: bool,
    port: int,
) -> RehearsalReport:
    if not (app / "cdk.json").is_file():
        raise InputError(
            f"{app.resolve()} has no cdk.json, so it is not a CDK app; run this in an app's "
            "folder, or name one with --app"
        )
    if find_spec("moto") is None:
        raise RehearsalError(
            "moto is not installed; the rehearsal needs: pip install 'cdk-vllm[rehearse]'"
        )
    from cdk_vllm.embedded_aws.rehearsal import Scenario, rehearse  # noqa: PLC0415 - `--help`

    if environment is not None:
        scenario = _scenario(environment, app, directory)
    else:
        scenario = Scenario(account=account) if account else Scenario()
    return rehearse(
        app.resolve(),
        directory,
        scenario,
        step=_step,
        port=port,
        keep=_keep if keep else None,
    )


def _scenario(environment: str, app: Path, directory: Path) -> Scenario:
    from cdk_vllm import environment_file  # noqa: PLC0415 - a foreign app has no use for it
    from cdk_vllm.cli.rehearsed_environment import RehearsedEnvironment  # noqa: PLC0415

    path = Path(environment)
    if path.suffix != ".toml":
        path = app / "environments" / f"{environment}.toml"
    return RehearsedEnvironment(environment_file.load(path), directory).scenario()


@contextmanager
def _step(title: str) -> Iterator[None]:
    console = Console(stderr=True, highlight=False)
    begun = time.monotonic()
    with console.status(title):
        try:
            yield
        except BaseException:
            console.print(f"[red]✗[/] {title}  [dim]{time.monotonic() - begun:.1f} s[/]")
            raise
    console.print(f"[green]✓[/] {title}  [dim]{time.monotonic() - begun:.1f} s[/]")


def _keep(run: Rehearsal, report: RehearsalReport) -> None:
    """Print how to talk to the embedded AWS, and wait for Ctrl-C; at most eight hours."""
    click.echo(f"The embedded AWS is up ({len(report.checks)} checks made). To talk to it:\n")
    for name, value in run.aws.environment(run.stacks[0].region or "us-east-1").items():
        click.echo(f"export {name}={value}")
    click.echo("\nCtrl-C ends it.")
    try:
        time.sleep(MAXIMUM_KEEP_SECONDS)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)
