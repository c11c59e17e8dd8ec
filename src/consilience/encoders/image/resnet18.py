"""ResNet-18, frozen. Source: He et al., Deep Residual Learning for Image Recognition (2015).

When to use it: a well-known baseline is wanted; it is fast. When not: accuracy counts more than a known name.
"""

from __future__ import annotations

from typing import Any, ClassVar

from consilience.core.registry import Card
from consilience.encoders.image._named import NamedEncoder

__all__ = ["ResNet18"]

CARD = Card(
    summary="ResNet-18 of 18 layers: 512 pooled features.",
    source="He et al. (2015)",
    extra="hf",
    claims=("frozen",),
    cost="medium",
)


class ResNet18(NamedEncoder):
    """A picture to 512 numbers.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, 512]``.

    >>> ResNet18(ResNet18.Settings(pretrained=False, size=64)).inputs
    ('pixels',)
    """

    timm_name = "resnet18.a1_in1k"
    hf_name = "microsoft/resnet-18"
    hf_config: ClassVar[dict[str, Any]] = {"model_type": "resnet", "depths": [2, 2, 2, 2], "hidden_sizes": [64, 128, 256, 512], "layer_type": "basic"}
