"""Gradient-boosted trees on reduced features. Source: Ke et al. (2017), LightGBM.

Strong where numbers and categories decide and thresholds matter; weak on raw embeddings, which are reduced to principal components first.
"""

from __future__ import annotations

from typing import Any, ClassVar

import lightgbm
import numpy as np
from pydantic import Field

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.seeds import derive, generator
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.learn.learners._absence import drop_modalities
from consilience.learn.learners._base import Fitted, Learner, OutOfTime, Path, Point, Situation, Split
from consilience.learn.learners._forest import read_booster
from consilience.learn.learners._reduce import Reducer
from consilience.learn.spaces import from_mean_space, to_mean_space

__all__ = ["Trees"]

CARD = Card(
    summary="gradient-boosted trees on principal components and table columns",
    source="Ke et al. (2017), LightGBM",
    claims=("absence", "tables"),
    cost="medium",
)

_STOPS = (10, 20, 30, 45, 65, 90, 120, 160, 220, 300, 400, 550, 750, 1000)


_SMALL = 1_000_000
"""Cells of a feature matrix below which one thread is as fast as several."""


class TreesSettings(Settings):
    """``components``: principal components per block; ``absence``: chance that a modality of a training row is hidden."""

    components: int = Field(default=20, ge=2)
    rounds: int = Field(default=300, ge=10)
    learning_rate: float = Field(default=0.07, gt=0)
    leaves: int = Field(default=15, ge=2)
    patience: int = Field(default=30, ge=1)
    absence: float = Field(default=0.1, ge=0, lt=1)


