"""`cdk-vllm push`: models into the environment's store, from a hub or a directory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cdk_vllm.cli.foundation import aws_errors, model_bucket, s3_client
from cdk_vllm.cli.pin import pin
from cdk_vllm.cli.push_target import Target, targets
from cdk_vllm.cli.push_view import bars, say_pin, say_result
from cdk_vllm.errors import InputError, nearest

if TYPE_CHECKING:
    from cdk_vllm.environment_file import EnvironmentFile
    from cdk_vllm.model_store import SourceFile


@click.command("push")
@click.argument("environment", type=click.Path(path_type=Path))
@click.argument("what", required=False)
@click.option("--service", help="The service whose model this is; for a directory, or to pick one.")
@click.option("--revision", help="Branch, tag or commit; default what the environment file says.")
@click.option("--remote", is_flag=True, help="Push inside AWS, past this machine.")
@click.option("--write", is_flag=True, help="Write the commit into the environment file.")
@click.option("--follow", metavar="BUILD", help="Follow a push that --remote started before.")
def command(
    *,
    environment: Path,
    what: str | None,
    service: str | None,
    revision: str | None,
    remote: bool,
    write: bool,
    follow: str | None,
) -> None:
    """Put models into the store of ENVIRONMENT, complete or not at all.

    WHAT is a service of the environment file, a model's name on the Hugging Face hub, or a
    directory that holds a model. Without it every model of the environment file is pushed, with the
    drafts of speculative decoding.
    """
    from cdk_vllm import environment_file  # noqa: PLC0415 - the command starts fast

    loaded = environment_file.load(environment)
    with aws_errors(f"the push to {loaded.name}"):
        if follow:
            _follow(loaded, follow)
            return
        for target in targets(loaded, what, service, revision):
            commit = _push_remotely(loaded, target) if remote else push_target(loaded, target)
            if target.directory is None:
                _settle(loaded, target, commit, write=write)


def push_target(environment: EnvironmentFile, target: Target) -> str:
    """Push one model from here and return the revision under which it is stored."""
    from cdk_vllm.model_prefix import model_prefix  # noqa: PLC0415 - as above
    from cdk_vllm.model_store import Prefix, push_files  # noqa: PLC0415 - as above

    bucket = model_bucket(environment)
    revision, files = _files(target)
    place = Prefix(s3_client(environment), bucket, model_prefix(target.model, revision))
    with bars(target.model, files, is_local=target.directory is not None) as progress:
        result = push_files(place, files, model=target.model, revision=revision, progress=progress)
    say_result(result)
    return revision


def _files(target: Target) -> tuple[str, list[SourceFile]]:
    from cdk_vllm.model_store import directory_files  # noqa: PLC0415 - as above
    from cdk_vllm.model_store.hub import resolve  # noqa: PLC0415 - as above
    from cdk_vllm.model_store.hub_errors import UnknownModelError  # noqa: PLC0415 - as above

    if target.directory is not None:
        return target.revision, directory_files(target.directory)
    try:
        found = resolve(target.model, target.revision)
    except UnknownModelError as error:
        from cdk_vllm import catalog  # noqa: PLC0415 - as above

        known = {*catalog.models(), *catalog.model_configs()}
        raise InputError(f"{error}{nearest(target.model, known)}") from None
    return found.commit, found.source_files()


def _push_remotely(environment: EnvironmentFile, target: Target) -> str:
    from cdk_vllm.cli.push_remote import push_remotely  # noqa: PLC0415 - as above

    return push_remotely(environment, target)


def _follow(environment: EnvironmentFile, build_id: str) -> None:
    from cdk_vllm.cli.push_remote import follow_again  # noqa: PLC0415 - as above

    commit = follow_again(environment, build_id)
    click.echo(f'revision = "{commit}"')


def _settle(environment: EnvironmentFile, target: Target, commit: str, *, write: bool) -> None:
    if not write:
        say_pin(environment, target.services, commit)
        return
    for name in pin(environment, target.services, commit):
        click.echo(f'{environment.path}: [services.{name}] now says revision = "{commit}"')
        click.echo(f"Next: cdk-vllm plan {environment.path} --write")
