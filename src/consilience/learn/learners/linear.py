"""Penalised linear model on scaled blocks, one penalty per modality.

Source: Hoerl and Kennard (1970); reduced models for missing evidence: Saar-Tsechansky and Provost (2007).
The first choice below some thousand rows, and the yardstick above. Not for targets that only a combination of modalities tells.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from pydantic import Field
from threadpoolctl import threadpool_limits

from consilience.core.budget import Budget
from consilience.core.registry import Card
from consilience.core.settings import Settings
from consilience.core.state import State
from consilience.features._examples import Examples
from consilience.learn.learners._base import CannotWin, CrossFit, Fitted, Learner, Path, Point, Situation, Split
from consilience.learn.learners._blocks import Scaler
from consilience.learn.learners._folds import Folds
from consilience.learn.learners._lbfgs import Loss, fit_linear, linear_scores
from consilience.learn.learners._patterns import Pattern, nearest, patterns_to_learn, rows_by_pattern, rows_with
from consilience.learn.learners._products import Products
from consilience.learn.learners._rotate import Rotation
from consilience.learn.learners._views import PreparedSplit, View, unflatten

__all__ = ["Linear"]

CARD = Card(
    summary="ridge or logistic regression on scaled blocks, one penalty per modality",
    source="Hoerl and Kennard (1970); Saar-Tsechansky and Provost (2007)",
    claims=("absence", "products"),
)

_WORTH_IT = 1e-3
"""A change of a penalty that lowers the loss by less than this share is not made."""


_COMPONENTS = 32
"""The most components of a modality whose products with those of others are looked at by itself."""

_GAIN = 0.01
"""Share of the best rival's loss by which products have to be better on the first fold."""

_PATIENCE = 2
"""Penalties in a row that may be no better: weaker ones will not help either."""

_FEW, _OTHERS = slice(0, 2), slice(2, None)
"""Folds on which a change has to help before the others are asked, and on which the best penalty is looked for first; and the others."""


class LinearSettings(Settings):
    """``penalties``: from strong to weak, in units of the mean loss. ``refine``: steps by which single modalities' penalties may differ.

    ``balance``: the power of a class's rarity that its rows may weigh by, where held-out rows are told better so. ``products``: the most
    components of a modality whose products with those of other modalities are features too; 0 for none.
    """

    penalties: tuple[float, ...] = (0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5, 3e-6)
    refine: tuple[float, ...] = (10.0, 0.1)
    rounds: int = Field(default=1, ge=0)
    balance: float = Field(default=0.5, ge=0, le=1)
    products: int = Field(default=0, ge=0, le=64)


class FittedLinear(Fitted):
    """Weights by pattern, on scaled blocks."""

    def __init__(
        self,
        scaler: Scaler,
        weights: dict[Pattern, np.ndarray],
        situation: Situation,
        centre: float,
        spread: float,
        products: Products | None = None,
    ) -> None:
        self.scaler, self.weights, self.situation = scaler, weights, situation
        self.centre, self.spread, self.products = centre, spread, products

    def predict(self, examples: Examples) -> np.ndarray:
        outputs = self.situation.task.num_outputs
        scores = np.zeros((len(examples), outputs))
        examples = examples if self.products is None else self.products.extend(examples)
        blocks = self.scaler.transform(examples)
        for pattern, rows in rows_by_pattern(examples.present(), len(examples)).items():
            known = nearest(pattern, self.weights)
            names = self.scaler.names(known)
            weights, bias = unflatten(self.weights[known], [self.scaler.width(name) for name in names], outputs)
            theirs = [blocks[name] if len(rows) == len(examples) else blocks[name][rows] for name in names]
            scores[rows] = linear_scores(theirs, weights, bias, len(rows)) * self.spread + self.centre
        return scores

    def state(self) -> State:
        patterns = list(self.weights)
        arrays = {f"weights{index}": self.weights[pattern] for index, pattern in enumerate(patterns)}
        config = {"patterns": [list(pattern) for pattern in patterns], "centre": self.centre, "spread": self.spread}
        products = {} if self.products is None else {"products": self.products.state()}
        return State.pack({"scaler": self.scaler.state(), "weights": State({}, arrays), **products}, {**config, "products": bool(products)})

    @classmethod
    def restore(cls, state: State, situation: Situation) -> FittedLinear:
        arrays = state.part("weights").arrays
        weights = {tuple(pattern): arrays[f"weights{index}"] for index, pattern in enumerate(state.config["patterns"])}
        products = Products.restore(state.part("products")) if state.config.get("products") else None
        return cls(Scaler.restore(state.part("scaler")), weights, situation, state.config["centre"], state.config["spread"], products)


