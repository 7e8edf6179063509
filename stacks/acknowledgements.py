"""Findings of cdk-nag's AwsSolutions rules that we looked at and keep, each with its reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from aws_cdk import Acknowledgment, Stack, Token, Validations

from cdk_vllm.model_prefix import ADAPTERS, model_prefix

if TYPE_CHECKING:
    from constructs import IConstruct

    from cdk_vllm.sizing import ServingPlan
    from stacks.foundation import FoundationStack


class Kept(NamedTuple):
    """Findings that stay: where, in cdk-nag's words what, and why."""

    parts: tuple[str, ...]
    findings: tuple[str, ...]
    reason: str


MODEL_PREFIX = "IAM5[Resource::{model_arn}*]"
ADAPTERS_PREFIX = "IAM5[Resource::{adapters_arn}*]"

KEPT = (
    Kept(
        ("Service/ApiKey",),
        ("SMG4",),
        "The API key's clients hold copies of it: rotating it without them is an outage.",
    ),
    Kept(
        ("Service/Task",),
        ("ECS2",),
        "The variables are settings anybody may read; the one secret comes from Secrets Manager.",
    ),
    Kept(
        ("Capacity/Instances",),
        ("AS3",),
        "Launches and stops are routine; failed launches reach the ticket topic by EventBridge.",
    ),
    Kept(
        ("Capacity/Instances",),
        ("EC26",),
        "The rule cannot follow a launch template with several instance types; its volume is "
        "encrypted, which a check of our own holds.",
    ),
    Kept(
        ("Capacity/Role", "Service/TaskRole", "Service/DeploymentRole"),
        ("IAM5[Resource::*]",),
        "ecs:DiscoverPollEndpoint, cloudwatch:PutMetricData and what begins with Describe have no "
        "resource; what can be is held to the cluster or the namespace by a condition.",
    ),
    Kept(
        ("Service/ExecutionRole", "Images/ProjectRole"),
        ("IAM5[Resource::*]",),
        "ecr:GetAuthorizationToken has no resource; pulling and pushing name their repository.",
    ),
    Kept(
        ("Service/Role",),
        ("IAM5[Resource::*]",),
        "ecr:GetAuthorizationToken and EC2's network interface actions have no resource that "
        "exists beforehand; metrics are held to SageMaker's namespaces by a condition.",
    ),
    Kept(
        ("Service/TaskRole", "Service/Role"),
        (MODEL_PREFIX, ADAPTERS_PREFIX),
        "Reads every file of one revision of one model, and every adapter of one service, whose "
        "names nobody knows beforehand.",
    ),
    Kept(
        ("Service/Role",),
        (
            "IAM5[Resource::<AnswersStoreBucketE3F1EF83.Arn>/requests/*]",
            "IAM5[Resource::<AnswersStoreBucketE3F1EF83.Arn>/answers/*]",
            "IAM5[Resource::<CapturedStoreBucket47089CD7.Arn>/captured/*]",
        ),
        "Each request, answer and captured pair is a file of its own, below one prefix.",
    ),
    Kept(
        ("Images/ProjectRole",),
        (
            "IAM5[Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-{account}-{region}/*.zip]",
        ),
        "Build contexts are assets named by their hash, which changes with their content.",
    ),
)


def acknowledge(
    stack: Stack, foundation: FoundationStack | None = None, plan: ServingPlan | None = None
) -> None:
    """Acknowledge what a stack keeps; see docs/decisions/nag-acknowledgements.md."""
    account = "<AWS::AccountId>" if Token.is_unresolved(stack.account) else stack.account
    names = {"account": account, "region": stack.region, "model_arn": "", "adapters_arn": ""}
    if foundation and plan:
        bucket, request = _bucket_arn(foundation), plan.request
        names["model_arn"] = f"{bucket}/{model_prefix(request.model, request.revision)}"
        names["adapters_arn"] = f"{bucket}/{ADAPTERS}{request.service}/"
    for kept in KEPT:
        ids = [f"AwsSolutions-{finding.format(**names)}" for finding in kept.findings]
        given = [Acknowledgment(id=found, reason=kept.reason) for found in ids]
        for construct in filter(None, (_find(stack, part) for part in kept.parts)):
            Validations.of(construct).acknowledge(*given)


def _bucket_arn(foundation: FoundationStack) -> str:
    """Return the model bucket's ARN as cdk-nag writes what another stack exports."""
    arn = foundation.resolve(foundation.export_value(foundation.models.bucket.bucket_arn))
    return str(arn["Fn::ImportValue"])


def _find(stack: Stack, part: str) -> IConstruct | None:
    found: IConstruct | None = stack
    for construct_id in part.split("/"):
        found = found.node.try_find_child(construct_id) if found else None
    return found
