"""Gated recurrent units over the frames of the mel spectrogram. Source: Cho et al. (2014); Graves et al., Speech recognition with deep RNNs (2013).

When to use it: order and rhythm carry the answer, and sounds are a second or more long.
When not: as a first try; ``melcnn`` learns more from the same sounds in most cases.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from consilience.core.registry import Card
from consilience.core.settings import Settings as AnySettings
from consilience.encoders.audio._mel_torch import Ear, mel_at
from consilience.encoders.audio._waves import WaveEncoder, WaveSettings
from consilience.layers.pooling import masked_softmax
from consilience.layers.tokens import Tokens

__all__ = ["GRU"]

CARD = Card(
    summary="Gated recurrent units over mel frames, trained from nothing; for sounds whose order and rhythm matter.",
    source="Cho et al. (2014); Graves et al. (2013)",
    claims=("trained",),
    cost="medium",
)


class GRUSettings(WaveSettings):
    """Settings of ``gru``; those of all encoders of waves, and these.

    Args:
        layers: Layers on top of each other, each reading from both ends.
        stack: Frames of the spectrogram that are read as one step.
        tokens: ``pooled``: one token per sound; ``sequence``: one for each step.
    """

    layers: int = Field(default=2, ge=1, le=8)
    stack: int = Field(default=3, ge=1, le=32)
    tokens: Literal["pooled", "sequence"] = "pooled"


class GRU(WaveEncoder):
    """Sounds to one token, or to one for every ``stack`` frames.

    Shape:
        - prepare: ``waves [N, L] int16``, ``length [N, 1] int32``, ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``, or ``[B, S, width]`` for ``tokens="sequence"``.

    >>> GRU(GRUSettings(width=32)).build().width
    32
    """

    Settings: ClassVar[type[AnySettings]] = GRUSettings
    settings: GRUSettings

    def build(self) -> nn.Module:
        return Network(self.settings, self.rate)


class Network(nn.Module):
    """The module of ``gru``."""

    def __init__(self, settings: GRUSettings, rate: int) -> None:
        super().__init__()
        self.width, self.stack = settings.width, settings.stack
        self.pooled = settings.tokens == "pooled"
        self.ear = Ear(mel_at(rate, settings.hop, settings.bands), settings.augment, settings.speed, settings.masks)
        self.enter = nn.Sequential(nn.Linear(2 * settings.bands * self.stack, self.width), nn.LayerNorm(self.width), nn.ReLU())
        between = settings.dropout if settings.layers > 1 else 0.0
        self.cell = nn.GRU(self.width, self.width // 2, settings.layers, batch_first=True, dropout=between, bidirectional=True)
        self.drop = nn.Dropout(settings.dropout)
        if self.pooled:
            self.look = nn.Linear(self.width, 1, bias=False)
            self.project = nn.Linear(2 * self.width, self.width)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        rows = present.nonzero().squeeze(1)
        steps = -(-self.ear.mel.count(batch["waves"].shape[1]) // self.stack)
        length = 1 if self.pooled else steps
        mask = torch.zeros(len(present), length, dtype=torch.bool, device=present.device)
        values = next(self.cell.parameters()).new_zeros(len(present), length, self.width)
        if not len(rows):
            return Tokens(values, mask)
        features, there = self.ear(batch, rows)  # [P, 2, T, bands], [P, T]
        padding = steps * self.stack - features.shape[2]
        features = nn.functional.pad(features, (0, 0, 0, padding)).transpose(1, 2).reshape(len(rows), steps, -1)
        heard = nn.functional.pad(there, (0, padding)).reshape(len(rows), steps, self.stack).any(dim=2)  # [P, S]
        x = self.run(self.enter(features), heard)
        if self.pooled:
            weights = masked_softmax(self.look(x), heard.unsqueeze(-1), dim=1)
            x = self.project(self.drop(torch.cat([Tokens(x, heard).pooled(), (weights * x).sum(dim=1)], dim=1))).unsqueeze(1)
            heard = torch.ones_like(heard[:, :1])
        else:
            x = self.drop(x)
        return Tokens(values.to(x.dtype).index_copy(0, rows, x), mask.index_copy(0, rows, heard))

    def run(self, x: Tensor, heard: Tensor) -> Tensor:
        """The recurrent layers, to the last step of each sound; what stands behind it is not read."""
        places = torch.arange(1, heard.shape[1] + 1, device=heard.device)
        last = (places * heard).amax(dim=1).cpu()
        packed = pack_padded_sequence(x, last, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.cell(packed)[0], batch_first=True, total_length=x.shape[1])
        return out
