"""The build, run as CodeBuild runs it, with a `docker`, an `aws` and a `curl` that keep a record.

The stand-ins share one folder: `registry/REPOSITORY/TAG` holds a digest, `calls` what was run.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from cdk_vllm.constructs.image.buildspec import buildspec

HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"
BASE = "vllm/vllm-openai:v0.33.0"
TAG = "ecs-0123"
IMAGE_DIGEST = "sha256:" + "1" * 64
BASE_DIGEST = "sha256:" + "b" * 64
SOURCE = Path(sys.modules[buildspec.__module__].__file__ or "").parent
SCRIPTS = [SOURCE / "build.sh", SOURCE / "answer.sh"]

AWS = """
case "$1 $2" in
"ecr describe-images")
  tag=${6#imageTag=}
  if [[ -e registry-broken ]]; then echo "AccessDeniedException: not allowed" >&2; exit 254; fi
  cat "registry/$4/$tag" 2>/dev/null \\
    || { echo "An error occurred (ImageNotFoundException)" >&2; exit 254; } ;;
"ecr get-login-password") echo ecr-token ;;
"s3api get-object") cp context-asset.zip "${@: -1}" ;;
"secretsmanager get-secret-value") cat secret.json ;;
esac
"""
DOCKER = """
case "$1" in
login) cat >>passwords ;;
pull)
  if [[ -e pulls-that-fail ]]; then
    left=$(<pulls-that-fail)
    if ((left > 0)); then
      echo $((left - 1)) >pulls-that-fail
      echo "toomanyrequests: You have reached your pull rate limit." >&2
      exit 1
    fi
  fi ;;
build)
  if [[ -e build-fails ]]; then echo "step 3: no such file"; exit 1; fi
  if [[ -e build-hangs ]]; then sleep 60; fi
  ls context >built-from
  echo "$DOCKER_BUILDKIT $BUILDX_NO_DEFAULT_ATTESTATIONS" >built-with ;;
push)
  name=${!#}; name=${name#*/}
  if [[ -e pushes-fail ]]; then echo denied >&2; exit 1; fi
  mkdir -p "registry/${name%%:*}"
  target="registry/${name%%:*}/${name#*:}"
  if [[ -e $target ]]; then echo "tag is immutable" >&2; exit 1; fi
  case $name in mirror:*) echo "$BASE_DIGEST" ;; *) echo "$IMAGE_DIGEST" ;; esac >"$target" ;;
esac
"""
CURL = """
while (($# > 1)); do
  if [[ $1 == --upload-file ]]; then cp "$2" answered; fi
  shift
done
echo "$1" >answered-to
"""


class CodeBuild:
    """A build's folder, and its two phases."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "AWS_ACCOUNT": "123456789012",
            "BASE_DIGEST": BASE_DIGEST,
            "BASE_IMAGE": BASE,
            "BUILD_SECONDS": "60",
            "CODEBUILD_BUILD_URL": "https://console/build/1",
            "DOCKER_HUB_SECRET_ARN": "",
            "IMAGE_DIGEST": IMAGE_DIGEST,
            "IMAGE_TAG": TAG,
            "LOGICAL_RESOURCE_ID": "ImageBuild",
            "MIRROR_NAME": "mirror",
            "MIRROR_URI": f"{HOST}/mirror",
            "PHYSICAL_RESOURCE_ID": f"images:{TAG}",
            "PULL_BACKOFF_SECONDS": "0",
            "REPOSITORY_NAME": "images",
            "REPOSITORY_URI": f"{HOST}/images",
            "REQUEST_ID": "request-1",
            "RESPONSE_URL": "https://cloudformation/answer?signature=x",
            "SOURCE_BUCKET": "assets",
            "SOURCE_KEY": "c0ffee.zip",
            "STACK_ID": "stack-1",
            "TARGET": "ecs",
        }
        (folder / "bin").mkdir()
        for name, code in (("aws", AWS), ("docker", DOCKER), ("curl", CURL)):
            program = folder / "bin" / name
            program.write_text(f'#!/bin/bash\necho {name} "${{@@Q}}" >>calls\n{code}')
            program.chmod(0o755)
        with zipfile.ZipFile(folder / "context-asset.zip", "w") as asset:
            asset.writestr("Dockerfile", "FROM scratch AS ecs\n")

    def put(self, name: str, text: str = "") -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text)

    def run(self, phase: str, **environment: str) -> int:
        """Run a phase's commands in CodeBuild's shell; return the exit status."""
        commands = buildspec()["phases"][phase]["commands"]
        return subprocess.run(
            ["bash", "-c", "\n".join(commands)],
            cwd=self.folder,
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            timeout=60,
            check=False,
        ).returncode

    def build(self, **environment: str) -> dict[str, Any]:
        """Run both phases, the second whatever came of the first; return the answer."""
        for left in ("reason.txt", "result.json"):
            (self.folder / left).unlink(missing_ok=True)
        shutil.rmtree(self.folder / "context", ignore_errors=True)
        succeeding = "1" if self.run("build", **environment) == 0 else "0"
        status = self.run("post_build", CODEBUILD_BUILD_SUCCEEDING=succeeding, **environment)
        assert status == 0
        assert (self.folder / "answered-to").read_text().strip() == self.environment["RESPONSE_URL"]
        answer = json.loads((self.folder / "answered").read_text())
        assert isinstance(answer, dict)
        assert len(json.dumps(answer)) <= 4096, "the most that CloudFormation takes"
        return answer

    def calls(self, *start: str) -> list[list[str]]:
        lines = (self.folder / "calls").read_text().splitlines()
        words = [shlex.split(line) for line in lines]
        return [call for call in words if call[: len(start)] == list(start)]


