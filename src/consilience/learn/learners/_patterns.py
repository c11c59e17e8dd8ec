"""Patterns of evidence: which modalities a row has."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import combinations

import numpy as np

__all__ = ["Pattern", "nearest", "patterns_to_learn", "rows_by_pattern", "rows_with"]

Pattern = tuple[str, ...]
"""Sorted names of the modalities that are present; empty for a row of which nothing is known."""


_ALL = 4
"""Modalities of which all patterns are learned."""

_FREQUENT = 32
"""The most patterns that are learned, of more modalities, because rows have them."""


def patterns_to_learn(present: Mapping[str, np.ndarray], num_rows: int) -> list[Pattern]:
    """All patterns, the full one first.

    Beyond four modalities only the full one, those that lack one, those most frequent in the rows, the single ones and the empty one.

    Args:
        present: Modality to ``[N]`` where rows have it.

    >>> patterns_to_learn({"a": np.array([True]), "b": np.array([True])}, 1)
    [('a', 'b'), ('a',), ('b',), ()]
    """
    names = sorted(present)
    sizes = range(len(names) + 1) if len(names) <= _ALL else {len(names), len(names) - 1, 1, 0}
    found = {pattern for size in sizes for pattern in combinations(names, size)}
    if len(names) > _ALL:
        having = rows_by_pattern(present, num_rows)
        found.update(sorted(having, key=lambda pattern: (-len(having[pattern]), pattern))[:_FREQUENT])
    return sorted(found, key=lambda pattern: (-len(pattern), pattern))


def rows_by_pattern(present: Mapping[str, np.ndarray], num_rows: int) -> dict[Pattern, np.ndarray]:
    """Pattern to the positions of the rows that have exactly it."""
    names = sorted(present)
    if not names:
        return {(): np.arange(num_rows)}
    if num_rows == 1:  # somebody waits for it
        return {tuple(name for name in names if present[name][0]): np.arange(1)}
    codes = np.stack([present[name] for name in names], axis=1) @ (1 << np.arange(len(names)))
    return {tuple(name for bit, name in enumerate(names) if code >> bit & 1): np.flatnonzero(codes == code) for code in np.unique(codes)}


def rows_with(present: Mapping[str, np.ndarray], pattern: Pattern, num_rows: int) -> np.ndarray:
    """Positions of the rows that have at least the pattern."""
    having = np.ones(num_rows, dtype=bool)
    for name in pattern:
        having &= present[name]
    return np.flatnonzero(having)


def nearest(pattern: Pattern, known: Iterable[Pattern]) -> Pattern:
    """The largest known pattern that needs nothing the row lacks; the first of them in sorted order.

    >>> nearest(("a", "b", "c"), [("a", "b"), ("a",), ()])
    ('a', 'b')
    """
    return min((other for other in known if set(other) <= set(pattern)), key=lambda other: (-len(other), other))
