"""The election: all candidates on the same rows and folds, by scores of rows they did not learn from."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from consilience.core.budget import Budget
from consilience.core.errors import UsageError
from consilience.core.progress import Progress
from consilience.core.seeds import derive
from consilience.learn.calibration import Calibration
from consilience.learn.candidates import Candidate
from consilience.learn.choice import best_entry, combine, contenders
from consilience.learn.effort import PRESETS, Effort
from consilience.learn.halving import fusions_to_halve, halve
from consilience.learn.leaderboard import Entry, Leaderboard
from consilience.learn.learners import LEARNERS, Situation
from consilience.learn.learners._base import CannotWin, OutOfTime, Split, far_behind
from consilience.learn.spaces import from_mean_space, to_mean_space

__all__ = ["Whole", "run_election"]

_WORSE = "clearly worse on the first folds"

_BEHIND = 2.0
"""Standard errors by which a candidate is behind the best one without doubt."""


@dataclass(frozen=True)
class _Poll:
    """What all candidates share."""

    splits: Sequence[Split]
    target: np.ndarray
    scored: np.ndarray
    situation: Situation
    budget: Budget
    effort: Effort
    overall: Budget
    """The time for all candidates and for learning again; ``budget`` may be a part of it."""


def run_election(
    candidates: Sequence[Candidate],
    splits: Sequence[Split],
    target: np.ndarray,
    situation: Situation,
    budget: Budget,
    progress: Progress,
    together: Sequence[str] = (),
    effort: Effort = PRESETS["balanced"],
    further: Iterable[Sequence[Split]] = (),
    whole: Whole | None = None,
) -> Leaderboard:
    """Scores every candidate, then those that can still win once more for each further round of folds, and chooses one.

    Args:
        splits: Folds, or one hold-out; all with all modalities.
        target: ``[N]`` encoded target of all rows.
        together: Learners that make a model of the candidates.
        further: The same rows cut into folds anew, for each further round; made when they are needed.
        whole: What may be learned end to end, decided when the others are scored.

    Raises:
        UsageError: The time limit ended before any candidate was scored.
    """
    scored = np.sort(np.concatenate([split.rows for split in splits]))
    first = budget if whole is None else budget.share(whole.others)
    poll = _Poll(splits, target, scored, situation, first, effort, budget)
    entries: list[Entry] = []
    fusions, out = fusions_to_halve(candidates, len(target)), dict[str, str]()
    with progress.step("Learn", len(candidates), "candidates") as step:
        for place, candidate in enumerate(candidates):
            if fusions and candidate == fusions[0] and _far_behind(candidate, entries, poll) < effort.tries:
                left = None if first.seconds is None else _left(poll, [entry for entry in entries if entry.scores is not None])
                out = halve(fusions, splits[0], situation, Budget(left), progress)
            entry = _out(candidate, out) or _score(candidate, poll, entries, _share(candidates[place:]))
            entries.append(entry)
            step.advance()
            progress.say(f"  {entry.name}: {entry.stopped or f'loss {entry.loss:.4f}'} ({entry.seconds:.0f} s)")
    finished = [entry for entry in entries if entry.scores is not None]
    poll = replace(poll, budget=budget)
    if whole is not None and (found := whole.plan(finished)) is not None:
        entries += (once := _score_whole(*found, poll, finished, progress))
        if winners := _winners(once, finished, found[1].rows, poll, together):
            # The others' scores of these rows stand beside theirs; what is compared is compared on the same rows.
            scored = np.sort(found[1].rows)
            poll, further, finished = replace(poll, scored=scored), (), [*finished, *winners]
            for entry in finished:
                entry.loss = float(entry.losses(target, scored, situation.task).mean())
    if not finished:
        hint = "Give a longer --time-limit." if budget.seconds is not None else "Name others with --learner."
        raise UsageError("No candidate was scored: the time limit ended, or none of those named can learn from this table.", hint=hint)
    standing = contenders(finished, target, scored, situation, together)
    _more_rounds(standing, further, poll, progress)
    entries += combine(standing, target, scored, situation, together)
    for entry in entries:
        if entry.scores is not None:
            _measure(entry, poll)
    entries.sort(key=lambda entry: (entry.loss, entry.name))
    return Leaderboard(entries, best_entry(entries, target, scored, situation).name, scored)


class Whole(Protocol):
    """What is learned end to end, and when.

    Attributes:
        others: Share of the time limit that the other candidates may take.
    """

    others: float

    def plan(self, finished: Sequence[Entry]) -> tuple[Sequence[Candidate], Split] | None:
        """Candidates, and the one split on which they are scored, in the light of how the others did; None where it cannot pay."""


def _score_whole(candidates: Sequence[Candidate], split: Split, poll: _Poll, before: Sequence[Entry], progress: Progress) -> list[Entry]:
    """Candidates that are held out once."""
    made: list[Entry] = []
    best = min((_mean_loss(entry, split.rows, poll) for entry in before), default=None)
    with progress.step("Learn end to end", len(candidates), "candidates") as step:
        for place, candidate in enumerate(candidates):
            began, entry = time.monotonic(), Entry(candidate)
            left = poll.budget.left() - _reserve(before)
            # What learning again from all rows will take is kept back, where that will be done.
            part = (0.95 if poll.situation.keep else 1 / 2.4) / (len(candidates) - place)
            own = Budget(None if poll.budget.seconds is None else max(0.0, left) * part)
            try:
                seen = replace(split.only(candidate.modalities, whole=True), rival=best)
                if before and own.left() <= 0:
                    raise OutOfTime
                found = candidate.make(poll.situation).cross_fit([seen], len(poll.target), own)
                entry.scores, entry.point, entry.curve, entry.fitted = found.scores, found.point, found.curve, found.fitted
                entry.loss = _mean_loss(entry, split.rows, poll)
            except OutOfTime:
                entry.stopped = "the time limit left no time for it"
            except CannotWin:
                entry.stopped = "far behind half way through"
            entry.seconds = entry.fit_seconds = time.monotonic() - began
            made.append(entry)
            step.advance()
            on = f"loss {entry.loss:.4f} on the rows held out once, the best of the others {best:.4f}" if best else f"loss {entry.loss:.4f}"
            progress.say(f"  {entry.name}: {entry.stopped or on} ({entry.seconds:.0f} s)")
    return made


def _winners(once: Sequence[Entry], finished: Sequence[Entry], rows: np.ndarray, poll: _Poll, together: Sequence[str]) -> list[Entry]:
    """Those of the candidates held out once that stay: all, if with them something has less loss on these rows than anything without them.

    An ensemble that has one of them as a member has to be better by more than half a standard error.
    """
    scored = [entry for entry in once if entry.scores is not None]
    if not scored or not finished:
        return scored
    task = poll.situation.task

    def best_of(entries: Sequence[Entry]) -> Entry:
        return min([*entries, *combine(entries, poll.target, rows, poll.situation, together)], key=lambda entry: _mean_loss(entry, rows, poll))

    best, with_them = best_of(finished), best_of([*finished, *scored])
    gain = best.losses(poll.target, rows, task) - with_them.losses(poll.target, rows, task)
    if gain.mean() > 0 and (with_them in scored or gain.mean() > 0.5 * gain.std() / np.sqrt(len(gain))):
        return scored
    for entry in scored:
        entry.scores, entry.loss, entry.fitted = None, float("inf"), None
        entry.stopped = f"no better than {best.name} on the {len(rows):,} rows held out once"
    return []


def _mean_loss(entry: Entry, rows: np.ndarray, poll: _Poll) -> float:
    return float(entry.losses(poll.target, rows, poll.situation.task).mean())


def _share(coming: Sequence[Candidate]) -> float:
    """Part of the time left that the first of these may take: the cheap ones share it, so that each modality is judged alone; later ones get half."""
    cheap = sum(LEARNERS.card(candidate.learner).cost == "low" for candidate in coming)
    return min(0.5, 1 / cheap) if LEARNERS.card(coming[0].learner).cost == "low" else 0.5


def _out(candidate: Candidate, out: Mapping[str, str]) -> Entry | None:
    """The entry of a candidate that short trainings have put out of the running; None for the others."""
    return Entry(candidate, stopped=out[candidate.name]) if candidate.name in out else None


def _score(candidate: Candidate, poll: _Poll, before: Sequence[Entry], share: float) -> Entry:
    """A candidate on the first round of folds."""
    began = time.monotonic()
    entry, splits, budget = Entry(candidate), poll.splits, poll.budget
    rivals = [other for other in before if other.scores is not None]
    if rivals and _left(poll, rivals) <= 0:
        entry.stopped = "the time limit left no time for it"
        return entry
    best = min(rivals, key=lambda other: other.loss, default=None)
    if (hopeless := _far_behind(candidate, before, poll)) >= poll.effort.tries:
        entry.stopped = f"{hopeless} of its kind were clearly behind"
        return entry
    if _is_far_alone(candidate, rivals, poll):
        entry.stopped = "others that see the same alone were far behind"
        return entry
    rival = best.scores if best is not None and len(candidate.modalities) > 1 else None
    own = Budget(None if budget.seconds is None else _left(poll, rivals) * share)
    try:
        found = candidate.make(poll.situation).cross_fit([split.only(candidate.modalities) for split in splits], len(poll.target), own, rival)
        entry.scores, entry.point, entry.curve = found.scores, found.point, found.curve
        entry.loss = float(entry.losses(poll.target, poll.scored, poll.situation.task).mean())
    except OutOfTime:
        entry.stopped = "its share of the time limit was used up"
    except CannotWin as signal:
        entry.stopped = str(signal) or _WORSE
    entry.seconds = time.monotonic() - began
    entry.fit_seconds = entry.seconds / len(splits)
    return entry


def _left(poll: _Poll, entries: Sequence[Entry]) -> float:
    """Seconds that candidates may still take: what learning again will take is kept back of the whole time, not of a part of it."""
    return max(0.0, min(poll.budget.left(), poll.overall.left() - _reserve(entries)))


def _far_behind(candidate: Candidate, before: Sequence[Entry], poll: _Poll) -> int:
    """Candidates of the same learner that were clearly behind the best one."""
    best = min((other for other in before if other.scores is not None), key=lambda other: other.loss, default=None)
    return sum(other.candidate.learner == candidate.learner and _is_behind(other, best, poll) for other in before)


def _is_far_alone(candidate: Candidate, rivals: Sequence[Entry], poll: _Poll) -> bool:
    """True for what takes long on one modality, where others that see it alone are far behind those of another modality."""
    alone = [other for other in rivals if len(other.candidate.modalities) == 1]
    own = [other for other in alone if other.candidate.modalities == candidate.modalities]
    if not own or LEARNERS.card(candidate.learner).cost != "high":
        return False
    best_own, best = (min(some, key=lambda other: other.loss).losses(poll.target, poll.scored, poll.situation.task) for some in (own, alone))
    return far_behind(best_own, best)


def _is_behind(entry: Entry, best: Entry | None, poll: _Poll) -> bool:
    """True for a candidate of several modalities that was given up, or whose loss is above the best one's beyond doubt."""
    if entry.scores is None or best is None or len(entry.candidate.modalities) == 1:
        return entry.stopped == _WORSE
    task = poll.situation.task
    lost = entry.losses(poll.target, poll.scored, task) - best.losses(poll.target, poll.scored, task)
    return bool(lost.mean() > _BEHIND * lost.std() / np.sqrt(len(lost)))


