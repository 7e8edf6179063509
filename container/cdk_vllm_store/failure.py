"""Failures as one sentence each: what is wrong, where, and the likely fix."""

from __future__ import annotations

from typing import Any

_CREDENTIALS = "S3 does not accept the credentials; give valid ones"
_DENIED = (
    "access denied to {operation}; allow the task role s3:GetObject on this prefix, and "
    "s3:ListBucket on the bucket for it"
)
_ELSEWHERE = (
    "the bucket is in another region than AWS_REGION says; give the service and the bucket one "
    "region"
)
_MISSING = {"404", "NoSuchKey", "NotFound"}
# Source: Amazon S3 API Reference, "Error responses"; a HEAD has its status for a code.
_MEANINGS = {
    "301": _ELSEWHERE,
    "403": _DENIED,
    "AccessDenied": _DENIED,
    "AllAccessDisabled": _DENIED,
    "AuthorizationHeaderMalformed": _ELSEWHERE,
    "ExpiredToken": _CREDENTIALS,
    "Forbidden": _DENIED,
    "IllegalLocationConstraintException": _ELSEWHERE,
    "InvalidAccessKeyId": _CREDENTIALS,
    "InvalidToken": _CREDENTIALS,
    "NoSuchBucket": "there is no bucket {bucket}; deploy the foundation stack, or correct the name",
    "PermanentRedirect": _ELSEWHERE,
    "RequestTimeTooSkewed": "the clock of this machine is wrong, so S3 refuses requests; set it",
    "SignatureDoesNotMatch": _CREDENTIALS,
}


class PrepareError(Exception):
    """A sentence for whoever reads the container's log."""


class StoreError(PrepareError):
    """What S3 refused, or that it did not answer: nothing is wrong with what was asked for."""


def is_missing(error: Any) -> bool:
    """Return whether an error of boto3 says that there is no such object."""
    return _code(error) in _MISSING


def sentence(error: Any, where: str) -> StoreError:
    """Return the failure that an error of boto3 means, met at `where`, an `s3://` address.

    What is no answer of S3 (no credentials, no route) has no code and is told apart by its class.
    """
    code, said = _code(error), " ".join(str(error).split()).rstrip(".")
    if code in _MEANINGS and "kms" in said.lower():
        meaning = "the key of the bucket denies {operation}; allow the task role kms:Decrypt on it"
    elif code:
        meaning = _MEANINGS.get(code, "S3 refused the request ({said}); try again")
    elif "Credential" in type(error).__name__:
        meaning = "no AWS credentials were found; give the task a task role"
    else:
        meaning = (
            "S3 cannot be reached ({said}); the subnet needs the S3 gateway endpoint or a NAT "
            "gateway, and the security group HTTPS out"
        )
    operation = getattr(error, "operation_name", "the request")
    bucket = where.split("/")[2]
    return StoreError(f"{where}: {meaning.format(operation=operation, bucket=bucket, said=said)}")


def _code(error: Any) -> str:
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code", ""))
