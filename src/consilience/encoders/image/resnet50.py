"""ResNet-50, frozen. Source: He et al., Deep Residual Learning for Image Recognition (2015).

When to use it: a well-known baseline is wanted, stronger than resnet18. When not: pictures are many and there is no GPU.
"""

from __future__ import annotations

from typing import Any, ClassVar

from consilience.core.registry import Card
from consilience.encoders.image._named import NamedEncoder

__all__ = ["ResNet50"]

CARD = Card(
    summary="ResNet-50: 2,048 pooled features.",
    source="He et al. (2015)",
    extra="hf",
    claims=("frozen",),
    cost="high",
)


class ResNet50(NamedEncoder):
    """A picture to 2,048 numbers.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, 2048]``.

    >>> ResNet50(ResNet50.Settings(pretrained=False, size=64)).inputs
    ('pixels',)
    """

    timm_name = "resnet50.a1_in1k"
    hf_name = "microsoft/resnet-50"
    hf_config: ClassVar[dict[str, Any]] = {
        "model_type": "resnet",
        "depths": [3, 4, 6, 3],
        "hidden_sizes": [256, 512, 1024, 2048],
        "layer_type": "bottleneck",
    }
