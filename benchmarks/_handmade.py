"""What a careful practitioner would build in an afternoon on the same frozen features, with scikit-learn, LightGBM and TabM.

Each block is standardised and divided by the root of its width; the penalty, the number of trees and of epochs are chosen on a tenth of the rows,
of whole groups; then everything learns again from all rows. It knows nothing of ``consilience.learn``.
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge

from _bench import Bench, Split
from _blocks import Block, make_blocks, reduced, stacked
from _features import Frozen
from _small_tabm import fit_tabm

__all__ = ["learn_handmade"]

CS = 10.0 ** np.linspace(-1, 2.5, 8)
ALPHAS = 10.0 ** np.linspace(-2, 2, 9)
SEED = 0


def learn_handmade(bench: Bench, split: Split, frozen: Frozen) -> dict[str, np.ndarray]:
    """Every cell's output on the test rows: ``lin:MODALITY``, ``lin``, ``lgb``, ``tabm`` and ``avg``, their mean."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return _Script(bench, split, frozen).cells()


class _Script:
    def __init__(self, bench: Bench, split: Split, frozen: Frozen) -> None:
        self.bench, self.pool, self.test = bench, split.pool, split.test
        self.fit, self.valid = bench.tenth(split.pool, SEED)
        self.y = np.log(bench.truth) if bench.log else bench.truth
        self.first, self.second = make_blocks(bench, frozen, self.fit), make_blocks(bench, frozen, self.pool)

    def cells(self) -> dict[str, np.ndarray]:
        modalities = sorted({block.modality for block in self.first})
        raw = {f"lin:{name}": self.linear(name) for name in modalities} if len(modalities) > 1 else {}
        raw["lin"] = self.linear(None)
        views = reduced(self.first, self.fit), reduced(self.second, self.pool)
        raw["lgb"] = self.trees(*views)
        threads = torch.get_num_threads()
        # Its steps are so small that a second thread is mostly waited for.
        torch.set_num_threads(1)
        raw["tabm"] = self.tabm(*views)
        torch.set_num_threads(threads)
        raw["avg"] = np.mean([raw[name] for name in ("lin", "lgb", "tabm")], axis=0)
        return {name: np.exp(output) if self.bench.log else output for name, output in raw.items()}

    def linear(self, modality: str | None) -> np.ndarray:
        def view(blocks: list[Block]) -> Any:
            return stacked([block for block in blocks if modality in (None, block.modality)])

        first, second = view(self.first), view(self.second)
        if self.bench.number:
            losses = [self.loss(Ridge(alpha).fit(first[self.fit], self.y[self.fit]).predict(first[self.valid])) for alpha in ALPHAS]
            best = Ridge(ALPHAS[int(np.argmin(losses))]).fit(second[self.pool], self.y[self.pool])
            return np.asarray(best.predict(second[self.test]))
        model = LogisticRegression(max_iter=300, warm_start=True)
        losses = []
        for C in CS:
            model.set_params(C=C).fit(first[self.fit], self.y[self.fit])
            losses.append(self.loss(self.spread(model, first[self.valid])))
        final = LogisticRegression(C=CS[int(np.argmin(losses))], max_iter=300).fit(second[self.pool], self.y[self.pool])
        return self.spread(final, second[self.test])

    def trees(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        import lightgbm

        settings: dict[str, Any] = {"learning_rate": 0.05, "num_leaves": 15, "min_child_samples": 10, "feature_fraction": 0.3, "lambda_l2": 1.0}
        settings |= {"bagging_fraction": 0.8, "bagging_freq": 1, "num_threads": 1, "seed": SEED, "verbose": -1}
        settings |= {"objective": "regression"} if self.bench.number else {"objective": "multiclass", "num_class": len(self.bench.classes)}

        def data(features: np.ndarray, rows: np.ndarray) -> Any:
            return lightgbm.Dataset(features[rows], self.y[rows])

        stop = lightgbm.early_stopping(30, verbose=False)
        searched = lightgbm.train(settings, data(first, self.fit), 600, valid_sets=[data(first, self.valid)], callbacks=[stop])
        final = lightgbm.train(settings, data(second, self.pool), max(1, searched.best_iteration))
        return np.asarray(final.predict(second[self.test]))

    def tabm(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        num_outputs = 1 if self.bench.number else len(self.bench.classes)
        _, epochs = fit_tabm(first, self.y, self.fit, self.valid, num_outputs, self.bench.number, None)
        model, _ = fit_tabm(second, self.y, self.pool, None, num_outputs, self.bench.number, epochs)
        return model(self.test)

    def loss(self, output: np.ndarray) -> float:
        """Squared error, or log-loss, on the rows that choose."""
        true = self.y[self.valid]
        if self.bench.number:
            return float(np.mean((output - true) ** 2))
        return float(-np.log(output[np.arange(len(true)), true].clip(1e-15)).mean())

    def spread(self, model: Any, rows: Any) -> np.ndarray:
        """Probabilities of all classes; zero for those that the model has not met."""
        made = np.zeros((rows.shape[0], len(self.bench.classes)))
        made[:, model.classes_] = model.predict_proba(rows)
        return made
