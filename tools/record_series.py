"""Record what a real vLLM reports on /metrics: healthy, overloaded, stalled and dead.

    python tools/record_series.py VLLM MODEL SCENARIO FILE

`VLLM` is the command of an environment that holds vLLM's CPU build, `MODEL` a folder with a tiny
model. A scenario takes about ten minutes, because it is recorded as it happens: a scrape every 15
seconds, while a small load generator asks. `FILE` gets one line for each series, in the notation
of `promtool test rules`, so that a real Prometheus can be fed with it. What the clients saw is in
it too, as `client_requests_total{code}`; `refused` is what a load balancer answers with 502.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

SCRAPE_SECONDS = 15
HOST, PORT = "127.0.0.1", 8791
OPTIONS = (
    *("--served-model-name", "tiny", "--host", HOST, "--port", str(PORT), "--dtype", "bfloat16"),
    *("--max-model-len", "2048", "--max-num-seqs", "8", "--max-num-queued-reqs", "130"),
    *("--num-gpu-blocks-override", "24", "--enforce-eager"),
)
KEPT = re.compile(
    r"up|client_requests_total|http_requests_total|vllm:("
    r"num_requests_\w+|kv_cache_usage_perc|num_preemptions_total|prompt_tokens_total|"
    r"generation_tokens_total|request_success_total|admission_rejections_total|"
    r"prefix_cache_(queries|hits)_total|"
    r"(time_to_first_token|inter_token_latency|e2e_request_latency|request_queue_time)_seconds"
    r"_(bucket|sum|count))"
)


class Phase(NamedTuple):
    """So many clients for so long.

    `signal_core` is sent to the engine's process at the start; `abandoned` requests are asked then
    by clients that hang up a second later. `broken` clients ask for an adapter without weights,
    which vLLM answers with 500.
    """

    seconds: int
    clients: int
    output_tokens: int = 200
    pause_seconds: float = 1.0
    signal_core: signal.Signals | None = None
    abandoned: int = 0
    broken: int = 0


SCENARIOS = {
    "healthy": (Phase(300, 3), Phase(330, 0, abandoned=2), Phase(120, 3)),
    "overload": (Phase(60, 3), Phase(510, 200, 900, 0.2), Phase(90, 0)),
    "stall": (
        Phase(120, 3),
        Phase(390, 3, signal_core=signal.SIGSTOP),
        Phase(90, 3, signal_core=signal.SIGCONT),
    ),
    "died": (Phase(120, 3), Phase(420, 3, signal_core=signal.SIGKILL)),
    "errors": (Phase(120, 3), Phase(360, 3, broken=1)),
}


class Load:
    """Clients that ask, wait for the whole answer, pause and ask again."""

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.phase = Phase(0, 0)
        self._lock = threading.Lock()
        self._threads: list[threading.Thread] = []

    def apply(self, phase: Phase) -> None:
        """Grow to the phase's number of clients; those beyond it end by themselves."""
        self.phase = phase
        self._threads = [thread for thread in self._threads if thread.is_alive()]
        for number in range(len(self._threads), phase.clients):
            thread = threading.Thread(target=self._client, args=(number,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _client(self, number: int) -> None:
        asked = 0
        while number < self.phase.clients:
            asked += 1
            model = "broken" if number < self.phase.broken else "tiny"
            prompt = f"client {number} request {asked} " * 4
            code = ask(prompt, self.phase.output_tokens, model=model)
            with self._lock:
                self.codes[code] += 1
            time.sleep(self.phase.pause_seconds * (0.5 + number % 3 / 2))


def ask(
    prompt: str, output_tokens: int, *, model: str = "tiny", timeout_seconds: float = 60
) -> str:
    """Return the status of one completion, `refused` or `timeout`."""
    body = {"model": model, "prompt": prompt, "max_tokens": output_tokens, "ignore_eos": True}
    connection = http.client.HTTPConnection(HOST, PORT, timeout=timeout_seconds)
    try:
        headers = {"Content-Type": "application/json"}
        connection.request("POST", "/v1/completions", json.dumps(body), headers)
        response = connection.getresponse()
        response.read()
    except TimeoutError:
        return "timeout"
    except OSError:
        return "refused"
    except http.client.HTTPException:
        return "refused"
    else:
        return str(response.status)
    finally:
        connection.close()


def scrape() -> dict[str, str]:
    """Return the kept series of one scrape, with Prometheus's own `up`."""
    connection = http.client.HTTPConnection(HOST, PORT, timeout=10)
    try:
        connection.request("GET", "/metrics")
        text = connection.getresponse().read().decode()
    except (OSError, http.client.HTTPException):
        return {"up": "0"}
    finally:
        connection.close()
    found = {"up": "1"}
    for line in text.splitlines():
        series, _, value = line.rpartition(" ")
        if not line.startswith("#") and KEPT.fullmatch(series.partition("{")[0]):
            found[series] = plain(float(value))
    return found


def plain(value: float) -> str:
    """Return a number in as few characters as six digits need."""
    return str(int(value)) if value == int(value) else f"{value:.6g}"


def engine_core(server: subprocess.Popen[bytes]) -> int:
    """Return the process id of the engine behind the server's front end."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        name, _, rest = stat.read_text("utf-8").rpartition(")")
        if "EngineCor" in name and int(rest.split()[1]) == server.pid:
            return int(name.split()[0])
    raise LookupError("the server has no engine core")


def record(server: subprocess.Popen[bytes], phases: tuple[Phase, ...]) -> list[dict[str, str]]:
    """Return a scrape for every `SCRAPE_SECONDS` of the phases."""
    load, scrapes, core = Load(), [], engine_core(server)
    for phase in phases:
        if phase.signal_core:
            os.kill(core, phase.signal_core)
        load.apply(phase)
        if phase.abandoned:
            time.sleep(3)  # The others' answers are complete by then.
        for number in range(phase.abandoned):
            ask(f"nobody waits for answer {number}", 1800, timeout_seconds=1)
        for _ in range(phase.seconds // SCRAPE_SECONDS):
            due = time.monotonic() + SCRAPE_SECONDS
            seen = {f'client_requests_total{{code="{c}"}}': str(n) for c, n in load.codes.items()}
            scrapes.append(scrape() | seen)
            time.sleep(max(0.0, due - time.monotonic()))
    load.apply(Phase(0, 0))
    return scrapes


def shortened(values: list[str]) -> str:
    """Return values in promtool's notation: `5+0x3` is 5 four times, `_x2` is twice nothing."""
    words: list[str] = []
    start = 0
    for end in range(1, len(values) + 1):
        if end < len(values) and values[end] == values[start]:
            continue
        count, value = end - start, values[start]
        if value == "_":
            words.append(f"_x{count}" if count > 1 else "_")
        else:
            words.append(f"{value}+0x{count - 1}" if count > 2 else " ".join([value] * count))
        start = end
    return " ".join(words)


def written(scrapes: list[dict[str, str]]) -> str:
    """Return the recording as text, a line for each series."""
    names = sorted({name for scrape_ in scrapes for name in scrape_})
    lines = [f"{n} {shortened([s.get(n, '_') for s in scrapes])}" for n in names]
    return "\n".join(lines) + "\n"


def serve(command: str, model: str, log: Path, *, adapters: bool) -> subprocess.Popen[bytes]:
    """Start the server, if with `adapters` then with a broken one, and wait until it answers."""
    environment = os.environ | {
        "HF_HUB_OFFLINE": "1",
        "OMP_NUM_THREADS": "1",
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_NO_USAGE_STATS": "1",
    }
    words = [command, "serve", model, *OPTIONS]
    if adapters:
        words.append("--enable-lora")
        environment |= broken_adapter()
    with log.open("wb") as out:
        server = subprocess.Popen(words, env=environment, stdout=out, stderr=out)
    deadline = time.monotonic() + 300
    while scrape()["up"] == "0":
        if server.poll() is not None or time.monotonic() > deadline:
            server.kill()
            raise TimeoutError(f"vLLM did not start; see {log}")
        time.sleep(2)
    return server


def broken_adapter() -> dict[str, str]:
    """Return variables that make vLLM find an adapter called `broken` without weights."""
    adapters = Path(tempfile.mkdtemp())
    (adapters / "broken").mkdir()
    (adapters / "broken" / "adapter_config.json").write_text("{}", "utf-8")
    return {
        "VLLM_ALLOW_RUNTIME_LORA_UPDATING": "True",
        "VLLM_LORA_RESOLVER_CACHE_DIR": str(adapters),
        "VLLM_PLUGINS": "lora_filesystem_resolver",
    }


def main() -> None:
    """Record one scenario."""
    command, model, scenario, file = sys.argv[1:]
    phases = SCENARIOS[scenario]
    log = Path(file).with_suffix(".log")
    server = serve(command, model, log, adapters=any(phase.broken for phase in phases))
    core = engine_core(server)
    try:
        Path(file).write_text(written(record(server, phases)), "utf-8")
    finally:
        if Path(f"/proc/{core}").exists():
            os.kill(core, signal.SIGCONT)
        server.terminate()
        try:
            server.wait(60)
        except subprocess.TimeoutExpired:
            server.kill()


if __name__ == "__main__":
    main()
