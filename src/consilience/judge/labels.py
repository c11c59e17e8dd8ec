"""Labels that the evidence contradicts: likely mistakes in the table, not of the model.

Source: Northcutt et al. (2021), confident learning; Vovk et al. (2005), conformal intervals, for numbers. Only for rows that the model has not
learned from: of those it knows the label by heart, wrong ones too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.core.progress import Progress, Silent
from consilience.judge.answers import answers_of
from consilience.judge.shown import shown_cells
from consilience.pipeline.fitted import Pipeline, Scored

__all__ = ["Suspect", "Suspects", "confident_errors", "find_suspects"]

SHOWN = 24
"""Rows that are listed with their cells."""

ROUNDING = 1e-9
"""Where all rows of a class have one probability, their mean may differ from it in the last digit."""

LEVEL = 0.99
"""A number outside the interval of this level is suspicious."""


@dataclass(frozen=True)
class Suspect:
    """A row whose label is likely wrong.

    Args:
        row: Its place in the table, from 0.
        given: The label in the table: a class, a list of labels, or a number.
        suggested: What the model takes for right.
        given_probability, suggested_probability: Of the two; None for numbers. Of a set: of the label that differs most surely.
        margin: How clearly the evidence is against the label: the difference of the two probabilities; for numbers the error in units of half
            the 99 % interval.
        against: Modalities that, each by itself, find the suggestion likelier than the label.
        for_it: Modalities that by themselves do not.
        cells: Column to a piece of safe HTML that shows the cell; empty beyond the first 24 rows.
    """

    row: int
    given: Any
    suggested: Any
    given_probability: float | None
    suggested_probability: float | None
    margin: float
    against: tuple[str, ...]
    for_it: tuple[str, ...]
    cells: Mapping[str, str]

    @property
    def all_evidence(self) -> bool:
        """True if every modality that the row has is against the label."""
        return bool(self.against) and not self.for_it

    def as_dict(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "row": self.row,
            "given": self.given,
            "suggested": self.suggested,
            "given_probability": self.given_probability,
            "suggested_probability": self.suggested_probability,
            "margin": self.margin,
            "all_evidence": self.all_evidence,
            "against": list(self.against),
            "for": list(self.for_it),
            "cells": dict(self.cells),
        }


@dataclass(frozen=True)
class Suspects:
    """Rows with suspicious labels: those that all evidence contradicts first, then by margin.

    Args:
        rows: How many were looked at.
        by_chance: How many right ones are to be expected among the suspects; None for classes, where nobody knows.
    """

    rows: int
    suspects: tuple[Suspect, ...]
    by_chance: float | None = None

    def conclusion(self) -> str:
        """One sentence."""
        if not self.suspects:
            what = "labels is contradicted by the evidence" if self.by_chance is None else f"numbers lies outside of {100 * LEVEL:g} % intervals"
            return f"None of {self.rows:,} {what}."
        every = sum(one.all_evidence for one in self.suspects)
        count = len(self.suspects)
        if self.by_chance is not None:
            return (
                f"{count:,} of {self.rows:,} numbers {'lies' if count == 1 else 'lie'} outside of {100 * LEVEL:g} % intervals, as about "
                f"{self.by_chance:.3g} right ones do by chance; {every:,} of them against every piece of evidence alone: look at these first."
            )
        return (
            f"{count:,} of {self.rows:,} labels {'is' if count == 1 else 'are'} likelier wrong than right, "
            f"{every:,} of them by every piece of evidence alone: look at these first."
        )

    def as_dict(self) -> dict[str, Any]:
        """Plain values, for a page or a program."""
        return {
            "rows": self.rows,
            "found": len(self.suspects),
            "by_chance": self.by_chance,
            "all_evidence": sum(one.all_evidence for one in self.suspects),
            "conclusion": self.conclusion(),
            "suspects": [one.as_dict() for one in self.suspects],
        }


def find_suspects(pipeline: Pipeline, scored: Scored, *, shown: int = SHOWN, progress: Progress | None = None) -> Suspects:
    """Rows whose label is likely a mistake.

    A class or a label of a set is suspicious where another is as likely as it is on average in rows that carry that other one (confident
    learning); a number where it lies outside the 99 % interval, which one right number in a hundred does. Each modality that a row has is then
    asked by itself, with the others taken away.

    Args:
        pipeline: The model.
        scored: Rows with their target that the model has not learned from, as ``pipeline.score(table, with_target=True)`` gives them.
        shown: Rows that are listed with their cells.
        progress: Counts modalities.

    Raises:
        UsageError: The rows have no target.
        DataError: There are no rows.
    """
    dataset, task = scored.dataset, pipeline.task
    encoded = answers_of(pipeline, scored)
    assert dataset.target is not None
    number, several = task.target.task == "regression", task.target.task == "multilabel"
    if number:
        found = _odd_numbers(pipeline, scored, encoded)
    elif several:
        found = _odd_sets(encoded, scored.output)
    else:
        found = {row: (code, margin) for row, code, margin in confident_errors(encoded, scored.output)}
    rows = np.array(sorted(found), dtype=np.int64)
    against: dict[int, list[str]] = {int(row): [] for row in rows}
    for_it: dict[int, list[str]] = {int(row): [] for row in rows}
    if len(rows):
        some, present = scored.take(rows), scored.examples.present()
        with (progress or Silent()).step("Ask each modality", len(pipeline.modalities), "modalities") as step:
            for name in pipeline.modalities:
                others = [other for other in scored.examples.modalities if other != name]
                alone = pipeline.without(some, others)
                for place, row in enumerate(rows.tolist()):
                    if present.get(name, np.zeros(len(dataset), bool))[row]:
                        contradicts = _contradicts(alone, place, encoded[row], found[row][0], number, several)
                        (against if contradicts else for_it)[row].append(name)
                step.advance()
    order = sorted(found, key=lambda row: (not against[row] or bool(for_it[row]), -found[row][1], row))
    suggested = task.decode(scored.output)["prediction"]
    made = []
    for place, row in enumerate(order):
        code, margin = found[row]
        given_p, suggested_p = (None, None) if number else _probabilities(scored.output[row], encoded[row], code, several)
        value = dataset.target[row]
        said = task.target.classes[code] if not number and not several else suggested[row]
        if several:
            said = sorted(set(value) ^ {task.target.classes[code]})
        cells = shown_cells(dataset, row) if place < shown else {}
        given = float(value) if number else list(value) if several else str(value)
        made.append(Suspect(int(dataset.rows[row]), given, said, given_p, suggested_p, margin, tuple(against[row]), tuple(for_it[row]), cells))
    return Suspects(len(dataset), tuple(made), (1 - LEVEL) * len(dataset) if number else None)


def confident_errors(encoded: np.ndarray, probabilities: np.ndarray) -> list[tuple[int, int, float]]:
    """Row, likely class and margin of the rows off the diagonal of the confident joint (Northcutt et al. 2021, equation 1), the clearest first.

    A row counts for a class where the class's probability reaches its mean over the rows that carry it; where it counts for several, for the
    likeliest.

    Args:
        encoded: ``[N]`` the given class.
        probabilities: ``[N, K]``.

    >>> confident_errors(np.array([0, 0, 1, 1, 1]), np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.95, 0.05]]))
    [(4, 0, 0.9)]
    """
    classes = probabilities.shape[1]
    counts = np.bincount(encoded, minlength=classes)
    own = probabilities[np.arange(len(encoded)), encoded]
    sums = np.bincount(encoded, weights=own, minlength=classes)
    # A class that no row carries has no threshold, and nothing is suspected to belong to it.
    least = np.where(counts > 0, sums / np.maximum(counts, 1), np.inf)
    reached = probabilities >= least - ROUNDING
    likely = np.where(reached, probabilities, -1.0).argmax(axis=1)
    rows = np.flatnonzero(reached.any(axis=1) & (likely != encoded))
    found = [(int(row), int(likely[row]), round(float(probabilities[row, likely[row]] - own[row]), 12)) for row in rows]
    return sorted((one for one in found if one[2] > 0), key=lambda one: (-one[2], one[0]))


def _odd_sets(encoded: np.ndarray, probabilities: np.ndarray) -> dict[int, tuple[int, float]]:
    """Row to the label of its set that is likely missing or too many, the clearest, and its margin: each label is two classes."""
    found: dict[int, tuple[int, float]] = {}
    for label in range(probabilities.shape[1]):
        chance = probabilities[:, label]
        for row, _, margin in confident_errors((np.asarray(encoded)[:, label] > 0).astype(np.int64), np.stack([1 - chance, chance], axis=1)):
            if margin > found.get(row, (0, 0.0))[1]:
                found[row] = label, margin
    return found


def _odd_numbers(pipeline: Pipeline, scored: Scored, encoded: np.ndarray) -> dict[int, tuple[int, float]]:
    """Row to the side on which the model sees the true value (1 is above), and the error in units of half the interval."""
    scores = scored.scores.reshape(-1)
    margins = pipeline.calibration.margins(scores, scored.examples.present(), LEVEL)
    error = scores - encoded
    with np.errstate(divide="ignore", invalid="ignore"):
        size = np.abs(error) / margins
    rows = np.flatnonzero(np.isfinite(size) & (size > 1))
    return {int(row): (int(error[row] > 0), float(size[row])) for row in rows}


def _contradicts(alone: Scored, place: int, given: Any, code: int, number: bool, several: bool) -> bool:
    """What one modality by itself says of a label."""
    if number:
        error = float(alone.scores.reshape(-1)[place] - given)
        return bool(error > 0) == bool(code)
    chance = alone.output[place]
    if several:
        return bool((chance[code] > 0.5) != (given[code] > 0))
    return bool(chance[code] > chance[given])


def _probabilities(chance: np.ndarray, given: Any, code: int, several: bool) -> tuple[float, float]:
    if several:
        held = float(chance[code]) if given[code] > 0 else 1 - float(chance[code])
        return held, 1 - held
    return float(chance[given]), float(chance[code])
