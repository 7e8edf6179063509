"""How weights are stored and multiplied."""

from __future__ import annotations

import pytest

from cdk_vllm.sizing import model_shape
from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.quantization import MODELOPT, Quantization, Scheme
from cdk_vllm.sizing.speed.formats import Formats, WeightFormat, format_of, formats_of

QWEN = anatomy_of(model_shape("Qwen/Qwen3-8B"))


@pytest.mark.parametrize(
    ("scheme", "expected"),
    [
        (None, WeightFormat(2.0, 16, quantizes=False)),
        (Scheme(kind="fp8", bits=8, scale="tensor"), WeightFormat(1.0, 8, quantizes=True)),
        (MODELOPT["NVFP4"], WeightFormat(0.5625, 4, quantizes=True)),
        (MODELOPT["W4A16_NVFP4"], WeightFormat(0.5625, 16, quantizes=False)),
        (
            Scheme(kind="mxfp4", bits=4, scale="group", group=32),
            WeightFormat(0.53125, 16, quantizes=False),
        ),
        (
            Scheme(kind="int", bits=4, scale="group", group=128),
            WeightFormat(0.5 + 2.5 / 128, 16, quantizes=False),
        ),
    ],
)
def test_a_scheme_is_a_format(scheme: Scheme | None, expected: WeightFormat) -> None:
    assert format_of(scheme) == expected


def test_without_quantization_all_is_in_16_bits() -> None:
    assert formats_of(QWEN, None) == Formats()


def test_excluded_modules_stay_in_16_bits() -> None:
    scheme = Scheme(kind="fp8", bits=8, scale="tensor")
    every = formats_of(QWEN, Quantization(method="fp8", scheme=scheme))
    assert (every.mixer.math_bits, every.dense.math_bits) == (8, 8)
    some = Quantization(method="fp8", scheme=scheme, exclude=("self_attn",), matching="part")
    assert formats_of(QWEN, some).mixer == WeightFormat()
