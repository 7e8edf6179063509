"""Whatever an environment file says, it deploys without a finding or is refused in a sentence.

`make test` draws a few; `make test-generated` draws hundreds. The draws are the same every time.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import tomlkit
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.generated.environments import environments
from tests.generated.judges import outcome

ANY_EXAMPLES = int(os.environ.get("CDK_VLLM_GENERATED_ANY", "25"))
SAGEMAKER_EXAMPLES = int(os.environ.get("CDK_VLLM_GENERATED_SAGEMAKER", "15"))
SEED = 20261121
LONGEST_SENTENCE = 900

seen: Counter[str] = Counter()


def drawn(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        # A failure is shown as it was drawn: making it smaller takes a synthesis a step.
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def judge(environment: dict[str, Any]) -> None:
    refusal, faults = outcome(environment)
    seen["refused" if refusal else "synthesized"] += 1
    assert faults == []
    if refusal:
        assert "\n" not in refusal
        assert len(refusal) < LONGEST_SENTENCE
        assert not re.search(r"Traceback|Error\(|<class|object at 0x", refusal)


@seed(SEED)
@drawn(ANY_EXAMPLES)
@given(environments())
def test_any_environment(environment: dict[str, Any]) -> None:
    judge(environment)


@seed(SEED)
@drawn(SAGEMAKER_EXAMPLES)
@given(environments("sagemaker"))
def test_any_environment_on_sagemaker(environment: dict[str, Any]) -> None:
    judge(environment)


def test_everything_at_once() -> None:
    """Nearly every key that goes together with the others, on both backends."""
    text = Path(__file__).with_name("everything.toml").read_text(encoding="utf-8")
    refusal, faults = outcome(tomlkit.parse(text).unwrap())
    assert (refusal, faults) == ("", [])


def test_both_ends_were_seen() -> None:
    if not seen:
        pytest.fail("run the whole file: this counts what the tests above it drew")
    assert min(seen["refused"], seen["synthesized"]) >= sum(seen.values()) // 10, seen
    print(f"{seen['synthesized']} synthesized, {seen['refused']} refused")  # noqa: T201
