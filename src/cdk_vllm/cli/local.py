"""`cdk-vllm local`: a service of an environment, served on this machine without a GPU."""

from __future__ import annotations

import shutil
import signal
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from rich.console import Console
from rich.markup import escape

from cdk_vllm.errors import InputError, RehearsalError, nearest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from cdk_vllm.environment_file import EnvironmentFile
    from cdk_vllm.local.service import LocalService, Serving

MAXIMUM_SECONDS = 8 * 3600
LINE_LENGTH = 72
# A socket's path has 107 characters (unix(7)), of which the machine's and vLLM's names take 45.
MAXIMUM_DIRECTORY_LENGTH = 62


@click.command("local")
@click.argument("environment")
@click.argument("service")
@click.option(
    "--model-directory",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    help="A small model of your own; default: one of the same family with random weights.",
)
@click.option("--once", is_flag=True, help="Make one request, print the answer, and stop.")
@click.option(
    "--engine-python",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="The Python that has vLLM's CPU build; default: .venv-engine/bin/python.",
)
@click.option("--app", default=".", type=click.Path(path_type=Path), help="Folder with cdk.json.")
def command(
    environment: str,
    service: str,
    *,
    model_directory: Path | None,
    once: bool,
    engine_python: Path | None,
    app: Path,
) -> None:
    """Serve SERVICE of ENVIRONMENT here: the deployed words, an embedded AWS, vLLM on the CPU.

    ENVIRONMENT is a name such as dev or a file such as environments/dev.toml. Everything listens on
    127.0.0.1, and nothing is left when it ends, which Ctrl-C does.
    """
    from cdk_vllm import environment_file  # noqa: PLC0415 - `--help`
    from cdk_vllm.local.engine import find_engine  # noqa: PLC0415
    from cdk_vllm.local.service import LocalService  # noqa: PLC0415
    from cdk_vllm.planning import request_for  # noqa: PLC0415

    signal.signal(signal.SIGTERM, _interrupt)
    path = Path(environment)
    if path.suffix != ".toml":
        path = app / "environments" / f"{environment}.toml"
    loaded = environment_file.load(path)
    _check_service(loaded, service)
    engine = find_engine(engine_python, app)
    directory = Path(tempfile.mkdtemp(prefix="cdk-vllm-"))
    try:
        _check_length(directory)
        local = LocalService(
            environment=loaded,
            name=service,
            shape=request_for(loaded, service).shape,
            engine=engine,
            directory=directory,
            step=_step,
            model_directory=model_directory,
        )
        _serve(local, app, once=once)
    except RehearsalError:
        raise  # its message names a log in the directory
    except BaseException:
        shutil.rmtree(directory, ignore_errors=True)
        raise
    shutil.rmtree(directory, ignore_errors=True)


def _interrupt(_: int, __: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _check_service(environment: EnvironmentFile, service: str) -> None:
    names = list(environment.services)
    if service not in names:
        raise InputError(
            f'{environment.path} has no service "{service}"; known: {", ".join(names)}.'
            f"{nearest(service, names)}"
        )
    lora = environment.services[service].lora
    if lora is not None and lora.adapters:
        raise InputError(
            f"{environment.path}: services.{service}.lora pins {', '.join(lora.adapters)}, which "
            "fit the real model and no small one; take them out of a copy of the file and plan it"
        )


def _check_length(directory: Path) -> None:
    if len(str(directory)) > MAXIMUM_DIRECTORY_LENGTH:
        raise InputError(
            f"vLLM's sockets cannot lie as deep as {directory} (at most {MAXIMUM_DIRECTORY_LENGTH} "
            "characters); set TMPDIR to a shorter path, such as /tmp"
        )


def _serve(local: LocalService, app: Path, *, once: bool) -> None:
    from cdk_vllm.cli.rehearsed_environment import RehearsedEnvironment  # noqa: PLC0415
    from cdk_vllm.embedded_aws.rehearsal import started  # noqa: PLC0415

    begun = time.monotonic()
    directory = local.directory
    scenario = RehearsedEnvironment(local.environment, directory).scenario()
    model = local.make_model()
    with started(app.resolve(), directory, scenario, _step) as run:
        local.deploy(run, scenario.synth_arguments, model)
        with local.serving(run.aws, _show_line) as found:
            _told(found, time.monotonic() - begun)
            if once:
                click.echo(found.call.make())
            else:
                _keep(found)


def _told(found: Serving, seconds: float) -> None:
    click.echo(f"{found.call.model} is served at {found.server.url} after {seconds:.0f} s.\n")
    click.echo(f"{found.call.curl()}\n")
    click.echo(found.call.openai())


def _keep(found: Serving) -> None:
    """Wait for Ctrl-C, for vLLM's own end, or for eight hours to pass."""
    click.echo("Ctrl-C ends it.")
    end = time.monotonic() + MAXIMUM_SECONDS
    try:
        while time.monotonic() < end:
            if found.server.process.poll() is not None:
                raise RehearsalError(f"vLLM has ended by itself; its log is {found.server.log}")
            time.sleep(1)
    except KeyboardInterrupt:
        click.echo("Stopped.", err=True)


_console = Console(stderr=True, highlight=False)
_status = _console.status("")


@contextmanager
def _step(title: str) -> Iterator[None]:
    begun = time.monotonic()
    _status.update(title)
    mark = "[red]✗[/]"
    try:
        with _status:
            yield
        mark = "[green]✓[/]"
    finally:
        _console.print(f"{mark} {title}  [dim]{time.monotonic() - begun:.1f} s[/]")


def _show_line(line: str) -> None:
    """Show the last thing vLLM has said, without its date and its process."""
    said = line.rpartition("] ")[2].strip()
    _status.update(f"start vLLM on the CPU  [dim]{escape(said[:LINE_LENGTH])}[/]")
