"""Histograms of oriented gradients with colour statistics, in numpy. Source: Dalal & Triggs (2005), Felzenszwalb et al. (2010).

The papers: Histograms of Oriented Gradients for Human Detection; Object Detection with Discriminatively Trained Part-Based Models.

When to use it: no pretrained weights are there, or features must be cheap and explainable; shapes, layout and colour carry the answer.
When not: what matters is what a picture shows, and pretrained weights can be had.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.image._pixels import PixelSettings, aspect, frame

__all__ = ["Hog"]

CARD = Card(
    summary="Histograms of edge directions, colours and their layout; the default where no pretrained weights are installed.",
    source="Dalal & Triggs (2005); cell normalisation of Felzenszwalb et al. (2010)",
    claims=("frozen", "fallback"),
    cost="low",
)

GRID, DIRECTIONS = 8, 9
LAYOUT, LEVELS = 4, 4
CLIP = 0.2
"""Where Dalal & Triggs cut a normalised histogram, so that one strong edge does not rule its block."""


class HogSettings(PixelSettings):
    """Settings of ``hog``.

    Args:
        size: Side to which a picture is brought first, pixels.
        fit: See the other encoders; the proportions of the whole picture are features of their own.
        grey: Colour is taken away; the colour statistics then hold brightness only.
    """

    size: int = Field(default=128, ge=16, le=1024)


class Hog(FrozenEncoder):
    """One vector per picture: 576 edge numbers, 96 of colour layout, 64 of colour, 3 of shape.

    Shape:
        - cell: ``[H, W, 3] uint8``.
        - output: values ``[B, 1, 739]``, all finite, mostly between 0 and 1.

    >>> encoder = Hog(HogSettings())
    >>> values, mask = encoder.encode(encoder.collate([encoder.prepare(np.zeros((5, 9, 3), dtype=np.uint8))]))
    >>> values.shape, mask.tolist()
    ((1, 1, 739), [[True]])
    """

    Settings = HogSettings

    settings: HogSettings

    @property
    def width(self) -> int:
        return GRID * GRID * DIRECTIONS + LAYOUT * LAYOUT * 6 + LEVELS**3 + 3

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        # All the work is done here, per cell: it then runs in many threads, and cannot depend on a cell's company.
        height, width = aspect(cell)
        pixels = frame(cell, self.settings.size, self.settings.fit, self.settings.grey, "bilinear").astype(np.float32) / 255
        shape = np.array([np.log2(height) / 16, np.log2(width) / 16, np.log2(height / width) / 8], dtype=np.float32)
        return {"features": np.concatenate([edges(pixels), layout(pixels), colours(pixels), shape]).astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)


@lru_cache(maxsize=8)
def tents(size: int, cells: int) -> np.ndarray:
    """``[cells, size]``: how much each pixel belongs to each cell, falling linearly from the cell's middle (bilinear voting)."""
    pitch = size / cells
    middles = (np.arange(cells) + 0.5) * pitch
    return np.maximum(0.0, 1 - np.abs(np.arange(size) + 0.5 - middles[:, None]) / pitch).astype(np.float32)


def edges(pixels: np.ndarray) -> np.ndarray:
    """``[3, S, S]`` to ``[GRID * GRID * DIRECTIONS]``."""
    size = pixels.shape[1]
    root = np.sqrt(pixels)
    down, right = np.zeros_like(root), np.zeros_like(root)
    down[:, 1:-1] = root[:, 2:] - root[:, :-2]
    right[:, :, 1:-1] = root[:, :, 2:] - root[:, :, :-2]
    strength = down**2 + right**2
    strongest = strength.argmax(axis=0)[None]  # [1, S, S]: the colour channel with the steepest edge speaks for the pixel
    down, right, strength = (np.take_along_axis(part, strongest, axis=0)[0].reshape(-1) for part in (down, right, strength))
    magnitude = np.sqrt(strength)
    angle = (np.arctan2(down, right) % np.pi) * (DIRECTIONS / np.pi) - 0.5  # in bins; -0.5 puts whole numbers on the middles
    low = np.floor(angle)
    share = (angle - low).astype(np.float32)
    first = low.astype(np.int64) % DIRECTIONS
    where = np.arange(size * size)
    planes = np.zeros((DIRECTIONS, size * size), dtype=np.float32)
    planes[first, where] = magnitude * (1 - share)
    planes[(first + 1) % DIRECTIONS, where] = magnitude * share
    weights = tents(size, GRID)
    votes = weights @ planes.reshape(DIRECTIONS, size, size) @ weights.T / (size / GRID) ** 2  # [DIRECTIONS, GRID, GRID]
    energy = np.pad((votes**2).sum(axis=0), 1, mode="edge")  # [GRID + 2, GRID + 2]
    block = energy[:-1, :-1] + energy[1:, :-1] + energy[:-1, 1:] + energy[1:, 1:]
    norm = np.sqrt(block + 1e-4)  # [GRID + 1, GRID + 1]; each cell is a member of four blocks
    members = (norm[:-1, :-1], norm[1:, :-1], norm[:-1, 1:], norm[1:, 1:])
    whole: np.ndarray = sum((np.minimum(votes / member, CLIP) for member in members), np.zeros_like(votes))
    return (whole / (4 * CLIP)).reshape(-1)


def layout(pixels: np.ndarray) -> np.ndarray:
    """``[3, S, S]`` to mean and standard deviation of each channel in each of ``LAYOUT`` x ``LAYOUT`` cells."""
    weights = tents(pixels.shape[1], LAYOUT)
    weights = weights / weights.sum(axis=1, keepdims=True)
    mean = weights @ pixels @ weights.T
    square = weights @ pixels**2 @ weights.T
    return np.concatenate([mean.reshape(-1), np.sqrt(np.maximum(square - mean**2, 0)).reshape(-1)])


def colours(pixels: np.ndarray) -> np.ndarray:
    """``[3, S, S]`` to the square roots of the shares of ``LEVELS``^3 colours (roots, so that small areas count too)."""
    level = np.minimum((pixels * LEVELS).astype(np.int64), LEVELS - 1)
    code = (level[0] * LEVELS + level[1]) * LEVELS + level[2]
    shares: np.ndarray = np.bincount(code.reshape(-1), minlength=LEVELS**3) / code.size
    roots: np.ndarray = np.sqrt(shares)
    return roots
