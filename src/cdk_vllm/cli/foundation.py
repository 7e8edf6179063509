"""What the commands read from an environment's deployed foundation, and how they speak to AWS."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from cdk_vllm.errors import CdkVllmError, InputError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mypy_boto3_s3 import S3Client

    from cdk_vllm.environment_file import EnvironmentFile

_CONNECTIONS = 64


def outputs(environment: EnvironmentFile) -> dict[str, str]:
    """Return the outputs of the foundation stack; raises `InputError` where it is not deployed."""
    import boto3  # noqa: PLC0415 - the command starts fast
    from botocore.exceptions import ClientError  # noqa: PLC0415 - as above

    stack = stack_name(environment)
    cloudformation = boto3.client("cloudformation", region_name=environment.region)
    try:
        found = cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    except ClientError as error:
        if "does not exist" not in str(error):
            raise
        raise InputError(
            f"the stack {stack} does not exist in {environment.region}; "
            f"deploy it first: cdk deploy '{environment.name}/foundation'"
        ) from None
    return {output["OutputKey"]: output["OutputValue"] for output in found}


def output(environment: EnvironmentFile, name: str) -> str:
    """Return one output of the foundation stack; raises `InputError` where it has none."""
    values = outputs(environment)
    if name not in values:
        raise InputError(
            f"the stack {stack_name(environment)} has no output {name}; deploy it again: "
            f"cdk deploy '{environment.name}/foundation'"
        )
    return values[name]


def model_bucket(environment: EnvironmentFile) -> str:
    """Return the name of the environment's model store."""
    return output(environment, "ModelBucket")


def stack_name(environment: EnvironmentFile) -> str:
    """Return the name of the environment's foundation stack."""
    return f"{environment.name}-foundation"


def s3_client(environment: EnvironmentFile) -> S3Client:
    """Return a client that keeps a connection for every part on its way."""
    import boto3  # noqa: PLC0415 - as above
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(
        max_pool_connections=_CONNECTIONS, retries={"mode": "standard", "total_max_attempts": 6}
    )
    return boto3.client("s3", region_name=environment.region, config=config)


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Turn what AWS, or the way to it, refuses into one sentence that begins with `what`."""
    from boto3.exceptions import Boto3Error  # noqa: PLC0415 - as above
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - as above

    try:
        yield
    except (Boto3Error, BotoCoreError, ClientError) as error:
        raise CdkVllmError(f"AWS refused {what}: {error}") from None
