"""The collector's configuration against its documented keys, and on what an engine really shows."""

from __future__ import annotations

import json
import re
from typing import Any

import aws_cdk as cdk
import pytest
from aws_cdk import aws_iam as iam
from aws_cdk.assertions import Match, Template

from cdk_vllm.catalog.metrics import metric_versions, unknown_series
from cdk_vllm.constructs import AlarmTopics, Collector, MetricsWorkspace
from cdk_vllm.constructs.collector_configuration import collector_configuration
from cdk_vllm.constructs.engine_metrics import COUNTERS, GAUGES, HISTOGRAMS, STALLED
from tests.recorded.series import recorded

OPTIONS: dict[str, Any] = {
    "name": "dev-chat",
    "port": 8000,
    "region": "us-east-1",
    "log_group_name": "lg",
}
CLOUDWATCH = collector_configuration(**OPTIONS, otlp=True, remote_write_url=None)
PROMETHEUS = collector_configuration(
    **OPTIONS, otlp=False, remote_write_url="https://x/api/v1/remote_write"
)
GAUGES_ONLY = collector_configuration(**OPTIONS, otlp=False, remote_write_url=None)
ALL = [CLOUDWATCH, PROMETHEUS, GAUGES_ONLY]

# Keys that each component documents, by its type; `*` stands for the items of a list. Of the AWS
# distribution v0.45.1: its component list, and the components' config.schema.yaml and README files.
SCHEMA: dict[str, set[str]] = {
    "extensions.sigv4auth": {"region", "service", "assume_role"},
    "receivers.prometheus": {"config", "target_allocator", "trim_metric_suffixes"},
    "receivers.prometheus.config": {"global", "scrape_configs"},
    "receivers.prometheus.config.scrape_configs.*": {
        "job_name",
        "metric_relabel_configs",
        "metrics_path",
        "scrape_interval",
        "scrape_timeout",
        "static_configs",
    },
    "receivers.prometheus.config.scrape_configs.*.static_configs.*": {"labels", "targets"},
    "processors.memory_limiter": {"check_interval", "limit_mib", "limit_percentage"},
    "processors.filter": {"error_mode", "metrics"},
    "processors.filter.metrics": {"exclude", "include", "metric"},
    "processors.filter.metrics.include": {"match_type", "metric_names", "regexp"},
    "processors.cumulativetodelta": {"exclude", "include", "initial_value", "max_staleness"},
    "processors.cumulativetodelta.include": {"match_type", "metric_types", "metrics"},
    "processors.experimental_metricsgeneration": {"rules"},
    "processors.experimental_metricsgeneration.rules.*": {
        "metric1",
        "metric2",
        "name",
        "operation",
        "scale_by",
        "type",
        "unit",
    },
    "processors.resourcedetection": {"detectors", "ecs", "env", "override", "timeout"},
    "processors.resource": {"attributes"},
    "processors.resource.attributes.*": {
        "action",
        "converted_type",
        "from_attribute",
        "from_context",
        "key",
        "pattern",
        "value",
    },
    "processors.batch": {"send_batch_max_size", "send_batch_size", "timeout"},
    "exporters.awsemf": {
        "detailed_metrics",
        "dimension_rollup_option",
        "log_group_name",
        "log_retention",
        "log_stream_name",
        "metric_declarations",
        "metric_descriptors",
        "namespace",
        "output_destination",
        "region",
        "resource_to_telemetry_conversion",
        "retain_initial_value_of_delta_metric",
        "version",
    },
    "exporters.awsemf.metric_declarations.*": {
        "dimensions",
        "label_matchers",
        "metric_name_selectors",
    },
    "exporters.awsemf.resource_to_telemetry_conversion": {"enabled"},
    "exporters.otlphttp": {"auth", "compression", "endpoint", "metrics_endpoint", "timeout"},
    "exporters.otlphttp.auth": {"authenticator"},
    "exporters.prometheusremotewrite": {
        "auth",
        "endpoint",
        "external_labels",
        "resource_to_telemetry_conversion",
    },
    "exporters.prometheusremotewrite.auth": {"authenticator"},
    "exporters.prometheusremotewrite.resource_to_telemetry_conversion": {"enabled"},
    "service": {"extensions", "pipelines", "telemetry"},
}
FREE = "receivers.prometheus.config.scrape_configs.*.static_configs.*.labels"
ROLLUPS = {"NoDimensionRollup", "SingleDimensionRollupOnly", "ZeroAndSingleDimensionRollup"}


