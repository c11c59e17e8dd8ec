"""Bars to two sides of a line: what speaks for it to the right, what speaks against it to the left."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from consilience.report.explanation._saying import Saying

__all__ = ["Bar", "bars_of"]

REACH = 48.0
"""Per cent of the lane's width from its middle to the end of the longest bar."""


@dataclass(frozen=True)
class Bar:
    """One bar. ``end``, ``low`` and ``high``: 0 to 100 across the lane, whose middle is zero; ``side``: for or against."""

    name: str
    note: str
    side: str
    end: float
    low: float
    high: float
    text: str


def bars_of(rows: Sequence[tuple[str, str, float, float]], say: Saying) -> tuple[Bar, ...]:
    """Bars of (name, note, weight, standard error), on one scale."""
    most = max((abs(weight) + 2 * error for _, _, weight, error in rows), default=0.0) or 1.0

    def at(value: float) -> float:
        return round(50 + REACH * value / most, 2)

    return tuple(
        Bar(name, note, "for" if weight >= 0 else "against", at(weight), at(weight - 2 * error), at(weight + 2 * error), say.weight(weight))
        for name, note, weight, error in rows
    )
