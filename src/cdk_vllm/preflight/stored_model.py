"""Looks a model up in the store: its manifest, and whether every file of it lies beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from cdk_vllm.model_prefix import model_prefix
from cdk_vllm.preflight.facts import ModelFact

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MANIFEST = "manifest.json"
WEIGHTS = ".safetensors"


def stored_model(s3: Any, *, bucket: str, model: str, revision: str) -> ModelFact:
    """Return what the store holds of a model: names and sizes, no contents; read by listing.

    The manifest is written last and names every file with `name` and `size_bytes`. Weights it does
    not name are a fault too: the engine would load them together with its own. Raises botocore's
    `ClientError` where reading is not allowed.
    """
    prefix = model_prefix(model, revision)
    uri = f"s3://{bucket}/{prefix}"
    try:
        body = s3.get_object(Bucket=bucket, Key=prefix + MANIFEST)["Body"].read()
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchKey", "404"):
            raise
        fault = f"{MANIFEST} is missing, so nothing or only half a model was pushed"
        return ModelFact(uri=uri, files=0, size_bytes=0, faults=(fault,))
    try:
        named = {str(f["name"]): int(f["size_bytes"]) for f in json.loads(body)["files"]}
    except (ValueError, KeyError, TypeError):
        fault = f"{MANIFEST} is not a manifest"
        return ModelFact(uri=uri, files=0, size_bytes=0, faults=(fault,))
    found = _objects(s3, bucket, prefix)
    return ModelFact(
        uri=uri,
        files=len(named),
        size_bytes=sum(named.values()),
        faults=tuple(_faults(named, found)),
    )


def _objects(s3: Any, bucket: str, prefix: str) -> dict[str, int]:
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {
        item["Key"].removeprefix(prefix): item["Size"]
        for page in pages
        for item in page.get("Contents", [])
    }


def _faults(named: Mapping[str, int], found: Mapping[str, int]) -> Iterator[str]:
    if not named:
        yield f"{MANIFEST} names no file"
    for name, size in named.items():
        if name not in found:
            yield f"{name} is missing"
        elif found[name] != size:
            yield f"{name} has {found[name]} bytes instead of {size}"
    for name in sorted(found.keys() - named.keys()):
        if name.endswith(WEIGHTS):
            yield f"{name} lies there and belongs to no model"