@pytest.fixture
def codebuild(tmp_path: Path) -> CodeBuild:
    return CodeBuild(tmp_path)


def mirror_tag(codebuild: CodeBuild) -> str:
    (tag,) = (path.name for path in (codebuild.folder / "registry" / "mirror").iterdir())
    return tag


def test_a_build_answers_with_the_digests(codebuild: CodeBuild) -> None:
    assert codebuild.build() == {
        "Status": "SUCCESS",
        "Reason": "Built. Log: https://console/build/1",
        "PhysicalResourceId": f"images:{TAG}",
        "StackId": "stack-1",
        "RequestId": "request-1",
        "LogicalResourceId": "ImageBuild",
        "Data": {
            "ImageUri": f"{HOST}/images@{IMAGE_DIGEST}",
            "ImageDigest": IMAGE_DIGEST,
            "BaseImageDigest": BASE_DIGEST,
        },
    }


def test_the_answer_is_uploaded_as_its_address_is_signed(codebuild: CodeBuild) -> None:
    codebuild.build()
    (curl,) = codebuild.calls("curl")
    assert curl[curl.index("--header") + 1] == "Content-Type:"
    assert "--fail" in curl
    assert curl[curl.index("--retry") + 1] == "5"


def test_it_builds_the_target_of_the_context_from_the_mirrored_base_by_digest(
    codebuild: CodeBuild,
) -> None:
    codebuild.build()
    (build,) = codebuild.calls("docker", "build")
    assert build[build.index("--target") + 1] == "ecs"
    assert build[build.index("--build-arg") + 1] == f"BASE_IMAGE={HOST}/mirror@{BASE_DIGEST}"
    assert build[build.index("--tag") + 1] == f"{HOST}/images:{TAG}"
    assert f"org.opencontainers.image.base.name={BASE}" in build
    assert (codebuild.folder / "built-from").read_text() == "Dockerfile\n"
    assert (codebuild.folder / "built-with").read_text() == "1 1\n", "no attestations"


def test_the_context_is_read_from_a_bucket_of_this_account(codebuild: CodeBuild) -> None:
    codebuild.build()
    (get,) = codebuild.calls("aws", "s3api", "get-object")
    assert get[get.index("--bucket") + 1] == "assets"
    assert get[get.index("--key") + 1] == "c0ffee.zip"
    assert get[get.index("--expected-bucket-owner") + 1] == "123456789012"


def test_a_public_base_is_pulled_once_and_kept_in_the_mirror(codebuild: CodeBuild) -> None:
    codebuild.build()
    assert codebuild.calls("docker", "pull") == [["docker", "pull", "--quiet", BASE]]
    assert mirror_tag(codebuild).startswith("vllm-vllm-openai-v0.33.0-")

    again = codebuild.build(IMAGE_TAG="sagemaker-4567", TARGET="sagemaker")
    assert again["Status"] == "SUCCESS"
    assert again["Data"]["BaseImageDigest"] == BASE_DIGEST
    assert len(codebuild.calls("docker", "pull")) == 1
    assert len(codebuild.calls("docker", "build")) == 2


def test_bases_with_alike_names_are_not_mistaken_for_each_other(codebuild: CodeBuild) -> None:
    codebuild.build(BASE_IMAGE="team/vllm:v0.33.0")
    codebuild.build(BASE_IMAGE="team-vllm:v0.33.0", IMAGE_TAG="ecs-4567")
    assert len(codebuild.calls("docker", "pull")) == 2


def test_an_image_that_exists_is_not_built_again(codebuild: CodeBuild) -> None:
    codebuild.put(f"registry/images/{TAG}", IMAGE_DIGEST)
    answer = codebuild.build()
    assert answer["Status"] == "SUCCESS"
    assert answer["Data"] == {
        "ImageUri": f"{HOST}/images@{IMAGE_DIGEST}",
        "ImageDigest": IMAGE_DIGEST,
        "BaseImageDigest": "unknown",
    }
    assert codebuild.calls("docker") == codebuild.calls("aws", "s3api") == []


