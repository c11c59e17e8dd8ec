"""The contract of a learner: examples and encoded targets in, scores out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path as FilePath
from typing import Any, ClassVar

import numpy as np

from consilience.core.budget import Budget
from consilience.core.progress import Progress, Silent
from consilience.core.settings import Settings as AnySettings
from consilience.core.state import State
from consilience.encoders import TrainedEncoder
from consilience.features._examples import Examples
from consilience.tasks import Task

__all__ = ["CannotWin", "Combiner", "CrossFit", "Curve", "Fitted", "Learner", "OutOfTime", "Path", "Point", "Situation", "Split", "far_behind"]


class CannotWin(Exception):
    """A signal to the leaderboard: clearly worse than a rival on the splits so far."""


Point = dict[str, Any]
"""What a learner has to be told to fit again without looking at held-out rows, such as a penalty or a number of rounds."""


class OutOfTime(Exception):
    """A signal to the leaderboard: the budget ended before the candidate could be scored."""


@dataclass(frozen=True)
class Split:
    """One fold as learners see it: features are fitted on its training rows alone.

    Args:
        train, target: Rows to learn from, encoded target ``[N, ...]``.
        valid, valid_target: Rows to be scored on.
        rows: ``[N_valid]`` where the scored rows stand among all rows.
        memo: Work that several candidates can share, such as a block's principal components, by a name that says all of it.
        rival: Mean loss of the best candidate on the scored rows, where that is known.
    """

    train: Examples
    target: np.ndarray
    valid: Examples
    valid_target: np.ndarray
    rows: np.ndarray
    memo: dict[str, Any] = field(default_factory=dict, compare=False, repr=False)
    rival: float | None = None

    def only(self, modalities: Collection[str], whole: bool = False) -> Split:
        """The same split with these modalities; shared work stays shared. ``whole``: see ``Examples.only``."""
        return replace(self, train=self.train.only(modalities, whole), valid=self.valid.only(modalities, whole))


@dataclass(frozen=True)
class Path:
    """Scores of one split's valid rows along a path of points, from simple to complex.

    Args:
        points: P points; the same list for every split, though a split may stop early.
        scores: ``[P, N_valid, K]``.
        seen: ``[P]`` mean loss of rows that it learned from, or None where nobody looked.
        fitted: The model at the best point, where keeping it is cheaper than to learn it again.
        parts: Modality to ``[P]`` mean loss of held-out rows by what that modality alone says within the model.
    """

    points: list[Point]
    scores: np.ndarray
    seen: np.ndarray | None = None
    fitted: Fitted | None = None
    parts: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True)
class Curve:
    """How the mean loss went while learning: the mean over the splits.

    Args:
        along: What the points count, such as ``epochs``.
        at: P points.
        held_out: P losses of rows that were not learned from.
        seen: P losses of rows that were; empty where nobody looked.
        parts: Modality to P losses of held-out rows by what that modality alone says within the model; empty for most learners.
    """

    along: str
    at: tuple[int, ...]
    held_out: tuple[float, ...]
    seen: tuple[float, ...] = ()
    parts: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class CrossFit:
    """What a candidate is judged by.

    Args:
        scores: ``[N, K]`` scores of rows that the fit did not see; NaN in rows that no split scored.
        point: The point chosen for all splits in common.
        curve: How the loss went along the path, where the path is one of learning longer.
        fitted: The model itself, where there is one split and its path kept it.
    """

    scores: np.ndarray
    point: Point
    curve: Curve | None = None
    fitted: Fitted | None = None


@dataclass(frozen=True)
class Situation:
    """What all candidates of one fit share.

    Args:
        encoders: Slot name to the encoder whose module a network trains; needed to build the network again when it is loaded.
        seeds: Models, one a seed, whose mean ``fit`` makes where a learner depends on luck; ``path`` makes do with one.
        keep: True if the model that a path ends with may be kept, because there is no learning again from all rows.
        checkpoints: Folder where long trainings write how far they are; None writes nothing.
        resume: Go on from such files.
        progress: Where a long training says how it goes.
        tensorboard: Folder for TensorBoard's files of such trainings; None writes none.
        groups: ``[N]`` rows that belong together, as a person said or as was found: they are drawn whole for every interval. None: rows are drawn.
    """

    task: Task
    seed: int = 0
    device: str = "cpu"
    encoders: Mapping[str, TrainedEncoder] = field(default_factory=dict)
    seeds: int = 1
    keep: bool = False
    checkpoints: FilePath | None = None
    resume: bool = False
    progress: Progress = field(default_factory=Silent, compare=False, repr=False)
    tensorboard: FilePath | None = None
    groups: np.ndarray | None = field(default=None, compare=False, repr=False)

    def groups_of(self, rows: np.ndarray) -> np.ndarray | None:
        """The groups of some rows."""
        return None if self.groups is None else self.groups[rows]


class Fitted(ABC):
    """A learner that has learned."""

    whole: ClassVar[bool] = False
    """True for a model that is learned end to end: it sees raw input where there is some, and is held out once, for it costs the most."""

    @abstractmethod
    def predict(self, examples: Examples) -> np.ndarray:
        """Scores ``[N, K]`` float64, finite for every row, also for rows in which nothing is present."""

    def embed(self, examples: Examples) -> np.ndarray:
        """``[N, D]`` a vector of each row; the scores where a learner has nothing better."""
        return self.predict(examples)

    @abstractmethod
    def state(self) -> State:
        """All that ``restore`` needs."""

    @classmethod
    @abstractmethod
    def restore(cls, state: State, situation: Situation) -> Fitted:
        """The same predictions to the bit."""


class Combiner(ABC):
    """One way to make a model of other candidates, from their scores of rows that none of them saw."""

    Settings: ClassVar[type[AnySettings]] = AnySettings
    fitted: ClassVar[type[Fitted]]

    def __init__(self, settings: AnySettings, situation: Situation) -> None:
        self.settings = settings
        self.situation = situation

    @abstractmethod
    def combine(self, candidates: Mapping[str, np.ndarray], target: np.ndarray) -> dict[str, float]:
        """Candidate name to weight; weights are above 0 and sum to 1. ``candidates``: name to scores ``[N, K]``."""


class Learner(ABC):
    """One way to learn. Objects hold settings, never data.

    A learner describes a *path* of models from simple to complex. The point on it is chosen once for all splits, from the pooled
    loss of rows that were not learned from, so that a single number is chosen on all rows rather than one per fold.
    """

    Settings: ClassVar[type[AnySettings]] = AnySettings
    fitted: ClassVar[type[Fitted]]
    on_products: ClassVar[dict[str, Any]] = {}
    """Settings with which it looks for what only several modalities together tell; of learners that claim ``products``."""

    def __init__(self, settings: AnySettings, situation: Situation) -> None:
        self.settings = settings
        self.situation = situation

    @abstractmethod
    def path(self, split: Split, budget: Budget) -> Path:
        """Learns from ``split.train`` and scores ``split.valid`` along the path.

        Raises:
            OutOfTime: Nothing could be scored within the budget.
        """

    @abstractmethod
    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        """Learns from all rows given, at one point of the path."""

    def again(self, split: Split, point: Point, budget: Budget) -> np.ndarray:
        """``[N_valid, K]`` scores of another split's valid rows, at a point that was chosen before."""
        return self.fit(split.train, split.target, point, budget).predict(split.valid)

    def cross_fit(self, splits: Sequence[Split], num_rows: int, budget: Budget, rival: np.ndarray | None = None) -> CrossFit:
        """Scores every split along the path and chooses the common point with the least mean loss.

        Args:
            rival: ``[N, K]`` scores of the best candidate so far; one that is clearly worse on the first splits is given up.

        Raises:
            OutOfTime: The budget ended before every split was scored.
            CannotWin: The rival is clearly better.
        """
        paths: list[Path] = []
        for index, split in enumerate(splits):
            if index and budget.left() <= 0:
                raise OutOfTime
            paths.append(self.path(split, budget.share(1 / (len(splits) - index))))
            if rival is not None and index < len(splits) - 1:
                self._give_up(paths, splits[: index + 1], num_rows, rival)
        return choose(paths, splits, self.situation.task, num_rows)

    def _give_up(self, paths: Sequence[Path], splits: Sequence[Split], num_rows: int, rival: np.ndarray) -> None:
        """Even the best point so far is far behind."""
        task = self.situation.task
        scores = choose(paths, splits, task, num_rows).scores
        ours = np.concatenate([task.row_losses(split.valid_target, scores[split.rows]) for split in splits])
        theirs = np.concatenate([task.row_losses(split.valid_target, rival[split.rows]) for split in splits])
        if far_behind(ours, theirs):
            raise CannotWin


