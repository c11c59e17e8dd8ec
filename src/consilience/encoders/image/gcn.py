"""Graph convolutions over the patches of a picture, learned with the network. Source: Kipf and Welling (2017); Han et al. (2022), Vision GNN.

Patches are nodes, joined to their eight neighbours and to the patches that look most like them, so that what belongs together can speak across the
picture. For pictures whose parts matter more than their exact places, with some thousand rows. With few rows, or photographs of things of this world,
a frozen pretrained encoder is far better.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from consilience.core.errors import UsageError
from consilience.core.registry import Card
from consilience.encoders.image._learned import LearnedSettings, PixelEncoder, augmentation
from consilience.layers.tokens import Tokens

__all__ = ["PatchGcn"]

CARD = Card(
    summary="Graph convolutions over a grid of picture patches, trained from nothing together with the network.",
    source="Kipf and Welling (2017); patches as nodes after Han et al. (2022), Vision GNN",
    claims=("trained",),
    cost="medium",
)


class PatchGcnSettings(LearnedSettings):
    """Settings of ``gcn``.

    Args:
        patch: Side of a patch, pixels; ``size`` has to be a multiple of it.
        hidden: Numbers per patch inside.
        layers: Graph convolutions.
        alike: Patches of the same picture that a patch is joined to because they look alike; 0 leaves the grid alone.
        tokens: ``pooled``: one token per picture; ``grid``: one for each patch.
    """

    patch: int = Field(default=8, ge=2, le=64)
    hidden: int = Field(default=96, ge=4, le=2048)
    layers: int = Field(default=4, ge=1, le=24)
    alike: int = Field(default=4, ge=0, le=32)
    tokens: Literal["pooled", "grid"] = "pooled"


class PatchGcn(PixelEncoder):
    """Pixels to one token, or to one for each patch.

    Shape:
        - prepare: ``pixels [N, 3, S, S] uint8`` (zeros where absent), ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``, or ``[B, (S / patch)^2, width]`` for ``tokens="grid"``.

    Raises:
        UsageError: ``size`` is no multiple of ``patch``, or there would be more than 1,024 patches.

    >>> PatchGcn(PatchGcnSettings(width=32)).build().width
    32
    """

    Settings = PatchGcnSettings
    who = "gcn"

    settings: PatchGcnSettings

    def __init__(self, settings: PatchGcnSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        side, rest = divmod(self.settings.size, self.settings.patch)
        if rest or side > 32:
            what = f"The encoder 'gcn' cannot cut {self.settings.size} pixels into patches of {self.settings.patch}."
            raise UsageError(what, hint="Let size be a multiple of patch, at most 32 times as long.")

    def build(self) -> nn.Module:
        return Network(self.settings, self.mean, self.std)


class Network(nn.Module):
    """The module of ``gcn``: takes ``pixels [B, 3, S, S]`` and ``mask [B, 1]``, gives Tokens."""

    mean: Tensor
    std: Tensor
    near: Tensor

    def __init__(self, settings: PatchGcnSettings, mean: np.ndarray, std: np.ndarray) -> None:
        super().__init__()
        self.width, self.hidden, self.grid = settings.width, settings.hidden, settings.tokens == "grid"
        side = settings.size // settings.patch
        self.count, self.alike = side * side, min(settings.alike, side * side - 1)
        self.augment = augmentation(settings)
        self.register_buffer("mean", torch.tensor(mean).reshape(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(std).reshape(1, 3, 1, 1))
        self.register_buffer("near", grid_edges(side), persistent=False)
        self.look = patches(settings.patch, settings.hidden)
        self.place = nn.Parameter(torch.randn(self.count, settings.hidden) * 0.02)
        self.layers = nn.ModuleList([Layer(settings.hidden) for _ in range(settings.layers)])
        self.norm = nn.LayerNorm(settings.hidden if self.grid else 2 * settings.hidden)
        self.project = nn.Linear(settings.hidden if self.grid else 2 * settings.hidden, self.width)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        count = self.count if self.grid else 1
        mask = present.unsqueeze(1).expand(-1, count)
        # Only rows that are present run: batch normalisation would otherwise mix the absent ones into its statistics.
        rows = present.nonzero().squeeze(1)
        if not len(rows):
            return Tokens(self.project.weight.new_zeros(len(present), count, self.width), mask)
        pixels = self.augment(batch["pixels"].index_select(0, rows).to(self.mean.dtype) / 255)
        x = self.look(((pixels - self.mean) / self.std).contiguous(memory_format=torch.channels_last))  # [P, H, side, side]
        x = x.flatten(2).transpose(1, 2)  # [P, V, H]
        weights = self.weights(x)
        x = x + self.place
        for layer in self.layers:
            x = layer(x, weights)
        if not self.grid:
            x = torch.cat([x.mean(dim=1), x.amax(dim=1)], dim=1).unsqueeze(1)
        tokens = self.project(self.norm(x))
        return Tokens(tokens.new_zeros(len(present), count, self.width).index_copy(0, rows, tokens), mask)

    def weights(self, x: Tensor) -> Tensor:
        """``[P, V, V]`` or ``[V, V]``: D^-1/2 (A + I) D^-1/2 of the grid and of the patches that look alike. Not learned through."""
        if not self.alike:
            return scaled(self.near)
        with torch.no_grad():
            unit = nn.functional.normalize(x.float(), dim=2)
            alike = (unit @ unit.transpose(1, 2)).masked_fill(self.near > 0, -2.0)
            near = self.near.expand(len(x), -1, -1).clone()
            near.scatter_(2, alike.topk(self.alike, dim=2).indices, 1.0)
            return scaled(torch.maximum(near, near.transpose(1, 2))).to(x.dtype)


class Layer(nn.Module):
    """Neighbours are averaged and mixed, then each patch thinks for itself; both are added to what was there."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.spread = nn.Linear(2 * width, width)
        self.think = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor, weights: Tensor) -> Tensor:
        own = self.first(x)
        x = x + nn.functional.gelu(self.spread(torch.cat([own, weights @ own], dim=2)))
        out: Tensor = x + self.think(self.second(x))
        return out


def patches(patch: int, width: int) -> nn.Sequential:
    """Two convolutions that look past the patch's border, then one vector a patch."""
    inside = max(8, width // 3)
    return nn.Sequential(
        nn.Conv2d(3, inside, 3, padding=1, stride=2 if patch % 2 == 0 else 1, bias=False),
        nn.BatchNorm2d(inside),
        nn.ReLU(),
        nn.Conv2d(inside, width, patch // 2 if patch % 2 == 0 else patch, stride=patch // 2 if patch % 2 == 0 else patch, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )


def grid_edges(side: int) -> Tensor:
    """``[V, V]`` float: 1 for a patch itself and its eight neighbours."""
    place = torch.stack(torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")).flatten(1)  # [2, V]
    return ((place[:, :, None] - place[:, None, :]).abs().amax(dim=0) <= 1).float()


def scaled(near: Tensor) -> Tensor:
    scale = near.sum(dim=-1).rsqrt()
    return near * scale.unsqueeze(-1) * scale.unsqueeze(-2)
