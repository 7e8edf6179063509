"""The SageMaker endpoint's container as its construct writes it, run as SageMaker runs one."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from aws_cdk import App, Environment, Stack
from aws_cdk import aws_ec2 as ec2
from aws_cdk.assertions import Template

from cdk_vllm.constructs import ExistingImage, LogBucket, ModelStore, VllmSageMakerEndpoint
from tests.image.container import Container, container
from tests.image.task import resolve, ulimits

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from cdk_vllm.sizing import ServingPlan

PORT = 8080
MODEL = "/opt/ml/model"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/x@sha256:" + "a" * 64


def environment_of(plan: ServingPlan) -> dict[str, str]:
    """Return the variables that the template gives the container of an endpoint of `plan`."""
    stack = Stack(App(), "Stack", env=Environment(region="us-east-1"))
    logs = LogBucket(stack, "Logs").bucket
    VllmSageMakerEndpoint(
        stack,
        "Summaries",
        plan=plan,
        vpc=ec2.Vpc(stack, "Vpc"),
        models=ModelStore(stack, "Models", log_bucket=logs),
        image=ExistingImage(stack, "Image", uri=IMAGE),
    )
    (model,) = Template.from_stack(stack).find_resources("AWS::SageMaker::Model").values()
    found = resolve(model["Properties"]["PrimaryContainer"]["Environment"], {})
    return {str(name): str(value) for name, value in found.items()}


@contextmanager
def endpoint(
    name: str, image: str, variables: dict[str, str], model: Path, *more: str
) -> Iterator[Container]:
    """Run the image as SageMaker does: root, `serve`, the model's folder, 30 s to stop.

    Source: Amazon SageMaker Developer Guide, "Custom Inference Code with Hosting Services".
    """
    words = [*ulimits([]), "--shm-size=1g", "--stop-timeout=30", *more]
    words += ["--volume", f"{model}:{MODEL}:ro"]
    for variable, value in variables.items():
        words += ["--env", f"{variable}={value}"]
    log = model.with_name(f"{name}.log")
    with container(name, [*words, image, "serve"], log, port=PORT) as running:
        yield running
