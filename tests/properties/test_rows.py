"""Rows through a fitted model: as many predictions as rows, in their order, each the same whatever stands around it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.pipeline.conftest import FAST
from tests.properties.conftest import examples
from tests.properties.tables import NASTY_TEXT

import consilience
from consilience.pipeline import _pieces

ODD: dict[str, list[Any]] = {
    "picture": [
        None,
        "",
        "images/gone.png",
        "images/broken.png",
        "images/empty.png",
        "../../nowhere/at/all.png",
        "https://example.org/x.png",
        "NA",
        "a" * 300,
        "images",
    ],
    "words": [None, "", " ", "NA", "🙂 سلام 名称", "\u202eabc", "x" * 20_000, "cherry " * 500, '"', "\n"],
    "size": [None, "", "abc", "inf", "-inf", "nan", "1e308", "-1e308", "9" * 400, "1,5", "3 kg", "0", "-0.0", "5e-324"],
    "day": [None, "", "soon", "2024-02-30", "9999-12-31", "01.02.2024", "1000-01-01", "20240101"],
    "shop": [None, "", "nowhere", "north ", "NORTH", "x" * 2000, "-"],
    "label": [None, "", "violet", "red"],
}
BROKEN = {"images/broken.png", "images/empty.png"}
"""Files that are there and are no pictures: their rows are set aside."""

COLUMNS = list(ODD)


def cells_of(name: str) -> st.SearchStrategy[Any]:
    return st.sampled_from(ODD[name]) | (NASTY_TEXT if name != "picture" else st.none())


@st.composite
def changed(draw: st.DrawFn, base: pl.DataFrame, max_rows: int = 8) -> pl.DataFrame:
    """Rows of the table, doubled and shuffled, with cells emptied or replaced by odd ones, and columns that are gone, new, or in another order."""
    rows = draw(st.lists(st.integers(0, base.height - 1), min_size=1, max_size=max_rows))
    table: dict[str, list[Any]] = {name: base[name].gather(rows).to_list() for name in COLUMNS}
    for _ in range(draw(st.integers(0, 2 * len(rows)))):
        name = draw(st.sampled_from(COLUMNS))
        table[name][draw(st.integers(0, len(rows) - 1))] = draw(cells_of(name))
    kept = draw(st.permutations(COLUMNS))[: draw(st.integers(2, len(COLUMNS)))]
    if set(kept) == {"label"} or not set(kept) - {"label"}:
        kept = [*kept, "shop"]
    made = pl.DataFrame({name: pl.Series(table[name], dtype=pl.String) for name in kept})
    return made.with_columns(extra=pl.lit("x")) if draw(st.booleans()) else made


@pytest.fixture(scope="module")
def base(made: Path) -> pl.DataFrame:
    return pl.read_csv(made / "test.csv", infer_schema=False)


def placed(frame: pl.DataFrame, folder: Path) -> pl.DataFrame:
    """Pictures by full path, so that a table in memory finds them."""
    if "picture" not in frame.columns:
        return frame
    full = [f"{folder}/{cell}" if cell and cell.startswith("images/") else cell for cell in frame["picture"]]
    return frame.with_columns(pl.Series("picture", full, dtype=pl.String))


def accounted(table: pl.DataFrame, predicted: pl.DataFrame, classes: tuple[str, ...]) -> None:
    """A prediction for each row, or a reason why there is none."""
    assert predicted.height == table.height
    pictures = table["picture"].to_list() if "picture" in table.columns else [None] * table.height
    for cell, row in zip(pictures, predicted.rows(named=True), strict=True):
        broken = cell is not None and any(str(cell).endswith(name) for name in BROKEN)
        assert (row["prediction"] is None) == broken, (cell, row)
        if broken:
            assert "picture" in row["note"]
            assert row["probability"] is None
            continue
        assert row["prediction"] in classes
        chances = [row[f"probability_{name}"] for name in classes]
        assert sum(chances) == pytest.approx(1)
        assert row["probability"] == max(chances)


def alike(one: pl.DataFrame, other: pl.DataFrame) -> None:
    """The same predictions and notes; probabilities up to last bits of float32, which may depend on how many rows are multiplied at once."""
    assert one["note"].to_list() == other["note"].to_list()
    for name in one.columns:
        if name.startswith("probability"):
            np.testing.assert_allclose(one[name].cast(pl.Float64).to_numpy(), other[name].cast(pl.Float64).to_numpy(), rtol=0, atol=2e-6)
    sure = one["probability"].fill_null(1.0).to_numpy() > 0.5 + 1e-5
    assert np.array_equal(one["prediction"].to_numpy()[sure], other["prediction"].to_numpy()[sure])


@examples(20)
@given(data=st.data())
def test_each_row_has_its_prediction_or_its_reason(data: st.DataObject, fitted: consilience.Model, base: pl.DataFrame, made: Path) -> None:
    table = placed(data.draw(changed(base)), made).with_row_index("id")
    predicted = fitted.predict_table(table, proba=True, keep=["id"])
    assert predicted["id"].to_list() == list(range(table.height))
    accounted(table, predicted, fitted.classes)


@examples(12)
@given(data=st.data())
def test_a_row_does_not_depend_on_its_company(data: st.DataObject, fitted: consilience.Model, base: pl.DataFrame, made: Path) -> None:
    table = placed(data.draw(changed(base)), made)
    whole = fitted.predict_table(table, proba=True)
    order = data.draw(st.permutations(range(table.height)))
    alike(fitted.predict_table(table[order], proba=True), whole[order])
    cut = data.draw(st.integers(0, table.height))
    alike(pl.concat([fitted.predict_table(table[:cut], proba=True), fitted.predict_table(table[cut:], proba=True)]), whole)
    row = data.draw(st.integers(0, table.height - 1))
    alike(fitted.predict_table(table[row : row + 1], proba=True), whole[row : row + 1])
    alike(fitted.predict_table([table.row(row, named=True)], proba=True), whole[row : row + 1])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_pieces, "MEDIA_PIECE", data.draw(st.integers(1, 3)))
        alike(fitted.predict_table(table, proba=True), whole)


@examples(8)
@given(data=st.data())
def test_files_and_memory_are_one(data: st.DataObject, fitted: consilience.Model, base: pl.DataFrame, made: Path, tmp_path: Path) -> None:
    table = placed(data.draw(changed(base)), made)
    table = table.with_columns(pl.col(pl.String).str.replace_all("[\r\0]", ""))  # what a CSV cannot carry from everywhere to everywhere
    whole = fitted.predict_table(table, proba=True)
    table.write_csv(tmp_path / "t.csv")
    table.write_parquet(tmp_path / "t.parquet")
    table.write_ndjson(tmp_path / "t.jsonl")
    for name in ("t.csv", "t.parquet", "t.jsonl"):
        alike(fitted.predict_table(tmp_path / name, proba=True), whole)


@examples(8)
@given(data=st.data())
def test_evaluate_counts_every_row(data: st.DataObject, fitted: consilience.Model, base: pl.DataFrame, made: Path) -> None:
    table = placed(data.draw(changed(base)), made)
    if "label" not in table.columns:
        table = table.with_columns(label=pl.lit("red"))
    pictures = table["picture"].to_list() if "picture" in table.columns else [None] * table.height
    labels = [None if cell is None else cell.strip() for cell in table["label"].to_list()]
    good = [label in fitted.classes and not any(str(cell).endswith(name) for name in BROKEN) for cell, label in zip(pictures, labels, strict=True)]
    if not any(good):
        with pytest.raises(consilience.errors.ConsilienceError, match="can be scored"):
            fitted.evaluate(table)
        return
    told = fitted.evaluate(table)
    assert told["num_rows"] == table.height
    assert told["num_quarantined"] == table.height - sum(good)


def test_rows_that_are_set_aside_in_training_are_named(made: Path, tmp_path: Path) -> None:
    frame = placed(pl.read_csv(made / "train.csv", infer_schema=False), made)
    bad = {3: ("picture", f"{made}/images/broken.png"), 17: ("label", None), 40: ("picture", f"{made}/images/empty.png")}
    for row, (name, cell) in bad.items():
        frame[row, name] = cell
    fitted = consilience.fit(frame, target="label", cache=tmp_path, folds=2, near_duplicates=False, **FAST)
    assert {item["row"] for item in fitted.facts["quarantine"]} == set(bad)
    assert fitted.facts["num_quarantined"] == len(bad)
    assert fitted.facts["num_learned"] == frame.height - len(bad)


@pytest.mark.parametrize("rows", [0, 1])
def test_hardly_any_rows(fitted: consilience.Model, base: pl.DataFrame, made: Path, rows: int) -> None:
    table = placed(base, made)[:rows]
    assert fitted.predict_table(table, proba=True).height == rows
    assert fitted.predict_proba(table).shape == (rows, 3)
    assert len(fitted.embed(table)) == rows
