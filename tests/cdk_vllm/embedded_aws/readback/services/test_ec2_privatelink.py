from __future__ import annotations

from typing import Any

from cdk_vllm.embedded_aws.readback import exists

Client = Any
Wrong = Any


def test_endpoint_service_and_who_may_connect(client: Client, wrong: Wrong) -> None:
    ec2, elbv2 = client("ec2"), client("elbv2")
    subnet = ec2.describe_subnets()["Subnets"][0]["SubnetId"]
    made = elbv2.create_load_balancer(Name="n", Type="network", Subnets=[subnet])
    written = {
        "AcceptanceRequired": True,
        "NetworkLoadBalancerArns": [made["LoadBalancers"][0]["LoadBalancerArn"]],
    }
    answer = ec2.create_vpc_endpoint_service_configuration(**written)
    service = answer["ServiceConfiguration"]["ServiceId"]
    assert wrong("EC2::VPCEndpointService", service, written) == []
    assert wrong("EC2::VPCEndpointService", service, {**written, "AcceptanceRequired": False})
    allowed = ["arn:aws:iam::111111111111:root"]
    ec2.modify_vpc_endpoint_service_permissions(ServiceId=service, AddAllowedPrincipals=allowed)
    permissions = {"ServiceId": service, "AllowedPrincipals": allowed}
    assert wrong("EC2::VPCEndpointServicePermissions", service, permissions) == []
    assert not exists(client, "AWS::EC2::VPCEndpointService", "vpce-svc-0")
