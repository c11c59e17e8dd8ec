"""What is found: a point for each severity, a curve for each family, a part for each modality."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from consilience.metrics import Interval

__all__ = ["Curve", "Part", "Point", "Robustness", "area_between"]


def area_between(clean: float | np.ndarray, chance: float | np.ndarray, values: Sequence[float | np.ndarray]) -> Any:
    """The mean over the severities of how much of the skill is left; 1: nothing is lost, 0: chance everywhere, below: worse than chance.

    Skill is the distance between the clean score and that of the model that is told nothing, so that the number hangs on no other model.

    >>> round(float(area_between(0.9, 0.1, [0.9, 0.5, 0.1])), 3)
    0.5
    """
    return np.mean([(value - np.asarray(chance)) / (np.asarray(clean) - chance) for value in values], axis=0)[()]


@dataclass(frozen=True)
class Point:
    """The model under one severity.

    Args:
        severity: 1 to 5.
        share: Probability that the evidence is gone, for ``missing``; else None.
        metrics: Name to value with interval.
        against_without: By how much the headline metric is better than when this modality is not given at all; negative: damaged is worse than none.
    """

    severity: int
    share: float | None
    metrics: Mapping[str, Interval]
    against_without: Interval

    def as_dict(self) -> dict[str, Any]:
        metrics = {name: interval.as_dict() for name, interval in self.metrics.items()}
        return {"severity": self.severity, "share": self.share, "metrics": metrics, "against_without": self.against_without.as_dict()}


@dataclass(frozen=True)
class Curve:
    """One family of damage.

    Args:
        columns: What was damaged.
        area: See ``area_between``, of the headline metric; NaN where the clean model is not clearly better than chance.
        worse_than_without: The least severity at which damaged evidence is clearly worse than none; None: at no severity.
    """

    family: str
    columns: tuple[str, ...]
    points: tuple[Point, ...]
    area: Interval
    worse_than_without: int | None

    def as_dict(self) -> dict[str, Any]:
        points = [point.as_dict() for point in self.points]
        return {
            "columns": list(self.columns), "area": self.area.as_dict(), "worse_than_without": self.worse_than_without, "points": points,
        }  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One modality.

    Args:
        without: The metrics of the model when this modality is taken away: what it would have to fall below to be a burden.
        best_single: The best of the other modalities by itself, ``{"modality", "metrics"}``; None where there is no other.
        curves: One per family; the last one is ``missing``: the modality dropped with growing probability.
        skipped: Family to the reason why it says nothing here.
    """

    modality: str
    without: Mapping[str, Interval]
    best_single: tuple[str, Mapping[str, Interval]] | None
    curves: tuple[Curve, ...]
    skipped: Mapping[str, str] = field(default_factory=dict)

    @property
    def area(self) -> float:
        """The mean area of the families of damage, without ``missing``; NaN where there is none."""
        areas = [curve.area.value for curve in self.curves if curve.family != "missing"]
        return float(np.mean(areas)) if areas else float("nan")

    def as_dict(self) -> dict[str, Any]:
        single = None if self.best_single is None else {"modality": self.best_single[0], "metrics": _plain(self.best_single[1])}
        return {
            "area": self.area if np.isfinite(self.area) else None,
            "without": _plain(self.without),
            "best_single": single,
            "families": {curve.family: curve.as_dict() for curve in self.curves},
            "skipped": dict(self.skipped),
        }


@dataclass(frozen=True)
class Robustness:
    """All of it.

    Args:
        rows: How many were scored, clean and damaged.
        of: Rows of the table.
        headline: The metric that areas are of.
        clean: The metrics without any damage.
        chance: The metrics of the model when it is told nothing.
        note: What keeps the areas from being said; empty where nothing does.
    """

    rows: int
    of: int
    seed: int
    headline: str
    clean: Mapping[str, Interval]
    chance: Mapping[str, Interval]
    parts: tuple[Part, ...]
    note: str
    seconds: float

    def as_dict(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "rows": self.rows,
            "num_rows": self.of,
            "seed": self.seed,
            "headline": self.headline,
            "clean": _plain(self.clean),
            "chance": _plain(self.chance),
            "modalities": {part.modality: part.as_dict() for part in self.parts},
            "note": self.note,
            "seconds": round(self.seconds, 1),
        }


def _plain(metrics: Mapping[str, Interval]) -> dict[str, Any]:
    return {name: interval.as_dict() for name, interval in metrics.items()}
