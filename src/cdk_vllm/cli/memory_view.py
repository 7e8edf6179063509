"""Draws one GPU's memory for people: a bar, a table of its terms, and what the cache holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from cdk_vllm.sizing.one_gpu import Answer

BAR_WIDTH = 64
TERMS = (
    ("weights", "weights_gib", "blue"),
    ("activations", "activation_gib", "yellow"),
    ("outside PyTorch", "non_torch_gib", "magenta"),
    ("CUDA graphs", "cuda_graph_gib", "red"),
    ("KV cache", "kv_cache_gib", "green"),
)


def show(found: Answer, model: str, gpu: str) -> None:
    """Print the answer to standard output."""
    console = Console(width=None if Console().is_terminal else 100)
    arguments = found.engine_args
    ranks = int(arguments["tensor_parallel_size"])
    where = gpu if ranks == 1 else f"each of {ranks} {gpu}"
    parts: list[RenderableType] = [_bar(found), Text(), _table(found), Text(), _verdict(found)]
    style = "green" if found.fits else "red"
    title = f"[bold]{model}[/] on {where}"
    console.print(Panel(Group(*parts), title=title, title_align="left", border_style=style))


def _figures(found: Answer) -> dict[str, float]:
    figures = found.to_dict()
    return {key: float(str(figures[key])) for _, key, _ in TERMS}


def _bar(found: Answer) -> Text:
    bar, drawn, reached = Text(), 0, 0.0
    figures, total = _figures(found), found.memory.total / 2**30
    for _, key, colour in TERMS:
        reached += max(figures[key], 0.0)
        end = max(drawn, round(BAR_WIDTH * min(reached / total, 1)))
        bar.append("█" * (end - drawn), style=colour)
        drawn = end
    bar.append("░" * (BAR_WIDTH - drawn), style="dim")
    bar.append(f"  {total:.1f} GiB, {found.memory.usable / 2**30:.1f} used by vLLM")
    return bar


def _table(found: Answer) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("on one GPU")
    table.add_column("GiB", justify="right")
    figures = _figures(found)
    for label, key, colour in TERMS:
        table.add_row(Text(f"■ {label}", style=colour), f"{figures[key]:.2f}")
    return table


def _verdict(found: Answer) -> Text:
    arguments, text = found.engine_args, Text()
    if not found.fits:
        text.append(f"vLLM would not start: {found.why}", style="red")
        return text
    length = int(arguments["max_model_len"])
    text.append(f"{found.memory.kv_cache_tokens:,} tokens of KV cache", style="bold green")
    text.append(
        f": {found.memory.max_concurrency:.2f} requests of {length:,} tokens at once, with "
        f"max_num_seqs {arguments['max_num_seqs']} and max_num_batched_tokens "
        f"{arguments['max_num_batched_tokens']}"
    )
    return text
