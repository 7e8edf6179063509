"""`cdk-vllm plan`: which instance holds the model, why, and what it costs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.sizing import ServingPlan

SECONDS = click.FloatRange(min=0, min_open=True)


@click.command("plan")
@click.argument("environment", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--write", is_flag=True, help="Write NAME.plan.json beside the environment file.")
@click.option(
    "--plot",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE.svg|.png",
    help="Draw where the memory goes on each candidate and what it costs.",
)
@click.option("--model", metavar="NAME|CONFIG", help="Plan one model: a known name, a config.json.")
@click.option("--backend", type=click.Choice(["ecs", "sagemaker"]), default="ecs")
@click.option("--region", default="us-east-1", show_default=True)
@click.option("--max-model-len", type=click.IntRange(1), help="The longest request, in tokens.")
@click.option("--prompt-tokens", type=click.IntRange(1), help="Typical prompt, in tokens.")
@click.option("--output-tokens", type=click.IntRange(1), help="Typical answer, in tokens.")
@click.option(
    "--concurrent-requests",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Requests at once, for each replica.",
)
@click.option(
    "--peak-concurrent-requests",
    type=click.IntRange(1),
    metavar="N",
    help="Requests at once over all replicas, whose number is then chosen.",
)
@click.option("--ttft-seconds", type=SECONDS, help="The slowest acceptable first token.")
@click.option("--tpot-seconds", type=SECONDS, help="The slowest acceptable further token.")
@click.option("--spot", is_flag=True, help="Rank by sampled spot prices, where known.")
@click.option(
    "--profile",
    metavar="NAME",
    help="development, production, debugging, conservative, balanced or aggressive.",
)
@click.option("--instance-type", help="Ask about this instance instead of the cheapest.")
@click.option("--engine", multiple=True, metavar="NAME=VALUE", help="A vLLM option, repeatable.")
@click.pass_context
def command(
    context: click.Context,
    /,
    *,
    environment: Path | None,
    as_json: bool,
    write: bool,
    plot: Path | None,
    model: str | None,
    **options: Any,
) -> None:
    """Work out the cheapest GPU instance that truly holds each model, and explain why.

    ENVIRONMENT is a name such as dev or a file such as environments/dev.toml.
    """
    if (environment is None) == (model is None):
        raise InputError(
            "plan needs either an environment file or --model; "
            "try: cdk-vllm plan environments/dev.toml"
        )
    if environment is not None:
        _refuse_given(context, options)
        plans = _plan_environment(environment, as_json=as_json, write=write)
    elif write:
        raise InputError("--write belongs to an environment file; drop it or give the file")
    else:
        plans = _plan_model(str(model), options, as_json=as_json)
    if plot is not None:
        _plot(plans, plot)


def _refuse_given(context: click.Context, options: Mapping[str, Any]) -> None:
    """An environment file says these things itself; two answers would be one too many."""
    for name in options:
        source = context.get_parameter_source(name)
        if source is click.core.ParameterSource.COMMANDLINE:
            flag = "--" + name.replace("_", "-")
            raise InputError(f"{flag} belongs to --model; write it into the environment file")


def _plan_environment(path: Path, *, as_json: bool, write: bool) -> dict[str, ServingPlan]:
    from cdk_vllm import environment_file, plan_file, planning  # noqa: PLC0415 - 0.2 s saved

    environment = environment_file.load(path)
    plans = planning.plan(environment)
    if as_json:
        click.echo(plan_file.to_json(environment, plans), nl=False)
    else:
        _show(plans)
    if write:
        written = plan_file.write(environment, plans)
        click.echo(f"Wrote {written}; commit it: synth refuses a missing or stale plan.", err=True)
    return plans


def _plan_model(model: str, options: dict[str, Any], *, as_json: bool) -> dict[str, ServingPlan]:
    from cdk_vllm.cli.plan_request import request_of  # noqa: PLC0415 - `--help` does not need it
    from cdk_vllm.sizing import choose, to_dict  # noqa: PLC0415

    plan = choose(request_of(model, options))
    plans = {plan.request.service: plan}
    if as_json:
        click.echo(json.dumps({"services": {plan.request.service: to_dict(plan)}}, indent=2))
    else:
        _show(plans)
        if options["profile"]:
            _explain(options["profile"])
    return plans


def _explain(profile: str) -> None:
    from cdk_vllm.sizing.profiles import profile_named  # noqa: PLC0415

    known = profile_named(profile)
    settings = ", ".join(f"{name} {value}" for name, value in known.engine.items())
    click.echo(f"Profile {known.name} ({settings}) {known.does}.")


def _show(plans: dict[str, ServingPlan]) -> None:
    from cdk_vllm.cli.plan_view import show  # noqa: PLC0415 - rich is not needed for JSON

    show(plans)


def _plot(plans: dict[str, ServingPlan], path: Path) -> None:
    from cdk_vllm.cli.plan_plot import draw  # noqa: PLC0415 - an extra that most do not need

    draw(plans, path)
    click.echo(f"Wrote {path}.", err=True)
