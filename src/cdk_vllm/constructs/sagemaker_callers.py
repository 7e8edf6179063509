"""Who may call a SageMaker endpoint, and where OpenAI clients find it.

Source: Amazon SageMaker AI Developer Guide, "Invoke endpoints with OpenAI-compatible APIs".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_iam as iam

if TYPE_CHECKING:
    from collections.abc import Sequence

    from constructs import Construct

WHOLE_OR_STREAMED = ("sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream")


def endpoint_arn(scope: Construct, endpoint_name: str) -> str:
    """Return an endpoint's ARN before there is one."""
    return _arn(scope, f"endpoint/{endpoint_name}")


def component_arn(scope: Construct, component_name: str) -> str:
    """Return an inference component's ARN before there is one."""
    return _arn(scope, f"inference-component/{component_name}")


def openai_base_url(scope: Construct, endpoint_name: str, component_name: str = "") -> str:
    """Return the base URL for OpenAI clients of an endpoint, or of one component on it."""
    stack = Stack.of(scope)
    host = f"runtime.sagemaker.{stack.region}.{stack.url_suffix}"
    part = f"/inference-components/{component_name}" if component_name else ""
    return f"https://{host}/endpoints/{endpoint_name}{part}/openai/v1"


def grant_call(grantee: iam.IGrantable, arns: Sequence[str], *actions: str) -> iam.Grant:
    """Allow actions on an endpoint, and on a component where one is called."""
    return iam.Grant.add_to_principal(
        grantee=grantee, actions=list(actions), resource_arns=list(arns)
    )


def grant_bearer_tokens(grantee: iam.IGrantable, arns: Sequence[str]) -> iam.Grant:
    """Allow tokens for OpenAI clients: the action knows no resource, what they reach is `arns`."""
    token = grant_call(grantee, ["*"], "sagemaker:CallWithBearerToken")
    return grant_call(grantee, arns, *WHOLE_OR_STREAMED).combine(token)


def _arn(scope: Construct, resource: str) -> str:
    stack = Stack.of(scope)
    return f"arn:{stack.partition}:sagemaker:{stack.region}:{stack.account}:{resource}"
