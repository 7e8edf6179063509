"""A real vLLM on this machine, as the project starts it: an embedded AWS, small models, replicas.

What a test asks for, each made once a session:

`cloud`    an embedded AWS with a model store: `cloud.push("chat", directory)`, `cloud.s3`,
           `cloud.bucket`, `cloud.plans`, `cloud.cdk_vllm("models", ...)`; services are "chat",
           "tenants" and "published" (ECS, one Qwen3; the second with adapters that the file pins,
           the third with registered ones) and "summaries" (SageMaker, a Llama), pushed already
`models`   `models.qwen3`, `models.llama`, `models.adapters({"medical": {"seed": 1}})`: folders
`serving`  `with serving.serve("chat", options=["--seed", "1"], environment={...}) as replica:`
           runs the containers that the stacks emit, vLLM last, and stops it;
           `replica.complete()`, `.chat()`, `.post(path, ...)`, `.request(...)`, `.metric(name)`,
           `.server.log`

A start takes half a minute and 1.7 GB: share a replica over a module with a fixture of its scope.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cdk_vllm.embedded_aws.server import EmbeddedAws
from cdk_vllm.local.engine import Engine, find_engine
from tests.engine.serving.cloud import Cloud, make_cloud
from tests.engine.serving.models import Models
from tests.engine.serving.replica import Serving

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="session")
def engine() -> Engine:
    return find_engine(None, ROOT)


@pytest.fixture(scope="session")
def models(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Models:
    made = Models(engine, tmp_path_factory.mktemp("models"))
    made.write()
    return made


@pytest.fixture(scope="session")
def cloud(models: Models, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    with EmbeddedAws() as aws:
        made = make_cloud(aws, tmp_path_factory.mktemp("environment"), models.pinned)
        made.push("chat", models.qwen3)
        made.push("summaries", models.llama)
        yield made


@pytest.fixture(scope="session")
def serving(engine: Engine, cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Serving:
    return Serving(engine, cloud, tmp_path_factory.mktemp("machines"))
