"""Who learns and who checks: folds and hold-outs that keep groups whole and classes balanced."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from consilience.core.errors import DataError, UsageError
from consilience.core.seeds import generator
from consilience.data.schema._dealing import codes_of, deal_groups, deal_rows, draw_groups, draw_rows

__all__ = ["Fold", "bin_target", "make_folds", "make_holdout"]


@dataclass(frozen=True)
class Fold:
    """Positions of the rows that learn and of those that check; no position is in both."""

    train: np.ndarray
    valid: np.ndarray


def make_folds(num_rows: int, k: int, *, labels: np.ndarray | None = None, groups: np.ndarray | None = None, seed: int = 0) -> list[Fold]:
    """``k`` folds; every row checks in exactly one of them.

    Each class is spread over the folds as evenly as can be; a class with fewer rows than folds is in as many folds as it has rows. Groups stay whole,
    and then classes are balanced greedily. With fewer rows or groups than ``k`` there are fewer folds.

    Args:
        num_rows: How many rows there are.
        k: How many folds, at least 2.
        labels: ``[N]`` class of each row, in any type; lists of labels count by their rarest label. Bin a number first (``bin_target``).
        groups: ``[N]`` group of each row.
        seed: The same seed gives the same folds.

    Raises:
        UsageError: ``k`` is below 2, or an array has another length.
        DataError: There are fewer than two rows, or fewer than two groups.

    >>> labels = np.array(["a", "b", "a", "b"])
    >>> [sorted(labels[fold.valid].tolist()) for fold in make_folds(4, 2, labels=labels)]
    [['a', 'b'], ['a', 'b']]
    """
    if k < 2:
        raise UsageError(f"{k} folds cannot be made.", hint="Say at least 2.")
    codes, units = check(num_rows, labels, groups)
    random = generator(seed, "folds", k)
    place = deal_rows(codes, min(k, num_rows), random) if units is None else deal_groups(codes, units, min(k, int(units.max()) + 1), random)
    return [Fold(np.flatnonzero(place != fold), np.flatnonzero(place == fold)) for fold in range(int(place.max()) + 1)]


def make_holdout(num_rows: int, share: float, *, labels: np.ndarray | None = None, groups: np.ndarray | None = None, seed: int = 0) -> Fold:
    """One fold with about ``share`` of the rows checking, at least one row on either side.

    A class with two or more rows keeps at least one row that learns, and a class with one row learns; where groups make that impossible, groups win.

    Args:
        num_rows: How many rows there are.
        share: Part of the rows that check, above 0 and below 1.
        labels: As for ``make_folds``.
        groups: As for ``make_folds``.
        seed: The same seed gives the same rows.

    Raises:
        UsageError: ``share`` is not between 0 and 1, or an array has another length.
        DataError: There are fewer than two rows, or fewer than two groups.
    """
    if not 0 < share < 1:
        raise UsageError(f"A share of {share} rows cannot be held out.", hint="Say a number above 0 and below 1.")
    codes, units = check(num_rows, labels, groups)
    random = generator(seed, "holdout")
    held = draw_rows(codes, share, random) if units is None else draw_groups(codes, units, share, random)
    return Fold(np.flatnonzero(~held), np.flatnonzero(held))


def bin_target(values: np.ndarray, bins: int = 10) -> np.ndarray:
    """``[N]`` codes of at most ``bins`` bins with about as many rows each; equal numbers share one. For folds of a number.

    >>> bin_target(np.array([1.0, 2.0, 3.0, 100.0]), bins=2).tolist()
    [0, 0, 1, 1]
    """
    distinct, codes, counts = np.unique(values, return_inverse=True, return_counts=True)
    if not len(distinct):
        return np.zeros(0, dtype=np.int64)
    middle = (np.cumsum(counts) - counts / 2) / counts.sum()
    return np.asarray(np.unique(np.floor(middle * bins), return_inverse=True)[1][codes], dtype=np.int64)


def check(num_rows: int, labels: np.ndarray | None, groups: np.ndarray | None) -> tuple[np.ndarray, np.ndarray | None]:
    """Codes of the labels (all 0 without) and of the groups (None without)."""
    for what, array in (("labels", labels), ("groups", groups)):
        if array is not None and len(array) != num_rows:
            raise UsageError(f"There are {len(array):,} {what} for {num_rows:,} rows.")
    if num_rows < 2:
        raise DataError(f"{num_rows} row{'' if num_rows == 1 else 's'} cannot be split.", hint="Give more rows.")
    codes = np.zeros(num_rows, dtype=np.int64) if labels is None else codes_of(labels)
    if groups is None:
        return codes, None
    units = codes_of(groups)
    if int(units.max()) < 1:
        raise DataError("All rows are in one group, so they cannot be split.", hint="Take another group column, or none.")
    return codes, units
