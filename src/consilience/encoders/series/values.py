"""The course of a series at a fixed number of points. Source: common practice; the baseline of the UCR archive (Dau et al., 2019).

When to use it: series that begin and end at comparable moments (a stroke, a spoken sound, a spectrum, a day). When not: what happens can happen at
any moment.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import Field

from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.encoders._base import FrozenEncoder
from consilience.encoders.series._resample import check, dense, into_slots, places, relative, resampled

__all__ = ["Values"]

CARD = Card(
    summary="Each channel at 64 evenly spaced points, its level, spread and length; for series that begin and end at comparable moments.",
    source="Common practice; the baseline of the UCR archive (Dau et al., 2019)",
    claims=("frozen", "default"),
    cost="low",
)

LIMIT = 1e30
"""Beyond it a level is cut, so that squares stay finite in float64 and values in float32."""


class ValuesSettings(Settings):
    """Settings of ``values``.

    Args:
        points: To how many points a series is brought.
        channels: How many channels have a place of their own. Fewer leave zeros; more are mixed into so many by a fixed random matrix.
    """

    points: int = Field(default=64, ge=2, le=4096)
    channels: int = Field(default=16, ge=1, le=1024)


class Values(FrozenEncoder):
    """One vector: for each channel its course in units of the whole cell's spread, then its level and spread; last, the length.

    Shape:
        - cell: ``Signal`` with values ``[L, C]``, any L and C from 1.
        - output: values ``[B, 1, channels * (points + 6) + 1]``.

    >>> from consilience.data.kinds._signal import Signal
    >>> encoder = Values(ValuesSettings(points=4, channels=1))
    >>> item = encoder.prepare(Signal(np.array([[0.0], [1.0], [np.nan], [3.0]], dtype=np.float32)))
    >>> [round(float(value), 2) for value in item["features"][:4]]
    [-1.34, -0.45, 0.45, 1.34]
    """

    Settings = ValuesSettings
    settings: ValuesSettings

    @property
    def width(self) -> int:
        return self.settings.channels * (self.settings.points + 6) + 1

    def prepare(self, cell: Any) -> dict[str, np.ndarray]:
        signal = check(cell)
        filled = np.clip(dense(signal), -LIMIT, LIMIT)
        course = resampled(filled, places(signal), self.settings.points)  # [points, C]
        shape, mean, spread = relative(course)
        levels = [mean, filled[0], filled[-1]]
        rows = [*shape, *(np.arcsinh(level) for level in levels), mean, spread, np.log10(spread + 1e-30) * (spread > 0)]
        slots = into_slots(np.stack(rows), self.settings.channels)  # [points + 6, channels]
        features = np.concatenate([slots.T.reshape(-1), [np.log2(len(filled))]])
        return {"features": features.astype(np.float32)}

    def encode(self, batch: dict[str, np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        values = batch["features"][:, None, :]  # [B, 1, D]
        return values, np.ones(values.shape[:2], dtype=bool)
