"""A decoded film: some frames with their times, and which of them to look at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Film", "scene_changes", "steady"]

LEVELS = 8
"""Brightness levels per colour channel by which two frames are compared."""


@dataclass(frozen=True, eq=False)
class Film:
    """Frames of a film, evenly spread over its time.

    Args:
        frames: RGB, upright.
        times: When each frame is shown, seconds from the film's beginning; rising.
        seconds: How long the whole film is, seconds, the last frame included.

    Shape:
        - frames: ``[T, H, W, 3] uint8``, T from 1 to 32.
        - times: ``[T] float32``.

    >>> film = Film(np.zeros((1, 2, 2, 3), dtype=np.uint8), np.zeros(1, dtype=np.float32), 1.0)
    >>> film == Film(film.frames.copy(), film.times, 1.0), film == Film(film.frames + 1, film.times, 1.0)
    (True, False)
    """

    frames: np.ndarray
    times: np.ndarray
    seconds: float

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Film):
            return NotImplemented
        same_times = self.seconds == other.seconds and np.array_equal(self.times, other.times)
        return same_times and np.array_equal(self.frames, other.frames)

    __hash__ = None  # type: ignore[assignment]


def steady(film: Film, count: int) -> np.ndarray:
    """The places of ``count`` frames at a steady pace: at each moment the frame that is then shown. Short films show frames twice.

    Shape:
        - output: ``[count] int64``, rising.

    >>> film = Film(np.zeros((3, 1, 1, 3), dtype=np.uint8), np.array([0, 0.1, 0.9], dtype=np.float32), 1.0)
    >>> steady(film, 4).tolist()
    [1, 1, 1, 1]
    >>> steady(film, 10).tolist()
    [0, 1, 1, 1, 1, 1, 1, 1, 1, 2]
    """
    times = film.times.astype(np.float64)
    length = max(film.seconds, float(times[-1]), 0.0)
    if length <= 0 or not np.isfinite(length) or len(times) == 1:
        return (np.arange(count) * len(times)) // max(count, 1)
    moments = (np.arange(count) + 0.5) * (length / count)
    return np.clip(np.searchsorted(times, moments, side="right") - 1, 0, len(times) - 1)


def scene_changes(frames: np.ndarray, count: int) -> np.ndarray:
    """The places of ``count`` frames that tell most: the first one, and those that differ most in colour from the frame before.

    Where a film has fewer frames, its last one stands for the rest.

    Shape:
        - frames: ``[T, H, W, 3] uint8``.
        - output: ``[count] int64``, rising.

    >>> cut = np.repeat(np.array([0, 255, 0], dtype=np.uint8), 4)[:, None, None, None] * np.ones((1, 2, 2, 3), dtype=np.uint8)
    >>> scene_changes(cut, 3).tolist()
    [0, 4, 8]
    """
    level = frames.reshape(len(frames), -1, 3) // (256 // LEVELS)
    shares = np.stack([(level == value).mean(axis=1, dtype=np.float32) for value in range(LEVELS)], axis=-1)  # [T, 3, LEVELS]
    change = np.abs(np.diff(shares, axis=0)).sum(axis=(1, 2))
    # A stable sort: of equal changes the earlier one counts, whatever the machine.
    chosen = np.sort(np.concatenate([[0], 1 + np.argsort(-change, kind="stable")[: count - 1]])).astype(np.int64)
    return np.concatenate([chosen, np.full(count - len(chosen), len(frames) - 1, dtype=np.int64)])[:count]
