"""Quotas as the account has them, and what others use of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.catalog.quotas import Quota, ec2_quota, sagemaker_quota
from cdk_vllm.preflight.account_quotas import UNSEEN_USE, quota_facts, vcpus_in_use
from cdk_vllm.preflight.facts import QuotaFact, Unknown

if TYPE_CHECKING:
    from collections.abc import Callable

    from botocore.stub import Stubber

    ClientFactory = Callable[[str], Any]

CODE = "L-DB2E81BA"
IMAGE = "ami-12c6146b"  # one of moto's own
ASKED = {"ServiceCode": "ec2", "QuotaCode": CODE}


def on_demand() -> Quota:
    quota = ec2_quota("g6e.xlarge")
    assert quota is not None
    return quota


def run(ec2: Any, instance_type: str, count: int, stack: str = "", *, spot: bool = False) -> None:
    tags = [{"Key": "aws:cloudformation:stack-name", "Value": stack}] if stack else []
    options: dict[str, Any] = {"InstanceMarketOptions": {"MarketType": "spot"}} if spot else {}
    ec2.run_instances(
        ImageId=IMAGE,
        InstanceType=instance_type,
        MinCount=count,
        MaxCount=count,
        TagSpecifications=[{"ResourceType": "instance", "Tags": tags}] if tags else [],
        **options,
    )


def facts(
    client: ClientFactory, service_quotas: Any, *quotas: Quota
) -> dict[str, QuotaFact | Unknown]:
    def with_quotas(name: str) -> Any:
        return service_quotas if name == "service-quotas" else client(name)

    return quota_facts(with_quotas, quotas, own_stacks="dev-")


def test_others_instances_count_by_family_and_market(client: ClientFactory) -> None:
    ec2 = client("ec2")
    run(ec2, "g5.2xlarge", 2)
    run(ec2, "p4d.24xlarge", 1)
    run(ec2, "g4dn.xlarge", 3, spot=True)
    run(ec2, "m5.large", 4)
    run(ec2, "g5.48xlarge", 1, stack="prod-chat")
    run(ec2, "g5.48xlarge", 1, stack="dev-chat")  # our own, and among what we need
    used = vcpus_in_use(ec2, "dev-")
    assert used == {CODE: 2 * 8 + 192, "L-417A185B": 96, "L-3819A6DF": 12}


def test_stopped_instances_use_nothing(client: ClientFactory) -> None:
    ec2 = client("ec2")
    run(ec2, "g5.2xlarge", 1)
    (reservation,) = ec2.describe_instances()["Reservations"]
    ec2.stop_instances(InstanceIds=[reservation["Instances"][0]["InstanceId"]])
    assert vcpus_in_use(ec2, "dev-") == {}


def test_a_type_outside_the_catalogue_counts_by_its_cores(client: ClientFactory) -> None:
    ec2 = client("ec2")
    run(ec2, "g3.4xlarge", 1)
    (instance,) = ec2.describe_instances()["Reservations"][0]["Instances"]
    options = instance.get("CpuOptions", {"CoreCount": 0, "ThreadsPerCore": 1})
    expected = options["CoreCount"] * options["ThreadsPerCore"]
    assert vcpus_in_use(ec2, "dev-") == {CODE: expected}


def test_an_account_s_own_value_comes_first(
    client: ClientFactory, service_quotas: tuple[Any, Stubber]
) -> None:
    quotas, stubber = service_quotas
    stubber.add_response("get_service_quota", {"Quota": {"Value": 64.0}}, ASKED)
    run(client("ec2"), "g5.2xlarge", 1)
    found = facts(client, quotas, on_demand())
    assert found == {on_demand().name: QuotaFact(value=64.0, code=CODE, in_use=8.0)}


def test_without_a_value_of_its_own_an_account_has_aws_s_default(
    client: ClientFactory, service_quotas: tuple[Any, Stubber]
) -> None:
    quotas, stubber = service_quotas
    missing = "NoSuchResourceException"
    stubber.add_client_error("get_service_quota", missing, expected_params=ASKED)
    stubber.add_response("get_aws_default_service_quota", {"Quota": {"Value": 0.0}}, ASKED)
    found = facts(client, quotas, on_demand())
    assert found == {on_demand().name: QuotaFact(value=0.0, code=CODE, in_use=0.0)}


def test_a_refused_question_is_unknown(
    client: ClientFactory, service_quotas: tuple[Any, Stubber]
) -> None:
    quotas, stubber = service_quotas
    stubber.add_client_error("get_service_quota", "AccessDeniedException")
    found = facts(client, quotas, on_demand())
    reason = "AWS answered GetServiceQuota with AccessDeniedException"
    assert found == {on_demand().name: Unknown(reason)}


def listed(*names: str) -> dict[str, Any]:
    rows = [{"QuotaName": name, "QuotaCode": f"L-{i}", "Value": i} for i, name in enumerate(names)]
    return {"Quotas": rows}


def test_sagemaker_s_quotas_are_found_by_name_over_pages_and_defaults(
    client: ClientFactory, service_quotas: tuple[Any, Stubber]
) -> None:
    quotas, stubber = service_quotas
    one, two = sagemaker_quota("ml.g6e.xlarge"), sagemaker_quota("ml.p5.48xlarge")
    asked = {"ServiceCode": "sagemaker"}
    pages = listed("ml.g6e.xlarge for training job usage") | {"NextToken": "more"}
    stubber.add_response("list_service_quotas", pages, asked)
    last = listed("another", "ml.g6e.xlarge for endpoint usage")
    stubber.add_response("list_service_quotas", last, asked | {"NextToken": "more"})
    defaults = listed(one.name, "x", two.name)
    stubber.add_response("list_aws_default_service_quotas", defaults, asked)
    found = facts(client, quotas, one, two)
    assert found == {
        one.name: QuotaFact(value=1.0, code="L-1", in_use=UNSEEN_USE),
        two.name: QuotaFact(value=2.0, code="L-2", in_use=UNSEEN_USE),
    }


def test_a_type_that_sagemaker_has_no_quota_for_is_unknown(
    client: ClientFactory, service_quotas: tuple[Any, Stubber]
) -> None:
    quotas, stubber = service_quotas
    for operation in ("list_service_quotas", "list_aws_default_service_quotas"):
        stubber.add_response(operation, listed("another"))
    quota = sagemaker_quota("ml.g9.xlarge")
    fact = facts(client, quotas, quota)[quota.name]
    assert fact == Unknown("Service Quotas has no quota of this name in the region")
