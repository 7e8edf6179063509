"""Stacks of ECS services with everything around them, from plans that the rules made."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aws_cdk as cdk
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_iam as iam

from cdk_vllm import catalog
from cdk_vllm.constructs import (
    AlarmTopics,
    Audit,
    Collector,
    EcsAlarms,
    EcsDashboard,
    EngineMetrics,
    EnvironmentWatch,
    ExistingImage,
    FrontDoor,
    GpuCapacity,
    HostAlarms,
    HostLog,
    IsolatedNetwork,
    LogBucket,
    ModelStore,
    Network,
    PrivateLink,
    Purchase,
    TokenIssuer,
    VllmEcsService,
    WebFirewall,
)
from cdk_vllm.constructs.network import ECS_SERVICES, SAGEMAKER_SERVICES
from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.sizing import (
    ServingPlan,
    ServingRequest,
    Workload,
    choose,
    fleet_of,
    model_shape,
    rollout_for,
)

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_s3 as s3

ROOT = Path(__file__).parents[2]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:" + "a" * 64
CERTIFICATE = "arn:aws:acm:us-east-1:123456789012:certificate/x"
REGION = "us-east-1"
ROOM = {"enable_lora": True, "max_loras": 4, "max_lora_rank": 16}

Template = dict[str, Any]


def plan(**request: Any) -> ServingPlan:
    """Return what the rules choose for a small chat service of at most four replicas."""
    workload = Workload(
        max_model_len=16384, prompt_tokens=2000, output_tokens=500, concurrent_requests=32
    )
    return choose(
        ServingRequest(
            service="chat",
            backend="ecs",
            region=REGION,
            model="Qwen/Qwen3-8B",
            revision="main",
            shape=model_shape("Qwen/Qwen3-8B"),
            workload=workload,
            max_replicas=4,
            max_request_seconds=60,
            **request,
        )
    )


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a service stands in."""

    plan: ServingPlan
    vpc: ec2.IVpc
    logs: s3.IBucket
    topics: AlarmTopics


def on_spot(stack: cdk.Stack) -> None:
    """Spot, weights over the disk, pinned adapters, a firewall, PrivateLink, chat and a budget."""
    topics = AlarmTopics(
        stack,
        "Topics",
        email="a@example.com",
        webhook="https://pager.example.com/hook",
        slack_workspace_id="T0123456789",
        slack_channel_id="C0123456789",
    )
    EnvironmentWatch(stack, "Watch", topics=topics, usd_per_month=9000)
    pinned = {"legal": "0a1b2c3d4e5f", "medical": "3f2a91c0d4e5"}
    chosen = plan(
        min_replicas=2, spot=True, load="disk", lora="static", adapters=pinned, engine=ROOM
    )
    logs = LogBucket(stack, "Logs").bucket
    vpc = Network(stack, "Network", log_bucket=logs).vpc
    around = Around(plan=chosen, vpc=vpc, logs=logs, topics=topics)
    door = _door(stack, around)
    _service(stack, around, door, purchase=Purchase(spot=True, on_demand_base=1))
    WebFirewall(stack, "Firewall", front_door=door, requests_per_minute=600)
    account = iam.ArnPrincipal("arn:aws:iam::210987654321:root")
    PrivateLink(stack, "Link", front_door=door, vpc=vpc, log_bucket=logs, principals=[account])


def canary(stack: cdk.Stack) -> None:
    """No way out, no replica at night, tokens, adapters at run time, and traffic that moves."""
    logs = LogBucket(stack, "Logs").bucket
    services = (*ECS_SERVICES, *SAGEMAKER_SERVICES)
    around = Around(
        plan=plan(min_replicas=0, lora="dynamic", engine={**ROOM, "reasoning_parser": "qwen3"}),
        vpc=IsolatedNetwork(stack, "Network", log_bucket=logs, services=services).vpc,
        logs=logs,
        topics=AlarmTopics(stack, "Topics", email="a@example.com"),
    )
    issuer = TokenIssuer(
        issuer="https://id.example.com", jwks_url="https://id.example.com/keys", audiences=("chat",)
    )
    _service(stack, around, _door(stack, around, issuer), strategy="canary")


def _door(stack: cdk.Stack, around: Around, issuer: TokenIssuer | None = None) -> FrontDoor:
    return FrontDoor(
        stack,
        "Door",
        plan=around.plan,
        vpc=around.vpc,
        log_bucket=around.logs,
        certificate=acm.Certificate.from_certificate_arn(stack, "Certificate", CERTIFICATE),
        token_issuer=issuer,
    )


def _service(
    stack: cdk.Stack,
    around: Around,
    door: FrontDoor,
    *,
    purchase: Purchase | None = None,
    strategy: str = "surge",
) -> None:
    models = ModelStore(
        stack, "Models", log_bucket=around.logs, s3_prefix_list_id=catalog.s3_prefix_list_id(REGION)
    )
    Audit(stack, "Audit", bucket=models.bucket, log_bucket=around.logs)
    hosts = HostLog(stack, "Hosts")
    capacity = GpuCapacity(
        stack,
        "Capacity",
        plan=around.plan,
        vpc=around.vpc,
        rollout=rollout_for(fleet_of(around.plan), strategy),
        purchase=purchase,
        s3=models.network_peer,
        host_log=hosts,
    )
    service = VllmEcsService(
        stack,
        "Chat",
        plan=around.plan,
        vpc=around.vpc,
        models=models,
        image=ExistingImage(stack, "Image", uri=IMAGE),
        front_door=door,
        capacity=capacity,
        collector=Collector(stack, "Collector", name=stack.stack_name),
    )
    _watch(stack, service, around.topics, hosts)


def _watch(stack: cdk.Stack, service: VllmEcsService, topics: AlarmTopics, hosts: HostLog) -> None:
    collector = service.collector
    assert collector is not None
    alarms = EcsAlarms(stack, "Alarms", service=service, topics=topics, collector=collector)
    HostAlarms(
        stack,
        "HostAlarms",
        group_name=service.capacity.auto_scaling_group.ref,
        log=hosts,
        metrics=EngineMetrics(stack.stack_name),
        topics=topics,
        thresholds=AlarmThresholds(),
    )
    EcsDashboard(stack, "Dashboard", service=service, collector=collector, alarms=alarms)


@cache
def templates() -> dict[str, Template]:
    """Return the templates by the name of their function above."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    app = cdk.App(context=context, builtin_cloud_formation_validation=False)
    for make in (on_spot, canary):
        make(cdk.Stack(app, make.__name__.replace("_", "-"), env=cdk.Environment(region=REGION)))
    return {stack.stack_name: stack.template for stack in app.synth().stacks}
