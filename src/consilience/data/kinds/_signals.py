"""Changes of a series: damage of five strengths, and small changes that leave its meaning.

Sources: Um et al. (2017), Data augmentation of wearable sensor data; Iwana and Uchida (2021), An empirical survey of data augmentation for
time series.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from consilience.data.kinds._signal import LARGEST, Signal

__all__ = ["AUGMENTATIONS", "CORRUPTIONS"]


def noise(decoded: Signal, severity: int, generator: np.random.Generator) -> Signal:
    """Noise of 10 % of each channel's spread at severity 1, 100 % at 5."""
    draws = generator.normal(size=decoded.shape)
    return moved(decoded, draws * spread(decoded) * (0.0, 0.1, 0.2, 0.35, 0.6, 1.0)[severity]) if severity else decoded


def gaps(decoded: Signal, severity: int, generator: np.random.Generator) -> Signal:
    """Stretches of all channels are lost: 10 % of the points at severity 1, 70 % at 5; one point always stays."""
    length = len(decoded.values)
    ranks = np.argsort(np.argsort(generator.random(8)))  # eight stretches are lost one after another
    if severity == 0 or length < 2:
        return decoded
    share = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7)[severity]
    place = np.arange(length) * 8 / length
    part = place.astype(np.int64)
    lost = (ranks[part] + (place - part)) / 8 < share
    there = np.isfinite(decoded.values).any(axis=1) & ~lost
    if not there.any():
        return decoded
    values = decoded.values.copy()
    values[lost] = np.nan
    return replace(decoded, values=values)


def drift(decoded: Signal, severity: int, generator: np.random.Generator) -> Signal:
    """A slow wave and a slope of 30 % of each channel's spread at severity 1, 300 % at 5."""
    phase, slope = generator.uniform(0, 2 * np.pi, decoded.shape[1]), generator.choice((-1.0, 1.0), decoded.shape[1])
    if severity == 0:
        return decoded
    place = np.linspace(0, 1, len(decoded.values))[:, None]
    wave = slope * place + 0.5 * np.sin(2 * np.pi * place + phase)
    return moved(decoded, wave * spread(decoded) * (0.3, 0.6, 1.0, 1.8, 3.0)[severity - 1])


def scale(decoded: Signal, severity: int, generator: np.random.Generator) -> Signal:
    """Each channel times a factor around its mean and level: up to 1.2 or down to 1 / 1.2 at severity 1, 3 and 1 / 3 at 5."""
    power = generator.uniform(0.5, 1.0, decoded.shape[1]) * generator.choice((-1.0, 1.0), decoded.shape[1])
    if severity == 0:
        return decoded
    factor = np.asarray((1.2, 1.4, 1.75, 2.2, 3.0)[severity - 1] ** power)
    return bounded(decoded, decoded.values * factor)


def time_warp(decoded: Signal, severity: int, generator: np.random.Generator) -> Signal:
    """The series runs faster here and slower there: points come from up to 4 % of its length away at severity 1, 30 % at 5."""
    phase, turns = generator.uniform(0, 2 * np.pi), generator.uniform(0.8, 1.6)
    return warped(decoded, (0.0, 0.04, 0.08, 0.14, 0.21, 0.3)[severity], phase, turns) if severity else decoded


def spikes(decoded: Signal, severity: int, generator: np.random.Generator) -> Signal:
    """Single points jump by five times the spread: 1 % of them at severity 1, 15 % at 5."""
    draws, sign = generator.random(decoded.shape), generator.choice((-1.0, 1.0), decoded.shape)
    if severity == 0:
        return decoded
    hit = draws < max((0.01, 0.02, 0.04, 0.08, 0.15)[severity - 1], float(draws.min()) + 1e-12)
    return moved(decoded, hit * sign * 5 * spread(decoded))


def jitter(decoded: Signal, generator: np.random.Generator) -> Signal:
    """Noise of 5 % of each channel's spread."""
    return moved(decoded, generator.normal(size=decoded.shape) * spread(decoded) * 0.05)


def rescale(decoded: Signal, generator: np.random.Generator) -> Signal:
    """Each channel times a factor around 1, with a spread of 10 %."""
    return bounded(decoded, decoded.values * np.exp(generator.normal(0, 0.1, decoded.shape[1])))


def shift(decoded: Signal, generator: np.random.Generator) -> Signal:
    """Up to 10 % of the length earlier or later; the end value fills the gap."""
    length = len(decoded.values)
    by = round(float(generator.uniform(-0.1, 0.1)) * length)
    return replace(decoded, values=decoded.values[np.clip(np.arange(length) - by, 0, length - 1)])


def warp(decoded: Signal, generator: np.random.Generator) -> Signal:
    """Faster here and slower there by a little: points come from up to 5 % of the length away."""
    return warped(decoded, float(generator.uniform(0, 0.05)), generator.uniform(0, 2 * np.pi), generator.uniform(0.8, 2.0))


def crop(decoded: Signal, generator: np.random.Generator) -> Signal:
    """A stretch of 80 to 100 % of the length that is not all gaps."""
    length = len(decoded.values)
    kept = max(1, round(length * float(generator.uniform(0.8, 1.0))))
    start = int(generator.integers(length - kept + 1))
    values = decoded.values[start : start + kept]
    if np.isnan(values).all():
        return decoded
    return Signal(values.copy(), None if decoded.times is None else decoded.times[start : start + kept].copy())


def spread(decoded: Signal) -> np.ndarray:
    """``[C]``: each channel's standard deviation; where it is flat its size, or 1."""
    values = decoded.values.astype(np.float64)
    there = np.isfinite(values)
    count = np.maximum(there.sum(axis=0), 1)
    mean = np.where(there, values, 0).sum(axis=0) / count
    deviation = np.sqrt(np.where(there, (values - mean) ** 2, 0).sum(axis=0) / count)
    size = np.abs(mean)
    return np.where(deviation > 1e-9 * size, deviation, np.where(size > 0, 0.1 * size, 1.0))


def warped(decoded: Signal, share: float, phase: float, turns: float) -> Signal:
    """The values at moments that are moved by a wave; the nearest point is taken, so that gaps stay gaps."""
    length = len(decoded.values)
    place = np.linspace(0, 1, length)
    from_where = place + share * np.sin(2 * np.pi * turns * place + phase) * np.sin(np.pi * place)
    values = decoded.values[np.clip(np.round(from_where * (length - 1)), 0, length - 1).astype(np.int64)]
    return decoded if np.isnan(values).all() else replace(decoded, values=values)


def moved(decoded: Signal, by: np.ndarray) -> Signal:
    return bounded(decoded, decoded.values + by)


def bounded(decoded: Signal, values: np.ndarray) -> Signal:
    return replace(decoded, values=np.clip(values, -LARGEST, LARGEST).astype(np.float32))


CORRUPTIONS: Mapping[str, Callable[[Any, int, np.random.Generator], Any]] = {
    "noise": noise,
    "gaps": gaps,
    "drift": drift,
    "scale": scale,
    "time_warp": time_warp,
    "spikes": spikes,
}
AUGMENTATIONS: Mapping[str, Callable[[Any, np.random.Generator], Any]] = {
    "jitter": jitter,
    "rescale": rescale,
    "shift": shift,
    "warp": warp,
    "crop": crop,
}
