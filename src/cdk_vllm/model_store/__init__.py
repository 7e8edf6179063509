"""The model store: models in S3 under `models/<org>/<name>/<revision>/`, complete or not at all."""

from cdk_vllm.model_store.manifest import MANIFEST_NAME, Manifest, ManifestFile
from cdk_vllm.model_store.push import PushResult, push
from cdk_vllm.model_store.selection import engine_files

__all__ = [
    "MANIFEST_NAME",
    "Manifest",
    "ManifestFile",
    "PushResult",
    "engine_files",
    "push",
]