class Linear(Learner):
    """One linear model per pattern of modalities that a row can have, each fitted on the rows that have at least that pattern.

    A row with all modalities is scored by the full model, a row without its picture by a model that never saw pictures: nothing is imputed.
    """

    Settings: ClassVar[type[Settings]] = LinearSettings
    fitted = FittedLinear
    on_products: ClassVar[dict[str, Any]] = {"products": _COMPONENTS}
    settings: LinearSettings

    def path(self, split: Split, budget: Budget) -> Path:
        points: list[Point] = [{"penalty": penalty, "factors": {}, "balance": 0.0} for penalty in self.settings.penalties]
        with threadpool_limits(1, user_api="blas"):
            return self._score(self._prepare(split), points, budget)

    def cross_fit(self, splits: Sequence[Split], num_rows: int, budget: Budget, rival: np.ndarray | None = None) -> CrossFit:
        """First one penalty for all, then each modality its own, as long as the pooled loss falls and time is left."""
        memo, name = splits[0].memo, f"linear {self.settings!r} of {[block.name for block in splits[0].train.blocks]} on {len(splits)} splits"
        if name in memo:  # what a pool asks for was a candidate before
            return memo[name]  # type: ignore[no-any-return]
        # Products with few columns are slower on several threads than on one: the threads go to the folds instead.
        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as threads:
            first = self._prepare(splits[0])
            if self.settings.products and rival is not None and len(splits) > 1:
                self._has_to_pay(first, rival[splits[0].rows], budget)
            ready = [first, *threads.map(self._prepare, splits[1:])]
            folds = Folds(splits, ready, self.situation.task, num_rows, lambda one, point: self._score(one, [point], budget), threads)
            memo[name] = found = self._search(folds, budget)
            return found

    def _has_to_pay(self, first: PreparedSplit, rival: np.ndarray, budget: Budget) -> None:
        """Every other penalty on the first fold: products that are no gain even at the best of these are not worth the other folds.

        Raises:
            CannotWin: The rival is as good.
        """
        points: list[Point] = [{"penalty": penalty, "factors": {}, "balance": 0.0} for penalty in self.settings.penalties[::2]]
        task, truth = self.situation.task, first.split.valid_target
        least = min(float(task.row_losses(truth, scores).mean()) for scores in self._score(first, points, budget).scores)
        if least > (1 - _GAIN) * float(task.row_losses(truth, rival).mean()):
            raise CannotWin("products were no gain on the first fold")

    def again(self, split: Split, point: Point, budget: Budget) -> np.ndarray:
        """Only the patterns that occur among the valid rows are learned."""
        with threadpool_limits(1, user_api="blas"):
            return np.asarray(self._score(self._prepare(split), [point], budget).scores[0])

    def fit(self, train: Examples, target: np.ndarray, point: Point, budget: Budget) -> Fitted:
        products = self._products(train)
        patterns = patterns_to_learn(train.present(), len(train))
        if products is not None:
            train, patterns = products.extend(train), [products.close(pattern) for pattern in patterns]
        scaler, present = Scaler.fit(train), train.present()
        blocks = scaler.transform(train)
        weights: dict[Pattern, np.ndarray] = {}
        known: dict[object, Rotation] = {}
        with threadpool_limits(1, user_api="blas"):
            for pattern in patterns:
                rows = rows_with(present, pattern, len(train))
                if len(rows) and (not weights or budget.left() > 0):
                    view = View(scaler, blocks, pattern, rows, known)
                    (flat,) = self._fit_path(view, target, [point], budget)
                    weights[pattern] = view.flat_weights(flat, self.situation.task.num_outputs)
        return FittedLinear(scaler, weights, self.situation, *self._centre(target), products)

    def _prepare(self, split: Split) -> PreparedSplit:
        products = self._products(split.train, split.memo)
        return PreparedSplit(split if products is None else replace(split, train=products.extend(split.train), valid=products.extend(split.valid)))

    def _products(self, train: Examples, memo: dict[str, Any] | None = None) -> Products | None:
        wanted = self.settings.products and len(train.modalities) > 1
        return Products.fit(train, self.settings.products, self.situation.seed, memo) if wanted else None

    def _search(self, folds: Folds, budget: Budget) -> CrossFit:
        best, one_point = self._one_for_all(folds, budget)
        modalities = folds.splits[0].train.modalities
        pairs = [name for name in folds.ready[0].split.train.modalities if name not in modalities]
        for _ in range(self.settings.rounds):
            before = best
            for steps in self._steps([*([name] for name in modalities), *([pairs] if pairs else [])]):
                for step in steps:
                    if budget.left() < one_point:
                        return best
                    point = step(best.point)
                    # Most steps do not help, and some folds suffice to see it.
                    paths = folds.paths(point, _FEW)
                    if folds.loss(folds.joined(paths), _FEW) >= folds.loss(best, _FEW) * (1 - _WORTH_IT):
                        continue
                    tried = folds.joined(paths + folds.paths(point, _OTHERS))
                    if folds.loss(tried) < folds.loss(best) * (1 - _WORTH_IT):
                        best = tried
                        break
            if best is before:
                break
        return best

    def _one_for_all(self, folds: Folds, budget: Budget) -> tuple[CrossFit, float]:
        """The best single penalty, and the seconds that one takes: looked for on a few folds, then on all of them as long as the loss falls."""
        points: list[Point] = [{"penalty": penalty, "factors": {}, "balance": 0.0} for penalty in self.settings.penalties]
        glances: dict[int, list[Path]] = {}
        least, place, one_point = float("inf"), 0, 0.0
        for index, point in enumerate(points):
            began = budget.spent()
            if glances and (budget.left() < one_point or index > place + _PATIENCE):
                break
            glances[index] = folds.paths(point, _FEW)
            loss, one_point = folds.loss(folds.joined(glances[index]), _FEW), budget.spent() - began
            if loss < least:
                least, place = loss, index

        def on_all(index: int) -> CrossFit:
            seen = glances.get(index) or folds.paths(points[index], _FEW)
            return folds.joined(seen + folds.paths(points[index], _OTHERS))

        began = budget.spent()
        best, one_point = on_all(place), max(one_point, budget.spent() - began)
        least = folds.loss(best)
        for step in (1, -1):
            start = place
            while 0 <= place + step < len(points) and budget.left() >= one_point:
                tried = on_all(place + step)
                if (loss := folds.loss(tried)) >= least:
                    break
                best, least, place = tried, loss, place + step
            if place != start:
                break
        return best, one_point

    def _steps(self, groups: Sequence[Sequence[str]]) -> list[list[Callable[[Point], Point]]]:
        """What may be changed of a point, one thing at a time: a modality's penalty (or that of all products), or the weight of rare classes."""

        def scaled(group: Sequence[str], by: float) -> Callable[[Point], Point]:
            return lambda point: {**point, "factors": {**point["factors"], **{name: point["factors"].get(name, 1.0) * by for name in group}}}

        steps = [[scaled(group, by) for by in self.settings.refine] for group in groups] if len(groups) > 1 else []
        if self.situation.task.target.task in ("binary", "multiclass"):
            steps.append([lambda point: {**point, "balance": self.settings.balance}])
        return steps

    def _score(self, prepared: PreparedSplit, points: list[Point], budget: Budget) -> Path:
        """Scores of the valid rows at each point; each pattern of presence among them is scored by its own model."""
        task, split = self.situation.task, prepared.split
        centre, spread = self._centre(split.target)
        scores = np.zeros((len(points), len(split.valid), task.num_outputs))
        for pattern, rows in rows_by_pattern(split.valid.present(), len(split.valid)).items():
            view, held_out = prepared.view(pattern, rows)
            for index, flat in enumerate(self._fit_path(view, split.target, points, budget)):
                weights, bias = unflatten(flat, [part.shape[1] for part in held_out], task.num_outputs)
                scores[index, rows] = linear_scores(held_out, weights, bias, len(rows)) * spread + centre
        return Path(points, scores)

    def _fit_path(self, view: View, target: np.ndarray, points: Sequence[Point], budget: Budget) -> Iterator[np.ndarray]:
        """Flat parameters at each point; every fit starts from the one before, also from that of an earlier path."""
        task, kept = self.situation.task, target[view.rows]
        loss: Loss = "softmax"
        row_weights: np.ndarray | None = None
        if task.target.task == "regression":
            loss, (centre, spread) = "squared", self._centre(target)
            kept = ((kept - centre) / spread)[:, None]
        elif task.target.task == "multilabel":
            loss = "sigmoid"
        elif (class_weights := task.class_weights(target)) is not None:
            row_weights = class_weights[kept] / class_weights[kept].mean()
        for point in points:
            balance = self._balance(kept, point["balance"]) if point["balance"] else None
            rows = row_weights
            if balance is not None:
                rows = balance[kept] * (1.0 if rows is None else rows)
                rows = rows / rows.mean()
            penalties = [point["penalty"] * point["factors"].get(modality, 1.0) for modality in view.modalities]
            view.last = fit_linear(
                view.matrices, kept, penalties, loss=loss, num_outputs=task.num_outputs, row_weights=rows, start=view.last, budget=budget
            )
            found = view.last
            if balance is not None:
                # Weights make rare classes likelier than they are; that part of the bias is taken back, and what they taught the weights stays.
                found = found.copy()
                found[-task.num_outputs :] -= np.log(balance)
            yield found

    def _balance(self, codes: np.ndarray, power: float) -> np.ndarray:
        """``[K]`` weights of classes, a power of how rare they are; 1 for a class that does not occur."""
        counts = np.bincount(codes, minlength=self.situation.task.num_outputs)
        return np.where(counts > 0, (len(codes) / np.maximum(counts, 1)) ** power, 1.0)

    def _centre(self, target: np.ndarray) -> tuple[float, float]:
        """Numbers are learned around their mean, in units of their deviation."""
        if self.situation.task.target.task != "regression":
            return 0.0, 1.0
        return float(target.mean()), float(target.std()) or 1.0
