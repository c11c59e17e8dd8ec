"""The page where all meet: encoders -> projection to one width -> fusion -> head."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from torch import Tensor, nn

from consilience.fusion._base import Fused, Fusion
from consilience.layers.tokens import Tokens

__all__ = ["Network", "Output", "Slot"]

Batch = Mapping[str, Mapping[str, Tensor]]
"""Slot name to the tensors of a batch, rows first."""

_WIDE = 64
"""Embeddings are normalised; a handful of table columns must not be: of two numbers only the order would be left."""


class Slot(NamedTuple):
    """One encoder's place in the network.

    Args:
        name: ``column:encoder``.
        modality: The modality its tokens belong to.
        encoder: A module from a batch's tensors to Tokens of ``width``; kept features come through ``CachedFeatures``.
        width: Width of those tokens.
        asked_by: The modality that steers the encoder: its projected tokens are the module's second argument; or None.
    """

    name: str
    modality: str
    encoder: nn.Module
    width: int
    asked_by: str | None = None


class Output(NamedTuple):
    """Scores ``[B, K]``, and what the fusion made of the row."""

    scores: Tensor
    fused: Fused


class Network(nn.Module):
    """One model of all evidence.

    Args:
        slots: The encoders.
        fusion: Made for the modalities of the slots, of the width that everything is projected to.
        head: From the fused vector ``[B, D]`` to scores ``[B, K]``.
        dropout: Share of a projected token's values that are zeroed in training.
    """

    def __init__(self, slots: list[Slot], fusion: Fusion, head: nn.Module, dropout: float = 0.1) -> None:
        super().__init__()
        self.names = [slot.name for slot in slots]
        self.modalities = [slot.modality for slot in slots]
        self.asked_by = [slot.asked_by for slot in slots]
        self.order = sorted(range(len(slots)), key=lambda place: slots[place].asked_by is not None)  # who is asked waits for the question
        self.encoders = nn.ModuleList(slot.encoder for slot in slots)
        self.projections = nn.ModuleList(
            nn.Sequential(
                nn.LayerNorm(slot.width) if slot.width >= _WIDE else nn.Identity(),
                nn.Linear(slot.width, fusion.width),
                nn.GELU(),
                nn.Dropout(dropout),
                nn.LayerNorm(fusion.width),
            )
            for slot in slots
        )
        self.fusion = fusion
        self.head = head

    def forward(self, batch: Batch, keep: Mapping[str, Tensor] | None = None) -> Output:
        """Scores of a batch.

        Args:
            batch: Slot name to tensors.
            keep: Modality to ``[B]`` bool; False hides the modality in that row (training with absent evidence).
        """
        found: dict[str, list[Tokens]] = {}
        for place in self.order:
            modality, encoder, asked_by = self.modalities[place], self.encoders[place], self.asked_by[place]
            asked = () if asked_by is None else (Tokens.join(found[asked_by]),)
            tokens: Tokens = encoder(batch[self.names[place]], *asked)
            if keep is not None:
                tokens = tokens.keep(keep[modality])
            found.setdefault(modality, []).append(Tokens(self.projections[place](tokens.clean()), tokens.mask))
        fused: Fused = self.fusion({modality: Tokens.join(parts) for modality, parts in found.items()})
        return Output(self.head(fused.vector), fused)


class CachedFeatures(nn.Module):
    """Features that a frozen encoder made: ``values [B, T, D]`` and ``mask [B, T]`` as they are."""

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        return Tokens(batch["values"].float(), batch["mask"])
