"""Who read a model and who asked an endpoint: kept for years, and no word of what was asked."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudtrail as cloudtrail
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence


class Audit(Construct):
    """A trail of the data events of `bucket`, and of all invocations of this region's endpoints.

    Such an event holds the caller, the time and the resource, never a body: prompts and answers are
    in none. Files are signed, encrypted and kept for `retention`, in a bucket that outlives its
    stack and whose own accesses go to `log_bucket`. Management events are left to the account's
    own trail. CloudTrail charges for data events by their number.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        bucket: s3.IBucket,
        log_bucket: s3.IBucket,
        retention: Duration | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        stack = Stack.of(self)
        self._name = f"{stack.stack_name}-audit"
        self._arn = (
            f"arn:{stack.partition}:cloudtrail:{stack.region}:{stack.account}:trail/{self._name}"
        )
        self.key = self._key()
        self.bucket = self._bucket(log_bucket, retention or Duration.days(400))
        self.trail = self._trail(bucket)

    def _key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description="Encrypts the audit trail",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.RETAIN,
        )
        self._let_trail(key, ["kms:GenerateDataKey*", "kms:DescribeKey"])
        return key

    def _let_trail(self, key: kms.Key, actions: list[str]) -> None:
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal("cloudtrail.amazonaws.com")],
                actions=actions,
                resources=["*"],
                conditions={"StringEquals": {"aws:SourceArn": self._arn}},
            )
        )

    def _bucket(self, log_bucket: s3.IBucket, retention: Duration) -> s3.Bucket:
        bucket = s3.Bucket(
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
                    expiration=retention,
                    noncurrent_version_expiration=Duration.days(30),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
        )
        # On the resource, because the construct's own property works only under a feature flag.
        resource = bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=log_bucket.bucket_name, log_file_prefix="s3/audit/"
        )
        resource.node.add_dependency(log_bucket)
        account = Stack.of(self).account
        for action, resource_arn in (
            ("s3:GetBucketAcl", bucket.bucket_arn),
            ("s3:PutObject", bucket.arn_for_objects(f"AWSLogs/{account}/*")),
        ):
            bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[iam.ServicePrincipal("cloudtrail.amazonaws.com")],
                    actions=[action],
                    resources=[resource_arn],
                    conditions={"StringEquals": {"aws:SourceArn": self._arn}},
                )
            )
        return bucket

    def _trail(self, audited: s3.IBucket) -> cloudtrail.CfnTrail:
        data = _field("eventCategory", equal_to=["Data"])
        objects = _field("resources.type", equal_to=["AWS::S3::Object"])
        endpoints = _field("resources.type", equal_to=["AWS::SageMaker::Endpoint"])
        selector = cloudtrail.CfnTrail.AdvancedEventSelectorProperty
        trail = cloudtrail.CfnTrail(
            self,
            "Trail",
            trail_name=self._name,
            s3_bucket_name=self.bucket.bucket_name,
            kms_key_id=self.key.key_arn,
            is_logging=True,
            is_multi_region_trail=False,
            include_global_service_events=False,
            enable_log_file_validation=True,
            advanced_event_selectors=[
                selector(
                    name="Models",
                    field_selectors=[
                        data,
                        objects,
                        _field("resources.ARN", starts_with=[audited.arn_for_objects("")]),
                    ],
                ),
                selector(name="Invocations", field_selectors=[data, endpoints]),
            ],
        )
        policy = self.bucket.policy
        assert policy is not None
        trail.node.add_dependency(policy)
        return trail


def _field(
    name: str, *, equal_to: Sequence[str] | None = None, starts_with: Sequence[str] | None = None
) -> cloudtrail.CfnTrail.AdvancedFieldSelectorProperty:
    return cloudtrail.CfnTrail.AdvancedFieldSelectorProperty(
        field=name,
        equal_to=list(equal_to) if equal_to else None,
        starts_with=list(starts_with) if starts_with else None,
    )
