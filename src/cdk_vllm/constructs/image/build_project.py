"""The CodeBuild project that builds images, and the role it builds them with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_iam as iam

from cdk_vllm.constructs.image.buildspec import buildspec

if TYPE_CHECKING:
    import constructs
    from aws_cdk import aws_ecr as ecr
    from aws_cdk import aws_kms as kms
    from aws_cdk import aws_logs as logs
    from aws_cdk import aws_secretsmanager as secretsmanager

QUEUED_MINUTES = 8
_ANSWER_SECONDS = 120
_PULL_AND_PUSH = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:DescribeImages",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
]


@dataclass(frozen=True, kw_only=True)
class Builds:
    """What builds read and write, and the machine they run on."""

    repository: ecr.Repository
    mirror: ecr.Repository
    context_bucket_name: str
    encryption_key: kms.IKey
    log_group: logs.LogGroup
    docker_hub_secret: secretsmanager.ISecret | None
    vpc: ec2.IVpc | None
    compute_type: codebuild.ComputeType
    timeout: cdk.Duration


def build_role(scope: constructs.Construct, builds: Builds) -> iam.Role:
    """Return a role that may fill the two repositories, read zipped assets and write the log.

    The owner of the asset bucket is a condition because its name can be guessed: in an account that
    lost the bucket, anyone could own it.
    """
    stack = cdk.Stack.of(scope)
    assets = f"arn:{stack.partition}:s3:::{builds.context_bucket_name}/*.zip"
    repositories = [builds.repository.repository_arn, builds.mirror.repository_arn]
    role = iam.Role(
        scope,
        "ProjectRole",
        assumed_by=iam.ServicePrincipal("codebuild.amazonaws.com"),
        description="Builds vLLM images.",
    )
    for actions, resources, conditions in (
        (["ecr:GetAuthorizationToken"], ["*"], None),
        (_PULL_AND_PUSH, repositories, None),
        (["s3:GetObject"], [assets], {"StringEquals": {"aws:ResourceAccount": stack.account}}),
    ):
        role.add_to_policy(
            iam.PolicyStatement(actions=actions, resources=resources, conditions=conditions)
        )
    builds.log_group.grant_write(role)
    if builds.docker_hub_secret is not None:
        builds.docker_hub_secret.grant_read(role)
    return role


def build_project(scope: constructs.Construct, builds: Builds, role: iam.Role) -> codebuild.Project:
    """Return the project; it has no source of its own, each request names one."""
    vpc = builds.vpc
    docker_layers = codebuild.Cache.local(codebuild.LocalCacheMode.DOCKER_LAYER)
    return codebuild.Project(
        scope,
        "Project",
        description="Builds vLLM images on request of CloudFormation.",
        # CDK adds rights to artifacts and log groups that do not exist; only in a VPC does it add
        # rights that are needed.
        role=role.without_policy_updates() if vpc is None else role,
        build_spec=codebuild.BuildSpec.from_object(buildspec()),
        environment=codebuild.BuildEnvironment(
            build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
            compute_type=builds.compute_type,
            # A Docker daemon runs inside the build.
            privileged=True,
        ),
        environment_variables=_variables(scope, builds),
        # CodeBuild has no local cache inside a VPC.
        cache=docker_layers if vpc is None else None,
        logging=codebuild.LoggingOptions(
            cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=builds.log_group)
        ),
        encryption_key=builds.encryption_key,
        grant_report_group_permissions=False,
        timeout=builds.timeout,
        queued_timeout=cdk.Duration.minutes(QUEUED_MINUTES),
        vpc=vpc,
        security_groups=None if vpc is None else [_security_group(scope, vpc)],
    )


def _variables(
    scope: constructs.Construct, builds: Builds
) -> dict[str, codebuild.BuildEnvironmentVariable]:
    secret = builds.docker_hub_secret
    values = {
        "AWS_ACCOUNT": cdk.Stack.of(scope).account,
        "BUILD_SECONDS": str(int(builds.timeout.to_seconds()) - _ANSWER_SECONDS),
        "DOCKER_HUB_SECRET_ARN": "" if secret is None else secret.secret_arn,
        "MIRROR_NAME": builds.mirror.repository_name,
        "MIRROR_URI": builds.mirror.repository_uri,
        "PULL_BACKOFF_SECONDS": "30",
        "REPOSITORY_NAME": builds.repository.repository_name,
        "REPOSITORY_URI": builds.repository.repository_uri,
    }
    return {k: codebuild.BuildEnvironmentVariable(value=v) for k, v in values.items()}


def _security_group(scope: constructs.Construct, vpc: ec2.IVpc) -> ec2.SecurityGroup:
    group = ec2.SecurityGroup(
        scope,
        "SecurityGroup",
        vpc=vpc,
        description="Image builds: HTTPS out, nothing in.",
        allow_all_outbound=False,
    )
    group.add_egress_rule(ec2.Peer.any_ipv4(), ec2.Port.tcp(443), "Registries and AWS")
    return group
