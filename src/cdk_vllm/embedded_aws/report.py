"""What a rehearsal found: every resource read back, every check, and how long it took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from cdk_vllm.embedded_aws.readback import StackReadBack


@dataclass(frozen=True)
class Check:
    """One thing that was looked at; `detail` says what was found."""

    name: str
    passed: bool
    detail: str = ""


@dataclass(frozen=True)
class RehearsalReport:
    """The last read-back of each stack, the checks in order, and the wall time in seconds."""

    stacks: tuple[StackReadBack, ...]
    checks: tuple[Check, ...]
    seconds: float

    @property
    def failures(self) -> tuple[str, ...]:
        """One sentence for every check that failed and every resource that was skipped."""
        skipped = tuple(
            f"{stack.stack_name}: {resource.detail}"
            for stack in self.stacks
            for resource in stack.resources
            if resource.outcome == "skipped"
        )
        failed = tuple(f"{c.name}: {c.detail}" for c in self.checks if not c.passed)
        return skipped + failed

    @property
    def passed(self) -> bool:
        """Whether nothing was skipped and every check passed."""
        return not self.failures