def _reserve(entries: Sequence[Entry]) -> float:
    """Seconds that learning again from all rows may take: a third more rows than a fold has, for the few that will be members."""
    return 1.3 * sum(sorted((entry.fit_seconds for entry in entries), reverse=True)[:3])


def _more_rounds(standing: Sequence[Entry], further: Iterable[Sequence[Split]], poll: _Poll, progress: Progress) -> None:
    """Further rounds for those that can win, each with another seed; a round counts only if it was finished for all of them.

    What a candidate says of a row is the mean over the rounds: networks are judged as means of several seeds, which is what they will be.
    """
    task = poll.situation.task
    totals = [to_mean_space(entry.scores, task) for entry in standing if entry.scores is not None]
    rounds = iter(further)
    number = 1
    while poll.budget.left() > _reserve(standing) and (splits := next(rounds, None)) is not None:
        number += 1
        found: list[np.ndarray] = []
        with progress.step(f"Hold out again, round {number}", len(standing), "candidates") as step:
            for entry in standing:
                scores = _again(entry, number, splits, poll)
                if scores is None:
                    return
                found.append(to_mean_space(scores, task))
                step.advance()
        totals = [total + new for total, new in zip(totals, found, strict=True)]
        for entry, total in zip(standing, totals, strict=True):
            entry.rounds, entry.scores = number, from_mean_space(total / number, task)
            entry.loss = float(entry.losses(poll.target, poll.scored, task).mean())


