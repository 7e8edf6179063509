"""The tiny model is a real one: its tensors are where its header says they are."""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING

from cdk_vllm.embedded_aws.tiny_model import write_tiny_model
from cdk_vllm.sizing import shape_from_config

if TYPE_CHECKING:
    from pathlib import Path


def test_the_header_describes_the_tensors_without_gaps(tmp_path: Path) -> None:
    content = (write_tiny_model(tmp_path) / "model.safetensors").read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    end = 0
    for tensor in header.values():
        elements = 1
        for size in tensor["shape"]:
            elements *= size
        begin, stop = tensor["data_offsets"]
        assert begin == end
        assert stop - begin == 2 * elements
        end = stop
    assert len(content) == 8 + length + end


def test_the_rules_know_its_shape(tmp_path: Path) -> None:
    config = json.loads((write_tiny_model(tmp_path) / "config.json").read_text(encoding="utf-8"))
    assert shape_from_config(config).num_key_value_heads == 1
