"""An alarm on a certificate that nobody renews."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration
from aws_cdk import aws_cloudwatch as cloudwatch

from cdk_vllm.constructs.alarm import BELOW, NO_DATA_IS_FINE, alarm

if TYPE_CHECKING:
    from constructs import Construct

    from cdk_vllm.constructs.alarm_topics import AlarmTopics


def certificate_alarm(
    scope: Construct,
    construct_id: str,
    *,
    certificate_arn: str,
    days: int,
    topics: AlarmTopics,
) -> cloudwatch.Alarm:
    """Return a ticket for a certificate that expires in fewer than `days` days.

    ACM renews what it issued 60 days before; one below 30 is imported, or its DNS record is gone.
    It reports the days once a day, so nothing in between is fine.
    """
    metric = cloudwatch.Metric(
        namespace="AWS/CertificateManager",
        metric_name="DaysToExpiry",
        dimensions_map={"CertificateArn": certificate_arn},
        statistic="Minimum",
        period=Duration.days(1),
    )
    return alarm(
        scope,
        construct_id,
        metric,
        fires=(BELOW, days),
        periods=(1, 1),
        missing=NO_DATA_IS_FINE,
        description=(
            "The load balancer's certificate expires soon and was not renewed. Restore its DNS "
            "record, or import a new one; on that day every client fails."
        ),
        topic=topics.ticket,
    )
