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
LENGTHS = (512, 2048, 4096, 8192, 16384, 32768, 131072)


def environments(backend: str | None = None) -> st.SearchStrategy[Toml]:
    """Draw an environment with one or two services, all on one backend where one is named."""
    return st.builds(
        _environment,
        st.sampled_from(REGIONS),
        st.dictionaries(st.sampled_from(("chat", "code")), services(backend), min_size=1),
        _maybe(network=networks(), alarms=st.just({"email": "oncall@example.com"})),
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
    return st.one_of(new, st.just(existing))


def services(backend: str | None = None) -> st.SearchStrategy[Toml]:
    """Draw a service."""
    backends = st.just(backend) if backend else st.sampled_from(("ecs", "sagemaker"))
    return st.builds(_service, backends, _needed(), doors(), _optional())


def _service(backend: str, needed: Toml, door: Toml, optional: Toml) -> Toml:
    # Now and then a SageMaker service gets a front door too, which is refused.
    misplaced = backend == "sagemaker" and needed["max_model_len"] != 512
    return {"backend": backend, **needed, **({} if misplaced else door), **optional}


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
    return st.sampled_from(
        (
            {"insecure_http": True},
            {"certificate_arn": ARN},
            {"domain": "chat.example.com", "hosted_zone_id": "Z0123456789ABC"},
            {"domain": "chat.example.com", "certificate_arn": ARN},
            {},
        )
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
    )


def engines() -> st.SearchStrategy[Toml]:
    """Draw vLLM options, with one that is gone and one that is the plan's."""
    return _maybe(
        enable_prefix_caching=st.booleans(),
        kv_cache_dtype=st.sampled_from(("auto", "fp8")),
        dtype=st.sampled_from(("bfloat16", "half")),
        gpu_memory_utilization=st.sampled_from((0.8, 0.92, 1.2)),
        max_num_seqs=st.sampled_from((16, 256)),
        tensor_parallel_size=st.sampled_from((1, 2, 4)),
        enforce_eager=st.booleans(),
        swap_space=st.just(4),
    )


def images() -> st.SearchStrategy[Toml]:
    """Draw an image to build or to take."""
    digest = "sha256:" + "0a" * 32
    return st.sampled_from(
        (
            {"base_image": "vllm/vllm-openai:v0.33.0"},
            {"base_image": "vllm/vllm-openai:v0.9.0"},
            {
                "uri": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@{digest}",
                "vllm_version": "0.33.0",
            },
            {"build": "docker"},
        )
    )


def _maybe(**keys: st.SearchStrategy[Any]) -> st.SearchStrategy[Toml]:
    """Draw a table with some of these keys; most tables have few."""
    return st.fixed_dictionaries({}, optional=keys)
