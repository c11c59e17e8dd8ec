"""How far a share of rows may be off.

Source: Clopper and Pearson (1934), exact; Wilson (1927), short; Brown, Cai and DasGupta (2001) compare them.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.stats import beta, norm
from scipy.stats import t as student

from consilience.metrics._types import Interval

__all__ = ["effective_rows", "exact_share", "most", "newcombe", "wilson"]


def exact_share(hits: int, rows: int, level: float = 0.95) -> Interval:
    """A share of independent rows; the truth is held at least as often as ``level`` says, whatever it is. NaN without rows.

    >>> found = exact_share(10, 10)
    >>> round(found.low, 3), found.high
    (0.692, 1.0)
    """
    if not rows:
        return Interval(float("nan"), float("nan"), float("nan"))
    doubt = (1 - level) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(doubt, hits, rows - hits + 1))
    return Interval(hits / rows, low, most(hits, rows, doubt))


def most(hits: int, rows: int, doubt: float) -> float:
    """The largest share that this many hits among these rows leave possible; exceeded with a chance of ``doubt`` at most.

    >>> round(most(0, 100, 0.05), 3)
    0.03
    """
    return 1.0 if hits == rows else float(beta.ppf(1 - doubt, hits + 1, rows - hits))


def effective_rows(hits: np.ndarray, codes: np.ndarray) -> tuple[float, int]:
    """As many independent rows as would tell a share as well as these rows of groups do (Kish 1965), at most all; and the number of groups.

    Rows that are all alike tell no more than their groups are.

    Args:
        hits: ``[N]`` 0 or 1.
        codes: ``[N]`` group of each row.
    """
    if not len(hits):
        return 0.0, 0
    names, places = np.unique(codes, return_inverse=True)
    share = float(hits.mean())
    spread = float((np.bincount(places, weights=hits - share) ** 2).sum())
    found = len(names) if share in (0.0, 1.0) else len(hits) ** 2 * share * (1 - share) / spread if spread > 0 else len(hits)
    return float(min(found, len(hits))), len(names)


def newcombe(one: Interval, other: Interval) -> Interval:
    """One share less another of other rows, from the interval of each (Newcombe 1998, the square-and-add method).

    >>> found = newcombe(wilson(0.9, 100), wilson(0.8, 100))
    >>> round(found.low, 3), round(found.high, 3)
    (0.0, 0.199)
    """
    value = one.value - other.value
    low = value - math.hypot(one.value - one.low, other.high - other.value)
    return Interval(value, max(low, -1.0), min(value + math.hypot(one.high - one.value, other.value - other.low), 1.0))


def wilson(share: float, rows: float, level: float = 0.95, *, groups: int | None = None) -> Interval:
    """A share whose interval is right on average, shorter than the exact one. NaN without rows.

    Args:
        share: 0 to 1.
        rows: How many there are, or as many independent ones as would tell as much.
        groups: How many groups that was found out from; few leave it uncertain. None where rows are independent.

    >>> found = wilson(1.0, 10)
    >>> round(found.low, 3), found.high
    (0.722, 1.0)
    """
    if not rows > 0:
        return Interval(float("nan"), float("nan"), float("nan"))
    z = float(norm.ppf((1 + level) / 2) if groups is None else student.ppf((1 + level) / 2, max(1, groups - 1)))
    middle = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    # Next to the bounds a rounding error must not push the share out.
    return Interval(float(share), float(max(0.0, min(middle - half, share))), float(min(1.0, max(middle + half, share))))
