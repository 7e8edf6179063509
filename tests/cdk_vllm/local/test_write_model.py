"""What of a small model can be seen without the engine; the rest is served by the engine tests."""

from __future__ import annotations

from jinja2 import Environment

from cdk_vllm.local.write_model import CHAT_TEMPLATE, SPECIAL, VOCABULARY


def rendered(**options: object) -> str:
    messages = [{"role": "user", "content": "Hello"}]
    template = Environment(autoescape=False).from_string(CHAT_TEMPLATE)
    return template.render(messages=messages, **options)


def test_a_chat_is_laid_out_turn_by_turn() -> None:
    assert rendered(add_generation_prompt=True) == (
        "<|im_start|>user\nHello<|im_end|>\n<|im_start|>assistant\n"
    )
    assert rendered() == "<|im_start|>user\nHello<|im_end|>\n"


def test_tools_come_before_the_chat() -> None:
    assert rendered(tools=[{"name": "weather"}]).startswith(
        '<|im_start|>system\n[{"name": "weather"}]<|im_end|>\n<|im_start|>user'
    )


def test_every_mark_is_a_word_beside_all_bytes() -> None:
    assert len(set(SPECIAL)) == len(SPECIAL)
    assert len(SPECIAL) + 256 < VOCABULARY
    assert {"<|im_start|>", "<|im_end|>"} <= set(SPECIAL)
