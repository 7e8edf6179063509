"""What `cdk-vllm push` leaves in the store, written as it does."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

# The least that S3 takes as a part, so that a small file has several.
PART_SIZE = 5 * 2**20


@dataclass
class Store:
    """One bucket, and the prefix of a model or an adapter in it."""

    s3: Any
    bucket: str
    prefix: str
    model: str
    revision: str
    files: list[dict[str, Any]] = field(default_factory=list)

    @property
    def uri(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}"

    def put(self, name: str, data: bytes, **options: Any) -> dict[str, Any]:
        """Write an object as `cdk-vllm push` does; return its entry in the manifest."""
        key, size = self.prefix + name, PART_SIZE
        if len(data) <= size:
            answer = self.s3.put_object(
                Bucket=self.bucket, Key=key, Body=data, ChecksumAlgorithm="SHA256", **options
            )
            checksum = _base64(hashlib.sha256(data).digest())
        else:
            answer, checksum = self._put_parts(key, data)
        return {
            "name": name,
            "size_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "checksum_sha256": checksum,
            "version_id": answer.get("VersionId"),
        }

    def _put_parts(self, key: str, data: bytes) -> tuple[dict[str, Any], str]:
        where = {"Bucket": self.bucket, "Key": key}
        upload = self.s3.create_multipart_upload(**where, ChecksumAlgorithm="SHA256")["UploadId"]
        parts, digests = [], b""
        for number, first in enumerate(range(0, len(data), PART_SIZE), start=1):
            body = data[first : first + PART_SIZE]
            digest = hashlib.sha256(body).digest()
            digests += digest
            sent = self.s3.upload_part(
                **where,
                UploadId=upload,
                PartNumber=number,
                Body=body,
                ChecksumAlgorithm="SHA256",
            )
            checksum = {"ChecksumSHA256": _base64(digest)}
            parts.append({"PartNumber": number, "ETag": sent["ETag"], **checksum})
        answer = self.s3.complete_multipart_upload(
            **where, UploadId=upload, MultipartUpload={"Parts": parts}
        )
        return answer, f"{_base64(hashlib.sha256(digests).digest())}-{len(parts)}"

    def push(self, files: dict[str, bytes], **changes: Any) -> None:
        """Write files and then their manifest."""
        self.files = [self.put(name, data) for name, data in files.items()]
        self.put_manifest(**changes)

    def put_manifest(self, **changes: Any) -> None:
        manifest = {
            "model": self.model,
            "revision": self.revision,
            "part_size_bytes": PART_SIZE,
            "files": self.files,
            "made_by": "a key that readers do not know",
        }
        body = json.dumps(manifest | changes).encode()
        self.s3.put_object(Bucket=self.bucket, Key=self.prefix + "manifest.json", Body=body)

    def delete(self, name: str) -> None:
        self.s3.delete_object(Bucket=self.bucket, Key=self.prefix + name)

    def delete_all(self) -> None:
        """Empty the bucket."""
        for entry in self.s3.list_objects_v2(Bucket=self.bucket)["Contents"]:
            self.s3.delete_object(Bucket=self.bucket, Key=entry["Key"])

    def at(self, prefix: str, model: str, revision: str) -> Store:
        """Return another prefix of the same bucket."""
        return Store(self.s3, self.bucket, prefix, model, revision)

    def adapter(
        self, name: str, files: dict[str, bytes] | None = None, *, service: str = "chat"
    ) -> Store:
        """Push a version of an adapter."""
        files = files or adapter_files()
        pairs = sorted((file, hashlib.sha256(data).hexdigest()) for file, data in files.items())
        version = hashlib.sha256(json.dumps(pairs).encode()).hexdigest()[:12]
        pushed = self.at(f"adapters/{service}/{name}/{version}/", name, version)
        pushed.push(files)
        return pushed

    def register(self, name: str, version: str, *, service: str = "chat") -> None:
        body = json.dumps({"version": version}).encode()
        key = f"adapters/{service}/{name}/registered.json"
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=body)


def adapter_files(rank: int = 8, **config: Any) -> dict[str, bytes]:
    """Return the files of a LoRA adapter, the weights being whatever their name says."""
    text = json.dumps({"peft_type": "LORA", "r": rank, "target_modules": ["q_proj"]} | config)
    return {"adapter_config.json": text.encode(), "adapter_model.safetensors": b"weights"}


def model_files() -> dict[str, bytes]:
    """Return the files of a model; one is empty."""
    return {
        "config.json": b'{"architectures": ["Qwen3ForCausalLM"]}',
        "merges.txt": b"",
        "model-00001-of-00002.safetensors": b"the first half",
        "model-00002-of-00002.safetensors": b"the rest",
    }


def big_files() -> dict[str, bytes]:
    """Return the files of a model; one has three parts."""
    return model_files() | {"model-00001-of-00002.safetensors": bytes(range(251)) * 45_000}


def model_manifest() -> dict[str, bytes]:
    """Return the files of a model, and their manifest."""
    files = model_files()
    entries = [
        {
            "name": name,
            "size_bytes": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "checksum_sha256": _base64(hashlib.sha256(data).digest()),
            "version_id": None,
        }
        for name, data in files.items()
    ]
    manifest = {"model": "org/name", "revision": "c0ffee", "part_size_bytes": PART_SIZE}
    return files | {"manifest.json": json.dumps(manifest | {"files": entries}).encode()}


def stored(directory: Path) -> dict[str, bytes]:
    """Return the files of a directory that vLLM sees."""
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.name[0] != "."}


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
