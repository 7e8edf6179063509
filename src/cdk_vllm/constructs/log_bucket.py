"""The bucket that AWS services write their logs to: S3 access, load balancer and VPC flow logs."""

from __future__ import annotations

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_s3 as s3
from constructs import Construct


class LogBucket(Construct):
    """A bucket whose policy lets the log services of this account write, and nobody else.

    Encrypted with S3's own key, because Application Load Balancers cannot write to a bucket
    encrypted with KMS. Objects expire after `expiration` (default: a year). The bucket outlives
    its stack.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, expiration: Duration | None = None
    ) -> None:
        super().__init__(scope, construct_id)
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=expiration or Duration.days(365),
                    noncurrent_version_expiration=Duration.days(30),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
        )
        of_this_account = {"StringEquals": {"aws:SourceAccount": Stack.of(self).account}}
        self._let("logging.s3.amazonaws.com", "s3:PutObject", "s3/*", of_this_account)
        self._let("delivery.logs.amazonaws.com", "s3:PutObject", "vpc/AWSLogs/*", of_this_account)
        for action in ("s3:GetBucketAcl", "s3:ListBucket"):
            self._let("delivery.logs.amazonaws.com", action, None, of_this_account)
        # Load balancers name their account in the key only: PREFIX/AWSLogs/ACCOUNT.
        account = Stack.of(self).account
        keys = f"alb/*/AWSLogs/{account}/*"
        self._let("logdelivery.elasticloadbalancing.amazonaws.com", "s3:PutObject", keys, None)

    def _let(
        self,
        service: str,
        action: str,
        keys: str | None,
        conditions: dict[str, dict[str, str]] | None,
    ) -> None:
        self.bucket.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(service)],
                actions=[action],
                resources=[self.bucket.arn_for_objects(keys) if keys else self.bucket.bucket_arn],
                conditions=conditions,
            )
        )
