"""Latents: a few learned vectors read the tokens of all modalities, and think about them among themselves.

Source: Jaegle et al. (2021), Perceiver. The cost grows with the number of tokens times the number of latents, never with the tokens squared:
for long sequences and many modalities.
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
from consilience.layers.cross import CrossBlock
from consilience.layers.tokens import Tokens

__all__ = ["Latents"]

CARD = Card(
    summary="A few learned vectors read all tokens and then attend to each other: for long sequences, at a cost linear in the tokens.",
    source="Jaegle et al. (2021), Perceiver: General Perception with Iterative Attention",
    claims=("interaction",),
    cost="medium",
)


class LatentsSettings(Settings):
    """Settings of ``latents``."""

    latents: int = Field(default=4, ge=1, le=512, description="Learned vectors that read.")
    depth: int = Field(default=1, ge=1, le=12, description="How often they read and then attend to each other.")
    heads: int = Field(default=4, ge=1, description="Heads of the attention; must divide the width.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of attention weights and hidden units dropped in training.")


class Latents(Fusion):
    """Latents by cross-attention from the tokens of all modalities, each with its modality's embedding; then self-attention; their mean comes out.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    Raises:
        UsageError: The heads do not divide the width.

    >>> one = Tokens.single(torch.ones(2, 8), torch.tensor([True, False]))
    >>> Latents(["text", "image"], 8, LatentsSettings())({"image": one, "text": one}).vector.shape
    torch.Size([2, 8])
    """

    Settings = LatentsSettings
    settings: LatentsSettings

    def __init__(self, names: Sequence[str], width: int, settings: LatentsSettings) -> None:
        super().__init__(names, width, settings)
        self.latents = nn.Parameter(torch.randn(settings.latents, width) * width**-0.5)
        self.modality = nn.Parameter(torch.randn(len(self.names), width) * width**-0.5)
        self.read = nn.ModuleList(CrossBlock(width, settings.heads, settings.dropout) for _ in range(settings.depth))
        self.think = nn.ModuleList(AttentionBlock(width, settings.heads, settings.dropout) for _ in range(settings.depth))
        self.norm = nn.LayerNorm(width)

    def mix(self, parts: Sequence[Tokens], vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        named = [Tokens(part.clean() + self.modality[index], part.mask) for index, part in enumerate(parts)]
        return self.look(Tokens.join(named)), None

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.look(Tokens(vectors + self.modality, present)), None

    def look(self, tokens: Tokens) -> Tensor:
        """``[B, D]`` of all tokens ``[B, T, D]``."""
        values = self.latents.to(tokens.values.dtype).expand(len(tokens.values), -1, -1)  # [B, K, D]
        all_there = torch.ones(values.shape[:2], dtype=torch.bool, device=values.device)
        for read, think in zip(self.read, self.think, strict=True):
            values = think(read(values, tokens.values, tokens.mask), all_there)
        out: Tensor = self.norm(values.mean(dim=1))
        return out
