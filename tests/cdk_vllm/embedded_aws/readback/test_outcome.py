from __future__ import annotations

from typing import TYPE_CHECKING, get_args

from hypothesis import given
from hypothesis import strategies as st

from cdk_vllm.embedded_aws.readback.outcome import Outcome, ResourceReadBack, StackReadBack

if TYPE_CHECKING:
    from collections.abc import Sequence


@given(st.lists(st.sampled_from(get_args(Outcome))))
def test_every_resource_is_counted_once(outcomes: Sequence[Outcome]) -> None:
    resources = tuple(
        ResourceReadBack(str(i), "AWS::S3::Bucket", "", outcome, "", 0)
        for i, outcome in enumerate(outcomes)
    )
    stack = StackReadBack("one", resources)
    assert stack.served + stack.recorded + stack.skipped == len(resources)
    assert sorted(stack.of("served") + stack.of("recorded") + stack.of("skipped"), key=id) == (
        sorted(resources, key=id)
    )
