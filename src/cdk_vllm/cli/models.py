"""`cdk-vllm models`: what the environment's store holds, whether it is whole, and deleting it."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cdk_vllm.cli.foundation import aws_errors, model_bucket, s3_client
from cdk_vllm.errors import InputError, nearest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from cdk_vllm.environment_file import EnvironmentFile
    from cdk_vllm.model_store import StoredModel

_WHOLE = frozenset({"complete", "verified"})
_WIDTH = 400


@click.command("models")
@click.argument("environment", type=click.Path(path_type=Path))
@click.argument("model", required=False, metavar="[MODEL[@REVISION]]")
@click.option("--verify", is_flag=True, help="Read every file again and compare its SHA-256.")
@click.option("--delete", metavar="MODEL@REVISION", help="Delete one revision; asks first.")
@click.option("--yes", is_flag=True, help="Delete without asking.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(
    *,
    environment: Path,
    model: str | None,
    verify: bool,
    delete: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """List the models in the store of ENVIRONMENT, or only MODEL; exit 1 where --verify fails."""
    from cdk_vllm import environment_file  # noqa: PLC0415 - the command starts fast
    from cdk_vllm.model_store import stored_models  # noqa: PLC0415 - as above

    loaded = environment_file.load(environment)
    with aws_errors(f"a look into the store of {loaded.name}"):
        s3, bucket = s3_client(loaded), model_bucket(loaded)
        found = stored_models(s3, bucket)
        if delete:
            _delete(loaded, s3, bucket, _one(found, delete), is_sure=yes)
            return
        chosen = _matching(found, model)
        faults = _verified(s3, bucket, chosen) if verify else {}
    _show(loaded, bucket, chosen, faults, as_json=as_json)
    if any(faults.values()):
        sys.exit(1)


def users(environment: EnvironmentFile, stored: StoredModel) -> list[str]:
    """Return the services of the environment file that read a stored model, or draft with it."""
    from cdk_vllm.cli.push_target import draft_of  # noqa: PLC0415 - as above

    key = (stored.model, stored.revision)
    return [
        name
        for name, service in environment.services.items()
        if key in ((service.model, service.revision), draft_of(service))
    ]


def _matching(found: list[StoredModel], model: str | None) -> list[StoredModel]:
    if model is None:
        return found
    name, _, revision = model.partition("@")
    chosen = [s for s in found if s.model == name and revision in ("", s.revision)]
    if not chosen:
        raise InputError(f"the store has no {model}.{nearest(name, [s.model for s in found])}")
    return chosen


def _one(found: list[StoredModel], wanted: str) -> StoredModel:
    name, at, revision = wanted.partition("@")
    if not at or not revision:
        raise InputError(f'"{wanted}" names no revision; write --delete MODEL@REVISION')
    for stored in found:
        if (stored.model, stored.revision) == (name, revision):
            return stored
    known = [f"{stored.model}@{stored.revision}" for stored in found]
    raise InputError(f"the store has no {wanted}.{nearest(wanted, known)}")


def _delete(
    environment: EnvironmentFile,
    s3: S3Client,
    bucket: str,
    stored: StoredModel,
    *,
    is_sure: bool,
) -> None:
    from cdk_vllm.model_store import delete_model  # noqa: PLC0415 - as above

    name = f"{stored.model}@{stored.revision}"
    used = users(environment, stored)
    if used:
        raise InputError(
            f"{name} is used by {', '.join(used)} in {environment.path}; give the service another "
            "revision and deploy it first"
        )
    size = f"{len(stored.sizes)} files, {stored.size_bytes / 1e9:.2f} GB"
    if not is_sure:
        click.confirm(f"Delete {name} ({size}) from {bucket}?", abort=True)
    delete_model(s3, bucket, stored)
    click.echo(f"{name} is deleted ({size}); S3 keeps the old versions for 30 days")


def _verified(
    s3: S3Client, bucket: str, chosen: list[StoredModel]
) -> dict[tuple[str, str], list[str]]:
    """Return the faults of each model; shows a bar on standard error."""
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.progress import (  # noqa: PLC0415 - as above
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TransferSpeedColumn,
    )

    from cdk_vllm.model_store import verify  # noqa: PLC0415 - as above

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
    )
    faults = {}
    with Progress(*columns, console=Console(stderr=True)) as progress:
        for stored in chosen:
            task = progress.add_task(stored.model, total=stored.size_bytes)

            def on_bytes(count: int, task: Any = task) -> None:
                progress.advance(task, count)

            faults[stored.model, stored.revision] = verify(s3, bucket, stored, on_bytes)
    return faults


def _show(
    environment: EnvironmentFile,
    bucket: str,
    chosen: list[StoredModel],
    faults: dict[tuple[str, str], list[str]],
    *,
    as_json: bool,
) -> None:
    rows = [_row(environment, stored, faults) for stored in chosen]
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    elif not rows:
        click.echo(f"{bucket} holds no model; push one: cdk-vllm push {environment.path}")
    else:
        _print_table(rows)


def _row(
    environment: EnvironmentFile,
    stored: StoredModel,
    faults: dict[tuple[str, str], list[str]],
) -> dict[str, Any]:
    found = faults.get((stored.model, stored.revision))
    state = stored.fault or ("complete" if found is None else "verified")
    return {
        "model": stored.model,
        "revision": stored.revision,
        "size_bytes": stored.size_bytes,
        "files": len(stored.sizes),
        "pushed": stored.pushed.isoformat(timespec="seconds") if stored.pushed else None,
        "used_by": users(environment, stored),
        "state": "; ".join(found) if found else state,
    }


def _print_table(rows: list[dict[str, Any]]) -> None:
    from rich.console import Console  # noqa: PLC0415 - as above
    from rich.table import Table  # noqa: PLC0415 - as above

    table = Table(box=None, pad_edge=False)
    for heading in ("Model", "Revision", "Size", "Files", "Pushed (UTC)", "Used by", "State"):
        table.add_column(heading, no_wrap=True)
    for row in rows:
        pushed = (row["pushed"] or "-")[:16].replace("T", " ")
        table.add_row(
            row["model"],
            row["revision"],
            f"{row['size_bytes'] / 1e9:.2f} GB",
            str(row["files"]),
            pushed,
            ", ".join(row["used_by"]) or "-",
            row["state"] if row["state"] in _WHOLE else "FAULTY",
        )
    # A revision must stay whole to be copied, however narrow the terminal.
    Console(width=_WIDTH).print(table, soft_wrap=True)
    for row in rows:
        if row["state"] not in _WHOLE:
            click.echo(f"{row['model']}@{row['revision']}: {row['state']}")
