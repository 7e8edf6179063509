"""`cdk-vllm check`: whether the account has what an environment's plans need."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cdk_vllm.errors import CdkVllmError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from cdk_vllm.environment_file import EnvironmentFile, Service
    from cdk_vllm.preflight import PlannedService, Result
    from cdk_vllm.preflight.reader import Place
    from cdk_vllm.sizing import ServingPlan

STYLES = {"ok": "green", "short": "red", "not checked": "yellow"}


@click.command("check")
@click.argument("environment", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
def command(environment: Path, *, as_json: bool) -> None:
    """Ask AWS whether ENVIRONMENT can be deployed: quotas, zones, the models, the images.

    Reads with your own credentials and changes nothing. What falls short is said with the quota's
    name and the value to ask for, and ends in exit status 1.
    """
    from cdk_vllm import environment_file, plan_file  # noqa: PLC0415 - `--help` is instant

    loaded = environment_file.load(environment)
    account, results = _check(loaded, plan_file.read(loaded))
    if as_json:
        document = {
            "environment": loaded.name,
            "account": account,
            "region": loaded.region,
            "checks": [asdict(result) for result in results],
        }
        click.echo(json.dumps(document, indent=2))
    else:
        _show(f"{loaded.name}: account {account}, {loaded.region}", results)
    short = sum(result.status == "short" for result in results)
    if short:
        raise CdkVllmError(f"{short} of {len(results)} checks fall short; see the lines above")


def _check(
    environment: EnvironmentFile, plans: Mapping[str, ServingPlan]
) -> tuple[str, list[Result]]:
    import boto3  # noqa: PLC0415 - a mistake in the files is found without it
    from botocore.config import Config  # noqa: PLC0415

    from cdk_vllm.preflight import findings  # noqa: PLC0415
    from cdk_vllm.preflight.reader import caller_account, read  # noqa: PLC0415

    @cache
    def client(name: str) -> Any:
        config = Config(retries={"total_max_attempts": 3, "mode": "standard"}, connect_timeout=10)
        session: Any = boto3.session.Session(region_name=environment.region)
        return session.client(name, config=config)

    account = caller_account(client)
    if environment.account not in (None, account):
        raise CdkVllmError(
            f"the credentials are for account {account}, and {environment.path} is for "
            f"{environment.account}; choose the other credentials, for example with AWS_PROFILE"
        )
    services = [planned(environment.services[name], plan) for name, plan in plans.items()]
    return account, findings(services, read(client, services, place(environment)))


def planned(service: Service, plan: ServingPlan) -> PlannedService:
    """Return a service as the preflight sees it."""
    from cdk_vllm.preflight import PlannedService  # noqa: PLC0415
    from cdk_vllm.sizing import fallback_instance_types  # noqa: PLC0415

    on_ecs = plan.request.backend == "ecs"
    default = f"vllm/vllm-openai:v{plan.request.vllm_version}"
    return PlannedService(
        plan=plan,
        strategy=service.rollout,
        on_demand_base=service.capacity.on_demand_base,
        fallback_types=fallback_instance_types(plan)[1:] if on_ecs else (),
        image=service.image.uri or service.image.base_image or default,
    )


def place(environment: EnvironmentFile) -> Place:
    """Return where an environment is, or will be."""
    from cdk_vllm.preflight.reader import Place  # noqa: PLC0415

    network = environment.network
    return Place(
        foundation_stack=f"{environment.name}-foundation",
        own_stacks=f"{environment.name}-",
        vpc_id=network.vpc_id,
        zones=network.availability_zones,
        zones_count=network.availability_zones_count,
    )


def _show(title: str, results: Sequence[Result]) -> None:
    from rich import box  # noqa: PLC0415 - not needed for JSON
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, show_lines=False)
    for heading in ("check", "status", "finding"):
        table.add_column(heading, overflow="fold")
    for result in results:
        status = Text(result.status, style=STYLES[result.status])
        table.add_row(result.about, status, Text(result.sentence))
    Console(width=None if Console().is_terminal else 110).print(table)
