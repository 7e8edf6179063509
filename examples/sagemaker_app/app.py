"""A team's own CDK app on SageMaker: one model on an endpoint of its own, and two that share one.

The plans were written by the commands in the README beside this file.
"""

import json
from pathlib import Path

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_vllm.constructs import (
    AlarmTopics,
    ExistingImage,
    LogBucket,
    ModelStore,
    Network,
    SageMakerAlarms,
    VllmSageMakerEndpoint,
    VllmSharedEndpoint,
)
from cdk_vllm.sizing import ServingPlan, from_dict

HERE = Path(__file__).parent
IMAGE = (
    "123456789012.dkr.ecr.us-east-1.amazonaws.com/vllm@sha256:"
    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
)


def plan(name: str) -> ServingPlan:
    """Return the plan of a file beside this one."""
    written = json.loads((HERE / f"{name}.plan.json").read_text(encoding="utf-8"))
    return from_dict(ServingPlan, written["services"]["model"])


app = cdk.App()
stack = cdk.Stack(app, "Models", env=cdk.Environment(region="us-east-1"))
logs = LogBucket(stack, "Logs")
vpc = Network(stack, "Network", log_bucket=logs.bucket, zones_count=2, nat_gateways=1).vpc
models = ModelStore(stack, "Store", log_bucket=logs.bucket)
image = ExistingImage(stack, "Image", uri=IMAGE)
topics = AlarmTopics(stack, "Topics", email="assistant-oncall@example.com")
caller = iam.Role(stack, "Caller", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))

# One model on instances of its own.
chat = VllmSageMakerEndpoint(stack, "Chat", plan=plan("chat"), vpc=vpc, models=models, image=image)
SageMakerAlarms(stack, "ChatAlarms", endpoint=chat, topics=topics)
chat.grant_invoke(caller)

# Two models on the four GPUs of one instance: one always there, with an adapter, one that sleeps.
small = plan("small")
shared = VllmSharedEndpoint(stack, "Shared", plan=small, vpc=vpc, min_instances=1, max_instances=2)
assistant = shared.add_model(
    "Assistant", plan=small, models=models, image=image, min_copies=1, max_copies=4
)
assistant.add_adapter("Medical", bucket=models.bucket, key="adapters/medical.tar.gz")
drafts = shared.add_model(
    "Drafts", plan=plan("drafts"), models=models, image=image, min_copies=0, max_copies=2
)
for name, component in (("AssistantAlarms", assistant), ("DraftsAlarms", drafts)):
    SageMakerAlarms(stack, name, endpoint=component, topics=topics)
    component.grant_invoke(caller)

cdk.CfnOutput(stack, "ChatUrl", value=chat.openai_base_url)
cdk.CfnOutput(stack, "AssistantUrl", value=assistant.openai_base_url)
cdk.CfnOutput(stack, "AssistantUsdPerHour", value=f"{assistant.usd_per_hour:.2f}")
app.synth()
