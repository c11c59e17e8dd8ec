"""Two blocks of convolutions, learned with the network. Source: LeCun et al., Gradient-based learning applied to document recognition (1998).

When to use it: small pictures, some thousand rows, and an answer that lies in simple marks no pretrained network knows; also for teaching.
When not: few rows, or pictures of things of this world: a frozen pretrained encoder is then far better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.encoders.image._learned import LearnedSettings, PixelEncoder, augmentation
from consilience.layers.tokens import Tokens

__all__ = ["Cnn"]

CARD = Card(
    summary="Two blocks of 64 and 128 convolution filters, trained from nothing together with the network.",
    source="LeCun et al. (1998); batch normalisation of Ioffe & Szegedy (2015)",
    claims=("trained",),
    cost="medium",
)

SIDE = 4
"""The last feature map is averaged to SIDE x SIDE places."""


class CnnSettings(LearnedSettings):
    """Settings of ``cnn``.

    Args:
        tokens: ``pooled``: one token per picture; ``grid``: 16, one for each place of 4 x 4.
    """

    tokens: Literal["pooled", "grid"] = "pooled"


class Cnn(PixelEncoder):
    """Pixels to one token or 16.

    Shape:
        - prepare: ``pixels [N, 3, S, S] uint8`` (zeros where absent), ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``, or ``[B, 16, width]`` for ``tokens="grid"``.

    >>> Cnn(CnnSettings(tokens="grid")).build().width
    128
    """

    Settings = CnnSettings
    version: ClassVar[int] = 2
    who = "cnn"

    settings: CnnSettings

    def build(self) -> nn.Module:
        return Network(self.settings, self.mean, self.std)


class Network(nn.Module):
    """The module of ``cnn``: takes ``pixels [B, 3, S, S]`` and ``mask [B, 1]``, gives Tokens."""

    mean: Tensor
    std: Tensor

    def __init__(self, settings: CnnSettings, mean: np.ndarray, std: np.ndarray) -> None:
        super().__init__()
        self.width = settings.width
        self.grid = settings.tokens == "grid"
        self.augment = augmentation(settings)
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))
        self.blocks = nn.Sequential(*block(3, 64), *block(64, 128), nn.AdaptiveAvgPool2d(SIDE))
        if self.grid:
            self.project = nn.Linear(128, self.width)
            self.place = nn.Parameter(torch.randn(SIDE * SIDE, self.width) * 0.02)
        else:
            # Flattened, as in the tutorials, and not averaged: with two blocks only, where something is counts as much as that it is.
            self.project = nn.Linear(128 * SIDE * SIDE, self.width)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        count = SIDE * SIDE if self.grid else 1
        mask = present.unsqueeze(1).expand(-1, count)
        # Only rows that are present run: batch normalisation would otherwise mix the absent ones into its statistics.
        rows = present.nonzero().squeeze(1)
        if not len(rows):
            return Tokens(self.project.weight.new_zeros(len(present), count, self.width), mask)
        x = self.augment(batch["pixels"].index_select(0, rows).to(self.mean.dtype) / 255)
        x = self.blocks(((x - self.mean) / self.std).contiguous(memory_format=torch.channels_last))  # [P, 128, SIDE, SIDE]
        tokens = self.project(x.flatten(2).transpose(1, 2)) + self.place if self.grid else self.project(x.flatten(1)).unsqueeze(1)  # [P, T, width]
        values = tokens.new_zeros(len(present), count, self.width)
        return Tokens(values.index_copy(0, rows, tokens), mask)


def block(channels: int, filters: int) -> list[nn.Module]:
    """Convolution, normalisation, rectifier, pooling to half the side."""
    return [nn.Conv2d(channels, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)]
