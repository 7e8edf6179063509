"""What moto's services accept and lose, kept so that a read returns it."""

from __future__ import annotations


def install() -> None:
    """Apply every fix."""
    from . import (  # noqa: PLC0415
        application_autoscaling,
        autoscaling,
        awslambda,
        cloudtrail,
        cloudwatch,
        codebuild,
        ec2,
        ecs,
        elbv2,
        iam,
        logs,
        s3,
        sagemaker,
    )

    for service in (
        application_autoscaling,
        autoscaling,
        awslambda,
        cloudtrail,
        cloudwatch,
        codebuild,
        ec2,
        ecs,
        elbv2,
        iam,
        logs,
        s3,
        sagemaker,
    ):
        service.install()
