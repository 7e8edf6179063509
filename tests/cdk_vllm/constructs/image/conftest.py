"""One app with every kind of image in it, synthesized once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import aws_cdk as cdk
import pytest
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_ecs as ecs
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_secretsmanager as secretsmanager

from cdk_vllm.constructs.image import BuiltImage, ExistingImage, ImageBuilder, LocallyBuiltImage

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Template = dict[str, Any]
DIGEST = "sha256:" + "a" * 64


def task_role(stack: cdk.Stack, name: str) -> iam.Role:
    return iam.Role(stack, name, assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))


def use(stack: cdk.Stack, image: BuiltImage | ExistingImage | LocallyBuiltImage) -> None:
    """Run the image in a task, as an ECS service does."""
    name = image.node.id
    task = ecs.Ec2TaskDefinition(
        stack, f"{name}Task", execution_role=task_role(stack, f"{name}Role")
    )
    task.add_container("vllm", image=image.ecs_container_image(), memory_limit_mib=512)
    image.grant_pull(task.obtain_execution_role())


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Template]:
    """Templates by stack: `foundation` has the defaults, `options` every keyword argument."""
    # The built-in validation costs ten times the rest of the synthesis.
    outdir = tmp_path_factory.mktemp("cdk.out")
    app = cdk.App(outdir=str(outdir), builtin_cloud_formation_validation=False)

    foundation = cdk.Stack(app, "foundation")
    builder = ImageBuilder(foundation, "Images")

    service = cdk.Stack(app, "service")
    use(service, BuiltImage(service, "Image", builder=builder, target="ecs"))

    others = cdk.Stack(app, "others")
    private = f"111122223333.dkr.ecr.eu-west-1.amazonaws.com/team/vllm@{DIGEST}"
    use(others, ExistingImage(others, "Private", uri=private))
    use(others, ExistingImage(others, "Public", uri=f"public.ecr.aws/team/vllm@{DIGEST}"))
    use(others, LocallyBuiltImage(others, "Local", target="sagemaker"))

    _with_every_option(cdk.Stack(app, "options"))
    assembly = app.synth()
    return {stack.stack_name: cast("Template", stack.template) for stack in assembly.stacks}


def _with_every_option(stack: cdk.Stack) -> None:
    key = kms.Key(stack, "OwnKey")
    ImageBuilder(
        stack,
        "Images",
        encryption_key=key,
        docker_hub_secret=secretsmanager.Secret(stack, "DockerHub", encryption_key=key),
        vpc=ec2.Vpc(stack, "Vpc", max_azs=1),
        compute_type=cdk.aws_codebuild.ComputeType.MEDIUM,
        timeout=cdk.Duration.minutes(20),
        log_retention=cdk.aws_logs.RetentionDays.ONE_WEEK,
        images_to_keep=7,
    )


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A Docker context of one's own, with one named stage."""
    (tmp_path / "Dockerfile").write_text("ARG BASE_IMAGE\nFROM ${BASE_IMAGE} as custom\n")
    return tmp_path
