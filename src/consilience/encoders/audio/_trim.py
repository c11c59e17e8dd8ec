"""Where a sound begins and ends, and the length of its Fourier transform."""

from __future__ import annotations

import numpy as np

__all__ = ["fourier", "loud"]


def fourier(window: int) -> int:
    """The power of two from ``window`` on."""
    return 1 << max(1, window - 1).bit_length()


def loud(power: np.ndarray, trim: float) -> tuple[int, int]:
    """The first and one past the last frame that is less than ``trim`` decibels below the loudest."""
    energy = power.sum(axis=1)
    there = np.flatnonzero(energy >= energy.max() * 10 ** (-trim / 10))
    return int(there[0]), int(there[-1]) + 1
