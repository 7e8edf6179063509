"""What is found wrong with a model in S3, and with S3 itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.container.pushed import Store, big_files, model_files

if TYPE_CHECKING:
    from cdk_vllm.embedded_aws.server import EmbeddedAws
    from tests.container.between import Between
    from tests.container.conftest import Said

NOBODY = "http://127.0.0.1:1"
ELSEWHERE = "the bucket is in another region than AWS_REGION says"


def test_the_last_slash_may_be_left_out(said: Said, model: Store) -> None:
    assert said.prepare("--model", model.uri.rstrip("/")) == 0


def test_without_versions_in_the_bucket_there_are_none_to_compare(
    said: Said, aws: EmbeddedAws, environment: pytest.MonkeyPatch
) -> None:
    s3 = aws.client("s3", "us-east-1")
    s3.create_bucket(Bucket="unversioned")
    store = Store(s3, "unversioned", "models/org/name/c0ffee/", "org/name", "c0ffee")
    store.push({"config.json": b"{}"})
    assert store.files[0]["version_id"] is None
    assert said.prepare("--model", store.uri) == 0


def test_a_folder_made_in_the_console_is_no_file(said: Said, model: Store) -> None:
    model.s3.put_object(Bucket=model.bucket, Key=model.prefix)
    assert said.prepare("--model", model.uri) == 0


def test_a_prefix_without_anything_is_a_wrong_one(said: Said, store: Store) -> None:
    assert said.refusal("--model", store.uri) == (
        f"{store.uri} is empty; correct the prefix, or push first"
    )


def test_without_a_manifest_the_push_was_not_finished(said: Said, model: Store) -> None:
    model.delete("manifest.json")
    assert said.refusal("--model", model.uri) == (
        f"{model.uri} has 4 objects and no manifest.json: the push was not finished, or this is "
        "not the prefix of a model; push again"
    )


def test_pickled_weights_alone_are_no_model(said: Said, store: Store) -> None:
    store.put("config.json", b"{}")
    store.put("pytorch_model.bin", b"\x80\x04.")
    assert "holds pickled weights only (pytorch_model.bin)" in said.refusal("--model", store.uri)


def test_a_missing_shard_is_named(said: Said, model: Store) -> None:
    model.delete("model-00002-of-00002.safetensors")
    assert said.refusal("--model", model.uri) == (
        f"{model.uri} lacks model-00002-of-00002.safetensors, which its manifest names; push again"
    )


def test_another_size_is_named(said: Said, model: Store) -> None:
    model.put("config.json", b"{}")
    assert said.refusal("--model", model.uri) == (
        f"{model.uri}config.json has 2 bytes and the manifest says 39; push again"
    )


@pytest.mark.parametrize("name", ["consolidated.safetensors", "model-q4.gguf", "onnx/model.onnx"])
def test_what_vllm_would_read_beside_the_model_is_refused(
    said: Said, model: Store, name: str
) -> None:
    model.put(name, b"stray")
    assert said.refusal("--model", model.uri) == (
        f"{model.uri}{name} is not in the manifest, and vLLM would read it; delete it, or push "
        "again"
    )


def test_other_content_of_the_same_size_is_found_by_the_checksum(said: Said, model: Store) -> None:
    model.put("model-00002-of-00002.safetensors", b"THE REST")
    told = said.refusal("--model", model.uri)
    assert f"{model.uri}model-00002-of-00002.safetensors has other content" in told
    assert told.endswith("push again")


def test_other_content_in_parts_is_found_by_the_checksum(said: Said, big_model: Store) -> None:
    data = bytearray(big_files()["model-00001-of-00002.safetensors"])
    data[-1] ^= 1
    big_model.put("model-00001-of-00002.safetensors", bytes(data))
    assert "model-00001-of-00002.safetensors has other content" in said.refusal(
        "--model", big_model.uri
    )


def test_an_object_without_a_checksum_was_put_there_by_others(said: Said, model: Store) -> None:
    key = model.prefix + "model-00002-of-00002.safetensors"
    body = model_files()["model-00002-of-00002.safetensors"]
    model.s3.put_object(Bucket=model.bucket, Key=key, Body=body, ChecksumAlgorithm="CRC32")
    assert "has no SHA-256 in S3" in said.refusal("--model", model.uri)


def test_the_same_content_written_again_is_a_trace_of_somebody(said: Said, model: Store) -> None:
    model.put("config.json", model_files()["config.json"])
    assert "config.json was written again after the push (version " in said.refusal(
        "--model", model.uri
    )


def test_a_bucket_that_does_not_exist(said: Said, environment: pytest.MonkeyPatch) -> None:
    assert said.refusal("--model", "s3://no-such-bucket/models/a/b/c/") == (
        "s3://no-such-bucket/models/a/b/c/manifest.json: there is no bucket no-such-bucket; deploy "
        "the foundation stack, or correct the name"
    )


@pytest.mark.parametrize(
    ("asked", "status", "code", "told"),
    [
        ("manifest.json", 403, "AccessDenied", "manifest.json: access denied to GetObject; allow"),
        ("list-type=2", 403, "AccessDenied", "c0ffee/: access denied to ListObjectsV2; allow the"),
        ("^HEAD .*config", 403, "AccessDenied", "config.json: access denied to HeadObject; allow"),
        ("manifest.json", 400, "AuthorizationHeaderMalformed", ELSEWHERE),
        ("manifest.json", 403, "ExpiredToken", "S3 does not accept the credentials; give valid"),
        ("manifest.json", 403, "SignatureDoesNotMatch", "S3 does not accept the credentials; give"),
        ("manifest.json", 403, "RequestTimeTooSkewed", "the clock of this machine is wrong"),
        ("manifest.json", 404, "NoSuchBucket", "there is no bucket models-"),
        ("manifest.json", 400, "Nonsense", "S3 refused the request (An error occurred (Nonsense)"),
    ],
)
def test_what_s3_refuses(
    said: Said, model: Store, between: Between, asked: str, status: int, code: str, told: str
) -> None:
    between.refuse(asked, status, code)
    assert told in said.refusal("--model", model.uri)


def test_a_key_that_may_not_be_used(said: Said, model: Store, between: Between) -> None:
    message = "User is not authorized to perform: kms:Decrypt on the resource"
    between.refuse("manifest.json", 403, "AccessDenied", message)
    assert said.refusal("--model", model.uri) == (
        f"{model.uri}manifest.json: the key of the bucket denies GetObject; allow the task role "
        "kms:Decrypt on it"
    )


def test_without_credentials(said: Said, model: Store, environment: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
        environment.delenv(name)
    assert said.refusal("--model", model.uri) == (
        f"{model.uri}manifest.json: no AWS credentials were found; give the task a task role"
    )


def test_without_a_region(said: Said, model: Store, environment: pytest.MonkeyPatch) -> None:
    environment.delenv("AWS_DEFAULT_REGION")
    assert said.prepare("--model", model.uri) == 0, "ECS sets AWS_REGION"
    environment.delenv("AWS_REGION")
    assert said.refusal("--model", model.uri) == (
        "no AWS region is set; set AWS_REGION to the bucket's region"
    )


def test_where_nobody_listens(said: Said, model: Store, environment: pytest.MonkeyPatch) -> None:
    environment.setenv("AWS_ENDPOINT_URL", NOBODY)
    told = said.refusal("--model", model.uri)
    assert f'S3 cannot be reached (Could not connect to the endpoint URL: "{NOBODY}/' in told
    assert "gateway endpoint" in told
