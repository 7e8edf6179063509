"""Every instance that a plan may name has its quota, and every code has the form of one."""

from __future__ import annotations

import re

import pytest

from cdk_vllm import catalog
from cdk_vllm.catalog.quotas import ec2_quota, sagemaker_quota
from cdk_vllm.catalog.toml_file import read


@pytest.mark.parametrize(
    ("instance_type", "spot", "code"),
    [
        ("g6e.xlarge", False, "L-DB2E81BA"),
        ("gr6.4xlarge", False, "L-DB2E81BA"),
        ("vt1.3xlarge", False, "L-DB2E81BA"),
        ("p5.48xlarge", False, "L-417A185B"),
        ("g6e.xlarge", True, "L-3819A6DF"),
        ("p4d.24xlarge", True, "L-7212CCBC"),
        ("p5en.48xlarge", True, "L-C4BD4855"),
    ],
)
def test_a_type_is_bound_by_its_family_s_quota(instance_type: str, spot: bool, code: str) -> None:
    quota = ec2_quota(instance_type, spot=spot)
    assert quota is not None
    assert (quota.code, quota.unit, quota.service_code) == (code, "vCPUs", "ec2")


def test_every_instance_of_the_catalogue_has_a_quota() -> None:
    without_spot = set()
    for name, instance in catalog.instances().items():
        assert ec2_quota(name), name
        if not ec2_quota(name, spot=True):
            without_spot.add(instance.family)
    assert without_spot == {"p6-b200", "p6-b300"}


def test_what_is_no_gpu_instance_has_no_quota_here() -> None:
    assert ec2_quota("m7i.large") is None
    assert ec2_quota("g6e.xlarge") != ec2_quota("g6e.xlarge", spot=True)


def test_codes_have_the_form_of_codes_and_stand_for_one_quota_each() -> None:
    ec2 = read("quotas.toml")["ec2"]
    codes = [row["code"] for row in (*ec2["on_demand"], *ec2["spot"])]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"L-[0-9A-F]{8}", code) for code in codes)


def test_a_sagemaker_quota_is_found_by_its_name() -> None:
    quota = sagemaker_quota("ml.g6e.xlarge")
    assert quota.name == "ml.g6e.xlarge for endpoint usage"
    assert (quota.code, quota.unit) == (None, "instances")
