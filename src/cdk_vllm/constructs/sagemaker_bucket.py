"""A bucket for what users asked and were told: encrypted, logged, and emptied after days."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_sagemaker as sagemaker


class SageMakerBucket(Construct):
    """A bucket under a rotating KMS key of its own; what lies in it expires after `days`."""

    def __init__(
        self, scope: Construct, construct_id: str, *, log_bucket: s3.IBucket, days: int
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts what users asked and were told",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self.bucket = s3.Bucket(
            self,
            "Bucket",
            encryption=s3.BucketEncryption.KMS,
            encryption_key=self.key,
            bucket_key_enabled=True,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            minimum_tls_version=1.2,
            versioned=True,
            removal_policy=RemovalPolicy.RETAIN,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=Duration.days(days),
                    noncurrent_version_expiration=Duration.days(1),
                    abort_incomplete_multipart_upload_after=Duration.days(1),
                )
            ],
        )
        # On the resource, because the construct's own property works only under a feature flag.
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=log_bucket.bucket_name, log_file_prefix="s3/sagemaker/"
        )
        resource.node.add_dependency(log_bucket)

    def grant(self, grantee: iam.IGrantable, action: str, prefix: str) -> None:
        """Allow one action below one prefix."""
        iam.Grant.add_to_principal(
            grantee=grantee, actions=[action], resource_arns=[self.bucket.arn_for_objects(prefix)]
        )

    def grant_key(self, grantee: iam.IGrantable, *services: str) -> None:
        """Allow the key, through these services only."""
        stack = Stack.of(self)
        through = [f"{service}.{stack.region}.{stack.url_suffix}" for service in services]
        iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["kms:Decrypt", "kms:GenerateDataKey"],
            resource_arns=[self.key.key_arn],
            conditions={"StringEquals": {"kms:ViaService": through}},
        )


class CapturedData(Construct):
    """Prompts and answers of an endpoint, written down: only where somebody asked for it.

    `percent` of the requests, encrypted, below `captured/`, gone after `days`.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_bucket: s3.IBucket,
        percent: int = 100,
        days: int = 30,
    ) -> None:
        super().__init__(scope, construct_id)
        self._percent = percent
        self._store = SageMakerBucket(self, "Store", log_bucket=log_bucket, days=days)
        self.bucket, self.key = self._store.bucket, self._store.key

    def config(
        self, kind: type[sagemaker.CfnEndpointConfig]
    ) -> sagemaker.CfnEndpointConfig.DataCaptureConfigProperty:
        """Return what is captured, of how many requests, and where it goes."""
        both = [kind.CaptureOptionProperty(capture_mode=mode) for mode in ("Input", "Output")]
        return kind.DataCaptureConfigProperty(
            enable_capture=True,
            initial_sampling_percentage=self._percent,
            destination_s3_uri=f"s3://{self.bucket.bucket_name}/captured/",
            kms_key_id=self.key.key_arn,
            capture_options=both,
            capture_content_type_header=kind.CaptureContentTypeHeaderProperty(
                json_content_types=["application/json"]
            ),
        )

    def grant_serve(self, role: iam.IGrantable) -> None:
        """Let an endpoint's role write what it captures."""
        self._store.grant(role, "s3:PutObject", "captured/*")
        self._store.grant_key(role, "s3")
