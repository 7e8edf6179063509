"""A version of vLLM, and what changed with it."""

from __future__ import annotations

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.engine_version import parse_version, profiling


@pytest.mark.parametrize(
    ("text", "version"),
    [("0.33.0", (0, 33)), ("v0.8.5", (0, 8)), ("0.28.1rc1.dev580", (0, 28)), ("0.23", (0, 23))],
)
def test_versions(text: str, version: tuple[int, int]) -> None:
    assert parse_version(text) == version


@pytest.mark.parametrize("text", ["", "latest", "0", "zero.eleven", "1234.5.6"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="is not a version of vLLM"):
        parse_version(text)


def test_sampling_got_cheaper_and_graphs_were_charged() -> None:
    old, middle, new = (profiling((0, minor)) for minor in (11, 15, 33))
    assert old.sampler_bytes_per_logit > middle.sampler_bytes_per_logit
    assert middle.sampler_bytes_per_logit > new.sampler_bytes_per_logit
    assert (old.subtracts_graphs, new.subtracts_graphs) == (False, True)
    assert (old.state_bytes_per_logit, new.state_bytes_per_logit) == (0, 4.125)
