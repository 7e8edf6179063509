from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_iam as iam

from cdk_vllm.constructs.image.pull import grant_ecr_pull

ARN = "arn:aws:ecr:us-east-1:111122223333:repository/vllm"


def test_a_role_may_log_in_and_read_one_repository_and_push_nothing() -> None:
    role = iam.Role(cdk.Stack(), "Role", assumed_by=iam.ServicePrincipal("ecs-tasks.amazonaws.com"))
    grant = grant_ecr_pull(role, ARN)
    assert grant.success
    login, pull = (statement.to_statement_json() for statement in grant.principal_statements)
    assert login == {"Action": "ecr:GetAuthorizationToken", "Effect": "Allow", "Resource": "*"}
    assert pull == {
        "Action": [
            "ecr:BatchCheckLayerAvailability",
            "ecr:BatchGetImage",
            "ecr:GetDownloadUrlForLayer",
        ],
        "Effect": "Allow",
        "Resource": ARN,
    }
