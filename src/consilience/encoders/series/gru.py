"""Gated recurrent units over a series, read from both ends. Source: Cho et al. (2014), Learning phrase representations using RNN encoder-decoder.

When to use it: short series of unlike lengths whose order matters. When not: many hundred points; it reads them one after another.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from consilience.core.registry import Card
from consilience.encoders.series._course import CourseEncoder, CourseNetwork, CourseSettings, summary

__all__ = ["Gru"]

CARD = Card(
    summary="Gated recurrent units over a series, read from both ends, trained with the network; for short series of unlike lengths.",
    source="Cho et al. (2014)",
    claims=("trained",),
    cost="high",
)


class GruSettings(CourseSettings):
    """Settings of ``gru``.

    Args:
        units: Units of each direction.
        layers: Recurrent layers, one above the other.
    """

    length: int = Field(default=128, ge=8, le=8192)
    units: int = Field(default=64, ge=4, le=1024)
    layers: int = Field(default=1, ge=1, le=4)


class Gru(CourseEncoder):
    """A series to one token, by ``torch.nn.GRU``.

    Shape:
        - prepare: ``values [N, T, C] int16``, ``steps [N] int32``, ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``.

    >>> Gru(GruSettings()).build().width
    128
    """

    Settings = GruSettings
    settings: GruSettings

    def build(self) -> nn.Module:
        return Network(self.settings, len(self.mean) + self.gaps)


class Network(CourseNetwork):
    """The module of ``gru``. Series are packed, so that padding is never read."""

    def __init__(self, settings: GruSettings, channels: int) -> None:
        super().__init__(settings.width, channels, settings.augment)
        self.enter = nn.Linear(channels, settings.units)
        between = settings.dropout if settings.layers > 1 else 0.0
        self.cell = nn.GRU(settings.units, settings.units, settings.layers, batch_first=True, dropout=between, bidirectional=True)
        self.norm = nn.LayerNorm(2 * settings.units)
        self.project = nn.Linear(6 * settings.units, settings.width)
        self.drop = nn.Dropout(settings.dropout)

    def read(self, values: Tensor, there: Tensor) -> Tensor:
        lengths = there.sum(dim=1).cpu()
        packed = pack_padded_sequence(self.enter(values), lengths, batch_first=True, enforce_sorted=False)
        states, ends = self.cell(packed)
        x, _ = pad_packed_sequence(states, batch_first=True, total_length=values.shape[1])
        last = torch.cat([ends[-2], ends[-1]], dim=1)  # [P, 2 * units]: both directions' last states
        seen = torch.cat([summary(self.norm(x), there), last], dim=1)
        projected: Tensor = self.project(self.drop(seen))
        return projected
