"""Errors are sentences with exit codes; near misses are offered."""

from __future__ import annotations

from cdk_vllm.errors import CdkVllmError, InputError, PlanError, RehearsalError, nearest


def test_every_kind_of_error_has_its_own_exit_code() -> None:
    kinds = (CdkVllmError, InputError, PlanError, RehearsalError)
    assert len({kind.exit_code for kind in kinds}) == len(kinds)
    assert all(kind.exit_code != 0 for kind in kinds)


def test_a_near_miss_is_offered_and_a_far_one_is_not() -> None:
    assert nearest("regoin", ["region", "account"]) == ' Did you mean "region"?'
    assert nearest("zzz", ["region", "account"]) == ""
