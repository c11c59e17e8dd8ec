"""Attention: a learned query reads the tokens of all modalities.

Source: Vaswani et al. (2017). Of use with several tokens a modality (words, patches, columns) and with enough rows to learn from.
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

__all__ = ["AttentionFusion"]

CARD = Card(
    summary="A learned query attends with several heads to all tokens of all modalities: for token sequences and many rows.",
    source="Vaswani et al. (2017), Attention Is All You Need",
    claims=("weights", "interaction"),
    cost="medium",
)


class AttentionSettings(Settings):
    """Settings of ``attention``."""

    heads: int = Field(default=4, ge=1, description="Heads of the attention; must divide the width.")
    depth: int = Field(default=2, ge=1, le=12, description="Layers; in the last one only the query reads.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of attention weights and hidden units dropped in training.")


class AttentionFusion(Fusion):
    """A query token and the tokens of all modalities, each with its modality's embedding, through a small transformer; the query comes out.

    ``weights`` is the query's attention in the last layer, averaged over heads and summed over a modality's tokens; its look at itself is left out.

    Shape:
        - tokens by modality ``[B, T, D]`` in, ``Fused`` out.

    Raises:
        UsageError: The heads do not divide the width.

    >>> one = Tokens.single(torch.ones(1, 8), torch.tensor([True]))
    >>> none = Tokens.single(torch.ones(1, 8), torch.tensor([False]))
    >>> AttentionFusion(["image", "text"], 8, AttentionSettings())({"image": none, "text": one}).weights.tolist()
    [[0.0, 1.0]]
    """

    Settings = AttentionSettings
    settings: AttentionSettings

    def __init__(self, names: Sequence[str], width: int, settings: AttentionSettings) -> None:
        super().__init__(names, width, settings)
        self.query = nn.Parameter(torch.randn(width) * width**-0.5)
        self.modality = nn.Parameter(torch.randn(len(self.names), width) * width**-0.5)
        self.early = nn.ModuleList(AttentionBlock(width, settings.heads, settings.dropout) for _ in range(settings.depth - 1))
        self.last = AttentionBlock(width, settings.heads, settings.dropout)
        self.norm = nn.LayerNorm(width)

    def mix(self, parts: Sequence[Tokens], vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        owners = torch.cat([torch.full((part.mask.shape[1],), index, device=vectors.device) for index, part in enumerate(parts)])
        joined = Tokens.join(parts)
        return self.attend(joined.clean(), joined.mask, owners, present)

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.attend(vectors, present, torch.arange(len(self.names), device=vectors.device), present)

    def attend(self, values: Tensor, mask: Tensor, owners: Tensor, present: Tensor) -> tuple[Tensor, Tensor]:
        """The query's vector ``[B, D]`` and weights ``[B, M]``, from tokens ``[B, T, D]`` of which token t belongs to modality ``owners[t]``."""
        batch = len(values)
        values = values + self.modality[owners]
        values = torch.cat([self.query.to(values.dtype).expand(batch, 1, -1), values], dim=1)  # [B, 1 + T, D]
        mask = torch.cat([mask.new_ones(batch, 1), mask], dim=1)
        for block in self.early:
            values = block(values, mask)
        out, shares = self.last.read(values, mask, first=1)  # [B, 1, D], [B, 1, 1 + T]
        weights = torch.zeros_like(present, dtype=shares.dtype).index_add(1, owners, shares[:, 0, 1:])
        # Tiny shares keep their ratio and never give 0 / 0, also if the query looked at itself alone.
        weights = (weights + torch.finfo(weights.dtype).tiny) * present
        return self.norm(out[:, 0]), weights / weights.sum(dim=1, keepdim=True).clamp(min=torch.finfo(weights.dtype).tiny)
