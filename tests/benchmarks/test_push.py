"""How fast a push is beside a plain parallel upload of the same bytes, and what memory it takes.

Each runs in a process of its own against one server on loopback, which takes most of the time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from statistics import median
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SIZE_BYTES = 2**30
ROUNDS = 3
LEAST_SHARE_OF_SPEED = 0.5
# Python, boto3 and sixteen parts on their way, each in pieces of 256 KiB: far less than two parts.
MOST_MEMORY_BYTES = 128 * 2**20

SERVER = """
import sys
from cdk_vllm.embedded_aws import install
from cdk_vllm.embedded_aws.server import EmbeddedAws
install()
with EmbeddedAws() as aws:
    aws.client("s3", "us-east-1").create_bucket(Bucket="models")
    print(aws.endpoint_url, flush=True)
    sys.stdin.read()
"""
PROGRAM = """
import json, resource, sys, time
from pathlib import Path
import boto3
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
how, folder = sys.argv[1], Path(sys.argv[2])
s3 = boto3.client("s3", config=Config(max_pool_connections=64))
s3.list_objects_v2(Bucket="models")
from cdk_vllm.model_store import push
part = 64 * 2**20
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
begun = time.perf_counter()
if how == "push":
    push(s3, bucket="models", model="org/name", revision="main", directory=folder)
else:
    plain = TransferConfig(
        multipart_threshold=part, multipart_chunksize=part, max_concurrency=16
    )
    for path in sorted(folder.iterdir()):
        s3.upload_file(str(path), "models", "plain/" + path.name, Config=plain)
seconds = time.perf_counter() - begun
more = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024
for prefix in ("plain/", "models/org/name/main/"):
    for entry in s3.list_objects_v2(Bucket="models", Prefix=prefix).get("Contents", []):
        s3.delete_object(Bucket="models", Key=entry["Key"])
print(json.dumps({"seconds": seconds, "memory_bytes": more}))
"""
MEASURED: dict[str, list[dict[str, float]]] = {"plain": [], "push": []}


class Clock:
    """Shows the seconds that the measured processes counted themselves, and nothing else."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def run(self, how: str, folder: Path, environment: dict[str, str]) -> None:
        command = [sys.executable, "-c", PROGRAM, how, str(folder)]
        done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
        found = json.loads(done.stdout)
        MEASURED[how].append(found)
        self.seconds += found["seconds"]


CLOCK = Clock()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a model of 1 GiB in one file, which no other file's upload can overlap."""
    folder = tmp_path_factory.mktemp("model")
    (folder / "config.json").write_text("{}", encoding="utf-8")
    with (folder / "model.safetensors").open("wb") as file:
        block = os.urandom(2**24)
        for _ in range(SIZE_BYTES // len(block)):
            file.write(block)
    return folder


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """Serve S3 from a process of its own."""
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        yield {
            **os.environ,
            "AWS_ENDPOINT_URL": server.stdout.readline().strip(),
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "NO_PROXY": "127.0.0.1",
        }
    finally:
        server.communicate("", timeout=60)


@pytest.mark.parametrize("how", MEASURED)
@pytest.mark.benchmark(group="1 GiB into the store", timer=CLOCK)
def test_one_gibibyte(benchmark: Any, how: str, model: Path, environment: dict[str, str]) -> None:
    benchmark.pedantic(CLOCK.run, args=(how, model, environment), rounds=ROUNDS)
    assert benchmark.stats.stats.median > 0


def test_a_push_keeps_half_of_the_speed_and_its_memory_is_flat() -> None:
    seconds = {how: median(run["seconds"] for run in runs) for how, runs in MEASURED.items()}
    share = seconds["plain"] / seconds["push"]
    speed = {how: SIZE_BYTES / 2**20 / spent for how, spent in seconds.items()}
    memory = max(run["memory_bytes"] for run in MEASURED["push"])
    print(
        f"\npush {speed['push']:.0f} MiB/s, plain {speed['plain']:.0f} MiB/s, share {share:.2f}; "
        f"the push took {memory / 2**20:.0f} MiB of memory"
    )
    assert share >= LEAST_SHARE_OF_SPEED
    assert memory <= MOST_MEMORY_BYTES
