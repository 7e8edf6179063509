"""Every class of ours that serves a type, by type."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import (
    application_autoscaling,
    aps,
    autoscaling,
    budgets,
    certificatemanager,
    cloudtrail,
    cloudwatch,
    codebuild,
    custom,
    ec2,
    ec2_network,
    ec2_privatelink,
    ec2_security_groups,
    ecr,
    ecs,
    elbv2,
    events,
    iam,
    kms,
    lambda_,
    logs,
    route53,
    s3,
    sagemaker,
    secretsmanager,
    sns,
    ssm,
    wafv2,
)

if TYPE_CHECKING:
    from .resource import Resource

_MODULES = (
    application_autoscaling,
    aps,
    autoscaling,
    budgets,
    certificatemanager,
    cloudtrail,
    cloudwatch,
    codebuild,
    custom,
    ec2,
    ec2_network,
    ec2_privatelink,
    ec2_security_groups,
    ecr,
    ecs,
    elbv2,
    events,
    iam,
    kms,
    lambda_,
    logs,
    route53,
    s3,
    sagemaker,
    secretsmanager,
    sns,
    ssm,
    wafv2,
)

SERVED: dict[str, type[Resource]] = {
    resource.type_name: resource for module in _MODULES for resource in module.TYPES
}
