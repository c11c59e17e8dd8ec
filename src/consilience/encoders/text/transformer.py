"""Self-attention over words, trained from nothing. Source: Vaswani et al. (2017), Attention is all you need.

For many thousands of texts whose words refer to each other far apart. On fewer rows gru learns more from the same text, and a frozen pretrained
encoder more than both.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.encoders.text._sequence import Embedding, Pooling, SequenceEncoder, SequenceSettings
from consilience.layers.positions import sinusoids
from consilience.layers.tokens import Tokens

__all__ = ["Transformer"]

CARD = Card(
    summary="self-attention over words, trained from nothing with the network; for many thousands of texts",
    source="Vaswani et al. (2017)",
    claims=("trained",),
    cost="medium",
)


class TransformerSettings(SequenceSettings):
    """As for the recurrent encoders; two layers unless said otherwise."""

    layers: int = Field(default=2, ge=1, le=12)


class Transformer(SequenceEncoder):
    """Words to one token, or to one token each.

    Shape:
        - prepare: ids ``[N, T] int32``, mask ``[N, T] bool``.
        - module: Tokens ``[B, 1, D]``, or ``[B, S, D]`` with S the longest text of the batch.
    """

    Settings: ClassVar[type[Settings]] = TransformerSettings

    def build(self) -> nn.Module:
        return Attention(len(self.vocabulary), self.settings)


class Attention(nn.Module):
    """Embedding with sinusoidal positions, layers that normalise first (which need no warm-up), pooling."""

    def __init__(self, number: int, settings: SequenceSettings) -> None:
        super().__init__()
        self.width = settings.width
        self.embedding = Embedding(number, settings.width, settings.dropout)
        heads = next(heads for heads in (8, 4, 2, 1) if heads == 1 or (settings.width % heads == 0 and settings.width >= 16 * heads))
        layer = nn.TransformerEncoderLayer(
            settings.width, heads, 4 * settings.width, settings.dropout, activation="gelu", batch_first=True, norm_first=True
        )
        self.layers = nn.TransformerEncoder(layer, settings.layers, norm=nn.LayerNorm(settings.width), enable_nested_tensor=False)
        self.pooling = Pooling(settings.width, settings.width, settings.tokens)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        values, mask = self.embedding(batch["ids"], batch["mask"])
        if not len(mask):
            return self.pooling(values, mask)  # type: ignore[no-any-return]
        values = values * math.sqrt(self.width) + sinusoids(values.shape[1], self.width).to(values)
        hidden = ~mask
        # A row with nothing to look at would give NaN: it looks at one padding token, which the mask then hides.
        hidden = torch.cat([hidden[:, :1] & mask.any(dim=1, keepdim=True), hidden[:, 1:]], dim=1)
        return self.pooling(self.layers(values, src_key_padding_mask=hidden), mask)  # type: ignore[no-any-return]
