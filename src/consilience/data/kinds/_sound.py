"""A decoded sound: one channel of samples at one rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["RATE", "Sound"]

RATE = 16_000
"""Samples a second of every decoded sound."""


@dataclass(frozen=True, eq=False)
class Sound:
    """What a microphone heard; two sounds are equal if their samples and their rate are.

    Shape:
        - samples: ``[S] float32``, one channel, finite, -1 to 1, S at least 1.

    Args:
        samples: The air's pressure, 1 being the loudest that the recording could hold.
        rate: Samples a second.

    >>> Sound(np.zeros(8000, dtype=np.float32)).seconds
    0.5
    """

    samples: np.ndarray
    rate: int = RATE

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.samples) / self.rate

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sound) and self.rate == other.rate and np.array_equal(self.samples, other.samples)

    def __hash__(self) -> int:
        return hash((self.rate, self.samples.tobytes()))
