"""One prefix of a bucket: its names, its objects, and nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from botocore.exceptions import ClientError

from cdk_vllm.model_store import MANIFEST_NAME, Prefix

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


@pytest.fixture
def place(s3: S3Client) -> Prefix:
    return Prefix(s3, "models", "models/a/b/r/")


def test_a_small_object_is_described_with_checksum_and_version(place: Prefix) -> None:
    place.put_text("x.json", "{}")
    found = place.head("x.json")
    assert found is not None
    assert found.size_bytes == 2
    assert found.checksum_sha256 == "RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o="
    assert found.sha256 is None
    assert found.version_id
    assert place.text("x.json") == b"{}"


def test_what_is_not_there_is_none(place: Prefix) -> None:
    assert place.head("x") is None
    assert place.text("x") is None
    assert place.manifest() is None
    place.put_text(MANIFEST_NAME, "{}")
    assert place.manifest() is None


def test_any_other_refusal_is_raised(s3: S3Client) -> None:
    nowhere = Prefix(s3, "no-such-bucket", "models/a/b/r/")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        nowhere.text("x")
    with pytest.raises(ClientError, match="NoSuchBucket"):
        nowhere.sizes()


def test_more_than_a_thousand_objects_are_listed_and_deleted(place: Prefix) -> None:
    names = [f"{i}.json" for i in range(1001)]
    for name in names:
        place.s3.put_object(Bucket="models", Key=place.prefix + name, Body=b"x")
    place.s3.put_object(Bucket="models", Key="models/a/b/r2/x", Body=b"x")
    assert set(place.sizes()) == set(names)
    place.delete(names)
    assert place.sizes() == {}
    assert Prefix(place.s3, "models", "models/a/b/r2/").sizes() == {"x": 1}


def test_a_bucket_without_versions_has_none(s3: S3Client) -> None:
    s3.create_bucket(Bucket="plain")
    place = Prefix(s3, "plain", "p/")
    place.put_text("x", "y")
    found = place.head("x")
    assert found is not None
    assert found.version_id is None