class FittedTrees(Fitted):
    """For each seed one booster, or one per label; the seeds' probabilities (or numbers) are averaged."""

    def __init__(self, forests: list[list[Any]], reducer: Reducer, situation: Situation) -> None:
        self.forests, self.reducer, self.situation = forests, reducer, situation

    def predict(self, examples: Examples) -> np.ndarray:
        features, task = self.reducer.transform(examples), self.situation.task
        scores = [_scores(boosters, features, self.situation, None) for boosters in self.forests]
        return scores[0] if len(scores) == 1 else from_mean_space(np.mean([to_mean_space(one, task) for one in scores], axis=0), task)

    def state(self) -> State:
        texts = {
            f"seed{seed}booster{index}": booster.model_to_string() for seed, forest in enumerate(self.forests) for index, booster in enumerate(forest)
        }
        shape = [len(self.forests), len(self.forests[0])]
        return State.pack({"reducer": self.reducer.state(), "boosters": State({}, {}, texts)}, {"forests": shape})

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedTrees:
        texts, reducer = state.part("boosters").texts, Reducer.restore(state.part("reducer"))
        seeds, each = state.config["forests"]
        outputs = situation.task.num_outputs
        if each not in (1, outputs) or seeds < 1:
            raise ValueError(f"{seeds} forests of {each} boosters cannot give {outputs} outputs")
        forests = [
            [read_booster(texts[f"seed{seed}booster{index}"], reducer.width, outputs // each) for index in range(each)] for seed in range(seeds)
        ]
        return cls(forests, reducer, situation)


class Trees(Learner):
    """LightGBM whose number of rounds is the path."""

    Settings: ClassVar[type[Settings]] = TreesSettings
    fitted = FittedTrees
    settings: TreesSettings

    def path(self, split: Split, budget: Budget) -> Path:
        reducer = Reducer.fit(split.train, self.settings.components, self.situation.seed, split.memo)
        valid = reducer.transform(split.valid)
        boosters = self._boost(self._hide(reducer, split.train), split.target, self.settings.rounds, budget, (valid, split.valid_target))
        trained = max(booster.num_trees() // booster.num_model_per_iteration() for booster in boosters)
        if trained < 1:
            raise OutOfTime
        stops = [stop for stop in _STOPS if stop <= self.settings.rounds]
        reached = [stop for stop in stops if stop <= trained] or stops[:1]
        return Path([{"rounds": stop} for stop in reached], np.stack([_scores(boosters, valid, self.situation, stop) for stop in reached]))

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        reducer = Reducer.fit(train, self.settings.components, self.situation.seed)
        forests: list[list[Any]] = []
        for seed in range(self.situation.seeds):
            if not forests or budget.left() > 0:
                forests.append(self._boost(self._hide(reducer, train, seed), target, point["rounds"], budget, None, seed))
        return FittedTrees(forests, reducer, self.situation)

    def _hide(self, reducer: Reducer, train: Examples, seed: int = 0) -> np.ndarray:
        hidden = drop_modalities(train.present(), self.settings.absence, generator(self.situation.seed + seed, "trees absence"))
        features = reducer.transform(train)
        for column, modality in enumerate(reducer.columns()):
            features[hidden[modality], column] = np.nan
        return features

    def _boost(
        self, features: np.ndarray, target: np.ndarray, rounds: int, budget: Budget, valid: tuple[np.ndarray, np.ndarray] | None, seed: int = 0
    ) -> list[Any]:
        task = self.situation.task
        parameters: dict[str, Any] = {
            "learning_rate": self.settings.learning_rate,
            "num_leaves": self.settings.leaves,
            "min_data_in_leaf": int(np.clip(len(target) // 50, 3, 20)),
            "feature_fraction": 0.5 if features.shape[1] > 20 else 0.9,
            "bagging_fraction": 0.8,
            "bagging_freq": 1,
            "lambda_l2": 1.0,
            "max_bin": 127,
            "verbosity": -1,
            "deterministic": True,
            "force_row_wise": True,
            # Small work is done before a second thread has begun, and waits for it if another process has its core.
            "num_threads": 1 if features.size < _SMALL else 0,
            "seed": derive(self.situation.seed + seed, "trees"),
        }
        weights = task.class_weights(target) if task.target.task != "multilabel" else None
        row_weights = None if weights is None else weights[target]
        jobs: list[tuple[dict[str, Any], np.ndarray, np.ndarray | None]]
        if task.target.task == "regression":
            jobs = [({"objective": "regression"}, target, None if valid is None else valid[1])]
        elif task.target.task == "multilabel":
            # Copies: LightGBM warns of columns that do not lie in one piece.
            columns = [(target[:, label].copy(), None if valid is None else valid[1][:, label].copy()) for label in range(target.shape[1])]
            jobs = [({"objective": "binary"}, labels, valid_labels) for labels, valid_labels in columns]
        else:
            jobs = [({"objective": "multiclass", "num_class": task.num_outputs}, target, None if valid is None else valid[1])]
        made = []
        for index, (objective, labels, valid_labels) in enumerate(jobs):
            clock = _Clock(budget.share(1 / (len(jobs) - index)))
            callbacks: list[Any] = [clock]
            sets: list[Any] = []
            data = lightgbm.Dataset(features, labels, weight=row_weights, free_raw_data=False)
            if valid is not None:
                sets = [lightgbm.Dataset(valid[0], valid_labels, reference=data)]
                callbacks.append(lightgbm.early_stopping(self.settings.patience, verbose=False))
            made.append(lightgbm.train({**parameters, **objective}, data, rounds, valid_sets=sets, callbacks=callbacks))
        return made


class _Clock:
    """Ends boosting when the budget does."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget

    def __call__(self, env: Any) -> None:
        if self.budget.left() <= 0:
            raise lightgbm.callback.EarlyStopException(env.iteration, env.evaluation_result_list or [])


def _scores(boosters: list[Any], features: np.ndarray, situation: Situation, rounds: int | None) -> np.ndarray:
    """``[N, K]`` raw scores after so many rounds (all of them if None)."""
    if not len(features):
        return np.zeros((0, situation.task.num_outputs))
    if any(booster.num_feature() != features.shape[1] for booster in boosters):
        raise ValueError(f"the trees were not grown on {features.shape[1]} columns")
    # As in training: threads are waited for longer than a few rows take.
    threads = 1 if features.size < _SMALL else 0
    stop = -1 if rounds is None else rounds
    raw = [booster.predict(features, raw_score=True, num_iteration=stop, num_threads=threads).reshape(len(features), -1) for booster in boosters]
    return np.concatenate(raw, axis=1).astype(np.float64)
