"""Series of any length, with gaps and uneven times, as evenly spaced points; any number of channels as a fixed number."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from consilience.core.errors import CellError
from consilience.core.seeds import generator
from consilience.data.kinds._signal import Signal

__all__ = ["check", "dense", "into_slots", "places", "relative", "resample", "resampled", "standard"]

FLAT = 1e-7
"""A channel whose spread is smaller than this share of its size is flat: what is left is rounding of float32."""

LEAST = 0.1
"""Share of the whole spread that a channel has at least."""


def check(cell: Any) -> Signal:
    """The cell, if it is a series.

    Raises:
        CellError: It is something else.
    """
    if not isinstance(cell, Signal) or cell.values.ndim != 2 or 0 in cell.values.shape:
        found = getattr(cell, "shape", None) or type(cell).__name__
        raise CellError("The cell is no series of at least one point and one channel.", found=found)
    return cell


def places(signal: Signal) -> np.ndarray:
    """``[L]`` from 0 to 1: where each point lies between the first and the last, by its time where times are known."""
    length = len(signal.values)
    if signal.times is not None and signal.times[-1] > signal.times[0]:
        made: np.ndarray = (signal.times - signal.times[0]) / (signal.times[-1] - signal.times[0])
        return made
    return np.linspace(0.0, 1.0, length) if length > 1 else np.zeros(1)


def dense(signal: Signal) -> np.ndarray:
    """``[L, C] float64`` without gaps: straight lines between the neighbours, the nearest value at the ends, zeros in a channel of gaps only."""
    values = signal.values.astype(np.float64)
    gone = ~np.isfinite(values)
    if gone.any():
        where = places(signal)
        for channel in np.flatnonzero(gone.any(axis=0)):
            there = ~gone[:, channel]
            values[:, channel] = np.interp(where, where[there], values[there, channel]) if there.any() else 0.0
    return values


def resample(signal: Signal, length: int) -> np.ndarray:
    """``[length, C] float64`` without gaps, evenly spaced in time: means over stretches of a longer series, straight lines between points of a
    shorter one."""
    return resampled(dense(signal), places(signal), length)


def resampled(values: np.ndarray, where: np.ndarray, length: int) -> np.ndarray:
    """``[L, C]`` at rising places from 0 to 1 as ``[length, C]``."""
    if len(values) == 1:
        return np.repeat(values, length, axis=0)
    even = bool(np.allclose(np.diff(where), 1 / (len(where) - 1), rtol=1e-3))
    if len(values) == length and even:
        return values
    channels = range(values.shape[1])
    if len(values) <= length:
        at = np.linspace(0.0, 1.0, length)
        return np.stack([np.interp(at, where, values[:, channel]) for channel in channels], axis=1)
    # The area under the straight lines between points, cut at the edges of the stretches: nothing faster than a stretch is folded into it.
    steps = np.diff(where)[:, None]
    area = np.concatenate([np.zeros((1, values.shape[1])), np.cumsum((values[1:] + values[:-1]) / 2 * steps, axis=0)])
    edges = np.linspace(0.0, 1.0, length + 1)
    inner = np.searchsorted(where, edges, side="right").clip(1, len(where) - 1) - 1
    part = edges - where[inner]
    step = np.maximum(where[inner + 1] - where[inner], 1e-300)
    slope = (values[inner + 1] - values[inner]) / step[:, None]
    below = area[inner] + part[:, None] * (values[inner] + slope * part[:, None] / 2)
    made: np.ndarray = np.diff(below, axis=0) * length
    return made


def standard(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``[L, C]`` with mean 0 and spread 1 in each channel (a flat one is all zeros), the means and the spreads ``[C]``."""
    mean = values.mean(axis=0)
    spread = values.std(axis=0)
    flat = spread <= FLAT * np.maximum(np.abs(mean), np.abs(values).max(axis=0))
    return np.where(flat, 0.0, (values - mean) / np.where(flat, 1.0, spread)), mean, np.where(flat, 0.0, spread)


def relative(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``[L, C]`` in units of the spread of the whole cell, so that channels keep their proportions and levels; the means and the spreads ``[C]``.

    A channel's level counts by its ``asinh``, and a channel with less than a tenth of the whole spread is brought to a tenth. One channel alone is
    brought to mean 0 and spread 1.
    """
    shape, mean, spread = standard(values)
    whole = float(values.std())
    if whole <= FLAT * float(np.abs(values).max()):
        return shape, mean, spread
    return shape * np.maximum(spread / whole, LEAST) + np.arcsinh((mean - values.mean()) / whole), mean, spread


def into_slots(values: np.ndarray, slots: int) -> np.ndarray:
    """``[..., C]`` as ``[..., slots]``: zeros behind fewer channels; more are mixed by a fixed random matrix, which keeps distances about."""
    channels = values.shape[-1]
    if channels <= slots:
        return np.concatenate([values, np.zeros((*values.shape[:-1], slots - channels))], axis=-1) if channels < slots else values
    mixed: np.ndarray = values @ mixture(channels, slots)
    return mixed


@lru_cache(maxsize=64)
def mixture(channels: int, slots: int) -> np.ndarray:
    made: np.ndarray = generator(0, "series channels", channels, slots).normal(size=(channels, slots)) / np.sqrt(channels)
    return made
