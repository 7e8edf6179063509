"""Ask vLLM itself what a model weighs and what its KV cache holds, on torch's meta device.

Run by the engine's own interpreter, as a module, with one argument, a file of JSON: {"gpu",
"package", "questions"}. It prints one line of JSON for each question. No weights are read and
nothing is computed: vLLM's own model classes are built without memory, as one rank of many, and its
own planner is given the KV cache's bytes.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

RENDEZVOUS = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "29511", "LOCAL_RANK": "0"}


def prepare(gpu: str, package: str) -> None:
    """Import vLLM for the CPU or for a pretended GPU, from `package` where one is named."""
    os.environ.update(RENDEZVOUS)
    if package:
        sys.path.insert(0, package)
    if gpu == "cpu":
        os.environ["VLLM_TARGET_DEVICE"] = "cpu"
    else:
        from tests.engine import pretended_gpu

        pretended_gpu.install(gpu)
    _stay_in_this_process()


def _stay_in_this_process() -> None:
    from vllm.distributed import parallel_state
    from vllm.distributed.device_communicators import base_device_communicator, shm_broadcast
    from vllm.model_executor.models import registry
    from vllm.platforms import current_platform

    # Model classes are looked at here, not in a child, which would not know the pretended GPU.
    registry._run_in_subprocess = lambda function: function()
    module = base_device_communicator.__name__
    type(current_platform).get_device_communicator_cls = classmethod(
        lambda cls: f"{module}.DeviceCommunicatorBase"
    )
    parallel_state._node_count = lambda group: 1
    parallel_state.in_the_same_node_as = lambda group, source_rank=0: [True] * group.size()
    shm_broadcast.MessageQueue.create_from_process_group = staticmethod(lambda *args: None)


def answer(question: dict[str, Any], *, pretended: bool) -> dict[str, Any]:
    """Return what vLLM says to one question."""
    from vllm.config import set_current_vllm_config
    from vllm.engine.arg_utils import EngineArgs
    from vllm.usage.usage_lib import UsageContext

    tensor = question.get("tensor_parallel_size", 1)
    pipeline = question.get("pipeline_parallel_size", 1)
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "config.json").write_text(json.dumps(question["config"]), "utf-8")
        arguments = EngineArgs(
            model=folder,
            tokenizer=folder,
            skip_tokenizer_init=True,
            load_format="dummy",
            tensor_parallel_size=tensor,
            pipeline_parallel_size=pipeline,
            distributed_executor_backend="mp" if tensor * pipeline > 1 else None,
            max_model_len=question["max_model_len"],
            kv_cache_memory_bytes=question["kv_cache_bytes"],
            **question.get("engine", {}),
        )
        config = arguments.create_engine_config(UsageContext.OPENAI_API_SERVER)
        with set_current_vllm_config(config):
            become_a_rank(tensor, pipeline, question.get("stage", 0))
            said = weights(build(config, pretended=pretended)) | defaults(config)
            if config.speculative_config:
                said["draft_bytes"] = draft_bytes(build_draft(config))
            return said | kv_cache(config, question["kv_cache_bytes"])


def become_a_rank(tensor: int, pipeline: int, stage: int) -> None:
    """Make this process the first rank of a pipeline stage, in a group whose others are absent."""
    import torch.distributed as dist
    from torch.testing._internal.distributed.fake_pg import FakeStore
    from vllm.distributed import parallel_state

    parallel_state.destroy_model_parallel()
    parallel_state.destroy_distributed_environment()
    if dist.is_initialized():
        dist.destroy_process_group()
    ranks, rank = tensor * pipeline, stage * tensor
    dist.init_process_group(backend="fake", store=FakeStore(), rank=rank, world_size=ranks)
    real = getattr(dist.new_group, "real", dist.new_group)

    def new_group(ranks: Any = None, **options: Any) -> Any:
        return real(ranks, backend="fake", group_desc=options.get("group_desc"))

    new_group.real = real  # type: ignore[attr-defined]
    dist.new_group = new_group
    parallel_state.init_distributed_environment(
        world_size=ranks, rank=rank, local_rank=0, backend="fake"
    )
    parallel_state.initialize_model_parallel(tensor, pipeline)


def build(config: Any, *, pretended: bool) -> Any:
    """Return vLLM's model without memory."""
    from vllm.model_executor.model_loader.utils import initialize_model

    with _without_memory(config, pretended=pretended):
        return initialize_model(vllm_config=config)


