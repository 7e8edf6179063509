"""`cdk-vllm push-adapter`: a LoRA adapter into the store, once it is known to fit its base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cdk_vllm.cli.foundation import aws_errors, model_bucket, s3_client
from cdk_vllm.errors import InputError, nearest

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from cdk_vllm.environment_file import EnvironmentFile, Service
    from cdk_vllm.model_store.adapter import Adapter


@click.command("push-adapter")
@click.argument("environment", type=click.Path(path_type=Path))
@click.argument("service")
@click.argument("name")
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--write", is_flag=True, help="Pin the version in the environment file.")
def command(*, environment: Path, service: str, name: str, directory: Path, write: bool) -> None:
    """Check the LoRA adapter in DIRECTORY against SERVICE's model and store it under NAME.

    In static mode its version has to be pinned in the environment file, and is printed for that. In
    dynamic mode it is registered, and served within a minute as model NAME.
    """
    from cdk_vllm import environment_file, planning  # noqa: PLC0415 - the command starts fast
    from cdk_vllm.model_store.adapter import check_name, read_adapter  # noqa: PLC0415 - as above

    loaded = environment_file.load(environment)
    served = _service(loaded, service)
    check_name(name)
    base = planning.request_for(loaded, service).shape
    adapter = read_adapter(directory, base, _reserved(served))
    _warn_of_another_base(served, adapter)
    with aws_errors(f"the push to {loaded.name}"):
        s3, bucket = s3_client(loaded), model_bucket(loaded)
        if _is_dynamic(served):
            _register(s3, bucket, service, name, adapter)
        else:
            _store(s3, bucket, service, name, adapter)
            _say_pin(loaded, service, name, adapter, write=write)


def _service(environment: EnvironmentFile, name: str) -> Service:
    if name not in environment.services:
        known = ", ".join(environment.services)
        hint = nearest(name, environment.services)
        raise InputError(f'{environment.path} has no service "{name}"; known: {known}.{hint}')
    service = environment.services[name]
    if service.backend != "ecs":
        raise InputError(
            f'{name} has backend = "{service.backend}"; adapters are served by backend ecs only'
        )
    return service


def _is_dynamic(service: Service) -> bool:
    return service.lora is not None and service.lora.mode == "dynamic"


def _reserved(service: Service) -> int | None:
    if service.lora is not None:
        return service.lora.max_lora_rank
    given = service.engine.get("max_lora_rank")
    return int(given) if given else None


def _warn_of_another_base(service: Service, adapter: Adapter) -> None:
    trained_on = adapter.config.base_model
    if trained_on and trained_on != service.model:
        click.echo(
            f"Note: the adapter says it was trained on {trained_on}, the service serves "
            f"{service.model}; its modules fit.",
            err=True,
        )


def _store(s3: S3Client, bucket: str, service: str, name: str, adapter: Adapter) -> None:
    from cdk_vllm.model_prefix import adapter_prefix  # noqa: PLC0415 - as above
    from cdk_vllm.model_store import Prefix, push_files  # noqa: PLC0415 - as above
    from cdk_vllm.model_store.source import local_file  # noqa: PLC0415 - as above

    version = adapter.version
    place = Prefix(s3, bucket, adapter_prefix(service, name, version))
    files = [local_file(path) for path in adapter.files]
    result = push_files(place, files, model=name, revision=version)
    rank = adapter.config.largest_rank
    click.echo(
        f"{result.uri}: {len(result.sent)} files sent, {len(result.kept)} kept, "
        f"rank {rank}, {adapter.tensors} tensors"
    )


def _register(s3: S3Client, bucket: str, service: str, name: str, adapter: Adapter) -> None:
    """Store and register; a name stands for one content for ever, as servers keep it loaded."""
    from cdk_vllm.model_prefix import ADAPTERS  # noqa: PLC0415 - as above
    from cdk_vllm.model_store import Prefix  # noqa: PLC0415 - as above
    from cdk_vllm.model_store.adapter import REGISTRATION_NAME  # noqa: PLC0415 - as above

    place = Prefix(s3, bucket, f"{ADAPTERS}{service}/{name}/")
    before = place.text(REGISTRATION_NAME)
    registered = json.loads(before)["version"] if before else None
    if registered not in (None, adapter.version):
        raise InputError(
            f'"{name}" is registered with other content (version {registered}), which servers may '
            f"hold in memory; push this one under a new name, such as {name}-2"
        )
    _store(s3, bucket, service, name, adapter)
    if registered is None:
        place.put_text(REGISTRATION_NAME, json.dumps({"version": adapter.version}) + "\n")
    click.echo(f'Registered: {service} serves it within a minute as model "{name}"')


def _say_pin(
    environment: EnvironmentFile, service: str, name: str, adapter: Adapter, *, write: bool
) -> None:
    from cdk_vllm.sizing.adapters import RANKS  # noqa: PLC0415 - as above

    lora, version = environment.services[service].lora, adapter.version
    rank = next(rank for rank in RANKS if rank >= adapter.config.largest_rank)
    if lora is not None and lora.adapters.get(name) == version:
        return
    if write:
        _pin(environment, service, name, version, rank)
        where = f"{environment.path}: [services.{service}.lora.adapters]"
        click.echo(f'{where} now has {_key(name)} = "{version}"')
        click.echo(f"Next: cdk-vllm plan {environment.path} --write")
        return
    click.echo(f"Write into {environment.path} (or push again with --write):")
    if lora is None:
        click.echo(f"[services.{service}.lora]\nmax_lora_rank = {rank}")
    click.echo(f'[services.{service}.lora.adapters]\n{_key(name)} = "{version}"')


def _pin(environment: EnvironmentFile, service: str, name: str, version: str, rank: int) -> None:
    import tomlkit  # noqa: PLC0415 - as above

    document: Any = tomlkit.parse(environment.path.read_text(encoding="utf-8"))
    table = document["services"][service]
    if "lora" not in table:
        table["lora"] = tomlkit.table()
        table["lora"]["max_lora_rank"] = rank
    if "adapters" not in table["lora"]:
        table["lora"]["adapters"] = tomlkit.table()
    table["lora"]["adapters"][name] = version
    environment.path.write_text(tomlkit.dumps(document), encoding="utf-8")


def _key(name: str) -> str:
    """Return a name as a TOML key: bare where it may be, as a dot would begin another table."""
    return f'"{name}"' if "." in name else name
