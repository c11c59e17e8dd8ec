"""Convolutions in three dimensions with shortcuts, learned with the network. Source: Hara et al. (2018), 3D ResNet; He et al. (2016).

When to use it: some hundred scans or more, and an answer that lies in the third dimension.
When not: a few dozen scans; then ``slices`` and ``stats``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from consilience.core.registry import Card
from consilience.core.state import State
from consilience.data.kinds import Cells
from consilience.encoders._base import TrainedEncoder
from consilience.encoders._one_column import each_present, only_column, prepared_sample
from consilience.encoders.volume._grid import WindowSettings, check, resampled, windowed
from consilience.layers.tokens import Tokens

__all__ = ["Cnn3d"]

CARD = Card(
    summary="A small residual network of convolutions in three dimensions, trained from nothing together with the network.",
    source="Hara et al. (2018); He et al. (2016)",
    claims=("trained", "learned"),
    cost="high",
)

SAMPLE = 500
"""Scans that are looked at, at most, to learn the normalisation."""


class Cnn3dSettings(WindowSettings):
    """Settings of ``cnn3d``.

    Args:
        window: See ``WindowSettings``.
        fit: See ``WindowSettings``.
        size: Places along each axis of the grid to which a scan is brought; the work grows with its cube.
        filters: Filters of the first block; the three blocks after it have 2, 4 and 4 times as many.
        width: Numbers per token.
        tokens: ``pooled``: one token per scan; ``grid``: 8, one for each place of 2 x 2 x 2.
        dropout: Share of the last features that are dropped in training.
        shift: Training scans are moved by up to this share of a side.
        zoom: Training scans are made larger or smaller by up to this share.
        turn: Training scans are turned about the axis along the depth by up to so many degrees.
        contrast: Contrast and brightness of training scans change by up to this share.
        noise: Noise in training scans, as a share of the window.
        flip: Left and right of training scans are changed in half of the draws; only where the side does not matter.
    """

    size: int = Field(default=32, ge=8, le=128)
    filters: int = Field(default=16, ge=4, le=256)
    width: int = Field(default=128, ge=1, le=4096)
    tokens: Literal["pooled", "grid"] = "pooled"
    dropout: float = Field(default=0.1, ge=0, lt=1)
    shift: float = Field(default=0.08, ge=0, le=0.5)
    zoom: float = Field(default=0.1, ge=0, le=0.5)
    turn: float = Field(default=10.0, ge=0, le=180)
    contrast: float = Field(default=0.1, ge=0, le=0.9)
    noise: float = Field(default=0.02, ge=0, le=1)
    flip: bool = False


class Cnn3d(TrainedEncoder):
    """Voxels to one token or 8.

    Shape:
        - prepare: ``voxels [N, S, S, S] uint8`` (zeros where absent), ``size [N, 3] float32`` (logarithms of the sides in mm), ``mask [N, 1] bool``.
        - module: Tokens ``[B, 1, width]``, or ``[B, 8, width]`` for ``tokens="grid"``.

    >>> Cnn3d(Cnn3dSettings(size=16, filters=4, width=24)).build().width
    24
    """

    prepares_alike = True
    Settings = Cnn3dSettings

    settings: Cnn3dSettings

    def __init__(self, settings: Cnn3dSettings, argument: str = "") -> None:
        super().__init__(settings, argument)
        self.mean, self.std = np.full(4, 0.5, dtype=np.float32), np.full(4, 0.25, dtype=np.float32)

    def identity(self) -> dict[str, Any]:
        return {**super().identity(), "mean": self.mean.tolist(), "std": self.std.tolist()}

    def fit(self, columns: Mapping[str, Cells], seed: int = 0) -> None:
        arrays, there = prepared_sample(only_column(columns, "cnn3d", "volume"), self.prepare, seed, "cnn3d", SAMPLE)
        self.mean, self.std = np.full(4, 0.5, dtype=np.float32), np.full(4, 0.25, dtype=np.float32)
        if len(there):
            values = [arrays["voxels"][row].astype(np.float64) / 255 for row in there]
            middle = float(np.mean([block.mean() for block in values]))
            spread = float(np.sqrt(max(np.mean([(block**2).mean() for block in values]) - middle**2, 0)))
            sides = arrays["size"][there].astype(np.float64)
            self.mean = np.array([middle, *sides.mean(axis=0)], dtype=np.float32)
            self.std = np.maximum(np.array([spread, *sides.std(axis=0)]), 0.02).astype(np.float32)

    def prepare(self, columns: Mapping[str, Cells]) -> dict[str, np.ndarray]:
        cells = only_column(columns, "cnn3d", "volume")
        side = self.settings.size
        voxels = np.zeros((len(cells), side, side, side), dtype=np.uint8)
        size = np.zeros((len(cells), 3), dtype=np.float32)

        def one(row: int, cell: Any) -> None:
            volume = check(cell)
            block = resampled(windowed(volume, self.settings.window), volume.spacing, (side, side, side), self.settings.fit)
            voxels[row] = np.round(block * 255)
            size[row] = np.log(np.array(volume.spacing) * volume.shape)

        each_present(cells, one)
        return {"voxels": voxels, "size": size, "mask": np.asarray(cells.present, dtype=bool)[:, None].copy()}

    def build(self) -> nn.Module:
        return Network(self.settings, self.mean, self.std)

    def state(self) -> State:
        return State(arrays={"mean": self.mean, "std": self.std})

    def restore(self, state: State) -> None:
        self.mean, self.std = (np.asarray(state.arrays[name], dtype=np.float32) for name in ("mean", "std"))


class Network(nn.Module):
    """The module of ``cnn3d``: takes ``voxels``, ``size`` and ``mask``, gives Tokens."""

    mean: Tensor
    std: Tensor

    def __init__(self, settings: Cnn3dSettings, mean: np.ndarray, std: np.ndarray) -> None:
        super().__init__()
        self.settings, self.width, first = settings, settings.width, settings.filters
        self.side = 2 if settings.tokens == "grid" else 1
        self.register_buffer("mean", torch.tensor(mean))
        self.register_buffer("std", torch.tensor(std))
        self.stem = nn.Sequential(nn.Conv3d(1, first, 3, stride=2, padding=1, bias=False), nn.BatchNorm3d(first), nn.ReLU())
        self.blocks = nn.Sequential(Block(first, 2 * first), Block(2 * first, 4 * first), Block(4 * first, 4 * first, stride=1))
        self.project = nn.Sequential(nn.Dropout(settings.dropout), nn.Linear(8 * first + 3, settings.width))
        if self.side > 1:
            self.place = nn.Parameter(torch.randn(self.side**3, settings.width) * 0.02)

    def forward(self, batch: Mapping[str, Tensor]) -> Tokens:
        present = batch["mask"].any(dim=1)  # [B]
        count = self.side**3
        mask = present.unsqueeze(1).expand(-1, count)
        # Only rows that are present run: batch normalisation would otherwise mix the absent ones into its statistics.
        rows = present.nonzero().squeeze(1)
        if not len(rows):
            return Tokens(self.mean.new_zeros(len(present), count, self.width), mask)
        x = batch["voxels"].index_select(0, rows).to(self.mean.dtype).unsqueeze(1) / 255  # [P, 1, S, S, S]
        sides = (batch["size"].index_select(0, rows).to(self.mean.dtype) - self.mean[1:]) / self.std[1:]
        if self.training:
            x = self.augmented(x)
        x = self.blocks(self.stem((x - self.mean[0]) / self.std[0]))  # [P, 4 F, s, s, s]
        pooled = torch.cat([F.adaptive_avg_pool3d(x, self.side), F.adaptive_max_pool3d(x, self.side)], dim=1).flatten(2).transpose(1, 2)
        tokens = self.project(torch.cat([pooled, sides.clamp(-5, 5).unsqueeze(1).expand(-1, count, -1)], dim=2))  # [P, T, width]
        if self.side > 1:
            tokens = tokens + self.place
        return Tokens(tokens.new_zeros(len(present), count, self.width).index_copy(0, rows, tokens), mask)

    def augmented(self, x: Tensor) -> Tensor:
        """Moved, turned, larger or smaller, lighter or darker, with noise; each scan in its own way."""
        settings, count = self.settings, len(x)
        drawn = torch.rand(count, 8, device=x.device, dtype=x.dtype) * 2 - 1
        if settings.shift or settings.zoom or settings.turn or settings.flip:
            angle, larger = drawn[:, 0] * (settings.turn * torch.pi / 180), 1 + drawn[:, 1] * settings.zoom
            mirror = torch.where(drawn[:, 2] < 0, -1.0, 1.0) if settings.flip else torch.ones_like(angle)
            matrix = torch.zeros(count, 3, 4, device=x.device, dtype=x.dtype)  # in the order width, height, depth
            matrix[:, 0, 0], matrix[:, 0, 1] = angle.cos() * larger * mirror, -angle.sin() * larger
            matrix[:, 1, 0], matrix[:, 1, 1] = angle.sin() * larger * mirror, angle.cos() * larger
            matrix[:, 2, 2] = larger
            matrix[:, :, 3] = drawn[:, 3:6] * (2 * settings.shift)
            x = F.grid_sample(x, F.affine_grid(matrix, list(x.shape), align_corners=False), padding_mode="border", align_corners=False)
        if settings.contrast:
            middle = x.mean(dim=(1, 2, 3, 4), keepdim=True)
            factor, more = (1 + drawn[:, 6] * settings.contrast).reshape(-1, 1, 1, 1, 1), (drawn[:, 7] * settings.contrast).reshape(-1, 1, 1, 1, 1)
            x = (x - middle) * factor + middle + more
        return x + torch.randn_like(x) * settings.noise if settings.noise else x


class Block(nn.Module):
    """Two convolutions and a shortcut past them; half the side."""

    def __init__(self, channels: int, filters: int, stride: int = 2) -> None:
        super().__init__()
        self.first = nn.Conv3d(channels, filters, 3, stride=stride, padding=1, bias=False)
        self.second = nn.Conv3d(filters, filters, 3, padding=1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm3d(filters), nn.BatchNorm3d(filters)])
        same = stride == 1 and channels == filters
        self.past = nn.Identity() if same else nn.Sequential(nn.Conv3d(channels, filters, 1, stride=stride, bias=False), nn.BatchNorm3d(filters))

    def forward(self, x: Tensor) -> Tensor:
        y = F.relu(self.norms[0](self.first(x)))
        out: Tensor = F.relu(self.norms[1](self.second(y)) + self.past(x))
        return out
