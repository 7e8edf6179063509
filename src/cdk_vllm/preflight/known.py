"""Turns a question that AWS will not answer into a fact that is unknown, with the reason."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from botocore.exceptions import BotoCoreError, ClientError

from cdk_vllm.preflight.facts import Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def known(ask: Callable[[], T]) -> T | Unknown:
    """Return what `ask` returns, or why AWS did not say."""
    try:
        return ask()
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "an error")
        return Unknown(f"AWS answered {error.operation_name} with {code}")
    except BotoCoreError as error:
        return Unknown(" ".join(str(error).split()))
