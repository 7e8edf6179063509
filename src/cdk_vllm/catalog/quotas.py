"""AWS's quotas on GPU instances: names and codes; their values are an account's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from cdk_vllm.catalog.toml_file import read


@dataclass(frozen=True, kw_only=True)
class Quota:
    """One quota; `code` is `None` where it differs by instance type and has to be looked up."""

    service_code: str
    name: str
    code: str | None
    unit: str


@cache
def ec2_quota(instance_type: str, *, spot: bool = False) -> Quota | None:
    """Return the quota, in vCPUs, that bounds an EC2 type, or `None` where none is published."""
    ec2 = read("quotas.toml")["ec2"]
    for row in ec2["spot" if spot else "on_demand"]:
        if re.match(row["types"], instance_type):
            return Quota(
                service_code=ec2["service_code"], name=row["name"], code=row["code"], unit="vCPUs"
            )
    return None


@cache
def sagemaker_quota(instance_type: str) -> Quota:
    """Return the quota, in instances, on the endpoints of an `ml.` type."""
    sagemaker = read("quotas.toml")["sagemaker"]
    name = sagemaker["endpoint_name"].format(instance_type=instance_type)
    return Quota(service_code=sagemaker["service_code"], name=name, code=None, unit="instances")
