"""The narrow waist: what is asked of the rules, and the plan they answer with.

Everything above a `ServingPlan` decides, everything below it builds. Both dataclasses are frozen,
hold only plain values, and survive `to_dict` / `from_dict` unchanged, so a plan can be made by the
rules, read from a committed file, or written by hand. Memory is bytes here and GiB in `to_dict`
names that end in `_gib`.
"""

from __future__ import annotations

from dataclasses import MISSING, asdict, dataclass, field, fields, is_dataclass
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

Backend = Literal["ecs", "sagemaker"]
EngineValue = str | int | float | bool


@dataclass(frozen=True, kw_only=True)
class ModelShape:
    """The numbers of a decoder's `config.json` that decide its memory; names are Hugging Face's.

    `dtype` is the checkpoint's (`bfloat16`). A dense model has `num_experts == 0`; a mixture of
    experts has `num_experts` routed experts of `moe_intermediate_size`, of which
    `num_experts_per_tok` are used for a token. Source of the fields: the model's `config.json`.

    A model that these numbers do not describe in full (latent attention, windows, recurrent layers,
    image encoders, quantized weights) carries the keys of its `config.json` in `config`, and the
    rules read those. `quantization` names the checkpoint's method, or `online:METHOD` where vLLM
    itself quantizes 16-bit weights; it is empty for 16-bit weights.
    """

    architecture: str
    num_hidden_layers: int
    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    max_position_embeddings: int
    tie_word_embeddings: bool
    dtype: str = "bfloat16"
    attention_bias: bool = False
    qk_norm: bool = False
    num_experts: int = 0
    num_experts_per_tok: int = 0
    moe_intermediate_size: int = 0
    config: dict[str, Any] = field(default_factory=dict, hash=False, repr=False)
    quantization: str = ""


@dataclass(frozen=True, kw_only=True)
class Workload:
    """What one replica must carry: lengths in tokens, requests at once."""

    max_model_len: int
    prompt_tokens: int
    output_tokens: int
    concurrent_requests: int


@dataclass(frozen=True, kw_only=True)
class ServingRequest:
    """Everything the rules may look at; a plan answers exactly one request.

    `engine` holds the user's own vLLM options under vLLM's names with underscores.
    `instance_type` forces the choice; `None` lets the rules choose. `ttft_seconds` and
    `tpot_seconds` are the slowest first and further tokens that are acceptable; `None` accepts any.
    `peak_concurrent_requests` is over all replicas, of which the rules then choose the number.
    `spot` ranks by spot prices; `allow_interrupted_requests` accepts that a notice cuts long ones.
    `streaming` and `asynchronous` say how SageMaker's callers wait for answers.
    `load` forces how weights are loaded. `lora` is how adapters are found, if any are served, and
    `adapters` pins the version of each by its name.
    """

    service: str
    backend: Backend
    region: str
    model: str
    revision: str
    shape: ModelShape
    workload: Workload
    min_replicas: int = 1
    max_replicas: int = 1
    max_request_seconds: int = 300
    instance_type: str | None = None
    vllm_version: str = "0.33.0"
    engine: dict[str, EngineValue] = field(default_factory=dict)
    ttft_seconds: float | None = None
    tpot_seconds: float | None = None
    peak_concurrent_requests: int | None = None
    spot: bool = False
    allow_interrupted_requests: bool = False
    streaming: bool = False
    asynchronous: bool = False
    load: Literal["stream", "disk"] | None = None
    lora: Literal["static", "dynamic"] | None = None
    adapters: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MemoryPerGpu:
    """Where one GPU's memory goes, in GiB; the terms add up to `usable_gib`.

    `total_gib` is what torch sees, `usable_gib` is `gpu_memory_utilization` of it, `kv_cache_gib`
    is what is left of that for the KV cache, `kv_cache_needed_gib` is what the workload asks for.
    """

    total_gib: float
    usable_gib: float
    weights_gib: float
    activation_gib: float
    non_torch_gib: float
    cuda_graphs_gib: float
    kv_cache_gib: float
    kv_cache_needed_gib: float


@dataclass(frozen=True, kw_only=True)
class PriceSource:
    """Where a price comes from, or why there is none.

    `basis` is `listed`, `estimated from the EC2 price`, or `unknown`; `as_of` is the date of the
    source. `reason` says why the price is `None`. `ranked_by_region` is the region whose prices
    ranked the candidates: the request's own, or the reference region where it has none.
    """

    basis: str
    as_of: str
    ranked_by_region: str
    reason: str | None = None


@dataclass(frozen=True, kw_only=True)
class SecondsRange:
    """A predicted time: nine runs in ten take at least `low`, and nine in ten at most `high`."""

    low: float
    likely: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Peak:
    """What carries a service's peak: replicas, the instances under them, and their price.

    USD are of all instances, on demand or spot as the request asks, `None` where unknown.
    """

    replicas: int
    instances: int
    concurrent_requests_per_replica: int
    usd_per_hour: float | None
    usd_per_month: float | None


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """Another instance that holds the model, no cheaper than the chosen one; USD for a replica.

    Those with the chosen plan's tensor parallel size come first: they take over as they are where
    the chosen type has no capacity. `replicas` carry the peak, or are the service's fewest.
    """

    instance_type: str
    tensor_parallel_size: int
    usd_per_hour: float | None
    ranked_usd_per_hour: float
    kv_cache_tokens: int
    gpu: str = ""
    replicas_per_instance: int = 1
    spot_usd_per_hour: float | None = None
    replicas: int = 1


