"""Which fusions are worth a full training: two plain ones are; where these can win, the others are tried.

All of them for a short while, the better half for longer, and so on.

Source: Jamieson and Talwalkar (2016), successive halving; Karnin et al. (2013).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from consilience.core.budget import Budget
from consilience.core.progress import Progress
from consilience.core.seeds import generator
from consilience.learn.candidates import SMALL, Candidate
from consilience.learn.learners import Situation
from consilience.learn.learners._base import OutOfTime, Split

__all__ = ["fusions_to_halve", "halve"]

PLAIN = 2
"""Fusions that are trained in full before the others: one with interaction and one without. Where both are clearly behind, so will the others be."""

KEPT = 2
"""Of the others, those that are trained in full."""

ROUNDS = ((4, 600), (8, 1200), (12, 1800))
"""Epochs, and the most rows to learn from, of each round; a later round has half as many fusions."""

JUDGED = 1000
"""The most held-out rows by which they are compared."""

SHARE = 0.2
"""Of the time that is left, for all rounds together."""


def fusions_to_halve(candidates: Sequence[Candidate], num_rows: int) -> list[Candidate]:
    """Candidates that differ by their fusion alone, less the plain ones; none below a thousand rows, or if all can be trained in full."""
    groups: dict[tuple[str, ...], list[Candidate]] = {}
    for candidate in candidates:
        if "fusion" in candidate.settings:
            groups.setdefault(candidate.modalities, []).append(candidate)
    largest = max(groups.values(), key=len, default=[])
    return largest[PLAIN:] if len(largest) > PLAIN + KEPT and num_rows >= SMALL else []


def halve(candidates: Sequence[Candidate], split: Split, situation: Situation, budget: Budget, progress: Progress) -> dict[str, str]:
    """Candidate name to the reason why it is not trained in full; ``KEPT`` of them are in no need of one.

    Args:
        split: The first of the election's; short trainings see some of its rows.
        budget: What is left; a share of it is used. Without a limit, nothing that is decided here depends on the clock.
    """
    own = budget.share(SHARE)
    standing, stopped, found = list(candidates), dict[str, str](), dict[str, float]()
    with progress.step("Try fusions", len(ROUNDS), "rounds") as step:
        for epochs, rows in ROUNDS:
            if len(standing) <= KEPT:
                break
            part = _some(split.only(standing[0].modalities), rows, situation.seed)
            losses: dict[str, float] = {}
            for candidate in standing:
                if own.left() <= 0:
                    break
                losses[candidate.name] = _short(candidate, part, epochs, situation, own)
            found.update(losses)
            # Who was not reached keeps its place behind those that were.
            standing.sort(key=lambda candidate: losses.get(candidate.name, float("inf")))
            keep = KEPT if own.left() <= 0 else max(KEPT, -(-len(standing) // 2))
            for candidate in standing[keep:]:
                short = f"behind other fusions after {epochs} epochs on {len(part.train):,} rows (loss {found.get(candidate.name, float('nan')):.4f})"
                stopped[candidate.name] = short if candidate.name in losses else "the time for short trainings was over before its turn"
            del standing[keep:]
            step.advance()
    names = [candidate.settings["fusion"] for candidate in standing]
    progress.say(f"  {len(candidates)} more fusions were tried in short trainings; in full: {', '.join(names)}.")
    return stopped


def _short(candidate: Candidate, split: Split, epochs: int, situation: Situation, budget: Budget) -> float:
    """The least mean loss of the held-out rows in a training of so many epochs."""
    learner = candidate.make(replace(situation, seeds=1))
    settings: Any = learner.settings
    training = settings.training.model_copy(update={"epochs": epochs})
    learner.settings = settings.model_copy(update={"training": training})
    try:
        path = learner.path(split, budget)
    except OutOfTime:
        return float("inf")
    losses = [float(situation.task.row_losses(split.valid_target, scores).mean()) for scores in path.scores]
    return min((loss for loss in losses if np.isfinite(loss)), default=float("inf"))  # one that diverged is the worst


def _some(split: Split, rows: int, seed: int) -> Split:
    """Some of a split's rows, drawn by lot; the same for all candidates of a round."""
    draw = generator(seed, "halving")
    learn = np.sort(draw.permutation(len(split.train))[:rows])
    judge = np.sort(draw.permutation(len(split.valid))[:JUDGED])
    return Split(split.train.take(learn), split.target[learn], split.valid.take(judge), split.valid_target[judge], split.rows[judge], memo={})
