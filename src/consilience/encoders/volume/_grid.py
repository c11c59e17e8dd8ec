"""From a decoded scan to a fixed grid of values from 0 to 1: a window of intensities, and places resampled by the distance between voxels."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

import numpy as np
from pydantic import Field, model_validator

from consilience.core.errors import CellError
from consilience.core.settings import Settings
from consilience.data.kinds._volume import Volume

__all__ = ["Fit", "WindowSettings", "check", "resampled", "windowed"]

Fit = Literal["keep", "squash"]
HOUNSFIELD = (-1000.0, 1000.0)
"""From air to hard bone."""
SAMPLED = 200_000
"""Voxels from which percentiles are taken, at most."""


class WindowSettings(Settings):
    """How the numbers of a scan become values from 0 to 1.

    Args:
        window: The number that becomes 0 and the one that becomes 1, in the file's unit (Hounsfield units for CT: -160 and 240 show soft tissue);
            None for -1000 to 1000 in CT, and else for the percentiles 0.5 and 99.5 of the scan itself.
        fit: ``keep`` keeps the proportions in millimetres, with empty space around; ``squash`` fills the grid with the scan.
    """

    window: tuple[float, float] | None = Field(default=None)
    fit: Fit = "keep"

    @model_validator(mode="after")
    def window_is_open(self) -> WindowSettings:
        if self.window is not None and not (np.isfinite(self.window).all() and self.window[1] > self.window[0]):
            raise ValueError("the second number of the window must be above the first")
        return self


def check(cell: Any) -> Volume:
    """The cell, if it is a scan.

    Raises:
        CellError: It is no ``Volume`` of finite voxels.
    """
    if not isinstance(cell, Volume) or cell.voxels.ndim != 3 or 0 in cell.voxels.shape:
        raise CellError("The scan is not a block of voxels.", found=type(cell).__name__)
    if not np.isfinite(cell.voxels).all() or not all(np.isfinite(side) and side > 0 for side in cell.spacing):
        raise CellError("The scan has voxels or distances that are no finite numbers.")
    return cell


def limits(volume: Volume, window: tuple[float, float] | None) -> tuple[float, float]:
    """The numbers that become 0 and 1."""
    if window is not None:
        return window
    if volume.unit == "HU":
        return HOUNSFIELD
    flat = volume.voxels.reshape(-1)
    low, high = np.percentile(flat[:: max(1, flat.size // SAMPLED)].astype(np.float64), (0.5, 99.5))
    return float(low), float(high)


def windowed(volume: Volume, window: tuple[float, float] | None) -> np.ndarray:
    """``[D, H, W] float32`` from 0 to 1; all 0.5 where all voxels are alike."""
    low, high = limits(volume, window)
    if not np.float32(high - low) > 0:
        return np.full(volume.voxels.shape, 0.5, dtype=np.float32)
    with np.errstate(over="ignore"):
        shown: np.ndarray = np.clip((volume.voxels - np.float32(low)) / np.float32(high - low), 0, 1)
    return shown


def resampled(values: np.ndarray, spacing: tuple[float, float, float], shape: tuple[int, int, int], fit: Fit) -> np.ndarray:
    """``[D, H, W]`` to ``shape``; each place is a mean over what it covers, or lies in a straight line between voxels.

    Args:
        spacing: Millimetres between voxels.
        shape: Places along each axis.
    """
    sides = [length * side for length, side in zip(values.shape, spacing, strict=True)]
    pitch = max(side / places for side, places in zip(sides, shape, strict=True))  # millimetres of a place, where proportions are kept
    out = values
    for axis, (length, places, side) in enumerate(zip(values.shape, shape, sides, strict=True)):
        share = 1.0 if fit == "squash" else side / (pitch * places)  # of the grid, along this axis
        weights = tents(length, places, round(max(share, 1e-6), 6))
        out = np.moveaxis(np.tensordot(weights, out, axes=(1, axis)), 0, axis)
    return np.ascontiguousarray(out, dtype=np.float32)


@lru_cache(maxsize=256)
def tents(length: int, places: int, share: float) -> np.ndarray:
    """``[places, length] float32``: how much each voxel counts at each place, falling linearly; rows sum to 1, or to 0 outside of the scan.

    Args:
        share: The part of the places that the scan fills, in the middle.
    """
    step = length / (places * share)  # voxels of a place
    middles = (np.arange(places) + 0.5 - places / 2) * step + length / 2
    reach = max(step, 1.0)
    inside = (middles > -0.5 * step) & (middles < length + 0.5 * step)
    near = np.clip(middles, 0.5, length - 0.5)
    weights = np.maximum(0.0, 1 - np.abs(np.arange(length) + 0.5 - near[:, None]) / reach) * inside[:, None]
    scaled: np.ndarray = (weights / np.maximum(weights.sum(axis=1, keepdims=True), 1e-12)).astype(np.float32)
    return scaled
