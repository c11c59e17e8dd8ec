"""Every task from an inferred target to predictions, on columns of numbers and words."""

from __future__ import annotations

import numpy as np
import polars as pl
import pytest

import consilience

FAST = {"learners": ("linear",), "encoders": {"text": "bow"}, "progress": False}


def make(rows: int = 160, seed: int = 0) -> pl.DataFrame:
    random = np.random.default_rng(seed)
    x, y = random.normal(size=(2, rows))
    words = [" ".join(random.choice(["apple", "pear", "plum", "fig", "nut"], 4)) for _ in range(rows)]
    return pl.DataFrame({"x": x, "y": y, "words": words})


def test_skewed_positive_number_is_learned_as_logarithm() -> None:
    table = make()
    table = table.with_columns(price=np.exp(2 * table["x"].to_numpy() + 5 + 0.1 * np.random.default_rng(1).normal(size=len(table))))
    model = consilience.fit(table[:120], target="price", **FAST)
    assert model.schema.target is not None
    assert (model.schema.target.task, model.schema.target.log) == ("regression", True)
    found = model.evaluate(table[120:])
    assert {"rmse", "mae", "r2", "median_ae", "mae_log", "r2_log"} <= set(found["metrics"])
    assert found["metrics"]["r2_log"]["value"] > 0.9
    wild = table[120:].with_columns(pl.lit(-1e9).alias("x"))
    predictions = model.predict_table(wild)
    assert (predictions["prediction"] > 0).all()
    assert ((predictions["low"] <= predictions["prediction"]) & (predictions["prediction"] <= predictions["high"])).all()


def test_interval_covers_new_rows() -> None:
    table = make(400)
    table = table.with_columns(target=table["x"] * 3 + pl.Series(np.random.default_rng(2).normal(size=len(table))))
    model = consilience.fit(table[:200], target="target", **FAST)
    found = model.predict_table(table[200:])
    truth = table["target"][200:]
    assert 0.82 < ((found["low"] <= truth) & (truth <= found["high"])).mean() < 0.97
    with pytest.raises(consilience.errors.UsageError):
        model.predict_proba(table)


def test_lists_are_labels() -> None:
    table = make()
    labels = [sorted({word for word in words.split() if word in {"apple", "plum", "fig"}}) for words in table["words"]]
    table = table.with_columns(pl.Series("tags", labels))
    model = consilience.fit(table[:120], target="tags", **FAST)
    assert model.schema.target is not None
    assert model.schema.target.task == "multilabel"
    found = model.evaluate(table[120:])
    assert {"micro_f1", "macro_f1", "map", "hamming"} <= set(found["metrics"])
    assert found["metrics"]["micro_f1"]["value"] > 0.9
    assert isinstance(model.predict_table(table[120:])["prediction"][0], pl.Series)


def test_two_classes_unbalanced_with_weights() -> None:
    table = make(300)
    table = table.with_columns(rare=pl.when(table["x"] + 0.5 * table["y"] > 1.2).then(pl.lit("yes")).otherwise(pl.lit("no")))
    plain = consilience.fit(table[:200], target="rare", **FAST)
    weighted = consilience.fit(table[:200], target="rare", task_settings={"class_weights": "balanced"}, **FAST)
    recall = [model.evaluate(table[200:])["by_class"]["yes"]["recall"] for model in (plain, weighted)]
    assert recall[1] >= recall[0]
    assert set(plain.evaluate(table[200:])["metrics"]) >= {
        "accuracy",
        "balanced_accuracy",
        "macro_f1",
        "precision",
        "recall",
        "log_loss",
        "auc",
        "ece",
    }


@pytest.mark.parametrize("learner", ["trees", "tabm", "network"])
def test_other_learners_learn_too(learner: str) -> None:
    table = make(240)
    table = table.with_columns(side=pl.when(table["x"] * table["y"] > 0).then(pl.lit("same")).otherwise(pl.lit("other")))
    model = consilience.fit(table[:180], target="side", learners=(learner,), fusion="concat", encoders={"text": "bow"}, progress=False)
    assert model.evaluate(table[180:])["metrics"]["accuracy"]["value"] > 0.65
