"""Which traffic there may be: listeners, targets, and the doors of security groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.checks.ecs_container import containers
from cdk_vllm.checks.load_balancer import passes_on_to_a_balancer
from cdk_vllm.checks.template import (
    Finding,
    Resource,
    Template,
    as_list,
    dig,
    number,
    pairs,
    report,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"
GROUP = "AWS::EC2::SecurityGroup"
CLAIMS = ("aud", "azp", "client_id", "scope")
DOORS = ("AWS::EC2::SecurityGroupIngress", "AWS::EC2::SecurityGroupEgress")


def balancer_is_where_it_was_planned(template: Template) -> Iterator[Finding]:
    """Without groups it has the VPC's default one, and with one subnet it goes with its zone."""
    for balancer in template.of(LOAD_BALANCER):
        if balancer.get("Type") == "network":
            continue
        attributes = pairs(balancer.get("LoadBalancerAttributes"))
        mode = attributes.get("routing.http.desync_mitigation_mode")
        wrong = {
            "it is no application load balancer": balancer.get("Type") != "application",
            "no security group": not as_list(balancer.get("SecurityGroups")),
            "fewer than two subnets": len(as_list(balancer.get("Subnets"))) < 2,
            f"desync mitigation is {mode}": mode not in ("strictest", "defensive"),
        }
        for kind in ("access", "connection"):
            if str(attributes.get(f"{kind}_logs.s3.enabled")).lower() == "true":
                wrong[f"{kind} logs have no bucket"] = not attributes.get(f"{kind}_logs.s3.bucket")
                wrong[f"{kind} logs have no prefix"] = not attributes.get(f"{kind}_logs.s3.prefix")
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(balancer_is_where_it_was_planned, balancer, message)


