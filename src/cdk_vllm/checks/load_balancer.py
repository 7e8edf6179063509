"""Who reaches vLLM, on which paths, and for how long."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cdk_vllm.checks.ecs_container import containers
from cdk_vllm.checks.template import Finding, Resource, Template, as_list, number, pairs, report

if TYPE_CHECKING:
    from collections.abc import Iterator

LOAD_BALANCER = "AWS::ElasticLoadBalancingV2::LoadBalancer"
LISTENER = "AWS::ElasticLoadBalancingV2::Listener"
RULE = "AWS::ElasticLoadBalancingV2::ListenerRule"
TARGET_GROUP = "AWS::ElasticLoadBalancingV2::TargetGroup"

ALLOWED_PATHS = (
    "/v1/chat/completions",
    "/v1/completions",
    "/v1/embeddings",
    "/v1/messages",
    "/v1/models",
    "/v1/responses",
)
ALLOWED_PATTERNS = (
    "^/v1/(chat/completions|completions|embeddings|messages|models)$",
    "^/v1/responses(/[a-zA-Z0-9_-]+(/cancel)?)?$",
)
"""Regular expressions that match nothing but the paths above and one response's own."""


def is_internal(template: Template) -> Iterator[Finding]:
    """One shared key is no protection against the internet."""
    for balancer in template.of(LOAD_BALANCER):
        if balancer.get("Scheme") != "internal":
            yield report(is_internal, balancer, "Scheme is not internal")


def application_balancers(template: Template) -> Iterator[Resource]:
    """Yield the load balancers that read requests; a network load balancer passes packets on."""
    for balancer in template.of(LOAD_BALANCER):
        if balancer.get("Type", "application") == "application":
            yield balancer


def refuses_by_default(template: Template) -> Iterator[Finding]:
    """Many of vLLM's routes need no key; only paths that are named may reach it."""
    for listener in template.of(LISTENER):
        if passes_on_to_a_balancer(template, listener):
            continue
        for action in as_list(listener.get("DefaultActions")):
            if action.get("Type") == "fixed-response":
                status = action.get("FixedResponseConfig", {}).get("StatusCode")
                if status not in ("403", "404"):
                    yield report(refuses_by_default, listener, f"answers {status} by default")
            elif action.get("Type") != "redirect":
                yield report(refuses_by_default, listener, f"{action.get('Type')} by default")


def passes_on_to_a_balancer(template: Template, listener: Resource) -> bool:
    """Tell whether a listener of a network load balancer leads to another listener alone."""
    inner = {
        group.logical_id for group in template.of(TARGET_GROUP) if group.get("TargetType") == "alb"
    }
    targets = [
        (action.get("TargetGroupArn") or {}).get("Ref")
        for action in as_list(listener.get("DefaultActions"))
    ]
    return listener.get("Protocol") == "TCP" and bool(targets) and set(targets) <= inner


def forwards_named_paths_only(template: Template) -> Iterator[Finding]:
    """/invocations, /tokenize and /metrics need no key, and /v1 also loads adapters."""
    for rule in template.of(RULE):
        for path in _paths(rule):
            if path.removesuffix("*") not in (*ALLOWED_PATHS, *ALLOWED_PATTERNS):
                yield report(forwards_named_paths_only, rule, f"forwards {path}")


def _paths(rule: Resource) -> Iterator[str]:
    if not any(action.get("Type") == "forward" for action in as_list(rule.get("Actions"))):
        return
    found = False
    for condition in as_list(rule.get("Conditions")):
        if condition.get("Field") == "path-pattern":
            found = True
            wanted = condition.get("PathPatternConfig", {})
            yield from (*wanted.get("Values", []), *wanted.get("RegexValues", []))
            yield from condition.get("Values", [])
    if not found:
        yield "/*"


def deletion_is_decided(template: Template) -> Iterator[Finding]:
    """A load balancer that is deleted by mistake takes its name and its callers with it."""
    for balancer in application_balancers(template):
        attributes = pairs(balancer.get("LoadBalancerAttributes"))
        if attributes.get("deletion_protection.enabled") not in ("true", "false"):
            message = "deletion_protection.enabled is neither true nor false"
            yield report(deletion_is_decided, balancer, message)


def speaks_modern_tls(template: Template) -> Iterator[Finding]:
    """Older protocols are broken; a load balancer accepts them unless told otherwise."""
    for listener in template.of(LISTENER):
        policy = str(listener.get("SslPolicy"))
        if listener.get("Protocol") == "HTTPS" and not policy.startswith(
            "ELBSecurityPolicy-TLS13-"
        ):
            yield report(speaks_modern_tls, listener, f"SslPolicy is {policy}")


