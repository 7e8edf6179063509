"""Elastic Load Balancing v2: load balancers, target groups, listeners and rules."""

from __future__ import annotations

from typing import Any, ClassVar

from .resource import Resource


class LoadBalancer(Resource):
    """`AWS::ElasticLoadBalancingV2::LoadBalancer`; `Ref` is its ARN."""

    type_name = "AWS::ElasticLoadBalancingV2::LoadBalancer"
    name_property = "Name"
    name_limit = 32
    fixed = frozenset({"Scheme", "Type"})

    _APART = (
        "EnableCapacityReservationProvisionStabilize",
        "EnforceSecurityGroupInboundRulesOnPrivateLinkTraffic",
        "Ipv4IpamPoolId",
        "LoadBalancerAttributes",
        "MinimumLoadBalancerCapacity",
    )

    def create(self, properties: dict[str, Any]) -> str:
        """Create the load balancer and set its attributes."""
        answer = self.call("elbv2.create_load_balancer", properties, without=self._APART)
        arn = str(answer["LoadBalancers"][0]["LoadBalancerArn"])
        self._set_attributes(arn, properties)
        return arn

    def _set_attributes(self, arn: str, properties: dict[str, Any]) -> None:
        if properties.get("LoadBalancerAttributes"):
            self.call(
                "elbv2.modify_load_balancer_attributes",
                {"LoadBalancerArn": arn, "Attributes": properties["LoadBalancerAttributes"]},
            )

    def update(self, properties: dict[str, Any]) -> None:
        """Change attributes, subnets, security groups and tags."""
        self._set_attributes(self.physical_id, properties)
        arn = {"LoadBalancerArn": self.physical_id}
        if self.changed(properties, "SecurityGroups"):
            self.call(
                "elbv2.set_security_groups",
                {**arn, "SecurityGroups": properties.get("SecurityGroups", [])},
            )
        if self.changed(properties, "Subnets", "SubnetMappings"):
            subnets: dict[str, Any] = {
                k: properties[k] for k in ("Subnets", "SubnetMappings") if k in properties
            }
            self.call("elbv2.set_subnets", {**arn, **subnets})
        if self.changed(properties, "IpAddressType") and "IpAddressType" in properties:
            self.call(
                "elbv2.set_ip_address_type", {**arn, "IpAddressType": properties["IpAddressType"]}
            )
        _retag(self, properties)

    def delete(self) -> None:
        """Delete the load balancer; it refuses while deletion protection is on."""
        self.client("elbv2").delete_load_balancer(LoadBalancerArn=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return the DNS name, hosted zone, name, full name or ARN."""
        simple = {
            "LoadBalancerArn": self.physical_id,
            "LoadBalancerName": self.properties["Name"],
            "LoadBalancerFullName": self.physical_id.split(":loadbalancer/", 1)[1],
        }
        if name in simple:
            return simple[name]
        shown = {"DNSName": "DNSName", "CanonicalHostedZoneID": "CanonicalHostedZoneId"}
        answer = self.client("elbv2").describe_load_balancers(LoadBalancerArns=[self.physical_id])[
            "LoadBalancers"
        ][0]
        if name == "SecurityGroups":
            return answer.get("SecurityGroups", [])
        return answer.get(shown.get(name, ""))


class TargetGroup(Resource):
    """`AWS::ElasticLoadBalancingV2::TargetGroup`; `Ref` is its ARN."""

    type_name = "AWS::ElasticLoadBalancingV2::TargetGroup"
    name_property = "Name"
    name_limit = 32
    fixed = frozenset(
        {
            "IpAddressType",
            "Port",
            "Protocol",
            "ProtocolVersion",
            "TargetType",
            "VpcId",
            "TargetControlPort",
        }
    )

    _HEALTH: ClassVar = (
        "HealthCheckEnabled",
        "HealthCheckIntervalSeconds",
        "HealthCheckPath",
        "HealthCheckPort",
        "HealthCheckProtocol",
        "HealthCheckTimeoutSeconds",
        "HealthyThresholdCount",
        "Matcher",
        "UnhealthyThresholdCount",
    )

    def create(self, properties: dict[str, Any]) -> str:
        """Create the group, set its attributes and register its targets."""
        answer = self.call(
            "elbv2.create_target_group", properties, without=("TargetGroupAttributes", "Targets")
        )
        arn = str(answer["TargetGroups"][0]["TargetGroupArn"])
        self._set(arn, properties)
        return arn

    def _set(self, arn: str, properties: dict[str, Any]) -> None:
        group = {"TargetGroupArn": arn}
        if properties.get("TargetGroupAttributes"):
            self.call(
                "elbv2.modify_target_group_attributes",
                {**group, "Attributes": properties["TargetGroupAttributes"]},
            )
        if properties.get("Targets"):
            self.call("elbv2.register_targets", {**group, "Targets": properties["Targets"]})

    def update(self, properties: dict[str, Any]) -> None:
        """Change the health check, attributes, targets and tags."""
        health = {name: properties[name] for name in self._HEALTH if name in properties}
        self.call("elbv2.modify_target_group", {"TargetGroupArn": self.physical_id, **health})
        gone = [
            t for t in self.properties.get("Targets", []) if t not in properties.get("Targets", [])
        ]
        if gone:
            self.call(
                "elbv2.deregister_targets",
                {"TargetGroupArn": self.physical_id, "Targets": gone},
            )
        self._set(self.physical_id, properties)
        _retag(self, properties)

    def delete(self) -> None:
        """Delete the group."""
        self.client("elbv2").delete_target_group(TargetGroupArn=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return the ARN, name, full name or the load balancers' ARNs."""
        if name == "LoadBalancerArns":
            answer = self.client("elbv2").describe_target_groups(TargetGroupArns=[self.physical_id])
            return answer["TargetGroups"][0].get("LoadBalancerArns", [])
        return {
            "TargetGroupArn": self.physical_id,
            "TargetGroupName": self.properties["Name"],
            "TargetGroupFullName": self.physical_id.split(":", 5)[5],
        }.get(name)


class Listener(Resource):
    """`AWS::ElasticLoadBalancingV2::Listener`; `Ref` is its ARN."""

    type_name = "AWS::ElasticLoadBalancingV2::Listener"
    fixed = frozenset({"LoadBalancerArn"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the listener and set its attributes."""
        answer = self.call(
            "elbv2.create_listener",
            properties,
            without=("ListenerAttributes",),
        )
        arn = str(answer["Listeners"][0]["ListenerArn"])
        self._set_attributes(arn, properties)
        return arn

    def _set_attributes(self, arn: str, properties: dict[str, Any]) -> None:
        if properties.get("ListenerAttributes"):
            self.call(
                "elbv2.modify_listener_attributes",
                {"ListenerArn": arn, "Attributes": properties["ListenerAttributes"]},
            )

    def update(self, properties: dict[str, Any]) -> None:
        """Change the listener in place."""
        self.call(
            "elbv2.modify_listener",
            {"ListenerArn": self.physical_id, **properties},
            without=("LoadBalancerArn", "ListenerAttributes", "Tags"),
        )
        self._set_attributes(self.physical_id, properties)
        _retag(self, properties)

    def delete(self) -> None:
        """Delete the listener and its rules."""
        self.client("elbv2").delete_listener(ListenerArn=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `ListenerArn`."""
        return self.physical_id if name == "ListenerArn" else None


class ListenerCertificate(Resource):
    """`AWS::ElasticLoadBalancingV2::ListenerCertificate`: further certificates of a listener."""

    type_name = "AWS::ElasticLoadBalancingV2::ListenerCertificate"
    fixed = frozenset({"ListenerArn"})

    def create(self, properties: dict[str, Any]) -> str:
        """Add them."""
        self.call("elbv2.add_listener_certificates", properties)
        return self.generated_name()

    def update(self, properties: dict[str, Any]) -> None:
        """Add the new ones and remove those that are gone."""
        self.call("elbv2.add_listener_certificates", properties)
        kept = properties["Certificates"]
        gone = [item for item in self.properties["Certificates"] if item not in kept]
        if gone:
            self.call(
                "elbv2.remove_listener_certificates",
                {"ListenerArn": properties["ListenerArn"], "Certificates": gone},
            )

    def delete(self) -> None:
        """Remove them."""
        self.call("elbv2.remove_listener_certificates", self.properties)


class ListenerRule(Resource):
    """`AWS::ElasticLoadBalancingV2::ListenerRule`; `Ref` is its ARN."""

    type_name = "AWS::ElasticLoadBalancingV2::ListenerRule"
    fixed = frozenset({"ListenerArn"})

    def create(self, properties: dict[str, Any]) -> str:
        """Create the rule."""
        return str(self.call("elbv2.create_rule", properties)["Rules"][0]["RuleArn"])

    def update(self, properties: dict[str, Any]) -> None:
        """Change actions and conditions, and the priority apart."""
        rule = {"RuleArn": self.physical_id}
        self.call(
            "elbv2.modify_rule",
            {**rule, **properties},
            without=("ListenerArn", "Priority", "Tags"),
        )
        if self.changed(properties, "Priority"):
            priority = {**rule, "Priority": properties["Priority"]}
            self.call("elbv2.set_rule_priorities", {"RulePriorities": [priority]})

    def delete(self) -> None:
        """Delete the rule."""
        self.client("elbv2").delete_rule(RuleArn=self.physical_id)

    def attribute(self, name: str) -> Any:
        """Return `RuleArn` or `IsDefault`."""
        return {"RuleArn": self.physical_id, "IsDefault": False}.get(name)


def _retag(resource: Resource, properties: dict[str, Any]) -> None:
    if resource.changed(properties, "Tags") and properties.get("Tags"):
        tagged = {"ResourceArns": [resource.physical_id], "Tags": properties["Tags"]}
        resource.call("elbv2.add_tags", tagged)


TYPES = (
    Listener,
    ListenerCertificate,
    ListenerRule,
    LoadBalancer,
    TargetGroup,
)
