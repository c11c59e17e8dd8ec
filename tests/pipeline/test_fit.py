"""The main job on a small table: fit, what it says of itself, what it predicts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from tests.pipeline.conftest import FAST, make_table

import consilience
from consilience.core.errors import ColumnError, TargetError, UsageError


def test_learns_what_is_there(model: consilience.Model, data: Path) -> None:
    found = model.evaluate(data / "test.csv")
    assert found["metrics"]["accuracy"]["value"] > 0.9
    assert found["num_rows"] == 45
    assert found["num_quarantined"] == 0
    for metric in found["metrics"].values():
        assert metric["low"] <= metric["value"] <= metric["high"]
    assert set(found["by_class"]) == {"red", "green", "blue"}


def test_facts_are_complete(model: consilience.Model) -> None:
    facts = model.facts
    assert facts["chosen"] in {entry["name"] for entry in facts["leaderboard"]}
    for entry in facts["leaderboard"]:
        assert {"name", "learner", "modalities", "metrics", "fit_seconds", "stopped"} <= set(entry)
    assert {"metric", "value", "low", "high", "versus", "verdict"} <= set(facts["fusion_gain"])
    assert set(facts["seconds"]) == {"read", "encode", "learn", "total"}
    assert facts["peak_memory_mb"] > 0
    assert {encoder["modality"] for encoder in facts["encoders"]} == {"image", "table", "text"}
    names = {entry["name"] for entry in facts["leaderboard"]}
    assert {"linear:image", "linear:text", "linear:table", "linear:image+table+text"} <= names


def test_predictions_keep_rows_and_order(model: consilience.Model, data: Path) -> None:
    table = pl.read_csv(data / "test.csv", infer_schema=False)
    moved = table.with_columns(pl.when(pl.col("picture").is_null()).then(None).otherwise(str(data) + "/" + pl.col("picture")).alias("picture"))
    shuffled = np.random.default_rng(0).permutation(len(table))
    straight, mixed = model.predict_proba(moved), model.predict_proba(moved[shuffled])
    np.testing.assert_allclose(mixed, straight[shuffled], atol=1e-9)
    assert np.allclose(straight.sum(axis=1), 1)


def test_one_row_is_predicted_as_among_many(model: consilience.Model, data: Path) -> None:
    many = model.predict_proba(data / "test.csv")
    table = pl.read_csv(data / "test.csv", infer_schema=False).with_columns(str(data) + "/" + pl.col("picture").alias("picture"))
    for row in (0, 7, 20):
        np.testing.assert_allclose(model.predict_proba(table[row : row + 1])[0], many[row], atol=1e-9)


def test_evidence_may_be_missing(model: consilience.Model, data: Path) -> None:
    table = pl.read_csv(data / "test.csv", infer_schema=False)
    for dropped in (["picture"], ["words"], ["picture", "words"], ["size", "day", "shop"]):
        found = model.predict_table(table.drop(dropped).with_columns(pl.lit(None).alias("unknown column")))
        assert found["prediction"].null_count() == 0
    empty = table.with_columns(pl.lit(None, dtype=pl.String).alias(name) for name in ("picture", "words", "size", "day", "shop"))
    nothing = model.predict_proba(empty)
    assert np.allclose(nothing, nothing[0])
    assert nothing.max() < 0.6


def test_words_alone_still_tell(model: consilience.Model, data: Path) -> None:
    table = pl.read_csv(data / "test.csv", infer_schema=False).filter(pl.col("words").is_not_null())
    found = model.predict(table.select("words"))
    assert np.mean(found == table["label"].to_numpy()) > 0.9


def test_gone_file_is_absence_and_broken_file_is_set_aside(model: consilience.Model, data: Path, tmp_path: Path) -> None:
    make_table(tmp_path, rows=6, seed=5).with_columns(pl.Series("picture", [f"images/5-{row}.png" for row in range(6)])).write_csv(
        tmp_path / "new.csv"
    )
    (tmp_path / "images" / "5-1.png").unlink()
    (tmp_path / "images" / "5-4.png").write_bytes((tmp_path / "images" / "5-4.png").read_bytes()[:60])
    found = model.predict_table(tmp_path / "new.csv")
    assert len(found) == 6
    assert found["prediction"][1] is not None
    assert "5-1.png" in found["note"][1]
    assert found["prediction"][4] is None
    assert "5-4.png" in found["note"][4] or "picture" in found["note"][4]
    measured = model.evaluate(tmp_path / "new.csv")
    assert (measured["num_rows"], measured["num_quarantined"]) == (6, 1)
    with pytest.raises(consilience.errors.ConsilienceError):
        model.predict_table(tmp_path / "new.csv", strict=True)


def test_unknown_label_and_empty_label_are_set_aside(model: consilience.Model, data: Path) -> None:
    table = pl.read_csv(data / "test.csv", infer_schema=False)
    labels = ["purple", None, *table["label"].to_list()[2:]]
    found = model.evaluate(table.with_columns(pl.Series("label", labels)))
    assert found["num_quarantined"] == 2


@pytest.mark.parametrize("how", [{"valid_only": True}, {"refit": False}, {"folds": 3}, {}])
def test_valid_rows_are_used_as_said(data: Path, how: dict[str, object]) -> None:
    model = consilience.fit(data / "train.csv", target="label", valid=data / "test.csv", **FAST, **how)
    learned, scored = model.facts["num_learned"], model.facts["num_scored"]
    assert (learned, scored) == {"valid_only": (90, 45), "refit": (90, 45)}.get(next(iter(how), ""), (135, 135))


def test_groups_stay_together(data: Path) -> None:
    model = consilience.fit(data / "train.csv", target="label", group="shop", **FAST)
    assert model.schema.group() == "shop"
    assert "shop" not in {column.name for column in model.schema.features()}


def test_copies_in_a_group_do_not_make_a_verdict_surer(tmp_path: Path) -> None:
    frame = make_table(tmp_path).with_columns(
        (str(tmp_path) + "/" + pl.col("picture")).alias("picture"), pl.int_range(90).cast(pl.String).alias("house")
    )

    def width(table: pl.DataFrame, **words: str) -> float:
        facts = consilience.fit(table, target="label", cache=tmp_path / "store", presets="fast", folds=3, **words, **FAST).facts
        interval = next(entry["metrics"]["accuracy"] for entry in facts["leaderboard"] if entry["name"] == "linear:table")
        return float(interval["high"] - interval["low"])

    once, copies = width(frame), width(pl.concat([frame] * 4), group="house")
    assert copies > 0.7 * once  # four times the rows, drawn alone, would give half


def test_same_seed_same_model(data: Path, model: consilience.Model) -> None:
    again = consilience.fit(data / "train.csv", target="label", **FAST)
    np.testing.assert_array_equal(again.predict_proba(data / "test.csv"), model.predict_proba(data / "test.csv"))


def test_second_fit_encodes_nothing(data: Path, tmp_path: Path) -> None:
    first = consilience.fit(data / "train.csv", target="label", cache=tmp_path, **FAST)
    second = consilience.fit(data / "train.csv", target="shop", cache=tmp_path, **FAST)
    assert first.facts["cells"]["encoded"] > 0
    assert second.facts["cells"] == {"encoded": 0, "reused": first.facts["cells"]["encoded"], "forwards": 0}


def test_tutorial_way_two_tables_in_order(data: Path, tmp_path: Path) -> None:
    table = pl.read_csv(data / "train.csv", infer_schema=False)
    table.select("picture").write_csv(data / "pictures.csv")
    table.select("words", "label").write_csv(tmp_path / "texts.csv")
    model = consilience.fit([data / "pictures.csv", tmp_path / "texts.csv"], target="label", join="order", **FAST)
    assert {column.name for column in model.schema.features()} == {"picture", "words"}
    picture = next(path for path in table["picture"] if path)
    (answer,) = model.predict({"picture": [str(data / picture)], "words": ["the sea number 3 of a long list"]})
    assert answer in {"red", "green", "blue"}
    with pytest.raises(UsageError, match="join"):
        consilience.fit([data / "pictures.csv", tmp_path / "texts.csv"], target="label", **FAST)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        ({"target": "lable"}, ColumnError, "label"),
        ({"target": "label", "kinds": {"size": "nubmer"}}, UsageError, "number"),
        ({"target": "label", "encoders": {"image": "hgo"}}, UsageError, "hog"),
        ({"target": "label", "encoders": {"nothing": "hog"}}, UsageError, "picture"),
        ({"target": "label", "fusion": "concatt"}, UsageError, "concat"),
        ({"target": "label", "learners": ("liner",)}, UsageError, "linear"),
        ({"target": "label", "folds": 1}, UsageError, "folds"),
        ({"target": "label", "colour": 1}, UsageError, "colour"),
        ({"target": "label", "valid_only": True}, UsageError, "--valid"),
        ({}, UsageError, "target"),
    ],
)
def test_mistakes_are_explained(data: Path, settings: dict[str, object], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        consilience.fit(data / "train.csv", **{**FAST, **settings})


def test_target_of_one_class(data: Path) -> None:
    table = pl.read_csv(data / "train.csv", infer_schema=False).with_columns(pl.lit("same").alias("label"))
    with pytest.raises(TargetError):
        consilience.fit(table, target="label", **FAST)
