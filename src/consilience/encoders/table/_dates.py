"""What a moment is made of, for models: how late it is, the year, the season, the day of the week, the hour."""

from __future__ import annotations

import numpy as np

__all__ = ["WEEKDAYS", "date_parts", "weekdays"]

WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

DAY = 86400.0
FIRST, LAST = -62135596800.0, 253402300799.0
"""The years 1 to 9999, in seconds since 1970 UTC."""


def date_parts(seconds: np.ndarray) -> dict[str, np.ndarray]:
    """Part to ``[N]`` float64, from seconds since 1970 UTC; moments before year 1 or after year 9999 count as those.

    >>> {part: float(values[0]) for part, values in date_parts(np.array([86400.0])).items()}
    {'days': 1.0, 'year': 1970.0, 'month sin': 0.0, 'month cos': 1.0, 'hour sin': 0.0, 'hour cos': 1.0}
    """
    seconds = np.clip(seconds, FIRST, LAST)
    moments = np.floor(seconds).astype("datetime64[s]")
    months = moments.astype("datetime64[M]").astype(np.int64)
    season = 2 * np.pi * (months % 12) / 12
    hour = 2 * np.pi * (seconds % DAY) / DAY
    return {
        "days": seconds / DAY,
        "year": np.floor(months / 12) + 1970.0,
        "month sin": np.sin(season),
        "month cos": np.cos(season),
        "hour sin": np.sin(hour),
        "hour cos": np.cos(hour),
    }


def weekdays(seconds: np.ndarray) -> list[str]:
    """The day of the week of each moment.

    >>> weekdays(np.array([0.0]))
    ['Thursday']
    """
    days = np.floor(np.clip(seconds, FIRST, LAST) / DAY).astype(np.int64)
    return [WEEKDAYS[index] for index in (days + 3) % 7]
