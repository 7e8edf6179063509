"""A question that AWS does not answer is a fact that is unknown, never a traceback."""

from __future__ import annotations

from typing import NoReturn

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError

from cdk_vllm.preflight.facts import Unknown
from cdk_vllm.preflight.known import known


def denied() -> NoReturn:
    raise ClientError({"Error": {"Code": "AccessDenied", "Message": "no"}}, "GetServiceQuota")


def unreachable() -> NoReturn:
    raise EndpointConnectionError(endpoint_url="https://ec2.example")


def test_an_answer_is_passed_on() -> None:
    assert known(lambda: 7) == 7


def test_a_refusal_says_which_question_was_refused() -> None:
    assert known(denied) == Unknown("AWS answered GetServiceQuota with AccessDenied")


def test_an_unreachable_service_is_said_in_one_line() -> None:
    fact = known(unreachable)
    assert isinstance(fact, Unknown)
    assert "ec2.example" in fact.reason
    assert "\n" not in fact.reason


def test_a_mistake_of_our_own_is_not_hidden() -> None:
    with pytest.raises(ZeroDivisionError):
        known(lambda: 1 // 0)
