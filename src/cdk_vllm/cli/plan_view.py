"""Draws plans for people: one panel a service, its GPU memory as a bar, its rivals as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cdk_vllm.sizing import components

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import RenderableType

    from cdk_vllm.sizing import (
        Alternative,
        MemoryPerGpu,
        Peak,
        Rejection,
        SecondsRange,
        ServingPlan,
    )

BAR_WIDTH = 64
SEGMENTS = (
    ("weights", "weights_gib", "blue"),
    ("activation", "activation_gib", "yellow"),
    ("non-torch", "non_torch_gib", "magenta"),
    ("CUDA graphs", "cuda_graphs_gib", "red"),
    ("KV cache", "kv_cache_gib", "green"),
)
SHOWN_ALTERNATIVES = 3


def show(plans: Mapping[str, ServingPlan]) -> None:
    """Print every plan to standard output, with one total at the end."""
    console = Console(width=None if Console().is_terminal else 110)
    for name, plan in plans.items():
        console.print(_panel(name, plan))
    if len(plans) > 1:
        console.print(_total(plans))


def _panel(name: str, plan: ServingPlan) -> Panel:
    parts: list[RenderableType] = [_headline(plan), Text(), _facts(plan), Text()]
    parts += [_memory_bar(plan.memory), _memory_legend(plan.memory), Text()]
    parts.append(_rivals(plan))
    title = f"[bold]{name}[/]  {plan.request.model} on {_backend(plan)}, {plan.request.region}"
    return Panel(Group(*parts), title=title, title_align="left", border_style="cyan")


def _backend(plan: ServingPlan) -> str:
    return "ECS" if plan.request.backend == "ecs" else "SageMaker"


def _headline(plan: ServingPlan) -> Text:
    gpus = f"{plan.gpus} x {plan.gpu}" if plan.gpus > 1 else plan.gpu
    text = Text()
    text.append(plan.instance_type, style="bold green")
    text.append(f"  {gpus}, tensor parallel {plan.tensor_parallel_size}")
    if plan.replicas_per_instance > 1:
        text.append(f", {plan.replicas_per_instance} replicas on an instance")
    text.append("  ")
    text.append(_price(plan), style="bold")
    return text


def _price(plan: ServingPlan) -> str:
    if plan.usd_per_hour is None or plan.usd_per_month is None:
        return f"price unknown: {plan.price_source.reason}"
    low, high = (plan.usd_per_month * n for n in _replicas(plan))
    months = f"{low:,.0f}" if low == high else f"{low:,.0f} to {high:,.0f}"
    return f"{plan.usd_per_hour:.3f} USD an hour a replica, {months} USD a month"


def _replicas(plan: ServingPlan) -> tuple[int, int]:
    if plan.peak is not None:
        return plan.peak.replicas, plan.peak.replicas
    return plan.request.min_replicas, plan.request.max_replicas


def _facts(plan: ServingPlan) -> Table:
    load, table = plan.request.workload, Table.grid(padding=(0, 2))
    at_once = plan.peak.concurrent_requests_per_replica if plan.peak else load.concurrent_requests
    source = plan.price_source
    low, high = _replicas(plan)
    rows = (
        ("asked for", f"{_count(at_once, 'request')} at once of {load.prompt_tokens:,} + "
                      f"{load.output_tokens:,} tokens, the longest {load.max_model_len:,}"),
        ("holds", f"{plan.kv_cache_tokens:,} tokens of KV cache: {plan.typical_concurrency:.1f} "
                  f"typical requests, {plan.max_concurrency:.1f} of the longest"),
        ("replicas", f"{low} to {high}" if low != high else f"{low}"),
        ("starts in", f"about {plan.startup_seconds} s (predicted, with margin); {_load(plan)}"),
        ("answers", _speed(plan)),
        ("price", f"{source.basis}, as of {source.as_of}"
                  + (f"; ranked by {source.ranked_by_region}"
                     if source.ranked_by_region != plan.request.region else "")
                  + _rates(plan)),
    )  # fmt: skip
    for label, value in rows:
        table.add_row(Text(label, style="dim"), value)
    if plan.peak is not None:
        table.add_row(Text("peak", style="dim"), _peak(plan, plan.peak))
    if _is_a_share(plan):
        table.add_row(Text("shared", style="dim"), _share(plan))
    return table


def _is_a_share(plan: ServingPlan) -> bool:
    return plan.request.backend == "sagemaker" and components.copies_per_instance(plan) > 1


def _share(plan: ServingPlan) -> str:
    """What the same model costs as an inference component, beside others on the instance."""
    price = components.usd_per_hour(plan)
    cost = f", {price:.3f} USD an hour each" if price is not None else ""
    return f"{components.copies_per_instance(plan)} copies on an instance, as components{cost}"


def _speed(plan: ServingPlan) -> str:
    """The ranges at the planned concurrency, and what they rest on."""
    tpot, ttft = plan.tpot_seconds, plan.ttft_seconds
    if tpot is None or ttft is None:
        return "nobody has published this GPU's memory bandwidth"
    return (
        f"first token in {_span(ttft)}, then one every {_span(tpot)}; "
        f"{plan.output_tokens_per_second:,.0f} tokens/s a replica ({plan.speed_basis})"
    )


def _span(seconds: SecondsRange) -> str:
    unit, scale = ("ms", 1000) if seconds.high < 1 else ("s", 1)
    return f"{scale * seconds.low:.3g} to {scale * seconds.high:.3g} {unit}"


def _rates(plan: ServingPlan) -> str:
    text = ""
    if plan.usd_per_million_output_tokens is not None:
        text += f"; {plan.usd_per_million_output_tokens:.3g} USD a million output tokens"
    if plan.spot_usd_per_hour is not None:
        text += f"; spot {plan.spot_usd_per_hour:.3f} ({plan.spot_as_of})"
    return text


def _peak(plan: ServingPlan, peak: Peak) -> str:
    price = "price unknown" if peak.usd_per_hour is None else (
        f"{peak.usd_per_hour:.3f} USD an hour, {peak.usd_per_month:,.0f} a month"
    )  # fmt: skip
    return (
        f"{plan.request.peak_concurrent_requests} requests at once on "
        f"{_count(peak.replicas, 'replica')} of {peak.concurrent_requests_per_replica}, on "
        f"{_count(peak.instances, 'instance')}: {price}"
    )


def _memory_bar(memory: MemoryPerGpu) -> Text:
    bar, drawn = Text(), 0
    reached = 0.0
    for _, attribute, colour in SEGMENTS:
        reached += getattr(memory, attribute)
        end = round(BAR_WIDTH * min(reached / memory.total_gib, 1))
        bar.append("█" * (end - drawn), style=colour)
        drawn = end
    bar.append("░" * (BAR_WIDTH - drawn), style="dim")
    bar.append(f"  {memory.total_gib:.1f} GiB a GPU, {memory.usable_gib:.1f} used by vLLM")
    return bar


def _memory_legend(memory: MemoryPerGpu) -> Text:
    legend = Text()
    for label, attribute, colour in SEGMENTS:
        legend.append("■ ", style=colour)
        legend.append(f"{label} {getattr(memory, attribute):.2f}  ")
    legend.append(f"({memory.kv_cache_needed_gib:.2f} needed)", style="dim")
    return legend


def _rivals(plan: ServingPlan) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, expand=True)
    table.add_column("cheaper", max_width=30)
    table.add_column("USD/h", justify="right")
    table.add_column("why not", ratio=1)
    # One GPU in several sizes fails for one reason; told once, it is read once.
    reasons: dict[str, list[Rejection]] = {}
    for rejected in plan.rejected:
        reasons.setdefault(rejected.reason, []).append(rejected)
    for reason, group in reasons.items():
        names = ", ".join(rejected.instance_type for rejected in group)
        usd = _shown(plan, group[0])
        price = "-" if usd is None else f"{usd:.3f}"
        table.add_row(Text(names, style="red"), price, reason)
    for other in plan.alternatives[:SHOWN_ALTERNATIVES]:
        count = f" on {_count(other.replicas, 'replica')}" if plan.peak else ""
        holds = f"fits too{count}, for more: {other.kv_cache_tokens:,} tokens of KV cache"
        price = f"{_shown(plan, other):.3f}"
        table.add_row(Text(other.instance_type, style="green"), price, holds)
    return table


def _shown(plan: ServingPlan, rival: Alternative | Rejection) -> float | None:
    """The price that ranked a rival by spot; else its own region's, where that is known."""
    by_spot = plan.request.spot or rival.usd_per_hour is None
    return rival.ranked_usd_per_hour if by_spot else rival.usd_per_hour


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _total(plans: Mapping[str, ServingPlan]) -> Text:
    monthly = [plan.usd_per_month for plan in plans.values()]
    if any(usd is None for usd in monthly):
        return Text("Total: unknown, because a price is.", style="bold")
    low = sum(p.request.min_replicas * (p.usd_per_month or 0) for p in plans.values())
    high = sum(p.request.max_replicas * (p.usd_per_month or 0) for p in plans.values())
    return Text(f"Total on demand: {low:,.0f} to {high:,.0f} USD a month.", style="bold")


def _load(plan: ServingPlan) -> str:
    if plan.request.backend == "sagemaker":
        return f"weights are copied to its disk in {plan.load_seconds:.0f} s"
    way = "stream from S3" if plan.load == "stream" else "come from S3 over the instance's disk"
    return f"weights {way} in {plan.load_seconds:.0f} s"
