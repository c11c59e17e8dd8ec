"""Statistics of mel cepstra, in numpy. Source: Davis and Mermelstein (1980); cepstral mean subtraction of Atal (1974).

When to use it: the default. Milliseconds a sound, no weights, and a linear model can use it at once: spoken words, instruments, machines, alarms.
When not: thousands of labelled sounds, or many speakers and whole sentences: ``melcnn`` learns more, and ``hf`` knows speech.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings as AnySettings
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.audio._mel import Mel, Scale, cepstra, mel_power
from consilience.encoders.audio._trim import fourier, loud
from consilience.encoders.audio._waves import sound_of

__all__ = ["Stats"]

CARD = Card(
    summary="Fixed statistics of mel bands: timbre, how it changes from part to part, loudness, length; the default.",
    source="Davis and Mermelstein (1980); Atal (1974)",
    claims=("frozen", "default"),
    cost="low",
)

FLOOR = 1e-6
"""Power under the loudest band that counts as silence (60 dB), so that the noise of a quiet room does not rule the logarithms."""
ORDER = 8
"""Cepstra, from the second on, whose products are taken."""
LAGS = (2, 5, 10)
"""Frames (20, 50, 100 milliseconds) over which a sound is compared with itself."""
QUANTILES = (0.1, 0.5, 0.9)
FACTS = 9


class StatsSettings(AnySettings):
    """Settings of ``stats``.

    Args:
        bands: Mel bands from 20 Hz to 8 kHz.
        cepstra: Numbers that describe a frame of 25 milliseconds.
        parts: Equal parts into which the sound is cut, so that order counts.
        trim: Silence at both ends is left out: what lies so many decibels below the loudest frame.
        scale: Of pitch: ``slaney`` or ``htk``.
        high: Hz up to which it hears; None for half the rate.
    """

    bands: int = Field(default=40, ge=8, le=256)
    cepstra: int = Field(default=13, ge=10, le=64)
    parts: int = Field(default=8, ge=1, le=64)
    trim: float = Field(default=18.0, gt=0, le=120)
    scale: Scale = "slaney"
    high: float | None = Field(default=None, ge=500)


class Stats(FrozenEncoder):
    """One vector per sound: statistics of the cepstra, the mean cepstra of each part, products of cepstra, loudness and length.

    Shape:
        - cell: a ``Sound``.
        - output: values ``[B, 1, 266]`` with the settings as they are, all finite.

    >>> from consilience.data.kinds._sound import Sound
    >>> encoder = Stats(StatsSettings())
    >>> values, mask = encoder.encode(encoder.collate([encoder.prepare(Sound(np.zeros(1, dtype=np.float32)))]))
    >>> values.shape == (1, 1, encoder.width), mask.tolist()
    (True, [[True]])
    """

    Settings = StatsSettings
    settings: StatsSettings

    @property
    def width(self) -> int:
        return self.settings.cepstra * (self.settings.parts + 3 + len(QUANTILES) + len(LAGS)) + ORDER * (ORDER + 1) // 2 + FACTS

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        # All the work is done here, per cell: it then runs in many threads, and cannot depend on a cell's company.
        samples, rate = sound_of(cell)
        high = None if self.settings.high is None else min(self.settings.high, rate / 2)
        window, hop, bands, scale = rate // 40, rate // 100, self.settings.bands, self.settings.scale
        mel = Mel(rate=rate, window=window, hop=hop, size=fourier(window), bands=bands, high=high, scale=scale)
        power = mel_power(samples, mel)  # [T, bands]
        logs = np.log(power / max(float(power.max()), 1e-12) + np.float32(FLOOR))
        first, last = loud(power, self.settings.trim)
        frames = cepstra(logs[first:last], self.settings.cepstra).astype(np.float64)  # [L, cepstra]
        deltas = np.abs(np.diff(frames, axis=0)).mean(axis=0) if len(frames) > 1 else np.zeros(frames.shape[1])
        mean = frames.mean(axis=0)
        moved = frames - mean  # what a room or a microphone adds to every frame is gone
        alike = [(moved[lag:] * moved[:-lag]).mean(axis=0) if len(moved) > lag else np.zeros(len(mean)) for lag in LAGS]
        products = (moved[:, 1 : ORDER + 1].T @ moved[:, 1 : ORDER + 1] / len(moved))[np.triu_indices(ORDER)]
        features = [
            part_means(moved, self.settings.parts).reshape(-1),
            *(mean, frames.std(axis=0), deltas, np.quantile(frames, QUANTILES, axis=0).reshape(-1)),
            *(np.arcsinh(part) for part in (*alike, products)),  # products have heavy tails
            facts(samples, rate, power, (last - first) / len(power)),
        ]
        return {"features": np.concatenate(features).astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)


def part_means(frames: np.ndarray, parts: int) -> np.ndarray:
    """``[L, C]`` to the means of equal parts, ``[parts, C]``; parts may be shorter than a frame, borders lie between frames."""
    length = len(frames)
    sums = np.concatenate([np.zeros((1, frames.shape[1])), np.cumsum(frames, axis=0), np.zeros((1, frames.shape[1]))])
    borders = np.linspace(0, length, parts + 1)
    whole = np.minimum(borders.astype(int), length)
    rest = (borders - whole)[:, None]
    inside = np.concatenate([frames, np.zeros((1, frames.shape[1]))])
    reached = sums[whole] + rest * inside[whole]  # [parts + 1, C]
    means: np.ndarray = np.diff(reached, axis=0) * (parts / length)
    return means


def facts(samples: np.ndarray, rate: int, power: np.ndarray, kept: float) -> np.ndarray:
    """Nine numbers on the sound as a whole: loudness, peak, length, how much is silent, how noisy, how it rises and falls."""
    square = float(np.mean(np.square(samples, dtype=np.float64)))
    signs = samples >= 0
    crossings = float(np.mean(signs[1:] != signs[:-1])) if len(samples) > 1 else 0.0
    energy = power.sum(axis=1).astype(np.float64)
    loudness = np.log(energy / max(float(energy.max()), 1e-12) + FLOOR)
    weights = energy / max(float(energy.sum()), 1e-30)
    places = (np.arange(len(energy)) + 0.5) / len(energy)
    middle = float((weights * places).sum())
    spread = float(np.sqrt(max(0.0, float((weights * (places - middle) ** 2).sum()))))
    seconds = len(samples) / rate
    peak = float(np.abs(samples).max())
    found = [np.log(square + 1e-10), np.log(peak + 1e-5), np.log(peak**2 + 1e-10) - np.log(square + 1e-10), np.log(seconds)]
    return np.array([*found, np.log(seconds * kept + 1e-3), np.sqrt(crossings), loudness.std(), middle, spread])
