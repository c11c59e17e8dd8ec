"""A transformer over patches of each channel. Source: Nie et al. (2023), A Time Series is Worth 64 Words: Long-term Forecasting with Transformers.

When to use it: thousands of long series, or weights from self-supervised training. When not: few rows; ``rocket`` or ``tcn`` are then better.
"""

from __future__ import annotations

import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.errors import UsageError
from consilience.core.registry import Card
from consilience.encoders.series._course import CourseEncoder, CourseNetwork, CourseSettings
from consilience.layers.attention import AttentionBlock
from consilience.layers.positions import sinusoids

__all__ = ["PatchTst"]

CARD = Card(
    summary="A transformer over patches of each channel, trained with the network; for thousands of long series.",
    source="Nie et al. (2023)",
    claims=("trained",),
    cost="high",
)


class PatchTstSettings(CourseSettings):
    """Settings of ``patchtst``.

    Args:
        patch: Points of a patch; patches overlap by half.
        inner: Width of a patch's vector inside, a multiple of ``heads``.
        heads: Heads of the attention.
        layers: Layers of the transformer.
    """

    patch: int = Field(default=16, ge=2, le=512)
    inner: int = Field(default=64, ge=8, le=1024)
    heads: int = Field(default=4, ge=1, le=32)
    layers: int = Field(default=2, ge=1, le=12)


class PatchTst(CourseEncoder):
    """A series to one token.

    Shape:
        - prepare: ``values [N, T, C] int16``, ``steps [N] int32``, ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``.

    Raises:
        UsageError: The heads do not divide the inner width.

    >>> PatchTst(PatchTstSettings()).build().width
    128
    """

    Settings = PatchTstSettings
    settings: PatchTstSettings

    def __init__(self, settings: PatchTstSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        if settings.inner % settings.heads:
            raise UsageError(f"The encoder 'patchtst' cannot have {settings.heads} heads with an inner width of {settings.inner}.")

    def build(self) -> nn.Module:
        return Network(self.settings, len(self.mean) + self.gaps, self.longest)


class Network(CourseNetwork):
    """The module of ``patchtst``: all channels go through the same transformer, each alone; their vectors side by side make the token."""

    place: Tensor

    def __init__(self, settings: PatchTstSettings, channels: int, longest: int) -> None:
        super().__init__(settings.width, channels, settings.augment)
        self.patch = min(settings.patch, max(2, longest // 4))
        self.stride = max(1, self.patch // 2)
        inner = settings.inner
        count = max(0, -(-(longest - self.patch) // self.stride)) + 1
        self.pad = (count - 1) * self.stride + self.patch - longest
        self.embed = nn.Linear(self.patch, inner)
        self.level = nn.Linear(2, inner)  # each channel's own level and spread, which its patches no longer have
        self.channel = nn.Parameter(torch.randn(channels, inner) * 0.02)
        self.register_buffer("place", sinusoids(count, inner), persistent=False)
        self.blocks = nn.ModuleList(AttentionBlock(inner, settings.heads, settings.dropout) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(inner)
        self.project = nn.Linear(channels * inner, settings.width)
        self.drop = nn.Dropout(settings.dropout)

    def read(self, values: Tensor, there: Tensor) -> Tensor:
        rows, _, channels = values.shape
        shown = there.unsqueeze(-1)  # [P, T, 1]
        count = shown.sum(dim=1, keepdim=True)
        mean = (values * shown).sum(dim=1, keepdim=True) / count
        spread = (((values - mean) * shown).square().sum(dim=1, keepdim=True) / count + 1e-4).sqrt()
        level = self.level(torch.cat([mean, spread.log()], dim=1).transpose(1, 2))  # [P, C, inner]
        course = nn.functional.pad(((values - mean) / spread * shown).transpose(1, 2), (0, self.pad))
        patches = course.unfold(2, self.patch, self.stride)  # [P, C, patches, patch]
        seen = nn.functional.pad(there, (0, self.pad)).unfold(1, self.patch, self.stride).any(dim=2)  # [P, patches]
        x = self.embed(patches) + self.place + (level + self.channel).unsqueeze(2)
        x = x.flatten(0, 1)  # [P * C, patches, inner]
        mask = seen.repeat_interleave(channels, dim=0)
        for block in self.blocks:
            x = block(x, mask)
        x = (self.norm(x) * mask.unsqueeze(-1)).sum(dim=1) / mask.sum(dim=1, keepdim=True)
        projected: Tensor = self.project(self.drop(x.reshape(rows, -1)))
        return projected
