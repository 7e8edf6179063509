"""A real engine behind the embedded AWS's SageMaker endpoints.

>>> from cdk_vllm.embedded_aws.sagemaker_engine import engine_behind, engine_of
>>> with engine_behind("http://127.0.0.1:8000", "chat"):
...     engine_of("chat"), engine_of("another")
('http://127.0.0.1:8000', None)
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

_EVERY_ENDPOINT = ""
_ENGINES: dict[str, str] = {}


@contextmanager
def engine_behind(url: str, endpoint_name: str = _EVERY_ENDPOINT) -> Iterator[None]:
    """Within the block, invocations of an endpoint, or of all, are answered by the engine at `url`.

    `url` is a vLLM server's without a path, such as `http://127.0.0.1:8000`; it is called as
    SageMaker calls a container, at `/invocations`.
    """
    before = dict(_ENGINES)
    _ENGINES[endpoint_name] = url.rstrip("/")
    try:
        yield
    finally:
        _ENGINES.clear()
        _ENGINES.update(before)


def engine_of(endpoint_name: str) -> str | None:
    """Return the address of the engine behind an endpoint, or None."""
    return _ENGINES.get(endpoint_name, _ENGINES.get(_EVERY_ENDPOINT))