def undocumented(value: Any, path: str = "") -> list[str]:
    """Return the paths in a configuration that no documentation names."""
    if isinstance(value, list):
        return [fault for item in value for fault in undocumented(item, f"{path}.*")]
    if not isinstance(value, dict) or path in (FREE, "service.pipelines"):
        return []
    depth = path.count(".")
    faults: list[str] = []
    for key, item in value.items():
        name = key.partition("/")[0] if depth == 0 and path not in ("", "service") else key
        here = f"{path}.{name}" if path else name
        known = not path or (here in SCHEMA if path in SECTIONS else name in SCHEMA[path])
        faults += undocumented(item, here) if known else [here]
    return faults


SECTIONS = ("extensions", "receivers", "processors", "exporters")


@pytest.mark.parametrize("configuration", ALL)
def test_every_key_is_documented(configuration: dict[str, Any]) -> None:
    assert undocumented(configuration) == []
    assert configuration["exporters"]["awsemf"]["dimension_rollup_option"] in ROLLUPS


def test_a_misspelt_key_is_found() -> None:
    wrong = json.loads(json.dumps(CLOUDWATCH))
    wrong["exporters"]["awsemf"]["name_space"] = "vLLM"
    wrong["processors"]["metricsgeneration"] = {"rules": []}
    assert undocumented(wrong) == ["processors.metricsgeneration", "exporters.awsemf.name_space"]


@pytest.mark.parametrize("configuration", ALL)
def test_pipelines_name_what_is_there_and_nothing_is_left_over(
    configuration: dict[str, Any],
) -> None:
    pipelines = configuration["service"]["pipelines"].values()
    for kind in ("receivers", "exporters"):
        used = {name for pipeline in pipelines for name in pipeline[kind]}
        assert used == set(configuration[kind])
    for pipeline in pipelines:
        assert set(pipeline["processors"]) <= set(configuration["processors"])
        # Documented: the limiter first, the batch last.
        assert pipeline["processors"][0] == "memory_limiter"
        assert "batch" not in pipeline["processors"][:-1]
    assert configuration["service"]["extensions"] == list(configuration["extensions"])


@pytest.mark.parametrize("configuration", ALL)
def test_only_localhost_is_scraped_and_nothing_listens(configuration: dict[str, Any]) -> None:
    text = json.dumps(configuration)
    assert re.findall(r"\d+\.\d+\.\d+\.\d+:\d+", text) == ["127.0.0.1:8000"] * 2
    assert "0.0.0.0" not in text
    assert {name.partition("/")[0] for name in configuration["receivers"]} == {"prometheus"}


@pytest.mark.parametrize("version", metric_versions())
def test_it_names_series_of_the_engine_only(version: str) -> None:
    assert unknown_series(json.dumps(ALL), version) == set()


def families(scenario: str) -> set[str]:
    """Return what the receiver makes of a scrape: a histogram's three series are one metric."""
    return {re.sub("_(bucket|sum|count)$", "", series.name) for series in recorded(scenario)}


@pytest.mark.parametrize("name", [*GAUGES, *COUNTERS, *HISTOGRAMS])
def test_each_metric_is_scraped_kept_and_published(name: str) -> None:
    assert name in families("healthy")
    kept = CLOUDWATCH["processors"]["filter/gauges"]["metrics"]["include"]["metric_names"]
    assert name in kept
    assert len(published(name)) == (2 if name in GAUGES else 1)


def published(name: str) -> list[list[str]]:
    """Return the sets of dimensions a metric gets, by the exporter's rule: any selector matches."""
    return [
        dimensions
        for declaration in CLOUDWATCH["exporters"]["awsemf"]["metric_declarations"]
        for dimensions in declaration["dimensions"]
        if any(re.search(selector, name) for selector in declaration["metric_name_selectors"])
    ]


