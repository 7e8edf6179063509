"""`cdk-vllm verify`: a vLLM start-up log beside the prediction, figure by figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cdk_vllm.errors import InputError, nearest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.sizing import ServingPlan
    from cdk_vllm.sizing.plan import EngineValue
    from cdk_vllm.sizing.startup_log import StartupLog

LARGEST_BYTES = 64 * 1024**2
# A log's figures, in the order of the table, with their digits.
FIGURES = {
    "weights_gib": 4,
    "activation_gib": 2,
    "non_torch_gib": 2,
    "cuda_graph_gib": 2,
    "kv_cache_gib": 2,
    "kv_cache_tokens": 0,
    "max_concurrency": 2,
}
# What decides memory, of the arguments a log gives.
DECISIVE = (
    "tensor_parallel_size", "pipeline_parallel_size", "max_model_len", "max_num_seqs",
    "max_num_batched_tokens", "gpu_memory_utilization", "kv_cache_dtype", "block_size",
    "enforce_eager", "enable_expert_parallel", "enable_prefix_caching", "kv_cache_memory_bytes",
    "enable_lora", "max_loras", "max_lora_rank", "max_cudagraph_capture_size",
)  # fmt: skip


@click.command("verify")
@click.argument("log", type=click.Path(path_type=Path))
@click.option("--plan", "plan_path", type=click.Path(path_type=Path), metavar="NAME.plan.json")
@click.option("--service", help="The plan's service, where it has several.")
@click.option(
    "--model", metavar="NAME|CONFIG", help="The model, where the log's name is not known."
)
@click.option("--gpu", help="The GPU, where no plan is given, such as L40S.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def command(
    log: Path,
    *,
    plan_path: Path | None,
    service: str | None,
    model: str | None,
    gpu: str | None,
    as_json: bool,
) -> None:
    """Read a vLLM start-up log, and set each logged figure beside the prediction.

    The prediction is a committed plan's with --plan; else it is made for the settings that the log
    itself gives, on --gpu.
    """
    from cdk_vllm.sizing.startup_log import parse_startup_log  # noqa: PLC0415 - `--help` is instant

    found = parse_startup_log(_text(log))
    if not FIGURES.keys() & found.figures.keys():
        raise InputError(
            f"{log} has none of the lines that vLLM writes while it starts, such as "
            '"Model loading took"; give the log from its first line on.'
        )
    if plan_path is not None:
        predicted = planned(_plan(plan_path, service))
    else:
        predicted = computed(found, model, gpu)
    rows = compare(found.figures, predicted)
    if as_json:
        click.echo(json.dumps({"vllm_version": found.vllm_version, "figures": rows}, indent=2))
    else:
        _show(rows, found)


def compare(
    logged: Mapping[str, float], predicted: Mapping[str, float]
) -> dict[str, dict[str, float | None]]:
    """Return each figure as logged, as predicted, and by how much the prediction is above it."""
    rows: dict[str, dict[str, float | None]] = {}
    for name in FIGURES:
        if name not in logged:
            continue
        real, guess = logged[name], predicted.get(name)
        difference = None if guess is None else round(guess - real, 4)
        relative = None if difference is None or not real else round(difference / real, 5)
        rows[name] = {
            "logged": real, "predicted": guess, "difference": difference, "relative": relative,
        }  # fmt: skip
    return rows


def planned(plan: ServingPlan) -> dict[str, float]:
    """Return a committed plan's figures under the log's names."""
    memory = plan.memory
    return {
        "weights_gib": memory.weights_gib,
        "activation_gib": memory.activation_gib,
        "non_torch_gib": memory.non_torch_gib,
        "cuda_graph_gib": memory.cuda_graphs_gib,
        "kv_cache_gib": memory.kv_cache_gib,
        "kv_cache_tokens": plan.kv_cache_tokens,
        "max_concurrency": plan.max_concurrency,
    }


def computed(log: StartupLog, model: str | None, gpu: str | None) -> dict[str, float]:
    """Return what the rules predict for the settings a log gives; raises `InputError`."""
    from cdk_vllm.sizing.config_file import shape_of  # noqa: PLC0415
    from cdk_vllm.sizing.one_gpu import answer, gpu_named  # noqa: PLC0415

    name = model or log.model
    if name is None:
        raise InputError("The log does not name its model; give --model, or a plan with --plan.")
    if gpu is None:
        raise InputError("A log does not name its GPU; give --gpu, or a plan with --plan.")
    device = gpu_named(gpu, log.figures.get("total_gib"))
    version = (log.vllm_version or "0.33.0").lstrip("v")
    found = answer(shape_of(name), device, settings(log), version).to_dict()
    return {key: value for key, value in found.items() if isinstance(value, int | float)}


def settings(log: StartupLog) -> dict[str, EngineValue]:
    """Return the log's own settings under vLLM's names."""
    chosen: dict[str, EngineValue] = {}
    for name in DECISIVE:
        if name in log.arguments:
            chosen[name] = log.arguments[name]
        elif name in log.figures:
            figure = log.figures[name]
            chosen[name] = figure if name == "gpu_memory_utilization" else int(figure)
    return chosen


def _text(path: Path) -> str:
    if not path.is_file():
        raise InputError(f"{path} does not exist or is no file; give a vLLM start-up log.")
    with path.open("rb") as file:
        return file.read(LARGEST_BYTES).decode("utf-8", errors="replace")


def _plan(path: Path, service: str | None) -> ServingPlan:
    from cdk_vllm.sizing import ServingPlan, from_dict  # noqa: PLC0415

    try:
        services: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))["services"]
        names = list(services)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} is not a plan file: {error!r}") from None
    if service is None and len(names) != 1:
        raise InputError(f"{path} plans {', '.join(names)}; choose one with --service.")
    chosen = service or names[0]
    if chosen not in services:
        raise InputError(f'{path} has no service "{chosen}".{nearest(chosen, names)}')
    try:
        return from_dict(ServingPlan, services[chosen])
    except ValueError as error:
        raise InputError(f"{path} is not a plan file: {error}") from None


def _show(rows: Mapping[str, Mapping[str, float | None]], log: StartupLog) -> None:
    from rich.console import Console  # noqa: PLC0415 - not needed for JSON
    from rich.table import Table  # noqa: PLC0415

    table = Table("figure", title=f"vLLM {log.vllm_version or 'of unknown version'}")
    for heading in ("logged", "predicted", "difference"):
        table.add_column(heading, justify="right")
    for name, row in rows.items():
        digits, label = FIGURES[name], name.replace("_gib", " (GiB)").replace("_", " ")
        cells = ["-" if row[key] is None else f"{row[key]:,.{digits}f}" for key in
                 ("logged", "predicted")]  # fmt: skip
        relative = row["relative"]
        table.add_row(label, *cells, "-" if relative is None else f"{100 * relative:+.2f} %")
    Console().print(table)
