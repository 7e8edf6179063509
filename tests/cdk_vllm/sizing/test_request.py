"""What no instance could make right is refused before one is looked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from cdk_vllm.errors import InputError
from cdk_vllm.sizing.request import check_request

if TYPE_CHECKING:
    from collections.abc import Callable

    from cdk_vllm.sizing import ServingRequest

    Ask = Callable[..., ServingRequest]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"region": "us-east1"}, 'Did you mean "us-east-1"'),
        ({"concurrent_requests": 0}, "concurrent_requests is 0"),
        ({"prompt_tokens": 16000}, "raise it to 16500"),
        ({"max_model_len": 65536}, "40960 positions"),
        ({"min_replicas": 3, "max_replicas": 2}, "replicas are 3 to 2"),
        ({"min_replicas": 0, "max_replicas": 0}, "at least 1"),
        ({"max_request_seconds": 3601}, "1 to 3600"),
        ({"max_request_seconds": 61, "backend": "sagemaker"}, "1 to 60"),
        ({"engine": {"swap_space": 4}}, "swap"),
        ({"engine": {"max_num_seqs": 8}}, "below concurrent_requests 32"),
        ({"model": "microsoft/phi-4", "engine": {"tensor_parallel_size": 4}}, "10 KV heads"),
    ],
)
def test_refused_with_the_value(ask: Ask, change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        check_request(ask(**change))


@pytest.mark.parametrize(
    "change", [{}, {"min_replicas": 0}, {"output_tokens": 0}, {"region": "cn-north-1"}]
)
def test_fine(ask: Ask, change: dict[str, Any]) -> None:
    check_request(ask(**change))