def logs_and_drops(template: Template) -> Iterator[Finding]:
    """An attack nobody logged did not happen; malformed headers are how some are made."""
    for balancer in application_balancers(template):
        attributes = pairs(balancer.get("LoadBalancerAttributes"))
        for name in (
            "access_logs.s3.enabled",
            "connection_logs.s3.enabled",
            "routing.http.drop_invalid_header_fields.enabled",
        ):
            if str(attributes.get(name)).lower() != "true":
                yield report(logs_and_drops, balancer, f"{name} is not true")


def waits_for_long_answers(template: Template) -> Iterator[Finding]:
    """A load balancer's 60 s end every answer that takes longer and is not streamed."""
    for balancer in application_balancers(template):
        if not 300 <= _idle_seconds(balancer) <= 4000:
            yield report(waits_for_long_answers, balancer, "the idle timeout is not 300 to 4000 s")


def server_outlasts_the_balancer(template: Template) -> Iterator[Finding]:
    """After 5 s vLLM closes an idle connection; the load balancer uses it once more: 502."""
    idle = max(
        (_idle_seconds(balancer) for balancer in application_balancers(template)), default=0.0
    )
    for container in containers(template):
        kept = number(container.environment.get("VLLM_HTTP_TIMEOUT_KEEP_ALIVE", 5))
        if idle and kept <= idle:
            message = "VLLM_HTTP_TIMEOUT_KEEP_ALIVE is not above the idle timeout"
            yield report(server_outlasts_the_balancer, container.task, message)


def _idle_seconds(balancer: Resource) -> float:
    attributes = pairs(balancer.get("LoadBalancerAttributes"))
    return number(attributes.get("idle_timeout.timeout_seconds", 60))


def _servers(template: Template) -> Iterator[Resource]:
    for group in template.of(TARGET_GROUP):
        if group.get("TargetType") != "alb":
            yield group


def picks_the_least_busy(template: Template) -> Iterator[Finding]:
    """Requests differ a thousandfold in work; taking turns overloads one replica, idles another."""
    for group in _servers(template):
        attributes = pairs(group.get("TargetGroupAttributes"))
        algorithm = attributes.get("load_balancing.algorithm.type")
        if algorithm != "least_outstanding_requests":
            yield report(picks_the_least_busy, group, f"the algorithm is {algorithm}")
        if number(attributes.get("slow_start.duration_seconds", 0)) > 0:
            yield report(picks_the_least_busy, group, "slow start switches it off")


def asks_for_health(template: Template) -> Iterator[Finding]:
    """/health alone says that the engine lives and needs no key."""
    for group in _servers(template):
        if group.get("HealthCheckPath") != "/health":
            yield report(asks_for_health, group, f"asks {group.get('HealthCheckPath')}")


def security_groups_are_closed(template: Template) -> Iterator[Finding]:
    """The port is for the load balancer alone; what goes out names its port."""
    for group in template.of("AWS::EC2::SecurityGroup"):
        for rule in as_list(group.get("SecurityGroupIngress")):
            if rule.get("CidrIp") == "0.0.0.0/0" or rule.get("CidrIpv6"):
                yield report(security_groups_are_closed, group, "anybody may come in")
        for rule in as_list(group.get("SecurityGroupEgress")):
            if str(rule.get("IpProtocol")) == "-1" and rule.get("CidrIp") == "0.0.0.0/0":
                yield report(security_groups_are_closed, group, "everything may go out")
        if not group.get("SecurityGroupEgress"):
            # EC2 allows everything where a template allows nothing; CDK writes a rule instead.
            yield from _unstated(template, group)


def _unstated(template: Template, group: Resource) -> Iterator[Finding]:
    stated = {str(rule.get("GroupId")) for rule in template.of("AWS::EC2::SecurityGroupEgress")}
    if not any(f"'{group.logical_id}'" in reference for reference in stated):
        yield report(security_groups_are_closed, group, "what may go out is not said")


RULES = (
    is_internal,
    refuses_by_default,
    forwards_named_paths_only,
    deletion_is_decided,
    speaks_modern_tls,
    logs_and_drops,
    waits_for_long_answers,
    server_outlasts_the_balancer,
    picks_the_least_busy,
    asks_for_health,
    security_groups_are_closed,
)
