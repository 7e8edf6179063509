"""An independent read of a rehearsed deployment, through each service's own API."""

from __future__ import annotations

from cdk_vllm.embedded_aws.readback.outcome import Outcome, ResourceReadBack, StackReadBack
from cdk_vllm.embedded_aws.readback.stack import exists, read_back, reader_types

__all__ = [
    "Outcome",
    "ResourceReadBack",
    "StackReadBack",
    "exists",
    "read_back",
    "reader_types",
]
