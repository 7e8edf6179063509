"""A token with which an OpenAI client calls a SageMaker endpoint; made here, without a request.

It is a signed address of the action `CallWithBearerToken`, so it can do what its maker can. Source:
Amazon SageMaker AI Developer Guide, "Invoke endpoints with OpenAI-compatible APIs".
"""

from __future__ import annotations

from base64 import b64encode
from typing import TYPE_CHECKING

from botocore.auth import SigV4QueryAuth
from botocore.awsrequest import AWSRequest

from cdk_vllm.errors import CdkVllmError

if TYPE_CHECKING:
    from botocore.credentials import Credentials

HOST = "sagemaker.amazonaws.com"
PREFIX = "sagemaker-api-key-"
SECONDS = 900  # at most 43200


def bearer_token(credentials: Credentials | None, region: str, seconds: int = SECONDS) -> str:
    """Return a token that is good for `seconds`, or as long as the credentials are.

    Raises:
        CdkVllmError: there are no credentials.
    """
    if credentials is None:
        raise CdkVllmError("there are no AWS credentials to make a token of; sign in first")
    action = {"Action": "CallWithBearerToken"}
    request = AWSRequest("POST", f"https://{HOST}/", headers={"host": HOST}, params=action)
    frozen = credentials.get_frozen_credentials()
    SigV4QueryAuth(frozen, "sagemaker", region, expires=seconds).add_auth(request)
    signed = f"{str(request.url).removeprefix('https://')}&Version=1"
    return PREFIX + b64encode(signed.encode()).decode()