def test_gauges_are_published_by_service_and_by_replica() -> None:
    assert published("vllm:num_requests_waiting") == [["service"], ["service", "aws.ecs.task.id"]]
    assert published("vllm:num_requests_waiting_by_reason") == []
    assert published(STALLED) == [["service"]]
    assert published("http_requests_total") == []


def test_a_stall_is_reckoned_over_a_minute_from_what_tokens_grew_by() -> None:
    pipeline = CLOUDWATCH["service"]["pipelines"]["metrics/stall"]
    (receiver,) = pipeline["receivers"]
    (scrape,) = CLOUDWATCH["receivers"][receiver]["config"]["scrape_configs"]
    assert scrape["scrape_interval"] == "60s"
    steps = pipeline["processors"]
    assert steps.index("cumulativetodelta") < steps.index("experimental_metricsgeneration")
    (rule,) = CLOUDWATCH["processors"]["experimental_metricsgeneration"]["rules"]
    assert rule["metric2"] in CLOUDWATCH["processors"]["cumulativetodelta"]["include"]["metrics"]
    assert (rule["metric1"], rule["operation"]) == ("vllm:num_requests_running", "subtract")
    # What it is reckoned from is published by the other pipeline, four times a minute.
    kept = CLOUDWATCH["processors"][steps[steps.index("filter/stalled")]]["metrics"]["include"]
    assert kept["metric_names"] == [STALLED]


@pytest.mark.parametrize("configuration", [CLOUDWATCH, PROMETHEUS])
def test_replicas_are_told_apart_where_all_are_scraped_at_one_address(
    configuration: dict[str, Any],
) -> None:
    steps = configuration["service"]["pipelines"]["metrics/histograms"]["processors"]
    assert steps.index("resourcedetection") < steps.index("resource/instance")
    (attribute,) = configuration["processors"]["resource/instance"]["attributes"]
    assert (attribute["key"], attribute["from_attribute"], attribute["action"]) == (
        "service.instance.id",
        "aws.ecs.task.id",
        "upsert",
    )


def in_region(region: str) -> tuple[cdk.Stack, Collector, iam.Role]:
    stack = cdk.Stack(cdk.App(), "dev-chat", env=cdk.Environment(region=region))
    collector = Collector(stack, "Collector", name="dev-chat")
    role = iam.Role(stack, "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    collector.grant_publish(role)
    return stack, collector, role


def test_histograms_go_where_the_region_takes_them() -> None:
    assert in_region("us-east-1")[1].otlp
    assert not in_region("eu-central-1")[1].otlp
    stack = cdk.Stack(cdk.App(), "prod-chat", env=cdk.Environment(region="us-east-1"))
    workspace = MetricsWorkspace(stack, "Workspace", topics=AlarmTopics(stack, "Topics"))
    assert not Collector(stack, "C", name="x", workspace=workspace).otlp


def test_the_container_can_do_no_harm() -> None:
    stack, collector, _ = in_region("us-east-1")
    container = stack.resolve(collector.container_definition("logs"))
    assert container["essential"] is False
    assert container["readonlyRootFilesystem"] is True
    assert container["linuxParameters"]["capabilities"] == {"drop": ["ALL"]}
    assert container["user"] != "0"
    assert "portMappings" not in container
    assert re.search(r":v\d+\.\d+\.\d+$|@sha256:", container["image"])
    assert [v["name"] for v in container["environment"]] == ["AOT_CONFIG_CONTENT", "AWS_REGION"]


def test_a_task_may_write_its_metrics_and_nothing_else() -> None:
    stack, _, _ = in_region("eu-central-1")
    policies = Template.from_stack(stack).find_resources("AWS::IAM::Policy").values()
    (statement,) = [s for p in policies for s in p["Properties"]["PolicyDocument"]["Statement"]]
    assert statement["Action"] == [
        "logs:CreateLogStream",
        "logs:DescribeLogStreams",
        "logs:PutLogEvents",
    ]
    assert "*" not in statement["Resource"]


def test_metrics_as_text_are_encrypted_and_soon_gone() -> None:
    stack, _, _ = in_region("us-east-1")
    Template.from_stack(stack).has_resource_properties(
        "AWS::Logs::LogGroup", {"KmsKeyId": Match.any_value(), "RetentionInDays": 3}
    )
