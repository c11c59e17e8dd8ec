"""Where what moves is, and how it goes: its path over time as numbers that say direction, turning and rhythm."""

from __future__ import annotations

import numpy as np

__all__ = ["PATH", "SPREAD", "masses", "path_numbers", "rhythm", "shifts", "spread_numbers", "track"]

STEPS = 16
"""Points of time to which each path is brought, evenly spread over the film."""
POINTS = 8
DIRECTIONS = 8
LAGS = 4
TINY = 1e-6
PATH = 2 * POINTS + 2 + 2 + 2 + 2 + DIRECTIONS + LAGS
SPREAD = POINTS + 3


def masses(frames: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How much each pixel differs from the ground: from what it mostly shows, and from the colour along the film's edge.

    The first finds what moves before any still background; the second also what stays in its place, before a plain one.

    Shape:
        - frames: ``[T, S, S, 3]`` float, 0 to 1.
        - output: twice ``[T, S, S]``, at least 0.
    """
    edge = np.concatenate([frames[:, 0], frames[:, -1], frames[:, :, 0], frames[:, :, -1]], axis=1)  # [T, 4S, 3]
    usual = np.median(frames, axis=0)
    found = []
    for ground in (usual, np.median(edge, axis=(0, 1))):
        away = np.abs(frames - ground).max(axis=-1)
        found.append(np.maximum(away - 0.04 - 2 * np.median(away), 0))  # what is under this is noise
    return found[0], found[1]


def track(mass: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The middle of the mass in each frame and how far it spreads; where a frame has none, as in the frames around it.

    Shape:
        - mass: ``[T, S, S]``.
        - output: places ``[T, 2]`` (down, right; -1 to 1) and spreads ``[T]``.
    """
    axis = (np.arange(mass.shape[1]) + 0.5) * (2 / mass.shape[1]) - 1
    mass = mass.astype(np.float64)
    whole = mass.sum(axis=(1, 2))
    there = whole > max(TINY, 0.02 * float(whole.max(initial=0)))
    if not there.any():
        return np.zeros((len(mass), 2)), np.ones(len(mass))
    mass, whole = mass[there], whole[there]
    down, right = mass.sum(axis=2), mass.sum(axis=1)  # [T, S]
    middle = np.stack([down @ axis, right @ axis], axis=1) / whole[:, None]
    square = (down @ axis**2 + right @ axis**2) / whole - (middle**2).sum(axis=1)
    return filled(middle, there), filled(np.sqrt(np.maximum(square, 1e-4))[:, None], there)[:, 0]


def filled(values: np.ndarray, there: np.ndarray) -> np.ndarray:
    """Values for all frames from those of some, linearly between them."""
    known, every = np.flatnonzero(there), np.arange(len(there))
    return np.stack([np.interp(every, known, column) for column in values.T], axis=1)


def shifts(grey: np.ndarray) -> np.ndarray:
    """By how much each frame as a whole is moved against the one before, by phase correlation. Source: Kuglin & Hines (1975).

    Shape:
        - grey: ``[T, S, S]``.
        - output: ``[T - 1, 2]`` (down, right), in halves of the frame.
    """
    size = grey.shape[1]
    window = np.hanning(size + 2)[1:-1].astype(grey.dtype)
    waves = np.fft.rfft2((grey - grey.mean(axis=(1, 2), keepdims=True)) * window[:, None] * window)
    cross = waves[1:] * waves[:-1].conj()
    surface = np.fft.irfft2(cross / (np.abs(cross) + 1e-3), s=(size, size)).reshape(len(cross), -1)
    top = surface.argmax(axis=1)
    moved = np.stack(np.unravel_index(top, (size, size)), axis=1).astype(np.float64)
    moved = np.where(moved > size / 2, moved - size, moved) * (2 / size)
    # No clear peak: no shift is claimed.
    clear = surface[np.arange(len(top)), top] > 6 * surface.std(axis=1) + TINY
    return np.where(clear[:, None], moved, 0.0)


def path_numbers(path: np.ndarray, times: np.ndarray) -> np.ndarray:
    """``PATH`` numbers for a path: its points, length, net way, turning (with the clock is positive), directions, rhythm.

    Shape:
        - path: ``[T, 2]`` (down, right).
        - times: ``[T]``, 0 to 1, rising.
    """
    even = np.linspace(0, 1, STEPS)
    points = np.stack([np.interp(even, times, column) for column in path.T], axis=1)  # [STEPS, 2]
    centred = points - points.mean(axis=0)
    steps = np.diff(points, axis=0)
    lengths = np.linalg.norm(steps, axis=1)
    way, whole = points[-1] - points[0], float(lengths.sum())
    area = float(turn(centred[:-1], centred[1:]).sum()) / 2
    between = lengths[:-1] * lengths[1:] + 1e-4
    turning = [float((turn(steps[:-1], steps[1:]) / between).mean()), float(((steps[:-1] * steps[1:]).sum(axis=1) / between).mean())]
    angle = np.arctan2(steps[:, 0], steps[:, 1]) % (2 * np.pi) * (DIRECTIONS / (2 * np.pi))
    low = np.floor(angle).astype(np.int64)
    shares = np.bincount(low % DIRECTIONS, lengths * (1 - (angle - low)), DIRECTIONS)
    shares = shares + np.bincount((low + 1) % DIRECTIONS, lengths * (angle - low), DIRECTIONS)
    return np.concatenate(
        [
            centred[:: STEPS // POINTS].reshape(-1),
            way,
            [np.log(whole + 0.01), float(np.linalg.norm(way)) / (whole + 0.05)],
            [area, area / (whole + 0.05) ** 2],
            turning,
            shares / (whole + 0.05),
            rhythm(steps),
        ]
    )


def spread_numbers(spread: np.ndarray, times: np.ndarray) -> np.ndarray:
    """``SPREAD`` numbers for how large what moves is over time: growing, shrinking, or neither."""
    even = np.linspace(0, 1, STEPS)
    size = np.interp(even, times, np.log(spread))
    middle = size - size.mean()
    slope = float((middle * (even - 0.5)).sum() / ((even - 0.5) ** 2).sum())
    return np.concatenate([middle[:: STEPS // POINTS], [slope, abs(slope), float(size.mean())]])


def rhythm(steps: np.ndarray) -> np.ndarray:
    """``LAGS`` numbers: how alike the steps are to those some steps later, -1 to 1."""
    whole = float((steps**2).sum()) + 1e-4
    return np.array([float((steps[:-lag] * steps[lag:]).sum()) / whole for lag in range(1, LAGS + 1)])


def turn(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Twice the area between two arrows (down, right); positive if the second lies on the side to which the clock goes."""
    return np.asarray(first[:, 1] * second[:, 0] - first[:, 0] * second[:, 1])
