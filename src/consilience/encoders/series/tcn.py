"""Dilated convolutions with shortcuts, learned with the network. Source: Bai et al. (2018), An Empirical Evaluation of Generic Convolutional and
Recurrent Networks for Sequence Modeling; not causal, as Wang et al. (2017) for classification.

When to use it: some hundred series or more, whose answer lies in short shapes and their rhythm. When not: few rows; ``rocket`` is then better.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from consilience.core.registry import Card
from consilience.encoders.series._course import CourseEncoder, CourseNetwork, CourseSettings, summary

__all__ = ["Tcn"]

CARD = Card(
    summary="Dilated convolutions with shortcuts, trained from nothing together with the network.",
    source="Bai et al. (2018); Wang et al. (2017)",
    claims=("trained", "learned"),
    cost="medium",
)


class TcnSettings(CourseSettings):
    """Settings of ``tcn``.

    Args:
        filters: Channels inside.
        blocks: Blocks of two convolutions; each reaches twice as far as the one before.
    """

    filters: int = Field(default=64, ge=4, le=1024)
    blocks: int = Field(default=4, ge=1, le=10)


class Tcn(CourseEncoder):
    """A series to one token.

    Shape:
        - prepare: ``values [N, T, C] int16``, ``steps [N] int32``, ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``.

    >>> Tcn(TcnSettings()).build().width
    128
    """

    Settings = TcnSettings
    settings: TcnSettings

    def build(self) -> nn.Module:
        return Network(self.settings, len(self.mean) + self.gaps)


class Network(CourseNetwork):
    """The module of ``tcn``."""

    def __init__(self, settings: TcnSettings, channels: int) -> None:
        super().__init__(settings.width, channels, settings.augment)
        self.stem = nn.Conv1d(channels, settings.filters, 7, padding=3)
        self.blocks = nn.ModuleList(Block(settings.filters, 2**number, settings.dropout) for number in range(settings.blocks))
        self.norm = MaskedNorm(settings.filters)
        self.project = nn.Linear(2 * settings.filters, settings.width)
        self.drop = nn.Dropout(settings.dropout)

    def read(self, values: Tensor, there: Tensor) -> Tensor:
        shown = there.unsqueeze(1)  # [P, 1, T]
        x = self.stem(values.transpose(1, 2) * shown)
        for block in self.blocks:
            x = block(x, shown)
        x = functional.gelu(self.norm(x, shown))
        projected: Tensor = self.project(self.drop(summary(x.transpose(1, 2), there)))
        return projected


class Block(nn.Module):
    """Normalisation, rectifier, convolution; twice; and a shortcut around."""

    def __init__(self, filters: int, dilation: int, dropout: float) -> None:
        super().__init__()
        self.norms = nn.ModuleList(MaskedNorm(filters) for _ in range(2))
        self.convolutions = nn.ModuleList(nn.Conv1d(filters, filters, 3, padding=dilation, dilation=dilation) for _ in range(2))
        self.drop = nn.Dropout1d(dropout)

    def forward(self, x: Tensor, shown: Tensor) -> Tensor:
        inner = x
        for norm, convolution in zip(self.norms, self.convolutions, strict=True):
            inner = convolution(functional.gelu(norm(inner, shown)) * shown)
        made: Tensor = x + self.drop(inner)
        return made


class MaskedNorm(nn.Module):
    """Batch normalisation (Ioffe and Szegedy, 2015) over the points that are there.

    Shape:
        - x: ``[P, D, T]``; shown: ``[P, 1, T]`` bool.
    """

    mean: Tensor
    variance: Tensor

    def __init__(self, width: int, momentum: float = 0.1) -> None:
        super().__init__()
        self.momentum = momentum
        self.weight = nn.Parameter(torch.ones(width, 1))
        self.bias = nn.Parameter(torch.zeros(width, 1))
        self.register_buffer("mean", torch.zeros(width, 1))
        self.register_buffer("variance", torch.ones(width, 1))

    def forward(self, x: Tensor, shown: Tensor) -> Tensor:
        mean, variance = self.mean, self.variance
        if self.training:
            count = shown.sum()
            mean = ((x * shown).sum(dim=(0, 2)) / count)[:, None]
            variance = (((x - mean) * shown).square().sum(dim=(0, 2)) / count)[:, None]
            with torch.no_grad():
                self.mean.lerp_(mean, self.momentum)
                self.variance.lerp_(variance, self.momentum)
        return (x - mean) * (variance + 1e-5).rsqrt() * self.weight + self.bias
