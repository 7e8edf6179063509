"""The AwsSolutions rules of cdk-nag find nothing that is not acknowledged with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import cdk_nag

from stacks.acknowledgements import KEPT

if TYPE_CHECKING:
    from collections.abc import Callable

DOCUMENT = Path(__file__).parents[2] / "docs" / "decisions" / "nag-acknowledgements.md"


def test_aws_solutions_finds_nothing_else(synthesize: Callable[..., Path], tmp_path: Path) -> None:
    # `synth` raises with the findings where there are any.
    synthesize(tmp_path, cdk_nag.AwsSolutionsChecks())
    assert list(tmp_path.glob("assembly-*"))


def test_acknowledgements_are_few_and_have_reasons() -> None:
    assert len(KEPT) <= 10
    assert all(len(kept.reason) >= 40 for kept in KEPT)


def test_the_document_lists_every_acknowledgement() -> None:
    text = " ".join(DOCUMENT.read_text(encoding="utf-8").split())
    for kept in KEPT:
        assert kept.reason in text
        assert all(f"`{part}`" in text for part in kept.parts)
