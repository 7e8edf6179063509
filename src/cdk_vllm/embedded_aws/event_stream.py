"""Amazon's event stream encoding, in which `InvokeEndpointWithResponseStream` answers.

A message is its length, the length of its headers, a checksum of both, the headers, the payload,
and a checksum of everything; numbers are big-endian, checksums CRC-32. Source: Smithy 2.0, "Amazon
Event Stream specification".
"""

from __future__ import annotations

import struct
from binascii import crc32
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_STRING = 7
_PRELUDE_BYTES = 12
_CHECKSUM_BYTES = 4


def part(payload: bytes) -> bytes:
    """Return one `PayloadPart`."""
    headers = {
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
        ":message-type": "event",
    }
    return message(headers, payload)


def failure(kind: str, payload: bytes) -> bytes:
    """Return the message that ends a stream which cannot go on; `payload` is JSON."""
    headers = {
        ":exception-type": kind,
        ":content-type": "application/json",
        ":message-type": "exception",
    }
    return message(headers, payload)


def message(headers: Mapping[str, str], payload: bytes) -> bytes:
    """Return one message."""
    encoded = b"".join(_header(name, value) for name, value in headers.items())
    length = _PRELUDE_BYTES + len(encoded) + len(payload) + _CHECKSUM_BYTES
    prelude = struct.pack(">II", length, len(encoded))
    body = prelude + struct.pack(">I", crc32(prelude)) + encoded + payload
    return body + struct.pack(">I", crc32(body))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return bytes([len(key)]) + key + struct.pack(">BH", _STRING, len(text)) + text
