"""The dashboards: what is on them, that somebody publishes it, and that it draws something."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk.assertions import Template

from cdk_vllm.catalog.metrics import unknown_series
from cdk_vllm.checks.metric_names import DIMENSIONS, NAMES
from cdk_vllm.constructs import (
    AlarmTopics,
    Collector,
    EcsAlarms,
    EcsDashboard,
    EnvironmentDashboard,
    SageMakerAlarms,
    SageMakerDashboard,
)
from cdk_vllm.constructs.engine_metrics import COUNTERS, GAUGES, HISTOGRAMS
from cdk_vllm.constructs.host_agent import agent_configuration
from tests.cdk_vllm.constructs import test_ecs_service, test_sagemaker_endpoint
from tests.recorded.cloudwatch import math, published

if TYPE_CHECKING:
    from collections.abc import Iterator

    import aws_cdk as cdk

    from cdk_vllm.sizing import ServingPlan

Body = dict[str, Any]
GROUPS = [
    "Alarms",
    "Traffic and errors",
    "Latency",
    "Requests running and waiting",
    "KV cache and preemptions",
    "Tokens and money",
    "GPUs and hosts",
    "Replicas",
]
PUBLISHED = {"vLLM": {*GAUGES, *COUNTERS, *HISTOGRAMS}} | {k: set(v) for k, v in NAMES.items()}


@pytest.fixture
def ecs(stack: cdk.Stack, ecs_plan: ServingPlan) -> Body:
    service = test_ecs_service.make(stack, ecs_plan)
    collector = Collector(stack, "Collector", name="dev-chat")
    topics = AlarmTopics(stack, "Topics")
    alarms = EcsAlarms(stack, "Alarms", service=service, topics=topics, collector=collector)
    EcsDashboard(stack, "Dashboard", service=service, collector=collector, alarms=alarms)
    return body(stack)


@pytest.fixture
def sagemaker(stack: cdk.Stack, sagemaker_plan: ServingPlan) -> Body:
    endpoint = test_sagemaker_endpoint.make(stack, sagemaker_plan)
    topics = AlarmTopics(stack, "Topics")
    alarms = SageMakerAlarms(stack, "Alarms", endpoint=endpoint, topics=topics)
    SageMakerDashboard(stack, "Dashboard", endpoint=endpoint, alarms=alarms)
    return body(stack)


@pytest.fixture
def environment(stack: cdk.Stack) -> Body:
    EnvironmentDashboard(
        stack, "Dashboard", stacks=["dev-chat", "dev-images"], collected=["dev-chat"]
    )
    return body(stack)


def body(stack: cdk.Stack) -> Body:
    """Return the stack's dashboard; what CloudFormation fills in is `x`."""
    (found,) = Template.from_stack(stack).find_resources("AWS::CloudWatch::Dashboard").values()
    text = found["Properties"]["DashboardBody"]
    if not isinstance(text, str):
        text = "".join(part if isinstance(part, str) else "x" for part in text["Fn::Join"][1])
    made: Body = json.loads(text)
    return made


def headings(dashboard: Body) -> list[str]:
    found = [w["properties"].get("markdown", "") for w in dashboard["widgets"]]
    return [text.removeprefix("## ") for text in found if text.startswith("## ")]


def graphs(dashboard: Body) -> Iterator[tuple[str, list[list[Any]]]]:
    for widget in dashboard["widgets"]:
        if widget["type"] == "metric" and "metrics" in widget["properties"]:
            yield widget["properties"]["title"], widget["properties"]["metrics"]


def metrics(lines: list[list[Any]]) -> Iterator[tuple[str, str, dict[str, str], dict[str, Any]]]:
    """Yield namespace, name, dimensions and options of each line; `.` repeats the line before."""
    for line in lines:
        if isinstance(line[0], dict):
            continue
        *words, options = line if isinstance(line[-1], dict) else [*line, {}]
        yield words[0], words[1], dict(zip(words[2::2], words[3::2], strict=True)), options


