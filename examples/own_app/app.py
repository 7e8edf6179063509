"""A team's own CDK app with one chat model in it: vLLM on ECS, from a plan file beside this one.

The plan was written by `cdk-vllm plan --model Qwen/Qwen3-8B ... --json > chat.plan.json`.
"""

import json
from pathlib import Path

import aws_cdk as cdk

from cdk_vllm.constructs import (
    AlarmTopics,
    EcsAlarms,
    ExistingImage,
    FrontDoor,
    LogBucket,
    ModelStore,
    Network,
    VllmEcsService,
)
from cdk_vllm.observability import AlarmThresholds
from cdk_vllm.sizing import ServingPlan, from_dict

PLAN = Path(__file__).with_name("chat.plan.json")
IMAGE = (
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)

app = cdk.App()
stack = cdk.Stack(app, "Assistant", env=cdk.Environment(region="us-east-1"))
plan = from_dict(ServingPlan, json.loads(PLAN.read_text(encoding="utf-8"))["services"]["model"])

logs = LogBucket(stack, "Logs")
vpc = Network(stack, "Network", log_bucket=logs.bucket, zones_count=2, nat_gateways=1).vpc
models = ModelStore(stack, "Models", log_bucket=logs.bucket)
door = FrontDoor(stack, "FrontDoor", plan=plan, vpc=vpc, log_bucket=logs.bucket, insecure_http=True)
chat = VllmEcsService(
    stack,
    "Chat",
    plan=plan,
    vpc=vpc,
    models=models,
    image=ExistingImage(stack, "Image", uri=IMAGE),
    front_door=door,
)
EcsAlarms(
    stack,
    "ChatAlarms",
    service=chat,
    topics=AlarmTopics(stack, "Topics", email="assistant-oncall@example.com"),
    thresholds=AlarmThresholds(e2e_seconds_p95=60),
)

cdk.CfnOutput(stack, "BaseUrl", value=door.base_url)
cdk.CfnOutput(stack, "ModelUri", value=models.model_uri(plan.request.model, plan.request.revision))
app.synth()
