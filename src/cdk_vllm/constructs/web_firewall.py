"""AWS WAF in front of a front door: a limit for each client, and rules that let prompts through."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Names, Stack
from aws_cdk import aws_wafv2 as wafv2
from constructs import Construct

from cdk_vllm.constructs.service_logs import ServiceLogs

if TYPE_CHECKING:
    from cdk_vllm.constructs.front_door import FrontDoor

# A prompt is text about anything: quoted HTML, SQL and URLs are its daily bread, and most prompts
# are longer than the 8 KB that WAF reads of a body behind a load balancer. What looks into bodies
# only counts. Source: AWS WAF Developer Guide, "Core rule set managed rule group".
COUNTED_CORE_RULES = (
    "SizeRestrictions_BODY",
    "CrossSiteScripting_BODY",
    "GenericLFI_BODY",
    "GenericRFI_BODY",
    "EC2MetaDataSSRF_BODY",
)
COUNTED_BAD_INPUTS = (
    "Log4JRCE_BODY",
    "JavaDeserializationRCE_BODY",
    "ReactJSRCE_BODY",
)
WINDOW_SECONDS = 60
MIN_REQUESTS_PER_MINUTE = 10  # WAF's own least limit


class WebFirewall(Construct):
    """A web ACL that blocks a client beyond `requests_per_minute`, and known attacks in headers.

    A client is an IP address; behind a network load balancer all callers share a few. The log is
    encrypted, holds no Authorization header, and WAF never logs bodies.

    Raises:
        ValueError: `requests_per_minute` is below WAF's least limit of 10.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        front_door: FrontDoor,
        requests_per_minute: int = 600,
    ) -> None:
        super().__init__(scope, construct_id)
        if requests_per_minute < MIN_REQUESTS_PER_MINUTE:
            raise ValueError(
                f"requests_per_minute is {requests_per_minute}; WAF's least limit is "
                f"{MIN_REQUESTS_PER_MINUTE}"
            )
        self.web_acl = wafv2.CfnWebACL(
            self,
            "WebAcl",
            scope="REGIONAL",
            default_action=wafv2.CfnWebACL.DefaultActionProperty(allow={}),
            visibility_config=_visibility("all"),
            rules=[
                _rate(requests_per_minute),
                _managed(1, "AWSManagedRulesKnownBadInputsRuleSet", COUNTED_BAD_INPUTS),
                _managed(2, "AWSManagedRulesCommonRuleSet", COUNTED_CORE_RULES),
            ],
        )
        wafv2.CfnWebACLAssociation(
            self,
            "Association",
            resource_arn=front_door.load_balancer.ref,
            web_acl_arn=self.web_acl.attr_arn,
        )
        self.logs = self._logs()

    def _logs(self) -> ServiceLogs:
        """WAF writes only to log groups whose name begins with `aws-waf-logs-`."""
        name = f"aws-waf-logs-{Names.unique_resource_name(self, max_length=64, separator='-')}"
        logs = ServiceLogs(self, "Logs", log_group_name=name)
        stack = Stack.of(self)
        group = f"arn:{stack.partition}:logs:{stack.region}:{stack.account}:log-group:{name}"
        configuration = wafv2.CfnLoggingConfiguration(
            self,
            "Logging",
            resource_arn=self.web_acl.attr_arn,
            log_destination_configs=[group],
            redacted_fields=[
                wafv2.CfnLoggingConfiguration.FieldToMatchProperty(
                    single_header={"Name": "authorization"}
                )
            ],
        )
        configuration.node.add_dependency(logs)
        return logs


def _visibility(name: str) -> wafv2.CfnWebACL.VisibilityConfigProperty:
    return wafv2.CfnWebACL.VisibilityConfigProperty(
        cloud_watch_metrics_enabled=True, metric_name=name, sampled_requests_enabled=False
    )


def _rate(requests_per_minute: int) -> wafv2.CfnWebACL.RuleProperty:
    kind = wafv2.CfnWebACL
    return kind.RuleProperty(
        name="RequestsOfAClient",
        priority=0,
        action=kind.RuleActionProperty(
            block=kind.BlockActionProperty(
                custom_response=kind.CustomResponseProperty(response_code=429)
            )
        ),
        statement=kind.StatementProperty(
            rate_based_statement=kind.RateBasedStatementProperty(
                aggregate_key_type="IP",
                limit=requests_per_minute,
                evaluation_window_sec=WINDOW_SECONDS,
            )
        ),
        visibility_config=_visibility("requests-of-a-client"),
    )


def _managed(priority: int, name: str, counted: tuple[str, ...]) -> wafv2.CfnWebACL.RuleProperty:
    kind = wafv2.CfnWebACL
    overrides = [
        kind.RuleActionOverrideProperty(name=rule, action_to_use=kind.RuleActionProperty(count={}))
        for rule in counted
    ]
    return kind.RuleProperty(
        name=name,
        priority=priority,
        override_action=kind.OverrideActionProperty(none={}),
        statement=kind.StatementProperty(
            managed_rule_group_statement=kind.ManagedRuleGroupStatementProperty(
                vendor_name="AWS", name=name, rule_action_overrides=overrides
            )
        ),
        visibility_config=_visibility(name),
    )
