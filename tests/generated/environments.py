"""Environment files nobody wrote: drawn key by key, some of them contradictory on purpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from cdk_vllm import catalog

if TYPE_CHECKING:
    from collections.abc import Mapping

Toml = dict[str, Any]

REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-central-1", "eu-west-1", "ap-northeast-1")
INSTANCES = ("g6e.xlarge", "g6.xlarge", "g5.12xlarge", "g7e.2xlarge", "p5.48xlarge", "m7i.large")
ARN = "arn:aws:acm:us-east-1:123456789012:certificate/0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
DIGEST = "sha256:" + "0a" * 32
LENGTHS = (512, 2048, 4096, 8192, 16384, 32768, 131072)


def environments(backend: str | None = None) -> st.SearchStrategy[Toml]:
    """Draw an environment with one or two services, all on one backend where one is named."""
    return st.builds(
        _environment,
        st.sampled_from(REGIONS),
        st.dictionaries(st.sampled_from(("chat", "code")), services(backend), min_size=1),
        _maybe(network=networks(), alarms=alarms(), metrics=metrics(), audit=audits()),
    )


def _environment(region: str, named: Mapping[str, Toml], rest: Toml) -> Toml:
    return {"region": region, **rest, "services": dict(named)}


def networks() -> st.SearchStrategy[Toml]:
    """Draw a new or an existing network."""
    existing = {
        "vpc_id": "vpc-0a1b2c3d",
        "private_subnet_ids": ["subnet-0a1b2c3d", "subnet-1a1b2c3d"],
        "availability_zones": ["us-east-1a", "us-east-1b"],
    }
    new = _maybe(
        availability_zones_count=st.sampled_from((2, 3)), nat_gateways=st.sampled_from((1, 2, 3))
    )
    isolated = _maybe(isolated=st.sampled_from((True,)), s3_prefix_list_id=st.just("pl-0a1b2c3d"))
    return st.one_of(new, isolated, st.just(existing))


def alarms() -> st.SearchStrategy[Toml]:
    """Draw who hears of alarms, now and then half of a Slack channel."""
    workspace = {"slack_workspace_id": "T0123456789"}
    rest = _maybe(
        email=st.just("oncall@example.com"),
        webhook=st.just("https://events.example.com/hook"),
        budget_usd_per_month=st.sampled_from((100, 5000.5)),
    )
    slack = _seldom(workspace, {}, {**workspace, "slack_channel_id": "C0123456789"})
    return st.builds(lambda first, second: {**first, **second}, rest, slack)


def metrics() -> st.SearchStrategy[Toml]:
    """Draw where metrics go."""
    return _maybe(
        prometheus=st.booleans(),
        collector_image=st.just(f"123456789012.dkr.ecr.us-east-1.amazonaws.com/otel@{DIGEST}"),
    )


def audits() -> st.SearchStrategy[Toml]:
    """Draw what is written down."""
    return _maybe(data_events=st.booleans(), retention_days=st.sampled_from((1, 3653)))


def services(backend: str | None = None) -> st.SearchStrategy[Toml]:
    """Draw a service."""
    backends = st.just(backend) if backend else st.sampled_from(("ecs", "sagemaker"))
    own = st.fixed_dictionaries({"ecs": _of_ecs(), "sagemaker": _of_sagemaker()})
    return st.builds(_service, backends, _needed(), doors(), _optional(), own)


def _service(
    backend: str, needed: Toml, door: Toml, optional: Toml, own: Mapping[str, Toml]
) -> Toml:
    # Now and then a service gets the other backend's keys too, which is refused.
    other = "ecs" if backend == "sagemaker" else "sagemaker"
    taken = other if needed["max_model_len"] == 131072 else backend
    front = door if taken == "ecs" else {}
    return {"backend": backend, **needed, **front, **optional, **own[taken]}


def _needed() -> st.SearchStrategy[Toml]:
    return st.fixed_dictionaries(
        {
            "model": st.sampled_from(sorted(catalog.models())),
            "max_model_len": st.sampled_from(LENGTHS),
            "concurrent_requests": st.sampled_from((1, 4, 16, 64)),
        }
    )


def doors() -> st.SearchStrategy[Toml]:
    """Draw how an ECS service is reached."""
    return _seldom(
        {},
        {"insecure_http": True},
        {"certificate_arn": ARN},
        {"domain": "chat.example.com", "hosted_zone_id": "Z0123456789ABC"},
        {"domain": "chat.example.com", "certificate_arn": ARN},
    )


def _optional() -> st.SearchStrategy[Toml]:
    lowest = st.integers(1, 4)
    return _maybe(
        replicas=st.builds(
            lambda low, more: {"min": low, "max": low + more}, lowest, st.integers(-1, 4)
        ),
        max_request_seconds=st.sampled_from((1, 60, 300, 900, 3600)),
        instance_type=st.sampled_from(INSTANCES),
        alarms=_maybe(
            error_ratio=st.sampled_from((0.001, 0.05)),
            e2e_seconds_p95=st.sampled_from((2.0, 600.0)),
        ),
        engine=engines(),
        image=images(),
        schedules=st.lists(schedules(), max_size=2),
        load=st.sampled_from(("stream", "disk")),
        tools=st.booleans(),
        reasoning=st.booleans(),
        peak_concurrent_requests=st.sampled_from((8, 200)),
        ttft_seconds=st.sampled_from((0.001, 5.0)),
        scale_to_zero=st.booleans(),
    )


def schedules() -> st.SearchStrategy[Toml]:
    """Draw bounds from a time on, some outside of the replicas'."""
    return st.fixed_dictionaries(
        {
            "cron": _seldom("cron(0 8)", "cron(0 8 ? * MON-FRI *)", "cron(0 20 * * ? *)"),
            "timezone": _seldom("Europe/Berln", "UTC", "Europe/Berlin"),
            "min": st.sampled_from((1, 0)),
            "max": st.sampled_from((1, 2)),
        }
    )


