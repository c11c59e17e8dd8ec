"""Lines in a plot: points in per cent of its width and height, and a legend."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

__all__ = ["Line", "line_of"]


@dataclass(frozen=True)
class Line:
    """One line. ``points``: ``x,y`` pairs, 0 to 100, ``y`` from the top, as SVG takes them; ``style``: 0, 1, 2 ... how it is drawn."""

    name: str
    points: str
    style: int


def line_of(name: str, x: Sequence[float] | np.ndarray, y: Sequence[float] | np.ndarray, style: int) -> Line:
    """A line through the points whose ``y`` is a number.

    >>> line_of("a", [0, 50, 100], [10, float("nan"), 30], 0).points
    '0.00,90.00 100.00,70.00'
    """
    pairs = [(float(a), float(b)) for a, b in zip(x, y, strict=True) if np.isfinite(b)]
    return Line(name, " ".join(f"{a:.2f},{100 - b:.2f}" for a, b in pairs), style)