def build_draft(config: Any) -> Any:
    """Return the draft beside the model, whose layers join the model's KV cache."""
    from vllm.model_executor.model_loader.utils import initialize_model

    draft = config.speculative_config.draft_model_config
    with _without_memory(config, pretended=True):
        return initialize_model(vllm_config=config, model_config=draft, prefix="draft")


@contextlib.contextmanager
def _without_memory(config: Any, *, pretended: bool) -> Iterator[None]:
    import torch
    from vllm.utils.torch_utils import set_default_torch_dtype

    mode: Any = contextlib.nullcontext()
    if pretended:
        from tests.engine import pretended_gpu

        mode = pretended_gpu.on_the_meta_device()
    with set_default_torch_dtype(config.model_config.dtype), torch.device("meta"), mode:
        yield


def weights(model: Any) -> dict[str, Any]:
    """Return the parameters of this rank, each tensor counted once."""
    tensors = {id(tensor): tensor for _, tensor in model.named_parameters()}.values()
    return {
        "architecture": type(model).__name__,
        "parameters": sum(tensor.numel() for tensor in tensors),
        "parameter_bytes": sum(tensor.numel() * tensor.element_size() for tensor in tensors),
    }


def draft_bytes(draft: Any) -> int:
    """Return a draft's parameters without the embeddings and the head that it shares."""
    shared = ("embed_tokens.weight", "lm_head.weight", "shared_head.head.weight")
    own = [tensor for name, tensor in draft.named_parameters() if not name.endswith(shared)]
    return sum(tensor.numel() * tensor.element_size() for tensor in own)


def defaults(config: Any) -> dict[str, Any]:
    """Return what vLLM's server chose where nothing was asked for."""
    return {
        "max_num_batched_tokens": config.scheduler_config.max_num_batched_tokens,
        "max_num_seqs": config.scheduler_config.max_num_seqs,
        "dtype": str(config.model_config.dtype).removeprefix("torch."),
    }


def kv_cache(config: Any, pool_bytes: int) -> dict[str, Any]:
    """Return the KV cache's layers as the model declares them, and what a pool of bytes holds."""
    from vllm.platforms import current_platform
    from vllm.v1.core.single_type_kv_cache_manager import register_all_kvcache_specs
    from vllm.v1.worker.gpu.attn_utils import get_kv_cache_spec

    current_platform.update_block_size_for_backend(config)  # as the worker does after loading
    register_all_kvcache_specs(config)
    specs = get_kv_cache_spec(config)
    resolve_layout(config, specs)
    planned, tokens, concurrency = plan(config, specs, pool_bytes)
    return {
        "layers": [describe(spec) for spec in specs.values()],
        "groups": [describe(group.kv_cache_spec) for group in planned.kv_cache_groups],
        "num_blocks": planned.num_blocks,
        "tokens": tokens,
        "max_concurrency": concurrency,
    }


def describe(spec: Any) -> dict[str, Any]:
    """Return a KV cache spec's kind, block and page."""
    return {
        "kind": type(spec).__name__,
        "block_tokens": spec.block_size,
        "page_bytes": spec.page_size_bytes,
    }


def resolve_layout(config: Any, specs: dict[str, Any]) -> None:
    """Do what the engine core does before it plans the cache."""
    from vllm.v1.attention.backends import utils
    from vllm.v1.worker import worker_base

    backends = worker_base.get_current_attn_backends(config)
    layouts = [layout.name for layout in utils.get_supported_kv_cache_layouts(backends)]
    utils.resolve_kv_cache_layout(config, [layouts], list(specs.values()))


def plan(config: Any, specs: dict[str, Any], pool_bytes: int) -> tuple[Any, int, float]:
    """Return the KV cache's configuration and its capacity as vLLM logs it."""
    from vllm.v1.core import kv_cache_utils

    try:  # where 0.33 has it
        from vllm.v1.core import kv_cache_planning
    except ImportError:
        configs = kv_cache_utils.get_kv_cache_configs(config, [specs], [pool_bytes])
    else:
        groups = kv_cache_planning.get_global_kv_cache_groups(config, [specs])
        configs = kv_cache_planning.get_kv_cache_configs(config, [specs], [pool_bytes], groups)
    tokens, concurrency = kv_cache_utils.get_kv_cache_capacity(config, configs[0])
    return configs[0], tokens, concurrency


def main() -> None:
    """Answer a file of questions."""
    asked = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    gpu = asked["gpu"]
    prepare(gpu, asked["package"])
    for question in asked["questions"]:
        try:
            said = answer(question, pretended=gpu != "cpu")
        except (Exception, SystemExit) as error:  # vLLM's refusal is an answer
            said = {"refusal": f"{type(error).__name__}: {error}"}
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