def test_a_failed_build_is_answered_with_its_last_words_and_the_log(codebuild: CodeBuild) -> None:
    codebuild.put("build-fails")
    answer = codebuild.build()
    assert answer["Status"] == "FAILED"
    assert "docker build --target ecs failed: step 3: no such file" in answer["Reason"]
    assert answer["Reason"].endswith("Log: https://console/build/1")
    assert answer["PhysicalResourceId"] == f"images:{TAG}"
    assert answer["Data"] == {}


def test_a_build_that_takes_too_long_is_ended_in_time_to_answer(codebuild: CodeBuild) -> None:
    codebuild.put("build-hangs")
    answer = codebuild.build(BUILD_SECONDS="1")
    assert answer["Status"] == "FAILED"
    assert "it may have run out of time" in answer["Reason"]


def test_a_limited_pull_is_tried_again(codebuild: CodeBuild) -> None:
    codebuild.put("pulls-that-fail", "3")
    assert codebuild.build()["Status"] == "SUCCESS"
    assert len(codebuild.calls("docker", "pull")) == 4


def test_a_pull_that_stays_limited_fails_with_the_way_out(codebuild: CodeBuild) -> None:
    codebuild.put("pulls-that-fail", "99")
    answer = codebuild.build()
    assert answer["Status"] == "FAILED"
    assert f"Cannot pull {BASE} after 5 attempts: toomanyrequests" in answer["Reason"]
    assert "docker_hub_secret" in answer["Reason"]
    assert len(codebuild.calls("docker", "pull")) == 5
    assert codebuild.calls("docker", "build") == []


def test_docker_hub_credentials_are_used_where_given_and_never_an_argument(
    codebuild: CodeBuild,
) -> None:
    secret = {"username": "team", "password": 'p "a$s'}
    codebuild.put("secret.json", json.dumps(secret))
    assert codebuild.build(DOCKER_HUB_SECRET_ARN="arn:secret")["Status"] == "SUCCESS"
    hub, ecr = sorted(codebuild.calls("docker", "login"), key=len)
    assert hub == ["docker", "login", "--username", "team", "--password-stdin"]
    assert ecr[-1] == HOST
    assert secret["password"] in (codebuild.folder / "passwords").read_text()
    assert secret["password"] not in (codebuild.folder / "calls").read_text()


def test_a_secret_of_another_shape_is_answered(codebuild: CodeBuild) -> None:
    codebuild.put("secret.json", '{"user": "team"}')
    answer = codebuild.build(DOCKER_HUB_SECRET_ARN="arn:secret")
    assert answer["Status"] == "FAILED"
    assert '{"username": "...", "password": "..."}' in answer["Reason"]


def test_a_push_that_lost_the_race_takes_the_winners_image(codebuild: CodeBuild) -> None:
    program = codebuild.folder / "bin" / "docker"
    winner = f"mkdir -p registry/images && echo {IMAGE_DIGEST} >registry/images/{TAG}"
    program.write_text(program.read_text().replace("ls context >built-from", winner))
    assert codebuild.build()["Status"] == "SUCCESS"


def test_a_refused_push_is_answered(codebuild: CodeBuild) -> None:
    codebuild.put("pushes-fail")
    answer = codebuild.build()
    assert answer["Status"] == "FAILED"
    assert f"Cannot push {BASE} to {HOST}/mirror" in answer["Reason"]


def test_a_lookup_that_fails_is_no_missing_image(codebuild: CodeBuild) -> None:
    codebuild.put("registry-broken")
    answer = codebuild.build()
    assert answer["Status"] == "FAILED"
    assert "AccessDeniedException" in answer["Reason"]
    assert codebuild.calls("docker") == []


def test_a_long_reason_is_cut_and_the_log_stays(codebuild: CodeBuild) -> None:
    codebuild.put("build-fails")
    program = codebuild.folder / "bin" / "docker"
    program.write_text(program.read_text().replace("step 3: no such file", "é" * 5000))
    answer = codebuild.build()
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].endswith("é Log: https://console/build/1")


def test_a_build_started_by_hand_answers_nobody(codebuild: CodeBuild) -> None:
    codebuild.environment["RESPONSE_URL"] = ""
    assert codebuild.run("post_build", CODEBUILD_BUILD_SUCCEEDING="1") == 0
    assert not (codebuild.folder / "answered").exists()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.name)
def test_shellcheck_finds_nothing_in_what_codebuild_runs(script: Path, tmp_path: Path) -> None:
    phase = {"build.sh": "build", "answer.sh": "post_build"}[script.name]
    (command,) = buildspec()["phases"][phase]["commands"]
    embedded = tmp_path / script.name
    embedded.write_text(shlex.split(command)[-1])
    assert embedded.read_text() == script.read_text()
    shellcheck = Path(sys.executable).with_name("shellcheck")
    found = subprocess.run([shellcheck, embedded], capture_output=True, text=True, check=False)
    assert found.stdout == ""
    assert found.returncode == 0


def test_codebuild_reads_the_commands_with_bash() -> None:
    assert buildspec()["env"] == {"shell": "bash"}
    assert list(buildspec()["phases"]) == ["build", "post_build"]
