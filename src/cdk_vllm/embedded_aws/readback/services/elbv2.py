"""Reads Elastic Load Balancing back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cdk_vllm.embedded_aws.readback.reading import listed, only

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cdk_vllm.embedded_aws.readback.reading import ClientFactory, Reader


def _tags(client: ClientFactory, arn: str) -> Any:
    return only(client("elbv2").describe_tags(ResourceArns=[arn])["TagDescriptions"])["Tags"]


def _load_balancer(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    elbv2 = client("elbv2")
    answer = elbv2.describe_load_balancers(LoadBalancerArns=[physical_id])
    balancer = only(answer["LoadBalancers"])
    attributes = elbv2.describe_load_balancer_attributes(LoadBalancerArn=physical_id)
    return {
        **listed(
            balancer,
            "DNSName",
            "IpAddressType",
            "LoadBalancerArn",
            "LoadBalancerName",
            "Scheme",
            "SecurityGroups",
            "Type",
        ),
        "CanonicalHostedZoneID": balancer.get("CanonicalHostedZoneId"),
        "LoadBalancerAttributes": attributes["Attributes"],
        "LoadBalancerFullName": physical_id.split("loadbalancer/", 1)[-1],
        "Name": balancer.get("LoadBalancerName"),
        "Subnets": [zone["SubnetId"] for zone in balancer.get("AvailabilityZones", [])],
        "Tags": _tags(client, physical_id),
    }


def _target_group(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    elbv2 = client("elbv2")
    group = only(elbv2.describe_target_groups(TargetGroupArns=[physical_id])["TargetGroups"])
    attributes = elbv2.describe_target_group_attributes(TargetGroupArn=physical_id)
    return {
        **listed(
            group,
            "HealthCheckEnabled",
            "HealthCheckIntervalSeconds",
            "HealthCheckPath",
            "HealthCheckPort",
            "HealthCheckProtocol",
            "HealthCheckTimeoutSeconds",
            "HealthyThresholdCount",
            "IpAddressType",
            "LoadBalancerArns",
            "Matcher",
            "Port",
            "Protocol",
            "ProtocolVersion",
            "TargetControlPort",
            "TargetGroupArn",
            "TargetGroupName",
            "TargetType",
            "UnhealthyThresholdCount",
            "VpcId",
        ),
        "Name": group.get("TargetGroupName"),
        "Tags": _tags(client, physical_id),
        "TargetGroupAttributes": attributes["Attributes"],
        "TargetGroupFullName": physical_id.rsplit(":", 1)[-1],
    }


def _listener(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    answer = client("elbv2").describe_listeners(ListenerArns=[physical_id])
    return {
        **listed(
            only(answer["Listeners"]),
            "AlpnPolicy",
            "Certificates",
            "DefaultActions",
            "ListenerArn",
            "LoadBalancerArn",
            "MutualAuthentication",
            "Port",
            "Protocol",
            "SslPolicy",
        ),
        "Tags": _tags(client, physical_id),
    }


def _listener_rule(client: ClientFactory, physical_id: str, _: Mapping[str, Any]) -> dict[str, Any]:
    rule = only(client("elbv2").describe_rules(RuleArns=[physical_id])["Rules"])
    return {
        **listed(rule, "Actions", "Conditions", "Priority", "RuleArn"),
        "IsDefault": rule.get("IsDefault"),
        # A rule's ARN is its listener's ARN, with another kind and one more part.
        "ListenerArn": physical_id.replace(":listener-rule/", ":listener/").rsplit("/", 1)[0],
        "Tags": _tags(client, physical_id),
    }


def _listener_certificate(
    client: ClientFactory, _: str, properties: Mapping[str, Any]
) -> dict[str, Any]:
    listener = properties["ListenerArn"]
    answer = client("elbv2").describe_listener_certificates(ListenerArn=listener)
    wanted = {c["CertificateArn"] for c in properties.get("Certificates", [])}
    found = [c for c in answer["Certificates"] if c["CertificateArn"] in wanted]
    return {"Certificates": found, "ListenerArn": listener}


READERS: Mapping[str, Reader] = {
    "AWS::ElasticLoadBalancingV2::Listener": _listener,
    "AWS::ElasticLoadBalancingV2::ListenerCertificate": _listener_certificate,
    "AWS::ElasticLoadBalancingV2::ListenerRule": _listener_rule,
    "AWS::ElasticLoadBalancingV2::LoadBalancer": _load_balancer,
    "AWS::ElasticLoadBalancingV2::TargetGroup": _target_group,
}
