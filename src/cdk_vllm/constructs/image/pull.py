"""Permission to pull from one ECR repository."""

from __future__ import annotations

from aws_cdk import aws_iam as iam

_LAYERS = ["ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]


def grant_ecr_pull(grantee: iam.IGrantable, repository_arn: str) -> iam.Grant:
    """Let `grantee` pull from this repository only.

    `ecr:GetAuthorizationToken` has the resource `*` because ECR knows no narrower one. Source:
    Service Authorization Reference, "Actions, resources, and condition keys for Amazon ECR".
    """
    login = iam.Grant.add_to_principal(
        grantee=grantee, actions=["ecr:GetAuthorizationToken"], resource_arns=["*"]
    )
    layers = iam.Grant.add_to_principal(
        grantee=grantee, actions=_LAYERS, resource_arns=[repository_arn]
    )
    return login.combine(layers)
