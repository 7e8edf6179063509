from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]


def resources(idle: str = "300", path: str = "/health", prefix: str = "/v1/chat") -> dict[str, Any]:
    def subnet(number: int) -> dict[str, Any]:
        properties = {
            "VpcId": {"Ref": "Vpc"},
            "CidrBlock": f"10.0.{number}.0/24",
            "AvailabilityZone": {"Fn::Select": [number, {"Fn::GetAZs": ""}]},
        }
        return {"Type": "AWS::EC2::Subnet", "Properties": properties}

    return {
        "Vpc": {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16"}},
        "One": subnet(0),
        "Two": subnet(1),
        "Certificate": {
            "Type": "AWS::CertificateManager::Certificate",
            "Properties": {"DomainName": "chat.example.com", "ValidationMethod": "DNS"},
        },
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {
                "Scheme": "internal",
                "Subnets": [{"Ref": "One"}, {"Ref": "Two"}],
                "LoadBalancerAttributes": [
                    {"Key": "idle_timeout.timeout_seconds", "Value": idle},
                    {"Key": "routing.http.drop_invalid_header_fields.enabled", "Value": "true"},
                ],
            },
        },
        "Targets": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {
                "Port": 8000,
                "Protocol": "HTTP",
                "TargetType": "ip",
                "VpcId": {"Ref": "Vpc"},
                "HealthCheckPath": path,
                "HealthCheckIntervalSeconds": 15,
                "Matcher": {"HttpCode": "200"},
                "TargetGroupAttributes": [
                    {
                        "Key": "load_balancing.algorithm.type",
                        "Value": "least_outstanding_requests",
                    },
                    {"Key": "deregistration_delay.timeout_seconds", "Value": "310"},
                ],
            },
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 443,
                "Protocol": "HTTPS",
                "SslPolicy": "ELBSecurityPolicy-TLS13-1-2-2021-06",
                "Certificates": [{"CertificateArn": {"Ref": "Certificate"}}],
                "DefaultActions": [
                    {
                        "Type": "fixed-response",
                        "FixedResponseConfig": {"StatusCode": "404", "ContentType": "text/plain"},
                    }
                ],
            },
        },
        "Rule": {
            "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
            "Properties": {
                "ListenerArn": {"Ref": "Listener"},
                "Priority": 10,
                "Conditions": [
                    {"Field": "path-pattern", "PathPatternConfig": {"Values": [prefix]}}
                ],
                "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        },
    }


def attributes(shown: dict[str, Any]) -> dict[str, str]:
    return {item["Key"]: item["Value"] for item in shown["Attributes"]}


def test_a_front_door_is_read_as_the_template_says(client: Client, deployed: Deployed) -> None:
    ids, elbv2 = deployed(**resources()), client("elbv2")
    (balancer,) = elbv2.describe_load_balancers()["LoadBalancers"]
    assert (balancer["LoadBalancerArn"], balancer["Scheme"]) == (ids["Balancer"], "internal")
    shown = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=ids["Balancer"]))
    assert shown["idle_timeout.timeout_seconds"] == "300"
    assert shown["routing.http.drop_invalid_header_fields.enabled"] == "true"
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    assert (group["HealthCheckPath"], group["HealthCheckIntervalSeconds"]) == ("/health", 15)
    assert (group["Matcher"], group["TargetType"]) == ({"HttpCode": "200"}, "ip")
    shown = attributes(elbv2.describe_target_group_attributes(TargetGroupArn=ids["Targets"]))
    assert shown["load_balancing.algorithm.type"] == "least_outstanding_requests"
    assert shown["deregistration_delay.timeout_seconds"] == "310"
    (listener,) = elbv2.describe_listeners(LoadBalancerArn=ids["Balancer"])["Listeners"]
    assert listener["SslPolicy"] == "ELBSecurityPolicy-TLS13-1-2-2021-06"
    assert listener["Certificates"][0]["CertificateArn"] == ids["Certificate"]
    assert listener["DefaultActions"][0]["FixedResponseConfig"]["StatusCode"] == "404"
    rules = elbv2.describe_rules(ListenerArn=ids["Listener"])["Rules"]
    assert [rule["Priority"] for rule in rules] == ["10", "default"]
    assert rules[0]["Conditions"][0]["PathPatternConfig"]["Values"] == ["/v1/chat"]
    assert rules[0]["Actions"][0]["TargetGroupArn"] == ids["Targets"]


def test_an_update_changes_it_in_place(
    client: Client, deployed: Deployed, destroyed: Callable[[], None]
) -> None:
    before = deployed(**resources())
    changed = resources("600", "/ping", "/v1/completions")
    changed["Rule"]["Properties"]["Priority"] = 20
    assert deployed(**changed) == before
    elbv2 = client("elbv2")
    shown = attributes(elbv2.describe_load_balancer_attributes(LoadBalancerArn=before["Balancer"]))
    assert shown["idle_timeout.timeout_seconds"] == "600"
    (group,) = elbv2.describe_target_groups()["TargetGroups"]
    assert group["HealthCheckPath"] == "/ping"
    rule = elbv2.describe_rules(ListenerArn=before["Listener"])["Rules"][0]
    assert rule["Priority"] == "20"
    assert rule["Conditions"][0]["PathPatternConfig"]["Values"] == ["/v1/completions"]
    destroyed()
    assert not elbv2.describe_load_balancers()["LoadBalancers"]
    assert not elbv2.describe_target_groups()["TargetGroups"]


def test_attributes_are_what_cloudformation_gives(create: Callable[..., dict[str, Any]]) -> None:
    wanted = {
        "Balancer": ["DNSName", "CanonicalHostedZoneID", "LoadBalancerFullName"],
        "Targets": ["TargetGroupFullName", "TargetGroupName", "TargetGroupArn"],
        "Listener": ["ListenerArn"],
        "Rule": ["RuleArn"],
    }
    outputs = {
        f"{name}{attribute}": {"Value": {"Fn::GetAtt": [name, attribute]}}
        for name, names in wanted.items()
        for attribute in names
    }
    stack = create({"Resources": resources(), "Outputs": outputs})
    values = {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}
    assert values["BalancerDNSName"].endswith(".elb.amazonaws.com")
    assert values["BalancerLoadBalancerFullName"].startswith("app/")
    assert values["TargetsTargetGroupFullName"].startswith("targetgroup/")
    assert values["BalancerCanonicalHostedZoneID"].startswith("Z")
