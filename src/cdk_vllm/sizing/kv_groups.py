"""How vLLM pools the caches of unlike layers, and the size and concurrency it logs.

Source: vLLM 0.33.0's v1/core/kv_cache_planning.py (one page size, groups of equally many layers)
and v1/core/kv_cache_utils.py (blocks a request takes, logged tokens).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from cdk_vllm.sizing.blueprint import anatomy_of
from cdk_vllm.sizing.kv_specs import CacheOptions, Spec, engine_rules, layer_specs
from cdk_vllm.sizing.weights import stage_layers

if TYPE_CHECKING:
    from cdk_vllm.sizing.modules import Parallel
    from cdk_vllm.sizing.plan import ModelShape
    from cdk_vllm.sizing.stored import Target


@dataclass(frozen=True, kw_only=True)
class Group:
    """Layers that share one table of blocks; `pages` are bytes, one a layer."""

    layers: tuple[int, ...]
    pages: tuple[int, ...]
    specs: frozenset[Spec]
    in_flight_tokens: int

    @property
    def block_tokens(self) -> int:
        """The tokens of one block."""
        return max(spec.block_tokens for spec in self.specs)

    def blocks_for(self, tokens: int) -> int:
        """Return the most blocks that one request of a length holds at once."""
        return max(spec.blocks_for(tokens, self.in_flight_tokens) for spec in self.specs)

    def page_bytes(self, layers: range) -> int:
        """Return one block's bytes over those of the group's layers that a stage holds."""
        pairs = zip(self.layers, self.pages, strict=True)
        return sum(page for layer, page in pairs if layer in layers)


@dataclass(frozen=True, kw_only=True)
class Pool:
    """The cache of one rank: all groups draw blocks of `block_bytes` from it."""

    groups: tuple[Group, ...]
    block_bytes: int
    max_model_len: int
    by_concurrency: bool

    @property
    def blocks_per_request(self) -> int:
        """The blocks of all groups that one request of the longest length takes."""
        return self.blocks_for(self.max_model_len)

    def blocks_for(self, tokens: int) -> int:
        """Return the blocks of all groups that one request of a length takes."""
        return sum(group.blocks_for(tokens) for group in self.groups)

    @property
    def bytes_per_token(self) -> int:
        """What one token of a longest request takes on average, in bytes."""
        return -(-self.blocks_per_request * self.block_bytes // self.max_model_len)

    @property
    def request_bytes(self) -> int:
        """What vLLM demands for one request of the longest length, with the block it holds back."""
        return (self.blocks_per_request + 1) * self.block_bytes

    def blocks(self, cache_bytes: int) -> int:
        """Return the whole blocks that fit."""
        return max(0, cache_bytes) // self.block_bytes if self.block_bytes else 0

    def max_concurrency(self, blocks: int) -> float:
        """Return how many requests of the longest length fit, as vLLM logs it."""
        return blocks / self.blocks_per_request if self.blocks_per_request else 0.0

    def logged_tokens(self, blocks: int) -> int:
        """Return the "GPU KV cache size" that vLLM logs."""
        if self.by_concurrency or not self.groups:
            return int(self.max_concurrency(blocks) * self.max_model_len)
        block = max(group.block_tokens for group in self.groups)
        return blocks // len(self.groups) * block


def pool(shape: ModelShape, parallel: Parallel, options: CacheOptions, target: Target) -> Pool:
    """Return how the cache of a shape is pooled on the fullest pipeline stage."""
    return _pool(shape, parallel, options, target)


@lru_cache(maxsize=1024)
def _pool(shape: ModelShape, parallel: Parallel, options: CacheOptions, target: Target) -> Pool:
    anatomy, rules = anatomy_of(shape), engine_rules(target.vllm)
    specs = layer_specs(anatomy, parallel, options, target)
    batches = rules.batches_in_flight - 1 + parallel.pipeline
    in_flight = batches * options.max_num_batched_tokens
    groups = _groups(specs, in_flight)
    stages = [
        stage_layers(len(anatomy.layers), parallel.pipeline, stage)
        for stage in range(parallel.pipeline)
    ]
    return Pool(
        groups=groups,
        block_bytes=max(
            (group.page_bytes(stage) for group in groups for stage in stages), default=0
        ),
        max_model_len=options.max_model_len,
        by_concurrency=rules.tokens_by_concurrency,
    )


def _groups(specs: list[tuple[int, Spec]], in_flight_tokens: int) -> tuple[Group, ...]:
    if not specs:
        return ()
    if _is_uniform([spec for _, spec in specs]):
        return (_group(specs, in_flight_tokens),)
    buckets: dict[Spec, list[tuple[int, Spec]]] = {}
    for index, spec in _one_page_size(specs):
        buckets.setdefault(spec, []).append((index, spec))
    counts = [len(layers) for layers in buckets.values()]
    # Buckets of nearly equal size are padded to the larger; else the smaller sets the pace.
    size = max(counts) if max(counts) < 1.5 * min(counts) else min(counts)
    groups: list[Group] = []
    for layers in buckets.values():
        count = -(-len(layers) // size)
        groups += [_group(layers[start::count], in_flight_tokens) for start in range(count)]
    return tuple(groups)


def _is_uniform(specs: list[Spec]) -> bool:
    """Say whether all layers need the same token slots, so that one group holds them all."""
    first = specs[0]
    alike = {spec.kind if spec.kind != "latent" else "full" for spec in specs}
    return (
        len(alike) == 1
        and len({spec.block_tokens for spec in specs}) == 1
        and len({spec.bound for spec in specs}) == 1
        and (first.kind != "state" or len({spec.page_bytes for spec in specs}) == 1)
    )


def _one_page_size(specs: list[tuple[int, Spec]]) -> list[tuple[int, Spec]]:
    """Give all layers the largest page: more tokens a block where they divide it, else padding."""
    largest = max(spec.page_bytes for _, spec in specs)
    return [(index, _enlarged(spec, largest)) for index, spec in specs]


def _enlarged(spec: Spec, page: int) -> Spec:
    if spec.page_bytes == page or spec.kind == "state" or page % spec.page_bytes:
        return replace(spec, page_bytes=page)
    ratio = page // spec.page_bytes
    return replace(spec, page_bytes=page, block_tokens=spec.block_tokens * ratio)


def _group(layers: list[tuple[int, Spec]], in_flight_tokens: int) -> Group:
    return Group(
        layers=tuple(index for index, _ in layers),
        pages=tuple(spec.page_bytes for _, spec in layers),
        specs=frozenset(spec for _, spec in layers),
        in_flight_tokens=in_flight_tokens,
    )
