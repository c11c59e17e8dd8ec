"""Directed cross-modal transformers: each modality's sequence is told anew by what it finds in each other one.

Source: Tsai et al. (2019), MulT, for sequences of unequal lengths that nobody aligned. Of use with several tokens a modality and with enough rows;
its size grows with the square of the number of modalities.
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
from consilience.layers.positions import sinusoids
from consilience.layers.tokens import Tokens

__all__ = ["CrossModal"]

CARD = Card(
    summary="Every modality's sequence attends to every other one, in each direction: for unaligned sequences of unequal lengths, and many rows.",
    source="Tsai et al. (2019), Multimodal Transformer for Unaligned Multimodal Language Sequences",
    claims=("interaction",),
    cost="high",
)


class CrossModalSettings(Settings):
    """Settings of ``mult``."""

    depth: int = Field(default=1, ge=1, le=12, description="Layers of each directed transformer.")
    heads: int = Field(default=4, ge=1, description="Heads of the attention; must divide the width.")
    dropout: float = Field(default=0.1, ge=0.0, lt=1.0, description="Share of attention weights and hidden units dropped in training.")


class CrossModal(Fusion):
    """For each modality the mean of what its tokens became under each other modality that is present; then a learned token of its own reads them by
    self-attention, and one linear layer joins what these say.

    Tokens know their place by sinusoids. A modality that has nobody to ask in a row goes on with its own tokens.

    Shape:
        - tokens by modality ``[B, T, D]`` in, any lengths, ``Fused`` out.

    Raises:
        UsageError: The heads do not divide the width.

    >>> one = Tokens.single(torch.ones(2, 8), torch.tensor([True, False]))
    >>> CrossModal(["text", "image"], 8, CrossModalSettings())({"image": one, "text": one}).vector.shape
    torch.Size([2, 8])
    """

    Settings = CrossModalSettings
    settings: CrossModalSettings

    def __init__(self, names: Sequence[str], width: int, settings: CrossModalSettings) -> None:
        super().__init__(names, width, settings)
        count = len(self.names)
        self.pairs = [(to, of) for to in range(count) for of in range(count) if to != of]
        # Pair by pair, of each pair layer by layer.
        self.cross = nn.ModuleList(CrossBlock(width, settings.heads, settings.dropout) for _ in range(settings.depth * len(self.pairs)))
        self.readers = nn.Parameter(torch.randn(count, width) * width**-0.5)
        self.own = nn.ModuleList(AttentionBlock(width, settings.heads, settings.dropout) for _ in self.names)
        self.out = nn.Linear(count * width + count, width)
        self.norm = nn.LayerNorm(width)

    def mix(self, parts: Sequence[Tokens], vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.ask(parts, present), None

    def fuse(self, vectors: Tensor, present: Tensor) -> tuple[Tensor, Tensor | None]:
        return self.ask([Tokens.single(vectors[:, index], present[:, index]) for index in range(len(self.names))], present), None

    def ask(self, parts: Sequence[Tokens], present: Tensor) -> Tensor:
        """``[B, D]`` of the tokens of each modality."""
        placed = [Tokens(part.clean() + sinusoids(part.mask.shape[1], self.width).to(part.values), part.mask) for part in parts]
        told: list[list[Tensor]] = [[] for _ in placed]
        depth = self.settings.depth
        for place, (to, of) in enumerate(self.pairs):
            values, context = placed[to].clean(), placed[of]
            for block in self.cross[depth * place : depth * (place + 1)]:
                values = block(values, context.values, context.mask)
            told[to].append(torch.where(present[:, of, None, None], values, 0.0))
        found = []
        for index, part in enumerate(placed):
            others = present.sum(dim=1) - present[:, index].long()  # [B]
            values = part.clean()
            if told[index]:
                mean = torch.stack(told[index]).sum(dim=0) / others.clamp(min=1)[:, None, None]
                values = torch.where((others > 0)[:, None, None], mean, values)
            values = torch.cat([self.readers[index].to(values.dtype).expand(len(values), 1, -1), values], dim=1)
            found.append(self.own[index](values, torch.cat([present[:, index : index + 1], part.mask], dim=1))[:, 0])
        flat = torch.cat([*found, present.to(found[0].dtype)], dim=1)
        out: Tensor = self.norm(self.out(flat))
        return out
