"""How a push shows itself: two bars on standard error, and what to do next on standard output."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from cdk_vllm.model_prefix import model_prefix

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from cdk_vllm.environment_file import EnvironmentFile
    from cdk_vllm.model_store import Progress, PushResult, SourceFile


@contextmanager
def bars(model: str, files: Sequence[SourceFile], *, is_local: bool) -> Iterator[Progress]:
    """Show how far a push is: what was fetched (or, of a directory, hashed) and what is stored."""
    from rich.console import Console  # noqa: PLC0415 - the command starts fast
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415 - as above

    from cdk_vllm.model_store import Progress  # noqa: PLC0415 - as above

    total = sum(file.size_bytes for file in files)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as shown:
        first = shown.add_task(f"{model} {'hash' if is_local else 'fetch'}", total=total)
        second = shown.add_task(f"{model} store", total=total)

        def on_first(count: int) -> None:
            shown.advance(first, count)

        def on_stored(count: int) -> None:
            shown.advance(second, count)

        if is_local:
            yield Progress(on_hashed=on_first, on_stored=on_stored)
        else:
            yield Progress(on_fetched=on_first, on_stored=on_stored)


def say_result(result: PushResult) -> None:
    """Say where a model lies and what had to be sent."""
    sent, kept = len(result.sent), len(result.kept)
    size = f"{result.manifest.size_bytes / 1e9:.2f} GB"
    click.echo(f"{result.uri}: {sent} files sent, {kept} kept, {size}")


def say_pin(environment: EnvironmentFile, services: Sequence[str], commit: str) -> None:
    """Say what to write into the environment file, so that the services read what was pushed."""
    for name in services:
        service = environment.services[name]
        if service.revision == commit:
            continue
        read = model_prefix(service.model, service.revision)
        click.echo(
            f'{environment.path}: [services.{name}] says revision = "{service.revision}" and would '
            f"read {read}; write the commit there (or push again with --write):"
        )
        click.echo(f'revision = "{commit}"')
