from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from cdk_vllm.embedded_aws.readback.reading import as_written, listed, only, optional, tag_list


def test_listed_names_are_always_there_in_either_spelling() -> None:
    answer = {"desiredCount": 0, "Name": "chat", "other": 1}
    assert listed(answer, "DesiredCount", "Name", "Tags") == {
        "DesiredCount": 0,
        "Name": "chat",
        "Tags": None,
    }


def test_only_takes_the_first_or_refuses() -> None:
    assert only(iter("ab")) == "a"
    with pytest.raises(LookupError):
        only([])


def test_a_part_never_configured_is_nothing() -> None:
    def refuse(**_: Any) -> dict[str, Any]:
        raise ClientError({"Error": {"Code": "NoSuchLifecycleConfiguration"}}, "Get")

    assert optional(refuse, Bucket="b") == {}
    assert optional(dict, Bucket="b") == {"Bucket": "b"}


@pytest.mark.parametrize(
    ("found", "wanted", "spelling"),
    [
        ("arn:aws:ecs:us-east-1:1:cluster/gpus", "gpus", "gpus"),
        ("arn:aws:ecs:us-east-1:1:cluster/gpus", "cpus", "gpus"),
        ("arn:aws:ecs:us-east-1:1:cluster/gpus", "arn:any", "arn:aws:ecs:us-east-1:1:cluster/gpus"),
        ("arn:aws:ecs:us-east-1:1:cluster/gpus", None, "arn:aws:ecs:us-east-1:1:cluster/gpus"),
        (None, "gpus", None),
    ],
)
def test_an_arn_is_shortened_where_the_template_gives_a_name(
    found: str | None, wanted: str | None, spelling: str | None
) -> None:
    assert as_written(found, wanted) == spelling


def test_tags_are_written_as_templates_write_them() -> None:
    assert tag_list({"a": "b"}) == [{"Key": "a", "Value": "b"}]
    assert tag_list(None) == []
