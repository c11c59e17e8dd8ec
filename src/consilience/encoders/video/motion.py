"""How things move in a film, in numpy. Sources: Lucas & Kanade (1981), Kuglin & Hines (1975), Bobick & Davis (2001).

The papers: An Iterative Image Registration Technique; The Phase Correlation Image Alignment Method; The Recognition of Human Movement Using
Temporal Templates.

When to use it: always beside an encoder of what the frames show: it costs milliseconds, and a linear model can read directions, turning, growing
and rhythm from it. When not: what counts is what is seen, not how it moves.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.video._flow import FLOW, flow_numbers
from consilience.encoders.video._paths import PATH, SPREAD, masses, path_numbers, rhythm, shifts, spread_numbers, track
from consilience.encoders.video._small import check_film, shrink

__all__ = ["Motion"]

CARD = Card(
    summary="How things move: paths, optical flow and change over time and place; beside what single frames show.",
    source="Lucas & Kanade (1981); Kuglin & Hines (1975); Bobick & Davis (2001)",
    claims=("frozen", "default"),
    cost="low",
)

PLACES, PARTS = 4, 8
ENERGY = PLACES * PLACES + PARTS + 4 + 3
LENGTH = 3


class MotionSettings(Settings):
    """Settings of ``motion``.

    Args:
        size: Side to which frames are brought, pixels; a multiple of 8.
    """

    size: int = Field(default=32, ge=16, le=128, multiple_of=8)


class Motion(FrozenEncoder):
    """One vector per film: three paths (what moves, what stands out, the frame as a whole), flow, change, and the film's length.

    Shape:
        - cell: a ``Film``.
        - output: values ``[B, 1, D]``, all finite.

    >>> Motion(MotionSettings()).width
    219
    """

    Settings = MotionSettings
    settings: MotionSettings

    @property
    def image_size(self) -> int:
        return 2 * self.settings.size

    @property
    def width(self) -> int:
        return 3 * PATH + 2 * SPREAD + FLOW + ENERGY + LENGTH

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        # All the work is done here, per cell: it then runs in many threads, and cannot depend on a cell's company.
        film = check_film(cell)
        frames = shrink(film.frames, self.settings.size).astype(np.float32) / 255
        times = film.times.astype(np.float64)
        if len(frames) == 1:
            frames, times = np.repeat(frames, 2, axis=0), np.array([0.0, 1.0])
        times = (times - times[0]) / (times[-1] - times[0]) if times[-1] > times[0] else np.linspace(0, 1, len(frames))
        grey = frames @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
        parts = []
        for mass in masses(frames):
            path, spread = track(mass)
            parts += [path_numbers(path, times), spread_numbers(spread, times)]
        whole = np.concatenate([np.zeros((1, 2)), np.cumsum(shifts(grey), axis=0)])
        parts += [path_numbers(whole, times), flow_numbers(grey), energy(frames)]
        parts.append(np.log1p(np.array([max(film.seconds, 0.0), len(film.frames), len(film.frames) / max(film.seconds, 0.1)])))
        return {"features": np.nan_to_num(np.concatenate(parts), nan=0.0, posinf=0.0, neginf=0.0).astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)


def energy(frames: np.ndarray) -> np.ndarray:
    """``ENERGY`` numbers: how much changes from frame to frame, by place, over time, and in which rhythm."""
    change = np.abs(np.diff(frames, axis=0)).mean(axis=-1)  # [T - 1, S, S]
    step = change.shape[1] // PLACES
    places = np.sqrt(change.mean(axis=0).reshape(PLACES, step, PLACES, step).mean(axis=(1, 3)))
    over = np.sqrt(change.mean(axis=(1, 2)))
    parts = np.interp(np.linspace(0, 1, PARTS), np.linspace(0, 1, len(over)), over)
    beat = rhythm((over - over.mean())[:, None]) if len(over) > 4 else np.zeros(4)
    return np.concatenate([places.reshape(-1), parts, beat, [over.mean(), over.std(), over.max()]])
