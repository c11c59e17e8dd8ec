"""Columns that are channels of one thing, columns read twice, and what happens where channels are gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest

import consilience
from consilience.core.errors import ColumnError
from consilience.data.kinds import KINDS
from consilience.data.schema import build_dataset, infer_schema
from consilience.data.schema.channels import channel_groups
from consilience.data.table import read_table
from consilience.features.plan import Features

FAST = {"learners": ("linear",), "progress": False}


def table(rows: int = 40, seed: int = 0) -> pl.DataFrame:
    """Two axes of a sensor, a longer record, a word and the class, which the axes tell together."""
    draw = np.random.default_rng(seed)
    made = []
    for row in range(rows):
        length = int(draw.integers(12, 20))
        wave = np.sin(np.arange(length) * (0.4 if row % 2 else 1.2)) + draw.normal(0, 0.1, length)
        other = np.cos(np.arange(length) * 0.4) + draw.normal(0, 0.1, length)
        made.append(
            {
                "x": " ".join(f"{value:.3f}" for value in wave),
                "y": None if row % 9 == 8 else " ".join(f"{value:.3f}" for value in other),
                "long": " ".join(f"{value:.3f}" for value in draw.normal(size=40)),
                "word": ["red", "blue", "green"][row % 3],
                "label": ["slow", "fast"][row % 2],
            }
        )
    return pl.DataFrame(made)


def groups(frame: pl.DataFrame) -> list[tuple[str, ...]]:
    made = read_table(frame)
    return channel_groups(build_dataset(made, infer_schema(made, "label"), with_target=True))


def test_equal_lengths_make_channels():
    assert groups(table()) == [("x", "y")]


def test_other_lengths_do_not():
    frame = table()
    assert groups(frame.with_columns(y=pl.col("y").str.split(" ").list.slice(1).list.join(" "))) == []


def test_pictures_and_words_are_never_channels():
    assert [key for key in KINDS if KINDS.get(key).together] == ["series"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> consilience.Model:
    return consilience.fit(table(), target="label", cache=tmp_path_factory.mktemp("store"), ignore=["long", "word"], **FAST)


def test_they_share_their_slots(model: consilience.Model):
    assert {tuple(slot["columns"]) for slot in model.facts["encoders"]} == {("x", "y")}
    assert (model.predict(table(seed=1)) == table(seed=1)["label"].to_numpy()).mean() > 0.9


def test_a_channel_that_is_gone_and_all_of_them(model: consilience.Model, tmp_path: Path):
    again = consilience.load(model.save(tmp_path / "model"), cache=tmp_path / "store")
    rows = table(seed=2)
    assert np.array_equal(again.predict_proba(rows), model.predict_proba(rows))
    one = again.predict_proba(rows.drop("y"))
    none = again.predict_proba(rows.select("word", x=pl.lit(None, dtype=pl.String), y=pl.lit(None, dtype=pl.String)))
    assert np.isfinite(one).all()
    assert np.allclose(none, none[0])


def test_a_column_can_be_named_by_itself(tmp_path: Path):
    model = consilience.fit(table(), target="label", cache=tmp_path, ignore=["long", "word"], encoders={"y": "stats"}, **FAST)
    assert {tuple(slot["columns"]) for slot in model.facts["encoders"]} == {("x",), ("y",)}


def test_more_channels_than_before_are_an_error():
    known = Features([], {}, {"s:any": 4})
    with pytest.raises(ColumnError, match="channels"):
        known._as_known("s:any", np.ones((2, 6), dtype=np.float32), "s")
    assert known._as_known("s:any", np.zeros((2, 0), dtype=np.float32), "s").shape == (2, 4)


def test_a_column_read_twice(tmp_path: Path):
    model = consilience.fit(
        table(), target="label", cache=tmp_path, ignore=["long", "x", "y"], kinds={"word": "text"}, also={"word": "category"}, **FAST
    )
    kinds = {column.name: column.kind for column in model.schema.features()}
    assert kinds == {"word": "text", "word as category": "category"}
    saved = consilience.load(model.save(tmp_path / "model"), cache=tmp_path)
    assert np.array_equal(saved.predict_proba(table(seed=1)), model.predict_proba(table(seed=1)))
    with pytest.raises(ColumnError, match="nowhere"):
        consilience.fit(table(), target="label", cache=tmp_path, also={"nowhere": "category"}, **FAST)
