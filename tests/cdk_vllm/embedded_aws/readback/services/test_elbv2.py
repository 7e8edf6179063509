from __future__ import annotations

from typing import Any

import pytest

from cdk_vllm.embedded_aws.readback import exists
from cdk_vllm.embedded_aws.readback.services import READERS

Client = Any
Wrong = Any


@pytest.fixture
def network(client: Client) -> dict[str, Any]:
    ec2 = client("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=zone)["Subnet"]
        for i, zone in enumerate(("us-east-1a", "us-east-1b"))
    ]
    group = ec2.create_security_group(GroupName="g", Description="g", VpcId=vpc)["GroupId"]
    return {"vpc": vpc, "subnets": [s["SubnetId"] for s in subnets], "group": group}


@pytest.fixture
def balancer(client: Client, network: dict[str, Any]) -> str:
    answer = client("elbv2").create_load_balancer(
        Name="chat",
        Scheme="internal",
        SecurityGroups=[network["group"]],
        Subnets=network["subnets"],
        Tags=[{"Key": "a", "Value": "b"}],
        Type="application",
    )
    return str(answer["LoadBalancers"][0]["LoadBalancerArn"])


@pytest.fixture
def target_group(client: Client, network: dict[str, Any]) -> str:
    answer = client("elbv2").create_target_group(
        Name="vllm",
        HealthCheckIntervalSeconds=10,
        HealthCheckPath="/health",
        Matcher={"HttpCode": "200"},
        Port=8000,
        Protocol="HTTP",
        TargetType="instance",
        VpcId=network["vpc"],
    )
    return str(answer["TargetGroups"][0]["TargetGroupArn"])


def test_load_balancer(
    client: Client, wrong: Wrong, network: dict[str, Any], balancer: str
) -> None:
    client("elbv2").modify_load_balancer_attributes(
        LoadBalancerArn=balancer,
        Attributes=[{"Key": "idle_timeout.timeout_seconds", "Value": "300"}],
    )
    written = {
        "LoadBalancerAttributes": [
            {"Key": "idle_timeout.timeout_seconds", "Value": "300"},
            {"Key": "deletion_protection.enabled", "Value": "false"},
        ],
        "Name": "chat",
        "Scheme": "internal",
        "SecurityGroups": [network["group"]],
        "Subnets": network["subnets"],
        "Tags": [{"Key": "a", "Value": "b"}],
        "Type": "application",
    }
    assert wrong("ElasticLoadBalancingV2::LoadBalancer", balancer, written) == []
    written["LoadBalancerAttributes"] = [{"Key": "deletion_protection.enabled", "Value": "true"}]
    assert wrong("ElasticLoadBalancingV2::LoadBalancer", balancer, written) == [
        'LoadBalancerAttributes[0].Value should be "true" but is "false"'
    ]
    found = READERS["AWS::ElasticLoadBalancingV2::LoadBalancer"](client, balancer, {})
    assert balancer.endswith(f":loadbalancer/{found['LoadBalancerFullName']}")
    assert found["LoadBalancerFullName"].startswith("app/chat/")


def test_target_group(
    client: Client, wrong: Wrong, network: dict[str, Any], target_group: str
) -> None:
    algorithm = {"Key": "load_balancing.algorithm.type", "Value": "least_outstanding_requests"}
    client("elbv2").modify_target_group_attributes(
        TargetGroupArn=target_group, Attributes=[algorithm]
    )
    written = {
        "HealthCheckIntervalSeconds": 10,
        "HealthCheckPath": "/health",
        "Matcher": {"HttpCode": "200"},
        "Name": "vllm",
        "Port": 8000,
        "Protocol": "HTTP",
        "TargetGroupAttributes": [algorithm],
        "TargetType": "instance",
        "VpcId": network["vpc"],
    }
    assert wrong("ElasticLoadBalancingV2::TargetGroup", target_group, written) == []


def test_listener_and_rule(client: Client, wrong: Wrong, balancer: str, target_group: str) -> None:
    elbv2 = client("elbv2")
    written = {
        "DefaultActions": [
            {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
        ],
        "LoadBalancerArn": balancer,
        "Port": 80,
        "Protocol": "HTTP",
    }
    listener = elbv2.create_listener(**written)["Listeners"][0]["ListenerArn"]
    assert wrong("ElasticLoadBalancingV2::Listener", listener, written) == []

    rule = {
        "Actions": [{"Type": "forward", "TargetGroupArn": target_group}],
        "Conditions": [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/v1/*"]}}],
        "ListenerArn": listener,
        "Priority": 10,
    }
    arn = elbv2.create_rule(**rule)["Rules"][0]["RuleArn"]
    assert wrong("ElasticLoadBalancingV2::ListenerRule", arn, rule) == []
    elbv2.modify_rule(
        RuleArn=arn,
        Conditions=[{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/v2/*"]}}],
    )
    assert wrong("ElasticLoadBalancingV2::ListenerRule", arn, rule) == [
        'Conditions[0].PathPatternConfig.Values[0] should be "/v1/*" but is "/v2/*"'
    ]
    elbv2.delete_rule(RuleArn=arn)
    assert not exists(client, "AWS::ElasticLoadBalancingV2::ListenerRule", arn)


def test_listener_certificate(client: Client, wrong: Wrong, balancer: str) -> None:
    kind = "ElasticLoadBalancingV2::ListenerCertificate"
    acm, elbv2 = client("acm"), client("elbv2")
    first, second = (
        {"CertificateArn": acm.request_certificate(DomainName=name)["CertificateArn"]}
        for name in ("a.example.com", "b.example.com")
    )
    listener = elbv2.create_listener(
        Certificates=[first],
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}],
        LoadBalancerArn=balancer,
        Port=443,
        Protocol="HTTPS",
    )["Listeners"][0]["ListenerArn"]
    written = {"Certificates": [second], "ListenerArn": listener}
    assert len(wrong(kind, "Second", written)) == 1
    elbv2.add_listener_certificates(ListenerArn=listener, Certificates=[second])
    assert wrong(kind, "Second", written) == []
