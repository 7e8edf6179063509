"""Rows of a dashboard, told apart by a heading each."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_cloudwatch as cloudwatch

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

ROW_WIDTH = 24
HEIGHT = 6


def group(dashboard: cloudwatch.Dashboard, heading: str, *widgets: cloudwatch.IWidget) -> None:
    """Add a heading and, below it, widgets that share the row."""
    title = cloudwatch.TextWidget(markdown=f"## {heading}", width=ROW_WIDTH, height=1)
    dashboard.add_widgets(title)
    dashboard.add_widgets(*widgets)


def graph(
    title: str,
    left: Sequence[cloudwatch.IMetric],
    *,
    right: Sequence[cloudwatch.IMetric] = (),
    unit: str | None = None,
    goals: Mapping[str, float] | None = None,
    width: int = 12,
) -> cloudwatch.GraphWidget:
    """Return lines over time, from zero up, and a level one for each of `goals`, by its label."""
    return cloudwatch.GraphWidget(
        left_annotations=[
            cloudwatch.HorizontalAnnotation(label=label, value=value)
            for label, value in (goals or {}).items()
        ],
        title=title,
        left=list(left),
        right=list(right),
        left_y_axis=cloudwatch.YAxisProps(min=0, label=unit, show_units=False),
        right_y_axis=cloudwatch.YAxisProps(min=0, show_units=False),
        width=width,
        height=HEIGHT,
    )


def text(markdown: str, *, width: int = 12) -> cloudwatch.TextWidget:
    """Return words beside the graphs."""
    return cloudwatch.TextWidget(markdown=markdown, width=width, height=HEIGHT)


def percentiles(metric: cloudwatch.Metric) -> list[cloudwatch.IMetric]:
    """Return p50, p95 and p99 of a metric that has them."""
    return [metric.with_(statistic=p, label=p) for p in ("p50", "p95", "p99")]
