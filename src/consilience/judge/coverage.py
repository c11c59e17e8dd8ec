"""Do sets and intervals hold the truth as often as was promised, whatever is present? Source: Vovk et al. (2005); Clopper and Pearson (1934).

The promise is made by the rows that the model was fitted with. It is checked here on others: over all, by the pattern of present modalities (as the
rows come, and with modalities taken away from all of them), and by class.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import numpy as np
from scipy.stats import binom

from consilience.core.plain import plain
from consilience.judge.answers import answers_of
from consilience.learn.conformal import check_promise
from consilience.metrics import Interval
from consilience.metrics._binomial import exact_share
from consilience.metrics.bootstrap import paired_difference
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["Abstention", "Coverage", "Held", "check_abstention", "check_coverage"]

DOUBT = 0.025
"""Chance of calling a promise broken that holds, over all looks."""

_ALL_UP_TO = 4
"""Modalities up to which every pattern is made; beyond, all, leave-one-outs, singles and none."""


@dataclass(frozen=True)
class Held:
    """How often the truth was held, among some rows.

    Args:
        held: The share, with its exact 95 % interval.
        size: Mean number of classes or labels in a set; for numbers the mean width of the interval.
    """

    rows: int
    held: Interval
    size: float

    def broken(self, level: float, looks: int = 1) -> bool:
        """True where chance does not explain that the truth was held more seldom than promised (binomial, corrected for the number of looks)."""
        return bool(self.rows and binom.cdf(round(self.held.value * self.rows), self.rows, level) < DOUBT / looks)

    def as_dict(self) -> dict[str, Any]:
        return {"rows": self.rows, "held": self.held.as_dict(), "size": plain(self.size)}


@dataclass(frozen=True)
class Coverage:
    """The promise and what came of it.

    Args:
        level: What was promised.
        by_pattern: Rows that come with exactly these modalities, most rows first.
        taken_away: All rows, with these modalities left to them; most evidence first.
        by_class: Class to its rows; empty for numbers.
        own: Patterns that have enough held-out training rows to be judged by their own; others are judged by all.
        what: sets or intervals.
        counted: What the shares are of: row, or label (with lists of labels: each label that a row has).
    """

    level: float
    overall: Held
    by_pattern: list[tuple[tuple[str, ...], Held]]
    taken_away: list[tuple[tuple[str, ...], Held]]
    by_class: dict[str, Held]
    own: list[tuple[str, ...]]
    what: str
    counted: str = "row"

    @property
    def looks(self) -> int:
        """Shares that are compared with the promise."""
        return 1 + len(self.by_pattern) + len(self.taken_away)

    @property
    def sentence(self) -> str:
        """What to conclude."""
        held, level = self.overall.held, self.level
        if not self.overall.rows:
            return f"No row has a label, so nothing can be said of the {100 * level:g} % {self.what}."
        share, rows = f"{100 * held.value:.1f} %", f"{self.overall.rows:,}"
        said = f"The {100 * level:g} % {self.what} hold " + (
            f"{share} of the {rows} labels that rows have" if self.counted == "label" else f"the truth in {share} of {rows} rows"
        )
        if self.overall.broken(level, self.looks):
            return f"{said}: more seldom than promised. These rows are not like those that the model was fitted with."
        broken = [" + ".join(names) or "nothing" for names, part in [*self.by_pattern, *self.taken_away] if part.broken(level, self.looks)]
        broken = list(dict.fromkeys(broken))
        if broken:
            return f"{said}, but more seldom than promised where there is {', or '.join(broken)} alone."
        return f"{said}, and nowhere more seldom than chance explains."

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        return {
            "level": self.level,
            "what": self.what,
            "counted": self.counted,
            "overall": {**self.overall.as_dict(), "broken": self.overall.broken(self.level, self.looks)},
            "by_pattern": self._told(self.by_pattern),
            "taken_away": self._told(self.taken_away),
            "by_class": {name: part.as_dict() for name, part in self.by_class.items()},
            "own": [list(names) for names in self.own],
            "sentence": self.sentence,
        }

    def _told(self, parts: Sequence[tuple[tuple[str, ...], Held]]) -> list[dict[str, Any]]:
        return [{"modalities": list(names), **part.as_dict(), "broken": part.broken(self.level, self.looks)} for names, part in parts]


def check_coverage(pipeline: Pipeline, scored: Scored, level: float = 0.9) -> Coverage:
    """Coverage and size of the sets or intervals of this level.

    With lists of labels, the labels that rows have are counted: each of them is to be in its row's set with this chance.

    Args:
        scored: Rows with their target that the model was not fitted with.
        level: From 0.5 to 0.99.

    Raises:
        UsageError: There is no target, or the level cannot be promised.
        DataError: There are no rows.
    """
    check_promise(level)
    target, names = answers_of(pipeline, scored), pipeline.modalities
    held, size, classes = _held(pipeline, scored, target, level)
    rows = np.arange(len(target)) if pipeline.task.target.task != "multilabel" else np.nonzero(target > 0.5)[0]
    present, nothing = scored.examples.present(), np.zeros(len(scored.examples), dtype=bool)
    by_pattern = []
    for pattern in _patterns(names, every=True):
        there = np.all([present.get(name, nothing) == (name in pattern) for name in names], axis=0)
        if there.any():
            by_pattern.append((pattern, _count(held[there[rows]], size[there])))
    taken_away = []
    for pattern in _patterns(names, every=len(names) <= _ALL_UP_TO):
        if len(pattern) < len(names):
            less = pipeline.without(scored, [name for name in names if name not in pattern])
            taken_away.append((pattern, _count(*_held(pipeline, less, target, level)[:2])))
    named, by_class = pipeline.task.target.classes, {}
    for code in np.unique(classes).tolist() if named else ():
        of = classes == code
        by_class[named[code]] = _count(held[of], size[np.unique(rows[of])])
    conformal = pipeline.calibration.conformal
    own = [] if conformal is None else [pattern for pattern in conformal.patterns if conformal.own_rows(pattern, level) is not None]
    what = "sets" if named else "intervals"
    counted = "label" if pipeline.task.target.task == "multilabel" else "row"
    return Coverage(level, _count(held, size), sorted(by_pattern, key=lambda one: -one[1].rows), taken_away, by_class, own, what, counted)


@dataclass(frozen=True)
class Abstention:
    """Rows that were answered, and how often wrongly.

    Args:
        risk: What was asked for.
        answered: Share of the rows.
        wrong: Share of the answers that are wrong, with its exact 95 % interval; for numbers the mean absolute error, resampled.
        flagged: Share of the rows unlike the training rows; these are not answered.
        without: The same as ``wrong`` if all rows were answered.
    """

    risk: float
    rows: int
    answered: float
    wrong: Interval
    flagged: float
    without: float

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        numbers: Mapping[str, Any] = {"answered": self.answered, "flagged": self.flagged, "without": self.without}
        return {"risk": self.risk, "rows": self.rows, "wrong": self.wrong.as_dict(), **{name: plain(value) for name, value in numbers.items()}}


def check_abstention(pipeline: Pipeline, scored: Scored, risk: float) -> Abstention:
    """What ``predict --abstain`` does to rows whose truth is known.

    Raises:
        UsageError: There is no target, or no threshold keeps the risk.
        DataError: There are no rows.
    """
    target, task, calibration = answers_of(pipeline, scored), pipeline.task, pipeline.calibration
    present = scored.examples.present()
    flagged = np.zeros(len(target), dtype=bool) if pipeline.familiarity is None else pipeline.familiarity.of(scored.examples).flagged
    sure = calibration.confidence(scored.scores, scored.output, present) >= calibration.threshold(risk)
    loss, answered = calibration.losses(scored.output, target), sure & ~flagged
    kept = loss[answered]
    if task.target.classes:
        wrong = _exact(kept > 0)
    else:
        wrong = paired_difference(np.zeros(len(kept)), kept, seed=pipeline.recipe.seed)
        wrong = replace(wrong, low=max(wrong.low, 0.0))  # no error is below 0
    return Abstention(risk, len(target), float(answered.mean()), wrong, float(flagged.mean()), float(loss.mean()))


def _held(pipeline: Pipeline, scored: Scored, target: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``[C]`` bool, held or not, of each row or pair; ``[N]`` size of each row's set; ``[C]`` class."""
    present, kind = scored.examples.present(), pipeline.task.target.task
    if kind == "regression":
        low, high = pipeline.calibration.interval(scored.scores, present, level)
        truth = pipeline.task.truth(target)
        return (low <= truth) & (truth <= high), high - low, np.zeros(len(truth), dtype=np.int64)
    inside = pipeline.calibration.sets(scored.output, present, level)
    rows, classes = np.nonzero(target > 0.5) if kind == "multilabel" else (np.arange(len(target)), target)
    return inside[rows, classes], inside.sum(axis=1).astype(float), classes


def _patterns(names: Sequence[str], *, every: bool) -> list[tuple[str, ...]]:
    sizes = range(len(names), -1, -1) if every else sorted({len(names), len(names) - 1, 1, 0}, reverse=True)
    return [pattern for size in sizes for pattern in combinations(sorted(names), size)]


def _count(held: np.ndarray, size: np.ndarray) -> Held:
    return Held(len(held), _exact(held), float(size.mean()) if len(size) else float("nan"))


def _exact(hits: np.ndarray) -> Interval:
    return exact_share(int(hits.sum()), len(hits))
