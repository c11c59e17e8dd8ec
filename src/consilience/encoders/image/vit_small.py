"""ViT-S/16, frozen. Source: Dosovitskiy et al., An Image is Worth 16x16 Words (2020).

When to use it: the whole picture counts more than its texture. When not: pictures are many and there is no GPU.
"""

from __future__ import annotations

from typing import Any, ClassVar

from consilience.core.registry import Card
from consilience.encoders.image._named import NamedEncoder

__all__ = ["ViTSmall"]

CARD = Card(
    summary="Small vision transformer on patches of 16 pixels: 384 features.",
    source="Dosovitskiy et al. (2020); size S of Steiner et al. (2021)",
    extra="hf",
    claims=("frozen",),
    cost="high",
)


class ViTSmall(NamedEncoder):
    """A picture to 384 numbers.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, 384]``.

    >>> ViTSmall(ViTSmall.Settings(pretrained=False, size=64)).inputs
    ('pixels',)
    """

    timm_name = "vit_small_patch16_224.augreg_in21k_ft_in1k"
    hf_name = "WinKawaks/vit-small-patch16-224"
    hf_config: ClassVar[dict[str, Any]] = {
        "model_type": "vit",
        "hidden_size": 384,
        "num_attention_heads": 6,
        "num_hidden_layers": 12,
        "intermediate_size": 1536,
    }
