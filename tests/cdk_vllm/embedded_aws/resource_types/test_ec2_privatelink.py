from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback import exists

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]

ONE, TWO = "arn:aws:iam::111111111111:root", "arn:aws:iam::222222222222:root"


def resources(principal: str, *, by_hand: bool = True) -> dict[str, Any]:
    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "Subnet": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "CidrBlock": "10.0.0.0/24"},
        },
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Type": "network",
                "Scheme": "internal",
                "Subnets": [{"Ref": "Subnet"}],
            },
        },
        "Service": {
            "Type": "AWS::EC2::VPCEndpointService",
            "Properties": {
                "AcceptanceRequired": by_hand,
                "NetworkLoadBalancerArns": [{"Ref": "Balancer"}],
            },
        },
        "Permissions": {
            "Type": "AWS::EC2::VPCEndpointServicePermissions",
            "Properties": {"ServiceId": {"Ref": "Service"}, "AllowedPrincipals": [principal]},
        },
    }


def test_a_service_is_offered_to_named_accounts_and_changes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    ec2, ids = client("ec2"), deployed(**resources(ONE))
    service = {"ServiceIds": [ids["Service"]]}

    def allowed() -> list[str]:
        answer = ec2.describe_vpc_endpoint_service_permissions(ServiceId=ids["Service"])
        return [item["Principal"] for item in answer["AllowedPrincipals"]]

    def configuration() -> Any:
        (shown,) = ec2.describe_vpc_endpoint_service_configurations(**service)[
            "ServiceConfigurations"
        ]
        return shown

    assert configuration()["NetworkLoadBalancerArns"] == [ids["Balancer"]]
    assert configuration()["AcceptanceRequired"] is True
    assert allowed() == [ONE]
    assert deployed(**resources(TWO, by_hand=False)) == ids
    assert configuration()["AcceptanceRequired"] is False
    assert allowed() == [TWO]
    destroyed()
    assert not ec2.describe_vpc_endpoint_service_configurations()["ServiceConfigurations"]


def test_what_was_never_offered_is_not_there(client: Client) -> None:
    assert not exists(client, "AWS::EC2::VPCEndpointService", "vpce-svc-0")
