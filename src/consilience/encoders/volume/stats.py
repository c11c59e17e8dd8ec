"""Fixed statistics of a scan: intensities, grids of means and edges, size and symmetry, in numpy. Source: Haralick et al. (1973), first order.

When to use it: by default, beside ``slices``; few scans, and an answer that lies in how much of what is where.
When not: the answer is a small thing anywhere in the scan.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from consilience.core.registry import Card
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.volume._grid import WindowSettings, check, resampled, windowed

__all__ = ["Stats"]

CARD = Card(
    summary="Histogram, coarse grid of means and edges, layers, symmetry and size of a scan; cheap, for few scans.",
    source="Haralick et al. (1973), first-order statistics",
    claims=("frozen", "default"),
    cost="low",
)

SIDE, GRID, BINS = 32, 4, 16


class StatsSettings(WindowSettings):
    """Settings of ``stats``.

    Args:
        window: See ``WindowSettings``.
        fit: See ``WindowSettings``.
    """


class Stats(FrozenEncoder):
    """One vector per scan.

    Shape:
        - cell: ``Volume``.
        - output: values ``[B, 1, D]``, all finite, mostly between 0 and 1.

    >>> from consilience.data.kinds._volume import Volume
    >>> encoder = Stats(StatsSettings())
    >>> encoder.prepare(Volume(np.zeros((3, 4, 5), dtype=np.float32)))["features"].shape == (encoder.width,)
    True
    """

    Settings = StatsSettings

    settings: StatsSettings

    @property
    def width(self) -> int:
        return WIDTH

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        volume = check(cell)
        values = windowed(volume, self.settings.window)
        sides = np.array(volume.spacing) * volume.shape
        numbers = np.percentile(volume.voxels.reshape(-1)[:: max(1, volume.voxels.size // 200_000)].astype(np.float64), (1, 10, 25, 50, 75, 90, 99))
        size = [*np.log(sides) / 8, *np.log(np.array(volume.shape)) / 8, *np.sign(numbers) * np.log1p(np.abs(numbers)) / 8]
        shares = np.bincount(np.minimum((values.reshape(-1) * BINS).astype(np.int64), BINS - 1), minlength=BINS) / values.size
        block = resampled(values, volume.spacing, (SIDE, SIDE, SIDE), self.settings.fit)
        parts = (size, np.sqrt(shares), grid(block), layers(block), edges(block))
        return {"features": np.concatenate(parts).astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)


def cells(block: np.ndarray, side: int) -> np.ndarray:
    """``[S, S, S]`` to ``[side, side, side, K]``: the voxels of each cell."""
    width = len(block) // side
    return block.reshape(side, width, side, width, side, width).transpose(0, 2, 4, 1, 3, 5).reshape(side, side, side, -1)


def grid(block: np.ndarray) -> np.ndarray:
    """``[2 * GRID^3]``: mean and spread of each cell."""
    parts = cells(block, GRID)
    return np.concatenate([parts.mean(axis=3).reshape(-1), parts.std(axis=3).reshape(-1) * 2])


def layers(block: np.ndarray) -> np.ndarray:
    """``[3 * (8 + 8 + 1)]``: along each axis means and spreads of layers, and how far the halves are mirror images."""
    found = []
    for axis in range(3):
        lying = np.moveaxis(block, axis, 0).reshape(8, SIDE // 8, -1)
        mirrored = np.abs(block - np.flip(block, axis)).mean()
        found += [lying.mean(axis=(1, 2)), lying.std(axis=(1, 2)) * 2, [mirrored * 2]]
    return np.concatenate(found)


def edges(block: np.ndarray) -> np.ndarray:
    """``[8 + 3 * 8 + 3 * 8]``: how steep it is; and along each axis, in each of 2 x 2 x 2 cells and in each layer."""
    slopes = np.stack(np.gradient(block))  # [3, S, S, S]
    steep = np.sqrt((slopes**2).sum(axis=0))
    shares = np.bincount(np.minimum((steep.reshape(-1) * 16).astype(np.int64), 7), minlength=8) / steep.size
    found = [np.sqrt(shares)]
    for axis, slope in enumerate(np.abs(slopes)):
        found += [cells(slope, 2).mean(axis=3).reshape(-1) * 8, np.moveaxis(slope, axis, 0).reshape(8, -1).mean(axis=1) * 8]
    return np.concatenate(found)


WIDTH = 3 + 3 + 7 + BINS + 2 * GRID**3 + 3 * 17 + 8 + 6 * 8
