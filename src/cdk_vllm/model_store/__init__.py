"""The model store: models in S3 under `models/<org>/<name>/<revision>/`, complete or not at all."""

from cdk_vllm.model_store.listing import StoredModel, delete_model, stored_models
from cdk_vllm.model_store.manifest import MANIFEST_NAME, Manifest, ManifestFile
from cdk_vllm.model_store.prefix import Prefix
from cdk_vllm.model_store.push import Progress, PushResult, push, push_files
from cdk_vllm.model_store.selection import engine_files
from cdk_vllm.model_store.source import SourceFile, directory_files
from cdk_vllm.model_store.verify import verify

__all__ = [
    "MANIFEST_NAME",
    "Manifest",
    "ManifestFile",
    "Prefix",
    "Progress",
    "PushResult",
    "SourceFile",
    "StoredModel",
    "delete_model",
    "directory_files",
    "engine_files",
    "push",
    "push_files",
    "stored_models",
    "verify",
]
