"""Facts as data: GPUs, instances and where they are, prices, models, vLLM's options, regions.

Every fact stands in a TOML file beside this module with its source and date; only a reviewed tool
or a person changes one. The readers parse a file on first use and keep the frozen result.
"""

from __future__ import annotations

from cdk_vllm.catalog.availability import availability_source, is_offered
from cdk_vllm.catalog.hardware import Gpu, Instance, gpus, instances
from cdk_vllm.catalog.models import Model, models
from cdk_vllm.catalog.options import EngineOption, engine_options, forbidden_options
from cdk_vllm.catalog.prices import (
    Price,
    ec2_usd_per_hour,
    hours_per_month,
    reference_region,
    sagemaker_usd_per_hour,
)
from cdk_vllm.catalog.regions import regions

__all__ = [
    "EngineOption",
    "Gpu",
    "Instance",
    "Model",
    "Price",
    "availability_source",
    "ec2_usd_per_hour",
    "engine_options",
    "forbidden_options",
    "gpus",
    "hours_per_month",
    "instances",
    "is_offered",
    "models",
    "reference_region",
    "regions",
    "sagemaker_usd_per_hour",
]