@dataclass(frozen=True, kw_only=True)
class Rejection:
    """A cheaper instance that was not chosen, and why: one sentence with the numbers in it."""

    instance_type: str
    usd_per_hour: float | None
    ranked_usd_per_hour: float | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class ServingPlan:
    """The answer: an instance, how vLLM is started on it, what fits, what it costs, and why.

    `instance_type` is the EC2 name on ECS and the `ml.` name on SageMaker. `gpus` is the number of
    GPUs of the instance, `gpus_per_replica` what one replica takes, `replicas_per_instance` how
    many replicas the backend packs on an instance. `usd_per_hour` and `usd_per_month` (730 hours)
    are one replica's, on demand, `None` where nobody has told us the price. `engine_args` are
    vLLM's option names with underscores. `max_concurrency` is at `max_model_len`, as vLLM logs it;
    `typical_concurrency` at `prompt_tokens + output_tokens`. `startup_seconds` is the predicted
    cold start with margin; `load` is how weights reach the GPUs, in `load_seconds` of it.

    `tpot_seconds` and `ttft_seconds` are predicted at the planned concurrency, and
    `output_tokens_per_second` is one replica's there; `speed_basis` says whether measurements
    stand behind them. `usd_per_million_output_tokens` is at that rate. `spot_usd_per_hour` is the
    median of sampled spot prices. `peak` answers `peak_concurrent_requests`.
    """

    request: ServingRequest
    instance_type: str
    gpu: str
    gpus: int
    gpus_per_replica: int
    replicas_per_instance: int
    tensor_parallel_size: int
    vcpus: int
    host_memory_gib: float
    local_nvme_gb: int
    engine_args: dict[str, EngineValue]
    memory: MemoryPerGpu
    kv_cache_tokens: int
    max_concurrency: float
    typical_concurrency: float
    weights_total_gib: float
    startup_seconds: int
    usd_per_hour: float | None
    usd_per_month: float | None
    ranked_usd_per_hour: float
    price_source: PriceSource
    alternatives: tuple[Alternative, ...] = ()
    rejected: tuple[Rejection, ...] = ()
    tpot_seconds: SecondsRange | None = None
    ttft_seconds: SecondsRange | None = None
    output_tokens_per_second: float | None = None
    usd_per_million_output_tokens: float | None = None
    speed_basis: str = "unknown"
    spot_usd_per_hour: float | None = None
    spot_as_of: str | None = None
    peak: Peak | None = None
    load: Literal["stream", "disk"] = "stream"
    load_seconds: float = 0.0


T = TypeVar("T")


def to_dict(value: object) -> dict[str, Any]:
    """Return a plan, or any part of one, as JSON-ready values."""
    if not is_dataclass(value) or isinstance(value, type):
        raise TypeError(f"{value!r} is not part of a plan")
    return asdict(value)


def from_dict(cls: type[T], data: object) -> T:
    """Build `cls` from what `to_dict` gave; `ValueError` names a missing, unknown or wrong key."""
    return _build(cls, data, cls.__name__)  # type: ignore[no-any-return]


def _build(annotation: Any, data: Any, where: str) -> Any:
    origin, args = get_origin(annotation), get_args(annotation)
    if is_dataclass(annotation):
        return _build_dataclass(annotation, _table(data, where), where)
    if annotation is Any:
        return data
    if origin in (Union, UnionType):
        return _build_union(args, data, where)
    if origin is tuple:
        return _build_tuple(args[0], data, where)
    if origin is dict:
        items = _table(data, where).items()
        return {key: _build(args[1], item, f"{where}.{key}") for key, item in items}
    if origin is Literal and data not in args:
        raise ValueError(f"{where} is {data!r}; allowed: {', '.join(map(str, args))}")
    return data if origin is Literal else _build_scalar(annotation, data, where)


def _table(data: Any, where: str) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"{where} must be a table, not {data!r}")  # noqa: TRY004 - one error type
    return data


def _build_tuple(annotation: Any, data: Any, where: str) -> Any:
    if not isinstance(data, list | tuple):
        raise ValueError(f"{where} must be a list, not {data!r}")  # noqa: TRY004 - one error type
    return tuple(_build(annotation, item, f"{where}[{i}]") for i, item in enumerate(data))


def _build_union(options: tuple[Any, ...], data: Any, where: str) -> Any:
    if data is None and type(None) in options:
        return None
    for option in options:
        if option in (bool, int, float, str) and type(data) is option:
            return data
    real = [option for option in options if option is not type(None)]
    return _build(real[0], data, where)


def _build_scalar(annotation: Any, data: Any, where: str) -> Any:
    if annotation is float and type(data) is int:
        return float(data)
    if type(data) is not annotation:
        raise ValueError(f"{where} must be {annotation.__name__}, not {data!r}")
    return data


def _build_dataclass(cls: Any, data: dict[str, Any], where: str) -> Any:
    names = {f.name for f in fields(cls)}
    if unknown := sorted(set(data) - names):
        raise ValueError(f"{where} has an unknown key {unknown[0]!r}")
    hints = get_type_hints(cls)
    return cls(**_arguments(cls, data, hints, where))


def _arguments(cls: Any, data: dict[str, Any], hints: dict[str, Any], where: str) -> dict[str, Any]:
    values = {name: _build(hints[name], item, f"{where}.{name}") for name, item in data.items()}
    for f in fields(cls):
        required = f.default is MISSING and f.default_factory is MISSING
        if required and f.name not in values:
            raise ValueError(f"{where} lacks the key {f.name!r}")
    return values
