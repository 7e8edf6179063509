"""`cdk-vllm push` as a job in AWS, so that no large model passes through a laptop."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import aws_cdk as cdk
from aws_cdk import aws_codebuild as codebuild
from aws_cdk import aws_iam as iam
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3_assets as s3_assets
from aws_cdk import aws_secretsmanager as secretsmanager
from constructs import Construct

if TYPE_CHECKING:
    from aws_cdk import aws_kms as kms

    from cdk_vllm.constructs.model_store import ModelStore

_PACKAGE = Path(__file__).resolve().parents[1]
# What `model_store.job` imports of the package; a test runs it with nothing else.
_FILES = ("__init__.py", "errors.py", "model_prefix.py", "model_store")
_PYTHON = "3.12"
_COMPLETE_ARN = re.compile(r"arn:.*-[A-Za-z0-9]{6}")
_HINT_WITHOUT_ACCESS = (
    "store a token in Secrets Manager, name it as hugging_face_token_secret under [model_store] "
    "of the environment file, and deploy the foundation"
)


class PushJob(Construct):
    """A CodeBuild project that puts one model of a Hugging Face hub into a store, when started.

    It runs this package's own code, from an asset, with packages pinned by hash. It may write
    models and nothing else. Whoever may start it can also override what it runs, as with every
    CodeBuild project: `codebuild:StartBuild` on it is as good as writing models and reading the
    token.

    Exposed for what is not foreseen here: `project`, `role`, `log_group`.

    Args:
        scope: the construct this one belongs to.
        construct_id: its id.
        models: the store.
        encryption_key: encrypts log and project; CloudWatch Logs must already be allowed to use it.
        token_secret: name or ARN of a secret whose whole text is a Hugging Face token; default
            none, which is enough for public models.
        compute_type: decides the disk; files lie on it only until they are pushed.
        timeout: of one push; CodeBuild allows 5 minutes to 36 hours, default 8 hours.
        log_retention: of the job's log.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        models: ModelStore,
        encryption_key: kms.IKey,
        token_secret: str | None = None,
        compute_type: codebuild.ComputeType = codebuild.ComputeType.LARGE,
        timeout: cdk.Duration | None = None,
        log_retention: logs.RetentionDays = logs.RetentionDays.THREE_MONTHS,
    ) -> None:
        super().__init__(scope, construct_id)
        self._code = _code(self)
        self.log_group = logs.LogGroup(
            self,
            "Log",
            retention=log_retention,
            encryption_key=encryption_key,
            removal_policy=cdk.RemovalPolicy.DESTROY,
        )
        self.role = self._role()
        models.grant_push(self.role)
        variables = self._variables(models.bucket.bucket_name) | self._token(token_secret)
        self.project = codebuild.Project(
            self,
            "Project",
            description="Pushes a model of a Hugging Face hub into the model store.",
            # CDK adds rights to artifacts and log groups that do not exist.
            role=self.role.without_policy_updates(),
            build_spec=codebuild.BuildSpec.from_object(buildspec()),
            environment=codebuild.BuildEnvironment(
                build_image=codebuild.LinuxBuildImage.STANDARD_7_0,
                compute_type=compute_type,
                privileged=False,
            ),
            environment_variables=variables,
            logging=codebuild.LoggingOptions(
                cloud_watch=codebuild.CloudWatchLoggingOptions(log_group=self.log_group)
            ),
            encryption_key=encryption_key,
            grant_report_group_permissions=False,
            timeout=timeout or cdk.Duration.hours(8),
        )

    def _role(self) -> iam.Role:
        """Return a role that may read the code and write the log."""
        stack = cdk.Stack.of(self)
        role = iam.Role(
            self,
            "Role",
            assumed_by=iam.ServicePrincipal(
                "codebuild.amazonaws.com",
                conditions={"StringEquals": {"aws:SourceAccount": stack.account}},
            ),
            description="Pushes models into the model store.",
        )
        # The owner is a condition because the name of an asset bucket can be guessed.
        role.add_to_policy(
            iam.PolicyStatement(
                actions=["s3:GetObject"],
                resources=[self._code.bucket.arn_for_objects(self._code.s3_object_key)],
                conditions={"StringEquals": {"aws:ResourceAccount": stack.account}},
            )
        )
        self.log_group.grant_write(role)
        return role

    def _variables(self, bucket_name: str) -> dict[str, codebuild.BuildEnvironmentVariable]:
        values = {
            "AWS_ACCOUNT": cdk.Stack.of(self).account,
            "BUCKET": bucket_name,
            "CDK_VLLM_TOKEN_HINT": _HINT_WITHOUT_ACCESS,
            "MODEL": "",
            "REVISION": "main",
            "SOURCE_BUCKET": self._code.s3_bucket_name,
            "SOURCE_KEY": self._code.s3_object_key,
        }
        return {k: codebuild.BuildEnvironmentVariable(value=v) for k, v in values.items()}

    def _token(self, name: str | None) -> dict[str, codebuild.BuildEnvironmentVariable]:
        """Return the variable that CodeBuild fills in; its log shows stars in place of the value.

        Source: AWS CodeBuild User Guide, "Build specification reference", env/secrets-manager.
        """
        if name is None:
            return {}
        _secret(self, name).grant_read(self.role)
        kind = codebuild.BuildEnvironmentVariableType.SECRETS_MANAGER
        return {"HF_TOKEN": codebuild.BuildEnvironmentVariable(value=name, type=kind)}


def buildspec() -> dict[str, object]:
    """Return the build specification: Python, and `push_job.sh`."""
    script = Path(__file__).with_suffix(".sh").read_text(encoding="utf-8")
    return {
        "version": "0.2",
        "env": {"shell": "bash"},
        "phases": {
            "install": {"runtime-versions": {"python": _PYTHON}},
            "build": {"commands": [f"bash -c {shlex.quote(script)}"]},
        },
    }


def _code(scope: Construct) -> s3_assets.Asset:
    """Return the part of this package that pushes; the rest is not even read."""
    kept = [f"!/{name}" for name in _FILES]
    return s3_assets.Asset(
        scope,
        "Code",
        path=str(_PACKAGE),
        exclude=["/*", *kept, "__pycache__"],
        ignore_mode=cdk.IgnoreMode.GIT,
    )


def _secret(scope: Construct, name: str) -> secretsmanager.ISecret:
    if not name.startswith("arn:"):
        return secretsmanager.Secret.from_secret_name_v2(scope, "Token", name)
    if _COMPLETE_ARN.fullmatch(name):
        return secretsmanager.Secret.from_secret_complete_arn(scope, "Token", name)
    return secretsmanager.Secret.from_secret_partial_arn(scope, "Token", name)
