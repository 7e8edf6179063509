from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Client = Callable[[str], Any]
    Deployed = Callable[..., dict[str, str]]
    Destroyed = Callable[[], None]


def resources(base: str) -> dict[str, Any]:
    return {
        "Images": {"Type": "AWS::ECR::Repository", "Properties": {"EmptyOnDelete": True}},
        "Build": {
            "Type": "Custom::VllmImageBuild",
            "Properties": {
                "ServiceToken": "arn:aws:lambda:us-east-1:123456789012:function:starter",
                "BaseImage": base,
                "RepositoryName": {"Ref": "Images"},
                "RepositoryUri": {"Fn::GetAtt": ["Images", "RepositoryUri"]},
            },
        },
    }


def outputs(create_or_update: Callable[..., dict[str, Any]], base: str) -> dict[str, str]:
    wanted = {
        name: {"Value": {"Fn::GetAtt": ["Build", name]}} for name in ("ImageUri", "ImageDigest")
    }
    stack = create_or_update({"Resources": resources(base), "Outputs": wanted})
    return {output["OutputKey"]: output["OutputValue"] for output in stack["Outputs"]}


def test_a_build_gives_an_image_that_the_repository_has(
    client: Client,
    create: Callable[..., dict[str, Any]],
    update: Callable[..., dict[str, Any]],
) -> None:
    ecr = client("ecr")
    first = outputs(create, "vllm:1")
    (repository,) = ecr.describe_repositories()["repositories"]
    assert first["ImageUri"] == f"{repository['repositoryUri']}@{first['ImageDigest']}"
    name = {"repositoryName": repository["repositoryName"]}
    (image,) = ecr.describe_images(**name)["imageDetails"]
    assert image["imageDigest"] == first["ImageDigest"]
    second = outputs(update, "vllm:2")
    assert second["ImageDigest"] != first["ImageDigest"]
    digests = {image["imageDigest"] for image in ecr.describe_images(**name)["imageDetails"]}
    assert digests == {first["ImageDigest"], second["ImageDigest"]}
    again = outputs(update, "vllm:1")
    assert again == first
    found = ecr.batch_get_image(**name, imageIds=[{"imageDigest": first["ImageDigest"]}])
    assert len(found["images"]) == 1


def test_a_bucket_is_emptied_before_it_goes(
    client: Client, deployed: Deployed, destroyed: Destroyed
) -> None:
    versioned = {"VersioningConfiguration": {"Status": "Enabled"}}
    ids = deployed(
        Bucket={"Type": "AWS::S3::Bucket", "Properties": versioned},
        Empty={
            "Type": "Custom::S3AutoDeleteObjects",
            "Properties": {"ServiceToken": "arn:x", "BucketName": {"Ref": "Bucket"}},
        },
    )
    for body in (b"one", b"two"):
        client("s3").put_object(Bucket=ids["Bucket"], Key="k", Body=body)
    destroyed()
    assert not client("s3").list_buckets()["Buckets"]
