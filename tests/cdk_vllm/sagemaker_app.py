"""Stacks of every shape a SageMaker endpoint can have, from a plan that the rules made."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import aws_cdk as cdk

from cdk_vllm.constructs import (
    AlarmTopics,
    AsynchronousAnswers,
    CapturedData,
    ExistingImage,
    LogBucket,
    ModelStore,
    Network,
    SageMakerAlarms,
    VllmSageMakerEndpoint,
    VllmSharedEndpoint,
)
from cdk_vllm.constructs.alarm import ABOVE, NO_DATA_IS_FINE, alarm
from cdk_vllm.sizing import ServingPlan, ServingRequest, Workload, choose, model_shape

ROOT = Path(__file__).parents[2]
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:" + "a" * 64
REGION = "us-east-1"

Template = dict[str, Any]


@cache
def plan(
    model: str = "Qwen/Qwen3-8B", tensor_parallel_size: int | None = None, **request: Any
) -> ServingPlan:
    """Return what the rules choose for a small chat service of two to four replicas."""
    asked: dict[str, Any] = {"min_replicas": 2, "max_replicas": 4, "max_request_seconds": 60}
    if tensor_parallel_size:
        asked["engine"] = {"tensor_parallel_size": tensor_parallel_size}
    workload = Workload(
        max_model_len=16384, prompt_tokens=2000, output_tokens=500, concurrent_requests=32
    )
    return choose(
        ServingRequest(
            service="chat",
            backend="sagemaker",
            region=REGION,
            model=model,
            revision="main",
            shape=model_shape(model),
            workload=workload,
            **(asked | request),
        )
    )


@cache
def shared_plan(model: str = "Qwen/Qwen3-8B") -> ServingPlan:
    """Return a plan for one of the four GPUs of an instance."""
    return plan(model, instance_type="ml.g6e.12xlarge", tensor_parallel_size=1)


def with_adapters(found: ServingPlan) -> ServingPlan:
    """Return a plan that keeps room for LoRA adapters."""
    room = {"enable_lora": True, "max_loras": 4, "max_lora_rank": 16}
    return replace(found, engine_args={**found.engine_args, **room})


def app(outdir: Path | None = None, *, validate: bool = False) -> cdk.App:
    """Return an app of all shapes, in one stack each."""
    context = json.loads((ROOT / "cdk.json").read_text(encoding="utf-8"))["context"]
    if validate:
        context |= {"@aws-cdk/core:validateAgainstDefaultRules": True}
    made = cdk.App(
        outdir=str(outdir) if outdir else None,
        context=context,
        builtin_cloud_formation_validation=validate,
    )
    for make in (plain, asynchronous, shared):
        stack = cdk.Stack(made, make.__name__, env=cdk.Environment(region=REGION))
        logs = LogBucket(stack, "Logs").bucket
        given = {
            "vpc": Network(stack, "Network", log_bucket=logs).vpc,
            "models": ModelStore(stack, "Models", log_bucket=logs),
            "image": ExistingImage(stack, "Image", uri=IMAGE),
        }
        topics = AlarmTopics(stack, "Topics", email="a@example.com")
        make(stack, logs, given, topics)
    return made


def plain(stack: cdk.Stack, logs: Any, given: dict[str, Any], topics: AlarmTopics) -> None:
    endpoint = VllmSageMakerEndpoint(stack, "Chat", plan=plan(), **given)
    endpoint.capture(CapturedData(stack, "Captured", log_bucket=logs, percent=10))
    endpoint.scale_on_schedule(
        "working-day",
        schedule="cron(0 8 ? * MON-FRI *)",
        min_replicas=3,
        max_replicas=6,
        timezone="Europe/Berlin",
    )
    SageMakerAlarms(stack, "Alarms", endpoint=endpoint, topics=topics)


def asynchronous(stack: cdk.Stack, logs: Any, given: dict[str, Any], topics: AlarmTopics) -> None:
    answers = AsynchronousAnswers(stack, "Answers", log_bucket=logs)
    hour = plan(asynchronous=True, max_request_seconds=3600)
    endpoint = VllmSageMakerEndpoint(stack, "Chat", plan=hour, asynchronous=answers, **given)
    SageMakerAlarms(stack, "Alarms", endpoint=endpoint, topics=topics)


def shared(stack: cdk.Stack, logs: Any, given: dict[str, Any], topics: AlarmTopics) -> None:
    endpoint = VllmSharedEndpoint(
        stack, "Shared", plan=shared_plan(), vpc=given["vpc"], min_instances=0, max_instances=2
    )
    source = {"models": given["models"], "image": given["image"]}
    chat = endpoint.add_model("Chat", plan=with_adapters(shared_plan()), max_copies=4, **source)
    chat.add_adapter("Medical", bucket=given["models"].bucket, key="adapters/medical.tar.gz")
    rare = endpoint.add_model(
        "Rare", plan=shared_plan("Qwen/Qwen3-4B"), min_copies=0, max_copies=2, **source
    )
    watched: Any = chat
    SageMakerAlarms(stack, "ChatAlarms", endpoint=watched, topics=topics)
    rare.roll_back_on(
        [
            alarm(
                stack,
                "RareErrors",
                rare.metric("Invocation5XXErrors", "Sum"),
                fires=(ABOVE, 5),
                periods=(2, 3),
                missing=NO_DATA_IS_FINE,
                description="Too many invocations of the rare model fail; read its log.",
                topic=topics.ticket,
            )
        ]
    )


@cache
def templates() -> dict[str, Template]:
    """Return the templates of all shapes by the name of their function above."""
    assembly = app().synth()
    return {stack.stack_name: stack.template for stack in assembly.stacks}
