"""Numbers as a person reads them, in the words of one language."""

from __future__ import annotations

import math
from collections.abc import Mapping

from consilience.report._words import Words
from consilience.tasks import Task

__all__ = ["Numbers"]

PERCENT = {"accuracy", "balanced_accuracy", "macro_f1", "micro_f1", "precision", "recall", "map", "hamming", "ece"}
"""Metrics that are shares: shown as percentages, their differences as points."""

Interval = Mapping[str, float | None]


class Numbers:
    """Values, shares, metrics and their differences as text."""

    def __init__(self, words: Words, task: Task) -> None:
        self.words, self.task = words, task

    def plain(self, value: float | None) -> str:
        """About three figures; thousands get a mark.

        ``1234567.0`` is ``1,234,567``, ``0.012345`` is ``0.0123``.
        """
        if value is None or not math.isfinite(value):
            return self.words("number.none")
        size = abs(value)
        if size >= 1e15 or 0 < size < 1e-4:
            return f"{value:.2e}".replace("-", "−")
        digits = 0 if size >= 100 else 1 if size >= 10 else 2 if size >= 1 else 3
        text = f"{value:,.{digits}f}" if size >= 0.1 or size == 0 else f"{value:.3g}"
        return text.replace("-", "−")

    def share(self, value: float | None) -> str:
        """A part of one as a percentage."""
        if value is None or not math.isfinite(value):
            return self.words("number.none")
        # What is nearly sure is not sure, and what is nearly never is not never.
        rounded = ">99.9" if 0.9995 <= value < 1 else "<0.1" if 0 < value < 0.0005 else f"{100 * value:.1f}"
        return self.words("number.percent", number=rounded)

    def whole(self, value: float) -> str:
        """A part of one as a percentage without decimals."""
        return self.words("number.percent", number=f"{100 * value:.0f}")

    def metric(self, name: str, value: float | None) -> str:
        """A metric's value."""
        return self.share(value) if name in PERCENT else self.decimal(value) if name not in _IN_UNITS else self.plain(value)

    def decimal(self, value: float | None) -> str:
        """Three places, as for AUC or a loss."""
        if value is None or not math.isfinite(value):
            return self.words("number.none")
        return self.plain(value) if abs(value) >= 100 else f"{value:.3f}".replace("-", "−")

    def change(self, name: str, value: float | None) -> str:
        """A difference of a metric, with its sign as it is."""
        if value is None or not math.isfinite(value):
            return self.words("number.none")
        return self.words("number.points", number=self.change_number(name, value)) if name in PERCENT else self.change_number(name, value)

    def change_number(self, name: str, value: float | None) -> str:
        """The same without the word for points."""
        if value is None or not math.isfinite(value):
            return self.words("number.none")
        return f"{100 * value:.1f}".replace("-", "−") if name in PERCENT else self.metric(name, value)

    def tick(self, name: str, value: float) -> str:
        """A metric's value at an axis, no longer than it need be."""
        text = f"{100 * value:.6g}" if name in PERCENT else f"{value:,.6g}"
        text = text.replace("-", "−")
        return self.words("number.percent", number=text) if name in PERCENT else text

    def change_tick(self, name: str, value: float) -> str:
        """A difference at an axis."""
        return (f"{100 * value:.6g}" if name in PERCENT else f"{value:,.6g}").replace("-", "−")

    def interval(self, name: str, found: Interval) -> str:
        """``67.2 to 75.3 %``: both ends."""
        low, high = (self.metric(name, found.get(end)) for end in ("low", "high"))
        return self.words("number.to", low=low, high=high)

    def name(self, metric: str) -> str:
        """A metric's name in words."""
        return self.words.maybe(f"metric.{metric}", metric)

    def title(self, metric: str) -> str:
        """A metric's name at the head of a sentence."""
        name = self.name(metric)
        return f"{name[:1].upper()}{name[1:]}"

    def meaning(self, metric: str) -> str:
        """One line on what a metric says."""
        return self.words.maybe(f"summary.{metric}", self.task.metrics[metric].summary)

    def axis(self, metric: str) -> str:
        """A metric's name with its direction, and the unit where it has one."""
        direction = self.words("better.greater" if self.task.metrics[metric].greater_is_better else "better.less")
        key = "axis.metric_unit" if metric in _IN_UNITS else "axis.metric"
        return self.words(key, name=self.name(metric), direction=direction, target=self.task.target.name)


_IN_UNITS = {"rmse", "mae", "median_ae"}
