"""Make vLLM's imports work beside either build of PyTorch, inside the engine's own environment."""

from __future__ import annotations

import os

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "ERROR",
}
KEPT: list[object] = []


def prepare() -> None:
    """Keep vLLM quiet and offline, and declare what torchvision's wheel, built for CUDA, lacks."""
    import torch

    os.environ.update(ENVIRONMENT)
    if torch.version.cuda:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    KEPT.append(library)  # an operator lives as long as its library