_HOPELESS = 0.15
"""Share of the rival's loss by which a candidate has to be worse to be given up."""


def far_behind(losses: np.ndarray, rival: np.ndarray) -> bool:
    """True if the losses ``[N]`` of the same rows are larger by more than four standard errors, and by a good part of the rival's."""
    lost = losses - rival
    return bool(lost.mean() > 4 * lost.std() / np.sqrt(len(lost)) and lost.mean() > _HOPELESS * rival.mean())


def choose(paths: Sequence[Path], splits: Sequence[Split], task: Task, num_rows: int) -> CrossFit:
    """The point with the least pooled loss. A split that stopped early counts with its last scores from there on."""
    points = max((path.points for path in paths), key=len)
    losses = np.zeros(len(points))
    for path, split in zip(paths, splits, strict=True):
        of_split = np.array([task.row_losses(split.valid_target, scores).sum() for scores in path.scores])
        losses += _padded(of_split, len(points))
    best = int(np.argmin(np.nan_to_num(losses, nan=np.inf)))  # a path that diverged has no best point there
    scores = np.full((num_rows, task.num_outputs), np.nan)
    for path, split in zip(paths, splits, strict=True):
        scores[split.rows] = path.scores[min(best, len(path.scores) - 1)]
    curve = _curve(paths, points, losses / sum(len(split.rows) for split in splits[: len(paths)]))
    return CrossFit(scores, points[best], curve, paths[0].fitted if len(paths) == 1 else None)


def _curve(paths: Sequence[Path], points: Sequence[Point], held_out: np.ndarray) -> Curve | None:
    """Where points are counts of one thing; how far a schedule was planned is none."""
    names = {name for point in points for name in point} - {"planned"}
    if len(names) != 1 or len(points) < 2:
        return None
    (along,) = names
    looked = [_padded(path.seen, len(points)) for path in paths if path.seen is not None]
    seen = np.mean(looked, axis=0).tolist() if len(looked) == len(paths) else ()
    parts = {name: tuple(losses.tolist()) for name, losses in paths[0].parts.items()} if len(paths) == 1 else {}
    return Curve(along, tuple(int(point[along]) for point in points), tuple(held_out.tolist()), tuple(seen), parts)


def _padded(values: np.ndarray, length: int) -> np.ndarray:
    return np.concatenate([values, np.full(length - len(values), values[-1])])
