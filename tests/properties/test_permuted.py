"""The order of rows is no evidence, and that of columns even less.

Columns in another order: the same model to the bit, of each learner, fitted or asked. Rows in another order: other folds and other draws, so not the
same model, but one as good; a linear model also predicts the same up to what other folds mean for its penalty.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from tests.pipeline.conftest import make_table

import consilience

TARGETS = {"label": "accuracy", "size": "mae"}


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> tuple[pl.DataFrame, pl.DataFrame]:
    folder = tmp_path_factory.mktemp("permuted")
    made = (make_table(folder, rows=120, seed=0), make_table(folder, rows=120, seed=1))
    full = pl.format(f"{folder}/{{}}", "picture").alias("picture")
    return made[0].with_columns(full), made[1].with_columns(full)


class Fits:
    """Each model once, whoever asks for it."""

    def __init__(self, train: pl.DataFrame, store: Path) -> None:
        self.train, self.store = train, store
        self.known: dict[tuple[str, str, str], consilience.Model] = {}

    def __call__(self, target: str, learner: str, order: str) -> consilience.Model:
        key = (target, learner, order)
        if key not in self.known:
            rows = np.random.default_rng(7).permutation(self.train.height) if order == "rows" else np.arange(self.train.height)
            columns = {"columns": sorted(self.train.columns), "reversed": self.train.columns[::-1]}.get(order, self.train.columns)
            words: dict[str, Any] = {"learners": (learner,), "encoders": {"image": "hog", "text": "bow"}, "folds": 3, "presets": "fast"}
            self.known[key] = consilience.fit(self.train[rows].select(columns), target=target, cache=self.store, progress=False, **words)
        return self.known[key]


@pytest.fixture(scope="module")
def fits(tables: tuple[pl.DataFrame, pl.DataFrame], tmp_path_factory: pytest.TempPathFactory) -> Fits:
    return Fits(tables[0], tmp_path_factory.mktemp("store"))


def output(model: consilience.Model, table: pl.DataFrame) -> np.ndarray:
    names = [f"probability_{name}" for name in model.classes] or ["prediction", "low", "high"]
    return model.predict_table(table, proba=True).select(names).to_numpy()


CASES = [
    ("size", "linear"),
    ("label", "linear"),
    pytest.param("size", "trees", marks=pytest.mark.slow),
    pytest.param("label", "trees", marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("target", "learner"), CASES)
def test_rows_in_another_order(target: str, learner: str, fits: Fits, tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    test = tables[1]
    one, other = fits(target, learner, "as it is"), fits(target, learner, "rows")
    metric = TARGETS[target]
    found, again = (model.evaluate(test)["metrics"][metric] for model in (one, other))
    assert found["low"] <= again["high"]
    assert again["low"] <= found["high"]
    scale = 1.0 if target == "label" else float(test["size"].cast(pl.Float64).std())
    assert abs(found["value"] - again["value"]) <= 0.06 * scale
    if learner == "linear" and one.facts["chosen"] == other.facts["chosen"]:
        assert np.abs(output(one, test) - output(other, test)).max() <= 0.1 * scale


@pytest.mark.parametrize("order", ["columns", pytest.param("reversed", marks=pytest.mark.slow)])
@pytest.mark.parametrize(("target", "learner"), CASES)
def test_columns_in_another_order(target: str, learner: str, order: str, fits: Fits, tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    one, other = fits(target, learner, "as it is"), fits(target, learner, order)
    assert one.facts["chosen"] == other.facts["chosen"]
    assert np.array_equal(output(one, tables[1]), output(other, tables[1]), equal_nan=True)


@pytest.mark.parametrize(("target", "learner"), CASES)
def test_a_model_is_asked_in_another_order(target: str, learner: str, fits: Fits, tables: tuple[pl.DataFrame, pl.DataFrame]) -> None:
    model, test = fits(target, learner, "as it is"), tables[1]
    whole = output(model, test)
    assert np.array_equal(output(model, test.select(test.columns[::-1])), whole, equal_nan=True)
    order = np.random.default_rng(1).permutation(test.height)
    np.testing.assert_allclose(output(model, test[order]), whole[order], rtol=0, atol=1e-5)
