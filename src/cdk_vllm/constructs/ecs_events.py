"""What ECS and Auto Scaling report of one service's failures, as tickets."""

from __future__ import annotations

from typing import TYPE_CHECKING

from constructs import Construct

from cdk_vllm.constructs.event_rule import tell

if TYPE_CHECKING:
    from aws_cdk import aws_sns as sns

    from cdk_vllm.constructs.ecs_service import VllmEcsService


class EcsEvents(Construct):
    """Tickets for failed deployments, tasks without a place, impaired starts, missing capacity."""

    def __init__(
        self, scope: Construct, construct_id: str, *, service: VllmEcsService, topic: sns.ITopic
    ) -> None:
        super().__init__(scope, construct_id)
        tell(
            self,
            "Deployment",
            {
                "source": ["aws.ecs"],
                "detail-type": ["ECS Deployment State Change"],
                "resources": [service.service.ref],
                "detail": {"eventName": ["SERVICE_DEPLOYMENT_FAILED"]},
            },
            topic,
            sentence="A deployment of <service> failed and was rolled back: <reason>",
            paths={"service": "$.resources[0]", "reason": "$.detail.reason"},
        )
        tell(
            self,
            "Tasks",
            {
                "source": ["aws.ecs"],
                "detail-type": ["ECS Service Action"],
                "resources": [service.service.ref],
                "detail": {
                    "eventName": ["SERVICE_TASK_PLACEMENT_FAILURE", "SERVICE_TASK_START_IMPAIRED"]
                },
            },
            topic,
            sentence="<service> cannot start a task: <event> <reason>. Look at its events, and at "
            "the Auto Scaling group's activity for missing capacity or quota.",
            paths={
                "service": "$.resources[0]",
                "event": "$.detail.eventName",
                "reason": "$.detail.reason",
            },
        )
        tell(
            self,
            "Launches",
            {
                "source": ["aws.autoscaling"],
                "detail-type": ["EC2 Instance Launch Unsuccessful"],
                "detail": {"AutoScalingGroupName": [service.capacity.auto_scaling_group.ref]},
            },
            topic,
            sentence="No instance for <group>: <reason> It is tried again; for good it needs "
            "another zone or type, a reservation or a higher quota.",
            paths={"group": "$.detail.AutoScalingGroupName", "reason": "$.detail.StatusMessage"},
        )