def test_an_ecs_service_has_all_groups(ecs: Body) -> None:
    assert headings(ecs) == [*GROUPS[:-1], "Replicas, instances, pending"]


def test_an_endpoint_has_the_same_groups(sagemaker: Body) -> None:
    assert headings(sagemaker) == GROUPS


def test_an_environment_shows_what_pages_and_compares_services(environment: Body) -> None:
    (status,) = [w for w in environment["widgets"] if w["type"] == "alarm"]
    alarms = status["properties"]["alarms"]
    assert [name.rpartition(":")[2] for name in alarms] == [
        "dev-chat-unavailable",
        "dev-images-unavailable",
    ]
    assert len(list(graphs(environment))) == 6


@pytest.mark.parametrize("name", ["ecs", "sagemaker", "environment"])
def test_every_line_is_of_a_metric_that_somebody_publishes(
    name: str, request: pytest.FixtureRequest
) -> None:
    dashboard = request.getfixturevalue(name)
    assert unknown_series(json.dumps(dashboard), "0.33.0") == set()
    collected = agent_configuration(log_group_name="g", disk="/d")["metrics"]["metrics_collected"]
    hosts = {f"nvidia_smi_{m}" for m in collected["nvidia_gpu"]["measurement"]}
    known = PUBLISHED | {"vLLM/Hosts": hosts | {"mem_used_percent", "disk_used_percent"}}
    for title, lines in graphs(dashboard):
        for namespace, metric, dimensions, _ in metrics(lines):
            assert metric in known[namespace], (title, metric)
            wanted = DIMENSIONS.get(namespace)
            assert dimensions, title
            assert wanted is None or set(dimensions) <= set(wanted), (title, dimensions)


def test_what_is_reckoned_draws_numbers_of_a_healthy_service(ecs: Body) -> None:
    cloud = published("healthy")
    reckoned = 0
    for _, lines in graphs(ecs):
        points = {
            options["id"]: cloud.points(namespace, name, options.get("stat", "Average"), 1)
            for namespace, name, _, options in metrics(lines)
            if "id" in options
        }
        for line in lines:
            expression = line[0].get("expression") if isinstance(line[0], dict) else None
            if expression is None:
                continue
            ids = set(re.findall(r"[a-z]\w*", expression)) & set(points)
            used = {key: points[key] for key in ids}
            # How many replicas run is ECS's to say; one did.
            used |= {"replicas": [1.0] * cloud.minutes} if "replicas" in expression else {}
            drawn = [value for value in math(expression, used) if value is not None]
            assert drawn, expression
            assert all(value >= 0 for value in drawn), expression
            reckoned += 1
    assert reckoned >= 6


def test_a_token_has_its_price(ecs: Body, ecs_plan: ServingPlan) -> None:
    (lines,) = [lines for title, lines in graphs(ecs) if title.startswith("Cost")]
    (expression,) = [line[0]["expression"] for line in lines if isinstance(line[0], dict)]
    # In five minutes two replicas make 600,000 tokens.
    (cost,) = math(expression, {"tokens": [600_000.0], "replicas": [2.0]})
    assert ecs_plan.usd_per_hour is not None
    assert cost == pytest.approx(2 * ecs_plan.usd_per_hour / 12 / 0.6, rel=1e-4)
    assert math(expression, {"tokens": [0.0], "replicas": [2.0]}) == [None]


def test_the_prefix_cache_has_its_share_of_hits(ecs: Body) -> None:
    (lines,) = [lines for title, lines in graphs(ecs) if title.startswith("KV cache")]
    (expression,) = [line[0]["expression"] for line in lines if isinstance(line[0], dict)]
    points: dict[str, list[float | None]] = {"hits": [30.0, 0.0], "queries": [40.0, 0.0]}
    assert math(expression, points) == [0.75, 0]


def test_the_first_token_has_a_goal_and_percentiles_have_their_queries(ecs: Body) -> None:
    text = json.dumps(ecs)
    assert '"value": 0.2' in text
    assert text.count("histogram_quantile(") == 9
