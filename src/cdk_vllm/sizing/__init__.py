"""Pure rules from a model and a workload to a `ServingPlan`; the standard library only.

>>> from cdk_vllm.sizing import legal_tensor_parallel_sizes, model_shape
>>> legal_tensor_parallel_sizes(model_shape("Qwen/Qwen2.5-7B-Instruct"))
(1, 2, 4)
"""

from __future__ import annotations

from cdk_vllm.sizing.candidates import Candidate, candidates_of
from cdk_vllm.sizing.choose import choose
from cdk_vllm.sizing.engine_args import to_flags
from cdk_vllm.sizing.fallbacks import fallback_instance_types
from cdk_vllm.sizing.fits import fits
from cdk_vllm.sizing.host_memory import container_memory_gib
from cdk_vllm.sizing.lookup import model_shape
from cdk_vllm.sizing.options import validate_engine_options
from cdk_vllm.sizing.parallelism import legal_tensor_parallel_sizes
from cdk_vllm.sizing.plan import (
    Alternative,
    EngineValue,
    MemoryPerGpu,
    ModelShape,
    Peak,
    PriceSource,
    Rejection,
    SecondsRange,
    ServingPlan,
    ServingRequest,
    Workload,
    from_dict,
    to_dict,
)
from cdk_vllm.sizing.rollout import Fleet, Rollout, fleet_of, rollout_for
from cdk_vllm.sizing.shape import shape_from_config
from cdk_vllm.sizing.timeouts import Timeouts, timeouts_for

__all__ = [
    "Alternative",
    "Candidate",
    "EngineValue",
    "Fleet",
    "MemoryPerGpu",
    "ModelShape",
    "Peak",
    "PriceSource",
    "Rejection",
    "Rollout",
    "SecondsRange",
    "ServingPlan",
    "ServingRequest",
    "Timeouts",
    "Workload",
    "candidates_of",
    "choose",
    "container_memory_gib",
    "fallback_instance_types",
    "fits",
    "fleet_of",
    "from_dict",
    "legal_tensor_parallel_sizes",
    "model_shape",
    "rollout_for",
    "shape_from_config",
    "timeouts_for",
    "to_dict",
    "to_flags",
    "validate_engine_options",
]
