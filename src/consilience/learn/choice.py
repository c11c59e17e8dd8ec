"""Who can still win, ensembles of those, and the one that is chosen."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from consilience.learn.candidates import Candidate
from consilience.learn.leaderboard import Entry
from consilience.learn.learners import LEARNERS, Combiner, Situation
from consilience.learn.learners.ensemble import mix
from consilience.learn.spaces import constant_scores

__all__ = ["best_entry", "combine", "contenders"]

_DOUBT = 2.0
"""Standard errors within which a candidate may still turn out to be the best."""

_HALF = 0.5
"""Standard errors by which fusing has to be better than the best single modality, and an ensemble better than its best member."""

_TRIFLE = 2e-3
"""And the share of the loss of a constant prediction: less is not worth another modality, however sure it is."""


def contenders(finished: Sequence[Entry], target: np.ndarray, scored: np.ndarray, situation: Situation, together: Sequence[str]) -> list[Entry]:
    """Those that may still be chosen, or be what fusing is held against. Best first.

    They are those within doubt of the best, the best of each modality alone, and the members of ensembles made on trial of all evidence, or of a
    modality that may be the best one alone.
    """

    def within_doubt(of: Entry, entries: Sequence[Entry]) -> list[Entry]:
        lost = [entry.losses(target, scored, situation.task) - of.losses(target, scored, situation.task) for entry in entries]
        return [entry for entry, more in zip(entries, lost, strict=True) if more.mean() <= _DOUBT * more.std() / np.sqrt(len(more))]

    kept = {entry.name for entry in within_doubt(_least(finished), finished)}
    singles = [entry for entry in finished if len(entry.candidate.modalities) == 1]
    hopeful = {entry.candidate.modalities for entry in within_doubt(_least(singles), singles)} if singles else set()
    for modality in {entry.candidate.modalities for entry in singles}:
        kept.add(_least([entry for entry in singles if entry.candidate.modalities == modality]).name)
    for ensemble in combine(finished, target, scored, situation, together):
        if len(ensemble.candidate.modalities) > 1 or ensemble.candidate.modalities in hopeful:
            kept |= set(ensemble.weights)
    return sorted((entry for entry in finished if entry.name in kept), key=lambda entry: (entry.loss, entry.name))


def _least(entries: Sequence[Entry]) -> Entry:
    return min(entries, key=lambda entry: entry.loss)


def combine(finished: Sequence[Entry], target: np.ndarray, scored: np.ndarray, situation: Situation, together: Sequence[str]) -> list[Entry]:
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
            if len(members) > 1 and (entry := _ensemble(combiner, key, group, members, target, scored, situation)) is not None:
                made.append(entry)
    return made


def _ensemble(
    combiner: Combiner, key: str, group: set[str], members: dict[str, Entry], target: np.ndarray, scored: np.ndarray, situation: Situation
) -> Entry | None:
    """One ensemble, unless a single member is all that is left of it."""
    began, task = time.monotonic(), situation.task
    scores = {name: entry.scores[scored] for name, entry in members.items() if entry.scores is not None}
    weights = combiner.combine(scores, target[scored])
    if len(weights) < 2:
        return None
    modalities = tuple(sorted({modality for name in weights for modality in members[name].candidate.modalities}))
    entry = Entry(
        Candidate(f"{key}:{'+'.join(sorted(group))}", key, modalities), weights=weights, rounds=min(member.rounds for member in members.values())
    )
    entry.scores = np.full((len(target), task.num_outputs), np.nan)
    entry.scores[scored] = mix(scores, weights, task)
    entry.loss = float(entry.losses(target, scored, task).mean())
    entry.seconds = time.monotonic() - began
    return entry


def best_entry(entries: Sequence[Entry], target: np.ndarray, scored: np.ndarray, situation: Situation) -> Entry:
    """The one with the least loss, unless a simpler one is as good within noise: a single model for an ensemble, one modality for several.

    Args:
        entries: Best first.
    """
    finished = [entry for entry in entries if entry.scores is not None]
    best = finished[0]
    alone = next((entry for entry in finished if not entry.weights), best)
    if best.weights and not _is_worth(best, alone, target, scored, situation, 0.0):
        best = alone
    single = next((entry for entry in finished if len(entry.candidate.modalities) == 1), None)
    if single is None or len(best.candidate.modalities) == 1:
        return best
    return best if _is_worth(best, single, target, scored, situation, _TRIFLE) else single


def _is_worth(costly: Entry, simple: Entry, target: np.ndarray, scored: np.ndarray, situation: Situation, trifle: float) -> bool:
    """True where the costly entry is better by more than half a standard error, and by more than a trifle."""
    task = situation.task
    gain = simple.losses(target, scored, task) - costly.losses(target, scored, task)
    constant = task.row_losses(target[scored], constant_scores(target[scored], task)).mean()
    return bool(gain.mean() >= max(_HALF * gain.std() / np.sqrt(len(gain)), trifle * constant))
