"""One reader per CloudFormation type, each asking the type's own service."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.embedded_aws.readback.services import (
    application_autoscaling,
    aps,
    autoscaling,
    awslambda,
    budgets,
    cloudtrail,
    cloudwatch,
    codebuild,
    configuration,
    ec2_compute,
    ec2_network,
    ec2_privatelink,
    ecr,
    ecs,
    elbv2,
    events,
    iam,
    kms,
    logs,
    names,
    s3,
    sagemaker,
    sns,
    wafv2,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import Reader

READERS: Mapping[str, Reader] = {
    **application_autoscaling.READERS,
    **aps.READERS,
    **autoscaling.READERS,
    **awslambda.READERS,
    **budgets.READERS,
    **cloudtrail.READERS,
    **cloudwatch.READERS,
    **codebuild.READERS,
    **configuration.READERS,
    **ec2_compute.READERS,
    **ec2_network.READERS,
    **ec2_privatelink.READERS,
    **ecr.READERS,
    **ecs.READERS,
    **elbv2.READERS,
    **events.READERS,
    **iam.READERS,
    **kms.READERS,
    **logs.READERS,
    **names.READERS,
    **s3.READERS,
    **sagemaker.READERS,
    **sns.READERS,
    **wafv2.READERS,
}
