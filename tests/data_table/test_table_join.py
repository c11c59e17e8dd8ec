"""Joining: no row of the first table is lost, moved or doubled, and what does not fit is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consilience.core.errors import ColumnError, TableError, UsageError
from consilience.data.table import Table, join_tables


def table(columns: dict[str, list[Any]], source: str = "a.csv", base: str | None = None) -> Table:
    frame = pl.DataFrame(columns)
    return Table(frame, dict.fromkeys(frame.columns, Path(base)) if base else {}, source)


def refused(error: type[Exception], tables: list[Table], how: str) -> str:
    with pytest.raises(error) as caught:
        join_tables(tables, how)
    assert caught.value.hint  # type: ignore[attr-defined]
    return str(caught.value)


def test_side_by_side_with_bases() -> None:
    images = table({"image": ["1.png", "2.png"]}, "images.csv", "/x")
    texts = table({"text": ["a", None], "image": ["1.png", "2.png"]}, "texts.csv", "/y")
    labels = table({"label": ["p", "q"]}, "labels.csv", "/z")
    joined = join_tables([images, texts, labels], "order")
    assert joined.frame.rows(named=True) == [{"image": "1.png", "text": "a", "label": "p"}, {"image": "2.png", "text": None, "label": "q"}]
    assert joined.bases == {"image": Path("/x"), "text": Path("/y"), "label": Path("/z")}
    assert joined.source == "images.csv + texts.csv + labels.csv"


def test_order_needs_equal_lengths() -> None:
    said = refused(TableError, [table({"a": [1, 2]}, "images.csv"), table({"b": [1]}, "texts.csv")], "order")
    assert "images.csv has 2, texts.csv has 1" in said
    assert "--join COL" in said


@pytest.mark.parametrize("other", [["x", "z"], ["x", None]])
def test_order_refuses_columns_that_disagree(other: list[str | None]) -> None:
    said = refused(TableError, [table({"a": ["x", "y"]}, "l.csv"), table({"a": other}, "r.csv")], "order")
    assert "l.csv and r.csv both have the column 'a'" in said
    assert "1 row, first in row 1" in said


def test_order_takes_equal_columns_of_other_types_once() -> None:
    assert join_tables([table({"id": ["1", "2"]}), table({"id": [1, 2], "x": [3, 4]})], "order").frame.rows() == [("1", 3), ("2", 4)]


def test_a_single_table_stays_and_none_is_refused() -> None:
    single = table({"a": [1]})
    assert join_tables([single], "order") is single
    assert join_tables([single], "no such key") is single
    refused(UsageError, [], "order")


def test_lookup_keeps_rows_and_order() -> None:
    left = table({"k": ["b", " a ", "b", None, "zz", ""], "n": [1, 2, 3, 4, 5, 6]}, base="/x")
    right = table({"x": [10.0, None, 30.0, 40.0], "k": ["a ", "b", "c", None]}, "b.csv", "/y")
    joined = join_tables([left, right], "k")
    assert joined.frame.rows() == [("b", 1, None), (" a ", 2, 10.0), ("b", 3, None), (None, 4, None), ("zz", 5, None), ("", 6, None)]
    assert joined.bases == {"k": Path("/x"), "n": Path("/x"), "x": Path("/y")}


@pytest.mark.parametrize(("mine", "theirs"), [(["1", "2"], [2, 1]), ([1, 2], [2.0, 1.0]), ([1.0, None], ["2", "1"])])
def test_keys_compare_as_text(mine: list[Any], theirs: list[Any]) -> None:
    joined = join_tables([table({"k": mine}), table({"k": theirs, "x": ["two", "one"]})], "k")
    assert joined.frame["x"][0] == "one"
    assert joined.frame["k"].to_list() == mine


def test_a_doubled_key_is_refused() -> None:
    left, right = table({"k": ["a", "b"]}), table({"k": ["b", "a", " a", None, None], "x": [1, 2, 3, 4, 5]}, "many.csv")
    said = refused(TableError, [left, right], "k")
    assert "'many.csv'" in said
    assert "'a' is there 2 times, in rows 1, 2" in said


def test_an_absent_key_is_refused_with_the_columns() -> None:
    said = refused(ColumnError, [table({"id": ["a"]}), table({"ID": ["a"], "x": [1]}, "r.csv")], "id")
    assert "'r.csv'" in said
    assert "'ID', 'x'" in said
    assert "'a.csv'" in refused(ColumnError, [table({"y": ["a"]}), table({"id": ["a"]})], "id")
    assert "List" in refused(ColumnError, [table({"k": [["a"]]}), table({"k": ["a"]})], "k")


def test_no_partner_at_all_is_refused() -> None:
    said = refused(TableError, [table({"k": ["a", "b"]}, "l.csv"), table({"k": ["c"], "x": [1]}, "r.csv")], "k")
    assert "l.csv has 'a', 'b', r.csv has 'c'" in said
    refused(TableError, [table({"k": [None, None]}), table({"k": [None, "a"]})], "k")
    empty = pl.DataFrame(schema={"k": pl.String})
    assert join_tables([Table(empty), table({"k": ["a"], "x": [1]})], "k").frame.shape == (0, 2)


def test_shared_columns_are_filled_from_each_other() -> None:
    left = table({"k": ["a", "b", "c"], "s": ["x", None, ""]})
    right = table({"k": ["a", "b", "c"], "s": [None, "y", "z"]}, "r.csv")
    assert join_tables([left, right], "k").frame["s"].to_list() == ["x", "y", "z"]
    clash = table({"k": ["a"], "s": ["other"]}, "r.csv")
    said = refused(TableError, [left, clash], "k")
    assert "column 's'" in said
    assert "row 0" in said


def test_shared_columns_of_other_types() -> None:
    joined = join_tables([table({"k": ["a", "b"], "s": ["1", None]}), table({"k": ["b", "a"], "s": [2, 1]})], "k")
    assert joined.frame["s"].to_list() == ["1", "2"]
    lists = join_tables([table({"k": ["a", "b"], "s": [["p"], None]}), table({"k": ["b"], "s": [["q"]]})], "k")
    assert lists.frame["s"].to_list() == [["p"], ["q"]]


KEYS = st.none() | st.text("ab ", max_size=2)


@settings(max_examples=100, deadline=None)
@given(st.lists(KEYS, max_size=8), st.lists(KEYS, max_size=6))
def test_lookup_equals_a_dictionary(mine: list[str | None], theirs: list[str | None]) -> None:
    left = Table(pl.DataFrame({"k": mine, "n": range(len(mine))}, schema={"k": pl.String, "n": pl.Int64}))
    right = Table(pl.DataFrame({"k": theirs, "x": range(len(theirs))}, schema={"k": pl.String, "x": pl.Int64}))
    places: dict[str, int] = {}
    doubled = False
    for place, key in enumerate(theirs):
        if key and key.strip():
            doubled |= key.strip() in places
            places[key.strip()] = place
    want = [places.get((key or "").strip()) for key in mine]
    if doubled or (mine and all(place is None for place in want)):
        with pytest.raises(TableError):
            join_tables([left, right], "k")
        return
    joined = join_tables([left, right], "k").frame
    assert joined["k"].to_list() == mine
    assert joined["n"].to_list() == list(range(len(mine)))
    assert joined["x"].to_list() == want


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 5), st.integers(1, 4))
def test_order_keeps_every_cell(rows: int, count: int) -> None:
    tables = [
        Table(pl.DataFrame({f"c{place}": [f"{place}/{row}" for row in range(rows)]}, schema={f"c{place}": pl.String})) for place in range(count)
    ]
    assert join_tables(tables, "order").frame.equals(pl.concat([each.frame for each in tables], how="horizontal"))
