"""The Lambda function that CloudFormation calls for a `Custom::VllmImageBuild`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

if TYPE_CHECKING:
    import constructs
    from aws_cdk import aws_codebuild as codebuild
    from aws_cdk import aws_logs as logs


def starter(
    scope: constructs.Construct, project: codebuild.Project, log_group: logs.LogGroup
) -> lambda_.Function:
    """Return a function that may start builds of `project`, and nothing else."""
    role = iam.Role(
        scope,
        "StarterRole",
        assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"),
        description="Starts image builds, and nothing else.",
    )
    log_group.grant_write(role)
    role.add_to_policy(
        iam.PolicyStatement(actions=["codebuild:StartBuild"], resources=[project.project_arn])
    )
    source = Path(__file__).with_name("start_build.py").read_text(encoding="utf-8")
    return lambda_.Function(
        scope,
        "Starter",
        description="Starts the build a Custom::VllmImageBuild asks for.",
        runtime=lambda_.Runtime.PYTHON_3_14,
        handler="index.handler",
        # Lambda takes 4096 characters inline: no asset, no packaging.
        code=lambda_.Code.from_inline(source),
        role=role,
        log_group=log_group,
        timeout=cdk.Duration.minutes(1),
    )
