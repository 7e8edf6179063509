"""The units of deployment: one foundation for an environment, and one stack for each service."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Protocol

from stacks.foundation import FoundationStack

if TYPE_CHECKING:
    from aws_cdk import Stack
    from constructs import Construct

    from cdk_vllm.environment_file import Service
    from cdk_vllm.sizing import ServingPlan

__all__ = ["FoundationStack", "service_stack"]

_STACKS = {"ecs": ("stacks.ecs", "EcsStack"), "sagemaker": ("stacks.sagemaker", "SageMakerStack")}


class ServiceStack(Protocol):
    """How `app.py` makes a stack of either kind."""

    def __call__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        service: Service,
        plan: ServingPlan,
        foundation: FoundationStack,
    ) -> Stack:
        """Make the stack of one service."""


def service_stack(backend: str) -> ServiceStack:
    """Return the stack for a backend; an app without SageMaker never imports it."""
    module, name = _STACKS[backend]
    stack: ServiceStack = getattr(import_module(module), name)
    return stack
