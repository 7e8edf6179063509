"""Let torchvision's wheel, which is built for CUDA, be imported beside PyTorch's CPU build.

Lies in the engine's own environment, where every interpreter imports it at its start: vLLM's
children do not inherit what their parent has done.
"""

from __future__ import annotations

import sys

OPERATORS = ("nms", "qnms")
KEPT: list[object] = []


class BeforeTorchvision:
    """Finds no module; it declares what torchvision's own library would, just before that loads."""

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        """Be asked for every module, and do something for one."""
        if name == "torchvision":
            sys.meta_path.remove(self)
            declare()


def declare() -> None:
    """Declare the operators that torchvision describes to PyTorch when it is imported."""
    import torch

    # Not `torch.version.cuda`, which a pretended GPU sets.
    if "+cpu" not in torch.__version__:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in OPERATORS:
        library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    KEPT.append(library)  # an operator lives as long as its library


sys.meta_path.insert(0, BeforeTorchvision())
