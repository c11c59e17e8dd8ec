"""A long table goes through in pieces: the same as in one (but for last bits of float32), with its notes, its rows aside and one count of rows."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal
from tests.pipeline.conftest import FAST, make_table

import consilience
from consilience.core.errors import CellError, ColumnError
from consilience.data.schema import ColumnSchema, Schema
from consilience.data.table import read_table
from consilience.pipeline import _pieces
from consilience.pipeline._pieces import Together, piece_size, pieces


class Told:
    """A progress that remembers what it is told."""

    def __init__(self) -> None:
        self.steps: list[tuple[str, int, str]] = []
        self.counts: list[int] = []
        self.said: list[str] = []

    @contextmanager
    def step(self, label: str, total: int, unit: str = "rows") -> Iterator[Told]:
        self.steps.append((label, total, unit))
        yield self

    def advance(self, amount: int = 1) -> None:
        self.counts.append(amount)

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of seven rows."""
    monkeypatch.setattr(_pieces, "PIECE", 7)
    monkeypatch.setattr(_pieces, "MEDIA_PIECE", 7)


@pytest.fixture
def rough(tmp_path: Path) -> Path:
    """45 rows, some with a broken picture, a picture that is gone, a number that is none, an empty or unknown target."""
    frame = make_table(tmp_path, rows=45, seed=3).with_row_index("id")
    (tmp_path / "images" / "broken.png").write_bytes(b"\x89PNG no more")
    changes = {
        "picture": {0: "images/broken.png", 5: "images/gone.png", 13: "images/broken.png", 44: "images/broken.png"},
        "size": {6: "abc", 7: "def", 30: "ghi"},
        "label": {3: None, 20: "violet"},
    }
    for name, cells in changes.items():
        frame = frame.with_columns(pl.Series(name, [cells.get(row, cell) for row, cell in enumerate(frame[name])]))
    frame.write_csv(tmp_path / "rough.csv")
    return tmp_path / "rough.csv"


def in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pieces, "MEDIA_PIECE", 50_000)


def test_predictions_are_the_same(model: consilience.Model, rough: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    parts = model.predict_table(rough, proba=True, keep=["id", "shop"])
    in_one_piece(monkeypatch)
    whole = model.predict_table(rough, proba=True, keep=["id", "shop"])
    assert_frame_equal(parts, whole)
    assert parts["id"].to_list() == [str(row) for row in range(45)]
    assert np.flatnonzero(parts["prediction"].is_null()).tolist() == [0, 13, 44]
    for row, said in ((0, "picture"), (5, "images/gone.png"), (6, "'abc'"), (7, "'def'"), (13, "picture"), (30, "'ghi'"), (44, "picture")):
        assert said in parts["note"][row], row
    assert sum(note != "" for note in parts["note"]) == 7


def test_measures_and_vectors_are_the_same(model: consilience.Model, rough: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    measured, vectors = model.evaluate(rough), model.embed_table(rough, keep=["id"])
    in_one_piece(monkeypatch)
    whole = model.evaluate(rough)
    for name, interval in measured["metrics"].items():
        assert interval == pytest.approx(whole["metrics"][name]), name
    for name in ("by_class", "num_rows", "num_quarantined", "absent_columns"):
        assert measured[name] == whole[name], name
    assert_frame_equal(model.embed_table(rough, keep=["id"]), vectors)
    assert (measured["num_rows"], measured["num_quarantined"]) == (45, 5)
    assert np.flatnonzero(vectors["vector"].is_null()).tolist() == [0, 13, 44]
    assert vectors["note"][13] != ""


def test_a_number_keeps_its_interval(data: Path, small: None, monkeypatch: pytest.MonkeyPatch) -> None:
    fitted = consilience.fit(data / "train.csv", target="size", learners=("linear", "trees"), encoders=FAST["encoders"], progress=False)
    parts = fitted.predict_table(data / "test.csv")
    in_one_piece(monkeypatch)
    assert_frame_equal(parts, fitted.predict_table(data / "test.csv"))
    assert (parts["low"] < parts["high"]).all()


def with_places(rough: Path) -> pl.DataFrame:
    """The rough table in memory; its pictures are found from anywhere."""
    return pl.read_csv(rough, infer_schema=False).with_columns((pl.lit(f"{rough.parent}/") + pl.col("picture")).alias("picture"))


def test_an_error_names_the_row_of_the_whole_table(model: consilience.Model, rough: Path, small: None) -> None:
    with pytest.raises(CellError, match="'ghi'") as wrong:
        model.predict(with_places(rough)[14:], strict=True)
    assert (wrong.value.column, wrong.value.row) == ("size", 30 - 14)


def test_a_broken_picture_is_found_at_its_place(model: consilience.Model, rough: Path, small: None) -> None:
    with pytest.raises(ColumnError, match="picture") as wrong:
        model.predict(with_places(rough)[31:], strict=True)
    assert wrong.value.row == 44 - 31


def test_the_whole_is_counted_and_said_once(model: consilience.Model, rough: Path, small: None) -> None:
    told = Told()
    model.predict_table(pl.read_csv(rough, infer_schema=False).drop("picture", "day"), progress=told)
    assert told.steps == [("Predict", 45, "rows")]
    assert sum(told.counts) == 45
    assert len(told.said) == 2
    assert all("the model does without it" in text for text in told.said)


def test_a_table_of_one_piece_shows_each_encoder(model: consilience.Model, rough: Path) -> None:
    told = Told()
    model.predict_table(rough, progress=told)
    assert any(label.startswith("Encode picture") for label, _, _ in told.steps)


def test_no_rows_are_one_empty_piece(model: consilience.Model, rough: Path, small: None) -> None:
    nothing = pl.read_csv(rough, infer_schema=False).clear()
    made = model.predict_table(nothing, proba=True)
    assert made.height == 0
    assert made.schema == model.predict_table(rough, proba=True).schema


def test_shares_never_count_past_the_end() -> None:
    told = Told()
    together = Together(told, told, steps=1)
    with together.piece(10), together.step("one", total=4, unit="cells") as first:
        first.advance(2)
        assert sum(told.counts) == 5
        first.advance(50)
        assert sum(told.counts) == 10
    with together.piece(3), together.step("none", total=0) as second:
        second.advance(0)
    assert sum(told.counts) == 13


def test_pieces_cover_the_table_in_order() -> None:
    table = read_table({"a": list(range(20))})
    found = list(pieces(table, 6))
    assert [first for first, _ in found] == [0, 6, 12, 18]
    assert pl.concat([part.frame for _, part in found]).equals(table.frame)


def test_a_column_of_unknown_form_is_not_cut() -> None:
    def column(kind: str, *examples: str) -> ColumnSchema:
        return ColumnSchema(name=kind, kind=kind, role="feature", reason="", confidence=1, examples=examples)

    assert piece_size(Schema(columns=(column("number", "1,5"),)), 10**6) == _pieces.PIECE
    assert piece_size(Schema(columns=(column("number", "1,5"), column("text", "a"))), 10**6) == _pieces.MEDIA_PIECE
    assert piece_size(Schema(columns=(column("number", "1,5"), column("date"))), 10**6) == 10**6