def _of_ecs() -> st.SearchStrategy[Toml]:
    issuer = {"issuer": "https://id.example.com", "jwks_url": "https://id.example.com/keys"}
    return _maybe(
        rollout=st.sampled_from(("surge", "in_place", "blue_green", "canary")),
        capacity=capacities(),
        allow_interrupted_requests=st.booleans(),
        firewall=_maybe(requests_per_minute=st.sampled_from((10, 600))),
        token_issuer=st.sampled_from((issuer, {**issuer, "audiences": ["chat"]})),
        private_link_principals=st.just(["arn:aws:iam::210987654321:root"]),
        lora=adapters(),
    )


def _of_sagemaker() -> st.SearchStrategy[Toml]:
    reservation = "arn:aws:sagemaker:us-east-1:123456789012:training-plan/a"
    return _maybe(
        streaming=st.booleans(),
        asynchronous=st.booleans(),
        sagemaker=_maybe(
            isolated=st.booleans(),
            rollout=st.sampled_from(("all_at_once", "canary", "linear", "rolling")),
            capture_percent=st.sampled_from((0, 5)),
            reservation_arn=st.just(reservation),
        ),
    )


def capacities() -> st.SearchStrategy[Toml]:
    """Draw where instances come from, some of it contradictory."""
    return _maybe(
        spot=st.booleans(),
        on_demand_base=st.sampled_from((0, 2)),
        capacity_reservation_id=st.just("cr-0a1b2c3d4e"),
        capacity_block=st.booleans(),
        subnet_id=st.just("subnet-0a1b2c3d"),
        warm_instances=st.sampled_from((0, 1)),
        ami_id=st.just("ami-0a1b2c3d"),
    )


def adapters() -> st.SearchStrategy[Toml]:
    """Draw adapters in one of two modes."""
    pinned = {"mode": "static", "adapters": {"medical": "3f2a91c0d4e5"}}
    return st.sampled_from(({"mode": "dynamic", "max_lora_rank": 32}, pinned, {"mode": "static"}))


def engines() -> st.SearchStrategy[Toml]:
    """Draw vLLM options, now and then one that is gone."""
    gone = _seldom({"swap_space": 4}, {})
    return st.builds(lambda first, second: {**first, **second}, _options(), gone)


def _options() -> st.SearchStrategy[Toml]:
    return _maybe(
        enable_prefix_caching=st.booleans(),
        kv_cache_dtype=st.sampled_from(("auto", "fp8")),
        dtype=st.sampled_from(("bfloat16", "half")),
        gpu_memory_utilization=st.sampled_from((0.8, 0.92, 1.2)),
        max_num_seqs=st.sampled_from((16, 256)),
        tensor_parallel_size=st.sampled_from((1, 2, 4)),
        enforce_eager=st.booleans(),
    )


def images() -> st.SearchStrategy[Toml]:
    """Draw an image to build or to take."""
    return _seldom(
        {"base_image": "vllm/vllm-openai:v0.9.0"},
        {"base_image": "vllm/vllm-openai:v0.33.0"},
        {
            "uri": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@{DIGEST}",
            "vllm_version": "0.33.0",
        },
        {"build": "docker"},
    )


def _seldom(wrong: Any, *right: Any) -> st.SearchStrategy[Any]:
    """Draw one that is right, or, once in ten, the one that is wrong."""
    return st.integers(0, 9).flatmap(lambda n: st.just(wrong) if n == 9 else st.sampled_from(right))


def _maybe(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Toml]:
    """Draw a table with some of these keys; most tables have few."""
    return st.fixed_dictionaries({}, optional=keys)
