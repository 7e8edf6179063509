"""What a read-back found out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Outcome: TypeAlias = Literal["served", "recorded", "skipped"]


@dataclass(frozen=True)
class ResourceReadBack:
    """One resource of a template, and what an independent read made of it.

    `served`: its own service returned it, with every listed property as the template says.
    `recorded`: its type is in the committed list of types that are accepted but not emulated.
    `skipped`: anything else. `detail` is one sentence that says why; `properties_checked` counts
    the template's top-level properties that were compared. `properties` holds the resolved ones, so
    that `exists` can look for a part of another resource; they are left out of every text.
    """

    logical_id: str
    resource_type: str
    physical_id: str
    outcome: Outcome
    detail: str
    properties_checked: int
    properties: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)


@dataclass(frozen=True)
class StackReadBack:
    """Every resource of a stack's template whose condition holds."""

    stack_name: str
    resources: tuple[ResourceReadBack, ...]

    @property
    def served(self) -> int:
        """How many resources were served."""
        return len(self.of("served"))

    @property
    def recorded(self) -> int:
        """How many resources were recorded."""
        return len(self.of("recorded"))

    @property
    def skipped(self) -> int:
        """How many resources were skipped."""
        return len(self.of("skipped"))

    def of(self, outcome: Outcome) -> tuple[ResourceReadBack, ...]:
        """Return the resources with this outcome."""
        return tuple(resource for resource in self.resources if resource.outcome == outcome)
