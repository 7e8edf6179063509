"""Draws what a rehearsal found: a table of stacks, the checks, what was only recorded, and why."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdk_vllm.embedded_aws.recorded import recorded_types

if TYPE_CHECKING:
    from cdk_vllm.embedded_aws.report import RehearsalReport


def to_json(report: RehearsalReport) -> str:
    """Return the report as JSON: stacks with counts and resources, checks, seconds."""
    stacks = {
        stack.stack_name: {
            "served": stack.served,
            "recorded": stack.recorded,
            "skipped": stack.skipped,
            "resources": [asdict(resource) for resource in stack.resources],
        }
        for stack in report.stacks
    }
    checks = [asdict(check) for check in report.checks]
    document = {
        "passed": report.passed,
        "seconds": round(report.seconds, 1),
        "stacks": stacks,
        "checks": checks,
    }
    return json.dumps(document, indent=2)


def show(report: RehearsalReport) -> None:
    """Print the report to standard output."""
    console = Console(width=None if Console().is_terminal else 110, highlight=False)
    console.print(_stacks(report))
    for check in report.checks:
        mark = Text("✓ ", style="green") if check.passed else Text("✗ ", style="red")
        text = mark + Text(check.name) + Text(f"  {check.detail}", style="dim")
        console.print(text, overflow="ellipsis", no_wrap=check.passed)
    for resource_type, reason in _recorded(report).items():
        console.print(Text(f"recorded: {resource_type}: {reason}", style="dim"))
    for failure in report.failures:
        console.print(Text(f"fault: {failure}", style="red"))
    console.print(_verdict(report))


def _stacks(report: RehearsalReport) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column("stack")
    for name in ("served", "recorded", "skipped", "properties compared"):
        table.add_column(name, justify="right")
    for stack in report.stacks:
        compared = sum(resource.properties_checked for resource in stack.resources)
        style = "red" if stack.skipped else ""
        counts = (stack.served, stack.recorded, stack.skipped, compared)
        table.add_row(stack.stack_name, *(str(count) for count in counts), style=style)
    return table


def _recorded(report: RehearsalReport) -> dict[str, str]:
    met = {r.resource_type for s in report.stacks for r in s.resources if r.outcome == "recorded"}
    reasons = recorded_types()
    default = reasons.get("Custom::*", "")
    return {name: reasons.get(name, default) for name in sorted(met)}


def _verdict(report: RehearsalReport) -> Text:
    served = sum(stack.served for stack in report.stacks)
    recorded = sum(stack.recorded for stack in report.stacks)
    skipped = sum(stack.skipped for stack in report.stacks)
    passed = sum(check.passed for check in report.checks)
    text = (
        f"{served} served, {recorded} recorded, {skipped} skipped; "
        f"{passed} of {len(report.checks)} checks passed; {report.seconds:.0f} s"
    )
    return Text(text, style="bold green" if report.passed else "bold red")
