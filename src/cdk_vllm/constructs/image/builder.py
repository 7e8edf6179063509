"""Builds images inside AWS, so that nobody deploys with a 12 GB image on a laptop."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_ecr as ecr
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from constructs import Construct

from cdk_vllm.constructs.image.build_project import (
    QUEUED_MINUTES,
    Builds,
    build_project,
    build_role,
)
from cdk_vllm.constructs.image.container_directory import LEFT_OUT, container_directory
from cdk_vllm.constructs.image.starter import starter
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2
    from aws_cdk import aws_secretsmanager as secretsmanager

_LONGEST_BUILD_MINUTES = 50
_BASE_IMAGES_TO_KEEP = 10
_LOGS_KEY_ACTIONS = [
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey*",
    "kms:ReEncrypt*",
]


class ImageBuilder(Construct):
    """One environment's image repository, and the CodeBuild project that fills it.

    A `BuiltImage` in any stack of the environment asks it for an image. Images are pushed under
    immutable tags and outlive the request, so that a rollback finds what it ran before. The public
    base image is pulled once, into a mirror repository, and every build starts from there.

    Exposed for what is not foreseen here: `repository`, `mirror`, `project`, `role` (the builds'),
    `encryption_key`.

    Args:
        scope: the construct this one belongs to, usually a stack that is never deleted.
        construct_id: its id.
        encryption_key: encrypts images, logs and the project; default a new key with rotation.
            A key imported by ARN must already let CloudWatch Logs use it.
        docker_hub_secret: `{"username": ..., "password": ...}` for pulling the public base image;
            without it pulls are anonymous, which Docker Hub limits by address.
        vpc: builds in the private subnets of this VPC, which must reach the internet over HTTPS,
            and loses CodeBuild's layer cache; default CodeBuild's own network.
        compute_type: a machine with 128 GB of disk, for an image of 12 GB compressed.
        timeout: of one build, 5 to 50 minutes; default 45.
        log_retention: of the builds' and the starter's logs.
        images_to_keep: the newest images of the repository; older ones expire, also one that a
            service still runs.

    Raises:
        InputError: `timeout` is out of bounds: a build and its time in the queue must end before
            CloudFormation gives up on a custom resource, after 60 minutes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        encryption_key: kms.IKey | None = None,
        docker_hub_secret: secretsmanager.ISecret | None = None,
        vpc: ec2.IVpc | None = None,
        compute_type: codebuild.ComputeType = codebuild.ComputeType.LARGE,
        timeout: cdk.Duration | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS,
        images_to_keep: int = 100,
    ) -> None:
        super().__init__(scope, construct_id)
        self._log_retention = log_retention
        self.encryption_key = encryption_key or kms.Key(self, "Key", enable_key_rotation=True)
        self._let_logs_use_the_key()
        self.repository = self._repository("Repository", images_to_keep)
        self.mirror = self._repository("Mirror", _BASE_IMAGES_TO_KEEP)
        # Only the synthesizer knows its asset bucket, and tells when given an asset. The default
        # context is at hand; a `BuiltImage` of it has the same hash and is not uploaded twice.
        context = s3_assets.Asset(
            self, "Context", path=str(container_directory()), exclude=LEFT_OUT
        )
        self.context_bucket_name = context.s3_bucket_name
        builds = Builds(
            repository=self.repository,
            mirror=self.mirror,
            context_bucket_name=self.context_bucket_name,
            encryption_key=self.encryption_key,
            log_group=self._log_group("Log"),
            docker_hub_secret=docker_hub_secret,
            vpc=vpc,
            compute_type=compute_type,
            timeout=_check_timeout(timeout or cdk.Duration.minutes(45)),
        )
        self.role = build_role(self, builds)
        self.project = build_project(self, builds, self.role)
        self.service_token = starter(self, self.project, self._log_group("StarterLog")).function_arn

    def _let_logs_use_the_key(self) -> None:
        """Source: CloudWatch Logs User Guide, "Encrypt log data using AWS KMS"."""
        stack = cdk.Stack.of(self)
        groups = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:*"
        self.encryption_key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.amazonaws.com")],
                actions=_LOGS_KEY_ACTIONS,
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
            )
        )

    def _repository(self, construct_id: str, images_to_keep: int) -> ecr.Repository:
        return ecr.Repository(
            self,
            construct_id,
            encryption=ecr.RepositoryEncryption.KMS,
            encryption_key=self.encryption_key,
            image_scan_on_push=True,
            image_tag_mutability=ecr.TagMutability.IMMUTABLE,
            lifecycle_rules=[
                ecr.LifecycleRule(
                    rule_priority=1,
                    description="Untagged images are leftovers of failed pushes.",
                    tag_status=ecr.TagStatus.UNTAGGED,
                    max_image_age=cdk.Duration.days(7),
                ),
                ecr.LifecycleRule(
                    rule_priority=2,
                    description="Keep the newest images, for rollback.",
                    tag_status=ecr.TagStatus.ANY,
                    max_image_count=images_to_keep,
                ),
            ],
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )

    def _log_group(self, construct_id: str) -> logs.LogGroup:
        return logs.LogGroup(
            self,
            construct_id,
            retention=self._log_retention,
            encryption_key=self.encryption_key,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )


def _check_timeout(timeout: cdk.Duration) -> cdk.Duration:
    minutes = timeout.to_minutes(integral=False)
    if not 5 <= minutes <= _LONGEST_BUILD_MINUTES:
        raise InputError(
            f"timeout is {minutes:g} minutes; allowed: 5 to {_LONGEST_BUILD_MINUTES}, since "
            f"a build and {QUEUED_MINUTES} minutes in the queue must end before CloudFormation "
            "gives up on a custom resource, after 60."
        )
    return timeout
