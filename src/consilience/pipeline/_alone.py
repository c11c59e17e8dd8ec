"""The fused candidate beside the best one of each modality alone: over rows, and over seeds where more than one is asked for.

Source: Efron and Tibshirani (1993), bootstrap; Bouthillier et al. (2021), splits and seeds vary results as much as rows do.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from consilience.core.budget import Budget
from consilience.core.progress import Progress
from consilience.core.seeds import derive, generator
from consilience.learn.leaderboard import Entry, Leaderboard
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import Split
from consilience.learn.learners.ensemble import mix
from consilience.metrics import Interval
from consilience.metrics._resample import affordable, between, draws, on_resamples
from consilience.metrics.bootstrap import paired_bootstrap
from consilience.pipeline.facts import verdict_of

__all__ = ["compare_alone", "over_seeds"]

ROUNDS = 1000


def compare_alone(
    board: Leaderboard,
    facts: dict[str, Any],
    target: np.ndarray,
    situation: Situation,
    splits_of: Callable[[int], Sequence[Split]],
    seeds: int,
    budget: Budget,
    progress: Progress,
) -> dict[str, Any]:
    """What to put into the facts of a fit.

    Both sides are the best of several candidates on the very rows that compare them, and an ensemble's weights are learned there; there are more
    fused candidates than single ones, so the gain leans a little to their side.

    With more seeds the rows are cut into folds anew for each further one, and both sides learn again, at the points that were chosen before. It
    ends early where the time limit does; what is learned end to end is not learned again.

    Args:
        facts: Of the fit, with ``fusion_gain``.
        splits_of: The folds under another seed.
        seeds: How many in all; the fit's own is the first.

    Returns:
        ``alone``: for each modality its best candidate with ``score`` and ``gain`` (by how much the fused one is better), ``fusion_gain`` with
        ``seeds`` and ``by_seed``.
    """
    gain = facts["fusion_gain"]
    singles = list(
        filter(None, (board.best_of((name,)) for name in sorted({name for entry in board.entries for name in entry.candidate.modalities})))
    )
    if gain["fused"] is None or not singles:
        return {"alone": [], "fusion_gain": gain}
    fused = board[gain["fused"]]
    runs = [_Run(board, board.scored, {entry.name: entry.scores for entry in board.entries if entry.scores is not None})]
    entries = [fused, *singles]
    if seeds > 1:
        runs += _further(board, entries, target, situation, splits_of, seeds, budget, progress)
    found = {entry.name: _gains(fused, entry, runs, target, situation) for entry in singles}
    metric = situation.task.headline
    alone = [
        {
            "modality": entry.candidate.modalities[0],
            "candidate": entry.name,
            "score": entry.metrics[metric].as_dict()["value"],
            "gain": found[entry.name][0].as_dict(),
            "seeds": len(runs),
        }
        for entry in singles
    ]
    versus = gain["versus"]
    if len(runs) > 1 and versus in found and np.isfinite(found[versus][0].value):
        interval, by_seed = found[versus]
        gain = {**gain, **interval.as_dict(), "by_seed": by_seed}
        if {one["modality"] for one in alone} >= set(fused.candidate.modalities) or versus == board.chosen:  # else no verdict was given
            gain["verdict"] = verdict_of(metric, interval.value, interval.low, interval.high, board[versus], board.chosen == fused.name, len(runs))
    return {"alone": alone, "fusion_gain": {**gain, "seeds": len(runs)}}


@dataclass
class _Run:
    """The scores under one seed: candidate to ``[N, K]``, for the rows that were held out. Ensembles are mixed of their members."""

    board: Leaderboard
    rows: np.ndarray
    scores: dict[str, np.ndarray] = field(default_factory=dict)


def _further(
    board: Leaderboard,
    entries: Sequence[Entry],
    target: np.ndarray,
    situation: Situation,
    splits_of: Callable[[int], Sequence[Split]],
    seeds: int,
    budget: Budget,
    progress: Progress,
) -> list[_Run]:
    """A run for each further seed, as far as the time goes."""
    members = {name: board[name] for entry in entries for name in (entry.weights or {entry.name: 1.0})}
    if any(LEARNERS.get(entry.candidate.learner).fitted.whole for entry in members.values()):
        progress.say("What is learned end to end is not learned again under further seeds: the verdict is over rows alone.")
        return []
    runs: list[_Run] = []
    with progress.step("Learn again under other seeds", (seeds - 1) * len(members), "models") as step:
        for number in range(1, seeds):
            seed = derive(situation.seed, "seeds", number)
            splits = splits_of(seed) if budget.left() > 0 else []
            run = _Run(board, np.sort(np.concatenate([split.rows for split in splits])) if splits else np.zeros(0, np.int64))
            for name, entry in members.items():
                if not splits or budget.left() < 1.2 * entry.fit_seconds * len(splits):
                    progress.say(f"The time limit ended after {len(runs) + 1} of {seeds} seeds.")
                    return runs
                learner = entry.candidate.make(replace(situation, seed=seed, seeds=1))
                scores = np.full((len(target), situation.task.num_outputs), np.nan)
                for split in splits:
                    scores[split.rows] = learner.again(split.only(entry.candidate.modalities), entry.point, budget)
                run.scores[name] = scores
                step.advance()
            runs.append(run)
    return runs


def _scores(entry: Entry, run: _Run, situation: Situation) -> np.ndarray:
    """``[rows, K]``."""
    if entry.name in run.scores:
        return np.asarray(run.scores[entry.name][run.rows])
    return mix({name: run.scores[name][run.rows] for name in entry.weights}, entry.weights, situation.task)


def _gains(fused: Entry, single: Entry, runs: Sequence[_Run], target: np.ndarray, situation: Situation) -> tuple[Interval, list[float]]:
    """By how much the fused one is better, over rows and runs; and run by run."""
    task = situation.task
    metric = task.metrics[task.headline]
    found: list[list[np.ndarray]] = []
    pairs = []
    for run in runs:
        truth = task.truth(target[run.rows])
        outputs = [task.output(_scores(entry, run, situation)) for entry in (fused, single)]
        pairs.append((run.rows, [on_resamples(metric, truth, output) for output in outputs]))
        value = metric.compute(truth, outputs[0]) - metric.compute(truth, outputs[1])
        found.append([np.array([metric.sign * value])])
        width = outputs[0].shape
    if len(runs) == 1:  # as the verdict over rows says it
        interval = paired_bootstrap(
            metric, truth, outputs[0], outputs[1], rounds=ROUNDS, seed=derive(0, "fusion gain"), groups=situation.groups_of(run.rows)
        )
        return interval, [interval.value]
    # A row that is drawn twice counts twice under every seed that held it out.
    for weights in draws(len(target), affordable(ROUNDS, width, fast=metric.prepare is not None), derive(0, "fusion gain"), situation.groups):
        for (rows, (one, other)), parts in zip(pairs, found, strict=True):
            parts.append(metric.sign * (one(weights[:, rows]) - other(weights[:, rows])))
    values = np.array([np.concatenate(parts) for parts in found])
    return over_seeds(values, derive(0, "seeds")), [float(value) for value in values[:, 0]]


def over_seeds(values: np.ndarray, seed: int) -> Interval:
    """The mean over the seeds, with an interval over rows and seeds.

    Each resample of the rows draws as many seeds as there are, with repetition. Of S seeds that varies too little by the factor (S - 1) / S in
    variance, which is made up for: with three seeds it is a third.

    Args:
        values: ``[S, 1 + R]`` a difference under each seed: on the rows themselves, then on each of R resamples of them.
        seed: Of the draws.

    >>> over_seeds(np.array([[1.0, 1.0, 1.0], [3.0, 3.0, 3.0]]), 0).value
    2.0
    """
    count, rounds = len(values), values.shape[1] - 1
    mean = values.mean(axis=0)
    drawn = generator(seed, "drawn").integers(0, count, (count, rounds))
    picked = values[:, 1:][drawn, np.arange(rounds)].mean(axis=0)
    stretch = np.sqrt(count / (count - 1)) if count > 1 else 1.0
    return between(float(mean[0]), mean[1:] + stretch * (picked - mean[1:]), 0.95)
