"""A small residual network over the mel spectrogram. Source: Hershey et al., CNN architectures for large-scale audio classification (2017).

Residual blocks of He et al. (2016); SpecAugment of Park et al. (2019) and changes of speed of Ko et al. (2015) while it trains.

When to use it: hundreds to some thousand labelled sounds of a few seconds: words, calls, machines, instruments.
When not: a few dozen sounds (``stats`` with a linear model), or long speech whose words matter (``hf`` with a speech model).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.settings import Settings as AnySettings
from consilience.encoders.audio._mel_torch import Ear, mel_at
from consilience.encoders.audio._waves import WaveEncoder, WaveSettings
from consilience.layers.tokens import Tokens

__all__ = ["MelCnn"]

CARD = Card(
    summary="Residual convolutions over the mel spectrogram, trained from nothing, with SpecAugment and changes of speed.",
    source="Hershey et al. (2017); Park et al. (2019); Ko et al. (2015)",
    claims=("trained", "learned"),
    cost="medium",
)


class MelCnnSettings(WaveSettings):
    """Settings of ``melcnn``; those of all encoders of waves, and these.

    Args:
        channels: Filters of the first block; the last has eight times as many.
        tokens: ``pooled``: one token per sound; ``sequence``: one for every sixteen frames.
    """

    channels: int = Field(default=16, ge=8, le=256)
    tokens: Literal["pooled", "sequence"] = "pooled"


class MelCnn(WaveEncoder):
    """Sounds to one token, or to one for every sixteen frames.

    Shape:
        - prepare: ``waves [N, L] int16``, ``length [N, 1] int32``, ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``, or ``[B, S, width]`` for ``tokens="sequence"``.

    >>> MelCnn(MelCnnSettings()).build().width
    128
    """

    Settings: ClassVar[type[AnySettings]] = MelCnnSettings
    settings: MelCnnSettings

    def build(self) -> nn.Module:
        return Network(self.settings, self.rate)


class Network(nn.Module):
    """The module of ``melcnn``."""

    def __init__(self, settings: MelCnnSettings, rate: int) -> None:
        super().__init__()
        self.width = settings.width
        self.pooled = settings.tokens == "pooled"
        self.ear = Ear(mel_at(rate, settings.hop, settings.bands), settings.augment, settings.speed, settings.masks)
        first = settings.channels
        self.stem = nn.Sequential(nn.Conv2d(2, first, 5, stride=2, padding=2, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True))
        self.blocks = nn.Sequential(
            Block(first, 2 * first, 2), Block(2 * first, 4 * first, 2), Block(4 * first, 6 * first, 1), Block(6 * first, 8 * first, 2)
        )  # fmt: skip
        self.drop = nn.Dropout(settings.dropout)
        last = 8 * first
        if self.pooled:
            self.look = nn.Linear(last, 1, bias=False)
        self.project = nn.Linear(3 * last if self.pooled else last, self.width)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        # Only rows that are present run: batch normalisation would otherwise mix the absent ones into its statistics.
        rows = present.nonzero().squeeze(1)
        frames = self.ear.mel.count(batch["waves"].shape[1])
        length = 1 if self.pooled else reduced(frames)
        mask = torch.zeros(len(present), length, dtype=torch.bool, device=present.device)
        values = self.project.weight.new_zeros(len(present), length, self.width)
        if not len(rows):
            return Tokens(values, mask)
        features, there = self.ear(batch, rows)
        x = self.blocks(self.stem(features.contiguous(memory_format=torch.channels_last)))  # [P, C, S, bands / 16]
        x, heard = x.mean(dim=3).transpose(1, 2), shrunk(there, x.shape[2])  # [P, S, C], [P, S]
        if self.pooled:
            tokens, heard = self.pool(x, heard).unsqueeze(1), torch.ones_like(heard[:, :1])
        else:
            tokens = self.project(self.drop(x))
        return Tokens(values.to(tokens.dtype).index_copy(0, rows, tokens), mask.index_copy(0, rows, heard))

    def pool(self, x: Tensor, heard: Tensor) -> Tensor:
        """Mean, maximum and what attention picks, ``[P, width]``."""
        part = heard.unsqueeze(-1)
        mean = torch.where(part, x, 0).sum(dim=1) / part.sum(dim=1)
        most = x.masked_fill(~part, torch.finfo(x.dtype).min).amax(dim=1)
        weights = torch.softmax(self.look(x).masked_fill(~part, torch.finfo(x.dtype).min), dim=1)
        out: Tensor = self.project(self.drop(torch.cat([mean, most, (weights * x).sum(dim=1)], dim=1)))
        return out


class Block(nn.Module):
    """Two convolutions beside a short cut. Source: He et al. (2016)."""

    def __init__(self, channels: int, filters: int, stride: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv2d(channels, filters, 3, stride, 1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(inplace=True))
        self.second = nn.Sequential(nn.Conv2d(filters, filters, 3, 1, 1, bias=False), nn.BatchNorm2d(filters))
        same = stride == 1 and channels == filters
        self.short = nn.Identity() if same else nn.Sequential(nn.Conv2d(channels, filters, 1, stride, bias=False), nn.BatchNorm2d(filters))

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.second(self.first(x)) + self.short(x))


def reduced(frames: int) -> int:
    """Frames that are left after four halvings, each rounded up."""
    for _ in range(4):
        frames = (frames + 1) // 2
    return frames


def shrunk(there: Tensor, length: int) -> Tensor:
    """``[P, T]`` to ``[P, length]``: places that have seen a frame of the sound; at least one."""
    padded = torch.nn.functional.pad(there.float(), (0, length * 16 - there.shape[1]))
    return padded.reshape(len(there), length, 16).amax(dim=2) > 0
