"""The committed availability is what the tool writes from the pinned cfn-lint."""

from __future__ import annotations

from tools import refresh_availability


def test_the_committed_file_is_the_tools_own() -> None:
    committed = refresh_availability.TARGET.read_text(encoding="utf-8")
    assert committed == refresh_availability.availability_file()
