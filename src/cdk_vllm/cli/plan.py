"""`cdk-vllm plan`: which instance holds the model, why, and what it costs."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from cdk_vllm.sizing import ServingPlan, ServingRequest

DEFAULT_MAX_MODEL_LEN = 16384


@click.command("plan")
@click.argument("environment", required=False, type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print the plan as JSON.")
@click.option("--write", is_flag=True, help="Write NAME.plan.json beside the environment file.")
@click.option("--model", help="Plan one model without an environment file.")
@click.option("--backend", type=click.Choice(["ecs", "sagemaker"]), default="ecs")
@click.option("--region", default="us-east-1", show_default=True)
@click.option("--max-model-len", type=click.IntRange(1), help="The longest request, in tokens.")
@click.option("--prompt-tokens", type=click.IntRange(1), help="Typical prompt, in tokens.")
@click.option("--output-tokens", type=click.IntRange(1), help="Typical answer, in tokens.")
@click.option("--concurrent-requests", type=click.IntRange(1), default=1, show_default=True)
@click.option("--instance-type", help="Ask about this instance instead of the cheapest.")
@click.option("--engine", multiple=True, metavar="NAME=VALUE", help="A vLLM option, repeatable.")
def command(
    environment: Path | None, as_json: bool, write: bool, model: str | None, **options: Any
) -> None:
    """Work out the cheapest GPU instance that truly holds each model, and explain why.

    ENVIRONMENT is an environment file such as environments/dev.toml.
    """
    if (environment is None) == (model is None):
        raise InputError(
            "plan needs either an environment file or --model; "
            "try: cdk-vllm plan environments/dev.toml"
        )
    if environment is not None:
        _plan_environment(environment, as_json=as_json, write=write)
    elif write:
        raise InputError("--write belongs to an environment file; drop it or give the file")
    else:
        _plan_model(str(model), options, as_json=as_json)


def _plan_environment(path: Path, *, as_json: bool, write: bool) -> None:
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


def _plan_model(model: str, options: dict[str, Any], *, as_json: bool) -> None:
    from cdk_vllm.sizing import choose, to_dict  # noqa: PLC0415 - `--help` does not need it

    plan = choose(_request(model, options))
    if as_json:
        click.echo(json.dumps({"services": {plan.request.service: to_dict(plan)}}, indent=2))
    else:
        _show({plan.request.service: plan})


def _request(model: str, options: dict[str, Any]) -> ServingRequest:
    from cdk_vllm.catalog import regions  # noqa: PLC0415
    from cdk_vllm.errors import nearest  # noqa: PLC0415
    from cdk_vllm.sizing import ServingRequest, Workload, model_shape  # noqa: PLC0415

    if options["region"] not in regions():
        hint = nearest(options["region"], regions())
        raise InputError(f'--region is "{options["region"]}", which is not an AWS region.{hint}')
    shape = model_shape(model)
    longest = options["max_model_len"] or min(DEFAULT_MAX_MODEL_LEN, shape.max_position_embeddings)
    output = options["output_tokens"] or 1
    prompt = options["prompt_tokens"] or max(longest - output, 1)
    if prompt + output > longest:
        raise InputError(
            f"--prompt-tokens plus --output-tokens is {prompt + output}, above --max-model-len "
            f"{longest}; raise --max-model-len"
        )
    backend: Literal["ecs", "sagemaker"] = options["backend"]
    request = ServingRequest(
        service="model",
        backend=backend,
        region=options["region"],
        model=model,
        revision="main",
        shape=shape,
        workload=Workload(
            max_model_len=longest,
            prompt_tokens=prompt,
            output_tokens=output,
            concurrent_requests=options["concurrent_requests"],
        ),
        instance_type=options["instance_type"],
    )
    return replace(request, engine=dict(_engine_option(text) for text in options["engine"]))


def _engine_option(text: str) -> tuple[str, str | int | float | bool]:
    name, separator, value = text.partition("=")
    if not separator:
        raise InputError(f'--engine is "{text}"; give NAME=VALUE, such as max_num_seqs=64')
    try:
        parsed = json.loads(value)
    except ValueError:
        parsed = value
    known = isinstance(parsed, str | int | float | bool)
    return name.replace("-", "_"), parsed if known else value


def _show(plans: dict[str, ServingPlan]) -> None:
    from cdk_vllm.cli.plan_view import show  # noqa: PLC0415 - rich is not needed for JSON

    show(plans)
