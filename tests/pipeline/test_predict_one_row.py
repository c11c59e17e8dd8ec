"""A row that comes alone pays for what the model needs, and for nothing that could have been done before."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.feature_extraction.text import CountVectorizer
from tests.pipeline.conftest import FAST, make_table

import consilience
from consilience.data.kinds import KINDS
from consilience.data.table import read_table
from consilience.encoders import ENCODERS
from consilience.features._examples import Block


@pytest.fixture(scope="module")
def by_table(tmp_path_factory: pytest.TempPathFactory) -> tuple[consilience.Model, pl.DataFrame]:
    """A model that sees pictures and texts, and needs neither; and its rows."""
    folder = tmp_path_factory.mktemp("by_table")
    frame = make_table(folder, rows=80, seed=5).with_columns((pl.lit(f"{folder}/") + pl.col("picture")).alias("picture"))
    sizes = pl.Series("size", np.random.default_rng(0).normal(0, 3, 80).round(3))
    frame = frame.with_columns(sizes, (2 * sizes + 1).alias("double")).drop("label")
    model = consilience.fit(frame, target="double", cache=folder / "store", kinds={"size": "number"}, **FAST)
    assert model.pipeline.modalities == ["table"]
    return model, frame


def test_encoders_that_the_model_does_not_use_do_not_run(
    by_table: tuple[consilience.Model, pl.DataFrame], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model, frame = by_table
    before = model.predict_table(frame), model.embed(frame)

    def refuse(*arguments: object) -> None:
        raise AssertionError("it is not needed")

    monkeypatch.setattr(ENCODERS.get("image/hog"), "encode", refuse)
    monkeypatch.setattr(ENCODERS.get("text/bow"), "encode", refuse)
    monkeypatch.setattr(model.pipeline, "store", None)
    assert model.predict_table(frame).equals(before[0])
    np.testing.assert_array_equal(model.embed(frame), before[1])
    assert model.evaluate(frame)["num_rows"] == 80
    with pytest.raises(AssertionError, match="not needed"):
        model.pipeline.score(read_table(frame))


def test_a_broken_picture_is_told_of_where_it_is_not_needed(by_table: tuple[consilience.Model, pl.DataFrame], tmp_path: Path) -> None:
    model, frame = by_table
    (tmp_path / "broken.png").write_bytes(b"\x89PNG no more")
    row = frame.row(0, named=True) | {"picture": str(tmp_path / "broken.png")}
    made = model.predict_table([row, frame.row(1, named=True)])
    assert made["prediction"].is_null().to_list() == [True, False]
    assert "picture" in made["note"][0]


def test_what_was_learned_is_not_looked_at_again(model: consilience.Model, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pl.read_csv(data / "test.csv", infer_schema=False).drop("picture").to_dicts()
    first = model.predict_proba(rows[:1])

    def refuse(*arguments: object) -> None:
        raise AssertionError("it was known before")

    monkeypatch.setattr(CountVectorizer, "_validate_vocabulary", refuse)
    for kind in ("number", "date", "category"):
        monkeypatch.setattr(KINDS.get(kind), "form", refuse)
    np.testing.assert_array_equal(model.predict_proba(rows[:1]), first)
    assert model.predict(rows[1:4]).shape == (3,)


@pytest.mark.parametrize("cells", [["3.0", "-12.00", "x.0", "1.50", None, "0.0"], [" a ", "\t", "", "b\u3000", None, "c\x1f"]])
def test_few_cells_are_read_like_many(cells: list[str | None]) -> None:
    many = pl.Series("a", cells * 1000, dtype=pl.String)
    for name in ("category", "text"):
        kind = KINDS.get(name)()
        few, all_of_them = kind.parse(many[: len(cells)]), kind.parse(many)
        assert few.values.tolist() * 1000 == all_of_them.values.tolist()
        assert few.present.tolist() * 1000 == all_of_them.present.tolist()


def test_the_mean_of_tokens_does_not_depend_on_how_many_rows_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    values, mask = random.normal(size=(50, 4, 6)).astype(np.float32), random.random((50, 4)) < 0.6
    block = Block("a", "text", values, mask)
    expected = np.where(mask[:, :, None], values, 0).sum(axis=1) / np.maximum(mask.sum(axis=1), 1)[:, None]
    np.testing.assert_allclose(block.pooled(), expected, rtol=1e-6)
    whole = np.asarray(block.pooled())
    monkeypatch.setattr("consilience.features._examples._ROWS", 7)
    np.testing.assert_array_equal(np.asarray(block.pooled()), whole)


def test_nothing_writes_into_a_block(model: consilience.Model, data: Path) -> None:
    examples = model.pipeline.score(read_table(data / "test.csv")).examples
    before = [np.array(block.values.toarray() if hasattr(block.values, "toarray") else block.values) for block in examples.blocks]
    model.pipeline.model.predict(examples)
    for block, values in zip(examples.blocks, before, strict=True):
        np.testing.assert_array_equal(block.values.toarray() if hasattr(block.values, "toarray") else block.values, values)
