"""The election: all candidates on the same rows and folds, by scores of rows they did not learn from."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from consilience.core.budget import Budget
from consilience.core.errors import UsageError
from consilience.core.progress import Progress
from consilience.learn.candidates import Candidate
from consilience.learn.learners import LEARNERS, Combiner, Situation
from consilience.learn.learners._base import CannotWin, OutOfTime, Point, Split
from consilience.learn.learners.ensemble import mix
from consilience.learn.spaces import constant_scores
from consilience.metrics import Interval

__all__ = ["Entry", "Leaderboard", "run_election"]


@dataclass
class Entry:
    """One candidate and how it did.

    Args:
        scores: ``[N, K]`` scores of rows it did not learn from; None if it was stopped.
        loss: Their mean loss; infinite if it was stopped.
        weights: For an ensemble: member to weight.
        stopped: Why it was given up, or None.
    """

    candidate: Candidate
    scores: np.ndarray | None = None
    point: Point = field(default_factory=dict)
    loss: float = float("inf")
    metrics: dict[str, Interval] = field(default_factory=dict)
    seconds: float = 0.0
    weights: dict[str, float] = field(default_factory=dict)
    stopped: str | None = None

    @property
    def name(self) -> str:
        return self.candidate.name


@dataclass
class Leaderboard:
    """All entries, best first, and the one chosen.

    Args:
        scored: ``[S]`` positions of the rows that scores are for (all of them with folds, the held-out part else).
    """

    entries: list[Entry]
    chosen: str
    scored: np.ndarray

    def __getitem__(self, name: str) -> Entry:
        return next(entry for entry in self.entries if entry.name == name)

    def best_of(self, modalities: Collection[str]) -> Entry | None:
        """The best entry that sees exactly these modalities."""
        return next((entry for entry in self.entries if entry.scores is not None and set(entry.candidate.modalities) == set(modalities)), None)

    def best_single(self) -> Entry | None:
        """The best entry that sees one modality."""
        return next((entry for entry in self.entries if entry.scores is not None and len(entry.candidate.modalities) == 1), None)


def run_election(
    candidates: Sequence[Candidate],
    splits: Sequence[Split],
    target: np.ndarray,
    situation: Situation,
    budget: Budget,
    progress: Progress,
    together: Sequence[str] = (),
) -> Leaderboard:
    """Scores every candidate and chooses one.

    Args:
        splits: Folds, or one hold-out; all with all modalities.
        target: ``[N]`` encoded target of all rows.
        together: Learners that make a model of the candidates.

    Raises:
        UsageError: The time limit ended before any candidate was scored.
    """
    entries: list[Entry] = []
    scored = np.sort(np.concatenate([split.rows for split in splits]))
    with progress.step("Learn", len(candidates), "candidates") as step:
        for candidate in candidates:
            entry = _score(candidate, splits, target, scored, situation, budget, entries)
            entries.append(entry)
            step.advance()
            progress.say(f"  {entry.name}: {entry.stopped or f'loss {entry.loss:.4f}'} ({entry.seconds:.0f} s)")
    finished = [entry for entry in entries if entry.scores is not None]
    if not finished:
        raise UsageError("The time limit ended before any candidate was scored.", hint="Give a longer --time-limit.")
    entries += _combine(finished, target, scored, situation, together)
    for entry in entries:
        if entry.scores is not None:
            entry.metrics = situation.task.evaluate(target[scored], situation.task.output(entry.scores[scored]), seed=situation.seed)
    entries.sort(key=lambda entry: (entry.loss, entry.name))
    return Leaderboard(entries, _choose(entries, target, scored, situation), scored)


def _score(
    candidate: Candidate,
    splits: Sequence[Split],
    target: np.ndarray,
    scored: np.ndarray,
    situation: Situation,
    budget: Budget,
    before: Sequence[Entry],
) -> Entry:
    began = time.monotonic()
    entry = Entry(candidate)
    rivals = [other for other in before if other.scores is not None]
    # Fitting again on all rows takes about as long as one fold; that time is kept back for the best ones.
    reserve = max((other.seconds for other in rivals), default=0.0) / len(splits) * 2
    if rivals and budget.left() <= reserve:
        entry.stopped = "the time limit left no time for it"
        return entry
    hopeless = [other for other in before if other.stopped == _WORSE and other.candidate.learner == candidate.learner]
    if len(hopeless) >= _TRIES:
        entry.stopped = f"{len(hopeless)} of its kind were clearly worse"
        return entry
    rival = min(rivals, key=lambda other: other.loss).scores if rivals and len(candidate.modalities) > 1 else None
    own = Budget(None if budget.seconds is None else max(0.0, budget.left() - reserve) * 0.5)
    try:
        found = candidate.make(situation).cross_fit([split.only(candidate.modalities) for split in splits], len(target), own, rival)
        entry.scores, entry.point = found.scores, found.point
        entry.loss = float(situation.task.row_losses(target[scored], found.scores[scored]).mean())
    except OutOfTime:
        entry.stopped = "its share of the time limit was used up"
    except CannotWin:
        entry.stopped = _WORSE
    entry.seconds = time.monotonic() - began
    return entry


def _combine(finished: Sequence[Entry], target: np.ndarray, scored: np.ndarray, situation: Situation, together: Sequence[str]) -> list[Entry]:
    """Ensembles of each modality's candidates, so that fused and single are compared on equal terms, and of all candidates."""
    made: list[Entry] = []
    groups = [{modality} for modality in sorted({name for entry in finished for name in entry.candidate.modalities})]
    if len(groups) > 1:
        groups.append({name for group in groups for name in group})
    for key in together:
        cls: Any = LEARNERS.get(key)
        combiner: Combiner = cls(cls.Settings(), situation)
        for group in groups:
            members = {entry.name: entry for entry in finished if set(entry.candidate.modalities) <= group}
            began = time.monotonic()
            scores = {name: entry.scores[scored] for name, entry in members.items() if entry.scores is not None}
            if len(scores) < 2:
                continue
            weights = combiner.combine(scores, target[scored])
            if len(weights) < 2:
                continue
            modalities = tuple(sorted({modality for name in weights for modality in members[name].candidate.modalities}))
            entry = Entry(Candidate(f"{key}:{'+'.join(sorted(group))}", key, modalities), weights=weights)
            entry.scores = np.full((len(target), situation.task.num_outputs), np.nan)
            entry.scores[scored] = mix(scores, weights, situation.task)
            entry.loss = float(situation.task.row_losses(target[scored], entry.scores[scored]).mean())
            entry.seconds = time.monotonic() - began
            made.append(entry)
    return made


def _choose(entries: Sequence[Entry], target: np.ndarray, scored: np.ndarray, situation: Situation) -> str:
    """The best entry, unless one of a single modality is as good within noise: then that one, for it asks for less."""
    best = entries[0]
    single = next((entry for entry in entries if entry.scores is not None and len(entry.candidate.modalities) == 1), None)
    if single is None or len(best.candidate.modalities) == 1 or best.scores is None or single.scores is None:
        return best.name
    task = situation.task
    gain = task.row_losses(target[scored], single.scores[scored]) - task.row_losses(target[scored], best.scores[scored])
    noise = _HALF * gain.std() / np.sqrt(len(gain))
    trifle = _TRIFLE * task.row_losses(target[scored], constant_scores(target[scored], task)).mean()
    return single.name if gain.mean() < max(noise, trifle) else best.name


_WORSE = "clearly worse on the first folds"

_TRIES = 2
"""Candidates of one learner that may be hopeless before the rest of them are not tried."""

_HALF = 0.5
"""Standard errors by which fusing has to be better than the best single modality."""

_TRIFLE = 2e-3
"""And the share of the loss of a constant prediction: less is not worth another modality, however sure it is."""
