"""TPOT and TTFT of a steady load, from the time of a decoding step and of one that prefills too.

    TPOT = decode + (others decoding) * (what their prefill adds to steps) / output tokens
    TTFT = prefill * (1 + queue_factor * (concurrency - 1)^queue_exponent)

vLLM prefills in chunks beside the decoding requests: while one request makes its output tokens,
each of the others is replaced once, and its prompt delays everybody. Requests that still wait for
their first token do not decode, so that the two times depend on each other.
"""

from __future__ import annotations

from math import ceil, sqrt
from typing import TYPE_CHECKING, NamedTuple

from cdk_vllm.sizing.speed.step import Step, step_of, step_seconds

if TYPE_CHECKING:
    from cdk_vllm.catalog import Gpu, SpeedCoefficients
    from cdk_vllm.sizing.speed.work import Work


# Between shorter answers a replica hardly decodes, and nobody measured that: TPOT is then told for
# answers of this length.
SHORTEST_ANSWER_TOKENS = 32


class Load(NamedTuple):
    """Requests at once on one rank, their lengths in tokens, and the tokens of a step."""

    sequences: float
    prompt_tokens: int
    output_tokens: int
    max_num_batched_tokens: int
    data_parallel_size: int = 1


class Steps(NamedTuple):
    """The two steps a load alternates between, and how many of the second a prompt takes."""

    decode: Step
    mixed: Step
    chunks: int


class Latency(NamedTuple):
    """Seconds for each output token after the first, and until the first."""

    tpot_seconds: float
    ttft_seconds: float


def steps_of(work: Work, gpu: Gpu, load: Load) -> Steps:
    """Return the steps of a load."""
    chunks = ceil(load.prompt_tokens / load.max_num_batched_tokens)
    context = load.prompt_tokens + load.output_tokens / 2
    prefill = load.prompt_tokens / chunks
    parallel = load.data_parallel_size
    return Steps(
        decode=step_of(work, gpu, load.sequences, context, data_parallel_size=parallel),
        mixed=step_of(
            work, gpu, load.sequences, context, prefill=prefill, data_parallel_size=parallel
        ),
        chunks=chunks,
    )


def latency(steps: Steps, gpu: Gpu, load: Load, coefficients: SpeedCoefficients) -> Latency:
    """Return the predicted medians under a steady load of `load.sequences` requests a rank."""
    decode = step_seconds(steps.decode, gpu, coefficients)
    mixed = step_seconds(steps.mixed, gpu, coefficients)
    added = max(0.0, mixed - decode) * steps.chunks
    requests = load.sequences * load.data_parallel_size
    others = max(0.0, load.sequences - 1)
    waiting = 1 + coefficients.queue_factor * others**coefficients.queue_exponent
    ttft = mixed * steps.chunks * waiting
    outputs = max(SHORTEST_ANSWER_TOKENS, load.output_tokens)
    tpot = _settled(decode, added, ttft, requests, outputs)
    return Latency(tpot, ttft)


def _settled(decode: float, added: float, ttft: float, requests: float, outputs: int) -> float:
    """Return the TPOT that agrees with the number of requests that decode at that TPOT.

    With `decoding = requests * outputs * tpot / (outputs * tpot + ttft)` put into the first formula
    above, TPOT is the larger root of `outputs * x^2 + b * x + c`.
    """
    b = ttft - decode * outputs - added * (requests - 1)
    c = ttft * (added / outputs - decode)
    tpot = (sqrt(max(0.0, b * b - 4 * outputs * c)) - b) / (2 * outputs)
    # Fewer than one other request decoding delays nobody.
    return max(decode, tpot)
