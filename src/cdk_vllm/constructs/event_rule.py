"""Events of AWS's that somebody must hear of, sent to a topic as one readable sentence."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from aws_cdk import aws_events as events

if TYPE_CHECKING:
    from collections.abc import Mapping

    from aws_cdk import aws_sns as sns
    from constructs import Construct


def tell(
    scope: Construct,
    construct_id: str,
    pattern: Mapping[str, Any],
    topic: sns.ITopic,
    *,
    sentence: str,
    paths: Mapping[str, str],
) -> events.CfnRule:
    """Return a rule that sends `sentence`, its `<words>` filled in from `paths` of the event."""
    kind = events.CfnRule
    target = kind.TargetProperty(
        id="Topic",
        arn=topic.topic_arn,
        input_transformer=kind.InputTransformerProperty(
            input_template=json.dumps(sentence), input_paths_map=dict(paths)
        ),
    )
    return kind(scope, construct_id, event_pattern=dict(pattern), targets=[target])