def _again(entry: Entry, number: int, splits: Sequence[Split], poll: _Poll) -> np.ndarray | None:
    """``[N, K]`` scores of a round at the point that was chosen; None where the time does not suffice."""
    began = time.monotonic()
    if poll.budget.left() - _reserve([entry]) <= (0 if poll.budget.seconds is None else entry.fit_seconds * len(splits)):
        return None
    learner = entry.candidate.make(replace(poll.situation, seed=derive(poll.situation.seed, "round", number), seeds=1))
    scores = np.full((len(poll.target), poll.situation.task.num_outputs), np.nan)
    for split in splits:
        if poll.budget.left() <= 0:
            return None
        scores[split.rows] = learner.again(split.only(entry.candidate.modalities), entry.point, poll.budget)
    entry.seconds += time.monotonic() - began
    entry.fit_seconds = (time.monotonic() - began) / len(splits)
    return scores


def _measure(entry: Entry, poll: _Poll) -> None:
    """Every metric with its interval, of the probabilities that the model would give: calibrated ones."""
    assert entry.scores is not None
    task, truth, scores = poll.situation.task, poll.target[poll.scored], entry.scores[poll.scored]
    output = task.output(Calibration.fit(scores, truth, task).apply(scores))
    entry.metrics = task.evaluate(truth, output, seed=poll.situation.seed, groups=poll.situation.groups_of(poll.scored))
