"""The answers of a SageMaker endpoint that are too long to wait for: through S3, within an hour."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sagemaker as sagemaker
from aws_cdk import aws_sns as sns
from constructs import Construct

from cdk_vllm.constructs.sagemaker_bucket import SageMakerBucket
from cdk_vllm.errors import InputError

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3

    from cdk_vllm.sizing import ServingPlan

MOST_INVOCATIONS = 1000  # SageMaker's limit of what one instance works at at once

_Kind = sagemaker.CfnEndpointConfig


class AsynchronousAnswers(Construct):
    """Requests and answers of `InvokeEndpointAsync` in one encrypted bucket, gone after `days`.

    Requests are put below `requests/`, answers come below `answers/`. `succeeded` and `failed` are
    told of each; both are encrypted with the bucket's key.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, log_bucket: s3.IBucket, days: int = 7
    ) -> None:
        super().__init__(scope, construct_id)
        store = SageMakerBucket(self, "Store", log_bucket=log_bucket, days=days)
        self.bucket, self.key = store.bucket, store.key
        self.succeeded = sns.Topic(self, "Succeeded", master_key=self.key, enforce_ssl=True)
        self.failed = sns.Topic(self, "Failed", master_key=self.key, enforce_ssl=True)
        self._store = store

    def config(self, plan: ServingPlan) -> sagemaker.CfnEndpointConfig.AsyncInferenceConfigProperty:
        """Return where answers go, and how many requests one instance works at at once."""
        bucket = self.bucket.bucket_name
        return _Kind.AsyncInferenceConfigProperty(
            client_config=_Kind.AsyncInferenceClientConfigProperty(
                max_concurrent_invocations_per_instance=min(
                    MOST_INVOCATIONS, int(plan.engine_args["max_num_seqs"])
                )
            ),
            output_config=_Kind.AsyncInferenceOutputConfigProperty(
                kms_key_id=self.key.key_arn,
                s3_output_path=f"s3://{bucket}/answers/",
                s3_failure_path=f"s3://{bucket}/answers/failed/",
                notification_config=_Kind.AsyncInferenceNotificationConfigProperty(
                    success_topic=self.succeeded.topic_arn, error_topic=self.failed.topic_arn
                ),
            ),
        )

    def grant_serve(self, role: iam.IGrantable) -> None:
        """Let an endpoint's role read requests, write answers, and tell of them."""
        self._store.grant(role, "s3:GetObject", "requests/*")
        self._store.grant(role, "s3:PutObject", "answers/*")
        iam.Grant.add_to_principal(
            grantee=role,
            actions=["sns:Publish"],
            resource_arns=[self.succeeded.topic_arn, self.failed.topic_arn],
        )
        self._store.grant_key(role, "s3", "sns")

    def grant_ask(self, grantee: iam.IGrantable) -> None:
        """Let a caller put requests and read answers; `grant_invoke` lets it call."""
        self._store.grant(grantee, "s3:PutObject", "requests/*")
        self._store.grant(grantee, "s3:GetObject", "answers/*")
        self._store.grant_key(grantee, "s3")


def check_answers(plan: ServingPlan, asynchronous: AsynchronousAnswers | None) -> None:
    """Raise `InputError` where the plan and its endpoint differ about how callers wait.

    How long an answer may take follows from it: `cdk_vllm.sizing.timeouts_for` refuses longer ones.
    """
    if plan.request.asynchronous and asynchronous is None:
        raise InputError(
            f"{plan.request.model} is planned with asynchronous = true; give asynchronous="
            "AsynchronousAnswers(...), or plan it without"
        )
    if asynchronous is not None and not plan.request.asynchronous:
        raise InputError(
            f"asynchronous is given, and {plan.request.model} is planned without; plan it with "
            "asynchronous = true, or leave it out"
        )
