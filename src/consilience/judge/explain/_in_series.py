"""Channels of a series, and windows of their time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from consilience.judge.explain._anatomy import Anatomy, chunks

__all__ = ["SeriesAnatomy"]

WINDOWS = 64
"""Windows along the time at the finest."""


class SeriesAnatomy(Anatomy):
    """An atom is a channel in a window of time; a masked one holds the channel's mean."""

    unit: ClassVar[str] = "window"
    filled: ClassVar[str] = "the channel's mean"

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        super().__init__(decoded, generator)
        self.length, self.channels = decoded.values.shape
        self.windows = min(WINDOWS, self.length)
        self.atoms = self.windows * self.channels
        self.window = np.arange(self.length) * self.windows // self.length
        there = ~np.isnan(decoded.values)
        total = np.where(there, decoded.values, 0).sum(axis=0, dtype=np.float64)
        self.mean = (total / np.maximum(there.sum(axis=0), 1)).astype(np.float32)

    def divide(self, group: np.ndarray, into: int) -> list[np.ndarray]:
        """Channels from each other first, then the time."""
        channel = group // self.windows
        names = np.unique(channel)
        if len(names) > 1:
            sets = np.array_split(names, min(into, len(names)))
            each = max(1, into // len(sets))
            return [part for one in sets for part in self._in_time(group[np.isin(channel, one)], each)]
        return chunks(group, into)

    def _in_time(self, group: np.ndarray, into: int) -> list[np.ndarray]:
        window = group % self.windows
        parts = np.array_split(np.unique(window), min(into, len(np.unique(window))))
        return [group[np.isin(window, part)] for part in parts]

    def masked(self, kept: np.ndarray) -> Any:
        shown = kept.reshape(self.channels, self.windows)[:, self.window].T
        # A gap stays a gap: nothing was there to mask.
        return replace(self.decoded, values=np.where(shown | np.isnan(self.decoded.values), self.decoded.values, self.mean))

    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        window, channels = group % self.windows, sorted(set((group // self.windows).tolist()))
        points = np.flatnonzero((self.window >= window.min()) & (self.window <= window.max()))
        first, last = int(points[0]), int(points[-1])
        where: dict[str, Any] = {"channels": channels, "first": first, "last": last}
        times = self.decoded.times
        if times is not None:
            where |= {"start": float(times[first]), "end": float(times[last])}
        return (f"{first}–{last}" if last > first else f"{first}"), where
