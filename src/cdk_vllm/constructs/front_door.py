"""The internal load balancer of one ECS service: TLS, and only the paths meant for users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aws_cdk import Stack
from aws_cdk import aws_certificatemanager as acm
from aws_cdk import aws_ec2 as ec2
from aws_cdk import aws_elasticloadbalancingv2 as elbv2
from aws_cdk import aws_route53 as route53
from constructs import Construct

from cdk_vllm.constructs.network import inner_subnets
from cdk_vllm.constructs.vllm_container import PORT
from cdk_vllm.errors import InputError
from cdk_vllm.sizing import timeouts_for

if TYPE_CHECKING:
    from aws_cdk import aws_s3 as s3

    from cdk_vllm.sizing import ServingPlan

# vLLM's key guards /v1 only, and /v1 also holds routes that load adapters and render prompts: so
# paths are allowed one by one. Five values fit a rule.
ALLOWED_PATHS = (
    "^/v1/(chat/completions|completions|embeddings|messages|models)$",
    "^/v1/responses(/[a-zA-Z0-9_-]+(/cancel)?)?$",
)
"""Regular expressions: a deployment in two sets moves the traffic of one rule only, and a rule
takes five plain paths. Source: User Guide for Application Load Balancers, "Condition types"."""
# The load balancer is internal; these are the addresses a private network can have (RFC 1918).
PRIVATE_RANGES = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")


@dataclass(frozen=True, kw_only=True)
class DomainName:
    """The name clients use; with its `hosted_zone`, the record and the certificate are made."""

    name: str
    hosted_zone: route53.IHostedZone | None = None


@dataclass(frozen=True, kw_only=True)
class TokenIssuer:
    """An OpenID Connect provider whose access tokens let a client in.

    `jwks_url` is where its public keys are, reachable from the internet over HTTPS. With
    `audiences`, a token's `aud` must be one of them.
    """

    issuer: str
    jwks_url: str
    audiences: tuple[str, ...] = ()


class FrontDoor(Construct):
    """An internal load balancer that answers 404 to everything but `ALLOWED_PATHS`.

    With `certificate`, or with a `domain` in a hosted zone (the certificate is then made and
    validated, and the name points here), the listener speaks TLS 1.3 and port 80 redirects. With
    neither, `insecure_http` must say that a plain listener is meant. With `token_issuer` the load
    balancer itself checks each request's bearer token, and vLLM asks for no key of its own.
    `log_bucket` must let load balancers write, as `LogBucket` does. In a stack with termination
    protection the load balancer refuses its deletion too.

    Raises:
        InputError: no certificate, no domain in a zone, and not `insecure_http`; or `token_issuer`
            on a plain listener, where anybody could read the tokens.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        plan: ServingPlan,
        vpc: ec2.IVpc,
        log_bucket: s3.IBucket,
        certificate: acm.ICertificate | None = None,
        domain: DomainName | None = None,
        token_issuer: TokenIssuer | None = None,
        insecure_http: bool = False,
    ) -> None:
        super().__init__(scope, construct_id)
        self._plan, self._vpc, self.token_issuer = plan, vpc, token_issuer
        self.certificate_arn = self._certificate_arn(certificate, domain)
        self.encrypted = self.certificate_arn is not None
        _refuse(encrypted=self.encrypted, plain=insecure_http, tokens=token_issuer is not None)
        self.port = 443 if self.encrypted else 80
        self.subnet_ids = [subnet.subnet_id for subnet in inner_subnets(vpc)]
        self.security_group = self._security_group(plain_only=not self.encrypted)
        self.load_balancer = self._load_balancer(log_bucket)
        self.target_group = self._target_group("TargetGroup")
        self.target_groups = [self.target_group]
        self.listener = self._listener(self.certificate_arn)
        self.rule = self._rule()
        if domain and domain.hosted_zone:
            self._alias(domain.name, domain.hosted_zone)
        scheme = "https" if self.encrypted else "http"
        host = domain.name if domain else self.load_balancer.attr_dns_name
        self.base_url = f"{scheme}://{host}/v1"

    def _certificate_arn(
        self, certificate: acm.ICertificate | None, domain: DomainName | None
    ) -> str | None:
        if certificate:
            return certificate.certificate_arn
        if domain is None or domain.hosted_zone is None:
            return None
        request = acm.CfnCertificate(
            self,
            "Certificate",
            domain_name=domain.name,
            validation_method="DNS",
            domain_validation_options=[
                acm.CfnCertificate.DomainValidationOptionProperty(
                    domain_name=domain.name, hosted_zone_id=domain.hosted_zone.hosted_zone_id
                )
            ],
        )
        return request.ref

    def _security_group(self, *, plain_only: bool) -> ec2.SecurityGroup:
        group = ec2.SecurityGroup(
            self,
            "SecurityGroup",
            vpc=self._vpc,
            description="Load balancer: from private addresses, to vLLM",
            allow_all_outbound=False,
        )
        for cidr in PRIVATE_RANGES:
            group.add_ingress_rule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(80), "HTTP")
            if not plain_only:
                group.add_ingress_rule(ec2.Peer.ipv4(cidr), ec2.Port.tcp(443), "HTTPS")
        return group

    def _load_balancer(self, log_bucket: s3.IBucket) -> elbv2.CfnLoadBalancer:
        idle = timeouts_for(self._plan).alb_idle_timeout_seconds
        protected = str(bool(Stack.of(self).termination_protection)).lower()
        load_balancer = elbv2.CfnLoadBalancer(
            self,
            "LoadBalancer",
            type="application",
            scheme="internal",
            subnets=self.subnet_ids,
            security_groups=[self.security_group.security_group_id],
            load_balancer_attributes=_attributes(
                {
                    "idle_timeout.timeout_seconds": idle,
                    "deletion_protection.enabled": protected,
                    "routing.http.drop_invalid_header_fields.enabled": "true",
                    "routing.http.desync_mitigation_mode": "strictest",
                    "access_logs.s3.enabled": "true",
                    "access_logs.s3.bucket": log_bucket.bucket_name,
                    "access_logs.s3.prefix": f"alb/{self._plan.request.service}",
                    "connection_logs.s3.enabled": "true",
                    "connection_logs.s3.bucket": log_bucket.bucket_name,
                    "connection_logs.s3.prefix": f"alb/{self._plan.request.service}",
                },
            ),
        )
        load_balancer.node.add_dependency(log_bucket)
        return load_balancer

    def add_alternate_target_group(self) -> elbv2.CfnTargetGroup:
        """Return a second target group, for deployments that run two sets and move the traffic."""
        alternate = self._target_group("AlternateTargetGroup")
        self.target_groups.append(alternate)
        self.rule.actions = [*self._actions()]
        return alternate

    def _target_group(self, construct_id: str) -> elbv2.CfnTargetGroup:
        delay = timeouts_for(self._plan).deregistration_delay_seconds
        return elbv2.CfnTargetGroup(
            self,
            construct_id,
            vpc_id=self._vpc.vpc_id,
            target_type="ip",
            protocol="HTTP",
            port=PORT,
            health_check_path="/health",
            health_check_interval_seconds=10,
            health_check_timeout_seconds=5,
            healthy_threshold_count=2,
            unhealthy_threshold_count=3,
            matcher=elbv2.CfnTargetGroup.MatcherProperty(http_code="200"),
            target_group_attributes=_attributes(
                {
                    "load_balancing.algorithm.type": "least_outstanding_requests",
                    "deregistration_delay.timeout_seconds": delay,
                    "stickiness.enabled": "false",
                },
            ),
        )

    def _listener(self, certificate_arn: str | None) -> elbv2.CfnListener:
        if certificate_arn is None:
            return self._deny_all("Http", port=80, protocol="HTTP")
        redirect = elbv2.CfnListener.RedirectConfigProperty(
            status_code="HTTP_301", protocol="HTTPS", port="443"
        )
        elbv2.CfnListener(
            self,
            "Redirect",
            load_balancer_arn=self.load_balancer.ref,
            port=80,
            protocol="HTTP",
            default_actions=[
                elbv2.CfnListener.ActionProperty(type="redirect", redirect_config=redirect)
            ],
        )
        listener = self._deny_all("Https", port=443, protocol="HTTPS")
        listener.ssl_policy = "ELBSecurityPolicy-TLS13-1-3-2021-06"
        listener.certificates = [
            elbv2.CfnListener.CertificateProperty(certificate_arn=certificate_arn)
        ]
        return listener

    def _deny_all(self, construct_id: str, *, port: int, protocol: str) -> elbv2.CfnListener:
        answer = elbv2.CfnListener.FixedResponseConfigProperty(
            status_code="404", content_type="application/json", message_body='{"error":"not found"}'
        )
        return elbv2.CfnListener(
            self,
            construct_id,
            load_balancer_arn=self.load_balancer.ref,
            port=port,
            protocol=protocol,
            default_actions=[
                elbv2.CfnListener.ActionProperty(
                    type="fixed-response", fixed_response_config=answer
                )
            ],
        )

    def _rule(self) -> elbv2.CfnListenerRule:
        rule = elbv2.CfnListenerRule
        return rule(
            self,
            "Paths",
            listener_arn=self.listener.ref,
            priority=1,
            conditions=[
                rule.RuleConditionProperty(
                    field="path-pattern",
                    path_pattern_config=rule.PathPatternConfigProperty(
                        regex_values=list(ALLOWED_PATHS)
                    ),
                )
            ],
            actions=self._actions(),
        )

    def _actions(self) -> list[elbv2.CfnListenerRule.ActionProperty]:
        action = elbv2.CfnListenerRule.ActionProperty
        if self.token_issuer is None:
            return [action(type="forward", **self._targets())]  # type: ignore[arg-type]
        return [
            action(type="jwt-validation", order=1, jwt_validation_config=_jwt(self.token_issuer)),
            action(type="forward", order=2, **self._targets()),  # type: ignore[arg-type]
        ]

    def _targets(self) -> dict[str, object]:
        """One group, or the first of two: ECS moves the weights when it deploys."""
        if len(self.target_groups) == 1:
            return {"target_group_arn": self.target_group.ref}
        kind = elbv2.CfnListenerRule
        groups = [
            kind.TargetGroupTupleProperty(
                target_group_arn=group.ref, weight=100 if group is self.target_group else 0
            )
            for group in self.target_groups
        ]
        return {"forward_config": kind.ForwardConfigProperty(target_groups=groups)}

    def _alias(self, domain: str, hosted_zone: route53.IHostedZone) -> None:
        route53.CfnRecordSet(
            self,
            "Alias",
            name=domain,
            type="A",
            hosted_zone_id=hosted_zone.hosted_zone_id,
            alias_target=route53.CfnRecordSet.AliasTargetProperty(
                dns_name=self.load_balancer.attr_dns_name,
                hosted_zone_id=self.load_balancer.attr_canonical_hosted_zone_id,
            ),
        )


def _refuse(*, encrypted: bool, plain: bool, tokens: bool) -> None:
    if not encrypted and not plain:
        raise InputError(
            "a front door needs a certificate, or a domain with its hosted_zone, or "
            "insecure_http=True for a plain listener inside the VPC"
        )
    if tokens and not encrypted:
        raise InputError(
            "a token_issuer needs a certificate or a domain with its hosted_zone: on a plain "
            "listener anybody on the way could read and reuse the tokens"
        )


def _jwt(issuer: TokenIssuer) -> elbv2.CfnListenerRule.JwtValidationConfigProperty:
    kind = elbv2.CfnListenerRule
    claim = kind.JwtValidationActionAdditionalClaimProperty(
        format="string-array", name="aud", values=list(issuer.audiences)
    )
    return kind.JwtValidationConfigProperty(
        issuer=issuer.issuer,
        jwks_endpoint=issuer.jwks_url,
        additional_claims=[claim] if issuer.audiences else None,
    )


def _attributes(values: dict[str, object]) -> list[dict[str, str]]:
    return [{"key": key, "value": str(value)} for key, value in values.items()]
