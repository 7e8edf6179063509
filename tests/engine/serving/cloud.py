"""An embedded AWS with a model store, filled by the project's own command.

There is one environment file with the services of `SERVICES`, planned by the rules, and one stack
with the one output that the command looks for. `cdk_vllm` runs the command as a user does.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from cdk_vllm import environment_file, planning
from cdk_vllm.model_prefix import model_prefix
from tests.container.pushed import Store
from tests.engine.serving.models import files_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from cdk_vllm.embedded_aws.server import EmbeddedAws
    from cdk_vllm.environment_file import EnvironmentFile
    from cdk_vllm.sizing import ServingPlan

REGION = "us-east-1"
ENVIRONMENT = """
region = "us-east-1"

[services.chat]
backend = "ecs"
model = "Qwen/Qwen3-8B"
revision = "0123456789abcdef0123456789abcdef01234567"
max_model_len = 16384
prompt_tokens = 2000
output_tokens = 500
concurrent_requests = 32
max_request_seconds = 300
insecure_http = true

[services.chat.engine]
enable_prefix_caching = true
enable_auto_tool_choice = true
tool_call_parser = "hermes"

# The same model, read from the instance's disk, with adapters that the file pins.
[services.tenants]
backend = "ecs"
model = "Qwen/Qwen3-8B"
revision = "0123456789abcdef0123456789abcdef01234567"
load = "disk"
max_model_len = 16384
concurrent_requests = 8
max_request_seconds = 300
insecure_http = true

[services.tenants.lora]
mode = "static"
max_loras = 1
max_lora_rank = 16
adapters = %(pinned)s

# And with adapters that are registered while it runs.
[services.published]
backend = "ecs"
model = "Qwen/Qwen3-8B"
revision = "0123456789abcdef0123456789abcdef01234567"
max_model_len = 16384
concurrent_requests = 8
max_request_seconds = 300
insecure_http = true

[services.published.lora]
mode = "dynamic"
max_loras = 1
max_lora_rank = 16

[services.summaries]
backend = "sagemaker"
model = "mistralai/Mistral-7B-v0.1"
revision = "0123456789abcdef0123456789abcdef01234567"
max_model_len = 8192
prompt_tokens = 2000
output_tokens = 500
concurrent_requests = 8
max_request_seconds = 60

[services.summaries.engine]
enable_lora = true
max_loras = 1
max_lora_rank = 16
"""
FOUNDATION = """
Resources:
  Models:
    Type: AWS::S3::Bucket
    Properties:
      VersioningConfiguration: {Status: Enabled}
Outputs:
  ModelBucket: {Value: !Ref Models}
"""
COMMAND_SECONDS = 120


@dataclass(frozen=True)
class Cloud:
    """The embedded AWS, its one bucket, the environment file with its plans, pinned adapters."""

    aws: EmbeddedAws
    bucket: str
    environment: EnvironmentFile
    plans: dict[str, ServingPlan]
    pinned: dict[str, Store]

    @cached_property
    def s3(self) -> Any:
        """A boto3 client of its S3."""
        return self.aws.client("s3", REGION)

    @property
    def variables(self) -> dict[str, str]:
        """What a container gets from its platform: where AWS is, and whose credentials."""
        return self.aws.environment(REGION) | {"RUNAI_STREAMER_S3_USE_VIRTUAL_ADDRESSING": "0"}

    def cdk_vllm(self, *words: str) -> str:
        """Run `cdk-vllm WORDS` against this AWS and return what it printed."""
        command = [sys.executable, "-m", "cdk_vllm", *words]
        done = subprocess.run(
            command,
            env=os.environ | self.aws.environment(REGION),
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def push(self, service: str, directory: Path) -> str:
        """Push a folder as a service's model with `cdk-vllm push`, and return its S3 address."""
        self.cdk_vllm("push", str(self.environment.path), str(directory), "--service", service)
        return self.model_uri(service)

    def model_uri(self, service: str) -> str:
        """Return where a service's model lies."""
        told = self.environment.services[service]
        return f"s3://{self.bucket}/{model_prefix(told.model, told.revision)}"

    def download(self, uri: str, into: Path) -> Path:
        """Copy all objects under an S3 address into a folder, as SageMaker does, and return it."""
        bucket, prefix = uri.removeprefix("s3://").split("/", 1)
        for listed in self.s3.list_objects_v2(Bucket=bucket, Prefix=prefix)["Contents"]:
            target = into / listed["Key"].removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            self.s3.download_file(bucket, listed["Key"], str(target))
        return into


def make_cloud(aws: EmbeddedAws, directory: Path, adapters: Mapping[str, Path]) -> Cloud:
    """Make the store's stack, push the adapters, and plan an environment file that pins them."""
    cloudformation = aws.client("cloudformation", REGION)
    cloudformation.create_stack(StackName="engine-foundation", TemplateBody=FOUNDATION)
    stack = cloudformation.describe_stacks(StackName="engine-foundation")["Stacks"][0]
    bucket = stack["Outputs"][0]["OutputValue"]
    store = Store(aws.client("s3", REGION), bucket, "", "", "")
    pinned = {
        name: store.adapter(name, files_of(folder), service="tenants")
        for name, folder in adapters.items()
    }
    versions = ", ".join(f'{name} = "{adapter.revision}"' for name, adapter in pinned.items())
    path = directory / "engine.toml"
    path.write_text(ENVIRONMENT % {"pinned": f"{{ {versions} }}"}, "utf-8")
    loaded = environment_file.load(path)
    return Cloud(aws, bucket, loaded, planning.plan(loaded), pinned)
