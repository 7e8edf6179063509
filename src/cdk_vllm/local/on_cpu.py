"""The one place where a container's words are changed, so that vLLM's CPU build can follow them.

Stands on PATH as `vllm` (see `processes`), takes the words that a task definition or SageMaker's
entry point calls vllm with, and becomes the real `vllm` with what `on_cpu` makes of them. Run by
the engine's own interpreter, it needs the standard library only.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

TAKEN_OUT = frozenset(
    {
        # Where the server listens is decided here: on 127.0.0.1, at a free port.
        "host",
        "port",
        # On a CPU the share is of the host's memory, which others use too.
        "gpu-memory-utilization",
        "kv-cache-memory-bytes",
        # One process loads all; a draft model, quantized weights and a float8 cache are a GPU's.
        "tensor-parallel-size",
        "pipeline-parallel-size",
        "data-parallel-size",
        "speculative-config",
        "model-loader-extra-config",
        "quantization",
        "kv-cache-dtype",
        "attention-backend",
        "cpu-offload-gb",
    }
)
TAKEN_OUT_FLAGS = frozenset({"enable-expert-parallel"})
AT_MOST = {"max-model-len": 4096, "max-num-batched-tokens": 4096, "max-num-seqs": 64}


def on_cpu(words: list[str], port: int, kv_cache_bytes: int) -> list[str]:
    """Return vLLM's words for a small model on a CPU, serving on 127.0.0.1 at `port`.

    Both `--name value` and `--name=value` are understood; what is not listed above stays. Nothing
    is compiled or captured beforehand (`--enforce-eager`), which halves the start.
    """
    kept: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.removeprefix("--").partition("=")
        if not word.startswith("--") or name in TAKEN_OUT_FLAGS:
            kept += [] if name in TAKEN_OUT_FLAGS else [word]
        elif name in TAKEN_OUT:
            _ = equals or next(rest, "")
        elif name in AT_MOST:
            asked = int(value if equals else next(rest))
            kept += [f"--{name}", str(min(asked, AT_MOST[name]))]
        else:
            kept.append(word)
    own = ["--kv-cache-memory-bytes", str(kv_cache_bytes), "--enforce-eager"]
    return [*kept, *own, "--host", "127.0.0.1", "--port", str(port)]


def variables(cpus: int, directory: str) -> dict[str, str]:
    """Return the variables for a machine of so many CPUs, with vLLM's sockets in `directory`.

    By itself vLLM ties its threads to the first CPUs, where two engines starve each other; here
    they are free, and one CPU is left to the server. A socket's path may have 107 characters, and
    what is the container's /tmp lies deeper than the directory.
    """
    return {
        "VLLM_CPU_OMP_THREADS_BIND": "nobind",
        "OMP_NUM_THREADS": str(max(1, cpus - 1)),
        "VLLM_RPC_BASE_PATH": directory,
    }


def main() -> None:
    """Become vLLM, as this very process: `on_cpu.py PORT KV_CACHE_BYTES serve MODEL ...`."""
    vllm = Path(sys.executable).with_name("vllm")
    port, kv_cache_bytes, *words = sys.argv[1:]
    changed = on_cpu(words, int(port), int(kv_cache_bytes))
    environment = os.environ | variables(os.cpu_count() or 1, str(Path.cwd()))
    os.execve(vllm, [str(vllm), *changed], environment)  # noqa: S606 - no shell wanted


if __name__ == "__main__":
    main()
