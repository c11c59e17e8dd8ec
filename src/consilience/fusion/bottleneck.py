"""Attention bottlenecks: each modality has its own transformer, and they exchange what they know through a few shared tokens.

Source: Nagrani et al. (2021), MBT. Of use where modalities have long sequences of which little concerns the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.fusion._base import Fusion
from consilience.layers.attention import AttentionBlock
from consilience.layers.tokens import Tokens

__all__ = ["Bottleneck"]

CARD = Card(
    summary="A transformer a modality, exchanging only a few shared tokens: for long sequences of which little concerns the others.",
    source="Nagrani et al. (2021), Attention Bottlenecks for Multimodal Fusion",
    claims=("interaction",),
    cost="high",
)


class BottleneckSettings(Settings):
    """Settings of ``bottleneck``."""

    tokens: int = Field(default=4, ge=1, le=256, description="Shared tokens through which modalities exchange what they know.")
    depth: int = Field(default=2, ge=2, le=12, description="Layers; the first gathers, those after it can use what others gathered.")
    heads: int = Field(default=4, ge=1, description="Heads of the attention; must divide the width.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of attention weights and hidden units dropped in training.")


class Bottleneck(Fusion):
    """In each layer every modality attends to itself and to the shared tokens.

    The shared tokens then become the mean of what the modalities present made of them. A learned class token reads each modality; the mean of these
    over the modalities present comes out.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    Raises:
        UsageError: The heads do not divide the width.

    >>> one = Tokens.single(torch.ones(2, 8), torch.tensor([True, False]))
    >>> Bottleneck(["text", "image"], 8, BottleneckSettings())({"image": one, "text": one}).vector.shape
    torch.Size([2, 8])
    """

    Settings = BottleneckSettings
    settings: BottleneckSettings

    def __init__(self, names: Sequence[str], width: int, settings: BottleneckSettings) -> None:
        super().__init__(names, width, settings)
        self.shared = nn.Parameter(torch.randn(settings.tokens, width) * width**-0.5)
        self.classes = nn.Parameter(torch.randn(len(self.names), width) * width**-0.5)
        # Layer by layer, in each one block a modality.
        self.blocks = nn.ModuleList(AttentionBlock(width, settings.heads, settings.dropout) for _ in range(settings.depth * len(self.names)))
        self.norm = nn.LayerNorm(width)

    def mix(self, parts: Sequence[Tokens], vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.exchange([Tokens(part.clean(), part.mask) for part in parts], present), None

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.exchange([Tokens.single(vectors[:, index], present[:, index]) for index in range(len(self.names))], present), None

    def exchange(self, parts: Sequence[Tokens], present: Tensor) -> Tensor:
        """``[B, D]`` of the tokens of each modality."""
        batch, count = len(present), self.settings.tokens
        shared = self.shared.to(parts[0].values.dtype).expand(batch, -1, -1)  # [B, K, D]
        states = [torch.cat([self.classes[index].to(shared.dtype).expand(batch, 1, -1), part.values], dim=1) for index, part in enumerate(parts)]
        masks = [torch.cat([present[:, index : index + 1], part.mask], dim=1) for index, part in enumerate(parts)]
        open_ = present.new_ones(batch, count)
        for first in range(0, len(self.blocks), len(self.names)):
            layer = self.blocks[first : first + len(self.names)]
            made = [
                block(torch.cat([shared, state], dim=1), torch.cat([open_, mask], dim=1))
                for block, state, mask in zip(layer, states, masks, strict=True)
            ]
            states = [values[:, count:] for values in made]
            shared = _mean_present(torch.stack([values[:, :count] for values in made], dim=1), present)
        out: Tensor = self.norm(_mean_present(torch.stack([state[:, 0] for state in states], dim=1), present))
        return out


def _mean_present(values: Tensor, present: Tensor) -> Tensor:
    """The mean over the modalities present: ``[B, M, ...]`` to ``[B, ...]``; zeros where none is."""
    there = present.reshape(*present.shape, *[1] * (values.ndim - 2))
    return torch.where(there, values, 0.0).sum(dim=1) / there.sum(dim=1).clamp(min=1)
