"""Facts as data: GPUs, instances and where they are, prices, models, vLLM's options, regions.

Every fact stands in a TOML file beside this module with its source and date; only a reviewed tool
or a person changes one. The readers parse a file on first use and keep the frozen result.
"""

from __future__ import annotations

from cdk_vllm.catalog.advisories import Advisory, advisories, open_advisories
from cdk_vllm.catalog.availability import availability_source, is_offered
from cdk_vllm.catalog.families import FamilyFlags, families, family_flags, parsers
from cdk_vllm.catalog.hardware import Gpu, Instance, gpus, instances
from cdk_vllm.catalog.model_configs import model_config, model_configs
from cdk_vllm.catalog.models import Model, models
from cdk_vllm.catalog.options import EngineOption, engine_options, forbidden_options
from cdk_vllm.catalog.prices import (
    Price,
    SpotPrice,
    ec2_usd_per_hour,
    hours_per_month,
    reference_region,
    sagemaker_usd_per_hour,
    spot_usd_per_hour,
)
from cdk_vllm.catalog.regions import regions, s3_prefix_list_id
from cdk_vllm.catalog.speed import (
    SpeedCoefficients,
    Spread,
    measured_formats,
    measured_gpus,
    speed_coefficients,
    speed_spread,
)

__all__ = [
    "Advisory",
    "EngineOption",
    "FamilyFlags",
    "Gpu",
    "Instance",
    "Model",
    "Price",
    "SpeedCoefficients",
    "SpotPrice",
    "Spread",
    "advisories",
    "availability_source",
    "ec2_usd_per_hour",
    "engine_options",
    "families",
    "family_flags",
    "forbidden_options",
    "gpus",
    "hours_per_month",
    "instances",
    "is_offered",
    "measured_formats",
    "measured_gpus",
    "model_config",
    "model_configs",
    "models",
    "open_advisories",
    "parsers",
    "reference_region",
    "regions",
    "s3_prefix_list_id",
    "sagemaker_usd_per_hour",
    "speed_coefficients",
    "speed_spread",
    "spot_usd_per_hour",
]
