"""What can be said of a series in numbers: level, spread, shape, rhythm, spectrum, and how its channels go together.

Source: common practice; after catch22 (Lubba et al., 2019) and tsfresh (Christ et al., 2018). When to use it: level, spread and rhythm carry the
answer, trees are to read it, or the features must be explained. When not: the answer lies in one short shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.data.kinds._signal import Signal
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.series._resample import check, dense, into_slots, places, resampled, standard

__all__ = ["Stats"]

CARD = Card(
    summary="Level, spread, quantiles, trend, rhythm, spectrum and gaps of each channel, and how channels go together; cheap and explainable.",
    source="After catch22 (Lubba et al., 2019) and tsfresh (Christ et al., 2018)",
    claims=("frozen", "default"),
    cost="low",
)

LIMIT = 1e30
MOST = 1 << 16
"""Points of a longer series, after averaging; the bands of its spectrum are shares of what is left."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
LAGS = (1, 2, 4, 8, 16)
FAR = (8, 4, 2)
"""Autocorrelations at these parts of the length."""
BANDS = 8
PER_CHANNEL = 4 + 2 + len(QUANTILES) + 2 + 8 + len(LAGS) + len(FAR) + 4 + BANDS + 4
GLOBAL = 5


class StatsSettings(Settings):
    """Settings of ``stats``.

    Args:
        channels: How many channels have a place of their own. Fewer leave zeros; more are mixed into so many by a fixed random matrix.
    """

    channels: int = Field(default=16, ge=1, le=256)


class Stats(FrozenEncoder):
    """One vector: the same numbers for each channel, the correlation of each pair of channels, length, span and evenness of the times.

    Heavy tails are taken as logarithms. A series of one point has a level, and zeros for what needs more.

    Shape:
        - cell: ``Signal`` with values ``[L, C]``, any L and C from 1.
        - output: values ``[B, 1, D]``, D = 45 for each channel, one for each pair of channels, and 5.

    >>> from consilience.data.kinds._signal import Signal
    >>> encoder = Stats(StatsSettings())
    >>> encoder.prepare(Signal(np.ones((5, 2), dtype=np.float32)))["features"].shape == (encoder.width,)
    True
    """

    Settings = StatsSettings
    settings: StatsSettings

    @property
    def width(self) -> int:
        slots = self.settings.channels
        return slots * PER_CHANNEL + slots * (slots - 1) // 2 + GLOBAL

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        signal, slots = check(cell), self.settings.channels
        missing = np.isnan(signal.values).mean(axis=0)
        values = np.clip(dense(signal), -LIMIT, LIMIT)
        where = places(signal)
        if len(values) > MOST or (signal.times is not None and len(values) > 1):
            values = resampled(values, where, min(len(values), MOST))
        if values.shape[1] > slots:
            values, missing = into_slots(values, slots), into_slots(missing, slots)
        rows = np.stack([*of_channels(values), missing])  # [PER_CHANNEL, C]
        rows = into_slots(rows, slots)
        features = np.concatenate([rows.T.reshape(-1), together(values, slots), of_times(signal)])
        return {"features": np.clip(features, -LIMIT, LIMIT).astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)


def of_channels(values: np.ndarray) -> list[np.ndarray]:
    """``[L, C]`` to ``PER_CHANNEL - 1`` arrays ``[C]``."""
    z, mean, spread = standard(values)
    length = len(z)
    moments = np.linspace(-1, 1, length)[:, None] if length > 1 else np.zeros((1, 1))
    steps = np.diff(z, axis=0) if length > 1 else np.zeros_like(z)
    half = max(1, length // 2)
    signs = np.sign(z)
    made = [mean, np.arcsinh(mean), spread, np.log10(spread + 1e-30) * (spread > 0)]
    made += [np.arcsinh(values.min(axis=0)), np.arcsinh(values.max(axis=0))]
    made += list(np.quantile(z, QUANTILES, axis=0))
    made += [np.cbrt((z**3).mean(axis=0)), np.log1p((z**4).mean(axis=0))]
    made += [
        (z * moments).mean(axis=0) * 3,  # slope
        (z * (moments**2 - 1 / 3)).mean(axis=0) * 3,  # bow
        z[:half].mean(axis=0) - z[half:].mean(axis=0) if length > 1 else np.zeros(z.shape[1]),
        np.log(z[:half].std(axis=0) + 0.05) - np.log(z[half:].std(axis=0) + 0.05) if length > 1 else np.zeros(z.shape[1]),
        z.argmax(axis=0) / length,
        z.argmin(axis=0) / length,
        z[0],
        z[-1],
    ]
    made += [correlated(z, lag) for lag in LAGS] + [correlated(z, length // part) for part in FAR]
    turning = (steps[1:] * steps[:-1] < 0).mean(axis=0) if len(steps) > 1 else np.zeros(z.shape[1])
    made += [
        (signs[1:] * signs[:-1] < 0).mean(axis=0) if length > 1 else np.zeros(z.shape[1]),
        turning,
        np.log(np.abs(steps).mean(axis=0) + 1e-3),
        np.log(np.abs(steps).max(axis=0) + 1e-3),
    ]
    return made + spectrum(z)


def correlated(z: np.ndarray, lag: int) -> np.ndarray:
    """``[C]``: correlation of each channel with itself ``lag`` points later; zero where the series is too short."""
    if not 0 < lag < len(z):
        return np.zeros(z.shape[1])
    found: np.ndarray = (z[lag:] * z[:-lag]).sum(axis=0) / len(z)
    return found


def spectrum(z: np.ndarray) -> list[np.ndarray]:
    """Shares of power in ``BANDS`` bands, each twice as wide as the one below, as logarithms; then where the peak is, how high, the middle, the
    evenness."""
    length, channels = z.shape
    if length < 4:
        return [np.zeros(channels)] * (BANDS + 3)
    power = np.abs(np.fft.rfft(z * np.hanning(length + 2)[1:-1, None], axis=0)[1:]) ** 2  # [F, C]
    share = power / np.maximum(power.sum(axis=0), 1e-12)
    bins = np.arange(1, len(share) + 1)
    place = np.log2(bins / len(share))  # 0 at the highest frequency that there is
    band = np.clip(np.floor(place + BANDS), 0, BANDS - 1).astype(np.int64)
    made = [np.log(share[band == number].sum(axis=0) + 1e-3) for number in range(BANDS)]
    evenness = -(share * np.log(share + 1e-12)).sum(axis=0) / np.log(len(share) + 1)
    peak = share.argmax(axis=0)
    return [*made, place[peak], np.sqrt(share.max(axis=0)), evenness]


def together(values: np.ndarray, slots: int) -> np.ndarray:
    """Correlation of each pair of the slots, zeros where there is no such channel or it is flat."""
    z, _, _ = standard(values)
    full = np.zeros((slots, slots))
    count = z.shape[1]
    full[:count, :count] = z.T @ z / len(z)
    return full[np.triu_indices(slots, 1)]


def of_times(signal: Signal) -> np.ndarray:
    """Length, channels, span, middle step and unevenness of the times."""
    made = np.zeros(GLOBAL)
    made[0], made[1] = np.log2(len(signal.values)), np.log2(signal.values.shape[1])
    if signal.times is not None and len(signal.times) > 1:
        steps = np.diff(signal.times)
        made[2] = np.log1p(signal.times[-1] - signal.times[0])
        made[3] = np.log10(np.median(steps) + 1e-6)
        made[4] = steps.std() / (steps.mean() + 1e-12)
    return made
