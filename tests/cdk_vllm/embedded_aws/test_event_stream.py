"""botocore, which reads SageMaker's own streams, reads these."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer

from cdk_vllm.embedded_aws.event_stream import failure, part


def test_parts_are_read_as_they_were_written() -> None:
    buffer: Any = EventStreamBuffer()
    buffer.add_data(part(b"data: one\n\n") + part(b"\x00\xff") + failure("ModelStreamError", b"{}"))
    first, second, last = buffer
    assert first.payload == b"data: one\n\n"
    assert first.headers[":event-type"] == "PayloadPart"
    assert second.payload == b"\x00\xff"
    assert last.headers[":exception-type"] == "ModelStreamError"


def test_a_changed_byte_is_noticed() -> None:
    message = bytearray(part(b"payload"))
    message[-6] ^= 1
    buffer = EventStreamBuffer()
    buffer.add_data(bytes(message))
    with pytest.raises(ChecksumMismatch):
        list(buffer)
