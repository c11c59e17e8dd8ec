"""What lies along one axis: seconds of a sound, frames of a film, slices of a scan."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, ClassVar

import numpy as np

from consilience.judge.explain._anatomy import Anatomy, chunks

__all__ = ["AudioAnatomy", "VideoAnatomy", "VolumeAnatomy"]

WINDOWS = 64
"""Windows of a sound at the finest."""

SHORTEST = 0.03
"""Seconds of a window at least."""


class _Along(Anatomy):
    """Atoms in a row."""

    def divide(self, group: np.ndarray, into: int) -> list[np.ndarray]:
        return chunks(group, into)


class AudioAnatomy(_Along):
    """An atom is a window of time; a masked one is silent."""

    unit: ClassVar[str] = "seconds"
    filled: ClassVar[str] = "silence"

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        super().__init__(decoded, generator)
        self.atoms = int(np.clip(decoded.seconds / SHORTEST, 1, WINDOWS))
        self.window = np.arange(len(decoded.samples)) * self.atoms // len(decoded.samples)

    def masked(self, kept: np.ndarray) -> Any:
        return replace(self.decoded, samples=np.where(kept[self.window], self.decoded.samples, np.float32(0)))

    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        start, end = (edge * self.decoded.seconds / self.atoms for edge in (int(group[0]), int(group[-1]) + 1))
        return f"{start:.2f}–{end:.2f} s", {"start": round(start, 4), "end": round(end, 4)}


class VideoAnatomy(_Along):
    """An atom is a frame; a masked one is a still in the film's median colour."""

    unit: ClassVar[str] = "frames"
    filled: ClassVar[str] = "a still in the film's median colour"

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        super().__init__(decoded, generator)
        self.atoms = len(decoded.frames)
        self.paint = np.median(decoded.frames[:, ::4, ::4].reshape(-1, 3), axis=0).astype(np.uint8)

    def masked(self, kept: np.ndarray) -> Any:
        return replace(self.decoded, frames=np.where(kept[:, None, None, None], self.decoded.frames, self.paint))

    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        edges = [*self.decoded.times.astype(float).tolist(), max(float(self.decoded.seconds), float(self.decoded.times[-1]))]
        start, end = edges[int(group[0])], edges[int(group[-1]) + 1]
        return f"{start:.2f}–{end:.2f} s", {"start": round(start, 4), "end": round(end, 4), "frames": [int(group[0]), int(group[-1])]}


class VolumeAnatomy(_Along):
    """An atom is a slice from the feet to the head; a masked one holds the scan's median."""

    unit: ClassVar[str] = "slices"
    filled: ClassVar[str] = "the scan's median"

    def __init__(self, decoded: Any, generator: np.random.Generator) -> None:
        super().__init__(decoded, generator)
        self.atoms = len(decoded.voxels)
        self.paint = np.float32(np.median(decoded.voxels[::2, ::2, ::2]))

    def masked(self, kept: np.ndarray) -> Any:
        return replace(self.decoded, voxels=np.where(kept[:, None, None], self.decoded.voxels, self.paint))

    def place(self, group: np.ndarray) -> tuple[str, dict[str, Any]]:
        first, last = int(group[0]), int(group[-1])
        return (f"{first}–{last}" if last > first else f"{first}"), {"first": first, "last": last}
