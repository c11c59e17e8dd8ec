"""Measurements over time: values with gaps, when they were taken, and what is derived from a track of positions."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from consilience.core.errors import CellError

__all__ = ["Signal", "from_table", "stack"]

LARGEST = float(np.finfo(np.float32).max)
TIME = re.compile(r"t|time|times|timestamp|timestamps|datetime|date|seconds|sec|时间|时刻")
LATITUDE = re.compile(r"lat|latitude|纬度")
LONGITUDE = re.compile(r"lon|lng|long|longitude|经度")
EARTH = 6_371_008.8
"""Mean radius, metres."""
STILL = 0.5
"""Metres; a shorter leg of a track has no heading, since the error of a position is larger."""
UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))
"""Times since 1970 beyond the first number are in nano-, micro- and milliseconds: in seconds they would lie beyond the year 5000."""


@dataclass(frozen=True, eq=False)
class Signal:
    """One series.

    Args:
        values: ``[L, C] float32``: L points in time, C channels; a gap is NaN.
        times: ``[L] float64``, never falling, in seconds where the unit is known; None where nothing is said of the times.
    """

    values: np.ndarray
    times: np.ndarray | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """L and C."""
        return self.values.shape

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Signal) or (self.times is None) != (other.times is None):
            return False
        if self.times is not None and other.times is not None and not np.array_equal(self.times, other.times):
            return False
        return np.array_equal(self.values, other.values, equal_nan=True)


def stack(signals: Sequence[Signal | None]) -> Signal:
    """Several series as channels of one: ``[L, sum of C]`` with the longest L; shorter ones end in gaps.

    The times are those of the longest one that has some. None gives one channel of gaps.

    >>> one = Signal(np.ones((2, 1), dtype=np.float32))
    >>> stack([one, None]).values.tolist()
    [[1.0, nan], [1.0, nan]]
    """
    length = max((len(signal.values) for signal in signals if signal is not None), default=1)
    parts = []
    for signal in signals:
        part = np.full((length, 1 if signal is None else signal.values.shape[1]), np.nan, dtype=np.float32)
        if signal is not None:
            part[: len(signal.values)] = signal.values
        parts.append(part)
    times = next((signal.times for signal in signals if signal is not None and signal.times is not None and len(signal.times) == length), None)
    return Signal(np.concatenate(parts, axis=1) if parts else np.full((1, 1), np.nan, dtype=np.float32), times)


def from_table(values: np.ndarray, names: Sequence[str] = ()) -> Signal:
    """Numbers ``[L]`` or ``[L, C]`` as a series.

    The first column named like a time (``time``, ``t``, ``timestamp``, ...) gives the times; rows are put into their order, and rows without a
    time are left out. With columns named ``lat`` and ``lon`` the series is a track: behind its channels stand the speed (metres a second, or
    a step where no times are given) and the turn (degrees a second or a step, positive to the right). Infinite values are gaps.

    Raises:
        CellError: No values, more than two axes, or nothing but gaps.
    """
    values = np.asarray(values, dtype=np.float64)
    if values.ndim > 2:
        raise CellError(f"A series has one axis or two (times x channels), not {values.ndim}.", found=values.shape)
    values = values.reshape(len(values), -1) if values.ndim else values.reshape(1, 1)
    words = [name.strip().lower() for name in names]
    times: np.ndarray | None = None
    place = next((at for at, word in enumerate(words) if TIME.fullmatch(word)), None)
    if place is not None and values.shape[1] > 1:
        times = in_seconds(values[:, place])
        values = np.delete(values, place, axis=1)
        del words[place]
        order = np.argsort(times, kind="stable")
        order = order[np.isfinite(times[order])]
        times, values = times[order], values[order]
    if not values.size:
        raise CellError("The series has no values.")
    values = np.where(np.isfinite(values), values, np.nan)
    if np.isnan(values).all():
        count = values.size
        raise CellError(f"All {count:,} values of the series are gaps." if count > 1 else "The only value of the series is a gap.")
    where = track_columns(words)
    if where is not None:
        values = np.concatenate([values, motion(values[:, where[0]], values[:, where[1]], times)], axis=1)
    return Signal(np.clip(values, -LARGEST, LARGEST).astype(np.float32), times)


def in_seconds(times: np.ndarray) -> np.ndarray:
    """Times as seconds, where their size says that they are parts of a second since 1970."""
    middle = float(np.nanmedian(np.abs(times))) if np.isfinite(times).any() else 0.0
    return times / next((divisor for limit, divisor in UNITS if middle > limit), 1.0)


def track_columns(words: Sequence[str]) -> tuple[int, int] | None:
    """Where latitude and longitude stand among the channels, if both are there."""
    found = [next((at for at, word in enumerate(words) if pattern.fullmatch(word)), None) for pattern in (LATITUDE, LONGITUDE)]
    return None if found[0] is None or found[1] is None else (found[0], found[1])


def motion(latitude: np.ndarray, longitude: np.ndarray, times: np.ndarray | None) -> np.ndarray:
    """Speed and turn ``[L, 2]`` at each position of a track, in degrees; NaN where there is no position.

    A speed is that of the leg that ends here; the first position takes that of the second. A turn is the change of heading from the leg before.
    """
    there = np.flatnonzero((np.abs(latitude) <= 90) & (np.abs(longitude) <= 360))
    made = np.full((len(latitude), 2), np.nan)
    if len(there) < 2:
        made[there] = 0.0
        return made
    lat, lon = np.radians(latitude[there]), np.radians(longitude[there])
    wide = np.diff(lon)
    part = np.sin(np.diff(lat) / 2) ** 2 + np.cos(lat[:-1]) * np.cos(lat[1:]) * np.sin(wide / 2) ** 2
    legs = 2 * EARTH * np.arcsin(np.sqrt(np.minimum(part, 1.0)))  # haversine
    spans = np.ones(len(legs)) if times is None else np.diff(times[there])
    with np.errstate(divide="ignore", invalid="ignore"):
        speed = np.where(spans > 0, legs / spans, np.nan)
    heading = np.degrees(
        np.arctan2(np.sin(wide) * np.cos(lat[1:]), np.cos(lat[:-1]) * np.sin(lat[1:]) - np.sin(lat[:-1]) * np.cos(lat[1:]) * np.cos(wide))
    )
    moved = np.flatnonzero(legs >= STILL)
    last = np.maximum.accumulate(np.where(legs >= STILL, np.arange(len(legs)), -1))
    heading = np.where(last >= 0, heading[np.maximum(last, 0)], heading[moved[0]] if len(moved) else 0.0)  # standing keeps the heading
    turn = (np.diff(heading) + 180) % 360 - 180
    with np.errstate(divide="ignore", invalid="ignore"):
        turn = np.where(spans[1:] > 0, turn / spans[1:], 0.0)
    made[there[1:], 0] = speed
    made[there[0], 0] = speed[0]
    made[there, 1] = 0.0
    made[there[2:], 1] = turn
    return made
