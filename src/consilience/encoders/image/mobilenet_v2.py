"""MobileNetV2, frozen. Source: Sandler et al., MobileNetV2: Inverted Residuals and Linear Bottlenecks (2018).

When to use it: pictures are many and the machine is small. When not: efficientnet_lite0 is installed: it is as fast and more accurate.
"""

from __future__ import annotations

from typing import Any, ClassVar

from consilience.core.registry import Card
from consilience.encoders.image._named import NamedEncoder

__all__ = ["MobileNetV2"]

CARD = Card(
    summary="MobileNetV2 for small machines: 1,280 pooled features.",
    source="Sandler et al. (2018)",
    extra="hf",
    claims=("frozen",),
    cost="low",
)


class MobileNetV2(NamedEncoder):
    """A picture to 1,280 numbers.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, 1280]``.

    >>> MobileNetV2(MobileNetV2.Settings(pretrained=False, size=64)).inputs
    ('pixels',)
    """

    timm_name = "mobilenetv2_100.ra_in1k"
    hf_name = "google/mobilenet_v2_1.0_224"
    hf_config: ClassVar[dict[str, Any]] = {"model_type": "mobilenet_v2"}
