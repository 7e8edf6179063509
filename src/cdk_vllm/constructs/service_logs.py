"""One service's log group, encrypted with a key of its own."""

from __future__ import annotations

from aws_cdk import RemovalPolicy, Stack
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_logs as logs
from constructs import Construct


class ServiceLogs(Construct):
    """A log group with `retention` (default: three months) under a rotating KMS key.

    `log_group_name` is for services that insist on a name, as SageMaker does; otherwise
    CloudFormation names it. Group and key go with their stack: the key can be recovered for 30
    days, and without it the logs could not be read anyway.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        log_group_name: str | None = None,
        retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS,
    ) -> None:
        super().__init__(scope, construct_id)
        self.key = self._key(log_group_name or "*")
        self.log_group = logs.LogGroup(
            self,
            "LogGroup",
            log_group_name=log_group_name,
            retention=retention,
            encryption_key=self.key,
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _key(self, log_group_name: str) -> kms.Key:
        stack = Stack.of(self)
        key = kms.Key(
            self,
            "Key",
            description="Encrypts one service's logs",
            enable_key_rotation=True,
            removal_policy=RemovalPolicy.DESTROY,
        )
        log_groups = (
            f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:{log_group_name}"
        )
        key.add_to_resource_policy(
            iam.PolicyStatement(
                principals=[iam.ServicePrincipal(f"logs.{stack.region}.{stack.url_suffix}")],
                actions=[
                    "kms:Decrypt",
                    "kms:DescribeKey",
                    "kms:Encrypt",
                    "kms:GenerateDataKey*",
                    "kms:ReEncrypt*",
                ],
                resources=["*"],
                conditions={"ArnLike": {"kms:EncryptionContext:aws:logs:arn": log_groups}},
            )
        )
        return key