def plain_http_leads_nowhere_else(template: Template) -> Iterator[Finding]:
    """A redirect that does not end in TLS sends the key in the clear once more."""
    for listener in template.of(LISTENER):
        for action in as_list(listener.get("DefaultActions")):
            target = action.get("RedirectConfig")
            if target and (target.get("Protocol"), str(target.get("Port"))) != ("HTTPS", "443"):
                yield report(plain_http_leads_nowhere_else, listener, "redirects not to TLS")
        if passes_on_to_a_balancer(template, listener):
            if listener.get("Port") is None:
                yield report(plain_http_leads_nowhere_else, listener, "no port")
            continue
        secure = listener.get("Protocol") == "HTTPS"
        named = [
            arn
            for certificate in as_list(listener.get("Certificates"))
            if (arn := certificate.get("CertificateArn")) and _may_be_an_arn(arn)
        ]
        wrong = {
            "port 443 without TLS": str(listener.get("Port")) == "443" and not secure,
            "TLS on another port than 443": secure and str(listener.get("Port")) != "443",
            "TLS without a certificate": secure and not named,
            "a certificate without TLS": bool(listener.get("Certificates")) and not secure,
            "no port": listener.get("Port") is None,
            "no protocol": listener.get("Protocol") is None,
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(plain_http_leads_nowhere_else, listener, message)


def tokens_are_somebody_s(template: Template) -> Iterator[Finding]:
    """Any token of the issuer's would do, unless a claim names who it is for."""
    for rule in template.of(RULE):
        actions = as_list(rule.get("Actions"))
        order = [number(action.get("Order")) for action in actions]
        checks = [c for c in (a.get("JwtValidationConfig") for a in actions) if c is not None]
        claims = [claim for check in checks for claim in as_list(check.get("AdditionalClaims"))]
        wrong = {
            "its actions have no order": len(actions) > 1
            and (min(order) < 1 or order != sorted(set(order))),
            "its issuer is not asked over TLS": any(
                not str(check.get(name)).startswith("https://")
                for check in checks
                for name in ("Issuer", "JwksEndpoint")
            ),
            "a claim is none that says for whom": any(c.get("Name") not in CLAIMS for c in claims),
            "a claim has no value": any(not as_list(c.get("Values")) for c in claims),
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(tokens_are_somebody_s, rule, message)


def _may_be_an_arn(value: object) -> bool:
    return not isinstance(value, str) or value.startswith("arn:")


def rules_lead_somewhere(template: Template) -> Iterator[Finding]:
    """A rule without its listener or its targets is a path that answers 404 or 503."""
    for rule in template.of(RULE):
        forwards = [a for a in as_list(rule.get("Actions")) if a.get("Type") == "forward"]
        if not rule.get("ListenerArn"):
            yield report(rules_lead_somewhere, rule, "no listener")
        if any(not a.get("TargetGroupArn") and not a.get("ForwardConfig") for a in forwards):
            yield report(rules_lead_somewhere, rule, "forwards to nothing")
        for groups in (as_list(dig(a, "ForwardConfig.TargetGroups")) for a in forwards):
            weights = [number(group.get("Weight")) for group in groups]
            named = all(g.get("TargetGroupArn") for g in groups) and max(weights, default=1) > 0
            if groups and (not named or sorted(weights)[:-1] != [0.0] * (len(weights) - 1)):
                yield report(rules_lead_somewhere, rule, "not one target group has the traffic")


def health_is_noticed_soon(template: Template) -> Iterator[Finding]:
    """By default a dead replica is sent requests for most of a minute."""
    for group in template.of(TARGET_GROUP):
        if group.get("TargetType") == "alb":
            continue
        interval, timeout = (
            number(group.get(f"HealthCheck{name}Seconds")) for name in ("Interval", "Timeout")
        )
        wrong = {
            "asked less often than every 15 s": not 5 <= interval <= 15,
            "an answer may take longer than the interval": not 2 <= timeout < interval,
            "HealthyThresholdCount is not 2 or 3": number(group.get("HealthyThresholdCount"))
            not in (2, 3),
            "UnhealthyThresholdCount is not 2 to 5": not 2
            <= number(group.get("UnhealthyThresholdCount"))
            <= 5,
            "anything but 200 is healthy": str(group.get("Matcher.HttpCode")) != "200",
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(health_is_noticed_soon, group, message)


def targets_are_tasks(template: Template) -> Iterator[Finding]:
    """Tasks with addresses of their own are reached by them, over HTTP/1.1, without stickiness."""
    for group in template.of(TARGET_GROUP):
        if group.get("TargetType") == "alb":
            continue
        attributes = pairs(group.get("TargetGroupAttributes"))
        wrong = {
            "TargetType is not ip": group.get("TargetType") != "ip",
            "the protocol is not HTTP": group.get("Protocol") != "HTTP",
            "no port": number(group.get("Port")) < 1,
            "no VPC": not group.get("VpcId"),
            "stickiness is not off": attributes.get("stickiness.enabled") != "false",
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(targets_are_tasks, group, message)


def targets_drain_as_long_as_the_server(template: Template) -> Iterator[Finding]:
    """A target that is let go sooner than its server stops drops what it still answers."""
    waits = [number(c.flag("--shutdown-timeout")) for c in containers(template)]
    for group in template.of(TARGET_GROUP):
        if group.get("TargetType") == "alb":
            continue
        attributes = pairs(group.get("TargetGroupAttributes"))
        delay = number(attributes.get("deregistration_delay.timeout_seconds"))
        if not max([1.0, *waits]) <= delay <= 3600:
            message = "the deregistration delay is below --shutdown-timeout, or not set"
            yield report(targets_drain_as_long_as_the_server, group, message)


def doors_have_one_port(template: Template) -> Iterator[Finding]:
    """A rule without ports or protocol opens all of them."""
    for resource, rule in _doors(template):
        ports = number(rule.get("FromPort")), number(rule.get("ToPort"))
        named = [key for key in rule if key.startswith(("Cidr", "Source", "Destination"))]
        wrong = {
            "a rule is not for TCP": str(rule.get("IpProtocol")) != "tcp",
            "a rule is not for one port": ports[0] != ports[1] or ports[0] < 1,
            "a rule is for nobody": not named,
            "a rule says not why": not rule.get("Description"),
        }
        if _is_closed(rule):
            continue
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(doors_have_one_port, resource, message)


def _is_closed(rule: dict[str, object]) -> bool:
    """CDK writes a rule to 255.255.255.255 where nothing is to go out."""
    return rule.get("CidrIp") == "255.255.255.255/32"


def _doors(template: Template) -> Iterator[tuple[Resource, dict[str, object]]]:
    for group in template.of(GROUP):
        for name in ("SecurityGroupIngress", "SecurityGroupEgress"):
            for rule in as_list(group.get(name)):
                yield group, rule
    for door in template.of(*DOORS):
        yield door, dict(door.properties)


def servers_open_to_the_balancer_alone(template: Template) -> Iterator[Finding]:
    """Past the load balancer lie routes that need no key."""
    ports = {
        number(mapping.get("ContainerPort"))
        for _, body in containers(template)
        for mapping in as_list(body.get("PortMappings"))
    }
    # PrivateLink's balancer leads to the front door's own port, 443 or 80.
    ports |= (
        {number(listener.get("Port")) for listener in template.of(LISTENER)} if ports else set()
    )
    for door in template.of(*DOORS):
        wrong = {
            "no group": not door.get("GroupId"),
            "a rule is not for another group or prefix list": not any(
                door.get(name)
                for name in (
                    "SourceSecurityGroupId",
                    "DestinationSecurityGroupId",
                    "SourcePrefixListId",
                    "DestinationPrefixListId",
                )
            ),
            "a prefix list is none": not str(door.get("DestinationPrefixListId", "pl-")).startswith(
                ("pl-", "{")
            ),
            "the port is not the server's": bool(ports)
            and "SecurityGroupId" in " ".join(door.properties)
            and number(door.get("FromPort")) not in ports | {443.0},
        }
        for message in (text for text, is_wrong in wrong.items() if is_wrong):
            yield report(servers_open_to_the_balancer_alone, door, message)
    for group in template.of(GROUP):
        if not group.get("VpcId"):
            yield report(servers_open_to_the_balancer_alone, group, "the group is in no VPC")


def everything_is_in_the_same_subnets(template: Template) -> Iterator[Finding]:
    """A subnet that only some of a service's parts know is a zone that answers only sometimes."""
    places = {
        "AWS::ECS::Service": "NetworkConfiguration.AwsvpcConfiguration.Subnets",
        LOAD_BALANCER: "Subnets",
        "AWS::AutoScaling::AutoScalingGroup": "VPCZoneIdentifier",
    }
    service = next(template.of("AWS::ECS::Service"), None)
    if service is None:
        return
    own = _texts(service.get(places[service.type]))
    for resource in template.of(*places):
        found = _texts(resource.get(places[resource.type]))
        # The balancer stays in all zones where the instances are in one.
        is_pinned = resource.type == LOAD_BALANCER and len(own) == 1 and is_reserved(template)
        if found != own and not is_pinned and resource.get("Type") != "network":
            message = "its subnets are not the service's"
            yield report(everything_is_in_the_same_subnets, resource, message)


def _texts(subnets: object) -> set[str]:
    return {str(subnet) for subnet in as_list(subnets)}


def is_reserved(template: Template) -> bool:
    """Capacity blocks and reservations lie in one zone, and so do the instances in them."""
    launches = template.of("AWS::EC2::LaunchTemplate", "AWS::AutoScaling::AutoScalingGroup")
    return any("CapacityReservation" in str(launch.properties) for launch in launches)


def addresses_are_private(template: Template) -> Iterator[Finding]:
    """What may come in is named by its network; what goes out to anywhere is TLS only."""
    for group in template.of(GROUP):
        for rule in as_list(group.get("SecurityGroupIngress")):
            cidr = rule.get("CidrIp")
            if isinstance(cidr, str) and not cidr.startswith(("10.", "172.", "192.168.", "100.")):
                yield report(addresses_are_private, group, f"{cidr} may come in")
        for rule in as_list(group.get("SecurityGroupEgress")):
            cidr, port = rule.get("CidrIp"), number(rule.get("FromPort"))
            if cidr == "0.0.0.0/0" and port != 443:
                yield report(addresses_are_private, group, f"port {port:g} may go anywhere")
            if isinstance(cidr, str) and "/" not in cidr:
                yield report(addresses_are_private, group, f"{cidr} is no network")


RULES = (
    balancer_is_where_it_was_planned,
    plain_http_leads_nowhere_else,
    rules_lead_somewhere,
    tokens_are_somebody_s,
    health_is_noticed_soon,
    targets_are_tasks,
    targets_drain_as_long_as_the_server,
    doors_have_one_port,
    servers_open_to_the_balancer_alone,
    everything_is_in_the_same_subnets,
    addresses_are_private,
)
