"""A plot of values with intervals: one strip per row, label and number beside it as text."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from consilience.report._axes import Axis, linear_axis
from consilience.report._numbers import Interval, Numbers

__all__ = ["IntervalPlot", "IntervalRow", "Strip", "plot_changes", "plot_intervals", "plot_shares"]


@dataclass(frozen=True)
class IntervalRow:
    """What is drawn in a row.

    Args:
        label: Its name.
        note: Smaller words after the name.
        found: value, low, high; None where unknown.
        strong: Drawn in the accent colour.
        ring: Drawn as a ring.
        tag: A word that marks it.
    """

    label: str
    found: Interval
    note: str = ""
    strong: bool = False
    ring: bool = False
    tag: str = ""


@dataclass(frozen=True)
class Strip:
    """A row with its places along the axis, 0 to 100; None where there is nothing to draw."""

    row: IntervalRow
    value: float | None
    low: float
    high: float
    outside: bool
    text: str
    interval: str


@dataclass(frozen=True)
class IntervalPlot:
    """Strips under one axis."""

    strips: tuple[Strip, ...]
    axis: Axis
    ticks: tuple[tuple[float, str, str], ...]
    """Place, anchor and text of each tick."""
    axis_label: str
    promise: float | None = None
    """Place of a line that values should not fall below."""


def plot_intervals(rows: Sequence[IntervalRow], metric: str, numbers: Numbers) -> IntervalPlot | None:
    """The plot, or None where no row has a value.

    Where the metric has no bounds, rows far worse than the better half do not stretch the axis: they are drawn at its end, marked as outside, and
    their numbers say the rest.
    """
    known = [row for row in rows if row.found.get("value") is not None]
    if not known:
        return None
    meant = numbers.task.metrics[metric]
    bounded = math.isfinite(meant.low) and math.isfinite(meant.high)
    axis = linear_axis(*_extent(known, meant.sign, bounded=bounded), least=meant.low, most=meant.high)
    strips = []
    for row in rows:
        value, low, high = (row.found.get(part) for part in ("value", "low", "high"))
        if value is None:
            strips.append(Strip(row, None, 0, 0, False, numbers.metric(metric, None), ""))
            continue
        low, high = (value if low is None else low), (value if high is None else high)
        outside = not axis.low <= value <= axis.high
        strips.append(
            Strip(row, axis.at(value), axis.at(low), axis.at(high), outside, numbers.metric(metric, value), numbers.interval(metric, row.found))
        )
    ticks = tuple((tick.at, tick.anchor, numbers.tick(metric, tick.value)) for tick in axis.ticks)
    return IntervalPlot(tuple(strips), axis, ticks, numbers.axis(metric))


def plot_changes(rows: Sequence[IntervalRow], metric: str, numbers: Numbers, label: str) -> IntervalPlot | None:
    """The same for differences of a metric, zero among them; ``label`` names the axis. None where no row has a value."""

    def said(value: float | None) -> str:
        return numbers.change_number(metric, value)

    return _plot_with_zero(rows, said, lambda value: numbers.change_tick(metric, value), numbers, label, 0.0)


def plot_shares(rows: Sequence[IntervalRow], numbers: Numbers, label: str, *, promise: float | None = None) -> IntervalPlot | None:
    """The same for parts of one: 0 and 1 are on the axis. With ``promise``, only what lies about it and the values, and a line there."""
    tick = numbers.whole if promise is None else lambda value: numbers.tick("accuracy", value)  # a narrow range has ticks between whole per cents
    return _plot_with_zero(rows, numbers.share, tick, numbers, label, 1.0, promise)


def _plot_with_zero(
    rows: Sequence[IntervalRow],
    said: Callable[[float | None], str],
    tick: Callable[[float], str],
    numbers: Numbers,
    label: str,
    most: float,
    promise: float | None = None,
) -> IntervalPlot | None:
    parts = [[row.found.get(part) for part in ("value", "low", "high")] for row in rows]
    known = [x for part in parts for x in part if x is not None]
    if not known:
        return None
    axis = linear_axis(min(0.0, *known), max(most, *known), 5) if promise is None else linear_axis(min(promise, *known), 1.0, 5, most=1.0)
    strips = []
    for row, (value, low, high) in zip(rows, parts, strict=True):
        if value is None:
            strips.append(Strip(row, None, 0, 0, False, said(None), ""))
            continue
        between = "" if low is None or high is None else numbers.words("number.to", low=said(low), high=said(high))
        low, high = (value if low is None else low), (value if high is None else high)
        strips.append(Strip(row, axis.at(value), axis.at(low), axis.at(high), False, said(value), between))
    # Beyond all of it there is room, but no number that would crowd the others.
    ticks = tuple((one.at, one.anchor, "" if 0 < most < one.value else tick(one.value)) for one in axis.ticks)
    return IntervalPlot(tuple(strips), axis, ticks, label, None if promise is None else axis.at(promise))


def _extent(rows: Sequence[IntervalRow], sign: float, *, bounded: bool) -> tuple[float, float]:
    """Least and greatest value that the axis has to hold."""
    parts = [[row.found.get(part) for part in ("value", "low", "high")] for row in rows]
    filled = np.array([[part[0] if x is None else x for x in part] for part in parts], dtype=float)
    low, high = float(filled.min()), float(filled.max())
    if bounded:
        return low, high
    best = filled[np.argsort(-sign * filled[:, 0])][: math.ceil(len(rows) / 2)]
    # Where the worse half reaches far beyond the better one, it would press all that matters into a corner.
    reach = 8 * max(float(best.max() - best.min()), 0.05 * float(np.abs(best).max()))
    return (max(low, float(best.min()) - reach), high) if sign > 0 else (low, min(high, float(best.max()) + reach))
