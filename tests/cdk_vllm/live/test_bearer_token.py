"""The token has the form that SageMaker reads, and holds no secret."""

from __future__ import annotations

from base64 import b64decode
from urllib.parse import parse_qs, urlsplit

import pytest
from botocore.credentials import Credentials

from cdk_vllm.errors import CdkVllmError
from cdk_vllm.live.bearer_token import PREFIX, bearer_token


def test_a_token_is_a_signed_address() -> None:
    token = bearer_token(Credentials("AKID", "secret-key", "session"), "eu-central-1", 60)
    signed = b64decode(token.removeprefix(PREFIX), validate=True).decode()
    assert signed.startswith("sagemaker.amazonaws.com/?")
    assert signed.endswith("&Version=1")
    told = parse_qs(urlsplit(f"https://{signed}").query)
    assert told["Action"] == ["CallWithBearerToken"]
    assert told["X-Amz-Expires"] == ["60"]
    assert told["X-Amz-Security-Token"] == ["session"]
    (scope,) = told["X-Amz-Credential"]
    assert scope.startswith("AKID/")
    assert scope.endswith("/eu-central-1/sagemaker/aws4_request")
    assert "secret-key" not in signed


def test_without_credentials_there_is_none() -> None:
    with pytest.raises(CdkVllmError, match="no AWS credentials"):
        bearer_token(None, "us-east-1")
