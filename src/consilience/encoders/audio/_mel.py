"""The logarithmic mel spectrogram in numpy. Source: Davis and Mermelstein (1980); scales of Slaney (1998) and of HTK (Young et al., 2006).

A frame is a Hann window (periodic) around every ``hop``-th sample, silence beyond both ends; its power spectrum is summed by triangles that are
evenly spread on the scale. ``_mel_torch.py`` is the same in torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
from scipy.fft import rfft

__all__ = ["Mel", "Scale", "cepstra", "filters", "hz_to_mel", "log_mel", "mel_power", "mel_to_hz"]

Scale = Literal["slaney", "htk"]
CHUNK = 2048
"""Frames that are transformed at a time, so that ten minutes need no more memory than twenty seconds."""


@dataclass(frozen=True)
class Mel:
    """How a spectrogram is made.

    Args:
        rate: Samples a second.
        window: Samples in a frame.
        hop: Samples from one frame to the next.
        size: Length of the Fourier transform, at least ``window``.
        bands: How many triangles.
        low: Where the first one begins, Hz.
        high: Where the last one ends, Hz; None for half the rate.
        scale: ``slaney`` is linear up to 1 kHz, ``htk`` one logarithm.
        equal_area: Triangles have an area of 1 (per Hz, as Slaney has it) and not a height of 1.
        floor: Added to each power before the logarithm.
    """

    rate: int = 16_000
    window: int = 400
    hop: int = 160
    size: int = 512
    bands: int = 40
    low: float = 20.0
    high: float | None = None
    scale: Scale = "slaney"
    equal_area: bool = True
    floor: float = 1e-8

    def count(self, length: int) -> int:
        """Frames of a sound of so many samples."""
        return 1 + length // self.hop


def hz_to_mel(hz: np.ndarray, scale: Scale = "slaney") -> np.ndarray:
    """Pitch as heard; any shape.

    >>> hz_to_mel(np.array([1000.0])).tolist()
    [15.0]
    """
    hz = np.asarray(hz, dtype=np.float64)
    if scale == "htk":
        return 2595.0 * np.log10(1 + hz / 700)
    return np.where(hz < 1000, hz * 3 / 200, 15 + 27 * np.log(np.maximum(hz, 1000) / 1000) / np.log(6.4))


def mel_to_hz(mel: np.ndarray, scale: Scale = "slaney") -> np.ndarray:
    """The inverse of ``hz_to_mel``."""
    mel = np.asarray(mel, dtype=np.float64)
    if scale == "htk":
        return np.asarray(700 * (10 ** (mel / 2595.0) - 1))
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((np.maximum(mel, 15) - 15) * np.log(6.4) / 27))


@lru_cache(maxsize=32)
def filters(mel: Mel) -> np.ndarray:
    """The triangles, ``[bands, size / 2 + 1] float32``."""
    ends = hz_to_mel(np.array([mel.low, mel.high or mel.rate / 2]), mel.scale)
    points = mel_to_hz(np.linspace(ends[0], ends[1], mel.bands + 2), mel.scale)  # Hz, where triangles begin, peak and end
    pitch = np.arange(mel.size // 2 + 1) * (mel.rate / mel.size)
    left, middle, right = points[:-2, None], points[1:-1, None], points[2:, None]
    found = np.maximum(0, np.minimum((pitch - left) / (middle - left), (right - pitch) / (right - middle)))
    if mel.equal_area:
        found = found * (2 / (right - left))
    made: np.ndarray = found.astype(np.float32)
    made.flags.writeable = False
    return made


@lru_cache(maxsize=32)
def hann(length: int) -> np.ndarray:
    """The periodic Hann window."""
    made: np.ndarray = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    made.flags.writeable = False
    return made


def mel_power(samples: np.ndarray, mel: Mel) -> np.ndarray:
    """``[S]`` to ``[T, bands] float32``, T = 1 + S // hop."""
    half = mel.window // 2
    padded = np.pad(np.asarray(samples, dtype=np.float32), (half, mel.window))
    frames = np.lib.stride_tricks.sliding_window_view(padded, mel.window)[:: mel.hop][: mel.count(len(samples))]  # [T, window], a view
    window, triangles = hann(mel.window), filters(mel).T
    parts = []
    for start in range(0, len(frames), CHUNK):
        spectrum = rfft(frames[start : start + CHUNK] * window, n=mel.size, axis=1)
        parts.append((spectrum.real**2 + spectrum.imag**2) @ triangles)
    return np.concatenate(parts).astype(np.float32)


def log_mel(samples: np.ndarray, mel: Mel) -> np.ndarray:
    """``[S]`` to the natural logarithm of the powers, ``[T, bands] float32``."""
    return np.log(mel_power(samples, mel) + np.float32(mel.floor))


@lru_cache(maxsize=32)
def cosines(bands: int, count: int) -> np.ndarray:
    """The first ``count`` rows of the orthonormal cosine transform of length ``bands``, transposed: ``[bands, count] float32``."""
    rows = np.cos(np.pi / bands * (np.arange(bands)[:, None] + 0.5) * np.arange(count)) * np.sqrt(2 / bands)
    rows[:, 0] /= np.sqrt(2)
    made: np.ndarray = rows.astype(np.float32)
    made.flags.writeable = False
    return made


def cepstra(logs: np.ndarray, count: int) -> np.ndarray:
    """``[T, bands]`` to the first ``count`` coefficients of the cosine transform along the bands, ``[T, count]``."""
    made: np.ndarray = logs @ cosines(logs.shape[1], count)
    return made
