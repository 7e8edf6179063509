"""The bucket that holds model weights, one immutable prefix per model and revision."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from constructs import Construct

from cdk_vllm.model_prefix import ADAPTERS, MODELS, adapter_prefix, model_prefix

if TYPE_CHECKING:
    from aws_cdk import aws_ec2 as ec2

_PUSH = ["s3:AbortMultipartUpload", "s3:DeleteObject", "s3:GetObject", "s3:PutObject"]


class ModelStore(Construct):
    """A versioned bucket under a rotating KMS key; both outlive their stack.

    Who can write below a model's prefix decides what runs on the GPUs: `cdk-vllm push` uses the
    caller's own permissions, and `grant_push` is for the job that does the same.
    `s3_prefix_list_id` is AWS's list of S3's addresses in the region; with it, what reads the
    store is let out to S3 alone.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_bucket: s3.IBucket,
        s3_prefix_list_id: str | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._s3_prefix_list_id = s3_prefix_list_id
        self.key = kms.Key(
            self,
            "Key",
            description="Encrypts model weights",
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
                    noncurrent_version_expiration=Duration.days(30),
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
        )
        self._log_access(log_bucket)

    def model_uri(self, model: str, revision: str) -> str:
        """Return `s3://BUCKET/models/ORG/NAME/REVISION/`; the slash at the end is part of it."""
        return f"s3://{self.bucket.bucket_name}/{model_prefix(model, revision)}"

    def adapter_uri(self, service: str, name: str, version: str) -> str:
        """Return `s3://BUCKET/adapters/SERVICE/NAME/VERSION/`."""
        return f"s3://{self.bucket.bucket_name}/{adapter_prefix(service, name, version)}"

    def adapters_uri(self, service: str) -> str:
        """Return `s3://BUCKET/adapters/SERVICE/`, where a service's adapters are registered."""
        return f"s3://{self.bucket.bucket_name}/{ADAPTERS}{service}/"

    @property
    def network_peer(self) -> ec2.IPeer:
        """Where S3 is: AWS's prefix list, or any address where nobody gave it."""
        # Who only stores models need not load all of EC2.
        from aws_cdk import aws_ec2 as ec2  # noqa: PLC0415

        if self._s3_prefix_list_id:
            return ec2.Peer.prefix_list(self._s3_prefix_list_id)
        return ec2.Peer.any_ipv4()

    def grant_read_adapters(self, grantee: iam.IGrantable, service: str) -> iam.Grant:
        """Let `grantee` list and read the adapters of one service, and decrypt them through S3."""
        return self._grant_read(grantee, f"{ADAPTERS}{service}/")

    def grant_read(self, grantee: iam.IGrantable, model: str, revision: str) -> iam.Grant:
        """Let `grantee` list and read one revision of one model, and decrypt it through S3.

        Written by hand because `Bucket.grant_read` allows `s3:GetObject*`, `s3:GetBucket*` and
        `s3:List*` on the whole bucket.
        """
        return self._grant_read(grantee, model_prefix(model, revision))

    def _grant_read(self, grantee: iam.IGrantable, prefix: str) -> iam.Grant:
        objects = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:GetObject"],
            resource_arns=[self.bucket.arn_for_objects(f"{prefix}*")],
        )
        listing = iam.Grant.add_to_principal(
            grantee=grantee,
            actions=["s3:ListBucket"],
            resource_arns=[self.bucket.bucket_arn],
            conditions={"StringLike": {"s3:prefix": [f"{prefix}*"]}},
        )
        return objects.combine(listing).combine(self._grant_decrypt(grantee))

    def grant_push(self, role: iam.IRole) -> iam.Grant:
        """Let `role` put, read again and delete models, and nothing else of the bucket.

        The bucket's own policy says so: it is where one looks for who can change what runs.
        A delete leaves the version, which can be brought back.
        """
        principal = iam.ArnPrincipal(role.role_arn)
        for actions, resource, conditions in (
            (_PUSH, self.bucket.arn_for_objects(f"{MODELS}*"), {}),
            (["s3:ListBucket"], self.bucket.bucket_arn, {"s3:prefix": f"{MODELS}*"}),
        ):
            self.bucket.add_to_resource_policy(
                iam.PolicyStatement(
                    principals=[principal],
                    actions=actions,
                    resources=[resource],
                    conditions={"StringLike": conditions} if conditions else {},
                )
            )
        return self._grant_key(role, ["kms:Decrypt", "kms:GenerateDataKey"])

    def _grant_decrypt(self, grantee: iam.IGrantable) -> iam.Grant:
        return self._grant_key(grantee, ["kms:Decrypt"])

    def _grant_key(self, grantee: iam.IGrantable, actions: list[str]) -> iam.Grant:
        """Allow the key's use for S3's sake only."""
        stack = Stack.of(self)
        return iam.Grant.add_to_principal(
            grantee=grantee,
            actions=actions,
            resource_arns=[self.key.key_arn],
            conditions={
                "StringEquals": {"kms:ViaService": f"s3.{stack.region}.{stack.url_suffix}"}
            },
        )

    def _log_access(self, log_bucket: s3.IBucket) -> None:
        # On the resource, because the construct's own property works only under a feature flag.
        resource = self.bucket.node.default_child
        assert isinstance(resource, s3.CfnBucket)
        resource.logging_configuration = s3.CfnBucket.LoggingConfigurationProperty(
            destination_bucket_name=log_bucket.bucket_name, log_file_prefix="s3/models/"
        )
        resource.node.add_dependency(log_bucket)
