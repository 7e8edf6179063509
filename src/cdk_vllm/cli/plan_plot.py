"""Draws a plan's candidates: where one GPU's memory goes on each, and what a replica costs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.answer import has_price
from cdk_vllm.sizing.choose import considered_for
from cdk_vllm.sizing.units import GIB

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from cdk_vllm.sizing import Candidate, ServingPlan

# Colours that stay apart for colour-blind readers (Okabe and Ito).
TERMS = (
    ("weights", "weights", "#0072B2"),
    ("activation", "activation", "#E69F00"),
    ("non-torch", "non_torch", "#CC79A7"),
    ("CUDA graphs", "cuda_graphs", "#D55E00"),
)
NEEDED, SPARE, OUTSIDE = "#009E73", "#A8DCC9", "#E4E4E4"
CHOSEN, FITS, REFUSED = "#009E73", "#7FB7A3", "#BBBBBB"
ROWS = 16


def draw(plans: Mapping[str, ServingPlan], path: Path) -> None:
    """Write the picture of all plans to an .svg or .png file; raises `InputError`."""
    if path.suffix not in (".svg", ".png"):
        raise InputError(f"--plot is {path}; it must end in .svg or .png")
    try:
        import matplotlib as mpl  # noqa: PLC0415 - an extra
        from matplotlib.figure import Figure  # noqa: PLC0415
    except ImportError:
        raise InputError(
            "--plot needs matplotlib; install it with: pip install 'cdk-vllm[plot]'"
        ) from None
    rows = {name: _rows(plan) for name, plan in plans.items()}
    height = sum(1.7 + 0.36 * len(found) for found in rows.values())
    figure = Figure(figsize=(13, height), layout="constrained")
    subfigures = figure.subfigures(
        len(plans), 1, squeeze=False, height_ratios=[4.5 + len(found) for found in rows.values()]
    )
    for index, (name, plan) in enumerate(plans.items()):
        _draw_plan(subfigures[index][0], name, plan, rows[name])
    # The same plan gives the same bytes: no date, no random ids.
    with mpl.rc_context({"svg.hashsalt": "cdk-vllm", "svg.fonttype": "none"}):
        metadata = {"Date": None} if path.suffix == ".svg" else {"Software": None}
        figure.savefig(path, dpi=110, metadata=metadata)


def _rows(plan: ServingPlan) -> list[Candidate]:
    """The cheapest instance for each GPU and tensor parallel size, and always the chosen one."""
    shown: dict[tuple[str, int], Candidate] = {}
    priced = sorted(considered_for(plan.request), key=lambda c: not has_price(c))
    for candidate in priced:
        chosen = candidate.instance_type == plan.instance_type
        key = (candidate.gpu.name, candidate.tensor_parallel_size)
        if chosen or key not in shown:
            shown[key] = candidate
    return list(shown.values())[:ROWS]


def _draw_plan(area: Figure, name: str, plan: ServingPlan, rows: list[Candidate]) -> None:
    load = plan.request.workload
    area.suptitle(
        f"{name}: {plan.request.model} on {plan.request.backend}, {plan.request.region}; "
        f"{load.concurrent_requests} at once, {load.prompt_tokens:,} + {load.output_tokens:,} "
        f"tokens, the longest {load.max_model_len:,}",
        fontsize=11,
        fontweight="bold",
    )
    memory, price = area.subplots(1, 2, sharey=True, width_ratios=[3, 1])
    places = list(range(len(rows)))
    _draw_memory(memory, rows)
    _draw_prices(price, plan, rows)
    memory.set_yticks(places, [_label(candidate) for candidate in rows])
    for tick, candidate in zip(memory.get_yticklabels(), rows, strict=True):
        tick.set_fontweight("bold" if candidate.instance_type == plan.instance_type else "normal")
        tick.set_color("black" if candidate.reason is None else "#777777")
    memory.invert_yaxis()
    for axes in (memory, price):
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(axis="x", color="#DDDDDD", linewidth=0.6)
        axes.set_axisbelow(True)


def _label(candidate: Candidate) -> str:
    ranks = candidate.tensor_parallel_size
    gpus = candidate.gpu.name if ranks == 1 else f"{ranks} x {candidate.gpu.name}"
    return f"{candidate.instance_type}  {gpus}"


def _draw_memory(axes: Axes, rows: list[Candidate]) -> None:
    """One bar a candidate: the terms, the KV cache needed and spare, and the GPU's outline."""
    for place, candidate in enumerate(rows):
        memory, start = candidate.memory, 0.0
        for _, attribute, colour in TERMS:
            width = getattr(memory, attribute) / GIB
            axes.barh(place, width, left=start, color=colour, height=0.62)
            start += width
        needed, left = memory.kv_cache_needed / GIB, max(0.0, memory.kv_cache / GIB)
        fits = memory.kv_cache >= memory.kv_cache_needed
        axes.barh(
            place, needed, left=start, height=0.62,
            color=NEEDED if fits else "none",
            edgecolor=NEEDED, hatch=None if fits else "////", linewidth=0 if fits else 0.8,
        )  # fmt: skip
        if left > needed:
            axes.barh(place, left - needed, left=start + needed, color=SPARE, height=0.62)
        axes.barh(
            place, (memory.total - memory.usable) / GIB, left=memory.usable / GIB,
            color=OUTSIDE if fits else "none", height=0.62,
        )  # fmt: skip
        axes.barh(
            place, memory.total / GIB, color="none", edgecolor="black", height=0.78, linewidth=1.0
        )
    axes.set_xlabel("GiB on one GPU (outlined: what the GPU has)")
    _legend(axes)


def _legend(axes: Axes) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 - an extra

    handles = [Patch(color=colour, label=label) for label, _, colour in TERMS]
    handles += [
        Patch(color=NEEDED, label="KV cache needed"),
        Patch(facecolor="none", edgecolor=NEEDED, hatch="////", label="KV cache lacking room"),
        Patch(color=SPARE, label="KV cache to spare"),
        Patch(color=OUTSIDE, label="outside vLLM's share"),
    ]
    axes.legend(
        handles=handles, ncols=4, fontsize=8, frameon=False, loc="lower left",
        bbox_to_anchor=(0, 1.0),
    )  # fmt: skip


def _draw_prices(axes: Axes, plan: ServingPlan, rows: list[Candidate]) -> None:
    """Bars on a logarithmic scale: a hundred dollars an hour must not hide one."""
    known = [usd for c in rows if (usd := c.price.ranked_usd_per_hour)] or [1.0]
    start = min(known) / 2
    for place, candidate in enumerate(rows):
        usd = candidate.price.ranked_usd_per_hour
        colour, verdict = FITS, ""
        if candidate.reason is not None:
            colour, verdict = REFUSED, ", refused"
        if candidate.instance_type == plan.instance_type:
            colour, verdict = CHOSEN, ", chosen"
        axes.barh(place, (usd or start) - start, left=start, color=colour, height=0.62)
        note = "price unknown" if usd is None else f"{usd:.2f}"
        axes.text((usd or start) * 1.08, place, note + verdict, va="center", fontsize=8)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set_xlim(start, max(known) * 12)
    kind = "spot where known" if plan.request.spot else "on demand"
    axes.set_xlabel(f"USD an hour a replica, {kind}")
