"""What every section of the report is made of: the model, the rows that were scored, the words."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from consilience.core.progress import Progress
from consilience.data.table import Table
from consilience.judge.coverage import check_coverage
from consilience.judge.drift import Drift, Uncompared, find_drift, find_uncompared
from consilience.judge.labels import find_suspects
from consilience.judge.profile import profile_model
from consilience.judge.robustness import measure_robustness
from consilience.judge.slices import find_slices, find_twins
from consilience.judge.worth import scored_worth
from consilience.pipeline.fitted import Pipeline, Scored
from consilience.report._numbers import Numbers
from consilience.report._words import Words
from consilience.tasks import Task

__all__ = ["Judged", "Material", "gather", "headline_of", "short"]


@dataclass(frozen=True)
class Judged:
    """A table with its answers, as the model sees it.

    Args:
        source: The table's name.
        scored: Its usable rows.
        encoded: ``[N]`` or ``[N, L]`` their encoded target.
        evaluated: What ``evaluate`` gives.
        worth: What ``scored_worth`` gives; its rows are a sample where there are very many.
        slices: What ``find_slices`` gives.
        suspects: What ``find_suspects`` gives.
        drift: Columns that differ from the training rows.
        uncompared: Columns of which nobody can say whether they differ.
        coverage: What ``check_coverage`` gives; None where the model can promise nothing.
        robustness: What ``measure_robustness`` gives; None where it was not asked for.
        cost: What ``profile_model`` gives; None where it was not asked for.
        twins: What ``find_twins`` gives; None where nobody said what the model had learned from.
    """

    source: str
    scored: Scored
    encoded: np.ndarray
    evaluated: dict[str, Any]
    worth: dict[str, Any]
    slices: dict[str, Any]
    suspects: dict[str, Any]
    drift: list[Drift]
    coverage: dict[str, Any] | None = None
    robustness: dict[str, Any] | None = None
    cost: dict[str, Any] | None = None
    twins: dict[str, Any] | None = None
    uncompared: tuple[Uncompared, ...] = ()


@dataclass(frozen=True)
class Material:
    """The model, its facts, and the words to tell them in."""

    pipeline: Pipeline
    words: Words
    numbers: Numbers
    judged: Judged | None = None

    @property
    def facts(self) -> dict[str, Any]:
        return self.pipeline.facts

    @property
    def task(self) -> Task:
        return self.pipeline.task

    @property
    def chosen(self) -> dict[str, Any]:
        """The leaderboard's entry that was chosen."""
        return self.entry(self.facts["chosen"])

    def entry(self, name: str | None) -> dict[str, Any]:
        """The leaderboard's entry of this name."""
        found: dict[str, Any] = next(entry for entry in self.facts["leaderboard"] if entry["name"] == name)
        return found

    def best_single(self) -> dict[str, Any] | None:
        """The best candidate that sees one modality."""
        return next((entry for entry in self.facts["leaderboard"] if entry["metrics"] and len(entry["modalities"]) == 1), None)

    def named(self, entry: dict[str, Any]) -> str:
        """A candidate in words: its learner and what it sees."""
        return f"{learner_of(entry)} ({self.words.modalities(entry['modalities'])})"


def gather(pipeline: Pipeline, table: Table | None, words: Words, progress: Progress, *, trust: bool = False, train: Table | None = None) -> Material:
    """Scores the table, if there is one; with ``trust`` also damages its cells and measures what the model costs, which takes minutes.

    With ``train``, the table that the model learned from, rows that are in both are looked for.
    """
    numbers = Numbers(words, pipeline.task)
    if table is None:
        return Material(pipeline, words, numbers)
    began = time.monotonic()
    scored = pipeline.score(table, with_target=True, progress=progress)
    evaluated = pipeline.report_metrics(scored, time.monotonic() - began)
    encoded = pipeline.task.encode(np.asarray(scored.dataset.target))
    worth = scored_worth(pipeline, scored, progress=progress)
    slices = find_slices(pipeline, scored).as_dict()
    suspects = find_suspects(pipeline, scored, progress=progress).as_dict()
    drift = find_drift(pipeline.facts["portraits"], scored.dataset, pipeline.schema)
    # A model of an older version, or of very few rows, promises nothing.
    coverage = None if pipeline.calibration.conformal is None else check_coverage(pipeline, scored).as_dict()
    robustness = measure_robustness(pipeline, table, seed=pipeline.recipe.seed, progress=progress).as_dict() if trust else None
    cost = profile_model(pipeline, table, seconds=4, starts=1, progress=progress).as_dict() if trust else None
    learned = None if train is None else pipeline.read(train, with_target=True, progress=progress)
    twins = None if learned is None else find_twins(pipeline, scored, *learned).as_dict()
    uncompared = tuple(find_uncompared(pipeline.facts["portraits"], scored.dataset, pipeline.schema))
    told = (evaluated, worth, slices, suspects, drift, coverage, robustness, cost, twins, uncompared)
    judged = Judged(short(words.maybe(f"source.{table.source}", table.source), 60), scored, encoded, *told)
    return Material(pipeline, words, numbers, judged)


def headline_of(entry: dict[str, Any], name: str) -> dict[str, float | None]:
    """A candidate's headline metric; three times None where it was given up."""
    found: dict[str, float | None] = entry["metrics"].get(name, {"value": None, "low": None, "high": None})
    return found


def learner_of(entry: dict[str, Any]) -> str:
    """The learner with its fusion, such as ``network-gated``."""
    return str(entry["name"]).partition(":")[0]


def short(text: object, limit: int = 40) -> str:
    """The text, cut to ``limit`` characters.

    >>> short("a long name", 6)
    'a lon…'
    """
    whole = str(text)
    return whole if len(whole) <= limit else f"{whole[: limit - 1]}…"
